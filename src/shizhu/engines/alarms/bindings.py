"""Bind rules to their sources: a datastream, a Thing, or a zone; and what every process has compiled of that."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from django.db import connection, transaction
from django.utils import timezone

from shizhu.engines.alarms import raising
from shizhu.engines.alarms.causes import EDGE_LOST
from shizhu.engines.alarms.logic.conditions import Bound, Condition, Input, NotJudged, condition_of, targets, wanted
from shizhu.engines.alarms.logic.judge import State, age, level_of, limit_of, raised
from shizhu.engines.alarms.logic.late import Memory as Remembered
from shizhu.engines.alarms.logic.late import remembered
from shizhu.engines.alarms.logic.moments import DAY, KINDS, day_end, moment, time_of
from shizhu.engines.alarms.models import Alarm, Binding, Memory, Occurrence, Revision
from shizhu.engines.maps import api as maps
from shizhu.engines.things import api as things
from shizhu.kernel import access, packs
from shizhu.kernel.models import Area, County, Organisation
from shizhu.kernel.packs import Body

CHANNEL = "shizhu_alarms_due"
JUDGED = ("when", "clear", "level", "levels", "calendar", "late")


@dataclass(frozen=True)
class Group:
    """The datastreams that a rule judges together."""

    source: str
    streams: tuple[things.StreamInfo, ...]
    organisation: int
    area: int


def groups(rule: Body, county: str) -> Iterator[Group]:
    """What a rule judges in a county."""
    pairs = wanted(rule)
    found = [one for pair in pairs for one in things.streams_of(*pair) if one.county == county]
    zone = rule["when"].get("zone")
    if zone is not None:
        yield from _zones(zone, found, county)
        return
    if len(pairs) == 1:
        yield from (Group(f"datastream/{one.id}", (one,), one.organisation, one.area) for one in found)
        return
    by_thing: dict[int, list[things.StreamInfo]] = {}
    for one in found:
        by_thing.setdefault(one.thing, []).append(one)
    for thing, streams in by_thing.items():
        yield Group(f"thing/{thing}", tuple(streams), streams[0].organisation, streams[0].area)


def _zones(zone: str | Body, found: list[things.StreamInfo], county: str) -> Iterator[Group]:
    areas = Area.objects.filter(county_id=county)
    by_code = {area.code: area for area in areas}
    top = Organisation.objects.get(county=county, code=county)
    zones: dict[str, list[things.StreamInfo]] = {}
    if isinstance(zone, str):
        depth = {"county": 1, "town": 2, "village": 3}[zone]
        path = {area.pk: area.path.strip("/").split("/") for area in areas}
        for one in found:
            if len(path[one.area]) >= depth:
                zones.setdefault(path[one.area][depth - 1], []).append(one)
        named = {f"area/{code}": (streams, by_code[code].pk) for code, streams in zones.items()}
    else:
        layer = maps.layer(county, access.ANYBODY, zone["layer"])
        for feature in maps.features(access.ANYBODY, county, layer):
            inside = [one for one in found if one.point and feature.shape.intersects(shapely.Point(one.point))]
            zones[feature.id] = inside
        named = {
            f"feature/{zone['layer']}/{key}": (streams, by_code[county].pk) for key, streams in zones.items() if streams
        }
    for source, (streams, area) in named.items():
        owners = {one.organisation for one in streams}
        yield Group(source, tuple(streams), owners.pop() if len(owners) == 1 else top.pk, area)


def judged(rule: Body, county: str) -> Body:
    """What a rule says of its condition, and by which days of work and of rest where its windows go by them."""
    said: Body = {name: rule[name] for name in JUDGED if name in rule}
    if not KINDS.keys().isdisjoint(said.get("calendar", {}).get("days", ())):
        settings = County.objects.values_list("settings", flat=True).get(pk=county)
        own = {"off": settings.get("days_off"), "worked": settings.get("days_worked")}
        said["calendar"] = {**said["calendar"], **{name: days for name, days in own.items() if days}}
    return said


@transaction.atomic
def bind_all() -> None:
    """Bring bindings to what rules and devices say now, and tell things which datastreams are watched.

    One after the other, and each by what is declared then: who went by what it remembers would take away what another
    process has just bound, and its memory with it.
    """
    Revision.objects.select_for_update().first()
    packs.forget()
    known = {(one.rule, one.source): one for one in Binding.objects.select_for_update().order_by("pk")}
    has_changed = False
    for county in County.objects.all():
        for key, rule in packs.declarations("rules", county.pk).items():
            for group in groups(rule, county.pk):
                has_changed |= _bind(key, rule, county.pk, group, known.pop((key, group.source), None))
    for binding in known.values():
        binding.delete()
    if has_changed or known or not Revision.objects.exists():
        Revision.objects.update_or_create(pk=1, defaults={"token": uuid.uuid4()})
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")  # what is new may be due before anything that was known
    judged = Binding.objects.filter(problem="").values_list("streams", flat=True)
    things.watch({stream for streams in judged for stream in streams})


def _bind(key: str, rule: Body, county: str, group: Group, known: Binding | None) -> bool:
    """Whether anything changed. A memory of another version is begun anew; an alarm that stands goes on standing."""
    read = targets(rule)
    inputs: list[Any] = [
        [one.profile, one.property, {name: one.thing_properties[name] for name in read if name in one.thing_properties}]
        for one in group.streams
    ]
    streams = [one.id for one in group.streams]
    said = judged(rule, county)
    version = packs.digest([said, inputs, streams])
    owner = {"county_id": county, "organisation_id": group.organisation, "area_id": group.area}
    if known and known.version == version and all(getattr(known, name) == value for name, value in owner.items()):
        return False
    try:
        condition, problem = condition_of(said, [Input(*one) for one in inputs]), ""
    except NotJudged as error:
        condition, problem = None, str(error)
    values = owner | {"streams": streams, "inputs": inputs, "said": said, "problem": problem}
    if not known or known.version != version:
        values |= {"version": version, "begun": timezone.now()}
    made, _ = Binding.objects.update_or_create(rule=key, source=group.source, defaults=values)
    if condition and (not known or known.version != version):
        _begin(made, condition)
    return True


def _begin(binding: Binding, condition: Condition) -> None:
    begun = moment(binding.begun)
    going_on = Occurrence.objects.filter(
        alarm__rule=binding.rule, alarm__source=binding.source, alarm__state=Alarm.State.OPEN,
        recovered_at=None, is_withdrawn=False,
    ).last()  # fmt: skip
    state = raised(condition, going_on.levels[-1][1], begun) if going_on else State(condition, begun)
    if going_on and (level := level_of(condition, state)) != going_on.levels[-1][1]:
        _at, _level, value, _limit, stream = going_on.levels[-1]
        going_on.levels.append([begun, level, value, limit_of(condition, level or ""), stream])
        going_on.save(update_fields=["levels"])
        raising.refresh(Alarm.objects.select_for_update().get(pk=going_on.alarm_id))
    if any(one.is_of_zone for one in condition.measures) and not any(one.test == "missing" for one in condition.leaves):
        for stream, point in things.latest(binding.streams).items():  # a sum of those that send first would be no sum
            if point.verdict == things.Verdict.GOOD and point.value is not None:
                state.inputs[binding.streams.index(stream)] = [moment(point.time), point.value]
    _recall(binding, condition, state)
    Memory.objects.update_or_create(binding=binding, defaults=kept(remembered(state)) | {"due": binding.begun})


def _recall(binding: Binding, condition: Condition, state: State) -> None:
    """What is left of days past, from the values with which they ended: what was there before the rule counts too."""
    for number, measure in enumerate(condition.measures):
        if measure.index is None:
            continue
        stream, end = binding.streams[measure.inputs[0]], day_end(state.begun, measure.index.edge)
        for count in range(measure.reach // DAY, 0, -1):
            point = things.latest([stream], time_of(end - count * DAY - 1)).get(stream)
            if point and point.verdict == things.Verdict.GOOD and point.value is not None:
                age(measure.index, state.windows[number], moment(point.time), point.value, measure.during)


@dataclass(frozen=True)
class Standing:
    """What is left of days past at a source now, and the number of the class."""

    stream: int
    index: float
    number: int


def standings(rule: str, county: str) -> list[Standing]:
    """Of each source of a rule whose limits go by what came before."""
    rows = Memory.objects.filter(binding__rule=rule, binding__county=county).select_related("binding")
    found: dict[int, Standing] = {}
    for row in rows.order_by("binding"):
        by = row.binding.said["when"].get("by")
        bound = compiled().bound.get(row.binding_id)
        if not by or bound is None:
            continue
        state = State.load(row.state)
        for number, measure in enumerate(bound.condition.measures):
            if measure.index and state.windows[number]:
                stream, left = row.binding.streams[measure.inputs[0]], state.windows[number][-3][1]
                found[stream] = Standing(stream, left, sum(left >= one["from"] for one in by["classes"]) - 1)
    return list(found.values())


def is_judged(alarm: Alarm) -> bool:
    """Whether data can still end an alarm: its rule judges its source, or it is of an edge."""
    bound = Binding.objects.filter(rule=alarm.rule, source=alarm.source, problem="")
    return alarm.rule == EDGE_LOST or bound.exists()


def kept(memory: Remembered) -> dict[str, Any]:
    """A whole memory as columns."""
    return {"state": memory.state.dump().decode(), "newest": memory.newest, "before": memory.dump_before()}


@dataclass(frozen=True)
class Compiled:
    """All bindings of a revision, by id, and by the datastreams that they read: (binding, number of the input)."""

    token: uuid.UUID | None
    bound: Mapping[int, Bound]
    by_stream: Mapping[int, list[tuple[Bound, int]]]


_compiled = Compiled(None, {}, {})


def compiled() -> Compiled:
    """What is bound now; compiled once in each process for as long as nothing changes."""
    global _compiled  # noqa: PLW0603  # one for the process, told old by the token
    token = Revision.objects.values_list("token", flat=True).first()
    if token != _compiled.token or token is None:
        _compiled = _compile_all(token)
    return _compiled


def _compile_all(token: uuid.UUID | None) -> Compiled:
    bound, by_stream = {}, dict[int, list[tuple[Bound, int]]]()
    for row in Binding.objects.filter(problem="").order_by("pk"):
        condition = condition_of(row.said, [Input(*one) for one in row.inputs])
        one = Bound(
            row.pk, row.rule, row.source, row.county_id, row.organisation_id, row.area_id, tuple(row.streams), condition
        )
        bound[one.id] = one
        for number, stream in enumerate(one.streams):
            by_stream.setdefault(stream, []).append((one, number))
    return Compiled(token, bound, by_stream)


def limits(datastream: int) -> str:
    """The values by which rules judge a datastream, in order; empty for none."""
    ends: set[float] = set()
    for bound, number in compiled().by_stream.get(datastream, ()):
        for leaf in map(bound.condition.leaves.__getitem__, bound.condition.leaves_of[number]):
            if leaf.test == "limit" and not bound.condition.measures[leaf.measure].take:
                ends |= {end for end in (leaf.limit.low, leaf.limit.high) if end is not None}
    return " ".join(f"{value:g}" for value in sorted(ends))


def again(rule: str, source: str, datastream: int) -> str:
    """Where a value must come back to for recovery, other than the limit itself: the lines of the hysteresis."""
    ends: set[float] = set()
    for bound, number in compiled().by_stream.get(datastream, ()):
        if (bound.rule, bound.source) == (rule, source):
            for leaf in map(bound.condition.leaves.__getitem__, bound.condition.leaves_of[number]):
                pairs = (leaf.again.low, leaf.limit.low), (leaf.again.high, leaf.limit.high)
                ends |= {back for back, limit in pairs if back is not None and back != limit}
    return " ".join(f"{value:g}" for value in sorted(ends))
