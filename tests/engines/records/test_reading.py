"""What people type into tables, and that the quick check never lets a bad row by."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures import TOY

from shizhu.engines.records import tables
from shizhu.engines.records.logic import quick, reading, values
from shizhu.engines.records.logic.register import Register

STALL, PERMIT = (
    Register(f"lemonade.{name}", yaml.safe_load((TOY / f"registers/{name}.yaml").read_text(encoding="utf-8")))
    for name in ("stall", "permit")
)
SHANGHAI = ZoneInfo("Asia/Shanghai")
READ: list[tuple[str, object, object]] = [
    ("code", " Ｓ００１　", "S001"),
    ("name", "　三号（东）　", "三号（东）"),
    ("name", 12.0, "12"),
    ("name", "", None),
    ("name", " \u3000\u00a0", None),
    ("kind", "推车", "cart"),
    ("kind", "BOOTH", "booth"),
    ("kind", "棚", "棚"),
    ("seats", "１２", 12),
    ("seats", "1,234", 1234),
    ("seats", "十二", "十二"),
    ("price", "1,234.5元", 1234.5),
    ("price", "12,34", "12,34"),
    ("price", "－３．５", -3.5),
    ("price", 7.0, 7),
    ("price", "1_000", "1_000"),
    ("price", True, "true"),
    ("is_shaded", "是", True),
    ("is_shaded", "×", False),
    ("is_shaded", "也许", "也许"),
    ("opened", "2026年3月1日", "2026-03-01"),
    ("opened", "２０２６/3/1", "2026-03-01"),
    ("opened", "2026.03.01 ", "2026-03-01"),
    ("opened", "2026-3-1 0:00:00", "2026-03-01"),
    ("opened", "二〇二六年十二月二十一日", "2026-12-21"),
    ("opened", 20260301, "2026-03-01"),
    ("opened", 46082, "2026-03-01"),
    ("opened", datetime(2026, 3, 1), "2026-03-01"),  # noqa: DTZ001  # as openpyxl reads it
    ("opened", date(2026, 3, 1), "2026-03-01"),
    ("opened", "2026年3月", "2026年3月"),
    ("opened", "2026年2月30日", "2026年2月30日"),
    ("inspected", "2026年3月1日8时30分", "2026-03-01T00:30:00.000000Z"),
    ("inspected", "2026/3/1 08:30", "2026-03-01T00:30:00.000000Z"),
    ("inspected", datetime(2026, 3, 1, 8, 30, 5), "2026-03-01T00:30:05.000000Z"),  # noqa: DTZ001
    ("inspected", "2026-03-01T08:30:00+08:00", "2026-03-01T00:30:00.000000Z"),
    ("inspected", "昨天", "昨天"),
    ("drinks", "柠檬水、 酸梅汤;茶，", ["柠檬水", "酸梅汤", "茶"]),
    ("drinks", "冰、热\n茶", ["冰、热", "茶"]),
    ("phone", 13800000000.0, "13800000000"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "raw", "value"), READ)
def test_a_cell_is_read_as_it_was_meant(name: str, raw: object, value: object) -> None:
    got = reading.read(STALL.fields[name], raw, SHANGHAI)
    assert (got, type(got)) == (value, type(value))


def test_a_code_that_excel_has_rounded_is_known() -> None:
    assert reading.is_rounded(STALL.fields["phone"], 5.0024019900101e17)
    assert not reading.is_rounded(STALL.fields["phone"], 13800000000)


GOOD = {"code": "S001", "name": "一号摊"}
NUMBERS = st.integers(-5, 120) | st.floats(allow_nan=True) | st.booleans()
ANY: st.SearchStrategy[Any] = st.one_of(
    st.none(), NUMBERS, st.text(max_size=3), st.lists(st.sampled_from(["茶", "水", 1]), max_size=3),
    st.sampled_from(["cart", "2026-03-01", "2026-02-30", "S001", "13800000000", "2026-03-01T00:30:00Z"]),
    st.fixed_dictionaries({}, optional={"lane": st.text(max_size=2), "number": NUMBERS, "other": st.text(max_size=1)}),
)  # fmt: skip


VAN = {"code": "P001", "applicant": "甲", "kind": "van", "plate": "渝A12345"}
CONDITIONAL = {
    "code": st.just("P001"), "applicant": st.text(min_size=1, max_size=2),
    "kind": st.sampled_from(["cart", "booth", "van", 1]), "seats": NUMBERS, "fire_plan": st.just("沙桶"),
    "wheels": NUMBERS, "width": NUMBERS, "plate": st.just("渝A12345"), "stall": st.just("S001"),
    "fuel": st.sampled_from(["petrol", "electric", True]), "tank": NUMBERS,
    "grower": st.just("G001"), "contract": st.sampled_from(["2026-03-01", "2026-02-30"]), "total": NUMBERS,
    "helpers": st.lists(st.fixed_dictionaries({"name": st.just("乙")}, optional={
        "is_cook": st.booleans() | st.sampled_from([1, "true"]), "health_card": st.just("7"), "other": st.just("")}),
        max_size=2),
    "drinks": st.lists(st.fixed_dictionaries({"name": st.just("水")}, optional={"price": NUMBERS}), max_size=2),
}  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.dictionaries(st.sampled_from([*STALL.fields, "unknown"]), ANY, max_size=6), st.booleans())
def test_the_quick_check_never_lets_a_bad_row_by(some: dict[str, Any], is_based: bool) -> None:
    data = {**GOOD, **some} if is_based else some
    test = values._quick(STALL)
    faults = list(values._validator(STALL).iter_errors(data))
    assert not (test(data) and faults), faults


@settings(deadline=None, max_examples=600)
@given(st.fixed_dictionaries({}, optional=CONDITIONAL), st.booleans())
def test_the_quick_check_obeys_conditions(some: dict[str, Any], is_based: bool) -> None:
    data = {**VAN, **some} if is_based else some
    test = values._quick(PERMIT)
    faults = list(values._validator(PERMIT).iter_errors(data))
    assert not (test(data) and faults), faults


@pytest.mark.parametrize(
    "more",
    [
        {}, {"seats": 12, "fire_plan": "沙桶"}, {"fuel": "petrol", "tank": 40.5},
        {"grower": "G001", "contract": "2026-03-01"},
        {"helpers": [{"name": "乙", "is_cook": True, "health_card": "7"}, {"name": "丙"}], "total": 0.29},
    ],
)  # fmt: skip
def test_the_quick_check_knows_a_good_row_under_conditions(more: dict[str, Any]) -> None:
    assert values._quick(PERMIT)({**VAN, **more})


def test_the_quick_check_knows_a_good_row() -> None:
    rich = {
        **GOOD, "kind": "cart", "seats": 3, "price": 2.5, "is_shaded": True, "opened": "2026-03-01", "drinks": ["茶"],
        "inspected": "2026-03-01T00:30:00.000000Z", "phone": "13800000000", "address": {"lane": "东巷", "number": 2},
    }  # fmt: skip
    assert values._quick(STALL)(rich)


def test_what_the_quick_check_does_not_know_is_left_to_the_validator() -> None:
    schema = {"properties": {"a": {"type": "string"}}, "if": {"required": ["a"]}, "then": {"minProperties": 1}}
    assert not quick.compiled(schema, {}, {})({"a": "x"})
    deep = {"properties": {"a": {"type": "string", "not": {"const": "x"}}}}
    assert not quick.compiled(deep, {}, {})({"a": "x"})


def test_a_table_that_is_sent_is_read_up_to_its_largest(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "编号,名称\n1,甲\n"
    assert [row.cells for row in tables.sent(io.BytesIO(text.encode()))] == [("编号", "名称"), ("1", "甲")]
    monkeypatch.setattr(tables, "LARGEST", len(text.encode()) - 1)
    with pytest.raises(tables.Unreadable, match="60 MB"):
        list(tables.sent(io.BytesIO(text.encode())))
