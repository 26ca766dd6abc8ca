"""A record in words, for whoever shows it elsewhere."""

from __future__ import annotations

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.http import shown
from shizhu.engines.records.http.attached import Attached
from shizhu.kernel.access import Actor


def files(entry: Entry) -> list[Attached]:
    """The attachments of a record; each has an address for who sees the record."""
    return list(shown.attachments_of(register_of(entry.register, entry.county), entry).values())


def facts(who: Actor, entry: Entry) -> list[tuple[str, str]]:
    """(name, value with its unit) of the fields of a record that hold something short; masked as the entry is."""
    register = register_of(entry.register, entry.county)
    known = shown.titles(who, entry.county, register, [entry])
    cells = [shown.cell(entry, item, known) for item in register.fields.values()]
    return [(cell.label, f"{cell.text} {cell.unit}".strip()) for cell in cells if cell.text and not cell.rows]
