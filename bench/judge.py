"""Readings a second that a thousand rules judge, by processor time of one core: thresholds with `for` and a margin,
levels, missing sources, sums over time, each with a datastream of its own; decoded from events of 2,000 readings,
states read and written as JSON as the database has them; then the same through the consumer with PostgreSQL, by the
clock. Beside a loop that decodes the same events and compares each value with a limit. And milliseconds from the
publish of a reading (MQTT QoS 1) to its alarm in `/live`, one after another, while others publish 2,000 readings a
second, beside the aim of 500."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import Queue
from typing import Any

import orjson
from tests.stack.stack import Stack

from bench import publisher, stacks
from bench.figures import Figure
from bench.stacks import Homes
from shizhu.engines.alarms.logic.conditions import Input, condition_of
from shizhu.engines.alarms.logic.judge import State
from shizhu.engines.alarms.logic.late import Memory, remembered, take
from shizhu.engines.alarms.logic.moments import moment

RULES, EVENT, ROUNDS = 1000, 2000, 20
AIM, AIM_SHOWN = 20_000.0, 500.0
OTHERS, OTHER_RATE = 4, 2000.0
BEGIN = datetime(2026, 7, 1, tzinfo=UTC)
WATCHED = {"profile": "ecology.water_station", "property": "ph"}
KINDS: tuple[dict[str, Any], ...] = (
    {"when": {**WATCHED, "above": 90, "for": "PT1M"}, "clear": {"for": "PT1M", "margin": 2}, "level": "yellow"},
    {"when": {**WATCHED, "below": 1, "above": 95}, "level": "blue"},
    {"when": {**WATCHED, "above": 90}, "level": "yellow", "levels": [{"level": "red", "above": 98}]},
    {"when": {**WATCHED, "missing": "PT1H"}, "level": "orange"},
    {"when": {**WATCHED, "take": "sum", "during": "PT2M", "above": 900}, "level": "yellow"},
)


def events(count: int, first: int = 0) -> Iterator[list[list[Any]]]:
    """Readings of events, in order: every datastream in turn, ten seconds apart; one in fifty is high."""
    for event in range(count):
        numbers = range(event * EVENT, (event + 1) * EVENT)
        yield [
            [
                n % RULES + first,
                (BEGIN + n // RULES * timedelta(seconds=10)).isoformat(),
                99 if n % 50 == 7 else n % 80 + 5,
                0,
            ]
            for n in numbers
        ]


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    payloads = [orjson.dumps({"data": {"readings": rows}}) for rows in events(ROUNDS)]
    raw, judged = _compare(payloads), _judge(payloads)
    yield Figure("judge", "judged, states as JSON", judged, "readings/s", "a bare comparison", raw)
    yield Figure("judge", "judged, states as JSON", judged, "readings/s", "aim", AIM)
    with homes.stack() as stack:
        keys = [f"judge-{number}" for number in range(max(10, round(seconds * 10)))]
        others = [f"judge-other-{number}" for number in range(OTHERS)]
        stacks.register(stack, [*keys, *others])
        _in(stack, "declare")
        with _busy(stack, others):
            delays = list(_shown(stack, keys))
        kept = float(_in(stack, "consume"))
    yield Figure("judge", "judged and committed, by the clock", kept, "readings/s", "aim", AIM)
    for name, share in (("median", 0.5), ("99 %", 0.99)):
        took = sorted(delays)[max(0, round(share * len(delays)) - 1)]
        yield Figure("judge", f"socket to alarm, {name}", took, "ms", "aim", AIM_SHOWN)


def _compare(payloads: list[bytes]) -> float:
    began, broken = time.process_time(), 0
    for payload in payloads:
        for _stream, at, value, _origin in orjson.loads(payload)["data"]["readings"]:
            broken += value > 90 and bool(datetime.fromisoformat(at))
    return len(payloads) * EVENT / (time.process_time() - began)


def _judge(payloads: list[bytes]) -> float:
    conditions = [condition_of(KINDS[n % len(KINDS)], [Input("ecology.water_station", "ph")]) for n in range(RULES)]
    memories = [remembered(State(condition)) for condition in conditions]
    kept = [(memory.state.dump().decode(), memory) for memory in memories]
    began, changes = time.process_time(), 0
    for payload in payloads:
        by_rule: dict[int, list[Any]] = {}
        for stream, at, value, origin in orjson.loads(payload)["data"]["readings"]:
            by_rule.setdefault(stream, []).append((moment(datetime.fromisoformat(at)), 0, value, origin))
        for number, readings in by_rule.items():
            state, before = kept[number]
            memory = Memory(State.load(state), before.newest, before.dump_before)
            changes += len(take(conditions[number], memory, readings, lambda _after, _until: []).changes)
            kept[number] = memory.state.dump().decode(), memory
    took = time.process_time() - began
    if not changes:
        raise RuntimeError("no rule said anything")
    return len(payloads) * EVENT / took


def _in(stack: Stack, what: str) -> str:
    command = [sys.executable, "-m", "bench.judged", what]
    done = subprocess.run(
        command, env=stack.environment, cwd=stacks.ROOT, check=True, timeout=300, capture_output=True, text=True
    )
    return done.stdout.strip()


@contextmanager
def _busy(stack: Stack, keys: list[str]) -> Iterator[None]:
    """Others publish meanwhile."""
    is_over = threading.Event()
    lines = {key: publisher.connect(stack.mqtt, key, stacks.PASSWORD) for key in keys}

    def go_on() -> None:
        steady = publisher.Steady(lines, OTHER_RATE)
        while not is_over.wait(0.01):
            steady.go_on()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _shown(stack: Stack, keys: list[str]) -> Iterator[float]:
    """One alarm after another: each station breaks the limit once."""
    shown: Queue[float] = Queue()
    is_open = threading.Event()
    threading.Thread(target=_watch, args=(stack, shown, is_open), daemon=True).start()
    if not is_open.wait(20):
        raise RuntimeError("the live stream did not open")
    time.sleep(1)
    for number, key in enumerate(keys):
        line = publisher.connect(stack.mqtt, key, stacks.PASSWORD)
        now = datetime.now(UTC)
        payload = json.dumps({"time": now.isoformat(), "values": {"ph": 9.6}})
        line.sendall(publisher.publish(key, number, payload.encode()))
        line.recv(publisher.PUBACK_SIZE)
        yield (shown.get(timeout=stacks.LONGEST_WAIT) - now.timestamp()) * 1000
        line.close()


def _watch(stack: Stack, shown: Queue[float], is_open: threading.Event) -> None:
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=120)
    login = base64.b64encode(f"admin:{stack.environment['SHIZHU_ADMIN_PASSWORD']}".encode()).decode()
    line.request("GET", "/live", headers={"Authorization": f"Basic {login}"})
    answer = line.getresponse()
    is_open.set()
    for text in answer:
        if text.startswith(b"event: alarms"):
            shown.put(time.time())
