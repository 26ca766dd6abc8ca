"""Which alarms a list shows: what its address asks for; and the same as a table to take away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import datasets, edges
from shizhu.engines.alarms.datasets import LEVEL_NAMES
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request

ASKED = ("state", "level", "rule", "town", "filter")
VIEW = "alarms.alarm.view"
MOST = 20_000  # rows of a table taken away


def asked_for(request: Request) -> dict[str, str]:
    """What the address asks for; open alarms that are not shelved where it says nothing."""
    return {name: request.GET[name] for name in ASKED if request.GET.get(name)}


def seen(request: Request) -> QuerySet[Alarm]:
    """All alarms that the person may see."""
    return access.rows(Alarm.objects.filter(county=request.county), request.actor, VIEW)


def chosen(request: Request, asked: Mapping[str, str]) -> QuerySet[Alarm]:
    """Those of what is asked for, the worst first; a condition that nobody understands is told, finds none."""
    found, now = seen(request).order_by(*Alarm.worst_first()), timezone.now()
    shelved = Q(state=Alarm.State.OPEN, shelved_until__gt=now)
    state = asked.get("state", "")
    if state == "shelved":
        found = found.filter(shelved)
    elif state != "all":
        found = found.filter(state=Alarm.State.OPEN).exclude(shelved)
    found = found.filter(**{name: asked[name] for name in ("level", "rule") if name in asked})
    if town := asked.get("town"):
        found = found.filter(area__path__startswith=f"{request.county.pk}/{town}/")
    try:
        return records.filtered(found, asked.get("filter", ""), datasets.columns('"alarms_alarm"', now))
    except records.Cql2Error as error:
        messages.error(request, _("The condition cannot be understood: %s") % error)
        return found.none()


def choices(request: Request) -> dict[str, Any]:
    """What a list may be asked for: levels, rules that ever raised an alarm, towns."""
    titles = edges.titles(request.county.pk)
    rules = seen(request).order_by("rule").values_list("rule", flat=True).distinct()
    towns = Area.objects.towns(request.county)
    return {
        "level_names": [(level, label(LEVEL_NAMES[level])) for level in LEVELS[::-1]],
        "rules": [(key, label(titles[key]) if key in titles else key) for key in rules],
        "towns": [(town.code, named(town)) for town in towns],
    }


def table(request: Request) -> HttpResponse:
    """GET /alarms/table.xlsx: the list as it is asked for."""
    access.require_verb(request.actor, VIEW)
    heads = [
        _("Level"), _("Where"), _("Town"), _("What"), _("Value"), _("Unit"), _("Limit"), _("Since"), _("Raised"),
        _("Occurrences"), _("State"), _("Acknowledged at"), _("Lies on"), _("Cleared at"), _("Why"), _("simulated"),
    ]  # fmt: skip
    found = chosen(request, asked_for(request)).select_related("assignee", "area")[:MOST]
    headers = {"Content-Disposition": 'attachment; filename="alarms.xlsx"'}
    body = records.written_table(_("Alarms"), heads, _lines(found))
    return HttpResponse(body, content_type=records.XLSX, headers=headers)


def _lines(found: QuerySet[Alarm]) -> Iterator[list[Any]]:
    alarms = list(found)
    titles = edges.titles(alarms[0].county_id) if alarms else {}
    streams = things.describe({alarm.datastream for alarm in alarms})
    for alarm in alarms:
        stream = streams.get(alarm.datastream)
        yield [
            label(LEVEL_NAMES[alarm.level]), stream.thing_name if stream else "", named(alarm.area),
            label(titles.get(alarm.rule, {"zh": alarm.rule})),
            None if alarm.value is None else round(alarm.value, 9), stream.unit if stream else "", alarm.limit,
            alarm.since, alarm.raised_at, alarm.occurrences, _state(alarm), alarm.acknowledged_at,
            alarm.assignee.name if alarm.assignee else "", alarm.cleared_at,
            alarm.cleared_why, _("yes") if alarm.origin else "",
        ]  # fmt: skip


def _state(alarm: Alarm) -> str:
    if alarm.state != Alarm.State.OPEN:
        return _("Withdrawn by late data") if alarm.is_withdrawn else _("Cleared")
    if alarm.shelved_until and alarm.shelved_until > timezone.now():
        return _("Shelved")
    return _("Values are back in order") if alarm.recovered_at else _("Not cleared")
