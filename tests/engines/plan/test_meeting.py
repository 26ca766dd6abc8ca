"""Meetings, tasks over the years, tables in and out, and the room of outside evaluators."""

from __future__ import annotations

import io
import re
from datetime import date, timedelta
from html import unescape
from typing import Any

import docx
import openpyxl
import pytest
from django.db import ProgrammingError, transaction
from django.utils import timezone
from tests.engines.plan.desks import show
from tests.engines.plan.promises import TEXT
from tests.fixtures import organisation, person
from tests.web.pages import browser, saved, text, told

from shizhu.engines.notices.models import Delivery, Message
from shizhu.engines.plan import api, meetings, nodes, reports
from shizhu.engines.plan.models import Decision, Dependency, Indicator, Look, Meeting, Node, Plan, Task, Value
from shizhu.kernel import documents
from shizhu.kernel.models import County, Person
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
VIEW, EDIT, HOLD, ANSWER, ROOM = (
    "plan.plan.view", "plan.plan.edit", "plan.meeting.hold", "plan.decision.answer", "plan.room.view",
)  # fmt: skip
TODAY = timezone.localdate()


@pytest.fixture
def plan(county: County) -> Plan:
    """One indicator behind, one on the way; two tasks, the first over."""
    made = Plan.objects.create(county=county, code="plan", title="甲县规划")
    for name, value in (("滞后的", 11.0), ("达标的", 20.0)):
        row = Indicator.objects.create(plan=made, key=name, name=name, unit="家", base_year=TODAY.year - 5,
                                       base_value=10.0, target_year=TODAY.year, target_value=20.0)  # fmt: skip
        Value.objects.create(
            indicator=row, period=str(TODAY.year - 1), value=value, source="reported", note="秘密电话 1"
        )
    for number, (first, last) in enumerate(((2021, 2023), (2022, TODAY.year + 1)), 1):
        Task.objects.create(plan=made, key=f"t{number}", no=str(number), name=f"任务{number}", order=number,
                            period={"from": first, "to": last}, owners=["stand"])  # fmt: skip
    return made


def test_a_meeting_is_walked_step_by_step_and_its_decisions_are_told(county: County, plan: Plan) -> None:
    chair = browser(person(county, VIEW, HOLD))
    clerk = person(county, VIEW, ANSWER, of="stand")
    page = chair.post("/plan/meetings/begin?plan=plan", {"title": "调度会"}, follow=True)
    meeting = Meeting.objects.get()
    base = f"/plan/meetings/{meeting.pk}"
    shown = [chair.get(f"{base}/{at}/") for at in range(1, page.context["of"] + 1)]
    assert [one.context["step"].kind for one in shown] == ["overview", "list", "indicator", "tasks", "decisions"]
    assert [line.text for line in shown[2].context["picture"].points] == ["11"]
    assert "任务1" in text(shown[3])
    assert "任务2" not in text(shown[3])
    assert chair.get(f"{base}/6/").status_code == 404
    good = {"text": "补足差距", "organisation": "stand", "due_on": f"{TODAY}"}
    assert "一项决定要写明" in told(chair.post(f"{base}/3/decide", {**good, "due_on": ""}, follow=True))[0]
    chair.post(f"{base}/3/decide", good)
    decision = Decision.objects.get()
    assert (decision.indicator.name, Message.objects.count()) == ("滞后的", 0)
    chair.post(f"{base}/close")
    chair.post(f"{base}/close")
    assert list(Delivery.objects.values_list("person_id", "message__title")) == [(clerk.pk, "会议决定：补足差距")]
    assert meetings.remind_all(TODAY) == 0
    assert [meetings.remind_all(TODAY + timedelta(days=days)) for days in (1, 2)] == [1, 0]
    assert "会议已结束" in told(chair.post(f"{base}/3/decide", good, follow=True))[-1]
    other = browser(person(county, VIEW, ANSWER, of="kitchen"))
    answer = f"/plan/decisions/{decision.pk}/answer"
    assert other.post(answer, {"outcome": "x"}).status_code == 403
    assert told(browser(clerk).post(answer, {"outcome": "已补足"}, follow=True)) == ["已记录办理结果。"]
    decision.refresh_from_db()
    assert (decision.outcome, decision.done_by) == ("已补足", clerk)


