"""Things as features of the map, with their latest values."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from django.db.models import Q
from django.utils import timezone

from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.engines.things import queries
from shizhu.engines.things.datasets import SILENT_AFTER
from shizhu.engines.things.logic import geojson
from shizhu.engines.things.models import Datastream, Device, Thing
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label, named
from shizhu.kernel.threads import in_thread


def features(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """One feature per Thing with a device of the layer's profile, with its values as they are or were."""
    profile = packs.declaration("things", layer.of, county)
    things = access.rows(Thing.objects.filter(county_id=county, devices__profile=layer.of), who, "things.thing.view")
    if asked.box is not None:
        things = things.filter(pk__in=queries.meeting(asked.box, asked.at))
    streams = queries.describe(Datastream.objects.filter(thing__in=things).values_list("pk", flat=True), asked.at)
    newest = queries.latest(streams, asked.at)
    grown = queries.grown(streams.values(), newest)
    by_thing: dict[int, list[queries.StreamInfo]] = {}
    for stream in streams.values():
        by_thing.setdefault(stream.thing, []).append(stream)
    order = [*profile.get("shown", []), *profile["properties"]]
    silent = set() if asked.at else _silent(things)
    found = []
    for own in by_thing.values():
        first = own[0]
        if first.point is None:
            continue
        own.sort(key=lambda stream: order.index(stream.property) if stream.property in order else len(order))
        values = [one for stream in own for one in _values(stream, newest.get(stream.id), grown.get(stream.id))]
        told: dict[str, Any] = {
            "name": first.thing_name,
            "town": first.area_name,
            "simulated": first.is_simulated,
            "source": " ".join(part for part in (label(profile.get("title")), first.device) if part),
            "url": f"/things/{first.thing}/",
            "values": values,
            **({"silent": True} if first.thing in silent else {}),
        }
        point = {"type": "Point", "coordinates": list(first.point)}
        found.append(maps.Feature(f"thing-{first.thing}", point, told))
    return found


def _silent(things: Any) -> set[int]:
    """Ids of the Things that have a device which should be heard and is not."""
    unheard = Q(last_seen=None) | Q(last_seen__lt=timezone.now() - SILENT_AFTER)
    rows = Device.objects.filter(unheard, thing__in=things, is_enabled=True)
    return set(rows.values_list("thing_id", flat=True))


GRIDDED = """things_location p JOIN {pairs} l ON l.location_id = p.id
JOIN things_thing t ON t.id = l.thing_id
LEFT JOIN (
  SELECT s.thing_id, max(w.rank) AS rank FROM unnest(%s::bigint[], %s::int[]) w(stream, rank)
  JOIN things_datastream s ON s.id = w.stream GROUP BY 1
) w ON w.thing_id = t.id
WHERE t.county_id = %s AND EXISTS (SELECT 1 FROM things_device d WHERE d.thing_id = t.id AND d.profile = %s)
AND EXISTS (SELECT 1 FROM things_datastream s WHERE s.thing_id = t.id) AND p.box[0] ~= p.box[1] AND """


SILENT = "d.is_enabled AND coalesce(d.last_seen < now() - interval '{} s', TRUE)"
RANK = """greatest(w.rank, (SELECT 1 FROM things_device d
WHERE d.thing_id = t.id AND {silent} LIMIT 1), 0)"""


def grid(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked, size: float) -> list[records.Cell]:
    """How many Things lie or lay where, and the worst there: an alarm of the highest level that is or was open, or
    nothing heard, which is told of now alone."""
    visible, levels = access.visible(who, "things.thing.view", "t"), queries.levels(who, county, asked.at)
    ranks = [maps.RANKS.index(level) for level in levels.values()]
    pairs, when = queries.placed(asked.at)
    where = GRIDDED.format(pairs=pairs) + visible.sql
    rows = access.Predicate(where, (*when, list(levels), ranks, county, layer.of, *visible.params))
    silent = "FALSE" if asked.at else SILENT.format(int(SILENT_AFTER.total_seconds()))
    return records.gridded(rows, asked.box, size, RANK.format(silent=silent))


def find(who: Actor, county: str, words: str, most: int) -> list[maps.Feature]:
    """Things whose name or key has the words, where they are."""
    has_words = Q(name__icontains=words) | Q(key__icontains=words)
    rows = access.rows(Thing.objects.filter(has_words, county_id=county), who, "things.thing.view")
    return [one for thing in rows.select_related("area").order_by("name")[:most] if (one := _plain(thing))]


def _plain(thing: Thing) -> maps.Feature | None:
    """A Thing without its values; None if it has no place on a map."""
    points = (geojson.point(place.encoding_type, place.location) for place in thing.locations.all())
    point = next(filter(None, points), None)
    if point is None:
        return None
    told = {"name": thing.name, "where": named(thing.area), "url": f"/things/{thing.pk}/"}
    return maps.Feature(f"thing-{thing.pk}", {"type": "Point", "coordinates": list(point)}, told)


def _values(stream: queries.StreamInfo, point: queries.Point | None, grown: float | None) -> list[dict[str, Any]]:
    """The newest value, and before it, of what counts up, its growth: its id is negative, as none comes live."""
    value = _value(stream, point)
    if stream.growth is None:
        return [value]
    return [{**value, "id": -stream.id, "title": label(stream.growth["title"]), "value": grown, "verdict": 0}, value]


def _value(stream: queries.StreamInfo, point: queries.Point | None) -> dict[str, Any]:
    return {
        "id": stream.id,
        "title": label(stream.title),
        "unit": stream.unit,
        "decimals": stream.decimals,
        "value": point.value if point else None,
        "time": point.time if point else None,
        "verdict": point.verdict if point else 0,
        "origin": point.origin if point else 0,
    }


async def live(who: Actor) -> Callable[[list[list[Any]]], list[list[Any]] | None]:
    """The filter of live values: rows of datastreams that `who` may see."""

    def ids() -> set[int]:
        things = access.rows(Thing.objects.all(), who, "things.thing.view")
        return set(Datastream.objects.filter(thing__in=things).values_list("pk", flat=True))

    visible = await in_thread(ids)()

    def keep(rows: list[list[Any]]) -> list[list[Any]] | None:
        return [row for row in rows if row[0] in visible] or None

    return keep


def device_titles(county: str, keys: Collection[str]) -> dict[str, str]:
    """key → title of devices, for fields of registers that point at one."""
    rows = Device.objects.filter(county_id=county, key__in=keys).select_related("thing")
    return {device.key: f"{device.thing.name} ({device.key})" for device in rows}


def device_search(who: Actor, county: str, words: str, most: int) -> list[records.Choice]:
    """Devices whose name or key has the words, of Things that `who` may see."""
    things = access.rows(Thing.objects.filter(county_id=county), who, "things.thing.view")
    has_words = Q(key__icontains=words) | Q(thing__name__icontains=words)
    rows = Device.objects.filter(has_words, thing__in=things).select_related("thing").order_by("key")[:most]
    return [records.Choice(device.key, f"{device.thing.name} ({device.key})") for device in rows]
