"""A device switched off or given another password is out at once: its live MQTT connection and HJ 212 line are closed.

The broker asks about a login only when it is made, so a refusal alone would leave a connected device in. PostgreSQL
tells of the change when it is committed (`things_revoked`); the connection is closed by the broker's own KICK.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import orjson
import psycopg
from natsrpy import Nats

from shizhu.engines.things import api as things
from shizhu.kernel import log

HangUp = Callable[[str], int]
logger = logging.getLogger(__name__)
LIST = "$SYS.REQ.SERVER.PING.CONNZ"
AGAIN_SECONDS = 0.5  # whoever logged in between the change and the first look


async def kick(system: Nats, key: str) -> int:
    """Close all MQTT connections of a device; returns how many."""
    answer = await system.request(LIST, orjson.dumps({"auth": True, "user": key, "limit": 100}))
    told = orjson.loads(answer.payload)
    server, open_ = told["server"]["id"], told["data"].get("connections") or []
    own = [one["cid"] for one in open_ if one.get("authorized_user") == key and one.get("mqtt_client")]
    for number in own:
        await system.request(f"$SYS.REQ.SERVER.{server}.KICK", orjson.dumps({"cid": number}))
    return len(own)


async def revoke(system: Nats, key: str, detail: dict[str, Any], hang_up: HangUp) -> None:
    """Close everything that a device has open, twice."""
    for wait in (0.0, AGAIN_SECONDS):
        await asyncio.sleep(wait)
        closed = hang_up(key)
        try:
            closed += await kick(system, key)
        except (KeyError, *log.FAULTS) as error:
            logger.warning("%s: whether it is connected cannot be asked (%s)", key, error or type(error).__name__)
        detail["closed"] = detail.get("closed", 0) + closed


async def run(detail: dict[str, Any], hang_up: HangUp) -> None:
    """The part of the gateway role that lets revoked devices go; `hang_up` closes lines that are not the broker's."""
    async with log.connected("system") as system, asyncio.TaskGroup() as group:
        while True:
            try:
                async for key in things.revocations():
                    group.create_task(revoke(system, key, detail, hang_up))
            except psycopg.OperationalError as error:
                logger.warning("the database does not answer (%s); trying again", str(error).splitlines()[0])
                await asyncio.sleep(1)
