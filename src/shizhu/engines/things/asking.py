"""Tasks that people ask for over MQTT (17-079r1): published on `v1.1/TaskingCapabilities(1)/Tasks`, as they are posted.

The broker hands such a message to us with the name that its sender logged in by, which no log keeps: so it must be
heard when it is sent. A Task that was made is told on its topic like every other, what is wrong on `…/Tasks/errors`.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any

import orjson
import psycopg
from django.conf import settings
from django.db import DatabaseError
from natsrpy import Message, Nats

from shizhu.engines.things.http.sta import tasking
from shizhu.engines.things.http.sta.app import told
from shizhu.engines.things.http.sta.callers import PersonCaller
from shizhu.engines.things.http.sta.errors import Refused, bad, forbidden
from shizhu.engines.things.publication import VERSION
from shizhu.kernel import access, log
from shizhu.kernel.models import Person
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
SUBJECT = "tasks.*"  # what the broker makes of the topic
CAPABILITY = re.compile(r"tasks\.TaskingCapabilities\((\d{1,18})\)")
SENDER = "Nats-Request-Info"  # set by the broker alone


async def hear(detail: dict[str, Any]) -> None:
    """Make the Tasks that are asked for, for ever."""
    async with log.connected("service") as nats:

        async def take(message: Message) -> None:
            await _take(nats, message, detail)

        async with nats.subscribe(SUBJECT, callback=take, queue="tasks"):
            await asyncio.Event().wait()


async def _take(nats: Nats, message: Message, detail: dict[str, Any]) -> None:
    try:
        await _make(message)
        detail["made"] = detail.get("made", 0) + 1
    except (Refused, psycopg.Error, DatabaseError) as fault:
        detail["refused"] = detail.get("refused", 0) + 1
        topic = message.subject.removeprefix("tasks.")
        why = fault.__cause__ if isinstance(fault.__cause__, psycopg.Error) else fault
        await nats.publish(f"{VERSION}.{topic}.Tasks.errors", told(why).body)
    except Exception:  # one that nobody thought of does not end the others
        logger.exception("a Task on %s is not made", message.subject)


async def _make(message: Message) -> None:
    """Through the door of all Tasks, with the rights that the sender has now. Raises Refused."""
    named = CAPABILITY.fullmatch(message.subject)
    if named is None:
        raise bad("a Task is published on v1.1/TaskingCapabilities(1)/Tasks")
    try:
        body = orjson.loads(message.payload)
    except orjson.JSONDecodeError as fault:
        raise bad(f"the Task is not JSON: {fault.msg}", fault.pos) from None
    sender = orjson.loads(message.headers.get(SENDER, "{}")).get("user", "")
    caller = PersonCaller(await in_thread(_sender)(sender))
    async with await psycopg.AsyncConnection.connect(
        settings.DATABASE_URL, autocommit=True, options="-c timezone=UTC"
    ) as connection:
        await tasking.create(connection, caller, body, int(named[1]))


def _sender(name: str) -> access.Actor:
    if not name and settings.CONFIG.is_open:
        return access.ANYBODY
    person = Person.objects.filter(username=name).first() if name else None
    if person is None:
        raise forbidden("Task: a person asks for it, logged in with name and password or API key")
    return access.actor(person)
