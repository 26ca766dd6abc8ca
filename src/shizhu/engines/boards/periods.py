"""The days and months of reports, in the county's time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from shizhu.kernel import spans


@dataclass(frozen=True)
class Period:
    """A day (2026-11-25) or a month (2026-11): its first day, the day after its last, and the day of its issue."""

    name: str
    first: date
    after: date

    @property
    def end(self) -> datetime:
        """The moment after its last."""
        return datetime.combine(self.after, time(), spans.COUNTY_ZONE).astimezone(UTC)


def of(kind: str, day: date) -> Period:
    """The day, or the month that holds it."""
    if kind == "day":
        return Period(day.isoformat(), day, day + timedelta(days=1))
    first = day.replace(day=1)
    return Period(f"{day:%Y-%m}", first, spans.beside(first)[1])


def before(kind: str, today: date) -> Period:
    """The last one that is over: yesterday, or the month before."""
    return of(kind, today - timedelta(days=1) if kind == "day" else spans.beside(today.replace(day=1))[0])
