"""A rule as an administrator clicks it together: its declaration from what was typed, and back again.

A rule is a line of tests, joined. That it can raise and be silent is shown by two examples made of the limits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import pairwise, product
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from shizhu.engines.alarms.logic.conditions import JOINS, LEVELS
from shizhu.kernel import packs
from shizhu.kernel.models import County
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.times import parse_duration
from shizhu.web.parts import number, written_title

HEAD = ("zh", "en", "advice", "level", "join", "least", "zone", "for", "clear", "starts")
TEST = ("about", "how", "low", "high", "minutes", "sources")
HOWS = {
    "below": gettext_noop("is below"), "above": gettext_noop("is above"), "outside": gettext_noop("is outside of"),
    "inside": gettext_noop("is between"), "missing": gettext_noop("is not heard of for"),
}  # fmt: skip
LOWS, HIGHS = {"below", "outside", "inside"}, {"above", "outside", "inside"}
PROCESS = re.compile(r"<(?:\w+:)?process\b[^>]*?\bname=\"([^\"]+)\"")  # how a BPMN file names its flow
ZONES = ("county", "town", "village")
MOST_TESTS, MOST_MINUTES, MOST_SOURCES = 8, 7 * 24 * 60, 50
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
        found |= _wrong_test(test, known, has_zone=bool(typed.words["zone"]))
    return found or _wrong_together(typed)


def _wrong_head(typed: Typed, county: str) -> dict[str, str]:
    words, found = typed.words, dict[str, str]()
    choices = {"level": LEVELS, "zone": ("", *ZONES), "join": JOINS, "starts": ("", *dict(flows(county)))}
    for word, some in choices.items():
        if words[word] not in some:
            found[f"r.{word}"] = _("Choose one of the list.")
    if not words["zh"]:
        found["r.zh"] = _("Give the rule a name.")
    for word in ("for", "clear"):
        if words[word] and not _is_whole(words[word], 0, MOST_MINUTES):
            found[f"r.{word}"] = _("A whole number of minutes, at most seven days; or nothing.")
    if words["join"] == "of" and len(typed.tests) > 1 and not _is_whole(words["least"], 1, len(typed.tests)):
        found["r.join"] = _("Say how many of the tests must hold.")
    if not 1 <= len(typed.tests) <= MOST_TESTS:
        found["tests"] = _("Give a rule one to eight tests.")
    return found


def _wrong_together(typed: Typed) -> dict[str, str]:
    if not typed.words["zone"] and len({test["about"].partition("/")[0] for test in typed.tests}) > 1:
        said = _("The tests are about several kinds of device: choose the area that holds them together.")
        return {"r.zone": said}
    if _values(typed, is_true=True) is None:
        return {"tests": _("These tests can never hold like this: no alarm would ever come.")}
    if _values(typed, is_true=False) is None:
        return {"tests": _("Some of these tests always hold: the alarm would never end.")}
    return {}


def _wrong_test(test: Words, known: set[str], *, has_zone: bool) -> dict[str, str]:
    found, at, how = dict[str, str](), f"t.{test['id']}", test["how"]
    if test["about"] not in known:
        found[f"{at}.about"] = _("Choose what is measured.")
    if how not in HOWS:
        found[f"{at}.how"] = _("Choose one of the list.")
    if how == "missing" and not _is_whole(test["minutes"], 1, MOST_MINUTES):
        found[f"{at}.how"] = _("A whole number of minutes, at most seven days.")
    ends = [number(test[word]) for word, needed in (("low", how in LOWS), ("high", how in HIGHS)) if needed]
    if any(end is None for end in ends):
        found[f"{at}.how"] = _("Write the limit as a number.")
    elif len(ends) > 1 and float(ends[0] or 0) >= float(ends[1] or 0):
        found[f"{at}.how"] = _("The first limit must be below the second.")
    if has_zone and not _is_whole(test["sources"] or "1", 1, MOST_SOURCES):
        found[f"{at}.sources"] = _("A whole number from 1 to 50.")
    return found


def _is_whole(text: str, least: int, most: int) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 7 and least <= int(text) <= most


def body_of(typed: Typed) -> Body:
    """The declaration of a rule in which nothing is wrong."""
    words, tests = typed.words, [_test(test, has_zone=bool(typed.words["zone"])) for test in typed.tests]
    when: Body = {"zone": words["zone"]} if words["zone"] else {}
    when |= tests[0] if len(tests) == 1 else {words["join"]: tests}
    if len(tests) > 1 and words["join"] == "of":
        when["at_least"] = int(words["least"])
    if _minutes(words["for"]):
        when["for"] = _span(words["for"])
    body: Body = {"title": {"zh": words["zh"], "en": words["en"] or words["zh"]}, "level": words["level"], "when": when}
    if _minutes(words["clear"]):
        body["clear"] = {"for": _span(words["clear"])}
    if words["advice"]:
        body["advice"] = {"zh": words["advice"], "en": words["advice"]}
    if words["starts"]:
        body["starts"] = words["starts"]
    return {**body, "examples": _examples(typed)}


def _test(test: Words, *, has_zone: bool) -> Body:
    profile, _slash, name = test["about"].partition("/")
    made: Body = {"profile": profile, "property": name}
    low, high, how = number(test["low"]), number(test["high"]), test["how"]
    if how == "missing":
        made["missing"] = _span(test["minutes"])
    elif how == "inside":
        made["inside"] = [low, high]
    else:
        made |= {"below": low} if how in LOWS else {}
        made |= {"above": high} if how in HIGHS else {}
    return made | ({"at_least": int(test["sources"] or 1)} if has_zone else {})


def _minutes(text: str) -> int:
    return int(text or 0)


def _span(text: str) -> str:
    return f"PT{int(text)}M"


def _examples(typed: Typed) -> list[Body]:
    """One that raises and one that is silent, each of values that stay."""
    silences = [_minutes(test["minutes"]) for test in typed.tests if test["how"] == "missing"]
    spans = [one for one in (*silences, _minutes(typed.words["for"])) if one]
    every = max(1, min([30, *(one // 4 for one in spans)]))
    lasts = sum(spans) + 60
    several = {
        name: max(int(test["sources"] or 1) for test in typed.tests if _name(test) == name)
        for name in map(_name, typed.tests)
    }
    made = []
    for is_true, name, expect in ((True, "raises", typed.words["level"]), (False, "silent", "none")):
        values = _values(typed, is_true=is_true) or {}
        pieces = {key: [f"{_plain(value)} x {lasts}min"] for key, value in values.items()}
        series: Any = {key: [one] * several[key] if typed.words["zone"] else one for key, one in pieces.items()}
        made.append({"name": name, "series": series, "every": f"PT{every}M", "expect": expect})
    return made


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:.9f}".rstrip("0").rstrip(".")


def _name(test: Words) -> str:
    return test["about"].partition("/")[2]


def _values(typed: Typed, *, is_true: bool) -> dict[str, float | None] | None:
    """A value for every property (None: it is silent) by which the whole rule holds, or does not; None if there is
    none."""
    names = list(dict.fromkeys(map(_name, typed.tests)))
    joins = {"all": len(typed.tests), "any": 1, "of": int(typed.words["least"] or 1)}
    least = joins[typed.words["join"]] if len(typed.tests) > 1 else 1
    choices = []
    for name in names:
        mine = [test for test in typed.tests if _name(test) == name]
        by_truth = {tuple(_holds(test, value) for test in mine): value for value in reversed(_candidates(mine))}
        choices.append(list(by_truth.items()))
    for chosen in product(*choices):
        if (sum(sum(truths) for truths, _value in chosen) >= least) is is_true:
            return {name: value for name, (_truths, value) in zip(names, chosen, strict=True)}
    return None


def _candidates(tests: Sequence[Words]) -> list[float | None]:
    """Values on, between and beyond the limits of tests of one property; none at all where one asks for silence."""
    words = [test["low"] for test in tests if test["how"] in LOWS]
    words += [test["high"] for test in tests if test["how"] in HIGHS]
    limits = sorted({float(number(text) or 0) for text in words}) or [0.0]
    between = [(low + high) / 2 for low, high in pairwise(limits)]
    found: list[float | None] = [*between, limits[0] - 1, limits[-1] + 1, *limits]
    return [*found, None] if any(test["how"] == "missing" for test in tests) else found


def _holds(test: Words, value: float | None) -> bool:
    if value is None or test["how"] == "missing":
        return value is None and test["how"] == "missing"
    low, high = float(number(test["low"]) or 0), float(number(test["high"]) or 0)
    return {
        "below": value < low, "above": value > high, "outside": value < low or value > high,
        "inside": low <= value <= high,
    }[test["how"]]  # fmt: skip


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
    }  # fmt: skip
    try:
        typed = Typed(words, tuple(_typed_test(test, f"t{n}") for n, test in enumerate(tests, 1)))
        is_whole = body_of(typed) == body
    except (KeyError, TypeError, ValueError):
        return None
    return typed if is_whole else None


def _typed_test(test: Body, id_: str) -> Words:
    how = next((name for name in ("missing", "inside") if name in test), "")
    low, high = test["inside"] if how == "inside" else (test.get("below"), test.get("above"))
    if not how:
        how = "outside" if None not in {low, high} else "below" if high is None else "above"
    return {
        "id": id_, "about": f"{test['profile']}/{test['property']}", "how": how,
        "low": "" if low is None else f"{low}", "high": "" if high is None else f"{high}",
        "minutes": _typed_minutes(test.get("missing")), "sources": str(test.get("at_least", "")),
    }  # fmt: skip


def _typed_minutes(duration: str | None) -> str:
    return f"{parse_duration(duration).total_seconds() / 60:g}" if duration else ""
