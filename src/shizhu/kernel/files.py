"""Attachments: kept by content hash under the home, found through their `File` row."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import uuid
import zipfile
from collections.abc import Callable, Collection
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.db import connection, transaction
from django.db.models import ManyToOneRel
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.kernel.models import Area, File, Organisation, Person

LARGEST = 15_000_000
TYPES = {  # media type → how a file of that type begins
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
UNUSED = timedelta(days=1)  # after which an upload that nothing names is taken away
_users: list[Callable[[], Collection[uuid.UUID]]] = []
_OFFICE = {  # ZIP archives, told by a folder in them: ECMA-376
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word/",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xl/",
}
ALL = (*TYPES, *_OFFICE)
SHORT = {  # media type → as people say it
    "image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP", "application/pdf": "PDF",
    **dict(zip(_OFFICE, ("Word", "Excel"), strict=True)),
}  # fmt: skip


class FileRefused(ValueError):
    """A file that may not be kept; the text says why and what to do."""


def path_of(file: File) -> Path:
    """Where the bytes are."""
    return Path(settings.CONFIG.home) / "files" / file.sha256[:2] / file.sha256


def keep(
    content: BinaryIO,
    *,
    name: str,
    organisation: Organisation,
    area: Area,
    by: Person | None,
    allowed: tuple[str, ...] = tuple(TYPES),
    largest: int = LARGEST,
) -> File:
    """Store a file durably and return its row.

    Raises FileRefused for an empty file, a type not in `allowed` (told by its bytes), or above `largest` bytes.
    """
    largest = min(largest, LARGEST)
    data = content.read(largest + 1)
    if len(data) > largest:
        size = f"{largest / 1_000_000:g}"
        raise FileRefused(_("%(name)s is larger than %(size)s MB. Send a smaller one.") % {"name": name, "size": size})
    if not data:
        raise FileRefused(_("%(name)s is empty. Look whether it was saved, and send it again.") % {"name": name})
    media_type = type_of(data)
    if media_type not in allowed:
        kinds = _(", ").join(SHORT[kind] for kind in allowed)
        raise FileRefused(_("%(name)s is none of %(kinds)s. Send one of these.") % {"name": name, "kinds": kinds})
    return store(data, name=name, media_type=media_type, organisation=organisation, area=area, by=by)


def store(
    data: bytes | Path, *, name: str, media_type: str, organisation: Organisation, area: Area, by: Person | None
) -> File:
    """Keep bytes, or those of a file, durably under a type that the caller vouches for, and return their row."""
    with data.open("rb") if isinstance(data, Path) else BytesIO(data) as content, transaction.atomic():
        digest = hashlib.file_digest(content, "sha256").hexdigest()
        size = content.seek(0, os.SEEK_END)
        _hold(digest)  # nobody sweeps these bytes before their row is there
        _write(Path(settings.CONFIG.home) / "files" / digest[:2] / digest, content)
        return File.objects.create(
            county_id=area.county_id, organisation=organisation, area=area, name=Path(name).name[:200],
            media_type=media_type, size=size, sha256=digest, created_by=by,
        )  # fmt: skip


def _hold(digest: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"kernel.file {digest}"])


def _write(target: Path, content: BinaryIO) -> None:
    """The bytes on the disk, whole or not at all."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{uuid.uuid4().hex}")  # two may bring the same bytes at once
        with part.open("wb") as out:
            content.seek(0)
            shutil.copyfileobj(content, out)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
        for folder in (target.parent, target.parent.parent):  # so that the name too is on the disk
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)


def used_by(find: Callable[[], Collection[uuid.UUID]]) -> None:
    """Say which files a room names beside its foreign keys; call it from `AppConfig.ready`."""
    _users.append(find)


def sweep() -> int:
    """Take away files that nothing names and that are older than a day; returns how many."""
    waiting = File.objects.filter(created__lt=timezone.now() - UNUSED)
    for relation in File._meta.get_fields(include_hidden=True):  # noqa: SLF001  # public in Django
        if isinstance(relation, ManyToOneRel):
            name = relation.field.attname
            using = relation.related_model._base_manager.filter(**{f"{name}__isnull": False})  # noqa: SLF001  # public
            waiting = waiting.exclude(pk__in=using.values(name))
    unused = set(waiting.values_list("pk", flat=True)) - _used()
    gone: list[str] = []
    if unused:
        with transaction.atomic():  # whoever saves one of them now waits, and is told that it is gone
            held = dict(waiting.filter(pk__in=unused).select_for_update(of=("self",)).values_list("pk", "sha256"))
            gone_ids = held.keys() - _used()
            gone = [held[pk] for pk in gone_ids]
            File.objects.filter(pk__in=gone_ids).delete()
    for digest in set(gone):
        with transaction.atomic():
            _hold(digest)
            if not File.objects.filter(sha256=digest).exists():
                (Path(settings.CONFIG.home) / "files" / digest[:2] / digest).unlink(missing_ok=True)
    return len(gone)


def _used() -> set[uuid.UUID]:
    return {one for find in _users for one in find()}


def type_of(data: bytes) -> str:
    """The media type of a file by its bytes; nothing for one we do not keep."""
    found = next((media_type for media_type, start in TYPES.items() if start.match(data)), "")
    return found or (_office(data) if data.startswith(b"PK\x03\x04") else "")


def _office(data: bytes) -> str:
    try:
        names = zipfile.ZipFile(BytesIO(data)).namelist()
    except (zipfile.BadZipFile, ValueError):
        return ""
    if "[Content_Types].xml" not in names:
        return ""
    return next((media_type for media_type, folder in _OFFICE.items() if any(n.startswith(folder) for n in names)), "")
