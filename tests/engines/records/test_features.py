"""OGC API – Features through the client: exact JSON, pages that join without gap, faults with status 400."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlparse

import django.conf
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.http import features
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
ITEMS = f"/ogc/collections/{STALL}/items"
ROOT = "http://testserver/ogc"
OWN = {"_state": "open", "_area": "990001101", "_organisation": "stand", "_source": "person", "_simulated": False}


@pytest.fixture
def client(county: County, root: access.Actor) -> Client:
    """A client of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


def body(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.content
    return json.loads(answer.content)


def keys(answer: Any) -> str:
    return "".join(feature["id"][-1] for feature in body(answer)["features"])


def test_landing_leads_to_everything(client: Client) -> None:
    assert body(client.get("/ogc")) == {
        "title": "甲县",
        "description": "Registers of the county / 登记簿",
        "links": [
            {"href": ROOT, "rel": "self", "type": "application/json", "title": "this document"},
            {
                "href": f"{ROOT}/api", "rel": "service-desc",
                "type": "application/vnd.oai.openapi+json;version=3.0", "title": "the API definition",
            },
            {
                "href": f"{ROOT}/conformance", "rel": "conformance", "type": "application/json",
                "title": "conformance classes",
            },
            {"href": f"{ROOT}/collections", "rel": "data", "type": "application/json", "title": "collections"},
        ],
    }  # fmt: skip
    for link in body(client.get("/ogc"))["links"]:
        assert client.get(urlparse(link["href"]).path).headers["content-type"] == link["type"]
    assert body(client.get("/ogc/conformance")) == {"conformsTo": features.CONFORMS}


def test_a_register_is_a_collection(county: County, client: Client) -> None:
    stall = {
        "id": STALL,
        "title": "Stall",
        "description": "One row per lemonade stall",
        "itemType": "feature",
        "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"],
        "links": [
            {"href": f"{ROOT}/collections/{STALL}", "rel": "self", "type": "application/json"},
            {
                "href": f"{ROOT}/collections/{STALL}/items", "rel": "items", "type": "application/geo+json",
                "title": "Stall",
            },
        ],
        "extent": {
            "spatial": {
                "bbox": [[100.0, 30.0, 101.0, 31.0]], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
            }
        },
    }  # fmt: skip
    assert body(client.get(f"/ogc/collections/{STALL}")) == stall
    found = body(client.get("/ogc/collections"))
    assert found["links"] == [{"href": f"{ROOT}/collections", "rel": "self", "type": "application/json"}]
    assert [c["id"] for c in found["collections"]] == ["lemonade.grower", "lemonade.permit", STALL]
    assert found["collections"][2] == stall
    assert "extent" not in found["collections"][0]


def test_a_record_is_a_feature(county: County, client: Client, stall: Any) -> None:
    made = stall(seats=4, at=(100.25, 30.5))
    own = {**OWN, "_title": "1号摊", "_created": made.created.isoformat(), "_updated": made.updated.isoformat()}
    feature = {
        "type": "Feature",
        "id": "S001",
        "geometry": {"type": "Point", "coordinates": [100.25, 30.5]},
        "properties": {"code": "S001", "name": "1号摊", "seats": 4, **own},
    }
    answer = client.get(ITEMS)
    found = body(answer)
    assert answer.headers["content-type"] == "application/geo+json"
    assert found.pop("timeStamp")[-1] == "Z"
    assert found == {
        "type": "FeatureCollection",
        "numberMatched": 1,
        "numberReturned": 1,
        "features": [feature],
        "links": [
            {"href": f"{ROOT}/collections/{STALL}/items", "rel": "self", "type": "application/geo+json"},
            {"href": f"{ROOT}/collections/{STALL}", "rel": "collection", "type": "application/json"},
        ],
    }
    assert body(client.get(f"{ITEMS}/S001")) == {
        **feature,
        "links": [
            {"href": f"{ROOT}/collections/{STALL}/items/S001", "rel": "self", "type": "application/geo+json"},
            {"href": f"{ROOT}/collections/{STALL}", "rel": "collection", "type": "application/json"},
        ],
    }


