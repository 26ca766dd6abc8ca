"""What each element of BPMN 2.0 does to the tokens: events, gateways, loops, calls, errors, undoing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shizhu.engines.cases.logic import Flow, FlowError, Kit, StaleToken, State, complete, happen, load, parse, start
from shizhu.lib import worktime
from shizhu.lib.times import months_on

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
KIT = Kit(now=NOW)
HEAD = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn"
 xmlns:z="http://camunda.org/schema/zeebe/1.0"><message id="m" name="paid"/><signal id="g" name="rain"/>
 <error id="err1" errorCode="E1"/><error id="err2" errorCode="E2"/><escalation id="u" escalationCode="U1"/>"""


def flow_of(body: str, more: str = "", called: dict[str, bytes] | None = None) -> Flow:
    text = f'{HEAD}<process id="p" isExecutable="true">{body}</process>{more}</definitions>'
    return parse(text.encode(), key="toy.p", called=called)


def lines(*pairs: str) -> str:
    """`a>b` or `a>b: condition`, one string each, named `a-b`."""
    found = []
    for pair in pairs:
        ends, _, condition = pair.partition(": ")
        source, target = ends.split(">")
        inside = f"<conditionExpression><![CDATA[{condition}]]></conditionExpression>" if condition else ""
        found.append(
            f'<sequenceFlow id="{source}-{target}" sourceRef="{source}" targetRef="{target}">{inside}</sequenceFlow>'
        )
    return "".join(found)


def user(id_: str, inside: str = "") -> str:
    return f'<userTask id="{id_}" c:candidateGroups="seller">{inside}</userTask>'


def event(kind: str, id_: str, definition: str, attributes: str = "") -> str:
    return f'<{kind} id="{id_}" {attributes}>{definition}</{kind}>'


def timer(text: str, tag: str = "timeDuration") -> str:
    return f"<timerEventDefinition><{tag}>{text}</{tag}></timerEventDefinition>"


START, END = '<startEvent id="s"/>', '<endEvent id="e"/>'
MESSAGE, SIGNAL = '<messageEventDefinition messageRef="m"/>', '<signalEventDefinition signalRef="g"/>'
ERROR, ERROR_2 = '<errorEventDefinition errorRef="err1"/>', '<errorEventDefinition errorRef="err2"/>'
URGENT = '<escalationEventDefinition escalationRef="u"/>'


def ready(state: State) -> list[str]:
    return [token.step_id for token in state.tokens]


def waiting(state: State) -> list[tuple[str, str]]:
    return [(wait.event, wait.kind) for wait in state.waits]


def do(flow: Flow, state: State, *step_ids: str, **answer: Any) -> State:
    for step_id in step_ids:
        token = next(token for token in state.tokens if token.step_id == step_id)
        state = complete(flow, again(flow, state), token.id, answer, KIT)
    return state


def come(flow: Flow, state: State, event_id: str, **payload: Any) -> State:
    wait = next(wait for wait in state.waits if wait.event == event_id)
    error = payload.pop("error", "")
    return happen(flow, again(flow, state), wait.at, event_id, payload, KIT, error)


def again(flow: Flow, state: State) -> State:
    """The state as it comes back from a database."""
    kept = load(flow, json.loads(json.dumps(state.dump(), sort_keys=True)))
    assert kept == state
    return kept


def passed(state: State) -> list[str]:
    return [one.id for one in state.path]


# Events


@pytest.mark.parametrize(
    ("definition", "due"),
    [
        (timer("PT36H"), NOW + timedelta(hours=36)),
        (timer("500ms"), NOW + timedelta(seconds=0.5)),  # as jBPM writes them
        (timer("1d12h"), NOW + timedelta(hours=36)),
        (timer("90m", "timeCycle"), NOW + timedelta(minutes=90)),
        (timer("=duration(wait)"), NOW + timedelta(days=2)),
        (timer("${wait}"), NOW + timedelta(days=2)),
        (timer("2026-07-04T10:00:00+08:00", "timeDate"), datetime(2026, 7, 4, 2, tzinfo=UTC)),
        (timer("=date and time(when)", "timeDate"), datetime(2026, 7, 5, 1, tzinfo=UTC)),
    ],
)
def test_a_timer_waits_until_its_time(definition: str, due: datetime) -> None:
    flow = flow_of(START + event("intermediateCatchEvent", "t", definition) + END + lines("s>t", "t>e"))
    state = start(flow, {"wait": "P2D", "when": "2026-07-05T09:00:00+08:00"}, KIT)
    assert [(wait.event, wait.kind, datetime.fromisoformat(wait.due)) for wait in state.waits] == [("t", "timer", due)]
    assert not state.is_ended
    assert come(flow, state, "t").ended_at == "e"


def test_a_message_is_told_from_others_by_its_key_and_brings_facts() -> None:
    key = "<extensionElements><c:properties><c:property name='key' value='plate'/></c:properties></extensionElements>"
    catch = event("intermediateCatchEvent", "t", key + MESSAGE)
    flow = flow_of(
        START + catch + user("a") + END + lines("s>t", "t>a: true", "t>e: amount &gt; 5".replace("&gt;", ">"))
    )
    state = start(flow, {"plate": "渝A1"}, KIT)
    assert [(wait.name, wait.key) for wait in state.waits] == [("paid", "渝A1")]
    state = come(flow, state, "t", amount=3)
    assert (ready(state), state.document["answers"]["t"]) == (["a"], {"amount": 3})
    with pytest.raises(StaleToken):
        happen(flow, state, 1, "t", {}, KIT)


