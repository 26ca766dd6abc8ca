"""Reads the file of a plan, whatever it comes in."""

from __future__ import annotations

from dataclasses import dataclass

from shizhu.engines.plan.logic.opening import FileUnreadable, Opened, Progress, open_file
from shizhu.engines.plan.logic.opening.plain import LOST
from shizhu.engines.plan.logic.reader import Doubt, Place, PlanDocument, read

__all__ = ["FileUnreadable", "Told", "read_file"]


@dataclass(frozen=True)
class Told:
    """A file as lines, and what they say."""

    opened: Opened
    document: PlanDocument

    def as_json(self) -> dict[str, object]:
        """The document as plain values, with the kind of the file and the first line of each of its pages."""
        return {**self.document.as_json(), "source": {"kind": self.opened.kind, "pages": list(self.opened.pages)}}


def read_file(name: str, content: bytes, told: Progress | None = None) -> Told:
    """Read a plan from txt, docx or PDF; `told` hears of each page. Raises FileUnreadable with what to do."""
    opened = open_file(name, content, told)
    broken = [number for number, line in enumerate(opened.text.split("\n"), 1) if LOST in line]
    unread = [*(_scanned(opened, number) for number in opened.scanned), *map(_broken, broken)]
    return Told(opened, read(opened.text, unread))


def _broken(line: int) -> Doubt:
    why = "a character of this line is broken in the file: look at it there"
    return Doubt(f"line {line}", why, Place(line, line), "broken-character")


def _scanned(opened: Opened, number: int) -> Doubt:
    line = opened.pages[number - 1]
    why = "this page is a picture without text: nothing on it was read"
    return Doubt(f"page {number}", why, Place(line, line), "page-scanned")
