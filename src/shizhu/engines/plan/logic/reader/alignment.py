"""Cuts a run of loose cells into the rows and columns of a table: the best path through all ways to do it.

Nothing here knows how the table was printed; a token only says what the layout hints: that it opens a cell for sure,
that it carries one on, that a blank line stands before it, or at which screen column it begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shizhu.engines.plan.logic.reader.fit import LED_NAME, fit, group_fit, is_number, join_gain, left_out
from shizhu.engines.plan.logic.reader.lines import SENTENCE_END, half_width, join
from shizhu.engines.plan.logic.reader.numbering import number_of
from shizhu.engines.plan.logic.reader.vocabulary import Heading

_SKIP = 4.5
_SKIP_EMPTY = 0.2
_NEW_ROW = 0.4
_START, _GROUP, _END = -1, -2, -3


@dataclass(frozen=True)
class Token:
    """One loose cell or part of a cell."""

    text: str
    line: int
    opens: bool | None = None
    after_blank: bool = False
    offset: int | None = None


@dataclass
class Slot:
    """One row as cut: the tokens of each column, or the tokens of a group row."""

    cells: dict[int, list[Token]] = field(default_factory=dict)
    group: list[Token] = field(default_factory=list)


@dataclass(frozen=True)
class Alignment:
    """How tokens were cut: rows, tokens left out between them, how many tokens the table has, how well it fits."""

    rows: list[Slot]
    skipped: list[Token]
    used: int
    score: float


@dataclass(frozen=True)
class Body:
    """The body of a table: its rows, the tokens that fit nowhere, the index of its last line, and its true headings."""

    rows: list[Slot]
    left_out: list[Token]
    last: int
    headings: tuple[Heading, ...]


@dataclass(frozen=True)
class _Step:
    score: float
    state: int
    token: Token | None = None
    action: str = ""
    before: _Step | None = None
    number: int = 0
    opened: str = ""


@dataclass(frozen=True)
class Grid:
    """What the aligner knows of a table: its columns, and whether numbers are printed with the names."""

    headings: tuple[Heading, ...]
    numbered_names: bool = False
    one_row: bool = False

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.headings)

    def gap(self, first: int, last: int, *, text: str = "") -> float:
        """Return the cost of leaving out the columns first..last-1; a number printed with the name is not left out."""
        return sum(self._left_out(index, text) for index in range(first, last))

    def _left_out(self, index: int, text: str) -> float:
        role = self.headings[index].role
        if role == "no" and self.numbered_names and LED_NAME.match(half_width(text)):
            return 0.0
        return left_out(role)

    def fit(self, index: int, token: Token) -> float:
        """Return how well a token fits a column, with a bonus where it stands under the heading."""
        heading = self.headings[index]
        under = token.offset is not None and heading.offset is not None and abs(token.offset - heading.offset) <= 3
        return fit(heading.role, token.text) + (0.8 if under else 0.0)


def align(tokens: Sequence[Token], grid: Grid) -> Alignment:
    """Cut tokens into rows and columns."""
    steps = {_START: _Step(0.0, _START)}
    for token in tokens:
        reached: dict[int, _Step] = {}
        for step in steps.values():
            for following in _moves(step, token, grid):
                best = reached.get(following.state)
                if best is None or following.score > best.score:
                    reached[following.state] = following
        steps = reached
    last = max(steps.values(), key=lambda step: step.score - _close(step, grid))
    return _rows(last, last.score - _close(last, grid))


def _moves(step: _Step, token: Token, grid: Grid) -> Iterator[_Step]:
    """Yield every reading of the next token."""
    if step.state == _END:
        yield _Step(step.score, _END, token, "end", step)
        return
    yield _Step(step.score - _close(step, grid), _END, token, "end", step)
    skip = _SKIP if token.text else _SKIP_EMPTY
    yield _Step(step.score - skip, step.state, token, "skip", step, step.number, step.opened)
    if step.state >= 0:
        yield from _same_row(step, token, grid)
    if not grid.one_row or step.state == _START:
        yield from _next_row(step, token, grid)


def _same_row(step: _Step, token: Token, grid: Grid) -> Iterator[_Step]:
    carried = step.opened + token.text
    if token.text:
        gain = join_gain(grid.headings[step.state].role, step.opened, token.text)
        yield _Step(step.score + gain + _carrying(step, token), step.state, token, "join", step, step.number, carried)
    for column in range(step.state + 1, grid.width):
        gain = grid.fit(column, token) - grid.gap(step.state + 1, column) + _opening(token)
        yield _Step(step.score + gain, column, token, "cell", step, step.number, token.text)


def _next_row(step: _Step, token: Token, grid: Grid) -> Iterator[_Step]:
    closed = step.score - _close(step, grid)
    bonus = _opening(token) - _NEW_ROW + (0.5 if token.after_blank else 0.0)
    for column in range(grid.width):
        gain = grid.fit(column, token) - grid.gap(0, column, text=token.text) + bonus
        if grid.headings[column].role == "no":
            number = number_of(half_width(token.text).strip(" .、()")) or 0
            gain += _in_order(step.number, number)
            yield _Step(closed + gain, column, token, "row", step, number or step.number, token.text)
        else:
            yield _Step(closed + gain, column, token, "row", step, step.number, token.text)
    if not grid.one_row:
        yield _Step(closed + group_fit(token.text), _GROUP, token, "group", step, step.number)


def _opening(token: Token) -> float:
    return {True: 0.3, False: -2.5, None: 0.0}[token.opens]


def _carrying(step: _Step, token: Token) -> float:
    """What the layout says for reading the token as the rest of a cell; a full line without an end asks for a rest."""
    before = step.token.text if step.token else ""
    unfinished = len(before) >= 20 and before[-1] not in SENTENCE_END
    if token.opens is None:
        return -0.4 if token.after_blank else 0.0
    return (-0.2 if unfinished else -2.5) if token.opens else 1.2


def _in_order(before: int, number: int) -> float:
    if number == before + 1:
        return 2.0
    return 0.5 if before <= number <= before + 3 else -2.0


def _close(step: _Step, grid: Grid) -> float:
    """Return the cost of ending a row here; a group row must be followed by a row."""
    if step.state == _GROUP:
        return 0.0 if step.before and step.before.state != _GROUP else 1.0
    return grid.gap(step.state + 1, grid.width) if step.state >= 0 else 0.0


def _rows(last: _Step, score: float) -> Alignment:
    path: list[_Step] = []
    step: _Step | None = last
    while step is not None and step.token is not None:
        path.append(step)
        step = step.before
    rows: list[Slot] = []
    skipped: list[Token] = []
    used = 0
    for count, taken in enumerate(reversed(path), 1):
        if taken.token is None or taken.action == "end":
            continue
        used = count if taken.action not in {"skip", "group"} else used
        if taken.action == "skip":
            skipped.append(taken.token)
        else:
            _place(rows, taken, taken.token)
    while rows and rows[-1].group:
        rows.pop()
    return Alignment(rows, [token for token in skipped if token.text], used, score)


def _place(rows: list[Slot], step: _Step, token: Token) -> None:
    if step.action in {"row", "group"}:
        rows.append(Slot())
    if step.action == "group":
        rows[-1].group.append(token)
    else:
        rows[-1].cells.setdefault(step.state, []).append(token)


def has_numbered_names(tokens: Sequence[Token]) -> bool:
    """Whether the first rows print their number and name on one line."""
    first = [token.text for token in tokens if token.text][:2]
    return any(LED_NAME.match(half_width(text)) and not is_number(text) for text in first)


def joined(parts: Sequence[Token]) -> str:
    """Return the text of a cell from its pieces."""
    return join([part.text for part in parts])
