"""Read a county's folder (data only) and bring areas, organisations and enabled packs to what it says."""

from __future__ import annotations

import csv
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from shapely.geometry import Point, mapping, shape
from shapely.geometry.base import BaseGeometry

from shizhu.kernel import packs
from shizhu.kernel.fields import box_of
from shizhu.kernel.models import Area, County, EnabledPack, Organisation
from shizhu.kernel.text import sort_key
from shizhu.lib import gcj02, worktime
from shizhu.lib.geometry import cells

DATUMS = ("wgs84", "cgcs2000", "gcj02", "unknown")


@dataclass(frozen=True)
class Folder:
    """A county's folder as read."""

    path: Path
    body: dict[str, Any]

    def rows(self, name: str) -> list[dict[str, str]]:
        """A CSV file named in county.yaml."""
        with (self.path / self.body[name]).open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def yaml(self, name: str) -> Any:
        """A YAML file of the folder; an empty list if it is not there."""
        file = self.path / f"{name}.yaml"
        return packs.read_yaml(file) if file.exists() else []

    @property
    def digest(self) -> str:
        """Hash of every file of the folder but base maps, which are large and read where they lie."""
        total = hashlib.sha256()
        for file in sorted(self.path.rglob("*")):
            if file.is_file() and file.suffix != ".pmtiles":
                total.update(file.name.encode() + file.read_bytes())
        return total.hexdigest()

    @property
    def base(self) -> dict[str, Any]:
        """What the map draws under everything, with where it comes from: neighbours, elevations in metres."""
        sources = self.body["provenance"].get("base", {})
        told: dict[str, Any] = {"sources": sources}
        names = self.body.get("base", {})
        if "neighbours" in names:
            around = json.loads((self.path / names["neighbours"]).read_text(encoding="utf-8"))
            told["neighbours"] = _neighbours(around, _datum("base.neighbours", sources.get("neighbours", {})))
        if "relief" in names:
            told["relief"] = _elevations(self.path / names["relief"])
        return told

    @property
    def outline(self) -> BaseGeometry:
        """The county's outline in WGS 84."""
        text = (self.path / self.body["outline"]).read_text(encoding="utf-8")
        found = shape(json.loads(text)["features"][0]["geometry"])
        return _true(found, _datum("outline", self.body["provenance"]["outline"]))


def _datum(what: str, provenance: dict[str, Any]) -> str:
    """The datum that a source is in. Raises ValueError for one that nobody knows."""
    datum = provenance.get("datum", "unknown")
    if datum not in DATUMS:
        raise ValueError(f"county.yaml: provenance.{what}.datum: {datum!r}: must be one of {', '.join(DATUMS)}")
    return str(datum)


def _true(geometry: BaseGeometry, datum: str) -> BaseGeometry:
    """A geometry in WGS 84. CGCS2000 is the same to a centimetre; what does not say is taken as it is."""
    return gcj02.unshifted(geometry) if datum == "gcj02" else geometry


def _neighbours(around: dict[str, Any], datum: str) -> dict[str, Any]:
    """Borders and names outside the county in WGS 84."""
    for one in around["features"]:
        one["geometry"] = mapping(_true(shape(one["geometry"]), datum))
        one["properties"]["point"] = list(_true(Point(one["properties"]["point"]), datum).coords[0])
    return around


def _elevations(file: Path) -> dict[str, Any]:
    """longitudes and latitudes (ascending) and elevations, a row for each latitude. Raises ValueError with a gap."""
    with file.open(encoding="utf-8", newline="") as opened:
        rows = csv.DictReader(opened)
        points = {(float(r["longitude"]), float(r["latitude"])): float(r["elevation"]) for r in rows}
    longitudes, latitudes = (sorted({place[n] for place in points}) for n in (0, 1))
    if not points or len(points) != len(longitudes) * len(latitudes):
        raise ValueError(f"{file.name}: {len(points)} points: must fill a grid of longitudes and latitudes")
    elevations = [[points[x, y] for x in longitudes] for y in latitudes]
    return {"longitudes": longitudes, "latitudes": latitudes, "elevations": elevations}


def folders(root: Path) -> list[Folder]:
    """Every county folder under `root`."""
    return [Folder(file.parent, packs.read_yaml(file)) for file in sorted(root.glob("*/county.yaml"))]


