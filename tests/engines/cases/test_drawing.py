"""Flows drawn in the browser and brought from other editors: what runs runs, the rest is kept, faults are named."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from lxml import etree
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import api
from shizhu.engines.cases.logic.layout import laid_out
from shizhu.kernel import packs, testing
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db(transaction=True)
DI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
ROLE = "lemonade.maker"

FILES = Path(__file__).with_name("files")
# As Camunda Modeler writes for Camunda 8: FEEL after "=", a worker; Flowable: default namespace, `${…}`; Signavio and
# Trisotech's: pools, a lane as the role, data, nothing marked as executable, another encoding.
CAMUNDA_8, FLOWABLE, SIGNAVIO = (
    (FILES / f"{name}.bpmn").read_bytes() for name in ("camunda_8", "flowable", "signavio")
)


BARE = b"""<?xml version="1.0" encoding="ISO-8859-1"?>
<b:definitions xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:d="http://www.omg.org/spec/BPMN/20100524/DI"
  xmlns:t="urn:t" targetNamespace="urn:t">
 <b:globalUserTask id="tasting" name="Taste"/><b:dataStore id="cellar"/>
 <b:collaboration id="both"><b:participant id="stand" processRef="t:sell"/><b:participant id="guest" name="Guest"/>
  <b:messageFlow id="thirst" sourceRef="guest" targetRef="taste"/><b:textAnnotation id="hot"><b:text>warm</b:text>
  </b:textAnnotation><b:association id="why" sourceRef="hot" targetRef="stand"/></b:collaboration>
 <b:process id="sell"><b:laneSet id="lanes"><b:lane id="lane" name="lemonade.maker"><b:flowNodeRef>taste</b:flowNodeRef>
  </b:lane></b:laneSet><b:startEvent id="begin"/><b:callActivity id="taste" calledElement="t:tasting"/>
  <b:task id="wipe"><b:dataOutputAssociation id="into"><b:targetRef>t:jars</b:targetRef>
  </b:dataOutputAssociation></b:task><b:sequenceFlow sourceRef="begin" targetRef="taste"/>
  <b:sequenceFlow sourceRef="taste" targetRef="wipe"/><b:dataObject id="list"/>
  <b:dataObjectReference id="paper" dataObjectRef="list"/><b:dataStoreReference id="jars" dataStoreRef="cellar"/>
  <b:group id="sweet"/></b:process><d:BPMNDiagram id="empty"><d:BPMNPlane bpmnElement="sell"/></d:BPMNDiagram>
