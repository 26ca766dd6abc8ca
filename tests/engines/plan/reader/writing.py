"""Writes invented plans down as files: text in several layouts, Word, PDF, a page of the web.

A plan is a list of blocks: a heading or paragraph is text; a table is a `Sheet` whose cells may say that the cell to
the left (LEFT) or above (UP) covers them; a `Frame` is a box of text with a rule around it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

import docx
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.table import Table as WordTable
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.platypus import LongTable, PageBreak, Paragraph, SimpleDocTemplate, Spacer, TableStyle

LEFT, UP = "<<", "^^"
FONT = "STSong-Light"


@dataclass(frozen=True)
class Sheet:
    """A table; `heads` rows of it are repeated on a new page."""

    rows: Sequence[Sequence[str]]
    heads: int = 1
    widths: Sequence[float] = ()  # shares of the width of the page


@dataclass(frozen=True)
class Frame:
    """A box: lines of text with a rule around them."""

    lines: Sequence[str]


Block = str | Sheet | Frame


def _plain(cell: str) -> str:
    return "" if cell in {LEFT, UP} else cell


def _flat(cell: str) -> str:
    """A cell on one line: lines that a name ends are parted by a comma."""
    return re.sub(r"(?<![、，])\n", "、", _plain(cell)).replace("\n", "")


def _cells(sheet: Sheet) -> list[str]:
    """One cell per line, as Word's tables come out of a converter: merged cells once."""
    lines: list[str] = []
    for row in sheet.rows:
        lines += [line for cell in row if cell not in {LEFT, UP} for line in f"\t{cell}".split("\n")] + [""]
    return lines


def _tabs(sheet: Sheet) -> list[str]:
    return ["\t".join(_flat(cell) for cell in row) for row in sheet.rows]


def _pipes(sheet: Sheet) -> list[str]:
    lines = [f"| {' | '.join(_plain(cell).replace(chr(10), '<br>') for cell in row)} |" for row in sheet.rows]
    return [lines[0], "|---" * len(sheet.rows[0]) + "|", *lines[1:]]


def _width(text: str) -> int:
    return sum(2 if ord(sign) > 0x2E80 or sign in "—“”≥≤…" else 1 for sign in text)


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for sign in text:
        if sign == "\n" or _width(lines[-1] + sign) > width:
            lines.append("")
        lines[-1] += "" if sign == "\n" else sign
    return lines


