"""Jugs whose readings are committed as ingest does it, and judged when the event comes."""

from __future__ import annotations

import asyncio
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import psycopg
from django.conf import settings
from django.db import connection as ours
from tests.fixtures import area, organisation

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm, Occurrence
from shizhu.engines.things import api as things
from shizhu.engines.things import store
from shizhu.engines.things.catalogue import Catalogue
from shizhu.engines.things.logic.readings import Reading
from shizhu.engines.things.models import Datastream
from shizhu.kernel import events, log, packs
from shizhu.kernel.models import County, Declaration, OutboxEvent

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def url() -> str:
    """Of the test database."""
    return settings.DATABASE_URL.replace("/shizhu?", f"/{ours.settings_dict['NAME']}?")


def jug(county: County, key: str = "jug-1", town: str = "101") -> dict[str, int]:
    """The datastreams of a new jug, by property."""
    device, _ = things.register(
        things.Registration(key, "lemonade.jug", key, organisation(county, "stand"), area(county, town), (100.2, 30.2))
    )
    return dict(Datastream.objects.filter(thing=device.thing).values_list("key", "pk"))


def only(county: County, rule: dict[str, Any], key: str = "local.rule") -> None:
    """The county judges by this rule alone."""
    Declaration.objects.filter(kind="rules").delete()
    body = {"title": {"zh": "规则", "en": "Rule"}, "level": "yellow", "examples": [], **rule}
    Declaration.objects.create(kind="rules", key=key, county=county, body=body, digest="x", source="person")
    packs.forget()
    api.bind_all()


def minute(number: float) -> datetime:
    """So many minutes after noon."""
    return NOON + timedelta(minutes=number)


def commit(stream: int, *readings: tuple[float, float], verdict: int = 0, sent: float | None = None) -> None:
    """(minutes after noon, value) into the database, with the event; the log had them at a minute, if it had."""

    async def write() -> None:
        async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as connection:
            catalogue = Catalogue()
            await catalogue.refresh(connection)
            found = [Reading(stream, minute(at), value, verdict) for at, value in readings]
            batch = store.Batch(found)
            if sent is not None:
                batch.source, batch.position = log.MQTT, (1, minute(sent))
            await store.commit(connection, batch, catalogue.streams)

    asyncio.run(write())


def hear(number: float) -> None:
    """The log holds nothing more at a minute."""

    async def write() -> None:
        async with await psycopg.AsyncConnection.connect(url(), autocommit=True) as connection:
            await store.heard(connection, log.MQTT, minute(number))

    asyncio.run(write())


def clock(number: float) -> AbstractContextManager[object]:
    """It is so many minutes after noon."""
    return patch("django.utils.timezone.now", lambda: minute(number))


def waiting() -> list[events.Event]:
    """Events of readings that nobody has handled, out of the outbox."""
    rows = OutboxEvent.objects.filter(subject__endswith=store.COMMITTED).order_by("pk")
    found = [events.decode(events.orjson.dumps(row.envelope)) for row in rows]
    rows.delete()
    return found


def handle(*found: events.Event) -> None:
    """The judge gets events in this order."""
    consumer = next(one for one in events.consumers() if one.name == "alarms.judge")
    for event in found:
        events.handle(consumer, event)


def send(stream: int, *readings: tuple[float, float], verdict: int = 0) -> None:
    """Committed and judged."""
    commit(stream, *readings, verdict=verdict)
    handle(*waiting())


def told() -> list[str]:
    """What the engine has told the world, in order."""
    rows = OutboxEvent.objects.filter(subject__contains=".alarms.").order_by("pk")
    return [row.envelope["type"].removeprefix("alarms.alarm.") for row in rows]


def alarms() -> list[tuple[str, bool, str, int]]:
    """State, withdrawn or not, level, occurrences of all alarms."""
    return list(Alarm.objects.order_by("pk").values_list("state", "is_withdrawn", "level", "occurrences"))


def spans() -> list[tuple[float, float | None]]:
    """Minutes after noon when something was raised and recovered; withdrawn ones are left out."""
    rows = Occurrence.objects.filter(is_withdrawn=False).order_by("raised_at")
    return [
        (
            (one.raised_at - NOON) / timedelta(minutes=1),
            one.recovered_at and (one.recovered_at - NOON) / timedelta(minutes=1),
        )
        for one in rows
    ]
