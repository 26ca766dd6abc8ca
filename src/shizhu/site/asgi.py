"""The ASGI application: hot paths first, Django for the rest."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponseBase, StreamingHttpResponse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
django.setup(set_prefix=False)

from shizhu.engines.things import api as things  # noqa: E402
from shizhu.web import bodies, live, proxied  # noqa: E402

Application = Callable[[live.Scope, live.Receive, live.Send], Awaitable[None]]
MOUNTED: dict[str, Application] = {"/live": live.application, "/sta/": things.sensorthings}


async def _parts(parts: Iterator[bytes]) -> AsyncIterator[bytes]:
    """A file part by part: Django itself would read the whole of it into memory first."""
    following = sync_to_async(lambda: next(parts, None), thread_sensitive=False)
    while (part := await following()) is not None:
        yield part


class Pages(ASGIHandler):
    """Django's pages."""

    async def send_response(self, response: HttpResponseBase, send: Any) -> None:
        """Send what is streamed as it is read."""
        if isinstance(response, StreamingHttpResponse) and not response.is_async:
            response.streaming_content = _parts(iter(response))
        await super().send_response(response, send)


pages: Any = Pages()


async def application(scope: live.Scope, receive: live.Receive, send: live.Send) -> None:
    """Route by path; one that ends with / stands for all below it."""
    if await bodies.is_refused(scope, send):
        return
    path = scope.get("path", "")
    mounted = next((m for p, m in MOUNTED.items() if path == p or (p.endswith("/") and path.startswith(p))), pages)
    await mounted(proxied.as_asked(scope), receive, send)
