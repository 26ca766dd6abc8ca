"""What people do about a case beside answering its tasks, from its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.engines.cases import acting
from shizhu.engines.cases.acting import CannotNow, Kind
from shizhu.engines.cases.assignment import APPROVE, require_seen, to_choose
from shizhu.engines.cases.models import Case, Helper, Petition, Task
from shizhu.kernel import access
from shizhu.kernel.models import Person
from shizhu.kernel.text import in_words
from shizhu.lib.numbers import whole
from shizhu.lib.times import typed
from shizhu.web.middleware import Request

KINDS = {
    "pause": gettext_noop("Pause for supplements"), "extend": gettext_noop("More time"),
    "return": gettext_noop("Give back"), "void": gettext_noop("Void the case"),
}  # fmt: skip


def person_of(request: Request) -> Person:
    """The active person of the field `person`. Raises CannotNow."""
    found = Person.objects.filter(username=request.POST.get("person", "").strip(), is_active=True).first()
    if found is None:
        raise CannotNow(_("Choose a person."))
    return found


def number_of(request: Request, name: str) -> int:
    """The whole number of a field, 0 for none."""
    return whole(request.POST.get(name, ""))


def _until(request: Request) -> datetime:
    try:
        day = datetime.fromisoformat(request.POST.get("until", "")).date()
    except ValueError:
        raise CannotNow(_("Say why, and a date to come.")) from None
    return timezone.make_aware(datetime.combine(day, time(23, 59)))


def _at(request: Request) -> datetime:
    try:
        return typed(request.POST.get("at", ""), timezone.get_current_timezone())
    except ValueError:
        raise CannotNow(_("Choose a time to come.")) from None


def _do(request: Request, case: Case) -> None:
    do, why, who = request.POST.get("do", ""), request.POST.get("why", ""), request.actor
    task = number_of(request, "task")
    moves: dict[str, Callable[[], Any]] = {
        **{kind: partial(acting.ask, who, task, kind, why, f"P{number_of(request, 'days')}D") for kind in KINDS},
        "grant": lambda: acting.decide(who, number_of(request, "petition"), is_granted=True, why=why),
        "refuse": lambda: acting.decide(who, number_of(request, "petition"), is_granted=False, why=why),
        "resume": lambda: acting.resume(who, case.pk),
        "hand": lambda: acting.hand_over(who, task, person_of(request), why),
        "invite": lambda: acting.invite(who, task, person_of(request)),
        "arrange": lambda: acting.arrange(who, task, _at(request), request.POST.get("where", "")[:200]),
        "say": lambda: acting.contribute(who, number_of(request, "helper"), why),
        "supplement": lambda: acting.supplement(who, task, why),
        "supplied": lambda: acting.supplied(who, task, why),
        "urge": lambda: acting.urge(who, task, why),
        "supervise": lambda: acting.supervise(who, case.pk, _until(request), why),
    }  # fmt: skip
    if do not in moves:
        raise CannotNow(_("Choose what to do."))
    moves[do]()


@require_POST
def act(request: Request, number: int) -> HttpResponse:
    """One of the moves; what does not fit is said, and nothing is changed."""
    case = get_object_or_404(Case.objects.select_related("organisation", "area"), pk=number, county=request.county)
    require_seen(request.actor, case)
    try:
        _do(request, case)
    except CannotNow as error:
        messages.warning(request, str(error))
    except (Task.DoesNotExist, Petition.DoesNotExist, Helper.DoesNotExist):
        messages.warning(request, _("There is none, or none that you may see."))
    else:
        messages.success(request, _("Done, and on the timeline."))
    return redirect("cases:approval" if request.POST.get("back") == "approval" else "cases:detail", case.pk)


def offered(request: Request, case: Case, tasks: list[dict[str, Any]]) -> dict[str, Any]:
    """What this person may do on the page of a case: petitions to decide and moves per task."""
    who = request.actor
    may = {
        word: access.may(
            who, f"cases.case.{word}", county=case.county_id, organisation=case.organisation, area=case.area
        )
        for word in ("approve", "urge", "supervise")
    }
    is_open = case.status == Case.Status.OPEN
    rows = list(case.petitions.select_related("asked_by", "decided_by"))
    petitions = [
        {
            "row": row, "kind": _(KINDS[row.kind]), "span": in_words(row.span),
            "may_decide": may["approve"] and row.decided_at is None and row.asked_by_id != who.person_id,
        }
        for row in rows
    ]  # fmt: skip
    waiting = any(row.decided_at is None for row in rows)
    deciders = {post.person.name for post in access.posts_over(APPROVE, case)} if waiting else set()
    helpers = Helper.objects.filter(task__case=case).select_related("person", "task")
    mine = any(item["may_do"] for item in tasks)
    return {
        "petitions": petitions, "deciders": sorted(deciders), "helpers": helpers, "may": may, "is_open": is_open,
        "may_resume": is_open and case.paused_at is not None and (mine or may["approve"]),
        "people": to_choose(case) if is_open and (mine or may["approve"]) else (),
        "tomorrow": timezone.localdate() + timedelta(days=1), "kinds": [(k, _(text)) for k, text in KINDS.items()],
        "extend": Kind.EXTEND,
    }  # fmt: skip
