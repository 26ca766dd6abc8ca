"""Cases that a time opens: each timer start event of a flow as declared now is a row with its next time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone

from shizhu.engines.cases import actions, flows
from shizhu.engines.cases.logic import Flow, FlowError, next_time, parse
from shizhu.engines.cases.models import TimerStart
from shizhu.kernel import packs
from shizhu.kernel.models import Area, County, Organisation

logger = logging.getLogger(__name__)
TIMER = "timerEventDefinition"
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
        if row is None or row.said != said:
            spec = _begun(flow, event, county, at)
            values = {"said": said, "spec": spec, "due_at": _due(spec)}
            TimerStart.objects.update_or_create(county_id=county, flow=flow.key, event=event, defaults=values)
    TimerStart.objects.filter(pk__in=[row.pk for row in known.values()]).delete()


def _begun(flow: Flow, event: str, county: str, at: datetime) -> dict[str, Any] | None:
    """The first time of a timer that is not over yet."""
    kit = flows.kit_now(flow, county, at)
    try:
        spec = next_time(flow, event, None, kit)
        while spec and (_due(spec) or at) < at:
            spec = next_time(flow, event, spec, kit)
    except FlowError as error:
        logger.warning("%s: %s: no time opens a case of it", flow.key, error)
        return None
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
            row.save(update_fields=["spec", "due_at"])
            title = f"{about.title['zh']} {timezone.localtime(due):%Y-%m-%d %H:%M}"
            area = Area.objects.get(county=row.county_id, code=row.county_id)
            told = {"due": due.isoformat()}
            actions.open_case(actions.Opening(row.flow, title, area, told, begin=row.event, due=due))
    except (FlowError, Organisation.DoesNotExist, KeyError, DatabaseError) as error:
        logger.warning("the case of timer %s was not opened and is tried again: %s", number, error)
        return False
    return True


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
