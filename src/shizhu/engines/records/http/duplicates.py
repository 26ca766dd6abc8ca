"""Pages of rows that are probably one: the list of a register, two side by side, made one or told apart, and undone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import duplicates, merging, traits
from shizhu.engines.records.contracts import Entry, NoRecord, Refused, StaleRecord
from shizhu.engines.records.duplicates import Couple
from shizhu.engines.records.http import pages, shown
from shizhu.engines.records.logic.register import Field, Kind, Register, file_ids
from shizhu.engines.records.merging import BOTH, OTHER
from shizhu.engines.records.models import Merge, Record
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.lib.sketch import Sketch
from shizhu.web.middleware import Request

PAGE = 50


@dataclass(frozen=True)
class Side:
    """One value of a line: as it is shown, and the record that it is of."""

    entry: Entry
    cell: shown.Cell
    is_chosen: bool
    sketch: Sketch | None = None


@dataclass(frozen=True)
class Line:
    """A field of both records. What a reader may not know of private values is not marked and cannot be chosen."""

    name: str
    title: str
    sides: tuple[Side, ...]
    differs: bool
    may_choose: bool
    may_both: bool = False
    is_both: bool = False


def index(request: Request, register: str) -> HttpResponse:
    """The pairs of a register that wait for somebody, and how far the work of looking for them is."""
    declared = _found(request, register)
    rows = duplicates.pairs(request.actor, request.county.pk, declared)
    page = Paginator(rows[: duplicates.COUNTED], PAGE).get_page(request.GET.get("page"))
    total = duplicates.count(request.actor, request.county.pk, declared)
    context = {
        "register": declared, "page": page, "couples": duplicates.couples(request.actor, declared, list(page)),
        "total": min(total, duplicates.COUNTED), "is_more": total > duplicates.COUNTED,
        "progress": traits.progress(declared, request.county.pk),
    }  # fmt: skip
    return render(request, "records/duplicates.html", context)


def _found(request: Request, register: str) -> Register:
    declared = pages.found(request, register)
    if not declared.hints.get("duplicates"):
        raise Http404(register)
    return declared


def _couple(request: Request, register: Register, number: int) -> Couple:
    try:
        return duplicates.couple(request.actor, request.county.pk, register, number)
    except NoRecord:
        raise Http404(str(number)) from None


def compare(request: Request, register: str, number: int) -> HttpResponse:
    """Both records side by side, with what would be kept of each."""
    declared = _found(request, register)
    return _page(request, declared, _couple(request, declared, number))


def _page(
    request: Request,
    register: Register,
    couple: Couple,
    problems: tuple[Any, ...] = (),
    sent: Mapping[str, str] | None = None,
) -> HttpResponse:
    both = (couple.first, couple.second)
    asked = (sent or request.GET.dict()).get("keep", "")
    kept = next((one for one in both if str(one.id) == asked), _fuller(*both))
    gone = both[1] if kept is both[0] else both[0]
    titles = {path: label(item.title) for path, item in register.everything} | dict(shown.own_names())
    may = all(pages.may(request, register, "edit", one) for one in both)
    context = {
        "register": register, "couple": couple, "kept": kept, "gone": gone, "sides": both, "may_merge": may,
        "lines": sorted(_lines(request, register, kept, gone, both, sent), key=lambda line: not line.differs),
        "fields": couple.fields,
        "problems": [(titles.get(p.path, ""), label(p.message), p.value) for p in problems],
    }  # fmt: skip
    return render(request, "records/compare.html", context, status=422 if problems else 200)


def _fuller(first: Entry, second: Entry) -> Entry:
    """The one that says more; of two that say as much the one that was there first."""
    return second if len(second.data) > len(first.data) else first


def _lines(
    request: Request,
    register: Register,
    kept: Entry,
    gone: Entry,
    both: tuple[Entry, Entry],
    sent: Mapping[str, str] | None,
) -> Iterator[Line]:
    rows = Record.objects.select_related("organisation", "area").in_bulk([kept.id, gone.id])
    may_know = all(duplicates.may_unmask(request.actor, register, row) for row in rows.values())
    known = shown.titles(request.actor, kept.county, register, both)
    files = {**shown.attachments_of(register, kept), **shown.attachments_of(register, gone)}
    key = register.fields[register.key_field]
    for item in (key, *merging.choosable(register)):
        values = [rows[one.id].data.get(item.name) for one in (kept, gone)]
        if values == [None, None]:
            continue
        is_secret = merging.has_private(item) and not may_know
        looked = [one.data.get(item.name) for one in (kept, gone)] if is_secret else values
        differs = looked[0] != looked[1] and not (is_secret and item.privacy)
        may_choose = item is not key and not is_secret and values[0] != values[1]
        chosen = _chosen(item, values, sent) if may_choose else ""
        yield Line(
            item.name, label(item.title),
            tuple(Side(one, shown.cell(one, item, known, files), _is_of(one, kept, chosen)) for one in both),
            differs, may_choose, item.kind == Kind.FILES and may_choose and all(values), chosen == BOTH,
        )  # fmt: skip
    yield from _own_lines(register, kept, gone, both, sent)


def _is_of(one: Entry, kept: Entry, chosen: str) -> bool:
    return chosen != BOTH and (one is kept) == (chosen != OTHER)


def _chosen(item: Field, values: list[Any], sent: Mapping[str, str] | None) -> str:
    """What is chosen of a field: what was sent; else the survivor's value, or the other's where it has none."""
    if sent is not None:
        return sent.get(f"of.{item.name}", "")
    if item.kind == Kind.FILES and all(values):
        several = {one for value in values for one in file_ids(value)}
        return BOTH if len(several) <= item.rules["x-shizhu-file"].get("most", 10) else ""
    return OTHER if values[0] is None else ""


def _own_lines(
    register: Register, kept: Entry, gone: Entry, both: tuple[Entry, Entry], sent: Mapping[str, str] | None
) -> Iterator[Line]:
    names = shown.own_names()
    for name, pair in (
        ("_area", (kept.area, gone.area)), ("_organisation", (kept.organisation, gone.organisation)),
    ):  # fmt: skip
        chosen = (sent or {}).get(f"of.{name}", "")
        yield Line(name, names[name], tuple(
            Side(one, shown.Cell(names[name], (one.area if name == "_area" else one.organisation).name),
                 _is_of(one, kept, chosen)) for one in both
        ), pair[0] != pair[1], pair[0] != pair[1])  # fmt: skip
    if kept.geometry is not None or gone.geometry is not None:
        differs = kept.geometry != gone.geometry
        chosen = OTHER if kept.geometry is None else ""
        chosen = sent.get("of._geometry", "") if sent is not None else chosen
        yield Line("_geometry", names["_geometry"], tuple(
            Side(one, shown.Cell(names["_geometry"], shown.place(one.geometry)), _is_of(one, kept, chosen),
                 pages.sketch_of(one)) for one in both
        ), differs, differs)  # fmt: skip
    states = [Side(one, shown.Cell(names["_state"], shown.state(register, one.state)), one is kept) for one in both]
    yield Line("_state", names["_state"], tuple(states), kept.state != gone.state, may_choose=False)


@require_POST
def merge(request: Request, register: str, number: int) -> HttpResponse:
    """Make both records one."""
    declared = _found(request, register)
    couple = _couple(request, declared, number)
    both = {str(one.id): one for one in (couple.first, couple.second)}
    kept = both.pop(request.POST.get("keep", ""), None)
    if kept is None:
        return HttpResponseRedirect(reverse("records:compare", args=[register, number]))
    (gone,) = both.values()
    chosen = {
        name.removeprefix("of."): OTHER if value == str(gone.id) else BOTH if value == BOTH else ""
        for name, value in request.POST.items() if name.startswith("of.")
    }  # fmt: skip
    versions = [request.POST.get(f"version.{one.id}", "") for one in (kept, gone)]
    read = [whole(text, digits=9) for text in versions]
    try:
        merging.merge(request.actor, kept.id, gone.id, (read[0], read[1]), chosen)
    except Refused as refused:
        sent = {"keep": str(kept.id), **{f"of.{name}": said for name, said in chosen.items()}}
        return _page(request, declared, couple, refused.problems, sent)
    except StaleRecord:
        messages.error(request, _("Somebody changed one of the records since you opened the page. Look at both again."))
        return HttpResponseRedirect(reverse("records:compare", args=[register, number]))
    messages.success(request, _("%(gone)s is merged into this record.") % {"gone": f"{gone.key} {gone.title}"})
    return HttpResponseRedirect(reverse("records:detail", args=[register, kept.id]))


@require_POST
def two(request: Request, register: str, number: int) -> HttpResponse:
    """They are two."""
    declared = _found(request, register)
    couple = _couple(request, declared, number)
    duplicates.tell_apart(request.actor, request.county.pk, declared, number)
    names = f"{couple.first.title}、{couple.second.title}"
    messages.success(
        request, _("%(names)s: two records. You are asked again when what they share changes.") % {"names": names}
    )
    return HttpResponseRedirect(reverse("records:duplicates", args=[register]))


@require_POST
def undo(request: Request, register: str, number: int) -> HttpResponse:
    """Bring back a record that was merged away."""
    declared = pages.found(request, register)
    made = Merge.objects.filter(pk=number, county=request.county, register=register, undone=None).first()
    if made is None:
        raise Http404(str(number))
    try:
        done = merging.undo(request.actor, number)
    except NoRecord:
        raise Http404(str(number)) from None
    except Refused as refused:
        titles = {path: label(item.title) for path, item in declared.everything}
        told = [f"{titles.get(p.path, '')} {label(p.message)}".strip() for p in refused.problems]
        messages.error(request, _("Nothing was undone: %s") % "；".join(told))
        return HttpResponseRedirect(reverse("records:detail", args=[register, made.survivor_id]))
    said = [_("The record is back.")]
    said.append(
        _("The other is as it was before.") if done.is_as_before
        else _("The other was changed since and stays as it is: look at both.")
    )  # fmt: skip
    if done.returned or done.left:
        counted = {"returned": done.returned, "left": done.left}
        said.append(_("%(returned)d references came back, %(left)d were changed since and stay.") % counted)
    messages.success(request, " ".join(said))
    return HttpResponseRedirect(reverse("records:detail", args=[register, made.away_id]))