def test_units_are_invited_with_topics_and_what_was_decided_goes_out_in_word(county: County, plan: Plan) -> None:
    chair, clerk = browser(person(county, VIEW, HOLD)), person(county, VIEW, ANSWER, of="stand")
    person(county, VIEW, ANSWER, username="kit", of="kitchen")
    sent = {"do": "call", "title": "联席会议", "held_on": f"{TODAY + timedelta(days=3)}", "venue": "九时 三会议室",
            "topics": "研究摊位选址\n\n通报遮阳进度", "unit": ["stand"]}  # fmt: skip
    for lacking in ({"held_on": f"{TODAY - timedelta(days=1)}"}, {"venue": ""}, {"unit": []}):
        answer = chair.post("/plan/meetings/begin?plan=plan", {**sent, **lacking}, follow=True)
        assert told(answer) == ["会议通知要写明今天以后的日期、时间地点和参会单位。"]
    assert Meeting.objects.count() == 0
    assert told(chair.post("/plan/meetings/begin?plan=plan", sent, follow=True)) == ["会议通知已发出。"]
    [delivery] = Delivery.objects.select_related("message")
    assert (delivery.person, delivery.message.title) == (clerk, "会议通知：联席会议")
    assert delivery.message.text.splitlines() == [
        f"时间地点：{sent['held_on']}，九时 三会议室。",
        "研究摊位选址",
        "通报遮阳进度",
    ]
    meeting = Meeting.objects.get()
    base = f"/plan/meetings/{meeting.pk}"
    assert [step.context["step"].kind for step in (chair.get(f"{base}/{at}/") for at in (1, 2, 3))] == [
        "overview", "topics", "list",
    ]  # fmt: skip
    assert "通报遮阳进度" in text(chair.get(f"{base}/2/"))
    good = {"text": "补足差距", "organisation": "stand", "due_on": f"{TODAY + timedelta(days=9)}"}
    chair.post(f"{base}/4/decide", good)
    assert chair.get(f"{base}/minutes.docx").status_code == 404  # it runs
    chair.post(f"{base}/close")
    asked = chair.get(f"{base}/minutes.docx", headers={"accept-language": "en"})  # Chinese whoever asks
    minutes = docx.Document(io.BytesIO(asked.content))
    lines = [line.text for line in minutes.paragraphs if line.text.strip()]
    assert [line for line in ("联席会议", "研究摊位选址", "参会单位：stand") if line not in lines] == []
    [table] = [one for one in minutes.tables if len(one.columns) == 6]
    assert [cell.text for cell in table.rows[1].cells] == [
        "1", "补足差距", "stand", documents.day(TODAY + timedelta(days=9)), "滞后的", "未办结",
    ]  # fmt: skip
    assert f"会议于{documents.day(meeting.held_on)}（" in "".join(lines)
    assert f"会议纪要〔{meeting.held_on.year}〕1号" in [line.text for line in minutes.paragraphs]
    assert f"会议纪要〔{meeting.held_on.year}〕1号" in text(chair.get("/plan/meetings/"))


def test_minutes_are_numbered_by_county_and_year_in_the_order_in_which_meetings_end(county: County, plan: Plan) -> None:
    chair, who = browser(person(county, VIEW, HOLD)), person(county, username="w")
    other = Plan.objects.create(county=county, code="other", title="另一规划")
    days = [TODAY, TODAY - timedelta(days=400), TODAY, TODAY]
    made = [
        Meeting.objects.create(plan=one, title="会", held_on=day, person=who)
        for one, day in zip((plan, plan, other, plan), days, strict=True)
    ]
    for one in (made[2], made[1], made[0], made[0]):
        chair.post(f"/plan/meetings/{one.pk}/close")
    numbers = [Meeting.objects.get(pk=one.pk).number for one in made]
    assert numbers == [2, 1, 1, None]


