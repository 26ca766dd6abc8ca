"""Patrols of a demonstration: simulated walks along their objects, judged like any other and marked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import shapely
from django.db import transaction
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from shizhu.engines.cases import patrols
from shizhu.engines.cases.models import Patrol
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person

SIMULATED = 1
STEP = 20  # seconds between two points
NORTH = 0.02  # degrees
ASIDE = 0.00004  # degrees, about four metres, that a point lies beside the line


@transaction.atomic
def simulated(county: str, beats: Iterable[Mapping[str, Any]]) -> None:
    """Walks of each beat, as the county's demo has them; once."""
    if Patrol.objects.filter(county=county).exists():
        return
    for told in beats:
        for row in told["rows"]:
            _walk(county, told["beat"], row)


def _walk(county: str, key: str, row: Mapping[str, Any]) -> None:
    who = access.actor(Person.objects.get(username=row["person"])).within(county)
    day = timezone.localdate() - timedelta(days=row["days_ago"])
    begins = timezone.make_aware(datetime.combine(day, time.fromisoformat(row["at"])))
    walk(who, county, Stroll(key, row["key"], begins, row["minutes"], tuple(row["part"]), row.get("note", "")))


@dataclass(frozen=True)
class Stroll:
    """A walk on a beat along one of its objects: from one `part` of its line to another (0 to 1), so many minutes."""

    beat: str
    key: str
    begins: datetime
    minutes: int
    part: tuple[float, ...] = (0.0, 1.0)
    note: str = ""


def walk(who: Actor, county: str, stroll: Stroll) -> None:
    """Walk it as a phone would tell it; nothing where the object has no place."""
    shape = records.get(who, county, patrols.beats(county)[stroll.beat].register, stroll.key).geometry
    if shape is None:
        return
    number = uuid5(NAMESPACE_URL, f"{county}/{stroll.beat}/{stroll.key}/{stroll.begins.isoformat()}")
    told = {"id": number, "beat": stroll.beat, "key": stroll.key, "started_at": stroll.begins}
    patrol = patrols.begun(who, county, told)
    Patrol.objects.filter(pk=number).update(origin=SIMULATED)
    ends = stroll.begins + timedelta(minutes=stroll.minutes)
    patrols.end(who, patrol, ends, _track(shape, stroll.part, stroll.minutes * 60), stroll.note)


def _track(shape: BaseGeometry, part: Sequence[float], seconds: int) -> list[list[float]]:
    """[longitude, latitude, second, accuracy] every few seconds, a little beside the line; from a point northwards."""
    begin, end = part
    first = shape.representative_point()
    is_line = isinstance(shape, shapely.LineString)
    line = shape if is_line else shapely.LineString([(first.x, first.y), (first.x, first.y + NORTH)])
    found = []
    for at in range(0, seconds + 1, STEP):
        spot = line.interpolate(begin + (end - begin) * at / seconds, normalized=True)
        aside = ASIDE * ((at // STEP) % 3 - 1)
        found.append([round(spot.x + aside, 6), round(spot.y - aside, 6), float(at), 8.0])
    return found
