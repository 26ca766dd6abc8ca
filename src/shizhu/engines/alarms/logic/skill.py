"""How well a rule would have told what happened, and with which limits it would have told it better. Pure.

*Nearness*: how near a condition is to being true: the value by its limit, 1 on it; of parts joined, that of the part
that decides. With limits times `s` the condition is true where nearness is above `s`: so one pass over the readings
answers for all `s`. A *case* is a recorded event with the time before it, or a time in which a condition came near and
nothing happened. Figures: probability of detection (POD), false alarm ratio (FAR), critical success index (CSI).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from shizhu.engines.alarms.logic.conditions import BOUNDS, JOINS, Condition, Join, Lasting, Leaf, Node, parts, steps
from shizhu.engines.alarms.logic.judge import TRUE, Change, Reading, State, feed, value_of
from shizhu.engines.alarms.logic.moments import Moment
from shizhu.engines.alarms.logic.warnings import Skill

LEAST, MOST, STEP = 60, 150, 5  # per cent of the limits in force, tried
FEW = 10  # events below which limits made of them are a hint
GRID = tuple(range(LEAST, MOST + STEP, STEP))
Body = dict[str, Any]


@dataclass(frozen=True)
class Moved:
    """How near it was at a reading, and in which class."""

    at: Moment
    near: float
    number: int


@dataclass(frozen=True)
class Case:
    """An event (`at`) or none, with what was near before it, or then."""

    source: str
    moved: tuple[Moved, ...]
    at: Moment | None = None
    event: int = -1

    def raised(self, scales: Sequence[float]) -> Moment | None:
        """When an alarm would have come with limits times these, by class; without any, with those in force."""
        return next((one.at for one in self.moved if one.near > (scales[one.number] if scales else 1)), None)

    @property
    def nearest(self) -> Moved | None:
        """Where it came nearest; None where nothing was near."""
        return max(self.moved, key=lambda one: one.near, default=None)


def followed(
    condition: Condition, state: State, readings: Iterable[tuple[Moment, list[Reading]]], changes: list[Change]
) -> Iterator[Moved]:
    """Judge readings, and tell of each instant how near the mildest level was; nothing of what is far."""
    for at, together in readings:
        feed(condition, state, at, together, changes)
        near, of_class = nearness(condition, state, condition.tracks[0].root)
        if near * 100 >= LEAST:
            yield Moved(at, near, of_class)


def nearness(condition: Condition, state: State, node: Node) -> tuple[float, int]:
    """How near a condition is to being true, and the class of the limit that decides; not whether it has lasted."""
    if isinstance(node, Lasting):
        return nearness(condition, state, node.part)
    if isinstance(node, Join):
        found = sorted((nearness(condition, state, part) for part in node.parts), reverse=True)
        return found[node.least - 1] if len(found) >= node.least else (0.0, 0)
    return _of_leaf(condition, state, node), node.of_class


def _of_leaf(condition: Condition, state: State, leaf: Leaf) -> float:
    if leaf.test != "limit":
        return math.inf if state.leaves[leaf.number] == TRUE else 0.0
    value = value_of(condition, state, leaf)
    if value is None:
        return 0.0
    if leaf.is_inside:
        return math.inf if leaf.limit.is_kept_by(value) else 0.0
    low, high = leaf.limit.low, leaf.limit.high
    above = value / high if high is not None and high > 0 else 0.0
    below = 0.0 if low is None else low / value if value > 0 else math.inf
    return max(above, below)


def cases(
    source: str, moved: Sequence[Moved], events: Sequence[tuple[int, Moment]], before: Moment, after: Moment = 0
) -> list[Case]:
    """What was near before each event of a source, and what was near for nothing: apart where nothing was so long.
    What is near so long `after` an event is still of it, as the rain of a day is."""
    found = [
        Case(source, tuple(one for one in moved if at - before <= one.at <= at), at, number) for number, at in events
    ]
    rest = [one for one in moved if not any(at - before <= one.at <= at + before + after for _number, at in events)]
    together: list[list[Moved]] = []
    for one in rest:
        if not together or one.at - together[-1][-1].at > before:
            together.append([])
        together[-1].append(one)
    return found + [Case(source, tuple(some)) for some in together]


def skill(held: Sequence[Case], scales: Sequence[float]) -> Skill:
    """Of limits times these: an alarm at or before an event is a hit; one with no event a false one."""
    hits = [(case.at - at) for case in held if case.at is not None and (at := case.raised(scales)) is not None]
    events = sum(case.at is not None for case in held)
    false = sum(case.at is None and case.raised(scales) is not None for case in held)
    return Skill.of_spans(hits, false, events - len(hits))


@dataclass(frozen=True)
class Fit:
    """The scales found, in per cent by class; how they did on what they were found on, and on what they had not seen.

    `open`: classes in which no event happened: they stay as they are. `alike`: how many other choices do as well.
    """

    scales: tuple[int, ...]
    seen: Skill
    unseen: Skill
    open: tuple[int, ...]
    alike: int


@dataclass
class _Table:
    """Each choice of scales against each case: whether it raises an alarm."""

    choices: NDArray[np.int64]  # choice, class → per cent
    raised: NDArray[np.bool_]  # choice, case
    is_event: NDArray[np.bool_]
    change: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.change = np.abs(self.choices - 100).sum(axis=1)

    def best(self, kept: NDArray[np.bool_]) -> tuple[int, int]:
        """The choice with the best CSI on these cases, then the fewest misses, then the smallest change; how many have
        that CSI and no more misses."""
        raised, event = self.raised[:, kept], self.is_event[kept]
        hits, false = raised[:, event].sum(axis=1), raised[:, ~event].sum(axis=1)
        misses = event.sum() - hits
        csi = hits / np.maximum(hits + misses + false, 1)
        order = np.lexsort((self.change, misses, -csi))
        first = int(order[0])
        alike = (csi == csi[first]) & (misses == misses[first])
        return first, int(alike.sum())


def fit(held: Sequence[Case], limits: Sequence[Sequence[float]]) -> Fit:
    """Scales by class that would have told the events best. `limits`: of each test the limits by class, so that a class
    that is worse never gets a milder limit. Each case is judged once by what was found without it (leave one out)."""
    classes = len(limits[0])
    reached = np.zeros((len(held), classes))
    for number, case in enumerate(held):
        for one in case.moved:
            reached[number, one.number] = max(reached[number, one.number], one.near)
    is_event = np.array([case.at is not None for case in held], dtype=bool)
    nearest = [case.nearest for case in held if case.at is not None]
    seen_in = {one.number for one in nearest if one}
    tried = [GRID if number in seen_in else (100,) for number in range(classes)]
    choices = np.array([one for one in product(*tried) if _in_order(one, limits)] or [(100,) * classes])
    raised = (reached[None, :, :] > choices[:, None, :] / 100).any(axis=2)
    table = _Table(choices, np.asarray(raised), is_event)
    every = np.ones(len(held), dtype=bool)
    found, alike = table.best(every)
    scales = tuple(int(one) for one in choices[found])
    told: list[Skill] = []
    for number, case in enumerate(held):
        kept = every.copy()
        kept[number] = False
        other = choices[table.best(kept)[0]] / 100
        told.append(skill([case], list(other)))
    return Fit(
        scales, skill(held, [one / 100 for one in scales]), Skill.together(told),
        tuple(number for number in range(classes) if number not in seen_in), alike - 1,
    )  # fmt: skip


def _in_order(scales: Sequence[int], limits: Sequence[Sequence[float]]) -> bool:
    """Whether limits by class fall as they did, or stay."""
    scaled = ([one * scale for one, scale in zip(test, scales, strict=True)] for test in limits)
    return all(
        (one - other) * (first - second) >= 0
        for test, was in zip(scaled, limits, strict=True)
        for (one, other), (first, second) in zip(pairwise(test), pairwise(was), strict=True)
    )


def bounds(rule: Body) -> list[tuple[float, ...]]:
    """Of each test with numbers its limits by class, one class where they go by none. Empty: there is none to move."""
    count = len(classes_of(rule)) or 1
    found = [part[name] for _level, when in steps(rule) for part in parts(when) for name in BOUNDS if name in part]
    return [tuple(one) if isinstance(one, list) else (one,) * count for one in found if not isinstance(one, str)]


def classes_of(rule: Body) -> Sequence[Mapping[str, Any]]:
    """The classes by which its limits go."""
    found: Sequence[Mapping[str, Any]] = rule["when"].get("by", {}).get("classes", ())
    return found


def may_fit(rule: Body) -> bool:
    """Whether its limits can be moved and its alarms follow at once: what must last first is tried, and not fitted."""
    return bool(bounds(rule)) and not any("for" in part for _level, when in steps(rule) for part in _all(when))


def _all(when: Body) -> Iterator[Body]:
    yield when
    yield from (one for join in JOINS for part in when.get(join, ()) for one in _all(part))


def scaled(when: Body, scales: Sequence[float]) -> Body:
    """A condition with its limits times these, rounded as limits are written."""
    made = dict(when)
    for name in BOUNDS:
        said = made.get(name)
        if isinstance(said, list):
            made[name] = [rounded(one * scale) for one, scale in zip(said, scales, strict=True)]
        elif isinstance(said, int | float):
            made[name] = rounded(said * scales[0])
    for join in JOINS:
        if join in made:
            made[join] = [scaled(part, scales) for part in made[join]]
    return made


def rounded(value: float) -> float:
    """Whole from ten on, else with one or two decimals."""
    digits = 0 if abs(value) >= 10 else 1 if abs(value) >= 1 else 2
    return int(value + 0.5) if not digits else round(value, digits)
