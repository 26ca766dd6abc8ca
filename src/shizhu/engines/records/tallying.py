"""Count the rows of a table under many conditions at once: in all, or apart by area or organisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from django.db import connection

from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.cql2_sql import Columns, compiled
from shizhu.engines.records.tabulate import Subject

Tally = dict[str, tuple[int, int]]
AT_ONCE = 400  # conditions of one query; PostgreSQL has room for 1,664 columns
OF = {
    "": ("''", ""),
    "area": ("place.code", "LEFT JOIN kernel_area place ON place.id = t.area_id"),
    "organisation": ("unit.code", "LEFT JOIN kernel_organisation unit ON unit.id = t.organisation_id"),
}


def tally(subject: Subject, wheres: Sequence[str], by: str = "") -> list[Tally]:
    """For each condition in CQL2 text ("" for all rows): code → (how many rows, how many of them simulated).

    `by` is "area", "organisation", a column of the subject, or "", which puts all under "". Codes without a row are
    left out. For indicators, so no actor is asked. Raises Cql2Error, ValueError for a column that is not there.
    """
    trees = [cql2.parse(where) if where.strip() else cql2.Every(()) for where in wheres]
    starts = range(0, len(trees), AT_ONCE)
    return [found for start in starts for found in _count(subject, trees[start : start + AT_ONCE], by)]


def _count(subject: Subject, trees: Sequence[cql2.Expression], by: str) -> list[Tally]:
    """One query. What conditions name is taken out of each row once, however many of them name it."""
    drawn, columns = _drawn(subject.columns, cql2.properties(tuple(trees)))
    made = [compiled(tree, columns) for tree in trees]
    code, join = OF.get(by, ("t.by_code", ""))
    own = f", {_column(subject, by)} AS by_code" if by not in OF else ""
    counts = "".join(f", count(*) FILTER (WHERE {sql})" for sql, _params in made)
    query = f"""SELECT {code}, t.is_invented{counts} FROM (
      SELECT t.*, ({subject.simulated}) AS is_invented{drawn}{own}
      FROM {subject.table} t WHERE {subject.fixed.sql} OFFSET 0
    ) t {join} GROUP BY 1, 2"""
    with connection.cursor() as cursor:
        cursor.execute(query, [*(one for _sql, params in made for one in params), *subject.fixed.params])
        rows = cursor.fetchall()
    found: list[Tally] = [{} for _tree in trees]
    for code, is_invented, *numbers in rows:
        for told, number in zip(found, numbers, strict=True):
            if number:
                known = told.get(code, (0, 0))
                told[code] = known[0] + number, known[1] + (number if is_invented else 0)
    return found


def _column(subject: Subject, name: str) -> str:
    found = subject.columns.get(name)
    if found is None or found.each:
        raise ValueError(f"{name}: there is no such column; there are {', '.join(sorted(subject.columns))}")
    return found.sql


def _drawn(columns: Columns, names: set[str]) -> tuple[str, Columns]:
    """SQL of the values that are taken out of a row, and where conditions then find them."""
    single = [name for name in sorted(names) if name in columns and not columns[name].each]
    there = {name: replace(columns[name], sql=f"t.drawn_{number}") for number, name in enumerate(single)}
    return "".join(f", {columns[name].sql} AS drawn_{number}" for number, name in enumerate(single)), {
        **columns,
        **there,
    }
