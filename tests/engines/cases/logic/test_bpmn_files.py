"""Which BPMN files become flows, what is read from them, and why others are refused."""

from pathlib import Path

import pytest

from shizhu.engines.cases.logic import Flow, FlowError, Note, Step, complete, parse, start

XML = Path(__file__).with_name("lemonade.bpmn").read_text(encoding="utf-8")


def changed(old: str, new: str) -> Flow:
    assert XML.count(old) == 1, old
    return parse(XML.replace(old, new).encode(), key="lemonade")


def refusal(old: str, new: str) -> tuple[str, object, str]:
    with pytest.raises(FlowError) as caught:
        changed(old, new)
    return caught.value.element_id, caught.value.value, caught.value.rule


def test_a_file_of_a_common_editor_with_its_drawing_is_read() -> None:
    flow = parse(XML.encode(), key="lemonade")
    assert (flow.key, flow.name, len(flow.digest), flow.xml) == ("lemonade", "柠檬水", 64, XML.encode())
    assert [step.id for step in flow.steps if step.kind == "user"] == ["order", "make", "taste", "lay", "serve"]
    assert flow.step["order"] == Step(
        id="order",
        name="Take the order",
        kind="user",
        help="Ask for the number of cups.",
        role="seller",
        form="lemonade.order",
        due="PT10M",
    )
    assert flow.step["order"].stage == "Take the order"
    assert flow.step["fork"] == Step("fork", "", "parallel")
    assert flow.step["fork"].stage == "fork"


def test_what_cannot_run_but_harms_nothing_is_noted() -> None:
    notes = parse(XML.encode(), key="lemonade").notes
    assert {(note.id, note.kind) for note in notes} == {
        ("Collaboration_1", "collaboration"),
        ("Participant_stand", "participant"),
        ("Participant_guest", "participant"),
        ("Message_thirst", "messageFlow"),
        ("Lanes", "laneSet"),
        ("Lane_kitchen", "lane"),
        ("order", "extensionElements"),
        ("Note_sugar", "textAnnotation"),
        ("Association_1", "association"),
        ("Store_cellar", "dataStoreReference"),
        ("lemonade", "camunda:historyTimeToLive"),
        ("make", "camunda:priority"),
    }
    assert Note("Note_sugar", "textAnnotation", "Sugar is in the red box") in notes
    assert Note("order", "extensionElements", "formData") in notes


def test_a_pool_that_is_not_executable_is_noted_and_not_run() -> None:
    other = '<bpmn:process id="guest" name="Guest"><bpmn:serviceTask id="drink" /></bpmn:process><bpmndi:BPMNDiagram'
    notes = changed("<bpmndi:BPMNDiagram", other).notes
    assert Note("guest", "process", "Guest") in notes
    assert Note("drink", "serviceTask", "") in notes


def test_the_same_file_is_parsed_once_and_another_byte_is_another_version() -> None:
    flow = parse(XML.encode(), key="lemonade")
    other = parse(XML.encode() + b"\n", key="lemonade")
    assert parse(XML.encode(), key="lemonade") is flow
    assert other.digest != flow.digest


PRICE = "answers.order.cups * 3"
FINE = 'answers.taste.味道 = "好"'
END = '<bpmn:endEvent id="End" name="Guest leaves" />'
WIPE = '<bpmn:manualTask id="wipe" name="Wipe hands" />'
LAST = '<bpmn:sequenceFlow id="to_end" sourceRef="happy" targetRef="End" />'
TO_ORDER = '<bpmn:sequenceFlow id="to_order" sourceRef="Start" targetRef="order" />'
TO_WIPE = '<bpmn:sequenceFlow id="to_wipe" sourceRef="lay" targetRef="wipe" />'
TO_JOIN = '<bpmn:sequenceFlow id="to_join" sourceRef="wipe" targetRef="join" />'
MORE = '<bpmn:exclusiveGateway id="more" name="More?" />'
ORDER_ROLE = 'name="Take the order" camunda:candidateGroups="seller"'
CONDITION = "<bpmn:conditionExpression>true</bpmn:conditionExpression>"


