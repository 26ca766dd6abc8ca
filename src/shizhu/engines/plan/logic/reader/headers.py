"""Finds the headings of tables: in one line, in two lines, or broken into one cell or half a cell per line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from shizhu.engines.plan.logic.reader.fit import GROUP, ROW_NUMBER, is_number
from shizhu.engines.plan.logic.reader.lines import Line, compact, half_width
from shizhu.engines.plan.logic.reader.values import is_dash
from shizhu.engines.plan.logic.reader.vocabulary import VALUE_ROLES, Heading, heading_of, role_of

_LONGEST = 14
_ALL_ASIDE = re.compile(r"[（(\[〔【].*[）)\]〕】]")
_SINGLE = frozenset({"no", "name", "unit", "kind", "growth", "note", "group"})
_TELLING = VALUE_ROLES | {"growth", "period", "lead", "support", "content"}
_NAMING = frozenset({"name", "task", "content"})
_Cut = tuple[float, tuple[tuple[int, ...], ...]]


@dataclass(frozen=True)
class Header:
    """The headings of a table and the lines they are printed on (indexes into the lines)."""

    headings: tuple[Heading, ...]
    first: int
    last: int
    marked: bool = False  # indentation marks where a cell begins

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles of the columns in order."""
        return tuple(heading.role for heading in self.headings)

    @property
    def printed(self) -> str:
        """All headings in one, to know them again when a page repeats them."""
        return "".join(heading.title for heading in self.headings)


def is_header(roles: Sequence[str], *, least: int, drawn: bool = False) -> bool:
    """Whether these roles make a table: something is named, and something is said of it.

    `drawn`: the cells are told by | or tabs, so that fewer of the headings need to be known.
    """
    known = [role for role in roles if role != "other"]
    if drawn and "area" in roles[:2] and len(roles) - roles.index("area") > 2:  # quantities by town
        return True
    led = list(roles[:2]) == ["no", "other"] and "lead" in known  # what is numbered and led is named, by whatever word
    return (
        len(known) >= least
        and (led or bool(_NAMING & set(known)))
        and bool((_TELLING | {"money"} if drawn else _TELLING) & set(known))
        and len(known) * (3 if drawn else 2) > len(roles)
    )


def loose_header(lines: Sequence[Line], start: int) -> Header | None:
    """Read the headings of a table that prints one cell per line, beginning at this line."""
    if role_of(lines[start].text) is None and not _begins_a_role(lines, start):
        return None
    run = _short_lines(lines, start)
    mixed = lines[start].indented and any(not lines[index].indented for index in run)
    free = (0.0, ()) if mixed else _best_cut(lines, run, marked=False)
    tied = _best_cut(lines, run, marked=True) if mixed or lines[start].raw.startswith("\t") else (0.0, ())
    marked = tied[0] > 0 and tied[0] >= free[0] - 1
    best = tied if marked else free
    if not best[1]:
        return None
    cells = [[run[position] for position in cell] for cell in best[1]]
    cells += _headings_before_first_number(lines, run, cells)
    headings = tuple(heading_of("".join(lines[index].text for index in cell)) for cell in cells)
    if not is_header([heading.role for heading in headings], least=3) or _begins_with_caption(lines, cells, headings):
        return None
    return Header(headings, start, cells[-1][-1], marked)


def _begins_with_caption(lines: Sequence[Line], cells: list[list[int]], headings: tuple[Heading, ...]) -> bool:
    """Whether the first heading (主要指标) is the caption of a table whose headings begin on the next line."""
    again = headings[0].role in {heading.role for heading in headings[1:]} & _NAMING
    outside = lines[cells[0][0]].indented != lines[cells[1][0]].indented
    return again and (headings[1].role == "no" or outside)


def _begins_a_role(lines: Sequence[Line], start: int) -> bool:
    """Whether the line and the next one together are a heading (类 and 别)."""
    text = lines[start].text
    following = next((line.text for line in lines[start + 1 : start + 3] if line.text), "")
    return 0 < len(text) <= 6 and len(following) <= 6 and role_of(text + following) is not None


def _best_cut(lines: Sequence[Line], run: list[int], *, marked: bool) -> _Cut:
    texts = tuple((lines[index].text, lines[index].indented and marked) for index in run)
    return max((_cut(texts[:end], marked) for end in range(3, len(run) + 1)), default=(0.0, ()))


def _short_lines(lines: Sequence[Line], start: int) -> list[int]:
    """Return the lines that may be headings: short, no value, at most a few blank lines apart."""
    run: list[int] = []
    for index in range(start, min(len(lines), start + 60)):
        text = lines[index].text
        if not text:
            if run and index - run[-1] > 3:
                break
            continue
        if len(compact(text)) > _LONGEST or is_number(text) or is_dash(text) or len(run) >= 24:
            break
        run.append(index)
    return run


@cache
def _cut(texts: tuple[tuple[str, bool], ...], marked: bool) -> _Cut:
    """Return the best way to cut short lines into headings, and its score."""

    @cache
    def search(position: int, used: frozenset[str], unknown: int) -> _Cut:
        if position == len(texts):
            return (0.0 if _NAMING & used else -4.0), ()
        best: _Cut = (-99.0, ())
        for size in range(1, min(4, len(texts) - position) + 1):
            if marked and any(opens for _, opens in texts[position + 1 : position + size]):
                break
            if marked and position + size < len(texts) and not texts[position + size][1]:
                continue
            before = used - {"kind"} if marked else used  # 指标类型 beside 属性
            score, role = _cell_score([text for text, _ in texts[position : position + size]], before)
            if role is None and (size > 1 or unknown >= (3 if marked else 2) or position + size == len(texts)):
                continue
            rest, cells = search(position + size, used | {role or "other"}, 0 if role else unknown + 1)
            if score + rest > best[0]:
                best = (score + rest, (tuple(range(position, position + size)), *cells))
        return best

    return search(0, frozenset(), 0)


def _cell_score(parts: list[str], used: frozenset[str]) -> tuple[float, str | None]:
    role = role_of("".join(parts))
    if role is None:
        return -1.0, None
    apart = sum(1 for part in parts if role_of(part)) > 1
    if len(parts) > 1 and _ALL_ASIDE.fullmatch(parts[0]):
        return -1.0, None
    merged = -0.6 if apart else 0.5 * (len(parts) - 1)
    return len(parts) + merged - (3.0 if role in _SINGLE and role in used else 0.0), role


def _headings_before_first_number(lines: Sequence[Line], run: list[int], cells: list[list[int]]) -> list[list[int]]:
    """Headings we do not know stand between the last one we know and the number of the first row."""
    known = {role_of("".join(lines[index].text for index in cell)) for cell in cells}
    following = [index for index in range(cells[-1][-1] + 1, len(lines)) if lines[index].text][:3]
    stop = next((index for index in following if ROW_NUMBER.fullmatch(half_width(lines[index].text))), None)
    extra = [index for index in following if stop is not None and index < stop and not _is_group(lines[index].text)]
    first = role_of("".join(lines[index].text for index in cells[0]))
    return [[index] for index in extra if index in run] if "no" in known and first == "no" else []


def _is_group(text: str) -> bool:
    """Whether a line names a group of rows (一、创新投入), not a column."""
    return bool(GROUP.fullmatch(half_width(text)))
