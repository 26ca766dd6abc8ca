"""Moves of a case on the lemonade stand, and on flows drawn at random beside a plain token game."""

import json
from collections import Counter
from itertools import count, pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizhu.engines.cases.logic import Flow, FlowError, StaleToken, State, complete, load, parse, start

LEMONADE = parse(Path(__file__).with_name("lemonade.bpmn").read_bytes(), key="lemonade")
ANSWERS: dict[str, dict[str, Any]] = {
    "order": {"cups": 2},
    "make": {},
    "taste": {"味道": "好"},
    "lay": {},
    "serve": {"more": False},
}


def flow_of(body: str, key: str = "toy") -> Flow:
    head = (
        '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn">'
    )
    return parse(f'{head}<process id="p" isExecutable="true">{body}</process></definitions>'.encode(), key=key)


def lines(*pairs: str) -> str:
    """`a>b` or `a>b: condition`, one string each, named `a>b`."""
    found = []
    for pair in pairs:
        ends, _, condition = pair.partition(": ")
        source, target = ends.split(">")
        inside = f"<conditionExpression><![CDATA[{condition}]]></conditionExpression>" if condition else ""
        found.append(
            f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'
        )
    return "".join(found)


def user(step_id: str) -> str:
    return f'<userTask id="{step_id}" c:candidateGroups="seller"/>'


def script(step_id: str, result: str, feel: str) -> str:
    head = f'<scriptTask id="{step_id}" scriptFormat="feel" c:resultVariable="{result}">'
    return f"{head}<script><![CDATA[{feel}]]></script></scriptTask>"


def ready(state: State) -> list[str]:
    return [token.step_id for token in state.tokens]


def do(flow: Flow, state: State, *step_ids: str, **answer: Any) -> State:
    for step_id in step_ids:
        token = next(token for token in state.tokens if token.step_id == step_id)
        state = complete(flow, state, token.id, answer or ANSWERS.get(step_id, {}))
    return state


def test_happy_path_to_the_end() -> None:
    state = start(LEMONADE, {"guest": "张三"})
    assert ready(state) == ["order"]
    state = do(LEMONADE, state, "order")
    assert ready(state) == ["make", "lay"]
    state = do(LEMONADE, state, "make", "taste", "lay", "serve")
    assert (state.is_ended, state.ended_at, state.tokens) == (True, "End", ())
    assert state.document == {"guest": "张三", "总价": 6, "answers": ANSWERS}


def test_path_is_the_timeline() -> None:
    state = do(LEMONADE, start(LEMONADE, {}), "order", "lay")
    assert [(passed.id, passed.name, passed.type) for passed in state.path] == [
        ("Start", "Guest comes", "start"),
        ("order", "Take the order", "user"),
        ("price", "Price", "script"),
        ("fork", "", "parallel"),
        ("lay", "Lay the table", "user"),
        ("wipe", "Wipe hands", "manual"),
    ]


def test_a_step_done_again_is_a_new_token_and_the_last_answer_counts() -> None:
    state = do(LEMONADE, start(LEMONADE, {}), "order", "make")
    again = do(LEMONADE, state, "taste", 味道="酸")
    assert [token.id for token in again.tokens] == ["lay:3", "make:5"]
    assert again.document["answers"]["taste"] == {"味道": "酸"}
    assert ready(do(LEMONADE, again, "make", "taste", "lay")) == ["serve"]


def test_join_waits_for_every_branch_in_every_round() -> None:
    state = do(LEMONADE, start(LEMONADE, {}), "order", "make", "taste")
    assert ready(state) == ["lay"]
    state = do(LEMONADE, do(LEMONADE, state, "lay"), "serve", more=True)
    state = do(LEMONADE, state, "order", "lay")
    assert ready(state) == ["make"]
    assert ready(do(LEMONADE, state, "make", "taste")) == ["serve"]


def test_moves_leave_what_they_were_given_alone() -> None:
    document, answer = {"cups": [1]}, {"cups": 2}
    before = start(LEMONADE, document)
    kept = json.dumps(before.dump())
    after = complete(LEMONADE, before, "order:1", answer)
    answer["cups"] = 9
    assert json.dumps(before.dump()) == kept
    assert document == {"cups": [1]}
    assert after.document["answers"]["order"] == {"cups": 2}
    assert complete(LEMONADE, before, "order:1", {"cups": 2}) == after


