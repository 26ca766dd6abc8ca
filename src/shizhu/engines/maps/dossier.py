"""One object, one file (一物一档): who answers for it, and the sections that engines add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely import Point

from shizhu.engines.maps.contracts import Event, Section, Seek, Subject, Tell
from shizhu.engines.maps.questions import Circle
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Post
from shizhu.kernel.text import label, named
from shizhu.lib import geodesy
from shizhu.lib.numbers import whole

MOST_PEOPLE, MOST_EVENTS, MOST_RELATED, MOST_CAMERAS = 6, 60, 10, 12
IN_SIGHT = 300.0  # metres about a thing within which a camera may show it
SEE_PEOPLE = "kernel.person.view"
_seeks: dict[str, Seek] = {}
_tells: list[tuple[int, Tell]] = []


def subject(kind: str, seek: Seek) -> None:
    """Let objects of a kind have a file; call it from `AppConfig.ready`."""
    _seeks[kind] = seek


def section(order: int, tell: Tell) -> None:
    """Add a section to every file; it asks for itself what the actor may see. Call it from `AppConfig.ready`."""
    _tells.append((order, tell))


@dataclass(frozen=True)
class Contact:
    """Somebody who answers: for what, who, and the phone as far as the asker may see it."""

    duty: str
    name: str
    organisation: str
    phone: str


@dataclass(frozen=True)
class Dossier:
    """An object's file as one actor may see it; `events` newest first."""

    subject: Subject
    contacts: tuple[Contact, ...]
    sections: tuple[Section, ...]
    events: tuple[Event, ...]


def found(who: Actor, county: str, kind: str, number: int) -> Subject | None:
    """An object that has a file; None if there is none that the actor may see."""
    seek = _seeks.get(kind)
    return seek(who, county, number) if seek else None


def dossier(who: Actor, county: str, kind: str, number: int) -> Dossier | None:
    """The file of an object; None if there is none that the actor may see."""
    of = found(who, county, kind, number)
    if of is None:
        return None
    sections = tuple(one for _order, tell in sorted(_tells, key=lambda pair: pair[0]) if (one := tell(who, of)))
    events = sorted((event for one in sections for event in one.events), key=lambda event: event.at, reverse=True)
    return Dossier(of, tuple(_contacts(who, of)), sections, tuple(events[:MOST_EVENTS]))


def _contacts(who: Actor, of: Subject) -> Iterator[Contact]:
    """The posts that the object names, then those of its organisation that cover its area, the nearest area first."""
    held = Post.objects.current(timezone.localdate()).select_related("person", "role", "organisation", "area")
    named_ = dict(of.people)
    numbers = [number for key in named_ if (number := whole(key))]
    own = {str(post.pk): post for post in held.filter(pk__in=numbers, area__county_id=of.county)}
    for key, duty in of.people:
        if key in own:
            yield _contact(who, own[key], duty)
    if of.organisation is None:
        return
    above = [of.area.path[: n + 1] for n, letter in enumerate(of.area.path) if letter == "/"]
    others = held.filter(organisation=of.organisation, area__path__in=above).exclude(pk__in=numbers)
    for post in others.order_by(Length("area__path").desc(), "role", "person__sort_key")[:MOST_PEOPLE]:
        yield _contact(who, post, f"{label(post.role.name)} · {named(post.area)}")


def _contact(who: Actor, post: Post, duty: str) -> Contact:
    phone, county = post.person.phone, post.area.county_id
    may_see = access.may(who, SEE_PEOPLE, county=county, organisation=post.organisation, area=post.area)
    shown = phone if may_see and not who.is_unbounded else records.masked(phone, "personal")
    return Contact(duty, post.person.name, named(post.organisation), str(shown) if phone else "")


def record(who: Actor, county: str, number: int) -> Subject | None:
    """A record; it belongs to what its fields refer to, if the actor sees them."""
    try:
        entry = records.get_by_id(who, number)
    except LookupError:
        return None
    if entry.county != county:
        return None
    register = records.register_of(entry.register, county)
    keys = records.keys_of(county, entry.register, entry.key)  # also of what was merged into it
    refs: dict[str, frozenset[str]] = {entry.register: frozenset(keys)}
    people = []
    for item in register.references:
        value = entry.data.get(item.name)
        if not isinstance(value, str) or item.name in entry.masked:
            continue
        if item.reference == "kernel.post":
            people.append((value, label(item.title)))
        else:
            refs[item.reference] = refs.get(item.reference, frozenset()) | {value}
    organisation = Organisation.objects.get(county_id=county, code=entry.organisation.code)
    return Subject(
        "record", number, entry.title, label(register.title), county, organisation,
        Area.objects.get(county_id=county, code=entry.area.code), entry.geometry,
        f"/records/{entry.register}/{entry.id}/", entry.is_simulated, refs, tuple(people),
    )  # fmt: skip


