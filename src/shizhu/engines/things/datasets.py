"""Datasets of things: `from: devices` (what sends, and whether it does), `from: readings` (values of one property).

Numbers over time come from the hourly rollups of good readings; an hour without one is missing, not nought.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from shizhu.engines.records import api as records
from shizhu.engines.things import queries
from shizhu.engines.things.logic.readings import Origin, Verdict
from shizhu.engines.things.models import Datastream, Hour, Thing
from shizhu.kernel import access, datasets, packs, spans
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Column, Names, Offer, Result, Row
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import moment_sql, time_sql

VIEW = "things.thing.view"
SOURCE: Names = {"zh": "设备", "en": "Devices"}
SILENT_AFTER = timedelta(hours=1)
THING = "_thing"
MOST_LINES = 20  # of a chart; more cannot be told apart
OVER = ("avg", "min", "max")
STATES: Mapping[str, Names] = {
    "online": {"zh": "在线", "en": "Online"},
    "silent": {"zh": "离线", "en": "Silent"},
    "off": {"zh": "停用", "en": "Switched off"},
}
DEVICES = """(SELECT d.id, d.key, d.profile, d.is_enabled, d.last_seen, d.last_error_at, d.origin, d.thing_id, h.name,
h.county_id, h.organisation_id, h.area_id FROM things_device d JOIN things_thing h ON h.id = d.thing_id)"""
HOUR_TITLE: Names = {"zh": "时间", "en": "Time"}
PLACE_TITLE: Names = {"zh": "站点", "en": "Station"}


def columns(at: datetime) -> dict[str, records.Column]:
    """Everything a condition on devices may name; `state` is online, silent (an hour without a word) or off."""
    text, truth, time = records.Kind.TEXT, records.Kind.BOOLEAN, records.Kind.TIME
    heard = f"t.last_seen > {moment_sql(at - SILENT_AFTER)}"
    return {
        "state": records.Column(
            f"(CASE WHEN NOT t.is_enabled THEN 'off' WHEN {heard} THEN 'online' ELSE 'silent' END)", text
        ),
        "profile": records.Column("t.profile", text),
        "key": records.Column("t.key", text),
        "name": records.Column("t.name", text),
        "last_seen": records.Column(time_sql("t.last_seen"), time),
        "last_error_at": records.Column(time_sql("t.last_error_at"), time),
        "_simulated": records.Column(f"(t.origin <> {Origin.MEASURED:d})", truth),
        "_town": records.Column("(SELECT split_part(path, '/', 2) FROM kernel_area WHERE id = t.area_id)", text),
    }


def subject(county: str, at: datetime) -> records.Subject:
    """Devices with the name and place of their Thing."""
    said = {
        "state": records.Said({"zh": "状态", "en": "State"}, labels=STATES),
        "profile": records.Said({"zh": "类型", "en": "Kind"}, titles=lambda keys: _profiles(county, keys)),
        "last_seen": records.Said({"zh": "最近上报", "en": "Last heard"}),
        "last_error_at": records.Said({"zh": "最近报错", "en": "Last error"}),
        "name": records.Said({"zh": "名称", "en": "Name"}),
        "key": records.Said({"zh": "设备号", "en": "Device"}),
    }
    return records.Subject(
        table=DEVICES,
        columns=columns(at),
        said=said,
        fixed=Predicate("t.county_id = %s", (county,)),
        verb=VIEW,
        source=SOURCE,
        page="/things/",
        title="t.name",
        href="'/things/' || t.thing_id || '/'",
        newest="t.last_seen",
        simulated=f"t.origin <> {Origin.MEASURED:d}",
        moments={"last_seen": "t.last_seen", "last_error_at": "t.last_error_at"},
    )


def _profiles(county: str, keys: Iterable[Any]) -> dict[Any, Names]:
    declared = packs.declarations("things", county)
    return {key: declared[key]["title"] for key in keys if key in declared}


def with_devices(where: str, at: datetime) -> Predicate:
    """Things with a device that fulfils a condition, as a condition on `things_thing`. Raises Cql2Error."""
    sql, params = records.condition(where, columns(at))
    return Predicate(f'"things_thing".id IN (SELECT t.thing_id FROM {DEVICES} t WHERE {sql})', params)


# -- readings


@dataclass(frozen=True)
class _Hours:
    """Rollups put together: a mean by count, the least and the most."""

    count: int = 0
    total: float = 0.0
    least: float = float("inf")
    most: float = float("-inf")

    def with_(self, hour: Hour) -> _Hours:
        return _Hours(
            self.count + hour.count, self.total + hour.total, min(self.least, hour.least), max(self.most, hour.most)
        )

    def value(self, measure: str) -> float | None:
        if not self.count:
            return None
        return {"avg": self.total / self.count, "min": self.least, "max": self.most}[measure]


class _Readings:
    """One question about the values of a property."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._body = asked, asked.body
        self._declared = packs.declaration("things", self._body["of"], self._asked.county)["properties"][
            self._body["property"]
        ]
        things = access.rows(Thing.objects.filter(county_id=asked.county), asked.who, VIEW)
        wanted = Datastream.objects.filter(
            key=self._body["property"], thing__in=things, thing__devices__profile=self._body["of"]
        )
        if self._body.get("device"):
            wanted = wanted.filter(thing__devices__key=self._body["device"])
        self.streams = queries.describe(wanted.values_list("pk", flat=True))

    def answer(self) -> Result:
        if self._body.get("measure", "latest") == "latest":
            return self._latest()
        return self._series() if "each" in self._body else self._over()

    def _round(self, value: float | None) -> float | None:
        return None if value is None else round(value, self._declared.get("decimals", 3))

    def _result(self, names: tuple[Column, ...], rows: Iterable[Row], **facts: Any) -> Result:
        title = self._declared["title"]
        value = Column("value", title, "number", self._declared.get("symbol", self._declared.get("unit", "")))
        profile = packs.declaration("things", self._body["of"], self._asked.county)["title"]
        address = f"/things/?{urlencode({'filter': 'profile = ' + chr(39) + self._body['of'] + chr(39)})}"
        return Result(
            columns=(*names, value), rows=tuple(rows), href=address,
            source={lang: f"{profile[lang]} · {title[lang]}" for lang in ("zh", "en")},
            is_part=not datasets.sees_all(self._asked.who, VIEW, self._asked.county), **facts,
        )  # fmt: skip

    def _latest(self) -> Result:
        newest = {pk: point for pk, point in queries.latest(self.streams).items() if point.time < self._asked.at}
        order = sorted(newest, key=lambda pk: self.streams[pk].thing_name)
        if self._body.get("order") in {"value", "-value"}:
            turned = -1 if self._body["order"] == "-value" else 1
            order.sort(key=lambda pk: turned * (newest[pk].value or 0.0))
        silent = [stream.thing_name for pk, stream in self.streams.items() if pk not in newest]
        doubtful = sum(point.verdict != Verdict.GOOD for point in newest.values())
        missing = [_names(f"{'、'.join(silent)} 无数据", f"no data from {', '.join(silent)}")] if silent else []
        if doubtful:
            missing.append(_names(f"{doubtful} 个读数存疑", f"{doubtful} readings are doubtful"))
        rows = (
            Row(
                (self.streams[pk].thing_name, newest[pk].time, self._round(newest[pk].value)), (pk,),
                self._page(pk), newest[pk].origin != Origin.MEASURED,
            )
            for pk in order[: int(self._body.get("top", 100))]
        )  # fmt: skip
        places = Column(THING, PLACE_TITLE), Column("time", HOUR_TITLE, "time")
        return self._result(
            places, rows, newest=max((p.time for p in newest.values()), default=None), total=len(newest),
            simulated=sum(point.origin != Origin.MEASURED for point in newest.values()), missing=tuple(missing),
        )  # fmt: skip

    def _page(self, pk: int) -> str:
        return f"/things/{self.streams[pk].thing}/?stream={pk}"

    def _hours(self) -> list[Hour]:
        during = self._body["during"]
        span = (spans.before if during.get("before") else spans.span)(during["span"], self._asked.at)
        self._span = span
        first = spans.begin(span.start.astimezone(spans.COUNTY_ZONE), "hour")
        rows = Hour.objects.filter(datastream__in=list(self.streams), hour__gte=first, hour__lt=span.end)
        return list(rows.order_by("hour"))

    def _facts(self, hours: list[Hour]) -> dict[str, Any]:
        newest = max((row.hour for row in hours), default=None)
        simulated = {pk for pk, stream in self.streams.items() if stream.is_simulated}
        return {
            "newest": min(newest + timedelta(hours=1), self._asked.at) if newest else None,
            "total": sum(row.count for row in hours),
            "simulated": sum(row.count for row in hours if row.datastream_id in simulated),
        }

    def _over(self) -> Result:
        """One number a station, or one for all."""
        hours, measure = self._hours(), self._body["measure"]
        found: dict[Any, _Hours] = {}
        is_by_thing = THING in self._body.get("by", [])
        for row in hours:
            key = row.datastream_id if is_by_thing else None
            found[key] = found.get(key, _Hours()).with_(row)
        if not is_by_thing:
            rows = [Row((self._round(found[None].value(measure)) if found else None,))]
            return self._result((), rows, **self._facts(hours))
        order = sorted(found, key=lambda pk: self.streams[pk].thing_name)
        made = [
            Row((self.streams[pk].thing_name, self._round(found[pk].value(measure))), (pk,), self._page(pk))
            for pk in order
        ]
        return self._result((Column(THING, PLACE_TITLE),), made, **self._facts(hours))

    def _series(self) -> Result:
        """A line over time, one for all or one a station; nothing was measured where there is no value."""
        hours, each, measure = self._hours(), self._body["each"], self._body["measure"]
        is_by_thing = THING in self._body.get("by", [])
        found: dict[tuple[str, Any], _Hours] = {}
        for row in hours:
            name = row.hour.astimezone(spans.COUNTY_ZONE).strftime(spans.EACH[each])
            key = name, row.datastream_id if is_by_thing else None
            found[key] = found.get(key, _Hours()).with_(row)
        lines = sorted(self.streams, key=lambda pk: self.streams[pk].thing_name) if is_by_thing else [None]
        steps = [name for name, _start, _end in spans.steps(self._span, each)]
        rows = [
            Row(
                (step, *([self.streams[line].thing_name] if line else []),
                 self._round(found.get((step, line), _Hours()).value(measure))),
                (step, line), self._page(line) if line else "",
            )
            for line in lines[:MOST_LINES] for step in steps
        ]  # fmt: skip
        empty = sum(all((step, line) not in found for line in lines) for step in steps)
        facts = self._facts(hours)
        if empty:
            facts["missing"] = (_names(f"{len(steps)} 个时段中 {empty} 个无数据", f"{empty} of {len(steps)} empty"),)
        if left := len(lines[MOST_LINES:]):
            untold = _names(f"另有 {left} 个站未画出", f"{left} more stations are not drawn")
            facts["missing"] = (*facts.get("missing", ()), untold)
        names = (Column("time", HOUR_TITLE, "time"), *([Column(THING, PLACE_TITLE)] if is_by_thing else []))
        return self._result(names, rows, **facts)


