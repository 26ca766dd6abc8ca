"""What people do about a case beside answering its tasks: pause, extend, give back and void on approval; hand over,
handle jointly, urge, supervise. Each is one transaction with the case locked, and a line of the timeline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import closing, flows, telling, waits
from shizhu.engines.cases.assignment import APPROVE, barred, doers, may_do, may_start, with_case
from shizhu.engines.cases.logic import load, shifted
from shizhu.engines.cases.models import Case, Entry, Helper, Petition, Task, Waiting
from shizhu.kernel import access, events, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.kernel.text import label
from shizhu.lib import worktime
from shizhu.lib.times import parse_duration

URGE, SUPERVISE = "cases.case.urge", "cases.case.supervise"
URGED, HANDED = "cases.task.urged", "cases.task.handed"
QUIET = timedelta(hours=1)  # between two urgings of a task
LONGEST = timedelta(days=366)  # that may be asked for more
Kind = Petition.Kind


class CannotNow(Exception):
    """What was asked does not fit where the case stands now; the text says why, and what somebody else did."""


def _locked(case: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=case)


def _ready(number: int) -> Task:
    """The task, with its case locked. Raises CannotNow where it was answered or withdrawn meanwhile."""
    found = Task.objects.get(pk=number)
    case = _locked(found.case_id)
    task = Task.objects.select_related("assignee", "done_by").get(pk=number)
    task.case = case
    if task.status != Task.Status.READY:
        by = f"{task.done_by.name} " if task.done_by else ""
        raise CannotNow(_("%sThis task is no longer open. Nothing was changed.") % by)
    return task


def _waiting(case: Case) -> list[Task]:
    return [with_case(task, case) for task in Task.objects.filter(case=case, status=Task.Status.READY)]


def _tell(case: Case, kind: str, who: Actor, step: str = "", **data: Any) -> Entry:
    return Entry.objects.create(case=case, at=timezone.now(), kind=kind, step=step, person_id=who.person_id, data=data)


def _mine(who: Actor, number: int) -> Task:
    task = _ready(number)
    if not may_do(who, task):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to act on {task}")
    return task


@transaction.atomic
def ask(who: Actor, task_id: int, kind: str, why: str, span: str = "") -> Petition:
    """Ask for a pause, for more time (`span`, ISO 8601), to give a task back or to void its case.

    Raises CannotNow, PermissionDenied.
    """
    task = _mine(who, task_id)
    case = task.case
    if not why.strip():
        raise CannotNow(_("Say why."))
    if kind == Kind.EXTEND:
        try:
            size = parse_duration(span)
        except (ValueError, OverflowError):
            size = timedelta()
        if not timedelta() < size <= LONGEST:
            raise CannotNow(_("Say how many days more, 366 at most."))
    if kind == Kind.PAUSE and case.paused_at is not None:
        raise CannotNow(_("The case is paused already."))
    if Petition.objects.filter(case=case, kind=kind, decided_at=None).exists():
        raise CannotNow(_("This was asked for already, and is not decided yet."))
    made = Petition.objects.create(
        case=case, task=task, kind=kind, why=why.strip(), span=span if kind == Kind.EXTEND else "",
        asked_by_id=who.person_id or 0, asked_at=timezone.now(),
    )  # fmt: skip
    entry = _tell(case, "asked", who, task.step, petition=made.pk, what=kind, why=made.why, span=made.span)
    telling.wished(task, entry, sorted({post.person_id for post in access.posts_over(APPROVE, case)}))
    return made


@transaction.atomic
def decide(who: Actor, petition_id: int, *, is_granted: bool, why: str = "") -> Petition:
    """Grant or refuse what was asked; nobody decides on their own wish. Of two at once the second gets CannotNow."""
    found = Petition.objects.get(pk=petition_id)
    case = _locked(found.case_id)
    petition = Petition.objects.select_related("task", "decided_by").get(pk=petition_id)
    access.require(who, APPROVE, case)
    if petition.asked_by_id == who.person_id:
        raise PermissionDenied("nobody decides on what they asked for themselves")
    if petition.decided_by is not None:
        raise CannotNow(_("%s has decided already. Nothing was changed.") % petition.decided_by.name)
    if petition.decided_at is not None:
        raise CannotNow(_("The task waits no more for who asked: nothing is left to decide, and nothing was changed."))
    now = timezone.now()
    petition.decided_by_id, petition.decided_at, petition.is_granted = who.person_id, now, is_granted
    petition.save(update_fields=["decided_by", "decided_at", "is_granted"])
    entry = _tell(
        case, "decided", who, petition.task.step, petition=petition.pk, what=petition.kind, granted=is_granted, why=why
    )
    with_case(petition.task, case)
    telling.decided(petition, entry)
    if is_granted:
        GRANTED[Kind(petition.kind)](case, petition, entry)
    return petition


def _pause(case: Case, petition: Petition, _entry: Entry) -> None:
    case.paused_at = petition.decided_at
    case.save(update_fields=["paused_at"])


def _extend(case: Case, petition: Petition, _entry: Entry) -> None:
    flow, about = flows.version(case.flow, case.digest)
    task = petition.task
    case.due_at = flows.later(case.county_id, case.due_at, petition.span, about.clock)
    case.save(update_fields=["due_at"])
    if task.due_at is not None:
        task.due_at = flows.later(case.county_id, task.due_at, petition.span, flow.step[task.step].clock)
        task.save(update_fields=["due_at"])
    _timers_later(task, lambda due, clock: flows.later(case.county_id, due, petition.span, clock))


def _timers_later(task: Task, later: Callable[[datetime, str], datetime]) -> None:
    """Durations that run on a step itself, of timers on its edge, end later too; moments and other steps' do not."""
    case = task.case
    flow, _about = flows.version(case.flow, case.digest)
    here = next(row["n"] for row in case.state["marking"] if f"{row['at']}:{row.get('order')}" == task.token)

    def rung(place: int, event: str, due: datetime) -> datetime:
        timer, clock = flow.node[event].event, flow.node[event].step.clock
        return later(due, clock) if place == here and timer and timer.timer == "duration" else due

    state = shifted(load(flow, case.state), rung)
    case.state = state.dump()
    case.save(update_fields=["state"])
    dues = {(wait.at, wait.event): wait.due for wait in state.waits}
    for row in Waiting.objects.filter(case=case, kind="timer", place=here):
        row.due_at = datetime.fromisoformat(dues[row.place, row.event])
        row.save(update_fields=["due_at"])
        jobs.wake(waits.RING, row.pk, row.due_at)


