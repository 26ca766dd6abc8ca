"""Cases that a time opens: each timer start event of a flow as declared now is a row with its next time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from shizhu.engines.cases import actions, flows, unopened
from shizhu.engines.cases.logic import Flow, FlowError, next_time, parse
from shizhu.engines.cases.models import TimerStart
from shizhu.kernel import packs
from shizhu.kernel.models import Area, County

logger = logging.getLogger(__name__)
TIMER = "timerEventDefinition"
SOUND: dict[str, Any] = {"failed_at": None, "fault": ""}
MOST = 10_000  # times that may lie behind us; what has more begins anew


def every_minute(now: datetime | None = None) -> int:
    """Bring the rows to what is declared, and open the cases whose time has come. Returns how many.

    A time that nobody opened a case for, as nothing ran, is made up for once: of several that were missed the last.
    """
    at = now or timezone.now()
    for county in County.objects.values_list("pk", flat=True):
        _keep(county, at)
    due = TimerStart.objects.filter(due_at__lte=at).values_list("pk", flat=True)
    return sum(_opened(number, at) for number in list(due))


def _declared(county: str) -> Iterator[tuple[Flow, str, str]]:
    """(flow, start event, timer) of every timer that begins a flow of the county."""
    for key, body in packs.declarations("flows", county).items():
        if TIMER not in body["text"]:
            continue
        try:
            flow = parse(body["text"].encode(), key=key)
        except FlowError as error:
            logger.warning("%s: %s: no time opens a case of it", key, error)
            continue
        for node in flow.scope.starts():
            if node.event and node.event.kind == "timer":
                yield flow, node.step.id, f"{node.event.timer} {node.event.expression} {node.step.clock}"


def _keep(county: str, at: datetime) -> None:
    """A row for each timer: what is new or says something else begins now, what is declared no more ends."""
    known = {(row.flow, row.event): row for row in TimerStart.objects.filter(county=county)}
    for flow, event, said in _declared(county):
        row = known.pop((flow.key, event), None)
        if row is None or row.said != said or (row.due_at is None and row.failed_at):
            _begin(flow, event, said, county, at)
    TimerStart.objects.filter(pk__in=[row.pk for row in known.values()]).delete()


def _begin(flow: Flow, event: str, said: str, county: str, at: datetime) -> None:
    """Keep the first time of a timer that is not over yet; why, where it cannot be worked out."""
    try:
        spec, fault = _begun(flow, event, county, at), ""
    except (FlowError, KeyError) as error:
        spec, fault = None, unopened.why(error)
    values = {"said": said, "spec": spec, "due_at": _due(spec)} | ({} if fault else SOUND)
    row, _is_new = TimerStart.objects.update_or_create(county_id=county, flow=flow.key, event=event, defaults=values)
    if fault:
        _failed(row.pk, fault, at, due_at=None)


def _begun(flow: Flow, event: str, county: str, at: datetime) -> dict[str, Any] | None:
    """The first time of a timer that is not over yet; None where all are. Raises FlowError, KeyError."""
    kit = flows.kit_now(flow, county, at)
    spec = next_time(flow, event, None, kit)
    while spec and (_due(spec) or at) < at:
        spec = next_time(flow, event, spec, kit)
    return spec


def _due(spec: dict[str, Any] | None) -> datetime | None:
    return datetime.fromisoformat(spec["due"]) if spec else None


def _opened(number: int, at: datetime) -> bool:
    """Open the case of a row, with which its next time is kept; a row that fails is tried again a minute later."""
    try:
        with transaction.atomic():
            row = TimerStart.objects.select_for_update(skip_locked=True).filter(pk=number, due_at__lte=at).first()
            if row is None:
                return False
            flow, about = flows.current(row.flow, row.county_id)
            due, row.spec = _passed(row, flow, at)
            row.due_at = _due(row.spec)
            title = f"{about.title['zh']} {timezone.localtime(due):%Y-%m-%d %H:%M}"
            area = Area.objects.get(county=row.county_id, code=row.county_id)
            told = {"due": due.isoformat()}
            row.last_case = actions.open_case(actions.Opening(row.flow, title, area, told, begin=row.event, due=due))
            row.last_at, row.failed_at, row.fault = due, None, ""
            row.save()
    except (*unopened.FAULTS, DatabaseError) as error:
        _failed(number, unopened.why(error), at, due_at__lte=at)
        return False
    return True


@transaction.atomic
def _failed(number: int, fault: str, at: datetime, **still: Any) -> None:
    """Keep why a row opens no case, where it is `still` so; whose it is hears of it once, until a case is opened."""
    row = TimerStart.objects.select_for_update().filter(pk=number, **still).first()
    if row is None:
        return
    logger.warning("%s %s: no case was opened, it is tried again: %s", row.flow, row.event, fault)
    is_first, row.fault = row.failed_at is None, fault
    row.failed_at = row.failed_at or at
    row.save(update_fields=["failed_at", "fault"])
    if is_first:
        unopened.not_begun(row)


def _passed(row: TimerStart, flow: Flow, at: datetime) -> tuple[datetime, dict[str, Any] | None]:
    """The last time of a row that is over, and the one after it."""
    kit, spec = flows.kit_now(flow, row.county_id, at), row.spec
    due = row.due_at or at
    for _missed in range(MOST):
        spec = next_time(flow, row.event, spec, kit)
        then = _due(spec)
        if then is None or then > at:
            return due, spec
        due = then
    return due, next_time(flow, row.event, None, kit)
