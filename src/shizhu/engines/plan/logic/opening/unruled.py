"""Tables of a PDF without rules between their columns (三线表): columns are where white runs down through the lines."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from shizhu.engines.plan.logic.opening.grid import Grid, Slot, squared
from shizhu.engines.plan.logic.opening.letters import WIDE, Char, Line, lines_of, middle

_HEAD = 3  # lines of headings, above which the rule that ends a table is not looked for
_FEWEST = 3  # rows, where no rule tells that it is a table
_SURE = 6  # rows of two columns, where no rule tells that it is a table
_GUTTER = 3.0  # points of white between two columns, at least
_SLIT_OPEN = 1.3  # points: the same beyond what is between two letters, where no line closes it
_SNAP = 2.0  # points: what begins at one place
_STEP = 0.5  # points: how finely white is looked for
_APART = 0.9  # of the size of letters: white that parts two cells of a line
_LONE = 0.4  # of the size of letters: the same, in a line that stands alone
_OTHER = 0.6  # points: letters of another size are no row of the table
_MOSTLY = 0.8  # of the cells of a column of values
_FEET = (0.1, 0.25, 0.4, 0.6)  # of the size of letters: how far the last row may reach below its letters
_CROSSED = 0.35  # of the size of letters: how far a line may reach over the edge of its row
_VALUE = re.compile(
    r"[≥≤<>＜＞约]?[【〔［\[（(]?[-+]?[\d.,:：∶]+(?:[-—–~][\d.]+)?%?(?:左右|以上|以下|以内)?[】〕］\]）)]?|[-—–－/一]+|[约预指引导]\S{0,2}[束期导]?性"
)
_YEAR = re.compile(r"20\d{2}(?:[-—–~]\d{0,4})?$")  # years are headings, and terms that may be broken
_MARK = re.compile(
    r"(?:[（(][一二三四五六七八九十]{1,3}[）)]|[一二三四五六七八九十]{1,3}、?)\s*[^\d]{0,20}"
)  # of a group of rows
_OF_NOTES = re.compile(r"[①-⑳*\s]+")  # marks that are set higher than their line
_CAPTION = re.compile(r"(?:续?附?表|附[件录]|专栏)\s*[\d一二三四五六七八九十]*[-—.\d]*\s*[:：]?\s*\S{4}")
_NUMBERED = re.compile(r"[（(]?[一二三四五六七八九十\d]{1,3}[）)、.．]")
_SLIT = 0.15  # of the size of letters: white that parts two cells where one column ends and the next begins
_NEAR = 0.42  # of the size of letters: lines of one cell, where rows are set further apart
_FAR = 2.2  # of the size of letters: what stands further below is no row
_CLOSE = 1.4  # of the size of letters: how far apart lines of one cell are
_EMPTY = 0.4  # of the cells, at most, where rows are told by blocks of lines alone
_IN_ONE = 0.9  # of what stands in a table that goes on: in one of its columns
_SELDOM = 0.6  # of how often other columns print: a column of groups
_FULL = 0.8  # of the widest line of a column: a line that was broken


@dataclass(frozen=True)
class Rule:
    """A horizontal line drawn on the page."""

    x0: float
    x1: float
    y: float


@dataclass(frozen=True)
class Unruled:
    """A table found by its columns: its places and the box around it."""

    grid: Grid
    top: float
    bottom: float
    chars: Sequence[Char] = ()
    columns: Sequence[tuple[float, float]] = ()  # where each begins and ends


@dataclass
class _Run:
    """Letters of one line without a gap: a cell, or a line of one."""

    chars: list[Char]
    columns: range = field(default_factory=lambda: range(0))

    @property
    def x0(self) -> float:
        return float(self.chars[0]["x0"])

    @property
    def x1(self) -> float:
        return float(self.chars[-1]["x1"])


@dataclass
class _Row:
    """Runs that stand beside each other, and the heights between which they do."""

    runs: list[_Run]

    @property
    def top(self) -> float:
        return min(float(char["top"]) for run in self.runs for char in run.chars)

    @property
    def bottom(self) -> float:
        return max(float(char["bottom"]) for run in self.runs for char in run.chars)

    def filled(self) -> set[int]:
        """The columns in which something stands."""
        return {column for run in self.runs for column in run.columns}


def find_unruled(
    chars: Sequence[Char], rules: Sequence[Rule], *, in_columns: bool = False, before: Unruled | None = None
) -> list[Unruled]:
    """Return the tables among these letters; `rules` above and below one tell where it begins and ends.

    `in_columns`: white runs down the middle of the page, as it does in text of two columns. `before`: the last table of
    the page before, whose columns tell those of the first one here where it goes on.
    """
    lines = [line for line in lines_of(chars) if not _OF_NOTES.fullmatch(line.text)]
    found: list[Unruled] = []
    start = 0
    while start < len(lines):
        stop = _stop(lines, start, rules) if lines[start].columns else start
        first = _first(lines, start, found[-1].bottom if found else 0.0, rules) if stop > start else start
        carried = before if before and first <= 1 else None  # below no more than the head of the page
        table = _table(lines[first:stop], rules, 3 if in_columns else 2, carried) if stop - first > 1 else None
        if table:
            found.append(table)
        start = max(stop, start + 1)
    return found


def _stop(lines: Sequence[Line], start: int, rules: Sequence[Rule]) -> int:
    """The index after the last line that can belong to a table with a row at `start`."""
    widest = max(line.x1 - line.x0 for line in lines)
    stop = start + 1
    for index in range(start + 1, len(lines)):
        line, before = lines[index], lines[index - 1]
        if line.top - before.bottom > _FAR * line.size:
            break
        closed = any(before.bottom - 2 <= rule.y <= line.top + 2 and _spans(rule, lines[start:index]) for rule in rules)
        below = lines[index + 1] if index + 1 < len(lines) else None
        leads = below is not None and below.columns and below.top - line.bottom < _NEAR * line.size
        other = abs(line.size - lines[start].size) > _OTHER or line.x1 - line.x0 > 0.7 * widest
        if not line.columns and (other or (closed and not leads and index - start > _HEAD)):
            break
        lone = [index for index in range(start + 1, stop) if not lines[index].columns]
        like = any(
            line.top - before.bottom < lines[at].top - lines[at - 1].bottom + 1 and abs(line.x0 - lines[at].x0) < _SNAP
            for at in lone
        )
        if line.columns or like or line.top - before.bottom < _NEAR * line.size:
            stop = index + 1
    return stop


def _spans(rule: Rule, lines: Sequence[Line]) -> bool:
    left, right = min(line.x0 for line in lines), max(line.x1 for line in lines)
    return rule.x1 - rule.x0 > 0.7 * (right - left) and rule.x0 < right and rule.x1 > left


def _first(lines: Sequence[Line], start: int, after: float, rules: Sequence[Rule]) -> int:
    """The index of the first line: above the first row with gaps may stand lines of headings that were broken."""
    first = start
    for index in range(start - 1, max(-1, start - 4), -1):
        line, below = lines[index], lines[index + 1]
        near = [rule for rule in rules if rule.y <= line.top + 2 and line.top - rule.y < 2 * line.size]
        ruled = any(_spans(rule, [below]) for rule in near)
        if line.top <= after or _CAPTION.match(line.text) or not (ruled or below.top - line.bottom < _NEAR * line.size):
            break
        if any(line.bottom - 2 <= rule.y <= below.top + 2 and _spans(rule, [below]) for rule in rules):
            break
        first = index
    return first


def _table(lines: Sequence[Line], rules: Sequence[Rule], fewest: int, carried: Unruled | None) -> Unruled | None:
    """Cut lines into columns and rows; lines that make no table give None."""
    rows = [_Row(_runs(line)) for line in lines]
    columns = _all_columns(rows)
    inner = [rule for rule in rules if lines[0].top < rule.y < lines[-1].bottom and _spans(rule, lines)]
    told = any(_spans(rule, lines) and lines[0].top - 2 * lines[0].size < rule.y < lines[-1].bottom for rule in rules)
    paired = len(rows) >= _SURE and all(len(row.runs) == 2 for row in rows)
    if carried and len(carried.columns) >= len(columns) and _fit(rows, carried.columns):
        columns, told = list(carried.columns), True
    if len(columns) < fewest or (len(columns) < 3 and not told and not paired):
        return None
    for row in rows:
        row.runs = [part for run in row.runs for part in _parted(run, columns)]
    size = max(line.size for line in lines)
    last, width = lines[-1].bottom, len(columns)
    feet = [last + apart * size for apart in _FEET] + [rule.y for rule in rules if 0 <= rule.y - last < size]
    begun = _by_tops(rows, width, size)
    fitting = (found for foot in feet if (found := _by_middles(rows, width, size, foot)))
    found = begun if begun and not begun[1] else next(fitting, None)  # cells of groups may stand in the middle of rows
    begun = begun if found in (None, begun) else None
    found = found or begun or _by_distance(rows, width, size, [rule.y for rule in inner])
    if len(found[0]) < _FEWEST and all(below.top - above.bottom < _NEAR * size for above, below in pairwise(lines)):
        found = _by_blocks(rows, width, size) or found
    merged, groups = found
    whole = [row for row in merged if len(row.filled()) * 2 > len(columns) - len(groups)]
    if any(_holds_two(row) for row in merged) or len(merged) < (2 if told else _FEWEST) or len(whole) * 2 < len(merged):
        return None
    grid = [_slots(row, len(columns)) for row in merged]
    for column in groups:
        runs = [run for row in rows for run in row.runs if run.columns[0] == column]
        above = carried.grid[-1][column].text if carried and len(carried.grid[-1]) == width else ""
        _lay_over(grid, merged, column, runs, size, at_top=begun is not None, before=above)
    head = grid[0]
    if groups and not head[groups[-1] + 1].text:  # one heading over the groups and the names
        head[groups[-1] + 1] = Slot(head[groups[-1]].text)
    chars = [char for line in lines for char in line.chars]
    if carried:
        grid[:1] = _without_rest(grid[0], carried.grid[0])
    return Unruled(squared(grid), lines[0].top - 1, lines[-1].bottom + 1, chars, columns)


def _without_rest(head: Sequence[Slot], before: Sequence[Slot]) -> Grid:
    """The headings printed again on a new page, and below them the rest of a row that the page before began."""
    own, first = ([slot.text.split("\n") for slot in row] for row in (head, before))
    if len(own) != len(first) or any(lines[: len(above)] != above for lines, above in zip(own, first, strict=True)):
        return [list(head)]
    rest = ["\n".join(lines[len(above) :]) for lines, above in zip(own, first, strict=True)]
    return [list(before), *([[Slot(text, begins=bool(text)) for text in rest]] if any(rest) else [])]


def _fit(rows: Sequence[_Row], columns: Sequence[tuple[float, float]]) -> bool:
    """Whether nearly all that stands in these rows stands in one of these columns, and most of them are filled."""
    runs = [part for row in rows for run in row.runs for part in _parted(run, columns)] if columns else []
    single = [run for run in runs if len(run.columns) == 1]
    filled = {run.columns[0] for run in single}
    return bool(runs) and len(single) >= _IN_ONE * len(runs) and len(filled) * 2 > len(columns)


def _by_middles(rows: Sequence[_Row], width: int, size: float, foot: float) -> tuple[list[_Row], list[int]] | None:
    """Rows whose cells stand in the middle of their height, told by the columns of values, which have one line each.

    From the foot of the table upwards, each row reaches as far above its middle as below it. None where that does not
    fit. The second part of the answer are the columns of groups.
    """
    runs = [run for row in rows for run in row.runs]
    valued, told = _told(rows, width)
    marks = [row.runs[0] for row in rows if len(row.runs) == 1 and _is_mark(row.runs[0])]
    middles = _middles(told, size, len(valued), marks)
    if len(middles) < _FEWEST - 1 or not valued:
        return None
    edges = [foot]
    for height in reversed(middles):
        edges.insert(0, 2 * height - edges[0])
    if any(below - above < size for above, below in pairwise(edges)):
        return None
    cut = [_Row([]) for _ in range(len(middles) + 1)]
    crossing: Counter[int] = Counter()
    for run in runs:
        own = sum(1 for edge in edges[:-1] if middle(run.chars[0]) > edge)
        cut[own].runs.append(run)
        over = any(_top(run) + _CROSSED * size < edge < _top(run) + (1 - _CROSSED) * size for edge in edges)
        crossing[run.columns[0]] += over
    rest = [row for row in cut if row.runs]
    groups = [
        column
        for column in range(min(3, width - 2))
        if column not in valued and _stands_apart(column, cut[1:], middles, size)
    ]
    if sum(count for column, count in crossing.items() if column not in groups) > len(runs) * 0.02:
        return None
    return [
        row for row in (_Row([run for run in row.runs if run.columns[0] not in groups]) for row in rest) if row.runs
    ], groups


def _told(rows: Sequence[_Row], width: int) -> tuple[list[int], list[_Run]]:
    """The columns of values that tell rows, and the values in them; one column alone does only where it counts."""
    runs = [run for row in rows for run in row.runs]
    first = next((row.top for row in rows if any(_is_value(run) or _is_mark(run) for run in row.runs)), None)
    body = [run for run in runs if first is not None and _top(run) >= first - 1]
    of = [[run for run in body if run.columns == range(column, column + 1)] for column in range(width)]
    valued = [column for column in range(width) if _are_values(of[column])]
    if len(valued) == 1 and not _counts(of[valued[0]]):
        valued = []
    return valued, [run for run in body if run.columns[0] in valued and (_is_value(run) or _is_mark(run))]


def _by_tops(rows: Sequence[_Row], width: int, size: float) -> tuple[list[_Row], list[int]] | None:
    """Rows whose cells all begin at their top, told by the columns of values; None where one does not.

    The second part of the answer are the columns of groups, which stand in few of the rows.
    """
    valued, told = _told(rows, width)
    tops = _middles(told, size, len(valued), [])
    if not valued or len(tops) < _FEWEST:
        return None
    cut = [_Row([]) for _ in range(len(tops) + 1)]
    for run in (run for row in rows for run in row.runs):
        cut[sum(1 for top in tops if middle(run.chars[0]) > top - _CROSSED * size)].runs.append(run)
    body = [{run.columns[0]: run for run in sorted(row.runs, key=_top, reverse=True)} for row in cut[1:]]
    filled = Counter(column for row in body for column in row)
    groups = [at for at in range(min(3, width - 2)) if at not in valued and filled[at] <= _SELDOM * len(body)]
    begun = all(
        middle(run.chars[0]) < top + _CROSSED * size
        for row, top in zip(body, tops, strict=True)
        for column, run in row.items()
        if column not in groups
    )
    kept = [_Row([run for run in row.runs if run.columns[0] not in groups]) for row in cut]
    return ([row for row in kept if row.runs], groups) if begun else None


@dataclass(frozen=True)
class _Cut:
    """Rows cut off from above: how well they fit, and where each ends among the runs."""

    cost: float
    ends: tuple[int, ...] = ()


def _by_blocks(rows: Sequence[_Row], width: int, size: float) -> tuple[list[_Row], list[int]] | None:
    """Rows in tight lines without values: the lines of each cell are one block, in the middle of its row or at its top.

    Of all ways to cut the lines so, the one that leaves the fewest cells empty. The second part of the answer are the
    columns of groups, which are not cut.
    """
    for groups in ([], [0], [0, 1])[: max(1, width - 1)]:
        runs = [run for row in rows for run in row.runs if run.columns[0] not in groups]
        for place in (lambda block: (_top(block[0]) + _foot(block[-1])) / 2, lambda block: _top(block[0])):
            cut = _cut(sorted(runs, key=_foot), width - len(groups), size, place)
            if len(cut) >= _FEWEST:
                return cut, groups
    return None


def _cut(runs: Sequence[_Run], width: int, size: float, place: Callable[[Sequence[_Run]], float]) -> list[_Row]:
    """Cut runs, in the order of their feet, into rows whose blocks are placed alike."""
    best: dict[int, _Cut] = {0: _Cut(0.0)}
    for start in range(len(runs)):
        if start not in best:
            continue
        for end in range(start + 1, len(runs) + 1):
            if end < len(runs) and _top(runs[end]) < _foot(runs[end - 1]) - _CROSSED * size:
                continue
            if min(_top(run) for run in runs[start:end]) > _top(runs[start]) + 20 * size:
                break
            blocks = _blocks_of(runs[start:end])
            places = [place(block) for block in blocks]
            if max(places) - min(places) > 0.3 * size or not all(_is_close(block, size) for block in blocks):
                continue
            if width > 2 and blocks[0][0].columns == range(1) and len(blocks) == 1 and not _is_mark(blocks[0][0]):
                continue  # a group of rows, not a row
            empty = width - len({column for run in runs[start:end] for column in run.columns})
            cost = best[start].cost + empty - 0.1
            if end not in best or cost < best[end].cost:
                best[end] = _Cut(cost, (*best[start].ends, end))
    done = best.get(len(runs))
    if done is None or done.cost > _EMPTY * width * len(done.ends):
        return []
    return [_Row(list(runs[start:end])) for start, end in pairwise((0, *done.ends))]


def _blocks_of(runs: Sequence[_Run]) -> list[list[_Run]]:
    """The runs of each column, from above."""
    blocks: dict[int, list[_Run]] = {}
    for run in sorted(runs, key=_top):
        blocks.setdefault(run.columns[0], []).append(run)
    return list(blocks.values())


def _is_close(block: Sequence[_Run], size: float) -> bool:
    return all(_top(below) - _foot(above) < _NEAR * size for above, below in pairwise(block))


def _foot(run: _Run) -> float:
    return max(float(char["bottom"]) for char in run.chars)


def _holds_two(row: _Row) -> bool:
    """Whether two values stand below each other in one cell: then rows were not told apart."""
    values = Counter(run.columns for run in row.runs if _is_value(run))
    return any(count > 1 for count in values.values())


def _stands_apart(column: int, rows: Sequence[_Row], middles: Sequence[float], size: float) -> bool:
    """Whether the cells of a column are no cells of these rows: few rows have one, or many not in their middle.

    A row with nothing but the number and name of a group (二、公共服务) is none.
    """
    off: list[bool] = []
    own_rows = [
        (row, height)
        for row, height in zip(rows, middles, strict=True)
        if len(row.runs) != 1 or not _is_mark(row.runs[0])
    ]
    for row, height in own_rows:
        own = [middle(run.chars[0]) for run in row.runs if run.columns[0] == column]
        off += [abs(sum(own) / len(own) - height) > 0.3 * size] if own else []
    return bool(off) and (len(off) <= _SELDOM * len(own_rows) or sum(off) * 3 >= len(off))


def _top(run: _Run) -> float:
    return min(float(char["top"]) for char in run.chars)


def _is_value(run: _Run) -> bool:
    text = "".join(str(char["text"]) for char in run.chars)
    return bool(_VALUE.fullmatch(text)) and not _YEAR.match(text)


def _is_mark(run: _Run) -> bool:
    """Whether a run is the number of a group of rows in the column of numbers: （一）."""
    return run.columns.start == 0 and bool(_MARK.fullmatch("".join(str(char["text"]) for char in run.chars)))


def _are_values(runs: Sequence[_Run]) -> bool:
    own = [run for run in runs if not _is_mark(run)]
    return bool(own) and sum(map(_is_value, own)) >= _MOSTLY * len(own)


def _counts(runs: Sequence[_Run]) -> bool:
    """Whether the cells of a column are the numbers of rows: 1, 2, 3."""
    texts = ["".join(str(char["text"]) for char in run.chars) for run in runs if not _is_mark(run)]
    if not texts or not all(map(str.isdecimal, texts)):
        return False
    numbers = [int(text) for text in texts]  # those of a table that a new page carries on do not begin with 1
    goes_on = all(one < other for one, other in pairwise(numbers)) and numbers[-1] - numbers[0] < len(runs) + 2
    return goes_on or max(numbers) <= len(runs) + 2


def _middles(runs: Sequence[_Run], size: float, columns: int, marks: Sequence[_Run]) -> list[float]:
    """The heights at which values stand, and the numbers of groups (`marks`) that have a line of their own.

    One told by a single column beside one told by several is none.
    """
    told: list[list[float]] = []
    for height in sorted(middle(run.chars[0]) for run in runs):
        if told and height - told[-1][-1] < 0.25 * size:
            told[-1].append(height)
        else:
            told.append([height])
    strong = [sum(heights) / len(heights) for heights in told if len(heights) > 1 or columns < 3]
    alone = [middle(run.chars[0]) for run in marks]
    return sorted([*strong, *(own for own in alone if all(abs(own - other) > 0.5 * size for other in strong))])


def _by_distance(rows: Sequence[_Row], width: int, size: float, rules: Sequence[float]) -> tuple[list[_Row], list[int]]:
    """Rows set further apart than the lines of a cell; the second part of the answer are the columns of groups."""
    near = _NEAR * size

    def without(left_out: Sequence[int]) -> list[_Row]:
        """The rows, told by the columns that hold no groups."""
        apart = [_Row([run for run in row.runs if run.columns[0] not in left_out]) for row in rows]
        return _together([row for row in apart if row.runs], lambda above, row: row.top - above.bottom < near, rules)

    groups = _sparse(rows, width, size)
    for index in range(min(3, width - 2)):
        if index not in groups and _ties(index, groups, without, width):
            groups.append(index)
    merged = without(groups)
    if not any(_has_broken(row) for row in merged):
        widest = _widest(merged, width)
        merged = _together(merged, lambda above, row: _carries_on(above, row, widest), rules)
    return merged, sorted(groups)


def _runs(line: Line) -> list[_Run]:
    return _cut_at(line.chars, _APART)


def _cut_at(chars: Sequence[Char], apart: float) -> list[_Run]:
    """The runs of letters between white that is wider than `apart` (of the size of letters)."""
    runs = [_Run([chars[0]])]
    for before, char in pairwise(chars):
        if float(char["x0"]) - float(before["x1"]) > apart * float(char["size"]):
            runs.append(_Run([]))
        runs[-1].chars.append(char)
    inked = [[at for at, char in enumerate(run.chars) if str(char["text"]).strip()] for run in runs]
    return [_Run(run.chars[own[0] : own[-1] + 1]) for run, own in zip(runs, inked, strict=True) if own]


def _columns(rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """Return where columns begin and end: white runs down between them, past one line that is set over several."""
    if not rows:
        return []
    left = min(run.x0 for row in rows for run in row.runs)
    right = max(run.x1 for row in rows for run in row.runs)
    covered = [0] * (int((right - left) / _STEP) + 2)
    for row in rows:
        inked = {
            x
            for run in row.runs
            for char in run.chars
            for x in range(int((float(char["x0"]) - left) / _STEP), int((float(char["x1"]) - left) / _STEP) + 1)
        }
        for x in inked:
            covered[x] += 1
    most = 0 if len(rows) < 5 else 1 if len(rows) < 30 else 2
    slit = _spacing(rows) + _SLIT_OPEN
    wide = _stretches([count > most for count in covered], _GUTTER)
    columns = [(left + begin * _STEP, left + end * _STEP) for begin, end in wide]
    return _with_heads([part for column in columns for part in _slit(column, rows, covered, left, slit)], rows)


def _stretches(inked: Sequence[bool], least: float) -> list[tuple[int, int]]:
    """Where ink begins and ends, past white that is narrower than `least` (points)."""
    found: list[tuple[int, int]] = []
    begun: int | None = None
    for at, ink in enumerate([*inked, False]):
        if ink and begun is None:
            begun = at
        elif not ink and begun is not None:
            if found and (begun - found[-1][1]) * _STEP < least:
                begun = found.pop()[0]
            found.append((begun, at))
            begun = None
    return found


def _slit(
    column: tuple[float, float], rows: Sequence[_Row], covered: Sequence[int], left: float, slit: float
) -> list[tuple[float, float]]:
    """Part a column where narrower white runs down through all lines, with several lines on both sides."""
    first, last = (int((edge - left) / _STEP) for edge in column)
    parts = [
        (left + (first + begin) * _STEP, left + (first + end) * _STEP)
        for begin, end in _stretches([count > 0 for count in covered[first:last]], slit)
    ]
    joined = parts[:1]
    for part in parts[1:]:
        if _is_spaced(joined[-1], part, rows):
            joined[-1] = (joined[-1][0], part[1])
        else:
            joined.append(part)
    parts = joined
    lines = [sum(any(_inks(run, part) for run in row.runs) for row in rows) for part in parts]
    return parts if min(lines, default=0) >= _FEWEST else [column]


def _is_spaced(one: tuple[float, float], other: tuple[float, float], rows: Sequence[_Row]) -> bool:
    """Whether the white between two parts is what is set between figures and Chinese signs in every line (2028 年)."""
    for row in rows:
        chars = [char for run in row.runs for char in run.chars if one[0] <= float(char["x0"]) < other[1]]
        before = [char for char in chars if float(char["x0"]) < one[1]]
        behind = [char for char in chars if float(char["x0"]) >= other[0] - _STEP]
        if behind and not before:
            return False
        if behind and bool(WIDE.match(before[-1]["text"])) == bool(WIDE.match(behind[0]["text"])):
            return False
    return True


def _inks(run: _Run, column: tuple[float, float]) -> bool:
    return any(float(char["x0"]) < column[1] and float(char["x1"]) > column[0] for char in run.chars)


def _spacing(rows: Sequence[_Row]) -> float:
    """How far apart letters of one cell are set, as most of them are (points)."""
    gaps = [
        float(char["x0"]) - float(before["x1"])
        for row in rows
        for run in row.runs
        for before, char in pairwise(run.chars)
    ]
    return max(0.0, median(gaps)) if gaps else 0.0


def _with_heads(columns: Sequence[tuple[float, float]], rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """Columns, each with the white below its heading: where only a heading stands, which reaches over the next too."""
    first = next((at for at, row in enumerate(rows) if any(_is_value(run) for run in row.runs)), 0)
    body = [run for row in rows[first:] for run in row.runs]
    heads = [run for row in rows[:first] for run in row.runs]
    joined: list[tuple[float, float]] = []
    for column in columns:
        before = joined[-1] if joined else None
        one_is_empty = before and not all(any(_meets(run, own) for run in body) for own in (before, column))
        if before and one_is_empty and any(_meets(run, before) and _meets(run, column) for run in heads):
            joined[-1] = (before[0], column[1])
        else:
            joined.append(column)
    return joined


def _all_columns(rows: Sequence[_Row]) -> list[tuple[float, float]]:
    """The columns that lines of several cells show, as wide as lines that stand alone in one of them make them.

    Cells of groups, and names of two lines beside values of one, may all stand alone.
    """
    columns = _columns([row for row in rows if len(row.runs) > 1])
    inside = [
        row
        for row in rows
        if len(row.runs) > 1 or all(len(_met(run, columns)) < 2 for run in _cut_at(row.runs[0].chars, _LONE))
    ]
    return _columns(inside)


def _met(run: _Run, columns: Sequence[tuple[float, float]]) -> list[int]:
    return [at for at, column in enumerate(columns) if _meets(run, column)]


def _meets(run: _Run, column: tuple[float, float]) -> bool:
    return run.x0 < column[1] - 1 and run.x1 > column[0] + 1


def _parted(run: _Run, columns: Sequence[tuple[float, float]]) -> list[_Run]:
    """Cut a run where white, if only a little, stands between two columns, and say over which columns each part is."""
    parts = [_Run([run.chars[0]])]
    for before, char in pairwise(run.chars):
        left, right = float(before["x1"]), float(char["x0"])
        between = any(one[1] - 2 <= right and left <= other[0] + 2 for one, other in pairwise(columns))
        if between and right - left > _SLIT * float(char["size"]):
            parts.append(_Run([]))
        parts[-1].chars.append(char)
    for part in parts:
        part.columns = _over(part, columns)
    return parts


def _over(run: _Run, columns: Sequence[tuple[float, float]]) -> range:
    """The columns that a run stands over, the nearest one for a run beside all."""
    over = [index for index, (left, right) in enumerate(columns) if run.x0 < right - 1 and run.x1 > left + 1]
    if over:
        return range(over[0], over[-1] + 1)
    near = min(range(len(columns)), key=lambda index: max(columns[index][0] - run.x1, run.x0 - columns[index][1]))
    return range(near, near + 1)


def _sparse(rows: Sequence[_Row], width: int, size: float) -> list[int]:
    """Which of the first columns hold cells over several rows: they print less often than the others."""
    counts = []
    for index in range(width):
        runs = [run for row in rows for run in row.runs if run.columns == range(index, index + 1)]
        counts.append(len(_blocks(runs, _CLOSE * size)))
    usual = sorted(counts)[width // 2]
    return [index for index in range(min(3, width - 2)) if 1 < counts[index] <= _SELDOM * usual]


def _ties(index: int, groups: Sequence[int], without: Callable[[Sequence[int]], list[_Row]], width: int) -> bool:
    """Whether a column ties rows together that are whole without it: it holds cells over several rows."""
    few = (width - len(groups) - 1) / 2
    tied, free = ([row for row in without(out) if len(row.filled()) > few] for out in (groups, [*groups, index]))
    return len(free) > len(tied)


def _blocks(runs: Sequence[_Run], pitch: float) -> list[list[_Run]]:
    """Put lines of one column that are set closer than this together."""
    blocks: list[list[_Run]] = []
    for run in runs:
        if blocks and middle(run.chars[0]) - middle(blocks[-1][-1].chars[0]) < pitch:
            blocks[-1].append(run)
        else:
            blocks.append([run])
    return blocks


def _together(rows: Sequence[_Row], join: Callable[[_Row, _Row], bool], rules: Sequence[float]) -> list[_Row]:
    """Put lines together that make one row; a rule between two always parts them."""
    found: list[_Row] = []
    for row in rows:
        above = found[-1] if found else None
        ruled = above is not None and any(above.bottom - 2 <= y <= row.top + 2 for y in rules)
        if above is not None and not ruled and join(above, row):
            above.runs.extend(row.runs)
        else:
            found.append(_Row(list(row.runs)))
    return found


def _widest(rows: Sequence[_Row], width: int) -> list[float]:
    """The width of the longest line of each column."""
    runs = [run for row in rows for run in row.runs]
    return [
        max((run.x1 - run.x0 for run in runs if run.columns == range(at, at + 1)), default=0.0) for at in range(width)
    ]


def _has_broken(row: _Row) -> bool:
    """Whether a cell of a row has lines below each other: then lines of one cell are told by their distance."""
    ends = Counter(run.columns for run in row.runs)
    return any(count > 1 for count in ends.values())


def _carries_on(above: _Row, row: _Row, widest: Sequence[float]) -> bool:
    """Whether a line with one cell is the rest of the cell above it, which is as wide as any of its column."""
    text = "".join(str(char["text"]) for char in row.runs[0].chars)
    if len(row.filled()) > 1 or len(above.filled()) < 2 or _NUMBERED.match(text):
        return False
    column = row.runs[0].columns[0]
    last = [run for run in above.runs if run.columns == range(column, column + 1)]
    return bool(last) and last[-1].x1 - last[-1].x0 >= _FULL * widest[column]


def _slots(row: _Row, width: int) -> list[Slot]:
    """The places of a row: in each what stands over it, from above (a heading over several columns, then their own)."""
    slots = [Slot()] * width
    for index in range(width):
        own = [run for run in row.runs if index in run.columns]
        slots[index] = Slot(_text(own), begins=any(run.columns[0] == index for run in own))
    return slots


def _lay_over(
    grid: Grid, rows: Sequence[_Row], column: int, runs: Sequence[_Run], size: float, *, at_top: bool, before: str
) -> None:
    """Give cells over several rows to their rows: each stands in the middle of those it covers, or in the first.

    What stands beside the headings is the heading of the column; the cell `before`, of the last page, may go on.
    """
    headed = int(not any(_is_value(run) for run in rows[0].runs))
    heads = [run for run in runs if headed and middle(run.chars[0]) <= rows[0].bottom]
    blocks = _blocks([run for run in runs if run not in heads], 1.7 * size)
    texts = [_text(block) for block in blocks]
    heights = [(middle(block[0].chars[0]) + middle(block[-1].chars[0])) / 2 for block in blocks]
    body = rows[headed:]
    goes_on, ends = 0, [] if at_top else (_ends(heights, body) or [])
    while not ends and before and not at_top and goes_on + 1 < len(body):
        goes_on += 1
        ends = [goes_on + end for end in _ends(heights, body[goes_on:]) or []]
    if not ends:
        goes_on, ends = 0, _begins(heights, [(row.top + row.bottom) / 2 for row in body])
    if headed:
        grid[0][column] = Slot(_text(heads), begins=bool(heads))
    for number, row in enumerate(grid[headed:]):
        if number < goes_on:
            row[column] = Slot(before, begins=number == 0)
            continue
        block = next((index for index, end in enumerate(ends) if number < end), len(ends) - 1)
        row[column] = Slot(texts[block], begins=number == (ends[block - 1] if block else goes_on))


def _text(runs: Sequence[_Run]) -> str:
    return "\n".join(line.text for line in lines_of([char for run in runs for char in run.chars]))


def _ends(heights: Sequence[float], rows: Sequence[_Row]) -> list[int] | None:
    """Return after which row each cell ends if each stands in the middle of its rows, else None."""
    ends: list[int] = []
    start, count = 0, len(rows)
    pitch = (rows[-1].top + rows[-1].bottom - rows[0].top - rows[0].bottom) / 2 / max(1, count - 1)
    for number, height in enumerate(heights, 1):
        reach = range(start + 1 if number < len(heights) else count, count + 1)
        off = {end: abs((rows[start].top + rows[end - 1].bottom) / 2 - height) for end in reach if start < end}
        start = min(off, key=lambda end: off[end], default=0)
        if not off or off[start] > 0.5 * max(pitch, rows[0].bottom - rows[0].top):
            return None
        ends.append(start)
    return ends or None


def _begins(heights: Sequence[float], middles: Sequence[float]) -> list[int]:
    """Return after which row each cell ends if each stands in the first of its rows."""
    first = [min(range(len(middles)), key=lambda index: abs(middles[index] - height)) for height in heights]
    return [*first[1:], len(middles)]
