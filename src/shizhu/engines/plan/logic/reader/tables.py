"""Finds the tables of a plan and puts each together again, whatever way its cells were flattened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shizhu.engines.plan.logic.reader.alignment import Body, Slot, Token, joined
from shizhu.engines.plan.logic.reader.boundaries import NOTE, caption_above
from shizhu.engines.plan.logic.reader.crosswise import crosswise
from shizhu.engines.plan.logic.reader.document import Place
from shizhu.engines.plan.logic.reader.headers import Header, loose_header
from shizhu.engines.plan.logic.reader.lines import Line, half_width
from shizhu.engines.plan.logic.reader.linewise import rows_by_line
from shizhu.engines.plan.logic.reader.loose import rows_of_cells
from shizhu.engines.plan.logic.reader.numbering import marker_of
from shizhu.engines.plan.logic.reader.rows import is_rule, row_header
from shizhu.engines.plan.logic.reader.units import is_unit
from shizhu.engines.plan.logic.reader.vocabulary import Heading

_UNIT_LINE = re.compile(r".{0,40}?[(]?\s*(?:计量)?单位\s*[:：]\s*([^()、，,\s]{1,12})\s*[)]?")
_DITTO = re.compile(r"[〃″]|[“”\"]{1,2}|同上|同前")  # what stands above holds here too


@dataclass(frozen=True)
class Cell:
    """The text of one cell and the lines it is printed on."""

    text: str
    place: Place
    pieces: tuple[str, ...] = ()  # the lines it was printed on


@dataclass(frozen=True)
class Row:
    """One row: its cells by column, and the group row (一、创新投入) it stands under."""

    cells: dict[int, Cell]
    place: Place
    group: str | None = None
    opens_group: bool = False


@dataclass(frozen=True)
class Table:
    """One table: headings, rows, the notes under it, and what was left out of it."""

    caption: str
    headings: tuple[Heading, ...]
    rows: tuple[Row, ...]
    place: Place
    notes: str = ""
    unit: str | None = None
    left_out: tuple[Token, ...] = ()
    header_place: Place = field(default=Place(0, 0))
    end: int = 0  # last line with its notes


def find_tables(lines: Sequence[Line]) -> list[Table]:
    """Return all tables of the text in order."""
    tables: list[Table] = []
    index = 0
    while index < len(lines):
        table = _table_at(lines, index) if lines[index].text else None
        if table is None:
            index += 1
            continue
        tables.append(table)
        index = table.end
    return tables


def _table_at(lines: Sequence[Line], start: int) -> Table | None:
    """Read the table whose headings begin at this line, or return None."""
    across = crosswise(lines, start)
    if across:
        return _assembled(lines, *across)
    found = row_header(lines, start)
    if found:
        header, layout = found
        return _assembled(lines, header, rows_by_line(lines, header, layout))
    header_of_cells = loose_header(lines, start)
    return _assembled(lines, header_of_cells, rows_of_cells(lines, header_of_cells)) if header_of_cells else None


def _assembled(lines: Sequence[Line], header: Header, body: Body) -> Table:
    caption = caption_above(lines, header.first)
    notes, end = _notes(lines, body.last + 1)
    rows = _to_rows(body.rows)
    place = Place(lines[header.first].number, max([lines[body.last].number, *(row.place.last for row in rows)]))
    return Table(
        caption=caption, headings=body.headings, rows=tuple(rows), place=place, notes=notes,
        unit=_unit_line(lines, header.first), left_out=tuple(body.left_out),
        header_place=Place(lines[header.first].number, lines[header.last].number), end=max(end, place.last),
    )  # fmt: skip


def _to_rows(slots: list[Slot]) -> list[Row]:
    rows: list[Row] = []
    group: str | None = None
    opens = False
    for slot in slots:
        if slot.group:
            group, opens = joined(slot.group), True
            continue
        above = rows[-1].cells if rows else {}
        cells = {column: _cell(tokens) for column, tokens in slot.cells.items()}
        cells = {
            column: replace(cell, text=above[column].text, pieces=above[column].pieces)
            if column in above and _DITTO.fullmatch(cell.text)
            else cell
            for column, cell in cells.items()
        }
        places = [cell.place for cell in cells.values()]
        rows.append(Row(cells, Place(min(p.first for p in places), max(p.last for p in places)), group, opens))
        opens = False
    return rows


def _cell(tokens: list[Token]) -> Cell:
    pieces = tuple(token.text for token in tokens if token.text)
    return Cell(joined(tokens), Place(tokens[0].line, tokens[-1].line), pieces)


def _unit_line(lines: Sequence[Line], start: int) -> str | None:
    for line in lines[max(0, start - 4) : start]:
        found = _UNIT_LINE.fullmatch(half_width(line.text))
        if found and is_unit(found.group(1)):
            return found.group(1)
    return None


def _notes(lines: Sequence[Line], start: int) -> tuple[str, int]:
    """Return the notes under a table and the number of their last line."""
    notes: list[str] = []
    end = 0
    for line in lines[start:]:
        if not line.text or is_rule(line):
            continue
        is_note = bool(NOTE.match(half_width(line.text)))
        marker = marker_of(line.text)
        listed = (
            bool(notes)
            and marker is not None
            and marker.style in {"arabic", "circle", "bracket"}
            and len(line.text) <= 80
        )
        if not is_note and not listed:
            break
        notes.append(line.text.strip("| "))
        end = line.number
    return "\n".join(notes), end
