"""A number of the plan opens to the rows behind it, and each row to its page."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from shizhu.engines.plan import api, computing
from shizhu.engines.plan.models import Indicator, Plan
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]


@pytest.fixture
def indicator(county: County) -> Indicator:
    """A row of a plan that the toy pack's formula computes."""
    plan = Plan.objects.create(county=county, code="plan", title="计划")
    return Indicator.objects.create(plan=plan, key="shade", name="遮阳", formula="lemonade.shaded_stalls")


@pytest.fixture
def client(root: access.Actor) -> Client:
    """The browser of somebody who may do everything."""
    made = Client()
    made.force_login(Person.objects.get(username="root"))
    return made


def test_a_number_opens_to_its_records(indicator: Indicator, client: Client, stall: Any) -> None:
    shaded = stall(is_shaded=True)
    stall(is_shaded=False)
    assert api.compute_all() == 1
    value = indicator.values.get()
    assert (value.value, value.inputs) == (50.0, {"shaded": 1, "stalls": 2})
    page = client.get(f"/plan/indicators/{indicator.pk}/rows/shaded?period={value.period}")
    assert [(row.title, row.url) for row in page.context["rows"]] == [
        ("1号摊", f"/records/lemonade.stall/{shaded.id}/")
    ]
    opened = client.get(page.context["rows"][0].url, follow=True)
    assert (opened.status_code, opened.context["entry"].key) == (200, "S001")


def test_a_year_is_computed_until_its_value_is_due_where_its_rows_are_dated(indicator: Indicator, stall: Any) -> None:
    def compute(*days: date) -> list[tuple[str, float | None]]:
        indicator.values.all().delete()
        for day in days:
            computing.compute([indicator], indicator.plan.county_id, day)
        return [(one.period, one.value) for one in indicator.values.order_by("pk")]

    stall(opened="2025-12-31")
    assert compute(date(2026, 1, 1)) == [("2026", 0.0)]  # what is in the shade today tells nothing of 2025
    row = Declaration.objects.get(kind="indicators", key="lemonade.shaded_stalls")
    row.body["inputs"]["shaded"]["where"] = row.body["inputs"]["stalls"]["where"] = "opened <= {end}"
    row.body["formula"] = "stalls"
    row.save()
    packs.forget()
    assert compute(date(2025, 12, 31)) == [("2025", 1.0)]
    stall(opened="2025-12-30")  # entered in the new year
    told = [("2025", 2.0), ("2026", 2.0)]
    assert [compute(date(2026, *day)) for day in ((1, 1), (3, 31), (4, 1))] == [told, told, told[1:]]


def test_a_formula_over_a_reported_value_is_computed_soon_and_opens_to_its_indicator(
    indicator: Indicator, client: Client, stall: Any
) -> None:
    stall()
    row = Declaration.objects.get(kind="indicators", key="lemonade.shaded_stalls")
    row.body["inputs"]["money"] = {"title": {"zh": "预算", "en": "Budget"}, "count": "values", "of": "budget"}
    row.body["formula"] = "if money = null then null else money / stalls"
    row.save()
    packs.forget()
    budget, year = indicator.plan.indicators.create(key="budget", name="预算"), timezone.localdate().year
    asked = ProcrastinateJob.objects.filter(task_name="plan.compute", status="todo")
    before = asked.count()
    sent = {"period": f"{year}", "value": "30", "note": "财政决算"}
    client.post(f"/plan/indicators/{budget.pk}/report", sent)
    assert (before, asked.count()) == (0, 1)
    api.compute_all()
    found = indicator.values.filter(period__startswith=f"{year}").exclude(value=None)
    assert [(one.period, one.value) for one in found] == [(f"{year}", 30.0)]
    opened = client.get(f"/plan/indicators/{indicator.pk}/rows/money?period={year}")
    assert opened["Location"] == f"/plan/indicators/{budget.pk}/"
    budget.delete()
    assert client.get(f"/plan/indicators/{indicator.pk}/rows/money?period={year}").status_code == 404
