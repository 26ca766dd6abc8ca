"""WebMercatorQuad (OGC 17-083r4, annex D.1) and vector tiles of it (Mapbox Vector Tile 2.1).

A tile has EXTENT units a side, rows counted from the north. Pure: geometries in WGS 84 degrees in, bytes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

DEEPEST = 22
EXTENT = 4096
MARGIN = 64  # units around a tile that are kept, so that lines and symbols meet at its edge
RADIUS = 6378137.0
WORLD = math.pi * RADIUS  # metres from the middle to an edge
NORTH = 85.05112877980659
MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
Box = tuple[float, float, float, float]


def is_tile(z: int, row: int, column: int) -> bool:
    """Whether there is such a tile."""
    return 0 <= z <= DEEPEST and 0 <= row < 2**z and 0 <= column < 2**z


def box(z: int, row: int, column: int, margin: int = MARGIN) -> Box:
    """West, south, east, north of a tile with its margin, in degrees."""
    tiles, beside = 2**z, margin / EXTENT
    west, east = (_longitude((column + side) / tiles) for side in (-beside, 1 + beside))
    north, south = (_latitude((row + side) / tiles) for side in (-beside, 1 + beside))
    return west, south, east, north


def _longitude(x: float) -> float:
    return min(max(x * 360 - 180, -180.0), 180.0)


def _latitude(y: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * min(max(y, 0.0), 1.0)))))


def unit(z: int) -> float:
    """One unit of a tile in degrees of longitude: what is smaller cannot be seen."""
    return 360.0 / float(2**z) / EXTENT


def covering(area: Box, z: int) -> tuple[int, int, int, int]:
    """The tiles that cover an area: (least row, least column, last row, last column)."""
    tiles = 2**z
    columns = [min(max(int((degrees + 180) / 360 * tiles), 0), tiles - 1) for degrees in (area[0], area[2])]
    rows = [min(max(int(_y(degrees) * tiles), 0), tiles - 1) for degrees in (area[3], area[1])]
    return rows[0], columns[0], rows[1], columns[1]


def _y(latitude: float) -> float:
    return (1 - math.asinh(math.tan(math.radians(min(max(latitude, -NORTH), NORTH)))) / math.pi) / 2


def encode(name: str, z: int, row: int, column: int, found: Iterable[tuple[int, bytes, Mapping[str, Any]]]) -> bytes:
    """A tile of one layer from (number, WKB, properties); nothing where nothing of it can be seen."""
    rows = list(found)
    if not rows:
        return b""
    shapes = _placed(shapely.from_wkb([wkb for _, wkb, _ in rows]), z, row, column)
    features = [
        {"geometry": shape, "properties": properties, "id": number}
        for (number, _, properties), shape in zip(rows, shapes, strict=True)
        if shape is not None and not shape.is_empty
    ]
    if not features:
        return b""
    import mapbox_vector_tile  # noqa: PLC0415  # only who draws tiles needs it
    from mapbox_vector_tile.encoder import on_invalid_geometry_make_valid  # noqa: PLC0415

    options = {"y_coord_down": True, "extents": EXTENT, "on_invalid_geometry": on_invalid_geometry_make_valid}
    made: bytes = mapbox_vector_tile.encode([{"name": name, "features": features}], default_options=options)
    return made


def _placed(shapes: Any, z: int, row: int, column: int) -> Sequence[BaseGeometry | None]:
    """In units of the tile, cut at its margin, without what is finer than a unit."""

    def units(points: Any) -> Any:
        tiles = 2**z
        latitude = np.radians(np.clip(points[:, 1], -NORTH, NORTH))
        x = (points[:, 0] + 180) / 360 * tiles - column
        y = (1 - np.arcsinh(np.tan(latitude)) / math.pi) / 2 * tiles - row
        return np.column_stack([x, y]) * EXTENT

    placed = shapely.transform(shapely.force_2d(shapes), units)
    is_point = shapely.get_dimensions(placed) == 0
    thin = np.where(is_point, placed, shapely.simplify(placed, 1.0))
    cut = shapely.clip_by_rect(thin, -MARGIN, -MARGIN, EXTENT + MARGIN, EXTENT + MARGIN)
    made: Sequence[BaseGeometry | None] = list(cut)
    return made


def matrix_set(address: str) -> dict[str, Any]:
    """WebMercatorQuad as OGC 17-083r4 writes it in JSON."""
    size = 2 * WORLD / 256
    return {
        "id": "WebMercatorQuad",
        "title": "Google Maps Compatible for the World",
        "uri": "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "links": [{"href": address, "rel": "self", "type": "application/json"}],
        "tileMatrices": [
            {
                "id": str(z),
                "scaleDenominator": size / 2**z / 0.00028,
                "cellSize": size / 2**z,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-WORLD, WORLD],
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 2**z,
                "matrixHeight": 2**z,
            }
            for z in range(DEEPEST + 1)
        ],
    }
