"""Publication over MQTT (18-088 §14.2): entities that were made or changed, whole and with their ids, after the commit.

A topic is a resource path: `v1.1/Datastreams(1)/Observations`, `v1.1/Things(2)`, `v1.1/Things(2)/properties`, and
`…?$select=result`. What is subscribed to is asked of the broker, so that nobody is read for nobody; what may be
subscribed to is decided at the log-in (`granted`). Nothing that is published here is read back in.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

import orjson
import psycopg
from django.conf import settings
from natsrpy import Nats

from shizhu.engines.things import news
from shizhu.engines.things.commanding import SEND
from shizhu.engines.things.devices import Grant
from shizhu.engines.things.http.sta import options, paths
from shizhu.engines.things.http.sta.callers import PersonCaller
from shizhu.engines.things.http.sta.errors import Refused
from shizhu.engines.things.http.sta.select import Reader
from shizhu.engines.things.logic.columns import Extent
from shizhu.engines.things.models import Datastream, TaskingCapability, Thing
from shizhu.engines.things.news import Entity, News, Observed, Span
from shizhu.kernel import access, log
from shizhu.kernel.access import Actor

logger = logging.getLogger(__name__)
VERSION = "v1//1"  # `v1.1` as the broker's subjects have it: a dot of a topic is // there, a slash a dot
SUBSCRIPTIONS = "$SYS.REQ.SERVER.PING.SUBSZ"
LOOK_SECONDS = 0.5  # a subscription is in force after that
MOST_WAITING = 1000  # what comes faster than it can be told is left out, and counted
MOST_IDS = 500  # of one statement
MOST_NAMED = 4000  # Things and Datastreams that a log-in can name
STREAM_SETS = {"Datastreams", "MultiDatastreams"}
OF_READINGS = {"phenomenonTime", "resultTime", "observedArea"}  # a Datastream's, changed by its Observations
NEW = """
SELECT id FROM things_observation WHERE datastream_id = %s AND phenomenon_time BETWEEN %s AND %s AND known_at = %s
ORDER BY phenomenon_time, sequence
"""


@dataclass(frozen=True)
class Topic:
    """One that somebody subscribed to and that can be told."""

    subject: str
    path: paths.ResourcePath
    query: str

    @property
    def entities(self) -> str:
        """The entity set it leads to."""
        return self.path.last.entity.name

    @property
    def streams(self) -> set[int]:
        """The Datastreams it names."""
        named = [step.key for step in self.path.steps if step.entity.name in STREAM_SETS]
        return {key for key in named if key is not None}

    @property
    def is_of_readings(self) -> bool:
        """Whether it is a property of a Datastream that changes with its Observations."""
        return self.path.attribute is not None and self.path.attribute.name in OF_READINGS

    def has_observations_of(self, stream: int) -> bool:
        """Whether Observations of that Datastream may be told there."""
        return self.entities == "Observations" and (not self.streams or stream in self.streams)


def topic(subject: str) -> Topic | None:
    """What a subject means; None where it is no topic that is told.

    A path may only lead on to what is visible with the entity it comes from: rights are checked by its beginning.
    """
    text = subject.removeprefix(f"{VERSION}.").replace("//", "\0").replace(".", "/").replace("\0", ".")
    address, _, query = text.partition("?")
    try:
        path, wanted = paths.parse(address), options.parse(query)
    except Refused:
        return None
    is_plain = wanted == options.Options(select=wanted.select)
    is_own = all(step.navigation is None or step.navigation.is_inherited for step in path.steps)
    if path.is_value or path.is_count or path.is_reference or path.is_id or not (is_plain and is_own):
        return None
    return Topic(subject, path, query)


@dataclass
class Publisher:
    """Tells what was committed to whoever subscribed."""

    ours: Nats
    system: Nats
    detail: dict[str, Any]
    root: str
    topics: tuple[Topic, ...] = ()
    waiting: asyncio.Queue[News] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    _looked: float = 0.0
    _inserts: tuple[int, int] = (-1, -1)
    _told: dict[str, bytes] = field(default_factory=dict)  # of single properties, the last value

    def offer(self, what: News) -> None:
        """Tell it when there is time."""
        try:
            self.waiting.put_nowait(what)
        except asyncio.QueueFull:
            self.detail["left_out"] = self.detail.get("left_out", 0) + 1

    async def look(self) -> None:
        """Learn what is subscribed to, at most every LOOK_SECONDS."""
        if not self.is_due:
            return
        told = await self._asked({"account": log.DEVICES})
        inserts = told["num_inserts"], told["num_removes"]
        if inserts != self._inserts:
            found = await self._asked({"subscriptions": True, "account": log.DEVICES, "limit": 1_000_000})
            listed = {one["subject"] for one in found.get("subscriptions_list") or ()}
            subjects = sorted(one for one in listed if one.startswith(f"{VERSION}."))
            self.topics = tuple(made for one in subjects if (made := topic(one)))
            self._told = {one: value for one, value in self._told.items() if one in listed}
            self._inserts = inserts
        self._looked = time.monotonic()
        self.detail["topics"] = len(self.topics)

    async def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        answer = await self.system.request(SUBSCRIPTIONS, orjson.dumps(question))
        found: dict[str, Any] = orjson.loads(answer.payload)["data"]
        return found

    @property
    def is_due(self) -> bool:
        """Whether what is subscribed to must be asked for."""
        return time.monotonic() - self._looked >= LOOK_SECONDS

    async def tell(self, connection: psycopg.AsyncConnection[Any], what: News) -> None:
        """Publish what was committed on the topics it belongs to."""
        await self.look()
        if isinstance(what, Entity):
            await self._entities(connection, [one for one in self.topics if one.entities == what.set], [what.id])
            return
        about = [one for one in self.topics if one.entities in STREAM_SETS and one.is_of_readings]
        for span in what.spans if self.topics else ():
            own = [one for one in self.topics if one.has_observations_of(span.stream)]
            if own:
                rows = await (await connection.execute(NEW, (*span, what.known_at))).fetchall()
                ids = [row[0] for row in rows]
                for start in range(0, len(ids), MOST_IDS):
                    await self._entities(connection, own, ids[start : start + MOST_IDS])
            await self._entities(connection, [one for one in about if span.stream in one.streams], [span.stream])

    async def _entities(
        self, connection: psycopg.AsyncConnection[Any], topics: Sequence[Topic], ids: Sequence[int]
    ) -> None:
        for one in topics:
            try:
                payloads = await self._payloads(connection, one, ids)
            except Refused:  # of a $select of what is not there: nothing is told
                continue
            for payload in payloads:
                await self.ours.publish(one.subject, payload)
                self.detail["published"] = self.detail.get("published", 0) + 1

    async def _payloads(self, connection: psycopg.AsyncConnection[Any], one: Topic, ids: Sequence[int]) -> list[bytes]:
        reader, path = Reader(PersonCaller(access.ANYBODY), self.root), one.path
        query = one.query
        if path.last.is_single:
            key = reader.key(path.steps)
            row = await (await connection.execute(f"SELECT {key.text}", key.values)).fetchone()
            if row is None or row[0] not in ids:
                return []
        else:
            chosen = quote(f"id in ({','.join(map(str, ids))})")
            query = "&".join(filter(None, (query, f"$filter={chosen}", f"$top={options.MOST_TOP}")))
        statement = reader.statement(path, options.parse(query))
        found = await (await connection.execute(statement.text, statement.values)).fetchone()
        if not found or not found[0] or found[1] is None:
            return []
        if not path.last.is_single:
            return [orjson.dumps(entity) for entity in orjson.loads(found[1])["value"]]
        payload = str(found[1]).encode()
        if path.attribute and self._told.get(one.subject) == payload:
            return []
        if path.attribute:
            self._told[one.subject] = payload
        return [payload]


_publisher: Publisher | None = None  # of this process


def committed(found: Mapping[int, Extent], known_at: datetime | None) -> None:
    """Readings that this process committed just now: told, if it publishes and somebody may have subscribed."""
    if _publisher is not None and known_at is not None and (_publisher.topics or _publisher.is_due):
        spans = tuple(Span(stream, own.first, own.newest.time) for stream, own in found.items())
        if spans:
            _publisher.offer(Observed(spans, known_at))


def forget() -> None:
    """This process publishes no more."""
    global _publisher  # noqa: PLW0603  # one of a process
    _publisher = None


async def publish(detail: dict[str, Any]) -> None:
    """Tell subscribers for ever; while the database is away nothing is committed that they would have to hear."""
    global _publisher  # noqa: PLW0603  # one of a process
    root = f"{settings.CONFIG.public_address}/sta/v1.1"
    async with log.connected("service") as ours, log.connected("system") as system:
        _publisher = Publisher(ours, system, detail, root)
        while True:
            try:
                await _publish(_publisher)
            except* psycopg.OperationalError as lost:
                logger.warning("the database does not answer (%s); trying again", lost.exceptions[0])
            await asyncio.sleep(1)


async def _publish(publisher: Publisher) -> None:
    async with (
        await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True) as listener,
        await psycopg.AsyncConnection.connect(
            settings.DATABASE_URL, autocommit=True, options="-c timezone=UTC -c statement_timeout=30s"
        ) as connection,
        asyncio.TaskGroup() as group,
    ):
        await listener.execute(f"LISTEN {news.ENTITIES}")
        await listener.execute(f"LISTEN {news.OBSERVED}")
        hearing = group.create_task(_hear(listener, publisher))
        try:
            while True:
                what = await publisher.waiting.get()
                try:
                    await publisher.tell(connection, what)
                except (psycopg.DataError, KeyError, ValueError, *log.FAULTS) as error:
                    logger.warning("what was committed is not told: %s", error or type(error).__name__)
        finally:
            hearing.cancel()


async def _hear(listener: psycopg.AsyncConnection[Any], publisher: Publisher) -> None:
    async for notice in listener.notifies():
        what = news.heard(notice.channel, notice.payload)
        if what:
            publisher.offer(what)


def granted(who: Actor) -> Grant | None:
    """What a person may subscribe to and publish over MQTT; None where that is too much to be named.

    The Things one may see with their Datastreams and all that hangs on these; Observations of those on which one has
    `things.observation.create`, Tasks of those on which one has `things.command.send`.
    """
    if who.is_unbounded:
        return Grant((f"in.{VERSION}.>", f"{VERSION}.>"), (f"{VERSION}.>",), is_person=True)
    seen = access.rows(Thing.objects.all(), who, "things.thing.view").values_list("pk", flat=True)
    able = TaskingCapability.objects.filter(device__thing__in=seen, is_declared=True).values_list("pk", flat=True)
    named = [*(f"Things({pk})" for pk in seen), *_streams(seen), *(f"TaskingCapabilities({pk})" for pk in able)]
    if len(named) > MOST_NAMED:
        logger.warning("%s sees %d Things and Datastreams: too many to name at a log-in", who.name, len(named))
        return None
    own = access.rows(Thing.objects.all(), who, "things.observation.create").values_list("pk", flat=True)
    sent = [f"{VERSION}.{name}.Observations" for name in _streams(own)]
    told = access.rows(Thing.objects.all(), who, SEND).values_list("pk", flat=True)
    sent += [f"{VERSION}.TaskingCapabilities({pk}).Tasks" for pk in able.filter(device__thing__in=told)]
    topics = [f"{VERSION}.{name}{rest}" for name in named for rest in ("", ".>")]
    return Grant((*sent, *(f"in.{subject}" for subject in sent)), tuple(topics), is_person=True)


def _streams(things: Any) -> list[str]:
    rows = Datastream.objects.filter(thing__in=things).values_list("pk", "data_types")
    return [f"{'Datastreams' if types is None else 'MultiDatastreams'}({pk})" for pk, types in rows]
