"""Boxes (专栏) and their entries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from shizhu.engines.plan.logic.reader.boundaries import is_boundary
from shizhu.engines.plan.logic.reader.columns import numbering_doubts
from shizhu.engines.plan.logic.reader.document import Box, BoxItem, Doubt, Place
from shizhu.engines.plan.logic.reader.lines import SENTENCE_END, Line, Pages, compact, half_width, join
from shizhu.engines.plan.logic.reader.numbering import SIGNS, Marker, marker_of, number_of
from shizhu.engines.plan.logic.reader.rows import is_rule
from shizhu.engines.plan.logic.reader.tables import Table

_HEADING = re.compile(
    r"^[|│┃\s]*(?P<open>[【\[〔(]?)\s*专\s*(?:栏|题)\s*(?P<no>\d+(?:\s*[-—.]\s*\d+)?|[一二三四五六七八九十]+)?\s*[】\]〕)]?"
    r"(?P<gap>\s*[:：、.．]?\s*)(?P<title>.*?)[|│┃\s]*$"
)
_PROSE = re.compile(r"^(?:[、和与及]|中的?|所|列|明确|提出|确定|给出|是|的|规定|为)")
_FIGURES = frozenset({"arabic", "bracket", "spaced", "circle"})
_SIGNS = re.compile("[，,。；;：:]")
_FRAME = "|│┃｜ "
_LONGEST_TITLE = 45
_LONGEST_ITEM_TITLE = 30
_BRACKETED = re.compile(r"^[【\[〔「『]([^】\]〕」』]{2,30})[】\]〕」』]\s*[:：]?\s*(.*)$", re.DOTALL)
_NUMBERED = re.compile(r"^(\d{1,2})\s+(?=[^\d\s])")


@dataclass(frozen=True)
class _Entry:
    """One line of a box as it is read: the line and the marker before its text."""

    line: Line
    marker: Marker | None
    text: str


def read_boxes(pages: Pages, tables: Sequence[Table]) -> tuple[list[Box], list[Doubt]]:
    """Return all boxes in order, and what is doubtful about them."""
    lines = pages.lines
    boxes: list[Box] = []
    doubts: list[Doubt] = []
    index = 0
    while index < len(lines):
        heading = _heading_at(lines, index)
        if heading is None or _inside(tables, lines[index].number):
            index += 1
            continue
        no, title, start = heading
        if not (boxes and _continues(title, no, boxes[-1])):
            box = _read_box(pages, tables, (index, start), no, title, f"box-{len(boxes) + 1:02d}")
            boxes.append(box)
            doubts += _doubts_of(box, lines)
        index = max(start, boxes[-1].place.last)
    numbers = [(box.no, number_of(box.no), box.place) for box in boxes if box.no and "-" not in box.no]
    return boxes, numbering_doubts(numbers, "box") + doubts


def _heading_at(lines: Sequence[Line], index: int) -> tuple[str | None, str, int] | None:
    """Return number, title and the index after the heading if a box begins at this line."""
    found = _HEADING.match(half_width(lines[index].text))
    if not found or not lines[index].text:
        return None
    shift = found.start("title")
    title = _bare(lines[index].text[shift:])
    if (
        len(title) > _LONGEST_TITLE
        or "。" in title
        or (not lines[index].text[shift - 1].isspace() and _PROSE.match(title))
        or (
            found["no"] is None
            and not found["gap"].strip()
            and not found["open"]
            and not _stands_alone(lines[index].text[:shift], title)
        )
    ):
        return None
    no = compact(found["no"]) if found["no"] else None
    if title:
        return no, title, index + 1
    below = next((position for position in range(index + 1, min(index + 4, len(lines))) if lines[position].text), None)
    if (
        below is None
        or len(lines[below].text) > _LONGEST_TITLE
        or marker_of(lines[below].text)
        or "。" in lines[below].text
    ):
        return (no, "", index + 1) if no else None
    return no, _bare(lines[below].text), below + 1


def _stands_alone(before: str, title: str) -> bool:
    """Whether a box without a number has its title behind a gap and nothing that belongs to a sentence."""
    return (
        before.rstrip().endswith("栏") and before[-1].isspace() and 2 <= len(title) <= 20 and not _SIGNS.search(title)
    )


def _bare(title: str) -> str:
    """Return a title without the frame of its box and without brackets around the whole of it."""
    title = title.strip(_FRAME).strip()
    return title[1:-1] if title[:1] in "【[〔" and title[-1:] in "】]〕" and title else title.removesuffix("】")


def _continues(title: str, no: str | None, box: Box) -> bool:
    """Whether a heading repeats the box before it on a new page: 专栏3（续）."""
    return no == box.no and no is not None and ("续" in title[-4:] or title in {"", box.title})


def _inside(tables: Sequence[Table], number: int) -> bool:
    return any(table.place.first <= number <= table.place.last for table in tables)


def _read_box(
    pages: Pages, tables: Sequence[Table], span: tuple[int, int], no: str | None, title: str, key: str
) -> Box:
    lines = pages.lines
    index, start = span
    head = Place(lines[index].number, lines[start - 1].number)
    table = _table_below(lines, tables, start)
    if table:
        return Box(key, no, title, (), Place(head.first, max(table.end, table.place.last)), holds="table")
    entries = _entries(lines, start)
    style = _style(entries)
    intro, groups = _grouped(entries, style, pages)
    items = tuple(_item(group, style) for group in groups)
    last = max([head.last, *(item.place.last for item in items), *(entry.line.number for entry in intro)])
    return Box(key, no, title, items, Place(head.first, last), join([entry.line.text for entry in intro]))


def _table_below(lines: Sequence[Line], tables: Sequence[Table], start: int) -> Table | None:
    """Return the table that is the first thing in the box, past a line such as 单位：%."""
    below = [line.number for line in lines[start:] if line.text][:2]
    return next((table for number in below for table in tables if table.place.first == number), None)


def _entries(lines: Sequence[Line], start: int) -> list[_Entry]:
    """Return the lines up to the next chapter, box or annex; a box cannot reach further."""
    entries: list[_Entry] = []
    for line in lines[start:]:
        if line.text and (_is_end(line.text) or line.raw.lstrip().startswith("#")):
            break
        if line.text.strip(_FRAME) and not is_rule(line) and not _continued_heading(line.text):
            text = line.text.strip(_FRAME).strip()
            entries.append(_Entry(line, _marker(text), text))
    return entries


def _marker(text: str) -> Marker | None:
    marker = marker_of(text)
    spaced = _NUMBERED.match(half_width(text)) if marker is None else None
    return Marker("spaced", spaced.group(1), int(spaced.group(1)), text[spaced.end() :]) if spaced else marker


def _is_end(text: str) -> bool:
    return is_boundary(text) and not _continued_heading(text)


def _continued_heading(text: str) -> bool:
    return bool(re.match(r"^\s*专\s*[栏题].*[（(]\s*续\s*[)）]?", text))


def _style(entries: Sequence[_Entry]) -> str | None:
    """Return the style of the entries' markers: the first one found among the first lines of the box."""
    for position, entry in enumerate(entries[:4]):
        if entry.marker and (entry.marker.style in SIGNS or (entry.marker.value or 0) <= 2):
            return entry.marker.style
        if position and entry.text[-1] in "。！？" and entries[position - 1].text[-1] in "。！？":
            return None
    return None


