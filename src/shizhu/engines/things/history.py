"""Readings of archived days as the other queries need them: what is known now, out of the files.

An observation of a datastream and day is either in the table or in a file (`Day.is_recalled` says which), so what is
found here is put beside what the table has.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from shizhu.engines.things import archive
from shizhu.engines.things.logic.readings import Verdict

BEGINNING, END = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 1, 1, tzinfo=UTC)
FILES = """
SELECT y.datastream_id, a.file FROM things_day y JOIN things_archivedday a USING (day)
WHERE y.datastream_id = ANY(%s) AND NOT y.is_recalled AND y.day BETWEEN %s AND %s ORDER BY y.day
"""
LAST_FILES = """
SELECT s.id, a.file FROM unnest(%s::bigint[]) s (id) CROSS JOIN LATERAL (
  SELECT y.day FROM things_day y WHERE y.datastream_id = s.id AND NOT y.is_recalled AND y.readings > 0 AND y.day <= %s
  ORDER BY y.day DESC LIMIT 2) p JOIN things_archivedday a USING (day)
"""
KNOWN = """
SELECT datastream_id, epoch_us(phenomenon_time) AS time, result, verdict, origin, epoch_us(known_at), reason
FROM (SELECT * FROM read_parquet(?, filename = true) WHERE datastream_id BETWEEN ? AND ?
        AND phenomenon_time >= ? AND phenomenon_time <= ?)
SEMI JOIN (SELECT unnest(?::BIGINT[]) AS datastream_id, unnest(?::VARCHAR[]) AS filename)
  USING (datastream_id, filename)
QUALIFY row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) = 1
"""
NEWEST_FIRST = f"{KNOWN} ORDER BY phenomenon_time DESC LIMIT ?"
NEWEST = (
    "SELECT * EXCLUDE known FROM (SELECT *, row_number() OVER (PARTITION BY datastream_id ORDER BY time DESC) AS known"
    f" FROM ({KNOWN}) WHERE verdict <> {Verdict.WITHDRAWN:d}) WHERE known = 1"
)


class Known(NamedTuple):
    """A reading as it is known now; it may have been withdrawn."""

    stream: int
    time: datetime
    result: float | None
    verdict: int
    origin: int
    known_at: datetime
    reason: Any


def series(stream: int, start: datetime, end: datetime, most: int) -> list[Known]:
    """The newest `most` readings of a span, newest first."""
    return _read(pairs([stream], start, end), NEWEST_FIRST, start, end, most)


def files(stream: int, start: datetime, end: datetime) -> list[str]:
    """Files that hold readings of a span, in order of their days."""
    return [str(archive.folder() / file) for _, file in pairs([stream], start, end)]


def newest(streams: Collection[int], at: datetime) -> dict[int, Known]:
    """Of each datastream the newest reading until then, if any lies in a file."""
    last = _fetched(LAST_FILES, [list(streams), archive.day_of(at)])
    found = _read(last, NEWEST, BEGINNING, at)
    return {known.stream: known for known in found}


def pairs(streams: Collection[int], start: datetime, end: datetime) -> list[tuple[int, str]]:
    """(datastream, file) that hold readings of a span, in order of their days."""
    return _fetched(FILES, [list(streams), *_days(start, end)])


def _days(start: datetime, end: datetime) -> tuple[date, date]:
    first, last = (archive.day_of(min(max(moment, BEGINNING), END)) for moment in (start, end))
    return first, last


def _fetched(query: str, values: Sequence[Any]) -> list[tuple[int, str]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _read(lying: Iterable[tuple[int, str]], query: str, start: datetime, end: datetime, *more: int) -> list[Known]:
    streams, files = [], []
    for stream, file in lying:
        streams.append(stream)
        files.append(str(archive.folder() / file))
    if not streams:
        return []
    values = [sorted(set(files)), min(streams), max(streams), start, end, streams, files, *more]
    with archive.duck() as work:
        found = work.execute(query, values).fetchall()
    return [
        Known(
            stream,
            archive.moment(time),
            result,
            verdict,
            origin,
            archive.moment(known),
            reason and orjson.loads(reason),
        )
        for stream, time, result, verdict, origin, known, reason in found
    ]
