"""Pages of the collection calendar: what is due from whom, entering values by form or Excel, and who reports what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.engines.plan import collecting, filled, tasks
from shizhu.engines.plan.collecting import REPORT, Entered, Item
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.views import EDIT, VIEW, indicator_of, no_plan, plan_of, unit_of
from shizhu.engines.plan.logic.collecting import GIVEN, LATE, SOON
from shizhu.engines.plan.models import Collection, Plan
from shizhu.engines.plan.typed import NOTHING, said, whole
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.web.middleware import Request

HEADS = {
    "key": gettext_lazy("Row key"), "indicator": gettext_lazy("Indicator"), "unit": gettext_lazy("Unit"),
    "period": gettext_lazy("Period"), "due": gettext_lazy("Falls due"), "value": gettext_lazy("Value"),
    "note": gettext_lazy("Source or reason"), "before": gettext_lazy("Total before"),
}  # fmt: skip


def page(request: Request) -> HttpResponse:
    """What I report, and for whom may see the plan what everybody reports."""
    plan = plan_of(request, REPORT)
    if plan is None:
        return no_plan(request)
    today = timezone.localdate()
    plans = _plans(request, today)
    if "plan" not in request.GET:  # where something is asked of me
        plan = next((one for one, number in plans if number), plan)
    own = collecting.calendar(collecting.mine(plan, request.actor), today)
    if request.GET.get("as") == "xlsx":
        return attached(_table(own), f"{_('Values to report')}-{today}.xlsx", records.XLSX)
    everybody = list[Item]()
    if request.actor.has(VIEW):
        collected = Collection.objects.filter(indicator__plan=plan).select_related("indicator", "organisation")
        everybody = collecting.calendar(list(collected), today)
    rows = _with_drafts(own, request.session.pop("plan.drafts", {}))
    asked = [row for row in rows if row[0].due.state in {LATE, SOON} or row[1] or row[2]]
    context = {
        "plan": plan, "plans": plans, "own": rows, "asked": asked, "others": [row for row in rows if row not in asked],
        "everybody": everybody,
        "late": sum(item.due.state == LATE for item in everybody),
        "given": sum(item.due.state == GIVEN for item in everybody),
        "problems": request.session.pop("plan.problems", []), "may_edit": request.actor.has(EDIT),
    }  # fmt: skip
    return render(request, "plan/collect.html", context)


def _plans(request: Request, today: date) -> list[tuple[Plan, int]]:
    """The plans of which somebody reports values, or sees them reported, and how many are asked of them now."""
    rows = Plan.objects.filter(
        county=request.county, pk__in=Collection.objects.values("indicator__plan")
    ).order_by("pk")  # fmt: skip
    own = [(plan, collecting.mine(plan, request.actor)) for plan in rows]
    return [
        (plan, sum(item.due.state in {LATE, SOON} for item in collecting.calendar(mine, today)))
        for plan, mine in own
        if mine or request.actor.has(VIEW)
    ]


def _with_drafts(items: list[Item], drafts: dict[str, list[str]]) -> list[tuple[Item, str, str]]:
    """Items with what was entered and refused, to be corrected."""
    found = []
    for item in items:
        value, note = drafts.get(item.key, ["", ""])
        found.append((item, value, note))
    return found


def _table(items: list[Item]) -> bytes:
    return records.written_table(_("Values to report"), [str(head) for head in HEADS.values()], (
        [
            item.key, item.collection.indicator.name, item.collection.indicator.unit, item.period.name,
            f"{item.due.on}", item.value.value if item.value else None, "", item.before.value if item.before else None,
        ]
        for item in items
    ))  # fmt: skip


@require_POST
def enter(request: Request) -> HttpResponse:
    """Keep values entered in the form or in a filled table: all, or nothing and what is wrong row by row."""
    access.require_verb(request.actor, REPORT)
    plan = plan_of(request, REPORT)
    if plan is None:
        raise Http404
    back = redirect(f"{reverse('plan:collect')}?plan={plan.code}")
    items = collecting.calendar(collecting.mine(plan, request.actor), timezone.localdate())
    sent: Any = request.FILES.get("table")
    try:
        found = list(_of_table(sent, items, plan.county_id)) if sent else collecting.entered_of(request.POST, items)
    except records.Unreadable as error:
        messages.error(request, str(error))
        return back
    if not found:
        messages.error(request, _("Nothing was entered."))
        return back
    problems = [one for one in found if isinstance(one, str)]
    entered = [one for one in found if isinstance(one, Entered)]
    if not problems:
        number, problems = collecting.enter(items, entered, request.user)
    if problems:
        request.session["plan.problems"] = problems[:100]
        request.session["plan.drafts"] = {one.key: [one.value, one.note] for one in entered}
        messages.error(request, _("Nothing was kept: %d values are wrong.") % len(problems))
    else:
        if number:
            tasks.compute_soon(request.county.pk)
        messages.success(request, _("%d values kept.") % number)
    return back


def _of_table(sent: Any, items: list[Item], county: str) -> Iterator[Entered | str]:
    """Rows of the table of this page that hold a value that is new, and what is wrong. Raises records.Unreadable."""
    known = {item.key: said(item.value.value) for item in items if item.value}
    units = {item.key: item.collection.indicator.unit for item in items}

    def entered(cells: filled.Cells) -> Entered | None:
        value, note = cells["value"].replace(",", ""), cells["note"]
        is_new = value not in NOTHING and (note or value != known.get(cells["key"]))
        if is_new and cells["key"] in units:
            cells.measured_in(units[cells["key"]])
        return Entered(_("Row %d") % cells.row, cells["key"], value, note) if is_new else None

    optional = ("indicator", "unit", "period", "due", "before")
    for found in filled.lines(sent, HEADS, filled.units(county), entered, optional):
        if found is not None:
            yield found


@require_POST
def assign(request: Request, number: int) -> HttpResponse:
    """Say who reports an indicator, how often, and when it is due; without an organisation nobody does."""
    indicator = indicator_of(request, number, EDIT)
    back = redirect("plan:indicator", number)
    code = request.POST.get("organisation", "")
    if not code:
        collecting.assign(indicator, None)
        messages.success(request, _("Nobody reports it from now on."))
        return back
    organisation = unit_of(request, code)
    every = request.POST.get("every", "")
    days, ahead = (whole(request.POST.get(name, ""), -1) for name in ("due_days", "remind_days"))
    are_right = 0 <= days <= collecting.MOST_DAYS["due_days"] and 0 <= ahead <= collecting.MOST_DAYS["remind_days"]
    if organisation is None or every not in collecting.EVERY or indicator.formula or not are_right:
        messages.error(request, _("Choose who reports and how often; 0 to 400 days until it is due, 0 to 60 before."))
        return back
    collecting.assign(indicator, collecting.Asked(organisation, every, days, ahead))
    messages.success(request, _("Kept: who reports it, how often, and when it is due."))
    return back
