"""Live values: only for those who are logged in, and only of what they may see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, MutableMapping
from typing import Any

import orjson
import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.test import Client
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api as things
from shizhu.engines.things.models import Datastream
from shizhu.kernel import log
from shizhu.kernel.models import County
from shizhu.site.asgi import application
from shizhu.web import authentication, live

pytestmark = pytest.mark.django_db(transaction=True)
TIME = "2026-07-01T12:00:00Z"


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that nobody has asked yet: each test has an event loop of its own."""
    authentication.forget()
    monkeypatch.setattr(live, "_hub", live.Hub())


def stream(county: County, key: str, town: str) -> int:
    wanted = things.Registration(
        key, "lemonade.jug", key, organisation(county, "stand"), area(county, town), (100.2, 30.2)
    )
    return Datastream.objects.get(thing=things.register(wanted)[0].thing, key="level").pk


class Page:
    """An open page that listens."""

    def __init__(self, cookie: str = "") -> None:
        headers = [(b"cookie", f"{settings.SESSION_COOKIE_NAME}={cookie}".encode())] if cookie else []
        self.scope = {"type": "http", "method": "GET", "path": "/live", "query_string": b"", "headers": headers}
        self.closed = asyncio.Event()
        self.answers: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()

    async def receive(self) -> MutableMapping[str, Any]:
        await self.closed.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.answers.put_nowait(message)

    async def next(self) -> MutableMapping[str, Any]:
        return await asyncio.wait_for(self.answers.get(), 20)


def cookie(county: County, *verbs: str, **post: str) -> str:
    client = Client()
    client.force_login(person(county, *verbs, **post))
    return client.cookies[settings.SESSION_COOKIE_NAME].value


async def test_nobody_is_told_nothing() -> None:
    for shown in ("", "made up"):
        page = Page(shown)
        await application(page.scope, page.receive, page.send)
        start = await page.next()
        assert (start["status"], await page.next()) == (401, {"type": "http.response.body", "body": b""})


async def test_one_hears_of_what_one_may_see(county: County) -> None:
    make: Callable[..., Any] = sync_to_async(stream)
    mine, other = await make(county, "E", "101"), await make(county, "W", "102")
    page = Page(await sync_to_async(cookie)(county, "things.thing.view", "alarms.alarm.view", in_area="101"))
    async with asyncio.TaskGroup() as group, log.connected("service") as nats:
        group.create_task(application(page.scope, page.receive, page.send))
        assert ((await page.next())["status"], (await page.next())["body"]) == (200, b"retry: 3000\n\n")
        rows = [[other, TIME, 1.0, 0, 0], [mine, TIME, 2.5, 0, 1]]
        for sent in (rows[:1], rows, rows[:1]):
            await nats.publish("live.things", orjson.dumps(sent))
        assert (await page.next())["body"] == b"event: things\ndata: " + orjson.dumps(rows[1:]) + b"\n\n"
        page.closed.set()


async def test_who_may_see_no_station_hears_of_none(county: County) -> None:
    make: Callable[..., Any] = sync_to_async(stream)
    row = [await make(county, "E", "101"), TIME, 1.0, 0, 0]
    silent = Page(await sync_to_async(cookie)(county, "cases.case.view", username="silent"))
    hears = Page(await sync_to_async(cookie)(county, "things.thing.view", username="hears"))
    async with asyncio.TaskGroup() as group, log.connected("service") as nats:
        for page in (silent, hears):
            group.create_task(application(page.scope, page.receive, page.send))
            await page.next()
            await page.next()
        await nats.publish("live.things", orjson.dumps([row]))
        assert (await hears.next())["body"].startswith(b"event: things")
        assert silent.answers.empty()
        for page in (silent, hears):
            page.closed.set()