def _return(case: Case, petition: Petition, entry: Entry) -> None:
    task = petition.task
    task.case, task.assignee_id = case, petition.decided_by_id
    task.save(update_fields=["assignee"])
    telling.handed(task, entry)


def _void(case: Case, petition: Petition, entry: Entry) -> None:
    """End the case where it stands, without a result: nobody does its tasks any more, nothing is waited for, and the
    alarms that began it stay open. Whoever reported it hears why.
    """
    _flow, about = flows.version(case.flow, case.digest)
    held = [who for task in _waiting(case) for who in doers(task)]
    Task.objects.filter(case=case, status=Task.Status.READY).update(status=Task.Status.WITHDRAWN)
    lapse(case, Petition.objects.all(), entry.person_id)
    case.status, case.closed_at, case.paused_at, case.is_void = Case.Status.CLOSED, entry.at, None, True
    case.save(update_fields=["status", "closed_at", "paused_at", "is_void"])
    waits.end(case)
    closed = closing.close(case, about, entry.at, who=entry.person_id, void=entry.data["why"] or petition.why)
    telling.voided(case, closed, [one for one in held if one != petition.asked_by_id])


GRANTED = {Kind.PAUSE: _pause, Kind.EXTEND: _extend, Kind.RETURN: _return, Kind.VOID: _void}


