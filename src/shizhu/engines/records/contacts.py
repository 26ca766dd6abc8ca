"""How rows are reached by machines: values of private fields for a program that calls or writes, never for a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel.models import Area, Organisation


@dataclass(frozen=True)
class Reached:
    """A row in use: its number and area, and the texts of the fields that were asked for, empty where it has none."""

    record: int
    area: int
    values: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """A row in use as it is kept, whole."""

    record: int
    key: str
    title: str
    state: str
    area: Area
    organisation: Organisation
    is_simulated: bool
    data: Mapping[str, Any]
    geometry: BaseGeometry | None


def kept(county: str, register: str, within: str = "") -> list[Kept]:
    """The rows in an area (by its path) and below, of the county without one, in order of key. For what calls or
    compares them, never for a page: no actor is asked. Raises UnknownRegister.
    """
    register_of(register, county)
    rows = Record.objects.filter(county=county, register=register, area__path__startswith=within)
    return [
        Kept(
            row.pk, row.key, row.title, row.state, row.area, row.organisation, row.is_simulated, row.data, row.geometry
        )
        for row in rows.exclude(state=WITHDRAWN).select_related("area", "organisation").order_by("key")
    ]


def contacts(county: str, register: str, fields: Sequence[str], areas: Iterable[Area]) -> list[Reached]:
    """The rows in the areas and below, in order of number. Raises UnknownRegister; LookupError for a field it has not.

    No actor is asked, because nobody is shown anything: whoever calls it hands the values to a channel of notices.
    """
    declared = register_of(register, county)
    for name in fields:
        if name not in declared.fields:
            raise LookupError(f"{register}: {name}: no field of this register")
    below = Q(pk__in=())
    for area in areas:
        below |= Q(area__path__startswith=area.path)
    rows = Record.objects.filter(below, county=county, register=register).exclude(state=WITHDRAWN).order_by("pk")
    return [
        Reached(pk, area, tuple(str(data.get(name) or "") for name in fields))
        for pk, area, data in rows.values_list("pk", "area_id", "data")
    ]
