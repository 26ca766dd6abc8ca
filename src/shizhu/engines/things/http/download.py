"""The file of a firmware for devices that were told to take it: by their own credential, in parts (RFC 9110 §14)."""

from __future__ import annotations

import hmac
from typing import BinaryIO

from django.http import FileResponse, HttpResponse, HttpResponseBase, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from shizhu.engines.things import downloading
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import Device
from shizhu.kernel import files, signin
from shizhu.web import authentication
from shizhu.web.middleware import Request


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
    file = downloading.told(device.key, number)
    if file is None:
        return JsonResponse({"code": "403", "description": "this device was not told to take this file"}, status=403)
    whole = downloading.Part(file.size, file.sha256)
    try:
        span = downloading.span(request.headers.get("Range", ""), request.headers.get("If-Range", ""), whole)
    except ValueError:
        answer = JsonResponse({"code": "416", "description": f"the file has {file.size} bytes"}, status=416)
        answer["Content-Range"] = f"bytes */{file.size}"
        return answer
    first, length = span or (0, file.size)
    content = files.path_of(file).open("rb")
    content.seek(first)
    sent = FileResponse(_Part(content, length), status=206 if span else 200, content_type="application/octet-stream")
    for name, value in downloading.headers(whole, span).items():
        sent[name] = value
    return sent
