"""Working time (工作时间): which hours of a day offices work, and how it is counted.

Days of work are counted as 民法典 §201 and 行政许可法 §82 have it: the day it begins is left out, and it ends with the
hours of the last one. Hours of work run on from where one stands, over the hours of offices alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

from shizhu.lib.standards.holidays import YEARS, is_holiday, is_workday
from shizhu.lib.times import parse_duration

USUAL = ("08:30-12:00", "14:00-17:30")
NOTICE = 11  # the month
DAY = re.compile(r"(\d{4}-)?\d\d-\d\d")
LONGEST = 3660  # days looked ahead
SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)|([01]\d|2[0-3]):([0-5]\d)-24:00")


@dataclass(frozen=True)
class Hours:
    """The hours of offices of a county: spans of minutes of a day, in order, and where that is.

    Beside the days of the national notices it has days `off` of its own and days `worked` in exchange for some: `MM-DD`
    of each year or `YYYY-MM-DD`.
    """

    spans: tuple[tuple[int, int], ...]
    zone: tzinfo
    off: frozenset[str] = frozenset()
    worked: frozenset[str] = frozenset()

    @property
    def day(self) -> timedelta:
        """How much is worked on a day."""
        return timedelta(minutes=sum(end - begin for begin, end in self.spans))

    def is_workday(self, day: date) -> bool:
        """Whether the offices of the county work on a day."""
        names = {day.isoformat(), f"{day:%m-%d}"}
        return not names & self.off and (bool(names & self.worked) or is_workday(day))

    def is_holiday(self, day: date) -> bool:
        """Whether a day is a public holiday, of the nation or of the county alone."""
        names = {day.isoformat(), f"{day:%m-%d}"}
        return bool(names & self.off) or (not names & self.worked and is_holiday(day))

    def unknown(self, today: date) -> int | None:
        """The first year that deadlines reach into and whose notice is neither known nor given by days of the county.

        The State Council gives notice of a year in the November before.
        """
        years = (today.year, today.year + (today.month >= NOTICE))
        known = {int(day[:4]) for day in self.off if len(day) > len("MM-DD")}
        return next((year for year in years if year not in YEARS and year not in known), None)

    def of(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """The spans of a day as moments; none of a day off."""
        if self.is_workday(day):
            midnight = datetime.combine(day, time(), self.zone)
            for begin, end in self.spans:
                yield midnight + timedelta(minutes=begin), midnight + timedelta(minutes=end)


def days(texts: Iterable[str]) -> frozenset[str]:
    """Days as they are written: `MM-DD` of each year or `YYYY-MM-DD`. Raises ValueError for others."""
    found = frozenset(map(str, texts))
    for text in found:
        try:
            is_day = bool(DAY.fullmatch(text)) and bool(date.fromisoformat(text if len(text) > 5 else f"2024-{text}"))
        except ValueError:
            is_day = False
        if not is_day:
            raise ValueError(f"{text!r} must be a day such as 11-18 of each year, or 2026-11-18")
    return found


def hours(texts: Sequence[str], zone: tzinfo, *, off: Iterable[str] = (), worked: Iterable[str] = ()) -> Hours:
    """Hours from texts such as `08:30-12:00`. Raises ValueError for others, and for spans out of order."""
    spans: list[tuple[int, int]] = []
    for text in texts:
        if not SPAN.fullmatch(text):
            raise ValueError(f"{text!r} is no span of hours such as 08:30-12:00")
        begin, end = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
        if begin >= end or (spans and begin < spans[-1][1]):
            raise ValueError(f"{text!r} must begin before it ends, and after the span before it")
        spans.append((begin, end))
    if not spans:
        raise ValueError("there must be at least one span of hours such as 08:30-12:00")
    return Hours(tuple(spans), zone, days(off), days(worked))


def after(moment: datetime, duration: str, at: Hours) -> datetime:
    """The moment a duration of working time after another.

    `P3D` and `P2W` (a week has five) are days of work: the end of the third after today. `PT4H` are hours of work. Both
    together: the hours follow the days. Raises ValueError for what is no duration of weeks to seconds.
    """
    size = parse_duration(duration)
    days, rest = _days(duration, size)
    if days:
        moment = _end_of_day(moment, days, at)
    return forward(moment, rest, at) if rest else moment


def _days(duration: str, size: timedelta) -> tuple[int, timedelta]:
    found = re.match(r"P(?:(\d+)W)?(?:(\d+)D)?", duration)
    weeks, days = (int(part or 0) for part in found.groups()) if found else (0, 0)
    return weeks * 5 + days, size - timedelta(weeks=weeks, days=days)


def _end_of_day(moment: datetime, days: int, at: Hours) -> datetime:
    day = moment.astimezone(at.zone).date()
    for _ in range(LONGEST):
        day += timedelta(days=1)
        days -= at.is_workday(day)
        if days == 0:
            return list(at.of(day))[-1][1]
    raise ValueError(f"is more than {LONGEST} days ahead")


def worked(begin: datetime, end: datetime, at: Hours) -> timedelta:
    """How much working time lies between two moments; less than nothing where the second is before the first."""
    if end < begin:
        return -worked(end, begin, at)
    day, last = begin.astimezone(at.zone).date(), end.astimezone(at.zone).date()
    total = timedelta()
    while day <= last:
        for opens, closes in at.of(day):
            total += max(timedelta(), min(closes, end) - max(opens, begin))
        day += timedelta(days=1)
    return total


def forward(moment: datetime, size: timedelta, at: Hours) -> datetime:
    """The first moment at which so much has been worked since another."""
    left, day = size, moment.astimezone(at.zone).date()
    for _ in range(LONGEST):
        for opens, closes in at.of(day):
            begin = max(opens, moment)
            if closes > begin and left <= closes - begin:
                return begin + left if left or begin == moment else moment
            left -= max(timedelta(), closes - begin)
        day += timedelta(days=1)
    raise ValueError(f"is more than {LONGEST} days ahead")


def moved(due: datetime, paused: datetime, resumed: datetime, at: Hours) -> datetime:
    """A deadline after a pause: later by the working time that the pause took."""
    return forward(due, worked(paused, resumed, at), at) if resumed > paused else due
