"""CreateObservations, the data array extension (18-088 §12.2): many Observations at once, in one transaction.

`[{"Datastream": {"@iot.id": 1}, "components": ["phenomenonTime", "result"], "dataArray": [[…], …]}]` is answered with
the address of each row's Observation, in order, or "error"; a row that is wrong goes to quarantine with the reason.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson
import psycopg

from shizhu.engines.things import news, store
from shizhu.engines.things.http.sta.callers import Caller
from shizhu.engines.things.http.sta.drafts import fits
from shizhu.engines.things.http.sta.entities import SETS
from shizhu.engines.things.http.sta.errors import Refused, bad, forbidden
from shizhu.engines.things.http.sta.scope import condition, visible
from shizhu.engines.things.http.sta.sql import bind, join, sql
from shizhu.engines.things.http.sta.write import NO_FEATURE, ORDERED, Writer, written
from shizhu.engines.things.logic.readings import Reading, Reject, Stream, shown

OBSERVATIONS = SETS["Observations"]
FEATURE = "FeatureOfInterest/id"
CHECKED = ("validTime", "parameters")  # what a Reading does not check itself
GIVEN = {name for name, found in OBSERVATIONS.properties.items() if found.column}
COMPONENTS = {*GIVEN, FEATURE, "FeatureOfInterest/@iot.id"}
CREATE = "things.observation.create"
SLICE = 2000  # rows between which others get their turn
IDS = """
SELECT o.id FROM unnest(%s::bigint[], %s::timestamptz[]) WITH ORDINALITY AS k (stream, time, place)
CROSS JOIN LATERAL (
  SELECT id FROM things_observation WHERE datastream_id = k.stream AND phenomenon_time = k.time
  ORDER BY sequence DESC LIMIT 1
) o ORDER BY k.place
"""


@dataclass(frozen=True)
class Group:
    """Rows of one Datastream (or MultiDatastream)."""

    place: str
    stream: int
    names: tuple[str, ...]
    rows: Sequence[Any]

    def payload(self, row: Any) -> bytes:
        """One row as it is kept in quarantine."""
        return orjson.dumps({"Datastream": {"@iot.id": self.stream}, "components": self.names, "dataArray": [row]})


@dataclass
class Bulk:
    """What one request makes."""

    writer: Writer
    sender: str
    features: frozenset[int]
    addresses: list[int | None] = field(default_factory=list)  # ids of Observations; None: an error
    refused: list[store.Refused] = field(default_factory=list)

    def refuse(self, reject: Reject, payload: bytes, device: int | None) -> None:
        """Keep a row with the reason."""
        self.refused.append(store.Refused(self.writer.received, "sta", device, self.sender, payload, reject))

    async def add(self, group: Group) -> None:
        """Commit the rows of a group; all are errors where the caller may not write."""
        try:
            stream = await self.writer.stream(group.stream, group.place)
        except Refused:
            rule = f"the right {CREATE} is missing here"
            self.refuse(Reject("Datastream", str(group.stream), rule), group.payload(None), None)
            self.addresses += [None] * len(group.rows)
            return
        await self.writer.connection.execute(ORDERED, ([stream.id],))
        rows = iter(group.rows)
        while some := list(islice(rows, SLICE)):
            await self._commit([self._read(group, stream, row) for row in some], some, group)
            await asyncio.sleep(0)

    def _read(self, group: Group, stream: Stream, row: Any) -> Reading | Reject:
        if not isinstance(row, list) or len(row) != len(group.names):
            return Reject("dataArray", shown(orjson.dumps(row)), f"a row is a list of {len(group.names)} components")
        values = dict(zip(group.names, row, strict=True))
        for name in CHECKED:
            found = OBSERVATIONS.properties[name]
            if values.get(name) is not None and not fits(values[name], found.rule, values):
                return Reject(name, shown(orjson.dumps(values[name])), found.rule.value)
        feature = values.pop("FeatureOfInterest", None)
        if feature is None:
            feature = self.writer.details[stream.id].feature
            if feature is None:
                return Reject("FeatureOfInterest", "", NO_FEATURE)
        elif type(feature) is not int or feature not in self.features:
            return Reject("FeatureOfInterest", shown(orjson.dumps(feature)), "there is no such FeatureOfInterest")
        return self.writer.reading(stream, values, feature)

    async def _commit(self, found: Sequence[Reading | Reject], rows: Sequence[Any], group: Group) -> None:
        """Commit a slice; a row that the database cannot take is found by halving."""
        readings = [one for one in found if isinstance(one, Reading)]
        try:
            ids = await self._ids(readings)
        except psycopg.DataError as error:
            if len(found) > 1:
                half = len(found) // 2
                await self._commit(found[:half], rows[:half], group)
                await self._commit(found[half:], rows[half:], group)
                return
            why = f"the database cannot keep it: {error.diag.message_primary or error}"
            found, ids = [Reject("result", shown(orjson.dumps(rows[0])), why)], iter(())
        device = self.writer.details[group.stream].device
        for one, row in zip(found, rows, strict=True):
            if isinstance(one, Reject):
                self.refuse(one, group.payload(row), device)
                self.addresses.append(None)
            else:
                self.addresses.append(next(ids))

    async def _ids(self, readings: list[Reading]) -> Iterator[int]:
        if not readings:
            return iter(())
        connection = self.writer.connection
        async with connection.transaction():
            await store.commit(connection, store.Batch(readings), self.writer.streams)
            await news.tell(connection, news.spans(readings))
        keys = [one.stream for one in readings], [one.time for one in readings]
        return iter([row[0] for row in await (await connection.execute(IDS, keys)).fetchall()])


async def create(connection: psycopg.AsyncConnection[Any], caller: Caller, body: Any, root: str) -> list[str]:
    """Make the Observations of the groups; the addresses of the rows, or "error". Raises Refused (400, 403)."""
    if not caller.has(CREATE):
        raise forbidden(f"CreateObservations: the right {CREATE} is missing")
    groups = read(body)

    async def made(writer: Writer) -> list[int | None]:
        told = caller.told
        bulk = Bulk(writer, str(told.get("device") or told.get("name")), await _features(connection, caller, groups))
        for group in groups:
            await bulk.add(group)
        if bulk.refused:
            await store.commit(connection, store.Batch(refused=bulk.refused), {})
        return bulk.addresses

    addresses = await written(connection, caller, made)
    return ["error" if id_ is None else f"{root}/Observations({id_})" for id_ in addresses]


async def _features(
    connection: psycopg.AsyncConnection[Any], caller: Caller, groups: Sequence[Group]
) -> frozenset[int]:
    """Those of the named FeaturesOfInterest that are there and may be seen."""
    named: set[int] = set()
    for group in groups:
        if "FeatureOfInterest" in group.names:
            at = group.names.index("FeatureOfInterest")
            rows = (row for row in group.rows if isinstance(row, list) and len(row) > at)
            named |= {row[at] for row in rows if type(row[at]) is int and 0 < row[at] < 2**63}
    if not named:
        return frozenset()
    entity = SETS["FeaturesOfInterest"]
    where = join(
        " AND ", [sql("e.id = ANY({ids})", ids=bind(sorted(named), "bigint[]")), condition(entity, "e"),
                  visible(entity, "e", caller)],
    )  # fmt: skip
    query = sql(f"SELECT e.id FROM {entity.table} e WHERE {{where}}", where=where)
    return frozenset(row[0] for row in await (await connection.execute(query.text, query.values)).fetchall())


def read(body: Any) -> list[Group]:
    """Check the body but not the rows; raises Refused (400)."""
    if not isinstance(body, list):
        raise bad("CreateObservations: the body is a list of {Datastream, components, dataArray}")
    return [_group(one, f"[{number}]") for number, one in enumerate(body)]


def _group(one: Any, place: str) -> Group:
    if not isinstance(one, Mapping):
        raise bad(f"{place}: must be a JSON object {{Datastream, components, dataArray}}")
    link = one.get("Datastream") or one.get("MultiDatastream")
    id_ = link.get("@iot.id") if isinstance(link, Mapping) else None
    if type(id_) is not int or not 0 <= id_ < 2**63:
        raise bad(f'{place}.Datastream: {link!r}: names its Datastream as {{"@iot.id": 1}}, or a MultiDatastream')
    names, rows = one.get("components"), one.get("dataArray")
    if not isinstance(names, list) or not isinstance(rows, list):
        raise bad(f"{place}: components and dataArray must be lists")
    for name in names:
        if name not in COMPONENTS:
            raise bad(f"{place}.components: {name!r}: is none of {', '.join(sorted(COMPONENTS))}")
    if "result" not in names or len(set(names)) < len(names):
        raise bad(f"{place}.components: result must be among them, and none twice")
    count = one.get("dataArray@iot.count", len(rows))
    if count != len(rows):
        raise bad(f"{place}.dataArray@iot.count: {count!r}: there are {len(rows)} rows")
    plain = tuple("FeatureOfInterest" if "/" in name else name for name in names)
    return Group(f"{place}.Datastream", id_, plain, rows)
