"""Create and deep insert (18-088 §10.2), and change (§10.3), each in one transaction with its readings and events."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

import orjson
import psycopg
from psycopg.errors import DeadlockDetected, SerializationFailure, UniqueViolation

from shizhu.engines.things import news, store
from shizhu.engines.things.catalogue import COMPONENTS, components
from shizhu.engines.things.http.sta.callers import Caller
from shizhu.engines.things.http.sta.drafts import Draft, Known
from shizhu.engines.things.http.sta.entities import COMPLEX, SETS, EntitySet, Kind, Navigation
from shizhu.engines.things.http.sta.errors import bad, forbidden
from shizhu.engines.things.http.sta.scope import condition, visible
from shizhu.engines.things.http.sta.sql import Sql, bind, join, predicate, sql
from shizhu.engines.things.logic import quality
from shizhu.engines.things.logic.geojson import GEOJSON, geometry
from shizhu.engines.things.logic.readings import Origin, Reading, Reject, Stream, from_observation
from shizhu.kernel.fields import BoxField, box_of

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]
TRIES = 5
NO_FEATURE = "must be given, because the Datastream's Thing has no Location to make one from"
INSTANT = timedelta(microseconds=1)
CONTEXT = "SELECT set_config('pghistory.context_id', %s, true), set_config('pghistory.context_metadata', %s, true)"
STREAM = """
SELECT s.id, s.lowest, s.highest, s.is_watched, t.county_id, s.checks, {components}, s.feature_id,
       coalesce(d.origin, 0), d.id
FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id
LEFT JOIN LATERAL (SELECT id, origin FROM things_device WHERE thing_id = t.id ORDER BY id LIMIT 1) d ON TRUE
WHERE s.id = {id} AND {allowed}
"""
LENGTHS = """
SELECT jsonb_array_length(d.data_types), jsonb_array_length(d.unit_of_measurement),
       (SELECT count(*) FROM things_datastream_observed_properties m WHERE m.datastream_id = d.id)
FROM things_datastream d WHERE d.id = %s
"""
HOME = """
SELECT a.county_id, o.id, a.id FROM kernel_area a JOIN kernel_organisation o ON o.county_id = a.county_id
WHERE {where} ORDER BY a.county_id, length(a.path), length(o.path) LIMIT 1
"""
LOCK = "SELECT t.id FROM things_thing t WHERE t.id = {id} AND {allowed} FOR NO KEY UPDATE"
FEATURE = """
INSERT INTO things_featureofinterest (name, description, encoding_type, feature)
SELECT l.name, l.description, l.encoding_type, l.location
FROM things_thing_locations m JOIN things_location l ON l.id = m.location_id
WHERE m.thing_id = %s AND l.box IS NOT NULL ORDER BY m.id LIMIT 1 RETURNING id
"""
KNOWN_FEATURE = (
    "SELECT feature_id FROM things_datastream WHERE thing_id = %s AND feature_id IS NOT NULL ORDER BY id DESC LIMIT 1"
)
OBSERVATION = """
SELECT id FROM things_observation WHERE datastream_id = %s AND phenomenon_time = %s ORDER BY sequence DESC LIMIT 1
"""
ORDERED = "SELECT FROM things_datastream WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"  # one writer at a time
HUNG = {"Things", "MultiDatastreams", "HistoricalLocations"}
ORIGINS = {origin.name.lower(): origin for origin in Origin}
TYPES = {Kind.TEXT: "text", Kind.JSON: "jsonb", Kind.TIME: "timestamptz"}


async def retried(make: Callable[[], Awaitable[T]]) -> T:
    """What a transaction gives; one that others got in the way of is done again."""
    for attempt in range(1, TRIES):
        try:
            return await make()
        except (DeadlockDetected, SerializationFailure, UniqueViolation):  # of an hour or a reading that both write
            await asyncio.sleep(random.uniform(0, 0.02 * attempt))  # noqa: S311  # only keeps two from meeting again
    return await make()


async def create(connection: Connection, caller: Caller, draft: Draft) -> int:
    """Make the entity with all that is in it; returns its id. Raises Refused (400, 403), and then nothing is made."""

    async def made(writer: Writer) -> int:
        id_ = await writer.make(draft)
        await writer.commit_readings()
        return id_ if draft.entity.name != "Observations" else await writer.last_observation()

    return await written(connection, caller, made)


async def written(connection: Connection, caller: Caller, work: Callable[[Writer], Awaitable[T]]) -> T:
    """What is done by one Writer, in one transaction; raises Refused, and then nothing is changed."""

    async def done() -> T:
        async with connection.transaction():
            writer = Writer(connection, caller)
            await writer.begin()
            return await work(writer)

    return await retried(done)


class Detail(NamedTuple):
    """Of a stream: the feature of Observations without one, origin and id of its Thing's device."""

    feature: int | None
    origin: int
    device: int | None


