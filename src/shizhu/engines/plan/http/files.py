"""Files that a page hands over: bytes just made, and files that are kept."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.utils.http import content_disposition_header

from shizhu.kernel import files
from shizhu.kernel.models import File


def attached(body: bytes, name: str, media_type: str) -> HttpResponse:
    """Bytes under a name."""
    answer = HttpResponse(body, content_type=media_type)
    answer["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    return answer


def kept(file: File) -> HttpResponseBase:
    """A kept file, byte by byte."""
    answer = FileResponse(files.path_of(file).open("rb"), content_type=file.media_type)
    answer["Content-Disposition"] = content_disposition_header(True, file.name) or "attachment"
    answer["Cache-Control"] = "private, no-store"
    return answer
