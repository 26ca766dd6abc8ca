"""GB 32100-2015 and GB 11643-1999: check digits of the unified social credit code and the resident identity number."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib.checks import (
    CREDIT_CODE_ALPHABET,
    credit_code_digit,
    is_credit_code,
    is_resident_number,
    resident_digit,
)

bodies = st.tuples(
    st.text(CREDIT_CODE_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(CREDIT_CODE_ALPHABET, min_size=9, max_size=9),
).map("".join)


@pytest.mark.parametrize("code", ["91350100M000100Y43", "914403001922038216", "91440300708461136T"])
def test_codes_in_use_are_right(code: str) -> None:
    assert is_credit_code(code)


@pytest.mark.parametrize(
    "code",
    ["", "91350100M000100Y4", "91350100M000100Y43 ", "91350100M000100Y44", "91350100m000100y43", "9135O100M000100Y43"],
)
def test_anything_else_is_wrong(code: str) -> None:
    assert not is_credit_code(code)


@given(bodies)
def test_exactly_one_last_character_is_right(body: str) -> None:
    right = [last for last in CREDIT_CODE_ALPHABET if is_credit_code(body + last)]
    assert right == [credit_code_digit(body)]


@given(bodies, st.integers(0, 16), st.sampled_from(CREDIT_CODE_ALPHABET))
def test_one_wrong_character_is_noticed(body: str, place: int, other: str) -> None:
    code = body + credit_code_digit(body)
    changed = code[:place] + other + code[place + 1 :]
    assert is_credit_code(changed) == (changed == code)


def test_a_digit_needs_seventeen_characters_of_the_alphabet() -> None:
    with pytest.raises(ValueError, match="17 characters"):
        credit_code_digit("91350100I000100Y4")


residents = st.tuples(
    st.integers(110000, 659999), st.dates(date(1900, 1, 1), date(2025, 12, 31)), st.integers(0, 999)
).map(lambda parts: f"{parts[0]}{parts[1]:%Y%m%d}{parts[2]:03}")


@pytest.mark.parametrize("number", ["11010519491231002X", "440524188001010014"])
def test_the_examples_of_the_standard_are_right(number: str) -> None:
    assert is_resident_number(number)


@pytest.mark.parametrize(
    "number",
    [
        "", "110105194912310021", "11010519491231002x", " 11010519491231002X", "1101051949123100２X",
        f"11010519490229002{resident_digit('11010519490229002')}",  # no leap year
        f"11010529991231002{resident_digit('11010529991231002')}",  # not born yet
    ],
)  # fmt: skip
def test_any_other_number_is_wrong(number: str) -> None:
    assert not is_resident_number(number)


@given(residents)
def test_exactly_one_last_digit_is_right(body: str) -> None:
    assert [last for last in "0123456789X" if is_resident_number(body + last)] == [resident_digit(body)]


@given(residents, st.integers(0, 16), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(body: str, place: int, other: str) -> None:
    number = body + resident_digit(body)
    changed = number[:place] + other + number[place + 1 :]
    assert changed == number or not is_resident_number(changed)


@given(residents, st.integers(0, 15))
def test_two_digits_exchanged_are_noticed(body: str, place: int) -> None:
    number = body + resident_digit(body)
    changed = f"{number[:place]}{number[place + 1]}{number[place]}{number[place + 2 :]}"
    assert changed == number or not is_resident_number(changed)


def test_a_resident_digit_needs_seventeen_digits() -> None:
    with pytest.raises(ValueError, match="17 digits"):
        resident_digit("1101051949123100X")
