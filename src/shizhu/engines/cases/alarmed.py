"""What alarms and warnings do to cases: they begin one, go on with those that wait, join a response that runs, or
the case of the same place that residents or another sensor began."""

from __future__ import annotations

from django.db import transaction

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.api import AlarmInfo
from shizhu.engines.cases import actions, concerns, emergencies, field, happening, unopened
from shizhu.engines.cases.models import Case
from shizhu.engines.things import api as things
from shizhu.kernel import events
from shizhu.kernel.models import Area, County


def _joined(flow: str, info: AlarmInfo) -> bool:
    """Whether a response of the plan runs already, which the alarm then joins. Two at once begin one response."""
    if not emergencies.is_one(flow, info.county):
        return False
    County.objects.select_for_update(no_key=True).get(pk=info.county)
    case = emergencies.runs(flow, info)
    if case is not None:
        emergencies.join(case, info)
    return case is not None


def _tell(event: events.Event, info: AlarmInfo, device: str) -> None:
    """Cases that wait for an alarm of this rule, or of this rule at this device, go on: a message named as it."""
    told = {"alarm": info.id, "rule": info.rule, "level": info.level, "value": info.value, "device": device}
    happening.deliver(event.county, "message", event.type, [info.rule, f"{info.rule}@{device}"], told)


def _device(info: AlarmInfo) -> str:
    found = things.describe([info.datastream]).get(info.datastream)
    return found.device if found else ""


@transaction.atomic
def alarm_cleared(event: events.Event) -> None:
    """Cases that wait for the end of an alarm go on."""
    info = alarms.get(event.data["alarm"])
    _tell(event, info, _device(info))


@transaction.atomic
def alarm_raised(event: events.Event) -> None:
    """An alarm whose rule names a flow starts a case, once; cases that wait for an alarm of its rule go on."""
    info = alarms.get(event.data["alarm"])
    device = _device(info)
    _tell(event, info, device)
    key = event.data["starts"]
    if not key or Case.objects.filter(alarm=event.data["alarm"]).exists() or _joined(key, info):
        return
    area = Area.objects.get(pk=event.data["area"])
    document = {
        "source": "alarm", "rule": info.rule, "level": info.level, "value": info.value, "limit": info.limit,
        "since": info.since, "raised_at": info.raised_at, **({"device": device} if device else {}),
    }  # fmt: skip
    stream = things.describe([info.datastream]).get(info.datastream)
    point = stream.point if stream else None
    known = concerns.at_place(event.county, key, point, event.data["origin"]) if point else None
    if known is not None:
        emergencies.joined(known, info)
        return
    title = " ".join([area.name, *([stream.thing_name] if stream else []), info.title["zh"]])
    opening = actions.Opening(
        key, title, area, document, alarm=info.id, datastream=info.datastream, origin=event.data["origin"]
    )
    case = _open(opening, f"alarm/{info.id}", f"/alarms/{info.id}/")
    if case and point:
        field.put(case, {"longitude": point[0], "latitude": point[1]})


def warning_issued(event: events.Event) -> None:
    """A warning of a kind that the county has begin a flow starts a case, unless its alarm has one already."""
    info = alarms.warning(event.data["warning"])
    if not info.starts or (info.alarm and Case.objects.filter(alarm=info.alarm).exists()):
        return
    area = Area.objects.get(pk=info.area)
    document = {
        "source": "alarm", "warning": info.id, "rule": info.kind, "level": info.level, "since": info.issued_at,
        "title": info.headline["zh"],
    }  # fmt: skip
    stream = alarms.get(info.alarm).datastream if info.alarm else None
    opening = actions.Opening(
        info.starts, f"{area.name} {info.headline['zh']}", area, document, alarm=info.alarm, datastream=stream,
        origin=info.origin,
    )  # fmt: skip
    page = f"/alarms/{info.alarm}/" if info.alarm else f"/alarms/warnings/{info.id}/"
    _open(opening, f"warning/{info.id}", page)


def _open(opening: actions.Opening, of: str, page: str) -> Case | None:
    """Open the case; of a flow that opens none people hear, for trying again would not mend it."""
    try:
        with transaction.atomic():
            return actions.open_case(opening)
    except unopened.FAULTS as error:
        unopened.not_opened(opening.area.county_id, opening.flow, unopened.why(error), of, opening.title, page)
        return None


def alarm_changed(event: events.Event) -> None:
    """An alarm has another level: the response that it began or joined hears of a graver one."""
    info = alarms.get(event.data["alarm"])
    case = emergencies.of_alarm(info.id)
    if case is not None and info.is_open:
        emergencies.propose(case, info)
