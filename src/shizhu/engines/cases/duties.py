"""Duty (值班): put people on the roster, keep a shift's log, hand over, swap. Each move is one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Case as Choice
from django.db.models import Exists, OuterRef, Q, QuerySet, Value, When
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import acting, assignment, flows, telling
from shizhu.engines.cases.assignment import posts_of
from shizhu.engines.cases.models import Duty, Entry, Handover, ShiftNote, Swap, Task
from shizhu.engines.things import api as things
from shizhu.kernel import access, events
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person, Post, Role
from shizhu.kernel.text import label

VIEW, EDIT = "cases.duty.view", "cases.duty.edit"
PUT, OFF, HANDED, TAKEN = "cases.duty.put", "cases.duty.taken_off", "cases.duty.handed_over", "cases.duty.taken_over"
SWAP_ASKED, SWAP_ANSWERED = "cases.swap.asked", "cases.swap.answered"
LONGEST = timedelta(days=7)  # of one shift
GRACE = timedelta(minutes=5)  # after a shift, to hand it over by name and send what was begun
GIVEN = ("given", "handed", "passed_on")  # entries with which a task comes to somebody
MATTERS = 50  # open matters listed at a hand-over


class CannotBe(ValueError):
    """What was asked does not fit the roster; the text says why and what to do."""


@dataclass(frozen=True)
class Shift:
    """Who is to be on duty for a role in an area, from–to."""

    role: str
    area: Area
    person: Person
    begins: datetime
    ends: datetime


def posts(county: str, role: str, area: Area, on: datetime) -> QuerySet[Post]:
    """Posts of the role that cover an area on the day of a moment."""
    found = posts_of(county, role, timezone.localtime(on).date())
    return found.filter(area__path__in=list(_prefixes(area.path))).select_related("person", "organisation")


def _prefixes(path: str) -> Iterator[str]:
    parts = path.rstrip("/").split("/")
    for number in range(1, len(parts) + 1):
        yield "/".join(parts[:number]) + "/"


def holders(county: str, role: str, area: Area) -> list[Person]:
    """Who may be put on duty: people who hold the role there now, in order of their names."""
    found = {post.person_id: post.person for post in posts(county, role, area, timezone.now())}
    return sorted(found.values(), key=lambda person: (person.sort_key, person.pk))


@transaction.atomic
def put(who: Actor, wanted: Shift) -> Duty:
    """Put somebody on duty. Raises CannotBe, PermissionDenied."""
    return put_all(who, [wanted])[0]


@transaction.atomic
def put_all(who: Actor, wanted: Iterable[Shift]) -> list[Duty]:
    """Put all of them on duty, or nobody."""
    shifts = list(wanted)
    _one_by_one(shift.person.pk for shift in shifts)
    return [_put(who, shift) for shift in shifts]


def _one_by_one(people: Iterable[int]) -> None:
    """Whoever changes shifts of the same people waits: two at once would wait for each other at the constraint."""
    list(Person.objects.select_for_update(no_key=True).filter(pk__in=set(people)).order_by("pk").values_list("pk"))


def _put(who: Actor, wanted: Shift) -> Duty:
    county = wanted.area.county_id
    post = posts(county, wanted.role, wanted.area, wanted.begins).filter(person=wanted.person).first()
    if post is None:
        raise CannotBe(_("%s holds no such post there on that day.") % wanted.person.name)
    if not access.may(who, EDIT, county=county, organisation=post.organisation, area=wanted.area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {EDIT} there")
    if not timedelta() < wanted.ends - wanted.begins <= LONGEST:
        raise CannotBe(_("A shift ends after it begins, within seven days."))
    try:
        with transaction.atomic():
            made = Duty.objects.create(
                county_id=county, organisation=post.organisation, area=wanted.area, role=wanted.role,
                person=wanted.person, begins=wanted.begins, ends=wanted.ends,
            )  # fmt: skip
    except IntegrityError:
        raise CannotBe(_("%s is on duty at that time already.") % wanted.person.name) from None
    _happened(PUT, made, begins=made.begins, ends=made.ends)
    return made


def _happened(type_: str, duty: Duty, **more: Any) -> None:
    told = {"duty": duty.pk, "role": duty.role, "area": duty.area_id, "person": duty.person_id, **more}
    events.emit(type_, duty.pk, duty.county_id, told)


def _locked(number: int) -> Duty:
    rows = Duty.objects.select_for_update(of=("self",)).select_related("organisation", "area", "person")
    return rows.get(pk=number)


@transaction.atomic
def take_off(who: Actor, number: int) -> None:
    """Take a shift that has not begun off the roster."""
    duty = _locked(number)
    access.require(who, EDIT, duty)
    if duty.begins <= timezone.now():
        raise CannotBe(_("That shift has begun: it stays on record."))
    _happened(OFF, duty)
    duty.delete()


def on_duty(county: str, at: datetime | None = None) -> QuerySet[Duty]:
    """The shifts that run at a moment."""
    now = at or timezone.now()
    rows = Duty.objects.filter(county=county, begins__lte=now, ends__gt=now)
    return rows.select_related("person", "area", "organisation").order_by("role", "area__path", "person__sort_key")


def _mine(who: Actor, duty: Duty) -> None:
    if who.person_id is None or who.person_id != duty.person_id:
        raise PermissionDenied("only who is on duty in a shift does this")


@transaction.atomic
def note(who: Actor, number: int, text: str) -> ShiftNote:
    """Write a line of a shift's log, while it runs and until it is handed over."""
    duty = _locked(number)
    _mine(who, duty)
    if not text.strip():
        raise CannotBe(_("Write what happened."))
    if duty.begins > timezone.now():
        raise CannotBe(_("The shift has not begun yet."))
    if Handover.objects.filter(duty=duty).exists():
        raise CannotBe(_("The shift was handed over; the next one writes on."))
    return ShiftNote.objects.create(duty=duty, at=timezone.now(), person=duty.person, text=text.strip())


