"""PATCH, PUT, JSON Patch, DELETE and $ref: corrections, withdrawals, what goes with an entity, and who may."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from tests.engines.things.sta.service import (
    LOCATION,
    NOON,
    PROPERTY,
    SENSOR,
    STREAM,
    THING,
    UNIT,
    Service,
    World,
    basic,
    counts,
    minute,
)
from tests.fixtures import person

from shizhu.engines.things import api, models
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
PATCH_TYPE = {"content-type": "application/json-patch+json"}


def observed(service: Service, towns: World, *results: float, stream: str = "warm") -> list[int]:
    address = f"Datastreams({towns.streams[stream].pk})/Observations"
    return [
        service.post(address, {"result": result, "phenomenonTime": f"{minute(n):%FT%TZ}"}).id
        for n, result in enumerate(results)
    ]


def rows() -> list[tuple[Any, ...]]:
    kept = models.Observation.objects.order_by("datastream", "phenomenon_time", "sequence")
    return list(kept.values_list("id", "sequence", "result", "verdict"))


def hours() -> list[tuple[Any, ...]]:
    return list(models.Hour.objects.order_by("datastream", "hour").values_list("count", "total", "least", "most"))


def rows_known_at(id_: int) -> str:
    known = models.Observation.objects.get(id=id_, sequence=0).known_at
    return known.isoformat().replace("+00:00", "Z")


def test_a_patched_observation_is_a_correction_under_the_same_address(service: Service, towns: World) -> None:
    first, second = observed(service, towns, 10, 20)
    changed = service.patch(f"Observations({second})", {"result": 30, "parameters": {"by": "hand"}})
    assert (changed.status, changed.json["@iot.id"], changed.json["result"]) == (200, second, 30)
    assert changed.json["phenomenonTime"] == "2026-07-01T12:01:00Z"
    assert service.get("Observations").all("@iot.id") == [first, second]
    assert rows() == [(first, 0, 10, 0), (second, 0, 20, 0), (second, 1, 30, 0)]
    assert (hours(), models.Latest.objects.get().result) == ([(2, 40, 10, 30)], 30)
    kept = service.ask("PUT", f"Observations({second})", {"result": 5}).json
    assert ("parameters" in kept, kept["result"], kept["phenomenonTime"]) == (False, 5, "2026-07-01T12:01:00Z")


def test_a_correction_is_judged_and_told_as_any_reading(service: Service, towns: World) -> None:
    warm = towns.streams["warm"]
    (one,) = observed(service, towns, 10)
    models.Datastream.objects.filter(pk=warm.pk).update(is_watched=True, highest=50)
    assert service.patch(f"Observations({one})", {"result": 99}).json["resultQuality"]["verdict"] == "bad"
    assert hours() == []
    service.patch(f"Observations({one})", {"result": 40})
    told = [row.envelope["data"]["readings"] for row in OutboxEvent.objects.order_by("pk")]
    at = "2026-07-01T12:00:00+00:00"
    assert told == [[[warm.pk, at, None, 0]], [[warm.pk, at, 40.0, 0]]]


def test_another_time_moves_an_observation_and_never_onto_another(service: Service, towns: World) -> None:
    one, two = observed(service, towns, 10, 20)
    before = rows()
    refused = service.patch(f"Observations({one})", {"phenomenonTime": "2026-07-01T12:01:00Z"})
    assert (refused.status, rows()) == (409, before)
    moved = service.patch(f"Observations({one})", {"phenomenonTime": "2026-07-01T14:00:00Z"})
    assert (moved.json["@iot.id"], moved.json["phenomenonTime"]) == (one, "2026-07-01T14:00:00Z")
    assert service.get("Observations").all("@iot.id") == [two, one]
    assert (hours(), models.Latest.objects.get().result) == ([(1, 20, 20, 20), (1, 10, 10, 10)], 10)


def test_a_deleted_observation_is_withdrawn_and_what_was_known_stays(service: Service, towns: World) -> None:
    one, two, three = observed(service, towns, 10, 20, 30)
    assert service.ask("DELETE", f"Observations({three})").status == 200
    assert service.get("Observations?$count=true").json["@iot.count"] == 2
    for path in (f"Observations({three})", f"Observations({three})/result"):
        assert service.get(path).status == 404
    assert service.ask("DELETE", f"Observations({three})").status == 404
    assert rows()[2:] == [(three, 0, 30, 0), (three, 1, None, 3)]
    latest = models.Latest.objects.get()
    assert (latest.result, latest.phenomenon_time, latest.last_end) == (20, minute(1), minute(1))
    was = rows_known_at(three)
    assert service.get(f"Observations?$asOf={was}").all("result") == [10, 20, 30]
    service.ask("DELETE", f"Observations({one})")
    assert (hours(), models.Latest.objects.get().first_time) == ([(1, 20, 20, 20)], minute(1))
    stream = towns.streams["warm"].pk
    assert [point.value for point in api.series(stream, NOON, NOON + timedelta(hours=1))] == [20]
    assert api.latest([stream], NOON + timedelta(hours=1))[stream].value == 20
    service.ask("DELETE", f"Observations({two})")
    assert (models.Latest.objects.count(), hours()) == (0, [])
    observed(service, towns, 10)
    assert (service.get("Observations").all("result"), hours()) == ([10], [(1, 10, 10, 10)])


def test_two_corrections_at_once_are_one_after_the_other(service: Service, towns: World) -> None:
    (one,) = observed(service, towns, 0)
    values = list(range(1, 9))

    async def all_() -> list[int]:
        sent = (service.send("PATCH", f"Observations({one})", {"result": value}) for value in values)
        return [answer.status for answer in await asyncio.gather(*sent)]

    assert service.loop.run_until_complete(all_()) == [200] * 8
    kept = rows()
    assert [(row[0], row[1]) for row in kept] == [(one, n) for n in range(9)]
    assert {row[2] for row in kept} == {0, *values}
    assert hours() == [(1, kept[-1][2], kept[-1][2], kept[-1][2])]
    assert models.Latest.objects.get().result == kept[-1][2]


def test_a_filter_says_which_observations_are_deleted(service: Service, towns: World) -> None:
    observed(service, towns, 10, 20, 30, 40)
    observed(service, towns, 99, stream="wet")
    address = f"Datastreams({towns.streams['warm'].pk})/Observations"
    before = rows()
    assert service.ask("DELETE", address).fault[:2] == (
        400, "DELETE of a collection needs a $filter that says which of it",
    )  # fmt: skip
    assert service.ask("DELETE", f"{address}?$filter=result gt 15&$top=1").status == 400
    assert service.ask("DELETE", f"{address}?$filter=result gt 1000").status == 204
    assert rows() == before
    assert service.ask("DELETE", f"{address}?$filter=result gt 15 and result lt 35").status == 204
    assert sorted(service.get("Observations").all("result")) == [10, 40, 99]


def test_what_the_standard_says_goes_with_an_entity(service: Service, towns: World) -> None:
    """18-088 §10.4, table of integrity constraints; of each: how many are left of every kind."""
    east, warm, cold = towns.east.pk, towns.streams["warm"], towns.streams["cold"]
    for stream in ("warm", "wet", "cold"):
        observed(service, towns, 1, 2, stream=stream)
    place = service.post(f"Things({east})/Locations", LOCATION).id
    kinds = (
        "Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations"
    )  # fmt: skip

    def left() -> list[int]:
        return [len(service.get(kind).value) for kind in kinds]

    assert left() == [2, 1, 1, 3, 1, 3, 6]
    steps = [
        (f"FeaturesOfInterest({cold.feature_id})", [2, 1, 1, 3, 1, 3, 4]),
        (f"ObservedProperties({warm.observed_property_id})", [2, 1, 1, 2, 1, 2, 2]),
        (f"Locations({place})", [2, 0, 0, 2, 1, 2, 2]),
        (f"Datastreams({cold.pk})", [2, 0, 0, 1, 1, 2, 2]),
        (f"Things({east})", [1, 0, 0, 0, 1, 2, 0]),
        (f"Sensors({cold.sensor_id})", [1, 0, 0, 0, 0, 2, 0]),
    ]
    for path, expected in steps:
        answer = service.ask("DELETE", path)
        assert (path, answer.status, left()) == (path, 200, expected)
    told = [(row.envelope["type"], row.envelope["data"]["datastreams"]) for row in OutboxEvent.objects.order_by("pk")]
    gone = [warm.pk, cold.pk, towns.streams["wet"].pk]
    assert told == [("things.datastream.deleted", [pk]) for pk in gone]
    assert models.Observation.objects.count() + models.Latest.objects.count() + models.Hour.objects.count() == 0


def test_with_a_thing_goes_its_device_and_the_trail_keeps_both(service: Service, towns: World, county: County) -> None:
    models.Device.objects.create(county=county, key="D1", profile="x", thing=towns.east, secret="0" * 64)
    assert service.ask("DELETE", f"Things({towns.east.pk})").status == 200
    assert models.Device.objects.count() == 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM things_thingevent WHERE pgh_label = 'delete'")
        assert cursor.fetchall() == [("东站",)]
        cursor.execute("SELECT key FROM things_deviceevent WHERE pgh_label = 'delete'")
        assert cursor.fetchall() == [("D1",)]


def test_only_who_has_the_right_everywhere_may_change_or_delete(closed: Service, towns: World, county: County) -> None:
    open_ = towns.observe("warm", 1).pk, towns.observe("cold", 1).pk
    assert len(open_) == 2
    ids = dict(models.Observation.objects.values_list("datastream__key", "id"))
    person(county, "things.thing.view", username="reader")
    person(county, "things.*", username="dong", in_area="101")
    east, west, warm = towns.east.pk, towns.west.pk, towns.streams["warm"]
    before, kept = counts(), rows()
    tries: list[tuple[str, str, str, Any, int]] = [
        ("reader", "PATCH", f"Observations({ids['warm']})", {"result": 5}, 403),
        ("reader", "PUT", f"Observations({ids['warm']})", {"result": 5}, 403),
        ("reader", "DELETE", f"Observations({ids['warm']})", None, 403),
        ("reader", "DELETE", "Observations?$filter=result gt 0", None, 403),
        ("reader", "DELETE", f"Things({east})", None, 403),
        ("dong", "PATCH", f"Observations({ids['cold']})", {"result": 5}, 404),
        ("dong", "DELETE", f"Observations({ids['cold']})", None, 404),
        ("dong", "DELETE", f"Things({west})", None, 404),
        ("dong", "DELETE", f"Sensors({warm.sensor_id})", None, 403),
        ("dong", "DELETE", f"Datastreams({towns.streams['cold'].pk})", None, 404),
        ("dong", "POST", f"Things({west})/Locations/$ref", {"@iot.id": 1}, 404),
    ]
    answers = [closed.be(basic(who)).ask(method, path, body).status for who, method, path, body, _ in tries]
    assert answers == [status for *_, status in tries]
    assert (counts(), rows()) == (before, kept)
    assert closed.be(basic("dong")).ask("DELETE", "Observations?$filter=result gt 0").status == 204
    assert closed.be(basic("dong")).get("Observations").value == []
    assert models.Observation.objects.filter(datastream__key="cold").count() == 1


def test_put_replaces_an_entity_and_keeps_its_links(service: Service, county: County) -> None:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [STREAM]}).id
    new = service.ask("PUT", f"Things({thing})", {"name": "Stove", "description": "hot"}).json
    assert {k: v for k, v in new.items() if "@iot." not in k} == {"name": "Stove", "description": "hot"}
    assert len(service.get(f"Things({thing})/Datastreams").value) == 1
    refused = service.ask("PUT", f"Things({thing})", {"name": "x"})
    assert refused.fault[:2] == (400, "Thing.description: None: must be given")
    assert service.get(f"Things({thing})/name").json == {"name": "Stove"}


def test_a_json_patch_is_done_wholly_or_not_at_all(service: Service, county: County) -> None:
    thing = service.post("Things", THING).id
    good = [
        {"op": "test", "path": "/name", "value": "Oven"},
        {"op": "replace", "path": "/properties/owner", "value": "Emma"},
        {"op": "add", "path": "/properties/list", "value": [1]},
        {"op": "add", "path": "/properties/list/-", "value": 2},
        {"op": "move", "from": "/properties/colour", "path": "/properties/paint"},
    ]
    changed = service.patch(f"Things({thing})", good, **PATCH_TYPE)
    assert changed.json["properties"] == {"owner": "Emma", "list": [1, 2], "paint": "黑"}
    for bad in (
        [{"op": "replace", "path": "/name", "value": "x"}, {"op": "test", "path": "/description", "value": "no"}],
        [{"op": "remove", "path": "/name"}], [{"op": "remove", "path": "/properties/none"}], {"op": "add"},
        [{"op": "add", "path": "/size", "value": 1}], [{"op": "add", "path": "/properties/list/9", "value": 1}],
        [{"op": "paint", "path": "/name"}], [5],
    ):  # fmt: skip
        assert service.patch(f"Things({thing})", bad, **PATCH_TYPE).status == 400
    assert service.get(f"Things({thing})").json == changed.json
    absent = [{"op": "replace", "path": "/properties/none", "value": 1}]
    said = service.patch(f"Things({thing})", absent, **PATCH_TYPE).json["message"]
    assert said.endswith("'value': 1}: there is no 'none'")


def test_links_are_made_and_taken_away_by_ref(service: Service, towns: World) -> None:
    east, warm = towns.east.pk, towns.streams["warm"].pk
    place = service.post("Locations", LOCATION).id
    root = "http://localhost/sta/v1.1"
    made = service.post(f"Things({east})/Locations/$ref", {"@odata.id": f"{root}/Locations({place})"})
    assert made.status == 204
    assert service.get(f"Things({east})/Locations").all("@iot.id") == [place]
    assert service.ask("DELETE", f"Things({east})/Locations({place})/$ref").status == 204
    assert service.get(f"Things({east})/Locations").value == []
    assert len(service.get("Locations").value) == 1
    other = service.post("Sensors", {**SENSOR, "name": "other"}).id
    assert service.ask("PUT", f"Datastreams({warm})/Sensor/$ref", {"@iot.id": other}).status == 204
    assert service.get(f"Datastreams({warm})/Sensor/name").json == {"name": "other"}
    refused = {
        "no such": service.post(f"Things({east})/Locations/$ref", {"@iot.id": 0}),
        "no address": service.post(f"Things({east})/Locations/$ref", {"@odata.id": f"{root}/Sensors({other})"}),
        "required": service.ask("DELETE", f"Datastreams({warm})/Sensor/$ref"),
        "other end": service.post(f"Sensors({other})/Datastreams/$ref", {"@iot.id": warm}),
    }
    assert {name: answer.status for name, answer in refused.items()} == dict.fromkeys(refused, 400)


def test_links_to_many_are_replaced_by_patch(service: Service, towns: World) -> None:
    properties = [service.post("ObservedProperties", {**PROPERTY, "name": name}).id for name in "ab"]
    multi = {
        "name": "m", "description": "", "multiObservationDataTypes": ["x", "y"], "unitOfMeasurements": [UNIT, UNIT],
        "Thing": {"@iot.id": towns.east.pk}, "Sensor": {"@iot.id": towns.streams["warm"].sensor_id},
        "ObservedProperties": [{"@iot.id": id_} for id_ in properties],
        "observationType": "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_ComplexObservation",
    }  # fmt: skip
    made = service.post("MultiDatastreams", multi).id
    turned = {"ObservedProperties": [{"@iot.id": id_} for id_ in properties[::-1]]}
    assert service.patch(f"MultiDatastreams({made})", turned).status == 200
    assert service.get(f"MultiDatastreams({made})/ObservedProperties").all("@iot.id") == properties[::-1]
    place = service.post(f"Things({towns.east.pk})/Locations", LOCATION).id
    history = service.get(f"Locations({place})/HistoricalLocations").all("@iot.id")
    assert service.patch(f"Things({towns.east.pk})", {"Locations": []}).status == 200  # it is nowhere now
    assert service.get(f"Things({towns.east.pk})/Locations").value == []
    assert service.get(f"Things({towns.east.pk})/HistoricalLocations").all("@iot.id") == history
    less = {"ObservedProperties": [{"@iot.id": properties[0]}]}
    assert service.patch(f"MultiDatastreams({made})", less).status == 400
    assert service.get(f"MultiDatastreams({made})/ObservedProperties").all("@iot.id") == properties[::-1]
