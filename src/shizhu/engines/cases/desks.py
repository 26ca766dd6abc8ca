"""Labels (码牌) that residents scan: what their declarations say, what one tells anybody, and making, replacing and
withdrawing them."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.cases import flows
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.models import Label
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.datasets import Names
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import named

VIEW, EDIT = "cases.label.view", "cases.label.edit"
SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"  # none that is read as another
LENGTH = 7
NEAR = 30  # metres
Position = tuple[float, float]


@dataclass(frozen=True)
class Desk:
    """A declared sort of labels: which flow a report begins, what it may be of, and what its resident is told."""

    key: str
    title: Names
    flow: str
    register: str = ""  # whose objects bear such labels; "" for walls and places
    near: int = NEAR
    kind: str = "kind"  # fields of the flow's form to begin with
    words: str = "description"
    photos: str = "photos"
    icons: Mapping[str, str] | None = None
    tells: Mapping[str, tuple[str, ...]] | None = None  # step → fields of its answer that are public


@dataclass(frozen=True)
class Seen:
    """What a label in use tells anybody: no word of a person."""

    label: Label
    desk: Desk
    title: str
    area: Area
    organisation: Organisation
    point: Position | None

    @property
    def is_placed(self) -> bool:
        """Whether the label itself says where it is."""
        return self.point is not None


def desks(county: str) -> dict[str, Desk]:
    """The desks of a county by key."""
    return {key: read(key, body) for key, body in packs.declarations("labels", county).items()}


def read(key: str, body: Mapping[str, Any]) -> Desk:
    """A declaration; names without a pack are of its own."""
    pack = key.partition(".")[0]

    def full(name: str) -> str:
        return name if not name or "." in name else f"{pack}.{name}"

    given = {name: body[name] for name in ("near", "kind", "words", "photos", "icons") if name in body}
    tells = {step: tuple(fields) for step, fields in body.get("tells", {}).items()}
    return Desk(key, body["title"], full(body["flow"]), full(body.get("of", "")), tells=tells, **given)


def form_of(desk: Desk, county: str) -> Body:
    """What a report of this desk is filled in as."""
    _flow, about = flows.current(desk.flow, county)
    return flows.form(about.start_form, county)


def kinds(desk: Desk, form: Body) -> dict[str, Names]:
    """value → its name, of all that may be reported."""
    item = form["properties"][desk.kind]
    return {value: item.get("x-choices", {}).get(value, {"zh": value, "en": value}) for value in item["enum"]}


def find(code: str) -> Label | None:
    """A label by its code, however it was typed."""
    known = Label.objects.select_related("county", "organisation", "area", "replaced_by")
    return known.filter(code=code.strip().upper()).first()


def newest(label: Label) -> Label:
    """The label that hangs there now."""
    while label.replaced_by is not None:
        label = Label.objects.select_related("county", "organisation", "area", "replaced_by").get(
            pk=label.replaced_by.pk
        )
    return label


def seen(label: Label) -> Seen | None:
    """What a label tells; None where it is withdrawn, or its object or its desk is gone."""
    desk = desks(label.county_id).get(label.desk)
    if desk is None or label.withdrawn_at is not None:
        return None
    point = None if label.longitude is None or label.latitude is None else (label.longitude, label.latitude)
    title = label.name or named(label.area)
    if desk.register:
        entry = _object(access.ANYBODY, label.county_id, desk.register, label.key)
        if entry is None:
            return None
        title = f"{entry.title} · {label.name}" if label.name else entry.title
        if point is None and isinstance(entry.geometry, shapely.Point):
            point = (entry.geometry.x, entry.geometry.y)
    return Seen(label, desk, title, label.area, label.organisation, point)


def _object(who: Actor, county: str, register: str, key: str) -> records.Entry | None:
    try:
        entry = records.get(who, county, register, records.survivor_of(county, register, key) or key)
    except (records.NoRecord, records.UnknownRegister):
        return None
    return None if entry.is_withdrawn else entry


@transaction.atomic
def make(
    who: Actor, county: str, desk: Desk, key: str = "", name: str = "", area: Area | None = None,
    point: Position | None = None, code: str = "", is_simulated: bool = False,
) -> Label:  # fmt: skip
    """A new label, of an object of the desk's register or of a place with a name.

    Raises CannotNow where there is no such object or place, PermissionDenied.
    """
    organisation = flows.owner(flows.current(desk.flow, county)[1], county)
    if desk.register:
        entry = _object(who, county, desk.register, key)
        if entry is None:
            raise CannotNow(_("There is none, or none that you may see."))
        area = Area.objects.get(county=county, code=entry.area.code)
        organisation = Organisation.objects.get(county=county, code=entry.organisation.code)
    elif not name.strip() or area is None:
        raise CannotNow(_("Say where the label hangs, and choose the town."))
    if organisation is None or area is None:
        raise CannotNow(_("This county has no organisation that such reports go to."))
    longitude, latitude = point or (None, None)
    made = Label(
        code=code or new_code(), county_id=county, organisation=organisation, area=area, desk=desk.key, key=key,
        name=name.strip()[:100], longitude=longitude, latitude=latitude, made_at=timezone.now(),
        is_simulated=is_simulated,
    )  # fmt: skip
    access.require(who, EDIT, made)
    made.save()
    return made


def new_code() -> str:
    """A code that nobody guesses from another."""
    return "".join(secrets.choice(SIGNS) for _place in range(LENGTH))


@transaction.atomic
def withdraw(who: Actor, number: int) -> Label:
    """A label that hangs no more. Raises CannotNow where it was withdrawn before, PermissionDenied."""
    label = Label.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=number)
    access.require(who, EDIT, label)
    if label.withdrawn_at is not None:
        raise CannotNow(_("This label is withdrawn already."))
    label.withdrawn_at = timezone.now()
    label.save(update_fields=["withdrawn_at"])
    return label


@transaction.atomic
def replace(who: Actor, number: int) -> Label:
    """A new code for the same place: who scans the old label comes to the new one. Raises as `withdraw`."""
    old = withdraw(who, number)
    new = Label.objects.create(
        code=new_code(), county_id=old.county_id, organisation=old.organisation, area=old.area, desk=old.desk,
        key=old.key, name=old.name, longitude=old.longitude, latitude=old.latitude, made_at=timezone.now(),
        is_simulated=old.is_simulated,
    )  # fmt: skip
    old.replaced_by = new
    old.save(update_fields=["replaced_by"])
    return new
