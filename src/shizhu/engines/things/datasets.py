"""Datasets of things: `from: devices` (what sends, and whether it does), `from: readings` (values of one property).

Numbers over time come from the hourly rollups of good readings; an hour without one is missing, not nought.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any
from urllib.parse import urlencode

from django.db.models import Max, Min, OuterRef, QuerySet, Subquery, Sum

from shizhu.engines.records import api as records
from shizhu.engines.things import queries
from shizhu.engines.things.logic.readings import Origin, Verdict
from shizhu.engines.things.models import Datastream, Device, Hour, Thing
from shizhu.kernel import access, datasets, packs, spans
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Column, Names, Offer, Result, Row
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import moment_sql, time_sql

VIEW = "things.thing.view"
SOURCE: Names = {"zh": "设备", "en": "Devices"}
SILENT_AFTER = timedelta(hours=1)
THING = "_thing"
MOST_LINES = 12  # of a chart; more cannot be told apart
MOST_ROWS = 100  # of a table
MOST_NAMES = 3  # of stations that are missing
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
    """Rollups put together: a mean by count, the least and the most; the newest hour of them."""

    count: int
    total: float
    least: float
    most: float
    newest: datetime

    def with_(self, other: _Hours | None) -> _Hours:
        if other is None:
            return self
        return _Hours(
            self.count + other.count, self.total + other.total, min(self.least, other.least),
            max(self.most, other.most), max(self.newest, other.newest),
        )  # fmt: skip

    def value(self, measure: str) -> float:
        return {"avg": self.total / self.count, "min": self.least, "max": self.most}[measure]


SUMS = Sum("count"), Sum("total"), Min("least"), Max("most"), Max("hour")


@dataclass(frozen=True)
class _Stream:
    """A datastream and the Thing it belongs to."""

    thing: int
    name: str
    is_simulated: bool


class _Readings:
    """One question about the values of a property."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._body = asked, asked.body
        self._declared = packs.declaration("things", self._body["of"], self._asked.county)["properties"][
            self._body["property"]
        ]
        things = access.rows(Thing.objects.filter(county_id=asked.county), asked.who, VIEW)
        self._wanted = Datastream.objects.filter(
            key=self._body["property"], thing__in=things, thing__devices__profile=self._body["of"]
        )
        if self._body.get("device"):
            self._wanted = self._wanted.filter(thing__devices__key=self._body["device"])
        origin = Device.objects.filter(thing=OuterRef("thing")).order_by("pk").values("origin")[:1]
        rows = self._wanted.values_list("pk", "thing", "thing__name", Subquery(origin))
        self.streams = {pk: _Stream(thing, name, origin == Origin.SIMULATED) for pk, thing, name, origin in rows}

    def answer(self) -> Result:
        if self._body.get("measure", "latest") == "latest":
            return self._latest()
        return self._series() if "each" in self._body else self._over()

    def _round(self, value: float | None) -> float | None:
        return None if value is None else round(value, self._declared.get("decimals", 3))

    def _result(self, names: tuple[Column, ...], rows: Iterable[Row], href: str = "", **facts: Any) -> Result:
        title = self._declared["title"]
        value = Column("value", title, "number", self._declared.get("symbol", self._declared.get("unit", "")))
        profile = packs.declaration("things", self._body["of"], self._asked.county)["title"]
        if len(self.streams) == 1:
            href = self._page(next(iter(self.streams)))
        address = f"/things/?{urlencode({'filter': 'profile = ' + chr(39) + self._body['of'] + chr(39)})}"
        return Result(
            columns=(*names, value), rows=tuple(rows), href=href or address,
            source={lang: f"{profile[lang]} · {title[lang]}" for lang in ("zh", "en")},
            is_part=not datasets.sees_all(self._asked.who, VIEW, self._asked.county), **facts,
        )  # fmt: skip

    def _latest(self) -> Result:
        newest = {pk: point for pk, point in queries.latest(self.streams).items() if point.time < self._asked.at}
        order = self._ordered({pk: point.value for pk, point in newest.items()})
        doubtful = sum(point.verdict != Verdict.GOOD for point in newest.values())
        missing = self._silent(newest)
        missing += self._left(newest, order)
        if doubtful:
            missing.append(_names(f"{doubtful} 个读数存疑", f"{doubtful} readings are doubtful"))
        rows = (
            Row(
                (self._name(pk), newest[pk].time, self._round(newest[pk].value)), (pk,),
                self._page(pk), newest[pk].origin != Origin.MEASURED,
            )
            for pk in order
        )  # fmt: skip
        places = Column(THING, PLACE_TITLE), Column("time", HOUR_TITLE, "time")
        return self._result(
            places, rows, newest=max((p.time for p in newest.values()), default=None), total=len(newest),
            simulated=sum(point.origin != Origin.MEASURED for point in newest.values()), missing=tuple(missing),
        )  # fmt: skip

    def _page(self, pk: int) -> str:
        return f"/things/{self.streams[pk].thing}/?stream={pk}"

    def _name(self, pk: int) -> str:
        return self.streams[pk].name

    def _ordered(self, values: Mapping[int, float | None]) -> list[int]:
        """The datastreams that are told of, by name or as asked."""
        order = sorted(values, key=self._name)
        if self._body.get("order") in {"value", "-value"}:
            turned = -1 if self._body["order"] == "-value" else 1
            order.sort(key=lambda pk: turned * (values[pk] or 0.0))
        return order[: int(self._body.get("top", MOST_ROWS))]

    def _left(self, found: Collection[int], told: Collection[int]) -> list[Names]:
        left = len(found) - len(told)
        return [_names(f"另有 {left} 个站未列出", f"{left} more stations are not listed")] if left else []

    def _silent(self, heard: Collection[int]) -> list[Names]:
        """Which of the stations have nothing, the first of them by name."""
        silent = sorted(stream.name for pk, stream in self.streams.items() if pk not in heard)
        if not silent:
            return []
        zh, en = "、".join(silent[:MOST_NAMES]), ", ".join(silent[:MOST_NAMES])
        if left := len(silent[MOST_NAMES:]):
            zh, en = f"{zh} 等 {len(silent)} 个站", f"{en} and {left} more"
        return [_names(f"{zh}{'' if left else ' '}无数据", f"no data from {en}")]

    def _hours(self) -> QuerySet[Hour]:
        during = self._body["during"]
        span = (spans.before if during.get("before") else spans.span)(during["span"], self._asked.at)
        self._span = span
        first = spans.begin(span.start.astimezone(spans.COUNTY_ZONE), "hour")
        return Hour.objects.filter(datastream__in=self._wanted.values("pk"), hour__gte=first, hour__lt=span.end)

    def _by_stream(self) -> dict[int, _Hours]:
        """Of each datastream that has any."""
        return {pk: _Hours(*sums) for pk, *sums in self._hours().values_list("datastream").annotate(*SUMS)}

    def _facts(self, found: Mapping[int, _Hours]) -> dict[str, Any]:
        newest = max((hours.newest for hours in found.values()), default=None)
        return {
            "newest": min(newest + timedelta(hours=1), self._asked.at) if newest else None,
            "total": sum(hours.count for hours in found.values()),
            "simulated": sum(hours.count for pk, hours in found.items() if self.streams[pk].is_simulated),
        }

    def _over(self) -> Result:
        """One number a station, or one for all; the least and the most lead to their station."""
        found, measure = self._by_stream(), self._body["measure"]
        facts = self._facts(found)
        if THING in self._body.get("by", []):
            order = self._ordered({pk: hours.value(measure) for pk, hours in found.items()})
            made = [Row((self._name(pk), self._round(found[pk].value(measure))), (pk,), self._page(pk)) for pk in order]
            return self._result((Column(THING, PLACE_TITLE),), made, missing=tuple(self._left(found, order)), **facts)
        if not found:
            return self._result((), [Row((None,))], **facts)
        if measure != "avg":
            choose = min if measure == "min" else max
            facts["href"] = self._page(choose(found, key=lambda pk: found[pk].value(measure)))
        return self._result((), [Row((self._round(_together(found.values()).value(measure)),))], **facts)

    def _series(self) -> Result:
        """A line over time, one for all or one a station that has any; nothing was measured where there is no value."""
        by_stream, each, measure = self._by_stream(), self._body["each"], self._body["measure"]
        is_by_thing = THING in self._body.get("by", [])
        lines = sorted(by_stream, key=self._name)[:MOST_LINES] if is_by_thing else [None]
        found: dict[tuple[str, Any], _Hours] = {}
        drawn = self._hours().filter(datastream__in=lines) if is_by_thing else self._hours()
        for hour, *which, count, total, least, most, newest in drawn.values_list(
            "hour", *(["datastream"] if is_by_thing else [])
        ).annotate(*SUMS):
            name = hour.astimezone(spans.COUNTY_ZONE).strftime(spans.EACH[each])
            key = name, which[0] if which else None
            found[key] = _Hours(count, total, least, most, newest).with_(found.get(key))
        steps = [name for name, _start, _end in spans.steps(self._span, each)]
        rows = [
            Row(
                (step, *([self._name(line)] if line else []),
                 self._round(hours.value(measure) if (hours := found.get((step, line))) else None)),
                (step, line), self._page(line) if line else "",
            )
            for line in lines for step in steps
        ]  # fmt: skip
        empty = sum(all((step, line) not in found for line in lines) for step in steps)
        missing = self._silent(by_stream) if is_by_thing else []
        if empty:
            missing.append(_names(f"{len(steps)} 个时段中 {empty} 个无数据", f"{empty} of {len(steps)} empty"))
        if is_by_thing and (left := len(by_stream) - len(lines)):
            missing.append(_names(f"另有 {left} 个站未画出", f"{left} more stations are not drawn"))
        names = (Column("time", HOUR_TITLE, "time"), *([Column(THING, PLACE_TITLE)] if is_by_thing else []))
        return self._result(names, rows, missing=tuple(missing), **self._facts(by_stream))


def _together(found: Iterable[_Hours]) -> _Hours:
    return reduce(_Hours.with_, found)


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
