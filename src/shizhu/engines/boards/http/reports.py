"""Pages: the reports that were made, one as a file, and one made anew."""

from __future__ import annotations

from datetime import date, timedelta
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.boards import reports
from shizhu.engines.boards.models import Report
from shizhu.engines.boards.reports import MAKE, VIEW
from shizhu.kernel import access, files
from shizhu.kernel.text import label
from shizhu.web.middleware import Request

PAGE = 30


def index(request: Request) -> HttpResponse:
    """The reports that the person may read, newest first, and a form to make one of any day anew."""
    access.require_verb(request.actor, VIEW)
    county = request.county.pk
    known = {
        key: body for key, body in reports.declared(county).items() if reports.may_read(request.actor, key, county)
    }
    rows = access.rows(Report.objects.filter(county=request.county, key__in=known), request.actor, VIEW)
    page = Paginator(rows.select_related("made_by", "file"), PAGE).get_page(request.GET.get("page"))
    kinds = [(key, label(body["title"]), body["period"]) for key, body in known.items()]
    context = {
        "page": page, "kinds": kinds, "may_make": request.actor.has(MAKE),
        "yesterday": timezone.localdate() - timedelta(days=1), "today": timezone.localdate(),
    }  # fmt: skip
    return render(request, "boards/reports.html", context)


def download(request: Request, number: int) -> HttpResponseBase:
    """One report as a Word file."""
    rows = Report.objects.filter(county=request.county).select_related("file", "organisation", "area")
    found = get_object_or_404(rows, pk=number)
    access.require(request.actor, VIEW, found)
    if not reports.may_read(request.actor, found.key, request.county.pk):
        raise PermissionDenied
    answer = FileResponse(files.path_of(found.file).open("rb"), content_type=found.file.media_type)
    answer["Content-Disposition"] = f"attachment; filename=\"report.docx\"; filename*=UTF-8''{quote(found.file.name)}"
    answer["Cache-Control"] = "private, no-store"
    return answer


@require_POST
def make(request: Request) -> HttpResponse:
    """Make the report of a day, or of its month, anew."""
    access.require_verb(request.actor, MAKE)
    key, county = request.POST.get("key", ""), request.county.pk
    if key not in reports.declared(county):
        raise Http404(key)
    if not reports.may_read(request.actor, key, county):
        raise PermissionDenied
    try:
        day = date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        messages.error(request, _("Choose the day the report is about."))
        return redirect("boards:reports")
    if not day.year >= 2000 or day > timezone.localdate():
        messages.error(request, _("A report is about a day that has begun."))
        return redirect("boards:reports")
    made = reports.make(key, request.county, day, request.user)
    messages.success(request, _("%s was made.") % made.title)
    return redirect("boards:reports")
