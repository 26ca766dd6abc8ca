"""The two moves of a case: open it, answer a task. Each is one transaction with its timeline and its events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, BinaryIO

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator
from shapely import Point

from shizhu.engines.cases import acting, closing, flows, pace, results, waits
from shizhu.engines.cases.assignment import able, called_people, candidates, may_do, named_people
from shizhu.engines.cases.flows import About
from shizhu.engines.cases.logic import Flow, FlowError, State, Token, complete, load, start, timers
from shizhu.engines.cases.models import (
    DRILL,
    Attachment,
    Case,
    CasePlace,
    Counter,
    Entry,
    Helper,
    Petition,
    Subject,
    Task,
)
from shizhu.engines.cases.problems import in_words
from shizhu.engines.records import api as records
from shizhu.kernel import access, events, files
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Person
from shizhu.lib import feel, worktime

OPENED, TASK_READY = "cases.case.opened", "cases.task.ready"
PHOTOS = ("image/jpeg", "image/png", "image/webp")
WORDS = (
    "start",
    "end",
    "manual",
    "task",
    "milestone",
    "decision",
    "catch",
    "throw",
    "boundary",
    "send",
    "receive",
    "service",
    "call",
)  # kinds of elements worth a line of the timeline


class TaskGone(Exception):
    """Somebody answered the task before; the text says who and when."""


class AnswerRefused(ValueError):
    """An answer that its form refuses: field → what is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = dict(problems)


@dataclass(frozen=True)
class Upload:
    """A file that comes with an answer."""

    field: str
    name: str
    content: BinaryIO


@dataclass(frozen=True)
class Opening:
    """What a new case needs."""

    flow: str
    title: str
    area: Area
    document: Mapping[str, Any]
    by: Person | None = None
    alarm: int | None = None
    datastream: int | None = None
    origin: int = 0
    uploads: Sequence[Upload] = ()
    begin: str = ""  # the start event, where the flow has several
    due: datetime | None = None  # the time that opens it, where no person does


def title_of(who: Actor, county: str, about: About, form: Mapping[str, Any], given: Mapping[str, Any]) -> str:
    """What a case is called: as its form asks, else the flow and what it is about."""
    if given.get("title"):
        return str(given["title"])
    told = [about.title["zh"]]
    for name, value in referred(form, given):
        key = form["properties"][name]["x-shizhu-ref"]
        told += records.seen_references(who, county, key, [value]).values()
    return " ".join(told)


@transaction.atomic
def open_case(wanted: Opening) -> Case:
    """Open a case; it stands at its first tasks. AnswerRefused if a person filled in the start form wrongly."""
    flow, about = flows.current(wanted.flow, wanted.area.county_id)
    form = flows.form(about.start_form, wanted.area.county_id)
    if wanted.by:
        checked(form, wanted.document, wanted.uploads, access.actor(wanted.by), wanted.area.county_id)
    now = timezone.now()
    owner = Organisation.objects.get(county=wanted.area.county_id, code=about.owner or wanted.area.county_id)
    state = start(flow, wanted.document, flows.kit_now(flow, wanted.area.county_id, now), wanted.begin)
    case = Case.objects.create(
        county_id=wanted.area.county_id, organisation=owner, area=wanted.area, flow=wanted.flow, digest=flow.digest,
        number=number(wanted.area.county_id, about.prefix, now), title=_title(wanted), state=state.dump(),
        forms=flows.keep_forms(flow, about, wanted.area.county_id),
        alarm=wanted.alarm, datastream=wanted.datastream, origin=wanted.origin, opened_at=now, opened_by=wanted.by,
        due_at=flows.later(wanted.area.county_id, now, about.span, about.clock),
    )  # fmt: skip
    filed = {name: value for name, value in state.document.items() if name != "answers"}
    told = {"document": filed, **({"due": wanted.due.isoformat()} if wanted.due else {})}
    Entry.objects.create(case=case, at=now, kind="opened", person=wanted.by, data=told)
    _about(case, form, wanted.document)
    _seen_at(case, form, wanted.document)
    for upload in wanted.uploads:
        _attach(case, None, upload, wanted.by, form, {})
    events.emit(OPENED, case.pk, case.county_id, {"case": case.pk, "number": case.number, "flow": case.flow})
    advance(case, flow, about, State(flow.digest, {}), state, now)
    return case


