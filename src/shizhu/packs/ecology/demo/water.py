"""Water of a small mountain river, simulated: temperature and light drive oxygen, a spill of sewage eats it.

Oxygen saturation by temperature after Elmore and Hayes (1960), as used for surface waters; the rest is a plain model
with a daily swing. Pure: the same station and time give the same values.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

HOUR = timedelta(hours=1)


def noise(station: str, at: datetime, name: str) -> float:
    """A fixed random number in −1…1 for a station, minute and name."""
    raw = hashlib.blake2b(f"{station}/{name}/{int(at.timestamp() // 60)}".encode(), digest_size=4).digest()
    return int.from_bytes(raw, "big") / 2**31 - 1


def saturation(temperature: float) -> float:
    """Dissolved oxygen at saturation, mg/L, for water of that temperature in °C at sea level."""
    t = temperature
    return 14.652 - 0.41022 * t + 0.007991 * t**2 - 0.000077774 * t**3


def spill(station: Mapping[str, Any], at: datetime) -> float:
    """How strongly sewage weighs on the station now, 0–1: rises within an hour, fades within two."""
    worst = 0.0
    for begin, lasting in station.get("spills", ()):
        since = (at - begin) / HOUR
        if 0 <= since <= lasting + 2:
            worst = max(worst, min(1.0, since, max(0.0, (lasting + 2 - since) / 2)))
    return worst


def values(station: Mapping[str, Any], at: datetime) -> dict[str, float]:
    """property → value at a time. `station` has name and spills [(begin, hours)]."""
    name = str(station["name"])
    day = (at.hour + 8 + at.minute / 60) % 24  # China time
    warm = math.sin((day - 9) / 24 * 2 * math.pi)
    light = max(0.0, math.sin((day - 6) / 12 * math.pi)) if 6 <= day <= 18 else 0.0
    weight = spill(station, at)
    temperature = 16.5 + 1.8 * warm + 0.15 * noise(name, at, "t")
    oxygen = saturation(temperature) * (0.86 + 0.08 * light) - 5.4 * weight + 0.12 * noise(name, at, "do")
    return {
        "water_temperature": round(temperature, 1),
        "dissolved_oxygen": round(max(0.3, oxygen), 2),
        "ph": round(7.9 + 0.25 * light - 0.4 * weight + 0.03 * noise(name, at, "ph"), 2),
        "conductivity": round(310 + 160 * weight + 6 * noise(name, at, "ec"), 1),
        "turbidity": round(max(1.0, 12 + 60 * weight + 3 * noise(name, at, "tu")), 1),
        "permanganate_index": round(2.1 + 4.5 * weight + 0.15 * noise(name, at, "mn"), 2),
        "ammonia_nitrogen": round(max(0.01, 0.12 + 1.6 * weight + 0.02 * noise(name, at, "nh")), 3),
        "total_phosphorus": round(max(0.005, 0.06 + 0.22 * weight + 0.008 * noise(name, at, "tp")), 3),
        "total_nitrogen": round(1.3 + 2.1 * weight + 0.1 * noise(name, at, "tn"), 3),
    }
