"""Compute what a formula says of a period, keep it with its inputs, and find the rows behind a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from django.utils import timezone

from shizhu.engines.cases import api as cases
from shizhu.engines.plan.logic.collecting import Calendar, Due, due
from shizhu.engines.plan.logic.forecasting import Forecast, forecast
from shizhu.engines.plan.logic.progress import Aim, Standing, path, stand
from shizhu.engines.plan.models import Collection, Indicator, Value
from shizhu.engines.plan.periods import Period, named, period_of, periods_before
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.packs import Body
from shizhu.lib import feel

ROWS_SHOWN = 500
PERIODS_KEPT = 12


@dataclass(frozen=True)
class Row:
    """One row behind a number."""

    title: str
    text: str
    url: str
    is_simulated: bool = False


def _where(given: Body, period: Period) -> str:
    """The condition with the period's days in it."""
    days = {"start": f"DATE('{period.first}')", "end": f"DATE('{period.last}')"}
    return str(given.get("where", "")).format(**days)


def count(given: Body, county: str, period: Period) -> int:
    """How many rows an input has in a period."""
    if given["count"] == "cases":
        return cases.count(given["of"], county, _selection(given, period))
    return records.count(given["of"], _where(given, period), county)


def _counts_simulated(given: Body, county: str, period: Period) -> bool:
    """Whether invented rows are among those that an input counts: then the number is invented too."""
    where = f"({given['where']}) AND _simulated = TRUE" if given.get("where") else "_simulated = TRUE"
    return count({**given, "where": where}, county, period) > 0


def _selection(given: Body, period: Period) -> cases.Selection:
    span = (given["by"], period.begins, period.ends) if "by" in given else None
    return cases.Selection(_where(given, period), span)


def rows(given: Body, who: Actor, county: str, period: Period) -> Sequence[Row]:
    """The rows behind an input that `who` may see."""
    if given["count"] == "cases":
        found = cases.select(who, given["of"], county, _selection(given, period), ROWS_SHOWN)
        return [Row(f"{case.number} {case.title}", case.text, case.url, case.is_simulated) for case in found]
    wanted = records.Query(where=_where(given, period) or None, limit=ROWS_SHOWN)
    page = records.query(who, county, given["of"], wanted)
    return [
        Row(entry.title, entry.key, f"/records/{given['of']}/key/{quote(entry.key)}", entry.is_simulated)
        for entry in page.entries
    ]


def compute(indicator: Indicator, on: date) -> bool:
    """Compute the last twelve periods up to a day; a revision is kept only where something changed.

    False without a formula. Earlier periods come too: what was due then may have been settled or corrected since.
    """
    try:
        declared = packs.declaration("indicators", indicator.formula, indicator.plan.county_id)
    except KeyError:
        return False
    for period in periods_before(declared["period"], on, PERIODS_KEPT):
        _compute(indicator, declared, period)
    return True


def _compute(indicator: Indicator, declared: Body, period: Period) -> None:
    county = indicator.plan.county_id
    inputs = {name: count(given, county, period) for name, given in declared["inputs"].items()}
    number = _number(declared, inputs)
    newest = indicator.values.filter(period=period.name).order_by("-known_at").first()
    if newest is None and number is None:
        return
    is_simulated = _any_simulated(declared["inputs"], inputs, county, period)
    found = number, inputs, "formula", is_simulated
    if newest is None or (newest.value, newest.inputs, newest.source, newest.is_simulated) != found:
        Value.objects.create(
            indicator=indicator, period=period.name, value=number, source="formula", inputs=inputs,
            is_simulated=is_simulated,
        )  # fmt: skip


def _number(declared: Body, inputs: Mapping[str, int]) -> float | None:
    return _as_number(feel.evaluate(declared["formula"], inputs))


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def by_part(
    declared: Body, county: str, period: Period, by: str, parts: Mapping[str, Sequence[str]]
) -> dict[str, tuple[float | None, bool]]:
    """What a formula says of each part of the county alone, and whether invented rows count in it.

    `parts` names the codes of areas or organisations (`by`) of each. One question an input; the formula is read once.
    """
    counted = {name: _count_by(given, county, period, by) for name, given in declared["inputs"].items()}
    contexts, simulated = [], []
    for codes in parts.values():
        sums = {
            name: [
                sum(column) for column in zip((0, 0), *(found[code] for code in codes if code in found), strict=True)
            ]
            for name, found in counted.items()
        }
        contexts.append({name: number for name, (number, _invented) in sums.items()})
        simulated.append(any(invented for _number, invented in sums.values()))
    try:
        values = feel.evaluate_each(declared["formula"], contexts)
    except feel.FeelError:  # names that are no plain words are read one by one
        values = [feel.evaluate(declared["formula"], context) for context in contexts]
    return dict(zip(parts, zip(map(_as_number, values), simulated, strict=True), strict=True))


