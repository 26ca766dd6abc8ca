"""An edge that is not reached raises an alarm of its own, by a rule that no pack declares."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms import raising
from shizhu.engines.alarms.causes import EDGE, EDGE_LOST
from shizhu.engines.alarms.logic.conditions import Bound, Input, condition_of
from shizhu.engines.alarms.logic.judge import Change
from shizhu.engines.alarms.logic.late import Judged
from shizhu.engines.alarms.logic.moments import moment, span
from shizhu.engines.alarms.models import Occurrence
from shizhu.engines.things import api as things
from shizhu.kernel import packs
from shizhu.kernel.packs import Body

RULE: Body = {
    "title": {"zh": "边缘节点失联", "en": "Edge not reached"}, "level": "orange",
    "when": {"profile": "things.edge", "property": "line", "missing": "PT5M"},
    "advice": {
        "zh": "检查该乡镇边缘节点的电源和到县里的线路。节点有电就继续接收设备数据，线路恢复后自动补传；"
        "此间它的设备不再逐一报失联。",
        "en": "Check the edge's power and its line to the county. While it has power it goes on taking readings, and"
        " hands them on when the line is back; its devices are not told of one by one.",
    },
}  # fmt: skip


@transaction.atomic
def every_minute(now: datetime | None = None) -> None:
    """Raise for what was not reached for long enough, end what is reached again or is no edge any more."""
    at = now or timezone.now()
    lines = things.look_at_lines(at)
    if lines is None:
        return
    on = Occurrence.objects.filter(alarm__rule=EDGE_LOST, recovered_at=None, is_withdrawn=False).select_related("alarm")
    going_on = {one.alarm.source: one for one in on}
    for line in lines:
        source = f"{EDGE}{line.key}"
        bound = _bound(source, line.county, line.organisation, line.area, line.stream)
        since = line.away_since
        if since is not None and source not in going_on and moment(at) - moment(since) >= span(RULE["when"]["missing"]):
            begun = moment(line.reached_at or since)
            raising.apply(bound, Judged([Change(moment(at), RULE["level"], begun, None, 0, "", 0)]))
        if since is not None:
            going_on.pop(source, None)
    for source, one in going_on.items():
        alarm = one.alarm
        bound = _bound(source, alarm.county_id, alarm.organisation_id, alarm.area_id, one.datastream)
        raising.apply(bound, Judged([Change(moment(at), None, moment(at), None, 0, "", 0)]))


def _bound(source: str, county: str, organisation: int, area: int, stream: int) -> Bound:
    condition = condition_of(RULE | {"examples": []}, [Input("things.edge", "line")])
    return Bound(0, EDGE_LOST, source, county, organisation, area, (stream,), condition)


def titles(county: str) -> dict[str, dict[str, str]]:
    """What each rule of the county is called, those out of use too, and our own."""
    declared = packs.withdrawn("rules", county) | packs.declarations("rules", county)
    return {EDGE_LOST: RULE["title"], **{key: body["title"] for key, body in declared.items()}}


def register() -> None:
    """Called once by the application."""
    packs.built_in("rules", EDGE_LOST, RULE)
