"""Things in the files of objects: a Thing as an object, and the readings of the Things that belong to one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import shapely
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from shizhu.engines.maps import api as maps
from shizhu.engines.things import queries
from shizhu.engines.things.logic import geojson
from shizhu.engines.things.models import Datastream, Device, Latest, Thing
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.lib import geodesy

VIEW = "things.thing.view"
MOST, MOST_VALUES, MOST_POINTS = 5, 6, 300
BESIDE = 200.0  # metres from a line, or outside an area, within which a Thing still belongs to it
SPAN = timedelta(days=1)
WIDE, HIGH = 240.0, 40.0  # of the small chart


def thing(who: Actor, county: str, number: int) -> maps.Subject | None:
    """A Thing that the actor may see."""
    rows = access.rows(Thing.objects.filter(county_id=county, pk=number), who, VIEW)
    found = rows.select_related("organisation", "area").first()
    if found is None:
        return None
    device = Device.objects.filter(thing=found).first()
    profile = packs.declarations("things", county).get(device.profile, {}) if device else {}
    refs = {"thing": frozenset({str(number)}), "things.device": frozenset({device.key} if device else ())}
    return maps.Subject(
        "thing", number, found.name, label(profile.get("title", "")) or _("Station"), county, found.organisation,
        found.area, _place(found), f"/things/{number}/", bool(device and device.origin), refs,
    )  # fmt: skip


def _place(thing: Thing) -> shapely.Point | None:
    points = (geojson.point(place.encoding_type, place.location) for place in thing.locations.all())
    point = next(filter(None, points), None)
    return shapely.Point(point) if point else None


def things_of(who: Actor, subject: maps.Subject) -> list[int]:
    """The Things that belong to an object and that the actor may see.

    Those it names; of an area those in it; of a line or a surface that names none, those that lie on it.
    """
    rows = access.rows(Thing.objects.filter(county_id=subject.county), who, VIEW).order_by("name")
    named, keys = subject.refs.get("thing", frozenset()), subject.refs.get("things.device", frozenset())
    if named or keys:
        devices = Device.objects.filter(key__in=keys, county_id=subject.county)
        numbers = {int(number) for number in named}.union(devices.values_list("thing_id", flat=True))
        return list(rows.filter(pk__in=numbers).values_list("pk", flat=True))
    if subject.kind == "area":
        return list(rows.filter(area__path__startswith=subject.area.path).values_list("pk", flat=True))
    return _lying_on(rows, subject)


def _lying_on(rows: QuerySet[Thing], subject: maps.Subject) -> list[int]:
    if subject.geometry is None or subject.geometry.geom_type == "Point":
        return []
    centre = subject.geometry.centroid
    around = geodesy.Around((centre.x, centre.y))
    whole = around.plane(subject.geometry)
    placed = ((thing.pk, _place(thing)) for thing in rows.prefetch_related("locations"))
    return [pk for pk, point in placed if point is not None and around.plane(point).distance(whole) <= BESIDE]


@dataclass(frozen=True)
class Value:
    """A latest reading and the line of the day before it, as SVG points; nothing where there is none."""

    stream: queries.StreamInfo
    point: queries.Point
    line: str
    grown: float | None


@dataclass(frozen=True)
class Station:
    """A Thing with its latest readings."""

    number: int
    name: str
    values: tuple[Value, ...]


def readings(who: Actor, subject: maps.Subject) -> maps.Section | None:
    """Latest readings with small charts, and since when each Thing has sent any."""
    numbers = things_of(who, subject)
    if not numbers:
        return None
    shown = [_station(subject.county, number) for number in numbers[:MOST]]
    context = {"stations": shown, "more": len(numbers) - len(shown), "is_own": subject.kind == "thing"}
    return maps.Section(_("Readings"), "activity", "things/readings.html", context, tuple(_first(numbers[:MOST])))


def _station(county: str, number: int) -> Station:
    streams = queries.describe(Datastream.objects.filter(thing=number).values_list("pk", flat=True))
    newest = queries.latest(streams)
    grown = queries.grown(streams.values(), newest)
    profiles = packs.declarations("things", county)
    order = [name for stream in streams.values() for name in profiles.get(stream.profile, {}).get("properties", {})]
    own = sorted(streams.values(), key=lambda s: order.index(s.property) if s.property in order else len(order))
    sent = [stream for stream in own if stream.id in newest][:MOST_VALUES]
    values = tuple(
        Value(stream, newest[stream.id], _line(stream.id, newest[stream.id].time), grown.get(stream.id))
        for stream in sent
    )
    return Station(number, Thing.objects.get(pk=number).name, values)


def _line(stream: int, end: datetime) -> str:
    """The points of a polyline: the day up to the last reading, from left to right, the largest on top."""
    series = queries.series(stream, end - SPAN, end, MOST_POINTS)
    points = [(point.time, point.value) for point in series if point.value is not None and not point.verdict]
    if len(points) < 2:
        return ""
    least, most = min(value for _time, value in points), max(value for _time, value in points)
    scale = (HIGH - 4) / ((most - least) or 1.0)
    return " ".join(
        f"{WIDE * (1 - (end - time) / SPAN):.1f},{HIGH - 2 - scale * (value - least):.1f}" for time, value in points
    )


def _first(numbers: Collection[int]) -> Iterator[maps.Event]:
    """When each Thing was heard of for the first time."""
    rows = Latest.objects.filter(datastream__thing__in=numbers).select_related("datastream__thing")
    begun: dict[Thing, datetime] = {}
    for row in rows:
        thing = row.datastream.thing
        begun[thing] = min(row.first_time, begun.get(thing, row.first_time))
    for thing, first in begun.items():
        yield maps.Event(first, "antenna", _("First reading"), thing.name, f"/things/{thing.pk}/")
