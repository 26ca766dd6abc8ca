"""PDF files: lines put together from characters, paragraphs from lines, drawn tables from their rules."""

from __future__ import annotations

import io
import logging
import re
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import Any

import pdfplumber
from pdfminer.layout import LTChar
from pdfminer.pdfdocument import PDFPasswordIncorrect
from pdfminer.pdfparser import PDFSyntaxError
from pdfminer.psparser import PSException
from pdfplumber.page import Page
from pdfplumber.utils.exceptions import MalformedPDFException, PdfminerException

from shizhu.engines.plan.logic.opening.grid import Grid, Slot, squared, without_repeated_head, write_down
from shizhu.engines.plan.logic.opening.letters import WIDE, Char, Line, lines_of
from shizhu.engines.plan.logic.opening.opened import LARGEST, FileUnreadable, Opened, Progress, Sheet
from shizhu.engines.plan.logic.opening.radicals import unified
from shizhu.engines.plan.logic.opening.unruled import Rule, Unruled, find_unruled

# what pdfminer trips over in a broken file
_BROKEN = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError,
    NotImplementedError, struct.error, zlib.error,
)  # fmt: skip
MOST_PAGES = 500
_FEW = 15  # characters on a page that is a picture
_EDGE = 0.12  # of the height: where heads and feet of pages stand
_SHORT_RULE = 40.0  # points: what is shorter underlines a word
_ASLANT = 0.1  # of the size of letters: what stands askew, as a stamp over the page does, is not read
_ONE_ROW = 26  # points: the height of a row of one line, at most
_GUTTER = 8  # points: white between two columns of text
_OVER_BOTH = 0.1  # of the lines of a page: what may be set over both columns
_MOST_CROSSED = 1_000_000  # pairs of rules of a page: more are a drawing
_SNAP = 3.0  # points: rules that are meant to be one
_NUMBER = re.compile(r"[-—–－·•\s]*(?:第\s*)?\d{1,4}(?:\s*页)?(?:\s*[/共]\s*\d+\s*页?)?[-—–－·•\s]*")
_OF_TABLES = re.compile(r"续?附?表|附[件录]|[（(]?单位[:：]")
_WORD = re.compile(r"[\w.,%—-]{2,12}", re.ASCII)
_ENDED = "。！？；：.!?;:"
_HANGING = "。，、；：！？）】》”"
_OPENS = re.compile(
    r"[（(]?[一二三四五六七八九十\d]{1,3}(?:[、)）]|[.．](?!\d))|第.{1,3}[章节篇条]|专栏|附[件表]|[—－-]{2}|[●■◆▲★•]|注[:：]"
)

_Drawn = tuple[int, float, float]  # a rule: where it stands, begins and ends

logging.getLogger("pdfminer").setLevel(logging.ERROR)


@dataclass(frozen=True)
class _Table:
    """A drawn table and the heights it begins and ends at."""

    grid: Grid
    top: float
    bottom: float


@dataclass(frozen=True)
class _Strip:
    """Letters that are read from above to below: a column of text, or what is set over both."""

    chars: Sequence[Char]
    is_column: bool = False
    margins: tuple[float, float] | None = None  # of the column


@dataclass
class _Page:
    """What stands on a page in reading order."""

    number: int
    width: float
    height: float
    parts: list[Line | _Table] = field(default_factory=list)
    is_scanned: bool = False
    last_unruled: Unruled | None = None

    def lines(self) -> list[Line]:
        """Its lines of text."""
        return [part for part in self.parts if isinstance(part, Line)]


def open_pdf(name: str, content: bytes, told: Progress | None = None) -> Opened:
    """Open a PDF; pages without text are named, heads and feet of pages left out."""
    if len(content) > LARGEST:
        raise FileUnreadable(name, "size")
    try:
        with pdfplumber.open(io.BytesIO(content)) as document:
            count = len(document.pages)
            pages = list[_Page]()
            for number, page in enumerate(document.pages[:MOST_PAGES], 1):
                pages.append(_read_page(number, page, pages[-1].last_unruled if pages else None))
                if told:
                    told(number, count)
    except PdfminerException as error:
        if error.args and isinstance(error.args[0], PDFPasswordIncorrect):
            raise FileUnreadable(name, "password") from error
        raise FileUnreadable(name, "damaged-pdf") from error
    except (PDFSyntaxError, PSException, MalformedPDFException, *_BROKEN) as error:
        raise FileUnreadable(name, "damaged-pdf") from error
    if count > MOST_PAGES:
        raise FileUnreadable(name, "pages")
    _drop_heads_and_feet(pages)
    return _written(pages)


