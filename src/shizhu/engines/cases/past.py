"""Cases of the past, for the demo county: carried through their flow like any other, then dated back."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from shizhu.engines.cases import acting, concerns, desks, flows
from shizhu.engines.cases.actions import Opening, Upload, answer, open_case
from shizhu.engines.cases.assignment import APPROVE, candidates
from shizhu.engines.cases.models import Case, Concern, Entry, Label, Petition, Task
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person
from shizhu.lib import worktime

SIMULATED = 1


SLOW = 30  # how many times as long as others a slow step takes


@dataclass(frozen=True)
class Wish:
    """What was asked for about the step that handles it, and granted: a `Petition.Kind`, why, how much more time."""

    kind: str
    why: str
    span: str = ""


@dataclass(frozen=True)
class PastCase:
    """What happened: opened then, took so long, most of it in `slow` steps; `answers` and `photos` by step, `failed`
    the first answer of a step that was answered twice.
    """

    flow: str
    title: str
    area: Area
    opened_at: datetime
    took: timedelta
    document: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]
    photos: Mapping[str, Mapping[str, bytes]]
    slow: Collection[str] = ()
    wishes: Sequence[Wish] = ()
    failed: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@transaction.atomic
def play(past: PastCase) -> None:
    """Open the case, answer every task as its first candidate, and move its times back."""
    case = open_case(Opening(past.flow, past.title, past.area, past.document, origin=SIMULATED))
    failed, wishes = dict(past.failed), list(past.wishes)
    while (task := Task.objects.filter(case=case, status=Task.Status.READY).first()) is not None:
        who = access.actor(candidates(task.role, case, task.organisation)[0])
        if task.step in past.slow and wishes:
            _granted(who, task, wishes.pop(0))
            continue
        photos = past.photos.get(task.step, {})
        uploads = [Upload(name, "photo.png", io.BytesIO(data)) for name, data in photos.items()]
        answer(who, task.pk, failed.pop(task.step, past.answers[task.step]), uploads)
    case.refresh_from_db()
    _date_back(case, past)


def _granted(who: Actor, task: Task, wish: Wish) -> None:
    """It was asked for and granted, and what it held up went on."""
    case = task.case
    asked = acting.ask(who, task.pk, wish.kind, wish.why, wish.span)
    approver = access.actor(access.posts_over(APPROVE, case)[0].person)
    acting.decide(approver, asked.pk, is_granted=True)
    if wish.kind == Petition.Kind.PAUSE:
        acting.resume(who, case.pk)
    if wish.kind == Petition.Kind.RETURN:
        acting.hand_over(approver, task.pk, candidates(task.role, case, task.organisation)[0])


def _date_back(case: Case, past: PastCase) -> None:
    """Opened when it was, closed after it took; everything between in order, slow steps the longest."""
    flow, about = flows.version(case.flow, case.digest)
    limit = case.due_at - case.opened_at
    entries = list(Entry.objects.filter(case=case).order_by("pk"))
    parts = [SLOW if entry.kind == "done" and entry.step in past.slow else 1 for entry in entries[1:]]
    for number, entry in enumerate(entries):
        entry.at = past.opened_at + past.took * sum(parts[:number]) / max(1, sum(parts))
    Entry.objects.bulk_update(entries, ["at"])
    hours = flows.hours_of(case.county_id)
    for task in Task.objects.filter(case=case):
        own = [entry.at for entry in entries if entry.data.get("task") == task.pk]
        if task.due_at is not None and flow.step[task.step].clock == "working":
            task.due_at = worktime.forward(own[0], worktime.worked(task.created, task.due_at, hours), hours)
        elif task.due_at is not None:
            task.due_at = own[0] + (task.due_at - task.created)
        task.created = own[0]
        if task.status == Task.Status.DONE:
            task.done_at, task.took = own[-1], worktime.worked(own[0], own[-1], hours)
        task.save(update_fields=["created", "done_at", "took", "due_at"])
    for entry in entries:
        moved = {"asked": "asked_at", "decided": "decided_at"}.get(entry.kind)
        if moved:
            Petition.objects.filter(pk=entry.data["petition"]).update(**{moved: entry.at})
    case.opened_at, case.closed_at = past.opened_at, entries[-1].at
    working = about.clock == "working"
    case.due_at = (
        flows.later(case.county_id, past.opened_at, about.span, about.clock) if working else past.opened_at + limit
    )
    case.save(update_fields=["opened_at", "due_at", "closed_at"])


@dataclass(frozen=True)
class PastConcern:
    """What a simulated resident reported by a label: `answers` to the first tasks of its case, in order; or with
    `of_case` the title of a case that was closed before, and a `score` for it."""

    label: str
    kind: str
    words: str
    phone: str = ""
    answers: Sequence[Mapping[str, Any]] = ()
    of_case: str = ""
    score: int | None = None
    photo: bytes = b""


def hang(by: Person, county: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Simulated labels with codes of their own; once."""
    known = desks.desks(county)
    for row in rows:
        if not Label.objects.filter(code=row["code"]).exists():
            area = Area.objects.filter(county=county, code=row.get("area", "")).first()
            desks.make(
                access.actor(by), county, known[row["desk"]], row.get("key", ""), row.get("name", ""), area,
                row.get("point"), row["code"], is_simulated=True,
            )  # fmt: skip


@transaction.atomic
def reported(past: PastConcern) -> None:
    """One report of a simulated resident; once."""
    label = desks.find(past.label)
    seen = desks.seen(label) if label else None
    number = uuid5(NAMESPACE_URL, f"{past.label} {past.kind} {past.words}")
    if seen is None or Concern.objects.filter(pk=number).exists():
        return
    sent = concerns.Sent(number, past.kind, past.words, past.phone, photos=[past.photo] if past.photo else [])
    if past.of_case:
        case = Case.objects.get(county=seen.label.county_id, title=past.of_case, origin=SIMULATED)
        concerns.follow(seen, sent, case, at=case.opened_at)
        concerns.judge(number, is_right=True, score=past.score)
        return
    case = concerns.report(seen, sent, origin=SIMULATED).case
    for given in past.answers:
        task = Task.objects.filter(case=case, status=Task.Status.READY).first()
        if task is not None:
            answer(access.actor(candidates(task.role, case)[0]), task.pk, given)
