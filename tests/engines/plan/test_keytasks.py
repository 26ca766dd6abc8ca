"""Key tasks: money, risks and place, on their page, in tables, on the overview, the scorecard and in the meeting."""

from __future__ import annotations

import io
from typing import Any

import docx
import openpyxl
import pytest
from django.test import Client
from django.utils import timezone
from tests.engines.plan.desks import Desk, post
from tests.engines.plan.promises import TEXT
from tests.fixtures import person
from tests.web.pages import browser, saved, text, told

from shizhu.engines.maps import api as maps
from shizhu.engines.plan import api, keytasks, reports
from shizhu.engines.plan.models import Budget, Meeting, Plan, Risk, Task
from shizhu.kernel import access, testing
from shizhu.kernel.models import Organisation, Person
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised", "tests.engines.records.stalls"]
VIEW, EDIT = "plan.plan.view", "plan.plan.edit"
RISK = {"name": "选址未定", "level": "high", "organisation": "stand", "measure": "每周协调一次"}
YEAR = timezone.localdate().year


@pytest.fixture
def task(desk: Desk) -> Task:
    return Task.objects.get(name="示范摊位工程")


@pytest.fixture
def clerk(desk: Desk) -> Client:
    return browser(person(desk.county, VIEW, EDIT, "plan.meeting.hold", username="clerk"))


def base(task: Task) -> str:
    return f"/plan/tasks/{task.pk}/"


def test_money_is_told_by_year_and_fund_and_summed(task: Task, clerk: Client) -> None:
    for year, fund, planned, spent in (
        (2025, "市级", "100", "90"),
        (2026, "市级", "1,200", ""),
        (2026, "县级", "0", "12.5"),
    ):
        given = {"year": year, "fund": fund, "planned": planned, "spent": spent}
        assert post(clerk, f"{base(task)}money", given) == ["已保存资金。"]
    page = clerk.get(base(task))
    assert [(year, one.planned, one.spent, one.share) for year, one in page.context["years"]] == [
        (2025, 100, 90, 90), (2026, 1200, 12.5, 100 * 12.5 / 1200),
    ]  # fmt: skip
    assert (page.context["sum"].planned, page.context["sum"].spent) == (1300, 102.5)
    for wrong in ({"planned": "x"}, {"planned": "-1"}, {"year": "20"}, {"fund": " "}):
        post(clerk, f"{base(task)}money", {"year": 2025, "fund": "市级", "planned": "1", **wrong})
    assert list(Budget.objects.values_list("year", "fund", "planned", "spent")) == [
        (2025, "市级", 100, 90), (2026, "县级", 0, 12.5), (2026, "市级", 1200, None),
    ]  # fmt: skip
    gone = {"year": 2025, "fund": "市级", "planned": ""}
    assert post(clerk, f"{base(task)}money", gone) == ["已删除该行。"]
    assert post(clerk, f"{base(task)}money", gone) == ["请填写计划资金，没有的填 0。"]
    assert "102.5" not in text(clerk.get(base(task)))


