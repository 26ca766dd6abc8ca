"""The page of a plan's tables: out to Excel, and in again with what is wrong row by row."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import assigned, tables, tasks
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import EDIT, no_plan, plan_of
from shizhu.engines.plan.tables import read, written
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.web.middleware import Request

KINDS = {**tables.KINDS, **assigned.KINDS}


def page(request: Request) -> HttpResponse:
    """The tables."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    context = {
        "plan": plan, "may_edit": request.actor.has(EDIT), "problems": request.session.pop("plan.problems", []),
        "kinds": [(key, kind, list(kind.columns.values())) for key, kind in KINDS.items()],
    }  # fmt: skip
    return render(request, "plan/tables.html", context)


def download(request: Request, kind: str) -> HttpResponse:
    """One table as Excel."""
    plan = plan_of(request)
    if plan is None or kind not in KINDS:
        raise Http404
    return attached(written(plan, KINDS[kind]), f"{plan.title}-{KINDS[kind].name}.xlsx", records.XLSX)


@require_POST
def upload(request: Request, kind: str) -> HttpResponse:
    """Take a table that was changed."""
    access.require_verb(request.actor, EDIT)
    plan = plan_of(request)
    if plan is None or kind not in KINDS:
        raise Http404
    back = redirect(f"{reverse('plan:tables')}?plan={plan.code}")
    sent: Any = request.FILES.get("table")
    if sent is None:
        messages.error(request, _("Choose a table."))
        return back
    try:
        number, wrong = read(plan, KINDS[kind], sent, request.user)
    except records.Unreadable as error:
        messages.error(request, str(error))
        return back
    if wrong:
        request.session["plan.problems"] = wrong[:100]
        messages.error(request, _("Nothing was kept: %d rows are wrong.") % len(wrong))
    else:
        if number and kind == "values":  # formulas may take them in
            tasks.compute_soon(request.county.pk)
        messages.success(request, _("%d rows were changed or added.") % number)
    return back
