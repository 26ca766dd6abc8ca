"""What a rule says that cannot be meant is refused with place, value and rule, and read in Chinese."""

from __future__ import annotations

import io
import zipfile
from html import unescape
from typing import Any

import pytest
import yaml
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import translation
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.alarms.sent import jug, only
from tests.engines.alarms.test_judge import condition, hours, rule
from tests.fixtures import TOY, person
from tests.web.pages import browser, text

from shizhu.engines.alarms import checking, declare
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.logic.judge import State, judge
from shizhu.kernel import packs
from shizhu.kernel.models import County
from shizhu.kernel.testing import everything_kept
from shizhu.web.declaring import say

EXAMPLES = [{"name": "x", "series": ["1 x 1h"], "expect": "none"}]
HIGH = {"above": 30}


def problems(when: dict[str, Any], **more: Any) -> list[str]:
    return list(checking.problems({**rule(when, **more), "examples": EXAMPLES}))


@pytest.mark.parametrize(
    ("when", "more", "said"),
    [
        ({"inside": [9, 5]}, {}, ["when.inside: [9, 5]: the first must not be more than the second"]),
        ({"below": "least", "above": 5}, {"levels": [{"level": "red", "above": 2}]}, []),
        ({"below": 9, "above": 5}, {},
         ["when.below: 9: every value is one or the other: below must be less than above"]),
        ({**HIGH, "at_least": 2}, {},
         ["when.at_least: 2: is only said of a zone, or of a condition with of"]),
        ({"all": [HIGH, {"below": 1}], "at_least": 2}, {},
         ["when.at_least: 2: is only said of a zone, or of a condition with of"]),
        ({"zone": "town", "take": "sum", **HIGH, "at_least": 2}, {},
         ["when.at_least: 2: counts nothing where all sources are taken together"]),
        ({"any": [HIGH, {"inside": [3, 2]}]}, {},
         ["when.any[1].inside: [3, 2]: the first must not be more than the second"]),
        ({**HIGH, "for": "PT0S"}, {}, ["when.for: PT0S: must be longer than nothing"]),
        ({**HIGH, "holds": "P0D", "gap": "PT1H"}, {},
         ["when.holds: P0D: must be longer than nothing", "when.gap: PT1H: either gap or holds"]),
        ({"take": "rate", "per": "PT0M", **HIGH}, {}, ["when.per: PT0M: must be longer than nothing"]),
        ({"take": "mean", "during": "PT1H", "per": "PT1M", **HIGH}, {},
         ["when.per: PT1M: is only said of take: rate"]),
        ({"take": "rate", "missing": "PT1H"}, {}, ["when.take: rate: a missing source has no values to take"]),
        (HIGH, {"clear": {"for": "PT0S"}, "late": "PT0S", "remind": "P0D"},
         [f"{name}: must be longer than nothing" for name in ("clear.for: PT0S", "late: PT0S", "remind: P0D")]),
        ({"missing": "P3000000D", "for": f"P{'9' * 12}D"}, {"remind": f"P{'9' * 400}D", "late": "P3661D"}, [
            "when.missing: P3000000D: must not be longer than ten years",
            f"when.for: P{'9' * 12}D: must not be longer than ten years",
            "late: P3661D: must not be longer than ten years",
            f"remind: P{'9' * 400}D: must not be longer than ten years",
        ]),
        ({"below": 10, "above": 20}, {"clear": {"margin": 6}},
         ["clear.margin: 6: is more than half of what is between 10 and 20: no value would end the alarm"]),
        ({"below": 10, "above": 20, "margin": 5}, {"clear": {"margin": 6}}, []),
        ({"below": 1, "above": 1}, {}, []),
        ({"any": [{"below": 1, "above": 1, "margin": 0.5}, HIGH]}, {}, [
            "when.any[0].margin: 0.5: is more than half of what is between 1 and 1: no value would end the alarm"
        ]),
        ({"worse_than": {"standard": "gb3838-2002", "item": "ph", "target": "class"}}, {"clear": {"margin": 2}},
         ["clear.margin: 2: is more than half of what is between 6 and 9: no value would end the alarm"]),
        ({"of": [HIGH, {"below": 1}, {"property": "level", **HIGH}], "at_least": 2}, {},
         ["when.of[2]: property level, above 30: is said twice, and would count twice"]),
        ({"worse_than": {"standard": "gb9", "item": "ph", "target": "class"}}, {},
         ["when.worse_than.standard: gb9: no such national rule; known are gb3838-2002"]),
        (HIGH, {"calendar": {"hours": ["08:00-08:00"]}},
         ["calendar.hours: 08:00-08:00: begins when it ends: for the whole day leave hours out"]),
        ({**HIGH, "for": "PT2H"}, {"calendar": {"hours": ["08:00-09:00", "09:00-10:00"], "days": ["mon"]}},
         ["when.for: PT2H: is not shorter than the longest window of the calendar, PT120M: it never raises"]),
        (HIGH, {"calendar": {"days": ["holiday"], "months": [7, 8]}},
         ["calendar: days ['holiday'], months [7, 8]: this calendar is never open"]),
        ({**HIGH, "for": "P10D"}, {"calendar": {"days": ["restday"]}},
         ["when.for: P10D: is not shorter than the longest window of the calendar, PT12960M: it never raises"]),
        ({**HIGH, "for": "P3D"}, {"calendar": {"days": ["restday"]}}, []),
        ({**HIGH, "for": "PT2H"}, {"calendar": {"hours": ["22:00-06:00"], "days": ["mon"]}}, []),
        (HIGH, {"levels": [{"level": "red", "above": 20}]},
         ["levels.red.above: 20: yellow has 30: the graver level must have the harder limit"]),
        (HIGH, {"levels": [{"level": "blue", "above": 40}]},
         ["when.above: 30: blue has 40: the graver level must have the harder limit"]),
        ({"below": 5}, {"levels": [{"level": "orange", "below": 3}, {"level": "red", "below": 4}]},
         ["levels.red.below: 4: orange has 3: the graver level must have the harder limit"]),
        ({"missing": "PT2H"}, {"levels": [{"level": "red", "missing": "PT1H"}]},
         ["levels.red.missing: PT1H: yellow has PT2H: the graver level must have the harder limit"]),
        (HIGH, {"levels": [{"level": "red", "above": 30}]}, [
            "levels.red: red: holds whenever yellow does, which is never seen: say a harder limit or a longer time"
        ]),
        ({"inside": [3, 5]}, {"levels": [{"level": "red", "inside": [2, 5]}]}, [
            "levels.red: red: holds whenever yellow does, which is never seen: say a harder limit or a longer time"
        ]),
        ({"inside": [3, 5]}, {"levels": [{"level": "red", "inside": [9, 7]}]},
         ["levels.red.inside: [9, 7]: the first must not be more than the second"]),
        ({"inside": [3, 5]}, {"levels": [{"level": "red", "inside": [5, 7]}]}, []),
        (HIGH, {"levels": [{"level": "red", "for": "PT1H"}]}, []),
        ({"zone": "town", **HIGH}, {"levels": [{"level": "red", "at_least": 3}]}, []),
        ({"below": 2, "above": 9}, {"levels": [{"level": "red", "below": 2, "above": 12}]}, []),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_named(when: dict[str, Any], more: dict[str, Any], said: list[str]) -> None:
    assert problems(when, **more) == said


LIMITS = st.lists(st.integers(0, 9), min_size=2, max_size=4)


@given(st.sampled_from(["above", "below"]), LIMITS, st.permutations(LEVELS))
def test_levels_are_kept_if_each_is_reached_and_none_is_left_as_it_gets_worse(
    side: str, limits: list[int], order: list[str]
) -> None:
    named = list(zip(order, limits, strict=False))
    levels = [{"level": level, side: limit} for level, limit in named[1:]]
    made = {**rule({side: named[0][1]}, levels=levels), "level": named[0][0]}
    compiled = condition(made)
    worse = range(-1, 12) if side == "above" else range(11, -2, -1)
    reached = [change.level for change in judge(compiled, State(compiled), hours(*worse)) if change.level]
    is_ordered = reached == [level for level in LEVELS if level in dict(named)]
    assert (list(checking.problems({**made, "examples": EXAMPLES})) == []) is is_ordered


def zipped(**rules: Any) -> SimpleUploadedFile:
    """A pack file with these rules."""
    pack = {
        "id": "jugs",
        "name": {"zh": "水罐", "en": "Jugs"},
        "version": "0.1.0",
        "shizhu": ">=0.1,<0.2",
        "engines": ["alarms"],
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("jugs/pack.yaml", yaml.safe_dump(pack))
        for stem, body in rules.items():
            file.writestr(f"jugs/rules/{stem}.yaml", yaml.safe_dump(body))
    return SimpleUploadedFile("jugs.zip", out.getvalue())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"when": {"inside": [9, 5]}}, "when.inside: [9, 5]: 第一个数不能大于第二个数"),
        ({"when": {"above": float("nan")}}, "$.when.above: nan: 须为有限的数"),
        ({"when": {"above": 30, "below": float("-inf")}}, "$.when.below: -inf 小于最小值"),
        ({"when": {"missing": f"P{'9' * 12}D"}}, f"when.missing: P{'9' * 12}D: 不能超过十年"),
        ({"examples": [{"name": n, "series": ["20 x 9999999999d"], "expect": "none"} for n in "热凉"]},
         "example '热': '20 x 9999999999d' 的读数超过十万条"),
        ({"examples": [{"name": n, "series": ["20 x 9h"], "expect": "none", "at": "9999-12-31T20:00"} for n in "热凉"]},
         "example '热': 结束于 9999 年之后"),
        ({"when": {"above": "热"}}, "$.when.above: '热': 须为数字，或站点属性的名称"),
        ({"when": {"above": "hot"}}, "when.above: hot: lemonade.jug 的站点没有这个属性"),
        ({"when": {"above": 30, "hold": "PT1H"}}, "$.when: 'hold' 不会被读取；可用的是 "),
        ({"when": {"above": 30, "for": "十分钟"}}, "$.when.for: '十分钟': 须写成时长，如 PT10M"),
        ({"level": "pink"}, "$.level: 'pink' 不在可选值 ['blue', 'yellow', 'orange', 'red'] 之中"),
        ({"levels": [{"level": "red", "above": 20}]}, "levels.red.above: 20: yellow 级为 30：级别越重，限值须越严"),
        ({"when": {"above": 30, "property": "weight"}}, "when.property: weight: lemonade.jug 没有这个监测项"),
        ({"examples": [{"name": n, "series": ["20 x 1h"], "expect": "yellow"} for n in "热凉"]},
         "示例 '热'：应为 yellow，实际得出 none（0 次）"),
        ({"examples": [{"name": n, "series": ["20 x 1h"], "expect": "none", "at": "2026-02-30T08:00"} for n in "热凉"]},
         "example '热': at: 2026-02-30T08:00: 没有这一天"),
    ],
)  # fmt: skip
def test_a_rule_file_that_is_brought_is_refused_in_chinese_with_its_name(
    county: County, change: dict[str, Any], said: str
) -> None:
    client = browser(person(county, "*", username="boss"))
    when = {"profile": "lemonade.jug", "property": "temperature", "above": 30}
    body = {
        "title": {"zh": "过热", "en": "Hot"}, "when": when, "level": "yellow",
        "examples": [{"name": n, "series": [f"{n} x 1h"], "expect": e} for n, e in (("20", "none"), ("31", "yellow"))],
    }  # fmt: skip
    changed = {**body, **change, "when": {**when, **change.get("when", {})}}
    if {"inside", "missing"} & changed["when"].keys():
        del changed["when"]["above"]
    page = client.post("/declarations/import", {"file": zipped(hot=changed, fine=body)})
    sent, before = page.context["sent"], everything_kept()
    for rows in (["rules/local.hot"], ["rules/local.hot", "rules/local.fine"]):
        refused = client.post("/declarations/import", {"do": "take", "sent": sent, "row": rows})
        assert (refused.status_code, refused.context["refused"][0].startswith(f"过热 (local.hot): {said}")) == (
            422,
            True,
        )
        assert said in unescape(text(refused))
    assert everything_kept() == before
    assert (
        client.post("/declarations/import", {"do": "take", "sent": sent, "row": "rules/local.fine"}).status_code == 302
    )
    assert "local.fine" in packs.declarations("rules", county.pk)