def test_a_decision_is_put_under_supervision_with_one_click(county: County, plan: Plan) -> None:
    chair = browser(person(county, "plan.*", username="chair"))
    clerk = browser(person(county, VIEW, ANSWER, "plan.node.view", "plan.node.report", username="clerk", of="stand"))
    meeting = Meeting.objects.create(plan=plan, title="调度会", held_on=TODAY, person=person(county, username="w"))
    due = TODAY + timedelta(days=30)
    decision = meeting.decisions.create(text="补足差距", organisation=organisation(county, "stand"), due_on=due)
    address = f"/plan/decisions/{decision.pk}/supervise"
    refused = ["此事项已在督查或已办结，或会议还没有结束。"]
    assert told(chair.post(address, follow=True)) == refused
    chair.post(f"/plan/meetings/{meeting.pk}/close", follow=True)
    before = everything_kept()
    holder = browser(person(county, VIEW, HOLD, "plan.node.view", username="holder"))
    assert [one.post(address).status_code for one in (holder, clerk)] == [403, 403]
    after = everything_kept()
    names = [name for name in after if name.startswith("plan_")]
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert told(chair.post(address, follow=True)) == ["已转为督查任务并下达责任单位，节点为完成日期。"]
    assert told(chair.post(address, follow=True)) == refused
    node = Node.objects.get()
    assert (node.due_on, node.organisation.code, node.piece.title, node.light) == (due, "stand", "补足差距", "green")
    clause = node.piece.clause
    assert (clause.headings, [one.organisation.code for one in clause.owners.all()]) == (
        ["会议议定事项", "调度会"], ["stand"],
    )  # fmt: skip
    assert [piece.title for piece in clerk.get("/plan/mine/").context["pieces"]] == ["补足差距"]
    page = clerk.get("/plan/meetings/").content.decode()
    assert (f'href="/plan/nodes/{node.pk}/"' in page, "转督查" in page) == (True, False)
    answer = f"/plan/decisions/{decision.pk}/answer"
    assert f'action="{answer}"' not in page  # it is answered by evidence
    assert told(chair.post(answer, {"outcome": "办了"}, follow=True)) == [
        "该事项已有办理结果、会议尚未结束，或已转督查（办理结果在督查中提交佐证）。"
    ]
    assert meetings.remind_all(due + timedelta(days=9)) == 0  # supervision reminds of it
    show(clerk, node, note="已补足", value="")
    chair.post(f"/plan/nodes/{node.pk}/decide", {"evidence": node.evidence.get().pk, "do": "accept", "why": ""})
    decision.refresh_from_db()
    assert (decision.outcome, decision.done_by.username, decision.done_at is not None) == ("已补足", "clerk", True)
    assert "已补足" in text(clerk.get("/plan/meetings/"))
    node.refresh_from_db()
    nodes.annul(node, "plan.test", "现场没有", Person.objects.get(username="chair"))
    decision.refresh_from_db()
    assert (decision.outcome, decision.done_by, decision.done_at) == ("", None, None)
    assert "会议议定" in text(chair.get("/plan/clauses/?plan=plan"))
    assert chair.get(f"/plan/clauses/{clause.pk}/").status_code == 200
    api.import_text(county, TEXT, code="plan")
    assert (plan.clauses.get(pk=clause.pk).is_gone, Node.objects.count()) == (False, 1)
    answered = meeting.decisions.create(
        text="办过了", organisation=decision.organisation, due_on=due, done_at=timezone.now()
    )
    assert told(chair.post(f"/plan/decisions/{answered.pk}/supervise", follow=True)) == refused


def test_who_may_not_hold_a_meeting_changes_nothing(county: County, plan: Plan) -> None:
    meeting = Meeting.objects.create(plan=plan, title="会", held_on=TODAY, person=person(county))
    reader, before = browser(person(county, VIEW)), everything_kept()
    good = {"text": "补足", "organisation": "stand", "due_on": f"{TODAY}"}
    tried = [
        reader.post("/plan/meetings/begin", {}), reader.post(f"/plan/meetings/{meeting.pk}/1/decide", good),
        reader.post(f"/plan/meetings/{meeting.pk}/close"), reader.post("/plan/timeline/depend", {}),
        reader.post("/plan/tables/tasks/take", {}), browser(person(county)).get(f"/plan/meetings/{meeting.pk}/1/"),
    ]  # fmt: skip
    assert [one.status_code for one in tried] == [403] * 6
    after = everything_kept()
    assert {
        name: after[name] - before[name] for name in after if name.startswith("plan_") and after[name] != before[name]
    } == {}


def test_tasks_over_the_years_wait_for_each_other_but_never_in_a_circle(county: County, plan: Plan) -> None:
    client = browser(person(county, VIEW, EDIT))
    one, two = plan.tasks.all()
    assert client.get("/plan/timeline/?plan=plan&from=²").context["first"] is None
    page = client.get(f"/plan/timeline/?plan=plan&from={one.pk}&to={two.pk}")
    assert (page.context["first"], page.context["other"]) == (one, two)
    bars = page.context["line"].bars
    assert [(bar.first, bar.last, len(bar.cells)) for bar in bars] == [
        (2021, 2023, 3),
        (2022, TODAY.year + 1, TODAY.year - 2020),
    ]
    assert bars[1].x - bars[0].x == bars[0].cells[0].width
    set_ = {"before": one.pk, "after": two.pk}
    assert told(client.post("/plan/timeline/depend", set_, follow=True)) == ["已保存先后关系。"]
    assert [arrow.is_tight for arrow in client.get("/plan/timeline/").context["line"].arrows] == [True]
    turned = {"before": two.pk, "after": one.pk}
    assert "循环" in told(client.post("/plan/timeline/depend", turned, follow=True))[0]
    assert Dependency.objects.count() == 1
    client.post("/plan/timeline/depend", {**set_, "do": "off"})
    assert Dependency.objects.count() == 0


