"""The light of an indicator: against hand-worked cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.plan.logic.progress import Aim, done, expected, path, score, stand

RISING = Aim(target=40, target_year=2025, base=30, base_year=2020)
FALLING = Aim(target=10, target_year=2025, base=20, base_year=2020, is_rising=False)


def test_a_score_weighs_how_much_of_the_way_is_gone() -> None:
    # 3 of 4 parts of the way at weight 1, past the target at 2, behind the base at 1: (75 + 200 + 0) / 4; 4 of 5 known
    assert score([(1, 0.75), (2, 1.3), (1, -0.2), (1, None)]) == (68.75, 0.8)
    assert score([(1, None), (0, 0.5)]) == (None, 0.0)
    assert score([]) == (None, 0.0)


@pytest.mark.parametrize(
    ("aim", "on", "value"),
    [
        (RISING, date(2020, 12, 31), 30),
        (RISING, date(2025, 12, 31), 40),
        (RISING, date(2027, 1, 1), 40),
        (RISING, date(2019, 1, 1), 30),
        (FALLING, date(2025, 12, 31), 10),
        (Aim(target=95, target_year=2026), date(2026, 3, 1), 95),
        (Aim(target=None, target_year=None), date(2026, 3, 1), None),
    ],
)
def test_what_is_expected_by_a_day(aim: Aim, on: date, value: float | None) -> None:
    assert expected(aim, on) == value


def test_the_path_is_linear_or_compound() -> None:
    assert [round(value, 2) for _, value in path(RISING)] == [30, 32, 34, 36, 38, 40]
    compound = Aim(target=121, target_year=2022, base=100, base_year=2020, is_compound=True)
    assert [(year, round(value, 6)) for year, value in path(compound)] == [(2020, 100), (2021, 110), (2022, 121)]
    assert path(Aim(target=95, target_year=2026)) == []


def test_steps_set_by_hand_bend_the_path() -> None:
    stepped = Aim(target=40, target_year=2025, base=30, base_year=2020, steps=((2022, 31), (2024, 38)))
    assert [round(value, 6) for _, value in path(stepped)] == [30, 30.5, 31, 34.5, 38, 40]
    assert expected(stepped, date(2019, 1, 1)) == 30
    assert expected(stepped, date(2030, 1, 1)) == 40
    assert path(replace(stepped, target_year=2023)) == [(2020, 30), (2021, 30.5), (2022, 31), (2023, 40)]
    assert path(replace(stepped, base_year=2023))[0] == (2023, 30)
    assert path(Aim(target=40, target_year=2025, steps=((2023, 20),))) == [(2023, 20), (2024, 30), (2025, 40)]


def test_a_step_below_the_base_is_a_level_to_be_kept() -> None:
    dips = Aim(target=40, target_year=2025, base=30, base_year=2020, steps=((2022, 25),))
    lights = {value: stand(dips, value, date(2022, 12, 31)).light for value in (26, 25, 20, 19.9, 0)}
    assert lights == {26: "green", 25: "green", 20: "yellow", 19.9: "red", 0: "red"}
    assert stand(replace(FALLING, steps=((2022, 25),)), 60, date(2022, 12, 31)).light == "red"


@pytest.mark.parametrize(
    ("value", "light"), [(5.5, "green"), (6.0, "green"), (5.0, "green"), (6.4, "yellow"), (4.4, "red"), (7, "red")]
)
def test_kept_within_a_tolerance(value: float, light: str) -> None:
    aim = Aim(target=5.5, target_year=2025, base=5.5, base_year=2020, tolerance=0.5, unit="级")
    told = stand(aim, value, date(2023, 12, 31))
    assert (told.light, told.done) == (light, None)
    assert told.why["zh"] == f"现值 {value:.6g} 级 与 2023 年应有值 5.5 级 相差 {abs(value - 5.5):.6g} 级，允许 0.5 级"


@pytest.mark.parametrize(
    ("aim", "value", "light"),
    [
        (RISING, 36.01, "green"),  # 36 expected at the end of 2023
        (RISING, 34.9, "yellow"),  # 4.9 of 6
        (RISING, 34.7, "red"),
        (RISING, None, "none"),
        (FALLING, 14.0, "green"),
        (FALLING, 15.1, "yellow"),
        (FALLING, 15.3, "red"),
        (Aim(target=95, target_year=2026), 95, "green"),
        (Aim(target=95, target_year=2026), 76, "yellow"),
        (Aim(target=95, target_year=2026), 75.9, "red"),
        (Aim(target=None, target_year=None), 5, "none"),
    ],
)
def test_the_light(aim: Aim, value: float | None, light: str) -> None:
    assert stand(aim, value, date(2023, 12, 31)).light == light


def test_what_computing_leaves_over_is_no_gap() -> None:
    """Every value that is exactly the one due is green; in binary 0.3 + 0.7 · ⅗ is a little more than 0.72."""
    for base, target, year in product(range(30), range(30, 60), range(2021, 2025)):
        due = Fraction(base, 10) + Fraction(target - base, 10) * Fraction(year - 2020, 5)
        aim = Aim(target / 10, 2025, base / 10, 2020)
        assert stand(aim, float(due), date(year, 12, 31)).light == "green"
    kept = Aim(target=10, target_year=2025, base=10, base_year=2020, tolerance=0.3)
    lights = [stand(kept, value, date(2023, 12, 31)).light for value in (10.3, 9.7, 10.6, 9.4, 10.61)]
    assert lights == ["green", "green", "yellow", "yellow", "red"]
    near = Aim(target=0.7, target_year=2025, base=0.2, base_year=2020)
    assert [stand(near, value, date(2025, 12, 31)).light for value in (0.6, 0.59)] == ["yellow", "red"]  # 0.4 of 0.5


@pytest.mark.parametrize(
    ("target", "is_rising", "value", "told"),
    [
        (5, False, -3, ("green", 1.0)),  # growth of use, at most 5 %: it fell
        (-13.5, False, -14, ("green", 1.037)), (-13.5, False, -11, ("yellow", 0.815)),
        (-13.5, False, -10, ("red", 0.741)), (-13.5, False, 2, ("red", -0.148)),
        (-5, True, -4, ("green", 1.25)), (-5, True, -6, ("yellow", 0.833)), (-5, True, -10, ("red", 0.5)),
        (-5, True, 3, ("green", 1.0)), (0, False, 0, ("green", 1.0)), (0, False, 3, ("red", 0.0)),
        (0, True, 1, ("green", None)), (0, True, -1, ("red", None)),
    ],
)  # fmt: skip
def test_targets_and_values_below_zero_without_a_base(
    target: float, is_rising: bool, value: float, told: tuple[str, float | None]
) -> None:
    found = stand(Aim(target, 2025, is_rising=is_rising), value, date(2025, 12, 31))
    assert (found.light, found.done if found.done is None else round(found.done, 3)) == told


def test_the_reason_names_both_numbers_with_their_unit() -> None:
    told = stand(replace(RISING, unit="%"), 33, date(2023, 12, 31))
    assert told.why == {"zh": "现值 33 % 落后于 2023 年应达值 36 %", "en": "33 % is behind the 36 % expected of 2023"}
    assert (told.expected, round(told.done or 0, 6)) == (36, 0.3)


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (400 / 11, "现值 36.36 达到 2025 年应达值 36"),
        (36.0, "现值 36 达到 2025 年应达值 36"),
        (35.9996, "现值 35.9996 接近 2025 年应达值 36"),
    ],
)
def test_numbers_of_a_reason_are_short_but_told_apart(value: float, why: str) -> None:
    assert stand(Aim(target=36, target_year=2026), value, date(2025, 12, 31)).why["zh"] == why


@given(st.floats(1, 100), st.floats(1, 100), st.booleans())
def test_the_target_reached_is_always_green(base: float, target: float, is_compound: bool) -> None:
    aim = Aim(target, 2025, base, 2020, is_rising=target >= base, is_compound=is_compound)
    assert stand(aim, target, date(2025, 12, 31)).light == "green"
    if base != target:
        assert done(aim, target) == pytest.approx(1.0)
        assert done(aim, base) == 0
