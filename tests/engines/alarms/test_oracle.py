"""The judge beside an oracle that reckons everything anew: any rule, readings in any order, and stops in between."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.engines.alarms.oracle import JOINS, Oracle
from tests.engines.alarms.sent import NOON, commit, handle, jug, only, url
from tests.engines.alarms.test_judge import MINUTE, Kept

from shizhu.engines.alarms.logic.conditions import Input, condition_of
from shizhu.engines.alarms.logic.judge import State
from shizhu.engines.alarms.logic.late import remembered, wait
from shizhu.engines.alarms.logic.moments import moment
from shizhu.engines.alarms.models import Alarm, Occurrence
from shizhu.engines.things import store
from shizhu.kernel import events
from shizhu.kernel.models import County, OutboxEvent

MIDNIGHT = moment(datetime.fromisoformat("2026-07-01T00:00:00+08:00"))
TIMES = ("for", "holds", "gap", "missing", "stuck", "during")
END = 240  # minutes
spans = st.sampled_from([1, 5, 7, 20, 40, 61, 90])
limits = st.one_of(
    st.builds(lambda limit: {"above": limit}, st.integers(2, 7)),
    st.builds(lambda limit: {"below": limit}, st.integers(2, 7)),
    st.builds(lambda low, size: {"inside": [low, low + size]}, st.integers(2, 5), st.integers(0, 3)),
)


def may_have(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keys)


def joined(*found: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.tuples(*found).map(lambda parts: {name: value for part in parts for name, value in part.items()})


aged = st.one_of(st.just({}), st.builds(lambda n: {"holds": n}, spans), st.builds(lambda n: {"gap": n}, spans))
windows = st.one_of(
    st.builds(
        lambda take, n: {"take": take, "during": n}, st.sampled_from(["change", "sum", "mean", "least", "most"]), spans
    ),
    st.just({"take": "rate"}),
)
tests = st.one_of(
    joined(limits, aged, may_have(margin=st.integers(1, 2))),
    joined(limits, aged, windows),
    st.builds(lambda n: {"missing": n}, spans),
    joined(st.builds(lambda n, off: {"stuck": n, "tolerance": off}, spans, st.integers(0, 2)), aged),
)
lasting = may_have(**{"for": spans})
single = joined(tests, lasting)
zones = st.one_of(
    joined(limits, aged, may_have(margin=st.integers(1, 2)), st.builds(lambda n: {"at_least": n}, st.integers(1, 3))),
    joined(limits, aged, st.builds(lambda take: {"take": take}, st.sampled_from(["sum", "mean", "least", "most"]))),
)
zone = joined(zones, lasting, st.just({"zone": "town"}))
parts = joined(tests, lasting, st.builds(lambda name: {"of_": name}, st.sampled_from(["level", "warmth"])))


@st.composite
def trees(draw: st.DrawFn, depth: int = 2) -> dict[str, Any]:
    join = draw(st.sampled_from(JOINS))
    inner = parts if depth < 2 else st.one_of(parts, trees(depth - 1))
    found = draw(st.lists(inner, min_size=2, max_size=3))
    least = {"at_least": draw(st.integers(1, len(found)))} if join == "of" else {}
    return {join: found, **least, **draw(lasting)}


@st.composite
def rules(draw: st.DrawFn) -> tuple[dict[str, Any], list[str], tuple[int, int] | None]:
    """(rule, the property of each source, minutes of the day from and to which it judges)."""
    kind = draw(st.sampled_from(["single", "zone", "tree"]))
    when = draw({"single": single, "zone": zone, "tree": trees()}[kind])
    when = when if kind == "tree" else {"of_": "level", **when}
    of = {"single": ["level"], "zone": ["level"] * 3, "tree": ["level", "warmth"]}[kind]
    rule = {"level": "yellow", "when": when, "clear": draw(may_have(**{"for": spans}))}
    if "above" in when:
        rule["levels"] = draw(st.sampled_from([[], [{"level": "red", "above": when["above"] + 2}]]))
    begins = draw(st.integers(0, 200))
    return rule, of, draw(st.sampled_from([None, (begins, begins + 60)]))


def declared(rule: dict[str, Any], hours: tuple[int, int] | None) -> dict[str, Any]:
    """The same as a pack declares it."""

    def said(when: dict[str, Any]) -> dict[str, Any]:
        made = {name: f"PT{value}M" if name in TIMES else value for name, value in when.items() if name != "of_"}
        made |= {join: list(map(said, when[join])) for join in JOINS if join in when}
        return made | ({"profile": "toy.jug", "property": when["of_"]} if "of_" in when else {})

    found = {**rule, "when": said(rule["when"]), "clear": said(rule["clear"]), "late": "P2D"}
    if hours:
        found["calendar"] = {"hours": ["-".join(f"{at // 60:02}:{at % 60:02}" for at in hours)]}
    return found


class Judged(Kept):
    """The judge of a rule that was begun at midnight, with all it was told."""

    def __init__(self, rule: dict[str, Any], of: list[str]) -> None:
        super().__init__("low")
        self.condition = condition_of(rule, [Input("toy.jug", name) for name in of])
        self.memory = remembered(State(self.condition, MIDNIGHT))

    def changes(self) -> list[tuple[float, str | None]]:
        """(minute, level or None), in order; half a minute is a moment after it."""
        made: list[tuple[int, str | None]] = []
        for one in self.told():
            made += [(step.at, step.level) for step in one.levels]
            made += [(one.recovered_at, None)] if one.recovered_at else []
        return [((at - MIDNIGHT) // MINUTE + bool((at - MIDNIGHT) % MINUTE) / 2, level) for at, level in made]


values = st.tuples(st.integers(1, END - 1), st.integers(0, 2), st.integers(0, 9))


@settings(max_examples=150)
@given(rules(), st.lists(values, max_size=25), st.data())
def test_whatever_the_rule_and_the_order_it_says_what_the_oracle_says(
    found: tuple[dict[str, Any], list[str], tuple[int, int] | None],
    drawn: list[tuple[int, int, int]],
    data: st.DataObject,
) -> None:
    rule, of, hours = found
    known = {(at, n % len(of)): float(value) for at, n, value in drawn}
    judged = Judged(declared(rule, hours), of)
    rest = data.draw(st.permutations(sorted(known.items())))
    while rest:
        size = data.draw(st.integers(1, 6))
        judged.take(*((MIDNIGHT + at * MINUTE, n, value, 0) for (at, n), value in rest[:size]))
        rest = rest[size:]
        if data.draw(st.booleans()):
            judged.stop_and_go_on()
        if data.draw(st.booleans()):
            until = MIDNIGHT + data.draw(st.integers(0, END)) * MINUTE
            judged.apply(wait(judged.condition, judged.memory, max(until, judged.memory.state.now)))
    judged.apply(wait(judged.condition, judged.memory, MIDNIGHT + END * MINUTE))
    oracle = Oracle(rule, of, (lambda at: hours[0] <= int(at) % 1440 < hours[1]) if hours else None)
    assert judged.changes() == oracle.told(known, END)


JUDGES = """
import os, signal, sys, django
django.setup()
from django.db import transaction
from shizhu.kernel import events
consumer = next(one for one in events.consumers() if one.name == "alarms.judge")
with transaction.atomic():
    events.handle(consumer, events.decode(sys.stdin.buffer.read()))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [3, 51])
