"""Alarms as features of the map: those that are open, or were at a time past."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.maps import api as maps
from shizhu.engines.things import api as things
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

NAMES = {
    "red": {"zh": "红色", "en": "Red"}, "orange": {"zh": "橙色", "en": "Orange"},
    "yellow": {"zh": "黄色", "en": "Yellow"}, "blue": {"zh": "蓝色", "en": "Blue"},
}  # fmt: skip


def legend(_county: str, _layer: maps.Layer) -> list[maps.Mark]:
    """The four levels, each with a shape of its own."""
    return [maps.Mark("", label(name), level) for level, name in NAMES.items()]


def levels(who: Actor, county: str, at: datetime | None) -> dict[int, str]:
    """datastream → the highest level of its alarms that `who` may see and that are open, or were at a time past."""
    rows = access.rows(Alarm.objects.filter(Alarm.open_at(at), county_id=county), who, "alarms.alarm.view")
    found = sorted(rows.values_list("level", "datastream"), key=lambda pair: api.LEVELS.index(pair[0]))
    return {stream: level for level, stream in found}


def open_at(who: Actor, county: str, times: list[datetime]) -> list[int]:
    """How many alarms were open at each of the times, which are in order."""
    rows = access.rows(Alarm.objects.filter(county_id=county, raised_at__lte=times[-1]), who, "alarms.alarm.view")
    spans = rows.filter(Q(cleared_at=None) | Q(cleared_at__gt=times[0])).values_list("raised_at", "cleared_at")
    return maps.counted(list(spans), times)


def features(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """One feature per open alarm, where its Thing is, or was."""
    found = api.alarms(who, county, at=asked.at, most=None)
    streams = things.describe({alarm.datastream for alarm in found}, asked.at)
    made = []
    for alarm in found:
        stream = streams.get(alarm.datastream)
        if stream is None or stream.point is None:
            continue
        told = {
            "name": label(alarm.title),
            "where": stream.thing_name,
            "level": alarm.level,
            "text": f"{alarm.value:g} {stream.unit} ({alarm.limit})" if alarm.value is not None and alarm.limit else "",
            "time": alarm.raised_at,
            "origin": alarm.origin,
            "source": packs.declared("rules", alarm.rule, county).get("source", alarm.rule),
            "url": f"/alarms/{alarm.id}/",
        }
        point = {"type": "Point", "coordinates": list(stream.point)}
        made.append(maps.Feature(f"alarm-{alarm.id}", point, told))
    return made
