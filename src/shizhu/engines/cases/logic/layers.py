"""Works that wait for each other as a picture: in layers by the longest way, with lines that pass no box. Pure.

A line that leads over several layers has a place of its own in each between; it bends between layers alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from shizhu.engines.cases.logic import writing

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]  # left, top, width, height
Bend: TypeAlias = tuple[Point, Point, Point, Point]  # a cubic Bézier curve
Via: TypeAlias = tuple[str, str, int]  # the place of a line in a layer
Slot: TypeAlias = str | Via
SWEEPS = 6
THIN = 10.0  # how much room a line takes beside boxes


@dataclass(frozen=True)
class Room:
    """How large a box is and how far from the next, (across, along) the way; `most` boxes stand beside each other."""

    box: Point
    gap: Point
    most: int = 0
    is_upright: bool = False  # from top to bottom, else from left to right
    edge: float = 4.0


@dataclass(frozen=True)
class Laid:
    """Where boxes stand and lines lead; (before, after) → curves from the one to the other."""

    size: Point
    boxes: Mapping[str, Box]
    lines: Mapping[tuple[str, str], tuple[Bend, ...]]

    def path(self, before: str, after: str) -> str:
        """A line as SVG has it."""
        bends = self.lines[before, after]
        start = bends[0][0]
        curves = " ".join(" ".join(f"{x:.1f},{y:.1f}" for x, y in bend[1:]) for bend in bends)
        return f"M{start[0]:.1f},{start[1]:.1f} C{curves}"


def laid(after: Mapping[str, Sequence[str]], room: Room, small: Mapping[str, float] | None = None) -> Laid:
    """Works by what they wait for, which has no circle; some are `small`, a square of that size."""
    small = small or {}
    rank = _ranks(after, room.most)
    chains = {(before, id_): _chain(before, id_, rank) for id_, waited in after.items() for before in waited}
    layers = _ordered(rank, chains)
    wide = {slot: _width(slot, room, small) for layer in layers for slot in layer}
    across = _placed(layers, chains, wide, room.gap[0])
    low = min((across[slot] - wide[slot] / 2 for slot in across), default=0.0) - room.edge
    high = max((across[slot] + wide[slot] / 2 for slot in across), default=0.0) + room.edge
    bands, at = [], room.edge
    for layer in layers:
        deep = max(small.get(slot, room.box[1]) for slot in layer if isinstance(slot, str))
        bands.append((at, at + deep))
        at += deep + room.gap[1]

    def turned(x: float, y: float) -> Point:
        return (x - low, y) if room.is_upright else (y, x - low)

    boxes: dict[str, Box] = {}
    for id_ in after:
        begin, end = bands[rank[id_]]
        deep = small.get(id_, room.box[1])
        first = turned(across[id_] - wide[id_] / 2, (begin + end - deep) / 2)
        size = (wide[id_], deep) if room.is_upright else (deep, wide[id_])
        boxes[id_] = (*first, *size)
    lines = {}
    for pair, chain in chains.items():
        stops = [(across[slot], *_span(slot, bands, rank, small, room)) for slot in chain]
        lines[pair] = tuple(
            (turned(*one), turned(*two), turned(*three), turned(*four))
            for one, two, three, four in _bends(stops, bands)
        )
    deep = at - room.gap[1] + room.edge
    return Laid((high - low, deep) if room.is_upright else (deep, high - low), boxes, lines)


def _ranks(after: Mapping[str, Sequence[str]], most: int) -> dict[str, int]:
    """Work → its layer: behind all that it waits for; what is more than `most` in one goes behind."""
    order = writing.order(after)
    behind: dict[str, int] = dict.fromkeys(after, 0)  # how many works wait one behind the other
    for id_ in reversed(order):
        for before in after[id_]:
            behind[before] = max(behind[before], behind[id_] + 1)
    rank: dict[str, int] = {}
    left, layer = list(order), 0
    while left:
        free = [id_ for id_ in left if all(rank.get(before, layer) < layer for before in after[id_])]
        free.sort(key=lambda id_: -behind[id_])
        rank |= dict.fromkeys(free[: most or len(free)], layer)
        left, layer = [id_ for id_ in left if id_ not in rank], layer + 1
    return rank


def _chain(before: str, id_: str, rank: Mapping[str, int]) -> list[Slot]:
    return [before, *((before, id_, layer) for layer in range(rank[before] + 1, rank[id_])), id_]


def _ordered(rank: Mapping[str, int], chains: Mapping[tuple[str, str], list[Slot]]) -> list[list[Slot]]:
    """Layers in an order with few crossings: each slot near the middle of what it is joined with."""
    layers: list[list[Slot]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for id_, layer in rank.items():
        layers[layer].append(id_)
    for chain in chains.values():
        for number, slot in enumerate(chain[1:-1], rank[str(chain[0])] + 1):
            layers[number].append(slot)
    joined = _joined(chains)
    best, fewest = layers, _crossings(layers, joined[1])
    for sweep in range(SWEEPS):
        near = joined[sweep % 2]
        numbers = range(1, len(layers)) if sweep % 2 == 0 else range(len(layers) - 2, -1, -1)
        layers = [list(layer) for layer in layers]
        for number in numbers:
            other = layers[number - 1 if sweep % 2 == 0 else number + 1]
            place = {slot: spot for spot, slot in enumerate(other)}
            here = {slot: spot for spot, slot in enumerate(layers[number])}

            def middle(slot: Slot, place: dict[Slot, int] = place, here: dict[Slot, int] = here) -> float:
                ends = [place[one] for one in near.get(slot, ()) if one in place]  # noqa: B023  # used at once
                return sum(ends) / len(ends) if ends else here[slot]

            layers[number].sort(key=middle)
        found = _crossings(layers, joined[1])
        if found < fewest:
            best, fewest = layers, found
    return best


def _joined(chains: Mapping[tuple[str, str], list[Slot]]) -> tuple[dict[Slot, list[Slot]], dict[Slot, list[Slot]]]:
    """Slot → those before it, and those behind it."""
    before: dict[Slot, list[Slot]] = {}
    behind: dict[Slot, list[Slot]] = {}
    for chain in chains.values():
        for one, two in pairwise(chain):
            before.setdefault(two, []).append(one)
            behind.setdefault(one, []).append(two)
    return before, behind


def _crossings(layers: list[list[Slot]], behind: Mapping[Slot, list[Slot]]) -> int:
    total = 0
    for layer, following in pairwise(layers):
        place = {slot: spot for spot, slot in enumerate(following)}
        ends = [place[two] for one in layer for two in sorted(behind.get(one, ()), key=lambda two: place[two])]
        total += sum(one > two for number, one in enumerate(ends) for two in ends[number + 1 :])
    return total


def _width(slot: Slot, room: Room, small: Mapping[str, float]) -> float:
    return small.get(slot, room.box[0]) if isinstance(slot, str) else THIN


def _placed(
    layers: list[list[Slot]], chains: Mapping[tuple[str, str], list[Slot]], wide: Mapping[Slot, float], gap: float
) -> dict[Slot, float]:
    """Where the middle of each slot is: near those it is joined with, apart, and no wider than needed."""
    total = max((sum(wide[slot] for slot in layer) + gap * (len(layer) - 1) for layer in layers), default=0.0)
    across: dict[Slot, float] = {}
    for layer in layers:
        at = -(sum(wide[slot] for slot in layer) + gap * (len(layer) - 1)) / 2
        for slot in layer:
            across[slot] = at + wide[slot] / 2
            at += wide[slot] + gap
    joined = _joined(chains)
    for sweep in range(SWEEPS):
        near = joined[sweep % 2]
        for layer in layers if sweep % 2 == 0 else layers[::-1]:
            wanted = []
            for slot in layer:
                ends = [across[one] for one in near.get(slot, ())]
                wanted.append(sum(ends) / len(ends) if ends else across[slot])
            across |= zip(layer, _apart(wanted, [wide[slot] for slot in layer], gap, total), strict=True)
    return across


def _apart(wanted: list[float], wide: list[float], gap: float, total: float) -> list[float]:
    """Places in the same order, apart, within `total`: midway between those as far left and as far right as fit."""
    steps = [(one + two) / 2 + gap for one, two in pairwise(wide)]
    low = [-total / 2 + wide[0] / 2]
    high = [total / 2 - wide[-1] / 2]
    for step in steps:
        low.append(low[-1] + step)
    for step in reversed(steps):
        high.append(high[-1] - step)
    high.reverse()
    left, right = list(wanted), list(wanted)
    for number in range(len(wanted)):
        least = left[number - 1] + steps[number - 1] if number else low[0]
        left[number] = min(high[number], max(low[number], wanted[number], least))
    for number in range(len(wanted) - 1, -1, -1):
        most = right[number + 1] - steps[number] if number + 1 < len(wanted) else high[-1]
        right[number] = max(low[number], min(high[number], wanted[number], most))
    return [(one + two) / 2 for one, two in zip(left, right, strict=True)]


def _span(
    slot: Slot, bands: list[tuple[float, float]], rank: Mapping[str, int], small: Mapping[str, float], room: Room
) -> tuple[float, float, int]:
    """From where to where a slot reaches along the way, and its layer."""
    if not isinstance(slot, str):
        return (*bands[slot[2]], slot[2])
    begin, end = bands[rank[slot]]
    deep = small.get(slot, room.box[1])
    return (begin + end - deep) / 2, (begin + end + deep) / 2, rank[slot]


def _bends(stops: list[tuple[float, float, float, int]], bands: list[tuple[float, float]]) -> list[Bend]:
    """Straight through a layer, bent between two."""
    found: list[Bend] = []

    def straight(x: float, begin: float, end: float) -> None:
        if end > begin:
            found.append(((x, begin), (x, begin), (x, end), (x, end)))

    for number, ((x, _begin, end, layer), (to, begin, _end, _layer)) in enumerate(pairwise(stops)):
        if number:
            straight(x, bands[layer][0], bands[layer][1])
        else:
            straight(x, end, bands[layer][1])
        here, there = bands[layer][1], bands[layer + 1][0]
        middle = (here + there) / 2
        found.append(((x, here), (x, middle), (to, middle), (to, there)))
        if number == len(stops) - 2:
            straight(to, there, begin)
    return found
