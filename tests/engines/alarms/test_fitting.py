"""A rule whose limits go by what came before, held against what happened, and other limits adopted as its next."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.alarms.sent import commit, jug, minute
from tests.fixtures import area, organisation, person
from tests.web.pages import browser
from tests.web.pages import told as messages

from shizhu.engines.alarms import api
from shizhu.engines.alarms.logic import skill
from shizhu.engines.alarms.logic.conditions import Input, condition_of
from shizhu.engines.alarms.logic.examples import problems
from shizhu.engines.alarms.logic.judge import State, judge
from shizhu.engines.alarms.logic.moments import DAY, MINUTE, moment
from shizhu.engines.alarms.logic.skill import Case, Moved
from shizhu.engines.alarms.logic.warnings import Skill
from shizhu.engines.alarms.models import Alarm, Binding
from shizhu.engines.records import api as records
from shizhu.kernel import access, overlays, packs
from shizhu.kernel.models import County, Declaration, Post, Role

pytestmark = pytest.mark.django_db(transaction=True)
HOURS = 60
SEES = ["alarms.alarm.view", "things.thing.view", "records.local.spill.view"]
BY = {
    "title": {"zh": "前期用量", "en": "What was drawn before"}, "keeps": 0.5, "most": 100, "assumed": 20,
    "day": "08:00",
    "classes": [{"title": {"zh": "少", "en": "little"}, "from": 0}, {"title": {"zh": "多", "en": "much"}, "from": 10}],
}  # fmt: skip
COUNTED = {"profile": "lemonade.jug", "property": "temperature", "by": BY}
RISES = {**COUNTED, "take": "change", "during": "PT1H", "above": [8, 4]}
EVENTS = {"register": "local.spill", "time": "at", "source": "jug", "before": "PT6H"}


def rule(**more: Any) -> dict[str, Any]:
    titled = {"title": {"zh": "涨得快", "en": "Rises fast"}, "when": RISES, "level": "orange", "clear": {"for": "PT1H"}}
    examples = [
        {"name": "涨 5，前期多", "series": ["0 x 2h", "5 x 1h"], "expect": "orange"},
        {"name": "涨 3", "series": ["0 x 2h", "3 x 1h"], "expect": "none"},
    ]
    return {**titled, "examples": examples, "events": EVENTS, **more}


def told(of: dict[str, Any], *readings: tuple[float, float]) -> list[tuple[str | None, float, str]]:
    """(level, hours since the end of a day, limit) of every change."""
    start = moment(minute(0)) // DAY * DAY  # 08:00 in the county
    condition = condition_of(of, [Input("lemonade.jug", "temperature")])
    made = [(start + round(hour * 60) * MINUTE, 0, value, 0) for hour, value in readings]
    changes = judge(condition, State(condition, start), made)
    return [(one.level, (one.at - start) / MINUTE / 60, one.limit) for one in changes]


def test_a_limit_goes_by_what_was_left_when_its_time_began() -> None:
    of = rule()
    assert list(problems(of)) == []
    assert told(of, (1, 0), (2, 5)) == [("orange", 2, "≤ 4")]  # nothing known of before: as assumed, 20
    days = [(24 * n + 1.0, 0.0) for n in range(3)]  # 20, 10, 5 are left
    assert told(of, *days, (50, 5)) == []
    assert told(of, *days, (50, 9)) == [("orange", 50, "≤ 8")]
    grown = [*days, (51, 0), (60, 40), (73, 40)]  # 40 in the day before: half of it and of what was left
    assert told(of, *grown, (74, 45))[-1:] == [("orange", 74, "≤ 4")]
    late = [*days, (60, 0), (71.5, 7.9), (72.2, 16.1)]  # over the edge: the time began when little was left
    assert told(of, *late) == [("orange", 72.2, "≤ 8")]
    set_back = [*days, (51, 0), (60, 30), (61, 0), (62, 1), (73, 1)]  # the counter was set to nothing: 31 came
    assert told(of, *set_back, (74, 6))[-1:] == [("orange", 74, "≤ 4")]


@given(
    near=st.lists(st.tuples(st.floats(0.5, 1.6), st.integers(0, 1), st.booleans()), min_size=1, max_size=12),
)
def test_fitted_limits_are_never_worse_on_what_they_were_found_on(near: list[tuple[float, int, bool]]) -> None:
    cases = [
        Case("s", (Moved(n * 100, value, number),), n * 100 + 50 if is_event else None, n)
        for n, (value, number, is_event) in enumerate(near)
    ]
    limits = [(8.0, 4.0)]
    found = skill.fit(cases, limits)
    before = skill.skill(cases, (1, 1))
    assert found.seen == skill.skill(cases, [one / 100 for one in found.scales])
    assert (found.seen.success or 0) >= (before.success or 0)
    assert 8 * found.scales[0] >= 4 * found.scales[1]
    assert all(found.scales[number] == 100 for number in found.open)
    assert found.unseen.hits + found.unseen.misses == before.hits + before.misses
    if found.seen == before:
        assert set(found.scales) == {100}  # as good: nothing is moved


def test_figures_are_those_of_the_textbook() -> None:
    leads = (timedelta(hours=1), timedelta(hours=2), timedelta(hours=3))
    one = Skill(3, 2, 1, 0, leads)
    assert (one.detected, one.false_share, one.success, one.lead) == (75, 40, 50, timedelta(hours=2))
    assert (Skill(0, 0, 0, 0).success, Skill(0, 0, 0, 0).detected) == (None, None)


REGISTER = {
    "title": {"zh": "溢出", "en": "Spills"},
    "x-shizhu": {"key": "code", "title": "code", "list": ["code", "at", "jug"]},
    "properties": {
        "code": {"type": "string", "title": {"zh": "编号", "en": "Code"}, "examples": ["A1"]},
        "at": {"type": "string", "format": "date-time", "title": {"zh": "时间", "en": "Time"}},
        "jug": {"type": "string", "x-shizhu-ref": "things.device", "title": {"zh": "壶", "en": "Jug"}},
    },
    "required": ["code", "at", "jug"],
}  # fmt: skip


@pytest.fixture
def stream(county: County) -> int:
    """A jug that rose by 3.5 before each of two spills, by 5 before a third, and by 4.5 for nothing; much was drawn."""
    found = jug(county)["temperature"]
    for kind, key, body in (("rules", "local.rises", rule()), ("registers", "local.spill", REGISTER)):
        Declaration.objects.filter(kind=kind, key=key).delete()
        Declaration.objects.create(
            kind=kind, key=key, county=county, body=body, digest=packs.digest(body), source="person"
        )
    packs.forget()
    api.bind_all()
    level, readings = 0.0, []
    for day, rise in enumerate((3.5, 5, 4.5, 3.5)):
        begin = day * 24 * HOURS
        readings += [(begin - 60, level), (begin, level), (begin + 30, level + rise / 2), (begin + 60, level + rise)]
        readings += [(begin + n, level + rise) for n in (100, 140, 180, 220)]
        level += rise + 26
        readings.append((begin + 600, level))  # slowly, which is no rise of an hour
    commit(found, *readings)
    return found


def spill(county: County, code: str, day: int) -> None:
    body = {"code": code, "at": minute(day * 24 * HOURS + 120).isoformat(), "jug": "jug-1"}
    records.create(access.ANYBODY, county.pk, "local.spill", body, organisation="stand", area=area(county, "101").code)


def figures(page: str) -> list[list[str]]:
    table = page[page.index("data-figures") :]
    rows = re.findall(r"<tr><td.*?</tr>", table[: table.index("</table>")], re.DOTALL)
    return [[re.sub("<.*?>", "", cell).strip() for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]


def test_it_is_adopted_after_a_dry_run_with_a_reason(county: County, stream: int) -> None:
    for number, day in enumerate((0, 1, 3)):
        spill(county, f"A{number}", day)
    office, clerk = person(county, *SEES), person(county, *SEES)
    flood = Role.objects.create(pk="toy.flood", name={"zh": "防汛", "en": "Flood"}, verbs=["alarms.rule.adopt"])
    Post.objects.create(
        person=office, role=flood, organisation=organisation(county, "stand"), area=area(county),
        starts=timezone.localdate(),
    )  # fmt: skip
    page, address = browser(office), "/alarms/rules/local.rises/fit"
    shown = page.get(address).content.decode()
    assert figures(shown)[0][1:4] == ["1", "2", "1"]  # the rise of 5 was told, of 3.5 not, of 4.5 for nothing
    assert figures(shown)[1][1:4] == ["3", "0", "1"]
    assert "次数太少" in shown
    assert 'name="scale1" value="85"' in shown

    kept = packs.declarations("rules", county.pk)["local.rises"]
    blind = page.post(
        address, {"do": "adopt", "scale0": 100, "scale1": 85, "why": "先试一试", "tried": "x"}, follow=True
    )
    assert messages(blind) == ["没有采用：这组限值没有试运行过，或规则已变。请先试运行。"]
    tried = page.post(address, {"do": "try", "scale0": 100, "scale1": 85}).content.decode()
    assert figures(tried)[1][1:4] == ["3", "0", "1"]
    assert "涨 3" not in tried.split("结果因此不同")[-1].split("</p>")[0]
    seal = re.search(r'name="tried" value="([^"]+)"', tried)[1]  # type: ignore[index]
    sent = {"do": "adopt", "scale0": 100, "scale1": 85, "why": "两次漏报", "tried": seal}
    assert messages(page.post(address, sent | {"scale1": 80}, follow=True)) == messages(blind)
    assert messages(page.post(address, sent | {"why": " "}, follow=True)) == [
        "没有采用：请写明理由，并至少改动一个限值。"
    ]
    assert browser(clerk).post(address, sent).status_code == 403
    assert "有权采用限值的人" in browser(clerk).post(address, sent | {"do": "try"}).content.decode()
    assert browser(person(county, "things.thing.view")).get(address).status_code == 403
    assert packs.declarations("rules", county.pk)["local.rises"] == kept
    assert not Alarm.objects.exists()

    assert messages(page.post(address, sent, follow=True)) == ["已采用。此后每个读数都按这组限值判断。"]
    made = packs.declarations("rules", county.pk)["local.rises"]
    assert made["when"]["above"] == [8, 3.4]
    assert made["fitted"] | {"on": "", "from": "", "to": ""} == {
        "on": "", "from": "", "to": "", "by": office.name, "why": "两次漏报", "scales": [100, 85], "events": 3,
        "skill": {"hits": 3, "misses": 0, "false": 1, "lead": 60},
        "before": {"hits": 1, "misses": 2, "false": 1, "lead": 60},
        "unseen": made["fitted"]["unseen"],
    }  # fmt: skip
    assert Binding.objects.get(rule="local.rises").said["when"]["above"] == [8, 3.4]
    assert figures(page.get(address).content.decode())[0][1:4] == ["3", "0", "1"]
    assert office.name in page.get("/alarms/rules/").content.decode()
    row = overlays.find(county.pk, "rules", "local.rises")
    assert row
    assert [step.action for step in overlays.history(row)][-1] == "changed"


def test_days_at_the_ends_of_the_calendar_are_refused(county: County, stream: int) -> None:
    page, address = browser(person(county, *SEES)), "/alarms/rules/local.rises/fit"
    for first, last in (("9999-12-01", "9999-12-31"), ("0001-01-01", "0005-01-01"), ("0001-01-01", "9999-12-31")):
        shown = page.get(f"{address}?from={first}&to={last}")
        assert (shown.status_code, shown.headers["Location"]) == (302, address)
