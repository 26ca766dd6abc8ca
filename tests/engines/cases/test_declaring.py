"""An administrator makes forms and flows in the browser, and cases run on them, about records of their own."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.cases.test_field import Phone
from tests.engines.records.test_declaring import WELL, kept, posted, row, well
from tests.fixtures import TOY, area, person
from tests.web.pages import browser, text, told

from shizhu.engines.boards import panels
from shizhu.engines.cases import flows
from shizhu.engines.cases.logic import parse
from shizhu.engines.cases.logic.picture import picture
from shizhu.engines.cases.logic.steps import Plain, Step, read, written
from shizhu.engines.cases.models import Case, Subject, Task
from shizhu.kernel import access, packs, testing
from shizhu.kernel.datasets import Result
from shizhu.kernel.models import County, Declaration, EnabledPack, Person

pytestmark = pytest.mark.django_db
FORMS, FLOWS = "/declarations/forms/new", "/declarations/flows/new"
FLOW = "local.shui_jing_wei_xiu"
REPORT = posted(
    {"id": "+1", "name": "well", "zh": "水井", "kind": "reference", "target": WELL, "is_required": "on"},
    {"id": "+2", "name": "trouble", "zh": "故障", "kind": "choice", "choices": "dry=没水/Dry\n水浑",
     "is_required": "on"},
    zh="水井报修", en="Well report", submit="报修",
)  # fmt: skip
CHECK = posted({"id": "+1", "name": "mended", "zh": "修好了吗", "kind": "yes-no", "is_required": "on"}, zh="回访")


def steps(**words: Any) -> dict[str, Any]:
    """The flow 水井维修: mended by a maker, checked by a taster, who may send it back."""
    sent = {
        "do": "save", "order": "s1,s2", "r.zh": "水井维修", "r.en": "Well repair", "r.owner": "stand", "r.prefix": "SJ",
        "r.days": "7", "r.start_form": "local.shui_jing_bao_xiu", "r.begin": "报修", "r.end": "办结",
        "r.starters": ["lemonade.maker", "lemonade.taster"],
        "s.s1.zh": "检修", "s.s1.en": "Repair", "s.s1.role": "lemonade.maker", "s.s1.days": "3",
        "s.s2.zh": "回访", "s.s2.role": "lemonade.taster", "s.s2.form": "local.hui_fang", "s.s2.yes": "mended",
        "s.s2.back": "s1",
    }  # fmt: skip
    return {**sent, **words}


@pytest.fixture
def client(county: County) -> Client:
    """The administrator, who has made the register 水井, two forms and the flow."""
    made = browser(person(county, "*", username="boss"))
    kept(made, {**well(), "g.lemonade.maker": ["view"], "g.lemonade.taster": ["view", "write"]})
    row(county, 1)
    row(county, 2)
    kept(made, REPORT, FORMS)
    kept(made, CHECK, FORMS)
    kept(made, steps(), FLOWS)
    return made


@pytest.fixture
def staff(county: County, client: Client) -> dict[str, Person]:
    return {role: person(county, role=f"lemonade.{role}", username=role) for role in ("maker", "taster")}


def test_forms_of_one_name_are_told_apart_where_one_is_chosen(client: Client) -> None:
    kept(client, CHECK, FORMS)
    keys = Declaration.objects.filter(kind="forms", key__startswith="local.hui_fang").values_list("key", flat=True)
    said = set(re.findall(r"<option[^>]*>((?:回访|水井报修)[^<]*)</option>", client.get(FLOWS).content.decode()))
    assert (len(keys), said) == (2, {*(f"回访 ({key})" for key in keys), "水井报修"})


def test_forms_and_flows_made_by_clicking_are_what_a_pack_would_declare(county: County, client: Client) -> None:
    assert Declaration.objects.get(kind="forms", key="local.shui_jing_bao_xiu").body == {
        "title": {"zh": "水井报修", "en": "Well report"}, "submit": "报修", "type": "object",
        "required": ["well", "trouble"],
        "properties": {
            "well": {"x-title": "水井", "x-widget": "reference", "type": "string", "x-shizhu-ref": WELL},
            "trouble": {
                "x-title": "故障", "x-widget": "choice", "type": "string", "enum": ["dry", "水浑"],
                "x-choices": {"dry": {"zh": "没水", "en": "Dry"}, "水浑": "水浑"},
            },
        },
    }  # fmt: skip
    flow, about = flows.current(FLOW, county.pk)
    assert [(step.id, step.kind, step.role, step.form, step.due) for step in flow.steps if step.kind == "user"] == [
        ("s1", "user", "lemonade.maker", None, "P3D"), ("s2", "user", "lemonade.taster", "local.hui_fang", None),
    ]  # fmt: skip
    assert flow.conditions == {"s2_check_on": "answers.s2.mended = true"}
    assert [stage["zh"] for stage in about.stages] == ["报修", "检修", "回访", "办结"]
    page = client.get("/declarations/flows/shui_jing_wei_xiu/")
    assert "<svg" in page.content.decode()
    again = {f"r.{word}": value for word, value in page.context["typed"].words.items()}
    again |= {f"s.{step['id']}.{word}": value for step in page.context["typed"].steps for word, value in step.items()}
    sent = {**again, "do": "save", "order": "s1,s2", "r.starters": page.context["typed"].starters}
    before = Declaration.objects.get(key=FLOW).digest
    kept(client, {**sent, "read": page.context["read"]}, "/declarations/flows/shui_jing_wei_xiu/")
    assert Declaration.objects.get(key=FLOW).digest == before


LEAK = "local.lou_shui"  # a flow whose form asks for a place


def ask_where(client: Client) -> None:
    """The form 漏水上报 with a place, and the flow 漏水 that begins with it, by clicking."""
    spot = {"id": "+1", "name": "spot", "zh": "地点", "kind": "place", "is_required": "on"}
    kept(client, posted(spot, zh="漏水上报"), FORMS)
    kept(client, steps(**{"r.zh": "漏水", "r.start_form": "local.lou_shui_shang_bao"}), FLOWS)


def test_a_case_is_where_the_place_of_its_form_says(county: County, client: Client, staff: dict[str, Person]) -> None:
    ask_where(client)
    body = Declaration.objects.get(kind="forms", key="local.lou_shui_shang_bao").body
    assert body["properties"] == {"spot": {"x-title": "地点", "x-widget": "place", "type": "string"}}
    address, clerk = f"/cases/new/{LEAK}/", browser(staff["taster"])
    drawn = clerk.get(address).content.decode()
    assert ('data-here="spot"' in drawn, 'data-pick="spot"' in drawn) == (True, False)  # they may not see the map
    assert (clerk.get("/map/place").status_code, client.get("/map/place").status_code) == (403, 200)
    assert 'data-pick="spot"' in client.get(f"/records/{WELL}/new").content.decode().replace("_geometry", "spot")
    before = testing.everything_kept()
    for wrong in (
        "那边",
        "100.2",
        "200, 30",
        "100.2, 91",
        "1, 2, 3",
        "nan, 30",
        '{"type": "Point", "coordinates": []}',
    ):
        page = clerk.post(address, {"area": f"{county.pk}101", "spot": wrong})
        assert (page.status_code, "请填经度、纬度（度），如 108.112, 29.999。" in text(page)) == (422, True), wrong
    assert testing.everything_kept() == before
    assert clerk.post(address, {"area": f"{county.pk}101", "spot": "100.75, 30.5"}).status_code == 302
    case = Case.objects.get()
    assert (case.place.longitude, case.place.latitude, case.place.accuracy) == (100.75, 30.5, None)
    assert "地点 100.75, 30.5" in text(clerk.get(f"/cases/{case.pk}/"))


def test_a_phone_reports_another_place_than_where_it_is(
    county: County, client: Client, staff: dict[str, Person]
) -> None:
    ask_where(client)
    phone = Phone(staff["taster"])
    (start,) = [one for one in phone.state()["starts"] if one["flow"] == LEAK]
    assert [(one["name"], one["widget"], one["target"]) for one in start["form"]["fields"]] == [("spot", "place", "")]
    here = {"longitude": 100.6, "latitude": 30.6, "accuracy": 5}
    before = Case.objects.count()
    refused = phone.deed("report", flow=LEAK, answer={"spot": "那边"}, place=here).json()
    assert (refused["outcome"], list(refused["problems"]), Case.objects.count()) == ("refused", ["spot"], before)
    told = phone.deed("report", flow=LEAK, answer={"spot": "100.75, 30.5"}, place=here).json()
    place = Case.objects.get(pk=told["case"]).place
    assert (told["outcome"], place.longitude, place.latitude) == ("done", 100.75, 30.5)


def test_a_case_about_a_record_goes_its_way_and_the_record_shows_it(
    county: County, client: Client, staff: dict[str, Person]
) -> None:
    clerk, mender = browser(staff["taster"]), browser(staff["maker"])
    record = clerk.get(f"/records/{WELL}/key/J1", follow=True)
    assert "还没有关于它的案件。" in text(record)
    (link,) = record.context["panels"][0].context["links"]
    assert link == (f"/cases/new/{FLOW}/?well=J1&area={county.pk}101", {"zh": "水井维修", "en": "Well repair"})
    form = clerk.get(link[0])
    assert 'value="J1" selected' in form.content.decode()
    sent = {"area": f"{county.pk}101", "well": "J1", "trouble": "dry"}
    opened = clerk.post(link[0], sent, follow=True)
    case = Case.objects.get()
    assert (case.title, case.number[:3], case.due_at - case.opened_at) == (
        "水井维修 1号井",
        "SJ-",
        flows.timedelta(days=7),
    )
    assert list(Subject.objects.values_list("register", "key")) == [(WELL, "J1")]
    assert "关于 1号井 J1" in text(opened)
    for mended in ("no", "yes"):
        task = Task.objects.get(status="ready")
        assert task.assignee == staff["maker"]
        asked = text(mender.get(f"/cases/tasks/{task.pk}/"))
        assert "水井 J1 故障 没水" in asked
        assert mender.post(f"/cases/tasks/{task.pk}/").status_code == 302
        task = Task.objects.get(status="ready")
        assert clerk.post(f"/cases/tasks/{task.pk}/", {"mended": mended}).status_code == 302
    case.refresh_from_db()
    assert case.status == "closed"
    record = mender.get(f"/records/{WELL}/key/J1", follow=True)
    assert f"水井维修 1号井 {case.number}" in text(record)
    assert "水井维修 1号井" not in text(mender.get(f"/records/{WELL}/key/J2", follow=True))


def test_nobody_learns_of_a_record_they_may_not_see(county: County, client: Client, staff: dict[str, Person]) -> None:
    east = person(county, role="lemonade.maker", username="east", in_area="102")
    assert browser(east).get(f"/cases/new/{FLOW}/").status_code == 200
    before = testing.everything_kept()
    page = browser(east).post(f"/cases/new/{FLOW}/", {"area": f"{county.pk}102", "well": "J1", "trouble": "dry"})
    assert (page.status_code, "没有这一项，或您无权查看。" in text(page), "1号井" in text(page)) == (422, True, False)
    assert testing.everything_kept() == before
    choices = browser(east).get(f"/cases/choices/{WELL}?name=well&well=1")
    assert "1号井" not in choices.content.decode()
    browser(staff["maker"]).post(f"/cases/new/{FLOW}/", {"area": f"{county.pk}101", "well": "J1", "trouble": "dry"})
    viewer = browser(person(county, "cases.case.view", username="viewer"))
    assert "关于" not in text(viewer.get(f"/cases/{Case.objects.get().pk}/"))
    reader = browser(person(county, f"records.{WELL}.view", username="reader"))
    record = reader.get(f"/records/{WELL}/key/J1", follow=True)
    assert (record.status_code, record.context["panels"]) == (200, [])


def test_open_cases_keep_their_flow_and_their_forms(county: County, client: Client, staff: dict[str, Person]) -> None:
    sent = {"area": f"{county.pk}101", "well": "J1", "trouble": "dry"}
    browser(staff["maker"]).post(f"/cases/new/{FLOW}/", sent)
    old = Case.objects.get()
    read = Declaration.objects.get(kind="forms", key="local.hui_fang").digest
    changed = posted({"id": "mended", "zh": "真修好了吗", "kind": "yes-no", "is_required": "on"}, zh="回访")
    kept(client, {**changed, "read": read}, "/declarations/forms/hui_fang/")
    read = Declaration.objects.get(key=FLOW).digest
    kept(client, steps(**{"s.s1.zh": "上门检修", "read": read}), "/declarations/flows/shui_jing_wei_xiu/")
    browser(staff["maker"]).post(f"/cases/new/{FLOW}/", sent)
    new = Case.objects.exclude(pk=old.pk).get()
    names = [flows.version(case.flow, case.digest)[1].names["s1"]["zh"] for case in (old, new)]
    assert names == ["检修", "上门检修"]
    titles = [flows.form_of(case, "local.hui_fang")["properties"]["mended"]["x-title"] for case in (old, new)]
    assert titles == ["修好了吗", "真修好了吗"]
    assert "在办案件仍按开案时的版本办理： 2" in text(client.get("/declarations/flows/shui_jing_wei_xiu/"))
    who = access.actor(Person.objects.get(username="boss"))
    asked = {"from": "cases", "of": FLOW, "rows": ["stage"], "order": "number"}
    assert [row.cells[1] for row in ask(who, county, asked).rows] == [
        {"zh": "检修", "en": "Repair"}, {"zh": "上门检修", "en": "Repair"},
    ]  # fmt: skip
    counted = ask(who, county, {"from": "cases", "by": ["stage"]})
    assert {row.cells[0]["zh"]: row.cells[1] for row in counted.rows} == {"上门检修": 1, "检修": 1}
    listed = {row.keys[0]: [one["case"] for one in client.get(row.href).context["rows"]] for row in counted.rows}
    assert listed == {"检修": [old], "上门检修": [new]}
    rows = client.get("/cases/").context["rows"]
    assert {row["case"].pk: row["stage"]["zh"] for row in rows} == {old.pk: "检修", new.pk: "上门检修"}


def ask(who: access.Actor, county: County, query: dict[str, Any]) -> Result:
    panel = {"key": "one", "title": {"zh": "一", "en": "One"}, "kind": "number", "query": query}
    return panels.ask(panel, who, county.pk, timezone.now()).result


WRONG = [
    ({"r.zh": ""}, "请起个名称，不要含逗号和斜杠。"),
    ({"r.begin": "报/修"}, "请起个名称，不要含逗号和斜杠。"),
    ({"r.owner": "nobody"}, "请选择案件归属的单位。"),
    ({"r.prefix": "sj"}, "一到六个大写字母。"),
    ({"r.days": "0"}, "应为整天数，至少 1 天。"),
    ({"r.start_form": "local.nothing"}, "请选择开案时填写的表单。"),
    ({"r.starters": ["lemonade.nobody"]}, "请至少选择一个可以开案的角色。"),
    ({"order": ""}, "至少添加一个步骤。"),
    ({"s.s1.role": "lemonade.nobody"}, "请选择由谁办理。"),
    ({"s.s1.days": "x"}, "应为整天数，或留空。"),
    ({"s.s2.back": "s3"}, "只能退回到前面的步骤。"),
    ({"s.s2.yes": "nothing"}, "请选择该步骤表单中的一个“是或否”字段。"),
]


@pytest.mark.parametrize(("words", "said"), WRONG)
def test_a_wrong_flow_is_refused_beside_what_is_wrong(
    county: County, client: Client, words: dict[str, Any], said: str
) -> None:
    before = testing.everything_kept()
    page = client.post(FLOWS, steps(**words))
    assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert testing.everything_kept() == before


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [("inf", "", "inf 不是数字。"), ("1", "nan", "nan 不是数字。"), ("3", "2", "最小值大于最大值。")],
)
def test_a_wrong_range_of_a_form_is_refused_beside_its_field(
    county: County, client: Client, low: str, high: str, said: str
) -> None:
    before = testing.everything_kept()
    page = client.post(FORMS, posted({"id": "+1", "zh": "水深", "kind": "number", "low": low, "high": high}, zh="测量"))
    assert (page.status_code, said in text(page)) == (422, True)
    assert testing.everything_kept() == before


def test_a_form_in_use_is_not_withdrawn_and_a_register_neither(county: County, client: Client) -> None:
    for kind, key, needed in (
        ("forms", "local.hui_fang", "s2: local.hui_fang: 没有这个表单"),
        ("registers", WELL, f"well: 字段“水井”指向登记簿 {WELL}，但没有这个登记簿"),
    ):
        page = client.post(f"/declarations/{kind}/{key}/withdraw", follow=True)
        assert needed in " ".join(told(page))
    assert not Declaration.objects.filter(is_withdrawn=True).exists()


def test_a_withdrawn_flow_takes_no_new_case_and_open_ones_end(
    county: County, client: Client, staff: dict[str, Person]
) -> None:
    maker = browser(staff["maker"])
    maker.post(f"/cases/new/{FLOW}/", {"area": f"{county.pk}101", "well": "J1", "trouble": "dry"})
    client.post(f"/declarations/flows/{FLOW}/withdraw")
    assert maker.get(f"/cases/new/{FLOW}/").status_code == 404
    assert maker.post(f"/cases/tasks/{Task.objects.get(status='ready').pk}/").status_code == 302
    assert client.get(f"/cases/{Case.objects.get().pk}/").status_code == 200


def upload(client: Client, content: bytes, address: str = FLOWS, **more: str) -> Any:
    file = SimpleUploadedFile("order.bpmn", content, "application/xml")
    return client.post(address, {"do": "upload", "file": file, **more})


def in_places(text: str, width: str = "120", way: str = "60") -> str:
    """A flow with one step and one line of it drawn."""
    omg = "http://www.omg.org/spec"
    drawing = f"""<di:BPMNDiagram xmlns:di="{omg}/BPMN/20100524/DI" xmlns:dc="{omg}/DD/20100524/DC"
      xmlns:dd="{omg}/DD/20100524/DI"><di:BPMNPlane bpmnElement="order">
      <di:BPMNShape bpmnElement="make"><dc:Bounds x="5" y="5" width="{width}" height="80"/></di:BPMNShape>
      <di:BPMNEdge bpmnElement="f1"><dd:waypoint x="{way}" y="9"/></di:BPMNEdge>
    </di:BPMNPlane></di:BPMNDiagram>"""
    return text.replace("</bpmn:definitions>", f"{drawing}</bpmn:definitions>")


def test_a_file_of_an_editor_is_checked_and_kept_as_it_is(county: County, client: Client) -> None:
    drawn = (TOY / "flows/order.bpmn").read_text(encoding="utf-8")
    assert upload(client, drawn.encode()).status_code == 302
    assert Declaration.objects.get(key="local.ding_dan").body == {"text": drawn}
    file = client.get("/declarations/flows/ding_dan/file.bpmn")
    assert (file.content.decode(), file["Content-Type"]) == (drawn, "application/xml")
    before = testing.everything_kept()
    for content, said in (
        (b"\xff\xfe", "不是可读的 XML"), (b"<a>", "“第 1 行第 4 列” 不是可读的 XML"),
        (b"<x/>", "不是 BPMN 2.0 文件的根元素"),
        (drawn.replace('value="stand"', 'value="nobody"').encode(), "其属性 owner 为 nobody"),
        (drawn.replace("lemonade.taster", "lemonade.nobody").encode(), "“品尝”：lemonade.nobody: 没有这个角色"),
        (drawn.replace("lemonade.taste\"", "local.none\"").encode(), "：local.none: 没有这个表单"),
        (b"<!DOCTYPE x [<!ENTITY e 'e'>]>" + drawn.split("?>", 1)[1].encode(), "流程文件不带 DTD"),
        (in_places(drawn, width="wide").encode(), "用户任务“制作”：width: &#x27;wide&#x27; 不是能用来画图的数"),
        (in_places(drawn, way="nan").encode(), "顺序流“下单 → 制作”：x: &#x27;nan&#x27; 不是能用来画图的数"),
        (in_places(drawn).replace(' y="5"', "").encode(), "用户任务“制作”：y: &#x27;&#x27; 不是能用来画图的数"),
        (b" " * 500_001, "不超过 500 kB"),
    ):  # fmt: skip
        page = upload(client, content)
        assert (page.status_code, said in text(page)) == (422, True), text(page)
    assert testing.everything_kept() == before


def test_a_flow_kept_with_a_picture_that_cannot_be_drawn_is_shown_without(county: County, client: Client) -> None:
    drawn = in_places((TOY / "flows/order.bpmn").read_text(encoding="utf-8"))
    assert upload(client, drawn.encode()).status_code == 302
    address = "/declarations/flows/ding_dan/"
    assert [shape.width for shape in client.get(address).context["picture"].shapes] == [120]
    row = Declaration.objects.get(key="local.ding_dan")
    row.body = {"text": drawn.replace('"120"', '"wide"')}
    row.save()
    page = client.get(address)
    assert (page.status_code, page.context["picture"]) == (200, None)


def test_only_who_may_declare_makes_forms_and_flows(county: County, staff: dict[str, Person]) -> None:
    before = testing.everything_kept()
    visitor = browser(staff["maker"])
    for address in (FORMS, FLOWS, "/declarations/flows/shui_jing_wei_xiu/", "/declarations/forms/hui_fang/"):
        assert visitor.get(address).status_code == visitor.post(address, steps()).status_code == 403
    assert visitor.get("/declarations/flows/shui_jing_wei_xiu/file.bpmn").status_code == 403
    assert testing.everything_kept() == before


def test_flows_and_forms_of_one_county_are_nothing_in_another(county: County, client: Client) -> None:
    other = testing.made_up_county("990002")
    packs.sync([packs.read(TOY)])
    EnabledPack.objects.create(county=other, pack_id="lemonade")
    packs.forget()
    visitor = browser(person(other, "*", role="", username="other"))
    for address in (f"/cases/new/{FLOW}/", "/declarations/forms/hui_fang/", "/declarations/flows/shui_jing_wei_xiu/"):
        assert visitor.get(address).status_code == 404
    for kind, key in (("flows", FLOW), ("forms", "local.hui_fang")):
        with pytest.raises(KeyError):
            packs.declaration(kind, key, other.pk)
    assert packs.declaration("flows", FLOW, county.pk)
    assert area(other).county_id == "990002"


NAMES = st.text("水井维修检测abc 0（）", min_size=1, max_size=8).map(str.strip).filter(bool)


@st.composite
def plain(draw: Any) -> Plain:
    """Any flow of steps."""
    ids = [f"s{number}" for number in range(1, draw(st.integers(1, 5)) + 1)]
    made = []
    for number, id_ in enumerate(ids):
        back = draw(st.sampled_from(["", *ids[: number + 1]]))
        made.append(
            Step(id_, draw(NAMES), draw(NAMES), "x.role", draw(st.sampled_from(["", "x.form"])),
                 draw(st.integers(0, 99)), "good" if back else "", back)
        )  # fmt: skip
    pair = st.tuples(NAMES, NAMES)
    return Plain(
        "flow", draw(NAMES), draw(NAMES), "owner", "AB", draw(st.integers(1, 99)), ("x.role",), "x.form", draw(pair),
        draw(pair), tuple(made),
    )  # fmt: skip


@given(plain())
def test_steps_are_read_back_from_bpmn_that_runs_and_is_drawn(flow: Plain) -> None:
    file = written(flow)
    assert read(file) == flow
    assert [step.id for step in parse(file.encode(), key="x.flow").steps if step.kind == "user"] == [
        s.id for s in flow.steps
    ]
    drawn = picture(file.encode())
    assert drawn
    assert len(drawn.shapes) == 2 + len(flow.steps) + sum(bool(step.back) for step in flow.steps)
    assert len(drawn.lines) == 1 + len(flow.steps) + 2 * sum(bool(step.back) for step in flow.steps)


def test_an_empty_flow_and_form_can_be_begun(county: County) -> None:
    boss = browser(person(county, "*", username="boss"))
    assert [boss.get(address).status_code for address in (FORMS, FLOWS)] == [200, 200]
    added = boss.post(FLOWS, steps(do="add"))
    assert [step["id"] for step in added.context["steps"]] == ["s1", "s2", "s3"]
    moved = boss.post(FLOWS, steps(do="up:s2"))
    assert [step["id"] for step in moved.context["steps"]] == ["s2", "s1"]
    assert boss.post(FLOWS, steps(do="remove:s1")).context["typed"].words["zh"] == "水井维修"
