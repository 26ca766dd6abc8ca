"""GeoJSON as the SensorThings entities Location and FeatureOfInterest hold it."""

from __future__ import annotations

from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

GEOJSON = {"application/geo+json", "application/vnd.geo+json"}


def geometry(value: Any) -> BaseGeometry | None:
    """The geometry of GeoJSON (a Feature's, or the value itself) if it is one in WGS 84."""
    try:
        found: BaseGeometry = shape(value["geometry"] if value.get("type") == "Feature" else value)
        west, south, east, north = found.bounds
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        return None
    return found if -180 <= west <= east <= 180 and -90 <= south <= north <= 90 else None


def point(encoding: str, location: Any) -> tuple[float, float] | None:
    """Longitude and latitude of a Location that is a point; others (an address, an area) have none."""
    found = geometry(location) if encoding in GEOJSON else None
    return (found.x, found.y) if isinstance(found, Point) else None
