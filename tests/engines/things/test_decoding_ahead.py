"""What is decoded while the batch before is committed counts only if nothing has changed since."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from natsrpy.js import JetStream, RetentionPolicy, StorageType, StreamConfig
from tests.fixtures import area, organisation

from shizhu.engines.things import api, delivery, ingest
from shizhu.engines.things.delivery import Delivery
from shizhu.engines.things.ingest import Ingest
from shizhu.engines.things.logic.readings import Sample, Submission, Verdict
from shizhu.engines.things.models import Datastream, Observation, Quarantine
from shizhu.kernel import log
from shizhu.kernel.models import County
from shizhu.kernel.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
NOON, STREAM, SOURCE = datetime(2026, 7, 1, 12, tzinfo=UTC), "AHEAD", "READINGS@ahead"
GOOD, BAD = Verdict.GOOD, Verdict.BAD


@pytest.fixture
def jug(county: County) -> int:
    wanted = api.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    return Datastream.objects.get(thing=api.register(wanted, "secret")[0].thing, key="temperature").pk


class Source:
    """A source of the log, committed step by step."""

    def __init__(self, jetstream: JetStream, delivery: Delivery, line: psycopg.AsyncConnection[Any]) -> None:
        self.jetstream, self.delivery, self.line = jetstream, delivery, line
        self.work = Ingest(SOURCE)

    async def say(self, *minutes: int) -> None:
        """Publish a reading of each minute, and in each message a value that is refused."""
        for minute in minutes:
            samples = [Sample("temperature", NOON + timedelta(minutes=minute), 4.0 + minute)]
            sent = Submission("toy", "jug-1", b"raw", samples, [("colour", str(minute), "it has none")])
            await self.jetstream.publish(f"ahead.{minute}", msgspec.json.encode(sent), wait=True)

    async def step(self) -> int:
        return await ingest.step(self.work, self.delivery, self.line)

    async def is_ahead(self) -> None:
        """Wait until what was said is decoded."""
        async with asyncio.timeout(10):
            while self.work._ahead is None or not self.work._ahead.decoding.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@asynccontextmanager
async def source(*, is_taken_away: bool = False) -> AsyncIterator[Source]:
    url = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    async with log.connected() as nats, await psycopg.AsyncConnection.connect(url, autocommit=True) as line:
        jetstream = await nats.jetstream()
        config = StreamConfig(STREAM, ["ahead.>"], storage=StorageType.FILE, retention=RetentionPolicy.INTEREST)
        made = await jetstream.streams.create_or_update(config)
        try:
            consumer = await log.consumer_of(made, "ingest", ["ahead.>"], each=False)
            given = Delivery(nats, log.pull("service", consumer), () if is_taken_away else None)
            async with aclosing(given):
                one = Source(jetstream, given, line)
                await one.work.catalogue.listen(line)
                yield one
        finally:
            await jetstream.streams.delete(STREAM)


def kept(stream: int) -> list[tuple[float, int, int]]:
    """Results in order, with their verdicts and sequences; and how many values were refused."""
    found = Observation.objects.filter(datastream=stream).order_by("phenomenon_time", "sequence")
    return [*found.values_list("result", "verdict", "sequence"), Quarantine.objects.count()]


@pytest.mark.parametrize("is_taken_away", [False, True])
async def test_what_is_decoded_ahead_is_committed_once_and_in_order(
    jug: int, is_taken_away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "RUSH", 1)
    async with source(is_taken_away=is_taken_away) as one:
        await one.say(0)
        assert await one.step() == 1
        await one.say(1)
        await one.is_ahead()
        await one.say(2)
        assert await one.step() == 1
        assert await one.step() == 1
        assert one.work.detail == {"committed": 3, "duplicates": 0, "corrections": 0, "refused": 3, "lag": 0}
    assert await in_thread(kept)(jug) == [(4.0, GOOD, 0), (5.0, GOOD, 0), (6.0, GOOD, 0), 3]


async def test_what_changed_since_is_seen(jug: int) -> None:
    async with source() as one:
        await one.say(0)
        assert await one.step() == 1
        await one.say(1)
        await one.is_ahead()
        await in_thread(Datastream.objects.filter(pk=jug).update)(highest=4.5)
        assert await one.step() == 1
    assert await in_thread(kept)(jug) == [(4.0, GOOD, 0), (5.0, BAD, 0), 2]


async def test_what_was_committed_since_is_not_committed_again(jug: int) -> None:
    async with source() as one:
        await one.say(0)
        assert await one.step() == 1
        await one.say(1)
        await one.is_ahead()
        other = Ingest(SOURCE, catalogue=one.work.catalogue)
        messages = one.work._ahead.messages
        await other.commit(one.line, messages, other.decode(messages, other.position))
        await one.work.load_position(one.line)  # as after a line that broke before it told of a commit
        assert await one.step() == 1
    assert await in_thread(kept)(jug) == [(4.0, GOOD, 0), (5.0, GOOD, 0), 2]
