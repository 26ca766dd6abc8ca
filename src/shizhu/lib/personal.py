"""Numbers by which a person is known or reached, found in free text. Names are not: no rule knows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from shizhu.lib.checks import is_resident_number
from shizhu.lib.widths import NARROW

MASK = "＊＊＊"
_HASH = re.compile(r"[0-9a-f]{64}")
_BEGIN, _END = r"(?<![0-9])(?<![0-9]\.)", r"(?![0-9])"  # no part of a longer number
_WORD = r"(?<![0-9A-Za-z])"
_GAP = r"[ \u2010-\u2015-]?"


def _digits(text: str) -> str:
    return "".join(filter(str.isdigit, text))


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: 16 to 19 digits of which every second one from the last but one is doubled (Luhn)."""
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = [sum(divmod(2 * digit, 10)) if place % 2 else digit for place, digit in enumerate(digits)]
    return 16 <= len(digits) <= 19 and sum(doubled) % 10 == 0


_SHAPES: tuple[tuple[re.Pattern[str], Callable[[str], bool]], ...] = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII), bool),
    (re.compile(rf"{_WORD}[1-9][0-9]{{16}}[0-9Xx](?![0-9A-Za-z])"), lambda text: is_resident_number(text.upper())),
    (re.compile(rf"{_WORD}[3-6][0-9]{{3}}(?:{_GAP}[0-9]{{4}}){{2,3}}{_GAP}[0-9]{{1,4}}(?![0-9A-Za-z])"), _is_card),
    (re.compile(rf"{_BEGIN}(?:\+?86{_GAP})?1[3-9][0-9](?:{_GAP}[0-9]{{4}}){{2}}{_END}"), bool),  # mobile
    (re.compile(rf"{_BEGIN}\(?0[1-9][0-9]{{1,2}}\)?{_GAP}[2-9][0-9]{{6,7}}(?:[-转][0-9]{{1,6}})?{_END}"), bool),
    (
        re.compile(rf"(?<=电话|座机)(?:号码|[:为是 ]){{1,3}}[2-9][0-9]{{6,7}}{_END}"),
        bool,
    ),  # without a code of the place
)


def masked(text: str) -> str:
    """A text with `MASK` in the place of telephone numbers, e-mail addresses, bank cards and resident identity numbers.

    Identity numbers need their check digit (GB 11643), and cards theirs, so that other long numbers stay.
    """
    if _HASH.fullmatch(text):
        return text
    for shape, is_one in _SHAPES:
        for found in reversed(list(shape.finditer(text.translate(NARROW)))):
            if is_one(found[0]):
                text = text[: found.start()] + MASK + text[found.end() :]
    return text


def masked_in(told: Any) -> Any:
    """Plain data with every text in it masked, whatever it is nested in; keys and numbers stay as they are."""
    if isinstance(told, str):
        return masked(told)
    if isinstance(told, Mapping):
        return {key: masked_in(value) for key, value in told.items()}
    return [masked_in(one) for one in told] if isinstance(told, list | tuple) else told
