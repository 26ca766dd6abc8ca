"""Events reach the log, and their consumers, in the order in which they were said."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest
from django.db import OperationalError

from shizhu.kernel import events, log

NUMBER = 200
Run = Callable[[Coroutine[Any, Any, Any]], Any]
pytestmark = pytest.mark.django_db(transaction=True)


def emit(type_: str, number: int = NUMBER) -> None:
    for one in range(number):
        events.emit(type_, one, "990001", {"number": one})


async def relayed() -> tuple[int, list[int]]:
    """How many rows were moved, and the numbers in the events as the log has them."""
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        pull = await log.durable(jetstream, log.EVENTS, "order-test", ["ev.*.toy.order.kept"])
        moved = await events.relay_once(jetstream)
        found: list[int] = []
        while len(found) < NUMBER:
            for message in await log.fetch(pull, NUMBER, 2.0):
                found.append(orjson.loads(message.payload)["data"]["number"])
                await message.ack()
        return moved, found


def test_the_relay_keeps_the_order_of_the_outbox(run: Run) -> None:
    emit("toy.order.kept")
    assert run(relayed()) == (NUMBER, list(range(NUMBER)))


async def consumed(chosen: events.Consumer, is_done: Callable[[], bool]) -> None:
    """Let a consumer work until it is done."""
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        await events.durable_of(jetstream, chosen)
        await events.relay_once(jetstream)
        working = asyncio.create_task(events.consume(jetstream, chosen, {}))
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
