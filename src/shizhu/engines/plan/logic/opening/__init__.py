"""Opens the file a plan comes in: plain text, Word, PDF or a page of the web, into lines that the reader reads.

`open_file(name, content)` is the whole of it. A table becomes a line per row, its cells between `|`; a merged cell is
printed in every place it covers; the lines of one cell are parted by `<br>`. What stands at the head and foot of every
page is left out. Nothing is guessed from pictures: a page that is one is named.
"""

from __future__ import annotations

from dataclasses import replace

from shizhu.engines.plan.logic.opening.opened import FileUnreadable, Opened, Progress
from shizhu.engines.plan.logic.opening.plain import open_plain
from shizhu.engines.plan.logic.opening.radicals import unified

__all__ = ["FileUnreadable", "Opened", "Progress", "open_file"]

_OTHER_FORMS = ("{\\rtf", "MIME-Version:", "<?xml")  # text, but not that of a plan
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"


def open_file(name: str, content: bytes, told: Progress | None = None) -> Opened:
    """Open a file by what it holds, whatever it is called; `name` is for the errors, `told` hears of pages read."""
    opened = _opened(name, content, told)
    opened = replace(opened, text=unified(opened.text))
    if opened.pages and len(opened.scanned) == len(opened.pages):
        raise FileUnreadable(name, "scanned")
    if not opened.text.strip():
        raise FileUnreadable(name, "empty")
    return opened


def _opened(name: str, content: bytes, told: Progress | None) -> Opened:
    if content.startswith(b"%PDF-") or b"%PDF-" in content[:1024]:
        from shizhu.engines.plan.logic.opening.pdf import open_pdf  # noqa: PLC0415  # 18 MB that few processes need

        return open_pdf(name, content, told)
    if content.startswith(b"PK"):
        from shizhu.engines.plan.logic.opening.word import open_word  # noqa: PLC0415  # as above

        return open_word(name, content)
    if content.startswith(_OLD_OFFICE):
        raise FileUnreadable(name, "old-office")
    opened = open_plain(name, content)
    if opened.text.lstrip().startswith(_OTHER_FORMS) and "<html" not in opened.text[:4000].lower():
        raise FileUnreadable(name, "unknown")
    if "<" in opened.text[:40]:
        from shizhu.engines.plan.logic.opening.web import is_html, open_html  # noqa: PLC0415  # as above

        if is_html(opened.text):
            return open_html(name, opened.text)
    return opened
