"""Dry runs: what a rule would have raised, from the table and from archived days, and that nothing is written."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest
from tests.engines.alarms.sent import NOON, clock, commit, handle, jug, minute, only, told, waiting
from tests.engines.alarms.test_alarms import event
from tests.fixtures import person
from tests.web.pages import browser, text
from tests.web.pages import told as messages

from shizhu.engines.alarms import api, judging
from shizhu.engines.alarms.models import Alarm, Memory, Occurrence
from shizhu.engines.things import archive
from shizhu.kernel import packs
from shizhu.kernel.models import County
from shizhu.site.commands import rule as command

pytestmark = pytest.mark.django_db(transaction=True)
WARM = {"when": {"profile": "lemonade.jug", "property": "temperature", "above": 30, "for": "PT3M"}}


@pytest.fixture
def streams(county: County) -> list[int]:
    made = [jug(county, f"jug-{n}")["temperature"] for n in range(2)]
    only(county, WARM, "local.warm")
    commit(made[0], (0, 31), (3, 31), (4, 20), (60, 31), (64, 31), (65, 31))
    commit(made[1], (0, 20), (4, 31), (5, 20))
    return made


def fired(county: County, rule: dict[str, Any] | None = None) -> list[tuple[int, float, bool]]:
    wanted = rule or packs.declarations("rules", county.pk)["local.warm"]
    trial = api.try_rule(wanted, county.pk, NOON - timedelta(days=1), minute(70))
    assert (trial.sources, trial.problems) == (2, [])
    return [
        (one.stream.id, (one.raised_at - NOON) / timedelta(minutes=1), one.recovered_at is None)
        for one in trial.firings
    ]


def state() -> Any:
    return Alarm.objects.count(), list(Memory.objects.order_by("pk").values()), told()


def test_it_tells_when_and_where_and_writes_nothing(county: County, streams: list[int]) -> None:
    before = state()
    assert fired(county) == [(streams[0], 3, False), (streams[0], 64, True)]
    hotter = {**WARM, "when": WARM["when"] | {"for": "PT0S"}, "level": "red", "title": {}, "examples": []}
    assert len(fired(county, hotter)) == 3
    assert state() == before


@pytest.mark.parametrize(("off", "hit"), [([], {"workday"}), (["07-01"], {"restday", "holiday"})])
def test_windows_know_the_county_s_own_days_off(
    county: County, streams: list[int], off: list[str], hit: set[str]
) -> None:
    """It is the evening of a Wednesday; tried and judged alike."""
    county.settings["days_off"] = off
    county.save()
    for kind in ("workday", "restday", "holiday"):
        rule = {**WARM, "title": {}, "level": "red", "examples": [], "calendar": {"days": [kind]}}
        assert bool(fired(county, rule)) is (kind in hit)
        only(county, rule, f"local.{kind}")
        handle(event(streams[0], 200, 31, 31, 31, 31, id_=kind))
        assert Alarm.objects.filter(rule=f"local.{kind}").exists() is (kind in hit)


def test_archived_days_are_judged_too(county: County, streams: list[int]) -> None:
    expected = fired(county)
    assert archive.archive(archive.day_of(NOON)) == 9
    assert fired(county) == expected
    commit(streams[0], (3, 20))  # corrected after the day was archived
    assert fired(county) == [(streams[0], 64, True)]


def test_what_began_before_the_span_is_not_counted_in_it(county: County, streams: list[int]) -> None:
    rule = packs.declarations("rules", county.pk)["local.warm"]
    assert len(api.try_rule(rule, county.pk, minute(3.5), minute(70)).firings) == 1
    with pytest.raises(ValueError, match="at most 366 days"):
        api.try_rule(rule, county.pk, NOON, NOON)


JUG = {"profile": "lemonade.jug", "property": "temperature"}
LONG: dict[str, dict[str, Any]] = {
    "for": {"when": {**JUG, "above": 30, "for": "PT30H", "gap": "P3D"}, "clear": {"for": "PT5H"}},
    "missing": {"when": {**JUG, "missing": "PT40H"}},
    "stuck": {"when": {**JUG, "stuck": "PT30H"}},
    "change": {"when": {**JUG, "take": "change", "during": "PT48H", "above": 2}},
    "zone": {"when": {**JUG, "zone": "town", "take": "sum", "above": 60}, "clear": {"for": "PT3H"}},
}


@pytest.mark.parametrize("kind", LONG)
def test_a_dry_run_of_any_span_says_what_judging_said_in_it(county: County, kind: str) -> None:
    """Ten days of two jugs, whose values stay for long and which are silent for long."""
    made = [jug(county, f"jug-{n}")["temperature"] for n in range(2)]
    with clock(-1):
        only(county, {**LONG[kind], "late": "P11D"}, "local.long")
    chance = random.Random(5)
    for stream in made:
        readings, at, value = list[tuple[float, float]](), 0, 29
        while at < 240 * 60:
            at += 60 if chance.random() > 0.03 else 60 * chance.choice([8, 50])
            value = chance.randint(27, 33) if chance.random() < 0.06 else value
            readings.append((at, value))
        commit(stream, *readings)
    with clock(300 * 60):
        handle(*waiting())
    with clock(300 * 60 + 5):
        judging.ring()
    rows = Occurrence.objects.filter(is_withdrawn=False).values_list("alarm__source", "raised_at", "recovered_at")
    assert rows
    rule, end = packs.declared("rules", "local.long", county.pk), minute(300 * 60)
    for start in range(0, 240, 24):
        trial = api.try_rule(rule, county.pk, minute(start * 60), end)
        tried = {(one.source, one.raised_at, one.recovered_at) for one in trial.firings}
        assert tried == {row for row in rows if row[1] >= minute(start * 60)}


def test_the_page_has_the_count_a_chart_and_every_firing(county: County, streams: list[int]) -> None:
    client = browser(person(county, "alarms.alarm.view", "things.thing.view"))
    page = client.get("/alarms/rules/local.warm/try?from=2026-07-01&to=2026-07-01")
    assert [part for part in ("2 次", "jug-0 · 2", "2026-07-01 20:03", "31 ℃") if part not in text(page)] == []
    assert len(page.context["chart"]["spans"]) == 2
    spots = page.context["spots"].places
    assert [(one.stream.thing_name, one.count) for one in spots] == [("jug-0", 2)]
    assert page.content.decode().count('class="near-point"') == 1
    assert (page.context["trial"].alarms, "一小时内再来并为一条：" in text(page)) == (
        1,
        True,
    )  # 57 minutes after its end
    assert 'href="/alarms/rules/local.warm/try"' in client.get("/alarms/rules/").content.decode()
    wrong = client.get("/alarms/rules/local.warm/try?from=2026-07-02&to=2026-07-01")
    assert messages(wrong) == ["请选择起止日期：最长一年，且不晚于今天。"]
    assert client.get("/alarms/rules/local.warm/try?from=0001-01-01&to=9999-12-31").status_code == 200
    assert client.get("/alarms/rules/local.gone/try").status_code == 404


def test_the_limit_of_what_is_made_of_values_is_no_line_among_them(county: County) -> None:
    stream = jug(county)["temperature"]
    rule = {"when": {**JUG, "take": "change", "during": "PT2H", "above": 2}}
    only(county, rule, "local.rise")
    commit(stream, *((n, 20 + n / 10) for n in range(60)))
    handle(*waiting())
    alarm, client = Alarm.objects.get(), browser(person(county, "alarms.alarm.view", "things.thing.view"))
    page = client.get(f"/alarms/{alarm.pk}/")
    assert (alarm.limit, page.context["chart"]["limit"]) == ("≤ 2", "")
    assert "规则 温度 · 2 小时内的变化 · &gt; 2 ℃" in text(page)
    only(county, {**rule, "level": "blue", "levels": [{"level": "red", "above": 4}]}, "local.rise")
    Alarm.objects.update(level="red")
    assert "规则 温度 · 2 小时内的变化 · &gt; 4 ℃" in text(client.get(f"/alarms/{alarm.pk}/"))
    tried = client.get("/alarms/rules/local.rise/try?from=2026-07-01&to=2026-07-01")
    assert (len(tried.context["trial"].firings), tried.context["chart"]["limit"]) == (1, "")


def test_only_who_may_sees_a_dry_run(county: County, streams: list[int]) -> None:
    viewer = browser(person(county, "alarms.alarm.view", "things.thing.view", in_area="101"))
    assert viewer.get("/alarms/rules/local.warm/try").status_code == 403
    assert "/try" not in viewer.get("/alarms/rules/").content.decode()


def test_the_command_tells_which_examples_pass(county: County, capsys: Any) -> None:
    rule = packs.declaration("rules", "lemonade.too_warm", county.pk)
    assert command.tell_examples(rule)
    assert capsys.readouterr().out == (
        "  passes  warm for a while: yellow\n  passes  a short peak: none\n  passes  twice: yellow\n"
        "3 of 3 examples pass\n"
    )
    assert not command.tell_examples({**rule, "level": "red"})
    told = capsys.readouterr().out
    assert "  FAILS  example 'twice': expected yellow, but it says red (2 times)\n1 of 3 examples pass\n" in told


def test_the_command_reads_a_key_or_a_file(county: County, streams: list[int], tmp_path: Any) -> None:
    assert command.read_rule("local.warm", county.pk)["when"]["above"] == 30
    file = tmp_path / "new.yaml"
    file.write_text(
        "title: {zh: 热, en: Hot}\nlevel: red\nwhen: {profile: lemonade.jug, property: temperature, above: 9}\n"
    )
    with pytest.raises(command.Trouble, match="'examples' is a required property"):
        command.read_rule(str(file), county.pk)
    with pytest.raises(command.Trouble, match=r"neither a file nor a declared rule local\.gone"):
        command.read_rule("local.gone", county.pk)
