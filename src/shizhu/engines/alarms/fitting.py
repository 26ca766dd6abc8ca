"""What a rule would have told of events that are recorded, and which limits would have told them better. Nothing is
written.

A rule names the register of its events (`events`). What it says is judged by the judge itself; how near it came comes
of the same pass (`logic/skill.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from shizhu.engines.alarms import bindings, trying
from shizhu.engines.alarms.logic import examples, skill
from shizhu.engines.alarms.logic.conditions import Input, NotJudged, condition_of
from shizhu.engines.alarms.logic.judge import Change, State, advance
from shizhu.engines.alarms.logic.late import Occurrence, occurrences
from shizhu.engines.alarms.logic.moments import moment, span, time_of
from shizhu.engines.alarms.logic.skill import Case, Fit, Moved
from shizhu.engines.alarms.logic.warnings import Skill
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body

BEFORE = "PT12H"  # an alarm so long before an event told of it
AROUND = timedelta(days=2)  # of the first and the last event is looked at, unless somebody says otherwise
ALL = 0  # of the numbers of events, none
LONGEST = timedelta(days=10 * 366)


@dataclass(frozen=True)
class Happened:
    """A recorded event: what, when, at which source."""

    id: int
    title: str
    at: datetime
    device: str
    url: str
    is_simulated: bool


@dataclass(frozen=True)
class Told:
    """An event with what the rule said of it: the source, the class then, how near it came, and the alarm before it."""

    event: Happened
    source: str = ""
    number: int | None = None
    near: float | None = None
    raised_at: datetime | None = None
    is_read: bool = False

    @property
    def percent(self) -> int | None:
        """How near it came, in per cent of its limit."""
        return None if self.near is None or math.isinf(self.near) else round(100 * self.near)

    @property
    def lead(self) -> timedelta | None:
        """From the alarm to the event."""
        return self.event.at - self.raised_at if self.raised_at else None


@dataclass(frozen=True)
class Study:
    """What came of it: events, false alarms (source, when), figures; `cases` are what limits can be fitted on."""

    told: list[Told]
    false: list[tuple[str, datetime]]
    skill: Skill
    cases: list[Case]
    readings: int
    problems: list[str]

    @property
    def events(self) -> int:
        """Events of which there are readings."""
        return sum(one.is_read for one in self.told)


def recorded(who: Actor, county: str, rule: Body) -> list[Happened]:
    """The events of a rule's register that somebody may see, the first first."""
    said = rule["events"]
    found = []
    for one in records.scan(who, county, said["register"], records.Query(where=said.get("where"))):
        if at := one.data.get(said["time"]):
            url, device = f"/records/{one.register}/key/{one.key}", str(one.data.get(said["source"], ""))
            found.append(Happened(one.id, one.title, datetime.fromisoformat(str(at)), device, url, one.is_simulated))
    return sorted(found, key=lambda one: (one.at, one.id))


def around(events: Sequence[Happened]) -> tuple[datetime, datetime] | None:
    """The span that holds all events; None for none."""
    return (events[0].at - AROUND, events[-1].at + AROUND) if events else None


def study(rule: Body, county: str, events: Sequence[Happened], start: datetime, end: datetime) -> Study:
    """Judge a span of the past by a rule. ValueError where the span is none, or too long."""
    if not timedelta() < end - start <= LONGEST:
        raise ValueError(f"from {start:%Y-%m-%d} to {end:%Y-%m-%d}: say a span of at most ten years")
    before, inside = span(rule["events"].get("before", BEFORE)), [one for one in events if start <= one.at <= end]
    told = {one.id: Told(one) for one in inside}
    said = bindings.judged(rule, county)
    near, judged, problems, count, names = list[Case](), list[Case](), list[str](), 0, dict[str, str]()
    for group in bindings.groups(rule, county):
        devices = {one.device for one in group.streams}
        mine = [(one.id, moment(one.at)) for one in inside if one.device in devices]
        name = names[group.source] = group.streams[0].thing_name
        try:
            moved, happened, read, longest = _followed(said, group, mine, before, start, end)
        except NotJudged as error:
            problems.append(f"{name}: {error}")
            continue
        count += read.pop(ALL)
        mine = [one for one in mine if read[one[0]]]
        near += skill.cases(group.source, moved, mine, before, longest)
        judged += skill.cases(group.source, _of_judge(happened, mine, before), mine, before, longest)
        for number, _at in mine:
            told[number] = Told(told[number].event, name, is_read=True)
    for case in near:
        if case.at is not None and (most := case.nearest):
            told[case.event] = _replaced(told[case.event], number=most.number, near=most.near)
    for case in judged:
        if case.at is not None and (at := case.raised(())) is not None:
            told[case.event] = _replaced(told[case.event], raised_at=time_of(at))
    false = [(names[one.source], time_of(one.moved[0].at)) for one in judged if one.at is None]
    found = skill.skill(judged, ())
    return Study(list(told.values()), sorted(false, key=itemgetter(1)), found, near, count, problems)


