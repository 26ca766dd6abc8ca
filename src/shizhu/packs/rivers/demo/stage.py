"""Stage and flow of a small mountain river, simulated: a slow swing and a rating curve. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any


def values(station: Mapping[str, Any], at: datetime) -> dict[str, float]:
    """property → value at a time. `station` has zero (m above sea level of the gauge)."""
    days = at.timestamp() / 86400
    depth = 1.35 + 0.22 * math.sin(days * 2 * math.pi / 3.3) + 0.05 * math.sin(days * 2 * math.pi * 2.1)
    return {"stage": round(float(station["zero"]) + depth, 2), "flow": round(18.5 * depth**1.6, 1)}
