"""Pages of an import: sending a table, and saying which of its columns is which field."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.engines.records import batches, store, tables
from shizhu.engines.records.http import excel, pages
from shizhu.engines.records.http.inputs import JOINT, Input, Maker
from shizhu.engines.records.logic import heads, reading
from shizhu.engines.records.logic.heads import IGNORED, Target
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import Batch
from shizhu.kernel import files
from shizhu.kernel.text import label
from shizhu.web.middleware import Request

SAMPLE = 3  # rows shown under a head
WIDE = gettext_lazy(
    "“%(head)s” stands over several columns, and the row beneath is no row of heads: only the first of these columns "
    "is read under that name. Write a head over each of them, or leave the others out."
)
State = Batch.State


def may(request: Request, register: Register) -> bool:
    """Whether the person may write anywhere in the register."""
    return request.actor.has(register.verb("create")) or request.actor.has(register.verb("edit"))


def batch_of(request: Request, register: str, number: int) -> tuple[Register, Batch]:
    """The batch of an address: only its own person is shown it, and only while they may see the register."""
    declared = pages.found(request, register)
    rows = Batch.objects.select_related("given", "made")
    batch = rows.filter(pk=number, county=request.county, register=register, person=request.user).first()
    if batch is None:
        raise Http404(str(number))
    return declared, batch


def upload(request: Request, register: str) -> HttpResponse:
    """Send a table."""
    declared = pages.found(request, register)
    if not may(request, declared):
        raise PermissionDenied(register)
    sent = request.FILES.get("table")
    if request.method != "POST":
        return _upload_page(request, declared)
    if sent is None:
        return _upload_page(request, declared, _("Choose a file first."))
    if (sent.size or 0) > tables.LARGEST:
        return _upload_page(request, declared, _("The file is larger than 60 MB. Split it."))
    data = sent.read()
    try:
        media_type = tables.kind_of(data)
        kept = batches.keep(request.user, request.county.pk, data, sent.name or "table", media_type)
        batch = _begin(request, declared, kept)
    except tables.Unreadable as error:
        return _upload_page(request, declared, str(error))
    return HttpResponseRedirect(reverse("records:batch", args=[register, batch.pk]))


def template(request: Request, register: str) -> HttpResponse:
    """An empty table with the heads that are understood."""
    declared = pages.found(request, register)
    writer = tables.Writer(label(declared.title), excel.heads(declared, excel.targets(declared)))
    disposition = f"attachment; filename=\"{register}.xlsx\"; filename*=UTF-8''{quote(label(declared.title))}.xlsx"
    return HttpResponse(writer.done(), content_type=tables.XLSX, headers={"Content-Disposition": disposition})


def _upload_page(request: Request, register: Register, fault: str = "") -> HttpResponse:
    columns = excel.targets(register)
    context = {"register": register, "fault": fault, "heads": excel.heads(register, columns), "columns": columns}
    return render(request, "records/import.html", context, status=422 if fault else 200)


def _begin(request: Request, register: Register, kept: Any) -> Batch:
    """Look at the heads; where all of them are known, checking begins at once."""
    targets = excel.targets(register)
    known = _remembered(request, register)
    sheet, name = _sheet(kept, targets, known)
    rows, merged = tables.top(files.path_of(kept), kept.media_type, sheet, tables.LOOKED_AT + SAMPLE)
    index = {row.number: n for n, row in enumerate(rows[: tables.LOOKED_AT])}
    spans: dict[int, list[heads.Span]] = {}
    for one in merged:
        if one.row in index:
            spans.setdefault(index[one.row], []).append((one.column, one.last_column))
    head = heads.found([row.cells for row in rows[: tables.LOOKED_AT]], spans, targets)
    mapping = heads.matched(head.titles, targets, known, head.lower)
    asked = {
        "heads": head.titles, "mapping": mapping, "header": rows[head.at].number, "sheet": sheet, "sheet_name": name,
        "wide": head.wide, **_places(request, register),
        "sample": [[reading.plain(cell) for cell in row.cells[: len(mapping)]] for row in rows[head.at + 1 :][:SAMPLE]],
    }  # fmt: skip
    is_clear = all(mapping) and not _missing(register, mapping) and not head.wide
    state = State.CHECKING if is_clear else State.MATCHING
    batch = batches.begin(
        request.user, request.county.pk, register.key, Batch.Kind.IMPORT, state, asked=asked, given=kept
    )
    if is_clear:
        batches.start(batch)
    return batch


def _sheet(kept: Any, targets: list[Target], known: dict[str, str]) -> tuple[int, str]:
    """Number and name of the sheet whose heads name most fields."""
    found = []
    for sheet, name, first in tables.beginnings(files.path_of(kept), kept.media_type, tables.LOOKED_AT):
        if first:
            at = heads.first([row.cells for row in first], targets)
            named = sum(map(bool, heads.matched(first[at].cells, targets, known)))
            found.append((named, (sheet, name)))
    if not found:
        raise tables.Unreadable(_("The table is empty."))
    return max(found, key=lambda one: one[0])[1]


def _remembered(request: Request, register: Register) -> dict[str, str]:
    """bare head → target, as the person said in earlier imports; and the columns that an export adds."""
    made = {heads.bare(word): IGNORED for one in excel.extras(register) for word in one.title.values()}
    made |= {heads.bare(word): IGNORED for word in ("需要改正", "What to correct")}
    before = Batch.objects.filter(
        county=request.county, register=register.key, person=request.user, kind=Batch.Kind.IMPORT
    ).exclude(state=State.MATCHING)
    for asked in reversed(before.order_by("-created").values_list("asked", flat=True)[:5]):
        pairs = zip(asked["heads"], asked["mapping"], strict=False)
        made |= {heads.bare(head): target for head, target in pairs if target}
    return made


def _missing(register: Register, mapping: list[str]) -> list[Target]:
    """The key, without which no row can be told from another."""
    return [t for t in excel.targets(register) if t.name == register.key_field and t.name not in mapping]


def _places(request: Request, register: Register) -> dict[str, str]:
    """Where new rows are that do not say it: where the person's first post is that may create them."""
    return dict(
        zip(("_organisation", "_area"), store.first_place(request.actor, request.county.pk, register), strict=True)
    )


