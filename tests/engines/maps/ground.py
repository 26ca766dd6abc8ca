"""A county with lanes that flow, patches of ground and stalls, each with a layer; ditches name their nodes."""

from __future__ import annotations

from typing import Any

import shapely

from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County, Declaration

LANE, PATCH, DITCH = "local.lane", "local.patch", "local.ditch"
BOTH = ((LANE, "LineString", True), (PATCH, "Polygon", False), (DITCH, "LineString", True))


def declare(county: County, kind: str, key: str, body: dict[str, Any]) -> None:
    Declaration.objects.create(kind=kind, key=key, county=county, body=body, digest="-", source="person")


def put(
    who: Actor, county: County, register: str, code: str, wkt: str, town: str = "101", **more: str
) -> records.Entry:
    """A record of that shape."""
    place, data = shapely.from_wkt(wkt), {"code": code, "name": code, **more}
    area = f"{county.pk}{town}"
    return records.create(who, county.pk, register, data, organisation="stand", area=area, geometry=place)
