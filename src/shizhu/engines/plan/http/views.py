"""Pages: the plan at a glance, one indicator with its path, the rows behind a number, tasks, what needs a decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import pairwise
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import collecting, computing, counting, flows, keytasks, meetings, rulings
from shizhu.engines.plan.datasets import LIGHTS
from shizhu.engines.plan.flows import SoFar
from shizhu.engines.plan.logic.collecting import LATE, Due
from shizhu.engines.plan.logic.progress import NONE, WORST_FIRST, Standing, path, rank, score
from shizhu.engines.plan.models import Budget, Collection, Decision, Indicator, Owner, Plan, Risk, Task, Value
from shizhu.engines.plan.people import SEE
from shizhu.engines.plan.periods import COUNTY_ZONE, Period, named
from shizhu.engines.plan.tasks import compute_soon
from shizhu.engines.plan.typed import MOST, finite
from shizhu.kernel import access, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.web.middleware import Request
from shizhu.web.views import Card, Tile

VIEW, EDIT = "plan.plan.view", "plan.plan.edit"
LEADER = "kernel.leader"  # reads the lights first
LONGEST_DUE = 400  # days
BEHIND_SHOWN = 4  # names in the sentence at the top


@dataclass(frozen=True)
class Line:
    """An indicator with where it stands today."""

    indicator: Indicator
    value: Value | None
    standing: Standing
    due: Due | None = None
    year: SoFar | None = None

    @property
    def now(self) -> Value | SoFar | None:
        """What came of the year so far where that is judged, else the value since the base, which stands beside it."""
        if self.year is not None and self.year.value is not None:
            return self.year
        is_base = self.value and self.value.source == "plan" and self.value.period == str(self.indicator.base_year)
        return None if is_base else self.value

    @property
    def is_own(self) -> bool:
        """Whether the county or a person added it to the plan."""
        return self.indicator.source not in {"plan", "sentence"}

    @property
    def is_late(self) -> bool:
        """Whether its newest value is overdue."""
        return self.due is not None and self.due.state == LATE

    @property
    def width(self) -> int:
        """Width of the bar, 0–100."""
        return round(100 * min(1.0, max(0.0, self.standing.done or 0.0)))

    @property
    def way(self) -> str:
        """How much of the way is done, in words where a share of it would read oddly."""
        done = self.standing.done
        if done is None:
            return ""
        if done >= 1:
            return _("reached")
        if done < 0 and self.indicator.base_value is not None:
            return _("fell below the base") if self.indicator.is_rising else _("rose above the base")
        return f"{100 * done:.0f} %"


def lines(indicators: Sequence[Indicator]) -> list[Line]:
    """Indicators with their newest values and lights."""
    found, today = computing.newest(indicators), timezone.localdate()
    judging, years = computing.judging(indicators, found, today), flows.years_so_far(indicators, today)
    asked = {row.indicator_id: row for row in Collection.objects.filter(indicator__in=indicators)}
    return [
        Line(
            indicator,
            judging.get(indicator.pk),
            flows.by_time(
                indicator, years.get(indicator.pk), computing.standing(indicator, judging.get(indicator.pk), today)
            ),
            computing.collected(indicator, found.get(indicator.pk), today, asked.get(indicator.pk)),
            years.get(indicator.pk),
        )
        for indicator in indicators
    ]


def counted(found: Sequence[Line]) -> dict[str, int]:
    """Light → how many indicators have it."""
    return {light: sum(line.standing.light == light for line in found) for light in LIGHTS}


def plan_of(request: Request, *also: str) -> Plan | None:
    """The plan that is asked for, else the first of the county, for who may see it or has one of the other verbs."""
    if not any(request.actor.has(verb) for verb in also):
        access.require_verb(request.actor, VIEW)
    plans = Plan.objects.filter(county=request.county).order_by("pk")
    asked = request.GET.get("plan")
    return plans.filter(code=asked).first() if asked else plans.first()


def indicator_of(request: Request, number: int, verb: str = VIEW) -> Indicator:
    """An indicator of the county. Raises PermissionDenied, Http404."""
    access.require_verb(request.actor, verb)
    rows = Indicator.objects.select_related("plan").filter(plan__county=request.county)
    return get_object_or_404(rows, pk=number)


def unit_of(request: Request, code: str) -> Organisation | None:
    """A unit of the county by its code."""
    return Organisation.objects.filter(county=request.county, code=code).select_related("area").first()


def card(request: Request) -> Card | None:
    """The lights on the home page."""
    if not request.actor.has(VIEW):
        return None
    found = lines(list(Indicator.objects.filter(plan__county=request.county).select_related("plan")))
    if not found:
        return None
    found.sort(key=lambda line: rank(line.standing.light))
    counts = counted(found)
    is_leader = any(scope.role == LEADER for scope in request.actor.scopes)
    tile = Tile(counts["red"], _("Behind the plan"), "/plan/", "red" if counts["red"] else "green")
    return Card(
        "plan/card.html", {"lines": found[:12], "counts": {light: counts[light] for light in WORST_FIRST}},
        is_wide=True, order=5 if is_leader else None, tiles=(tile,),
    )  # fmt: skip


def no_plan(request: Request) -> HttpResponse:
    """What every page of a plan shows as long as the county has none."""
    return render(request, "plan/empty.html", {"may_edit": request.actor.has(EDIT)})


def overview(request: Request) -> HttpResponse:
    """Every indicator: base, path, now, target, light and why; of a light, or those whose value is late."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    found = lines(list(plan.indicators.all()))
    asked = request.GET.get("light", "")
    may_see, plans = request.actor.has(SEE), Plan.objects.filter(county=request.county).order_by("pk")
    works = [_work(one, may_see=may_see) for one in plans]
    chosen = asked if asked == LATE or asked in LIGHTS else ""
    context = {
        "plan": plan,
        "lines": [line for line in found if (line.is_late if chosen == LATE else chosen in {"", line.standing.light})],
        "chosen": chosen,
        "has_indicators": bool(found),
        "is_unjudged": bool(found) and all(line.standing.light == NONE for line in found),
        "own": any(line.is_own for line in found),
        "behind": [line for line in found if line.standing.light == "red"][:BEHIND_SHOWN],
        "overdue": sum(line.is_late for line in found),
        "counts": counted(found),
        "score": score([(line.indicator.weight, line.standing.done) for line in found]),
        "is_score_simulated": any(line.value and line.value.is_simulated for line in found),
        "task_count": plan.tasks.count(),
        "tasks": [] if found else task_rows(plan),
        "own_work": next(work for work in works if work.plan == plan),
        "other_works": [work for work in works if work.plan != plan and work.has_any],
        "open_decisions": Decision.objects.filter(
            meeting__plan=plan, meeting__closed_at__isnull=False, done_at=None
        ).count(),
        "open_questions": _open_questions(plan),
        "may_see": may_see,
        "may_edit": request.actor.has(EDIT),
        "plans": plans,
    }
    return render(request, "plan/overview.html", context)


