"""What a new alarm came of, and whether nobody is to be told of it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from shizhu.engines.alarms.logic.conditions import parts, steps
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.things import api as things
from shizhu.kernel import packs

TOGETHER = timedelta(hours=1)  # alarms of one cause begin within
BACK = timedelta(minutes=1)  # what hangs on a device that is back may be a moment behind it with what it kept


def place(alarm: Alarm) -> None:
    """Say of a new alarm what it came of and whether nobody is to be told; saved by whoever asks."""
    stream = things.describe([alarm.datastream]).get(alarm.datastream)
    if stream is None:
        return
    parent = things.parent_of(stream.thing)
    below = things.streams_at(things.hanging_on(stream.thing)) if is_silence(alarm.rule, alarm.county_id) else {}
    near = _near(alarm).exclude(datastream__in=list(below))
    kin = Q(datastream__in=list(things.streams_at([stream.thing, *([parent] if parent else [])])))
    cause = near.filter(kin | Q(rule=alarm.rule, area=alarm.area_id)).order_by("raised_at", "pk").first()
    alarm.root_id = (cause.root_id or cause.pk) if cause else None
    alarm.suppressed = suppressed(alarm, stream.thing, parent, timezone.now())
    if below:  # what hangs on it may have been found silent a moment before it was
        silent = [
            one.pk for one in _near(alarm).filter(datastream__in=list(below)) if is_silence(one.rule, one.county_id)
        ]
        Alarm.objects.filter(pk__in=silent).update(root=alarm.root_id or alarm.pk)


def _near(alarm: Alarm) -> QuerySet[Alarm]:
    return Alarm.objects.filter(
        county=alarm.county_id, state=Alarm.State.OPEN, raised_at__gt=alarm.raised_at - TOGETHER,
        raised_at__lte=alarm.raised_at + TOGETHER,
    ).exclude(pk=alarm.pk)  # fmt: skip


def suppressed(alarm: Alarm, thing: int, parent: int | None, at: datetime) -> str:
    """Why nobody is to be told: somebody works at the Thing, or what it hangs on is or just was down; else empty."""
    if things.maintained([thing], at):
        return "maintenance"
    if parent is not None:
        is_down = Q(state=Alarm.State.OPEN) | Q(cleared_at__gt=at - BACK)
        of_parent = Alarm.objects.filter(is_down, datastream__in=list(things.streams_at([parent])))
        if any(is_silence(one.rule, one.county_id) for one in of_parent.exclude(pk=alarm.pk)):
            return "parent"
    return ""


def is_silence(rule: str, county: str) -> bool:
    """Whether a rule finds sources that are missing."""
    body = packs.declared("rules", rule, county)
    return bool(body) and any("missing" in part for _level, when in steps(body) for part in parts(when))