def test_pages_join_without_gap(client: Client, stall: Any) -> None:
    for _ in range(7):
        stall(kind="cart")
    stall(kind="booth")
    seen, address = "", f"{ITEMS}?kind=cart&limit=3"
    while address:
        found = body(client.get(address))
        seen += "".join(feature["id"][-1] for feature in found["features"])
        links = {link["rel"]: link["href"] for link in found["links"]}
        assert (found["numberMatched"], found["numberReturned"]) == (7, len(found["features"]))
        address = links.get("next", "").removeprefix("http://testserver")
    assert seen == "1234567"
    assert links["prev"] == f"{ROOT}/collections/{STALL}/items?kind=cart&limit=3&offset=3"


SELECTIONS = [
    ("bbox=100,30,100.5,31", "14"),
    ("bbox=100,30,0,100.5,31,9", "14"),
    ("bbox=100.2,30.2,100.2,30.2", "14"),
    ("bbox=100.5,30,180,31", "234"),
    ("bbox=100.7,30,100.1,31", "234"),
    ("datetime=2026-01-01", "134"),
    ("datetime=2026-01-01T00:00:00Z", "134"),
    ("datetime=2026-01-15T00:00:00Z/..", "234"),
    ("datetime=/2026-01-15T00:00:00Z", "134"),
    ("datetime=2026-01-01/2026-02-01", "1234"),
    ("kind=cart", "1"),
    ("seats=10", "2"),
    ("is_shaded=true", "1"),
    ("opened=2026-02-01", "2"),
    ("street=湖滨路", "3"),
    ("kind=cart&seats=10", ""),
    ("limit=2", "12"),
    ("limit=2&offset=3", "4"),
    ("limit=100000", "1234"),
    ("offset=9", ""),
]


def test_parameters_select(client: Client, stall: Any) -> None:
    stall(kind="cart", seats=4, opened="2026-01-01", is_shaded=True, at=(100.2, 30.2))
    stall(kind="booth", seats=10, opened="2026-02-01", at=(100.8, 30.8))
    stall(street="湖滨路", at=(100.9, 30.9))  # names no time, so it is of every time
    stall()  # nor a place
    assert [(asked, keys(client.get(f"{ITEMS}?{asked}"))) for asked, _ in SELECTIONS] == SELECTIONS


FAULTS = [
    ("colour=red", "colour: unknown parameter; known are bbox, datetime, grower"),
    ("name=a", "name: unknown parameter"),
    ("limit=0", "limit: '0': must be a whole number from 1"),
    ("limit=-1", "limit: '-1': must be a whole number from 1"),
    ("limit=ten", "limit: 'ten': must be a whole number from 1"),
    ("limit=1&limit=2", "limit: given more than once"),
    ("offset=x", "offset: 'x': must be a whole number from 0"),
    ("bbox=1,2,3", "bbox: '1,2,3': must be four or six numbers"),
    ("bbox=a,b,c,d", "bbox: 'a,b,c,d': must be four or six numbers"),
    ("bbox=0,5,1,4", "must be west,south,east,north in degrees of WGS 84"),
    ("bbox=0,0,181,1", "must be west,south,east,north in degrees of WGS 84"),
    ("bbox=nan,0,1,1", "must be west,south,east,north in degrees of WGS 84"),
    ("datetime=soon", "datetime: 'soon': must be a time such as"),
    ("datetime=2026-01-01T00:00:00", "must be a time such as"),
    ("datetime=../..", "must be a time such as"),
    ("datetime=2026-02-01/2026-01-01", "must be a time such as"),
    ("seats=many", "seats: 'many' is not a number"),
    ("is_shaded=yes", "is_shaded: 'yes' is not true or false"),
    ("opened=2026-02-30", "opened: '2026-02-30' is not a date such as 2026-01-31"),
]


def test_a_wrong_parameter_is_told(client: Client, stall: Any) -> None:
    for asked, fault in FAULTS:
        told = body(client.get(f"{ITEMS}?{asked}"), 400)
        assert told["code"] == "InvalidParameterValue"
        assert fault in told["description"]


