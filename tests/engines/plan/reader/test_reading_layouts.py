"""The same table in every layout reads back exactly, and no text makes the reader fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.plan.reader.told import in_tables

from shizhu.engines.plan.logic.reader import PlanDocument, read

UNITS = ["%", "家", "个", "亿元", "万亩", "件", "万人次", "公里", "吨", "人", "张/千人"]
STEMS = [
    "茶园",
    "景区",
    "公交",
    "学位",
    "水库",
    "图书",
    "社区服务",
    "农村公路",
    "文化遗产",
    "职业培训",
    "绿色建筑",
    "冷链物流",
]
ENDINGS = ["覆盖面", "总量", "数量", "产值", "建设规模", "年均投入水平", "达标情况"]
HEADINGS = {
    "no": ["序号"],
    "name": ["指标名称", "指标", "主要指标"],
    "unit": ["单位", "计量单位"],
    "kind": ["属性", "指标属性", "指标性质"],
    "base": ["2022年", "2022年基期值", "2022年指标值"],
    "target": ["2027年", "2027年目标值", "2027年目标"],
    "growth": ["年均", "年均增速（%）", "年均增长"],
}
DASHES = st.sampled_from(["－", "—", "–", "-"]).map(lambda text: (text, None))
NUMBERS = st.integers(0, 9000).map(lambda value: (str(value), value))
DECIMALS = st.decimals("0.1", "300", places=2).map(lambda value: (str(value), float(value)))
TOTALS = st.integers(1, 400).map(lambda value: (f"【{value}】", value))
BOUNDS = st.integers(1, 99).flatmap(
    lambda value: st.sampled_from([(f"≥{value}", value), (f"{value}以上", value), (f"{value}左右", value)])
)
VALUES = st.one_of(DASHES, NUMBERS, DECIMALS, TOTALS, BOUNDS)


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    kind: str
    base: tuple[str, float | None]
    target: tuple[str, float | None]
    growth: tuple[str, float | None]

    def cell(self, role: str, number: int, *, unit_column: bool) -> str:
        cells = {
            "no": str(number),
            "unit": self.unit,
            "kind": self.kind,
            "base": self.base[0],
            "target": self.target[0],
        }
        name = self.name if unit_column else f"{self.name}（{self.unit}）"
        return {**cells, "name": name, "growth": self.growth[0]}[role]


@dataclass(frozen=True)
class Sheet:
    roles: tuple[str, ...]
    headings: tuple[str, ...]
    rows: tuple[Row, ...]

    def lines(self) -> list[list[str]]:
        unit_column = "unit" in self.roles
        cells = [
            [row.cell(role, number, unit_column=unit_column) for role in self.roles]
            for number, row in enumerate(self.rows, 1)
        ]
        return [list(self.headings), *cells]

    def expected(self) -> list[tuple[object, ...]]:
        with_growth = "growth" in self.roles
        return [
            (
                *(str(number), row.name, row.unit, row.kind),
                *(2022, row.base[1], 2027, row.target[1], row.growth[1] if with_growth else None),
            )
            for number, row in enumerate(self.rows, 1)
        ]


@st.composite
def sheets(draw: st.DrawFn) -> Sheet:
    names = draw(
        st.lists(st.tuples(st.sampled_from(STEMS), st.sampled_from(ENDINGS)), min_size=2, max_size=8, unique=True)
    )
    rows = tuple(
        Row(
            stem + ending,
            draw(st.sampled_from(UNITS)),
            draw(st.sampled_from(["预期性", "约束性"])),
            draw(VALUES),
            draw(VALUES),
            draw(st.one_of(DASHES, NUMBERS)),
        )
        for stem, ending in names
    )
    optional = draw(st.sets(st.sampled_from(["unit", "growth"])))
    rest = draw(
        st.permutations([role for role in ("unit", "kind", "base", "target", "growth") if role not in optional])
    )
    roles = ("no", "name", *rest)
    return Sheet(roles, tuple(draw(st.sampled_from(HEADINGS[role])) for role in roles), rows)


def flattened(lines: list[list[str]]) -> list[str]:
    return [text for row in lines for text in (*(f"\t{cell}" for cell in row), "")]


def flattened_without_marks(lines: list[list[str]]) -> list[str]:
    return [cell for row in lines for cell in row]


def flattened_with_gaps(lines: list[list[str]]) -> list[str]:
    return [text for row in lines for cell in row for text in (cell, "")]


def tabs(lines: list[list[str]]) -> list[str]:
    return ["\t".join(row) for row in lines]


def gaps(lines: list[list[str]]) -> list[str]:
    return ["   ".join(row) for row in lines]


def pipes(lines: list[list[str]]) -> list[str]:
    drawn = [f"| {' | '.join(row)} |" for row in lines]
    return [drawn[0], "|---" * len(lines[0]) + "|", *drawn[1:]]


@pytest.mark.parametrize("layout", [flattened, flattened_without_marks, flattened_with_gaps, tabs, gaps, pipes])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sheet=sheets())
def test_a_table_reads_back_in_every_layout(layout: Callable[[list[list[str]]], list[str]], sheet: Sheet) -> None:
    table = layout(sheet.lines())
    text = "\n".join(
        ["某县规划", "", "一、发展目标", "", "表1 主要指标", *table, "", "二、主要任务", "", "扎实推进各项工作。"]
    )
    found = [
        (
            *(item.no, item.name, item.unit, item.kind),
            *(item.base.year, item.base.value, item.target.year, item.target.value, item.growth),
        )
        for item in in_tables(read(text))
    ]
    assert found == sheet.expected()


HEADING_PIECES = ["序号", "指标名称", "2020年", "2025年", "责任单位", "建设内容", "一、目标", "第一章 总则", "目录"]
CELL_PIECES = ["1", "【5】", "－", "|", "| a | b |", "|---|---|", "\t", "\t县水利局", "", "（", "[image: x.png]"]
LINE_PIECES = ["专栏1 要点", "1. 仓储。建设3座。", "注：", "附件1", "占5%。", "达到3—5个"]
PIECES = st.sampled_from([*HEADING_PIECES, *CELL_PIECES, *LINE_PIECES])


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=30))
def test_no_text_makes_it_fail(lines: list[str]) -> None:
    document = read("\n".join(lines))
    assert isinstance(document, PlanDocument)
    assert set(document.as_json()) == {
        "title", "indicators", "tasks", "boxes", "contradictions", "unsure", "clauses",
    }  # fmt: skip
