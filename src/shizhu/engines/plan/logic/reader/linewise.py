"""Tables that print a row per line: which lines belong, and which cell belongs to which column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from shizhu.engines.plan.logic.reader.alignment import Body, Grid, Slot, Token, align, has_numbered_names, joined
from shizhu.engines.plan.logic.reader.boundaries import CONTINUED, caption_above, is_boundary
from shizhu.engines.plan.logic.reader.fit import is_number
from shizhu.engines.plan.logic.reader.headers import Header
from shizhu.engines.plan.logic.reader.lines import Line, compact
from shizhu.engines.plan.logic.reader.numbering import marker_of
from shizhu.engines.plan.logic.reader.rows import BREAK, is_piped, is_rule, layout_of, same_header, split
from shizhu.engines.plan.logic.reader.units import is_unit
from shizhu.engines.plan.logic.reader.vocabulary import VALUE_ROLES

_TOTAL = re.compile(r"[总合小共]计")
_SAID = re.compile(r"[。：:](?:[（(][^。]*[）)])?$")  # the end of a sentence, with its bodies in brackets behind
_SHORT = 10  # letters of a group row that stands right below the headings
_GROUP_NAME = re.compile(r"[一-鿿]{2,12}(?<![率数比量值度积入额类型性])")
_GROUP_NO = re.compile(r"[（(]?[一二三四五六七八九十]{1,3}[）)]?[、.]?")


def rows_by_line(lines: Sequence[Line], header: Header, layout: str) -> Body:
    """Read the lines below the headings as rows, group rows, or the rest of the row above."""
    slots: list[Slot] = []
    left_out: list[Token] = []
    broken: list[Token] = []  # the row above, if it is too short
    ruled = layout == "pipe" and _is_ruled(lines, header.last)
    below_rule = True
    last = seen = header.last
    caption = compact(caption_above(lines, header.first))
    for index in range(header.last + 1, len(lines)):
        line = lines[index]
        below_rule = below_rule or is_rule(line)
        if not line.text or is_rule(line) or CONTINUED.fullmatch(compact(line.text)) or compact(line.text) == caption:
            continue
        tokens = [Token(piece.text, line.number, True, offset=piece.offset) for piece in split(line, layout)]
        if same_header([token.text for token in tokens], header.headings):
            seen = index
            continue
        apart = bool(slots) and (index - seen > 1 or bool(slots[-1].group))
        if apart and layout_of(line):  # the headings of the next table, perhaps below its title
            break
        if apart and layout == "pipe" and not broken and _is_another(tokens, lines[index + 1 :], header):
            break
        alone = layout == "pipe" and is_piped(line) and len(tokens) == 1 and len(tokens[0].text) <= 2 * _SHORT
        belongs = alone or _belongs(tokens, slots, header, layout, apart=index - seen > 1)
        if is_boundary(line.text.strip("| ")) or not belongs:
            break
        if layout == "pipe" and _is_rest(broken, tokens, header):
            slots.pop()
            tokens = broken + tokens
        elif (
            layout == "tab"
            and min(len(tokens), len(broken)) > 1
            and len(broken) + len(tokens) == len(header.headings) + 1
        ):
            slots.pop()  # a break inside a cell: its line is the end of the row above and the beginning of this one
            tokens = [*broken[:-1], replace(tokens[0], text=f"{broken[-1].text}<br>{tokens[0].text}"), *tokens[1:]]
        broken = tokens if len(tokens) < len(header.headings) else []
        if ruled and not below_rule and _is_of_row(tokens, slots, header):
            _carry_on(slots[-1], {column: token for column, token in enumerate(tokens) if token.text})
            seen = last = index
            continue
        below_rule = False
        left_out += _add_line(tokens, slots, header, layout)
        seen = index
        last = index if slots and not slots[-1].group else last
    while slots and slots[-1].group:
        slots.pop()
    return Body(slots, left_out, last, header.headings)


def _is_another(tokens: list[Token], below: Sequence[Line], header: Header) -> bool:
    """Whether a line drawn with | begins another table: it and the next have more or fewer cells than headings."""
    following = next((line for line in below if line.text), None)
    counts = {len(tokens), len(split(following, "pipe"))} if following and is_piped(following) else set()
    return len(counts) == 1 and 1 < len(tokens) != len(header.headings)


def _is_ruled(lines: Sequence[Line], head: int) -> bool:
    """Whether a rule is drawn between rows: then all lines between two rules are one row."""
    below = list(takewhile(lambda line: not line.text or is_rule(line) or is_piped(line), lines[head + 1 : head + 40]))
    rules = [index for index, line in enumerate(below) if is_rule(line)]
    drawn = [index for index in rules if index == 0 or is_piped(below[index - 1])]
    return len([index for index in drawn if index + 1 < len(below) and is_piped(below[index + 1])]) > 1


def _is_of_row(tokens: list[Token], slots: list[Slot], header: Header) -> bool:
    """Whether a line between two rules is of the row above: it has no value where that row has one."""
    if not slots or not slots[-1].cells or len(tokens) != len(header.headings):
        return False
    above = {column: joined(parts) for column, parts in slots[-1].cells.items()}
    valued = [column for column, heading in enumerate(header.headings) if heading.role in VALUE_ROLES]
    return not any(is_number(tokens[column].text) and is_number(above.get(column, "")) for column in valued)


def _belongs(tokens: list[Token], slots: list[Slot], header: Header, layout: str, *, apart: bool) -> bool:
    """Whether a line is part of the table: a row, a group row, or the rest of a broken row."""
    filled = [token for token in tokens if token.text]
    if layout == "pipe":
        return len(tokens) > 1
    if len(filled) > 1:
        if _TOTAL.fullmatch(compact(filled[0].text)) or _GROUP_NO.fullmatch(filled[0].text):
            return True
        return len(filled) * 2 >= len(header.headings) or (not apart and bool(slots)) or _is_row(filled, header)
    text = filled[0].text
    if _is_group(text) or (layout == "tab" and len(tokens) == len(header.headings)):
        return True
    return (bool(slots) or len(text) <= _SHORT) and not apart and len(text) <= 40 and not _SAID.search(text)


def _is_rest(broken: list[Token], tokens: list[Token], header: Header) -> bool:
    """Whether a line drawn with | is the other half of the row above: together they have as many cells as headings."""
    if len(broken) < 2 or len(broken) + len(tokens) != len(header.headings):
        return False
    first, second = broken[0].text.strip(" .、"), tokens[0].text.strip(" .、")
    return not (first.isdigit() and second.isdigit() and int(second) == int(first) + 1)


def _is_row(filled: list[Token], header: Header) -> bool:
    return header.headings[0].role == "no" and filled[0].text.strip(" .、").isdigit()


def _is_group(text: str) -> bool:
    """Whether a text is the name of a group, 一、公路; what ends as a sentence is a heading of the text."""
    marker = marker_of(text)
    is_named = marker is not None and marker.style in {"hans", "hans-bracket"} and 2 <= len(marker.rest) <= 20
    return is_named and text[-1] != "。"


def _add_line(tokens: list[Token], slots: list[Slot], header: Header, layout: str) -> list[Token]:
    """Add one printed line to the rows; return what fits nowhere."""
    texts = [token for token in tokens if token.text]
    if layout != "pipe" and 1 < len(texts) <= 3 and _GROUP_NO.fullmatch(texts[0].text) and not is_number(texts[1].text):
        number = texts[0].text.strip("、.")
        slots.append(
            Slot(group=[replace(texts[0], text=f"{number}、" if number[-1] not in "）)" else number), texts[1]])
        )
        return []
    if layout == "space" and len(texts) == 1 and _GROUP_NAME.fullmatch(texts[0].text) and _is_whole(slots, header):
        slots.append(Slot(group=texts))
        return []
    if layout in {"gap", "pipe"} and _leads_with_group(texts, header):
        slots.append(Slot(group=[texts[0]]))
        tokens = texts = texts[1:]
    cells = _by_column(tokens, header, layout) or (_by_place(texts, header) if layout == "gap" else None)
    left_out: list[Token] = []
    if cells is None:
        cells, left_out = _by_fit([token for token in tokens if token.text], header, layout)
    filled = {column: token for column, token in cells.items() if token.text}
    if _group_row(filled, header):
        slots.append(Slot(group=[next(iter(filled.values()))]))
    elif slots and slots[-1].cells and not _is_total(filled) and _carries_on(filled, slots[-1], header):
        _carry_on(slots[-1], filled)
    elif filled:
        slots.append(Slot(cells={column: _pieces(token) for column, token in cells.items()}))
    return left_out


def _is_whole(slots: list[Slot], header: Header) -> bool:
    """Whether the row above lacks nothing, so that a word below it is no rest of one."""
    return not slots or bool(slots[-1].group) or len(slots[-1].cells) == len(header.headings)


def _leads_with_group(texts: list[Token], header: Header) -> bool:
    """Whether a line has one cell more than there are headings: 指标 is set over the groups and the names."""
    roles = [heading.role for heading in header.headings]
    named = len(texts) == len(roles) + 1 and roles[0] == "name" and "group" not in roles
    return named and not any(is_number(token.text) or is_unit(token.text) for token in texts[:2])


def _by_column(tokens: list[Token], header: Header, layout: str) -> dict[int, Token] | None:
    """Give cells to columns by their count, or return None where the counts differ."""
    width = len(header.headings)
    if layout == "pipe" and len(tokens) > width and not any(token.text for token in tokens[width:]):
        tokens = tokens[:width]
    elif layout == "tab" and width > len(tokens) > width // 2:
        tokens = tokens + [Token("", tokens[0].line, True)] * (width - len(tokens))
    if len(tokens) != width or (layout not in {"pipe", "tab"} and not all(token.text for token in tokens)):
        return None
    return dict(enumerate(tokens))


def _by_place(texts: list[Token], header: Header) -> dict[int, Token] | None:
    """Give cells to the columns they stand under, or return None where one stands under none or two."""
    cells: dict[int, Token] = {}
    for token in texts:
        under = [
            index
            for index, heading in enumerate(header.headings)
            if heading.offset is not None and token.offset is not None and abs(heading.offset - token.offset) <= 1
        ]
        if len(under) != 1 or under[0] in cells:
            return None
        cells[under[0]] = token
    return cells if len(cells) > 1 else None


def _by_fit(tokens: list[Token], header: Header, layout: str) -> tuple[dict[int, Token], list[Token]]:
    """Give cells to columns by what they say; words parted by single spaces may be cells of their own."""
    if len(tokens) == 1 and _is_group(tokens[0].text):
        return {0: tokens[0]}, []
    loose = [replace(token, opens=None if layout == "space" else True) for token in tokens]
    words = [replace(token, text=word, opens=None) for token in tokens for word in token.text.split()]
    grid = Grid(header.headings, has_numbered_names(tokens), one_row=True)
    fits = [(align(cut, grid), cut) for cut in ((loose, words) if len(words) > len(loose) else (loose,))]
    best, cut = max(fits, key=lambda found: found[0].score)
    cells = best.rows[0].cells if best.rows else {}
    left_out = best.skipped + cut[best.used :]
    return {column: Token(joined(parts), parts[0].line) for column, parts in cells.items()}, left_out


def _group_row(filled: dict[int, Token], header: Header) -> bool:
    """A row with one text, in one cell or repeated over all of them, names a group."""
    roles = [heading.role for heading in header.headings]
    first, *others = filled.values() or [Token("", 0)]
    others = [token for token in others if token.text != first.text]  # it may be set over several columns
    summed = bool(others) and all(is_number(token.text) for token in others) and min(filled) == 0
    if summed and roles[0] == "no" and _is_group(first.text):  # | 一、公路 | | 12.5 | with the sum of its rows
        return True
    texts = {token.text for token in filled.values()}
    if len(texts) != 1:
        return False
    text = next(iter(texts))
    if len(header.headings) < 3:
        return _is_group(text)
    if is_number(text) or len(text) > 26 or "。" in text:
        return False
    return (
        len(filled) > 1 or _is_group(text) or (0 in filled and len(text) >= 3 and text[-1] not in "、，,；;和及与（(")
    )


def _carries_on(filled: dict[int, Token], row: Slot, header: Header) -> bool:
    """A line without a number, or without a name, carries the row above on."""
    roles = [heading.role for heading in header.headings]
    if "no" in roles:
        if roles.index("no") in filled:
            return False
        named = {column for column in filled if roles[column] in {"name", "task", "area"}}
        said = {column for column in filled if roles[column] not in {"name", "task", "area", "class", "group"}}
        return not (named and said and len(filled) * 2 > len([token for token in row.cells.values() if token[0].text]))
    return not any(roles[column] in {"name", "task", "area", "content"} for column in filled)


def _is_total(filled: dict[int, Token]) -> bool:
    return any(_TOTAL.fullmatch(compact(token.text)) for _, token in sorted(filled.items())[:2])


def _carry_on(row: Slot, filled: dict[int, Token]) -> None:
    for column, token in filled.items():
        cell = [part for part in row.cells.get(column, []) if part.text]
        row.cells[column] = [*cell, *_pieces(token)]


def _pieces(token: Token) -> list[Token]:
    """The lines of a cell that a row drawn with | holds between breaks."""
    parts = [part.strip() for part in BREAK.split(token.text)]
    return [replace(token, text=part) for part in parts if part] or [replace(token, text="")]