@pytest.mark.parametrize(
    ("old", "new", "element", "rule"),
    [
        (ORDER_ROLE, 'name="Take the order"', "order", "must be done by a role"),
        ('"PT10M"', '"tomorrow"', "order", "must be a deadline: an ISO 8601 duration such as PT24H"),
        ('"PT10M"', '"P"', "order", "must be a deadline: an ISO 8601 duration such as PT24H"),
        (FINE, "answers.taste.味道 =", "fine", "is no FEEL: at character 19 it ends too early"),
        (FINE, "${stock.enough(2)}", "fine", "calls a method: only FEEL is evaluated here"),
        (
            FINE,
            "answers.taste.味道.startswith('a')".replace("'", "&quot;"),
            "fine",
            "calls “answers.taste.味道.startswith”, which is no function of FEEL: only FEEL is evaluated here",
        ),
        (FINE, "good ＝ true", "fine", "is no FEEL: character 6 is the full-width “＝”: write ="),
        (FINE, "${good", "fine", "is no FEEL: at character 1 it cannot be read from “${good” on"),
        (FINE, "answers.tast.味道 = 1", "fine", "reads answers.tast, but no user task has that id"),
        ('language="feel"', 'language="python"', "fine", "must be feel, the language of conditions"),
        (PRICE, "3 *", "price", "is no FEEL: at character 4 it ends too early"),
        (
            'scriptFormat="feel"',
            'scriptFormat="python"',
            "price",
            "must be feel: no other script language is executed",
        ),
        ('scriptFormat="feel" ', "", "price", "must be feel: no other script language is executed"),
        (
            'camunda:resultVariable="总价"',
            'camunda:resultVariable="answers"',
            "price",
            "must be a key of the document for its result, not answers",
        ),
        (TO_ORDER, "", "order", "cannot be reached from the start event"),
        (LAST, "", "End", "cannot be reached from the start event"),
        (
            TO_WIPE,
            TO_WIPE.replace('"wipe"', '"nowhere"'),
            "to_wipe",
            "is no element that this sequence flow could join",
        ),
        (
            TO_WIPE,
            TO_WIPE.replace(' targetRef="wipe"', ""),
            "to_wipe",
            "is no element that this sequence flow could join",
        ),
        (
            TO_WIPE,
            TO_WIPE + TO_WIPE.replace("to_wipe", "twice"),
            "twice",
            "are joined by another sequence flow already",
        ),
        (TO_WIPE, TO_WIPE.replace(' id="to_wipe"', ""), "lemonade", "must have an id"),
        (
            TO_WIPE,
            TO_WIPE.replace(" />", f">{CONDITION}</bpmn:sequenceFlow>").replace("lay", "fork"),
            "to_wipe",
            "must be left out: conditions stand behind exclusive gateways only",
        ),
        (
            LAST,
            LAST + '<bpmn:sequenceFlow id="back" sourceRef="End" targetRef="order" />',
            "back",
            "must not enter a start event nor leave an end event",
        ),
        (END, END + '<bpmn:startEvent id="s2" />', "s2", "must lead somewhere: nothing begins here"),
        (
            MORE,
            MORE.replace(" />", ' default="to_wipe" />'),
            "more",
            "must be a sequence flow that leaves this gateway (default)",
        ),
        (
            WIPE,
            WIPE.replace("manualTask", "complexGateway"),
            "wipe",
            "is a complex gateway, which is not run here: draw it as an inclusive or exclusive one",
        ),
        (
            WIPE,
            WIPE.replace("manualTask", "adHocSubProcess"),
            "wipe",
            "is an ad-hoc sub-process, which is not run here: draw its tasks in their order",
        ),
        (WIPE, WIPE.replace("manualTask", "callActivity"), "wipe", "must name the flow it calls"),
        (
            WIPE,
            WIPE.replace("manualTask", "serviceTask").replace(" />", ' camunda:class="org.example.Wipe" />'),
            "wipe",
            "(class) is a program of another system: name a topic that somebody serves instead",
        ),
        (
            WIPE,
            WIPE.replace(" />", "><bpmn:multiInstanceLoopCharacteristics /></bpmn:manualTask>"),
            "wipe",
            "must say for each of what, or how often it is done",
        ),
        (
            WIPE,
            WIPE.replace(" />", "><bpmn:standardLoopCharacteristics /></bpmn:manualTask>"),
            "wipe",
            "must say while what or how often it is done again",
        ),
        (WIPE, WIPE.replace(" />", ' startQuantity="2" />'), "wipe", "is not supported yet"),
        (END, '<bpmn:boundaryEvent id="late" attachedToRef="make" />' + END, "late", "must say what it waits for"),
        (
            END,
            '<bpmn:boundaryEvent id="late" attachedToRef="more"><bpmn:messageEventDefinition /></bpmn:boundaryEvent>'
            + END,
            "late",
            "is no activity of the same process that a boundary event could sit on",
        ),
        (
            END,
            '<bpmn:endEvent id="End"><bpmn:errorEventDefinition id="x" errorRef="nowhere" /></bpmn:endEvent>',
            "End",
            "is no error of this file",
        ),
        (
            END,
            '<bpmn:endEvent id="End"><bpmn:timerEventDefinition><bpmn:timeDate>2026-07-01</bpmn:timeDate>'
            "</bpmn:timerEventDefinition></bpmn:endEvent>",
            "End",
            "is not what an event of this place may have",
        ),
        (
            '<bpmn:startEvent id="Start" name="Guest comes">',
            '<bpmn:startEvent id="Start"><bpmn:timerEventDefinition id="x" />',
            "Start",
            "must say when: a date, a duration or a cycle",
        ),
        (
            '<bpmn:startEvent id="Start" name="Guest comes">',
            '<bpmn:startEvent id="Start"><bpmn:timerEventDefinition id="x"><bpmn:timeCycle>0 99 * * *</bpmn:timeCycle>'
            "</bpmn:timerEventDefinition>",
            "Start",
            "is no schedule that can be read",
        ),
        ('<bpmn:process id="lemonade"', "<bpmn:process", "definitions", "must have an id"),
        ('id="wipe"', 'id="lay"', "lay", "is the id of two elements"),
    ],
)
def test_what_could_not_run_as_drawn_is_refused(old: str, new: str, element: str, rule: str) -> None:
    found, _, broken = refusal(old, new)
    assert (found, broken) == (element, rule)


