"""Indicators (主要指标) out of indicator tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.columns import Columns, empty_doubts, numbering_doubts
from shizhu.engines.plan.logic.reader.document import Doubt, Indicator, Reading
from shizhu.engines.plan.logic.reader.fit import LED_NAME
from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.numbering import marker_of, number_of
from shizhu.engines.plan.logic.reader.owners import split_owners
from shizhu.engines.plan.logic.reader.tables import Row
from shizhu.engines.plan.logic.reader.targets import BOUND_WORDS
from shizhu.engines.plan.logic.reader.units import comparable, is_unit
from shizhu.engines.plan.logic.reader.values import BRACKETS, Printed, is_dash, read_value, scaled
from shizhu.engines.plan.logic.reader.worded import fold_of
from shizhu.engines.plan.logic.reader.years import year_of

_IN_BRACKETS = re.compile(r"[(\[〔【]\s*(?:单位\s*:\s*)?([^()\[\]〔〕【】]*?)\s*[)\]〕】]")
_FLAG = re.compile(r"^[*★☆▲△※#◆●]+|[*★☆▲△※#◆●①-⑳]+$")
_TOTAL = "累计"  # printed with a growth: over all the years, not per year
_USUAL_KIND = re.compile(r"[^一-鿿]*(约束|预期)性?(?:指标)?[^一-鿿]*")
_OVER_ALL = re.compile(r"(?:增减|增加|提高|变化|增量)(?:值|量|幅度|情况|数)?$")  # a heading of what is gained in all
_PLANNED = re.compile(r"目标|规划|计划")
_GAP = re.compile(r"(?<=[一-鿿（）“”、])\s+(?=[一-鿿（）“”、])")
_PART = re.compile(r"其中[:：]?")
_WITH_PARTS = re.compile(r"(?P<whole>.{4,}?)[\s、，]*其\s*中\s*[:：]\s*(?P<parts>.+)", re.DOTALL)
_RATIO = re.compile(r"(?:率|比例|比重|占比|之比|强度|覆盖面)$")
_EMPTY_BRACKETS = {
    sign: re.compile(rf"{re.escape(sign)}[^一-鿿\d]*{re.escape(end)}") for sign, end in BRACKETS.items() if sign != "<"
}
_WORDED_BRACKETS = {"方括号": "[【〔", "中括号": "[【", "六角括号": "〔", "圆括号": "(", "括号": "【[〔(〖"}


@dataclass(frozen=True)
class Years:
    """Which value column is the base, which the target, which stand between; and the years they are for."""

    base: int | None
    target: int | None
    between: tuple[int, ...]
    base_year: int | None
    target_year: int | None
    told: bool  # the headings print the years


def read_indicators(columns: Columns, term: tuple[int, int] | None, count: int) -> tuple[list[Indicator], list[Doubt]]:
    """Read the rows of an indicator table; `term` is the plan's own (2021, 2025), `count` how many rows came before."""
    years = _years(columns, term)
    brackets = _brackets(columns)
    indicators: list[Indicator] = []
    doubts: list[Doubt] = []
    carried: str | None = None
    rows = [part for printed in columns.table.rows for part in _parts(columns, printed)]
    for row in rows:
        own, *wider = [columns.text(row, column) for column in (*columns.of("group"), *columns.of("class"))] or [""]
        alone = bool(own) and own == columns.text(row, columns.first("name"))  # one cell over the groups and the names
        own = next(iter(wider), "") if alone else own
        carried = ("" if own.isdecimal() else own) or (None if alone or row.opens_group else carried)
        group, unit = split_unit(carried or row.group or "")
        indicator = _indicator(columns, row, years, brackets, f"indicator-{count + len(indicators) + 1:02d}", unit)
        if not indicator.name:
            printed = " ".join(cell.text for _, cell in sorted(row.cells.items()) if cell.text)
            doubts.append(Doubt(printed, "a row of indicators without a name", row.place, "table-left-out"))
            continue
        if indicator.unit is None and _PART.match(indicator.name) and indicators:
            indicator = replace(indicator, unit=indicators[-1].unit)  # 其中 of the row above, measured as that is
        indicator = _added_up(_multiplied(indicator))
        indicators.append(replace(indicator, group=_group(group)))
        doubts += _doubts_of(indicator, columns, row, brackets)
    numbers = [(item.no, number_of(item.no), item.place) for item in indicators if item.no]
    doubts += numbering_doubts(numbers, "indicator") + empty_doubts(columns)
    if not years.told and indicators:
        why = (
            f"the headings print no year; {years.base_year} and {years.target_year} are taken from the term of the plan"
        )
        doubts.append(Doubt(columns.table.caption or "indicators", why, columns.table.header_place, "year-not-printed"))
    return indicators, doubts


