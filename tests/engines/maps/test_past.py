"""The map as it was: readings, alarms, cases and records at a time past, and how many were open when."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.alarms.jugs import NOON, warm
from tests.fixtures import area, organisation, person
from tests.web.pages import browser

from shizhu.engines.alarms import api as alarms
from shizhu.engines.cases import api as cases
from shizhu.engines.cases.models import Case
from shizhu.engines.maps import layers
from shizhu.engines.maps.logic.past import counted
from shizhu.engines.records import api as records
from shizhu.engines.records.models import Record
from shizhu.engines.things import api as things
from shizhu.engines.things.models import HistoricalLocation, Observation
from shizhu.kernel.access import Actor
from shizhu.kernel.models import County

pytest_plugins = ["tests.engines.records.stalls"]
pytestmark = pytest.mark.django_db


def seen(client: Any, key: str, at: datetime) -> list[dict[str, Any]]:
    answer = client.get(f"/map/layers/{key}.geojson?{urlencode({'at': at.isoformat()})}")
    assert answer.status_code == 200
    return [feature["properties"] for feature in json.loads(answer.content)["features"]]


def test_stations_have_the_values_of_then(county: County) -> None:
    stream = warm(county, "E", "101").datastream
    known = {"verdict": 0, "origin": 1, "known_at": NOON}
    for number, minute, sequence, value in ((1, 0, 0, 20.0), (2, 10, 0, 21.0), (3, 10, 1, 21.5), (4, 20, 0, 22.0)):
        time = NOON + timedelta(minutes=minute)
        row = {"id": number, "datastream_id": stream, "phenomenon_time": time, "sequence": sequence, "result": value}
        Observation.objects.create(**row, **known)
    client = browser(person(county, "*"))

    def value(minutes: int) -> float | None:
        (jug,) = seen(client, "lemonade.jugs", NOON + timedelta(minutes=minutes))
        shown: float | None = next(one["value"] for one in jug["values"] if one["id"] == stream)
        return shown

    assert [value(minutes) for minutes in (-1, 0, 9, 10, 19, 60)] == [None, 20.0, 20.0, 21.5, 21.5, 22.0]
    assert seen(browser(person(county, "*", in_area="102")), "lemonade.jugs", NOON) == []


def test_a_thing_that_moved_is_where_it_was(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    alarm = warm(county, "E", "101")
    HistoricalLocation.objects.update(time=NOON - timedelta(hours=2))
    stream = things.describe([alarm.datastream])[alarm.datastream]
    owner = organisation(county, "stand")
    things.register(things.Registration("E", "lemonade.jug", "E号罐", owner, area(county, "101"), (100.8, 30.6)))
    HistoricalLocation.objects.exclude(time=NOON - timedelta(hours=2)).update(time=NOON + timedelta(hours=1))
    client, west = browser(person(county, "*")), browser(person(county, "*", in_area="102"))

    def places(key: str, query: dict[str, str], who: Any = client) -> list[list[float]]:
        answer = who.get(f"/map/layers/{key}.geojson?{urlencode(query)}")
        assert answer.status_code == 200
        return [[round(x, 3) for x in one["geometry"]["coordinates"]] for one in json.loads(answer.content)["features"]]

    def at(hours: float, **more: str) -> dict[str, str]:
        return {"at": (NOON + timedelta(hours=hours)).isoformat(), **more}

    old, new = [[100.2, 30.2]], [[100.8, 30.6]]
    assert stream.point == (100.2, 30.2)
    assert [places("lemonade.jugs", at(hours)) for hours in (-24, -2, 0, 0.9, 1, 48)] == [old] * 4 + [new] * 2
    assert [places("lemonade.alarms", at(hours)) for hours in (0.9, 1)] == [old, new]
    assert [places(key, {}) for key in ("lemonade.jugs", "lemonade.alarms")] == [new, new]
    assert places("lemonade.jugs", at(0), west) == []
    there, here = "100.1,30.1;100.3,30.3", "100.7,30.5;100.9,30.7"
    assert [places("lemonade.jugs", at(h, box=box)) for box in (there, here) for h in (0, 2)] == [old, [], [], new]
    monkeypatch.setattr(layers, "MANY", 0)
    far = {"box": "100,30;101,31", "zoom": "7"}
    assert [places("lemonade.jugs", query) for query in (at(0, **far), at(2, **far), far)] == [old, new, new]


def test_alarms_and_cases_are_those_that_were_open(county: County) -> None:
    alarm = warm(county, "E", "101")
    cases.open_case(cases.Opening("lemonade.order", "换冰", area(county, "101"), {"title": "换冰"}))
    Case.objects.update(opened_at=alarm.raised_at + timedelta(hours=1))
    client, west = browser(person(county, "*")), browser(person(county, "*", in_area="102"))

    def open_at(hours: float, who: Any = client) -> tuple[int, int]:
        at = alarm.raised_at + timedelta(hours=hours)
        return len(seen(who, "lemonade.alarms", at)), len(seen(who, "lemonade.orders", at))

    assert [open_at(hours) for hours in (-0.1, 0, 0.9, 1, 48)] == [(0, 0), (1, 0), (1, 0), (1, 1), (1, 1)]
    alarms.clear(alarm.pk, person=None, why="测试")
    alarm.refresh_from_db()
    type(alarm).objects.update(cleared_at=alarm.raised_at + timedelta(hours=2))
    Case.objects.update(status="closed", closed_at=alarm.raised_at + timedelta(hours=3))
    assert [open_at(hours) for hours in (0, 1.9, 2, 2.9, 3)] == [(1, 0), (1, 1), (0, 1), (0, 1), (0, 0)]
    assert open_at(1.5, west) == (0, 0)
    start, end = alarm.raised_at - timedelta(hours=1), alarm.raised_at + timedelta(hours=4)
    asked = urlencode({"from": start.isoformat(), "to": end.isoformat(), "steps": 6})
    told = [json.loads(who.get(f"/map/activity?{asked}").content) for who in (client, west)]
    assert [[one["values"] for one in each["series"]] for each in told] == [
        [[0, 1, 1, 0, 0, 0], [0, 0, 1, 1, 0, 0]], [[0] * 6, [0] * 6],
    ]  # fmt: skip
    assert [datetime.fromisoformat(told[0]["times"][n]) for n in (0, -1)] == [start, end]


def test_records_are_where_they_were(county: County, stall: Any, root: Actor) -> None:
    event: Any = Record.pgh_event_model  # type: ignore[attr-defined]
    day = timezone.now() - timedelta(days=3)
    one, other = stall(at=(100.7, 30.5), kind="cart"), stall(at=(100.2, 30.5), kind="cart", area="102")
    event.objects.update(pgh_created_at=day)
    changed = {**one.data, "kind": "booth"}
    records.update(root, one.id, changed, version=1)
    event.objects.filter(version=2).update(pgh_created_at=day + timedelta(days=1))
    records.withdraw(root, other.id, version=1)
    event.objects.filter(state="withdrawn").update(pgh_created_at=day + timedelta(days=2))
    client, east = browser(person(county, "*")), browser(person(county, "*", in_area="101"))

    def shown(days: float, who: Any = client) -> list[tuple[str, str]]:
        return [(told["name"], told["text"]) for told in seen(who, "lemonade.stalls", day + timedelta(days=days))]

    assert shown(-1) == []
    assert shown(0.5) == [("1号摊", "推车"), ("2号摊", "推车")]
    assert shown(1.5) == [("1号摊", "亭子"), ("2号摊", "推车")]
    assert shown(2.5) == [("1号摊", "亭子")]
    assert shown(0.5, east) == [("1号摊", "推车")]
    assert shown(0.5, browser(person(county, "maps.*"))) == []


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("from=x&to=y", "from: 'x': must be a time with zone such as 2026-01-31T08:00:00Z"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "to: 2026-01-01T00:00:00+00:00: must be after from"),
        ("from=2026-01-01T00:00:00Z&to=2026-01-02T00:00:00Z&steps=9999",
         "steps: '9999': must be a whole number from 2 to 200"),
    ],
)  # fmt: skip
def test_a_span_that_is_none_is_refused(county: County, query: str, why: str) -> None:
    answer = browser(person(county, "*")).get(f"/map/activity?{query}")
    assert (answer.status_code, json.loads(answer.content)) == (400, {"error": why})
    assert browser(person(county, "alarms.*")).get(f"/map/activity?{query}").status_code == 403


TIMES = st.integers(0, 50).map(lambda n: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=n))
SPANS = st.lists(st.tuples(TIMES, st.none() | TIMES).filter(lambda pair: pair[1] is None or pair[0] <= pair[1]))


@given(SPANS, st.lists(TIMES).map(sorted))
def test_counting_is_looking_at_each(spans: list[tuple[datetime, datetime | None]], times: list[datetime]) -> None:
    looked = [sum(start <= time and (end is None or time < end) for start, end in spans) for time in times]
    assert counted(spans, times) == looked
