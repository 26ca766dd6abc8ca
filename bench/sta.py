"""SensorThings reads of 1,000,000 observations and 10,000 datastreams over HTTP, on one connection, beside hand-written
SQL for the same rows through psycopg on one connection, with the JSON made by PostgreSQL: a page of 100 observations of
a datastream, the latest value of every datastream (in one answer), and `$count` of all
observations of a datastream. Medians."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import psycopg
from tests.stack.stack import Stack

from bench import stacks
from bench.figures import Figure
from bench.stacks import Homes
from bench.web import Visitor

STREAMS, OBSERVATIONS = 10_000, 1_000_000
ROOT = "/sta/v1.1"
COLUMNS = """SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.columns
WHERE table_name = 'things_datastream' AND column_name NOT IN ('id', 'key')"""
FILL = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT %s, now() - interval '20 days' + n * interval '1 second', n %% 90 / 10.0, 0, 1 FROM generate_series(1, %s) n"""
ONE_EACH = """INSERT INTO things_observation (datastream_id, phenomenon_time, result, verdict, origin)
SELECT id, now() - n * interval '1 minute', n, 0, 1 FROM things_datastream, generate_series(1, 3) n WHERE id <> %s"""
HUNDRED = """SELECT json_agg(o) FROM (
  SELECT id AS "@iot.id", phenomenon_time AS "phenomenonTime", result_time AS "resultTime", result
  FROM things_observation WHERE datastream_id = %s ORDER BY phenomenon_time LIMIT 100) o"""
LATEST = """SELECT json_agg(r) FROM (
  SELECT d.id AS "@iot.id", o.* FROM things_datastream d CROSS JOIN LATERAL (
    SELECT id AS observation, phenomenon_time AS "phenomenonTime", result FROM things_observation
    WHERE datastream_id = d.id ORDER BY phenomenon_time DESC LIMIT 1) o ORDER BY d.id) r"""
COUNT = "SELECT count(*) FROM things_observation WHERE datastream_id = %s"


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    with homes.stack() as stack:
        stacks.register(stack, ["sta-bench"])
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as database:
            stream = fill(database)
            visitor = _Reader(stack)

            def sql(query: str, *values: int) -> Callable[[], object]:
                return lambda: database.execute(query, values).fetchone()

            page = f"{ROOT}/Datastreams({stream})/Observations?$top=100"
            yield from _beside("100 observations", 100, lambda: visitor.page(page), sql(HUNDRED, stream))
            yield from _beside(f"latest of {STREAMS:,} datastreams", 5, visitor.latest, sql(LATEST))
            count = f"{ROOT}/Datastreams({stream})/Observations?$count=true&$top=1"
            yield from _beside(f"$count of {OBSERVATIONS:,}", 5, lambda: visitor.page(count), sql(COUNT, stream))


def _beside(name: str, times: int, ask: Callable[[], object], query: Callable[[], object]) -> Iterator[Figure]:
    """Answers a second beside those of the query."""
    yield Figure("sta", name, 1 / _median(ask, times), "answers/s", "hand-written SQL", 1 / _median(query, times))


def _median(do: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times + 1):  # the first fills caches and does not count
        began = time.perf_counter()
        do()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken[1:])


def fill(database: psycopg.Connection) -> int:
    """Datastreams beside those of the registered device, and observations; returns the datastream with most."""
    stream = datastreams(database, STREAMS)
    database.execute(FILL, (stream, OBSERVATIONS))
    database.execute(ONE_EACH, (stream,))
    database.execute("VACUUM ANALYZE things_observation")
    database.execute("VACUUM ANALYZE things_datastream")
    return stream


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


class _Reader:
    """The administrator at the API."""

    def __init__(self, stack: Stack) -> None:
        self._visitor = Visitor(stack.port)
        self._visitor.log_in("admin", stack.password_of("admin"))

    def page(self, path: str) -> dict[str, object]:
        """One answer, which must be one."""
        status, body = self._visitor.ask(quote(path, safe="/?$=&()%;,"))
        if status != 200:
            raise RuntimeError(f"{path} answered {status}: {body[:200]}")
        found: dict[str, object] = json.loads(body)
        return found

    def latest(self) -> None:
        """The newest observation of every datastream."""
        newest = "Observations($orderby=phenomenonTime desc;$top=1)"
        answer: Any = self.page(f"{ROOT}/Datastreams?$top={STREAMS}&$select=id&$expand={newest}")
        seen = sum(len(one["Observations"]) for one in answer["value"])
        if seen != STREAMS:
            raise RuntimeError(f"{seen} of {STREAMS} datastreams had a latest value")
