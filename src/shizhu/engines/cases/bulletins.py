"""Bulletins (简报) and public releases (对外发布) of a response: drafted from what its case holds, edited by one
person, checked and issued by another, told to named persons. What was issued stays as it is; a later one corrects it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import bulletin_draft, emergencies
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import posts_of, sees
from shizhu.engines.cases.models import DRILL, Bulletin, Case, Entry
from shizhu.engines.notices import api as notices
from shizhu.kernel import access, events, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person, Post
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

DRAFT = "cases.bulletin.draft"
ISSUE = {Bulletin.Kind.INTERNAL: "cases.bulletin.issue", Bulletin.Kind.PUBLIC: "cases.release.issue"}
ISSUED = {Bulletin.Kind.INTERNAL: "cases.bulletin.issued", Bulletin.Kind.PUBLIC: "cases.release.issued"}
DECLARED = {Bulletin.Kind.INTERNAL: "bulletin", Bulletin.Kind.PUBLIC: "release"}
DUE = "cases.bulletin_due"  # the job that looks whether the next was issued in time
IMPRINT = ("report", "send", "copy")
LIVE = (Bulletin.State.DRAFT, Bulletin.State.CHECKING)
Kind, State = Bulletin.Kind, Bulletin.State
MARKS = {1: "【模拟】", 2: "【回放】", DRILL: "【演练】"}  # of what is not real, on every page, file and notice
EXCERPT = 160  # characters of the text in a notice


@dataclass(frozen=True)
class Written:
    """What somebody wrote: all that may be changed until it is issued."""

    title: str
    text: str
    imprint: Mapping[str, str]
    receivers: tuple[int, ...] = ()
    next_at: datetime | None = None


def declared(case: Case, kind: str) -> Body | None:
    """How the plan of a response has bulletins, or public releases; None where it has none."""
    body = emergencies.plans(case.county_id).get(case.flow, {})
    found: Body | None = body.get(DECLARED[Kind(kind)])
    return found


def name_of(one: Bulletin) -> str:
    """What it is called, with its number."""
    head = label((declared(one.case, one.kind) or {}).get("head", one.title), "zh")
    return f"{head}第{one.number}期"


def may(who: Actor, verb: str, case: Case) -> bool:
    """Whether somebody has a right on a response."""
    return access.may(who, verb, county=case.county_id, organisation=case.organisation, area=case.area)


def may_see(who: Actor, one: Bulletin) -> bool:
    """What was issued: who sees the case, and whom it went to. Before that: who writes and who checks."""
    if one.state == State.ISSUED:
        return who.person_id in one.receivers or sees(who, one.case)
    return may(who, DRAFT, one.case) or may(who, ISSUE[Kind(one.kind)], one.case)


def may_issue(who: Actor, one: Bulletin) -> bool:
    """Whether somebody may check and issue it: not who wrote it."""
    return who.person_id not in {None, one.author_id} and may(who, ISSUE[Kind(one.kind)], one.case)


def proposed(case: Case, kind: str) -> list[Person]:
    """Those to whom its bulletins go, unless somebody chooses others: who holds one of the plan's roles for it."""
    roles = ",".join((declared(case, kind) or {}).get("receivers", ()))
    found = {post.person_id: post.person for post in posts_of(case.county_id, roles).select_related("person")}
    return sorted(found.values(), key=lambda person: (person.sort_key, person.pk))


def chosen(case: Case, numbers: Iterable[int]) -> list[Person]:
    """Of persons those to whom a bulletin of a response may go: active ones with a post in its county."""
    held = Post.objects.current(timezone.localdate()).filter(area__county=case.county_id)
    return list(Person.objects.filter(pk__in=numbers, is_active=True, posts__in=held).distinct())