def test_what_nothing_leads_to_begins_where_there_is_no_start_event() -> None:
    box = f'<subProcess id="box">{user("a")}{user("b")}<task id="c"/>{lines("b>c")}</subProcess>'
    late = event("boundaryEvent", "late", timer("PT1H"), 'attachedToRef="box"') + user("remind")
    flow = flow_of(user("x") + box + late + lines("x>box", "late>remind"))
    state = start(flow, {}, KIT)
    assert ready(state) == ["x"]
    state = do(flow, state, "x")
    assert sorted(ready(state)) == ["a", "b"]
    state = do(flow, state, "b", "a")
    assert ready(state) == []
    assert state.is_ended


@pytest.mark.parametrize(("interrupts", "left"), [("true", ["late"]), ("false", ["a", "late"])])
def test_a_boundary_timer_ends_its_task_or_not(interrupts: str, left: list[str]) -> None:
    body = START + user("a") + user("late") + END
    body += event("boundaryEvent", "b", timer("P3D"), f'attachedToRef="a" cancelActivity="{interrupts}"')
    flow = flow_of(body + lines("s>a", "a>e", "b>late", "late>e"))
    state = come(flow, start(flow, {}, KIT), "b")
    assert ready(state) == left
    assert do(flow, state, *left).is_ended
    assert do(flow, start(flow, {}, KIT), "a").waits == ()


def test_a_cycle_comes_again_as_often_as_it_says() -> None:
    body = START + user("a") + END + '<task id="urge"/>'
    body += event("boundaryEvent", "b", timer("R2/PT12H", "timeCycle"), 'attachedToRef="a" cancelActivity="false"')
    flow = flow_of(body + lines("s>a", "a>e", "b>urge"))
    state = start(flow, {}, KIT)
    found = []
    while state.waits:
        found.append(datetime.fromisoformat(state.waits[0].due) - NOW)
        state = come(flow, state, "b")
    assert (found, ready(state)) == ([timedelta(hours=12), timedelta(hours=24)], ["a"])
    assert passed(state).count("urge") == 2


def test_an_event_gateway_takes_the_first_event_alone() -> None:
    body = START + '<eventBasedGateway id="g1"/>' + user("a") + user("b") + END
    body += event("intermediateCatchEvent", "t", timer("P1D")) + event("intermediateCatchEvent", "m1", MESSAGE)
    flow = flow_of(body + lines("s>g1", "g1>t", "g1>m1", "t>a", "m1>b", "a>e", "b>e"))
    state = start(flow, {}, KIT)
    assert waiting(state) == [("m1", "message"), ("t", "timer")]
    state = come(flow, state, "m1")
    assert (ready(state), state.waits) == (["b"], ())


def test_links_lead_on_and_what_is_thrown_is_told() -> None:
    body = START + event("intermediateThrowEvent", "l1", '<linkEventDefinition name="B"/>') + user("a")
    body += event("intermediateCatchEvent", "l2", '<linkEventDefinition name="B"/>')
    body += event("intermediateThrowEvent", "g1", SIGNAL) + event("endEvent", "e", MESSAGE)
    flow = flow_of(body + lines("s>l1", "l2>g1", "g1>a", "a>e"))
    state = start(flow, {}, KIT)
    assert (ready(state), [(one.kind, one.name) for one in state.thrown]) == (["a"], [("signal", "rain")])
    state = do(flow, state, "a")
    assert (state.ended_at, [(one.kind, one.name) for one in state.thrown]) == ("e", [("message", "paid")])


def test_a_condition_is_looked_at_with_each_move() -> None:
    body = START + '<parallelGateway id="f"/>' + user("a") + user("b") + END
    body += event("intermediateCatchEvent", "c1", "<conditionalEventDefinition><condition>n = 2</condition>"
                  "</conditionalEventDefinition>")  # fmt: skip
    flow = flow_of(body + lines("s>f", "f>a", "f>c1", "c1>b", "b>e", "a>a: n != 3", "a>e: n = 3"))
    state = do(flow, start(flow, {}, KIT), "a", n=1)
    assert ready(state) == ["a"]
    assert ready(do(flow, state, "a", n=2)) == ["a", "b"]


def sub(inner: str, id_: str = "sub", attributes: str = "") -> str:
    return f'<subProcess id="{id_}" {attributes}>{inner}</subProcess>'


def test_an_error_goes_to_the_event_of_its_code_and_ends_what_is_around_it() -> None:
    inner = '<startEvent id="s2"/><parallelGateway id="f"/>' + user("a") + user("b") + event("endEvent", "bad", ERROR)
    body = START + sub(inner + lines("s2>f", "f>a", "f>b", "a>bad")) + user("mend") + user("any") + END
    body += event("boundaryEvent", "b2", ERROR_2, 'attachedToRef="sub"')
    body += event("boundaryEvent", "b1", ERROR, 'attachedToRef="sub"')
    body += event("boundaryEvent", "b0", "<errorEventDefinition/>", 'attachedToRef="sub"')
    flow = flow_of(body + lines("s>sub", "sub>e", "b1>mend", "b2>any", "b0>any", "mend>e", "any>e"))
    state = start(flow, {}, KIT)
    assert ready(state) == ["a", "b"]
    assert ready(do(flow, state, "a")) == ["mend"]


def test_an_error_that_nothing_catches_ends_the_case() -> None:
    inner = '<startEvent id="s2"/>' + event("endEvent", "bad", ERROR) + user("a") + lines("s2>a", "a>bad")
    body = START + '<parallelGateway id="f"/>' + sub(inner) + user("b") + END
    flow = flow_of(body + lines("s>f", "f>sub", "f>b", "sub>e", "b>e"))
    state = do(flow, start(flow, {}, KIT), "a")
    assert (state.ended_at, state.tokens, state.waits) == ("bad", (), ())


