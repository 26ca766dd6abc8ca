"""Tables that were flattened to one cell, or a piece of a cell, per line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from shizhu.engines.plan.logic.reader.alignment import Body, Grid, Token, align, has_numbered_names
from shizhu.engines.plan.logic.reader.boundaries import CONTINUED, caption_above, is_boundary
from shizhu.engines.plan.logic.reader.headers import Header
from shizhu.engines.plan.logic.reader.lines import Line, compact
from shizhu.engines.plan.logic.reader.vocabulary import Heading, heading_of

_BARE_YEAR = re.compile(r"20\d{2}年?")
_VALUES = frozenset({"year", "base", "target", "growth", "sum"})
_FAMILIES = {"target": _VALUES, "base": _VALUES, "lead": frozenset({"lead", "support"})}


def rows_of_cells(lines: Sequence[Line], header: Header) -> Body:
    """Cut the cells below the headings into rows; of several readings of the headings the one that fits best wins."""
    tokens = _without_repeated_headers(_loose_tokens(lines, header), header)
    numbered = has_numbered_names(tokens)
    readings = [(align(tokens, Grid(headings, numbered)), headings) for headings in _readings(header.headings)]
    best, headings = max(readings, key=lambda reading: reading[0].score)
    last = max((token.line for token in tokens[: best.used]), default=lines[header.last].number)
    return Body(best.rows, best.skipped, last - 1, headings)


def _readings(headings: tuple[Heading, ...]) -> list[tuple[Heading, ...]]:
    """A heading over several columns (规划目标 over 2025年, 年均) is no column; those under it may come last.

    And a year above 目标值 may be one heading on two lines, or two headings.
    """
    readings = [headings, _with_years_joined(headings)]
    kinds = [index for index, heading in enumerate(headings) if heading.role == "kind"]
    if len(kinds) > 1:  # 指标类型 for groups, 指标属性 for kinds
        readings.append((*headings[: kinds[0]], replace(headings[kinds[0]], role="group"), *headings[kinds[0] + 1 :]))
    for index, heading in enumerate(headings):
        rest = headings[index + 1 :]
        under = _trailing([other for other in rest if other.year is None], _VALUES)
        if heading.role == "year" and 1 < under < len(rest) and rest[0].role not in _VALUES:  # 2025年 over 目标值, 累计
            below = [
                heading_of(heading.title + other.title) if other.role == "target" else other for other in rest[-under:]
            ]
            readings.append((*headings[:index], *below, *rest[:-under]))
        family = _FAMILIES.get(heading.role)
        if family is None or heading.year is not None:
            continue
        if len(rest) > 1 and rest[0].role in family and rest[1].role in family:
            readings.append((*headings[:index], *rest))
        under = _trailing(rest, family)
        if 1 < under < len(rest):
            readings.append((*headings[:index], *rest[-under:], *rest[:-under]))
            before = tuple(other for other in headings[:index] if other.year or other.role not in {"base", "target"})
            readings.append((*before, *rest[-under:], *rest[:-under]))
    return readings


def _with_years_joined(headings: tuple[Heading, ...]) -> tuple[Heading, ...]:
    joined: list[Heading] = []
    for heading in headings:
        below = heading.role in {"base", "target"} and heading.year is None
        if below and joined and _BARE_YEAR.fullmatch(joined[-1].title):
            joined[-1] = heading_of(joined[-1].title + heading.title)
        else:
            joined.append(heading)
    return tuple(joined)


def _trailing(headings: Sequence[Heading], family: frozenset[str]) -> int:
    """Return how many of the last headings are of one family."""
    return len(list(takewhile(lambda heading: heading.role in family, reversed(headings))))


def _loose_tokens(lines: Sequence[Line], header: Header) -> list[Token]:
    """Every line up to the next boundary is a token; in a marked table an indented empty line is an empty cell."""
    caption = compact(caption_above(lines, header.first))
    tokens: list[Token] = []
    after_blank = False
    for line in lines[header.last + 1 :]:
        if line.text and is_boundary(line.text) and compact(line.text) != caption:
            break
        if line.text and compact(line.text) != caption and not CONTINUED.fullmatch(compact(line.text)):
            opens = line.indented if header.marked else None
            for part in [part.strip() for part in line.raw.split("\t") if part.strip()]:
                tokens.append(Token(_unmarked(part, line), line.number, opens, after_blank))
        elif header.marked and line.raw and not line.debris and not line.text:
            tokens.append(Token("", line.number, opens=True))
        after_blank = line.blank and not line.debris
    return tokens


def _unmarked(part: str, line: Line) -> str:
    """Return the part without markdown signs where the whole line is one part."""
    return line.text if part == line.raw.strip() else part


def _without_repeated_headers(tokens: list[Token], header: Header) -> list[Token]:
    """Drop the headings that a page break printed again."""
    kept: list[Token] = []
    index = 0
    while index < len(tokens):
        size = _repeated(tokens[index : index + 4 * len(header.headings)], header.printed)
        if size:
            index += size
        else:
            kept.append(tokens[index])
            index += 1
    return kept


def _repeated(tokens: Sequence[Token], printed: str) -> int:
    text = ""
    for count, token in enumerate(tokens, 1):
        text += compact(token.text)
        if text and text == printed:
            return count
        if not printed.startswith(text):
            return 0
    return 0
