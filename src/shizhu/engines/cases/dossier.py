"""Cases in the files of objects: a case as an object, those that concern one, and what was photographed."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from shapely.geometry import shape

from shizhu.engines.cases import flows, places
from shizhu.engines.cases.models import Attachment, Case, Subject
from shizhu.engines.maps import api as maps
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

VIEW, MOST = "cases.case.view", 10


def case(who: Actor, county: str, number: int) -> maps.Subject | None:
    """A case that the actor may see; it belongs to its alarm and its Thing."""
    found = _visible(who, county, Q(pk=number)).select_related("organisation", "area").first()
    if found is None:
        return None
    stream = things.describe([found.datastream]).get(found.datastream) if found.datastream else None
    refs = {
        "case": frozenset({str(number)}),
        "alarm": frozenset({str(found.alarm)} if found.alarm else ()),
        "thing": frozenset({str(stream.thing)} if stream else ()),
    }
    place = places.place_of(found, stream.point if stream else None)
    _flow, about = flows.version(found.flow, found.digest)
    return maps.Subject(
        "case", number, found.title, f"{label(about.title)} {found.number}", county, found.organisation, found.area,
        shape(place) if place else None, f"/cases/{number}/", bool(found.origin), refs,
    )  # fmt: skip


def _visible(who: Actor, county: str, which: Q) -> QuerySet[Case]:
    return access.rows(Case.objects.filter(which, county_id=county), who, VIEW)


def _concerning(who: Actor, subject: maps.Subject) -> Q:
    """The cases an object is about: its own, those of its alarms and Things, of an area those in it."""
    if subject.kind == "area":
        return Q(area__path__startswith=subject.area.path)
    streams = things.streams_at(things.things_of(who, subject))
    named = {name: [int(key) for key in subject.refs.get(name, ())] for name in ("case", "alarm")}
    about = Q(pk__in=_about(who, subject).values("case")) if subject.kind == "record" else Q()
    return about | Q(datastream__in=streams) | Q(pk__in=named["case"]) | Q(alarm__in=named["alarm"])


def _about(who: Actor, subject: maps.Subject) -> QuerySet[Subject]:
    """That cases are about a record, or about one that was merged into it."""
    entry = records.get_by_id(who, subject.id)
    keys = records.keys_of(entry.county, entry.register, entry.key)
    return Subject.objects.filter(register=entry.register, key__in=keys)


def of_subject(who: Actor, subject: maps.Subject) -> maps.Section | None:
    """Open and past cases, open ones first, then the newest."""
    rows = _visible(who, subject.county, _concerning(who, subject))
    found = list(rows.order_by("-status", "-opened_at")[:MOST])
    if not found:
        return None
    lines = [{"case": one, "stage": flows.version(one.flow, one.digest)[1].stages[one.stage]} for one in found]
    context = {"lines": lines, "total": rows.count(), "open": rows.filter(status=Case.Status.OPEN).count()}
    return maps.Section(_("Cases"), "briefcase", "cases/of_subject.html", context, tuple(_events(found)))


def _events(found: list[Case]) -> Iterator[maps.Event]:
    for one in found:
        text, url = f"{one.number} {one.title}", f"/cases/{one.pk}/"
        yield maps.Event(one.opened_at, "briefcase", _("Case opened"), text, url)
        if one.closed_at:
            icon, said = ("circle-x", _("Case voided")) if one.is_void else ("circle-check", _("Case closed"))
            yield maps.Event(one.closed_at, icon, said, text, url)


def photos(who: Actor, subject: maps.Subject) -> maps.Section | None:
    """Photos and documents given with the answers of those cases, the newest first."""
    cases = _visible(who, subject.county, _concerning(who, subject)).order_by().values("pk")
    found = list(Attachment.objects.filter(case__in=cases).select_related("file", "case").order_by("-pk")[:MOST])
    pictures = [one for one in found if one.file.media_type.startswith("image/")]
    context = {"photos": pictures, "documents": [one for one in found if one not in pictures]}
    return maps.Section(_("Photos and documents"), "photo", "cases/photos.html", context) if found else None
