"""Base maps in a browser: a file of pictures, one in GCJ-02 that is moved to its place, a file of vectors."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from io import BytesIO
from math import asinh, atan, degrees, pi, radians, sinh, tan
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import psycopg
import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

from shizhu.lib import gcj02

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
COUNTY, SIDE = "500240", 256
WEST, SOUTH, EAST, NORTH = 107.9, 29.6, 108.7, 30.6
EDGE, MIDDLE = 108.2, 30.05  # left of this meridian all is red, right of it green
INSERT = (
    "INSERT INTO kernel_declaration (kind, key, county_id, body, digest, source, is_withdrawn) "
    "VALUES ('bases', %s, %s, %s, '-', 'person', FALSE)"
)


def column(longitude: float, z: int) -> float:
    return (longitude + 180) / 360 * 2**z


def row(latitude: float, z: int) -> float:
    return (1 - asinh(tan(radians(latitude))) / pi) / 2 * 2**z


def tiles(z: int) -> Iterator[tuple[int, int]]:
    for x in range(int(column(WEST, z)), int(column(EAST, z)) + 1):
        for y in range(int(row(NORTH, z)), int(row(SOUTH, z)) + 1):
            yield x, y


def picture(z: int, x: int, y: int, *, is_shifted: bool) -> bytes:
    """A tile, red to the west of the edge and green to its east; shifted as maps in GCJ-02 are."""
    longitudes = (x + (np.arange(SIDE) + 0.5) / SIDE) / 2**z * 360 - 180
    middle = degrees(atan(sinh(pi * (1 - 2 * (y + 0.5) / 2**z))))
    edge = float(gcj02.to_gcj02(np.array([EDGE]), np.array([middle]))[0][0]) if is_shifted else EDGE
    pixels = np.zeros((SIDE, SIDE, 3), dtype=np.uint8)
    pixels[:, longitudes < edge, 0] = 220
    pixels[:, longitudes >= edge, 1] = 220
    made = BytesIO()
    Image.fromarray(pixels).save(made, "PNG")
    return made.getvalue()


def fields(z: int, x: int, y: int) -> bytes:
    """A tile that is all one field."""
    square = "POLYGON((0 0,4096 0,4096 4096,0 4096,0 0))"
    made: bytes = mapbox_vector_tile.encode([{"name": "land", "features": [{"geometry": square, "properties": {}}]}])
    return made


def write(place: Path, kind: TileType, draw: Callable[[int, int, int], bytes], zooms: range) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("wb") as opened:
        writer = Writer(opened)
        named = sorted((zxy_to_tileid(z, x, y), z, x, y) for z in zooms for x, y in tiles(z))
        for number, z, x, y in named:
            writer.write_tile(number, draw(z, x, y))
        header: dict[str, Any] = {
            "tile_type": kind, "tile_compression": Compression.NONE, "min_zoom": zooms[0], "max_zoom": zooms[-1],
            "min_lon_e7": int(WEST * 1e7), "min_lat_e7": int(SOUTH * 1e7), "max_lon_e7": int(EAST * 1e7),
            "max_lat_e7": int(NORTH * 1e7), "center_zoom": 9, "center_lon_e7": 1082000000, "center_lat_e7": 300500000,
        }  # fmt: skip
        writer.finalize(header, {"vector_layers": [{"id": "land", "fields": {}}]} if kind == TileType.MVT else {})


@pytest.fixture(scope="module")
def bases(living: Stack) -> None:
    """Three files in the home, and their declarations."""
    folder = living.home / "bases" / COUNTY
    write(folder / "true.pmtiles", TileType.PNG, lambda *at: picture(*at, is_shifted=False), range(9, 13))
    write(folder / "moved.pmtiles", TileType.PNG, lambda *at: picture(*at, is_shifted=True), range(9, 13))
    write(folder / "land.pmtiles", TileType.MVT, fields, range(8, 11))
    draw = [{"layer": "land", "as": "fill", "colour": "#3040c0", "dark": "#c0c030"}]
    with psycopg.connect(living.state["DATABASE_URL"]) as connection:
        for order, (name, title, more) in enumerate(
            (("true", "影像", {}), ("moved", "公众地图", {"datum": "gcj02"}), ("land", "矢量图", {"draw": draw}))
        ):
            body = {"title": {"zh": title, "en": name}, "kind": "pmtiles", "file": f"{name}.pmtiles", "order": order,
                    "source": f"测绘院 {name}", **more}  # fmt: skip
            connection.execute(INSERT, [f"county.{name}", COUNTY, json.dumps(body)])


def opened(page: Page) -> None:
    page.goto("/map/")
    expect(page.locator("#map[data-ready]")).to_be_attached(timeout=60_000)


def colours(page: Page) -> list[str]:
    """Which of red, green and blue is strongest 14 pixels left and right of the middle of the map."""
    page.wait_for_timeout(2500)  # it flies and draws
    box = page.locator("#map").bounding_box()
    assert box is not None
    seen = Image.open(BytesIO(page.screenshot())).convert("RGB")
    x, y = int(box["x"] + box["width"] / 2), int(box["y"] + box["height"] / 2)
    pixels = [seen.getpixel((x + off, y)) for off in (-14, 14)]
    return [["red", "green", "blue"][pixel.index(max(pixel))] for pixel in pixels if isinstance(pixel, tuple)]


@pytest.mark.usefixtures("bases")
def test_what_lies_under_the_map_is_chosen_and_stays_chosen(visit: Visit) -> None:
    visitor = visit("leader")
    page = visitor.page
    opened(page)
    for _ in range(20):  # declarations are read anew after some seconds
        if page.get_by_role("radio").count() == 4:
            break
        page.wait_for_timeout(1000)
        opened(page)
    expect(page.get_by_role("radio", name="县域自带底图（离线）")).to_be_checked()
    for option in page.locator("[data-layer]").all():
        option.set_checked(False)
    page.get_by_role("combobox", name="在地图上查找").fill(f"{EDGE}, {MIDDLE}")
    expect(page.get_by_role("option")).to_have_count(1)
    page.get_by_role("combobox", name="在地图上查找").press("Enter")
    expect(page.locator("#map-results")).to_contain_text("石柱土家族自治县")
    page.get_by_role("radio", name="影像").check()
    assert colours(page) == ["red", "green"]
    visitor.look("map-base")
    page.get_by_role("radio", name="公众地图").check()
    assert colours(page) == ["red", "green"]
    page.get_by_role("radio", name="矢量图").check()
    assert colours(page) == ["blue", "blue"]
    expect(page.locator("#map")).to_contain_text("测绘院 land")
    opened(page)
    expect(page.get_by_role("radio", name="矢量图")).to_be_checked()
    page.get_by_role("radio", name="县域自带底图（离线）").check()


@pytest.mark.usefixtures("bases")
def test_a_base_that_does_not_come_is_told_with_a_way_out(visit: Visit) -> None:
    visitor = visit("leader", PHONE)
    page = visitor.page
    opened(page)
    page.route("**/map/bases/*.pmtiles", lambda route: route.fulfill(status=503))
    page.locator("#map-choices summary").click()
    page.get_by_role("radio", name="影像").check()
    expect(page.locator("#map-hint")).to_contain_text("底图“影像”加载不出来")
    visitor.look("map-base-lost")
    page.get_by_role("button", name="改用县域自带底图").click()
    expect(page.get_by_role("radio", name="县域自带底图（离线）")).to_be_checked()
    expect(page.locator("#map-hint")).to_be_hidden()
    visitor.faults.clear()  # the browser's own line about the 503
