"""Rows follow their register: when a declaration changes they are brought to it, or listed with what forbids it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import islice
from typing import Any

import pghistory
from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone

from shizhu.engines.records import duplicates
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.columns import expression
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.revision import revised
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.models import WITHDRAWN, Misfit, Record, Revision
from shizhu.engines.records.store import broken, name, tell
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County
from shizhu.kernel.packs import digest
from shizhu.lib.feel import FeelError

logger = logging.getLogger(__name__)
CHUNK = 500
TWINS = """
SELECT unnest(array_agg(id)) FROM records_record
WHERE county_id = %s AND register = %s AND state <> %s AND {there} GROUP BY {same} HAVING count(*) > 1
"""


def pending(county: str) -> list[Register]:
    """Registers whose declaration is not the one that the county's rows were last brought to."""
    done = dict(Revision.objects.filter(county=county).values_list("register", "digest"))
    return [register for register in registers(county).values() if done.get(register.key) != _digest(register)]


def with_rows(county: str, among: Iterable[Register]) -> list[Register]:
    """Registers that hold rows to bring to their declaration; the others are done."""
    found = []
    for register in among:
        if Record.objects.filter(county_id=county, register=register.key).exists():
            found.append(register)
        else:
            _done(county, register)
    return found


def _done(county: str, register: Register) -> None:
    Revision.objects.update_or_create(county_id=county, register=register.key, defaults={"digest": _digest(register)})


def _digest(register: Register) -> str:
    rules = {word: register.hints.get(word) for word in ("key", "title", "states", "unique")}
    return digest([register.schema, rules])


def revise(county: str) -> dict[str, tuple[int, int]]:
    """Bring the rows of every register that changed to its declaration: register → (rows changed, rows that forbid it).

    A row that would break a rule stays as it was, readable, and is a misfit until somebody changes it.
    """
    found = {register.key: _revise(county, register) for register in pending(county)}
    for key, (changed, forbidding) in found.items():
        if changed or forbidding:
            logger.info("records: %s: %d rows brought to what is declared, %d forbid it", key, changed, forbidding)
    return found


def revise_all() -> None:
    """Every county; done every night for what nobody asked for."""
    for county in County.objects.values_list("pk", flat=True):
        revise(county)


def revise_fresh(county: str) -> None:
    """Rows of the last minute: a process that did not know a declaration yet may have written them."""
    fresh = Record.objects.filter(county_id=county, updated__gte=timezone.now() - timedelta(minutes=1))
    keys = set(fresh.order_by().values_list("register", flat=True).distinct())
    for register in registers(county).values():
        if register.key in keys:
            _revise(county, register, fresh)


def _revise(county: str, register: Register, among: QuerySet[Record] | None = None) -> tuple[int, int]:
    rows = (Record.objects.filter(county_id=county) if among is None else among).filter(register=register.key)
    rows = rows.order_by("pk")
    twins = {pk: found for group in register.unique for pk, found in _twins(county, register, group)}
    changed = forbidding = 0
    numbers = rows.values_list("pk", flat=True).iterator(chunk_size=CHUNK)
    while chunk := list(islice(numbers, CHUNK)):
        fresh: list[Record] = []
        with transaction.atomic(), pghistory.context(name="declaration"):
            for row in rows.filter(pk__in=chunk).select_related("area").select_for_update(of=("self",)):
                is_changed, problems = _bring(register, row)
                problems += [twins[row.pk]] if row.pk in twins else []
                changed += is_changed
                fresh += [row] if is_changed else []
                forbidding += bool(problems)
                _keep(row, problems)
            duplicates.written(register, fresh)
    _done(county, register)
    return changed, forbidding


def _bring(register: Register, row: Record) -> tuple[bool, list[Problem]]:
    """Change a row if it may be as the declaration wants it; otherwise say what forbids that."""
    try:
        wanted = revised(register, row.data)
    except FeelError as error:
        return False, [problem("", error.rule, "x-shizhu-computed")]
    problems = list(values.problems(register, wanted))
    if row.state != WITHDRAWN and row.state not in register.states:
        problems.append(problem("_state", row.state, "state"))
    if problems or wanted == row.data:
        return False, problems
    before = dict(row.data)
    row.data = wanted
    name(row, register)
    row.version += 1
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:  # what follows from the declaration is alike in two rows
        row.version -= 1
        group = broken(error, row, register)
        fresh = [field for field in group if before.get(field) != wanted.get(field)]
        return False, [_alike(register, group, (fresh or group)[0]) if group else problem("", "", "unique")]
    tell(row)
    return True, problems


def _keep(row: Record, problems: list[Problem]) -> None:
    if problems:
        told = [{"path": found.path, "rule": found.rule, "message": dict(found.message)} for found in problems]
        Misfit.objects.update_or_create(pk=row.pk, defaults={"version": row.version, "problems": told})
    else:
        Misfit.objects.filter(pk=row.pk).delete()


def _twins(county: str, register: Register, group: tuple[str, ...]) -> Iterator[tuple[int, Problem]]:
    """Rows in use that have alike what must be unique."""
    parts = [expression(register.fields[name]) for name in group]
    sql = TWINS.format(there=" AND ".join(f"{part} IS NOT NULL" for part in parts), same=", ".join(parts))
    with connection.cursor() as cursor:
        cursor.execute(sql, [county, register.key, WITHDRAWN])
        for (pk,) in cursor.fetchall():
            yield pk, _alike(register, group, group[0])


def _alike(register: Register, group: tuple[str, ...], path: str) -> Problem:
    names = [register.fields[name].title for name in group]
    limit = {language: "、".join(name[language] for name in names) for language in ("zh", "en")}
    return problem(path, "", "x-shizhu.unique", limit)


def _standing(county: str) -> QuerySet[Any]:
    found: QuerySet[Any] = Misfit.objects.filter(record__county=county, record__version=F("version"))
    return found


def misfits(who: Actor, county: str, register: Register) -> QuerySet[Record]:
    """Rows that the actor may see and that forbid what is declared now, each with its `misfit`."""
    numbers = _standing(county).filter(record__register=register.key).values("pk")
    rows = access.rows(Record.objects.filter(pk__in=numbers), who, register.verb("view"))
    return rows.select_related("misfit", "area").order_by("sort_key", "pk")


def misfit_counts(who: Actor, county: str, among: Iterable[Register]) -> Mapping[str, int]:
    """register → how many rows that the actor may see forbid what is declared; registers with none are left out."""
    total = dict(_standing(county).values_list("record__register").annotate(n=Count("pk")).order_by())
    return {r.key: n for r in among if r.key in total and (n := misfits(who, county, r).count())}


def problems_of(record_id: int) -> tuple[Problem, ...]:
    """What forbids a row, as it was found when its register changed; nothing if it was changed since."""
    found = Misfit.objects.filter(pk=record_id, record__version=F("version")).first()
    return tuple(Problem(p["path"], "", p["rule"], p["message"]) for p in (found.problems if found else ()))