def test_a_risk_is_open_until_somebody_says_why_it_is_over(desk: Desk, task: Task, clerk: Client) -> None:
    for lacking in RISK:
        post(clerk, f"{base(task)}risk", {**RISK, lacking: ""})
    assert Risk.objects.count() == 0
    assert post(clerk, f"{base(task)}risk", RISK) == ["已登记风险。"]
    assert post(clerk, f"{base(task)}risk", RISK) == ["选址未定 已经登记过。"]
    post(clerk, f"{base(task)}risk", {**RISK, "name": "供货晚", "level": "low"})
    risk = Risk.objects.get(name="选址未定")
    overview = text(clerk.get("/plan/"))
    assert "任务未销号风险 2" in overview
    Plan.objects.create(county=task.plan.county, code="other", title="没有任务的规划")
    beside = clerk.get("/plan/?plan=other")  # leads to the plan that has them
    assert f"{task.plan.title} 任务未销号风险 2" in text(beside)
    assert f'href="/plan/tasks/?plan={task.plan.code}"' in beside.content.decode()
    assert "没有任务的规划 任务" not in overview
    meeting = Meeting.objects.create(
        plan=task.plan, title="会", held_on=timezone.localdate(), person=Person.objects.get(username="clerk")
    )
    steps = [clerk.get(f"/plan/meetings/{meeting.pk}/{at}/") for at in range(1, 10)]
    [shown] = [one for one in steps if one.status_code == 200 and one.context["step"].kind == "risks"]
    assert [one.name for one, _colour, _level in shown.context["risks"]] == ["选址未定", "供货晚"]
    desk.split(30)
    desk.send()
    cards = {card.unit.code: card.risks for card in desk.supervisor.get("/plan/scorecards/").context["cards"]}
    assert cards == {"stand": 2, "kitchen": 0}
    close = f"/plan/risks/{risk.pk}/close"
    assert post(clerk, close, {"outcome": " "}) == ["请写明销号理由。"]
    assert post(clerk, close, {"outcome": "地块已定"}) == ["风险已销号。"]
    assert post(clerk, close, {"outcome": "又一次"}) == ["此风险此前已销号。"]
    risk.refresh_from_db()
    assert (risk.outcome, risk.closed_by and risk.closed_by.username) == ("地块已定", "clerk")
    assert [one.name for one in keytasks.open_risks(task.plan)] == ["供货晚"]


def test_a_task_with_a_place_stands_on_the_map(task: Task, clerk: Client, root: access.Actor) -> None:
    for wrong in ("108", "200, 10", "108, 91", "a, b", "1, 2, 3", "nan, 1"):
        assert post(clerk, f"{base(task)}place", {"place": wrong})[0].startswith("地点应为经度和纬度")
    given = maps.sources()["tasks"]
    layer = maps.Layer("k", {}, {}, "tasks", "", "target", "#000000", 1)
    assert given.give(root, task.plan.county_id, layer, maps.Asked()) == []
    assert post(clerk, f"{base(task)}place", {"place": "108.1，29.9"}) == ["已保存地点。"]
    [feature] = given.give(root, task.plan.county_id, layer, maps.Asked())
    assert (feature.geometry["coordinates"], feature.properties["url"]) == ([108.1, 29.9], base(task))
    assert given.give(root, "999999", layer, maps.Asked()) == []
    api.import_text(task.plan.county, TEXT)
    task.refresh_from_db()
    assert (task.longitude, task.latitude) == (108.1, 29.9)
    post(clerk, f"{base(task)}place", {"place": ""})
    assert given.give(root, task.plan.county_id, layer, maps.Asked()) == []


def test_a_task_with_money_stays_though_a_new_reading_lacks_it(task: Task, clerk: Client) -> None:
    post(clerk, f"{base(task)}money", {"year": 2026, "fund": "市级", "planned": "1", "spent": ""})
    other = task.plan.tasks.exclude(pk=task.pk).get()
    lacking = "\n".join(line for line in TEXT.splitlines() if "示范摊位工程" not in line and "杯具回收行动" not in line)
    api.import_text(task.plan.county, lacking)
    assert Budget.objects.filter(task=task).count() == 1
    assert not Task.objects.filter(pk=other.pk).exists()


