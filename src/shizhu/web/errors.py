"""Pages that say what went wrong and what to do; somebody who is logged in keeps the menu."""

from __future__ import annotations

import sys
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template import loader
from psycopg_pool import PoolTimeout

AWAY = (OperationalError, InterfaceError, PoolTimeout)


def _page(request: HttpRequest, name: str, status: int) -> HttpResponse:
    try:
        if request.user.is_authenticated:
            return render(request, f"shizhu/{name}_in.html", status=status)
    except (AttributeError, DatabaseError):
        pass  # so early, or so broken, that nobody is known: the plain page will do
    return HttpResponse(loader.get_template(f"{name}.html").render({}, request), status=status)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:  # Django calls it with it
    """403."""
    return _page(request, "403", 403)


def missing(request: HttpRequest, exception: Any = None) -> HttpResponse:  # Django calls it with it
    """404."""
    return _page(request, "404", 404)


def broken(request: HttpRequest) -> HttpResponse:
    """500, or 503 while the database is away; neither asks the database anything."""
    is_away = isinstance(sys.exc_info()[1], AWAY)
    answer = HttpResponse(loader.get_template("503.html" if is_away else "500.html").render())
    answer.status_code = 503 if is_away else 500
    if is_away:
        answer["Retry-After"] = "10"
    return answer
