"""Readings put together by intervals of the county's time, thinned for a chart, and what is missing of them.

Hours of good readings are kept as rollups; what can be made of them is. Everything else is made of the readings, those
of archived days too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from shizhu.engines.things import archive, history
from shizhu.engines.things.logic.quality import checks
from shizhu.engines.things.logic.readings import Verdict
from shizhu.engines.things.logic.thinning import lttb
from shizhu.engines.things.models import Datastream
from shizhu.kernel import spans
from shizhu.lib.times import parse_duration

FUNCTIONS = ("count", "mean", "min", "max", "sum", "first", "last")
ROLLED = {"count", "mean", "min", "max", "sum"}
QUALITIES = {
    "good": [Verdict.GOOD],
    "usable": [Verdict.GOOD, Verdict.SUSPECT],
    "all": [Verdict.GOOD, Verdict.SUSPECT, Verdict.BAD],
}
CALENDAR = {"PT1H": "hour", "P1D": "day", "P1M": "month", "P1Y": "year"}
MOST_BUCKETS = 50_000
HOUR, TICK = timedelta(hours=1), timedelta(microseconds=1)
ORIGIN = "1970-01-01 00:00+08"  # fixed intervals are counted from a midnight of the county
GAP = 2.5  # expected intervals without a reading
ROLLUPS = """
SELECT {bucket}, sum(count), sum(total), min(least), max(most) FROM things_hour
WHERE datastream_id = %s AND hour >= %s AND hour < %s GROUP BY 1 ORDER BY 1
"""
RAW = """
COPY (SELECT phenomenon_time, coalesce(result, 'NaN'), verdict FROM things_observation
  WHERE datastream_id = %s AND phenomenon_time >= %s AND phenomenon_time < %s ORDER BY phenomenon_time, sequence)
