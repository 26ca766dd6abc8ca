"""What is done to devices: commands with two persons, credentials, maintenance, service; how devices are told apart."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from tests.engines.things.test_things_pages import commit, jug, reading, refused
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.engines.things import api, commanding, health, store
from shizhu.engines.things.logic.readings import Verdict
from shizhu.engines.things.models import (
    Command,
    CommandState,
    Datastream,
    Device,
    Maintenance,
    Observation,
    ServiceRecord,
)
from shizhu.kernel import access
from shizhu.kernel.models import County
from shizhu.site import edges

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def east(county: County) -> Device:
    return jug(county, "E", "101")


@pytest.fixture
def west(county: County) -> Device:
    return jug(county, "W", "102")


def actor(county: County, *verbs: str, **where: Any) -> access.Actor:
    return access.actor(person(county, *verbs, **where))


def states() -> list[str]:
    return list(Command.objects.order_by("id").values_list("state", flat=True))


# -- commands


def test_a_harmless_command_to_one_device_goes_at_once(county: County, east: Device) -> None:
    number = api.send_command(actor(county, "things.*"), "E", "set_interval", {"seconds": 60})
    assert [(one.id, one.device) for one in api.due_commands()[0]] == [(number, "E")]
    assert api.due_commands()[0] == []
    assert states() == [CommandState.SENT]


@pytest.mark.parametrize(
    ("device", "name", "parameters", "told"),
    [
        ("X", "set_interval", {"seconds": 60}, "device: 'X': there is no such device"),
        ("E", "explode", {}, "command: 'explode': the profile of E declares no such command"),
        ("E", "set_interval", {"seconds": 1}, "seconds: 1 is less than the minimum of 5"),
        ("E", "set_interval", {}, "parameters: 'seconds' is a required property"),
        ("E", "empty", {"x": 1}, "parameters: Additional properties are not allowed ('x' was unexpected)"),
    ],
)
def test_a_wrong_command_is_refused_and_nothing_is_asked(
    county: County, east: Device, device: str, name: str, parameters: dict[str, Any], told: str
) -> None:
    with pytest.raises(api.CommandRefused) as refusal:
        api.send_command(actor(county, "things.*"), device, name, parameters)
    assert (str(refusal.value), states()) == (told, [])


def test_who_has_no_right_there_commands_nothing(county: County, east: Device, west: Device) -> None:
    near = actor(county, "things.*", in_area="102")
    with pytest.raises(PermissionDenied):
        api.send_command(near, "E", "set_interval", {"seconds": 60})
    with pytest.raises(PermissionDenied):
        commanding.ask(near, [west, east], "set_interval", {"seconds": 60})
    assert states() == []


def test_a_group_waits_for_another_person(county: County, east: Device, west: Device) -> None:
    one, two, far = (actor(county, "things.*"), actor(county, "things.*"), actor(county, "things.*", in_area="101"))
    batch = commanding.ask(one, [east, west], "set_interval", {"seconds": 60})[0].batch
    assert (api.due_commands()[0], states()) == ([], [CommandState.PROPOSED] * 2)
    for nobody in (one, far):
        with pytest.raises(PermissionDenied):
            commanding.approve(nobody, batch)
    assert states() == [CommandState.PROPOSED] * 2
    assert commanding.approve(two, batch) == 2
    assert sorted(sent.device for sent in api.due_commands()[0]) == ["E", "W"]
    with pytest.raises(api.CommandRefused):
        commanding.approve(two, batch)


def test_a_dangerous_command_waits_even_for_one_device_and_ends_unapproved(county: County, east: Device) -> None:
    who = actor(county, "things.*")
    number = api.send_command(who, "E", "empty", {})
    assert states() == [CommandState.PROPOSED]
    Command.objects.filter(pk=number).update(expires=timezone.now())
    with pytest.raises(api.CommandRefused):
        commanding.approve(actor(county, "things.*"), Command.objects.get().batch)
    assert (api.due_commands()[0], states()) == ([], [CommandState.TIMED_OUT])


def test_it_is_sent_again_until_the_device_says_something(county: County, east: Device) -> None:
    number = api.send_command(actor(county, "things.*"), "E", "set_interval", {"seconds": 60})
    for tries in (1, 2):
        assert [one.id for one in api.due_commands()[0]] == [number]
        assert Command.objects.get().tries == tries
        Command.objects.update(sent_at=timezone.now() - commanding.AGAIN_AFTER)
    at = timezone.now()
    said = [
        ("W", b'{"id": %d, "state": "done"}' % number, "the device got no command of that id", CommandState.SENT),
        ("E", b"nonsense", "an answer is {id, state}, its state acknowledged, done or failed", CommandState.SENT),
        ("E", b'{"id": %d, "state": "acknowledged"}' % number, "", CommandState.ACKNOWLEDGED),
        ("E", b'{"id": %d, "state": "failed", "result": "jammed"}' % number, "", CommandState.FAILED),
        ("E", b'{"id": %d, "state": "done"}' % number, "", CommandState.FAILED),
    ]
    for key, payload, why, then in said:
        assert (api.command_answered(key, payload, at), states()) == (why, [then])
    assert (api.due_commands()[0], Command.objects.get().answer) == ([], "jammed")


def test_it_is_asked_for_when_something_is_due_and_else_once_a_minute(
    county: County, east: Device, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(3):  # one, between BEGIN and COMMIT
        assert api.due_commands() == ([], 60.0)
    number = api.send_command(actor(county, "things.*"), "E", "set_interval", {"seconds": 60})
    outgoing, wait = api.due_commands()
    assert ([one.id for one in outgoing], wait) == ([number], 15.0)
    Command.objects.update(sent_at=timezone.now() - timedelta(seconds=5))
    assert 9 < api.due_commands()[1] <= 10
    Device.objects.update(is_enabled=False)
    assert api.due_commands() == ([], 60.0)
    Command.objects.update(expires=timezone.now() + timedelta(seconds=3))
    assert 2 < api.due_commands()[1] <= 3
    api.command_answered("E", b'{"id": %d, "state": "done"}' % number, timezone.now())
    assert api.due_commands() == ([], 60.0)


def test_what_is_for_an_edge_that_is_away_waits_and_an_edge_speaks_for_its_own_devices(
    county: County, east: Device, west: Device, settings: Any, tmp_path: Path
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, home=tmp_path)
    edges.keep(tmp_path, {"town1": edges.new("town1", county.pk, f"{county.pk}101")})
    who = actor(county, "things.*")
    numbers = [api.send_command(who, key, "set_interval", {"seconds": 60}) for key in ("E", "W")]
    outgoing, wait = api.due_commands(away={"town1"})
    assert ([(one.device, one.edge) for one in outgoing], 2 < wait <= 3) == ([("W", "")], True)
    rows = Command.objects.order_by("id").values_list("state", "held_by", "tries")
    assert list(rows) == [("queued", "town1", 0), ("sent", "", 1)]
    assert [(one.device, one.edge) for one in api.due_commands()[0]] == [("E", "town1")]
    said = b'{"id": %d, "state": "done"}'
    assert (
        api.command_answered("W", said % numbers[1], timezone.now(), "town1") == "the device got no command of that id"
    )
    assert list(rows.all()) == [("sent", "", 1), ("sent", "", 1)]
    assert api.command_answered("E", said % numbers[0], timezone.now(), "town1") == ""
    assert states() == [CommandState.DONE, CommandState.SENT]


def test_one_can_take_back_what_no_device_has_received(county: County, east: Device) -> None:
    who = actor(county, "things.*")
    number = api.send_command(who, "E", "set_interval", {"seconds": 60})
    batch = Command.objects.get().batch
    with pytest.raises(PermissionDenied):
        commanding.cancel(actor(county, "things.thing.view"), batch)
    assert (commanding.cancel(who, batch), states(), api.due_commands()[0]) == (1, [CommandState.CANCELLED], [])
    assert api.command_answered("E", b'{"id": %d, "state": "done"}' % number, timezone.now()) == ""
    assert states() == [CommandState.CANCELLED]


def test_what_a_device_answered_is_told_in_words(county: County, east: Device) -> None:
    who = person(county, "things.*")
    for result in ({"seconds": 60, "reason": "电量低", "volts": 11.2}, "好", None):
        number = api.send_command(access.actor(who), "E", "set_interval", {"seconds": 60})
        assert api.due_commands()[0]
        said = json.dumps({"id": number, "state": "done", "result": result}).encode()
        assert api.command_answered("E", said, timezone.now()) == ""
    told = [row["answer"] for row in browser(who).get("/things/commands/").context["rows"]]
    assert sorted(told) == ["", "volts: 11.2 · 原因: 电量低 · 秒: 60", "好"]


def test_the_pages_of_commands(county: County, east: Device, west: Device) -> None:
    one, two = browser(person(county, "things.*", username="one")), browser(person(county, "things.*", username="two"))
    sent = one.post(f"/things/{east.thing_id}/commands", {"name": "set_interval", "p-seconds": "60"}, follow=True)
    assert "命令已发出" in text(sent)
    bad = one.post(f"/things/{east.thing_id}/commands", {"name": "set_interval", "p-seconds": "soon"}, follow=True)
    assert "命令被拒绝" in text(bad)
    way = "lemonade.jug|set_interval"
    dry = one.get(f"/things/commands/new?way={way}")
    assert "2 台设备会收到，其中 2 台现在不在线" in text(dry)
    assert states() == [CommandState.QUEUED]
    one.post("/things/commands/new", {"way": way, "device": ["E", "W"], "p-seconds": "30"})
    batch = Command.objects.filter(state=CommandState.PROPOSED)[0].batch
    assert one.post(f"/things/commands/{batch}", {"decide": "approve"}).status_code == 403
    assert "同意并发送" not in text(one.get("/things/commands/"))
    assert "同意并发送" in text(two.get("/things/commands/"))
    two.post(f"/things/commands/{batch}", {"decide": "approve"})
    assert states() == [CommandState.QUEUED] * 3
    viewer = browser(person(county, "things.thing.view"))
    assert viewer.post(f"/things/{east.thing_id}/commands", {"name": "empty"}).status_code == 403
    assert viewer.get("/things/commands/new").status_code == 403
    assert len(states()) == 3


# -- credentials


def test_another_password_is_shown_once_and_only_to_who_may(county: County, east: Device) -> None:
    old = east.secret
    viewer = browser(person(county, "things.thing.view"))
    address = f"/things/{east.thing_id}"
    assert [viewer.post(f"{address}/{what}").status_code for what in ("password", "switch", "service")] == [403] * 3
    east.refresh_from_db()
    assert (east.secret, east.is_enabled) == (old, True)
    keeper = browser(person(county, "things.*"))
    page = keeper.post(f"{address}/password", {"kind": "digits"})
    assert (len(page.context["password"]), page.context["password"].isdigit()) == (6, True)
    east.refresh_from_db()
    assert east.secret != old
    assert page.context["password"] not in text(keeper.get(f"{address}/"))
    keeper.post(f"{address}/switch")
    east.refresh_from_db()
    assert east.is_enabled is False


# -- maintenance and service


def test_readings_made_during_maintenance_are_marked_and_told_to_no_rule(
    county: County, east: Device, run: Any
) -> None:
    keeper = browser(person(county, "things.*"))
    now = timezone.localtime()
    sent = {
        "starts": f"{now - timedelta(hours=2):%Y-%m-%dT%H:%M}",
        "ends": f"{now + timedelta(hours=1):%Y-%m-%dT%H:%M}",
    }
    keeper.post(f"/things/{east.thing_id}/maintenance", sent)  # no reason
    assert Maintenance.objects.count() == 0
    keeper.post(f"/things/{east.thing_id}/maintenance", {**sent, "reason": "换探头"})
    api.watch(Datastream.objects.values_list("pk", flat=True))
    run(
        commit(
            store.Batch(
                [
                    reading(east, "temperature", timedelta(hours=3), 20.0),
                    reading(east, "temperature", timedelta(hours=1), 21.0),
                ]
            )
        )
    )
    rows = Observation.objects.order_by("phenomenon_time").values_list("verdict", "reason")
    assert list(rows) == [(Verdict.GOOD, None), (Verdict.SUSPECT, {"rule": "maintenance"})]
    assert "维护期间的读数" in text(keeper.get(f"/things/{east.thing_id}/"))
    keeper.post(f"/things/maintenance/{Maintenance.objects.get().pk}/end")
    assert Maintenance.objects.get().ends <= timezone.now()


def test_service_is_kept_with_its_certificate_and_told_before_it_ends(county: County, east: Device) -> None:
    keeper = browser(person(county, "things.*"))
    until = timezone.localdate() + timedelta(days=10)
    sent = {
        "kind": "calibration", "at": f"{timezone.localtime() - timedelta(days=1):%Y-%m-%dT%H:%M}", "before": "7.3",
        "after": "7.0", "valid_until": f"{until}", "certificate": SimpleUploadedFile("c.pdf", b"%PDF-1.4 x"),
        "datastream": str(Datastream.objects.get(thing=east.thing, key="temperature").pk),
    }  # fmt: skip
    page = keeper.post(f"/things/{east.thing_id}/service", sent, follow=True)
    assert [part for part in ("7.3 → 7.0", "c.pdf", f"校准有效期至 {until}") if part not in text(page)] == []
    row = ServiceRecord.objects.get()
    assert keeper.get(f"/things/service/{row.pk}/certificate").content == b"%PDF-1.4 x"
    far = browser(person(county, "things.*", in_area="102"))
    assert far.get(f"/things/service/{row.pk}/certificate").status_code == 403
    keeper.post(f"/things/{east.thing_id}/service", {**sent, "certificate": "", "at": "2999-01-01T00:00"})
    assert ServiceRecord.objects.count() == 1


# -- how devices are


def kinds(device: Device) -> list[str]:
    device.refresh_from_db()
    return sorted(finding.kind for finding in health.look([device], device.county_id)[device.pk].findings)


def test_what_is_wrong_is_found(county: County, east: Device, west: Device, run: Any) -> None:
    assert kinds(east) == ["no-data"]
    Device.objects.update(last_seen=datetime.now(UTC))
    hours = [reading(east, "pressure", timedelta(hours=number), 100.0 + number % 3) for number in range(26)]
    run(commit(store.Batch(hours)))
    assert kinds(east) == []
    run(commit(store.Batch([reading(east, "pressure", -timedelta(minutes=1), 1010.0, Verdict.BAD)])))
    assert kinds(east) == ["unit"]
    run(commit(store.Batch(refused=[refused(east, "E") for _ in range(10)])))
    assert kinds(east) == ["refused", "unit"]
    Device.objects.filter(pk=east.pk).update(last_seen=datetime.now(UTC) - timedelta(hours=2))
    assert kinds(east) == ["no-data", "refused", "unit"]
    Device.objects.filter(pk=east.pk).update(is_enabled=False)
    assert kinds(east) == []


def test_a_clock_that_is_ahead_or_behind(county: County, east: Device, west: Device, run: Any) -> None:
    Device.objects.update(last_seen=datetime.now(UTC))
    ahead = [reading(east, "pressure", -timedelta(minutes=40) + timedelta(seconds=n), 1.0 + n) for n in range(5)]
    behind = [reading(west, "pressure", timedelta(minutes=190) + timedelta(seconds=n), 1.0 + n) for n in range(5)]
    run(commit(store.Batch(ahead + behind)))
    told = [health.look([one], county.pk)[one.pk].findings[0].what for one in Device.objects.order_by("key")]
    assert told == ["设备时钟快了约 40 分钟。", "数据到达时已过去约 3 小时。"]


def test_late_is_before_silent(county: County, east: Device) -> None:
    profile = {"properties": {"pressure": {"interval": "PT5M"}}}
    now = datetime.now(UTC)
    found = []
    for minutes in (10, 20, 70):
        east.last_seen = now - timedelta(minutes=minutes)
        found.append(health.state(east, profile, now))
    east.is_enabled = False
    assert (*found, health.state(east, profile, now)) == ("online", "late", "silent", "off")


def test_the_list_is_filtered_by_health_and_taken_away(county: County, east: Device, west: Device) -> None:
    Device.objects.filter(pk=west.pk).update(last_seen=datetime.now(UTC))
    client = browser(person(county, "things.thing.view"))

    def names(query: str) -> list[str]:
        return [row["thing"].name for row in client.get(f"/things/?{query}").context["rows"]]

    assert [names(q) for q in ("state=online", "state=silent", "problem=no-data", "problem=unit")] == [
        ["W号罐"], ["E号罐"], ["E号罐"], [],
    ]  # fmt: skip
    sheet = openpyxl.load_workbook(io.BytesIO(client.get("/things/stations.xlsx?state=silent").content)).active
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["名称", "E号罐"]
    near = browser(person(county, "things.thing.view", in_area="102"))
    sheet = openpyxl.load_workbook(io.BytesIO(near.get("/things/stations.xlsx").content)).active
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == ["名称", "W号罐"]


def test_online_rate_is_the_share_of_hours_since_the_first_reading(county: County, east: Device, run: Any) -> None:
    values = [reading(east, "pressure", timedelta(hours=number), 1.0 + number) for number in (8, 7, 6, 5)]
    run(commit(store.Batch(values)))
    assert health.rates([east.thing_id], timezone.now() - timedelta(days=1), timezone.now()) == {east.thing_id: 0.5}
    page = browser(person(county, "things.thing.view")).get("/things/rates/?by=profile")
    assert [(group["name"], group["number"], group["rates"]) for group in page.context["groups"]] == [
        ("水罐", 1, [50, 50, 50])
    ]
