"""Pages of alarms: only what one may see, cleared by hand with the right and a reason, rules in words."""

from __future__ import annotations

import io
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from openpyxl import load_workbook
from tests.engines.alarms.jugs import warm
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms.models import Alarm
from shizhu.engines.cases.models import Case
from shizhu.kernel.models import County, Grant, OutboxEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def east(county: County) -> Alarm:
    return warm(county, "E", "101")


@pytest.fixture
def west(county: County) -> Alarm:
    return warm(county, "W", "102")


def state() -> list[tuple[Any, ...]]:
    rows = Alarm.objects.order_by("pk").values_list("state", "cleared_why", "cleared_by", "cleared_at")
    return [*rows, OutboxEvent.objects.count()]


def test_a_list_has_the_alarms_one_may_see(county: County, east: Alarm, west: Alarm) -> None:
    near = browser(person(county, "alarms.alarm.view", in_area="101"))
    all_ = browser(person(county, "alarms.alarm.view"))
    assert [row.alarm.id for row in near.get("/alarms/").context["rows"]] == [east.pk]
    assert [row.alarm.id for row in all_.get("/alarms/").context["rows"]] == [west.pk, east.pk]  # the newest first
    Alarm.objects.filter(pk=east.pk).update(level="red")
    assert [row.alarm.id for row in all_.get("/alarms/").context["rows"]] == [east.pk, west.pk]
    page = text(near.get("/alarms/"))
    assert [
        part for part in ("E号罐", "东镇", "柠檬水太热", "31.5 ℃", "≤ 30 ℃", "模拟", "未解除") if part not in page
    ] == []


def test_above_the_list_are_those_one_may_see_by_level_on_the_map_and_by_day(
    county: County, east: Alarm, west: Alarm
) -> None:
    near = browser(person(county, "alarms.alarm.view", in_area="101"))
    all_ = browser(person(county, "alarms.alarm.view"))
    Alarm.objects.filter(pk=east.pk).update(level="red", raised_at=timezone.now())
    seen = all_.get("/alarms/")
    assert [(level, count) for level, count, _url in seen.context["levels"]] == [
        ("red", 1), ("orange", 0), ("yellow", 1), ("blue", 0),
    ]  # fmt: skip
    red = all_.get(f"/alarms/?{seen.context['levels'][0][2]}")
    assert ([row.alarm.id for row in red.context["rows"]], "levels" in red.context) == ([east.pk], False)
    (spot,) = seen.context["spots"].places  # both jugs stand at one place
    assert (spot.count, spot.level, "E号罐 · 2" in seen.content.decode()) == (2, "red", True)
    days = seen.context["days"]
    assert (len(days.days), days.most, [day.count for day in days.days]) == (14, 1, [0] * 13 + [1])
    assert [(part.level, part.y, part.height) for part in days.days[-1].parts] == [("red", 0, 100)]
    assert [(level, count) for level, count, _url in near.get("/alarms/").context["levels"] if count] == [("red", 1)]
    (spot,) = near.get("/alarms/").context["spots"].places
    assert spot.count == 1
    assert "levels" not in all_.get("/alarms/?state=all").context


