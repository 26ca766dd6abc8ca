"""Proof by readings: what they say of nodes is kept, and a finish that they contradict is found and told."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import nodes, people, readings, story
from shizhu.engines.plan.models import UNDER_WAY, Evidence, Node, Proof
from shizhu.kernel.models import Person

COMPARED = ("period", "value", "inputs", "is_met")


@transaction.atomic
def prove_all(county: str | None = None, at: datetime | None = None) -> int:
    """Look at what the readings say of every node that has a proof; what changed is kept. Returns how many changed.

    Whoever said that a node is done while the readings say no is told, and so are the supervisors; the light turns red
    at once. No answer of the formula takes nothing back.
    """
    now = at or timezone.now()
    asked = Node.objects.filter(piece__state__in=UNDER_WAY, proof__isnull=False)
    if county:
        asked = asked.filter(county=county)
    waiting = asked.select_for_update(of=("self",)).select_related("organisation", "area", "piece__clause")
    found = list(waiting.prefetch_related(*nodes.TOLD_BY).order_by("pk"))
    said = readings.say(found, timezone.localdate(now))
    rows = Proof.objects.filter(node__in=found).order_by("node_id", "-at", "-pk")
    newest = {row.node_id: row for row in rows.distinct("node_id")}
    changed = 0
    for node in found:
        told = said.get(node.pk)
        if told is None:
            continue
        old, answer = newest.get(node.pk), told.found
        made = Proof(
            node=node, at=now, period=told.period, value=answer.value, inputs=dict(answer.inputs), is_met=told.is_met,
            is_simulated=answer.is_simulated,
        )  # fmt: skip
        if old is None or any(getattr(old, name) != getattr(made, name) for name in COMPARED):
            made.save()
            changed += 1
        _proved(node, told, now)
    Node.objects.bulk_update(found, ["proved_on", "is_contradicted", "contradicted_on"], batch_size=500)
    nodes.refresh(found, timezone.localdate(now), now)
    return changed


def _proved(node: Node, told: readings.Said, now: datetime) -> None:
    """What follows from what the readings say now."""
    value = "—" if told.found.value is None else f"{told.found.value:g}"
    data = {"title": node.title, "text": f"{readings.asked(node)}：{value}（{told.period}）"}
    if bool(node.proved_on) != bool(told.is_met):
        node.proved_on = timezone.localdate(now) if told.is_met else None
        story.tell(node, "proved" if told.is_met else "unproved", None, data, now)
    is_done = any(row.state == Evidence.State.ACCEPTED for row in node.evidence.all())
    was = node.is_contradicted
    node.is_contradicted = is_done and (told.is_met is False or (was and told.is_met is None))
    if node.is_contradicted and not was:
        node.contradicted_on = timezone.localdate(now)
        story.tell(node, "contradicted", None, data, now)
        told_to = people.of(people.REPORT, node.organisation, node.area) | people.over(people.SUPERVISE, node.county_id)
        notices.tell(
            node.county_id, f"plan.node.{node.pk}.contradicted.{now:%Y%m%d}", told_to,
            title=_("Said done, the readings say no: %s") % node.title, text=data["text"],
            url=f"/plan/nodes/{node.pk}/", level="orange",
        )  # fmt: skip


@transaction.atomic
def overturn(node: Node, why: str, *, by: Person, at: datetime | None = None) -> None:
    """Annul a finish that the readings contradict: the node is open again, red, and counted as false.

    Raises Lacking where they do not, PermissionDenied for whoever reported the node.
    """
    now = at or timezone.now()
    nodes.lock(node)
    if node.evidence.filter(sent_by=by).exists():
        raise PermissionDenied(f"{by.name} reported this node and cannot annul it")
    if not node.is_contradicted:
        raise nodes.Lacking([_("The readings do not contradict it.")])
    story.tell(node, "overturned", by, {"title": node.title, "why": why[:500]}, now)
    nodes.annul(node, f"plan.node.{node.pk}.overturned.{now:%Y%m%d%H%M%S}", why, by)
    nodes.refresh([node], timezone.localdate(now), now)
