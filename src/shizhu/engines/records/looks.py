"""Looking at private fields whole: with a right, for a purpose, kept for those who review it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q, QuerySet

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.contracts import Entry, NoRecord, Refused
from shizhu.engines.records.logic.privacy import PURPOSES, field_of, shown
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.models import Look, Record
from shizhu.engines.records.queries import entry
from shizhu.engines.records.spatial import true
from shizhu.kernel import access
from shizhu.kernel.access import Actor

TABLE = "records_look"
SHORTEST = 4  # characters of a reason


@transaction.atomic
def unmask(who: Actor, record_id: int, fields: Collection[str], purpose: str, reason: str) -> Entry:
    """The record with these private fields whole (`rows.field` in rows), after the look has been kept.

    `purpose` is one of PURPOSES, `reason` says more. Raises NoRecord, Refused (nothing was shown or kept then),
    PermissionDenied without the verbs `view` and `unmask` on the record, and always for whoever is nobody by name.
    """
    row = Record.objects.select_related("organisation", "area").filter(pk=record_id).first()
    if row is None:
        raise NoRecord(f"record: {record_id}: there is none")
    declared = register_of(row.register, row.county_id)
    access.require(who, declared.verb("view"), row)
    access.require(who, declared.verb("unmask"), row)
    if who.person_id is None:
        raise PermissionDenied("nobody would answer for what they saw")
    wrong = list(_wrong(declared, row, fields, purpose, reason))
    if wrong:
        raise Refused(tuple(wrong))
    Look.objects.create(
        county_id=row.county_id, register=row.register, record=row, organisation=row.organisation, area=row.area,
        person_id=who.person_id, fields=sorted(fields), purpose=purpose, reason=reason.strip(),
    )  # fmt: skip
    return entry(row, declared, fields)


def _wrong(register: Register, row: Record, fields: Collection[str], purpose: str, reason: str) -> Iterable[Problem]:
    if purpose not in PURPOSES:
        yield problem("purpose", purpose, "required")
    if len(reason.strip()) < SHORTEST:
        yield problem("reason", reason, "minLength", SHORTEST)
    if len(reason) > 200:
        yield problem("reason", reason, "maxLength", 200)
    masked = {field_of(path) for path in shown(register, row.data)[1]}
    if not fields:
        yield problem("fields", "", "required")
    for name in fields:
        if name not in masked:
            yield problem("fields", name, "masked")


def looks(who: Actor, county: str, among: Iterable[Register]) -> QuerySet[Look]:
    """The looks at records that the actor may review (verb `review`), newest first."""
    wanted = Q(pk__in=[])
    groups: dict[access.Predicate, list[str]] = {}
    for register in among:
        predicate = access.visible(who, register.verb("review"), f'"{TABLE}"')
        groups.setdefault(predicate, []).append(register.key)
    for predicate, keys in groups.items():
        if predicate != access.NOTHING:
            wanted |= Q(true(predicate.sql, predicate.params), register__in=keys)
    found: QuerySet[Any] = Look.objects.filter(wanted, county_id=county).order_by("-at", "-pk")
    return found.select_related("record", "person", "organisation", "area")