def _work(plan: Plan, *, may_see: bool) -> keytasks.Work:
    return keytasks.Work(
        plan, meetings.late_nodes(plan) if may_see else [], keytasks.open_risks(plan),
        keytasks.money(Budget.objects.filter(task__plan=plan)),
    )  # fmt: skip


def _open_questions(plan: Plan) -> int:
    """Contradictions that nobody has decided."""
    decided = rulings.newest(plan)
    return sum(rulings.name_of(item) not in decided for item in (plan.document or {}).get("contradictions", []))


def indicator_page(request: Request, number: int) -> HttpResponse:
    """One indicator: the path, the values known, how the number is made, and every revision."""
    indicator = indicator_of(request, number)
    [line] = lines([indicator])
    value = line.value
    collection = Collection.objects.filter(indicator=indicator).select_related("organisation").first()
    newest, first = computing.newest([indicator]).get(indicator.pk), computing.first_given(indicator)
    declared = computing.context_of(indicator)
    inputs = []
    if value and value.source == "formula":
        inputs = [
            {"name": name, "title": given["title"], "count": value.inputs.get(name)}
            for name, given in declared.get("inputs", {}).items()
        ]
    context = {
        "line": line,
        "indicator": indicator,
        "declared": declared,
        "inputs": inputs,
        "revisions": indicator.values.select_related("person").order_by("-known_at")[:50],
        "goals": _goals(indicator),
        "chart": _chart(indicator),
        "due": computing.collected(indicator, newest, timezone.localdate(), collection, first),
        "outlook": computing.outlook(indicator),
        "gap": _gap(indicator, value),
        "years": _years(indicator),
        "may_edit": request.actor.has(EDIT),
        "may_report": request.actor.has(EDIT) and not indicator.formula,
        "this_year": timezone.localdate().year,
        "collection": collection,
        "leads": Organisation.objects.filter(
            pk__in=Owner.objects.filter(clause__indicator=indicator, is_lead=True, state="settled").values(
                "organisation"
            )
        ).order_by("path"),
        "organisations": Organisation.objects.filter(county=request.county).order_by("path"),
    }
    return render(request, "plan/indicator.html", context)


