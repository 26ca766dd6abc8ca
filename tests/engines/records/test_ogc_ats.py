"""The abstract tests of OGC API – Features 1 to 4, Tiles and Records, each named after its requirement.

They ask as a client that knows the standard alone: what an answer links to is what is asked next.
"""

from __future__ import annotations

import json
from typing import Any

import mapbox_vector_tile
import pytest
from django.test import Client
from tests.web.pages import browser

from shizhu.kernel import access
from shizhu.kernel.models import Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
STALL = "/ogc/collections/lemonade.stall"
HOME = {"host": "testserver", "origin": "http://testserver"}


@pytest.fixture
def client(root: access.Actor, stall: Any) -> Client:
    """Three stalls, the last without a place; somebody who sees everything."""
    stall(kind="cart", seats=1, opened="2026-01-01", at=(100.2, 30.5))
    stall(kind="cart", seats=2, opened="2026-02-01", at=(100.8, 30.5))
    stall(kind="cart", seats=3)
    return browser(Person.objects.get(username="root"))


def get(client: Client, href: str, **given: Any) -> Any:
    answer = client.get(href.removeprefix("http://testserver"), given)
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def linked(body: Any, rel: str, media_type: str = "") -> str:
    found: str = next(
        one["href"] for one in body["links"] if one["rel"] == rel and media_type in {"", one.get("type", "")}
    )
    return found


def ids(body: Any) -> list[str]:
    return [one["id"] for one in body["features"]]


# -- Features part 1 (17-069r4)


def test_req_core_root_success(client: Client) -> None:
    """Requirement 2: service-desc or service-doc, conformance, data; each leads somewhere."""
    root = get(client, "/ogc")
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        assert client.get(linked(root, rel).removeprefix("http://testserver")).status_code == 200


def test_req_core_conformance_success(client: Client) -> None:
    """Requirement 6."""
    found = get(client, linked(get(client, "/ogc"), "conformance"))["conformsTo"]
    assert len(found) == len(set(found))
    assert {f"http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/{n}" for n in ("core", "geojson", "oas30")} <= {
        *found
    }


def test_req_core_query_param_unknown_and_invalid(client: Client) -> None:
    """Requirements 8 and 9: 400."""
    for given in ({"spoon": "1"}, {"limit": "x"}, {"bbox": "1,2,3"}, {"datetime": "soon"}):
        assert client.get(f"{STALL}/items", given).status_code == 400


def test_req_core_fc_md_items_links(client: Client) -> None:
    """Requirements 14 to 19: each collection has id, links with rel and type, items; alone it says the same."""
    listed = get(client, linked(get(client, "/ogc"), "data"))
    assert {one["rel"] for one in listed["links"]} >= {"self", "alternate"}
    for one in listed["collections"]:
        assert all({"href", "rel", "type"} <= {*link} for link in one["links"])
        alone = get(client, linked(one, "self"))
        assert {name: alone[name] for name in alone if name != "links"} == {n: one[n] for n in one if n != "links"}
        get(client, linked(one, "items", "application/geo+json"), limit=1)


def test_req_core_fc_bbox_response(client: Client) -> None:
    """Requirement 24: what meets the box; what has no place counts."""
    assert ids(get(client, f"{STALL}/items", bbox="100,30,100.5,31")) == ["S001", "S003"]


def test_req_core_fc_time_response(client: Client) -> None:
    """Requirement 27: what is of the time; what has none counts."""
    assert ids(get(client, f"{STALL}/items", datetime="2026-01-15T00:00:00Z/..")) == ["S002", "S003"]


def test_req_core_fc_limit_response_and_next(client: Client) -> None:
    """Requirements 21, 22, 29 to 31: pages follow each other by `next`, each thing once, and the counts are right."""
    page, found = get(client, f"{STALL}/items", limit=2), []
    while True:
        assert (page["numberMatched"], page["numberReturned"]) == (3, len(page["features"]))
        assert page["timeStamp"]
        found += ids(page)
        if not any(one["rel"] == "next" for one in page["links"]):
            break
        page = get(client, linked(page, "next"))
    assert found == ["S001", "S002", "S003"]


def test_req_core_f_success(client: Client) -> None:
    """Requirements 33 to 35: one feature with self, alternate and collection."""
    one = get(client, f"{STALL}/items/S001")
    assert (one["type"], one["id"]) == ("Feature", "S001")
    assert {link["rel"] for link in one["links"]} >= {"self", "alternate", "collection"}
    assert client.get(f"{STALL}/items/S404").status_code == 404


# -- Features part 2 (18-058r1)


def test_req_crs_fc_md_crs_list(client: Client) -> None:
    """Requirements 1 to 4: CRS84 is in the list, the storage system too; each of the list is answered in."""
    one = get(client, STALL)
    assert {CRS84, one["storageCrs"]} <= {*one["crs"]}
    for name in one["crs"]:
        answer = client.get(f"{STALL}/items/S001", {"crs": name})
        assert (answer.status_code, answer.headers["content-crs"]) == (200, f"<{name}>")