def _read_page(number: int, page: Any, before: Unruled | None) -> _Page:
    read = _Page(number, float(page.width), float(page.height))
    page.process_object = partial(_object, page.process_object, float(page.height), page.mediabox)
    turns = Counter(char["turn"] for char in page.chars if char["text"].strip())
    most = turns.most_common(1)[0][0] if turns else 0
    if most:  # a table that is set across the page
        page.page_obj.rotate = (page.rotation + most) % 360
        page.page_obj.attrs = {**page.page_obj.attrs, "Rotate": page.page_obj.rotate}
        return _read_page(number, Page(page.pdf, page.page_obj, number), before)
    chars = _once([char for char in page.chars if char["turn"] == 0])
    for char in chars:
        char["text"] = unified(char["text"])
    pictured = sum(image["width"] * image["height"] for image in page.images)
    if sum(1 for char in chars if char["text"].strip()) < _FEW and pictured > 0.3 * read.width * read.height:
        read.is_scanned = True
        return read
    tables = [table for table in page.find_tables({"explicit_vertical_lines": _open_sides(page)}) if _is_table(table)]
    drawn = [_Table(_grid(table, chars), table.bbox[1], table.bbox[3]) for table in tables]
    free = [char for char in chars if not any(_within(char, table.bbox) for table in tables)]
    unruled = find_unruled(free, _rules(page), in_columns=len(_columns(free, read.width)) > 1, before=before)
    read.last_unruled = unruled[-1] if unruled else None
    drawn += [_Table(table.grid, table.top, table.bottom) for table in unruled]
    taken = {id(char) for table in unruled for char in table.chars}
    free = [char for char in free if id(char) not in taken]
    bands = sorted({0.0, read.height, *(edge for table in drawn for edge in (table.top, table.bottom))})
    parts: list[Line | _Table] = []
    for top, bottom in pairwise(bands):
        inside = [char for char in free if top <= (char["top"] + char["bottom"]) / 2 < bottom]
        for strip in _columns(inside, read.width):
            parts += [replace(line, margins=strip.margins) for line in lines_of(strip.chars)]
        parts += [table for table in drawn if table.top == top]
    read.parts = parts
    page.close()
    return read


def _object(told: Callable[[Any], Char], height: float, box: tuple[float, ...], item: Any) -> Char:
    """What pdfplumber tells of an item of a page; of a letter only what is used here, in a third of the time."""
    if not isinstance(item, LTChar):
        return told(item)
    left, top = box[0], box[1]
    return {
        "object_type": "char", "text": item.get_text(), "fontname": item.fontname, "size": item.size,
        "turn": _turn(item), "x0": item.x0 + left, "x1": item.x1 + left,
        "top": height - item.y1 + top, "bottom": height - item.y0 + top,
    }  # fmt: skip


def _turn(item: LTChar) -> int | None:
    """By how much the page is to be turned clockwise for a letter to stand upright; None for one set aslant."""
    a, b = item.matrix[:2]
    if abs(b) <= _ASLANT * abs(a):
        return 0 if a > 0 else 180
    return (90 if b > 0 else 270) if abs(a) <= _ASLANT * abs(b) else None


def _once(chars: Iterable[Char]) -> list[Char]:
    """The letters without those that are printed again within a point, to look bold."""
    kept: list[Char] = []
    seen: set[tuple[object, ...]] = set()
    for char in chars:
        x, y, kind = int(char["x0"]), int(char["top"]), (char["text"], char["fontname"], char["size"])
        if (x, y, kind) not in seen:
            kept.append(char)
            seen |= {(x + right, y + below, kind) for right in (-1, 0, 1) for below in (-1, 0, 1)}
    return kept


def _rules(page: Any) -> list[Rule]:
    """The horizontal lines of a page, however they are drawn."""
    edges = [edge for edge in page.edges if edge["orientation"] == "h" and edge["x1"] - edge["x0"] > _SHORT_RULE]
    return [Rule(float(edge["x0"]), float(edge["x1"]), float(edge["top"])) for edge in edges]


