"""Where a record is, drawn on the server: the outline of its area and its geometry, until a map takes the place."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

WIDTH, HEIGHT, MARGIN = 320.0, 220.0, 14.0


@dataclass(frozen=True)
class Sketch:
    """SVG paths in a box of WIDTH by HEIGHT: outline and lines; `points` are (x, y)."""

    outline: str
    lines: str
    surface: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Part:
    """One of several surfaces in a drawing: its path, and where its label stands."""

    path: str
    x: float
    y: float


def sketch(geometry: BaseGeometry, outline: BaseGeometry | None) -> Sketch:
    """Plate carrée with the middle latitude's scale, the outline (or else the geometry) filling the box."""
    scale, place = _placed(shapely.union_all([geometry, outline]) if outline is not None else geometry.buffer(0.01))
    parts = list(_parts(geometry))
    return Sketch(
        outline=_path(place, _rings(outline.simplify(0.5 / scale)), "Z") if outline is not None else "",
        lines=_path(place, [p.coords for p in parts if isinstance(p, shapely.LineString)], ""),
        surface=_path(place, [ring for p in parts if isinstance(p, shapely.Polygon) for ring in _rings(p)], "Z"),
        points=tuple(place([p.coords[0] for p in parts if isinstance(p, shapely.Point)])),
    )


def mosaic(surfaces: Sequence[BaseGeometry]) -> list[Part]:
    """Surfaces side by side in one box, each a part of its own."""
    scale, place = _placed(shapely.union_all([shapely.box(*one.bounds) for one in surfaces]))
    found = []
    for one in surfaces:
        ((x, y),) = place(one.representative_point().coords)
        found.append(Part(_path(place, _rings(one.simplify(0.5 / scale)), "Z"), x, y))
    return found


def _placed(frame: BaseGeometry) -> tuple[float, Callable[[Any], list[tuple[float, float]]]]:
    """The scale (units of the box for a degree of latitude), and what brings coordinates into the box."""
    west, south, east, north = frame.bounds
    shrink = math.cos(math.radians((south + north) / 2))
    width, height = max((east - west) * shrink, 1e-9), max(north - south, 1e-9)
    scale = min((WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN) / height)
    left, top = (WIDTH - width * scale) / 2, (HEIGHT - height * scale) / 2

    def place(coordinates: Any) -> list[tuple[float, float]]:
        return [
            (round(left + (x - west) * shrink * scale, 1), round(top + (north - y) * scale, 1))
            for x, y, *_ in coordinates
        ]

    return scale, place


def _parts(geometry: BaseGeometry) -> Iterator[BaseGeometry]:
    yield from getattr(geometry, "geoms", [geometry])


def _rings(geometry: BaseGeometry) -> list[Any]:
    polygons = [part for part in _parts(geometry) if isinstance(part, shapely.Polygon)]
    return [ring.coords for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]


def _path(place: Any, lines: list[Any], end: str) -> str:
    return " ".join("M" + "L".join(f"{x} {y}" for x, y in place(line)) + end for line in lines)