def test_an_error_names_the_element_the_value_and_the_rule() -> None:
    with pytest.raises(
        FlowError, match=r"order “Take the order”: 'tomorrow' must be a deadline: an ISO 8601 duration such as PT24H"
    ):
        changed('"PT10M"', '"tomorrow"')


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE bpmn [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE bpmn [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE bpmn SYSTEM "http://127.0.0.1:9/evil.dtd">',
    ],
)
def test_a_dtd_is_refused(doctype: str) -> None:
    body = XML.partition("?>")[2].replace("Sugar is in the red box", "&x;" if 'SYSTEM "file' in doctype else "sugar")
    with pytest.raises(FlowError, match="must be left out: a flow has no DTD"):
        parse(f'<?xml version="1.0"?>{doctype}{body}'.encode(), key="evil")


@pytest.mark.parametrize("xml", [b"", b"<a", b"\x00\xff", b"not xml"])
def test_what_is_no_xml_is_refused(xml: bytes) -> None:
    with pytest.raises(FlowError, match="is no readable XML"):
        parse(xml, key="broken")


def test_what_is_no_bpmn_is_refused() -> None:
    with pytest.raises(FlowError, match="the root of a BPMN 2.0 file"):
        parse(b"<html/>", key="page")


def test_python_in_a_condition_is_never_executed(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(FlowError) as caught:
        changed(FINE, f"__import__('pathlib').Path('{trace}').touch() or True")
    assert caught.value.element_id == "fine"
    assert not trace.exists()


def test_an_expression_that_python_and_feel_both_read_is_read_as_feel() -> None:
    flow = changed(PRICE, "2 ** 3")
    state = complete(flow, start(flow, {}), "order:1", {})
    assert state.document["总价"] == 8
    flow = changed(PRICE, "[10, 20][1]")
    assert complete(flow, start(flow, {}), "order:1", {}).document["总价"] == 10
