"""An administrator clicks rules together and tries them; nobody else does, and what cannot be is refused."""

from __future__ import annotations

from datetime import datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.alarms.sent import NOON, jug, minute, send
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms.http import drafting
from shizhu.engines.alarms.logic import examples
from shizhu.engines.alarms.logic.moments import time_of
from shizhu.engines.alarms.models import Alarm, Binding
from shizhu.engines.things.models import Thing
from shizhu.kernel import packs
from shizhu.kernel.models import County, Declaration
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db(transaction=True)
NEW = "/declarations/rules/new"
WARM = {"about": "lemonade.jug/temperature", "how": "above", "high": "30"}
EMPTY = {"about": "lemonade.jug/level", "how": "below", "low": "5"}
TENSE = {"about": "lemonade.jug/pressure", "how": "outside", "low": "90", "high": "110.5"}
SILENT = {"about": "lemonade.jug/temperature", "how": "missing", "minutes": "30"}


@pytest.fixture
def client(county: County) -> Client:
    return browser(person(county, "*", username="boss"))


def posted(*tests: dict[str, str], do: str = "save", read: str = "", **head: str) -> dict[str, str]:
    """What the page of a rule sends."""
    given = {"zh": "水罐异常", "en": "Jug in trouble", "level": "orange", "join": "any", "for": "3", **head}
    sent = {"do": do, "read": read, "order": ",".join(f"t{n}" for n, _test in enumerate(tests, 1))}
    sent |= {f"r.{word}": value for word, value in given.items()}
    return sent | {f"t.t{n}.{word}": value for n, test in enumerate(tests, 1) for word, value in test.items()}


def own(county: County) -> dict[str, Any]:
    """What the county has for rules of its own, without examples."""
    rows = Declaration.objects.filter(kind="rules", county=county, source="person", is_withdrawn=False)
    return {row.key: {name: value for name, value in row.body.items() if name != "examples"} for row in rows}


def test_a_rule_with_or_is_clicked_together_judges_changes_and_ends(county: County, client: Client) -> None:
    made = jug(county)
    page = client.post(NEW, posted(WARM, EMPTY, clear="2", advice="加冰或加水"), follow=True)
    assert page.redirect_chain == [("/declarations/rules/shui_guan_yi_chang/", 302)]
    assert told(page) == ["已保存。此后的每个读数都按此规则判断。"]
    jugs = {"profile": "lemonade.jug"}
    body = {
        "title": {"zh": "水罐异常", "en": "Jug in trouble"}, "level": "orange",
        "advice": {"zh": "加冰或加水", "en": "加冰或加水"}, "clear": {"for": "PT2M"},
        "when": {"any": [{**jugs, "property": "temperature", "above": 30}, {**jugs, "property": "level", "below": 5}],
                 "for": "PT3M"},
    }  # fmt: skip
    assert own(county) == {"local.shui_guan_yi_chang": body}
    send(made["level"], (0, 4), (3, 4))
    send(made["temperature"], (0, 20), (3, 20), (4, 20))
    found = Alarm.objects.filter(rule="local.shui_guan_yi_chang")
    assert [(alarm.level, alarm.limit, alarm.state) for alarm in found] == [("orange", "≥ 5", "open")]

    assert "温度 (℃)" in text(page)
    assert "满足其一" in page.context["reads"]
    row = Declaration.objects.get(key="local.shui_guan_yi_chang")
    changed = posted(WARM, EMPTY, TENSE, join="of", least="2", clear="2", advice="加冰或加水", read=row.digest)
    client.post(page.redirect_chain[0][0], changed)
    when = own(county)["local.shui_guan_yi_chang"]["when"]
    assert (len(when["of"]), when["at_least"]) == (3, 2)
    assert when["of"][2] == {**jugs, "property": "pressure", "below": 90, "above": 110.5}
    assert client.post(page.redirect_chain[0][0], changed).status_code == 422  # of a version that is not the newest
    client.post("/declarations/rules/local.shui_guan_yi_chang/withdraw")
    assert not Binding.objects.filter(rule="local.shui_guan_yi_chang").exists()


