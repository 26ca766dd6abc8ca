"""Hourly rollups of good readings put together over a time, apart by area or organisation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from shizhu.engines.things.logic.readings import Origin

INFINITE = float("inf")
CODES = {
    "": "''", "area": "(SELECT code FROM kernel_area WHERE id = t.area_id)",
    "organisation": "(SELECT code FROM kernel_organisation WHERE id = t.organisation_id)",
}  # fmt: skip


@dataclass(frozen=True)
class Rolled:
    """How many readings, their sum, the least and the most, and how many of them are simulated."""

    count: int = 0
    total: float = 0.0
    least: float = INFINITE
    most: float = -INFINITE
    simulated: int = 0

    def __add__(self, other: Rolled) -> Rolled:
        return Rolled(
            self.count + other.count, self.total + other.total, min(self.least, other.least),
            max(self.most, other.most), self.simulated + other.simulated,
        )  # fmt: skip

    def value(self, measure: str) -> float | None:
        """The `avg`, `min` or `max`; None without a reading."""
        if not self.count:
            return None
        return {"avg": self.total / self.count, "min": self.least, "max": self.most}[measure]


def rolled(
    county: str, profile: str, property_name: str, begins: datetime, ends: datetime, by: str = ""
) -> dict[str, Rolled]:
    """code of area or organisation ("" for all without `by`) → good readings of a property of devices with a profile.

    Hours that begin in the time count. For indicators, so no actor is asked.
    """
    query = f"""SELECT {CODES[by]}, sum(h.count), sum(h.total), min(h.least), max(h.most),
      sum(h.count) FILTER (WHERE d.invented)
    FROM things_hour h JOIN things_datastream s ON s.id = h.datastream_id JOIN things_thing t ON t.id = s.thing_id
    JOIN (SELECT thing_id, bool_or(origin <> %s) AS invented FROM things_device WHERE profile = %s GROUP BY 1) d
      ON d.thing_id = t.id
    WHERE t.county_id = %s AND s.key = %s AND h.hour >= %s AND h.hour < %s GROUP BY 1"""
    with connection.cursor() as cursor:
        cursor.execute(query, [int(Origin.MEASURED), profile, county, property_name, begins, ends])
        return {
            code: Rolled(int(count), total, least, most, int(simulated or 0))
            for code, count, total, least, most, simulated in cursor.fetchall()
        }
