"""Geometry as a person types it: one point a line, longitude and latitude in WGS 84; GeoJSON for anything else."""

from __future__ import annotations

import json
import re

import shapely
from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

_BETWEEN = re.compile(r"[,，;；\s]+")


def written(geometry: BaseGeometry | None) -> str:
    """The text of a geometry; `read` gives it back."""
    if geometry is None:
        return ""
    if isinstance(geometry, shapely.Polygon) and not geometry.interiors:
        return _lines(geometry.exterior)
    return _lines(geometry) if geometry.geom_type in {"Point", "LineString"} else json.dumps(mapping(geometry))


def _lines(geometry: BaseGeometry) -> str:
    return "\n".join(f"{x}, {y}" for x, y, *_ in geometry.coords)


def read(text: str, kind: str) -> BaseGeometry | None:
    """A Point, LineString or Polygon from its text, None from nothing. ValueError for anything else."""
    if not text.strip():
        return None
    try:
        if text.lstrip().startswith("{"):
            return shape(json.loads(text))
        points = [_point(line) for line in text.strip().splitlines() if line.strip()]
        if kind == "Point":
            (only,) = points
            return shapely.Point(only)
        return shapely.LineString(points) if kind == "LineString" else shapely.Polygon(points)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, ShapelyError) as error:
        raise ValueError(f"{text[:60]!r} is not a {kind}: {error}") from None


def _point(line: str) -> tuple[float, float]:
    longitude, latitude = (float(part) for part in _BETWEEN.split(line.strip().strip("()[]")))
    return longitude, latitude