def _grouped(entries: Sequence[_Entry], style: str | None, pages: Pages) -> tuple[list[_Entry], list[list[_Entry]]]:
    """Cut the lines of a box into its introduction and its items; stop where the box ends."""
    intro: list[_Entry] = []
    groups: list[list[_Entry]] = []
    number = 0
    for position, entry in enumerate(entries):
        own = _opens_item(entry, style, number, groups)
        if own is None or (not own and _is_over(entries, position, style, number, groups, pages)):
            break
        if own:
            groups.append([entry])
            number = entry.marker.value or number + 1 if entry.marker else number + 1
        elif groups:
            groups[-1].append(entry)
        else:
            intro.append(entry)
    return intro, groups


def _opens_item(entry: _Entry, style: str | None, number: int, groups: list[list[_Entry]]) -> bool | None:
    """True if the line opens an item, False if not, None if it belongs to another list and ends the box."""
    marker = entry.marker
    if style is None:
        if marker and marker.style in {"hans", "hans-bracket"}:
            return None
        return bool(_title_of(entry.text)) and (not groups or groups[-1][-1].text[-1] in SENTENCE_END)
    if marker and marker.style != style and {marker.style, style} <= _FIGURES and groups and marker.value == number + 1:
        return True  # 1. 2. and then (3): one list, numbered by several hands
    if marker is None or (marker.style != style):
        heads = (
            marker is not None and marker.style in {"hans", "hans-bracket"} and style not in {"hans", "hans-bracket"}
        )
        return None if heads and groups and _is_heading(entry, groups[-1]) else False
    if marker.value is None:
        return True
    if style in {"hans", "hans-bracket"} and (
        marker.value != number + 1 or (groups and _is_heading(entry, groups[-1]))
    ):
        return None
    return True if number <= marker.value <= number + 2 else None