def _case(case_id: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("organisation", "area", "county").get(pk=case_id)


def _held(number: int, version: int, *states: str) -> Bulletin:
    """One with its case locked, as it was read. Raises CannotNow."""
    case = _case(Bulletin.objects.values_list("case", flat=True).get(pk=number))
    one = Bulletin.objects.select_for_update().get(pk=number)
    one.case = case
    if one.state not in states:
        raise CannotNow(_("It was issued, dropped or given back meanwhile. Nothing was changed."))
    if one.version != version:
        raise CannotNow(_("Somebody else wrote in it meanwhile. Read it again; nothing was changed."))
    return one


@transaction.atomic
def begin(who: Actor, case_id: int, kind: str, corrects: int | None = None) -> Bulletin:
    """The draft of the next number, or the one that is being written already. Raises CannotNow, PermissionDenied."""
    case = _case(case_id)
    access.require(who, DRAFT, case)
    body = declared(case, kind)
    if body is None:
        raise CannotNow(_("The plan of this response has none. Declare it in the plan."))
    rows = Bulletin.objects.filter(case=case, kind=kind)
    if (live := rows.filter(state__in=LIVE).first()) is not None:
        return live
    issued = rows.filter(state=State.ISSUED)
    if corrects is not None and not issued.filter(pk=corrects).exists():
        raise CannotNow(_("Only what was issued can be corrected."))
    is_internal, now = kind == Kind.INTERNAL, timezone.now()
    next_at = now + timedelta(minutes=body["every"]) if is_internal and case.status == Case.Status.OPEN else None
    text = bulletin_draft.internal(who, case, next_at) if is_internal else bulletin_draft.public(who, case)
    return Bulletin.objects.create(
        case=case, kind=kind, number=issued.count() + 1, title=_title(case, kind), text=text,
        imprint={name: "、".join(body.get(name, ())) for name in IMPRINT} if is_internal else {},
        receivers=[one.pk for one in proposed(case, kind) if one.pk != who.person_id], next_at=next_at,
        corrects_id=corrects, author_id=who.person_id or 0, made_at=now,
    )  # fmt: skip


def _title(case: Case, kind: str) -> str:
    title = case.title
    for mark in MARKS.values():  # said beside every title
        title = title.removeprefix(mark)
    return f"{title}应急响应情况"[:200] if kind == Kind.INTERNAL else f"关于{title}的情况通报"[:200]


@transaction.atomic
def change(who: Actor, number: int, version: int, written: Written, *, is_ready: bool = False) -> Bulletin:
    """Write a draft anew, whoever does is its author; with `is_ready` it goes to those who check it."""
    one = _held(number, version, State.DRAFT)
    access.require(who, DRAFT, one.case)
    if not written.title.strip() or not written.text.strip():
        raise CannotNow(_("It needs a title and a text."))
    if written.next_at is not None and written.next_at <= timezone.now():
        raise CannotNow(_("Choose a time to come for the next one."))
    people = {person.pk for person in chosen(one.case, written.receivers)}
    if one.kind == Kind.INTERNAL and not people:
        raise CannotNow(_("Choose whom it goes to."))
    one.title, one.text = written.title.strip()[:200], written.text.strip()
    one.imprint = {name: written.imprint.get(name, "").strip()[:500] for name in IMPRINT}
    one.receivers, one.next_at = sorted(people), written.next_at
    one.author_id, one.version = who.person_id or 0, version + 1
    if is_ready:
        one.state, one.back = State.CHECKING, ""
    one.save()
    if is_ready:
        checkers = {post.person_id for post in access.posts_over(ISSUE[Kind(one.kind)], one.case)} - {one.author_id}
        if not checkers:
            raise CannotNow(_("Nobody else may issue it. Ask an administrator to give somebody the right."))
        _tell(one, f"checking/{one.version}", sorted(checkers), f"请审核：{name_of(one)}", one.title, level="yellow")
    return one


@transaction.atomic
def give_back(who: Actor, number: int, version: int, why: str) -> Bulletin:
    """Who checks it gives it back with what is to be mended; who wrote it may take it back."""
    one = _held(number, version, State.CHECKING)
    if who.person_id != one.author_id and not may_issue(who, one):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to give back {one.pk}")
    if who.person_id != one.author_id and not why.strip():
        raise CannotNow(_("Say what is to be mended."))
    one.state, one.back, one.version = State.DRAFT, why.strip()[:500], version + 1
    one.save()
    if who.person_id != one.author_id:
        _tell(one, f"back/{one.version}", [one.author_id], f"退回修改：{name_of(one)}", one.back, level="yellow")
    return one


@transaction.atomic
def drop(who: Actor, number: int, version: int) -> None:
    """Put a draft away; its number is free again."""
    one = _held(number, version, State.DRAFT)
    access.require(who, DRAFT, one.case)
    one.state, one.version = State.DROPPED, version + 1
    one.save()


@transaction.atomic
def issue(who: Actor, number: int, version: int) -> Bulletin:
    """Issue it as it was read, by a second person; a bulletin goes to its receivers.

    Raises CannotNow, PermissionDenied.
    """
    one = _held(number, version, State.CHECKING)
    if who.person_id == one.author_id:
        raise CannotNow(_("Who wrote it may not issue it: a second person does."))
    if not may_issue(who, one):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to issue {one.pk}")
    one.state, one.issued_at, one.checker_id, one.version = State.ISSUED, timezone.now(), who.person_id, version + 1
    if one.kind == Kind.INTERNAL:
        text = one.text if len(one.text) <= EXCERPT else f"{one.text[:EXCERPT]}…"
        one.notice = _tell(one, "issued", one.receivers, f"{name_of(one)}：{one.title}", text, wants_receipt=True)
    one.save()
    told = {"bulletin": one.pk, "number": one.number, "to": "", "why": one.title}
    kind = "bulletin" if one.kind == Kind.INTERNAL else "release"
    Entry.objects.create(case=one.case, at=one.issued_at, kind=kind, person_id=who.person_id, data=told)
    happened = {"bulletin": one.pk, "number": one.number, "case": one.case_id, "origin": one.case.origin}
    events.emit(ISSUED[Kind(one.kind)], one.pk, one.case.county_id, happened)
    if one.next_at is not None:
        jobs.wake(DUE, one.pk, one.next_at)
    return one


def late(case: Case, now: datetime | None = None) -> Bulletin | None:
    """The newest bulletin of a response that runs, where the next one was promised by now."""
    rows = Bulletin.objects.filter(case=case, kind=Kind.INTERNAL, state=State.ISSUED)
    newest = rows.order_by("number").last() if case.status == Case.Status.OPEN else None
    is_over = newest is not None and newest.next_at is not None and newest.next_at <= (now or timezone.now())
    return newest if is_over else None


def overdue(number: int) -> None:
    """The time of the next bulletin has come and there is none: who writes them hears so, once."""
    one = Bulletin.objects.select_related("case__organisation", "case__area").get(pk=number)
    if (found := late(one.case)) is not None and found.pk == number:
        people = {post.person_id for post in access.posts_over(DRAFT, one.case)}
        said = f"第{one.number + 1}期简报到时未发"
        _tell(one, "overdue", sorted(people), f"{one.title}：{said}", one.case.number, level="orange", is_post=True)


def _tell(
    one: Bulletin, key: str, people: Iterable[int], title: str, text: str, *, level: str = "",
    wants_receipt: bool = False, is_post: bool = False,
) -> int | None:  # fmt: skip
    case = one.case
    mark = MARKS[DRILL] if case.origin == DRILL else ""  # notices say the others
    level = "yellow" if level == "orange" and case.origin == DRILL else level  # a drill wakes nobody
    return notices.tell(
        case.county_id, f"bulletin/{one.pk}/{key}", people, title=f"{mark}{title}"[:200], text=text, level=level,
        url=f"/cases/{case.pk}/command/" if is_post else f"/cases/bulletins/{one.pk}/", wants_receipt=wants_receipt,
        origin=case.origin,
    )  # fmt: skip


def published(county: str = "") -> list[Bulletin]:
    """The public releases of real and simulated responses, the newest first; those of drills are for nobody outside."""
    rows = Bulletin.objects.filter(kind=Kind.PUBLIC, state=State.ISSUED).exclude(case__origin=DRILL)
    rows = rows.filter(case__county=county) if county else rows
    return list(rows.select_related("case__county").prefetch_related("corrected_by").order_by("-issued_at", "-pk")[:50])