def test_a_list_is_narrowed_and_taken_away_as_it_is_asked_for(county: County, east: Alarm, west: Alarm) -> None:
    boss = browser(person(county, "alarms.*", username="boss"))
    Alarm.objects.filter(pk=west.pk).update(level="red", acknowledged_at=west.raised_at)
    for asked, found in (
        ("level=red", [west]), ("level=blue", []), (f"town={county.pk}101", [east]), ("rule=lemonade.none", []),
        (f"rule={east.rule}", [west, east]), ("state=all&level=yellow", [east]), ("filter=level='red'", [west]),
    ):  # fmt: skip
        seen = boss.get(f"/alarms/?{asked}")
        assert [row.alarm.id for row in seen.context["rows"]] == [one.pk for one in found], asked
        rows = list(load_workbook(io.BytesIO(boss.get(f"/alarms/table.xlsx?{asked}").content)).active.values)
        assert [row[1] for row in rows[1:]] == ["W号罐" if one == west else "E号罐" for one in found], asked
    assert "没有符合条件的告警" in text(boss.get("/alarms/?level=blue"))
    head, row = load_workbook(io.BytesIO(boss.get("/alarms/table.xlsx?level=red").content)).active.values
    at, since = (timezone.localtime(one).replace(tzinfo=None) for one in (west.raised_at, west.since))
    assert dict(zip(head, row, strict=True)) == {
        "级别": "红", "地点": "W号罐", "乡镇": "西镇", "内容": "柠檬水太热", "数值": 31.5, "单位": "℃",
        "限值": "≤ 30", "起始": since, "触发时间": at, "触发次数": 1, "状态": "未解除", "签收时间": at, "责任人": None,
        "解除时间": None, "理由": None, "模拟": "是",
    }  # fmt: skip
    assert browser(person(county, "cases.*", username="z")).get("/alarms/table.xlsx").status_code == 403


def test_who_has_no_right_gets_no_page(county: County, east: Alarm) -> None:
    stranger, far = browser(person(county, "cases.*")), browser(person(county, "alarms.*", in_area="102"))
    for address in ("/alarms/", "/alarms/rules/", f"/alarms/{east.pk}/"):
        assert stranger.get(address).status_code == 403
    assert far.get(f"/alarms/{east.pk}/").status_code == 403
    assert far.get("/alarms/999999/").status_code == 404


def test_one_alarm_tells_what_where_when_and_by_which_rule(county: County, east: Alarm) -> None:
    page = browser(person(county, "alarms.alarm.view")).get(f"/alarms/{east.pk}/")
    parts = [
        "E号罐 · 柠檬水太热",
        "31.5 ℃ · 触发时 · 限值 ≤ 30 ℃",
        "东镇 · stand",
        "2026-07-01 20:00",
        "加冰。",
        "模拟",
    ]
    assert [part for part in parts if part not in text(page)] == []
    english = text(browser(person(county, "alarms.alarm.view"), "en").get(f"/alarms/{east.pk}/"))
    assert [
        part for part in ("Lemonade too warm", "limit ≤ 30 ℃", "Add ice.", "simulated") if part not in english
    ] == []


def test_the_way_to_the_case_is_there_for_those_who_see_cases(county: County, east: Alarm) -> None:
    address = f'href="/cases/of-alarm/{east.pk}"'
    for verbs, shown in ((("alarms.alarm.view",), 0), (("alarms.alarm.view", "cases.case.view"), 1)):
        client = browser(person(county, *verbs))
        for page in ("/alarms/", f"/alarms/{east.pk}/"):
            assert client.get(page).content.decode().count(address) == shown


def test_a_case_is_opened_for_an_alarm_that_starts_none(county: County, east: Alarm) -> None:
    Case.objects.all().delete()
    blind = browser(person(county, role="lemonade.maker", in_area="101", of="stand"))
    town, form = f"{county.pk}101", {"area": f"{county.pk}101", "title": "降温", "cups": "2"}
    way = f"/cases/new/lemonade.order/?{urlencode({'alarm': east.pk, 'title': '柠檬水太热', 'area': town})}"
    assert blind.get(f"/cases/of-alarm/{east.pk}")["Location"] == "/cases/"
    assert blind.post(way, form).status_code == 404
    Grant.objects.create(county=county, role_id="lemonade.maker", verb="alarms.alarm.view")
    maker = browser(person(county, role="lemonade.maker", in_area="101", of="stand"))
    page = maker.get(f"/cases/of-alarm/{east.pk}")
    assert "这条告警没有自动启动的流程。" in text(page)
    assert way.replace("&", "&amp;") in page.content.decode()
    assert "针对告警 柠檬水太热" in text(maker.get(way))
    assert maker.post(way.replace(f"alarm={east.pk}", "alarm=999999"), form).status_code == 404
    assert not Case.objects.exists()
    maker.post(way, form)
    case = Case.objects.get()
    assert (case.alarm, case.datastream, case.origin, case.title) == (east.pk, east.datastream, east.origin, "降温")
    assert maker.get(f"/cases/of-alarm/{east.pk}")["Location"] == f"/cases/{case.pk}/"
    assert maker.post(way, form).status_code == 404
    assert Case.objects.count() == 1