def open_matters(who: Actor, duty: Duty) -> list[dict[str, Any]]:
    """What is open in the area of a shift, as who hands it over may see it: alarms, and cases with what waits in each.

    As {kind, text, url, due}, alarms first, then the most urgent.
    """
    county = duty.county_id
    inside = set(Area.objects.filter(path__startswith=duty.area.path).values_list("pk", flat=True))
    standing = [one for one in alarms.alarms(who, county, most=MATTERS) if one.area in inside]
    streams = things.describe({one.datastream for one in standing if one.datastream})
    found: list[dict[str, Any]] = [
        {
            "kind": "alarm", "url": f"/alarms/{one.id}/", "due": None,
            "text": " · ".join(
                [*([streams[one.datastream].thing_name] if one.datastream in streams else []), label(one.title, "zh")]
            ),
        }
        for one in standing
    ]  # fmt: skip
    tasks = Task.objects.filter(
        status=Task.Status.READY, case__county=county, case__area__path__startswith=duty.area.path
    ).select_related("case__organisation", "case__area", "assignee")
    for task in tasks.order_by("due_at", "pk")[: MATTERS - len(found)]:
        case = task.case
        if access.may(who, "cases.case.view", county=county, organisation=case.organisation, area=case.area):
            _flow, about = flows.version(case.flow, case.digest)
            step = label(about.names.get(task.step, {"zh": task.step}), "zh")
            whose = task.assignee.name if task.assignee else ""
            text = " · ".join(filter(None, [f"{case.number} {case.title}", step, whose, telling.meets(task)]))
            due = task.due_at.isoformat() if task.due_at else None
            found.append({"kind": "case", "text": text, "url": f"/cases/{case.pk}/", "due": due})
    return found


@transaction.atomic
def hand_over(who: Actor, number: int, to: Person, said: str = "") -> Handover:
    """Hand a shift that has begun to whoever takes it over, with what is open; once."""
    duty = _locked(number)
    _mine(who, duty)
    if duty.begins > timezone.now():
        raise CannotBe(_("The shift has not begun yet."))
    if Handover.objects.filter(duty=duty).exists():
        raise CannotBe(_("It was handed over already."))
    if to.pk == duty.person_id or to not in holders(duty.county_id, duty.role, duty.area):
        raise CannotBe(_("Choose somebody else who does this duty here."))
    made = Handover.objects.create(
        duty=duty, to=to, said=said.strip(), matters=open_matters(who, duty), given_at=timezone.now()
    )
    _happened(HANDED, duty, to=to.pk, matters=len(made.matters))
    return made


@transaction.atomic
def take_over(who: Actor, number: int) -> Handover:
    """Take a shift over by name, and the tasks that its person was given as who is on duty. Only who it was handed to
    does, once.
    """
    rows = Handover.objects.select_for_update(of=("self",)).select_related("duty__person", "duty__area", "to")
    row = rows.get(pk=number)
    if row.to_id != who.person_id:
        raise PermissionDenied("only who a shift was handed to takes it over")
    if row.taken_at is not None:
        raise CannotBe(_("It was taken over already."))
    row.taken_at = timezone.now()
    row.save(update_fields=["taken_at"])
    _happened(TAKEN, row.duty, to=row.to_id)
    for task in _by_duty(row.duty):
        with suppress(acting.CannotNow):  # it was answered meanwhile, or is nothing for who took over
            acting.hand_over(access.actor(row.duty.person), task.pk, row.to, "交接班")
    return row


def _by_duty(duty: Duty) -> Iterator[Task]:
    """What waits for the person of a shift because they are on duty."""
    tasks = Task.objects.filter(
        status=Task.Status.READY, assignee=duty.person_id, case__county=duty.county_id,
        case__area__path__startswith=duty.area.path,
    ).select_related("case")  # fmt: skip
    for task in tasks.order_by("case", "pk"):
        flow, _about = flows.version(task.case.flow, task.case.digest)
        if duty.role in task.role.split(",") and flow.step[task.step].assign == "duty":
            yield task