</b:definitions>"""


@pytest.fixture
def drawer(county: County) -> Client:
    return browser(person(county, "*", username="boss"))


def bring(client: Client, content: bytes, **sent: str) -> dict[str, Any]:
    answer = client.post("/declarations/flows/bring", {"file": SimpleUploadedFile("x.bpmn", content), **sent})
    told: dict[str, Any] = answer.json()
    return {**told, "status": answer.status_code}


def errors(told: dict[str, Any]) -> list[str]:
    return [fault["element"] for fault in told["faults"] if fault["level"] == "error"]


def keep(
    client: Client, xml: str, address: str = "/declarations/flows/draw", read: str = "", as_: str = "flows"
) -> Any:
    return client.post(address, {"xml": xml, "read": read, "as": as_}, content_type="application/json")


@pytest.mark.parametrize("text", [CAMUNDA_8, FLOWABLE, SIGNAVIO])
def test_files_of_common_editors_are_drawn_kept_and_run(county: County, drawer: Client, text: bytes) -> None:
    told = bring(drawer, text)
    assert (told["status"], errors(told)) == (200, [])
    root = etree.fromstring(told["xml"].encode())
    assert root.find(f".//{DI}BPMNShape") is not None
    before = {element.get("id") for element in etree.fromstring(text).iter() if element.get("id")}
    assert before <= {element.get("id") for element in root.iter()}
    kept = keep(drawer, told["xml"])
    assert kept.status_code == 200, kept.content.decode()
    row = Declaration.objects.get(kind="flows", source="person")
    document = {"days": 5, "firms": ["a", "b", "c"], "sum": 0, "urgent": True}
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), document))
    ready = case.tasks.filter(status="ready").values_list("role", flat=True)
    assert set(ready) == {ROLE}
    assert len(ready) == (3 if text is FLOWABLE else 1)


def test_each_fault_of_a_file_names_its_element(drawer: Client) -> None:
    text = (
        CAMUNDA_8.decode()
        .replace(f'candidateGroups="{ROLE}"', 'candidateGroups="accounting"')
        .replace('default="f4"', "")
    )
    bare = re.sub("<bpmn:conditionExpression>.*</bpmn:conditionExpression>", "", text)
    assert errors(bring(drawer, bare.encode())) == ["f3", "f4"]
    text = text.replace("<bpmn:exclusiveGateway", "<bpmn:inclusiveGateway").replace('name="同意？" ', 'default="f4"')
    told = bring(drawer, text.encode())
    assert errors(told) == ["approve"]
    assert "accounting" in told["faults"][0]["text"]
    before = testing.everything_kept()
    refused = keep(drawer, told["xml"])
    assert (refused.status_code, [fault["element"] for fault in refused.json()["faults"]]) == (422, ["approve"])
    for content in (b"<x/>", b"", b"<!DOCTYPE x [<!ENTITY e 'e'>]><x/>"):
        assert bring(drawer, content)["status"] == 422
    assert testing.everything_kept() == before


def test_two_events_that_catch_one_link_are_refused_by_name(drawer: Client) -> None:
    link = '<bpmn:linkEventDefinition name="下一页" />'
    events = "".join(
        f'<bpmn:intermediate{kind}Event id="l{n}" name="{name}">{link}</bpmn:intermediate{kind}Event>'
        for n, (kind, name) in enumerate((("Throw", "去"), ("Catch", "甲"), ("Catch", "乙")))
    )
    text = (
        '<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"'
        ' xmlns:camunda="http://camunda.org/schema/1.0/bpmn"><bpmn:process id="p" name="链接" isExecutable="true">'
        f'<bpmn:startEvent id="s" />{events}<bpmn:userTask id="a" name="办" camunda:candidateGroups="{ROLE}" />'
        '<bpmn:endEvent id="e" />'
    )
    for pair in ("s>l0", "l1>a", "l2>a", "a>e"):
        source, target = pair.split(">")
        text += f'<bpmn:sequenceFlow id="{source}{target}" sourceRef="{source}" targetRef="{target}" />'
    told = bring(drawer, f"{text}</bpmn:process></bpmn:definitions>".encode())
    (fault,) = [one for one in told["faults"] if one["level"] == "error"]
    assert (fault["element"], fault["text"]) == (
        "l2", "捕获事件“乙”：“下一页” 是“甲”已经接收的链接：一个链接名只能有一个接收事件，可以有多个发出事件",
    )  # fmt: skip


def test_a_version_is_kept_over_the_one_that_was_read_only(drawer: Client) -> None:
    xml = bring(drawer, CAMUNDA_8)["xml"]
    first = keep(drawer, xml).json()
    other = xml.replace("审批", "批准")
    stale = keep(drawer, other, first["address"], read="old")
    assert stale.status_code == 422
    assert keep(drawer, other, first["address"], read=first["read"]).status_code == 200
    assert "批准" in Declaration.objects.get(kind="flows", source="person").body["text"]
    page = drawer.get(first["address"])
    assert "批准" in page.context["settings"]["xml"]


def test_what_cannot_run_yet_is_kept_as_a_drawing_until_it_is_a_flow(county: County, drawer: Client) -> None:
    xml = bring(drawer, CAMUNDA_8)["xml"]
    unfinished = xml.replace('candidateGroups="lemonade.maker"', 'candidateGroups=""')
    refused = keep(drawer, unfinished)
    assert refused.status_code == 422
    drawn = keep(drawer, unfinished, as_="drawings").json()
    [row] = Declaration.objects.filter(source="person")
    assert (row.kind, drawn["address"]) == ("drawings", f"/declarations/drawings/{row.stem}/draw")
    page = drawer.get(drawn["address"])
    assert page.context["settings"]["xml"] == row.body["text"]
    assert "这是草图，不办理案件；问题改完并保存为流程后才开始使用。" in text(page)
    assert f"流程草图 还不能办理的流程图：没画完的，或只作说明的；保存为流程后才办理案件 请假 local.{row.stem}" in text(
        drawer.get("/declarations/")
    )
    assert f"local.{row.stem}" not in packs.declarations("flows", county.pk)
    assert keep(drawer, unfinished, drawn["address"]).status_code == 422  # it is no flow yet
    made = keep(drawer, xml, drawn["address"]).json()
    assert made["address"] == f"/declarations/flows/{row.stem}/draw"
    row.refresh_from_db()
    assert row.is_withdrawn
    assert f"local.{row.stem}" in packs.declarations("flows", county.pk)
    again = keep(drawer, unfinished, made["address"], read=drawn["read"], as_="drawings")
    assert again.json()["address"] == drawn["address"]
    assert "这个流程有一份未画完的草图。" in text(drawer.get(made["address"]))


def test_what_cannot_be_drawn_is_no_drawing_either(drawer: Client) -> None:
    before = testing.everything_kept()
    for content in ("", "<x/>", "no file at all"):
        assert keep(drawer, content, as_="drawings").status_code == 422
    assert testing.everything_kept() == before


def test_expressions_are_judged_as_they_are_typed(drawer: Client) -> None:
    def judged(text: str) -> dict[str, Any]:
        answer: dict[str, Any] = drawer.post(
            "/declarations/flows/check", {"expression": text}, content_type="application/json"
        ).json()
        return answer

    assert judged("= cups > 3") == {"fault": ""}
    assert judged("cups >") == {"fault": "不是 FEEL 表达式：到第 7 个字符还没有写完", "position": 6}
    wide = "不是 FEEL 表达式：第 6 个字符是全角的“＞”，请改用半角的 >"
    assert judged("cups ＞ 3") == {"fault": wide, "position": 5}


def test_only_who_may_declare_draws(county: County) -> None:
    visitor = browser(person(county, role=ROLE, username="maker"))
    before = testing.everything_kept()
    for address in ("draw", "check", "bring"):
        assert visitor.post(f"/declarations/flows/{address}", {}, content_type="application/json").status_code == 403
    assert visitor.get("/declarations/flows/draw").status_code == 403
    assert testing.everything_kept() == before


def test_a_case_tells_what_it_has_passed_and_where_it_stands(county: County, drawer: Client) -> None:
    case = api.open_case(api.Opening("lemonade.bulk", "试", area(county, "101"), {"cups": 30}))
    told = drawer.get(f"/cases/{case.pk}/flow.json").json()
    assert (told["done"], told["now"], told["late"]) == (["asked", "price", "who"], ["taste_first"], [])
    stranger = browser(person(county, "cases.case.view", username="far", in_area="102"))
    assert stranger.get(f"/cases/{case.pk}/flow.json").status_code == 403


def test_a_file_without_start_events_begins_with_what_nothing_leads_to(county: County, drawer: Client) -> None:
    box = '<subProcess id="box"><userTask id="a" name="A"/><userTask id="b" name="B"/></subProcess>'
    lane = "".join(f"<flowNodeRef>{id_}</flowNodeRef>" for id_ in ("a", "b"))
    text = f"""<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="t"><process id="p">
     <laneSet id="ls"><lane id="l" name="{ROLE}">{lane}</lane></laneSet><task id="first"/>{box}<task id="last"/>
     <sequenceFlow id="f" sourceRef="first" targetRef="box"/><sequenceFlow id="g" sourceRef="box" targetRef="last"/>
     </process></definitions>"""
    told = bring(drawer, text.encode())
    assert (told["status"], errors(told)) == (200, [])
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {}))
    assert sorted(case.tasks.values_list("step", flat=True)) == ["a", "b"]
    page = drawer.get(f"/cases/{case.pk}/").content.decode()
    assert "_begin" not in page
    assert drawer.get(f"/cases/{case.pk}/flow.json").json()["now"] == ["a", "b", "box"]


def boxes_of(root: Any) -> dict[str, tuple[float, ...]]:
    """(left, top, right, bottom) of every shape that is drawn, by its element."""
    found = {}
    for shape in root.iter(f"{DI}BPMNShape"):
        x, y, width, height = (float(shape[0].get(name)) for name in ("x", "y", "width", "height"))
        found[shape.get("bpmnElement")] = (x, y, x + width, y + height)
    return found


def are_apart(boxes: list[tuple[float, ...]]) -> bool:
    pairs = [(one, other) for number, one in enumerate(boxes) for other in boxes[number + 1 :]]
    return all(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for a, b in pairs)


def test_whatever_has_no_drawing_gets_one_without_overlaps() -> None:
    root = etree.fromstring(laid_out(FLOWABLE).encode())
    boxes = boxes_of(root)
    assert set(boxes) == {"start", "ask", "late", "remind", "split", "end"}
    assert are_apart([box for id_, box in boxes.items() if id_ != "late"])
    assert len(list(root.iter(f"{DI}BPMNEdge"))) == 5


def test_pools_notes_data_and_groups_are_drawn_beside_what_runs(county: County, drawer: Client) -> None:
    told = bring(drawer, BARE)
    assert (told["status"], errors(told)) == (200, [])
    root = etree.fromstring(told["xml"].encode())
    boxes = boxes_of(root)
    inside = {"begin", "taste", "wipe", "paper", "jars", "sweet"}
    assert set(boxes) == {"stand", "guest", "hot", *inside}
    pool = boxes["stand"]
    assert are_apart([boxes[id_] for id_ in inside])
    assert are_apart([pool, boxes["guest"], boxes["hot"]])
    assert all(
        pool[0] < boxes[id_][0] and boxes[id_][2] < pool[2] and boxes[id_][3] < pool[3] and pool[1] < boxes[id_][1]
        for id_ in inside
    )
    edges = {edge.get("bpmnElement") for edge in root.iter(f"{DI}BPMNEdge")}
    assert edges == {"sequenceFlow_1", "sequenceFlow_2", "thirst", "why", "into"}
    assert [one.get("bpmnElement") for one in root.iter(f"{DI}BPMNPlane")] == ["both"]
    assert 'processRef="sell"' in told["xml"]
    assert ">jars<" in told["xml"]  # bpmn-js resolves no prefix
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "尝", area(county, "101"), {}))
    assert list(case.tasks.values_list("step", "role")) == [("taste", ROLE)]  # the global task, by who calls it


# What a browser's editor drops in silence: ids with a blank and in Chinese, a plane of a process that was renamed, a
# prefix that means another namespace to it, types of expressions in no namespace, a signal that is nowhere declared.
ODD = f"""<b:definitions xmlns="urn:other" xmlns:o="urn:other" xmlns:b="http://www.omg.org/spec/BPMN/20100524/MODEL"
  xmlns:color="urn:paint" xmlns:x="http://www.w3.org/2001/XMLSchema-instance" xmlns:c="http://camunda.org/schema/1.0/bpmn"
  xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">
 <b:process id="9 stalls"><b:startEvent id="begin "/>
  <b:userTask id="审核" name="审核" o:weight="3" color:fill="red" c:candidateGroups="{ROLE}"/>
  <b:intermediateThrowEvent id="cheer"><b:signalEventDefinition signalRef="cheers"/></b:intermediateThrowEvent>
  <b:endEvent id="end"/><b:exclusiveGateway id="good" default="no"/>
  <b:sequenceFlow id="a" sourceRef="begin" targetRef="审核"/><b:sequenceFlow id="b" sourceRef="审核" targetRef="good"/>
  <b:sequenceFlow id="yes" sourceRef="good" targetRef="cheer"><b:conditionExpression x:type="tFormalExpression"
   >answers.审核.ok</b:conditionExpression></b:sequenceFlow>
  <b:sequenceFlow id="no" sourceRef="good" targetRef="审核"/><b:sequenceFlow id="d" sourceRef="cheer" targetRef="end"/>
 </b:process>
 <bpmndi:BPMNDiagram id="drawing"><bpmndi:BPMNPlane id="plane" bpmnElement="stalls_before">
  <bpmndi:BPMNShape id="s1" bpmnElement="审核"><dc:Bounds x="10" y="20" width="100" height="80"/></bpmndi:BPMNShape>
 </bpmndi:BPMNPlane></bpmndi:BPMNDiagram></b:definitions>"""


def test_what_the_editor_would_drop_is_said_its_way(county: County, drawer: Client) -> None:
    told = bring(drawer, ODD.encode())
    assert (told["status"], errors(told)) == (200, [])
    root = etree.fromstring(told["xml"].encode())
    b = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
    task = root.find(f".//{b}userTask")
    assert task is not None
    assert (task.get("id"), task.get("{urn:other}weight"), task.get("{urn:paint}fill")) == ("userTask_1", "3", "red")
    assert {short: long for short, long in root.nsmap.items() if long in {"urn:other", "urn:paint"}} == {
        "o": "urn:other", "color_1": "urn:paint",
    }  # fmt: skip
    plane = root.find(f".//{DI}BPMNPlane")
    shape = root.find(f".//{DI}BPMNShape")
    assert (plane.get("bpmnElement"), shape.get("bpmnElement")) == ("_9_stalls", "userTask_1")
    assert [(line.get("sourceRef"), line.get("targetRef")) for line in root.iter(f"{b}sequenceFlow")] == [
        ("begin", "userTask_1"), ("userTask_1", "good"), ("good", "cheer"), ("good", "userTask_1"), ("cheer", "end"),
    ]  # fmt: skip
    condition = root.find(f".//{b}conditionExpression")
    kind = condition.get("{http://www.w3.org/2001/XMLSchema-instance}type")
    assert (kind, condition.text) == ("b:tFormalExpression", "answers.userTask_1.ok")
    assert [(signal.get("id"), signal.get("name")) for signal in root.iter(f"{b}signal")] == [("cheers", "cheers")]
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {}))
    assert case.tasks.get().step == "userTask_1"


# As jBPM and ARIS write: a variable in two scopes and shapes of one id, extensions twice, a name of two lines, no
# word of whether a sub-process is expanded, a condition on the default flow, a blank line before everything.
DOUBLE = f"""
<?xml version="1.0"?><definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:v="urn:v"
  xmlns:bpmndi="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:dc="http://www.omg.org/spec/DD/20100524/DC">
 <signal id="full" name="Full"/><signal name="Full" id="full"/>
 <process id="p"><property id="cups"/><property id="cup"/><startEvent id="begin"/>
  <subProcess id="box" name="Two&#13;&#10;lines"><extensionElements><v:a/></extensionElements><extensionElements><v:b/>
   </extensionElements><userTask id="taste"><potentialOwner id="who"><formalExpression>{ROLE}</formalExpression>
    </potentialOwner><ioSpecification><dataInput id="in" name="Input"/></ioSpecification>
    <dataInputAssociation><sourceRef>cups</sourceRef><targetRef>in</targetRef></dataInputAssociation>
    <multiInstanceLoopCharacteristics><loopDataInputRef>in</loopDataInputRef><inputDataItem id="cup"/>
    </multiInstanceLoopCharacteristics></userTask></subProcess>
  <exclusiveGateway id="good" default="no"/><endEvent id="end"/>
  <sequenceFlow id="a" sourceRef="begin" targetRef="box"/><sequenceFlow id="b" sourceRef="box" targetRef="good"/>
  <sequenceFlow id="no" sourceRef="good" targetRef="end"><conditionExpression language="Java">return x;
   </conditionExpression></sequenceFlow></process>
 <bpmndi:BPMNDiagram><bpmndi:BPMNPlane bpmnElement="p">
  <bpmndi:BPMNShape id="null" bpmnElement="box"><dc:Bounds x="100" y="20" width="300" height="180"/></bpmndi:BPMNShape>
  <bpmndi:BPMNShape id="null" bpmnElement="taste"><dc:Bounds x="150" y="60" width="100" height="80"/></bpmndi:BPMNShape>
 </bpmndi:BPMNPlane></bpmndi:BPMNDiagram></definitions>"""


def test_what_two_elements_share_is_parted_where_nothing_refers_to_it(county: County, drawer: Client) -> None:
    told = bring(drawer, DOUBLE.encode())
    assert (told["status"], errors(told)) == (200, [])
    assert "顺序流“good → end”：是默认顺序流，上面写的条件不起作用" in [fault["text"] for fault in told["faults"]]
    root = etree.fromstring(told["xml"].encode())
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    b = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
    [item], [box] = root.iter(f"{b}inputDataItem"), root.iter(f"{b}subProcess")
    assert (item.get("id"), item.get("name"), box.get("name")) == ("cup_1", "cup", "Two\nlines")
    assert [[child.tag for child in held] for held in box.iter(f"{b}extensionElements")] == [["{urn:v}a", "{urn:v}b"]]
    shapes = {shape.get("bpmnElement"): shape.get("isExpanded") for shape in root.iter(f"{DI}BPMNShape")}
    assert (shapes["box"], shapes["taste"]) == ("true", None)
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {"cups": [1, 2]}))
    assert case.tasks.count() == 2
    empty = DOUBLE.replace('<signal name="Full" id="full"/>', '<signal name="Empty" id="full"/>')
    assert errors(bring(drawer, empty.encode())) == ["full"]
    other = DOUBLE.replace('<endEvent id="end"/>', '<endEvent id="end"/><userTask id="taste"/>')
    assert "taste" in errors(bring(drawer, other.encode()))  # which of the two a line means, nobody knows


def test_a_loop_over_a_variable_that_it_only_names_runs(county: County, drawer: Client) -> None:
    said = "<loopDataInputRef>cups</loopDataInputRef>"
    text = DOUBLE.replace('id="cups"', 'id="jars"').replace("<sourceRef>cups<", "<sourceRef>jars<")
    told = bring(drawer, text.replace("<loopDataInputRef>in</loopDataInputRef>", said).encode())
    assert (told["status"], errors(told), said in told["xml"]) == (200, [], True)
    assert 'camunda:collection="cups"' in told["xml"]  # bpmn-js drops what refers to nothing
    assert keep(drawer, told["xml"].replace(said, "")).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {"cups": [1, 2, 3]}))
    assert case.tasks.count() == 3


def test_a_file_that_draws_nothing_is_refused(drawer: Client) -> None:
    empty = '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="p"/></definitions>'
    told = bring(drawer, empty.encode())
    assert (told["status"], [fault["text"] for fault in told["faults"]]) == (
        422, ["文件：必须有一个至少含一个步骤的流程"],
    )  # fmt: skip


def test_what_is_wrong_is_said_in_plain_chinese_with_the_name_of_its_element(county: County, drawer: Client) -> None:
    text = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn">
     <process id="p" isExecutable="true"><startEvent id="s"/><userTask id="a" name="Approve"/>
     <exclusiveGateway id="x" name="Good?"/><task id="t" name="Wipe"/><endEvent id="e" name="Gone"/>
     <intermediateCatchEvent id="w" name="Wait"><timerEventDefinition><timeDuration>soon</timeDuration>
     </timerEventDefinition></intermediateCatchEvent><sequenceFlow id="f1" sourceRef="s" targetRef="a"/>
     <sequenceFlow id="f2" sourceRef="a" targetRef="x"/><sequenceFlow id="f3" sourceRef="x" targetRef="t"/>
     <sequenceFlow id="f4" sourceRef="x" targetRef="w"/><sequenceFlow id="f5" sourceRef="t" targetRef="e"/>
     <sequenceFlow id="f6" sourceRef="w" targetRef="e"><conditionExpression>cups &gt;</conditionExpression>
     </sequenceFlow>     </process></definitions>"""
    assert [fault["text"] for fault in bring(drawer, text.encode())["faults"]] == [
        "用户任务“Approve”：必须指定办理角色",
        "捕获事件“Wait”：“soon” 应为 ISO 8601 时长，如 PT24H，或以“=”开头的 FEEL",
        "顺序流“Good? → Wipe”：必须写条件，它从网关“Good?”出发",
        "顺序流“Good? → Wait”：必须写条件，它从网关“Good?”出发",
        "顺序流“Wait → Gone”：“cups >” 不是 FEEL 表达式：到第 7 个字符还没有写完",
    ]
    named = text.replace('name="Approve"', 'name="Approve" c:assignee="demo"').replace(">soon<", ">PT1H<")
    named = named.replace("cups &gt;", "cups &gt; 1").replace('name="Good?"', 'name="Good?" default="f3"')
    named = named.replace('id="f4" sourceRef="x" targetRef="w"/>', 'id="f4" sourceRef="x" targetRef="w">'
                          "<conditionExpression>cups = 3</conditionExpression></sequenceFlow>")  # fmt: skip
    told = bring(drawer, named.encode())
    assert [fault["text"] for fault in told["faults"] if fault["level"] == "error"] == [
        "用户任务“Approve”：“demo”不是本县人员，请选择办理角色"
    ]
    assert keep(drawer, told["xml"]).status_code == 422
    person(county, "*", username="demo")
    assert errors(bring(drawer, named.encode())) == []


