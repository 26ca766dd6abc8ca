"""Lists go out as Excel with the rights and filters of their page, and decisions of a meeting come in as a table."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.utils import timezone
from tests.engines.plan.desks import Desk, day, light
from tests.fixtures import person
from tests.web.pages import browser, table, told

from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Clause, Decision, Meeting, Node
from shizhu.kernel.models import Area, County
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised"]
VIEW, HOLD = "plan.plan.view", "plan.meeting.hold"
RANKING = "/plan/indexes/lemonade.street/"
TODAY = timezone.localdate()


def sheet(client: Client, address: str) -> list[dict[str, Any]]:
    """Rows of a workbook by their heads."""
    answer = client.get(address)
    heads, *rows = openpyxl.load_workbook(io.BytesIO(answer.content)).active.values
    return [dict(zip(heads, row, strict=True)) for row in rows]


def test_nodes_go_out_as_they_are_filtered_and_seen(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(-3)
    assert light(node) == ("red", "late")
    rows = sheet(desk.supervisor, "/plan/supervision/?as=xlsx")
    assert [row["责任单位"] for row in rows] == ["县厨房办", "县摊位管理局"]
    assert rows[1] == {
        "亮灯": "红灯", "理由": "逾期", "节点": node.title, "任务": "示范摊位", "责任单位": "县摊位管理局",
        "完成时限": datetime.combine(day(-3), time.min), "应达到的数值": 10, "计量单位": "个", "要求附件（个）": 1,
        "重开次数（次）": 0, "模拟": None,
    }  # fmt: skip
    own = sheet(desk.supervisor, "/plan/supervision/?unit=stand&light=red&as=xlsx")
    assert [row["节点"] for row in own] == [node.title]
    assert sheet(desk.supervisor, "/plan/supervision/?light=green&as=xlsx") == []
    alone = browser(person(desk.county, "plan.node.view", username="alone", of="kitchen"))
    node.piece.assists.clear()
    assert [row["责任单位"] for row in sheet(alone, "/plan/supervision/?as=xlsx")] == ["县厨房办"]


def test_scorecards_go_out_with_their_units_of_measure(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(-3)
    [kitchen, stand] = sheet(desk.supervisor, f"/plan/scorecards/?year={day(-3).year}&as=xlsx")
    assert {row["责任单位"] for row in (kitchen, stand)} == {"县厨房办", "县摊位管理局"}
    told_ = ("年", "名次", "得分（分）", "应完成（个）", "按期完成率（%）", "红灯（个）", "查出不实（次）")
    assert [stand[head] for head in told_] == [node.due_on.year, 1, 0, 1, 0, 1, 0]


def test_clauses_go_out_as_they_are_filtered(desk: Desk) -> None:
    rows = sheet(desk.supervisor, "/plan/clauses/?as=xlsx")
    assert len(rows) == Clause.objects.count()
    [row] = [one for one in rows if one["条款"].startswith("示范摊位工程") and one["类别"] == "任务表"]
    assert (row["牵头单位"], row["配合单位"], row["有责任单位"]) == ("县摊位管理局", "县厨房办", "是")
    free = sheet(desk.supervisor, "/plan/clauses/?show=free&as=xlsx")
    assert 0 < len(free) < len(rows)
    assert {one["有责任单位"] for one in free} == {None}


def test_a_ranking_goes_out_with_the_weights_that_are_tried(county: County) -> None:
    towns = list(Area.objects.filter(county=county, level="town").order_by("code"))
    index = Index(county.pk, "lemonade.street")
    given = [("shaded", 90.0), ("cups", 50.0), ("waste", 1.0)]
    rows = [
        Given(item, town.code, value - number if item != "waste" else value + number)
        for number, town in enumerate(towns)
        for item, value in given
    ]
    index.report(2026, [*rows, Given("waste", towns[0].code, 99.0)], note="普查", by=None)
    client = browser(person(county, VIEW))
    first = sheet(client, f"{RANKING}?year=2026&as=xlsx")
    assert [(row["名次"], row["名称"]) for row in first][:1] == [(1, towns[0].name)]
    assert (len(first), first[0]["有数据的权重（%）"]) == (len(towns), 100)
    tried = sheet(client, f"{RANKING}?year=2026&w.waste=90&w.cups=5&w.shaded=5&as=xlsx")
    assert (tried[0]["名次"], tried[0]["名称"]) == (1, towns[1].name)


def test_nothing_goes_out_without_the_right_to_its_page(desk: Desk, sent: Callable[[int], Node]) -> None:
    sent(-3)
    nobody = browser(person(desk.county, username="nobody"))
    pages = ["/plan/supervision/", "/plan/scorecards/", "/plan/clauses/", RANKING, "/plan/meetings/"]
    assert [nobody.get(f"{page}?as=xlsx").status_code for page in pages] == [403] * 5


@pytest.fixture
def meeting(desk: Desk) -> Meeting:
    """One that runs."""
    plan = Clause.objects.all()[0].plan
    return Meeting.objects.create(plan=plan, title="调度会", held_on=TODAY, person=person(desk.county, username="z"))


def test_decisions_are_filled_into_a_table_and_taken_whole_or_not_at_all(desk: Desk, meeting: Meeting) -> None:
    chair, base = browser(person(desk.county, VIEW, HOLD, username="chair")), f"/plan/meetings/{meeting.pk}/decisions"
    heads, due = ["决定事项", "责任单位", "完成日期"], TODAY + timedelta(days=9)
    assert sheet(chair, f"{base}.xlsx") == []
    wrong = table(
        heads, ["补足差距", "县摊位管理局", f"{due}"], ["", "stand", f"{due}"], ["甲", "县茶业局", f"{due}"],
        ["乙", "stand", f"{TODAY - timedelta(days=1)}"],
    )  # fmt: skip
    [message] = told(chair.post(base, {"table": wrong}, follow=True))
    assert message == (
        "未保存：有 3 行不对。 第 3 行：缺少决定事项。 第 4 行：县茶业局：本县没有这个单位。 "
        f"第 5 行：{TODAY - timedelta(days=1)} 不是会议当天或之后的日期，应如 {TODAY}。"
    )
    assert Decision.objects.count() == 0
    good = [["补足差距", "县摊位管理局", f"{due}"], ["核对台账", "kitchen", f"{due}"]]
    assert told(chair.post(base, {"table": table(heads, *good)}, follow=True)) == ["新增或改动 2 项议定事项。"]
    assert told(chair.post(base, {"table": table(heads, *good)}, follow=True)) == ["新增或改动 0 项议定事项。"]
    assert [row["决定事项"] for row in sheet(chair, f"{base}.xlsx")] == ["补足差距", "核对台账"]
    before = everything_kept()
    reader = browser(person(desk.county, VIEW, username="reader"))
    assert reader.post(base, {"table": table(heads, *good)}).status_code == 403
    assert reader.get(f"{base}.xlsx").status_code == 403
    chair.post(f"/plan/meetings/{meeting.pk}/close")
    more = table(heads, ["再办一件", "stand", f"{due}"])
    assert told(chair.post(base, {"table": more}, follow=True))[-1:] == ["会议已结束，议定事项不能再改。"]
    assert (Decision.objects.count(), everything_kept()["plan_decision"]) == (2, before["plan_decision"])
    [first, _second] = sheet(reader, "/plan/meetings/?as=xlsx")
    assert [first[head] for head in ("会议", "责任单位", "完成日期", "状态")] == [
        "调度会", "县摊位管理局", datetime.combine(due, time.min), "未办结",
    ]  # fmt: skip
