"""What GET answers: root, paths, properties, select, order, count, expand."""

from __future__ import annotations

from typing import Any

import pytest
from tests.engines.things.sta.service import OM, POINT, ROOT, UNIT, Service, World, minute

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]


def test_the_root_lists_the_entity_sets_and_what_is_done(service: Service) -> None:
    root = service.get("").json
    assert [entry["name"] for entry in root["value"]] == [
        "Things", "Locations", "HistoricalLocations", "Datastreams", "MultiDatastreams", "Sensors",
        "ObservedProperties", "Observations", "FeaturesOfInterest", "Actuators", "TaskingCapabilities", "Tasks",
    ]  # fmt: skip
    assert root["value"][0]["url"] == f"{ROOT}/Things"
    assert (
        "http://www.opengis.net/spec/iot_sensing/1.1/req/request-data/expand" in root["serverSettings"]["conformance"]
    )


def links(kind: str, id_: int, *names: str) -> dict[str, str]:
    return {f"{name}@iot.navigationLink": f"{ROOT}/{kind}({id_})/{name}" for name in names}


def test_a_datastream_is_told_whole(service: Service, towns: World) -> None:
    stream = towns.streams["warm"]
    assert service.get(f"Datastreams({stream.pk})").json == {
        "@iot.id": stream.pk, "@iot.selfLink": f"{ROOT}/Datastreams({stream.pk})", "name": "warm",
        "description": "how warm", "observationType": OM, "unitOfMeasurement": UNIT,
        **links("Datastreams", stream.pk, "Thing", "Sensor", "ObservedProperty", "Observations"),
    }  # fmt: skip


def test_an_observation_is_told_whole(service: Service, towns: World) -> None:
    made = towns.observe(
        "warm", 3, phenomenon_end=minute(4), result_time=minute(5), result=7.25, verdict=1, origin=1,
        extra={"resultQuality": {"a": 1}, "parameters": {"b": 2}, "validTime": "2026-07-01T12:00:00Z"},
    )  # fmt: skip
    assert service.get(f"Observations({made.id})").json == {
        "@iot.id": made.id, "@iot.selfLink": f"{ROOT}/Observations({made.id})",
        "phenomenonTime": "2026-07-01T12:03:00Z/2026-07-01T12:04:00Z", "resultTime": "2026-07-01T12:05:00Z",
        "result": 7.25, "resultQuality": {"a": 1, "verdict": "suspect"},
        "validTime": "2026-07-01T12:00:00Z", "parameters": {"b": 2, "origin": "simulated"},
        **links("Observations", made.id, "Datastream", "FeatureOfInterest"),
    }  # fmt: skip


def test_a_verdict_that_is_not_good_is_added_to_the_quality(service: Service, towns: World) -> None:
    given = [(0, None), (0, [1]), (2, None), (2, [1]), (1, "doubtful")]
    for number, (verdict, quality) in enumerate(given):
        extra = None if quality is None else {"resultQuality": quality}
        towns.observe("warm", number, verdict=verdict, extra=extra)
    shown = [row.get("resultQuality", "absent") for row in service.get("Observations").value]
    bad, suspect = {"verdict": "bad"}, {"verdict": "suspect"}
    assert shown == ["absent", [1], bad, [1, bad], ["doubtful", suspect]]


def test_results_are_numbers_or_any_json(service: Service, towns: World) -> None:
    for number, value in enumerate(["text", {"a": [1, None]}, True, None]):
        towns.observe("warm", number, result_json=value, result=None)
    towns.observe("warm", 9, result=1e30)
    found = service.get(f"Datastreams({towns.streams['warm'].pk})/Observations").all("result")
    assert found == ["text", {"a": [1, None]}, True, None, 1e30]


def test_paths_of_any_depth(service: Service, towns: World) -> None:
    made = towns.observe("warm", 1)
    east, warm = towns.east.pk, towns.streams["warm"]
    deep = f"Things({east})/Datastreams({warm.pk})/Observations({made.id})"
    assert service.get(f"{deep}/FeatureOfInterest").json["name"] == "warm place"
    assert service.get(f"{deep}/Datastream/Thing/Datastreams").all("name") == ["warm", "wet"]
    assert service.get(f"Sensors({warm.sensor_id})/Datastreams").all("name") == ["warm", "wet", "cold"]
    assert service.get(f"FeaturesOfInterest({warm.feature_id})/Observations").all("@iot.id") == [made.id]
    assert service.get(f"{deep}/Datastream/Thing/name").json == {"name": "东站"}
    assert service.get(f"{deep}/Datastream/unitOfMeasurement/$value").json == UNIT
    value = service.get(f"Things({east})/name/$value")
    assert (value.body.decode(), value.headers["content-type"]) == ("东站", "text/plain; charset=utf-8")
    assert service.get(f"Things({east})/@iot.id").json == {"@iot.id": east}
    assert service.get(f"{deep}/resultTime").status == 204
    assert service.get(f"{deep}/result/$value").body == b"1"
    assert service.get(f"{deep}/phenomenonTime/$value").body == b"2026-07-01T12:01:00Z"
    refs = [{"@iot.selfLink": f"{ROOT}/Datastreams({towns.streams[name].pk})"} for name in ("warm", "wet")]
    assert service.get(f"Things({east})/Datastreams/$ref").json == {"value": refs}
    assert service.get(f"{deep}/Datastream/$ref").json == refs[0]