def _open_sides(page: Any) -> list[dict[str, Any]]:
    """The sides of tables that are drawn without any (左右开口), as lines where their horizontal rules end."""
    across = _whole((edge["top"], edge["x0"], edge["x1"]) for edge in page.edges if edge["orientation"] == "h")
    down = _whole((edge["x0"], edge["top"], edge["bottom"]) for edge in page.edges if edge["orientation"] == "v")
    if len(across) * len(down) > _MOST_CROSSED:
        return []
    tables: list[tuple[list[_Drawn], set[_Drawn]]] = []
    for rule in across:
        lines = {line for line in down if _cross(line, rule)}
        own = next((table for table in tables if table[1] & lines), None)
        if own:
            own[0].append(rule)
            own[1].update(lines)
        elif lines:
            tables.append(([rule], lines))
    open_at = ((table, at) for table in tables for at in (1, 2))
    found: dict[tuple[int, int], list[list[int]]] = {}
    for (rules, lines), at in open_at:
        best = min if at == 1 else max
        end, outer = best(rule[at] for rule in rules), best(line[0] for line in lines)
        if abs(outer - end) > _GUTTER:
            found.setdefault((at, round(end)), []).append([rule[0] for rule in rules if abs(rule[at] - end) <= _SNAP])
    sides: list[dict[str, Any]] = []
    for (_, x), parts in found.items():
        for ys in _near(parts):
            side = {"object_type": "line", "x0": x, "x1": x, "top": ys[0], "bottom": ys[-1], "height": ys[-1] - ys[0]}
            sides += [side] if len(ys) > 2 else []
    return sides


def _near(parts: Iterable[list[int]]) -> list[list[int]]:
    """Heights of rules, those of a row that is one cell (of a group) apart taken for those of one table."""
    found: list[list[int]] = []
    for part in sorted(parts):
        if found and part[0] - found[-1][-1] <= _ONE_ROW:
            found[-1] += part
        else:
            found.append(list(part))
    return found


def _whole(pieces: Iterable[tuple[float, float, float]]) -> list[_Drawn]:
    """Rules as drawn in pieces put together."""
    whole: list[_Drawn] = []
    for at, begin, end in sorted((round(at), begin, end) for at, begin, end in pieces):
        if whole and whole[-1][0] == at and begin <= whole[-1][2] + _SNAP:
            whole[-1] = (at, whole[-1][1], max(end, whole[-1][2]))
        else:
            whole.append((at, begin, end))
    return whole


def _cross(line: _Drawn, rule: _Drawn) -> bool:
    return rule[1] - _SNAP <= line[0] <= rule[2] + _SNAP and line[1] - _SNAP <= rule[0] <= line[2] + _SNAP


def _is_table(table: Any) -> bool:
    """Whether a drawn table is one: a frame around text has but one column."""
    return len(_edges(float(cell[0]) for cell in table.cells)) > 1


def _middle(char: Char) -> tuple[float, float]:
    return (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2


def _within(char: Char, box: tuple[float, float, float, float]) -> bool:
    x, y = _middle(char)
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])


def _edges(values: Iterable[float]) -> list[float]:
    """Return the different positions among these, those a little apart taken for one."""
    edges: list[float] = []
    for value in sorted(values):
        if not edges or value - edges[-1] > _SNAP:
            edges.append(value)
    return edges


def _grid(table: Any, chars: Sequence[Char]) -> Grid:
    """Return the places of a drawn table; a cell that reaches over several stands in each of them."""
    xs = _edges([edge for cell in table.cells for edge in (cell[0], cell[2])])
    ys = _edges([edge for cell in table.cells for edge in (cell[1], cell[3])])
    placed = [(*_middle(char), char) for char in chars if _within(char, table.bbox)]
    inside = {
        cell: [char for x, y, char in placed if cell[0] <= x <= cell[2] and cell[1] <= y <= cell[3]]
        for cell in table.cells
    }
    texts = {cell: "\n".join(line.text for line in lines_of(own)) for cell, own in inside.items()}
    rows: Grid = []
    begun: set[tuple[float, float, float, float]] = set()
    for top, bottom in pairwise(ys):
        row = []
        for left, right in pairwise(xs):
            middle = {"x0": left, "x1": right, "top": top, "bottom": bottom}
            cell = next((cell for cell in table.cells if _within(middle, cell)), None)
            row.append(Slot(texts[cell] if cell else "", begins=cell is not None and cell not in begun))
            begun |= {cell} if cell else set()
        rows.append(row)
    return squared(rows)


