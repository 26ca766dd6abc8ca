"""Pictures of alarms, drawn on the server: where they are, and how many began on each day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import accumulate

import shapely
from django.utils import timezone

from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.things import api as things
from shizhu.kernel.models import Area
from shizhu.lib.sketch import sketch

COLUMN, BAR, HIGH = 10, 8, 100  # of a day, of its bar; of the busiest day's bar
LABELLED = 5


@dataclass(frozen=True)
class Spot:
    """A place with how many alarms it has; x and y in the drawing, `level` is the worst, where it is asked."""

    stream: things.StreamInfo
    count: int
    x: float
    y: float
    level: str = ""


@dataclass(frozen=True)
class Spots:
    """The outline of the county as an SVG path, and the places in it."""

    outline: str
    places: list[Spot]


def spots(county: str, found: Sequence[tuple[things.StreamInfo, int, str]]) -> Spots | None:
    """Of (where, how many, level), those at one place together. None where no place is known."""
    placed: dict[tuple[float, float], list[tuple[things.StreamInfo, int, str]]] = {}
    for stream, count, level in found:
        if stream.point:
            placed.setdefault(stream.point, []).append((stream, count, level))
    if not placed:
        return None
    points = shapely.GeometryCollection([shapely.Point(one) for one in placed])
    drawn = sketch(points, Area.objects.get(county=county, code=county).geometry)
    at = zip(placed.values(), drawn.points, strict=True)
    return Spots(drawn.outline, [_spot(here, x, y) for here, (x, y) in at])


def _spot(here: Sequence[tuple[things.StreamInfo, int, str]], x: float, y: float) -> Spot:
    worst = max((level for _stream, _count, level in here), key=_weight)
    return Spot(here[0][0], sum(count for _stream, count, _level in here), x, y, worst)


def _weight(level: str) -> int:
    return LEVELS.index(level) if level in LEVELS else -1


@dataclass(frozen=True)
class Part:
    """The alarms of one level on one day: a rectangle from the top `y` on."""

    level: str
    y: float
    height: float


@dataclass(frozen=True)
class Day:
    """One day: where its bar stands, what it is made of, the worst level at the bottom."""

    day: date
    count: int
    x: int
    parts: list[Part]

    @property
    def is_labelled(self) -> bool:
        """Whether its number stands below it: the first of a month, and each fifth day."""
        return self.day.day == 1 or self.day.day % LABELLED == 0


@dataclass(frozen=True)
class Days:
    """Alarms by day, beside each other; `most` is how many the busiest day had."""

    days: list[Day]
    most: int

    @property
    def width(self) -> int:
        """Of the drawing."""
        return COLUMN * len(self.days)


def by_day(raised: Iterable[tuple[datetime, str]], first: date, last: date) -> Days:
    """Alarms (when, level) by the day on which they began, in the county's time."""
    counted = Counter((timezone.localtime(at).date(), level) for at, level in raised)
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    totals = {day: sum(counted[day, level] for level in LEVELS) for day in days}
    most = max(totals.values(), default=0)
    drawn = [
        Day(day, totals[day], number * COLUMN, _parts([(one, counted[day, one]) for one in reversed(LEVELS)], most))
        for number, day in enumerate(days)
    ]
    return Days(drawn, most)


def _parts(counts: Sequence[tuple[str, int]], most: int) -> list[Part]:
    tops = accumulate((count for _level, count in counts))
    heights = ((level, count, top) for (level, count), top in zip(counts, tops, strict=True) if count)
    return [Part(level, HIGH - HIGH * top / most, HIGH * count / most) for level, count, top in heights]
