"""Every conformance class that `/ogc/conformance` claims is shown here, by what only it brings; none beyond."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from django.test import Client
from tests.web.pages import browser

from shizhu.kernel import access
from shizhu.kernel.models import Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "/ogc/collections/lemonade.stall"
ITEMS, ONE = f"{STALL}/items", f"{STALL}/items/S001"
HOME = {"host": "testserver", "origin": "http://testserver"}
GEOJSON, MERGE = "application/geo+json", "application/merge-patch+json"
EPSG4490 = "http://www.opengis.net/def/crs/EPSG/0/4490"
TILES = f"{STALL}/tiles/WebMercatorQuad"


@pytest.fixture
def client(root: access.Actor, stall: Any) -> Client:
    """Three stalls; the last has no place."""
    stall(name="Étoile", kind="cart", seats=1, price=2, opened="2026-01-01", at=(100.2, 30.5), drinks=["tea"])
    stall(name="lemon", kind="booth", seats=2, price=1, opened="2026-02-01", at=(100.8, 30.5), drinks=["tea", "milk"])
    stall(name="tent", kind="cart", seats=3)
    return browser(Person.objects.get(username="root"))


def get(client: Client, path: str, status: int = 200, **given: Any) -> Any:
    answer = client.get(path, given)
    assert answer.status_code == status, answer.content
    return answer


def body(client: Client, path: str, **given: Any) -> Any:
    return json.loads(get(client, path, **given).content)


def found(text: str, expected: str, **more: str) -> Callable[[Client], None]:
    """A filter that only this class understands selects what it should."""

    def proof(client: Client) -> None:
        asked = body(client, ITEMS, filter=text, sortby="code", **more)
        assert "".join(one["id"][-1] for one in asked["features"]) == expected

    return proof


def sent(client: Client, method: str, path: str, what: Any = None, kind: str = GEOJSON, **headers: str) -> Any:
    text = json.dumps(what) if what is not None else ""
    return client.generic(method, path, text, kind, headers={**HOME, **headers})


def new(code: str) -> dict[str, Any]:
    own = {"_organisation": "stand", "_area": "990001101"}
    return {"type": "Feature", "geometry": None, "properties": {"code": code, "name": "新摊", **own}}


def writes(client: Client) -> None:
    made = sent(client, "POST", ITEMS, new("S900"))
    assert (made.status_code, made.headers["location"]) == (201, f"http://testserver{ITEMS}/S900")
    assert sent(client, "PUT", f"{ITEMS}/S900", new("S900")).status_code == 200
    assert sent(client, "DELETE", f"{ITEMS}/S900").status_code == 204
    get(client, f"{ITEMS}/S900", 404)


def patches(client: Client) -> None:
    assert sent(client, "PATCH", ONE, {"properties": {"seats": 7}}, MERGE).status_code == 200
    assert body(client, ONE)["properties"]["seats"] == 7


def locks(client: Client) -> None:
    tag = get(client, ONE).headers["etag"]
    assert sent(client, "PATCH", ONE, {"properties": {"seats": 8}}, MERGE, **{"if-match": tag}).status_code == 200
    assert sent(client, "PATCH", ONE, {"properties": {"seats": 9}}, MERGE, **{"if-match": tag}).status_code == 412
    assert body(client, ONE)["properties"]["seats"] == 8


def takes_features(client: Client) -> None:
    assert sent(client, "POST", ITEMS, {**new("S901"), "type": "FeatureCollection"}).status_code == 400
    assert sent(client, "POST", ITEMS, new("S901"), "text/csv").status_code == 415
    assert "POST" in client.options(ITEMS).headers["allow"]


def in_degrees_of_cgcs2000(client: Client) -> None:
    answer = get(client, ONE, crs=EPSG4490)
    assert (answer.headers["content-crs"], json.loads(answer.content)["geometry"]["coordinates"]) == (
        f"<{EPSG4490}>", [30.5, 100.2],
    )  # fmt: skip


def schema(path: str, *names: str) -> Callable[[Client], None]:
    def proof(client: Client) -> None:
        answer = get(client, f"{STALL}/{path}")
        told = json.loads(answer.content)
        assert answer.headers["content-type"] == "application/schema+json"
        assert told["$id"].endswith(f"/{path}")
        assert {*names} <= told["properties"].keys()

    return proof


def roles(client: Client) -> None:
    told = body(client, f"{STALL}/schema")["properties"]
    assert {name: item["x-ogc-role"] for name, item in told.items() if "x-ogc-role" in item} == {
        "code": "id", "opened": "primary-instant", "geometry": "primary-geometry",
    }  # fmt: skip


def both_ways(client: Client) -> None:
    told = body(client, f"{STALL}/schema")["properties"]
    assert (told["_created"]["readOnly"], told["seats"].get("readOnly")) == (True, None)


def page(path: str) -> Callable[[Client], None]:
    def proof(client: Client) -> None:
        assert get(client, path, f="html").headers["content-type"].startswith("text/html")

    return proof


def kind(path: str, media_type: str, **given: str) -> Callable[[Client], None]:
    def proof(client: Client) -> None:
        assert get(client, path, **given).headers["content-type"] == media_type

    return proof


def keys(path: str, *names: str) -> Callable[[Client], None]:
    def proof(client: Client) -> None:
        assert {*names} <= body(client, path).keys()

    return proof


def narrowed(client: Client) -> None:
    told = body(client, "/ogc/collections/catalogue/items", q="Stall,摊位", type="dataset", bbox="100,30,101,31")
    assert "lemonade.stall" in [one["id"] for one in told["features"]]
    assert body(client, "/ogc/collections/catalogue/items", ids="areas")["numberMatched"] == 1


def described(client: Client) -> None:
    told = body(client, "/ogc/collections/catalogue/items/lemonade.stall")
    assert ({"id", "time", "geometry", "links"} <= told.keys(), told["properties"]["type"]) == (True, "dataset")


CATALOGUE = "/ogc/collections/catalogue"
VND = "application/vnd.oai.openapi+json;version=3.0"
PROOFS: Mapping[str, Callable[[Client], None]] = {
    "ogcapi-features-1/1.0/conf/core": keys(ITEMS, "numberMatched", "numberReturned", "timeStamp", "links"),
    "ogcapi-features-1/1.0/conf/oas30": kind("/ogc/api", VND),
    "ogcapi-features-1/1.0/conf/geojson": kind(ITEMS, GEOJSON),
    "ogcapi-features-1/1.0/conf/html": page(ITEMS),
    "ogcapi-features-2/1.0/conf/crs": in_degrees_of_cgcs2000,
    "ogcapi-features-3/1.0/conf/filter": found("seats > 1", "23", **{"filter-lang": "cql2-text"}),
    "ogcapi-features-3/1.0/conf/features-filter": found("seats > 1", "2", bbox="100.5,30,101,31", kind="booth"),
    "ogcapi-features-3/1.0/conf/queryables": schema("queryables", "seats", "address.lane", "geometry"),
    "ogcapi-features-3/1.0/conf/queryables-query-parameters": found("TRUE", "13", kind="cart"),
    "ogcapi-features-4/1.0/conf/create-replace-delete": writes,
    "ogcapi-features-4/1.0/conf/update": patches,
    "ogcapi-features-4/1.0/conf/optimistic-locking-etags": locks,
    "ogcapi-features-4/1.0/conf/features": takes_features,
    "ogcapi-features-5/1.0/conf/schemas": schema("schema", "seats"),
    "ogcapi-features-5/1.0/conf/core-roles-features": roles,
    "ogcapi-features-5/1.0/conf/returnables-and-receivables": both_ways,
    "ogcapi-features-5/1.0/conf/queryables": schema("queryables", "seats"),
    "ogcapi-features-5/1.0/conf/sortables": schema("sortables", "seats"),
    "cql2/1.0/conf/cql2-text": found("seats = 2", "2"),
    "cql2/1.0/conf/cql2-json": found('{"op": "=", "args": [{"property": "seats"}, 2]}', "2"),
    "cql2/1.0/conf/basic-cql2": found("NOT (seats = 2 OR seats IS NULL) AND kind <> 'booth'", "13"),
    "cql2/1.0/conf/advanced-comparison-operators": found(
        "name LIKE 'l%' OR seats IN (9) OR seats BETWEEN 3 AND 4", "23"
    ),
    "cql2/1.0/conf/case-insensitive-comparison": found("CASEI(name) = CASEI('LEMON')", "2"),
    "cql2/1.0/conf/accent-insensitive-comparison": found("ACCENTI(name) = ACCENTI('Etoile')", "1"),
    "cql2/1.0/conf/basic-spatial-functions": found("S_INTERSECTS(geometry, BBOX(100, 30, 100.5, 31))", "1"),
    "cql2/1.0/conf/basic-spatial-functions-plus": found("S_INTERSECTS(geometry, LINESTRING(100.8 30, 100.8 31))", "2"),
    "cql2/1.0/conf/spatial-functions": found(
        "S_WITHIN(geometry, POLYGON((100 30, 100.5 30, 100.5 31, 100 31, 100 30)))", "1"
    ),
    "cql2/1.0/conf/temporal-functions": found("T_AFTER(opened, DATE('2026-01-15'))", "2"),
    "cql2/1.0/conf/array-functions": found("A_CONTAINS(drinks, ('tea', 'milk'))", "2"),
    "cql2/1.0/conf/property-property": found("seats < price", "1"),
    "cql2/1.0/conf/arithmetic": found("seats * 2 = price + 3", "2"),
    "ogcapi-common-2/1.0/conf/collections": keys("/ogc/collections", "links", "collections"),
    "ogcapi-records-1/1.0/conf/record-core": described,
    "ogcapi-records-1/1.0/conf/record-collection": keys(CATALOGUE, "id", "itemType", "links"),
    "ogcapi-records-1/1.0/conf/record-api": keys(f"{CATALOGUE}/items", "features", "numberMatched"),
    "ogcapi-records-1/1.0/conf/record-core-query-parameters": narrowed,
    "ogcapi-records-1/1.0/conf/json": kind(f"{CATALOGUE}/items", GEOJSON),
    "ogcapi-records-1/1.0/conf/html": page(f"{CATALOGUE}/items"),
    "ogcapi-tiles-1/1.0/conf/core": kind(f"{TILES}/0/0/0", "application/vnd.mapbox-vector-tile"),
    "ogcapi-tiles-1/1.0/conf/tileset": keys(TILES, "dataType", "tileMatrixSetURI", "links"),
    "ogcapi-tiles-1/1.0/conf/tilesets-list": keys(f"{STALL}/tiles", "tilesets"),
    "ogcapi-tiles-1/1.0/conf/geodata-tilesets": keys(STALL, "links"),
    "ogcapi-tiles-1/1.0/conf/mvt": kind(f"{TILES}/1/0/1", "application/vnd.mapbox-vector-tile"),
    "ogcapi-tiles-1/1.0/conf/oas30": kind("/ogc/api", VND),
    "tms/2.0/conf/tilematrixset": keys("/ogc/tileMatrixSets/WebMercatorQuad", "tileMatrices"),
}  # fmt: skip


def test_what_is_claimed_is_what_is_shown(client: Client) -> None:
    claimed = {
        name.removeprefix("http://www.opengis.net/spec/") for name in body(client, "/ogc/conformance")["conformsTo"]
    }
    assert claimed == PROOFS.keys()


@pytest.mark.parametrize("name", PROOFS)
def test_a_class(client: Client, name: str) -> None:
    PROOFS[name](client)
