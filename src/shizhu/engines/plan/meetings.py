"""Meetings over the plan: what is late, what was decided, who is told, what came of it."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import people
from shizhu.engines.plan.logic.progress import RED
from shizhu.engines.plan.models import Decision, Meeting, Node, Plan, Task
from shizhu.kernel.models import Person

ANSWER = "plan.decision.answer"
CHINESE = "zh-hans"


def late_nodes(plan: Plan) -> list[Node]:
    """Nodes of supervision that are red."""
    return list(Node.objects.filter(piece__clause__plan=plan, light=RED).select_related("organisation"))


def late_tasks(plan: Plan) -> list[Task]:
    """Tasks whose last year is over."""
    year = timezone.localdate().year
    return [task for task in plan.tasks.all() if (task.period.get("to") or year) < year]


def call(meeting: Meeting) -> None:
    """Tell the units that are invited to a meeting (会议通知)."""
    told = set[int]()
    for unit in meeting.invited.select_related("area"):
        told |= people.of(ANSWER, unit, unit.area)
    about = {"title": meeting.title, "day": f"{meeting.held_on:%Y-%m-%d}", "venue": meeting.venue}
    with override(CHINESE), transaction.atomic():
        text = [_("It is on %(day)s, %(venue)s.") % about, *meeting.topics.splitlines()]
        notices.tell(
            meeting.plan.county_id, f"plan.meeting {meeting.pk}", told, title=_("Invited: %(title)s") % about,
            text="\n".join(text), url=f"/plan/meetings/?plan={meeting.plan.code}",
        )  # fmt: skip


@transaction.atomic
def close(meeting: Meeting) -> bool:
    """End a meeting and tell who has to do something; False where it is over already."""
    if not Meeting.objects.filter(pk=meeting.pk, closed_at=None).update(closed_at=timezone.now()):
        return False
    for decision in meeting.decisions.select_related("organisation__area"):
        _tell(decision, "new")
    return True


def answer(decision: Decision, outcome: str, by: Person) -> None:
    """Keep what came of a decision."""
    decision.outcome, decision.done_at, decision.done_by = outcome[:500], timezone.now(), by
    decision.save(update_fields=["outcome", "done_at", "done_by"])


def remind_all(today: date | None = None) -> int:
    """Tell once who has not answered a decision whose day has passed."""
    day = today or timezone.localdate()
    late = Decision.objects.filter(done_at=None, due_on__lt=day).exclude(meeting__closed_at=None)
    return sum(_tell(one, "late") for one in late.select_related("organisation__area", "meeting__plan"))


def _tell(decision: Decision, what: str) -> bool:
    plan, body = decision.meeting.plan, decision.organisation
    about = {"text": decision.text, "day": f"{decision.due_on:%Y-%m-%d}", "meeting": decision.meeting.title}
    with override(CHINESE), transaction.atomic():
        title = _("Overdue decision: %(text)s") if what == "late" else _("Decided: %(text)s")
        told = notices.tell(
            plan.county_id, f"plan.decision {decision.pk} {what}", people.of(ANSWER, body, body.area),
            title=title % about, text=_("%(meeting)s, to be done by %(day)s.") % about,
            url=f"/plan/meetings/?plan={plan.code}", level="yellow" if what == "late" else "",
        )  # fmt: skip
    return told is not None
