"""Edges (边缘节点): what the county does for them, and what an edge does with it.

The county mirrors the streams of each edge into an account of its own and commits them as it commits its own; the edge
asks for the devices of its area, keeps them on its disk, and lets them in while the county is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import psycopg
from django.conf import settings
from natsrpy import Message, Nats
from natsrpy.js import PullConsumer, Stream

from shizhu.engines.things import catalogue, downloading
from shizhu.engines.things.catalogue import Catalogue, Registry
from shizhu.engines.things.ingest import ANSWERING, ANSWERS, CONSUMER, Ingest, commit_all, consume
from shizhu.engines.things.logic.readings import KnownDevice, Origin
from shizhu.kernel import log

logger = logging.getLogger(__name__)
ASKED = "edge.devices"  # an edge asks the county who may log in
STREAMS = (log.MQTT, log.READINGS)
LOOK_SECONDS = 5.0
KEPT_SECONDS = 0.5


class Pass(msgspec.Struct, array_like=True, frozen=True):
    """What an edge must know of a device: who it is, and what it may publish. No reading is decoded there."""

    key: str
    secret: str  # SHA-256 of the password
    is_lenient: bool
    named: tuple[str, ...]


async def mirrored(nats: Nats, stream: str, edge: str) -> PullConsumer:
    """Our consumer on the mirror of an edge's stream; waits for an edge that has never been here."""
    jetstream = await nats.jetstream()
    here = await log.about(nats, stream)
    if here is None:
        began = await _began(nats, stream, edge)
        await log.mirror(jetstream, stream, edge, began, is_watched=False)  # nothing is dropped before it is consumed
    else:
        began = here["config"]["metadata"]["began"]
    made = await jetstream.streams.get(stream)
    consumer = await consume(made)
    if stream == log.MQTT:
        await answers_of(made)
    await log.mirror(jetstream, stream, edge, began, is_watched=True)
    return consumer


async def answers_of(stream: Stream) -> PullConsumer:
    """Our durable consumer of what devices say of their commands."""
    return await log.consumer_of(stream, ANSWERING, [ANSWERS])


async def answers_of_edge(nats: Nats) -> PullConsumer:
    """As `answers_of`, on the mirror of an edge; waits until there is one."""
    while True:
        with contextlib.suppress(*log.FAULTS):
            return await answers_of(await (await nats.jetstream()).streams.get(log.MQTT))
        await asyncio.sleep(LOOK_SECONDS)


async def is_reached(nats: Nats, edge: str) -> bool:
    """Whether an edge answers over its line."""
    return await log.about(nats, log.MQTT, edge) is not None


async def _began(nats: Nats, stream: str, edge: str) -> str:
    while True:
        there = await log.about(nats, stream, edge)
        if there is not None:
            return str(there["created"])
        await asyncio.sleep(LOOK_SECONDS)


