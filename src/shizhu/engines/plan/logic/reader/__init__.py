"""Reads a county's plan given as plain text into structured facts: indicators, tasks, boxes, and what does not fit.

`read(text)` is the whole of it. The text goes through these steps, one module each:
lines (debris out) → tables (headers, rows, alignment) → indicators, tasks (owners), boxes → outline → facts →
contradictions, arithmetic. Nothing is known of any one place or plan.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from shizhu.engines.plan.logic.reader.arithmetic import check_structures, check_sums
from shizhu.engines.plan.logic.reader.boxes import read_boxes
from shizhu.engines.plan.logic.reader.clauses import read_clauses
from shizhu.engines.plan.logic.reader.columns import Columns, columns_of, purpose_of
from shizhu.engines.plan.logic.reader.confidence import sure_of_indicators, sure_of_tasks
from shizhu.engines.plan.logic.reader.contradictions import compare
from shizhu.engines.plan.logic.reader.document import (
    Box,
    BoxItem,
    Clause,
    Contradiction,
    Doubt,
    Indicator,
    Period,
    Place,
    PlanDocument,
    Reading,
    Statement,
    Task,
)
from shizhu.engines.plan.logic.reader.fact import Term
from shizhu.engines.plan.logic.reader.facts import read_facts
from shizhu.engines.plan.logic.reader.indicators import read_indicators
from shizhu.engines.plan.logic.reader.labelled import is_another_list, numbered, read_labelled_tasks, with_labels
from shizhu.engines.plan.logic.reader.lines import half_width, split_lines
from shizhu.engines.plan.logic.reader.outline import Passage, read_passages, read_title, told_on
from shizhu.engines.plan.logic.reader.owners import owner_doubts
from shizhu.engines.plan.logic.reader.sentences import YEARLY, doubled, read_targets
from shizhu.engines.plan.logic.reader.spans import year_doubts
from shizhu.engines.plan.logic.reader.tables import Table, find_tables
from shizhu.engines.plan.logic.reader.targets import target_doubts
from shizhu.engines.plan.logic.reader.tasks import read_tasks
from shizhu.engines.plan.logic.reader.totals import check_totals
from shizhu.engines.plan.logic.reader.unread import spaced_rows, unread_tables
from shizhu.engines.plan.logic.reader.years import only_year, span_of, year_of

__all__ = [
    "YEARLY",
    "Box",
    "BoxItem",
    "Clause",
    "Contradiction",
    "Doubt",
    "Indicator",
    "Period",
    "Place",
    "PlanDocument",
    "Reading",
    "Statement",
    "Task",
    "read",
]


@dataclass
class _Rows:
    """What the tables gave."""

    indicators: list[Indicator] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    contents: list[Passage] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def read(text: str, unread: Sequence[Doubt] = ()) -> PlanDocument:
    """Read a plan; `unread` is what its file holds beside the text.

    Text that holds no plan gives a document with nothing in it, never an error.
    """
    pages = split_lines(text)
    title = read_title(pages)
    tables = find_tables(pages.lines)
    span = span_of(title)
    year = None if span else year_of(title) or told_on(pages)
    rows = _read_rows(tables, span, year)
    boxes, box_doubts = read_boxes(pages, tables)
    taken = {number for table in tables for number in range(table.place.first, table.end + 1)}
    spaced = {line.number for run in spaced_rows(pages, taken) for line in run}
    passages = read_passages(pages, taken | spaced) + rows.contents
    labelled, left = read_labelled_tasks(passages, year)
    if rows.tasks and is_another_list(rows.tasks, labelled):
        rows.tasks, rows.doubts = numbered([*labelled, *rows.tasks]), rows.doubts + left
    elif rows.tasks:
        rows.tasks = with_labels(rows.tasks, labelled)
    else:
        rows.tasks, rows.doubts = labelled, rows.doubts + left
    term = _term(rows.indicators, span or ((year, year) if year else None))
    facts = read_facts(passages, term, title)
    compared, summed = compare(rows.indicators, facts), check_sums(rows.indicators, facts)
    named = [(owner, task.place) for task in rows.tasks for owner in task.owners]
    doubts = [
        *unread,
        *rows.doubts,
        *box_doubts,
        *owner_doubts(named),
        *unread_tables(pages, tables),
        *compared.doubts,
        *target_doubts(facts, passages),
        *summed.doubts,
    ]
    totals = [item for table in tables for item in check_totals(table)]
    mentioned, targets = read_targets(facts, rows.indicators, term)
    doubts += doubled(targets, mentioned) + year_doubts(span, rows.indicators, rows.tasks, facts)
    clauses = read_clauses(pages, passages, tables, boxes, mentioned, rows.tasks, labelled, facts, term)
    contradictions = [*compared.contradictions, *summed.contradictions, *check_structures(passages), *totals]
    return PlanDocument(
        title=title, indicators=sure_of_indicators([*mentioned, *targets], tables, doubts, contradictions),
        tasks=sure_of_tasks(rows.tasks, tables, doubts), boxes=tuple(boxes),
        contradictions=tuple(sorted(contradictions, key=lambda item: item.readings[0].place)),
        unsure=tuple(sorted(dict.fromkeys(doubts), key=lambda doubt: doubt.place)), clauses=tuple(clauses),
    )  # fmt: skip


def _read_rows(tables: Sequence[Table], span: tuple[int, int] | None, year: int | None) -> _Rows:
    rows = _Rows()
    for table in tables:
        columns = columns_of(table)
        purpose = purpose_of(columns)
        if purpose == "indicators":
            indicators, doubts = read_indicators(columns, span, len(rows.indicators))
            rows.indicators += indicators
        elif purpose == "tasks":
            tasks, doubts = read_tasks(columns, len(rows.tasks), year or only_year(table.caption))
            rows.tasks += tasks
            rows.contents += _contents(columns)
        else:
            doubts = [
                Doubt(
                    table.caption or "table",
                    "a table that is neither of indicators nor of tasks",
                    table.place,
                    "table-other",
                )
            ]
        rows.doubts += doubts + _left_out(table)
    return rows


def _contents(columns: Columns) -> list[Passage]:
    """The sentences in the cells of a task table state quantities too."""
    cells = [
        row.cells[column]
        for row in columns.table.rows
        for column in columns.of("content", "name")
        if column in row.cells
    ]
    return [
        Passage(half_width(cell.text), cell.text, (0,), (cell.place.first,), "other", in_table=True) for cell in cells
    ]


def _left_out(table: Table) -> list[Doubt]:
    why = f"this text stands inside the table {table.caption} and fits no cell".replace("  ", " ")
    lines: dict[int, list[str]] = {}
    for token in table.left_out:
        lines.setdefault(token.line, []).append(token.text)
    return [Doubt(" ".join(texts), why, Place(line, line), "table-left-out") for line, texts in lines.items()]


def _term(indicators: Sequence[Indicator], span: tuple[int, int] | None) -> Term:
    """The years of sentences that name none: those of the indicator table, else those of the title."""
    bases = [item.base.year for item in indicators if item.base.year]
    targets = [item.target.year for item in indicators if item.target.year]
    base = max(bases, key=bases.count) if bases else (span[0] - 1 if span else None)
    target = max(targets, key=targets.count) if targets else (span[1] if span else None)
    return Term(base, target)
