"""Cards (明白卡): one page for each area, filled from registers, with what is missing said as missing.

Packs ship `cards/*.yaml`. What is shown lives: telephone numbers stand on it in part. An *edition* is what somebody
with the right to open them issued: it is printed whole, and the page behind its QR code tells all of it but the parts
that are private.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from shizhu.engines.cases.locks import hold
from shizhu.engines.cases.models import CardEdition
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

KIND = "cards"
VIEW, ISSUE = "cases.card.view", "cases.card.issue"
PURPOSE = "emergency"
MISSING = "〔缺："  # … 〕
CHINESE = "zh-hans"
BLANK, OPTIONAL = re.compile(r"\{(\w+)\}"), re.compile(r"\[([^\]]*)\]")
OWN = {"_title", "_area"}


class CannotIssue(ValueError):
    """A card cannot be issued; the text says why and what to do."""


@dataclass(frozen=True)
class Part:
    """A part of a card: rows under a head, or a line each, and what is missing."""

    title: str
    rows: tuple[tuple[str, ...], ...]
    head: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    is_private: bool = False


@dataclass(frozen=True)
class Filled:
    """A card as it is filled now."""

    parts: tuple[Part, ...]
    is_simulated: bool
    used: Mapping[int, frozenset[str]]  # record → its private fields that stand on it
    shapes: tuple[tuple[str, str, BaseGeometry], ...]  # (register, title, geometry)

    @property
    def missing(self) -> list[str]:
        """All that is missing."""
        return [f"{part.title}：{one}" for part in self.parts for one in part.missing]

    @property
    def digest(self) -> str:
        """What it says, as a hash."""
        return packs.digest([asdict(part) for part in self.parts])


@dataclass(frozen=True)
class _Row:
    """A row as a card takes it, masked or whole."""

    record: int
    key: str
    title: str
    state: str
    area: str
    is_simulated: bool
    data: Mapping[str, Any]
    geometry: BaseGeometry | None


def declared(county: str) -> dict[str, Body]:
    """The cards of a county by key."""
    return packs.declarations(KIND, county)


class Filling:
    """Fills the cards of a county, or of one area alone: each register is read once, of one area no further than its
    town where no part looks further. `who` None: whole, for an edition alone."""

    def __init__(self, county: str, body: Body, who: Actor | None, only: Area | None = None) -> None:
        self._county, self._body, self._who = county, body, who
        far = {part["from"] for part in body["parts"] if "by" in part or part.get("where") == "above"}
        known = [records.register_of(part["from"], county) for part in body["parts"] if "from" in part]
        named = {field.reference for register in known for field in register.fields.values()}  # by their titles
        self._far, self._within = far | named, self._town(only) if only else ""
        self._areas = {area.code: area for area in Area.objects.filter(county=county)}
        self._rows: dict[str, list[_Row]] = {}
        self._used: dict[int, set[str]] = {}
        self._is_simulated = False

    def rows(self, register: str) -> list[_Row]:
        """The rows in use of a register, in the order of their keys."""
        if register not in self._rows:
            self._rows[register] = sorted(self._read(register), key=lambda row: row.key)
        return self._rows[register]

    def _read(self, register: str) -> Iterator[_Row]:
        if self._who is None:
            is_near = register not in self._far and any(part.get("from") == register for part in self._body["parts"])
            for kept in records.kept(self._county, register, self._within if is_near else ""):
                yield _Row(
                    kept.record, kept.key, kept.title, kept.state, kept.area.path, kept.is_simulated, kept.data,
                    kept.geometry,
                )  # fmt: skip
            return
        for one in records.scan(self._who, self._county, register, records.Query()):
            path = self._areas[one.area.code].path
            yield _Row(one.id, one.key, one.title, one.state, path, one.is_simulated, one.data, one.geometry)

    def areas(self) -> list[Area]:
        """The areas that need a card: of its level, with a row of `of` in them."""
        there = {row.area for row in self.rows(self._body["of"])}
        found = [area for area in self._areas.values() if area.level == self._body["level"]]
        return [area for area in found if any(path.startswith(area.path) for path in there)]

    def fill(self, area: Area) -> Filled:
        """The card of an area, in Chinese whoever asks."""
        self._used, self._is_simulated = {}, False
        shapes: dict[int, tuple[str, str, BaseGeometry]] = {}
        with translation.override(CHINESE):
            parts = tuple(self._part(part, area, shapes) for part in self._body["parts"])
        used = {record: frozenset(names) for record, names in self._used.items()}
        return Filled(parts, self._is_simulated, used, tuple(shapes.values()))

    def _part(self, part: Body, area: Area, shapes: dict[int, tuple[str, str, BaseGeometry]]) -> Part:
        title = label(part["title"], "zh")
        if "lines" in part:
            return Part(title, tuple((line,) for line in part["lines"]))
        declared = records.register_of(part["from"], self._county)
        rows, missing = self._chosen(part, area), list[str]()
        lines: dict[tuple[str, ...], None] = {}
        for row in rows:
            self._is_simulated = self._is_simulated or row.is_simulated
            if row.geometry is not None:
                shapes[row.record] = (part["from"], row.title, row.geometry)
            items = row.data.get(part["list"]) or [] if "list" in part else [{}]
            inner = declared.fields[part["list"]].parts if "list" in part else {}
            lines.update(dict.fromkeys(self._line(part, row, item, declared, inner, missing) for item in items))
        if not lines and "missing" in part:
            missing.append(part["missing"])
            return Part(title, ((f"{MISSING}{part['missing']}〕",),), (), tuple(missing), part.get("private", False))
        head = tuple(label(declared.fields[name].title, "zh") for name in part.get("columns", ()))
        return Part(title, tuple(lines), head, tuple(dict.fromkeys(missing)), part.get("private", False))

    def _chosen(self, part: Body, area: Area) -> list[_Row]:
        within = area.path
        if "by" in part:
            of = [row for row in self.rows(self._body["of"]) if row.area.startswith(area.path)]
            named = {row.data.get(part["by"]) for row in of}
            return [row for row in self.rows(part["from"]) if row.key in named]
        if part.get("where") == "town":
            within = self._town(area)
        rows = [row for row in self.rows(part["from"]) if row.state in part.get("states", [row.state])]
        if part.get("where") == "above":
            above = self._above(area)
            return sorted((row for row in rows if row.area in above), key=lambda row: -len(row.area))
        return [row for row in rows if row.area.startswith(within)]

    def _above(self, area: Area) -> list[str]:
        """Paths of the area and of all above it, its own first."""
        parts = area.path.rstrip("/").split("/")
        return ["/".join(parts[:n]) + "/" for n in range(len(parts), 0, -1)]

    def _town(self, area: Area) -> str:
        """The path of the town that an area lies in; of one that lies in none its own."""
        towns = Area.objects.towns(self._county).filter(path__in=self._above(area))
        return towns.values_list("path", flat=True).first() or area.path

    def _line(
        self, part: Body, row: _Row, item: Mapping[str, Any], register: records.Register,
        inner: Mapping[str, records.Field], missing: list[str],
    ) -> tuple[str, ...]:  # fmt: skip
        def value(name: str) -> str:
            if name in OWN:
                code = row.area.rstrip("/").rpartition("/")[2]
                return row.title if name == "_title" else self._areas[code].name
            field = inner.get(name) or register.fields[name]
            given = item.get(name) if name in inner else row.data.get(name)
            if given not in (None, "") and field.privacy:
                path = f"{part['list']}.{name}" if name in inner else name
                self._used.setdefault(row.record, set()).add(path)
            return self._said(field, given)

        def lacks(name: str) -> str:
            field = inner.get(name) or register.fields[name]
            missing.append(f"{row.title} {label(field.title, 'zh')}")
            return f"{MISSING}{label(field.title, 'zh')}〕"

        if "columns" in part:
            needs = part.get("needs", ())
            return tuple(value(name) or (lacks(name) if name in needs else "—") for name in part["columns"])

        def optional(found: re.Match[str]) -> str:
            names = BLANK.findall(found[1])
            return found[1] if all(value(name) for name in names) else ""

        text = OPTIONAL.sub(optional, part["says"])
        return (BLANK.sub(lambda found: value(found[1]) or lacks(found[1]), text),)

    def _said(self, field: records.Field, given: Any) -> str:
        if given is None or given == "":
            return ""
        if field.reference:
            rows = self.rows(field.reference) if "." in field.reference and field.reference in self._known() else []
            return next((row.title for row in rows if row.key == given), str(given))
        if isinstance(given, list):
            return "、".join(self._said(field, one) for one in given)
        if str(given) in field.choices:
            return label(field.choices[str(given)], "zh")
        return f"{given:.15g}" if isinstance(given, int | float) and not isinstance(given, bool) else str(given)

    def _known(self) -> Mapping[str, records.Register]:
        return records.registers(self._county)


def newest(county: str, key: str) -> dict[int, CardEdition]:
    """Area → its edition in force."""
    rows = CardEdition.objects.filter(county=county, key=key).select_related("by").order_by("issued_at", "pk")
    return {row.area_id: row for row in rows}


@transaction.atomic
def issue(who: Actor, county: str, key: str, area: Area, reason: str) -> CardEdition:
    """Print what the registers say now as an edition. Each number that is opened is kept as looked at, with the reason.

    Raises PermissionDenied, CannotIssue.
    """
    _require(who, area)
    if len(reason.strip()) < 4:
        raise CannotIssue(_("Say in some words what the card is issued for."))
    body = declared(county)[key]
    filled = Filling(county, body, None, area).fill(area)
    for record, fields in sorted(filled.used.items()):
        try:
            records.unmask(who, record, fields, PURPOSE, reason)
        except (PermissionDenied, records.NoRecord):
            raise CannotIssue(
                _("You may not open the numbers of %s, which stand on the card: ask who keeps it.")
                % _titles(county, body, record)
            ) from None
    hold(f"cases.card {county} {key} {area.pk}")  # of two first editions at once too one gives the token
    before = CardEdition.objects.filter(county=county, key=key, area=area)
    year, now = timezone.localdate().year, timezone.now()
    token = before.values_list("token", flat=True).first() or secrets.token_urlsafe(16)
    return CardEdition.objects.create(
        county_id=county, key=key, area=area, number=f"{year}.{before.filter(issued_at__year=year).count() + 1}",
        token=token, body={"parts": [asdict(part) for part in filled.parts]}, digest=filled.digest,
        is_simulated=filled.is_simulated, issued_at=now, by=Person.objects.get(pk=who.person_id or 0),
    )  # fmt: skip


def may_issue(who: Actor, area: Area) -> bool:
    """Whether somebody issues cards of an area, for whatever organisation."""
    return any(
        scope.county == area.county_id and area.path.startswith(scope.area_path) for scope in who.granting(ISSUE)
    )


def may_view(who: Actor, area: Area) -> bool:
    """Whether somebody sees cards of an area."""
    return who.is_unbounded or any(
        scope.county == area.county_id and area.path.startswith(scope.area_path) for scope in who.granting(VIEW)
    )


def _require(who: Actor, area: Area) -> None:
    if not may_issue(who, area):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {ISSUE} in {area}")


def _titles(county: str, body: Body, record: int) -> str:
    registers = {part["from"] for part in body["parts"] if "from" in part}
    rows = (one for register in sorted(registers) for one in records.kept(county, register))
    return next((one.title for one in rows if one.record == record), str(record))


def parts_of(edition: CardEdition) -> tuple[Part, ...]:
    """The parts of an edition."""
    return tuple(
        Part(
            part["title"], tuple(map(tuple, part["rows"])), tuple(part["head"]), tuple(part["missing"]),
            part["is_private"],
        )
        for part in edition.body["parts"]
    )  # fmt: skip


def public(parts: Iterable[Part]) -> list[Part]:
    """What the page behind the QR code tells."""
    return [part for part in parts if not part.is_private]
