"""Photos of the field: told first, then brought in pieces that may be repeated and broken off, then used by a deed.

The way is that of tus 1.0.0 (https://tus.io/protocols/resumable-upload): whoever goes on asks for the offset first, and
a piece that does not begin there is refused. A piece is acknowledged after PostgreSQL has committed it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from shizhu.engines.cases.actions import PHOTOS, Upload
from shizhu.engines.cases.models import Attachment, Case, Photo, Piece
from shizhu.kernel import files
from shizhu.kernel.models import Area, File, Organisation, Person

LARGEST = 5_000_000  # bytes of one photo; the phone makes it smaller before
LARGEST_PIECE = 1_000_000
MOST_WAITING = 300  # photos of one person that no deed has used


class PhotoRefused(ValueError):
    """A photo, or a piece of one, that may not be kept; the text says why."""


class WrongOffset(ValueError):
    """A piece that does not begin where the photo ends so far; `offset` is where it must."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"Upload-Offset: the next piece must begin at {offset}")
        self.offset = offset


class PhotosMissing(ValueError):
    """Photos that a deed names have not arrived as a whole; `ids` says which."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__(f"photos: {', '.join(ids)}: have not arrived as a whole; bring them, then send this again")
        self.ids = list(ids)


@dataclass(frozen=True)
class About:
    """What is told of a photo: `size` bytes with this SHA-256, taken then, there (longitude, latitude)."""

    name: str
    size: int
    sha256: str
    taken_at: datetime | None = None
    place: tuple[float, float] | None = None


@transaction.atomic
def announce(person: int, number: UUID, about: About) -> Photo:
    """Tell of a photo; told again the same is found. Raises PhotoRefused."""
    if not 0 < about.size <= LARGEST:
        raise PhotoRefused(f"size: {about.size}: must be 1 to {LARGEST} bytes")
    waiting = Photo.objects.filter(person=person, file=None)
    if waiting.exclude(pk=number).count() >= MOST_WAITING:
        raise PhotoRefused(f"{MOST_WAITING} photos of yours wait to be used: send what uses them first")
    longitude, latitude = about.place or (None, None)
    told = {"name": about.name[:200], "size": about.size, "sha256": about.sha256}
    more = {"taken_at": about.taken_at, "longitude": longitude, "latitude": latitude}
    photo, _is_new = Photo.objects.get_or_create(pk=number, defaults={"person_id": person, **told, **more})
    if photo.person_id != person or (photo.size, photo.sha256) != (about.size, about.sha256):
        raise PhotoRefused("id: another photo has this id")
    return photo


def find(person: int, number: UUID) -> Photo | None:
    """A photo of this person."""
    return Photo.objects.filter(pk=number, person=person).first()


@transaction.atomic
def add(person: int, number: UUID, offset: int, data: bytes) -> Photo:
    """Add a piece. Raises Photo.DoesNotExist, WrongOffset, PhotoRefused for one too large."""
    photo = Photo.objects.select_for_update().get(pk=number, person=person)
    if offset != photo.received:
        raise WrongOffset(photo.received)
    if not 0 < len(data) <= min(LARGEST_PIECE, photo.size - photo.received):
        raise PhotoRefused(f"{len(data)} bytes: a piece has 1 to {LARGEST_PIECE}, and no more than are missing")
    Piece.objects.create(photo=photo, offset=offset, data=data)
    photo.received += len(data)
    photo.save(update_fields=["received"])
    return photo


def fault(photo: Photo) -> str:
    """What is wrong with a photo that is here as a whole, "" for nothing; a wrong one begins anew."""
    if photo.received < photo.size:
        return ""
    data = _bytes(photo)
    found = ""
    if hashlib.sha256(data).hexdigest() != photo.sha256:
        found = "sha256: the bytes that arrived have another one: bring the photo anew"
    elif files.type_of(data) not in PHOTOS:
        found = f"the bytes are none of {', '.join(PHOTOS)}"
    if found:
        photo.pieces.all().delete()
        Photo.objects.filter(pk=photo.pk).update(received=0)
        photo.received = 0
    return found


def uploads(person: int, named: Mapping[str, Sequence[str]]) -> list[Upload]:
    """Photos by the fields they belong to. Raises PhotosMissing."""
    wanted = [one for ids in named.values() for one in ids]
    there = {str(photo.pk): photo for photo in Photo.objects.filter(pk__in=wanted, person=person)}
    missing = [one for one in wanted if one not in there or there[one].received < there[one].size]
    if missing:
        raise PhotosMissing(missing)
    return [
        Upload(field, there[one].name, io.BytesIO(_bytes(there[one]))) for field, ids in named.items() for one in ids
    ]


def _bytes(photo: Photo) -> bytes:
    if photo.file is not None:
        return files.path_of(photo.file).read_bytes()
    return b"".join(bytes(piece.data) for piece in photo.pieces.all())


def used(named: Mapping[str, Sequence[str]], case: Case) -> None:
    """The photos are files of the case now."""
    for photo in Photo.objects.filter(pk__in=[one for ids in named.values() for one in ids], file=None):
        attached = (
            Attachment.objects.filter(case=case, file__sha256=photo.sha256)
            .select_related("file")
            .order_by("-pk")
            .first()
        )
        if attached:
            is_file(photo, attached.file)


def is_file(photo: Photo, file: File) -> None:
    """The photo is a file now: its pieces go, what is known of when and where stays."""
    Photo.objects.filter(pk=photo.pk).update(file=file)
    photo.pieces.all().delete()


def kept(upload: Upload, organisation: Organisation, area: Area, by: Person | None) -> File:
    """A photo as a file of an organisation in an area."""
    return files.keep(upload.content, name=upload.name, organisation=organisation, area=area, by=by, allowed=PHOTOS)
