"""What a rule or a kind of warning says that cannot be meant: one line each, `place: value: rule`, with the rule as
people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from itertools import combinations
from typing import Any

from django.utils.translation import gettext_noop

from shizhu.engines.alarms.logic.conditions import BOUNDS, JOINS, OF_A_ZONE, TESTS, inherited, steps
from shizhu.engines.alarms.logic.moments import MINUTE, calendar, span
from shizhu.lib import standards
from shizhu.lib.times import parse_duration

Body = dict[str, Any]
RULES = {
    "classes": gettext_noop("must have %(count)s limits, one for each class of by"),
    "rise": gettext_noop("classes begin with 0, each higher than the one before"),
    "by": gettext_noop("limits in a list need by, which says what they go by, and a source of their own: no zone"),
    "once": gettext_noop("each level is said once"),
    "single": gettext_noop("only of a single test: a joined condition has one level"),
    "either": gettext_noop("either one join or one test"),
    "least": gettext_noop("must say how many of the %(count)s parts are true"),
    "above": gettext_noop("is said once, above all parts"),
    "one": gettext_noop("a test says one of %(tests)s (below and above may go together)"),
    "which": gettext_noop("must say during which time, or of which zone"),
    "when": gettext_noop("must say during which time"),
    "silent": gettext_noop("a missing source has no values to take"),
    "longer": gettext_noop("must be longer than nothing"),
    "most": gettext_noop("must not be longer than ten years"),
    "twice": gettext_noop("is said twice, and would count twice"),
    "wide": gettext_noop("is more than half of what is between %(low)s and %(high)s: no value would end the alarm"),
    "needed": gettext_noop("must be given"),
    "several": gettext_noop("are several profiles: say in which zone their sources belong together"),
    "ends": gettext_noop("the first must not be more than the second"),
    "band": gettext_noop("every value is one or the other: below must be less than above"),
    "zone": gettext_noop("is only said of a zone, or of a condition with of"),
    "together": gettext_noop("counts nothing where all sources are taken together"),
    "per": gettext_noop("is only said of take: rate"),
    "held": gettext_noop("either gap or holds"),
    "harder": gettext_noop("%(mild)s has %(limit)s: the graver level must have the harder limit"),
    "same": gettext_noop("holds whenever %(mild)s does, which is never seen: say a harder limit or a longer time"),
    "span": gettext_noop("begins when it ends: for the whole day leave hours out"),
    "never": gettext_noop("this calendar is never open"),
    "short": gettext_noop("is not shorter than the longest window of the calendar, %(longest)s: it never raises"),
    "standard": gettext_noop("no such national rule; known are %(known)s"),
    "layer": gettext_noop("no pack declares this layer"),
    "profile": gettext_noop("no pack declares this device profile"),
    "property": gettext_noop("%(profile)s has no such property"),
    "attribute": gettext_noop("%(profile)s names no such attribute of its stations"),
    "register": gettext_noop("no pack declares this register"),
    "field": gettext_noop("%(register)s has no such field"),
    "flow": gettext_noop("no pack declares this flow"),
    "rule": gettext_noop("no pack declares this rule"),
    "role": gettext_noop("this pack has no such role; a county joins packs (county.yaml: warnings)"),
    "filled": gettext_noop("nothing is filled in for it; there are %(known)s"),
    "made": gettext_noop("the headline comes out as %(text)s"),
    "other": gettext_noop("of another pack; a county joins packs (county.yaml: starts)"),
}  # fmt: skip
MOST = timedelta(days=3660)
DURATIONS = ("missing", "stuck", "during", "for", "gap", "holds", "per")
HARDER = {"below": -1, "above": 1, "missing": 1, "stuck": 1}  # which way the limits of graver levels go
LONGER = ("for", "at_least")


def told(place: str, value: object, rule: str, **words: object) -> str:
    """A line of a check."""
    return f"{place}: {value}: {RULES[rule] % words if words else RULES[rule]}"


@dataclass(frozen=True)
class Place:
    """A condition of a rule with what it inherits; `said` tells where each of its words stands."""

    where: str
    body: Body
    said: Mapping[str, str]

    @property
    def join(self) -> str | None:
        """The name of its join, None of a test."""
        return next((name for name in JOINS if name in self.body), None)

    def at(self, name: str) -> str:
        """Where a word of it stands."""
        return f"{self.said.get(name, self.where)}.{name}"

    def walk(self) -> Iterator[Place]:
        """Itself and all conditions inside."""
        yield self
        if self.join:
            for number, part in enumerate(self.body[self.join]):
                where, kept = f"{self.where}.{self.join}[{number}]", inherited(self.body)
                said = {**{name: self.said[name] for name in kept}, **dict.fromkeys(part, where)}
                yield from Place(where, {**kept, **part}, said).walk()


def places(rule: Body) -> list[Place]:
    """The condition of each level, mild to severe."""
    own = {step["level"]: step for step in rule.get("levels", [])}
    made = []
    for level, when in steps(rule):
        where = f"levels.{level}" if level in own and level != rule["level"] else "when"
        said = dict.fromkeys(when, "when")
        made.append(Place(where, when, said if where == "when" else {**said, **dict.fromkeys(own[level], where)}))
    return made


def problems(rule: Body) -> Iterator[str]:
    """What is wrong with a rule by itself, whatever else is declared."""
    names = [level for level, _when in steps(rule)]
    if len(set(names)) < len(names):
        yield told("levels", ", ".join(names), "once")
        return
    if rule.get("levels") and any(name in rule["when"] for name in JOINS):
        yield told("levels", ", ".join(step["level"] for step in rule["levels"]), "single")
        return
    found = places(rule)
    margin = rule.get("clear", {}).get("margin", 0)
    told_of = [line for top in found for place in top.walk() for line in (*_wrong(place), *_wide(place, margin))]
    told_of += [line for name, text in _durations(rule) for line in too_short_or_long(name, text)]
    yield from dict.fromkeys(told_of)
    if told_of:
        return
    for (mild, one), (grave, other) in combinations(zip(names, found, strict=True), 2):
        yield from _order(mild, one.body, grave, other)
    yield from _calendar(rule)


def _durations(rule: Body) -> Iterator[tuple[str, str | None]]:
    yield "clear.for", rule.get("clear", {}).get("for")
    yield from ((name, rule.get(name)) for name in ("late", "remind"))
    yield from ((f"examples[{number}].every", one.get("every")) for number, one in enumerate(rule["examples"]))


def too_short_or_long(place: str, text: str | None) -> Iterator[str]:
    """What is wrong with a duration that is one by its form."""
    if text is None:
        return
    try:
        span_ = parse_duration(text)
    except ValueError:  # longer than any that can be reckoned with
        span_ = timedelta.max
    if not span_:
        yield told(place, text, "longer")
    elif span_ > MOST:
        yield told(place, text, "most")


def _wrong(place: Place) -> Iterator[str]:
    """What is wrong with one condition."""
    body = place.body
    for name in DURATIONS:
        yield from too_short_or_long(place.at(name), body.get(name))
    if "gap" in body and "holds" in body:
        yield told(place.at("gap"), body["gap"], "held")
    yield from _joined(place) if place.join else _tested(place)


def _joined(place: Place) -> Iterator[str]:
    body, join = place.body, str(place.join)
    both = [name for name in (*JOINS, *TESTS) if name in body]
    if len(both) > 1:
        yield told(place.where, ", ".join(both), "either")
    count = len(body[join])
    if join == "of" and not 1 <= body.get("at_least", 0) <= count:
        yield told(place.at("at_least"), body.get("at_least", "—"), "least", count=count)
    if join != "of" and "at_least" in body:
        yield told(place.at("at_least"), body["at_least"], "zone")
    before: list[Body] = []
    for number, part in enumerate(body[join]):
        where, whole = f"{place.where}.{join}[{number}]", {**inherited(body), **part}
        if "zone" in part:
            yield told(f"{where}.zone", part["zone"], "above")
        if join == "of" and whole in before:
            yield told(where, ", ".join(f"{name} {value}" for name, value in part.items()), "twice")
        before.append(whole)


def _tested(place: Place) -> Iterator[str]:
    body = place.body
    said = [name for name in TESTS if name in body]
    if len(said) != 1 and set(said) != {"below", "above"}:
        yield told(place.where, ", ".join(said) or "—", "one", tests=", ".join(TESTS))
    yield from _by(place)
    if "below" in body and "above" in body and not _is_own(body) and body["below"] > body["above"]:
        yield told(place.at("below"), body["below"], "band")
    if "inside" in body and body["inside"][0] > body["inside"][1]:
        yield told(place.at("inside"), body["inside"], "ends")
    if "worse_than" in body and body["worse_than"]["standard"] not in standards.LIMITS:
        known = ", ".join(sorted(standards.LIMITS))
        yield told(place.at("worse_than.standard"), body["worse_than"]["standard"], "standard", known=known)
    yield from _taken(place)
    if "at_least" in body and "zone" not in body:
        yield told(place.at("at_least"), body["at_least"], "zone")
    for name in ("profile", "property"):
        if name not in body:
            yield told(place.at(name), "—", "needed")


def _by(place: Place) -> Iterator[str]:
    """Limits that go by a class of what came before."""
    body, lists = place.body, [name for name in BOUNDS if isinstance(place.body.get(name), list)]
    for name in lists:
        if "by" not in body or "zone" in body:
            yield told(place.at(name), body[name], "by")
        elif len(body[name]) != len(body["by"]["classes"]):
            yield told(place.at(name), body[name], "classes", count=len(body["by"]["classes"]))
    edges = [one["from"] for one in body["by"]["classes"]] if lists and "by" in body else [0]
    if edges[0] or edges != sorted(set(edges)):
        yield told(place.at("by"), ", ".join(map(str, edges)), "rise")


def _wide(place: Place, clear: float) -> Iterator[str]:
    """A hysteresis so wide that no value of a band is far enough from both its ends."""
    body = place.body
    margin = body.get("margin", clear)
    for low, high in _bands(body):
        if low <= high < low + 2 * margin:
            where = place.at("margin") if "margin" in body else "clear.margin"
            yield told(where, margin, "wide", low=low, high=high)
            return


def _bands(body: Body) -> Iterator[tuple[float, float]]:
    """The ends between which values are whole, where both are said."""
    if isinstance(body.get("below"), (int, float)) and isinstance(body.get("above"), (int, float)):
        yield body["below"], body["above"]
    asked = body.get("worse_than", {})
    if asked.get("item") in standards.ITEMS.get(asked.get("standard"), ()):
        for level in standards.CLASSES[asked["standard"]]:
            limit = standards.limit(asked["standard"], asked["item"], level)
            if limit.low is not None and limit.high is not None:
                yield limit.low, limit.high


def _taken(place: Place) -> Iterator[str]:
    body, take = place.body, place.body.get("take")
    if take == "change" and "during" not in body:
        yield told(place.at("take"), take, "when")
    if take in OF_A_ZONE and "during" not in body:
        if "zone" not in body:
            yield told(place.at("take"), take, "which")
        elif "at_least" in body:
            yield told(place.at("at_least"), body["at_least"], "together")
    if take and "missing" in body:
        yield told(place.at("take"), take, "silent")
    if "per" in body and take != "rate":
        yield told(place.at("per"), body["per"], "per")


def _order(mild: str, milder: Body, grave: str, graver: Place) -> Iterator[str]:
    """The graver of two levels of one test has the harder limit; with the same limit it takes longer, or more sources.

    Only what can be compared is: the same kind of test, of the same that is taken.
    """
    body = graver.body
    if any(milder.get(name) != body.get(name) for name in ("take", "during", "per")):
        return
    both = [name for name in HARDER if name in milder and name in body]
    if _is_own(milder) or _is_own(body):  # each station says its own
        both = [name for name in both if name not in BOUNDS]
    pairs = [(name, _size(milder, name), _size(body, name)) for name in both]
    easier = [name for name, old, new in pairs if (new - old) * HARDER[name] < 0]
    for name in easier:
        yield told(graver.at(name), body[name], "harder", mild=mild, limit=milder[name])
    is_same = all(milder.get(name) == body.get(name) for name in TESTS)
    is_within = "inside" in milder and "inside" in body and _holds(body["inside"], milder["inside"])
    if (is_same or is_within) and not any(_size(body, name) > _size(milder, name) for name in LONGER):
        yield told(graver.where, grave, "same", mild=mild)


def _size(body: Body, name: str) -> float:
    """A limit, a number of sources or a duration as a number."""
    value = body.get(name, 1 if name == "at_least" else 0)
    return span(value) if isinstance(value, str) else float(value)


def _is_own(body: Body) -> bool:
    """Whether a limit is no one number: what each station says of itself, or by class."""
    return any(isinstance(body.get(name), str | list) for name in BOUNDS)


def _holds(outer: list[float], inner: list[float]) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _calendar(rule: Body) -> Iterator[str]:
    given = rule.get("calendar", {})
    same = [text for text in given.get("hours", []) if len(set(text.split("-"))) == 1]
    yield from (told("calendar.hours", text, "span") for text in same)
    found = calendar(given)
    if same or found is None:
        return
    longest = found.longest()
    if not longest:
        yield told("calendar", ", ".join(f"{name} {value}" for name, value in given.items()), "never")
        return
    for place in places(rule):
        if longest <= span(place.body.get("for")):
            text = f"PT{longest // MINUTE}M"
            yield told(place.at("for"), place.body["for"], "short", longest=text)
