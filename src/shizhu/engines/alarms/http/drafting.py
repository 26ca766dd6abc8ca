"""A rule as an administrator clicks it together: its declaration from what was typed, and back again.

A rule is a line of tests, joined. That it can raise and be silent is shown by two examples made of the limits: values
that stay, waver, rise, fall or do not come.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import pairwise, product
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms.logic import examples, moments
from shizhu.engines.alarms.logic.conditions import JOINS, LEVELS
from shizhu.engines.things import api as things
from shizhu.kernel import packs
from shizhu.kernel.models import County
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import standards
from shizhu.lib.times import parse_duration
from shizhu.web.parts import number, written_title

GRAVER = {level: f"at_{level}" for level in LEVELS[1:]}  # the limit of each further level
COUNTED = {level: f"of_{level}" for level in LEVELS[1:]}  # and at how many stations of an area
HEAD = (
    "zh", "en", "advice", "level", "join", "least", "zone", "for", "clear", "margin", "starts", "days", "begins",
    "ends", "opens", "closes", *GRAVER.values(), *COUNTED.values(),
)  # fmt: skip
TEST = ("about", "how", "low", "high", "minutes", "sources", "target")
HOWS = {
    "below": gettext_noop("is below"), "above": gettext_noop("is above"), "outside": gettext_noop("is outside of"),
    "inside": gettext_noop("is between"), "missing": gettext_noop("is not heard of for"),
    "stuck": gettext_noop("stays the same for"), "rises": gettext_noop("rises by more than"),
    "falls": gettext_noop("falls by more than"), "rises_fast": gettext_noop("rises faster, per hour, than"),
    "falls_fast": gettext_noop("falls faster, per hour, than"),
    "worse": gettext_noop("is worse than the target class"), "sum": gettext_noop("adds up to more than"),
    "mean": gettext_noop("is on average above"), "mean_low": gettext_noop("is on average below"),
}  # fmt: skip
LOWS, HIGHS = {"below", "outside", "inside", "mean_low"}, {"above", "outside", "inside", "sum", "mean"}
TAKEN = {"sum": "sum", "mean": "mean", "mean_low": "mean"}  # of the values of a time, else of all stations together
CHANGES, RATES = {"rises": 1, "falls": -1}, {"rises_fast": 1, "falls_fast": -1}
SLOPES = CHANGES | RATES  # which way they go; the upper limit says by how much
TIMED = {"missing": 1, "stuck": 1, "rises": 2, "falls": 2}  # with the fewest minutes
GRADED = {  # which one limit of a test further levels may have their own of
    "below": "low", "mean_low": "low", **dict.fromkeys(("above", "sum", "mean", *SLOPES), "high"),
    "missing": "minutes", "stuck": "minutes",
}  # fmt: skip
STEEPER = 1.5  # than is asked for
DAYS = {
    "workday": gettext_noop("on workdays"), "restday": gettext_noop("on days of rest"),
    "holiday": gettext_noop("on public holidays"),
}  # fmt: skip
PROCESS = re.compile(r"<(?:\w+:)?process\b[^>]*?\bname=\"([^\"]+)\"")  # how a BPMN file names its flow
TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
UNTYPED = ("source", "late", "remind")
ZONES = ("county", "town", "village")
MOST_TESTS, MOST_MINUTES, MOST_SOURCES = 8, 7 * 24 * 60, 50
MOST_EDGES = 2000  # of windows looked at, until one opens
Words = Mapping[str, str]


@dataclass(frozen=True)
class Typed:
    """A rule as it is typed; every value is text, `problems` are by control."""

    words: Words
    tests: tuple[Words, ...]  # each with an id
    problems: Mapping[str, str] = field(default_factory=dict)


def first() -> Typed:
    """What an empty page shows."""
    return Typed({**dict.fromkeys(HEAD, ""), "level": "yellow", "join": "any", "for": "10"}, (blank("t1"),))


def blank(id_: str) -> dict[str, str]:
    """A new test."""
    return {**dict.fromkeys(TEST, ""), "id": id_, "how": "above"}


def read(posted: Mapping[str, str], ids: Sequence[str]) -> Typed:
    """What came from the page."""
    words = {word: posted.get(f"r.{word}", "").strip() for word in HEAD}
    tests = ({**{word: posted.get(f"t.{id_}.{word}", "").strip() for word in TEST}, "id": id_} for id_ in ids)
    return Typed(words, tuple(tests))


def offered(county: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """What a test may be about, by kind of device: (profile/property, its title with the unit)."""
    profiles = sorted(packs.declarations("things", county).items())
    return [
        (
            label(body["title"]),
            [
                (f"{key}/{name}", _titled(label(one["title"]), one.get("symbol", one["unit"])))
                for name, one in body["properties"].items()
            ],
        )
        for key, body in profiles
    ]


def targets(county: str, about: str) -> list[str]:
    """The properties by which stations say the class that what is measured must keep; none where no class is known."""
    profile, _slash, name = about.partition("/")
    classes = standards.CLASSES.get(standards.of_item(name), ())
    mine = (one.thing_properties for one in things.streams_of(profile, name) if one.county == county)
    return sorted({key for given in mine for key, value in given.items() if value in classes})


def _titled(title: str, unit: str) -> str:
    return f"{title} ({unit})" if unit else title


def flows(county: str) -> list[tuple[str, str]]:
    """(key, name) of the flows that an alarm may start: those that some alarm of the county starts already."""
    settings = County.objects.values_list("settings", flat=True).get(pk=county)
    started = {body.get("starts", "") for body in packs.declarations("rules", county).values()}
    known = packs.declarations("flows", county)
    wanted = sorted((started | set(settings.get("starts", {}).values())) & known.keys())
    return [(key, unescape(named[1]) if (named := PROCESS.search(known[key]["text"])) else key) for key in wanted]


def wrong(typed: Typed, county: str) -> dict[str, str]:
    """What is wrong, by control."""
    known = {about for _title, some in offered(county) for about, _said in some}
    found = _wrong_head(typed, county)
    for test in typed.tests:
        found |= _wrong_test(test, known, county, has_zone=bool(typed.words["zone"]))
    return found or _wrong_together(typed, county)


def _wrong_head(typed: Typed, county: str) -> dict[str, str]:
    words, found = typed.words, dict[str, str]()
    months = ("", *map(str, range(1, 13)))
    choices = {
        "level": LEVELS,
        "opens": months,
        "closes": months,
        "zone": ("", *ZONES),
        "join": JOINS,
        "starts": ("", *dict(flows(county))),
        "days": ("", *DAYS),
    }
    for word, some in choices.items():
        if words[word] not in some:
            found[f"r.{word}"] = _("Choose one of the list.")
    if not words["zh"]:
        found["r.zh"] = _("Give the rule a name.")
    for word in ("for", "clear"):
        if words[word] and not _is_whole(words[word], 0, MOST_MINUTES):
            found[f"r.{word}"] = _("A whole number of minutes, at most seven days; or nothing.")
    times = words["begins"], words["ends"]
    if any(times) and not (all(map(TIME.fullmatch, times)) and times[0] != times[1]):
        found["r.begins"] = _("Say from when until when, such as 22:00 to 06:00; or nothing.")
    if bool(words["opens"]) != bool(words["closes"]):
        found["r.opens"] = _("Choose the first and the last month; or neither.")
    if words["margin"] and (number(words["margin"]) or 0) <= 0:
        found["r.margin"] = _("A number above nought; or nothing.")
    if words["join"] == "of" and len(typed.tests) > 1 and not _is_whole(words["least"], 1, len(typed.tests)):
        found["r.join"] = _("Say how many of the tests must hold.")
    if not 1 <= len(typed.tests) <= MOST_TESTS:
        found["tests"] = _("Give a rule one to eight tests.")
    return found


def is_counted(typed: Typed) -> bool:
    """Whether further levels may ask for more stations at once."""
    return len(typed.tests) == 1 and bool(typed.words["zone"]) and not is_together(typed.tests[0])


def graver(typed: Typed) -> list[str]:
    """The levels above that of a rule which it may have: of one test, with its limit or its number of stations."""
    is_graded = len(typed.tests) == 1 and (typed.tests[0]["how"] in GRADED or is_counted(typed))
    return (
        list(LEVELS[LEVELS.index(typed.words["level"]) + 1 :]) if is_graded and typed.words["level"] in LEVELS else []
    )


def _steps(typed: Typed) -> list[tuple[str, Words]]:
    """The levels that are said, mild to severe, each with its test; the rule's own first."""
    test = typed.tests[0]
    found = [(typed.words["level"], test)]
    for level in graver(typed):
        limit = {GRADED[test["how"]]: typed.words[GRAVER[level]]} if test["how"] in GRADED else {}
        count = {"sources": typed.words[COUNTED[level]]} if is_counted(typed) else {}
        if changed := {word: said for word, said in (limit | count).items() if said}:
            found.append((level, {**test, **changed}))
    return found