def _columns(chars: Sequence[Char], width: float) -> list[_Strip]:
    """Part the text of a band into two columns where a gutter runs down it, past a few lines that are set over both."""
    lines = lines_of(chars) if len(chars) >= 200 else []
    whole = [_Strip(list(chars))]
    crossed = Counter[int]()
    for line in lines:
        crossed.update({x for char in line.chars for x in range(int(char["x0"]) - _GUTTER, int(char["x1"]) + 1)})
    middle = range(int(width * 0.38), int(width * 0.62))
    fewest = min((crossed[x] for x in middle), default=0)
    if not lines or fewest > _OVER_BOTH * len(lines):
        return whole
    gutters = [x for x in middle if crossed[x] == fewest]
    parting = gutters[len(gutters) // 2]
    parts: list[_Strip] = []
    sides: tuple[list[Char], list[Char]] = ([], [])
    every: tuple[list[Char], list[Char]] = ([], [])
    for line in lines:
        if any(char["x0"] < parting + _GUTTER and char["x1"] > parting for char in line.chars):
            parts += [_Strip(list(side), is_column=True) for side in sides if side] + [_Strip(list(line.chars))]
            sides[0].clear()
            sides[1].clear()
            continue
        for char in line.chars:
            at = int(char["x1"] > parting + _GUTTER / 2)
            sides[at].append(char)
            every[at].append(char)
    parts += [_Strip(list(side), is_column=True) for side in sides if side]
    heights = [len({round(char["top"] / 4) for char in side}) for side in every]
    full = all(len(side) > 6 * height for side, height in zip(every, heights, strict=True))
    if min(heights) < 6 or not full:
        return whole
    edges = [(min(char["x0"] for char in side), max(char["x1"] for char in side)) for side in every]
    return [replace(part, margins=edges[part.chars[0]["x0"] > parting]) if part.is_column else part for part in parts]


def _drop_heads_and_feet(pages: Sequence[_Page]) -> None:
    """Leave out page numbers, and lines that stand at the head or foot of most pages."""
    seen: Counter[str] = Counter()
    placed: Counter[tuple[str, int]] = Counter()  # those of a chapter, on a few of the pages
    for page in pages:
        edged = [line for line in page.lines() if _at_edge(line, page)]
        seen.update({_shape(line.text) for line in edged})
        placed.update({(_shape(line.text), round(line.top)) for line in edged if not _OF_TABLES.match(line.text)})
    often = {text for text, count in seen.items() if count >= max(2, len(pages) // 2)}
    for page in pages:
        kept: list[Line | _Table] = []
        heads: set[str] = set()
        for part in page.parts:
            if isinstance(part, Line) and _at_edge(part, page):
                shape = _shape(part.text)
                titled = shape in heads and part.top < page.height / 2  # the title, below the same as head of the page
                heads.add(shape)
                is_head = shape in often or placed[shape, round(part.top)] > 1
                if _NUMBER.fullmatch(part.text) or (is_head and not titled):
                    continue
            kept.append(part)
        page.parts = kept


def _at_edge(line: Line, page: _Page) -> bool:
    return line.bottom <= _EDGE * page.height or line.top >= (1 - _EDGE) * page.height


def _shape(text: str) -> str:
    return re.sub(r"\d+", "#", "".join(text.split()))


def _written(pages: Sequence[_Page]) -> Opened:
    """Write the pages down; a paragraph or a table that a new page carries on is one."""
    sheet, firsts = Sheet(), list[int]()
    table: Grid | None = None
    margins = _margins(pages)
    _keep_columns(pages)
    paragraph: list[Line] = []

    def close() -> None:
        if paragraph:
            sheet.add(_joined(paragraph))
            paragraph.clear()

    for page in pages:
        left, right = margins[round(page.width)]
        opening = True
        if page.is_scanned:
            close()
            firsts.append(len(sheet.lines) + 1)
            sheet.add(f"[image: page {page.number}]")
        for part in page.parts:
            if isinstance(part, _Table):
                close()
                carried = opening and table is not None and len(table[0]) == len(part.grid[0])
                rows = without_repeated_head(part.grid, table) if carried and table else part.grid
                if carried:
                    sheet.lines = _without_last_blanks(sheet.lines)
                    rows = _after_rest(sheet, rows)
                if len(firsts) < page.number:
                    firsts.append(len(sheet.lines) + 1)
                write_down(sheet, rows, goes_on=carried)
                table = table if carried else part.grid
            else:
                if not (paragraph and _goes_on(paragraph[-1], part, (left, right), new_page=opening)):
                    close()
                paragraph.append(part)
                table = table if _carries_a_table(part) else None
                if len(firsts) < page.number:
                    firsts.append(len(sheet.lines) + 1)
            opening = opening and isinstance(part, Line) and _carries_a_table(part)
        if len(firsts) < page.number:
            firsts.append(len(sheet.lines) + 1)
    close()
    return Opened(sheet.text, "pdf", tuple(firsts), tuple(page.number for page in pages if page.is_scanned))


def _after_rest(sheet: Sheet, rows: Grid) -> Grid:
    """The rows of a new page without the rest of the row that the page before began: lines of a few of its cells."""
    above = sheet.lines[-1].removeprefix("| ").removesuffix(" |").split(" | ") if sheet.lines else []
    texts = [slot.text for slot in rows[0]] if rows else []
    filled = [text for text in texts if text]
    if len(above) != len(texts) or not filled or len(set(filled)) != len(filled):
        return rows
    if any(text and not before for text, before in zip(texts, above, strict=True)):
        return rows
    always = [all(row[at].text for row in rows[1:]) and bool(before) for at, before in enumerate(above)]
    lacks = sum(always) > 1 and sum(own and not text for own, text in zip(always, texts, strict=True)) > 1
    begins = any(_OPENS.match(text) or text[0].isdecimal() for text in filled)
    if not (lacks and not texts[0]) and (begins or len(filled) * 2 >= len(texts)):
        return rows
    sheet.lines.pop()
    sheet.add_rows([[f"{before}<br>{text}" if text else before for before, text in zip(above, texts, strict=True)]])
    return rows[1:]


def _carries_a_table(line: Line) -> bool:
    return bool(re.fullmatch(r"\(?（?续\s*[上附]?表.{0,20}|.{0,30}[（(]续[)）]", line.text.strip()))


def _without_last_blanks(lines: list[str]) -> list[str]:
    end = len(lines)
    while end and not lines[end - 1]:
        end -= 1
    return lines[:end]


def _margins(pages: Sequence[_Page]) -> dict[int, tuple[float, float]]:
    """Return where lines begin and where full ones end, for pages of each width."""
    found: dict[int, tuple[float, float]] = {}
    for width in {round(page.width) for page in pages}:
        lines = [line for page in pages if round(page.width) == width for line in page.lines() if not line.columns]
        long = [line for line in lines if len(line.text) > 12] or lines
        left = min((line.x0 for line in long), default=0.0)
        right = max((_end(line) for line in long), default=float(width))
        found[width] = (left, right)
    return found


def _keep_columns(pages: Sequence[_Page]) -> None:
    """The last page of a text in two columns may hold too little to show them: its lines stand in those before it."""
    columns: set[tuple[float, float]] = set()
    for page in pages:
        own = {line.margins for line in page.lines() if line.margins}
        columns = own or columns
        inside = {
            id(line): edges
            for line in page.lines()
            for edges in columns
            if edges[0] - 2 <= line.x0 and line.x1 <= edges[1] + 2
        }
        if not own and len(inside) == len(page.lines()):
            page.parts = [
                replace(part, margins=inside[id(part)]) if isinstance(part, Line) else part for part in page.parts
            ]


def _end(line: Line) -> float:
    """Where a line ends without the sign that may hang over the margin."""
    return float(line.chars[-1]["x0"]) if line.chars and line.text[-1] in _HANGING else line.x1


def _goes_on(last: Line, line: Line, margins: tuple[float, float], *, new_page: bool) -> bool:
    """Whether a line carries the paragraph on: the one before is full, and this one is not indented."""
    if last.columns or line.columns or abs(last.size - line.size) > 1:
        return False
    left, right = last.margins or margins
    word = _WORD.match(line.text)
    ragged = (1.6 + 0.6 * (word.end() if word else 0)) * last.size  # a word or number is not broken
    is_full = last.x1 >= right - ragged and last.x1 - last.x0 > 0.35 * (right - left)
    indented = line.x0 - (line.margins or margins)[0] > 1.2 * line.size
    near = new_page or line.top < last.top or line.top - last.bottom < 1.4 * last.size
    if new_page and last.text[-1] in _ENDED:
        return False
    return is_full and near and not indented and not _OPENS.match(line.text)


def _joined(paragraph: Sequence[Line]) -> str:
    """Join broken lines: nothing between Chinese, a space between two Latin words."""
    text = ""
    for line in paragraph:
        apart = text and not WIDE.match(text[-1]) and not WIDE.match(line.text[0])
        text += f" {line.text}" if apart and text[-1].isalpha() and line.text[0].isalpha() else line.text
    return text
