"""Pages of selections that a worker writes: how far one is, its file, and those before."""

from __future__ import annotations

from django.http import FileResponse, HttpResponse

from shizhu.engines.maps import selections
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.web.middleware import Request


def page(request: Request, number: int) -> HttpResponse:
    """One selection."""
    access.require_verb(request.actor, "maps.map.view")
    return records.work_page(request, selections.WORK, number, "maps/selection.html", "maps:selection")


def file(request: Request, number: int) -> FileResponse:
    """The table."""
    access.require_verb(request.actor, "maps.map.view")
    return records.work_file(request, selections.WORK, number, "selection.xlsx")
