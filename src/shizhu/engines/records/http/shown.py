"""Values as a page shows them: names of choices, titles of what is referred to, times of the county."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import shapely
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records import attachments, references
from shizhu.engines.records.attachments import FILES
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.contracts import Change, Entry, FieldChange
from shizhu.engines.records.http.attached import Attached, attached
from shizhu.engines.records.http.inputs import flat
from shizhu.engines.records.logic import conditions
from shizhu.engines.records.logic.register import NESTED, Field, Kind, Register, file_ids
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

Titles = Mapping[str, Mapping[str, str]]  # what is referred to → value → title
FILE = "kernel.file"
NUMBERS = {Kind.NUMBER, Kind.INTEGER}


@dataclass(frozen=True)
class Cell:
    """One value of one record; `href` leads to what it refers to. A group has `parts`, rows have `heads` and `rows`."""

    label: str
    text: str
    unit: str = ""
    href: str = ""
    is_masked: bool = False
    is_number: bool = False
    is_long: bool = False
    is_short: bool = False
    parts: tuple[Cell, ...] = ()
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    files: tuple[Attached, ...] = ()


Files = Mapping[str, Attached]  # id → attachment


def titles(who: Actor, county: str, register: Register, entries: Iterable[Entry]) -> Titles:
    """Titles of what these records refer to and `who` may see: one question a kind of thing."""
    found: dict[str, set[str]] = {}
    for entry in entries:
        _refer(register, entry.data, entry.masked, found)
    return _titled(who, county, found)


def _refer(register: Register, data: Mapping[str, Any], masked: frozenset[str], found: dict[str, set[str]]) -> None:
    for leaf in register.leaves(data):
        if leaf.item.reference and leaf.path not in masked:
            found.setdefault(leaf.item.reference, set()).add(str(leaf.value))
        if leaf.item.kind in FILES:
            found.setdefault(FILE, set()).update(file_ids(leaf.value))


def _titled(who: Actor, county: str, found: Mapping[str, set[str]]) -> Titles:
    return {reference: references.seen(who, county, reference, values) for reference, values in found.items()}


def there(register: Register, entry: Entry) -> list[Field]:
    """Fields of a record worth a line: those that apply, and what it holds of others."""
    names = conditions.applying(register.body, entry.data) | entry.data.keys()
    return [item for name, item in register.fields.items() if name in names]


def cell(entry: Entry, item: Field, known: Titles, files: Files = MappingProxyType({})) -> Cell:
    """A field of a record as shown, with its attachments where they are given."""
    return _cell(entry, item, entry.data.get(item.name), item.name, known, files)


def _cell(entry: Entry, item: Field, value: Any, path: str, known: Titles, files: Files) -> Cell:
    parts: tuple[Cell, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    heads: tuple[str, ...] = ()
    if item.kind == Kind.GROUP and isinstance(value, Mapping):
        parts = _cells(entry, item, value, path, known, files)
    elif item.kind == Kind.ROWS and isinstance(value, list):
        shown = [part for part in item.fields if any(part.name in row for row in value if isinstance(row, Mapping))]
        heads = tuple(label(part.title) for part in shown)
        rows = tuple(
            tuple(
                _cell(entry, part, row.get(part.name), f"{path}.{number}.{part.name}", known, files) for part in shown
            )
            for number, row in enumerate(value)
            if isinstance(row, Mapping)
        )
    return Cell(
        label(item.title),
        text(item, value, known),
        unit=label(item.unit) if value is not None else "",
        href=_href(entry.county, item, value),
        is_masked=any(masked == path or masked.startswith(f"{path}.") for masked in entry.masked),
        is_number=item.kind in NUMBERS,
        is_long=item.is_long or item.kind == Kind.GROUP,
        is_short=bool(item.choices) or item.kind in {Kind.DATE, Kind.TIME, Kind.BOOLEAN},
        parts=parts,
        heads=heads,
        rows=rows,
        files=tuple(files[one] for one in file_ids(value) if one in files) if item.kind in FILES else (),
    )


def attachments_of(register: Register, entry: Entry) -> Mapping[str, Attached]:
    """id → attachment, of all that a record names; photos say when and where they were taken."""
    ids = {one for leaf in register.leaves(entry.data) if leaf.item.kind in FILES for one in file_ids(leaf.value)}
    found = attachments.named(entry.county, ids) if ids else {}
    return {one: attached(file, f"/records/{entry.register}/{entry.id}/files/") for one, file in found.items()}


def _cells(
    entry: Entry, item: Field, value: Mapping[str, Any], path: str, known: Titles, files: Files
) -> tuple[Cell, ...]:
    there = [part for part in item.fields if part.name in value]
    return tuple(_cell(entry, part, value[part.name], f"{path}.{part.name}", known, files) for part in there)


def _href(county: str, item: Field, value: Any) -> str:
    is_record = bool(value and item.reference) and item.reference in registers(county)
    return f"/records/{item.reference}/key/{quote(str(value), safe='')}" if is_record else ""


def text(item: Field, value: Any, known: Titles) -> str:
    """A value in words; nothing for nothing."""
    if value is None:
        return ""
    if item.kind in NESTED:
        return _nested(item, value, known)
    if item.kind in FILES:
        return "、".join(known.get(FILE, {}).get(one, one) for one in file_ids(value))
    if item.kind == Kind.LIST:
        return "、".join(_choice(item, part) for part in value)
    if item.kind == Kind.BOOLEAN:
        return _("Yes") if value is True else _("No") if value is False else str(value)
    if item.kind == Kind.TIME:
        return _local(value)
    if item.reference:
        return known.get(item.reference, {}).get(value, str(value))
    return _choice(item, value)


def _choice(item: Field, value: Any) -> str:
    return label(item.choices[str(value)]) if str(value) in item.choices else str(value)


def _nested(item: Field, value: Any, known: Titles) -> str:
    """A group as lines of name and value, rows as one line each."""
    if isinstance(value, Mapping):
        told = [(part, value[part.name]) for part in item.fields if part.name in value]
        return "\n".join(f"{label(part.title)}：{text(part, v, known)}" for part, v in told)
    lines = [_nested(item, row, known).replace("\n", "，") for row in value if isinstance(row, Mapping)]
    return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, 1))


def _local(value: str) -> str:
    try:
        return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return value


def state(register: Register, key: str) -> str:
    """The name of a state."""
    return label(register.states[key]) if key in register.states else _("Withdrawn")


def steps(who: Actor, county: str, register: Register, history: Iterable[Change]) -> Iterator[dict[str, Any]]:
    """History for a page, newest first: each step with lines of (name, before, after) in words."""
    told = list(history)
    known = titles_in(who, county, register, [change for step in told for change in step.fields])
    for step in reversed(told):
        yield {"step": step, "lines": list(lines(register, step.fields, known))}


def lines(register: Register, changes: Iterable[FieldChange], known: Titles) -> Iterator[tuple[str, str, str]]:
    """(name, before, after) of changes in words."""
    fields, own = dict(flat(register)), own_names()
    for change in changes:
        item = fields.get(change.path)
        old, new = (word(register, change.path, item, value, known) for value in (change.old, change.new))
        yield label(item.title) if item else own.get(change.path, change.path), old, new


def titles_in(who: Actor, county: str, register: Register, changes: Iterable[FieldChange]) -> Titles:
    """Titles of what changes refer to and `who` may see."""
    found: dict[str, set[str]] = {}
    for change in changes:
        for value in (change.old, change.new):
            data: Any = value
            for name in reversed(change.path.split(".")):
                data = {name: data}
            _refer(register, data, frozenset(), found)
    return _titled(who, county, found)


def own_names() -> Mapping[str, str]:
    """What every record has beside its fields."""
    return {
        "_state": _("State"), "_area": _("Area"), "_organisation": _("Organisation"),
        "_geometry": _("Place on the map"),
    }  # fmt: skip


def word(register: Register, path: str, item: Field | None, value: Any, known: Titles) -> str:
    """One value of a step or a version in words."""
    if value is None:
        return ""
    if item is None and path == "_geometry":
        return place(shapely.from_wkt(value))
    if item is None:
        return state(register, value) if path == "_state" else str(value)[:80]
    return text(item, value, known)


def place(geometry: BaseGeometry | None) -> str:
    """Where something is, as people say it: degrees of WGS 84; of a line its ends, of a surface a point in it."""
    if geometry is None or geometry.is_empty:
        return ""
    number = len(shapely.get_coordinates(geometry))
    if geometry.geom_type == "Point":
        return _degrees(geometry)
    if geometry.geom_type == "LineString":
        first, last = (_degrees(geometry.interpolate(at, normalized=True)) for at in (0, 1))
        told = {"number": number, "first": first, "last": last}
        return _("line of %(number)d points from %(first)s to %(last)s") % told
    middle = _degrees(geometry.representative_point())
    return _("shape of %(number)d points around %(middle)s") % {"number": number, "middle": middle}


def _degrees(point: Any) -> str:
    east, north = ("E" if point.x >= 0 else "W"), ("N" if point.y >= 0 else "S")
    return f"{abs(point.x):.5f}°{east} {abs(point.y):.5f}°{north}"
