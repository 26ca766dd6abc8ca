"""OGC API – Records through the client: what there is, described to who may see it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from django.test import Client
from tests.fixtures import person

from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
ITEMS = "/ogc/collections/catalogue/items"
ROOT = "http://testserver/ogc"


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


@pytest.fixture
def client(root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def ids(answer: Any) -> list[str]:
    return [one["id"] for one in body(answer)["features"]]


def test_a_register_is_described(client: Client, stall: Any) -> None:
    made = stall(at=(100.5, 30.5))
    answer = client.get(f"{ITEMS}/lemonade.stall")
    found = body(answer)
    assert (found["type"], found["time"]) == ("Feature", None)
    assert found["conformsTo"] == ["http://www.opengis.net/spec/ogcapi-records-1/1.0/req/record-core"]
    assert found["geometry"]["type"] == "Polygon"
    told = found["properties"]
    assert (told["type"], told["title"], told["description"]) == ("dataset", "Stall", "One row per lemonade stall")
    assert told["language"] == {"code": "en"}
    assert told["keywords"] == ["Lemonade stand"]
    assert [contact["roles"] for contact in told["contacts"]] == [["publisher"]]
    assert datetime.fromisoformat(told["updated"]) == made.updated
    links = {link["rel"].rpartition("/")[2]: link for link in found["links"]}
    assert links["item"]["href"] == f"{ROOT}/collections/lemonade.stall/items"
    assert client.get(links["data-meta"]["href"].removeprefix("http://testserver")).status_code == 200
    chinese = client.get(f"{ITEMS}/lemonade.stall", headers={"accept-language": "zh-CN"})
    assert body(chinese)["properties"]["title"] == "摊位"


def test_records_are_searched(client: Client, stall: Any) -> None:
    everything = ids(client.get(ITEMS))
    assert {"areas", "lemonade.grower", "lemonade.stall", "organisations"} <= set(everything)
    assert "catalogue" not in everything
    assert ids(client.get(ITEMS, {"q": "lemonade stall"})) == ["lemonade.stall"]
    assert ids(client.get(ITEMS, {"q": "GROWER, one row per lemonade"})) == ["lemonade.grower", "lemonade.stall"]
    assert ids(client.get(ITEMS, {"ids": "areas,lemonade.grower"})) == ["areas", "lemonade.grower"]
    assert {one.split(".")[0] for one in ids(client.get(ITEMS, {"type": "map"}))} == {"layer"}
    assert "areas" not in ids(client.get(ITEMS, {"bbox": "0,0,1,1"}))
    assert "areas" in ids(client.get(ITEMS, {"bbox": "100,30,101,31"}))
    page = body(client.get(ITEMS, {"limit": 2, "offset": 1, "type": "dataset"}))
    assert (page["numberReturned"], page["features"][0]["id"]) == (2, "areas")
    assert body(client.get(ITEMS, {"filter": "TRUE"}), 400)["problems"][0]["rule"] == "unknown"
    assert body(client.get(f"{ITEMS}/spoon"), 404)["code"] == "NotFound"


def test_only_what_one_may_see_is_described(county: County, client: Client) -> None:
    seller = browser(person(county, "records.lemonade.stall.view"))
    assert ids(seller.get(ITEMS)) == ["lemonade.stall"]
    assert body(seller.get(f"{ITEMS}/lemonade.grower"), 404)
    assert ids(seller.get(ITEMS, {"q": "grower"})) == []


def test_the_catalogue_is_a_collection_of_records(client: Client) -> None:
    found = body(client.get("/ogc/collections/catalogue"))
    assert (found["itemType"], found["title"]) == ("record", "Catalogue")
    landing = body(client.get("/ogc"))["links"]
    assert f"{ROOT}/collections/catalogue" in [one["href"] for one in landing if one["rel"].endswith("ogc-catalog")]
    assert (
        client.post(
            ITEMS, "{}", "application/json", headers={"origin": "http://testserver", "host": "testserver"}
        ).status_code
        == 405
    )
    for path in ("", "/items", "/items/areas", "/schema"):
        page = client.get(f"/ogc/collections/catalogue{path}?f=html")
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
