"""Attachments: kept by content hash under the home, found through their `File` row."""

from __future__ import annotations

import hashlib
import os
import re
import uuid
import zipfile
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.utils.translation import gettext as _

from shizhu.kernel.models import Area, File, Organisation, Person

LARGEST = 15_000_000
TYPES = {  # media type → how a file of that type begins
    "image/jpeg": re.compile(rb"\xff\xd8\xff"),
    "image/png": re.compile(rb"\x89PNG\r\n\x1a\n"),
    "image/webp": re.compile(rb"RIFF.{4}WEBP", re.DOTALL),
    "application/pdf": re.compile(rb"%PDF-"),
}
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

    Raises FileRefused for a type not in `allowed` (told by its bytes, not by its name) or above `largest` bytes.
    """
    largest = min(largest, LARGEST)
    data = content.read(largest + 1)
    if len(data) > largest:
        size = f"{largest / 1_000_000:g}"
        raise FileRefused(_("%(name)s is larger than %(size)s MB. Send a smaller one.") % {"name": name, "size": size})
    media_type = type_of(data)
    if media_type not in allowed:
        kinds = ", ".join(SHORT[kind] for kind in allowed)
        raise FileRefused(_("%(name)s is none of %(kinds)s. Send one of these.") % {"name": name, "kinds": kinds})
    return store(data, name=name, media_type=media_type, organisation=organisation, area=area, by=by)


def store(
    data: bytes, *, name: str, media_type: str, organisation: Organisation, area: Area, by: Person | None
) -> File:
    """Keep bytes durably under a type that the caller vouches for, and return their row."""
    digest = hashlib.sha256(data).hexdigest()
    target = Path(settings.CONFIG.home) / "files" / digest[:2] / digest
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(f".{uuid.uuid4().hex}")  # two may bring the same bytes at once
        with part.open("wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
        for folder in (target.parent, target.parent.parent):  # so that the name too is on the disk
            handle = os.open(folder, os.O_RDONLY)
            os.fsync(handle)
            os.close(handle)
    return File.objects.create(
        county_id=area.county_id, organisation=organisation, area=area, name=Path(name).name[:200],
        media_type=media_type, size=len(data), sha256=digest, created_by=by,
    )  # fmt: skip


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
