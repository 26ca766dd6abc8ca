"""Indexes of a county: who is compared, the values known of each, and their scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.plan import computing
from shizhu.engines.plan.logic import index as logic
from shizhu.engines.plan.logic.evaluation import GROWTH, Result, Scheme, Values, evaluate
from shizhu.engines.plan.models import Measure
from shizhu.engines.plan.periods import named
from shizhu.engines.plan.typed import same
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.models import Area, County, Organisation, Person
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label

KIND = "indexes"
FORMULA, REPORTED = "formula", "reported"
BY = {"towns": "area", "departments": "organisation"}


@dataclass(frozen=True)
class Subject:
    """Somebody who is compared: code, name, and the codes of everything below."""

    code: str
    name: str
    below: tuple[str, ...]


@dataclass(frozen=True)
class Given:
    """One value to keep: None takes an older one back."""

    item: str
    subject: str
    value: float | None


class Index:
    """A declared index in a county. Raises KeyError if nobody declares it."""

    def __init__(self, county: str, key: str) -> None:
        self.county, self.key = county, key
        self.body: Body = packs.declaration(KIND, key, county)
        self.scheme: Scheme = logic.scheme(self.body)

    @cached_property
    def items(self) -> Mapping[str, Mapping[str, Any]]:
        """Item → its declaration, in the order written."""
        return {key: item for _group, key, item in logic.items(self.body)}

    @property
    def register(self) -> str:
        """The register whose rows are compared; "" for towns and departments."""
        return self.body["subjects"]["register"] if isinstance(self.body["subjects"], dict) else ""

    @cached_property
    def subjects(self) -> list[Subject]:
        """Who is compared: the towns of the county, its departments, or rows of a register."""
        if register := self.register:
            told = records.subject_of(register, self.county)
            [found] = records.tally(told, [self.body["subjects"].get("where", "")], "_key")
            reference = records.find_reference(register, self.county)
            names = reference.titles(self.county, sorted(found)) if reference else {}
            return [Subject(code, label(names.get(code, code)), (code,)) for code in sorted(found)]
        if self.body["subjects"] == "towns":
            codes = list(Area.objects.filter(county_id=self.county).values_list("code", "path"))
            towns = Area.objects.towns(self.county).order_by("code")
            return [Subject(town.code, town.name, _below(town.path, codes)) for town in towns]
        codes = list(Organisation.objects.filter(county_id=self.county).values_list("code", "path"))
        departments = Organisation.objects.filter(county_id=self.county, kind="department").order_by("code")
        return [Subject(one.code, one.name, _below(one.path, codes)) for one in departments]

    @cached_property
    def peers(self) -> Mapping[str, str]:
        """Subject → the group (`peers` of the declaration) in which it is ranked too, the first that fits."""
        return {
            subject.code: key
            for key, group in reversed(self.body.get("peers", {}).items())
            for subject in self.subjects
            if subject.code in group.get("subjects", ()) or ("ends" in group and subject.name.endswith(group["ends"]))
        }

    def measures(self, year: int) -> list[Measure]:
        """The newest known of every item and subject that there is in a year."""
        rows = Measure.objects.filter(
            county_id=self.county, index=self.key, year=year, item__in=self.items,
            subject__in=[subject.code for subject in self.subjects],
        ).select_related("person")  # fmt: skip
        return list(rows.order_by("item", "subject", "-known_at", "-pk").distinct("item", "subject"))

    def values(self, measures: Sequence[Measure]) -> Values:
        """Subject → item → value, every subject there."""
        found: dict[str, dict[str, float | None]] = {subject.code: {} for subject in self.subjects}
        for row in measures:
            found[row.subject][row.item] = row.value
        return found

    def base(self) -> Values | None:
        """The base year's values, where growth counts from one."""
        if self.scheme.normalise != GROWTH:
            return None
        return self.values(self.measures(self.body["base_year"]))

    def result(self, year: int) -> Result:
        """Scores and ranks of a year as known now."""
        return evaluate(self.scheme, self.values(self.measures(year)), self.base())

    def years(self) -> list[int]:
        """Years with a value, newest first; the year that runs is always there."""
        found = Measure.objects.filter(county_id=self.county, index=self.key).values_list("year", flat=True).distinct()
        return sorted({*found, timezone.localdate().year}, reverse=True)

    def report(
        self, year: int, given: Sequence[Given], *, note: str, by: Person | None, is_simulated: bool = False
    ) -> int:
        """Keep what is new of these values; returns how many are."""
        return self._keep(year, [(one, is_simulated) for one in given], REPORTED, note, by)

    def compute(self, year: int) -> int:
        """Compute the items that have a formula, for every subject; returns how many values are new."""
        period = named(str(year))
        by = self.body["subjects"]["by"] if self.register else BY[self.body["subjects"]]
        parts = {subject.code: subject.below for subject in self.subjects}
        formulas = {key: item["indicator"] for key, item in self.items.items() if "indicator" in item}
        asked = [(packs.declaration("indicators", formula, self.county), period) for formula in formulas.values()]
        made = zip(formulas, computing.by_part(asked, self.county, by, parts), strict=True)
        found = [(Given(key, code, told.value), told.is_simulated) for key, one in made for code, told in one.items()]
        return self._keep(year, found, FORMULA, "", None)

    @transaction.atomic
    def _keep(self, year: int, found: Sequence[tuple[Given, bool]], source: str, note: str, by: Person | None) -> int:
        known = {(row.item, row.subject): row for row in self.measures(year)}
        rows = []
        for one, is_simulated in found:
            old = known.get((one.item, one.subject))
            is_same = same(old.value if old else None, one.value)
            if is_same and (source == REPORTED or old is None or old.is_simulated == is_simulated):
                continue  # who sends a table back as it came says nothing of what is simulated in it
            rows.append(
                Measure(
                    county_id=self.county, index=self.key, item=one.item, subject=one.subject, year=year,
                    value=one.value, source=source, note=note[:200], is_simulated=is_simulated, person=by,
                )
            )  # fmt: skip
        Measure.objects.bulk_create(rows)
        return len(rows)


def indexes(county: str) -> Mapping[str, Body]:
    """Every index that is declared for the county."""
    return packs.declarations(KIND, county)


def compute_all(county: str | None = None) -> int:
    """Compute the formulas of every index for the year that runs; returns how many values are new."""
    counties = [county] if county else list(County.objects.values_list("pk", flat=True))
    year = timezone.localdate().year
    return sum(Index(one, key).compute(year) for one in counties for key in indexes(one))


def _below(path: str, codes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(code for code, other in codes if other.startswith(path))