@pytest.mark.parametrize("path", ["", "/conformance", "/api", "/collections", f"/collections/{STALL}"])
def test_no_other_resource_takes_parameters(client: Client, path: str) -> None:
    assert body(client.get(f"/ogc{path}?f=json"), 400)["description"] == "f: unknown parameter; known are none"


def test_what_is_not_there_is_404(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall()
    api.withdraw(root, made.id, 1)
    for path in ("lemonade.spoon", "lemonade.spoon/items", f"{STALL}/items/S001", f"{STALL}/items/S999"):
        assert body(client.get(f"/ogc/collections/{path}"), 404) == {
            "code": "NotFound", "description": f"there is no /ogc/collections/{path}",
        }  # fmt: skip
    assert body(client.get(ITEMS))["numberMatched"] == 0


def test_only_what_posts_reach_and_masked(county: County, client: Client, stall: Any) -> None:
    stall(area="101", owner="张三丰")
    stall(area="102")
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    found = body(east.get(ITEMS))
    assert (found["numberMatched"], found["features"][0]["properties"]["owner"]) == (1, "张**")
    assert [c["id"] for c in body(east.get("/ogc/collections"))["collections"]] == [STALL]
    assert east.get(f"{ITEMS}/S002").status_code == 404
    assert east.get("/ogc/collections/lemonade.grower/items").status_code == 404
    assert east.post(ITEMS).status_code == 405
    assert Client().get(ITEMS).status_code == 401


def test_links_have_the_address_the_client_asked(client: Client) -> None:
    for path in ("/ogc", "/ogc/"):
        links = body(client.get(path, headers={"host": "county.example:8443"}, secure=True))["links"]
        assert links[0]["href"] == "https://county.example:8443/ogc"
    assert client.get("/ogc", headers={"host": "a b"}).status_code == 400


def test_with_open_this_machine_reads_what_is_not_personal(
    county: County, stall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stall(owner="张三丰", illness="无")
    monkeypatch.setattr(django.conf.settings, "CONFIG", replace(django.conf.settings.CONFIG, is_open=True))
    for host in ("evil.test", "127.0.0.1.evil.test", "192.168.1.2:8000"):
        assert Client().get(ITEMS, headers={"host": host}).status_code == 401
    found = body(Client().get(ITEMS, headers={"host": "localhost:8000"}))["features"]
    assert [(row["id"], row["properties"]["owner"], row["properties"]["illness"]) for row in found] == [
        ("S001", "张**", "＊＊＊")
    ]


def test_the_definition_names_every_path_and_parameter(client: Client) -> None:
    found = body(client.get("/ogc/api"))
    assert (found["openapi"], found["servers"]) == ("3.0.3", [{"url": ROOT}])
    assert sorted(path for path in found["paths"] if "lemonade.permit" not in path) == [
        "/", "/api", "/collections", "/collections/lemonade.grower", "/collections/lemonade.grower/items",
        "/collections/lemonade.grower/items/{featureId}", f"/collections/{STALL}", f"/collections/{STALL}/items",
        f"/collections/{STALL}/items/{{featureId}}", "/conformance",
    ]  # fmt: skip
    items = found["paths"][f"/collections/{STALL}/items"]["get"]["parameters"]
    named = [item.get("name") or item["$ref"].rsplit("/", 1)[-1] for item in items]
    assert named == [
        "bbox", "datetime", "limit", "offset", "kind", "grower", "seats", "price", "opened", "is_shaded", "street",
    ]  # fmt: skip
    text = json.dumps(found)
    for reference in {part.split('"')[0] for part in text.split('"#/')[1:]}:
        place = found
        for step in reference.split("/"):
            place = place[step]
    operations = [path["get"]["operationId"] for path in found["paths"].values()]
    assert len(operations) == len(set(operations))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.dictionaries(
        st.sampled_from(["bbox", "datetime", "limit", "offset", "seats", "kind"]), st.text(max_size=12)
    )
)
def test_any_parameters_are_answered_or_refused(client: Client, sent: dict[str, str]) -> None:
    assert client.get(ITEMS, sent).status_code in {200, 400}
