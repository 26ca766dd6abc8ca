"""The door of the maps engine: sources of features, layers, and spatial questions."""

from __future__ import annotations

from shizhu.engines.maps.contracts import Asked, Box, Course, Feature, Layer, Mark, Near, Region, Source
from shizhu.engines.maps.layers import collection, features, layer, layers, source, sources
from shizhu.engines.maps.questions import (
    Circle,
    Shape,
    areas_at,
    beside,
    containing,
    downstream,
    nearest,
    upstream,
    within,
)

__all__ = [
    "Asked", "Box", "Circle", "Course", "Feature", "Layer", "Mark", "Near", "Region", "Shape", "Source", "areas_at",
    "beside", "collection", "containing", "downstream", "features", "layer", "layers", "nearest", "source", "sources",
    "upstream", "within",
]  # fmt: skip
