"""Official documents (公文) after GB/T 9704-2012: page, type, levels of headings and page numbers as an office expects.

A4; top 37 mm, left 28 mm, a type area of 156 × 225 mm; 三号仿宋, 22 lines of 28 characters (§5); the red head
(§7.2.4); the title in 二号小标宋 (§7.3.1); levels 一、in 黑体 and （一）in 楷体 (§7.3.3); page numbers in 四号
between dashes, right on odd and left on even pages (§7.5); the issuer and the day at the end (§7.3.5.4), an annex
behind them (§7.3.6). Fonts are named, not shipped: readers have them. The 28 characters come of narrower type, not of a
grid of characters, in which LibreOffice gives each of them two fields.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import floor
from typing import Any

import docx
from docx.document import Document
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.part import Part as FilePart
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from shizhu.kernel.documents import UNPRINTABLE, Heading, Table
from shizhu.kernel.wordcharts import BOOK_TYPE, CHART_TYPE, Chart, chart_xml, drawing, workbook

BODY, TITLE, HEAD, SECOND = "仿宋_GB2312", "方正小标宋简体", "黑体", "楷体_GB2312"
THREE, TWO, FOUR, SMALL_FOUR, FIVE = 16.0, 22.0, 14.0, 12.0, 10.5  # 三号, 二号, 四号, 小四, 五号 in points
LARGEST_HEAD = 36.0  # of the red head, in points; a long one is smaller, to stand on one line
AREA_WIDTH, AREA_HEIGHT, LINES, CHARACTERS = 156.0, 225.0, 22, 28  # millimetres
LINE = AREA_HEIGHT / 25.4 * 72 / LINES  # points
RED = RGBColor(0xC8, 0x10, 0x1E)
NUMBERS = "一二三四五六七八九十"
TITLE_CHARACTERS = 20  # of a line
NARROWEST, SHORT, PADDING = 2, 6, 4.0  # characters of a column, and millimetres beside them
Part = str | Heading | Table | Chart


@dataclass(frozen=True)
class Front:
    """What stands above the text: the red head, its number, who issues it, the day in words, and the title.

    The head is as large as fits on one line; `head_size` in points says how large where it is filled in later. `mark`
    stands at the top of every page.
    """

    head: str
    number: str
    issuer: str
    day: str
    title: str
    head_size: float | None = None
    mark: str = ""


def official(
    front: Front, parts: Iterable[Part], annex: tuple[str, Iterable[Part]] | None = None, imprint: Sequence[str] = ()
) -> bytes:
    """The document as a file. Headings of level 1 and 2 are numbered here; a text is a paragraph.

    An annex (附件), title and parts, is named below the text and stands on a page of its own behind the signature
    (§7.3.4, §7.3.6). With an imprint (版记, §7.4), lines between rules, it has no signature, as bulletins (简报).
    """
    document = docx.Document()
    _page(document, front.mark)
    _front(document, front)
    add(document, parts)
    _line(document, "").paragraph_format.keep_with_next = True
    if annex:
        _line(document, f"附件：{annex[0]}", indent=2).paragraph_format.keep_with_next = True
        _line(document, "").paragraph_format.keep_with_next = True
    if imprint:
        _imprint(document, imprint)
    else:
        _signature(document, front)
    if annex:
        _annex(document, *annex)
    hold_signature(document)
    document.core_properties.title, document.core_properties.author = front.title[:255], front.issuer[:255]
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def in_lines(title: str) -> str:
    """A title longer than a line, broken where its sense allows into two or three lines of about the same length."""
    if _wide(title) <= TITLE_CHARACTERS:
        return title
    breaks = [n for n in range(1, len(title)) if title[n] in "（《" or title[n - 1] in "）》：；、"]
    for number in (1, 2):
        cuts = [(0, *places, len(title)) for places in combinations(breaks, number)]
        broken = [[title[begin:end] for begin, end in pairwise(places)] for places in cuts]
        fit = [lines for lines in broken if max(map(_wide, lines)) <= TITLE_CHARACTERS]
        if fit:
            best: list[str] = min(fit, key=_uneven)
            return "\n".join(best)
    return title


def _uneven(lines: Sequence[str]) -> tuple[float, float]:
    """How much longer the longest line is than the shortest; of the same, a long second line is better."""
    return max(map(_wide, lines)) - min(map(_wide, lines)), -_wide(lines[1])


def hold_signature(document: Document) -> None:
    """Keep what ends a text on the page of what stands before it, so that no signature has a page to itself."""
    content = list(document.iter_inner_content())
    annex = (
        n for n, one in enumerate(content) if isinstance(one, Paragraph) and one.paragraph_format.page_break_before
    )
    content = content[: next(annex, len(content))]
    while content:
        last = content.pop()
        before = content[-1] if content else None
        if isinstance(before, Paragraph):
            is_part = bool(before.paragraph_format.keep_with_next) or not before.text.strip()
            before.paragraph_format.keep_with_next = True
            if is_part:
                continue
        elif before is not None and isinstance(last, Paragraph):
            for cell in before.rows[-1].cells:
                cell.paragraphs[0].paragraph_format.keep_with_next = True
        return


def add(document: Document, parts: Iterable[Part]) -> None:
    """Put parts at the end of a document; headings are numbered from 一 on."""
    numbers = [0, 0]
    for part in parts:
        match part:
            case Heading():
                _heading(document, part, numbers)
            case str():  # what ends so leads to the table below
                _line(document, part, indent=2).paragraph_format.keep_with_next = part.endswith("：") or None
            case Table():
                _table(document, part)
            case Chart():
                _chart(document, part)


def _page(document: Document, mark: str) -> None:
    section = document.sections[0]
    for header in (section.header, section.even_page_header) if mark else ():
        paragraph = header.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        _run(paragraph, mark, HEAD, FOUR, colour=RED)
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.top_margin, section.bottom_margin = Mm(37), Mm(297 - 37 - AREA_HEIGHT)
    section.left_margin, section.right_margin = Mm(28), Mm(210 - 28 - AREA_WIDTH)
    section.footer_distance = Mm(297 - 37 - AREA_HEIGHT - 7 - 5)  # the number 7 mm below the type area
    grid = section._sectPr.find(qn("w:docGrid"))  # noqa: SLF001  # python-docx has no grid
    if grid is None:
        grid = OxmlElement("w:docGrid")
        section._sectPr.append(grid)  # noqa: SLF001
    grid.set(qn("w:type"), "lines")
    grid.set(qn("w:linePitch"), str(round(LINE * 20)))
    style: Any = document.styles["Normal"]
    style.font.name, style.font.size = "Times New Roman", Pt(THREE)
    style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), BODY)
    style.element.rPr.insert_element_before(
        OxmlElement("w:spacing", {qn("w:val"): str(floor((AREA_WIDTH / 25.4 * 72 / CHARACTERS - THREE) * 20))}),
        "w:w", "w:kern", "w:position", "w:sz", "w:szCs", "w:lang",
    )  # fmt: skip
    style.paragraph_format.space_after = style.paragraph_format.space_before = Pt(0)
    style.paragraph_format.line_spacing = 1.0
    document.settings.odd_and_even_pages_header_footer = True
    for footer, align in (
        (section.footer, WD_ALIGN_PARAGRAPH.RIGHT), (section.even_page_footer, WD_ALIGN_PARAGRAPH.LEFT),
    ):  # fmt: skip
        paragraph = footer.paragraphs[0]
        paragraph.alignment = align
        _run(paragraph, "— ", "宋体", FOUR)
        field = OxmlElement("w:fldSimple", {qn("w:instr"): "PAGE"})
        field.append(parse_xml(f'<w:r xmlns:w="{W}"><w:rPr><w:sz w:val="28"/></w:rPr><w:t>1</w:t></w:r>'))
        paragraph._p.append(field)  # noqa: SLF001
        _run(paragraph, " —", "宋体", FOUR)


W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BORDERS = (
    f'<w:tblBorders xmlns:w="{W}">'
    + "".join(
        f'<w:{edge} w:val="single" w:sz="4" w:space="0" w:color="auto"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    + "</w:tblBorders>"
)


MARGINS = (
    f'<w:tblCellMar xmlns:w="{W}"><w:top w:w="40" w:type="dxa"/><w:left w:w="85" w:type="dxa"/>'
    '<w:bottom w:w="40" w:type="dxa"/><w:right w:w="85" w:type="dxa"/></w:tblCellMar>'
)


def _run(paragraph: Paragraph, text: str, font: str, size: float, *, colour: RGBColor | None = None) -> Any:
    run = paragraph.add_run(UNPRINTABLE.sub("", text))
    run.font.name, run.font.size = "Times New Roman", Pt(size)
    run._r.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)  # noqa: SLF001
    if colour is not None:
        run.font.color.rgb = colour
    return run


def _line(
    document: Any, text: str, font: str = BODY, size: float = THREE, *, align: Any = None, indent: int = 0,
    colour: RGBColor | None = None, pitch: float = LINE,
) -> Paragraph:  # fmt: skip
    paragraph: Paragraph = document.add_paragraph()
    _run(paragraph, text, font, size, colour=colour)
    shape = paragraph.paragraph_format
    shape.line_spacing_rule, shape.line_spacing = WD_LINE_SPACING.EXACTLY, Pt(pitch)
    if align is not None:
        paragraph.alignment = align
    if indent:
        mark = paragraph._p.get_or_add_pPr().get_or_add_ind()  # noqa: SLF001
        mark.set(qn("w:firstLineChars"), str(indent * 100))
        mark.set(qn("w:firstLine"), str(round(indent * size * 20)))
    return paragraph


def _front(document: Document, front: Front) -> None:
    centre = WD_ALIGN_PARAGRAPH.CENTER
    size = front.head_size or max(TWO, min(LARGEST_HEAD, Mm(AREA_WIDTH).pt // max(1.0, _wide(front.head))))
    _line(document, front.head, TITLE, size, align=centre, colour=RED, pitch=48)
    _line(document, front.number, align=centre)
    rule = _line(document, f"{front.issuer}\t{front.day}", pitch=LINE)
    rule.paragraph_format.tab_stops.add_tab_stop(Mm(AREA_WIDTH), alignment=WD_TAB_ALIGNMENT.RIGHT)
    border = f'<w:pBdr xmlns:w="{W}"><w:bottom w:val="single" w:sz="16" w:space="4" w:color="C8101E"/></w:pBdr>'
    rule._p.get_or_add_pPr().insert_element_before(  # noqa: SLF001
        parse_xml(border), "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
    )
    _line(document, "")
    _line(document, in_lines(front.title), TITLE, TWO, align=centre, pitch=36)
    _line(document, "")


def _signature(document: Document, front: Front) -> None:
    """§7.3.5.4: the issuer two characters from the right, the day below it begins two characters further right; where
    the day would then be too near to the edge, both move."""
    issuer, day = _wide(front.issuer), _wide(front.day)
    right = max(2.0, issuer - day)
    for text, indent in ((front.issuer, right + day + 2 - issuer), (front.day, right)):
        line = _line(document, text, align=WD_ALIGN_PARAGRAPH.RIGHT)
        line.paragraph_format.right_indent = Pt(THREE * indent)
        line.paragraph_format.keep_together = True
        line.paragraph_format.keep_with_next = text == front.issuer or None


def _imprint(document: Document, lines: Sequence[str]) -> None:
    """§7.4: in 四号, one character from the left, between a strong rule above and below and thin ones between."""
    for number, text in enumerate(lines):
        line = _line(document, text, size=FOUR, pitch=LINE - 4)
        shape = line.paragraph_format
        shape.left_indent, shape.right_indent = Pt(FOUR), Pt(FOUR)
        shape.keep_together, shape.keep_with_next = True, number < len(lines) - 1 or None
        edges = [("top", 8 if number == 0 else 4), *([("bottom", 8)] if number == len(lines) - 1 else [])]
        border = f'<w:pBdr xmlns:w="{W}">' + "".join(
            f'<w:{edge} w:val="single" w:sz="{width}" w:space="2" w:color="auto"/>' for edge, width in edges
        )
        line._p.get_or_add_pPr().insert_element_before(  # noqa: SLF001
            parse_xml(f"{border}</w:pBdr>"), "w:shd", "w:tabs", "w:spacing", "w:ind", "w:jc", "w:rPr"
        )


def _annex(document: Document, title: str, parts: Iterable[Part]) -> None:
    """§7.3.6: 附件 at the left of the first line of a new page, its title in the middle of the third."""
    _line(document, "附件", HEAD).paragraph_format.page_break_before = True
    _line(document, "")
    _line(document, in_lines(title), TITLE, TWO, align=WD_ALIGN_PARAGRAPH.CENTER, pitch=36)
    _line(document, "")
    add(document, parts)


def _wide(text: str) -> float:
    """How wide a text is, in characters of Chinese."""
    return sum(0.5 if sign.isascii() else 1.0 for sign in text)


def _heading(document: Document, part: Heading, numbers: list[int]) -> None:
    if part.level == 1:
        numbers[:] = [numbers[0] + 1, 0]
        made = _line(document, f"{chinese(numbers[0])}、{part.text}", HEAD, indent=2)
    else:
        numbers[1] += 1
        made = _line(document, f"（{chinese(numbers[1])}）{part.text}", SECOND, indent=2)
    made.paragraph_format.keep_with_next = True


def chinese(number: int) -> str:
    """一 … 十, 十一 … 九十九."""
    tens, ones = divmod(number, 10)
    text = "" if not tens else "十" if tens == 1 else f"{NUMBERS[tens - 1]}十"
    return text + (NUMBERS[ones - 1] if ones else "")


def _table(document: Document, part: Table) -> None:
    rows = [*([part.head] if part.head else []), *part.rows]
    width = max(map(len, rows), default=1)
    made = document.add_table(len(rows), width)
    made._tbl.tblPr.insert_element_before(  # noqa: SLF001  # somebody's template may have no style for tables
        parse_xml(BORDERS), "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook"
    )
    made._tbl.tblPr.insert_element_before(parse_xml(MARGINS), "w:tblLook")  # noqa: SLF001
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    widths = [10 * centimetres for centimetres in part.widths] or _widths(rows, width)
    for column, millimetres in zip(made.columns, widths, strict=False):
        column.width = Mm(millimetres)
    for number, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        is_head = bool(part.head) and number == 0
        properties = row._tr.get_or_add_trPr()  # noqa: SLF001
        properties.append(OxmlElement("w:cantSplit"))
        if is_head:  # on every page
            properties.append(OxmlElement("w:tblHeader"))
        for column, (cell, text) in enumerate(zip(row.cells, texts, strict=False)):
            paragraph = cell.paragraphs[0]
            _run(paragraph, text, HEAD if is_head else BODY, SMALL_FOUR)
            paragraph._p.get_or_add_pPr().insert_element_before(  # noqa: SLF001
                _off_the_grid(), "w:spacing", "w:ind", "w:jc", "w:rPr"
            )
            if is_head or _is_number(text.partition("［")[0].strip()):  # whatever its source
                paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
            cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
            if column < len(widths):
                cell.width = Mm(widths[column])
    _line(document, "", size=FIVE, pitch=12)


def _widths(rows: Sequence[Sequence[str]], columns: int) -> list[float]:
    """Millimetres of columns that fill the type area by what stands in them; where it is too much, long texts break."""
    longest = [
        max((_wide(line) for row in rows if n < len(row) for line in row[n].split("\n")), default=0)
        for n in range(columns)
    ]
    needs = [max(one, NARROWEST) * SMALL_FOUR / 72 * 25.4 + PADDING for one in longest]
    kept = [need for need, one in zip(needs, longest, strict=True) if one <= SHORT]
    if sum(needs) <= AREA_WIDTH or len(kept) == columns or sum(kept) > AREA_WIDTH / 2:
        return [AREA_WIDTH * need / sum(needs) for need in needs]
    share = (AREA_WIDTH - sum(kept)) / (sum(needs) - sum(kept))
    return [need if one <= SHORT else need * share for need, one in zip(needs, longest, strict=True)]


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("—", "0").lstrip("+-−").isdigit()


def _off_the_grid() -> Any:
    """Cells and charts do not follow the lines of the page."""
    return OxmlElement("w:snapToGrid", {qn("w:val"): "0"})


def _chart(document: Document, part: Chart) -> None:
    package = document.part.package
    place = package.next_partname("/word/charts/chart%d.xml")
    number = int("".join(filter(str.isdigit, place)))
    chart = FilePart(place, CHART_TYPE, chart_xml(part), package)
    sheet = package.next_partname("/word/embeddings/Microsoft_Excel_Sheet%d.xlsx")
    chart.relate_to(FilePart(sheet, BOOK_TYPE, workbook(part), package), RELATIONSHIP_TYPE.PACKAGE)  # so rId1
    relation = document.part.relate_to(chart, RELATIONSHIP_TYPE.CHART)
    paragraph = document.add_paragraph()
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
    paragraph.paragraph_format.keep_with_next = True
    paragraph._p.get_or_add_pPr().insert_element_before(_off_the_grid(), "w:spacing", "w:ind", "w:jc")  # noqa: SLF001
    paragraph._p.append(parse_xml(drawing(part, relation, number)))  # noqa: SLF001
    told = f"{part.caption}（{part.unit}）" if part.unit else part.caption
    _line(document, told, HEAD, SMALL_FOUR, align=WD_ALIGN_PARAGRAPH.CENTER, pitch=18)
    _line(document, "", size=FIVE, pitch=12)


def dated(year: int, month: int, day: int | None = None) -> str:
    """2026年11月25日, as §7.3.5.4 writes days: Arabic numbers, no noughts before them."""
    return f"{year}年{month}月{day}日" if day else f"{year}年{month}月"


__all__: Sequence[str] = ["Chart", "Front", "Part", "add", "dated", "official"]