NAMES = {"zh": "{event}来了", "en": "{event} has come"}
DRY = {
    "title": {"zh": "断水", "en": "No water"}, "categories": ["Infra"], "headline": NAMES, "description": NAMES,
    "instruction": NAMES, "lasts": "PT6H",
    "example": {"given": {}, "level": "red", "headline": "断水来了"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"lasts": "PT0S"}, "lasts: PT0S: 时长须大于零"),
        ({"answer": {"red": "P0D"}}, "answer.red: P0D: 时长须大于零"),
        ({"instructions": {"red": {"zh": "{place}停水", "en": "x"}}},
         "instructions.red.zh: {place}: 没有可填入的内容；可用的有 issuer, event, level, areas, places, "
         "station, value, since, "
         "expires"),
        ({"example": {**DRY["example"], "headline": "没水了"}},
         "example.headline: 没水了: 按模板得出的标题是 断水来了"),
        ({"rules": ["lemonade.nothing"]}, "rules: lemonade.nothing: 没有领域包声明这条规则"),
        ({"rules": ["other.rule"]}, "rules: other.rule: 属于另一个领域包，不能随本包移交"),
        ({"tell": ["lemonade.nobody"]}, "tell: lemonade.nobody: 本领域包没有这个角色；"
         "跨领域包的衔接写在 county.yaml 的 warnings 中"),
    ],
)  # fmt: skip
def test_a_kind_of_warning_that_cannot_be_meant_is_refused_in_chinese(change: dict[str, Any], said: str | None) -> None:
    everything = {TOY.name: packs.read(TOY)}
    with translation.override("zh-hans"):
        found = [say(line) for line in declare.check_warning(f"{TOY.name}.dry", {**DRY, **change}, everything)]
    assert found[:1] == ([said] if said else [])


@pytest.mark.django_db(transaction=True)
def test_why_a_station_is_not_judged_is_said_in_chinese(county: County) -> None:
    jug(county)
    worse = {"standard": "gb3838-2002", "item": "ph", "target": "class"}
    made = {"when": {"profile": "lemonade.jug", "property": "level", "worse_than": worse}}
    only(county, {**made, "title": {"zh": "超类", "en": "Worse"}})
    client = browser(person(county, "*", username="boss"))
    why = "class: 设备没有这个属性，缺少判断所依据的目标"
    assert f"超类 · jug-1 · {why}" in text(client.get("/alarms/rules/"))
    assert f"jug-1: {why}" in text(client.get("/alarms/rules/local.rule/try"))
