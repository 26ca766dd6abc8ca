"""Marks such as ［3］ in a Word document lead to the row of a table that begins with the same mark: links inside it."""

from __future__ import annotations

import re
from copy import deepcopy
from typing import Any

from docx.document import Document
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.run import Run

MARK = re.compile(r"(［\d+］)")
SIZE = Pt(7.5)  # 六号: a mark does not make its column wider
PLAIN = {qn("w:rPr"), qn("w:t"), qn("w:br"), qn("w:tab")}  # a run that holds words alone


def link(document: Document) -> None:
    """Give every row of an appendix, whose first cell is its mark, a bookmark, and make every such mark a link to it.

    A mark without a row stays as it is.
    """
    body: Any = document.element.body
    rows = {
        _text(cell): cell
        for row in body.iter(qn("w:tr"))
        if (cell := row.find(qn("w:tc"))) is not None and MARK.fullmatch(_text(cell))
    }
    used = [int(one.get(qn("w:id"), 0)) for one in body.iter(qn("w:bookmarkStart"))]
    for number, (mark, cell) in enumerate(rows.items(), max(used, default=0) + 1):
        _bookmark(cell.find(qn("w:p")), number, _name(mark))
    heads = {paragraph for cell in rows.values() for paragraph in cell}
    for run in list(body.iter(qn("w:r"))):
        paragraph = run.getparent()
        if paragraph.tag == qn("w:p") and paragraph not in heads and {part.tag for part in run} <= PLAIN:
            _marks(run, rows)


def _text(element: Any) -> str:
    return "".join(part.text or "" for part in element.iter(qn("w:t")))


def _name(mark: str) -> str:
    return f"source_{mark.strip('［］')}"


def _bookmark(paragraph: Any, number: int, name: str) -> None:
    begin = OxmlElement("w:bookmarkStart", {qn("w:id"): str(number), qn("w:name"): name})
    paragraph.insert(1 if paragraph.pPr is not None else 0, begin)
    paragraph.append(OxmlElement("w:bookmarkEnd", {qn("w:id"): str(number)}))


def _marks(run: Any, rows: dict[str, Any]) -> None:
    """Cut a run at its marks; each of them that has a row becomes a link."""
    parts = [part for part in MARK.split(Run(run, None).text) if part]  # type: ignore[arg-type]  # the parent is not asked
    if rows.keys().isdisjoint(parts):
        return
    for part in parts:
        made = deepcopy(run)
        told = Run(made, None)  # type: ignore[arg-type]
        told.text = part
        if part in rows:
            told.font.size = SIZE
            made_link = OxmlElement("w:hyperlink", {qn("w:anchor"): _name(part), qn("w:history"): "1"})
            made_link.append(made)
            made = made_link
        run.addprevious(made)
    run.getparent().remove(run)