def _parts(columns: Columns, row: Row) -> list[Row]:
    """The rows of one that prints a whole and its parts (其中) below each other, with as many lines of values."""
    column = columns.first("name")
    cell = row.cells.get(column) if column is not None else None
    found = _WITH_PARTS.fullmatch("\n".join(cell.pieces)) if cell else None
    if cell is None or column is None or found is None:
        return [row]
    whole, unit = split_unit("".join(found["whole"].split()))
    names = [name for name in found["parts"].split("\n") if name]
    values = {
        index: [part for piece in row.cells[index].pieces for part in piece.split()]
        for index in columns.of("year", "base", "target", "growth", "sum")
        if index in row.cells and row.cells[index].text
    }
    counts = {len(parts) for parts in values.values()}
    count = counts.pop() if len(counts) == 1 else 0
    if count == len(names) == 2 and _RATIO.search(split_unit(names[1])[0]) and not _RATIO.search(names[0]):
        names = ["".join(names)]  # one part, on two lines
    if count == len(names) > 1:  # the whole has no value of its own
        names = [f"{LED_NAME.sub('', whole)}（{name}）" for name in names]
        names[0] = whole.removesuffix(LED_NAME.sub("", whole)) + names[0]
    elif count == 2 or count == len(names) + 1:
        names = [whole, *(names if count == len(names) + 1 else ["".join(names)])]
        names[1:] = [f"其中：{name}" for name in names[1:]]
    else:
        return [row]
    marked = [name if split_unit(name)[1] or unit is None else f"{name}（{unit}）" for name in names]
    told = [{column: name, **{index: parts[at] for index, parts in values.items()}} for at, name in enumerate(marked)]
    return [
        replace(row, cells={
            index: replace(own, text=texts[index], pieces=(texts[index],)) if index in texts else own
            for index, own in row.cells.items()
        })
        for texts in told
    ]  # fmt: skip


def _years(columns: Columns, term: tuple[int, int] | None) -> Years:
    valued = columns.of("year", "base", "target")
    year = {column: columns.heading(column).year for column in valued}
    base = columns.first("base") or _worded(columns, valued, r"基|现状|实际|完成|现有")
    dated = sorted((when, column) for column, when in year.items() if when and column != base)
    target = _target(columns, dated, term)
    if (
        base is None
        and dated
        and (dated[0][1] != target)
        and (term is None or len(dated) == 2 or dated[0][0] < term[0])
    ):
        end = year[target] if target is not None else None
        base = _last_before([one for one in dated if not end or one[0] < end], term) or dated[0][1]
    between = tuple(column for column in valued if column not in {base, target})
    told = all(year[column] for column in (base, target) if column is not None)
    base_year = _year(year, base, term[0] - 1 if term else None)
    target_year = _year(year, target, term[1] if term else None)
    return Years(base, target, between, base_year, target_year, told)


def _last_before(dated: Sequence[tuple[int, int]], term: tuple[int, int] | None) -> int | None:
    """The column of the last year before the plan begins; the years before that are history."""
    return next((column for when, column in reversed(dated) if term and when < term[0]), None)


