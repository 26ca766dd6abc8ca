"""By how much a value grew that counts up since it was set up, such as the millimetres of a rain gauge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise


def grown(points: Sequence[tuple[datetime, float]], start: datetime) -> float | None:
    """The growth from `start` to the last of some (time, value) in order of time, in their unit; None of less than two.

    It is reckoned from the newest value until `start`, else from the first there is. Where a value is less than the
    one before, the gauge was set up anew: that step counts nothing.
    """
    before = [value for time, value in points if time <= start][-1:]
    values = [*before, *(value for time, value in points if time > start)]
    return sum(max(0.0, later - earlier) for earlier, later in pairwise(values)) if len(values) > 1 else None
