"""The service as tests ask it, and a small world of two towns."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

import orjson
from django.conf import settings
from django.db import connection
from tests.fixtures import area, organisation

from shizhu.engines.things import models
from shizhu.engines.things.api import SensorThings
from shizhu.engines.things.models import Datastream, FeatureOfInterest, Observation, ObservedProperty, Sensor, Thing
from shizhu.kernel.models import County, OutboxEvent

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
ROOT = "http://localhost/sta/v1.1"
POINT = {"type": "Point", "coordinates": [100.2, 30.2]}
UNIT = {"name": "degree Celsius", "symbol": "℃", "definition": "ucum:Cel"}
OM = "http://www.opengis.net/def/observationType/OGC-OM/2.0/OM_Measurement"
SENSOR = {
    "name": "DS18B20",
    "description": "thermometer",
    "encodingType": "application/pdf",
    "metadata": "http://a.b/c.pdf",
}
PROPERTY = {"name": "Temperature", "definition": "http://a.b/temperature", "description": "air temperature"}
LOCATION = {"name": "My room", "description": "home", "encodingType": "application/geo+json", "location": POINT}
STREAM = {
    "name": "Room temperature", "description": "in the room", "observationType": OM, "unitOfMeasurement": UNIT,
    "Sensor": SENSOR, "ObservedProperty": PROPERTY,
}  # fmt: skip
THING = {"name": "Oven", "description": "it bakes", "properties": {"owner": "Noah", "colour": "黑"}}
KINDS = [
    models.Thing, models.Location, models.HistoricalLocation, models.Datastream, models.Sensor, models.ObservedProperty,
    models.Observation, models.FeatureOfInterest, OutboxEvent,
]  # fmt: skip


def counts() -> list[int]:
    return [kind.objects.count() for kind in KINDS]


def minute(number: float) -> datetime:
    return NOON + timedelta(minutes=number)


def basic(name: str, secret: str = "correct horse") -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()}


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def value(self) -> list[dict[str, Any]]:
        assert self.status == 200, self.body
        return self.json["value"]

    def all(self, name: str) -> list[Any]:
        return [row[name] for row in self.value]

    @property
    def id(self) -> int:
        assert self.status == 201, self.body
        return int(self.headers["location"].rpartition("(")[2].rstrip(")"))

    @property
    def fault(self) -> tuple[int, str, int | None]:
        return self.status, self.json["message"], self.json["position"]


@dataclass
class Service:
    """Asks the application without a network; `who` are headers of the asker."""

    app: Any
    loop: asyncio.AbstractEventLoop
    who: dict[str, str] = field(default_factory=dict)

    def be(self, who: dict[str, str]) -> Service:
        return Service(self.app, self.loop, who)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, **headers)

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("PATCH", path, body, **headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        return self.loop.run_until_complete(self.send(method, path, body, **headers))

    def together(self, *posts: tuple[str, Any]) -> list[Answer]:
        async def all_() -> list[Answer]:
            return list(await asyncio.gather(*(self.send("POST", path, body) for path, body in posts)))

        return self.loop.run_until_complete(all_())

    async def send(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        address, _, query = path.removeprefix(ROOT).partition("?")
        address = address if address.startswith("/sta") else f"/sta/v1.1/{address.strip('/')}".rstrip("/")
        given = {"host": "localhost", **self.who, **headers}
        scope = {
            "type": "http", "method": method, "scheme": "http", "path": unquote(address),
            "query_string": query.encode(), "headers": [(k.encode(), v.encode()) for k, v in given.items()],
        }  # fmt: skip
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": content}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(int(sent[0]["status"]), told, sent[1]["body"])


@contextmanager
def running() -> Iterator[Service]:
    url = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    loop = asyncio.new_event_loop()
    service = Service(SensorThings(url), loop)
    try:
        yield service
    finally:
        loop.run_until_complete(service.app.close())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@dataclass
class World:
    """Thing 东站 in the first town with two datastreams, Thing 西站 in the second with one; they share a sensor."""

    east: Thing
    west: Thing
    streams: dict[str, Datastream]

    def observe(self, stream: str, number: float, **values: Any) -> Observation:
        at = {"phenomenon_time": minute(number), "sequence": 0, "verdict": 0, "origin": 0, "known_at": NOON}
        if "result_json" not in values:
            values.setdefault("result", number)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('things_observation_seq')")
            id_ = cursor.fetchone()[0]
        return Observation.objects.create(id=id_, datastream=self.streams[stream], **{**at, **values})


def world(county: County) -> World:
    sensor = Sensor.objects.create(name="probe", description="a probe", encoding_type="text/plain", metadata="")
    things = {}
    for name, town, owner in (("东站", "101", "alice"), ("西站", "102", "bob")):
        things[name] = Thing.objects.create(
            county=county, organisation=organisation(county, "stand"), area=area(county, town), name=name,
            description=f"{name} station", properties={"owner": owner, "floors": len(things) + 1},
        )  # fmt: skip
    streams = {}
    for key, thing in (("warm", "东站"), ("wet", "东站"), ("cold", "西站")):
        observed = ObservedProperty.objects.create(name=f"{key}th", definition=f"urn:{key}", description=key)
        feature = FeatureOfInterest.objects.create(name=f"{key} place", feature=POINT)
        streams[key] = Datastream.objects.create(
            thing=things[thing], sensor=sensor, observed_property=observed, name=key, description=f"how {key}",
            unit_of_measurement=UNIT, feature=feature, key=key,
        )  # fmt: skip
    return World(things["东站"], things["西站"], streams)
