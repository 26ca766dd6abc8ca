"""What residents report by a label (诉求), without a login: it opens a case, or follows one that is open already.

Nothing is lost: a report is acknowledged after the commit, sent again it is the same. Who holds the secret link sees
how it goes and says whether the result is right; the link tells no name of a person.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Any
from uuid import UUID

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from shizhu.engines.cases import actions, flows, photos
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.actions import PHOTOS, AnswerRefused, Upload
from shizhu.engines.cases.desks import Position, Seen, desks, form_of, kinds
from shizhu.engines.cases.field import put
from shizhu.engines.cases.locks import hold
from shizhu.engines.cases.models import Attachment, Case, Concern, Entry, Label, Subject, Task
from shizhu.engines.cases.timeline import shown
from shizhu.engines.maps import api as maps
from shizhu.kernel import access, files, images, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.text import label as text_of
from shizhu.lib import geodesy, worktime

UNMASK = "cases.concern.unmask"
PREFIX = "SQ"  # of the numbers of concerns
FROM_ADDRESS, AT_LABEL = 12, 40  # reports an hour: many people of a village share an address
HOUR = timedelta(hours=1)
LARGEST = 10_000_000  # bytes of a photo
LONGEST = 1920  # pixels of a photo that is kept
MOST_ADDED, MOST_DISPUTES = 20, 2
PHONE = 30  # characters
KEPT = timedelta(days=30)  # that a phone number is kept after the case is closed
REPORTED, ADDED, CONFIRMED, DISPUTED, LOOKED = "reported", "added", "confirmed", "disputed", "looked"
SAID = (REPORTED, ADDED, DISPUTED)  # lines of the timeline that somebody who handles it should have read


class TooMany(Exception):  # it says what the matter is
    """More reports than one place or label sends in an hour; `again` says after how many seconds."""

    again = 3600


class IdTaken(ValueError):
    """Something else was sent with this id before."""


@dataclass(frozen=True)
class Sent:
    """What a phone sends; `address` is where from. `place` is (longitude, latitude), `area` the code of a town."""

    id: UUID
    kind: str
    words: str = ""
    phone: str = ""
    place: Position | None = None
    accuracy: float | None = None
    area: str = ""
    photos: Sequence[bytes] = ()
    address: str = ""

    @property
    def digest(self) -> str:
        """Of what was said and shown, for a repeat."""
        pictures = [hashlib.sha256(one).hexdigest() for one in self.photos]
        return packs.digest([self.kind, self.words, self.phone, pictures])


@dataclass(frozen=True)
class Picture:
    """A photo without what its EXIF tells, and the position that it told."""

    content: bytes
    position: Position | None


def secret_of(id_: UUID) -> str:
    """What the link of a concern holds: it is made anew from the id, and kept nowhere."""
    return salted_hmac("cases.concern", str(id_), algorithm="sha256").hexdigest()[:32]


def _hashed(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def by_secret(secret: str) -> Concern | None:
    """The concern of a link."""
    rows = Concern.objects.select_related("county", "label__area", "label__organisation", "case__area")
    return rows.filter(secret=_hashed(secret)).first()


# reporting --------------------------------------------------------------------------------------------------------


def report(seen: Seen, sent: Sent, *, origin: int = 0) -> Concern:
    """Keep a report: it opens a case, or follows an open one of the same kind at the same place.

    Raises AnswerRefused (field → what is wrong), TooMany, IdTaken.
    """
    if known := _known(sent):
        return known
    now = timezone.now()
    _limit(_source(sent.address, now), seen.label, now)  # before photos are unpacked, which takes long
    return _report(seen, sent, [_picture(one) for one in sent.photos], origin)


def _known(sent: Sent) -> Concern | None:
    known = Concern.objects.filter(pk=sent.id).first()
    if known is not None and known.digest != sent.digest:
        raise IdTaken("id: something else was sent with this id")
    return known


def _picture(data: bytes) -> Picture:
    if len(data) > LARGEST:
        raise AnswerRefused({"photos": _("A photo is larger than %d MB. Send a smaller one.") % (LARGEST // 1_000_000)})
    facts = images.facts(io.BytesIO(data)) if files.type_of(data) in PHOTOS else None
    if facts is None:
        raise AnswerRefused({"photos": _("A file is no photo that can be read. Send JPEG, PNG or WebP.")})
    try:
        return Picture(images.copy(io.BytesIO(data), LONGEST), facts.position)
    except (ValueError, OSError):
        raise AnswerRefused({"photos": _("A file is no photo that can be read. Send JPEG, PNG or WebP.")}) from None


@transaction.atomic
def _report(seen: Seen, sent: Sent, pictures: Sequence[Picture], origin: int) -> Concern:
    county, now = seen.label.county_id, timezone.now()
    source = _source(sent.address, now)
    hold(f"cases.concern {sent.id}")
    if source:
        hold(f"cases.concern from {source}")
    hold(f"cases.concern {county} {seen.desk.key}")
    if known := _known(sent):
        return known
    _limit(source, seen.label, now)
    place, area = _where(seen, sent, pictures)
    form = form_of(seen.desk, county)
    document = _document(seen, sent, form, len(pictures), county)
    case = same(seen, sent.kind, place)
    if is_first := case is None:
        case = _opened(seen, document, area, place, sent.accuracy, origin)
    return _made(seen, sent, case, source, pictures, now, is_first=is_first)


def follow(seen: Seen, sent: Sent, case: Case, at: datetime) -> Concern:
    """A concern of a case that is over, for a demo."""
    return _made(seen, sent, case, "", [_picture(one) for one in sent.photos], at, is_first=True)


def _made(
    seen: Seen, sent: Sent, case: Case, source: str, pictures: Sequence[Picture], at: datetime, *, is_first: bool
) -> Concern:
    made = Concern.objects.create(
        pk=sent.id, secret=_hashed(secret_of(sent.id)), county_id=case.county_id, label=seen.label, case=case,
        number=actions.number(case.county_id, PREFIX, at), kind=sent.kind, phone=sent.phone, digest=sent.digest,
        source=source, made_at=at, is_first=is_first,
    )  # fmt: skip
    _tell(made, REPORTED, sent.words, pictures, at)
    return made


def _source(address: str, now: datetime) -> str:
    """An address as it is counted: keyed and by the day, so that nobody reads it out of the table."""
    day = timezone.localtime(now).date().isoformat()
    return (
        salted_hmac("cases.concern.address", f"{day} {address}", algorithm="sha256").hexdigest()[:32] if address else ""
    )


def _limit(source: str, label: Label, now: datetime) -> None:
    lately = Concern.objects.filter(made_at__gt=now - HOUR)
    if source and lately.filter(source=source).count() >= FROM_ADDRESS:
        raise TooMany(_("Many reports came from your connection within the hour. Send this one later."))
    if lately.filter(label=label).count() >= AT_LABEL:
        raise TooMany(_("Many reports came by this label within the hour. Send this one later."))


def _where(seen: Seen, sent: Sent, pictures: Sequence[Picture]) -> tuple[Position | None, Area]:
    """Where it is: at the label, else where the phone is, else where a photo was taken; a place elsewhere is none."""
    county, town = seen.label.county_id, Area.Level.TOWN
    told = [seen.point] if seen.point else [sent.place, *(one.position for one in pictures)]
    for place in filter(None, told):
        there = maps.areas_at(county, place)
        if there:
            found = next((area for area in there if area.level == town), None)
            own = seen.area.level != Area.Level.COUNTY and (seen.is_placed or found is None)
            return place, seen.area if own else found or there[0]
    if seen.area.level != Area.Level.COUNTY:
        return seen.point, seen.area
    chosen = Area.objects.filter(county=county, code=sent.area, level=town).first()
    if chosen is None:
        raise AnswerRefused({"area": _("Choose the town where it is.")})
    return None, chosen


def _document(seen: Seen, sent: Sent, form: packs.Body, pictures: int, county: str) -> dict[str, Any]:
    """The start form filled in. Raises AnswerRefused."""
    desk, names = seen.desk, kinds(seen.desk, form)
    if sent.kind not in names:
        raise AnswerRefused({"kind": _("Choose what it is.")})
    if len(sent.phone) > PHONE:
        raise AnswerRefused({"phone": _("At most %d characters.") % PHONE})
    title = f"{seen.title} {names[sent.kind]['zh']}"
    given = {"title": title[: form["properties"].get("title", {}).get("maxLength", 200)], desk.kind: sent.kind}
    given |= {desk.words: sent.words} if sent.words else {}
    uploads = [Upload(desk.photos, "", io.BytesIO()) for _one in range(pictures)]
    known = {name: value for name, value in given.items() if name in form["properties"]}
    try:
        return {**actions.checked(form, known, uploads, access.ANYBODY, county), "title": title}
    except AnswerRefused as error:
        own = {desk.words: "words", desk.photos: "photos", desk.kind: "kind"}
        raise AnswerRefused({own.get(name, name): told for name, told in error.problems.items()}) from None


def same(seen: Seen, kind: str, place: Position | None) -> Case | None:
    """The open case of this kind that is at the same label or near by, the oldest of several."""
    desk, label = seen.desk, seen.label
    cases = Case.objects.filter(county=label.county_id, flow=desk.flow, status=Case.Status.OPEN)
    of_kind = Q(**{f"state__document__{desk.kind}": kind}) | Q(state__document__source="alarm")  # it tells no kind
    cases = cases.filter(of_kind).select_related("place")
    at_label = Q(pk__in=[])
    if seen.is_placed:
        at_label = Q(concerns__label=label)
    elif place is None and label.key:
        at_label = Q(concerns__label__desk=desk.key, concerns__label__key=label.key)
    around = _box(place, desk.near) if place else Q(pk__in=[])
    for case in cases.filter(at_label | around).distinct().order_by("opened_at", "pk"):
        if place is None or not _has_place(case) or _metres(case, place) <= desk.near or _is_at(case, seen):
            return case
    return None


def at_place(county: str, flow: str, place: Position, origin: int) -> Case | None:
    """The open case of a flow near a place, the oldest of several, which an alarm there joins: one thing is looked
    after once, whoever told of it. None where residents cannot report at all, or what is simulated would join the real.
    """
    own = sorted((desk for desk in desks(county).values() if desk.flow == flow), key=lambda desk: desk.key)
    for desk in own:
        hold(f"cases.concern {county} {desk.key}")
    near = max((desk.near for desk in own), default=0)
    rows = Case.objects.filter(_box(place, near), county=county, flow=flow, status=Case.Status.OPEN, origin=origin)
    found = rows.select_related("place").order_by("opened_at", "pk")
    return next((case for case in found if _metres(case, place) <= near), None) if own else None


def _is_at(case: Case, seen: Seen) -> bool:
    return seen.is_placed and case.concerns.filter(label=seen.label).exists()


def _has_place(case: Case) -> bool:
    try:
        return bool(case.place)
    except ObjectDoesNotExist:
        return False


def _metres(case: Case, place: Position) -> float:
    return geodesy.distance((case.place.longitude, case.place.latitude), place)


def _box(place: Position, metres: float) -> Q:
    """Places that may lie within so many metres."""
    north = metres / 110_000
    east = north / max(0.01, cos(radians(place[1])))
    return Q(
        place__longitude__range=(place[0] - east, place[0] + east),
        place__latitude__range=(place[1] - north, place[1] + north),
    )


def _opened(
    seen: Seen, document: Mapping[str, Any], area: Area, place: Position | None, accuracy: float | None, origin: int
) -> Case:
    case = actions.open_case(
        actions.Opening(seen.desk.flow, document["title"], area, {"source": "resident", **document}, origin=origin)
    )
    if place:
        at_label = seen.is_placed
        put(case, {"longitude": place[0], "latitude": place[1], "accuracy": None if at_label else accuracy})
    if seen.desk.register:
        Subject.objects.create(case=case, register=seen.desk.register, key=seen.label.key)
    return case


def _tell(concern: Concern, kind: str, said: str, pictures: Sequence[Picture] = (), at: datetime | None = None) -> None:
    """A line of the case's timeline, with photos as files of the case."""
    case, kept = concern.case, []
    for number, one in enumerate(pictures, 1):
        upload = Upload("", f"{concern.number}-{number}.jpg", io.BytesIO(one.content))
        file = photos.kept(upload, case.organisation, case.area, None)
        Attachment.objects.create(case=case, file=file)
        kept.append(str(file.pk))
    data = {"concern": concern.number, "said": said, "files": kept}
    Entry.objects.create(case=case, at=at or timezone.now(), kind=kind, data=data)


