"""Printed numbering: chapters, sections, item numbers and item signs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.lines import half_width

_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_HANS = "[一二三四五六七八九十百零〇]+"
_CIRCLES = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
# style, pattern on the half-width text: group 1 is the printed number or sign
_STYLES: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("chapter", re.compile(rf"第\s*({_HANS}|\d+)\s*[章篇](?![节程])|第\s*({_HANS}|\d+)\s*部分")),
    ("section", re.compile(rf"第\s*({_HANS}|\d+)\s*节")),
    ("hans", re.compile(rf"({_HANS})\s*[、.]")),
    ("hans-bracket", re.compile(rf"\(\s*({_HANS})\s*\)")),
    ("multi", re.compile(r"(\d{1,2}(?:\.\d{1,2})+)[.、\s]\s*(?=\D)")),
    ("arabic", re.compile(r"(\d{1,3})\s*[.、](?:(?!\d)|(?=20\d{2}年))")),
    ("bracket", re.compile(r"\(\s*(\d{1,3})\s*\)|(\d{1,3})\)")),
    ("circle", re.compile(rf"([{_CIRCLES}])")),
    ("dash", re.compile(r"(—{1,2}|-{1,2}|–)\s*(?=[^\d\s—–-])")),
    ("bullet", re.compile(r"([★☆●○■□◆◇▲△▶►➢➤✓√•·※*])\s*(?=\S)")),
)
SIGNS = frozenset({"dash", "bullet"})


@dataclass(frozen=True)
class Marker:
    """The number or sign before a text: its style, as printed, its value (None for a sign) and the text after it."""

    style: str
    printed: str
    value: int | None
    rest: str


def marker_of(text: str) -> Marker | None:
    """Return the marker at the beginning of a text, or None."""
    narrow = half_width(text).lstrip()
    shift = len(text) - len(text.lstrip())
    for style, pattern in _STYLES:
        found = pattern.match(narrow)
        if found:
            printed = next(group for group in found.groups() if group)
            return Marker(style, printed, number_of(printed), text[shift + found.end() :].strip())
    return None


def number_of(printed: str) -> int | None:
    """Return the value of 12, 十二, ⑫ or the last part of 3.12; None where there is none."""
    digits = re.search(r"(\d+)$", half_width(printed))
    if digits:
        return int(digits.group(1))
    if printed in _CIRCLES:
        return _CIRCLES.index(printed) + 1
    return hans_number(printed)


def hans_number(text: str) -> int | None:
    """Return the value of a Chinese numeral below a thousand, or None."""
    if not text or not re.fullmatch(_HANS, text):
        return None
    total = digit = 0
    for sign in text:
        if sign in "十百":
            total += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = digit * 10 + _DIGITS[sign] if "十" not in text and "百" not in text else _DIGITS[sign]
    return total + digit
