"""Records as they were at a time past, by their history."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.contracts import Entry, Place
from shizhu.engines.records.logic.privacy import shown
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel import access
from shizhu.kernel.access import Actor

SQL = """
SELECT r.* FROM (
  SELECT DISTINCT ON (pgh_obj_id) * FROM records_recordevent
  WHERE register = %s AND county_id = %s AND pgh_created_at <= %s ORDER BY pgh_obj_id, pgh_id DESC
) r WHERE r.state <> %s AND r.geometry IS NOT NULL AND {visible} ORDER BY r.key LIMIT %s
"""


def placed_at(who: Actor, county: str, register: str, at: datetime, most: int) -> Iterator[Entry]:
    """The records of a register that had a place at that time, as they were then; private fields are masked.

    The actor's rights of today decide, on the organisation and area that a record had then. Raises UnknownRegister.
    """
    declared = register_of(register, county)
    visible = access.visible(who, declared.verb("view"), "r")
    events: Any = Record.pgh_event_model  # type: ignore[attr-defined]  # pghistory's
    given = [register, county, at, WITHDRAWN, *visible.params, most]
    rows = events.objects.raw(SQL.format(visible=visible.sql), given)
    for row in rows.prefetch_related("organisation", "area"):
        data, masked = shown(declared, row.data, ())
        yield Entry(
            row.pgh_obj_id, row.county_id, row.register, row.key, row.title, data, masked,
            Place(row.organisation.code, row.organisation.name), Place(row.area.code, row.area.name),
            row.geometry, row.state, row.source, row.is_simulated, row.created, row.updated, row.version,
        )  # fmt: skip