def _year(years: dict[int, int | None], column: int | None, otherwise: int | None) -> int | None:
    return None if column is None else years.get(column) or otherwise


def _worded(columns: Columns, valued: Sequence[int], words: str) -> int | None:
    found = [column for column in valued if re.search(words, columns.heading(column).title)]
    return found[0] if len(found) == 1 and len(valued) > 1 else None


def _target(columns: Columns, dated: list[tuple[int, int]], term: tuple[int, int] | None) -> int | None:
    """The target is the column of the plan's last year, or the one that says so, or the latest."""
    named = columns.first("target")
    at_end = next((column for when, column in dated if term and when == term[1]), None)
    if at_end is not None:
        return at_end
    if named is not None:
        return named
    last = [column for when, column in dated if when == dated[-1][0]]  # 2025年目标 beside 2025年预计
    planned = [column for column in last if _PLANNED.search(columns.heading(column).title)]
    return next(iter(planned or reversed(last)), None)


@dataclass(frozen=True)
class Brackets:
    """What the notes say of the brackets around values: they mark cumulative numbers (累计数), or another base year."""

    cumulative: dict[str, bool]
    years: dict[str, int]

    def is_cumulative(self, printed: Printed) -> bool:
        """Whether a value is printed in brackets that mark cumulative numbers."""
        return bool(printed.bracket) and self.cumulative.get(printed.bracket or "", False)


def _brackets(columns: Columns) -> Brackets:
    cumulative, years = {"【": True}, dict[str, int]()
    for clause in re.split(r"[。；;\n]|(?=[②③④⑤])", half_width(columns.table.notes)):
        about = {sign for sign, empty in _EMPTY_BRACKETS.items() if empty.search(clause)}
        about |= {sign for word, signs in _WORDED_BRACKETS.items() if word in clause for sign in signs}
        cumulative |= dict.fromkeys(about, "累计" in clause)
        year = None if "累计" in clause else year_of(clause)
        years |= dict.fromkeys(about, year) if year else {}
    for heading in columns.table.headings:
        around = re.search(r"([\[〔【(])[^\])〕】]*累计", half_width(heading.title))
        cumulative |= {around.group(1): True} if around else {}
    return Brackets(cumulative, years)


def _indicator(
    columns: Columns, row: Row, years: Years, brackets: Brackets, key: str, of_group: str | None
) -> Indicator:
    no, name, unit = _named(columns, row)
    unit = unit or of_group or _unit_of_table(columns, row)  # 主要污染物排放总量减少（%） above 化学需氧量
    printed = {
        column: read_value(columns.text(row, column), unit)
        for column in columns.of("year", "base", "target", "growth", "sum")
    }
    growths = columns.of("growth")
    own = [column for column in growths if columns.heading(column).year == years.target_year]
    behind = [column for column in growths if years.target is not None and column > years.target]
    growth_column = next(iter((*own, *behind, *growths, *columns.of("sum"))), None)
    growth = printed.get(growth_column) if growth_column is not None else None
    if growth and growth.bound == "words" and _TOTAL in growth.text:
        growth = replace(read_value(growth.text.replace(_TOTAL, "", 1), unit), text=growth.text)
    summed = bool(growth and growth.value is not None and growth_column in columns.of("sum"))
    unit = unit or _unit_of_values(columns, years, printed)
    if years.target in printed and _is_share_of_level(printed[years.target], unit):
        printed[years.target] = replace(printed[years.target], bound="rise")
    group_column = columns.first("group", "class")
    owner_columns = columns.of("lead", "support")
    used = {*columns.of("no", "name", "unit", "kind"), group_column, *printed, *owner_columns}
    return Indicator(
        key=key, no=no, name=name, unit=unit,
        kind=_kind(columns.text(row, columns.first("kind"))),
        base=_reading(row, printed, years.base, _base_year(printed, years, brackets)),
        target=_reading(row, printed, years.target, years.target_year),
        growth=growth.value if growth else None,
        cumulative=any(brackets.is_cumulative(item) for item in printed.values()) or summed,
        place=row.place,
        growth_text=growth.text or None if growth else None,
        growth_bound=growth.bound if growth and growth.bound != "rise" else None,
        growth_is_total=bool(
            growth
            and (
                summed
                or brackets.is_cumulative(growth)
                or _TOTAL in growth.text
                or _is_over_all(columns, growth_column)
            )
        ),
        milestones=tuple(_reading(row, printed, column, columns.heading(column).year) for column in years.between),
        owners=tuple(owner for column in owner_columns for owner in split_owners(columns.bodies(row, column))),
        more=columns.more(row, used),
        table=columns.table.caption,
    )  # fmt: skip


