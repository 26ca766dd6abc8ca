"""Lines that end whatever stands before them: chapters, boxes, annexes and notes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.lines import Line, compact, half_width
from shizhu.engines.plan.logic.reader.numbering import marker_of

NOTE = re.compile(r"(?:注|备注|说明|附注|表注|资料来源|数据来源)\s*\d*\s*[:：]|注\s*\d+\s*[.、]|\*\s*注")
_ANNEX = re.compile(r"附\s*(?:件|表|录|图)\s*(?:\d+|[一二三四五六七八九十]+)?(?:\s*[-—]\s*\d+)?\s*(?:[:：.、]|\s|$)")
CONTINUED = re.compile(
    r"续\s*(?:表|上表)?|\S{0,40}[(（]\s*续\s*(?:上?\s*表)?\s*[一二三四五六\d]?\s*[)）]|续\s*表\s*[\d一二三四五六七八九十]*\S{0,20}|\(?接上页\)?|转下页"
)
_BOX = re.compile(r"[【\[（(]?\s*专\s*[栏题]\s*[\d一二三四五六七八九十]*(?:[-—–.]\d+)?\s*[】\])）:：]*\s")
_CAPTION = re.compile(r"表|专栏|专题|指标|任务|项目|清单|附件|分工|一览")


def is_boundary(text: str) -> bool:
    """Whether a line cannot be inside a table: a chapter, a box, an annex or a note."""
    if CONTINUED.fullmatch(compact(text)):
        return False
    marker = marker_of(text)
    if marker and marker.style in {"chapter", "section"}:
        return True
    text = text.strip("|│┃｜ ")
    narrow = half_width(text)
    return bool(_BOX.match(text + " ") or _ANNEX.match(narrow) or NOTE.match(narrow))


def caption_above(lines: Sequence[Line], start: int) -> str:
    """Return the short line above a table that says what it is."""
    above = [line.text for line in lines[max(0, start - 6) : start] if line.text]
    for text in reversed(above[-3:]):
        if _CAPTION.search(text) and len(text) <= 50 and text[-1] not in "。；，":
            return text.strip("| ")
    return ""
