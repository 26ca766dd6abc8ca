"""Where rows lie: a relation to a geometry becomes ids first, so that OR, NOT, counts and pages stay right.

Boxes in PostgreSQL (GiST) choose who comes into question, shapely decides.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from django.db import models
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.contracts import Box, Region
from shizhu.engines.records.logic.cql2_sql import Space, Sql

FUZZ = 1e-5  # degrees: PostgreSQL compares boxes with a tolerance of 1e-6
GEOMETRY = "geometry"  # the property by which a condition names where a row is


def true(sql: str, params: tuple[Any, ...]) -> RawSQL:
    """A condition of the ORM from SQL of ours."""
    return RawSQL(sql, params, output_field=models.BooleanField())  # noqa: S611  # our SQL, bound values


@dataclass(frozen=True)
class Spot:
    """Where a row is, as SQL of ours: its id, a native box, and the geometry as WKB."""

    id: str
    box: str
    geometry: str

    @property
    def is_placed(self) -> str:
        """SQL that is true where a row has a place."""
        return f"({self.box} IS NOT NULL)"

    @property
    def wkb(self) -> RawSQL:
        """The geometry for a query."""
        return RawSQL(self.geometry, (), output_field=models.BinaryField())  # noqa: S611  # SQL of ours


def spot(table: str) -> Spot:
    """Where rows of a table are that has `id`, `box` and `geometry`."""
    return Spot(f'"{table}".id', f'"{table}".box', f'"{table}".geometry')


def space(rows: QuerySet[Any], where: Spot, name: str = GEOMETRY) -> Space:
    """The place of rows; only `rows` are looked at."""
    return Space(name, where.is_placed, lambda relation, shape: meeting(rows, where, relation, shape))


def within(rows: QuerySet[Any], where: Spot, box: Box) -> RawSQL:
    """Rows whose geometry meets the box."""
    return true(*meeting(rows, where, "intersects", shapely.box(*box)))


def inside(rows: QuerySet[Any], where: Spot, region: Region) -> RawSQL:
    """Rows whose geometry meets the region."""
    if region.is_box:
        return within(rows, where, region.box)
    near = rows.filter(true(f"{where.box} && %s::box", (text_of(region.box),)))
    return true(f"{where.id} IN (SELECT unnest(%s::bigint[]))", (_ids(near, where, region.meets),))


def meeting(rows: QuerySet[Any], where: Spot, relation: str, window: BaseGeometry) -> Sql:
    """SQL that is true for the rows whose geometry stands in the relation (any but `disjoint`) to the window.

    What lies well inside a rectangle is certain; the rest is decided one by one.
    """
    if window.is_empty:
        return "FALSE", ()
    inside, params = _inside(where, window) if relation in {"intersects", "within"} else ("FALSE", ())
    near = f"({where.box} && %s::box AND NOT {inside})"
    turned = {"within": "contains", "contains": "within"}.get(relation, relation)  # the window is what is prepared
    shapely.prepare(window)
    chosen = rows.filter(true(near, (text_of(window.bounds), *params)))
    found = _ids(chosen, where, lambda shapes: getattr(shapely, turned)(window, shapes))
    return f"({inside} OR {where.id} IN (SELECT unnest(%s::bigint[])))", (*params, found)


def _inside(where: Spot, window: BaseGeometry) -> Sql:
    west, south, east, north = window.bounds
    inner = west + FUZZ, south + FUZZ, east - FUZZ, north - FUZZ
    if inner[0] < inner[2] and inner[1] < inner[3] and window.equals(shapely.box(*window.bounds)):
        return f"{where.box} <@ %s::box", (text_of(inner),)
    return "FALSE", ()


def _ids(rows: QuerySet[Any], where: Spot, decide: Callable[[NDArray[Any]], NDArray[Any]]) -> list[int]:
    """Ids of the rows that are wanted; read and decided all at once, because there may be many."""
    found = list(rows.order_by().values_list("pk", where.wkb))
    are = decide(np.array(shapely.from_wkb([bytes(wkb) for _pk, wkb in found])))
    return [pk for (pk, _wkb), is_so in zip(found, are, strict=True) if is_so]


def text_of(box: Box) -> str:
    """A box as PostgreSQL writes it."""
    return "({2},{3}),({0},{1})".format(*box)
