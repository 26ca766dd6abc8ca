"""OGC API – Features through the client: exact JSON, pages that join without gap, faults with status 400."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlparse

import django.conf
import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.engines.records.http.ogc import landing
from shizhu.kernel import access
from shizhu.kernel.models import County, Person, Token
from shizhu.web import authentication

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


def ways(address: str, media_type: str = "application/json") -> list[dict[str, str]]:
    return [
        {"href": address, "rel": "self", "type": media_type, "title": "this document"},
        {"href": f"{address}?f=html", "rel": "alternate", "type": "text/html", "title": "this document as a page"},
    ]


def follow(client: Client, link: dict[str, str]) -> None:
    """What a link promises is there."""
    address = urlparse(link["href"])
    answer = client.get(f"{address.path}?{address.query}", headers={"accept": link["type"]})
    assert (answer.status_code, answer.headers["content-type"].removesuffix("; charset=utf-8")) == (200, link["type"])


def test_landing_leads_to_everything(client: Client) -> None:
    found = body(client.get("/ogc"))
    assert (found["title"], found["description"]) == ("甲县", "Registers of the county / 登记簿")
    assert found["links"][:6] == [
        *ways(ROOT),
        {
            "href": f"{ROOT}/api", "rel": "service-desc",
            "type": "application/vnd.oai.openapi+json;version=3.0", "title": "the API definition",
        },
        {
            "href": f"{ROOT}/api?f=html", "rel": "service-doc", "type": "text/html",
            "title": "the API definition as a page",
        },
        {
            "href": f"{ROOT}/conformance", "rel": "conformance", "type": "application/json",
            "title": "conformance classes",
        },
        {"href": f"{ROOT}/collections", "rel": "data", "type": "application/json", "title": "collections"},
    ]  # fmt: skip
    for link in found["links"]:
        follow(client, link)
    told = body(client.get("/ogc/conformance"))
    assert told["conformsTo"][: len(landing.CONFORMS)] == landing.CONFORMS


def test_a_register_is_a_collection(county: County, client: Client) -> None:
    address = f"{ROOT}/collections/{STALL}"
    systems = ["OGC/1.3/CRS84", *(f"EPSG/0/{n}" for n in (4326, 4490, 3857, 4542, 4521, 4543, 4522))]
    box = {"bbox": [[100.0, 30.0, 101.0, 31.0]], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84"}
    found = body(client.get(f"/ogc/collections/{STALL}"))
    links = found.pop("links")
    assert found == {
        "id": STALL,
        "title": "Stall",
        "description": "One row per lemonade stall",
        "itemType": "feature",
        "crs": [f"http://www.opengis.net/def/crs/{name}" for name in systems],
        "storageCrs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        "extent": {"spatial": box},
    }
    assert links[:4] == [
        *ways(address),
        {"href": f"{address}/items", "rel": "items", "type": "application/geo+json", "title": "Stall"},
        {"href": f"{address}/items?f=html", "rel": "items", "type": "text/html", "title": "Stall"},
    ]
    rels = [link["rel"].rpartition("/")[2] for link in links[4:]]
    assert rels[:3] == ["schema", "queryables", "sortables"]
    for link in links:
        if "{" not in link["href"] and link["rel"] != "license":
            follow(client, link)
    several = body(client.get("/ogc/collections"))
    assert several["links"] == ways(f"{ROOT}/collections")
    assert [c["id"] for c in several["collections"]][:4] == [
        "lemonade.grower", "lemonade.permit", "lemonade.regular", STALL,
    ]  # fmt: skip
    assert several["collections"][3]["links"][0] == {"href": address, "rel": "self", "type": "application/json"}
    assert "extent" not in several["collections"][0]


def test_a_record_is_a_feature(county: County, client: Client, stall: Any) -> None:
    made = stall(seats=4, at=(100.25, 30.5))
    own = {**OWN, "_title": "1号摊", "_created": made.created.isoformat(), "_updated": made.updated.isoformat()}
    feature = {
        "type": "Feature",
        "id": "S001",
        "geometry": {"type": "Point", "coordinates": [100.25, 30.5]},
        "properties": {"code": "S001", "name": "1号摊", "seats": 4, **own},
    }
    address = f"{ROOT}/collections/{STALL}"
    answer = client.get(ITEMS)
    found = body(answer)
    assert answer.headers["content-type"] == "application/geo+json"
    assert datetime.fromisoformat(found.pop("timeStamp")).tzinfo
    collection = {"href": address, "rel": "collection", "type": "application/json"}
    assert found == {
        "type": "FeatureCollection",
        "numberMatched": 1,
        "numberReturned": 1,
        "features": [feature],
        "links": [*ways(f"{address}/items", "application/geo+json"), collection],
    }
    answer = client.get(f"{ITEMS}/S001")
    links = [*ways(f"{address}/items/S001", "application/geo+json"), collection]
    assert body(answer) == {**feature, "links": links}
    assert answer.headers["etag"].startswith('"1-')
    assert answer.headers["last-modified"].endswith("GMT")
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"


def test_what_the_client_has_is_not_sent_again(client: Client, stall: Any) -> None:
    stall(seats=1)
    for address in ("/ogc", "/ogc/collections", ITEMS, f"{ITEMS}/S001", f"/ogc/collections/{STALL}/schema"):
        first = client.get(address)
        assert first.headers["cache-control"] == "private, no-cache"
        assert set(first.headers["vary"].split(", ")) >= {"Accept", "Authorization", "Cookie"}
        again = client.get(address, headers={"if-none-match": f'"x", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    before = client.get(ITEMS).headers["etag"]
    stall(seats=2)
    assert client.get(ITEMS, headers={"if-none-match": before}).status_code == 200


def test_methods_are_told(client: Client, stall: Any) -> None:
    stall()
    got, headed = client.get(ITEMS), client.head(ITEMS)
    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["content-length"] == str(len(got.content))
    answer = client.options(ITEMS)
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert "access-control-allow-origin" not in answer.headers
    assert client.options(f"{ITEMS}/S001").headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, PUT"
    assert client.options("/ogc/collections/areas/items").headers["allow"] == "GET, HEAD, OPTIONS"
    refused = client.delete("/ogc", headers={"origin": "http://testserver", "host": "testserver"})
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert body(refused, 405)["code"] == "MethodNotAllowed"


def test_methods_are_those_that_one_may_use(county: County, stall: Any) -> None:
    stall()
    reader = browser(person(county, f"records.{STALL}.view", username="reader"))
    editor = browser(person(county, f"records.{STALL}.view", f"records.{STALL}.edit", username="editor"))
    told = [[who.options(f"{ITEMS}{part}").headers["allow"] for part in ("", "/S001")] for who in (reader, editor)]
    assert told == [["GET, HEAD, OPTIONS"] * 2, ["GET, HEAD, OPTIONS", "GET, HEAD, OPTIONS, PATCH, PUT"]]
    assert browser(person(county, "maps.*", username="stranger")).options(ITEMS).status_code == 404


OF_STALL = [f"/collections/{STALL}{part}" for part in ("", "/items", "/items/S001", "/schema", "/queryables")]
PAGES = ["", "/conformance", "/collections", "/api", *OF_STALL]


@pytest.mark.parametrize("path", PAGES)
def test_a_browser_gets_a_page(client: Client, stall: Any, path: str) -> None:
    stall(name="<b>柠檬</b>", at=(100.5, 30.5))
    browsers = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    for asked in ({"accept": browsers}, {"accept": "application/json;q=0.1, text/html"}):
        answer = client.get(f"/ogc{path}", headers=asked)
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
    answer = client.get(f"/ogc{path}?f=html", headers={"accept": "application/json"})
    text = answer.content.decode()
    assert (answer.status_code, text.count("<h1>")) == (200, 1)
    assert "<b>柠檬" not in text
    assert "json" in client.get(f"/ogc{path}?f=json", headers={"accept": browsers}).headers["content-type"]
    chinese = client.get(f"/ogc{path}?f=html", headers={"accept-language": "zh-CN"}).content.decode()
    assert "Where you are" not in chinese


def test_a_form_that_nobody_offers_is_refused(client: Client) -> None:
    assert body(client.get("/ogc", headers={"accept": "image/png"}), 406)["code"] == "NotAcceptable"
    assert client.get("/ogc", headers={"accept": "image/png, */*;q=0.1"}).status_code == 200
    assert (
        client.get("/ogc", headers={"accept": "text/html;q=0, application/json"}).headers["content-type"]
        == "application/json"
    )
    assert "f: 'xml': must be json or html" in body(client.get("/ogc?f=xml"), 400)["detail"]


def test_coordinates_are_given_in_many_systems(client: Client, stall: Any) -> None:
    stall(at=(100.25, 30.5))
    for code, expected in (
        ("OGC/1.3/CRS84", [100.25, 30.5]), ("EPSG/0/4326", [30.5, 100.25]), ("EPSG/0/4490", [30.5, 100.25]),
        ("EPSG/0/3857", [11159778.95, 3567983.46]), ("EPSG/0/4542", [3376206.18, 620003.31]),
    ):  # fmt: skip
        name = f"http://www.opengis.net/def/crs/{code}"
        for address in (ITEMS, f"{ITEMS}/S001"):
            answer = client.get(address, {"crs": name})
            assert answer.headers["content-crs"] == f"<{name}>"
            found = body(answer)
            geometry = (found["features"][0] if "features" in found else found)["geometry"]
            assert geometry["coordinates"] == pytest.approx(expected, abs=0.1)
    assert "crs: 'EPSG:4326': must be one of" in body(client.get(ITEMS, {"crs": "EPSG:4326"}), 400)["detail"]


def test_a_box_may_be_in_another_system(client: Client, stall: Any) -> None:
    stall(at=(100.2, 30.2))
    stall(at=(100.8, 30.8))
    epsg = "http://www.opengis.net/def/crs/EPSG/0/"
    for code, box, expected in (
        (4326, "30,100,30.5,100.5", "1"), (4490, "30.5,100.5,31,101", "2"),
        (3857, "11130000,3500000,11188000,3560000", "1"),
        (4542, "3340000,610000,3345000,620000", "1"), (4542, "3340000,610000,3345000,612000", ""),
    ):  # fmt: skip
        assert keys(client.get(ITEMS, {"bbox": box, "bbox-crs": f"{epsg}{code}"})) == expected, code
    refused = body(client.get(ITEMS, {"bbox": "100,30,101,31", "bbox-crs": f"{epsg}4326"}), 400)
    assert "must be south,west,north,east" in refused["detail"]
    assert refused["problems"] == [
        {
            "name": "bbox",
            "value": "100,30,101,31",
            "rule": "bbox",
            "message": "must be south,west,north,east in degrees of WGS 84",
        }
    ]


def test_only_some_properties_in_some_order(client: Client, stall: Any) -> None:
    stall(seats=2, kind="cart")
    stall(seats=1, kind="cart")
    stall(seats=2, kind="booth")
    found = body(client.get(ITEMS, {"properties": "seats,_title", "sortby": "-seats,kind"}))["features"]
    assert [(one["id"], one["properties"]) for one in found] == [
        ("S003", {"seats": 2, "_title": "3号摊"}), ("S001", {"seats": 2, "_title": "1号摊"}),
        ("S002", {"seats": 1, "_title": "2号摊"}),
    ]  # fmt: skip
    assert keys(client.get(ITEMS, {"sortby": "+seats,-code"})) == "231"
    assert "colour is none; there are code, name" in body(client.get(ITEMS, {"properties": "colour"}), 400)["detail"]
    for name in ("owner", "drinks", "colour"):
        assert f"{name} cannot be sorted by" in body(client.get(ITEMS, {"sortby": name}), 400)["detail"]


def test_the_licence_is_of_the_pack_or_else_of_the_county(client: Client, county: County) -> None:
    def told(path: str) -> list[tuple[str, str]]:
        links = body(client.get(f"/ogc{path}"))["links"]
        return [(link["href"], link["title"]) for link in links if link["rel"] == "license"]

    lemon = [("https://example.org/lemon", "Lemon open licence")]
    assert (told(f"/collections/{STALL}"), told("/collections/areas"), told("")) == (lemon, [], [])
    assert told("/collections/things.lemonade.jug") == told("/collections/cases.lemonade.order") == lemon
    county.settings["licence"] = {"name": {"zh": "县许可", "en": "Jia licence"}, "url": "https://example.org/jia"}
    county.save()
    jia = [("https://example.org/jia", "Jia licence")]
    assert (told(f"/collections/{STALL}"), told("/collections/areas")) == (lemon, jia)
    assert told("") == told("/collections") == jia
    assert told(f"/collections/catalogue/items/{STALL}") == lemon
    described = body(client.get(f"{ROOT.removeprefix('http://testserver')}/collections/catalogue/items"))["features"]
    assert {one["id"]: one["properties"]["license"] for one in described if one["id"] in {STALL, "areas"}} == {
        STALL: "CC-BY-4.0", "areas": "other",
    }  # fmt: skip


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
    assert links["prev"].startswith(f"{ROOT}/collections/{STALL}/items?kind=cart&limit=3&before=")


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
    ("name=3号摊", "3"),
    ("_state=open&_area=990001102", ""),
    ("_key=S002", "2"),
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
    ("colour=red", "colour: unknown parameter; known are _area, _created, _key"),
    ("owner=a", "owner: unknown parameter"),
    ("limit=0", "limit: '0': must be a whole number from 1"),
    ("limit=-1", "limit: '-1': must be a whole number from 1"),
    ("limit=ten", "limit: 'ten': must be a whole number from 1"),
    ("limit=1&limit=2", "limit: given more than once"),
    ("offset=x", "offset: 'x': must be a whole number from 0"),
    ("bbox=1,2,3", "bbox: '1,2,3': must be four or six numbers"),
    ("bbox=a,b,c,d", "bbox: 'a,b,c,d': must be four or six numbers"),
    ("bbox=0,5,1,4", "must be west,south,east,north in degrees of WGS 84"),
    ("bbox=0,0,181,1", "must be west,south,east,north in degrees of WGS 84"),
    ("bbox=nan,0,1,1", "bbox: 'nan,0,1,1': must be four or six numbers"),
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
    assert body(client.get(f"/ogc{path}?x=json"), 400)["detail"] == "x: unknown parameter; known are f"


def test_what_is_not_there_is_404(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall()
    api.withdraw(root, made.id, 1)
    for path in ("lemonade.spoon", "lemonade.spoon/items", f"{STALL}/items/S001", f"{STALL}/items/S999"):
        told = body(client.get(f"/ogc/collections/{path}"), 404)
        assert (told["status"], told["code"], told["type"]) == (404, "NotFound", "about:blank")
        page = client.get(f"/ogc/collections/{path}", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert body(client.get(ITEMS))["numberMatched"] == 0


def test_only_what_posts_reach_and_masked(county: County, client: Client, stall: Any) -> None:
    stall(area="101", owner="张三丰")
    stall(area="102")
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    found = body(east.get(ITEMS))
    assert (found["numberMatched"], found["features"][0]["properties"]["owner"]) == (1, "张**")
    assert [c["id"] for c in body(east.get("/ogc/collections"))["collections"] if "." in c["id"]] == [STALL]
    assert east.get(f"{ITEMS}/S002").status_code == 404
    assert east.get("/ogc/collections/lemonade.grower/items").status_code == 404
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
    own = ["", "/items", "/items/{featureId}", "/queryables", "/schema", "/sortables"]
    paths = [path for path in found["paths"] if "tile" not in path.lower()]
    assert paths[:4] == ["/", "/api", "/conformance", "/collections"]
    assert sorted(path for path in paths if STALL in path) == [f"/collections/{STALL}{part}" for part in own]
    items = found["paths"][f"/collections/{STALL}/items"]["get"]["parameters"]
    named = [item.get("name") or item["$ref"].rsplit("/", 1)[-1] for item in items]
    assert named[: named.index("_key") + 1] == [
        "f", "limit", "offset", "bbox", "bbox-crs", "datetime", "crs", "properties", "filter", "filter-lang",
        "filter-crs", "sortby", "after", "before", "q", "kind", "grower", "seats", "price", "opened", "is_shaded",
        "street", "_key",
    ]  # fmt: skip
    text = json.dumps(found)
    for reference in {part.split('"')[0] for part in text.split('"#/')[1:]}:
        place = found
        for step in reference.split("/"):
            place = place[step]
    operations = [o["operationId"] for path in found["paths"].values() for o in path.values() if "operationId" in o]
    assert len(operations) == len(set(operations))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    sent=st.dictionaries(
        st.sampled_from(
            ["bbox", "bbox-crs", "datetime", "limit", "offset", "seats", "kind", "filter", "sortby", "f", "crs", "q"]
        ),
        st.text(max_size=12),
    )
)
def test_any_parameters_are_answered_or_refused(client: Client, sent: dict[str, str]) -> None:
    assert client.get(ITEMS, sent).status_code in {200, 400}


def test_a_login_or_token_reads_the_county_of_its_person(county: County, client: Client, stall: Any) -> None:
    stall()
    authentication.forget()
    other = County.objects.create(pk="110000", name="前县")  # stands before the other by its number
    secret = "sz_far"
    root = Person.objects.get(username="root")
    Token.objects.create(person=root, name="t", digest=hashlib.sha256(secret.encode()).hexdigest())
    basic = b64encode(b"root:correct horse").decode()
    for shown in (f"Bearer {secret}", f"Basic {basic}", f"Basic {basic}"):
        assert keys(Client(headers={"authorization": shown}).get(ITEMS)) == "1"
    assert other.pk < county.pk


def test_a_wrong_password_after_a_right_one_is_wrong(county: County, client: Client, stall: Any) -> None:
    stall()
    authentication.forget()
    for secret, status in (("correct horse", 200), ("wrong horse", 401), ("correct horse", 200)):
        shown = b64encode(f"root:{secret}".encode()).decode()
        assert Client(headers={"authorization": f"Basic {shown}"}).get(ITEMS).status_code == status
    authentication.forget()
    Person.objects.filter(username="root").update(is_active=False)
    shown = b64encode(b"root:correct horse").decode()
    assert Client(headers={"authorization": f"Basic {shown}"}).get(ITEMS).status_code == 401
