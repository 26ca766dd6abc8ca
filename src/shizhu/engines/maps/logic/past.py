"""Counting what was open at times past."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection
from datetime import datetime


def counted(spans: Collection[tuple[datetime, datetime | None]], times: list[datetime]) -> list[int]:
    """How many of the spans (from, until; None for still open) hold each time; a span ends before its last moment."""
    begun = sorted(start for start, _end in spans)
    ended = sorted(end for _start, end in spans if end is not None)
    return [bisect_right(begun, time) - bisect_right(ended, time) for time in times]
