"""How fast approvals are (并联审批率): side by side against one after the other, by what really happened."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings

from shizhu.engines.cases import approvals, flows
from shizhu.engines.cases.models import Case, Pace, ResultDelivery, Task
from shizhu.lib import worktime


def keep(case: Case) -> None:
    """Keep how fast a case was that closes properly, where it is an approval."""
    ids = {item.id for item in approvals.items_of(case)} if case.outcome == "done" else ()
    if not ids or case.closed_at is None:
        return
    rows = Task.objects.filter(case=case, step__in=ids, status=Task.Status.DONE).order_by("created", "pk")
    Pace.objects.update_or_create(case=case, defaults=reckoned(
        [(one.created, one.done_at or one.created) for one in rows], (case.opened_at, case.closed_at),
        flows.hours_of(case.county_id),
    ))  # fmt: skip


def reckoned(
    spans: list[tuple[datetime, datetime]], whole: tuple[datetime, datetime], hours: worktime.Hours
) -> dict[str, Any]:
    """Items, those that ran while another did (for any working time), their days one by one, and of the whole.

    Time in which a clock stood for supplements counts on both sides: the applicant waits for it either way.
    """
    nothing = worktime.worked(whole[0], whole[0], hours)

    def overlap(one: tuple[datetime, datetime], two: tuple[datetime, datetime]) -> bool:
        begin, end = max(one[0], two[0]), min(one[1], two[1])
        return begin < end and worktime.worked(begin, end, hours) > nothing

    together = sum(
        any(overlap(one, two) for other, two in enumerate(spans) if other != number) for number, one in enumerate(spans)
    )
    return {
        "items": len(spans), "together": together,
        "serial": sum(approvals.days(worktime.worked(*one, hours), hours) for one in spans),
        "elapsed": approvals.days(worktime.worked(*whole, hours), hours),
    }  # fmt: skip


def columns(table: str, now: str, is_open: str) -> dict[str, str]:
    """SQL of what is known of a closed approval; null of one that is open, and of what is no approval.

    The applicant comes once to apply, once for each day on which supplements were brought, and once to fetch the set.
    """

    def closed(sql: str) -> str:
        return f"(CASE WHEN {is_open} THEN NULL ELSE (SELECT {sql} FROM cases_pace p WHERE p.case_id = {table}.id) END)"

    entries = f"FROM cases_entry e WHERE e.case_id = {table}.id AND e.at < {now} AND e.kind"
    day = f"(e.at AT TIME ZONE '{settings.TIME_ZONE}')::date"
    fetched = (
        f"(SELECT count(*) FROM cases_resultdelivery d WHERE d.case_id = {table}.id AND d.at < {now} "
        f"AND d.how = '{ResultDelivery.How.WINDOW}')"
    )
    return {
        "items": closed("p.items::numeric"), "together": closed("p.together::numeric"),
        "is_parallel": closed("p.together > 0"), "serial_days": closed("p.serial::numeric"),
        "elapsed_days": closed("p.elapsed::numeric"), "saved_days": closed("(p.serial - p.elapsed)::numeric"),
        "supplements": closed(f"(SELECT count(*) {entries} = 'supplement')::numeric"),
        "visits": closed(f"(1 + (SELECT count(DISTINCT {day}) {entries} = 'supplied') + {fetched})::numeric"),
    }  # fmt: skip
