"""What inputs of formulas say: how many rows, put together for many inputs and periods at once, and the rows behind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone

from shizhu.engines.cases import api as cases
from shizhu.engines.plan import supervised
from shizhu.engines.plan.periods import Period
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.datasets import Asked
from shizhu.kernel.packs import Body

ROWS_SHOWN = 500
BESIDE = {"cases": "number", "records": "_key", "nodes": "due_on"}  # what is said of a row beside its name
Question = tuple[Body, Period]  # a declared indicator, and of when


@dataclass(frozen=True)
class Row:
    """One row behind a number."""

    title: str
    text: str
    url: str
    is_simulated: bool = False


def subject(given: Body, county: str) -> records.Subject:
    """The rows that an input counts. Raises ValueError for what nobody declares."""
    if given["count"] == "cases":
        return cases.subject(county, given["of"], timezone.now())
    if given["count"] == "nodes":
        return supervised.subject(county, timezone.now())
    return records.subject_of(given["of"], county)


def where(given: Body, period: Period) -> str:
    """The condition in CQL2 with the period's days in it, and with the time that puts a row into the period."""
    days = {"start": f"DATE('{period.first}')", "end": f"DATE('{period.last}')"}
    told = str(given.get("where", "")).format(**days)
    if "by" not in given:
        return told
    begins, ends = (f"TIMESTAMP('{moment:%Y-%m-%dT%H:%M:%SZ}')" for moment in (period.begins, period.ends))
    span = f"{given['by']} >= {begins} AND {given['by']} < {ends}"
    return f"({told}) AND {span}" if told else span


def tallies(asked: Sequence[Question], county: str, by: str = "") -> list[dict[str, records.Tally]]:
    """For each question: input → code → (how many rows, how many of them simulated), in one pass over each table."""
    sources: dict[tuple[str, str], tuple[Body, dict[str, records.Tally]]] = {}
    for declared, period in asked:
        for given in declared["inputs"].values():
            _given, wheres = sources.setdefault(_source(given), (given, {}))
            wheres[where(given, period)] = {}
    for given, wheres in sources.values():
        wheres.update(zip(wheres, records.tally(subject(given, county), list(wheres), by), strict=True))
    return [
        {name: sources[_source(given)][1][where(given, period)] for name, given in declared["inputs"].items()}
        for declared, period in asked
    ]


def _source(given: Body) -> tuple[str, str]:
    return given["count"], given.get("of", "")


def count(given: Body, county: str, period: Period) -> int:
    """How many rows an input has in a period. Raises Cql2Error."""
    [found] = records.tally(subject(given, county), [where(given, period)])
    return found.get("", (0, 0))[0]


def together(found: records.Tally, codes: Iterable[str]) -> tuple[int, int]:
    """How many rows, and how many simulated, the codes have together."""
    told = [found[code] for code in codes if code in found]
    return sum(number for number, _simulated in told), sum(simulated for _number, simulated in told)


def rows(given: Body, who: Actor, county: str, period: Period) -> list[Row]:
    """The rows behind an input that `who` may see, newest first."""
    body = {"where": where(given, period), "rows": [BESIDE[given["count"]]], "top": ROWS_SHOWN}
    result = records.tabulate(subject(given, county), Asked(body, who, county, timezone.now()))
    return [Row(str(row.cells[0]), str(row.cells[1] or ""), row.href, row.is_simulated) for row in result.rows]
