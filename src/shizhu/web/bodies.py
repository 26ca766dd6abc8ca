"""How much somebody without a login may send: it is refused before a byte of it is kept."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

OPEN = ("/r/", "/open311/")  # what takes files without a login
LARGEST = 64_000_000  # bytes: six photos


async def is_refused(scope: Mapping[str, Any], send: Callable[[dict[str, Any]], Awaitable[None]]) -> bool:
    """Whether it was answered here: 411 without a Content-Length, 413 with one that is too large (RFC 9110)."""
    if scope.get("type") != "http" or scope["method"] in {"GET", "HEAD"} or not scope["path"].startswith(OPEN):
        return False
    told = dict(scope["headers"]).get(b"content-length", b"")
    status = 411 if not told.isdigit() else 413 if int(told) > LARGEST else 0
    if not status:
        return False
    text = f"Content-Length: {told.decode('latin-1')}: must be given, and at most {LARGEST} bytes\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})
    return True
