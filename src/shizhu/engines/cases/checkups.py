"""Checkups (体检): what does not fit together in plans and registers, by what a pack looks for (`checkups/*.yaml`).

Nobody is told of a row that they may not see; where rows are counted together, those of others are a number alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from shizhu.engines.cases import cards, emergencies, rollcalls
from shizhu.engines.cases.logic import rollcall as numbers
from shizhu.engines.cases.models import RollCall
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named
from shizhu.lib import feel
from shizhu.lib.times import parse_duration

KIND, VIEW = "checkups", "cases.checkup.view"


@dataclass(frozen=True)
class Side:
    """What one place says, with its address."""

    who: str
    url: str
    value: str


@dataclass(frozen=True)
class Finding:
    """Something that does not fit: about what, where, and what each side says."""

    check: str
    title: str
    url: str
    area: Area
    text: str
    sides: tuple[Side, ...] = ()
    is_simulated: bool = False


def declared(county: str) -> dict[str, Body]:
    """The checkups of a county by key."""
    return packs.declarations(KIND, county)


def findings(who: Actor, county: str, key: str) -> list[Finding]:
    """All that is found now and that somebody may see, in the order of the checks."""
    run = _Run(who, county)
    return [one for check, body in declared(county)[key]["checks"].items() for one in run.of(check, body)]


class _Run:
    """One look; each register is read once."""

    def __init__(self, who: Actor, county: str) -> None:
        self._who, self._county, self._today = who, county, timezone.localdate()
        self._kept: dict[str, list[records.Kept]] = {}
        self._seen: dict[str, frozenset[int]] = {}

    def of(self, check: str, body: Body) -> Iterator[Finding]:
        """What one check finds."""
        kinds: dict[str, Callable[[str, Any], Iterator[Finding]]] = {
            "rows": self._rows, "room": self._room, "differ": self._differ, "phones": self._phones,
            "cards": self._cards, "roles": self._roles,
        }  # fmt: skip
        kind = next(name for name in kinds if name in body)
        yield from kinds[kind](check, body[kind])

    def _all(self, register: str) -> list[records.Kept]:
        if register not in self._kept:
            self._kept[register] = records.kept(self._county, register)
        return self._kept[register]

    def _is_seen(self, register: str, record: int) -> bool:
        if register not in self._seen:
            rows = records.scan(self._who, self._county, register, records.Query())
            self._seen[register] = frozenset(row.id for row in rows)
        return record in self._seen[register]

    def _visible(self, register: str, states: Iterable[str] = ()) -> list[records.Kept]:
        wanted = set(states)
        return [
            row for row in self._all(register)
            if self._is_seen(register, row.record) and (not wanted or row.state in wanted)
        ]  # fmt: skip

    @staticmethod
    def _about(check: str, register: str, row: records.Kept, text: str, sides: Iterable[Side] = ()) -> Finding:
        url = f"/records/{register}/{row.record}/"
        return Finding(check, row.title, url, row.area, text, tuple(sides), row.is_simulated)

    def _rows(self, check: str, body: Body) -> Iterator[Finding]:
        rows = self._visible(body["of"], body.get("states", ()))
        fields = records.register_of(body["of"], self._county).fields
        empty: dict[str, Any] = {
            name: [] if field.kind == records.Kind.ROWS else None for name, field in fields.items()
        }
        contexts = [{**empty, **row.data, "today": self._today} for row in rows]
        for row, found in zip(rows, feel.evaluate_each(body["find"], contexts), strict=True):
            for one in found if isinstance(found, list) else [found]:
                if one:
                    yield self._about(check, body["of"], row, one if isinstance(one, str) else "")

    def _room(self, check: str, body: Body) -> Iterator[Finding]:
        target = records.register_of(body["of"], self._county).fields[body["by"]].reference
        counting: dict[str, list[records.Kept]] = defaultdict(list)
        for row in self._all(body["of"]):
            counting[str(row.data.get(body["by"], ""))].append(row)
        for row in self._visible(target):
            rows, room = counting[row.key], row.data.get(body["places"])
            total = sum(one.data.get(body["count"]) or 0 for one in rows)
            if room is None or total <= room:
                continue
            told = [one for one in rows if self._is_seen(body["of"], one.record)]
            sides = [
                Side(_placed(one), f"/records/{body['of']}/{one.record}/",
                     f"{one.data.get(body['count']) or 0:.15g}")
                for one in told
            ]  # fmt: skip
            rest = total - sum(one.data.get(body["count"]) or 0 for one in told)
            if rest:
                sides.append(Side(_("others"), "", f"{rest:.15g}"))
            areas = len({one.area.pk for one in rows})
            text = ngettext(
                "%(areas)d place counts on it for %(total)d people, it has room for %(room)d",
                "%(areas)d places count on it for %(total)d people, it has room for %(room)d", areas,
            ) % {"areas": areas, "total": total, "room": room}  # fmt: skip
            yield self._about(check, target, row, text, sides)

    def _differ(self, check: str, body: Body) -> Iterator[Finding]:
        register = records.register_of(body["of"], self._county)
        said: dict[str, list[tuple[records.Kept, Mapping[str, Any]]]] = defaultdict(list)
        for row in self._visible(body["said_by"], body.get("states", ())):
            for item in row.data.get(body["list"]) or []:
                said[str(item.get(body["ref"]))].append((row, item))
        for row in self._visible(body["of"]):
            for name in body["fields"]:
                field = register.fields[name]
                sides = [(row, body["of"], row.data.get(name))]
                sides += [(other, body["said_by"], item.get(name)) for other, item in said[row.key]]
                given = [one for one in sides if one[2] not in (None, "")]
                if len({str(value) for _row, _register, value in given}) < 2:
                    continue
                shown = [
                    Side(_placed(one), f"/records/{of}/{one.record}/", self._said(field, value))
                    for one, of, value in given
                ]
                yield self._about(check, body["of"], row, label(field.title), shown)

    def _said(self, field: records.Field, value: Any) -> str:
        if field.reference:
            return next((row.title for row in self._all(field.reference) if row.key == value), str(value))
        text = f"{value:.15g}" if isinstance(value, int | float) else str(value)
        return f"{text} {label(field.unit)}".strip()

    def _phones(self, check: str, body: Body) -> Iterator[Finding]:
        declared = rollcalls.declared(self._county)[body["rollcall"]]
        registers = {source.get("from", declared["of"]) for source in declared["contacts"]}
        rows = {row.record: (register, row) for register in sorted(registers) for row in self._visible(register)}
        for (record, address), called in rollcalls.dead(self._county).items():
            if record not in rows or address not in _numbers(rows[record][1].data):
                continue  # not to be seen, or changed since
            register, row = rows[record]
            shown = rollcalls.shown(called)
            day = timezone.localtime(called.rollcall.begun_at).date()
            text = f"{called.duty} {called.name} {shown['address']}：{shown['result']}（{day}）"
            yield self._about(check, register, row, text)
        if "within" in body:
            yield from self._untested(check, body, declared)

    def _untested(self, check: str, body: Body, declared: Body) -> Iterator[Finding]:
        since = timezone.now() - parse_duration(body["within"])
        tests = RollCall.objects.filter(county=self._county, key=body["rollcall"], begun_at__gte=since)
        tested = set(tests.values_list("record", flat=True))
        days = parse_duration(body["within"]) // timedelta(days=1)
        for row in self._visible(declared["of"], declared.get("states", ())):
            if row.record not in tested:
                text = _("its contacts were not tested for %d days") % days
                yield self._about(check, declared["of"], row, text)

    def _cards(self, check: str, body: Body) -> Iterator[Finding]:
        card = cards.declared(self._county)[body["card"]]
        whole, editions = cards.Filling(self._county, card, None), cards.newest(self._county, body["card"])
        for area in whole.areas():
            seen = any(
                row.area.path.startswith(area.path) for row in self._visible(card["of"])
            )  # fmt: skip
            edition, filled = editions.get(area.pk), whole.fill(area)
            if not seen or (edition and edition.digest == filled.digest):
                continue
            text = _("the registers changed since edition %s") % edition.number if edition else _("no card was issued")
            if filled.missing:
                text += _(", %d facts are missing") % len(filled.missing)
            url = f"/cards/{body['card']}/{area.code}/"
            yield Finding(check, named(area), url, area, text, (), filled.is_simulated)

    def _roles(self, check: str, _body: bool) -> Iterator[Finding]:
        for key, plan in emergencies.plans(self._county).items():
            lacking: dict[str, list[str]] = defaultdict(list)
            for task in emergencies.missing(self._county, key):
                lacking[task.role].append(label(task.title))
            for role, tasks in lacking.items():
                name = self._roles_named.get(role, role)
                text = _("nobody is %(role)s: %(tasks)s") % {"role": name, "tasks": "、".join(tasks)}
                yield Finding(check, label(plan["title"]), f"/cases/emergencies/{key}/", self._county_area, text)

    @cached_property
    def _roles_named(self) -> Mapping[str, str]:
        from shizhu.engines.cases.assignment import role_names  # noqa: PLC0415  # few plans lack anybody

        return role_names()

    @cached_property
    def _county_area(self) -> Area:
        return Area.objects.get(county=self._county, level=Area.Level.COUNTY)


def _placed(row: records.Kept) -> str:
    """A row's title, behind the name of its area where that does not say it."""
    name = named(row.area)
    return row.title if row.title.startswith(name) else f"{name} {row.title}"


def _numbers(value: Any) -> set[str]:
    """All telephone numbers in a row's data."""
    if isinstance(value, Mapping):
        return {found for one in value.values() for found in _numbers(one)}
    if isinstance(value, list):
        return {found for one in value for found in _numbers(one)}
    return {found} if isinstance(value, str) and (found := numbers.number(value)) else set()


def by_town(county: str, found: Iterable[Finding]) -> list[tuple[Area, dict[str, int]]]:
    """Towns where something was found, the most first, with the number by check; what is of no town is the county's."""
    areas = list(Area.objects.filter(county=county).exclude(level=Area.Level.VILLAGE).order_by("path"))
    towns = [area for area in areas if area.level == Area.Level.TOWN]
    root = next(area for area in areas if area.level == Area.Level.COUNTY)
    counts: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for one in found:
        town = next((town for town in towns if one.area.path.startswith(town.path)), root)
        counts[town.pk][one.check] += 1
    listed = [(area, dict(counts[area.pk])) for area in areas if area.pk in counts]
    return sorted(listed, key=lambda line: -sum(line[1].values()))
