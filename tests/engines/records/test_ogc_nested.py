"""Fields within groups and rows through the API: what can be asked of them, in text, in JSON and as parameters."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.web.pages import browser

from shizhu.engines.records.logic import cql2
from shizhu.kernel import access
from shizhu.kernel.models import Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
PERMIT = "/ogc/collections/lemonade.permit"


@pytest.fixture
def client(root: access.Actor, permit: Any) -> Client:
    """Four permits: with two drinks, with one and a helper, with a place alone, with nothing."""
    drinks = [{"name": "tea", "price": 3, "cups": 100}, {"name": "lemon", "price": 8, "cups": 2}]
    permit(drinks=drinks, place={"lane": "东巷", "contact": {"name": "乙", "phone": "13800000000"}})
    permit(drinks=[{"name": "milk", "price": 8}], helpers=[{"name": "丙", "is_cook": True, "health_card": "H1"}])
    permit(place={"lane": "西巷"})
    permit()
    return browser(Person.objects.get(username="root"))


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def keys(answer: Any) -> str:
    return "".join(one["id"][-1] for one in body(answer)["features"])


FILTERS = [
    ("place.lane = '东巷'", "1"),
    ("place.contact.name LIKE '乙%'", "1"),
    ("place.lane IS NULL", "24"),
    ("drinks.price > 5", "12"),
    ("NOT drinks.price > 5", "34"),
    ("drinks.price <= 5", "1"),
    ("drinks.name IN ('tea', 'milk')", "12"),
    ("drinks.cups BETWEEN 1 AND 5", "1"),
    ("drinks.price * drinks.cups > 200", "1"),
    ("drinks.price = 8 AND drinks.cups = 100", "1"),
    ("drinks.amount IS NULL", "234"),
    ("drinks.amount IS NOT NULL", "1"),
    ("CASEI(drinks.name) = 'milk' AND helpers.is_cook = TRUE", "2"),
    ("helpers.name = drinks.name", ""),
    ("place.lane <> '东巷' OR helpers.health_card = 'H1'", "23"),
]


@pytest.mark.parametrize(("text", "expected"), FILTERS)
def test_a_condition_on_rows_is_true_where_it_is_of_any(client: Client, text: str, expected: str) -> None:
    assert keys(client.get(f"{PERMIT}/items", {"filter": text, "sortby": "code"})) == expected
    told = json.dumps(cql2.as_json(cql2.parse(text)))
    asked = {"filter": told, "filter-lang": "cql2-json", "sortby": "code"}
    assert keys(client.get(f"{PERMIT}/items", asked)) == expected


def test_they_are_parameters_too(client: Client) -> None:
    assert keys(client.get(f"{PERMIT}/items", {"place.lane": "西巷"})) == "3"
    assert keys(client.get(f"{PERMIT}/items", {"drinks.name": "lemon"})) == "1"
    assert "'x' is not a number" in body(client.get(f"{PERMIT}/items", {"drinks.price": "x"}), 400)["detail"]


def test_queryables_name_them_and_say_what_several_values_mean(client: Client) -> None:
    found = body(client.get(f"{PERMIT}/queryables", headers={"accept-language": "en"}))["properties"]
    assert found["place.lane"] == {"type": "string", "title": "Place · Lane"}
    several = "several rows: true where any of them fulfils it"
    assert found["drinks.price"] == {"type": "number", "title": "Drinks · Price", "description": several}
    assert {"place.contact.name", "helpers.is_cook", "drinks.amount"} <= found.keys()


def test_one_value_a_record_can_be_sorted_by_and_several_cannot(client: Client) -> None:
    assert keys(client.get(f"{PERMIT}/items", {"sortby": "-place.lane,code"})) == "3124"
    found = body(client.get(f"{PERMIT}/sortables"))["properties"]
    assert ("place.lane" in found, "drinks.price" in found) == (True, False)
    assert (
        "drinks.price cannot be sorted by"
        in body(client.get(f"{PERMIT}/items", {"sortby": "drinks.price"}), 400)["detail"]
    )


def test_what_is_personal_within_them_stays_so(client: Client) -> None:
    found = body(client.get(f"{PERMIT}/queryables"))["properties"]
    for name in ("place.contact.phone", "helpers.phone"):
        assert name not in found
        for asked in ({"filter": f"{name} = '13800000000'"}, {"filter": f"{name} IS NULL"}):
            assert "there is no such property" in body(client.get(f"{PERMIT}/items", asked), 400)["detail"]
        assert body(client.get(f"{PERMIT}/items", {name: "13800000000"}), 400)["code"] == "InvalidParameterValue"


def test_lists_and_counts_understand_the_same(client: Client) -> None:
    shown = client.get("/records/lemonade.permit/", {"filter": "drinks.price > 5"}).content.decode()
    assert ("P001" in shown, "P002" in shown, "P003" in shown) == (True, True, False)
