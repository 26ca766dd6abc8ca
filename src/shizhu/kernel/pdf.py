"""A Word document as PDF/A, laid out by Typst: page, paragraphs, tables, pictures and charts of what offices hand in.

What is read of a document: size and margins of the page; of paragraphs alignment, first-line indent, pitch, a rule
below, and of their words typeface, size, weight, colour and links within it; tables with cells that span columns;
pictures; DrawingML charts. Text boxes, notes and cells that span rows are not. Fonts are those of the server: without a
Chinese one there is no PDF.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import docx
from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.table import Table
from docx.text.hyperlink import Hyperlink
from docx.text.paragraph import Paragraph
from docx.text.run import Run
from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

from shizhu.kernel.svgcharts import drawn
from shizhu.kernel.wordcharts import CHART, PIE, RELATION, Chart, Series

MEDIA_TYPE = "application/pdf"
FACES = {  # typeface in the PDF → what stands for it, the first that the server has
    "serif": ("FangSong_GB2312", "FangSong", "STFangsong", "SimSun", "Noto Serif CJK SC", "Source Han Serif SC",
              "Source Han Serif CN", "AR PL UMing CN"),
    "title": ("FZXiaoBiaoSong-B05S", "STZhongsong", "Noto Serif CJK SC", "Source Han Serif SC", "SimSun",
              "AR PL UMing CN"),
    "sans": ("SimHei", "Noto Sans CJK SC", "Source Han Sans SC", "Source Han Sans CN", "WenQuanYi Zen Hei",
             "WenQuanYi Micro Hei"),
    "kai": ("KaiTi_GB2312", "KaiTi", "STKaiti", "AR PL UKai CN"),
}  # fmt: skip
ALIGN = {WD_ALIGN_PARAGRAPH.CENTER: "center", WD_ALIGN_PARAGRAPH.RIGHT: "right"}
NAMES = {"c": CHART}
EMU = 36000.0  # a millimetre
PIXELS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/svg+xml": "svg"}


class NoFont(LookupError):
    """The server has no Chinese font."""


@cache
def _typst() -> tuple[Any, Any]:
    """The library with the server's fonts: looked for once, when the first PDF is made."""
    import typst  # noqa: PLC0415  # heavy, and needed here alone

    return typst, typst.Fonts()


def faces() -> dict[str, list[str]]:
    """Which fonts stand for each typeface. Raises NoFont."""
    there = set(_typst()[1].families())
    found = {face: [name for name in names if name in there] for face, names in FACES.items()}
    every = [name for names in found.values() for name in names]
    if not every:
        raise NoFont
    return {face: names or every[:1] for face, names in found.items()}


def printed(content: bytes) -> bytes:
    """A Word document (docx) as PDF/A-2b. Raises NoFont."""
    fonts = faces()
    with tempfile.TemporaryDirectory() as folder:
        read = _Reading(docx.Document(io.BytesIO(content)), Path(folder))
        told = {**read.document(), "fonts": fonts}
        (Path(folder) / "document.json").write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
        layout = Path(folder) / "layout.typ"
        layout.write_bytes(resources.files("shizhu.kernel").joinpath("pdf.typ").read_bytes())
        library, known = _typst()
        made: bytes = library.compile(str(layout), root=folder, font_paths=known, format="pdf", pdf_standards="a-2b")
    return made


