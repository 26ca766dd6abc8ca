"""The event log: NATS JetStream, reached by `natsrpy`. Streams, durable consumers, waiting for the server.

All streams have interest retention: a message is kept until every durable consumer of ours has acknowledged it,
however long that takes, and consumers acknowledge only after PostgreSQL has committed. On an edge nobody consumes:
its streams keep what comes for some weeks, and the county mirrors them. `$MQTT_msgs@town1` names such a mirror.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.conf import settings
from natsrpy import Nats
from natsrpy.exceptions import NatsrpyBaseError
from natsrpy.js import (
    AckPolicy,
    External,
    JetStream,
    JetStreamMessage,
    PullConsumer,
    PullConsumerConfig,
    RetentionPolicy,
    Source,
    StorageType,
    Stream,
    StreamConfig,
)

from shizhu.kernel.pulling import Pull

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

DEVICES = "DEVICES"  # the broker's account of whoever speaks MQTT
READINGS = "READINGS"  # account SERVICE, written by gateways of ours: in.<protocol>.<device>
EVENTS = "EVENTS"  # account SERVICE, CloudEvents: ev.<county>.<type>
MQTT = "$MQTT_msgs"  # account DEVICES, the broker's own store of QoS 1 messages: for MQTT it is the log
SUBJECTS = {READINGS: ["in.>"], EVENTS: ["ev.>"], MQTT: ["$MQTT.msgs.>"]}
OF_EDGE = {READINGS: ["in.hj212.>"], MQTT: SUBJECTS[MQTT]}  # one account there, where `in.d.>` is what devices publish
FAULTS = (NatsrpyBaseError, TimeoutError, OSError)
ACK_WAIT = timedelta(seconds=30)
FOREVER = -1


@asynccontextmanager
async def connected(account: str = "service") -> AsyncIterator[Nats]:
    """A connection as one of our accounts (`service`, `ingest`, `system`); waits until the server answers."""
    while True:
        nats = Nats([settings.NATS_URL], user_and_pass=settings.CONFIG.nats_login(account), request_timeout=5.0)
        try:
            await nats.startup()
            break
        except FAULTS as error:
            logger.warning("the event log does not answer (%s); trying again", error)
            await asyncio.sleep(1)
    try:
        yield nats
    finally:
        await nats.shutdown()


async def patiently(what: str, call: Callable[[], Awaitable[Result]]) -> Result:
    """Repeat a call to the log until it succeeds: the server may be restarting."""
    while True:
        try:
            return await call()
        except FAULTS as error:
            logger.warning("%s: %s; trying again", what, error or type(error).__name__)
            await asyncio.sleep(0.5)


async def stream(jetstream: JetStream, name: str) -> Stream:
    """The stream of that name, made if not there."""

    is_edge = settings.CONFIG.edge is not None
    config = StreamConfig(
        name, (OF_EDGE if is_edge else SUBJECTS)[name], storage=StorageType.FILE, duplicate_window=timedelta(minutes=2),
        retention=RetentionPolicy.LIMITS if is_edge else RetentionPolicy.INTEREST,
        max_age=timedelta(days=settings.CONFIG.edge_days) if is_edge else None,
    )  # fmt: skip
    return await patiently(f"stream {name}", lambda: jetstream.streams.create_or_update(config))


async def mirror(jetstream: JetStream, name: str, edge: str, began: str, *, is_watched: bool) -> Stream:
    """The stream of that name of an edge, mirrored into its account here with its sequences and times.

    Without a consumer (`is_watched`) it holds all that comes; with one, what is not acknowledged.
    """
    source = Source(name, external=External(f"$JS.{edge}.API", f"edge.{edge}"))
    config = StreamConfig(
        name, [], storage=StorageType.FILE, mirror=source, metadata={"began": began},
        retention=RetentionPolicy.INTEREST if is_watched else RetentionPolicy.LIMITS,
    )  # fmt: skip
    return await patiently(f"mirror {name} of {edge}", lambda: jetstream.streams.create_or_update(config))


async def _asked(nats: Nats, what: str, edge: str = "") -> dict[str, Any]:
    """The answer of the log's own interface (JetStream API), here or on an edge."""
    api = f"$JS.{edge}.API" if edge else "$JS.API"
    told: dict[str, Any] = json.loads((await nats.request(f"{api}.{what}", b"")).payload)
    return told


