"""What happens to cases beside people: a time has come, a message or signal arrives, a job is done.

Each is one transaction with the case locked, and only while the row and the token are there: a job that a killed worker
left is done again and finds either the row or nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from shizhu.engines.cases import actions, flows, telling, unopened, waits
from shizhu.engines.cases.logic import FlowError, StaleToken, happen, load
from shizhu.engines.cases.models import Case, Entry, Held, Task, Waiting
from shizhu.kernel import events, jobs, packs
from shizhu.kernel.models import Area, Person

MOST_ENDED = 20  # of these a sender is told
MEANS = {"message": "消息", "signal": "信号"}


@transaction.atomic
def happened(waiting: int, payload: Mapping[str, Any], kind: str = "", by: int | None = None, error: str = "") -> bool:
    """Let happen what a row waits for, as a person said it or nobody; False where nobody waits any more.

    `error` is the code of the error that a job failed with.
    """
    case = Case.objects.select_for_update(of=("self",)).filter(waits=waiting).first()
    row = Waiting.objects.filter(pk=waiting, case=case).first() if case else None
    if case is None or row is None or (kind and row.kind != kind):
        return False
    if row.kind == "timer" and (case.paused_at is not None or _is_resting(case, row)):
        return False  # it is set anew when the case, or its step, goes on
    now = timezone.now()
    if row.due_at is not None and row.due_at > now:
        jobs.wake(waits.RING, row.pk, row.due_at)
        return False
    flow, about = flows.version(case.flow, case.digest)
    before = load(flow, case.state)
    try:
        after = happen(flow, before, row.place, row.event, payload, flows.kit_of(case, now), error)
    except StaleToken:
        row.delete()
        return False
    told = {"kind": row.kind, "name": row.name, "answer": payload} | ({"error": error} if error else {})
    Entry.objects.create(case=case, at=now, kind="happened", step=row.event, person_id=by, data=told)
    actions.advance(case, flow, about, before, after, now)
    return True


def _is_resting(case: Case, row: Waiting) -> bool:
    """Whether a duration runs on a step whose clock stands as supplements are awaited."""
    place = next(one for one in case.state["marking"] if one["n"] == row.place)
    event = flows.version(case.flow, case.digest)[0].node[row.event].event
    resting = Task.objects.filter(case=case, token=f"{place['at']}:{place.get('order')}", paused_at__isnull=False)
    return event is not None and event.timer == "duration" and resting.exists()


@dataclass(frozen=True)
class Sender:
    """Who sent a message, if somebody did: a person, or the case that threw it."""

    person: Person | None = None
    case: Case | None = None


@dataclass(frozen=True)
class Delivered:
    """What became of a message or signal: numbers of the cases that went on with it (or began), that keep it as they
    cannot go on yet, and those it was for that have ended."""

    reached: list[int] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    ended: list[Case] = field(default_factory=list)


def deliver(
    county: str, kind: str, name: str, keys: Sequence[str], payload: Mapping[str, Any], sender: Sender | None = None
) -> Delivered:
    """Bring a message or signal to every case that waits for it: one of these keys, or of any.

    A case that cannot go on with it says so on its timeline, keeps it for later and does not keep others from it.
    """
    found = Delivered()
    for row in _waiting(kind, name, keys).filter(county=county):
        try:
            if happened(row.pk, payload):
                found.reached.append(row.case_id)
        except FlowError as error:
            came = {"event": row.event, "kind": kind, "name": name, "key": row.key or keys[0], "payload": dict(payload)}
            if _hold(row.case_id, came, sender or Sender()):
                stuck(row.case_id, row.event, error)
                found.held.append(row.case_id)
    if kind == "message" and any(keys) and not found.reached and not found.held:
        rows = Case.objects.filter(county=county, status=Case.Status.CLOSED)
        rows = (
            rows.filter(addresses__name=name, addresses__key__in=list(filter(None, keys)))
            .order_by("-closed_at")
            .distinct()
        )
        return Delivered(ended=list(rows[:MOST_ENDED]))
    return found


def _waiting(kind: str, name: str, keys: Sequence[str]) -> QuerySet[Waiting]:
    rows = Waiting.objects.filter(kind=kind, name=name).order_by("case_id", "pk")
    return rows.filter(key__in=["", *keys]) if kind == "message" else rows


@transaction.atomic
def _hold(number: int, came: Mapping[str, Any], sender: Sender) -> bool:
    """Keep it with its case, once however often it is sent; False where the case has ended meanwhile."""
    case = Case.objects.select_for_update(of=("self",)).get(pk=number)
    if case.status == Case.Status.CLOSED:
        return False
    now = timezone.now()
    if not case.held.filter(**came).exists():
        case.held.create(**came, came_at=now, sent_by=sender.person, sent_of=sender.case)
        Entry.objects.create(case=case, at=now, kind="held", step=came["event"], data={"name": came["name"]})
        jobs.wake(waits.AGAIN, case.pk, now)  # it may have moved since
    return True


def bring_again(number: int) -> None:
    """A case has moved: bring what it keeps, in the order in which it came, each once."""
    for held in Held.objects.filter(case=number):
        try:
            _bring_again(held)
        except FlowError as error:
            stuck(number, held.event, error)


@transaction.atomic
def _bring_again(held: Held) -> None:
    """One transaction: it is no longer kept, and the case goes on with it."""
    Case.objects.select_for_update(of=("self",)).get(pk=held.case_id)
    row = _waiting(held.kind, held.name, [held.key]).filter(case=held.case_id, event=held.event).first()
    if row is not None and Held.objects.filter(pk=held.pk).delete()[0] and not happened(row.pk, held.payload):
        transaction.set_rollback(True)


@transaction.atomic
def stuck(case: int, step: str, error: FlowError) -> None:
    """Say once why a case could not go on: on the timeline, to who can mend its flow and who approves it."""
    told = {"why": str(error)}
    if not Entry.objects.filter(case=case, kind="stuck", step=step, data=told).exists():
        entry = Entry.objects.create(case_id=case, at=timezone.now(), kind="stuck", step=step, data=told)
        unopened.stuck(Case.objects.select_related("organisation", "area").get(pk=case), entry)


def ring(waiting: int) -> None:
    """The time of a timer has come."""
    try:
        happened(waiting, {}, "timer")
    except FlowError as error:
        row = Waiting.objects.filter(pk=waiting).first()
        if row is not None:
            stuck(row.case_id, row.event, error)


def thrown(event: events.Event) -> None:
    """What one case threw reaches those that wait for it, and opens cases of flows that begin with it."""
    data, thrower = event.data, Case.objects.filter(pk=event.data["case"]).first()
    area, sender = Area.objects.get(pk=data["area"]), Sender(case=thrower)
    found = bring(event.county, data["kind"], data["name"], data["key"], data["payload"], area, sender)
    if thrower is not None and found.ended and not found.reached:
        telling.unheard(thrower, data["name"], found.ended)


def bring(
    county: str, kind: str, name: str, key: str, payload: Mapping[str, Any], area: Area, sender: Sender | None = None
) -> Delivered:
    """Deliver a message or signal; a message that nobody waits for may open a case."""
    found = deliver(county, kind, name, [key], payload, sender)
    if (found.reached or found.held) and kind == "message":
        return found
    for flow_key, body in packs.declarations("flows", county).items():
        try:
            with transaction.atomic():
                found.reached.extend(_opened(flow_key, county, kind, name, payload, area))
        except unopened.FAULTS as error:
            if name in body["text"]:  # what stands in the way of one flow keeps no other from beginning
                of, title = f"{kind}/{name}/{flow_key}/{timezone.localdate()}", f"{MEANS[kind]}“{name}”"
                unopened.not_opened(county, flow_key, unopened.why(error), of, title, what=f"{MEANS[kind]}未能立案")
    return found


def _opened(flow_key: str, county: str, kind: str, name: str, payload: Mapping[str, Any], area: Area) -> list[int]:
    """The cases of one flow that begin with a message or signal."""
    flow, about = flows.current(flow_key, county)
    document = {key: value for key, value in payload.items() if key != "answers"}
    title = str(document.get("title") or about.title["zh"])
    starts = [node for node in flow.scope.starts() if node.event and (node.event.kind, node.event.name) == (kind, name)]
    wanted = [actions.Opening(flow_key, title, area, document, begin=node.step.id) for node in starts]
    return [actions.open_case(one).pk for one in wanted]
