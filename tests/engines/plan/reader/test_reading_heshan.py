"""A markdown plan: columns in another order, merged cells, years 2022 and 2027, sums that do not hold."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("heshan")


def test_title(document: PlanDocument) -> None:
    assert document.title == "鹤岭县现代农业发展规划（2023—2027年）"


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth, item.cumulative)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "粮食产量", "万吨", "约束性", 21.3, 22, None, False),
        ("2", "高标准农田面积", "万亩", "约束性", 21, 35, None, True),
        ("3", "农作物耕种收综合机械化率", "%", "预期性", 66.4, 78, None, False),
        ("4", "农产品加工业产值", "亿元", "预期性", 46.8, 80, 11.3, False),
        ("5", "省级以上龙头企业", "家", "预期性", 17, 30, None, True),
        ("6", "绿色食品认证产品", "个", "预期性", 72, 120, None, True),
        ("7", "农村居民人均可支配收入", "元", "预期性", 19850, 29000, 8, False),
        ("8", "化肥利用率", "%", "约束性", 41.2, None, None, False),
        ("9", "农村生活垃圾治理村", "%", "约束性", 92, 100, None, False),
    ]


def test_years_groups_and_places_of_indicators(document: PlanDocument) -> None:
    rows = [
        (item.key, item.base.year, item.target.year, item.group, item.place.first, item.place.last)
        for item in in_tables(document)
    ]
    assert rows == [
        ("indicator-01", 2022, 2027, "生产能力", 22, 22),
        ("indicator-02", 2022, 2027, "生产能力", 23, 23),
        ("indicator-03", 2022, 2027, "生产能力", 24, 24),
        ("indicator-04", 2022, 2027, "产业效益", 25, 25),
        ("indicator-05", 2022, 2027, "产业效益", 26, 26),
        ("indicator-06", 2022, 2027, "产业效益", 27, 27),
        ("indicator-07", 2022, 2027, "产业效益", 28, 28),
        ("indicator-08", 2021, 2027, "绿色发展", 29, 29),
        ("indicator-09", 2022, 2027, "绿色发展", 30, 30),
    ]


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.category, item.owners) for item in document.tasks]
    assert rows == [
        ("1", "智能粮仓", "建设智能粮仓5座，仓容10万吨", None, ("县发展和改革局", "县财政局", "有关镇（乡、街道）")),
        ("2", "制种基地", "建设制种基地3处", None, ("县农业农村局", "县水利局", "县自然资源和规划局")),
        ("4", "加工园区", "建设加工园区2个，入驻企业不少于40家", None, ("县工业园区管理委员会", "县科技局")),
        ("5", "冷链物流", "新建村级冷库66个", None, ("县商务局",)),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.key, item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("task-01", "2025年底前", None, 2025, 62, 62),
        ("task-02", "2026年", None, 2026, 63, 63),
        ("task-03", "长期坚持", None, None, 71, 72),
        ("task-04", "2023年至2025年", 2023, 2025, 73, 73),
    ]


def test_boxes(document: PlanDocument) -> None:
    rows = [(box.no, box.title, box.place.first, box.place.last, box.holds) for box in document.boxes]
    assert rows == [
        ("一", "现代农业发展主要指标", 17, 32, "table"),
        ("二", "粮食安全工程", 40, 46, "items"),
        ("三", "加工提升工程", 52, 56, "items"),
    ]


def test_items_of_boxes(document: PlanDocument) -> None:
    rows = [
        (box.key, item.no, item.title, item.text, item.place.first, item.place.last)
        for box in document.boxes
        for item in box.items
    ]
    assert rows == [
        ("box-02", "1", "高标准农田", "新建高标准农田14万亩，配套机耕道120公里。", 42, 42),
        ("box-02", "2", "种业基地", "建设制种基地3处，其中水稻制种基地4处。", 44, 44),
        ("box-02", "3", "仓储能力", "建设智能粮仓5座，仓容10万吨。", 46, 46),
        ("box-03", "——", "龙头培育", "新增省级龙头企业13家。", 54, 54),
        ("box-03", "——", "园区建设", "建设加工园区2个，入驻企业不少于40家。", 56, 56),
    ]


def test_contradictions(document: PlanDocument) -> None:
    found = [
        (item.rule, item.subject, [(said.value, said.unit, said.year, said.place.first) for said in item.readings])
        for item in document.contradictions
    ]
    assert found == [
        ("share", "通冷链物流的村", [(66, "个", 2022, 7), (132, "个", 2022, 7), (45, "%", 2022, 7)]),
        ("other-year", "高标准农田面积", [(35, "万亩", 2026, 15), (35, "万亩", 2027, 23)]),
        ("part", "水稻制种基地", [(3, "处", 2027, 44), (4, "处", 2027, 44)]),
    ]


def test_unsure(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("target-bound", "农产品加工业产值", 13),
        ("target-bound", "粮食产量", 22),
        ("target-bound", "农作物耕种收综合机械化率", 24),
        ("target-bound", "化肥利用率", 29),
        ("target-bound", "农村生活垃圾治理村", 30),
        ("empty-cell", "农村生活垃圾治理村: 计量单位", 30),
        ("target-bound", "入驻企业", 56),
        ("period-unread", "加工园区", 71),
        ("number-skipped", "task 4", 71),
    ]
