"""SensorThings Tasking: what devices can be told to do, Tasks through the door of all commands, and who may."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.things.sta.service import ROOT, THING, Service, World, basic
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api, commanding
from shizhu.engines.things.capabilities import record
from shizhu.engines.things.models import Command, CommandState, Device, TaskingCapability, Thing
from shizhu.kernel import access
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
SET = {"taskingParameters": {"seconds": 60}}


def jug(county: County, key: str, town: str) -> Device:
    where = organisation(county, "stand"), area(county, town), (100.2, 30.2)
    return api.register(api.Registration(key, "lemonade.jug", key, *where), "secret")[0]


@pytest.fixture
def jugs(county: County, towns: World) -> tuple[Device, Device]:
    return jug(county, "east-1", "101"), jug(county, "west-1", "102")


def capability(device: Device, command: str = "set_interval") -> int:
    return TaskingCapability.objects.get(device=device, command=command).pk


def test_a_device_can_be_told_what_its_profile_declares(service: Service, jugs: tuple[Device, Device]) -> None:
    east = jugs[0]
    found = service.get(f"Things({east.thing_id})/TaskingCapabilities?$expand=Actuator($select=name)").value
    assert [(one["name"], one["description"], one["Actuator"]) for one in found] == [
        ("设置上报间隔", "Set the reporting interval", {"name": "east-1"}), ("清空", "Empty it", {"name": "east-1"}),
    ]  # fmt: skip
    assert found[0]["taskingParameters"] == {
        "type": "DataRecord",
        "field": [{
            "name": "seconds", "label": "秒", "description": "Seconds", "type": "Count",
            "constraint": {"type": "AllowedValues", "interval": [[5, 3600]]},
        }],
    }  # fmt: skip
    assert found[1]["taskingParameters"]["field"] == []
    assert service.get(f"Actuators({east.pk})/TaskingCapabilities/$count").body == b"2"
    assert service.get(f"TaskingCapabilities({capability(east)})/Thing").json["@iot.id"] == east.thing_id
    assert "secret" not in service.get("Actuators").body.decode()


def test_fields_of_every_kind() -> None:
    title = {"zh": "开", "en": "On"}
    told = record({"parameters": {
        "level": {"type": "number", "title": title, "minimum": 0}, "is_on": {"type": "boolean", "title": title},
        "mode": {"type": "string", "title": title, "enum": ["a", "b"]}, "note": {"type": "string", "title": title},
    }})  # fmt: skip
    shown = [(one["name"], one["type"], one.get("constraint")) for one in told["field"]]
    assert shown == [
        ("level", "Quantity", {"type": "AllowedValues", "interval": [[0, "INF"]]}), ("is_on", "Boolean", None),
        ("mode", "Category", {"type": "AllowedTokens", "value": ["a", "b"]}), ("note", "Text", None),
    ]  # fmt: skip


def test_a_task_is_a_command_and_tells_what_became_of_it(service: Service, jugs: tuple[Device, Device]) -> None:
    able = capability(jugs[0])
    made = service.post(f"TaskingCapabilities({able})/Tasks", SET)
    assert (made.status, made.headers["location"]) == (201, f"{ROOT}/Tasks({made.id})")
    assert [(one.id, one.device) for one in api.due_commands()[0]] == [(made.id, "east-1")]
    told = service.get(f"Tasks({made.id})?$expand=TaskingCapability").json
    assert (told["taskingParameters"], told["status"]) == ({"seconds": 60}, "sent")
    assert (told["TaskingCapability"]["@iot.id"], {*told["properties"]}) == (able, {"expires", "sent"})
    api.command_answered(
        "east-1", b'{"id": %d, "state": "done", "result": 7}' % made.id, Command.objects.get().asked_at
    )
    told = service.get("Tasks?$filter=status eq 'done'").value[0]
    assert (told["@iot.id"], told["properties"]["answer"]) == (made.id, 7)
    second = service.post("Tasks", {**SET, "TaskingCapability": {"@iot.id": able}})
    assert service.get(f"TaskingCapabilities({able})/Tasks?$orderby=id").all("@iot.id") == [made.id, second.id]


def test_a_dangerous_task_waits_for_a_second_person(closed: Service, jugs: Any, county: County) -> None:
    one, two = [person(county, "things.*", username=name) for name in ("one", "two")]
    able = capability(jugs[0], "empty")
    made = closed.be(basic("one")).post(f"TaskingCapabilities({able})/Tasks", {"taskingParameters": {}}).id
    assert closed.be(basic("two")).get(f"Tasks({made})").json["status"] == "proposed"
    assert api.due_commands()[0] == []
    batch = Command.objects.get().batch
    with pytest.raises(access.PermissionDenied):
        commanding.approve(access.actor(one), batch)
    commanding.approve(access.actor(two), batch)
    assert [sent.id for sent in api.due_commands()[0]] == [made]
    assert closed.be(basic("two")).get(f"Tasks({made})/status/$value").body == b"sent"


def test_what_does_not_fit_is_refused_and_nothing_sent(service: Service, jugs: tuple[Device, Device]) -> None:
    able = capability(jugs[0])
    tries: list[tuple[str, Any]] = [
        ("Tasks", SET), ("Tasks", {**SET, "TaskingCapability": {"@iot.id": 0}}), ("Tasks", []),
        (f"TaskingCapabilities({able})/Tasks", {"taskingParameters": {"seconds": 1}}),
        (f"TaskingCapabilities({able})/Tasks", {"taskingParameters": {"minutes": 1}}),
        (f"TaskingCapabilities({able})/Tasks", {"taskingParameters": 5}),
        (f"TaskingCapabilities({able})/Tasks", {**SET, "status": "done"}),
        (f"TaskingCapabilities({able})/Tasks", {**SET, "TaskingCapability": {"@iot.id": able}}),
        ("Things", {**THING, "TaskingCapabilities": [{"name": "x"}]}),
    ]  # fmt: skip
    before = Thing.objects.count()
    assert [service.post(*one).status for one in tries] == [400] * len(tries)
    asked = [
        {"id": "a", "method": "post", "url": f"TaskingCapabilities({able})/Tasks", "body": SET, "atomicityGroup": "g"}
    ]
    told = service.post("$batch", {"requests": asked}, **{"content-type": "application/json"}).json
    assert told["responses"][0]["status"] == 400
    fixed = [("POST", "Actuators"), ("POST", "TaskingCapabilities"), ("PATCH", f"TaskingCapabilities({able})"),
             ("DELETE", f"Actuators({jugs[0].pk})"), ("DELETE", f"TaskingCapabilities({able})"),
             ("POST", f"Things({jugs[0].thing_id})/TaskingCapabilities")]  # fmt: skip
    assert [service.ask(*one, {}).status for one in fixed] == [405] * len(fixed)
    assert (Command.objects.count(), Thing.objects.count(), Device.objects.count()) == (0, before, 2)


def test_who_may_see_and_ask(closed: Service, jugs: tuple[Device, Device], county: County) -> None:
    person(county, "things.*", username="dong", in_area="101")
    person(county, "things.thing.view", username="reader")
    east, west = map(capability, jugs)
    dong, reader, device = closed.be(basic("dong")), closed.be(basic("reader")), closed.be(basic("east-1", "secret"))
    answers = [
        closed.post(f"TaskingCapabilities({east})/Tasks", SET), reader.post(f"TaskingCapabilities({east})/Tasks", SET),
        dong.post(f"TaskingCapabilities({west})/Tasks", SET),
        dong.post("Tasks", {**SET, "TaskingCapability": {"@iot.id": west}}),
        device.post(f"TaskingCapabilities({east})/Tasks", SET),
    ]  # fmt: skip
    assert [answer.status for answer in answers] == [401, 403, 404, 400, 403]
    assert Command.objects.count() == 0
    made = dong.post(f"TaskingCapabilities({east})/Tasks", SET).id
    assert Command.objects.get().asked_by_id is not None
    person(county, "things.*", username="xi", in_area="102")
    xi = closed.be(basic("xi"))
    sets = "Actuators", "TaskingCapabilities", "Tasks"
    assert [xi.get(f"{name}/$count").body for name in sets] == [b"1", b"2", b"0"]
    assert [dong.get(f"{name}/$count").body for name in sets] == [b"1", b"2", b"1"]
    assert (xi.get(f"Tasks({made})").status, xi.get(f"Actuators({jugs[0].pk})").status) == (404, 404)


def test_a_command_that_the_profile_lost_can_be_asked_for_no_more(
    service: Service, jugs: tuple[Device, Device]
) -> None:
    able = capability(jugs[0])
    made = service.post(f"TaskingCapabilities({able})/Tasks", SET).id
    Device.objects.filter(pk=jugs[0].pk).update(profile="lemonade.gone")
    api.follow_profiles()
    assert service.get(f"Things({jugs[0].thing_id})/TaskingCapabilities").value == []
    assert service.post("Tasks", {**SET, "TaskingCapability": {"@iot.id": able}}).status == 400
    assert service.get(f"Tasks({made})").json["status"] == CommandState.QUEUED
    Device.objects.filter(pk=jugs[0].pk).update(profile="lemonade.jug")
    api.follow_profiles()
    assert service.get(f"Things({jugs[0].thing_id})/TaskingCapabilities").all("@iot.id")[0] == able