def test_an_escalation_is_heard_above_and_the_work_goes_on() -> None:
    inner = '<startEvent id="s2"/>' + event("intermediateThrowEvent", "up", URGENT) + user("a") + '<endEvent id="e2"/>'
    body = START + sub(inner + lines("s2>up", "up>a", "a>e2")) + user("boss") + END
    body += event("boundaryEvent", "b", URGENT, 'attachedToRef="sub" cancelActivity="false"')
    flow = flow_of(body + lines("s>sub", "sub>e", "b>boss", "boss>e"))
    assert sorted(ready(start(flow, {}, KIT))) == ["a", "boss"]
    cut = flow_of(body.replace('cancelActivity="false"', "") + lines("s>sub", "sub>e", "b>boss", "boss>e"))
    assert ready(start(cut, {}, KIT)) == ["boss"]


@pytest.mark.parametrize(("interrupts", "left"), [("true", ["tell"]), ("false", ["a", "tell"])])
def test_an_event_sub_process_begins_beside_or_instead(interrupts: str, left: list[str]) -> None:
    begin = event("startEvent", "s2", MESSAGE, f'isInterrupting="{interrupts}"')
    aside = sub(begin + user("tell") + '<endEvent id="e2"/>' + lines("s2>tell", "tell>e2"), "aside",
                'triggeredByEvent="true"')  # fmt: skip
    flow = flow_of(START + user("a") + END + aside + lines("s>a", "a>e"))
    state = come(flow, start(flow, {}, KIT), "s2", why="rain")
    assert (ready(state), state.document["answers"]["s2"]) == (left, {"why": "rain"})
    assert do(flow, state, *left[::-1]).is_ended


@pytest.mark.parametrize(("kind", "thrown"), [("escalation", URGENT), ("error", ERROR)])
def test_what_an_event_sub_process_throws_is_heard_around_it_not_by_itself(kind: str, thrown: str) -> None:
    again_thrown = event("startEvent", "s3", thrown) + user("mend") + event("endEvent", "e3", thrown)
    aside = sub(again_thrown + lines("s3>mend", "mend>e3"), "aside", 'triggeredByEvent="true"')
    inner = event("startEvent", "s2", "") + user("a") + event("endEvent", "e2", thrown) + lines("s2>a", "a>e2") + aside
    late = event("boundaryEvent", "b", thrown, 'attachedToRef="sub"')
    flow = flow_of(START + sub(inner) + user("told") + END + late + lines("s>sub", "sub>e", "b>told", "told>e"))
    state = do(flow, start(flow, {}, KIT), "a")
    assert ready(state) == ["mend"], kind
    state = do(flow, state, "mend")
    assert ready(state) == ["told"]
    assert do(flow, state, "told").ended_at == "e"


def test_no_event_sits_on_an_event_sub_process() -> None:
    inner = event("startEvent", "i", MESSAGE) + user("b") + lines("i>b")
    body = START + user("a") + f'<subProcess id="q" triggeredByEvent="true">{inner}</subProcess>' + lines("s>a", "t>a")
    with pytest.raises(FlowError, match="t: 'q' is no activity of the same process that a boundary event could sit on"):
        flow_of(body + event("boundaryEvent", "t", timer("PT1H"), 'attachedToRef="q"'))


def test_what_undoes_is_on_no_way() -> None:
    undo = '<userTask id="undo" isForCompensation="true" c:candidateGroups="seller"/>'
    undo += '<association id="as" sourceRef="b" targetRef="undo"/>'
    late = event("boundaryEvent", "b", "<compensateEventDefinition/>", 'attachedToRef="a"')
    with pytest.raises(FlowError) as caught:
        flow_of(START + user("a") + late + undo + END + lines("s>a", "a>undo", "undo>e"))
    assert [(one.element_id, one.rule) for one in caught.value.all] == [
        ("a-undo", "must not enter nor leave an activity that undoes another"),
        ("undo-e", "must not enter nor leave an activity that undoes another"),
    ]


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("P0Y0M2DT0H0M3S", "2026-07-03T08:00:03+00:00"),
        ("P8M", "2027-03-01T08:00:00+00:00"),
        ("P1Y2M3DT4H5.5S", "2027-09-04T12:00:05.500000+00:00"),
    ],
)
def test_a_timer_counts_years_and_months_by_the_calendar(text: str, due: str) -> None:
    flow = flow_of(START + event("intermediateCatchEvent", "c", timer(text)) + END + lines("s>c", "c>e"))
    assert start(flow, {}, KIT).waits[0].due == due


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("P1M", "10-08 17:30"),  # 1 October to 7 October 2026 is a holiday
        ("P1M3D", "10-10 17:30"),  # a Saturday that is worked in exchange
        ("P13D", "09-18 17:30"),
        ("P14D", "09-20 17:30"),  # a Sunday that is worked in exchange
        ("PT8H", "09-02 16:00"),
    ],
)
def test_a_timer_of_working_time_ends_on_a_workday(text: str, due: str) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    hours = worktime.hours(["09:00-17:30"], zone)
    inside = (
        '<extensionElements><c:properties><c:property name="clock" value="working"/></c:properties></extensionElements>'
    )
    flow = flow_of(START + event("intermediateCatchEvent", "c", inside + timer(text)) + END + lines("s>c", "c>e"))
    now = datetime(2026, 9, 1, 16, 30, tzinfo=zone)
    state = start(flow, {}, Kit(now=now, add=lambda moment, span, _clock: worktime.after(moment, span, hours)))
    assert f"{datetime.fromisoformat(state.waits[0].due).astimezone(zone):%m-%d %H:%M}" == due


@pytest.mark.parametrize(("text", "due"), [("R/PT1H", ["2026-07-01T14:00:00+00:00"]), ("R3/PT1H", [])])
def test_of_times_that_were_missed_one_is_made_up_for(text: str, due: list[str]) -> None:
    again = event("boundaryEvent", "b", timer(text, "timeCycle"), 'attachedToRef="a" cancelActivity="false"')
    flow = flow_of(START + user("a") + user("late") + END + again + lines("s>a", "a>e", "b>late", "late>e"))
    state = start(flow, {}, KIT)
    state = happen(flow, state, state.waits[0].at, "b", {}, Kit(now=NOW + timedelta(hours=5, minutes=30)))
    assert (ready(state), [wait.due for wait in state.waits]) == (["a", "late"], due)