@transaction.atomic
def sync(folder: Folder) -> County:
    """Make or update the county, its areas, organisations and enabled packs. Idempotent."""
    body, digest = folder.body, folder.digest
    known = County.objects.filter(pk=body["code"]).first()
    if known and known.settings.get("digest") == digest:
        return known
    county, _ = County.objects.update_or_create(
        pk=body["code"],
        defaults={
            "name": body["name"],
            "name_en": body["name_en"],
            "settings": {
                "short_name": body["short_name"], "digest": digest, "starts": body.get("starts", {}),
                "warnings": body.get("warnings", {}),
                "base": folder.base, "licence": _licence(body), "working_hours": body.get("working_hours", []),
                "above": body.get("above", []), **_days(body),
            },
        },
    )  # fmt: skip
    root = _area(county, body["code"], body, Area.Level.COUNTY, None, folder.outline, body["provenance"]["outline"])
    towns = _towns(county, root, folder)
    for row in folder.rows("villages"):
        _area(county, row["code"], row, Area.Level.VILLAGE, towns[row["town"]], None, {})
    _organisations(county, root, towns, folder)
    for pack in body["packs"]:
        EnabledPack.objects.get_or_create(county=county, pack_id=pack)
    EnabledPack.objects.filter(county=county).exclude(pack__in=body["packs"]).delete()
    packs.sync_county(county.pk, folder.path)
    return county


def _days(body: dict[str, Any]) -> dict[str, list[str]]:
    """Days of its own on which the county's offices rest or work. Raises ValueError."""
    found = {}
    for name in ("days_off", "days_worked"):
        try:
            found[name] = sorted(worktime.days(body.get(name, [])))
        except ValueError as error:
            raise ValueError(f"county.yaml: {name}: {error}") from None
    return found


def _licence(body: dict[str, Any]) -> dict[str, Any] | None:
    """Under which the county gives out its data, as packs declare it. Raises ValueError."""
    found: dict[str, Any] | None = body.get("licence")
    if found is not None:
        rule = packs.schema_of_pack()
        for line in packs.schema_errors({**rule["properties"]["licence"], "$defs": rule["$defs"]}, found):
            raise ValueError(f"county.yaml: licence: {line}")
    return found


def _area(
    county: County, code: str, row: dict[str, Any], level: str, parent: Area | None, geometry: BaseGeometry | None,
    provenance: dict[str, str],
) -> Area:  # fmt: skip
    area, _ = Area.objects.update_or_create(
        county=county,
        code=code,
        defaults={
            "name": row["name"], "name_en": row.get("name_en", ""), "sort_key": sort_key(row["name"]), "level": level,
            "parent": parent, "path": f"{parent.path if parent else ''}{code}/", "geometry": geometry,
            "box": box_of(geometry), "provenance": provenance,
        },
    )  # fmt: skip
    return area


def _towns(county: County, root: Area, folder: Folder) -> dict[str, Area]:
    rows = folder.rows("towns")
    shapes = cells([(float(r["longitude"]), float(r["latitude"])) for r in rows], folder.outline)
    made = {}
    for row, geometry in zip(rows, shapes, strict=True):
        provenance = {**folder.body["provenance"]["towns"], "point": [float(row["longitude"]), float(row["latitude"])]}
        made[row["code"]] = _area(county, row["code"], row, Area.Level.TOWN, root, geometry, provenance)
    return made


def _organisations(county: County, root: Area, towns: dict[str, Area], folder: Folder) -> None:
    top = _organisation(
        county, county.pk, f"{county.name}人民政府", f"Government of {county.name_en}", "county", None, root
    )
    made = {county.pk: top}
    for row in folder.yaml("organisations"):
        parent = made[row.get("parent", county.pk)]
        made[row["code"]] = _organisation(county, row["code"], row["name"], row["name_en"], "department", parent, root)
    for code, town in towns.items():
        name = f"{town.name}{'办事处' if town.name.endswith('街道') else '人民政府'}"
        _organisation(county, code, name, f"Government of {town.name_en}", "town", top, town)


def _organisation(
    county: County, code: str, name: str, name_en: str, kind: str, parent: Organisation | None, area: Area
) -> Organisation:
    organisation, _ = Organisation.objects.update_or_create(
        county=county,
        code=code,
        defaults={
            "name": name, "name_en": name_en, "sort_key": sort_key(name), "kind": kind, "parent": parent,
            "path": f"{parent.path if parent else ''}{code}/", "area": area,
        },
    )  # fmt: skip
    return organisation
