"""frost-sta-client and pygeoapi's SensorThings provider read and write: `sensorthings.py ROOT NAME PASSWORD`.

Runs in the environment of `requirements/clients.lock`, which has nothing of ours.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

warnings.filterwarnings("ignore")

import frost_sta_client as frost  # noqa: E402
from frost_sta_client.model.ext.data_array_document import DataArrayDocument  # noqa: E402
from frost_sta_client.model.ext.data_array_value import DataArrayValue  # noqa: E402
from frost_sta_client.model.ext.unitofmeasurement import UnitOfMeasurement  # noqa: E402
from geojson import Point  # noqa: E402
from pygeoapi.provider.sensorthings import SensorThingsProvider  # noqa: E402

MEASURED = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
Made = dict[str, int]


def thing(service: frost.SensorThingsService) -> frost.Thing:
    """A Thing with all that can be in it, made at once."""
    place = frost.Location(name="bank", description="left", encoding_type="application/geo+json")
    place.location = Point((108.1, 30.0))
    made = frost.Thing(name="Frost", description="made by a client", properties={"owner": "Noah", "floor": 2})
    made.locations = [place]
    sensor = frost.Sensor(name="probe", description="dips", encoding_type="text/plain", metadata="none")
    observed = frost.ObservedProperty(name="level", definition="urn:level", description="of water")
    made.datastreams = [
        frost.Datastream(
            name="level of Frost", description="in metres", observation_type=MEASURED,
            unit_of_measurement=UnitOfMeasurement("metre", "m", "ucum:m"), sensor=sensor, observed_property=observed,
        )
    ]  # fmt: skip
    service.create(made)
    return made


def deep_insert(service: frost.SensorThingsService, made: Made) -> None:
    made["thing"] = thing(service).id
    found = service.things().query().filter("name eq 'Frost'").expand("Datastreams,Locations").list().entities
    assert [one.id for one in found] == [made["thing"]]
    assert found[0].properties == {"owner": "Noah", "floor": 2}
    (stream,) = found[0].datastreams.entities
    made["stream"] = stream.id
    assert stream.unit_of_measurement.symbol == "m"
    assert found[0].locations.entities[0].location["coordinates"] == [108.1, 30.0]


def data_array(service: frost.SensorThingsService, made: Made) -> None:
    rows = DataArrayValue()
    rows.datastream = service.datastreams().find(made["stream"])
    rows.components = {DataArrayValue.Property.PHENOMENON_TIME, DataArrayValue.Property.RESULT}
    for number in range(250):
        at = (NOON + timedelta(minutes=number)).isoformat()
        rows.add_observation(frost.Observation(phenomenon_time=at, result=number, datastream=rows.datastream))
    document = DataArrayDocument()
    document.add_data_array_value(rows)
    told = service.observations().create(document)
    assert len({one.self_link for one in told} - {"error"}) == 250


def pages(service: frost.SensorThingsService, made: Made) -> None:
    stream = service.datastreams().find(made["stream"])
    every = list(stream.get_observations().query().orderby("phenomenonTime", "desc").list())  # follows nextLink
    assert [one.result for one in every] == list(range(249, -1, -1))
    some = stream.get_observations().query().filter("result ge 100 and result lt 103").orderby("result").list()
    assert [one.result for one in some] == [102, 101, 100]  # its own default is DESC
    counted = service.observations().query().filter(f"Datastream/id eq {stream.id}").top(1).count().list()
    assert counted.count == 250


def change(service: frost.SensorThingsService, made: Made) -> None:
    one = service.things().find(made["thing"])
    service.patch(one, [{"op": "replace", "path": "/properties/owner", "value": "Lian"}])
    assert service.things().find(one.id).properties["owner"] == "Lian"
    one = service.things().find(made["thing"])
    one.description = "changed by a client"
    service.update(one)
    assert service.things().find(one.id).description == "changed by a client"
    observation = service.observations().query().filter("result eq 7").list().entities[0]
    service.patch(observation, [{"op": "replace", "path": "/result", "value": 7.5}])
    assert service.observations().find(observation.id).result == 7.5


def geoapi(root: str, made: Made) -> None:
    """Collections of a pygeoapi in front of us."""

    def provider(entity: str, **more: str) -> SensorThingsProvider:
        told = {"name": "SensorThings", "type": "feature", "data": root, "entity": entity, "id_field": "@iot.id"}
        return SensorThingsProvider({**told, **more})

    near, far = [108.0, 29.9, 108.2, 30.1], [10.0, 10.0, 11.0, 11.0]
    things = provider("Things")
    found = things.query(bbox=near)
    assert [one["id"] for one in found["features"]] == [str(made["thing"])]
    assert found["features"][0]["geometry"]["coordinates"] == [108.1, 30.0]
    assert things.query(bbox=far)["features"] == []
    assert things.get(made["thing"])["properties"]["name"] == "Frost"
    observations = provider("Observations", time_field="phenomenonTime")
    span = "2026-07-01T12:10:00Z/2026-07-01T12:12:00Z"
    shown = observations.query(datetime_=span, sortby=[{"property": "phenomenonTime", "order": "-"}])
    assert [one["properties"]["result"] for one in shown["features"]] == [12, 11, 10]
    assert observations.query(resulttype="hits")["numberMatched"] == 250
    assert len(observations.query(limit=150)["features"]) == 150
    (stream,) = provider("Datastreams").query(bbox=near)["features"]
    assert stream["properties"]["name"] == "level of Frost"
    number = things.create({"name": "Geo", "description": "made by pygeoapi"})
    assert things.update(number, {"name": "Geo2", "description": "changed"})
    assert things.get(number)["properties"]["name"] == "Geo2"
    assert things.delete(number)


def remove(service: frost.SensorThingsService, made: Made) -> None:
    observation = service.observations().query().filter("result eq 3").list().entities[0]
    service.delete(observation)
    assert service.observations().query().filter("result eq 3").list().entities == []
    service.delete(service.things().find(made["thing"]))
    assert service.things().query().filter("name eq 'Frost'").list().entities == []
    assert service.datastreams().query().filter("name eq 'level of Frost'").list().entities == []


def main() -> int:
    root, name, password = sys.argv[1:]
    service = frost.SensorThingsService(root, auth_handler=None)
    service.auth_handler = frost.AuthHandler(name, password)
    scheme, _, rest = root.partition("://")
    with_login = f"{scheme}://{name}:{quote(password)}@{rest}"
    made: Made = {}
    steps: list[tuple[str, Callable[[], None]]] = [
        ("frost: deep insert, filter, expand", lambda: deep_insert(service, made)),
        ("frost: data array of 250", lambda: data_array(service, made)),
        ("frost: pages, order, count", lambda: pages(service, made)),
        ("pygeoapi: box, time, pages, create, update, delete", lambda: geoapi(with_login, made)),
        ("frost: JSON Patch, PUT, correction", lambda: change(service, made)),
        ("frost: delete", lambda: remove(service, made)),
    ]
    for title, step in steps:
        step()
        print(f"ok: {title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
