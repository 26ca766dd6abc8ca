"""Readings over MQTT QoS 1 from four devices with 200 unacknowledged messages each: from the first byte on the socket
to the last row committed, every row counted; one reading in a message, and a hundred. Beside what the broker alone
acknowledges (same stack, same publisher, ingest stopped by SIGSTOP, so that it checks, renames and stores just as
before) and beside COPY (50,000 rows, best of three) into a table with the same columns, keys and indexes, and into a
bare one. Beside it where the time goes: microseconds of processor a reading takes in each part, and the memory of
ingest after the rush, beside before. And milliseconds from the socket until a reading is there for a query, at a fifth
of that rate."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import psutil
import psycopg
from tests.stack.stack import Stack

from bench import publisher, stacks
from bench.figures import Figure
from bench.stacks import Homes

DEVICES, FIFTH, AIM = 4, 5, 250.0
ROWS, TIMES, HUNDRED = 50_000, 3, 100
PARTS = {"NATS": "nats", "ingest": "ingest", "PostgreSQL": "postgres"}
SYNC = {"2m": "fsync every 2 min", "always": "fsync always"}  # the default, and what survives a power loss
COLUMNS = (
    "id, datastream_id, phenomenon_time, sequence, phenomenon_end, result_time, result, result_json, verdict, origin,"
    " known_at, feature_id, extra"
)
REACHED = """
SELECT count(*) FROM things_latest l JOIN things_datastream s ON s.id = l.datastream_id
JOIN things_thing t ON t.id = s.thing_id WHERE t.key = %s AND s.key = 'dissolved_oxygen' AND l.phenomenon_time = %s
"""
NEWEST = """
SELECT t.key, l.phenomenon_time FROM things_latest l JOIN things_datastream s ON s.id = l.datastream_id
JOIN things_thing t ON t.id = s.thing_id WHERE t.key = ANY(%s) AND s.key = 'dissolved_oxygen'
"""
LOOKED_UP = """
SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = 'things_observation'::regclass AND NOT tgisinternal
"""


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    for interval, meaning in SYNC.items():
        with homes.stack(SHIZHU_SYNC_INTERVAL=interval) as stack:
            keys = [f"mqtt-{interval}-{number}" for number in range(DEVICES)]
            stacks.register(stack, keys)
            with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as connection:
                yield from _measured(stack, connection, keys, seconds, f"committed, {meaning}")
                if interval == "2m":
                    hundreds = [f"mqtt-{number}-hundreds" for number in range(DEVICES)]
                    stacks.register(stack, hundreds)
                    yield from _in_hundreds(stack, connection, hundreds, seconds)


def _measured(
    stack: Stack, connection: psycopg.Connection, keys: list[str], seconds: float, name: str
) -> Iterator[Figure]:
    before, spent, held = stacks.rows(connection), _spent(stack), _held(stack)
    began = time.perf_counter()
    sent, _ = publisher.blast(stack.mqtt, stacks.PASSWORD, keys, seconds)
    _wait(connection, sent)
    committed = sum(sent.values()) / (time.perf_counter() - began)
    _check(connection, before + sum(sent.values()))
    each = {part: (took - spent[part]) / sum(sent.values()) * 1e6 for part, took in _spent(stack).items()}
    grown = _held(stack)

    ingest = stack.pid("ingest")
    os.kill(ingest, signal.SIGSTOP)
    try:
        more, took = publisher.blast(stack.mqtt, stacks.PASSWORD, keys, seconds / 3, first=sent)
    finally:
        os.kill(ingest, signal.SIGCONT)
    total = {key: sent[key] + more[key] for key in keys}
    _wait(connection, total)
    _check(connection, before + sum(total.values()))

    delays = _queryable(stack, connection, committed / FIFTH, total, seconds)
    limits = {
        "broker alone": sum(more.values()) / took,
        "COPY, same keys": copied(connection, "INCLUDING ALL"),
        "COPY, bare": copied(connection, ""),
    }
    for beside, limit in limits.items():
        yield Figure("mqtt", name, committed, "readings/s", beside, limit)
    for part, took in each.items():
        yield Figure("mqtt", f"processor of {part}", took, "µs/reading", "all parts", sum(each.values()))
    yield Figure("mqtt", "memory of ingest, after", grown, "MB", "before", held)
    for share in (0.5, 0.99):
        took = 1000 * sorted(delays)[round(share * len(delays)) - 1]
        yield Figure("mqtt", f"socket to queryable, {share:.0%} at a fifth", took, "ms", "aim", AIM)


def _queryable(
    stack: Stack, connection: psycopg.Connection, rate: float, first: dict[str, int], seconds: float
) -> list[float]:
    """Seconds from the socket until each reading is there: ingest commits in order, so the newest tells of all."""
    lines = {key: publisher.connect(stack.mqtt, key, stacks.PASSWORD) for key in first}
    steady, seen, delays = publisher.Steady(lines, rate, first), dict.fromkeys(first, 0), list[float]()
    ends = time.perf_counter() + seconds
    while time.perf_counter() < ends or any(seen[key] < len(sent) for key, sent in steady.sent.items()):
        if time.perf_counter() < ends:
            steady.go_on()
        for key, newest in connection.execute(NEWEST, (list(first),)).fetchall():
            now, there = time.perf_counter(), (newest - publisher.START) // publisher.STEP + 1 - first[key]
            delays += [now - at for at in steady.sent.get(key, [])[seen[key] : there]]
            seen[key] = max(seen[key], there)
        if time.perf_counter() > ends + stacks.LONGEST_WAIT:
            raise RuntimeError("not all readings became queryable")
        time.sleep(0.003)
    for line in lines.values():
        line.close()
    return delays


def _in_hundreds(stack: Stack, connection: psycopg.Connection, keys: list[str], seconds: float) -> Iterator[Figure]:
    """A hundred readings in a message."""
    before = stacks.rows(connection)
    began = time.perf_counter()
    sent, _ = publisher.blast(stack.mqtt, stacks.PASSWORD, keys, seconds / 5, many=HUNDRED)
    readings = {key: number * HUNDRED for key, number in sent.items()}
    _wait(connection, readings)
    committed = sum(readings.values()) / (time.perf_counter() - began)
    _check(connection, before + sum(readings.values()))
    limit = copied(connection, "INCLUDING ALL")
    yield Figure("mqtt", "committed, 100 in a message", committed, "readings/s", "COPY, same keys", limit)


def _spent(stack: Stack) -> dict[str, float]:
    """Seconds of processor by part until now; ours is the publisher's."""
    found = {name: sum(map(_seconds, _family(stack.pid(part)))) for name, part in PARTS.items()}
    return {**found, "the publisher": time.process_time()}