def _size(test: Words) -> float:
    """The limit of a test that may have levels, the harder the more; nought where it has not one."""
    word = GRADED.get(test["how"])
    return float(number(test[word]) or 0) * (-1 if word == "low" else 1) if word else 0.0


def _wrong_levels(typed: Typed, county: str) -> dict[str, str]:
    found, steps, at = dict[str, str](), _steps(typed), f"t.{typed.tests[0]['id']}"
    for level, test in steps[1:]:
        told = _wrong_test(test, {test["about"]}, county, has_zone=bool(typed.words["zone"]))
        places = {f"{at}.how": f"r.{GRAVER[level]}", f"{at}.sources": f"r.{COUNTED[level]}"}
        found |= {places[name]: said for name, said in told.items()}
    if found:
        return found
    for (_level, mild), (level, test) in pairwise(steps):
        more = _size(test) - _size(mild), _sources(test) - _sources(mild)
        if min(more) < 0 or max(more) == 0:
            word = GRAVER[level] if test["how"] in GRADED else COUNTED[level]
            return {f"r.{word}": _("The graver the level, the harder the limit.")}
    return {}


def _wrong_together(typed: Typed, county: str) -> dict[str, str]:
    if found := _wrong_levels(typed, county):
        return found
    if not typed.words["zone"] and len({test["about"].partition("/")[0] for test in typed.tests}) > 1:
        said = _("The tests are about several kinds of device: choose the area that holds them together.")
        return {"r.zone": said}
    if _shapes(typed, is_true=True) is None:
        return {"tests": _("These tests can never hold like this: no alarm would ever come.")}
    if _shapes(typed, is_true=False) is None:
        return {"tests": _("Some of these tests always hold: the alarm would never end.")}
    if any(examples.problems(body_of(typed))):
        return {"tests": _("With these times and this window no alarm would ever come.")}
    return {}


