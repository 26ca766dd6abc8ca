"""250,000 late Observations of one Datastream in one request (SensorThings CreateObservations over HTTP, by the
device): from the first byte of the request to the last byte of the answer with all addresses; newer ones are there, so
that each is late, and the profile has no checks against neighbours for it. Beside COPY (best of three) of the same rows
into a table with the same columns, keys and indexes. In requests of 10,000, too; and the memory of web afterwards,
beside before."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta

import psutil
import psycopg
from tests.stack.stack import Stack

from bench import mqtt, publisher, stacks
from bench.figures import Figure
from bench.stacks import Homes

ROWS, PART = 250_000, 10_000
PATH = "/sta/v1.1/CreateObservations"
STREAMS = "SELECT min(s.id) FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id WHERE t.key = ANY(%s)"
STEP = timedelta(seconds=1)
FIRST = publisher.START - ROWS * STEP


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    del seconds
    keys = ["bulk-whole", "bulk-parts"]
    with homes.stack() as stack:
        stacks.register(stack, keys)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as connection:
            connection.execute("UPDATE things_datastream SET checks = NULL, feature_id = NULL")
            held = _held(stack)
            for key, many in zip(keys, (ROWS, PART), strict=True):
                rate = _sent(stack, connection, key, many)
                limit = mqtt.copied(connection, "INCLUDING ALL", ROWS, _time)
                yield Figure(
                    "bulk", f"{ROWS:,} late rows, {many:,} a request", rate, "rows/s", "COPY, same keys", limit
                )
            yield Figure("bulk", "memory of web, after", _held(stack), "MB", "before", held)


def _time(number: int) -> datetime:
    return FIRST + number * STEP


def _sent(stack: Stack, connection: psycopg.Connection, key: str, many: int) -> float:
    """Rows a second."""
    (stream,) = connection.execute(STREAMS, ([key],)).fetchone()
    feature = connection.execute(
        "INSERT INTO things_featureofinterest (name, description, encoding_type, feature)"
        " VALUES ('here', '', 'application/geo+json', '{}') RETURNING id"
    ).fetchone()
    connection.execute("UPDATE things_datastream SET feature_id = %s WHERE id = %s", (*feature, stream))
    connection.execute(
        "INSERT INTO things_latest (datastream_id, first_time, phenomenon_time, last_end, result, verdict, origin,"
        " known_at) SELECT %s, t, t, t, 1, 0, 0, t FROM (SELECT now() AS t) n",
        (stream,),
    )
    before = stacks.rows(connection)
    bodies = [_body(stream, range(start, min(start + many, ROWS))) for start in range(0, ROWS, many)]
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=300)
    token = base64.b64encode(f"{key}:{stacks.PASSWORD}".encode()).decode()
    headers = {"Authorization": f"Basic {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    answers = []
    for body in bodies:
        line.request("POST", PATH, body, headers)
        answer = line.getresponse()
        answers.append((answer.status, answer.read()))
    took = time.perf_counter() - began
    addresses = [address for status, said in answers if status == 201 for address in json.loads(said)]
    if len(set(addresses) - {"error"}) != ROWS or stacks.rows(connection) != before + ROWS:
        raise RuntimeError(f"{len(set(addresses))} of {ROWS} rows were made: {answers[0][1][:500]!r}")
    return ROWS / took


def _body(stream: int, numbers: range) -> bytes:
    rows = [[_time(number).isoformat(), number % 90 / 10] for number in numbers]
    group = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"], "dataArray": rows}
    return json.dumps([group]).encode()


def _held(stack: Stack) -> float:
    """Megabytes of web with its workers."""
    process = psutil.Process(stack.pid("web"))
    return float(sum(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 1e6)
