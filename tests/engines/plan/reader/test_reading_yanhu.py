"""A plan with a header on two levels and merged groups, and tasks written as text with labels."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("yanhu")


def test_title(document: PlanDocument) -> None:
    assert document.title == "雁湖区“十五五”数字经济发展规划(2026-2030年)"


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth, item.cumulative)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "数字经济核心产业增加值", "亿元", "预期性", 36.2, 72, 14.7, False),
        ("2", "数字经济核心产业增加值占GDP比重", "%", "预期性", 6.1, 10, None, False),
        ("3", "规上数字企业数量", "家", "预期性", 42, 90, 16.5, False),
        ("4", "5G基站数", "个", "约束性", 1180, 2600, None, False),
        ("5", "千兆宽带用户占比", "%", "预期性", 35, 65, None, False),
    ]


def test_years_groups_and_places_of_indicators(document: PlanDocument) -> None:
    rows = [
        (item.key, item.base.year, item.target.year, item.group, item.place.first, item.place.last)
        for item in in_tables(document)
    ]
    assert rows == [
        ("indicator-01", 2025, 2030, "产业发展", 21, 27),
        ("indicator-02", 2025, 2030, "产业发展", 28, 33),
        ("indicator-03", 2025, 2030, "产业发展", 34, 39),
        ("indicator-04", 2025, 2030, "设施建设", 40, 46),
        ("indicator-05", 2025, 2030, "设施建设", 47, 52),
    ]


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.category, item.owners) for item in document.tasks]
    assert rows == [
        ("一", "夯实数字底座", "建设智算中心1个，算力规模达到500P。", None, ("区大数据局", "区发改局")),
        ("二", "做强数字产业", "培育规上数字企业90家，打造数字园区3个。", None, ("区工信局", "区商务局")),
        (
            "三",
            "激活数据要素",
            "推动公共数据授权运营，编制公共数据目录3000条，开放数据集200个以上。",
            None,
            ("区大数据局", "区财政局", "各街道办事处"),
        ),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.key, item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("task-01", None, None, None, 60, 61),
        ("task-02", "2028年12月", None, 2028, 63, 63),
        ("task-03", "2027年底前", None, 2027, 73, 77),
    ]


def test_boxes(document: PlanDocument) -> None:
    rows = [(box.no, box.title, box.place.first, box.place.last, box.holds) for box in document.boxes]
    assert rows == [
        ("2-1", "数字底座工程", 65, 67, "items"),
        ("2-2", "数字产业工程", 69, 71, "items"),
        ("4", "监测评估", 83, 86, "items"),
    ]


def test_items_of_boxes(document: PlanDocument) -> None:
    rows = [
        (box.key, item.no, item.title, item.text, item.place.first, item.place.last)
        for box in document.boxes
        for item in box.items
    ]
    assert rows == [
        ("box-01", "•", "智算中心", "建设智算中心1个", 66, 66),
        ("box-01", "•", "千兆城市", "新增千兆端口12万个", 67, 67),
        ("box-02", "一", "链主培育", "引进链主企业5家。", 70, 70),
        ("box-02", "二", "园区建设", "打造数字园区3个。", 71, 71),
        ("box-03", "1", "年度监测", "每年发布监测报告1份", 84, 84),
        ("box-03", "2", "中期评估", "2028年开展中期评估", 85, 85),
        ("box-03", "3", "期末评估", "", 86, 86),
    ]


def test_contradictions(document: PlanDocument) -> None:
    found = [
        (item.rule, item.subject, [(said.value, said.unit, said.year, said.place.first) for said in item.readings])
        for item in document.contradictions
    ]
    assert found == [
        ("text-table", "5G基站数", [(1280, "个", 2025, 5), (1180, "个", 2025, 43)]),
    ]


def test_unsure(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("target-bound", "数字经济核心产业增加值占GDP比重", 8),
        ("implied-growth", "数字经济核心产业增加值占GDP比重", 28),
        ("target-bound", "千兆宽带用户占比", 47),
        ("target-bound", "开放数据集", 75),
    ]
