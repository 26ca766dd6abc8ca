"""Events reach the log, and their consumers, in the order in which they were said."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest
from django.db import OperationalError, connection
from natsrpy.js import JetStream
from tests.kernel import dying

from shizhu.kernel import events, log
from shizhu.kernel.models import InboxEvent

NUMBER = 200
Run = Callable[[Coroutine[Any, Any, Any]], Any]
pytestmark = pytest.mark.django_db(transaction=True)


def emit(type_: str, number: int = NUMBER, after: int = 0) -> None:
    for one in range(after, after + number):
        events.emit(type_, one, "990001", {"number": one})


async def relayed() -> tuple[int, list[float]]:
    """How many rows were moved, and the numbers in the events as the log has them."""
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        pull = await log.durable(jetstream, log.EVENTS, "order-test", ["ev.*.toy.order.kept"])
        moved = await events.relay_once(jetstream)
        found: list[float] = []
        while len(found) < NUMBER:
            for message in await log.fetch(pull, NUMBER, 2.0):
                found.append(orjson.loads(message.payload)["data"]["number"])
                await message.ack()
        return moved, found


def test_the_relay_keeps_the_order_of_the_outbox_and_large_numbers(run: Run) -> None:
    emit("toy.order.kept", NUMBER - 1)
    events.emit("toy.order.kept", "much", "990001", {"number": -3.4e38})
    assert run(relayed()) == (NUMBER, [*range(NUMBER - 1), -3.4e38])


async def publish(jetstream: JetStream, type_: str, number: int) -> None:
    """Put an event into the log past the outbox."""
    subject, event = events.envelope(type_, str(number), "990001", {"number": number})
    await jetstream.publish(subject, event, wait=True)


async def relay(chosen: events.Consumer) -> None:
    """Move what was said into the log, where it is kept for the consumer."""
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        await events.durable_of(jetstream, chosen)
        await events.relay_once(jetstream)


async def consumed(chosen: events.Consumer, is_done: Callable[[], bool]) -> None:
    """Let a consumer work until it is done."""
    await relay(chosen)
    async with log.connected() as nats:
        working = asyncio.create_task(events.consume(nats, chosen, {}))
        async with asyncio.timeout(20):
            while not is_done():  # noqa: ASYNC110  # the consumer has no event for it
                await asyncio.sleep(0.05)
        working.cancel()


def test_a_consumer_waits_for_a_database_that_is_away(run: Run) -> None:
    faults, done = [OperationalError("the connection is closed")], []

    def handler(event: events.Event) -> None:
        if event.data["number"] == 1 and faults:
            raise faults.pop()
        done.append(event.data["number"])

    emit("toy.order.waited", 4)
    run(consumed(events.Consumer("order.waiting", ("toy.order.waited",), handler), lambda: len(done) == 4))
    assert done == [0, 1, 2, 3]


def test_an_event_that_a_handler_cannot_take_comes_again_and_holds_up_no_other(run: Run) -> None:
    faults, done = [ValueError("toy")], []

    def handler(event: events.Event) -> None:
        if event.data["number"] == 1 and faults:
            raise faults.pop()
        done.append(event.data["number"])

    emit("toy.order.failed", 4)
    run(consumed(events.Consumer("order.failing", ("toy.order.failed",), handler), lambda: len(done) == 4))
    assert done == [0, 2, 3, 1]


def numbers_in(told: Path) -> list[int]:
    return [int(line) for line in told.read_text().split()]


def test_what_a_killed_consumer_had_comes_before_newer_events(run: Run, tmp_path: Path) -> None:
    told = tmp_path / "told"
    chosen = dying.consumer(told)
    emit(dying.TYPE, 120)
    run(relay(chosen))
    here = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    command = [sys.executable, "-m", "tests.kernel.dying", str(told), "40"]
    environment = {**os.environ, "DATABASE_URL": here, "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    died = subprocess.run(command, env=environment, timeout=60, check=False)
    assert (died.returncode, numbers_in(told)) == (-signal.SIGKILL, list(range(40)))
    emit(dying.TYPE, 20, after=120)
    began = time.monotonic()
    run(consumed(chosen, lambda: len(numbers_in(told)) >= 140))
    assert time.monotonic() - began < log.ACK_WAIT.total_seconds() / 2
    assert numbers_in(told) == list(range(140))
    assert InboxEvent.objects.filter(consumer=chosen.name).count() == 140


def test_what_was_given_to_nobody_comes_before_newer_events(run: Run) -> None:
    done: list[int] = []
    is_read, go_on = threading.Event(), threading.Event()

    def handler(event: events.Event) -> None:
        done.append(event.data["number"])
        is_read.set()
        go_on.wait(20)

    chosen = events.Consumer("order.astray", ("toy.order.astray",), handler)

    async def astray() -> None:
        async with log.connected() as nats:
            jetstream = await nats.jetstream()
            pull = await events.durable_of(jetstream, chosen)
            await publish(jetstream, "toy.order.astray", 0)
            working = asyncio.create_task(events.consume(nats, chosen, {}))
            await asyncio.to_thread(is_read.wait, 20)
            for number in range(1, 9):
                await publish(jetstream, "toy.order.astray", number)
            assert len(await log.fetch(pull, 5, 2.0)) == 5  # as by somebody who died
            go_on.set()
            async with asyncio.timeout(log.ACK_WAIT.total_seconds() / 2):
                while len(done) < 9:  # noqa: ASYNC110  # the consumer has no event for it
                    await asyncio.sleep(0.05)
            working.cancel()

    run(astray())
    assert done == list(range(9))
