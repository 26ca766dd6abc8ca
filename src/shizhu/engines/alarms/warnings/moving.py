"""Who has left, door by door: what a household told, or who stands at its door found; the newest word counts.
Where nobody has to leave yet, the doors are those that no channel reaches, and the word is that they know.

Whoever a warning must reach answers for the households of their area, from a phone that may have no network: each word
has an id, and sent again it is the same word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.utils import timezone

from shizhu.engines.alarms.models import Addressee, Door, PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import concerning, issuing, reaching
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.text import named

TRUE = {"True", "true"}
OUT = (Door.State.MOVED, Door.State.AWAY)
DONE = (*OUT, Door.State.TOLD)  # nobody has to go there again


class OverNow(Exception):
    """The warning is over, or the household is not of it any more."""


@dataclass(frozen=True)
class Home:
    """A household as who answers for it has it; `is_alone` goes first."""

    record: int
    title: str
    area: str
    people: int
    is_alone: bool
    state: str


def counts(warning: PublicWarning, level: str) -> bool:
    """Whether households leave at a level of this kind."""
    return level in packs.declared("warnings", warning.kind, warning.county_id).get("moves", ())


def newest(warning: int) -> dict[str, Door]:
    """contact → the newest word of each household."""
    rows = Door.objects.filter(warning=warning).order_by("contact", "-at", "-pk").distinct("contact")
    return {one.contact: one for one in rows.select_related("person")}


def facts(county: str, areas: Iterable[Area]) -> dict[str, tuple[int, bool]]:
    """contact → how many people, and whether old people live there alone, as the county names the fields."""
    said = reaching.register_of_homes(county)
    fields = [said[name] for name in ("people", "first") if name in said]
    if len(fields) < 2:
        return {}
    rows = records.contacts(county, said["register"], fields, areas)
    return {f"{reaching.RECORD}{row.record}": (_whole(row.values[0]), row.values[1] in TRUE) for row in rows}


def _whole(text: str) -> int:
    """The number of people that a row tells, 3.0 as 3; none where it tells no number."""
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0


def asking(warning: PublicWarning) -> WarningMessage | None:
    """The newest message of a warning that asks for answers."""
    return warning.messages.filter(state="issued", kind__in=["alert", "update"]).order_by("pk").last()


def mine(who: Actor, county: str) -> list[Mapping[str, object]]:
    """Warnings in force at which somebody goes from door to door, each with the households for whom who answers."""
    found: list[Mapping[str, object]] = []
    person = who.person_id or 0
    for message in sorted(concerning.told(person, county), key=lambda one: one.warning_id):
        if homes := _homes(who, message, _own(message, person)):
            level: str = message.content["level"]
            told = {"warning": message.warning_id, "title": reaching.titled(message), "level": level}
            found.append({**told, "moves": counts(message.warning, level), "homes": [vars(one) for one in homes]})
    return found


def asks(message: WarningMessage, person: int) -> bool:
    """Whether a message asks somebody whom it must reach to go to a door."""
    rows = _rows(message, _own(message, person))
    return rows.exists() if counts(message.warning, message.content["level"]) else bool(_unreached(message, rows))


def _own(message: WarningMessage, person: int) -> Addressee:
    return message.addressees.select_related("area").get(person=person)


def _rows(message: WarningMessage, own: Addressee) -> QuerySet[Addressee]:
    """The households for whom somebody answers."""
    return message.addressees.filter(contact__startswith=reaching.RECORD, area__path__startswith=own.area.path)


def _unreached(message: WarningMessage, rows: QuerySet[Addressee]) -> list[Addressee]:
    """Households that no channel reaches, and those of whom there is a word already."""
    known = newest(message.warning_id)
    tried = list(rows.filter(Q(due=None, ring__gt=0) | Q(contact__in=known)).select_related("area"))
    answers = reaching.answers(message) if tried else {}
    return [one for one in tried if one.contact in known or not answers.get(one.contact, reaching.NOT_YET).at]


def _homes(who: Actor, message: WarningMessage, own: Addressee) -> list[Home]:
    warning, rows = message.warning, _rows(message, own)
    all_leave = counts(warning, message.content["level"])
    listed = list(rows.select_related("area")) if all_leave else _unreached(message, rows)
    numbers = {one.contact: int(one.contact.removeprefix(reaching.RECORD)) for one in listed}
    titles, known = records.titles(who, list(numbers.values())), newest(warning.pk)
    of = facts(warning.county_id, [own.area]) if listed else {}
    made = [
        Home(
            numbers[one.contact], titles.get(numbers[one.contact], ""), named(one.area),
            *of.get(one.contact, (0, False)), known[one.contact].state if one.contact in known else "",
        )
        for one in listed
    ]  # fmt: skip
    return sorted(made, key=lambda one: (one.state in DONE, not one.is_alone, one.area, one.title, one.record))


def tell(who: Actor, county: str, deed: UUID, warning: int, record: int, state: str, at: datetime) -> None:
    """Keep a word about a household. Raises PermissionDenied, OverNow."""
    held = PublicWarning.objects.filter(pk=warning, county=county).first()
    message = asking(held) if held else None
    if held is None or message is None or issuing.state(held) != PublicWarning.State.CURRENT:
        raise OverNow(str(warning))
    own = message.addressees.filter(person=who.person_id or 0).select_related("area").first()
    contact = f"{reaching.RECORD}{record}"
    if own is None:
        raise PermissionDenied(f"{who.name or 'nobody'} answers for no household of warning {warning}")
    home = message.addressees.filter(contact=contact).select_related("area").first()
    if home is None:
        raise OverNow(contact)
    if not home.area.path.startswith(own.area.path):
        raise PermissionDenied(f"{who.name} does not answer for household {record}")
    now = timezone.now()
    told: dict[str, Any] = {"contact": contact, "state": Door.State(state), "at": min(at, now)}
    Door.objects.get_or_create(deed=deed, defaults={**told, "warning": held, "person_id": who.person_id or 0})