def _names(zh: str, en: str) -> Names:
    return {"zh": zh, "en": en}


def readings(asked: Asked) -> Result:
    """The answer about values."""
    return _Readings(asked).answer()


def check_readings(body: Body, everything: LoadedPacks) -> Iterator[str]:
    """The profile and its property exist; what is asked of them can be answered."""
    declared = packs.find(everything, "things", body.get("of", ""))
    if declared is None:
        yield f"of: {body.get('of')}: nobody declares this device profile"
    elif body.get("property") not in declared["properties"]:
        yield f"property: {body.get('property')}: there are {', '.join(declared['properties'])}"
    measure = body.get("measure", "latest")
    if measure not in {"latest", *OVER}:
        yield f"measure: {measure}: of readings there are latest, {', '.join(OVER)}"
    if measure in OVER and "during" not in body:
        yield f"during: must be given for {measure}"
    for name in body.get("by", []):
        if name != THING:
            yield f"by: {name}: readings are put together by {THING} alone"


def offer_readings(county: str) -> Iterable[Offer]:
    """Each property of each profile."""
    place = Column(THING, PLACE_TITLE)
    for profile, body in packs.declarations("things", county).items():
        for key, item in body["properties"].items():
            title = {lang: f"{body['title'][lang]} · {item['title'][lang]}" for lang in ("zh", "en")}
            value = Column("value", item["title"], "number", item.get("symbol", item.get("unit", "")))
            yield Offer({"from": "readings", "of": profile, "property": key}, title, (place, value))


def register() -> None:
    """Called once by the application."""
    datasets.add(records.dataset("devices", subject))
    datasets.add(datasets.Dataset("readings", readings, lambda _body: VIEW, check_readings, offer_readings))
