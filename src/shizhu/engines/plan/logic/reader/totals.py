"""Rows of tables that add up the others (合计): whether they do."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.document import Contradiction, Statement
from shizhu.engines.plan.logic.reader.lines import compact
from shizhu.engines.plan.logic.reader.tables import Row, Table
from shizhu.engines.plan.logic.reader.values import read_value

_TOTAL = re.compile(r"[总合]计[:：]?")
_PART = re.compile(r"小计[:：]?|[（(]?[一二三四五六七八九十]{1,3}[)）]?、?")
_ADDED = frozenset({"money", "other", "year", "sum"})


def check_totals(table: Table) -> list[Contradiction]:
    """Return the columns whose last row is a total that the rows above do not make."""
    if len(table.rows) < 3 or not _says(table.rows[-1], _TOTAL):
        return []
    rows = [row for row in table.rows[:-1] if not _says(row, _PART)]
    if len(rows) != len([row for row in rows if row.group is None]) and len(rows) != len(table.rows) - 1:
        return []
    found = [_of_column(table, index, rows) for index in range(len(table.headings))]
    return [item for item in found if item]


def _says(row: Row, words: re.Pattern[str]) -> bool:
    texts = [compact(cell.text) for _, cell in sorted(row.cells.items()) if cell.text]
    return any(words.fullmatch(text) for text in texts[:2])


def _of_column(table: Table, index: int, rows: Sequence[Row]) -> Contradiction | None:
    heading, last = table.headings[index], table.rows[-1]
    if heading.role not in _ADDED or index not in last.cells:
        return None
    values = [read_value(row.cells[index].text).value if index in row.cells else None for row in rows]
    printed = read_value(last.cells[index].text).value
    if printed is None or None in values or len(values) < 2:
        return None
    total = round(sum(value or 0 for value in values), 6)
    decimals = len(last.cells[index].text.partition(".")[2])
    if abs(total - printed) <= 0.5 * 10**-decimals + 1e-9:
        return None
    unit = heading.aside
    said = Statement(printed, unit, heading.year, last.cells[index].place, last.cells[index].text)
    made = Statement(total, unit, heading.year, rows[0].place.join(rows[-1].place), f"{total}")
    note = f"the rows make {total}, the total printed is {printed}"
    return Contradiction(heading.title, (made, said), note, "table-sum")