def matching_page(request: Request, register: Register, batch: Batch, fault: str = "") -> HttpResponse:
    """Which column is which field."""
    targets = excel.targets(register)
    asked = batch.asked
    columns = [
        (number, head, [row[number] for row in asked["sample"] if any(row[number : number + 1])], chosen)
        for number, (head, chosen) in enumerate(zip(asked["heads"], asked["mapping"], strict=True))
    ]
    context = {
        "register": register, "batch": batch, "columns": columns, "ignored": IGNORED, "fault": fault,
        "targets": [(t.name, label(t.title), t.is_required) for t in targets], "places": _inputs(request, asked),
        "key": next(label(t.title) for t in targets if t.name == register.key_field),
        "wide": [WIDE % {"head": head} for head in asked.get("wide", [])],
    }  # fmt: skip
    return render(request, "records/matching.html", context, status=422 if fault else 200)


def _inputs(request: Request, asked: dict[str, Any]) -> list[Input]:
    maker = Maker(request.actor, request.county.pk, {name: asked.get(name, "") for name in ("_organisation", "_area")})
    return [
        maker.place("_organisation", _("Organisation"), "kernel.organisation"),
        maker.place("_area", _("Area"), "kernel.area"),
    ]


@require_POST
def matching(request: Request, register: str, number: int) -> HttpResponse:
    """Take what was said of the columns, and check."""
    declared, batch = batch_of(request, register, number)
    here = HttpResponseRedirect(reverse("records:batch", args=[register, number]))
    if batch.kind != Batch.Kind.IMPORT or batch.state not in {State.MATCHING, State.CHECKED}:
        return here
    names = {target.name for target in excel.targets(declared)} | {IGNORED}
    said = [request.POST.get(f"column.{place}", "") for place in range(len(batch.asked["heads"]))]
    batch.asked["mapping"] = mapping = [name if name in names else IGNORED for name in said]
    batch.asked["clears"] = request.POST.get("clears") == "on"
    for name in ("_organisation", "_area"):
        batch.asked[name] = request.POST.get(name, "").rsplit(JOINT, 1)[-1].strip()
    fault = _fault(declared, mapping)
    if fault:
        return matching_page(request, declared, batch, fault)
    if not batches.go(batch, State.CHECKING, asked=batch.asked):
        messages.error(request, _("This was decided already."))
    return here


def _fault(register: Register, mapping: list[str]) -> str:
    """Why a matching cannot be used."""
    titles = {target.name: label(target.title) for target in excel.targets(register)}
    for target in _missing(register, mapping):
        return _("Say which column is %(field)s: it tells one row from another.") % {"field": label(target.title)}
    for name, title in titles.items():
        if mapping.count(name) > 1:
            return _("Two columns are %(field)s. Leave one of them out.") % {"field": title}
    return ""
