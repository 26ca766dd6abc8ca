"""One partial index per register and field that one filters, orders or refers by; made from what is declared now."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from django.db import connection

from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic.columns import expression
from shizhu.engines.records.logic.register import Field, Register
from shizhu.engines.records.models import Record

TABLE = "records_record"
PREFIX = "declared_"
ANALYZE = 1000  # rows of a table above which new expressions need their own statistics at once


def prepare_registers() -> int:
    """Make the indexes that are missing and drop those nobody declares; returns how many changed (0 when repeated)."""
    wanted = {name: sql for register in registers().values() for name, sql in _wanted(register)}
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", (TABLE,))
        there = {name for (name,) in cursor.fetchall() if name.startswith(PREFIX)}
        for name in sorted(there - wanted.keys()):
            cursor.execute(f'DROP INDEX "{name}"')
        for name in sorted(wanted.keys() - there):
            cursor.execute(f'CREATE INDEX "{name}" ON {TABLE} {wanted[name]}')
        if wanted.keys() - there and Record.objects.count() > ANALYZE:
            cursor.execute(f"ANALYZE {TABLE}")
    return len(there ^ wanted.keys())


def _wanted(register: Register) -> Iterator[tuple[str, str]]:
    """(name, definition) of a register's indexes."""
    for item in _fields(register):
        yield _named(register, item.name, f"USING btree (county_id, {expression(item)})")
    if register.geometry:
        yield _named(register, "box", "USING gist (box)")


def _fields(register: Register) -> list[Field]:
    order, time = register.order.removeprefix("-"), register.time_field
    extra = [register.fields[name] for name in (order, time) if name]
    return list({item.name: item for item in (*register.filters, *register.references, *extra)}.values())


def _named(register: Register, part: str, method: str) -> tuple[str, str]:
    """The name carries a digest of the definition, so that a changed definition is another index."""
    definition = f"{method} WHERE register = '{register.key}'"
    digest = hashlib.sha256(definition.encode()).hexdigest()[:8]
    return f"{PREFIX}{register.key.replace('.', '_')[:24]}_{part[:16]}_{digest}", definition