def test_a_dead_end_is_told_with_its_element_and_is_no_flow(county: County, drawer: Client) -> None:
    def flow(cups: str, back: str) -> bytes:
        pairs = (("s", "a"), ("a", "x"), ("x", "b"), ("x", "c"), ("b", "j"), ("c", "j"), ("j", back), ("d", "d2"),
                 ("d2", "d"))  # fmt: skip
        lines = "".join(
            f'<sequenceFlow id="{one}-{two}" sourceRef="{one}" targetRef="{two}">'
            + (f"<conditionExpression>{cups}</conditionExpression>" if (one, two) == ("x", "c") else "")
            + "</sequenceFlow>"
            for one, two in pairs
            if back == "d" or one not in {"d", "d2"}
        )
        tasks = "".join(
            f'<userTask id="{id_}" name="{id_}" c:candidateGroups="lemonade.maker"/>'
            for id_ in ("a", "b", "c", "d", "d2")
            if back == "d" or id_ not in {"d", "d2"}
        )
        end = '<endEvent id="e" name="Gone"/>' if back == "e" else ""
        return (
            '<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" '
            'xmlns:c="http://camunda.org/schema/1.0/bpmn"><process id="p" isExecutable="true"><startEvent id="s"/>'
            f'{tasks}<exclusiveGateway id="x" default="x-b"/><parallelGateway id="j" name="Both"/>{end}{lines}'
            "</process></definitions>"
        ).encode()

    waits = bring(drawer, flow("answers.a.cups = 3", "e"))
    assert [(one["element"], one["text"]) for one in waits["faults"] if one["level"] == "error"] == [
        ("j", "并行网关“Both”：等待一个永远不会到来的分支"),
    ]  # fmt: skip
    before = testing.everything_kept()
    assert keep(drawer, waits["xml"]).status_code == 422
    assert testing.everything_kept() == before
    round_ = flow("false", "d").replace(b"parallelGateway", b"exclusiveGateway")
    told = {one["element"]: one["text"] for one in bring(drawer, round_)["faults"] if one["level"] == "error"}
    assert told == {"x-c": "顺序流“x → c”：'false' 永远不可能成立", "d": "用户任务“d”：循环往复，永远到不了结束"}


