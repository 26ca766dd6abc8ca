"""A later day for a node (延期): the unit asks before the old one has passed, somebody who may approves or refuses."""

from __future__ import annotations

from datetime import date, datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import nodes, people, story
from shizhu.engines.plan.models import Evidence, Extension, Node
from shizhu.kernel.models import Person


@transaction.atomic
def ask(node: Node, until: date, reason: str, *, by: Person, at: datetime | None = None) -> Extension:
    """Ask for a later day. Raises Lacking after the day has passed, for a finished node, or while one waits."""
    now = at or timezone.now()
    nodes.lock(node)
    if node.evidence.filter(state=Evidence.State.ACCEPTED).exists():
        raise nodes.Lacking([_("This node is finished: its evidence was accepted.")])
    if node.due_on < timezone.localdate(now):
        raise nodes.Lacking([_("The day has passed: a later one is asked for before it does.")])
    if until <= node.due_on:
        raise nodes.Lacking([_("The new day is to come after %s.") % node.due_on])
    if node.extensions.filter(state=Extension.State.WAITING).exists():
        raise nodes.Lacking([_("What was asked for before still waits for a decision.")])
    made = Extension.objects.create(
        node=node, was_due=node.due_on, until=until, reason=reason[:500], asked_by=by, asked_at=now
    )
    story.tell(node, "extension", by, {"title": node.title, "text": _days(made), "why": made.reason}, now)
    notices.tell(
        node.county_id, f"plan.extension.{made.pk}", people.over(people.SUPERVISE, node.county_id) - {by.pk},
        title=_("A later day is asked for: %s") % node.title, text=f"{_days(made)} {made.reason}",
        url=f"/plan/nodes/{node.pk}/",
    )  # fmt: skip
    nodes.refresh([node], timezone.localdate(now), now)
    return made


@transaction.atomic
def decide(asked: Extension, *, approve: bool, why: str, by: Person, at: datetime | None = None) -> None:
    """Approve, and the new day counts; or refuse with a reason, and the old one does.

    Raises Lacking where it was decided before, PermissionDenied for whoever asked.
    """
    now, node = at or timezone.now(), asked.node
    nodes.lock(node)
    asked.refresh_from_db()
    if asked.state != Extension.State.WAITING:
        raise nodes.Lacking([_("This was decided before.")])
    if asked.asked_by_id == by.pk:
        raise PermissionDenied(f"{by.name} asked for this day and cannot decide about it")
    asked.state = Extension.State.APPROVED if approve else Extension.State.REFUSED
    asked.decided_by, asked.decided_at, asked.why = by, now, why[:500]
    asked.save(update_fields=["state", "decided_by", "decided_at", "why"])
    if approve:
        node.due_on = asked.until
        node.save(update_fields=["due_on"])
    told = {"title": node.title, "text": _days(asked), "why": why[:500]}
    story.tell(node, "extended" if approve else "not-extended", by, told, now)
    title = _("A later day was approved: %s") if approve else _("A later day was refused: %s")
    notices.tell(
        node.county_id, f"plan.extension.{asked.pk}.decided",
        people.of(people.REPORT, node.organisation, node.area), title=title % node.title,
        text=f"{_days(asked)} {why[:400]}", url=f"/plan/nodes/{node.pk}/",
    )  # fmt: skip
    nodes.refresh([node], timezone.localdate(now), now)


def _days(asked: Extension) -> str:
    return f"{asked.was_due} → {asked.until}"
