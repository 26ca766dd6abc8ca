"""Tables that print their headings in the first column: all names in one row, all targets in the next."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.alignment import Body, Slot, Token
from shizhu.engines.plan.logic.reader.headers import Header, is_header
from shizhu.engines.plan.logic.reader.lines import Line, compact
from shizhu.engines.plan.logic.reader.rows import Piece, is_piped, is_rule, split
from shizhu.engines.plan.logic.reader.vocabulary import heading_of, role_of

_BY_YEAR = re.compile("年份|年度|时间|时期")  # a row is what one year brings


def crosswise(lines: Sequence[Line], start: int) -> tuple[Header, Body] | None:
    """Read such a table whose names stand in this line, or return None."""
    names = _cells(lines[start])
    led = bool(names) and (role_of(names[0].text) == "name" or _BY_YEAR.fullmatch(compact(names[0].text)))
    if len(names) < 3 or not led or any(role_of(piece.text) for piece in names[1:]):
        return None
    told, last = [(lines[start].number, names)], start
    for index in range(start + 1, len(lines)):
        line = lines[index]
        if not line.text or is_rule(line):
            continue
        cells = _cells(line)
        if len(cells) != len(names) or role_of(cells[0].text) in {None, "name"}:
            break
        told.append((line.number, cells))
        last = index
    headings = tuple(heading_of("指标" if cells is names else cells[0].text) for _, cells in told)
    if not is_header([heading.role for heading in headings], least=2):
        return None
    slots = [
        Slot(
            {place: [Token(cells[column].text, line)] for place, (line, cells) in enumerate(told) if cells[column].text}
        )
        for column in range(1, len(names))
        if names[column].text
    ]
    return Header(headings, start, start), Body(slots, [], last, headings)


def _cells(line: Line) -> list[Piece]:
    return split(line, "pipe") if is_piped(line) else []
