"""Attachments on pages: how they are shown, taken in with a form, and sent to who may see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.utils.datastructures import MultiValueDict

from shizhu.engines.records import attachments
from shizhu.engines.records.contracts import NoRecord
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import Problem
from shizhu.kernel import images
from shizhu.kernel.access import Actor
from shizhu.kernel.files import FileRefused, path_of
from shizhu.kernel.images import Facts
from shizhu.kernel.models import File


@dataclass(frozen=True)
class Attached:
    """An attachment; `facts` is what a photo says of itself."""

    key: str
    name: str
    url: str
    is_photo: bool
    size: int
    facts: Facts | None = None


def attached(file: File, url: str) -> Attached:
    """An attachment as a page shows it."""
    is_photo = file.media_type in images.TYPES
    known = images.facts(path_of(file)) if is_photo else None
    return Attached(str(file.pk), file.name, f"{url}{file.pk}", is_photo, file.size, known)


@dataclass(frozen=True)
class Taken:
    """An upload for the control of a name: the id it was kept under, or why it was not."""

    name: str
    file_id: str = ""
    problem: Problem | None = None


def take(
    who: Actor,
    county: str,
    register: Register,
    sent: MultiValueDict[str, UploadedFile[bytes]],
    field_of: Callable[[str], str],
) -> Iterator[Taken]:
    """Keep what was sent with a form; `field_of` says which field a control is of."""
    fields = dict(register.everything)
    for name, uploads in sent.lists():
        item = fields.get(field_of(name))
        for upload in uploads if item and item.kind in attachments.FILES else ():
            assert item
            try:
                content: Any = upload  # Django's stubs do not see the binary file it is
                kept = attachments.keep(who, county, item, upload.name or "", content)
            except FileRefused as refused:
                told = str(refused)
                yield Taken(name, problem=Problem(name, upload.name or "", "x-shizhu-file", {"zh": told, "en": told}))
            else:
                yield Taken(name, str(kept.pk))


def answer(who: Actor, county: str, file_id: UUID, wanted: str, record: int = 0) -> HttpResponseBase:
    """A file of a record, or an upload of one's own: `thumb`, `copy` (a photo without EXIF), or as it came."""
    try:
        found = (
            attachments.of_record(who, record, str(file_id)) if record else attachments.own(who, county, str(file_id))
        )
    except NoRecord:
        raise Http404(str(file_id)) from None
    if found is None or found.county_id != county:
        raise Http404(str(file_id))
    headers = {"Cache-Control": "private, max-age=3600", "X-Content-Type-Options": "nosniff"}
    is_photo = found.media_type in images.TYPES
    if wanted and is_photo:
        try:
            plain = images.copy(path_of(found), images.THUMB if wanted == "thumb" else 0)
        except (ValueError, OSError):
            raise Http404(str(file_id)) from None
        return HttpResponse(plain, content_type="image/jpeg", headers=headers)
    return FileResponse(
        path_of(found).open("rb"), content_type=found.media_type, filename=found.name, as_attachment=not is_photo,
        headers=headers,
    )  # fmt: skip
