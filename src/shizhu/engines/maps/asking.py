"""What a request asks: positions, paths, regions, times. An error names the parameter, its value and the rule."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import shapely

from shizhu.engines.maps.contracts import Asked, Box, Region
from shizhu.engines.maps.questions import Circle, Shape
from shizhu.kernel.models import Area
from shizhu.lib.geodesy import Position
from shizhu.lib.numbers import whole

MOST_POSITIONS = 500
LARGEST_RADIUS = 500_000.0  # metres


class BadQuestion(ValueError):
    """A parameter that cannot be understood."""


def position(name: str, text: str) -> Position:
    """`longitude,latitude` in degrees."""
    try:
        longitude, latitude = (float(part) for part in text.split(","))
    except ValueError:
        raise BadQuestion(f"{name}: {text[:80]!r}: must be longitude,latitude in degrees") from None
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise BadQuestion(f"{name}: {text[:80]!r}: longitude lies within 180, latitude within 90 degrees")
    return longitude, latitude


def path(name: str, text: str, least: int) -> list[Position]:
    """Positions with `;` between them."""
    found = [position(name, part) for part in text.split(";")]
    if not least <= len(found) <= MOST_POSITIONS:
        raise BadQuestion(f"{name}: {len(found)} positions: must be {least} to {MOST_POSITIONS}")
    return found


def region(given: Mapping[str, str], county: str) -> Region:
    """What was chosen: `box`, `polygon`, `circle` (longitude,latitude,metres) or `area` (a code)."""
    if "polygon" in given:
        return _polygon(path("polygon", given["polygon"], 3))
    if "box" in given:
        return Shape(shapely.box(*_box(given["box"])))
    if "circle" in given:
        centre, _comma, radius = given["circle"].rpartition(",")
        return Circle(position("circle", centre), _metres("circle", radius))
    area = Area.objects.filter(county_id=county, code=given.get("area", "")).first()
    if area is None or area.geometry is None:
        raise BadQuestion(
            f"area: {given.get('area', '')[:20]!r}: must be an area with a shape; or give a box, polygon, circle"
        )
    return Shape(area.geometry)


def _box(text: str) -> Box:
    """Two opposite corners, whichever they are."""
    (a, b), (c, d) = path("box", text, 2)[:2]
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _polygon(corners: list[Position]) -> Shape:
    made = shapely.Polygon(corners)
    return Shape(made if made.is_valid else shapely.make_valid(made))


def _metres(name: str, text: str) -> float:
    try:
        metres = float(text)
    except ValueError:
        metres = -1.0
    if not 0 < metres <= LARGEST_RADIUS:
        raise BadQuestion(
            f"{name}: {text[:20]!r}: the radius must be more than 0 and at most {LARGEST_RADIUS:.0f} metres"
        )
    return metres


def moment(name: str, text: str) -> datetime:
    """An RFC 3339 time with its zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadQuestion(f"{name}: {text[:40]!r}: must be a time with zone such as 2026-01-31T08:00:00Z")
    return found


def count(name: str, text: str, least: int, most: int) -> int:
    """A whole number within bounds."""
    number = whole(text, -1, digits=8)
    if not max(least, 0) <= number <= most:
        raise BadQuestion(f"{name}: {text[:20]!r}: must be a whole number from {least} to {most}")
    return number


def _zoom(text: str) -> float:
    """A zoom of the web's tiles."""
    try:
        zoom = float(text)
    except ValueError:
        zoom = -1.0
    if not 0 <= zoom <= 24:
        raise BadQuestion(f"zoom: {text[:20]!r}: must be a number from 0 to 24")
    return zoom


def asked(given: Mapping[str, str]) -> Asked:
    """The view of a layer that is asked for: `at` a time, of a `box`, at a `zoom`."""
    at, box, zoom = (given.get(name) for name in ("at", "box", "zoom"))
    return Asked(moment("at", at) if at else None, _box(box) if box else None, _zoom(zoom) if zoom else None)
