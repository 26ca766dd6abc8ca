"""A simulated HJ 212 data logger (数采仪): uploads over TCP, waits for answers, re-sends, reconnects.

Nothing on the wire says that a value is simulated; the profile of the device does.
"""

import asyncio
import contextlib
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from shizhu.wire import hj212

__all__ = ["Counts", "Faults", "Retry", "Terminal", "real_time"]

Sample = Callable[[datetime], Mapping[str, float]]

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Faults:
    """Chances, 0..1, that a frame is lost, delayed (by `delay_seconds`), sent twice or has a byte flipped;
    `fail`: that a firmware cannot be installed."""

    lose: float = 0.0
    delay: float = 0.0
    repeat: float = 0.0
    corrupt: float = 0.0
    delay_seconds: float = 0.0
    fail: float = 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Waits, in seconds: 10 s and 3 re-sendings are the standard's for mobile networks (HJ 212-2017 §6.1 Table 1)."""

    timeout: float = 10.0
    resends: int = 3
    first_backoff: float = 0.5
    longest_backoff: float = 30.0


@dataclass(slots=True)
class Counts:
    """What happened so far. Once nothing is pending, sent = answered + failed + those that wanted no answer."""

    sent: int = 0  # uploads put on the line for the first time, the swallowed ones among them
    answered: int = 0
    resent: int = 0  # further times
    failed: int = 0  # given up after the last re-sending
    connected: int = 0
    ignored: int = 0  # frames and garbage received that answer nothing awaited


@dataclass(slots=True)
class _Upload:
    frame: bytes
    packet: hj212.Packet | None  # None: not readable, sent without waiting
    tries: int = 0

    def is_awaited(self) -> bool:
        return self.packet is not None and self.packet.wants_answer

    def is_answered_by(self, answer: hj212.Packet) -> bool:
        if self.packet is None or answer.cn != hj212.DATA_ANSWER:
            return False
        return self.packet.qn is None or self.packet.qn in {answer.qn, answer.value("QN")}


@dataclass(slots=True)
class _Link:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    framer: hj212.Framer = field(default_factory=hj212.Framer)

    async def receive(self) -> list[bytes | hj212.Garbage]:
        data = await self.reader.read(4096)
        if not data:
            raise ConnectionResetError("the far end closed the connection")
        return self.framer.feed(data)

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()


def real_time(values: Mapping[str, float]) -> tuple[hj212.Group, ...]:
    """CP items of real-time data (Rtd, mark N) for values by factor code, four decimals."""
    return tuple(((f"{code}-Rtd", f"{value:.4f}"), (f"{code}-Flag", "N")) for code, value in values.items())


