"""Commit a batch of readings: exactly once, with latest value and hourly rollup in the same transaction.

Identity is (datastream, phenomenon time, sequence). The same key and value again is a duplicate and ignored; the same
key with another value is a correction and gets the next sequence. What a log position says is committed already is
skipped, so a redelivered older value never looks like a new correction.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import orjson
import psycopg

from shizhu.engines.things.archive import ALWAYS_HOT, COLUMNS, DAY_LOCK
from shizhu.engines.things.logic import binary, neighbours
from shizhu.engines.things.logic.columns import NOTHING_MORE, Columns, Extent, columns, extents
from shizhu.engines.things.logic.neighbours import Known, Neighbours
from shizhu.engines.things.logic.readings import Reading, Reject, Stream, Verdict
from shizhu.engines.things.recall import TOUCHED as TOUCHED_FILES
from shizhu.engines.things.recall import recall
from shizhu.kernel import events
from shizhu.kernel.spans import COUNTY_ZONE

COMMITTED = "things.observations.committed"
DAY = timedelta(days=1)
PLAIN = struct.Struct(">hiqiqiiidiihihiii")  # a row of nothing but a number, at once
EVENT_READINGS = 2000  # per event, so that a message of the log stays below its limit

STAGE = """
CREATE TEMP TABLE IF NOT EXISTS incoming (
  datastream_id bigint, phenomenon_time timestamptz, phenomenon_end timestamptz, result_time timestamptz,
  result double precision, result_json jsonb, verdict smallint, origin smallint, feature_id bigint, extra jsonb,
  reason jsonb
) ON COMMIT DELETE ROWS
"""
GIVEN = (  # columns of a row as it is copied; `id`, `sequence` and `known_at` have defaults in `things_observation`
    "datastream_id, phenomenon_time, phenomenon_end, result_time, result, result_json, verdict, origin, feature_id,"
    " extra, reason"
)
MAINTAINED = """
SELECT s.id, m.starts, m.ends FROM things_maintenance m JOIN things_datastream s ON s.thing_id = m.thing_id
WHERE m.ends > %s AND m.starts <= %s
"""
COPY = f"COPY {{}} ({GIVEN}) FROM STDIN (FORMAT binary)"
INSERT = f"""
INSERT INTO things_observation ({COLUMNS})
SELECT nextval('things_observation_seq'), datastream_id, phenomenon_time, 0, phenomenon_end, result_time, result,
       result_json, verdict, origin, now(), feature_id, extra, reason
FROM incoming
ON CONFLICT (datastream_id, phenomenon_time, sequence) DO NOTHING
"""
CORRECT = f"""
INSERT INTO things_observation ({COLUMNS})
SELECT nextval('things_observation_seq'), i.datastream_id, i.phenomenon_time, o.sequence + 1, i.phenomenon_end,
       i.result_time, i.result, i.result_json, i.verdict, i.origin, now(), i.feature_id, i.extra, i.reason
FROM incoming i
CROSS JOIN LATERAL (
  SELECT sequence, result, result_json, phenomenon_end, extra, verdict FROM things_observation o
  WHERE o.datastream_id = i.datastream_id AND o.phenomenon_time = i.phenomenon_time
  ORDER BY sequence DESC LIMIT 1
) o
WHERE i.result IS DISTINCT FROM o.result OR i.result_json IS DISTINCT FROM o.result_json
  OR i.phenomenon_end <> coalesce(o.phenomenon_end, 'infinity') OR i.extra <> coalesce(o.extra, '{{}}')
  OR o.verdict = {Verdict.WITHDRAWN:d}
RETURNING datastream_id, phenomenon_time
"""
FRESH = """
SELECT o.datastream_id, o.phenomenon_time FROM things_observation o
JOIN incoming i USING (datastream_id, phenomenon_time) WHERE o.known_at = now() GROUP BY 1, 2
"""
NEWER = "excluded.phenomenon_time >= l.phenomenon_time"
VALUE_COLUMNS = ("result_time", "result", "result_json", "verdict", "reason", "origin", "known_at")
EXTENT_COLUMNS = "first_time, phenomenon_time, last_end, result_first, result_last, area, is_home"
LATEST = f"""
INSERT INTO things_latest AS l (datastream_id, {EXTENT_COLUMNS}, {", ".join(VALUE_COLUMNS)})
SELECT s.*, now() FROM unnest(
  %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
  %s::text[]::box[], %s::boolean[], %s::timestamptz[], %s::float8[], %s::jsonb[], %s::smallint[], %s::jsonb[],
  %s::smallint[]
) AS s
ON CONFLICT (datastream_id) DO UPDATE SET
  first_time = least(l.first_time, excluded.first_time),
  last_end = greatest(l.last_end, excluded.last_end),
  result_first = least(l.result_first, excluded.result_first),
  result_last = greatest(l.result_last, excluded.result_last),
  area = bound_box(coalesce(l.area, excluded.area), coalesce(excluded.area, l.area)),
  is_home = l.is_home OR excluded.is_home,
  phenomenon_time = greatest(l.phenomenon_time, excluded.phenomenon_time),
  {", ".join(f"{name} = CASE WHEN {NEWER} THEN excluded.{name} ELSE l.{name} END" for name in VALUE_COLUMNS)}
