"""Features to read: `items` in pages, and one `item` (17-069r4, clauses 7.15 and 7.16; 18-058r1 for coordinates)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.http import HttpResponse
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.collections import Collection, Feature, Found, Wanted
from shizhu.engines.records.http.ogc import asked, common, pages
from shizhu.lib import crs
from shizhu.web.middleware import Request
from shizhu.web.ogc import GEOJSON, Body, address, link, respond, ways


def items(request: Request, key: str) -> HttpResponse:
    """Requirements 20 to 32: features by place, time and condition, in pages."""
    collection = common.of(request, key)
    ask = asked.items(request, collection)
    found = collection.find(request.actor, request.county.pk, ask.wanted)
    body = {
        "type": "FeatureCollection",
        "numberMatched": found.total,
        "numberReturned": len(found.features),
        "features": [_feature(request, one, ask.crs, ask.properties) for one in found.features],
        "links": [*ways(request, GEOJSON), *_paging(request, collection, found, ask.wanted)],
    }
    return respond(
        request, body, GEOJSON, page="records/ogc/items.html", headers=crs_header(ask.crs),
        more=lambda: pages.items(request, collection, ask, found),
    )  # fmt: skip


def item(request: Request, key: str, feature: str) -> HttpResponse:
    """Requirements 33 to 35: one feature; its ETag begins with its version, for If-Match."""
    collection = common.of(request, key)
    _given, reference = asked.item(request)
    found = collection.get(request.actor, request.county.pk, feature)
    return shown(request, collection, found, reference)


def shown(
    request: Request, collection: Collection, found: Feature, reference: str = crs.CRS84, *, status: int = 200,
    headers: dict[str, str] | None = None,
) -> HttpResponse:  # fmt: skip
    """One feature as an answer."""
    path = common.path(collection)
    here = link(request, f"{path}/items/{quote(found.id, safe='')}", "self", media_type=GEOJSON)
    own = ways(request, GEOJSON) if status == 200 else [here]
    body = _feature(request, found, reference, None)
    body["links"] = [*own, link(request, path, "collection"), *body.get("links", [])]
    return respond(
        request, body, GEOJSON, page="records/ogc/item.html", status=status, etag=f"{found.version}-",
        updated=found.updated, headers={**crs_header(reference), **(headers or {})},
        more=lambda: pages.item(request, collection, found),
    )  # fmt: skip


def crs_header(reference: str) -> dict[str, str]:
    """18-058r1, requirement 16: which system the coordinates of an answer are in."""
    return {"Content-Crs": f"<{reference}>"}


def _feature(request: Request, one: Feature, reference: str, properties: frozenset[str] | None) -> Body:
    held = one.properties
    made: Body = {
        "type": "Feature",
        "id": one.id,
        "geometry": _geometry(one.geometry, reference),
        "properties": held if properties is None else {n: v for n, v in held.items() if n in properties},
        **one.members,
    }
    return {**made, "links": [link(request, *given) for given in one.links]} if one.links else made


def _geometry(geometry: BaseGeometry | None, reference: str) -> Any:
    return mapping(crs.to(geometry, reference)) if geometry is not None else None


def _paging(request: Request, collection: Collection, found: Found, wanted: Wanted) -> list[Body]:
    """Requirement 29 and recommendation 19: the pages after and before."""
    links: list[Body] = [
        {"href": address(request, f="", limit=str(wanted.limit), **step), "rel": rel, "type": GEOJSON}
        for rel, step in asked.beside(found, wanted).items()
    ]
    return [*links, link(request, common.path(collection), "collection")]
