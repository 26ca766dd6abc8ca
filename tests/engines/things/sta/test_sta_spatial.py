"""`$filter` in space: predicates and measures over locations, features and observed areas; `any`, `all`, `in`."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from shapely import from_wkt
from shapely.geometry import mapping
from tests.engines.things.sta.service import Service, World

from shizhu.engines.things.models import FeatureOfInterest, Location, Thing
from shizhu.kernel.fields import BoxField, box_of

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]

PLACES = {
    "dot": "POINT (1 1)",
    "edge": "POINT (2 1)",
    "far": "POINT (9 9)",
    "line": "LINESTRING (0 1, 4 1)",
    "small": "POLYGON ((0.5 0.5, 1.5 0.5, 1.5 1.5, 0.5 1.5, 0.5 0.5))",
    "wide": "POLYGON ((1 0, 5 0, 5 2, 1 2, 1 0))",
}
SQUARE = "geography'POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))'"
FILTERS = {
    f"st_within(location,{SQUARE})": ["dot", "small"],
    f"st_contains({SQUARE},location)": ["dot", "small"],
    "st_contains(location,geography'POINT(1.2 1.2)')": ["small", "wide"],
    f"st_touches(location,{SQUARE})": ["edge"],
    f"st_overlaps(location,{SQUARE})": ["wide"],
    f"st_crosses(location,{SQUARE})": ["line"],
    f"st_disjoint(location,{SQUARE})": ["far"],
    f"st_intersects(location,{SQUARE})": ["dot", "edge", "line", "small", "wide"],
    f"geo.intersects(location,{SQUARE})": ["dot", "edge", "line", "small", "wide"],
    "st_equals(location,geography'POINT(1 1)')": ["dot"],
    "st_equals(location,geography'SRID=4326;POINT(1 1)')": ["dot"],
    f"st_relate(location,{SQUARE},'T*F**F***')": ["dot", "small"],
    f"st_relate(location,{SQUARE},'FF*FF****')": ["far"],
    f"st_within(location,{SQUARE}) or name eq 'far'": ["dot", "far", "small"],
    f"not st_intersects(location,{SQUARE})": ["far", "text"],
    f"not st_within(location,{SQUARE}) and st_intersects(location,{SQUARE})": ["edge", "line", "wide"],
    f"st_within(location,{SQUARE}) eq false and name ne 'text'": ["edge", "far", "line", "wide"],
    "geo.distance(location,geography'POINT(2 1)') lt 1": ["edge", "line", "small", "wide"],
    "geo.distance(location,geography'POINT(2 1)') le 1": ["dot", "edge", "line", "small", "wide"],
    "geo.distance(location,geography'POINT(2 1)') gt 1": ["far"],
    "geo.distance(geography'POINT(2 1)',location) ge 1": ["dot", "far"],
    "geo.distance(location,geography'POINT(1 1)') eq 0": ["dot", "line", "small", "wide"],
    "geo.distance(location,geography'POINT(1 1)') mul 2 lt 2.5 and name eq 'edge'": ["edge"],
    "not (geo.distance(location,geography'POINT(2 1)') gt 1)": ["dot", "edge", "line", "small", "text", "wide"],
    "geo.length(location) eq 4": ["line", "small"],
    "geo.length(location) lt 4": ["dot", "edge", "far"],
    "geo.length(location) eq geo.length(geography'LINESTRING (0 0, 4 0)')": ["line", "small"],
    "geo.length(geography'LINESTRING (0 0, 3 4)') eq 5 and name eq 'dot'": ["dot"],
    "geo.length(geography'LINESTRING (0 0, 3 4)') gt 5": [],
    "geo.distance(geography'POINT(0 0)',geography'POINT(3 4)') le 5 and name eq 'far'": ["far"],
    "geo.distance(location,geography'POINT(2 1)') lt geo.length(geography'LINESTRING (0 0, 1 0)')": [
        "edge",
        "line",
        "small",
        "wide",
    ],
    f"st_within(geography'POINT(1 1)',{SQUARE}) and name eq 'dot'": ["dot"],
    f"not st_within(geography'POINT(1 1)',{SQUARE})": [],
    f"st_relate({SQUARE},geography'POINT(9 9)','FF*FF****') and name eq 'far'": ["far"],
}
FAULTS = {
    "st_within(location,geography'POINT(1)')": ("$filter: 'POINT(1)' is not possible: it must be WKT", 19),
    "st_within(location,geography'POINT(30 106)')": ("$filter: 'POINT(30 106)' is not possible: longitude", 19),
    "st_within(location,geography'POINT EMPTY')": ("$filter: 'POINT EMPTY' is not possible: an empty geometry", 19),
    "st_within(name,geography'POINT(1 1)')": ("$filter: name is no geometry: location, feature and", 10),
    "st_within(location,location)": ("$filter: st_within takes one geometry of the entities", 0),
    "st_within(location)": ("$filter: st_within takes 2 arguments, not 1", 0),
    "st_relate(location,geography'POINT(1 1)','TTT')": ("$filter: a DE-9IM pattern has nine of", 41),
    "st_nearby(location,geography'POINT(1 1)')": ("$filter: no function 'st_nearby'", 0),
    "geo.distance(location,geography'POINT(1 1)')": ("$filter: a condition is needed here, and this is a number", 0),
    "Things/any(t:t/nam eq 'x')": ("$filter: Thing has no 'nam'", 15),
    "name/any(t:t/nam eq 'x')": ("$filter: Location has no collection 'name'", 0),
    "Things/any(t:u/name eq 'x')": ("$filter: Location has no 'u'", 13),
    "Things/all()": ("$filter: ')' is not expected here", 11),
}


@pytest.fixture
def places(towns: World) -> World:
    for name, wkt in PLACES.items():
        found = from_wkt(wkt)
        Location.objects.create(name=name, location=mapping(found), box=box_of(found))
    Location.objects.create(name="text", encoding_type="text/plain", location="by the river")
    return towns


def names(service: Service, path: str) -> list[str]:
    return sorted(service.get(path).all("name"))


def test_every_function_of_space(service: Service, places: World) -> None:
    assert {text: names(service, f"Locations?$filter={text}") for text in FILTERS} == FILTERS
    counted = service.get(f"Locations?$count=true&$top=1&$filter=not st_intersects(location,{SQUARE})").json
    assert (counted["@iot.count"], len(counted["value"])) == (2, 1)
    assert len(service.get(counted["@iot.nextLink"]).value) == 1


def test_what_comes_later_is_found_by_the_same_question(service: Service, places: World) -> None:
    query = f"Locations?$filter=st_within(location,{SQUARE})"
    assert names(service, query) == ["dot", "small"]
    Location.objects.filter(name="dot").delete()
    assert names(service, query) == ["small"]


def test_over_navigation_and_for_features_and_areas(service: Service, places: World) -> None:
    places.east.locations.add(Location.objects.get(name="dot"))
    places.west.locations.add(Location.objects.get(name="far"))
    assert names(service, f"Things?$filter=st_within(Locations/location,{SQUARE})") == ["东站"]
    assert names(service, f"Datastreams?$filter=st_within(Thing/Locations/location,{SQUARE})") == ["warm", "wet"]
    inside = FeatureOfInterest.objects.create(name="bay", feature={"type": "Feature", "properties": {"a": [7, 7]},
        "geometry": {"type": "Point", "coordinates": [1, 1]}})  # fmt: skip
    near = places.observe("warm", 1, feature=inside)
    places.observe("warm", 2)
    query = f"Observations?$filter=st_within(FeatureOfInterest/feature,{SQUARE})"
    assert service.get(query).all("@iot.id") == [near.id]
    assert names(service, f"FeaturesOfInterest?$filter=st_within(feature,{SQUARE})") == ["bay"]
    places.streams["wet"].observed_area = mapping(from_wkt(PLACES["small"]))
    places.streams["wet"].save()
    assert names(service, f"Datastreams?$filter=st_within(observedArea,{SQUARE})") == ["wet"]
    expanded = service.get(f"Things?$expand=Locations($filter=st_within(location,{SQUARE});$select=name)").value
    assert [row["Locations"] for row in expanded] == [[{"name": "dot"}], []]


def test_any_and_all_of_a_collection(service: Service, places: World) -> None:
    for number in range(3):
        places.observe("warm", number)
    places.observe("wet", 9)
    Thing.objects.create(
        name="empty", county=places.east.county, organisation=places.east.organisation, area=places.east.area
    )
    cases = {
        "Datastreams/any(d:d/name eq 'warm')": ["东站"],
        "Datastreams/any(d:d/name eq 'warm') and Datastreams/any(d:d/name eq 'wet')": ["东站"],
        "Datastreams/any(d:d/name eq 'warm' and d/name eq 'wet')": [],
        "not Datastreams/any(d:d/name eq 'warm')": ["empty", "西站"],
        "Datastreams/any()": ["东站", "西站"],
        "not Datastreams/any()": ["empty"],
        "Datastreams/all(d:d/name eq 'cold')": ["empty", "西站"],
        "Datastreams/all(d:d/Sensor/name eq 'probe')": ["empty", "东站", "西站"],
        "Datastreams/any(d:d/Observations/any(o:o/result gt 8))": ["东站"],
        "Datastreams/any(d:d/Observations/any(o:o/result gt 8) and d/name eq 'warm')": [],
        "Datastreams/any(d:d/Observations/all(o:o/result lt 5 and d/name eq 'warm'))": ["东站", "西站"],
        "Datastreams/any(d:d/Observations/any() and d/Observations/all(o:o/result lt 5))": ["东站"],
        "Datastreams/any(d:d/name eq 'cold' or name eq '东站')": ["东站", "西站"],
        "Datastreams/any(d:contains(d/name,'w') and d/Thing/name eq name)": ["东站"],
        "name in ('东站')": ["东站"],
        "name in ('东站','empty')": ["empty", "东站"],
        "not (name in ('东站', 'empty'))": ["西站"],
        "length(name) in (2)": ["东站", "西站"],
    }
    assert {text: names(service, f"Things?$filter={text}") for text in cases} == cases
    of_east = service.get("Observations?$filter=Datastream/Thing/Datastreams/any(d:d/name eq 'wet')").all("result")
    assert sorted(of_east) == [0, 1, 2, 9]


def test_faults_name_the_place(service: Service, places: World) -> None:
    answers = {text: service.get(f"Locations?$filter={text}").fault for text in FAULTS}
    cut = {text: (said[: len(FAULTS[text][0])], at) for text, (_, said, at) in answers.items()}
    assert cut == FAULTS
    assert {code for code, _, _ in answers.values()} == {400}


@pytest.mark.parametrize("wkt", [*PLACES.values(), "GEOMETRYCOLLECTION (POINT (1 1), LINESTRING (2 3, -4 5))"])
def test_the_box_of_geojson_is_that_of_shapely(db: Any, wkt: str) -> None:
    found = from_wkt(wkt)
    with connection.cursor() as cursor:
        cursor.execute("SELECT things_box(%s::jsonb)::text", [json.dumps(mapping(found))])
        text = cursor.fetchone()[0]
    assert BoxField().from_db_value(text) == found.bounds