def lapse(case: Case, wishes: QuerySet[Petition], by: int | None = None) -> None:
    """Close what was asked for about tasks that wait no more for who asked; who did not end that alone hears so."""
    for petition in wishes.filter(case=case, decided_at=None).select_related("task"):
        petition.decided_at, petition.is_granted = timezone.now(), False
        petition.save(update_fields=["decided_at", "is_granted"])
        with_case(petition.task, case)
        told = {"petition": petition.pk, "what": petition.kind}
        entry = Entry.objects.create(
            case=case, at=petition.decided_at, kind="lapsed", step=petition.task.step, person_id=by, data=told
        )
        telling.lapsed(petition, entry)


@transaction.atomic
def resume(who: Actor, case_id: int) -> Case:
    """Let the clocks of a paused case run again: every deadline and timer is later by what the pause took of it."""
    case = _locked(case_id)
    ready = _waiting(case)
    if not any(may_do(who, task) for task in ready):
        access.require(who, APPROVE, case)
    if case.paused_at is None:
        raise CannotNow(_("The case is not paused."))
    flow, about = flows.version(case.flow, case.digest)
    paused, now, hours = case.paused_at, timezone.now(), flows.hours_of(case.county_id)

    def later(due: datetime, clock: str, since: datetime = paused, until: datetime = now) -> datetime:
        return worktime.moved(due, since, until, hours) if clock == "working" else due + (until - since)

    came = {(row.place, row.event): max(paused, row.since) for row in Waiting.objects.filter(case=case)}
    resting = {task.token: task.paused_at for task in ready if task.paused_at}
    rests = {row["n"]: resting.get(f"{row['at']}:{row.get('order')}") for row in case.state["marking"]}

    def rung(place: int, event: str, due: datetime) -> datetime:
        since, node = came.get((place, event), paused), flow.node[event]
        rest = rests.get(place) if node.event and node.event.timer == "duration" else None
        return later(due, node.step.clock, since, max(since, rest or now))

    state = shifted(load(flow, case.state), rung)
    case.due_at, case.paused_at, case.state = later(case.due_at, about.clock), None, state.dump()
    case.save(update_fields=["due_at", "paused_at", "state"])
    for task in ready:
        since, until = max(paused, task.created), task.paused_at or now  # its own pause counts once it is over
        if until > since:
            task.rested += worktime.worked(since, until, hours)
            if task.due_at is not None:
                task.due_at = later(task.due_at, flow.step[task.step].clock, since, until)
            task.save(update_fields=["due_at", "rested"])
    waits.keep(case, state)
    _tell(case, "resumed", who, since=paused.isoformat())
    return case


@transaction.atomic
def supplement(who: Actor, task_id: int, why: str) -> Task:
    """Ask for supplements (补正) to one step: its clock alone stands until they are there."""
    task = _mine(who, task_id)
    if not flows.version(task.case.flow, task.case.digest)[1].supplements:
        raise CannotNow(_("This flow knows no supplements to one step."))
    if not why.strip():
        raise CannotNow(_("Say all that is to be supplied, at once."))
    if task.paused_at is not None:
        raise CannotNow(_("Supplements are awaited: its clock stands."))
    task.paused_at = timezone.now()
    task.save(update_fields=["paused_at"])
    telling.supplement(task, _tell(task.case, "supplement", who, task.step, task=task.pk, why=why.strip()))
    return task


@transaction.atomic
def supplied(who: Actor, task_id: int, what: str = "") -> Task:
    """The supplements are there: the step's deadline is later by the working time its clock stood.

    Whoever does the step says so, or who may begin such cases. A pause of the whole case meanwhile counts once.
    """
    task = _ready(task_id)
    case = task.case
    flow, about = flows.version(case.flow, case.digest)
    if not may_start(who, about, case.organisation, case.area) and not may_do(who, task):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to act on {task}")
    if task.paused_at is None:
        raise CannotNow(_("Nothing is awaited there."))
    hours, until = flows.hours_of(case.county_id), min(timezone.now(), case.paused_at or timezone.now())
    if until > task.paused_at:
        since = task.paused_at

        def later(due: datetime, clock: str) -> datetime:
            return worktime.moved(due, since, until, hours) if clock == "working" else due + (until - since)

        task.rested += worktime.worked(since, until, hours)
        task.due_at = task.due_at and later(task.due_at, flow.step[task.step].clock)
        _timers_later(task, later)
    task.paused_at = None
    task.save(update_fields=["paused_at", "due_at", "rested"])
    telling.supplied(task, _tell(case, "supplied", who, task.step, task=task.pk, why=what.strip()))
    return task


