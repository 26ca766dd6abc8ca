"""The review of a reading: the text on the left, what was read of it on the right, each leading to the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import importing, rulings
from shizhu.engines.plan.clauses import key_of
from shizhu.engines.plan.findings import explained, subject
from shizhu.engines.plan.http.views import EDIT, no_plan, plan_of
from shizhu.engines.plan.models import Plan, Ruling
from shizhu.engines.plan.typed import MOST, finite
from shizhu.kernel import access
from shizhu.web.middleware import Request
from shizhu.web.templatetags import shizhu as filters

Row = dict[str, Any]
WIDEST = 24  # letters of a column that count for its width
SHOWN = ("contradictions", "unsure", "indicators", "tasks")


def page(request: Request) -> HttpResponse:
    """Text and rows; `show` says which rows."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    document = plan.document or {}
    decided = rulings.newest(plan)
    text = plan.text.splitlines()
    rows = {
        "contradictions": [_contradiction(item, decided, text) for item in document.get("contradictions", [])],
        "unsure": [_doubt(item, decided) for item in document.get("unsure", [])],
        "indicators": _indicators(plan, document.get("indicators", [])),
        "tasks": [_task(item) for item in document.get("tasks", [])],
    }
    shown = request.GET.get("show", "")
    shown = shown if shown in SHOWN else next((name for name in SHOWN if rows[name]), SHOWN[0])
    tabs = [(name, len(rows[name]), sum(1 for row in rows[name] if row.get("is_open"))) for name in SHOWN]
    context = {
        "plan": plan, "lines": _lines(text, document.get("source", {}).get("pages", [])), "rows": rows[shown],
        "shown": shown, "tabs": tabs, "may_edit": request.actor.has(EDIT),
    }  # fmt: skip
    return render(request, "plan/review.html", context)


def _lines(text: Sequence[str], pages: Sequence[int]) -> list[Row]:
    """The lines that say something; those of a table as cells, each with its share of the width, the first of a page
    with its number."""
    numbers = {first: number for number, first in reversed(list(enumerate(pages, 1)))}
    lines = list[dict[str, Any]]()
    opened = 0
    for number, line in enumerate(text, 1):
        opened = numbers.get(number, opened)
        if line.strip():
            cells = [cell.strip().replace("<br>", " ") for cell in line.strip().strip("|").split("|")]
            is_row = line.startswith("| ") and len(cells) > 1
            lines.append({"number": number, "text": line, "cells": cells if is_row else (), "page": opened})
            opened = 0
    for _cells, table in groupby(lines, key=lambda line: len(line["cells"])):
        rows = list(table)
        shares = [
            min(max(map(len, column)), WIDEST) + 2 for column in zip(*(row["cells"] for row in rows), strict=True)
        ]
        for row in rows:
            row["cells"] = list(zip(row["cells"], shares, strict=True))
    return lines


def _place(item: Mapping[str, Any]) -> Row:
    place = item.get("place") or {}
    return {"first": place.get("from"), "last": place.get("to")}


def _contradiction(item: Mapping[str, Any], decided: Mapping[str, Ruling], text: Sequence[str]) -> Row:
    name = rulings.name_of(item)
    readings = [
        {**reading, **_place(reading), "line": _line(text, reading), "typed": str(reading.get("value"))}
        for reading in item.get("readings", [])
    ]
    ruling = decided.get(name)
    return {
        "finding": name, "title": item.get("subject"), "why": explained(item), "readings": readings, "ruling": ruling,
        "is_open": ruling is None, "first": readings[0]["first"] if readings else None,
        "last": readings[0]["last"] if readings else None,
    }  # fmt: skip


def _line(text: Sequence[str], item: Mapping[str, Any]) -> str:
    first = _place(item)["first"]
    return text[first - 1].strip() if first and first <= len(text) else ""


def _doubt(item: Mapping[str, Any], decided: Mapping[str, Ruling]) -> Row:
    name = rulings.name_of(item)
    ruling = decided.get(name)
    return {
        "finding": name, "title": subject(item), "why": explained(item), "ruling": ruling, "is_open": ruling is None,
        **_place(item),
    }  # fmt: skip