def test_a_file_in_another_encoding_comes_in_by_the_page_of_steps_too(county: County, drawer: Client) -> None:
    answer = drawer.post("/declarations/flows/new", {"do": "upload", "file": SimpleUploadedFile("x.bpmn", SIGNAVIO)})
    assert answer.status_code == 302, answer.content.decode()
    row = Declaration.objects.get(kind="flows", source="person")
    assert 'name="Prüfen"' in row.body["text"]


def test_a_flow_made_otherwise_never_takes_the_name_of_a_drawing(drawer: Client) -> None:
    drawn = keep(drawer, bring(drawer, CAMUNDA_8)["xml"], as_="drawings").json()["address"]
    drawer.post("/declarations/flows/new", {"do": "upload", "file": SimpleUploadedFile("x.bpmn", CAMUNDA_8)})
    drawing, flow = (Declaration.objects.get(kind=kind, source="person") for kind in ("drawings", "flows"))
    assert drawn == f"/declarations/drawings/{drawing.stem}/draw"
    assert (drawing.stem, flow.stem) == ("qing_jia", "qing_jia2")


def test_lanes_and_groups_may_be_called_as_the_roles_of_the_county_are(county: County, drawer: Client) -> None:
    text = SIGNAVIO.decode("latin-1").replace('encoding="ISO-8859-1"', 'encoding="UTF-8"')
    told = bring(drawer, text.replace(f'name="{ROLE}"', 'name="制作员"').encode())
    assert (told["status"], errors(told)) == (200, [])
    root = etree.fromstring(told["xml"].encode())
    assert root.nsmap["camunda"] == "http://camunda.org/schema/1.0/bpmn"
    assert [task.get(f"{{{root.nsmap['camunda']}}}candidateGroups") for task in root.iter("{*}userTask")] == [ROLE]
    assert [lane.get("name") for lane in root.iter("{*}lane")] == ["制作员"]
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {}))
    assert list(case.tasks.values_list("role", flat=True)) == [ROLE]
    assert len(errors(bring(drawer, text.replace(f'name="{ROLE}"', 'name="画师"').encode()))) == 1