def _title(wanted: Opening) -> str:
    """What a case is called; a drill says so before all else, wherever the title goes."""
    return f"{'【演练】' if wanted.origin == DRILL else ''}{wanted.title}"[:200]


def number(county: str, prefix: str, now: datetime) -> str:
    """The next number of a prefix in the county's year."""
    year = timezone.localtime(now).year
    counter, _is_new = Counter.objects.get_or_create(county_id=county, prefix=prefix, year=year)
    Counter.objects.filter(pk=counter.pk).update(value=F("value") + 1)
    counter.refresh_from_db()
    return f"{prefix}-{year}-{counter.value:04}"


@transaction.atomic
def answer(who: Actor, task_id: int, given: Mapping[str, Any], uploads: Sequence[Upload] = ()) -> Case:
    """Answer a task. Of two people at once one wins and the other gets TaskGone; nothing is half done.

    Raises PermissionDenied, TaskGone, AnswerRefused.
    """
    case = Case.objects.select_for_update().get(tasks=task_id)
    task = Task.objects.select_for_update(of=("self",)).select_related("done_by").get(pk=task_id)
    task.case = case
    if not may_do(who, task):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to answer {task}")
    if task.status != Task.Status.READY:
        if task.done_by is None or task.done_at is None:  # the flow went on without it
            raise TaskGone("")
        raise TaskGone(f"{task.done_by.name}, {timezone.localtime(task.done_at):%m-%d %H:%M}")
    if case.paused_at is not None:
        raise AnswerRefused({"": _("The case is paused: its clocks stand. Let it go on first.")})
    if task.paused_at is not None:
        raise AnswerRefused({"": _("Supplements are awaited: its clock stands.")})
    if silent := list(task.helpers.filter(asked_by=None, said_at=None).select_related("person")):
        names = "、".join(one.person.name for one in silent)
        raise AnswerRefused({"": _("First those who do this together say what they found: %s") % names})
    flow, about = flows.version(case.flow, case.digest)
    form = flows.form_of(case, flow.step[task.step].form or "")
    document = checked(form, given, uploads, who, case.county_id)
    if wrong := results.problems(case, task.step, document):
        raise AnswerRefused(wrong)
    now = timezone.now()
    by = Person.objects.get(pk=who.person_id or 0)
    _about(case, form, document)
    _seen_at(case, form, document)
    for upload in uploads:
        _attach(case, task, upload, by, form, document)
    before = load(flow, case.state)
    after = complete(flow, before, task.token, document, flows.kit_of(case, now))
    task.status, task.done_at, task.done_by_id, task.answer = Task.Status.DONE, now, who.person_id, document
    task.took = max(worktime.worked(task.created, now, flows.hours_of(case.county_id)) - task.rested, timedelta())
    task.save(update_fields=["status", "done_at", "done_by", "answer", "took"])
    if wrong := results.keep_paper(who, task):
        raise AnswerRefused(wrong)
    Entry.objects.create(
        case=case,
        at=now,
        kind="done",
        step=task.step,
        person_id=who.person_id,
        data={"task": task.pk, "answer": document},
    )
    advance(case, flow, about, before, after, now)
    _make_way(case, flow, task)
    return case


def _make_way(case: Case, flow: Flow, done: Task) -> None:
    """What waits for who did a step, and must be done by somebody else, goes to the others who are able to."""
    for task in Task.objects.filter(case=case, status=Task.Status.READY, assignee=done.done_by_id):
        if done.step in flow.step[task.step].not_by:
            task.case = case
            people = able(task)
            task.assignee = people[0] if len(people) == 1 else None
            task.save(update_fields=["assignee"])
            if not people:
                acting.nobody(task)


