"""What people do in the field, sent when there is a network: each thing once, however often and in whatever order it is
sent. What cannot be done any more is a conflict: it is told plainly, and nothing is changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import actions, faults, flows, happening, needs, patrols, photos
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import sees, startable
from shizhu.engines.cases.locks import hold
from shizhu.engines.cases.logic import FlowError
from shizhu.engines.cases.models import Attachment, Case, CasePlace, Deed, Entry, Patrol, PatrolCase, Task
from shizhu.engines.maps import api as maps
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person


@dataclass(frozen=True)
class Sent:
    """One thing as the phone sends it: its id (UUIDv7), what, when by the phone's clock, and what belongs to it."""

    id: UUID
    kind: str
    at: datetime
    body: Mapping[str, Any]


class Conflict(Exception):  # the world went on meanwhile
    """What was done in the field fits no more: `reason` for programs, the text for people, with the case if it may be
    seen."""

    def __init__(self, reason: str, text: str, case: Case | None = None) -> None:
        super().__init__(text)
        self.reason, self.case = reason, case


class IdTaken(ValueError):
    """Something else was sent with the same id, or by somebody else."""


Move = Callable[[Actor, str, Sent], "dict[str, Any]"]
MOVES: dict[str, Move] = {}


@transaction.atomic
def do(who: Actor, county: str, sent: Sent) -> Deed:
    """Do it, or find that it was done: the answer to a repeat is the first answer.

    Conflicts and refused forms are answers too, and nothing but the answer is kept of them. Raises IdTaken,
    PermissionDenied, photos.PhotosMissing; nothing is kept then, and it may be sent again.
    """
    digest = packs.digest({"kind": sent.kind, "at": sent.at.isoformat(), **sent.body})
    hold(f"cases.deed {sent.id}")
    known = Deed.objects.filter(pk=sent.id).first()
    if known is not None:
        if (known.person_id, known.digest) != (who.person_id, digest):
            raise IdTaken("id: something else was sent with this id")
        return known
    try:
        with transaction.atomic():
            answer = {"outcome": "done", **MOVES[sent.kind](who, county, sent)}
    except Conflict as conflict:
        answer = {"outcome": "conflict", "reason": conflict.reason, "text": str(conflict), **_of(conflict.case)}
    except actions.AnswerRefused as refused:
        answer = {"outcome": "refused", "text": _refused(refused), "problems": refused.problems}
    return Deed.objects.create(
        pk=sent.id, person_id=who.person_id or 0, county_id=county, kind=sent.kind, digest=digest, done_at=sent.at,
        received_at=timezone.now(), answer=answer,
    )  # fmt: skip


def _of(case: Case | None) -> dict[str, Any]:
    return {"case": case.pk, "number": case.number} if case else {}


def _refused(refused: actions.AnswerRefused) -> str:
    told = "; ".join(refused.problems.values())
    return _("The form refuses it: %(told)s Correct it and send it again.") % {"told": told}


def _named(sent: Sent) -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = sent.body.get("photos", {})
    return found


