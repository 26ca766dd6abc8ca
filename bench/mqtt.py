"""Readings over MQTT QoS 1, one in a message, from four devices with 200 unacknowledged each: from the first byte on
the socket to the last row committed, every row counted. Beside what the broker alone acknowledges (same stack, same
publisher, ingest stopped by SIGSTOP, so that it checks, renames and stores just as before) and beside COPY (50,000
rows, best of three) into a table with the same columns, keys and indexes, and into a bare one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import datetime

import psycopg
from tests.stack.stack import Stack

from bench import publisher, stacks
from bench.figures import Figure
from bench.stacks import Homes

DEVICES = 4
ROWS, TIMES = 50_000, 3
SYNC = {"2m": "fsync every 2 min", "always": "fsync always"}  # the default, and what survives a power loss
COLUMNS = (
    "id, datastream_id, phenomenon_time, sequence, phenomenon_end, result_time, result, result_json, verdict, origin,"
    " known_at, feature_id, extra"
)
REACHED = """
SELECT count(*) FROM things_latest l JOIN things_datastream s ON s.id = l.datastream_id
JOIN things_thing t ON t.id = s.thing_id WHERE t.key = %s AND s.key = 'dissolved_oxygen' AND l.phenomenon_time = %s
"""
FOREIGN = """
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'things_observation'::regclass AND contype = 'f'
"""


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    for interval, meaning in SYNC.items():
        with homes.stack(SHIZHU_SYNC_INTERVAL=interval) as stack:
            keys = [f"mqtt-{interval}-{number}" for number in range(DEVICES)]
            stacks.register(stack, keys)
            with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as connection:
                yield from _measured(stack, connection, keys, seconds, f"committed, {meaning}")


def _measured(
    stack: Stack, connection: psycopg.Connection, keys: list[str], seconds: float, name: str
) -> Iterator[Figure]:
    before = stacks.rows(connection)
    began = time.perf_counter()
    sent, _ = publisher.blast(stack.mqtt, stacks.PASSWORD, keys, seconds)
    _wait(connection, sent)
    committed = sum(sent.values()) / (time.perf_counter() - began)
    _check(connection, before + sum(sent.values()))

    ingest = stack.pid("ingest")
    os.kill(ingest, signal.SIGSTOP)
    try:
        more, took = publisher.blast(stack.mqtt, stacks.PASSWORD, keys, seconds / 3, first=sent)
    finally:
        os.kill(ingest, signal.SIGCONT)
    total = {key: sent[key] + more[key] for key in keys}
    _wait(connection, total)
    _check(connection, before + sum(total.values()))

    limits = {
        "broker alone": sum(more.values()) / took,
        "COPY, same keys": _copy(connection, "INCLUDING ALL"),
        "COPY, bare": _copy(connection, ""),
    }
    for beside, limit in limits.items():
        yield Figure("mqtt", name, committed, "readings/s", beside, limit)


def _check(connection: psycopg.Connection, expected: int) -> None:
    rows = stacks.rows(connection)
    if rows != expected:
        raise RuntimeError(f"{expected} readings were acknowledged and {rows} rows are committed")


def _wait(connection: psycopg.Connection, sent: dict[str, int]) -> None:
    """Until the last reading of each device is the latest: ingest commits in order."""
    for key, number in sent.items():
        last = key, publisher.time_of(number - 1)
        stacks.wait(f"the last of {number} readings of {key}", lambda last=last: _is_latest(connection, *last))


def _is_latest(connection: psycopg.Connection, key: str, at: datetime) -> bool:
    return connection.execute(REACHED, (key, at)).fetchone() == (1,)


def _copy(connection: psycopg.Connection, including: str) -> float:
    """Rows a second into an empty table like that of observations."""
    (stream,) = connection.execute("SELECT min(id) FROM things_datastream").fetchone()
    rest = r"0	\N	\N	7.5	\N	0	0	2026-06-01T00:00:00Z	\N	\N"
    rows = [f"{number}\t{stream}\t{publisher.time_of(number).isoformat()}\t{rest}\n" for number in range(ROWS)]
    data = "".join(rows).encode()
    connection.execute(f"CREATE TABLE bench_copy (LIKE things_observation {including})")
    if including:  # LIKE leaves foreign keys out
        for (definition,) in connection.execute(FOREIGN).fetchall():
            connection.execute(f"ALTER TABLE bench_copy ADD {definition}")
    taken = []
    for _ in range(TIMES):
        connection.execute("TRUNCATE bench_copy")
        began = time.perf_counter()
        with connection.cursor().copy(f"COPY bench_copy ({COLUMNS}) FROM STDIN") as copy:
            copy.write(data)
        taken.append(time.perf_counter() - began)
    connection.execute("DROP TABLE bench_copy")
    return ROWS / min(taken)
