"""Text to numbered lines: debris of page breaks is taken out, the indentation that marks table cells is kept."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

from shizhu.lib.widths import NARROW

SENTENCE_END = "。！？；：!?;:…"
_INVISIBLE = dict.fromkeys((0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x00AD, 0x0C), None) | {0xA0: " "}
_KEPT_WIDE = "，；：！？"  # sentence marks: mapping them would make "5，100家" one number
_HALF_WIDTH = {wide: narrow for wide, narrow in NARROW.items() if chr(wide) not in _KEPT_WIDE} | {
    0x3000: " ",
    0x2236: ":",
}
_IMAGE = re.compile(r"!?\[(?:image|img|图片|图像)[^\]]*\](?:\([^)]*\))?|!\[[^\]]*\]\([^)]*\)", re.IGNORECASE)
_PAGE = re.compile(r"[-—–－─·•]+\s*\d{1,4}\s*[-—–－─·•]+|第\s*\d+\s*页.*|Page\s+\d+.*|\d+\s*/\s*\d+\s*页")
_LEADER = re.compile(r"(?:…|\.{3,}|·{3,}|-{4,}|_{3,})\s*[-—(（]?\s*\d{1,4}\s*[-—)）]?$")
_MARKDOWN = re.compile(r"^(?:#{1,6}\s+|>\s+)|\*\*|__|`")
# the dot of an item that begins with a number: 2．3岁以下儿童… is no 2.3岁
_ITEM_DOT = re.compile(r"(?<=^\d)．(?=\d\D{8})|(?<=^\d\d)．(?=\d\D{8})")
_CELLS = re.compile(r"\s{2}|[\t|│]")  # the row of a table
_CONTENTS = re.compile(r"目\s*[录次]")


@dataclass(frozen=True)
class Line:
    """One line: `raw` without debris but with its indentation, `text` without either."""

    number: int
    raw: str
    text: str
    debris: bool = False
    cut: bool = False  # debris was taken out of the line: a page break may have split its paragraph

    @property
    def indented(self) -> bool:
        """Whether the line begins with white space."""
        return self.raw[:1].isspace()

    @property
    def blank(self) -> bool:
        """Whether the line says nothing."""
        return not self.text


@dataclass(frozen=True)
class Pages:
    """All lines of a text."""

    lines: tuple[Line, ...]

    @cached_property
    def width(self) -> int | None:
        """The width at which paragraphs were broken by hand, or None where a line is a whole paragraph."""
        lengths = sorted(len(line.text) for line in self.lines if len(line.text) >= 15 and not _CELLS.search(line.text))
        if len(lengths) < 8:
            return None
        usual = lengths[len(lengths) * 9 // 10]
        full = [line for line in self.lines if usual * 0.85 <= len(line.text) <= usual + 3]
        unfinished = sum(1 for line in full if line.text[-1] not in SENTENCE_END)
        return usual if usual <= 60 and unfinished >= max(4, len(full) // 3) else None

    def is_full(self, line: Line) -> bool:
        """Whether the line was broken because it was full, so that the next one carries it on."""
        return self.width is not None and len(line.text) >= self.width * 0.85


def half_width(text: str) -> str:
    """Return the text with full-width letters, digits and signs made half-width, one character for one."""
    return text.translate(_HALF_WIDTH)


def compact(text: str) -> str:
    """Return the text without any white space."""
    return "".join(text.split())


def printed_width(text: str) -> int:
    """Return the width of a text in half-width characters."""
    return sum(1 if sign.isascii() else 2 for sign in text)


def join(parts: list[str]) -> str:
    """Join broken lines: nothing between Chinese, one space between two Latin words."""
    joined = ""
    for part in parts:
        latin = joined[-1:].isascii() and joined[-1:].isalpha() and part[:1].isascii() and part[:1].isalpha()
        joined += f" {part}" if latin else part
    return joined


def split_lines(text: str) -> Pages:
    """Read a text into lines; page numbers, images, running heads and the table of contents become debris."""
    source = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    lines = [_clean(number, raw) for number, raw in enumerate(source, 1)]
    return Pages(tuple(_without_contents(_without_running_heads(lines))))


def _clean(number: int, raw: str) -> Line:
    visible = raw.translate(_INVISIBLE).rstrip("\n")
    kept = _IMAGE.sub("", visible)
    text = _ITEM_DOT.sub("、", _MARKDOWN.sub("", kept.strip()).strip())
    debris = bool(_PAGE.fullmatch(text) or _LEADER.search(text)) or (kept != visible and not text)
    cut = kept != visible or debris
    return Line(number, "" if debris else kept, "" if debris else text, debris, cut)


def _without_running_heads(lines: list[Line]) -> list[Line]:
    """A line that stands next to a page number more than once is the head or foot of the page."""
    printed = [line for line in lines if line.text or line.debris]
    beside: Counter[str] = Counter()
    for before, after in pairwise(printed):
        if before.debris != after.debris:
            beside[before.text or after.text] += 1
    heads = {
        text for text, count in beside.items() if count > 1 and 4 <= len(text) <= 40 and text[-1] not in SENTENCE_END
    }
    return [_as_debris(line) if line.text in heads else line for line in lines]


def _without_contents(lines: list[Line]) -> list[Line]:
    """The table of contents (目录) ends where its first entry is printed again."""
    start = next((index for index, line in enumerate(lines) if _CONTENTS.fullmatch(line.text)), None)
    if start is None:
        return lines
    entries = [index for index in range(start + 1, len(lines)) if lines[index].text]
    if not entries:
        return lines
    first = _entry(lines[entries[0]].text)
    again = next((index for index in entries[1:] if _entry(lines[index].text) == first), start + 1)
    later = {_entry(lines[index].text) for index in entries if index >= again}
    listed = [index for index in entries if index < again and _is_entry(lines[index].text, later)]
    last = max(listed, default=start)
    return [_as_debris(line) if start <= index <= last else line for index, line in enumerate(lines)]


def _is_entry(text: str, later: set[str]) -> bool:
    return _entry(text) in later or bool(re.match(r"第|附|[（(]?[一二三四五六七八九十]+[、)）]|\d+[.、]", text))


def _entry(text: str) -> str:
    return re.sub(r"[\s.…·]*\d*$", "", compact(text))


def _as_debris(line: Line) -> Line:
    return replace(line, raw="", text="", debris=True, cut=True)
