"""Closed days of observations in Parquet files: written, forced to disk, read again, and only then dropped here.

A day is the county's. Its file holds all rows, sorted by datastream and time, as the table has
them; the catalogue `ArchivedDay` names the one that counts. The rows leave the table in the transaction that enters the
file, so a reader sees them once, and whoever is killed in between leaves at most a file that nobody names.

What comes later for an archived day (late, corrected, deleted) is a row of the table again: it goes before the row of
the same key in the file, until `archive` writes the file anew with both.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from shizhu.engines.things.models import ArchivedDay, Datastream, Day, Hour, Packets
from shizhu.engines.things.store import COLUMNS, DAY_LOCK
from shizhu.kernel import spans

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

logger = logging.getLogger(__name__)
FOLDER, SCRATCH = "history", "scratch"
NAMES = [name.strip() for name in COLUMNS.split(",")]
TYPES = dict.fromkeys(("phenomenon_time", "phenomenon_end", "result_time", "known_at"), "TIMESTAMPTZ") | {
    "id": "BIGINT", "datastream_id": "BIGINT", "feature_id": "BIGINT", "sequence": "SMALLINT", "result": "DOUBLE",
    "verdict": "TINYINT", "origin": "TINYINT", "result_json": "VARCHAR", "extra": "VARCHAR", "reason": "VARCHAR",
}  # fmt: skip
MEMORY = "256MB"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KEPT = timedelta(hours=1)  # a file that no longer counts, for whoever reads it just now
OFFSET = "interval '8 hours'"  # of the county's time
FRESH = f"""
COPY (SELECT {COLUMNS} FROM things_observation WHERE phenomenon_time >= %s AND phenomenon_time < %s)
TO STDOUT (FORMAT csv)
"""
FRESH_SUMS = """
SELECT count(*), coalesce(sum(id), 0), coalesce(sum((extract(epoch FROM phenomenon_time) * 1000000)::bigint), 0)
FROM things_observation WHERE phenomenon_time >= %s AND phenomenon_time < %s
"""
CSV_SUMS = "SELECT count(*), coalesce(sum(id), 0), coalesce(sum(epoch_us(phenomenon_time)), 0) FROM fresh"
CSV = f"""
CREATE TEMP TABLE fresh AS SELECT * FROM read_csv(?, header = false, auto_detect = false, delim = ',', quote = '"',
  escape = '"', nullstr = '', columns = { ({name: TYPES[name] for name in NAMES}) })
"""
# Rows of the file and of the table as one history of each key. A first row of the table that says what the last of the
# file says is the same reading, come again; rows of a datastream that was deleted are left out.
MERGED = """
CREATE TEMP TABLE merged AS
WITH together AS (SELECT *, 0 AS part FROM read_parquet(?) UNION ALL SELECT *, 1 AS part FROM fresh),
marked AS (
  SELECT *, part = 1 AND lag(part) OVER w = 0 AND verdict <> 3 AND lag(verdict) OVER w <> 3
    AND result IS NOT DISTINCT FROM lag(result) OVER w
    AND result_json IS NOT DISTINCT FROM lag(result_json) OVER w
    AND (phenomenon_end IS NULL OR phenomenon_end IS NOT DISTINCT FROM lag(phenomenon_end) OVER w)
    AND (extra IS NULL OR extra IS NOT DISTINCT FROM lag(extra) OVER w) AS is_same
  FROM together WINDOW w AS (PARTITION BY datastream_id, phenomenon_time ORDER BY part, sequence)
)
SELECT * EXCLUDE (part, is_same) REPLACE ((row_number() OVER w - 1)::SMALLINT AS sequence) FROM marked
WHERE is_same IS NOT TRUE AND datastream_id IN (SELECT unnest(?::BIGINT[]))
WINDOW w AS (PARTITION BY datastream_id, phenomenon_time ORDER BY part, sequence)
"""
WRITE = """
COPY (SELECT * FROM {table} ORDER BY datastream_id, phenomenon_time, sequence) TO '{file}'
(FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 9)
"""
SUMS = f"SELECT count(*), coalesce(bit_xor(hash({', '.join(NAMES)})), 0) FROM "
ROLLUP = """
SELECT datastream_id, {by}, count(*) FILTER (WHERE is_good), sum(result) FILTER (WHERE is_good),
       min(result) FILTER (WHERE is_good), max(result) FILTER (WHERE is_good), count(*)
