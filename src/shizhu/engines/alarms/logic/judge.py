"""Judge readings on event time: a small state per rule and source, stepped at readings and at deadlines between them.

At one instant readings come before deadlines. A deadline is a moment at which time alone changes something: a value
gets too old to say anything, a source is missing, a condition has lasted, a window of the calendar opens or closes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

import orjson

from shizhu.engines.alarms.logic.conditions import LEVELS, Condition, Index, Join, Lasting, Leaf, Measure, Node
from shizhu.engines.alarms.logic.moments import DAY, Moment, day_end

TRUE, FALSE, UNKNOWN = 1, 0, -1
NEVER: Moment = 2**62
Value = tuple[int, float]  # input, value
Reading = tuple[Moment, int, Any, int]  # moment, input, number (None: there is none any more), origin


class State:
    """What must be remembered between readings; plain lists, so that it is quickly kept as JSON."""

    __slots__ = ("begun", "inputs", "lastings", "leaves", "now", "origin", "stuck", "windows")

    def __init__(self, condition: Condition, begun: Moment = 0) -> None:
        self.now = 0  # the newest instant that was judged
        self.begun = begun  # a source that has never sent is missing from here on
        self.origin = 0
        self.inputs: list[list[float] | None] = [None] * len(condition.leaves_of)  # moment, value
        self.windows: list[list[list[float]]] = [[] for _ in condition.measures]
        self.leaves = [FALSE if leaf.test == "missing" else UNKNOWN for leaf in condition.leaves]
        self.stuck: list[list[float] | None] = [None] * len(condition.leaves)  # since, value
        self.lastings: list[list[int]] = [[0, 0, 0] for _ in condition.lastings]  # is raised, true since, false since

    def dump(self) -> bytes:
        """As JSON."""
        return orjson.dumps([getattr(self, name) for name in self.__slots__])

    @classmethod
    def load(cls, kept: bytes | str) -> State:
        """From JSON."""
        made = cls.__new__(cls)
        for name, value in zip(cls.__slots__, orjson.loads(kept), strict=True):
            setattr(made, name, value)
        return made


@dataclass(frozen=True)
class Change:
    """The level changed at this instant: raised from none, to another, or recovered (level is None)."""

    at: Moment
    level: str | None
    since: Moment
    value: float | None
    input: int
    limit: str
    origin: int


def level_of(condition: Condition, state: State) -> str | None:
    """The most severe level that is raised."""
    found = [track.level for track in condition.tracks if state.lastings[track.root.number][0]]
    return found[-1] if found else None


def limit_of(condition: Condition, level: str) -> str:
    """The limit of a level as printed; empty where it has none, or several."""
    track = next((one for one in condition.tracks if one.level == level), None)
    found = {str(leaf.limit) for leaf in _leaves(track.root) if leaf.test == "limit"} if track else set()
    return found.pop() if len(found) == 1 else ""


def raised(condition: Condition, level: str, begun: Moment = 0) -> State:
    """A new state in which an alarm of that level stands: the rule changed while it was open. The mildest level that it
    has now stands in any case, so that the data can end the alarm."""
    state = State(condition, begun)
    for number, track in enumerate(condition.tracks):
        state.lastings[track.root.number][0] = int(not number or LEVELS.index(track.level) <= LEVELS.index(level))
    return state


def judge(condition: Condition, state: State, readings: Iterable[Reading]) -> list[Change]:
    """Step through readings that are in order and newer than what was judged."""
    changes: list[Change] = []
    for at, together in groupby(readings, itemgetter(0)):
        feed(condition, state, at, list(together), changes)
    return changes


def feed(condition: Condition, state: State, at: Moment, readings: Sequence[Reading], changes: list[Change]) -> None:
    """Judge the readings of one instant, after every deadline before it."""
    due = deadline(condition, state)
    if due is not None and due < at:
        advance(condition, state, at - 1, changes)
    state.now = at
    for _at, number, value, origin in readings:
        state.inputs[number] = [at, value]
        state.origin = origin
        for window in condition.windows_of[number]:
            _remember(condition.measures[window], state.windows[window], at, value)
    touched = {leaf for reading in readings for leaf in condition.leaves_of[reading[1]]}
    for number in touched:
        state.leaves[number] = _truth(condition, state, condition.leaves[number])
    _settle(condition, state, changes, has_reading=True)


def advance(condition: Condition, state: State, until: Moment, changes: list[Change]) -> None:
    """Let time pass until then, inclusive."""
    while (due := deadline(condition, state)) is not None and due <= until:
        state.now = due
        for leaf in condition.leaves:
            if leaf.test == "missing":
                state.leaves[leaf.number] = int(due >= _missing_at(condition, state, leaf))
            elif condition.measures[leaf.measure].is_of_zone:
                state.leaves[leaf.number] = _truth(condition, state, leaf)
            elif _expiry(condition, state, leaf) <= due:
                state.leaves[leaf.number] = UNKNOWN
        _settle(condition, state, changes, has_reading=False)


def deadline(condition: Condition, state: State) -> Moment | None:
    """The next moment at which time alone changes something."""
    found = []
    for leaf in condition.leaves:
        truth = state.leaves[leaf.number]
        if leaf.test == "missing":
            if truth == FALSE:
                found.append(_missing_at(condition, state, leaf))
        elif truth != UNKNOWN or _unheard(condition, state, leaf):
            found.append(_expiry(condition, state, leaf))
    if condition.is_clocked:
        found += _lasting_deadlines(condition, state)
    if condition.calendar and state.now:
        found.append(condition.calendar.next(state.now))
    return min(found) if found else None


def wake(condition: Condition, state: State) -> Moment | None:
    """When somebody must look even though no reading comes; values that get too old can wait for the next one."""
    found = [
        _missing_at(condition, state, leaf)
        for leaf in condition.leaves
        if leaf.test == "missing" and state.leaves[leaf.number] == FALSE
    ]
    if condition.is_clocked:
        found += _lasting_deadlines(condition, state)
        if condition.calendar and state.now:
            found.append(condition.calendar.next(state.now))
    return min(found) if found else None


def _lasting_deadlines(condition: Condition, state: State) -> Iterator[Moment]:
    for lasting in condition.lastings:
        is_raised, since, kept = state.lastings[lasting.number]
        if lasting.is_clocked and (kept if is_raised else since):
            yield kept + lasting.clearing if is_raised else since + lasting.lasting


def _missing_at(condition: Condition, state: State, leaf: Leaf) -> Moment:
    last = state.inputs[condition.measures[leaf.measure].inputs[0]]
    return (int(last[0]) if last else state.begun) + leaf.span


def _expiry(condition: Condition, state: State, leaf: Leaf) -> Moment:
    """When the oldest value that it still counts says nothing any more."""
    measure = condition.measures[leaf.measure]
    inputs = measure.inputs
    if not measure.is_of_zone:
        last = state.inputs[inputs[0]]
        return int(last[0]) + leaf.gap + 1 if last else 0
    times = (int(last[0]) + leaf.gap + 1 for last in map(state.inputs.__getitem__, inputs) if last)
    return min((time for time in times if time > state.now), default=NEVER)


def _remember(measure: Measure, window: list[list[float]], at: Moment, value: float) -> None:
    if measure.index:
        age(measure.index, window, at, value, measure.during)
        return
    if window and window[-1][0] == at:
        window.pop()
    window.append([at, value])
    if measure.during:
        first = at - measure.during + (measure.take != "change")  # a change is since the value so long ago
        while window[0][0] < first:
            window.pop(0)
    else:
        del window[:-2]


def age(index: Index, window: list[list[float]], at: Moment, value: float, lag: int = 0) -> None:
    """Bring what is left of days past to a reading: [the end of a day, the index on it] from the day `lag` ago on, the
    value with which this day began, the newest. What came since the newest belongs to the day of the reading; what
    falls was set to nothing."""
    if not window:
        window[:] = [[day_end(at, index.edge), index.assumed], [at, value], [at, value]]
        return
    (end, left), began, newest = window[-3:]
    if value < newest[1]:
        began = window[-2] = [began[0], began[1] + value - newest[1]]
        newest = [newest[0], value]
    while at >= end:
        left = min(index.most, index.keeps * (left + newest[1] - began[1]))
        end, began = end + DAY, newest
        window[-2:] = [[end, left], began, newest]
    window[-1] = [at, value]
    while window[0][0] <= at - lag:
        window.pop(0)


def value_of(condition: Condition, state: State, leaf: Leaf) -> float | None:
    """What a leaf tests now; None where nothing can be said."""
    measure = condition.measures[leaf.measure]
    if measure.has_window:
        return _of_window(measure, state.windows[leaf.measure])
    if not measure.is_of_zone:
        last = state.inputs[measure.inputs[0]]
        return last[1] if last else None
    values = [last[1] for n in measure.inputs if (last := state.inputs[n]) and state.now - last[0] <= leaf.gap]
    return _taken(measure.take, values)


def _of_window(measure: Measure, window: list[list[float]]) -> float | None:
    if measure.index:
        return window[0][1] if window else None
    if measure.take not in {"change", "rate"}:
        return _taken(measure.take, [value for _, value in window])
    if len(window) < 2:
        return None
    change = window[-1][1] - window[0][1]
    return change if measure.take == "change" else change * measure.per / (window[-1][0] - window[0][0])


def _taken(take: str, values: list[float]) -> float | None:
    if take == "count":
        return float(len(values))
    if not values:
        return None
    if take == "mean":
        return sum(values) / len(values)
    if take == "sum":
        return sum(values)
    return min(values) if take == "least" else max(values)


def _truth(condition: Condition, state: State, leaf: Leaf) -> int:
    """Of a leaf that has a new reading; once broken, it stays broken until the value is well inside."""
    if leaf.test == "missing":
        return FALSE
    value = value_of(condition, state, leaf)
    if value is None:
        return UNKNOWN
    unheard = _unheard(condition, state, leaf)
    if unheard:  # whether they are counted or not must come to the same
        was_broken = state.leaves[leaf.number] == TRUE
        both = {_broken(leaf, count, was_broken=was_broken) for count in (value, value + unheard)}
        return both.pop() if len(both) == 1 else UNKNOWN
    if leaf.test == "stuck":
        since = state.stuck[leaf.number]
        if since is None or state.leaves[leaf.number] == UNKNOWN or abs(value - since[1]) > leaf.tolerance:
            state.stuck[leaf.number] = since = [state.now, value]
        return int(state.now - since[0] >= leaf.span)
    return _broken(leaf, value, was_broken=state.leaves[leaf.number] == TRUE)


def _unheard(condition: Condition, state: State, leaf: Leaf) -> int:
    """How many sources of a zone whose reporting ones are counted have never reported: of them nothing is known."""
    measure = condition.measures[leaf.measure]
    if measure.take != "count" or measure.has_window:
        return 0
    return sum(1 for n in measure.inputs if state.inputs[n] is None)


def _broken(leaf: Leaf, value: float, *, was_broken: bool) -> int:
    limit = leaf.again if was_broken else leaf.limit
    return int(limit.is_kept_by(value) == leaf.is_inside)


def _settle(condition: Condition, state: State, changes: list[Change], *, has_reading: bool) -> None:
    """Bring joins and lasting parts to what the leaves say at this instant."""
    before = level_of(condition, state)
    mask = condition.calendar is not None and not condition.calendar.holds(state.now)
    for track in condition.tracks:
        _last(state, track.root, has_reading=has_reading, is_masked=mask)
    after = level_of(condition, state)
    if after != before:
        changes.append(_change(condition, state, before, after))


def _value(state: State, node: Node, *, has_reading: bool) -> int:
    if isinstance(node, Leaf):
        return state.leaves[node.number]
    if isinstance(node, Lasting):
        return _last(state, node, has_reading=has_reading, is_masked=False)
    values = [_value(state, part, has_reading=has_reading) for part in node.parts]
    if values.count(TRUE) >= node.least:
        return TRUE
    if node.is_zone:
        return FALSE if FALSE in values or TRUE in values else UNKNOWN
    return UNKNOWN if len(values) - values.count(FALSE) >= node.least else FALSE


def _last(state: State, node: Lasting, *, has_reading: bool, is_masked: bool) -> int:
    truth = _value(state, node.part, has_reading=has_reading)
    kept, now = state.lastings[node.number], state.now
    may_fire = has_reading or node.is_clocked
    if is_masked:
        truth = FALSE
    if truth == UNKNOWN:
        kept[1] = kept[2] = 0
    elif truth == TRUE:
        kept[1], kept[2] = kept[1] or now, 0
        if may_fire and now - kept[1] >= node.lasting:
            kept[0] = 1
    else:
        kept[1] = 0
        if kept[0]:
            kept[2] = kept[2] or now
            if may_fire and now - kept[2] >= node.clearing:
                kept[0] = 0
    return TRUE if kept[0] else min(truth, FALSE)


def _change(condition: Condition, state: State, before: str | None, after: str | None) -> Change:
    track = next(one for one in condition.tracks if one.level == (after or before))
    _is_raised, since, kept = state.lastings[track.root.number]
    leaf = _deciding(condition, state, track.root)
    number = condition.measures[leaf.measure].inputs[0]
    value = value_of(condition, state, leaf)
    limit = str(leaf.limit) if leaf.test == "limit" else ""
    return Change(state.now, after, (since if after else kept) or state.now, value, number, limit, state.origin)


def _deciding(condition: Condition, state: State, root: Lasting) -> Leaf:
    """The leaf that speaks for a level: of those that make it true the one with the newest value, else the first."""
    mine = list(_leaves(root))
    found = list(_true_leaves(state, root)) or [leaf for leaf in mine if state.leaves[leaf.number] == TRUE]
    found = [leaf for leaf in found if not condition.measures[leaf.measure].index]

    def newest(leaf: Leaf) -> float:
        last = state.inputs[condition.measures[leaf.measure].inputs[0]]
        return last[0] if last else 0

    return max(found, key=newest) if found else mine[0]


def _leaves(node: Node) -> Iterator[Leaf]:
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, Lasting):
        yield from _leaves(node.part)
    elif isinstance(node, Join):
        for part in node.parts:
            yield from _leaves(part)


def _true_leaves(state: State, node: Node) -> Iterator[Leaf]:
    """Leaves that are true, of joins that are."""
    if isinstance(node, Leaf):
        yield from [node] if state.leaves[node.number] == TRUE else []
    elif isinstance(node, Lasting):
        yield from _true_leaves(state, node.part)
    else:
        found = [list(_true_leaves(state, part)) for part in node.parts]
        if sum(map(bool, found)) >= node.least:
            yield from (leaf for leaves in found for leaf in leaves)


def slips_in(condition: Condition, state: State, readings: Sequence[Reading]) -> bool:
    """Take readings of an instant that was judged already, where they change nothing of what was said of it.

    Sources of one rule are told of in events of their own, so that one is often behind another by moments.
    """
    if len(condition.leaves_of) == 1:
        return False
    for at, number, value, _origin in readings:
        last = state.inputs[number]
        if last is None or at <= last[0]:
            return False
        for leaf in map(condition.leaves.__getitem__, condition.leaves_of[number]):
            truth, measure = state.leaves[leaf.number], condition.measures[leaf.measure]
            if measure.take or leaf.test == "stuck" or truth == UNKNOWN:
                return False
            if truth != (FALSE if leaf.test == "missing" else _broken(leaf, value, was_broken=truth == TRUE)):
                return False
    for at, number, value, _origin in readings:
        state.inputs[number] = [at, value]
    return True
