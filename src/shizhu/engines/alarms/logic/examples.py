"""The examples a rule carries: made-up series and what the rule must say of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from shizhu.engines.alarms.logic.conditions import LEVELS, Condition, Input, NotJudged, condition_of, wanted
from shizhu.engines.alarms.logic.judge import Reading, State, advance, judge
from shizhu.engines.alarms.logic.late import Occurrence, occurrences
from shizhu.engines.alarms.logic.moments import ZONE, moment
from shizhu.lib.times import parse_duration

START = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = "-"
MOST = 100_000  # readings of a series
_PIECE = re.compile(r"(-|-?\d+(?:\.\d+)?) x (\d+(?:\.\d+)?)(s|min|h|d)")
_UNIT = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}
_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400}


def series(pieces: list[str], every: timedelta, start: datetime = START) -> list[tuple[datetime, float]]:
    """`["6.5 x 4h", "- x 1h", "4 x 5h"]`: readings every `every`, `-` is none. ValueError for another form."""
    made, at = [], start
    for piece in pieces:
        found = _PIECE.fullmatch(piece)
        if not found:
            raise ValueError(f"{piece!r} is not `value x duration`, such as 4.5 x 3h, or - x 1h for no reading")
        if float(found[2]) * _SECONDS[found[3]] > MOST * every.total_seconds():
            raise ValueError(f"{piece!r} has more than {MOST} readings")
        end = at + timedelta(**{_UNIT[found[3]]: float(found[2])})
        while at < end:
            if found[1] != NOTHING:
                made.append((at, float(found[1])))
            at += every
    return made


def started(example: dict[str, Any]) -> datetime:
    """When its series begin: `at` in the county's time, else some midnight of UTC. ValueError for none."""
    if "at" not in example:
        return START
    try:
        return datetime.fromisoformat(example["at"]).replace(tzinfo=ZONE)
    except ValueError:
        raise ValueError(f"at: {example['at']}: there is no such day") from None


def sources(rule: dict[str, Any], example: dict[str, Any]) -> list[tuple[Input, list[tuple[datetime, float]]]]:
    """The sources of an example with their series: one, or by property and, of a zone, several of a property."""
    given, every = example["series"], parse_duration(example.get("every", "PT1H"))
    pairs, start = wanted(rule), started(example)
    named = given if isinstance(given, dict) else {pairs[0][1]: given}
    made = []
    for profile, name in pairs:
        if name not in named:
            raise ValueError(f"series: {name}: the rule reads it, and the example has no series of that name")
        several = named[name] if named[name] and isinstance(named[name][0], list) else [named[name]]
        source = Input(profile, name, example.get("properties", {}))
        made += [(source, series(one, every, start)) for one in several]
    return made


def ends(example: dict[str, Any]) -> datetime:
    """When its longest series is over."""
    given, every = example["series"], parse_duration(example.get("every", "PT1H"))
    several = [given] if isinstance(given, list) else list(given.values())
    flat = [one for group in several for one in (group if group and isinstance(group[0], list) else [group])]
    spans = [sum((_lasts(piece) for piece in one), timedelta()) for one in flat]
    return started(example) + max(spans) - min(every, timedelta(seconds=1))


def _lasts(piece: str) -> timedelta:
    found = _PIECE.fullmatch(piece)
    return timedelta(**{_UNIT[found[3]]: float(found[2])}) if found else timedelta()


def readings(made: list[tuple[Input, list[tuple[datetime, float]]]]) -> list[Reading]:
    """All series as readings in the order of event time."""
    return sorted((moment(at), n, value, 0) for n, (_source, one) in enumerate(made) for at, value in one)


def tried(rule: dict[str, Any], example: dict[str, Any]) -> tuple[Condition, list[Occurrence]]:
    """What a rule says of an example."""
    made = sources(rule, example)
    condition = condition_of(rule, [source for source, _series in made])
    state = State(condition, moment(started(example)))
    changes = judge(condition, state, readings(made))
    advance(condition, state, moment(ends(example)), changes)
    return condition, occurrences(changes)


def problems(rule: dict[str, Any]) -> Iterator[str]:
    """One line per example that does not come out as it says."""
    return (line for line in (problem(rule, example) for example in rule["examples"]) if line)


def problem(rule: dict[str, Any], example: dict[str, Any]) -> str:
    """How an example does not come out as it says; empty where it does."""
    try:
        _, found = tried(rule, example)
    except (NotJudged, ValueError) as error:
        return f"example {example['name']!r}: {error}"
    except OverflowError:
        return f"example {example['name']!r}: ends after the year 9999"
    expected, (level, times) = example["expect"], _told(found)
    wanted = example.get("times", 1 if found else 0)
    if level == expected and times != wanted:
        return f"example {example['name']!r}: times: expected {wanted}, but it was raised {times} times"
    if level != expected:
        return f"example {example['name']!r}: expected {expected}, but it says {level} ({times} times)"
    return ""


def _told(found: list[Occurrence]) -> tuple[str, int]:
    levels = {step.level for one in found for step in one.levels}
    return max(levels, key=LEVELS.index) if found else "none", len(found)


def restated(rule: dict[str, Any]) -> tuple[list[dict[str, Any]], list[str]]:
    """The examples of a rule whose limits were moved with what it says of them now; and the names of those of which it
    says something else."""
    made, changed = [], []
    for example in rule["examples"]:
        if not problem(rule, example):
            made.append(example)
            continue
        level, times = _told(tried(rule, example)[1])
        kept = {name: value for name, value in example.items() if name != "times"}
        made.append({**kept, "expect": level, **({"times": times} if times > 1 else {})})
        changed.append(example["name"])
    return made, changed
