"""GCJ-02 (火星坐标), the shifted datum of public maps in China, to and from WGS 84.

The shift is some hundred metres, smooth, and the same for everybody. There is no published standard of it: this is the
approximation that open implementations share, good to about a metre. Coordinates are kept in WGS 84; GCJ-02 is read
from sources that are in it, and shown, never stored. Outside of China nothing is shifted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Numbers = NDArray[np.float64]
AXIS, SQUARED = 6378245.0, 0.00669342162296594323  # of the ellipsoid of Krasovsky 1940
CHINA = (72.004, 0.8293, 137.8347, 55.8271)  # west, south, east, north: within it there is a shift
NEAR = 1e-10  # degrees, a hundredth of a millimetre
MOST = 30  # rounds; five are enough


def to_gcj02(longitudes: Numbers, latitudes: Numbers) -> tuple[Numbers, Numbers]:
    """Degrees of WGS 84 as degrees of GCJ-02."""
    east, north = _shift(longitudes, latitudes)
    return longitudes + east, latitudes + north


def from_gcj02(longitudes: Numbers, latitudes: Numbers) -> tuple[Numbers, Numbers]:
    """Degrees of GCJ-02 as degrees of WGS 84: the position that is shifted to there."""
    x, y = np.array(longitudes, dtype=np.float64), np.array(latitudes, dtype=np.float64)
    for _round in range(MOST):
        east, north = to_gcj02(x, y)
        off = longitudes - east, latitudes - north
        x, y = x + off[0], y + off[1]
        if max(np.abs(off[0]).max(initial=0), np.abs(off[1]).max(initial=0)) < NEAR:
            break
    return x, y


def unshifted(geometry: BaseGeometry) -> BaseGeometry:
    """A geometry of GCJ-02 in WGS 84."""

    def turned(found: NDArray[Any]) -> NDArray[Any]:
        return np.column_stack(from_gcj02(found[:, 0], found[:, 1]))

    return shapely.transform(geometry, turned)


def _shift(longitudes: Numbers, latitudes: Numbers) -> tuple[Numbers, Numbers]:
    """Degrees to add."""
    x, y = longitudes - 105.0, latitudes - 35.0
    waves = (20 * np.sin(6 * np.pi * x) + 20 * np.sin(2 * np.pi * x)) * 2 / 3
    north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * np.sqrt(np.abs(x)) + waves
    north += (20 * np.sin(np.pi * y) + 40 * np.sin(np.pi * y / 3)) * 2 / 3
    north += (160 * np.sin(np.pi * y / 12) + 320 * np.sin(np.pi * y / 30)) * 2 / 3
    east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * np.sqrt(np.abs(x)) + waves
    east += (20 * np.sin(np.pi * x) + 40 * np.sin(np.pi * x / 3)) * 2 / 3
    east += (150 * np.sin(np.pi * x / 12) + 300 * np.sin(np.pi * x / 30)) * 2 / 3
    turn = np.radians(latitudes)
    flat = 1 - SQUARED * np.sin(turn) ** 2
    west, south, right, top = CHINA
    is_inside = (longitudes >= west) & (longitudes <= right) & (latitudes >= south) & (latitudes <= top)
    there = np.where(is_inside, 1.0, 0.0)
    across = AXIS / np.sqrt(flat) * np.cos(turn)
    along = AXIS * (1 - SQUARED) / flat**1.5
    return there * np.degrees(east / across), there * np.degrees(north / along)
