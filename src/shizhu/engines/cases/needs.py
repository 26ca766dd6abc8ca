"""Asking for help (求助): somebody in the field says what a response is to send, its command post answers, and both are
told. What nobody has answered in time is told again, and measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import actions, emergencies, flows, stock
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import sees
from shizhu.engines.cases.logic.emergency import ORDER
from shizhu.engines.cases.models import DRILL, Case, Entry, Need, Task
from shizhu.engines.cases.stock import Wanted
from shizhu.engines.maps import api as maps
from shizhu.engines.notices import api as notices
from shizhu.engines.records import api as records
from shizhu.kernel import access, events, jobs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named

ANSWER = "cases.need.answer"
ASKED, ANSWERED = "cases.need.asked", "cases.need.answered"
LATE = "cases.need_late"  # the job that looks whether it was answered in time
State = Need.State


@dataclass(frozen=True)
class Asked:
    """What somebody asks for: the answer to the plan's form, when by the phone's clock, its place, the town chosen."""

    answer: Mapping[str, Any]
    at: datetime
    place: Mapping[str, Any] | None = None
    area: str = ""


def words(one: Need) -> str:
    """What is needed, and how many."""
    return f"{label(one.title)} {one.amount} {label(one.unit)}".strip()


def whither(one: Need) -> str:
    """Where to."""
    return " ".join(filter(None, [named(one.area), one.where]))


def _help(county: str, flow: str) -> Body | None:
    found: Body | None = emergencies.plans(county).get(flow, {}).get("help")
    return found


def towns(who: Actor, case: Case) -> list[Area]:
    """Where somebody may ask a response for help: the towns of their posts of the plan's roles; none who may not."""
    return _towns(who, case.county_id, case.flow)


def _towns(who: Actor, county: str, flow: str) -> list[Area]:
    roles = (_help(county, flow) or {}).get("roles", ())
    paths = [one.area_path for one in who.scopes if one.county == county and one.role in roles]
    found = Area.objects.towns(county) if paths else ()
    return [town for town in found if any(town.path.startswith(path) or path.startswith(town.path) for path in paths)]


def open_to(who: Actor, county: str) -> list[Case]:
    """The responses that run and that somebody may ask for help, the newest first."""
    keys = [key for key in emergencies.plans(county) if _towns(who, county, key)]
    rows = Case.objects.filter(county=county, flow__in=keys, status=Case.Status.OPEN).select_related("area")
    return list(rows.order_by("-opened_at", "-pk"))


def _case(case_id: int) -> Case:
    return Case.objects.select_for_update(of=("self",)).select_related("organisation", "area", "county").get(pk=case_id)


@transaction.atomic
def ask(who: Actor, case_id: int, asked: Asked) -> Need:
    """Ask a response for help. Raises CannotNow, AnswerRefused."""
    case = _case(case_id)
    told, mine = _help(case.county_id, case.flow), towns(who, case)
    if case.status != Case.Status.OPEN:
        raise CannotNow(_("The response has ended. Ring the duty desk."))
    if told is None or not mine:
        raise CannotNow(_("Your posts may not ask this response for help. Ring the duty desk."))
    form = flows.form(f"{case.flow}_need", case.county_id)
    given = actions.checked(form, asked.answer, (), who, case.county_id)
    kind, urgency, now = told["kinds"][given["kind"]], told["urgencies"][given["urgency"]], timezone.now()
    place = asked.place or {}
    made = Need.objects.create(
        case=case, kind=given["kind"], title=kind["title"], amount=int(given["amount"]), unit=kind.get("unit", {}),
        urgency=given["urgency"], urgent=urgency["title"], level=urgency["level"], area=_town(case, mine, asked),
        where=given.get("where", "").strip(), note=given.get("note", "").strip(), longitude=place.get("longitude"),
        latitude=place.get("latitude"), asked_by_id=who.person_id or 0, written_at=asked.at, asked_at=now,
        due_at=now + timedelta(minutes=urgency["minutes"]),
    )  # fmt: skip
    _say(made, "need", who, f"{words(made)} · {whither(made)}")
    _tell(made, "asked", _responders(made), f"求助：{words(made)}，{whither(made)}", made.level)
    events.emit(ASKED, made.pk, case.county_id, {"need": made.pk, "case": case.pk, "kind": made.kind})
    jobs.wake(LATE, made.pk, made.due_at)
    return made


def _town(case: Case, mine: list[Area], asked: Asked) -> Area:
    """The town that was chosen, else the one where the phone is, else the only one. Raises AnswerRefused."""
    at = (asked.place["longitude"], asked.place["latitude"]) if asked.place else None
    there = {one.pk for one in maps.areas_at(case.county_id, at)} if at else set()
    found = next((town for town in mine if town.code == asked.area), None)
    found = found or next((town for town in mine if town.pk in there), mine[0] if len(mine) == 1 else None)
    if found is None:
        raise actions.AnswerRefused({"area": _("Choose the town where it is.")})
    return found


def _responders(one: Need) -> set[int]:
    return {post.person_id for post in access.posts_over(ANSWER, one.case)} - {one.asked_by_id}


def may_answer(who: Actor, case: Case) -> bool:
    """Whether somebody answers what is asked of a response."""
    return access.may(who, ANSWER, county=case.county_id, organisation=case.organisation, area=case.area)


