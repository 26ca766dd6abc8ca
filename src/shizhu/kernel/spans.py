"""Spans of time that questions name, in the county's time: a calendar day, month or year, or so long until now."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from shizhu.lib.times import parse_duration

COUNTY_ZONE = ZoneInfo("Asia/Shanghai")
CALENDAR = ("day", "month", "year")
EACH = {"hour": "%Y-%m-%d %H:00", "day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}
MOST_STEPS = 800


@dataclass(frozen=True)
class Span:
    """From the first moment to the moment after the last."""

    start: datetime
    end: datetime


def span(name: str, at: datetime) -> Span:
    """`day`, `month`, `year`: from its beginning until `at`; else an ISO 8601 duration that ends at `at`."""
    if name not in CALENDAR:
        return Span(at - parse_duration(name), at)
    local = (at - timedelta(microseconds=1)).astimezone(COUNTY_ZONE)
    return Span(begin(local, name), at)


def before(name: str, at: datetime) -> Span:
    """The span before, up to the same moment of it: yesterday until this hour, last month until this day."""
    now = span(name, at)
    if name not in CALENDAR:
        return Span(now.start - (now.end - now.start), now.start)
    start = begin(now.start.astimezone(COUNTY_ZONE) - timedelta(hours=12), name)
    return Span(start, min(start + (now.end - now.start), now.start))


def begin(local: datetime, each: str) -> datetime:
    """The first moment of the hour, day, month or year that holds a local time."""
    start = local.replace(minute=0, second=0, microsecond=0)
    if each != "hour":
        start = start.replace(hour=0)
    if each in {"month", "year"}:
        start = start.replace(day=1)
    return start.replace(month=1) if each == "year" else start


def after(local: datetime, each: str) -> datetime:
    """The first moment of the next one."""
    days = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=32)}
    return begin(local + days.get(each, timedelta(days=367)), each)


def month(text: str, otherwise: date) -> date:
    """The first day of a month as written (`2026-07`), else of that of a day; the calendar's ends are no months."""
    try:
        found = date.fromisoformat(f"{text}-01")
    except ValueError:
        found = date.min
    return found if date.min.year < found.year < date.max.year else otherwise.replace(day=1)


def beside(first: date) -> tuple[date, date]:
    """The first days of the months before and after one, by its first day."""
    return (first - timedelta(days=1)).replace(day=1), (first + timedelta(days=31)).replace(day=1)


def of_month(first: date) -> Span:
    """A whole month in the county's time, by its first day."""
    start = datetime.combine(first, time(), COUNTY_ZONE)
    return Span(start, after(start, "month"))


def steps(within: Span, each: str) -> Iterator[tuple[str, datetime, datetime]]:
    """(name, first moment, moment after) of every hour, day, month or year that the span touches."""
    local = begin(within.start.astimezone(COUNTY_ZONE), each)
    for _ in range(MOST_STEPS):
        if local >= within.end:
            return
        following = after(local, each)
        yield local.strftime(EACH[each]), local, following
        local = following
