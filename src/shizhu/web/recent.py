"""What somebody opened last: pages with a title of their own, for whoever has the rights they had then."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable
from typing import Any, cast

from django.http import HttpRequest, HttpResponse

from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.web import preferences

MOST = 12
FIRST = ("/records/", "/cases/", "/alarms/", "/things/", "/plan/", "/boards/", "/people/", "/notices/", "/map/")
_TITLE = re.compile(rb"<title>(.*?)\s*\xc2\xb7 [^\xc2]*?</title>", re.DOTALL)
_NUMBERED = re.compile(r"/\d+/?$|/[^/]+/[^/]+/?$")


def rights(who: Actor) -> str:
    """A print of somebody's rights: with other rights they see nothing of what they opened before."""
    told = sorted((s.county, s.role, sorted(s.verbs), s.organisation_path, s.area_path) for s in who.scopes)
    return hashlib.sha256(repr(told).encode()).hexdigest()[:12]


def remember(request: HttpRequest, who: Actor, answer: HttpResponse) -> None:
    """Keep a page that was opened: one thing's page, not a list and no form."""
    path = request.path
    if (
        answer.status_code != 200
        or request.headers.get("HX-Request")
        or not answer.headers.get("Content-Type", "").startswith("text/html")
        or answer.streaming
        or not path.startswith(FIRST)
        or not _NUMBERED.search(path)
        or path.rstrip("/").endswith(("/new", "/edit", "/import", "/history"))
    ):
        return
    found = _TITLE.search(answer.content[:4000])
    title = html.unescape(found[1].decode()).strip() if found else ""
    if not title:
        return
    kept = preferences.of(request).get("recent", [])
    if kept and kept[0][:2] == [path, title]:
        return
    others = [one for one in kept if one[0] != path]
    preferences.keep(cast(Person, request.user), recent=[[path, title[:80], rights(who)], *others][:MOST])


def shown(request: HttpRequest, who: Actor, icons: Iterable[tuple[str, str]]) -> list[dict[str, Any]]:
    """The pages somebody opened last, with the icon of the menu entry they lie below."""
    now, known = rights(who), sorted(icons, key=lambda one: -len(one[0]))
    return [
        {
            "url": url,
            "title": title,
            "icon": next((icon for start, icon in known if url.startswith(start)), "file-text"),
        }
        for url, title, then in preferences.of(request).get("recent", [])
        if then == now
    ]
