"""A network of lines that flow: each runs from its first position to its last.

What flows into what is **declared** where lines name the nodes they begin and end at: a line flows into those that
begin where it ends. Elsewhere it follows from the **geometry**: a line that ends within `snap` of another, but not at
that one's own end, flows into it there, so a tributary joins in the middle and a reach begins where the one above ends.
Plane coordinates in metres. A network may have cycles.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import shapely
from shapely.geometry.base import BaseGeometry
from shapely.ops import substring

SNAP = 50.0  # metres
Joint = tuple[str, float]  # a line, and where on it


@dataclass(frozen=True)
class Stretch:
    """A part of a line, from and to in metres from its first position.

    `metres` is how far its nearer end is along the flow from where it was asked, by the shortest way, and `order` how
    many lines were entered on that way.
    """

    line: str
    start: float
    end: float
    metres: float = 0.0
    order: int = 0


class Network:
    """Where lines flow to and come from; `nodes` has those that are declared: line → (from, to)."""

    def __init__(
        self,
        lines: Mapping[str, shapely.LineString],
        snap: float = SNAP,
        nodes: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        self._lines, self._snap, self._nodes = dict(lines), snap, dict(nodes or {})
        self._keys = list(self._lines)
        self._tree = shapely.STRtree([self._lines[key] for key in self._keys])
        begins: dict[str, list[Joint]] = defaultdict(list)
        for key, (start, _end) in self._nodes.items():
            begins[start].append((key, 0.0))
        self._into = {
            key: begins[self._nodes[key][1]] if key in self._nodes else self._targets(key) for key in self._keys
        }
        self._from: dict[str, list[Joint]] = {key: [] for key in self._keys}
        for key, targets in self._into.items():
            for target, at in targets:
                self._from[target].append((key, at))

    def _targets(self, key: str) -> list[Joint]:
        mouth = shapely.Point(self._lines[key].coords[-1])
        found = []
        for number in self._tree.query(mouth, predicate="dwithin", distance=self._snap):
            other = self._keys[int(number)]
            line = self._lines[other]
            at = float(line.project(mouth))
            if other != key and line.length - at > min(self._snap, line.length / 2):
                found.append((other, at))
        return found

    def locate(self, point: shapely.Point, reach: float) -> Joint | None:
        """The nearest line within `reach` metres, and how far along it; of several, the first by key."""
        near = self._tree.query_nearest(point, max_distance=reach, all_matches=True)
        key = min((self._keys[int(number)] for number in near), default=None)
        return None if key is None else (key, float(self._lines[key].project(point)))

    def upstream(self, key: str, at: float) -> list[Stretch]:
        """Everything whose water passes here, the nearest first: the line down to `at`, and what flows in above."""
        found: list[Stretch] = []
        reached: dict[str, float] = {}  # how far down a line all is found
        waiting = [(0.0, 0, key, at)]
        while waiting:
            metres, order, line, end = heapq.heappop(waiting)
            above = reached.get(line, 0.0)
            if line in reached and above >= end:
                continue
            reached[line] = end
            found.append(Stretch(line, above, end, metres, order))
            for other, joint in self._from[line]:
                if joint <= end:
                    heapq.heappush(waiting, (metres + end - joint, order + 1, other, self._lines[other].length))
        return found

    def downstream(self, key: str, at: float) -> list[Stretch]:
        """Everywhere the water of here comes to, the nearest first."""
        found: list[Stretch] = []
        reached: dict[str, float] = {}  # from where on a line all is found
        waiting = [(0.0, 0, key, at)]
        while waiting:
            metres, order, line, start = heapq.heappop(waiting)
            length = self._lines[line].length
            below = reached.get(line, length)
            if line in reached and below <= start:
                continue
            reached[line] = start
            found.append(Stretch(line, start, below, metres, order))
            if below == length:
                for other, joint in self._into[line]:
                    heapq.heappush(waiting, (metres + length - start, order + 1, other, joint))
        return found

    def shape(self, part: Stretch) -> BaseGeometry:
        """The stretch as a line; a point where it has no length."""
        return substring(self._lines[part.line], part.start, part.end)
