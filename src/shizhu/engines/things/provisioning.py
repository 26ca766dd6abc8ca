"""Many devices at once: a table per profile, checked row by row, then made; devices that wait to be claimed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from shizhu.engines.things.devices import KEY, DeviceRefused, Registration, place, register
from shizhu.engines.things.models import Device
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, County, Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

REGISTER = "things.device.edit"
MOST = 2000  # devices of one table
FIXED = ("key", "name", "town", "organisation", "longitude", "latitude", "password")


def heads(profile: Body) -> list[str]:
    """The first row of the table of a profile: what each device needs, then the attributes of the profile."""
    named = [
        _("Device key"), _("Name"), _("Town"), _("In charge"), _("Longitude"), _("Latitude"),
        _("Password (empty: made up)"),
    ]  # fmt: skip
    return [*named, *(label(title) for title in profile.get("attributes", {}).values())]


@dataclass(frozen=True)
class Wanted:
    """A row that can become a device; all of it text, so that it can be signed and come back."""

    row: int
    key: str
    name: str
    area: int
    organisation: int
    point: tuple[float, float] | None
    password: str
    properties: dict[str, Any]


@dataclass(frozen=True)
class RowProblem:
    """What is wrong with a row: its number as the table shows it, the column, its value, the rule."""

    row: int
    column: str
    value: str
    rule: str


class Checker:
    """Looks at the rows of one table for somebody."""

    def __init__(self, who: Actor, county: County, profile: Body) -> None:
        self._who, self._county, self._profile = who, county, profile
        self._heads = heads(profile)
        self._areas = {key: one for one in Area.objects.filter(county=county) for key in (one.code, one.name)}
        self._organisations = {
            key: one for one in Organisation.objects.filter(county=county) for key in (one.code, one.name)
        }
        self._taken: dict[str, int] = {}

    def look(self, row: int, cells: Sequence[Any]) -> Wanted | list[RowProblem]:
        """The device a row asks for, or all that is wrong with it."""
        texts = ["" if cell is None else str(cell).strip() for cell in cells]
        texts += [""] * (len(self._heads) - len(texts))
        key, name, town, office, longitude, latitude, password = texts[: len(FIXED)]
        problems: list[RowProblem] = []

        def wrong(column: int, rule: str) -> None:
            problems.append(RowProblem(row, self._heads[column], texts[column], rule))

        if not KEY.fullmatch(key):
            wrong(0, _("letters, digits, _ and - only, at most 64"))
        elif key in self._taken:
            wrong(0, _("row %d has the same key") % self._taken[key])
        self._taken.setdefault(key, row)
        if not name:
            wrong(1, _("must be given"))
        area = self._areas.get(town or self._county.pk)
        if area is None:
            wrong(2, _("name or code of a town of the county"))
        organisation = self._organisations.get(office or self._county.pk)
        if organisation is None:
            wrong(3, _("name or code of an organisation of the county"))
        if (
            area
            and organisation
            and not access.may(self._who, REGISTER, county=self._county.pk, organisation=organisation, area=area)
        ):
            wrong(2, _("you may not register devices there"))
        point = self._point(longitude, latitude, wrong)
        if problems or area is None or organisation is None:
            return problems
        names = list(self._profile.get("attributes", {}))
        given = {one: text for one, text in zip(names, texts[len(FIXED) :], strict=False) if text}
        return Wanted(row, key, name, area.pk, organisation.pk, point, password, given)

    def known(self) -> list[RowProblem]:
        """The rows looked at whose key a device has already; asked once for all."""
        rule = _("there is a device of this key already")
        found = Device.objects.filter(key__in=[*self._taken]).values_list("key", flat=True)
        return [RowProblem(self._taken[key], self._heads[0], key, rule) for key in found]

    @staticmethod
    def _point(longitude: str, latitude: str, wrong: Any) -> tuple[float, float] | None:
        if not longitude and not latitude:
            return None
        found = []
        for column, text, most in ((4, longitude, 180.0), (5, latitude, 90.0)):
            try:
                number = float(text)
            except ValueError:
                number = 1000.0
            if not -most <= number <= most:
                wrong(column, _("degrees in WGS 84, at most %g") % most)
            found.append(number)
        return found[0], found[1]


@transaction.atomic
def make(profile: str, rows: Iterable[Wanted], *, is_waiting: bool) -> list[tuple[str, str, str]]:
    """Make all devices or none; (key, name, password) of each. Waiting ones are off until somebody claims them.

    Raises DeviceRefused.
    """
    made, rows = [], list(rows)
    areas = Area.objects.in_bulk({row.area for row in rows})
    organisations = Organisation.objects.in_bulk({row.organisation for row in rows})
    for key in Device.objects.filter(key__in=[row.key for row in rows]).values_list("key", flat=True)[:1]:
        raise DeviceRefused(f"key: {key!r}: there is a device of this key already")
    for row in rows:
        area, organisation = areas[row.area], organisations[row.organisation]
        wanted = Registration(row.key, profile, row.name, organisation, area, row.point, properties=row.properties)
        device, password = register(wanted, row.password or None)
        if is_waiting:
            device.is_enabled, device.claim = False, secrets.token_urlsafe(12)
            device.save(update_fields=["is_enabled", "claim"])
        made.append((row.key, row.name, password))
    return made


@transaction.atomic
def claim(device: Device, name: str, point: tuple[float, float]) -> None:
    """It stands there now: its Thing gets name and place, and the device is let in."""
    thing = device.thing
    thing.name = name
    thing.save(update_fields=["name"])
    place(thing, name, {"type": "Point", "coordinates": list(point)})
    device.is_enabled, device.claim = True, None
    device.save(update_fields=["is_enabled", "claim"])
