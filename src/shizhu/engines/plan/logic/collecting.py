"""When a value is due, when to remind, and whether it is late: late data is not late work. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

WAITING, SOON, LATE, GIVEN = "waiting", "soon", "late", "given"


@dataclass(frozen=True)
class Calendar:
    """Values are due so many days after their period ends; a reminder comes so many days before."""

    days_after: int = 30
    remind_before: int = 7


@dataclass(frozen=True)
class Due:
    """Where a period's value stands: its day, the state, and how many days late (0 otherwise)."""

    on: date
    state: str
    days_late: int = 0


def due(ends: date, calendar: Calendar, today: date, given: date | None = None) -> Due:
    """Say where the value of a period that ends on a day stands; given late is still told with its days."""
    on = ends + timedelta(days=calendar.days_after)
    if given is not None:
        return Due(on, GIVEN, max(0, (given - on).days))
    if today > on:
        return Due(on, LATE, (today - on).days)
    return Due(on, SOON if today > on - timedelta(days=calendar.remind_before) else WAITING)
