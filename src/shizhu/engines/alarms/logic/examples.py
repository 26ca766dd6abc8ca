"""The examples a rule carries: a made-up series and what the rule must say of it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from shizhu.engines.alarms.logic.conditions import NotJudged, bind
from shizhu.engines.alarms.logic.judge import judge
from shizhu.lib.times import parse_duration

START = datetime(2026, 1, 1, tzinfo=UTC)
_PIECE = re.compile(r"(-?\d+(?:\.\d+)?) x (\d+(?:\.\d+)?)(s|min|h|d)")
_UNIT = {"s": "seconds", "min": "minutes", "h": "hours", "d": "days"}


def series(pieces: list[str], every: timedelta) -> Iterator[tuple[datetime, float]]:
    """`["6.5 x 4h", "4 x 5h"]`: readings every `every`, each piece lasting so long. ValueError for another form."""
    at = START
    for piece in pieces:
        found = _PIECE.fullmatch(piece)
        if not found:
            raise ValueError(f"{piece!r} is not `value x duration`, such as 4.5 x 3h")
        end = at + timedelta(**{_UNIT[found[3]]: float(found[2])})
        while at < end:
            yield at, float(found[1])
            at += every


def problems(rule: Mapping[str, Any]) -> Iterator[str]:
    """One line per example that does not come out as it says."""
    for example in rule["examples"]:
        try:
            condition = bind(rule["when"], rule.get("clear"), example.get("properties", {}))
            made = series(example["series"], parse_duration(example.get("every", "PT1H")))
            _, changes = judge(condition, made)
        except (NotJudged, ValueError) as error:
            yield f"example {example['name']!r}: {error}"
            continue
        raised = sum(change.is_raised for change in changes)
        expected = example["expect"]
        level = rule["level"] if raised else "none"
        if level != expected or raised != example.get("times", 1 if raised else 0):
            yield f"example {example['name']!r}: expected {expected}, but it says {level} ({raised} times)"