@transaction.atomic
def hand_over(who: Actor, task_id: int, to: Person, why: str = "") -> Task:
    """Give a task to somebody else of its role; who approves may give it to anybody with a post here."""
    task = _ready(task_id)
    case = task.case
    is_chief = access.may(who, APPROVE, county=case.county_id, organisation=case.organisation, area=case.area)
    if not is_chief and not may_do(who, task):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to hand over {task}")
    other = access.actor(to)
    fits = any(access.holds(other, r, organisation=case.organisation, area=case.area) for r in task.role.split(","))
    fits = fits or to.pk in task.people
    is_here = any(scope.county == case.county_id for scope in other.scopes)
    if not to.is_active or not (fits or (is_chief and is_here)):
        raise CannotNow(_("%s holds no post that does this here.") % to.name)
    if to.pk in barred(case, task.step):
        flow, about = flows.version(case.flow, case.digest)
        others = "、".join(label(about.names[one]) for one in flow.step[task.step].not_by if one in about.names)
        why = _("%(name)s did %(step)s of it: another person does this.")
        raise CannotNow(why % {"name": to.name, "step": others})
    if task.assignee_id == to.pk:
        raise CannotNow(_("%s has it already. Nothing was changed.") % to.name)
    had, task.assignee = task.assignee_id, to
    task.save(update_fields=["assignee"])
    lapse(case, Petition.objects.filter(task=task, kind=Kind.RETURN).exclude(asked_by=to), who.person_id)
    entry = _tell(case, "handed", who, task.step, task=task.pk, to=to.name, why=why)
    telling.handed(task, entry)
    telling.taken(task, entry, had)
    told = {"task": task.pk, "case": case.pk, "number": case.number, "people": [to.pk]}
    events.emit(HANDED, task.pk, case.county_id, told)
    return task


@transaction.atomic
def pass_on(task: Task, people: list[Person], called: str, why: str) -> None:
    """Give a task without anybody's doing to one person, or to its role for several, who are `called` so, where it
    still waits for whom it did; those who may do it now hear so, and who had it.
    """
    case, now = _locked(task.case_id), Task.objects.select_related("case").get(pk=task.pk)
    to = people[0] if len(people) == 1 else None
    if (now.status, now.assignee_id) != (Task.Status.READY, task.assignee_id) or now.assignee_id == (to and to.pk):
        return
    had, now.assignee, now.case = now.assignee_id, to, case
    now.save(update_fields=["assignee"])
    lapse(case, Petition.objects.filter(task=now, kind=Kind.RETURN).exclude(asked_by=to))
    data = {"task": now.pk, "to": called, "why": why}
    entry = Entry.objects.create(case=case, at=timezone.now(), kind="passed_on", step=now.step, data=data)
    telling.passed_on(now, entry, [one.pk for one in people], had)
    told = {"task": now.pk, "case": case.pk, "number": case.number, "people": [one.pk for one in people]}
    events.emit(HANDED, now.pk, case.county_id, told)
    if not people:
        nobody(now)


def nobody(task: Task) -> None:
    """There is nobody who could do a task: who approves its case hears so, and hands it over."""
    telling.nobody(task, sorted({post.person_id for post in access.posts_over(APPROVE, task.case)}))


@transaction.atomic
def invite(who: Actor, task_id: int, person: Person) -> Helper:
    """Ask somebody with a post here to handle a task jointly (会办)."""
    task = _mine(who, task_id)
    case = task.case
    if not any(scope.county == case.county_id for scope in access.actor(person).scopes):
        raise CannotNow(_("%s holds no post that does this here.") % person.name)
    if Helper.objects.filter(task=task, person=person).exists():
        raise CannotNow(_("%s was asked already.") % person.name)
    made = Helper.objects.create(task=task, person=person, asked_by_id=who.person_id or 0, asked_at=timezone.now())
    _tell(case, "invited", who, task.step, task=task.pk, to=person.name)
    telling.asked(made)
    return made


