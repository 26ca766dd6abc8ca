"""Who may read and write what: people of two towns, a device, a token, a session, nobody."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from tests.engines.things.sta.service import LOCATION, POINT, SENSOR, STREAM, THING, Service, World, basic, counts
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api, health
from shizhu.engines.things.models import Datastream, Device, Location, ObservedProperty, Sensor, Thing
from shizhu.kernel.models import County, Post, Token
from shizhu.site.asgi import application
from shizhu.web import authentication

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
ALL = ("things.*",)
KINDS = ("Things", "Datastreams", "Observations", "Locations", "Sensors", "ObservedProperties", "FeaturesOfInterest")


def test_without_login_nothing_is_told_and_nothing_made(closed: Service, towns: World) -> None:
    before = counts()
    person(towns.east.county, *ALL, username="dong")
    askers = [{}, basic("dong", "wrong"), basic("nobody"), {"authorization": "Bearer x"}, {"authorization": "Basic %%"},
              {"cookie": "sessionid=x"}, {"authorization": "Digest x"}]  # fmt: skip
    for asker in askers:
        answer = closed.be(asker).get("Things")
        assert (answer.status, answer.json["type"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert closed.be(asker).post("Things", THING, origin="http://localhost").status == 401
    assert counts() == before


def test_each_town_sees_its_own_things_and_what_hangs_on_them(closed: Service, towns: World, county: County) -> None:
    for stream in towns.streams:
        towns.observe(stream, 1)
    roof = Location.objects.create(name="roof", location=POINT)
    towns.west.locations.add(roof)
    Location.objects.create(name="free", location=POINT)
    Sensor.objects.create(name="spare", description="", metadata="")
    cold = towns.streams["cold"]
    person(county, "things.thing.view", username="dong", in_area="101")
    person(county, "things.thing.view", username="xi", in_area="102")
    person(county, "things.thing.view", username="all")
    person(county, "cases.case.view", username="none")
    seen = {
        name: [len(closed.be(basic(name)).get(f"{kind}?$count=true").value) for kind in KINDS]
        for name in ("dong", "xi", "all", "none")
    }
    assert seen == {
        "dong": [1, 2, 2, 1, 2, 2, 2], "xi": [1, 1, 1, 2, 2, 1, 1], "all": [2, 3, 3, 2, 2, 3, 3],
        "none": [0, 0, 0, 1, 1, 0, 0],
    }  # fmt: skip
    dong = closed.be(basic("dong"))
    for path in (f"Things({towns.west.pk})", f"Things({towns.west.pk})/name", f"Datastreams({cold.pk})/Observations",
                 f"Locations({roof.pk})", f"FeaturesOfInterest({cold.feature_id})/Observations"):  # fmt: skip
        assert dong.get(path).status == 404
    assert dong.get(f"Sensors({cold.sensor_id})/Datastreams?$count=true").json["@iot.count"] == 2
    assert len(dong.get("Sensors?$expand=Datastreams").value[0]["Datastreams"]) == 2
    assert dong.get("Sensors?$filter=Datastreams/Thing/name eq '西站'").value == []
    assert dong.get("Observations?$count=true&$orderby=phenomenonTime desc").json["@iot.count"] == 2


def test_a_right_is_needed_where_it_is_used(closed: Service, towns: World, county: County) -> None:
    person(county, "things.thing.view", username="reader")
    person(county, *ALL, username="dong", in_area="101")
    person(county, "things.thing.view", "things.observation.create", username="observer", in_area="101")
    before, cold, warm = counts(), towns.streams["cold"], towns.streams["warm"]
    shared = f"Sensors({warm.sensor_id})"
    tries = [
        ("reader", "POST", "Things", THING, 403), ("reader", "POST", "Sensors", SENSOR, 403),
        ("reader", "POST", f"Datastreams({warm.pk})/Observations", {"result": 1}, 403),
        ("reader", "POST", f"Things({towns.east.pk})/Locations", LOCATION, 403),
        ("reader", "PATCH", f"Things({towns.east.pk})", {"name": "x"}, 403),
        ("dong", "POST", f"Things({towns.west.pk})/Datastreams", STREAM, 404),
        ("dong", "POST", "Datastreams", {**STREAM, "Thing": {"@iot.id": towns.west.pk}}, 400),
        ("dong", "POST", "Observations", {"result": 1, "Datastream": {"@iot.id": cold.pk}}, 400),
        ("dong", "POST", "Locations", {**LOCATION, "Things": [{"@iot.id": towns.west.pk}]}, 400),
        ("dong", "PATCH", f"Things({towns.west.pk})", {"name": "x"}, 404),
        ("dong", "PATCH", shared, {"name": "x"}, 403),
        ("observer", "POST", "Things", {**THING, "Datastreams": [{**STREAM, "Observations": [{"result": 1}]}]}, 403),
        ("observer", "POST", f"Things({towns.east.pk})/Datastreams", STREAM, 403),
        ("observer", "POST", f"Datastreams({warm.pk})/Observations",
         {"result": 1, "FeatureOfInterest": {"name": "f", "description": "", "encodingType": "x", "feature": 1}}, 403),
    ]  # fmt: skip
    got = [(name, *what, closed.be(basic(name)).ask(*what).status) for name, *what, _ in tries]
    assert got == tries
    assert counts() == before
    assert closed.be(basic("observer")).post(f"Datastreams({warm.pk})/Observations", {"result": 1}).status == 201
    assert Sensor.objects.get(pk=warm.sensor_id).name == "probe"


def test_a_new_thing_belongs_where_its_maker_has_the_right(closed: Service, county: County) -> None:
    person(county, *ALL, username="dong", in_area="101", of="kitchen")
    made = Thing.objects.get(pk=closed.be(basic("dong")).post("Things", THING).id)
    assert (made.county, made.organisation, made.area) == (county, organisation(county, "kitchen"), area(county, "101"))


@pytest.fixture
def jug(county: County, towns: World) -> Device:
    wanted = api.Registration(
        "jug-1",
        "lemonade.jug",
        "一号水罐",
        organisation(county, "stand"),
        area(county, "101"),
        (100.2, 30.2),
        api.Origin.SIMULATED,
    )
    return api.register(wanted, "secret")[0]


def test_a_device_sends_to_its_own_datastreams_only(closed: Service, towns: World, jug: Device) -> None:
    own = Datastream.objects.get(thing=jug.thing, key="temperature").pk
    device, before = closed.be(basic("jug-1", "secret")), counts()
    tries = [
        ("POST", f"Datastreams({towns.streams['warm'].pk})/Observations", {"result": 1}, 404),
        ("POST", "Observations", {"result": 1, "Datastream": {"@iot.id": towns.streams["warm"].pk}}, 400),
        ("POST", "Things", THING, 403), ("POST", "Sensors", SENSOR, 403),
        ("POST", f"Things({jug.thing_id})/Datastreams", STREAM, 403),
        ("POST", "Observations", {"result": 1, "Datastream": {**STREAM, "Thing": {"@iot.id": jug.thing_id}}}, 403),
        ("POST", f"Datastreams({own})/Observations", {"result": 1, "FeatureOfInterest": {"@iot.id": 0}}, 400),
        ("PATCH", f"Things({jug.thing_id})", {"name": "x"}, 403),
        ("GET", f"Datastreams({own})/Observations", None, 403), ("GET", "", None, 403),
    ]  # fmt: skip
    assert [(*what, device.ask(*what).status) for *what, _ in tries] == tries
    assert counts() == before
    assert Device.objects.filter(key="jug-1", last_seen=None).exists()  # nothing of it was taken
    assert device.post(f"Datastreams({own})/Observations", {"result": 20}).status == 201
    seen = Device.objects.get(key="jug-1")
    assert (bytes(seen.last_packet or b""), health.state(seen, {"properties": {}}, datetime.now(UTC))) == (
        b'{"result":20}', "online"
    )  # fmt: skip
    assert device.post("Observations", {"result": 21, "Datastream": {"@iot.id": own}}).status == 201
    shown = Datastream.objects.get(pk=own).observations.values_list("result", "origin")
    assert sorted(shown) == [(20, api.Origin.SIMULATED), (21, api.Origin.SIMULATED)]
    assert closed.be(basic("jug-1", "wrong")).post(f"Datastreams({own})/Observations", {"result": 1}).status == 401
    Device.objects.update(is_enabled=False)
    assert device.post(f"Datastreams({own})/Observations", {"result": 1}).status == 401


def test_a_token_is_good_until_it_expires_or_is_revoked(closed: Service, towns: World, county: County) -> None:
    someone = person(county, "things.thing.view", username="dong", in_area="101")
    now = datetime.now(UTC)
    cases: dict[str, dict[str, Any]] = {
        "good": {}, "lasting": {"expires": now + timedelta(hours=1)}, "over": {"expires": now - timedelta(hours=1)},
        "revoked": {"revoked": now},
    }  # fmt: skip
    for secret, rest in cases.items():
        Token.objects.create(person=someone, name=secret, digest=hashlib.sha256(secret.encode()).hexdigest(), **rest)
    found = {secret: closed.be({"authorization": f"Bearer {secret}"}).get("Things").status for secret in cases}
    assert found == {"good": 200, "lasting": 200, "over": 401, "revoked": 401}


def test_a_session_reads_and_writes_only_from_our_own_pages(closed: Service, county: County) -> None:
    someone = person(county, *ALL, username="dong")
    client = Client()
    client.force_login(someone)
    cookie = {"cookie": f"a=b; sessionid={client.cookies['sessionid'].value}"}
    asker, before = closed.be(cookie), counts()
    assert asker.get("Things").status == 200
    for origin in ({}, {"origin": "http://evil.test"}, {"origin": "null"}, {"origin": "http://localhost.evil.test"}):
        assert asker.post("Things", THING, **origin).status == 403
    assert counts() == before
    assert asker.post("Things", THING, origin="http://localhost").status == 201
    someone.set_password("another horse")
    someone.save()
    authentication.forget()
    assert asker.get("Things").status == 401


def test_with_open_another_page_may_read_but_not_write(service: Service, county: County) -> None:
    before = counts()
    assert service.get("Things", origin="http://a.test").headers["access-control-allow-origin"] == "*"
    refused = service.post("Things", THING, origin="http://a.test")
    assert (refused.status, "access-control-allow-origin" in refused.headers) == (403, False)
    assert counts() == before
    assert service.post("Things", THING).status == 201


@pytest.mark.parametrize(
    "host", ["evil.test", "127.0.0.1.evil.test", "localhost.evil.test:8000", "192.168.1.2", "0.0.0.0"]
)
def test_with_open_a_name_that_was_made_to_lead_here_reads_and_writes_nothing(
    service: Service, county: County, host: str
) -> None:
    before = counts()
    for answer in (service.get("Things", host=host), service.post("Things", THING, host=host, origin=f"http://{host}")):
        assert answer.status == 401
    assert counts() == before
    person(county, *ALL, username="dong")
    assert service.be(basic("dong")).get("Things", host=host).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:8000", "localhost:8000", "LOCALHOST", "[::1]", "[::1]:8000"])
def test_with_open_this_machine_is_answered(service: Service, county: County, host: str) -> None:
    assert service.get("Things", host=host).status == 200


def test_without_open_no_other_page_may_read(closed: Service, county: County) -> None:
    person(county, *ALL, username="dong")
    answer = closed.be(basic("dong")).get("Things", origin="http://a.test")
    assert (answer.status, "access-control-allow-origin" in answer.headers) == (200, False)


def test_who_must_change_the_password_or_left_is_nobody(closed: Service, county: County) -> None:
    someone = person(county, *ALL, username="dong")
    assert closed.be(basic("dong")).get("Things").status == 200
    someone.must_change_password = True
    someone.save()
    assert closed.be(basic("dong")).get("Things").status == 200  # remembered for a few seconds
    authentication.forget()
    assert closed.be(basic("dong")).get("Things").status == 401
    someone.must_change_password, someone.is_active = False, False
    someone.save()
    assert closed.be(basic("dong")).get("Things").status == 401


def test_a_right_that_ends_is_gone_at_the_latest_after_five_seconds(
    closed: Service, towns: World, county: County, monkeypatch: Any
) -> None:
    person(county, *ALL, username="dong")
    dong = closed.be(basic("dong"))
    assert len(dong.get("Things").value) == 2
    Post.objects.all().delete()
    monkeypatch.setattr(authentication, "KEPT_SECONDS", -1.0)
    authentication.forget()
    assert dong.get("Things").value == []


def test_it_survives_a_restart_of_the_database(service: Service, towns: World) -> None:
    assert len(service.get("Things").value) == 2
    with psycopg.connect(settings.DATABASE_URL, autocommit=True) as other:
        ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        ours = f"{ended} WHERE application_name = 'sta' AND datname = %s"
        assert set(other.execute(ours, (connection.settings_dict["NAME"],))) == {(True,)}
    assert len(service.get("Things").value) == 2
    assert service.post("ObservedProperties", {"name": "a", "definition": "b", "description": "c"}).status == 201
    assert ObservedProperty.objects.filter(name="a").count() == 1


def test_it_is_mounted_beside_the_pages(closed: Service) -> None:
    mounted = replace(closed, app=application)
    told = "there is no /sta/v1.2: the service is /sta/v1.1 (or /sta/v1.0)"
    assert mounted.get("/sta/v1.2").fault == (404, told, None)
