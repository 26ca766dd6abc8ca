"""A small MQTT 3.1.1 publisher on bare sockets, so that the client is not what is measured."""

from __future__ import annotations

import select
import selectors
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

# Recent, as what devices send; ten minutes at full rate end before now.
START = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=8)
STEP = timedelta(milliseconds=1)
WINDOW = 200
ACCEPTED = b"\x20\x02\x00\x00"
PUBACK_SIZE = 4
SILENCE_SECONDS = 20.0


def packet(kind: int, body: bytes) -> bytes:
    """A control packet of up to 16 KiB."""
    size = bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 | 128, len(body) // 128])
    return bytes([kind]) + size + body


def text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()


def connect(port: int, key: str, password: str) -> socket.socket:
    """A connection that the broker has accepted; keep-alive off."""
    line = socket.create_connection(("127.0.0.1", port), 10)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.sendall(packet(0x10, text("MQTT") + b"\x04\xc2\x00\x00" + text(key) + text(key) + text(password)))
    answer = line.recv(4)
    if answer != ACCEPTED:
        raise RuntimeError(f"the broker refused {key}: {answer!r}")
    return line


def publish(key: str, number: int, payload: bytes) -> bytes:
    """Telemetry at QoS 1; the packet id follows from the number."""
    return packet(0x32, text(f"d/{key}/telemetry") + struct.pack(">H", number % 65535 + 1) + payload)


def time_of(number: int) -> datetime:
    """Of the reading of that number."""
    return START + number * STEP


def reading(number: int) -> bytes:
    """One value; its time says which it is."""
    at = time_of(number).isoformat(timespec="milliseconds")
    return b'{"time":"%s","values":{"dissolved_oxygen":%.1f}}' % (at.encode(), number % 90 / 10)


def message(number: int, many: int) -> bytes:
    """The readings of the message of that number, so many in each."""
    if many == 1:
        return reading(number)
    return b"[%s]" % b",".join(map(reading, range(number * many, (number + 1) * many)))


@dataclass(eq=False)
class Device:
    """One connection with a window of unacknowledged messages."""

    key: str
    line: socket.socket
    next: int
    many: int = 1  # readings in a message
    sent: int = 0
    received: int = 0

    @property
    def acknowledged(self) -> int:
        return self.received // PUBACK_SIZE

    def fill(self) -> None:
        """Send as many as the window allows."""
        room = WINDOW - (self.sent - self.acknowledged)
        numbers = range(self.next, self.next + room)
        self.line.sendall(b"".join([publish(self.key, number, message(number, self.many)) for number in numbers]))
        self.next += room
        self.sent += room


@dataclass(eq=False)
class Steady:
    """Devices that publish one reading in a message, so many a second together, whenever they are asked to go on."""

    lines: dict[str, socket.socket]
    rate: float
    first: Mapping[str, int] = field(default_factory=dict)
    began: float = field(default_factory=time.perf_counter)
    sent: dict[str, list[float]] = field(default_factory=dict)  # when each was, by `perf_counter`

    def go_on(self) -> None:
        """Send what is due, read what has been acknowledged."""
        due = int((time.perf_counter() - self.began) * self.rate / len(self.lines))
        for key, line in self.lines.items():
            own, first = self.sent.setdefault(key, []), self.first.get(key, 0)
            messages = [publish(key, first + n, reading(first + n)) for n in range(len(own), due)]
            now = time.perf_counter()
            line.sendall(b"".join(messages))
            own += [now] * len(messages)
            if select.select([line], [], [], 0)[0]:
                line.recv(1 << 16)


def blast(
    port: int, password: str, keys: list[str], seconds: float, first: dict[str, int] | None = None, many: int = 1
) -> tuple[dict[str, int], float]:
    """Publish from all devices as fast as the broker acknowledges: (messages acknowledged by device, seconds)."""
    devices = [Device(key, connect(port, key, password), (first or {}).get(key, 0), many) for key in keys]
    began = time.perf_counter()
    with selectors.DefaultSelector() as selector:
        for device in devices:
            selector.register(device.line, selectors.EVENT_READ, device)
            device.fill()
        while any(device.acknowledged < device.sent for device in devices):
            ready = selector.select(SILENCE_SECONDS)
            if not ready:
                raise RuntimeError(f"the broker acknowledged nothing for {SILENCE_SECONDS:.0f} s")
            for chosen, _ in ready:
                device = chosen.data
                data = device.line.recv(1 << 16)
                if not data:
                    raise RuntimeError(f"the broker closed the connection of {device.key}")
                device.received += len(data)
                if time.perf_counter() - began < seconds:
                    device.fill()
    took = time.perf_counter() - began
    for device in devices:
        device.line.close()
    return {device.key: device.acknowledged for device in devices}, took
