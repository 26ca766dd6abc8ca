"""GB 32100-2015: the check digit of the unified social credit code."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.lib.checks import CREDIT_CODE_ALPHABET, credit_code_digit, is_credit_code

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
