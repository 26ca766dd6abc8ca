"""The judgement of one series on event time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.alarms.logic.conditions import Condition, NotJudged, bind
from shizhu.engines.alarms.logic.examples import problems
from shizhu.engines.alarms.logic.judge import State, judge
from shizhu.lib.standards.limits import Limit

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LOW = Condition(Limit(low=5), timedelta(hours=4), timedelta(hours=2))


def hours(*values: float) -> list[tuple[datetime, float]]:
    return [(NOON + timedelta(hours=n), value) for n, value in enumerate(values)]


def told(condition: Condition, *values: float) -> list[tuple[bool, float]]:
    _, changes = judge(condition, hours(*values))
    return [(change.is_raised, (change.at - NOON) / timedelta(hours=1)) for change in changes]


def test_it_is_raised_after_the_stated_time_and_not_before() -> None:
    assert told(LOW, 6, 4, 4, 4, 4) == []
    assert told(LOW, 6, 4, 4, 4, 4, 4) == [(True, 5)]


def test_one_good_reading_starts_the_clock_again() -> None:
    assert told(LOW, 4, 4, 4, 4, 6, 4, 4, 4, 4) == []


def test_it_recovers_after_the_clearing_time() -> None:
    assert told(LOW, 4, 4, 4, 4, 4, 6, 6, 6) == [(True, 4), (False, 7)]
    assert told(LOW, 4, 4, 4, 4, 4, 6, 6, 4, 6, 6, 6) == [(True, 4), (False, 10)]


def test_without_a_stated_time_the_first_reading_counts() -> None:
    assert told(Condition(Limit(high=30), timedelta(), timedelta()), 31, 29) == [(True, 0), (False, 1)]


def test_a_late_reading_changes_nothing() -> None:
    state, _ = judge(LOW, hours(6, 4, 4))
    late, changes = judge(LOW, [(NOON + timedelta(minutes=90), 9.0)], state)
    assert (late, changes) == (state, [])


def at(*readings: tuple[float, float]) -> list[tuple[bool, float, float]]:
    """What is told of (hours since noon, value): raised, when, since when."""
    _, changes = judge(LOW, [(NOON + timedelta(hours=hour), value) for hour, value in readings])
    hour = timedelta(hours=1)
    return [(change.is_raised, (change.at - NOON) / hour, (change.since - NOON) / hour) for change in changes]


def test_a_gap_starts_the_count_anew() -> None:
    assert at((0, 1), (5, 1)) == []
    assert at((0, 4), (1, 4), (2, 4), (3.5, 4), (4.5, 4), (5.5, 4), (6.5, 4)) == []
    assert at((0, 4), (1, 4), (2, 4), (3.5, 4), (4.5, 4), (5.5, 4), (6.5, 4), (7.5, 4)) == [(True, 7.5, 3.5)]


def test_a_gap_starts_the_count_of_recovery_anew() -> None:
    low = [(float(hour), 4.0) for hour in range(5)]
    assert at(*low, (5, 6), (8, 6), (9, 6)) == [(True, 4, 0)]
    assert at(*low, (5, 6), (8, 6), (9, 6), (10, 6)) == [(True, 4, 0), (False, 10, 8)]


def test_a_correction_of_the_newest_reading_is_judged_in_its_place() -> None:
    assert at((0, 4), (1, 4), (2, 4), (3, 4), (3, 6), (4, 4), (5, 4)) == []
    assert at((0, 6), (1, 6), (1, 4), (2, 4), (3, 4), (4, 4), (5, 4)) == [(True, 5, 1)]
    assert at((0, 4), (0, 3), (1, 4), (2, 4), (3, 4), (4, 4), (4, 3)) == [(True, 4, 0)]
    assert at((0, 4), (0, 6), (1, 4), (2, 4), (3, 4), (4, 4)) == []


@given(st.lists(st.floats(0, 10), max_size=60), st.integers(0, 60))
def test_stopping_anywhere_and_going_on_changes_nothing(values: list[float], cut: int) -> None:
    whole = judge(LOW, hours(*values))
    state, first = judge(LOW, hours(*values)[:cut])
    rest, second = judge(LOW, hours(*values)[cut:], state)
    assert (rest, first + second) == whole


@given(st.lists(st.floats(0, 10), max_size=60))
def test_raised_and_recovered_take_turns(values: list[float]) -> None:
    _, changes = judge(LOW, hours(*values))
    assert [change.is_raised for change in changes] == [n % 2 == 0 for n in range(len(changes))]
    assert judge(LOW, [], State()) == (State(), [])


def test_a_target_class_gives_the_limit() -> None:
    when = {
        "worse_than": {"standard": "gb3838-2002", "item": "dissolved_oxygen", "target": "target_class"},
        "for": "PT4H",
    }
    assert bind(when, None, {"target_class": "III"}) == Condition(
        Limit(low=5), timedelta(hours=4), timedelta(), gap=timedelta(hours=2)
    )
    assert bind({**when, "gap": "PT5H"}, None, {"target_class": "III"}).gap == timedelta(hours=5)
    assert bind({"above": 30, "for": "PT10M"}, None, {}).gap == timedelta(hours=1)
    with pytest.raises(NotJudged, match="target_class: the source has no such property"):
        bind(when, None, {})
    with pytest.raises(NotJudged, match="class 'IX'"):
        bind(when, None, {"target_class": "IX"})


def test_an_example_that_does_not_come_out_is_named() -> None:
    rule = {
        "when": {"above": 30, "for": "PT10M"},
        "level": "red",
        "examples": [
            {"name": "right", "series": ["31 x 11min"], "every": "PT1M", "expect": "red"},
            {"name": "wrong", "series": ["31 x 9min"], "every": "PT1M", "expect": "red"},
            {"name": "odd", "series": ["31 for ever"], "expect": "red"},
        ],
    }
    assert list(problems(rule)) == [
        "example 'wrong': expected red, but it says none (0 times)",
        "example 'odd': '31 for ever' is not `value x duration`, such as 4.5 x 3h",
    ]