def _added_up(item: Indicator) -> Indicator:
    """A growth in brackets that base and target are apart by ([3.3], from 4.7 to 8) is that over all years."""
    if item.growth is None or item.base.value is None or item.target.value is None:
        return item
    apart = item.target.value - item.base.value - item.growth
    is_total = (item.growth_text or "")[:1] in BRACKETS and abs(apart) < 1e-9
    return replace(item, growth_is_total=item.growth_is_total or is_total)


def _multiplied(item: Indicator) -> Indicator:
    """A target that is only said as a multiple of the base (翻一番) is reckoned from it; it stays marked as words."""
    fold = fold_of(item.target.text or "") if item.target.value is None else None
    if fold is None or item.base.value is None:
        return item
    return replace(item, target=replace(item.target, value=scaled(item.base.value, fold)))


def _is_over_all(columns: Columns, column: int | None) -> bool:
    title = re.sub(r"[(\[〔【].*", "", half_width(columns.heading(column).title))
    return bool(_OVER_ALL.search(title)) and "年均" not in title


def _named(columns: Columns, row: Row) -> tuple[str | None, str, str | None]:
    """Return printed number, name without unit, and unit of a row."""
    name = columns.text(row, columns.first("name"))
    numbers = columns.first("no")
    if numbers is None and columns.text(row, columns.first("group", "class")).isdecimal():
        numbers = columns.first("group", "class")  # groups are rows of their own there
    no = columns.text(row, numbers).strip().strip(".、．()（）") or None
    led = LED_NAME.match(half_width(name)) if no is None else None
    if led:
        no, name = led.group(1), name[led.end() :]
    name, unit = split_unit(name)
    own = columns.text(row, columns.first("unit")).strip("()（） ")
    return (
        no,
        name,
        (own if own and not is_dash(own) else None) or unit or _unit_of_headings(columns),
    )


def split_unit(name: str) -> tuple[str, str | None]:
    """Part a name such as 公路里程（公里） from the unit in its brackets; brackets that hold no unit stay."""
    name = _GAP.sub("", _FLAG.sub("", name.strip()).strip())
    narrow = half_width(name)
    found = [match for match in _IN_BRACKETS.finditer(narrow) if is_unit(match.group(1))]
    if not found:
        tail = re.search(r"[,，]\s*([^,，]{1,6})$", narrow)
        return (name[: tail.start()], tail.group(1)) if tail and is_unit(tail.group(1)) else (name, None)
    last = found[-1]
    return _FLAG.sub("", (name[: last.start()] + name[last.end() :]).strip()).strip(), compact(last.group(1))


def _unit_of_headings(columns: Columns) -> str | None:
    asides = {columns.heading(column).aside for column in columns.of("year", "base", "target")}
    only = asides.pop() if len(asides) == 1 else None
    return only if only and is_unit(only) else None


def _unit_of_table(columns: Columns, row: Row) -> str | None:
    """The unit that the caption prints, unless the values of a row have another one."""
    unit = columns.table.unit
    own = {read_value(columns.text(row, column)).unit for column in columns.of("year", "base", "target")} - {None}
    return unit if all(comparable(printed, unit) for printed in own) else None


