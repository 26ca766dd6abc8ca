"""Clients of others against a running stack: owslib reads and writes, GDAL (through pyogrio) reads, in CGCS2000 too."""

from __future__ import annotations

import base64
import http.client
import json
from typing import Any

import pyogrio
import pytest
import shapely
from owslib.ogcapi.features import Features
from owslib.ogcapi.records import Records
from owslib.util import Authentication
from tests.stack.stack import Stack

pytestmark = pytest.mark.stack
SECTION = "ecology.section"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/{}"


def feature(code: str, place: tuple[float, float], target: str) -> dict[str, Any]:
    properties = {
        "code": code,
        "name": f"断面{code}",
        "target": target,
        "water": "龙河",
        "_area": "500240",
        "_organisation": "500240",
    }
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": properties}


@pytest.fixture
def login(stack: Stack) -> Authentication:
    return Authentication("admin", stack.password_of("admin"))


def test_owslib_and_gdal_work_with_it(stack: Stack, login: Authentication) -> None:
    service = Features(f"{stack.address}/ogc", auth=login)
    assert SECTION in service.feature_collections()
    assert service.api()["openapi"] == "3.0.3"
    assert service.collection_queryables(SECTION)["properties"]["target"]["enum"]
    for code, place, target in (("OWS001", (108.1, 30.0), "II"), ("OWS002", (108.3, 30.2), "III")):
        assert service.collection_item_create(SECTION, feature(code, place, target))
    found = service.collection_items(SECTION, filter="code LIKE 'OWS%' AND target = 'II'", sortby=("code", "desc"))
    assert [one["id"] for one in found["features"]] == ["OWS001"]
    boxed = service.collection_items(SECTION, bbox=[108.2, 30.1, 108.4, 30.3], limit=10)
    assert "OWS002" in [one["id"] for one in boxed["features"]]
    changed = feature("OWS001", (108.1, 30.0), "I")
    service.headers["Content-Type"] = "application/geo+json"
    assert service.collection_item_update(SECTION, "OWS001", json.dumps(changed))
    assert service.collection_item(SECTION, "OWS001")["properties"]["target"] == "I"

    source = f"OAPIF:{stack.address}/ogc"
    secret = f"admin:{stack.password_of('admin')}"
    assert pyogrio.read_info(source, layer=SECTION, USERPWD=secret)["geometry_type"] == "Point"
    read = _read(source, secret)
    assert read["OWS001"] == pytest.approx((108.1, 30.0))
    assert _read(source, secret, where="target = 'III'").keys() == {"OWS002"}
    zone = _read(source, secret, CRS=EPSG.format(4545))
    assert zone["OWS001"] == pytest.approx((509648.6305, 3320117.6079), abs=0.01)

    assert service.collection_item_delete(SECTION, "OWS002")
    assert _read(source, secret).keys() == {"OWS001"}
    catalogue = Records(f"{stack.address}/ogc", auth=login)
    assert catalogue.records() == ["catalogue"]
    told = catalogue.collection_items("catalogue", q="断面")
    assert SECTION in [one["id"] for one in told["features"]]


def _read(source: str, secret: str, **options: Any) -> dict[str, tuple[float, float]]:
    """code → place, of what this test has made."""
    meta, _ids, places, values = pyogrio.raw.read(source, layer=SECTION, USERPWD=secret, **options)
    codes = values[list(meta["fields"]).index("code")]
    return {
        code: shapely.from_wkb(place).coords[0]
        for code, place in zip(codes, places, strict=True)
        if code.startswith("OWS")
    }


def test_methods_over_a_real_line(stack: Stack) -> None:
    secret = base64.b64encode(f"admin:{stack.password_of('admin')}".encode()).decode()
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    told: dict[str, tuple[int, str | None, int]] = {}
    for method in ("GET", "HEAD", "OPTIONS", "GET"):
        line.request(method, "/ogc/collections/areas/items", headers={"Authorization": f"Basic {secret}"})
        answer = line.getresponse()
        told[method] = answer.status, answer.headers["Content-Length"], len(answer.read())
    line.close()
    assert told["GET"][0] == told["HEAD"][0] == 200
    assert (told["HEAD"][1], told["HEAD"][2]) == (told["GET"][1], 0)
    assert told["OPTIONS"][0] == 204


def test_links_hold_behind_a_proxy(stack: Stack) -> None:
    secret = base64.b64encode(f"admin:{stack.password_of('admin')}".encode()).decode()
    told = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "data.example.cn"}
    line = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=30)
    line.request("GET", "/ogc/collections/areas/items?limit=1", headers={"Authorization": f"Basic {secret}", **told})
    links = {one["rel"]: one["href"] for one in json.loads(line.getresponse().read())["links"]}
    line.request("GET", "/sta/v1.1", headers={"Authorization": f"Basic {secret}", **told})
    entities = json.loads(line.getresponse().read())["value"]
    line.close()
    assert links["next"].startswith("https://data.example.cn/ogc/collections/areas/items?limit=1&after=")
    assert {one["url"].rpartition("/")[0] for one in entities} == {"https://data.example.cn/sta/v1.1"}
