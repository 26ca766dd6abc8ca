"""The page of a key task: content, money by year, risks, place, what is to be shown for it and when."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import keytasks, pieces, telling
from shizhu.engines.plan.http.clauses import visible_nodes, visible_pieces
from shizhu.engines.plan.http.views import EDIT, VIEW, unit_of
from shizhu.engines.plan.models import Budget, Risk, Step, Task
from shizhu.engines.plan.people import SEE
from shizhu.engines.plan.periods import FIRST_YEAR, LAST_YEAR
from shizhu.engines.plan.typed import amount, finite, whole
from shizhu.kernel import access
from shizhu.web.middleware import Request


def _task(request: Request, number: int, verb: str) -> Task:
    access.require_verb(request.actor, verb)
    return get_object_or_404(Task.objects.select_related("plan"), pk=number, plan__county=request.county)


def page(request: Request, number: int) -> HttpResponse:
    """One task."""
    task = _task(request, number, VIEW)
    budgets = list(task.budgets.all())
    years = sorted({one.year for one in budgets})
    shown = visible_nodes(request.actor, request.county.pk).filter(piece__clause__task=task).order_by("due_on", "pk")
    own = visible_pieces(request.actor, request.county.pk).filter(clause__task=task)
    steps = Step.objects.filter(Q(piece=None) | Q(piece__in=own.values("pk")), clause__task=task)
    context = {
        "task": task, "plan": task.plan, "clause": task.clauses.first(), "budgets": budgets,
        "sum": keytasks.money(budgets),
        "years": [(year, keytasks.money(one for one in budgets if one.year == year)) for year in years],
        "risks": [
            (one, keytasks.colour(one), keytasks.level_name(one))
            for one in keytasks.gravest_first(task.risks.all())
        ],
        "levels": keytasks.LEVEL_NAMES.items(),
        "nodes": [(node, telling.rule_of(node)) for node in shown] if request.actor.has(SEE) else [],
        "story": telling.story(steps.select_related("person", "piece__organisation")[:200])
        if request.actor.has(SEE) else [],
        "waits_for": task.waits_for.select_related("before"), "awaited_by": task.awaited_by.select_related("after"),
        "may_edit": request.actor.has(EDIT), "may_map": request.actor.has("maps.map.view"),
        "units": pieces.units(request.county.pk),
    }  # fmt: skip
    return render(request, "plan/task.html", context)


@require_POST
def budget(request: Request, number: int) -> HttpResponse:
    """Keep the money of a year and fund; what is planned left empty takes the row away."""
    task, told = _task(request, number, EDIT), request.POST
    year, fund = whole(told.get("year", "")), told.get("fund", "").strip()[:60]
    back = redirect("plan:task", number)
    try:
        planned, spent = amount(told.get("planned", "")), amount(told.get("spent", ""))
    except ValueError:
        messages.error(request, _("Money is told in numbers, in 10,000 yuan."))
        return back
    if not FIRST_YEAR <= year <= LAST_YEAR or not fund or min(planned or 0, spent or 0) < 0:
        messages.error(request, _("Say the year and where the money comes from; money is not negative."))
    elif planned is None:
        gone, _rows = Budget.objects.filter(task=task, year=year, fund=fund).delete()
        if gone:
            messages.success(request, _("The row was taken away."))
        else:
            messages.error(request, _("Say how much is planned, 0 for nothing."))
    else:
        keytasks.keep_budget(task, year, fund, planned, spent, request.user)
        messages.success(request, _("The money is kept."))
    return back


@require_POST
def risk(request: Request, number: int) -> HttpResponse:
    """Name a risk: what, how grave, who answers for it, what is done against it."""
    task, told = _task(request, number, EDIT), request.POST
    name, measure = told.get("name", "").strip()[:100], told.get("measure", "").strip()[:500]
    unit, level = unit_of(request, told.get("organisation", "")), told.get("level", "")
    if not name or not measure or unit is None or level not in Risk.Level.values:
        messages.error(request, _("A risk says what, how grave, who answers for it, and what is done against it."))
    elif task.risks.filter(name=name).exists():
        messages.error(request, _("%s is there already.") % name)
    else:
        Risk.objects.create(
            task=task, name=name, level=level, organisation=unit, measure=measure, opened_by=request.user
        )
        messages.success(request, _("The risk is kept."))
    return redirect("plan:task", number)


@require_POST
def close_risk(request: Request, number: int) -> HttpResponse:
    """Close a risk, and say why."""
    access.require_verb(request.actor, EDIT)
    found = get_object_or_404(Risk, pk=number, task__plan__county=request.county)
    outcome = request.POST.get("outcome", "").strip()
    if not outcome:
        messages.error(request, _("Say why the risk is over."))
    elif keytasks.close(found, outcome, request.user):
        messages.success(request, _("The risk is closed."))
    else:
        messages.error(request, _("The risk was closed already."))
    return redirect("plan:task", found.task_id)


@require_POST
def place(request: Request, number: int) -> HttpResponse:
    """Say where a task is done, "longitude, latitude" in WGS 84; nothing takes the place away."""
    task, told = _task(request, number, EDIT), request.POST.get("place", "").strip()
    try:
        longitude, latitude = map(finite, told.replace("，", ",").split(",")) if told else (None, None)
    except ValueError:
        longitude, latitude = 999.0, 999.0
    if longitude is not None and latitude is not None and not (abs(longitude) <= 180 and abs(latitude) <= 90):
        messages.error(request, _("A place is longitude and latitude in degrees, such as 108.112, 29.999."))
        return redirect("plan:task", number)
    task.longitude, task.latitude = longitude, latitude
    task.edited = sorted({*task.edited, "longitude", "latitude"})
    task.save(update_fields=["longitude", "latitude", "edited"])
    messages.success(request, _("The place is kept."))
    return redirect("plan:task", number)