def _wrong_test(test: Words, known: set[str], county: str, *, has_zone: bool) -> dict[str, str]:
    found, at, how = dict[str, str](), f"t.{test['id']}", test["how"]
    if test["about"] not in known:
        found[f"{at}.about"] = _("Choose what is measured.")
    if how not in HOWS:
        found[f"{at}.how"] = _("Choose one of the list.")
    if how in SLOPES and (number(test["high"]) or 0) <= 0:
        found[f"{at}.how"] = _("Write by how much, more than nought.")
    if how in TIMED and not _is_whole(test["minutes"], TIMED[how], MOST_MINUTES):
        found[f"{at}.how"] = _("A whole number of minutes, at most seven days.")
    if how == "worse" and test.get("target") not in (offers := targets(county, test["about"])):
        none = _("No national rule has classes of it, or no station says the one that it must keep.")
        found[f"{at}.how"] = _("Choose which property of the stations says their class.") if offers else none
    ends = [number(test[word]) for word, needed in (("low", how in LOWS), ("high", how in HIGHS)) if needed]
    if any(end is None for end in ends):
        found[f"{at}.how"] = _("Write the limit as a number.")
    elif len(ends) > 1 and float(ends[0] or 0) >= float(ends[1] or 0):
        found[f"{at}.how"] = _("The first limit must be below the second.")
    if how in TAKEN:
        found |= _wrong_taken(test, at, has_zone=has_zone)
    if has_zone and not _is_whole(test["sources"] or "1", 1, MOST_SOURCES):
        found[f"{at}.sources"] = _("A whole number from 1 to 50.")
    return found


