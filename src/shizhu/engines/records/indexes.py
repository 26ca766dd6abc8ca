"""Partial indexes made from what is declared now: one per register and field that one filters, orders or refers by, and
a unique one per group of fields that no two rows in use may have alike.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator

from django.db import IntegrityError, connection, transaction

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic.columns import expression
from shizhu.engines.records.logic.register import Field, Register
from shizhu.engines.records.models import WITHDRAWN, Record

logger = logging.getLogger(__name__)
TABLE = "records_record"
PREFIX = "declared_"
ANALYZE = 1000  # rows of a table above which new expressions need their own statistics at once


def prepare_registers() -> int:
    """Make the indexes that are missing and drop those nobody declares; returns how many changed (0 when repeated).

    A unique index that rows forbid is not made; it is tried again each time.
    """
    wanted = {name: sql for register in registers().values() for name, sql in _wanted(register)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", (TABLE,))
        there = {name for (name,) in cursor.fetchall() if name.startswith(PREFIX)}
        for name in sorted(there - wanted.keys()):
            cursor.execute(f'DROP INDEX "{name}"')
        made = [name for name in sorted(wanted.keys() - there) if _make(name, wanted[name])]
        if made and Record.objects.count() > ANALYZE:
            cursor.execute(f"ANALYZE {TABLE}")
    return len(there - wanted.keys()) + len(made)


def _make(name: str, definition: str) -> bool:
    kind = "UNIQUE INDEX" if f"state <> '{WITHDRAWN}'" in definition else "INDEX"
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'CREATE {kind} "{name}" ON {TABLE} {definition}')
    except IntegrityError as error:
        logger.warning("records: rows forbid what is declared unique: %s", " ".join(str(error).split()))
        return False
    return True


def _wanted(register: Register) -> Iterator[tuple[str, str]]:
    """(name, definition) of a register's indexes."""
    for item in _fields(register):
        yield _named(register, item.name, f"USING btree (county_id, {expression(item)})")
    for group in register.unique:
        yield unique_index(register, group)
    if register.geometry:
        yield _named(register, "box", "USING gist (box)")


def _fields(register: Register) -> list[Field]:
    order, time = register.order.removeprefix("-"), register.time_field
    extra = [register.fields[name] for name in (order, time) if name]
    return list({item.name: item for item in (*register.filters, *register.references, *extra)}.values())


def unique_index(register: Register, group: tuple[str, ...]) -> tuple[str, str]:
    """(name, definition) of what keeps a group of fields unique among the rows in use of a county."""
    parts = ", ".join(expression(register.fields[name]) for name in group)
    return _named(register, "_".join(group), f"USING btree (county_id, {parts})", f" AND state <> '{WITHDRAWN}'")


def _named(register: Register, part: str, method: str, also: str = "") -> tuple[str, str]:
    """The name carries a digest of the definition, so that a changed definition is another index."""
    definition = f"{method} WHERE register = '{register.key}'{also}"
    digest = hashlib.sha256(definition.encode()).hexdigest()[:8]
    return f"{PREFIX}{register.key.replace('.', '_')[:24]}_{part[:16]}_{digest}", definition
