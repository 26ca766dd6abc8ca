"""Base maps that a county or a pack declares (`bases/*.yaml`); the county's own ground is always there besides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings

from shizhu.kernel import packs
from shizhu.kernel.packs import Body, LoadedPacks

KIND = "bases"
OWN = ""  # the key of the county's own ground
PLACES = {"xyz": ("{z}", "{x}", "{y}"), "wmts": ("{TileMatrix}", "{TileCol}", "{TileRow}")}


@dataclass(frozen=True)
class Base:
    """A base map as declared; `problem` says why it cannot be chosen now: no_file or no_key."""

    key: str
    body: Body
    problem: str = ""

    @property
    def address(self) -> str:
        """Of a server's tiles: the template with {z} {x} {y}, and the key in it; it goes to the browser."""
        found = str(self.body["url"]).replace("{key}", settings.CONFIG.map_keys.get(self.body.get("key", ""), ""))
        for name, place in zip(("{z}", "{x}", "{y}"), PLACES[self.body["kind"]], strict=True):
            found = found.replace(place, name)
        return found

    @property
    def origin(self) -> str:
        """The host that a browser must be let to ask; "" for a file of one's own."""
        parts = urlsplit(self.body.get("url", ""))
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def bases(county: str) -> list[Base]:
    """Those declared for a county, in their order."""
    found = [Base(key, body, _problem(county, body)) for key, body in packs.declarations(KIND, county).items()]
    return sorted(found, key=lambda one: (one.body.get("order", 50), one.key))


def chosen(county: str, wanted: str | None) -> str:
    """The key of the base to begin with: what a person chose, if it is there, else the county's first."""
    usable = [one for one in bases(county) if not one.problem]
    if wanted == OWN or wanted in {one.key for one in usable}:
        return wanted or OWN
    return next((one.key for one in usable if one.body.get("first")), OWN)


def file_of(county: str, key: str) -> Path | None:
    """The PMTiles file of a base, in the county's folder or below the home; None if there is none."""
    body = packs.declarations(KIND, county).get(key, {})
    return _file(county, body["file"]) if "file" in body else None


def _file(county: str, name: str) -> Path | None:
    config = settings.CONFIG
    places = (Path(config.home) / "bases" / county / name, Path(config.counties) / county / KIND / name)
    return next((place for place in places if place.is_file()), None)


def _problem(county: str, body: Body) -> str:
    if "file" in body and _file(county, body["file"]) is None:
        return "no_file"
    return "no_key" if "key" in body and body["key"] not in settings.CONFIG.map_keys else ""


def check(_key: str, body: Body, _everything: LoadedPacks) -> Iterator[str]:
    """An address has the places of its kind, a key where one is named, and vectors are in no shifted datum."""
    if "url" in body:
        for place in PLACES[body["kind"]]:
            if place not in body["url"]:
                yield f"url: {body['url']}: must have {place}, as kind {body['kind']} has it"
        if ("{key}" in body["url"]) != ("key" in body):
            yield "key: goes with {key} in the url: give both or neither"
    if body.get("datum") == "gcj02" and "draw" in body:
        yield "datum: gcj02: vector tiles are not moved; bring the file to WGS 84 first"
    if "zooms" in body and body["zooms"][0] > body["zooms"][1]:
        yield f"zooms: {body['zooms']}: the first is above the last"
