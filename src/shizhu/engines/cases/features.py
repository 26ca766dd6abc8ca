"""Cases as collections of the OGC API: one a flow, each case with what was filled in.

A field of the start form is a property under its name, one of a step's form under `<step>.<name>`. Only what is chosen,
counted, dated or pointed at is told: forms do not say which free text is private.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db.models import Count, Max, QuerySet

from shizhu.engines.cases import filed, flows
from shizhu.engines.cases.datasets import OUTCOMES, TIMES, VIEW, columns
from shizhu.engines.cases.models import Case, Entry
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import packs

TABLE = "cases_case"
TEXT, NUMBER, TIME, YES = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.TIME, records.Kind.BOOLEAN
CLOSED = {
    "zh": "只读：案件按流程由办理人在案件页面推进",
    "en": "read only: cases move along their flow, by the tasks on their pages",
}


def of(county: str) -> Iterable[records.Collection]:
    """A collection for each flow of the county."""
    now = datetime.now(UTC)
    for flow, body in packs.declarations("flows", county).items():
        yield _of_flow(flow, body["text"], county, now)


def _of_flow(flow: str, text: str, county: str, now: datetime) -> records.Collection:
    held = {
        name: column for name, column in columns(f'"{TABLE}"', now).items() if name not in {"flow", "hours", "_town"}
    } | {"stage": records.Column(f'"{TABLE}".stage', NUMBER)}
    asked = filed.of_county(flow, text, county, f'"{TABLE}"')
    document = {one.item.name: (one.item, one.column) for one in asked if one.item.name not in held}
    return records.by_columns(
        key=f"cases.{flow}",
        title=flows.about(text.encode()).title,
        geometry="Point",
        table=TABLE,
        rows=partial(_rows, flow),
        fields=(*OWN, *(item for item, _column in document.values()), *records.WHOSE),
        columns={
            **held,
            **{name: column for name, (_item, column) in document.items()},
            **records.whose(f'"{TABLE}"', held["_simulated"].sql),
        },
        filters=("is_open", "is_late", "_area"),
        time_field="opened_at",
        place=things.spot_of_stream(TABLE),
        named="title",
        page="/cases/",
        verb=VIEW,
        pack=flow.partition(".")[0],
        closed=CLOSED,
        key_field="number",
        order=("-opened_at", "pk"),
        revision=partial(_revision, flow),
    )


OWN = (
    records.property_of("number", TEXT, "案号", "Number"),
    records.property_of("title", TEXT, "事由", "Matter"),
    records.property_of("is_open", YES, "在办", "Open"),
    records.property_of("stage", NUMBER, "环节序号", "Stage, from 0"),
    records.property_of("opened_at", TIME, **TIMES["opened_at"]),
    records.property_of("due_at", TIME, **TIMES["due_at"]),
    records.property_of("closed_at", TIME, **TIMES["closed_at"]),
    records.property_of("is_late", YES, "超期", "Late"),
    records.property_of("outcome", TEXT, "结果", "Outcome", choices=OUTCOMES),
    records.property_of("in_time", YES, "按期办结", "Closed in time"),
    records.property_of("from_alarm", YES, "由告警开案", "From an alarm"),
)


def _rows(flow: str, county: str) -> QuerySet[Case]:
    return Case.objects.filter(county_id=county, flow=flow)


def _revision(flow: str, county: str) -> Any:
    """The newest line of any case's timeline, and how many cases there are."""
    newest = Entry.objects.filter(case__county_id=county, case__flow=flow).order_by().aggregate(at=Max("pk"))["at"]
    return newest, _rows(flow, county).order_by().aggregate(rows=Count("pk"))["rows"]
