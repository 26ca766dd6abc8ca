"""Word files (docx): paragraphs with their automatic numbers, tables with merged cells, text boxes."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence

import docx
from docx.document import Document
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from docx.oxml.parser import parse_xml
from docx.oxml.xmlchemy import BaseOxmlElement
from lxml.etree import XMLSyntaxError  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.engines.plan.logic.opening.grid import Grid, Slot, squared, write_down
from shizhu.engines.plan.logic.opening.numbers import Numbers, numbers_of
from shizhu.engines.plan.logic.opening.opened import LARGEST, FileUnreadable, Opened, Sheet

_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError)  # of a packed file
_TEXT_BOX, _ALTERNATIVE = "txbxContent", "Fallback"
_GONE = frozenset({"del", "moveFrom", "instrText", "delText", "rPr", "pPr", _ALTERNATIVE})
_PICTURES = frozenset({"drawing", "pict", "object"})
_CONTENTS = ("toc", "目录")
_NOTES = {"footnoteReference": "footnotes", "endnoteReference": "endnotes"}


def open_word(name: str, content: bytes) -> Opened:
    """Open a docx; what stands in heads and feet of pages is left out."""
    document = _document(name, content)
    try:
        return Opened(_Walk(document).text(), "docx")
    except (XMLSyntaxError, LookupError, ValueError) as error:
        raise FileUnreadable(name, "damaged-docx") from error


def _document(name: str, content: bytes) -> Document:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(item.file_size for item in packed.infolist())
            parts = set(packed.namelist())
        if size > LARGEST:
            raise FileUnreadable(name, "size")
        if "word/document.xml" not in parts:
            raise FileUnreadable(name, "other-archive")
        return docx.Document(io.BytesIO(content))
    except (*_BROKEN, PackageNotFoundError, XMLSyntaxError, LookupError, ValueError) as error:
        raise FileUnreadable(name, "damaged-docx") from error


class _Walk:
    """One walk through a document, in reading order."""

    def __init__(self, document: Document) -> None:
        self.numbers: Numbers = numbers_of(document)
        self.notes = {kind: _notes_of(document, kind) for kind in _NOTES.values()}
        self.styles = {
            style.get(qn("w:styleId")): _value(style, "w:name").lower()
            for style in document.styles.element.findall(qn("w:style"))
        }
        self.body: BaseOxmlElement = document.element.body
        self.sheet = Sheet()
        self.pictures = 0
        self.begun = ""  # text of a paragraph that the next one carries on

    def text(self) -> str:
        """Return all lines."""
        self.blocks(self.body)
        return self.sheet.text

    def blocks(self, around: BaseOxmlElement) -> None:
        """Write down the paragraphs and tables of a body, a cell or a text box."""
        for block in _blocks(around):
            if _tag(block) == "tbl":
                self.table(block)
            else:
                self.paragraph(block)

    def paragraph(self, block: BaseOxmlElement) -> None:
        """Write down a paragraph, the text boxes anchored in it, and its notes."""
        if self.styles.get(_style(block), "").startswith(_CONTENTS):
            return
        text = self.printed(block)
        if block.find(f"{qn('w:pPr')}/{qn('w:rPr')}/{qn('w:del')}") is not None:
            self.begun += text  # its end was deleted: the next paragraph carries it on
            return
        text, self.begun = self.begun + text, ""
        boxes = _boxes(block)
        if text.strip():
            self.sheet.add(text)
        elif not boxes and any(_tag(item) in _PICTURES for item in block.iter()):
            self.pictures += 1
            self.sheet.add(f"[image: {self.pictures}]")
        for box in boxes:
            self.blocks(box)
        for note in self.noted(block):
            self.sheet.add(note)

    def printed(self, block: BaseOxmlElement, *, in_cell: bool = False) -> str:
        """Return the text of a paragraph as Word prints it, with its number; in a cell that may be all there is."""
        text = "".join(_texts(block))
        number = self.numbers.before(block) if text.strip() or in_cell else ""
        apart = " " if number[-1:].isalnum() or number[-1:] == "." or number == "●" else ""
        return f"{number}{apart}{text.lstrip()}" if number else text

    def noted(self, block: BaseOxmlElement) -> list[str]:
        """Return the notes (脚注) that a block refers to, as lines below it."""
        found: list[str] = []
        for item in block.iter():
            kind = _NOTES.get(_tag(item))
            note = self.notes[kind].get(item.get(qn("w:id"), "")) if kind else None
            found += [f"注：{note}"] if note else []
        return found

    def table(self, block: BaseOxmlElement) -> None:
        """Write down a table row by row; a frame of one column is a box, and its lines are lines."""
        printed = list(_rows(block))
        rows = [list(_cells(row)) for row in printed]
        if max((len(cells) for cells in rows), default=0) <= 1 or (len(rows) == 1 and _holds_table(rows[0])):
            for cells in rows:
                for cell in cells:
                    self.blocks(cell)
            return
        begun = 0
        for at, cells in enumerate(rows):
            if len(cells) == 1 and _holds_table(cells):  # a row that is no more than a frame around a table
                write_down(self.sheet, squared(self.grid(printed[begun:at])))
                self.blocks(cells[0])
                begun = at + 1
        write_down(self.sheet, squared(self.grid(printed[begun:])))
        for note in self.noted(block):
            self.sheet.add(note)

    def grid(self, printed: Iterable[BaseOxmlElement]) -> Grid:
        """Return the places of the rows of a table."""
        rows: Grid = []
        for row in printed:
            slots = [Slot()] * _count(row, "w:trPr", "w:gridBefore")
            for cell in _cells(row):
                span = max(1, _count(cell, "w:tcPr", "w:gridSpan"))
                above = rows[-1][len(slots)] if rows and len(slots) < len(rows[-1]) else Slot()
                own = Slot(above.text) if _continues(cell) else Slot(self.cell(cell), begins=True)
                slots += [own, *[Slot(own.text)] * (span - 1)]
            rows.append(slots)
        return rows

    def cell(self, cell: BaseOxmlElement) -> str:
        """Return the text of a cell; its paragraphs, and the rows of a table in it, are lines."""
        lines: list[str] = []
        for block in _blocks(cell):
            if _tag(block) == "tbl":
                inner = (
                    " ".join(dict.fromkeys(slot.text for slot in row if slot.text)) for row in self.grid(_rows(block))
                )
                lines.append("；".join(row for row in inner if row))
            else:
                lines += self.printed(block, in_cell=True).split("\n")
                lines += [line for box in _boxes(block) for line in self.cell(box).split("\n")]
        return "\n".join(line.strip() for line in lines if line.strip())


def _blocks(around: BaseOxmlElement) -> Iterator[BaseOxmlElement]:
    for item in around:
        tag = _tag(item)
        if tag in {"p", "tbl"}:
            yield item
        elif tag == "sdt" and not _is_contents(item):
            content = item.find(qn("w:sdtContent"))
            yield from _blocks(content) if content is not None else ()
        elif tag in {"ins", "moveTo", "customXml", "smartTag"}:
            yield from _blocks(item)


def _boxes(block: BaseOxmlElement) -> list[BaseOxmlElement]:
    """The text boxes anchored in a paragraph."""
    return [box for box in block.iter(qn("w:txbxContent")) if not _inside(box, _ALTERNATIVE, block)]


def _holds_table(cells: Sequence[BaseOxmlElement]) -> bool:
    return any(_tag(block) == "tbl" for cell in cells for block in _blocks(cell))


def _is_contents(item: BaseOxmlElement) -> bool:
    """Whether a block is the table of contents that Word makes."""
    return any(found.get(qn("w:val"), "").lower().startswith("table of") for found in item.iter(qn("w:docPartGallery")))


def _rows(table: BaseOxmlElement) -> Iterator[BaseOxmlElement]:
    for item in table:
        if _tag(item) == "tr":
            deleted = item.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None
            if not deleted and next(_cells(item), None) is not None:
                yield item
        elif _tag(item) in {"sdt", "sdtContent", "ins", "customXml"}:
            yield from _rows(item)


def _cells(row: BaseOxmlElement) -> Iterator[BaseOxmlElement]:
    for item in row:
        if _tag(item) == "tc":
            if item.find(f"{qn('w:tcPr')}/{qn('w:cellDel')}") is None:
                yield item
        elif _tag(item) in {"sdt", "sdtContent", "customXml"}:
            yield from _cells(item)


def _texts(around: BaseOxmlElement) -> Iterator[str]:
    """Yield the pieces of text of a paragraph; deleted or hidden text, field codes and text boxes are not printed."""
    for item in around:
        tag = _tag(item)
        if tag in _GONE or tag == _TEXT_BOX or tag in _PICTURES or (tag == "r" and _is_hidden(item)):
            continue
        if tag == "t":
            yield item.text or ""
        elif tag in {"tab", "ptab"}:
            yield "\t"
        elif tag in {"br", "cr"}:
            yield "\n" if item.get(qn("w:type")) != "page" else ""
        elif tag == "noBreakHyphen":
            yield "-"
        elif tag == "sym":
            yield _symbol(item.get(qn("w:char"), ""))
        else:
            yield from _texts(item)


def _symbol(code: str) -> str:
    """A sign inserted by its number; fonts of symbols have those of ASCII from F000 on (F025 is %)."""
    number = int(code or "20", 16)
    return chr(number - 0xF000) if 0xF020 <= number < 0xF07F else chr(number) if number < 0xE000 else ""


def _is_hidden(run: BaseOxmlElement) -> bool:
    hidden = run.find(f"{qn('w:rPr')}/{qn('w:vanish')}")
    return hidden is not None and hidden.get(qn("w:val"), "true") not in {"false", "0", "off"}


def _notes_of(document: Document, kind: str) -> dict[str, str]:
    part = next((rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith(f"/{kind}")), None)
    if part is None:
        return {}
    root = parse_xml(part.blob)
    found = {note.get(qn("w:id"), ""): "".join(_texts(note)).strip() for note in root}
    return {name: text for name, text in found.items() if text}


def _continues(cell: BaseOxmlElement) -> bool:
    merge = cell.find(f"{qn('w:tcPr')}/{qn('w:vMerge')}")
    return merge is not None and merge.get(qn("w:val"), "continue") == "continue"


def _count(item: BaseOxmlElement, properties: str, name: str) -> int:
    found = item.find(f"{qn(properties)}/{qn(name)}")
    return int(found.get(qn("w:val"), "0")) if found is not None else 0


def _value(item: BaseOxmlElement, name: str) -> str:
    found = item.find(qn(name))
    return str(found.get(qn("w:val"), "")) if found is not None else ""


def _style(block: BaseOxmlElement) -> str:
    properties = block.find(qn("w:pPr"))
    return _value(properties, "w:pStyle") if properties is not None else ""


def _inside(item: BaseOxmlElement, tag: str, stop: BaseOxmlElement) -> bool:
    """Whether an element stands in one of a tag, below `stop`."""
    around = item.getparent()
    while around is not None and around is not stop:
        if _tag(around) == tag:
            return True
        around = around.getparent()
    return False


def _tag(item: BaseOxmlElement) -> str:
    return item.tag.rpartition("}")[2] if isinstance(item.tag, str) else ""
