"""Archived readings (`SHIZHU_BENCH_READINGS`, 1,000,000) of a shape like water and river stations: 120 datastreams, one
reading a minute, two decimals, moving slowly. Bytes of file a reading takes; milliseconds of one datastream's day in a
file, of all its readings as 500 points (in the database, and archived), and of `$count` of all readings, over HTTP on
one connection, each beside a hand-written query for the same: SQL while they lie in the database, DuckDB on the files
after. Medians of nine."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import duckdb
import psycopg

from bench import stacks
from bench.figures import Figure
from bench.sta import OBSERVATIONS as READINGS
from bench.sta import ROOT, Reader, datastreams, medians
from bench.stacks import Homes

STREAMS, A_DAY, TIMES, AIM = 120, 1440, 9, 4.0
BEGIN = "timestamptz '2026-01-01 00:00+08'"
FILL = f"""INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT d.id, {BEGIN} + n * interval '1 minute',
  round((7 + d.id % 20 + 2 * sin(n / 230.0 + d.id) + sin(n / 11.0) / 20 + random() / 50)::numeric, 2), 0, 0
FROM things_datastream d, generate_series(0, %s) n"""
ROLL = """INSERT INTO things_hour (datastream_id, hour, count, total, least, most)
SELECT datastream_id, date_trunc('hour', phenomenon_time), count(*), sum(result), min(result), max(result)
FROM things_observation GROUP BY 1, 2"""
LATEST = f"""INSERT INTO things_latest
  (datastream_id, first_time, phenomenon_time, last_end, result, verdict, origin, known_at, is_home)
SELECT d.id, {BEGIN}, o.phenomenon_time, o.phenomenon_time, o.result, 0, 0, now(), TRUE
FROM things_datastream d CROSS JOIN LATERAL (
  SELECT * FROM things_observation WHERE datastream_id = d.id ORDER BY phenomenon_time DESC LIMIT 1) o"""
POINTS = """SELECT json_agg(r) FROM (
  SELECT width_bucket(extract(epoch FROM phenomenon_time), %s, %s, 500) AS place, min(phenomenon_time) AS time,
    avg(result) AS result FROM things_observation WHERE datastream_id = %s GROUP BY 1 ORDER BY 1) r"""
COUNT = "SELECT count(*) FROM things_observation"
DAY = "SELECT phenomenon_time, result FROM read_parquet(?) WHERE datastream_id = ? ORDER BY 1"
FILE_POINTS = """SELECT (epoch_us(phenomenon_time) - ?) * 500 // ? AS place, min(phenomenon_time), avg(result)
FROM read_parquet(?) WHERE datastream_id = ? GROUP BY 1 ORDER BY 1"""
FILE_COUNT = "SELECT count(*) FROM read_parquet(?)"


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack() as stack:
        stacks.register(stack, ["history-bench"])
        reader = Reader(stack)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            stream, minutes = fill(database)
            ends = database.execute(f"SELECT extract(epoch FROM {BEGIN}), %s * 60", (minutes,)).fetchone()
            begin, long = int(ends[0]), int(ends[1])
            points = f"{ROOT}/Datastreams({stream})/Observations?$apply=lttb(500)"
            count = f"{ROOT}/Observations/$count"

            def sql(query: str, *values: Any) -> Callable[[], object]:
                return lambda: database.execute(query, values).fetchone()

            many = f"{minutes:,} readings as 500 points"
            yield _beside(many, lambda: reader.page(points), "SQL", sql(POINTS, begin, begin + long, stream))
            yield _beside(f"$count of {minutes * STREAMS:,}", lambda: reader.page(count), "SQL", sql(COUNT))
            began = time.monotonic()
            stack.run("history", "archive")
            taken = time.monotonic() - began
            yield Figure("history", "archiving", minutes * STREAMS / taken, "readings/s", "one second", 1)
            files = sorted(map(str, (stack.home / "history").glob("*.parquet")))
            size = sum(Path(file).stat().st_size for file in files)
            (kept,) = duckdb.execute(FILE_COUNT, [files]).fetchone()
            yield Figure("history", f"bytes of each of {kept:,}", size / kept, "bytes", "aim", AIM)
            span = "phenomenonTime ge 2025-12-31T16:00:00Z and phenomenonTime lt 2026-01-01T16:00:00Z"
            day = f"{ROOT}/Datastreams({stream})/Observations?$top=1000&$filter={span}"
            hand = _duck(DAY, files[:1], stream)
            yield _beside("an archived day", lambda: reader.page(day), "DuckDB", hand)
            hand = _duck(FILE_POINTS, begin * 1_000_000, long * 1_000_000, files, stream)
            yield _beside(f"archived {many}", lambda: reader.page(points), "DuckDB", hand)
            yield _beside("archived $count", lambda: reader.page(count), "DuckDB", _duck(FILE_COUNT, files))


def _duck(query: str, *values: Any) -> Callable[[], object]:
    return lambda: duckdb.execute(query, list(values)).fetchall()


def _beside(name: str, ask: Callable[[], object], beside: str, query: Callable[[], object]) -> Figure:
    took, limit = medians(TIMES, ask, query)
    return Figure("history", name, 1000 * took, "ms", f"hand-written {beside}", 1000 * limit)


def fill(database: psycopg.Connection) -> tuple[int, int]:
    """Readings of whole days; returns one of the datastreams, and how many each has."""
    stream = datastreams(database, STREAMS)
    minutes = max(1, READINGS // STREAMS // A_DAY) * A_DAY
    for query, values in ((FILL, (minutes - 1,)), (ROLL, ()), (LATEST, ())):
        database.execute(query, values)
    database.execute("VACUUM ANALYZE things_observation")
    return stream, minutes