class Terminal:
    """One simulated device. Uploads stay in order in memory until answered or given up, also while the line is down.

    Faults come from a generator with its own seed: the same seed, the same faults. `given_up` keeps the failed frames.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        mn: str,
        password: str,
        st: str,
        edition: hj212.Edition = hj212.Edition.E2017,
        retry: Retry | None = None,
        faults: Faults | None = None,
        seed: int = 0,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.counts = Counts()
        self.given_up: list[bytes] = []
        self._address = (host, port)
        self._mn, self._password, self._st, self._edition = mn, password, st, edition
        self._retry = retry or Retry()
        self._faults = faults or Faults()
        self._random = random.Random(seed)  # noqa: S311 - repeatable faults, no secret
        self._clock = clock
        self._last_qn = datetime.min.replace(tzinfo=UTC)
        self._queue: deque[_Upload] = deque()
        self._link: _Link | None = None
        self._backoff = self._retry.first_backoff

    @property
    def pending(self) -> int:
        """Uploads not yet answered, given up or, if they want no answer, sent."""
        return len(self._queue)

    def upload(self, moment: datetime, groups: Sequence[hj212.Group], cn: str = "2011") -> None:
        """Queue an upload of items at DataTime `moment` (for 2051, 2061 and 2031 the start of the period).

        What is too long for one frame is split. Raises FrameError for what cannot be written.
        """
        whole = hj212.Packet(
            qn=self._next_qn(),
            st=self._st,
            cn=cn,
            pw=self._password,
            mn=self._mn,
            flag=hj212.flag_of(self._edition, hj212.ANSWER_WANTED),
            cp=((("DataTime", hj212.format_time(moment)),), *groups),
        )
        parts = hj212.split(whole)
        self._last_qn += _MILLISECOND * (len(parts) - 1)
        self._queue.extend([_Upload(hj212.encode(part), part) for part in parts])

    async def run(self, sample: Sample, *, every: float, count: int | None = None) -> None:
        """Upload real-time data every so many seconds, `count` times or until cancelled; returns when delivered."""
        async with asyncio.TaskGroup() as group:
            delivery: asyncio.Task[None] | None = None
            for _ in itertools.count() if count is None else range(count):
                moment = self._clock()
                self.upload(moment, real_time(sample(moment)))
                if delivery is None or delivery.done():
                    delivery = group.create_task(self.deliver())
                await asyncio.sleep(every)

    async def replay(self, frames: Iterable[bytes]) -> None:
        """Send recorded frames as they are, in order; waits for an answer to those that ask for one."""
        self._queue.extend([_Upload(frame, _read(frame)) for frame in frames])
        await self.deliver()

    async def deliver(self) -> None:
        """Send what is queued until nothing is pending, connecting again as often as it takes."""
        while self._queue:
            try:
                self._link = self._link or await self._connect()
                await self._exchange(self._link, self._queue[0])
            except OSError:
                await self.close()
                await asyncio.sleep(self._backoff)
                self._backoff = min(2 * self._backoff, self._retry.longest_backoff)
            else:
                self._queue.popleft()

    async def close(self) -> None:
        """Drop the connection; what is queued stays."""
        link, self._link = self._link, None
        if link:
            await link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _next_qn(self) -> str:
        self._last_qn = max(self._clock(), self._last_qn + _MILLISECOND)
        return hj212.format_qn(self._last_qn)

    async def _connect(self) -> _Link:
        link = _Link(*await asyncio.open_connection(*self._address))
        self.counts.connected += 1
        return link

    async def _exchange(self, link: _Link, upload: _Upload) -> None:
        for _ in range(1 + self._retry.resends):
            await self._transmit(link, upload)
            if not upload.is_awaited():
                return
            if await self._is_answered(link, upload):
                self.counts.answered += 1
                self._backoff = self._retry.first_backoff
                return
        self.counts.failed += 1
        self.given_up.append(upload.frame)

    async def _transmit(self, link: _Link, upload: _Upload) -> None:
        upload.tries += 1
        if upload.tries == 1:
            self.counts.sent += 1
        else:
            self.counts.resent += 1
        faults = self._faults
        if self._chance(faults.lose):
            return
        if self._chance(faults.delay):
            await asyncio.sleep(faults.delay_seconds)
        frame = self._corrupted(upload.frame) if self._chance(faults.corrupt) else upload.frame
        link.writer.write(frame * (2 if self._chance(faults.repeat) else 1))
        await link.writer.drain()

    async def _is_answered(self, link: _Link, upload: _Upload) -> bool:
        try:
            async with asyncio.timeout(self._retry.timeout):
                while not self._count_answers(await link.receive(), upload):
                    pass
        except TimeoutError:
            return False
        return True

    def _count_answers(self, items: Iterable[bytes | hj212.Garbage], upload: _Upload) -> int:
        packets = [None if isinstance(item, hj212.Garbage) else _read(item) for item in items]
        answers = sum(packet is not None and upload.is_answered_by(packet) for packet in packets)
        self.counts.ignored += len(packets) - min(answers, 1)
        return answers

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _corrupted(self, frame: bytes) -> bytes:
        # The middle third lies inside the data segment and leaves header, CRC and tail alone.
        place = self._random.randrange(len(frame) // 3, max(1, 2 * len(frame) // 3))
        return frame[:place] + bytes([frame[place] ^ 1]) + frame[place + 1 :]


def _read(frame: bytes) -> hj212.Packet | None:
    try:
        return hj212.decode(frame, hj212.LENIENT).packet
    except hj212.FrameError:
        return None
