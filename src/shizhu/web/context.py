"""What every page needs: menu, county, whether the stack is open or a demo."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.http import HttpRequest

from shizhu.web import menu
from shizhu.web.middleware import Request


def shell(request: HttpRequest) -> dict[str, Any]:
    """Context processor of the page shell."""
    asked = cast(Request, request)
    shared = {"is_demo": settings.CONFIG.has_demo, "is_open": settings.CONFIG.is_open}
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return shared
    found = menu.entries(asked.actor, asked.county.pk)
    return {
        **shared,
        "menu": found,
        "menu_phone": [e for e in found if e.on_phone][:5],
        "county": asked.county,
        "actor": asked.actor,
    }
