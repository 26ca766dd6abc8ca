"""Photos: when and where they were taken, and copies that say neither. Pillow is loaded at first use."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

TYPES = frozenset({"image/jpeg", "image/png", "image/webp"})
LARGEST = 60_000_000  # pixels of one photo: more is refused before it is unpacked
THUMB = 320  # pixels of the longer side
_EXIF, _GPS = 0x8769, 0x8825  # directories of EXIF 2.32 (CIPA DC-008)
_TAKEN, _ZONE = 0x9003, 0x9011  # DateTimeOriginal, OffsetTimeOriginal


@dataclass(frozen=True)
class Facts:
    """What a photo says of itself: pixels, when it was taken (with a zone if it names one), longitude and latitude."""

    width: int
    height: int
    taken: datetime | None = None
    position: tuple[float, float] | None = None


def facts(path: Path | BinaryIO) -> Facts | None:
    """Of a photo; None for what is none, or too large to be looked at."""
    image = _opened(path)
    if image is None:
        return None
    with image:
        exif = image.getexif()
        return Facts(image.width, image.height, _taken(exif.get_ifd(_EXIF)), _position(exif.get_ifd(_GPS)))


def copy(path: Path | BinaryIO, most: int = 0) -> bytes:
    """A JPEG of the photo, upright, without EXIF or any other metadata, at most so many pixels long (0: as it is).

    ValueError if it is no photo.
    """
    from PIL import ImageOps  # noqa: PLC0415  # heavy, and rarely needed

    image = _opened(path)
    if image is None:
        raise ValueError(f"{getattr(path, 'name', 'it')}: no photo that can be read")
    with image:
        if most:
            image.draft("RGB", (most, most))
        upright = ImageOps.exif_transpose(image)
        if most:
            upright.thumbnail((most, most))
        plain = upright.convert("RGB")
        out = io.BytesIO()
        plain.save(out, "JPEG", quality=80 if most else 92)
        return out.getvalue()


def _opened(path: Path | BinaryIO) -> Any:
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415

    try:
        image = Image.open(path)
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError, Image.DecompressionBombWarning):
        return None
    if image.size[0] * image.size[1] <= LARGEST:
        return image
    image.close()
    return None


def _taken(exif: dict[int, Any]) -> datetime | None:
    try:
        told = datetime.strptime(str(exif[_TAKEN]).strip("\0 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007  # cameras may know no zone
    except (KeyError, ValueError):
        return None
    zone = str(exif.get(_ZONE, "")).strip("\0 ")
    try:
        return datetime.fromisoformat(f"{told.isoformat()}{zone}") if zone else told
    except ValueError:
        return told


def _position(gps: dict[int, Any]) -> tuple[float, float] | None:
    try:
        latitude, longitude = (_degrees(gps[place]) for place in (2, 4))
        latitude *= -1 if gps.get(1) == "S" else 1
        longitude *= -1 if gps.get(3) == "W" else 1
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return None
    return (longitude, latitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _degrees(parts: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in parts)
    made = degrees + minutes / 60 + seconds / 3600
    if made != made:  # noqa: PLR0124  # 0/0 in the file
        raise ValueError("not a number")
    return round(made, 6)