def _drawn(sheet: Sheet) -> list[str]:
    """Drawn with ─ and │, long cells on several lines."""
    count = len(sheet.rows[0])
    widths = [
        min(20, max(_width(line) for row in sheet.rows for line in _plain(row[at]).split("\n"))) for at in range(count)
    ]
    widths = [width + width % 2 or 2 for width in widths]
    lines = ["┌" + "┬".join("─" * (width // 2) for width in widths) + "┐"]
    for number, row in enumerate(sheet.rows):
        wrapped = [_wrapped(_plain(cell), width) for cell, width in zip(row, widths, strict=True)]
        for at in range(max(len(part) for part in wrapped)):
            texts = [part[at] if at < len(part) else "" for part in wrapped]
            padded = [text + " " * (width - _width(text)) for text, width in zip(texts, widths, strict=True)]
            lines.append("│" + "│".join(padded) + "│")
        signs = "└┴┘" if number == len(sheet.rows) - 1 else "├┼┤"
        lines.append(signs[0] + signs[1].join("─" * (width // 2) for width in widths) + signs[2])
    return lines


def _gaps(sheet: Sheet) -> list[str]:
    """Columns aligned with spaces."""
    count = len(sheet.rows[0])
    widths = [max(_width(_flat(row[at])) for row in sheet.rows) + 3 for at in range(count)]
    return [
        "".join(
            text + " " * (width - _width(text))
            for text, width in zip((_flat(cell) for cell in row), widths, strict=True)
        ).rstrip()
        for row in sheet.rows
    ]


LAYOUTS: dict[str, Callable[[Sheet], list[str]]] = {
    "cells": _cells, "tabs": _tabs, "pipes": _pipes, "drawn": _drawn, "gaps": _gaps,
}  # fmt: skip


def as_text(blocks: Sequence[Block], layout: str = "cells") -> str:
    """A plan as plain text."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Sheet):
            lines += [*LAYOUTS[layout](block), ""]
        elif isinstance(block, Frame):
            lines += [*block.lines, ""]
        else:
            lines += [block, ""]
    return "\n".join(lines)


def as_word(blocks: Sequence[Block]) -> bytes:
    """A plan as docx, with real tables, merged cells and frames."""
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "征求意见稿"
    document.sections[0].footer.paragraphs[0].text = "第 1 页"
    for block in blocks:
        if isinstance(block, Sheet):
            _word_table(document.add_table(len(block.rows), len(block.rows[0])), block)
            document.add_paragraph("")
        elif isinstance(block, Frame):
            cell = document.add_table(1, 1).cell(0, 0)
            cell.text = block.lines[0]
            for line in block.lines[1:]:
                cell.add_paragraph(line)
        else:
            document.add_paragraph(block)
    return saved(document)


def saved(document: docx.document.Document) -> bytes:
    """A Word document as a file."""
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _word_table(table: WordTable, sheet: Sheet) -> None:
    for at, row in enumerate(sheet.rows):
        for index, text in enumerate(row):
            if text not in {LEFT, UP}:
                down, right = _reach(sheet, at, index)
                cell = table.cell(at, index)
                if (down, right) != (at, index):
                    cell = cell.merge(table.cell(down, right))
                cell.text = text
    for row in table.rows[: sheet.heads]:
        properties = row._tr.get_or_add_trPr()
        head = OxmlElement("w:tblHeader")
        head.set(qn("w:val"), "true")
        properties.append(head)


def _reach(sheet: Sheet, at: int, index: int) -> tuple[int, int]:
    """The last row and column that a cell covers."""
    right = index
    while right + 1 < len(sheet.rows[at]) and sheet.rows[at][right + 1] == LEFT:
        right += 1
    down = at
    while down + 1 < len(sheet.rows) and sheet.rows[down + 1][index] == UP:
        down += 1
    return down, right


def as_web(blocks: Sequence[Block]) -> bytes:
    """A plan as a page of the web, in the encoding of older ones, with the menu of a site around it."""
    parts = [
        "<html><head><meta charset='gb2312'><script>var a = 1 < 2</script></head><body><ul><li>首页</li></ul><div>"
    ]
    for block in blocks:
        if isinstance(block, Sheet):
            rows = ["".join(_web_cells(block, at)) for at in range(len(block.rows))]
            parts.append(f"<table><tbody>{''.join(f'<tr>{row}</tr>' for row in rows)}</tbody></table>")
        elif isinstance(block, Frame):
            lines = "".join(f"<p>{escape(line)}</p>" for line in block.lines)
            parts.append(f"<table><tr><td>{lines}</td></tr></table>")
        else:
            parts.append(f"<p><span>　　{escape(block)}</span>&nbsp;</p>")
    return "".join([*parts, "</div></body></html>"]).encode("gb18030")


def _web_cells(sheet: Sheet, at: int) -> list[str]:
    cells = []
    for index, text in enumerate(sheet.rows[at]):
        if text not in {LEFT, UP}:
            down, right = _reach(sheet, at, index)
            inner = escape(text).replace("\n", "<br>")
            cells.append(f"<td rowspan={down - at + 1} colspan={right - index + 1}><p>{inner}</p></td>")
    return cells


def as_pdf(blocks: Sequence[Block], *, head: str = "", rules: str = "all") -> bytes:
    """A plan as PDF: pages with head and number, paragraphs broken by hand, tables over several pages.

    `rules`: "all" around every cell, "open": but at both sides of the table, "three" (三线表): above and below a table
    and below its headings, "tight": three, and rows are set no further apart than the lines of a cell, "none": tight
    without any rule, "narrow": tight, columns two points apart, or "tops": narrow, with all cells at the top of their
    rows.
    """
    if FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    style = ParagraphStyle("text", fontName=FONT, fontSize=11, leading=18, wordWrap="CJK", firstLineIndent=22)
    small = ParagraphStyle("cell", fontName=FONT, fontSize=9, leading=12, wordWrap="CJK")
    out = io.BytesIO()
    document = SimpleDocTemplate(out, pagesize=A4, leftMargin=70, rightMargin=70, topMargin=70, bottomMargin=70)
    story: list[object] = []
    for block in blocks:
        if isinstance(block, Sheet):
            story += [_pdf_table(block, small, document.width, rules), Spacer(1, 8)]
        elif isinstance(block, Frame):
            rows = [[[Paragraph(escape(line), small) for line in block.lines]]]
            story += [LongTable(rows, colWidths=[document.width], style=[("BOX", (0, 0), (-1, -1), 0.7, colors.black)])]
        elif block == "\f":
            story.append(PageBreak())
        else:
            story.append(Paragraph(escape(block), style))

    def furnish(canvas: object, page: object) -> None:
        canvas.setFont(FONT, 9)  # type: ignore[attr-defined]
        canvas.drawString(70, A4[1] - 40, head)  # type: ignore[attr-defined]
        canvas.drawCentredString(A4[0] / 2, 36, f"— {canvas.getPageNumber()} —")  # type: ignore[attr-defined]

    document.build(story, onFirstPage=furnish, onLaterPages=furnish)
    return out.getvalue()


_LOOKS: dict[str, Callable[[Sheet], list[tuple[object, ...]]]] = {
    "all": lambda _: [("GRID", (0, 0), (-1, -1), 0.5, colors.black)],
    "open": lambda _: [
        ("INNERGRID", (0, 0), (-1, -1), 0.5, colors.black),
        ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
        ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
    ],
    "tight": lambda sheet: [
        *_LOOKS["three"](sheet),
        ("TOPPADDING", (0, 0), (-1, -1), 0),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 0),
    ],
    "none": lambda _: [("TOPPADDING", (0, 0), (-1, -1), 0), ("BOTTOMPADDING", (0, 0), (-1, -1), 0)],
    "narrow": lambda sheet: [
        *_LOOKS["tight"](sheet),
        ("LEFTPADDING", (0, 0), (-1, -1), 1),
        ("RIGHTPADDING", (0, 0), (-1, -1), 1),
    ],
    "tops": lambda sheet: [*_LOOKS["narrow"](sheet), ("VALIGN", (0, 0), (-1, -1), "TOP")],
    "three": lambda sheet: [
        ("LINEABOVE", (0, 0), (-1, 0), 1, colors.black),
        ("LINEBELOW", (0, sheet.heads - 1), (-1, sheet.heads - 1), 0.5, colors.black),
        ("LINEBELOW", (0, -1), (-1, -1), 1, colors.black),
    ],
}


def _pdf_table(sheet: Sheet, style: ParagraphStyle, width: float, rules: str) -> LongTable:
    rows = [[Paragraph(escape(_plain(cell)).replace("\n", "<br/>"), style) for cell in row] for row in sheet.rows]
    looks: list[tuple[object, ...]] = [("VALIGN", (0, 0), (-1, -1), "MIDDLE")]
    looks += _LOOKS[rules](sheet)
    for at, row in enumerate(sheet.rows):
        for index, text in enumerate(row):
            if text not in {LEFT, UP} and _reach(sheet, at, index) != (at, index):
                down, right = _reach(sheet, at, index)
                looks.append(("SPAN", (index, at), (right, down)))
    shares = sheet.widths or [1.0] * len(sheet.rows[0])
    widths = [width * share / sum(shares) for share in shares]
    return LongTable(rows, colWidths=widths, repeatRows=sheet.heads, style=TableStyle(looks))