@pytest.mark.parametrize(
    ("moment", "duration", "found"),
    [
        (datetime(2027, 1, 31, 9, tzinfo=UTC), "P1M", (datetime(2027, 2, 28, 9, tzinfo=UTC), "")),
        (datetime(2027, 12, 31, tzinfo=UTC), "P1Y2M", (datetime(2029, 2, 28, tzinfo=UTC), "")),
        (datetime(2028, 2, 29, tzinfo=UTC), "P1YT1M", (datetime(2029, 2, 28, tzinfo=UTC), "PT1M")),
        (datetime(2027, 1, 31, tzinfo=UTC), "P2WT5S", (datetime(2027, 1, 31, tzinfo=UTC), "P2WT5S")),
    ],
)
def test_a_day_that_a_month_does_not_have_is_its_last(
    moment: datetime, duration: str, found: tuple[datetime, str]
) -> None:
    assert months_on(moment, duration) == found


def cycle_of(text: str) -> Flow:
    nag = event("boundaryEvent", "b", timer(text, "timeCycle"), 'attachedToRef="a" name="Nag" cancelActivity="false"')
    return flow_of(START + user("a") + nag + END + '<task id="urge"/>' + lines("s>a", "a>e", "b>urge"))


@pytest.mark.parametrize(
    ("text", "dues"),
    [
        ("R/PT12H", ["07-01T20:00", "07-02T08:00", "07-02T20:00"]),
        ("R/P1M", ["08-01T08:00", "09-01T08:00", "10-01T08:00"]),
        ("R2/2026-07-05T09:00:00Z/P1D", ["07-05T09:00", "07-06T09:00"]),
        ("R/2026-06-30T09:00:00Z/P1D", ["07-01T09:00", "07-02T09:00", "07-03T09:00"]),  # begun: the next of them
        ("R2/2026-01-01T09:00:00Z/P1D", ["01-02T09:00"]),  # all gone by: the last is made good
        ("R/P1D/2026-07-03T08:00:00Z", ["07-02T08:00", "07-03T08:00"]),  # until
        ("R/P1D/2026-07-01T09:00:00Z", []),
        ("R0/P1D", []),
        ("0 0 9 ? * MON-FRI", ["07-01T09:00", "07-02T09:00", "07-03T09:00", "07-06T09:00"]),
        ("0 0/5 * * * ?", ["07-01T08:05", "07-01T08:10"]),
        ("0 9 * * 1-5", ["07-01T09:00", "07-02T09:00", "07-03T09:00", "07-06T09:00"]),
        ("@daily", ["07-02T00:00", "07-03T00:00"]),
        ("0 0 12 L * ?", ["07-31T12:00", "08-31T12:00"]),
    ],
)
def test_a_cycle_falls_due_as_iso_8601_and_cron_have_it(text: str, dues: list[str]) -> None:
    flow = cycle_of(text)
    state = start(flow, {}, KIT)
    found: list[str] = []
    while state.waits and len(found) < max(len(dues), 1):
        due = datetime.fromisoformat(state.waits[0].due)
        found.append(f"{due:%m-%dT%H:%M}")
        [wait] = state.waits
        state = happen(flow, state, wait.at, "b", {}, Kit(now=max(due, NOW)))
    assert found == dues
    assert (ready(state), passed(state).count("urge")) == (["a"], len(dues))
    assert bool(state.waits) is (text.startswith(("R/PT", "R/P1M", "R/2026")) or not text.startswith("R"))


def test_what_cron_missed_while_nothing_ran_comes_once() -> None:
    flow = cycle_of("0 9 * * *")
    state = start(flow, {}, KIT)
    state = happen(flow, state, state.waits[0].at, "b", {}, Kit(now=datetime(2026, 7, 10, 12, tzinfo=UTC)))
    assert state.waits[0].due == "2026-07-11T09:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("0 61 9 * * ?", "is no schedule that can be read"),
        ("@never", "is no schedule that can be read"),
        (
            "0 0 9 ? * 2-6",
            "names a day of the week by a number, which engines count differently: write MON to SUN",
        ),
        ("R3/tomorrow", "must be a cycle of ISO 8601 such as R3/PT24H, or FEEL after “=”"),
    ],
)
def test_a_schedule_that_says_no_time_is_refused_in_words(text: str, rule: str) -> None:
    with pytest.raises(FlowError) as caught:
        cycle_of(text)
    fault = caught.value
    assert (fault.element_id, fault.called, fault.value, fault.rule) == ("b", "b “Nag”", text, rule)


def undone(id_: str) -> str:
    """A task of people and what undoes it: a task `un…`."""
    body = user(id_) + f'<userTask id="un{id_}" c:candidateGroups="seller" isForCompensation="true"/>'
    body += event("boundaryEvent", f"c{id_}", "<compensateEventDefinition/>", f'attachedToRef="{id_}"')
    return body + f'<association id="as{id_}" sourceRef="c{id_}" targetRef="un{id_}"/>'


def test_what_was_done_is_undone_the_last_first() -> None:
    body = START + END + undone("a") + undone("b")
    body += event("intermediateThrowEvent", "undo", "<compensateEventDefinition/>")
    flow = flow_of(body + lines("s>a", "a>b", "b>undo", "undo>e"))
    state = do(flow, start(flow, {}, KIT), "a", "b")
    assert ready(state) == ["unb"]
    state = do(flow, state, "unb")
    assert ready(state) == ["una"]
    assert do(flow, state, "una").ended_at == "e"