POOLS = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn"
  targetNamespace="urn:t"><collaboration id="both"><participant id="left" name="摊主" processRef="sell"/>
  <participant id="right" name="顾客" processRef="buy"/><participant id="else" name="邻居"/></collaboration>
 <process id="sell"><startEvent id="s1"/><task id="mix"/><task id="serve"/>
  <sequenceFlow id="f1" sourceRef="s1" targetRef="mix"/>
  <sequenceFlow id="f2" sourceRef="mix" targetRef="serve"/></process>
 <process id="buy"><startEvent id="s2"/><userTask id="pay" name="付钱" c:candidateGroups="lemonade.maker"/>
  <sequenceFlow id="f3" sourceRef="s2" targetRef="pay"/></process></definitions>"""


@pytest.mark.parametrize("mark", ["", ' isExecutable="true"'])
def test_which_of_several_pools_runs_is_chosen_by_who_brings_the_file(
    county: County, drawer: Client, mark: str
) -> None:
    xml = POOLS.replace('<process id="sell"', f'<process id="sell"{mark}').replace('id="buy"', f'id="buy"{mark}')
    before = testing.everything_kept()
    for chosen in ({}, {"process": "neither"}):
        told = bring(drawer, xml.encode(), **chosen)
        assert (told["choose"], "xml" in told) == ([["sell", "摊主"], ["buy", "顾客"]], False)
    page = drawer.post("/declarations/flows/new", {"do": "upload", "file": SimpleUploadedFile("x.bpmn", xml.encode())})
    assert (page.status_code, "文件中有几个泳池都可以运行：摊主、顾客。" in text(page)) == (422, True)
    assert testing.everything_kept() == before
    told = bring(drawer, xml.encode(), process="buy")
    assert errors(told) == []
    assert keep(drawer, told["xml"]).status_code == 200
    row = Declaration.objects.get(kind="flows", source="person")
    case = api.open_case(api.Opening(row.key, "试", area(county, "101"), {}))
    assert list(case.tasks.values_list("step", flat=True)) == ["pay"]
    marked = 'isExecutable="true"'
    assert "choose" not in bring(drawer, POOLS.replace('id="buy"', f'id="buy" {marked}').encode())


def test_each_of_several_people_whom_a_step_names_must_be_here(county: County, drawer: Client) -> None:
    person(county, "*", username="ann")
    several = POOLS.replace('candidateGroups="lemonade.maker"', 'candidateUsers="ann,ben,cid"')
    told = bring(drawer, several.encode(), process="buy")
    assert [fault["text"] for fault in told["faults"] if fault["level"] == "error"] == [
        f"用户任务“付钱”：“{name}”不是本县人员，请选择办理角色" for name in ("ben", "cid")
    ]


def test_what_runs_otherwise_than_the_file_says_is_noted_with_the_name_of_its_flow(drawer: Client) -> None:
    clock = '<startEvent id="s"><timerEventDefinition><timeCycle>0 0 9 * * ?</timeCycle></timerEventDefinition>'
    body = f'{clock}</startEvent><task id="t"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/>'
    space = "http://www.omg.org/spec/BPMN/20100524/MODEL"
    told = bring(
        drawer, f'<definitions xmlns="{space}"><process id="WFP-6-" name="早检">{body}</process></definitions>'.encode()
    )
    assert [(fault["element"], fault["text"], fault["level"]) for fault in told["faults"]] == [
        ("s", "开始事件 s：流程启用后，每到这个时间自动立案", "note"),
        ("WFP-6-", "流程“早检”：文件未标明可执行，这里照样运行", "note"),
    ]


def test_a_step_is_drawn_wide_enough_for_all_that_sits_on_its_edge() -> None:
    late = "".join(
        f'<boundaryEvent id="b{n}" attachedToRef="t"><messageEventDefinition/></boundaryEvent>' for n in range(6)
    )
    space = "http://www.omg.org/spec/BPMN/20100524/MODEL"
    text = f'<definitions xmlns="{space}"><process id="p"><task id="t"/><task id="u"/>{late}</process></definitions>'
    boxes = {
        shape.get("bpmnElement"): {name: float(value) for name, value in shape[0].attrib.items()}
        for shape in etree.fromstring(laid_out(text.encode()).encode()).iter(f"{DI}BPMNShape")
    }
    ends = [boxes[f"b{n}"]["x"] + boxes[f"b{n}"]["width"] for n in range(6)]
    assert boxes["t"]["width"] + boxes["t"]["x"] >= max(ends)
    assert all(end < boxes[f"b{n}"]["x"] for n, end in enumerate(ends[:-1], 1))


def test_what_a_drawing_leaves_out_is_drawn_below_it() -> None:
    late = '<boundaryEvent id="b" attachedToRef="t"><messageEventDefinition/></boundaryEvent>'
    lines_ = "".join(
        f'<sequenceFlow id="{a}{b}" sourceRef="{a}" targetRef="{b}"/>' for a, b in ("st", "tu", "bu")
    )  # fmt: skip
    body = f'<startEvent id="s"/><task id="t"/>{late}<subProcess id="u"><task id="in"/></subProcess>{lines_}'
    shapes = "".join(
        f'<i:BPMNShape id="{id_}_di" bpmnElement="{id_}"><c:Bounds x="{x}.5" y="100" width="36" height="36"/>'
        "</i:BPMNShape>"
        for id_, x in (("s", 40), ("t", 140))
    )
    edge = '<i:BPMNEdge id="st_di" bpmnElement="st"/>'
    spaces = 'xmlns:i="http://www.omg.org/spec/BPMN/20100524/DI" xmlns:c="http://www.omg.org/spec/DD/20100524/DC"'
    drawing = f'<i:BPMNDiagram><i:BPMNPlane bpmnElement="p">{shapes}{edge}</i:BPMNPlane></i:BPMNDiagram>'
    space = "http://www.omg.org/spec/BPMN/20100524/MODEL"
    other = '<process id="q"><task id="elsewhere"/></process>'
    text = f'<definitions xmlns="{space}" {spaces}><process id="p">{body}</process>{other}{drawing}</definitions>'
    root = etree.fromstring(laid_out(text.encode()).encode())
    tops = {shape.get("bpmnElement"): float(shape[0].get("y")) for shape in root.iter(f"{DI}BPMNShape")}
    assert tops == {"s": 100, "t": 100, "b": 118, "u": 186}
    assert [shape.get("isExpanded") for shape in root.iter(f"{DI}BPMNShape")] == [None] * 4  # what `u` holds is hidden
    assert [edge.get("bpmnElement") for edge in root.iter(f"{DI}BPMNEdge")] == ["st", "tu", "bu"]
    assert laid_out(laid_out(text.encode()).encode()) == laid_out(text.encode())
    no_line = etree.fromstring(laid_out(text.replace(edge, "").encode()).encode())
    assert [edge.get("bpmnElement") for edge in no_line.iter(f"{DI}BPMNEdge")] == ["st", "tu", "bu"]


def test_a_condition_is_clicked_together_from_what_the_forms_ask(drawer: Client) -> None:
    settings = drawer.get("/declarations/flows/draw").context["settings"]
    assert dict(settings["forms"])["lemonade.taste"] == "品尝"
    assert settings["asks"]["lemonade.taste"][0] == ("good", "好喝吗", "true")


def test_only_flows_that_one_may_open_somewhere_are_offered(county: County) -> None:
    for of, is_offered in (("stand", True), ("kitchen", False)):  # the flow belongs to the stand
        maker = browser(person(county, role=ROLE, username=of, of=of))
        offered = {one["key"] for one in maker.get("/cases/").context["starters"]}
        assert ("lemonade.order" in offered) is is_offered
        assert maker.get("/cases/new/lemonade.order/").status_code == (200 if is_offered else 403)