"""
HOURS_ADD = """
INSERT INTO things_hour AS h (datastream_id, hour, count, total, least, most)
SELECT * FROM unnest(%s::bigint[], %s::timestamptz[], %s::int[], %s::float8[], %s::float8[], %s::float8[])
ON CONFLICT (datastream_id, hour) DO UPDATE SET count = h.count + excluded.count, total = h.total + excluded.total,
  least = least(h.least, excluded.least), most = greatest(h.most, excluded.most)
"""
TOUCHED = "SELECT DISTINCT datastream_id, date_trunc('hour', phenomenon_time, 'UTC') AS hour FROM incoming"
TOUCHED_KEYS = """
SELECT DISTINCT stream AS datastream_id, date_trunc('hour', time, 'UTC') AS hour
FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (stream, time)
"""
HOURS_FORGET = (
    "DELETE FROM things_hour h USING ({touched}) t WHERE h.datastream_id = t.datastream_id AND h.hour = t.hour"
)
HOURS_RECOMPUTE = """
INSERT INTO things_hour (datastream_id, hour, count, total, least, most)
SELECT t.datastream_id, t.hour, count(*), sum(o.result), min(o.result), max(o.result)
FROM ({touched}) t CROSS JOIN LATERAL (
  SELECT DISTINCT ON (phenomenon_time) result, verdict FROM things_observation o
  WHERE o.datastream_id = t.datastream_id AND o.phenomenon_time >= t.hour
    AND o.phenomenon_time < t.hour + interval '1 hour'
  ORDER BY phenomenon_time, sequence DESC
) o WHERE o.verdict = 0 AND o.result IS NOT NULL GROUP BY 1, 2
"""
NEWEST = "SELECT datastream_id, phenomenon_time FROM things_latest WHERE datastream_id = ANY(%s)"
# Pairs are compared and ordered by, so that no plan but a walk back along the key will do, whatever is known of it.
BEFORE = f"""
SELECT s.id, s.time, o.phenomenon_time, o.result, o.verdict
FROM unnest(%s::bigint[], %s::timestamptz[]) AS s (id, time) CROSS JOIN LATERAL (
  SELECT DISTINCT ON (datastream_id, phenomenon_time) phenomenon_time, result, verdict FROM things_observation
  WHERE (datastream_id, phenomenon_time) < (s.id, s.time)
    AND (datastream_id, phenomenon_time) >= (s.id, s.time - interval '1 day') AND result IS NOT NULL
  ORDER BY datastream_id DESC, phenomenon_time DESC, sequence DESC LIMIT {neighbours.BEFORE}
) o
"""
SINCE = """
SELECT s.id, (
  SELECT min(phenomenon_time) FROM things_observation WHERE datastream_id = s.id AND phenomenon_time <= s.time
    AND phenomenon_time > coalesce((
      SELECT phenomenon_time FROM things_observation
      WHERE datastream_id = s.id AND phenomenon_time < s.time AND phenomenon_time >= s.time - 2 * s.span
        AND result <> s.value ORDER BY phenomenon_time DESC LIMIT 1), s.time - 2 * s.span))
FROM unnest(%s::bigint[], %s::timestamptz[], %s::float8[], %s::interval[]) AS s (id, time, value, span)
"""
# Of the same key, the highest sequence is what is known now (or was at a time, with `was` and `then`). A sequence above
# another is above 0 too: said again, because the few rows that are have an index of their own.
CURRENT = (
    f"{{was}}{{e}}.verdict <> {Verdict.WITHDRAWN:d} AND NOT EXISTS (SELECT FROM things_observation n"
    " WHERE n.datastream_id = {e}.datastream_id AND n.phenomenon_time = {e}.phenomenon_time"
    " AND n.sequence > {e}.sequence AND n.sequence > 0{then}{probe})"
)
# Rows that do not hold now: all have a key with a sequence above 0, because what is withdrawn has one too.
PAST = (
    "({e}.datastream_id, {e}.phenomenon_time) IN"
    " (SELECT n.datastream_id, n.phenomenon_time FROM things_observation n WHERE n.sequence > 0)"
    f" AND NOT ({CURRENT.format(e='{e}', was='', then='', probe='')})"
)
HERE = CURRENT.format(e="o", was="", then="", probe="")
WITHDRAW = f"""
INSERT INTO things_observation ({COLUMNS})
SELECT o.id, o.datastream_id, o.phenomenon_time, o.sequence + 1, o.phenomenon_end, o.result_time, NULL, NULL,
       {Verdict.WITHDRAWN:d}, o.origin, now(), o.feature_id, NULL, NULL