def _unit_of_values(columns: Columns, years: Years, printed: dict[int, Printed]) -> str | None:
    """Take the unit printed with the values where neither column nor name has one."""
    units = {
        printed[column].unit for column in (years.base, years.target) if column in printed and printed[column].unit
    }
    levels = units - {"%"} or units  # 120亿元, and 年均增长6% from there
    return levels.pop() if len(levels) == 1 else None


def _is_share_of_level(target: Printed, unit: str | None) -> bool:
    """Whether a target in per cent (8%左右) stands in a row of another unit (亿元): it tells by how much that grows."""
    told = target.value is not None and target.unit == "%" and target.bound not in {"rise", "fall", "range"}
    return told and comparable("%", unit) is None


def _kind(text: str) -> str | None:
    """The kind of an indicator by its usual name: 约束性 for ★约束性指标."""
    if not text or is_dash(text):
        return None
    printed = compact(text)
    usual = _USUAL_KIND.fullmatch(printed)
    return f"{usual.group(1)}性" if usual else printed


def _group(text: str | None) -> str | None:
    """Return the name of a group without its number: 创新投入 for 一、创新投入."""
    if not text:
        return None
    marker = marker_of(text)
    return compact(marker.rest if marker else text) or None


def _base_year(printed: dict[int, Printed], years: Years, brackets: Brackets) -> int | None:
    """The base year of the heading, unless a note says that the brackets around the value mean another one."""
    base = printed.get(years.base) if years.base is not None else None
    return brackets.years.get(base.bracket or "", years.base_year) if base else years.base_year


def _reading(row: Row, cells: dict[int, Printed], column: int | None, year: int | None) -> Reading:
    printed = cells.get(column) if column is not None else None
    if printed is None or column is None:
        return Reading(year)
    other = year_of(printed.aside) if printed.aside and "年" in printed.aside else None
    place = row.cells[column].place if column in row.cells else None
    return Reading(other or year, printed.value, printed.text or None, printed.bound, printed.low, printed.high, place)


def _doubts_of(item: Indicator, columns: Columns, row: Row, brackets: Brackets) -> list[Doubt]:
    doubts: list[Doubt] = []
    if item.target.bound in BOUND_WORDS and item.target.text:
        doubts.append(_doubt(item, f"{BOUND_WORDS[item.target.bound]}: {item.target.text}", "target-bound"))
    if item.growth_bound == "words":
        doubts.append(_doubt(item, f"the growth is words, not a number: {item.growth_text}", "target-bound"))
    if item.unit is None:
        ratio = " (its name asks for %)" if _RATIO.search(item.name) else ""
        doubts.append(_doubt(item, f"no unit is printed{ratio}", "unit-missing"))
    if item.no is None and columns.first("no") is not None:
        doubts.append(_doubt(item, "no number is printed", "number-missing"))
    texts = [compact(half_width(columns.text(row, column))) for column in columns.of("year", "base", "target", "sum")]
    unknown = {
        text[0]
        for text in texts
        if text and text[0] in BRACKETS and text[0] not in brackets.cumulative and text[-1] in BRACKETS.values()
    }
    doubts += [
        _doubt(item, f"no note says what the bracket {sign} means", "bracket-unexplained") for sign in sorted(unknown)
    ]
    odd = {read_value(text).unit for text in texts} - {None, "%" if item.target.bound == "rise" else None}
    for unit in sorted(unit for unit in odd if unit and item.unit and comparable(unit, item.unit) is None):
        doubts.append(_doubt(item, f"a value is printed with {unit}, the row with {item.unit}", "unit-conflict"))
    texts.append(item.growth_text or "")
    if all(not text or is_dash(text) for text in texts):
        doubts.append(_doubt(item, "no value is printed at all", "no-value"))
    return doubts


def _doubt(item: Indicator, why: str, rule: str) -> Doubt:
    return Doubt(item.name, why, item.place, rule)
