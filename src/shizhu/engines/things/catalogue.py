"""Devices and datastreams in memory, for the hot paths; reloaded when a trigger says that something changed."""

from __future__ import annotations

import asyncio
import logging
import select
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from django.conf import settings

from shizhu.engines.things.logic import quality
from shizhu.engines.things.logic.readings import Component, KnownDevice, Stream
from shizhu.kernel import packs

logger = logging.getLogger(__name__)
CHANNEL, REVOKED = "things_catalogue", "things_revoked"
RETRY_SECONDS = 1.0
# Of a MultiDatastream `s`: each component's observationType, and the range that the Thing's own Datastream of the same
# ObservedProperty has.
COMPONENTS = """CASE WHEN s.data_types IS NOT NULL THEN (
  SELECT jsonb_agg(jsonb_build_array(s.data_types ->> (c.place - 1), o.lowest, o.highest) ORDER BY c.place)
  FROM (SELECT observedproperty_id, (row_number() OVER (ORDER BY id))::int AS place
        FROM things_datastream_observed_properties WHERE datastream_id = s.id) c
  LEFT JOIN LATERAL (
    SELECT lowest, highest FROM things_datastream
    WHERE thing_id = s.thing_id AND observed_property_id = c.observedproperty_id ORDER BY id LIMIT 1
  ) o ON TRUE) END"""
STREAMS = f"""
SELECT s.id, s.thing_id, s.key, s.lowest, s.highest, s.is_watched, t.county_id, s.checks, {COMPONENTS}
FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id
"""
DEVICES = """
SELECT d.id, d.key, d.county_id, d.profile, d.thing_id, d.is_enabled, d.is_lenient, d.origin, d.secret
FROM things_device d JOIN things_thing t ON t.id = d.thing_id
"""
WITHIN = """
JOIN kernel_area a ON a.id = t.area_id
JOIN kernel_area top ON top.county_id = %s AND top.code = %s AND a.county_id = top.county_id
  AND starts_with(a.path, top.path)
"""


