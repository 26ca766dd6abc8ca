"""Coordinates as people type them: decimal degrees or degrees, minutes, seconds; with letters in either order."""

from __future__ import annotations

import re

_NUMBER = r"(-?\d+(?:\.\d+)?)"
_ANGLE = rf"{_NUMBER}\s*(?:[°度]\s*(?:{_NUMBER}\s*['′分]\s*)?(?:{_NUMBER}\s*[\"″秒]\s*)?)?"
_BEFORE = re.compile(rf"\s*([NSEW]|[东西]经|[南北]纬)\s*{_ANGLE}\s*", re.IGNORECASE)
_AFTER = re.compile(rf"\s*{_ANGLE}\s*([NSEW]?)\s*", re.IGNORECASE)
BETWEEN = ",，;； \t"
_SIDES = {"n": ("lat", 1), "北": ("lat", 1), "s": ("lat", -1), "南": ("lat", -1)}
_SIDES |= {"e": ("lon", 1), "东": ("lon", 1), "w": ("lon", -1), "西": ("lon", -1)}


def read(text: str) -> tuple[float, float] | None:
    """(longitude, latitude) in degrees, or None if the text is something else.

    Two bare numbers are longitude and latitude; if only the other order fits the globe, it is that.
    """
    first = _BEFORE.match(text) or _AFTER.match(text)
    if first is None:
        return None
    rest = text[first.end() :].lstrip(BETWEEN)
    second = _BEFORE.fullmatch(rest) or _AFTER.fullmatch(rest)
    if second is None:
        return None
    (side, a), (other, b) = _degrees(first), _degrees(second)
    if (side or "?") == other:
        return None
    if side == "lat" or other == "lon" or (not side and not other and abs(b) > 90 >= abs(a)):
        a, b = b, a
    return (a, b) if abs(a) <= 180 and abs(b) <= 90 else None


def _degrees(part: re.Match[str]) -> tuple[str, float]:
    groups = part.groups()
    letter, degrees, minutes, seconds = groups if part.re is _BEFORE else (groups[3], *groups[:3])
    side, sign = _SIDES.get(letter[:1].lower(), ("", 1))
    size = abs(float(degrees)) + float(minutes or 0) / 60 + float(seconds or 0) / 3600
    return side, sign * (-size if degrees.startswith("-") else size)
