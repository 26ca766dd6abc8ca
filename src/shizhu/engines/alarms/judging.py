"""Bind rules to their sources, and judge what is committed: state and alarms in the transaction of the inbox row."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms.logic.conditions import Condition, NotJudged, bind
from shizhu.engines.alarms.logic.judge import Change, State, step
from shizhu.engines.alarms.models import Alarm, Binding, Memory
from shizhu.engines.things import api as things
from shizhu.kernel import events, packs
from shizhu.kernel.events import Event
from shizhu.kernel.models import County
from shizhu.kernel.packs import Body
from shizhu.lib.standards.limits import Limit

RAISED, CLEARED = "alarms.alarm.raised", "alarms.alarm.cleared"
MEMORY_FIELDS = ["last", "broken_since", "kept_since", "is_raised"]


@transaction.atomic
def bind_all() -> None:
    """Bring bindings to what rules and devices say now, and tell things which datastreams are watched."""
    wanted: set[tuple[str, int]] = set()
    for county in County.objects.all():
        for key, rule in packs.declarations("rules", county.pk).items():
            for source in things.streams_of(rule["when"]["profile"], rule["when"]["property"]):
                if source.county == county.pk:
                    _bind(key, rule, source)
                    wanted.add((key, source.id))
    for binding in Binding.objects.all():
        if (binding.rule, binding.datastream) not in wanted:
            binding.delete()
    things.watch(Binding.objects.filter(problem="").values_list("datastream", flat=True))


def _bind(key: str, rule: Body, source: things.StreamInfo) -> None:
    values: dict[str, Any] = {
        "county_id": source.county,
        "organisation_id": source.organisation,
        "area_id": source.area,
    }
    try:
        found = bind(rule["when"], rule.get("clear"), source.thing_properties)
        values |= {"low": found.limit.low, "high": found.limit.high, "problem": ""}
        values |= {"lasting": found.lasting, "clearing": found.clearing, "gap": found.gap}
    except NotJudged as error:
        nothing = timedelta()
        values |= {"problem": str(error), "lasting": nothing, "clearing": nothing, "gap": nothing}
    Binding.objects.update_or_create(rule=key, datastream=source.id, defaults=values)


def limits(datastream: int) -> str:
    """The values by which rules judge a datastream, in order; empty for none."""
    rows = Binding.objects.filter(datastream=datastream, problem="").values_list("low", "high")
    return " ".join(f"{value:g}" for value in sorted({end for row in rows for end in row if end is not None}))


def sources_changed(event: Event) -> None:  # everything is bound anew: it is idempotent and rare
    """A device came or changed, or a datastream is there no more."""
    bind_all()


def readings_committed(event: Event) -> None:
    """Judge the readings of one event, per source in order of event time."""
    by_stream: dict[int, list[tuple[datetime, float, int]]] = {}
    for stream, time, value, origin in event.data["readings"]:
        by_stream.setdefault(stream, []).append((datetime.fromisoformat(time), value, origin))
    bindings = Binding.objects.filter(datastream__in=by_stream, problem="").select_related("county").order_by("pk")
    for readings in by_stream.values():
        readings.sort(key=itemgetter(0))  # stable: a correction stays behind what it corrects
    ids = [binding.pk for binding in bindings]
    Memory.objects.bulk_create([Memory(binding_id=id_) for id_ in ids], ignore_conflicts=True)
    memories = {m.binding_id: m for m in Memory.objects.select_for_update().filter(pk__in=ids).order_by("pk")}
    for binding in bindings:
        _judge(binding, memories[binding.pk], by_stream[binding.datastream])
    Memory.objects.bulk_update(memories.values(), MEMORY_FIELDS)


def _judge(binding: Binding, memory: Memory, readings: Iterable[tuple[datetime, float, int]]) -> None:
    condition = Condition(Limit(binding.low, binding.high), binding.lasting, binding.clearing, binding.gap)
    state = State(memory.last, memory.broken_since, memory.kept_since, memory.is_raised)
    for time, value, origin in readings:
        state, change = step(state, condition, time, value)
        if change:
            _apply(binding, condition, change, origin)
    for name in MEMORY_FIELDS:
        setattr(memory, name, getattr(state, name))


def _apply(binding: Binding, condition: Condition, change: Change, origin: int) -> None:
    rule = packs.declaration("rules", binding.rule, binding.county_id)
    if change.is_raised:
        _raise(binding, rule, condition, change, origin)
        return
    alarm = Alarm.objects.filter(rule=binding.rule, datastream=binding.datastream, state=Alarm.State.OPEN).first()
    if alarm:
        alarm.recovered_at = change.since
        alarm.save(update_fields=["recovered_at"])
        if not started_by(binding.county, binding.rule, rule):  # a case in hand ends the alarm itself
            clear(alarm, person=None, why="")


def started_by(county: County, key: str, rule: Body) -> str | None:
    """The flow that an alarm of this rule starts: the county's choice, else the rule's own."""
    chosen: str | None = county.settings.get("starts", {}).get(key, rule.get("starts"))
    return chosen


def _raise(binding: Binding, rule: Body, condition: Condition, change: Change, origin: int) -> None:
    """One open alarm per rule and source: the index decides, whatever races."""
    alarm = Alarm(
        county_id=binding.county_id,
        organisation_id=binding.organisation_id,
        area_id=binding.area_id,
        rule=binding.rule,
        datastream=binding.datastream,
        level=rule["level"],
        since=change.since,
        raised_at=change.at,
        value=change.value,
        limit=str(condition.limit),
        origin=origin,
    )
    Alarm.objects.bulk_create([alarm], ignore_conflicts=True)
    made = Alarm.objects.select_for_update().get(
        rule=binding.rule, datastream=binding.datastream, state=Alarm.State.OPEN
    )
    if made.raised_at != change.at:
        made.occurrences += 1
        made.recovered_at = None
        made.save(update_fields=["occurrences", "recovered_at"])
        return
    told = {
        "alarm": made.pk, "rule": made.rule, "datastream": made.datastream, "level": made.level, "value": made.value,
        "limit": made.limit, "since": made.since, "raised_at": made.raised_at, "area": binding.area_id,
        "starts": started_by(binding.county, binding.rule, rule), "origin": origin,
    }  # fmt: skip
    events.emit(RAISED, made.pk, made.county_id, told)


def clear(alarm: Alarm, *, person: int | None, why: str) -> bool:
    """Clear an open alarm; False if it was cleared before. The judge may raise it anew from then on."""
    changed = Alarm.objects.filter(pk=alarm.pk, state=Alarm.State.OPEN).update(
        state=Alarm.State.CLEARED, cleared_at=timezone.now(), cleared_by_id=person, cleared_why=why
    )
    if changed:
        Memory.objects.filter(binding__rule=alarm.rule, binding__datastream=alarm.datastream).update(
            is_raised=False, broken_since=None, kept_since=None
        )
        events.emit(CLEARED, alarm.pk, alarm.county_id, {"alarm": alarm.pk, "rule": alarm.rule, "why": why})
    return bool(changed)
