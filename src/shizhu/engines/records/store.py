"""Writing records: valid by the register's schema, allowed by the actor's posts, never over a version not read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import Any, Final

import pghistory
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Max, Q
from django.utils import timezone
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records import attachments, duplicates, references, searching
from shizhu.engines.records.catalogue import register_of, registers
from shizhu.engines.records.contracts import Entry, NoRecord, Refused, StaleRecord
from shizhu.engines.records.indexes import unique_index
from shizhu.engines.records.logic import computing, privacy, values
from shizhu.engines.records.logic.register import Leaf, Register, names
from shizhu.engines.records.logic.values import Data, Problem, problem
from shizhu.engines.records.models import WITHDRAWN, Merge, Record
from shizhu.engines.records.queries import entry
from shizhu.kernel import access, events
from shizhu.kernel.access import Actor
from shizhu.kernel.fields import box_of
from shizhu.kernel.models import Area, Organisation, Post
from shizhu.kernel.packs import Body, json_ready
from shizhu.kernel.text import sort_key
from shizhu.lib.feel import FeelError

CHANGED = "records.record.changed"


class Keep:
    """The value that stands for no change, where None means nothing."""


KEEP: Final = Keep()
COUNTED = re.compile(r"\^([A-Z]{1,8})\[0-9\]\{([1-9]|1[0-2])\}\$")  # the pattern of keys that are counted
Known = Callable[[Leaf], bool | None]  # whether what a reference names is there; None where it must be asked


@dataclass(frozen=True)
class Wanted:
    """A row as it shall be; checked before anything is written."""

    data: Data
    organisation: Organisation | None
    area: Area | None
    geometry: BaseGeometry | None
    state: str


@transaction.atomic
def create(
    who: Actor, county: str, register: str, data: Body, *, organisation: str, area: str,
    geometry: BaseGeometry | None = None, state: str = "", source: str = "person", is_simulated: bool = False,
) -> Entry:  # fmt: skip
    """Register a new record for an organisation and an area, both named by code.

    Raises UnknownRegister, Refused (what is wrong with the values), PermissionDenied. Nothing is kept then.
    """
    declared = register_of(register, county)
    access.require_verb(who, declared.verb("create"))
    wanted = Wanted(
        computed(declared, values.canonical(declared, data)),
        _organisation(county, organisation), _area(county, area), geometry,
        state or next(iter(declared.states)),
    )  # fmt: skip
    row = Record(county_id=county, register=register, source=source, is_simulated=is_simulated)
    row.key = str(wanted.data.get(declared.key_field, ""))
    allow(who, declared.verb("create"), county, wanted)
    demand(who, declared, row, wanted, {"_organisation": organisation, "_area": area})
    fill(row, declared, wanted)
    save(who, row, declared)
    return entry(row, declared)


@transaction.atomic
def update(
    who: Actor, record_id: int, changes: Body, version: int, *, organisation: str = "", area: str = "",
    geometry: BaseGeometry | Keep | None = KEEP, state: str = "",
) -> Entry:  # fmt: skip
    """Change the named fields of the version that was read: None takes a value away, a group changes part by part.

    Nothing new is no new version.
    Raises NoRecord, StaleRecord, Refused, PermissionDenied. Nothing is kept then.
    """
    row, declared = _locked(who, record_id, "edit", version)
    wanted = Wanted(
        computed(declared, values.merged(declared, row.data, changes)),
        _organisation(row.county_id, organisation) if organisation else row.organisation,
        _area(row.county_id, area) if area else row.area,
        row.geometry if isinstance(geometry, Keep) else geometry,
        state or row.state,
    )
    allow(who, declared.verb("edit"), row.county_id, wanted)
    demand(who, declared, row, wanted, {"_organisation": organisation, "_area": area})
    if wanted != Wanted(row.data, row.organisation, row.area, row.geometry, row.state):
        fill(row, declared, wanted)
        row.version += 1
        save(who, row, declared)
    return entry(row, declared)


@transaction.atomic
def withdraw(who: Actor, record_id: int, version: int) -> Entry:
    """Take a record out of use; it stays with its history. Needs the verb `delete`. Raises as `update`."""
    row, declared = _locked(who, record_id, "delete", version)
    return _moved(who, row, declared, WITHDRAWN)


@transaction.atomic
def restore(who: Actor, record_id: int, version: int) -> Entry:
    """Put a withdrawn record into use again, in the register's first state. Needs `delete`. Raises as `update`."""
    row, declared = _locked(who, record_id, "delete", version)
    if Merge.objects.filter(away=row, undone=None).exists():
        raise Refused((problem("_state", row.title, "merged"),))
    return _moved(who, row, declared, next(iter(declared.states)))


