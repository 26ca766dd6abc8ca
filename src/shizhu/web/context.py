"""What every page needs: menu, county, whether the stack is open or a demo."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest

from shizhu.web import counties, menu, notices, preferences
from shizhu.web.middleware import Request

PHONE_BAR = 6  # places of the phone's bar, the last of them for all other entries


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor of the page shell."""
    asked = cast(Request, request)
    shared = {
        "is_demo": settings.CONFIG.has_demo,
        "answers_anybody": settings.CONFIG.is_open,
        "theme": preferences.theme(request),
    }
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return shared
    found = asked.menu
    here = menu.current(found, request.path)
    bar = sorted(found, key=lambda entry: not entry.on_phone)[: PHONE_BAR - 1]
    bar.sort(key=lambda entry: entry.order)
    return {
        **shared,
        "menu": found,
        "menu_groups": menu.grouped(found, preferences.of(request).get("stars", []), here),
        "menu_here": here,
        "stars": preferences.of(request).get("stars", []),
        "unread": notices.unread(asked),
        "menu_phone": bar,
        "menu_more": [entry for entry in found if entry not in bar],
        "county": asked.county,
        "counties": counties.possible(asked.user, asked.everywhere),
        "actor": asked.actor,
    }
