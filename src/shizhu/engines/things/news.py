"""What was committed, for whoever publishes it: entities by triggers, Observations by those who write them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import psycopg

from shizhu.engines.things.logic.readings import Reading

ENTITIES, OBSERVED = "things_entities", "things_observed"
ENTITY = re.compile(r"(\w+)\((\d+)\)")
KNOWN_AT = """to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00 "')"""
NOTIFY = f"SELECT pg_notify('{OBSERVED}', {KNOWN_AT} || k) FROM unnest(%s::text[]) k"


class Span(NamedTuple):
    """Observations of one Datastream between two times, both included."""

    stream: int
    first: datetime
    last: datetime


@dataclass(frozen=True)
class Entity:
    """One that was made or changed."""

    set: str
    id: int


@dataclass(frozen=True)
class Observed:
    """Observations that one transaction committed, and those of the same spans that others had committed before."""

    spans: tuple[Span, ...]
    known_at: datetime


News = Entity | Observed


def spans(readings: Iterable[Reading]) -> tuple[Span, ...]:
    """The times of readings by their Datastream."""
    found: dict[int, tuple[datetime, datetime]] = {}
    for reading in readings:
        time = reading.time
        first, last = found.get(reading.stream) or (time, time)
        found[reading.stream] = min(first, time), max(last, time)
    return tuple(Span(stream, *times) for stream, times in found.items())


async def tell(connection: psycopg.AsyncConnection[Any], found: Iterable[Span]) -> None:
    """In a transaction: whoever publishes hears of its Observations once it is committed."""
    told = [f"{span.stream} {span.first.isoformat()} {span.last.isoformat()}" for span in found]
    await connection.execute(NOTIFY, (told,))


def heard(channel: str, payload: str) -> News | None:
    """What a notice of the database says."""
    if channel == OBSERVED:
        known_at, stream, first, last = payload.split(" ")
        span = Span(int(stream), datetime.fromisoformat(first), datetime.fromisoformat(last))
        return Observed((span,), datetime.fromisoformat(known_at))
    found = ENTITY.fullmatch(payload)
    return Entity(found[1], int(found[2])) if found else None