# afterwards -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Clock:
    """The working time of a step as the public sees it, in hours: used so far, and how much it may take (None: any)."""

    step: str
    used: float
    limit: float | None
    is_done: bool
    stands: bool

    @property
    def is_late(self) -> bool:
        """Whether it took, or takes, longer than it may."""
        return self.limit is not None and self.used > self.limit


@dataclass(frozen=True)
class Progress:
    """How a concern goes, as who holds its link may know it.

    `state` received, in_hand or done; `is_void` where it was not dealt with; `left` working time until the deadline,
    less than nothing when it is late; `told` and `pictures` are what the desk makes public of the answers.
    """

    state: str
    since: datetime
    due_at: datetime
    left: timedelta
    days: float
    closed_at: datetime | None
    end: str
    told: list[tuple[str, str]]
    pictures: list[str]
    own: list[Entry]
    is_void: bool
    clocks: list[Clock]


def progress(concern: Concern) -> Progress:
    """How it goes now."""
    case = concern.case
    _flow, about = flows.version(case.flow, case.digest)
    hours, now = flows.hours_of(case.county_id), timezone.now()
    left = worktime.worked(case.paused_at or now, case.due_at, hours)
    begun = Task.objects.filter(case=case, status=Task.Status.DONE).exists()
    is_done = case.status == Case.Status.CLOSED
    told, pictures = _public(concern)
    end = text_of(about.names.get(case.ended_at, "")) if is_done else ""
    if case.is_void:
        why = Entry.objects.filter(case=case, kind="closed").values_list("data__void", flat=True).first()
        end = "：".join(filter(None, [end or _("Void"), why]))
    end = end if case.error is None else _("It ended without a result, for its flow broke off. The office was told.")
    return Progress(
        "done" if is_done else "in_hand" if begun or concern.disputes else "received",
        case.opened_at, case.due_at, left, left / hours.day, case.closed_at, end, told, pictures,
        list(Entry.objects.filter(data__concern=concern.number, case__county=concern.county).exclude(kind=LOOKED)),
        case.is_void, list(_clocks(case, now)),
    )  # fmt: skip


