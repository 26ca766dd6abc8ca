"""A plan whose tasks stand under labels, a line each, and whose table drawn with | has a broken row."""

from collections.abc import Callable

import pytest
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument


@pytest.fixture(scope="module")
def document(read_plan: Callable[[str], PlanDocument]) -> PlanDocument:
    return read_plan("liantang")


def test_tasks(document: PlanDocument) -> None:
    rows = [(item.no, item.name, item.content, item.leads, item.supports) for item in document.tasks]
    assert rows == [
        (
            "1",
            "池塘标准化改造",
            "改造老旧池塘2600亩，配套进排水渠道14公里。",
            ("县农业农村局",),
            ("县水利局", "县生态环境局"),
        ),
        ("2", "水产苗种繁育基地", "建成繁育车间3座。", ("县科技局", "县畜牧水产中心", "各乡镇"), ()),
        ("4", "渔港监控网", "布设探头75个。", ("县应急局",), ()),
    ]


def test_terms_and_places_of_tasks(document: PlanDocument) -> None:
    rows = [
        (item.period.text, item.period.first, item.period.last, item.place.first, item.place.last)
        for item in document.tasks
    ]
    assert rows == [
        ("2026—2028年", 2026, 2028, 21, 26),
        ("2027年底", None, 2027, 29, 33),
        ("持续推进", None, None, 36, 39),
    ]


def test_indicators(document: PlanDocument) -> None:
    rows = [
        (item.no, item.name, item.unit, item.kind, item.base.value, item.target.value, item.growth)
        for item in in_tables(document)
    ]
    assert rows == [
        ("1", "水产品总产量", "万吨", "预期性", 2.4, 3.1, 5.3),
        ("2", "水产养殖示范场", "家", "预期性", 11, 18, None),
        ("3", "养殖尾水排放强度下降", "%", "约束性", None, None, 16),
        ("4", "渔业从业人员培训", "人次", "预期性", 900, 1500, None),
        ("5", "渔船更新改造", "艘", "预期性", None, 40, 40),
    ]
    assert [item.no for item in in_tables(document) if item.growth_is_total] == ["3", "5"]
    assert [(item.place.first, item.place.last) for item in in_tables(document) if item.no == "4"] == [(14, 15)]


def test_what_is_not_read_is_said(document: PlanDocument) -> None:
    found = [(item.rule, item.what, item.place.first) for item in document.unsure]
    assert found == [
        ("table-left-out", "6 处 3 9 — 预期性", 17),
        ("empty-cell", "6: 指标名称", 17),
        ("task-unread", "资金来源：县级财政与社会投入。", 27),
        ("task-unread", "每年年底前报送进展。", 34),
        ("period-unread", "渔港监控网", 36),
        ("number-skipped", "task 4", 36),
    ]
