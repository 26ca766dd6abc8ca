"""A device switched off or given another password is out at once: its live MQTT connection and HJ 212 line are closed.

The broker asks about a login only when it is made, so a refusal alone would leave a connected device in. PostgreSQL
tells of the change when it is committed (`things_revoked`). Every MQTT connection bears the mark of the password it
came with; those of another than the device's of now are closed by the broker's own KICK, also when the change was made
while nobody was here to hear of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import psycopg
from natsrpy import Nats

from shizhu.engines.things import api as things
from shizhu.kernel import log

HangUp = Callable[[str], int]
logger = logging.getLogger(__name__)
LIST, PAGE = "$SYS.REQ.SERVER.PING.CONNZ", 1000
AGAIN_SECONDS = 0.5  # whoever logged in between the change and the first look
RETRY_SECONDS = 1.0


async def connections(system: Nats) -> AsyncIterator[tuple[str, int, str, str]]:
    """Every device's MQTT connections: server, number, key, mark of the password."""
    begin, total = 0, 1
    while begin < total:
        question = {"auth": True, "acc": log.DEVICES, "limit": PAGE, "offset": begin}
        told = orjson.loads((await system.request(LIST, orjson.dumps(question))).payload)
        for one in told["data"].get("connections") or ():
            key, _, mark = one.get("authorized_user", "").partition(things.MARK)
            if mark:
                yield told["server"]["id"], one["cid"], key, mark
        begin, total = begin + PAGE, told["data"]["total"]


async def close_stale(system: Nats, registry: things.Registry | things.KeptRegistry) -> int:
    """Close the MQTT connections of devices that may not log in any more as they did; returns how many."""
    marks = {one.key: one.mark for one in await registry.all()}
    stale = [(server, cid) async for server, cid, key, mark in connections(system) if marks.get(key) != mark]
    for server, cid in stale:
        await system.request(f"$SYS.REQ.SERVER.{server}.KICK", orjson.dumps({"cid": cid}))
    return len(stale)


async def _close_as_told(system: Nats, changed: asyncio.Event, detail: dict[str, Any]) -> None:
    async with contextlib.aclosing(things.registry()) as registry:
        while True:
            await changed.wait()
            changed.clear()
            for wait in (0.0, AGAIN_SECONDS):
                await asyncio.sleep(wait)
                try:
                    detail["closed"] = detail.get("closed", 0) + await close_stale(system, registry)
                except (KeyError, psycopg.OperationalError, *log.FAULTS) as error:
                    logger.warning("who is connected cannot be told (%s); trying again", error or type(error).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
                    changed.set()


async def run(detail: dict[str, Any], hang_up: HangUp) -> None:
    """The part of the gateway role that lets revoked devices go; `hang_up` closes lines that are not the broker's."""
    changed = asyncio.Event()
    async with log.connected("system") as system, asyncio.TaskGroup() as group:
        group.create_task(_close_as_told(system, changed, detail))
        while True:
            try:
                async for key in things.revocations():
                    detail["closed"] = detail.get("closed", 0) + hang_up(key)
                    changed.set()
            except psycopg.OperationalError as error:
                logger.warning("the database does not answer (%s); trying again", str(error).splitlines()[0])
                await asyncio.sleep(RETRY_SECONDS)
