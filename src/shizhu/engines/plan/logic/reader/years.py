"""Years, five-year plans and terms as a plan prints them."""

from __future__ import annotations

import re

from shizhu.engines.plan.logic.reader.document import Period
from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.numbering import hans_number

_YEAR = re.compile(r"(?<!\d)(20\d{2})(?!\d)")
_SPAN = re.compile(r"(20\d{2})\s*年?(?:\d{1,2}月)?\s*(?:[-—–~～至到]|－)+\s*(20\d{2})")
_HANS_YEAR = re.compile(r"二[〇零○O0]([〇零○O0一二三四五六七八九]{2})(?=年)")
_FIVE_YEARS = re.compile(
    r"[“\"‘']?(?:(十[一二三四五六七八九]|二十)五[”\"’']?(?!年|个)|第(十[一二三四五六七八九]|二十)个五年)"
)
_LAST_ONLY = re.compile(r"前|底|末|完成|建成|竣工|完工|截止|以内|到20")
_FIRST_ONLY = re.compile(r"起|开始|启动|开工|以来")
_BEGUN = re.compile(r"(?:计划|预计|拟)?(?:开工|启动|起始|开始)(?:建设)?(?:时间|年份|年度|日期)")
_WHOLE_YEAR = re.compile(r"全年|[一1]月(?:份)?(?:起|开始)?[-—–~～至到]+")
_IN_YEAR = re.compile(r"全年|年底|年内|年末|[\d一二三四五六七八九十]月|季度|[上下]半年")
_HANS_DIGITS = {sign: str(value) for value, sign in enumerate("〇一二三四五六七八九")} | dict.fromkeys("零○O0", "0")


def western(text: str) -> str:
    """Return the text with years such as 二〇三五年 in digits; the length changes nothing but the signs."""
    return _HANS_YEAR.sub(lambda found: "20" + "".join(_HANS_DIGITS[sign] for sign in found.group(1)), half_width(text))


def five_year_plan(text: str) -> tuple[int, int] | None:
    """Return first and last year of the five-year plan that a text names (“十四五” is 2021 to 2025)."""
    found = _FIVE_YEARS.search(compact(text))
    number = hans_number(found.group(1) or found.group(2)) if found else None
    return (1951 + 5 * number, 1955 + 5 * number) if number else None


def span_of(text: str) -> tuple[int, int] | None:
    """Return the years of a term such as 2021—2025年 or “十四五”, or None."""
    found = _SPAN.search(western(text))
    return (int(found.group(1)), int(found.group(2))) if found else five_year_plan(text)


def year_of(text: str) -> int | None:
    """Return the year of a heading: the last printed one, or the end of the five-year plan it names."""
    years = _YEAR.findall(western(text))
    if years:
        return int(years[-1])
    named = five_year_plan(text)
    return named[1] if named else None


def only_year(text: str) -> int | None:
    """Return the year of a heading that names one alone (2024年任务清单); None for a term."""
    years = set(_YEAR.findall(western(text)))
    return int(years.pop()) if len(years) == 1 else None


def period_of(text: str, heading: str = "", year: int | None = None) -> Period:
    """Read a term; under a heading that asks for the end (完成时限) a single year is the end.

    `year`: that of a plan of one year, which months and quarters without a year are of.
    """
    printed = text.strip()
    if not printed:
        return Period()
    years = [int(year) for year in _YEAR.findall(western(printed))]
    if not years:
        return _without_years(printed, year)
    if len(years) > 1:
        return Period(printed, min(years), max(years))
    short = re.search(r"20\d{2}年?(?:\d{1,2}月)?[-—–~～至](\d{2})(?!\d)年?", western(compact(printed)))
    if short:
        return Period(printed, years[0], years[0] // 100 * 100 + int(short.group(1)))
    if _FIRST_ONLY.search(printed) or _BEGUN.fullmatch(heading):
        return Period(printed, years[0], None)
    if _LAST_ONLY.search(printed) or _LAST_ONLY.search(heading) or "时限" in heading:
        return Period(printed, None, years[0])
    return Period(printed, years[0], years[0])


def _without_years(printed: str, year: int | None) -> Period:
    named = five_year_plan(printed)
    if named:
        return Period(printed, *named)
    if year and _IN_YEAR.search(printed):
        return Period(printed, year if _WHOLE_YEAR.search(printed) else None, year)
    return Period(printed)
