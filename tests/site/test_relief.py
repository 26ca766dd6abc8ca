"""The relief: a picture made of a grid of elevations, and where the map finds it."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.maps.logic import relief
from shizhu.kernel import counties
from shizhu.kernel.models import County

HEAD = "longitude,latitude,elevation\n"
GRID: dict[str, Any] = {"longitudes": [108.0, 108.2, 108.4], "latitudes": [29.6, 29.8, 30.0]}
EAST_IS_HIGH = [[0.0, 500.0, 1000.0]] * 3


def made(elevations: list[list[float]], theme: str = "light") -> Image.Image:
    return Image.open(BytesIO(relief.picture(**GRID, elevations=elevations, theme=theme)))


def colour(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    found = image.getpixel((int(x * relief.SIDE), int(y * relief.SIDE)))
    assert isinstance(found, tuple)
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_flat_ground_has_the_lowest_tint_and_fades_at_the_edges(theme: str) -> None:
    flat = made([[300.0] * 3] * 3, theme)
    assert (flat.size, flat.mode) == ((relief.SIDE, relief.SIDE), "RGBA")
    assert colour(flat, 0.5, 0.5) == colour(flat, 0.2, 0.8) == (*relief.TINTS[theme][0], 255)
    assert [colour(flat, x, 0.5)[3] for x in (0.0, 0.999)] == [0, 0]


def test_high_ground_is_browner_and_a_slope_to_the_light_is_lighter() -> None:
    east, west = made(EAST_IS_HIGH), made([row[::-1] for row in EAST_IS_HIGH])
    low, high = colour(east, 0.15, 0.5), colour(east, 0.85, 0.5)
    assert low[1] - low[0] > 0 > high[1] - high[0]  # green, then brown
    assert sum(colour(east, 0.5, 0.5)[:3]) > sum(colour(west, 0.5, 0.5)[:3])  # the light comes from the north-west


def test_a_grid_with_a_gap_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "relief.csv"
    file.write_text(f"{HEAD}108,30,5\n108.2,30,6\n108,29.8,7\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"relief\.csv: 3 points: must fill a grid"):
        counties.Folder(tmp_path, {"base": {"relief": "relief.csv"}, "provenance": {}}).base  # noqa: B018  # it raises


def test_a_folder_has_its_base(tmp_path: Path) -> None:
    (tmp_path / "relief.csv").write_text(f"{HEAD}108.2,30,6\n108,30,5\n108,29.8,7\n108.2,29.8,8\n", encoding="utf-8")
    told = counties.Folder(
        tmp_path, {"base": {"relief": "relief.csv"}, "provenance": {"base": {"relief": {"grid": 0.2}}}}
    )
    assert told.base == {
        "sources": {"relief": {"grid": 0.2}},
        "relief": {"longitudes": [108.0, 108.2], "latitudes": [29.8, 30.0], "elevations": [[7.0, 8.0], [5.0, 6.0]]},
    }


def outlined(folder: Path, datum: str) -> counties.Folder:
    ring = [[108.0, 29.0], [108.5, 29.0], [108.5, 29.5], [108.0, 29.0]]
    outline = {"features": [{"geometry": {"type": "Polygon", "coordinates": [ring]}}]}
    point = {"code": "990002", "point": [108.2, 28.9]}
    around = {"features": [{"properties": point, "geometry": {"type": "LineString", "coordinates": ring[:2]}}]}
    for name, content in (("outline", outline), ("neighbours", around)):
        (folder / f"{name}.geojson").write_text(json.dumps(content), encoding="utf-8")
    told = {"outline": {"datum": datum}, "base": {"neighbours": {"datum": datum}}}
    body = {"outline": "outline.geojson", "base": {"neighbours": "neighbours.geojson"}, "provenance": told}
    return counties.Folder(folder, body)


def test_what_is_in_gcj02_is_brought_to_wgs84(tmp_path: Path) -> None:
    """The corner lies some 400 m east and 300 m south of its place, in the outline and in the border that meets it."""
    for datum, east, north in (("wgs84", 0.0, 0.0), ("unknown", 0.0, 0.0), ("gcj02", -0.0043, 0.0031)):
        folder = outlined(tmp_path, datum)
        (one,) = folder.base["neighbours"]["features"]
        corner = folder.outline.exterior.coords[0]
        assert corner == pytest.approx((108.0 + east, 29.0 + north), abs=3e-4)
        assert one["geometry"]["coordinates"][0] == pytest.approx(corner, abs=1e-12)
        assert one["properties"]["point"] == pytest.approx((108.2 + east, 28.9 + north), abs=8e-4)
        assert (corner[0] == 108.0) is (datum != "gcj02")


def test_a_datum_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    why = r"county\.yaml: provenance\.outline\.datum: 'bd09': must be one of wgs84, cgcs2000, gcj02, unknown"
    with pytest.raises(ValueError, match=why):
        outlined(tmp_path, "bd09").outline  # noqa: B018  # it raises


@pytest.mark.django_db
def test_the_map_tells_where_the_relief_is_and_what_lies_around(county: County) -> None:
    client, stranger = browser(person(county, "maps.*")), browser(person(county, "things.*", username="other"))
    assert client.get("/map/").context["map"]["relief"] is None
    assert client.get("/map/relief-light.png").status_code == 404
    border = {"type": "MultiLineString", "coordinates": [[[108.0, 29.0], [108.5, 29.0]]]}
    own = {"code": "990002", "name": "乙县", "name_en": "Second County", "point": [108.2, 28.9]}
    around = {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": own, "geometry": border}]}
    county.settings = {
        **county.settings, "digest": "0123456789abcdef",
        "base": {"sources": {"relief": {"source": "a survey", "grid": 0.2}}, "neighbours": around,
                 "relief": {**GRID, "elevations": EAST_IS_HIGH}},
    }  # fmt: skip
    county.save()
    page = client.get("/map/")
    told = page.context["map"]["relief"]
    assert told == {
        "corners": [[108.0, 30.0], [108.4, 30.0], [108.4, 29.6], [108.0, 29.6]],
        "urls": {theme: f"/map/relief-{theme}.png?0123456789ab" for theme in ("light", "dark")},
    }
    assert "地形起伏为粗网格示意 (0.2°): a survey" in page.content.decode()
    picture = client.get(told["urls"]["light"])
    assert (picture.status_code, picture["Content-Type"]) == (200, "image/png")
    assert Image.open(BytesIO(picture.content)).size == (relief.SIDE, relief.SIDE)
    assert client.get("/map/relief-purple.png").status_code == 404
    assert stranger.get(told["urls"]["light"]).status_code == 403
    last = json.loads(client.get("/map/areas.geojson").content)["features"][-1]
    assert (last["id"], last["geometry"]) == ("990002", border)
    assert last["properties"] == {"name": "乙县", "level": "neighbour", "point": [108.2, 28.9]}
