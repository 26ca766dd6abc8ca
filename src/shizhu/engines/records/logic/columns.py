"""Where a field is in SQL. An index and a query say it alike, or the index would not serve the query."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

from shizhu.engines.records.logic.cql2_sql import Column, Columns
from shizhu.engines.records.logic.register import COMPARABLE, Field, Kind, Register

# What every row has beside its fields; the underscore keeps them apart from declared names.
_OWN = {
    "_key": ('{table}.key COLLATE "C"', Kind.TEXT),
    "_title": ('{table}.title COLLATE "C"', Kind.TEXT),
    "_state": ('{table}.state COLLATE "C"', Kind.TEXT),
    "_source": ('{table}.source COLLATE "C"', Kind.TEXT),
    "_simulated": ("{table}.is_simulated", Kind.BOOLEAN),
    "_area": ("(SELECT code FROM kernel_area WHERE id = {table}.area_id)", Kind.TEXT),
    "_town": ("(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = {table}.area_id)", Kind.TEXT),
    "_organisation": ("(SELECT code FROM kernel_organisation WHERE id = {table}.organisation_id)", Kind.TEXT),
    "_created": ("{table}.created", Kind.TIME),
    "_updated": ("{table}.updated", Kind.TIME),
}
_MOMENT = "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"


def expression(item: Field, table: str = "") -> str:
    """The field's value as SQL: texts, dates and times as text by code point, numbers as numeric."""
    return _value(item, f"{table}.data" if table else "data")


def _value(item: Field, data: str) -> str:
    """The value of a field of the object that `data` is."""
    text = f"({data}->>'{item.name}')"
    if item.kind in {Kind.NUMBER, Kind.INTEGER}:  # the guard keeps rows of another register out of the cast
        return f"(CASE WHEN jsonb_typeof({data}->'{item.name}') = 'number' THEN {text}::numeric END)"
    if item.kind == Kind.BOOLEAN:
        return f"(CASE WHEN jsonb_typeof({data}->'{item.name}') = 'boolean' THEN {text}::boolean END)"
    if item.kind == Kind.LIST:
        return f"(CASE WHEN jsonb_typeof({data}->'{item.name}') = 'array' THEN {data}->'{item.name}' END)"
    return f'({text} COLLATE "C")'


def own_columns(table: str, *names: str) -> Columns:
    """What rows have beside their fields, of those names."""
    found = {}
    for name in names:
        sql, kind = _OWN[name]
        said = sql.format(table=table)
        found[name] = Column(_MOMENT.format(said) if kind == Kind.TIME else said, kind)
    return found


def columns(register: Register, table: str, *, with_private: bool) -> Columns:
    """Everything a condition may name. Private fields only where no person is shown what follows from them."""
    return {
        **own_columns(table, *_OWN),
        **dict(_below(register.fields.values(), f"{table}.data", "", (), with_private)),
    }


def _below(
    fields: Iterable[Field], data: str, prefix: str, each: tuple[str, ...], with_private: bool
) -> Iterator[tuple[str, Column]]:
    """Fields by path: `place.lane` of a group, `drinks.price` of rows, which has as many values as there are rows."""
    for item in fields:
        path = f"{prefix}{item.name}"
        if item.privacy and not with_private:
            continue
        if item.kind in COMPARABLE or item.kind == Kind.LIST:
            yield path, Column(_value(item, data), item.kind, each)
        elif item.kind == Kind.GROUP:
            yield from _below(item.fields, f"{data}->'{item.name}'", f"{path}.", each, with_private)
        elif item.kind == Kind.ROWS:
            row = f"each_{zlib.crc32(path.encode()):08x}"
            held = f"{data}->'{item.name}'"
            rows = f"jsonb_array_elements(CASE WHEN jsonb_typeof({held}) = 'array' THEN {held} END) {row}(value)"
            yield from _below(item.fields, f"{row}.value", f"{path}.", (*each, rows), with_private)