def test_clearing_needs_the_right_here_a_reason_and_a_post(county: County, east: Alarm) -> None:
    before = state()
    address = f"/alarms/{east.pk}/clear"
    for verbs, town in ((("alarms.alarm.view",), "101"), (("alarms.*",), "102"), (("cases.*",), "")):
        assert browser(person(county, *verbs, in_area=town)).post(address, {"why": "x"}).status_code == 403
    boss = browser(person(county, "alarms.alarm.*", in_area="101"))
    assert boss.get(address).status_code == 405
    assert told(boss.post(address, {"why": "  "}, follow=True)) == ["请写明解除原因，它会随告警保存。"]
    assert state() == before


def test_cleared_once_it_says_by_whom_and_why(county: County, east: Alarm) -> None:
    boss = browser(person(county, "alarms.alarm.*", username="boss"))
    assert 'name="why"' in boss.get(f"/alarms/{east.pk}/").content.decode()
    page = boss.post(f"/alarms/{east.pk}/clear", {"why": "加了冰"}, follow=True)
    assert told(page) == ["告警已解除。"]
    assert [part for part in ("boss", "加了冰") if part not in text(page)] == []
    assert 'name="why"' not in page.content.decode()
    after = state()
    assert told(boss.post(f"/alarms/{east.pk}/clear", {"why": "又一次"}, follow=True)) == ["这条告警已被他人解除。"]
    assert state() == after
    assert boss.get("/alarms/").context["rows"] == []
    assert [row.alarm.id for row in boss.get("/alarms/?state=all").context["rows"]] == [east.pk]


def test_an_empty_list_says_what_would_fill_it(county: County) -> None:
    client = browser(person(county, "alarms.alarm.view"))
    assert "没有未解除的告警" in text(client.get("/alarms/"))
    assert "还没有告警" in text(client.get("/alarms/?state=all"))


def test_rules_are_told_in_words_with_what_they_judge(county: County, east: Alarm) -> None:
    page = browser(person(county, "alarms.alarm.view")).get("/alarms/rules/")
    found = [(rule["key"], rule["condition"], rule["counts"]["judged"]) for rule in page.context["rules"]]
    assert found == [
        ("lemonade.nearly_empty", "液位 · < 5 cm · 持续至少 10\xa0分钟", 1),
        ("lemonade.too_warm", "温度 · > 30 ℃ · 持续至少 10\xa0分钟 · 恢复正常 5\xa0分钟后解除", 1),
    ]


def test_the_search_finds_the_alarms_one_may_see(county: County) -> None:
    east, west = warm(county, "E", "101"), warm(county, "W", "102")

    def found(client: Any, **asked: str) -> list[tuple[str, str]]:
        groups = client.get("/search", asked).context["groups"]
        return [(hit.title, hit.url) for group in groups if group.key == "alarms" for hit in group.hits]

    wide, near = (browser(person(county, "alarms.alarm.view", in_area=town)) for town in ("", "101"))
    first, second = [("柠檬水太热", f"/alarms/{alarm.pk}/") for alarm in (east, west)]
    assert sorted(found(wide, q="太热")) == sorted([first, second])
    assert found(near, q="太热") == [first]
    assert found(wide, q="太热 西镇") == [second]
    assert found(wide, q="太热", area="990001102") == [second]
    assert found(wide, q="太冷") == found(browser(person(county, "cases.case.view")), q="太热") == []
