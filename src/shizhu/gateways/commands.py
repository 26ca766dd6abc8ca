"""Commands to MQTT devices: what is due goes to `cmd/<key>`, what the device says comes from `cmd/<key>/ack`.

The broker gives a device what comes from us at QoS 0, so it is sent again until the device itself says that it has it.
Answers are QoS 1: they wait in `$MQTT_msgs` until they are committed.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import psycopg
from django.db import DatabaseError
from natsrpy import Nats

from shizhu.engines.things import api as things
from shizhu.kernel import log
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
ANSWERS = "$MQTT.msgs.cmd.*.ack"
ANSWER = re.compile(r"\$MQTT\.msgs\.cmd\.([^.]+)\.ack")
AGAIN_SECONDS = 1.0


async def send_due(nats: Nats) -> tuple[int, float]:
    """Publish what is due now; returns how many, and in how many seconds more may be."""
    outgoing, wait = await in_thread(things.due_commands)()
    for one in outgoing:
        await nats.publish(f"cmd.{one.device}", one.payload)
    return len(outgoing), wait


async def _sending(nats: Nats, detail: dict[str, Any]) -> None:
    while True:
        try:
            async with things.command_news() as waited:
                while True:
                    sent, wait = await send_due(nats)
                    detail["sent"] = detail.get("sent", 0) + sent
                    await waited(wait)
        except (DatabaseError, psycopg.OperationalError, *log.FAULTS) as error:
            logger.warning("commands wait: %s", str(error).splitlines()[0] if str(error) else type(error).__name__)
        await asyncio.sleep(AGAIN_SECONDS)


async def _hearing(nats: Nats, detail: dict[str, Any]) -> None:
    consumer = await log.durable(await nats.jetstream(), log.MQTT, "commands", [ANSWERS])
    while True:
        for message in await log.fetch(consumer, 100, 5.0):
            found = ANSWER.fullmatch(message.subject)
            try:
                why = await in_thread(things.command_answered)(
                    found[1] if found else "", message.payload, message.published
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
    async with log.connected("ingest") as nats, asyncio.TaskGroup() as group:
        group.create_task(_hearing(nats, detail))
        group.create_task(_sending(nats, detail))
