"""Things, alarms and cases as collections of the OGC API: filtered, placed, paged, for whom they are, never written."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import mapbox_vector_tile
import pytest
from django.test import Client
from tests.engines.alarms.jugs import NOON, warm
from tests.fixtures import area, person
from tests.web.pages import browser

from shizhu.engines.alarms.models import Alarm
from shizhu.engines.cases import api as cases
from shizhu.engines.cases.models import Case
from shizhu.engines.maps import tiles
from shizhu.engines.things.models import Latest, Thing
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytest_plugins = ["tests.engines.records.stalls"]
pytestmark = pytest.mark.django_db
JUGS, ALARMS, ORDERS = "things.lemonade.jug", "alarms", "cases.lemonade.order"
LAST = NOON + timedelta(minutes=11)
HOME = {"host": "testserver", "origin": "http://testserver"}
ALL = (JUGS, ALARMS, ORDERS)
AT = {"type": "Point", "coordinates": [100.2, 30.2]}


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    """Two warm jugs, E in the east and W in the west, with an alarm each; a case of the eastern one and one of none."""
    tiles.shelf.clear()
    east, west = warm(county, "E", "101"), warm(county, "W", "102")
    for alarm in (east, west):
        times = dict.fromkeys(("first_time", "phenomenon_time", "last_end", "known_at"), LAST)
        Latest.objects.create(datastream_id=alarm.datastream, result=31.5, verdict=0, origin=1, **times)
    for title, town, cups in (("换冰", "101", 2), ("三杯", "102", 3)):
        wanted = cases.Opening("lemonade.order", title, area(county, town), {"title": title, "cups": cups})
        made = cases.open_case(wanted)
        if town == "101":
            Case.objects.filter(pk=made.pk).update(datastream=east.datastream, alarm=east.pk)
    return browser(Person.objects.get(username="root"))


def get(client: Client, path: str, status: int = 200, **given: Any) -> Any:
    answer = client.get(f"/ogc{path}?{urlencode({name.replace('_', '-'): value for name, value in given.items()})}")
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def found(client: Client, key: str, of: str, **given: Any) -> list[Any]:
    body = get(client, f"/collections/{key}/items", **given)
    return [one["properties"][of] for one in body["features"]]


def test_they_stand_beside_the_registers(client: Client) -> None:
    told = {one["id"]: one for one in get(client, "/collections")["collections"]}
    assert set(ALL) <= set(told)
    assert {key: told[key]["title"] for key in ALL} == {JUGS: "水罐", ALARMS: "告警", ORDERS: "订单"}
    for key in ALL:
        rels = {one["rel"].rpartition("/")[2] for one in told[key]["links"]}
        assert {"items", "schema", "queryables", "sortables", "tilesets-vector"} <= rels
    records = get(client, "/collections/catalogue/items", ids=",".join(ALL))
    assert [one["id"] for one in records["features"]] == sorted(ALL)


def test_a_thing_has_its_latest_values(client: Client) -> None:
    (jug,) = get(client, f"/collections/{JUGS}/items", filter="_key = 'E'")["features"]
    thing = Thing.objects.get(devices__key="E")
    assert (jug["id"], jug["geometry"]) == (str(thing.pk), AT)
    assert jug["properties"] == {
        "_name": "E号罐", "_state": "silent", "_observed": "2026-07-01T12:11:00.000000Z", "_key": "E",
        "temperature": 31.5, "temperature.time": "2026-07-01T12:11:00.000000Z", "temperature.verdict": "good",
        "_area": "990001101", "_organisation": "stand", "_simulated": True,
    }  # fmt: skip
    assert get(client, f"/collections/{JUGS}/items/{thing.pk}")["properties"] == jug["properties"]
    get(client, f"/collections/{JUGS}/items/E", 404)
    get(client, f"/collections/{JUGS}/items/{10**30}", 404)
    schema = get(client, f"/collections/{JUGS}/queryables")["properties"]
    assert schema["temperature"] == {
        "type": "number", "title": "温度", "x-ogc-unit": "Cel", "x-ogc-unitLang": "UCUM",
    }  # fmt: skip
    assert schema["temperature.verdict"]["enum"] == ["good", "suspect", "bad"]


def test_conditions_name_their_own_properties(client: Client) -> None:
    assert found(client, JUGS, "_key", filter="temperature > 31 AND temperature.verdict = 'good'") == ["E", "W"]
    assert found(client, JUGS, "_key", filter="temperature > 31.5") == []
    assert found(client, JUGS, "_key", sortby="-_key", properties="_key") == ["W", "E"]
    assert found(client, ALARMS, "station", filter="level = 'yellow' AND value >= 31.5", sortby="station") == [
        "E号罐", "W号罐",
    ]  # fmt: skip
    assert found(client, ALARMS, "station", filter="is_open = FALSE") == []
    assert found(client, ORDERS, "cups", filter="cups > 2") == [3]
    assert found(client, ORDERS, "cups", filter="from_alarm = TRUE") == [2]
    assert found(client, ORDERS, "cups", cups=3) == [3]


def test_free_text_of_a_case_is_not_told(client: Client) -> None:
    """The title is what its list shows; of the forms only what is chosen, counted, dated or pointed at."""
    names = set(get(client, f"/collections/{ORDERS}/schema")["properties"])
    assert {"cups", "make.sugar", "taste.good", "title", "number", "geometry"} <= names
    assert not {"make.photos", "description"} & names


def test_places_and_times(client: Client) -> None:
    near, far = "100.1,30.1,100.3,30.3", "101,31,102,32"
    assert len(found(client, JUGS, "_key", bbox=near)) == 2
    assert found(client, JUGS, "_key", bbox=far) == []
    assert found(client, JUGS, "_key", filter="S_INTERSECTS(geometry, POLYGON((101 31,102 31,102 32,101 31)))") == []
    assert found(client, ORDERS, "cups", filter="S_WITHIN(geometry, BBOX(100,30,101,31))") == [2]
    assert found(client, ORDERS, "cups", bbox=far) == [3]  # has no Thing, so no place: it is never left out
    assert len(found(client, ALARMS, "level", datetime="2026-07-01T12:00:00Z/..")) == 2
    assert found(client, ALARMS, "level", datetime="../2026-07-01T11:00:00Z") == []
    answer = client.get(f"/ogc/collections/{JUGS}/items", {"crs": "http://www.opengis.net/def/crs/EPSG/0/4490"})
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/EPSG/0/4490>"
    assert json.loads(answer.content)["features"][0]["geometry"]["coordinates"] == pytest.approx((30.2, 100.2))


def test_pages_join_without_a_gap(client: Client) -> None:
    one = get(client, f"/collections/{ALARMS}/items", limit=1)
    two = get(client, f"/collections/{ALARMS}/items", limit=1, offset=1)
    assert (one["numberMatched"], one["numberReturned"]) == (2, 1)
    assert {one["features"][0]["id"], two["features"][0]["id"]} == {
        str(pk) for pk in Alarm.objects.values_list("pk", flat=True)
    }


@pytest.mark.parametrize("key", ALL)
def test_they_are_tiles_too(client: Client, key: str) -> None:
    answer = client.get(f"/ogc/collections/{key}/tiles/WebMercatorQuad/0/0/0")
    assert answer.status_code == 200
    features = mapbox_vector_tile.decode(answer.content)[key]["features"]
    assert len(features) == {JUGS: 2, ALARMS: 2, ORDERS: 1}[key]


def test_a_tile_is_as_new_as_the_alarms(client: Client) -> None:
    path = f"/ogc/collections/{ALARMS}/tiles/WebMercatorQuad/0/0/0"
    before = client.get(path).headers["etag"]
    assert client.get(path).headers["etag"] == before
    Alarm.objects.filter(pk=Alarm.objects.first().pk).update(occurrences=7)
    assert client.get(path).headers["etag"] != before


@pytest.mark.parametrize("key", ALL)
def test_each_sees_what_is_theirs(county: County, client: Client, key: str) -> None:
    verb = {JUGS: "things.thing.view", ALARMS: "alarms.alarm.view", ORDERS: "cases.case.view"}[key]
    east, stranger = browser(person(county, verb, in_area="101")), browser(person(county, "maps.map.view"))
    assert get(client, f"/collections/{key}/items")["numberMatched"] == 2
    seen = get(east, f"/collections/{key}/items")
    assert [one["properties"]["_area"] for one in seen["features"]] == ["990001101"]
    every = {one["id"] for one in get(client, f"/collections/{key}/items")["features"]}
    for hidden in every - {seen["features"][0]["id"]}:
        get(east, f"/collections/{key}/items/{hidden}", 404)
    get(stranger, f"/collections/{key}/items", 404)
    assert stranger.get(f"/ogc/collections/{key}/tiles/WebMercatorQuad/0/0/0").status_code == 404


@pytest.mark.parametrize("key", ALL)
def test_nobody_writes_them_and_is_told_why(client: Client, key: str) -> None:
    path = f"/ogc/collections/{key}/items"
    before = get(client, f"/collections/{key}/items")["features"]
    feature = {"type": "Feature", "geometry": None, "properties": {}}
    for method, where in (
        ("post", path), ("put", f"{path}/{before[0]['id']}"), ("patch", f"{path}/{before[0]['id']}"),
        ("delete", f"{path}/{before[0]['id']}"),
    ):  # fmt: skip
        answer = getattr(client, method)(where, feature, content_type="application/geo+json", headers=HOME)
        assert answer.status_code == 405
        assert json.loads(answer.content)["detail"].startswith(f"{key}: 只读：")
    assert get(client, f"/collections/{key}/items")["features"] == before
    written = {
        name
        for name, item in get(client, "/api")["paths"].items()
        if f"/{key}/" in name and {*item} & {"post", "put", "patch", "delete"}
    }
    assert written == set()


@pytest.mark.parametrize("key", ALL)
def test_they_are_pages(client: Client, key: str) -> None:
    shown = client.get(f"/ogc/collections/{key}/items", {"f": "html"}).content.decode()
    assert {JUGS: "E号罐", ALARMS: "W号罐", ORDERS: "换冰"}[key] in shown
    assert "label-simulated" in shown or key == ORDERS
    first = get(client, f"/collections/{key}/items")["features"][0]["id"]
    page = client.get(f"/ogc/collections/{key}/items/{first}", {"f": "html"})
    assert page.status_code == 200
