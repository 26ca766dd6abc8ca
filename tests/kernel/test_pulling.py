"""A consumer read off the socket: what it gives, whatever the pieces it comes in, and after its line broke."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from natsrpy import Nats
from natsrpy.js import JetStream, RetentionPolicy, StorageType, StreamConfig

from shizhu.gateways import revoking
from shizhu.kernel import log
from shizhu.kernel.pulling import Message, Pull

pytestmark = pytest.mark.django_db(transaction=True)  # with it the log
STREAM, WAIT = "PULLING", 0.3


@asynccontextmanager
async def consumer(name: str = "reader") -> AsyncIterator[tuple[Nats, JetStream, Pull]]:
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        config = StreamConfig(STREAM, ["pulling.>"], storage=StorageType.FILE, retention=RetentionPolicy.INTEREST)
        made = await jetstream.streams.create_or_update(config)
        durable = await log.consumer_of(made, name, ["pulling.>"], each=False, ack_wait=timedelta(seconds=1))
        pull = log.pull("service", durable)
        try:
            yield nats, jetstream, pull
        finally:
            pull.close()
            await jetstream.streams.delete(STREAM)


async def say(jetstream: JetStream, *numbers: int) -> None:
    for number in numbers:
        await jetstream.publish(f"pulling.{number % 2}", b"%d\r\n" % number, headers={"a": "b"}, wait=True)


def numbers(found: list[Message]) -> list[int]:
    return [int(message.payload) for message in found]


async def test_it_gives_what_the_client_library_gives() -> None:
    async with consumer() as (_, jetstream, pull):
        made = await jetstream.streams.get(STREAM)
        other = await log.consumer_of(made, "other", ["pulling.>"], each=False)
        await say(jetstream, *range(5))
        for most in (3, 10):
            found, theirs = await pull.fetch(most, WAIT), await log.fetch(other, most, WAIT)
            names = "subject", "payload", "stream_sequence", "consumer_sequence", "published", "pending"
            told = [tuple(getattr(message, name) for name in names) for message in theirs]
            assert [tuple(getattr(message, name) for name in names) for message in found] == told
            assert len(told) == (3 if most == 3 else 2)
        assert await pull.fetch(10, WAIT) == []


async def test_it_waits_for_the_first() -> None:
    async with consumer() as (_, jetstream, pull):
        asked = asyncio.create_task(pull.fetch(10, 5.0))
        await asyncio.sleep(0.1)
        assert not asked.done()
        await say(jetstream, 7)
        assert numbers(await asyncio.wait_for(asked, 2.0)) == [7]


async def test_what_was_not_acknowledged_comes_again_also_after_the_line_broke() -> None:
    async with consumer() as (_, jetstream, pull), log.connected("system") as system:
        await say(jetstream, 0, 1, 2, 3)
        found = await pull.fetch(10, WAIT)
        assert numbers(found) == [0, 1, 2, 3]
        pull.acknowledge(found[1])  # and with it the one before
        told = orjson.loads((await system.request(revoking.LIST, orjson.dumps({"limit": 1000}))).payload)
        (own,) = [one["cid"] for one in told["data"]["connections"] if one.get("name") == "reader"]
        await system.request(f"$SYS.REQ.SERVER.{told['server']['id']}.KICK", orjson.dumps({"cid": own}))
        await asyncio.sleep(1.2)
        again: list[Message] = []
        async with asyncio.timeout(10):
            while len(again) < 2:
                again += await pull.fetch(10, 1.0)
        assert numbers(again) == [2, 3]


async def test_what_is_done_with_is_taken_out_at_once_unless_another_wants_it() -> None:
    async with consumer() as (nats, jetstream, pull):
        made = await jetstream.streams.get(STREAM)
        other = await log.consumer_of(made, "other", ["pulling.1"])
        await say(jetstream, 0, 1, 2, 3)
        found = await pull.fetch(10, WAIT)
        done = found[1].stream_sequence
        assert not await log.take_away(nats, STREAM, done, ["other"])  # which was given nothing yet
        theirs = await log.fetch(other, 10, WAIT)
        assert not await log.take_away(nats, STREAM, done, ["other"])  # which has acknowledged nothing yet
        assert not await log.take_away(nats, STREAM, done, ["nobody"])
        assert (await log.about(nats, STREAM))["state"]["messages"] == 4
        for message in theirs:
            await message.ack()
        async with asyncio.timeout(5):
            while not await log.take_away(nats, STREAM, done, ["other"]):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert (await log.about(nats, STREAM))["state"]["messages"] == 2
        pull.acknowledge(found[1])
        await say(jetstream, 5)
        assert numbers(await pull.fetch(10, WAIT)) == [5]
        told = orjson.loads((await nats.request(f"$JS.API.CONSUMER.INFO.{STREAM}.reader", b"")).payload)
        assert (told["num_ack_pending"], told["ack_floor"]["stream_seq"]) == (3, done)
        await asyncio.sleep(1.2)
        again: list[Message] = []
        async with asyncio.timeout(10):
            while len(again) < 3:
                again += await pull.fetch(10, 1.0)
        assert sorted(numbers(again)) == [2, 3, 5]


async def test_where_nobody_answers_it_gives_nothing_and_goes_on(caplog: Any) -> None:
    async with consumer() as (_, jetstream, pull):
        stranger = Pull(pull._address, ("service", "wrong"), STREAM, "reader")
        assert await stranger.fetch(1, WAIT) == []
        unknown = Pull(pull._address, pull._login, STREAM, "nobody")
        assert await unknown.fetch(1, WAIT) == []
        unknown.close()
        assert [re.search(r"Authorization Violation|503", line) is not None for line in caplog.messages] == [True] * 2
        with pytest.raises(ConnectionError):
            unknown.acknowledge(Message("", b"", 1, 1, b"$JS.ACK.a.b.1.1.1.1.1"))
        await say(jetstream, 1)
        assert numbers(await pull.fetch(1, WAIT)) == [1]


def line(number: int, body: bytes, *, has_head: bool, has_domain: bool) -> bytes:
    middle = b"hub.hash." if has_domain else b""
    reply = b"$JS.ACK.%ss.c.1.%d.%d.%d.9" % (middle, number, number + 5, number * 1000)
    head = b"NATS/1.0\r\nA: b\r\n\r\n" if has_head else b""
    sizes = b"%d %d" % (len(head), len(head) + len(body)) if has_head else b"%d" % len(body)
    return b"%s in.%d 1 %s %s\r\n%s%s\r\n" % (b"HMSG" if has_head else b"MSG", number % 3, reply, sizes, head, body)


bodies = st.lists(
    st.tuples(st.binary(max_size=40) | st.just(b"\r\nHMSG a 1 b 1 1\r\n"), st.booleans(), st.booleans()), max_size=6
)


@settings(max_examples=50)
@given(bodies, st.lists(st.integers(0, 900), max_size=12), st.booleans())
def test_in_whatever_pieces_it_comes(told: list[tuple[bytes, bool, bool]], cuts: list[int], has_ping: bool) -> None:
    """A far end that cuts what it says anywhere."""
    ponged: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO {}\r\n")
        await reader.readuntil(b"SUB ")
        inbox = (await reader.readuntil(b"\r\n")).split(b" ")[0]
        await reader.readuntil(b"no_wait")
        said = b"".join(
            line(number, body, has_head=has_head, has_domain=has_domain)
            for number, (body, has_head, has_domain) in enumerate(told)
        )
        said += b"PING\r\n" * has_ping + b"HMSG %s 1 28 28\r\nNATS/1.0 404 No Messages\r\n\r\n\r\n" % inbox
        for begin, end in pairwise([0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]):
            writer.write(said[begin:end])
            await writer.drain()
            await asyncio.sleep(0)
        if has_ping:
            ponged.append(await reader.readuntil(b"PONG\r\n"))
        writer.close()
        await writer.wait_closed()

    async def asked() -> list[Message]:
        over = asyncio.Event()

        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await answer(reader, writer)
            over.set()

        async with await asyncio.start_server(once, "127.0.0.1", 0) as server:
            pull = Pull(server.sockets[0].getsockname(), ("a", "b"), "s", "c")
            found = await pull.fetch(100, 1.0)
            await over.wait()
            pull.close()
            await asyncio.sleep(0)
            return found

    found = asyncio.run(asked())
    assert [(one.subject, one.payload, one.stream_sequence, one.consumer_sequence, one.pending) for one in found] == [
        (f"in.{number % 3}", body, number, number + 5, 9) for number, (body, _, _) in enumerate(told)
    ]
    assert len(ponged) == has_ping
    assert [one.nanoseconds for one in found] == [number * 1000 for number in range(len(told))]
