"""Tables of a plan go out as Excel and come in again: what nobody changed changes nothing, whatever stands in it."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import organisation, person
from tests.web.pages import browser, saved, text, told

from shizhu.engines.plan.models import Budget, Indicator, Plan, Risk, Task, Value
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
ODD = (
    "001",
    "1.50",
    "1e3",
    "=1+1",
    "+86",
    "2026-07",
    "1,234",
    "是",
    "—",
    "-",
    "TRUE",
    "'单'",
    "甲　乙",
    "甲\n乙",
    "％<b>",
)
TEXTS = st.sampled_from(ODD) | st.text(st.sampled_from("甲乙丙石柱0123456789.-+=,，、 A%()"), min_size=1, max_size=12)
NAMES = TEXTS.map(str.strip).filter(bool)
NUMBERS = st.none() | st.integers(-(10**9), 10**9).map(float) | st.floats(-1e9, 1e9)
MONEY = st.floats(0, 1e9)
YEARS = st.none() | st.integers(1990, 2020)


@pytest.fixture
def plan(county: County) -> Plan:
    made = Plan.objects.create(county=county, code="plan", title="甲县规划")
    indicator = Indicator.objects.create(plan=made, key="i1", name="摊位")
    Value.objects.create(indicator=indicator, period="2025", source="reported")
    task, by = Task.objects.create(plan=made, key="t1", name="工程"), person(county, username="maker")
    Budget.objects.create(task=task, year=2026, fund="市级", planned=1, person=by)
    Risk.objects.create(
        task=task, name="晚", level="high", measure="催", organisation=organisation(county, "stand"), opened_by=by
    )
    return made


@pytest.fixture
def client(plan: Plan) -> Client:
    return browser(person(plan.county, "plan.plan.view", "plan.plan.edit"))


def kept() -> list[list[dict[str, Any]]]:
    return [list(model.objects.order_by("pk").values()) for model in (Indicator, Value, Task, Budget, Risk)]


def again(client: Client, kind: str) -> list[str]:
    """What is said when a table that went out comes in as it is."""
    table = SimpleUploadedFile("table.xlsx", client.get(f"/plan/tables/{kind}.xlsx?plan=plan").content)
    return told(client.post(f"/plan/tables/{kind}/take?plan=plan", {"table": table}, follow=True))


def strip(text: str) -> str:
    return text.strip()


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    indicator=st.fixed_dictionaries(
        {
            "no": TEXTS.map(strip), "name": NAMES, "unit": TEXTS.map(strip), "kind": TEXTS.map(strip),
            "definition": TEXTS.map(strip), "base_source": TEXTS.map(strip), "target_source": TEXTS.map(strip),
            "base_year": YEARS, "base_value": NUMBERS, "target_value": NUMBERS, "growth": NUMBERS,
            "is_cumulative": st.booleans(), "is_rising": st.booleans(), "tolerance": st.none() | MONEY, "weight": MONEY,
        }
    ),
    value=st.fixed_dictionaries({"value": NUMBERS, "note": TEXTS, "is_simulated": st.booleans()}),
    task=st.fixed_dictionaries(
        {
            "no": TEXTS.map(strip), "name": NAMES, "category": TEXTS.map(strip), "content": TEXTS,
            "owners": st.lists(NAMES.filter(lambda name: "、" not in name), max_size=3),
            "period": st.sampled_from([{}, {"text": "近期"}, {"from": 2021, "to": 2025}, {"from": 2021, "text": "起"}]),
        }
    ),
    budget=st.fixed_dictionaries(
        {"fund": NAMES, "planned": MONEY, "spent": st.none() | MONEY, "is_simulated": st.booleans()}
    ),
    risk=st.fixed_dictionaries(
        {
            "name": NAMES, "level": st.sampled_from(Risk.Level.values), "measure": NAMES, "outcome": NAMES,
            "closed_at": st.none() | st.just(timezone.now()), "is_simulated": st.booleans(),
        }
    ),
)  # fmt: skip
def test_what_goes_out_and_comes_in_again_changes_nothing(
    plan: Plan, client: Client, indicator: Any, value: Any, task: Any, budget: Any, risk: Any
) -> None:
    for model, said in ((Indicator, indicator), (Value, value), (Task, task), (Budget, budget), (Risk, risk)):
        model.objects.update(**said)
    before = kept()
    for kind in ("indicators", "values", "tasks", "money", "risks"):
        assert again(client, kind) == ["改动或新增 0 行。"], kind
    assert kept() == before


def test_a_known_name_under_an_unknown_key_makes_no_second_row(plan: Plan, client: Client) -> None:
    before = kept()
    for kind, name, key in (("indicators", "摊位", "i1"), ("tasks", "工程", "t1")):
        book = openpyxl.load_workbook(io.BytesIO(client.get(f"/plan/tables/{kind}.xlsx?plan=plan").content))
        book.active["A2"] = "i9"
        page = client.post(f"/plan/tables/{kind}/take?plan=plan", {"table": saved(book)}, follow=True)
        assert f"没有编码为 i9 的行，而“{name}”的编码是 {key}；请填这个编码，确属新增的请另起名称" in text(page)
    assert kept() == before
    Indicator.objects.update(unit="家")
    book = openpyxl.load_workbook(io.BytesIO(client.get("/plan/tables/indicators.xlsx?plan=plan").content))
    book.active["A2"], book.active["D2"] = "i9", "%"
    sent = client.post("/plan/tables/indicators/take?plan=plan", {"table": saved(book)}, follow=True)
    assert (told(sent), Indicator.objects.count()) == (["改动或新增 1 行。"], 2)  # of another unit: another one


def test_a_value_in_another_unit_of_measure_is_refused_for_nothing_is_converted(plan: Plan, client: Client) -> None:
    Indicator.objects.update(unit="亿元")
    Value.objects.update(value=3)
    book = openpyxl.load_workbook(io.BytesIO(client.get("/plan/tables/values.xlsx?plan=plan").content))
    book.active["C2"], book.active["E2"], book.active["G2"] = "万元", 30000, "年报"
    page = client.post("/plan/tables/values/take?plan=plan", {"table": saved(book)}, follow=True)
    assert "单位：万元：该指标按 亿元 计，请换算后再填" in text(page)
    assert [one.value for one in Value.objects.all()] == [3]


def test_a_formula_that_counts_in_another_unit_of_measure_is_refused(plan: Plan, client: Client) -> None:
    Indicator.objects.update(unit="亿元", base_value=None)
    before = kept()
    book = openpyxl.load_workbook(io.BytesIO(client.get("/plan/tables/indicators.xlsx?plan=plan").content))
    columns = [cell.value for cell in book.active[1]]
    book.active.cell(2, columns.index("公式") + 1).value = "lemonade.shaded_stalls"
    page = client.post("/plan/tables/indicators/take?plan=plan", {"table": saved(book)}, follow=True)
    assert "第 2 行：lemonade.shaded_stalls 以 % 计数，与 亿元 不同，不作换算。" in text(page)
    assert kept() == before
    book.active.cell(2, columns.index("单位") + 1).value = "%"
    page = client.post("/plan/tables/indicators/take?plan=plan", {"table": saved(book)}, follow=True)
    assert (told(page), Indicator.objects.get().unit) == (["改动或新增 1 行。"], "%")
    Indicator.objects.update(unit="亿元")  # as it came from elsewhere: a table that goes out comes in again
    assert again(client, "indicators") == ["改动或新增 0 行。"]


def test_a_base_of_another_year_is_the_known_value_of_that_year_alone(plan: Plan, client: Client) -> None:
    row = Indicator.objects.get()
    for year, number in ((2020, 6.0), (2021, 7.0)):
        book = openpyxl.load_workbook(io.BytesIO(client.get("/plan/tables/indicators.xlsx?plan=plan").content))
        columns = [cell.value for cell in book.active[1]]
        for head, cell in (("基期年", year), ("基期", number)):
            book.active.cell(2, columns.index(head) + 1).value = cell
        client.post("/plan/tables/indicators/take?plan=plan", {"table": saved(book)})
    points = client.get(f"/plan/indicators/{row.pk}/").context["chart"]["points"]
    assert [(point[0][:4], point[1]) for point in points] == [("2020", 7.0)]  # 2021 begins on 31 December in UTC
    told = [(one.period, one.value) for one in row.values.filter(source="plan").order_by("pk")]
    assert told == [("2020", 6.0), ("2020", None), ("2021", 7.0)]


def test_blanks_around_a_text_are_no_change(plan: Plan, client: Client) -> None:
    Task.objects.update(content=" \n")
    before = kept()
    assert again(client, "tasks") == ["改动或新增 0 行。"]
    assert kept() == before


@pytest.mark.parametrize("long", [0.1 + 0.2, 507242983.82905954])  # seventeen digits
def test_a_number_with_more_digits_than_a_cell_holds_comes_in_as_it_was(
    plan: Plan, client: Client, long: float
) -> None:
    Indicator.objects.update(target_value=long, formula="lemonade.shaded_stalls")
    Value.objects.update(value=long, source="formula")  # a computed value is not entered: it would be refused
    Budget.objects.update(planned=long, spent=long)
    before = kept()
    assert [again(client, kind) for kind in ("indicators", "values", "money")] == [["改动或新增 0 行。"]] * 3
    assert kept() == before
