"""The ingest role: event log → readings → PostgreSQL, exactly once.

Two sources: `$MQTT_msgs` (what devices publish over MQTT) and `READINGS` (what our gateways write), and the same two of
each edge, named `$MQTT_msgs@town1`. Each is read in order (`delivery`) by one durable consumer; a batch is one
transaction that also moves the source's log position; only then is the batch acknowledged. After a crash the log
redelivers, and the position tells what was committed.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson
import psycopg
from django.conf import settings
from natsrpy import Nats
from natsrpy.js import PullConsumer
from natsrpy.js import Stream as LogStream

from shizhu.engines.things import publication, store
from shizhu.engines.things.catalogue import Catalogue
from shizhu.engines.things.delivery import ACK_WAIT, MOST_OUTSTANDING, Delivery, Position
from shizhu.engines.things.logic import readings as form
from shizhu.engines.things.logic.readings import KnownDevice, Origin, Reading, Reject
from shizhu.engines.things.store import Batch, Outcome, Refused
from shizhu.kernel import log
from shizhu.kernel.pulling import Message

logger = logging.getLogger(__name__)
# What devices publish is renamed on entry (d.… → in.d.…), but not a message that comes in one TCP segment with its
# CONNECT, which MQTT allows (3.1.1 §3.1.4): the broker (2.15.1) has not looked up the account by then. Both are read;
# the consumer takes the whole stream, which costs the broker a tenth less than several filters; the rest is passed by.
STORED = re.compile(r"\$MQTT\.msgs\.(?:in\.)?(?:d\.(?P<device>[^.]+)\.telemetry|v1//1\.(?P<topic>.+))")
TOPIC = re.compile(r"(?:Multi)?Datastreams\((?P<stream>\d{1,18})\)")
TASKS = re.compile(r"[^.]+\.Tasks")  # of people: `asking` hears who sends them
OBSERVATIONS = re.compile(TOPIC.pattern + r"\.Observations")
FILTERS = {log.MQTT: ["$MQTT.msgs.>"], log.READINGS: ["in.>"]}
ACCOUNT = {log.MQTT: "ingest", log.READINGS: "service"}
TELEMETRY, STA = "mqtt", "sta-mqtt"  # how a message came
CONSUMER = "ingest"
ANSWERS, ANSWERING = "$MQTT.msgs.cmd.*.ack", "commands"  # what devices say of commands, and who reads it
BESIDES = {log.MQTT: (ANSWERING,), log.READINGS: ()}  # who else reads; mirrors of edges take care of themselves
LIVE = "live.things"
ALLOCATED = 100_000  # objects made before the collector looks: those of a batch are let go by themselves


async def _nobody(batch: Batch, outcome: Outcome) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True)
class Ahead:
    """What is decoded in a thread while the batch before is committed, and what was known when that began."""

    messages: list[Message]
    devices: Mapping[str, KnownDevice]
    began: datetime  # the last receive time given
    position: Position
    decoding: asyncio.Future[Batch]


@dataclass
class Ingest:
    """Decoder and writer of one source."""

    source: str  # a stream, or `stream@edge`
    position: Position = field(default_factory=Position)
    catalogue: Catalogue = field(default_factory=Catalogue)
    detail: dict[str, Any] = field(default_factory=dict)
    told: Callable[[Batch, Outcome], Awaitable[None]] = field(default=_nobody)
    _ahead: Ahead | None = None

    def decode_ahead(self, messages: list[Message]) -> None:
        """Begin to decode, in a thread, what will be next if nothing comes in between."""
        position = replace(self.position)
        decoding = asyncio.get_running_loop().run_in_executor(None, self._prepare, messages, position)
        self._ahead = Ahead(messages, self.catalogue.devices, self.position.last_untimed, position, decoding)

    def _prepare(self, messages: list[Message], position: Position) -> Batch:
        batch = self.decode(messages, position)
        batch.prepare()
        return batch

    async def decoded(self, messages: list[Message]) -> Batch:
        """As one batch: as it was decoded ahead if that is still right, else decoded now."""
        ahead, self._ahead = self._ahead, None
        if (
            ahead is not None
            and ahead.messages == messages
            and ahead.devices is self.catalogue.devices  # nothing was declared, switched or registered since
            and ahead.began == self.position.last_untimed  # nothing was decoded since
            and messages[0].stream_sequence > self.position.sequence
        ):
            batch = await ahead.decoding
            self.position.last_untimed = ahead.position.last_untimed
            return batch
        return self.decode(messages, self.position)

    def decode(self, messages: list[Message], position: Position) -> Batch:
        """All messages that were not committed before, as one batch."""
        batch = Batch(source=self.source)
        take = self._gateway if self.source.startswith(log.READINGS) else self._mqtt
        for message in messages:
            if position.covers(message):
                continue
            received = position.untimed(message)
            try:
                take(batch, message, received)  # adds nothing before all of it is decoded
            except Exception as error:  # whatever is wrong with one, the others go on
                logger.exception("a message on %s cannot be decoded; it is kept in quarantine", message.subject)
                reject = Reject("message", form.shown(message.payload), f"it cannot be decoded: {type(error).__name__}")
                batch.refused.append(Refused(received, self.source, None, message.subject, message.payload, reject))
                batch.packets.append((message.stream_sequence, message.subject, message.payload))
        batch.position = messages[-1].stream_sequence, messages[-1].published
        return batch

    def _gateway(self, batch: Batch, message: Message, received: datetime) -> None:
        try:
            sent = form.submission(message.payload)
        except msgspec.DecodeError as error:
            reject = Reject("payload", form.shown(message.payload), str(error))
            batch.refused.append(Refused(received, "gateway", None, message.subject, message.payload, reject))
            return
        device = self.catalogue.devices.get(sent.device)
        self._sort(
            batch, form.from_samples(sent, device, received), received, sent.protocol, device, sent.device, sent.raw
        )
        batch.packets.append((message.stream_sequence, sent.device, sent.raw))

    def _mqtt(self, batch: Batch, message: Message, received: datetime) -> None:
        subject, payload = message.subject, message.payload
        key, topic = _sender(subject)
        if key is None and (not topic or TASKS.fullmatch(topic)):  # Tasks, and answers to commands: others read them
            return
        if key is not None:
            device = self.catalogue.devices.get(key)
            if device is None or not device.is_enabled:
                found: form.Decoded = [Reject("device", key, "a device must be registered and enabled before it sends")]
            else:
                found = form.from_telemetry(payload, device, received)
            self._sort(batch, found, received, TELEMETRY, device, key, payload)
        else:
            one = self._observation(topic, payload, received)
            if isinstance(one, Reading):
                owner = self.catalogue.owners.get(one.stream)
                batch.readings.append(one)
            else:
                owner = self.owner(topic)
                batch.refused.append(Refused(received, STA, owner.id if owner else None, topic, payload, one))
            if owner is not None and owner.is_enabled:
                batch.seen[owner.id] = received, payload
        batch.packets.append((message.stream_sequence, subject, payload))

    def owner(self, topic: str) -> KnownDevice | None:
        """The device on whose Datastream an Observation was sent: the log does not say by whom."""
        named = TOPIC.match(topic)
        return self.catalogue.owners.get(int(named["stream"])) if named else None

    def _observation(self, topic: str, payload: bytes, received: datetime) -> Reading | Reject:
        try:
            body = orjson.loads(payload)
            named = TOPIC.match(topic)
            link = body.get("Datastream") or body.get("MultiDatastream")
            stream_id = int(named["stream"]) if named else int(link["@iot.id"])
        except (ValueError, KeyError, TypeError, AttributeError):
            rule = "an Observation is JSON, sent to v1.1/Datastreams(id)/Observations or naming its Datastream"
            return Reject("payload", form.shown(payload), rule)
        stream = self.catalogue.streams.get(stream_id)
        if stream is None or stream_id in self.catalogue.switched_off:
            return Reject("Datastream", str(stream_id), "there is no such Datastream, or its device is switched off")
        origin = self.catalogue.origins.get(stream_id, Origin.MEASURED)
        return form.from_observation(body, stream, received, origin)

    @staticmethod
    def _sort(
        batch: Batch,
        found: form.Decoded,
        received: datetime,
        protocol: str,
        device: KnownDevice | None,
        sender: str,
        raw: bytes,
    ) -> None:
        for item in found:
            if isinstance(item, Reading):
                batch.readings.append(item)
            else:
                batch.refused.append(Refused(received, protocol, device.id if device else None, sender, raw, item))
        if device:
            batch.seen[device.id] = received, raw

    async def commit(self, connection: psycopg.AsyncConnection[Any], messages: list[Message], batch: Batch) -> None:
        """Commit messages in order; one that the database cannot take is found by halving and quarantined alone."""
        try:
            try:
                await self._commit(connection, batch)
            except psycopg.errors.UniqueViolation:  # somebody wrote to the same hour at once: look again
                await self._commit(connection, batch)
        except (psycopg.DataError, psycopg.IntegrityError) as error:
            if len(messages) > 1:
                half = len(messages) // 2
                for part in (messages[:half], messages[half:]):
                    await self.commit(connection, part, self.decode(part, self.position))
            else:
                await self._commit(connection, self._unkeepable(messages[0], error))

    async def _commit(self, connection: psycopg.AsyncConnection[Any], batch: Batch) -> None:
        outcome = await store.commit(connection, batch, self.catalogue.streams)
        if batch.position:
            self.position.sequence, self.position.published = batch.position
        for name in ("committed", "duplicates", "corrections", "refused"):
            self.detail[name] = self.detail.get(name, 0) + getattr(outcome, name)
        publication.committed(outcome.found, outcome.known_at)
        await self.told(batch, outcome)

    def _unkeepable(self, message: Message, error: psycopg.Error) -> Batch:
        why = f"the database cannot keep it: {error.diag.message_primary}"
        reject = Reject("message", form.shown(message.payload), why)
        refused = Refused(message.published, self.source, None, message.subject, message.payload, reject)
        return Batch(refused=[refused], source=self.source, position=(message.stream_sequence, message.published))

    async def load_position(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Read how far the source is committed."""
        query = "SELECT sequence, published FROM things_logposition WHERE source = %s"
        row = await (await connection.execute(query, (self.source,))).fetchone()
        if row:
            self.position.sequence, self.position.published = row


