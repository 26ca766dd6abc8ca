"""The page of tasks over the years: bars, what waits for what, set and taken back by clicking."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import timeline as drawing
from shizhu.engines.plan.http.clauses import visible_nodes
from shizhu.engines.plan.http.views import EDIT, no_plan, plan_of
from shizhu.engines.plan.logic.progress import rank
from shizhu.engines.plan.models import Dependency, Node, Plan, Task
from shizhu.engines.plan.people import SEE
from shizhu.engines.plan.typed import whole
from shizhu.kernel import access
from shizhu.web.middleware import Request


def _chosen(plan: Plan, asked: str) -> Task | None:
    return plan.tasks.filter(pk=whole(asked)).first()


def _lights(plan: Plan) -> dict[tuple[int, int], str]:
    """(task, year) → the worst light of what is to be shown for it in that year."""
    rows = Node.objects.filter(piece__clause__plan=plan, piece__clause__task__isnull=False)
    found: dict[tuple[int, int], str] = {}
    for task, year, light in rows.values_list("piece__clause__task_id", "piece__year", "light"):
        found[task, year] = min(light, found.get((task, year), ""), key=rank)
    return found


def _nodes(request: Request, plan: Plan) -> dict[int, list[Node]]:
    """Task → its nodes that the actor sees, by day."""
    found: dict[int, list[Node]] = {}
    if request.actor.has(SEE):
        rows = visible_nodes(request.actor, plan.county_id).filter(piece__clause__plan=plan)
        for node in rows.filter(piece__clause__task__isnull=False):
            found.setdefault(node.piece.clause.task_id or 0, []).append(node)
    return found


def page(request: Request) -> HttpResponse:
    """Bars and a table beside them; with `from` and `to` in the address what would be set is asked about."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    dependencies = list(Dependency.objects.filter(after__plan=plan).select_related("before", "after"))
    may_edit = request.actor.has(EDIT)
    first, other = _chosen(plan, request.GET.get("from", "")), _chosen(plan, request.GET.get("to", ""))
    drawn = list(plan.tasks.all()), dependencies, timezone.localdate(), _lights(plan), _nodes(request, plan)
    context = {
        "plan": plan, "may_edit": may_edit, "first": first if may_edit else None,
        "other": other if may_edit and first and other != first else None,
        "line": drawing.timeline(*drawn), "narrow": drawing.timeline(*drawn, drawing.NARROW),
    }  # fmt: skip
    return render(request, "plan/timeline.html", context)


@require_POST
def depend(request: Request) -> HttpResponse:
    """One task waits for another, or (`do=off`) no longer."""
    access.require_verb(request.actor, EDIT)
    plan = plan_of(request)
    if plan is None:
        raise Http404
    back = redirect(f"{reverse('plan:timeline')}?plan={plan.code}")
    before, after = (_chosen(plan, request.POST.get(name, "")) for name in ("before", "after"))
    if before is None or after is None:
        raise Http404
    if request.POST.get("do") == "off":
        get_object_or_404(Dependency, before=before, after=after).delete()
        messages.success(request, _("It no longer waits."))
        return back
    try:
        drawing.wait(before, after, request.user)
    except drawing.Circle:
        messages.error(request, _("They would wait for each other in a circle."))
        return back
    messages.success(request, _("Kept: what waits for what."))
    return back