def test_money_and_risks_go_out_and_come_back_as_tables(task: Task, clerk: Client) -> None:
    post(clerk, f"{base(task)}money", {"year": 2026, "fund": "市级", "planned": "10", "spent": "4"})
    post(clerk, f"{base(task)}risk", RISK)

    def book(kind: str) -> Any:
        return openpyxl.load_workbook(io.BytesIO(clerk.get(f"/plan/tables/{kind}.xlsx").content))

    def send(kind: str, changed: Any) -> Any:
        return clerk.post(f"/plan/tables/{kind}/take", {"table": saved(changed)}, follow=True)

    assert [told(send(kind, book(kind))) for kind in ("money", "risks")] == [["改动或新增 0 行。"]] * 2
    money = book("money")
    assert [list(row) for row in money.active.values] == [
        ["编码", "任务", "年", "资金来源", "计划资金（万元）", "已支出（万元）", "模拟"],
        [task.key, task.name, 2026, "市级", 10, 4, None],
    ]
    money.active["F2"] = 5
    money.active.append([task.key, "", 2026, "县级", "许多", None])
    money.active.append([task.key, "", 2026, "", 1, None])
    money.active.append(["none", "", 2026, "县级", 1, None])
    answer = send("money", money)
    assert told(answer) == ["未保存：有 3 行不对。"]
    wrong = ["计划资金（万元）：许多 不是数字", "缺少资金来源", "none：没有这个编码的任务"]
    assert [part for part in wrong if part not in text(answer)] == []
    assert Budget.objects.get().spent == 4
    money.active.delete_rows(3, 3)
    money.active.append([task.key, "", 2026, "县级", 7, None])
    assert told(send("money", money)) == ["改动或新增 2 行。"]
    assert list(Budget.objects.values_list("fund", "planned", "spent")) == [("县级", 7, None), ("市级", 10, 5)]
    risks = book("risks")
    assert [cell.value for cell in risks.active[2]][2:6] == ["选址未定", "高风险", "县摊位管理局", "每周协调一次"]
    risks.active["D2"] = "很高"
    assert "级别：很高：应为 高风险、中风险、低风险 之一" in text(send("risks", risks))
    risks.active["D2"], risks.active["G2"], risks.active["H2"] = "中风险", "是", "地块已定"
    risks.active.append([task.key, "", "供货晚", "低风险", "县厨房办", "备货", None, None])
    assert told(send("risks", risks)) == ["改动或新增 2 行。"]
    found = list(Risk.objects.order_by("pk").values_list("name", "level", "outcome", "organisation__code"))
    assert found == [("选址未定", "medium", "地块已定", "stand"), ("供货晚", "low", "", "kitchen")]


def test_the_annual_report_tells_money_with_its_source_and_risks(task: Task, clerk: Client) -> None:
    post(clerk, f"{base(task)}money", {"year": YEAR, "fund": "市级", "planned": "10", "spent": "4"})
    post(clerk, f"{base(task)}risk", RISK)
    by = Person.objects.get(username="clerk")
    made = reports.ask(task.plan, "annual", str(YEAR), issuer="甲", serial="1", by=by)
    reports.make(made.pk)
    made.refresh_from_db()
    assert made.word is not None
    document = docx.Document(str(reports.files.path_of(made.word)))
    tables = [[[cell.text for cell in row.cells] for row in one.rows] for one in document.tables]
    [money] = [rows for rows in tables if rows[0][2:3] == ["资金来源"]]
    [planned, spent] = [row["no"] for row in made.facts["sources"] if row["unit"] == "万元"]
    assert money[1:] == [
        ["示范摊位工程", f"{YEAR}", "市级", f"10［{planned}］", f"4［{spent}］"],
        ["合计", "", "", "10", "4"],
    ]
    assert ["示范摊位工程", "选址未定", "高风险", "县摊位管理局", "每周协调一次"] in [
        row for rows in tables for row in rows
    ]
    sources = [row for rows in tables for row in rows if row[0] == f"［{spent}］"]
    assert sources[0][-1].startswith("登记的支出，市级")


