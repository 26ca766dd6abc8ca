"""How an indicator stands: what was to be expected by now, how much of the way is done, and the light with its reason.

Expected progress is linear from base to target, or compound (same yearly factor), or linear between steps that people
set; where the base is better than the target already, the target is a bound to be kept all the time. An indicator may
be kept within a tolerance of its path instead. A missing value is no judgement: late data is not late work. What a
reason says was due is of the whole year on its last day, else of the path up to the day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from math import isclose
from typing import NamedTuple

GREEN, YELLOW, RED, NONE = "green", "yellow", "red", "none"
WORST_FIRST = (RED, YELLOW, GREEN, NONE)
YELLOW_FROM = 0.8  # of the expected way


@dataclass(frozen=True)
class Aim:
    """Where an indicator comes from and where it shall be; values at the end of their years."""

    target: float | None
    target_year: int | None
    base: float | None = None
    base_year: int | None = None
    is_rising: bool = True
    is_compound: bool = False
    steps: tuple[tuple[int, float], ...] = ()  # (year, value at its end) between base and target
    tolerance: float | None = None  # kept within so much of the path, up or down
    unit: str = ""  # of all its values, as people read it


@dataclass(frozen=True)
class Standing:
    """`expected` by the day asked, `done` share of the whole way (1 = target reached), `light`, and why: {zh, en}."""

    light: str
    why: dict[str, str]
    expected: float | None = None
    done: float | None = None


def rank(light: str) -> int:
    """Where a light stands in a list that begins with the worst; what has none stands last."""
    return WORST_FIRST.index(light) if light in WORST_FIRST else len(WORST_FIRST)


def expected(aim: Aim, on: date) -> float | None:
    """The value to be expected on a day; the target itself where there is no base, None without a target."""
    if aim.target is None:
        return None
    if aim.steps:
        return _between(_points(aim), _ended_years(on))
    if (
        _is_kept(aim)
        or aim.base is None
        or aim.base_year is None
        or aim.target_year is None
        or aim.target_year <= aim.base_year
    ):
        return aim.target
    share = max(0.0, (_ended_years(on) - aim.base_year) / (aim.target_year - aim.base_year))
    if share >= 1:
        return aim.target
    if aim.is_compound and aim.base > 0 and aim.target > 0:
        return float(aim.base * (aim.target / aim.base) ** share)
    return aim.base + (aim.target - aim.base) * share


def _is_kept(aim: Aim) -> bool:
    """Whether the base is better than the target already: a floor or ceiling to be kept, with no way to go."""
    if aim.base is None or aim.target is None or aim.tolerance is not None:
        return False
    return aim.base > aim.target if aim.is_rising else aim.base < aim.target


def _points(aim: Aim) -> list[tuple[int, float]]:
    """The ends and the steps in order of years."""
    ends = [(aim.base_year, aim.base), (aim.target_year, aim.target)]
    known = {year: value for year, value in ends if year is not None and value is not None}
    first, last = aim.base_year or 0, aim.target_year or 9999  # a step outside was of another base or target
    return sorted({**{year: value for year, value in aim.steps if first <= year <= last}, **known}.items())


def _between(points: list[tuple[int, float]], at: float) -> float:
    """The value on the line between the two points around a moment; before and after them their own."""
    if at <= points[0][0]:
        return points[0][1]
    for (year, value), (next_year, next_value) in pairwise(points):
        if at <= next_year:
            return value + (next_value - value) * (at - year) / (next_year - year)
    return points[-1][1]


def _ended_years(on: date) -> float:
    """2023.0 at the end of 2023, 2023.5 in the middle of 2024."""
    first, next_first = date(on.year, 1, 1), date(on.year + 1, 1, 1)
    return on.year - 1 + ((on - first).days + 1) / (next_first - first).days


def path(aim: Aim) -> list[tuple[int, float]]:
    """(year, expected at its end) from base to target; empty where there is no way to draw."""
    points = _points(aim)
    if len(points) < 2 or aim.target is None:
        return []
    years = range(points[0][0], points[-1][0] + 1)
    return [(year, value) for year in years if (value := expected(aim, date(year, 12, 31))) is not None]


class Score(NamedTuple):
    """Of a plan: 0–100, None where nothing is known, and the share of the weight that is known."""

    value: float | None
    known: float


def score(told: Sequence[tuple[float, float | None]]) -> Score:
    """Of (weight, share of the way done): how much of all the way is gone, by weight (目标完成法).

    Who is past a target has the whole of it and no more, who is behind the base nothing; what has no value or no target
    is not counted.
    """
    known = [(weight, min(max(share, 0.0), 1.0)) for weight, share in told if share is not None]
    total, counted = sum(weight for weight, _share in told), sum(weight for weight, _share in known)
    if not counted:
        return Score(None, 0.0)
    return Score(100 * sum(weight * share for weight, share in known) / counted, counted / total)


def done(aim: Aim, value: float) -> float | None:
    """Share of the way from base to target; without a base, of the target (for falling: target over value)."""
    if aim.target is None:
        return None
    if aim.base is not None and aim.base != aim.target and not _is_kept(aim):
        return (value - aim.base) / (aim.target - aim.base)
    return _share(value, aim.target, is_rising=aim.is_rising)


def _share(value: float, wanted: float, *, is_rising: bool) -> float | None:
    """Value over wanted, of falling ones wanted over value; below 0 the mirror image. None for a rise to 0."""
    if wanted < 0:
        value, wanted, is_rising = -value, -wanted, not is_rising
    if is_rising:
        return value / wanted if wanted else None
    return wanted / value if value > 0 else 1.0


def _is_over(one: float, other: float) -> bool:
    """At least as much, but for what computing leaves over: 10.3 is 0.3 over 10."""
    return one >= other or isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)


def stand(aim: Aim, value: float | None, on: date) -> Standing:
    """The light: green on the way, yellow from four fifths of it, red below; none without value or target."""
    wanted = expected(aim, on)
    if wanted is None:
        return Standing(NONE, {"zh": "规划没有给出目标值", "en": "the plan gives no target"})
    if value is None:
        return Standing(NONE, {"zh": "还没有数据，不作判断", "en": "no value yet, so no judgement"}, wanted)
    share = done(aim, value)
    if aim.tolerance is not None:
        return _within(aim, value, wanted, on)
    if _is_over(value, wanted) if aim.is_rising else _is_over(wanted, value):
        return Standing(GREEN, _why(aim, value, wanted, on, "达到", "reaches"), wanted, share)
    is_near = _is_over(_way(aim, value, wanted), YELLOW_FROM)
    words = ("接近", "is near") if is_near else ("落后于", "is behind")
    return Standing(YELLOW if is_near else RED, _why(aim, value, wanted, on, *words), wanted, share)


def _within(aim: Aim, value: float, wanted: float, on: date) -> Standing:
    """Green within the tolerance, yellow within twice of it."""
    away, allowed = abs(value - wanted), aim.tolerance or 0.0
    light = GREEN if _is_over(allowed, away) else YELLOW if _is_over(2 * allowed, away) else RED
    (now, due), (gap, most) = _apart(aim, value, wanted), _apart(aim, away, allowed)
    by = _by(on)
    words = {
        "zh": f"现值 {now} 与{by['zh']}应有值 {due} 相差 {gap}，允许 {most}",
        "en": f"{now} is {gap} away from the {due} expected {by['en']}, {most} is allowed",
    }
    return Standing(light, words, wanted)


def _way(aim: Aim, value: float, wanted: float) -> float:
    """Share of the expected way that is done; where what is due is worse than the base, there is no way but a level."""
    if aim.base is not None and wanted != aim.base and (wanted > aim.base) == aim.is_rising:
        return (value - aim.base) / (wanted - aim.base)
    return _share(value, wanted, is_rising=aim.is_rising) or 0.0


def _why(aim: Aim, value: float, wanted: float, on: date, zh: str, en: str) -> dict[str, str]:
    (now, due), by = _apart(aim, value, wanted), _by(on)
    return {"zh": f"现值 {now} {zh}{by['zh']}应达值 {due}", "en": f"{now} {en} the {due} expected {by['en']}"}


def _by(on: date) -> dict[str, str]:
    """Whether the end of a year is judged, or the way up to a day."""
    if (on.month, on.day) == (12, 31):
        return {"zh": f" {on.year} 年", "en": f"of {on.year}"}
    return {"zh": f"截至 {on} 的", "en": f"by {on}"}


def _apart(aim: Aim, one: float, other: float) -> tuple[str, str]:
    """Two numbers in the unit of an aim, with two decimals or as many more as it takes to tell them apart."""
    for places in range(2, 10):
        texts = tuple(f"{number:.{places}f}".rstrip("0").rstrip(".") for number in (one, other))
        if one == other or texts[0] != texts[1]:
            break
    return f"{texts[0]} {aim.unit}".rstrip(), f"{texts[1]} {aim.unit}".rstrip()
