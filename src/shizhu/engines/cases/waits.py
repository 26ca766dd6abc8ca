"""What cases wait for beside people: a time, a message or signal, a job done outside. Each is a row meanwhile."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from shizhu.engines.cases import telling
from shizhu.engines.cases.logic import State, Thrown
from shizhu.engines.cases.models import Addressed, Case, Held, Waiting
from shizhu.kernel import events, jobs

THROWN = "cases.event.thrown"
JOB_READY = "cases.job.ready"
RING = "cases.ring"  # the job that a timer wakes
AGAIN = "cases.bring_again"  # the job that brings what is held


def keep(case: Case, after: State) -> None:
    """Bring the rows to what the case waits for now; wake at the time of each new timer, and for what is held."""
    wanted = {(wait.at, wait.event): wait for wait in after.waits}
    for row in Waiting.objects.filter(case=case):
        wait = wanted.get((row.place, row.event))
        if wait is not None and row.due_at == _moment(wait.due):
            del wanted[row.place, row.event]
            if row.due_at is not None and row.due_at <= timezone.now():
                jobs.wake(RING, row.pk, row.due_at)  # it could not go on; with what is known since it may
        else:
            row.delete()
    for wait in wanted.values():
        row = Waiting.objects.create(
            case=case, county_id=case.county_id, place=wait.at, event=wait.event, kind=wait.kind, name=wait.name,
            key=wait.key, due_at=_moment(wait.due), since=timezone.now(),
        )  # fmt: skip
        if row.due_at is not None:
            jobs.wake(RING, row.pk, row.due_at)
        if row.kind == "job":
            told = {"case": case.pk, "number": case.number, "job": row.pk, "topic": row.name}
            events.emit(JOB_READY, row.pk, case.county_id, {**told, "document": after.document})
        if row.kind == "message" and row.key:
            Addressed.objects.get_or_create(case=case, name=row.name, key=row.key)
    if after.is_ended:
        end(case)
    elif Held.objects.filter(case=case).exists():
        jobs.wake(AGAIN, case.pk, timezone.now())


def end(case: Case) -> None:
    """A case that ended waits for nothing; who sent what it keeps hears that it was not taken."""
    Waiting.objects.filter(case=case).delete()
    held = Held.objects.filter(case=case).select_related("sent_of")
    for one in held:
        telling.untaken(case, one.pk, one.name, one.sent_by_id, one.sent_of)
    held.delete()


def _moment(due: str) -> datetime | None:
    return datetime.fromisoformat(due) if due else None


def tell(case: Case, thrown: Iterable[Thrown]) -> None:
    """Say what a case threw, to whoever waits for it."""
    for one in thrown:
        told = {"kind": one.kind, "name": one.name, "key": one.key, "payload": one.payload, "case": case.pk}
        events.emit(THROWN, case.pk, case.county_id, {**told, "area": case.area_id})