def test_a_task_of_which_only_the_end_is_said_stands_in_its_year(county: County, plan: Plan) -> None:
    plan.tasks.update(period={"to": TODAY.year, "text": "今年"})
    bars = browser(person(county, VIEW)).get("/plan/timeline/").context["line"].bars
    shown = [(bar.first, bar.last, bar.width, bar.task.term) for bar in bars]
    assert shown == [(TODAY.year, TODAY.year, 750, "今年")] * 2  # one year has the room of five


def test_tables_go_out_and_come_back_whole_or_not_at_all(county: County, plan: Plan) -> None:
    client = browser(person(county, VIEW, EDIT))

    def book(kind: str) -> Any:
        return openpyxl.load_workbook(io.BytesIO(client.get(f"/plan/tables/{kind}.xlsx?plan=plan").content))

    def send(kind: str, changed: Any) -> Any:
        return client.post(f"/plan/tables/{kind}/take?plan=plan", {"table": saved(changed)}, follow=True)

    for kind in ("indicators", "values", "tasks"):
        assert told(send(kind, book(kind))) == ["改动或新增 0 行。"], kind
    indicators = book("indicators")
    indicators.active["I2"] = "二十"
    indicators.active.append(["new", "9", "新指标", "个", "", 2030, 1, 2025, 5, None, "", "", -1, "no.such"])
    answer = send("indicators", indicators)
    assert told(answer) == ["未保存：有 2 行不对。"]
    assert [
        part for part in ("目标：二十 不是数字", "no.such：没有声明这个名称的公式") if part not in text(answer)
    ] == []
    assert plan.indicators.count() == 2
    indicators.active["I2"] = 25
    for place, cell in (("F4", 2020), ("M4", 1), ("N4", None)):
        indicators.active[place] = cell
    assert told(send("indicators", indicators)) == ["改动或新增 2 行。"]
    first = plan.indicators.get(key="滞后的")
    assert (first.target_value, first.tolerance, first.source) == (25.0, None, "plan")
    assert plan.indicators.get(key="new").tolerance == 1
    defined = book("indicators")
    for place, cell in (
        ("O2", "是"),
        ("P2", "年末在册的"),
        ("Q2", "统计年鉴"),
        ("R2", "规划专栏1"),
        ("S2", 3),
        ("O3", "是"),
        ("G3", 0),
    ):
        defined.active[place] = cell
    assert "按同比增速推算的路径要求基期值和目标值都大于 0" in text(send("indicators", defined))
    defined.active["G3"] = 10
    assert told(send("indicators", defined)) == ["改动或新增 2 行。"]
    first.refresh_from_db()
    assert (first.is_compound, first.definition, first.weight) == (True, "年末在册的", 3)
    said = text(client.get("/plan/?plan=plan"))  # (3 × 1/15 + 1 × 1) / 4, a fifth not known
    assert "加权得分 30.0 / 100 · 按各指标向目标走完的比例加权 · 已知权重 80%" in said
    assert "含模拟数据" not in said
    Value.objects.update(is_simulated=True)
    assert "已知权重 80% 含模拟数据" in text(client.get("/plan/?plan=plan"))
    Value.objects.update(is_simulated=False)
    defined.active["S2"] = -1
    assert "权重不能为负" in text(send("indicators", defined))
    assert (first.base_source, first.target_source) == ("统计年鉴", "规划专栏1")
    values = book("values")
    values.active["E2"], values.active["G2"] = 12, "更正：漏报"
    assert told(send("values", values)) == ["改动或新增 1 行。"]
    assert list(plan.indicators.get(key="滞后的").values.order_by("pk").values_list("value", flat=True)) == [11.0, 12.0]
    year = TODAY.year - 1
    for typed in (date(year, 3, 1), f"{year}年4月", f"{year}年2季度"):  # as Excel and people write
        values.active.append(["滞后的", "", "", typed, 13, "", "补报"])
    assert told(send("values", values)) == ["改动或新增 3 行。"]
    values.active.append(["滞后的", "", "", f"{TODAY.year - 1}-03", 14, "", "又一次"])
    assert f"滞后的 {TODAY.year - 1}-03 重复出现" in text(send("values", values))
    tasks = book("tasks")
    tasks.active["F2"] = 2020
    assert "结束早于开始" in text(send("tasks", tasks))


