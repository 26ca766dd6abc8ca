"""Compute what formulas say of periods and parts of the county, and keep it with its inputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Case, DateField, Func, QuerySet, When
from django.db.models.functions import Length
from django.db.models.sql.compiler import SQLCompiler
from django.utils import timezone

from shizhu.engines.plan import counting
from shizhu.engines.plan.counting import Question
from shizhu.engines.plan.logic.collecting import Calendar, Due, due
from shizhu.engines.plan.logic.forecasting import Forecast, bounds, forecast
from shizhu.engines.plan.logic.progress import Aim, Standing, path, stand
from shizhu.engines.plan.models import Collection, Indicator, Value
from shizhu.engines.plan.periods import COUNTY_ZONE, Period, kind_of, named, order, period_of, periods_before
from shizhu.kernel import packs
from shizhu.kernel.packs import Body
from shizhu.lib import feel

PERIODS_KEPT = 12


@dataclass(frozen=True)
class Found:
    """What a formula says: its value (None for no answer), what its inputs were, and whether invented rows count."""

    value: float | None
    inputs: Mapping[str, float | None]
    is_simulated: bool


def by_part(
    asked: Sequence[Question], county: str, by: str, parts: Mapping[str, Sequence[str]]
) -> list[dict[str, Found]]:
    """What each formula says in its period of each part of the county alone.

    `parts` names the codes of areas or organisations (`by`) of each part. Every table is read in one pass for all that
    count its rows, and every formula once; formulas that others take in come first. Raises Cql2Error, FeelError.
    """
    counted: list[dict[str, dict[str, tuple[float | None, int]]]] = [
        {part: {name: parts_of.of(codes) for name, parts_of in inputs.items()} for part, codes in parts.items()}
        for inputs in counting.tallies(asked, county, by)
    ]
    for (number, name), made_of in _taken_in(asked, county, by, parts).items():
        for part, one in made_of.items():
            counted[number][part][name] = one.value, int(one.is_simulated)
    for (number, name), known in _reported(asked, county, by).items():
        for part in parts:
            counted[number][part][name] = (known.value, int(known.is_simulated)) if known else (None, 0)
    contexts: dict[str, list[tuple[int, str, dict[str, float | None]]]] = {}
    for number, (declared, _period) in enumerate(asked):
        for part, told in counted[number].items():
            context = {name: found for name, (found, _simulated) in told.items()}
            contexts.setdefault(declared["formula"], []).append((number, part, context))
    made: list[dict[str, Found]] = [{} for _question in asked]
    for formula, rows in contexts.items():
        for (number, part, context), value in zip(rows, _values(formula, [row[2] for row in rows]), strict=True):
            is_simulated = any(simulated for _found, simulated in counted[number][part].values())
            made[number][part] = Found(_as_number(value), context, is_simulated)
    return made


def _reported(asked: Sequence[Question], county: str, by: str) -> dict[tuple[int, str], Value | None]:
    """(question, input) → the value of the question's period that was reported for the indicator of the input's key.

    It is of the whole county, so there is none where numbers are told apart.
    """
    wanted = {
        (number, name): (given["of"], period.name)
        for number, (declared, period) in enumerate(asked)
        for name, given in declared["inputs"].items()
        if given["count"] == counting.VALUES
    }
    found = counting.reported(county, wanted.values()) if wanted and not by else {}
    return {place: found.get(one) for place, one in wanted.items()}


def _taken_in(
    asked: Sequence[Question], county: str, by: str, parts: Mapping[str, Sequence[str]]
) -> dict[tuple[int, str], dict[str, Found]]:
    """(question, input) → what the formula says that the input is, in the period of the question."""
    wanted = {
        (number, name): (given["of"], period)
        for number, (declared, period) in enumerate(asked)
        for name, given in declared["inputs"].items()
        if given["count"] == counting.INDICATORS
    }
    if not wanted:
        return {}
    once = list(dict.fromkeys(wanted.values()))
    inner = [(packs.declaration("indicators", formula, county), period) for formula, period in once]
    made = dict(zip(once, by_part(inner, county, by, parts), strict=True))
    return {place: made[formula] for place, formula in wanted.items()}


def _values(formula: str, contexts: Sequence[Mapping[str, float | None]]) -> list[feel.Value]:
    names = {tuple(context) for context in contexts}
    if len(contexts) > 1 and len(names) == 1:
        try:
            return feel.evaluate_each(formula, contexts)
        except feel.FeelError:  # names that are no plain words are read one by one
            pass
    return [feel.evaluate(formula, context) for context in contexts]


def _as_number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def compute(indicators: Sequence[Indicator], county: str, on: date) -> int:
    """Compute the last twelve months up to a day, or the year; a revision is kept only where something changed.

    Returns how many have a formula. Earlier months come too: what was due then may have been settled or corrected
    since; so does the year before until its value is due, for what is told of a year comes after it.
    """
    declared = packs.declarations("indicators", county)
    linked = [row for row in indicators if row.formula in declared]
    asked = [
        (row, declared[row.formula], period) for row in linked for period in _periods(row, declared[row.formula], on)
    ]
    made = by_part([(body, period) for _row, body, period in asked], county, "", {"": [""]})
    rows = Value.objects.filter(indicator__in=linked).order_by("indicator_id", "period", "-known_at", "-pk")
    before = {(row.indicator_id, row.period): row for row in rows.distinct("indicator_id", "period")}
    changed = []
    for (row, _body, period), found in zip(asked, (one[""] for one in made), strict=True):
        old = before.get((row.pk, period.name))
        told = found.value, found.inputs, "formula", found.is_simulated
        if (found.value is None) if old is None else (old.value, old.inputs, old.source, old.is_simulated) == told:
            continue
        changed.append(
            Value(
                indicator=row, period=period.name, value=found.value, source="formula", inputs=dict(found.inputs),
                is_simulated=found.is_simulated,
            )
        )  # fmt: skip
    Value.objects.bulk_create(changed)
    return len(linked)


def _periods(indicator: Indicator, declared: Body, on: date) -> list[Period]:
    found = periods_before(declared["period"], on, PERIODS_KEPT)
    year = period_of("P1Y", date(on.year - 1, 12, 31))
    is_due = on <= year.last + timedelta(days=indicator.due_days)
    return [year, *found] if declared["period"] == "P1Y" and is_due and _is_dated(declared, indicator) else found


def _is_dated(declared: Body, indicator: Indicator) -> bool:
    """Whether every input says what is of a period; rows as they stand now are not those of a year that is over."""
    county = indicator.plan.county_id
    return all(
        _is_dated(packs.declaration("indicators", given["of"], county), indicator)
        if given["count"] == counting.INDICATORS
        else given["count"] in counting.NO_ROWS or "by" in given or "{" in given.get("where", "")
        for given in declared["inputs"].values()
    )


def compute_all(county: str | None = None) -> int:
    """Compute every linked indicator for today; returns how many."""
    linked = Indicator.objects.exclude(formula="").select_related("plan").order_by("plan__county", "pk")
    if county:
        linked = linked.filter(plan__county_id=county)
    counties = groupby(linked, key=lambda row: row.plan.county_id)
    return sum(compute(list(rows), code, timezone.localdate()) for code, rows in counties)


def report_simulated(county: str, key: str, period: str, value: float) -> None:
    """A value of the demo county for an indicator nobody has reported yet."""
    indicator = Indicator.objects.filter(plan__county_id=county, key=key, formula="").first()
    if indicator and not indicator.values.exclude(source="plan").filter(period=period).exists():
        Value.objects.create(indicator=indicator, period=period, value=value, source="reported", is_simulated=True)


def keep_base(indicator: Indicator) -> None:
    """The base is the first known value: it is kept as one, and what was the base before is none any more."""
    base = {} if indicator.base_value is None or indicator.base_year is None else {
        f"{indicator.base_year}": indicator.base_value
    }  # fmt: skip
    rows = indicator.values.filter(source="plan").order_by("period", "-known_at", "-pk").distinct("period")
    was = {one.period: one.value for one in rows if one.value is not None or one.period in base}
    Value.objects.bulk_create(
        Value(indicator=indicator, period=period, value=base.get(period), source="plan")
        for period in {**was, **base}
        if period not in was or was[period] != base.get(period)
    )


def known(rows: QuerySet[Value]) -> QuerySet[Value]:
    """Of each indicator and period what is known now; what has no value any more is not there, nor what was before."""
    newest_ = rows.order_by("indicator_id", "period", "-known_at", "-pk").distinct("indicator_id", "period")
    return Value.objects.filter(pk__in=newest_.values("pk"), value__isnull=False)


def newest(indicators: Sequence[Indicator]) -> Mapping[int, Value]:
    """The value known of the latest day, per indicator; of periods that end together the longest."""
    values = known(Value.objects.filter(indicator__in=indicators))
    latest = values.annotate(on=_On("period", "source", "known_at")).order_by(
        "indicator_id", "-on", Case(When(period__contains="Q", then=5), default=Length("period")), "-known_at"
    )
    return {value.indicator_id: value for value in latest.distinct("indicator_id")}


class _On(Func):
    """`as_of` in SQL, of period, source and known_at."""

    output_field = DateField()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_parts: Any, **_more: Any
    ) -> tuple[str, tuple[str | int, ...]]:  # fmt: skip
        """The text with the three columns in it."""
        period, source, known = (compiler.compile(one)[0] for one in self.source_expressions)
        last = (
            f"(make_date(left({period}, 4)::int, CASE WHEN length({period}) = 4 THEN 12 WHEN {period} LIKE '%%Q%%' "
            f"THEN 3 * right({period}, 1)::int ELSE substr({period}, 6)::int END, 1) + interval '1 month - 1 day')"
        )
        reported = f"CASE WHEN {source} = 'reported' THEN ({known} AT TIME ZONE '{COUNTY_ZONE}')::date END"
        return f"LEAST({last}::date, {reported})", ()


def as_of(value: Value) -> date:
    """The day whose state a value tells: the last of its period, or earlier the one on which it was reported."""
    last = named(value.period).last
    return min(last, timezone.localdate(value.known_at)) if value.source == "reported" else last


def judged(indicator: Indicator, values: Iterable[Value], on: date) -> Value | None:
    """Of values, the newest last, the one that the light is judged by: of a flow only a whole year that is over."""
    for value in reversed([*values]):
        day = as_of(value)
        if not indicator.is_flow or (is_whole(indicator, value) and day <= on):
            return value
    return None


def is_whole(indicator: Indicator, value: Value) -> bool:
    """Whether a value tells the state of a year: of a flow no month does, but the December of a cumulative one."""
    day = as_of(value)
    return not indicator.is_flow or (
        (day.month, day.day) == (12, 31) and (indicator.is_cumulative or kind_of(value.period) == "P1Y")
    )


def judging(indicators: Iterable[Indicator], newest_: Mapping[int, Value], on: date) -> Mapping[int, Value]:
    """The values that lights are judged by, per indicator that has one: its newest, but of a flow its last year's."""
    flows = {one.pk: one for one in indicators if one.is_flow}
    told: dict[int, list[Value]] = {}
    for value in known(Value.objects.filter(indicator__in=flows)).order_by("indicator_id", "period"):
        told.setdefault(value.indicator_id, []).append(value)
    found = {pk: judged(flows[pk], values, on) for pk, values in told.items()}
    return {pk: value for pk, value in {**newest_, **found}.items() if value is not None}


