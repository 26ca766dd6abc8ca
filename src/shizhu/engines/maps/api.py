"""The door of the maps engine: sources of features, layers, and spatial questions."""

from __future__ import annotations

from shizhu.engines.maps.contracts import (
    RANKS,
    Asked,
    Box,
    Course,
    Event,
    Feature,
    Layer,
    Mark,
    Near,
    Part,
    Region,
    Section,
    Source,
    Subject,
)
from shizhu.engines.maps.dossier import dossier, found, section, subject
from shizhu.engines.maps.layers import collection, features, layer, layers, source, sources
from shizhu.engines.maps.logic.past import counted
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
    "RANKS", "Asked", "Box", "Circle", "Course", "Event", "Feature", "Layer", "Mark", "Near", "Part", "Region",
    "Section", "Shape", "Source", "Subject", "areas_at", "beside", "collection", "containing", "counted", "dossier",
    "downstream", "features", "found", "layer", "layers", "nearest", "section", "source", "sources", "subject",
    "upstream", "within",
]  # fmt: skip
