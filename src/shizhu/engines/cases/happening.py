"""What happens to cases beside people: a time has come, a message or signal arrives, a job is done.

Each is one transaction with the case locked, and only while the row and the token are there: a job that a killed worker
left is done again and finds either the row or nothing to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.cases import actions, flows, unopened, waits
from shizhu.engines.cases.logic import FlowError, StaleToken, happen, load
from shizhu.engines.cases.models import Case, Entry, Task, Waiting
from shizhu.kernel import events, jobs, packs
from shizhu.kernel.models import Area

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


def deliver(county: str, kind: str, name: str, key: str, payload: Mapping[str, Any]) -> list[int]:
    """Bring a message or signal to every case that waits for it: one of this key, or of any. Returns their numbers.

    A case that cannot go on with it says so on its timeline and does not keep others from it.
    """
    rows = Waiting.objects.filter(county_id=county, kind=kind, name=name)
    if kind == "message":
        rows = rows.filter(key__in=["", key])
    reached = []
    for row in rows.order_by("case_id", "pk"):
        try:
            if happened(row.pk, payload):
                reached.append(row.case_id)
        except FlowError as error:
            stuck(row.case_id, row.event, error)
    return reached


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
    data = event.data
    bring(event.county, data["kind"], data["name"], data["key"], data["payload"], Area.objects.get(pk=data["area"]))


def bring(county: str, kind: str, name: str, key: str, payload: Mapping[str, Any], area: Area) -> list[int]:
    """Deliver a message or signal; a message that nobody waits for may open a case. Returns the cases it reached."""
    reached = deliver(county, kind, name, key, payload)
    if reached and kind == "message":
        return reached
    for flow_key, body in packs.declarations("flows", county).items():
        try:
            with transaction.atomic():
                reached += _opened(flow_key, county, kind, name, payload, area)
        except unopened.FAULTS as error:
            if name in body["text"]:  # what stands in the way of one flow keeps no other from beginning
                of, title = f"{kind}/{name}/{flow_key}/{timezone.localdate()}", f"{MEANS[kind]}“{name}”"
                unopened.not_opened(county, flow_key, unopened.why(error), of, title, what=f"{MEANS[kind]}未能立案")
    return reached


def _opened(flow_key: str, county: str, kind: str, name: str, payload: Mapping[str, Any], area: Area) -> list[int]:
    """The cases of one flow that begin with a message or signal."""
    flow, about = flows.current(flow_key, county)
    document = {key: value for key, value in payload.items() if key != "answers"}
    title = str(document.get("title") or about.title["zh"])
    starts = [node for node in flow.scope.starts() if node.event and (node.event.kind, node.event.name) == (kind, name)]
    wanted = [actions.Opening(flow_key, title, area, document, begin=node.step.id) for node in starts]
    return [actions.open_case(one).pk for one in wanted]
