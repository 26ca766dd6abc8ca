"""What others may ask of things: descriptions, latest values, series, the packet behind a reading."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from shizhu.engines.things import archive, history
from shizhu.engines.things.logic import geojson, growth
from shizhu.engines.things.logic.readings import Origin, Verdict
from shizhu.engines.things.models import (
    ArchivedDay,
    Datastream,
    Device,
    Latest,
    LogPosition,
    Maintenance,
    Observation,
    Packets,
    Thing,
)
from shizhu.engines.things.store import HERE
from shizhu.kernel import log, packs
from shizhu.kernel.models import Area
from shizhu.kernel.text import named
from shizhu.lib.times import parse_duration

RETURN = timedelta(minutes=1)  # in which devices are back after a gap
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
PASSWORD = re.compile(r"(\bPW=)[^;]*")


@dataclass(frozen=True)
class StreamInfo:
    """A datastream as people know it. `title` is {zh, en}; `point` (longitude, latitude) or None."""

    id: int
    property: str
    title: dict[str, str]
    unit: str
    decimals: int
    thing: int
    thing_name: str
    thing_properties: dict[str, Any]
    county: str
    organisation: int
    area: int
    area_name: str
    device: str
    profile: str
    is_simulated: bool
    point: tuple[float, float] | None
    growth: Mapping[str, Any] | None = None  # of what counts up: during, title


@dataclass(frozen=True)
class Point:
    """One value of a series."""

    time: datetime
    value: float | None
    verdict: int
    origin: int
    known_at: datetime
    reason: Mapping[str, Any] | None = None  # which rule a value that is not good broke, value, limit


@dataclass(frozen=True)
class Packet:
    """The raw message that brought a reading."""

    source: str
    sequence: int
    sender: str
    raw: bytes
    known_at: datetime


WAS_AT = """(
  SELECT h.thing_id, m.location_id FROM (
    SELECT DISTINCT ON (thing_id) id, thing_id FROM things_historicallocation
    ORDER BY thing_id, time > %s, abs(extract(epoch FROM time - %s)), id DESC
  ) h JOIN things_historicallocation_locations m ON m.historicallocation_id = h.id
  UNION ALL
  SELECT n.thing_id, n.location_id FROM things_thing_locations n
  WHERE NOT EXISTS (SELECT FROM things_historicallocation h WHERE h.thing_id = n.thing_id)
)"""


def placed(at: datetime | None) -> tuple[str, tuple[datetime, ...]]:
    """SQL of pairs (thing_id, location_id) with its parameters: where Things are, or were at a time past.

    Before its first HistoricalLocation a Thing counts as having been there; nothing else is known of it.
    """
    return ("things_thing_locations", ()) if at is None else (WAS_AT, (at, at))


def meeting(box: tuple[float, float, float, float], at: datetime | None) -> list[int]:
    """Ids of the Things at whose Locations the box (west, south, east, north) meets, now or at a time past."""
    pairs, when = placed(at)
    query = f"SELECT l.thing_id FROM {pairs} l JOIN things_location p ON p.id = l.location_id WHERE p.box && %s::box"
    with connection.cursor() as cursor:
        cursor.execute(query, [*when, "({2},{3}),({0},{1})".format(*box)])
        return [thing for (thing,) in cursor.fetchall()]


def _points(things: Iterable[int], at: datetime | None) -> dict[int, tuple[float, float]]:
    """Thing → longitude and latitude of its first Location that is a point."""
    pairs, when = placed(at)
    query = f"""SELECT l.thing_id, p.encoding_type, p.location FROM {pairs} l JOIN things_location p
    ON p.id = l.location_id WHERE l.thing_id = ANY(%s) ORDER BY p.id"""
    found: dict[int, tuple[float, float]] = {}
    with connection.cursor() as cursor:
        cursor.execute(query, [*when, list(things)])
        for thing, encoding, location in cursor.fetchall():
            point = geojson.point(encoding, orjson.loads(location))
            if point:
                found.setdefault(thing, point)
    return found


def _describe(streams: QuerySet[Datastream], at: datetime | None = None) -> dict[int, StreamInfo]:
    found = {}
    rows = list(streams.select_related("thing__area").prefetch_related("thing__devices"))
    points = _points({stream.thing_id for stream in rows}, at)
    for stream in rows:
        thing = stream.thing
        device: Device | None = next(iter(thing.devices.all()), None)
        profile = packs.declared("things", device.profile, thing.county_id) if device else {}
        declared = profile.get("properties", {}).get(stream.key, {})
        found[stream.pk] = StreamInfo(
            id=stream.pk,
            property=stream.key or "",
            title=declared.get("title", {"zh": stream.name, "en": stream.name}),
            unit=_unit(stream.unit_of_measurement),
            decimals=declared.get("decimals", 3),
            thing=thing.pk,
            thing_name=thing.name,
            thing_properties=thing.properties or {},
            county=thing.county_id,
            organisation=thing.organisation_id,
            area=thing.area_id,
            area_name=named(thing.area),
            device=device.key if device else "",
            profile=device.profile if device else "",
            is_simulated=bool(device and device.origin == Origin.SIMULATED),
            point=points.get(thing.pk),
            growth=declared.get("growth"),
        )
    return found


def _unit(given: dict[str, Any] | list[dict[str, Any]]) -> str:
    """The symbol of a unit; those of a MultiDatastream with a comma between them."""
    units = given if isinstance(given, list) else [given]
    return ", ".join(unit.get("symbol") or "" for unit in units)


def describe(ids: Iterable[int], at: datetime | None = None) -> dict[int, StreamInfo]:
    """Descriptions of datastreams by id; with `at`, at the places where their Things were then."""
    return _describe(Datastream.objects.filter(pk__in=list(ids)), at)


def streams_of(profile: str, property_name: str, *, thing: int | None = None) -> list[StreamInfo]:
    """All datastreams of a property of devices with a profile; of one Thing if given."""
    streams = Datastream.objects.filter(key=property_name, thing__devices__profile=profile)
    if thing is not None:
        streams = streams.filter(thing_id=thing)
    return list(_describe(streams.order_by("pk")).values())


def streams_at(things: Iterable[int]) -> dict[int, StreamInfo]:
    """Descriptions of the datastreams of some Things."""
    return _describe(Datastream.objects.filter(thing__in=list(things)))


def device_keys(county: str) -> set[str]:
    """Keys of all devices of a county."""
    return set(Device.objects.filter(county_id=county).values_list("key", flat=True))


def device_list() -> list[str]:
    """One line per device: key, profile, whether it is on, Thing."""
    rows = Device.objects.select_related("thing").order_by("county", "key")
    return [f"{d.key}  {d.profile}  {'on' if d.is_enabled else 'off'}  {d.thing.name}" for d in rows]


def switch_device(key: str, *, is_enabled: bool) -> bool:
    """Let a device in, or refuse it; False if there is none of that key."""
    return bool(Device.objects.filter(key=key).update(is_enabled=is_enabled))


def watch(ids: Iterable[int]) -> None:
    """From now on tell new readings of these datastreams as events (and of no others)."""
    wanted = set(ids)
    Datastream.objects.filter(is_watched=True).exclude(pk__in=wanted).update(is_watched=False)
    Datastream.objects.filter(is_watched=False, pk__in=wanted).update(is_watched=True)


Levels = Callable[[Any, str, datetime | None], Mapping[int, str]]  # (who, county, at) → datastream → level
_levels: list[Levels] = []


def add_levels(of: Levels) -> None:
    """Let the map mark datastreams of a county by what a room above says of them, now or at a time past."""
    _levels.append(of)


def levels(who: Any, county: str, at: datetime | None = None) -> Mapping[int, str]:
    """What rooms above say of datastreams that `who` may know of."""
    return {stream: level for of in _levels for stream, level in of(who, county, at).items()}


_limits: list[Callable[[int], str]] = []


def add_limits(of: Callable[[int], str]) -> None:
    """Let charts of a datastream show what a room above judges it by: texts with numbers, empty for none."""
    _limits.append(of)


def limits(stream: int) -> str:
    """What rooms above judge a datastream by."""
    return " ".join(filter(None, (of(stream) for of in _limits)))


def series(stream: int, start: datetime, end: datetime, most: int = 2000) -> list[Point]:
    """What is known now of a span, newest `most` points, in order."""
    return [point for point in reversed(_newest(stream, start, end, most)) if point.verdict != Verdict.WITHDRAWN]


def _newest(stream: int, start: datetime, end: datetime, most: int) -> list[Point]:
    """Newest first, those that were withdrawn too."""
    hot = (
        Observation.objects.filter(datastream=stream, phenomenon_time__gte=start, phenomenon_time__lte=end)
        .order_by("-phenomenon_time", "-sequence")
        .distinct("phenomenon_time")[:most]
    )
    found = [Point(o.phenomenon_time, o.result, o.verdict, o.origin, o.known_at, o.reason) for o in hot]
    found += [Point(*known[1:]) for known in history.series(stream, start, end, most)]
    return sorted(found, key=lambda point: point.time, reverse=True)[:most]


def last(stream: int, most: int) -> list[Point]:
    """The newest readings, newest first."""
    latest = Latest.objects.filter(datastream=stream).first()
    found = _newest(stream, history.BEGINNING, latest.phenomenon_time, most) if latest else []
    return [point for point in found if point.verdict != Verdict.WITHDRAWN]


AT = f"""
SELECT s.id, o.phenomenon_time, o.result, o.verdict, o.origin, o.known_at, o.reason FROM unnest(%s::bigint[]) AS s(id)
CROSS JOIN LATERAL (
  SELECT * FROM things_observation o WHERE datastream_id = s.id AND phenomenon_time <= %s AND {HERE}
  ORDER BY phenomenon_time DESC, sequence DESC LIMIT 1
) o
"""


def latest(ids: Iterable[int], at: datetime | None = None) -> dict[int, Point]:
    """The newest reading of each datastream; with `at`, the newest of those made until then, as known now."""
    if at is not None:
        wanted = list(ids)
        with connection.cursor() as cursor:
            cursor.execute(AT, [wanted, at])
            found = {row[0]: Point(*row[1:]) for row in cursor.fetchall()}
        for stream, known in history.newest(wanted, at).items():
            if stream not in found or found[stream].time < known.time:
                found[stream] = Point(*known[1:])
        return found
    rows = Latest.objects.filter(datastream_id__in=list(ids))
    return {
        row.datastream_id: Point(row.phenomenon_time, row.result, row.verdict, row.origin, row.known_at, row.reason)
        for row in rows
    }


def readings_of(device: str, area: Area, within: timedelta) -> dict[str, Point | None]:
    """property → newest reading of a device in an area, None where no good one is at most `within` old.

    KeyError where the area has no such device.
    """
    found = Device.objects.filter(key=device, thing__area__path__startswith=area.path, county=area.county_id).first()
    if found is None:
        raise KeyError(device)
    names = dict(Datastream.objects.filter(thing=found.thing_id, key__isnull=False).values_list("pk", "key"))
    newest, since = latest(names), timezone.now() - within
    good = {pk for pk, point in newest.items() if point.verdict == Verdict.GOOD and point.time >= since}
    return {str(name): newest[stream] if stream in good else None for stream, name in names.items()}


def packet(stream: int, time: datetime) -> Packet | None:
    """The raw message that brought the reading of that time, while it is kept.

    A batch of messages is found by the time it was committed, the message in it by its sender and content.
    """
    row = next(iter(_newest(stream, time, time, 1)), None)
    if row is None or row.verdict == Verdict.WITHDRAWN:
        return None
    keys = list(Device.objects.filter(thing__datastreams=stream).values_list("key", flat=True))
    for batch in Packets.objects.filter(known_at=row.known_at):
        messages = orjson.loads(zlib.decompress(batch.body))
        own = [m for m in messages if any(key in m[1] for key in keys) or f"Datastreams({stream})" in m[1]]
        if own:
            chosen = next((m for m in own if _mentions(m[2], time)), own[-1])
            return Packet(batch.source, chosen[0], chosen[1], chosen[2].encode("latin-1"), row.known_at)
    return None


def readable(raw: bytes | memoryview | None) -> str:
    """A packet as text for a page; passwords are not shown."""
    return PASSWORD.sub(r"\1******", bytes(raw or b"").decode(errors="replace").strip())


def _mentions(raw: str, time: datetime) -> bool:
    """Whether the message prints that time in one of the usual forms (China time or UTC)."""
    local = time + timedelta(hours=8)
    forms = (f"{local:%Y%m%d%H%M%S}", f"{local:%Y-%m-%dT%H:%M:%S}", f"{time:%Y-%m-%dT%H:%M:%S}")
    return any(form in raw for form in forms)


@dataclass(frozen=True)
class Known:
    """A good reading with a number, as it is known now."""

    stream: int
    time: datetime
    value: float
    origin: int


READINGS = """
SELECT DISTINCT ON (datastream_id, phenomenon_time) datastream_id, phenomenon_time, result, origin, verdict
FROM {table}
WHERE {streams} AND phenomenon_time > {at} AND phenomenon_time <= {at}
ORDER BY datastream_id, phenomenon_time, sequence DESC
"""
KEPT_READINGS = READINGS.format(table="things_observation", streams="datastream_id = ANY(%s)", at="%s")
FILED_READINGS = READINGS.format(
    table="read_parquet(?)", streams="datastream_id IN (SELECT unnest(?::BIGINT[]))", at="?"
).replace("datastream_id, phenomenon_time, result", "datastream_id, epoch_us(phenomenon_time), result")


def readings(streams: Iterable[int], after: datetime, until: datetime) -> list[Known]:
    """Good numbers of datastreams after a time, until another (inclusive), in order of time: what rules judge.

    Archived days are read from their files; a row of the table goes before that of the same key in a file.
    """
    ids = list(streams)
    rows: dict[tuple[int, datetime], tuple[Any, ...]] = {}
    first, last = archive.day_of(after), archive.day_of(until)
    for day in ArchivedDay.objects.filter(day__gte=first, day__lte=last):
        with archive.duck() as work:
            for stream, at, *rest in work.execute(FILED_READINGS, [archive.path(day), ids, after, until]).fetchall():
                rows[stream, archive.moment(at)] = tuple(rest)
    with connection.cursor() as cursor:
        cursor.execute(KEPT_READINGS, [ids, after, until])
        rows |= {(stream, time): tuple(rest) for stream, time, *rest in cursor.fetchall()}
    good = (
        Known(stream, time, value, origin)
        for (stream, time), (value, origin, verdict) in rows.items()
        if verdict == Verdict.GOOD and value is not None
    )
    return sorted(good, key=lambda one: (one.time, one.stream))


def heard() -> datetime | None:
    """What devices had sent to the log until then is committed; None where nothing ever came over the log.

    1970 while it may not be: for a minute after a gap, in which devices come back and send what they kept. What
    an edge still holds is not waited for: it may be away for days.
    """
    found = LogPosition.objects.filter(pk__in=(log.MQTT, log.READINGS)).values_list("heard", "since")
    return min((NEVER if heard < since + RETURN else heard for heard, since in found), default=None)


def grown(streams: Iterable[StreamInfo], newest: Mapping[int, Point]) -> dict[int, float | None]:
    """By how much those of the datastreams that count up grew in their time before their newest reading, rounded.

    A reading up to as long before that time still says from where they grew; None where there is none to compare with.
    """
    together: dict[datetime, list[tuple[StreamInfo, timedelta]]] = {}  # those silent since long are asked for apart
    for stream in streams:
        if stream.growth and stream.id in newest:
            hour = newest[stream.id].time.replace(minute=0, second=0, microsecond=0)
            together.setdefault(hour, []).append((stream, parse_duration(stream.growth["during"])))
    found: dict[int, float | None] = {}
    for group in together.values():
        until = max(newest[stream.id].time for stream, _span in group)
        after = min(newest[stream.id].time - 2 * span for stream, span in group)
        points: dict[int, list[tuple[datetime, float]]] = {}
        for one in readings([stream.id for stream, _span in group], after, until):
            points.setdefault(one.stream, []).append((one.time, one.value))
        for stream, span in group:
            start = newest[stream.id].time - span
            own = [point for point in points.get(stream.id, []) if point[0] > start - span]
            value = growth.grown(own, start)
            found[stream.id] = None if value is None else round(value, stream.decimals)
    return found


def parent_of(thing: int) -> int | None:
    """The Thing on which a Thing hangs: its property `parent` names a device of the county."""
    found = Thing.objects.filter(pk=thing).values_list("properties", "county").first()
    if found is None or not isinstance(key := (found[0] or {}).get("parent"), str):
        return None
    return Device.objects.filter(county=found[1], key=key).exclude(thing=thing).values_list("thing", flat=True).first()


def hanging_on(thing: int) -> list[int]:
    """The Things that hang on one: their property `parent` names a device at it."""
    keys = Device.objects.filter(thing=thing).values_list("key", "county")
    found = [Thing.objects.filter(county=county, properties__parent=key) for key, county in keys]
    return [pk for rows in found for pk in rows.exclude(pk=thing).values_list("pk", flat=True)]


def maintained(things: Iterable[int], at: datetime) -> set[int]:
    """Those of the Things at which somebody works at that time."""
    rows = Maintenance.objects.filter(thing__in=list(things), starts__lte=at, ends__gt=at)
    return set(rows.values_list("thing", flat=True))
