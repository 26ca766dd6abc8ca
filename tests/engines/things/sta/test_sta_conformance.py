"""Each requirement of 18-088 that the service says it meets, by its name; what it does not name is not tested here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.engines.things.sta.service import LOCATION, PROPERTY, ROOT, SENSOR, STREAM, THING, Service, World

from shizhu.engines.things.http.sta.landing import CONFORMANCE
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]
REQUIREMENT = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
AREA = "FeatureOfInterest/feature,geography'POLYGON ((100 30, 101 30, 101 31, 100 31, 100 30))'"

MODEL = {  # requirement → entity set, properties (§8.2), relations
    "thing": ("Things", "name description properties", "Locations HistoricalLocations Datastreams"),
    "location": ("Locations", "name description encodingType location", "Things HistoricalLocations"),
    "historical-location": ("HistoricalLocations", "time", "Thing Locations"),
    "datastream": (
        "Datastreams", "name description observationType unitOfMeasurement phenomenonTime",
        "Thing Sensor ObservedProperty Observations",
    ),
    "sensor": ("Sensors", "name description encodingType metadata", "Datastreams"),
    "observed-property": ("ObservedProperties", "name definition description", "Datastreams"),
    "observation": ("Observations", "phenomenonTime result resultTime", "Datastream FeatureOfInterest"),
    "feature-of-interest": ("FeaturesOfInterest", "name description encodingType feature", "Observations"),
}  # fmt: skip
QUERIES = {  # of the Observations 0, 1, 2, 3: query option → what is answered
    "request-data/order": [("$filter=result gt 0&$orderby=result desc&$skip=1&$top=1", [2])],
    "request-data/orderby": [("$orderby=result desc", [3, 2, 1, 0]), ("$orderby=result", [0, 1, 2, 3])],
    "request-data/top": [("$top=2", [0, 1]), ("$top=0", [])],
    "request-data/skip": [("$skip=3", [3]), ("$skip=1&$top=1", [1])],
    "request-data/filter": [("$filter=result eq 2", [2]), ("$filter=Datastream/Thing/name eq 'Oven'", [0, 1, 2, 3])],
    "request-data/built-in-filter-operations": [
        ("$filter=result eq 1", [1]), ("$filter=result ne 1", [0, 2, 3]), ("$filter=result gt 1", [2, 3]),
        ("$filter=result ge 2", [2, 3]), ("$filter=result lt 1", [0]), ("$filter=result le 1", [0, 1]),
        ("$filter=result gt 0 and result lt 2", [1]), ("$filter=result lt 1 or result gt 2", [0, 3]),
        ("$filter=not (result lt 2)", [2, 3]), ("$filter=result add 1 eq 3", [2]), ("$filter=result sub 1 eq 0", [1]),
        ("$filter=result mul 2 eq 4", [2]), ("$filter=result div 2 eq 1", [2]), ("$filter=result mod 2 eq 1", [1, 3]),
        ("$filter=(result add 1) mul 2 eq 4", [1]),
    ],
    "request-data/built-in-query-functions": [
        (f"$filter=result eq 1 and {text}", [1])
        for text in (
            "substringof('Oven',Datastream/Thing/name)", "endswith(Datastream/Thing/name,'en')",
            "startswith(Datastream/Thing/name,'Ov')", "length(Datastream/Thing/name) eq 4",
            "indexof(Datastream/Thing/name,'v') eq 1", "substring(Datastream/Thing/name,1) eq 'ven'",
            "tolower(Datastream/Thing/name) eq 'oven'", "toupper(Datastream/Thing/name) eq 'OVEN'",
            "trim(concat(Datastream/Thing/name,' ')) eq 'Oven'", "year(phenomenonTime) eq 2026",
            "month(phenomenonTime) eq 7", "day(phenomenonTime) eq 1", "hour(phenomenonTime) eq 12",
            "minute(phenomenonTime) eq 1", "second(phenomenonTime) eq 0", "fractionalseconds(phenomenonTime) eq 0",
            "date(phenomenonTime) eq 2026-07-01", "time(phenomenonTime) eq 12:01:00",
            "totaloffsetminutes(phenomenonTime) eq 0", "phenomenonTime lt now()", "phenomenonTime gt mindatetime()",
            "phenomenonTime lt maxdatetime()", "round(result add 0.2) eq 1", "floor(result add 0.7) eq 1",
            "ceiling(result sub 0.7) eq 1",
            f"st_within({AREA})", f"geo.intersects({AREA})", f"st_intersects({AREA})", f"not st_disjoint({AREA})",
            f"not st_touches({AREA})", f"not st_overlaps({AREA})", f"not st_crosses({AREA})",
            f"not st_contains({AREA})", f"not st_equals({AREA})", f"st_relate({AREA},'T********')",
            "geo.length(FeatureOfInterest/feature) eq 0",
            "geo.distance(FeatureOfInterest/feature,geography'POINT(100.2 30.2)') lt 0.001",
        )
    ],
}  # fmt: skip
Check = Callable[[Service, int], None]


@pytest.fixture
def thing(service: Service, county: County) -> int:
    rows = [{"result": n, "phenomenonTime": f"2026-07-01T12:0{n}:00Z"} for n in range(4)]
    return service.post(
        "Things", {**THING, "Locations": [LOCATION], "Datastreams": [{**STREAM, "Observations": rows}]}
    ).id


def model(name: str) -> Check:
    entity_set, properties, relations = MODEL[name]

    def check(service: Service, _: int) -> None:
        entity = service.get(f"{entity_set}?$top=1").value[0]
        assert not {*properties.split()} - {*entity}
        for relation in relations.split():
            assert service.get(entity[f"{relation}@iot.navigationLink"]).status == 200

    return check


def queries(name: str) -> Check:
    def check(service: Service, _: int) -> None:
        found = {query: service.get(f"Observations?{query}").all("result") for query, _ in QUERIES[name]}
        assert found == dict(QUERIES[name])

    return check


def control(service: Service, thing: int) -> None:
    entity = service.get(f"Things({thing})").json
    assert (entity["@iot.id"], entity["@iot.selfLink"]) == (thing, f"{ROOT}/Things({thing})")
    assert service.get(entity["@iot.selfLink"]).json == entity


def resource_paths(service: Service, thing: int) -> None:
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    paths = (
        "", "Things", f"Things({thing})", f"Things({thing})/name", f"Things({thing})/name/$value",
        f"Things({thing})/Datastreams", f"Things({thing})/Datastreams/$ref",
        f"Things({thing})/Datastreams({stream})/Observations", f"Datastreams({stream})/Thing/$ref",
    )  # fmt: skip
    assert [service.get(path).status for path in paths] == [200] * len(paths)


def status_codes(service: Service, thing: int) -> None:
    codes = {"Things": 200, "Things(0)": 404, "Nothings": 404, "Things(x)": 400, f"Things({thing})/nothing": 404}
    assert {path: service.get(path).status for path in codes} == codes


def query_status_codes(service: Service, _: int) -> None:
    codes = {"$top=x": 400, "$nothing=1": 400, "$search=x": 501, "$filter=nam eq 1": 400, "$top=1": 200}
    assert {query: service.get(f"Things?{query}").status for query in codes} == codes


def expand(service: Service, thing: int) -> None:
    one = service.get(f"Things({thing})?$expand=Datastreams($expand=Observations($filter=result gt 2)),Locations").json
    assert [row["result"] for row in one["Datastreams"][0]["Observations"]] == [3]
    two = service.get(f"Things({thing})?$expand=Datastreams/ObservedProperty").json
    assert two["Datastreams"][0]["ObservedProperty"]["name"] == PROPERTY["name"]


def select(service: Service, thing: int) -> None:
    assert service.get(f"Things({thing})?$select=name").json == {"name": "Oven"}
    nested = service.get(f"Things({thing})?$select=id&$expand=Datastreams($select=name)").json
    assert nested == {"@iot.id": thing, "Datastreams": [{"name": STREAM["name"]}]}


def count(service: Service, _: int) -> None:
    assert service.get("Observations?$count=true&$top=1").json["@iot.count"] == 4
    assert "@iot.count" not in service.get("Observations?$count=false").json


def pagination(service: Service, _: int) -> None:
    link, found = "Observations?$top=3", []
    while link:
        page = service.get(link).json
        found += [row["result"] for row in page["value"]]
        link = page.get("@iot.nextLink", "")
    assert found == [0, 1, 2, 3]


def multi(service: Service, thing: int) -> None:
    body: dict[str, Any] = {
        "name": "m", "description": "d", "Thing": {"@iot.id": thing}, "Sensor": SENSOR,
        "multiObservationDataTypes": [STREAM["observationType"]], "unitOfMeasurements": [STREAM["unitOfMeasurement"]],
        "ObservedProperties": [PROPERTY], "Observations": [{"result": [1]}],
    }  # fmt: skip
    made = service.post("MultiDatastreams", body).id
    whole = service.get(f"MultiDatastreams({made})?$expand=ObservedProperties,Observations").json
    assert (len(whole["ObservedProperties"]), whole["Observations"][0]["result"]) == (1, [1])
    assert service.post(f"MultiDatastreams({made})/Observations", {"result": [1, 2]}).status == 400


def data_array(service: Service, thing: int) -> None:
    stream = service.get(f"Things({thing})/Datastreams").value[0]["@iot.id"]
    group = {"Datastream": {"@iot.id": stream}, "components": ["phenomenonTime", "result"]}
    told = service.post("CreateObservations", [{**group, "dataArray": [["2026-07-01T13:00:00Z", 5], ["noon", 6]]}])
    assert (told.status, service.get(told.json[0]).json["result"], told.json[1]) == (201, 5, "error")
    (found,) = service.get(f"Datastreams({stream})/Observations?$resultFormat=dataArray&$filter=result eq 5").value
    assert found["dataArray@iot.count"] == 1


def batch(service: Service, thing: int) -> None:
    asked = [{"id": "a", "method": "get", "url": f"Things({thing})?$select=name"}]
    told = service.post("$batch", {"requests": asked}, **{"content-type": "application/json"})
    assert [one["body"] for one in told.json["responses"]] == [{"name": "Oven"}]
    line = f"--b\r\nContent-Type: application/http\r\n\r\nGET Things({thing})?$select=name HTTP/1.1\r\n\r\n--b--"
    told = service.post("$batch", line.encode(), **{"content-type": "multipart/mixed;boundary=b"})
    assert b"HTTP/1.1 200 OK" in told.body


def create(service: Service, _: int) -> None:
    answer = service.post("Things", THING)
    assert (answer.status, service.get(answer.headers["location"]).json["name"]) == (201, "Oven")


def link(service: Service, thing: int) -> None:
    made = service.post("Locations", {**LOCATION, "Things": [{"@iot.id": thing}]}).id
    assert service.get(f"Things({thing})/Locations").all("@iot.id") == [made]


def deep_insert(service: Service, _: int) -> None:
    made = service.post("Things", {**THING, "Datastreams": [STREAM]})
    assert made.status == 201
    assert service.get(f"Things({made.id})/Datastreams").all("name") == [STREAM["name"]]


def histories(service: Service, thing: int) -> None:
    service.post("Locations", {**LOCATION, "Things": [{"@iot.id": thing}]})
    assert len(service.get(f"Things({thing})/HistoricalLocations").value) == 2


def manual_history(service: Service, thing: int) -> None:
    place = service.get(f"Things({thing})/Locations").value[0]["@iot.id"]
    body = {"time": "2020-01-01T00:00:00Z", "Locations": [{"@iot.id": place}]}
    made = service.post(f"Things({thing})/HistoricalLocations", body).id
    assert service.get(f"HistoricalLocations({made})").json["time"] == "2020-01-01T00:00:00Z"


CHECKS: dict[str, Check] = {
    **{f"datamodel/{name}": model(name) for name in MODEL},
    **{name: queries(name) for name in QUERIES},
    "datamodel/entity-control-information/common-control-information": control,
    "resource-path/resource-path-to-entities": resource_paths,
    "request-data/status-code": status_codes,
    "request-data/query-status-code": query_status_codes,
    "request-data/expand": expand,
    "request-data/select": select,
    "request-data/count": count,
    "request-data/pagination": pagination,
    "multi-datastream": multi,
    "data-array/data-array": data_array,
    "batch-request/batch-request": batch,
    "create-update-delete/create-entity": create,
    "create-update-delete/link-to-existing-entities": link,
    "create-update-delete/deep-insert": deep_insert,
    "create-update-delete/deep-insert-status-code": deep_insert,
    "create-update-delete/historical-location-auto-creation": histories,
    "create-update-delete/historical-location-manual-creation": manual_history,
}


def test_all_that_is_checked_is_said(service: Service, towns: World) -> None:
    said = service.get("").json["serverSettings"]["conformance"]
    assert said == CONFORMANCE["v1.1"]
    assert {*CHECKS} <= {name.removeprefix(REQUIREMENT) for name in said}


@pytest.mark.parametrize("name", CHECKS)
def test_requirement(service: Service, thing: int, name: str) -> None:
    CHECKS[name](service, thing)


def test_the_edition_of_2016_is_there_with_its_own_requirements(service: Service, thing: int) -> None:
    old = "http://localhost/sta/v1.0"
    page = service.get("/sta/v1.0").json
    assert page["value"][0] == {"name": "Things", "url": f"{old}/Things"}
    said = page["serverSettings"]["conformance"]
    assert said == CONFORMANCE["v1.0"]
    assert {f"{REQUIREMENT.replace('1.1', '1.0')}thing/properties"} <= {*said}
    assert not [name for name in said if "jsonpatch" in name or "multi-datastream" in name]
    assert service.get(f"/sta/v1.0/Things({thing})").json["@iot.selfLink"] == f"{old}/Things({thing})"
    assert service.get("/sta/v1.0/Observations?$top=1").json["@iot.nextLink"].startswith(f"{old}/Observations?")
    made = service.post("/sta/v1.0/Things", THING)
    assert made.headers["location"] == f"{old}/Things({made.id})"
    assert [service.get(path).status for path in ("/sta/v1.2", "/sta/v1.0x", "/sta/v1.00/Things")] == [404] * 3


def test_the_broker_is_told(service: Service, towns: World) -> None:
    told = service.get("").json["serverSettings"]
    (creating,) = told[f"{REQUIREMENT}create-observations-via-mqtt/observations-creation"]["endpoints"]
    assert creating.startswith("mqtt://localhost:")
    assert told[f"{REQUIREMENT}receive-updates-via-mqtt/receive-updates"]["endpoints"] == [creating]
