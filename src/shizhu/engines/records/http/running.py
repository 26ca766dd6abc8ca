"""Pages of work that another engine has a worker do: how far it is, its file, and what its person asked for before."""

from __future__ import annotations

from urllib.parse import quote

from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import render

from shizhu.engines.records.models import Batch
from shizhu.kernel import files
from shizhu.web.middleware import Request

MOST = 50


def work_page(request: Request, work: str, number: int, template: str, page: str) -> HttpResponse:
    """One of the person's own; with `part` its progress alone, asked for every second.

    `page` names its address; that of its file is `<page>_file`.
    """
    own = _own(request, work)
    batch = _of(own, number)
    if "part" not in request.GET:
        return render(request, template, {"batch": batch, "batches": own, "page": page, "file": f"{page}_file"})
    answer = render(request, "shizhu/running.html", {"batch": batch})
    if not batch.is_working:
        answer["HX-Refresh"] = "true"
    return answer


def work_file(request: Request, work: str, number: int, plain: str) -> FileResponse:
    """What was made of it, under its name; `plain` for programs that read ASCII alone."""
    made = _of(_own(request, work), number).made
    if made is None:
        raise Http404(str(number))
    answer = FileResponse(files.path_of(made).open("rb"), content_type=made.media_type)
    answer["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(made.name)}"
    return answer


def _own(request: Request, work: str) -> list[Batch]:
    """The newest first."""
    rows = Batch.objects.filter(person=request.user, county=request.county, register=work)
    return list(rows.select_related("made").order_by("-created")[:MOST])


def _of(own: list[Batch], number: int) -> Batch:
    found = next((one for one in own if one.pk == number), None)
    if found is None:
        raise Http404(str(number))
    return found
