"""Closed days of observations in Parquet files: written, forced to disk, read again, and only then dropped here.

A day is the county's. Its file holds all rows, sorted by datastream and time, as the table has
them; the catalogue `ArchivedDay` names the one that counts. The rows leave the table in the transaction that enters the
file, so a reader sees them once, and whoever is killed in between leaves at most a file that nobody names.

All rows of a datastream and day lie in one place. Who changes one of them (late, corrected, deleted) takes them back
into the table before (`recall`), where everything goes on as on any day; `archive` then writes the file anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Max, Min, Sum
from django.utils import timezone

from shizhu.engines.things.models import (
    ArchivedDay,
    ArchivedFeature,
    Datastream,
    Day,
    FeatureOfInterest,
    Night,
    Packets,
)
from shizhu.kernel import spans

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

logger = logging.getLogger(__name__)
FOLDER, SCRATCH = "history", "scratch"
COLUMNS = (
    "id, datastream_id, phenomenon_time, sequence, phenomenon_end, result_time, result, result_json, verdict, origin,"
    " known_at, feature_id, extra, reason"
)
NAMES = [name.strip() for name in COLUMNS.split(",")]
TYPES = dict.fromkeys(("phenomenon_time", "phenomenon_end", "result_time", "known_at"), "TIMESTAMPTZ") | {
    "id": "BIGINT", "datastream_id": "BIGINT", "feature_id": "BIGINT", "sequence": "SMALLINT", "result": "DOUBLE",
    "verdict": "TINYINT", "origin": "TINYINT", "result_json": "VARCHAR", "extra": "VARCHAR", "reason": "VARCHAR",
}  # fmt: skip
DAY_LOCK = 7_265_001  # class of the advisory locks on days
ALWAYS_HOT = timedelta(days=2)  # days that ended later are never archived
MEMORY = "256MB"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NIGHTS_KEPT = timedelta(days=90)
KEPT = timedelta(days=1)  # a file that no longer counts, for whoever reads it just now, or takes a backup
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
MERGED = """
CREATE TEMP TABLE merged AS
SELECT * FROM read_parquet(?) WHERE datastream_id IN (SELECT unnest(?::BIGINT[])) UNION ALL SELECT * FROM fresh
"""
WRITE = """
COPY (SELECT * FROM {table} ORDER BY datastream_id, phenomenon_time, sequence) TO '{file}'
(FORMAT parquet, PARQUET_VERSION V2, COMPRESSION zstd, COMPRESSION_LEVEL 9)
"""
SUMS = f"SELECT count(*), coalesce(bit_xor(hash({', '.join(NAMES)})), 0) FROM "
ROLLUP = """
SELECT datastream_id, count(*) FILTER (WHERE is_good), sum(result) FILTER (WHERE is_good),
       min(result) FILTER (WHERE is_good), max(result) FILTER (WHERE is_good), count(*) FILTER (WHERE is_here),
       sum(versions)::INTEGER, epoch_us(min(phenomenon_time) FILTER (WHERE is_here)),
       epoch_us(max(phenomenon_time) FILTER (WHERE is_here)),
       epoch_us(max(coalesce(phenomenon_end, phenomenon_time)) FILTER (WHERE is_here))
FROM (SELECT *, verdict = 0 AND result IS NOT NULL AS is_good, verdict <> 3 AS is_here,
        count(*) OVER (PARTITION BY datastream_id, phenomenon_time) AS versions FROM read_parquet(?)
      QUALIFY row_number() OVER (PARTITION BY datastream_id, phenomenon_time ORDER BY sequence DESC) = 1)
GROUP BY 1 ORDER BY 1
"""
FEATURES = "SELECT DISTINCT datastream_id, feature_id FROM read_parquet(?) WHERE feature_id IS NOT NULL ORDER BY ALL"
IDS = "SELECT coalesce(min(id), 0), coalesce(max(id), 0) FROM read_parquet(?)"
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

    return duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(folder(SCRATCH))})


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
    with _alone(day), transaction.atomic(), faults(), duck() as work:
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        known = ArchivedDay.objects.filter(pk=day).first()
        fresh = _load(work, day)
        table = _merge(work, day, path(known)) if known else "fresh"
        sums = _sums(work, table)
        name = f"{day}-{secrets.token_hex(4)}.parquet"
        try:
            _write(work, table, folder() / name)
            _verify(folder() / name, sums)
        except BaseException:
            (folder() / name).unlink(missing_ok=True)
            raise
        _drop(day, fresh)
        first, last = _row(work.execute(IDS, [str(folder() / name)]))
        ArchivedDay.objects.update_or_create(
            day=day,
            defaults={
                "file": name, "rows": sums[0], "is_touched": False, "written_at": timezone.now(), "first_id": first,
                "last_id": last, "sha256": digest(folder() / name),
            },
        )  # fmt: skip
        _roll_up(work, day, folder() / name)
        if known and Path(path(known)).exists():
            os.utime(path(known))  # kept from now on
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


@contextlib.contextmanager
def faults() -> Iterator[None]:
    """What DuckDB cannot do (disk full, a file that is no Parquet) is an ArchiveFault."""
    import duckdb  # noqa: PLC0415  # see `_duckdb`

    try:
        yield
    except duckdb.Error as fault:
        raise ArchiveFault(f"the file could not be made or read: {fault}") from fault


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


def _merge(work: DuckDBPyConnection, day: date, file: str) -> str:
    """Rows of the file that count still and the fresh ones, as `merged`."""
    kept = Day.objects.filter(day=day, is_recalled=False).values_list("datastream_id", flat=True)
    work.execute(MERGED, [file, list(kept)])
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


def _roll_up(work: DuckDBPyConnection, day: date, file: Path) -> None:
    """The day's rollups, and the features that its readings name."""
    known = set(Datastream.objects.values_list("pk", flat=True))
    Day.objects.filter(day=day).delete()
    Day.objects.bulk_create(
        Day(
            datastream_id=id_, day=day, count=count, total=total, least=least, most=most, readings=readings, rows=rows,
            first=_moment(first), last=_moment(last), last_end=_moment(end),
        )
        for id_, count, total, least, most, readings, rows, first, last, end in _rolled(work, ROLLUP, file)
        if id_ in known
    )  # fmt: skip
    ArchivedFeature.objects.filter(day=day).delete()
    features = set(FeatureOfInterest.objects.values_list("pk", flat=True))
    ArchivedFeature.objects.bulk_create(
        ArchivedFeature(datastream_id=id_, feature_id=feature, day=day)
        for id_, feature in _rolled(work, FEATURES, file)
        if id_ in known and feature in features
    )


