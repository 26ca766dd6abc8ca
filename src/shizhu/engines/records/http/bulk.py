"""Changing many rows: those ticked in a list, or all that fit its filter."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import batches, queries
from shizhu.engines.records.http import listed, pages
from shizhu.engines.records.http.inputs import Maker, read, sent, tidy
from shizhu.engines.records.logic.register import NESTED, Field, Kind, Register
from shizhu.engines.records.models import Batch
from shizhu.engines.records.references import Choice
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

MOST = 100_000  # rows of one change
AT_ONCE = 200  # rows that are dealt with while the person waits
NUMBER = re.compile(r"[0-9]{1,18}")
State = Batch.State


def may(request: Request, register: Register) -> bool:
    """Whether the person may change or withdraw rows anywhere in the register."""
    return request.actor.has(register.verb("edit")) or request.actor.has(register.verb("delete"))


@require_POST
def choose(request: Request, register: str) -> HttpResponse:
    """Say what shall be changed in the rows that were chosen."""
    declared = pages.found(request, register)
    if not may(request, declared):
        raise PermissionDenied(register)
    rows = _chosen(request, declared)
    if not rows or len(rows) > MOST:
        said = _("A change may have 100,000 rows. Filter first.") if rows else _("Tick some rows first.")
        messages.error(request, said)
        return HttpResponseRedirect(reverse("records:list", args=[register]) + _back(request))
    maker = Maker(request.actor, request.county.pk, {})
    states = [Choice(key, label(names)) for key, names in declared.states.items()]
    context = {
        "register": declared, "rows": ",".join(f"{pk}:{version}" for pk, version in rows), "total": len(rows),
        "inputs": [replace(one, is_required=False) for item in _changeable(declared) for one in maker.of(item)],
        "states": states if len(states) > 1 else [], "back": _back(request),
        "may_edit": request.actor.has(declared.verb("edit")), "may_delete": request.actor.has(declared.verb("delete")),
    }  # fmt: skip
    return render(request, "records/change.html", context)


def _back(request: Request) -> str:
    asked = request.POST.get("asked", "")
    return asked if asked.startswith("?") else ""


def _changeable(register: Register) -> list[Field]:
    """Fields that may be given one value in many rows."""
    unfit = NESTED | {Kind.FILE, Kind.FILES}
    fixed = {register.key_field, *(name for group in register.unique for name in group)}
    return [f for f in register.fields.values() if f.kind not in unfit and not f.computed and f.name not in fixed]


def _chosen(request: Request, register: Register) -> list[tuple[int, int]]:
    """(number, version) of the rows that were ticked, or of all that fit."""
    if request.POST.get("all"):
        typed = tidy(register, dict(parse_qsl(_back(request).removeprefix("?"))))
        wanted, problems = listed.read(register, typed)
        found = queries.selected(request.actor, request.county.pk, register, wanted)
        return [] if problems else list(found.order_by("id").values_list("pk", "version")[: MOST + 1])
    return _pairs(",".join(request.POST.getlist("row")))


def _pairs(text: str) -> list[tuple[int, int]]:
    pairs = (part.split(":") for part in text.split(","))
    read = [(whole(pair[0]), whole(pair[1], -1)) for pair in pairs if len(pair) == 2]
    return [(pk, version) for pk, version in read if pk and version >= 0]


@require_POST
def check(request: Request, register: str) -> HttpResponse:
    """Keep what was chosen, and see what would happen."""
    declared = pages.found(request, register)
    if not may(request, declared):
        raise PermissionDenied(register)
    typed = tidy(declared, sent(request.POST))
    named = set(request.POST.getlist("change"))
    fields = {item.name for item in _changeable(declared)} & named
    changes = read(declared, {name: value for name, value in typed.items() if name in fields})
    rows = _pairs(request.POST.get("rows", ""))[:MOST]
    own: dict[str, str] = {name: typed.get(name, "") for name in ("_organisation", "_area", "_state") if name in named}
    asked: dict[str, Any] = {
        "rows": rows, "changes": {name: changes.get(name) for name in fields},
        "withdraw": request.POST.get("act") == "withdraw", **own,
    }  # fmt: skip
    batch = batches.begin(
        request.user, request.county.pk, register, Batch.Kind.CHANGE, State.CHECKING, asked=asked, total=len(rows)
    )
    batches.start(batch, at_once=len(rows) <= AT_ONCE)
    return HttpResponseRedirect(reverse("records:batch", args=[register, batch.pk]))
