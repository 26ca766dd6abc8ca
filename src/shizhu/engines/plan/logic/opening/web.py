"""Pages of the web (HTML): paragraphs and tables of what the page is about; menus and scripts are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types
from lxml.html import HtmlElement, document_fromstring  # type: ignore[import-untyped]

from shizhu.engines.plan.logic.opening.grid import Grid, Slot, squared, write_down
from shizhu.engines.plan.logic.opening.opened import FileUnreadable, Opened, Sheet

_HTML = re.compile(
    r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|div|p|table)\b",
    re.IGNORECASE | re.DOTALL,
)
_DECLARED = re.compile(r"^\s*<\?xml[^>]*>")
_LEFT_OUT = frozenset(
    {
        "script", "style", "noscript", "nav", "header", "footer", "aside", "form", "select", "button", "iframe",
        "template", "head", "title", "link", "meta", "svg",
    }
)  # fmt: skip
_BLOCKS = frozenset(
    {
        "p", "div", "li", "ul", "ol", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "section", "article",
        "main", "blockquote", "pre", "center", "table", "tr", "td", "th", "body",
    }
)  # fmt: skip
_MAIN = 0.7  # share of the text of a page that what it is about has at least
_WIDEST = 60  # places a cell may cover: a page that says more is broken


def is_html(text: str) -> bool:
    """Whether a text is a page of the web."""
    return bool(_HTML.match(text[:4000]))


def open_html(name: str, text: str) -> Opened:
    """Open a page of the web."""
    try:
        page = document_fromstring(_DECLARED.sub("", text))
    except (etree.ParserError, ValueError) as error:
        raise FileUnreadable(name, "unknown") from error
    for item in list(page.iter()):
        if not isinstance(item.tag, str) or item.tag in _LEFT_OUT:
            item.drop_tree()
    walk = _Walk()
    walk.blocks(_main(page))
    walk.close()
    return Opened(walk.sheet.text, "html")


def _main(page: HtmlElement) -> HtmlElement:
    """The innermost element that holds most of the text."""
    found = page
    while True:
        whole = _size(found)
        around = [item for item in found if item.tag in _BLOCKS - {"p", "table"}]
        inner = next((item for item in around if _size(item) >= _MAIN * whole), None)
        if inner is None or not whole:
            return found
        found = inner


def _size(item: HtmlElement) -> int:
    return len("".join(item.text_content().split()))


@dataclass
class _Walk:
    """One walk through a page, in reading order."""

    sheet: Sheet = field(default_factory=Sheet)
    line: str = ""

    def blocks(self, around: HtmlElement) -> None:
        """Write down what an element holds; text between blocks is a line of its own."""
        self.line += _words(around.text)
        for item in around:
            if item.tag == "br":
                self.close()
            elif item.tag == "table":
                self.close()
                self.table(item)
            elif item.tag == "img" and _words(item.get("src")).strip():
                self.close()
                self.sheet.add("[image]")
            elif item.tag in _BLOCKS:
                self.close()
                self.blocks(item)
                self.close()
            else:
                self.blocks(item)
            self.line += _words(item.tail)

    def close(self) -> None:
        """End the line."""
        if self.line.strip():
            self.sheet.add(self.line.rstrip())
        self.line = ""

    def table(self, table: HtmlElement) -> None:
        """Write down a table; one that only lays a page out, or frames text, is walked through."""
        rows = list(_rows(table))
        widest = max((len(list(_cells(row))) for row in rows), default=0)
        if widest <= 1 or any(cell.find(".//table") is not None for row in rows for cell in _cells(row)):
            for row in rows:
                for cell in _cells(row):
                    self.blocks(cell)
                    self.close()
            return
        write_down(self.sheet, squared(_grid(rows)))


def _grid(rows: list[HtmlElement]) -> Grid:
    """Return the places of a table; a cell over several rows and columns stands in each of them."""
    grid: Grid = []
    below: dict[int, tuple[int, str]] = {}  # column → rows a cell above still covers, its text
    for row in rows:
        slots: list[Slot] = []
        cells = _cells(row)
        while True:
            if len(slots) in below:
                left, text = below.pop(len(slots))
                if left > 1:
                    below[len(slots)] = (left - 1, text)
                slots.append(Slot(text))
                continue
            cell = next(cells, None)
            if cell is None:
                if not [column for column in below if column > len(slots)]:
                    break
                slots.append(Slot())
                continue
            text = _cell(cell)
            for number in range(_span(cell, "colspan")):
                if _span(cell, "rowspan") > 1:
                    below[len(slots)] = (_span(cell, "rowspan") - 1, text)
                slots.append(Slot(text, begins=number == 0))
        grid.append(slots)
    return grid


def _cell(cell: HtmlElement) -> str:
    walk = _Walk()
    walk.blocks(cell)
    walk.close()
    return "\n".join(line.strip() for line in walk.sheet.lines if line.strip())


def _rows(table: HtmlElement) -> Iterator[HtmlElement]:
    for item in table:
        if item.tag == "tr":
            yield item
        elif item.tag in {"thead", "tbody", "tfoot"}:
            yield from _rows(item)


def _cells(row: HtmlElement) -> Iterator[HtmlElement]:
    return (item for item in row if item.tag in {"td", "th"})


def _span(cell: HtmlElement, name: str) -> int:
    printed = (cell.get(name) or "").strip()
    return min(_WIDEST, max(1, int(printed))) if printed.isdecimal() else 1


def _words(text: str | None) -> str:
    """Text as a browser shows it: runs of plain white space are one space."""
    return re.sub(r"[ \t\r\n]+", " ", (text or "").replace("\xa0", " "))
