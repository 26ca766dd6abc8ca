"""Pages of work that another engine has a worker do: how far it is, its file, and what its person asked for before."""

from __future__ import annotations

from urllib.parse import quote

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import get_object_or_404, render

from shizhu.engines.records.models import Batch
from shizhu.kernel import files
from shizhu.web.middleware import Request

MOST = 50


def work_page(request: Request, work: str, number: int, template: str, page: str) -> HttpResponse:
    """One of the person's own; with `part` its progress alone, asked for every second.

    `page` names its address; that of its file is `<page>_file`.
    """
    own = _own(request, work)
    batch = get_object_or_404(own, pk=number)
    if "part" not in request.GET:
        before = own.order_by("-created")[:MOST]
        return render(request, template, {"batch": batch, "batches": before, "page": page, "file": f"{page}_file"})
    answer = render(request, "shizhu/running.html", {"batch": batch})
    if not batch.is_working:
        answer["HX-Refresh"] = "true"
    return answer


def work_file(request: Request, work: str, number: int, plain: str) -> FileResponse:
    """What was made of it, under its name; `plain` for programs that read ASCII alone."""
    made = get_object_or_404(_own(request, work), pk=number).made
    if made is None:
        raise Http404(str(number))
    answer = FileResponse(files.path_of(made).open("rb"), content_type=made.media_type)
    answer["Content-Disposition"] = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(made.name)}"
    return answer


def _own(request: Request, work: str) -> QuerySet[Batch]:
    rows = Batch.objects.filter(person=request.user, county=request.county, register=work)
    return rows.select_related("made")
