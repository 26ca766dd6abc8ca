"""Ask what a panel shows, as its viewer may see it, and remember the answer for a moment.

An answer that took t is kept for twenty times t, at least two seconds and at most five minutes, so that no panel costs
more than a twentieth of a processor however many look. Answers are kept by what the viewer may see, not by who it is.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import get_language

from shizhu.kernel import datasets
from shizhu.kernel.access import Actor
from shizhu.kernel.datasets import Asked, NotYours, Result
from shizhu.kernel.packs import Body
from shizhu.lib.times import parse_duration

LEAST_KEPT, MOST_KEPT, TIMES_KEPT = 2.0, 300.0, 20.0
SLOW = 0.04  # seconds: what took longer comes after its page
MOST_ANSWERS = 2000


@dataclass(frozen=True)
class Answer:
    """What a panel shows: `result` or why there is none (`refused`, `problem`); `before` the number before,
    `trend` (time, value) pairs; `asked_at` when it was asked, `took` seconds."""

    result: Result | None = None
    is_refused: bool = False
    problem: str = ""
    before: float | None = None
    trend: tuple[tuple[str, float | None], ...] = ()
    asked_at: datetime | None = None
    took: float = 0.0


@dataclass(frozen=True)
class _Kept:
    until: float
    answer: Answer


_answers: dict[Any, _Kept] = {}
_costs: dict[Any, float] = {}


def forget() -> None:
    """Drop what is remembered."""
    _answers.clear()
    _costs.clear()


def sight(who: Actor) -> Any:
    """What decides what an actor sees: equal for two who see the same."""
    scopes = frozenset((s.county, s.verbs, s.organisation_path, s.area_path) for s in who.scopes)
    return who.is_unbounded, scopes


def _key(panel: Body, who: Actor, county: str) -> Any:
    return county, get_language(), json.dumps(panel, sort_keys=True), sight(who)


def remembered(panel: Body, who: Actor, county: str) -> Answer | None:
    """The answer if it is still good."""
    kept = _answers.get(_key(panel, who, county))
    return kept.answer if kept and kept.until > time.monotonic() else None


def cost(panel: Body, county: str) -> float | None:
    """How many seconds it took the last time, whoever asked; None if nobody did."""
    return _costs.get((county, json.dumps(panel, sort_keys=True)))


def answer(panel: Body, who: Actor, county: str) -> Answer:
    """The answer of now, remembered or asked."""
    found = remembered(panel, who, county)
    if found is None:
        found = ask(panel, who, county, timezone.now())
        if len(_answers) >= MOST_ANSWERS:
            forget()
        key, keep = _key(panel, who, county), min(MOST_KEPT, max(LEAST_KEPT, TIMES_KEPT * found.took))
        _answers[key] = _Kept(time.monotonic() + keep, found)
        _costs[county, json.dumps(panel, sort_keys=True)] = found.took
    return found


def ask(panel: Body, who: Actor, county: str, at: datetime) -> Answer:
    """Ask, as of a moment."""
    if "query" not in panel:
        return Answer(asked_at=at)
    began = time.monotonic()
    query = panel["query"]
    try:
        result = datasets.ask(Asked(query, who, county, at))
        before = _before(panel, who, county, at) if panel.get("compare") else None
        trend = _trend(panel, who, county, at) if panel.get("trend") else ()
    except NotYours:
        return Answer(is_refused=True, asked_at=at)
    except (ValueError, KeyError) as error:  # a county's board may ask for what a pack no longer declares
        return Answer(problem=str(error), asked_at=at)
    return Answer(result, before=before, trend=trend, asked_at=at, took=time.monotonic() - began)


def _before(panel: Body, who: Actor, county: str, at: datetime) -> float | None:
    query = panel["query"]
    asked = {**query, "during": {**query["during"], "before": True}}
    value = datasets.ask(Asked(asked, who, county, at)).value
    return value if isinstance(value, int | float) else None


def _trend(panel: Body, who: Actor, county: str, at: datetime) -> tuple[tuple[str, float | None], ...]:
    query, wanted = panel["query"], panel["trend"]
    column = wanted.get("time") or query.get("during", {}).get("time")
    asked = {**query, "during": {"time": column, "span": wanted["span"]}, "each": wanted["each"]}
    if query["from"] != "readings":
        asked["by"] = [column]
    result = datasets.ask(Asked(asked, who, county, at))
    return tuple((str(row.cells[0]), row.cells[-1]) for row in result.rows)


def is_stale(panel: Body, found: Answer, at: datetime) -> bool:
    """Whether the newest data is older than the panel allows."""
    if not panel.get("stale") or found.result is None:
        return False
    newest = found.result.newest
    return newest is None or at - newest > parse_duration(panel["stale"])


def level(panel: Body, value: float | None) -> str:
    """The level a value reaches; nothing below the lowest."""
    given = panel.get("levels", {})
    reached = [
        name for name in ("red", "orange", "yellow") if value is not None and value >= given.get(name, float("inf"))
    ]
    return reached[0] if reached else ""


def verbs(panels: Iterable[Body]) -> set[str]:
    """The rights that somebody needs to see everything of these panels."""
    queries = [panel["query"] for panel in panels if "query" in panel]
    return {datasets.known()[query["from"]].verb(query) for query in queries}


def age(newest: datetime | None, at: datetime) -> timedelta | None:
    """How old the newest data is."""
    return None if newest is None else max(timedelta(), at - newest)
