"""Dry runs: what a rule would have raised, from the table and from archived days, and that nothing is written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.engines.alarms.sent import NOON, commit, jug, minute, only, told
from tests.fixtures import person
from tests.web.pages import browser, text
from tests.web.pages import told as messages

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm, Memory
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


def test_the_page_has_the_count_a_chart_and_every_firing(county: County, streams: list[int]) -> None:
    client = browser(person(county, "alarms.alarm.view", "things.thing.view"))
    page = client.get("/alarms/rules/local.warm/try?from=2026-07-01&to=2026-07-01")
    assert [part for part in ("2 次", "jug-0 · 2", "2026-07-01 20:03", "31 ℃") if part not in text(page)] == []
    assert len(page.context["chart"]["spans"]) == 2
    assert 'href="/alarms/rules/local.warm/try"' in client.get("/alarms/rules/").content.decode()
    wrong = client.get("/alarms/rules/local.warm/try?from=2026-07-02&to=2026-07-01")
    assert messages(wrong) == ["请选择起止日期：最长一年，且不晚于今天。"]
    assert client.get("/alarms/rules/local.gone/try").status_code == 404


def test_only_who_may_sees_a_dry_run(county: County, streams: list[int]) -> None:
    viewer = browser(person(county, "alarms.alarm.view", "things.thing.view", in_area="101"))
    assert viewer.get("/alarms/rules/local.warm/try").status_code == 403
    assert "/try" not in viewer.get("/alarms/rules/").content.decode()


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