def test_req_crs_fc_crs_valid_value(client: Client) -> None:
    """Requirements 7 and 10: 400 for a system that is not in the list, for crs and bbox-crs."""
    for name in ("crs", "bbox-crs"):
        assert client.get(f"{STALL}/items", {name: "http://www.opengis.net/def/crs/EPSG/0/1"}).status_code == 400


# -- Features part 3 (19-079r2)


def test_req_filter_filter_param_and_lang(client: Client) -> None:
    """`filter` in both languages says the same; another language is refused."""
    spoken = {"op": ">", "args": [{"property": "seats"}, 1]}
    text = ids(get(client, f"{STALL}/items", filter="seats > 1"))
    assert text == ids(get(client, f"{STALL}/items", filter=json.dumps(spoken), **{"filter-lang": "cql2-json"}))
    assert text == ["S002", "S003"]
    assert client.get(f"{STALL}/items", {"filter": "seats > 1", "filter-lang": "sql"}).status_code == 400


def test_req_queryables_get_queryables_response(client: Client) -> None:
    """A JSON Schema with `$schema`, `$id`, object; no other property may be named in a filter."""
    found = get(client, linked(get(client, STALL), f"{REL}queryables"))
    assert found["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (found["type"], found["$id"]) == ("object", f"http://testserver{STALL}/queryables")
    assert client.get(f"{STALL}/items", {"filter": "spoon = 1"}).status_code == 400


# -- Features part 4 (20-002)


def test_req_create_replace_delete(client: Client) -> None:
    """201 with Location; PUT with If-Match; 412 for a stale one changes nothing; DELETE, then 404."""
    wanted = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [100.5, 30.5]},
        "properties": {"code": "S900", "name": "新摊", "_organisation": "stand", "_area": "990001101"},
    }  # fmt: skip
    sent: Any = {"content_type": "application/geo+json", "headers": HOME}
    made = client.post(f"{STALL}/items", wanted, **sent)
    where = made.headers["location"].removeprefix("http://testserver")
    assert (made.status_code, where) == (201, f"{STALL}/items/S900")
    tag = client.get(where).headers["etag"]
    wanted["properties"] = {"code": "S900", "name": "老摊"}
    changed = client.put(where, wanted, content_type=sent["content_type"], headers={**HOME, "if-match": tag})
    assert (changed.status_code, get(client, where)["properties"]["name"]) == (200, "老摊")
    wanted["properties"] = {"code": "S900", "name": "谁"}
    stale = client.put(where, wanted, content_type=sent["content_type"], headers={**HOME, "if-match": tag})
    assert (stale.status_code, get(client, where)["properties"]["name"]) == (412, "老摊")
    assert client.delete(where, headers=HOME).status_code == 204
    assert client.get(where).status_code == 404


def test_req_features_options(client: Client) -> None:
    """OPTIONS names the methods."""
    assert client.options(f"{STALL}/items").headers["allow"] == "GET, HEAD, OPTIONS, POST"


# -- Tiles (20-057)


def test_req_tiles_tileset_and_tile(client: Client) -> None:
    """From the collection to a tile by links and the template; outside of the limits 404."""
    sets = get(client, linked(get(client, STALL), f"{REL}tilesets-vector"))
    (one,) = sets["tilesets"]
    full = get(client, linked(one, "self"))
    assert (full["dataType"], full["tileMatrixSetURI"].rpartition("/")[2]) == ("vector", "WebMercatorQuad")
    template = linked(full, "item").removeprefix("http://testserver")
    tile = template.replace("{tileMatrix}", "0").replace("{tileRow}", "0").replace("{tileCol}", "0")
    answer = client.get(tile)
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert len(mapbox_vector_tile.decode(answer.content)["lemonade.stall"]["features"]) == 2
    assert client.get(tile.replace("/0/0/0", "/0/1/0")).status_code == 404


# -- Records (20-004r1)


def test_req_record_core_and_collection(client: Client) -> None:
    """From the landing page to the catalogue; every record has id, time, geometry, title, type, and links that lead."""
    catalogue = get(client, linked(get(client, "/ogc"), f"{REL}ogc-catalog"))
    assert catalogue["itemType"] == "record"
    found = get(client, linked(catalogue, "items", "application/geo+json"))
    assert found["numberReturned"] == len(found["features"]) > 3
    for one in found["features"]:
        assert {"id", "time", "geometry", "conformsTo", "links"} <= {*one}
        assert {"type", "title"} <= {*one["properties"]}
        for link in one["links"]:
            path = link["href"].removeprefix("http://testserver")
            assert path.startswith(("/map/", "https://example.org")) or client.get(path).status_code == 200


def test_req_record_core_query_parameters(client: Client) -> None:
    """`q`, `type`, `ids`, `bbox` narrow together."""
    items = "/ogc/collections/catalogue/items"
    assert ids(get(client, items, ids="lemonade.stall,areas", type="dataset")) == ["areas", "lemonade.stall"]
    assert ids(get(client, items, ids="lemonade.stall,areas", type="map")) == []
