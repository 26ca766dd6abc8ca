"""Reported values of a county that look made up (疑点), and the sample that is proposed for looking at them (抽查).

Nothing is kept: what looks odd follows from the values as known now. Values that a formula counted are not asked; they
open to their rows anyway.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from shizhu.engines.plan.computing import aim_of, as_of
from shizhu.engines.plan.indexes import REPORTED, Index, indexes
from shizhu.engines.plan.logic import oddities, sampling
from shizhu.engines.plan.logic.oddities import Oddity, Told
from shizhu.engines.plan.logic.progress import expected
from shizhu.engines.plan.models import Collection, Measure, Value
from shizhu.engines.plan.periods import named
from shizhu.kernel.text import label

ROWS_EACH = 3  # of each oddity that are proposed
CONTROLS = 5  # per cent of what looks as usual, so that a place in the sample says nothing


@dataclass(frozen=True)
class Row:
    """A reported value with its page and who said it when; `told` is what the rules see."""

    told: Told
    href: str
    at: datetime
    by: str
    note: str
    is_simulated: bool


@dataclass(frozen=True)
class Found:
    """All reported values by name, and what is odd among them."""

    rows: Mapping[str, Row]
    oddities: Sequence[Oddity]


def look(county: str) -> Found:
    """Gather what was reported in a county and look at it."""
    rows = {row.told.row: row for row in (*_values(county), *_measures(county))}
    return Found(rows, oddities.find(row.told for row in rows.values()))


def sample(found: Found, seed: str) -> list[Row]:
    """What to look at: some values of each oddity and some others, drawn by the seed and ordered by their hash."""
    odd = {told.row for oddity in found.oddities for told in oddity.rows}
    drawn = {
        name
        for oddity in found.oddities
        for name in _first(seed, [told.row for told in oddity.rows], ROWS_EACH)
    }  # fmt: skip
    drawn |= set(sampling.draw(seed, set(found.rows) - odd, CONTROLS)) if drawn else set()
    return [found.rows[name] for name in _first(seed, drawn, len(drawn))]


def _first(seed: str, names: Iterable[str], number: int) -> list[str]:
    return sorted(set(names), key=lambda name: sampling.order_of(seed, name))[:number]


def _values(county: str) -> list[Row]:
    """The newest of every indicator and period, with what was said before it."""
    rows = Value.objects.filter(indicator__plan__county=county, source=REPORTED, value__isnull=False)
    collections = {
        row.indicator_id: row
        for row in Collection.objects.filter(indicator__plan__county=county).select_related("organisation")
    }
    told: dict[tuple[int, str], Row] = {}
    for value in rows.select_related("indicator", "person").order_by("indicator_id", "period", "known_at", "pk"):
        key = value.indicator_id, value.period
        told[key] = _value(value, collections.get(value.indicator_id), told.get(key))
    return list(told.values())


def _value(value: Value, collection: Collection | None, before: Row | None) -> Row:
    row, period = value.indicator, named(value.period)
    days = collection.due_days if collection else row.due_days
    found = Told(
        row=f"V{value.pk}", what=row.name, period=value.period, value=_number(value.value),
        who=collection.organisation.name if collection else _name(value.person),
        target=expected(aim_of(row), as_of(value)), is_rising=row.is_rising, was=before.told.value if before else None,
        known_on=timezone.localdate(value.known_at), due_on=period.last + timedelta(days=days),
    )  # fmt: skip
    return Row(found, reverse("plan:indicator", args=[row.pk]), **_said(value))


def _measures(county: str) -> list[Row]:
    """The newest of every item and subject of every index and year."""
    made = []
    for key in indexes(county):
        index = Index(county, key)
        names = {subject.code: subject.name for subject in index.subjects}
        rows = Measure.objects.filter(county=county, index=key, item__in=index.items, subject__in=names)
        newest = rows.select_related("person").order_by("year", "item", "subject", "-known_at", "-pk")
        for one in newest.distinct("year", "item", "subject"):
            if one.source != REPORTED or one.value is None:
                continue
            title = label(index.items[one.item]["title"])
            told = Told(row=f"M{one.pk}", what=title, who=names[one.subject], period=str(one.year), value=one.value)
            href = f"{reverse('plan:subject', args=[key, one.subject])}?year={one.year}"
            made.append(Row(told, href, **_said(one)))
    return made


def _said(one: Value | Measure) -> dict[str, Any]:
    return {"at": one.known_at, "by": _name(one.person), "note": one.note, "is_simulated": one.is_simulated}


def _name(person: Any) -> str:
    return str(person.name or person.username) if person else "—"


def _number(value: float | None) -> float:
    return float(value or 0)


def seed_of(today: date) -> str:
    """The seed unless somebody gives one: the quarter."""
    return sampling.quarter_of(today.year, today.month)
