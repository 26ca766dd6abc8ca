"""The running text of a plan: paragraphs put together again, each with its kind of section, and the title."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.document import Place
from shizhu.engines.plan.logic.reader.lines import SENTENCE_END, Line, Pages, compact, half_width, printed_width
from shizhu.engines.plan.logic.reader.numbering import marker_of
from shizhu.engines.plan.logic.reader.rows import BREAK, is_piped
from shizhu.engines.plan.logic.reader.years import western

_LEVELS = {"chapter": 0, "section": 1, "hans": 2, "hans-bracket": 3, "multi": 3, "arabic": 4, "bracket": 5}
_DONE = r"(?:成效|成就|成绩|进展)"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("terms", re.compile(r"名词(?:解释|注释)|术语|指标解释|编制说明")),
    ("goal", re.compile(r"目标|指标|愿景|展望")),
    (
        "basis",
        re.compile(
            r"^(?:.{0,4}十.五.{0,4}|我县|全县|县域)?(?:发展|现有|工作|创新|现实|产业|良好|建设|主要)?基础(?:条件|分析|和|与|及|、|$)"
            rf"|(?:发展|主要|工作|建设|改革|突出)的?{_DONE}|取得(?!.{{0,8}}新).{{0,8}}{_DONE}|成效(?:显著|明显)|(?:基本|执行|完成|运行)情况|现状|回顾|形势|机遇[与和]挑战"
            r"|(?:规划|编制|发展|时代)背景|背景$|十[一二三四五六]五.{0,6}(?:情况|发展|评估)"
            r"|(?:存在|主要|突出|面临).{0,6}(?:问题|短板|困难|挑战|不足)"
        ),
    ),
    ("task", re.compile(r"任务|举措|措施|保障|工程|项目|行动|路径|布局|附[件表]")),
)
_PERIOD_LINE = re.compile(r"[（(]\s*20\d{2}\s*年?\s*[-—–~～至到－]+\s*20\d{2}\s*年?\s*[）)]")
_TITLE_END = re.compile(r"(?:规划纲要|规划|计划|方案|纲要|意见|办法|要点)(?:[（(].{1,20}[)）])*$")
_QUOTED = re.compile(r"《([^《》]{4,60}(?:规划|计划|方案|纲要|意见)[^《》]{0,20})》")
_OF_BODY = re.compile(r"(?:委员会|[省市县区州旗]委|政府|办公室|[局厅])$")  # …县人民政府 above 关于…的实施方案
_READ_TO = re.compile(r"(20\d{2})年\d{1,2}月\d{1,2}日在.{4,40}会(?:议)?(?:上|$)")
# a heading that says for which year it looks ahead: 2025年重点工作, 二〇三五年远景目标
_FOR_YEAR = re.compile(
    r"(20\d{2})年(?![底末初]?(?:[-—–~～至]|以来))(?!.*(?:回顾|情况)).*(?:目标|任务|工作|安排|打算|计划|愿景|展望)"
)
_HEADING_LENGTH = 40
_SPACED = re.compile(
    r"(?<=[一-鿿，。；、：（“]) (?=[A-Za-z\d%])|(?<=[A-Za-z\d%]) (?=[一-鿿，。；、：）”])"
)  # 到 2025 年, 占 GDP 比重
_LED = re.compile(r"\s*(?:附\s*[件表录图]\s*|专栏\s*)?\d{1,2}(?:[.-]\d{1,2})*\s+")  # 2.1 目标, 附表1 项目表
_OPEN = re.compile(r"(?:[、，,（(“《的到至为和与及占比]|(?:达|[^\d]\d+(?:\.\d+)?))$")  # a line broken in a sentence
_ENDS = re.compile(r"[。！？；](?:[（(][^。]*[）)])?$|单位[:：][^。]*[）)]$")  # or with its bodies in brackets behind
_CLOSES = re.compile(r"[，、。；）)”》%‰]|(?:个百分点|[达到至])\d")
_SENTENCE = re.compile("[，。；]")
_SIGNS = ((re.compile(r"(?<!\d),|,(?!\d)"), "，"), (re.compile(";"), "；"))


@dataclass(frozen=True)
class Passage:
    """One paragraph, where each printed line begins in it, its section ("basis", "goal", "terms" or "other"), and the
    headings above it as printed, the widest first."""

    text: str  # half-width and with Chinese commas, sign for sign the printed text
    printed: str
    starts: tuple[int, ...]
    lines: tuple[int, ...]
    section: str
    in_table: bool = False  # the cell of a table
    headings: tuple[str, ...] = ()

    @property
    def year(self) -> int | None:
        """The year that the nearest heading which names one looks ahead to."""
        told = (_FOR_YEAR.search(western(heading)) for heading in reversed(self.headings))
        return next((int(found.group(1)) for found in told if found), None)

    def place(self, first: int, last: int) -> Place:
        """Return the lines of the characters first..last-1."""
        return Place(self._line(first), self._line(max(first, last - 1)))

    def _line(self, offset: int) -> int:
        return self.lines[max(0, bisect_right(self.starts, offset) - 1)]


def read_passages(pages: Pages, taken: set[int]) -> list[Passage]:
    """Return the paragraphs outside the lines that tables have taken."""
    passages: list[Passage] = []
    kinds: dict[int, str] = {}
    above: dict[int, str] = {}
    paragraph: list[Line] = []
    free = [_said_in_cells(line) for line in pages.lines if line.number not in taken and not line.debris]
    for index, line in enumerate(free):
        before = free[index - 1] if index else None
        if paragraph and not _goes_on(paragraph[-1], line, before, pages):
            passages.append(_passage(paragraph, kinds, above))
            paragraph = []
        if line.text:
            if not paragraph:
                _enter(line, kinds, above)
            paragraph.append(line)
    return [*passages, _passage(paragraph, kinds, above)] if paragraph else passages


def _said_in_cells(line: Line) -> Line:
    """A row of a table that nobody could read says what its cells hold in sentences, and no more."""
    cells = [cell.strip() for cell in line.text.split("|") if cell.strip()]
    if len(cells) < 2 or not line.text.startswith("|"):
        return line
    told = [BREAK.sub("", cell) for cell in cells if _SENTENCE.search(cell)]
    return replace(line, text="；".join(told) or "| |")


def _goes_on(last: Line, line: Line, before: Line | None, pages: Pages) -> bool:
    """Whether a line carries the paragraph on: the one before was full, or a page break cut it."""
    if not line.text:
        return True
    if is_piped(last) or is_piped(line):
        return False
    if starts_something(line.text) or _ENDS.search(last.text):
        return pages.is_full(last) and not starts_something(line.text) and before is last
    apart = before is not last
    if not apart and pages.width is not None:
        return pages.is_full(last)
    if not apart and len(last.text) >= 20 and (_OPEN.search(last.text) or _CLOSES.match(line.text)):
        return True
    cut = last.cut or (not apart and 2 * printed_width(line.text) <= 3 * printed_width(last.text))
    return cut and len(last.text) >= 20 and last.text[-1] not in SENTENCE_END


def starts_something(text: str) -> bool:
    """Whether a line begins a heading, an item, a box or a note."""
    return marker_of(text) is not None or is_boundary(text)


def _passage(paragraph: Sequence[Line], kinds: dict[int, str], above: dict[int, str]) -> Passage:
    starts, text = [], ""
    for line in paragraph:
        starts.append(len(text))
        text += _without_gaps(line.text)
    deepest = kinds[max(kinds)] if kinds else "other"
    section = deepest if deepest in {"basis", "goal", "terms"} else "other"
    numbers = tuple(line.number for line in paragraph)
    headings = tuple(above[level] for level in sorted(above))
    narrow = half_width(text)
    for sign, wide in _SIGNS:
        narrow = sign.sub(wide, narrow)
    return Passage(narrow, text, tuple(starts), numbers, section, headings=headings)


def _without_gaps(text: str) -> str:
    """Take out the spaces that typists put around numbers, but not the one behind the number of a heading."""
    led = _LED.match(text)
    end = led.end() if led else 0
    return text[:end] + _SPACED.sub("", text[end:])


def _enter(line: Line, kinds: dict[int, str], above: dict[int, str]) -> None:
    """Note the kind of section that a heading opens; a deeper heading without a kind keeps the one around it."""
    level, heading = _heading(line)
    if level is None:
        return
    for deeper in [known for known in above if known >= level]:
        del above[deeper]
    if heading:
        above[level] = re.split(r"[。：:]", " ".join(line.text.split()), maxsplit=1)[0]
    for deeper in [known for known in kinds if known >= level]:
        del kinds[deeper]
    kind = next((name for name, pattern in _KINDS if pattern.search(heading)), None)
    if kind == "basis" and "task" in kinds.values():
        return
    if kind or level == 0:
        kinds[level] = kind or "other"


def _heading(line: Line) -> tuple[int | None, str]:
    """Return the level of a heading line and its words; an inline heading is the first sentence."""
    text = compact(line.text)
    if is_boundary(text) and marker_of(text) is None:
        return (0, text if len(text) <= _HEADING_LENGTH else "") if text.startswith("附") else (None, "")
    marker = marker_of(text)
    if marker and marker.style in _LEVELS:
        head = re.split(r"[。：:]", marker.rest, maxsplit=1)[0]
        listed = marker.style in {"arabic", "bracket"} and len(marker.rest) > _HEADING_LENGTH
        return (None, "") if listed else (_LEVELS[marker.style], head if len(head) <= _HEADING_LENGTH else "")
    marks = re.match(r"#+", line.raw.lstrip())
    if marks:
        return min(len(marks.group()), 4), text
    if (
        marker is None
        and len(text) <= 14
        and text[-1] not in "。；，：:;,."
        and any(pattern.search(text) for _, pattern in _KINDS)
    ):
        return (1 if _KINDS[0][1].search(text) else 3), text
    return None, ""


def read_title(pages: Pages) -> str:
    """Return the title of the plan with its term (2021—2025年) where it stands below it."""
    top = [line for line in pages.lines if line.text][:25]
    quoted = _QUOTED.search(compact("".join(line.text for line in top)))
    own = _title_lines(top, quoted.group(1) if quoted else "")
    if own:
        return own
    return quoted.group(1) if quoted else (compact(top[0].text) if top else "")


def told_on(pages: Pages) -> int | None:
    """Return the year of the meeting that a report was read to, as its top prints it (2024年1月9日在…会议上)."""
    top = [compact(western(line.text)) for line in pages.lines if line.text][:6]
    printed = [*top, *(above + below for above, below in pairwise(top))]
    return next((int(found.group(1)) for line in printed if (found := _READ_TO.search(line))), None)


def _title_lines(top: Sequence[Line], quoted: str) -> str:
    for index, line in enumerate(top):
        text, above = compact(line.text), compact(top[index - 1].text) if index else ""
        halves = _is_title(above + text) and _is_part(above) and _is_title_tail(text)
        if halves and (not _is_title(text) or above + text == quoted or _is_place(above, text)):
            return above + text + _term_below(top, index)
        if _is_title(text) and not _is_open(above):
            return text + _term_below(top, index)
        if _OF_BODY.search(above) and _is_title(text.removeprefix("关于")):
            return above + text + _term_below(top, index)
    return ""


def _is_place(above: str, text: str) -> bool:
    """Whether the line above begins the title: it names the place that the title below lacks."""
    return bool(re.match(r".{1,10}?[县市区州旗镇乡]", above)) and not re.match(r".{1,10}?[县市区州旗镇乡](?!村)", text)


def _is_title(text: str) -> bool:
    return (
        6 <= len(text) <= 60
        and bool(_TITLE_END.search(text))
        and not re.search(r"[。；，]|关于|的通知|^附件|^专栏|印发", text)
    )


def _is_part(text: str) -> bool:
    """Whether a line can be the first half of a title."""
    marker = marker_of(text)
    return 2 <= len(text) <= 30 and not re.search(r"[。；，：:]|通知|政府$|文件$|号$|年\d+月", text) and marker is None


def _is_title_tail(text: str) -> bool:
    return len(text) <= 24 and not re.match(r"第|[（(]", text)


def _is_open(before: str) -> bool:
    """Whether the line before has an open book-title mark: the notice about the plan, not the plan."""
    return before.count("《") > before.count("》")


def _term_below(top: Sequence[Line], index: int) -> str:
    following = compact(top[index + 1].text) if index + 1 < len(top) else ""
    return following if _PERIOD_LINE.fullmatch(following) else ""