def computed(declared: Register, data: Data) -> Data:
    """Data with what is computed of it. Raises Refused where FEEL cannot."""
    (found,) = computed_each(declared, [data])
    if isinstance(found, Problem):
        raise Refused((found,))
    return found


def computed_each(declared: Register, rows: Sequence[Data]) -> list[Data | Problem]:
    """The same of many rows, much faster than one by one."""
    name = next((item.name for item in declared.fields.values() if item.computed), "")
    return [
        problem(name, found.rule, "x-shizhu-computed") if isinstance(found, FeelError) else found
        for found in computing.filled_each(declared, rows)
    ]


@transaction.atomic
def move(who: Actor, record_id: int, state: str, version: int) -> Entry:
    """Take a declared step into another state. Needs the verb of the step alone. Raises as `update`."""
    row, declared = _locked(who, record_id, "view", version)
    found = _step(who, row, declared, state)
    if found:
        raise Refused((found,))
    row.state = state
    row.version += 1
    save(who, row, declared)
    return entry(row, declared)


def _step(who: Actor, row: Record, declared: Register, state: str) -> Problem | None:
    """What forbids a row to go into a state; a step without a right to it raises PermissionDenied."""
    step = next((s for s in declared.transitions if (s.start, s.end) == (row.state, state)), None)
    if step is None and row.state not in declared.states and state == next(iter(declared.states)):
        access.require(who, declared.verb("edit"), row)  # out of a state that is no more
        return None
    if step is None:
        following = [names(declared.states[s.end]) for s in declared.transitions if s.start == row.state]
        limit = {language: "、".join(name[language] for name in following) or "—" for language in ("zh", "en")}
        return problem("_state", state, "x-shizhu.transitions", limit)
    access.require(who, declared.verb(step.verb), row)
    return None


@transaction.atomic
def revert(who: Actor, record_id: int, to: int, version: int) -> Entry:
    """Make an old version of a record the newest, if today's schema allows it; its state stays. Needs the verb `edit`.

    Private values come back too, without being shown. Raises as `update`; NoRecord if there never was that version.
    """
    row, declared = _locked(who, record_id, "edit", version)
    events = Record.pgh_event_model.objects.filter(pgh_obj_id=record_id, version=to)  # type: ignore[attr-defined]  # pghistory's
    old = events.select_related("organisation", "area").order_by("pgh_id").last()
    if old is None:
        raise NoRecord(f"record: {record_id}: it never had version {to}")
    data = computed(declared, values.canonical(declared, old.data))
    wanted = Wanted(data, old.organisation, old.area, old.geometry, row.state)
    allow(who, declared.verb("edit"), row.county_id, wanted)
    demand(who, declared, row, wanted, {})
    if wanted != Wanted(row.data, row.organisation, row.area, row.geometry, row.state):
        fill(row, declared, wanted)
        row.version += 1
        save(who, row, declared)
    return entry(row, declared)


def _moved(who: Actor, row: Record, declared: Register, state: str) -> Entry:
    if (row.state == WITHDRAWN) != (state == WITHDRAWN):
        row.state = state
        row.version += 1
        save(who, row, declared)
    return entry(row, declared)


