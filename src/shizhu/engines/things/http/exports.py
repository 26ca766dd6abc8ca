"""Readings of a station as a file: asked for on its page, written by a worker."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import api as records
from shizhu.engines.things import exporting
from shizhu.engines.things.files import FORMS
from shizhu.engines.things.http.views import own_days
from shizhu.engines.things.models import Datastream, Thing
from shizhu.kernel import access
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request


@require_POST
def begin(request: Request, number: int) -> HttpResponse:
    """Have it written: one datastream or all, of days that are both whole."""
    thing = get_object_or_404(Thing, pk=number)
    access.require(request.actor, exporting.VIEW, thing)
    given, days = request.POST, own_days(request.POST)
    streams = Datastream.objects.filter(thing=thing)
    if given.get("stream"):
        streams = streams.filter(pk=whole(given["stream"]))
    form, ids = given.get("form", ""), list(streams.values_list("pk", flat=True))
    if days is None or form not in FORMS or not ids:
        messages.error(
            request, _("Choose what to export, a first day, a last day that is not before it, and CSV or Parquet.")
        )
        return redirect("things:detail", number)
    made = exporting.begin(request.user, thing, ids, *days, form)
    return redirect("things:export", made.pk)


def page(request: Request, number: int) -> HttpResponse:
    """How far it is, or its file."""
    access.require_verb(request.actor, exporting.VIEW)
    return records.work_page(request, exporting.WORK, number, "things/export.html", "things:export")


def file(request: Request, number: int) -> FileResponse:
    """The file."""
    access.require_verb(request.actor, exporting.VIEW)
    return records.work_file(request, exporting.WORK, number, "readings")
