"""Alarms as a collection of the OGC API, each at its Thing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Max, Sum

from shizhu.engines.alarms import edges
from shizhu.engines.alarms.datasets import LEVEL_NAMES, TIMES, VIEW, columns
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things

TABLE = "alarms_alarm"
TEXT, NUMBER = records.Kind.TEXT, records.Kind.NUMBER
CLOSED = {
    "zh": "只读：告警由规则产生，由数据或人员在告警页面解除",
    "en": "read only: rules raise alarms, and data or people clear them on their page",
}


def of(county: str) -> Iterable[records.Collection]:
    """One collection of all alarms, open and cleared."""
    told = columns(f'"{TABLE}"', datetime.now(UTC))
    held = {name: column for name, column in told.items() if name != "hours"}  # it changes with the clock
    rules = edges.titles(county)
    fields = (
        records.property_of("rule", TEXT, "规则", "Rule", choices=rules),
        records.property_of("station", TEXT, "站点", "Station"),
        records.property_of("level", TEXT, "级别", "Level", choices=LEVEL_NAMES),
        records.property_of("value", NUMBER, "数值", "Value"),
        records.property_of("is_open", records.Kind.BOOLEAN, "未解除", "Open"),
        records.property_of("raised_at", records.Kind.TIME, **TIMES["raised_at"]),
        records.property_of("since", records.Kind.TIME, **TIMES["since"]),
        records.property_of("cleared_at", records.Kind.TIME, **TIMES["cleared_at"]),
        records.property_of("occurrences", NUMBER, "次数", "Occurrences"),
        *records.WHOSE,
    )
    yield records.by_columns(
        key="alarms",
        title={"zh": "告警", "en": "Alarms"},
        help={"zh": "未解除和已解除的告警，位置为其站点", "en": "Alarms that are open or cleared, at their stations"},
        geometry="Point",
        table=TABLE,
        rows=lambda code: Alarm.objects.filter(county_id=code),
        fields=fields,
        columns={
            **held,
            "station": things.station_of_stream(TABLE),
            **records.whose(f'"{TABLE}"', held["_simulated"].sql),
        },
        filters=("rule", "level", "is_open", "_area"),
        time_field="raised_at",
        place=things.spot_of_stream(TABLE),
        named="rule",
        page="/alarms/",
        verb=VIEW,
        closed=CLOSED,
        order=("-raised_at", "pk"),
        revision=_revision,
    )


def _revision(county: str) -> Any:
    told = Alarm.objects.filter(county_id=county).order_by()
    return tuple(
        told.aggregate(
            rows=Count("pk"), newest=Max("detected_at"), cleared=Count("cleared_at"), again=Sum("occurrences")
        ).values()
    )