FROM things_observation o WHERE o.id = ANY(%s) AND {HERE} RETURNING datastream_id, phenomenon_time
"""
AMEND = f"""
INSERT INTO things_observation ({COLUMNS})
SELECT %s, s.stream, s.time, coalesce((SELECT max(sequence) FROM things_observation
         WHERE datastream_id = s.stream AND phenomenon_time = s.time) + 1, 0), %s, %s, %s, %s, %s, %s, now(), %s, %s, %s
FROM (SELECT %s::bigint AS stream, %s::timestamptz AS time) s
"""
TAKEN = f"SELECT o.id FROM things_observation o WHERE o.datastream_id = %s AND o.phenomenon_time = %s AND {HERE}"
BOXES = "SELECT id, things_box(feature)::text FROM things_featureofinterest WHERE id = ANY(%s)"
LATEST_FORGET = """
DELETE FROM things_latest WHERE datastream_id = ANY(%s)
RETURNING datastream_id, first_time, last_end, result_first, result_last, area::text, is_home
"""
HIDDEN = f"""
SELECT y.datastream_id, max(y.day) FROM things_day y
WHERE y.datastream_id = ANY(%s) AND NOT y.is_recalled AND y.last > coalesce((
  SELECT o.phenomenon_time FROM things_observation o WHERE o.datastream_id = y.datastream_id AND {HERE}
  ORDER BY o.phenomenon_time DESC LIMIT 1), '-infinity') GROUP BY 1
"""
LATEST_RECOMPUTE = f"""
INSERT INTO things_latest (datastream_id, {EXTENT_COLUMNS}, {", ".join(VALUE_COLUMNS)})
SELECT s.id, least(f.time, a.first), n.phenomenon_time,
       CASE WHEN w.is_wide THEN greatest(n.phenomenon_time, e.last_end, a.last_end) ELSE s.last END,
       CASE WHEN NOT w.is_wide THEN s.result_first WHEN a.is_archived THEN least(s.result_first, e.result_first)
         ELSE e.result_first END,
       CASE WHEN NOT w.is_wide THEN s.result_last WHEN a.is_archived THEN greatest(s.result_last, e.result_last)
         ELSE e.result_last END,
       CASE WHEN NOT w.is_wide THEN s.area
         WHEN a.is_archived THEN bound_box(coalesce(s.area, e.area), coalesce(e.area, s.area)) ELSE e.area END,
       CASE WHEN NOT w.is_wide THEN s.is_home ELSE e.is_home OR (a.is_archived AND s.is_home) END,
       {", ".join(f"n.{name}" for name in VALUE_COLUMNS)}
FROM unnest(
  %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::text[]::box[],
  %s::boolean[]
) AS s (id, first, last, result_first, result_last, area, is_home)
CROSS JOIN LATERAL (SELECT s.id = ANY(%s) AS is_wide) w
CROSS JOIN LATERAL (SELECT count(*) > 0 AS is_archived, min(y.first) AS first, max(y.last_end) AS last_end
  FROM things_day y WHERE y.datastream_id = s.id AND NOT y.is_recalled) a
CROSS JOIN LATERAL (SELECT * FROM things_observation o WHERE o.datastream_id = s.id AND {HERE}
  ORDER BY o.phenomenon_time DESC, o.sequence DESC LIMIT 1) n
CROSS JOIN LATERAL (SELECT o.phenomenon_time AS time FROM things_observation o WHERE o.datastream_id = s.id AND {HERE}
  ORDER BY o.phenomenon_time LIMIT 1) f
