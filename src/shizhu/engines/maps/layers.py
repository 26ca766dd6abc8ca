"""Layers and the sources of their features.

A layer (`layers/*.yaml`) names a source and what it wants of it. An engine above registers its source; the map asks it
for the features the person may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from math import floor
from typing import Any

import numpy as np
import shapely

from shizhu.engines.maps.contracts import (
    RANKS,
    Asked,
    Box,
    Feature,
    Find,
    Give,
    Grid,
    Inside,
    Layer,
    Mark,
    OpenAt,
    Source,
    View,
)
from shizhu.engines.records.api import Cell
from shizhu.kernel import packs
from shizhu.kernel.access import Actor

MANY = 500  # features that a map draws and lists one by one
CELL, TILE = 60, 512  # pixels
WORLD = 360.0  # degrees
FAR = 8.0  # a zoom at which a county is a picture
_sources: dict[str, Source] = {}


def _no_marks(_county: str, _layer: Layer) -> list[Mark]:
    return []


def _no_names(_who: Actor, _county: str, _words: str, _most: int) -> list[Feature]:
    return []


def source(
    name: str,
    give: Give,
    *,
    verb: str | Callable[[Layer], str],
    group: Mapping[str, str],
    legend: Callable[[str, Layer], list[Mark]] = _no_marks,
    find: Find = _no_names,
    open_at: OpenAt | None = None,
    grid: Grid | None = None,
    inside: Inside | None = None,
) -> None:
    """Register a source of features; call it from `AppConfig.ready`.

    `verb` is the right without which a layer of this source is not even named, `group` its heading in the panel, and
    `legend` (county, layer) what its colours mean, where they mean something;
    `find` (who, county, words, most) gives what is found by name, on a layer or not, and
    `open_at` (who, county, times) how many were open at each of the times, for what opens and ends;
    `grid` (who, county, layer, asked, size) counts by cells of so many degrees, where there may be thousands, and
    `inside` (who, county, layer, region) counts and pages what lies in a region, where `give` would give it all.
    """
    wanted = verb if callable(verb) else lambda _layer: verb
    _sources[name] = Source(give, wanted, group, legend, find, open_at, grid, inside)


def sources() -> Mapping[str, Source]:
    """All registered sources."""
    return _sources


def layers(county: str, who: Actor | None = None) -> list[Layer]:
    """The layers declared for a county, in drawing order; with an actor, those that the actor has the right to."""
    found = [_layer(key, body) for key, body in packs.declarations("layers", county).items()]
    if who is not None:
        found = [layer for layer in found if who.has(_sources[layer.source].verb(layer))]
    return sorted(found, key=lambda layer: (layer.order, layer.key))


def layer(county: str, who: Actor, key: str) -> Layer:
    """One layer. Raises LookupError if the county has none of that key, or the actor no right to it."""
    found = next((one for one in layers(county, who) if one.key == key), None)
    if found is None:
        raise LookupError(f"layer: {key!r}: county {county} shows none of that key to {who.name or 'nobody'}")
    return found


def _layer(key: str, body: packs.Body) -> Layer:
    return Layer(
        key, body["title"], body.get("group") or _sources[body["source"]].group, body["source"], body.get("of", ""),
        body["icon"], body["colour"], body.get("order", 50), body.get("shown", True), body.get("network", False),
        body.get("lasting", False), body.get("style", {}),
    )  # fmt: skip


def features(who: Actor, county: str, wanted: Layer, asked: Asked | None = None) -> list[Feature]:
    """The features of a layer that the actor may see, now or as asked."""
    return _sources[wanted.source].give(who, county, wanted, asked or Asked())


def is_large(who: Actor, county: str, wanted: Layer) -> bool:
    """Whether the layer has more features that the actor may see than are given one by one."""
    grid = _sources[wanted.source].grid
    return grid is not None and _number(grid(who, county, wanted, Asked(), WORLD)) > MANY


def view(who: Actor, county: str, wanted: Layer, asked: Asked) -> View:
    """What a map shows: all features of a layer of at most `MANY`; of a larger one those of the box, or clusters.

    Either way each feature of the layer (in the box) is there, by itself or counted in its cluster.
    """
    grid = _sources[wanted.source].grid
    size = CELL * WORLD / (TILE * 2 ** (FAR if asked.zoom is None else asked.zoom))
    if grid is None:
        return _gathered(features(who, county, wanted, asked), asked.box, size)
    whole = replace(asked, box=None)
    total = _number(grid(who, county, wanted, whole, WORLD))
    if total <= MANY:  # a map takes all at once, who names no zoom asks for what meets the box
        return View(features(who, county, wanted, asked if asked.zoom is None else whole), total, is_windowed=False)
    cells = grid(who, county, wanted, asked, size)
    if _number(cells) <= MANY:
        return View(features(who, county, wanted, asked), total, is_windowed=True)
    return View([_cluster(number, cell) for number, cell in enumerate(cells)], total, is_windowed=True)


def _number(cells: list[Cell]) -> int:
    return sum(cell.count for cell in cells)


def _gathered(found: list[Feature], box: Box | None, size: float) -> View:
    """The same of features that are all at hand, as `records.gridded` has it: by the middle of their boxes."""
    if len(found) <= MANY:
        return View(found, len(found), is_windowed=False)
    bounds = shapely.bounds([one.shape for one in found])
    x, y = (bounds[:, 0] + bounds[:, 2]) / 2, (bounds[:, 1] + bounds[:, 3]) / 2
    west, south, east, north = box or (-WORLD, -WORLD, WORLD, WORLD)
    inside = [int(n) for n in np.flatnonzero((x >= west) & (y >= south) & (x < east) & (y < north))]
    if len(inside) <= MANY:
        return View([found[n] for n in inside], len(found), is_windowed=True)
    where: dict[tuple[int, int], list[int]] = {}
    for n in inside:
        where.setdefault((floor(x[n] / size), floor(y[n] / size)), []).append(n)
    cells = [
        Cell(len(own), float(x[own].mean()), float(y[own].mean()), max(_rank(found[n]) for n in own))
        for own in where.values()
    ]
    return View([_cluster(number, cell) for number, cell in enumerate(cells)], len(found), is_windowed=True)


def _rank(one: Feature) -> int:
    return RANKS.index(one.properties.get("level", ""))


def _cluster(number: int, cell: Cell) -> Feature:
    point = {"type": "Point", "coordinates": [cell.longitude, cell.latitude]}
    return Feature(
        f"cluster-{number}", point, {"name": str(cell.count), "count": cell.count, "worst": RANKS[cell.rank]}
    )


def collection(found: list[Feature]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946)."""
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": f.id, "geometry": f.geometry, "properties": f.properties} for f in found
        ],
    }
