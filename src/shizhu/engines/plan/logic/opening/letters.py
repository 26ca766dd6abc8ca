"""Letters of a PDF page put together into lines."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WIDE = re.compile(r"[⺀-鿿＀-￯　-〿]")

Char = dict[str, Any]  # as pdfplumber tells a letter


@dataclass(frozen=True)
class Line:
    """One printed line: its text, the box around it (points from the left and the top), the size of its letters."""

    text: str
    x0: float
    x1: float
    top: float
    bottom: float
    size: float
    columns: bool = False  # it has gaps as the columns of a table have
    margins: tuple[float, float] | None = None  # of the column of text it stands in, where there are two
    chars: Sequence[Char] = field(default=(), repr=False)


def middle(char: Char) -> float:
    """The height at which a letter stands."""
    return (float(char["top"]) + float(char["bottom"])) / 2


def lines_of(chars: Sequence[Char]) -> list[Line]:
    """Put characters together into lines, from top to bottom."""
    rows: list[list[Char]] = []
    for char in sorted(chars, key=middle):
        last = rows[-1] if rows else None
        own = middle(last[0]) if last else 0.0
        if last and abs(middle(char) - own) <= 0.45 * max(char["size"], last[0]["size"]):
            last.append(char)
        else:
            rows.append([char])
    ordered = [_stripped(sorted(row, key=lambda char: float(char["x0"]))) for row in rows]
    return [_line(row) for row in ordered if row]


def _stripped(row: list[Char]) -> list[Char]:
    """Take white space from both ends of a line."""
    printed = [index for index, char in enumerate(row) if char["text"].strip()]
    return row[printed[0] : printed[-1] + 1] if printed else []


def _line(row: Sequence[Char]) -> Line:
    size = max(float(char["size"]) for char in row) or 10.0
    text, gaps = str(row[0]["text"]), False
    before, spaced = row[0], False
    for char in row[1:]:
        if not char["text"].strip():
            spaced = True
            continue
        gap = (float(char["x0"]) - float(before["x1"])) / size
        if gap > 1.6:
            gaps = True
            text += " " * max(2, round((float(char["x0"]) - float(row[0]["x0"])) / size * 2) - _screen(text))
        elif (
            gap > 0.7
            or (spaced and gap > 0.12)
            or (gap > 0.18 and not WIDE.match(before["text"]) and not WIDE.match(char["text"]))
        ):
            text += " "
        text += str(char["text"])
        before, spaced = char, False
    ends = [float(char["bottom"]) for char in row]
    left, right, top = float(row[0]["x0"]), float(row[-1]["x1"]), float(row[0]["top"])
    return Line(text, left, right, top, max(ends), size, columns=gaps, chars=row)


def _screen(text: str) -> int:
    return sum(2 if WIDE.match(sign) else 1 for sign in text)
