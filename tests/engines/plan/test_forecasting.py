"""Forecasts with a range and their past error; when values are due."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.plan.logic.collecting import Calendar, due
from shizhu.engines.plan.logic.forecasting import forecast, past_errors


def test_a_straight_line_goes_on_without_error() -> None:
    told = forecast([(2020, 10), (2021, 12), (2022, 14), (2023, 16)], 2025)
    assert told is not None
    assert (told.value, told.low, told.high, told.error, told.tried) == (20, 20, 20, 0, 2)


def test_range_and_error_by_hand() -> None:
    # 2022 forecast from 10, 12: 14, was 15 → 1; 2023 from 10, 12, 15: 17.33, was 16 → 1.33
    points = [(2020, 10.0), (2021, 12.0), (2022, 15.0), (2023, 16.0)]
    assert past_errors(points) == pytest.approx([1, 4 / 3])
    told = forecast(points, 2024)
    assert told is not None
    assert (told.value, told.high - told.value) == (pytest.approx(18.5), pytest.approx(4 / 3))
    assert told.error == pytest.approx(7 / 6)


def test_few_years_and_known_years_are_not_forecast() -> None:
    assert forecast([(2020, 1), (2021, 2)], 2025) is None
    assert forecast([(2020, 1), (2021, 2), (2022, 4)], 2022) is None


@given(st.lists(st.floats(-1e4, 1e4), min_size=3, max_size=8), st.integers(1, 5))
def test_the_value_lies_in_its_range_and_the_range_widens(values: list[float], ahead: int) -> None:
    points = list(enumerate(values, 2015))
    last = points[-1][0]
    near, far = forecast(points, last + ahead), forecast(points, last + ahead + 1)
    assert near is not None
    assert far is not None
    assert near.low <= near.value <= near.high
    assert far.high - far.low >= near.high - near.low - 1e-6


@pytest.mark.parametrize(
    ("today", "given_on", "state", "late"),
    [
        (date(2026, 1, 10), None, "waiting", 0), (date(2026, 1, 25), None, "soon", 0),
        (date(2026, 1, 30), None, "soon", 0),
        (date(2026, 1, 31), None, "late", 1), (date(2026, 3, 1), None, "late", 30),
        (date(2026, 3, 1), date(2026, 1, 20), "given", 0), (date(2026, 3, 1), date(2026, 2, 2), "given", 3),
    ],
)  # fmt: skip
def test_when_a_value_is_due(today: date, given_on: date | None, state: str, late: int) -> None:
    told = due(date(2025, 12, 31), Calendar(days_after=30, remind_before=7), today, given_on)
    assert (told.on, told.state, told.days_late) == (date(2026, 1, 30), state, late)