def test_it_is_tried_on_the_past_before_it_is_kept(county: County, client: Client) -> None:
    made = jug(county)
    send(made["temperature"], (0, 31), (3, 31), (4, 20), (60, 31), (64, 31), (65, 20))
    send(made["level"], (0, 20), (65, 20), (80, 3), (84, 3))
    before = everything_kept()
    span = {"from": f"{NOON:%Y-%m-%d}", "to": f"{NOON:%Y-%m-%d}"}
    page = client.post(NEW, {**posted(WARM, EMPTY, do="try"), **span})
    assert (len(page.context["trial"].firings), page.context["places"]) == (3, [("jug-1", 3)])
    assert "3 次" in text(page)
    page = client.post(NEW, {**posted(WARM, EMPTY, do="try", join="all"), **span})
    assert page.context["trial"].firings == []
    assert everything_kept() == before


def test_what_came_of_a_dry_run_is_said_where_it_was_asked_for(county: County, client: Client) -> None:
    """Beside its button; and whoever saves after it is not left at its place, where nothing is said."""
    for number in range(1, 8):
        send(jug(county, f"jug-{number}")["temperature"], (0, 31), (3, 31), (4, 20))
    day = f"{NOON:%Y-%m-%d}"
    page = client.post(NEW, {**posted(WARM, do="try", margin="2"), "from": day, "to": day})
    shown = page.content.decode()
    assert 'id="declare" method="post" action="/declarations/rules/new"' in shown
    assert (page.context["places"], page.context["others"]) == ([(f"jug-{n}", 1) for n in range(1, 6)], (2, 2))
    assert "其余地点 2 · 2" in text(page)
    assert "回差 2 ℃" in text(page)
    page = client.post(NEW, {**posted(WARM, do="try"), "from": "2026-05-02", "to": "2026-05-01"})
    card = page.content.decode().partition('id="dry-run"')[2]
    assert "请选择起止日期：最长一年，且不晚于今天。" in card


def test_lines_are_added_and_taken_away_and_nothing_typed_is_lost(county: County, client: Client) -> None:
    page = client.post(NEW, posted(WARM, EMPTY, do="add"))
    assert page.context["order"] == "t1,t2,t3"
    page = client.post(NEW, posted(WARM, EMPTY, do="remove:t1"))
    assert [line["test"]["about"] for line in page.context["tests"]] == ["lemonade.jug/level"]
    assert 'value="水罐异常"' in page.content.decode()


def test_stations_of_a_town_are_judged_together(county: County, client: Client) -> None:
    made = [jug(county, f"jug-{n}")["temperature"] for n in range(2)]
    client.post(NEW, posted({**WARM, "sources": "2"}, zone="town", **{"for": ""}))
    assert own(county)["local.shui_guan_yi_chang"]["when"] == {
        "zone": "town", "profile": "lemonade.jug", "property": "temperature", "above": 30, "at_least": 2
    }  # fmt: skip
    send(made[0], (0, 31))
    assert not Alarm.objects.filter(rule="local.shui_guan_yi_chang").exists()
    send(made[1], (1, 31))
    assert Alarm.objects.filter(rule="local.shui_guan_yi_chang").count() == 1


JUG = {"profile": "lemonade.jug"}
HOT = {**JUG, "property": "temperature"}