@dataclass
class Catalogue:
    """All devices by key, all datastreams by id; of one place only, if it is given by county and code of an area."""

    place: tuple[str, str] | None = None
    is_stale: bool = True
    devices: dict[str, KnownDevice] = field(default_factory=dict)
    streams: dict[int, Stream] = field(default_factory=dict)
    origins: dict[int, int] = field(default_factory=dict)  # of a datastream, from its thing's device
    switched_off: frozenset[int] = frozenset()  # datastreams of devices that may not send now
    owners: dict[int, KnownDevice] = field(default_factory=dict)  # of a datastream, the device of its thing

    async def listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Follow changes through this connection (autocommit)."""
        self.is_stale = True
        connection.add_notify_handler(lambda _: self._forget())
        await connection.execute(f"LISTEN {CHANNEL}")

    def _forget(self) -> None:
        self.is_stale = True

    async def refresh(self, connection: psycopg.AsyncConnection[Any]) -> None:
        """Reload if anything changed; notices arrive with the answer of any query."""
        await connection.execute("SELECT 1")
        if not self.is_stale:
            return
        self.is_stale = False
        profiles = await profiles_of(connection)
        streams: dict[int, Stream] = {}
        by_thing: dict[int, dict[str, Stream]] = {}
        ids: dict[int, list[int]] = {}
        named: dict[int, list[str]] = {}
        for id_, thing, key, *limits, checks, parts in await self._rows(connection, STREAMS):
            streams[id_] = stream = Stream(*[id_, *limits, quality.checks(checks or {}), components(parts)])
            ids.setdefault(thing, []).append(id_)
            named.setdefault(thing, []).append(f"{'MultiDatastreams' if parts else 'Datastreams'}({id_})")
            if key:
                by_thing.setdefault(thing, {})[key] = stream
        devices: dict[str, KnownDevice] = {}
        origins: dict[int, int] = {}
        switched_off: set[int] = set()
        owners: dict[int, KnownDevice] = {}
        for id_, key, county, profile, thing, is_enabled, is_lenient, origin, secret in await self._rows(
            connection, DEVICES
        ):
            own = by_thing.get(thing, {})
            declared = profiles.get((county, profile)) or profiles.get((None, profile), {"properties": {}})
            names = {p: item.get("channels", []) for p, item in declared["properties"].items()}
            channels = {c: own[p] for p in own for c in names.get(p, [])}
            devices[key] = device = KnownDevice(
                id_, key, origin, is_enabled, is_lenient, secret, own, tuple(named.get(thing, ())), channels,
                tuple(declared.get("ignored", ())),
            )  # fmt: skip
            origins |= {stream.id: origin for stream in own.values()}
            switched_off.update(() if is_enabled else ids.get(thing, ()))
            owners |= dict.fromkeys(ids.get(thing, ()), device)
        self.devices, self.streams, self.origins, self.owners = devices, streams, origins, owners
        self.switched_off = frozenset(switched_off)

    async def _rows(self, connection: psycopg.AsyncConnection[Any], query: str) -> list[tuple[Any, ...]]:
        return await fetch(connection, *((query + WITHIN, self.place) if self.place else (query,)))


def components(rows: list[list[Any]] | None) -> tuple[Component, ...]:
    """What COMPONENTS gives."""
    return tuple(Component(*row) for row in rows or ())


class Registry:
    """Devices for a gateway: follows the database, and goes on with what it knew while the database is away."""

    def __init__(self, place: tuple[str, str] | None = None) -> None:
        self._catalogue = Catalogue(place)
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._tried = 0.0
        self._asked = 0.0
        self._lock = asyncio.Lock()

    async def device(self, key: str) -> KnownDevice | None:
        """The enabled device of that name."""
        if key not in self._catalogue.devices or self._may_have_news():
            async with self._lock:
                await self._follow()
        device = self._catalogue.devices.get(key)
        return device if device and device.is_enabled else None

    def knows(self, key: str) -> bool:
        """Whether there is a device of that name, which may be switched off."""
        return key in self._catalogue.devices

    async def all(self) -> list[KnownDevice]:
        """Every enabled device, as it is now or was last known. Raises OperationalError while none was ever known."""
        async with self._lock:
            await self._follow()
        if not self._asked:
            raise psycopg.OperationalError("the devices are not known yet: the database has not answered")
        return [device for device in self._catalogue.devices.values() if device.is_enabled]

    async def aclose(self) -> None:
        """Let the database go."""
        if self._connection is not None:
            await self._connection.close()

    def _may_have_news(self) -> bool:
        # A notice makes the connection readable: a query for every packet would cost more than the packet.
        if self._connection is None or time.monotonic() - self._asked > RETRY_SECONDS:
            return True
        waiting = select.poll()
        waiting.register(self._connection.fileno(), select.POLLIN)
        return bool(waiting.poll(0))

    async def _follow(self) -> None:
        had_one = self._connection is not None
        await self._look()
        if had_one and self._connection is None:  # it broke since: nobody is unknown only for that
            self._tried = 0.0
            await self._look()

    async def _look(self) -> None:
        if self._connection is None and time.monotonic() - self._tried < RETRY_SECONDS:
            return
        try:
            if self._connection is None:
                self._tried = time.monotonic()
                self._connection = await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True)
                await self._catalogue.listen(self._connection)
            await self._catalogue.refresh(self._connection)
            self._asked = time.monotonic()
        except psycopg.OperationalError as error:
            logger.warning("devices as last known: the database does not answer (%s)", str(error).splitlines()[0])
            self._connection = None


async def fetch(
    connection: psycopg.AsyncConnection[Any], query: str, values: tuple[str, ...] = ()
) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return await (await connection.execute(query, values)).fetchall()


async def profiles_of(connection: psycopg.AsyncConnection[Any]) -> dict[tuple[str | None, str], packs.Body]:
    """All declared device profiles by county (None for a pack's) and key."""
    query = "SELECT county_id, key, body FROM kernel_declaration WHERE kind = 'things' AND NOT is_withdrawn"
    return {(county, key): body for county, key, body in await fetch(connection, query)}


def profile(key: str, county: str) -> packs.Body:
    """A declared device profile; KeyError if nobody declares it."""
    return packs.declaration("things", key, county)


async def revocations() -> AsyncIterator[str]:
    """Keys of devices that were switched off or got another password, as it happens; first those that are off now.

    Before all an empty key: what happened until now was not heard, so look at everybody.
    """
    connection = await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True)
    async with connection:
        await connection.execute(f"LISTEN {REVOKED}")
        yield ""
        for (key,) in await fetch(connection, "SELECT key FROM things_device WHERE NOT is_enabled"):
            yield key
        async for notice in connection.notifies():
            yield notice.payload
