"""Printed values of table cells: 6.5, 【57】, ≥90, 12.5左右, 1.2万, 3—5个, －, 完成市下达目标."""

from __future__ import annotations

import re
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.numbering import hans_number
from shizhu.engines.plan.logic.reader.units import SCALES, comparable, is_unit
from shizhu.engines.plan.logic.reader.worded import worded

Number = float | int

BRACKETS = {"【": "】", "[": "]", "〔": "〕", "〖": "〗", "{": "}", "(": ")", "「": "」", "『": "』", "<": ">"}
_DASH = re.compile(r"[-—–－‐‑‒―─/／\\一]+|无|暂无|未统计|待定|空|N/?A", re.IGNORECASE)
_DIGITS = r"[-+]?(?:\d{1,3}(?:[,，]\d{3})+|\d+)(?:\.\d+)?"
_BOUNDS: tuple[tuple[str, str], ...] = (
    ("at_least", r"≥|>=|>|≧|⩾|不低于|不少于|不小于|大于(?:等于)?|高于|超过?|突破|至少|力争达到"),
    ("at_most", r"≤|<=|<|≦|⩽|不高于|不超过|不大于|小于(?:等于)?|低于|少于|控制在|至多"),
    ("reach", r"达到?|实现|保持在?|稳定在|(?:提高|提升|增长|增加|下降|降低|上升)[到至]|力争"),
    ("about", r"约|近|大约|[≈~～]"),
    ("rise", r"年均(?:增长|增速|递增)?|增长|递增|增速|提高|提升|上升"),
    ("fall", r"(?:累计)?(?:下降|降低|减少)"),
)
_AFTER: tuple[tuple[str, str], ...] = (
    ("at_least", r"以上(?:\(含\))?|\+"),
    ("at_most", r"以内|以下"),
    ("about", r"左右|上下|余|多|几"),
)
_BEFORE = re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in _BOUNDS))
_SINGLE = re.compile(rf"(?P<low>{_DIGITS})(?P<rest>.*)")
_RANGE = re.compile(rf"(?P<low>{_DIGITS})(?P<between>[^\d—–~～至到-]*)[—–~～至到-]+(?P<high>{_DIGITS})(?P<rest>.*)")
_PERCENT_WORDS = re.compile(r"百分之(\d+(?:\.\d+)?|[一二三四五六七八九十百]+)")
_RATIO = re.compile(rf"(?P<one>{_DIGITS})[:：](?P<other>{_DIGITS})(?P<rest>.*)")
_FLAGS = re.compile(r"(?<=[\d%\])〕】])[*※#①-⑳]+$|^[*※#]+(?=[\d\[(〔【])")  # of a note below: 60.6*
_YEAR_ONLY = re.compile(r"20\d{2}年")
_ASIDE = re.compile(r"\(([^()]*)\)$")


@dataclass(frozen=True)
class Printed:
    """A cell read as a value.

    `bracket` is the opening bracket around it, `aside` what stands in brackets behind it, `unit` the printed unit.
    """

    text: str
    value: Number | None = None
    bound: str | None = None
    low: Number | None = None
    high: Number | None = None
    bracket: str | None = None
    unit: str | None = None
    aside: str | None = None


def is_dash(text: str) -> bool:
    """Whether a cell prints a dash or a word for "no value"."""
    return bool(_DASH.fullmatch(compact(text)))


def number(text: str) -> Number:
    """Return 57 for "57", 2.0 for "2.0", 1234 for "1,234"."""
    plain = re.sub("[,，]", "", text)
    return float(plain) if "." in plain else int(plain)


def read_value(text: str, unit: str | None = None) -> Printed:
    """Read a cell; a scale printed with the number (1.2万) is multiplied out unless the unit has it already."""
    narrow = _FLAGS.sub("", compact(half_width(text)))
    inner, bracket = _open(narrow)
    if not inner or is_dash(inner):
        return Printed(text.strip(), bracket=bracket)
    inner, aside = _without_aside(inner)
    if bracket is None:
        inner, bracket = _open(inner)
    found = _parse(_in_figures(_PERCENT_WORDS.sub(_percent, inner)), unit)
    return Printed(text.strip(), *found[:4], bracket, found[4], aside)


def scaled(value: Number, factor: float) -> Number:
    """Return value times factor without the dust of binary fractions."""
    product = round(value * factor, 6)
    return int(product) if product == int(product) and (isinstance(value, int) or factor > 1) else product


def _open(text: str) -> tuple[str, str | None]:
    closing = BRACKETS.get(text[0]) if text else None
    if closing and text.endswith(closing) and len(text) > 1:
        return text[1:-1].strip(), text[0]
    if closing and text[0] != "<" and closing in text and text.index(closing) < len(text) - 1:
        before, after = text[1:].split(closing, 1)
        if is_unit(after):
            return before + after, text[0]
    return text, None


def _without_aside(text: str) -> tuple[str, str | None]:
    found = _ASIDE.search(text)
    return (text[: found.start()], found.group(1)) if found and found.start() else (text, None)


_Parsed = tuple[Number | None, str | None, Number | None, Number | None, str | None]
_WORDS: _Parsed = (None, "words", None, None, None)


def _parse(text: str, unit: str | None) -> _Parsed:
    text, bound = _strip_before(text)
    text = _of_one(text)
    found = _RANGE.fullmatch(text) or _SINGLE.fullmatch(text)
    if not found or _YEAR_ONLY.fullmatch(text):
        return _WORDS
    parts = found.groupdict()
    tail, after = _strip_after(parts["rest"])
    between = parts.get("between") or ""
    if any(part and not is_unit(part) for part in (tail, between)):
        return _WORDS
    factor, own = _factor(tail or between, unit)
    low = scaled(number(parts["low"]), factor)
    if "high" not in parts:
        return low, bound if bound in {"rise", "fall"} else after or bound, None, None, own
    return low, "range", low, scaled(number(parts["high"]), factor), own


def _of_one(text: str) -> str:
    """A ratio to one (2.3:1, 1:1.3) is the other number."""
    ratio = _RATIO.fullmatch(text)
    if not ratio or 1 not in {number(ratio["one"]), number(ratio["other"])}:
        return text
    return (ratio["one"] if number(ratio["other"]) == 1 else ratio["other"]) + ratio["rest"]


def _strip_before(text: str) -> tuple[str, str | None]:
    bound = None
    while found := _BEFORE.match(text):
        bound = bound or (found.lastgroup)
        text = text[found.end() :]
    return text, bound


def _strip_after(rest: str) -> tuple[str, str | None]:
    for name, pattern in _AFTER:
        found = re.fullmatch(rf"(.*?)(?:{pattern})(.*)", rest)
        if found:
            return found.group(1) + found.group(2), name
    return rest, None


def _factor(tail: str, unit: str | None) -> tuple[float, str | None]:
    """Return what to multiply by for the unit of the row, and the unit printed with the number."""
    if unit:
        return comparable(tail, unit) or 1.0, tail or None
    return (SCALES[tail], None) if tail in SCALES else (1.0, tail or None)


def _in_figures(text: str) -> str:
    """三分之一以上 as 33.3%以上; what only says by how much something grows stays as it is."""
    for share in reversed([one for one in worded(text) if not one.rise]):
        text = f"{text[: share.start]}{share.value:g}%{share.after or ''}{text[share.end :]}"
    return text


def _percent(found: re.Match[str]) -> str:
    return f"{hans_number(found.group(1)) or found.group(1)}%"
