"""One object, one file (一物一档): who answers for it, and the sections that engines add."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.db.models.functions import Length
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.maps.contracts import Event, Section, Seek, Subject, Tell
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation, Post
from shizhu.kernel.text import label, named

MOST_PEOPLE, MOST_EVENTS, MOST_RELATED = 6, 60, 10
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


def dossier(who: Actor, county: str, kind: str, number: int) -> Dossier | None:
    """The file of an object; None if there is none that the actor may see."""
    seek = _seeks.get(kind)
    found = seek(who, county, number) if seek else None
    if found is None:
        return None
    sections = tuple(one for _order, tell in sorted(_tells, key=lambda pair: pair[0]) if (one := tell(who, found)))
    events = sorted((event for one in sections for event in one.events), key=lambda event: event.at, reverse=True)
    return Dossier(found, tuple(_contacts(who, found)), sections, tuple(events[:MOST_EVENTS]))


def _contacts(who: Actor, of: Subject) -> Iterator[Contact]:
    """The posts that the object names, then those of its organisation that cover its area, the nearest area first."""
    held = Post.objects.current(timezone.localdate()).select_related("person", "role", "organisation", "area")
    named_ = dict(of.people)
    numbers = [int(key) for key in named_ if key.isdecimal()]
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
    refs: dict[str, frozenset[str]] = {entry.register: frozenset({entry.key})}
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
    return Section(_("Registered facts"), "file-text", "maps/facts.html", {"facts": records.facts(who, entry)}, events)


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
    section(50, related)
