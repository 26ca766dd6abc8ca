"""The map's data: outline and towns with where they come from, and of each layer only what one may see."""

from __future__ import annotations

import json
from typing import Any

import pytest
import shapely
from tests.engines.alarms.jugs import warm
from tests.fixtures import area, person
from tests.web.pages import browser

from shizhu.engines.alarms.models import Alarm
from shizhu.engines.cases import api as cases
from shizhu.engines.things.models import Location, Thing
from shizhu.kernel.models import Area, County

pytestmark = pytest.mark.django_db
VERBS = ("maps.*", "things.*", "alarms.*", "cases.*")
LAYERS = ("lemonade.jugs", "lemonade.alarms", "lemonade.orders")


@pytest.fixture
def alarms(county: County) -> list[Alarm]:
    return [warm(county, "E", "101"), warm(county, "W", "102")]


def features(client: Any, key: str) -> list[dict[str, Any]]:
    answer = client.get(f"/map/layers/{key}.geojson")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/geo+json")
    body = json.loads(answer.content)
    assert body["type"] == "FeatureCollection"
    return [{**feature["properties"], "geometry": feature["geometry"]} for feature in body["features"]]


def test_the_page_has_the_layers_and_says_where_its_shapes_come_from(county: County) -> None:
    Area.objects.filter(code=county.pk).update(provenance={"source": "somebody's outline", "datum": "unknown"})
    page = browser(person(county, *VERBS)).get("/map/")
    assert [layer["key"] for layer in page.context["layers"]] == [
        "lemonade.alarms", "lemonade.tools", "lemonade.jugs", "lemonade.orders",
    ]  # fmt: skip
    source = "县界：somebody&#x27;s outline (坐标基准未注明) · 乡镇范围为示意（按近似位置划分，非实测界线）"
    assert page.content.decode().count(source) == 2


def test_areas_say_what_is_synthetic_in_both_languages(county: County) -> None:
    box = shapely.box(100, 30, 100.5, 31)
    provenance = {"source": "synthetic", "point": [100.2, 30.5]}
    Area.objects.filter(code=f"{county.pk}101").update(geometry=box, provenance=provenance, name_en="East Town")
    who = person(county, *VERBS)
    Area.objects.filter(code=f"{county.pk}102").update(geometry=box)
    for language, name in (("zh-hans", "东镇"), ("en", "East Town")):
        body = json.loads(browser(who, language).get("/map/areas.geojson").content)
        assert [feature["properties"] for feature in body["features"]] == [
            {"level": "county", "name": "甲县", "synthetic": False, "point": None},
            {"level": "town", "name": name, "synthetic": True, "point": [100.2, 30.5]},
            {"level": "town", "name": "西镇", "synthetic": False, "point": None},
        ]


def test_layers_hold_what_one_may_see(county: County, alarms: list[Alarm]) -> None:
    for code, title in (("101", "东边的"), ("102", "西边的")):
        cases.open_case(cases.Opening("lemonade.order", title, area(county, code), {"title": title}))
    Area.objects.filter(county=county, level="town").update(geometry=shapely.box(100, 30, 100.5, 31))
    wide, east = browser(person(county, *VERBS)), browser(person(county, *VERBS, in_area="101"))
    seen = {key: [len(features(client, key)) for client in (wide, east)] for key in LAYERS}
    assert seen == {"lemonade.jugs": [2, 1], "lemonade.alarms": [2, 1], "lemonade.orders": [2, 1]}
    only_map = browser(person(county, "maps.map.view"))
    assert [features(only_map, key) for key in LAYERS] == [[], [], []]


def test_a_location_may_be_a_feature_or_no_place_on_a_map(county: County, alarms: list[Alarm]) -> None:
    client = browser(person(county, *VERBS))
    place = Location.objects.get(things__name="E号罐")

    def seen(encoding: str, location: Any) -> list[tuple[str, list[float]]]:
        Location.objects.filter(pk=place.pk).update(encoding_type=encoding, location=location)
        found = features(client, "lemonade.jugs")
        return sorted((jug["name"], jug["geometry"]["coordinates"]) for jug in found)

    other = ("W号罐", [100.2, 30.2])
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": [100.3, 30.3, 812]}}
    assert seen("application/geo+json", feature) == [("E号罐", [100.3, 30.3]), other]
    assert seen("application/vnd.geo+json", feature["geometry"]) == [("E号罐", [100.3, 30.3]), other]
    assert seen("text/plain", "在村口") == [other]
    assert seen("text/plain", {"type": "Point", "coordinates": ["村口"]}) == [other]
    area_ = {"type": "Polygon", "coordinates": [[[100, 30], [101, 30], [101, 31], [100, 30]]]}
    assert seen("application/geo+json", area_) == [other]
    assert len(features(client, "lemonade.alarms")) == 1


def test_what_is_told_of_a_feature(county: County, alarms: list[Alarm]) -> None:
    client = browser(person(county, *VERBS, in_area="101"))
    (jug,), (alarm,) = features(client, "lemonade.jugs"), features(client, "lemonade.alarms")
    assert {name: jug[name] for name in ("name", "town", "simulated", "source", "url")} == {
        "name": "E号罐", "town": "东镇", "simulated": True, "source": "水罐 E",
        "url": f"/things/{Thing.objects.get(name='E号罐').pk}/",
    }  # fmt: skip
    assert [(value["title"], value["unit"], value["value"]) for value in jug["values"]] == [
        ("温度", "℃", None), ("液位", "cm", None), ("压力", "kPa", None),
    ]  # fmt: skip
    assert {name: alarm[name] for name in ("name", "where", "level", "text", "origin", "url")} == {
        "name": "柠檬水太热", "where": "E号罐", "level": "yellow", "text": "31.5 ℃ (≤ 30)", "origin": 1,
        "url": f"/alarms/{alarms[0].pk}/",
    }  # fmt: skip
    assert alarm["geometry"] == {"type": "Point", "coordinates": [100.2, 30.2]}


def test_without_the_right_there_is_no_map(county: County) -> None:
    stranger, reader = browser(person(county, "things.*")), browser(person(county, *VERBS))
    addresses = ["/map/", "/map/areas.geojson", "/map/layers/lemonade.jugs.geojson"]
    assert [stranger.get(address).status_code for address in addresses] == [403] * 3
    assert reader.get("/map/layers/lemonade.nothing.geojson").status_code == 404
