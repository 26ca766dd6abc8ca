"""How sure a reading is, as a share: of all readings with these signs on the plans the reader is tried on, so many were
right in every field. tests/engines/plan/reader/test_confidence.py measures the shares and fails when they are not true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from shizhu.engines.plan.logic.reader.document import Contradiction, Doubt, Indicator, Place, Task
from shizhu.engines.plan.logic.reader.tables import Table
from shizhu.engines.plan.logic.reader.values import is_dash

# where it was read, how many signs (2 stands for more) → share of right readings
SHARES: Mapping[tuple[str, int], float] = {
    ("table", 0): 0.98, ("table", 1): 0.55, ("table", 2): 0.1,
    ("sentence", 0): 0.95, ("sentence", 1): 0.94, ("sentence", 2): 0.93,
    ("labels", 0): 0.95, ("labels", 1): 0.7, ("labels", 2): 0.5,
}  # fmt: skip
OF_THE_PLAN = frozenset({"growth", "no-value"})  # odd in the plan itself: every row with one of them alone was right
_TELLING = frozenset(
    {"unit-conflict", "number-missing", "bracket-unexplained", "empty-cell", "no-value", "owner-missing",
     "table-left-out", "task-unread"}
)  # fmt: skip
_ODD_NAME = re.compile(r"^[%（(）)]|^[\d.]+[%）)]?$|[（(]$|[、，,]$|\s{2}|[。；]")
_WEAK = re.compile(r"[、，,\t\s]|^\d|各$|^.{0,2}$|的$|^(?:中|内(?![河陆])|外|其|该|等|以及|并)|(?:和|与|及)$")


def sure_of_indicators(
    indicators: Sequence[Indicator],
    tables: Sequence[Table],
    doubts: Sequence[Doubt],
    contradictions: Sequence[Contradiction],
) -> tuple[Indicator, ...]:
    """Return the indicators with their confidence and the signs that lower it."""
    told = []
    for item in indicators:
        if item.found_in == "sentence":
            kind, signs = "sentence", _of_sentence(item)
        else:
            kind, own = _table_of(item.place, tables)
            misfit = ["growth" for found in contradictions if found.rule == "growth" and found.subject == item.name]
            signs = [*own, *_of_row(item), *_listed(item.place, doubts), *misfit]
        told.append(replace(item, confidence=_share(kind, signs), signs=tuple(dict.fromkeys(signs))))
    return tuple(told)


def sure_of_tasks(tasks: Sequence[Task], tables: Sequence[Table], doubts: Sequence[Doubt]) -> tuple[Task, ...]:
    """Return the tasks with their confidence and the signs that lower it."""
    told = []
    for task in tasks:
        kind, own = _table_of(task.place, tables)
        signs = [*own, *_listed(task.place, doubts)]
        if _ODD_NAME.search(task.name) or len(task.name) > 40:
            signs.append("odd-name")
        told.append(replace(task, confidence=_share(kind, signs), signs=tuple(dict.fromkeys(signs))))
    return tuple(told)


def _share(kind: str, signs: Iterable[str]) -> float:
    return SHARES[kind, min(2, len(set(signs) - OF_THE_PLAN))]


def _table_of(place: Place, tables: Sequence[Table]) -> tuple[str, list[str]]:
    """Whether a table holds a place, and whether something in it fits no cell."""
    around = next((table for table in tables if table.place.first <= place.first <= table.end), None)
    if around is None:
        return "labels", []
    return "table", (["table-left-out"] if around.left_out else [])


def _of_row(item: Indicator) -> list[str]:
    signs = ["odd-name"] if _ODD_NAME.search(item.name) or len(item.name) > 40 else []
    texts = [reading.text for reading in (item.base, item.target) if reading.text and not is_dash(reading.text)]
    bounds = [reading.bound for reading in (item.base, item.target)]
    if "words" in bounds and not any(sign.isdigit() for text in texts for sign in text) and len(texts) > 1:
        signs.append("words")
    if item.unit is None and not any(":" in text or "：" in text for text in texts):
        signs.append("unit-missing")
    if item.base.value is None and item.target.value is None and item.growth is None:
        signs.append("no-value")
    return signs


def _of_sentence(item: Indicator) -> list[str]:
    signs = ["odd-name"] if _WEAK.search(item.name) else []
    if item.more.get("year") == "section":
        signs.append("year-not-printed")
    return signs


def _listed(place: Place, doubts: Sequence[Doubt]) -> list[str]:
    return [doubt.rule for doubt in doubts if doubt.rule in _TELLING and place.first <= doubt.place.first <= place.last]
