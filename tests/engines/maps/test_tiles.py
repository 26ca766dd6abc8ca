"""OGC API – Tiles through the client: what a tile holds is where it is, for whom it is, and as new as the rows."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from django.test import Client
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures import person

from shizhu.engines.maps import tiles
from shizhu.engines.maps.logic import tiling
from shizhu.engines.records import api as records
from shizhu.engines.records.models import Record
from shizhu.kernel import access
from shizhu.kernel.fields import box_of
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
TILES = f"/ogc/collections/{STALL}/tiles/WebMercatorQuad"


def browser(who: Person) -> Client:
    made = Client(headers={"accept-language": "en"})
    made.force_login(who)
    return made


@pytest.fixture(autouse=True)
def empty_shelf() -> None:
    tiles.shelf.clear()


@pytest.fixture
def client(root: access.Actor) -> Client:
    return browser(Person.objects.get(username="root"))


def drawn(answer: Any, layer: str = STALL) -> list[dict[str, Any]]:
    """The features of a tile."""
    if answer.status_code == 204:
        return []
    assert (answer.status_code, answer.headers["content-type"]) == (200, tiling.MEDIA_TYPE), answer.content
    content = gzip.decompress(answer.content) if answer.headers.get("content-encoding") else answer.content
    found: list[dict[str, Any]] = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})[layer][
        "features"
    ]
    return found


def body(answer: Any) -> Any:
    assert answer.status_code == 200, answer.content
    return json.loads(answer.content)


def test_a_point_lies_where_it_is(client: Client, stall: Any) -> None:
    made = stall(kind="cart", seats=4, price=2.5, owner="张三丰", at=(100.5, 30.5))
    (feature,) = drawn(client.get(f"{TILES}/0/0/0"))
    assert feature["geometry"]["type"] == "Point"
    assert feature["geometry"]["coordinates"] == [3191, 1683]
    assert (feature["id"], feature["properties"]) == (
        made.id,
        {
            "_key": "S001", "_title": "1号摊", "_state": "open", "_simulated": False, "kind": "cart", "seats": 4.0,
            "price": 2.5,
        },
    )  # fmt: skip
    z, row, column = 10, 420, 797
    west, south, east, north = tiling.box(z, row, column, 0)
    assert (west < 100.5 < east, south < 30.5 < north) == (True, True)
    assert len(drawn(client.get(f"{TILES}/{z}/{row}/{column}"))) == 1
    assert client.get(f"{TILES}/{z}/{row + 2}/{column}").status_code == 204


def test_tiles_outside_are_not_there(client: Client, stall: Any) -> None:
    stall(at=(100.5, 30.5))
    for path in ("1/2/0", "1/0/2", "23/0/0", "0/0/1"):
        assert client.get(f"{TILES}/{path}").status_code == 404
    assert client.get(f"{TILES}/0/0/0?x=1").status_code == 400
    assert client.get(f"{TILES}/0/0/0?f=mvt").status_code == 200
    assert client.get("/ogc/collections/lemonade.grower/tiles").status_code == 404
    assert client.get("/ogc/collections/organisations/tiles/WebMercatorQuad/0/0/0").status_code == 404


def test_each_sees_tiles_of_what_is_theirs(county: County, client: Client, stall: Any) -> None:
    stall(area="101", at=(100.2, 30.5))
    stall(area="102", at=(100.8, 30.5))
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    nobody = browser(person(county, "maps.map.view"))
    for _ in range(2):  # the second time from the shelf
        assert [f["properties"]["_key"] for f in drawn(client.get(f"{TILES}/0/0/0"))] == ["S001", "S002"]
        assert [f["properties"]["_key"] for f in drawn(east.get(f"{TILES}/0/0/0"))] == ["S001"]
        assert nobody.get(f"{TILES}/0/0/0").status_code == 404
    assert Client().get(f"{TILES}/0/0/0").status_code == 401


def test_a_tile_is_as_new_as_its_rows(client: Client, stall: Any, root: access.Actor) -> None:
    made = stall(at=(100.2, 30.5))
    first = client.get(f"{TILES}/0/0/0")
    assert client.get(f"{TILES}/0/0/0", headers={"if-none-match": first.headers["etag"]}).status_code == 304
    stall(at=(100.8, 30.5))
    assert len(drawn(client.get(f"{TILES}/0/0/0"))) == 2
    assert client.get(f"{TILES}/0/0/0", headers={"if-none-match": first.headers["etag"]}).status_code == 200
    moved = records.update(root, made.id, {}, 1, geometry=shapely.Point(-100, -30))
    assert drawn(client.get(f"{TILES}/1/0/0")) == []
    assert [f["properties"]["_key"] for f in drawn(client.get(f"{TILES}/1/1/0"))] == ["S001"]
    records.withdraw(root, made.id, moved.version)
    assert client.get(f"{TILES}/1/1/0").status_code == 204


def test_a_settled_tile_is_made_once(client: Client, stall: Any, django_assert_num_queries: Any) -> None:
    stall(at=(100.2, 30.5))
    Record.objects.update(updated=timezone.now() - timedelta(minutes=1))
    table = records.collection_of(STALL, "990001", access.ANYBODY)
    assert isinstance(table, records.Table)
    made = tiles.tile(access.ANYBODY, "990001", table, 0, 0, 0)
    with django_assert_num_queries(1):  # the newest change
        assert tiles.tile(access.ANYBODY, "990001", table, 0, 0, 0) is made


def test_it_is_compressed_for_who_can_read_it(client: Client, stall: Any) -> None:
    stall(at=(100.2, 30.5))
    packed = client.get(f"{TILES}/0/0/0", headers={"accept-encoding": "gzip, br"})
    plain = client.get(f"{TILES}/0/0/0")
    assert packed.headers["content-encoding"] == "gzip"
    assert gzip.decompress(packed.content) == plain.content
    assert packed.headers["etag"] != plain.headers["etag"]


def many(county: County, places: list[Any]) -> None:
    own = {"county_id": county.pk, "register": STALL, "state": "open", "source": "person", "data": {}}
    own |= {"organisation": county.organisations.first(), "area": county.areas.first()}
    Record.objects.bulk_create(
        Record(key=f"S{n}", title=str(n), sort_key=str(n), geometry=place, box=box_of(place), **own)
        for n, place in enumerate(places)
    )


def test_of_many_points_a_part_stands_for_all(
    county: County, client: Client, root: access.Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(county, [shapely.Point(100 + n % 40 / 40, 30 + n // 40 / 40) for n in range(1600)])
    assert len(drawn(client.get(f"{TILES}/0/0/0"))) == 1600
    for most, share in ((200, 16), (50, 256)):
        monkeypatch.setattr(tiles, "MOST", most)
        tiles.shelf.clear()
        found = drawn(client.get(f"{TILES}/0/0/0"))
        assert abs(len(found) - 1600 / share) <= 1
        assert {one["properties"]["stands_for"] for one in found} == {share}
        assert all(one["id"] % share == 0 for one in found)
    near = drawn(client.get(f"{TILES}/14/{6752}/{12743}"))
    assert all("stands_for" not in one["properties"] for one in near)


def test_areas_are_cut_and_made_simple(county: County, client: Client) -> None:
    areas = "/ogc/collections/areas/tiles/WebMercatorQuad"
    found = drawn(client.get(f"{areas}/0/0/0"), "areas")
    assert "990001" in {one["properties"]["code"] for one in found}
    z = 12
    row, column = tiling.covering((100.5, 30.5, 100.5, 30.5), z)[:2]
    for one in drawn(client.get(f"{areas}/{z}/{row}/{column}"), "areas"):
        west, north, east, south = shapely.geometry.shape(one["geometry"]).bounds
        assert min(west, north) >= -tiling.MARGIN
        assert max(east, south) <= tiling.EXTENT + tiling.MARGIN


def test_what_a_tileset_says_of_itself(client: Client, stall: Any) -> None:
    root_address = "http://testserver/ogc"
    found = body(client.get(f"/ogc/collections/{STALL}/tiles"))["tilesets"][0]
    assert (found["dataType"], found["crs"]) == ("vector", "http://www.opengis.net/def/crs/EPSG/0/3857")
    template = next(link for link in found["links"] if link["rel"] == "item")
    assert (
        template["href"]
        == f"{root_address}/collections/{STALL}/tiles/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    )
    limits = body(client.get(TILES))["tileMatrixSetLimits"][10]
    assert limits == {"tileMatrix": "10", "minTileRow": 419, "maxTileRow": 422, "minTileCol": 796, "maxTileCol": 799}
    told = body(client.get(f"{TILES}/tilejson"))
    assert told["tiles"] == [f"{root_address}/collections/{STALL}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"]
    assert told["vector_layers"][0]["fields"]["seats"] == "integer"
    assert "owner" not in told["vector_layers"][0]["fields"]
    assert told["bounds"] == [100.0, 30.0, 101.0, 31.0]
    matrices = body(client.get("/ogc/tileMatrixSets/WebMercatorQuad"))["tileMatrices"]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559082264.028717)
    assert matrices[1]["matrixWidth"] == 2
    collection = body(client.get(f"/ogc/collections/{STALL}"))
    assert f"{root_address}/collections/{STALL}/tiles" in [link["href"] for link in collection["links"]]
    for address in (
        "/ogc/tileMatrixSets",
        f"/ogc/collections/{STALL}/tiles",
        TILES,
        "/ogc/tileMatrixSets/WebMercatorQuad",
    ):
        page = client.get(address, headers={"accept": "text/html"})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")


@settings(max_examples=100, deadline=None)
@given(st.floats(-179, 179), st.floats(-84, 84), st.integers(0, 22))
def test_every_point_is_drawn_in_its_tile(longitude: float, latitude: float, z: int) -> None:
    row, column = tiling.covering((longitude, latitude, longitude, latitude), z)[:2]
    west, south, east, north = tiling.box(z, row, column, 0)
    assert west - 1e-6 <= longitude <= east + 1e-6
    assert south - 1e-6 <= latitude <= north + 1e-6
    content = tiling.encode("x", z, row, column, [(7, shapely.Point(longitude, latitude).wkb, {"a": 1})])
    (feature,) = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})["x"]["features"]
    x, y = feature["geometry"]["coordinates"]
    assert 0 <= x <= tiling.EXTENT
    assert 0 <= y <= tiling.EXTENT
    assert abs(west + (east - west) * x / tiling.EXTENT - longitude) <= (east - west) / tiling.EXTENT


def test_the_shelf_holds_no_more_than_it_may() -> None:
    shelf = tiles.Shelf(most=3 * (30 + tiles.AROUND))
    for number in range(20):
        shelf.put(number, 1, tiles.Tile(b"x" * 30), 60)
        shelf.get(0, 1)
    assert [number for number in range(20) if shelf.get(number, 1)] == [0, 18, 19]
    assert shelf.get(19, 2) is None
    shelf.put(19, 1, tiles.Tile(b"x"), -1)
    assert shelf.get(19, 1) is None


def test_empty_tiles_take_room_too() -> None:
    shelf = tiles.Shelf(most=10 * tiles.AROUND)
    for number in range(100):
        shelf.put(number, 1, tiles.Tile(b""), 60)
    assert [number for number in range(100) if shelf.get(number, 1)] == list(range(90, 100))
