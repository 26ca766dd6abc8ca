"""What is sent: how much somebody without a login may send, refused before a byte of it is kept; a body as it came."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from django.http import HttpRequest, RawPostDataException

OPEN = ("/r/", "/open311/")  # what takes files without a login
PLAIN = ("/login", "/logout", "/language", "/password", "/messages/receipt/")  # what takes words alone without one
LARGEST, LARGEST_PLAIN = 64_000_000, 1_000_000  # bytes: six photos; words


def of(request: HttpRequest) -> bytes:
    """A body as it came; nothing of a form in parts, which was read as one already."""
    try:
        return request.body
    except RawPostDataException:
        return b""


async def is_refused(scope: Mapping[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]) -> bool:
    """Whether it was answered here: 411 without a Content-Length, 413 with one that is too large (RFC 9110)."""
    if scope.get("type") != "http" or scope["method"] in {"GET", "HEAD"}:
        return False
    if not scope["path"].startswith((*OPEN, *PLAIN)):
        return False
    most = LARGEST if scope["path"].startswith(OPEN) else LARGEST_PLAIN
    told = dict(scope["headers"]).get(b"content-length", b"")
    status = 411 if not told.isdigit() else 413 if int(told) > most else 0
    if not status:
        return False
    text = f"Content-Length: {told.decode('latin-1')}: must be given, and at most {most} bytes\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
    return True
