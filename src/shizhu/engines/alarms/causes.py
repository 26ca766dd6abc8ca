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
EDGE_LOST, EDGE = "things.edge_lost", "edge/"  # the rule, and how its sources begin, before the key of the edge


def place(alarm: Alarm) -> None:
    """Say of a new alarm what it came of and whether nobody is to be told; saved by whoever asks."""
    stream = things.describe([alarm.datastream]).get(alarm.datastream)
    if stream is None:
        return
    parent = things.parent_of(stream.thing)
    silence = is_silence(alarm.rule, alarm.county_id)
    below = things.streams_at(things.hanging_on(stream.thing)) if silence else {}
    near = _near(alarm).exclude(datastream__in=list(below))
    kin = Q(datastream__in=list(things.streams_at([stream.thing, *([parent] if parent else [])])))
    cause = near.filter(kin | Q(rule=alarm.rule, area=alarm.area_id)).order_by("raised_at", "pk").first()
    cause = (_edge(alarm, stream.thing, timezone.now()) if silence else None) or cause
    alarm.root_id = (cause.root_id or cause.pk) if cause else None
    alarm.suppressed = suppressed(alarm, stream.thing, parent, timezone.now())
    followers = list(_near(alarm).filter(datastream__in=list(below))) if below else _behind(alarm)
    silent = [one.pk for one in followers if is_silence(one.rule, one.county_id)]  # found a moment before it was
    Alarm.objects.filter(pk__in=silent).update(root=alarm.root_id or alarm.pk)


def _behind(alarm: Alarm) -> list[Alarm]:
    """Of an edge that was lost, the alarms of its devices."""
    if alarm.rule != EDGE_LOST:
        return []
    near = list(_near(alarm))
    streams = things.describe([one.datastream for one in near])
    key = alarm.source.removeprefix(EDGE)
    return [one for one in near if (s := streams.get(one.datastream)) and things.lost_edge(s.thing) == key]


def _edge(alarm: Alarm, thing: int, at: datetime) -> Alarm | None:
    """The alarm of the edge behind which a Thing is, if that is lost, or was until a moment ago."""
    key = "" if alarm.rule == EDGE_LOST else things.edge_of_thing(thing)
    if not key:
        return None
    is_cause = Q(state=Alarm.State.OPEN) if things.lost_edge(thing) else Q(cleared_at__gt=at - things.BACK)
    return Alarm.objects.filter(is_cause, county=alarm.county_id, rule=EDGE_LOST, source=f"{EDGE}{key}").last()


def _near(alarm: Alarm) -> QuerySet[Alarm]:
    return Alarm.objects.filter(
        county=alarm.county_id, state=Alarm.State.OPEN, raised_at__gt=alarm.raised_at - TOGETHER,
        raised_at__lte=alarm.raised_at + TOGETHER,
    ).exclude(pk=alarm.pk)  # fmt: skip


def suppressed(alarm: Alarm, thing: int, parent: int | None, at: datetime) -> str:
    """Why nobody is to be told: somebody works at the Thing, or it is silent with what it hangs on; else empty."""
    if things.maintained([thing], at):
        return "maintenance"
    if parent is not None and is_silence(alarm.rule, alarm.county_id):
        is_down = Q(state=Alarm.State.OPEN) | Q(cleared_at__gt=at - things.BACK)
        of_parent = Alarm.objects.filter(is_down, datastream__in=list(things.streams_at([parent])))
        if any(is_silence(one.rule, one.county_id) for one in of_parent.exclude(pk=alarm.pk)):
            return "parent"
    if alarm.rule == EDGE_LOST or not is_silence(alarm.rule, alarm.county_id):
        return ""
    key = things.edge_of_thing(thing)
    is_behind = key and (things.lost_edge(thing) or things.hands_on(key, at))
    return "parent" if is_behind else ""


def is_silence(rule: str, county: str) -> bool:
    """Whether a rule finds sources that are missing."""
    body = packs.declared("rules", rule, county)
    return bool(body) and any("missing" in part for _level, when in steps(body) for part in parts(when))