FROM (SELECT *, verdict = 0 AND result IS NOT NULL AS is_good FROM read_parquet(?)
      QUALIFY row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) = 1)
WHERE verdict <> 3
GROUP BY 1, 2 ORDER BY 1, 2
"""
HOUR_OF = "epoch_us(date_trunc('hour', phenomenon_time))"
DAYS = f"""
WITH RECURSIVE firsts AS (
  SELECT (SELECT min(phenomenon_time) FROM things_observation WHERE phenomenon_time < %(end)s) AS first
  UNION ALL
  SELECT (SELECT min(phenomenon_time) FROM things_observation WHERE phenomenon_time < %(end)s AND phenomenon_time >=
    date_trunc('day', first + {OFFSET}, 'UTC') - {OFFSET} + interval '1 day') FROM firsts WHERE first IS NOT NULL
) SELECT first FROM firsts WHERE first IS NOT NULL
"""


class ArchiveFault(Exception):
    """A file does not hold what was written: nothing was dropped. The text says which, and what differs."""


@lru_cache(maxsize=1)
def _duckdb() -> DuckDBPyConnection:
    """DuckDB, loaded by the process that needs it."""
    import duckdb  # noqa: PLC0415  # 40 MB that most processes never need

    made = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(folder(SCRATCH))})
    made.execute("SET TimeZone = 'UTC'")
    return made


def duck() -> DuckDBPyConnection:
    """A connection of DuckDB for one thread and one use; temporary tables go with it."""
    return _duckdb().cursor()


def folder(name: str = FOLDER) -> Path:
    """Where the files lie, or what is put aside for a moment."""
    made = Path(settings.CONFIG.home) / name
    made.mkdir(parents=True, exist_ok=True)
    return made


def path(day: ArchivedDay) -> str:
    """The day's file."""
    return str(folder() / day.file)


def span(day: date) -> tuple[datetime, datetime]:
    """Beginning and end of a day of the county."""
    start = datetime(day.year, day.month, day.day, tzinfo=spans.COUNTY_ZONE)
    return start, start + timedelta(days=1)


def day_of(moment: datetime) -> date:
    """The county's day of a moment."""
    return moment.astimezone(spans.COUNTY_ZONE).date()


def due(now: datetime, hot_days: int) -> list[date]:
    """Days with rows in the table that have been closed for longer than `hot_days`, oldest first."""
    end = span(day_of(now) - timedelta(days=hot_days))[0]
    with connection.cursor() as cursor:
        cursor.execute(DAYS, {"end": end})
        return [day_of(first) for (first,) in cursor.fetchall()]


def archive(day: date) -> int:
    """Write the day's file from the table's rows and the file there was, drop the rows; returns how many it holds.

    ArchiveFault, OSError (disk full, folder not writable): then nothing has changed.
    """
    with _alone(day), transaction.atomic(), duck() as work:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known = ArchivedDay.objects.filter(pk=day).first()
        fresh = _load(work, day)
        table = _merge(work, path(known)) if known else "fresh"
        sums = _sums(work, table)
        name = f"{day}-{secrets.token_hex(4)}.parquet"
        _write(work, table, folder() / name)
        _verify(folder() / name, sums)
        _drop(day, fresh)
        ArchivedDay.objects.update_or_create(
            day=day, defaults={"file": name, "rows": sums[0], "is_touched": False, "written_at": timezone.now()}
        )
        _roll_up(work, day, folder() / name, has_hours=known is not None)
        return sums[0]


@contextlib.contextmanager
def _alone(day: date) -> Iterator[None]:
    """Nobody else archives the day or commits a late reading of it; ends with the session at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", (DAY_LOCK, day.toordinal()))
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (DAY_LOCK, day.toordinal()))


def _load(work: DuckDBPyConnection, day: date) -> int:
    """The table's rows of the day as `fresh`; returns how many."""
    with tempfile.NamedTemporaryFile(dir=folder(SCRATCH), suffix=".csv") as file, connection.cursor() as cursor:
        with cursor.copy(FRESH, span(day)) as copy:
            for block in copy:
                file.write(block)
        file.flush()
        work.execute(CSV, [file.name])
        cursor.execute(FRESH_SUMS, span(day))
        told, found = tuple(map(int, cursor.fetchone())), _row(work.execute(CSV_SUMS))
        if told != found:
            raise ArchiveFault(f"{day}: the table has (rows, ids, times) {told}, what was read of it {found}")
        return told[0]


