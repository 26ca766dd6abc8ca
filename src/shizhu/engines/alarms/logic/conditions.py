"""A rule's condition, compiled for what it judges: leaves that are true or not, joined, for a time, in steps of level.

Nothing here reads or waits: `judge` steps what is compiled here over readings in the order of event time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from shizhu.engines.alarms.logic.moments import DAY, MINUTE, Calendar, calendar, minutes, span
from shizhu.lib import standards
from shizhu.lib.standards.limits import Limit

HOUR = 3_600_000_000
LATE = "PT6H"  # how late a reading may come and still be judged, unless the rule says otherwise
LEVELS = ("blue", "yellow", "orange", "red")  # 蓝 黄 橙 红, mild to severe
JOINS = ("all", "any", "of")
ANTECEDENT = "antecedent"  # what is left of the rises of days past; only `by` takes it
FORGOTTEN = 0.01  # of an index, what is as good as nothing
OF_A_ZONE = ("sum", "mean", "least", "most", "count")  # what is made of all sources together, not of each one's past
BOUNDS = ("below", "above")  # a number, or the property of the source that holds it
TESTS = ("below", "above", "inside", "worse_than", "missing", "stuck")
Body = dict[str, Any]


class NotJudged(ValueError):
    """A rule cannot judge this source; the text says what is missing."""


@dataclass(frozen=True)
class Input:
    """A datastream as a rule knows it: profile and property, and what its Thing says of itself."""

    profile: str
    property: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Index:
    """How much is left of the rises of days past (of rain: antecedent precipitation index): at the end of each day
    `keeps` of what was there and what came, at most `most`. `assumed` where nothing is known of before."""

    keeps: float
    most: float
    assumed: float
    edge: int  # when a day ends, microseconds after midnight of the county

    @property
    def reach(self) -> int:
        """After so long nearly nothing is left, in microseconds."""
        return math.ceil(math.log(FORGOTTEN, self.keeps)) * DAY


@dataclass(frozen=True)
class Measure:
    """What is tested: the newest value, or what `take` makes of the values `during` a time, or of several inputs."""

    inputs: tuple[int, ...]
    take: str = ""  # or change, rate, sum, mean, least, most, count, antecedent
    during: int = 0
    per: int = HOUR
    index: Index | None = None  # of antecedent

    @property
    def has_window(self) -> bool:
        """Whether values of the past are kept for it: of one input."""
        return bool(self.during) or self.take in {"rate", ANTECEDENT}

    @property
    def reach(self) -> int:
        """How far back what it is made of may lie, in microseconds."""
        return self.during + (self.index.reach if self.index else 0)

    @property
    def is_of_zone(self) -> bool:
        """Whether it is made of the newest values of all its inputs, be they one."""
        return bool(self.take) and not self.has_window


@dataclass(frozen=True)
class Leaf:
    """One test of one measure. Broken outside `limit` (`is_inside`: within), whole again only inside `again`."""

    number: int
    measure: int
    test: Literal["limit", "missing", "stuck"]
    limit: Limit
    again: Limit
    is_inside: bool
    gap: int  # a value older than this says nothing
    span: int = 0  # of missing and stuck
    tolerance: float = 0.0
    of_class: int = 0  # by what came before: the class whose limit it has


@dataclass(frozen=True)
class Join:
    """True when at least `least` of its parts are; of a zone, sources of which nothing is known do not count."""

    parts: tuple[Node, ...]
    least: int
    is_zone: bool = False


@dataclass(frozen=True)
class Lasting:
    """True once its part was true for `lasting`, until it was false for `clearing`; clocked: without a new reading."""

    number: int
    part: Node
    lasting: int
    clearing: int
    is_clocked: bool


Node = Leaf | Join | Lasting


@dataclass(frozen=True)
class Track:
    """One level of a rule."""

    level: str
    root: Lasting


@dataclass(frozen=True)
class Condition:
    """A rule compiled for one source."""

    measures: tuple[Measure, ...]
    leaves: tuple[Leaf, ...]
    lastings: tuple[Lasting, ...]
    tracks: tuple[Track, ...]  # mild to severe
    leaves_of: tuple[tuple[int, ...], ...]  # input → leaves
    windows_of: tuple[tuple[int, ...], ...]  # input → measures that keep its past
    calendar: Calendar | None
    late: int

    @property
    def is_clocked(self) -> bool:
        """Whether time alone may change what it says."""
        return any(lasting.is_clocked for lasting in self.lastings)

    @property
    def reach(self) -> int:
        """How far back what it says may have begun: enough to judge from there on and say the same, in microseconds."""
        seen = max(max(leaf.gap, leaf.span, self.measures[leaf.measure].reach) for leaf in self.leaves)
        return seen + sum(lasting.lasting + lasting.clearing for lasting in self.lastings)


@dataclass(frozen=True)
class Bound:
    """A condition bound to a source of a county."""

    id: int
    rule: str
    source: str
    county: str
    organisation: int
    area: int
    streams: tuple[int, ...]
    condition: Condition


def parts(when: Body) -> Iterator[Body]:
    """The tests of a condition, each with what it inherits from the conditions around it."""
    join = next((name for name in JOINS if name in when), None)
    if join is None:
        yield when
        return
    for part in when[join]:
        yield from parts({**inherited(when), **part})


def inherited(when: Body) -> dict[str, Any]:
    """What the parts of a condition take over from it."""
    return {name: when[name] for name in ("profile", "property", "zone", "gap", "holds", "by") if name in when}


def steps(rule: Body) -> Iterator[tuple[str, Body]]:
    """(level, condition) from mild to severe: the rule's own, and those of `levels`, which say only what differs."""
    when = rule["when"]
    named = [(rule["level"], when)]
    for step in rule.get("levels", []):
        changed = {name: value for name, value in step.items() if name != "level"}
        kept = {name: value for name, value in when.items() if name not in TESTS or not changed.keys() & set(TESTS)}
        named.append((step["level"], {**kept, **changed}))
    yield from sorted(named, key=lambda pair: LEVELS.index(pair[0]))