def _clocks(case: Case, now: datetime) -> Iterator[Clock]:
    """Each step that was given to somebody, in order; no name of a person."""
    _flow, about = flows.version(case.flow, case.digest)
    hours, hour = flows.hours_of(case.county_id), timedelta(hours=1)
    for task in Task.objects.filter(case=case).exclude(status=Task.Status.WITHDRAWN).order_by("pk"):
        until = task.done_at or min(filter(None, (now, task.paused_at, case.paused_at)))
        used = max(worktime.worked(task.created, until, hours) - task.rested, timedelta())
        limit = worktime.worked(task.created, task.due_at, hours) - task.rested if task.due_at else None
        yield Clock(
            text_of(about.names.get(task.step, task.step)), used / hour,
            None if limit is None else limit / hour,
            task.status == Task.Status.DONE, task.done_at is None and until < now,
        )  # fmt: skip


def _public(concern: Concern) -> tuple[list[tuple[str, str]], list[str]]:
    """What the desk makes public of the newest answer of each step."""
    desk, case = desks(concern.county_id).get(concern.label.desk), concern.case
    told, pictures = list[tuple[str, str]](), list[str]()
    flow, _about = flows.version(case.flow, case.digest)
    for step, fields in (desk.tells or {}).items() if desk else ():
        done = Task.objects.filter(case=case, step=step, status=Task.Status.DONE).order_by("-done_at").first()
        if done is None or step not in flow.step:
            continue
        form = flows.form_of(case, flow.step[step].form or "")
        for name in fields:
            item, value = form["properties"].get(name), (done.answer or {}).get(name)
            if item is None or value in (None, "", []):
                continue
            if item["type"] == "array":
                pictures += value
            else:
                told.append((text_of(item["x-title"]), text_of(shown(item, value, case.county_id))))
    return told, pictures