def _count_by(given: Body, county: str, period: Period, by: str) -> Mapping[str, tuple[int, int]]:
    if given["count"] == "cases":
        return cases.count_by(given["of"], county, _selection(given, period), by)
    return records.count_by(given["of"], _where(given, period), county, by)


def _any_simulated(given: Mapping[str, Body], inputs: Mapping[str, int], county: str, period: Period) -> bool:
    return any(number and _counts_simulated(given[name], county, period) for name, number in inputs.items())


def compute_all(county: str | None = None) -> int:
    """Compute every linked indicator for today; returns how many."""
    linked = Indicator.objects.exclude(formula="").select_related("plan")
    if county:
        linked = linked.filter(plan__county_id=county)
    return sum(compute(indicator, timezone.localdate()) for indicator in linked)


def report_simulated(county: str, key: str, period: str, value: float) -> None:
    """A value of the demo county for an indicator nobody has reported yet."""
    indicator = Indicator.objects.filter(plan__county_id=county, key=key, formula="").first()
    if indicator and not indicator.values.exclude(source="plan").filter(period=period).exists():
        Value.objects.create(indicator=indicator, period=period, value=value, source="reported", is_simulated=True)


def newest(indicators: Sequence[Indicator]) -> Mapping[int, Value]:
    """The newest known value of the newest period that has one, per indicator."""
    values = Value.objects.filter(indicator__in=indicators, value__isnull=False)
    found = values.order_by("indicator_id", "-period", "-known_at").distinct("indicator_id")
    return {value.indicator_id: value for value in found}


def standing(indicator: Indicator, value: Value | None, on: date) -> Standing:
    """The light of an indicator: a target value, or the yearly growth where the plan gives only that."""
    target, year = indicator.target_value, indicator.target_year
    if target is None and indicator.growth is not None:
        aim = Aim(indicator.growth, year, is_rising=indicator.is_rising)
    else:
        aim = aim_of(indicator)
    is_later = value is not None and (value.source != "plan" or value.period != str(indicator.base_year))
    day = min(on, named(value.period).last) if value and is_later else on
    return stand(aim, value.value if value and is_later else None, day)


def aim_of(indicator: Indicator) -> Aim:
    """Base, target, steps and tolerance of an indicator."""
    steps = tuple(sorted((int(year), float(value)) for year, value in indicator.steps.items()))
    return Aim(
        indicator.target_value, indicator.target_year, indicator.base_value, indicator.base_year, indicator.is_rising,
        steps=steps, tolerance=indicator.tolerance,
    )  # fmt: skip


def path_of(indicator: Indicator) -> list[tuple[int, float]]:
    """(year, expected at its end) from base to target."""
    return path(aim_of(indicator))


def collected(
    indicator: Indicator, value: Value | None, on: date, collection: Collection | None = None
) -> Due | None:  # fmt: skip
    """Whether the value of the last ended period is there, due or late; None for a formula or outside the plan.

    The period is that of the collection where somebody was asked to report, else the year.
    """
    if collection is not None:
        period = period_of(collection.every, period_of(collection.every, on).first - timedelta(days=1))
        is_there = value is not None and value.source != "plan" and named(value.period).last >= period.last
        known = timezone.localdate(value.known_at) if value is not None and is_there else None
        rule = Calendar(collection.due_days, collection.remind_days)
        return due(period.last, rule, on, known) if period.last >= collection.since else None
    year = on.year - 1
    first, last = indicator.base_year, indicator.target_year
    if indicator.formula or first is None or last is None or not first < year <= last:
        return None
    is_there = value is not None and value.source != "plan" and value.period[:4] >= str(year)
    given = timezone.localdate(value.known_at) if value is not None and is_there else None
    return due(date(year, 12, 31), Calendar(indicator.due_days), on, given)


def outlook(indicator: Indicator) -> Forecast | None:
    """What the target year will bring if the known years go on; None with fewer than three of them."""
    known = indicator.values.filter(value__isnull=False, period__regex=r"^\d{4}$").order_by("period", "-known_at")
    points = [(int(value.period), value.value) for value in known.distinct("period") if value.value is not None]
    return forecast(points, indicator.target_year) if indicator.target_year else None


def context_of(indicator: Indicator) -> dict[str, Any]:
    """The declared formula of an indicator, empty if it has none."""
    return packs.declared("indicators", indicator.formula, indicator.plan.county_id)
