"""Against the real broker: who is revoked is out at once, what happens without the callout, commands there and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import paho.mqtt.client as paho
import pytest
from django.db import connection
from psycopg import OperationalError
from tests.fixtures import area, organisation, person

from shizhu.engines.things import api
from shizhu.engines.things.catalogue import RETRY_SECONDS
from shizhu.engines.things.models import Command, CommandState, Device
from shizhu.gateways import commands, hj212, mqtt, revoking
from shizhu.gateways.simulators.hj212 import Faults, Terminal, real_time
from shizhu.gateways.simulators.mqtt import Publisher
from shizhu.kernel import access, log
from shizhu.kernel.models import County
from shizhu.kernel.threads import in_thread
from shizhu.site import servers

pytestmark = pytest.mark.django_db(transaction=True)
IN, NOT_AUTHORISED = 0, 5  # MQTT 3.1.1 §3.2.2.3
REVOKING = partial(revoking.run, hang_up=hj212.hang_up)
MN = "202600000000000000000001"


@pytest.fixture(autouse=True)
def prepared(settings: Any) -> None:
    settings.DATABASE_URL = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    servers.account_seed(settings.CONFIG)


@pytest.fixture
def port(settings: Any) -> int:
    return int(settings.CONFIG.mqtt_port)


def register(county: County, key: str, password: str = "123456") -> Device:
    wanted = api.Registration(key, "lemonade.jug", key, organisation(county, "stand"), area(county, "101"), None)
    return api.register(wanted, password)[0]


@asynccontextmanager
async def running(*parts: Callable[[dict[str, Any]], Coroutine[Any, Any, None]]) -> AsyncIterator[dict[str, Any]]:
    """Parts of the gateway role, as long as the block lasts."""
    detail: dict[str, Any] = {}
    tasks = [asyncio.create_task(part(detail)) for part in parts]
    await asyncio.sleep(0.3)  # they subscribe
    try:
        yield detail
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # told by paho's thread
            await asyncio.sleep(0.01)


class Client:
    """An MQTT device that notes what happens to it, and does not come back by itself."""

    def __init__(self, port: int, key: str, password: str = "123456", client: str = "") -> None:
        self.codes, self.is_out = list[int](), False
        self._client = paho.Client(
            paho.CallbackAPIVersion.VERSION2,
            client_id=client or key,
            protocol=paho.MQTTv311,
            reconnect_on_failure=False,
        )
        self._client.username_pw_set(key, password)
        self._client.on_connect = lambda _c, _d, _f, reason, _p: self.codes.append(reason.value)
        self._client.on_disconnect = self._left
        self.acknowledged = 0
        self._client.on_publish = self._heard
        self._client.connect("127.0.0.1", port, 30)
        self._client.loop_start()

    def _left(self, *_: object) -> None:
        self.is_out = True

    def _heard(self, *_: object) -> None:
        self.acknowledged += 1

    def publish(self, topic: str) -> None:
        self._client.publish(topic, b'{"values": {"temperature": 1}}', qos=1)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


async def test_who_is_revoked_is_out_at_once_and_does_not_come_back(county: County, port: int) -> None:
    await in_thread(register)(county, "jug-1")
    await in_thread(register)(county, "jug-2")
    async with running(mqtt.run, REVOKING) as detail:
        one, two = Client(port, "jug-1"), Client(port, "jug-2")
        await until(lambda: one.codes == [IN] and two.codes == [IN])
        await in_thread(api.switch_device)("jug-1", is_enabled=False)
        await until(lambda: one.is_out, 2.0)
        await until(lambda: detail.get("closed") == 1)
        again = Client(port, "jug-1")
        await until(lambda: bool(again.codes))
        assert (len(again.codes), again.codes[0] != IN, two.is_out) == (1, True, False)
        await in_thread(register)(county, "jug-2", "654321")  # another password: whoever has the old one is out
        await until(lambda: two.is_out, 2.0)
        changed = Client(port, "jug-2", "654321")
        await until(lambda: changed.codes == [IN])
        for client in (one, two, again, changed):
            client.close()


async def test_who_was_revoked_while_nobody_was_here_to_hear_of_it_is_out(county: County, port: int) -> None:
    keys = ["jug-off", "jug-changed", "jug-deleted", "jug-same"]
    for key in keys:
        await in_thread(register)(county, key)
    async with running(mqtt.run):
        inside = [Client(port, key) for key in keys]
        await until(lambda: all(one.codes == [IN] for one in inside))
    await in_thread(api.switch_device)("jug-off", is_enabled=False)
    await in_thread(register)(county, "jug-changed", "654321")
    await in_thread(Device.objects.filter(key="jug-deleted").delete)()
    async with running(mqtt.run, REVOKING) as detail:
        await until(lambda: detail.get("closed") == 3)
        await until(lambda: [one.is_out for one in inside] == [True, True, True, False])
        await asyncio.sleep(1.0)  # it looks twice
        assert (detail["closed"], inside[-1].is_out) == (3, False)
    for client in inside:
        client.close()


async def test_nobody_is_told_that_there_are_no_devices_before_the_database_has_said_so(
    county: County, settings: Any
) -> None:
    await in_thread(register)(county, "jug-1")
    there, settings.DATABASE_URL = settings.DATABASE_URL, settings.DATABASE_URL.replace("/test_", "/nowhere_")
    assert there != settings.DATABASE_URL
    registry = api.Registry()
    with pytest.raises(OperationalError, match="not known yet"):
        await registry.all()
    settings.DATABASE_URL = there
    await asyncio.sleep(RETRY_SECONDS)
    assert [one.key for one in await registry.all()] == ["jug-1"]
    await registry.aclose()


async def test_without_the_callout_nobody_gets_in_after_five_seconds_and_who_is_in_stays(
    county: County, port: int
) -> None:
    await in_thread(register)(county, "jug-1")
    async with running(mqtt.run):
        inside = Client(port, "jug-1")
        await until(lambda: inside.codes == [IN])
    began = asyncio.get_running_loop().time()
    outside = Client(port, "jug-1", client="jug-1:second")
    await until(lambda: outside.is_out or bool(outside.codes))
    assert asyncio.get_running_loop().time() - began > 4  # the broker waits five seconds for an answer
    assert IN not in outside.codes
    inside.publish("d/jug-1/telemetry")
    await until(lambda: inside.acknowledged == 1)
    assert inside.is_out is False
    inside.close()
    outside.close()


async def test_the_line_of_a_revoked_terminal_is_closed(county: County, settings: Any) -> None:
    await in_thread(register)(county, MN)
    async with (
        running(hj212.run, REVOKING) as detail,
        Terminal("127.0.0.1", settings.CONFIG.hj212_port, mn=MN, password="123456", st="21") as terminal,
    ):
        terminal.upload(datetime.now(UTC), real_time({"t": 20.0}))
        await asyncio.wait_for(terminal.deliver(), 10)
        assert terminal.counts.answered == 1
        await in_thread(api.switch_device)(MN, is_enabled=False)
        await until(lambda: detail.get("closed") == 1)


def somebody(county: County) -> access.Actor:
    return access.actor(person(county, "things.*"))


def states() -> list[tuple[str, str]]:
    return list(Command.objects.order_by("id").values_list("device__key", "state"))


async def test_a_command_is_sent_acknowledged_and_done_by_its_device_alone(county: County, port: int) -> None:
    await in_thread(register)(county, "jug-1")
    await in_thread(register)(county, "jug-2")
    who = await in_thread(somebody)(county)
    async with running(mqtt.run, commands.run) as detail:
        repeats = Faults(repeat=1.0)
        async with (
            Publisher("127.0.0.1", port, key="jug-1", password="123456", faults=repeats) as one,
            Publisher("127.0.0.1", port, key="jug-2", password="123456") as two,
        ):
            await until(lambda: one.is_listening and two.is_listening)
            number = await in_thread(api.send_command)(who, "jug-1", "set_interval", {"seconds": 60})
            await until(lambda: detail.get("answers") == 4)
            assert await in_thread(states)() == [("jug-1", CommandState.DONE)]
            assert (one.counts.obeyed, two.counts.obeyed) == (1, 0)
    found = await Command.objects.aget(pk=number)
    assert (found.answer, found.tries) == ({"seconds": 60}, 1)
    assert (await in_thread(api.due_commands)())[0] == []


async def test_a_device_hears_no_commands_of_another(county: County, port: int) -> None:
    await in_thread(register)(county, "jug-1")
    await in_thread(register)(county, "jug-2")
    async with running(mqtt.run):
        spy = Client(port, "jug-2")
        await until(lambda: spy.codes == [IN])
        heard: list[str] = []
        granted: list[int] = []
        spy._client.on_message = lambda _c, _d, message: heard.append(message.topic)
        spy._client.on_subscribe = lambda _c, _d, _m, codes, _p: granted.extend(code.value for code in codes)
        spy._client.subscribe([("cmd/jug-1", 1), ("cmd/#", 0), ("cmd/jug-2", 1)])
        await until(lambda: len(granted) == 3)
        async with log.connected("ingest") as nats:
            await nats.publish("cmd.jug-1", b"{}")
            await nats.publish("cmd.jug-2", b"{}")
            await until(lambda: bool(heard))
        assert (granted[0], granted[1], heard) == (0x80, 0x80, ["cmd/jug-2"])
        spy.close()
