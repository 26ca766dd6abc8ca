"""Durations and periods in ISO 8601."""

from __future__ import annotations

import re
from datetime import timedelta

_DURATION = re.compile(r"P(?:0+Y)?(?:0+M)?(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?")
PATTERN = r"^P(?=[0-9T])([0-9]+W)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+(\.[0-9]+)?S)?)?$"


def parse_duration(text: str) -> timedelta:
    """`PT4H`, `P2DT30M`, `P1W`: weeks to seconds. ValueError for years and months other than 0, or anything else."""
    found = _DURATION.fullmatch(text)
    if not found or not any(found.groups()):
        raise ValueError(
            f"{text!r} is not an ISO 8601 duration of weeks, days, hours, minutes and seconds, such as PT4H"
        )
    weeks, days, hours, minutes, seconds = (float(part or 0) for part in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
