"""Alarms on a real database: judged from events, one open per rule and source."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
import shapely
from django.db import OperationalError, connection, connections, transaction
from django.test import Client
from procrastinate.contrib.django import app
from tests.engines.alarms.sent import only
from tests.fixtures import area, organisation, person

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm, Binding, Memory, Revision
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.engines.things.models import Datastream
from shizhu.kernel import access, events, packs
from shizhu.kernel.models import County, Declaration, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def stream(county: County) -> int:
    wanted = things.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    device, _ = things.register(wanted)
    api.bind_all()
    OutboxEvent.objects.all().delete()
    return Datastream.objects.get(thing=device.thing, key="temperature").pk


def event(stream: int, start: int, *values: float, id_: str = "") -> events.Event:
    readings = [[stream, (NOON + timedelta(minutes=start + n)).isoformat(), value, 1] for n, value in enumerate(values)]
    return events.Event(
        id_ or f"{stream}-{start}-{values[0]}",
        "things.observations.committed",
        "",
        "990001",
        NOON,
        {"readings": readings},
    )


def judge(stream: int, start: int, *values: float, id_: str = "") -> None:
    consumer = next(c for c in events.consumers() if c.name == "alarms.judge")
    events.handle(consumer, event(stream, start, *values, id_=id_))


def raised() -> list[tuple[str, int]]:
    return [(a.state, a.occurrences) for a in Alarm.objects.order_by("pk")]


def told() -> list[str]:
    return [row.envelope["type"] for row in OutboxEvent.objects.order_by("pk")]


def test_a_zone_drawn_later_is_judged_from_the_next_morning(county: County, stream: int) -> None:
    stalls = {"zone": {"layer": "lemonade.stalls"}, "profile": "lemonade.jug", "property": "temperature", "above": 30}
    only(county, {"when": stalls})
    assert list(Binding.objects.all()) == []
    root, data = access.actor(person(county, "*", username="root")), {"code": "S001", "name": "摊位一", "kind": "cart"}
    records.create(
        root, county.pk, "lemonade.stall", data, organisation="stand", area=f"{county.pk}101",
        geometry=shapely.Point(100.2, 30.2),
    )  # fmt: skip
    app.tasks["alarms.bind"](timestamp=0)
    (bound,) = Binding.objects.all()
    assert (bound.source.rpartition("/")[0], bound.streams) == ("feature/lemonade.stalls", [stream])


def test_binding_watches_the_stream_and_keeps_the_limit(stream: int) -> None:
    binding = Binding.objects.get(source=f"datastream/{stream}")
    assert (binding.rule, binding.streams, binding.said["when"]["above"]) == ("lemonade.too_warm", [stream], 30)
    assert things.describe([stream])[stream].property == "temperature"
    assert Datastream.objects.get(pk=stream).is_watched
    api.bind_all()
    assert Binding.objects.values().get(source=f"datastream/{stream}") == Binding.objects.values().get(pk=binding.pk)
    assert Binding.objects.count() == 2


def test_a_rule_that_another_process_has_declared_is_bound_and_not_taken_away(county: County, stream: int) -> None:
    body = packs.declaration("rules", "lemonade.too_warm", county.pk)  # remembered from now on
    Declaration.objects.create(kind="rules", key="local.warm", county=county, body=body, digest="1", source="person")
    api.bind_all()
    assert Binding.objects.filter(rule="local.warm").count() == 1


def test_who_binds_waits_for_who_does(stream: int) -> None:
    is_held, is_tried = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Revision.objects.select_for_update().get()
            is_held.set()
            is_tried.wait(20)
        connections.close_all()

    other = threading.Thread(target=hold)
    other.start()
    try:
        assert is_held.wait(20)
        connection.cursor().execute("SET lock_timeout = '200ms'")
        with pytest.raises(OperationalError, match="lock timeout"):
            api.bind_all()
    finally:
        connection.cursor().execute("RESET lock_timeout")
        is_tried.set()
        other.join()
    api.bind_all()


def test_an_alarm_is_raised_once_and_cleared_by_the_data(stream: int) -> None:
    judge(stream, 0, *[31.0] * 8)
    assert raised() == []
    judge(stream, 8, *[32.0] * 8)
    assert raised() == [("open", 1)]
    assert told() == ["alarms.alarm.raised"]
    judge(stream, 16, *[20.0] * 6)
    assert raised() == [("cleared", 1)]
    assert told() == ["alarms.alarm.raised", "alarms.alarm.cleared"]


def test_a_correction_in_the_same_event_counts_as_the_later_one(stream: int) -> None:
    corrected = event(stream, 0, 31.0)
    corrected.data["readings"] += event(stream, 0, 20.0, *[31.0] * 10).data["readings"]
    events.handle(next(c for c in events.consumers() if c.name == "alarms.judge"), corrected)
    assert raised() == []
    judge(stream, 11, 31.0)
    assert [(a.since, a.state) for a in Alarm.objects.all()] == [(NOON + timedelta(minutes=1), "open")]


def test_a_redelivered_event_does_nothing(stream: int) -> None:
    judge(stream, 0, *[31.0] * 12, id_="a")
    memory = Memory.objects.values().get(binding__streams=[stream])
    judge(stream, 0, *[31.0] * 12, id_="a")
    assert (raised(), told(), Memory.objects.values().get(binding__streams=[stream])) == (
        [("open", 1)],
        ["alarms.alarm.raised"],
        memory,
    )


def test_whatever_races_one_alarm_is_open(stream: int) -> None:
    judge(stream, 0, *[31.0] * 9)
    Binding.objects.update(version="")  # the judge begins anew: every racer judges the same readings
    api.bind_all()

    def race(number: int) -> None:
        judge(stream, 0, *[31.0] * 12, id_=f"racer {number}")
        connections.close_all()

    racers = [threading.Thread(target=race, args=(n,)) for n in range(6)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert Alarm.objects.filter(state="open").count() == 1
    assert told().count("alarms.alarm.raised") == 1


def test_cleared_by_a_person_it_may_come_again(stream: int, county: County) -> None:
    judge(stream, 0, *[31.0] * 12)
    alarm = Alarm.objects.get()
    assert api.clear(alarm.pk, person=None, why="冰到了")
    assert not api.clear(alarm.pk, person=None, why="again")
    judge(stream, 12, *[31.0] * 12)
    assert raised() == [("cleared", 1), ("open", 1)]


def test_who_sees_an_alarm_and_who_may_clear_it(stream: int, county: County) -> None:
    judge(stream, 0, *[31.0] * 12)
    number = Alarm.objects.get().pk
    near = person(county, "alarms.alarm.view", username="near", in_area="101")
    far = person(county, "alarms.alarm.*", username="far", in_area="102")
    assert [a.id for a in api.alarms(access.actor(near), county.pk)] == [number]
    assert api.alarms(access.actor(far), county.pk) == []
    for who, expected in ((near, 200), (far, 403)):
        client = Client()
        client.force_login(who)
        assert client.get(f"/alarms/{number}/").status_code == expected
        assert client.post(f"/alarms/{number}/clear", {"why": "x"}).status_code == 403
    assert raised() == [("open", 1)]


def test_clearing_by_hand_needs_a_reason(stream: int, county: County) -> None:
    judge(stream, 0, *[31.0] * 12)
    number = Alarm.objects.get().pk
    client = Client()
    client.force_login(person(county, "alarms.alarm.*", username="boss"))
    client.post(f"/alarms/{number}/clear", {"why": " "})
    assert raised() == [("open", 1)]
    client.post(f"/alarms/{number}/clear", {"why": "误报"})
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.cleared_why, alarm.cleared_by.username) == ("cleared", "误报", "boss")
