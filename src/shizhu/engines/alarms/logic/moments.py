"""Moments as whole microseconds since 1970, and the windows of a calendar in the county's time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

from shizhu.lib import worktime
from shizhu.lib.times import parse_duration

Moment = int
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ZONE = timezone(timedelta(hours=8))  # Asia/Shanghai, which has had no summer time since 1991
SECOND, MINUTE, DAY = 1_000_000, 60_000_000, 86_400_000_000
YEARS = date(2024, 1, 1), date(2029, 1, 1)  # looked at to see when a calendar is open, 29 February too
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
KINDS: dict[str, Callable[[worktime.Hours, date], bool]] = {  # as offices have them: worked in exchange is a workday
    "workday": worktime.Hours.is_workday, "restday": lambda offices, day: not offices.is_workday(day),
    "holiday": worktime.Hours.is_holiday,
}  # fmt: skip


def moment(time: datetime) -> Moment:
    """Exact, for times of this era."""
    return round(time.timestamp() * SECOND)


def time_of(at: Moment) -> datetime:
    """The moment in UTC."""
    return EPOCH + timedelta(microseconds=at)


def day_end(at: Moment, edge: int) -> Moment:
    """The end of the day on which a moment lies, where days end `edge` microseconds after midnight of the county."""
    shift = ZONE.utcoffset(None) // timedelta(microseconds=1) - edge
    return ((at + shift) // DAY + 1) * DAY - shift


def span(text: str | None) -> int:
    """An ISO 8601 duration in microseconds; 0 for none."""
    return parse_duration(text) // timedelta(microseconds=1) if text else 0


def minutes(text: str) -> int:
    """`08:30` as minutes of the day."""
    hour, minute = text.split(":")
    return int(hour) * 60 + int(minute)


@dataclass(frozen=True)
class Calendar:
    """When a rule judges: months (1–12), days by name or kind, minutes of the day from–to, over midnight too."""

    months: frozenset[int]
    days: frozenset[str]
    hours: tuple[tuple[int, int], ...]
    offices: worktime.Hours  # which days of work and of rest the county has

    def holds(self, at: Moment) -> bool:
        """Whether the moment lies in a window; one over midnight belongs to the day on which it began."""
        local = time_of(at).astimezone(ZONE)
        minute = local.hour * 60 + local.minute
        for start, end in self.hours:
            if start < end and start <= minute < end and self._has(local):
                return True
            if start >= end and minute >= start and self._has(local):
                return True
            if start >= end and minute < end and self._has(local - timedelta(days=1)):
                return True
        return False

    def _has(self, local: date) -> bool:
        if local.month not in self.months:
            return False
        day = date(local.year, local.month, local.day)
        return DAYS[day.weekday()] in self.days or any(
            KINDS[kind](self.offices, day) for kind in self.days & KINDS.keys()
        )

    def longest(self) -> int:
        """The longest time that it is open at a stretch, in microseconds; 0 if it never is. Of some years on end."""
        days = [YEARS[0] + timedelta(days=number) for number in range((YEARS[1] - YEARS[0]).days)]
        opened = sorted(
            (number * 1440 + start, number * 1440 + (end if start < end else 1440 + end))
            for number, day in enumerate(days) if self._has(day) for start, end in self.hours
        )  # fmt: skip
        longest, begun, until = 0, 0, 0
        for start, end in opened:
            begun, until = (begun, max(until, end)) if start <= until else (start, end)
            longest = max(longest, until - begun)
        return longest * MINUTE

    def next(self, at: Moment) -> Moment:
        """The first moment after `at` at which a window may open or close."""
        local = time_of(at).astimezone(ZONE)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        edges = {0, 1440, *(edge for pair in self.hours for edge in pair)}
        return min(found for edge in edges if (found := moment(midnight + timedelta(minutes=edge))) > at)


def calendar(given: Mapping[str, Any] | None) -> Calendar | None:
    """`{months: [5, 6], days: [mon, fri], hours: ["22:00-06:00"]}`; what is not said is always.

    With `off` and `worked`, the days of the county beside the national ones.
    """
    if not given:
        return None
    pairs = [text.split("-") for text in given.get("hours", ["00:00-24:00"])]
    return Calendar(
        frozenset(given.get("months", range(1, 13))),
        frozenset(given.get("days", DAYS)),
        tuple((minutes(start), minutes(end)) for start, end in pairs),
        worktime.Hours((), ZONE, frozenset(given.get("off", ())), frozenset(given.get("worked", ()))),
    )