def _wrong_taken(test: Words, at: str, *, has_zone: bool) -> dict[str, str]:
    if test["how"] == "sum" and (number(test["high"]) or 0) <= 0:
        return {f"{at}.how": _("Write by how much, more than nought.")}
    if (test["minutes"] or not has_zone) and not _is_whole(test["minutes"], 1, MOST_MINUTES):
        return {f"{at}.how": _("A whole number of minutes, at most seven days.")}
    return {}


def _is_whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7 and least <= int(text) <= most


def body_of(typed: Typed, before: Body | None = None) -> Body:
    """The declaration of a rule in which nothing is wrong; what it said `before` and cannot be typed stays."""
    words, tests = typed.words, [_test(test, has_zone=bool(typed.words["zone"])) for test in typed.tests]
    when: Body = {"zone": words["zone"]} if words["zone"] else {}
    when |= tests[0] if len(tests) == 1 else {words["join"]: tests}
    if len(tests) > 1 and words["join"] == "of":
        when["at_least"] = int(words["least"])
    if _minutes(words["for"]):
        when["for"] = _span(words["for"])
    body: Body = {"title": {"zh": words["zh"], "en": words["en"] or words["zh"]}, "level": words["level"], "when": when}
    clear: Body = {"for": _span(words["clear"])} if _minutes(words["clear"]) else {}
    if clear := clear | ({"margin": number(words["margin"])} if words["margin"] else {}):
        body["clear"] = clear
    if words["advice"]:
        body["advice"] = {"zh": words["advice"], "en": words["advice"]}
    if words["starts"]:
        body["starts"] = words["starts"]
    if window := _calendar(words):
        body["calendar"] = window
    steps = [(level, _test(test, has_zone=bool(words["zone"]))) for level, test in _steps(typed)]
    if len(steps) > 1:
        own = steps[0][1]
        body["levels"] = [
            {"level": level, **{name: said for name, said in test.items() if own[name] != said}}
            for level, test in steps[1:]
        ]
    old = before or {}
    body |= {name: old[name] for name in UNTYPED if name in old}
    if body.get("advice", {}).get("zh") == old.get("advice", {}).get("zh") and "advice" in old:
        body["advice"] = old["advice"]
    if "examples" in old and not any(examples.problems({**body, "examples": old["examples"]})):
        return {**body, "examples": old["examples"]}
    return {**body, "examples": _examples(typed, body)}


def _calendar(words: Words) -> Body:
    days: Body = {"days": [words["days"]]} if words["days"] else {}
    if words["opens"]:
        first, last = int(words["opens"]), int(words["closes"])
        days = {"months": [(first - 1 + n) % 12 + 1 for n in range((last - first) % 12 + 1)]} | days
    return days | ({"hours": [f"{words['begins']}-{words['ends']}"]} if words["begins"] else {})


def _test(test: Words, *, has_zone: bool) -> Body:
    profile, _slash, name = test["about"].partition("/")
    made: Body = {"profile": profile, "property": name}
    low, high, how = number(test["low"]), number(test["high"]), test["how"]
    if how in {"missing", "stuck"}:
        made[how] = _span(test["minutes"])
    elif how == "worse":
        made["worse_than"] = {"standard": standards.of_item(name), "item": name, "target": test["target"]}
    elif how in TAKEN:
        made |= {"take": TAKEN[how]} | ({"during": _span(test["minutes"])} if test["minutes"] else {})
        made |= {"below": low} if how in LOWS else {"above": high}
    elif how in SLOPES:
        made |= {"take": "change", "during": _span(test["minutes"])} if how in CHANGES else {"take": "rate"}
        made |= {"above": high} if SLOPES[how] > 0 else {"below": -(high or 0)}
    elif how == "inside":
        made["inside"] = [low, high]
    else:
        made |= {"below": low} if how in LOWS else {}
        made |= {"above": high} if how in HIGHS else {}
    return made | ({"at_least": _sources(test)} if has_zone and not is_together(test) else {})


