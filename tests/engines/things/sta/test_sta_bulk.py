"""CreateObservations: a row an address or "error", bad rows kept, corrections and repeats as everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.engines.things.sta.service import LOCATION, POINT, ROOT, STREAM, THING, Service, World, basic, counts, minute
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api, models
from shizhu.engines.things.models import FeatureOfInterest, Hour, Latest, Observation, Quarantine
from shizhu.kernel.models import County, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]


def at(number: float) -> str:
    return f"{minute(number):%FT%TZ}"


def group(stream: int, rows: list[Any], *components: str, **more: Any) -> dict[str, Any]:
    names = components or ("phenomenonTime", "result")
    return {"Datastream": {"@iot.id": stream}, "components": [*names], "dataArray": rows, **more}


def current(stream: int) -> list[tuple[int, int, float | None]]:
    kept = Observation.objects.filter(datastream=stream).order_by("phenomenon_time", "sequence")
    return [(o.id, o.sequence, o.result) for o in kept]


def test_rows_of_two_datastreams_are_answered_in_their_order(service: Service, towns: World) -> None:
    warm, wet = towns.streams["warm"].pk, towns.streams["wet"].pk
    told = service.post("CreateObservations", [
        group(warm, [[at(2), 20], [at(1), 10], [at(0), {"a": [1, "冷"]}]], **{"dataArray@iot.count": 3}),
        group(wet, [[at(5), 7.5]]),
    ])  # fmt: skip
    assert told.status == 201
    found = [service.get(address).json for address in told.json]
    assert [(one["phenomenonTime"], one["result"]) for one in found] == [
        (at(2), 20), (at(1), 10), (at(0), {"a": [1, "冷"]}), (at(5), 7.5),
    ]  # fmt: skip
    assert told.json == [f"{ROOT}/Observations({one['@iot.id']})" for one in found]
    assert Latest.objects.get(datastream=warm).result == 20
    assert list(Hour.objects.order_by("datastream").values_list("count", "total")) == [(2, 30), (1, 7.5)]
    assert OutboxEvent.objects.count() == 0


def test_repeats_and_corrections_are_as_everywhere(service: Service, towns: World) -> None:
    warm = towns.streams["warm"].pk
    first = service.post(f"Datastreams({warm})/Observations", {"result": 1, "phenomenonTime": at(0)}).id
    told = service.post(
        "CreateObservations", [group(warm, [[at(0), 1], [at(1), 2], [at(1), 2], [at(1), 3], [at(0), 9]])]
    )
    rows = current(warm)
    assert [row[1:] for row in rows] == [(0, 1), (1, 9), (0, 2), (1, 3)]
    ids = [int(address.rpartition("(")[2][:-1]) for address in told.json]
    assert ids == [rows[1][0], rows[3][0], rows[3][0], rows[3][0], rows[1][0]]
    assert first == rows[0][0]
    again = service.post("CreateObservations", [group(warm, [[at(0), 9], [at(1), 3]])])
    assert [again.json, current(warm)] == [[told.json[0], told.json[1]], rows]
    assert list(Hour.objects.values_list("count", "total", "least", "most")) == [(2, 12, 3, 9)]


def test_a_row_that_is_wrong_is_kept_with_the_reason_and_the_others_are_made(service: Service, towns: World) -> None:
    warm = towns.streams["warm"].pk
    rows = [[at(0), 1, None], [at(1)], "x", ["noon", 2, None], ["2999-01-01T00:00:00Z", 3, None], [at(4), 4, [5]],
            [at(5), "\0", None], [at(6), 6, {"origin": "simulated"}]]  # fmt: skip
    told = service.post("CreateObservations", [group(warm, rows, "phenomenonTime", "result", "parameters")])
    assert (told.status, [address == "error" for address in told.json]) == (201, [False, *[True] * 6, False])
    assert [(o.result, o.origin) for o in Observation.objects.order_by("phenomenon_time")] == [(1, 0), (6, 1)]
    kept = list(Quarantine.objects.order_by("id"))
    assert [(one.protocol, one.field, one.value) for one in kept] == [
        ("sta", "dataArray", f'["{at(1)}"]'), ("sta", "dataArray", '"x"'), ("sta", "phenomenonTime", "noon"),
        ("sta", "phenomenonTime", "2999-01-01T00:00:00Z"), ("sta", "parameters", "[5]"),
        ("sta", "result", f'["{at(5)}","\\u0000",null]'),
    ]  # fmt: skip
    assert [one.rule for one in kept[:2]] == ["a row is a list of 3 components"] * 2
    assert json.loads(bytes(kept[2].payload)) == group(warm, [rows[3]], "phenomenonTime", "result", "parameters")


def test_where_it_was_observed(service: Service, county: County, towns: World) -> None:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "Datastreams": [STREAM]}).id
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    other = FeatureOfInterest.objects.create(name="pond", feature=POINT).pk
    rows = [[1, None], [2, other], [3, 0], [4, "x"], [5, True]]
    told = service.post("CreateObservations", [group(stream, rows, "result", "FeatureOfInterest/id")]).json
    names = [service.get(f"{address}/FeatureOfInterest").json["name"] for address in told[:2]]
    assert (names, told[2:]) == (["My room", "pond"], ["error"] * 3)
    assert [one.field for one in Quarantine.objects.all()] == ["FeatureOfInterest"] * 3
    nowhere = service.post("Things", {**THING, "Datastreams": [STREAM]}).id
    lost = service.get(f"Things({nowhere})/Datastreams").value[0]["@iot.id"]
    assert service.post("CreateObservations", [group(lost, [[1]], "result")]).json == ["error"]


def test_results_of_several_properties_at_once(service: Service, towns: World) -> None:
    body = {
        "name": "m", "description": "d", "Sensor": {"@iot.id": towns.streams["warm"].sensor_id},
        "multiObservationDataTypes": [STREAM["observationType"]] * 2,
        "unitOfMeasurements": [STREAM["unitOfMeasurement"]] * 2, "Thing": {"@iot.id": towns.east.pk},
        "ObservedProperties": [{"@iot.id": towns.streams[key].observed_property_id} for key in ("warm", "wet")],
    }  # fmt: skip
    multi = service.post("MultiDatastreams", body).id
    given = {"MultiDatastream": {"@iot.id": multi}, "components": ["result"], "dataArray": [[[1, 2]], [[1]]]}
    told = service.post("CreateObservations", [given]).json
    assert (service.get(told[0]).json["result"], told[1]) == ([1, 2], "error")


def test_a_body_that_is_no_data_array_makes_nothing(service: Service, towns: World) -> None:
    warm, before = towns.streams["warm"].pk, counts()
    good = group(warm, [[at(0), 1]])
    wrong: list[Any] = [
        {}, "x", [1], [{**good, "Datastream": {"@iot.id": "1"}}], [{**good, "Datastream": None}],
        [{**good, "components": ["result", "colour"]}], [{**good, "components": ["phenomenonTime"]}],
        [{**good, "components": ["result", "result"]}], [{**good, "dataArray": {}}],
        [good, {**good, "dataArray@iot.count": 2}],
    ]  # fmt: skip
    assert [service.post("CreateObservations", body).status for body in wrong] == [400] * len(wrong)
    assert (counts(), Quarantine.objects.count()) == (before, 0)


def test_rows_where_one_may_not_write_are_errors(closed: Service, towns: World, county: County) -> None:
    person(county, "things.*", username="dong", in_area="101")
    person(county, "things.thing.view", username="reader")
    warm, cold = towns.streams["warm"].pk, towns.streams["cold"].pk
    body = [group(cold, [[at(0), 1], [at(1), 2]]), group(warm, [[at(0), 3]])]
    assert closed.post("CreateObservations", body).status == 401
    assert closed.be(basic("reader")).post("CreateObservations", body).status == 403
    assert Observation.objects.count() == 0
    told = closed.be(basic("dong")).post("CreateObservations", body)
    assert (told.status, told.json[:2]) == (201, ["error", "error"])
    assert [(o.datastream_id, o.result) for o in Observation.objects.all()] == [(warm, 3)]
    (kept,) = Quarantine.objects.all()
    assert (kept.sender, kept.field, kept.value, kept.device) == ("dong", "Datastream", str(cold), None)
    hidden = FeatureOfInterest.objects.get(pk=towns.streams["cold"].feature_id).pk
    rows = [[at(1), 4, hidden]]
    told = closed.be(basic("dong")).post(
        "CreateObservations", [group(warm, rows, "phenomenonTime", "result", "FeatureOfInterest/id")]
    )
    assert (told.json, Observation.objects.count()) == (["error"], 1)


def test_a_device_sends_to_its_own_datastreams(closed: Service, towns: World, county: County) -> None:
    wanted = api.Registration(
        "jug-1", "lemonade.jug", "一号水罐", organisation(county, "stand"), area(county, "101"), (100.2, 30.2)
    )
    jug = api.register(wanted, "secret")[0]
    own = models.Datastream.objects.get(thing=jug.thing, key="temperature").pk
    body = [group(own, [[at(0), 20], [at(1), "1e400" * 9, 1]]), group(towns.streams["warm"].pk, [[at(0), 1]])]
    told = closed.be(basic("jug-1", "secret")).post("CreateObservations", body)
    assert [address == "error" for address in told.json] == [False, True, True]
    assert [(o.datastream_id, o.result) for o in Observation.objects.all()] == [(own, 20)]
    kept = Quarantine.objects.order_by("id").values_list("device", "sender", "field")
    assert list(kept) == [(jug.pk, "jug-1", "dataArray"), (None, "jug-1", "Datastream")]


def test_thousands_of_rows_are_one_transaction(service: Service, towns: World) -> None:
    warm = towns.streams["warm"].pk
    rows = [[f"{minute(n / 60):%FT%TZ}", n] for n in range(5000)]
    told = service.post("CreateObservations", [group(warm, rows)]).json
    assert (len(set(told)), "error" in told) == (5000, False)
    assert Observation.objects.filter(datastream=warm).values("known_at").distinct().count() == 1
    assert sum(Hour.objects.values_list("count", flat=True)) == 5000
    assert Latest.objects.get(datastream=warm).result == 4999
