"""Tables that print a row per line: cells parted by | or tabs or wide gaps, or by single spaces."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

from shizhu.engines.plan.logic.reader.headers import Header, is_header
from shizhu.engines.plan.logic.reader.lines import Line, compact
from shizhu.engines.plan.logic.reader.vocabulary import Heading, heading_of, role_of
from shizhu.engines.plan.logic.reader.years import year_of

_PIPE = re.compile(r"[|｜│┃║]")
_RULE = re.compile(r"[\s|｜:+＋\-—=\u2500-\u257f]+")
_WORDS = re.compile(r"[一-鿿“]{2,8}(?:[（(].{1,8}[)）])?$")
BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)
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
        pieces = [piece for piece in _headings(line, layout) if piece.text]
        roles = [role_of(piece.text) or "other" for piece in pieces]
        several = layout == "pipe" or len(pieces) >= 3 or (len(pieces) == 2 and "other" not in roles)
        if is_header(roles, least=4 if layout == "space" else 2, drawn=layout == "pipe") and several:
            return "tabs" if layout == "tab" and any(not piece.text for piece in split(line, layout)) else layout
    return None


def split(line: Line, layout: str) -> list[Piece]:
    """Split a line into its cells; empty cells between two | or two tabs are kept."""
    if layout == "pipe":
        body = re.sub(r"^[|｜│┃║]|[|｜│┃║]$", "", line.text)
        return [Piece(cell.strip(), 0) for cell in _PIPE.split(body)]
    raw = line.raw.replace("\r", "")
    start = len(raw) - len(raw.lstrip(" \u3000" if layout == "tab" else None))
    pieces, position = [], start
    for parting in [*_PARTINGS[layout].finditer(raw.rstrip(" "), start), None]:
        end = parting.start() if parting else len(raw)
        pieces.append(Piece(_plain(raw[position:end]), _screen(raw[:position])))
        position = parting.end() if parting else end
    return pieces


def _headings(line: Line, layout: str) -> list[Piece]:
    """The cells of a line of headings: what is broken into lines is one heading."""
    return [replace(piece, text=_plain(piece.text)) for piece in split(line, layout)]


def is_piped(line: Line) -> bool:
    """Whether the line has cells parted by | or a sign like it."""
    return bool(_PIPE.search(line.text)) and not is_rule(line)


def is_rule(line: Line) -> bool:
    """Whether the line only draws a table (|---|---|)."""
    return (
        bool(_RULE.fullmatch(line.text))
        and len(line.text) >= 3
        and any(sign in "-—=+" or "\u2500" <= sign <= "\u257f" for sign in line.text)
    )


def row_header(lines: Sequence[Line], start: int) -> tuple[Header, str] | None:
    """Read headings printed in one line, or in two where the second fills in the first."""
    layout = layout_of(lines[start])
    if layout == "tabs" and _keeps_tabs(lines, start):
        layout = "tab"
    if layout is None:
        return _header_in_two_lines(lines, start)
    pieces = _headings(lines[start], layout)
    if layout not in {"pipe", "tab"}:
        pieces = [piece for piece in pieces if piece.text]
    last = start
    following = _next(lines, start)
    if following is not None:
        second = _headings(lines[following], layout)
        merged = _with_second_line(pieces, second, layout)
        if merged:
            third = _next(lines, following) if layout in {"pipe", "tab"} else None
            over = _over_third(pieces, second, _headings(lines[third], layout)) if third is not None else None
            pieces, last = (over, third) if over and third is not None else (merged, following)
    if layout in {"pipe", "tab"}:
        pieces = _over_two(pieces)
    return Header(tuple(heading_of(piece.text, piece.offset) for piece in pieces), start, last), layout


def _over_third(first: list[Piece], second: list[Piece], third: list[Piece]) -> list[Piece] | None:
    """Join three lines of headings, the lower two first; None where the third is a row: it names what no heading is."""
    named = [index for index, piece in enumerate(first) if role_of(piece.text) in {"no", "name", "task"}]
    if not len(first) == len(second) == len(third) or not named:
        return None
    if any(third[index].text not in {"", first[index].text, second[index].text} for index in named):
        return None
    below = _with_second_line(second, third, "pipe")
    return _stacked(first, below) if below else None


def _over_two(pieces: list[Piece]) -> list[Piece]:
    """A heading that names (指标) with an empty one behind it is set over both: the groups and the names."""
    return [
        replace(piece, text=pieces[index - 1].text)
        if index and not piece.text and role_of(pieces[index - 1].text) in {"name", "task"}
        else piece
        for index, piece in enumerate(pieces)
    ]


def _keeps_tabs(lines: Sequence[Line], start: int) -> bool:
    """Whether the lines below have as many tabs as the headings: then two in a row part an empty cell."""
    below = [line for line in lines[start : start + 5] if line.text]
    counts = [line.raw.count("\t") for line in below]
    return len(counts) > 2 and len(set(counts)) == 1 and not all(line.raw.startswith("\t") for line in below)


def _header_in_two_lines(lines: Sequence[Line], start: int) -> tuple[Header, str] | None:
    """Two lines may make a header that neither is: 目标 above 2025年 and 年均."""
    following = _next(lines, start)
    if following is None or len(_PIPE.findall(lines[start].text)) < 2 or is_rule(lines[start]):
        return None
    merged = _with_second_line(_headings(lines[start], "pipe"), _headings(lines[following], "pipe"), "pipe")
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
        return _stacked(first, second) if len(first) == len(second) else _under_last(first, second)
    if len(filled) >= len(first) and not all(role_of(piece.text) for piece in filled):
        return None
    if any(role_of(piece.text) is None and len(piece.text) > 6 for piece in filled) or re.match(
        r"\d{1,2}\b(?!\s*年)", filled[0].text
    ):
        return None
    return _stacked_by_place(first, filled)


def _under_last(first: list[Piece], second: list[Piece]) -> list[Piece] | None:
    """Put years where the last heading (预期值) stood over them, in a table that prints what spans columns once."""
    years = [heading_of(piece.text) for piece in second]
    over = role_of(first[-1].text) in {None, "target", "base", "growth", "year"}
    only = len(second) > 1 and over and all(heading.role == "year" and heading.year for heading in years)
    return [*first[:-1], *second] if only else None


def _stacked_by_place(first: list[Piece], second: list[Piece]) -> list[Piece]:
    """Join two lines of headings by where they stand; one below none is a column under the heading to its left."""
    joined = list(first)
    for piece in second:
        nearest = _nearest(first, piece)
        above = first[nearest]
        apart = [other for other in second if other is not piece and _nearest(first, other) == nearest]
        own = piece.text if _stands_alone(above.text, piece.text) else _title([above.text, piece.text])
        if abs(above.offset - piece.offset) > 4 and apart:
            joined.append(replace(piece, text=own))
        else:
            text = own if apart else above.text + piece.text
            joined[joined.index(above)] = replace(above, text=text, offset=piece.offset)
    return sorted(joined, key=lambda piece: piece.offset)


def _nearest(first: list[Piece], piece: Piece) -> int:
    return min(range(len(first)), key=lambda index: abs(first[index].offset - piece.offset))


def _mends(first: list[Piece], filled: list[Piece]) -> bool:
    """Whether every piece of the second line completes a heading of the first (指标 and 属性)."""
    return all(any(role_of(above.text + piece.text) for above in first) for piece in filled)


def _stacked(first: list[Piece], second: list[Piece]) -> list[Piece] | None:
    """Join two heading rows cell by cell; a heading over several columns is repeated over them."""
    joined: list[Piece] = []
    above = ""
    for index, (upper, lower) in enumerate(zip(first, second, strict=True)):
        above = upper.text or (above if lower.text else "")
        parts = [upper.text] if upper.text == lower.text else [upper.text or above, lower.text]
        if (
            lower.text
            and lower.text != upper.text
            and _spans(first, second, index)
            and _stands_alone(above, lower.text)
        ):
            parts = [lower.text]
        joined.append(replace(upper, text=_title(parts)))
    below = [lower for upper, lower in zip(first, second, strict=True) if lower.text and lower.text != upper.text]
    repeated = sum(upper.text == lower.text != "" for upper, lower in zip(first, second, strict=True))
    plain = [piece for piece in below if role_of(piece.text) is None and not _fits_under(joined, piece)]
    parted = all(
        upper.text == lower.text or not lower.text or _spans(first, second, index)
        for index, (upper, lower) in enumerate(zip(first, second, strict=True))
    )
    under = parted and all(_WORDS.match(piece.text) for piece in plain)  # 里程, 等级 below one heading over both
    return None if plain and repeated * 2 < len(first) and not (under and len(below) > 1) else joined


def _spans(first: list[Piece], second: list[Piece], index: int) -> bool:
    """Whether the upper heading over a column is over the next one, or the one before, as well."""
    own = first[index].text
    beside = [other for other in (index - 1, index + 1) if 0 <= other < len(first) and second[other].text]
    return (
        any(first[other].text in {"", own} and second[other].text != first[other].text for other in beside) or not own
    )


def _stands_alone(above: str, text: str) -> bool:
    """Whether a heading below another says all of it, the year too."""
    return role_of(text) is not None and (year_of(text) is not None or year_of(above) is None)


def _title(parts: list[str]) -> str:
    """Prefer the lower heading alone where both together are none we know."""
    both = "".join(part for part in parts if part)
    return both if role_of(both) or not parts[-1] or role_of(parts[-1]) is None else parts[-1]


def _fits_under(joined: list[Piece], piece: Piece) -> bool:
    return any(piece.text in cell.text and role_of(cell.text) for cell in joined)


def same_header(cells: Sequence[str], headings: Sequence[Heading]) -> bool:
    """Whether these cells repeat the headings (a table carried on over a page)."""
    return compact("".join(map(_plain, cells))) == "".join(heading.title for heading in headings)


def _plain(cell: str) -> str:
    """A heading that is broken into lines; of one below another (投资 above 总投资) the lower, where both are none."""
    lines = [part.strip() for part in BREAK.split(cell) if part.strip()]
    return _title(["".join(lines[:-1]), lines[-1]]) if len(lines) > 1 else "".join(lines)


def _screen(text: str) -> int:
    """Return the width of a text on the screen: a Chinese character takes two columns."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text.expandtabs(8))
