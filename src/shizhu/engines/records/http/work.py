"""Pages of work on many rows: how far it is, what came of it, its files, and what one did before."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import batches
from shizhu.engines.records.http import bulk, imports, pages, shown
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import Batch, Record
from shizhu.kernel import access, files
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

MOST = 100  # batches on the page of what one did before
State = Batch.State
KINDS: dict[str, tuple[str, ...]] = {
    Batch.Kind.IMPORT: ("new", "changed", "same", "wrong"), Batch.Kind.CHANGE: ("changed", "same", "wrong"),
    Batch.Kind.EXPORT: (), Batch.Kind.SELECTION: (), Batch.Kind.READINGS: (), Batch.Kind.DECLARE: (),
}  # fmt: skip


def index(request: Request, register: str) -> HttpResponse:
    """What the person imported, exported and changed in this register, newest first."""
    declared = pages.found(request, register)
    rows = Batch.objects.filter(county=request.county, register=register, person=request.user)
    found = rows.select_related("given", "made").order_by("-created")[:MOST]
    context = {"register": declared, "batches": found, "may_import": imports.may(request, declared)}
    return render(request, "records/batches.html", context)


def page(request: Request, register: str, number: int) -> HttpResponse:
    """One batch: what is to decide, how far it is, or what came of it."""
    declared, batch = imports.batch_of(request, register, number)
    is_matching = batch.state == State.MATCHING or ("match" in request.GET and batch.state == State.CHECKED)
    if batch.kind == Batch.Kind.IMPORT and is_matching:
        return imports.matching_page(request, declared, batch)
    return render(request, "records/batch.html", _context(request, declared, batch))


def _context(request: Request, register: Register, batch: Batch) -> dict[str, object]:
    counts = batch.counts
    return {
        "register": register, "batch": batch, "writable": counts.get("new", 0) + counts.get("changed", 0),
        "wrong": counts.get("wrong", 0), "left": counts.get("left", 0), "alike": _alike(request, register, batch),
        "preview": batch.preview.get("rows", []), "fields": _fields(register, batch),
        "total_alike": len(batch.asked.get("alike", [])), "may_import": imports.may(request, register),
        "numbers": [(kind, counts.get(kind, 0)) for kind in KINDS[batch.kind]],
    }  # fmt: skip


def _fields(register: Register, batch: Batch) -> list[tuple[str, int]]:
    """(name, in how many rows) of what a change would change."""
    titles = {path: label(item.title) for path, item in register.everything} | dict(shown.own_names())
    return [(titles.get(path, path), number) for path, number in batch.preview.get("fields", {}).items()]


def _alike(request: Request, register: Register, batch: Batch) -> list[dict[str, Any]]:
    """Rows that are probably there already, each with those that the person may see now."""
    if batch.kind != Batch.Kind.IMPORT or batch.is_working:
        return []
    rows = Record.objects.filter(pk__in={line[0] for one in batch.alike for line in one["records"]})
    seen = set(access.rows(rows, request.actor, register.verb("view")).values_list("pk", flat=True))
    left = set(batch.asked.get("left", ()))
    return [
        {**one, "records": [line for line in one["records"] if line[0] in seen], "is_left": one["row"] in left}
        for one in batch.alike
    ]


def progress(request: Request, register: str, number: int) -> HttpResponse:
    """The bar alone, asked for every second; the page comes anew when there is more to say."""
    declared, batch = imports.batch_of(request, register, number)
    answer = render(request, "records/progress.html", {"register": declared, "batch": batch})
    if not batch.is_working:
        answer["HX-Refresh"] = "true"
    return answer


def _is_short(batch: Batch) -> bool:
    return batch.kind == Batch.Kind.CHANGE and batch.total <= bulk.AT_ONCE


@require_POST
def write(request: Request, register: str, number: int) -> HttpResponse:
    """Do what was checked."""
    _declared, batch = imports.batch_of(request, register, number)
    asked = {**batch.asked, "left": _left(request, batch)} if batch.kind == Batch.Kind.IMPORT else None
    if batch.state != State.CHECKED or not batches.go(batch, State.WRITING, at_once=_is_short(batch), asked=asked):
        messages.error(request, _("This was decided already."))
    return HttpResponseRedirect(reverse("records:batch", args=[register, number]))


def _left(request: Request, batch: Batch) -> list[int]:
    """Rows that are probably there already and that the person leaves out."""
    alike: list[int] = batch.asked.get("alike", [])
    if request.POST.get("leave_all"):
        return alike
    ticked = {whole(text, -1) for text in request.POST.getlist("leave")}
    return [number for number in alike if number in ticked]


def file(request: Request, register: str, number: int, which: str) -> FileResponse:
    """The file that was given, or the one that was made."""
    _declared, batch = imports.batch_of(request, register, number)
    kept = {"given": batch.given, "made": batch.made}.get(which)
    if kept is None:
        raise Http404(which)
    answer = FileResponse(files.path_of(kept).open("rb"), content_type=kept.media_type)
    answer["Content-Disposition"] = f"attachment; filename=\"{register}.xlsx\"; filename*=UTF-8''{quote(kept.name)}"
    return answer
