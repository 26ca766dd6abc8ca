"""A promise split into pieces: a number of things over years and units, or a level over years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

EXACT = 10**6  # shares of what is no whole number are kept to so many parts


@dataclass(frozen=True)
class Share:
    """What a unit (by its code) owes in a year; None where nothing is counted."""

    year: int
    unit: str
    value: float | None


def shares(total: float, weights: Sequence[float]) -> list[float]:
    """Parts of a total in the ratio of the weights that add up to it exactly; whole parts where the total is whole.

    What is left after rounding down goes to the largest remainders (Hare–Niemeyer), the first of equal ones first.
    Raises ValueError for weights that are negative or all zero.
    """
    if not weights or any(weight < 0 for weight in weights) or sum(weights) <= 0:
        raise ValueError("weights are numbers from 0, and not all 0")
    is_whole = float(total).is_integer()
    steps = Decimal(str(total)) * (1 if is_whole else EXACT)
    whole = sum(map(Decimal, map(str, weights)))
    quotas = [steps * Decimal(str(weight)) / whole for weight in weights]
    floors = [quota.to_integral_value(ROUND_FLOOR) for quota in quotas]
    left = int(steps.to_integral_value(ROUND_FLOOR) - sum(floors))
    order = sorted(range(len(weights)), key=lambda one: (floors[one] - quotas[one], one))
    for one in order[:left]:
        floors[one] += 1
    return [float(part / (1 if is_whole else EXACT)) for part in floors]


def amount(total: float, years: Sequence[int], weights: Mapping[str, float]) -> list[Share]:
    """So many things over years, equally, and in each year over the units by weight; all of it adds up to the total."""
    return [
        Share(year, unit, part)
        for year, of_year in zip(years, shares(total, [1] * len(years)), strict=True)
        for unit, part in zip(weights, shares(of_year, list(weights.values())), strict=True)
    ]


def level(path: Mapping[int, float], years: Sequence[int], units: Sequence[str]) -> list[Share]:
    """A level that every unit keeps: each year's value on the path (a share is not divided)."""
    return [Share(year, unit, path.get(year)) for year in years for unit in units]


def straight(base: float | None, base_year: int, target: float, target_year: int) -> dict[int, float]:
    """The yearly steps of a straight way from base to target; without a base the target from the first year on."""
    years = range(base_year + 1, target_year + 1)
    if base is None:
        return dict.fromkeys(years, target)
    return {
        year: round(base + (target - base) * (year - base_year) / (target_year - base_year), 6) for year in years
    }  # fmt: skip
