"""Invented values of an index for the demo county, marked simulated wherever they are shown."""

from __future__ import annotations

import random

from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.models import Measure


def measures_simulated(county: str, index: str, year: int, spans: dict[str, tuple[float, float]]) -> int:
    """Values between the ends of a span for every subject, the same in every installation, once; returns how many.

    A formula's items are computed from the rows that are there.
    """
    made = Index(county, index)
    if Measure.objects.filter(county_id=county, index=index, year=year).exists():
        return 0
    chance = random.Random(f"{county} {index} {year}")  # noqa: S311  # no secret hangs on it
    given = [
        Given(item, subject.code, round(chance.triangular(low, high), 2))
        for subject in made.subjects
        for item, (low, high) in spans.items()
    ]
    return made.report(year, given, note="模拟数据", by=None, is_simulated=True) + made.compute(year)