def _rolled(work: DuckDBPyConnection, query: str, file: Path) -> list[tuple[Any, ...]]:
    return work.execute(query, [str(file)]).fetchall()


def moment(microseconds: int) -> datetime:
    """The time of DuckDB's `epoch_us`."""
    return EPOCH + timedelta(microseconds=microseconds)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else moment(microseconds)


def night() -> Night:
    """What is due, day by day: archive, write touched days anew, forget old packets and files that count no more."""
    night = archive_days(waiting())
    Packets.objects.filter(known_at__lt=timezone.now() - timedelta(days=settings.CONFIG.packet_days)).delete()
    Night.objects.filter(started__lt=night.started - NIGHTS_KEPT).delete()
    sweep()
    return night


def waiting() -> list[date]:
    """Days that the next night takes: closed for long enough, or touched."""
    return sorted({*due(timezone.now(), settings.CONFIG.hot_days), *touched()})


def archive_days(days: Sequence[date], told: Callable[[date, int], object] = lambda _day, _rows: None) -> Night:
    """Archive these days, one after the other; one that cannot be is passed over. `told` hears day and rows.

    ArchiveFault if a day has not ended for long enough.
    """
    open_days = [day for day in days if span(day)[1] > timezone.now() - ALWAYS_HOT]
    if open_days:
        rule = f"a day can be archived {ALWAYS_HOT.days} days after its end: name an earlier one"
        raise ArchiveFault(f"{open_days[0]}: {rule}")
    night = Night.objects.create(started=timezone.now(), planned=len(days))
    for day in days:
        try:
            rows = archive(day)
        except (ArchiveFault, OSError, OperationalError) as fault:
            night.fault = f"{day}: {str(fault).splitlines()[0]}"
            logger.error("the day %s was not archived, its rows stay in the database: %s", day, fault)  # noqa: TRY400  # said
        else:
            night.done, night.rows = night.done + 1, night.rows + rows
            told(day, rows)
        night.save()
    night.ended = timezone.now()
    night.save()
    return night


def listed() -> list[dict[str, Any]]:
    """Archived days, oldest first."""
    return [
        {
            "day": str(one.day), "file": one.file, "rows": one.rows, "bytes": _size(Path(path(one))),
            "written_at": one.written_at.isoformat(timespec="seconds"), "is_touched": one.is_touched,
        }
        for one in ArchivedDay.objects.order_by("day")
    ]  # fmt: skip


def hashes() -> dict[str, str]:
    """SHA-256 of the day's files as they were written, by name, oldest first.

    A file written before these were kept gets its own now if it holds as many rows as it should, else none.
    """
    for day in ArchivedDay.objects.filter(sha256=""):
        if _holds(day):
            day.sha256 = digest(Path(path(day)))
            day.save(update_fields=["sha256"])
    return dict(ArchivedDay.objects.order_by("day").values_list("file", "sha256"))


def _holds(day: ArchivedDay) -> bool:
    if not Path(path(day)).exists():
        return False
    with contextlib.suppress(ArchiveFault), faults(), duck() as work:
        return _row(work.execute("SELECT count(*) FROM read_parquet(?)", [path(day)])) == (day.rows,)
    return False


def digest(file: Path) -> str:
    """SHA-256 of a file."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0


def state() -> dict[str, Any]:
    """How much lies in files, and how the last night went."""
    kept = ArchivedDay.objects.aggregate(days=Count("day"), rows=Sum("rows"), first=Min("day"), last=Max("day"))
    told = {name: value if isinstance(value, int) else str(value) for name, value in kept.items() if value is not None}
    night = Night.objects.first()
    if night is None:
        return {"state": "ok", **told}
    ended = {"ended": night.ended.isoformat(timespec="seconds")} if night.ended else {}
    fault = {"fault": night.fault} if night.fault else {}
    done = f"{night.done}/{night.planned}"
    started = night.started.isoformat(timespec="seconds")
    return {"state": "degraded" if fault else "ok", **told, "started": started, **ended, "done": done, **fault}


def touched() -> list[date]:
    """Archived days with rows in the table that are not in their files yet."""
    return list(ArchivedDay.objects.filter(is_touched=True).values_list("day", flat=True))


def sweep() -> None:
    """Remove files that the catalogue does not name: of a process that was killed, or written anew since."""
    named = set(ArchivedDay.objects.values_list("file", flat=True))
    for file in folder().iterdir():
        if file.is_file() and file.name not in named and time.time() - file.stat().st_mtime > KEPT.total_seconds():
            file.unlink(missing_ok=True)
