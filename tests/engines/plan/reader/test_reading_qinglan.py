"""A hard-wrapped plan with tabs: contents list, page numbers, years as five-year plans, two tables that differ."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("qinglan")


def test_title(document: PlanDocument) -> None:
    assert document.title == "青岚市养老服务体系建设“十四五”规划"


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth, item.cumulative)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "每千名老年人养老床位", "张", "预期性", 28, 40, 7.4, False),
        ("2", "养老机构护理型床位占比", "%", "约束性", 43.0, 60, None, False),
        ("3", "社区养老服务站", "个", "预期性", 86, 150, 11.8, False),
        ("4", "持证护理员", "名", "预期性", 210, 520, 20, False),
        ("5", "特殊困难老年人月探访率", "%", "约束性", None, 100, None, False),
        ("1", "社区养老服务站", "个", None, 86, 160, None, False),
        ("2", "老年大学", "所", None, 3, 8, None, False),
    ]


def test_years_groups_and_places_of_indicators(document: PlanDocument) -> None:
    rows = [
        (item.key, item.base.year, item.target.year, item.group, item.place.first, item.place.last)
        for item in in_tables(document)
    ]
    assert rows == [
        ("indicator-01", 2020, 2025, None, 36, 36),
        ("indicator-02", 2020, 2025, None, 37, 37),
        ("indicator-03", 2020, 2025, None, 38, 38),
        ("indicator-04", 2020, 2025, None, 39, 39),
        ("indicator-05", 2020, 2025, None, 40, 40),
        ("indicator-06", 2020, 2025, None, 71, 71),
        ("indicator-07", 2020, 2025, None, 72, 72),
    ]


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.category, item.owners) for item in document.tasks]
    assert rows == [
        ("1", "敬老院改造", "改造敬老院12所", "设施建设", ("市民政局", "市消防救援支队")),
        ("2", "社区养老服务站建设", "", "设施建设", ("市民政局", "各街道办事处")),
        ("2", "护理员培训", "", "人才队伍", ("市人力资源和社会保障局", "市教育局", "市民政")),
        ("4", "适老化改造", "", "人才队伍", ()),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.key, item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("task-01", "2021—2023年", 2021, 2023, 64, 64),
        ("task-02", "“十四五”期间", 2021, 2025, 65, 65),
        ("task-03", "持续推进", None, None, 66, 66),
        ("task-04", "2022年启动，2024年完成", 2022, 2024, 67, 67),
    ]


def test_boxes(document: PlanDocument) -> None:
    rows = [(box.no, box.title, box.place.first, box.place.last, box.holds) for box in document.boxes]
    assert rows == [
        ("1", "设施补短板行动", 48, 52, "items"),
        ("2", "人才培养行动", 58, 60, "items"),
    ]


def test_items_of_boxes(document: PlanDocument) -> None:
    rows = [
        (box.key, item.no, item.title, item.text, item.place.first, item.place.last)
        for box in document.boxes
        for item in box.items
    ]
    assert rows == [
        ("box-01", "★", "敬老院改造工程", "改造敬老院12所，消防达标率100%。", 49, 49),
        ("box-01", "★", "社区服务站工程", "新建社区养老服务站64个；改造提升20个。", 50, 51),
        ("box-01", "★", "家庭适老化改造", "完成困难老年人家庭适老化改造1500户。", 52, 52),
        ("box-02", "1", "培训中心", "建设市级养老护理实训中心1个。", 59, 59),
        ("box-02", "2", "以赛促训", "每年举办技能竞赛1次。", 60, 60),
    ]


def test_contradictions(document: PlanDocument) -> None:
    found = [
        (item.rule, item.subject, [(said.value, said.unit, said.year, said.place.first) for said in item.readings])
        for item in document.contradictions
    ]
    assert found == [
        ("table-table", "社区养老服务站", [(150, "个", 2025, 29), (150, "个", 2025, 38), (160, "个", 2025, 71)]),
    ]


def test_unsure(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("similar-wording", "护理型床位占比", 30),
        ("empty-cell", "2.养老机构护理型床位占比: 年均增长（%）", 37),
        ("bracket-unexplained", "持证护理员", 39),
        ("added", "社区养老服务站", 50),
        ("period-unread", "护理员培训", 66),
        ("number-doubled", "task 2", 66),
        ("owner-variant", "市民政", 66),
        ("class-carried", "适老化改造", 67),
        ("owner-missing", "适老化改造", 67),
        ("number-skipped", "task 4", 67),
    ]
