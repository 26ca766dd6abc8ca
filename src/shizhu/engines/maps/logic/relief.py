"""A picture of the relief from a coarse grid of elevations: smooth between the points, tinted by height, shaded.

Pure: numbers in, a PNG out. The picture is in Web Mercator, so that a map can lay it between its corners as it is; it
fades at its edges. The light comes from the north-west, as on printed maps. No detail is invented: between two points
the surface is a cubic (Catmull and Rom).
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Numbers = NDArray[np.float64]
Colour = tuple[int, int, int]
SIDE = 384  # pixels
EDGE = 0.06  # of a side, that fades
STEEP = 14.0  # times the true slope: what lies 20 km apart is nearly flat
# Lowest, middle and highest of the picture, by theme.
TINTS: dict[str, tuple[Colour, Colour, Colour]] = {
    "light": ((208, 226, 206), (240, 233, 207), (217, 193, 163)),
    "dark": ((19, 38, 38), (38, 48, 42), (70, 64, 52)),
}
SHADE = {"light": 0.22, "dark": 0.45}


def picture(longitudes: Sequence[float], latitudes: Sequence[float], elevations: object, theme: str) -> bytes:
    """PNG of `elevations` (metres; a row for each of the ascending latitudes), for the light or the dark theme."""
    grid = np.array(elevations, dtype=np.float64)
    north = np.linspace(_mercator(latitudes[-1]), _mercator(latitudes[0]), SIDE)
    rows = np.interp(np.degrees(np.arctan(np.sinh(north))), latitudes, np.arange(len(latitudes)))
    columns = np.linspace(0, len(longitudes) - 1, SIDE)
    heights = np.round(_weights(rows, len(latitudes)) @ grid @ _weights(columns, len(longitudes)).T, 3)
    metres = (latitudes[-1] - latitudes[0]) * 111_320 / SIDE
    tint = _tinted(heights, TINTS[theme]) * (1 + SHADE[theme] * _lit(heights, metres))[..., None]
    pixels = np.dstack([np.clip(tint, 0, 255), _fading()]).astype(np.uint8)
    made = BytesIO()
    Image.fromarray(pixels, "RGBA").save(made, "PNG")
    return made.getvalue()


def _mercator(latitude: float) -> float:
    return float(np.arcsinh(np.tan(np.radians(latitude))))


def _weights(places: Numbers, count: int) -> Numbers:
    """How much each of `count` grid points counts at each place (Catmull-Rom); the grid's edge goes on outwards."""
    first = np.clip(np.floor(places).astype(int), 0, count - 2)
    t = places - first
    parts = (
        (-t + 2 * t**2 - t**3) / 2, (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2, (t**3 - t**2) / 2,
    )  # fmt: skip
    made = np.zeros((len(places), count))
    for offset, part in zip((-1, 0, 1, 2), parts, strict=True):
        np.add.at(made, (np.arange(len(places)), np.clip(first + offset, 0, count - 1)), part)
    return made


def _tinted(heights: Numbers, tints: tuple[Colour, Colour, Colour]) -> Numbers:
    low, high = heights.min(), heights.max()
    steps = (low, (low + high) / 2, high)
    if low == high:
        return np.broadcast_to(np.array(tints[0], dtype=np.float64), (*heights.shape, 3))
    return np.dstack([np.interp(heights, steps, [tint[n] for tint in tints]) for n in range(3)])


def _lit(heights: Numbers, metres: float) -> Numbers:
    """How much lighter (up to 1) or darker (down to -1) than flat ground, lit from the north-west."""
    down, right = np.gradient(heights, metres)  # rows run to the south
    slope = STEEP * (right + down) / np.sqrt(2)
    lit: Numbers = slope / np.sqrt(1 + slope**2)
    return lit


def _fading() -> Numbers:
    """Opacity, 0 at the edges."""
    inwards = np.minimum(np.arange(SIDE), np.arange(SIDE)[::-1]) / (EDGE * SIDE)
    return 255 * np.clip(np.minimum.outer(inwards, inwards), 0, 1)
