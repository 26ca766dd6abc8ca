"""OGC API – Features part 3 through the client: filters in text and JSON, what can be filtered by, and what may not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client
from tests.fixtures import person

from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
ITEMS = f"/ogc/collections/{STALL}/items"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


@pytest.fixture
def client(root: access.Actor, stall: Any) -> Client:
    """Somebody who may do everything; four stalls."""
    stall(name="Étoile", kind="cart", seats=4, price=2, opened="2026-01-01", at=(100.2, 30.2), drinks=["tea", "lemon"])
    stall(name="etoile", kind="booth", seats=10, price=20, opened="2026-02-01", at=(100.8, 30.8), drinks=["lemon"])
    stall(street="湖滨路", inspected="2026-03-01T00:00:00Z")
    stall(area="102", seats=1, owner="张三丰")
    return browser(Person.objects.get(username="root"))


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def keys(answer: Any) -> str:
    return "".join(feature["id"][-1] for feature in body(answer)["features"])


FILTERS = [
    ("seats > 2", "12"),
    ("NOT seats > 2", "4"),
    ("name LIKE '%toile'", "12"),
    ("CASEI(ACCENTI(name)) = 'etoile'", "12"),
    ("ACCENTI(name) = 'etoile'", "2"),
    ("price * 2 > seats", "2"),
    ("price / seats = 0.5", "1"),
    ("seats % 3 = 1", "124"),
    ("price = seats + 10", "2"),
    ("price < opened", "opened"),
    ("T_DURING(opened, INTERVAL('2026-01-15', '..'))", "2"),
    ("T_INTERSECTS(INTERVAL(opened, '..'), DATE('2026-01-15'))", "1"),
    ("T_AFTER(inspected, TIMESTAMP('2026-02-28T00:00:00Z'))", "3"),
    ("A_CONTAINS(drinks, ('lemon'))", "12"),
    ("A_EQUALS(drinks, ('lemon', 'tea'))", "1"),
    ("NOT A_OVERLAPS(drinks, ('tea', 'milk'))", "2"),
    ("S_INTERSECTS(geometry, BBOX(100, 30, 100.5, 30.5)) OR street = '湖滨路'", "13"),
    ("_area = '990001102' AND _state = 'open'", "4"),
    ("geometry IS NULL AND seats IS NOT NULL", "4"),
    ("kind IN ('cart', 'booth') AND seats BETWEEN 5 AND 10", "2"),
]


def test_text_and_json_select_the_same(client: Client) -> None:
    from shizhu.engines.records.logic import cql2  # noqa: PLC0415

    for text, expected in FILTERS:
        answer = client.get(ITEMS, {"filter": text, "sortby": "code"})
        if expected == "opened":
            assert "opened" in body(answer, 400)["detail"]
            continue
        assert keys(answer) == expected, text
        told = json.dumps(cql2.as_json(cql2.parse(text)))
        assert keys(client.get(ITEMS, {"filter": told, "filter-lang": "cql2-json", "sortby": "code"})) == expected, told


def test_filters_join_with_other_parameters_and_pages(client: Client) -> None:
    asked = {"filter": "seats >= 1", "kind": "cart"}
    assert keys(client.get(ITEMS, asked)) == "1"
    first = body(client.get(ITEMS, {"filter": "seats >= 1", "limit": 1, "sortby": "-seats"}))
    assert (first["numberMatched"], first["features"][0]["id"]) == (3, "S002")
    after = next(link["href"] for link in first["links"] if link["rel"] == "next")
    assert keys(client.get(after.removeprefix("http://testserver"))) == "1"


def test_geometries_of_a_filter_may_be_in_another_system(client: Client) -> None:
    west = "S_WITHIN(geometry, POLYGON((30 100, 30 100.5, 30.5 100.5, 30.5 100, 30 100)))"
    assert keys(client.get(ITEMS, {"filter": west, "filter-crs": f"{EPSG}4490"})) == "1"
    zone = "S_INTERSECTS(geometry, BBOX(3410000, 670000, 3413000, 675000))"
    assert keys(client.get(ITEMS, {"filter": zone, "filter-crs": f"{EPSG}4542"})) == "2"
    refused = body(client.get(ITEMS, {"filter": zone, "filter-crs": f"{EPSG}2154"}), 400)
    assert refused["problems"][0]["name"] == "filter-crs"


FAULTS = [
    ({"filter": "seats >"}, "filter: at character 8: 'the end' where a property or a value is expected"),
    ({"filter": "colour = 1"}, "filter: colour: there is no such property"),
    ({"filter": "seats = 'x'"}, "filter: seats: 'x': the property is a number"),
    ({"filter": "{", "filter-lang": "cql2-json"}, "filter: '{': is no JSON"),
    ({"filter": "[]", "filter-lang": "cql2-json"}, "filter: $: '[]' where an object with op and args is expected"),
    ({"filter": "TRUE", "filter-lang": "ecql"}, "filter-lang: 'ecql': must be cql2-text or cql2-json"),
    ({"filter": "seats = 10 ^ 900 ^ 900"}, "the condition cannot be computed"),
]


def test_a_fault_is_told(client: Client) -> None:
    for asked, fault in FAULTS:
        told = body(client.get(ITEMS, asked), 400)
        assert fault in told["detail"]
        assert told["code"] == "InvalidParameterValue"


def test_what_is_personal_can_be_neither_asked_nor_sorted_by(county: County, client: Client) -> None:
    unmasking = browser(person(county, "records.lemonade.stall.view", "records.lemonade.stall.unmask"))
    for who in (client, unmasking):
        for text in ("owner = '张三丰'", "owner IS NULL", "CASEI(owner) LIKE '张%'", "phone > '1'"):
            assert "there is no such property" in body(who.get(ITEMS, {"filter": text}), 400)["detail"]
        told = json.dumps({"op": "=", "args": [{"property": "owner"}, "张三丰"]})
        assert "there is no such property" in body(who.get(ITEMS, {"filter": told}), 400)["detail"]
        assert body(who.get(ITEMS, {"owner": "张三丰"}), 400)["code"] == "InvalidParameterValue"
        for what in ("queryables", "sortables"):
            found = body(who.get(f"/ogc/collections/{STALL}/{what}"))["properties"]
            assert {"owner", "phone", "illness"} & found.keys() == set()


def test_a_filter_shows_nothing_of_what_one_may_not_see(county: County, client: Client) -> None:
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    for text in ("seats = 1", "_area = '990001102'", "NOT S_INTERSECTS(geometry, POINT(0 0)) AND seats = 1"):
        found = body(east.get(ITEMS, {"filter": text}))
        assert (found["numberMatched"], found["features"]) == (0, [])
    assert keys(east.get(ITEMS, {"filter": "seats = 1 OR TRUE", "sortby": "code"})) == "123"


def test_schemas_say_what_there_is(client: Client) -> None:
    answer = client.get(f"/ogc/collections/{STALL}/queryables")
    assert answer.headers["content-type"] == "application/schema+json"
    found = body(answer)
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert found["$id"] == f"http://testserver/ogc/collections/{STALL}/queryables"
    assert found["properties"]["seats"] == {"type": "integer", "title": "Seats"}
    assert found["properties"]["kind"] == {"type": "string", "title": "Kind", "enum": ["cart", "booth"]}
    assert found["properties"]["opened"] == {"type": "string", "format": "date", "title": "Opened on"}
    place = {"format": "geometry-point", "x-ogc-role": "primary-geometry", "title": "geometry"}
    assert found["properties"]["geometry"] == place
    sortables = body(client.get(f"/ogc/collections/{STALL}/sortables"))["properties"]
    assert {"drinks", "geometry"} & sortables.keys() == set()
    schema = body(client.get(f"/ogc/collections/{STALL}/schema"))
    assert schema["properties"]["code"]["x-ogc-role"] == "id"
    assert schema["properties"]["opened"]["x-ogc-role"] == "primary-instant"
    assert schema["properties"]["phone"]["pattern"] == "^1[0-9]{10}$"
    assert (schema["properties"]["_created"]["readOnly"], "readOnly" in schema["properties"]["_area"]) == (True, False)
    assert schema["properties"]["_state"]["enum"] == ["open", "closed"]
    assert schema["required"] == ["code", "name"]
    grower = body(client.get("/ogc/collections/lemonade.grower/queryables"))["properties"]
    assert "geometry" not in grower
