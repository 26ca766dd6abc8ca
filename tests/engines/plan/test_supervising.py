"""The rules of supervision by themselves: lights over days, parts that add up, samples that can be drawn again."""

from __future__ import annotations

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.plan.logic import sampling, splitting
from shizhu.engines.plan.logic.lights import GREEN, RED, YELLOW, Facts, Told, light

DUE = date(2026, 6, 30)


@pytest.mark.parametrize(
    ("facts", "today", "told"),
    [
        (Facts(DUE), date(2026, 6, 22), Told(GREEN, "on_time", 8)),
        (Facts(DUE), date(2026, 6, 23), Told(YELLOW, "near", 7)),
        (Facts(DUE), date(2026, 6, 30), Told(YELLOW, "near", 0)),
        (Facts(DUE), date(2026, 7, 1), Told(RED, "late", 1)),
        (Facts(DUE, date(2026, 6, 30)), date(2026, 6, 30), Told(GREEN, "on_time", 0)),
        (Facts(DUE, date(2026, 6, 30)), date(2026, 7, 9), Told(YELLOW, "waits", 9)),
        (Facts(DUE, date(2026, 7, 1)), date(2026, 7, 9), Told(RED, "late", 9)),
        (Facts(DUE, date(2026, 6, 30), is_accepted=True), date(2026, 7, 9), Told(GREEN, "done")),
        (Facts(DUE, date(2026, 7, 2), is_accepted=True), date(2026, 7, 9), Told(YELLOW, "repaired", 2)),
        (Facts(DUE, is_false=True), date(2026, 6, 1), Told(RED, "false")),
        (Facts(DUE, date(2026, 6, 2), is_accepted=True, is_against=True), date(2026, 6, 3), Told(RED, "against")),
        (Facts(DUE, date(2026, 6, 2), is_accepted=True, is_against=True), date(2026, 7, 3), Told(RED, "against", 3)),
        (Facts(DUE, date(2026, 6, 2), is_false=True), date(2026, 6, 3), Told(RED, "false")),
        (Facts(DUE, date(2026, 6, 2), is_accepted=True, is_false=True), date(2026, 6, 3), Told(YELLOW, "repaired")),
    ],
)
def test_each_light_has_its_rule(facts: Facts, today: date, told: Told) -> None:
    assert light(facts, today) == told


DAYS = st.integers(-40, 40)


@given(DAYS, st.none() | DAYS, st.booleans(), st.booleans())
def test_red_turns_yellow_by_acceptance_alone_and_never_green_again(
    today: int, sent: int | None, is_accepted: bool, is_false: bool
) -> None:
    day = None if sent is None else DUE + timedelta(days=sent)
    now = DUE + timedelta(days=today)
    open_, done = Facts(DUE, day, False, is_false), Facts(DUE, day, is_accepted, is_false)
    was_red = light(open_, now).light == RED
    later = [light(open_, now + timedelta(days=more)).light for more in range(60)]
    assert not was_red or set(later) == {RED}
    if was_red and is_accepted and day is not None:
        assert {light(done, now + timedelta(days=more)).light for more in range(60)} == {YELLOW}


@given(st.integers(0, 10_000), st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_whole_parts_add_up_and_none_is_one_away_from_its_quota(total: int, weights: list[int]) -> None:
    parts = splitting.shares(total, weights)
    assert sum(parts) == total
    assert all(part.is_integer() for part in parts)
    assert all(abs(Fraction(part) - Fraction(total * weight, sum(weights))) < 1
               for part, weight in zip(parts, weights, strict=True))  # fmt: skip


def test_an_amount_is_dealt_over_years_and_units_and_a_level_is_kept_by_each() -> None:
    dealt = splitting.amount(20, [2026, 2027], {"a": 3, "b": 1})
    assert [(one.year, one.unit, one.value) for one in dealt] == [
        (2026, "a", 8), (2026, "b", 2), (2027, "a", 8), (2027, "b", 2),
    ]  # fmt: skip
    assert splitting.shares(1.5, [1, 1, 1]) == [0.5, 0.5, 0.5]
    kept = splitting.level(splitting.straight(60, 2024, 80, 2026), [2025, 2026], ["a", "b"])
    assert [one.value for one in kept] == [70, 70, 80, 80]
    for wrong in ([], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="weights"):
            splitting.shares(5, wrong)


def test_a_sample_is_drawn_again_by_anybody() -> None:
    names = [f"N{number}" for number in range(1, 11)]
    drawn = sampling.draw("石柱2026", names, 20)
    assert drawn == sampling.draw("石柱2026", reversed(names), 20) == ["N9", "N7"]
    assert sampling.order_of("s", "N1") == "2fc83fbabb80e3ffea6f33b586331cf08d5e18a556454bd052cb49e70fa822a1"
    assert (sampling.draw("s", ["N1"], 20), sampling.draw("s", [], 20)) == (["N1"], [])
    assert (sampling.quarter_of(2026, 3), sampling.quarter_of(2026, 10)) == ("2026Q1", "2026Q4")