def test_a_sub_process_is_undone_by_its_name_with_all_it_did() -> None:
    inner = '<startEvent id="s2"/><endEvent id="e2"/>' + undone("a") + undone("b") + lines("s2>a", "a>b", "b>e2")
    throw = event("endEvent", "undo", '<compensateEventDefinition activityRef="t:sub"/>')
    body = START + undone("c") + f'<subProcess id="sub">{inner}</subProcess>{throw}'
    flow = flow_of(body + lines("s>c", "c>sub", "sub>undo"))
    state = do(flow, start(flow, {}, KIT), "c", "a", "b")
    assert ready(state) == ["unb"]
    state = do(flow, state, "unb", "una")
    assert (state.ended_at, passed(state)[-3:]) == ("undo", ["undo", "unb", "una"])


def test_a_sub_process_is_undone_as_the_event_sub_process_in_it_says() -> None:
    back = event("intermediateThrowEvent", "back", "<compensateEventDefinition/>")
    undo = event("startEvent", "s3", "<compensateEventDefinition/>") + user("call") + back + '<endEvent id="e3"/>'
    undo += lines("s3>call", "call>back", "back>e3")
    undo = f'<subProcess id="undoing" triggeredByEvent="true">{undo}</subProcess>'
    inner = '<startEvent id="s2"/><endEvent id="e2"/>' + undone("a") + undo + lines("s2>a", "a>e2")
    throw = event("endEvent", "undo", "<compensateEventDefinition/>")
    flow = flow_of(START + f'<subProcess id="sub">{inner}</subProcess>{throw}' + lines("s>sub", "sub>undo"))
    state = do(flow, start(flow, {}, KIT), "a")
    assert ready(state) == ["call"]
    state = do(flow, state, "call")
    assert ready(state) == ["una"]
    assert do(flow, state, "una").ended_at == "undo"


def test_an_event_sub_process_undoes_what_was_done_around_it() -> None:
    back = event("endEvent", "back", '<compensateEventDefinition activityRef="a"/>')
    sub = event("startEvent", "s2", '<errorEventDefinition errorRef="x"/>') + back + lines("s2>back")
    body = START + undone("a") + undone("b") + event("endEvent", "e2", '<errorEventDefinition errorRef="x"/>')
    body += f'<subProcess id="rescue" triggeredByEvent="true">{sub}</subProcess>'
    flow = flow_of(body + lines("s>a", "a>b", "b>e2"), '<error id="x" errorCode="x"/>')
    state = do(flow, start(flow, {}, KIT), "a", "b")
    assert ready(state) == ["una"]
    assert do(flow, state, "una").is_ended


def test_a_cancelled_transaction_is_undone_and_goes_on_at_its_cancel_event() -> None:
    inner = '<startEvent id="s2"/>' + user("pay") + event("endEvent", "no", "<cancelEventDefinition/>")
    inner += '<serviceTask id="refund" isForCompensation="true"/>'
    inner += event("boundaryEvent", "cp", "<compensateEventDefinition/>", 'attachedToRef="pay"')
    inner += '<association id="as" sourceRef="cp" targetRef="refund"/>' + lines("s2>pay", "pay>no")
    body = START + f'<transaction id="sub">{inner}</transaction>' + user("sorry") + END
    body += event("boundaryEvent", "b", "<cancelEventDefinition/>", 'attachedToRef="sub"')
    flow = flow_of(body + lines("s>sub", "sub>e", "b>sorry", "sorry>e"))
    state = do(flow, start(flow, {}, KIT), "pay")
    assert (ready(state), passed(state)[-3:]) == (["sorry"], ["no", "refund", "b"])


# Gateways


INCLUSIVE = (
    START + user("a") + user("b") + user("c") + user("last") + END
    + '<inclusiveGateway id="f" default="f-c"/><inclusiveGateway id="j"/>'
    + lines("s>f", "f>a: n > 0", "f>b: n > 1", "f>c", "a>j", "b>j", "c>j", "j>last", "last>e")
)  # fmt: skip


@pytest.mark.parametrize(("n", "tasks"), [(0, ["c"]), (1, ["a"]), (2, ["a", "b"])])
def test_an_inclusive_gateway_takes_each_line_that_holds_and_waits_for_just_those(n: int, tasks: list[str]) -> None:
    flow = flow_of(INCLUSIVE)
    state = start(flow, {"n": n}, KIT)
    assert ready(state) == tasks
    for task in tasks:
        assert "last" not in ready(state)
        state = do(flow, state, task)
    assert ready(state) == ["last"]
    assert passed(state).count("j") == 1


def test_several_lines_out_of_a_task_are_all_taken_and_no_end_event_is_needed() -> None:
    flow = flow_of(START + user("a") + user("b") + user("c") + user("d")
                   + lines("s>a", "a>b", "a>c: n = 1", "a>d: n = 2"))  # fmt: skip
    state = do(flow, start(flow, {"n": 2}, KIT), "a")
    assert ready(state) == ["b", "d"]
    assert do(flow, state, "b", "d").ended_at == "d"


# Again, for each, and called


def many(attributes: str, inside: str = "") -> str:
    return f"<multiInstanceLoopCharacteristics {attributes}>{inside}</multiInstanceLoopCharacteristics>"


def test_a_task_for_each_of_many_at_once() -> None:
    loop = many('c:collection="towns" c:elementVariable="town"')
    flow = flow_of(START + '<userTask id="a" c:candidateGroups="${town}.chief">' .replace("${town}.chief", "=town")
                   + loop + "</userTask>" + END + lines("s>a", "a>e"))  # fmt: skip
    state = start(flow, {"towns": ["east", "west", "south"]}, KIT)
    assert [(token.id, token.role, token.item) for token in state.tokens] == [
        ("a:1", "east", "east"), ("a:2", "west", "west"), ("a:3", "south", "south"),
    ]  # fmt: skip
    for _ in range(3):
        assert not state.is_ended
        state = complete(flow, again(flow, state), state.tokens[-1].id, {}, KIT)
    assert state.ended_at == "e"


