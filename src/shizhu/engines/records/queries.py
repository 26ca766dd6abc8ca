"""Reading records: lists with filters, counts now and at a time past, history. Every read of a person is bounded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import F, OrderBy, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.db.models.lookups import IsNull

from shizhu.engines.records import spatial
from shizhu.engines.records.catalogue import register_of, registers
from shizhu.engines.records.contracts import Change, Entry, FieldChange, NoRecord, Page, Place, Query
from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.columns import columns
from shizhu.engines.records.logic.cql2_sql import compiled
from shizhu.engines.records.logic.privacy import shown
from shizhu.engines.records.logic.register import Kind, Register
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.searching import matching
from shizhu.engines.records.spatial import true
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person

TABLE = "records_record"
SPOT = spatial.spot(TABLE)
CHUNK = 1000
COUNTED = 10_000  # rows up to which a page counts exactly; beyond it says "more than"
SOME = "SELECT 1 FROM records_record r WHERE r.county_id = %s AND r.register = %s AND r.state <> %s AND {} LIMIT %s"
AT = """
SELECT count(*) FROM (
  SELECT DISTINCT ON (pgh_obj_id) * FROM records_recordevent
  WHERE register = %s AND county_id = %s AND pgh_created_at <= %s ORDER BY pgh_obj_id, pgh_id DESC
) r WHERE r.state <> %s
"""
NOW = "SELECT count(*) FROM records_record r WHERE r.register = %s AND r.county_id = %s AND r.state <> %s"


def count(register: str, where: str, county: str, at: datetime | None = None) -> int:
    """How many records of the register fulfil the CQL2 condition ("" for all), withdrawn ones left out.

    With `at`: how many the register held then, as it was known then. For indicators, so no actor is asked.
    Raises UnknownRegister, cql2.Cql2Error.
    """
    declared = register_of(register, county)
    condition = cql2.parse(where) if where.strip() else cql2.Every(())
    sql, params = compiled(condition, columns(declared, "r", with_private=True))
    base, first = (NOW, (register, county)) if at is None else (AT, (register, county, at))
    with connection.cursor() as cursor:
        cursor.execute(f"{base} AND {sql}", [*first, WITHDRAWN, *params])
        found = cursor.fetchone()
    return int(found[0])


def counts(who: Actor, county: str, among: Collection[Register]) -> Mapping[str, int]:
    """register → how many of its records the actor sees, at most COUNTED + 1 of each; all in one question."""
    parts: list[str] = []
    params: list[Any] = []
    for register in among:
        predicate = access.visible(who, register.verb("view"), "r")
        parts.append(f"SELECT %s::text, (SELECT count(*) FROM ({SOME.format(predicate.sql)}) counted)")
        params += [register.key, county, register.key, WITHDRAWN, *predicate.params, COUNTED + 1]
    if not parts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), params)
        return {key: number for key, number in cursor.fetchall() if number}


def query(who: Actor, county: str, register: str, wanted: Query) -> Page:
    """One page of what the actor may see. Raises UnknownRegister, cql2.Cql2Error."""
    declared = register_of(register, county)
    rows = selected(who, county, declared, wanted)
    page = _page(rows.prefetch_related("organisation", "area"), declared, wanted)
    entries = tuple(entry(row, declared) for row in page)
    if not wanted.most_counted:
        return Page(entries, rows.count())
    total = rows.order_by()[: wanted.most_counted + 1].count()
    return Page(entries, min(total, wanted.most_counted), is_more=total > wanted.most_counted)


def scan(who: Actor, county: str, register: str, wanted: Query) -> Iterator[Entry]:
    """All that the actor may see, in order, without holding it in memory."""
    declared = register_of(register, county)
    rows = ordered(selected(who, county, declared, wanted), declared, wanted.order)
    for row in rows.prefetch_related("organisation", "area").iterator(chunk_size=CHUNK):
        yield entry(row, declared)


def get(who: Actor, county: str, register: str, key: str) -> Entry:
    """One record by its key. Raises NoRecord if there is none that the actor may see."""
    return _one(who, register_of(register, county), Q(county_id=county, key=key), f"{register} {key}")


def get_by_id(who: Actor, record_id: int) -> Entry:
    """One record by its number. Raises NoRecord if there is none that the actor may see."""
    row = Record.objects.filter(pk=record_id).values_list("register", "county_id").first()
    if row is None:
        raise NoRecord(f"record: {record_id}: there is none")
    return _one(who, register_of(*row), Q(pk=record_id), str(record_id))


def titles(who: Actor, record_ids: Collection[int]) -> dict[int, str]:
    """number → title of those records that the actor may see, of whatever registers."""
    rows, found = Record.objects.filter(pk__in=record_ids), dict[int, str]()
    for register in rows.order_by().values_list("register", flat=True).distinct():
        visible = access.rows(rows.filter(register=register), who, f"records.{register}.view")
        found.update(visible.values_list("pk", "title"))
    return found


def _one(who: Actor, register: Register, which: Q, name: str) -> Entry:
    rows = access.rows(Record.objects.filter(which, register=register.key), who, register.verb("view"))
    row = rows.select_related("organisation", "area").first()
    if row is None:
        raise NoRecord(f"record: {name}: there is none that {who.name or 'nobody'} may see")
    return entry(row, register)


def selected(who: Actor, county: str, register: Register, wanted: Query) -> QuerySet[Record]:
    """The rows of a query, in no order."""
    rows = access.rows(Record.objects.filter(county_id=county, register=register.key), who, register.verb("view"))
    rows = rows.filter(matching(wanted.search, [register.key]))
    rows = rows if wanted.has_withdrawn else rows.exclude(state=WITHDRAWN)
    if wanted.area:
        rows = rows.filter(area__in=_below(county, wanted.area))
    if wanted.where:
        tree = cql2.parse(wanted.where) if isinstance(wanted.where, str) else wanted.where
        given = columns(register, TABLE, with_private=False)
        rows = rows.filter(true(*compiled(tree, given, spatial.space(rows, SPOT) if register.geometry else None)))
    if wanted.boxes:
        within = Q(box__isnull=True) if wanted.has_unplaced else Q()
        for box in wanted.boxes:
            within |= Q(spatial.within(rows, SPOT, box))
        rows = rows.filter(within)
    if wanted.region is not None:
        rows = rows.filter(spatial.inside(rows, SPOT, wanted.region))
    return rows


def _below(county: str, code: str) -> QuerySet[Area]:
    """An area and all below it."""
    found = Area.objects.filter(county_id=county, code=code).first()
    return Area.objects.filter(county_id=county, path__startswith=found.path) if found else Area.objects.none()


def _page(rows: QuerySet[Record], register: Register, wanted: Query) -> list[Record]:
    """The rows of a page in order. Where a field falls, an index that rises gives nothing first, so that rows with
    nothing in the field, which are last, are asked for on their own.
    """
    by, first = _field(register, wanted.order or register.order), wanted.offset
    if by is None or not (by.descending and by.nulls_last):
        return list(ordered(rows, register, wanted.order)[first : first + wanted.limit])
    said, unsaid = rows.filter(IsNull(by.expression, False)), rows.filter(IsNull(by.expression, True))
    falling = said.order_by(OrderBy(by.expression, descending=True), "sort_key", "id")
    page = list(falling[first : first + wanted.limit])
    if len(page) < wanted.limit:
        before = 0 if page else first - said.count()
        page += unsaid.order_by("sort_key", "id")[before : before + wanted.limit - len(page)]
    return page


def ordered(rows: QuerySet[Record], register: Register, order: str) -> QuerySet[Record]:
    """Rows by a field (nothing last), or by title in pinyin; rows that tie keep one order."""
    order = order or register.order
    by = _field(register, order)
    if by is None:
        return rows.order_by("-sort_key" if order.startswith("-") else "sort_key", "id")
    return rows.order_by(by, "sort_key", "id")


def _field(register: Register, order: str) -> OrderBy | None:
    """What rows are ordered by; None for their title."""
    name = order.removeprefix("-")
    found = columns(register, TABLE, with_private=False).get(name)
    if found is None or found.each or name == register.title_field:
        return None
    if name == register.key_field:  # its own column has an index
        return OrderBy(F("key"), descending=order.startswith("-"))
    by: RawSQL = RawSQL(found.sql, ())  # noqa: S611  # made from declared names alone
    return OrderBy(by, descending=order.startswith("-"), nulls_last=True)


def entry(row: Record, register: Register, opened: Collection[str] = ()) -> Entry:
    """A row as it is shown, masked but for fields that are `opened`. The row needs its organisation and area."""
    data, masked = shown(register, row.data, opened)
    return Entry(
        row.pk, row.county_id, row.register, row.key, row.title, data, masked,
        Place(row.organisation.code, row.organisation.name), Place(row.area.code, row.area.name),
        row.geometry, row.state, row.source, row.is_simulated, row.created, row.updated, row.version,
    )  # fmt: skip


def related(who: Actor, county: str, register: str, key: str, most: int = 20) -> list[tuple[Register, str, Page]]:
    """(register, field, records) that point at this record, of the registers the actor may see."""
    found = []
    for other, item in _pointing(county, register):
        if who.has(other.verb("view")):
            same = cql2.Comparison(cql2.Property(item), "=", cql2.Literal(Kind.TEXT, key))
            page = query(who, county, other.key, Query(where=same, limit=most))
            if page.total:
                found.append((other, item, page))
    return found


def _pointing(county: str, register: str) -> list[tuple[Register, str]]:
    found = registers(county).values()
    return [(other, f.name) for other in found for f in other.references if f.reference == register and not f.privacy]


def history(who: Actor, record_id: int) -> tuple[Change, ...]:
    """What happened to a record, oldest first; private values masked. Raises NoRecord."""
    current = get_by_id(who, record_id)
    register = register_of(current.register, current.county)
    events = list(_events(record_id))
    names = _names(events)
    steps: list[Change] = []
    before: dict[str, Any] = {}
    for event in events:
        after = _facts(event)
        changes = _changes(register, before, after) if before else ()
        action = _action(before.get("_state"), after["_state"])
        steps.append(Change(event.pgh_created_at, names[event.pk], action, event.version, changes))
        before = after
    return tuple(steps)


def written_at(who: Actor, record_id: int, version: int) -> Mapping[str, Any]:
    """A record's data as it was at a version, masked; {} if it never had that version."""
    current = get_by_id(who, record_id)
    register = register_of(current.register, current.county)
    event = _events(record_id).filter(version=version).last()
    return shown(register, event.data)[0] if event else {}


