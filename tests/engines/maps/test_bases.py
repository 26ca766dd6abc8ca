"""Base maps of a county's own: ranges of a file, tiles of a server, the policy of the page, what a person chose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from tests.engines.maps.ground import declare
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.maps import bases
from shizhu.engines.maps.http import based
from shizhu.kernel import packs
from shizhu.kernel.models import County

pytestmark = pytest.mark.django_db
NAME = {"zh": "影像", "en": "Imagery"}
TILES = {
    "title": NAME, "kind": "wmts", "source": "a server", "key": "sky", "zooms": [1, 18],
    "url": "https://tiles.example.org/img?m={TileMatrix}&c={TileCol}&r={TileRow}&tk={key}",
}  # fmt: skip
FILE = {"title": {"zh": "县域", "en": "County"}, "kind": "pmtiles", "source": "a survey", "file": "own.pmtiles"}
SECRET = "0123456789"


@pytest.fixture
def own(county: County, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server's tiles with a key and a file of one's own, declared; where the file would lie."""
    config = replace(settings.CONFIG, home=tmp_path, map_keys={"sky": SECRET})
    monkeypatch.setattr(settings, "CONFIG", config)
    declare(county, bases.KIND, "county.sky", TILES)
    declare(county, bases.KIND, "county.own", FILE)
    packs.forget()
    place = tmp_path / "bases" / county.pk / "own.pmtiles"
    place.parent.mkdir(parents=True)
    return place


def test_the_page_offers_what_can_be_shown_and_opens_for_its_host_alone(county: County, own: Path) -> None:
    client = browser(person(county, "maps.*"))
    answer = client.get("/map/")
    told = {one["key"]: (one["url"], one["problem"]) for one in answer.context["map"]["bases"]}
    assert told == {
        "county.own": ("/map/bases/county.own.pmtiles", "no_file"),
        "county.sky": (f"https://tiles.example.org/img?m={{z}}&c={{x}}&r={{y}}&tk={SECRET}", ""),
    }
    assert answer["Content-Security-Policy"].endswith("; connect-src 'self' https://tiles.example.org")
    assert "example.org" not in client.get("/account/")["Content-Security-Policy"]
    own.write_bytes(b"x")
    assert [one["problem"] for one in client.get("/map/").context["map"]["bases"]] == ["", ""]


def test_without_the_key_its_host_stays_closed(county: County, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "CONFIG", replace(settings.CONFIG, map_keys={}))
    answer = browser(person(county, "maps.*")).get("/map/")
    told = {one["key"]: (one["url"], one["problem"]) for one in answer.context["map"]["bases"]}
    assert told["county.sky"] == ("", "no_key")
    assert "connect-src" not in answer["Content-Security-Policy"]


def test_a_file_is_given_by_ranges(county: County, own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own.write_bytes(bytes(range(256)) * 4)
    monkeypatch.setattr(based, "MOST", 2000)
    client = browser(person(county, "maps.*"))

    def part(asked: str) -> tuple[int, str, bytes]:
        answer = client.get("/map/bases/county.own.pmtiles", headers={"Range": asked} if asked else {})
        body = b"" if answer.status_code == 416 else answer.content
        return answer.status_code, answer.get("Content-Range", ""), body

    whole = bytes(range(256)) * 4
    assert part("bytes=0-126") == (206, "bytes 0-126/1024", whole[:127])
    assert part("bytes=250-520") == (206, "bytes 250-520/1024", whole[250:521])
    assert part("bytes=1000-") == (206, "bytes 1000-1023/1024", whole[1000:])
    assert part("bytes=1000-9999") == (206, "bytes 1000-1023/1024", whole[1000:])
    assert part("bytes=1024-1030") == (416, "bytes */1024", b"")
    assert part("") == (200, "", whole)
    monkeypatch.setattr(based, "MOST", 1000)
    assert part("")[0] == 416
    assert part("bytes=0-2000") == (206, "bytes 0-999/1024", whole[:1000])


def test_only_who_sees_the_map_gets_a_file_and_only_one_that_is_declared(county: County, own: Path) -> None:
    own.write_bytes(b"x")
    (own.parent / "other.pmtiles").write_bytes(b"x")
    reader, stranger = browser(person(county, "maps.*")), browser(person(county, "things.*", username="other"))
    address = "/map/bases/{}.pmtiles"
    assert stranger.get(address.format("county.own")).status_code == 403
    for key in ("county.other", "county.sky", "..%2Fcounty.own", "county.nothing"):
        assert reader.get(address.format(key)).status_code == 404


def test_a_choice_stays_with_its_person_and_county(county: County, own: Path) -> None:
    own.write_bytes(b"x")
    first, second = person(county, "maps.*"), person(county, "maps.*", username="second")

    def begins(who: Any) -> str:
        return str(browser(who).get("/map/").context["map"]["base_chosen"])

    assert browser(first).post("/map/bases", {"base": "county.sky"}).status_code == 204
    assert (begins(first), begins(second)) == ("county.sky", "")
    assert browser(first).post("/map/bases", {"base": "county.nothing"}).status_code == 404
    assert browser(person(county, "things.*", username="third")).post("/map/bases", {"base": ""}).status_code == 403
    declare(county, bases.KIND, "county.best", {**FILE, "first": True})
    packs.forget()
    assert (begins(first), begins(second)) == ("county.sky", "county.best")
    browser(first).post("/map/bases", {"base": ""})
    assert begins(first) == ""
    own.unlink()
    assert begins(second) == ""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({**TILES, "url": "https://a.org/{TileMatrix}/{TileRow}?{key}"},
         ["url: https://a.org/{TileMatrix}/{TileRow}?{key}: must have {TileCol}, as kind wmts has it"]),
        ({**TILES, "url": "https://a.org/{TileMatrix}/{TileRow}/{TileCol}"},
         ["key: goes with {key} in the url: give both or neither"]),
        ({**FILE, "datum": "gcj02", "draw": [{"layer": "water", "as": "fill", "colour": "#0000ff"}]},
         ["datum: gcj02: vector tiles are not moved; bring the file to WGS 84 first"]),
        ({**TILES, "zooms": [9, 3]}, ["zooms: [9, 3]: the first is above the last"]),
        ({**FILE, "datum": "gcj02"}, []),
    ],
)  # fmt: skip
def test_a_wrong_base_is_told_why(body: dict[str, Any], why: list[str]) -> None:
    schema = packs.read_schema("shizhu.engines.maps", "base")
    assert list(packs.schema_errors(schema, body)) == []
    assert list(bases.check("county.x", body, {})) == why


@pytest.mark.parametrize(
    "change",
    [{"kind": "pmtiles"}, {"url": "http://tiles.example.org/{z}/{x}/{y}"}, {"zooms": [0, 40]}, {"datum": "bd09"}],
)
def test_the_schema_refuses(change: dict[str, Any]) -> None:
    schema = packs.read_schema("shizhu.engines.maps", "base")
    assert list(packs.schema_errors(schema, TILES)) == []
    assert list(packs.schema_errors(schema, {**TILES, **change}))
    assert list(packs.schema_errors(schema, {**FILE, "file": "../own.pmtiles"}))
