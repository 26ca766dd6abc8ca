"""What a county declares itself (本县自建), beside what packs declare: kept apart, so that a sync never merges.

A county's own registers, forms and flows are keyed `local.<stem>`. What it adds to a register of a pack is a
declaration of the kind `fields` with the register's key. Each is checked by the very check that packs obey, together
with all that the county can see. Nothing is deleted: it is withdrawn, and what hangs on it stays.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import transaction

from shizhu.kernel import packs
from shizhu.kernel.models import County, Declaration, EnabledPack, Grant, Person, Role
from shizhu.kernel.packs import Body, Declared, Kind, LoadedPack, LoadedPacks
from shizhu.kernel.text import sort_key

LOCAL = "local"  # stands for the pack in keys
EDIT = "kernel.declaration.edit"  # the right to declare for a county
STEM = re.compile(r"[a-z][a-z0-9_]{0,39}")
FIELDS = "fields"  # what a county adds to a register of a pack

_own_kinds: dict[str, Kind] = {}
_twins: dict[str, str] = {}  # kind → the one with which it shares its names


class Refused(ValueError):
    """A declaration that may not be kept; `problems` has a line each: place, value, rule."""

    def __init__(self, problems: Collection[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Stale(Exception):
    """Somebody changed the declaration after the version the writer had read, or made one of that name."""


@dataclass(frozen=True)
class Step:
    """One step of a declaration's history: `old` and `new` are its bodies, None for nothing."""

    number: int
    at: datetime
    who: str
    action: str  # created, changed, withdrawn, restored
    old: Body | None
    new: Body


def kind(name: str, *, schema: Body | None = None, check: Any = None, twin: str = "") -> None:
    """Let counties, not packs, declare a kind; call it from `AppConfig.ready`.

    What has the name of something of the kind `twin` is the same thing in another state.
    """
    if twin:
        _twins.update({name: twin, twin: name})
    _own_kinds[name] = Kind(name, schema=schema or {}, check=check)


def is_own(key: str) -> bool:
    """Whether a key is one of a county's own."""
    return key.startswith(f"{LOCAL}.")


def own(county: str, kind_name: str = "") -> list[Declaration]:
    """What the county declares itself, withdrawn ones too."""
    rows = Declaration.objects.filter(county_id=county, source="person")
    return list(rows.filter(kind=kind_name) if kind_name else rows)


def find(county: str, kind_name: str, key: str) -> Declaration | None:
    """One of the county's own declarations, withdrawn or not."""
    return Declaration.objects.filter(county_id=county, kind=kind_name, key=key).first()


