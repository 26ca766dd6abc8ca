"""Geometry on WGS 84 coordinates (longitude, latitude)."""

from __future__ import annotations

from collections.abc import Sequence

import shapely
from shapely.geometry.base import BaseGeometry


def cells(points: Sequence[tuple[float, float]], outline: BaseGeometry) -> list[BaseGeometry]:
    """One Voronoi cell per point, cut to the outline, in the order of the points.

    Raises ValueError naming the first point that lies outside the outline.
    """
    sites = [shapely.Point(p) for p in points]
    for site in sites:
        if not outline.contains(site):
            raise ValueError(f"point {site.x}, {site.y} lies outside the outline")
    raw = list(shapely.voronoi_polygons(shapely.MultiPoint(sites), extend_to=outline).geoms)
    tree = shapely.STRtree(raw)
    return [raw[int(tree.query(site, predicate="within")[0])].intersection(outline) for site in sites]