def checked(
    form: Mapping[str, Any], given: Mapping[str, Any], uploads: Sequence[Upload], who: Actor, county: str
) -> dict[str, Any]:
    """The answer as the form's JSON Schema wants it; files count as given, and `who` must see what it points at."""
    document = {name: value for name, value in given.items() if value not in {"", None}}
    sent: dict[str, list[str]] = {}
    for upload in uploads:
        sent.setdefault(upload.field, []).append(upload.name)
    shown = {**document, **sent}
    schema = {name: part for name, part in form.items() if name not in {"title", "submit"}}
    found: dict[str, str] = {}
    for error in Draft202012Validator(schema).iter_errors(shown):
        field = (
            str(error.path[0]) if error.path else error.message.split("'")[1] if error.validator == "required" else ""
        )
        found.setdefault(field, in_words(error))
    for name, text in places(form, document):
        if point_of(text) is None:
            found.setdefault(name, _("Longitude, latitude in degrees, such as %s.") % "108.112, 29.999")
    for name, value in referred(form, document):
        key = form["properties"][name]["x-shizhu-ref"]
        if value not in records.seen_references(who, county, key, [value]):
            found.setdefault(name, _("There is none, or none that you may see."))
    if found:
        raise AnswerRefused(found)
    return document


def referred(form: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, value) of everything in an answer that points at something."""
    for name, item in form["properties"].items():
        if "x-shizhu-ref" in item and document.get(name):
            yield name, str(document[name])


def places(form: Mapping[str, Any], document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(field, text) of every place in an answer."""
    for name, item in form["properties"].items():
        if item.get("x-widget") == "place" and document.get(name):
            yield name, str(document[name])


def point_of(text: str) -> tuple[float, float] | None:
    """(longitude, latitude) of a place as it is typed, None of anything else."""
    try:
        point = records.read_geometry(text, "Point")
    except ValueError:
        return None
    if not isinstance(point, Point) or point.is_empty or not (abs(point.x) <= 180 and abs(point.y) <= 90):
        return None
    return point.x, point.y


