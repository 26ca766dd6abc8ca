"""Spatial functions of `$filter` (18-088 §9.3.3.5.2): found by box, decided by shapely, put into SQL as ids.

A statement holds a `Search` in the place of its ids until it is run, so that it can be kept and shared; what lies where
is looked up each time. Distances and lengths are in degrees, as OData has it for coordinates of WGS 84.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

from shizhu.engines.things.http.sta.sql import Sql, bind, join, sql
from shizhu.engines.things.logic.geojson import GEOJSON, geometry
from shizhu.kernel.fields import BoxField

NAMES = ("equals", "disjoint", "touches", "within", "overlaps", "crosses", "intersects", "contains")
TESTS = {"geo.intersects": "intersects", **{f"st_{name}": name for name in NAMES}}
MEASURES = {"geo.distance", "geo.length"}
FUNCTIONS = {*TESTS, *MEASURES, "st_relate"}
ANYWHERE = {"st_disjoint", "st_relate", *MEASURES}  # true or told of what lies elsewhere, too
PATTERN = set("TF012*")


@dataclass(frozen=True)
class Search:
    """Which rows of a table a function is true of, or what it gives for each: `{id: number}`.

    `own` is the geometry of a row, `box` its box (both SQL over `e`); `is_encoded`: the row says of what encoding.
    `within`: only rows at most that far away.
    """

    function: str
    table: str
    own: str
    box: str
    is_encoded: bool
    shape: BaseGeometry | None = None
    is_first: bool = True  # the row's geometry is the first argument
    pattern: str = ""
    within: float | None = None
    is_strict: bool = False  # nearer than that

    def query(self) -> Sql:
        """The rows that may be meant."""
        conditions = [Sql(f"{self.box} IS NOT NULL")]
        if self.is_encoded:
            conditions.append(sql("e.encoding_type = ANY({types})", types=bind(sorted(GEOJSON), "text[]")))
        if self.shape is not None and (self.function not in ANYWHERE or self.within is not None):
            far = self.within or 0.0
            west, south, east, north = self.shape.bounds
            box = BoxField().get_prep_value((west - far, south - far, east + far, north + far))
            conditions.append(sql(f"{self.box} && {{box}}", box=bind(box, "box")))
        where = join(" AND ", conditions)
        return sql(f"SELECT e.id, {self.own} FROM {self.table} e WHERE {{where}}", where=where)

    def of(self, found: BaseGeometry) -> float | bool:
        """What the function gives for the geometry of a row."""
        if self.shape is None:
            return float(found.length)
        first, second = (found, self.shape) if self.is_first else (self.shape, found)
        if self.function == "geo.distance":
            far = float(shapely.distance(first, second))
            if self.within is None:
                return far
            return far < self.within if self.is_strict else far <= self.within
        if self.function == "st_relate":
            return bool(shapely.relate_pattern(first, second, self.pattern))
        return bool(getattr(first, TESTS[self.function])(second))

    def answer(self, rows: list[tuple[int, Any]]) -> list[int] | str:
        """Ids, or numbers by id as JSON."""
        shapes = ((id_, geometry(value)) for id_, value in rows)
        told = {id_: self.of(found) for id_, found in shapes if found is not None}
        if self.function in MEASURES and self.within is None:
            return orjson.dumps({str(id_): number for id_, number in told.items()}).decode()
        return [id_ for id_, is_true in told.items() if is_true]


def shape(text: str) -> BaseGeometry:
    """The geometry of `geography'…'`, WKT of WGS 84; raises ValueError."""
    wkt = text.partition(";")[2] if text.upper().startswith("SRID=4326;") else text
    try:
        found: BaseGeometry = shapely.from_wkt(wkt)
    except ShapelyError as error:
        raise ValueError(f"it must be WKT, as POINT(106.5 29.6): {str(error).splitlines()[0]}") from None
    if found.is_empty:
        raise ValueError("an empty geometry lies nowhere")
    if geometry(shapely.geometry.mapping(found)) is None:
        raise ValueError("longitude (-180–180) comes before latitude (-90–90)")
    return found


async def resolved(connection: psycopg.AsyncConnection[Any], values: tuple[Any, ...]) -> tuple[Any, ...]:
    """The values of a statement with what their searches found."""
    known: dict[Search, Any] = {}
    for search in values:
        if isinstance(search, Search) and search not in known:
            query = search.query()
            rows = await (await connection.execute(query.text, query.values)).fetchall()
            known[search] = search.answer(rows)
    return tuple(known[value] if isinstance(value, Search) else value for value in values)
