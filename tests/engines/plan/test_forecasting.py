"""Forecasts with a range and their past error; when values are due."""

from __future__ import annotations

from datetime import date
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shizhu.engines.plan.logic.collecting import Calendar, due
from shizhu.engines.plan.logic.forecasting import bounds, forecast, past_errors


def test_years_on_a_line_have_the_range_of_their_rounding() -> None:
    # s² = 1/12 of whole numbers; t(2) = 2.920; 1 + 1/4 + 3.5²/5 = 3.7 → 2.920 · √(3.7/12)
    told = forecast([(2020, 10), (2021, 12), (2022, 14), (2023, 16)], 2025)
    assert told is not None
    assert (told.value, told.error, told.tried) == (20, 0, 2)
    assert (round(told.low, 3), round(told.high, 3)) == (18.379, 21.621)
    # three years leave one degree of freedom: t(1) = 6.314; told to a tenth: 6.314 · √((1 + 1/3 + 3²/2) · 0.01/12)
    told = forecast([(2020, 1.1), (2021, 1.2), (2022, 1.3)], 2024)
    assert told is not None
    assert (round(told.value, 6), round(told.high - told.value, 4)) == (1.5, 0.4402)


def test_range_and_error_by_hand() -> None:
    # 2022 forecast from 10, 12: 14, was 15 → 1; 2023 from 10, 12, 15: 17.33, was 16 → 1.33
    points = [(2020, 10.0), (2021, 12.0), (2022, 15.0), (2023, 16.0)]
    assert past_errors(points) == pytest.approx([1, 4 / 3])
    told = forecast(points, 2024)
    assert told is not None  # s² = 0.7 / 2, 1 + 1/4 + 2.5²/5 = 2.5: 2.920 · √0.875
    assert (told.value, round(told.high - told.value, 4)) == (pytest.approx(18.5), 2.7314)
    assert told.error == pytest.approx(7 / 6)


@pytest.mark.parametrize(
    ("name", "unit", "known", "told"),
    [
        ("森林覆盖率", "%", [60, 70], (0, 100)), ("摊位数", "家", [60, 170], (0, inf)),
        ("出生率", "‰", [6, 7], (0, 1000)), ("产能利用率", "%", [90, 110], (0, inf)),
        ("地区生产总值增速", "%", [6, 7], (-inf, inf)), ("人口净流入", "万人", [1, 2], (-inf, inf)),
        ("平均利润", "万元", [-1, 2], (-inf, inf)),
    ],
)  # fmt: skip
def test_what_an_indicator_can_be(name: str, unit: str, known: list[float], told: tuple[float, float]) -> None:
    assert bounds(name, unit, known) == told


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
