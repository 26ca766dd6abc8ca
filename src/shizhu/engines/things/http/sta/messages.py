"""A request to the service, and what is sent back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from shizhu.engines.things.http.sta.callers import Caller
from shizhu.engines.things.http.sta.errors import Refused, bad
from shizhu.web import authentication
from shizhu.web.authentication import Header

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True)
class Response:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    headers: tuple[Header, ...] = ()
    media_type: bytes = b"application/json"

    async def send(self, send: Send, more: tuple[Header, ...], *, has_body: bool) -> None:
        """Send it; a HEAD gets all but the body."""
        length = (b"content-length", str(len(self.body)).encode())
        headers = [length, (b"content-type", self.media_type), (b"cache-control", b"no-store"), *self.headers, *more]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": self.body if has_body else b""})


def error(refused: Refused) -> Response:
    """An error as JSON."""
    challenge = authentication.CHALLENGE if refused.status is HTTPStatus.UNAUTHORIZED else ()
    return Response(refused.status, orjson.dumps(refused.body()), challenge)


@dataclass(frozen=True)
class Request:
    """What was asked. `media_type` is without its parameters, which are in `media`."""

    method: str
    path: str  # below the service root
    query: str
    root: str
    caller: Caller
    body: bytes
    media: str = ""
    preference: str = ""
    accept: str = ""

    @property
    def media_type(self) -> str:
        """What the body is."""
        return self.media.partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body; raises Refused (400)."""
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as fault:
            raise bad(f"the body is not JSON: {fault.msg}", fault.pos) from None
