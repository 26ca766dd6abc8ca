"""A rollout that stops by itself is told to whoever asked for it and all who may send to its devices, once."""

from __future__ import annotations

import orjson
import pytest
from django.utils import timezone
from tests.engines.things.test_rollouts import done, jugs, say, sent
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.engines.notices.models import Delivery, Message
from shizhu.engines.things import rollouts
from shizhu.engines.things.models import Command, Device, ReleaseKind, Rollout
from shizhu.kernel import access, events
from shizhu.kernel.models import County, Grant, OutboxEvent, Person, Role

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["jugs"]


def deliver() -> None:
    """Hand all events of the outbox to the consumer, in order; those it had before come again."""
    chosen = next(one for one in events.consumers() if one.name == "alarms.rollouts")
    for row in OutboxEvent.objects.filter(envelope__type__in=chosen.types).order_by("pk"):
        events.handle(chosen, events.decode(orjson.dumps(row.envelope)))


def told() -> set[str]:
    return set(Delivery.objects.filter(channel=None).values_list("person__username", flat=True))


def begun(county: County, asker: Person, spec: str, most: int) -> Rollout:
    who = access.actor(asker)
    wanted = rollouts.Wanted(ReleaseKind.CONFIGURATION, "lemonade.jug", "参数", "c1", values={"seconds": 60})
    release = rollouts.make(county.pk, wanted, rollouts.place(who, county.pk), who.person_id)
    planned = rollouts.plan(release, rollouts.devices(who, release), spec)
    made = rollouts.propose(who, release, planned, confirm=60, most_failed=most)
    second = access.actor(person(county, "things.command.approve", username="second"))
    return rollouts.approve(second, made.pk)


@pytest.fixture
def asker(county: County) -> Person:
    return person(county, "things.*", username="asker")


def test_it_is_told_with_what_failed_to_whom_it_concerns(county: County, jugs: list[Device], asker: Person) -> None:
    person(county, "things.command.send", username="manager")
    person(county, "things.command.send", username="of-the-town", in_area="101")
    person(county, "things.thing.view", username="looks")
    person(county, "things.command.send", username="kitchen", of="kitchen")
    given = person(county, "things.thing.view", username="given", role="")
    declared = Role.objects.create(key="r.declared", name={}, verbs=["things.thing.view"])
    given.posts.update(role=declared)
    Grant.objects.create(county=county, role=declared, verb="things.command.send")
    rollout = begun(county, asker, "3, rest", 34)
    assert sent() == ["J0", "J1", "J2"]
    say("J0", state="failed", result={"reason": "flash"})
    deliver()
    assert Message.objects.count() == 0  # it goes on
    say("J1", state="failed", result={"reason": "flash"})
    deliver()
    message = Message.objects.get()
    assert (message.title, message.url, message.county_id) == (
        "参数 c1 的分批下发已自动停止", f"/things/rollouts/{rollout.pk}/", county.pk,
    )  # fmt: skip
    assert message.text.splitlines() == [
        "已自动停止：失败的设备过多。",
        "共 4 台设备，失败 2 台，已装 0 台。",
        "设备尚未收到的命令已撤回。失败原因见页面；已装的设备可在页面上回退。",
    ]
    assert told() == {"asker", "manager", "of-the-town", "given"}
    page = browser(asker).get("/messages/")
    assert message.title in text(page)
    assert browser(asker).get(message.url).status_code == 200


def test_silence_is_told_and_nothing_twice(county: County, jugs: list[Device], asker: Person) -> None:
    rollout = begun(county, asker, "2, rest", 100)
    assert sent() == ["J0", "J1"]
    done("J0", "c1")
    Command.objects.filter(device__key="J1").update(expires=timezone.now())
    assert sent() == []
    deliver()
    assert Message.objects.get().text.splitlines()[:2] == [
        "已自动停止：失败的设备过多，已不可能达到确认比例。",
        "共 4 台设备，失败 1 台，已装 1 台。",
    ]
    chosen = next(one for one in events.consumers() if one.name == "alarms.rollouts")
    halted = {"rollout": rollout.pk, "release": rollout.release_id, "state": "halted", "wave": 1}
    events.emit("things.rollout.changed", rollout.pk, county.pk, halted)  # as if it was told anew
    deliver()
    assert (Message.objects.count(), told(), chosen.name) == (1, {"asker"}, "alarms.rollouts")


def test_one_that_a_person_stops_or_that_ends_well_is_not_told(
    county: County, jugs: list[Device], asker: Person
) -> None:
    rollout = begun(county, asker, "2, rest", 100)
    rollouts.stop(access.actor(asker), rollout.pk)
    deliver()
    assert Message.objects.count() == 0
