"""Lengths and areas on the ellipsoid of WGS 84 (CGCS2000 differs by less than a millimetre over a county).

Distances are geodesics (Karney 2013, by PROJ), so they are exact to nanometres; what is nearest on a line or an area is
found in an azimuthal equidistant projection about the point asked, in which every distance from that point is true
(edges are taken for geodesics there: over a kilometre they differ from straight ones on the map by a centimetre).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Position = tuple[float, float]  # longitude, latitude in degrees


@cache
def _ellipsoid() -> Any:
    from pyproj import Geod  # noqa: PLC0415  # ten megabytes that most processes never need

    return Geod(ellps="WGS84")


def length(path: Sequence[Position]) -> float:
    """Metres along the geodesics between the positions."""
    return float(_ellipsoid().line_length([p[0] for p in path], [p[1] for p in path]))


def area(ring: Sequence[Position]) -> float:
    """Square metres inside the ring of geodesics, whichever way round it runs."""
    return abs(float(_ellipsoid().polygon_area_perimeter([p[0] for p in ring], [p[1] for p in ring])[0]))


def distance(start: Position, end: Position) -> float:
    """Metres between two positions."""
    return float(_ellipsoid().inv(*start, *end)[2])


def circle(centre: Position, radius: float, corners: int = 64) -> shapely.Polygon:
    """The polygon whose corners are all `radius` metres from the centre."""
    turns = [360 * n / corners for n in range(corners)]
    many = [[value] * corners for value in (*centre, radius)]
    longitudes, latitudes, _back = _ellipsoid().fwd(many[0], many[1], turns, many[2])
    return shapely.Polygon(list(zip(longitudes, latitudes, strict=True)))


class Around:
    """Metres about one position: geometries become plane ones in which distances from the position are true."""

    def __init__(self, centre: Position) -> None:
        from pyproj import Proj  # noqa: PLC0415  # as above

        self._project = Proj(proj="aeqd", lon_0=centre[0], lat_0=centre[1], ellps="WGS84")
        self._origin = shapely.Point(0, 0)

    def plane(self, geometry: BaseGeometry) -> BaseGeometry:
        """The geometry in metres east and north of the centre."""
        return shapely.transform(geometry, lambda found: _pairs(self._project(found[:, 0], found[:, 1])))

    def planes(self, geometries: NDArray[Any]) -> NDArray[Any]:
        """Many at once."""
        found: NDArray[Any] = shapely.transform(
            geometries, lambda found: _pairs(self._project(found[:, 0], found[:, 1]))
        )
        return found

    def line(self, geometry: BaseGeometry) -> shapely.LineString:
        """A line in metres east and north of the centre."""
        return shapely.LineString(self.plane(geometry).coords)

    def globe(self, geometry: BaseGeometry) -> BaseGeometry:
        """The geometry back in degrees."""
        return shapely.transform(geometry, lambda found: _pairs(self._project(found[:, 0], found[:, 1], inverse=True)))

    def metres(self, geometry: BaseGeometry) -> float:
        """Metres from the centre to the nearest part of the geometry; 0 within it."""
        return float(self.plane(geometry).distance(self._origin))


def _pairs(columns: tuple[Any, Any]) -> Any:
    import numpy as np  # noqa: PLC0415  # shapely has it loaded

    return np.column_stack(columns)
