"""Following the links through all pages gives each entity exactly once, in order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.things.sta.service import Service, World

pytestmark = pytest.mark.django_db(transaction=True)
pytest_plugins = ["tests.engines.things.sta.fixtures"]

ORDERS = [
    "", "$orderby=phenomenonTime", "$orderby=phenomenonTime desc", "$orderby=result", "$orderby=result desc",
    "$orderby=resultTime desc,result", "$orderby=Datastream/name desc,result", "$orderby=id desc",
    "$orderby=FeatureOfInterest/name,resultTime,phenomenonTime desc", "$orderby=parameters/x,parameters",
    "$orderby=parameters/x desc,phenomenonTime",
]  # fmt: skip


@pytest.fixture
def readings(towns: World) -> set[int]:
    """Readings of three streams with equal, missing and textual results, and corrections."""
    ids = set()
    for stream in towns.streams:
        for number in range(6):
            later = {} if number % 2 else {"result_time": f"2026-07-02T00:0{number // 2}:00Z"}
            value: dict[str, Any] = {"result": number // 3} if number < 5 else {"result_json": "a"}
            extra = {"extra": {"parameters": {"x": str(number % 2)}}} if number < 3 else {}
            ids.add(towns.observe(stream, number // 1, **value, **later, **extra).id)
    ids -= {row.id for row in towns.streams["warm"].observations.filter(phenomenon_time__minute=2)}
    ids.add(towns.observe("warm", 2, result=9, sequence=1).id)
    return ids


def pages(service: Service, link: str) -> list[list[dict[str, Any]]]:
    found = []
    while link:
        assert len(found) < 100, "the pages have no end"
        page = service.get(link).json
        found.append(page["value"])
        link = page.get("@iot.nextLink", "")
    return found


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.sampled_from(ORDERS), top=st.integers(1, 20), skip=st.integers(0, 20))
def test_every_page_size_and_order(service: Service, readings: set[int], order: str, top: int, skip: int) -> None:
    whole = service.get(f"Observations?{order}&$select=id").all("@iot.id")
    assert set(whole) == readings
    found = pages(service, f"Observations?{order}&$select=id&$top={top}&$skip={skip}")
    assert [row["@iot.id"] for page in found for row in page] == whole[skip:]
    assert [len(page) for page in found[:-1]] == [top] * (len(found) - 1)


def test_numbers_in_json_are_in_order_as_numbers(service: Service, towns: World) -> None:
    given = (9, 10, "a", 2.5, None, "10")
    for number, level in enumerate(given):
        towns.observe("warm", number, extra={"parameters": {"level": level}} if level else None)
    found = pages(service, "Observations?$orderby=parameters/level&$select=parameters&$top=2")
    levels = [row.get("parameters", {}).get("level") for page in found for row in page]
    assert [level for level in levels if isinstance(level, float | int)] == [2.5, 9, 10]
    assert (len(levels), {*levels}, levels[-1]) == (len(given), {*given}, None)


def test_what_comes_between_two_pages_neither_doubles_nor_drops(service: Service, towns: World) -> None:
    for number in range(6):
        towns.observe("warm", 10 + number)
    first = service.get("Observations?$orderby=phenomenonTime desc&$top=3").json
    towns.observe("warm", 99)
    towns.observe("warm", 0)
    rest = [row["result"] for page in pages(service, first["@iot.nextLink"]) for row in page]
    assert [row["result"] for row in first["value"]] + rest == [15, 14, 13, 12, 11, 10, 0]


def test_a_page_has_100_entities_and_at_most_1000(service: Service, towns: World) -> None:
    for number in range(101):
        towns.observe("warm", number)
    assert [len(page) for page in pages(service, "Observations")] == [100, 1]
    assert [len(page) for page in pages(service, "Observations?$top=5000")] == [101]
