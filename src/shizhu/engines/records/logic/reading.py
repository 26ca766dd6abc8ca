"""Values as people type them into a table: full-width digits, 1,234.5, 2026年3月1日, 是, names of choices.

What cannot be read stays the text it is, for the register's schema to refuse with its rule.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from shizhu.engines.records.logic.register import Field, Kind
from shizhu.engines.records.logic.values import CHECKS, time_text

BLANKS = " \t\r\n\f\v\u00a0\u2000\u2001\u2002\u2003\u2009\u200b\u3000\ufeff"
YES = frozenset({"是", "有", "对", "真", "√", "✓", "✔", "yes", "y", "true", "1"})
NO = frozenset({"否", "无", "不", "不是", "没有", "错", "假", "×", "✗", "no", "n", "false", "0"})
EPOCH = date(1899, 12, 30)  # day 0 of Excel's serial dates
SERIALS = range(10_000, 80_000)  # serial dates from 1927 to 2119; smaller numbers are more likely something else
EXACT = 10**15  # Excel keeps fifteen digits: a longer number has lost its end
GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
BETWEEN = re.compile(r"[、；;，,]")
DIGITS = str.maketrans("〇零○一二三四五六七八九", "000123456789")
DAY = re.compile(r"(\d{4})\s*[年/.\-]\s*(\d{1,2})\s*[月/.\-]\s*(\d{1,2})\s*[日号]?")
COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
CLOCK = re.compile(r"[T\s]*(\d{1,2})\s*[:时点]\s*(?:(\d{1,2})\s*[:分]?)?\s*(?:(\d{1,2})(?:\.\d+)?\s*秒?)?")


def read(item: Field, raw: object, zone: tzinfo) -> Any:
    """The value of a cell for a field; None for an empty cell. References stay as typed."""
    if raw is None or (isinstance(raw, str) and not raw.strip(BLANKS)):
        return None
    if item.choices and item.kind == Kind.LIST:
        return [choice(item, part) for part in _list(item, raw, zone)]
    if item.choices:
        return choice(item, raw)
    return _READERS.get(item.kind, _text_of)(item, raw, zone)


def plain(raw: object) -> str:
    """A cell as text: no blanks at the ends, a whole number without a tail, a day without midnight."""
    if isinstance(raw, str):
        return raw.strip(BLANKS).replace("\r\n", "\n")
    if isinstance(raw, bool):
        return "true" if raw else "false"
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    if isinstance(raw, datetime):
        return raw.date().isoformat() if raw.time() == time() else raw.isoformat(" ", "seconds")
    return raw.isoformat() if isinstance(raw, date | time) else "" if raw is None else str(raw)


def narrow(text: str) -> str:
    """Full-width letters, digits and signs as narrow ones, blanks away at the ends."""
    return unicodedata.normalize("NFKC", text).strip(BLANKS)


def is_rounded(item: Field, raw: object) -> bool:
    """Whether a code came as a number that Excel can no longer keep whole, such as an identity number."""
    return item.kind == Kind.TEXT and isinstance(raw, int | float) and abs(raw) >= EXACT


def choice(item: Field, raw: object) -> Any:
    """The value of `enum` by itself or by one of its names; the text where none fits, or more than one."""
    text = plain(raw)
    values = item.rules.get("items", item.rules)["enum"]
    found = [value for value in values if str(value) == text]
    if not found:
        wanted = narrow(text).casefold()
        found = [v for v in values if wanted in {narrow(n).casefold() for n in _names(item, v)}]
    return found[0] if len(found) == 1 else text


def _names(item: Field, value: object) -> tuple[str, ...]:
    return str(value), *item.choices[str(value)].values()


def _text_of(item: Field, raw: object, _zone: tzinfo) -> str:
    """Text as typed; where a pattern or a check refuses it, its narrow form, or capitals, may be what was meant."""
    text = plain(raw)
    is_right, _ = CHECKS.get(item.rules.get("x-shizhu-check", ""), (None, None))
    if is_right and is_right(code := narrow(text).upper()):
        return code
    is_code = bool({"pattern", "format", "x-shizhu-check"} & item.rules.keys())
    return narrow(text) if is_code and not text.isascii() and _is_better(item, text) else text


def _is_better(item: Field, text: str) -> bool:
    pattern = item.rules.get("pattern", "")
    return not pattern or (not re.search(pattern, text) and bool(re.search(pattern, narrow(text))))


def _number(item: Field, raw: object, _zone: tzinfo) -> Any:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return int(raw) if isinstance(raw, float) and raw.is_integer() else raw
    text = narrow(plain(raw))
    units = {item.unit} if isinstance(item.unit, str) else set(item.unit.values())
    for unit in units - {""}:
        text = text.removesuffix(narrow(unit)).strip(BLANKS)
    if GROUPED.fullmatch(text):
        text = text.replace(",", "")
    for form in (int, float):
        try:
            return form(text) if "_" not in text else plain(raw)
        except ValueError:
            continue
    return plain(raw)


def _yes_or_no(_item: Field, raw: object, _zone: tzinfo) -> Any:
    text = narrow(plain(raw)).casefold()
    return True if text in YES else False if text in NO else plain(raw)


def _date(_item: Field, raw: object, _zone: tzinfo) -> str:
    found = _day_and_clock(raw)
    return found[0].isoformat() if found and found[1] in {None, time()} else plain(raw)


def _time(_item: Field, raw: object, zone: tzinfo) -> str:
    """A moment; without a zone it is the county's."""
    if isinstance(raw, str) and (kept := time_text(raw.strip(BLANKS))):
        return kept
    found = _day_and_clock(raw)
    if not found:
        return plain(raw)
    moment = datetime.combine(found[0], found[1] or time(), zone)
    if isinstance(raw, datetime):
        moment = raw if raw.tzinfo else raw.replace(tzinfo=zone)
    return time_text(moment)


