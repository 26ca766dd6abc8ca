"""Official documents (公文) after GB/T 9704-2012: page, type, levels of headings and page numbers as an office expects.

A4; top 37 mm, left 28 mm, a type area of 156 × 225 mm; 三号仿宋, 22 lines of 28 characters (§5); the red head
(§7.2.4); the title in 二号小标宋 (§7.3.1); levels 一、in 黑体 and （一）in 楷体 (§7.3.3); page numbers in 四号
between dashes, right on odd and left on even pages (§7.5); the issuer and the day at the end (§7.3.5.4), an annex
behind them (§7.3.6). Fonts are named, not shipped: readers have them, or those that the table of fonts names in their
place. The 28 characters come of narrower type, not of a grid of characters, in which LibreOffice gives each of them two
fields. What goes into a file (案卷) has the same page and type, a title, and no red head (`filed`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from math import floor
from typing import Any

import docx
from django.utils import timezone
from django.utils.translation import gettext as _
from docx.document import Document
from docx.enum.table import WD_ALIGN_VERTICAL, WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_LINE_SPACING, WD_TAB_ALIGNMENT
from docx.image.exceptions import InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.part import Part as FilePart
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import qn
from docx.shared import Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph

from shizhu.kernel.documents import UNPRINTABLE, Heading, Picture, Table, moment
from shizhu.kernel.wordcharts import BOOK_TYPE, CHART_TYPE, Chart, chart_xml, drawing, workbook

BODY, TITLE, HEAD, SECOND = "仿宋_GB2312", "方正小标宋简体", "黑体", "楷体_GB2312"
FONTS = {  # what stands for one that a reader lacks, and its kind and shape
    BODY: ("仿宋,FangSong,STFangsong", "modern", "02010609060101010101"),
    TITLE: ("方正小标宋_GBK,华文中宋,STZhongsong,宋体", "roman", "02010601030101010101"),
    HEAD: ("SimHei", "modern", "02010609060101010101"),
    SECOND: ("楷体,KaiTi,STKaiti", "script", "02010609060101010101"),
    "宋体": ("SimSun", "roman", "02010600030101010101"),
}
THREE, TWO, FOUR, SMALL_FOUR, FIVE = 16.0, 22.0, 14.0, 12.0, 10.5  # 三号, 二号, 四号, 小四, 五号 in points
SMALL_FIVE = 9.0  # 小五
LARGEST_HEAD = 36.0  # of the red head, in points; a long one is smaller, to stand on one line
AREA_WIDTH, AREA_HEIGHT, LINES, CHARACTERS = 156.0, 225.0, 22, 28  # millimetres
LINE = AREA_HEIGHT / 25.4 * 72 / LINES  # points
RED = RGBColor(0xC8, 0x10, 0x1E)
NUMBERS = "一二三四五六七八九十"
TITLE_CHARACTERS = 20  # of a line
SHORT, LONGEST_WORD, PADDING = 6, 10, 3.6  # characters of a column, and millimetres beside them
ROOMY = 0.8  # of the type area, at most, for what may not break: the rest is for long texts
WORD = re.compile(r"[!-~]+|[^ -~\n]{1,2}")  # what stands on one line: a number, a Latin word, two Chinese characters
BLANKS = re.compile(r"(?<=[^ -~]) +(?=[^ -~])")  # between Chinese characters
NO_PICTURE = (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError)
PICTURE = Mm(120), Mm(150)  # no wider and no higher
Part = str | Heading | Table | Chart | Picture


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
    document = blank()
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
    return saved(document, front.title, front.issuer)


def filed(title: str, parts: Iterable[Part], *, source: str, mark: str = "") -> bytes:
    """A document for the file (案卷): title and parts, and at the foot of every page where and when it was made."""
    document = blank()
    _page(document, mark)
    section = document.sections[0]
    section.footer_distance = Mm(297 - 37 - AREA_HEIGHT - 7 - 10)
    for footer in (section.footer, section.even_page_footer):
        told = footer.add_paragraph()
        told.alignment = WD_ALIGN_PARAGRAPH.CENTER
        made = {"source": source, "time": moment(timezone.now())}
        run(told, _("Source: %(source)s. Made on %(time)s.") % made, BODY, SMALL_FIVE)
    _line(document, in_lines(title), TITLE, TWO, align=WD_ALIGN_PARAGRAPH.CENTER, pitch=36)
    _line(document, "")
    add(document, parts)
    last = document.paragraphs[-1]
    if not last.text:  # what stands below a table gets no page of its own
        last.paragraph_format.line_spacing = Pt(1)
    return saved(document, title, source)


def blank() -> Document:
    """An empty document in Chinese: its language, punctuation that closes up, what stands for fonts somebody lacks."""
    document = docx.Document()
    for language in document.styles.element.xpath("w:docDefaults/w:rPrDefault/w:rPr/w:lang"):
        language.set(qn("w:eastAsia"), "zh-CN")
    settings: Any = document.settings.element
    settings.find(qn("w:themeFontLang")).set(qn("w:eastAsia"), "zh-CN")
    settings.find(qn("w:characterSpacingControl")).set(qn("w:val"), "compressPunctuation")
    for mode in settings.xpath("w:compat/w:compatSetting[@w:name='compatibilityMode']"):
        mode.set(qn("w:val"), "15")  # of an older one Word says so in the title of its window
    (table,) = (part for part in document.part.package.iter_parts() if part.partname == "/word/fontTable.xml")
    told = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{others}"/><w:panose1 w:val="{shape}"/><w:charset w:val="86"/>'
        f'<w:family w:val="{kind}"/><w:pitch w:val="variable"/></w:font>'
        for name, (others, kind, shape) in FONTS.items()
    )
    table._blob = table.blob.replace(b"</w:fonts>", f"{told}</w:fonts>".encode())  # noqa: SLF001  # it has no other door
    return document


def saved(document: Document, title: str, author: str) -> bytes:
    """The document as a file, with what its properties say."""
    about = document.core_properties
    about.title, about.author = (UNPRINTABLE.sub("", text)[:255] for text in (title, author))
    about.last_modified_by, about.comments, about.language = about.author, "", "zh-CN"
    about.created = about.modified = timezone.now()
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def in_lines(title: str) -> str:
    """A title without blanks between Chinese words; one longer than a line is broken where its sense allows, into two
    or three lines of about the same length.
    """
    words = BLANKS.split(title)
    title, ends = "".join(words), set(accumulate(map(len, words)))
    if _wide(title) <= TITLE_CHARACTERS:
        return title
    breaks = [n for n in range(1, len(title)) if n in ends or title[n] in "（《" or title[n - 1] in "）》：；、】"]
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
            case Picture():
                _picture(document, part)


def _page(document: Document, mark: str) -> None:
    section = document.sections[0]
    for header in (section.header, section.even_page_header) if mark else ():
        paragraph = header.paragraphs[0]
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER
        run(paragraph, mark, HEAD, FOUR, colour=RED)
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
    set_fonts(style.element, BODY)
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
        run(paragraph, "— ", "宋体", FOUR)
        field = OxmlElement("w:fldSimple", {qn("w:instr"): "PAGE"})
        field.append(parse_xml(f'<w:r xmlns:w="{W}"><w:rPr><w:sz w:val="28"/></w:rPr><w:t>1</w:t></w:r>'))
        paragraph._p.append(field)  # noqa: SLF001
        run(paragraph, " —", "宋体", FOUR)


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


def run(paragraph: Paragraph, text: str, font: str, size: float, *, colour: RGBColor | None = None) -> Any:
    """Words at the end of a paragraph, in a Chinese font and Times New Roman."""
    made = paragraph.add_run(UNPRINTABLE.sub("", text))
    made.font.name, made.font.size = "Times New Roman", Pt(size)
    set_fonts(made._r, font)  # noqa: SLF001
    if colour is not None:
        made.font.color.rgb = colour
    return made


def set_fonts(element: Any, font: str) -> None:
    """The Chinese font of a run or style, which quotation marks and dashes have too: without the hint Word takes the
    Latin one for them.
    """
    fonts = element.get_or_add_rPr().get_or_add_rFonts()
    fonts.set(qn("w:eastAsia"), font)
    fonts.set(qn("w:hint"), "eastAsia")


def _line(
    document: Any, text: str, font: str = BODY, size: float = THREE, *, align: Any = None, indent: int = 0,
    colour: RGBColor | None = None, pitch: float = LINE,
) -> Paragraph:  # fmt: skip
    paragraph: Paragraph = document.add_paragraph()
    run(paragraph, text, font, size, colour=colour)
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
    """§7.4: in 四号, one character from the left, at the end of the last page; strong rules as wide as the type area
    above and below, thin ones between.
    """
    strong, thin = ('w:val="single" w:sz="8" w:space="0" w:color="auto"', 'w:val="single" w:sz="4" w:space="0"')
    rules = f'<w:tblBorders xmlns:w="{W}"><w:top {strong}/><w:bottom {strong}/><w:insideH {thin}/></w:tblBorders>'
    made = grid(document, len(lines), [AREA_WIDTH], head=False, borders=rules)
    for row, text in zip(made.rows, lines, strict=True):
        paragraph = row.cells[0].paragraphs[0]
        run(paragraph, text, BODY, FOUR)
        paragraph.paragraph_format.left_indent = paragraph.paragraph_format.right_indent = Pt(FOUR)
        paragraph.paragraph_format.keep_with_next = True
    made._tbl.tblPr.insert_element_before(  # noqa: SLF001
        OxmlElement("w:tblpPr", {
            qn("w:vertAnchor"): "margin", qn("w:horzAnchor"): "margin", qn("w:tblpXSpec"): "center",
            qn("w:tblpYSpec"): "bottom",
        }),
        "w:tblOverlap", "w:bidiVisual", "w:tblStyleRowBandSize", "w:tblStyleColBandSize", "w:tblW", "w:jc",
    )  # fmt: skip
    _line(document, "", size=FIVE, pitch=1)


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
    level = OxmlElement("w:outlineLvl", {qn("w:val"): str(part.level - 1)})  # so Word lists it
    made._p.get_or_add_pPr().insert_element_before(level, "w:rPr", "w:sectPr")  # noqa: SLF001


def chinese(number: int) -> str:
    """一 … 十, 十一 … 九十九."""
    tens, ones = divmod(number, 10)
    text = "" if not tens else "十" if tens == 1 else f"{NUMBERS[tens - 1]}十"
    return text + (NUMBERS[ones - 1] if ones else "")


def _table(document: Document, part: Table) -> None:
    if part.head and not part.rows:
        _line(document, _("None."), indent=2)
        return
    rows = [*([part.head] if part.head else []), *part.rows]
    size, widths = (SMALL_FOUR, part.widths) if part.widths else _laid(rows)
    widths = [AREA_WIDTH * width / sum(widths) for width in widths]
    made = grid(document, len(rows), widths, head=bool(part.head))
    made._tbl.tblPr.insert_element_before(parse_xml(MARGINS), "w:tblLook")  # noqa: SLF001
    for number, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        is_head = bool(part.head) and number == 0
        for column, (cell, text) in enumerate(zip(row.cells, texts, strict=False)):
            is_name = is_head or (not part.head and column == 0)
            is_figure = bool(part.head) and _is_number(text.partition("［")[0].strip())  # whatever its source
            _cell(cell.paragraphs[0], text, HEAD if is_name else BODY, size, is_centred=is_head or is_figure)
            cell.vertical_alignment = WD_ALIGN_VERTICAL.CENTER
    _line(document, "", size=FIVE, pitch=12)


def grid(document: Document, rows: int, widths: Sequence[float], *, head: bool, borders: str = BORDERS) -> Any:
    """A table with lines and columns of so many millimetres. No row breaks over pages, the head stands on each."""
    made = document.add_table(rows, len(widths))
    properties = made._tbl.tblPr  # noqa: SLF001
    properties.insert_element_before(  # somebody's template may have no style for tables
        parse_xml(borders), "w:shd", "w:tblLayout", "w:tblCellMar", "w:tblLook"
    )
    made.alignment, made.autofit = WD_TABLE_ALIGNMENT.CENTER, False
    whole = properties.find(qn("w:tblW"))
    whole.set(qn("w:type"), "dxa")
    whole.set(qn("w:w"), str(Mm(sum(widths)).twips))
    for column, millimetres in zip(made.columns, widths, strict=True):
        column.width = Mm(millimetres)  # programs take their widths from here, or from each cell
        for cell in column.cells:
            cell.width = Mm(millimetres)
    for number, row in enumerate(made.rows):
        shape = row._tr.get_or_add_trPr()  # noqa: SLF001
        shape.append(OxmlElement("w:cantSplit"))
        if head and number == 0:
            shape.append(OxmlElement("w:tblHeader"))
    return made


def _cell(paragraph: Paragraph, text: str, font: str, size: float, *, is_centred: bool) -> None:
    run(paragraph, text, font, size)
    shape = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    for name in ("w:autoSpaceDE", "w:autoSpaceDN"):  # no air beside numbers: a day stands on one line
        shape.append(OxmlElement(name, {qn("w:val"): "0"}))
    shape.append(_off_the_grid())
    if is_centred:
        paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _laid(rows: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """Points of the type, smaller where many columns want it, and how wide each column is beside the others.

    No number breaks; where all is too much, long texts do, and short ones stand as they are as long as there is room.
    """
    columns = [[row[n] for row in rows if n < len(row)] for n in range(max(map(len, rows), default=1))]
    longest = [max(map(_longest, texts), default=0) for texts in columns]
    words = [max((_wide(word) for text in texts for word in WORD.findall(text)), default=0) for texts in columns]
    size, least = SMALL_FOUR, list[float]()
    for size in (SMALL_FOUR, FIVE, SMALL_FIVE):
        least = [_millimetres(max(1.0, min(word, LONGEST_WORD)), size) for word in words]
        if sum(least) <= ROOMY * AREA_WIDTH:
            break
    needs = [max(need, _millimetres(one, size)) for need, one in zip(least, longest, strict=True)]
    if sum(needs) <= AREA_WIDTH or sum(least) >= AREA_WIDTH:
        return size, needs if sum(needs) <= AREA_WIDTH else least
    kept = [need if one <= SHORT else small for need, one, small in zip(needs, longest, least, strict=True)]
    least = kept if sum(kept) <= ROOMY * AREA_WIDTH else least
    below = [max(map(_longest, texts[1:]), default=0) for texts in columns]  # a head may stand on several lines
    more = [max(0.1, _millimetres(one, size) - small) for one, small in zip(below, least, strict=True)]
    share = (AREA_WIDTH - sum(least)) / sum(more)
    return size, [small + share * want for small, want in zip(least, more, strict=True)]


def _longest(text: str) -> float:
    """The longest line of a text, in characters of Chinese."""
    return max(map(_wide, text.split("\n")))


def _millimetres(characters: float, size: float) -> float:
    """A column of so many characters."""
    return characters * size / 72 * 25.4 + PADDING


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


def _picture(document: Document, part: Picture) -> None:
    paragraph = document.add_paragraph()
    paragraph.alignment, caption = WD_ALIGN_PARAGRAPH.CENTER, part.caption
    try:
        drawn = paragraph.add_run().add_picture(io.BytesIO(part.content))
    except NO_PICTURE:
        caption = f"{caption} ({_('see the file itself')})"
        paragraph._p.getparent().remove(paragraph._p)  # noqa: SLF001
    else:
        scale = min(most / side for most, side in zip(PICTURE, (drawn.width, drawn.height), strict=True))
        drawn.width, drawn.height = round(drawn.width * scale), round(drawn.height * scale)
        paragraph.paragraph_format.keep_with_next = True
    _line(document, caption, BODY, SMALL_FOUR, align=WD_ALIGN_PARAGRAPH.CENTER, pitch=18)
    _line(document, "", size=FIVE, pitch=12)


__all__: Sequence[str] = ["Chart", "Front", "Part", "add", "filed", "official"]
