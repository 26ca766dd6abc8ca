"""Proof by readings: what they say of nodes is kept, and a finish that they contradict is found and told.

Rows that an accepted node was to have (`counted`) are counted again too: cases are opened again, records corrected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.notices import api as notices
from shizhu.engines.plan import nodes, people, readings, story
from shizhu.engines.plan.models import UNDER_WAY, Evidence, Node, Proof
from shizhu.kernel.models import Person

COMPARED = ("period", "value", "inputs", "is_met")
Answer = tuple[bool | None, str]  # whether it is as asked, None for no answer; and in words
Counts = dict[tuple[object, ...], int | None]  # county, year and condition → rows


@transaction.atomic
def prove_all(county: str | None = None, at: datetime | None = None) -> int:
    """Look at what the readings say of every node that has a proof; what changed is kept. Returns how many changed.

    Whoever said that a node is done while the readings or the rows counted say no is told, and so are the supervisors;
    the light turns red at once. No answer of the formula takes nothing back.
    """
    now = at or timezone.now()
    accepted = Evidence.objects.filter(state=Evidence.State.ACCEPTED)
    is_counted = Q(counted__isnull=False, pk__in=accepted.values("node"))
    asked = Node.objects.filter(Q(proof__isnull=False) | is_counted, piece__state__in=UNDER_WAY)
    if county:
        asked = asked.filter(county=county)
    waiting = asked.select_for_update(of=("self",)).select_related("organisation", "area", "piece__clause")
    found = list(waiting.prefetch_related(*nodes.TOLD_BY).order_by("pk"))
    said = readings.say(found, timezone.localdate(now))
    rows = Proof.objects.filter(node__in=found).order_by("node_id", "-at", "-pk")
    newest = {row.node_id: row for row in rows.distinct("node_id")}
    changed, counts = 0, Counts()
    for node in found:
        told, is_done = said.get(node.pk), any(row.state == Evidence.State.ACCEPTED for row in node.evidence.all())
        if told is not None:
            changed += _keep(node, told, newest.get(node.pk), now)
            _proved(node, told, now)
        if is_done:
            _contradicted(node, [*_of_readings(node, told), *_of_rows(node, counts)], now)
        else:
            node.is_contradicted = False
    Node.objects.bulk_update(found, ["proved_on", "is_contradicted", "contradicted_on"], batch_size=500)
    nodes.refresh(found, timezone.localdate(now), now)
    return changed


def _keep(node: Node, told: readings.Said, old: Proof | None, now: datetime) -> bool:
    """Keep what the readings say where it is not what they said before."""
    answer = told.found
    made = Proof(
        node=node, at=now, period=told.period, value=answer.value, inputs=dict(answer.inputs), is_met=told.is_met,
        is_simulated=answer.is_simulated,
    )  # fmt: skip
    is_new = old is None or any(getattr(old, name) != getattr(made, name) for name in COMPARED)
    if is_new:
        made.save()
    return is_new


def _proved(node: Node, told: readings.Said, now: datetime) -> None:
    """Since when the readings fulfil a node, or that they no longer do."""
    if bool(node.proved_on) != bool(told.is_met):
        node.proved_on = timezone.localdate(now) if told.is_met else None
        [(_is_met, text)] = _of_readings(node, told)
        story.tell(node, "proved" if told.is_met else "unproved", None, {"title": node.title, "text": text}, now)


def _of_readings(node: Node, told: readings.Said | None) -> list[Answer]:
    if told is None:
        return []
    value = "—" if told.found.value is None else f"{told.found.value:g}"
    return [(told.is_met, f"{readings.asked(node)}：{value}（{told.period}）")]


def _of_rows(node: Node, counts: Counts) -> list[Answer]:
    """Whether the rows that a node asks for are still there; nodes of one split ask for the same."""
    if not node.counted:
        return []
    key = node.county_id, node.due_on.year, *(str(node.counted.get(name)) for name in ("count", "of", "where"))
    if key not in counts:
        try:
            counts[key] = nodes.count(node)
        except (ValueError, LookupError):  # nobody declares them any more
            counts[key] = None
    if (number := counts[key]) is None:
        return [(None, "")]
    return [(number >= node.counted["least"], nodes.too_few(node, number))]


def _contradicted(node: Node, answers: Sequence[Answer], now: datetime) -> None:
    """What follows of a finished node from what is said of it now."""
    against, was = [text for is_met, text in answers if is_met is False], node.is_contradicted
    node.is_contradicted = bool(against) or (was and (not answers or any(is_met is None for is_met, _text in answers)))
    if not node.is_contradicted or was:
        return
    node.contradicted_on = timezone.localdate(now)
    text = "\n".join(against)
    story.tell(node, "contradicted", None, {"title": node.title, "text": text}, now)
    told_to = people.of(people.REPORT, node.organisation, node.area) | people.over(people.SUPERVISE, node.county_id)
    notices.tell(
        node.county_id, f"plan.node.{node.pk}.contradicted.{now:%Y%m%d}", told_to,
        title=_("Said done, the readings say no: %s") % node.title, text=text,
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