def taken(county: str, wanted: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the (kind, key) that something new may not have: it is there, or something that shares its names."""
    known = set(Declaration.objects.filter(county_id=county).values_list("kind", "key"))
    return [(name, key) for name, key in wanted if not known.isdisjoint({(name, key), (_twins.get(name), key)})]


def everything(county: str, changes: Mapping[tuple[str, str], Body | None] | None = None) -> dict[str, LoadedPack]:
    """All that is declared for the county, by pack; its own with `changes` laid over it, None for withdrawn."""
    enabled = EnabledPack.objects.filter(county_id=county).select_related("pack")
    found = {
        row.pack.pk: LoadedPack(row.pack.pk, Path(), row.pack.body, _declared(row.pack.declarations.all()))
        for row in enabled
    }
    kept = {(d.kind, d.key): d.body for d in own(county) if not d.is_withdrawn}
    bodies = {**kept, **(changes or {})}
    mine = tuple(Declared(k, key, body, f"{k}/{key}") for (k, key), body in bodies.items() if body is not None)
    lent = frozenset(Role.objects.values_list("pk", flat=True))
    found[LOCAL] = LoadedPack(LOCAL, Path(), {"id": LOCAL}, mine, lent=lent)
    return found


def _declared(rows: Iterable[Declaration]) -> tuple[Declared, ...]:
    return tuple(Declared(row.kind, row.key, row.body, f"{row.kind}/{row.key}") for row in rows)


def problems(loaded: LoadedPacks) -> dict[tuple[str, str], list[str]]:
    """(kind, key) → what is wrong, for each of the county's own declarations that is not in order."""
    known = {**packs.kinds(), **_own_kinds}
    checked = {(d.kind, d.key): packs.problems_of(known[d.kind], d, loaded) for d in loaded[LOCAL].declared}
    return {place: lines for place, lines in checked.items() if lines}


def refusals(county: str, changes: Mapping[tuple[str, str], Body | None]) -> list[str]:
    """What forbids changes: faults of what changes, and faults that others of the county's own would get by it."""
    before, after = problems(everything(county)), problems(everything(county, changes))
    found = []
    for place, lines in after.items():
        if place in changes:
            found += lines if len(changes) == 1 else [f"{place[1]}: {line}" for line in lines]
        else:
            found += [f"{place[1]}: {line}" for line in lines if line not in before.get(place, [])]
    return found


@transaction.atomic
def save(county: str, kind_name: str, key: str, body: Body, *, read: str = "") -> Declaration:
    """Keep a declaration in place of the version with digest `read` ("" for a new one). Raises Stale, Refused."""
    County.objects.select_for_update(no_key=True).get(
        pk=county
    )  # one at a time: checks look at all of the county's own
    row = find(county, kind_name, key)
    if (row.digest if row else "") != read:
        raise Stale(key)
    wrong = refusals(county, {(kind_name, key): body})
    if wrong:
        raise Refused(wrong)
    row = _write(row or Declaration(county_id=county, kind=kind_name, key=key, source="person"), body)
    _forget()
    return row


def _write(row: Declaration, body: Body) -> Declaration:
    row.body, row.digest, row.is_withdrawn = body, packs.digest(body), False
    row.save()
    return row


@transaction.atomic
def take(county: str, bodies: Mapping[tuple[str, str], Body]) -> None:
    """Keep several new declarations at once, which may refer to each other. Raises Stale, Refused."""
    County.objects.select_for_update(no_key=True).get(pk=county)
    if there := taken(county, bodies):
        raise Stale(there[0][1])
    wrong = refusals(county, bodies)
    if wrong:
        raise Refused(wrong)
    for (kind_name, key), body in bodies.items():
        _write(Declaration(county_id=county, kind=kind_name, key=key, source="person"), body)
    _forget()


@transaction.atomic
def withdraw(county: str, kind_name: str, key: str) -> None:
    """Take a declaration out of use; what hangs on it stays. Raises Refused where others of the county need it."""
    County.objects.select_for_update(no_key=True).get(pk=county)
    row = Declaration.objects.get(county_id=county, kind=kind_name, key=key, source="person")
    wrong = refusals(county, {(kind_name, key): None})
    if wrong:
        raise Refused(wrong)
    row.is_withdrawn = True
    row.save()
    _forget()


def _forget() -> None:
    packs.forget()
    transaction.on_commit(packs.forget)


def granted(county: str, prefix: str) -> dict[str, set[str]]:
    """role → the last parts of the verbs below a prefix, such as `records.local.site`, that the county gives it."""
    found: dict[str, set[str]] = {}
    for grant in Grant.objects.filter(county_id=county, verb__startswith=f"{prefix}."):
        found.setdefault(grant.role_id, set()).add(grant.verb.removeprefix(f"{prefix}."))
    return found


@transaction.atomic
def grant(county: str, prefix: str, wanted: Mapping[str, Collection[str]]) -> None:
    """Give roles verbs below a prefix of the county's own, and take away all others below it."""
    if not prefix.split(".", maxsplit=1)[-1].startswith(f"{LOCAL}."):
        raise ValueError(f"{prefix}: a county gives rights on what it declares itself alone")
    there, there_wanted = granted(county, prefix), {role: set(verbs) for role, verbs in wanted.items()}
    for role in sorted(there.keys() | there_wanted.keys()):
        gone = there.get(role, set()) - there_wanted.get(role, set())
        Grant.objects.filter(county_id=county, role=role, verb__in=[f"{prefix}.{verb}" for verb in gone]).delete()
        for verb in sorted(there_wanted.get(role, set()) - there.get(role, set())):
            Grant.objects.create(county_id=county, role_id=role, verb=f"{prefix}.{verb}")


def history(row: Declaration) -> list[Step]:
    """What happened to a declaration, oldest first."""
    events = Declaration.pgh_event_model.objects.filter(pgh_obj_id=row.pk)  # type: ignore[attr-defined]  # pghistory's
    events = list(events.order_by("pgh_id").select_related("pgh_context"))
    told = {event.pk: event.pgh_context.metadata if event.pgh_context else {} for event in events}
    people = Person.objects.in_bulk({t["person"] for t in told.values() if t.get("person")})
    steps: list[Step] = []
    before: Any = None
    for event in events:
        person = people.get(told[event.pk].get("person"))
        who = person.name if person else str(told[event.pk].get("name") or "")
        action = _action(before, event)
        steps.append(
            Step(event.pk, event.pgh_created_at, who, action, before.body if before else None, event.body)
        )  # fmt: skip
        before = event
    return steps


def _action(before: Any, event: Any) -> str:
    if before is None:
        return "created"
    if before.is_withdrawn == event.is_withdrawn:
        return "changed"
    return "withdrawn" if event.is_withdrawn else "restored"


def new_stem(county: str, text: str, *kinds: str) -> str:
    """A name for something new of the first kind that none of these kinds has yet in the county."""
    taken = {row.stem for kind_name in kinds for row in own(county, kind_name)}
    return free_stem(text, taken, kinds[0].removesuffix("s"))


def free_stem(text: str, taken: Collection[str], otherwise: str) -> str:
    """A name for a key or a field made of the pinyin of a title; one that nobody has yet."""
    bare = re.sub(r"[^a-z0-9]+", "_", sort_key(text)).strip("_")[:30]
    bare = bare if STEM.fullmatch(bare) else otherwise
    numbers = (f"{bare}{number or ''}" for number in [0, *range(2, 1000)])
    return next(name for name in numbers if name not in taken)
