"""Milliseconds from the publish of a reading to its line in the live stream that an open map reads (`/live`), at 100
readings a second: ten stations over MQTT QoS 1, each once a second with ten values; every value must arrive. Beside the
broker's PUBACK of the same messages, and the promise of two seconds."""

from __future__ import annotations

import base64
import http.client
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from tests.stack.stack import Stack

from bench import publisher, stacks
from bench.figures import Figure
from bench.stacks import Homes

STATIONS = 10
NAMES = (
    "dissolved_oxygen", "dissolved_oxygen_hourly", "water_temperature", "ph", "conductivity", "turbidity",
    "permanganate_index", "ammonia_nitrogen", "total_phosphorus", "total_nitrogen",
)  # fmt: skip
PROMISE = 2000.0
LINE = b"data: "


@dataclass
class Page:
    """What an open map would get: milliseconds from each reading's own time."""

    stack: Stack
    delays: list[float] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        """Until the server stops."""
        line = http.client.HTTPConnection("127.0.0.1", self.stack.port, timeout=60)
        login = base64.b64encode(f"admin:{self.stack.environment['SHIZHU_ADMIN_PASSWORD']}".encode()).decode()
        line.request("GET", "/live", headers={"Authorization": f"Basic {login}"})
        answer = line.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"/live answered {answer.status}")
        self.is_open.set()
        topic = b""
        for text in answer:
            now = time.time()
            if text.startswith(b"event: "):
                topic = text
            elif text.startswith(LINE) and topic == b"event: things\n":
                rows = json.loads(text.removeprefix(LINE))
                self.delays += [(now - datetime.fromisoformat(row[1]).timestamp()) * 1000 for row in rows]


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    keys = [f"live-{number}" for number in range(STATIONS)]
    with homes.stack() as stack:
        stacks.register(stack, keys)
        page = Page(stack)
        threading.Thread(target=page.read, daemon=True).start()
        if not page.is_open.wait(20):
            raise RuntimeError("the live stream did not open")
        acknowledged = _publish(stack, keys, max(1, round(seconds * 2)))
        expected = len(acknowledged) * len(NAMES)
        stacks.wait(f"{expected} live readings", lambda: len(page.delays) >= expected)
        if len(page.delays) != expected:
            raise RuntimeError(f"{expected} readings were published and {len(page.delays)} were shown")
    for name, share in (("median", 0.5), ("99 %", 0.99), ("longest", 1.0)):
        took = _share(page.delays, share)
        yield Figure("live", name, took, "ms", "promise", PROMISE)
        yield Figure("live", name, took, "ms", "PUBACK", _share(acknowledged, share))


def _publish(stack: Stack, keys: list[str], rounds: int) -> list[float]:
    """One message every 100 ms; milliseconds until each was acknowledged."""
    lines = [publisher.connect(stack.mqtt, key, stacks.PASSWORD) for key in keys]
    pause, delays = 1 / len(keys), []
    time.sleep(1)  # the page's subscription and the devices' sessions are made
    due = time.monotonic()
    for number in range(rounds):
        for key, line in zip(keys, lines, strict=True):
            time.sleep(max(0.0, due - time.monotonic()))
            due += pause
            now = datetime.now(UTC)
            payload = json.dumps({"time": now.isoformat(), "values": dict.fromkeys(NAMES, number % 90 / 10)})
            line.sendall(publisher.publish(key, number, payload.encode()))
            line.recv(publisher.PUBACK_SIZE)
            delays.append((time.time() - now.timestamp()) * 1000)
    for line in lines:
        line.close()
    return delays


def _share(delays: list[float], share: float) -> float:
    ordered = sorted(delays)
    return ordered[max(0, round(share * len(ordered)) - 1)]
