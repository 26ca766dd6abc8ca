"""Flows and devices: a command as a step of a case, values read by one, and steps that two people do."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.utils import timezone
from tests.engines.cases.logic.test_bpmn_elements import lines
from tests.engines.cases.test_waits import END, SENT, START, declared, opened, user
from tests.engines.things.test_things_pages import commit, jug, reading
from tests.fixtures import person, toy
from tests.web.pages import browser, text

from shizhu.engines.cases import api
from shizhu.engines.cases.models import Case, Task, Waiting
from shizhu.engines.things import api as things
from shizhu.engines.things import store
from shizhu.engines.things.models import Command
from shizhu.kernel import access, events, packs
from shizhu.kernel.models import County, Declaration, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)


def asked(id_: str, topic: str, **inputs: str) -> str:
    given = "".join(f'<c:inputParameter name="{name}">{value}</c:inputParameter>' for name, value in inputs.items())
    given = f"<extensionElements><c:inputOutput>{given}</c:inputOutput></extensionElements>"
    return f'<serviceTask id="{id_}" name="设备" c:type="external" c:topic="{topic}">{given}</serviceTask>'


def done() -> None:
    """Let the consumers of cases take in what has happened, each event once."""
    for row in OutboxEvent.objects.order_by("pk"):
        told = events.decode(orjson.dumps(row.envelope))
        for consumer in events.consumers():
            if consumer.name in {"cases.devices", "cases.answered"} and told.type in consumer.types:
                events.handle(consumer, told)


def answers(case: Case) -> dict[str, Any]:
    case.refresh_from_db()
    found: dict[str, Any] = case.state["document"]["answers"]
    return found


def test_a_case_tells_a_device_and_goes_on_as_it_answers(county: County) -> None:
    jug(county, "E", "101")
    fan = asked("fan", "things.command", command="set_interval", device="=device", seconds="=60")
    failed = '<boundaryEvent id="b" attachedToRef="fan"><errorEventDefinition errorRef="no"/></boundaryEvent>'
    error = '<error id="no" errorCode="failed"/>'
    declared(START + fan + user("mend") + END + failed + lines("s>fan", "fan>e", "b>mend", "mend>e"), more=error)
    good, bad, odd = opened(county, device="E"), opened(county, device="E"), opened(county, device="nowhere")
    done()
    first, second = Command.objects.order_by("pk")
    assert (first.name, first.parameters, first.asked_by, first.state) == (
        "set_interval",
        {"seconds": 60},
        None,
        "queued",
    )
    assert first.asked_for == f"{good.number} 试"
    assert answers(odd)["fan"]["state"] == "refused"
    assert answers(odd)["fan"]["answer"].startswith("device: 'nowhere': there is no such device in ")
    things.due_commands()
    for row, state in ((first, "done"), (second, "failed")):
        assert things.command_answered("E", orjson.dumps({"id": row.pk, "state": state}), timezone.now()) == ""
    done()
    assert (answers(good)["fan"], good.status) == ({"state": "done", "device": "E", "answer": None}, "closed")
    assert Task.objects.get(case=bad, status="ready").step == "mend"  # the error of that code was caught
    reader = browser(person(county, "cases.*", username="reader"))
    assert "设备 设备已执行 · E" in text(reader.get(f"/cases/{good.pk}/"))
    assert "设备 设备没有执行 · E" in text(reader.get(f"/cases/{bad.pk}/"))
    assert "设备 无法向设备下达 · nowhere · device: " in text(reader.get(f"/cases/{odd.pk}/"))
    page = text(browser(person(county, "things.*")).get("/things/commands/"))
    assert f"{good.number} 试" in page


def test_a_dangerous_command_of_a_case_waits_for_a_person(county: County) -> None:
    jug(county, "E", "101")
    declared(START + asked("c", "things.command", command="empty", device="E") + END + lines("s>c", "c>e"))
    case = opened(county)
    done()
    row = Command.objects.get()
    assert (row.state, things.due_commands()[0]) == ("proposed", [])
    client = browser(person(county, "things.*"))
    assert (
        client.post(f"/things/commands/{row.batch}", {"decide": "approve"}, headers=SENT["headers"]).status_code == 302
    )
    assert [one.id for one in things.due_commands()[0]] == [row.pk]
    assert things.command_answered("E", orjson.dumps({"id": row.pk, "state": "done"}), timezone.now()) == ""
    done()
    assert answers(case)["c"]["state"] == "done"


def test_a_case_reads_the_newest_good_values_of_a_device(county: County) -> None:
    device = jug(county, "E", "101")
    values = [
        reading(device, "temperature", timedelta(minutes=5), 20.5),
        reading(device, "level", timedelta(hours=2), 9.0),
    ]
    asyncio.run(commit(store.Batch(values)))
    read = asked("read", "things.latest", device="E", within="PT1H")
    gate = '<exclusiveGateway id="gate" default="g_wait"/>'
    safe = '<sequenceFlow id="ok" sourceRef="gate" targetRef="e"><conditionExpression>'
    safe += (
        "answers.read.temperature.value &lt; 21 and not(list contains(answers.read.missing, &quot;temperature&quot;))"
    )
    safe += "</conditionExpression></sequenceFlow>"
    more = '<sequenceFlow id="g_wait" sourceRef="gate" targetRef="wait"/>'
    declared(START + read + gate + user("wait") + END + safe + more + lines("s>read", "read>gate", "wait>e"))
    case = opened(county)
    done()
    found = answers(case)["read"]
    assert (case.status, found["state"], found["missing"]) == ("closed", "done", ["level", "pressure"])
    assert found["temperature"]["value"] == 20.5
    assert found["level"] == {"value": None, "time": None, "minutes": None}


def test_two_steps_are_done_by_two_people(county: County) -> None:
    other = user("b").replace("/>", '><extensionElements><c:properties><c:property name="not_by" value="a"/>')
    other = other.replace('value="a"/>', 'value="a"/></c:properties></extensionElements></userTask>')
    split = '<parallelGateway id="p1"/><parallelGateway id="p2"/>'
    declared(START + split + user("a") + other + END + lines("s>p1", "p1>a", "p1>b", "a>p2", "b>p2", "p2>e"))
    one, two = (person(county, role="lemonade.maker", username=name) for name in ("one", "two"))
    case = opened(county)
    first, second = (Task.objects.get(case=case, step=step) for step in ("a", "b"))
    api.answer(access.actor(one), first.pk, {})
    client = browser(one)
    assert client.post(f"/cases/tasks/{second.pk}/", headers=SENT["headers"]).status_code == 403
    assert Task.objects.get(pk=second.pk).status == "ready"
    api.answer(access.actor(two), second.pk, {})
    case.refresh_from_db()
    assert case.status == "closed"


def test_what_a_flow_asks_of_devices_is_checked(county: County) -> None:
    body = asked("c", "things.command", command="set_interval", second="60") + asked("d", "things.latest", key="x")
    body += asked("f", "things.comand") + asked("h", "things.command", command="set_interval", seconds="60")
    key = declared(START + body + END + lines("s>c", "c>d", "d>f", "f>h", "h>e"))
    row = Declaration.objects.get(kind="flows", key=key)
    told = packs.problems_of(packs.kinds()["flows"], packs.Declared("flows", key, row.body, "x"), {"lemonade": toy()})
    assert [line for line in told if not line.endswith("stage`")] == [
        "c: second: is no parameter of the command set_interval; it has seconds",
        "c: seconds: must be given: the command set_interval needs it",
        "d: key: is no input of things.latest; it reads device, within",
        "f: things.comand: is no topic that is done here; there are things.command, things.latest",
        "h: seconds: '60': is text; write =60 for integer",
    ]


def test_who_draws_commands_must_be_allowed_to_give_them(county: County) -> None:
    jug(county, "E", "101")
    key = declared(
        '<startEvent id="s" name="下单"/>'
        + asked("c", "things.command", command="empty", device="E")
        + END
        + lines("s>c", "c>e")
    )
    text_ = Declaration.objects.get(kind="flows", key=key).body["text"].replace('name="设备"', 'name="交付"')
    sent = {"xml": text_, "as": "flows"}
    verbs = ("kernel.declaration.edit", "things.command.send")
    for username, given, status in (("drawer", verbs[:1], 422), ("both", verbs, 200)):
        client = browser(person(county, *given, username=username))
        answer = client.post("/declarations/flows/draw", sent, content_type="application/json")
        assert answer.status_code == status, answer.content.decode()
        assert Declaration.objects.filter(kind="flows", source="person").count() == (status == 200)
    other = browser(person(county, "kernel.declaration.edit", username="third"))
    page = other.get("/declarations/flows/draw").content.decode()
    assert '"commands": [["set_interval", ' in page


def test_nobody_outside_answers_for_a_device_and_only_a_named_move_takes_a_command_back(county: County) -> None:
    jug(county, "E", "101")
    declared(START + asked("c", "things.command", command="empty", device="E") + END + lines("s>c", "c>e"))
    case = opened(county)
    done()
    wait, row = Waiting.objects.get(case=case), Command.objects.get()
    program = browser(person(county, "cases.*"))
    sent = program.post(f"/cases/jobs/{wait.pk}", {"answer": {"state": "done"}}, **SENT)
    assert sent.status_code == 404
    client = browser(person(county, "things.*"))
    for decide in ("", "agree"):
        client.post(f"/things/commands/{row.batch}", {"decide": decide}, headers=SENT["headers"])
        row.refresh_from_db()
        assert row.state == "proposed"
    client.post(f"/things/commands/{row.batch}", {"decide": "cancel"}, headers=SENT["headers"])
    row.refresh_from_db()
    assert row.state == "cancelled"