def _replaced(told: Told, **values: Any) -> Told:
    return Told(**{**vars(told), **values})


def _followed(
    said: Body, group: bindings.Group, events: Sequence[tuple[int, int]], before: int, start: datetime, end: datetime
) -> tuple[list[Moved], list[Occurrence], dict[int, int], int]:  # fmt: skip
    """What was near, what the judge says, how many readings there are before each event, how long one is seen."""
    condition = condition_of(said, [Input(one.profile, one.property, one.thing_properties) for one in group.streams])
    begun = start - trying.BEFORE - timedelta(microseconds=condition.reach)
    state, changes, first = State(condition, moment(begun)), list[Change](), moment(start)
    read, moved = dict.fromkeys((ALL, *(number for number, _at in events)), 0), list[Moved]()

    def instants() -> Iterator[tuple[int, list[Any]]]:
        for part in trying.parts(group, begun, end):
            read[ALL] += len(part)
            for at, together in groupby(part, itemgetter(0)):
                for number, when in events:
                    read[number] += when - before <= at <= when
                yield at, list(together)

    for one in skill.followed(condition, state, instants(), changes):
        if one.at >= first:
            moved.append(one)
    advance(condition, state, moment(end), changes)
    seen = max(one.during for one in condition.measures)
    return moved, [one for one in occurrences(changes) if (one.recovered_at or moment(end)) >= first], read, seen


def _of_judge(happened: Sequence[Occurrence], events: Sequence[tuple[int, int]], before: int) -> list[Moved]:
    """Alarms as moments at which all was near; of one that stood already, the first moment that counts."""
    found = []
    for one in happened:
        into = [
            at - before for _number, at in events
            if one.raised_at < at - before and (one.recovered_at is None or one.recovered_at > at - before)
        ]  # fmt: skip
        found += [Moved(at, math.inf, -1) for at in into or [one.raised_at]]
    return sorted(found, key=lambda one: one.at)


def fitted(rule: Body, found: Study) -> Fit | None:
    """Limits that would have told better, as scales; None where nothing can be fitted."""
    if not skill.may_fit(rule) or not found.events:
        return None
    return skill.fit(found.cases, skill.bounds(rule))


def version(rule: Body, scales: Sequence[int]) -> tuple[Body, list[str]]:
    """The rule with its limits times these per cent; and the examples of which it says something else than before."""
    parts = [one / 100 for one in scales]
    made = {**rule, "when": skill.scaled(rule["when"], parts)}
    if "levels" in rule:
        made["levels"] = [skill.scaled(step, parts) for step in rule["levels"]]
    made["examples"], changed = examples.restated(made)
    return made, changed


def evidence(found: Study, fit: Fit | None, scales: Sequence[int], before: Skill) -> Mapping[str, Any]:
    """What a version was adopted on, as it is kept with it."""
    told: dict[str, Any] = {
        "scales": list(scales), "events": found.events, "skill": _figures(found.skill), "before": _figures(before),
    }  # fmt: skip
    return {**told, "unseen": _figures(fit.unseen)} if fit and tuple(scales) == fit.scales else told


def _figures(one: Skill) -> dict[str, Any]:
    lead = round(one.lead / timedelta(minutes=1)) if one.lead is not None else None
    return {"hits": one.hits, "misses": one.misses, "false": one.false, "lead": lead}
