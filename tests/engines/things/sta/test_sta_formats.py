"""`$resultFormat`, `$asOf`, `/$count` and paths into JSON properties."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import Any

import pytest
from tests.engines.things.sta.service import NOON, POINT, ROOT, UNIT, Answer, Service, World

from shizhu.engines.things.models import Location

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]


def table(answer: Answer) -> list[list[str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.reader(io.StringIO(answer.body.decode())))


def test_a_data_array_groups_observations_by_datastream(service: Service, towns: World) -> None:
    made = [towns.observe("warm", number, verdict=2 * number) for number in range(2)] + [towns.observe("cold", 5)]
    warm, cold = towns.streams["warm"].pk, towns.streams["cold"].pk
    found = service.get("Observations?$resultFormat=dataArray&$count=true").json
    times = [f"2026-07-01T12:0{number}:00Z" for number in (0, 1, 5)]
    names = ["id", "phenomenonTime", "resultTime", "result", "resultQuality"]
    assert found == {
        "@iot.count": 3,
        "value": [
            {
                "Datastream@iot.navigationLink": f"{ROOT}/Datastreams({warm})", "components": names,
                "dataArray@iot.count": 2,
                "dataArray": [
                    [made[0].id, times[0], None, 0, None], [made[1].id, times[1], None, 1, {"verdict": "bad"}],
                ],
            },
            {
                "Datastream@iot.navigationLink": f"{ROOT}/Datastreams({cold})", "components": names,
                "dataArray@iot.count": 1, "dataArray": [[made[2].id, times[2], None, 5, None]],
            },
        ],
    }  # fmt: skip
    few = f"Datastreams({warm})/Observations?$resultFormat=dataArray&$select=result,phenomenonTime&$top=1"
    first = service.get(few).json
    assert first["value"][0]["components"] == ["phenomenonTime", "result"]
    assert first["value"][0]["dataArray"] == [[times[0], 0]]
    second = service.get(first["@iot.nextLink"]).json
    assert second["value"][0]["dataArray"] == [[times[1], 1]]
    assert "@iot.nextLink" not in second
    assert service.get("Observations?$resultFormat=dataArray&$filter=result gt 99").json == {"value": []}


def test_csv_has_a_column_for_each_property(service: Service, towns: World) -> None:
    for number in range(3):
        towns.observe("warm", number)
    towns.observe("warm", 3, result_json=["a,b", True], result=None)
    first = service.get("Observations?$resultFormat=csv&$select=result,phenomenonTime&$top=3")
    assert table(first) == [["phenomenonTime", "result"], *([f"2026-07-01T12:0{n}:00Z", str(n)] for n in range(3))]
    link = first.headers["link"]
    second = service.get(link.partition(">")[0].removeprefix("<"))
    assert table(second)[1:] == [["2026-07-01T12:03:00Z", '["a,b",true]']]
    assert "link" not in second.headers
    query = "$select=name&$expand=Datastreams($select=name;$expand=Sensor($select=name)),Locations($select=name)"
    assert table(service.get(f"Things?$resultFormat=csv&{query}")) == [
        ["name", "Datastreams/name", "Datastreams/Sensor/name"],
        ["东站", "warm", "probe"], ["东站", "wet", "probe"], ["西站", "cold", "probe"],
    ]  # fmt: skip
    one = table(service.get(f"Datastreams({towns.streams['warm'].pk})?$resultFormat=csv&$select=id,unitOfMeasurement"))
    assert one[0] == ["id", "unitOfMeasurement"]
    assert one[1][0] == str(towns.streams["warm"].pk)
    assert table(service.get("Locations?$resultFormat=csv")) == [[]]


def test_geojson_has_the_first_geometry_and_flat_properties(service: Service, towns: World) -> None:
    place = Location.objects.create(name="roof", location={"type": "Feature", "geometry": POINT, "properties": {}})
    towns.east.locations.add(place)
    answer = service.get("Locations?$resultFormat=GeoJSON&$count=true")
    assert answer.headers["content-type"] == "application/geo+json"
    told = {"id": place.pk, "name": "roof", "description": "", "encodingType": "application/geo+json"}
    assert answer.json == {
        "type": "FeatureCollection", "@iot.count": 1,
        "features": [{"id": place.pk, "type": "Feature", "geometry": POINT, "properties": told}],
    }  # fmt: skip
    query = "$select=name,properties&$expand=Locations($select=location),Datastreams($select=name)&$top=1"
    first = service.get(f"Things?$resultFormat=GeoJSON&{query}").json
    assert first["features"] == [
        {
            "type": "Feature", "geometry": POINT,
            "properties": {
                "name": "东站", "properties/owner": "alice", "properties/floors": 1,
                "Datastreams/0/name": "warm", "Datastreams/1/name": "wet",
            },
        }
    ]  # fmt: skip
    rest = service.get(first["@iot.nextLink"]).json["features"]
    assert [(row["geometry"], row["properties"]["name"]) for row in rest] == [(None, "西站")]
    single = service.get(f"Locations({place.pk})?$resultFormat=GeoJSON").json
    assert (single["type"], single["geometry"], single["properties"]) == ("Feature", POINT, told)


GEOJSON, OLD, PLAIN = "application/geo+json", "application/vnd.geo+json", "application/json"
ACCEPTED = {
    "application/geo+json": GEOJSON,
    "application/vnd.geo+json": OLD,
    "Application/Geo+JSON; charset=utf-8": GEOJSON,
    "application/geo+json, application/json;q=0.9": GEOJSON,
    "application/geo+json, */*": GEOJSON,
    "application/geo+json;q=0.5, application/vnd.geo+json": OLD,
    "application/geo+json, application/json": GEOJSON,
    "text/html, application/geo+json;q=0.1": GEOJSON,
    "application/json;q=0, application/*": GEOJSON,
    "application/json;q=0, */*;q=0.1": GEOJSON,
    "": PLAIN,
    "*/*": PLAIN,
    "application/*": PLAIN,
    "application/json, application/geo+json": PLAIN,
    "application/geo+json;q=0.9, application/json": PLAIN,
    "application/geo+json;q=0.2, */*;q=0.3": PLAIN,
    "application/geo+json;q=0": PLAIN,
    "application/geo+json;q=much": PLAIN,
    "text/html": PLAIN,
    "application/xml;q=0.9, image/*": PLAIN,
    ", ;q=1,": PLAIN,
}


def test_an_accept_header_may_ask_for_geojson(service: Service, towns: World) -> None:
    towns.east.locations.add(Location.objects.create(name="roof", location=POINT))
    towns.west.locations.add(Location.objects.create(name="wall", location=POINT))
    plain, geojson = service.get("Locations").body, service.get("Locations?$resultFormat=GeoJSON").body
    answers = {text: service.get("Locations", accept=text) for text in ACCEPTED}
    assert {text: one.headers["content-type"] for text, one in answers.items()} == ACCEPTED
    for text, one in answers.items():
        assert one.body == (plain if ACCEPTED[text] == PLAIN else geojson)
    asked = {"accept": GEOJSON}
    first = service.get("Locations?$top=1&$orderby=name desc", **asked).json
    rest = service.get(first["@iot.nextLink"]).json["features"]
    assert [row["properties"]["name"] for row in (*first["features"], *rest)] == ["wall", "roof"]
    single = service.get(f"Things({towns.east.pk})?$expand=Locations", **asked)
    assert (single.headers["content-type"], single.json["type"], single.json["geometry"]) == (GEOJSON, "Feature", POINT)


def test_an_accept_header_changes_nothing_of_what_has_no_geojson(service: Service, towns: World) -> None:
    towns.observe("warm", 1)
    warm = towns.streams["warm"].pk
    paths = (
        "", f"Things({towns.east.pk})/name", "Things/$ref", "Things/$count", f"Things({towns.east.pk})/name/$value",
        "Observations?$resultFormat=csv", "Observations?$resultFormat=dataArray",
        f"Datastreams({warm})/Observations?$apply=interval(P1D,mean)",
    )  # fmt: skip
    for path in paths:
        asked, plain = service.get(path, accept=GEOJSON), service.get(path)
        assert (asked.status, asked.headers, asked.body) == (200, plain.headers, plain.body), path
    assert service.get("Things(0)", accept=GEOJSON).headers["content-type"] == PLAIN
    batch = {"requests": [
        {"id": "1", "method": "GET", "url": "Things?$select=name", "headers": {"Accept": GEOJSON}},
        {"id": "2", "method": "GET", "url": "Things?$select=name"},
    ]}  # fmt: skip
    told = service.post("$batch", batch, **{"content-type": PLAIN, "accept": OLD}).json["responses"]
    assert [one["headers"]["content-type"] for one in told] == [GEOJSON, PLAIN]
    assert [row["properties"]["name"] for row in told[0]["body"]["features"]] == ["东站", "西站"]


def test_as_of_a_time_corrections_are_not_known_yet(service: Service, towns: World) -> None:
    later, last = NOON + timedelta(hours=1), NOON + timedelta(hours=2)
    first = towns.observe("warm", 1, result=1)
    second = towns.observe("warm", 1, result=2, sequence=1, known_at=later)
    towns.observe("warm", 2, result=5, known_at=last)
    warm = towns.streams["warm"].pk

    def known(at: str, path: str = f"Datastreams({warm})/Observations", more: str = "") -> Any:
        return service.get(f"{path}?$asOf={at}{more}")

    assert known("2026-07-01T11:59:59Z").value == []
    assert known("2026-07-01T12:30:00Z").all("@iot.id") == [first.id]
    assert known("2026-07-01T13:00:00Z").all("result") == [2]
    assert known("2026-07-01T22:00:00%2B08:00").all("result") == [2, 5]
    assert known("2026-07-01T12:30:00Z", f"Observations({first.id})").json["result"] == 1
    assert known("2026-07-01T12:30:00Z", f"Observations({second.id})").status == 404
    assert known("2026-07-01T13:30:00Z", f"Observations({first.id})").status == 404
    assert known("2026-07-01T12:30:00Z", more="&$filter=result eq 1&$count=true").json["@iot.count"] == 1
    things = known("2026-07-01T12:30:00Z", "Things", "&$filter=Datastreams/Observations/result eq 1&$select=name")
    assert things.value == [{"name": "东站"}]
    assert (
        known("2026-07-01T12:30:00Z", "Things", "&$filter=Datastreams/any(d:d/Observations/any(o:o/result eq 2))").value
        == []
    )
    expanded = known(
        "2026-07-01T12:30:00Z", f"Datastreams({warm})", "&$select=name&$expand=Observations($select=result)"
    )
    assert expanded.json == {"name": "warm", "Observations": [{"result": 1}]}
    page = known("2026-07-01T14:00:00Z", more="&$top=1&$select=result").json
    assert (page["value"], service.get(page["@iot.nextLink"]).all("result")) == ([{"result": 2}], [5])
    assert known("yesterday").fault == (
        400, "$asOf: 'yesterday': times are ISO 8601 with zone, such as 2026-06-01T08:00:00+08:00", 0,
    )  # fmt: skip


def test_counts_and_paths_into_json(service: Service, towns: World) -> None:
    for number in range(3):
        towns.observe("warm", number)
    odd = towns.observe("warm", 9, result_json={"a": [1, {"b c": "x"}]}, result=None)
    warm, east = towns.streams["warm"].pk, towns.east.pk
    counts = {
        "Things/$count": "2", f"Datastreams({warm})/Observations/$count": "4",
        "Observations/$count?$filter=result gt 0": "2", f"Things({east})/Datastreams/$count": "2",
    }  # fmt: skip
    assert {path: service.get(path).body.decode() for path in counts} == counts
    assert service.get("Things/$count").headers["content-type"] == "text/plain; charset=utf-8"
    values = {
        f"Things({east})/properties/owner": {"owner": "alice"},
        f"Datastreams({warm})/unitOfMeasurement/symbol": {"symbol": UNIT["symbol"]},
        f"Observations({odd.id})/result/a[0]": {"a[0]": 1},
        f"Observations({odd.id})/result/a[1]/b%20c": {"b c": "x"},
        f"Observations({odd.id})/Datastream/Thing/properties/floors": {"floors": 1},
    }
    assert {path: service.get(path).json for path in values} == values
    assert service.get(f"Things({east})/properties/owner/$value").body == b"alice"
    assert service.get(f"Things({east})/properties/nothing").status == 204
    missing = ["Things(0)/$count", "Things(0)/Datastreams/$count", f"Things({east})/name/x", "Things/$count/$value"]
    assert {path: service.get(path).status for path in missing} == dict.fromkeys(missing, 404)


FAULTS = {
    "Observations?$resultFormat=xml": ("$resultFormat: 'xml' must be one of dataArray, csv, GeoJSON", 0),
    "Things?$resultFormat=dataArray": ("$resultFormat: a dataArray is made of Observations: ask for a collection", 0),
    "Observations?$resultFormat=dataArray&$expand=Datastream": ("$expand: a dataArray has no place for other", 0),
    "Things?$expand=Datastreams($resultFormat=csv)": ("$resultFormat: it goes with the whole request", 26),
    "Things?$expand=Datastreams($asOf=2026-01-01T00:00:00Z)": ("$asOf: it goes with the whole request", 18),
    "Things/$count?$resultFormat=csv": ("$resultFormat: entities have it: not one property", 0),
    "Things/$ref?$resultFormat=csv": ("$resultFormat: entities have it: not one property", 0),
}


def test_what_cannot_be_is_refused_with_its_place(service: Service, towns: World) -> None:
    answers = {path: service.get(path).fault for path in FAULTS}
    assert {path: (said[: len(FAULTS[path][0])], at) for path, (_, said, at) in answers.items()} == FAULTS
    assert {code for code, _, _ in answers.values()} == {400}
