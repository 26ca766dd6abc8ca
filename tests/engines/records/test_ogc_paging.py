"""Pages that follow links: each feature once, while others are made and taken away, in every order and both ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.records import api
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
ITEMS = "/ogc/collections/lemonade.stall/items"
SEATS = [5, None, 3, 5, 1, None, 3, 9]  # of S001, S002 …


@pytest.fixture
def client(root: access.Actor, stall: Any) -> Client:
    for seats in SEATS:
        stall(**({"seats": seats} if seats else {}), kind="cart")
    return browser(Person.objects.get(username="root"))


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def page(client: Client, address: str) -> tuple[str, dict[str, str]]:
    found = body(client.get(address.removeprefix("http://testserver")))
    assert found["numberReturned"] == len(found["features"])
    return "".join(one["id"][-1] for one in found["features"]), {one["rel"]: one["href"] for one in found["links"]}


def walk(client: Client, address: str, rel: str = "next") -> list[str]:
    """The pages by that relation, until there is none."""
    seen = []
    while address:
        shown, links = page(client, address)
        seen.append(shown)
        address = links.get(rel, "")
    return seen


ORDERS = {
    "": "12345678",
    "-code": "87654321",
    "seats": "53714826",
    "-seats": "81437526",
    "seats,-code": "57341862",
    "-seats,-code": "84173562",
    "kind,-seats": "81437526",
    "_area,_updated": "12345678",
}


@pytest.mark.parametrize(("order", "expected"), ORDERS.items())
@pytest.mark.parametrize("limit", [1, 3, 8])
def test_pages_go_on_and_back_in_every_order(client: Client, order: str, expected: str, limit: int) -> None:
    first = f"{ITEMS}?limit={limit}&sortby={order}" if order else f"{ITEMS}?limit={limit}"
    parts = [expected[n : n + limit] for n in range(0, 8, limit)]
    assert walk(client, first) == parts
    last = first
    while (links := page(client, last)[1]).get("next"):
        last = links["next"]
    assert walk(client, last, "prev") == parts[::-1]


def test_what_is_made_or_withdrawn_moves_nothing_else(client: Client, county: County, root: access.Actor) -> None:
    shown, links = page(client, f"{ITEMS}?limit=3")
    assert shown == "123"
    api.create(
        root, county.pk, "lemonade.stall", {"code": "S900", "name": "0号摊"}, organisation="stand", area="990001101"
    )
    gone = api.get(root, county.pk, "lemonade.stall", "S003")
    api.withdraw(root, gone.id, gone.version)
    assert walk(client, links["next"]) == ["456", "78"]


def test_an_offset_is_still_answered_and_goes_on_by_place(client: Client) -> None:
    shown, links = page(client, f"{ITEMS}?limit=2&offset=3")
    assert shown == "45"
    assert (page(client, links["next"])[0], page(client, links["prev"])[0]) == ("67", "23")
    assert page(client, f"{ITEMS}?limit=2&offset=99")[0] == ""


def test_filters_and_forms_go_along(client: Client) -> None:
    _shown, links = page(client, f"{ITEMS}?limit=2&filter=seats+%3E+2&sortby=seats")
    assert page(client, links["next"])[0] == "14"
    shown = client.get(f"{ITEMS}?limit=3&f=html").content.decode()
    assert (
        'rel="next" href="http://testserver/ogc/collections/lemonade.stall/items?limit=3&amp;f=html&amp;after=' in shown
    )


def test_a_place_is_not_made_up_and_fits_its_order_alone(client: Client) -> None:
    _shown, links = page(client, f"{ITEMS}?limit=2")
    after = links["next"].rpartition("after=")[2]
    for asked in ({"after": "x"}, {"after": after[:-1]}, {"after": after, "sortby": "seats"}, {"before": "~.~"}):
        assert "is no place in this order" in body(client.get(ITEMS, asked), 400)["detail"]
    both = body(client.get(ITEMS, {"after": after, "offset": "2"}), 400)
    assert both["detail"].endswith("a page begins at one place: leave offset out")


def test_a_place_shows_nothing_of_what_one_may_not_see(client: Client, county: County) -> None:
    west = browser(person(county, "records.lemonade.stall.view", in_area="102"))
    _shown, links = page(client, f"{ITEMS}?limit=2")
    assert page(west, links["next"])[0] == ""


def test_the_catalogue_has_numbers_alone(client: Client) -> None:
    found = body(client.get("/ogc/collections/catalogue/items?limit=1"))
    assert "offset=1" in next(one["href"] for one in found["links"] if one["rel"] == "next")
    assert "unknown parameter" in body(client.get("/ogc/collections/catalogue/items?after=x"), 400)["detail"]


def test_no_page_counts_rows_that_lie_before_it(client: Client) -> None:
    links = page(client, f"{ITEMS}?limit=2")[1]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        page(client, links["next"])
    assert not [one["sql"] for one in asked if "OFFSET" in one["sql"]]
