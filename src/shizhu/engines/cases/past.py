"""Cases of the past, for the demo county: carried through their flow like any other, then dated back."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from django.db import transaction

from shizhu.engines.cases import concerns, desks, flows
from shizhu.engines.cases.actions import Opening, Upload, answer, open_case
from shizhu.engines.cases.assignment import candidates
from shizhu.engines.cases.models import Case, Concern, Entry, Label, Task
from shizhu.kernel import access
from shizhu.kernel.models import Area, Person
from shizhu.lib import worktime

SIMULATED = 1


@dataclass(frozen=True)
class PastCase:
    """What happened: opened then, took so long; `answers` and `photos` by step."""

    flow: str
    title: str
    area: Area
    opened_at: datetime
    took: timedelta
    document: Mapping[str, Any]
    answers: Mapping[str, Mapping[str, Any]]
    photos: Mapping[str, Mapping[str, bytes]]


@transaction.atomic
def play(past: PastCase) -> None:
    """Open the case, answer every task as its first candidate, and move its times back."""
    case = open_case(Opening(past.flow, past.title, past.area, past.document, origin=SIMULATED))
    while (task := Task.objects.filter(case=case, status=Task.Status.READY).first()) is not None:
        who = access.actor(candidates(task.role, case)[0])
        photos = past.photos.get(task.step, {})
        uploads = [Upload(field, "photo.png", io.BytesIO(data)) for field, data in photos.items()]
        answer(who, task.pk, past.answers[task.step], uploads)
    case.refresh_from_db()
    _date_back(case, past.opened_at, past.took)


def _date_back(case: Case, opened_at: datetime, took: timedelta) -> None:
    """Opened when it was, closed after it took; everything between spread in order."""
    limit = case.due_at - case.opened_at
    entries = list(Entry.objects.filter(case=case).order_by("pk"))
    for number, entry in enumerate(entries):
        entry.at = opened_at + took * number / max(1, len(entries) - 1)
    Entry.objects.bulk_update(entries, ["at"])
    for task in Task.objects.filter(case=case):
        own = [entry.at for entry in entries if entry.data.get("task") == task.pk]
        task.created, task.done_at = own[0], own[-1]
        task.took = worktime.worked(own[0], own[-1], flows.hours_of(case.county_id))
        task.save(update_fields=["created", "done_at", "took"])
    case.opened_at, case.due_at, case.closed_at = opened_at, opened_at + limit, opened_at + took
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