def standing(indicator: Indicator, value: Value | None, on: date) -> Standing:
    """The light of an indicator: by its target, or without one where values are per cent by its yearly growth.

    A value of a period that runs is held against the path up to this day, or to the one on which it was reported.
    """
    aim = aim_of(indicator)
    if aim.target is None and indicator.growth is not None and indicator.unit in {"", "%"}:
        aim = Aim(indicator.growth, indicator.target_year, is_rising=indicator.is_rising, unit="%")
    is_later = value is not None and (value.source != "plan" or value.period != str(indicator.base_year))
    day = min(on, as_of(value)) if value and is_later else on
    return stand(aim, value.value if value and is_later else None, day)


def aim_of(indicator: Indicator) -> Aim:
    """Base, target, kind of path, steps and tolerance of an indicator; totals since the base year begin at 0.

    Where the plan gives only a yearly growth, the target is what grew by it from the base.
    """
    is_total = indicator.is_cumulative and not indicator.is_flow
    begins = 0.0 if is_total and indicator.base_value is None else indicator.base_value
    steps = tuple(sorted((int(year), float(value)) for year, value in indicator.steps.items()))
    target, growth = indicator.target_value, indicator.growth
    first, last = indicator.base_year, indicator.target_year
    grows = target is None and growth is not None and indicator.unit not in {"", "%"}
    if grows and begins and first and last and growth is not None:
        target = begins * (1 + growth / 100) ** (last - first)
    return Aim(
        target, last, begins, first, indicator.is_rising, is_compound=indicator.is_compound or grows, steps=steps,
        tolerance=indicator.tolerance, unit=indicator.unit,
    )  # fmt: skip


