"""The simulated HJ 212 terminal against a small far end that is told how to misbehave; counts are exact."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shizhu.gateways.simulators.hj212 import Faults, Retry, Terminal, real_time
from shizhu.wire.hj212 import (
    Code,
    Edition,
    FrameError,
    Framer,
    Garbage,
    Packet,
    data_answer,
    decode,
    encode,
    format_time,
    values,
)

MN = "010000A8900016F000169DC0"
START = datetime(2026, 8, 1, tzinfo=UTC)
FAST = Retry(timeout=0.2, resends=3, first_backoff=0.01, longest_backoff=0.02)
Decision = Callable[[int], bool]


@dataclass
class FarEnd:
    """Answers uploads except where told otherwise; every frame read counts, from 1, across connections."""

    loses_answer: Decision = lambda number: False
    hangs_up: Decision = lambda number: False
    packets: list[Packet] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    lines: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.lines.append(writer)
        framer = Framer()
        while data := await reader.read(4096):
            for item in framer.feed(data):
                if not self.take(item, writer):
                    writer.close()
                    return
        writer.close()

    def take(self, item: bytes | Garbage, writer: asyncio.StreamWriter) -> bool:
        assert isinstance(item, bytes), item
        try:
            packet = decode(item).packet
        except FrameError:
            self.refused.append(item)
            return True
        self.packets.append(packet)
        number = len(self.packets)
        if self.hangs_up(number):
            return False
        if packet.wants_answer and not self.loses_answer(number):
            writer.write(encode(data_answer(packet)))
        return True

    def times(self) -> list[str | None]:
        return [packet.value("DataTime") for packet in self.packets]


@asynccontextmanager
async def listening(end: FarEnd) -> AsyncIterator[FarEnd]:
    server = await asyncio.start_server(end.serve, "127.0.0.1", end.port)
    end.port = server.sockets[0].getsockname()[1]
    try:
        yield end
    finally:
        server.close()
        for writer in end.lines:
            writer.close()
        await asyncio.sleep(0.01)


def terminal(end: FarEnd, **options: Any) -> Terminal:
    options = {"mn": MN, "password": "123456", "st": "32", "retry": FAST} | options
    return Terminal("127.0.0.1", end.port, **options)


def queue(device: Terminal, count: int) -> list[str]:
    moments = [START + timedelta(minutes=number) for number in range(count)]
    for moment in moments:
        device.upload(moment, real_time({"w01018": 20.5, "w01001": 7.25}))
    return [format_time(moment) for moment in moments]


def refusal(frame: bytes) -> Code:
    with pytest.raises(FrameError) as caught:
        decode(frame)
    return caught.value.code


def counted(device: Terminal) -> tuple[int, int, int, int, int]:
    counts = device.counts
    return counts.sent, counts.answered, counts.resent, counts.failed, device.pending


async def test_uploads_arrive_in_order_with_their_values() -> None:
    async with listening(FarEnd()) as end, terminal(end) as device:
        times = queue(device, 5)
        await device.deliver()
    assert (end.times(), counted(device)) == (times, (5, 5, 0, 0, 0))
    assert [(value.code, value.number, value.mark, value.time) for value in values(end.packets[0]).values] == [
        ("w01018", 20.5, "N", START),
        ("w01001", 7.25, "N", START),
    ]
    assert len({packet.qn for packet in end.packets}) == 5


async def test_lost_answers_are_asked_for_again() -> None:
    async with listening(FarEnd(loses_answer=lambda number: number in {1, 3, 4})) as end, terminal(end) as device:
        times = queue(device, 3)
        await device.deliver()
    assert end.times() == [times[0]] * 2 + [times[1]] * 3 + [times[2]]
    assert end.packets[0] == end.packets[1]
    assert counted(device) == (3, 3, 3, 0, 0)


async def test_gives_up_after_three_more_tries_and_goes_on() -> None:
    async with listening(FarEnd(loses_answer=lambda number: number <= 4)) as end, terminal(end) as device:
        times = queue(device, 2)
        await device.deliver()
    assert end.times() == [times[0]] * 4 + [times[1]]
    assert counted(device) == (2, 1, 3, 1, 0)
    assert [decode(frame).packet.value("DataTime") for frame in device.given_up] == times[:1]


async def test_dropped_connection_loses_nothing() -> None:
    async with listening(FarEnd(hangs_up=lambda number: number in {2, 4})) as end, terminal(end) as device:
        times = queue(device, 4)
        await device.deliver()
    assert end.times() == [times[0], times[1], times[1], times[2], times[2], times[3]]
    assert counted(device) == (4, 4, 2, 0, 0)
    assert end.connections == device.counts.connected == 3


async def test_uploads_wait_in_memory_until_the_far_end_is_there() -> None:
    async with listening(FarEnd()) as end:
        pass
    async with terminal(end) as device:
        times = queue(device, 3)
        delivery = asyncio.create_task(device.deliver())
        await asyncio.sleep(0.05)
        assert counted(device) == (0, 0, 0, 0, 3)
        async with listening(end):
            await delivery
    assert (end.times(), counted(device)) == (times, (3, 3, 0, 0, 0))


async def test_waits_longer_after_each_failure_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 5:
            raise asyncio.CancelledError

    async with listening(FarEnd()) as end:
        pass
    monkeypatch.setattr(asyncio, "sleep", note)
    device = terminal(end, retry=Retry(first_backoff=1, longest_backoff=5))
    queue(device, 1)
    with pytest.raises(asyncio.CancelledError):
        await device.deliver()
    assert waits == [1, 2, 4, 5, 5]


async def test_swallowed_frames_never_arrive() -> None:
    async with listening(FarEnd()) as end, terminal(end, faults=Faults(lose=1)) as device:
        queue(device, 1)
        await device.deliver()
    assert (end.packets, counted(device)) == ([], (1, 0, 3, 1, 0))


async def test_corrupted_frames_are_refused_for_their_crc() -> None:
    retry = replace(FAST, resends=1)
    async with listening(FarEnd()) as end, terminal(end, faults=Faults(corrupt=1), retry=retry) as device:
        queue(device, 2)
        await device.deliver()
    assert (end.packets, len(end.refused), counted(device)) == ([], 4, (2, 0, 2, 2, 0))
    assert {refusal(frame) for frame in end.refused} == {Code.CRC}


async def test_repeated_frames_arrive_twice() -> None:
    async with listening(FarEnd()) as end, terminal(end, faults=Faults(repeat=1)) as device:
        times = queue(device, 3)
        await device.deliver()
        await asyncio.sleep(0.01)
    assert sorted(end.times()) == sorted(times * 2)
    assert counted(device) == (3, 3, 0, 0, 0)


async def test_delayed_frames_arrive() -> None:
    async with listening(FarEnd()) as end, terminal(end, faults=Faults(delay=1, delay_seconds=0.02)) as device:
        queue(device, 2)
        started = asyncio.get_running_loop().time()
        await device.deliver()
        assert asyncio.get_running_loop().time() - started >= 0.04
    assert counted(device) == (2, 2, 0, 0, 0)


@pytest.mark.parametrize("seed", [1, 2])
async def test_mixed_faults_balance(seed: int) -> None:
    faults = Faults(lose=0.15, repeat=0.2, corrupt=0.15)
    retry = replace(FAST, timeout=0.05)
    async with listening(FarEnd()) as end, terminal(end, faults=faults, seed=seed, retry=retry) as device:
        times = queue(device, 40)
        await device.deliver()
    given_up = {decode(frame).packet.value("DataTime") for frame in device.given_up}
    assert set(end.times()) == set(times) - given_up
    assert counted(device) == (40, 40 - len(given_up), device.counts.resent, len(given_up), 0)
    assert device.counts.resent >= len(end.refused) - len(given_up) > 0


async def test_long_uploads_are_split_and_each_part_is_answered() -> None:
    async with listening(FarEnd()) as end, terminal(end) as device:
        device.upload(START, real_time({f"a{number:05}": 1.0 for number in range(50)}), cn="2061")
        device.upload(START, real_time({"a34004": 30.0}))
        await device.deliver()
    assert [(packet.pnum, packet.pno) for packet in end.packets] == [(2, 1), (2, 2), (None, None)]
    assert len({packet.qn for packet in end.packets}) == 3
    assert counted(device) == (3, 3, 0, 0, 0)


async def test_run_samples_at_intervals() -> None:
    moments = iter(START + timedelta(seconds=number) for number in range(100))
    async with listening(FarEnd()) as end, terminal(end, clock=lambda: next(moments)) as device:
        await device.run(lambda moment: {"w01018": moment.second}, every=0.01, count=4)
    numbers = [values(packet).values[0].number for packet in end.packets]
    assert (numbers, counted(device)) == ([0.0, 2.0, 4.0, 6.0], (4, 4, 0, 0, 0))  # each sample reads the clock twice


async def test_run_goes_on_sampling_while_the_line_is_down() -> None:
    async with listening(FarEnd()) as end:
        pass
    async with terminal(end) as device:
        running = asyncio.create_task(device.run(lambda moment: {"w01018": 1.0}, every=0.005, count=10))
        await asyncio.sleep(0.04)
        assert device.pending > 1
        async with listening(end):
            await running
    assert counted(device) == (10, 10, 0, 0, 0)


async def test_replay_waits_only_where_the_recording_asks() -> None:
    asks = Packet(
        qn="20160801085857223", st="32", cn="2011", pw="123456", mn=MN, flag=5, cp=((("DataTime", "20160801085857"),),)
    )
    tells = replace(asks, qn="20160801085858223", flag=4)
    async with listening(FarEnd(loses_answer=lambda number: number == 1)) as end, terminal(end) as device:
        await device.replay([encode(asks), encode(tells), b"##0004junk0000\r\n&&0000\r\n", encode(asks)])
        await asyncio.sleep(0.01)
    assert end.packets == [asks, asks, tells, asks]
    assert counted(device) == (4, 2, 1, 0, 0)


async def test_2005_device() -> None:
    async with listening(FarEnd()) as end, terminal(end, mn="88888880000001", edition=Edition.E2005) as device:
        queue(device, 2)
        await device.deliver()
    assert [packet.flag for packet in end.packets] == [1, 1]
    assert counted(device) == (2, 2, 0, 0, 0)


async def test_an_upload_that_cannot_be_written_is_refused() -> None:
    async with listening(FarEnd()) as end, terminal(end, mn="not an MN") as device:
        with pytest.raises(FrameError, match="MN = 'not an MN'"):
            queue(device, 1)
        assert device.pending == 0
