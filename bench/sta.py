"""SensorThings reads over HTTP on one connection (a bare socket, so that the client is not what is measured): of a
datastream with `SHIZHU_BENCH_READINGS` (1,000,000) observations, of one with a year of minutes, of 10,000 others.
Beside hand-written SQL for the same rows and columns as known now, through psycopg on one connection, with the JSON
made by PostgreSQL: a page of 100 observations of a datastream, the latest value of every datastream (in one answer), a
year as 500 points, and `$count` of all observations of a datastream. Medians."""

from __future__ import annotations

import os
import re
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import psycopg
from tests.stack.stack import Stack

from bench import stacks
from bench.figures import Figure
from bench.stacks import Homes
from bench.web import Visitor

STREAMS, OBSERVATIONS, MINUTES = 10_000, int(os.environ.get("SHIZHU_BENCH_READINGS", "1000000")), 365 * 1440
ROOT = "/sta/v1.1"
COLUMNS = """SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = 'things_datastream' AND column_name NOT IN ('id', 'key')"""
FILL = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT %s, now() - interval '20 days' + n * interval '1 second', n %% 90 / 10.0, 0, 1 FROM generate_series(1, %s) n"""
YEAR = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT %s, now() - n * interval '1 minute', 7 + sin(n / 230.0), 0, 0 FROM generate_series(1, %s) n"""
ONE_EACH = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT id, now() - n * interval '1 minute', n, 0, 1 FROM things_datastream, generate_series(1, 3) n
WHERE id <> ALL(%s)"""
EXTENT = """INSERT INTO things_latest
  (datastream_id, first_time, phenomenon_time, last_end, result, verdict, origin, known_at, is_home)
