"""Devices from a table, labels, claiming on the spot, the assistant that connects one."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.utils import timezone
from tests.engines.things.test_things_pages import commit, reading
from tests.fixtures import person
from tests.web.pages import browser, table, text

from shizhu.engines.things import store
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import Device, ServiceRecord, Thing
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
PROFILE = "lemonade.jug"


def check(client: Any, *rows: tuple[Any, ...]) -> HttpResponse:
    return client.post("/things/import/", {"profile": PROFILE, "table": table(("设备号",), *rows)})


def sheet(response: Any) -> list[tuple[Any, ...]]:
    found = openpyxl.load_workbook(io.BytesIO(response.content)).active
    assert found
    return list(found.iter_rows(values_only=True))


def test_the_template_has_what_a_profile_needs(county: County) -> None:
    client = browser(person(county, "things.*"))
    heads = sheet(client.get(f"/things/import/?profile={PROFILE}&as=template"))[0]
    assert heads == ("设备号", "名称", "乡镇", "主管单位", "经度", "纬度", "密码（空则自动生成）")


def test_a_wrong_row_makes_nothing_and_is_told_by_column(county: County) -> None:
    client = browser(person(county, "things.*"))
    page = check(
        client, ("jug 1", "一号", "东镇", "stand", 100.2, 30.2), ("jug-2", "", "火星", "stand"),
        ("jug-3", "三号", "东镇", "", 500, 30), ("jug-3", "四号", "东镇"),
    )  # fmt: skip
    assert [(one.row, one.column) for one in page.context["problems"]] == [
        (2, "设备号"), (3, "名称"), (3, "乡镇"), (4, "经度"), (5, "设备号"),
    ]  # fmt: skip
    assert "checked" not in page.context
    assert Device.objects.count() == 0


def test_rows_in_order_are_made_and_their_passwords_given_once(county: County) -> None:
    client = browser(person(county, "things.*"))
    page = check(client, ("jug-1", "一号", "东镇", "stand", 100.2, 30.2), ("jug-2", "二号", "", "", "", "", "123456"))
    assert (page.context["number"], Device.objects.count()) == (2, 0)
    made = client.post("/things/import/", {"profile": PROFILE, "checked": page.context["checked"]})
    _heads, one, two = sheet(made)
    assert (one[:2], two) == (("jug-1", "一号"), ("jug-2", "二号", "123456"))
    secrets = dict(Device.objects.values_list("key", "secret"))
    assert secrets == {"jug-1": digest(str(one[2])), "jug-2": digest("123456")}
    again = client.post("/things/import/", {"profile": PROFILE, "checked": page.context["checked"]}, follow=True)
    assert ("未登记任何设备" in text(again), Device.objects.count()) == (True, 2)
    client.post("/things/import/", {"profile": PROFILE, "checked": f"{page.context['checked']}x"})
    assert Device.objects.count() == 2


def test_nobody_registers_where_they_have_no_right(county: County) -> None:
    near = browser(person(county, "things.*", in_area="102"))
    page = check(near, ("jug-1", "一号", "东镇"))
    assert [one.rule for one in page.context["problems"]] == ["您无权在该处登记设备"]
    viewer = browser(person(county, "things.thing.view"))
    assert [viewer.get(f"/things/{what}/").status_code for what in ("import", "labels", "connect")] == [403] * 3
    assert Device.objects.count() == 0


def test_a_device_that_waits_is_off_until_it_is_claimed_on_the_spot(county: County) -> None:
    client = browser(person(county, "things.*"))
    page = check(client, ("jug-1", "一号", "东镇"))
    client.post("/things/import/", {"profile": PROFILE, "checked": page.context["checked"], "waiting": "1"})
    device = Device.objects.get()
    assert device.is_enabled is False
    labels = client.get("/things/labels/")
    assert ("jug-1" in text(labels), len(labels.context["labels"])) == (True, 1)
    address = f"/things/claim/{device.claim}/"
    far = browser(person(county, "things.*", in_area="102"))
    sent = {"name": "桥头一号", "longitude": "100.25", "latitude": "30.25"}
    assert far.post(address, sent).status_code == 403
    client.post(address, {**sent, "latitude": "x"})
    device.refresh_from_db()
    assert device.is_enabled is False
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 20
    assert client.post(address, {**sent, "photo": SimpleUploadedFile("p.png", png)}).status_code == 302
    device.refresh_from_db()
    thing = Thing.objects.get()
    place = thing.locations.get().location["coordinates"]
    assert (device.is_enabled, device.claim, thing.name, place) == (True, None, "桥头一号", [100.25, 30.25])
    record = ServiceRecord.objects.get()
    assert (record.kind, record.certificate and record.certificate.name) == ("installation", "p.png")
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("protocol", "parts"),
    [
        ("mqtt", ("mosquitto_pub -h testserver", "d/jug-9/telemetry", '"temperature"', "paho.mqtt")),
        ("http", ("curl -i -u jug-9:", "/sta/v1.1/Datastreams(")),
        ("hj212", ("MN=jug-9", "ST=21")),
    ],
)
def test_the_assistant_ends_with_the_first_reading(
    county: County, run: Any, protocol: str, parts: tuple[str, ...]
) -> None:
    client = browser(person(county, "things.*"))
    sent = {
        "profile": PROFILE, "key": "jug-9", "name": "九号", "area": f"{county.pk}101", "organisation": "stand",
        "protocol": protocol,
    }  # fmt: skip
    page = client.post("/things/connect/", sent)
    device = Device.objects.get()
    password = page.context["password"]
    assert device.secret == digest(password)
    told = "\n".join(example for _title, example in page.context["examples"])
    assert [part for part in (*parts, password) if part not in told] == []
    assert "正在等待第一条读数" in text(page)
    part = f"/things/{device.thing_id}/first"
    assert "hx-trigger" in client.get(part).content.decode()
    device.quarantine.create(
        received=timezone.now(), protocol="mqtt", sender="jug-9", payload=b"{}", field="temperature", value="warm",
        rule="a result of this property must be a number",
    )  # fmt: skip
    assert "warm · 这个属性的结果须为数字" in client.get(part).content.decode()
    run(commit(store.Batch([reading(device, "temperature", timedelta(minutes=1), 21.5)])))
    seen = client.get(part).content.decode()
    assert [words in seen for words in ("hx-trigger", "已收到第一条读数", "21.5")] == [False, True, True]
    assert password not in client.get(f"/things/{device.thing_id}/connected/").content.decode()


def test_a_taken_key_is_not_registered_again(county: County) -> None:
    client = browser(person(county, "things.*"))
    sent = {
        "profile": PROFILE, "key": "jug-9", "name": "九号", "area": f"{county.pk}101", "organisation": "stand",
        "protocol": "mqtt",
    }  # fmt: skip
    client.post("/things/connect/", sent)
    secret = Device.objects.get().secret
    assert "设备号已被占用" in text(client.post("/things/connect/", {**sent, "name": "别的"}))
    assert (Device.objects.get().secret, Thing.objects.get().name) == (secret, "九号")


def test_the_developers_page_has_the_addresses_of_this_installation(county: County) -> None:
    page = browser(person(county, "things.thing.view")).get("/things/developer/")
    told = "\n".join(step.text for step in (*page.context["steps"], *page.context["protocols"]))
    assert [
        part for part in ("http://testserver/sta/v1.1/Things", "-h testserver -p ", "cmd/KEY/ack") if part not in told
    ] == []
    assert [
        step.text for step in page.context["steps"] if "/Observations" in step.text and "%20desc" not in step.text
    ] == []
    assert browser(person(county, "cases.*")).get("/things/developer/").status_code == 403
