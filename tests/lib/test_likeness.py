"""What is alike in Chinese names and addresses: examples as people write them, and laws for any text."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shizhu.kernel.text import syllables
from shizhu.lib import checks, likeness
from shizhu.lib.likeness import ADDRESS, KINDS, ORGANISATION, PERSON, Writing

PLACES = likeness.place_names(("重庆市", "石柱土家族自治县", "黄水镇"))
LETTERS = st.text("石柱县黄水镇莼菜科技有限公司农张明晓小東东西一二十3７8号-（）() Ａb路", min_size=1, max_size=12)
TEXTS = st.one_of(LETTERS, st.text(max_size=8))


def sound(letter: str) -> str:
    return "".join(syllables(letter))


def read(kind: str, text: str) -> Writing | None:
    return likeness.read(kind, text, PLACES, sound)


def alike(kind: str, one: str, other: str) -> bool:
    both = read(kind, one), read(kind, other)
    assert both[0]
    assert both[1]
    return likeness.alike(both[0], both[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("重庆市石柱县兴农科技有限公司", "石柱土家族自治县兴农科技有限责任公司"),
        ("重庆（石柱）兴农科技股份有限公司", "兴农科技"),
        ("兴农（石柱）科技有限公司", "兴农科技有限公司"),
        ("興農科技有限責任公司", "兴农科技有限公司"),
        ("ＡＢＣ电子科技有限公司", "abc电子科技 有限公司"),
        ("星农科技有限公司", "兴农科技有限公司"),
        ("兴农科技股份公司", "兴农科技集团有限公司"),
        ("兴农科技有限公司（筹）", "石柱县兴农科技有限责任公司（筹）"),
        ("兴农科技有限公司", "兴衣科技有限公司"),
        ("石柱第1小学", "石柱县第一小學"),
        ("黄水镇莼菜农民专业合作社", "莼菜合作社"),
    ],
)
def test_one_organisation_written_twice(one: str, other: str) -> None:
    assert alike(ORGANISATION, one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("石柱县第一小学", "石柱县第二小学"),
        ("东门超市", "西门超市"),
        ("兴农合作社", "兴农有限公司"),
        ("兴农", "星农"),
        ("莼菜科技", "黄连科技"),
        ("兴农公司西沱分公司", "兴农公司临溪分公司"),
    ],
)
def test_two_organisations(one: str, other: str) -> None:
    assert not alike(ORGANISATION, one, other)


def test_of_people_only_what_sounds_alike_counts_and_the_first_character_stays() -> None:
    assert alike(PERSON, "张晓明", "張小明")
    assert alike(PERSON, "马 丽", "马丽")
    for other in ("张小红", "章晓明", "张晓", "李晓明"):
        assert not alike(PERSON, "张晓明", other)
    assert not alike(PERSON, "张明", "张鸣")


def test_house_numbers_are_kept_apart_from_names() -> None:
    assert alike(ADDRESS, "重庆市石柱县黄水镇人民路12号", "人民路十二号")
    assert alike(ADDRESS, "人民路012号", "人民路１２号")
    assert alike(ADDRESS, "黄水镇大众村三组二十三号", "大众村3组23号")
    for other in ("人民路13号", "人民路1号2", "人民路1-2号", "人民路12号3幢", "中山路12号"):
        assert not alike(ADDRESS, "人民路12号", other)


def test_how_places_are_written() -> None:
    assert likeness.place_names(("石柱土家族自治县", "黄水镇", "重庆市")) == (
        "石柱土家族自治县", "石柱自治县", "石柱县", "重庆市", "黄水镇", "石柱", "重庆", "黄水",
    )  # fmt: skip


def test_a_name_that_is_a_place_stays() -> None:
    assert read(ORGANISATION, "石柱县") is not None
    assert read(ORGANISATION, "有限公司") is not None
    assert read(ORGANISATION, "—") is None
    assert read(PERSON, "张") is None


@given(st.sampled_from(KINDS), TEXTS, TEXTS)
def test_what_is_alike_shares_a_facet_and_is_so_both_ways(kind: str, one: str, other: str) -> None:
    both = read(kind, one), read(kind, other)
    assume(both[0] and both[1])
    assert both[0]
    assert both[1]
    assert likeness.alike(both[0], both[1]) == likeness.alike(both[1], both[0])
    if likeness.alike(both[0], both[1]):
        assert likeness.facets(both[0]) & likeness.facets(both[1])


@given(st.sampled_from(KINDS), st.text("莼菜科技山水农业开发中心李明", min_size=3, max_size=9), st.data())
def test_one_other_character_shares_a_facet(kind: str, text: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(text) - 1))
    other = text[:place] + data.draw(st.sampled_from("晓连丽")) + text[place + 1 :]
    both = read(kind, text), read(kind, other)
    assume(both[0] and both[1] and likeness.alike(both[0], both[1]))
    assert both[0]
    assert both[1]
    assert likeness.facets(both[0]) & likeness.facets(both[1])
    if kind == ORGANISATION and len(both[0].text) == len(text):
        assert likeness.alike(both[0], both[1])


@given(st.sampled_from(KINDS), TEXTS)
def test_form_changes_nothing(kind: str, text: str) -> None:
    first = read(kind, text)
    assume(first)
    assert first
    assert likeness.alike(first, first)
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
    again = read(kind, wide)
    assert again == first


@given(st.sampled_from([ORGANISATION, ADDRESS]), st.text("莼菜科技山水农业开发中心", min_size=3, max_size=9))
def test_places_at_the_head_change_nothing(kind: str, text: str) -> None:
    for head, next_head in pairwise(
        ["", "石柱", "石柱县", "重庆石柱县", "重庆市石柱土家族自治县", "重庆市（石柱）", ""]
    ):
        assert read(kind, head + text) == read(kind, next_head + text)


@given(st.integers(0, 9999), st.sampled_from(["19491231", "19800229", "19991231"]))
def test_an_identity_number_of_fifteen_digits_is_the_one_of_eighteen(order: int, born: str) -> None:
    body = f"500240{born}{order % 1000:03}"
    number = body + checks.resident_digit(body)
    old = number[:6] + number[8:17]
    assert checks.resident_number_of(old) == checks.resident_number_of(f" {number.lower()} ") == number
    wrong = number[:17] + ("0" if number[17] != "0" else "1")
    assert checks.resident_number_of(wrong) == ""


@given(st.text(checks.CREDIT_CODE_ALPHABET, min_size=9, max_size=9))
def test_a_credit_code_is_read_as_people_mistype_it(tail: str) -> None:
    body = f"91500240{tail}"
    code = body + checks.credit_code_digit(body)
    assert checks.credit_code_of(code.lower()) == checks.credit_code_of(code.replace("0", "O")) == code
    wrong = code[:17] + ("0" if code[17] != "0" else "1")
    assert checks.credit_code_of(wrong) == ""


@given(TEXTS)
def test_a_same_text_is_read_once(text: str) -> None:
    once = likeness.same_text(text)
    assert likeness.same_text(once) == once


def test_a_mobile_number_with_the_code_of_the_country() -> None:
    assert likeness.same_text("+86 138-0000 0000") == likeness.same_text("008613800000000") == "13800000000"
