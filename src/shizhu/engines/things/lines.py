"""The lines to edges: which the county reaches, as ingest says with its heartbeat, and since when it does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from shizhu.engines.things.advancing import edge_of
from shizhu.engines.things.edges import STREAMS
from shizhu.engines.things.models import Datastream, Device, EdgeLine, ObservedProperty, Sensor, Thing
from shizhu.kernel.models import Area, Heartbeat, Organisation

LOOKED = timedelta(minutes=1)  # an ingest that said nothing for so long does not know
SEEN = timedelta(seconds=90)  # what is looked at every minute was seen so lately, unless nobody could look
ON_ITS_WAY = 1000  # messages
BACK = timedelta(minutes=1)  # what hangs on what is back may be a moment behind it with what it kept
WORD, LINE = "边缘节点", "线路"
UNIT = {"name": "1", "symbol": "", "definition": "ucum:1"}


@dataclass(frozen=True)
class LineInfo:
    """The line to an edge; `stream` is the datastream that stands for it. `away_since` None: it is reached."""

    key: str
    county: str
    organisation: int
    area: int
    stream: int
    reached_at: datetime | None
    away_since: datetime | None


@transaction.atomic
def look(now: datetime) -> list[LineInfo] | None:
    """Keep what ingest says of each edge, and tell it; None while ingest says nothing, so that nobody knows.

    An edge that has never been here is not waited for.
    """
    beat = Heartbeat.objects.filter(pk="ingest", at__gt=now - LOOKED).first()
    if beat is None:
        EdgeLine.objects.exclude(away_since=None).update(away_since=None)  # it counts anew from when somebody looks
        return None
    edges = settings.CONFIG.edges
    EdgeLine.objects.exclude(pk__in=edges).delete()
    for key, edge in edges.items():
        told = [beat.detail.get(f"{stream}@{key}", {}).get("is_reached") for stream in STREAMS]
        area = Area.objects.filter(county=edge.county, code=edge.area).first()
        if area is None or set(told) == {None}:
            continue
        line = EdgeLine.objects.filter(pk=key).first() or EdgeLine(key=key, stream=_stream(key, area))
        if any(told):
            was_away = line.away_since or line.reached_at is None or now - line.reached_at > SEEN
            line.back_at = now if was_away else line.back_at
            line.reached_at, line.away_since = now, None
        elif line.away_since is None:
            line.away_since = now
        line.save()
    return [_info(line) for line in EdgeLine.objects.select_related("stream__thing").order_by("pk")]


def _info(line: EdgeLine) -> LineInfo:
    thing = line.stream.thing
    return LineInfo(
        line.key, thing.county_id, thing.organisation_id, thing.area_id, line.stream_id, line.reached_at,
        line.away_since,
    )  # fmt: skip


def _stream(key: str, area: Area) -> Datastream:
    """The Thing that stands for an edge, with its line as a datastream that has no readings."""
    top = Organisation.objects.get(county=area.county_id, code=area.county_id)
    named: dict[str, Any] = {"name": f"{WORD} {key}", "organisation": top, "area": area}
    thing, _ = Thing.objects.update_or_create(county_id=area.county_id, key=f"edge/{key}", defaults=named)
    sensor, _ = Sensor.objects.get_or_create(name=WORD, defaults={"encoding_type": "text/plain", "metadata": ""})
    observed, _ = ObservedProperty.objects.get_or_create(name=LINE, definition="urn:shizhu:property:edge_line")
    values = {"name": LINE, "sensor": sensor, "observed_property": observed, "unit_of_measurement": UNIT}
    return Datastream.objects.update_or_create(thing=thing, key="line", defaults=values)[0]


def edge_of_thing(thing: int) -> str:
    """The edge that takes what a Thing says, by its area; empty if none."""
    edges = settings.CONFIG.edges
    found = Thing.objects.select_related("area").filter(pk=thing).first() if edges else None
    return edge_of(found.area, edges) if found else ""


def lost_edge(thing: int) -> str:
    """The edge that is away and whose device a Thing is; empty if none, or if it was heard since by another way."""
    key = edge_of_thing(thing)
    line = EdgeLine.objects.filter(pk=key).exclude(away_since=None).first() if key else None
    if line is None or Device.objects.filter(thing=thing, last_seen__gt=line.away_since).exists():
        return ""
    return key


def hands_on(edge: str, now: datetime) -> bool:
    """Whether an edge that has been here may still hand on what it kept.

    It is back since a moment ago, or more waits than what is on its way at any time, or ingest does not say.
    """
    line = EdgeLine.objects.filter(pk=edge).first()
    if line is None:
        return False
    beat = Heartbeat.objects.filter(pk="ingest", at__gt=now - LOOKED).first()
    told = [beat.detail.get(f"{stream}@{edge}", {}) for stream in STREAMS] if beat else []
    waiting: int = sum(one.get(count, 0) for one in told for count in ("behind", "lag"))
    is_new = line.back_at is not None and line.back_at > now - BACK
    return is_new or waiting > ON_ITS_WAY or not any("is_reached" in one for one in told)
