"""What people do with an alarm: acknowledge, assign, shelve, take back, clear. Each once, whoever acts with them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms import judging
from shizhu.engines.alarms.models import Act, Alarm, PublicWarning
from shizhu.kernel import access, events
from shizhu.kernel.models import Person, Post

ACTED = "alarms.alarm.acted"
ACKNOWLEDGE, ASSIGN, SHELVE, CLEAR = (f"alarms.alarm.{verb}" for verb in ("acknowledge", "assign", "shelve", "clear"))
LONGEST = timedelta(days=7)  # that an alarm may be shelved


class NotNow(Exception):
    """The alarm is not as the act needs it; the text says how it is."""


@transaction.atomic
def _act(alarm: int, kind: str, person: int | None, change: Callable[[Alarm], None], **told: Any) -> None:
    found = Alarm.objects.select_for_update().get(pk=alarm)
    if found.state != Alarm.State.OPEN:
        raise NotNow("cleared")
    change(found)
    found.save()
    Act.objects.create(alarm=found, kind=kind, person_id=person, **told)
    events.emit(ACTED, found.pk, found.county_id, {"alarm": found.pk, "kind": kind, "person": person})


def acknowledge(alarm: int, *, person: int) -> None:
    """Somebody has seen it and takes care: it lies on them unless it lies on another. NotNow if it was seen before."""

    def change(found: Alarm) -> None:
        if found.acknowledged_at:
            raise NotNow("acknowledged")
        found.acknowledged_at = timezone.now()
        found.assignee_id = found.assignee_id or person

    _act(alarm, "acknowledged", person, change)


def assign(alarm: int, *, person: int, to: int, note: str = "") -> None:
    """From now on it lies on somebody else; ValueError for one who may not acknowledge it."""
    if to not in {one.pk for one in candidates(Alarm.objects.select_related("area", "organisation").get(pk=alarm))}:
        raise ValueError(f"to {to}: has no post that may acknowledge this alarm")

    def change(found: Alarm) -> None:
        if found.assignee_id == to:
            raise NotNow("assigned")
        found.assignee_id = to

    _act(alarm, "assigned", person, change, other_id=to, note=note)


def shelve(alarm: int, *, person: int, until: datetime, why: str) -> None:
    """Out of the list and without reminders until then; why is kept.

    NotNow if somebody has shelved it already, ValueError for an end that is none or too far.
    """
    if not why.strip():
        raise ValueError("why: say why it may wait")
    if not timezone.now() < until <= timezone.now() + LONGEST:
        raise ValueError(f"until {until.isoformat()}: in the next {LONGEST.days} days")

    def change(found: Alarm) -> None:
        if found.shelved_until is not None and found.shelved_until > timezone.now():
            raise NotNow("shelved")
        found.shelved_until = until

    _act(alarm, "shelved", person, change, note=why, until=until)


def unshelve(alarm: int, *, person: int) -> None:
    """Back in the list."""

    def change(found: Alarm) -> None:
        if found.shelved_until is None or found.shelved_until <= timezone.now():
            raise NotNow("not shelved")
        found.shelved_until = None

    _act(alarm, "unshelved", person, change)


@transaction.atomic
def clear(alarm: Alarm, *, person: int | None, why: str, is_false: bool = False) -> bool:
    """Clear an open alarm; False if it was cleared before. `is_false`: nothing was the matter."""
    if not judging.clear(alarm, person=person, why=why):
        return False
    if is_false:
        Alarm.objects.filter(pk=alarm.pk).update(is_false=True)
    Act.objects.create(alarm=alarm, kind="cleared", person_id=person, note=why)
    return True


def rings(alarm: Alarm) -> tuple[set[int], set[int]]:
    """Who is told at once, and who besides when nobody has seen it: those with the nearest posts, and all others."""
    depth = {post.person_id: post.area.path.count("/") for post in posts(alarm, ACKNOWLEDGE)}
    nearest = max(depth.values(), default=0)
    first = {person for person, deep in depth.items() if deep == nearest}
    return first, depth.keys() - first


def candidates(alarm: Alarm) -> list[Person]:
    """On whom it may lie: who has a post that may acknowledge it there, by name."""
    return sorted({post.person for post in posts(alarm, ACKNOWLEDGE)}, key=lambda one: (one.sort_key, one.pk))


def posts(row: Alarm | PublicWarning, verb: str) -> list[Post]:
    """Posts that give a verb where an alarm or a warning is, the widest first."""
    return sorted(access.posts_over(verb, row), key=lambda post: len(post.area.path))
