"""Flows (时期数) within their year: what came so far, and how much of the year's value is due by time (序时进度).

Only where somebody reports every month or quarter. Values of periods are what came in them and are added up; those of
a cumulative flow are totals since 1 January, and the newest counts. By time means an equal part every month; the whole
year is judged once its value is known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from shizhu.engines.plan.computing import aim_of, as_of
from shizhu.engines.plan.logic.progress import Aim, Standing, expected, stand
from shizhu.engines.plan.models import Collection, Indicator, Value
from shizhu.engines.plan.periods import Period, kind_of, named, period_of


@dataclass(frozen=True)
class SoFar:
    """What came of a year until the end of a month, `of` which values; None where the period `missing` has none."""

    year: int
    month: int
    value: float | None
    whole: float  # the value of the whole year on the path
    of: tuple[Value, ...] = ()
    missing: str = ""

    @property
    def due(self) -> float:
        """What is due by time."""
        return self.whole * self.month / 12

    @property
    def period(self) -> str:
        """The months it is of: 2026-01—07."""
        return f"{self.year}-01—{self.month:02}"

    @property
    def until(self) -> date:
        """Its last day."""
        return named(f"{self.year}-{self.month:02}").last

    @property
    def is_simulated(self) -> bool:
        """Whether a part of it is."""
        return any(one.is_simulated for one in self.of)


def so_far(
    indicator: Indicator, values: Iterable[Value], collection: Collection | None, on: date
) -> SoFar | None:  # fmt: skip
    """How far a flow is in the year that runs, or in the one before until its whole value is known; None for others."""
    if not indicator.is_flow or indicator.tolerance is not None or collection is None or collection.every == "P1Y":
        return None
    known = {one.period: one for one in values if one.value is not None and one.source != "plan"}
    over = {name: named(name) for name, one in known.items() if as_of(one) == named(name).last <= on}
    for year in (on.year, on.year - 1):
        if f"{year}" in over:
            return None
        parts = sorted(
            (one for one in over.values() if one.first.year == year and kind_of(one.name) == collection.every),
            key=lambda one: one.last,
        )
        whole = expected(aim_of(indicator), date(year, 12, 31)) if parts else None
        if whole is not None and whole > 0:
            return _told(indicator, [known[one.name] for one in parts], parts, whole)
    return None


def _told(indicator: Indicator, values: list[Value], parts: list[Period], whole: float) -> SoFar:
    last, amounts = parts[-1].last, [one.value or 0.0 for one in values]
    if indicator.is_cumulative:
        return SoFar(last.year, last.month, amounts[-1], whole, (values[-1],))
    begins = date(last.year, 1, 1)
    for part in parts:
        if part.first != begins:
            missing = period_of(kind_of(part.name), begins).name
            return SoFar(last.year, last.month, None, whole, missing=missing)
        begins = part.last + timedelta(days=1)
    return SoFar(last.year, last.month, sum(amounts), whole, tuple(values))


def years_so_far(indicators: Iterable[Indicator], on: date) -> Mapping[int, SoFar]:
    """Those of the indicators that have one."""
    flows = {one.pk: one for one in indicators if one.is_flow}
    asked = {row.indicator_id: row for row in Collection.objects.filter(indicator__in=flows).exclude(every="P1Y")}
    rows = Value.objects.filter(indicator__in=asked).order_by("indicator_id", "period", "-known_at")
    values: dict[int, list[Value]] = {}
    for value in rows.distinct("indicator_id", "period"):
        values.setdefault(value.indicator_id, []).append(value)
    found = {pk: so_far(flows[pk], values.get(pk, ()), row, on) for pk, row in asked.items()}
    return {pk: one for pk, one in found.items() if one is not None}


def by_time(indicator: Indicator, year: SoFar | None, whole: Standing) -> Standing:
    """The light by what came so far, instead of that of the last whole year; the way done stays that of whole years."""
    if year is None:
        return whole
    if year.value is None:
        told = {
            "zh": f"；{year.year} 年缺 {year.missing} 的数，不按序时进度判断",
            "en": f"; {year.missing} is missing, so {year.year} is not judged by time",
        }
        return replace(whole, why={key: text + told[key] for key, text in whole.why.items()})
    found = stand(Aim(year.due, None, is_rising=indicator.is_rising, unit=indicator.unit), year.value, year.until)
    words, unit = _words(found, indicator), f" {indicator.unit}".rstrip()
    now, due, all_ = (f"{round(number, 2):.15g}{unit}" for number in (year.value, year.due, year.whole))
    why = {
        "zh": f"{year.year} 年 1—{year.month} 月 {now}，{words[0]}序时进度 {due}"
        f"（全年应达 {all_}，按月均摊 {year.month}/12）",
        "en": f"{now} by month {year.month} of {year.year} {words[1]} the {due} due by time "
        f"({year.month}/12 of the {all_} of the year)",
    }
    return replace(whole, light=found.light, why=why, expected=year.due)


def _words(found: Standing, indicator: Indicator) -> tuple[str, str]:
    if found.light == "green":
        return ("达到", "reaches") if indicator.is_rising else ("未超过", "does not pass")
    return ("接近", "is near") if found.light == "yellow" else ("落后于", "is behind")