def _merge(work: DuckDBPyConnection, file: str) -> str:
    """Rows of the file and the fresh ones as `merged`."""
    work.execute(MERGED, [file, list(Datastream.objects.values_list("pk", flat=True))])
    return "merged"


def _sums(work: DuckDBPyConnection, table: str, *values: str) -> tuple[int, ...]:
    """Rows, and a checksum that does not depend on their order."""
    return _row(work.execute(SUMS + table, list(values)))


def _row(found: Any) -> tuple[int, ...]:
    return tuple(map(int, found.fetchone()))


def _write(work: DuckDBPyConnection, table: str, file: Path) -> None:
    """Write the file and force it and its name to disk."""
    work.execute(WRITE.format(table=table, file=str(file).replace("'", "''")))
    for kept in (file, file.parent):
        handle = os.open(kept, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _verify(file: Path, sums: tuple[int, ...]) -> None:
    """Read the file again; ArchiveFault if it does not hold those rows."""
    with duck() as again:
        found = _sums(again, "read_parquet(?)", str(file))
    if found != sums:
        raise ArchiveFault(f"{file}: should hold (rows, checksum) {sums}, holds {found}")


def _drop(day: date, count: int) -> None:
    """Take from the table what the snapshot of this transaction shows of the day: what is in the file now."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM things_observation WHERE phenomenon_time >= %s AND phenomenon_time < %s", span(day))
        if cursor.rowcount != count:
            raise ArchiveFault(f"{day}: {count} rows were written, {cursor.rowcount} would be dropped")


def _roll_up(work: DuckDBPyConnection, day: date, file: Path, *, has_hours: bool) -> None:
    """The day's rollups; the hours' too, if rows came after the day was archived."""
    known = set(Datastream.objects.values_list("pk", flat=True))
    Day.objects.filter(day=day).delete()
    Day.objects.bulk_create(
        Day(datastream_id=id_, day=day, count=count, total=total, least=least, most=most, readings=readings)
        for id_, _, count, total, least, most, readings in _rolled(work, file, "0")
        if id_ in known
    )
    if has_hours:
        start, end = span(day)
        Hour.objects.filter(hour__gte=start, hour__lt=end).delete()
        Hour.objects.bulk_create(
            Hour(datastream_id=id_, hour=moment(hour), count=count, total=total, least=least, most=most)
            for id_, hour, count, total, least, most, _ in _rolled(work, file, HOUR_OF)
            if id_ in known and count
        )


def _rolled(work: DuckDBPyConnection, file: Path, by: str) -> list[tuple[Any, ...]]:
    return work.execute(ROLLUP.format(by=by), [str(file)]).fetchall()


def moment(microseconds: int) -> datetime:
    """The time of DuckDB's `epoch_us`."""
    return EPOCH + timedelta(microseconds=microseconds)


def night() -> None:
    """What is due, day by day: archive, write touched days anew, forget old packets and files that count no more."""
    now = timezone.now()
    for day in sorted({*due(now, settings.CONFIG.hot_days), *touched()}):
        try:
            archive(day)
        except (ArchiveFault, OSError, OperationalError) as fault:
            logger.error("the day %s was not archived, its rows stay in the database: %s", day, fault)  # noqa: TRY400  # said
    Packets.objects.filter(known_at__lt=now - timedelta(days=settings.CONFIG.packet_days)).delete()
    sweep()


def touched() -> list[date]:
    """Archived days with rows in the table that are not in their files yet."""
    return list(ArchivedDay.objects.filter(is_touched=True).values_list("day", flat=True))


def sweep() -> None:
    """Remove files that the catalogue does not name: of a process that was killed, or written anew since."""
    named = set(ArchivedDay.objects.values_list("file", flat=True))
    for file in folder().iterdir():
        if file.is_file() and file.name not in named and time.time() - file.stat().st_mtime > KEPT.total_seconds():
            file.unlink(missing_ok=True)
