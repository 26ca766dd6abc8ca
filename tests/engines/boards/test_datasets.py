"""What each engine offers to count: the same for pages and boards, bounded by who asks, and as it was at a moment."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.engines.alarms.jugs import NOON, warm
from tests.fixtures import area, person
from tests.web.pages import browser

from shizhu.engines.alarms.models import Alarm
from shizhu.engines.boards import panels
from shizhu.engines.cases import api as cases
from shizhu.engines.cases.models import Case
from shizhu.engines.plan.models import Indicator, Plan, Value
from shizhu.engines.things import datasets as things
from shizhu.engines.things.models import Datastream, Device, Hour, Latest
from shizhu.kernel import access
from shizhu.kernel.datasets import Result
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
VERBS = ("alarms.alarm.view", "cases.case.view", "things.thing.view", "plan.plan.view")
LATER = NOON + timedelta(days=1)


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    panels.forget()
    yield
    panels.forget()


@pytest.fixture
def alarms(county: County) -> list[Alarm]:
    """One in each town, the one in the west cleared after an hour."""
    made = [warm(county, key, town) for key, town in (("E1", "101"), ("W1", "102"))]
    cleared = {"state": "cleared", "cleared_at": made[1].raised_at + timedelta(hours=1)}
    Alarm.objects.filter(pk=made[1].pk).update(**cleared)
    return made


@pytest.fixture
def orders(county: County, alarms: list[Alarm]) -> list[Case]:
    """Open and in time, open and late, closed in time; the first came of an alarm."""
    made = []
    spans = ((1, None), (5, None), (4, 1))  # opened so many days before LATER, closed after so many
    for number, (ago, took) in enumerate(spans):
        opening = cases.Opening("lemonade.order", f"{number}杯", area(county, "101"), {"title": "杯子"})
        case = cases.open_case(opening)
        opened = LATER - timedelta(days=ago)
        closed = opened + timedelta(days=took) if took else None
        own = {"opened_at": opened, "due_at": opened + timedelta(days=2), "closed_at": closed}
        own |= {"status": "closed"} if closed else {}
        own |= {"alarm": alarms[0].pk, "datastream": alarms[0].datastream} if number == 0 else {}
        Case.objects.filter(pk=case.pk).update(**own)
        made.append(Case.objects.get(pk=case.pk))
    return made


def ask(who: Person, query: dict[str, Any], at: datetime = LATER) -> Result:
    panel = {"key": "one", "title": {"zh": "一", "en": "One"}, "kind": "number", "query": query}
    found = panels.ask(panel, access.actor(who), who.county_id, at)
    assert found.problem == ""
    return found.result


def pairs(result: Result) -> list[tuple[Any, ...]]:
    return [tuple(cell["zh"] if isinstance(cell, dict) else cell for cell in row.cells) for row in result.rows]


def test_alarms_are_counted_as_they_were_at_a_moment(county: County, alarms: list[Alarm]) -> None:
    who = person(county, *VERBS)
    still_open = {"from": "alarms", "where": "is_open = TRUE"}
    moments = [NOON, alarms[0].raised_at + timedelta(minutes=1), LATER]
    assert [ask(who, still_open, at).value for at in moments] == [0, 2, 1]
    result = ask(who, {"from": "alarms", "by": ["_town"]})
    assert (pairs(result), result.simulated, result.total) == ([("东镇", 1), ("西镇", 1)], 2, 2)
    assert pairs(ask(who, {"from": "alarms", "by": ["level"]}))[0][1] == 2
    (row,) = ask(who, {**still_open, "rows": ["level"]}).rows
    assert row.cells[0]["zh"].startswith("E1号罐 · ")
    Alarm.objects.filter(pk=alarms[0].pk).update(level="red")
    worst_first = {"from": "alarms", "rows": ["severity"], "order": "-severity"}
    assert [row.keys for row in ask(who, worst_first).rows] == [(4,), (2,)]


def test_cases_are_open_late_and_closed_in_time(county: County, orders: list[Case]) -> None:
    who = person(county, *VERBS)
    base = {"from": "cases", "of": "lemonade.order"}
    numbers = {
        "all": {}, "open": {"where": "is_open = TRUE"}, "late": {"where": "is_open = TRUE AND is_late = TRUE"},
        "in_time": {"where": "is_open = FALSE", "measure": "share", "that": "in_time = TRUE"},
        "hours": {"where": "is_open = FALSE", "measure": "median", "field": "hours"},
        "day": {"during": {"time": "opened_at", "span": "PT24H"}}, "alarm": {"where": "from_alarm = TRUE"},
    }  # fmt: skip
    found = {name: ask(who, {**base, **query}).value for name, query in numbers.items()}
    assert found == {"all": 3, "open": 2, "late": 1, "in_time": 100, "hours": 24, "day": 1, "alarm": 1}
    assert pairs(ask(who, {**base, "by": ["outcome"]})) == [("在办", 2), ("办结", 1)]
    before = {**base, "by": ["outcome"]}, orders[2].closed_at
    assert pairs(ask(who, *before)) == [("在办", 2)]
    assert pairs(ask(who, {**base, "by": ["from_alarm"]})) == [("告警触发", 1), ("人工上报", 2)]
    three_days_ago = LATER - timedelta(days=3, hours=12)
    assert ask(who, {**base, "where": "is_open = TRUE"}, three_days_ago).value == 2


def test_cases_of_all_flows_of_a_pack_are_counted(county: County, orders: list[Case]) -> None:
    who = person(county, *VERBS)
    stall = cases.open_case(cases.Opening("lemonade.new_stall", "新摊", area(county, "101"), {"title": "新摊"}))
    Case.objects.exclude(pk__in=[orders[0].pk, stall.pk]).update(flow="lemonades.order")
    Case.objects.filter(pk=stall.pk).update(opened_at=orders[0].opened_at)
    found = ask(who, {"from": "cases", "of": "lemonade"})
    assert (found.value, found.source["zh"], found.href) == (2, "柠檬水摊", "/cases/?status=all&flow=lemonade")
    page = browser(who).get(found.href)
    assert {row["case"].pk for row in page.context["rows"]} == {orders[0].pk, stall.pk}
    assert '<option value="lemonade" selected>柠檬水摊</option>' in page.content.decode()


def test_the_story_of_an_event_says_what_is_still_to_come(county: County, orders: list[Case]) -> None:
    result = ask(person(county, *VERBS), {"from": "cases", "timeline": True}, LATER + timedelta(days=400))
    phases = list(dict.fromkeys(row.keys[0] for row in result.rows))
    assert phases == ["sense", "warn", "act", "account"]
    assert (result.rows[-1].cells[1], result.rows[-1].cells[2]) == (None, "尚未到")
    assert result.href == f"/cases/{orders[0].pk}/"


@pytest.mark.parametrize(
    "query",
    [
        {"from": "alarms"}, {"from": "alarms", "where": "is_open = TRUE"}, {"from": "alarms", "by": ["_town"]},
        {"from": "alarms", "by": ["rule"]}, {"from": "alarms", "by": ["raised_at"], "each": "day"},
        {"from": "cases"}, {"from": "cases", "of": "lemonade.order", "where": "is_late = TRUE"},
        {"from": "cases", "of": "lemonade", "where": "is_late = TRUE"},
        {"from": "cases", "of": "lemonade", "by": ["flow"]},
        {"from": "cases", "by": ["is_open"]}, {"from": "cases", "by": ["_town"]}, {"from": "cases", "by": ["flow"]},
        {"from": "cases", "by": ["opened_at"], "each": "day"}, {"from": "devices"},
        {"from": "devices", "by": ["state"]},
        {"from": "devices", "by": ["profile"]}, {"from": "devices", "by": ["_town"]},
    ],
)  # fmt: skip
@pytest.mark.parametrize("town", ["", "101"])
def test_every_number_leads_to_as_many_rows(
    county: County, orders: list[Case], query: dict[str, Any], town: str
) -> None:
    who = person(county, *VERBS, in_area=town)
    result, client = ask(who, query, datetime.now(UTC)), browser(who)
    grouped = [(row.href, row.cells[-1]) for row in result.rows] if "by" in query else []
    for href, count in [*grouped, (result.href, result.total)]:
        assert client.get(href).context["page"].paginator.count == count, href


@pytest.mark.parametrize("page", ["/alarms/", "/cases/", "/things/"])
def test_a_condition_that_nobody_understands_shows_nothing(county: County, alarms: list[Alarm], page: str) -> None:
    answer = browser(person(county, *VERBS)).get(f"{page}?filter=nope%20%3D%201")
    assert answer.status_code == 200
    assert answer.context["page"].paginator.count == 0
    assert "条件无法识别：" in answer.content.decode()


def test_devices_are_online_silent_or_off(county: County, alarms: list[Alarm]) -> None:
    now = datetime.now(UTC)
    Device.objects.filter(key="E1").update(last_seen=now - timedelta(minutes=5))
    who = person(county, *VERBS)
    assert pairs(ask(who, {"from": "devices", "by": ["state"]}, now)) == [("在线", 1), ("离线", 1)]
    share = {"from": "devices", "measure": "share", "that": "state = 'online'"}
    result = ask(who, share, now)
    assert (result.value, result.total, result.base, result.missing[0]["zh"]) == (50, 1, 2, "1 / 2 条")


def test_readings_tell_the_newest_and_the_hours_and_what_is_missing(
    county: County, alarms: list[Alarm], monkeypatch: pytest.MonkeyPatch
) -> None:
    streams = {key: Datastream.objects.get(thing__devices__key=key, key="temperature").pk for key in ("E1", "W1")}
    hours = [("E1", 0, 2, 40.0, 18.0, 22.0), ("E1", 2, 1, 30.0, 30.0, 30.0), ("W1", 0, 1, 10.0, 10.0, 10.0)]
    for key, hour, count, total, least, most in hours:
        values = {"count": count, "total": total, "least": least, "most": most}
        Hour.objects.create(datastream_id=streams[key], hour=NOON + timedelta(hours=hour), **values)
    newest = {"first_time": NOON, "phenomenon_time": NOON, "last_end": NOON, "known_at": NOON}
    Latest.objects.create(datastream_id=streams["E1"], result=21.5, verdict=0, origin=1, **newest)
    who, end = person(county, *VERBS), NOON + timedelta(hours=3)
    base = {"from": "readings", "of": "lemonade.jug", "property": "temperature"}
    latest = ask(who, base, end)
    assert pairs(latest) == [("E1号罐", NOON, 21.5)]
    assert (latest.simulated, [m["zh"] for m in latest.missing]) == (1, ["W1号罐 无数据"])
    during = {"during": {"span": "PT3H"}}
    assert ask(who, {**base, **during, "measure": "avg"}, end).value == 20.0
    least, most = (ask(who, {**base, **during, "measure": measure}, end) for measure in ("min", "max"))
    assert [(one.value, one.href) for one in (least, most)] == [
        (value, f"/things/{Datastream.objects.get(pk=streams[key]).thing_id}/?stream={streams[key]}")
        for value, key in ((10.0, "W1"), (30.0, "E1"))
    ]
    series = ask(who, {**base, **during, "measure": "avg", "each": "hour"}, end)
    assert [row.cells[-1] for row in series.rows] == [16.7, None, 30.0]
    assert [m["zh"] for m in series.missing] == ["3 个时段中 1 个无数据"]
    one = ask(who, {**base, **during, "measure": "avg", "each": "hour", "device": "W1"}, end)
    assert one.href.endswith(f"?stream={streams['W1']}")
    both = ask(who, {**base, **during, "measure": "max", "each": "hour", "by": ["_thing"]}, end)
    assert [row.cells[-1] for row in both.rows] == [22.0, None, 30.0, 10.0, None, None]
    monkeypatch.setattr(things, "MOST_LINES", 1)
    one = ask(who, {**base, **during, "measure": "max", "each": "hour", "by": ["_thing"]}, end)
    assert [row.cells[-1] for row in one.rows] == [22.0, None, 30.0]
    assert one.missing[-1] == {"zh": "另有 1 个站未画出", "en": "1 more stations are not drawn"}
    first = ask(who, {**base, "during": {"span": "PT1H"}, "measure": "max", "each": "hour", "by": ["_thing"]}, end)
    assert (pairs(first)[0][1:], first.missing[0]["zh"]) == (("E1号罐", 30.0), "W1号罐 无数据")
    monkeypatch.setattr(things, "MOST_NAMES", 1)
    none = ask(who, {**base, "during": {"span": "PT1M"}, "measure": "avg"}, NOON)
    assert (none.value, ask(who, base, NOON).missing[0]["en"]) == (None, "no data from E1号罐 and 1 more")
    few = ask(who, {**base, **during, "measure": "avg", "by": ["_thing"], "order": "value", "top": 1}, end)
    assert (pairs(few), few.missing[0]["zh"]) == ([("W1号罐", 10.0)], "另有 1 个站未列出")
    east = person(county, *VERBS, in_area="101")
    assert pairs(ask(east, {**base, **during, "measure": "avg", "by": ["_thing"]}, end)) == [("E1号罐", 23.3)]


def test_the_plan_tells_its_lights(county: County) -> None:
    plan = Plan.objects.create(county=county, code="plan", title="甲县规划")
    aim = {"base_year": 2020, "base_value": 10.0, "target_year": 2025, "target_value": 20.0}
    for key, number in (("a", 21), ("b", 11), ("c", None)):
        row = Indicator.objects.create(plan=plan, key=key, name=key, **aim)
        if number:
            Value.objects.create(indicator=row, period="2025", value=number, source="reported", is_simulated=True)
    who = person(county, *VERBS)
    now = datetime(2026, 7, 1, tzinfo=UTC)
    lights = ask(who, {"from": "plan", "of": "indicators", "by": ["light"]}, now)
    assert (pairs(lights), lights.simulated) == ([("达到进度", 1), ("接近", 0), ("滞后", 1), ("未判断", 1)], 2)
    client = browser(who)
    for row in lights.rows:
        assert len(client.get(row.href).context["lines"]) == row.cells[1], row.href
    assert ask(who, {"from": "plan", "light": "red"}, now).value == 1
    rows = ask(who, {"from": "plan", "rows": ["name"]}, now)
    assert [(row.cells[0], row.cells[4], row.cells[5]) for row in rows.rows] == [
        ("b", 10.0, "red"), ("a", 110.0, "green"), ("c", None, "none"),
    ]  # fmt: skip
