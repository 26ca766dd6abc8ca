"""CloudEvents between rooms: outbox → event log → inbox. At least once, done once.

`emit` writes into the transaction that makes the event true. `relay` moves outbox rows into the log. A consumer
registered with `consumer` is called in a transaction of its own together with its inbox row.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import OperationalError, connection, transaction
from django.db.models import TextField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone
from natsrpy import Nats
from natsrpy.js import JetStream, JetStreamMessage, PullConsumer

from shizhu.kernel import log
from shizhu.kernel.models import InboxEvent, OutboxEvent
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
CHANNEL = "shizhu_outbox"
BATCH = 500
REMEMBERED = timedelta(days=30)


@dataclass(frozen=True)
class Event:
    """A CloudEvent 1.0: `type` is engine.thing.happened, `subject` the thing's id, `data` JSON."""

    id: str
    type: str
    subject: str
    county: str
    time: datetime
    data: dict[str, Any]


@dataclass(frozen=True)
class Consumer:
    """A durable consumer: name, event types it wants, handler."""

    name: str
    types: tuple[str, ...]
    handler: Callable[[Event], None]

    @property
    def filters(self) -> list[str]:
        """Subjects of the log."""
        return [f"ev.*.{type_}" for type_ in self.types]


_consumers: dict[str, Consumer] = {}


def consumer(name: str, types: Sequence[str], handler: Callable[[Event], None]) -> None:
    """Register a consumer; call it from `AppConfig.ready`."""
    _consumers[name] = Consumer(name, tuple(types), handler)


def consumers() -> Iterable[Consumer]:
    """All registered consumers."""
    return _consumers.values()


def envelope(type_: str, subject: str, county: str, data: dict[str, Any]) -> tuple[str, bytes]:
    """(subject in the log, CloudEvent as JSON) of a new event."""
    event = {
        "specversion": "1.0",
        "id": uuid.uuid4().hex,
        "source": f"/counties/{county}",
        "type": type_,
        "subject": subject,
        "time": timezone.now(),
        "datacontenttype": "application/json",
        "county": county,
        "data": data,
    }
    return f"ev.{county}.{type_}", orjson.dumps(event, default=str)


INSERT = """
INSERT INTO kernel_outboxevent (subject, envelope, created)
SELECT subject, envelope::jsonb, now()
FROM unnest(%s::text[], %s::text[]) WITH ORDINALITY AS told (subject, envelope, n) ORDER BY n
"""
NOTIFY = f"NOTIFY {CHANNEL}"


def emit(type_: str, subject: object, county: str, data: dict[str, Any]) -> None:
    """Say what happened, in the current transaction."""
    emit_many(type_, county, [(subject, data)])


def emit_many(type_: str, county: str, happened: Iterable[tuple[object, dict[str, Any]]]) -> None:
    """Say that it happened to each (subject, data), in the current transaction."""
    rows = [envelope(type_, str(subject), county, data) for subject, data in happened]
    with connection.cursor() as cursor:
        cursor.execute(INSERT, ([where for where, _ in rows], [event.decode() for _, event in rows]))
        cursor.execute(NOTIFY)


def decode(payload: bytes) -> Event:
    """A message of the log as an Event."""
    raw = orjson.loads(payload)
    return Event(
        raw["id"], raw["type"], raw["subject"], raw["county"], datetime.fromisoformat(raw["time"]), raw["data"]
    )


def _outbox() -> list[tuple[int, str, str, str]]:
    """(row, subject, id, envelope as it is kept): a large number in it is one of JSON, whatever its size."""
    rows = OutboxEvent.objects.annotate(text=Cast("envelope", TextField())).order_by("id")
    return list(rows.values_list("pk", "subject", KT("envelope__id"), "text")[:BATCH])


def _forget(rows: list[int]) -> None:
    OutboxEvent.objects.filter(pk__in=rows).delete()


async def relay_once(jetstream: JetStream) -> int:
    """Move waiting outbox rows into the log; returns how many. After a crash between the two, same ids again.

    One after the other: publications that wait together reach the log in any order, and a judge that has seen the
    newer reading takes the older one for late.
    """
    rows = await in_thread(_outbox)()
    for _row, subject, id_, text in rows:
        await jetstream.publish(subject, text.encode(), headers={"Nats-Msg-Id": id_}, wait=True)
    if rows:
        await in_thread(_forget)([row for row, *_ in rows])
    return len(rows)


def handle(chosen: Consumer, event: Event) -> bool:
    """Run the handler once for the event; False if it was done before."""
    with transaction.atomic():
        _, is_new = InboxEvent.objects.get_or_create(consumer=chosen.name, event=event.id)
        if is_new:
            chosen.handler(event)
    return is_new


def forget_done() -> int:
    """Drop inbox rows so old that the log cannot bring their events again; returns how many."""
    return InboxEvent.objects.filter(done__lt=timezone.now() - REMEMBERED).delete()[0]


async def durable_of(jetstream: JetStream, chosen: Consumer) -> PullConsumer:
    """The consumer's durable in the event log."""
    return await log.durable(jetstream, log.EVENTS, chosen.name.replace(".", "-"), chosen.filters)


async def consume(nats: Nats, chosen: Consumer, detail: dict[str, int]) -> None:
    """Hand every event to the consumer, for ever and in the order of the log; `detail` tells how many wait for it.

    What a reader before had and did not do comes first. A jump in the consumer's own count says that something was
    given to nobody who lives: then all that is not done comes again, before anything newer.
    """
    pull = await durable_of(await nats.jetstream(), chosen)
    await log.give_again(nats, pull)
    next_ = 1
    while True:
        messages = await log.fetch(pull, 100, 2.0)
        if [message.consumer_sequence for message in messages] != [*range(next_, next_ + len(messages))]:
            logger.warning("consumer %s: events went astray; the log gives again what is not done", chosen.name)
            await log.give_again(nats, pull)
            next_ = 1
            continue
        next_ += len(messages)
        for done, message in enumerate(messages):
            detail[chosen.name] = messages[-1].pending + len(messages) - done
            await _deliver(chosen, message)
        detail[chosen.name] = messages[-1].pending if messages else 0


async def _deliver(chosen: Consumer, message: JetStreamMessage) -> None:
    """Until it is handled; but one that a handler cannot take comes again later, and others go on before it."""
    while True:
        try:
            await in_thread(handle)(chosen, decode(message.payload))
        except OperationalError as error:  # the database is away: going on would hand over newer events first
            logger.warning("%s: the database does not answer (%s); trying again", chosen.name, _first_line(error))
            await asyncio.sleep(0.5)
        except Exception:
            logger.exception("consumer %s failed on %s; the event stays in the log", chosen.name, message.subject)
            await message.nack(delay=min(2.0 ** min(message.delivered, 6), 60.0))
            return await asyncio.sleep(0.2)
        else:
            return await message.ack()


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
