"""A dry run: what a rule would have raised in a span of the past, from what is known of it now. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from shizhu.engines.alarms import bindings
from shizhu.engines.alarms.logic.conditions import LEVELS, Input, NotJudged, condition_of
from shizhu.engines.alarms.logic.judge import Reading, State, advance, judge
from shizhu.engines.alarms.logic.late import occurrences
from shizhu.engines.alarms.logic.moments import moment, time_of
from shizhu.engines.alarms.raising import AGAIN
from shizhu.engines.things import api as things
from shizhu.kernel.packs import Body

BEFORE = timedelta(days=1)  # and the rule's reach are judged too, so that what began before the span is known in it
AT_ONCE = timedelta(days=7)
LONGEST = timedelta(days=366)


@dataclass(frozen=True)
class Firing:
    """Once that the rule would have raised an alarm; `stream` is the datastream that decided."""

    source: str
    stream: things.StreamInfo
    since: datetime
    raised_at: datetime
    recovered_at: datetime | None
    level: str
    value: float | None
    limit: str
    origin: int


@dataclass(frozen=True)
class Trial:
    """What came of it: firings in order of time, how much was judged, and what could not be."""

    firings: list[Firing]
    sources: int
    readings: int
    problems: list[str]

    @property
    def alarms(self) -> int:
        """How many alarms they would have been, where the data ends one: what comes back at once is the same."""
        ends: dict[str, datetime] = {}
        count = 0
        for one in self.firings:
            before = ends.get(one.source)
            count += before is None or one.raised_at - before > AGAIN
            if one.recovered_at:
                ends[one.source] = one.recovered_at
        return count


def attempt(rule: Body, county: str, start: datetime, end: datetime) -> Trial:
    """Judge the past by a rule. ValueError where the span is none, or longer than a year."""
    if not timedelta() < end - start <= LONGEST:
        raise ValueError(
            f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}: say a span of at most {LONGEST.days} days"
        )
    firings: list[Firing] = []
    problems, sources, count = [], 0, 0
    said = bindings.judged(rule, county)
    for group in bindings.groups(rule, county):
        try:
            found, judged = _of_group(said, group, start, end)
        except NotJudged as error:
            problems.append(f"{group.streams[0].thing_name}: {error}")
            continue
        sources, count = sources + 1, count + judged
        firings += found
    firings.sort(key=lambda one: (one.raised_at, one.source))
    return Trial(firings, sources, count, problems)


def _of_group(rule: Body, group: bindings.Group, start: datetime, end: datetime) -> tuple[list[Firing], int]:
    inputs = [Input(one.profile, one.property, one.thing_properties) for one in group.streams]
    condition = condition_of(rule, inputs)
    begun = start - BEFORE - timedelta(microseconds=condition.reach)
    state, changes, count = State(condition, moment(begun)), [], 0
    for part in parts(group, begun, end):
        count += len(part)
        changes += judge(condition, state, part)
    advance(condition, state, moment(end), changes)
    firings = []
    for one in occurrences(changes):
        worst = max(one.levels, key=lambda step: LEVELS.index(step.level))
        over = None if one.recovered_at is None else time_of(one.recovered_at)
        made = Firing(
            group.source, group.streams[worst.input], time_of(one.since), time_of(one.raised_at), over, worst.level,
            worst.value, worst.limit, one.origin,
        )  # fmt: skip
        if made.raised_at >= start:
            firings.append(made)
    return firings, count


def parts(group: bindings.Group, start: datetime, end: datetime) -> Iterator[list[Reading]]:
    """The good readings of a group in a span, some at a time."""
    number = {one.id: n for n, one in enumerate(group.streams)}
    edges = [start - timedelta(microseconds=1)]
    while edges[-1] < end:
        edges.append(min(edges[-1] + AT_ONCE, end))
    for after, until in pairwise(edges):
        found = things.readings(number, after, until)
        yield [(moment(one.time), number[one.stream], one.value, one.origin) for one in found]
