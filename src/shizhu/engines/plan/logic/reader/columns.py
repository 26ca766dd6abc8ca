"""What a table is for (indicators or tasks), and which of its columns says what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.document import Doubt, Place
from shizhu.engines.plan.logic.reader.fit import is_number
from shizhu.engines.plan.logic.reader.lines import compact
from shizhu.engines.plan.logic.reader.numbering import hans_number
from shizhu.engines.plan.logic.reader.owners import join_pieces
from shizhu.engines.plan.logic.reader.tables import Cell, Row, Table
from shizhu.engines.plan.logic.reader.values import is_dash
from shizhu.engines.plan.logic.reader.vocabulary import KIND_WORDS, VALUE_ROLES, Heading

_FLAGS = re.compile(r"[^一-鿿]+")  # ★约束性
_TOTAL = re.compile(r"(?:总|合|小|共)计[:：]?|总\s*数")
_HANS_NO = re.compile(r"[（(]?[一二三四五六七八九十]{1,3}[)）]?、?")
_WORKS = re.compile(r"(?:项目|工程)名称")
_SAID = ("content", "lead", "period", "base", "target", "year", "kind")
_SAID_OF_TASKS = frozenset({"lead", "support", "period", "content", "class", "unit"})


@dataclass(frozen=True)
class Columns:
    """The columns of one table by role; a table may have several of a role."""

    table: Table
    roles: tuple[str, ...]

    def of(self, *roles: str) -> list[int]:
        """Return the columns of these roles, in printed order."""
        return [index for index, role in enumerate(self.roles) if role in roles]

    def first(self, *roles: str) -> int | None:
        """Return the first column of the first of these roles that the table has."""
        return next((column for role in roles for column in self.of(role)), None)

    def text(self, row: Row, column: int | None) -> str:
        """Return the text of a cell; a missing column or cell is empty."""
        cell = row.cells.get(column) if column is not None else None
        return cell.text if cell else ""

    def bodies(self, row: Row, column: int) -> str:
        """Return the list of bodies in a cell, with its lines parted where one ends and the next begins."""
        cell = row.cells.get(column)
        return join_pieces(cell.pieces) if cell else ""

    def heading(self, column: int | None) -> Heading:
        """Return the heading of a column; a missing column has an empty one."""
        return self.table.headings[column] if column is not None else Heading("other", "")

    def more(self, row: Row, used: Iterable[int | None]) -> dict[str, str]:
        """Return the cells of the columns that were not used, by their headings."""
        spare = sorted(set(row.cells) - set(used))
        return {self.table.headings[column].title: row.cells[column].text for column in spare if row.cells[column].text}


def columns_of(table: Table) -> Columns:
    """Resolve headings that mean one thing among indicators and another among tasks, by what stands under them."""
    roles = [heading.role for heading in table.headings]
    for index, role in enumerate(roles):
        under = [row.cells[index] for row in table.rows if index in row.cells and row.cells[index].text]
        if role == "kind" and under and not _are_kinds(under, least=0.5):
            roles[index] = "group"
        elif role in {"class", "group"} and "kind" not in roles and _are_kinds(under):
            roles[index] = "kind"
    kinds = [index for index, role in enumerate(roles) if role == "kind"]
    filled = [index for index in kinds if any(row.cells[index].text for row in table.rows if index in row.cells)]
    roles = ["group" if index in kinds and filled and index not in filled else role for index, role in enumerate(roles)]
    if "name" not in roles:
        named = next((role for role in ("task", "content") if role in roles), None)
        if named:
            roles[roles.index(named)] = "name"
        elif roles[:2] == ["no", "other"]:
            roles[1] = "name"
    roles = ["content" if role == "task" else role for role in roles]
    if roles.count("name") > 1:
        roles = _one_name(roles, table)
    return _without_totals(Columns(table, tuple(roles)))


def _without_totals(columns: Columns) -> Columns:
    """Rows that add up (合计) are no rows, and a row numbered 一 among 1, 2, 3 names the group below it."""
    rows: list[Row] = []
    group: str | None = None
    opens = False
    for row in columns.table.rows:
        titles = [columns.text(row, column) for column in columns.of("no", "name", "class", "group")]
        if any(_TOTAL.fullmatch(compact(title)) for title in titles):
            continue
        title = next((title for title in titles[1:] if title), None)
        said = columns.text(row, columns.first(*_SAID))
        if _HANS_NO.fullmatch(columns.text(row, columns.first("no"))) and said in {"", title}:
            group, opens = title or group, True
            continue
        rows.append(replace(row, group=group or row.group, opens_group=opens or row.opens_group))
        opens = False
    return replace(columns, table=replace(columns.table, rows=tuple(rows)))


def _are_kinds(cells: Sequence[Cell], *, least: float = 1.0) -> bool:
    """Whether at least this share of the cells name a kind (约束性)."""
    named = sum(bool(KIND_WORDS.fullmatch(_FLAGS.sub("", cell.text))) for cell in cells)
    return bool(cells) and named >= least * len(cells)


def _one_name(roles: list[str], table: Table) -> list[str]:
    """Of several names (工程 beside 项目名称) the last is the row's own, the others group it."""
    names = [index for index, role in enumerate(roles) if role == "name"]
    titled = [index for index in names if "名称" in table.headings[index].title]
    own = titled[-1] if titled else names[-1]
    return ["group" if role == "name" and index != own else role for index, role in enumerate(roles)]


