"""Cases of a flow as a collection: how many fulfil a condition, and which."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from shizhu.engines.cases import flows
from shizhu.engines.cases.models import Case
from shizhu.engines.records import api as records
from shizhu.engines.things.api import Origin
from shizhu.kernel import access
from shizhu.kernel.access import Actor, Predicate
from shizhu.kernel.text import label

TIMES = ("opened_at", "due_at", "closed_at")


def _time(column: str) -> str:
    """A time as the fixed-width UTC text that conditions compare."""
    return f"""to_char(c.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


COLUMNS = {
    **{name: records.Column(_time(name), records.Kind.TIME) for name in TIMES},
    "_simulated": records.Column(f"(c.origin = {Origin.SIMULATED:d})", records.Kind.BOOLEAN),
    "status": records.Column("c.status", records.Kind.TEXT),
    "number": records.Column("c.number", records.Kind.TEXT),
    "title": records.Column("c.title", records.Kind.TEXT),
    "ended_at": records.Column("c.ended_at", records.Kind.TEXT),
    "area": records.Column("(SELECT code FROM kernel_area WHERE id = c.area_id)", records.Kind.TEXT),
}


@dataclass(frozen=True)
class Selection:
    """Which cases: a CQL2 condition ("" for all) and a span (time column, first moment, moment after)."""

    where: str = ""
    span: tuple[str, datetime, datetime] | None = None


@dataclass(frozen=True)
class CaseRow:
    """A case as a line of a list."""

    number: str
    title: str
    text: str
    url: str
    is_simulated: bool


def _predicate(flow: str, county: str, wanted: Selection) -> Predicate:
    sql, params = "c.flow = %s AND c.county_id = %s", (flow, county)
    found = Predicate(sql, params)
    if wanted.where:
        found = found & Predicate(*records.condition(wanted.where, COLUMNS))
    if wanted.span:
        column, start, end = wanted.span
        if column not in TIMES:
            raise ValueError(f"{column}: cases are counted by {', '.join(TIMES)}")
        found = found & Predicate(f"c.{column} >= %s AND c.{column} < %s", (start, end))
    return found


def count(flow: str, county: str, wanted: Selection) -> int:
    """How many cases; for indicators, so no actor is asked. Raises Cql2Error."""
    predicate = _predicate(flow, county, wanted)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM cases_case c WHERE {predicate.sql}", predicate.params)
        return int(cursor.fetchone()[0])


def count_by(flow: str, county: str, wanted: Selection, by: str) -> dict[str, tuple[int, int]]:
    """code → (how many cases, how many of them simulated), by "area" or "organisation". Raises Cql2Error."""
    predicate = _predicate(flow, county, wanted)
    code = {"area": "kernel_area", "organisation": "kernel_organisation"}[by]
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT (SELECT code FROM {code} WHERE id = c.{by}_id), count(*), count(*) FILTER (WHERE c.origin = %s) "
            f"FROM cases_case c WHERE {predicate.sql} GROUP BY 1",
            [int(Origin.SIMULATED), *predicate.params],
        )
        return {found: (number, simulated) for found, number, simulated in cursor.fetchall()}


def select(who: Actor, flow: str, county: str, wanted: Selection, most: int) -> list[CaseRow]:
    """The cases that `who` may see, newest first."""
    predicate = _predicate(flow, county, wanted) & access.visible(who, "cases.case.view", "c")
    query = f"SELECT c.* FROM cases_case c WHERE {predicate.sql} ORDER BY c.opened_at DESC LIMIT %s"
    return [_row(case) for case in Case.objects.raw(query, [*predicate.params, most])]


def _row(case: Any) -> CaseRow:
    _flow, about = flows.version(case.flow, case.digest)
    stage, is_simulated = label(about.stages[case.stage]), case.origin == Origin.SIMULATED
    return CaseRow(case.number, case.title, stage, f"/cases/{case.pk}/", is_simulated)
