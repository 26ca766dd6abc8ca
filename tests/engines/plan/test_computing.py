"""Formulas of many indicators, periods and parts of the county, computed in one pass, say what each says alone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import area, organisation

from shizhu.engines.plan.computing import Found, by_part
from shizhu.engines.plan.counting import Question
from shizhu.engines.plan.models import Plan
from shizhu.engines.plan.periods import named
from shizhu.engines.things import api as things
from shizhu.engines.things.models import Hour
from shizhu.kernel import testing
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
WHERES = st.sampled_from(
    ["", "is_shaded = TRUE", "opened <= {end}", "opened >= {start} AND opened <= {end}", "seats > 4"]
)
FORMULAS = st.sampled_from([
    "if whole = 0 then null else 100 * part / whole", "part - whole", "if part > 1 then \"many\" else null",
    "sqrt(part) / whole",
])  # fmt: skip
PERIODS = st.sampled_from(["2025", "2026", "2026-02"]).map(named)
PARTS = {"one": ["990001101"], "other": ["990001102"], "both": ["990001101", "990001102"], "none": ["990001199"]}


@st.composite
def questions(draw: st.DrawFn) -> Question:
    inputs = {name: {"count": "records", "of": "lemonade.stall", "where": draw(WHERES)} for name in ("part", "whole")}
    return {"inputs": inputs, "formula": draw(FORMULAS)}, draw(PERIODS)


@pytest.fixture
def stalls(stall: Any) -> None:
    """Stalls of two towns."""
    for number in range(4):
        stall(seats=3 * number, opened=f"202{5 + number % 2}-02-0{number + 1}", is_shaded=number > 1)
    stall(area="102", seats=7, opened="2026-02-28", is_shaded=True)
    stall(area="102")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(questions(), min_size=1, max_size=6))
def test_together_as_one_by_one(county: County, stalls: None, asked: list[Question]) -> None:
    alone = [
        {part: by_part([one], county.pk, "area", {part: codes})[0][part] for part, codes in PARTS.items()}
        for one in asked
    ]
    assert by_part(asked, county.pk, "area", PARTS) == alone


def test_a_case_worked_by_hand(county: County, stalls: None) -> None:
    inputs = {
        "part": {"count": "records", "of": "lemonade.stall", "where": "opened >= {start} AND opened <= {end}"},
        "whole": {"count": "records", "of": "lemonade.stall"},
    }
    body = {"inputs": inputs, "formula": "if whole = 0 then null else 100 * part / whole"}
    [found] = by_part([(body, named("2026-02"))], county.pk, "area", PARTS)
    assert found == {
        "one": Found(50.0, {"part": 2, "whole": 4}, is_simulated=False),
        "other": Found(50.0, {"part": 1, "whole": 2}, is_simulated=False),
        "both": Found(50.0, {"part": 3, "whole": 6}, is_simulated=False),
        "none": Found(None, {"part": 0, "whole": 0}, is_simulated=False),
    }


def test_a_period_that_runs_is_counted_up_to_today(county: County, stall: Any) -> None:
    for days in (-1, 1):
        stall(opened=str(date.today() + timedelta(days=days)))
    stall(opened=f"{date.today().year - 1}-12-31")
    inputs = {"opened": {"count": "records", "of": "lemonade.stall", "where": "opened >= {today}"}}
    asked = [({"inputs": inputs, "formula": "opened"}, named(str(date.today().year - back))) for back in (0, 1)]
    found = by_part(asked, county.pk, "", {"": [""]})
    assert [one[""].value for one in found] == [1, 3]


def test_a_formula_takes_in_what_another_says(county: County, stalls: None) -> None:
    inputs = {
        "share": {"count": "indicators", "of": "lemonade.shaded_stalls"},
        "stalls": {"count": "records", "of": "lemonade.stall"},
    }
    body = {"inputs": inputs, "formula": "if share = null then null else stalls * share / 100"}
    alone = {"inputs": {"share": inputs["share"]}, "formula": "share"}
    [found, only] = by_part([(body, named("2026")), (alone, named("2026"))], county.pk, "area", PARTS)
    assert found == {
        "one": Found(2.0, {"stalls": 4, "share": 50.0}, is_simulated=False),
        "other": Found(1.0, {"stalls": 2, "share": 50.0}, is_simulated=False),
        "both": Found(3.0, {"stalls": 6, "share": 50.0}, is_simulated=False),
        "none": Found(None, {"stalls": 0, "share": None}, is_simulated=False),
    }
    assert [one.value for one in only.values()] == [50.0, 50.0, 50.0, None]


def test_a_formula_takes_readings_of_a_profile_by_town(county: County) -> None:
    for number, town in ((1, "101"), (2, "102")):
        wanted = things.Registration(
            f"jug-{number}", "lemonade.jug", f"{number}号", organisation(county), area(county, town), None
        )
        things.register(wanted, "secret")
    streams = sorted(stream.id for stream in things.streams_of("lemonade.jug", "temperature"))
    noon = datetime(2026, 2, 1, 12, tzinfo=UTC)
    for stream, count, total in zip(streams, (4, 1), (40.0, 20.0), strict=True):
        Hour.objects.create(datastream_id=stream, hour=noon, count=count, total=total, least=total / 4, most=total)
    inputs = {"warm": {"count": "readings", "of": "lemonade.jug", "property": "temperature", "measure": "avg"}}
    asked = [({"inputs": inputs, "formula": "warm"}, named(name)) for name in ("2026-02", "2026-03")]
    found, later = by_part(asked, county.pk, "area", PARTS)
    assert {part: one.value for part, one in found.items()} == {"one": 10.0, "other": 20.0, "both": 12.0, "none": None}
    assert {one.value for one in later.values()} == {None}


def test_a_formula_takes_in_what_was_reported_in_its_period(county: County, stalls: None) -> None:
    plan = Plan.objects.create(county=county, code="plan", title="规划")
    row = plan.indicators.create(key="budget", name="预算")
    for period, value, source in (("2026", 30, "reported"), ("2025", 9, "plan"), ("2024", 1, "formula")):
        row.values.create(period=period, value=value, source=source)
    row.values.create(period="2026", value=60, source="reported", is_simulated=True)
    foreign = Plan.objects.create(county=testing.made_up_county("990002"), code="plan", title="别县")
    foreign.indicators.create(key="budget", name="预算").values.create(period="2023", value=9, source="reported")
    inputs = {"money": {"count": "values", "of": "budget"}, "stalls": {"count": "records", "of": "lemonade.stall"}}
    body = {"inputs": inputs, "formula": "if money = null then null else money / stalls"}
    asked = [(body, named(year)) for year in ("2026", "2025", "2024", "2023")]
    found = [one[""] for one in by_part(asked, county.pk, "", {"": [""]})]
    assert found == [
        Found(10.0, {"stalls": 6, "money": 60.0}, is_simulated=True),
        Found(1.5, {"stalls": 6, "money": 9.0}, is_simulated=False),
        Found(None, {"stalls": 6, "money": None}, is_simulated=False),
        Found(None, {"stalls": 6, "money": None}, is_simulated=False),
    ]
    assert {one.value for one in by_part(asked[:1], county.pk, "area", PARTS)[0].values()} == {None}
