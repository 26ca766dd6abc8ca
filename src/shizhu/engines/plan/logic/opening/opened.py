"""What opening a file gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

LARGEST = 60_000_000  # bytes of a file, and of what a packed one holds
_BAR = str.maketrans({"|": "／", "｜": "／", "│": "／", "┃": "／", "\n": " "})


Progress = Callable[[int, int], None]  # pages read, pages in all
REASONS = {
    "unknown": "is neither text (UTF-8, UTF-16 or GB 18030) nor docx, PDF or HTML: save it as one of these and retry",
    "old-office": "is a file of an old Office or an encrypted one: save it as docx and try again",
    "damaged-docx": "is a damaged docx: open it in Word, save it anew and try again",
    "other-archive": "is packed but no Word document (docx): save it as docx and try again",
    "damaged-pdf": "is a damaged PDF: print it to PDF anew and try again",
    "password": "asks for a password: save it without one and try again",
    "pages": "has more than 500 pages: send the plan alone",
    "scanned": "holds only pictures of pages: make text of them (OCR) or take the Word file, and try again",
    "big5": "is written in Big5: save it as UTF-8 in simplified Chinese and try again",
    "empty": "holds no text: look whether it is the right file and try again",
    "size": "holds more than 60 MB: take pictures out and try again",
}


class FileUnreadable(Exception):
    """A file that cannot be opened: which, why (a key of REASONS), and what to do."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name} {REASONS[reason]}")
        self.name, self.reason = name, reason


@dataclass(frozen=True)
class Opened:
    """The lines of a file. `pages` holds the first line of every page, `scanned` the numbers of pages without text."""

    text: str
    kind: str
    pages: tuple[int, ...] = ()
    scanned: tuple[int, ...] = ()


@dataclass
class Sheet:
    """Lines as they are written down."""

    lines: list[str] = field(default_factory=list)

    def add(self, text: str) -> None:
        """Add a paragraph and a blank line below it."""
        self.lines += [*text.split("\n"), ""]

    def add_rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Add the rows of a table; `\\n` in a cell parts its lines."""
        self.lines += [f"| {' | '.join(cell_text(cell) for cell in row)} |" for row in rows]

    @property
    def text(self) -> str:
        """Everything, with no more than one blank line in a row at the end."""
        return "\n".join(self.lines).strip("\n") + "\n"


def cell_text(text: str) -> str:
    """Return a cell on one line: its lines parted by `<br>`, and no sign in it that would part cells."""
    lines = [line.strip().translate(_BAR) for line in text.split("\n")]
    return "<br>".join(line for line in lines if line)
