"""The strip at the foot of a card: a sketch of the places on it, north up, and the QR code of its page."""

from __future__ import annotations

import io
from collections.abc import Sequence
from math import cos, radians
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

WIDE, HIGH, MARGIN = 1840, 520, 40  # pixels: ten a millimetre
RED, GREEN, GREY, INK = "#c8101e", "#1a7f37", "#8a8f98", "#1b1f24"


def strip(shapes: Sequence[tuple[bool, str, BaseGeometry]], outline: BaseGeometry | None, address: str) -> bytes:
    """A PNG: surfaces in red and points in green with their numbers, and the QR code of an address ("": none).

    A shape is (whether it is a danger, its number, where it is).
    """
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415  # few people print a card

    image = Image.new("RGB", (WIDE, HIGH), "white")
    pen, font = ImageDraw.Draw(image), ImageFont.load_default(34)
    width = WIDE - HIGH - 20 if address else WIDE
    if shapes:
        place, metres, pixels = _placed([shape for _danger, _number, shape in shapes], width)
        if outline is not None:
            for ring in _rings(outline):
                pen.line([place(spot) for spot in ring], fill=GREY, width=2)
        for is_danger, number, shape in shapes:
            _draw(pen, place, font, is_danger=is_danger, number=number, shape=shape)
        pen.rectangle([width, 0, WIDE, HIGH], fill="white")
        pen.line([(MARGIN, HIGH - 18), (MARGIN + pixels, HIGH - 18)], fill=INK, width=4)
        pen.text((MARGIN + pixels + 12, HIGH - 44), f"{metres} m", fill=INK, font=font)
        pen.polygon([(width - 50, 70), (width - 66, 104), (width - 34, 104)], fill=INK)
        pen.text((width - 62, 24), "N", fill=INK, font=font)
    pen.rectangle([0, 0, width - 1, HIGH - 1], outline=GREY, width=2)
    if address:
        image.paste(_code(address, HIGH), (WIDE - HIGH, 0))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _placed(shapes: Sequence[BaseGeometry], width: int) -> tuple[Any, int, int]:
    """Where a spot is drawn; and a round number of metres with the pixels of the bar that is as long."""
    west, south, east, north = shapely.union_all(list(shapes)).buffer(0.0015).bounds
    squeeze = cos(radians((south + north) / 2))
    scale = min((width - 2 * MARGIN) / ((east - west) * squeeze), (HIGH - 2 * MARGIN) / (north - south))
    left = (width - (east - west) * squeeze * scale) / 2
    top = (HIGH - (north - south) * scale) / 2

    def place(spot: Sequence[float]) -> tuple[float, float]:
        return left + (spot[0] - west) * squeeze * scale, top + (north - spot[1]) * scale

    metres = max(one for one in (50, 100, 200, 500, 1000, 2000, 5000) if one / 111_320 * scale < 400 or one == 50)
    return place, metres, round(metres / 111_320 * scale)


def _rings(shape: BaseGeometry) -> list[Any]:
    parts = getattr(shape, "geoms", [shape])
    return [part.exterior.coords for part in parts if isinstance(part, shapely.Polygon)]


def _draw(pen: Any, place: Any, font: Any, *, is_danger: bool, number: str, shape: BaseGeometry) -> None:
    colour = RED if is_danger else GREEN
    for ring in _rings(shape):
        pen.polygon([place(spot) for spot in ring], outline=colour, width=5, fill="#fbe3e5" if is_danger else None)
    x, y = place((shape.centroid.x, shape.centroid.y))
    if not _rings(shape):
        pen.ellipse([x - 14, y - 14, x + 14, y + 14], fill=colour)
        x += 36
    pen.text((x - 8, y - 20), number, fill=colour, font=font)


def _code(address: str, size: int) -> Any:
    import segno  # noqa: PLC0415  # few people print a card
    from PIL import Image  # noqa: PLC0415

    out = io.BytesIO()
    segno.make(address, error="m").save(out, kind="png", scale=10, border=2)
    return Image.open(io.BytesIO(out.getvalue())).convert("RGB").resize((size, size), Image.Resampling.NEAREST)
