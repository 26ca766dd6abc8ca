"""Commands to MQTT devices: what is due goes to `cmd/<key>`, what the device says comes from `cmd/<key>/ack`.

The broker gives a device what comes from us at QoS 0, so it is sent again until the device itself says that it has it.
Answers are QoS 1: they wait in `$MQTT_msgs` until they are committed.

A device of an edge hears its commands over the line to that edge, and its answers come with all else that the edge has
kept. While the line is cut its commands wait here.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings
from django.db import DatabaseError
from natsrpy import Nats
from natsrpy.js import JetStreamMessage

from shizhu.engines.things import api as things
from shizhu.kernel import log
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
ANSWER = re.compile(r"\$MQTT\.msgs\.cmd\.([^.]+)\.ack")
AGAIN_SECONDS = 1.0


@dataclass
class Lines:
    """The county's own broker, and the lines to edges by their keys."""

    own: Nats
    edges: dict[str, Nats] = field(default_factory=dict)

    async def away(self) -> set[str]:
        """Edges that do not answer now."""
        reached = await asyncio.gather(*(things.is_reached(nats, key) for key, nats in self.edges.items()))
        return {key for key, is_there in zip(self.edges, reached, strict=True) if not is_there}


async def send_due(lines: Lines) -> tuple[int, float]:
    """Publish what is due now; returns how many, and in how many seconds more may be."""
    outgoing, wait = await in_thread(things.due_commands)(away=await lines.away())
    for one in outgoing:
        for nats in filter(None, (lines.own, lines.edges.get(one.edge))):  # it may be connected here too
            await nats.publish(f"cmd.{one.device}", one.payload)
    return len(outgoing), wait


async def _sending(lines: Lines, detail: dict[str, Any]) -> None:
    while True:
        try:
            async with things.command_news() as waited:
                while True:
                    sent, wait = await send_due(lines)
                    detail["sent"] = detail.get("sent", 0) + sent
                    await waited(wait)
        except (DatabaseError, psycopg.OperationalError, *log.FAULTS) as error:
            logger.warning("commands wait: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def _hearing(nats: Nats, detail: dict[str, Any]) -> None:
    consumer = await log.durable(await nats.jetstream(), log.MQTT, things.ANSWERING, [things.ANSWERS])
    while True:
        await _take(await log.fetch(consumer, 100, 5.0), detail)


async def _hearing_edge(edge: str, nats: Nats, detail: dict[str, Any]) -> None:
    while True:  # asked for anew each time: the mirror of an edge that lost its disk is made anew
        consumer = await things.answers_of_edge(nats)
        await _take(await log.fetch(consumer, 100, 5.0), detail, edge)


async def _take(messages: Sequence[JetStreamMessage], detail: dict[str, Any], edge: str = "") -> None:
    for message in messages:
        found = ANSWER.fullmatch(message.subject)
        try:
            why = await in_thread(things.command_answered)(
                found[1] if found else "", message.payload, message.published, edge
            )
        except DatabaseError as error:  # not acknowledged: the log delivers it again
            logger.warning("an answer waits: %s", str(error).splitlines()[0])
            await asyncio.sleep(AGAIN_SECONDS)
            continue
        if why:
            logger.warning("an answer on %s is left aside: %s", message.subject, why)
        detail["answers"] = detail.get("answers", 0) + 1
        await message.ack()


async def run(detail: dict[str, Any]) -> None:
    """The commands' part of the gateway role."""
    async with contextlib.AsyncExitStack() as stack:
        lines = Lines(await stack.enter_async_context(log.connected("ingest")))
        for key, edge in settings.CONFIG.edges.items():
            lines.edges[key] = await stack.enter_async_context(log.connected(edge.account))
        async with asyncio.TaskGroup() as group:
            group.create_task(_hearing(lines.own, detail))
            group.create_task(_sending(lines, detail))
            for key, nats in lines.edges.items():
                group.create_task(_hearing_edge(key, nats, detail))
