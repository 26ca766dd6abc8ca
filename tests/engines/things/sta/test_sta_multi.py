"""MultiDatastreams (18-088, req/multi-datastream): several ObservedProperties observed at once, results are lists."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from tests.engines.things.sta.service import LOCATION, NOON, PROPERTY, ROOT, SENSOR, THING, UNIT, Service, World, counts

from shizhu.engines.things import api
from shizhu.engines.things.catalogue import Catalogue
from shizhu.engines.things.ingest import Ingest
from shizhu.engines.things.logic.readings import OM, Component, Reading, Verdict
from shizhu.engines.things.models import Datastream, Device, Latest, ObservedProperty
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]

WIND, RAIN = {**PROPERTY, "name": "Wind"}, {**PROPERTY, "name": "Rain", "definition": "http://a.b/rain"}
TYPES = [f"{OM}OM_Measurement", f"{OM}OM_TruthObservation", f"{OM}OM_CategoryObservation"]
NO_UNIT = {"name": None, "symbol": None, "definition": None}
MULTI: dict[str, Any] = {
    "name": "weather", "description": "wind and rain", "multiObservationDataTypes": TYPES,
    "unitOfMeasurements": [UNIT, NO_UNIT, NO_UNIT], "Sensor": SENSOR, "ObservedProperties": [WIND, PROPERTY, RAIN],
}  # fmt: skip


@pytest.fixture
def multi(service: Service, county: County) -> int:
    thing = service.post("Things", {**THING, "Locations": [LOCATION], "MultiDatastreams": [MULTI]}).id
    return int(service.get(f"Things({thing})/MultiDatastreams").value[0]["@iot.id"])


def test_it_is_told_whole_with_its_properties_in_order(service: Service, multi: int) -> None:
    found = service.get(f"MultiDatastreams({multi})?$expand=ObservedProperties($select=name)").json
    names = ("Thing", "Sensor", "Observations")
    assert found == {
        "@iot.id": multi, "@iot.selfLink": f"{ROOT}/MultiDatastreams({multi})", "name": "weather",
        "description": "wind and rain", "observationType": f"{OM}OM_ComplexObservation",
        "multiObservationDataTypes": TYPES, "unitOfMeasurements": [UNIT, NO_UNIT, NO_UNIT],
        "ObservedProperties": [{"name": "Wind"}, {"name": "Temperature"}, {"name": "Rain"}],
        **{f"{name}@iot.navigationLink": f"{ROOT}/MultiDatastreams({multi})/{name}" for name in names},
    }  # fmt: skip
    other = service.post(
        "MultiDatastreams",
        {
            **MULTI, "Thing": {"@iot.id": service.get(f"MultiDatastreams({multi})/Thing").json["@iot.id"]},
            "ObservedProperties": [{"@iot.id": row.pk} for row in ObservedProperty.objects.order_by("-pk")],
        },
    ).id  # fmt: skip
    ordered = f"MultiDatastreams({other})/ObservedProperties"
    assert service.get(ordered).all("name") == ["Rain", "Temperature", "Wind"]
    first = service.get(f"{ordered}?$top=2").json
    assert service.get(first["@iot.nextLink"]).all("name") == ["Wind"]
    assert service.get(f"{ordered}?$orderby=name").all("name") == ["Rain", "Temperature", "Wind"]
    wind = service.get(f"{ordered}?$filter=name eq 'Wind'").value[0]["@iot.id"]
    assert service.get(f"ObservedProperties({wind})/MultiDatastreams").all("@iot.id") == [multi, other]
    assert service.get("Things?$filter=MultiDatastreams/ObservedProperties/name eq 'Rain'").all("name") == ["Oven"]


def test_it_is_no_datastream(service: Service, multi: int, towns: World) -> None:
    warm = towns.streams["warm"].pk
    posted = service.post(f"MultiDatastreams({multi})/Observations", {"result": [1.5, True, "dry"]}).id
    plain = service.post(f"Datastreams({warm})/Observations", {"result": 1}).id
    text = service.post(f"Datastreams({warm})/Observations", {"result": "none"}).id
    assert service.get("Datastreams").all("name") == ["warm", "wet", "cold"]
    missing = [
        f"Datastreams({multi})", f"MultiDatastreams({warm})", f"Observations({posted})/Datastream",
        f"Observations({plain})/MultiDatastream", f"Observations({posted})/Datastream/Observations",
        f"Observations({posted})/Datastream/Thing",
    ]  # fmt: skip
    assert {path: service.get(path).status for path in missing} == dict.fromkeys(missing, 404)
    assert service.get(f"Observations({posted})/MultiDatastream/Thing/name").json == {"name": "Oven"}
    links = {
        id_: [name for name in service.get(f"Observations({id_})").json if "Datastream" in name]
        for id_ in (posted, plain, text)
    }
    one, many = ["Datastream@iot.navigationLink"], ["MultiDatastream@iot.navigationLink"]
    assert links == {posted: many, plain: one, text: one}
    both = service.get("Observations?$expand=Datastream($select=name),MultiDatastream($select=name)&$select=result")
    assert sorted(both.value, key=str, reverse=True) == [
        {"result": [1.5, True, "dry"], "MultiDatastream": {"name": "weather"}},
        {"result": 1, "Datastream": {"name": "warm"}},
        {"result": "none", "Datastream": {"name": "warm"}},
    ]
    assert service.get("Observations?$filter=MultiDatastream/name eq 'weather'").all("@iot.id") == [posted]
    assert service.get("Observations?$filter=Datastream/name eq null").all("@iot.id") == [posted]
    assert service.get("Observations?$filter=result[0] gt 1").all("@iot.id") == [posted]


FAULTS = {
    "number": ([1, True], "result: '[1, True]': a result of this MultiDatastream is a list of 3, one for each"),
    "single": (1, "result: '1': a result of this MultiDatastream is a list of 3, one for each ObservedProperty"),
    "measure": (["1", None, None], "result: \"['1', None, None]\": value 1 of the result must be a number, or null"),
    "truth": ([True, True, "x"], "result: \"[True, True, 'x']\": value 1 of the result must be a number, or null"),
    "text": ([1, True, 3], "result: '[1, True, 3]': value 3 of the result must be text, or null"),
}


def test_results_that_do_not_fit_are_refused_and_nothing_is_made(service: Service, multi: int) -> None:
    before = counts()
    address = f"MultiDatastreams({multi})/Observations"
    for result, rule in FAULTS.values():
        code, said, _ = service.post(address, {"result": result}).fault
        assert (code, said[: len(rule) + 12]) == (400, f"Observation.{rule}")
    assert counts() == before
    assert service.post(address, {"result": [None, None, None]}).status == 201
    assert Latest.objects.get(datastream=multi).result_json == [None, None, None]


def test_lengths_must_agree(service: Service, multi: int, towns: World) -> None:
    before = counts()
    link = {"Thing": {"@iot.id": towns.east.pk}}
    faults = {
        "MultiDatastream.multiObservationDataTypes: 2: must be as many as there are unitOfMeasurements (3)":
            {**MULTI, **link, "multiObservationDataTypes": TYPES[:2]},
        "MultiDatastream.multiObservationDataTypes: 3: must be as many as there are unitOfMeasurements (3) and "
        "ObservedProperties (2), each of these once":
            {**MULTI, **link, "ObservedProperties": [WIND, RAIN]},
        "MultiDatastream.multiObservationDataTypes: ['x', 1]: must be a list of texts":
            {**MULTI, **link, "multiObservationDataTypes": ["x", 1]},
        "MultiDatastream.unitOfMeasurements: {}: must be a list of JSON objects":
            {**MULTI, **link, "unitOfMeasurements": {}},
        f"MultiDatastream.observationType: 'x': must be {OM}OM_ComplexObservation":
            {**MULTI, **link, "observationType": "x"},
        "MultiDatastream.ObservedProperties: []: must be a list of entities, at least one":
            {**MULTI, **link, "ObservedProperties": []},
    }  # fmt: skip
    answers = {rule: service.post("MultiDatastreams", body).fault for rule, body in faults.items()}
    assert {rule: (code, said[: len(rule)]) for rule, (code, said, _) in answers.items()} == {
        rule: (400, rule) for rule in faults
    }
    patched = service.patch(f"MultiDatastreams({multi})", {"multiObservationDataTypes": TYPES[:1]})
    assert patched.status == 400
    both = {"result": 1, "Datastream": {"@iot.id": towns.streams["warm"].pk}, "MultiDatastream": {"@iot.id": multi}}
    assert service.post("Observations", both).fault[:2] == (
        400, f"Observation.Datastream: {both['Datastream']}: must be given, or MultiDatastream"
    )  # fmt: skip
    wrong = {"result": [1, True, "x"], "Datastream": {"@iot.id": multi}}
    assert service.post("Observations", wrong).fault[1] == (
        f"Observation.Datastream: {multi}: there is no Datastream with this @iot.id"
    )
    assert counts() == before
    assert service.get(f"MultiDatastreams({multi})/multiObservationDataTypes").json == {
        "multiObservationDataTypes": TYPES
    }


def test_each_value_is_judged_by_the_range_of_the_things_own_datastream(service: Service, multi: int, run: Any) -> None:
    stream = Datastream.objects.get(pk=multi)
    wind = stream.observed_properties.get(name="Wind")
    Datastream.objects.create(
        thing=stream.thing, sensor=stream.sensor, observed_property=wind, name="wind", unit_of_measurement=UNIT,
        lowest=0, highest=60,
    )  # fmt: skip
    address = f"MultiDatastreams({multi})/Observations"
    for number, speed in enumerate((5, 99)):
        service.post(address, {"result": [speed, True, "x"], "phenomenonTime": f"2026-07-01T12:0{number}:00Z"})
    doubt = {
        "verdict": "bad", "rule": "range", "value": 99, "limit": [0, 60], "components": ["bad", "good", "good"]
    }  # fmt: skip
    told = [row.get("resultQuality") for row in service.get(address).value]
    assert told == [None, doubt]

    async def catalogue() -> Catalogue:
        url = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as plain:
            found = Catalogue()
            await found.refresh(plain)
            return found

    Device.objects.create(key="mast", county=stream.thing.county, thing=stream.thing, profile="none", secret="")
    known = run(catalogue())
    parts = Component(TYPES[0], 0, 60), Component(TYPES[1], None, None), Component(TYPES[2], None, None)
    assert known.streams[multi].components == parts
    ingest = Ingest("mqtt", catalogue=known)
    body = b'{"result": [99, false, null], "phenomenonTime": "2026-07-01T12:05:00Z"}'
    read = ingest._observation(f"MultiDatastreams({multi}).Observations", body, NOON)
    assert isinstance(read, Reading)
    assert (read.stream, read.result_json, read.verdict) == (multi, "[99,false,null]", Verdict.BAD)
    published = api.grant(known.devices["mast"]).publish
    assert f"v1//1.MultiDatastreams({multi}).Observations" in published
    assert f"v1//1.Datastreams({multi}).Observations" not in published
