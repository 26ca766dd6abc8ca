"""Layers and the sources of their features.

A layer (`layers/*.yaml`) names a source and what it wants of it. An engine above registers its source; the map asks it
for the features the person may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shizhu.engines.maps.contracts import (
    RANKS,
    Asked,
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
    `grid` (who, county, layer, box, size) counts by cells of so many degrees, where there may be thousands, and
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
    return grid is not None and sum(cell.count for cell in grid(who, county, wanted, None, 360.0)) > MANY


def view(who: Actor, county: str, wanted: Layer, asked: Asked) -> View:
    """What a map shows: all features of a layer of at most `MANY`; of a larger one those of the box, or clusters."""
    grid = _sources[wanted.source].grid
    if grid is None or asked.zoom is None or asked.box is None or asked.at is not None:
        found = features(who, county, wanted, asked)
        return View(found, len(found), is_windowed=False)
    total = sum(cell.count for cell in grid(who, county, wanted, None, 360.0))
    if total <= MANY:
        return View(features(who, county, wanted), total, is_windowed=False)
    cells = grid(who, county, wanted, asked.box, CELL * 360 / (TILE * 2**asked.zoom))
    if sum(cell.count for cell in cells) <= MANY:
        return View(features(who, county, wanted, asked), total, is_windowed=True)
    return View([_cluster(number, cell) for number, cell in enumerate(cells)], total, is_windowed=True)


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