def _is_heading(entry: _Entry, before: Sequence[_Entry]) -> bool:
    """Whether a numbered line is the next heading of the plan: it ends without a sign, unlike the item before it."""
    bare = len(entry.text) <= 40 and not any(sign in entry.text for sign in "。，；：")
    return bare and before[-1].text[-1] in SENTENCE_END


def _is_over(
    entries: Sequence[_Entry], position: int, style: str | None, number: int, groups: list[list[_Entry]], pages: Pages
) -> bool:
    """Whether a line without a marker stands after the box and not in its last item."""
    entry = entries[position]
    if not groups:
        return style is None
    before = groups[-1][-1].line
    apart = _gap(pages.lines, before, entry.line)
    unfinished = before.text.strip(_FRAME)[-1] not in "。！？!?"
    if not apart and (pages.is_full(before) or _goes_on_later(entries[position + 1 : position + 4], style, number)):
        return False
    if not apart and unfinished and (pages.width is None or before.text.strip(_FRAME)[-1] in SENTENCE_END):
        return False
    bare = all(len(group) == 1 and group[0].text[-1] not in SENTENCE_END for group in groups) and len(groups) > 1
    if unfinished and not bare and (before.cut or apart < 2):
        return False
    return style in SIGNS or not _goes_on_later(entries[position + 1 : position + 5], style, number)


def _gap(lines: Sequence[Line], before: Line, after: Line) -> int:
    """Return how many blank lines stand between two lines."""
    return sum(1 for line in lines[before.number : after.number - 1] if line.blank and not line.debris)


def _goes_on_later(following: Sequence[_Entry], style: str | None, number: int) -> bool:
    """Whether the next number of the list still comes: what stands before it belongs to the item."""
    for entry in following:
        if entry.marker and entry.marker.style == style:
            return entry.marker.value == number + 1 or style in SIGNS
        if entry.marker and entry.marker.style in {"hans", "hans-bracket"}:
            return False
    return False


def _item(group: Sequence[_Entry], style: str | None) -> BoxItem:
    first = group[0]
    own = (
        first.marker
        if first.marker and (first.marker.style == style or {first.marker.style, style} <= _FIGURES)
        else None
    )
    place = Place(first.line.number, group[-1].line.number)
    lead = own.rest if own else first.text
    rest = [entry.text for entry in group[1:]]
    if rest and lead and lead[-1] not in SENTENCE_END and not _title_of(lead) and len(lead) <= _LONGEST_ITEM_TITLE:
        return BoxItem(own.printed if own else None, lead, join(rest), place)
    title, text = _split_title(join([lead, *rest]))
    return BoxItem(own.printed if own else None, title, text, place)


def _title_of(text: str) -> str:
    """Return the title before the first 。 or ：, or "" where a text has none or is only one sentence."""
    bracketed = _BRACKETED.match(text)
    if bracketed:
        return bracketed.group(1)
    found = re.search(r"[。：:]", text)
    short = found is not None and 0 < found.start() <= _LONGEST_ITEM_TITLE
    return text[: found.start()] if found is not None and short and found.end() < len(text) else ""


def _split_title(text: str) -> tuple[str, str]:
    """Part an item into title and text; one short sentence is all title, of a long one the first clause is."""
    bracketed = _BRACKETED.match(text)
    if bracketed:
        return bracketed.group(1), bracketed.group(2)
    title = _title_of(text)
    if title:
        return title, text[len(title) + 1 :].strip()
    whole = text.rstrip("。；;")
    if len(whole) <= _LONGEST_ITEM_TITLE:
        return whole, ""
    return re.split(r"[，,。；;]", whole, maxsplit=1)[0], text


def _doubts_of(box: Box, lines: Sequence[Line]) -> list[Doubt]:
    numbers = [(item.no, number_of(item.no), item.place) for item in box.items if item.no and number_of(item.no)]
    doubts = numbering_doubts(numbers, f"box {box.no or box.title}: item")
    if not box.items and box.holds != "table":
        image = any(line.cut for line in lines[box.place.first - 1 : box.place.last + 4])
        why = "nothing could be read in it" + (": it is printed as an image" if image else "")
        doubts.append(Doubt(box.title, why, box.place, "box-empty"))
    return doubts