def may_see(concern: Concern, file: UUID) -> bool:
    """Whether who holds the link may see a photo: their own, and those of the result."""
    own = [one for entry in progress(concern).own for one in entry.data["files"]]
    return str(file) in {*own, *_public(concern)[1]}


def _held(number: UUID) -> Concern:
    rows = Concern.objects.select_for_update(of=("self",)).select_related("label__area", "label__organisation")
    concern = rows.get(pk=number)
    concern.case = (
        Case.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=concern.case_id)
    )
    return concern


def add(number: UUID, words: str, data: Sequence[bytes] = ()) -> Concern:
    """Something more about a concern whose case is open. Raises CannotNow, AnswerRefused."""
    if not words.strip() and not data:
        raise AnswerRefused({"words": _("Write something.")})
    if len(words) > 1000 or len(data) > 6:
        raise AnswerRefused({"words": _("At most %d characters, and six photos.") % 1000})
    _takes_more(Concern.objects.select_related("case").get(pk=number))  # before photos are unpacked
    pictures = [_picture(one) for one in data]
    with transaction.atomic():
        concern = _held(number)
        _takes_more(concern)
        _tell(concern, ADDED, words.strip(), pictures)
    return concern


def _takes_more(concern: Concern) -> None:
    if concern.case.status != Case.Status.OPEN:
        raise CannotNow(_("This is done already. Say whether the result is right, or report anew."))
    if Entry.objects.filter(case=concern.case, kind=ADDED, data__concern=concern.number).count() >= MOST_ADDED:
        raise CannotNow(_("You have added a lot already. Who handles it reads it all."))