def test_what_is_simulated_says_so_wherever_it_is_shown(desk: Desk, task: Task, clerk: Client) -> None:
    by, unit = Person.objects.get(username="clerk"), Organisation.objects.get(code="stand")
    Budget.objects.create(task=task, year=YEAR, fund="市级", planned=10, spent=4, person=by, is_simulated=True)
    Risk.objects.create(
        task=task, name="选址未定", level="high", organisation=unit, measure="协调", opened_by=by, is_simulated=True
    )
    desk.split(30)
    desk.send()
    said = text(clerk.get("/plan/?plan=plan"))
    assert "任务未销号风险 1 模拟" in said
    assert "任务资金，已用／计划 4 / 10 万元 模拟" in said
    listed = text(clerk.get("/plan/tasks/?plan=plan"))
    assert [part for part in ("4 / 10 模拟", "选址未定 模拟") if part not in listed] == []
    shown = text(clerk.get(base(task)))
    parts = ("市级 模拟 10 4", f"{YEAR} 全年合计 模拟 10 4 40 %", "选址未定 模拟")
    assert [part for part in parts if part not in shown] == []
    meeting = Meeting.objects.create(plan=task.plan, title="会", held_on=timezone.localdate(), person=by)
    steps = [clerk.get(f"/plan/meetings/{meeting.pk}/{at}/") for at in range(1, 10)]
    [risks] = [one for one in steps if one.status_code == 200 and one.context["step"].kind == "risks"]
    assert "选址未定 模拟" in text(risks)
    assert "县摊位管理局 模拟" in text(desk.supervisor.get("/plan/scorecards/"))
    for kind in ("money", "risks"):
        sheet = openpyxl.load_workbook(io.BytesIO(clerk.get(f"/plan/tables/{kind}.xlsx").content)).active
        assert [row[-1] for row in sheet.values] == ["模拟", "是"]
    made = reports.ask(task.plan, "annual", str(YEAR), issuer="甲", serial="1", by=by)
    reports.make(made.pk)
    made.refresh_from_db()
    assert made.word is not None
    document = docx.Document(str(reports.files.path_of(made.word)))
    rows = [[cell.text for cell in row.cells] for one in document.tables for row in one.rows]
    assert made.facts["simulated"] == 3
    assert [row[1] for row in rows if row[0] == task.name and row[1].startswith("选址")] == ["选址未定（模拟）"]
    assert [row[-1].endswith("，模拟") for row in rows if row[0].startswith("［")] == [True, True]
    post(clerk, f"{base(task)}money", {"year": YEAR, "fund": "市级", "planned": "10", "spent": "5"})
    assert Budget.objects.values_list("spent", "is_simulated").get() == (5, False)  # a person has said it


def test_who_may_not_edit_the_plan_changes_nothing(desk: Desk, task: Task, clerk: Client) -> None:
    post(clerk, f"{base(task)}risk", RISK)
    risk, reader = Risk.objects.get(), browser(person(desk.county, VIEW, username="reader"))
    other = testing.made_up_county("990002")
    foreign = browser(person(other, VIEW, EDIT, username="foreign"))
    tried = {
        f"{base(task)}money": {"year": 2026, "fund": "市级", "planned": "1"},
        f"{base(task)}risk": {**RISK, "name": "别的"},
        f"{base(task)}place": {"place": "108, 29"}, f"/plan/risks/{risk.pk}/close": {"outcome": "x"},
    }  # fmt: skip
    before = everything_kept()
    assert [reader.post(address, given).status_code for address, given in tried.items()] == [403] * 4
    assert [foreign.post(address, given).status_code for address, given in tried.items()] == [404] * 4
    for kind in ("money", "risks"):
        assert reader.post(f"/plan/tables/{kind}/take", {}).status_code == 403
    after = everything_kept()
    names = [name for name in after if name.startswith("plan_")]
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert browser(person(desk.county, username="nobody")).get(base(task)).status_code == 403
    html = reader.get(base(task)).content.decode()
    assert ("选址未定" in html, "/money" in html, "/close" in html) == (True, False, False)
    assert Plan.objects.count() == 1


def test_the_page_of_a_task_tells_what_became_of_it(desk: Desk, task: Task) -> None:
    desk.split(30)
    desk.send()
    page = desk.supervisor.get(base(task))
    node = f"示范摊位：{YEAR}年度完成"
    assert [(line.title, line.text) for line in page.context["story"]] == [
        ("亮灯", f"{node} · 县摊位管理局"), ("已下达", "县摊位管理局 · 配合：县厨房办"), ("亮灯", f"{node} · 县厨房办"),
        ("已下达", "县厨房办"), ("拟出任务分解", "2 项"),
    ]  # fmt: skip
    assert "从规划原文到佐证" in text(page)
    reader = browser(person(desk.county, VIEW, username="reader")).get(base(task))
    assert (reader.context["story"], "已下达" in text(reader)) == ([], False)
