"""The way of an indicator drawn on the server. Sizes are SVG units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

from shizhu.engines.plan import computing
from shizhu.engines.plan.logic.forecasting import Forecast
from shizhu.engines.plan.models import Indicator, Value
from shizhu.engines.plan.periods import named

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 900, 340, 70, 30, 20, 40


@dataclass(frozen=True)
class Mark:
    """A point with its words."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Way:
    """The way of an indicator: path and values as polylines, marks of the years, where today is."""

    path: str
    values: str
    points: list[Mark]
    years: list[Mark]
    ticks: list[Mark]
    today: float | None
    aim: Mark | None
    outlook: str
    width: int = WIDTH
    height: int = HEIGHT


def way(indicator: Indicator, ahead: Forecast | None) -> Way | None:
    """Path, values and outlook of an indicator; None where there is nothing to draw."""
    rows = computing.known(indicator.values.all())
    known = sorted((_at(row), row.value) for row in rows if row.value is not None)
    path = [(float(year), value) for year, value in computing.path_of(indicator)]
    every = [*path, *known]
    if len(every) < 2:
        return None
    future = [known[-1], (float(ahead.year), ahead.value)] if ahead and known else []
    first, last = min(x for x, _y in [*every, *future]), max(x for x, _y in [*every, *future])
    low, high = min(y for _x, y in [*every, *future]), max(y for _x, y in [*every, *future])
    room = (high - low) * 0.1 or 1.0
    low, high = low - room, high + room

    def x(year: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (year - first) / ((last - first) or 1)

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)

    def line(points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{x(year):.1f},{y(value):.1f}" for year, value in points)

    now = _year_of(timezone.localdate())
    target = path[-1] if path else None
    return Way(
        line(path), line(known), [Mark(x(at), y(value), f"{value:.6g}") for at, value in known],
        [Mark(x(year), HEIGHT - 12, str(year)) for year in range(int(first), int(last) + 1)],
        [Mark(LEFT - 8, y(low + (high - low) * n / 4), f"{low + (high - low) * n / 4:.4g}") for n in range(5)],
        x(now) if first <= now <= last else None,
        Mark(x(target[0]), y(target[1]), f"{target[1]:.6g}") if target else None, line(future),
    )  # fmt: skip


def _at(value: Value) -> float:
    """A value counts at the end of its period: that of 2023 at 2023.0."""
    return _year_of(named(value.period).last)


def _year_of(day: date) -> float:
    first = date(day.year, 1, 1)
    return day.year - 1 + ((day - first).days + 1) / 365.25