def change_shifts() -> None:
    """Pass on what waits for people because they were on duty and nobody took over: to who is on duty now, else back to
    the role; and what waits for the role to the one who has come on duty since. What waits for people who have left
    goes back to the role too.
    """
    now, duties = timezone.now(), Duty.objects.filter(county=OuterRef("case__county"))
    over = duties.filter(person=OuterRef("assignee"), ends__gt=OuterRef("created"), ends__lte=now - GRACE)
    begun = duties.filter(begins__lte=now, ends__gt=now)
    changed = Q(Exists(over) | Q(assignee=None) & Exists(begun), people=[]) | Q(assignee__is_active=False)
    waiting = Task.objects.filter(changed, status=Task.Status.READY)
    for task in waiting.select_related("case__area", "case__organisation", "organisation", "assignee"):
        people = assignment.able(task)
        flow, _about = flows.version(task.case.flow, task.case.digest)
        is_duty = flow.step[task.step].assign == "duty"
        there = assignment.on_duty(task.role, task.case, people) if is_duty else []
        sure = there or (people if len(people) == 1 else [])
        to = "、".join([one.name for one in sure] or _roles(task)) or "—"
        if task.assignee and not task.assignee.is_active:
            acting.pass_on(task, there or people, to, f"{task.assignee.name}已离岗")
        elif is_duty and task.assignee not in there and (_is_over(task, now - GRACE) if task.assignee else there):
            acting.pass_on(task, there or people, to, "值班班次更替，未经交接" if task.assignee else "值班班次开始")


def _roles(task: Task) -> list[str]:
    return [label(role.name, "zh") for role in Role.objects.filter(pk__in=task.role.split(","))]


def _is_over(task: Task, at: datetime) -> bool:
    """Whether a shift in which somebody had a task was over at a moment."""
    came = Entry.objects.filter(case=task.case, kind__in=GIVEN, data__task=task.pk).latest("at").at
    rows = Duty.objects.filter(person=task.assignee, role__in=task.role.split(","), ends__gt=came, ends__lte=at)
    return any(task.case.area.path.startswith(row.area.path) for row in rows.select_related("area"))


@transaction.atomic
def ask_swap(who: Actor, number: int, of: Person, back: int = 0, why: str = "") -> Swap:
    """Ask somebody to take one's shift, in return for one of theirs or (0) for nothing."""
    duty = _locked(number)
    _mine(who, duty)
    _to_come(duty)
    if of.pk == duty.person_id or not posts(duty.county_id, duty.role, duty.area, duty.begins).filter(person=of):
        raise CannotBe(_("Choose somebody else who does this duty here."))
    other = _returned(duty, of, back) if back else None
    if Swap.objects.filter(duty=duty, answered_at=None).exists():
        raise CannotBe(_("This was asked for already, and is not decided yet."))
    made = Swap.objects.create(
        duty=duty, back=other, asked_by_id=who.person_id or 0, asked_of=of, why=why.strip(), asked_at=timezone.now()
    )
    telling.swap(made)
    _happened(SWAP_ASKED, duty, swap=made.pk, of=of.pk, back=back or None)
    return made


def _returned(duty: Duty, of: Person, number: int) -> Duty:
    """The shift in return; it may have been taken off the roster or swapped meanwhile."""
    try:
        other = _locked(number)
    except Duty.DoesNotExist:
        other = None
    if other is None or (other.role, other.area_id, other.person_id) != (duty.role, duty.area_id, of.pk):
        raise CannotBe(_("The shift in return must be one of theirs, of the same duty."))
    _to_come(other)
    return other


def _to_come(duty: Duty) -> None:
    if duty.begins <= timezone.now():
        raise CannotBe(_("That shift has begun: it stays on record."))


@transaction.atomic
def answer_swap(who: Actor, number: int, *, is_agreed: bool) -> Swap:
    """Agree, and the two shifts change hands; or refuse. Only who was asked answers, once."""
    swap = Swap.objects.select_for_update().get(pk=number)
    if swap.asked_of_id != who.person_id:
        raise PermissionDenied("only who was asked to swap answers")
    if swap.answered_at is not None:
        raise CannotBe(_("It was answered already."))
    if is_agreed:
        _one_by_one((swap.asked_by_id, swap.asked_of_id))
        duties = [_locked(pk) for pk in sorted(filter(None, (swap.duty_id, swap.back_id)))]
        wanted = {swap.duty_id: swap.asked_of_id, swap.back_id: swap.asked_by_id}
        owners = {swap.duty_id: swap.asked_by_id, swap.back_id: swap.asked_of_id}
        for duty in duties:
            _to_come(duty)
            if duty.person_id != owners[duty.pk]:
                raise CannotBe(_("The roster has changed since. Ask again."))
        ways = [When(pk=duty.pk, then=Value(wanted[duty.pk])) for duty in duties]
        try:
            with transaction.atomic():
                Duty.objects.filter(pk__in=[duty.pk for duty in duties]).update(person_id=Choice(*ways))
        except IntegrityError:
            raise CannotBe(_("One of you is on duty at that time already.")) from None
    swap.answered_at, swap.is_agreed = timezone.now(), is_agreed
    swap.save(update_fields=["answered_at", "is_agreed"])
    telling.swap(swap)
    _happened(SWAP_ANSWERED, swap.duty, swap=swap.pk, of=swap.asked_of_id, back=swap.back_id, agreed=is_agreed)
    return swap
