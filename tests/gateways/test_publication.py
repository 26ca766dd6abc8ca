"""What is committed is told over MQTT to whoever subscribed and may see it, whole, once, and by us alone."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
import paho.mqtt.client as paho
import pytest
from django.conf import settings as django_settings
from django.db import connection
from natsrpy import Message
from tests.engines.things.sta.service import STREAM, basic
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api, publication
from shizhu.engines.things.models import Command, Datastream, Device, Observation, Quarantine, TaskingCapability
from shizhu.gateways import mqtt
from shizhu.kernel import access, log
from shizhu.kernel.models import County, Token
from shizhu.kernel.threads import in_thread
from shizhu.site import servers
from shizhu.web import authentication

pytestmark = pytest.mark.django_db(transaction=True)
IN, NOT_AUTHORISED, REFUSED = 0, 135, 128
TOLD = 10.0


@pytest.fixture(autouse=True)
def prepared(settings: Any, monkeypatch: Any) -> Iterator[None]:
    settings.DATABASE_URL = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    monkeypatch.setattr(publication, "LOOK_SECONDS", 0.0)
    servers.account_seed(settings.CONFIG)
    authentication.forget()
    yield
    publication.forget()


class Subscriber:
    """An MQTT client that keeps what it is told."""

    def __init__(self, user: str, password: str, *topics: str, client: str = "") -> None:
        self.codes, self.granted, self.told = list[int](), list[int](), list[tuple[str, Any]]()
        self._topics = topics
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2, client_id=client or f"{user}:test", protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )  # fmt: skip
        self._client.username_pw_set(user, password)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda _c, _d, _m, codes, _p: self.granted.extend(code.value for code in codes)
        self._client.on_message = lambda _c, _d, one: self.told.append((one.topic, orjson.loads(one.payload)))
        self._client.connect("127.0.0.1", int(django_settings.CONFIG.mqtt_port), 30)
        self._client.loop_start()

    def _connected(self, client: paho.Client, _d: Any, _f: Any, reason: Any, _p: Any) -> None:
        self.codes.append(reason.value)
        if reason.value == IN and self._topics:
            client.subscribe([(topic, 0) for topic in self._topics])

    def publish(self, topic: str, body: Any) -> None:
        self._client.publish(topic, orjson.dumps(body), qos=1)

    async def ready(self) -> Subscriber:
        await until(lambda: bool(self.codes) and (self.codes[0] != IN or len(self.granted) == len(self._topics)))
        return self

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def until(condition: Any, seconds: float = TOLD) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # told by paho's thread
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running() -> AsyncIterator[dict[str, Any]]:
    """Log-in, ingest and publication, as long as the block lasts."""
    detail: dict[str, Any] = {}
    async with log.connected("ingest") as nats:
        await api.prepare_source(nats, log.MQTT)
    parts = mqtt.run({}), api.publish(detail), api.ingest(log.MQTT, {}), api.hear_tasks(detail)
    tasks = [asyncio.create_task(part) for part in parts]
    await asyncio.sleep(1)
    try:
        yield detail
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def station(county: County, key: str, town: str) -> Device:
    wanted = api.Registration(
        key, "lemonade.jug", key, organisation(county, "stand"), area(county, town), (100.2, 30.2)
    )
    return api.register(wanted, "123456")[0]


def stream_of(device: Device) -> int:
    return Datastream.objects.get(thing=device.thing, key="temperature").pk


def known() -> list[tuple[int, float | None]]:
    return list(Observation.objects.order_by("phenomenon_time", "sequence").values_list("id", "result"))


class Poster:
    """Writes over HTTP, in the loop of the test."""

    def __init__(self) -> None:
        self.app = api.SensorThings(django_settings.DATABASE_URL)

    async def __call__(self, method: str, path: str, body: Any, who: dict[str, str]) -> int:
        scope = {
            "type": "http", "method": method, "scheme": "http", "path": f"/sta/v1.1/{path}", "query_string": b"",
            "headers": [(k.encode(), v.encode()) for k, v in {"host": "localhost", **who}.items()],
        }  # fmt: skip
        sent: list[Any] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": orjson.dumps(body)}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send)
        assert sent[0]["status"] < 300, sent[1]["body"]
        return int(sent[0]["status"])


@pytest.fixture
async def post() -> AsyncIterator[Poster]:
    made = Poster()
    yield made
    await made.app.close()


@pytest.fixture
def stations(county: County) -> tuple[Device, Device]:
    return station(county, "east-1", "101"), station(county, "west-1", "102")


async def test_observations_of_devices_and_of_http_are_told_whole_and_once(
    county: County, stations: tuple[Device, Device], post: Poster
) -> None:
    east = await in_thread(stream_of)(stations[0])
    await in_thread(person)(county, "things.*", username="dong", in_area="101")
    topic = f"v1.1/Datastreams({east})/Observations"
    async with running():
        wanted = topic, f"{topic}?$select=result", f"{topic}?$select=colour", f"{topic}?$top=1"
        dong = await Subscriber("dong", "correct horse", *wanted).ready()
        assert (dong.codes, dong.granted) == ([IN], [0] * 4)
        device = await Subscriber("east-1", "123456", client="east-1").ready()
        device.publish("d/east-1/telemetry", {"time": "2026-07-01T12:00:00Z", "values": {"temperature": 4.5}})
        await until(lambda: len(dong.told) == 2)
        device.publish(topic, {"phenomenonTime": "2026-07-01T12:01:00Z", "result": 5})
        await until(lambda: len(dong.told) == 4)
        await post("POST", f"Datastreams({east})/Observations", {"phenomenonTime": "2026-07-01T12:02:00Z", "result": 6},
                   basic("dong"))  # fmt: skip
        await until(lambda: len(dong.told) == 6)
        rows = await in_thread(
            lambda: list(Observation.objects.order_by("phenomenon_time").values_list("id", "result"))
        )()
        whole = [body for where, body in dong.told if where == topic]
        assert [(one["@iot.id"], one["result"]) for one in whole] == rows
        assert whole[0]["phenomenonTime"] == "2026-07-01T12:00:00Z"
        assert whole[0]["@iot.selfLink"].endswith(f"/sta/v1.1/Observations({rows[0][0]})")
        assert [body for where, body in dong.told if where != topic] == [{"result": n} for n in (4.5, 5, 6)]
        await post("PATCH", f"Observations({rows[2][0]})", {"result": 7}, basic("dong"))
        await until(lambda: len(dong.told) == 8)
        assert dong.told[-1][1]["result"] == 7 or dong.told[-2][1]["result"] == 7
        device.publish("d/east-1/telemetry", {"time": "2026-07-01T12:00:00Z", "values": {"temperature": 4.5}})  # again
        await asyncio.sleep(1)
        assert len(dong.told) == 8
        assert await in_thread(Observation.objects.count)() == 4  # nothing that was told was read back in
        for one in (dong, device):
            one.close()


async def test_who_sends_an_observation_that_is_wrong_hears_why(
    county: County, stations: tuple[Device, Device]
) -> None:
    east = await in_thread(stream_of)(stations[0])
    for name, town in (("dong", "101"), ("xi", "102")):
        await in_thread(person)(county, "things.*", username=name, in_area=town)
    topic = f"v1.1/Datastreams({east})/Observations"
    errors = f"{topic}/errors"
    async with running():
        dong = await Subscriber("dong", "correct horse", topic, errors).ready()
        other = await Subscriber("xi", "correct horse", errors).ready()
        device = await Subscriber("east-1", "123456", "d/east-1/errors", client="east-1").ready()
        assert (dong.granted, other.granted, device.granted) == ([0, 0], [REFUSED], [0])
        dong.publish(topic, {"phenomenonTime": "yesterday", "result": 1})
        await until(lambda: len(dong.told) == len(device.told) == 1)
        device.publish(topic, ["no Observation"])
        await until(lambda: len(dong.told) == len(device.told) == 2)
        said = [(where, body["field"], body["value"]) for where, body in dong.told]
        assert said == [(errors, "phenomenonTime", "yesterday"), (errors, "payload", '["no Observation"]')]
        assert [body for _, body in device.told] == [body for _, body in dong.told]
        assert other.told == []
        kept = await in_thread(lambda: list(Quarantine.objects.values_list("protocol", "device__key")))()
        assert kept == [("sta-mqtt", "east-1")] * 2
        seen = await Device.objects.aget(key="east-1")
        assert (bytes(seen.last_packet or b""), seen.last_seen is None) == (b'["no Observation"]', False)
        device.publish(topic, {"phenomenonTime": "2026-07-01T12:01:00Z", "result": 5})
        await until(lambda: len(dong.told) == 3)
        seen = await Device.objects.aget(key="east-1")
        assert b'"result":5' in bytes(seen.last_packet or b"")
        assert [result for _, result in await in_thread(known)()] == [5]
        for one in (dong, other, device):
            one.close()


async def test_entities_and_properties_are_told_when_they_are_made_or_changed(
    county: County, stations: tuple[Device, Device], post: Poster
) -> None:
    thing, stream = stations[0].thing_id, await in_thread(stream_of)(stations[0])
    await in_thread(person)(county, "things.*", username="dong", in_area="101")
    topics = (f"v1.1/Things({thing})", f"v1.1/Things({thing})/description", f"v1.1/Things({thing})/Datastreams",
              f"v1.1/Datastreams({stream})/phenomenonTime")  # fmt: skip
    async with running():
        dong = await Subscriber("dong", "correct horse", *topics).ready()
        await post("PATCH", f"Things({thing})", {"description": "new"}, basic("dong"))
        await until(lambda: len(dong.told) == 2)
        assert dict(dong.told)[topics[0]]["@iot.id"] == thing
        assert dict(dong.told)[topics[1]] == {"description": "new"}
        await post("PATCH", f"Things({thing})", {"properties": {"a": 1}}, basic("dong"))
        await until(lambda: len(dong.told) == 3)
        await asyncio.sleep(0.5)
        assert (dong.told[2][0], dong.told[2][1]["properties"], len(dong.told)) == (topics[0], {"a": 1}, 3)
        await post("POST", f"Things({thing})/Datastreams", STREAM, basic("dong"))
        await until(lambda: len(dong.told) > 3)
        assert [(where, body["name"]) for where, body in dong.told[3:]] == [(topics[2], STREAM["name"])]
        await post("POST", f"Datastreams({stream})/Observations",
                   {"phenomenonTime": "2026-07-01T12:00:00Z", "result": 1}, basic("dong"))  # fmt: skip
        await until(lambda: dong.told[-1][0] == topics[3])
        assert dong.told[-1][1] == {"phenomenonTime": "2026-07-01T12:00:00Z/2026-07-01T12:00:00Z"}
        dong.close()


async def test_nobody_is_told_what_they_may_not_read(
    county: County, stations: tuple[Device, Device], post: Poster
) -> None:
    east, west = [await in_thread(stream_of)(device) for device in stations]
    await in_thread(person)(county, "things.*", username="dong", in_area="101")
    await in_thread(person)(county, "cases.case.view", username="none")
    shared = f"v1.1/Datastreams({east})/Sensor/Datastreams({west})/Observations"
    forbidden = (f"v1.1/Datastreams({west})/Observations", f"v1.1/Things({stations[1].thing_id})", "v1.1/Observations",
                 "v1.1/#", "#", "v1.1/+/Observations", "$MQTT/sub/#", "d/west-1/errors")  # fmt: skip
    async with running() as detail:
        dong = await Subscriber("dong", "correct horse", *forbidden, shared).ready()
        none = await Subscriber("none", "correct horse", f"v1.1/Datastreams({east})/Observations").ready()
        device = await Subscriber("east-1", "123456", forbidden[0], client="east-1").ready()
        assert dong.granted[: len(forbidden)] == [REFUSED] * len(forbidden)
        assert (none.granted, device.granted) == ([REFUSED], [REFUSED])
        await in_thread(person)(county, "things.*", username="xi", in_area="102")
        await post("POST", f"Datastreams({west})/Observations", {"result": 1}, basic("xi"))
        seer = await Subscriber("xi", "correct horse", forbidden[0]).ready()
        await post("POST", f"Datastreams({west})/Observations", {"result": 2}, basic("xi"))
        await until(lambda: len(seer.told) == 1)
        await asyncio.sleep(0.5)
        assert (dong.told, none.told, device.told, detail["published"]) == ([], [], [], 1)
        dong.publish(forbidden[0], {"result": 3})  # neither may one publish there
        seer.publish(forbidden[0], {"result": 4})
        await until(lambda: len(seer.told) == 2)
        assert [result for _, result in await in_thread(known)()] == [1, 2, 4]
        for one in (dong, none, device, seer):
            one.close()


async def test_who_may_publish_nothing_publishes_nothing(county: County, stations: tuple[Device, Device]) -> None:
    """The broker reads an empty list of what is allowed as everything."""
    east = await in_thread(stream_of)(stations[0])
    for name, verbs in {"looks": ["things.thing.view"], "none": ["cases.case.view"], "writes": ["things.*"]}.items():
        await in_thread(person)(county, *verbs, username=name)
    own = f"v1.1/Datastreams({east})/Observations"
    topics = (own, f"in/{own}", "d/east-1/telemetry", "in/d/east-1/telemetry", "$MQTT/msgs/in/d/east-1/telemetry",
              "cmd/east-1", "cmd/east-1/ack", "edge/devices", "anything")  # fmt: skip
    heard: list[bytes] = []

    async def hear(message: Message) -> None:
        heard.append(message.payload)

    said = {"result": 99, "values": {"temperature": 99}}
    async with running(), log.connected("ingest") as nats, nats.subscribe(">", callback=hear):
        clients = []
        for user in ("looks", "none"):
            for number, topic in enumerate(topics):
                client = await Subscriber(user, "correct horse", client=f"{user}:{number}").ready()
                assert client.codes == [IN]
                client.publish(topic, said)
                clients.append(client)
        await asyncio.sleep(0.5)
        writer = await Subscriber("writes", "correct horse", own).ready()
        writer.publish(own, {"result": 4})
        await until(lambda: bool(writer.told))  # it is committed
        assert [result for _, result in await in_thread(known)()] == [4]
        assert (heard.count(orjson.dumps(said)), heard.count(orjson.dumps({"result": 4})) > 0) == (0, True)
        for one in (*clients, writer):
            one.close()


async def test_who_gets_in_as_a_person(county: County) -> None:
    someone = await in_thread(person)(county, "things.*", username="dong")
    other = await in_thread(person)(county, "things.*", username="xi")
    key = "sz_" + "k" * 30
    digest = hashlib.sha256(key.encode()).hexdigest()
    await in_thread(Token.objects.create)(person=someone, name="k", digest=digest)
    async with running():
        right = "correct horse"
        tries = [("dong", right, ""), ("dong", key, ""), ("dong", "wrong", ""), ("xi", key, ""), ("nobody", right, ""),
                 ("dong", right, "xi:test"), ("dong", "sz_x", "")]  # fmt: skip
        clients = [await Subscriber(user, secret, client=client).ready() for user, secret, client in tries]
        assert [one.codes[0] == IN for one in clients] == [True, True, *[False] * 5]
        for one in clients:
            one.close()
    assert other.pk != someone.pk


async def test_who_sees_more_than_can_be_named_is_refused(county: County, stations: Any, monkeypatch: Any) -> None:
    someone = await in_thread(person)(county, "things.*", username="dong")
    who = await in_thread(access.actor)(someone)
    found = await in_thread(api.granted)(who)
    assert found is not None
    assert found.is_person
    monkeypatch.setattr(publication, "MOST_NAMED", 1)
    assert await in_thread(api.granted)(who) is None


async def test_a_task_and_what_becomes_of_it_are_told(
    county: County, stations: tuple[Device, Device], post: Poster
) -> None:
    await in_thread(person)(county, "things.*", username="dong", in_area="101")
    able = TaskingCapability.objects.filter(command="set_interval")
    east, west = [(await able.aget(device=device)).pk for device in stations]
    topic = f"v1.1/TaskingCapabilities({east})/Tasks"
    async with running():
        dong = await Subscriber("dong", "correct horse", topic, f"v1.1/TaskingCapabilities({west})/Tasks").ready()
        assert dong.granted == [0, REFUSED]
        body = {"taskingParameters": {"seconds": 60}}
        await post("POST", f"TaskingCapabilities({east})/Tasks", body, basic("dong"))
        await until(lambda: len(dong.told) == 1)
        number = dong.told[0][1]["@iot.id"]
        assert (dong.told[0][1]["status"], dong.told[0][1]["taskingParameters"]) == ("queued", {"seconds": 60})
        await in_thread(api.due_commands)()
        await in_thread(api.command_answered)("east-1", b'{"id": %d, "state": "done"}' % number, datetime.now(UTC))
        await until(lambda: dong.told[-1][1]["status"] == "done")
        dong.close()


async def test_a_task_is_asked_for_over_mqtt_by_the_rights_of_now(
    county: County, stations: tuple[Device, Device]
) -> None:
    dong = await in_thread(person)(county, "things.*", username="dong", in_area="101")
    await in_thread(person)(county, "things.thing.view", "things.observation.*", username="looks")
    able = TaskingCapability.objects.order_by("command")
    east, danger = [(await able.aget(device=stations[0], command=name)).pk for name in ("set_interval", "empty")]
    west = (await able.aget(device=stations[1], command="set_interval")).pk
    topic, dangerous = (f"v1.1/TaskingCapabilities({pk})/Tasks" for pk in (east, danger))
    right = {"taskingParameters": {"seconds": 60}}
    async with running() as detail:
        one = await Subscriber("dong", "correct horse", topic, f"{topic}/errors", dangerous).ready()
        others = [await Subscriber(user, secret, client=user).ready()
                  for user, secret in (("looks", "correct horse"), ("east-1", "123456"))]  # fmt: skip
        for other in others:
            other.publish(topic, right)  # the broker lets nobody do so who may not command
        one.publish(f"v1.1/TaskingCapabilities({west})/Tasks", right)
        one.publish(topic, right)
        await until(lambda: len(one.told) == 1)
        assert (one.told[0][0], one.told[0][1]["status"], one.told[0][1]["taskingParameters"]) == (
            topic, "queued", {"seconds": 60}
        )  # fmt: skip
        one.publish(dangerous, {})
        await until(lambda: len(one.told) == 2)
        assert (one.told[1][0], one.told[1][1]["status"]) == (dangerous, "proposed")  # a second person has to agree
        one.publish(topic, {"taskingParameters": {"seconds": 1}})
        one.publish(topic, ["no Task"])
        await until(lambda: len(one.told) == 4)
        faults = {body["message"] for where, body in one.told[2:] if where == f"{topic}/errors"}
        assert faults == {"Task.taskingParameters: seconds: 1 is less than the minimum of 5",
                          "Task: is {taskingParameters, TaskingCapability}"}  # fmt: skip
        await dong.posts.all().adelete()  # he is still connected
        one.publish(topic, right)
        await until(lambda: len(one.told) == 5)
        assert (one.told[4][0], one.told[4][1]["code"]) == (f"{topic}/errors", 400)  # he sees none of it any more
        for client in (one, *others):
            client.close()
    made = Command.objects.order_by("pk").values_list("device__key", "name", "asked_by__username", "state")
    assert [row async for row in made] == [
        ("east-1", "set_interval", "dong", "queued"), ("east-1", "empty", "dong", "proposed")
    ]  # fmt: skip
    assert (detail["made"], detail["refused"], await Quarantine.objects.acount()) == (2, 3, 0)
