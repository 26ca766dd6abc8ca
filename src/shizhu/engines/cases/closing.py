"""How a case ends: the last line of its timeline, alarms cleared, who hears. Its own row is the caller's."""

from __future__ import annotations

from datetime import datetime

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import stock, unopened
from shizhu.engines.cases.flows import About
from shizhu.engines.cases.models import DRILL, Case, Entry
from shizhu.kernel import events

CLOSED = "cases.case.closed"


def close(
    case: Case, about: About, now: datetime, *, error: str | None = None, void: str = "", who: int | None = None
) -> Entry:
    """What an end brings with it. One by an error has done nothing about the alarms, nor has one that is void: these
    stay open. `void` is the reason where a person voided it.
    """
    told = {**({} if error is None else {"error": error}), **({"void": void} if case.is_void else {})}
    entry = Entry.objects.create(case=case, at=now, kind="closed", step=case.ended_at, person_id=who, data=told)
    if error is not None:
        unopened.broken_off(case, entry)
    if case.origin == DRILL:
        stock.give_back(case)
    joined = Entry.objects.filter(case=case, kind="joined").values_list("data__alarm", flat=True)
    for alarm in filter(None, () if case.is_void or error is not None else (case.alarm, *joined)):
        if alarms.clear(alarm, person=None, why=f"{about.title['zh']} {case.number}"):
            Entry.objects.create(case=case, at=now, kind="cleared", data={"alarm": alarm})
    events.emit(
        CLOSED, case.pk, case.county_id,
        {"case": case.pk, "number": case.number, "flow": case.flow, "in_time": case.in_time},
    )  # fmt: skip
    return entry