def _goals(indicator: Indicator) -> list[dict[str, Any]]:
    """What base and target were before each change, the newest first: {at, base, base_year, target, target_year}."""
    events = Indicator.pgh_event_model.objects.filter(pgh_obj_id=indicator.pk).order_by("pgh_id")  # type: ignore[attr-defined]  # pghistory's
    told = events.values_list("pgh_created_at", "base_value", "base_year", "target_value", "target_year")
    names = ("base", "base_year", "target", "target_year")
    changes = [(at, was) for (_then, *was), (at, *now) in pairwise(told) if was != now]
    return [{"at": at, **dict(zip(names, was, strict=True))} for at, was in reversed(changes)]


def _gap(indicator: Indicator, value: Value | None) -> float | None:
    """What is still missing to the target; None where nothing is."""
    if value is None or value.value is None or indicator.target_value is None or indicator.tolerance is not None:
        return None
    gap = indicator.target_value - value.value
    return abs(gap) if gap and (gap > 0) == indicator.is_rising else None


def _years(indicator: Indicator) -> list[tuple[int, float | None]]:
    """The years between base and target with the steps that people set."""
    if indicator.base_year is None or indicator.target_year is None:
        return []
    years = range(indicator.base_year + 1, indicator.target_year)
    return [(year, indicator.steps.get(str(year))) for year in years]


@require_POST
def change_path(request: Request, number: int) -> HttpResponse:
    """Set the kind of the path, its steps, the tolerance, and when a year's value is due."""
    indicator = indicator_of(request, number, EDIT)
    steps: dict[str, float] = {}
    try:
        for year, _value in _years(indicator):
            if given := request.POST.get(f"step-{year}", "").strip():
                steps[str(year)] = finite(given)
        tolerance = request.POST.get("tolerance", "").strip()
        allowed = finite(tolerance) if tolerance else None
        days = int(request.POST.get("due_days", ""))
    except ValueError:
        messages.error(request, _("Steps and tolerance are numbers, the due day is a whole number of days."))
        return redirect("plan:indicator", number)
    is_compound = "compound" in request.POST
    if is_compound and min(indicator.base_value or 0, indicator.target_value or 0) <= 0:
        messages.error(request, _("A path of equal growth needs a base and a target above 0."))
        return redirect("plan:indicator", number)
    if not 0 <= days <= LONGEST_DUE or any(abs(step) > MOST for step in steps.values()) or (allowed or 0) < 0:
        messages.error(request, _("A value is due 0 to 400 days after its year; a tolerance is not negative."))
        return redirect("plan:indicator", number)
    indicator.steps, indicator.tolerance, indicator.due_days = steps, allowed, days
    indicator.is_compound, indicator.is_flow = is_compound, "flow" in request.POST
    indicator.save(update_fields=["steps", "tolerance", "due_days", "is_compound", "is_flow"])
    messages.success(request, _("The path is kept."))
    return redirect("plan:indicator", number)


def _chart(indicator: Indicator) -> dict[str, Any]:
    """Values and the path from base to target, each year at the sign of its number: a quarter lies where the path is
    as far as it is expected to be at its end. Without a path values stand at the first day of their periods."""
    values = computing.known(indicator.values.all()).order_by("period")
    way = path(computing.aim_of(indicator))

    def at(name: str) -> str:
        ends = named(name).last + timedelta(days=1)
        sign = datetime.combine(ends.replace(year=ends.year - 1), time(), COUNTY_ZONE) if way else named(name).begins
        return sign.isoformat()

    level = indicator.target_value if not way else None
    return {
        "unit": indicator.unit,
        "points": [[at(one.period), one.value, 0, int(one.is_simulated), one.period] for one in values],
        "path": [[at(str(year)), value, str(year)] for year, value in way],
        "limit": "" if level is None else f"{level:g}",
    }


def rows_page(request: Request, number: int, name: str) -> HttpResponse:
    """The rows behind one input of a formula."""
    indicator = indicator_of(request, number)
    declared = computing.context_of(indicator)
    try:
        period = named(request.GET.get("period", ""))
        given, inner = counting.behind(declared, indicator.plan.county_id, name)
    except (ValueError, KeyError):
        raise Http404 from None
    return rows_of(
        request, given, period, name=indicator.name, back=reverse("plan:indicator", args=[number]),
        inner=[(one, f"{reverse('plan:rows', args=[number, path])}?period={period.name}") for path, one in inner],
    )  # fmt: skip