def may_see(who: Actor, one: Need) -> bool:
    """Whether somebody may see what is asked: who asked, and who sees the response."""
    return one.asked_by_id == who.person_id or sees(who, one.case)


def _open(who: Actor, number: int) -> Need:
    """One that waits for an answer, with its case locked. Raises CannotNow, PermissionDenied."""
    case = _case(Need.objects.values_list("case", flat=True).get(pk=number))
    access.require(who, ANSWER, case)
    one = Need.objects.select_for_update(of=("self",)).select_related("area", "asked_by").get(pk=number)
    one.case = case
    if case.status != Case.Status.OPEN:
        raise CannotNow(_("The case is closed."))
    if one.state != State.OPEN:
        raise CannotNow(_("It was answered meanwhile. Nothing was changed."))
    return one


@transaction.atomic
def send_team(who: Actor, number: int, team: str, to: Person, minutes: int) -> Need:
    """Answer by an order: somebody goes there with a team. Raises CannotNow, PermissionDenied."""
    one = _open(who, number)
    register = emergencies.plans(one.case.county_id)[one.case.flow].get("near", {}).get("teams", "")
    try:
        row = records.get(who, one.case.county_id, register, team)
    except (records.NoRecord, records.UnknownRegister):
        raise CannotNow(_("Choose the team that goes there.")) from None
    text = f"带{row.title}支援：{words(one)}，{whither(one)}"
    emergencies.order(who, one.case_id, to, text, minutes)
    one.order = Task.objects.filter(case=one.case, step=ORDER, assignee=to).order_by("pk").last()
    return _answered(one, who, State.TEAM, f"{row.title}前往支援，{to.name}带队，{minutes}分钟内到")


@transaction.atomic
def issue(who: Actor, number: int, book: str, lying: tuple[str, str, str], quantity: Decimal) -> Need:
    """Answer from the stock: `lying` is (article, register, key) of what lies where. Raises CannotNow, CannotMove."""
    one = _open(who, number)
    article, register, place = lying
    wanted = Wanted(
        book, stock.Kind.ISSUE, article, quantity, source=(register, place), case=one.case_id,
        note=f"求助：{whither(one)}",
    )  # fmt: skip
    one.movement = stock.move(who, one.case.county_id, wanted)
    return _answered(one, who, State.STOCK, f"已从物资库调出{stock.words_of(one.movement, who)}")


@transaction.atomic
def refuse(who: Actor, number: int, why: str) -> Need:
    """Answer that nothing comes, with the reason. Raises CannotNow, PermissionDenied."""
    one = _open(who, number)
    if not why.strip():
        raise CannotNow(_("Say why nothing can be sent, and what else they should do."))
    return _answered(one, who, State.REFUSED, why.strip())


def _answered(one: Need, who: Actor, state: str, said: str) -> Need:
    one.state, one.answer, one.answered_at, one.answered_by_id = state, said[:500], timezone.now(), who.person_id
    one.save()
    is_refused = state == State.REFUSED
    _say(one, "need_refused" if is_refused else "need_met", who, f"{words(one)} · {one.answer}")
    _tell(one, "answered", [one.asked_by_id], f"{'未能满足' if is_refused else '已答复'}求助：{words(one)}", one.level)
    events.emit(ANSWERED, one.pk, one.case.county_id, {"need": one.pk, "case": one.case_id, "state": state})
    return one


def late(number: int) -> None:
    """The time to answer is over, and nobody has: who may answer hears so again."""
    one = Need.objects.select_related("case__organisation", "case__area", "area").get(pk=number)
    if one.state == State.OPEN and one.case.status == Case.Status.OPEN:
        _tell(one, "late", _responders(one), f"求助超时未答复：{words(one)}，{whither(one)}", "red")


def _say(one: Need, kind: str, who: Actor, why: str) -> None:
    told = {"need": one.pk, "to": "", "why": why}
    Entry.objects.create(case=one.case, at=timezone.now(), kind=kind, person_id=who.person_id, data=told)


def _tell(one: Need, key: str, people: Iterable[int], said: str, level: str) -> None:
    case = one.case
    text = " · ".join(filter(None, [label(one.urgent, "zh"), one.note, one.answer, case.number]))
    notices.tell(
        case.county_id, f"need/{one.pk}/{key}", sorted(people), title=f"{case.title}：{said}", text=text,
        url=f"/cases/needs/{one.pk}/", level="yellow" if case.origin == DRILL else level, origin=case.origin,
    )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """How a response answered: all, how many in time, late, refused, and still open; minutes to the median answer."""

    all: int
    in_time: int
    late: int
    refused: int
    open: int
    median: float | None


def measured(rows: Iterable[Need], now: datetime | None = None) -> Measured:
    """That of these; one still open counts as late once its time is over."""
    found, at = list(rows), now or timezone.now()
    took = sorted((one.answered_at - one.asked_at).total_seconds() / 60 for one in found if one.answered_at)
    late_ones = sum((one.answered_at or at) > one.due_at for one in found)
    half = len(took) // 2
    middle = None if not took else took[half] if len(took) % 2 else (took[half - 1] + took[half]) / 2
    return Measured(
        len(found), sum(one.answered_at is not None and one.answered_at <= one.due_at for one in found), late_ones,
        sum(one.state == State.REFUSED for one in found), sum(one.state == State.OPEN for one in found), middle,
    )  # fmt: skip