def facts_at(who: Actor, record_id: int, version: int) -> Mapping[str, Any]:
    """Everything of a record as it was at a version, masked: its data, `_state`, `_area`, `_organisation`, `_geometry`.

    {} if it never had that version. Raises NoRecord.
    """
    current = get_by_id(who, record_id)
    event = _events(record_id).filter(version=version).last()
    return shown(register_of(current.register, current.county), _facts(event))[0] if event else {}


def _events(record_id: int) -> QuerySet[Any]:
    events = Record.pgh_event_model.objects.filter(pgh_obj_id=record_id)  # type: ignore[attr-defined]  # pghistory's
    found: QuerySet[Any] = events.order_by("pgh_id").select_related("pgh_context", "organisation", "area")
    return found


def _names(events: Collection[Any]) -> Mapping[int, str]:
    """event → who did it: the person's name, or what the context says."""
    contexts = {event.pk: event.pgh_context.metadata if event.pgh_context else {} for event in events}
    people = Person.objects.in_bulk({context["person"] for context in contexts.values() if context.get("person")})
    return {
        pk: people[context["person"]].name if context.get("person") in people else str(context.get("name") or "")
        for pk, context in contexts.items()
    }


def differences(register: Register, before: Any, after: Any) -> tuple[FieldChange, ...]:
    """What differs between two rows, each with data, state, organisation, area and geometry; private values masked."""
    return _changes(register, _facts(before), _facts(after))


def _facts(event: Any) -> dict[str, Any]:
    """Everything of a row that somebody may change."""
    own = {"_state": event.state, "_area": event.area.name, "_organisation": event.organisation.name}
    return {**event.data, **own, "_geometry": event.geometry.wkt if event.geometry is not None else None}


def _changes(register: Register, before: dict[str, Any], after: dict[str, Any]) -> tuple[FieldChange, ...]:
    differing = [
        path for path in {**_flat(before), **_flat(after)} if _flat(before).get(path) != _flat(after).get(path)
    ]
    old, new = (_flat(shown(register, facts)[0]) for facts in (before, after))
    return tuple(FieldChange(path, old.get(path), new.get(path)) for path in differing)


def _flat(facts: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Groups taken apart: {"address.street": …}."""
    found: dict[str, Any] = {}
    for name, value in facts.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found


def _action(before: str | None, after: str) -> str:
    if before is None:
        return "created"
    if (before == WITHDRAWN) == (after == WITHDRAWN):
        return "changed"
    return "withdrawn" if after == WITHDRAWN else "restored"
