"""The light of a node (节点): green on time, yellow near or after repair, red late.

Red turns yellow only when the gap is made up and its evidence accepted, and never green again. A day ends at midnight
of the county: a node due on the 30th is late from the first moment of the 31st. A finish that a check found false is
red at once, whatever the day; so is one that the readings contradict, before anybody annuls it, and when they no longer
do, it is a gap made up. A later day that was approved is the day that counts; while one that was asked for in
time waits for a decision, the light is yellow, not red. A node proved by readings alone is finished on the day from
which they say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

GREEN, YELLOW, RED = "green", "yellow", "red"
NEAR = timedelta(days=7)
ON_TIME, WAITS, NEARLY, REPAIRED, LATE, FALSE, AGAINST, DONE, ASKED = (
    "on_time", "waits", "near", "repaired", "late", "false", "against", "done", "asked",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """What the light of a node hangs on.

    `sent` is the day on which the evidence that counts was sent, `is_accepted` whether somebody accepted it, `is_false`
    whether a finish was found false or contradicted before, `is_against` whether the readings contradict it
    now, `is_asked` whether a later day was asked for in time and waits.
    """

    due: date
    sent: date | None = None
    is_accepted: bool = False
    is_false: bool = False
    is_asked: bool = False
    is_against: bool = False


@dataclass(frozen=True)
class Told:
    """A light, the rule that gave it, and by how many days."""

    light: str
    rule: str
    days: int = 0


def light(facts: Facts, today: date) -> Told:
    """The light on a day."""
    late = (today - facts.due).days
    if facts.sent is not None and facts.is_accepted and not facts.is_against:
        over = (facts.sent - facts.due).days
        if over > 0 or facts.is_false:
            return Told(YELLOW, REPAIRED, max(over, 0))
        return Told(GREEN, DONE)
    if facts.is_false or facts.is_against:
        return Told(RED, AGAINST if facts.is_against else FALSE, max(late, 0))
    if late > 0:
        if facts.sent is not None and facts.sent <= facts.due:
            return Told(YELLOW, WAITS, late)
        if facts.is_asked:
            return Told(YELLOW, ASKED, late)
        return Told(RED, LATE, late)
    if -late <= NEAR.days and facts.sent is None:
        return Told(YELLOW, NEARLY, -late)
    return Told(GREEN, ON_TIME, -late)