CROSS JOIN LATERAL (
  SELECT max(last_end) AS last_end, min(result_first) AS result_first, max(result_last) AS result_last,
         coalesce(bool_or(feature_id IS NULL), FALSE) AS is_home,
         box(point(max((b.box[0])[0]), max((b.box[0])[1])), point(min((b.box[1])[0]), min((b.box[1])[1]))) AS area
  FROM (
    SELECT o.feature_id, max(o.phenomenon_end) AS last_end, min(o.result_time) AS result_first,
           max(o.result_time) AS result_last
    FROM things_observation o WHERE w.is_wide AND o.datastream_id = s.id AND {HERE} GROUP BY 1
  ) o
  LEFT JOIN things_featureofinterest g ON g.id = o.feature_id
  LEFT JOIN LATERAL things_box(g.feature) AS b (box) ON g.id IS NOT NULL
) e
"""
# Datastreams in whose extent something stood that holds no more: a row that is superseded or withdrawn made an end of
# it, or was the last with its feature (or with none).
NARROWED = f"""
SELECT DISTINCT k.stream FROM unnest(%s::bigint[], %s::timestamptz[]) AS k (stream, time)
JOIN things_latest l ON l.datastream_id = k.stream
JOIN things_observation o ON o.datastream_id = k.stream AND o.phenomenon_time = k.time
WHERE NOT ({HERE}) AND (
  coalesce(o.phenomenon_end, o.phenomenon_time) >= l.last_end OR o.result_time <= l.result_first
  OR o.result_time >= l.result_last OR NOT EXISTS (
    SELECT FROM things_observation o2 WHERE o2.datastream_id = k.stream AND o2.feature_id = o.feature_id
      AND {HERE.replace("o.", "o2.")}) AND o.feature_id IS NOT NULL
  OR o.feature_id IS NULL AND NOT EXISTS (
    SELECT FROM things_observation o3 WHERE o3.datastream_id = k.stream AND o3.feature_id IS NULL
      AND {HERE.replace("o.", "o3.")})
)
"""
WATCHED = """
SELECT s.id, t.county_id FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id
WHERE s.is_watched AND s.id = ANY(%s)
"""
QUARANTINE = """
INSERT INTO things_quarantine (received, protocol, device_id, sender, payload, field, value, rule)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
SEEN = """
UPDATE things_device d SET last_seen = greatest(d.last_seen, s.seen), last_packet = s.packet
FROM unnest(%s::bigint[], %s::timestamptz[], %s::bytea[]) AS s (id, seen, packet) WHERE d.id = s.id
"""
HEARD_OF = "UPDATE things_device SET last_seen = greatest(last_seen, %s), last_packet = %s WHERE key = %s"
ERRORS = """
UPDATE things_device d SET last_error = s.error, last_error_at = s.seen
FROM unnest(%s::bigint[], %s::timestamptz[], %s::jsonb[]) AS s (id, seen, error) WHERE d.id = s.id
"""
POSITION = """
INSERT INTO things_logposition AS p (source, sequence, published, heard, since)
SELECT %s, %s, s.at, s.at, s.at FROM (SELECT %s::timestamptz) AS s (at)
ON CONFLICT (source) DO UPDATE SET sequence = excluded.sequence, published = excluded.published,
  heard = greatest(p.heard, excluded.heard),
  since = CASE WHEN excluded.heard > p.heard + %s THEN excluded.heard ELSE p.since END RETURNING now()
"""
HEARD = """
UPDATE things_logposition SET heard = s.at, since = CASE WHEN s.at > heard + %s THEN s.at ELSE least(since, s.at) END
FROM (SELECT %s::timestamptz) AS s (at) WHERE source = %s
"""
SILENCE = timedelta(seconds=30)  # nothing heard of the log for so long: nobody listened, or devices could not send
PACKETS = """
INSERT INTO things_packets (source, known_at, first_sequence, last_sequence, body) VALUES (%s, now(), %s, %s, %s)
"""


LOCK_DAYS = "SELECT pg_advisory_xact_lock_shared(%s, d) FROM unnest(%s::int[]) d ORDER BY d"
ANY_ARCHIVED = "SELECT 1 FROM things_archivedday WHERE day = ANY(%s) LIMIT 1"


@dataclass(frozen=True)
class Refused:
    """A reject with what is known of its sender, for the quarantine."""

    received: datetime
    protocol: str
    device: int | None
    sender: str
    payload: bytes
    reject: Reject


@dataclass
class Batch:
    """What one transaction commits."""

    readings: list[Reading] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    seen: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)  # device → last packet
    source: str = ""
    position: tuple[int, datetime] | None = None
    packets: list[tuple[int, str, bytes]] = field(default_factory=list)  # sequence, sender, raw

    @cached_property
    def table(self) -> Columns:
        """The readings by columns."""
        return columns(self.readings)

    @cached_property
    def packed(self) -> bytes:
        """The packets as they are kept."""
        return zlib.compress(orjson.dumps([(n, who, raw.decode("latin-1")) for n, who, raw in self.packets]), 1)

    def prepare(self) -> None:
        """Make what a transaction will want, while another one runs."""
        self.table.prepare()
        _ = self.packed


@dataclass
class Outcome:
    """What became of a batch."""

    committed: int = 0
    duplicates: int = 0
    corrections: int = 0
    refused: int = 0
    found: dict[int, Extent] = field(default_factory=dict)  # of each datastream, what was new or a correction
    corrected: set[tuple[int, datetime]] = field(default_factory=set)
    known_at: datetime | None = None  # of a source of the log


