"""The door of the maps engine: sources of features.

A layer (`layers/*.yaml`) names a source and what it wants of it. An engine above registers its source; the map asks it
for the features the person may see.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shizhu.kernel import packs
from shizhu.kernel.access import Actor

__all__ = ["Feature", "Layer", "Source", "collection", "layers", "source", "sources"]


@dataclass(frozen=True)
class Layer:
    """A declared layer; `title` is {zh, en}, `of` what the source is asked for."""

    key: str
    title: Mapping[str, str]
    source: str
    of: str
    icon: str
    colour: str
    order: int


@dataclass(frozen=True)
class Feature:
    """One thing on the map: a GeoJSON geometry in WGS 84 and what is told of it."""

    id: str
    geometry: Mapping[str, Any]
    properties: Mapping[str, Any]


Source = Callable[[Actor, str, Layer], list[Feature]]  # (who, county, layer) → the features who may see
_sources: dict[str, Source] = {}


def source(name: str, give: Source) -> None:
    """Register a source of features; call it from `AppConfig.ready`."""
    _sources[name] = give


def sources() -> Mapping[str, Source]:
    """All registered sources."""
    return _sources


def layers(county: str) -> list[Layer]:
    """The layers declared for a county, in drawing order."""
    found = [
        Layer(
            key, body["title"], body["source"], body.get("of", ""), body["icon"], body["colour"], body.get("order", 50)
        )
        for key, body in packs.declarations("layers", county).items()
    ]
    return sorted(found, key=lambda layer: (layer.order, layer.key))


def collection(features: list[Feature]) -> dict[str, Any]:
    """A GeoJSON FeatureCollection (RFC 7946)."""
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "id": f.id, "geometry": f.geometry, "properties": f.properties} for f in features
        ],
    }
