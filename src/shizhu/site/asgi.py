"""The ASGI application: hot paths first, Django for the rest."""

from __future__ import annotations

import os
from http.cookies import SimpleCookie

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shizhu.site.settings")
django.setup(set_prefix=False)

from shizhu.kernel import access  # noqa: E402
from shizhu.kernel.models import Person  # noqa: E402
from shizhu.web import live  # noqa: E402

pages = get_asgi_application()


def _by_session(key: str) -> access.Actor:
    number = SessionStore(key).get(SESSION_KEY)
    return access.actor(Person.objects.filter(pk=number, is_active=True).first() if number else None)


async def application(scope: live.Scope, receive: live.Receive, send: live.Send) -> None:
    """Route by path."""
    if scope["type"] == "http" and scope["path"] == "/live":
        cookies = SimpleCookie(next((v.decode() for k, v in scope["headers"] if k == b"cookie"), ""))
        morsel = cookies.get(settings.SESSION_COOKIE_NAME)
        who = await sync_to_async(_by_session)(morsel.value if morsel else "")
        if who.person_id is None:
            await send({"type": "http.response.start", "status": 401, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await live.serve(who, receive, send)
        return
    await pages(scope, receive, send)