def _seen_at(case: Case, form: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """A case is where the first place given in it says."""
    point = next(filter(None, (point_of(text) for _name, text in places(form, document))), None)
    if point is not None and not hasattr(case, "place"):
        CasePlace.objects.create(case=case, longitude=point[0], latitude=point[1])


def _about(case: Case, form: Mapping[str, Any], document: Mapping[str, Any]) -> None:
    """Remember which records the case is about."""
    known = records.registers(case.county_id)
    pairs = ((form["properties"][name]["x-shizhu-ref"], value) for name, value in referred(form, document))
    found = [Subject(case=case, register=key, key=value) for key, value in pairs if key in known]
    Subject.objects.bulk_create(found, ignore_conflicts=True)


def _attach(
    case: Case, task: Task | None, upload: Upload, by: Person | None, form: Mapping[str, Any], document: dict[str, Any]
) -> None:
    is_file = form["properties"].get(upload.field, {}).get("x-widget") == "file"
    try:
        kept = files.keep(
            upload.content, name=upload.name, organisation=case.organisation, area=case.area, by=by,
            allowed=tuple(files.TYPES) if is_file else PHOTOS,
        )  # fmt: skip
    except files.FileRefused as error:
        raise AnswerRefused({upload.field: str(error)}) from error
    Attachment.objects.create(case=case, task=task, file=kept)
    document.setdefault(upload.field, []).append(str(kept.pk))


def advance(case: Case, flow: Flow, about: About, before: State, after: State, now: datetime) -> None:
    """Write what a move did: elements passed, tasks given, what is waited for and thrown, the end."""
    stage = case.stage
    for passed in after.path[len(before.path) :]:
        stage = about.stage_of.get(passed.id, stage)
        if passed.type in WORDS and not flow.is_silent(passed.id):
            found = after.decided.get(passed.id)
            rules = sorted({rule for _table, hit in found.hits for rule in hit}) if found else []
            told = {"decided": after.document[flow.asks[passed.id].result], "rules": rules} if found else {}
            Entry.objects.create(case=case, at=now, kind="passed", step=passed.id, data=told)
    known = {token.id for token in before.tokens}
    for token in after.tokens:
        stage = about.stage_of.get(token.step_id, stage)
        if token.id not in known:
            _give(case, flow, token, now, after.document)
    Task.objects.filter(case=case, status=Task.Status.READY).exclude(token__in=[t.id for t in after.tokens]).update(
        status=Task.Status.WITHDRAWN
    )
    acting.lapse(case, Petition.objects.exclude(task__status=Task.Status.READY))
    case.state, case.stage = after.dump(), stage
    if after.is_ended:
        case.status, case.closed_at, case.ended_at = Case.Status.CLOSED, now, after.ended_at or ""
        case.is_void = case.ended_at in about.voids
        closing.close(case, about, now, error=after.error)
    case.save(update_fields=["state", "stage", "status", "closed_at", "ended_at", "is_void"])
    pace.keep(case)
    waits.keep(case, after)
    waits.tell(case, after.thrown)


def _give(case: Case, flow: Flow, token: Token, now: datetime, document: Mapping[str, Any]) -> None:
    step_id, step = token.step_id, flow.step[token.step_id]
    code = _body(step.organisation, document)
    body = Organisation.objects.filter(county=case.county_id, code=code).first() if code else None
    people, named = called_people(token, case, step.assign, body), named_people(token, case)
    task = Task.objects.create(
        case=case, token=token.id, step=step_id, role=token.role, created=now, item=token.item, organisation=body,
        people=[person.pk for person in named],
        assignee=people[0] if len(people) == 1 else None, due_at=_due(token, case, step.clock, now),
    )  # fmt: skip
    Entry.objects.create(
        case=case, at=now, kind="given", step=step_id, data={"task": task.pk, "people": [p.name for p in people]}
    )
    everybody = dict.fromkeys([*(person.pk for person in people), *_joint(case, task, step.joint, now)])
    told = {"task": task.pk, "case": case.pk, "number": case.number, "people": list(everybody)}
    events.emit(TASK_READY, task.pk, case.county_id, told)
    if not everybody:
        acting.nobody(task)


def _body(code: str, document: Mapping[str, Any]) -> str:
    """Code of the body whose people do a step: as it stands, or `=` FEEL on the document; "" for the case's."""
    return str(feel.evaluate(code[1:], document) or "") if code.startswith("=") else code


def _joint(case: Case, task: Task, bodies: Sequence[tuple[str, str]], now: datetime) -> list[int]:
    """Ask one of each body that does a task together with its own; who, by number. One that has nobody is left out."""
    asked: list[int] = []
    for role, code in bodies:
        body = Organisation.objects.filter(county=case.county_id, code=code).first() if code else None
        person = next((one for one in candidates(role, case, body) if one.pk not in {*asked, task.assignee_id}), None)
        if person is not None:
            Helper.objects.create(task=task, person=person, asked_at=now)
            told = {"task": task.pk, "to": person.name}
            Entry.objects.create(case=case, at=now, kind="invited", step=task.step, data=told)
            asked.append(person.pk)
    return asked


def _due(token: Token, case: Case, clock: str, now: datetime) -> datetime | None:
    """A duration from now on, a moment, or the end of a day."""
    if not token.due:
        return None
    try:
        if token.due.startswith("P"):
            local = timezone.localtime(now)
            return timers.later(local, token.due, lambda then, span: flows.later(case.county_id, then, span, clock))
        moment = datetime.fromisoformat(token.due)
    except ValueError as error:
        raise FlowError(token.step_id, token.due, str(error)) from None
    if "T" not in token.due:
        moment = datetime.combine(moment, time.max).replace(microsecond=0)
    return moment if moment.tzinfo else timezone.make_aware(moment)
