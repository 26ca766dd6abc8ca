"""How rows are reached by machines: values of private fields for a program that calls or writes, never for a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.kernel.models import Area


@dataclass(frozen=True)
class Reached:
    """A row in use: its number and area, and the texts of the fields that were asked for, empty where it has none."""

    record: int
    area: int
    values: tuple[str, ...]


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