def path_of(indicator: Indicator) -> list[tuple[int, float]]:
    """(year, expected at its end) from base to target."""
    return path(aim_of(indicator))


def collected(
    indicator: Indicator, value: Value | None, on: date, collection: Collection | None = None,
    first: Mapping[date, date] | None = None,
) -> Due | None:  # fmt: skip
    """Whether the value of the last ended period is there, due or late; None for a formula or outside the plan.

    The period is that of the collection where somebody was asked to report, else the year. `first` says when it was
    given (see `first_given`); without it that is when the value, the newest one, was known.
    """
    if collection is not None:
        last = period_of(collection.every, period_of(collection.every, on).first - timedelta(days=1)).last
        rule, is_asked = Calendar(collection.due_days, collection.remind_days), last >= collection.since
    else:
        begins, ends = indicator.base_year, indicator.target_year
        last, rule = date(on.year - 1, 12, 31), Calendar(indicator.due_days)
        is_asked = not indicator.formula and begins is not None and ends is not None and begins < last.year <= ends
    if not is_asked:
        return None
    is_there = value is not None and value.source != "plan" and as_of(value) >= last
    given = timezone.localdate(value.known_at) if value is not None and is_there else None
    return due(last, rule, on, given and (first or {}).get(last, given))


def first_given(indicator: Indicator) -> dict[date, date]:
    """The last day of each period that has a value → the day on which the first one came, whatever came after."""
    rows = indicator.values.filter(value__isnull=False).exclude(source="plan")
    first: dict[date, date] = {}
    for name, at in rows.order_by("known_at").values_list("period", "known_at"):
        first.setdefault(named(name).last, timezone.localdate(at))
    return first


