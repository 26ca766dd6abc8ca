"""POST and PATCH: what is made, linked, refused; readings reach the rules as those of devices do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from tests.engines.things.sta.service import (
    LOCATION,
    OM,
    POINT,
    PROPERTY,
    ROOT,
    SENSOR,
    STREAM,
    THING,
    UNIT,
    Service,
    World,
    counts,
    minute,
)

from shizhu.engines.things import models
from shizhu.engines.things.http.sta.entities import SETS
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]


def plain(entity: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entity.items() if "@iot." not in name}


def test_each_entity_is_read_as_it_was_made(service: Service, county: County) -> None:
    thing = service.post("Things", THING).id
    sensor, observed = service.post("Sensors", SENSOR).id, service.post("ObservedProperties", PROPERTY).id
    links = {"Sensor": {"@iot.id": sensor}, "ObservedProperty": {"@iot.id": observed}}
    stream = {**STREAM, **links, "Thing": {"@iot.id": thing}, "properties": {"a": None}, "observedArea": POINT}
    place = {**LOCATION, "properties": {"floor": 3}}
    feature = {"name": "air", "description": "", "encodingType": "application/geo+json", "feature": POINT}
    made = {"Locations": place, "Datastreams": stream, "FeaturesOfInterest": feature}
    ids = {kind: service.post(kind, body).id for kind, body in made.items()}
    history = {
        "time": "2026-07-01T12:00:00Z",
        "Thing": {"@iot.id": thing},
        "Locations": [{"@iot.id": ids["Locations"]}],
    }
    reading = {
        "phenomenonTime": "2026-07-01T12:00:00Z/2026-07-01T13:00:00Z", "resultTime": "2026-07-01T13:00:01Z",
        "result": [1, {"a": "\t\\ \"'"}], "resultQuality": {"b": 1}, "validTime": "2026-07-01T12:00:00Z",
        "parameters": {"tilt": 30}, "Datastream": {"@iot.id": ids["Datastreams"]},
        "FeatureOfInterest": {"@iot.id": ids["FeaturesOfInterest"]},
    }  # fmt: skip
    made |= {"Things": THING, "Sensors": SENSOR, "ObservedProperties": PROPERTY}
    ids |= {"Things": thing, "Sensors": sensor, "ObservedProperties": observed}
    for kind, body in {"HistoricalLocations": history, "Observations": reading}.items():
        ids[kind], made[kind] = service.post(kind, body).id, body
    found = {kind: plain(service.get(f"{kind}({id_})").json) for kind, id_ in ids.items()}
    span = found["Datastreams"].pop("phenomenonTime")
    assert span == reading["phenomenonTime"]
    assert found["Datastreams"].pop("resultTime") == "2026-07-01T13:00:01Z/2026-07-01T13:00:01Z"
    names = {"Thing", "Locations", "Sensor", "ObservedProperty", "Datastream", "FeatureOfInterest"}
    assert found == {kind: {k: v for k, v in body.items() if k not in names} for kind, body in made.items()}


def test_deep_insert_of_a_thing_with_all_that_hangs_on_it(service: Service, county: County) -> None:
    before = counts()
    observations = [{"result": 21.5, "phenomenonTime": "2026-07-01T12:00:00Z"}, {"result": 22}, {"result": 23}]
    stream = {**STREAM, "Observations": observations}
    answer = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [stream]})
    assert answer.headers["location"] == f"{ROOT}/Things({answer.id})"
    assert [after - b for after, b in zip(counts(), before, strict=True)] == [1, 1, 1, 1, 1, 1, 3, 1, 0]
    streams = "Datastreams($expand=Sensor,ObservedProperty,Observations/FeatureOfInterest)"
    whole = service.get(f"Things({answer.id})?$expand=Locations,HistoricalLocations/Locations,{streams}").json
    assert plain(whole["Locations"][0]) == LOCATION
    assert whole["HistoricalLocations"][0]["Locations"][0]["@iot.id"] == whole["Locations"][0]["@iot.id"]
    made = whole["Datastreams"][0]
    assert (plain(made["Sensor"]), plain(made["ObservedProperty"])) == (SENSOR, PROPERTY)
    assert sorted(row["result"] for row in made["Observations"]) == [21.5, 22, 23]
    features = [plain(row["FeatureOfInterest"]) for row in made["Observations"]]
    assert features == [{**{k: v for k, v in LOCATION.items() if k != "location"}, "feature": POINT}] * 3


def test_through_navigation_the_path_gives_the_link(service: Service, towns: World) -> None:
    east, warm = towns.east.pk, towns.streams["warm"]
    links = {"Sensor": {"@iot.id": warm.sensor_id}, "ObservedProperty": {"@iot.id": warm.observed_property_id}}
    stream = service.post(f"Things({east})/Datastreams", {**STREAM, **links}).id
    assert service.get(f"Datastreams({stream})/Thing").json["@iot.id"] == east
    made = service.post(f"Things({east})/Datastreams({warm.pk})/Observations", {"result": 5})
    assert service.get(made.headers["location"]).json["result"] == 5
    assert service.get(f"Observations({made.id})/Datastream").json["@iot.id"] == warm.pk
    place = service.post(f"Things({east})/Locations", LOCATION).id
    assert service.get(f"Things({east})/Locations").all("@iot.id") == [place]
    twice = service.post(f"Things({east})/Datastreams", {**STREAM, "Thing": {"@iot.id": east}})
    assert twice.fault[:2] == (
        400, f"Datastream.Thing: {{'@iot.id': {east}}}: is given by the path or the entity around it already"
    )  # fmt: skip
    assert service.post("Things(0)/Datastreams", STREAM).status == 404
    assert service.post(f"Things({east})", THING).status == 405


def test_a_thing_that_moves_keeps_its_history(service: Service, county: County) -> None:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [STREAM]}).id
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    old = service.post(f"Datastreams({stream})/Observations", {"result": 1}).id
    there = {**LOCATION, "name": "elsewhere", "location": {"type": "Point", "coordinates": [101, 31]}}
    place = service.post("Locations", {**there, "Things": [{"@iot.id": thing}]}).id
    new = service.post(f"Datastreams({stream})/Observations", {"result": 2}).id
    names = {id_: service.get(f"Observations({id_})/FeatureOfInterest/name").json["name"] for id_ in (old, new)}
    assert names == {old: "My room", new: "elsewhere"}
    assert service.get(f"Things({thing})/Locations").all("@iot.id") == [place]
    assert len(service.get(f"Things({thing})/HistoricalLocations").value) == 2
    first = service.get("Locations?$filter=name eq 'My room'").value[0]["@iot.id"]
    past = {"time": "2020-01-01T00:00:00Z", "Locations": [{"@iot.id": first}]}
    service.post(f"Things({thing})/HistoricalLocations", past)
    assert service.get(f"Things({thing})/Locations").all("@iot.id") == [place]
    service.post(f"Things({thing})/HistoricalLocations", {**past, "time": "2100-01-01T00:00:00Z"})
    assert service.get(f"Things({thing})/Locations").all("@iot.id") == [first]


def test_the_same_again_is_the_same_observation_and_another_value_a_correction(service: Service, towns: World) -> None:
    address = f"Datastreams({towns.streams['warm'].pk})/Observations"
    at = {"phenomenonTime": "2026-07-01T12:00:00Z"}
    first = service.post(address, {**at, "result": 1}).id
    assert service.post(address, {**at, "result": 1}).id == first
    second = service.post(address, {**at, "result": 2}).id
    assert service.get(address).all("@iot.id") == [second]
    assert models.Latest.objects.get().result == 2


def test_watched_readings_are_told_to_the_rules_in_the_same_transaction(service: Service, towns: World) -> None:
    warm, wet = towns.streams["warm"], towns.streams["wet"]
    models.Datastream.objects.filter(pk=warm.pk).update(is_watched=True, highest=50)
    for stream, result in ((warm, 20), (wet, 30), (warm, 99), (warm, "text")):
        service.post(
            f"Datastreams({stream.pk})/Observations", {"result": result, "phenomenonTime": f"{minute(1):%FT%TZ}"}
        )
    told = [row.envelope["data"]["readings"] for row in OutboxEvent.objects.order_by("pk")]
    at = "2026-07-01T12:01:00+00:00"
    assert told == [[[warm.pk, at, 20.0, 0]], [[warm.pk, at, None, 0]]]
    assert service.get(f"Datastreams({warm.pk})/Observations?$filter=resultQuality/verdict eq 'bad'").value == []
    refused = service.post(
        "Observations", {"result": 1, "Datastream": {"@iot.id": warm.pk}, "FeatureOfInterest": {"@iot.id": 0}}
    )
    assert (refused.status, OutboxEvent.objects.count()) == (400, 2)


def test_an_origin_that_is_told_is_kept(service: Service, towns: World) -> None:
    address = f"Datastreams({towns.streams['warm'].pk})/Observations"
    service.post(address, {"result": 1, "parameters": {"origin": "simulated"}})
    assert [row.origin for row in models.Observation.objects.all()] == [1]
    assert service.get(address).all("parameters") == [{"origin": "simulated"}]


def test_without_a_place_an_observation_needs_its_feature(service: Service, county: County) -> None:
    thing = service.post("Things", {**THING, "Datastreams": [STREAM]}).id
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    before = counts()
    answer = service.post(f"Datastreams({stream})/Observations", {"result": 1})
    rule = "must be given, because the Datastream's Thing has no Location to make one from"
    assert answer.fault == (400, f"Observation.FeatureOfInterest: None: {rule}", None)
    assert counts() == before
    feature = {"name": "air", "description": "", "encodingType": "text/plain", "feature": "here"}
    made = service.post(f"Datastreams({stream})/Observations", {"result": 1, "FeatureOfInterest": feature})
    assert service.get(f"Observations({made.id})/FeatureOfInterest/feature").json == {"feature": "here"}


FAULTS: dict[str, tuple[str, Any, str]] = {
    "no object": ("Things", [], "Thing: []: must be a JSON object: a Thing"),
    "missing": ("Things", {"name": "x"}, "Thing.description: None: must be given"),
    "not text": ("Things", {**THING, "name": 5}, "Thing.name: 5: must be text"),
    "null": ("Things", {**THING, "name": None}, "Thing.name: None: must be given"),
    "unknown": ("Things", {**THING, "size": 5}, "Thing.size: 5: a Thing has no such property; it has name,"),
    "not an object": ("Things", {**THING, "properties": [1]}, "Thing.properties: [1]: must be a JSON object"),
    "deep": (
        "Things", {**THING, "Datastreams": [STREAM, {**STREAM, "Sensor": {**SENSOR, "name": 1}}]},
        "Thing.Datastreams[1].Sensor.name: 1: must be text",
    ),
    "no link": ("Datastreams", STREAM, "Datastream.Thing: None: must be given: an existing one as"),
    "no such": (
        "Datastreams", {**STREAM, "Thing": {"@iot.id": 0}}, "Datastream.Thing: 0: there is no Thing with this @iot.id",
    ),
    "no id": (
        "Datastreams", {**STREAM, "Thing": {"@iot.id": "1"}}, "Datastream.Thing: {'@iot.id': '1'}: an existing",
    ),
    "no list": ("Things", {**THING, "Datastreams": STREAM}, "Thing.Datastreams: {'name': 'Room temperature',"),
    "taken away": (
        "Things", {**THING, "Datastreams": [{"@iot.id": 1}]}, "Thing.Datastreams: 1: an existing Datastream keeps its",
    ),
    "geometry": (
        "Locations", {**LOCATION, "location": {"type": "Point", "coordinates": [999, 0]}}, "Location.location: {'type'",
    ),
    "time": (
        "HistoricalLocations", {"time": "2026-07-01", "Thing": THING, "Locations": [LOCATION]},
        "HistoricalLocation.time: '2026-07-01': must be an ISO 8601 time with zone",
    ),
    "span": (
        "Observations", {"result": 1, "phenomenonTime": "2026-07-01T12:00:00Z/2026-07-01T11:00:00Z"},
        "Observation.phenomenonTime: '2026-07-01T12:00:00Z/2026-07-01T11:00:00Z': must be",
    ),
    "no result": ("Observations", {"Datastream": {"@iot.id": 1}}, "Observation.result: None: must be given"),
    "no place": (
        "HistoricalLocations", {"time": "2026-07-01T12:00:00Z", "Thing": {"@iot.id": 1}, "Locations": []},
        "HistoricalLocation.Locations: []: must be a list of entities, at least one",
    ),
    "zero byte": ("Things", {**THING, "name": "a\0"}, "the database cannot take a value:"),
    "zero byte in JSON": ("Things", {**THING, "properties": {"a": "\0"}}, "the database cannot take a value:"),
    "no JSON": ("Things", b"{", "the body is not JSON:"),
}  # fmt: skip


def test_what_does_not_fit_is_refused_by_name_and_nothing_is_made(service: Service, towns: World) -> None:
    before = counts()
    answers = {name: service.post(path, body).fault for name, (path, body, _) in FAULTS.items()}
    cut = {name: (code, text[: len(FAULTS[name][2])]) for name, (code, text, _) in answers.items()}
    assert cut == {name: (400, rule) for name, (_, _, rule) in FAULTS.items()}
    late = {**THING, "Datastreams": [{**STREAM, "Sensor": {"@iot.id": 0}}]}
    assert (
        service.post("Things", late).fault[1] == "Thing.Datastreams[0].Sensor: 0: there is no Sensor with this @iot.id"
    )
    assert counts() == before


FEATURE = {"name": "air", "description": "", "encodingType": "text/plain", "feature": "here"}
COMPOSED = {
    "name": "both", "description": "", "multiObservationDataTypes": [OM, OM], "unitOfMeasurements": [UNIT, UNIT],
    "Sensor": SENSOR, "ObservedProperties": [PROPERTY, {**PROPERTY, "name": "Humidity"}],
}  # fmt: skip
FILLED = {  # what has to be there, and says nothing if it is empty
    "Things": (THING, ["name"]), "Locations": (LOCATION, ["name", "encodingType"]),
    "Datastreams": (STREAM, ["name", "observationType"]), "MultiDatastreams": (COMPOSED, ["name"]),
    "Sensors": (SENSOR, ["name", "encodingType"]), "ObservedProperties": (PROPERTY, ["name", "definition"]),
    "FeaturesOfInterest": (FEATURE, ["name", "encodingType"]),
}  # fmt: skip


def test_no_name_code_or_definition_is_empty(service: Service, towns: World) -> None:
    hung = {"Datastreams", "MultiDatastreams"}
    before = counts()
    for kind, (body, names) in FILLED.items():
        address = f"Things({towns.east.pk})/{kind}" if kind in hung else kind
        entity = SETS[kind].entity
        for name in names:
            for empty in ("", " \t"):
                rule = f"{entity}.{name}: {empty!r}: must be text that is not empty"
                assert service.post(address, {**body, name: empty}).fault == (400, rule, None)
    types = service.post(
        f"Things({towns.east.pk})/MultiDatastreams", {**COMPOSED, "multiObservationDataTypes": [OM, ""]}
    )
    assert (types.status, types.fault[1].rpartition(": ")[2]) == (400, "must be a list of texts that are not empty")
    assert counts() == before
    for kind, (body, names) in FILLED.items():
        address = f"Things({towns.east.pk})/{kind}" if kind in hung else kind
        made = f"{kind}({service.post(address, {**body, 'description': ''}).id})"
        kept = service.get(made).json
        for name in names:
            rule = f"{SETS[kind].entity}.{name}: '': must be text that is not empty"
            assert service.patch(made, {name: ""}).fault == (400, rule, None)
            assert service.ask("PUT", made, {**body, name: ""}).fault == (400, rule, None)
            patch, media = [{"op": "replace", "path": f"/{name}", "value": ""}], "application/json-patch+json"
            assert service.patch(made, patch, **{"content-type": media}).fault == (400, rule, None)
        assert service.get(made).json == kept


def test_many_at_once_do_not_get_in_each_others_way(service: Service, towns: World) -> None:
    streams = [stream.pk for stream in towns.streams.values()]
    posts = [
        (
            f"Datastreams({streams[number % 3]})/Observations",
            {"result": number, "phenomenonTime": f"{minute(number):%FT%TZ}"},
        )
        for number in range(40)
    ]
    posts += [(f"Things({towns.east.pk})/Locations", LOCATION)] * 6
    posts += [("Locations", {**LOCATION, "Things": [{"@iot.id": t.pk} for t in pair]})
              for pair in ((towns.east, towns.west), (towns.west, towns.east)) * 5]  # fmt: skip
    answers = service.together(*posts)
    assert {answer.status for answer in answers} == {201}
    assert sorted(service.get("Observations").all("result")) == list(range(40))
    assert sum(hour.count for hour in models.Hour.objects.all()) == 40


def test_two_deep_inserts_that_meet_in_opposite_order_both_succeed(service: Service, towns: World) -> None:
    one, two = (towns.streams[name].pk for name in ("warm", "cold"))

    def feature(*order: int) -> dict[str, Any]:
        rows = [
            {"result": 1, "phenomenonTime": f"{minute(n):%FT%TZ}", "Datastream": {"@iot.id": s}}
            for n in range(30)
            for s in order
        ]
        return {"name": "f", "description": "", "encodingType": "text/plain", "feature": "x", "Observations": rows}

    answers = service.together(*[("FeaturesOfInterest", feature(*order)) for order in ((one, two), (two, one)) * 3])
    assert [answer.status for answer in answers] == [201] * 6
    assert len(service.get("Observations?$top=1000").value) == 60


def test_patch_changes_what_is_given_and_nothing_else(service: Service, county: County) -> None:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [STREAM]}).id
    changed = service.patch(f"Things({thing})", {"description": "it toasts"})
    assert (changed.status, plain(changed.json)) == (200, {**THING, "description": "it toasts"})
    assert "properties" not in service.patch(f"Things({thing})", {"properties": None}).json
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    other = service.post("Sensors", {**SENSOR, "name": "other"}).id
    service.patch(
        f"Datastreams({stream})", {"Sensor": {"@iot.id": other}, "unitOfMeasurement": {**UNIT, "symbol": "K"}}
    )
    found = service.get(f"Datastreams({stream})?$expand=Sensor").json
    assert (found["Sensor"]["name"], found["unitOfMeasurement"]["symbol"]) == ("other", "K")
    place = service.post("Locations", LOCATION).id
    service.patch(f"Things({thing})", {"Locations": [{"@iot.id": place}]})
    assert service.get(f"Things({thing})/Locations").all("@iot.id") == [place]
    assert len(service.get(f"Things({thing})/HistoricalLocations").value) == 2
    moved = {"location": {"type": "Point", "coordinates": [1, 2]}}
    assert service.patch(f"Locations({place})", moved).json["location"] == moved["location"]
    assert models.Location.objects.get(pk=place).box == (1, 2, 1, 2)
    refused = service.patch(f"Things({thing})", {"name": None})
    assert refused.fault[:2] == (400, "Thing.name: None: must be given")
    codes = {
        "PATCH Things(0)": 404, "PATCH Things": 405, "PATCH Things(1)/name": 405, "DELETE Things(0)": 404,
        "PUT Things(0)": 404, "POST $batch": 415, "TRACE Things": 405, "OPTIONS Things": 204, "HEAD Things": 200,
    }  # fmt: skip
    assert {what: service.ask(*what.split(), {}).status for what in codes} == codes


def test_the_audit_trail_names_who_made_it(service: Service, county: County) -> None:
    service.post("Things", THING)
    with connection.cursor() as cursor:
        cursor.execute("SELECT c.metadata FROM things_thingevent e JOIN pghistory_context c ON c.id = e.pgh_context_id")
        told = [row[0] for row in cursor.fetchall()]
    assert [str(entry) for entry in told] == ['{"name": "--open", "path": "sta", "person": null}']
