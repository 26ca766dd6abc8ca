"""Pages to read: the registers of a county, the list of one, one record with its history; and the list in Excel."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import mapping

from shizhu.engines.records import batches, duplicates, merging, panels, queries, revising
from shizhu.engines.records.catalogue import UnknownRegister, register_of, registers
from shizhu.engines.records.contracts import Entry, NoRecord, Query
from shizhu.engines.records.http import excel, filters, listed, saved, shown
from shizhu.engines.records.http.attached import answer
from shizhu.engines.records.http.inputs import NUMBER, Maker, tidy
from shizhu.engines.records.logic import built
from shizhu.engines.records.logic.cql2 import Cql2Error, Every, parse
from shizhu.engines.records.logic.privacy import PURPOSES, field_of
from shizhu.engines.records.logic.register import COMPARABLE, NESTED, Field, Register, Transition
from shizhu.engines.records.models import WITHDRAWN, Batch, Merge
from shizhu.engines.records.references import Choice
from shizhu.kernel import access, overlays
from shizhu.kernel.models import Area, Organisation, Pack
from shizhu.kernel.text import label
from shizhu.lib.sketch import Sketch, sketch
from shizhu.web.middleware import Request

PAGE = listed.PAGE
ALL = listed.ALL
UNFILTERED = {"page", "order", "view", "columns"}  # controls that take no row away
OWN = {"zh": "本县自建", "en": "This county's own"}


def found(request: Request, key: str, action: str = "view") -> Register:
    """The register of an address, if the person may do this somewhere in it."""
    try:
        register = register_of(key, request.county.pk)
    except UnknownRegister:
        raise Http404(key) from None
    access.require_verb(request.actor, register.verb(action))
    return register


def entry_of(request: Request, register: Register, number: int) -> Entry:
    """The record of an address, if it is of this register and county and the person may see it."""
    try:
        entry = queries.get_by_id(request.actor, number)
    except (NoRecord, UnknownRegister):
        raise Http404(str(number)) from None
    if (entry.register, entry.county) != (register.key, request.county.pk):
        raise Http404(str(number))
    return entry


def may(request: Request, register: Register, action: str, entry: Entry) -> bool:
    """Whether the person may do this to the record."""
    places = {"county_id": entry.county}
    organisation = Organisation.objects.get(code=entry.organisation.code, **places)
    area = Area.objects.get(code=entry.area.code, **places)
    return access.may(request.actor, register.verb(action), county=entry.county, organisation=organisation, area=area)


def index(request: Request) -> HttpResponse:
    """The registers of the county that the person may see, by pack, each with the number of its records."""
    seen = [r for r in registers(request.county.pk).values() if request.actor.has(r.verb("view"))]
    totals = queries.counts(request.actor, request.county.pk, seen)
    groups: dict[str, list[tuple[Register, int]]] = {}
    for register in seen:
        groups.setdefault(register.pack, []).append((register, totals.get(register.key, 0)))
    found = [(pack.name, groups[pack.pk]) for pack in Pack.objects.filter(pk__in=groups).order_by("pk")]
    if overlays.LOCAL in groups:
        found.append((OWN, groups[overlays.LOCAL]))
    may_review = any(request.actor.has(r.verb("review")) for r in registers(request.county.pk).values())
    context = {
        "packs": found,
        "may_review": may_review,
        "misfits": revising.misfit_counts(request.actor, request.county.pk, seen),
        "may_declare": access.has_county(request.actor, overlays.EDIT, request.county.pk),
    }
    return render(request, "records/index.html", context)


@dataclass(frozen=True)
class Listing:
    """What the address of a list asks for."""

    register: Register
    maker: Maker
    query: Query

    @property
    def typed(self) -> Mapping[str, str]:
        """The controls that say something."""
        return {name: value for name, value in self.maker.typed.items() if value}

    def link(self, **changes: object) -> str:
        """The same list with some controls changed; the page begins anew unless it is among them."""
        wanted = {**self.typed, "page": "", **{name: str(value) for name, value in changes.items()}}
        return f"?{urlencode({name: value for name, value in wanted.items() if value})}"


def asked(request: Request, register: Register) -> Listing:
    """Read the address of a list."""
    typed = tidy(register, saved.chosen(request.GET))
    query, problems = listed.read(register, typed)
    return Listing(register, Maker(request.actor, request.county.pk, typed, problems), query)


def listing(request: Request, register: str) -> HttpResponse:
    """The list of a register: search, filters, order, pages."""
    declared = found(request, register)
    mine = saved.seen(request, declared)
    elsewhere = saved.redirected(request, declared, mine)
    if elsewhere:
        return elsewhere
    wanted = asked(request, declared)
    columns = saved.columns(declared, wanted.typed)
    page = queries.query(request.actor, request.county.pk, register, wanted.query)
    known = shown.titles(request.actor, request.county.pk, wanted.register, page.entries)
    rows = [
        (
            entry,
            [shown.cell(entry, item, known) for item in columns],
            _remarkable(wanted.register, entry),
        )
        for entry in page.entries
    ]
    context = {
        "register": wanted.register, "rows": rows, "total": page.total, "is_more": page.is_more,
        "columns": list(_columns(wanted, columns)),
        "views": mine, "view": wanted.typed.get("view", ""), "may_share": saved.may_share(request, declared),
        "choosable": [(item, item in columns) for item in declared.fields.values() if item.kind not in NESTED],
        "builder": _builder(declared, wanted.typed.get("filter", "")),
        "misread": [p.message for p in wanted.maker.problems if p.path == "filter"], "link_view": wanted.link(view=""),
        "shown_controls": {n: v for n, v in wanted.typed.items() if n not in {"columns", "page"}},

        "filters": filters.filters(wanted.register, wanted.maker), "typed": wanted.maker.typed,
        "states": list(_states(wanted)), "areas": _areas(request), "first": wanted.query.offset + 1,
        "is_filtered": bool(wanted.typed.keys() - UNFILTERED), "last": wanted.query.offset + len(rows),
        "many_filters": bool(wanted.typed.keys() - UNFILTERED - {"q", "filter"}), "link_export": wanted.link(page=""),
        "may_create": request.actor.has(wanted.register.verb("create")), "links": _links(wanted, page.total),
        "misfits": revising.misfit_counts(request.actor, request.county.pk, [wanted.register]).get(register, 0),
        "pairs": duplicates.count(request.actor, request.county.pk, wanted.register), "most_pairs": duplicates.COUNTED,
        "may_change": any(request.actor.has(wanted.register.verb(verb)) for verb in ("edit", "delete")),
        "may_import": any(request.actor.has(wanted.register.verb(verb)) for verb in ("create", "edit")),
    }  # fmt: skip
    return render(request, "records/list.html", context)


def _remarkable(register: Register, entry: Entry) -> str:
    """The name of a state that is not where records begin."""
    return "" if entry.state == next(iter(register.states)) else shown.state(register, entry.state)


def _columns(wanted: Listing, columns: Collection[Field]) -> Iterator[dict[str, Any]]:
    """Heads of the list: name, link that orders by it, how it is ordered now."""
    order = wanted.query.order or wanted.register.order
    for item in columns:
        is_up, is_down = order == item.name, order == f"-{item.name}"
        is_orderable = item.kind in COMPARABLE and not item.privacy
        link = wanted.link(order=f"-{item.name}" if is_up else item.name) if is_orderable else ""
        yield {"field": item, "link": link, "is_up": is_up, "is_down": is_down, "is_number": item.kind in shown.NUMBERS}


def _builder(register: Register, text: str) -> dict[str, Any]:
    """What the page needs to click a condition together: fields with their choices, and the lines there are."""
    try:
        lines = built.groups(parse(text)) if text else built.groups(Every(()))
    except Cql2Error:
        lines = None
    fields = [
        {
            "name": item.name, "title": label(item.title), "kind": str(item.kind), "unit": label(item.unit),
            "choices": [[value, label(names)] for value, names in item.choices.items()],
        }
        for item in built.fields(register)
    ]  # fmt: skip
    return {"fields": fields, "lines": lines}


def _states(wanted: Listing) -> Iterator[Choice]:
    declared = wanted.register.states
    if len(declared) > 1:
        yield from (Choice(key, label(names)) for key, names in declared.items())
    yield Choice(WITHDRAWN, _("Withdrawn"))
    yield Choice(ALL, _("All, with the withdrawn"))


def _areas(request: Request) -> list[Choice]:
    """Towns of the county."""
    towns = Area.objects.towns(request.county).order_by("path")
    return [Choice(code, name) for code, name in towns.values_list("code", "name")]


def _links(wanted: Listing, total: int) -> dict[str, Any]:
    """Links to the page before and after."""
    number, last = wanted.query.offset // PAGE + 1, max(1, -(-total // PAGE))
    before = wanted.link(page=min(number - 1, last)) if number > 1 else ""
    return {
        "number": number,
        "last": last,
        "before": before,
        "after": wanted.link(page=number + 1) if number < last else "",
    }


def export(request: Request, register: str) -> HttpResponse:
    """The list as it is filtered and ordered now, as an Excel file."""
    wanted = asked(request, found(request, register))
    if queries.selected(request.actor, request.county.pk, wanted.register, wanted.query).count() > excel.AT_ONCE:
        asked_for = {"typed": dict(wanted.typed)}
        made = batches.begin(
            request.user, request.county.pk, register, Batch.Kind.EXPORT, Batch.State.WRITING, asked=asked_for
        )
        batches.start(made)
        return HttpResponseRedirect(reverse("records:batch", args=[register, made.pk]))
    entries = queries.scan(request.actor, request.county.pk, register, wanted.query)
    content = excel.workbook(request.actor, request.county.pk, wanted.register, entries)
    name = f"{label(wanted.register.title)}-{timezone.localdate():%Y%m%d}.xlsx"
    disposition = f"attachment; filename=\"{register}.xlsx\"; filename*=UTF-8''{quote(name)}"
    return HttpResponse(content, content_type=excel.MEDIA_TYPE, headers={"Content-Disposition": disposition})


def by_key(request: Request, register: str, key: str) -> HttpResponse:
    """To the record of a key, wherever somebody refers to it."""
    found(request, register)
    try:
        entry = queries.get(request.actor, request.county.pk, register, key)
    except NoRecord:
        raise Http404(key) from None
    survivor = merging.survivor_of(request.county.pk, register, key) if entry.is_withdrawn else None
    if survivor:
        with suppress(NoRecord):
            entry = queries.get(request.actor, request.county.pk, register, survivor)
    return HttpResponseRedirect(reverse("records:detail", args=[register, entry.id]))


def detail(request: Request, register: str, number: int) -> HttpResponse:
    """One record: its fields, where it is, what points at it, its history."""
    declared = found(request, register)
    return show(request, declared, entry_of(request, declared, number))


def show(request: Request, declared: Register, entry: Entry, **more: Any) -> HttpResponse:
    """The page of a record; `more` is what was asked to see it whole, and what is wrong with that."""
    known = shown.titles(request.actor, entry.county, declared, [entry])
    attached = shown.attachments_of(declared, entry)
    away = merging.active(entry.id) if entry.is_withdrawn else None
    masked = {field_of(path) for path in entry.masked} if may(request, declared, "unmask", entry) else set()
    context = {
        "register": declared, "entry": entry, "state": shown.state(declared, entry.state),
        "cells": [shown.cell(entry, item, known, attached) for item in shown.there(declared, entry)],
        "geometry": _feature(entry), "sketch": sketch_of(entry), "related": _related(request, entry),
        "panels": panels.panels(request, entry),
        "history": list(shown.steps(request.actor, entry.county, declared, queries.history(request.actor, entry.id))),
        "steps": _steps(request, declared, entry), "away": away, "survivor": _survivor(request, away),
        "merges": _merges(request, entry), "pairs": _pairs(request, declared, entry),
        "may_edit": may(request, declared, "edit", entry), "may_delete": may(request, declared, "delete", entry),
        "may_review": may(request, declared, "review", entry),
        "masked": [Choice(path, label(item.title)) for path, item in declared.everything if path in masked],
        "purposes": [Choice(key, label(names)) for key, names in PURPOSES.items()],
    }  # fmt: skip
    return render(request, "records/detail.html", {**context, **more}, status=422 if more.get("problems") else 200)


def _survivor(request: Request, away: Merge | None) -> Entry | None:
    """What the record was merged into, if the person may see it."""
    with suppress(NoRecord):
        return queries.get_by_id(request.actor, away.survivor_id) if away else None
    return None


def _merges(request: Request, entry: Entry) -> list[tuple[Merge, Entry]]:
    """What was merged into the record, of what the person may see."""
    made = []
    for merge in merging.merged_into(entry.id):
        with suppress(NoRecord):
            made.append((merge, queries.get_by_id(request.actor, merge.away_id)))
    return made


def _pairs(request: Request, register: Register, entry: Entry) -> list[tuple[int, Entry]]:
    """Records that are probably this one: number of the pair, the other."""
    if entry.is_withdrawn or not register.hints.get("duplicates"):
        return []
    rows = duplicates.pairs(request.actor, entry.county, register).filter(Q(first=entry.id) | Q(second=entry.id))
    found = duplicates.couples(request.actor, register, list(rows[: duplicates.SHOWN]))
    return [(one.pair.pk, one.second if one.first.id == entry.id else one.first) for one in found]


def _steps(request: Request, register: Register, entry: Entry) -> list[Transition]:
    """Into which states the person may take the record now."""
    steps = [step for step in register.transitions if step.start == entry.state]
    if entry.state not in register.states and not entry.is_withdrawn:  # a state that is no more
        first, name = next(iter(register.states.items()))
        steps = [Transition(entry.state, first, "edit", name)]
    return [step for step in steps if may(request, register, step.verb, entry)]


def unfit(request: Request, register: str) -> HttpResponse:
    """Records that forbid what is declared now, each with the reason."""
    declared = found(request, register)
    page = Paginator(revising.misfits(request.actor, request.county.pk, declared), PAGE).get_page(
        request.GET.get("page")
    )
    titles = {path: label(item.title) for path, item in declared.everything} | dict(shown.own_names())
    rows = [
        (row, [(titles.get(NUMBER.sub("", p["path"]), p["path"]), label(p["message"])) for p in row.misfit.problems])
        for row in page
    ]
    context = {"register": declared, "page": page, "rows": rows, "may_edit": request.actor.has(declared.verb("edit"))}
    return render(request, "records/unfit.html", context)


def file(request: Request, register: str, file_id: UUID, number: int = 0) -> HttpResponseBase:
    """An attachment of a record, or one's own upload; `?as=thumb` and `?as=copy` are photos without metadata."""
    declared = found(request, register)
    if number:
        entry_of(request, declared, number)
    return answer(request.actor, request.county.pk, file_id, request.GET.get("as", ""), number)


def _feature(entry: Entry) -> dict[str, Any] | None:
    if entry.geometry is None:
        return None
    properties = {"title": entry.title, "simulated": entry.is_simulated}
    return {"type": "Feature", "geometry": mapping(entry.geometry), "properties": properties}


def sketch_of(entry: Entry) -> Sketch | None:
    """The record drawn in its county."""
    outline = Area.objects.filter(county_id=entry.county, code=entry.county).first()
    frame: Any = outline.geometry if outline else None
    return sketch(entry.geometry, frame) if entry.geometry is not None else None


def _related(request: Request, entry: Entry) -> list[dict[str, Any]]:
    pointing = queries.related(request.actor, entry.county, entry.register, entry.key)
    return [
        {"register": other, "field": other.fields[name], "page": page, "link": f"?f.{name}={quote(entry.key)}"}
        for other, name, page in pointing
    ]
