"""What becomes of a contact that is tested (拨测), and how a test stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from math import ceil
from typing import Protocol

NUMBER = re.compile(r"1[3-9]\d{9}|0[1-9]\d{1,2}[2-9]\d{6,7}|[2-9]\d{6,7}")
WRONG_KEY = "2"  # not me
REACHED = 0.9


class Heard(Protocol):
    """A receipt of one way to one contact."""

    @property
    def way(self) -> str:
        """The kind of channel."""

    @property
    def why(self) -> str:
        """Why it failed."""

    @property
    def answer(self) -> str:
        """The key or the words."""

    @property
    def read_at(self) -> datetime | None:
        """When it was answered."""


def number(text: object) -> str:
    """A telephone number as it is dialled; "" for what is none."""
    digits = re.sub(r"[\s()（）-]", "", str(text or "")).removeprefix("+86")
    return digits if NUMBER.fullmatch(digits) else ""


def outcome(heard: Iterable[Heard], empty: str) -> tuple[str, datetime | None, str]:
    """(result, when, way) of what came back from one number; the first answer counts, "" while there is none."""
    receipts = list(heard)
    answered = sorted(((one.read_at, one.way, one.answer) for one in receipts if one.read_at), key=lambda one: one[0])
    if answered:
        at, way, answer = answered[0]
        return ("wrong" if answer.strip()[:1] in {WRONG_KEY, "２"} else "answered"), at, way
    return ("empty" if any(one.why == empty for one in receipts) else ""), None, ""


@dataclass(frozen=True)
class Standing:
    """How a test stands: contacts, those reached, and the minutes until nine in ten were, if they were."""

    total: int
    reached: int
    minutes: float | None

    @property
    def share(self) -> float | None:
        """Percent reached."""
        return 100 * self.reached / self.total if self.total else None


def standing(begun: datetime, total: int, answered: Sequence[datetime]) -> Standing:
    """Of `total` contacts these answered then."""
    enough = ceil(REACHED * total)
    times = sorted(answered)
    done = times[enough - 1] if 0 < enough <= len(times) else None
    return Standing(total, len(times), (done - begun) / timedelta(minutes=1) if done else None)


def begins(every: str, today: date, last: date | None, *, is_workday: bool) -> bool:
    """Whether the timetable begins a test today: on the first workday of a month or quarter; a missed one later."""
    if every not in {"month", "quarter"} or not is_workday:
        return False
    month = today.month if every == "month" else today.month - (today.month - 1) % 3
    first = today.replace(month=month, day=1)
    return last is None or last < first
