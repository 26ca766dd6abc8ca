"""Check digits of national identifiers."""

from __future__ import annotations

import re

CREDIT_CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # without I, O, S, V, Z: GB 32100-2015 §4
_VALUES = {letter: value for value, letter in enumerate(CREDIT_CODE_ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_CREDIT_CODE = re.compile(rf"[{CREDIT_CODE_ALPHABET}]{{2}}[0-9]{{6}}[{CREDIT_CODE_ALPHABET}]{{10}}")


def credit_code_digit(body: str) -> str:
    """The 18th character of a unified social credit code (统一社会信用代码) from its first 17.

    GB 32100-2015 §4: 31 minus the sum of value times 3^place, modulo 31. ValueError unless `body` is 17 characters of
    the alphabet.
    """
    if len(body) != 17 or not _VALUES.keys() >= set(body):
        raise ValueError(f"{body!r}: 17 characters of {CREDIT_CODE_ALPHABET} are needed")
    total = sum(_VALUES[letter] * weight for letter, weight in zip(body, _WEIGHTS, strict=True))
    return CREDIT_CODE_ALPHABET[-total % 31]


def is_credit_code(code: str) -> bool:
    """Whether the text is a unified social credit code with the right check digit (GB 32100-2015)."""
    return bool(_CREDIT_CODE.fullmatch(code)) and credit_code_digit(code[:17]) == code[17]