@lru_cache(10_000)
def _sender(subject: str) -> tuple[str | None, str]:
    """(key of the device, nothing) for telemetry, (None, topic) for an Observation, else (None, nothing)."""
    found = STORED.fullmatch(subject)
    return (found["device"], found["topic"] or "") if found else (None, "")


async def ingest(source: str, detail: dict[str, Any]) -> None:
    """Commit one source for ever; a database that is away is waited for, and what is in the log stays there."""
    gc.freeze()
    gc.set_threshold(ALLOCATED, *gc.get_threshold()[1:])
    async with log.connected(ACCOUNT[source]) as nats:
        await commit_all(nats, ACCOUNT[source], await prepare_source(nats, source), Ingest(source, detail=detail))


async def commit_all(nats: Nats, account: str, consumer: PullConsumer, work: Ingest) -> None:
    """Commit what a consumer of an account gives, for ever."""
    given = Delivery(nats, log.pull(account, consumer), BESIDES.get(work.source))
    async with log.connected("service") as ours, aclosing(given) as delivery:

        async def told(batch: Batch, outcome: Outcome) -> None:
            await publish_live(ours, outcome)
            await publish_errors(nats, ours, batch, work)

        work.told = told
        while True:
            try:
                async with database() as connection:
                    await work.catalogue.listen(connection)
                    await work.load_position(connection)
                    while True:
                        await step(work, delivery, connection)
            except psycopg.OperationalError as error:
                logger.warning("the database does not answer (%s); trying again", str(error).splitlines()[0])
                delivery.unsettle()
                await asyncio.sleep(0.5)


