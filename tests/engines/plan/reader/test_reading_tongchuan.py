"""A plan with columns set by spaces, a header on two lines, a dense flattened task table over two pages, an image."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("tongchuan")


def test_title(document: PlanDocument) -> None:
    assert document.title == "桐川县“十四五”生态环境保护规划"


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth, item.cumulative)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "空气质量优良天数比例", "%", "约束性", 94.1, 95, None, False),
        ("2", "地表水达到或好于Ⅲ类比例", "%", "约束性", 100, 100, None, False),
        ("3", "森林覆盖率", "%", "约束性", 57.8, 60, None, False),
        ("4", "县城污水处理率", "%", "约束性", 92, 97, None, False),
        ("5", "乡镇污水处理设施", "座", "预期性", 18, 27, None, False),
        ("6", "农村黑臭水体治理", "处", "预期性", 7, 15, None, True),
        ("7", "矿山生态修复面积", "亩", "预期性", 3200, 12000, None, False),
        ("8", "单位GDP能耗下降", "%", "约束性", None, 13.5, None, False),
    ]


def test_years_groups_and_places_of_indicators(document: PlanDocument) -> None:
    rows = [
        (item.key, item.base.year, item.target.year, item.group, item.place.first, item.place.last)
        for item in in_tables(document)
    ]
    assert rows == [
        ("indicator-01", 2020, 2025, "环境质量", 16, 16),
        ("indicator-02", 2020, 2025, "环境质量", 17, 17),
        ("indicator-03", 2020, 2025, "环境质量", 18, 18),
        ("indicator-04", 2020, 2025, "污染治理", 20, 20),
        ("indicator-05", 2020, 2025, "污染治理", 21, 21),
        ("indicator-06", 2020, 2025, "污染治理", 22, 22),
        ("indicator-07", 2020, 2025, "生态修复", 24, 24),
        ("indicator-08", 2020, 2025, "生态修复", 25, 25),
    ]


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.category, item.owners) for item in document.tasks]
    assert rows == [
        (
            "1",
            "乡镇污水处理",
            "新建乡镇污水处理设施9座，新建改造配套管网64公里，日处理能力新增6000吨。",
            None,
            ("县住房和城乡建设局",),
        ),
        ("2", "黑臭水体整治", "完成农村黑臭水体治理8处。", None, ("县生态环境局", "县水利局", "有关乡镇")),
        ("3", "矿山修复", "修复历史遗留矿山0.78万亩，建成绿色矿山3—4座。", None, ("县自然资源局",)),
        ("4", "监测能力提升", "建设水、气、土监测站点6个。", None, ("县生态环境局",)),
        ("5", "环境信息平台", "建设生态环境信息平台，接入企业用电监控数据。", None, ("县生态环境局", "县大数据局")),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.key, item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("task-01", "2021—2024", 2021, 2024, 54, 61),
        ("task-02", "2021—2025", 2021, 2025, 62, 69),
        ("task-03", "2022年起", 2022, None, 70, 76),
        ("task-04", "2023", 2023, 2023, 88, 94),
        ("task-05", "2025年底前", None, 2025, 95, 101),
    ]


def test_boxes(document: PlanDocument) -> None:
    rows = [(box.no, box.title, box.place.first, box.place.last, box.holds) for box in document.boxes]
    assert rows == [
        ("1", "“十四五”生态环境保护主要指标", 11, 27, "table"),
        ("2", "水环境治理工程", 31, 35, "items"),
        ("3", "矿山修复工程", 39, 42, "items"),
    ]


def test_items_of_boxes(document: PlanDocument) -> None:
    rows = [
        (box.key, item.no, item.title, item.text, item.place.first, item.place.last)
        for box in document.boxes
        for item in box.items
    ]
    assert rows == [
        ("box-02", "1", "乡镇污水处理", "新建乡镇污水处理设施9座，改造管网64公里。", 32, 32),
        ("box-02", "2", "黑臭水体整治", "完成农村黑臭水体治理8处，建立长效管护机制。", 33, 34),
        ("box-02", "3", "饮用水源保护", "划定水源保护区11个。", 35, 35),
        ("box-03", "①", "历史遗留矿山", "修复矿山0.78万亩。", 40, 40),
        ("box-03", "②", "绿色矿山", "建成绿色矿山3—4座。", 41, 41),
        ("box-03", "③", "监测能力", "建设监测站点6个。", 42, 42),
    ]


def test_contradictions(document: PlanDocument) -> None:
    found = [
        (item.rule, item.subject, [(said.value, said.unit, said.year, said.place.first) for said in item.readings])
        for item in document.contradictions
    ]
    assert found == [
        ("text-table", "森林覆盖率", [(58.3, "%", 2020, 5), (57.8, "%", 2020, 18)]),
        ("text-table", "矿山生态修复面积", [(1.1, "万亩", 2025, 9), (12000, "亩", 2025, 24)]),
    ]


def test_unsure(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("target-bound", "空气质量优良天数比例", 9),
        ("target-bound", "空气质量优良天数比例", 16),
        ("target-bound", "县城污水处理率", 20),
        ("target-bound", "绿色矿山", 41),
        ("table-unread", "附表2  公众满意度表", 103),
    ]
