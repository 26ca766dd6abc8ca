"""Spatial questions: what contains a point, what is nearest, within, upstream. Each is answered for one actor.

Positions are (longitude, latitude) in WGS 84 degrees, distances geodesic metres. Answers hold what the actor may see.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shizhu.engines.maps.contracts import Asked, Box, Chosen, Course, Feature, Layer, Near, Part, Region
from shizhu.engines.maps.layers import features as features_of
from shizhu.engines.maps.layers import is_large, sources
from shizhu.engines.maps.logic.network import Network
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.lib import geodesy

REACH = 2000.0  # metres from which a point still belongs to a line
FIRST, FARTHEST = 250.0, 500_000.0  # metres about a place in which a large layer is looked through
BESIDE = 500.0  # metres from a course within which something lies on it


def areas_at(county: str, position: geodesy.Position) -> list[Area]:
    """The county and the towns whose shape contains the position, the largest first."""
    point = shapely.Point(position)
    rows = Area.objects.filter(county_id=county, geometry__isnull=False).order_by("path")
    return [area for area in rows if area.geometry.intersects(point)]


def containing(who: Actor, county: str, layer: Layer, position: geodesy.Position) -> list[Feature]:
    """The features whose area contains the position, such as the cell of a grid."""
    point, box = shapely.Point(position), (*position, *position)
    found = features_of(who, county, layer, Asked(box=box))
    return [one for one in found if (area := one.shape).area and area.intersects(point)]


def nearest(who: Actor, county: str, layer: Layer, position: geodesy.Position, most: int = 5) -> list[Near]:
    """The `most` features nearest to the position, with their distance."""
    around, reach = geodesy.Around(position), FIRST
    while is_large(who, county, layer) and reach < FARTHEST:
        inside = features_of(who, county, layer, Asked(box=Circle(position, reach).box))
        near = [one for one in _ranked(inside, around) if one.metres <= reach]
        if len(near) >= most:
            return near[:most]
        reach *= 4
    return _ranked(features_of(who, county, layer), around)[:most]


def chosen(who: Actor, county: str, layer: Layer, region: Region) -> Chosen:
    """How many features meet the region, to be paged through."""
    inside = sources()[layer.source].inside
    if inside is not None:
        return inside(who, county, layer, region)
    found = features_of(who, county, layer, Asked(box=region.box))
    are = region.meets(np.array([one.shape for one in found], dtype=object))
    kept = [one for one, is_in in zip(found, are, strict=True) if is_in]
    return Chosen(len(kept), lambda first, most: kept[first : first + most], lambda: iter(kept))


def within(who: Actor, county: str, layer: Layer, region: Region) -> list[Feature]:
    """All features that meet the region."""
    return list(chosen(who, county, layer, region).every())


def upstream(who: Actor, county: str, layer: Layer, position: geodesy.Position) -> Course | None:
    """The lines of the layer whose water passes the position; None if no line is within `REACH` of it."""
    return _course(who, county, layer, position, is_up=True)


def downstream(who: Actor, county: str, layer: Layer, position: geodesy.Position) -> Course | None:
    """Where water from the position flows; None if no line is within `REACH` of it."""
    return _course(who, county, layer, position, is_up=False)


def beside(who: Actor, county: str, layer: Layer, course: Course, off: float = BESIDE) -> list[Near]:
    """The features within `off` metres of a course, with their distance along it, the nearest first."""
    if course.geometry.is_empty:
        return []
    around = geodesy.Around(course.asked)
    lines = [around.plane(part.geometry) for part in course.parts]
    near = []
    for one in within(who, county, layer, Along(course.asked, course.geometry, off)):
        place = around.plane(one.shape)
        part, line = min(
            zip(course.parts, lines, strict=True), key=lambda pair: (pair[1].distance(place), pair[0].metres)
        )
        at = line.project(shapely.Point(shapely.shortest_line(line, place).coords[0])) if line.length else 0.0
        near.append(Near(one, part.metres + (line.length - at if course.is_up else at), part.order))
    return sorted(near, key=lambda one: (one.metres, one.feature.id))


def _ranked(found: Iterable[Feature], around: geodesy.Around) -> list[Near]:
    near = [Near(one, around.metres(one.shape)) for one in found]
    return sorted(near, key=lambda one: (one.metres, one.feature.id))


def _course(who: Actor, county: str, layer: Layer, position: geodesy.Position, *, is_up: bool) -> Course | None:
    around = geodesy.Around(position)
    world = Shape(shapely.box(-180, -90, 180, 90))
    features = {one.id: one for one in within(who, county, layer, world) if one.geometry["type"] == "LineString"}
    nodes = {key: one.nodes for key, one in features.items() if one.nodes}
    network = Network({key: around.line(one.shape) for key, one in features.items()}, nodes=nodes)
    place = network.locate(shapely.Point(0, 0), REACH)
    if place is None:
        return None
    found = network.upstream(*place) if is_up else network.downstream(*place)
    parts = (
        Part(features[one.line], around.globe(network.shape(one)), one.end - one.start, one.metres, one.order)
        for one in found
    )
    return Course(position, tuple(parts), is_up)


@dataclass(frozen=True)
class Circle:
    """Everything within `radius` metres of the centre, decided geodesically."""

    centre: geodesy.Position
    radius: float

    @property
    def box(self) -> Box:
        """A box that holds it."""
        west, south, east, north = geodesy.circle(self.centre, self.radius * 1.01).bounds
        return west, south, east, north

    @property
    def geometry(self) -> BaseGeometry:
        """Its outline, to draw."""
        return geodesy.circle(self.centre, self.radius)

    @property
    def is_box(self) -> bool:
        """It is none."""
        return False

    def meets(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Whether the nearest part is not farther than the radius."""
        found: NDArray[Any] = shapely.dwithin(_plane(self.centre, shapes), shapely.Point(0, 0), self.radius)
        return found


@dataclass(frozen=True)
class Shape:
    """Everything that meets a geometry; its edges are straight on the map."""

    geometry: BaseGeometry

    @property
    def box(self) -> Box:
        """Its bounds."""
        west, south, east, north = self.geometry.bounds
        return west, south, east, north

    @property
    def is_box(self) -> bool:
        """Whether it is a rectangle along the meridians."""
        return bool(self.geometry.equals(shapely.box(*self.geometry.bounds)))

    def meets(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Whether they have a position in common with it."""
        shapely.prepare(self.geometry)
        found: NDArray[Any] = shapely.intersects(self.geometry, shapes)
        return found


@dataclass(frozen=True)
class Along:
    """Everything within `off` metres of lines that lie about `centre`."""

    centre: geodesy.Position
    lines: BaseGeometry
    off: float

    @property
    def box(self) -> Box:
        """A box that holds it."""
        return self.geometry.bounds

    @property
    def geometry(self) -> BaseGeometry:
        """Its outline, to draw."""
        around = geodesy.Around(self.centre)
        return around.globe(around.plane(self.lines).buffer(self.off))

    @property
    def is_box(self) -> bool:
        """It is none."""
        return False

    def meets(self, shapes: NDArray[Any]) -> NDArray[Any]:
        """Whether the nearest part of the lines is not farther."""
        water = geodesy.Around(self.centre).plane(self.lines)
        shapely.prepare(water)
        found: NDArray[Any] = shapely.dwithin(water, _plane(self.centre, shapes), self.off)
        return found


def _plane(centre: geodesy.Position, shapes: NDArray[Any]) -> NDArray[Any]:
    """Shapes in metres about the centre."""
    return geodesy.Around(centre).planes(shapes)
