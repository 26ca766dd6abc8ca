"""HJ 212 uploads answered a second: sixteen terminals, each sends 2011 with nine factors and waits for its 9014, which
comes when the event log has the upload; every value is counted in the database. Beside a plain TCP echo of the same
frames: the same terminals against a Python process that only sends back what it got."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context

import psycopg

from bench import stacks
from bench.figures import Figure
from bench.stacks import Homes
from shizhu.gateways.simulators.hj212 import real_time
from shizhu.site.supervisor import free_port
from shizhu.wire import hj212

TERMINALS = 16
START = datetime(2026, 6, 1, tzinfo=UTC)
FACTORS = ("w01009", "w01010", "w01001", "w01014", "w01003", "w01019", "w21003", "w21011", "w21001")
END = b"\r\n"
Answered = Callable[[bytes, bytes, str], bool]  # answer, frame, its QN


def run(homes: Homes, seconds: float) -> Iterator[Figure]:
    keys = [f"2026212{number:017}" for number in range(TERMINALS)]
    with homes.stack() as stack:
        stacks.register(stack, keys)
        with psycopg.connect(stack.state["DATABASE_URL"], autocommit=True) as connection:
            before = stacks.rows(connection)
            answered, took = asyncio.run(_terminals(stack.hj212, keys, seconds, _is_confirmed))
            expected = before + answered * len(FACTORS)
            stacks.wait(f"{expected} rows", lambda: stacks.rows(connection) >= expected)
            if stacks.rows(connection) != expected:
                raise RuntimeError(f"{expected} rows are expected and {stacks.rows(connection)} are there")
    echoed, echo_took = _against_echo(keys, seconds)
    yield Figure("hj212", "answered", answered / took, "uploads/s", "TCP echo", echoed / echo_took)


async def _terminals(port: int, keys: list[str], seconds: float, answered: Answered) -> tuple[int, float]:
    """(uploads answered, seconds)."""
    began = time.perf_counter()
    done = await asyncio.gather(*(_terminal(port, key, began + seconds, answered) for key in keys))
    return sum(done), time.perf_counter() - began


async def _terminal(port: int, key: str, end: float, answered: Answered) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    done = 0
    while time.perf_counter() < end:
        at = START + timedelta(seconds=done)
        qn = hj212.format_qn(at)
        frame = hj212.encode(
            hj212.Packet(
                qn=qn, st="21", cn="2011", pw=stacks.PASSWORD, mn=key,
                flag=hj212.flag_of(hj212.Edition.E2017, hj212.ANSWER_WANTED),
                cp=((("DataTime", hj212.format_time(at)),), *real_time(dict.fromkeys(FACTORS, done % 90 / 10))),
            )
        )  # fmt: skip
        writer.write(frame)
        answer = await asyncio.wait_for(reader.readuntil(END), 10)
        if not answered(answer, frame, qn):
            raise RuntimeError(f"{answer!r} does not answer {frame!r}")
        done += 1
    writer.close()
    return done


def _is_confirmed(answer: bytes, frame: bytes, qn: str) -> bool:
    return b"CN=9014;" in answer and f"QN={qn};".encode() in answer


def _is_same(answer: bytes, frame: bytes, qn: str) -> bool:
    return answer == frame


def _against_echo(keys: list[str], seconds: float) -> tuple[int, float]:
    context, port = get_context("spawn"), free_port()
    is_ready = context.Event()
    server = context.Process(target=_echo, args=(port, is_ready), daemon=True)
    server.start()
    try:
        if not is_ready.wait(20):
            raise RuntimeError("the echo server did not start")
        return asyncio.run(_terminals(port, keys, seconds, _is_same))
    finally:
        server.kill()


def _echo(port: int, is_ready: asyncio.Event) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(16_384):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def listen() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
            is_ready.set()
            await server.serve_forever()

    asyncio.run(listen())
