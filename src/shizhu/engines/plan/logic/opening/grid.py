"""The grid of a table: every place of every row, merged cells printed in all the places they cover."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shizhu.engines.plan.logic.opening.opened import Sheet

_NOTE = re.compile(r"\s*(?:注|备注|说明|资料来源|数据来源)\s*\d*\s*[:：]")


@dataclass(frozen=True)
class Slot:
    """One place of a grid: the text of the cell that covers it, and whether that cell begins here."""

    text: str = ""
    begins: bool = False


Grid = list[list[Slot]]


def squared(rows: Grid) -> Grid:
    """Return the grid with rows of one length, without columns that are none.

    A column nothing begins in comes of cells drawn a little apart; one that holds the same as the column before it in
    every row is the rest of merged cells.
    """
    width = max((len(row) for row in rows), default=0)
    full = [[*row, *[Slot()] * (width - len(row))] for row in rows]
    kept: list[int] = []
    for index in range(width):
        column = [row[index] for row in full]
        begun = sum(slot.begins for slot in column)
        same = bool(kept) and [slot.text for slot in column] == [row[kept[-1]].text for row in full]
        if begun and not (same and begun < len(full)):
            kept.append(index)
    return [[row[index] for index in kept] for row in full]


def without_repeated_head(rows: Grid, before: Grid) -> Grid:
    """Return the rows of a table that a new page carries on, without the headings printed again."""
    texts, first = ([[slot.text for slot in row] for row in grid] for grid in (rows, before))
    repeated = 0
    while repeated < min(4, len(texts), len(first)) and texts[repeated] == first[repeated]:
        repeated += 1
    return rows[repeated:]


def write_down(sheet: Sheet, rows: Grid, *, goes_on: bool = False) -> None:
    """Write a table down: a title over its whole width, and notes at its foot, are lines of their own.

    `goes_on`: it carries on the one above, and what stands over its whole width is the name of a group of rows.
    """
    first, last = 0, len(rows)
    while not goes_on and first < last and (title := _over_all(rows[first])) is not None:
        sheet.add(title)
        first += 1
    notes: list[str] = []
    while last > first and (note := _over_all(rows[last - 1])) is not None and _NOTE.match(note):
        notes.insert(0, note)
        last -= 1
    sheet.add_rows([slot.text for slot in row] for row in rows[first:last])
    sheet.add("")
    for note in notes:
        sheet.add(note)


def _over_all(row: Sequence[Slot]) -> str | None:
    """Return the text of a row that is one cell, or None."""
    return row[0].text if row and row[0].text and sum(slot.begins for slot in row) == 1 and row[0].begins else None