def area(_who: Actor, county: str, number: int) -> Subject | None:
    """A county, a town or a village; whoever has the map sees it, and in it what they see elsewhere."""
    found = Area.objects.filter(county_id=county, pk=number).first()
    if found is None:
        return None
    organisation = Organisation.objects.filter(area=found, kind__in=("county", "town", "village")).first()
    levels = {"county": _("County"), "town": _("Town"), "village": _("Village")}
    return Subject("area", number, named(found), levels[found.level], county, organisation, found, found.geometry, "")


def facts(who: Actor, of: Subject) -> Section | None:
    """What the register holds of a record, and its history."""
    if of.kind != "record":
        return None
    entry = records.get_by_id(who, of.id)
    done = {"created": _("Registered"), "changed": _("Changed"), "withdrawn": _("Withdrawn"), "restored": _("Restored")}
    events = tuple(
        Event(step.at, "history", done.get(step.action, step.action), step.who) for step in records.history(who, of.id)
    )
    verb = records.register_of(entry.register, of.county).verb("unmask")
    asks = of.url if entry.masked and who.person_id is not None and who.has(verb) else ""
    context = {"facts": records.facts(who, entry), "asks": asks}
    return Section(_("Registered facts"), "file-text", "maps/facts.html", context, events)


def attached(who: Actor, of: Subject) -> Section | None:
    """Photos and documents of a record itself."""
    found = records.files_of(records.get_by_id(who, of.id)) if of.kind == "record" else []
    context = {
        "photos": [one for one in found if one.is_photo],
        "documents": [one for one in found if not one.is_photo],
    }
    return Section(_("Its photos and documents"), "photo", "maps/attached.html", context) if found else None


@dataclass(frozen=True)
class Camera:
    """A camera that shows an object: one that names it, or one that stands so many metres from it."""

    entry: records.Entry
    address: str
    metres: float | None


def cameras(who: Actor, of: Subject) -> Section | None:
    """Cameras of the registers that hold some: a link to each one's own page, for there is no video here."""
    found: dict[int, Camera] = {}
    for register in records.registers(of.county).values():
        if register.camera and who.has(register.verb("view")):
            for one in (*_naming(who, of, register), *_in_sight(who, of, register)):
                found.setdefault(one.entry.id, one)
    ranked = sorted(found.values(), key=lambda one: (one.metres or 0.0, one.entry.title))[:MOST_CAMERAS]
    return Section(_("Cameras"), "camera", "maps/cameras.html", {"cameras": ranked}) if ranked else None


def _naming(who: Actor, of: Subject, register: records.Register) -> Iterator[Camera]:
    """The object itself, if it is a camera, and cameras that refer to it."""
    wanted = [("_key", of.refs.get(register.key, frozenset()))] if of.kind == "record" else []
    wanted += [
        (item.name, of.refs.get(item.reference, frozenset())) for item in register.references if not item.privacy
    ]
    for name, keys in wanted:
        if keys:
            listed = ", ".join("'" + key.replace("'", "''") + "'" for key in sorted(keys))
            page = records.query(who, of.county, register.key, records.Query(where=f"{name} IN ({listed})"))
            yield from (_camera(entry, register, None) for entry in page.entries)


def _in_sight(who: Actor, of: Subject, register: records.Register) -> Iterator[Camera]:
    if not register.geometry or not isinstance(of.geometry, Point):
        return
    here = (of.geometry.x, of.geometry.y)
    page = records.query(who, of.county, register.key, records.Query(region=Circle(here, IN_SIGHT)))
    around = geodesy.Around(here)
    for entry in page.entries:
        if entry.geometry is not None:
            yield _camera(entry, register, around.metres(entry.geometry))


def _camera(entry: records.Entry, register: records.Register, metres: float | None) -> Camera:
    address = str(entry.data.get(register.camera) or "")
    return Camera(entry, address if address.startswith("https://") else "", metres)


def related(who: Actor, of: Subject) -> Section | None:
    """Records that point at a record, and records of an area."""
    groups = list(_pointing(who, of) if of.kind == "record" else _within(who, of) if of.kind == "area" else ())
    return Section(_("Records"), "database", "maps/related.html", {"groups": groups}) if groups else None


def _pointing(who: Actor, of: Subject) -> Iterator[tuple[str, int, tuple[records.Entry, ...]]]:
    entry = records.get_by_id(who, of.id)
    for register, _field, page in records.related(who, of.county, entry.register, entry.key, MOST_RELATED):
        yield label(register.title), page.total, page.entries


def _within(who: Actor, of: Subject) -> Iterator[tuple[str, int, tuple[records.Entry, ...]]]:
    for register in records.registers(of.county).values():
        if who.has(register.verb("view")):
            page = records.query(who, of.county, register.key, records.Query(area=of.area.code, limit=MOST_RELATED))
            if page.total:
                yield label(register.title), page.total, page.entries


def register() -> None:
    """Called once by the application."""
    subject("record", record)
    subject("area", area)
    section(10, facts)
    section(15, attached)
    section(45, cameras)
    section(50, related)