@pytest.mark.parametrize(
    ("test", "head", "when", "calendar"),
    [
        ({"how": "rises", "high": "5", "minutes": "60"}, {}, {"take": "change", "during": "PT60M", "above": 5}, None),
        ({"how": "falls", "high": "0.5", "minutes": "9"}, {},
         {"take": "change", "during": "PT9M", "below": -0.5}, None),
        ({"how": "rises_fast", "high": "5"}, {}, {"take": "rate", "above": 5}, None),
        ({"how": "falls_fast", "high": "5"}, {}, {"take": "rate", "below": -5}, None),
        ({"how": "stuck", "minutes": "240"}, {}, {"stuck": "PT240M"}, None),
        ({"how": "above", "high": "30"}, {"days": "holiday", "begins": "22:00", "ends": "06:00"}, {"above": 30},
         {"days": ["holiday"], "hours": ["22:00-06:00"]}),
        ({"how": "mean", "high": "25.5", "minutes": "60"}, {},
         {"take": "mean", "during": "PT60M", "above": 25.5}, None),
        ({"how": "sum", "high": "50", "minutes": "180"}, {}, {"take": "sum", "during": "PT180M", "above": 50}, None),
        ({"how": "mean_low", "low": "3"}, {"zone": "town"}, {"take": "mean", "below": 3, "zone": "town"}, None),
        ({"how": "above", "high": "30"}, {"opens": "11", "closes": "3"}, {"above": 30},
         {"months": [11, 12, 1, 2, 3]}),
        ({"how": "missing", "minutes": "600"}, {"days": "workday"}, {"missing": "PT600M"}, {"days": ["workday"]}),
    ],
)  # fmt: skip
def test_change_standstill_and_windows_are_clicked_and_come_back(
    county: County, client: Client, test: dict[str, str], head: dict[str, str], when: dict[str, Any], calendar: Any
) -> None:
    sent = {"about": "lemonade.jug/temperature", **test}
    page = client.post(NEW, posted(sent, **head), follow=True)
    body = own(county)["local.shui_guan_yi_chang"]
    assert (body["when"], body.get("calendar")) == ({**HOT, **when, "for": "PT3M"}, calendar)
    shown = page.context["tests"][0]["test"]
    assert {word: shown[word] for word in sent} == sent
    assert {word: page.context["typed"].words[word] for word in head} == head
    if calendar and "months" in calendar:
        assert "11–3 月" in page.context["reads"]


RISES = {"about": WARM["about"], "how": "rises", "high": "5", "minutes": "60"}


@pytest.mark.parametrize(
    ("tests", "head"),
    [
        ((WARM, RISES), {"join": "all"}), ((WARM, RISES), {"join": "any"}),
        (({**WARM, "how": "below", "low": "3"}, RISES), {"join": "all", "days": "restday"}),
        (({**WARM, "how": "below", "low": "3"}, {**RISES, "how": "falls_fast"}), {"join": "all"}),
        (({**WARM, "how": "stuck", "minutes": "600"}, RISES, EMPTY), {"join": "of", "least": "2"}),
        (({**WARM, "how": "stuck", "minutes": "10000"}, WARM), {"join": "all", "begins": "08:00", "ends": "17:00"}),
        ((RISES, {**RISES, "how": "rises_fast", "high": "40"}, SILENT), {"join": "any", "zone": "town"}),
    ],
)  # fmt: skip
def test_what_can_hold_together_is_kept(
    county: County, client: Client, tests: tuple[dict[str, str], ...], head: dict[str, str]
) -> None:
    page = client.post(NEW, posted(*tests, **head))
    assert (page.status_code, list(own(county))) == (302, ["local.shui_guan_yi_chang"])


