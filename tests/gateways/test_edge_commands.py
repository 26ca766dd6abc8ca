"""Commands and firmware at an edge: two brokers with a line that is cut; who is out at the county is out there."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import random
import subprocess
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
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
from tests.stack.stack import own_port
from tests.stack.test_edge import Link

from shizhu.engines.things import api, rollouts
from shizhu.engines.things.edges import Pass
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import Command, Installed, LogPosition, Quarantine, Release, ReleaseKind
from shizhu.gateways import commands, downloads, mqtt
from shizhu.gateways.simulators.mqtt import Publisher
from shizhu.kernel import access, files, log
from shizhu.kernel.models import County
from shizhu.kernel.threads import in_thread
from shizhu.site import edges, servers
from shizhu.site.config import Config

pytestmark = pytest.mark.django_db(transaction=True)
FIRMWARE = random.Random(1).randbytes(600_000)  # more than two parts


@asynccontextmanager
async def broker(config: Config) -> AsyncIterator[str]:
    """A broker as `shizhu up` starts it."""
    (config.home / "run").mkdir(parents=True)
    launch = servers.embedded_nats(config, own_port())
    process = subprocess.Popen(launch.command, stdout=-3, stderr=-3, cwd="/")  # noqa: ASYNC220  # it only starts it
    try:
        yield launch.url
    finally:
        process.terminate()
        process.wait(20)


@asynccontextmanager
async def letting_in(config: Config, url: str, secret: str) -> AsyncIterator[Nats]:
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
        yield nats
    await nats.shutdown()


@dataclass
class Town:
    """An edge with the line to its county, and the device E that is connected there."""

    config: Config
    link: Link
    nats: Nats
    device: Publisher


def known(county: County) -> access.Actor:
    where = organisation(county, "stand"), area(county, "101")
    api.register(api.Registration("E", "lemonade.jug", "E", *where, None), "123456")
    return access.actor(person(county, "things.*"))


@asynccontextmanager
async def town(county: County, settings: Any, home: Path, web: str = "") -> AsyncIterator[Town]:
    """A county that mirrors an edge and sends commands, and that edge."""
    edge = edges.new("town1", county.pk, f"{county.pk}101", web)
    own = replace(settings.CONFIG, home=home / "county", mqtt_port=own_port(), edge_port=own_port())
    own.home.mkdir()
    edges.keep(own.home, {"town1": edge})
    settings.CONFIG = own
    settings.DATABASE_URL = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    async with broker(own) as url:
        settings.NATS_URL = url
        link = Link(own.edge_port)
        line = edges.Town("town1", edge.area, f"nats-leaf://127.0.0.1:{link.port}", edge.link, web)
        there = replace(own, home=home / "town", mqtt_port=own_port(), edge=line)
        there.home.mkdir()
        async with broker(there) as there_url, letting_in(there, there_url, "123456") as nats:
            parts = [api.ingest_edge("town1", log.MQTT, {}), api.answer_edge("town1"), commands.run({})]
            tasks = [asyncio.create_task(part) for part in parts]
            try:
                async with Publisher("127.0.0.1", there.mqtt_port, key="E", password="123456") as device:
                    async with asyncio.timeout(30):
                        while not device.is_listening:  # noqa: ASYNC110  # told by paho's thread
                            await asyncio.sleep(0.1)
                    yield Town(there, link, nats, device)
            finally:  # or they try on, without their brokers, while the failure is told
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        link.cut()


async def comes_to(number: int, *wanted: str) -> None:
    async with asyncio.timeout(60):
        rows = Command.objects.filter(pk=number).values_list("state", "held_by")
        while (found := await rows.aget()) != wanted:  # noqa: ASYNC110
            await asyncio.sleep(0.2)
    assert found == wanted


async def test_a_command_waits_for_the_line_and_arrives_once(county: County, settings: Any, tmp_path: Path) -> None:
    def asked(seconds: int) -> int:
        return api.send_command(who, "E", "set_interval", {"seconds": seconds})

    who = await in_thread(known)(county)
    async with town(county, settings, tmp_path) as there:
        await comes_to(await in_thread(asked)(60), "done", "")
        there.link.cut()
        waits, never = await in_thread(asked)(70), await in_thread(asked)(80)
        for number in (waits, never):
            await comes_to(number, "queued", "town1")
        await Command.objects.filter(pk=never).aupdate(expires=timezone.now())
        await comes_to(never, "timed_out", "town1")
        assert there.device.counts.obeyed == 1
        there.link.join()
        await comes_to(waits, "done", "")
        assert there.device.counts.obeyed == 2
        async with asyncio.timeout(10):  # ingest has passed over what the device said of its commands
            while not await LogPosition.objects.filter(sequence__gte=4).aexists():  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert await Quarantine.objects.acount() == 0
    answers = Command.objects.order_by("id").values_list("answer", flat=True)
    assert [one async for one in answers] == [{"seconds": 60}, {"seconds": 70}, None]


def told_to_update(county: County, first: access.Actor) -> Release:
    """A firmware that is rolled out to E, and a device elsewhere that is told to take it too."""
    where = organisation(county, "stand"), area(county, "102")
    api.register(api.Registration("F", "lemonade.jug", "F", *where, None), "123456")
    place = rollouts.place(first, county.pk)
    kept = files.store(
        FIRMWARE, name="jug.bin", media_type="application/octet-stream", organisation=place[0], area=place[1], by=None
    )
    wanted = rollouts.Wanted(ReleaseKind.FIRMWARE, "lemonade.jug", "罐固件", "1.1", file=kept)
    release = rollouts.make(county.pk, wanted, place, first.person_id)
    planned = rollouts.plan(release, rollouts.devices(first, release), "")
    rollout = rollouts.propose(first, release, planned, confirm=100, most_failed=0)
    rollouts.approve(access.actor(person(county, "things.*")), rollout.pk)
    return release


async def test_a_firmware_comes_to_a_device_by_way_of_its_edge(county: County, settings: Any, tmp_path: Path) -> None:
    who = await in_thread(known)(county)
    port = own_port()
    web = f"http://127.0.0.1:{port}"

    def get(path: str, key: str = "E", password: str = "123456", **headers: str) -> tuple[int, bytes, Any]:
        shown = base64.b64encode(f"{key}:{password}".encode()).decode()
        asked = urllib.request.Request(web + path, headers={"Authorization": f"Basic {shown}", **headers})
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                return answer.status, answer.read(), answer.headers
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers

    def asked(*what: str, **headers: str) -> Awaitable[tuple[int, bytes, Any]]:
        return asyncio.to_thread(get, *what, **headers)

    async with town(county, settings, tmp_path, web) as there:
        passes = [Pass(key, digest("123456"), False, ()) for key in ("E", "F", "G")]
        (there.config.home / "devices.json").write_bytes(msgspec.json.encode(passes))
        registry = api.KeptRegistry(there.config.home / "devices.json")
        door = downloads.Door(there.nats, registry)
        serving = asyncio.create_task(downloads.serve(door, ("127.0.0.1", port), ("", "")))
        there.device.faults = replace(there.device.faults, lose=1.0)  # it says nothing yet
        release = await in_thread(told_to_update)(county, who)
        path = f"/things/download/{release.pk}"
        command = Command.objects.filter(device__key="E", name="update_firmware")
        assert (await command.aget()).parameters["url"] == web + path
        other = await Command.objects.aget(device__key="F")
        assert other.parameters["url"] == settings.CONFIG.public_address + path  # F has no edge
        await comes_to((await command.aget()).pk, "sent", "")
        status, body, headers = await asked(path)
        assert (status, body, headers["ETag"]) == (200, FIRMWARE, f'"{hashlib.sha256(FIRMWARE).hexdigest()}"')
        status, body, headers = await asked(path, Range="bytes=262000-262999")
        assert (status, body, headers["Content-Range"]) == (
            206, FIRMWARE[262000:263000], f"bytes 262000-262999/{len(FIRMWARE)}"
        )  # fmt: skip
        refused = [await asked(path, key, password) for key, password in (("E", "1"), ("F", "123456"), ("X", "1"))]
        assert [one[0] for one in refused] == [401, 403, 401]
        assert [(await asked(path, Range="bytes=999999999-"))[0], (await asked("/"))[0]] == [416, 404]
        there.link.cut()
        status, body, headers = await asked(path)
        assert (status, headers["Retry-After"]) == (503, "30")
        there.link.join()
        there.device.faults = replace(there.device.faults, lose=0.0)
        await comes_to((await command.aget()).pk, "done", "")  # the device was told again, and took it
        assert await Installed.objects.filter(device__key="E", release=release).acount() == 1
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


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