def save(who: Actor, row: Record, declared: Register) -> None:
    """Write the row and tell of it. Raises Refused where another one in use has what must be unique."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        group = broken(error, row, declared)
        found = taken(who, row, declared, group, row.data) if group else problem(declared.key_field, row.key, "unique")
        raise Refused((found,)) from None
    duplicates.written(declared, [row])
    tell(row)


def broken(error: IntegrityError, row: Record, declared: Register) -> tuple[str, ...]:
    """The fields that must be unique together and are not; none where it is another rule."""
    constraint = getattr(getattr(error.__cause__, "diag", None), "constraint_name", "")
    return next((g for g in declared.unique if unique_index(declared, g, row.county_id)[0] == constraint), ())


def taken(who: Actor, row: Record, declared: Register, group: tuple[str, ...], data: Body) -> Problem:
    """Which other record has these values; only who may see it is told."""
    rows = Record.objects.filter(county_id=row.county_id, register=row.register).exclude(state=WITHDRAWN)
    same = Q(**{f"data__{name}": data[name] for name in group})
    found = access.rows(rows.filter(same).exclude(pk=row.pk), who, declared.verb("view"))
    if any(declared.fields[name].privacy for name in group):  # who it is would say what is masked
        found = access.rows(found, who, declared.verb("unmask"))
    other = found.first()
    who_has = {"zh": f"（{other.key} {other.title}）", "en": f" ({other.key} {other.title})"} if other else {}
    limit = {
        language: "、".join(names(declared.fields[name].title)[language] for name in group) + who_has.get(language, "")
        for language in ("zh", "en")
    }
    return problem(group[0], told_together(declared, row, group, data), "x-shizhu.unique", limit)


def told_together(declared: Register, row: Record, group: tuple[str, ...], data: Body) -> str:
    """Values that are unique together, as a refusal says them."""
    return "、".join(_told(declared, row, name, str(data[name])) for name in group)


def tell(row: Record) -> None:
    """The event carries no values of the record: whoever wants them asks as somebody who may see them."""
    events.emit(CHANGED, row.pk, row.county_id, told(row))


def told(row: Record) -> dict[str, Any]:
    """What the event of a written record says."""
    return {"record": row.pk, "register": row.register, "key": row.key, "state": row.state, "version": row.version}


def _locked(who: Actor, record_id: int, action: str, version: int) -> tuple[Record, Register]:
    """The row, held until the transaction ends, if the actor may do this to it and read its current version."""
    row = Record.objects.select_for_update(of=("self",)).select_related("organisation", "area").filter(pk=record_id)
    found = row.first()
    if found is None:
        raise NoRecord(f"record: {record_id}: there is none")
    declared = register_of(found.register, found.county_id)
    access.require(who, declared.verb(action), found)
    if found.version != version:
        raise StaleRecord(record_id, version, found.version)
    return found, declared


def _organisation(county: str, code: str) -> Organisation | None:
    return Organisation.objects.filter(county_id=county, code=code).first()


def _area(county: str, code: str) -> Area | None:
    return Area.objects.filter(county_id=county, code=code).first()


def places(who: Actor, declared: Register) -> list[tuple[str, str]]:
    """Codes of organisation and area of each post that may create rows."""
    granting = who.granting(declared.verb("create"))
    return [(_last(scope.organisation_path), _last(scope.area_path)) for scope in granting]


def first_place(who: Actor, county: str, declared: Register) -> tuple[str, str]:
    """Where a new row is unless somebody says it: where the first post is that may create it."""
    return next(iter(places(who, declared)), (county, county))


def next_key(declared: Register, county: str) -> str:
    """The key behind the last one, where keys are letters and so many digits; "" where they are not, or none left."""
    told = COUNTED.fullmatch(declared.fields[declared.key_field].rules.get("pattern", ""))
    if told is None:
        return ""
    prefix, digits = told[1], int(told[2])
    rows = Record.objects.filter(county=county, register=declared.key, key__regex=told[0])
    last = rows.aggregate(last=Max("key"))["last"] or prefix
    number = int(last.removeprefix(prefix) or 0) + 1
    return f"{prefix}{number:0{digits}}" if number < 10**digits else ""


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def allow(who: Actor, verb: str, county: str, wanted: Wanted) -> None:
    """Raise PermissionDenied unless the actor has the verb where the row shall be; a place that is none comes later."""
    organisation, area = wanted.organisation, wanted.area
    if organisation and area and not access.may(who, verb, county=county, organisation=organisation, area=area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {verb} in {organisation}, {area}")


def demand(
    who: Actor, declared: Register, row: Record, wanted: Wanted, asked: Mapping[str, str], known: Known | None = None,
    beside: Body | None = None,
) -> None:  # fmt: skip
    """Raise Refused with all that is wrong with the wanted row; `known` says whether references name anything.

    `beside` is the data of another row whose attachments it may name.
    """
    found = list(values.problems(declared, wanted.data))
    found += [
        problem(name, asked[name], "place")
        for name, place in (("_organisation", wanted.organisation), ("_area", wanted.area))
        if place is None
    ]
    if row.pk and wanted.data.get(declared.key_field) != row.key:
        found.append(problem(declared.key_field, wanted.data.get(declared.key_field, ""), "constant"))
    if row.state == WITHDRAWN:
        found.append(problem("_state", row.state, "withdrawn"))
    elif wanted.state not in declared.states and wanted.state != row.state:
        found.append(problem("_state", wanted.state, "state"))
    elif row.pk and wanted.state != row.state and declared.transitions:
        forbidden = _step(who, row, declared, wanted.state)
        found += [forbidden] if forbidden else []
    elif not row.pk and declared.transitions and wanted.state != next(iter(declared.states)) and not who.is_unbounded:
        found.append(
            problem("_state", wanted.state, "x-shizhu.transitions", declared.states[next(iter(declared.states))])
        )
    found += _geometry(declared, wanted.geometry)
    found += _unknown(who, declared, row, wanted.data, known) if not found else []
    found += attachments.problems(who, declared, row, wanted.data, beside or {}) if not found else []
    if found:
        raise Refused(tuple(replace(one, value=_told(declared, row, one.path, one.value)) for one in found))


def _told(declared: Register, row: Record, path: str, text: str) -> str:
    """A value as a refusal says it: of a row that is there as much as everybody is shown; a new one was all sent."""
    return privacy.told(declared, path, text) if row.pk else text


def _geometry(declared: Register, geometry: BaseGeometry | None) -> list[Problem]:
    if geometry is None:
        return []
    west, south, east, north = geometry.bounds if not geometry.is_empty else (-999.0,) * 4
    is_right = geometry.geom_type.removeprefix("Multi") == declared.geometry and geometry.is_valid
    if is_right and -180 <= west <= east <= 180 and -90 <= south <= north <= 90:
        return []
    return [problem("_geometry", geometry.wkt, "geometry", declared.geometry or "—")]


def _unknown(who: Actor, declared: Register, row: Record, data: Data, known: Known | None) -> list[Problem]:
    """References to nothing that the writer may see; one that stood before is left alone: its target may have ended."""
    stood = {_reference(leaf) for leaf in declared.leaves(row.data or {}) if leaf.item.reference}
    found = []
    for leaf in declared.leaves(data):
        kind = references.find(leaf.item.reference, row.county_id) if leaf.item.reference else None
        if kind is None or _reference(leaf) in stood:
            continue
        is_there = known(leaf) if known else None
        if is_there is None:
            fitting = kind.of(leaf.item, leaf.beside).titles(row.county_id, [leaf.value])
            is_there = leaf.value in references.seen(who, row.county_id, leaf.item.reference, list(fitting))
        if not is_there:
            found.append(problem(leaf.path, leaf.value, "x-shizhu-ref", kind.name))
    return found


def _reference(leaf: Leaf) -> tuple[object, ...]:
    """What a reference names, and the values that narrow what it may name."""
    narrowing = (leaf.beside.get(name) for name in leaf.item.depends.values())
    return leaf.item.reference, leaf.item.name, leaf.value, *narrowing


def fill(row: Record, declared: Register, wanted: Wanted) -> None:
    """Put what is wanted, and what follows from it, into the row."""
    assert wanted.organisation
    assert wanted.area
    row.data, row.state = wanted.data, wanted.state
    row.organisation, row.area = wanted.organisation, wanted.area
    row.geometry, row.box = wanted.geometry, box_of(wanted.geometry)
    name(row, declared)


def name(row: Record, declared: Register) -> None:
    """What a row is called, ordered and found by, from its data and place."""
    row.title = str(row.data[declared.title_field])[:300]
    row.sort_key = sort_key(row.title)
    row.search = searching.vector(declared, row)


@transaction.atomic
def load_demo(county: str, documents: list[Body]) -> int:
    """Register invented rows, each marked simulated; keys that exist are left as they are. Returns how many were new.

    A document is {register, rows: [{data, organisation, area, geometry?, state?}]}; what others point at is loaded
    first. A field that refers to a post may name it by {role, area}, because its number is nobody's to choose.
    """
    by_register = {document["register"]: document["rows"] for document in map(json_ready, documents)}
    known = registers(county)
    order = TopologicalSorter(
        {
            key: {item.reference for _path, item in known[key].everything if item.reference} - {key}
            for key in by_register
            if key in known
        }
    )
    with pghistory.context(name="demo"):
        return sum(_load(county, key, by_register.get(key, [])) for key in order.static_order())


def _load(county: str, register: str, rows: list[Body]) -> int:
    if not rows:
        return 0
    declared = register_of(register, county)
    there = set(Record.objects.filter(county_id=county, register=register).values_list("key", flat=True))
    fresh = [row for row in rows if row["data"][declared.key_field] not in there]
    for row in fresh:
        create(
            access.ANYBODY, county, register, _with_posts(county, declared, row["data"]),
            organisation=row["organisation"], area=row["area"], state=row.get("state", ""), source="demo",
            geometry=shape(row["geometry"]) if "geometry" in row else None, is_simulated=True,
        )  # fmt: skip
    return len(fresh)


def _with_posts(county: str, declared: Register, data: Body) -> Data:
    """Posts that are named by role and area as numbers; one that nobody holds is left out."""
    named = {item.name for item in declared.references if isinstance(data.get(item.name), Mapping)}
    posts = {
        name: Post.objects.current(timezone.localdate())
        .filter(role=data[name]["role"], area__county_id=county, area__code=data[name]["area"])
        .order_by("pk")
        .first()
        for name in named
    }
    return {**data, **{name: str(post.pk) if post else None for name, post in posts.items()}}