SELECT %s, min(phenomenon_time), max(phenomenon_time), max(phenomenon_time), 7, 0, 0, now(), TRUE
FROM things_observation WHERE datastream_id = %s"""
KNOWN = """verdict <> 3 AND NOT EXISTS (SELECT FROM things_observation n WHERE n.datastream_id = e.datastream_id
  AND n.phenomenon_time = e.phenomenon_time AND n.sequence > e.sequence AND n.sequence > 0 OFFSET 0)"""
HUNDRED = f"""SELECT json_agg(o)::text FROM (
  SELECT id AS "@iot.id", phenomenon_time AS "phenomenonTime", phenomenon_end, result_time AS "resultTime", result,
    result_json, verdict, origin, feature_id, extra
  FROM things_observation e WHERE datastream_id = %s AND {KNOWN} ORDER BY phenomenon_time LIMIT 100) o"""
LATEST = f"""SELECT json_agg(r)::text FROM (
  SELECT d.id AS "@iot.id", o.* FROM things_datastream d CROSS JOIN LATERAL (
    SELECT id AS observation, phenomenon_time AS "phenomenonTime", result FROM things_observation e
    WHERE datastream_id = d.id AND {KNOWN} ORDER BY phenomenon_time DESC LIMIT 1) o ORDER BY d.id) r"""
POINTS = """SELECT json_agg(r)::text FROM (
  SELECT width_bucket(extract(epoch FROM phenomenon_time), extract(epoch FROM now()) - %s * 60,
      extract(epoch FROM now()), 500) AS place, min(phenomenon_time) AS time, avg(result) AS result
  FROM things_observation WHERE datastream_id = %s GROUP BY 1 ORDER BY 1) r"""
COUNT = "SELECT count(*) FROM things_observation WHERE datastream_id = %s"


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack() as stack:
        stacks.register(stack, ["sta-bench"])
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            stream, year = fill(database)
            visitor = Reader(stack)

            def sql(query: str, *values: int) -> Callable[[], object]:
                return lambda: database.execute(query, values).fetchone()

            page = f"{ROOT}/Datastreams({stream})/Observations?$top=100"
            yield from _beside("100 observations", 300, lambda: visitor.page(page), sql(HUNDRED, stream))
            yield from _beside(f"latest of {STREAMS:,} datastreams", 5, visitor.latest, sql(LATEST))
            points = f"{ROOT}/Datastreams({year})/Observations?$apply=lttb(500)"
            yield from _beside("a year as 500 points", 5, lambda: visitor.page(points), sql(POINTS, MINUTES, year))
            count = f"{ROOT}/Datastreams({stream})/Observations?$count=true&$top=1"
            yield from _beside(f"$count of {OBSERVATIONS:,}", 5, lambda: visitor.page(count), sql(COUNT, stream))


def _beside(name: str, times: int, ask: Callable[[], object], query: Callable[[], object]) -> Iterator[Figure]:
    """Answers a second beside those of the query."""
    took, limit = medians(times, ask, query)
    yield Figure("sta", name, 1 / took, "answers/s", "hand-written SQL", 1 / limit)


def medians(times: int, *all_: Callable[[], object]) -> list[float]:
    """Seconds of each; in turns, so that other load meets all of them."""
    taken: list[list[float]] = [[] for _ in all_]
    for _ in range(times + 1):  # the first fills caches and does not count
        for do, own in zip(all_, taken, strict=True):
            began = time.perf_counter()
            do()
            own.append(time.perf_counter() - began)
    return [statistics.median(own[1:]) for own in taken]


def fill(database: psycopg.Connection) -> tuple[int, int]:
    """Datastreams beside those of the registered device, and observations; returns that with most, that with a year."""
    stream = datastreams(database, STREAMS)
    year = stream + 1
    database.execute(FILL, (stream, OBSERVATIONS))
    database.execute(YEAR, (year, MINUTES))
    database.execute(ONE_EACH, ([stream, year],))
    database.execute(EXTENT, (year, year))
    database.execute("VACUUM ANALYZE things_observation")
    database.execute("VACUUM ANALYZE things_datastream")
    return stream, year


def datastreams(database: psycopg.Connection, number: int) -> int:
    """Copies of the registered device's first datastream, until there are so many; returns the first."""
    (stream,) = database.execute("SELECT min(id) FROM things_datastream").fetchone()
    (columns,) = database.execute(COLUMNS).fetchone()
    (there,) = database.execute("SELECT count(*) FROM things_datastream").fetchone()
    copied = (
        f"INSERT INTO things_datastream ({columns}) SELECT {columns} FROM things_datastream, generate_series(1, %s)"
    )
    database.execute(f"{copied} WHERE id = %s", (number - there, stream))
    return int(stream)


class Reader:
    """The administrator at the API."""

    def __init__(self, stack: Stack) -> None:
        visitor = Visitor(stack.port)
        visitor.log_in("admin", stack.password_of("admin"))
        self._head = f"Host: 127.0.0.1:{stack.port}\r\nCookie: {visitor.cookie}\r\n\r\n"
        self._line = socket.create_connection(("127.0.0.1", stack.port), 30)

    def page(self, path: str) -> bytes:
        """One answer, which must be one; not read further."""
        self._line.sendall(f"GET {quote(path, safe='/?$=&()%;,')} HTTP/1.1\r\n{self._head}".encode())
        data = self._line.recv(1 << 16)
        while b"\r\n\r\n" not in data:
            data += self._line.recv(1 << 16)
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", head, re.IGNORECASE)[1])
        parts, missing = [body], length - len(body)
        while missing:
            parts.append(self._line.recv(min(missing, 1 << 20)))
            missing -= len(parts[-1])
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{path} answered {head!r}: {b''.join(parts)[:200]!r}")
        return b"".join(parts)

    def latest(self) -> None:
        """The newest observation of every datastream."""
        newest = "Observations($orderby=phenomenonTime desc;$top=1;$select=id,phenomenonTime,result)"
        answer = self.page(f"{ROOT}/Datastreams?$top={STREAMS}&$select=id&$expand={newest}")
        seen = answer.count(b'"result":')
        if seen != STREAMS:
            raise RuntimeError(f"{seen} of {STREAMS} datastreams had a latest value")