def _indicators(plan: Plan, items: Sequence[Mapping[str, Any]]) -> list[Row]:
    twins = importing.Twins(plan)
    taken = {one.key for one in twins.indicators}
    rows = []
    for item in items:
        mentions = [_place({"place": place}) for place in item.get("mentions", [])]
        is_sentence = item.get("found_in") == "sentence"
        grown = item.get("growth")
        printed = f"+{filters.number(grown)}" if is_sentence and grown is not None else (item.get("growth_text") or "")
        rows.append(
            {
                **item,
                **_read(item),
                "is_sentence": is_sentence,
                "growth_told": printed if item.get("growth_is_total") or "%" in printed else f"{printed} %",
                "is_taken": key_of(item) in taken,
                "twin": twins.of(item) if is_sentence else None,
                "mentions": mentions,
            }
        )
    return rows


def _task(item: Mapping[str, Any]) -> Row:
    return {**item, **_read(item)}


def _read(item: Mapping[str, Any]) -> Row:
    """Where and how surely a row was read, and what lowers that."""
    doubts = [explained({"rule": sign, "why": sign}) for sign in item.get("signs", [])]
    percent = round(100 * item["confidence"]) if "confidence" in item else None
    return {**_place(item), "title": item["name"], "percent": percent, "doubts": doubts}


def _back(request: Request, plan: Plan, shown: str) -> HttpResponse:
    return redirect(f"{reverse('plan:review')}?plan={plan.code}&show={shown}")


def _has_values(plan: Plan, finding: str) -> bool:
    """Whether a finding offers values to choose from."""
    readings = rulings.findings(plan).get(finding, {}).get("readings", [])
    return any(reading.get("value") is not None for reading in readings)


@require_POST
def settle(request: Request) -> HttpResponse:
    """Decide a finding: one of its values, another value, that it was looked at, or that it is open again."""
    access.require_verb(request.actor, EDIT)
    plan = plan_of(request)
    shown = request.POST.get("show", "")
    if plan is None:
        return redirect("plan:overview")
    note, given = request.POST.get("note", "").strip(), request.POST.get("value", "")
    given = request.POST.get("other", "").strip() if given == "other" else given
    decision = rulings.OPEN if "reopen" in request.POST else rulings.VALUE if given else rulings.SEEN
    try:
        value = finite(given) if decision == rulings.VALUE else None
    except ValueError:
        messages.error(request, _("%s is no number.") % given)
        return _back(request, plan, shown)
    if value is not None and abs(value) > MOST:
        messages.error(request, _("The number is too large."))
    elif (
        decision == rulings.SEEN and "value" not in request.POST and _has_values(plan, request.POST.get("finding", ""))
    ):
        messages.error(request, _("Choose which value holds, or that none is changed."))
    elif not note and decision != rulings.OPEN:
        messages.error(request, _("Say why."))
    else:
        try:
            person = request.user
            rulings.settle(plan, request.POST.get("finding", ""), decision, note=note[:300], by=person, value=value)
        except KeyError:
            messages.error(request, _("This finding is not in the text any more. Look at the page anew."))
        else:
            done = _("Open again.") if decision == rulings.OPEN else _("Decided.")
            messages.success(request, done)
    return _back(request, plan, shown)


@require_POST
def adopt(request: Request) -> HttpResponse:
    """Make an indicator of a target that a sentence states, or no longer (`undo`)."""
    access.require_verb(request.actor, EDIT)
    plan = plan_of(request)
    if plan is None:
        return redirect("plan:overview")
    if "undo" in request.POST:
        try:
            gone = importing.give_up(plan, request.POST.get("key", ""))
        except importing.InUse as name:
            told = _("%s has values or somebody who reports it. Nothing was changed.")
            messages.error(request, told % name)
        else:
            if gone is None:
                raise Http404
            messages.success(request, _("%s is no indicator any more.") % gone)
        return _back(request, plan, "indicators")
    try:
        made = importing.adopt(plan, request.POST.get("key", ""), anyway=bool(request.POST.get("anyway")))
    except importing.Doubled as twin:
        told = _("%s is an indicator of the same target already. Nothing was changed; say so if this is another one.")
        messages.error(request, told % twin)
        return _back(request, plan, "indicators")
    if made is None:
        messages.error(request, _("This target is not in the text any more. Look at the page anew."))
    else:
        messages.success(request, _("%s is an indicator now.") % made.name)
    return _back(request, plan, "indicators")
