"""Pages of selections that a worker writes: how far one is, its file, and those before."""

from __future__ import annotations

from urllib.parse import quote

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render

from shizhu.engines.maps import selections
from shizhu.engines.records.api import XLSX, Batch
from shizhu.kernel import access, files
from shizhu.web.middleware import Request


def page(request: Request, number: int) -> HttpResponse:
    """One selection; with `part` its progress alone, asked for every second."""
    own = _own(request)
    one = _of(own, number)
    if "part" not in request.GET:
        return render(request, "maps/selection.html", {"batch": one, "batches": own})
    answer = render(request, "maps/progress.html", {"batch": one})
    if not one.is_working:
        answer["HX-Refresh"] = "true"
    return answer


def file(request: Request, number: int) -> FileResponse:
    """The table."""
    made = _of(_own(request), number).made
    if made is None:
        raise Http404(str(number))
    answer = FileResponse(files.path_of(made).open("rb"), content_type=XLSX)
    answer["Content-Disposition"] = f"attachment; filename=\"selection.xlsx\"; filename*=UTF-8''{quote(made.name)}"
    return answer


def _own(request: Request) -> list[Batch]:
    access.require_verb(request.actor, "maps.map.view")
    return selections.of(request.user, request.county.pk)


def _of(own: list[Batch], number: int) -> Batch:
    found = next((one for one in own if one.pk == number), None)
    if found is None:
        raise Http404(str(number))
    return found