async def commit(connection: psycopg.AsyncConnection[Any], batch: Batch, streams: dict[int, Stream]) -> Outcome:
    """Commit the batch in one transaction. `streams` says which datastreams a rule watches."""
    outcome, given = Outcome(refused=len(batch.refused)), batch.table
    packed = asyncio.create_task(asyncio.to_thread(lambda: batch.packed))  # while the database works
    async with connection.transaction():
        fresh: list[Reading] = []
        await _take_back_days(connection, batch.readings, streams)
        maintained = await _maintained(connection, batch.readings, given)
        for round_ in [maintained] if given.is_single else _rounds(maintained):
            asked = given if round_ is batch.readings else columns(round_)
            judged = await _judged(connection, round_, asked, streams)
            fresh += await _write(connection, judged, asked if judged is round_ else columns(judged), outcome)
        if batch.refused:
            await _quarantine(connection, batch.refused)
        if batch.seen:
            ids, pairs = list(batch.seen), list(batch.seen.values())
            await connection.execute(SEEN, (ids, [seen for seen, _ in pairs], [packet for _, packet in pairs]))
        if batch.packets:
            await connection.execute(PACKETS, (batch.source, batch.packets[0][0], batch.packets[-1][0], await packed))
        if batch.position:
            ((outcome.known_at,),) = await _fetched(connection, POSITION, batch.source, *batch.position, SILENCE)
        await _tell(connection, fresh, streams)
        if outcome.corrected:
            told = [(r.stream, r.time) for r in fresh if r.verdict and (r.stream, r.time) in outcome.corrected]
            await _tell_gone(connection, told)
    return outcome


async def heard(connection: psycopg.AsyncConnection[Any], source: str, at: datetime) -> None:
    """All that a source of the log held at a time is committed."""
    await connection.execute(HEARD, (SILENCE, at, source))


async def withdraw(connection: psycopg.AsyncConnection[Any], ids: Sequence[int]) -> list[tuple[int, datetime]]:
    """Take observations back, each by a row with the next sequence and its id; what was known until now stays.

    Belongs in a transaction that has locked their datastreams, and has taken back their archived days. Returns their
    keys.
    """
    keys = await _fetched(connection, WITHDRAW, ids)
    await _refresh(connection, keys)
    await _tell_gone(connection, [(stream, time) for stream, time in keys])
    return [(stream, time) for stream, time in keys]


async def amend(
    connection: psycopg.AsyncConnection[Any], id_: int, before: datetime, reading: Reading, streams: dict[int, Stream]
) -> bool:
    """Correct the observation of that id and time: the next sequence, known from now on. False: the new time is taken.

    Belongs in a transaction that has locked its datastream, and has taken back its archived day.
    """
    await _take_back_days(connection, [reading], streams)
    if reading.time != before:
        if await _fetched(connection, TAKEN, reading.stream, reading.time):
            return False
        await _fetched(connection, WITHDRAW, [id_])
        await _tell_gone(connection, [(reading.stream, before)])
    (judged,) = await _judged(connection, [reading], columns([reading]), streams)
    await connection.execute(AMEND, (
        id_, judged.end, judged.result_time, judged.result, judged.result_json, judged.verdict, judged.origin,
        judged.feature, judged.extra, judged.reason, judged.stream, judged.time,
    ))  # fmt: skip
    await _refresh(connection, [(judged.stream, before), (judged.stream, judged.time)])
    await _tell(connection, [judged], streams)
    if judged.verdict != Verdict.GOOD:
        await _tell_gone(connection, [(judged.stream, judged.time)])
    return True


async def _refresh(connection: psycopg.AsyncConnection[Any], keys: Sequence[tuple[Any, ...]]) -> None:
    """Hours and latest values from the rows there are now."""
    columns = [stream for stream, _ in keys], [time for _, time in keys]
    await connection.execute(HOURS_FORGET.format(touched=TOUCHED_KEYS), columns)
    await connection.execute(HOURS_RECOMPUTE.format(touched=TOUCHED_KEYS), columns)
    streams = {stream for stream, _ in keys}
    hidden = await _fetched(connection, HIDDEN, list(streams))  # the newest that is left may lie in a file
    await take_back(connection, [(stream, day) for stream, day in hidden])
    await remeasure(connection, streams, await _narrowed(connection, keys))


async def _narrowed(connection: psycopg.AsyncConnection[Any], keys: Iterable[tuple[Any, ...]]) -> list[int]:
    """The datastreams whose extent something of these keys made that holds no more."""
    columns = [list(column) for column in zip(*keys, strict=True)] or [[], []]
    return [stream for (stream,) in await _fetched(connection, NARROWED, *columns)]


