"""What an indicator will be, with a range and the error that the same method made in the past. Pure.

A straight line through the known years (least squares). The range is as wide as nine in ten of the errors made when
each known year was forecast from the ones before it; with few years that is their largest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

LEAST = 3  # known years


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


def forecast(points: Sequence[tuple[int, float]], year: int) -> Forecast | None:
    """Forecast a year from (year, value) points; None with fewer than three, or for a year that is known."""
    known = sorted(points)
    if len(known) < LEAST or year <= known[-1][0]:
        return None
    start, slope = line_through(known)
    value = start + slope * year
    errors = past_errors(known)
    width = _ninth_of_ten(errors) * (year - known[-1][0]) ** 0.5
    mean = sum(errors) / len(errors) if errors else None
    return Forecast(year, value, value - width, value + width, mean, len(errors))


def past_errors(known: Sequence[tuple[int, float]]) -> list[float]:
    """How far off each known year would have been, forecast from the ones before it."""
    errors = []
    for index in range(2, len(known)):
        start, slope = line_through(known[:index])
        year, value = known[index]
        errors.append(abs(start + slope * year - value))
    return errors


def _ninth_of_ten(errors: Sequence[float]) -> float:
    ordered = sorted(errors)
    return ordered[ceil(0.9 * len(ordered)) - 1] if ordered else 0.0
