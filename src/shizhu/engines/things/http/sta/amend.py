"""Change, delete and link what is there (18-088 §10.3, §10.4); Observations are corrected and withdrawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from django.apps import apps
from django.db import models

from shizhu.engines.things import news, recall, store
from shizhu.engines.things.http.sta.drafts import Draft
from shizhu.engines.things.http.sta.entities import OBSERVED, SETS, EntitySet, Navigation
from shizhu.engines.things.http.sta.errors import Refused, bad, missing
from shizhu.engines.things.http.sta.scope import condition
from shizhu.engines.things.http.sta.write import FEATURE, ORDERED, Writer
from shizhu.engines.things.logic.readings import Reject, from_observation
from shizhu.kernel import events

DELETED = "things.datastream.deleted"
COLUMNS = (
    "e.datastream_id, e.phenomenon_time, e.phenomenon_end, e.result_time, e.result, e.result_json::text, e.extra::text,"
    " e.feature_id, e.origin"
)
STREAMS_OF = {  # the Datastreams that go with an entity
    "Things": "SELECT id FROM things_datastream WHERE thing_id = ANY(%(ids)s)",
    "Sensors": "SELECT id FROM things_datastream WHERE sensor_id = ANY(%(ids)s)",
    "ObservedProperties": """SELECT id FROM things_datastream WHERE observed_property_id = ANY(%(ids)s) UNION
        SELECT datastream_id FROM things_datastream_observed_properties WHERE observedproperty_id = ANY(%(ids)s)""",
    "Datastreams": "SELECT id FROM things_datastream WHERE id = ANY(%(ids)s)",
    "MultiDatastreams": "SELECT id FROM things_datastream WHERE id = ANY(%(ids)s)",
}
COUNTIES = """
SELECT t.county_id, array_agg(s.id ORDER BY s.id) FROM things_datastream s JOIN things_thing t ON t.id = s.thing_id
WHERE s.id = ANY(%s) GROUP BY 1
"""
HISTORY = "SELECT historicallocation_id FROM things_historicallocation_locations WHERE location_id = ANY(%s)"
NAMING = "SELECT DISTINCT datastream_id FROM things_observation WHERE feature_id = ANY(%s)"
ABSENT = "SELECT unnest(%s::bigint[]) EXCEPT SELECT id FROM things_observation WHERE id = ANY(%s)"
ARCHIVED = """
SELECT y.datastream_id, y.day FROM things_day y JOIN things_datastream s ON s.id = y.datastream_id
WHERE s.feature_id = ANY(%(ids)s) UNION
SELECT datastream_id, day FROM things_archivedfeature WHERE feature_id = ANY(%(ids)s)
"""


async def change(writer: Writer, id_: int, draft: Draft) -> None:
    """PATCH and PUT."""
    if draft.entity.name == "Observations":
        await correct(writer, id_, draft)
        return
    await writer.change(id_, draft)
    if draft.entity.name == "FeaturesOfInterest" and "feature" in draft.values:
        streams = await _ids(writer, NAMING, [id_])
        await writer.connection.execute(ORDERED, (streams,))
        await store.remeasure(writer.connection, streams, streams)


async def correct(writer: Writer, id_: int, draft: Draft) -> None:
    """A correction: the same Observation with the next sequence, and known from now on."""
    if {"Datastream", "MultiDatastream"} & {*draft.links}:
        raise bad(f"{draft.place}: an Observation keeps its Datastream: delete it and make another")
    await _take_back(writer, [id_])
    stream_id = await writer.one("SELECT datastream_id FROM things_observation WHERE id = %s LIMIT 1", id_)
    stream = await writer.stream(stream_id or 0, draft.place, "things.observation.update")
    await writer.connection.execute(ORDERED, ([stream.id],))
    row = await _known(writer, draft.entity, id_)
    _, time, end, result_time, number, json, extra, feature, origin = row
    if "FeatureOfInterest" in draft.links:
        link = draft.links["FeatureOfInterest"][0]
        feature = await writer.target(draft, draft.entity.navigation["FeatureOfInterest"], link)
    body = {
        "phenomenonTime": time.isoformat() + (f"/{end.isoformat()}" if end else ""),
        "resultTime": result_time and result_time.isoformat(),
        "result": number if json is None else orjson.loads(json),
        **orjson.loads(extra or "{}"),
        **draft.values,
        "FeatureOfInterest": feature,
    }
    found = from_observation(body, stream, max(writer.received, time), origin)
    if isinstance(found, Reject):
        raise bad(f"{draft.place}.{found.field}: {found.value!r}: {found.rule}")
    if not await store.amend(writer.connection, id_, time, found, writer.streams):
        rule = "the Datastream has another Observation of this time"
        raise Refused(HTTPStatus.CONFLICT, f"{draft.place}.phenomenonTime: {found.time.isoformat()}: {rule}")
    await news.tell(writer.connection, news.spans([found]))


async def _known(writer: Writer, entity: EntitySet, id_: int) -> Sequence[Any]:
    current = condition(entity, "e")
    query = f"SELECT {COLUMNS} FROM things_observation e WHERE e.id = %s AND {current.text}"
    row: Sequence[Any] | None = await (await writer.connection.execute(query, (id_,))).fetchone()
    if row is None:
        raise missing("this Observation is not there (any more)")
    return row


async def _take_back(writer: Writer, ids: list[int]) -> None:
    """Have the archived days of these Observations in the table."""
    absent = [row[0] for row in await _rows(writer, ABSENT, (ids, ids))]
    if absent:
        await store.take_back(writer.connection, await recall.of_ids(writer.connection, absent))


async def delete(writer: Writer, entity: EntitySet, ids: list[int], place: str) -> None:
    """Delete entities with what the standard says goes with them (18-088 §10.4)."""
    verb = f"things.{entity.noun}.delete"
    if entity.name == "Observations":
        await _withdraw(writer, ids, verb, place)
        return
    await writer.own(entity, ids, verb, place)
    if entity.name in STREAMS_OF:
        await _forget_streams(writer, entity, ids)
    if entity.name == "Locations":
        history = await _ids(writer, HISTORY, ids)
        await _remove(writer, "things_historicallocation", history)
    streams = await _forget_feature(writer, ids) if entity.name == "FeaturesOfInterest" else []
    await _remove(writer, entity.table, ids)
    for stream, thing in streams:
        feature = await writer.one(FEATURE, thing)
        update = "UPDATE things_datastream SET feature_id = %s WHERE id = %s"
        await writer.connection.execute(update, (feature, stream))


async def _withdraw(writer: Writer, ids: list[int], verb: str, place: str) -> None:
    await _take_back(writer, ids)
    streams = await _ids(writer, "SELECT DISTINCT datastream_id FROM things_observation WHERE id = ANY(%s)", ids)
    for stream in streams:
        await writer.stream(stream, place, verb)
    await writer.connection.execute(ORDERED, (streams,))
    if len(await store.withdraw(writer.connection, ids)) < len(ids):
        raise missing(f"{place}: this Observation is not there any more")


async def _forget_streams(writer: Writer, entity: EntitySet, ids: list[int]) -> None:
    """Delete the Datastreams that go with an entity, and tell whoever judges them."""
    streams = [row[0] for row in await _rows(writer, STREAMS_OF[entity.name], {"ids": ids})]
    for county, gone in await _rows(writer, COUNTIES, (streams,)):
        subject, envelope = events.envelope(DELETED, county, county, {"datastreams": gone})
        await writer.connection.execute(events.INSERT, ([subject], [envelope.decode()]))
        await writer.connection.execute(events.NOTIFY)
    await _remove(writer, "things_datastream", streams)


async def _forget_feature(writer: Writer, ids: list[int]) -> list[Sequence[Any]]:
    """Withdraw the Observations of features; returns (Datastream, Thing) of those that had one for all."""
    found: list[int] = []
    await store.take_back(writer.connection, [(row[0], row[1]) for row in await _rows(writer, ARCHIVED, {"ids": ids})])
    for id_ in ids:
        observed, current = OBSERVED.format(e="e", id="%(id)s"), condition(SETS["Observations"], "e").text
        query = f"SELECT e.id FROM things_observation e WHERE {observed} AND {current}"
        found += [row[0] for row in await _rows(writer, query, {"id": id_})]
    streams = await _ids(writer, "SELECT DISTINCT datastream_id FROM things_observation WHERE id = ANY(%s)", found)
    await writer.connection.execute(ORDERED, (streams,))
    await store.withdraw(writer.connection, found)
    return await _rows(writer, "SELECT id, thing_id FROM things_datastream WHERE feature_id = ANY(%s)", (ids,))


async def _rows(writer: Writer, query: str, values: Any) -> list[Sequence[Any]]:
    return await (await writer.connection.execute(query, values)).fetchall()


async def _ids(writer: Writer, query: str, ids: list[int]) -> list[int]:
    return [row[0] for row in await _rows(writer, query, (ids,))]


def _hanging(table: str) -> Iterator[tuple[str, str, bool]]:
    """Table and column of what refers to rows of a table, as the models say; and whether it goes with them."""
    metas = [model._meta for model in apps.get_models(include_auto_created=True)]  # noqa: SLF001  # Django's public name
    (meta,) = (meta for meta in metas if meta.db_table == table)
    for relation in meta.get_fields(include_hidden=True):
        if isinstance(relation, models.ManyToOneRel) and relation.on_delete is not models.DO_NOTHING:
            yield (
                relation.field.model._meta.db_table,  # noqa: SLF001  # Django's public name
                relation.field.column,
                relation.on_delete is models.CASCADE,
            )


async def _remove(writer: Writer, table: str, ids: list[int]) -> None:
    """Delete rows with all that hangs on them; other rows only lose them."""
    if not ids:
        return
    for other, column, goes_with in _hanging(table):
        if not goes_with:
            query = f"UPDATE {other} SET {column} = NULL WHERE {column} = ANY(%s)"
            await writer.connection.execute(query, (ids,))
        elif any(_hanging(other)):
            await _remove(writer, other, await _ids(writer, f"SELECT id FROM {other} WHERE {column} = ANY(%s)", ids))
        else:
            await writer.connection.execute(f"DELETE FROM {other} WHERE {column} = ANY(%s)", (ids,))
    await writer.connection.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", (ids,))


async def unlink(writer: Writer, draft: Draft, navigation: Navigation, id_: int, other: int) -> None:
    """DELETE of a `$ref`: the two entities stay, and are linked no more."""
    if not navigation.through[0]:
        raise bad(f"{draft.place}.{navigation.name}: cannot be taken away: give another, or delete the entity")
    await writer.own(draft.entity, [id_], f"things.{draft.entity.noun}.update", draft.place)
    await writer.own_linked(draft, navigation, [other])
    table, own, theirs = navigation.through
    query = f"DELETE FROM {table} WHERE {own} = %s AND {theirs} = %s"
    await writer.connection.execute(query, (id_, other))
    await writer.check_lengths(draft, id_)


async def add_link(writer: Writer, draft: Draft, navigation: Navigation, id_: int, other: int) -> None:
    """POST or PUT of a `$ref`: link two entities that are there."""
    if not navigation.is_many:
        await writer.change(id_, Draft(draft.entity, draft.place, {}, {navigation.name: (other,)}))
        return
    if not navigation.through[0]:
        raise bad(f"{draft.place}.{navigation.name}: change the link at the other end: {navigation.inverse}/$ref")
    await writer.own(draft.entity, [id_], f"things.{draft.entity.noun}.update", draft.place)
    target = await writer.target(draft, navigation, other)
    await writer.own_linked(draft, navigation, [target])
    await writer.link(draft.entity, navigation, id_, [target])
    await writer.check_lengths(draft, id_)
