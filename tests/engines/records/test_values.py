"""What is wrong with a row is said field by field, in plain Chinese and English."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import TOY

from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.privacy import masked
from shizhu.engines.records.logic.register import Register
from shizhu.kernel import packs

RIGHT = {"code": "S001", "name": "一号摊"}


@pytest.fixture(scope="module")
def register() -> Register:
    return Register("lemonade.stall", packs.find({"lemonade": packs.read(TOY)}, "registers", "lemonade.stall") or {})


@pytest.mark.parametrize(
    ("data", "path", "rule", "zh", "en"),
    [
        ({"name": None}, "name", "required", "必填", "is required"),
        ({"code": "x"}, "code", "pattern", "格式不对，例如 S001", "has the wrong form, such as S001"),
        ({"name": "a"}, "name", "minLength", "至少 2 个字符", "needs at least 2 characters"),
        ({"name": "a" * 201}, "name", "maxLength", "最多 200 个字符", "may have at most 200 characters"),
        ({"seats": "many"}, "seats", "type", "应填整数", "must be a whole number"),
        ({"seats": 1.5}, "seats", "type", "应填整数", "must be a whole number"),
        ({"seats": 100}, "seats", "maximum", "不能大于 99", "must not be above 99"),
        ({"price": -1}, "price", "minimum", "不能小于 0", "must not be below 0"),
        ({"kind": "tent"}, "kind", "enum", "只能是：推车、亭子", "must be one of Cart、Booth"),
        ({"opened": "2026-02-30"}, "opened", "format", "应为日期，如 2026-01-31", "must be a date such as 2026-01-31"),
        ({"drinks": ["a", "a"]}, "drinks", "uniqueItems", "有重复的项", "has an item twice"),
        ({"address": {"number": 1}}, "address.lane", "required", "必填", "is required"),
        ({"address": {"lane": "一", "number": 0}}, "address.number", "minimum", "不能小于 1", "must not be below 1"),
        ({"colour": "red"}, "colour", "additionalProperties", "没有这个字段", "is no field of this register"),
        ({"price": float("nan")}, "price", "finite", "应为有限的数", "must be a finite number"),
        ({"note": "a\x00"}, "note", "characters", "含有不能保存的字符", "has a character that cannot be kept"),
        (
            {"licence": "91350100M000100Y44"}, "licence", "x-shizhu-check", "不是有效的统一社会信用代码，请核对",
            "is not a valid unified social credit code; check each character",
        ),
        (
            {"inspected": "2026-01-01 08:00"}, "inspected", "format", "应为带时区的时间，如 2026-01-31T08:00:00+08:00",
            "must be a time with zone such as 2026-01-31T08:00Z",
        ),
    ],
)  # fmt: skip
def test_each_rule_is_said_plainly(
    register: Register, data: dict[str, Any], path: str, rule: str, zh: str, en: str
) -> None:
    found = values.problems(register, values.canonical(register, {**RIGHT, **data}))
    assert [(p.path, p.rule, p.message) for p in found] == [(path, rule, {"zh": zh, "en": en})]


def test_a_right_row_has_no_problem(register: Register) -> None:
    data = {**RIGHT, "kind": "cart", "seats": 4, "price": 3.5, "opened": "2026-01-01", "drinks": ["柠檬水"]}
    assert values.problems(register, data) == ()


def test_all_problems_come_at_once(register: Register) -> None:
    found = values.problems(register, {"code": "x", "seats": -1})
    assert sorted(p.path for p in found) == ["code", "name", "seats"]


def test_the_canonical_form_has_no_nulls_and_fixed_width_times(register: Register) -> None:
    given_ = {"seats": 4.0, "price": None, "inspected": "2026-01-01T08:00:00+08:00", "address": {"lane": None}}
    assert values.canonical(register, given_) == {"seats": 4, "inspected": "2026-01-01T00:00:00.000000Z"}


zoned = st.datetimes(datetime(1000, 1, 2), datetime(9998, 1, 1)).flatmap(  # noqa: DTZ001  # given a zone below
    lambda moment: st.integers(-14, 14).map(lambda hours: moment.replace(tzinfo=timezone(timedelta(hours=hours))))
)


@given(zoned, zoned)
def test_times_as_text_sort_as_times(first: datetime, second: datetime) -> None:
    one, two = values.time_text(first.isoformat()), values.time_text(second.isoformat())
    assert (one < two) == (first < second)
    assert len(one) == 27
    assert datetime.fromisoformat(one) == first.astimezone(UTC)


@pytest.mark.parametrize(
    ("value", "privacy", "shown"),
    [
        ("13812345678", "personal", "138****5678"),
        ("500240199001011234", "personal", "500240********1234"),
        ("张三丰", "personal", "张**"),
        ("甲", "personal", "甲**"),
        ("", "personal", "＊＊＊"),
        (7, "personal", "＊＊＊"),
        ("13812345678", "sensitive", "＊＊＊"),
    ],
)
def test_masking(value: object, privacy: str, shown: str) -> None:
    assert masked(value, privacy) == shown