class _Reading:
    """What is laid out of one document, pictures beside it in a folder."""

    def __init__(self, document: Document, folder: Path) -> None:
        self._document, self._folder, self._pictures, self._anchors = document, folder, 0, set[str]()
        normal: Any = document.styles["Normal"]
        self._size = normal.font.size.pt if normal.font.size else 12.0

    def document(self) -> dict[str, Any]:
        """Page (numbered where its foot is), title, author, parts, and the names of places that links lead to."""
        section = self._document.sections[0]
        sides = ("top_margin", "bottom_margin", "left_margin", "right_margin")
        page = {side.split("_")[0]: _millimetres(getattr(section, side), 25.4) for side in sides}
        page |= {"width": _millimetres(section.page_width, 210), "height": _millimetres(section.page_height, 297)}
        page["numbered"] = not section.footer.is_linked_to_previous and "PAGE" in section.footer._element.xml  # noqa: SLF001
        about = self._document.core_properties
        parts = list(self._parts())
        told = {"title": about.title, "author": about.author, "page": page, "parts": parts}
        return {**told, "anchors": sorted(self._anchors)}

    def _parts(self) -> Iterator[dict[str, Any]]:
        for part in self._document.iter_inner_content():
            if isinstance(part, Table):
                yield self._table(part)
                continue
            is_broken = part._p.xpath(".//w:br[@w:type='page']")  # noqa: SLF001  # python-docx tells no breaks
            if is_broken or part.paragraph_format.page_break_before:
                yield {"kind": "break"}
            pictures = list(self._drawings(part))
            yield from pictures
            if part.text or not pictures:
                yield self._paragraph(part)

    def _paragraph(self, part: Paragraph) -> dict[str, Any]:
        shape, properties = part.paragraph_format, part._p.pPr  # noqa: SLF001
        indent = (
            properties.ind.get(qn("w:firstLineChars"))
            if properties is not None and properties.ind is not None
            else None
        )
        rules = part._p.xpath("./w:pPr/w:pBdr/w:bottom/@w:color")  # noqa: SLF001
        pieces = [piece for run in part.iter_inner_content() for piece in self._linked(run)]
        anchors = part._p.xpath("./w:bookmarkStart/@w:name")  # noqa: SLF001
        size = max((piece["size"] for piece in pieces if "size" in piece), default=self._size)
        pitch = shape.line_spacing
        return {
            "kind": "paragraph", "pieces": pieces, "size": size, "anchors": self._new(anchors),
            "align": ALIGN.get(part.alignment or WD_ALIGN_PARAGRAPH.LEFT, "left"),
            "indent": int(indent) / 100 if indent else 0, "rule": f"#{rules[0]}" if rules else None,
            "pitch": pitch.pt if pitch is not None and not isinstance(pitch, float) else size * 1.4,
            "sticky": (bool(pieces) and pieces[0].get("face") in {"sans", "kai"}) or bool(shape.keep_with_next),
        }  # fmt: skip

    def _new(self, anchors: list[str]) -> list[str]:
        """Those that nothing before has: a name leads to its first place."""
        found = [name for name in dict.fromkeys(anchors) if name not in self._anchors]
        self._anchors.update(found)
        return found

    def _linked(self, part: Run | Hyperlink) -> Iterator[dict[str, Any]]:
        """The pieces of a run, or of a link with the name of the place in the document that it leads to."""
        if isinstance(part, Run):
            yield from self._pieces(part)
            return
        for run in part.runs:
            yield from ({**piece, "to": "" if part.address else part.fragment} for piece in self._pieces(run))

    def _pieces(self, run: Run) -> Iterator[dict[str, Any]]:
        properties = run._r.rPr  # noqa: SLF001
        fonts = properties.rFonts if properties is not None else None
        name = (fonts.get(qn("w:eastAsia")) if fonts is not None else None) or run.font.name or ""
        colour = run.font.color.rgb if run.font.color is not None else None
        size = run.font.size.pt if run.font.size else self._size
        for number, text in enumerate(run.text.split("\t")):
            if number:
                yield {"tab": True}
            if text:
                yield {
                    "text": text, "face": _face(name), "size": size, "bold": bool(run.bold),
                    "colour": f"#{colour}" if colour is not None else "#000000",
                }  # fmt: skip

    def _table(self, part: Table) -> dict[str, Any]:
        widths = [float(column.width or 1) for column in part.columns]
        rows, heads = [], 0
        for number, row in enumerate(part.rows):
            cells = []
            for cell in row._tr.tc_lst:  # noqa: SLF001  # each cell once, however many columns it spans
                paragraphs = [Paragraph(p, part) for p in cell.p_lst]
                cells.append({"span": cell.grid_span, "parts": [self._paragraph(one) for one in paragraphs]})
            rows.append(cells)
            if heads == number and row._tr.xpath("./w:trPr/w:tblHeader"):  # noqa: SLF001
                heads += 1
        first = [float(cell.width or 0) for cell in part.rows[0].cells] if rows else []
        if len(first) == len(widths) and all(first):
            widths = first
        return {"kind": "table", "columns": [width / EMU for width in widths], "rows": rows, "heads": heads}

    def _drawings(self, part: Paragraph) -> Iterator[dict[str, Any]]:
        for frame in part._p.xpath(".//wp:inline | .//wp:anchor"):  # noqa: SLF001
            extent = frame.find(qn("wp:extent"))
            width, height = (int(extent.get(side)) / EMU for side in ("cx", "cy"))
            for chart in frame.iter(f"{{{CHART}}}chart"):
                blob = self._document.part.related_parts[chart.get(f"{{{RELATION}}}id")].blob
                yield self._picture(drawn(_chart(blob, width, height)).encode(), "svg", width)
            for picture in frame.iter(qn("a:blip")):
                image = self._document.part.related_parts.get(picture.get(qn("r:embed")))
                if image is not None and image.content_type in PIXELS:
                    yield self._picture(image.blob, PIXELS[image.content_type], width)

    def _picture(self, content: bytes, ending: str, width: float) -> dict[str, Any]:
        self._pictures += 1
        name = f"picture{self._pictures}.{ending}"
        (self._folder / name).write_bytes(content)
        return {"kind": "picture", "file": name, "width": width}


def _chart(blob: bytes, width: float, height: float) -> Chart:
    """A chart read back from its part."""
    tree = etree.fromstring(blob, etree.XMLParser(resolve_entities=False))
    plot = tree.find(".//c:plotArea", NAMES)
    assert plot is not None
    if plot.find("c:pieChart", NAMES) is not None:
        kind = PIE
    elif plot.find("c:lineChart", NAMES) is not None:
        kind = "line"
    else:
        way = plot.find(".//c:barDir", NAMES)
        kind = "ranking" if way is not None and way.get("val") == "bar" else "bar"
    found, names = [], list[str]()
    for series in plot.iter(f"{{{CHART}}}ser"):
        names = _points(series.find("c:cat", NAMES)) or names
        values = [float(text) if text else None for text in _points(series.find("c:val", NAMES))]
        title = series.find("c:tx//c:v", NAMES)
        found.append(Series(title.text or "" if title is not None else "", values))
    return Chart(kind, names, found, "", width=width, height=height)


def _points(part: Any) -> list[str]:
    """The texts of a cache of a chart, in their places."""
    if part is None:
        return []
    count = part.find(".//c:ptCount", NAMES)
    texts = [""] * int(count.get("val") if count is not None else 0)
    for point in part.iter(f"{{{CHART}}}pt"):
        texts[int(point.get("idx"))] = point.findtext("c:v", "", NAMES)
    return texts


def _millimetres(length: Any, default: float) -> float:
    return length / EMU if length else default


def _face(name: str) -> str:
    if "黑" in name or "Hei" in name:
        return "sans"
    if "标宋" in name or "XiaoBiaoSong" in name:
        return "title"
    return "kai" if "楷" in name or "Kai" in name else "serif"
