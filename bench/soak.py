"""Soak: an hour of a county's devices in a few minutes, with everything that goes wrong on the way, counted exactly.

`python -m bench.soak [--devices N] [--minutes N] [--speed N] [--kill SECONDS]`. Each device measures once a minute;
nine of ten speak MQTT, one HJ 212. Lines break in the middle of a message, readings come late and out of order, twice,
and with clocks that drift; parts of the product are killed in turn. In the end every reading must be committed once,
with its time and value, and every corrupted message must be in the quarantine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import struct
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from tests.stack.stack import Stack, until

from bench import stacks
from bench.publisher import ACCEPTED, PUBACK_SIZE, packet, text
from shizhu.gateways.simulators.hj212 import Faults, Retry, Terminal, real_time

START = datetime(2026, 6, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
VICTIMS = ("ingest", "nats", "gateway", "postgres", "worker")
BROKEN, LATE, TWICE, CORRUPT = 0.02, 0.05, 0.05, 0.01  # chances of each reading
LATEST = 15  # minutes a reading may be held back
DRIFT = 90.0  # seconds an hour a clock may gain or lose
HJ212_FAULTS = Faults(lose=0.02, repeat=0.05, corrupt=0.02)
SILENCE_SECONDS = 20.0  # without an answer the line is taken for dead
ROWS = """
SELECT t.key, o.phenomenon_time, o.result, o.sequence FROM things_observation o
JOIN things_datastream s ON s.id = o.datastream_id JOIN things_thing t ON t.id = s.thing_id
WHERE s.key = 'dissolved_oxygen'
"""
QUARANTINE = "SELECT sender, count(DISTINCT payload) FROM things_quarantine WHERE protocol = 'mqtt' GROUP BY 1"


@dataclass(eq=False)
class Device:
    """An MQTT device that keeps what is not acknowledged, over lines that break."""

    key: str
    port: int
    minutes: int
    readings: dict[datetime, float] = field(default_factory=dict)
    corrupted: set[bytes] = field(default_factory=set)
    broken: int = 0
    _waiting: dict[int, bytes] = field(default_factory=dict)  # by packet id
    _next: int = 0
    _line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def __post_init__(self) -> None:
        self._random = random.Random(self.key)  # faults to order
        self._drift = self._random.uniform(-DRIFT, DRIFT)

    def plan(self) -> Iterator[tuple[int, bytes]]:
        """(minute in which it is sent, payload) of everything this device will say."""
        for minute in range(self.minutes):
            at = START + minute * MINUTE + timedelta(seconds=round(self._drift * minute / 60, 3))
            value = round(5 + self._random.random() * 5, 2)
            sent = minute + (self._random.randint(1, LATEST) if self._random.random() < LATE else 0)
            payload = json.dumps({"time": at.isoformat(), "values": {"dissolved_oxygen": value}}).encode()
            if self._random.random() < CORRUPT:
                self.corrupted.add(payload[:-9])
                yield sent, payload[:-9]
                continue
            self.readings[at] = value
            yield sent, payload
            if self._random.random() < TWICE:
                yield sent + self._random.randint(0, LATEST), payload

    async def live(self, began: float, seconds: float) -> None:
        """Say everything in its minute, which takes `seconds`, and return when all is acknowledged."""
        for minute, payload in sorted(self.plan(), key=lambda said: said[0]):
            due = began + (minute + self._random.random()) * seconds
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._say(payload)
        self._drop()

    async def _say(self, payload: bytes) -> None:
        self._next = self._next % 65535 + 1
        self._waiting[self._next] = payload
        if self._line:
            self._line[1].write(self._message(self._next))
        if self._random.random() < BROKEN:
            self.broken += 1
            self._drop()
        await self._hear()

    async def _hear(self) -> None:
        """Wait until all is acknowledged; a new line begins with what is not."""
        while self._waiting:
            try:
                reader = (self._line or await self._connected())[0]
                answer = await asyncio.wait_for(reader.readexactly(PUBACK_SIZE), SILENCE_SECONDS)
                self._waiting.pop(struct.unpack(">H", answer[2:])[0], None)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                self._drop()
                await asyncio.sleep(0.5 + self._random.random())

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._line = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", self.port), SILENCE_SECONDS)
        reader, writer = self._line
        login = text(self.key) + text(self.key) + text(stacks.PASSWORD)
        writer.write(packet(0x10, text("MQTT") + b"\x04\xc2\x00\x00" + login))
        if await asyncio.wait_for(reader.readexactly(len(ACCEPTED)), SILENCE_SECONDS) != ACCEPTED:
            raise ConnectionRefusedError(self.key)
        writer.write(b"".join([self._message(number) for number in self._waiting]))
        return self._line

    def _message(self, number: int) -> bytes:
        return packet(0x32, text(f"d/{self.key}/telemetry") + struct.pack(">H", number) + self._waiting[number])

    def _drop(self) -> None:
        if self._line:
            self._line[1].close()
        self._line = None


async def terminal(key: str, port: int, minutes: int, began: float, seconds: float) -> dict[datetime, float]:
    """An HJ 212 terminal; returns what it was told is kept."""
    chance = random.Random(key)  # values to order
    readings: dict[datetime, float] = {}
    retry = Retry(timeout=5.0, resends=1000, longest_backoff=5.0)
    async with Terminal(
        "127.0.0.1",
        port,
        mn=key,
        password=stacks.PASSWORD,
        st="21",
        faults=HJ212_FAULTS,
        retry=retry,
        seed=int(key[-6:]),
    ) as one:
        for minute in range(minutes):
            await asyncio.sleep(max(0.0, began + minute * seconds - time.monotonic()))
            at = START + minute * MINUTE
            readings[at] = round(5 + chance.random() * 5, 2)
            one.upload(at, real_time({"w01009": readings[at]}))
            await one.deliver()
    return readings


async def trouble(stack: Stack, every: float) -> None:
    """Kill one part after the other."""
    for number in range(sys.maxsize):
        await asyncio.sleep(every)
        victim = VICTIMS[number % len(VICTIMS)]
        print(f"  kill -9 {victim}", file=sys.stderr, flush=True)
        await asyncio.to_thread(stack.kill, victim)


async def live(stack: Stack, count: int, minutes: int, speed: float, every: float) -> dict[str, dict[datetime, float]]:
    """The hour itself: what every device was told is kept."""
    seconds = 60 / speed
    terminals = [f"2026{number:020}" for number in range(count // 10)]
    devices = [Device(f"soak-{number}", stack.mqtt, minutes) for number in range(count - len(terminals))]
    await asyncio.to_thread(stacks.register, stack, [*terminals, *(device.key for device in devices)])
    print(f"{count} devices, {minutes} minutes in {minutes * seconds:.0f} s", file=sys.stderr, flush=True)
    began = time.monotonic()
    harm = asyncio.create_task(trouble(stack, every)) if every else None
    told = await asyncio.gather(
        *(terminal(key, stack.hj212, minutes, began, seconds) for key in terminals),
        *(device.live(began, seconds) for device in devices),
    )
    if harm:
        harm.cancel()
    said = dict(zip(terminals, told, strict=False)) | {device.key: device.readings for device in devices}
    await asyncio.to_thread(check, stack, said, {device.key: len(device.corrupted) for device in devices})
    print(f"{sum(device.broken for device in devices)} lines broken in the middle of a message", file=sys.stderr)
    return said


def check(stack: Stack, said: dict[str, dict[datetime, float]], corrupted: dict[str, int]) -> None:
    """Raise AssertionError unless exactly what was said is committed, and what was corrupted is kept."""
    total = sum(len(readings) for readings in said.values())
    until(lambda: stack.query(f"SELECT count(*) FROM ({ROWS}) AS found")[0][0] >= total, 120)
    found: dict[str, dict[datetime, float]] = {key: {} for key in said}
    again = Counter[str]()
    for key, at, result, sequence in stack.query(ROWS):
        found[key][at] = result
        again[key] += sequence > 0
    wrong = {key for key in said if found[key] != said[key] or again[key]}
    assert not wrong, f"{len(wrong)} devices differ: {sorted(wrong)[:5]}; {again.total()} rows twice\n{stack.tail()}"
    kept = dict(stack.query(QUARANTINE))
    assert kept == {key: number for key, number in corrupted.items() if number}, "the quarantine differs"
    late = sum(corrupted.values())
    print(f"{total} readings of {len(said)} devices committed exactly once; {late} corrupted ones kept", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.soak", description="An hour of devices, counted exactly.")
    parser.add_argument("--devices", type=int, default=1000)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--speed", type=float, default=12.0, help="minutes that pass in a minute (default: 12)")
    parser.add_argument("--kill", type=float, default=40.0, help="seconds between two kills, 0 for none (default: 40)")
    options = parser.parse_args()
    with stacks.homes() as homes, homes.stack() as stack:
        asyncio.run(live(stack, options.devices, options.minutes, options.speed, options.kill))
    return 0


if __name__ == "__main__":
    sys.exit(main())
