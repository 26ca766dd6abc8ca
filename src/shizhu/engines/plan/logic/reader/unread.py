"""Tables that are announced or drawn but could not be read: which, and why."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Doubt, Place
from shizhu.engines.plan.logic.reader.fit import is_number
from shizhu.engines.plan.logic.reader.lines import Line, Pages, compact
from shizhu.engines.plan.logic.reader.rows import is_rule
from shizhu.engines.plan.logic.reader.tables import Table

_CAPTION = re.compile(
    r"(?:附?表|附件|专栏)\s*[\d一二三四五六七八九十]*[-—.\d]*\s*[:：]?.{0,40}(?:指标体系|指标表?|任务分解表|任务清单|项目表|项目清单|一览表|分工表)"
)
_NUMBERED = re.compile(r"(?:附?表|附件|专栏)[\d一二三四五六七八九十]")
_SPACED = re.compile(r"\s{3,}|\t")
_PIPED = re.compile(r"[|｜│].*[|｜│]")


def unread_tables(pages: Pages, tables: Sequence[Table]) -> list[Doubt]:
    """List captions without a table below them, drawn tables nobody read, and tables without rows."""
    covered = {number for table in tables for number in range(table.place.first, table.end + 1)}
    doubts = [
        Doubt(table.caption or "table", "its headings were read but no row below them", table.place, "table-unread")
        for table in tables
        if not table.rows
    ]
    doubts += [_drawn(run) for run in [*_runs(pages, covered), *spaced_rows(pages, covered)]]
    for index, line in enumerate(pages.lines):
        if line.text and line.number not in covered and len(line.text) <= 40 and _is_caption(pages.lines, index):
            doubt = _without_table(pages.lines, index, covered)
            doubts += [doubt] if doubt else []
    return doubts


def spaced_rows(pages: Pages, covered: set[int]) -> list[list[Line]]:
    """Return runs of lines with three cells or more, numbers among them, that belong to no table."""
    runs: list[list[Line]] = [[]]
    for line in pages.lines:
        cells = _SPACED.split(line.raw.strip()) if line.number not in covered else []
        if len(cells) > 2 and not _PIPED.search(line.text):
            runs[-1].append(line)
        elif line.text and runs[-1]:
            runs.append([])
    return [run for run in runs if sum(any(map(is_number, _SPACED.split(line.raw.strip()))) for line in run) > 1]


def _is_caption(lines: Sequence[Line], index: int) -> bool:
    """Whether a line is the caption of a table: it says so, or it is numbered as one and an image follows."""
    text = compact(lines[index].text)
    below = next((line for line in lines[index + 1 : index + 5] if line.text or line.cut), None)
    image = below is not None and below.cut and not below.text
    return bool(_CAPTION.match(text) or (image and _NUMBERED.match(text) and text[-1] not in "。；，"))


def _runs(pages: Pages, covered: set[int]) -> list[list[Line]]:
    """Return runs of two or more lines drawn with | that belong to no table."""
    runs: list[list[Line]] = [[]]
    for line in pages.lines:
        if _PIPED.search(line.text) and line.number not in covered:
            runs[-1].append(line)
        elif line.text and runs[-1]:
            runs.append([])
    return [run for run in runs if sum(1 for line in run if not is_rule(line)) > 1 and _has_cells(run)]


def _has_cells(run: Sequence[Line]) -> bool:
    """Whether the lines have several cells each: a frame around one cell is a box, not a table."""
    return any(len([cell for cell in re.split(r"[|｜│]", line.text) if cell.strip(" -:")]) > 1 for line in run)


def _drawn(run: Sequence[Line]) -> Doubt:
    headings = run[0].text.strip("|｜│ ")
    return Doubt(
        headings[:60], "a table with headings we do not know", Place(run[0].number, run[-1].number), "table-unread"
    )


def _without_table(lines: Sequence[Line], index: int, covered: set[int]) -> Doubt | None:
    """A caption must have its table within the next lines; an image there explains why not."""
    below: list[Line] = []
    for line in lines[index + 1 : index + 12]:
        if line.text and (line.number in covered or (is_boundary(line.text) and below)):
            break
        below.append(line)
    reached = index + 1 + len(below)
    if reached < len(lines) and lines[reached].number in covered:
        return None
    if len([line for line in below if line.text]) > 6 and not any(line.cut for line in below[:3]):
        return None
    why = (
        "the table is printed as an image"
        if any(line.cut for line in below)
        else "no table could be read below this caption"
    )
    return Doubt(lines[index].text, why, Place(lines[index].number, lines[index].number), "table-unread")
