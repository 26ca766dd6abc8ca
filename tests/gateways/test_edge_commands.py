"""Commands at an edge: two brokers with a line that is cut; who is out at the county is out there."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import nkeys
import pytest
from django.db import connection
from django.utils import timezone
from natsrpy import Message, Nats
from natsrpy.js import RetentionPolicy, StorageType, StreamConfig
from tests.fixtures import area, organisation, person
from tests.stack.test_edge import Link

from shizhu.engines.things import api
from shizhu.engines.things.edges import Pass
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import Command, LogPosition, Quarantine
from shizhu.gateways import commands, mqtt
from shizhu.gateways.simulators.mqtt import Publisher
from shizhu.kernel import access, log
from shizhu.kernel.models import County
from shizhu.kernel.threads import in_thread
from shizhu.site import edges, servers
from shizhu.site.config import Config
from shizhu.site.supervisor import free_port

pytestmark = pytest.mark.django_db(transaction=True)


@asynccontextmanager
async def broker(config: Config) -> AsyncIterator[str]:
    """A broker as `shizhu up` starts it."""
    (config.home / "run").mkdir(parents=True)
    launch = servers.embedded_nats(config, free_port())
    process = subprocess.Popen(launch.command, stdout=-3, stderr=-3, cwd="/")  # noqa: ASYNC220  # it only starts it
    try:
        yield launch.url
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def letting_in(config: Config, url: str, secret: str) -> AsyncIterator[None]:
    """The town's gateway: its log, and an answer to whoever logs in."""
    nats = Nats([url], user_and_pass=config.nats_login("ingest"))
    while True:  # until the broker answers
        with suppress(*log.FAULTS):
            await nats.startup()
            break
        await asyncio.sleep(0.1)
    kept = StreamConfig(
        log.MQTT, log.OF_EDGE[log.MQTT], storage=StorageType.FILE, retention=RetentionPolicy.LIMITS
    )  # fmt: skip
    await (await nats.jetstream()).streams.create_or_update(kept)
    key = nkeys.from_seed(servers.account_seed(config))
    registry = api.KeptRegistry(config.home / "devices.json")
    (config.home / "devices.json").write_bytes(msgspec.json.encode([Pass("E", digest(secret), False, ())]))

    async def reply(message: Message) -> None:
        request = mqtt.decode(message.payload)
        assert message.reply
        await nats.publish(message.reply, mqtt.answer(request, await mqtt.decide(request, registry), key))

    async with nats.subscribe(mqtt.REQUEST, callback=reply):
        yield
    await nats.shutdown()


async def test_a_command_waits_for_the_line_and_arrives_once(county: County, settings: Any, tmp_path: Path) -> None:
    def asked(seconds: int) -> int:
        return api.send_command(who, "E", "set_interval", {"seconds": seconds})

    async def comes_to(number: int, *wanted: str) -> None:
        async with asyncio.timeout(60):
            rows = Command.objects.filter(pk=number).values_list("state", "held_by")
            while (found := await rows.aget()) != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert found == wanted

    def known() -> access.Actor:
        where = organisation(county, "stand"), area(county, "101")
        api.register(api.Registration("E", "lemonade.jug", "E", *where, None), "123456")
        return access.actor(person(county, "things.*"))

    who = await in_thread(known)()
    edge = edges.new("town1", county.pk, f"{county.pk}101")
    own = replace(settings.CONFIG, home=tmp_path / "county", mqtt_port=free_port(), edge_port=free_port())
    own.home.mkdir()
    edges.keep(own.home, {"town1": edge})
    settings.CONFIG = own
    settings.DATABASE_URL = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    async with broker(own) as url:
        settings.NATS_URL = url
        link = Link(own.edge_port)
        town = edges.Town("town1", edge.area, f"nats-leaf://127.0.0.1:{link.port}", edge.link)
        there = replace(own, home=tmp_path / "town", mqtt_port=free_port(), edge=town)
        there.home.mkdir()
        async with broker(there) as there_url, letting_in(there, there_url, "123456"):
            parts = [api.ingest_edge("town1", log.MQTT, {}), commands.run({})]
            tasks = [asyncio.create_task(part) for part in parts]
            async with Publisher("127.0.0.1", there.mqtt_port, key="E", password="123456") as device:
                async with asyncio.timeout(30):
                    while not device.is_listening:  # noqa: ASYNC110  # told by paho's thread
                        await asyncio.sleep(0.1)
                await comes_to(await in_thread(asked)(60), "done", "")
                link.cut()
                waits, never = await in_thread(asked)(70), await in_thread(asked)(80)
                for number in (waits, never):
                    await comes_to(number, "queued", "town1")
                await Command.objects.filter(pk=never).aupdate(expires=timezone.now())
                await comes_to(never, "timed_out", "town1")
                assert device.counts.obeyed == 1
                link.join()
                await comes_to(waits, "done", "")
                assert device.counts.obeyed == 2
                async with asyncio.timeout(10):  # ingest has passed over what the device said of its commands
                    while not await LogPosition.objects.filter(sequence__gte=4).aexists():  # noqa: ASYNC110
                        await asyncio.sleep(0.1)
                assert await Quarantine.objects.acount() == 0
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        link.cut()
    answers = Command.objects.order_by("id").values_list("answer", flat=True)
    assert [one async for one in answers] == [{"seconds": 60}, {"seconds": 70}, None]


async def test_an_edge_hears_who_is_out_at_the_county(settings: Any, tmp_path: Path) -> None:
    def told(*devices: tuple[str, str]) -> None:
        passes = [Pass(key, digest(secret), False, ()) for key, secret in devices]
        part = tmp_path / "devices.part"
        part.write_bytes(msgspec.json.encode(passes))
        part.replace(tmp_path / "devices.json")

    settings.CONFIG = replace(settings.CONFIG, home=tmp_path, edge=edges.Town("town1", "", "", ""))
    told(("stays", "a"), ("off", "b"), ("changed", "c"))
    heard: list[str] = []

    async def listen() -> None:
        async for key in api.revocations():
            heard.append(key)

    task = asyncio.create_task(listen())
    await asyncio.sleep(1)
    told(("stays", "a"), ("changed", "d"), ("new", "e"))
    async with asyncio.timeout(10):
        while len(heard) < 3:  # noqa: ASYNC110  # told by a file
            await asyncio.sleep(0.1)
    task.cancel()
    assert heard == ["", "off", "changed"]
