"""Tasks and projects (重点任务、重点项目) out of their tables."""

from __future__ import annotations

import re
from dataclasses import replace

from shizhu.engines.plan.logic.reader.columns import Columns, empty_doubts, numbering_doubts
from shizhu.engines.plan.logic.reader.document import Doubt, Period, Task
from shizhu.engines.plan.logic.reader.fit import LED_NAME
from shizhu.engines.plan.logic.reader.lines import compact, half_width
from shizhu.engines.plan.logic.reader.numbering import marker_of, number_of
from shizhu.engines.plan.logic.reader.owners import LED, read_shares
from shizhu.engines.plan.logic.reader.tables import Row
from shizhu.engines.plan.logic.reader.values import is_dash
from shizhu.engines.plan.logic.reader.years import period_of

_GAP = re.compile(r"(?<=[^\x00-\x7f])\s+(?=[^\x00-\x7f])")
_COUNT = re.compile(r"[（(](?:共)?\s*\d+\s*[个项类大]?\w{0,3}[)）]$")
_TITLED = re.compile(r"^([^。：:；，,]{2,24})[。：:](.{4,})$")


def read_tasks(columns: Columns, count: int, year: int | None) -> tuple[list[Task], list[Doubt]]:
    """Read the rows of a task table; `count` is how many tasks came before, `year` that of a plan of one year."""
    tasks: list[Task] = []
    doubts: list[Doubt] = []
    carried: str | None = None
    for row in columns.table.rows:
        task = _task(columns, row, f"task-{count + len(tasks) + 1:02d}", year)
        own = columns.text(row, columns.first("class"))
        if not own and carried and not row.opens_group:
            task = replace(task, category=carried)
            why = f"the class is empty; {carried} is taken from the row above"
            doubts.append(Doubt(task.name, why, task.place, "class-carried"))
        carried = task.category if own or (carried and not row.opens_group) else None
        tasks.append(task)
        doubts += _doubts_of(task, columns)
    numbers = [(item.no, number_of(item.no), item.place) for item in tasks if item.no]
    return tasks, doubts + numbering_doubts(numbers, "task") + empty_doubts(columns)


def _task(columns: Columns, row: Row, key: str, year: int | None) -> Task:
    no, name = _named(columns, row)
    contents = columns.of("content")
    content = "\n".join(
        f"{_stage(columns, column)}{text}"
        for column in contents
        if (text := _mended(columns.text(row, column))) and not is_dash(text)
    )
    if not contents and (titled := _TITLED.match(name)):
        name, content = titled.group(1), titled.group(2)
    lead_columns = columns.of("lead") or columns.of("unit")
    support_columns = columns.of("support")
    if first := [column for column in lead_columns if LED.search(columns.heading(column).title)]:
        support_columns = [*(column for column in lead_columns if column not in first), *support_columns]
        lead_columns = first
    shares = read_shares(
        [columns.bodies(row, column) for column in lead_columns],
        [columns.bodies(row, column) for column in support_columns],
    )
    used = {columns.first("no"), columns.first("name"), columns.first("class"), *columns.of("period"), *contents,
             *lead_columns, *support_columns}  # fmt: skip
    group = columns.text(row, columns.first("class")) or row.group or columns.text(row, columns.first("group"))
    return Task(
        key=key, no=no, name=name, content=content, category=_category(group), place=row.place,
        period=_period(columns, row, year),
        owners=tuple(dict.fromkeys((*shares.leads, *shares.supports))), leads=shares.leads, supports=shares.supports,
        more=columns.more(row, used), table=columns.table.caption,
    )  # fmt: skip


def _period(columns: Columns, row: Row, year: int | None) -> Period:
    """The term of a row; a column for the beginning (开工时间) and one for the end (竣工时间) are read together."""
    told = [
        (text, columns.heading(column).title)
        for column in columns.of("period")
        if (text := columns.text(row, column)) and not is_dash(text)
    ]
    terms = [period_of(text, title, year) for text, title in told]
    if len(terms) < 2:
        return terms[0] if terms else Period()
    years = [when for term in terms for when in (term.first, term.last) if when]
    return Period("—".join(text for text, _ in told), min(years, default=None), max(years, default=None))


def _stage(columns: Columns, column: int) -> str:
    """The heading of a column that is for one year or quarter, to be told before what it holds."""
    heading = columns.heading(column)
    return f"{heading.title}：" if heading.year or "季度" in heading.title else ""


def _named(columns: Columns, row: Row) -> tuple[str | None, str]:
    name = _mended(columns.text(row, columns.first("name")))
    no = columns.text(row, columns.first("no")).strip().strip(".、．()（）") or None
    led = LED_NAME.match(half_width(name)) if no is None else None
    return (led.group(1), name[led.end() :]) if led else (no, name)


def _mended(text: str) -> str:
    """Take the gaps of broken lines out of Chinese text."""
    return _GAP.sub("", text.strip())


def _category(text: str) -> str | None:
    """Return a class without inner gaps, number and count: 水利工程 for 一、水利 工程（共3项）."""
    if not text or is_dash(text):
        return None
    marker = marker_of(text)
    return _COUNT.sub("", compact(marker.rest if marker and marker.rest else text)) or None


def _doubts_of(task: Task, columns: Columns) -> list[Doubt]:
    doubts = []
    if not task.owners and columns.first("lead", "unit", "support") is not None:
        doubts.append(Doubt(task.name, "no responsible body is printed", task.place, "owner-missing"))
    if task.period.text and task.period.first is None and task.period.last is None:
        doubts.append(Doubt(task.name, f"the term names no year: {task.period.text}", task.place, "period-unread"))
    if task.no is None and columns.first("no") is not None:
        doubts.append(Doubt(task.name, "no number is printed", task.place, "number-missing"))
    return doubts