async def remeasure(connection: psycopg.AsyncConnection[Any], streams: Iterable[int], wide: Iterable[int]) -> None:
    """Latest values from the rows there are now; of those in `wide` the extent too, for which all are read."""
    known = await _fetched(connection, LATEST_FORGET, sorted(streams))
    columns = [list(column) for column in zip(*known, strict=True)] or [[]] * 7
    await connection.execute(LATEST_RECOMPUTE, (*columns, list(wide)))


def _rounds(readings: Sequence[Reading]) -> list[list[Reading]]:
    """Readings split so that no key comes twice in a round; an exact repeat within the batch stays for its round."""
    result: list[list[Reading]] = []
    times: dict[tuple[int, datetime], int] = {}
    for reading in readings:
        key = reading.stream, reading.time
        round_ = times.get(key, 0)
        times[key] = round_ + 1
        if round_ == len(result):
            result.append([])
        result[round_].append(reading)
    return result


async def _maintained(
    connection: psycopg.AsyncConnection[Any], readings: Sequence[Reading], table: Columns
) -> Sequence[Reading]:
    """The readings, those good ones suspect that were made while somebody worked at the Thing: no rule judges them."""
    if not readings:
        return readings
    windows: dict[int, list[tuple[datetime, datetime]]] = {}
    for id_, starts, ends in await _fetched(connection, MAINTAINED, *table.span):
        windows.setdefault(id_, []).append((starts, ends))
    if not windows:
        return readings
    reason = neighbours.encoded({"rule": "maintenance"})
    return [
        reading._replace(verdict=Verdict.SUSPECT, reason=reason)
        if not reading.verdict and any(a <= reading.time < b for a, b in windows.get(reading.stream, ()))
        else reading
        for reading in readings
    ]


async def _judged(
    connection: psycopg.AsyncConnection[Any],
    readings: Sequence[Reading],
    table: Columns,
    streams: Mapping[int, Stream],
) -> Sequence[Reading]:
    """The readings with their verdicts: those of datastreams with checks are compared with the ones before them."""
    around = await _neighbours(connection, readings, table, streams)
    if not (table.has_more or table.verdicts.any()):
        rows = {id_: np.sort(table.rows[id_]) for id_ in around}  # in the order of the log
        if all(own.passes(table.moments[rows[id_]], table.numbers[rows[id_]]) for id_, own in around.items()):
            return readings
    judged = []
    for reading in readings:
        own, number = around.get(reading[0]), reading[2]
        broken = own.judge(reading, number) if own is not None and number is not None else None
        is_untold = reading[3] and reading.reason is None
        reason = neighbours.of_itself(reading, streams.get(reading.stream)) if is_untold else broken
        if reason:
            verdict = max(reading.verdict, Verdict.SUSPECT if broken else Verdict.GOOD)
            judged.append(reading._replace(verdict=verdict, reason=neighbours.encoded(reason)))
        else:
            judged.append(reading)
    return judged


async def _neighbours(
    connection: psycopg.AsyncConnection[Any],
    readings: Sequence[Reading],
    table: Columns,
    streams: Mapping[int, Stream],
) -> dict[int, Neighbours]:
    """What is known around the readings of each datastream with checks."""
    around = {}
    for id_ in table.rows:
        stream = streams.get(id_)
        if stream and stream.checks and stream.checks.needs_neighbours:
            around[id_] = Neighbours(stream.checks)
    if not around:
        return around
    for id_, newest in await _fetched(connection, NEWEST, list(around)):
        around[id_].newest = newest
    wanted: dict[tuple[int, datetime | None], datetime] = {}  # datastream, time if late → before what
    for stream_id, known in around.items():
        for row in table.rows[stream_id].tolist():  # in order of time
            time = readings[row][1]
            if known.newest is None or time > known.newest:
                wanted[stream_id, None] = time
                break
            wanted[stream_id, time] = time
    before: dict[tuple[int, datetime], list[Known]] = {}
    ids = [id_ for id_, _ in wanted]
    for id_, asked, *row in await _fetched(connection, BEFORE, ids, list(wanted.values())):
        before.setdefault((id_, asked), []).append(Known(*row))
    for (id_, late), asked in wanted.items():
        found = before.get((id_, asked), [])[::-1]
        if late is None:
            around[id_].before = found
        else:
            around[id_].late[late] = found
    await _standing(connection, around)
    return around


async def _standing(connection: psycopg.AsyncConnection[Any], around: Mapping[int, Neighbours]) -> None:
    """Since when each datastream that may be stuck has had its value; looked up no further than it matters."""
    asked = [(id_, own.before[-1], own.checks.stuck) for id_, own in around.items() if own.before and own.checks.stuck]
    if asked:
        ids, last, spans = zip(*asked, strict=True)
        values, times = [known.result for known in last], [known.time for known in last]
        for id_, since in await _fetched(connection, SINCE, list(ids), times, values, list(spans)):
            around[id_].run = around[id_].before[-1].result, since


