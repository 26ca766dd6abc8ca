"""A plan flattened to one cell per line by tabs: broken cells, skipped and doubled numbers, typing errors."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("yunqi")


def test_title(document: PlanDocument) -> None:
    assert document.title == "云栖县全域旅游发展“十四五”规划（2021—2025年）"


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth, item.cumulative)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "过夜游客增长", "%", "预期性", None, None, 12, False),
        ("2", "旅游增加值占地区生产总值的比重", "%", "预期性", 8.5, 12.0, None, False),
        ("3", "每万人拥有民宿床位", "张", "预期性", 36.8, 60, None, False),
        ("3", "星级饭店配备智慧客房的饭店占比", None, "约束性", 31.4, 45.0, None, False),
        ("5", "茶旅产业产值", "亿元", "预期性", 9.1, 15.5, None, False),
        ("6", "民宿数量", "家", "预期性", 158, 300, None, True),
        ("7", "等级民宿数量", "家", "预期性", 8, 25, None, True),
        ("9", "省级以上旅游品牌数量", "个", "预期性", 3, 6, None, True),
        ("10", "游客满意率", "%", "约束性", 86.8, 95, None, False),
    ]


def test_years_groups_and_places_of_indicators(document: PlanDocument) -> None:
    rows = [
        (item.key, item.base.year, item.target.year, item.group, item.place.first, item.place.last)
        for item in in_tables(document)
    ]
    assert rows == [
        ("indicator-01", 2020, 2025, None, 53, 58),
        ("indicator-02", 2020, 2025, None, 60, 65),
        ("indicator-03", 2020, 2025, None, 67, 72),
        ("indicator-04", 2020, 2025, None, 74, 81),
        ("indicator-05", 2020, 2025, None, 83, 88),
        ("indicator-06", 2020, 2025, None, 90, 95),
        ("indicator-07", 2020, 2025, None, 97, 102),
        ("indicator-08", 2020, 2025, None, 104, 109),
        ("indicator-09", 2020, 2025, None, 111, 116),
    ]


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.category, item.owners) for item in document.tasks]
    assert rows == [
        (
            "1",
            "茶旅集市",
            "建设茶旅集市一处，设展销、品鉴、研学等功能区，服务商户80家。",
            "载体建设类",
            ("县市场监督管理局", "县经济和信息化局"),
        ),
        ("2", "古茶园步道", "修复沿线石阶，建成步道2条，配套标识和休憩点。", "产品提升类", ("县景区管委会会",)),
        (
            "3",
            "越野线路",
            "开发越野线路3条，建设补给站20处，带动农家乐20家。",
            "产品提升类",
            ("县农业农村局", "云岭镇人民政府"),
        ),
        ("5", "运动营地", "建成运动营地4个，制定运营标准2项。", "运营示范类", ("县农业衣村局", "县茶业协会")),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.key, item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("task-01", "2021年至2023年", 2021, 2023, 163, 169),
        ("task-02", "2022年至2025年", 2022, 2025, 171, 177),
        ("task-03", "2021年至2025年", 2021, 2025, 179, 186),
        ("task-04", "2023—2025年", 2023, 2025, 188, 195),
    ]


def test_boxes(document: PlanDocument) -> None:
    rows = [(box.no, box.title, box.place.first, box.place.last, box.holds) for box in document.boxes]
    assert rows == [
        ("1", "“十四五”全域旅游主要指标", 36, 119, "table"),
        ("2", "茶旅融合重点项目", 126, 132, "items"),
        ("3", "山地运动重点项目", 137, 142, "items"),
    ]


def test_items_of_boxes(document: PlanDocument) -> None:
    rows = [
        (box.key, item.no, item.title, item.text, item.place.first, item.place.last)
        for box in document.boxes
        for item in box.items
    ]
    assert rows == [
        ("box-02", "1", "古茶园步道", "修复古茶园步道，建成步道2条。", 128, 128),
        ("box-02", "2", "茶工坊体验", "改造老茶厂，年接待研学团队300批以上。", 130, 130),
        ("box-02", "4", "茶旅集市", "建设茶旅集市，服务商户80家。", 132, 132),
        ("box-03", "1", "越野线路", "开发越野线路3条，建设补给站20处。", 139, 139),
        ("box-03", "2", "运动营地", "到2025年，建成运动营地4个，形成可复制的运营标准。", 141, 142),
    ]


def test_contradictions(document: PlanDocument) -> None:
    found = [
        (item.rule, item.subject, [(said.value, said.unit, said.year, said.place.first) for said in item.readings])
        for item in document.contradictions
    ]
    assert found == [
        ("text-table", "等级民宿数量", [(11, "家", 2020, 16), (11, "家", 2020, 21), (8, "家", 2020, 100)]),
        ("text-table", "茶旅产业产值", [(7.6, "亿元", 2020, 20), (9.1, "亿元", 2020, 86)]),
    ]


def test_unsure(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("rounding", "每万人拥有民宿床位", 20),
        ("similar-wording", "省级旅游品牌", 34),
        ("target-bound", "省级旅游品牌", 34),
        ("target-bound", "精品线路", 34),
        ("unit-missing", "星级饭店配备智慧客房的饭店占比", 74),
        ("number-doubled", "indicator 3", 74),
        ("number-skipped", "indicator 5", 83),
        ("number-skipped", "indicator 9", 104),
        ("empty-cell", "游客满意率（%）: 年均增速", 116),
        ("target-bound", "年接待研学团队", 130),
        ("number-skipped", "box 2: item 4", 132),
        ("owner-typo", "县景区管委会会", 171),
        ("number-skipped", "task 5", 188),
        ("owner-variant", "县农业衣村局", 188),
    ]
