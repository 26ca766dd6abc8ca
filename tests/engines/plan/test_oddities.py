"""Reported values that look made up: each rule by hand, honest values left alone, the page, and the sample."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from random import Random
from urllib.parse import unquote

import openpyxl
import pytest
from tests.fixtures import organisation, person
from tests.web.pages import browser, text

from shizhu.engines.plan import doubting
from shizhu.engines.plan.indexes import Given, Index
from shizhu.engines.plan.logic import oddities
from shizhu.engines.plan.logic.oddities import Told, at_least, find
from shizhu.engines.plan.models import Collection, Indicator, Plan, Value
from shizhu.kernel import testing
from shizhu.kernel.models import Area, County

PAGE = "/plan/supervision/oddities/"
SHEET = f"{PAGE}sample.xlsx"
MONTHS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


def series(values: list[float], what: str = "产值", **more: object) -> list[Told]:
    """A value for each month from January 2024."""
    rows = zip(MONTHS, values, strict=False)
    return [Told(f"{what} {month}", what, "甲镇", month, value, **more) for month, value in rows]  # type: ignore[arg-type]


def rules(rows: list[Told]) -> list[tuple[str, int, int]]:
    return [(one.rule, one.found, one.count) for one in find(rows)]


# values whose steps are uneven and whose last digits are spread
UNEVEN = [41.3, 44.8, 42.1, 47.6, 45.2, 49.9, 48.4, 53.7, 51.2, 56.1, 54.3, 58.8, 57.4, 61.2, 63.9, 62.7]


def test_uneven_values_are_left_alone() -> None:
    assert rules(series(UNEVEN)) == []


def test_the_chance_of_a_binomial() -> None:
    assert at_least(2, 2, 0.5) == 0.25
    assert at_least(1, 3, 0.2) == pytest.approx(1 - 0.8**3)
    assert at_least(0, 5, 0.1) == pytest.approx(1)


WHOLE = [410, 435, 420, 475, 455, 490, 485, 530, 515, 560, 543, 588, 574, 612, 639, 627]


def test_ten_of_sixteen_round_digits_are_one_chance_in_several_thousand() -> None:
    [one] = find(series([float(value) for value in WHOLE]))
    assert (one.rule, one.found, one.count, one.who, one.what) == ("last-digit", 10, 16, "甲镇", "产值")
    assert one.chance == pytest.approx(0.000247, abs=2e-5)  # sum over k = 10..16 of C(16, k) 0.2^k 0.8^(16-k)
    assert [told.value for told in one.rows] == WHOLE[:10]
    assert rules(series([float(value) for value in [*WHOLE[:5], 491, 486, 533, 517, 562, *WHOLE[10:]]])) == []


def test_decimals_never_end_with_nought_as_they_are_written() -> None:
    halves = [41.5, 44.5, 42.5, 47.5, 45.5, 49.5, 48.5, 53.5, *UNEVEN[8:]]
    [one] = find(series(halves))
    assert (one.rule, one.found, one.count) == ("last-digit", 8, 16)
    assert one.chance == pytest.approx(0.000131, abs=2e-5)  # sum over k = 8..16 of C(16, k) (1/9)^k (8/9)^(16-k)
    mixed = [41.0, 44.8, 42.0, 47.6, 45.0, 49.9, 48.0, 53.7, 51.0, 56.1, 54.0, 58.8, 57.0, 61.2, 63.0, 62.7]
    assert rules(series(mixed)) == []  # whole numbers among decimals


def test_always_just_over_the_target() -> None:
    def told(values: list[float], *, is_rising: bool = True) -> list[tuple[str, int, int]]:
        rows = [Told(f"{n}", f"指标{n}", "甲局", "2025", value, 200.0, is_rising) for n, value in enumerate(values)]
        return rules(rows)

    assert told([200.4, 201.7, 200.0, 202.9, 201.3]) == [("just-over", 5, 5)]  # 0.1 ** 5
    assert told([199.6, 198.3, 199.1, 197.7, 198.9], is_rising=False) == [("just-over", 5, 5)]
    assert told([200.4, 201.7, 191.0, 214.9, 189.3]) == []
    assert told([200.4, 201.7, 200.0, 202.9]) == []  # four are too few
    assert told([260.4, 301.7, 240.0, 252.9, 241.3]) == []  # far over
    small = [Told(f"{n}", f"项目{n}", "甲局", "2025", 8, 8) for n in range(9)]
    assert rules(small) == []  # 8 of 8 cannot be missed by little


def test_corrected_across_the_target_in_the_last_week() -> None:
    def told(was: float, value: float, known_on: date, target: float = 90) -> list[str]:
        row = Told(
            "1", "入学率", "县教育局", "2025", value, target, was=was, known_on=known_on, due_on=date(2026, 1, 30)
        )
        return [one.rule for one in find([row])]

    assert told(87.2, 90.1, date(2026, 1, 28)) == ["late-rise"]
    assert told(87.2, 90.1, date(2026, 1, 23)) == ["late-rise"]
    assert told(87.2, 90.1, date(2026, 1, 22)) == []
    assert told(87.2, 90.1, date(2026, 1, 31)) == []
    assert told(87.2, 89.1, date(2026, 1, 28)) == []
    assert told(92.2, 90.1, date(2026, 1, 28)) == []


def test_a_jump_into_the_last_period_of_a_year() -> None:
    calm = [41.3, 41.8, 42.1, 42.6, 43.2, 43.9, 44.4, 44.7, 45.2, 46.1, 46.3]
    [one] = find(series([*calm, 63.8]))
    assert (one.rule, [told.period for told in one.rows]) == ("jump", ["2024-11", "2024-12"])
    assert rules(series([*calm, 47.8])) == []
    assert rules(series([*calm, 63.8], is_rising=False)) == []  # away from the target
    assert rules(series([*calm[:6], 63.8, 64.1, 64.6, 65.2, 66.1])) == []  # in July
    assert rules(series([*calm[:6], 63.8])) == []  # too few steps


def test_the_same_as_the_year_before() -> None:
    def told(*pairs: tuple[float, float]) -> list[tuple[str, int, int]]:
        rows = [
            Told(f"{n} {year}", f"指标{n}", "甲镇", year, value)
            for n, pair in enumerate(pairs) for year, value in zip(("2024", "2025"), pair, strict=True)
        ]  # fmt: skip
        return rules(rows)

    assert told((12.4, 12.4), (356, 356), (78.2, 79.9)) == [("same-as-before", 2, 3)]
    assert told((12.4, 12.4), (356, 361)) == []  # one with three figures may be chance
    assert told((1243, 1243), (356, 361)) == [("same-as-before", 1, 2)]
    assert told((12, 12), (30, 30), (100, 100), (0, 0)) == []  # small and round figures repeat


def test_a_series_that_is_too_smooth() -> None:
    assert rules(series([12.3, 14.4, 16.5, 18.6, 20.7, 22.8, 24.9])) == [("too-smooth", 6, 6)]
    compound = [round(103.7 * 1.087**step, 2) for step in range(8)]
    assert rules(series(compound)) == [("too-smooth", 7, 7)]
    assert rules(series([12.3, 14.4, 16.5, 18.6, 20.7])) == []  # four steps
    assert rules(series([17.3] * 9)) == []  # what stays as it is, is not smooth


def honest(chance: Random) -> list[Told]:
    """What an honest unit may report: two years of months and ten yearly items, some near their targets."""
    level, drift, noise = chance.uniform(30, 900), chance.uniform(-0.01, 0.03), chance.uniform(0.01, 0.1)
    values, target = [], level * chance.uniform(0.9, 1.3)
    for _month in MONTHS:
        level *= 1 + drift + chance.gauss(0, noise)
        values.append(round(level, chance.choice([0, 1])))
    rows = series(values, target=target)
    for number in range(10):
        aim = chance.uniform(100, 5000)
        for year in ("2023", "2024", "2025"):
            value = round(aim * chance.gauss(1, 0.08), 1)
            rows.append(Told(f"{number} {year}", f"指标{number}", "甲镇", year, value, aim))
    return rows


def test_honest_random_values_are_seldom_listed() -> None:
    """Of 2000 honest units, each with 54 values under all rules, at most 2 in 100 have anything listed."""
    chance = Random(20260101)
    listed = [find(honest(chance)) for _unit in range(2000)]
    assert sum(bool(found) for found in listed) / len(listed) <= 0.02


def test_invented_values_are_mostly_listed() -> None:
    """Of 200 units that write what just reaches the target, rounded by habit, all are listed."""
    chance = Random(7)
    missed = 0
    for _unit in range(200):
        rows = [
            Told(f"{n}", f"指标{n}", "甲镇", "2025", round(aim * chance.uniform(1, 1.015), 1), aim)
            for n, aim in enumerate(chance.uniform(200, 900) for _ in range(8))
        ]
        missed += not find(rows)
    assert missed == 0


@pytest.fixture
def stalls(county: County) -> Collection:
    plan = Plan.objects.create(county=county, code="plan", title="甲县规划")
    row = Indicator.objects.create(plan=plan, key="stalls", name="摊位收入", unit="万元", base_year=2020,
                                   base_value=100.0, target_year=2025, target_value=200.0)  # fmt: skip
    return Collection.objects.create(
        indicator=row, organisation=organisation(county, "stand"), every="P1Y", due_days=30, since=date(2021, 1, 1)
    )


def reported(collection: Collection, period: str, value: float, at: datetime) -> Value:
    made = Value.objects.create(
        indicator=collection.indicator, period=period, value=value, source="reported", note="年报"
    )
    Value.objects.filter(pk=made.pk).update(known_at=at)
    return made


@pytest.mark.django_db
def test_the_page_gives_reason_rows_and_a_sample_that_says_nothing(county: County, stalls: Collection) -> None:
    reported(stalls, "2025", 187.3, datetime(2026, 1, 12, tzinfo=UTC))
    late = reported(stalls, "2025", 200.6, datetime(2026, 1, 28, tzinfo=UTC))
    plain = reported(stalls, "2024", 171.8, datetime(2025, 1, 12, tzinfo=UTC))
    index = Index(county.pk, "lemonade.street")
    towns = list(Area.objects.filter(county=county, level="town").order_by("code"))
    for year, more in ((2024, 0.0), (2025, 13.7)):
        given = [
            Given(item, town.code, base + number + (more if number else 0.0))
            for number, town in enumerate(towns) for item, base in (("cups", 431.2), ("waste", 127.9))
        ]  # fmt: skip
        index.report(year, given, note="普查", by=None)
    supervisor = browser(person(county, "plan.*", username="du"))
    page = supervisor.get(PAGE)
    assert [(one["title"], one["who"], one["what"], len(one["rows"])) for one in page.context["odd"]] == [
        ("与上年完全相同", towns[0].name, "", 4),
        ("截止前改到达标", stalls.organisation.name, "摊位收入", 1),
    ] or [one["title"] for one in page.context["odd"]] == ["截止前改到达标", "与上年完全相同"]
    shown = text(page)
    assert "2026-01-28（截止前一周内）由 187.3 改为 200.6，由此达到应达值 200。补报迟到的数据也会这样。" in shown
    assert "不是认定谁有问题" in shown
    assert f"/plan/indicators/{stalls.indicator_id}/" in page.content.decode()
    names = [row.told.row for row in page.context["sample"]]
    assert f"V{late.pk}" in names
    assert len(names) == 1 + 3 + 1  # the correction, three of the town's four, one of the others
    assert names == [row.told.row for row in supervisor.get(PAGE).context["sample"]]
    assert sorted(names) != names or len(names) < 3
    other = [row.told.row for row in supervisor.get(f"{PAGE}?seed=公开摇号").context["sample"]]
    assert other != names
    answer = supervisor.get(f"{SHEET}?seed=公开摇号")
    assert unquote(answer["Content-Disposition"]).endswith("抽查单-公开摇号.xlsx")
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).active
    assert sheet is not None
    lines = list(sheet.iter_rows(values_only=True))
    assert [line[4] for line in lines[1:]] == [
        doubting.look(county.pk).rows[name].told.value for name in other
    ]  # fmt: skip
    assert lines[0][:5] == ("序号", "责任单位", "指标", "时期", "数值")
    assert "截止前" not in str(lines)
    assert plain.pk


@pytest.mark.django_db
def test_only_supervisors_of_the_county_see_it(county: County, stalls: Collection) -> None:
    reported(stalls, "2025", 187.3, datetime(2026, 1, 12, tzinfo=UTC))
    for verbs in (("plan.plan.view", "plan.node.view", "plan.value.report"), ("plan.room.view",)):
        client = browser(person(county, *verbs, username=verbs[-1]))
        assert (client.get(PAGE).status_code, client.get(SHEET).status_code) == (403, 403)
    part = browser(person(county, "plan.*", username="part", of="stand"))
    assert part.get(PAGE).status_code == 403
    foreign = browser(person(testing.made_up_county("990002"), "plan.*", username="foreign"))
    assert foreign.get(PAGE).context["total"] == 0
    own = browser(person(county, "plan.*", username="own")).get(PAGE)
    assert (own.context["total"], own.context["odd"], own.context["sample"]) == (1, [], [])
    assert "这也不说明数据都对" in text(own)
    assert oddities.RARE == 0.001