LOOKS = ["report", "table", "numbers", "facts", "report"]  # the newest first


def test_an_evaluator_sees_the_room_and_nothing_else_and_each_look_is_kept(county: County, plan: Plan) -> None:
    maker = person(county, "plan.report.make", "plan.report.issue", username="王某某")
    report = reports.ask(plan, "annual", str(TODAY.year - 1), issuer="甲", serial="1", by=maker)
    reports.make(report.pk)
    room, evaluator = "/plan/room/", person(county, ROOM)
    client = browser(evaluator)
    assert client.get(f"{room}reports/{report.pk}/word").status_code == 404
    report.refresh_from_db()
    reports.issue(report, maker)
    letter = docx.Document(io.BytesIO(client.get(f"{room}reports/{report.pk}/word").content))
    word = "".join(cell.text for table in letter.tables for row in table.rows for cell in row.cells)
    assert "人工填报" in word
    facts = client.get(f"{room}reports/{report.pk}/json")
    assert facts["Content-Disposition"].startswith("attachment")  # its hash is of the file, not of what a browser shows
    assert facts.json()["counts"]["red"] == 1
    numbers = client.get(f"{room}numbers/?q=滞后&year={TODAY.year - 1}")
    assert [(row.indicator.name, row.value) for row in numbers.context["page"]] == [("滞后的", 11.0)]
    sheet: Any = openpyxl.load_workbook(io.BytesIO(client.get(f"{room}numbers/?as=xlsx").content)).active
    assert sheet.max_row == 3
    seen = [
        text(numbers),
        facts.content.decode(),
        *[str(cell) for row in sheet.values for cell in row],
        text(client.get(room)),
    ]
    assert [one for one in seen if "王某某" in one] == []
    annex = openpyxl.load_workbook(io.BytesIO(client.get(f"{room}reports/{report.pk}/excel").content))
    told = [word, *seen, *[str(cell) for one in annex for row in one.values for cell in row]]
    assert [one for one in told if "秘密电话" in one] == []
    looked = list(Look.objects.order_by("pk").values_list("what", "about"))
    assert looked == [
        ("report", f"{report.title} (word)"), ("facts", report.title), ("numbers", f"滞后 {TODAY.year - 1}"),
        ("table", ""), ("report", f"{report.title} (excel)"),
    ]  # fmt: skip
    assert [look.what for look in client.get(room).context["looks"]] == LOOKS
    closed = [
        "/plan/", "/plan/tasks/", "/plan/reports/", f"/plan/reports/{report.pk}/", "/plan/collect/", "/plan/tables/",
        f"/plan/indicators/{plan.indicators.get(key='滞后的').pk}/", "/plan/room/log/", "/plan/meetings/", "/people/",
    ]  # fmt: skip
    assert {address: client.get(address).status_code for address in closed} == dict.fromkeys(closed, 403)
    assert browser(person(county, VIEW)).get(room).status_code == 403
    office = browser(person(county, VIEW, EDIT)).get("/plan/room/log/")
    assert [look.what for look in office.context["page"]] == LOOKS
    assert "报告文件：" in text(office)
    for change in (lambda: Look.objects.update(about=""), lambda: Look.objects.all().delete()):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()


def test_the_next_page_of_a_list_asks_for_the_same(county: County, plan: Plan) -> None:
    row, room = plan.indicators.get(key="滞后的"), "/plan/room/numbers/"
    years = range(1901, 2001)
    Value.objects.bulk_create(Value(indicator=row, period=f"{year}", value=1.0, source="reported") for year in years)
    client = browser(person(county, ROOM))
    [after] = re.findall(r'rel="next" href="([^"]+)"', client.get(f"{room}?q=滞后").content.decode())
    page = client.get(room + unescape(after))
    assert (page.context["q"], page.context["page"].number, len(page.context["page"])) == ("滞后", 2, 1)
    [table] = re.findall(r'href="([^"]+as=xlsx)"', page.content.decode())
    assert unescape(table) == "?q=%E6%BB%9E%E5%90%8E&as=xlsx"
