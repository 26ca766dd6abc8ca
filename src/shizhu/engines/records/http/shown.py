"""Values as a page shows them: names of choices, titles of what is referred to, times of the county."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.kernel.text import label

Titles = Mapping[str, Mapping[str, str]]  # field → value → title
NUMBERS = {Kind.NUMBER, Kind.INTEGER}


@dataclass(frozen=True)
class Cell:
    """One value of one record; `href` leads to what it refers to."""

    label: str
    text: str
    unit: str = ""
    href: str = ""
    is_masked: bool = False
    is_number: bool = False
    is_long: bool = False


def titles(county: str, register: Register, entries: Iterable[Entry]) -> Titles:
    """Titles of everything that the fields of these records refer to: one question a field."""
    found: dict[str, Mapping[str, str]] = {}
    rows = list(entries)
    for item in register.references:
        kind = references.find(item.reference, county)
        values = {entry.data[item.name] for entry in rows if item.name in entry.data and item.name not in entry.masked}
        found[item.name] = kind.titles(county, values) if kind and values else {}
    return found


def cell(entry: Entry, item: Field, known: Titles) -> Cell:
    """A field of a record as shown."""
    value = entry.data.get(item.name)
    is_masked = any(path == item.name or path.startswith(f"{item.name}.") for path in entry.masked)
    return Cell(
        label(item.title),
        text(item, value, known),
        unit=item.unit if value is not None else "",
        href=_href(entry.county, item, value),
        is_masked=is_masked,
        is_number=item.kind in NUMBERS,
        is_long=item.is_long or item.kind == Kind.GROUP,
    )


def _href(county: str, item: Field, value: Any) -> str:
    is_record = item.reference in registers(county)
    return f"/records/{item.reference}/key/{quote(str(value), safe='')}" if value and is_record else ""


def text(item: Field, value: Any, known: Titles) -> str:
    """A value in words; nothing for nothing."""
    if value is None:
        return ""
    if item.kind == Kind.GROUP:
        parts = {part.name: part for part in item.fields}
        return "\n".join(f"{label(parts[n].title)}：{text(parts[n], v, known)}" for n, v in value.items() if n in parts)
    if item.kind == Kind.LIST:
        return "、".join(str(part) for part in value)
    if item.kind == Kind.BOOLEAN:
        return _("Yes") if value is True else _("No") if value is False else str(value)
    if item.kind == Kind.TIME:
        return _local(value)
    if item.reference:
        return known.get(item.name, {}).get(value, str(value))
    return label(item.choices[str(value)]) if str(value) in item.choices else str(value)


def _local(value: str) -> str:
    try:
        return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return value


def state(register: Register, key: str) -> str:
    """The name of a state."""
    return label(register.states[key]) if key in register.states else _("Withdrawn")