def test_paths_that_lead_nowhere(service: Service, towns: World) -> None:
    east, cold = towns.east.pk, towns.streams["cold"].pk
    cases = {
        "Nothings": 404, "Things(0)": 404, "Things(-1)": 404, "Things('a')": 404, f"Things({10**30})": 404,
        "Things(abc)": 400, "Things()": 400, f"Things({east})/Datastreams({cold})": 404,
        f"Things({east})/Observations": 404, f"Things({east})/Datastreams({cold})/Observations": 404,
        "Things(0)/Datastreams": 404, f"Things({east})/nothing": 404, f"Things({east})/name/more": 404,
        "Things/name": 404, "Things/Datastreams": 404, f"Things({east})/name/$ref": 404, "Things?$top=x": 400,
        f"Datastreams({cold})/Thing(3)": 404, "Things(1": 400, "Things/$value": 404, "Things/$ref/$ref": 404,
    }  # fmt: skip
    assert {path: service.get(path).status for path in cases} == cases
    assert service.get("Things(1)/Datastreams(x)").fault == (
        400, "(x) is not an id: ids here are whole numbers, as in Things(1)", 10
    )  # fmt: skip
    assert service.get("/sta/v2.0/Things").status == 404
    assert service.get("Things", host="a b'").status == 400


def test_select_order_top_skip_and_count(service: Service, towns: World) -> None:
    for number in range(5):
        towns.observe("warm", number, result=abs(2 - number))
    observations = f"Datastreams({towns.streams['warm'].pk})/Observations"
    cases = {
        "$orderby=result": [0, 1, 1, 2, 2],
        "$orderby=result desc,phenomenonTime desc": [2, 2, 1, 1, 0],
        "$orderby=phenomenonTime desc&$top=2": [2, 1],
        "$skip=3": [1, 2],
        "$skip=3&$top=1": [1],
        "$skip=9": [],
        "$top=0": [],
        "$orderby=Datastream/Thing/name,@iot.id desc&$top=1": [2],
    }
    assert {query: service.get(f"{observations}?{query}").all("result") for query in cases} == cases
    assert service.get("Things?$orderby=properties/owner desc").all("name") == ["西站", "东站"]
    assert service.get("Datastreams?$orderby=Sensor/name,Thing/name desc,name desc").all("name") == [
        "cold",
        "wet",
        "warm",
    ]
    assert service.get("Things?$select=name,id,Datastreams").value[0] == {
        "@iot.id": towns.east.pk, "name": "东站", **links("Things", towns.east.pk, "Datastreams")
    }  # fmt: skip
    counted = service.get(f"{observations}?$count=true&$top=1&$filter=result gt 0").json
    assert (counted["@iot.count"], len(counted["value"])) == (4, 1)
    assert "@iot.count" not in service.get(f"{observations}?$count=false").json


def test_corrections_are_shown_once_with_the_newest_value(service: Service, towns: World) -> None:
    first = towns.observe("warm", 0, result=1)
    towns.observe("warm", 0, result=2, sequence=1)
    last = towns.observe("warm", 0, result=3, sequence=2)
    found = service.get(f"Datastreams({towns.streams['warm'].pk})/Observations?$count=true").json
    assert (found["@iot.count"], [(row["@iot.id"], row["result"]) for row in found["value"]]) == (1, [(last.id, 3)])
    assert service.get(f"Observations({first.id})").status == 404
    assert service.get("Observations?$filter=result lt 3").value == []


