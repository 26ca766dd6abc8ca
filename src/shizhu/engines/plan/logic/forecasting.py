"""What an indicator will be, with a range and the error that the same method made in the past. Pure.

A straight line through the known years (least squares), and its 90 % prediction interval: Student's t with n − 2
degrees of freedom times the standard error of one new value (Draper and Smith, "Applied Regression Analysis", 1998).
Values lie no closer to the line than they are rounded, so years that happen to lie on one have a range too. What
cannot be passed, such as 0 and 100 of a share, is not passed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, isclose, sqrt

LEAST = 3  # known years
# Student's t that 5 % lie above, of 1 … 10 degrees of freedom; the last is taken for more
T = (6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812)
MOST_PLACES = 6
WHOLE = {"%": 100.0, "‰": 1000.0}
SIGNED = re.compile(r"净|℃|温度")  # may fall below 0
RATIO = re.compile(r"增[长值加幅速]|上涨|下降|降低|变化|毛入|负债|拨备|产销|周转|完成率|保障率")  # no part of a whole


@dataclass(frozen=True)
class Forecast:
    """A value with its range. `error` is the mean error of past forecasts one year ahead, from `tried` of them."""

    year: int
    value: float
    low: float
    high: float
    error: float | None
    tried: int


def line_through(points: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Return (value at year 0, change per year) by least squares; one point is a level."""
    count = len(points)
    mean_x = sum(year for year, _ in points) / count
    mean_y = sum(value for _, value in points) / count
    spread = sum((year - mean_x) ** 2 for year, _ in points)
    slope = sum((year - mean_x) * (value - mean_y) for year, value in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def bounds(name: str, unit: str, known: Iterable[float]) -> tuple[float, float]:
    """The least and most that an indicator can be: a share is of 0 to 100 %, a count from 0.

    Not where a known value says otherwise, nor of changes and of ratios that are no part of a whole.
    """
    told, whole = list(known), WHOLE.get(unit)
    if any(one < 0 for one in told) or SIGNED.search(name + unit) or (whole and RATIO.search(name)):
        return -inf, inf
    return 0.0, whole if whole and all(one <= whole for one in told) else inf


def forecast(
    points: Sequence[tuple[int, float]], year: int, bounds: tuple[float, float] = (-inf, inf)
) -> Forecast | None:
    """Forecast a year from (year, value) points, within (least, most) that there can be.

    None with fewer than three points, and for a year that is known.
    """
    known = sorted(points)
    if len(known) < LEAST or year <= known[-1][0]:
        return None
    start, slope = line_through(known)
    value, width = start + slope * year, _width(known, year)
    low, value, high = (min(max(one, bounds[0]), bounds[1]) for one in (value - width, value, value + width))
    errors = past_errors(known)
    return Forecast(year, value, low, high, sum(errors) / len(errors), len(errors))


def _width(known: Sequence[tuple[int, float]], year: int) -> float:
    """Half of the prediction interval."""
    start, slope = line_through(known)
    free, mean_x = len(known) - 2, sum(at for at, _ in known) / len(known)
    off = sum((start + slope * at - value) ** 2 for at, value in known) / free
    rounding = _step(value for _, value in known) ** 2 / 12  # variance of what lies anywhere within a step
    reach = 1 + 1 / len(known) + (year - mean_x) ** 2 / sum((at - mean_x) ** 2 for at, _ in known)
    return T[min(free, len(T)) - 1] * sqrt(max(off, rounding) * reach)


def _step(values: Iterable[float]) -> float:
    """The unit of the last decimal that the values are told with."""
    told = list(values)
    places = range(MOST_PLACES)
    fits = (n for n in places if all(isclose(round(one, n), one, rel_tol=1e-12) for one in told))
    return 10.0 ** -next(fits, MOST_PLACES)


def past_errors(known: Sequence[tuple[int, float]]) -> list[float]:
    """How far off each known year would have been, forecast from the ones before it."""
    errors = []
    for index in range(2, len(known)):
        start, slope = line_through(known[:index])
        year, value = known[index]
        errors.append(abs(start + slope * year - value))
    return errors