def outlook(indicator: Indicator, on: date | None = None, values: Iterable[Value] | None = None) -> Forecast | None:
    """What the target year will bring if the years over by a day (today) go on; None with fewer than three."""
    if not indicator.target_year:
        return None
    if values is None:
        values = indicator.values.order_by("period", "-known_at").distinct("period")
    years = years_over((one for one in values if is_whole(indicator, one)), on or timezone.localdate())
    points = [(year, one.value) for year, one in sorted(years.items()) if one.value is not None]
    told = [one for one in (indicator.base_value, indicator.target_value) if one is not None]
    least, most = bounds(indicator.name, indicator.unit, [*told, *(value for _year, value in points)])
    if indicator.is_cumulative and not indicator.is_flow and points:
        least = max(least, points[-1][1])  # what was added up does not become less
    return forecast(points, indicator.target_year, (least, most))


def years_over(values: Iterable[Value], day: date) -> dict[int, Value]:
    """Of each year that was over by a day what its last period had, a month as well as a year.

    Of periods that end together the longest counts; one without a value does not.
    """
    years = dict[int, Value]()
    for value in sorted(values, key=lambda one: order(one.period)):
        last = as_of(value)
        if value.value is not None and last <= day and (last.month, last.day) == (12, 31):
            years[last.year] = value
    return years


def context_of(indicator: Indicator) -> dict[str, Any]:
    """The declared formula of an indicator, empty if it has none."""
    return packs.declared("indicators", indicator.formula, indicator.plan.county_id)
