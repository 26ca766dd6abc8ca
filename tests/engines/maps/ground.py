"""A county with lanes that flow, patches of ground and stalls, each a register with a layer of its own."""

from __future__ import annotations

from typing import Any

import shapely

from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County, Declaration

LANE, PATCH = "local.lane", "local.patch"
BOTH = ((LANE, "LineString", True), (PATCH, "Polygon", False))


def declare(county: County, kind: str, key: str, body: dict[str, Any]) -> None:
    Declaration.objects.create(kind=kind, key=key, county=county, body=body, digest="-", source="person")


def put(who: Actor, county: County, register: str, code: str, wkt: str, town: str = "101") -> records.Entry:
    """A record of that shape."""
    place, data = shapely.from_wkt(wkt), {"code": code, "name": code}
    area = f"{county.pk}{town}"
    return records.create(who, county.pk, register, data, organisation="stand", area=area, geometry=place)
