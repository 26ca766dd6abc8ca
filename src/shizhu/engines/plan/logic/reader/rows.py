"""Tables that print a row per line: cells parted by | or tabs or wide gaps, or by single spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.headers import Header, is_header
from shizhu.engines.plan.logic.reader.lines import Line, compact
from shizhu.engines.plan.logic.reader.vocabulary import Heading, heading_of, role_of

_PIPE = re.compile(r"[|｜│┃]")
_RULE = re.compile(r"[\s|｜│┃:+＋\-—─━═=┼├┤┌┐└┘┬┴╋┠┨┏┓┗┛┳┻]+")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
_PARTINGS: dict[str, re.Pattern[str]] = {
    "tab": re.compile(r"\t"),
    "tabs": re.compile(r"\t+"),
    "gap": re.compile(r"(?:[ \u3000]{2,}|\t+|\u3000)"),
    "space": re.compile(r"[ \u3000\t]+"),
}


@dataclass(frozen=True)
class Piece:
    """One cell of a line and the screen column where it begins."""

    text: str
    offset: int


def layout_of(line: Line) -> str | None:
    """Return how a line that can be headings parts its cells: "pipe", "tab", "tabs", "gap" or "space"."""
    layouts = ("pipe",) if len(_PIPE.findall(line.text)) >= 2 else ("tab", "tabs", "gap", "space")
    for layout in layouts:
        pieces = [piece for piece in split(line, layout) if piece.text]
        roles = [role_of(piece.text) or "other" for piece in pieces]
        if is_header(roles, least=4 if layout == "space" else 2) and (layout == "pipe" or len(pieces) >= 3):
            return "tabs" if layout == "tab" and any(not piece.text for piece in split(line, layout)) else layout
    return None


def split(line: Line, layout: str) -> list[Piece]:
    """Split a line into its cells; empty cells between two | or two tabs are kept."""
    if layout == "pipe":
        body = re.sub(r"^[|｜│┃]|[|｜│┃]$", "", line.text)
        return [Piece(_plain(cell), 0) for cell in _PIPE.split(body)]
    raw = line.raw.replace("\r", "")
    start = len(raw) - len(raw.lstrip())
    pieces, position = [], start
    for parting in [*_PARTINGS[layout].finditer(raw.rstrip(" "), start), None]:
        end = parting.start() if parting else len(raw)
        pieces.append(Piece(_plain(raw[position:end]), _screen(raw[:position])))
        position = parting.end() if parting else end
    return pieces


def is_rule(line: Line) -> bool:
    """Whether the line only draws a table (|---|---|)."""
    return bool(_RULE.fullmatch(line.text)) and len(line.text) >= 3 and any(sign in line.text for sign in "-—─━═=┼+")


def row_header(lines: Sequence[Line], start: int) -> tuple[Header, str] | None:
    """Read headings printed in one line, or in two where the second fills in the first."""
    layout = layout_of(lines[start])
    if layout is None:
        return _header_in_two_lines(lines, start)
    pieces = split(lines[start], layout)
    if layout not in {"pipe", "tab"}:
        pieces = [piece for piece in pieces if piece.text]
    last = start
    following = _next(lines, start)
    if following is not None:
        merged = _with_second_line(pieces, split(lines[following], layout), layout)
        if merged:
            pieces, last = merged, following
    return Header(tuple(heading_of(piece.text, piece.offset) for piece in pieces), start, last), layout


def _header_in_two_lines(lines: Sequence[Line], start: int) -> tuple[Header, str] | None:
    """Two lines may make a header that neither is: 目标 above 2025年 and 年均."""
    following = _next(lines, start)
    if following is None or len(_PIPE.findall(lines[start].text)) < 2 or is_rule(lines[start]):
        return None
    merged = _with_second_line(split(lines[start], "pipe"), split(lines[following], "pipe"), "pipe")
    headings = tuple(heading_of(piece.text) for piece in merged or ())
    if not is_header([heading.role for heading in headings], least=3):
        return None
    return Header(headings, start, following), "pipe"


def _next(lines: Sequence[Line], start: int) -> int | None:
    """Return the line after the headings, past a rule."""
    for index in range(start + 1, min(start + 4, len(lines))):
        if lines[index].text and not is_rule(lines[index]):
            return index
    return None


def _with_second_line(first: list[Piece], second: list[Piece], layout: str) -> list[Piece] | None:
    """Join a second line of headings to the first, or return None if it is no heading line."""
    filled = [piece for piece in second if piece.text]
    if not filled or (not any(role_of(piece.text) for piece in filled) and not _mends(first, filled)):
        return None
    if layout in {"pipe", "tab"}:
        if len(first) != len(second):
            return None
        return _stacked(first, second)
    if len(filled) >= len(first) and not all(role_of(piece.text) for piece in filled):
        return None
    if any(role_of(piece.text) is None and len(piece.text) > 6 for piece in filled) or re.match(
        r"\d{1,2}\b(?!\s*年)", filled[0].text
    ):
        return None
    joined = list(first)
    for piece in filled:
        nearest = min(range(len(first)), key=lambda index: abs(first[index].offset - piece.offset))
        joined[nearest] = replace(joined[nearest], text=joined[nearest].text + piece.text)
    return joined


def _mends(first: list[Piece], filled: list[Piece]) -> bool:
    """Whether every piece of the second line completes a heading of the first (指标 and 属性)."""
    return all(any(role_of(above.text + piece.text) for above in first) for piece in filled)


def _stacked(first: list[Piece], second: list[Piece]) -> list[Piece] | None:
    """Join two heading rows cell by cell; a heading over several columns is repeated over them."""
    joined: list[Piece] = []
    above = ""
    for upper, lower in zip(first, second, strict=True):
        above = upper.text or (above if lower.text else "")
        parts = [upper.text] if upper.text == lower.text else [upper.text or above, lower.text]
        joined.append(replace(upper, text=_title(parts)))
    plain = sum(1 for piece in second if piece.text and role_of(piece.text) is None and not _fits_under(joined, piece))
    return None if plain else joined


def _title(parts: list[str]) -> str:
    """Prefer the lower heading alone where both together are none we know."""
    both = "".join(part for part in parts if part)
    return both if role_of(both) or not parts[-1] or role_of(parts[-1]) is None else parts[-1]


def _fits_under(joined: list[Piece], piece: Piece) -> bool:
    return any(piece.text in cell.text and role_of(cell.text) for cell in joined)


def same_header(cells: Sequence[str], headings: Sequence[Heading]) -> bool:
    """Whether these cells repeat the headings (a table carried on over a page)."""
    return compact("".join(cells)) == "".join(heading.title for heading in headings)


def _plain(cell: str) -> str:
    return _BREAK.sub("", cell).strip()


def _screen(text: str) -> int:
    """Return the width of a text on the screen: a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text.expandtabs(8))
