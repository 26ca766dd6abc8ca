"""Cases as features of the map: where they were seen, else at their Thing, else in the middle of their town."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any

import shapely
from django.db.models import Q
from django.utils.translation import gettext as _
from shapely.geometry import mapping

from shizhu.engines.cases import flows
from shizhu.engines.cases.models import Case
from shizhu.engines.maps import api as maps
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label


def features(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """One feature per case of the layer's flow that is open, or was at a time past; its stage is told of now alone."""
    rows = Case.objects.filter(county_id=county, flow=layer.of)
    if asked.at is None:
        rows = rows.filter(status=Case.Status.OPEN)
    else:
        rows = rows.filter(Q(closed_at=None) | Q(closed_at__gt=asked.at), opened_at__lte=asked.at)
    cases = list(access.rows(rows.select_related("area", "place"), who, "cases.case.view"))
    return list(_features(cases, is_past=asked.at is not None))


def open_at(who: Actor, county: str, times: list[datetime]) -> list[int]:
    """How many cases were open at each of the times, which are in order."""
    rows = access.rows(Case.objects.filter(county_id=county, opened_at__lte=times[-1]), who, "cases.case.view")
    spans = rows.filter(Q(closed_at=None) | Q(closed_at__gt=times[0])).values_list("opened_at", "closed_at")
    return maps.counted(list(spans), times)


def find(who: Actor, county: str, words: str, most: int) -> list[maps.Feature]:
    """Cases, open or closed, whose number or title has the words; the newest first."""
    has_words = Q(number__icontains=words) | Q(title__icontains=words)
    rows = Case.objects.filter(has_words, county_id=county).select_related("area", "place").order_by("-opened_at")
    return list(_features(access.rows(rows, who, "cases.case.view")[:most]))


def _features(cases: Collection[Case], *, is_past: bool = False) -> Iterator[maps.Feature]:
    streams = things.describe({case.datastream for case in cases if case.datastream})
    for case in cases:
        stream = streams.get(case.datastream or 0)
        place = place_of(case, stream.point if stream else None)
        if place is None:
            continue
        _flow, about = flows.version(case.flow, case.digest)
        told = {
            "name": case.title,
            "where": case.number,
            "text": "" if is_past else label(about.stages[case.stage]),
            "time": case.opened_at,
            "origin": case.origin,
            "source": _("a report") if case.alarm is None else _("an alarm"),
            "url": f"/cases/{case.pk}/",
        }
        yield maps.Feature(f"case-{case.pk}", place, told)


def place_of(case: Case, point: tuple[float, float] | None) -> dict[str, Any] | None:
    """Where a case is, as GeoJSON: where it was seen, else at its Thing, else in the middle of its area."""
    if hasattr(case, "place"):
        return {"type": "Point", "coordinates": [case.place.longitude, case.place.latitude]}
    if point is not None:
        return {"type": "Point", "coordinates": list(point)}
    if case.area.geometry is None:
        return None
    place: dict[str, Any] = mapping(shapely.point_on_surface(case.area.geometry))
    return place
