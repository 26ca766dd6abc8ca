"""Things as collections of the OGC API: one a device profile, each Thing with its latest values.

A value is `<property>`, its time and verdict are `<property>.time` and `<property>.verdict`. They are written by
devices and through SensorThings alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from django.db.models import Max, QuerySet

from shizhu.engines.records import api as records
from shizhu.engines.things.datasets import DEVICES, STATES, VIEW, columns
from shizhu.engines.things.logic.readings import Verdict
from shizhu.engines.things.models import Device, Latest, Thing
from shizhu.kernel import packs
from shizhu.kernel.packs import Body
from shizhu.kernel.text import text_sql, time_sql

TABLE = "things_thing"
TEXT, NUMBER, TIME = records.Kind.TEXT, records.Kind.NUMBER, records.Kind.TIME
VERDICTS = {
    "good": {"zh": "正常", "en": "Good"}, "suspect": {"zh": "存疑", "en": "Suspect"},
    "bad": {"zh": "无效", "en": "Bad"},
}  # fmt: skip
CLOSED = {
    "zh": "只读：站点和读数由设备上报或经 SensorThings 接口写入",
    "en": "read only: devices and the SensorThings API write Things and readings",
}
PLACE = """(SELECT {wanted} FROM things_thing_locations i JOIN things_location l ON l.id = i.location_id
WHERE i.thing_id = {thing} AND l.box[0] ~= l.box[1] ORDER BY l.id LIMIT 1)"""
WKB = r"'\x0000000001'::bytea || float8send((center(l.box))[0]) || float8send((center(l.box))[1])"  # big-endian Point
LATEST = f"""(SELECT {{wanted}} FROM things_datastream s JOIN things_latest l ON l.datastream_id = s.id
WHERE s.thing_id = "{TABLE}".id{{of}})"""
VERDICT_SQL = "(CASE l.verdict {} END)".format(" ".join(f"WHEN {v:d} THEN '{v.name.lower()}'" for v in Verdict))


def spot(table: str, thing: str) -> records.Spot:
    """Where rows of a table are that belong to Things: at the Thing's point; `thing` is SQL of its id."""
    return records.Spot(
        f'"{table}".id', PLACE.format(wanted="l.box", thing=thing), PLACE.format(wanted=WKB, thing=thing)
    )


def spot_of_stream(table: str) -> records.Spot:
    """Where rows are that name a `datastream`."""
    return spot(table, f'(SELECT s.thing_id FROM things_datastream s WHERE s.id = "{table}".datastream)')


def station_of_stream(table: str) -> records.Column:
    """The name of the Thing that the `datastream` of a row belongs to."""
    of = f'h.id = s.thing_id WHERE s.id = "{table}".datastream'
    return records.Column(f"(SELECT h.name FROM things_datastream s JOIN things_thing h ON {of})", TEXT)


def of(county: str) -> Iterable[records.Collection]:
    """A collection for each device profile of the county."""
    now = datetime.now(UTC)
    for profile, body in packs.declarations("things", county).items():
        yield _of_profile(profile, body, now)


def _of_profile(profile: str, body: Body, now: datetime) -> records.Collection:
    own = {
        "_name": records.Column(f'"{TABLE}".name', TEXT),
        **{f"_{name}": _of_device(profile, column) for name, column in columns(now).items() if name in _DEVICE},
        "_observed": records.Column(time_sql(LATEST.format(wanted="max(l.phenomenon_time)", of="")), TIME),
        **records.whose(TABLE, _of_device(profile, columns(now)["_simulated"]).sql),
    }
    attributes = {name: title for name, title in body.get("attributes", {}).items() if name not in body["properties"]}
    held = f'"{TABLE}".properties'
    told = {name: records.Column(f"({held}->>{text_sql(name)})", TEXT) for name in attributes}
    order = [name for name in body.get("shown", []) if name in body["properties"]]
    fields = [*OWN]
    for name in dict.fromkeys([*order, *body["properties"]]):
        item = body["properties"][name]
        fields += _fields(name, item)
        told |= _columns(name)
    fields += [records.property_of(name, TEXT, title["zh"], title["en"]) for name, title in attributes.items()]
    return records.by_columns(
        key=f"things.{profile}",
        title=body["title"],
        help=body.get("description", {}),
        geometry="Point",
        table=TABLE,
        rows=partial(_rows, profile),
        fields=(*fields, *records.WHOSE),
        columns={**own, **told},
        filters=("_state", "_area"),
        time_field="_observed",
        place=spot(TABLE, f'"{TABLE}".id'),
        named="_name",
        page="/things/",
        verb=VIEW,
        pack=profile.partition(".")[0],
        closed=CLOSED,
        order=("name", "pk"),
        revision=_newest,
    )


_DEVICE = ("key", "state", "last_seen")
OWN = (
    records.property_of("_name", TEXT, "名称", "Name"),
    records.property_of("_state", TEXT, "状态", "State", choices=STATES),
    records.property_of("_observed", TIME, "最近读数时间", "Latest reading at"),
    records.property_of("_key", TEXT, "设备号", "Device"),
    records.property_of("_last_seen", TIME, "最近上报", "Last heard"),
)


def _fields(name: str, item: Body) -> Iterable[records.Field]:
    zh, en = item["title"]["zh"], item["title"]["en"]
    value = records.property_of(name, NUMBER, zh, en, unit=item.get("symbol", item["unit"]))
    yield replace(value, rules={"x-ogc-unit": item["unit"], "x-ogc-unitLang": "UCUM"})
    yield records.property_of(f"{name}.time", TIME, f"{zh}：时间", f"{en}: time")
    verdict = records.property_of(f"{name}.verdict", TEXT, f"{zh}：质量判定", f"{en}: verdict", choices=VERDICTS)
    yield replace(verdict, rules={"enum": list(VERDICTS)})


def _columns(name: str) -> dict[str, records.Column]:
    of = f" AND s.key = {text_sql(name)}"
    return {
        name: records.Column(LATEST.format(wanted="l.result::numeric", of=of), NUMBER),
        f"{name}.time": records.Column(LATEST.format(wanted=time_sql("l.phenomenon_time"), of=of), TIME),
        f"{name}.verdict": records.Column(LATEST.format(wanted=VERDICT_SQL, of=of), TEXT),
    }


def _of_device(profile: str, column: records.Column) -> records.Column:
    """A column of devices for the Thing: of its first device of the profile."""
    which = f't.thing_id = "{TABLE}".id AND t.profile = {text_sql(profile)} ORDER BY t.id LIMIT 1'
    return records.Column(f"(SELECT {column.sql} FROM {DEVICES} t WHERE {which})", column.kind)


def _rows(profile: str, county: str) -> QuerySet[Thing]:
    return Thing.objects.filter(
        county_id=county, pk__in=Device.objects.filter(county_id=county, profile=profile).values("thing")
    )


def _newest(county: str) -> Any:
    """When the newest latest value of the county was committed."""
    return Latest.objects.filter(datastream__thing__county=county).aggregate(at=Max("known_at"))["at"]
