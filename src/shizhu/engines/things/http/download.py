"""The file of a firmware for devices that were told to take it: by their own credential, in parts (RFC 9110 §14)."""

from __future__ import annotations

import base64
import hmac
import re
from typing import BinaryIO

from django.http import FileResponse, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from shizhu.engines.things.commanding import HEARD
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import Device, Target
from shizhu.kernel import files, signin
from shizhu.web import authentication
from shizhu.web.middleware import Request

RANGE = re.compile(r"bytes=([0-9]{0,15})-([0-9]{0,15})")


class _Part:
    """So many bytes of a file from where it stands."""

    def __init__(self, file: BinaryIO, left: int) -> None:
        self._file, self._left = file, left
        self.close = file.close

    def read(self, size: int) -> bytes:
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


def _device(request: Request) -> Device | None:
    """The enabled device whose credential is shown; guesses have to wait as those of people do."""
    shown = authentication.credentials(authentication.headers_of(request), request.META.get("REMOTE_ADDR") or "")
    if shown.scheme != "basic":
        return None
    counted = signin.limits(shown.name, shown.address, shown.scheme)
    if signin.waits_until(counted):
        return None
    device = Device.objects.filter(key=shown.name, is_enabled=True).first()
    if device is None or not hmac.compare_digest(device.secret, digest(shown.secret)):
        signin.failed(counted)
        return None
    return device


def _span(asked: str, size: int) -> tuple[int, int] | None:
    """First byte and length of what a Range header asks for; None: all, as of several ranges or other units.

    Raises ValueError where the file has none of it.
    """
    found = RANGE.fullmatch(asked.strip())
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        first, last = max(0, size - int(found[2])), size - 1
    else:
        first, last = int(found[1]), min(int(found[2] or size), size - 1)
        if found[2] and int(found[2]) < first:
            return None
    if first >= size:
        raise ValueError(asked)
    return first, last - first + 1


@require_safe
@cache_control(private=True, no_transform=True)
def download(request: Request, number: int) -> HttpResponseBase:
    """The file, or the asked part of it."""
    device = _device(request)
    if device is None:
        answer: HttpResponse = JsonResponse(
            {"code": "401", "description": "a device shows its key and password"}, status=401
        )
        answer["WWW-Authenticate"] = 'Basic realm="Shizhu", charset="UTF-8"'
        return answer
    told = Target.objects.filter(device=device, release=number, command__state__in=HEARD, release__file__isnull=False)
    target = told.select_related("release__file").first()
    if target is None or target.release.file is None:
        return JsonResponse({"code": "403", "description": "this device was not told to take this file"}, status=403)
    file = target.release.file
    tag = f'"{file.sha256}"'
    fresh = request.headers.get("If-Range", tag) == tag
    try:
        span = _span(request.headers.get("Range", ""), file.size) if fresh else None
    except ValueError:
        answer = JsonResponse({"code": "416", "description": f"the file has {file.size} bytes"}, status=416)
        answer["Content-Range"] = f"bytes */{file.size}"
        return answer
    first, length = span or (0, file.size)
    content = files.path_of(file).open("rb")
    content.seek(first)
    sent = FileResponse(_Part(content, length), status=206 if span else 200, content_type="application/octet-stream")
    sent["Accept-Ranges"], sent["ETag"], sent["Content-Length"] = "bytes", tag, str(length)
    sent["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(file.sha256)).decode()}:"  # RFC 9530
    if span:
        sent["Content-Range"] = f"bytes {first}-{first + length - 1}/{file.size}"
    return sent
