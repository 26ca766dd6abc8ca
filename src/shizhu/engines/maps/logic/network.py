"""A network of lines that flow: each runs from its first position to its last, and into the line on which it ends.

Plane coordinates in metres. A line that ends within `snap` of another, but not at that one's own end, flows into it
there: a tributary joins in the middle, a reach begins where the one above ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

SNAP = 50.0  # metres


@dataclass(frozen=True)
class Stretch:
    """A part of a line, from and to in metres from its first position."""

    line: str
    start: float
    end: float


class Network:
    """Where lines flow to and come from."""

    def __init__(self, lines: Mapping[str, shapely.LineString], snap: float = SNAP) -> None:
        self._lines, self._snap = dict(lines), snap
        self._keys = list(self._lines)
        self._tree = shapely.STRtree([self._lines[key] for key in self._keys])
        self._into: dict[str, list[tuple[str, float]]] = {key: self._targets(key) for key in self._keys}
        self._from: dict[str, list[tuple[str, float]]] = {key: [] for key in self._keys}
        for key, targets in self._into.items():
            for target, at in targets:
                self._from[target].append((key, at))

    def _targets(self, key: str) -> list[tuple[str, float]]:
        mouth = shapely.Point(self._lines[key].coords[-1])
        found = []
        for number in self._tree.query(mouth, predicate="dwithin", distance=self._snap):
            other = self._keys[int(number)]
            line = self._lines[other]
            at = float(line.project(mouth))
            if other != key and line.length - at > min(self._snap, line.length / 2):
                found.append((other, at))
        return found

    def locate(self, point: shapely.Point, reach: float) -> tuple[str, float] | None:
        """The nearest line within `reach` metres, and how far along it; of several, the first by key."""
        near = self._tree.query_nearest(point, max_distance=reach, all_matches=True)
        key = min((self._keys[int(number)] for number in near), default=None)
        return None if key is None else (key, float(self._lines[key].project(point)))

    def upstream(self, key: str, at: float) -> list[Stretch]:
        """Everything whose water passes here: the line down to `at`, and what flows into it above."""
        reached: dict[str, float] = {}
        waiting = [(key, at)]
        while waiting:
            line, end = waiting.pop()
            if reached.get(line, -1.0) >= end:
                continue
            reached[line] = end
            waiting += [(other, self._lines[other].length) for other, joint in self._from[line] if joint <= end]
        return [Stretch(line, 0.0, end) for line, end in reached.items()]

    def downstream(self, key: str, at: float) -> list[Stretch]:
        """Everywhere the water of here comes to."""
        reached: dict[str, float] = {}
        waiting = [(key, at)]
        while waiting:
            line, start = waiting.pop()
            if line in reached and reached[line] <= start:
                continue
            reached[line] = start
            waiting += self._into[line]
        return [Stretch(line, start, self._lines[line].length) for line, start in reached.items()]

    def shape(self, part: Stretch) -> BaseGeometry:
        """The stretch as a line; a point where it has no length."""
        return substring(self._lines[part.line], part.start, part.end)