async def about(nats: Nats, name: str, edge: str = "") -> dict[str, Any] | None:
    """What the log says of a stream, here or on an edge; None if it is not there or nobody answers."""
    try:
        told = await _asked(nats, f"STREAM.INFO.{name}", edge)
    except FAULTS:
        return None
    return told if "config" in told else None


async def is_done(nats: Nats, name: str, consumer: str) -> bool:
    """Whether the consumer has acknowledged all that the stream holds."""
    told = await _asked(nats, f"CONSUMER.INFO.{name}.{consumer}")
    return bool(told.get("num_pending") == 0 and told.get("num_ack_pending") == 0)


async def take_away(nats: Nats, name: str, last: int, besides: Sequence[str]) -> bool:
    """Take all up to the sequence `last` out of a stream, which one consumer is done with, unless another of those
    `besides` still wants something; returns whether it did.

    What is acknowledged goes anyhow, but one by one and each with a record that it went: a tenth of a rush.
    """
    try:
        if not all([await is_done(nats, name, consumer) for consumer in besides]):
            return False
        told = json.loads((await nats.request(f"$JS.API.STREAM.PURGE.{name}", json.dumps({"seq": last + 1}))).payload)
    except FAULTS as error:
        logger.warning("what is done with is not taken out of %s at once: %s", name, error or type(error).__name__)
        return False
    return bool(told.get("success"))


async def durable(
    jetstream: JetStream,
    stream_name: str,
    name: str,
    filters: Sequence[str],
    *,
    each: bool = True,
    pending: int = 1000,
    ack_wait: timedelta = ACK_WAIT,
) -> PullConsumer:
    """The durable pull consumer, with its stream, made if not there; redelivers for ever.

    `each`: every message is acknowledged on its own; otherwise an acknowledgement covers all before it.
    """
    made = await stream(jetstream, stream_name)
    return await consumer_of(made, name, filters, each=each, pending=pending, ack_wait=ack_wait)


async def consumer_of(
    made: Stream,
    name: str,
    filters: Sequence[str],
    *,
    each: bool = True,
    pending: int = 1000,
    ack_wait: timedelta = ACK_WAIT,
) -> PullConsumer:
    """The durable pull consumer on a stream that is there."""
    config = PullConsumerConfig(
        durable_name=name, filter_subjects=list(filters), ack_policy=AckPolicy.EXPLICIT if each else AckPolicy.ALL,
        ack_wait=ack_wait, max_deliver=FOREVER, max_ack_pending=pending,
    )  # fmt: skip
    return await patiently(f"consumer {name}", lambda: made.consumers.create(config))


async def give_again(nats: Nats, consumer: PullConsumer) -> None:
    """Have the log give again, in order and before anything newer, all that the consumer had and did not acknowledge.

    The consumer's own count begins at 1 then. What was acknowledged out of order may come once more (NATS 2.14,
    consumer reset to its ack floor).
    """

    async def reset() -> None:
        told = await _asked(nats, f"CONSUMER.RESET.{consumer.stream_name}.{consumer.name}")
        if "error" in told:
            raise OSError(told["error"].get("description", ""))

    await patiently(f"consumer {consumer.name}", reset)


def pull(account: str, consumer: PullConsumer) -> Pull:
    """A consumer of an account read straight off the socket, where thousands of messages come in a second."""
    at = urlsplit(settings.NATS_URL)
    login = settings.CONFIG.nats_login(account)
    return Pull((at.hostname or "", at.port or 4222), login, consumer.stream_name, consumer.name)


async def fetch(consumer: PullConsumer, most: int, wait: float) -> list[JetStreamMessage]:
    """Up to `most` messages, as soon as there are some, at the latest after `wait` seconds."""
    try:
        return await consumer.fetch(most, expires=wait, timeout=wait + 3)
    except FAULTS as error:
        logger.warning("the event log does not answer (%s); trying again", error or type(error).__name__)
        await asyncio.sleep(0.5)
        return []
