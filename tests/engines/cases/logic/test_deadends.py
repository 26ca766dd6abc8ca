"""Dead ends: what the checker says of flows drawn at random, beside the engine run through every answer."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.engines.cases.logic.test_bpmn_tokens import flow_of, lines, user

from shizhu.engines.cases.logic import Flow, FlowError, State, complete, parse, start
from shizhu.engines.cases.logic.deadends import CIRCLE, NEVER_COMES, NEVER_DONE, NEVER_TRUE, dead_ends
from shizhu.lib import feel

Told = set[tuple[str, str]]
FORM = {"properties": {
    "yes": {"type": "boolean"}, "kind": {"type": "string", "enum": ["a", "b"]},
    "n": {"type": "integer", "minimum": 0, "maximum": 6}, "text": {"type": "string"},
}}  # fmt: skip


def told(flow: Flow, form: Any = None) -> Told:
    return {(one.element_id, one.rule) for one in dead_ends(flow, lambda _key: form)}


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, tuple[str, list[str]]]:
    """Name → kind and where it leads: tasks, choices that a task decides, and parallel gateways."""
    names = [f"n{number}" for number in range(draw(st.integers(1, 6)))]
    made = {}
    for name in names:
        kind = draw(st.sampled_from(["user", "choose", "and", "and"]))
        others = [one for one in [*names, "end"] if one != name]
        most = {"user": 1, "choose": 2, "and": 2}[kind]
        made[name] = (kind, draw(st.lists(st.sampled_from(others), min_size=1, max_size=most, unique=True)))
    reached, waiting = set(), [names[0]]
    while waiting:
        here = waiting.pop()
        if here not in reached and here != "end":
            reached.add(here)
            waiting += made[here][1]
    assume(any("end" in made[name][1] for name in reached) or len(reached) > 1)
    return {name: made[name] for name in names if name in reached}


def drawn(graph: dict[str, tuple[str, list[str]]]) -> Flow:
    body, pairs = '<startEvent id="s"/><endEvent id="end"/>', ["s>n0"]
    enters = {name: f"u_{name}" if kind == "choose" else name for name, (kind, _targets) in graph.items()}
    pairs = [f"s>{enters['n0']}"]
    for name, (kind, targets) in graph.items():
        ends = [enters.get(target, target) for target in targets]
        if kind == "choose":
            body += user(f"u_{name}") + f'<exclusiveGateway id="{name}"/>'
            pairs.append(f"u_{name}>{name}")
            pairs += [f"{name}>{end}: answers.u_{name}.way = {number}" for number, end in enumerate(ends)]
        else:
            body += user(name) if kind == "user" else f'<parallelGateway id="{name}"/>'
            pairs += [f"{name}>{end}" for end in ends]
    if not any(pair.partition(":")[0].endswith(">end") for pair in pairs):
        body = body.replace('<endEvent id="end"/>', "")
    return flow_of(body + lines(*pairs))


def by_force(flow: Flow) -> tuple[set[str], bool]:
    """Joins that ever wait in vain, and whether a state leads neither to the end nor there: all answers tried."""

    def key(state: State) -> tuple[Any, ...]:
        return tuple(sorted((row["at"], row.get("via", "")) for row in state.marking))

    joins: set[str] = set()
    first = ("start",)
    states: dict[Any, State] = {}
    after: dict[Any, set[Any]] = {}

    def moved(here: Any, move: Any) -> None:
        try:
            state = move()
        except FlowError as error:
            joins.update(error.value if "never comes" in error.rule else [error.rule])  # type: ignore[arg-type]
            after[here].add("over")
            return
        there = "over" if state.is_ended else key(state)
        after[here].add(there)
        if there not in after and there != "over":
            states[there] = state
            after[there] = set()
            waiting.append(there)

    waiting: list[Any] = []
    after[first] = set()
    moved(first, lambda: start(flow, {}))
    while waiting:
        here = waiting.pop()
        assume(len(after) < 150)
        assume(len(states[here].tokens) <= 3)
        for token in states[here].tokens:
            ways = range(2) if token.step_id.startswith("u_") else range(1)
            lead = flow.leaving.get(token.step_id.removeprefix("u_"), [])
            for way in ways:
                if not token.step_id.startswith("u_") or way < len(lead):
                    moved(here, partial(complete, flow, states[here], token.id, {"way": way}))
    ending = {"over"}
    while more := {one for one, to in after.items() if one not in ending and to & ending}:
        ending |= more
    return joins, bool(after.keys() - ending)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs())
@example({"n0": ("user", ["n1"]), "n1": ("and", ["n2", "n0"]), "n2": ("and", ["end"])})  # more and more, and never done
def test_what_is_told_is_what_running_every_way_shows(graph: dict[str, tuple[str, list[str]]]) -> None:
    flow = drawn(graph)
    joins, is_lost = by_force(flow)
    found = told(flow)
    assert {id_ for id_, rule in found if rule == NEVER_COMES} == joins
    assert any(rule == CIRCLE for _id, rule in found) == is_lost
    assert {rule for _id, rule in found} <= {NEVER_COMES, CIRCLE}


def branch(condition: str) -> Flow:
    task = user("u").replace("/>", ' c:formKey="f"/>')
    gate = '<startEvent id="s"/><endEvent id="e"/><exclusiveGateway id="g" default="g-e"/>'
    return flow_of(gate + task + user("v") + lines("s>u", "u>g", f"g>v: {condition}", "g>e", "v>e"))


ATOMS = st.sampled_from([
    "answers.u.yes = true", "answers.u.yes = false", "answers.u.yes", 'answers.u.kind = "a"', 'answers.u.kind != "a"',
    'answers.u.kind = "z"', "answers.u.n > 5", "answers.u.n < 3", "answers.u.n = 4", "answers.u.n > 6",
    "answers.u.n <= 0",
])  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(ATOMS, st.sampled_from(["and", "or"]), ATOMS, st.sampled_from(["", "not"]), ATOMS)
def test_a_condition_is_told_if_and_only_if_no_answer_makes_it_true(
    one: str, joint: str, two: str, turned: str, three: str
) -> None:
    condition = f"({one} {joint} {two}) and {turned}({three})"
    values = [
        {"yes": yes, "kind": kind, "n": n} for yes in (True, False) for kind in "ab" for n in range(7)
    ] + [{}]  # fmt: skip
    holds = any(feel.evaluate(condition, {"answers": {"u": given}}) is True for given in values)
    partly = any(
        feel.evaluate(condition, {"answers": {"u": {k: v for k, v in given.items() if k in kept}}}) is True
        for given in values
        for kept in ({"yes"}, {"kind"}, {"n"}, {"yes", "kind"}, {"yes", "n"}, {"kind", "n"})
    )
    expected = set() if holds or partly else {("g-v", NEVER_TRUE), ("v", NEVER_DONE)}
    assert told(branch(condition), FORM) == expected


@pytest.mark.parametrize(
    "condition",
    ["answers.u.n + 1 > 9", "answers.u.other = 1", "weather = 1", 'answers.u.text = "x"', "count(answers.u.text) > 9"],
)
def test_of_what_is_not_known_nothing_is_told(condition: str) -> None:
    assert told(branch(condition), FORM) == set()


def test_what_is_begun_before_all_ends_is_no_dead_end() -> None:
    over = '<endEvent id="over"><terminateEventDefinition/></endEvent>'
    reminder = (
        '<boundaryEvent id="late" attachedToRef="a" cancelActivity="false"><timerEventDefinition>'
        "<timeDuration>PT1H</timeDuration></timerEventDefinition></boundaryEvent>"
    )
    flow = '<startEvent id="s"/><endEvent id="e"/>' + over + user("a") + user("b")
    reminded = flow_of(flow + reminder + lines("s>a", "a>over", "late>b", "b>e"))
    assert told(reminded) == set()
    beside = flow_of(flow + '<parallelGateway id="x"/>' + lines("s>x", "x>a", "x>b", "a>over", "b>e"))
    assert told(beside) == set()
    task = user("u").replace("/>", ' c:formKey="f"/>')
    gate = '<exclusiveGateway id="g" default="g-over"/>' + task
    never = flow_of(flow + gate + lines("s>u", "u>g", "g>a: answers.u.n > 6", "g>over", "a>b", "b>e"))
    assert told(never, FORM) == {("g-a", NEVER_TRUE), ("a", NEVER_DONE)}


def test_what_a_sub_process_throws_is_taken_to_come() -> None:
    escalation = '<escalationEventDefinition escalationRef="esc"/>'
    inside = (
        f'<startEvent id="i"/><endEvent id="j">{escalation}</endEvent>' + user("c") + lines("i>c", "c>j")
    )  # fmt: skip
    body = (
        f'<startEvent id="s"/><subProcess id="p">{inside}</subProcess><parallelGateway id="both"/><endEvent id="e"/>'
        f'<boundaryEvent id="told" attachedToRef="p" cancelActivity="false">{escalation}</boundaryEvent>'
        + lines("s>p", "p>both", "told>both", "both>e")
    )
    xml = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
        'xmlns:c="http://camunda.org/schema/1.0/bpmn"><escalation id="esc" escalationCode="x"/>'
        f'<process id="q" isExecutable="true">{body}</process></definitions>'
    )
    flow = parse(xml.encode(), key="toy")
    assert told(flow) == set()
    state = start(flow, {})
    assert complete(flow, state, state.tokens[0].id, {}).is_ended
