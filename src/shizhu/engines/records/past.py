"""Records as they were at a time past, by their history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.contracts import Box, Entry, Place
from shizhu.engines.records.grid import Cell, gridded
from shizhu.engines.records.logic.privacy import shown
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.spatial import text_of
from shizhu.kernel import access
from shizhu.kernel.access import Actor, Predicate

# Rows that nobody changed since are as they were, and have indexes; the others are looked up in their history.
COLUMNS = (
    "county_id, register, key, title, data, organisation_id, area_id, geometry, box, state, source, is_simulated, "
    "created, updated, version"
)
SQL = f"""(
  SELECT id, {COLUMNS} FROM records_record r WHERE register = %s AND county_id = %s AND NOT EXISTS (
    SELECT 1 FROM records_recordevent e
    WHERE e.register = %s AND e.county_id = %s AND e.pgh_created_at > %s AND e.pgh_obj_id = r.id
  )
  UNION ALL SELECT * FROM (
    SELECT DISTINCT ON (pgh_obj_id) pgh_obj_id AS id, {COLUMNS} FROM records_recordevent
    WHERE register = %s AND county_id = %s AND pgh_created_at <= %s AND pgh_obj_id = ANY (ARRAY(
      SELECT pgh_obj_id FROM records_recordevent WHERE register = %s AND county_id = %s AND pgh_created_at > %s
    )) ORDER BY pgh_obj_id, pgh_id DESC
  ) changed
) p WHERE state <> %s AND box IS NOT NULL AND """


def _rows(who: Actor, county: str, register: str, at: datetime) -> Predicate:
    visible = access.visible(who, register_of(register, county).verb("view"), "p")
    own, then = (register, county), (register, county, at)
    return Predicate(SQL + visible.sql, (*own, *then, *then, *then, WITHDRAWN, *visible.params))


def placed_at(who: Actor, county: str, register: str, at: datetime, box: Box | None = None) -> Iterator[Entry]:
    """The records of a register that had a place (that meets the box) at that time, as they were then.

    Private fields are masked. The actor's rights of today decide, on the organisation and area that a record had then.
    Raises UnknownRegister.
    """
    declared, rows = register_of(register, county), _rows(who, county, register, at)
    near, params = ("", ()) if box is None else (" AND p.box && %s::box", (text_of(box),))
    found = Record.objects.raw(f"SELECT * FROM {rows.sql}{near} ORDER BY key", [*rows.params, *params])
    for row in found.prefetch_related("organisation", "area"):
        data, masked = shown(declared, row.data, ())
        yield Entry(
            row.pk, row.county_id, row.register, row.key, row.title, data, masked,
            Place(row.organisation.code, row.organisation.name), Place(row.area.code, row.area.name),
            row.geometry, row.state, row.source, row.is_simulated, row.created, row.updated, row.version,
        )  # fmt: skip


def cells_at(who: Actor, county: str, register: str, at: datetime, box: Box | None, size: float) -> list[Cell]:
    """The same, counted by cells."""
    return gridded(_rows(who, county, register, at), box, size)