@transaction.atomic
def arrange(who: Actor, task_id: int, at: datetime, where: str = "") -> Task:
    """Agree when, and where, those meet who do a task together; a later one moves it. All of them are told each time,
    and reminded before.
    """
    task = _mine(who, task_id)
    if not task.helpers.exists():
        raise CannotNow(_("Nobody was asked to do this together. Ask them first."))
    if at <= timezone.now():
        raise CannotNow(_("Choose a time to come."))
    is_moved = task.meets_at is not None
    task.meets_at, task.meets_where = at, where.strip()
    task.save(update_fields=["meets_at", "meets_where"])
    told = {"task": task.pk, "at": at.isoformat(), "why": task.meets_where, "moved": is_moved}
    telling.arranged(task, _tell(task.case, "arranged", who, task.step, **told))
    if (ahead := telling.reminded_at(at, timezone.now())) is not None:
        jobs.wake(telling.MEETING, task.pk, ahead)
    return task


@transaction.atomic
def contribute(who: Actor, helper_id: int, said: str) -> Helper:
    """What somebody who handles a task jointly says about it, once."""
    helper = Helper.objects.get(pk=helper_id)
    task = _ready(helper.task_id)
    helper.refresh_from_db()
    if helper.person_id != who.person_id:
        raise PermissionDenied("only who was asked says something here")
    if helper.said_at is not None or not said.strip():
        raise CannotNow(_("Nothing was said, or it was said already."))
    helper.said, helper.said_at = said.strip(), timezone.now()
    helper.save(update_fields=["said", "said_at"])
    _tell(task.case, "said", who, task.step, task=task.pk, said=helper.said)
    return helper


@transaction.atomic
def urge(who: Actor, task_id: int, why: str = "") -> None:
    """Urge who has a task (催办), once an hour at most."""
    task = _ready(task_id)
    case = task.case
    access.require(who, URGE, case)
    since = timezone.now() - QUIET
    if Entry.objects.filter(case=case, kind="urged", data__task=task.pk, at__gte=since).exists():
        raise CannotNow(_("It was urged within the last hour."))
    telling.urged(task, _tell(case, "urged", who, task.step, task=task.pk, why=why))
    people = [task.assignee_id] if task.assignee_id else []
    told = {"task": task.pk, "case": case.pk, "number": case.number, "people": people}
    events.emit(URGED, task.pk, case.county_id, told)


@transaction.atomic
def supervise(who: Actor, case_id: int, until: datetime, why: str) -> Case:
    """Put a case under supervision until a moment (督办): it is marked as such, to its end."""
    case = _locked(case_id)
    access.require(who, SUPERVISE, case)
    if case.status != Case.Status.OPEN:
        raise CannotNow(_("The case is closed."))
    if not why.strip() or until <= timezone.now():
        raise CannotNow(_("Say why, and a date to come."))
    case.supervised_by_id, case.supervised_until = who.person_id, until
    case.save(update_fields=["supervised_by", "supervised_until"])
    telling.supervised(_tell(case, "supervised", who, until=until.isoformat(), why=why.strip()), _waiting(case))
    jobs.wake(telling.SUPERVISED, case.pk, until)
    return case


@transaction.atomic
def overran(case_id: int) -> None:
    """The time that a supervised case was given is over, and it is not: said on its timeline, and to both sides, once.

    Of one that was given another time since: at that.
    """
    case = _locked(case_id)
    until = case.supervised_until
    if case.status != Case.Status.OPEN or until is None or until > timezone.now():
        return
    told = {"until": until.isoformat()}
    if not Entry.objects.filter(case=case, kind="overran", data=told).exists():
        entry = Entry.objects.create(case=case, at=timezone.now(), kind="overran", data=told)
        telling.overran(case, entry, _waiting(case))
