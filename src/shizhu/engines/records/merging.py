"""Two rows made one (合并): one survives with the values that were chosen, the other goes and points at it.

What referred to the one that goes refers to the survivor afterwards, also in rows that whoever merges may not see: that
is done by us, after both rows were asked for, and a refusal names none of them. Undoing brings the row back and undoes
what nobody changed since.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from shizhu.engines.records import duplicates, many, queries, store
from shizhu.engines.records.catalogue import register_of, registers
from shizhu.engines.records.contracts import Entry, NoRecord, Refused, StaleRecord
from shizhu.engines.records.logic import values
from shizhu.engines.records.logic.columns import expression
from shizhu.engines.records.logic.register import Field, Kind, Leaf, Register, file_ids
from shizhu.engines.records.logic.values import Data, Problem, problem
from shizhu.engines.records.models import WITHDRAWN, Merge, Record
from shizhu.engines.records.spatial import true
from shizhu.engines.records.store import Wanted
from shizhu.kernel import access, events, jobs
from shizhu.kernel.access import Actor

OTHER, BOTH = "other", "both"  # what may be chosen of a field beside what the survivor has
AT_ONCE = 1000  # rows that refer to one; more are moved by a worker
CHUNK = 500
OWN = ("_organisation", "_area", "_geometry")


def merge(who: Actor, survivor: int, away: int, versions: tuple[int, int], chosen: Mapping[str, str]) -> Entry:
    """Take `away` into `survivor`; returns the survivor. Needs the verb `edit` on both, in the versions that were read.

    `chosen` says of which fields (or OWN) the survivor gets the value of the other (`other`), or both lists of files
    (`both`); it keeps the rest, its key and its state. A private value is taken only by who may unmask both.
    Raises NoRecord, PermissionDenied, StaleRecord, Refused. Nothing is kept then.
    """
    with transaction.atomic():
        made, entry = _merge(who, (survivor, away), versions, chosen)
    if made.is_moving:
        _move_later(made.pk)
    return entry


def _merge(
    who: Actor, numbers: tuple[int, int], versions: tuple[int, int], chosen: Mapping[str, str]
) -> tuple[Merge, Entry]:
    rows = _held(who, numbers)
    kept, gone = rows
    declared = register_of(kept.register, kept.county_id)
    for row, version in zip(rows, versions, strict=True):
        if row.version != version:
            raise StaleRecord(row.pk, version, row.version)
    faults = [problem(name, "", "right", TAKE) for name in _hidden(who, declared, rows, chosen)]
    faults += [problem("_state", row.title, "withdrawn") for row in rows if row.state == WITHDRAWN]
    if faults:
        raise Refused(tuple(faults))
    before, state = kept.version, gone.state
    gone.state = WITHDRAWN
    gone.version += 1
    store.save(who, gone, declared)
    _take(who, declared, kept, gone, chosen)
    made = Merge.objects.create(
        county_id=kept.county_id, register=kept.register, survivor=kept, away=gone, person_id=who.person_id,
        before=before, after=kept.version, state=state,
    )  # fmt: skip
    referring = list(islice(_referring(kept.county_id, declared.key, gone.key), AT_ONCE + 1))
    made.is_moving = len(referring) > AT_ONCE
    if not made.is_moving:
        _move(who, made)
    made.save()
    kept.refresh_from_db()
    return made, queries.entry(kept, declared)


TAKE = {"zh": "取用另一条中隐去的内容", "en": "take over: what is masked in the other record"}


def _held(who: Actor, numbers: tuple[int, int]) -> list[Record]:
    """Both rows, held until the transaction ends, in the order that was asked for. The actor may change both."""
    found = Record.objects.select_for_update(of=("self",)).select_related("organisation", "area").order_by("pk")
    rows = {row.pk: row for row in found.filter(pk__in=numbers)}
    lacking = NoRecord(f"records: {numbers[0]}, {numbers[1]}: there are no two that {who.name or 'nobody'} may see")
    if len(rows) != 2 or len({(row.county_id, row.register) for row in rows.values()}) != 1:
        raise lacking
    declared = register_of(rows[numbers[0]].register, rows[numbers[0]].county_id)
    verb = declared.verb("view")
    if not all(
        access.may(who, verb, county=r.county_id, organisation=r.organisation, area=r.area) for r in rows.values()
    ):
        raise lacking
    for row in rows.values():
        access.require(who, declared.verb("edit"), row)
    return [rows[number] for number in numbers]


def _hidden(who: Actor, register: Register, rows: Sequence[Record], chosen: Mapping[str, str]) -> Iterator[str]:
    """Fields with something private in them that were chosen by who may not see it whole in both rows."""
    private = {name for name, item in register.fields.items() if has_private(item)} & chosen.keys()
    if private and not all(duplicates.may_unmask(who, register, row) for row in rows):
        yield from sorted(private)


def has_private(item: Field) -> bool:
    """Whether it is private, or something in it is."""
    return bool(item.privacy) or any(has_private(part) for part in item.fields)


def choosable(register: Register) -> list[Field]:
    """Fields of which a value may be chosen: not the key, nothing computed."""
    return [item for item in register.fields.values() if item.name != register.key_field and not item.computed]


def _take(who: Actor, register: Register, kept: Record, gone: Record, chosen: Mapping[str, str]) -> None:
    """Give the survivor what was chosen of the other."""
    changes: Data = {}
    for item in choosable(register):
        said = chosen.get(item.name)
        if said == BOTH and item.kind == Kind.FILES:
            both = [*file_ids(kept.data.get(item.name)), *file_ids(gone.data.get(item.name))]
            changes[item.name] = list(dict.fromkeys(both))
        elif said == OTHER:
            changes[item.name] = gone.data.get(item.name)
    left = {name: value for name, value in kept.data.items() if name not in changes}
    data = store.computed(register, values.merged(register, left, changes))
    for item in register.references:  # what it said of the other would be of itself now
        if item.reference == register.key and data.get(item.name) in {kept.key, gone.key} and not item.is_required:
            del data[item.name]
    wanted = Wanted(
        data,
        gone.organisation if chosen.get("_organisation") == OTHER else kept.organisation,
        gone.area if chosen.get("_area") == OTHER else kept.area,
        gone.geometry if chosen.get("_geometry") == OTHER else kept.geometry,
        kept.state,
    )
    store.allow(who, register.verb("edit"), kept.county_id, wanted)
    named = {_named(leaf) for row in (kept, gone) for leaf in register.leaves(row.data) if leaf.item.reference}
    store.demand(who, register, kept, wanted, {}, lambda leaf: True if _named(leaf) in named else None, gone.data)
    if wanted != Wanted(kept.data, kept.organisation, kept.area, kept.geometry, kept.state):
        store.fill(kept, register, wanted)
        kept.version += 1
        store.save(who, kept, register)


def _named(leaf: Leaf) -> tuple[str, str]:
    return leaf.item.reference, str(leaf.value)


def _paths(register: Register, target: str) -> list[tuple[str, Field]]:
    return [(path, item) for path, item in register.everything if item.reference == target]


def _referring(county: str, target: str, key: str) -> Iterator[tuple[Register, int]]:
    """(register, number) of the rows of the county that refer to a record, at any depth; withdrawn ones too."""
    for other in registers(county).values():
        asked = Q()
        for path, item in _paths(other, target):
            if "." in path:
                steps = "".join(f'."{name}"' for name in path.split("."))
                sql = f"jsonb_path_exists(data, '${steps} ? (@ == $key)', %s::jsonb)"
                asked |= Q(true(sql, (json.dumps({"key": key}),)))
            else:
                asked |= Q(true(f"{expression(item)} = %s", (key,)))
        if asked:
            rows = Record.objects.filter(asked, county_id=county, register=other.key).order_by("pk")
            yield from ((other, pk) for pk in rows.values_list("pk", flat=True))


def _move(who: Actor, made: Merge) -> None:
    """Let what refers to the one that went refer to the survivor; keeps in the merge what was moved."""
    gone, kept = made.away.key, made.survivor.key
    found: dict[str, tuple[Register, list[int]]] = {}
    for other, pk in _referring(made.county_id, made.register, gone):
        found.setdefault(other.key, (other, []))[1].append(pk)
    for other, numbers in found.values():
        paths = [path for path, _item in _paths(other, made.register)]
        for start in range(0, len(numbers), CHUNK):
            moved = _rewrite(who, other, numbers[start : start + CHUNK], dict.fromkeys(paths), gone, kept)
            made.moved += [[pk, where] for pk, where in moved.items()]


def _rewrite(
    who: Actor, register: Register, numbers: Sequence[int], paths: Mapping[str, Any], old: str, new: str
) -> dict[int, list[str]]:
    """Replace a key by another where rows refer to it; returns number → where. Raises Refused where it must not be."""
    rows = list(
        Record.objects.select_for_update(of=("self",)).select_related("area").filter(pk__in=numbers).order_by("pk")
    )
    moved: dict[int, list[str]] = {}
    changed = []
    for row in rows:
        where: list[str] = []
        data = _replaced(row.data, "", paths, old, new, where)
        if where:
            row.data = data
            store.name(row, register)
            row.version += 1
            row.updated = timezone.now()
            moved[row.pk] = where
            changed.append(row)
    try:
        with transaction.atomic():
            many.update_rows(changed)
    except IntegrityError:
        raise Refused((_refused(who, register),)) from None
    duplicates.written(register, changed)
    if changed:
        events.emit_many(store.CHANGED, changed[0].county_id, [(row.pk, store.told(row)) for row in changed])
    return moved


def _refused(who: Actor, register: Register) -> Problem:
    """That rows which refer to both would be alike; who sees nothing of their register is told nothing of it."""
    limit = register.title if who.has(register.verb("view")) else {"zh": "其他登记簿", "en": "another register"}
    return problem("", "", "merged.unique", limit)


def _replaced(value: Any, path: str, paths: Mapping[str, Any], old: str, new: str, where: list[str]) -> Any:
    if isinstance(value, Mapping):
        return {
            name: _replaced(part, f"{path}.{name}" if path else name, paths, old, new, where)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_replaced(part, path, paths, old, new, where) for part in value]
    if value == old and path in paths:
        where.append(path)
        return new
    return value


def _later(number: int) -> None:
    """A worker moves what is left; it begins again where it died, because what was moved refers to it no more."""
    with transaction.atomic():
        made = Merge.objects.select_for_update(of=("self",)).select_related("away", "survivor").get(pk=number)
        if made.is_moving and made.undone is None:
            _move(access.ANYBODY, made)
            made.is_moving = False
            made.save(update_fields=["moved", "is_moving"])


_move_later = jobs.later("records.merge", _later)


def active(record_id: int) -> Merge | None:
    """By what merge a record went; None if it did not, or came back."""
    return Merge.objects.filter(away=record_id, undone=None).select_related("survivor", "person").first()


def survivor_of(county: str, register: str, key: str) -> str | None:
    """The key of the record that a record was merged into in the end; None if it was not merged away."""
    found, seen = None, {key}
    while step := _into(county, register, key):
        if step in seen:
            break
        seen.add(step)
        found = key = step
    return found


def _into(county: str, register: str, key: str) -> str | None:
    rows = Merge.objects.filter(county=county, register=register, away__key=key, undone=None).order_by("-pk")
    return rows.values_list("survivor__key", flat=True).first()


def keys_of(county: str, register: str, key: str) -> tuple[str, ...]:
    """Its own key, and those of all records that were merged into it, the first merged first."""
    found = [key]
    for one in found:
        rows = Merge.objects.filter(county=county, register=register, survivor__key=one, undone=None).order_by("pk")
        found += [other for other in rows.values_list("away__key", flat=True) if other not in found]
    return tuple(found)


def merged_into(record_id: int) -> list[Merge]:
    """Merges that took others into a record, newest first."""
    rows = Merge.objects.filter(survivor=record_id, undone=None).select_related("away", "person")
    return list(rows.order_by("-pk"))


@dataclass(frozen=True)
class Undone:
    """What came of undoing a merge: whether the survivor is as before, how many references came back, how many not."""

    is_as_before: bool
    returned: int
    left: int


@transaction.atomic
def undo(who: Actor, number: int) -> Undone:
    """Bring back the record that went. Needs the verb `edit` on both. Raises NoRecord, PermissionDenied, Refused.

    The survivor is as it was before if nobody changed it since; references come back where they still name it.
    """
    made = Merge.objects.select_for_update(of=("self",)).filter(pk=number, undone=None).first()
    if made is None:
        raise NoRecord(f"merge: {number}: there is none to undo")
    kept, gone = _held(who, (made.survivor_id, made.away_id))
    declared = register_of(kept.register, kept.county_id)
    if kept.state == WITHDRAWN or made.is_moving:
        raise Refused((problem("_state", kept.title, "merged.later" if kept.state == WITHDRAWN else "merged.moving"),))
    is_as_before = kept.version == made.after
    if is_as_before and made.before != made.after:
        _return(who, declared, kept, made.before)
    gone.state = made.state if made.state in declared.states else next(iter(declared.states))
    gone.version += 1
    store.save(who, gone, declared)
    returned = _give_back(who, made, kept.key, gone.key)
    made.undone = timezone.now()
    made.save(update_fields=["undone"])
    return Undone(is_as_before, returned, len(made.moved) - returned)


def _return(who: Actor, register: Register, row: Record, version: int) -> None:
    """Make the version before the merge the newest."""
    old = Record.pgh_event_model.objects.filter(pgh_obj_id=row.pk, version=version)  # type: ignore[attr-defined]  # pghistory's
    was = old.select_related("organisation", "area").order_by("pgh_id").last()
    data = store.computed(register, values.canonical(register, was.data))
    wanted = Wanted(data, was.organisation, was.area, was.geometry, row.state)
    store.allow(who, register.verb("edit"), row.county_id, wanted)
    store.demand(who, register, row, wanted, {}, lambda _leaf: True)
    store.fill(row, register, wanted)
    row.version += 1
    store.save(who, row, register)


def _give_back(who: Actor, made: Merge, kept: str, gone: str) -> int:
    """References that were moved and still name the survivor, back to the other; returns of how many rows."""
    where = {int(pk): paths for pk, paths in made.moved}
    by_register: dict[str, list[int]] = {}
    for pk, key in Record.objects.filter(pk__in=where).values_list("pk", "register"):
        by_register.setdefault(key, []).append(pk)
    returned = 0
    for key, numbers in by_register.items():
        other = register_of(key, made.county_id)
        for pk in numbers:
            returned += len(_rewrite(who, other, [pk], dict.fromkeys(where[pk]), kept, gone))
    return returned