@pytest.mark.parametrize("token_id", ["order:1", "make:9", "", "make"])
def test_a_token_that_is_not_ready_is_stale(token_id: str) -> None:
    state = do(LEMONADE, start(LEMONADE, {}), "order")
    with pytest.raises(StaleToken, match="ready are: make:2, lay:3"):
        complete(LEMONADE, state, token_id, {})


def test_an_ended_case_has_no_token() -> None:
    state = do(LEMONADE, start(LEMONADE, {}), "order", "make", "taste", "lay", "serve")
    with pytest.raises(StaleToken, match="ready are: none"):
        complete(LEMONADE, state, "serve:6", {})


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=25))
@settings(max_examples=25, deadline=None)
def test_a_stored_case_goes_on_as_one_kept_in_memory(moves: list[tuple[int, bool]]) -> None:
    state = stored = start(LEMONADE, {})
    for choice, luck in moves:
        stored = load(LEMONADE, json.loads(json.dumps(stored.dump())))
        assert stored == state
        if state.is_ended:
            break
        token = state.tokens[choice % len(state.tokens)]
        answer = {"cups": 1, "味道": "好" if luck else "酸", "more": luck}
        state, stored = (complete(LEMONADE, kept, token.id, answer) for kept in (state, stored))
        assert len(json.dumps(stored.marking)) < 300


def test_a_state_of_another_version_is_refused() -> None:
    other = flow_of('<startEvent id="s"/><endEvent id="e"/>' + user("a") + lines("s>a", "a>e"))
    with pytest.raises(FlowError, match="is another version of the flow"):
        load(other, start(LEMONADE, {}).dump())
    with pytest.raises(FlowError, match="is another version of the flow"):
        complete(other, start(LEMONADE, {}), "order:1", {})


def test_a_flow_without_people_runs_through() -> None:
    flow = flow_of(
        '<startEvent id="s"/><task id="t"/><endEvent id="e"/>'
        + script("due", "due", 'date(filed) + duration("P30D")')
        + script("wait", "wait", 'duration("PT36H")')
        + lines("s>t", "t>due", "due>wait", "wait>e")
    )
    state = start(flow, {"filed": "2026-07-01"})
    assert state.ended_at == "e"
    assert state.document == {"filed": "2026-07-01", "due": "2026-07-31", "wait": "P1DT43200.000000S", "answers": {}}


FORK = '<startEvent id="s"/><parallelGateway id="f"/><endEvent id="e"/>' + user("a") + user("b")


def test_terminate_ends_the_other_branches_too() -> None:
    flow = flow_of(
        FORK
        + '<endEvent id="stop"><terminateEventDefinition/></endEvent>'
        + lines("s>f", "f>a", "f>b", "a>stop", "b>e")
    )
    state = do(flow, start(flow, {}), "a")
    assert (state.ended_at, state.tokens) == ("stop", ())


def test_a_case_ends_when_its_last_branch_does() -> None:
    flow = flow_of(FORK + '<endEvent id="e2"/>' + lines("s>f", "f>a", "f>b", "a>e", "b>e2"))
    state = do(flow, start(flow, {}), "b")
    assert (state.is_ended, state.ended_at, ready(state)) == (False, None, ["a"])
    assert do(flow, state, "a").ended_at == "e"


SUB = (
    '<startEvent id="s"/><subProcess id="sub"><startEvent id="s2"/><parallelGateway id="f"/><endEvent id="e2"/>'
    + user("a")
    + user("b")
    + '<endEvent id="e3"/>'
    + lines("s2>f", "f>a", "f>b", "a>e2", "b>e3")
    + '</subProcess><exclusiveGateway id="x" default="x-e"/><endEvent id="e"/>'
    + user("c")
    + lines("s>sub", "sub>c", "c>x", "x>sub: answers.c.again", "x>e")
)


def test_a_sub_process_ends_before_its_outer_flow_goes_on() -> None:
    flow = flow_of(SUB)
    state = do(flow, start(flow, {}), "a")
    assert ready(state) == ["b"]
    state = do(flow, load(flow, state.dump()), "b")
    assert (ready(state), state.ended_at) == (["c"], None)
    state = do(flow, state, "c", again=True)
    assert [token.id for token in state.tokens] == ["a:4", "b:5"]
    state = do(flow, do(flow, state, "b", "a"), "c", again=False)
    assert state.ended_at == "e"


