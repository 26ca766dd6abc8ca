"""Patrols: a walk on a beat as a phone tells it, judged against the beat; how often each object was walked."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

import shapely
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import photos
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.logic.track import GRAVE, Point, judge
from shizhu.engines.cases.models import Patrol, PatrolPhoto, Photo
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs, spans
from shizhu.kernel.access import Actor, Scope
from shizhu.kernel.models import Area, Organisation, Person
from shizhu.lib import geodesy

WALK, VIEW, ACCEPT = "cases.patrol.walk", "cases.patrol.view", "cases.patrol.accept"
FASTEST = 20.0  # km/h
MOST = 500  # objects of a beat that are taken along or listed


class NoBeat(Exception):  # it was switched off meanwhile
    """There is no such beat (any more)."""


@dataclass(frozen=True)
class Beat:
    """A declared beat: which objects of a register a role walks, how often, and what counts."""

    key: str
    title: Mapping[str, str]
    role: str
    register: str
    times: int
    per: str
    often: str = ""
    minutes: int = 0
    metres: int = 0
    near: int = 0
    fastest: float = FASTEST
    starts: str = ""

    def due(self, data: Mapping[str, Any], month: date) -> int:
        """How often an object is due in a month; a weekly beat in each seven days of it that are whole."""
        each = data.get(self.often) if self.often else None
        return int(each or self.times) * (monthrange(month.year, month.month)[1] // 7 if self.per == "P1W" else 1)


def beats(county: str) -> dict[str, Beat]:
    """The beats of a county by key."""
    return {key: _read(key, body) for key, body in packs.declarations("patrols", county).items()}


def register_of(key: str, body: Mapping[str, Any]) -> str:
    """The register of a beat, by its full name."""
    return str(body["of"]) if "." in body["of"] else f"{key.partition('.')[0]}.{body['of']}"


def _read(key: str, body: Mapping[str, Any]) -> Beat:
    least = body.get("least", {})
    return Beat(
        key, body["title"], body["role"], register_of(key, body), body["times"], body["per"], body.get("often", ""),
        least.get("minutes", 0), least.get("metres", 0), body.get("near", 0), body.get("fastest", FASTEST),
        body.get("starts", ""),
    )  # fmt: skip


def walked_by(who: Actor, beat: Beat) -> Scope | None:
    """The post by which somebody walks a beat."""
    return next((scope for scope in who.granting(WALK) if scope.role == beat.role), None)


def objects(who: Actor, county: str, beat: Beat) -> Iterator[records.Entry]:
    """The objects of a beat that somebody may see, in their order."""
    for number, entry in enumerate(records.scan(who, county, beat.register, records.Query())):
        if number >= MOST:
            return
        yield entry


@transaction.atomic
def begun(who: Actor, county: str, told: Mapping[str, Any]) -> Patrol:
    """The patrol that something was done on; the first that is heard of it begins it.

    Raises NoBeat, PermissionDenied for whoever does not walk this beat or for a patrol of somebody else.
    """
    found = Patrol.objects.select_for_update().filter(pk=told["id"]).first()
    if found is not None:
        if (found.person_id, found.county_id) != (who.person_id, county):
            raise PermissionDenied("this patrol is somebody else's")
        return found
    beat = beats(county).get(told["beat"])
    if beat is None:
        raise NoBeat(told["beat"])
    scope = walked_by(who, beat)
    if scope is None:
        raise PermissionDenied(f"{who.name or 'nobody'} does not walk {beat.key}")
    area, organisation = Area.objects.get(path=scope.area_path), Organisation.objects.get(path=scope.organisation_path)
    key = str(told.get("key") or "")
    if key:
        try:
            entry = records.get(who, county, beat.register, key)
        except records.NoRecord as error:
            raise PermissionDenied(str(error)) from None
        there = Area.objects.get(county=county, code=entry.area.code)
        area = there if there.path.startswith(scope.area_path) else area
    return Patrol.objects.create(
        pk=told["id"], county_id=county, organisation=organisation, area=area, person_id=who.person_id or 0,
        beat=beat.key, key=key, started_at=told["started_at"],
    )  # fmt: skip


@transaction.atomic
def end(who: Actor, patrol: Patrol, ended_at: datetime, track: Sequence[Sequence[float | None]], note: str) -> Patrol:
    """The patrol is over: its track is judged, once. A second end changes nothing."""
    if patrol.ended_at is not None:
        return patrol
    ended_at = max(ended_at, patrol.started_at)
    now, beat = timezone.now(), beats(patrol.county_id).get(patrol.beat)
    span = (ended_at - patrol.started_at).total_seconds()
    points = [Point(float(p[0] or 0), float(p[1] or 0), float(p[2] or 0), p[3]) for p in track]
    verdict = judge(
        points, fastest=beat.fastest if beat else FASTEST, span=span,
        received=(now - patrol.started_at).total_seconds(),
    )  # fmt: skip
    patrol.ended_at, patrol.track, patrol.note = ended_at, [list(p) for p in track], note
    patrol.metres, patrol.flaws = verdict.metres, list(verdict.flaws)
    patrol.lacks = list(_lacks(who, patrol, beat, span, points)) if beat else []
    patrol.is_counted = not patrol.lacks and not GRAVE & set(patrol.flaws)
    patrol.save(update_fields=["ended_at", "track", "note", "metres", "flaws", "lacks", "is_counted"])
    return patrol


def _lacks(who: Actor, patrol: Patrol, beat: Beat, span: float, points: Sequence[Point]) -> Iterator[str]:
    """What is missing for a patrol to count."""
    if span < beat.minutes * 60:
        yield "minutes"
    if patrol.metres < beat.metres:
        yield "metres"
    if beat.near and patrol.key:
        try:
            shape = records.get(who, patrol.county_id, beat.register, patrol.key).geometry
        except records.NoRecord:
            shape = None
        if shape is not None and not _is_near(points, shape, beat.near):
            yield "near"


def _is_near(points: Sequence[Point], shape: Any, metres: float) -> bool:
    if not points:
        return False
    around = geodesy.Around((points[0].longitude, points[0].latitude))
    spots = shapely.MultiPoint([(point.longitude, point.latitude) for point in points])
    return bool(around.plane(shape).distance(around.plane(spots)) <= metres)


def show(patrol: Patrol, ids: Sequence[str]) -> None:
    """Photos become files of the patrol. Raises photos.PhotosMissing."""
    by = Person.objects.get(pk=patrol.person_id)
    for upload, one in zip(photos.uploads(by.pk, {"photos": ids}), ids, strict=True):
        file = photos.kept(upload, patrol.organisation, patrol.area, by)
        photo = Photo.objects.get(pk=UUID(one))
        PatrolPhoto.objects.get_or_create(photo=photo, defaults={"patrol": patrol})
        photos.is_file(photo, file)


@transaction.atomic
def accept(who: Actor, number: UUID, why: str) -> Patrol:
    """Let a patrol count that is marked or lacks something. Raises CannotNow, PermissionDenied."""
    patrol = Patrol.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=number)
    access.require(who, ACCEPT, patrol)
    if patrol.person_id == who.person_id:
        raise PermissionDenied("nobody accepts their own patrol")
    if patrol.ended_at is None or patrol.is_counted:
        raise CannotNow(_("It is not over yet, or counts already."))
    if not why.strip():
        raise CannotNow(_("Say why."))
    patrol.is_counted, patrol.accepted_by_id, patrol.accepted_why = True, who.person_id, why.strip()
    patrol.save(update_fields=["is_counted", "accepted_by", "accepted_why"])
    return patrol


# a month ------------------------------------------------------------------------------------------------------------


def of_month(who: Actor, county: str, beat: str, month: date) -> QuerySet[Patrol]:
    """The patrols of a beat begun in a month that somebody may see."""
    span = spans.of_month(month)
    rows = Patrol.objects.filter(county=county, beat=beat, started_at__gte=span.start, started_at__lt=span.end)
    return access.rows(rows, who, VIEW)


@dataclass
class Covered:
    """How often something was due and walked; `score` is of 100, walks above what is due count nothing."""

    title: str
    due: int = 0
    walked: int = 0
    extra: int = 0  # more than was due
    marked: int = 0
    metres: float = 0
    minutes: float = 0
    cases: int = 0
    key: str = ""
    is_simulated: bool = False
    patrols: list[Patrol] = field(default_factory=list)

    @property
    def score(self) -> int | None:
        """None where nothing is due."""
        return round(100 * self.walked / self.due) if self.due else None


@dataclass
class Month:
    """What became of a beat in a month."""

    objects: list[Covered]
    people: list[Covered]
    whole: Covered


def month_of(who: Actor, county: str, beat: Beat, month: date) -> Month:
    """Coverage of a beat by object and by person, as far as somebody may see objects and patrols; without tracks."""
    found = of_month(who, county, beat.key, month).defer("track")  # up to 20,000 points each
    rows = list(found.select_related("person").prefetch_related("cases"))
    by_key: dict[str, list[Patrol]] = {}
    by_person: dict[int, Covered] = {}
    for patrol in rows:
        by_key.setdefault(patrol.key, []).append(patrol)
        own = by_person.setdefault(patrol.person_id, Covered(patrol.person.name, key=str(patrol.person_id)))
        _add(own, patrol)
    whole, listed = Covered(""), []
    for entry in objects(who, county, beat):
        one = Covered(entry.title, beat.due(entry.data, month), key=entry.key, is_simulated=entry.is_simulated)
        for patrol in by_key.get(entry.key, []):
            _add(one, patrol)
        counted = sum(patrol.is_counted for patrol in one.patrols)
        one.walked, one.extra = min(counted, one.due), max(0, counted - one.due)
        whole.due, whole.walked = whole.due + one.due, whole.walked + one.walked
        listed.append(one)
    for patrol in rows:
        _add(whole, patrol)
    for own in by_person.values():
        own.walked = sum(patrol.is_counted for patrol in own.patrols)
    return Month(listed, sorted(by_person.values(), key=lambda one: -one.walked), whole)


def _add(to: Covered, patrol: Patrol) -> None:
    to.patrols.append(patrol)
    to.metres += patrol.metres
    to.minutes += (patrol.ended_at - patrol.started_at).total_seconds() / 60 if patrol.ended_at else 0
    to.marked += bool(patrol.flaws or patrol.lacks)
    to.cases += len(patrol.cases.all())