def _answer(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    task = Task.objects.select_related("case__organisation", "case__area", "assignee")
    found = task.filter(pk=sent.body["task"], case__county=county).first()
    if found is None:
        raise PermissionDenied("there is no such task, or it is not yours")
    case, named = found.case, _named(sent)
    is_seen = sees(who, case)
    shown = case if is_seen else None
    try:
        moved = actions.answer(who, found.pk, sent.body["answer"], photos.uploads(who.person_id or 0, named))
    except PermissionDenied:
        if not is_seen or found.assignee is None:
            raise
        text = _("It was handed over to %(name)s. Give them what you wrote, or send it as a remark.")
        raise Conflict("handed", text % {"name": found.assignee.name}, case) from None
    except actions.TaskGone as gone:
        raise _gone(str(gone), case, is_seen=is_seen) from None
    except FlowError as error:
        happening.stuck(case.pk, found.step, error)
        raise Conflict("stuck", faults.stuck(flows.version(case.flow, case.digest)[0], error), shown) from None
    photos.used(named, moved)
    return _of(moved)


def _gone(by: str, case: Case, *, is_seen: bool) -> Conflict:
    shown = case if is_seen else None
    if by:
        text = _("It was done already by %(who)s. Send what you wrote as a remark, or copy it.") % {"who": by}
        return Conflict("answered", text, shown)
    if case.status == Case.Status.CLOSED:
        return Conflict(
            "closed", _("The case was closed meanwhile. Send what you wrote as a remark, or copy it."), shown
        )
    text = _("The case went on without this task. Send what you wrote as a remark, or copy it.")
    return Conflict("withdrawn", text, shown)


def _report(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    key, given, place = sent.body["flow"], dict(sent.body["answer"]), sent.body.get("place")
    if key not in packs.declarations("flows", county):
        raise Conflict("gone", _("This kind of report does not exist any more. Copy what you wrote."))
    flow, about = flows.current(key, county)
    mine = startable(who, county, about)
    if not mine:
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to report {key}")
    on = _begun(who, county, sent.body["patrol"]) if "patrol" in sent.body else None
    area = _town(county, mine, place, sent.body.get("area", ""))
    form, named = flows.form(about.start_form, county), _named(sent)
    given = (_walked(form, on) if on else {}) | given
    wanted = actions.Opening(
        key, actions.title_of(who, county, about, form, given), area, {"source": "person", **given},
        by=Person.objects.get(pk=who.person_id or 0), uploads=photos.uploads(who.person_id or 0, named),
    )  # fmt: skip
    try:
        case = actions.open_case(wanted)
    except FlowError as error:
        raise Conflict("stuck", faults.stuck(flow, error)) from None
    photos.used(named, case)
    put(case, place)
    if on is not None:
        PatrolCase.objects.create(case=case, patrol=on)
    return _of(case)


def _walked(form: packs.Body, on: Patrol) -> dict[str, str]:
    """The object of a patrol, in the fields that point at such objects."""
    beat = patrols.beats(on.county_id).get(on.beat)
    fields = form["properties"].items()
    return {name: on.key for name, item in fields if beat and item.get("x-shizhu-ref") == beat.register}


def _town(county: str, mine: list[Area], place: Mapping[str, Any] | None, code: str) -> Area:
    """The town where it was seen, else the one that was chosen."""
    there = set()
    if place:
        there = {area.pk for area in maps.areas_at(county, (place["longitude"], place["latitude"]))}
    found = next((town for town in mine if town.pk in there), None)
    found = found or next((town for town in mine if town.code == code), None)
    if found is None:
        raise actions.AnswerRefused({"area": _("Choose the town where it is.")})
    return found


def put(case: Case, place: Mapping[str, Any] | None) -> None:
    """Keep where it was seen, unless who reported it said where."""
    if place and not hasattr(case, "place"):
        CasePlace.objects.create(case=case, **{k: place.get(k) for k in ("longitude", "latitude", "accuracy")})


def _remark(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    case = Case.objects.select_related("organisation", "area").filter(pk=sent.body["case"], county=county).first()
    if case is None or not sees(who, case):
        raise PermissionDenied("there is no such case, or you may not see it")
    if not str(sent.body["text"]).strip():
        raise actions.AnswerRefused({"text": _("Write something.")})
    named, by, kept = _named(sent), Person.objects.get(pk=who.person_id or 0), []
    for upload in photos.uploads(by.pk, named):
        file = photos.kept(upload, case.organisation, case.area, by)
        Attachment.objects.create(case=case, file=file)
        kept.append(str(file.pk))
    photos.used(named, case)
    data = {"said": str(sent.body["text"]).strip(), "files": kept, "done_at": sent.at.isoformat()}
    Entry.objects.create(case=case, at=timezone.now(), kind="remarked", person=by, data=data)
    return _of(case)


def _need(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    """Somebody asks a response for help."""
    case = Case.objects.filter(pk=sent.body["case"], county=county).first()
    if case is None or not needs.towns(who, case):
        raise PermissionDenied("there is no such response, or you may not ask it for help")
    asked = needs.Asked(sent.body["answer"], sent.at, sent.body.get("place"), sent.body.get("area", ""))
    try:
        made = needs.ask(who, case.pk, asked)
    except CannotNow as cannot:
        raise Conflict("closed", str(cannot), case if sees(who, case) else None) from None
    return {**_of(case), "need": made.pk}


def _door(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    body = sent.body
    try:
        alarms.tell_door(who, county, sent.id, body["warning"], body["home"], body["state"], sent.at)
    except alarms.OverNow:
        raise Conflict("gone", _("The warning is over, or this household is not of it any more.")) from None
    return {}


def _begun(who: Actor, county: str, told: Mapping[str, Any]) -> Patrol:
    try:
        return patrols.begun(who, county, told)
    except patrols.NoBeat:
        raise Conflict("gone", _("These patrols are not walked any more. Copy what you wrote.")) from None


def _patrol(who: Actor, county: str, sent: Sent) -> dict[str, Any]:
    """A patrol begins, or with `ended_at` is over."""
    patrol = _begun(who, county, sent.body["patrol"])
    patrols.show(patrol, [one for ids in _named(sent).values() for one in ids])
    if "ended_at" in sent.body:
        patrols.end(who, patrol, sent.body["ended_at"], sent.body.get("track", []), sent.body.get("note", ""))
    told = {"flaws": patrol.flaws, "lacks": patrol.lacks, "counts": patrol.is_counted, "metres": round(patrol.metres)}
    return {"patrol": str(patrol.pk), **told}


MOVES |= {"answer": _answer, "report": _report, "remark": _remark, "patrol": _patrol, "need": _need, "door": _door}
