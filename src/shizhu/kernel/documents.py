"""Word documents (docx) as offices here write them: headings 黑体, text 仿宋, source and time at every foot."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import docx
from django.utils import timezone
from django.utils.translation import gettext as _
from docx.document import Document
from docx.image.exceptions import InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.styles.style import ParagraphStyle
from docx.text.paragraph import Paragraph

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
STYLES = {"Normal": ("仿宋", 12), "Title": ("黑体", 20), "Heading 1": ("黑体", 15), "Heading 2": ("黑体", 13)}
NO_PICTURE = (InvalidImageStreamError, UnexpectedEndOfFileError, UnrecognizedImageError)
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


@dataclass(frozen=True)
class Heading:
    """A heading; `level` 1 or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Table:
    """Rows of texts under a head; without a head the first column names what the second says."""

    rows: Sequence[Sequence[str]]
    head: Sequence[str] = ()
    widths: Sequence[float] = ()  # centimetres


@dataclass(frozen=True)
class Picture:
    """A picture with the words below it; one that cannot be drawn leaves its words."""

    content: bytes
    caption: str


Part = str | Heading | Table | Picture  # a text is a paragraph


def word(title: str, parts: Iterable[Part], *, source: str) -> bytes:
    """The document as a file. `source` says at the foot of every page where it comes from."""
    document = docx.Document()
    _dress(document, title, source)
    document.add_paragraph(_clean(title), style="Title")
    for part in parts:
        match part:
            case Heading():
                document.add_heading(_clean(part.text), part.level)
            case str():
                document.add_paragraph(_clean(part))
            case Table():
                _table(document, part)
            case Picture():
                _picture(document, part)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _clean(text: str) -> str:
    return UNPRINTABLE.sub("", text)


def _dress(document: Document, title: str, source: str) -> None:
    for name, (font, size) in STYLES.items():
        style = document.styles[name]
        assert isinstance(style, ParagraphStyle)
        style.font.name, style.font.size, style.font.color.rgb = "Times New Roman", Pt(size), RGBColor(0, 0, 0)
        style.element.get_or_add_rPr().get_or_add_rFonts().set(qn("w:eastAsia"), font)
    about = document.core_properties
    about.title, about.author = _clean(title)[:255], _clean(source)[:255]
    foot = document.sections[0].footer.paragraphs[0]
    made = f"{timezone.localtime():%Y-%m-%d %H:%M}"
    told = _("Source: %(source)s. Made on %(time)s.") % {"source": source, "time": made}
    foot.add_run(_clean(f"{told}    "))
    _field(foot, "PAGE")
    foot.add_run(" / ")
    _field(foot, "NUMPAGES")


def _field(paragraph: Paragraph, code: str) -> None:
    """A number that Word fills in."""
    paragraph._p.append(OxmlElement("w:fldSimple", {qn("w:instr"): code}))  # noqa: SLF001  # python-docx has no fields


def _table(document: Document, part: Table) -> None:
    rows = [*([part.head] if part.head else []), *part.rows]
    made = document.add_table(len(rows), max(map(len, rows), default=1), style="Table Grid")
    for number, (row, texts) in enumerate(zip(made.rows, rows, strict=True)):
        for column, (cell, text) in enumerate(zip(row.cells, texts, strict=False)):
            run = cell.paragraphs[0].add_run(_clean(text))
            run.bold = number == 0 if part.head else column == 0
            if column < len(part.widths):
                cell.width = Cm(part.widths[column])


def _picture(document: Document, part: Picture) -> None:
    paragraph = document.add_paragraph()
    try:
        paragraph.add_run().add_picture(io.BytesIO(part.content), width=Cm(12))
        paragraph.add_run().add_break()
        paragraph.add_run(_clean(part.caption))
    except NO_PICTURE:
        paragraph.add_run(_clean(f"{part.caption} ({_('see the file itself')})"))