def test_killed_in_the_middle_and_told_in_any_order_the_judge_ends_where_the_oracle_does(
    county: County, seed: int
) -> None:
    drawn, end = random.Random(seed), 58
    streams = [jug(county, f"jug-{n}")["temperature"] for n in range(3)]
    when: dict[str, Any] = {"zone": "town", "above": 30, "at_least": 2, "for": 3}
    rule = {
        "level": "yellow",
        "when": {"of_": "t", **when},
        "clear": {"for": 2},
        "levels": [{"level": "red", "above": 40}],
    }
    said = {"profile": "lemonade.jug", "property": "temperature", **when, "for": "PT3M"}
    only(county, {**rule, "when": said, "clear": {"for": "PT2M"}, "late": "P2D"})
    known = {
        (minute, n): drawn.choice([25.0, 31.0, 33.0, 45.0]) for minute in range(1, 50, 2) for n in (drawn.randrange(3),)
    }
    known |= {(0, n): 25.0 for n in range(3)} | {(end, n): 25.0 for n in range(3)}
    sent = sorted(known)
    for place in (*sent[:3], *drawn.sample(sent[3:], len(sent) - 3)):
        commit(streams[place[1]], (place[0], known[place]))
    rows = OutboxEvent.objects.filter(subject__endswith=store.COMMITTED).order_by("pk")
    for number, row in enumerate(rows):
        told = orjson.dumps(row.envelope)
        if number in {5, 12, 20}:
            kept = list(Occurrence.objects.values()), list(Alarm.objects.values())
            died = subprocess.run(  # our own words
                [sys.executable, "-c", JUDGES], input=told, env={**os.environ, "DATABASE_URL": url()}, check=False
            )
            assert died.returncode == -signal.SIGKILL
            assert (list(Occurrence.objects.values()), list(Alarm.objects.values())) == kept
        handle(*[events.decode(told)] * (1 + number % 2))
    changes: list[tuple[float, str | None]] = []
    for one in Occurrence.objects.filter(is_withdrawn=False).order_by("raised_at"):
        for at, level, value, limit, stream in one.levels:
            minute, source = (at - moment(NOON)) // MINUTE, streams.index(stream)
            changes.append((minute, level))
            assert value == known[max(place for place in known if place[0] <= minute and place[1] == source)]
            assert limit == {"yellow": "≤ 30", "red": "≤ 40"}[level]
        changes += [((moment(one.recovered_at) - moment(NOON)) // MINUTE, None)] if one.recovered_at else []
    expected = Oracle(rule, ["t"] * 3).told(known, end)
    assert (changes, len(expected) > 2) == (expected, True)
    for alarm in Alarm.objects.filter(is_withdrawn=False):
        last = Occurrence.objects.filter(alarm=alarm, is_withdrawn=False).order_by("raised_at").last()
        assert last is not None
        assert last.levels[-1][1:] == [alarm.level, alarm.value, alarm.limit, alarm.datastream]
