"""The door of the alarms engine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms import acting
from shizhu.engines.alarms.bindings import bind_all
from shizhu.engines.alarms.deadlines import deadlines
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.logic.examples import problem as example_problem
from shizhu.engines.alarms.logic.moments import time_of
from shizhu.engines.alarms.models import Alarm, Occurrence, PublicWarning
from shizhu.engines.alarms.raising import CHANGED, CLEARED, RAISED
from shizhu.engines.alarms.trying import attempt as try_rule
from shizhu.engines.alarms.warnings.moving import OverNow
from shizhu.engines.alarms.warnings.moving import mine as doors
from shizhu.engines.alarms.warnings.moving import tell as tell_door
from shizhu.kernel import access, packs
from shizhu.kernel.access import Actor

__all__ = [
    "CHANGED",
    "CLEARED",
    "LEVELS",
    "RAISED",
    "WARNED",
    "AlarmInfo",
    "OverNow",
    "Step",
    "WarningInfo",
    "alarms",
    "bind_all",
    "clear",
    "deadlines",
    "doors",
    "example_problem",
    "get",
    "steps",
    "tell_door",
    "told",
    "try_rule",
    "warning",
    "warnings_in_force",
]


WARNED = "alarms.warning.issued"
SAME = (
    "rule", "source", "datastream", "level", "since", "raised_at", "detected_at", "value", "limit", "origin",
    "occurrences", "recovered_at", "cleared_at", "cleared_why", "is_withdrawn",
)  # fmt: skip


@dataclass(frozen=True)
class AlarmInfo:
    """An alarm. `title` and `advice` are {zh, en}; times are event times but `detected_at`; level, value and limit are
    those that hold now, or held last."""

    id: int
    county: str
    organisation: int
    area: int
    rule: str
    title: dict[str, str]
    advice: dict[str, str]
    source: str
    datastream: int
    level: str
    is_open: bool
    since: datetime
    raised_at: datetime
    detected_at: datetime
    value: float | None
    limit: str
    origin: int
    occurrences: int
    recovered_at: datetime | None
    cleared_at: datetime | None
    cleared_why: str
    is_withdrawn: bool


def _info(alarm: Alarm) -> AlarmInfo:
    try:
        rule = packs.declaration("rules", alarm.rule, alarm.county_id)
    except KeyError:  # the rule is gone, its alarms stay
        gone = packs.withdrawn("rules", alarm.county_id)
        rule = gone.get(alarm.rule, {"title": {"zh": alarm.rule, "en": alarm.rule}})
    return AlarmInfo(
        id=alarm.pk,
        county=alarm.county_id,
        organisation=alarm.organisation_id,
        area=alarm.area_id,
        title=rule["title"],
        advice=rule.get("advice", {}),
        is_open=alarm.state == Alarm.State.OPEN,
        **{name: getattr(alarm, name) for name in SAME},
    )


def get(alarm: int) -> AlarmInfo:
    """One alarm; Alarm.DoesNotExist is raised as LookupError."""
    found = Alarm.objects.filter(pk=alarm).first()
    if found is None:
        raise LookupError(f"alarm {alarm}: there is none of that number")
    return _info(found)


@dataclass(frozen=True)
class Step:
    """A level that an alarm has or had: since when, with which value of which datastream, beyond which limit."""

    at: datetime
    level: str
    value: float | None
    limit: str
    datastream: int


def steps(alarm: int) -> list[Step]:
    """What an alarm has been from its raising on; the last holds now."""
    rows = Occurrence.objects.filter(alarm=alarm, is_withdrawn=False).order_by("raised_at")
    return [Step(time_of(at), *said) for row in rows for at, *said in row.levels]


def seen(who: Actor, county: str, alarm: int) -> AlarmInfo | None:
    """One alarm of a county that `who` may see, else None."""
    found = access.rows(Alarm.objects.filter(county_id=county, pk=alarm), who, "alarms.alarm.view").first()
    return _info(found) if found else None


def alarms(
    who: Actor, county: str, *, only_open: bool = True, at: datetime | None = None, most: int | None = 200,
    has_shelved: bool = True,
) -> list[AlarmInfo]:  # fmt: skip
    """The alarms `who` may see: open ones first, by level, then the newest; with `at`, those that were open then."""
    rows = access.rows(Alarm.objects.filter(county_id=county), who, "alarms.alarm.view")
    if only_open or at is not None:
        rows = rows.filter(Alarm.open_at(at))
    if not has_shelved:
        rows = rows.exclude(shelved_until__gt=timezone.now())
    return [_info(alarm) for alarm in rows.order_by(*Alarm.worst_first())[:most]]


@dataclass(frozen=True)
class WarningInfo:
    """A public warning. `title` and `headline` are {zh, en}; `starts` the flow that the county has begin with it."""

    id: int
    county: str
    area: int
    kind: str
    title: dict[str, str]
    headline: dict[str, str]
    level: str
    alarm: int | None
    origin: int
    issued_at: datetime | None
    starts: str


def warning(number: int) -> WarningInfo:
    """One that was issued, as its newest message says. LookupError if there is none."""
    found = PublicWarning.objects.select_related("county").filter(pk=number).first()
    newest = found and found.messages.filter(state="issued").order_by("pk").last()
    if not found or not newest:
        raise LookupError(f"warning {number}: none of that number was issued")
    starts = found.county.settings.get("warnings", {}).get("starts", {}).get(found.kind, "")
    return WarningInfo(
        found.pk, found.county_id, found.area_id, found.kind, found.event, newest.content["headline"], found.level,
        found.alarm_id, found.origin, found.issued_at, starts,
    )  # fmt: skip


def warnings_in_force(county: str, origin: int = 0) -> list[WarningInfo]:
    """The warnings of a county that are in force, measured or of another origin; the newest first."""
    rows = PublicWarning.objects.filter(county_id=county, state="current", origin=origin, expires_at__gt=timezone.now())
    return [warning(number) for number in rows.order_by("-issued_at", "-pk").values_list("pk", flat=True)]


def told(rows: Iterable[Alarm]) -> list[AlarmInfo]:
    """Rows of this engine's own pages as everybody else has them."""
    return [_info(alarm) for alarm in rows]


@transaction.atomic
def clear(alarm: int, *, person: int | None, why: str, is_false: bool = False) -> bool:
    """Clear an open alarm with the reason; False if it was cleared before. `is_false`: nothing was the matter."""
    found = Alarm.objects.filter(pk=alarm).first()
    return found is not None and acting.clear(found, person=person, why=why, is_false=is_false)