async def until_other(nats: Nats, stream: str, edge: str, detail: dict[str, Any]) -> None:
    """Return when the edge has lost its disk and all that its old stream had sent is committed; the mirror is gone."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        here, there = await log.about(nats, stream), await log.about(nats, stream, edge)
        detail["is_reached"] = there is not None
        if here is None or there is None:
            continue
        detail["behind"] = max(0, there["state"]["last_seq"] - here["state"]["last_seq"])
        detail["reached"] = datetime.now(UTC).isoformat(timespec="seconds")
        ours = [CONSUMER, ANSWERING] if stream == log.MQTT else [CONSUMER]
        is_other = there["created"] != here["config"]["metadata"]["began"]
        if is_other and all([await log.is_done(nats, stream, one) for one in ours]):
            logger.warning("edge %s began its stream %s anew; what it had sent before is committed", edge, stream)
            await (await nats.jetstream()).streams.delete(stream)
            return


async def ingest_edge(key: str, stream: str, detail: dict[str, Any]) -> None:
    """Commit one stream of an edge for ever. Devices outside its area are unknown to it: what it says of them is kept
    as refused."""
    edge = settings.CONFIG.edges[key]
    async with log.connected(edge.account) as nats:
        while True:
            consumer = await mirrored(nats, stream, key)
            work = Ingest(f"{stream}@{key}", catalogue=Catalogue((edge.county, edge.area)), detail=detail)
            committing = asyncio.create_task(commit_all(nats, edge.account, consumer, work))
            try:
                await until_other(nats, stream, key, detail)
            finally:
                committing.cancel()
                await asyncio.gather(committing, return_exceptions=True)


async def answer_edge(key: str) -> None:
    """Tell an edge the devices of its area, and give it firmware for them, whenever it asks."""
    edge = settings.CONFIG.edges[key]
    registry = Registry((edge.county, edge.area))
    async with contextlib.aclosing(registry), log.connected(edge.account) as nats:

        async def reply(message: Message) -> None:
            try:
                known = await registry.all()
            except psycopg.OperationalError as error:
                logger.warning("edge %s asks who may log in: %s; it goes on with whom it knows", key, error)
                return
            passes = [Pass(one.key, one.secret, one.is_lenient, one.named) for one in known]
            if message.reply:
                await nats.publish(message.reply, msgspec.json.encode(passes))

        async def give(message: Message) -> None:
            await downloading.give(nats, registry, message)

        async with nats.subscribe(ASKED, callback=reply), nats.subscribe(downloading.ASKED, callback=give):
            await asyncio.Event().wait()


class KeptRegistry:
    """Devices for a gateway on an edge: as the county last told them, also after a restart without it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._read = 0.0
        self._devices: dict[str, KnownDevice] = {}

    async def all(self) -> list[KnownDevice]:
        """Every device that may log in."""
        self._look()
        return list(self._devices.values())

    async def device(self, key: str) -> KnownDevice | None:
        """The enabled device of that name."""
        self._look()
        return self._devices.get(key)

    def _look(self) -> None:
        written = self._file.stat().st_mtime if self._file.exists() else 0.0
        if written != self._read:
            passes = msgspec.json.decode(self._file.read_bytes(), type=list[Pass])
            self._devices = {
                one.key: KnownDevice(
                    0, one.key, Origin.MEASURED, True, one.is_lenient, one.secret, {}, one.named
                )
                for one in passes
            }  # fmt: skip
            self._read = written

    def knows(self, _: str) -> bool:
        """Only devices get in at an edge."""
        return True

    async def aclose(self) -> None:
        """Nothing is held open."""


async def kept_revocations() -> AsyncIterator[str]:
    """As `catalogue.revocations` on an edge: who is out at the county or has another password, as it is heard."""
    file, read, known = _kept(settings.CONFIG), 0.0, dict[str, str]()
    yield ""
    while True:
        written = file.stat().st_mtime if file.exists() else 0.0
        if written != read:
            now = {one.key: one.secret for one in msgspec.json.decode(file.read_bytes(), type=list[Pass])}
            for key, secret in known.items():
                if now.get(key) != secret:
                    yield key
            known, read = now, written
        await asyncio.sleep(KEPT_SECONDS)


def revocations() -> AsyncIterator[str]:
    """Who is out, as a gateway of this machine hears it."""
    return kept_revocations() if settings.CONFIG.edge else catalogue.revocations()


def registry() -> Registry | KeptRegistry:
    """The devices a gateway of this machine lets in."""
    config = settings.CONFIG
    return KeptRegistry(_kept(config)) if config.edge else Registry()


async def follow_county(detail: dict[str, Any]) -> None:  # nothing to tell: no database for heartbeats
    """On an edge: make the streams that keep what comes, then ask the county for ever who may log in."""
    file = _kept(settings.CONFIG)
    async with log.connected("ingest") as nats:
        jetstream = await nats.jetstream()
        for stream in STREAMS:
            await log.stream(jetstream, stream)
        while True:
            try:
                told = (await nats.request(ASKED, b"")).payload
                msgspec.json.decode(told, type=list[Pass])
                (settings.CONFIG.home / "run/county").touch()  # `shizhu status` tells when it was reached
                if not file.exists() or file.read_bytes() != told:
                    part = file.with_suffix(".part")
                    part.touch(mode=0o600)
                    part.write_bytes(told)
                    part.replace(file)
                    logger.info("the county told its devices anew")
            except (*log.FAULTS, msgspec.DecodeError) as error:
                logger.debug("the county is not reached (%s)", error)
            await asyncio.sleep(LOOK_SECONDS)


def _kept(config: Any) -> Path:
    file: Path = config.home / "devices.json"
    return file
