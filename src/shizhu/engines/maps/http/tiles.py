"""OGC API – Tiles (20-057): each collection with a geometry as vector tiles of WebMercatorQuad, with TileJSON 3.0."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from django.http import HttpResponse

from shizhu.engines.maps import tiles
from shizhu.engines.maps.logic import tiling
from shizhu.engines.records import api as records
from shizhu.kernel.models import Area
from shizhu.kernel.text import label
from shizhu.web.middleware import Request
from shizhu.web.ogc import Body, Fault, known, link, not_found, respond, root, tagged, ways
from shizhu.web.ogc import resource as _resource

SET = "WebMercatorQuad"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{SET}"
CLASSES = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/"


def told(error: Exception) -> Fault | None:
    """What an exception of the engines is to a client."""
    return Fault(404, "NotFound", str(error)) if isinstance(error, records.UnknownRegister) else None


resource = partial(_resource, told)


def sets(request: Request) -> HttpResponse:
    """The tile matrix sets: one."""
    known(request)
    one = {"id": SET, "title": SET, "uri": URI, "links": [link(request, f"/tileMatrixSets/{SET}", "self")]}
    return _answer(request, {"tileMatrixSets": [one], "links": ways(request)})


def matrix_set(request: Request) -> HttpResponse:
    """How WebMercatorQuad is cut."""
    known(request)
    return _answer(request, tiling.matrix_set(f"{root(request)}/tileMatrixSets/{SET}"))


def tilesets(request: Request, key: str) -> HttpResponse:
    """The tilesets of a collection: one."""
    known(request)
    collection = _collection(request, key)
    body = {"links": ways(request), "tilesets": [_tileset(request, collection)]}
    return _answer(request, body)


def tileset(request: Request, key: str) -> HttpResponse:
    """One tileset: its layer, its limits, where its tiles are."""
    known(request)
    collection = _collection(request, key)
    body = _tileset(request, collection)
    area = _box(request)
    body["layers"] = [{"id": collection.key, "dataType": "vector", "geometryDimension": _dimension(collection)}]
    if area:
        body["boundingBox"] = {
            "lowerLeft": area[:2], "upperRight": area[2:], "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        }  # fmt: skip
        body["tileMatrixSetLimits"] = [_limits(area, z) for z in range(tiling.DEEPEST + 1)]
    return _answer(request, body)


def tilejson(request: Request, key: str) -> HttpResponse:
    """The same for MapLibre and its like: TileJSON 3.0.0."""
    known(request)
    collection = _collection(request, key)
    area = _box(request)
    fields = {name: collection.columns[name].kind.value for name in tiles.properties(collection)}
    body = {
        "tilejson": "3.0.0",
        "name": label(collection.title),
        "tiles": [_template(request, collection, "{z}/{y}/{x}")],
        "minzoom": 0,
        "maxzoom": tiling.DEEPEST,
        "vector_layers": [{"id": collection.key, "fields": fields, "description": label(collection.help)}],
        **({"bounds": area} if area else {}),
    }
    return _answer(request, body)


def tile(request: Request, key: str, z: int, row: int, column: int) -> HttpResponse:
    """One tile; 204 where nothing is, 404 outside of the set."""
    known(request, forms=("mvt",))
    collection = _collection(request, key)
    if not tiling.is_tile(z, row, column):
        raise not_found(request)
    found = tiles.tile(request.actor, request.county.pk, collection, z, row, column).body
    if not found:
        return HttpResponse(status=204)
    is_compressed = "gzip" in request.headers.get("Accept-Encoding", "")
    tag = f'"{hashlib.sha256(found).hexdigest()[:20]}{"-gzip" if is_compressed else ""}"'
    if tag in tagged(request.headers.get("If-None-Match", "")):
        return HttpResponse(status=304, headers={"ETag": tag})
    body = found if is_compressed else gzip.decompress(found)
    made = HttpResponse(body, content_type=tiling.MEDIA_TYPE, headers={"ETag": tag})
    if is_compressed:
        made["Content-Encoding"] = "gzip"
    return made


def _answer(request: Request, body: Body) -> HttpResponse:
    """JSON, or a page of its links."""
    inner = [one for name in ("tilesets", "tileMatrixSets") for item in body.get(name, []) for one in item["links"]]
    return respond(request, body, page="maps/ogc.html", more=lambda: {"links": [*body.get("links", []), *inner]})


def _collection(request: Request, key: str) -> records.Table:
    found = records.collection_of(key, request.county.pk, request.actor)
    if not isinstance(found, records.Table) or not found.geometry:
        raise Fault(404, "NotFound", f"{key}: has no places, so there are no tiles of it")
    return found


def _box(request: Request) -> list[float] | None:
    box = Area.objects.get(county=request.county, code=request.county.pk).box
    return list(box) if box else None


def _dimension(collection: records.Collection) -> int:
    return {"Point": 0, "LineString": 1}.get(collection.geometry, 2)


def _path(collection: records.Collection) -> str:
    return f"/collections/{quote(collection.key)}/tiles"


def _template(request: Request, collection: records.Collection, order: str) -> str:
    return f"{root(request)}{_path(collection)}/{SET}/{order}"


def _tileset(request: Request, collection: records.Collection) -> Body:
    path = f"{_path(collection)}/{SET}"
    template = _template(request, collection, "{tileMatrix}/{tileRow}/{tileCol}")
    return {
        "title": label(collection.title),
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": URI,
        "links": [
            link(request, path, "self"),
            link(request, f"/tileMatrixSets/{SET}", f"{REL}tiling-scheme"),
            {"href": template, "rel": "item", "type": tiling.MEDIA_TYPE, "templated": True},
            link(request, f"{path}/tilejson", "describedby", "TileJSON 3.0"),
            link(request, f"/collections/{quote(collection.key)}", f"{REL}geodata"),
        ],
    }


def _limits(area: list[float], z: int) -> Body:
    west, south, east, north = area
    least_row, least_column, last_row, last_column = tiling.covering((west, south, east, north), z)
    return {
        "tileMatrix": str(z), "minTileRow": least_row, "maxTileRow": last_row, "minTileCol": least_column,
        "maxTileCol": last_column,
    }  # fmt: skip


def _links(collection: records.Collection) -> Iterable[tuple[str, str, Mapping[str, str], str]]:
    if isinstance(collection, records.Table) and collection.geometry:
        yield _path(collection), f"{REL}tilesets-vector", {"zh": "矢量瓦片", "en": "vector tiles"}, "application/json"


def _paths(collections: Iterable[records.Collection]) -> Body:
    read = records.read_operation
    matrix: Any = "tilematrix"
    made: Body = {
        "/tileMatrixSets": {"get": read(f"{matrix}sets", "Tile matrix sets")},
        f"/tileMatrixSets/{SET}": {"get": read(f"{matrix}set", SET)},
    }
    for one in collections:
        if not list(_links(one)):
            continue
        path, name = _path(one), label(one.title)
        made[path] = {"get": read(f"{one.key}.tilesets", f"{name}: tilesets")}
        made[f"{path}/{SET}"] = {"get": read(f"{one.key}.tileset", f"{name}: {SET}")}
        made[f"{path}/{SET}/tilejson"] = {"get": read(f"{one.key}.tilejson", f"{name}: TileJSON")}
        made[f"{path}/{SET}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"] = {"get": _operation(one, name)}
    return made


def _operation(one: records.Collection, name: str) -> Body:
    made: Body = records.read_operation(f"{one.key}.tile", f"{name}: a vector tile")
    made["parameters"] = [
        {"name": part, "in": "path", "required": True, "schema": {"type": "integer", "minimum": 0, "maximum": most}}
        for part, most in (("tileMatrix", tiling.DEEPEST), ("tileRow", 2**22 - 1), ("tileCol", 2**22 - 1))
    ]
    content = {tiling.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}
    made["responses"]["200"] = {"description": "A tile", "content": content}
    made["responses"]["204"] = {"description": "Nothing is there"}
    return made


_CORE = ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30")
_BASE = f"/collections/<str:key>/tiles/{SET}"
PART = records.Part(
    conforms=(*(f"{CLASSES}{name}" for name in _CORE), "http://www.opengis.net/spec/tms/2.0/conf/tilematrixset"),
    links=_links,
    landing=(
        ("/tileMatrixSets", f"{REL}tiling-schemes", {"zh": "瓦片矩阵集", "en": "tile matrix sets"}, "application/json"),
    ),
    paths=_paths,
    routes=(
        ("/tileMatrixSets", resource(get=sets)),
        (f"/tileMatrixSets/{SET}", resource(get=matrix_set)),
        ("/collections/<str:key>/tiles", resource(get=tilesets)),
        (_BASE, resource(get=tileset)),
        (f"{_BASE}/tilejson", resource(get=tilejson)),
        (f"{_BASE}/<int:z>/<int:row>/<int:column>", resource(get=tile)),
    ),
)
