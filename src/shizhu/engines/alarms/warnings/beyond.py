"""A shape that was drawn or imported and the towns chosen beside it: how much lies outside them, and whose that is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from shizhu.engines.alarms.warnings import drafting
from shizhu.kernel.models import Area
from shizhu.kernel.text import named

LEAST = 0.01  # of the shape: less is how one draws by hand
GRID = 1e-5  # degrees, as shapes are kept


@dataclass(frozen=True)
class Beyond:
    """What of a shape lies outside the towns chosen: its share in per cent, the towns it is in, `rest` to draw;
    `is_abroad` where a part is in no town of the county."""

    percent: int
    towns: tuple[Area, ...]
    is_abroad: bool
    rest: Mapping[str, Any]

    def __str__(self) -> str:
        where = [named(town) for town in self.towns] + ([_("places outside this county")] if self.is_abroad else [])
        told = {"percent": self.percent, "where": _(", ").join(where)}
        return _("%(percent)s%% of the shape lies outside the towns chosen: in %(where)s") % told


class Astray(drafting.Refused):
    """A shape reaches beyond the towns chosen, and nobody has said that it is meant to."""

    def __init__(self, found: Beyond, rule: str = "") -> None:
        super().__init__(("polygon", found.percent, rule or str(found)))
        self.found = found


def find(county: str, ring: Sequence[Sequence[float]], codes: Iterable[str]) -> Beyond | None:
    """None where the shape lies in the towns chosen, but for slivers, or an outline of them is not known."""
    shape, chosen = shapely.Polygon(ring), _chosen(county, codes)
    if chosen is None:
        return None
    rest = shape.difference(chosen)
    least = LEAST * shape.area
    if rest.area < least:
        return None
    met = drafting.met(county, ring)
    towns = [town for town in met if town.geometry.intersection(rest).area >= least]
    abroad = rest.difference(shapely.union_all([town.geometry for town in met]))
    percent = max(1, min(100, round(100 * rest.area / shape.area)))
    drawn = shapely.geometry.mapping(shapely.MultiPolygon(_polygons(rest)))
    return Beyond(percent, tuple(towns), bool(abroad.area >= least), drawn)


def cut(county: str, ring: Sequence[Sequence[float]], codes: Iterable[str]) -> list[list[float]] | None:
    """The part of the shape in the towns chosen; None where that is not one piece."""
    shape, chosen = shapely.Polygon(ring), _chosen(county, codes)
    inside = shapely.set_precision(shape.intersection(chosen or shape), GRID)
    parts = [part for part in _polygons(inside) if part.area >= LEAST * shape.area]
    if len(parts) != 1 or parts[0].interiors:
        return None
    return [[round(x, 5), round(y, 5)] for x, y in parts[0].exterior.coords]


def is_meant(county: str, content: Mapping[str, Any]) -> bool:
    """Whether the shape of a message lies in its towns, or somebody has said why it does not."""
    ring, said = content.get("polygon"), content.get("beyond") or {}
    return not ring or bool(said.get("why")) or find(county, ring, content["areas"]) is None


def _chosen(county: str, codes: Iterable[str]) -> BaseGeometry | None:
    outlines = [area.geometry for area in drafting.named(county, codes)]
    return shapely.union_all(outlines) if outlines and None not in outlines else None


def _polygons(shape: BaseGeometry) -> list[shapely.Polygon]:
    return [
        part for part in getattr(shape, "geoms", [shape]) if isinstance(part, shapely.Polygon) and not part.is_empty
    ]