def test_a_class_by_a_national_rule_is_clicked_where_stations_say_theirs(county: County, client: Client) -> None:
    row = Declaration.objects.get(kind="things", key="lemonade.jug")
    row.body["properties"]["ph"] = row.body["properties"]["level"] | {"title": {"zh": "酸碱度", "en": "pH"}}
    row.save()
    packs.forget()
    made = jug(county)
    sour = {"about": "lemonade.jug/ph", "how": "worse", "target": "class"}
    refused = client.post(NEW, posted(sour))
    assert (refused.status_code, "没有国家标准为它分类别，或没有站点写明须达到的类别。" in text(refused)) == (422, True)
    Thing.objects.filter(key="jug-1").update(properties={"class": "III", "note": "x"})
    before = everything_kept()
    assert client.post(NEW, posted({**sour, "target": "note"})).status_code == 422
    assert client.post(NEW, posted({**sour, "about": "lemonade.jug/level"})).status_code == 422
    assert everything_kept() == before
    page = client.post(NEW, posted(sour, **{"for": ""}), follow=True)
    assert page.context["tests"][0]["targets"] == ["class"]
    worse = {"standard": "gb3838-2002", "item": "ph", "target": "class"}
    assert own(county)["local.shui_guan_yi_chang"]["when"] == {**JUG, "property": "ph", "worse_than": worse}
    send(made["ph"], (0, 7), (1, 5.5))
    assert Alarm.objects.get(rule="local.shui_guan_yi_chang").limit == "6–9"


def test_a_rise_is_tried_on_the_past(county: County, client: Client) -> None:
    made = jug(county)
    send(made["temperature"], *((n * 10, 20 + n * (n > 6)) for n in range(12)))
    span = {"from": f"{NOON:%Y-%m-%d}", "to": f"{NOON:%Y-%m-%d}"}
    rising = {"about": "lemonade.jug/temperature", "how": "rises", "high": "7", "minutes": "60"}
    page = client.post(NEW, {**posted(rising, do="try", **{"for": ""}), **span})
    assert [one.raised_at for one in page.context["trial"].firings] == [minute(80)]
    page = client.post(NEW, {**posted({**rising, "how": "falls"}, do="try"), **span})
    assert page.context["trial"].firings == []
    window = {"begins": "00:00", "ends": "05:00"}  # of the county, where noon of UTC is eight in the evening
    page = client.post(NEW, {**posted(rising, do="try", **window, **{"for": ""}), **span})
    assert page.context["trial"].firings == []