def test_terminate_in_a_sub_process_ends_that_alone() -> None:
    flow = flow_of(SUB.replace('<endEvent id="e3"/>', '<endEvent id="e3"><terminateEventDefinition/></endEvent>'))
    state = do(flow, start(flow, {}), "b")
    assert (ready(state), state.ended_at) == (["c"], None)


CHOICE = '<startEvent id="s"/><exclusiveGateway id="x"/><endEvent id="e"/><endEvent id="e2"/>' + user("a")


@pytest.mark.parametrize(
    ("condition", "document", "element", "rule"),
    [
        ("amount", {"amount": 5}, "x-e", "must be true or false, it is int"),
        ("amont > 3", {"amount": 5}, "x-e", "must be true or false, it is null"),
        ("amount > 9", {"amount": 5}, "x", "do none of them hold, and there is no default flow"),
        ('matches(text, "(a+)+$")', {"text": "a" * 40 + "!"}, "x-e", "takes longer than 200 ms"),
    ],
)
def test_a_condition_that_cannot_be_decided_stops_the_move(
    condition: str, document: dict[str, Any], element: str, rule: str
) -> None:
    flow = flow_of(CHOICE + lines("s>a", "a>x", f"x>e: {condition}", "x>e2: false"))
    state = start(flow, document)
    with pytest.raises(FlowError) as caught:
        do(flow, state, "a")
    assert (caught.value.element_id, caught.value.rule) == (element, rule)
    assert ready(state) == ["a"]


def test_a_circle_without_a_person_is_stopped() -> None:
    flow = flow_of(
        CHOICE + script("n", "n", "1") + lines("s>n", "n>x", "x>n: n = 1", "x>a: n = 2", "a>e", "x>e2: n = 3")
    )
    with pytest.raises(FlowError, match="the flow runs in a circle"):
        start(flow, {})


def test_a_join_whose_branch_never_comes_is_named() -> None:
    flow = flow_of(
        FORK
        + '<exclusiveGateway id="x" default="x-j"/><parallelGateway id="j"/>'
        + lines("s>f", "f>a", "f>b", "a>x", "x>e: answers.a.leave", "x>j", "b>j", "j>e")
    )
    state = do(flow, start(flow, {}), "a", leave=True)
    with pytest.raises(FlowError) as caught:
        do(flow, state, "b")
    assert (caught.value.element_id, caught.value.rule) == ("j", "wait for a branch that never comes")


def test_answers_and_documents_are_json() -> None:
    with pytest.raises(FlowError, match="must not be a key of the document"):
        start(LEMONADE, {"answers": {}})
    with pytest.raises(FlowError, match="must be JSON"):
        start(LEMONADE, {"guest": {1, 2}})
    with pytest.raises(FlowError, match="must be JSON"):
        complete(LEMONADE, start(LEMONADE, {}), "order:1", {"cups": object()})


BLOCKS = st.recursive(
    st.just("task"),
    lambda inner: st.tuples(
        st.sampled_from(["seq", "and", "xor", "loop", "sub"]), st.lists(inner, min_size=1, max_size=3)
    ),
    max_leaves=6,
)


