"""Is everything well: each part, its version, its lag."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone

from shizhu import __version__
from shizhu.engines.things import api as things
from shizhu.kernel.models import Heartbeat
from shizhu.site import event_log

SILENT_AFTER = timedelta(seconds=20)


def database() -> dict[str, Any]:
    """State of PostgreSQL."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            version = cursor.fetchone()[0]
    except Error as error:
        return _down(error)
    return {"state": "ok", "version": version}


def _down(error: Error) -> dict[str, Any]:
    return {"state": "down", "reason": next(iter(str(error).splitlines()), type(error).__name__)}


def roles() -> dict[str, dict[str, Any]]:
    """State of each role by its last heartbeat."""
    now = timezone.now()
    return {
        beat.role: {
            "state": "ok" if now - beat.at < SILENT_AFTER else "silent",
            "version": beat.version,
            "seen": beat.at.isoformat(),
            **beat.detail,
        }
        for beat in Heartbeat.objects.order_by("role")
    }


def report() -> dict[str, Any]:
    """The whole report; `state` is ok or degraded."""
    parts: dict[str, dict[str, Any]] = {
        "web": {"state": "ok", "version": __version__},
        "database": database(),
        "event_log": event_log.state(),
    }
    if parts["database"]["state"] == "ok":
        try:
            parts |= {**roles(), "history": things.archive.state()}
        except Error as error:  # it went away meanwhile, or has not all its tables yet
            parts["database"] = _down(error)
    state = "ok" if all(part["state"] == "ok" for part in parts.values()) else "degraded"
    children = settings.CONFIG.running().get("children", {})
    restarts = {name: child["restarts"] for name, child in children.items()}
    return {"state": state, "version": __version__, "parts": parts, "restarts": restarts}


def healthz(request: HttpRequest) -> JsonResponse:  # Django's signature
    """GET /healthz."""
    told = report()
    return JsonResponse(told, status=200 if told["state"] == "ok" else 503)
