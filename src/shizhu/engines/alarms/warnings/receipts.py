"""Who knows of a warning: by place and by name, through which channel, when; and how long it took."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.db.models import Sum

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.models import Addressee, Door, PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import moving, reaching
from shizhu.engines.notices import api as notices
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Role
from shizhu.kernel.text import label, named
from shizhu.lib.sketch import Part, mosaic

MOST, HALF = 90, 50  # per cent
WHOLE = 300  # of so many all places stand open
SHOWN = 30  # households that are named in one place


@dataclass(frozen=True)
class Line:
    """Somebody with what became of it."""

    addressee: Addressee
    role: str
    answer: reaching.Answer
    took: timedelta | None
    door: Door | None = None
    people: int = 0
    is_alone: bool = False

    @property
    def is_out(self) -> bool:
        """Whether nobody of the household is inside."""
        return self.door is not None and self.door.state in moving.OUT


@dataclass
class Place:
    """An area with those in it; `inside` are the areas below that have any. Counts are kept once they are asked for."""

    area: Area
    people: list[Line] = field(default_factory=list)
    homes: list[Line] = field(default_factory=list)
    speakers: list[Line] = field(default_factory=list)
    inside: list[Place] = field(default_factory=list)
    is_open: bool = True

    @cached_property
    def everywhere(self) -> list[Place]:
        """This place and those below."""
        return [self, *(below for place in self.inside for below in place.everywhere)]

    @cached_property
    def everybody(self) -> list[Line]:
        """The persons here and below."""
        return [line for place in self.everywhere for line in place.people]

    @cached_property
    def every_home(self) -> list[Line]:
        """The households here and below."""
        return [line for place in self.everywhere for line in place.homes]

    @cached_property
    def answered(self) -> int:
        """Persons who said that they know."""
        return sum(1 for line in self.everybody if line.answer.at)

    @cached_property
    def reached(self) -> int:
        """Households that were reached."""
        return sum(1 for line in self.every_home if line.answer.at)

    @cached_property
    def asked(self) -> int:
        """Persons and households here and below."""
        return len(self.everybody) + len(self.every_home)

    @cached_property
    def percent(self) -> int:
        """Share of them who know."""
        return 100 * (self.answered + self.reached) // self.asked if self.asked else 0

    @cached_property
    def ring(self) -> int:
        """How far the ring was widened for those here and below who have not answered."""
        silent = [line for line in (*self.everybody, *self.every_home) if not line.answer.at]
        return max((line.addressee.ring for line in silent), default=0)

    @cached_property
    def out(self) -> int:
        """Households here and below that have left."""
        return sum(1 for line in self.every_home if line.is_out)

    @cached_property
    def still_inside(self) -> list[Line]:
        """Households here that have not left, who need help first."""
        found = [line for line in self.homes if not line.is_out]
        return sorted(found, key=lambda line: (not line.is_alone, line.door is None))[:SHOWN]

    @cached_property
    def silent_homes(self) -> list[Line]:
        """Households here that were not reached, some of them."""
        return [line for line in self.homes if not line.answer.at][:SHOWN]


@dataclass(frozen=True)
class Patch:
    """A town on the drawing of who knows; `grade` is none (nobody asked), low, half or most (nine in ten)."""

    name: str
    part: Part
    place: Place | None
    grade: str


def drawn(county: str, tree: Iterable[Place]) -> list[Patch]:
    """The towns of the county coloured by the share of those in each who know."""
    towns = list(Area.objects.towns(county).exclude(geometry=None).order_by("path"))
    if not towns:
        return []
    found: dict[str, Place] = {}
    for top in tree:
        for place in top.everywhere:
            for town in towns:
                if place.area.path.startswith(town.path):
                    found.setdefault(town.path, Place(town)).inside.append(
                        Place(place.area, place.people, place.homes, place.speakers)
                    )
    parts = mosaic([town.geometry for town in towns])
    return [
        Patch(named(town), part, found.get(town.path), _grade(found.get(town.path)))
        for town, part in zip(towns, parts, strict=True)
    ]


def _grade(place: Place | None) -> str:
    if place is None or not place.asked:
        return "none"
    return "most" if place.percent >= MOST else "half" if place.percent >= HALF else "low"


def shown(who: Actor, warning: PublicWarning, opened: str = "") -> dict[str, Any]:
    """Of the newest message that asks for answers: the tree of places, the shares of persons and households.

    Where more than WHOLE are asked, the lines of places are shown on the way to the one with the code `opened` alone.
    """
    message = moving.asking(warning)
    if message is None or message.sent is None:
        return {"tree": None}
    is_counted = moving.counts(warning, message.content["level"])
    mark, lines = _mark(message), list(_lines(message, is_counted=is_counted))
    people = [line.answer.at for line in lines if line.addressee.person_id]
    homes = [line.answer.at for line in lines if _is_home(line)]
    tree = _tree(lines)
    if len(lines) > WHOLE:
        _close(tree, opened)
    _name(who, tree)
    left = [line.door.at if line.is_out and line.door else None for line in lines if _is_home(line)]
    waiting = [line for line in lines if _is_home(line) and not line.is_out]
    return {
        "moves": is_counted, "left": warnings.share(message.sent, left), "inside": _inside(waiting),
        "tree": tree, "told_of": message, "mark": mark, "people": warnings.share(message.sent, people),
        "homes": warnings.share(message.sent, homes), "patches": drawn(warning.county_id, tree),
        "opened": opened, "aloud": reaching.aloud(warning, message),
    }  # fmt: skip


def mark(warning: PublicWarning) -> str:
    """Another text whenever `shown` has become another; empty where nobody is asked."""
    message = moving.asking(warning)
    return _mark(message) if message else ""


def _mark(message: WarningMessage) -> str:
    rings = message.addressees.aggregate(rings=Sum("ring"))["rings"]
    doors = Door.objects.filter(warning=message.warning_id).count()
    return "-".join(map(str, (message.pk, rings, doors, *notices.heard(message.notice or 0))))


def _is_home(line: Line) -> bool:
    return line.addressee.contact.startswith(reaching.RECORD)


def _inside(waiting: list[Line]) -> dict[str, int]:
    """How many people are still inside, and of their households how many refuse, wait to be fetched, are old alone."""
    states = [line.door.state for line in waiting if line.door]
    return {
        "homes": len(waiting), "people": sum(line.people for line in waiting), "refuses": states.count("refuses"),
        "fetch": states.count("fetch"), "alone": sum(line.is_alone for line in waiting),
    }  # fmt: skip


def _lines(message: WarningMessage, *, is_counted: bool) -> Iterable[Line]:
    answers = reaching.answers(message)
    roles = {role.pk: label(role.name) for role in Role.objects.all()}
    rows = list(message.addressees.all())
    areas = Area.objects.in_bulk({one.area_id for one in rows})  # a few, of thousands of rows
    doors = moving.newest(message.warning_id) if is_counted else {}
    facts = moving.facts(message.warning.county_id, areas.values()) if is_counted else {}
    for one in rows:
        one.area = areas[one.area_id]
        answer = answers.get(reaching.who(one.person_id, one.contact), reaching.NOT_YET)
        took = answer.at - message.sent if answer.at and message.sent else None
        known = doors.get(one.contact), *facts.get(one.contact, (0, False))
        yield Line(one, roles.get(one.role, one.role), answer, took, *known)


def _tree(lines: Iterable[Line]) -> list[Place]:
    """Places from the county down; a place whose parent has nobody stands under the next above that has."""
    by_path: dict[str, Place] = {}
    rows = defaultdict(list)
    for line in lines:
        rows[line.addressee.area.path].append(line)
    for path in sorted(rows):
        place = Place(rows[path][0].addressee.area)
        for line in rows[path]:
            kind = "people" if line.addressee.person_id else "homes"
            kind = "speakers" if line.addressee.contact.startswith(reaching.SPEAKER) else kind
            getattr(place, kind).append(line)
        by_path[path] = place
    tops: list[Place] = []
    for path, place in by_path.items():
        above = max((other for other in by_path if path.startswith(other) and other != path), key=len, default="")
        (by_path[above].inside if above else tops).append(place)
    return tops


def _close(tree: Iterable[Place], opened: str) -> None:
    """Leave open what stands at the top, and the way to the place that was chosen."""
    for top in tree:
        way = next((place.area.path for place in top.everywhere if place.area.code == opened), "")
        for place in top.everywhere:
            place.is_open = place is top or way.startswith(place.area.path)


def _name(who: Actor, places: Iterable[Place]) -> None:
    """Households that are not reached get their title, where the reader may see their record."""
    silent = {
        int(line.addressee.contact.removeprefix(reaching.RECORD)): line.addressee
        for top in places
        for place in top.everywhere
        if place.is_open
        for line in (*place.silent_homes, *place.still_inside)
    }
    for number, title in records.titles(who, list(silent)).items():
        silent[number].name = title
