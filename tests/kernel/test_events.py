"""An event is said if and only if its transaction is kept, and each consumer does it once."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.db import transaction
from django.utils import timezone

from shizhu.kernel import events, log
from shizhu.kernel.models import County, InboxEvent, OutboxEvent
from shizhu.kernel.threads import in_thread

pytestmark = pytest.mark.django_db
Run = Callable[[Coroutine[Any, Any, Any]], Any]


class Toy:
    """A consumer that keeps what it was told and makes a county of it; the first `faults` calls fail after that."""

    def __init__(self, name: str = "toy.kitchen", faults: int = 0) -> None:
        self.told: list[events.Event] = []
        self.faults = faults
        self.consumer = events.Consumer(name, ("toy.cup.washed",), self.handle)

    def handle(self, event: events.Event) -> None:
        self.told.append(event)
        County.objects.create(code=event.subject, name="甲")
        if self.faults:
            self.faults -= 1
            raise ValueError("the sink is full")


def said(subject: str = "990009") -> events.Event:
    """An event as it left the outbox."""
    events.emit("toy.cup.washed", subject, "990001", {"cups": 2})
    return events.decode(orjson.dumps(OutboxEvent.objects.latest("pk").envelope))


def counties() -> list[str]:
    return list(County.objects.order_by("pk").values_list("pk", flat=True))


def test_the_envelope_is_a_cloud_event() -> None:
    before = timezone.now()
    events.emit("toy.cup.washed", 7, "990001", {"cups": 2, "at": datetime(2026, 7, 1, tzinfo=UTC)})
    row = OutboxEvent.objects.get()
    told = dict(row.envelope)
    assert re.fullmatch("[0-9a-f]{32}", told.pop("id"))
    assert before <= datetime.fromisoformat(told.pop("time")) <= timezone.now()
    assert (row.subject, told) == (
        "ev.990001.toy.cup.washed",
        {
            "specversion": "1.0",
            "source": "/counties/990001",
            "type": "toy.cup.washed",
            "subject": "7",
            "datacontenttype": "application/json",
            "county": "990001",
            "data": {"cups": 2, "at": "2026-07-01T00:00:00+00:00"},
        },
    )


def test_what_is_decoded_is_what_was_said() -> None:
    event = said()
    assert event == events.Event(event.id, "toy.cup.washed", "990009", "990001", event.time, {"cups": 2})
    assert event.time.utcoffset() == timedelta()


def test_an_event_goes_back_with_its_transaction() -> None:
    with transaction.atomic():
        events.emit("toy.cup.washed", 1, "990001", {})
        transaction.set_rollback(True)
    assert OutboxEvent.objects.count() == 0


def test_a_consumer_does_an_event_once() -> None:
    toy, event = Toy(), said()
    assert [events.handle(toy.consumer, event) for _ in range(3)] == [True, False, False]
    assert (toy.told, counties()) == ([event], ["990009"])
    assert list(InboxEvent.objects.values_list("consumer", "event")) == [("toy.kitchen", event.id)]


def test_consumers_do_not_take_events_from_each_other() -> None:
    one, two, event = Toy("toy.one"), Toy("toy.two"), said()
    events.handle(one.consumer, event)
    County.objects.all().delete()
    assert events.handle(two.consumer, event) is True
    assert (len(one.told), len(two.told), InboxEvent.objects.count()) == (1, 1, 2)


def test_a_handler_that_fails_leaves_nothing_and_is_asked_again() -> None:
    toy, event = Toy(faults=1), said()
    with pytest.raises(ValueError, match="the sink is full"):
        events.handle(toy.consumer, event)
    assert (counties(), InboxEvent.objects.count()) == ([], 0)
    assert events.handle(toy.consumer, event) is True
    assert (counties(), InboxEvent.objects.count()) == (["990009"], 1)


def test_a_consumer_asks_the_log_for_its_types_in_every_county() -> None:
    chosen = events.Consumer("toy.kitchen", ("toy.cup.washed", "toy.cup.broken"), Toy().handle)
    assert chosen.filters == ["ev.*.toy.cup.washed", "ev.*.toy.cup.broken"]


@pytest.mark.django_db(transaction=True)
def test_the_log_keeps_an_event_that_is_relayed_twice_once(run: Run) -> None:
    event = said()

    async def relayed() -> list[dict[str, Any]]:
        async with log.connected() as nats:
            jetstream = await nats.jetstream()
            pull = await log.durable(jetstream, log.EVENTS, "twice-test", ["ev.*.toy.cup.washed"])
            (row,) = await in_thread(lambda: list(OutboxEvent.objects.all()))()
            await events.relay_once(jetstream)
            again = {"subject": row.subject, "envelope": row.envelope}  # as after a crash between log and delete
            await in_thread(lambda: OutboxEvent.objects.create(**again))()
            await events.relay_once(jetstream)
            messages = await log.fetch(pull, 10, 1.0)
            for message in messages:
                await message.ack()
            return [orjson.loads(message.payload) for message in messages]

    assert [told["id"] for told in run(relayed())] == [event.id]
    assert OutboxEvent.objects.count() == 0
