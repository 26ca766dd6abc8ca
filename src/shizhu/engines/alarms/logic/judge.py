"""Judge one series on event time: a small state per rule and source, a step per reading."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from shizhu.engines.alarms.logic.conditions import Condition


@dataclass(frozen=True)
class State:
    """What must be remembered between readings; times are event times."""

    last: datetime | None = None  # newest reading judged
    broken_since: datetime | None = None  # first of the unbroken row of readings that break the limit
    kept_since: datetime | None = None  # first of the unbroken row that keep it, while raised
    is_raised: bool = False


@dataclass(frozen=True)
class Change:
    """The condition was raised, or it recovered, at this event time."""

    is_raised: bool
    at: datetime
    since: datetime
    value: float


def step(state: State, condition: Condition, at: datetime, value: float) -> tuple[State, Change | None]:
    """Judge one reading. A reading older than the last is late: it changes nothing here.

    A reading at the time of the last corrects it and is judged in its place. What the corrected value ended stays
    ended: where the right value goes on with an older row, the row counts from the correction.
    """
    if state.last is not None and at < state.last:
        return state, None
    if state.last is not None and at - state.last > condition.gap:
        state = replace(state, broken_since=None, kept_since=None)
    if condition.limit.is_kept_by(value):
        return _kept(state, condition, at, value)
    since = state.broken_since or at
    now = replace(state, last=at, broken_since=since, kept_since=None)
    if state.is_raised or at - since < condition.lasting:
        return now, None
    return replace(now, is_raised=True), Change(is_raised=True, at=at, since=since, value=value)


def _kept(state: State, condition: Condition, at: datetime, value: float) -> tuple[State, Change | None]:
    if not state.is_raised:
        return State(last=at), None
    since = state.kept_since or at
    if at - since < condition.clearing:
        return replace(state, last=at, broken_since=None, kept_since=since), None
    return State(last=at), Change(is_raised=False, at=at, since=since, value=value)


def judge(
    condition: Condition, series: Iterable[tuple[datetime, float]], state: State | None = None
) -> tuple[State, list[Change]]:
    """Judge a whole series in order."""
    now, changes = state or State(), []
    for at, value in series:
        now, change = step(now, condition, at, value)
        if change:
            changes.append(change)
    return now, changes
