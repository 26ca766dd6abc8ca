"""Durations and periods in ISO 8601."""

from __future__ import annotations

import calendar
import re
from datetime import MAXYEAR, datetime, timedelta, tzinfo

_DURATION = re.compile(r"P(?:0+Y)?(?:0+M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
_MONTHS = re.compile(r"P(?:(\d+)Y)?(?:(\d+)M)?")
YEARS = range(1900, 2200)  # that a moment somebody types may have: every zone and PostgreSQL have them
PATTERN = r"^P(?=[0-9T])([0-9]+W)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?$"


def parse_duration(text: str) -> timedelta:
    """`PT4H`, `P2DT30M`, `P1W`: weeks to seconds. ValueError for years and months other than 0, for what is longer than
    a timedelta, or anything else."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError(
            f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT4H"
        )
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    try:
        return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"{text!r} is longer than can be reckoned with") from None


def typed(text: str, zone: tzinfo) -> datetime:
    """A moment as a field of a page gives it, in the zone unless it says its offset. ValueError for none, and for one
    of a year outside YEARS."""
    found = datetime.fromisoformat(text)
    if found.year not in YEARS:
        raise ValueError(f"{text!r} is not between {YEARS[0]} and {YEARS[-1]}")
    return found if found.tzinfo else found.replace(tzinfo=zone)


def months_on(moment: datetime, duration: str) -> tuple[datetime, str]:
    """The moment the years and months of an ISO 8601 duration later, and what is left of the duration ("" for nothing).

    A day that the month does not have is its last one. Raises ValueError for a year that no date has.
    """
    found = _MONTHS.match(duration)
    if not found or not found[0].strip("P"):
        return moment, duration
    months = moment.year * 12 + moment.month - 1 + int(found[1] or 0) * 12 + int(found[2] or 0)
    year, month = months // 12, months % 12 + 1
    if year > MAXYEAR:
        raise ValueError(f"{duration!r} leads to the year {year}")
    day = min(moment.day, calendar.monthrange(year, month)[1])
    rest = duration[found.end() :]
    return moment.replace(year=year, month=month, day=day), f"P{rest}" if rest else ""