def test_one_after_the_other_with_results_until_it_is_enough() -> None:
    loop = many(
        'isSequential="true"',
        '<extensionElements><z:loopCharacteristics inputCollection="=firms" inputElement="firm" outputCollection="bids"'
        ' outputElement="={firm: firm, bid: bid}"/></extensionElements>'
        "<completionCondition>bid &lt; 10 or numberOfCompletedInstances = 3</completionCondition>",
    )
    flow = flow_of(START + user("a", loop) + END + lines("s>a", "a>e"))
    state = start(flow, {"firms": ["x", "y", "z"]}, KIT)
    state = do(flow, do(flow, state, "a", bid=12), "a", bid=9)
    assert state.ended_at == "e"
    assert state.document["bids"] == [{"firm": "x", "bid": 12}, {"firm": "y", "bid": 9}, None]


def test_none_of_nothing_and_a_count() -> None:
    body = START + user("a", many("", "<loopCardinality>n</loopCardinality>")) + END + lines("s>a", "a>e")
    flow = flow_of(body)
    assert start(flow, {"n": 0}, KIT).ended_at == "e"
    assert ready(start(flow, {"n": 2}, KIT)) == ["a", "a"]
    with pytest.raises(FlowError, match=r"a: 'n' must be a whole number, it is 2.5"):
        start(flow, {"n": 2.5}, KIT)


def test_a_loop_goes_on_while_its_condition_holds() -> None:
    loop = (
        '<standardLoopCharacteristics loopMaximum="3"><loopCondition>more</loopCondition></standardLoopCharacteristics>'
    )
    flow = flow_of(START + user("a", loop) + END + lines("s>a", "a>e"))
    state = do(flow, do(flow, start(flow, {}, KIT), "a", more=True), "a", more=True)
    assert ready(state) == ["a"]
    assert do(flow, state, "a", more=True).ended_at == "e"
    assert do(flow, start(flow, {}, KIT), "a", more=False).ended_at == "e"


CALLED = (
    '<process id="inner" isExecutable="true"><startEvent id="s9"/>' + user("ask")
    + '<scriptTask id="calc" scriptFormat="feel" c:resultVariable="sum"><script>cups * 2</script></scriptTask>'
    + '<endEvent id="e9"/>' + lines("s9>ask", "ask>calc", "calc>e9") + "</process>"
)  # fmt: skip


@pytest.mark.parametrize("is_other_file", [False, True])
def test_a_called_flow_runs_inside_and_keeps_its_own(is_other_file: bool) -> None:
    call = '<callActivity id="c1" calledElement="inner"><extensionElements><c:in source="n" target="cups"/>'
    call += '<c:out source="sum" target="total"/></extensionElements></callActivity>'
    body = START + call + user("a") + END + lines("s>c1", "c1>a", "a>e")
    called = {"inner": f"{HEAD}{CALLED}</definitions>".encode()}
    flow = flow_of(body, called=called) if is_other_file else flow_of(body, CALLED)
    assert flow.calls == (("inner",) if is_other_file else ())
    state = start(flow, {"n": 4}, KIT)
    assert ready(state) == ["c1/ask"]
    state = do(flow, state, "c1/ask", sugar=1)
    assert ready(state) == ["a"]
    assert {k: v for k, v in state.document.items() if k != "answers"} == {"n": 4, "total": 8}
    assert state.document["answers"] == {"c1/ask": {"sugar": 1}}


def test_a_flow_that_calls_itself_is_refused() -> None:
    with pytest.raises(FlowError, match="calls itself"):
        flow_of(START + '<callActivity id="c1" calledElement="p"/>' + END + lines("s>c1", "c1>e"))


@pytest.mark.parametrize(
    "task",
    [
        '<serviceTask id="a" c:type="external" c:topic="print"/>',
        '<serviceTask id="a"><extensionElements><z:taskDefinition type="print"/></extensionElements></serviceTask>',
    ],
)
def test_a_job_waits_for_whoever_serves_its_topic(task: str) -> None:
    body = START + task + END + user("mend") + event("boundaryEvent", "b", ERROR, 'attachedToRef="a"')
    flow = flow_of(body + lines("s>a", "a>e", "b>mend"))
    state = start(flow, {}, KIT)
    assert [(wait.event, wait.kind, wait.name) for wait in state.waits] == [("a", "job", "print")]
    assert come(flow, state, "a", pages=3).document["answers"]["a"] == {"pages": 3}
    assert ready(come(flow, state, "a", error="E1")) == ["mend"]
    assert come(flow, state, "a", error="E9").ended_at == "a"


@pytest.mark.parametrize(
    ("juel", "feel"),
    [
        ("${approved}", "approved"),
        ("${approved == true && amount >= 10}", "approved = true and amount >= 10"),
        ("${!approved || empty note}", 'not(approved) or (note = null or note = "" or note = [])'),
        ("#{kind eq 'a' ? 1 : 2}", 'if kind = "a" then 1 else 2'),
        ("${order.items[0].price % 3 ne 0}", "modulo(order.items[1].price, 3) != 0"),
        ("${map['some key'] > -(2 + n)}", 'get value(map, "some key") > -(2 + n)'),
        ("${execution.getVariable('cups') > 2}", "cups > 2"),
        (
            "${kind.equals('a') && !guests.isEmpty()}",
            '(kind = "a") and not((guests = null or guests = "" or guests = []))',
        ),
        ("${guests.size() < 3 || guests.contains(host)}", "count(guests) < 3 or list contains(guests, host)"),
    ],
)
def test_expressions_of_other_engines_are_read_as_feel(juel: str, feel: str) -> None:
    flow = flow_of(START + '<exclusiveGateway id="x" default="x-e"/>' + END + user("a")
                   + lines("s>x", f"x>a: {juel}", "x>e"))  # fmt: skip
    assert flow.conditions == {"x-a": feel}