def is_together(test: Words) -> bool:
    """Whether a test is of what all stations say together."""
    return test["how"] in TAKEN and not test["minutes"]


def _sources(test: Words) -> int:
    return 1 if is_together(test) else int(test["sources"] or 1)


def _minutes(text: str) -> int:
    return int(text or 0)


def _span(text: str) -> str:
    return f"PT{int(text)}M"


@dataclass(frozen=True)
class Shape:
    """How the values of a property go: still, wavering, up, down, or none; on one side of all limits."""

    kind: str
    value: float = 0.0
    is_high: bool = False  # beyond the highest limit


def _examples(typed: Typed, body: Body) -> list[Body]:
    """One that raises and one that is silent."""
    lasting = _minutes(typed.words["for"])
    spans = [_minutes(test["minutes"]) for test in typed.tests if test["how"] in {*TIMED, *TAKEN}]
    window = moments.calendar(body.get("calendar"))
    open_for = [window.longest() // moments.MINUTE] if window else []
    steps = _steps(typed)
    ends = [_minutes(test["minutes"]) for _level, test in steps]
    apart = [max(1, (after - end) // 2) for end, after in pairwise(ends) if after > end]
    every = max(1, min([30, *apart, *(one // 4 for one in (*spans, lasting, *open_for) if one)]))
    lasts = sum(spans) + lasting + 60
    more: Body = {"at": _opening(window, sum(spans))} if window else {}
    targets_ = {test["target"]: _some_class(test) for test in typed.tests if test["how"] == "worse"}
    more |= {"properties": targets_} if targets_ else {}
    way = _shapes(typed, is_true=True) or {}
    cases = [Case("raises", typed.words["level"], typed.tests, way, lasts)]
    if len(steps) > 1:
        cases = [_reaching(steps[n:], way, every, lasts, lasting) for n in range(len(steps))]
    cases.append(Case("silent", "none", typed.tests, _shapes(typed, is_true=False) or {}, lasts))
    made = []
    for case in cases:
        series: Any = {}
        for key, shape in case.shapes.items():
            mine = [test for test in case.tests if _name(test) == key]
            one = _pieces(shape, mine, every, case.lasts)
            series[key] = [one] * max(map(_sources, mine)) if typed.words["zone"] else one
        made.append({"name": case.name, "series": series, "every": f"PT{every}M", "expect": case.expect, **more})
    for example in made[:-1]:
        found = examples.tried({**body, "examples": made}, example)[1] if example["series"] else []
        if len(found) > 1:
            example["times"] = len(found)
    return made


@dataclass(frozen=True)
class Case:
    """What an example shows: the tests by whose limits values go, how they go, and for how many minutes."""

    name: str
    expect: str
    tests: Sequence[Words]
    shapes: dict[str, Shape]
    lasts: float


def _reaching(steps: Sequence[tuple[str, Words]], way: dict[str, Shape], every: int, lasts: int, lasting: int) -> Case:
    """Of a rule with further levels, what reaches the first of these and none of those after it."""
    (level, test), *harder = steps
    limit, how = _size(test), test["how"]
    is_time = how in TIMED and how not in SLOPES
    beyond = limit + (60 if is_time else 1)
    after = next((size for _level, other in harder if (size := _size(other)) > limit), beyond)
    between = (limit + after) / 2
    if is_time:
        return Case(level, level, [test], way, between + lasting)
    if how in SLOPES:
        return Case(level, level, [{**test, "high": _plain(between / STEEPER)}], way, lasts)
    if how in GRADED:
        count = -(-_minutes(test["minutes"]) // every) if how == "sum" and test["minutes"] else 1
        way = {_name(test): Shape("still", (between if GRADED[how] == "high" else -between) / count)}
    return Case(level, level, [test], way, lasts)


def _opening(window: moments.Calendar, before: int) -> str:
    """So many minutes before the window opens, in the county's time."""
    at = moments.moment(examples.START)
    for is_open in (False, True):
        for _edge in range(MOST_EDGES):
            if window.holds(at) is is_open:
                break
            at = window.next(at)
    return f"{moments.time_of(at - before * moments.MINUTE).astimezone(moments.ZONE):%Y-%m-%dT%H:%M}"


def _pieces(shape: Shape, tests: Sequence[Words], every: int, lasts: float) -> list[str]:
    """A series; what goes up or down goes by more than is asked for, on one side of all limits."""
    if shape.kind in {"still", "none"}:
        return [f"{'-' if shape.kind == 'none' else _plain(shape.value)} x {lasts:g}min"]
    count = math.ceil(lasts / every)
    if shape.kind == "waver":
        aside = max(1e-6, abs(shape.value) * 1e-9)
        return [f"{_plain(shape.value + aside * (n % 2))} x {every}min" for n in range(count)]
    way = 1 if shape.kind == "up" else -1
    amounts = [(float(number(test["high"]) or 0), test) for test in tests if SLOPES.get(test["how"]) == way]
    spans = ((_minutes(test["minutes"]) - 1) // every * every if test["how"] in CHANGES else 60 for _, test in amounts)
    steep = max(amount / span for (amount, _test), span in zip(amounts, spans, strict=True))
    step = way * steep * every * STEEPER
    first = shape.value if shape.is_high is (way > 0) else shape.value - step * (count - 1)
    return [f"{_plain(first + step * n)} x {every}min" for n in range(count)]


def _plain(value: float) -> str:
    return f"{value:.9f}".rstrip("0").rstrip(".")


def _name(test: Words) -> str:
    return test["about"].partition("/")[2]


def _some_class(test: Words) -> str:
    """One in the middle."""
    classes = standards.CLASSES[standards.of_item(_name(test))]
    return classes[len(classes) // 2]


def _shapes(typed: Typed, *, is_true: bool) -> dict[str, Shape] | None:
    """How each property goes when the whole rule holds, or does not; None if there is no such way."""
    names = list(dict.fromkeys(map(_name, typed.tests)))
    joins = {"all": len(typed.tests), "any": 1, "of": int(typed.words["least"] or 1)}
    least = joins[typed.words["join"]] if len(typed.tests) > 1 else 1
    choices = []
    for name in names:
        mine = [test for test in typed.tests if _name(test) == name]
        by_truth = {tuple(_holds(test, shape) for test in mine): shape for shape in reversed(_candidates(mine))}
        choices.append(list(by_truth.items()))
    for chosen in product(*choices):
        if (sum(sum(truths) for truths, _shape in chosen) >= least) is is_true:
            return {name: shape for name, (_truths, shape) in zip(names, chosen, strict=True)}
    return None


def _candidates(tests: Sequence[Words]) -> list[Shape]:
    """Values on, between and beyond the limits of tests of one property, and the ways they go where a test asks."""
    hows = {test["how"] for test in tests}
    ends = {end for test in tests for end in _ends(test) if end is not None}
    are_taken = not hows.isdisjoint(TAKEN)
    limits = sorted({0.0, *ends} if are_taken or not ends else ends)
    between = [(low + high) / 2 for low, high in pairwise(limits)]
    found = [Shape("still", value) for value in (*between, limits[0] - 1, limits[-1] + 1, *limits)]
    nothing = [Shape("none")] if "missing" in hows else []
    if are_taken:
        return [*(one for one in found if _is_sure(tests, one)), *nothing]
    if "stuck" in hows:
        found = [*(Shape("waver", value) for value in (*between, limits[0] - 1, limits[-1] + 1)), *found]
    for kind, way in (("up", 1), ("down", -1)):
        if any(SLOPES.get(how) == way for how in hows):
            found += [Shape(kind, limits[0] - 1), Shape(kind, limits[-1] + 1, is_high=True)]
    return [*found, *nothing]


def _is_sure(tests: Sequence[Words], shape: Shape) -> bool:
    """Whether a value alone says of each sum what it comes to, however many there are."""
    return not any(test["how"] == "sum" and 0 < shape.value <= float(number(test["high"]) or 0) for test in tests)


def _ends(test: Words) -> tuple[float | None, float | None]:
    """The lower and the upper limit of a test, those of some class for one of classes."""
    if test["how"] == "worse":
        limit = standards.limit(standards.of_item(_name(test)), _name(test), _some_class(test))
        return limit.low, limit.high
    low, high = (
        float(number(test[word]) or 0) if test["how"] in hows else None
        for word, hows in (("low", LOWS), ("high", HIGHS))
    )
    return low, high


def _holds(test: Words, shape: Shape) -> bool:
    how, (low, high) = test["how"], _ends(test)
    if shape.kind == "none" or how == "missing":
        return shape.kind == "none" and how == "missing"
    if how == "stuck":
        return shape.kind == "still"
    if how in SLOPES:
        return shape.kind == ("up" if SLOPES[how] > 0 else "down")
    is_within = (low is None or low <= shape.value) and (high is None or shape.value <= high)
    return is_within is (how == "inside")


def written(body: Body) -> Typed | None:
    """A rule as it would be typed; None for one that says more than the page can."""
    when = dict(body["when"])
    join = next((name for name in JOINS if name in when), "any")
    tests = when.get(join) or [when]
    zh, en = written_title(body["title"])
    words = {
        **dict.fromkeys(HEAD, ""), "zh": zh, "en": en, "advice": written_title(body.get("advice"))[0],
        "level": body["level"], "join": join, "least": str(when.get("at_least", "")) if join == "of" else "",
        "zone": when.get("zone", ""), "for": _typed_minutes(when.get("for")),
        "clear": _typed_minutes(body.get("clear", {}).get("for")), "starts": body.get("starts", ""),
        "margin": _typed_number(body.get("clear", {}).get("margin")), **_typed_calendar(body.get("calendar", {})),
    }  # fmt: skip
    try:
        typed = Typed(words, tuple(_typed_test(test, f"t{n}") for n, test in enumerate(tests, 1)))
        for step in body.get("levels", []):
            own, test = typed.tests[0], _typed_test({**when, **step}, "")
            word = GRADED.get(own["how"], "low")
            words[GRAVER[step["level"]]] = test[word] if test[word] != own[word] else ""
            words[COUNTED[step["level"]]] = test["sources"] if test["sources"] != own["sources"] else ""
        is_whole = body_of(typed, body) == body
    except (KeyError, TypeError, ValueError):
        return None
    return typed if is_whole else None


def _typed_calendar(window: Body) -> dict[str, str]:
    begins, _dash, ends = next(iter(window.get("hours", [""]))).partition("-")
    months = list(map(str, window.get("months", [""])))
    days = {"days": next(iter(window.get("days", [""]))), "opens": months[0], "closes": months[-1]}
    return days | {"begins": begins, "ends": ends}


def _typed_test(test: Body, id_: str) -> Words:
    low, high, how = test.get("below"), test.get("above"), ""
    if "inside" in test:
        how, (low, high) = "inside", test["inside"]
    elif test.get("take") in TAKEN.values():
        how = next(name for name, take in TAKEN.items() if take == test["take"] and (name in LOWS) is (high is None))
    elif "take" in test:
        ways = CHANGES if test["take"] == "change" else RATES
        how = next(name for name, way in ways.items() if (way > 0) is (high is not None))
        low, high = None, high if low is None else -low
    else:
        how = next((name for name in ("missing", "stuck") if name in test), "worse" if "worse_than" in test else "")
    if not how:
        how = "outside" if None not in {low, high} else "below" if high is None else "above"
    return {
        "id": id_, "about": f"{test['profile']}/{test['property']}", "how": how,
        "low": _typed_number(low), "high": _typed_number(high),
        "minutes": _typed_minutes(test.get("missing") or test.get("stuck") or test.get("during")),
        "sources": str(test.get("at_least", "")), "target": test.get("worse_than", {}).get("target", ""),
    }  # fmt: skip


def _typed_number(value: float | None) -> str:
    return "" if value is None else f"{value}"


def _typed_minutes(duration: str | None) -> str:
    return f"{parse_duration(duration).total_seconds() / 60:g}" if duration else ""
