"""Rows and columns of tables that add up the others (合计): whether they do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.document import Contradiction, Statement
from shizhu.engines.plan.logic.reader.lines import compact
from shizhu.engines.plan.logic.reader.tables import Cell, Row, Table
from shizhu.engines.plan.logic.reader.values import is_dash, read_value

_TOTAL = re.compile(r"[总合共]计[:：]?|全[县市区州旗省](?:[合总]计)?")
_SUBTOTAL = re.compile(r"小计[:：]?")
_PART = re.compile(r"小计[:：]?|[（(]?[一二三四五六七八九十]{1,3}[)）]?、?|其中[:：].*")
_ADDED = frozenset({"money", "other", "year", "sum", "target"})
_NO_SUM = re.compile(r"率|比例|比重|占比|均|增速|增幅|增长|单价|标准|强度|序号|%")  # what is never added up
_SUM_OF_ROW = re.compile(r"[总合共小]计(?:[（(].*)?|总[数量](?:[（(].*)?")


def check_totals(table: Table) -> list[Contradiction]:
    """Return the totals, below, above or beside what they add up, that it does not make."""
    return [*_of_rows(table), *_of_columns(table)]


def _of_rows(table: Table) -> list[Contradiction]:
    """A row of totals (合计), the first or the last one, against the others, and 小计 against the rows above it."""
    if len(table.rows) < 3:
        return []
    at = next((index for index in (-1, 0) if _says(table.rows[index], _TOTAL)), None)
    found: list[Contradiction] = []
    if at is not None:
        others = table.rows[1:] if at == 0 else table.rows[:-1]
        rows = [row for row in others if not _says(row, _PART)]
        if len(rows) == len([row for row in rows if row.group is None]) or len(rows) == len(others):
            found += _columns_of(table, rows, table.rows[at])
    begun = 0 if at != 0 else 1
    for index, row in enumerate(table.rows):
        if _says(row, _SUBTOTAL):
            found += _columns_of(table, table.rows[begun:index], row)
            begun = index + 1
    return found


def _columns_of(table: Table, rows: Sequence[Row], total: Row) -> list[Contradiction]:
    return [item for index in range(len(table.headings)) if (item := _of_column(table, index, rows, total))]


def _of_columns(table: Table) -> list[Contradiction]:
    """A column of totals (合计) against the years beside it, where it adds them up in most of the rows."""
    years = [index for index, heading in enumerate(table.headings) if heading.role == "year" and heading.year]
    summed = [index for index, heading in enumerate(table.headings) if _SUM_OF_ROW.fullmatch(compact(heading.title))]
    if len(summed) != 1 or len({table.headings[index].year for index in years}) != len(years) or len(years) < 2:
        return []
    found, right = [], 0
    for row in table.rows:
        own = row.cells.get(summed[0])
        made = [row.cells[index] for index in years if index in row.cells]
        if own is None or not made:
            continue
        item = _compared(table, summed[0], made, own, f"{compact(_name_of(row))}{table.headings[summed[0]].title}")
        found += [item] if item else []
        right += item is None and read_value(own.text).value is not None
    return found if right > len(found) else []


def _name_of(row: Row) -> str:
    texts = [cell.text for _, cell in sorted(row.cells.items()) if cell.text]
    return next((text for text in texts if read_value(text).value is None), texts[0])


def _says(row: Row, words: re.Pattern[str]) -> bool:
    texts = [compact(cell.text) for _, cell in sorted(row.cells.items()) if cell.text]
    return any(words.fullmatch(text) for text in texts[:2])


def _of_column(table: Table, index: int, rows: Sequence[Row], total: Row) -> Contradiction | None:
    heading = table.headings[index]
    if heading.role not in _ADDED or _NO_SUM.search(heading.title) or index not in total.cells:
        return None
    if any(index not in row.cells for row in rows):
        return None
    return _compared(table, index, [row.cells[index] for row in rows], total.cells[index], heading.title)


def _compared(table: Table, index: int, cells: Sequence[Cell], total: Cell, subject: str) -> Contradiction | None:
    """Compare a total with the cells it adds up, where all of these are numbers or dashes."""
    values = [0 if is_dash(cell.text) else read_value(cell.text).value for cell in cells]
    printed = read_value(total.text).value
    if printed is None or None in values or sum(1 for value in values if value) < 2:
        return None
    made = round(sum(value or 0 for value in values), 6)
    decimals = len(total.text.partition(".")[2])
    if abs(made - printed) <= 0.5 * 10**-decimals + 1e-9:
        return None
    heading, place = table.headings[index], cells[0].place.join(cells[-1].place)
    unit = heading.aside or table.unit
    parts = Statement(made, unit, heading.year, place, f"{made}")
    said = Statement(printed, unit, heading.year, total.place, total.text)
    note = (
        f"the {'columns' if place.first == total.place.first else 'rows'} make {made}, the total printed is {printed}"
    )
    return Contradiction(subject, (parts, said), note, "table-sum")