def _family(pid: int) -> list[psutil.Process]:
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def _seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:2]))
    except psutil.NoSuchProcess:
        return 0.0


def _held(stack: Stack) -> float:
    """Megabytes of ingest."""
    return float(psutil.Process(stack.pid("ingest")).memory_info().rss / 1e6)


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


def copied(
    connection: psycopg.Connection,
    including: str,
    count: int = ROWS,
    time_of: Callable[[int], datetime] = publisher.time_of,
) -> float:
    """Rows a second into an empty table like that of observations."""
    (stream,) = connection.execute("SELECT min(id) FROM things_datastream").fetchone()
    rest = r"0	\N	\N	7.5	\N	0	0	2026-06-01T00:00:00Z	\N	\N"
    rows = [f"{number}\t{stream}\t{time_of(number).isoformat()}\t{rest}\n" for number in range(count)]
    data = "".join(rows).encode()
    connection.execute(f"CREATE TABLE bench_copy (LIKE things_observation {including})")
    if including:  # LIKE leaves out what looks up the datastream
        for (definition,) in connection.execute(LOOKED_UP).fetchall():
            connection.execute(definition.replace(" ON public.things_observation ", " ON bench_copy "))
    taken = []
    for _ in range(TIMES):
        connection.execute("TRUNCATE bench_copy")
        began = time.perf_counter()
        with connection.cursor().copy(f"COPY bench_copy ({COLUMNS}) FROM STDIN") as copy:
            copy.write(data)
        taken.append(time.perf_counter() - began)
    connection.execute("DROP TABLE bench_copy")
    return count / min(taken)
