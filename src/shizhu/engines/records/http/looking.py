"""Private fields whole, for a purpose; and who looked, for those who review it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import looks as store
from shizhu.engines.records.catalogue import registers
from shizhu.engines.records.contracts import Refused
from shizhu.engines.records.http import pages
from shizhu.engines.records.logic.privacy import PURPOSES
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.models import Look
from shizhu.engines.records.references import Choice
from shizhu.kernel import access
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

PAGE = 50


@require_POST
def unmask(request: Request, register: str, number: int) -> HttpResponse:
    """The record with the chosen fields whole, on this one page."""
    declared = pages.found(request, register)
    entry = pages.entry_of(request, declared, number)
    asked = {name: request.POST.get(name, "") for name in ("purpose", "reason")}
    fields = request.POST.getlist("fields")
    try:
        opened = store.unmask(request.actor, entry.id, fields, asked["purpose"], asked["reason"])
    except Refused as refused:
        problems = [(_told(found.path), label(found.message)) for found in refused.problems]
        return pages.show(request, declared, entry, asked={**asked, "fields": fields}, problems=problems)
    answer = pages.show(request, declared, opened, purpose=label(PURPOSES[asked["purpose"]]))
    answer["Cache-Control"] = "no-store"
    return answer


def _told(path: str) -> str:
    return {"purpose": _("Purpose"), "reason": _("Reason")}.get(path, _("Fields"))


def looks(request: Request) -> HttpResponse:
    """Who saw which private fields whole, when and what for."""
    among = {key: r for key, r in registers(request.county.pk).items() if request.actor.has(r.verb("review"))}
    access.require_verb(request.actor, next(iter(among.values())).verb("review") if among else "records.*.*.review")
    typed = {name: request.GET.get(name, "").strip() for name in ("register", "person", "from", "to", "record")}
    chosen = [among[typed["register"]]] if typed["register"] in among else list(among.values())
    rows = store.looks(request.actor, request.county.pk, chosen)
    if typed["person"]:
        rows = rows.filter(person__name__icontains=typed["person"])
    if number := whole(typed["record"]):
        rows = rows.filter(record=number)
    first, last = _day(typed["from"]), _day(typed["to"])
    rows = rows.filter(at__gte=first) if first else rows
    rows = rows.filter(at__lt=last + timedelta(days=1)) if last else rows
    page = Paginator(rows, PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page, "typed": typed, "lines": [_line(look, among) for look in page],
        "registers": [Choice(key, label(r.title)) for key, r in among.items()],
    }  # fmt: skip
    return render(request, "records/looks.html", context)


def _line(look: Look, among: dict[str, Register]) -> dict[str, Any]:
    register = among[look.register]
    titles = {path: label(item.title) for path, item in register.everything}
    return {
        "look": look, "register": register, "purpose": label(PURPOSES.get(look.purpose, look.purpose)),
        "fields": "、".join(titles.get(path, path) for path in look.fields),
    }  # fmt: skip


def _day(text: str) -> datetime | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return timezone.make_aware(datetime.combine(day, time())) if 1 < day.year < 9999 else None
