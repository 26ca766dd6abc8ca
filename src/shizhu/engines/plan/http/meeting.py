"""A meeting over the plan: pages for the room, stepped by keys, and what was decided, with who and by when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.plan import computing, exports, keytasks, meetings, pieces, telling
from shizhu.engines.plan.charts import way
from shizhu.engines.plan.http.clauses import visible_nodes
from shizhu.engines.plan.http.files import attached
from shizhu.engines.plan.http.supervision import day_of
from shizhu.engines.plan.http.views import VIEW, Line, counted, lines, no_plan, plan_of, unit_of
from shizhu.engines.plan.logic.progress import rank
from shizhu.engines.plan.meetings import ANSWER
from shizhu.engines.plan.models import Decision, Meeting
from shizhu.engines.plan.people import SEE, SUPERVISE
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.documents import CHINESE
from shizhu.kernel.models import Organisation
from shizhu.web.middleware import Request

HOLD = "plan.meeting.hold"


@dataclass(frozen=True)
class Step:
    """One page of a meeting: kind overview, topics, list, indicator, tasks, risks or decisions."""

    kind: str
    line: Line | None = None


class Course:
    """What a meeting goes through: indicators, the worst first, what is late, and the pages made of them."""

    def __init__(self, meeting: Meeting) -> None:
        plan, self.topics = meeting.plan, meeting.topics.splitlines()
        found = lines(list(plan.indicators.select_related("plan")))
        self.lines = sorted(found, key=lambda one: rank(one.standing.light))
        self.behind = [one for one in self.lines if one.standing.light in {"red", "yellow"}]
        self.nodes, self.tasks = meetings.late_nodes(plan), meetings.late_tasks(plan)
        self.risks = [(one, keytasks.colour(one), keytasks.level_name(one)) for one in keytasks.open_risks(plan)]
        self.steps = [
            Step("overview"), *([Step("topics")] if self.topics else []), *([Step("list")] if self.behind else []),
            *(Step("indicator", one) for one in self.behind),
            *([Step("tasks")] if self.nodes or self.tasks else []), *([Step("risks")] if self.risks else []),
            Step("decisions"),
        ]  # fmt: skip


def overview(request: Request) -> HttpResponse:
    """Meetings that were held, what is still open of what they decided, and a button to begin one."""
    plan = plan_of(request)
    if plan is None:
        return no_plan(request)
    decisions = Decision.objects.filter(meeting__plan=plan).select_related(
        "meeting", "organisation__area", "indicator", "done_by"
    )
    if request.GET.get("as") == "xlsx":
        content = exports.decisions(decisions.order_by("meeting__held_on", "pk"))
        return attached(content, f"{plan.title}-{_('Decisions')}.xlsx", records.XLSX)
    may_supervise = access.has_county(request.actor, SUPERVISE, request.county.pk)
    shown = visible_nodes(request.actor, request.county.pk).filter(piece__decision__meeting__plan=plan)
    nodes = {node.piece_id: (node, telling.rule_of(node)) for node in shown} if request.actor.has(SEE) else {}
    context = {
        "plan": plan,
        "meetings": [(one, telling.minutes_number(one)) for one in plan.meetings.select_related("person")[:30]],
        "decisions": [
            (
                one, _may_answer(request, one), nodes.get(one.piece_id or 0),
                may_supervise and one.piece_id is None and not one.done_at and one.meeting.closed_at is not None,
            )
            for one in decisions.order_by("done_at", "due_on")[:200]
        ],
        "may_hold": request.actor.has(HOLD), "today": timezone.localdate(),
        "units": pieces.units(request.county.pk),
    }  # fmt: skip
    return render(request, "plan/meetings.html", context)


def _may_answer(request: Request, decision: Decision) -> bool:
    if decision.done_at is not None or decision.meeting.closed_at is None or decision.piece_id is not None:
        return False  # what is supervised is answered by evidence there
    body = decision.organisation
    return request.actor.has(HOLD) or access.may(
        request.actor, ANSWER, county=request.county.pk, organisation=body, area=body.area
    )


@require_POST
def begin(request: Request) -> HttpResponse:
    """Begin a meeting, or (`do=call`) invite units to one on a coming day."""
    access.require_verb(request.actor, HOLD)
    plan = plan_of(request)
    if plan is None:
        raise Http404
    told, today = request.POST, timezone.localdate()
    is_call = told.get("do") == "call"
    units = Organisation.objects.filter(county=request.county, code__in=told.getlist("unit"))
    on, venue = day_of(request, "held_on") if is_call else today, told.get("venue", "").strip()
    if on is None or (is_call and not (units and venue)):
        messages.error(request, _("An invitation says when from today on, where, and whom it invites."))
        return redirect(f"{reverse('plan:meetings')}?plan={plan.code}")
    topics = [line for one in told.get("topics", "").splitlines() if (line := one.strip())]
    made = Meeting.objects.create(
        plan=plan, title=(told.get("title", "").strip() or _("Meeting on the plan"))[:200], held_on=on,
        venue=venue[:100], topics="\n".join(topics), person=request.user,
    )  # fmt: skip
    made.invited.set(units)
    if not is_call:
        return redirect("plan:meeting-step", made.pk, 1)
    meetings.call(made)
    messages.success(request, _("The units were invited."))
    return redirect(f"{reverse('plan:meetings')}?plan={plan.code}")


def _meeting(request: Request, number: int, verb: str = VIEW) -> Meeting:
    access.require_verb(request.actor, verb)
    return get_object_or_404(Meeting.objects.select_related("plan"), pk=number, plan__county=request.county)


def step(request: Request, number: int, at: int) -> HttpResponse:
    """One page of the meeting, over the whole screen."""
    meeting = _meeting(request, number)
    course = Course(meeting)
    last = len(course.steps)
    if not 1 <= at <= last:
        raise Http404
    shown = course.steps[at - 1]
    context = {
        "meeting": meeting, "plan": meeting.plan, "step": shown, "at": at, "of": last,
        "before": at - 1 or None, "after": at + 1 if at < last else None,
        "counts": counted(course.lines), "topics": course.topics, "behind": course.behind, "tasks": course.tasks,
        "nodes": course.nodes, "risks": course.risks,
        "decisions": meeting.decisions.select_related("organisation", "indicator"),
        "may_hold": request.actor.has(HOLD) and meeting.closed_at is None,
        "organisations": Organisation.objects.filter(county=request.county).order_by("path"),
    }  # fmt: skip
    if shown.line is not None:
        outlook = computing.outlook(shown.line.indicator)
        context |= {"outlook": outlook, "picture": way(shown.line.indicator, outlook)}
    return render(request, "plan/meeting.html", context)


@require_POST
def decide(request: Request, number: int, at: int) -> HttpResponse:
    """Write a decision down: what, who, by when."""
    meeting = _meeting(request, number, HOLD)
    back = redirect("plan:meeting-step", number, at)
    text = request.POST.get("text", "").strip()
    body = unit_of(request, request.POST.get("organisation", ""))
    try:
        due = date.fromisoformat(request.POST.get("due_on", ""))
    except ValueError:
        due = None
    if meeting.closed_at is not None:
        messages.error(request, _("The meeting is over; what it decided stays as it is."))
    elif not text or body is None or due is None or due < meeting.held_on:
        messages.error(request, _("A decision says what, who, and by when; the day is not before the meeting."))
    else:
        steps = Course(meeting).steps
        shown = steps[at - 1] if 1 <= at <= len(steps) else None
        Decision.objects.create(
            meeting=meeting, text=text[:500], organisation=body, due_on=due,
            indicator=shown.line.indicator if shown and shown.line else None,
        )  # fmt: skip
        messages.success(request, _("Written down."))
    return back


def table(request: Request, number: int) -> HttpResponse:
    """What a meeting has decided so far as Excel, to be filled in."""
    meeting = _meeting(request, number, HOLD)
    return attached(meetings.table(meeting), f"{meeting.title}-{_('Decisions')}.xlsx", records.XLSX)


@require_POST
def take(request: Request, number: int) -> HttpResponse:
    """Take a filled table of decisions while the meeting runs."""
    meeting = _meeting(request, number, HOLD)
    back = redirect("plan:meeting-step", number, len(Course(meeting).steps))
    sent: Any = request.FILES.get("table")
    if meeting.closed_at is not None:
        messages.error(request, _("The meeting is over; what it decided stays as it is."))
        return back
    if sent is None:
        messages.error(request, _("Choose a table."))
        return back
    try:
        kept, wrong = meetings.take(meeting, sent)
    except records.Unreadable as error:
        messages.error(request, str(error))
        return back
    if wrong:
        messages.error(request, _("Nothing was kept: %d rows are wrong.") % len(wrong) + " ".join(["", *wrong[:10]]))
    else:
        messages.success(request, _("%d decisions were added or changed.") % kept)
    return back


@require_POST
def close(request: Request, number: int) -> HttpResponse:
    """End the meeting: who has to do something is told."""
    meeting = _meeting(request, number, HOLD)
    if meetings.close(meeting):
        messages.success(request, _("The meeting is over. Who has to do something was told."))
    else:
        messages.error(request, _("The meeting is over already."))
    return redirect(f"{reverse('plan:meetings')}?plan={meeting.plan.code}")


@require_POST
def supervise(request: Request, number: int) -> HttpResponse:
    """Put what a meeting decided under supervision."""
    access.require_county(request.actor, SUPERVISE, request.county.pk)
    rows = Decision.objects.filter(meeting__plan__county=request.county).select_related("meeting__plan")
    decision = get_object_or_404(rows, pk=number)
    if meetings.supervise(decision, request.user):
        messages.success(request, _("The unit was given a task with a node on that day."))
    else:
        messages.error(request, _("It is supervised or answered already, or its meeting still runs."))
    return redirect(f"{reverse('plan:meetings')}?plan={decision.meeting.plan.code}")


def minutes(request: Request, number: int) -> HttpResponse:
    """What a meeting that is over decided, in Word: Chinese whoever asks."""
    meeting = _meeting(request, number)
    if meeting.closed_at is None:
        raise Http404
    with translation.override(CHINESE):
        name = f"{telling.minutes_number(meeting)} {meeting.title}.docx"
        return attached(telling.minutes(meeting), name, telling.WORD)


@require_POST
def answer(request: Request, number: int) -> HttpResponse:
    """Say what came of a decision."""
    access.require_verb(request.actor, VIEW)
    rows = Decision.objects.filter(meeting__plan__county=request.county)
    decision = get_object_or_404(rows.select_related("meeting__plan", "organisation__area"), pk=number)
    back = redirect(f"{reverse('plan:meetings')}?plan={decision.meeting.plan.code}")
    outcome = request.POST.get("outcome", "").strip()
    if not _may_answer(request, decision):
        access.require_verb(request.actor, HOLD)
        messages.error(
            request, _("It was answered already, its meeting still runs, or it is answered under supervision.")
        )
    elif not outcome:
        messages.error(request, _("Say what came of it."))
    else:
        meetings.answer(decision, outcome, request.user)
        messages.success(request, _("Kept: what came of it."))
    return back