def _day_and_clock(raw: object) -> tuple[date, time | None] | None:
    """The day a cell says, and the time of day if it says one."""
    if isinstance(raw, datetime):
        return raw.date(), raw.time()
    if isinstance(raw, date):
        return raw, None
    if isinstance(raw, int | float) and not isinstance(raw, bool) and int(raw) in SERIALS:
        return EPOCH + timedelta(days=int(raw)), _clock(raw % 1)
    text = _western(narrow(plain(raw)))
    found = DAY.match(text) or COMPACT.match(text)
    if not found:
        return None
    rest = text[found.end() :].strip()
    clock = CLOCK.fullmatch(rest) if rest else None
    if rest and not clock:
        return None
    try:
        day = date(*(int(part) for part in found.groups()))
        return day, _at(*(int(part or 0) for part in clock.groups())) if clock else None
    except ValueError:
        return None


def _at(hour: int, minute: int, second: int) -> time:
    return time(hour, minute, second)


def _clock(part: float) -> time:
    """The time of day of a part of a day."""
    seconds = min(round(part * 86_400), 86_399)
    return time(seconds // 3600, seconds // 60 % 60, seconds % 60)


def _western(text: str) -> str:
    """二〇二六年十二月一日 as 2026年12月1日."""
    text = text.translate(DIGITS)
    for form, tens in ((r"(?<=\d)十(?=\d)", ""), (r"(?<=\d)十", "0"), (r"十(?=\d)", "1"), ("十", "10")):
        text = re.sub(form, tens, text)
    return text


def _list(_item: Field, raw: object, _zone: tzinfo) -> list[str]:
    """Parts by lines if there are several, else by 、 ; or ,."""
    text = raw if isinstance(raw, str) else plain(raw)
    parts = text.splitlines() if "\n" in text else BETWEEN.split(text)
    return [part.strip(BLANKS) for part in parts if part.strip(BLANKS)]


_READERS: Mapping[Kind, Callable[[Field, object, tzinfo], Any]] = {
    Kind.NUMBER: _number, Kind.INTEGER: _number, Kind.BOOLEAN: _yes_or_no, Kind.DATE: _date, Kind.TIME: _time,
    Kind.LIST: _list,
}  # fmt: skip
