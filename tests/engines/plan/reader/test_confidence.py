"""Confidence means something: of all readings with one confidence, that share is right, on damaged texts too."""

from __future__ import annotations

import random
from collections import Counter
from types import ModuleType

import pytest
from tests.engines.plan.reader.damage import damaged
from tests.engines.plan.reader.invented import PLANS
from tests.engines.plan.reader.told import row_of, target_of, task_of
from tests.engines.plan.reader.writing import LAYOUTS, as_text

from shizhu.engines.plan.logic.reader import Indicator, Task, read
from shizhu.engines.plan.logic.reader.confidence import OF_THE_PLAN, SHARES

AMOUNTS = (0.02, 0.2)


@pytest.fixture(scope="module")
def counted() -> dict[tuple[str, int], Counter[bool]]:
    """How many readings of each kind with so many signs were right and wrong."""
    found: dict[tuple[str, int], Counter[bool]] = {key: Counter() for key in SHARES}
    for name, plan in PLANS.items():
        for layout in LAYOUTS:
            text = as_text(plan.BLOCKS, layout)
            for amount in AMOUNTS:
                document = read(damaged(text, random.Random(f"{name} {layout} {amount}"), amount))
                for item in (*document.indicators, *document.tasks):
                    found[_kind(item), min(2, len(set(item.signs) - OF_THE_PLAN))][_is_right(item, plan)] += 1
    return found


def _kind(item: Indicator | Task) -> str:
    if isinstance(item, Indicator):
        return item.found_in
    return "table" if item.table else "labels"


def _is_right(item: Indicator | Task, plan: ModuleType) -> bool:
    if isinstance(item, Task):
        return task_of(item) in plan.TASKS
    return row_of(item) in plan.INDICATORS if item.found_in == "table" else target_of(item) in plan.TARGETS


def test_the_shares_are_true(counted: dict[tuple[str, int], Counter[bool]]) -> None:
    measured = {key: count[True] / count.total() for key, count in counted.items() if count.total() >= 30}
    assert {("table", 0), ("table", 1), ("sentence", 0), ("sentence", 1)} <= set(measured)
    off = {key: (share, SHARES[key]) for key, share in measured.items() if abs(share - SHARES[key]) > 0.1}
    assert off == {}
    assert counted["table", 0].total() > 800
    assert measured["table", 0] >= 0.97


def test_fewer_signs_are_surer() -> None:
    for kind in ("table", "sentence", "labels"):
        assert SHARES[kind, 0] > SHARES[kind, 1] > SHARES[kind, 2]


def test_a_confidence_is_the_share_of_its_signs() -> None:
    item = read(
        "某县规划（2021—2025年）\n表1 主要指标\n|序号|指标|2020年|2025年|\n|1|桥梁（座）|3|5|\n|2|好评|高|很高|\n"
    ).indicators
    assert [(row.name, row.confidence, row.signs) for row in item] == [
        ("桥梁", 0.98, ()),
        ("好评", 0.1, ("words", "unit-missing", "no-value")),
    ]