@transaction.atomic
def judge(number: UUID, *, is_right: bool, score: int | None = None, words: str = "") -> Concern:
    """What the resident says of the result, once; one that is disputed is handled again in a new case.

    Raises CannotNow.
    """
    concern = _held(number)
    if concern.case.status != Case.Status.CLOSED:
        raise CannotNow(_("This is not done yet."))
    if concern.verdict:
        raise CannotNow(_("You have said so already."))
    if not is_right and not words.strip():
        raise CannotNow(_("Say what is not right."))
    words = words.strip()[:1000]
    concern.score = score if score is not None and 1 <= score <= 5 else None
    if is_right or concern.disputes >= MOST_DISPUTES:
        concern.verdict = Concern.Verdict.CONFIRMED if is_right else Concern.Verdict.DISPUTED
        _tell(concern, CONFIRMED if is_right else DISPUTED, words)
    else:
        concern.disputes += 1
        _tell(concern, DISPUTED, words)
        concern.case = _again(concern, words)
        _tell(concern, REPORTED, words)
    concern.save(update_fields=["verdict", "score", "disputes", "case"])
    return concern


def _again(concern: Concern, words: str) -> Case:
    """A case that looks again at what another one ended with; one that does already is joined."""
    old, label = concern.case, concern.label
    hold(f"cases.concern {old.county_id} {label.desk}")
    desk = desks(old.county_id)[label.desk]
    again = Case.objects.filter(
        status=Case.Status.OPEN, county=old.county_id, state__document__again=old.number
    ).first()
    if again is not None:
        return again
    filed: dict[str, Any] = old.entries.get(kind="opened").data["document"]
    title, said = f"复核 {old.title}"[:200], f"{filed.get(desk.words, '')}\n{words}".strip()
    document = {**filed, "title": title, desk.words: said, "again": old.number}
    made = actions.open_case(actions.Opening(old.flow, title, old.area, document, origin=old.origin))
    if _has_place(old):
        put(made, {"longitude": old.place.longitude, "latitude": old.place.latitude, "accuracy": old.place.accuracy})
    subjects = [Subject(case=made, register=one.register, key=one.key) for one in old.subjects.all()]
    Subject.objects.bulk_create(subjects)
    return made


@transaction.atomic
def look(who: Actor, concern: Concern, purpose: str, why: str) -> str:
    """The phone number whole; that somebody looked, and what for, is kept in the case. Raises PermissionDenied."""
    access.require(who, UNMASK, concern.case)
    data = {"concern": concern.number, "purpose": purpose, "why": why}
    Entry.objects.create(case=concern.case, at=timezone.now(), kind=LOOKED, person_id=who.person_id, data=data)
    return concern.phone


def forget() -> None:
    """Every night: phone numbers of what is long done, and what addresses were counted by."""
    now = timezone.now()
    Concern.objects.filter(case__closed_at__lt=now - KEPT).exclude(phone="").update(phone="")
    Concern.objects.filter(made_at__lt=now - timedelta(days=1)).exclude(source="").update(source="")


def lines(case: Case) -> Iterator[str]:
    """What residents said of a case, as text; what its document has as description is not said again."""
    known = case.state["document"].get("description", "")
    for entry in case.entries.filter(kind__in=SAID):
        said, number = entry.data["said"], len(entry.data["files"])
        pictures = _("Photos: %s") % number if number else ""
        if pictures or said not in {"", known}:
            yield " · ".join(filter(None, [_("A resident"), said if said != known else "", pictures]))
