"""Forms of one A4 page (一页纸), as Word and PDF: a title, parts, a strip of pictures, as large as the page takes them.

Each sheet is laid out smaller until its PDF is one page; a server without a Chinese font takes the middle size.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from shizhu.kernel import pdf
from shizhu.kernel.documents import UNPRINTABLE
from shizhu.kernel.official import BODY, HEAD, TITLE, blank, grid, run, saved, set_fonts

MARGIN, WIDTH = 13.0, 210 - 2 * 13.0  # millimetres
SIZES, USUAL = (14.0, 13.0, 12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0), 9.0  # points
RED = RGBColor(0xB0, 0x10, 0x1E)


@dataclass(frozen=True)
class Block:
    """A part: rows under a head, or without one a line each. What begins with `mark` is printed red."""

    title: str
    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()


@dataclass(frozen=True)
class Sheet:
    """One page. `picture` is a PNG as wide as the page; `below` are lines in small type."""

    title: str
    under: str
    blocks: Sequence[Block]
    picture: bytes = b""
    below: Sequence[str] = ()


def word(sheets: Sequence[Sheet], *, mark: str) -> bytes:
    """All sheets as a Word document, each on a page."""
    return _written(sheets, [_size(sheet, mark) for sheet in sheets], mark)


def printed(sheets: Sequence[Sheet], *, mark: str) -> bytes:
    """All sheets as PDF. Raises pdf.NoFont."""
    pdf.faces()
    return pdf.printed(word(sheets, mark=mark))


def _size(sheet: Sheet, mark: str) -> float:
    """The largest type that one page takes."""
    for size in SIZES:
        try:
            made = pdf.printed(_written([sheet], [size], mark))
        except pdf.NoFont:
            return USUAL
        if _pages(made) == 1:
            return size
    return SIZES[-1]


def _pages(content: bytes) -> int:
    import pdfplumber  # noqa: PLC0415  # heavy, and needed here alone

    with pdfplumber.open(io.BytesIO(content)) as read:
        return len(read.pages)


def _written(sheets: Sequence[Sheet], sizes: Iterable[float], mark: str) -> bytes:
    document = blank()
    section = document.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin = section.bottom_margin = section.left_margin = section.right_margin = Mm(MARGIN)
    section.footer_distance = section.header_distance = Mm(5)
    style: Any = document.styles["Normal"]
    style.font.name = "Times New Roman"
    set_fonts(style.element, BODY)
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    for number, (sheet, size) in enumerate(zip(sheets, sizes, strict=True)):
        _sheet(document, sheet, size, mark, is_first=number == 0)
    return saved(document, sheets[0].title if sheets else "", "")


def _sheet(document: Document, sheet: Sheet, size: float, mark: str, *, is_first: bool) -> None:
    title = _line(document.add_paragraph(), sheet.title, TITLE, size * 2, align=WD_ALIGN_PARAGRAPH.CENTER)
    title.paragraph_format.page_break_before = None if is_first else True
    _line(document.add_paragraph(), sheet.under, BODY, size, align=WD_ALIGN_PARAGRAPH.CENTER)
    for block in sheet.blocks:
        _line(document.add_paragraph(), f"■ {block.title}", HEAD, size * 1.1, colour=RED)
        if block.head:
            _table(document, block, size, mark)
            continue
        for (text,) in block.rows:
            _line(document.add_paragraph(), text, BODY, size, mark=mark)
    if sheet.picture:
        paragraph = document.add_paragraph()
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        paragraph.add_run().add_picture(io.BytesIO(sheet.picture), width=Mm(WIDTH))
    for text in sheet.below:
        _line(document.add_paragraph(), text, BODY, size * 0.85)


def _line(
    paragraph: Paragraph, text: str, font: str, size: float, *, align: Any = None, mark: str = "",
    colour: RGBColor | None = None,
) -> Paragraph:  # fmt: skip
    shape = paragraph.paragraph_format
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(size * 1.35)
    if align is not None:
        paragraph.alignment = align
    clean = UNPRINTABLE.sub("", text)
    at = clean.find(mark) if mark else -1
    while at >= 0:
        end = clean.find("〕", at) + 1 or len(clean)
        run(paragraph, clean[:at], font, size)
        run(paragraph, clean[at:end], font, size, colour=RED)
        clean = clean[end:]
        at = clean.find(mark)
    run(paragraph, clean, font, size, colour=colour).bold = font in {HEAD, TITLE} or None
    return paragraph


def _table(document: Document, block: Block, size: float, mark: str) -> None:
    rows = [block.head, *block.rows]
    longest = [max(min(sum(1 if sign.isascii() else 2 for sign in row[n]), 40) for row in rows) + 3
               for n in range(len(block.head))]  # fmt: skip
    made = grid(document, len(rows), [WIDTH * one / sum(longest) for one in longest], head=True)
    for number, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        for cell, text in zip(row.cells, texts, strict=True):
            _line(cell.paragraphs[0], text, HEAD if number == 0 else BODY, size, mark=mark)