def wanted(rule: Body) -> list[tuple[str, str]]:
    """(profile, property) of everything that a rule reads, in the order of its tests."""
    found = ((part["profile"], part["property"]) for _level, when in steps(rule) for part in parts(when))
    return list(dict.fromkeys(found))


def condition_of(rule: Body, inputs: Sequence[Input]) -> Condition:
    """The condition of a rule for these inputs. NotJudged where a source lacks what the rule reads."""
    return _Compiler(rule, inputs).condition()


class _Compiler:
    """Numbers leaves, measures and lastings while it walks the rule."""

    def __init__(self, rule: Body, inputs: Sequence[Input]) -> None:
        self.rule, self.inputs = rule, inputs
        self.clear: Body = rule.get("clear", {})
        self.measures: dict[Measure, int] = {}
        self.leaves: list[Leaf] = []
        self.lastings: list[Lasting] = []
        self.of_class = 0

    def condition(self) -> Condition:
        tracks = tuple(Track(level, self._track(when)) for level, when in steps(self.rule))
        measures, leaves = tuple(self.measures), tuple(self.leaves)
        numbers = range(len(self.inputs))
        of = [tuple(leaf.number for leaf in leaves if n in measures[leaf.measure].inputs) for n in numbers]
        windows = [tuple(m for m, one in enumerate(measures) if one.has_window and n in one.inputs) for n in numbers]
        return Condition(
            measures, leaves, tuple(self.lastings), tracks, tuple(of), tuple(windows),
            calendar(self.rule.get("calendar")), span(self.rule.get("late", LATE)),
        )  # fmt: skip

    def _track(self, when: Body) -> Lasting:
        """The root of a level always lasts, if only for nothing."""
        return self._lasting(self._bare(when), when, self.clear)

    def _lasting(self, part: Node, when: Body, clear: Body) -> Lasting:
        is_timed = "holds" in when or any("missing" in one for one in parts(when))
        is_clocked = len(self.inputs) > 1 or "zone" in when or is_timed
        made = Lasting(len(self.lastings), part, span(when.get("for")), span(clear.get("for")), is_clocked)
        self.lastings.append(made)
        return made

    def _node(self, when: Body) -> Node:
        node = self._bare(when)
        return self._lasting(node, when, {}) if "for" in when else node

    def _bare(self, when: Body) -> Node:
        join = next((name for name in JOINS if name in when), None)
        if join is None:
            return self._test(when)
        found = tuple(self._node({**inherited(when), **part}) for part in when[join])
        return Join(found, {"all": len(found), "any": 1, "of": when.get("at_least", 1)}[join])

    def _test(self, when: Body) -> Node:
        return self._by_class(when) if any(isinstance(when.get(name), list) for name in BOUNDS) else self._plain(when)

    def _by_class(self, when: Body) -> Node:
        """Limits that go by a class of what came before: of each class its test, while the index was in the class when
        the time began of which a value is made. What comes now does not make its own limit lower."""
        by = when["by"]
        edges = [one["from"] for one in by["classes"]]
        found = []
        for number, span_ in enumerate(pairwise([-math.inf, *edges[1:], math.inf])):
            limits = {name: when[name][number] for name in BOUNDS if isinstance(when.get(name), list)}
            gate: Body = {name: when[name] for name in ("profile", "property", "gap", "during") if name in when}
            gate |= {"take": ANTECEDENT, "by": by, "inside": list(span_), "margin": 0.0}
            self.of_class = number
            found.append(Join((self._plain({**when, **limits}), self._plain(gate)), 2))
        self.of_class = 0
        return Join(tuple(found), 1)

    def _plain(self, when: Body) -> Node:
        pair = when["profile"], when["property"]
        mine = tuple(n for n, one in enumerate(self.inputs) if (one.profile, one.property) == pair)
        if not mine:
            raise NotJudged(f"{when['property']}: there is no such data stream here")
        if "zone" in when and when.get("take") in OF_A_ZONE and "during" not in when:
            return self._leaf(when, Measure(mine, when["take"]), mine[0])
        taken = [
            Measure((n,), when.get("take", ""), span(when.get("during")), span(when.get("per", "PT1H")), _index(when))
            for n in mine
        ]
        found = tuple(self._leaf(when, one, one.inputs[0]) for one in taken)
        return (
            found[0] if len(found) == 1 and "zone" not in when else Join(found, when.get("at_least", 1), is_zone=True)
        )

    def _leaf(self, when: Body, measure: Measure, source: int) -> Leaf:
        number = self.measures.setdefault(measure, len(self.measures))
        limit, is_inside = _limit(when, self.inputs[source].properties)
        margin: float = {**self.clear, **when}.get("margin", 0.0)
        away = -margin if is_inside else margin
        again = Limit(
            None if limit.low is None else limit.low + away, None if limit.high is None else limit.high - away
        )
        test: Literal["limit", "missing", "stuck"] = "limit"
        if "missing" in when or "stuck" in when:
            test = "missing" if "missing" in when else "stuck"
        made = Leaf(
            len(self.leaves), number, test, limit, again, is_inside, _gap(when), span(when.get(test)),
            when.get("tolerance", 0.0), self.of_class,
        )  # fmt: skip
        self.leaves.append(made)
        return made


