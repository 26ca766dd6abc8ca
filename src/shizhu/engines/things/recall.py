"""Rows of archived days, out of their files: taken back into the table to be changed, or beside it to be read.

What is taken back stays until `archive` writes the day's file anew. What is read lies in a temporary table of the
session until the transaction ends; `WHOLE` shows it together with the table.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from shizhu.engines.things import archive
from shizhu.engines.things.archive import COLUMNS

Connection = psycopg.AsyncConnection[Any]
Pair = tuple[int, date]  # a datastream and a day of the county
MOST = 600_000  # rows one answer may read from files: a year of one datastream by the minute
WHOLE = "things_whole"
KEPT_STREAMS = """
SELECT y.datastream_id, y.day, a.file FROM things_day y JOIN things_archivedday a USING (day)
JOIN unnest(%s::bigint[], %s::date[]) AS k (stream, day) ON k.stream = y.datastream_id AND k.day = y.day
WHERE NOT y.is_recalled ORDER BY y.datastream_id, y.day FOR UPDATE OF y
"""
RECALLED = """
UPDATE things_day y SET is_recalled = TRUE FROM unnest(%s::bigint[], %s::date[]) AS k (stream, day)
WHERE k.stream = y.datastream_id AND k.day = y.day
"""
TOUCHED = "UPDATE things_archivedday SET is_touched = TRUE WHERE day = ANY(%s) AND NOT is_touched"
DAYS_OF_IDS = """
SELECT day, file FROM things_archivedday a WHERE EXISTS (
  SELECT FROM unnest(%s::bigint[]) id WHERE id BETWEEN a.first_id AND a.last_id)
"""
KEPT_OF = (
    "SELECT datastream_id, day FROM things_day WHERE NOT is_recalled AND datastream_id = ANY(%s) AND day = ANY(%s)"
)
SESSION = f"""
CREATE TEMP TABLE things_thawed (LIKE things_observation INCLUDING INDEXES) ON COMMIT DELETE ROWS;
CREATE TEMP VIEW {WHOLE} AS SELECT {COLUMNS} FROM things_observation UNION ALL SELECT {COLUMNS} FROM things_thawed
"""
ROWS = f"""
SELECT {COLUMNS} FROM read_parquet(?)
WHERE datastream_id BETWEEN ? AND ? AND datastream_id IN (SELECT unnest(?::BIGINT[]))
"""
FIRST = f"""
SELECT {COLUMNS} FROM (
  SELECT *, arg_max(verdict, sequence) OVER (PARTITION BY datastream_id, phenomenon_time) AS final FROM found
) WHERE final <> 3 QUALIFY dense_rank() OVER (PARTITION BY datastream_id ORDER BY phenomenon_time {{way}}) <= {{most}}
"""
FOUND = "SELECT DISTINCT datastream_id FROM read_parquet(?) WHERE id IN (SELECT unnest(?::BIGINT[]))"
TO_CSV = "COPY ({query}) TO '{file}' (FORMAT csv, HEADER false, USE_TMP_FILE false)"


@dataclass(frozen=True)
class First:
    """Of each datastream only so many readings that are known now, the oldest or the newest."""

    most: int
    is_newest: bool


async def recall(connection: Connection, pairs: Iterable[Pair]) -> None:
    """Take back what the files have of these; belongs in a transaction that holds the lock of the days."""
    wanted = sorted(set(pairs))
    found = await _fetched(connection, KEPT_STREAMS, *_columns(wanted))
    if not found:
        return
    await connection.execute(RECALLED, _columns([(stream, day) for stream, day, _ in found]))
    await connection.execute(TOUCHED, (sorted({day for _, day, _ in found}),))
    await _copy(connection, "things_observation", found)


async def of_ids(connection: Connection, ids: Sequence[int]) -> list[Pair]:
    """Where observations with these ids lie in files."""
    found: list[Pair] = []
    for day, file in await _fetched(connection, DAYS_OF_IDS, list(ids)):
        streams = await asyncio.to_thread(_holding, file, list(ids))
        found += await _fetched(connection, KEPT_OF, streams, [day])
    return found


async def begin(connection: Connection) -> None:
    """Let the session have `WHOLE`, with nothing beside the table yet."""
    if not await _fetched(connection, "SELECT 1 WHERE to_regclass('pg_temp.things_thawed') IS NOT NULL"):
        await connection.execute(SESSION)
    elif connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE:
        await connection.execute("TRUNCATE pg_temp.things_thawed")


async def thaw(connection: Connection, found: Sequence[tuple[int, date, str]], first: First | None = None) -> None:
    """Put rows of files (datastream, day, file) beside the table until the transaction ends."""
    if found:
        await _copy(connection, "things_thawed", found, first)


def _columns(pairs: Sequence[Pair]) -> tuple[list[int], list[date]]:
    return [stream for stream, _ in pairs], [day for _, day in pairs]


async def _fetched(connection: Connection, query: str, *values: Any) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query, values)).fetchall()


def _holding(file: str, ids: list[int]) -> list[int]:
    with archive.duck() as work:
        return [stream for (stream,) in work.execute(FOUND, [str(archive.folder() / file), ids]).fetchall()]


async def _copy(
    connection: Connection, table: str, found: Sequence[tuple[int, date, str]], first: First | None = None
) -> None:
    with tempfile.NamedTemporaryFile(dir=archive.folder(archive.SCRATCH), suffix=".csv") as file:
        await asyncio.to_thread(_export, found, file.name, first)
        async with (
            connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN (FORMAT csv)") as copy,
        ):
            while block := file.read(1 << 18):
                await copy.write(block)


def _export(found: Sequence[tuple[int, date, str]], target: str, first: First | None) -> None:
    """Rows of files as CSV: files with the same datastreams at once."""
    files: dict[str, list[int]] = {}
    for stream, _, file in found:
        files.setdefault(str(archive.folder() / file), []).append(stream)
    together: dict[tuple[int, ...], list[str]] = {}
    for name, streams in files.items():
        together.setdefault(tuple(sorted(streams)), []).append(name)
    with archive.duck() as work:
        work.execute(f"CREATE TEMP TABLE found AS {ROWS} LIMIT 0", [[*files], 0, 0, []])
        for own, names in together.items():
            work.execute(f"INSERT INTO found {ROWS}", [names, own[0], own[-1], list(own)])
        query = FIRST.format(way="DESC" if first.is_newest else "ASC", most=first.most) if first else "FROM found"
        work.execute(TO_CSV.format(query=query, file=target.replace("'", "''")))
