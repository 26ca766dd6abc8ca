"""Shares and multiples written as words (三分之一, 八成五, 过半, 翻一番, 增加两倍), as per cent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.numbering import hans_number

_ONE = "[一二两三四五六七八九十]"
_END = r"(?=以上|以下|以内|左右|上下|[，,。；;、：:的()（）]|\s|$)"
_REACHED = r"(?<=[达到至过为近约在占于升降长高低少减缩了足])"
_PATTERN = re.compile(
    rf"(?P<parts>百|千|{_ONE}{{1,3}})分之(?P<of>[一二两三四五六七八九十百]{{1,5}})"
    rf"|(?:{_REACHED}|^)(?P<tenths>[一二三四五六七八九])成(?P<more>[一二三四五六七八九半])?{_END}"
    rf"|(?P<half>(?:(?:超?过)(?=半数))?半数(?=以上|[，,。；;]|$)|(?<=[一-鿿])(?<![不经])(?:超)?过半数?{_END}|(?:{_REACHED}|(?<![一-鿿]))一半{_END}|^(?:过半|一半)$)"
    rf"|(?<=翻)(?P<fold>[一两二三四])?番"
    rf"|(?<=[长加高升大了])(?P<times>[一两二三四五六七八九十])倍"
)
_AFTER = re.compile(r"以上|左右|上下|以内|以下")


@dataclass(frozen=True)
class Worded:
    """A share in per cent and where it stands; `rise` for one that is added to what there was (翻一番 is 100)."""

    start: int
    end: int
    value: float
    after: str | None = None
    rise: bool = False


def worded(text: str) -> Iterator[Worded]:
    """Yield the shares and multiples of a text in order."""
    for found in _PATTERN.finditer(text):
        value = _value(found)
        if value is None:
            continue
        after = _AFTER.match(text, found.end())
        said = after.group() if after else ("以上" if found["half"] and "过" in found["half"] else None)
        rise = found.group().endswith(("番", "倍"))
        yield Worded(found.start(), after.end() if after else found.end(), value, said, rise)


def fold_of(text: str) -> float | None:
    """By how much a cell that only says 翻一番 or 增加两倍 multiplies the base; None for another one."""
    found = [one for one in worded(text) if one.rise]
    return 1 + found[0].value / 100 if len(found) == 1 and not any(sign.isdigit() for sign in text) else None


def _value(found: re.Match[str]) -> float | None:
    if found["of"]:
        parts = {"百": 100, "千": 1000}.get(found["parts"]) or _number(found["parts"])
        share = _number(found["of"])
        return round(100 * share / parts, 1) if parts and share and share <= parts else None
    if found["tenths"]:
        more = 5 if found["more"] == "半" else _number(found["more"] or "")
        return float(10 * _number(found["tenths"]) + more)
    if found["half"]:
        return 50.0
    if found["times"]:
        return 100.0 * _number(found["times"])
    return 100.0 * ((1 << _number(found["fold"] or "一")) - 1)


def _number(text: str) -> int:
    return hans_number(text.replace("两", "二")) or 0
