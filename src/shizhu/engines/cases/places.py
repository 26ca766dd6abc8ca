"""Open cases as features of the map: at their Thing, else in the middle of their town."""

from __future__ import annotations

from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.geometry import mapping

from shizhu.engines.cases import flows
from shizhu.engines.cases.models import Case
from shizhu.engines.maps import api as maps
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label


def features(who: Actor, county: str, layer: maps.Layer) -> list[maps.Feature]:
    """One feature per open case of the layer's flow."""
    rows = Case.objects.filter(county_id=county, flow=layer.of, status=Case.Status.OPEN).select_related("area")
    cases = list(access.rows(rows, who, "cases.case.view"))
    streams = things.describe({case.datastream for case in cases if case.datastream})
    made = []
    for case in cases:
        stream = streams.get(case.datastream or 0)
        place = _place(case, stream.point if stream else None)
        if place is None:
            continue
        _flow, about = flows.version(case.flow, case.digest)
        told = {
            "name": case.title,
            "where": case.number,
            "text": label(about.stages[case.stage]),
            "time": case.opened_at,
            "origin": case.origin,
            "source": _("a report") if case.alarm is None else _("an alarm"),
            "url": f"/cases/{case.pk}/",
        }
        made.append(maps.Feature(f"case-{case.pk}", place, told))
    return made


def _place(case: Case, point: tuple[float, float] | None) -> dict[str, Any] | None:
    if point is not None:
        return {"type": "Point", "coordinates": list(point)}
    if case.area.geometry is None:
        return None
    place: dict[str, Any] = mapping(shapely.point_on_surface(case.area.geometry))
    return place
