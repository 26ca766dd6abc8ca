"""Counting rows with a place by the cells of a grid: what a map shows of many. The database counts, so it is exact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import connection

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.contracts import Box
from shizhu.engines.records.models import WITHDRAWN
from shizhu.engines.records.spatial import text_of
from shizhu.kernel import access
from shizhu.kernel.access import Actor, Predicate

SQL = """
SELECT count(*), avg(x), avg(y), max(rank) FROM (
  SELECT (center(p.box))[0] AS x, (center(p.box))[1] AS y, {rank} AS rank FROM {rows} AND {near}
) c WHERE {window} GROUP BY floor(x / %s), floor(y / %s)
"""


@dataclass(frozen=True)
class Cell:
    """How many rows lie in a cell, their mean position in degrees of WGS 84, and the highest rank among them."""

    count: int
    longitude: float
    latitude: float
    rank: int = 0


def gridded(rows: Predicate, box: Box | None, size: float, rank: str = "0") -> list[Cell]:
    """Rows by cells of `size` degrees, of those whose middle lies in the box (west and south edges are within).

    `rows` is what follows FROM, with a condition, and calls the table that has the box `p`; `rank` is SQL over it.
    """
    near, window, params = "TRUE", "TRUE", [*rows.params]
    if box is not None:
        near, window = "p.box && %s::box", "x >= %s AND y >= %s AND x < %s AND y < %s"
        params += [text_of(box), *box]
    with connection.cursor() as cursor:
        cursor.execute(SQL.format(rows=rows.sql, near=near, window=window, rank=rank), [*params, size, size])
        return [Cell(*row) for row in cursor.fetchall()]


def cells(who: Actor, county: str, register: str, box: Box | None, size: float) -> list[Cell]:
    """The records of a register that the actor may see, by cells. Raises UnknownRegister."""
    visible = access.visible(who, register_of(register, county).verb("view"), "p")
    own: tuple[Any, ...] = (county, register, WITHDRAWN)
    where = "p.county_id = %s AND p.register = %s AND p.state <> %s AND p.box IS NOT NULL"
    return gridded(Predicate(f"records_record p WHERE {where} AND {visible.sql}", own + visible.params), box, size)
