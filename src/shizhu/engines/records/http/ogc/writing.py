"""Features to write (OGC API – Features, part 4): the same functions, rights and rules as the pages of a register.

The properties `_organisation` and `_area` say where a new record belongs; without them it is the one organisation for
which the writer may create, and the smallest area that holds the geometry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from django.http import HttpResponse
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records import queries, store
from shizhu.engines.records.collections import Collection, of_entry
from shizhu.engines.records.contracts import Entry, NoRecord, Refused, StaleRecord
from shizhu.engines.records.http.ogc import common, items
from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import problem
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.text import label
from shizhu.lib import crs
from shizhu.web.middleware import Request
from shizhu.web.ogc import GEOJSON, JSON, Fault, known, root, sent, tagged

MERGE = "application/merge-patch+json"
OWN = ("_organisation", "_area", "_state")  # what is written beside the fields; other names with _ are read only


Fields = Mapping[str, Field]


@dataclass(frozen=True)
class Sent:
    """A feature as it was sent: its geometry in CRS84 (KEEP where a patch does not say), fields, and what is beside."""

    key: str
    geometry: BaseGeometry | store.Keep | None
    fields: dict[str, Any]
    own: Mapping[str, str]


def create(request: Request, key: str) -> HttpResponse:
    """POST to items: 201 with Location."""
    collection, register = _register(request, key)
    given = _sent(request, register, GEOJSON, JSON)
    data = dict(given.fields)
    if given.key:
        data.setdefault(register.key_field, given.key)
    geometry = None if isinstance(given.geometry, store.Keep) else given.geometry
    who, county = request.actor, request.county.pk
    access.require_verb(who, register.verb("create"))
    made = store.create(
        who, county, register.key, data, source="service", state=given.own.get("_state", ""), geometry=geometry,
        organisation=given.own.get("_organisation") or _organisation(request, register),
        area=given.own.get("_area") or _area(request, register, geometry),
    )  # fmt: skip
    where = f"{root(request)}{common.path(collection, 'items', made.key)}"
    return items.shown(request, collection, of_entry(made), status=201, headers={"Location": where})


def replace(request: Request, key: str, feature: str) -> HttpResponse:
    """PUT: what is not sent is taken away, but for what the writer cannot see."""
    collection, register = _register(request, key)
    entry = _entry(request, register, feature)
    given = _sent(request, register, GEOJSON, JSON)
    fields = {**_taken_away(register.fields, entry, entry.data, given.fields, ""), **given.fields}
    geometry = None if isinstance(given.geometry, store.Keep) else given.geometry
    return _update(request, collection, entry, Sent(given.key, geometry, fields, given.own))


def _taken_away(
    fields: Fields, entry: Entry, held: Mapping[str, Any], given: dict[str, Any], at: str
) -> dict[str, None]:
    """What a replacement leaves out and its writer can see: it goes. Parts of groups are looked at one by one."""
    for name, value in given.items():
        item, old = fields.get(name), held.get(name)
        if item and item.kind == Kind.GROUP and isinstance(value, dict) and isinstance(old, Mapping):
            value.update(_taken_away(item.parts, entry, old, value, f"{at}{name}."))
    return {name: None for name in held if name not in given and not _is_masked(entry, f"{at}{name}")}


def patch(request: Request, key: str, feature: str) -> HttpResponse:
    """PATCH: a merge patch (RFC 7396) of the feature; null takes a value away."""
    collection, register = _register(request, key)
    entry = _entry(request, register, feature)
    return _update(request, collection, entry, _sent(request, register, MERGE, GEOJSON, JSON, is_patch=True))


def remove(request: Request, key: str, feature: str) -> HttpResponse:
    """DELETE: the record is withdrawn, its history stays."""
    _collection, register = _register(request, key)
    known(request)
    entry = _entry(request, register, feature)
    store.withdraw(request.actor, entry.id, entry.version)
    return HttpResponse(status=204)


def _update(request: Request, collection: Collection, entry: Entry, given: Sent) -> HttpResponse:
    if given.key not in {"", entry.key}:
        raise Refused((problem("id", given.key, "constant"),))
    changes = _touched(collection.named, entry, entry.data, given.fields, "")
    changed = store.update(
        request.actor, entry.id, changes, entry.version, geometry=given.geometry,
        organisation=given.own.get("_organisation", ""), area=given.own.get("_area", ""),
        state=given.own.get("_state", ""),
    )  # fmt: skip
    return items.shown(request, collection, of_entry(changed))


def _is_masked(entry: Entry, name: str) -> bool:
    return any(path == name or path.startswith(f"{name}.") for path in entry.masked)


def _touched(
    fields: Fields, entry: Entry, held: Mapping[str, Any], given: Mapping[str, Any], at: str
) -> dict[str, Any]:
    """What was sent without masked values that come back as they were shown. Raises Fault for rows that hold some."""
    made: dict[str, Any] = {}
    for name, value in given.items():
        item, old, path = fields.get(name), held.get(name), f"{at}{name}"
        if not _is_masked(entry, path):
            made[name] = value
        elif item and item.kind == Kind.GROUP and isinstance(value, Mapping) and isinstance(old, Mapping):
            made[name] = _touched(item.parts, entry, old, value, f"{path}.")
        elif item and item.kind == Kind.ROWS and value != old:
            raise Fault(403, "Forbidden", f"{path}: has values that you may not see, so it cannot be sent as a whole")
        elif value != old:
            made[name] = value
    return made


def _register(request: Request, key: str) -> tuple[Collection, Register]:
    collection = common.of(request, key)
    if collection.register is None:
        why = label(collection.closed) or "this collection is read only"
        raise Fault(405, "MethodNotAllowed", f"{key}: {why}")
    return collection, collection.register


def _entry(request: Request, register: Register, feature: str) -> Entry:
    """The record, in the version that If-Match names. Raises NoRecord, StaleRecord."""
    entry = queries.get(request.actor, request.county.pk, register.key, feature)
    if entry.is_withdrawn:
        raise NoRecord(feature)
    tags = tagged(request.headers.get("If-Match", "*")) or ["*"]
    if "*" not in tags and not any(tag.startswith(f'"{entry.version}-') for tag in tags):
        raise StaleRecord(entry.id, 0, entry.version)
    return entry


def _sent(request: Request, register: Register, *media_types: str, is_patch: bool = False) -> Sent:
    """Read a GeoJSON feature in the system that Content-Crs names. Raises Fault, Refused."""
    known(request)
    body = sent(request, *media_types)
    if not isinstance(body, dict) or body.get("type", "Feature" if is_patch else None) != "Feature":
        raise Fault(400, "InvalidBody", "the body is no GeoJSON Feature")
    properties = body.get("properties", {} if is_patch else None)
    if not isinstance(properties, dict | None):
        raise Fault(400, "InvalidBody", f"properties: {str(properties)[:60]!r}: must be an object")
    geometry: BaseGeometry | store.Keep | None = store.KEEP
    if "geometry" in body:
        geometry = _geometry(register, body["geometry"], _reference(request))
    elif not is_patch:
        raise Fault(400, "InvalidBody", "geometry: is missing; it may be null")
    held = properties or {}
    own = {name: held[name] for name in OWN if held.get(name) is not None}
    for name, value in own.items():
        if not isinstance(value, str):
            raise Refused((problem(name, value, "type", {"zh": "文字", "en": "text"}),))
    key = body.get("id", "")
    return Sent(str(key or ""), geometry, {n: v for n, v in held.items() if not n.startswith("_")}, own)


def _reference(request: Request) -> str:
    """The header Content-Crs: a name in angle brackets."""
    text = request.headers.get("Content-Crs", f"<{crs.CRS84}>").strip()
    name = text.removeprefix("<").removesuffix(">")
    if not crs.is_known(name):
        raise Fault(400, "InvalidHeaderValue", f"Content-Crs: {text[:120]!r}: is not one of the collection's systems")
    return name


def _geometry(register: Register, body: Any, reference: str) -> BaseGeometry | None:
    if body is None:
        return None
    try:
        return crs.of(cql2.finite(shape(body)), reference)
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError):
        raise Refused((problem("_geometry", str(body), "geometry", register.geometry or "—"),)) from None


def _organisation(request: Request, register: Register) -> str:
    """The one for which the writer's posts may create; nothing where there are several."""
    return _only(organisation for organisation, _area in store.places(request.actor, register))


def _only(codes: Iterable[str]) -> str:
    found = set(codes)
    return found.pop() if len(found) == 1 else ""


def _area(request: Request, register: Register, geometry: BaseGeometry | None) -> str:
    """The smallest area that holds a point of the geometry; without one, the area of the writer's one post."""
    if geometry is not None and not geometry.is_empty:
        inside = geometry.representative_point()
        for area in Area.objects.filter(county=request.county, geometry__isnull=False).order_by("-path"):
            if shapely.covers(area.geometry, inside):
                return area.code
    return _only(area for _organisation, area in store.places(request.actor, register))