TO STDOUT (FORMAT binary)
"""
RAW_ROW = np.dtype(
    [
        ("fields", ">i2"),
        ("l1", ">i4"),
        ("time", ">i8"),
        ("l2", ">i4"),
        ("value", ">f8"),
        ("l3", ">i4"),
        ("verdict", ">i2"),
    ]
)
HEADER, TRAILER = 19, 2  # bytes of PostgreSQL's binary COPY
POSTGRES_EPOCH = 946_684_800_000_000  # microseconds
ARCHIVED = """
SELECT epoch_us(phenomenon_time) AS time, coalesce(result, 'NaN'::DOUBLE) AS value, verdict FROM read_parquet(?)
WHERE datastream_id = ? AND phenomenon_time >= ? AND phenomenon_time < ? ORDER BY phenomenon_time, sequence
"""


class AggregateFault(Exception):
    """What was asked cannot be answered; the text names what, the rule, and what to do."""


@dataclass(frozen=True)
class Values:
    """Numbers of a datastream in order of time (microseconds since 1970)."""

    times: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Bucket:
    """Readings of one interval; `expected`: how many there should be, None if nobody knows."""

    start: datetime
    end: datetime
    count: int
    figures: dict[str, float]
    expected: int | None = None

    @property
    def completeness(self) -> float | None:
        """Which part of what was expected is there."""
        return min(1.0, round(self.count / self.expected, 4)) if self.expected else None


@dataclass(frozen=True)
class Interval:
    """A step of the calendar (hour, day, month, year of the county), or a fixed duration."""

    calendar: str = ""
    fixed: timedelta = field(default=timedelta())

    def begin(self, moment: datetime) -> datetime:
        """The beginning of the interval that holds it."""
        if self.calendar:
            return spans.begin(moment.astimezone(spans.COUNTY_ZONE), self.calendar)
        origin = datetime.fromisoformat(ORIGIN)
        return origin + (moment - origin) // self.fixed * self.fixed

    def after(self, start: datetime) -> datetime:
        """The beginning of the next one."""
        return spans.after(start.astimezone(spans.COUNTY_ZONE), self.calendar) if self.calendar else start + self.fixed

    @property
    def is_of_hours(self) -> bool:
        """Whether it consists of whole hours."""
        return bool(self.calendar) or not self.fixed % HOUR


def interval(text: str) -> Interval:
    """PT1H, P1D, P1M, P1Y are of the calendar, other ISO 8601 durations (from a second) are counted from a midnight."""
    if text in CALENDAR:
        return Interval(CALENDAR[text])
    try:
        fixed = parse_duration(text)
    except ValueError:
        fixed = timedelta()
    if fixed < timedelta(seconds=1):
        raise AggregateFault(
            f"interval: {text!r}: must be an ISO 8601 duration from a second, P1M or P1Y, such as PT1H"
        )
    return Interval(fixed=fixed)


def aggregate(
    stream: int, start: datetime, end: datetime, step: Interval, functions: Sequence[str], quality: str = "good"
) -> list[Bucket]:
    """Buckets with readings of that quality, in order; `end` does not belong to the span. Raises AggregateFault."""
    unknown = [name for name in functions if name not in FUNCTIONS]
    if unknown:
        raise AggregateFault(f"function: {unknown[0]!r}: must be one of {', '.join(FUNCTIONS)}")
    if quality not in QUALITIES:
        raise AggregateFault(f"quality: {quality!r}: must be one of {', '.join(QUALITIES)}")
    shortest = (
        step.fixed or {"hour": HOUR, "day": 24 * HOUR, "month": 28 * 24 * HOUR, "year": 365 * 24 * HOUR}[step.calendar]
    )
    if (end - start) / shortest > MOST_BUCKETS:
        raise AggregateFault(
            f"interval: the span has more than {MOST_BUCKETS} of them: take a longer one, or a shorter span"
        )
    is_rolled = quality == "good" and step.is_of_hours and {*functions} <= ROLLED and _is_hour(start) and _is_hour(end)
    found = _of_hours(stream, start, end, step) if is_rolled else _of_values(values(stream, start, end, quality), step)
    every = expected_interval(stream)
    made = []
    for begin, figures in found:
        after = step.after(begin)
        due = (min(after, end) - max(begin, start)) // every if every else None
        chosen = {name: _rounded(figures[name]) for name in functions if name != "count"}
        made.append(Bucket(begin, after, int(figures["count"]), chosen, due))
    return made


def _is_hour(moment: datetime) -> bool:
    return (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)


def _rounded(number: float) -> float:
    """Twelve digits: what comes after depends on the order of adding."""
    return float(f"{number:.12g}")


Figures = Iterator[tuple[datetime, dict[str, float]]]


def _of_hours(stream: int, start: datetime, end: datetime, step: Interval) -> Figures:
    """Out of the rollups."""
    bucket = f"date_trunc('{step.calendar}', hour, 'Asia/Shanghai')" if step.calendar else "date_bin(%s, hour, %s)"
    given: list[Any] = [] if step.calendar else [step.fixed, ORIGIN]
    with connection.cursor() as cursor:
        cursor.execute(ROLLUPS.format(bucket=bucket), [*given, stream, start, end])
        for begin, count, total, least, most in cursor.fetchall():
            yield begin, {"count": count, "sum": total, "mean": total / count, "min": least, "max": most}


def _of_values(found: Values, step: Interval) -> Figures:
    """Out of the readings."""
    at = 0
    while at < len(found.times):
        begin = step.begin(archive.moment(int(found.times[at])))
        after = ticks(step.after(begin))
        until = int(np.searchsorted(found.times, after))
        part = found.values[at:until]
        total = float(part.sum())
        yield begin, {
            "count": len(part), "sum": total, "mean": total / len(part), "min": float(part.min()),
            "max": float(part.max()), "first": float(part[0]), "last": float(part[-1]),
        }  # fmt: skip
        at = until


def values(stream: int, start: datetime, end: datetime, quality: str = "good") -> Values:
    """All numbers of that quality as they are known now; `end` does not belong to the span."""
    hot, cold = _hot(stream, start, end), _cold(stream, start, end)
    times, numbers, verdicts = (np.concatenate(pair) for pair in zip(cold, hot, strict=True))
    if len(cold[0]) and len(hot[0]) and cold[0][-1] >= hot[0][0]:
        order = np.argsort(times, kind="stable")
        times, numbers, verdicts = times[order], numbers[order], verdicts[order]
    is_last = np.append(times[1:] != times[:-1], True)[: len(times)]
    kept = is_last & np.isin(verdicts, QUALITIES[quality]) & ~np.isnan(numbers)
    return Values(times[kept], numbers[kept])


def _hot(stream: int, start: datetime, end: datetime) -> tuple[NDArray[Any], ...]:
    """Times, numbers, verdicts of all sequences that the table has."""
    with connection.cursor() as cursor, cursor.copy(RAW, [stream, start, end]) as copy:
        raw = b"".join(map(bytes, copy))
    rows = np.frombuffer(raw, RAW_ROW, offset=HEADER, count=(len(raw) - HEADER - TRAILER) // RAW_ROW.itemsize)
    return (
        rows["time"].astype(np.int64) + POSTGRES_EPOCH,
        rows["value"].astype(np.float64),
        rows["verdict"].astype(np.int8),
    )


def _cold(stream: int, start: datetime, end: datetime) -> tuple[NDArray[Any], ...]:
    """The same of the files."""
    files = history.files(stream, start, end)
    if not files:
        return np.empty(0, np.int64), np.empty(0), np.empty(0, np.int8)
    with archive.duck() as work:
        found = work.execute(ARCHIVED, [files, stream, start, end]).fetchnumpy()
    return tuple(np.asarray(found[name]) for name in ("time", "value", "verdict"))


def thinned(
    stream: int, start: datetime, end: datetime, points: int, quality: str = "good"
) -> list[tuple[datetime, float]]:
    """So many readings that show the shape of all (largest triangle three buckets); AggregateFault below three."""
    if not 3 <= points <= MOST_BUCKETS:
        raise AggregateFault(f"lttb: {points}: must be from 3 to {MOST_BUCKETS} points")
    found = values(stream, start, end, quality)
    chosen = lttb(found.times, found.values, points)
    return [
        (archive.moment(time), value)
        for time, value in zip(found.times[chosen].tolist(), found.values[chosen].tolist(), strict=True)
    ]


def expected_interval(stream: int) -> timedelta | None:
    """How often the datastream should have a reading, as its profile says."""
    declared = Datastream.objects.filter(pk=stream).values_list("checks", flat=True).first()
    known = checks(declared) if declared else None
    return known.interval if known else None


@dataclass(frozen=True)
class Presence:
    """Which readings of a span are there. `gaps`: (from, to) without any, never filled."""

    there: int
    expected: int
    gaps: list[tuple[datetime, datetime]]

    @property
    def completeness(self) -> float:
        """Which part of what was expected is there."""
        return min(1.0, self.there / self.expected) if self.expected else 1.0


def presence(stream: int, start: datetime, end: datetime) -> Presence | None:
    """Readings of any verdict beside how many the profile expects; None if it does not say how often."""
    every = expected_interval(stream)
    if every is None or start >= end:
        return None
    times = values(stream, start, end, "all").times
    marks = np.concatenate([[ticks(start)], times, [ticks(end)]])
    wide = np.flatnonzero(np.diff(marks) > GAP * (every / TICK))
    found = [(archive.moment(int(marks[n])), archive.moment(int(marks[n + 1]))) for n in wide]
    return Presence(len(times), (end - start) // every, found)


def ticks(moment: datetime) -> int:
    """Microseconds since 1970."""
    return (moment - archive.EPOCH) // TICK