@pytest.mark.parametrize(
    ("juel", "rule"),
    [
        ("${bean.check(execution)}", "calls a method: only FEEL is evaluated here"),
        ("${bean.check(execution, 'a', 2)}", "calls a method: only FEEL is evaluated here"),
        ("${execution.getVariable(name)}", "calls a method: only FEEL is evaluated here"),
        ("${a +}", "cannot be read as FEEL: it ends too early"),
        ("${a ; b}", "cannot be read as FEEL from “; b” on"),
    ],
)
def test_what_feel_cannot_say_is_refused_with_its_element(juel: str, rule: str) -> None:
    with pytest.raises(FlowError) as caught:
        flow_of(START + '<exclusiveGateway id="x"/>' + END + lines("s>x", f"x>e: {juel}"))
    assert (caught.value.element_id, caught.value.rule) == ("x-e", rule)


@pytest.mark.parametrize("kind", ["businessRuleTask", "scriptTask"])
def test_a_decision_or_script_with_a_topic_waits_for_a_program_outside(kind: str) -> None:
    flow = flow_of(START + f'<{kind} id="a" c:topic="judge"/>' + END + lines("s>a", "a>e"))
    state = start(flow, {}, KIT)
    assert [(wait.kind, wait.name) for wait in state.waits] == [("job", "judge")]


def test_what_another_engine_does_beside_bpmn_is_told_by_its_element() -> None:
    listener = '<extensionElements><c:taskListener event="create" class="a.B"/></extensionElements>'
    flow = flow_of(START + user("a", listener) + END + lines("s>a", "a>e"))
    assert [note.id for note in flow.notes if note.kind == "unrun"] == ["a"]


def test_the_one_line_of_a_gateway_without_a_condition_is_taken_where_no_other_holds() -> None:
    flow = flow_of(START + '<exclusiveGateway id="x"/>' + END + user("a") + user("b")
                   + lines("s>x", "x>a", "x>b: n = 1", "a>e", "b>e"))  # fmt: skip
    assert [(note.id, note.kind) for note in flow.notes if note.kind == "otherwise"] == [("x-a", "otherwise")]
    assert [ready(start(flow, {"n": n}, KIT)) for n in (1, 2)] == [["b"], ["a"]]
    with pytest.raises(FlowError) as caught:
        flow_of(START + '<exclusiveGateway id="x" name="够？"/>' + END + user("a") + lines("s>x", "x>a", "x>e", "a>e"))
    assert [(one.element_id, one.name, one.rule) for one in caught.value.all] == [
        ("x-a", "够？ → a", "must be a condition: this flow leaves gateway 够？"),
        ("x-e", "够？ → e", "must be a condition: this flow leaves gateway 够？"),
    ]


def test_an_inclusive_gateway_takes_lines_without_a_condition_always() -> None:
    flow = flow_of(START + '<inclusiveGateway id="x"/>' + END + user("a") + user("b")
                   + lines("s>x", "x>a", "x>b: n = 1", "a>e", "b>e"))  # fmt: skip
    assert [ready(start(flow, {"n": n}, KIT)) for n in (1, 2)] == [["a", "b"], ["a"]]


def test_a_gateway_may_lead_to_one_step_for_two_reasons() -> None:
    two = '<sequenceFlow id="other" sourceRef="x" targetRef="a"><conditionExpression>n = 2</conditionExpression>'
    flow = flow_of(START + '<exclusiveGateway id="x" default="x-e"/>' + END + user("a") + two + "</sequenceFlow>"
                   + lines("s>x", "x>a: n = 1", "x>e", "a>e"))  # fmt: skip
    assert [ready(start(flow, {"n": n}, KIT)) for n in (1, 2, 3)] == [["a"], ["a"], []]


def test_what_follows_from_a_fault_is_not_told_too() -> None:
    late = event("intermediateCatchEvent", "late", timer("soon"))
    body = START + '<eventBasedGateway id="x"/>' + event("intermediateCatchEvent", "paid", MESSAGE) + late + END
    with pytest.raises(FlowError) as caught:
        flow_of(body + lines("s>x", "x>paid", "x>late", "paid>e", "late>e"))
    assert [one.element_id for one in caught.value.all] == ["late"]


@pytest.mark.parametrize(
    ("task", "who"),
    [
        ('<userTask id="a" c:candidateUsers="ann"/>', ("", "ann")),
        ('<userTask id="a" c:candidateUsers="ann, ben"/>', ("", "ann,ben")),
        ('<userTask id="a" c:candidateUsers="=[&quot;ann&quot;, &quot;ben&quot;]"/>', ("", "ann,ben")),
        ('<userTask id="a" c:candidateUsers="ann,ben" c:candidateGroups="seller"/>', ("seller", "ann,ben")),
        (
            '<userTask id="a"><ioSpecification><dataInput id="group" name="GroupId"/></ioSpecification>'
            "<dataInputAssociation><targetRef>group</targetRef><assignment><from>seller</from><to>group</to></assignment></dataInputAssociation>"
            "</userTask>",
            ("seller", ""),
        ),
    ],
)
def test_who_does_a_task_as_other_engines_say_it(task: str, who: tuple[str, str]) -> None:
    token = start(flow_of(START + task + END + lines("s>a", "a>e")), {}, KIT).tokens[0]
    assert (token.role, token.person) == who


def test_all_faults_of_a_file_are_told_at_once() -> None:
    body = (
        START
        + user("a")
        + '<userTask id="b" name="验收"/><exclusiveGateway id="x"/><endEvent id="e"/><task id="lost"/>'
    )
    with pytest.raises(FlowError) as caught:
        flow_of(body + lines("s>a", "a>b", "b>x", "x>e", "x>a: 1 +") + lines("b>nowhere"))
    assert [(fault.element_id, fault.name) for fault in caught.value.all] == [
        ("b", "验收"), ("b-nowhere", "验收 → nowhere"), ("lost", ""), ("x-a", "x → a"),
    ]  # fmt: skip


