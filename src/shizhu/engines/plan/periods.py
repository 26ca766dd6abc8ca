"""Periods: months, quarters and years, in the county's time."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NAME = re.compile(r"(\d{4})(?:-Q([1-4])|-(0?[1-9]|1[0-2]))?")
FIRST_YEAR, LAST_YEAR = 1900, 2200
COUNTY_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Period:
    """A month, a quarter or a year: its name (2026-07, 2026-Q3, 2026), first and last day."""

    name: str
    first: date
    last: date

    @property
    def begins(self) -> datetime:
        """The first moment."""
        return datetime.combine(self.first, time(), COUNTY_ZONE).astimezone(UTC)

    @property
    def ends(self) -> datetime:
        """The first moment after it."""
        return datetime.combine(self.last + timedelta(days=1), time(), COUNTY_ZONE).astimezone(UTC)


def period_of(kind: str, day: date) -> Period:
    """The P1M, P3M or P1Y period that holds a day."""
    if kind == "P3M":
        last = 3 * ((day.month + 2) // 3)
        ends = date(day.year, last, monthrange(day.year, last)[1])
        return Period(f"{day:%Y}-Q{last // 3}", date(day.year, last - 2, 1), ends)
    if kind == "P1M":
        return Period(f"{day:%Y-%m}", day.replace(day=1), day.replace(day=monthrange(day.year, day.month)[1]))
    return Period(f"{day:%Y}", date(day.year, 1, 1), date(day.year, 12, 31))


def periods_before(kind: str, day: date, number: int) -> list[Period]:
    """The period of a day and those before it, oldest first: twelve months, but of years only the one that runs."""
    found = [period_of(kind, day)]
    while kind == "P1M" and len(found) < number:
        found.append(period_of(kind, found[-1].first - timedelta(days=1)))
    return found[::-1]


def named(name: str) -> Period:
    """The period of a name; ValueError for anything else."""
    found = NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"{name!r} is not a period, such as 2026, 2026-Q3 or 2026-07")
    year, quarter, month = found.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ValueError(f"{name!r}: years are {FIRST_YEAR} to {LAST_YEAR}")
    kind = "P3M" if quarter else "P1M" if month else "P1Y"
    return period_of(kind, date(int(year), 3 * int(quarter) if quarter else int(month or 1), 1))


def order(name: str) -> tuple[date, int]:
    """What periods are put in order by: their last day, and of those that end together the longest is the last."""
    found = named(name)
    return found.last, (found.last - found.first).days


def kind_of(name: str) -> str:
    """P1M, P3M or P1Y; the name must be one of a period."""
    return "P3M" if "Q" in name else "P1M" if "-" in name else "P1Y"
