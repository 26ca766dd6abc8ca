"""Pages of what the field asks a response for: one of them with its answer, and the list on the command post."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import emergencies, needs, stock
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import to_choose
from shizhu.engines.cases.http import acting
from shizhu.engines.cases.models import Case, Need
from shizhu.engines.cases.stock import CannotMove
from shizhu.engines.records import api as records
from shizhu.kernel.text import spoken
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

ROWS = Need.objects.select_related("case__organisation", "case__area", "area", "asked_by", "answered_by", "order")
MINUTES = 60  # within which a team comes, unless somebody says otherwise


def described(one: Need) -> dict[str, Any]:
    """One as pages show it: how long it waited, or waits, and whether that is too long."""
    until = one.answered_at or one.case.closed_at or timezone.now()
    offline = one.asked_at - one.written_at
    return {
        "one": one, "words": needs.words(one), "whither": needs.whither(one),
        "waited": spoken(one.asked_at, until), "is_late": until > one.due_at,
        "offline": spoken(one.written_at, one.asked_at) if offline.total_seconds() >= 120 else "",
        "is_over": one.state == Need.State.OPEN and one.case.status == Case.Status.CLOSED,
    }  # fmt: skip


def listed(request: Request, case: Case) -> dict[str, Any]:
    """What the command post shows: open ones first, the most urgent of them first; and whether one may ask."""
    rows = [described(one) for one in ROWS.filter(case=case)]
    rows.sort(key=lambda row: (row["one"].state != Need.State.OPEN, row["one"].due_at))
    is_open = case.status == Case.Status.OPEN
    return {"rows": rows, "may_ask": is_open and bool(needs.towns(request.actor, case))}


def page(request: Request, number: int) -> HttpResponse:
    """One: what is asked and what was answered; whoever may answer has the three ways; nothing else is changed."""
    one = get_object_or_404(ROWS, pk=number, case__county=request.county)
    if not needs.may_see(request.actor, one):
        raise PermissionDenied(f"{request.actor.name or 'nobody'} may not see need {number}")
    if request.method == "POST":
        try:
            _answer(request, one)
        except (CannotNow, CannotMove) as error:
            messages.warning(request, str(error))
        else:
            messages.success(request, _("Answered. Who asked has been told."))
        return redirect("cases:need", number)
    case, who = one.case, request.actor
    may_answer = one.state == Need.State.OPEN and case.status == Case.Status.OPEN and needs.may_answer(who, case)
    commands = may_answer and emergencies.command_task(who, case) is not None
    context = {
        **described(one), "case": case, "may_answer": may_answer, "commands": commands, "minutes": MINUTES,
        "teams": _teams(request, case) if commands else (), "people": to_choose(case) if commands else (),
        "lying": _lying(request, case) if may_answer and who.has(stock.MOVE) else (),
        "is_mine": one.asked_by_id == who.person_id,
    }  # fmt: skip
    return render(request, "cases/need.html", context)


def _answer(request: Request, one: Need) -> None:
    given, who = request.POST, request.actor
    match given.get("do"):
        case "team":
            minutes = whole(given.get("minutes", ""))
            needs.send_team(who, one.pk, given.get("team", ""), acting.person_of(request), minutes)
        case "stock":
            book, _sign, rest = given.get("lying", "").partition("|")
            article, _sign, place = rest.partition("|")
            register, _sign, key = place.partition("/")
            needs.issue(who, one.pk, book, (article, register, key), Decimal(whole(given.get("quantity", ""))))
        case "refuse":
            needs.refuse(who, one.pk, given.get("why", ""))
        case _:
            raise CannotNow(_("Choose what to do."))


def _teams(request: Request, case: Case) -> list[records.Entry]:
    register = emergencies.plans(case.county_id)[case.flow].get("near", {}).get("teams", "")
    try:
        return list(records.scan(request.actor, case.county_id, register, records.Query()))
    except records.UnknownRegister:
        return []


def _lying(request: Request, case: Case) -> list[tuple[str, str]]:
    """(value, words) of what lies in stores of the books."""
    found, county = [], case.county_id
    for book, body in stock.books(county).items():
        places = {
            (register, row.key): row.title
            for register in body["places"]
            for row in records.scan(request.actor, county, register, records.Query())
        }
        for one in stock.held(request.actor, county, book):
            if (place := (one.register, one.place)) in places:
                value = f"{book}|{one.article}|{one.register}/{one.place}"
                found.append((value, f"{one.title} {one.amount} · {places[place]}"))
    return found
