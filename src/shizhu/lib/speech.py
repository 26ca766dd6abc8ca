"""Chinese text for the ear: dates, times, numbers and units as they are spoken, nothing in brackets; how long it takes.

A loudspeaker's voice reads what it is given: `14:30`, `56mm` or `（模拟）` come out as noise. What is left that no
voice can say is told by `unspoken`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

DIGITS = "零一二三四五六七八九"
ALONE = "零幺二三四五六七八九"  # one by one, as in a telephone number
UNITS = {
    "m3/s": "立方米每秒", "m³/s": "立方米每秒", "mg/L": "毫克每升", "km/h": "公里每小时", "m/s": "米每秒", "mm": "毫米",
    "cm": "厘米", "km": "公里", "m": "米", "℃": "摄氏度", "Cel": "摄氏度", "%": "", "％": "",
}  # fmt: skip
PACE = 3.5  # syllables a second: slow, for old ears and the echo of a valley
PAUSES = {"，": 0.3, "、": 0.2, "：": 0.3, "；": 0.4, "。": 0.6, "！": 0.6, "？": 0.6}
ROMAN = {"Ⅰ": "一", "Ⅱ": "二", "Ⅲ": "三", "Ⅳ": "四"}
SAYS = re.compile(r"[\u4e00-\u9fff，、：；。！？\s]*")
BRACKETS = re.compile(r"（[^（）]*）|\([^()]*\)|〔[^〔〕]*〕")
MOMENT = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[ T](\d{1,2}):(\d{2}))?")
CLOCK = re.compile(r"(?<![\d:])(\d{1,2}):(\d{2})(?!\d)")
CALL = re.compile(
    r"(?<=[拨打电话线])\s*(0\d{2,3}-\d{7,8}|\d{3,13})(?![\d.])|(?<![\d.])(1\d{10}|0\d{2,3}-?\d{7,8})(?!\d)"
)
SIZE = re.compile(rf"(-?\d+(?:\.\d+)?)\s*({'|'.join(map(re.escape, UNITS))})?(?![A-Za-z/])")
SIGNS = {
    "【": "",
    "】": "。",
    "《": "",
    "》": "",
    "“": "",
    "”": "",
    "·": "，",
    "…": "。",
    ",": "，",
    ";": "；",
    "!": "！",
}


def aloud(text: str, today: datetime | None = None) -> str:
    """The text as it is spoken; a day is left out where it is `today`."""
    while BRACKETS.search(text):
        text = BRACKETS.sub("", text)
    steps: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
        (MOMENT, lambda found: _moment(found, today)),
        (CLOCK, lambda found: clock(int(found[1]), int(found[2]))),
        (CALL, lambda found: "".join(ALONE[int(one)] for one in (found[1] or found[2]) if one.isdigit())),
        (SIZE, _size),
    ]
    for pattern, said in steps:
        text = pattern.sub(said, text)
    for sign, said_ in (ROMAN | SIGNS).items():
        text = text.replace(sign, said_)
    return re.sub(r"\s+", "", text)


def _moment(found: re.Match[str], today: datetime | None) -> str:
    year, month, day = (int(found[number]) for number in (1, 2, 3))
    is_today = today is not None and (today.year, today.month, today.day) == (year, month, day)
    said = "今天" if is_today else f"{number(month)}月{number(day)}号"
    return said + (clock(int(found[4]), int(found[5])) if found[4] else "")


def clock(hour: int, minute: int) -> str:
    """`18:30` as 晚上六点半."""
    parts = ((6, "凌晨"), (12, "上午"), (13, "中午"), (18, "下午"), (25, "晚上"))
    part = next(said for end, said in parts if hour < end)
    said = "零" if hour in {0, 24} else "两" if hour in {2, 14} else number(hour if hour <= 12 else hour - 12)
    if not minute:
        return f"{part}{said}点"
    return f"{part}{said}点" + ("半" if minute == 30 else f"{'零' if minute < 10 else ''}{number(minute)}分")


def _size(found: re.Match[str]) -> str:
    unit = found[2] or ""
    said = decimal(found[1])
    return f"百分之{said}" if unit in {"%", "％"} else said + UNITS.get(unit, "")


def decimal(text: str) -> str:
    """`-12.5` as 负十二点五."""
    whole, _, part = text.lstrip("-").partition(".")
    part = part.rstrip("0")
    said = number(int(whole)) + (f"点{''.join(DIGITS[int(one)] for one in part)}" if part else "")
    return f"负{said}" if text.startswith("-") and said != "零" else said


def number(value: int) -> str:
    """A whole number: 10 十, 105 一百零五, 23456 二万三千四百五十六."""
    if value >= 10**8:
        return number(value // 10**8) + "亿" + _rest(value % 10**8, 10**7)
    if value >= 10**4:
        return number(value // 10**4) + "万" + _rest(value % 10**4, 10**3)
    said, names = "", ((1000, "千"), (100, "百"), (10, "十"), (1, ""))
    for size, name in names:
        digit, value = divmod(value, size)
        if digit:
            said += DIGITS[digit] + name
        elif said and value:
            said = said.rstrip("零") + "零"
    said = said or "零"
    return said[1:] if said.startswith("一十") else said


def _rest(value: int, least: int) -> str:
    if not value:
        return ""
    said = number(value)
    said = f"一{said}" if said.startswith("十") else said
    return f"零{said}" if value < least else said


def unspoken(text: str) -> str:
    """What no voice can say: letters, figures, brackets and signs; each once."""
    return "".join(dict.fromkeys(SAYS.sub("", text)))


def seconds(text: str) -> float:
    """How long it takes to read out."""
    return round(sum(PAUSES.get(one, 0 if one.isspace() else 1 / PACE) for one in text), 1)