# Whatever is drawn soundly ends, and nothing of it is lost


BLOCKS = st.recursive(
    st.sampled_from(["user", "task", "timer", "message", "job"]),
    lambda inner: st.tuples(
        st.sampled_from(["seq", "and", "or", "xor", "race", "sub", "many", "late", "aside"]),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=6,
)


class Drawn:
    """A sound flow from nested blocks: each has one way in and one way out."""

    def __init__(self) -> None:
        self.number = 0

    def new(self, prefix: str) -> str:
        self.number += 1
        return f"{prefix}{self.number}"

    def block(self, block: Any) -> tuple[str, str, str]:
        """(XML, first element, last element)."""
        if isinstance(block, str):
            id_ = self.new(block)
            body = {
                "user": user(id_), "task": f'<task id="{id_}"/>',
                "timer": event("intermediateCatchEvent", id_, timer("PT1H")),
                "message": event("intermediateCatchEvent", id_, MESSAGE),
                "job": f'<serviceTask id="{id_}" c:topic="t"/>',
            }[block]  # fmt: skip
            return body, id_, id_
        kind, inner = block
        return self.split(kind, inner) if kind in {"and", "or", "xor", "race"} else getattr(self, kind)(inner)

    def seq(self, inner: list[Any]) -> tuple[str, str, str]:
        parts = [self.block(one) for one in inner]
        body = "".join(part[0] for part in parts)
        body += lines(*(f"{one[2]}>{other[1]}" for one, other in pairwise(parts)))
        return body, parts[0][1], parts[-1][2]

    def split(self, kind: str, inner: list[Any]) -> tuple[str, str, str]:
        tags = {
            "and": "parallelGateway",
            "or": "inclusiveGateway",
            "xor": "exclusiveGateway",
            "race": "eventBasedGateway",
        }
        first, last = self.new(kind), self.new(kind)
        default = f'default="{first}-{{}}"' if kind in {"or", "xor"} else ""
        ask, body = self.new("user"), ""
        ways = []
        for number, one in enumerate([*inner, "task"]):
            part, begin, end = self.block(one)
            body += part
            if kind == "race":
                door = self.new("door")
                body += event("intermediateCatchEvent", door, timer(f"PT{number + 1}H")) + lines(f"{door}>{begin}")
                begin = door
            condition = f": odd({number}, answers.{ask}.n)" if default and number < len(inner) else ""
            condition = condition.replace(f"odd({number}, ", f"modulo({number} + ").replace(".n)", ".n, 2) = 1")
            ways += [f"{first}>{begin}{condition}", f"{end}>{last}"]
            default = default.format(begin) if number == len(inner) else default
        close = tags["xor" if kind == "race" else kind]
        body += f'<{tags[kind]} id="{first}" {default}/><{close} id="{last}"/>' + lines(*ways)
        return body + user(ask) + lines(f"{ask}>{first}"), ask, last

    def sub(self, inner: list[Any], more: str = "", id_: str = "") -> tuple[str, str, str]:
        id_ = id_ or self.new("sub")
        part, begin, end = self.seq(inner)
        body = f'<startEvent id="s{id_}"/><endEvent id="e{id_}"/>{part}' + lines(f"s{id_}>{begin}", f"{end}>e{id_}")
        return sub(body + more, id_), id_, id_

    def many(self, inner: list[Any]) -> tuple[str, str, str]:
        loop = many(f'isSequential="{str(self.number % 2 == 0).lower()}"', "<loopCardinality>2</loopCardinality>")
        return self.sub(inner, loop)

    def late(self, inner: list[Any]) -> tuple[str, str, str]:
        """A sub-process that a timer may end, and one that tells somebody beside."""
        body, id_, _ = self.sub(inner)
        join, cut, tell, told = self.new("join"), self.new("cut"), self.new("tell"), self.new("user")
        body += event("boundaryEvent", cut, timer("P1D"), f'attachedToRef="{id_}"')
        body += event("boundaryEvent", tell, timer("P2D"), f'attachedToRef="{id_}" cancelActivity="false"')
        body += (
            f'<exclusiveGateway id="{join}"/>' + user(told) + lines(f"{id_}>{join}", f"{cut}>{join}", f"{tell}>{told}")
        )
        return body, id_, join

    def aside(self, inner: list[Any]) -> tuple[str, str, str]:
        id_ = self.new("sub")
        begin = event("startEvent", f"t{id_}", timer("P5D"), 'isInterrupting="false"')
        more = sub(begin + user(f"u{id_}") + lines(f"t{id_}>u{id_}"), f"x{id_}", 'triggeredByEvent="true"')
        return self.sub(inner, more, id_)


@given(BLOCKS, st.randoms(use_true_random=False))
@settings(max_examples=120, deadline=None)
def test_every_sound_flow_ends_whatever_happens_and_comes_back_the_same(block: Any, luck: Any) -> None:
    body, begin, end = Drawn().block(block)
    flow = flow_of(START + END + body + lines(f"s>{begin}", f"{end}>e"))
    state = start(flow, {}, KIT)
    for _ in range(300):
        assert state.is_ended == (not state.tokens and not state.waits)
        numbers = [row["n"] for row in state.marking]
        assert len(set(numbers)) == len(numbers)
        assert all(row["within"] in numbers for row in state.marking if row["n"])
        if state.is_ended:
            break
        moves: list[Any] = [*state.tokens, *state.waits]
        move = luck.choice(moves)
        kept = again(flow, state)
        if move in state.tokens:
            n = luck.randrange(4)
            state, other = (complete(flow, one, move.id, {"n": n}, KIT) for one in (state, kept))
        else:
            state, other = (happen(flow, one, move.at, move.event, {}, KIT) for one in (state, kept))
        assert state == other
    assert state.is_ended