class Drawing:
    """A flow drawn from nested blocks, and the token game on it that BPMN means: tokens stand on lines."""

    def __init__(self, block: Any) -> None:
        self.number = count(1)
        self.kinds: dict[str, str] = {}
        self.arrows: list[tuple[str, str, str]] = []
        self.body = self._scope(block, "main")
        self.standing: Counter[tuple[str, str, str]] = Counter()
        self._leave("s_main")

    def _scope(self, block: Any, name: str) -> str:
        body, begin, end = self._draw(block)
        body += f'<startEvent id="s_{name}"/><endEvent id="e_{name}"/>'
        self.kinds |= {f"s_{name}": "start", f"e_{name}": "end"}
        return body + self._join(f"s_{name}", begin) + self._join(end, f"e_{name}")

    def _new(self, kind: str) -> tuple[str, str]:
        step_id = f"{kind}{next(self.number)}"
        self.kinds[step_id] = kind
        tag = {"user": "userTask", "fork": "parallelGateway", "meet": "parallelGateway"}.get(kind, "exclusiveGateway")
        return user(step_id) if kind == "user" else f'<{tag} id="{step_id}"/>', step_id

    def _join(self, source: str, target: str, condition: str = "") -> str:
        self.arrows.append((source, target, condition))
        return lines(f"{source}>{target}" + (f": {condition}" if condition else ""))

    def _draw(self, block: Any) -> tuple[str, str, str]:
        if block == "task":
            body, step_id = self._new("user")
            return body, step_id, step_id
        kind, inner = block
        return getattr(self, f"_{kind}")(inner)

    def _seq(self, inner: list[Any]) -> tuple[str, str, str]:
        drawn = [self._draw(block) for block in inner]
        body = "".join(part for part, _, _ in drawn)
        for (_, _, end), (_, begin, _) in pairwise(drawn):
            body += self._join(end, begin)
        return body, drawn[0][1], drawn[-1][2]

    def _and(self, inner: list[Any]) -> tuple[str, str, str]:
        (body, fork), (more, meet) = self._new("fork"), self._new("meet")
        body += more
        for block in [*inner, "task"]:
            part, begin, end = self._draw(block)
            body += part + self._join(fork, begin) + self._join(end, meet)
        return body, fork, meet

    def _xor(self, inner: list[Any]) -> tuple[str, str, str]:
        (body, ask), (split, choose), (merge, after) = self._new("user"), self._new("choose"), self._new("merge")
        body += split + merge + self._join(ask, choose)
        for position, block in enumerate([*inner, "task"]):
            part, begin, end = self._draw(block)
            condition = f"modulo(answers.{ask}.n, {len(inner) + 1}) = {position}"
            body += part + self._join(choose, begin, condition) + self._join(end, after)
        return body, ask, after

    def _loop(self, inner: list[Any]) -> tuple[str, str, str]:
        (body, merge), (asking, ask), (split, choose) = self._new("merge"), self._new("user"), self._new("choose")
        (leaving, out) = self._new("merge")
        part, begin, end = self._seq(inner)
        body += asking + split + leaving + part + self._join(merge, begin) + self._join(end, ask)
        body += self._join(ask, choose) + self._join(choose, merge, f"modulo(answers.{ask}.n, 3) = 0")
        return body + self._join(choose, out, f"modulo(answers.{ask}.n, 3) > 0"), merge, out

    def _sub(self, inner: list[Any]) -> tuple[str, str, str]:
        step_id = f"sub{next(self.number)}"
        body = self._scope(("seq", inner), step_id)
        self.kinds[step_id] = "sub"
        return f'<subProcess id="{step_id}">{body}</subProcess>', step_id, step_id

    def _leave(self, step_id: str, n: int = 0) -> None:
        leaving = [arrow for arrow in self.arrows if arrow[0] == step_id]
        if self.kinds[step_id] == "choose":
            leaving = [arrow for arrow in leaving if self._holds(arrow[2], n)]
        for arrow in leaving:
            self.standing[arrow] += 1
            self._arrive(arrow[1], n)

    def _holds(self, condition: str, n: int) -> bool:
        modulo, rest = condition.split(", ")[1].split(") ")
        return n % int(modulo) > 0 if rest == "> 0" else n % int(modulo) == int(rest[2:])

    def _arrive(self, step_id: str, n: int) -> None:
        kind = self.kinds[step_id]
        entering = [arrow for arrow in self.arrows if arrow[1] == step_id]
        if kind == "user" or (kind == "meet" and not all(self.standing[arrow] for arrow in entering)):
            return
        for arrow in entering if kind == "meet" else [next(arrow for arrow in entering if self.standing[arrow])]:
            self.standing[arrow] -= 1
        if kind == "sub":
            self._leave(f"s_{step_id}")
        elif kind == "end" and step_id != "e_main":
            self._leave(step_id.removeprefix("e_"))
        else:
            self._leave(step_id, n)

    def ready(self) -> list[str]:
        return sorted(arrow[1] for arrow in self.standing.elements() if self.kinds[arrow[1]] == "user")

    def do(self, step_id: str, n: int) -> None:
        self.standing[next(arrow for arrow in self.standing if arrow[1] == step_id and self.standing[arrow])] -= 1
        self._leave(step_id, n)


@given(BLOCKS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_tokens_go_where_bpmn_says(block: Any, luck: Random) -> None:
    drawing = Drawing(block)
    flow = flow_of(drawing.body)
    state = start(flow, {})
    for _ in range(30):
        assert sorted(ready(state)) == drawing.ready()
        assert state.is_ended == (not state.tokens)
        if state.is_ended:
            break
        token, n = luck.choice(state.tokens), luck.randrange(6)
        state = complete(flow, load(flow, state.dump()), token.id, {"n": n})
        drawing.do(token.step_id, n)
