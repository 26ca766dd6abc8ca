"""Attachments of records: files of the kernel that a field names by id. Who sees the record sees them, nobody else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import BinaryIO
from uuid import UUID

from django.db import connection, transaction

from shizhu.engines.records.catalogue import register_of
from shizhu.engines.records.logic.register import Body, Field, Kind, Register, file_ids
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.models import Record
from shizhu.engines.records.queries import get_by_id
from shizhu.engines.records.spatial import true
from shizhu.kernel import files
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, File, Organisation, Person

NAMED = " UNION ".join(
    f"SELECT (regexp_matches(data::text, '[0-9a-f]{{8}}(?:-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}', 'g'))[1] FROM {table}"
    for table in ("records_record", "records_recordevent")
)
FILES = frozenset({Kind.FILE, Kind.FILES})


def allowed(item: Field) -> tuple[str, ...]:
    """Media types that a field takes."""
    return tuple(item.rules["x-shizhu-file"].get("types", files.TYPES))


def largest(item: Field) -> int:
    """Bytes that one file of a field may have."""
    return int(item.rules["x-shizhu-file"].get("size", files.LARGEST / 1_000_000) * 1_000_000)


def keep(who: Actor, county: str, item: Field, name: str, content: BinaryIO) -> File:
    """Keep an upload for a field. It hangs on nothing yet: only its uploader can name it in a record or see it.

    Raises kernel.files.FileRefused.
    """
    by = Person.objects.filter(pk=who.person_id).first() if who.person_id else None
    return files.keep(
        content, name=name, organisation=Organisation.objects.get(county_id=county, code=county),
        area=Area.objects.get(county_id=county, code=county), by=by, allowed=allowed(item), largest=largest(item),
    )  # fmt: skip


def problems(who: Actor, register: Register, row: Record, data: Body, beside: Body) -> Iterator[Problem]:
    """Attachments that a row may not name: of another field's type, or neither its own nor the writer's upload.

    `beside` is the data of another row whose attachments it may name too.
    """
    leaves = [leaf for leaf in register.leaves(data) if leaf.item.kind in FILES]
    stood = {*_ids(register, row.data or {}), *_ids(register, beside)}
    wanted = {one for leaf in leaves for one in file_ids(leaf.value)} - stood
    known = _held(row.county_id, [one for one in wanted if _is_uuid(one)]) if wanted else {}
    for leaf in leaves:
        for one in file_ids(leaf.value):
            file = known.get(one)
            if one in stood:
                continue
            if file is None or not (_is_own(who, file) or _was_there(register, row, one)):
                yield problem(leaf.path, one, "x-shizhu-file")
            elif file.media_type not in allowed(leaf.item):
                yield problem(leaf.path, file.name, "x-shizhu-file.types", ", ".join(map(_short, allowed(leaf.item))))
            elif file.size > largest(leaf.item):
                yield problem(leaf.path, file.name, "x-shizhu-file.size", f"{largest(leaf.item) / 1_000_000:g}")


def _held(county: str, ids: Collection[str]) -> Mapping[str, File]:
    """id → file; until the transaction ends nobody takes them away as unused."""
    with transaction.atomic():
        rows = File.objects.filter(county_id=county, pk__in=ids).order_by("pk").select_for_update(no_key=True)
        return {str(file.pk): file for file in rows}


def used() -> set[UUID]:
    """Files that a record names, or named in any version."""
    with connection.cursor() as cursor:
        cursor.execute(NAMED)
        return {UUID(one) for (one,) in cursor.fetchall()}


def _short(media_type: str) -> str:
    return files.SHORT.get(media_type, media_type)


def _ids(register: Register, data: Body) -> Iterator[str]:
    for leaf in register.leaves(data):
        if leaf.item.kind in FILES:
            yield from file_ids(leaf.value)


def _is_own(who: Actor, file: File) -> bool:
    return who.is_unbounded or (who.person_id is not None and file.created_by_id == who.person_id)


def _was_there(register: Register, row: Record, one: str) -> bool:
    """Whether a version of the row named the file in a field of attachments: who sees the row sees its history."""
    if not row.pk:
        return False
    events = Record.pgh_event_model.objects.filter(pgh_obj_id=row.pk)  # type: ignore[attr-defined]  # pghistory's
    having = events.filter(true("data::text LIKE %s", (f'%"{one}"%',)))
    return any(one in _ids(register, data) for data in having.values_list("data", flat=True))


def of_record(who: Actor, record_id: int, file_id: str) -> File | None:
    """A file that the record names, now or in an earlier version; None if it does not. Raises NoRecord."""
    entry = get_by_id(who, record_id)
    file = File.objects.filter(pk=file_id, county_id=entry.county).first()
    register = register_of(entry.register, entry.county)
    return file if file and _was_there(register, Record.objects.get(pk=entry.id), str(file.pk)) else None


def own(who: Actor, county: str, file_id: str) -> File | None:
    """An upload of the actor's own."""
    file = File.objects.filter(pk=file_id, county_id=county).first()
    return file if file and who.person_id is not None and file.created_by_id == who.person_id else None


def for_form(who: Actor, county: str, record: int, ids: Collection[str]) -> Mapping[str, File]:
    """Of these files those that the actor may see on a form: the record's (0 for none), and uploads of their own."""
    row = Record.objects.filter(pk=record).first() if record else None
    right = [one for one in ids if _is_uuid(one)]
    return {
        one: file for one, file in named(county, right).items()
        if _is_own(who, file) or (row is not None and _was_there(register_of(row.register, county), row, one))
    }  # fmt: skip


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def named(county: str, ids: Collection[str]) -> Mapping[str, File]:
    """id → file."""
    return {str(file.pk): file for file in File.objects.filter(county_id=county, pk__in=ids)}
