"""A register as a table: which columns it has, what a record writes into them, the file of a short list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

import shapely
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records import tables
from shizhu.engines.records.contracts import Entry
from shizhu.engines.records.http import shown
from shizhu.engines.records.http.inputs import at, flat
from shizhu.engines.records.logic import places
from shizhu.engines.records.logic.heads import Target
from shizhu.engines.records.logic.register import Field, Kind, Names, Register
from shizhu.engines.records.tables import clean
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

UNREAD = {Kind.ROWS, Kind.FILE, Kind.FILES}  # a cell shows them, and cannot say them
AT_ONCE = 2000  # rows that are written while the person waits; more is a job
CHUNK = 1000
MEDIA_TYPE = tables.XLSX
LONGITUDE: Names = {"zh": "经度", "en": "Longitude"}
LATITUDE: Names = {"zh": "纬度", "en": "Latitude"}
SHAPE: Names = {"zh": "地图位置", "en": "Place on the map"}
AREA: Names = {"zh": "区域", "en": "Area"}
ORGANISATION: Names = {"zh": "单位", "en": "Organisation"}
STATE: Names = {"zh": "状态", "en": "State"}
MADE: tuple[Names, ...] = ({"zh": "来源", "en": "Source"}, {"zh": "更改时间", "en": "Changed at"})  # never read in


def targets(register: Register) -> list[Target]:
    """The columns that a table of the register may have, in order; those of computed fields are left out."""
    found = [
        Target(name, _head(register, name, item), _others(name, item), item.is_required and "." not in name)
        for name, item in flat(register)
        if not item.computed and item.kind not in UNREAD
    ]
    if register.geometry == "Point":
        found += [
            Target("_longitude", LONGITUDE, ("lon", "lng")),
            Target("_latitude", LATITUDE, ("lat",)),
        ]
    elif register.geometry:
        found.append(Target("_geometry", SHAPE))
    found += [
        Target("_area", AREA, ("所在区域", "行政区划", "所属区域")),
        Target("_organisation", ORGANISATION, ("所属单位", "组织机构")),
    ]
    return [*found, Target("_state", STATE)] if len(register.states) > 1 else found


def _head(register: Register, name: str, item: Field) -> Names:
    """The field's title; of a part of a group with the group's, where another field has the same."""
    titles = [label(other.title, "zh") for _name, other in flat(register)]
    group = register.fields[name.partition(".")[0]]
    if "." not in name or titles.count(label(item.title, "zh")) == 1:
        return item.title
    return {language: f"{label(group.title, language)}/{label(item.title, language)}" for language in ("zh", "en")}


def _others(name: str, item: Field) -> tuple[str, ...]:
    return (name.rpartition(".")[2], *(f"{label(item.title, one)}{label(item.unit, one)}" for one in ("zh", "en")))


def extras(register: Register) -> list[Target]:
    """What an export shows besides, and an import leaves out."""
    found = [Target(name, item.title) for name, item in flat(register) if item.computed or item.kind in UNREAD]
    return [*found, *(Target(f"_made.{number}", names) for number, names in enumerate(MADE))]


def heads(register: Register, columns: Iterable[Target]) -> list[str]:
    """The head row of a table, in the language in force."""
    units = {name: label(item.unit) for name, item in flat(register)}
    named = [(label(target.title), units.get(target.name, "")) for target in columns]
    return [f"{title} ({unit})" if unit else title for title, unit in named]


def cells(register: Register, entry: Entry, known: shown.Titles) -> dict[str, Any]:
    """Target → what a record writes into it. Masked values stay masked."""
    made = {
        name: clean(str(at(entry.data, name))) if _is_masked(entry, name) else _typed(item, at(entry.data, name), known)
        for name, item in flat(register)
    }
    point = entry.geometry if isinstance(entry.geometry, shapely.Point) and not entry.geometry.is_empty else None
    written = places.written(entry.geometry)
    return {
        **made, "_longitude": point.x if point else None, "_latitude": point.y if point else None,
        "_geometry": written if len(written) < 32_000 else None,  # more than a cell holds
        "_area": entry.area.name, "_organisation": entry.organisation.name,
        "_state": shown.state(register, entry.state),
    }  # fmt: skip


def _is_masked(entry: Entry, name: str) -> bool:
    return name in entry.masked or name.partition(".")[0] in entry.masked


def _typed(item: Field, value: Any, known: shown.Titles) -> Any:
    """Numbers, dates and times as such, all else in words."""
    if value is None or (item.kind in shown.NUMBERS and not item.choices):
        return value
    try:
        if item.kind == Kind.DATE:
            return date.fromisoformat(value)
        if item.kind == Kind.TIME:
            return timezone.localtime(datetime.fromisoformat(value)).replace(tzinfo=None, microsecond=0)
    except (ValueError, OverflowError):
        return clean(str(value))
    if item.kind == Kind.LIST and not item.choices:
        return clean(_joined([str(part) for part in value]))
    return clean(shown.text(item, value, known))


def _joined(parts: list[str]) -> str:
    """Parts that hold a sign which parts are told by stand on lines of their own."""
    return "、".join(parts) if not any(set("、；;，,") & set(part) for part in parts) else "\n".join([*parts, ""])


class File:
    """A register's list on its way into an Excel file."""

    def __init__(self, who: Actor, county: str, register: Register) -> None:
        self._who, self._county, self._register = who, county, register
        self._columns = [*targets(register), *extras(register)]
        self._writer = tables.Writer(label(register.title), heads(register, self._columns))

    def add(self, entries: list[Entry]) -> None:
        """Some records; invented ones say so in the column of their source."""
        known = shown.titles(self._who, self._county, self._register, entries)
        for entry in entries:
            made = cells(self._register, entry, known)
            made["_made.0"] = _("simulated") if entry.is_simulated else entry.source
            made["_made.1"] = timezone.localtime(entry.updated).replace(tzinfo=None)
            self._writer.add([made[target.name] for target in self._columns])

    def done(self) -> bytes:
        """The file."""
        return self._writer.done()


def chunks(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    """A thousand at a time."""
    rows = iter(entries)
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def workbook(who: Actor, county: str, register: Register, entries: Iterable[Entry]) -> bytes:
    """The file of a list that is not long."""
    file = File(who, county, register)
    for chunk in chunks(entries):
        file.add(chunk)
    return file.done()