async def _fetched(connection: psycopg.AsyncConnection[Any], query: str, *values: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


def day_of(time: datetime) -> date:
    """The day of the county."""
    return time.astimezone(COUNTY_ZONE).date()


async def _take_back_days(
    connection: psycopg.AsyncConnection[Any], readings: Iterable[Reading], streams: Mapping[int, Stream]
) -> None:
    """What files have of the readings' datastreams and days, and of the days whose readings judge them."""
    old = datetime.now(UTC) - ALWAYS_HOT
    late = [reading for reading in readings if reading[1] < old]
    if not late:
        return
    pairs = set()
    for reading in late:
        pairs.add((reading.stream, day_of(reading.time)))
        stream = streams.get(reading.stream)
        if stream and stream.checks and stream.checks.needs_neighbours:
            pairs.add((reading.stream, day_of(reading.time - DAY)))
    await take_back(connection, pairs)
    await connection.execute(TOUCHED_FILES, (sorted({day_of(reading.time) for reading in late}),))


async def take_back(connection: psycopg.AsyncConnection[Any], pairs: Collection[tuple[int, date]]) -> None:
    """Take back what files have of datastreams and days; until the end of the transaction nobody archives them."""
    if not pairs:
        return
    await connection.execute(LOCK_DAYS, (DAY_LOCK, sorted({day.toordinal() for _, day in pairs})))
    if await _fetched(connection, ANY_ARCHIVED, [day for _, day in pairs]):
        await recall(connection, pairs)


async def _write(
    connection: psycopg.AsyncConnection[Any], readings: Sequence[Reading], table: Columns, outcome: Outcome
) -> Sequence[Reading]:
    """Write one round; returns the readings that were new or corrections."""
    if not readings:
        return readings
    rows = binary.table(map(_row, readings)) if table.has_more else table.copied
    corrected: set[tuple[Any, ...]] = set()
    async with connection.cursor() as cursor:
        if await _is_copied(connection, cursor, rows):
            outcome.committed += len(readings)
            await cursor.execute(HOURS_ADD, table.hours)
        else:
            await cursor.execute(STAGE)
            await cursor.execute("TRUNCATE incoming")
            await _copy(cursor, "incoming", rows)
            readings, corrected = await _settle(cursor, readings, outcome)
            table = columns(readings)
        if readings:
            found = extents(readings) if table.has_more else table.extents(readings)
            await cursor.execute(LATEST, _newest(found, await _boxes(connection, found)))
            outcome.found |= {stream: own.joined(outcome.found.get(stream)) for stream, own in found.items()}
        if corrected:
            wide = await _narrowed(connection, corrected)
            await remeasure(connection, wide, wide)
    return readings


async def _boxes(connection: psycopg.AsyncConnection[Any], extents: Mapping[int, Extent]) -> dict[int, str]:
    """The box of each feature that is named."""
    features = {feature for own in extents.values() for feature in own.features}
    if not features:
        return {}
    return {id_: box for id_, box in await _fetched(connection, BOXES, list(features)) if box}


async def _is_copied(connection: psycopg.AsyncConnection[Any], cursor: psycopg.AsyncCursor[Any], rows: bytes) -> bool:
    """Whether all keys are new, as nearly always: the rows are there then; otherwise nothing is."""
    try:
        async with connection.transaction():
            await _copy(cursor, "things_observation", rows)
    except psycopg.errors.UniqueViolation:
        return False
    return True


async def _copy(cursor: psycopg.AsyncCursor[Any], table: str, rows: bytes) -> None:
    async with cursor.copy(COPY.format(table)) as copy:
        await copy.write(rows)


def _newest(found: Mapping[int, Extent], boxes: Mapping[int, str]) -> list[list[Any]]:
    """Extents with their newest readings, as columns in order of the datastreams."""
    made = [
        (stream, own.first, r.time, own.last, own.result_first, own.result_last, _around(own.features, boxes),
         own.is_home, r.result_time, r.result, r.result_json, r.verdict, r.reason, r.origin)
        for stream, own in sorted(found.items()) for r in (own.newest,)
    ]  # fmt: skip
    return [list(column) for column in zip(*made, strict=True)]


def _around(features: Iterable[int], boxes: Mapping[int, str]) -> str | None:
    """The box around those of features."""
    found = [boxes[feature] for feature in features if feature in boxes]
    if len(found) < 2:
        return found[0] if found else None
    corners = [tuple(map(float, box.strip("()").replace("),(", ",").split(","))) for box in found]
    east, north, west, south = zip(*corners, strict=True)
    return f"({max(east)},{max(north)}),({min(west)},{min(south)})"


async def _settle(
    cursor: psycopg.AsyncCursor[Any], readings: Sequence[Reading], outcome: Outcome
) -> tuple[Sequence[Reading], set[tuple[Any, ...]]]:
    """Some keys were there before: correct those with another value; returns what is new, and corrected keys."""
    await cursor.execute(INSERT)
    inserted = cursor.rowcount
    await cursor.execute(CORRECT)
    corrected = set(await cursor.fetchall())
    keys = set(corrected)
    outcome.corrections += len(keys)
    outcome.corrected |= keys
    outcome.committed += inserted + len(keys)
    outcome.duplicates += len(readings) - inserted - len(keys)
    await cursor.execute(HOURS_FORGET.format(touched=TOUCHED))
    await cursor.execute(HOURS_RECOMPUTE.format(touched=TOUCHED))
    if inserted:
        await cursor.execute(FRESH)
        keys |= set(await cursor.fetchall())
    return [reading for reading in readings if (reading.stream, reading.time) in keys], corrected


def _row(reading: Reading) -> bytes:
    """A row in the order of `GIVEN`."""
    stream, time, result, verdict, origin, end, result_time, result_json, feature, extra, _, reason = reading
    if result is not None and (end, result_time, result_json, feature, extra, reason) == NOTHING_MORE:
        return PLAIN.pack(
            11, 8, stream, 8, binary.moment(time), -1, -1, 8, result, -1, 2, verdict, 2, origin, -1, -1, -1
        )
    return binary.row(
        binary.bigint(stream), binary.timestamp(time), binary.timestamp(end), binary.timestamp(result_time),
        binary.double(result), binary.jsonb(result_json), binary.smallint(verdict), binary.smallint(origin),
        binary.bigint(feature), binary.jsonb(extra), binary.jsonb(reason),
    )  # fmt: skip


async def _quarantine(connection: psycopg.AsyncConnection[Any], refused: Sequence[Refused]) -> None:
    async with connection.cursor() as cursor:
        await cursor.executemany(
            QUARANTINE,
            [(r.received, r.protocol, r.device, plain(r.sender, 120), r.payload, *told(r.reject)) for r in refused],
        )
        last = {r.device: r for r in refused if r.device is not None}
        errors = [
            orjson.dumps(dict(zip(("field", "value", "rule"), told(r.reject), strict=True))).decode()
            for r in last.values()
        ]
        await cursor.execute(ERRORS, (list(last), [r.received for r in last.values()], errors))


def plain(text: str, longest: int) -> str:
    """Text the database can keep: without NUL, not too long."""
    return text.replace("\0", "\N{SYMBOL FOR NULL}")[:longest]


def told(reject: Reject) -> tuple[str, str, str]:
    """Field, value, rule of a reject as they are kept."""
    return plain(reject.field, 80), plain(reject.value, 1000), plain(reject.rule, 1000)


async def _tell(connection: psycopg.AsyncConnection[Any], fresh: list[Reading], streams: dict[int, Stream]) -> None:
    """Events for the readings that a rule watches."""
    by_county: dict[str, list[tuple[object, ...]]] = {}
    county = {id_: streams[id_].county for id_ in {r[0] for r in fresh} & streams.keys() if streams[id_].is_watched}
    for reading in fresh if county else ():
        is_judged = reading[0] in county and reading.verdict == Verdict.GOOD and not reading.is_history
        if is_judged and reading.result is not None:
            row = reading.stream, reading.time, reading.result, reading.origin
            by_county.setdefault(county[reading.stream], []).append(row)
    for code, rows in by_county.items():
        for start in range(0, len(rows), EVENT_READINGS):
            subject, envelope = events.envelope(
                COMMITTED, code, code, {"readings": rows[start : start + EVENT_READINGS]}
            )
            await connection.execute(events.INSERT, ([subject], [envelope.decode()]))
    if by_county:
        await connection.execute(events.NOTIFY)


async def _tell_gone(connection: psycopg.AsyncConnection[Any], keys: Sequence[tuple[int, datetime]]) -> None:
    """An event without values for readings that a rule may have judged and that are good no more."""
    if not keys:
        return
    county = dict(await _fetched(connection, WATCHED, sorted({stream for stream, _ in keys})))
    for code in sorted(set(county.values())):
        rows = [(stream, time, None, 0) for stream, time in keys if county.get(stream) == code]
        subject, envelope = events.envelope(COMMITTED, code, code, {"readings": rows})
        await connection.execute(events.INSERT, ([subject], [envelope.decode()]))
        await connection.execute(events.NOTIFY)
