"""Landing page, conformance, collections, and the definition (17-069r4, clauses 7.2 to 7.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse

from shizhu.engines.records.collections import Collection
from shizhu.engines.records.describing import KEY
from shizhu.engines.records.http.ogc import common, openapi
from shizhu.engines.records.http.ogc.common import REL
from shizhu.engines.records.licences import Licence, Licences, licences
from shizhu.engines.records.logic.register import Names
from shizhu.kernel.text import label
from shizhu.lib import crs
from shizhu.web.middleware import Request
from shizhu.web.ogc import GEOJSON, HTML, SCHEMA, Body, View, known, link, respond, root, ways

F1, F2, F3, F4, F5 = (f"http://www.opengis.net/spec/ogcapi-features-{n}/1.0/conf/" for n in (1, 2, 3, 4, 5))
CQL2 = "http://www.opengis.net/spec/cql2/1.0/conf/"
RECORDS = "http://www.opengis.net/spec/ogcapi-records-1/1.0/conf/"
COMMON = "http://www.opengis.net/spec/ogcapi-common-2/1.0/conf/"
CONFORMS = [
    *(f"{F1}{name}" for name in ("core", "oas30", "geojson", "html")),
    f"{F2}crs",
    *(f"{F3}{name}" for name in ("filter", "features-filter", "queryables", "queryables-query-parameters")),
    *(f"{F4}{name}" for name in ("create-replace-delete", "update", "optimistic-locking-etags", "features")),
    *(f"{F5}{name}" for name in (
        "schemas", "core-roles-features", "returnables-and-receivables", "queryables", "sortables",
    )),
    *(f"{CQL2}{name}" for name in (
        "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
        "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus", "spatial-functions",
        "temporal-functions", "array-functions", "property-property", "arithmetic",
    )),
    f"{COMMON}collections",
    *(f"{RECORDS}{name}" for name in (
        "record-core", "record-collection", "record-api", "record-core-query-parameters", "json", "html",
    )),
]  # fmt: skip


Link = tuple[str, str, Names, str]


@dataclass(frozen=True)
class Part:
    """What another engine adds to the API: conformance classes, links of the landing page and of a collection, paths of
    the definition, and the views behind them. A link is (path below the landing page, relation, title, media type), a
    route (Django's pattern of the path, view).
    """

    conforms: tuple[str, ...]
    links: Callable[[Collection], Iterable[Link]]
    landing: tuple[Link, ...]
    paths: Callable[[Iterable[Collection]], Body]
    routes: tuple[tuple[str, View], ...] = ()


_parts: list[Part] = []


def add_part(part: Part) -> None:
    """Add to the API; call it from `AppConfig.ready`."""
    _parts.append(part)


def routes() -> list[tuple[str, View]]:
    """What parts add; asked when the addresses are read, after every application is ready."""
    return [route for part in _parts for route in part.routes]


def landing(request: Request) -> HttpResponse:
    """Requirement 2: where everything is."""
    known(request)
    found = licences(request.county.pk)
    body = {
        "title": label(request.county.name),
        "description": "Registers of the county / 登记簿",
        "links": [
            *ways(request),
            link(request, "/api", "service-desc", {"zh": "接口定义", "en": "the API definition"}, openapi.MEDIA_TYPE),
            link(
                request,
                "/api?f=html",
                "service-doc",
                {"zh": "接口定义的网页", "en": "the API definition as a page"},
                HTML,
            ),
            link(request, "/conformance", "conformance", {"zh": "符合的标准", "en": "conformance classes"}),
            link(request, "/collections", "data", {"zh": "数据集合", "en": "collections"}),
            link(request, f"/collections/{KEY}", f"{REL}ogc-catalog", {"zh": "有哪些数据", "en": "what data there is"}),
            *_licence(request, found.county),
            *(link(request, *one) for part in _parts for one in part.landing),
        ],
    }
    shown = [_collection(request, one, None, found) for one in common.seen(request).values()]
    return respond(request, body, page="records/ogc/landing.html", more=lambda: {"collections": shown})


def conformance(request: Request) -> HttpResponse:
    """Requirement 6: what is implemented."""
    known(request)
    body = {"conformsTo": [*CONFORMS, *(name for part in _parts for name in part.conforms)], "links": ways(request)}
    return respond(request, body, page="records/ogc/conformance.html")


def definition(request: Request) -> HttpResponse:
    """Requirement 4: the API as OpenAPI 3.0, of what who asks may see and do."""
    known(request)
    found = common.seen(request).values()
    body = openapi.document(root(request), found, request.actor)
    for part in _parts:
        body["paths"] |= part.paths(found)
    return respond(request, body, openapi.MEDIA_TYPE, page="records/ogc/definition.html")


def collections(request: Request) -> HttpResponse:
    """Requirement 14: the collections that this person may see."""
    known(request)
    box, known_licences = common.extent(request), licences(request.county.pk)
    found = [_collection(request, one, box, known_licences) for one in common.seen(request).values()]
    body: Body = {
        "links": [*ways(request), *_licence(request, known_licences.county)],
        "crs": crs.offered(box),
        "collections": found,
    }
    return respond(request, body, page="records/ogc/collections.html")


def collection(request: Request, key: str) -> HttpResponse:
    """Requirement 18: one collection."""
    known(request)
    made = _collection(request, common.of(request, key), common.extent(request), licences(request.county.pk))
    made["links"] = [*ways(request), *made["links"][1:]]
    return respond(request, made, page="records/ogc/collection.html")


def _licence(request: Request, found: Licence | None) -> list[Body]:
    """Recommendation 9: under which licence the data are."""
    return [link(request, found.url, "license", found.name, HTML)] if found else []


def _collection(request: Request, one: Collection, box: Any, known: Licences) -> Body:
    path, title = common.path(one), label(one.title)
    links = [
        link(request, path, "self"),
        link(request, f"{path}/items", "items", title, GEOJSON),
        link(request, f"{path}/items?f=html", "items", title, HTML),
        link(request, f"{path}/schema", f"{REL}schema", {"zh": "字段", "en": "schema"}, SCHEMA),
    ]
    if one.columns:
        links.append(
            link(
                request,
                f"{path}/queryables",
                f"{REL}queryables",
                {"zh": "可筛选的属性", "en": "what can be filtered by"},
                SCHEMA,
            )
        )
        links.append(
            link(
                request,
                f"{path}/sortables",
                f"{REL}sortables",
                {"zh": "可排序的属性", "en": "what can be sorted by"},
                SCHEMA,
            )
        )
    links += _licence(request, known.of(one.pack))
    links += [link(request, *found) for part in _parts for found in part.links(one)]
    made: Body = {
        "id": one.key,
        "title": title,
        "description": "；".join(filter(None, (label(one.help), label(one.closed)))),
        "itemType": one.item_type,
        "crs": crs.offered(box) if one.geometry else [crs.CRS84],
        "storageCrs": crs.CRS84,
        "links": links,
    }
    if one.geometry and box:
        made["extent"] = {"spatial": {"bbox": [list(box)], "crs": crs.CRS84}}
    return made