def rows_of(
    request: Request, given: Body, period: Period, *, name: str, back: str, inner: Sequence[tuple[Body, str]],
    more: str = "",
) -> HttpResponse:  # fmt: skip
    """The rows behind an input; of one that is another formula, its inputs (`inner`, each with its address)."""
    if given["count"] == counting.READINGS:
        return redirect(counting.stations(given))
    if given["count"] == counting.VALUES:
        row = Indicator.objects.filter(plan__county=request.county, key=given["of"]).order_by("plan_id").first()
        if row is None:
            raise Http404
        return redirect("plan:indicator", row.pk)
    context = {"name": name, "back": back, "given": given, "period": period, "inner": inner}
    if given["count"] == counting.INDICATORS:
        context["formula"] = packs.declaration("indicators", given["of"], request.county.pk)["formula"]
    else:
        context["rows"] = counting.rows(given, request.actor, request.county.pk, period, more)
        context["total"] = counting.count(given, request.county.pk, period, more)
    return render(request, "plan/rows.html", context)


def towns_page(request: Request, number: int) -> HttpResponse:
    """What the formula of an indicator says of each town in a period, most first."""
    indicator = indicator_of(request, number)
    declared = computing.context_of(indicator)
    try:
        period = named(request.GET.get("period", ""))
    except ValueError:
        raise Http404 from None
    if not declared:
        raise Http404
    areas = list(Area.objects.filter(county=request.county).values_list("code", "path"))
    towns = Area.objects.towns(request.county)
    parts = {town.code: [code for code, path in areas if path.startswith(town.path)] for town in towns}
    [found] = computing.by_part([(declared, period)], request.county.pk, "area", parts)
    most = max((abs(one.value) for one in found.values() if one.value is not None), default=0.0)
    told = [(town, found[town.code]) for town in towns]
    rows = [
        (town, one.value, one.is_simulated, round(100 * abs(one.value or 0) / most) if most else 0)
        for town, one in told
    ]
    rows.sort(key=lambda row: (row[1] is None, -(row[1] or 0)))
    return render(request, "plan/towns.html", {"indicator": indicator, "period": period, "rows": rows})


@require_POST
def report_value(request: Request, number: int) -> HttpResponse:
    """Report a value by hand, with where it comes from."""
    indicator = indicator_of(request, number, EDIT)
    note = request.POST.get("note", "").strip()
    try:
        period = named(request.POST.get("period", "").strip())
        value = finite(request.POST.get("value", ""))
    except ValueError:
        messages.error(request, _("A value needs a period such as 2026, 2026-Q3 or 2026-07, and a number."))
        return redirect("plan:indicator", number)
    if period.first > timezone.localdate():
        messages.error(request, _("%s has not begun: there is no value of it yet.") % period.name)
    elif abs(value) > MOST:
        messages.error(request, _("The number is too large."))
    elif not note:
        messages.error(request, _("Say where the value comes from."))
    elif indicator.formula:
        messages.error(request, _("%s is computed, its values are not entered") % indicator.name)
    elif found := collecting.out_of_order(indicator, period.name, value, note):
        messages.error(request, _("Not kept: %s.") % found)
    else:
        Value.objects.create(
            indicator=indicator,
            period=period.name,
            value=value,
            source="reported",
            note=note[:200],
            person=request.user,
        )
        compute_soon(request.county.pk)
        messages.success(request, _("Value reported."))
    return redirect("plan:indicator", number)


def task_rows(plan: Plan) -> list[tuple[Task, keytasks.Money, list[tuple[str, Risk]]]]:
    """The tasks of a plan, each with its money and its open risks with their colours."""
    risks: dict[int, list[tuple[str, Risk]]] = {}
    for one in keytasks.open_risks(plan):
        risks.setdefault(one.task_id, []).append((keytasks.colour(one), one))
    return [
        (task, keytasks.money(task.budgets.all()), risks.get(task.pk, []))
        for task in plan.tasks.prefetch_related("budgets")
    ]


def tasks(request: Request) -> HttpResponse:
    """Tasks with their owners, and boxes, as printed."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    boxes = (plan.document or {}).get("boxes", [])
    context = {"plan": plan, "boxes": boxes, "tasks": task_rows(plan), "may_edit": request.actor.has(EDIT)}
    return render(request, "plan/tasks.html", context)
