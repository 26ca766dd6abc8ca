"""Rain of a mountain county, simulated: a drizzle now and then, and storms that rise and fade. Pure.

`storms` of a station are (begin, hours, millimetres); the rain of each comes like half a wave of a sine. So are those
`past`, of years before: what happened then is recorded, and rules are held against it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)
BEGAN = datetime(2024, 1, 1, tzinfo=UTC)  # when the gauge was set up
DRIZZLE = 1.4  # millimetres a day


def values(station: Mapping[str, Any], at: datetime) -> dict[str, float]:
    """property → value at a time: the rain fallen since the gauge was set up."""
    fallen = DRIZZLE * (at - BEGAN) / timedelta(days=1)
    for begin, lasting, millimetres in (*station.get("storms", ()), *station.get("past", ())):
        part = min(1.0, max(0.0, (at - begin) / HOUR / lasting))
        fallen += millimetres * (1 - math.cos(part * math.pi)) / 2
    return {"rain": round(fallen * 5) / 5}  # a bucket holds 0.2 mm