def _gap(when: Body) -> int:
    if "holds" in when or "gap" in when:
        return span(when.get("holds", when.get("gap")))
    return max(HOUR, span(when.get("for")) // 2, span(when.get("stuck")) // 2)


def _index(when: Body) -> Index | None:
    if when.get("take") != ANTECEDENT:
        return None
    by = when["by"]
    return Index(by["keeps"], by.get("most", math.inf), by["assumed"], minutes(by.get("day", "00:00")) * MINUTE)


def _limit(when: Body, properties: Mapping[str, Any]) -> tuple[Limit, bool]:
    if "inside" in when:
        return Limit(*when["inside"]), True
    if "worse_than" not in when:
        low, high = (_number(when.get(name), properties) for name in BOUNDS)
        return Limit(low=low, high=high), False
    asked = when["worse_than"]
    target = properties.get(asked["target"])
    if not target:
        raise NotJudged(f"{asked['target']}: the source has no such property, so there is no target to judge by")
    try:
        return standards.limit(asked["standard"], asked["item"], str(target)), False
    except KeyError as error:
        raise NotJudged(str(error.args[0])) from None


def _number(said: float | str | None, properties: Mapping[str, Any]) -> float | None:
    """A limit, or what the source says under the name that stands for it."""
    if not isinstance(said, str):
        return said
    try:
        number = float(properties[said])
    except (KeyError, TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise NotJudged(f"{said}: the source says no number there, so there is no limit to judge by")
    return number


def targets(rule: Body) -> set[str]:
    """Properties of a Thing that the rule reads: its target class, and limits of its own."""
    found = [part for _level, when in steps(rule) for part in parts(when)]
    own = {part[name] for part in found for name in BOUNDS if isinstance(part.get(name), str)}
    return own | {part["worse_than"]["target"] for part in found if "worse_than" in part}
