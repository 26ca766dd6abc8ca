"""What inputs of formulas say, put together for many inputs and periods at once, and the rows behind them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.utils import timezone

from shizhu.engines.cases import api as cases
from shizhu.engines.plan import supervised
from shizhu.engines.plan.models import Value
from shizhu.engines.plan.periods import Period, kind_of, period_of
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.datasets import Asked
from shizhu.kernel.packs import Body

ROWS_SHOWN = 500
READINGS, INDICATORS, VALUES = "readings", "indicators", "values"
NO_ROWS = {READINGS, INDICATORS, VALUES}  # inputs that count no rows
BESIDE = {"cases": "number", "records": "_key", "nodes": "due_on"}  # what is said of a row beside its name
Question = tuple[Body, Period]  # a declared indicator, and of when


@dataclass(frozen=True)
class Row:
    """One row behind a number."""

    title: str
    text: str
    url: str
    is_simulated: bool = False


@dataclass(frozen=True)
class Parts:
    """An input apart by code: rows counted, or readings with the measure that is asked of them."""

    found: Mapping[str, Any]
    measure: str = ""

    def of(self, codes: Iterable[str]) -> tuple[float | None, int]:
        """What the codes have together, and how much of it is simulated; None for readings that are not there."""
        told = [self.found[code] for code in codes if code in self.found]
        if self.measure:
            whole = sum(told, things.Rolled())
            return whole.value(self.measure), whole.simulated
        return sum(number for number, _simulated in told), sum(simulated for _number, simulated in told)


def subject(given: Body, county: str) -> records.Subject:
    """The rows that an input counts. Raises ValueError for what nobody declares."""
    if given["count"] == "cases":
        return cases.subject(county, given["of"], timezone.now())
    if given["count"] == "nodes":
        return supervised.subject(county, timezone.now())
    return records.subject_of(given["of"], county)


def where(given: Body, period: Period) -> str:
    """The condition in CQL2 with the period's days in it, and with the time that puts a row into the period."""
    earlier = period_of(kind_of(period.name), period.first - timedelta(days=1)).first
    today = min(period.last, timezone.localdate())
    days = {"earlier": earlier, "start": period.first, "end": period.last, "today": today}
    told = str(given.get("where", "")).format(
        year=period.first.year, **{name: f"DATE('{day}')" for name, day in days.items()}
    )
    if "by" not in given:
        return told
    begins, ends = (f"TIMESTAMP('{moment:%Y-%m-%dT%H:%M:%SZ}')" for moment in (period.begins, period.ends))
    span = f"{given['by']} >= {begins} AND {given['by']} < {ends}"
    return f"({told}) AND {span}" if told else span


def tallies(asked: Sequence[Question], county: str, by: str = "") -> list[dict[str, Parts]]:
    """For each question what its inputs say, apart by area or organisation; each table of rows is read in one pass.

    Inputs that are other formulas or reported values are left out.
    """
    sources: dict[tuple[str, str], tuple[Body, dict[str, records.Tally]]] = {}
    for declared, period in asked:
        for given in declared["inputs"].values():
            if given["count"] not in NO_ROWS:
                _given, wheres = sources.setdefault(_source(given), (given, {}))
                wheres[where(given, period)] = {}
    for given, wheres in sources.values():
        wheres.update(zip(wheres, records.tally(subject(given, county), list(wheres), by), strict=True))
    rolled: dict[tuple[str, str, Period], Mapping[str, things.Rolled]] = {}

    def parts(given: Body, period: Period) -> Parts:
        if given["count"] != READINGS:
            return Parts(sources[_source(given)][1][where(given, period)])
        key = given["of"], given["property"], period
        if key not in rolled:
            rolled[key] = things.rolled(county, *key[:2], period.begins, period.ends, by)
        return Parts(rolled[key], given["measure"])

    return [
        {
            name: parts(given, period)
            for name, given in declared["inputs"].items()
            if given["count"] not in {INDICATORS, VALUES}
        }
        for declared, period in asked
    ]


def _source(given: Body) -> tuple[str, str]:
    return given["count"], given.get("of", "")


def count(given: Body, county: str, period: Period, more: str = "") -> int:
    """How many rows an input has in a period; with `more` those that fulfil that too. Raises Cql2Error."""
    [found] = records.tally(subject(given, county), [_both(where(given, period), more)])
    return found.get("", (0, 0))[0]


def _both(one: str, other: str) -> str:
    return " AND ".join(f"({part})" for part in (one, other) if part)


def behind(declared: Body, county: str, name: str) -> tuple[Body, list[tuple[str, Body]]]:
    """The input of a name, and of one that is another formula its inputs, named `outer.inner`. Raises KeyError."""
    given, inputs = declared, declared.get("inputs", {})
    for part in name.split("."):
        given = inputs[part]
        is_formula = given["count"] == INDICATORS
        inputs = packs.declaration("indicators", given["of"], county)["inputs"] if is_formula else {}
    return given, [(f"{name}.{part}", one) for part, one in inputs.items()]


def reported(county: str, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Value]:
    """(key of an indicator, period) → the newest value that was reported or printed; computed ones are no such."""
    asked = set(wanted)
    rows = Value.objects.filter(
        indicator__plan__county_id=county, indicator__key__in={key for key, _period in asked},
        period__in={period for _key, period in asked}, source__in=["reported", "plan"],
    ).select_related("indicator")  # fmt: skip
    newest = rows.order_by("indicator__key", "period", "indicator__plan_id", "-known_at", "-pk")
    return {(one.indicator.key, one.period): one for one in newest.distinct("indicator__key", "period")}


def stations(given: Body) -> str:
    """The list of the devices whose readings an input takes."""
    condition = f"profile = '{given['of']}'"
    return f"/things/?{urlencode({'filter': condition})}"


def rows(given: Body, who: Actor, county: str, period: Period, more: str = "") -> list[Row]:
    """The rows behind an input that `who` may see, newest first; with `more` those that fulfil that too."""
    body = {"where": _both(where(given, period), more), "rows": [BESIDE[given["count"]]], "top": ROWS_SHOWN}
    result = records.tabulate(subject(given, county), Asked(body, who, county, timezone.now()))
    return [Row(str(row.cells[0]), str(row.cells[1] or ""), row.href, row.is_simulated) for row in result.rows]
