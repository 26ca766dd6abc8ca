"""Pages of the plan: lights with their reasons, rows behind numbers, reported values, findings in plain words."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from tests.fixtures import organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.plan import api, computing, facts, periods
from shizhu.engines.plan.models import Collection, Indicator, Plan, Value
from shizhu.engines.records.models import Record
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
YUNQI = Path(__file__).parent / "reader/plans/yunqi.txt"
VIEW = "plan.plan.view"
EDIT = "plan.plan.edit"


@pytest.fixture
def plan(county: County) -> Plan:
    return Plan.objects.create(county=county, code="plan", title="甲县规划", source="甲县人民政府")


def indicator(plan: Plan, name: str, **given: Any) -> Indicator:
    aim = {"base_year": 2020, "base_value": 10.0, "target_year": 2025, "target_value": 20.0, "unit": "家", **given}
    return Indicator.objects.create(plan=plan, key=name, name=name, **aim)


def value(of: Indicator, number: float, period: str = "2025", **given: Any) -> Value:
    return Value.objects.create(indicator=of, period=period, value=number, source="reported", **given)


def lines(client: Any, asked: str = "") -> dict[str, tuple[str, str]]:
    return {
        line.indicator.name: (line.standing.light, line.way) for line in client.get(f"/plan/{asked}").context["lines"]
    }


def test_each_indicator_has_its_light_and_its_way(county: County, plan: Plan) -> None:
    for name, number in (("到了", 21), ("近了", 18.5), ("远了", 11), ("倒退", 9)):
        value(indicator(plan, name), number)
    value(indicator(plan, "升了", base_value=20, target_value=10, is_rising=False), 22)
    indicator(plan, "没数")
    indicator(plan, "没目标", target_value=None)
    client = browser(person(county, VIEW))
    assert lines(client) == {
        "到了": ("green", "已达成"), "近了": ("yellow", "85 %"), "远了": ("red", "10 %"), "倒退": ("red", "低于基期"),
        "升了": ("red", "高于基期"), "没数": ("none", ""), "没目标": ("none", ""),
    }  # fmt: skip
    assert client.get("/plan/").context["counts"] == {"green": 1, "yellow": 1, "red": 3, "none": 2}
    page = text(client.get("/plan/"))
    assert [
        part
        for part in ("21 家", "10 家", "现值 21 家 达到 2025 年应达值 20 家", "来源：甲县人民政府")
        if part not in page
    ] == []


def test_where_nothing_can_be_judged_nothing_is_said_to_be_well(county: County, plan: Plan) -> None:
    row, client = indicator(plan, "没数"), browser(person(county, VIEW))
    said = "所有指标都还不能判断", "没有滞后的指标"
    assert [part in text(client.get("/plan/")) for part in said] == [True, False]
    value(row, 21)
    assert [part in text(client.get("/plan/")) for part in said] == [False, True]


def test_one_indicator_tells_base_path_now_target_light_and_why(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数", no="3", place={"from": 5, "to": 6})
    value(row, 18.5, note="统计公报", is_simulated=True)
    page = browser(person(county, VIEW)).get(f"/plan/indicators/{row.pk}/")
    parts = [
        "接近", "18.5 家 · 2025", "现值 18.5 家 接近 2025 年应达值 20 家", "基期 10 家 2020", "目标 20 家 2025",
        "完成 85 %", "序号 3、行 5–6", "人工填报 · 统计公报", "模拟",
    ]  # fmt: skip
    assert [part for part in parts if part not in text(page)] == []
    chart = page.context["chart"]
    assert [point[1] for point in chart["path"]] == [10, 12, 14, 16, 18, 20]
    assert [point[1] for point in chart["points"]] == [18.5]
    value(row, 13.5, period="2022-Q2")
    chart = browser(person(county, VIEW)).get(f"/plan/indicators/{row.pk}/").context["chart"]
    assert [(point[0][:10], point[4]) for point in chart["points"]] == [
        ("2021-07-01", "2022-Q2"),
        ("2025-01-01", "2025"),
    ]
    assert chart["path"][0][::2] == ["2020-01-01T00:00:00+08:00", "2020"]  # half of 2022 lies half-way to its sign
    english = text(browser(person(county, VIEW), "en").get(f"/plan/indicators/{row.pk}/"))
    assert [
        part for part in ("nearly", "18.5 家 is near the 20 家 expected of 2025", "simulated") if part not in english
    ] == []


def test_a_computed_number_opens_to_its_rows_and_is_marked_as_they_are(county: County, plan: Plan, stall: Any) -> None:
    row = indicator(plan, "遮阳", unit="%", base_value=None, target_value=80.0, formula="lemonade.shaded_stalls")
    stall(is_shaded=True)
    stall(is_shaded=False, area="102")
    api.compute_all()
    client = browser(person(county, VIEW, "records.lemonade.*", in_area="101"))
    page = client.get(f"/plan/indicators/{row.pk}/")
    assert [(item["name"], item["count"]) for item in page.context["inputs"]] == [("shaded", 1), ("stalls", 2)]
    assert (page.context["line"].now.value, page.context["line"].now.is_simulated) == (50.0, False)
    year = date.today().year
    rows = client.get(f"/plan/indicators/{row.pk}/rows/stalls?period={year}")
    assert ([found.title for found in rows.context["rows"]], rows.context["total"]) == (["1号摊"], 2)
    assert "2 条 · 您可查看 1" in text(rows)
    periods = (f"stalls?period={asked}" for asked in ("", "x", "0001", "9999-12", "0000"))
    wrong = [f"/plan/indicators/{row.pk}/rows/{end}" for end in ("stalls", *periods, f"nothing?period={year}")]
    assert [client.get(address).status_code for address in wrong] == [404] * 7


def test_a_number_that_counts_simulated_rows_is_simulated(county: County, plan: Plan, stall: Any) -> None:
    row = indicator(plan, "遮阳", unit="%", base_value=None, target_value=80.0, formula="lemonade.shaded_stalls")
    stall(is_shaded=True)
    api.compute_all()
    Record.objects.update(is_simulated=True)
    api.compute_all()
    assert list(row.values.order_by("pk").values_list("value", "is_simulated")) == [(100.0, False), (100.0, True)]
    client = browser(person(county, VIEW))
    assert lines(client) == {"遮阳": ("green", "已达成")}
    Record.objects.all().delete()
    api.compute_all()  # 0 of 0: what was computed before is no longer so
    assert [one.value for one in row.values.order_by("pk")] == [100.0, 100.0, None]
    page = client.get(f"/plan/indicators/{row.pk}/")
    assert (lines(client), page.context["chart"]["points"]) == ({"遮阳": ("none", "")}, [])


def test_values_are_reported_by_those_with_the_right(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    address = f"/plan/indicators/{row.pk}/report"
    good = {"period": "2025", "value": "17", "note": "统计局来函"}
    viewer, clerk = browser(person(county, VIEW)), browser(person(county, "plan.*", username="clerk"))
    assert (viewer.post(address, good).status_code, clerk.get(address).status_code) == (403, 405)
    for changed, message in (
        ({"period": "去年"}, "请填时期（如 2026、2026-Q3 或 2026-07）和数字。"),
        ({"value": "很多"}, "请填时期（如 2026、2026-Q3 或 2026-07）和数字。"),
        ({"note": " "}, "请写明数据来源。"),
        ({"period": "1899"}, "请填时期（如 2026、2026-Q3 或 2026-07）和数字。"),
        ({"period": "9999-12"}, "请填时期（如 2026、2026-Q3 或 2026-07）和数字。"),
        ({"period": "2199-01"}, "2199-01 尚未开始，还没有数可报。"),
        ({"period": f"{date.today().year + 1}"}, f"{date.today().year + 1} 尚未开始，还没有数可报。"),
        ({"value": "1.1e15"}, "数字过大。"),
        ({"value": "-1.1e15"}, "数字过大。"),
    ):
        assert told(clerk.post(address, {**good, **changed}, follow=True)) == [message]
    assert Value.objects.count() == 0
    assert told(clerk.post(address, good, follow=True)) == ["已填报。"]
    kept = Value.objects.get()
    assert (kept.value, kept.period, kept.source, kept.note, kept.person.username) == (
        17.0, "2025", "reported", "统计局来函", "clerk",
    )  # fmt: skip
    assert 'action="/plan/indicators/' not in viewer.get(f"/plan/indicators/{row.pk}/").content.decode()


def test_a_value_is_judged_by_its_own_day(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数", base_year=2020, target_year=2030)
    value(row, 14, period="2024")
    assert lines(browser(person(county, VIEW)))["摊位数"][0] == "green"  # 14 was to be reached by the end of 2024


MARCH = date(2023, 3, 31)  # 90 of 365 days: of the five years from the end of 2020 2.2466 are over
RUNNING = [
    ({}, 14.5, "green", "现值 14.5 家 达到截至 2023-03-31 的应达值 14.49 家"),  # 10 + 2 a year
    ({}, 13.7, "yellow", "现值 13.7 家 接近截至 2023-03-31 的应达值 14.49 家"),
    ({"base_value": 20, "target_value": 10, "is_rising": False}, 15.5, "green", "达到截至 2023-03-31 的应达值 15.51"),
    ({"base_value": 20, "target_value": 10, "is_rising": False}, 16.5, "red", "落后于截至 2023-03-31 的应达值 15.51"),
    ({"tolerance": 1.0}, 15.4, "green", "与截至 2023-03-31 的应有值 14.49 家 相差 0.91 家，允许 1 家"),
    ({"tolerance": 1.0}, 13.4, "yellow", "与截至 2023-03-31 的应有值 14.49 家 相差 1.09 家，允许 1 家"),
    ({"is_cumulative": True, "base_value": None, "target_value": 50}, 23, "green", "的应达值 22.47 家"),  # from 0
    ({"is_cumulative": True}, 14.5, "green", "的应达值 14.49 家"),
    ({"base_value": 0}, 8, "yellow", "的应达值 8.99 家"),  # 8 of 8.99, 4 a year from nothing
    ({"base_value": 0, "target_value": 0, "is_rising": False}, 1, "red", "的应达值 0 家"),
    ({"is_compound": True}, 13.7, "green", "的应达值 13.65 家"),  # 10 × 2^(2.2466 / 5)
]  # fmt: skip


@pytest.mark.parametrize(("given", "number", "light", "why"), RUNNING)
@pytest.mark.parametrize("source", ["formula", "reported"])
def test_a_year_that_runs_is_judged_by_the_path_up_to_the_day(
    county: County, plan: Plan, source: str, given: dict[str, Any], number: float, light: str, why: str
) -> None:
    row = indicator(plan, "摊位数", **given)
    value(row, number, period="2023")
    row.values.update(source=source, known_at=datetime(2023, 3, 31, 1, tzinfo=UTC))
    found = computing.judging([row], computing.newest([row]), MARCH)[row.pk]
    told = computing.standing(row, found, MARCH)
    assert (told.light, why in told.why["zh"]) == (light, True), told.why
    later = computing.standing(row, found, date(2023, 11, 30))
    assert (later == told) == (source == "reported")  # nobody said anything of November; a formula did, without change


def test_what_begins_anew_each_year_is_judged_by_the_last_whole_one(county: County, plan: Plan) -> None:
    row = indicator(plan, "产值", is_flow=True)
    row.values.create(period="2020", value=10, source="plan")
    told = []
    for period, number, known in (
        ("2022", 14, (2023, 1, 20)), ("2022-Q4", 5, (2023, 1, 21)), ("2023", 4, (2023, 3, 30)),
        ("2023", 15, (2024, 1, 5)),
    ):  # fmt: skip
        value(row, number, period=period)
        row.values.filter(pk=row.values.latest("pk").pk).update(known_at=datetime(*known, tzinfo=UTC))
        for day in (date(*known), date(2024, 6, 1)):
            found = computing.judging([row], computing.newest([row]), day)[row.pk]
            told.append((found.value, computing.standing(row, found, day).why["en"]))
    whole = (14, "14 家 reaches the 14 家 expected of 2022")
    assert told == [whole] * 6 + [(15, "15 家 is near the 16 家 expected of 2023")] * 2
    assert browser(person(county, VIEW)).get("/plan/").context["lines"][0].now.value == 15
    value(row, 9, period=f"{date.today():%Y}")
    assert browser(person(county, VIEW)).get("/plan/").context["lines"][0].now.value == 15
    browser(person(county, "plan.*", username="clerk")).post(f"/plan/indicators/{row.pk}/path", {"due_days": "90"})
    assert browser(person(county, VIEW)).get("/plan/").context["lines"][0].now.value == 9


@pytest.mark.parametrize(
    ("every", "given", "falling", "cumulative", "light", "why"),
    [
        (
            "P1M",
            {"01": 9, "02": 10, "03": 12},
            False,
            False,
            "green",
            "1—3 月 31 家，达到序时进度 30 家（全年应达 120 家",
        ),
        ("P1M", {"01": 9, "02": 10, "03": 5}, False, False, "yellow", "1—3 月 24 家，接近序时进度 30 家"),
        ("P1M", {"01": 9, "02": 10, "03": 4}, False, False, "red", "1—3 月 23 家，落后于序时进度 30 家"),
        ("P1M", {"01": 9, "03": 50}, False, False, "red", "缺 YEAR-02 的数，不按序时进度判断"),
        ("P3M", {"Q1": 9, "Q2": 60}, False, False, "green", "1—6 月 69 家，达到序时进度 60 家"),
        ("P1M", {"01": 9, "03": 31}, False, True, "green", "1—3 月 31 家，达到序时进度 30 家"),
        ("P1M", {"01": 11}, True, False, "yellow", "1—1 月 11 家，接近序时进度 10 家"),
        ("P1M", {"01": 9}, True, False, "green", "1—1 月 9 家，未超过序时进度 10 家"),
        ("P1Y", {"01": 99}, False, False, "red", "现值 60 家 落后于"),
        ("", {"01": 99}, False, False, "red", "现值 60 家 落后于"),
    ],
)
def test_a_flow_reported_within_the_year_is_judged_by_time(
    county: County, plan: Plan, every: str, given: Any, falling: bool, cumulative: bool, light: str, why: str
) -> None:  # fmt: skip
    year = date.today().year
    row = indicator(
        plan, "产值", is_flow=True, base_year=year - 2, base_value=120 if falling else 100, target_value=120,
        target_year=year + 1, is_rising=not falling, is_cumulative=cumulative, steps={f"{year}": 120},
    )  # fmt: skip
    if every:
        Collection.objects.create(indicator=row, organisation=organisation(county, "stand"), every=every,
                                  since=date(year, 1, 1))  # fmt: skip
    value(row, 60, period=f"{year - 1}")
    for month, number in given.items():
        value(row, number, period=f"{year}-{month}")
    client = browser(person(county, VIEW))
    [line] = client.get("/plan/").context["lines"]
    assert (line.standing.light, why.replace("YEAR", f"{year}") in line.standing.why["zh"]) == (light, True), line
    assert line.standing.why["zh"] in text(client.get(f"/plan/indicators/{row.pk}/"))
    told = facts.gather(plan, "annual", f"{year}", timezone.now())["indicators"][0]
    assert (told["light"], told["why"]) == (light, line.standing.why)
    assert (told["now"]["value"], list(told["years"])) == (line.now.value, [f"{year - 1}"])


def test_late_data_is_told_beside_the_light(county: County, plan: Plan) -> None:
    year = date.today().year
    row = indicator(plan, "摊位数", base_year=year - 4, target_year=year + 1, due_days=0)
    value(row, 14, period=str(year - 2))
    client = browser(person(county, VIEW))
    page = client.get(f"/plan/indicators/{row.pk}/")
    late = (date.today() - date(year - 1, 12, 31)).days
    assert (page.context["due"].state, page.context["due"].days_late) == ("late", late)
    assert [part for part in (f"逾期 {late} 天", "数据迟报不等于工作滞后") if part not in text(page)] == []
    assert f"数据逾期 {late} 天" in text(client.get("/plan/"))
    value(row, 15, period=str(year - 1))
    assert client.get(f"/plan/indicators/{row.pk}/").context["due"].state == "given"
    Value.objects.filter(period=str(year - 1)).update(known_at=datetime(year, 1, 3, tzinfo=UTC))
    value(row, 16, period=str(year - 1))  # corrected today, and this year's value so far: it came on 3 January
    value(row, 1, period=str(year))
    due = client.get(f"/plan/indicators/{row.pk}/").context["due"]
    assert (due.state, due.days_late) == ("given", 3)


def test_the_overview_says_what_matters_first_and_leads_onward(county: County, plan: Plan) -> None:
    year = date.today().year
    indicator(plan, "摊位数", no="3", base_year=year - 4, target_year=year + 1, due_days=0)
    indicator(plan, "夜市数", source="county", base_year=None)
    indicator(plan, "集市数", source="sentence", base_year=None)
    client = browser(person(county, VIEW, "plan.node.view"))
    page = client.get("/plan/")
    html = page.content.decode()
    assert [html.index(part) for part in ("plan-say", "plan-links", "plan-table", "尚未读入")] == sorted(
        html.index(part) for part in ("plan-say", "plan-links", "plan-table", "尚未读入")
    )
    assert [
        part
        for part in ("自 — 本县增设的指标，规划原文没有", "3 摊位数", "自 夜市数", "— 集市数")
        if part not in text(page)
    ] == []
    ways = {"clauses", "tasks", "timeline", "meetings", "collect", "reports", "review"}
    assert [way for way in ways if f'href="/plan/{way}/?plan=plan"' not in html] == []
    assert [way for way in ("scorecards", "indexes") if f'href="/plan/{way}/"' not in html] == []
    assert 'href="/plan/scorecards/"' not in browser(person(county, VIEW)).get("/plan/").content.decode()
    assert 'href="?plan=plan&amp;light=late"' in html
    assert "数据逾期未报的指标 1" in text(page)
    assert list(lines(client, "?plan=plan&light=late")) == ["摊位数"]
    late = text(client.get("/plan/?plan=plan&light=late"))
    assert "数据逾期未报的指标 1 · 显示全部 每期结束后须在规定期限内报送数据" in late
    assert len(lines(client, "?plan=plan&light=mauve")) == 3


def test_a_plan_without_indicators_has_no_empty_table(county: County, plan: Plan) -> None:
    page = browser(person(county, VIEW)).get("/plan/")
    assert "该规划没有指标。" in text(page)
    assert [part for part in ("plan-lights", "plan-table") if part in page.content.decode()] == []


def test_the_outlook_tells_range_and_past_error(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    for year, number in ((2020, 10), (2021, 12), (2022, 15), (2023, 16)):
        value(row, number, period=str(year))
    reader = person(county, VIEW)
    page = browser(reader).get(f"/plan/indicators/{row.pk}/")
    outlook = page.context["outlook"]
    assert (outlook.year, round(outlook.value, 2), outlook.tried) == (2025, 20.6, 2)
    assert (page.context["gap"], round(outlook.error, 3), round(outlook.low, 2)) == (4, 1.167, 17.28)
    for year, number in ((2022, 15.9), (2023, 16)):
        value(row, number, period=str(year))
    for is_cumulative, low in ((False, 14.83), (True, 16)):
        Indicator.objects.filter(pk=row.pk).update(is_cumulative=is_cumulative)
        outlook = browser(reader).get(f"/plan/indicators/{row.pk}/").context["outlook"]
        assert round(outlook.low, 2) == low
    Indicator.objects.filter(pk=row.pk).update(is_cumulative=False)
    assert [part for part in ("还差 4 家", "按此走势 2025", "以往误差") if part not in text(page)] == []
    Indicator.objects.filter(pk=row.pk).update(name="遮阳覆盖率", unit="%")
    value(row, 80, period="2022")
    value(row, 99, period="2023")
    share = browser(reader).get(f"/plan/indicators/{row.pk}/").context["outlook"]
    assert (round(share.low, 3), share.value, share.high) == (59.936, 100.0, 100.0)


def test_a_year_that_runs_is_no_year_of_the_outlook_and_its_last_month_is_one(county: County, plan: Plan) -> None:
    year = date.today().year
    row = indicator(plan, "摊位数", base_year=year - 4, target_year=year + 1)
    for period, number in ((f"{year - 3}-11", 2), (f"{year - 3}-12", 10), (f"{year - 2}-Q4", 12), (f"{year - 1}", 14)):
        value(row, number, period=period)
    value(row, 1, period=str(year))  # of the year so far
    outlook = browser(person(county, VIEW)).get(f"/plan/indicators/{row.pk}/").context["outlook"]
    assert (outlook.year, round(outlook.value, 2)) == (year + 1, 18.0)


def test_what_base_and_target_were_before_is_told(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    client = browser(person(county, VIEW))
    assert "基期与目标的变更" not in text(client.get(f"/plan/indicators/{row.pk}/"))
    for changed in ({"definition": "一"}, {"target_value": 30.0}, {"base_value": 12.0, "target_year": 2026}):
        Indicator.objects.filter(pk=row.pk).update(**changed)
    page = client.get(f"/plan/indicators/{row.pk}/")
    before = [(one["base"], one["base_year"], one["target"], one["target_year"]) for one in page.context["goals"]]
    assert before == [(10, 2020, 30, 2025), (10, 2020, 20, 2025)]
    assert "基期 10 家 2020 · 目标 20 家 2025" in text(page)


def test_the_newest_period_ends_last_and_is_the_longest_of_those(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    newest = []
    for period in ("2025-Q3", "2025-9", "2025-10", "2025-12", "2025-Q4", "2025", "2024", "2026-01"):
        value(row, 1, period=period)
        newest.append(computing.newest([row])[row.pk].period)
    assert newest == ["2025-Q3", "2025-Q3", "2025-10", "2025-12", "2025-Q4", "2025", "2025", "2026-01"]
    ordered = sorted(row.values.values_list("period", flat=True), key=periods.order)
    assert ordered == ["2024", "2025-9", "2025-Q3", "2025-10", "2025-12", "2025-Q4", "2025", "2026-01"]


def test_the_path_is_stepped_by_hand(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    address = f"/plan/indicators/{row.pk}/path"
    viewer, clerk = browser(person(county, VIEW)), browser(person(county, "plan.*", username="clerk"))
    good = {"step-2022": "11", "tolerance": "", "due_days": "60"}
    assert viewer.post(address, good).status_code == 403
    for wrong in ({"step-2022": "x"}, {"tolerance": "nan"}, {"due_days": "401"}, {"due_days": ""}, {"tolerance": "-1"}):
        assert told(clerk.post(address, {**good, **wrong}, follow=True)) != []
    row.refresh_from_db()
    assert (row.steps, row.tolerance, row.due_days) == ({}, None, 90)
    assert told(clerk.post(address, good, follow=True)) == ["路径已保存。"]
    row.refresh_from_db()
    assert (row.steps, row.due_days) == ({"2022": 11.0}, 60)
    way = clerk.get(f"/plan/indicators/{row.pk}/").context["chart"]["path"]
    assert [round(point[1], 6) for point in way] == [10, 10.5, 11, 14, 17, 20]


def test_the_path_may_grow_by_the_same_share_every_year(county: County, plan: Plan) -> None:
    row, none = indicator(plan, "摊位数", base_value=10, target_value=320), indicator(plan, "从零起", base_value=0)
    clerk = browser(person(county, "plan.*"))
    sent = {"compound": "on", "tolerance": "", "due_days": "90"}
    refused = clerk.post(f"/plan/indicators/{none.pk}/path", sent, follow=True)
    assert told(refused) == ["按同比增速推算的路径要求基期值和目标值都大于 0。"]
    address = f"/plan/indicators/{row.pk}/"

    def way() -> list[float]:
        return [round(point[1], 6) for point in clerk.get(address).context["chart"]["path"]]

    assert way() == [10, 72, 134, 196, 258, 320]
    assert told(clerk.post(f"{address}path", sent, follow=True)) == ["路径已保存。"]
    assert way() == [10, 20, 40, 80, 160, 320]
    clerk.post(f"{address}path", {"tolerance": "", "due_days": "90"})
    assert way()[1] == 72


def test_an_indicator_says_what_it_counts_where_its_ends_come_from_and_who_answers(county: County, plan: Plan) -> None:
    row = indicator(
        plan, "摊位数", kind="约束性", is_cumulative=True, definition="年末登记在册的摊位", base_source="统计年鉴2021"
    )
    clause = plan.clauses.create(
        key="c", order=1, kind="text", text="建摊位", indicator=row, place={"from": 1, "to": 1}
    )
    stand, kitchen = (organisation(county, code) for code in ("stand", "kitchen"))
    clause.owners.create(organisation=stand, is_lead=True, state="settled")
    clause.owners.create(organisation=kitchen, is_lead=True, state="proposed")
    page = browser(person(county, VIEW)).get(f"/plan/indicators/{row.pk}/")
    assert list(page.context["leads"]) == [stand]
    said = text(page)
    asked = ("年末登记在册的摊位", "约束性 · 累计", "统计年鉴2021", "甲县人民政府", f"责任单位 {stand.name}")
    assert [part for part in asked if part not in said] == []


@pytest.mark.parametrize("number", ["nan", "inf", "-inf", "1e999"])
def test_a_number_that_is_none_is_refused(county: County, plan: Plan, number: str) -> None:
    row = indicator(plan, "摊位数")
    clerk = browser(person(county, "plan.*"))
    sent = {"period": "2025", "value": number, "note": "统计局来函"}
    page = clerk.post(f"/plan/indicators/{row.pk}/report", sent, follow=True)
    assert told(page) == ["请填时期（如 2026、2026-Q3 或 2026-07）和数字。"]
    assert Value.objects.count() == 0


def test_without_the_right_there_is_no_plan(county: County, plan: Plan) -> None:
    row = indicator(plan, "摊位数")
    stranger = browser(person(county, "cases.*"))
    addresses = ["/plan/", "/plan/tasks/", "/plan/review/", f"/plan/indicators/{row.pk}/"]
    assert [stranger.get(address).status_code for address in addresses] == [403] * 4
    other = County.objects.create(code="990002", name="乙县")
    foreign = indicator(Plan.objects.create(county=other, code="plan", title="乙"), "外县的")
    reader = browser(person(county, VIEW))
    assert reader.get(f"/plan/indicators/{foreign.pk}/").status_code == 404
    assert list(lines(reader)) == ["摊位数"]


def test_a_plan_that_is_not_there_yet_says_how_to_get_it(county: County) -> None:
    for page in ("/plan/", "/plan/tasks/", "/plan/review/", "/plan/timeline/", "/plan/tables/"):
        asked = text(browser(person(county, VIEW)).get(page))
        assert "还没有规划。 由管理规划的人读入规划文件（Word、PDF 或文本）。" in asked
        assert "读入文件" not in asked
        assert "还没有规划。 读入文件" in text(browser(person(county, VIEW, EDIT)).get(page))


def test_a_plan_without_its_text_says_how_to_read_it(county: County, plan: Plan) -> None:
    pages = {"": "前后矛盾之处）尚未读入。", **dict.fromkeys(("tasks/", "review/", "clauses/"), "规划文本尚未读入。")}
    for page, said in pages.items():
        assert f"{said} 由管理规划的人读入规划文件" in text(browser(person(county, VIEW)).get(f"/plan/{page}"))
        keeper = browser(person(county, VIEW, EDIT)).get(f"/plan/{page}")
        assert f"{said} 读入文件" in text(keeper)
        assert f'href="/plan/read/?plan={plan.code}"' in keeper.content.decode()


def test_growth_over_all_years_is_no_yearly_aim(county: County) -> None:
    api.import_text(county, YUNQI.with_name("liantang.txt").read_text(encoding="utf-8"), source="liantang.txt")
    rows = Indicator.objects.filter(name__in=["水产品总产量", "养殖尾水排放强度下降"]).order_by("order")
    assert [(row.no, row.growth) for row in rows] == [("1", 5.3), ("3", None)]


BOUNDS = """甲县水利发展规划
（2021—2025年）
专栏1 主要指标
| 序号 | 指标 | 单位 | 2020年 | 2025年 | 属性 |
| 1 | 饮用水达标率 | % | 98.5 | ≥95 | 约束性 |
| 2 | 万元产值水耗 | 吨 | 0.3 | ≤0.5 | 约束性 |
| 3 | 地区生产总值 | 亿元 | 100 | 年均增长8% | 预期性 |
| 4 | 灌溉面积 | 万亩 | 50 | 增长10% | 预期性 |
| 5 | 复种率 | % | 40 | 提高5个百分点 | 预期性 |
| 6 | 农田水头 | 米 | — | 提高2米 | 预期性 |
| 7 | 社会消费品零售总额 | 亿元 | 100 | 8%左右 | 预期性 |
"""


def test_a_floor_a_ceiling_and_a_rise_are_not_read_as_a_level_to_go_to(county: County) -> None:
    api.import_text(county, BOUNDS)
    rows = {row.no: row for row in Indicator.objects.order_by("order")}
    assert {no: (row.target_value, row.growth, row.is_rising) for no, row in rows.items()} == {
        "1": (95, None, True), "2": (0.5, None, False), "3": (None, 8, True), "4": (55, None, True),
        "5": (45, None, True), "6": (None, None, True), "7": (None, 8, True),
    }  # fmt: skip
    day = date(2022, 12, 31)
    told = []
    for no, number in (("1", 98), ("1", 94), ("1", 60), ("2", 0.45), ("2", 0.55), ("3", 117), ("3", 108), ("3", 104)):
        value = Value(indicator=rows[no], period="2022", value=number, source="reported", known_at=timezone.now())
        stand = computing.standing(rows[no], value, day)
        told.append((no, number, stand.light, None if stand.done is None else round(stand.done, 3)))
    assert told == [  # the gross product of 2022: 100 × 1.08² = 116.64, of 2025: 146.93
        ("1", 98, "green", 1.032), ("1", 94, "yellow", 0.989), ("1", 60, "red", 0.632), ("2", 0.45, "green", 1.111),
        ("2", 0.55, "yellow", 0.909), ("3", 117, "green", 0.362), ("3", 108, "red", 0.17), ("3", 104, "red", 0.085),
    ]  # fmt: skip


def test_a_plan_that_was_read_shows_tasks_boxes_and_findings(county: County) -> None:
    api.import_text(county, YUNQI.read_text(encoding="utf-8"), source="yunqi.txt")
    client = browser(person(county, VIEW))
    page = client.get("/plan/")
    assert (page.context["task_count"], page.context["open_questions"], len(page.context["lines"])) == (4, 2, 9)
    assert [row.name for row in Indicator.objects.filter(is_flow=True)] == ["茶旅产业产值"]
    tasks = text(client.get("/plan/tasks/"))
    assert [
        part for part in ("茶旅集市", "2021–2023", "县市场监督管理局", "专栏 3", "古茶园步道") if part not in tasks
    ] == []
    review = text(client.get("/plan/review/"))
    assert [part for part in ("等级民宿数量", "正文与表格数值不一致", "行 16 ·") if part not in review] == []
    unsure = text(client.get("/plan/review/?show=unsure"))
    parts = ["县景区管委会会", "单位名称中有一字重复", "任务 5", "序号有缺"]
    assert [part for part in parts if part not in unsure] == []
    foreigner = browser(person(county, VIEW), "en")
    assert "the text and the table print different values" in text(foreigner.get("/plan/review/"))
    assert "the number 4 is left out: 5 follows 3" in text(foreigner.get("/plan/review/?show=unsure"))


def test_a_formula_by_town_is_the_same_as_town_by_town(county: County, plan: Plan, stall: Any) -> None:
    for is_shaded, town in ((True, "101"), (False, "101"), (True, "102")):
        stall(is_shaded=is_shaded, area=town)
    Record.objects.filter(area__code__endswith="102").update(is_simulated=True)
    row = indicator(plan, "遮阳", unit="%", base_value=None, target_value=80.0, formula="lemonade.shaded_stalls")
    api.compute_all()
    year = date.today().year
    page = browser(person(county, VIEW)).get(f"/plan/indicators/{row.pk}/towns?period={year}")
    assert [(town.code[-3:], *rest) for town, *rest in page.context["rows"]] == [
        ("102", 100.0, True, 100), ("101", 50.0, False, 50),
    ]  # fmt: skip
    assert browser(person(county)).get(f"/plan/indicators/{row.pk}/towns?period={year}").status_code == 403