def test_expand_nested_with_options(service: Service, towns: World) -> None:
    rows = [towns.observe("warm", number) for number in range(3)]
    east, warm, wet = towns.east.pk, towns.streams["warm"].pk, towns.streams["wet"].pk
    query = (
        "$select=name;$orderby=name;$top=1;$count=true;"
        "$expand=Observations($orderby=phenomenonTime desc;$top=1;$select=result),Sensor($select=name)"
    )
    found = service.get(f"Things({east})?$select=name&$expand=Datastreams({query}),Locations").json
    stream = found["Datastreams"][0]
    assert stream.pop("Observations@iot.nextLink").startswith(
        f"{ROOT}/Datastreams({warm})/Observations?$orderby=phenomenonTime%20desc&$select=result&$top=1&$skiptoken="
    )
    assert found.pop("Datastreams@iot.nextLink").startswith(f"{ROOT}/Things({east})/Datastreams?$orderby=name&")
    assert found == {
        "name": "东站", "Locations": [], "Datastreams@iot.count": 2,
        "Datastreams": [{"name": "warm", "Observations": [{"result": 2}], "Sensor": {"name": "probe"}}],
    }  # fmt: skip
    up = service.get(f"Observations({rows[0].id})?$select=result&$expand=Datastream/Thing,FeatureOfInterest").json
    assert up["Datastream"]["Thing"]["Datastreams@iot.navigationLink"] == f"{ROOT}/Things({east})/Datastreams"
    assert (up["FeatureOfInterest"]["feature"], "Thing@iot.navigationLink" in up["Datastream"]) == (POINT, False)
    both = service.get("Things?$expand=Datastreams/Sensor,Datastreams($filter=name eq 'wet';$select=id)").value[0]
    assert [(d["@iot.id"], d["Sensor"]["name"]) for d in both["Datastreams"]] == [(wet, "probe")]


def test_links_of_nested_pages_lead_on(service: Service, towns: World) -> None:
    for number in range(5):
        towns.observe("warm", number)
    query = (
        "$expand=Datastreams($filter=name eq 'warm';$expand=Observations($top=2;$orderby=result desc;$select=result))"
    )
    stream = service.get(f"Things({towns.east.pk})?{query}").json["Datastreams"][0]
    found, link = stream["Observations"], stream.get("Observations@iot.nextLink")
    while link:
        page = service.get(link).json
        found, link = found + page["value"], page.get("@iot.nextLink")
    assert [row["result"] for row in found] == [4, 3, 2, 1, 0]


FAULTS = {
    "Things?$top=-1": (400, "$top: '-1' must be a whole number of 0 or more", 0),
    "Things?$count=1": (400, "$count: '1' must be true or false", 0),
    "Things?$orderby=name,nme": (400, "$orderby: Thing has no 'nme'; it has id, name, description, properties,", 5),
    "Things?$orderby=name up": (400, "$orderby: 'name up' must be a property, then perhaps asc or desc", 0),
    "Things?$orderby=Datastreams/name": (400, "$orderby: a path through a collection gives no order", 0),
    "Datastreams?$orderby=Thing/nam": (400, "$orderby: Thing has no 'nam';", 6),
    "Things?$select=name, size": (400, "$select: Thing has no 'size' to select;", 6),
    "Things?$expand=Locations,Datastream": (400, "$expand: Thing has no 'Datastream' to expand;", 10),
    "Things?$expand=Datastreams($top=1;$orderby=x)": (400, "$orderby: Datastream has no 'x';", 28),
    "Things?$expand=Datastreams($filter=nam eq 1)": (400, "$filter: Datastream has no 'nam';", 20),
    "Things?$expand=Datastreams($top=1": (400, "$expand: a ( is not closed", 18),
    "Things?$expand=Datastreams($expand=Thing($top=1))": (400, "$expand: Thing is one entity:", 20),
    "Things?$expand=Datastreams($top=1),Datastreams($top=2)": (400, "$expand: Datastreams may have options once", 20),
    "Things?$expand=1": (400, "$expand: '1' must be a navigation property", 0),
    "Things?$nothing=1": (400, "$nothing: there is no such option;", 0),
    "Things?$top=1&$top=2": (400, "$top: an option may be given once", 0),
    "Things?$skiptoken=zz": (400, "$skiptoken: it must be taken from an @iot.nextLink as it is", 0),
    "Things?$skiptoken=5b2231222c2231225d": (400, "$skiptoken: it belongs to another $orderby", 0),
    "Things?$skiptoken=1,1": (400, "$skiptoken: it belongs to another $orderby", 0),
    "Things?$skiptoken=5b2278225d": (400, "the database cannot take a value:", None),
    "Things?$skiptoken=-": (400, "the database cannot take a value:", None),
    "Things(1)?$top=1": (400, "$top: only $select and $expand go with one entity", None),
}


def test_options_that_cannot_be_are_refused_with_their_place(service: Service, county: Any) -> None:
    answers = {path: service.get(path).fault for path in FAULTS}
    cut = {path: (code, text[: len(FAULTS[path][1])], at) for path, (code, text, at) in answers.items()}
    assert cut == FAULTS