async def step(work: Ingest, delivery: Delivery, connection: psycopg.AsyncConnection[Any]) -> int:
    """Fetch, commit, acknowledge one batch; returns how many messages."""
    messages = await delivery.batch()
    if not messages:
        at = datetime.now(UTC)
        if await delivery.is_done():
            await store.heard(connection, work.source, at)
        return 0
    await work.catalogue.refresh(connection)
    batch = await work.decoded(messages)
    delivery.look_ahead(work.decode_ahead)
    await work.commit(connection, messages, batch)
    await delivery.acknowledge(messages[-1])
    work.detail["lag"] = messages[-1].pending
    return len(messages)


@asynccontextmanager
async def database() -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    """A connection of our own, outside Django's pool."""
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True) as connection:
        yield connection


async def prepare_source(nats: Nats, source: str) -> PullConsumer:
    """The durable consumer of a source; it must exist before anybody may publish."""
    return await consume(await log.stream(await nats.jetstream(), source))


async def consume(stream: LogStream) -> PullConsumer:
    """Our durable consumer on a stream of readings."""
    return await log.consumer_of(
        stream, CONSUMER, FILTERS[stream.name], each=False, pending=MOST_OUTSTANDING, ack_wait=ACK_WAIT
    )


async def publish_live(nats: Nats, outcome: Outcome) -> None:
    """Tell open maps and charts, once committed; nobody depends on it."""
    rows = [(r.stream, r.time, r.result, r.verdict, r.origin) for r in (own.newest for own in outcome.found.values())]
    if rows:
        await nats.publish(LIVE, orjson.dumps(rows))


async def publish_errors(nats: Nats, ours: Nats, batch: Batch, work: Ingest) -> None:
    """Tell whoever sent it what was refused, once it is kept; nobody depends on it.

    A device hears of all that came for it on its own topic, people of an Observation on `…/Observations/errors`.
    """
    for one in batch.refused:
        if one.protocol not in {TELEMETRY, STA}:
            continue
        field_, value, rule = store.told(one.reject)
        body = orjson.dumps({"received": one.received, "field": field_, "value": value, "rule": rule})
        if one.protocol == TELEMETRY:
            await nats.publish(f"d.{one.sender}.errors", body)
        elif owner := work.owner(one.sender):
            await nats.publish(f"d.{owner.key}.errors", body)
        if one.protocol == STA and OBSERVATIONS.fullmatch(one.sender):
            await ours.publish(f"{publication.VERSION}.{one.sender}.errors", body)
