"""Values as a page shows them: names of choices, titles of what is referred to, times of the county."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import references
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.contracts import Change, Entry
from shizhu.engines.records.http.inputs import flat
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
    is_short: bool = False


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
        unit=label(item.unit) if value is not None else "",
        href=_href(entry.county, item, value),
        is_masked=is_masked,
        is_number=item.kind in NUMBERS,
        is_long=item.is_long or item.kind == Kind.GROUP,
        is_short=bool(item.choices) or item.kind in {Kind.DATE, Kind.TIME, Kind.BOOLEAN},
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


def steps(county: str, register: Register, history: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """History for a page, newest first: each step with lines of (name, before, after) in words."""
    told = list(history)
    fields = dict(flat(register))
    known = _titles_in(county, fields, told)
    own = {"_area": _("Area"), "_organisation": _("Organisation"), "_geometry": _("Place on the map")}
    for step in reversed(told):
        lines = []
        for change in step.fields:
            item = fields.get(change.path)
            words = [_word(register, change.path, item, value, known) for value in (change.old, change.new)]
            lines.append((label(item.title) if item else own.get(change.path, _("State")), *words))
        yield {"step": step, "lines": lines}


def _titles_in(county: str, fields: Mapping[str, Field], told: Iterable[Change]) -> Titles:
    """Titles of everything that changes refer to."""
    values: dict[str, set[str]] = {}
    for change in (change for step in told for change in step.fields):
        if change.path in fields and fields[change.path].reference:
            values.setdefault(change.path, set()).update(str(v) for v in (change.old, change.new) if v is not None)
    kinds = {name: references.find(fields[name].reference, county) for name in values}
    return {name: kind.titles(county, values[name]) for name, kind in kinds.items() if kind}


def _word(register: Register, path: str, item: Field | None, value: Any, known: Titles) -> str:
    if value is None:
        return ""
    if item is None:
        return state(register, value) if path == "_state" else str(value)[:80]
    return text(item, value, known)
