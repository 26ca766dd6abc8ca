"""The ASGI application: hot paths first, Django for the rest."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from typing import Any

import django
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
django.setup(set_prefix=False)

from shizhu.engines.things import api as things  # noqa: E402
from shizhu.web import bodies, live, proxied  # noqa: E402

Application = Callable[[live.Scope, live.Receive, live.Send], Awaitable[None]]
MOUNTED: dict[str, Application] = {"/live": live.application, "/sta/": things.sensorthings}
pages: Any = get_asgi_application()


async def application(scope: live.Scope, receive: live.Receive, send: live.Send) -> None:
    """Route by path; one that ends with / stands for all below it."""
    if await bodies.is_refused(scope, send):
        return
    path = scope.get("path", "")
    mounted = next((m for p, m in MOUNTED.items() if path == p or (p.endswith("/") and path.startswith(p))), pages)
    await mounted(proxied.as_asked(scope), receive, send)
