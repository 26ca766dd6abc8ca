"""Two versions of a record side by side, and an old one made the newest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import queries, store
from shizhu.engines.records.contracts import Entry, FieldChange, NoRecord, Refused, StaleRecord
from shizhu.engines.records.http import inputs, pages, shown
from shizhu.engines.records.logic.register import Register
from shizhu.engines.records.logic.values import Problem
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request


def compare(request: Request, register: str, number: int) -> HttpResponse:
    """What differs between two versions; unless said the newest and the one before."""
    declared = pages.found(request, register)
    entry = pages.entry_of(request, declared, number)
    newer = _asked(request, "b") or entry.version
    return _page(request, declared, entry, (_asked(request, "a") or max(newer - 1, 1), newer))


def _asked(request: Request, name: str) -> int:
    return whole(request.GET.get(name, ""), digits=8)


def _page(
    request: Request, register: Register, entry: Entry, pair: tuple[int, int], problems: tuple[Problem, ...] = ()
) -> HttpResponse:
    facts = [queries.facts_at(request.actor, entry.id, version) for version in pair]
    if not all(facts):
        raise Http404(str(pair))
    steps = {step.version: step for step in queries.history(request.actor, entry.id)}
    titles = {path: label(item.title) for path, item in register.everything} | dict(shown.own_names())
    context = {
        "register": register, "entry": entry, "pair": [steps[version] for version in pair],
        "steps": list(reversed(steps.values())),
        "lines": sorted(_lines(request.actor, entry.county, register, *facts), key=lambda line: not line["differs"]),
        "may_edit": not entry.is_withdrawn and pages.may(request, register, "edit", entry),
        "problems": [(titles.get(inputs.NUMBER.sub("", p.path), p.path), label(p.message), p.value) for p in problems],
    }  # fmt: skip
    return render(request, "records/versions.html", context, status=422 if problems else 200)


def _lines(
    who: Actor, county: str, register: Register, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Every field that either version has: its name, and both values as lines that say whether the other has them."""
    fields = dict(inputs.flat(register))
    own = shown.own_names()
    names = [*own, *fields]
    names += [name for name in {**before, **after} if name not in register.fields and name not in own]
    both = [(name, inputs.at(before, name), inputs.at(after, name)) for name in names]
    changes = tuple(FieldChange(*one) for one in both if one[1:] != (None, None))
    known = shown.titles_in(who, county, register, changes)
    for change in changes:
        item = fields.get(change.path)
        words = [shown.word(register, change.path, item, value, known) for value in (change.old, change.new)]
        old, new = (text.splitlines() for text in words)
        yield {
            "title": label(item.title) if item else own.get(change.path, change.path), "differs": words[0] != words[1],
            "old": [(line, line not in new) for line in old], "new": [(line, line not in old) for line in new],
        }  # fmt: skip


@require_POST
def revert(request: Request, register: str, number: int, version: int) -> HttpResponse:
    """Make an old version the newest."""
    declared = pages.found(request, register, "edit")
    entry = pages.entry_of(request, declared, number)
    try:
        store.revert(request.actor, entry.id, version, whole(request.POST.get("version", "")))
    except NoRecord:
        raise Http404(str(version)) from None
    except Refused as refused:
        return _page(request, declared, entry, (version, entry.version), refused.problems)
    except StaleRecord:
        messages.error(request, _("Somebody changed this record since you opened it. Look at it again first."))
    else:
        messages.success(request, _("Version %s is the newest again.") % version)
    return HttpResponseRedirect(reverse("records:detail", args=[register, number]))