def test_levels_and_hysteresis_are_clicked_judge_and_come_back(county: County, client: Client) -> None:
    made, head = jug(county), {"level": "blue", "at_yellow": "35", "at_red": "40", "margin": "2", "for": ""}
    page = client.post(NEW, posted(WARM, **head), follow=True)
    body = own(county)["local.shui_guan_yi_chang"]
    assert (body["levels"], body["clear"]) == (
        [{"level": "yellow", "above": 35}, {"level": "red", "above": 40}], {"margin": 2}
    )  # fmt: skip
    assert {word: page.context["typed"].words[word] for word in head} == head
    send(made["temperature"], (0, 31), (1, 41), (2, 29), (3, 28), (4, 20))
    alarm = Alarm.objects.get(rule="local.shui_guan_yi_chang")
    assert [(at - minute(0)).seconds // 60 for at, _level in told_levels(alarm)] == [0, 1, 2]
    assert alarm.recovered_at == minute(3)
    tried = unescape(text(client.get("/alarms/rules/local.shui_guan_yi_chang/try")))
    assert [part for part in ("> 30 ℃", "> 35 ℃", "> 40 ℃") if part not in tried] == []
    address = page.redirect_chain[0][0]
    for more, said in (
        ({"at_yellow": "30"}, "级别越重，限值须越严。"), ({"at_red": "热"}, "限值请填数字。"),
        ({"margin": "-1"}, "请填大于零的数；可不填。"), ({"opens": "5"}, "请选起止月份；或都不选。"),
    ):  # fmt: skip
        refused = client.post(address, posted(WARM, read=page.context["row"].digest, **{**head, **more}))
        assert (refused.status_code, said in text(refused)) == (422, True)


@pytest.mark.parametrize(
    ("test", "head", "levels"),
    [
        ({"how": "rises", "high": "5", "minutes": "60"}, {"at_red": "8"}, [{"level": "red", "above": 8}]),
        ({"how": "falls_fast", "high": "5"}, {"at_yellow": "7.5", "at_red": "9"},
         [{"level": "yellow", "below": -7.5}, {"level": "red", "below": -9}]),
        ({"how": "missing", "minutes": "30"}, {"at_orange": "120"}, [{"level": "orange", "missing": "PT120M"}]),
        ({"how": "stuck", "minutes": "30"}, {"at_red": "31"}, [{"level": "red", "stuck": "PT31M"}]),
        ({"how": "sum", "high": "50", "minutes": "180"}, {"at_red": "80"}, [{"level": "red", "above": 80}]),
        ({"how": "mean_low", "low": "3"}, {"zone": "town", "at_red": "1"}, [{"level": "red", "below": 1}]),
        ({"how": "above", "high": "30", "sources": "2"},
         {"zone": "town", "of_orange": "3", "at_red": "40", "of_red": "3"},
         [{"level": "orange", "at_least": 3}, {"level": "red", "above": 40, "at_least": 3}]),
        ({"how": "inside", "low": "3", "high": "4"}, {"zone": "town", "of_red": "5"},
         [{"level": "red", "at_least": 5}]),
    ],
)  # fmt: skip
def test_every_kind_of_test_with_one_limit_or_a_count_has_further_levels(
    county: County, client: Client, test: dict[str, str], head: dict[str, str], levels: list[dict[str, Any]]
) -> None:
    """The examples that are kept with it show that each level is reached."""
    sent = {"about": "lemonade.jug/temperature", **test}
    page = client.post(NEW, posted(sent, level="blue", **head), follow=True)
    rule = Declaration.objects.get(key="local.shui_guan_yi_chang").body
    assert rule["levels"] == levels
    assert [one["expect"] for one in rule["examples"]] == ["blue", *(one["level"] for one in levels), "none"]
    assert {word: page.context["typed"].words[word] for word in head} == head
    words = {word for _level, fields in page.context["graver"] for word, _asked, _said in fields}
    assert words >= head.keys() - {"zone"}


@pytest.mark.parametrize(
    ("test", "head", "said"),
    [
        (SILENT, {"at_red": "30"}, "级别越重，限值须越严。"), (SILENT, {"at_red": "1.5"}, "请填整数分钟，最长七天。"),
        (SILENT, {"zone": "town", "of_red": "0"}, "请填 1 至 50 的整数。"),
        (WARM, {"zone": "town", "at_yellow": "35", "of_red": "3"}, "级别越重，限值须越严。"),
        ({**WARM, "how": "rises_fast"}, {"at_red": "-40"}, "请填变化多少，须大于零。"),
    ],
)  # fmt: skip
def test_a_graver_level_is_harder_and_said_in_its_own_unit(
    county: County, client: Client, test: dict[str, str], head: dict[str, str], said: str
) -> None:
    before = everything_kept()
    page = client.post(NEW, posted(test, level="blue", **head))
    assert (page.status_code, said in text(page)) == (422, True)
    assert everything_kept() == before


def told_levels(alarm: Alarm) -> list[tuple[datetime, str]]:
    return [(time_of(at), level) for at, level, *_told in alarm.happened.get().levels]


def test_what_a_file_says_beside_the_form_stays_when_the_rule_is_changed(county: County, client: Client) -> None:
    body = {
        **packs.declarations("rules", county.pk)["lemonade.too_warm"], "source": "本县规定", "remind": "PT30M",
        "advice": {"zh": "加冰。", "en": "Add ice."},
    }  # fmt: skip
    Declaration.objects.create(kind="rules", key="local.file", county=county, body=body, digest="x", source="person")
    packs.forget()
    page = client.get("/declarations/rules/file/")
    words, (line,) = page.context["typed"].words, page.context["tests"]
    sent = {"do": "save", "read": page.context["row"].digest, "order": "t1"}
    sent |= {f"r.{word}": said for word, said in words.items()}
    sent |= {f"t.t1.{word}": said for word, said in line["test"].items() if word != "id"}
    client.post("/declarations/rules/file/", sent)
    assert Declaration.objects.get(key="local.file").body == body  # as it came
    again = client.get("/declarations/rules/file/").context["row"].digest
    client.post("/declarations/rules/file/", sent | {"read": again, "t.t1.high": "33"})
    changed = Declaration.objects.get(key="local.file").body
    kept = {name: changed[name] for name in ("source", "remind", "advice")}
    assert kept == {name: body[name] for name in kept}
    assert (changed["when"]["above"], changed["examples"] == body["examples"]) == (33, False)


@pytest.mark.parametrize(
    ("tests", "head", "said"),
    [
        ((WARM, {**WARM, "how": "below", "low": "5"}), {"join": "all"}, "这些条件不可能这样成立，永远不会告警。"),
        ((WARM, {**WARM, "how": "below", "low": "40"}), {}, "这些条件总有成立的，告警永远不会解除。"),
        ((WARM, EMPTY), {"join": "of", "least": "3"}, "请填写至少几个条件成立。"),
        ((), {}, "一条规则须有一至八个条件。"),
        ((WARM,), {"zh": ""}, "请填写规则名称。"),
        ((WARM,), {"for": "1.5"}, "请填整数分钟，最长七天；可不填。"),
        (({**WARM, "high": "热"},), {}, "限值请填数字。"),
        (({**WARM, "about": "lemonade.jug/weight"},), {}, "请选择监测项。"),
        (({**TENSE, "low": "120"},), {}, "下限须小于上限。"),
        (({**SILENT, "minutes": "0"},), {}, "请填整数分钟，最长七天。"),
        ((WARM,), {"starts": "lemonade.nothing"}, "请从列表中选择。"),
        ((WARM,), {"days": "monday"}, "请从列表中选择。"),
        ((WARM,), {"begins": "22:00"}, "请填起止时间，如 22:00 至 06:00；可不填。"),
        ((WARM,), {"begins": "22:00", "ends": "22:00"}, "请填起止时间，如 22:00 至 06:00；可不填。"),
        ((WARM,), {"begins": "08:00", "ends": "09:00", "for": "60"}, "按这样的时长和时间窗，永远不会告警。"),
        (({**WARM, "how": "rises", "high": "0", "minutes": "60"},), {}, "请填变化多少，须大于零。"),
        (({**WARM, "how": "rises", "minutes": "1"},), {}, "请填整数分钟，最长七天。"),
        (({**WARM, "how": "worse"},), {}, "没有国家标准为它分类别，或没有站点写明须达到的类别。"),
        (
            ({**WARM, "how": "rises_fast"}, {**WARM, "how": "falls_fast"}),
            {"join": "all"},
            "这些条件不可能这样成立，永远不会告警。",
        ),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(
    county: County, client: Client, tests: tuple[dict[str, str], ...], head: dict[str, str], said: str
) -> None:
    before = everything_kept()
    page = client.post(NEW, posted(*tests, **head))
    assert (page.status_code, said in text(page)) == (422, True)
    assert everything_kept() == before


def test_nobody_else_declares_or_tries(county: County, client: Client) -> None:
    client.post(NEW, posted(WARM))
    reader = browser(person(county, "alarms.alarm.view", "things.thing.view", username="reader"))
    before = everything_kept()
    address = "/declarations/rules/shui_guan_yi_chang/"
    tried = [reader.get(NEW), reader.get(address)]
    tried += [reader.post(where, posted(WARM, do=do)) for where in (NEW, address) for do in ("save", "try")]
    assert {answer.status_code for answer in tried} == {403}
    assert everything_kept() == before
    assert NEW not in reader.get("/alarms/rules/").content.decode()
    blind = browser(person(county, "kernel.declaration.edit", username="blind"))
    assert blind.post(NEW, posted(WARM, do="try")).status_code == 403
    assert NEW in client.get("/alarms/rules/").content.decode()


def test_a_rule_for_the_devices_of_a_pack_stays_at_home(county: County, client: Client) -> None:
    client.post(NEW, posted(WARM))
    sent = {"row": "rules/local.shui_guan_yi_chang", "id": "jugs", "zh": "水罐", "en": "Jugs"}
    page = client.post("/declarations/export", sent)
    assert (page.status_code, "lemonade.jug: 属于另一个领域包，不能随本包移交" in text(page)) == (422, True)
    before = client.get("/declarations/export")
    [why] = [why for row, _title, is_chosen, why in before.context["lines"] if not is_chosen]
    assert (str(before.context["lines"][0][0]), why) == (
        sent["row"], "when.profile: lemonade.jug: 属于另一个领域包，不能随本包移交",
    )  # fmt: skip
    assert "未勾选，因为通不过检查：" in text(before)


def test_a_rule_of_a_file_that_says_more_is_shown_and_not_changed(county: County, client: Client) -> None:
    body = packs.declarations("rules", county.pk)["lemonade.too_warm"]
    body = {**body, "when": {**body["when"], "take": "least", "during": "PT1H"}}
    Declaration.objects.create(kind="rules", key="local.file", county=county, body=body, digest="x", source="person")
    packs.forget()
    page = client.get("/declarations/rules/file/")
    assert (page.status_code, "此规则来自文件" in text(page), page.context["typed"]) == (200, True, None)


LIMITS = st.integers(-20, 20).map(str)
TESTS = st.fixed_dictionaries({
    "about": st.sampled_from(["lemonade.jug/temperature", "lemonade.jug/level"]),
    "how": st.sampled_from(sorted(drafting.HOWS)), "low": LIMITS, "high": LIMITS,
    "minutes": st.integers(0, 120).map(lambda n: str(n or "")), "sources": st.integers(1, 3).map(str),
    "target": st.just("class"),
})  # fmt: skip


WINDOWS = st.sampled_from([
    {}, {}, {"days": "holiday"}, {"begins": "22:00", "ends": "06:00"},
    {"days": "workday", "begins": "08:30", "ends": "17:30"}, {"opens": "5", "closes": "9", "margin": "0.5"},
    {"opens": "11", "closes": "2", "days": "holiday"}, {"margin": "2", "at_yellow": "5", "at_red": "9"},
    {"at_yellow": "-5", "at_orange": "-8.5"}, {"at_yellow": "121", "of_yellow": "3", "at_red": "400"},
    {"at_yellow": "130", "at_red": "131"}, {"of_orange": "4", "days": "workday"}, {"at_orange": "25", "of_red": "5"},
])  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(TESTS, min_size=1, max_size=4), st.sampled_from(["all", "any", "of"]), st.integers(1, 4),
    st.integers(0, 60), st.integers(0, 60), st.sampled_from(["", "town"]), WINDOWS,
)  # fmt: skip
def test_whatever_is_kept_can_raise_and_be_silent_and_comes_back_as_typed(
    county: County,
    tests: list[dict[str, str]],
    join: str,
    least: int,
    lasting: int,
    clearing: int,
    zone: str,
    window: dict[str, str],
) -> None:
    words = {"zh": "规则", "en": "", "level": "blue", "join": join, "least": str(least), "zone": zone}
    words = {**dict.fromkeys(drafting.HEAD, ""), **words, "for": str(lasting), "clear": str(clearing), **window}
    typed = drafting.Typed(words, tuple({**test, "id": f"t{n}"} for n, test in enumerate(tests, 1)))
    if drafting.wrong(typed, county.pk):
        return
    body = drafting.body_of(typed)
    assert list(examples.problems(body)) == []
    again = drafting.written(body)
    assert again is not None
    assert drafting.body_of(again) == body