def purpose_of(columns: Columns) -> str:
    """Return "indicators", "tasks" or "other" for a table."""
    if columns.first("name") is None:
        return "other"
    titled = columns.heading(columns.first("name")).title
    valued = bool(VALUE_ROLES & set(columns.roles)) or (
        "growth" in columns.roles and columns.first("kind", "unit") is not None
    )
    about_tasks = "指标" not in titled and (
        bool({"content", "period"} & set(columns.roles)) or "任务" in titled or "项目" in titled
    )
    if valued and not about_tasks and _mostly_values(columns):
        return "indicators"
    of_works = bool(_WORKS.search(titled)) and bool({"money", "spot", "remark"} & set(columns.roles))
    return "tasks" if of_works or _SAID_OF_TASKS & set(columns.roles) else "other"


def _mostly_values(columns: Columns) -> bool:
    """Whether the value columns hold values; a list of works by year has the same headings and holds sentences."""
    texts = [
        columns.text(row, column)
        for row in columns.table.rows
        for column in columns.of("year", "base", "target", "growth")
    ]
    long = sum(1 for text in texts if len(text) > 16 and not is_number(text))
    return long * 3 <= len(texts)


def numbering_doubts(numbers: Sequence[tuple[str, int | None, Place]], what: str) -> list[Doubt]:
    """List numbers printed twice, left out, or out of order; a new 1 or another script (2., 二) begins a new count."""
    doubts: list[Doubt] = []
    before: int | None = None
    was_hans: bool | None = None
    for printed, value, place in numbers:
        is_hans = hans_number(printed) is not None
        if value is not None and before is not None and value != 1 and is_hans == was_hans:
            found = _out_of_step(before, value)
            if found:
                doubts.append(Doubt(f"{what} {printed}", found[1], place, found[0]))
        before, was_hans = (value, is_hans) if value is not None else (before, was_hans)
    return doubts


def _out_of_step(before: int, value: int) -> tuple[str, str] | None:
    if value == before:
        return "number-doubled", f"the number {value} is printed twice in a row"
    if value < before:
        return "number-backwards", f"the number {value} follows {before}"
    if value > before + 1:
        left = str(before + 1) if value == before + 2 else f"{before + 1} to {value - 1}"
        return "number-skipped", f"the number {left} is left out: {value} follows {before}"
    return None


_CHECKED = ("no", "kind", "unit", "year", "base", "target", "growth", "period", "content", "name")


def empty_doubts(columns: Columns) -> list[Doubt]:
    """List cells that are empty where most other rows print something, if only a dash."""
    doubts = []
    rows = columns.table.rows
    for column in columns.of(*_CHECKED):
        filled = [row for row in rows if columns.text(row, column)]
        dashes = any(is_dash(columns.text(row, column)) for row in filled)
        if len(filled) * 2 < len(rows) or len(rows) < 2:
            continue
        for row in rows:
            if not columns.text(row, column):
                title = columns.heading(column).title
                others = "print a dash" if dashes else "are filled"
                what = columns.text(row, columns.first("name")) or columns.text(row, columns.first("no"))
                place = row.cells[column].place if column in row.cells else row.place
                doubts.append(
                    Doubt(f"{what}: {title}", f"the cell is empty where other rows {others}", place, "empty-cell")
                )
    return doubts
