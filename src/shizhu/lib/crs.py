"""Coordinate systems by their OGC names, to and from WGS 84 longitude and latitude (CRS84), as OGC 18-058r1 wants them.

CGCS2000 (EPSG:4490) and WGS 84 are taken as one: they differ by centimetres. Gauss-Krüger zones of three degrees are
computed by pyproj, which is loaded when the first one is asked for; all else needs only arithmetic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/{}"
WGS84, CGCS2000, MERCATOR = (EPSG.format(code) for code in (4326, 4490, 3857))
_NAME = re.compile(r"http://www\.opengis\.net/def/crs/EPSG/0/(\d{4,5})")
_TURNED = {WGS84, CGCS2000}  # latitude first
_MERIDIANS = range(4534, 4555)  # CGCS2000 / 3-degree Gauss-Kruger CM 75E … 135E: eastings without the zone's number
_ZONES = range(4513, 4534)  # zone 25 … 45: eastings that begin with it
RADIUS = 6378137.0  # of the sphere of Web Mercator, in metres
HIGHEST = 85.06  # degrees of latitude where Web Mercator ends
BEYOND = 1e8  # metres: no coordinate of a place is larger
Box = tuple[float, float, float, float]
Change = Callable[[Any, Any], tuple[Any, Any]]


class OutOfReach(ValueError):
    """A coordinate that the system cannot express, or that lies nowhere on Earth."""


def offered(box: Box | None) -> list[str]:
    """The systems in which things of this box are offered: CRS84 first, then the zones of its meridians."""
    found = [CRS84, WGS84, CGCS2000, MERCATOR]
    if box is None:
        return found
    numbers = sorted({min(max(round(longitude / 3), 25), 45) for longitude in (box[0], box[2])})
    zones = [n for n in range(numbers[0], numbers[-1] + 1) if box[2] >= 73.5 and box[0] <= 136.5]
    return found + [EPSG.format(first + n - 25) for n in zones for first in (_MERIDIANS.start, _ZONES.start)]


def is_known(name: str) -> bool:
    """Whether coordinates can be given in it."""
    return name in {CRS84, WGS84, CGCS2000, MERCATOR} or _code(name) in {*_MERIDIANS, *_ZONES}


def is_geographic(name: str) -> bool:
    """Whether its coordinates are degrees."""
    return name == CRS84 or name in _TURNED


def to(shape: BaseGeometry, name: str) -> BaseGeometry:
    """A geometry of CRS84 in another system, in that system's own order of axes. Raises OutOfReach."""
    return shape if name == CRS84 else _changed(shape, _forward(name))


def of(shape: BaseGeometry, name: str) -> BaseGeometry:
    """A geometry of another system as CRS84. Raises OutOfReach."""
    return shape if name == CRS84 else _changed(shape, _back(name))


def window(numbers: Sequence[float], name: str) -> tuple[BaseGeometry, ...]:
    """A bounding box of four or six numbers as areas of CRS84, two over the antimeridian. ValueError if it is none."""
    if len(numbers) not in {4, 6} or not all(map(math.isfinite, numbers)):
        raise ValueError("must be four or six numbers")
    low, high = numbers[:2], numbers[len(numbers) // 2 :][:2]
    if not is_geographic(name):
        if low[0] > high[0] or low[1] > high[1]:
            raise ValueError("must have its lower corner first")
        return (
            of(
                shapely.segmentize(shapely.box(low[0], low[1], high[0], high[1]), max((high[0] - low[0]) / 32, 1e-3)),
                name,
            ),
        )
    (west, south), (east, north) = (low[::-1], high[::-1]) if name in _TURNED else (low, high)
    if not (all(-180 <= n <= 180 for n in (west, east)) and -90 <= south <= north <= 90):
        order = "south,west,north,east" if name in _TURNED else "west,south,east,north"
        raise ValueError(f"must be {order} in degrees of WGS 84")
    if west > east:
        return shapely.box(west, south, 180.0, north), shapely.box(-180.0, south, east, north)
    return (shapely.box(west, south, east, north),)


def _code(name: str) -> int:
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else 0


def _changed(shape: BaseGeometry, change: Change) -> BaseGeometry:
    def columns(points: Any) -> Any:
        first, second = change(points[:, 0], points[:, 1])
        return np.column_stack([first, second, *points[:, 2:].T])

    made: BaseGeometry = shapely.transform(shape, columns, include_z=bool(shape.has_z))
    reach = np.abs(shapely.get_coordinates(made))
    if not np.all(np.isfinite(reach)) or np.any(reach > BEYOND):
        raise OutOfReach(f"{shape.wkt[:60]} cannot be expressed there")
    return made


def _turned(x: Any, y: Any) -> tuple[Any, Any]:
    return y, x


def _to_mercator(longitude: Any, latitude: Any) -> tuple[Any, Any]:
    latitude = np.where(np.abs(latitude) <= HIGHEST, latitude, np.nan)
    return RADIUS * np.radians(longitude), RADIUS * np.log(np.tan(math.pi / 4 + np.radians(latitude) / 2))


def _of_mercator(x: Any, y: Any) -> tuple[Any, Any]:
    return np.degrees(x / RADIUS), np.degrees(2 * np.arctan(np.exp(np.clip(y / RADIUS, -20, 20))) - math.pi / 2)


def _projected(name: str, direction: str, x: Any, y: Any) -> tuple[Any, Any]:
    first, second = _transformer(_code(name)).transform(x, y, direction=direction)
    return (np.round(first, 4), np.round(second, 4)) if direction == "FORWARD" else (first, second)


@cache
def _transformer(code: int) -> Any:
    import pyproj  # noqa: PLC0415  # 30 MB that few ask for

    return pyproj.Transformer.from_crs("OGC:CRS84", f"EPSG:{code}")


def _forward(name: str) -> Change:
    return _turned if name in _TURNED else _to_mercator if name == MERCATOR else partial(_projected, name, "FORWARD")


def _back(name: str) -> Change:
    return _turned if name in _TURNED else _of_mercator if name == MERCATOR else partial(_projected, name, "INVERSE")
