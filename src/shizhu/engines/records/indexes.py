"""Partial indexes made from what is declared now: one per register and field that one filters, orders or refers by,
with the area for those who see a part of the county alone, and a unique one per group of fields that no two rows in use
may have alike. Statistics of what filters ask for stand beside them, because PostgreSQL does not believe what it knows
of a partial index.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator
from contextlib import nullcontext

from django.db import IntegrityError, connection, transaction

from shizhu.engines.records.catalogue import KIND, registers
from shizhu.engines.records.logic.columns import expression
from shizhu.engines.records.logic.register import COMPARABLE, Field, Register
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel import overlays
from shizhu.kernel.models import Declaration

logger = logging.getLogger(__name__)
TABLE = "records_record"
PREFIX = "declared_"
STATISTICS = "declared_of_"
OWN_FIELD = f"{overlays.LOCAL}_"  # how fields begin that a county adds
THINNED = (16, 256)  # of so many points a tile of a far view draws one
BROKEN = """
SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = %s::regclass AND NOT i.indisvalid AND c.relname LIKE %s
AND NOT EXISTS (SELECT 1 FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)
"""
ANALYZE = 1000  # rows of a table above which new expressions need their own statistics at once


def prepare_registers() -> int:
    """Make the indexes that are missing and drop those nobody declares; returns how many changed (0 when repeated).

    A unique index that rows forbid is not made; it is tried again each time. Rows are read and written meanwhile:
    indexes are made and dropped concurrently, except in a transaction. One that was half made when its process died is
    made anew.
    """
    wanted = dict(_all_wanted())
    _drop_broken()
    there = _there()
    with connection.cursor() as cursor:
        for name in sorted(there - wanted.keys()):
            cursor.execute(f'DROP INDEX {_concurrently()} "{name}"')
        made = [name for name in sorted(wanted.keys() - there) if _make(name, wanted[name])]
        if (_make_statistics() or made) and Record.objects.count() > ANALYZE:
            cursor.execute(f"ANALYZE {TABLE}")
    return len(there - wanted.keys()) + len(made)


def _make_statistics() -> int:
    """Of every field that one filters by, beside its register; returns how many were made."""
    filtered = {expression(item): item.name for register in _all_registers() for item in register.filters}
    wanted = {_digested(f"{STATISTICS}{name}", sql): sql for sql, name in filtered.items()}
    with connection.cursor() as cursor:
        cursor.execute("SELECT stxname FROM pg_statistic_ext WHERE starts_with(stxname, %s)", (STATISTICS,))
        there = {name for (name,) in cursor.fetchall()}
        for name in sorted(there - wanted.keys()):
            cursor.execute(f'DROP STATISTICS "{name}"')
        for name in sorted(wanted.keys() - there):
            cursor.execute(f'CREATE STATISTICS "{name}" (mcv) ON register, {wanted[name]} FROM {TABLE}')
    return len(wanted.keys() - there)


def _concurrently() -> str:
    return "" if connection.in_atomic_block else "CONCURRENTLY"


def _make(name: str, definition: str) -> bool:
    kind, how = "UNIQUE INDEX" if f"state <> '{WITHDRAWN}'" in definition else "INDEX", _concurrently()
    try:
        with nullcontext() if how else transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f'CREATE {kind} {how} "{name}" ON {TABLE} {definition}')
    except IntegrityError:  # its text has values, which may be private
        logger.warning("records: rows forbid the unique index %s", name)
        if how:
            _drop_broken()
        return False
    return True


def _drop_broken() -> None:
    """Indexes that were not made to their end, and are not being made now."""
    with connection.cursor() as cursor:
        cursor.execute(BROKEN, [TABLE, f"{PREFIX}%"])
        for (name,) in cursor.fetchall():
            cursor.execute(f'DROP INDEX {_concurrently()} IF EXISTS "{name}"')


def missing(register: Register, county: str) -> int:
    """How many indexes of the register are still to be made."""
    return len(dict(_wanted(register, county)).keys() - _there())


def _there() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = %s", (TABLE,))
        return {name for (name,) in cursor.fetchall() if name.startswith(PREFIX)}


def _all_wanted() -> Iterator[tuple[str, str]]:
    """Of all packs, and of every county that declares something itself."""
    for county in ("", *_counties()):
        for register in registers(county or None).values():
            yield from _wanted(register, county)


def _all_registers() -> Iterator[Register]:
    for county in (None, *_counties()):
        yield from registers(county).values()


def _counties() -> list[str]:
    """Those that declare something themselves."""
    own = Declaration.objects.filter(kind__in=[KIND, overlays.FIELDS], county__isnull=False)
    return list(own.values_list("county", flat=True).distinct().order_by("county"))


def _wanted(register: Register, county: str) -> Iterator[tuple[str, str]]:
    """(name, definition) of a register's indexes."""
    for item in _fields(register):
        only = _only(register, [item.name], county)
        yield _named(register, item.name, f"USING btree (county_id, {expression(item)}, area_id)", only)
    for group in register.unique:
        yield unique_index(register, group, county)
    if register.geometry:
        only = _only(register, (), county)
        yield _named(register, "box", "USING gist (box)", only)
        yield _named(register, "updated", "USING btree (county_id, updated)", only)
    if register.geometry == "Point":
        for part in THINNED:
            yield _named(register, f"box_{part}", "USING gist (box)", f"{only} AND (id % {part}) = 0")


def _fields(register: Register) -> list[Field]:
    order, time = register.order.removeprefix("-"), register.time_field
    extra = [register.fields[name] for name in (order, time) if name]
    own = {register.key_field, register.title_field}  # whose columns have indexes
    extra += [i for i in register.listed if i.kind in COMPARABLE and not i.privacy and i.name not in own]
    return list({item.name: item for item in (*register.filters, *register.references, *extra)}.values())


def unique_index(register: Register, group: tuple[str, ...], county: str) -> tuple[str, str]:
    """(name, definition) of what keeps a group of fields unique among the rows in use of a county."""
    parts = ", ".join(expression(register.fields[name]) for name in group)
    only = f"{_only(register, group, county)} AND state <> '{WITHDRAWN}'"
    return _named(register, "_".join(group), f"USING btree (county_id, {parts})", only)


def _only(register: Register, names: Collection[str], county: str) -> str:
    """What a county declares itself is another thing in another county: its index has rows of that county alone."""
    is_own = overlays.is_own(register.key) or any(name.startswith(OWN_FIELD) for name in names)
    return f" AND county_id = '{county}'" if is_own and county else ""


def _named(register: Register, part: str, method: str, also: str = "") -> tuple[str, str]:
    """The name carries a digest of the definition, so that a changed definition is another index."""
    definition = f"{method} WHERE register = '{register.key}'{also}"
    return _digested(f"{PREFIX}{register.key.replace('.', '_')[:24]}_{part[:16]}", definition), definition


def _digested(name: str, definition: str) -> str:
    return f"{name}_{hashlib.sha256(definition.encode()).hexdigest()[:8]}"
