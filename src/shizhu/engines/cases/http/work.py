"""The list of tasks behind a number: who did what of which case, and whether in time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import work
from shizhu.engines.cases.assignment import VIEW
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.datasets import Asked, Result, Row
from shizhu.web.middleware import Request

SHOWN = ("number", "step", "person", "unit", "given_at", "due_at", "done_at", "hours", "is_late", "is_again")
MOST = 500


def index(request: Request) -> HttpResponse:
    """The newest tasks of cases one may see, `of` a flow, that fulfil a condition (`filter`)."""
    access.require_verb(request.actor, VIEW)
    of, condition = request.GET.get("of", ""), request.GET.get("filter", "")
    body = {"from": "tasks", "of": of, "rows": list(SHOWN), "top": MOST, **({"where": condition} if condition else {})}
    found: Result | None = None
    try:
        found = work.give(Asked(body, request.actor, request.county.pk, timezone.now()))
    except records.Cql2Error as error:
        messages.error(request, _("The condition cannot be understood: %s") % error)
    rows = [_told(row) for row in found.rows] if found else []
    return render(request, "cases/work.html", {"rows": rows, "total": found.total if found else 0, "most": MOST})


def _told(row: Row) -> dict[str, Any]:
    told = dict(zip(("title", *SHOWN), row.cells, strict=True))
    times = {name: datetime.fromisoformat(told[name]) if told[name] else None for name in work.TIMES}
    raw = dict(zip(SHOWN, row.keys, strict=True))
    truths = {name: raw[name] for name in ("is_late", "is_again")}  # their cells are words
    return {**told, **times, **truths, "href": row.href, "is_simulated": row.is_simulated}