@dataclass
class Writer:
    """One transaction."""

    connection: Connection
    caller: Caller
    streams: dict[int, Stream] = field(default_factory=dict)
    details: dict[int, Detail] = field(default_factory=dict)
    readings: list[Reading] = field(default_factory=list)
    received: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def begin(self) -> None:
        """Tell the audit triggers who does it."""
        told = orjson.dumps({**self.caller.told, "path": "sta"}).decode()
        await self.connection.execute(CONTEXT, (str(uuid.uuid4()), told))

    async def one(self, query: Sql | str, *values: Any) -> Any:
        """The first column of the first row, or None."""
        piece = query if isinstance(query, Sql) else Sql(query, values)
        row = await (await self.connection.execute(piece.text, piece.values)).fetchone()
        return row[0] if row else None

    async def make(self, draft: Draft) -> int:
        """Make the entity of a draft: what it links to, itself, then what hangs on it."""
        targets: dict[str, int] = {}
        for navigation in draft.entity.navigation.values():
            if not navigation.is_many and navigation.name in draft.links:
                targets[navigation.name] = await self.target(draft, navigation, draft.links[navigation.name][0])
        if draft.entity.name == "Observations":
            await self.observe(draft, targets)
            return 0
        columns = {draft.entity.navigation[name].column: bind(id_, "bigint") for name, id_ in targets.items()}
        columns |= self.columns(draft) | await self.own_columns(draft, targets)
        names, values = ", ".join(columns), join(", ", columns.values())
        table = draft.entity.table
        id_ = int(await self.one(sql(f"INSERT INTO {table} ({names}) VALUES ({{values}}) RETURNING id", values=values)))
        await self.hang(draft, id_)
        await self.check_lengths(draft, id_)
        return id_

    async def check_lengths(self, draft: Draft, id_: int) -> None:
        """A MultiDatastream has as many types and units as ObservedProperties (18-088, req/multi-datastream)."""
        if draft.entity.name != "MultiDatastreams":
            return
        row = await (await self.connection.execute(LENGTHS, (id_,))).fetchone()
        if row and len(set(row)) > 1:
            types, units, observed = row
            rule = f"as many as there are unitOfMeasurements ({units}) and ObservedProperties ({observed})"
            raise bad(f"{draft.place}.multiObservationDataTypes: {types}: must be {rule}, each of these once")

    async def target(self, draft: Draft, navigation: Navigation, link: int | Draft) -> int:
        """The id of a linked entity, made if it is a draft; it must be visible if it is named."""
        if isinstance(link, Draft):
            if self.caller.is_device:
                raise forbidden("a device makes Observations, and nothing else")
            return await self.make(link)
        if isinstance(link, Known):
            return int(link)
        target = SETS[navigation.target]
        seen = [condition(target, "e"), visible(target, "e", self.caller)]
        where = join(" AND ", [sql("e.id = {id}", id=bind(link, "bigint")), *seen])
        if await self.one(sql(f"SELECT e.id FROM {target.table} e WHERE {{where}} LIMIT 1", where=where)) is None:
            raise bad(f"{draft.place}.{navigation.name}: {link}: there is no {target.entity} with this @iot.id")
        return link

    @staticmethod
    def columns(draft: Draft) -> dict[str, Sql]:
        """The given values as columns."""
        columns = {}
        for name, value in draft.values.items():
            found = draft.entity.properties[name]
            is_json = found.kind is Kind.JSON and value is not None
            given = orjson.dumps(value).decode() if is_json else value
            columns[found.column] = bind(given, TYPES[found.kind])
        if "location" in draft.values:
            is_geojson = draft.values.get("encodingType", "application/geo+json") in GEOJSON
            bounds = box_of(geometry(draft.values["location"])) if is_geojson else None
            columns["box"] = bind(BoxField().get_prep_value(bounds), "box")
        return columns

    async def own_columns(self, draft: Draft, targets: dict[str, int]) -> dict[str, Sql]:
        """Columns the standard does not know; the right to make it is required here."""
        verb = f"things.{draft.entity.noun}.create"
        if draft.entity.name == "Things":
            return await self.home(verb)
        if "Thing" not in targets:
            if not self.caller.has(verb):
                raise self.missing_right(verb, draft.place)
            return {}
        await self.lock(targets["Thing"], verb, draft.place)
        if draft.entity.table != "things_datastream":
            return {}
        feature = await self.one(KNOWN_FEATURE, targets["Thing"]) or await self.one(FEATURE, targets["Thing"])
        own = {"feature_id": bind(feature, "bigint"), "is_watched": Sql("FALSE")}
        return own | ({"observation_type": bind(COMPLEX, "text")} if draft.entity.name == "MultiDatastreams" else {})

    def missing_right(self, verb: str, place: str) -> Exception:
        """403."""
        return forbidden(f"{place}: the right {verb} is missing here")

    async def home(self, verb: str) -> dict[str, Sql]:
        """County, organisation and area of a new Thing: of the first scope that gives the right."""
        scope = self.caller.scope(verb)
        if scope is None and not self.caller.sees_all:
            raise self.missing_right(verb, "Thing")
        where = Sql("TRUE")
        if scope:
            where = Sql(
                "a.county_id = %s AND a.path = %s AND o.path = %s",
                (scope.county, scope.area_path, scope.organisation_path),
            )
        query = sql(HOME, where=where)
        row = await (await self.connection.execute(query.text, query.values)).fetchone()
        if row is None:
            raise bad("Thing: there is no county yet that it could belong to")
        types = {"county_id": "text", "organisation_id": "bigint", "area_id": "bigint"}
        return {name: bind(value, type_) for (name, type_), value in zip(types.items(), row, strict=True)}

    async def lock(self, thing: int, verb: str, place: str) -> None:
        """Require the right on a Thing, and let nobody else move it meanwhile."""
        allowed = predicate(self.caller.things(verb))
        if await self.one(sql(LOCK, id=bind(thing, "bigint"), allowed=allowed)) is None:
            raise self.missing_right(verb, place)

    async def hang(self, draft: Draft, id_: int) -> None:
        """Make and link what hangs on a new entity."""
        for navigation in draft.entity.navigation.values():
            links = draft.links.get(navigation.name, ())
            if navigation.is_many and navigation.through[0]:
                targets = [await self.target(draft, navigation, link) for link in links]
                await self.link(draft.entity, navigation, id_, targets)
            elif navigation.is_many:
                for link in links:
                    if isinstance(link, int):
                        rule = f"an existing {SETS[navigation.target].entity} keeps its {navigation.inverse}"
                        raise bad(f"{draft.place}.{navigation.name}: {link}: {rule}: give a whole new one")
                    await self.make(link.linked(navigation.inverse, id_))

    async def link(self, entity: EntitySet, navigation: Navigation, id_: int, targets: list[int]) -> None:
        """Link many to many; a Thing moves when it is linked to Locations."""
        if not targets:
            return
        pair = entity.name, navigation.name
        if pair == ("Things", "Locations"):
            await self.move(id_, targets)
        elif pair == ("Locations", "Things"):
            for thing in sorted(targets):
                await self.move(thing, [id_])
        elif pair == ("HistoricalLocations", "Locations"):
            await self.add_links(navigation.through, id_, targets)
            await self.follow_history(id_, targets)
        else:
            await self.add_links(navigation.through, id_, targets)

    async def add_links(self, through: tuple[str, str, str], id_: int, targets: list[int]) -> None:
        """Rows of a table of links."""
        table, own, other = through
        query = f"INSERT INTO {table} ({own}, {other}) SELECT %s, unnest(%s::bigint[]) ON CONFLICT DO NOTHING"
        await self.connection.execute(query, (id_, targets))

    async def move(self, thing: int, locations: list[int], *, is_remembered: bool = True) -> None:
        """Put a Thing at Locations, with a HistoricalLocation and a feature for its Datastreams (§8.2.2, §8.2.8)."""
        await self.lock(thing, "things.location.create", "Location")
        await self.connection.execute("DELETE FROM things_thing_locations WHERE thing_id = %s", (thing,))
        await self.add_links(SETS["Things"].navigation["Locations"].through, thing, locations)
        if is_remembered:
            query = "INSERT INTO things_historicallocation (thing_id, time) VALUES (%s, now()) RETURNING id"
            history = int(await self.one(query, thing))
            await self.add_links(SETS["HistoricalLocations"].navigation["Locations"].through, history, locations)
        if await self.one("SELECT TRUE FROM things_datastream WHERE thing_id = %s LIMIT 1", thing):
            feature = await self.one(FEATURE, thing)
            update = "UPDATE things_datastream SET feature_id = coalesce(%s, feature_id) WHERE thing_id = %s"
            await self.connection.execute(update, (feature, thing))

    async def follow_history(self, history: int, locations: list[int]) -> None:
        """A HistoricalLocation that is the newest of its Thing says where the Thing is."""
        newest = """SELECT h.thing_id FROM things_historicallocation h WHERE h.id = %s AND NOT EXISTS (
            SELECT FROM things_historicallocation n WHERE n.thing_id = h.thing_id AND n.time > h.time)"""
        thing = await self.one(newest, history)
        if thing:
            await self.move(thing, locations, is_remembered=False)

    async def observe(self, draft: Draft, targets: dict[str, int]) -> None:
        """Add a reading to those this transaction commits."""
        stream = await self.stream(targets.get("Datastream") or targets["MultiDatastream"], draft.place)
        feature = targets.get("FeatureOfInterest", self.details[stream.id].feature)
        if feature is None:
            raise bad(f"{draft.place}.FeatureOfInterest: None: {NO_FEATURE}")
        found = self.reading(stream, draft.values, feature)
        if isinstance(found, Reject):
            raise bad(f"{draft.place}.{found.field}: {found.value!r}: {found.rule}")
        self.readings.append(found)

    def reading(self, stream: Stream, values: Mapping[str, Any], feature: int) -> Reading | Reject:
        """The reading that an Observation's given values are."""
        origin = self.details[stream.id].origin
        said = (values.get("parameters") or {}).get("origin")
        self.received += INSTANT  # two without a time are two
        own = ORIGINS.get(said, origin) if isinstance(said, str) and origin == Origin.MEASURED else origin
        return from_observation({**values, "FeatureOfInterest": feature}, stream, self.received, own)

    async def stream(self, id_: int, place: str, verb: str = "things.observation.create") -> Stream:
        """A Datastream on whose Observations the caller has that right."""
        if id_ not in self.streams:
            allowed = predicate(self.caller.things(verb))
            query = sql(STREAM, id=bind(id_, "bigint"), allowed=allowed, components=COMPONENTS)
            row = await (await self.connection.execute(query.text, query.values)).fetchone()
            if row is None:
                raise self.missing_right(verb, place)
            *stream, checks, parts, feature, origin, device = row
            self.streams[id_] = Stream(*[*stream, quality.checks(checks or {}), components(parts)])
            self.details[id_] = Detail(feature, origin, device)
        return self.streams[id_]

    async def commit_readings(self) -> None:
        """Write the readings as ingest does, with events for the rules."""
        if self.readings:
            await self.connection.execute(ORDERED, (list(self.streams),))
            await store.commit(self.connection, store.Batch(self.readings), self.streams)
            await news.tell(self.connection, news.spans(self.readings))

    async def last_observation(self) -> int:
        """The id of the last reading's Observation."""
        reading = self.readings[-1]
        return int(await self.one(OBSERVATION, reading.stream, reading.time))

    async def own(self, entity: EntitySet, ids: list[int], verb: str, place: str) -> None:
        """Require the right on all of these entities, and let nobody else change them meanwhile."""
        owned = sql(entity.seen.owned, e="e", visible=predicate(self.caller.things(verb)))
        query = sql(
            f"SELECT e.id FROM {entity.table} e WHERE e.id = ANY({{ids}}) AND {{owned}} ORDER BY e.id FOR UPDATE",
            ids=bind(ids, "bigint[]"), owned=owned,
        )  # fmt: skip
        found = await (await self.connection.execute(query.text, query.values)).fetchall()
        if not self.caller.has(verb) or len({row[0] for row in found}) < len(ids):
            raise self.missing_right(verb, place)

    async def replace_links(self, draft: Draft, navigation: Navigation, id_: int) -> None:
        """Link to these and to no others; what hangs on the entity is only made."""
        if not navigation.through[0]:
            await self.hang(replace(draft, links={navigation.name: draft.links[navigation.name]}), id_)
            return
        targets = [await self.target(draft, navigation, link) for link in draft.links[navigation.name]]
        await self.own_linked(draft, navigation, targets)
        table, own, _ = navigation.through
        await self.connection.execute(f"DELETE FROM {table} WHERE {own} = %s", (id_,))
        await self.link(draft.entity, navigation, id_, targets)

    async def own_linked(self, draft: Draft, navigation: Navigation, targets: list[int]) -> None:
        """A link changes both ends where the other is a Thing or hangs on one."""
        target = SETS[navigation.target]
        if target.name in HUNG:
            await self.own(target, targets, f"things.{target.noun}.update", f"{draft.place}.{navigation.name}")

    async def change(self, id_: int, draft: Draft) -> None:
        """Change given values and links; a Thing's Locations move it."""
        entity, verb = draft.entity, f"things.{draft.entity.noun}.update"
        await self.own(entity, [id_], verb, draft.place)
        columns = self.columns(draft)
        for name, links in draft.links.items():
            navigation = entity.navigation[name]
            if (entity.name, name) == ("Things", "Locations") and links:
                await self.link(entity, navigation, id_, [await self.target(draft, navigation, link) for link in links])
            elif navigation.is_many:
                await self.replace_links(draft, navigation, id_)
            else:
                target = await self.target(draft, navigation, links[0])
                if name == "Thing":
                    await self.lock(target, verb, draft.place)
                columns[navigation.column] = bind(target, "bigint")
        if columns:
            given = join(", ", [sql(f"{name} = {{value}}", value=value) for name, value in columns.items()])
            update = sql(f"UPDATE {entity.table} SET {{given}} WHERE id = {{id}}", given=given, id=bind(id_, "bigint"))
            await self.connection.execute(update.text, update.values)
        await self.check_lengths(draft, id_)
