"""Meetings over the plan: what is late, what was decided, who is told, what came of it."""

from __future__ import annotations

from datetime import date
from typing import BinaryIO

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, override

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import clauses, filled, people, pieces
from shizhu.engines.plan.filled import RowError
from shizhu.engines.plan.logic.progress import RED
from shizhu.engines.plan.models import Decision, Meeting, Node, Plan, Task
from shizhu.engines.records import api as records
from shizhu.kernel.models import County, Person

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
    County.objects.select_for_update().get(pk=meeting.plan.county_id)  # two that end at once get two numbers
    year = Meeting.objects.filter(plan__county=meeting.plan.county_id, held_on__year=meeting.held_on.year)
    number = (year.aggregate(last=Max("number"))["last"] or 0) + 1
    if not Meeting.objects.filter(pk=meeting.pk, closed_at=None).update(closed_at=timezone.now(), number=number):
        return False
    for decision in meeting.decisions.select_related("organisation__area"):
        _tell(decision, "new")
    return True


@transaction.atomic
def supervise(decision: Decision, by: Person) -> bool:
    """Put a decision under supervision: a piece of its unit with a node on its day. False where it is already.

    The meeting is over and nobody has answered the decision yet.
    """
    open_ = Decision.objects.select_for_update(of=("self",)).select_related("meeting__plan", "organisation__area")
    found = open_.filter(pk=decision.pk, piece=None, done_at=None).exclude(meeting__closed_at=None).first()
    if found is None:
        return False
    meeting, unit = found.meeting, found.organisation
    headings = [_("Decisions of meetings"), meeting.title]
    clause = clauses.of_decision(meeting.plan, f"decision-{found.pk}", found.text, headings, unit, by)
    line = pieces.Line(found.due_on.year, unit, (), found.text[: pieces.LONGEST], None, "", found.due_on)
    [found.piece], _gone = pieces.draft(clause, [line], by=by)
    found.save(update_fields=["piece"])
    pieces.send([found.piece], by=by)
    return True


def answer(decision: Decision, outcome: str, by: Person) -> None:
    """Keep what came of a decision."""
    decision.outcome, decision.done_at, decision.done_by = outcome[:500], timezone.now(), by
    decision.save(update_fields=["outcome", "done_at", "done_by"])


def remind_all(today: date | None = None) -> int:
    """Tell once who has not answered a decision whose day has passed; supervision reminds of what is under it."""
    day = today or timezone.localdate()
    late = Decision.objects.filter(done_at=None, piece=None, due_on__lt=day).exclude(meeting__closed_at=None)
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


# -- as a table


HEADS = {
    "key": gettext_lazy("Row key"), "text": gettext_lazy("What is decided"), "unit": gettext_lazy("Responsible unit"),
    "due": gettext_lazy("To be done by"),
}  # fmt: skip


def table(meeting: Meeting) -> bytes:
    """What a meeting has decided so far, as a table to change and fill in."""
    units = filled.units(meeting.plan.county_id)
    rows = (
        [one.pk, one.text, units.cell(one.organisation), f"{one.due_on}"]
        for one in meeting.decisions.select_related("organisation")
    )
    return records.written_table(_("Decisions"), [str(head) for head in HEADS.values()], rows)


@transaction.atomic
def take(meeting: Meeting, file: BinaryIO) -> tuple[int, list[str]]:
    """Keep the decisions of a filled table: all of them, or none and what is wrong row by row.

    A known key is changed, a row without one is new unless it is there already, none is taken away.
    Returns (how many were added or changed, wrong). Raises records.Unreadable.
    """
    known = {f"{one.pk}": one for one in meeting.decisions.select_for_update()}
    seen = set[str]()

    def keep(cells: filled.Cells) -> bool:
        key = cells["key"]
        if key in seen:
            raise RowError(_("%s is there twice") % key)
        if key and key not in known:
            raise RowError(_("%s: this meeting has no decision of this key") % key[:20])
        seen.update(filter(None, [key]))
        text, unit, on = cells.text("text", 500, is_needed=True), cells.unit("unit"), cells.day("due")
        if on < meeting.held_on:
            told = {"value": cells["due"], "day": meeting.held_on}
            raise RowError(_("%(value)s is no day such as %(day)s from the meeting on") % told)
        found = known[key] if key else Decision(meeting=meeting)
        alike = [found] if key else known.values()
        if (text, unit.pk, on) in {(one.text.strip(), one.organisation_id, one.due_on) for one in alike}:
            return False
        found.text, found.organisation, found.due_on = text, unit, on
        found.save()
        known[f"{found.pk}"] = found
        return True

    rows = list(filled.lines(file, HEADS, filled.units(meeting.plan.county_id), keep, ["key"]))
    wrong = [one for one in rows if isinstance(one, str)]
    if wrong:
        transaction.set_rollback(True)
    return (0 if wrong else sum(bool(one) for one in rows)), wrong
