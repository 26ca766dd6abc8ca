"""The definition (OpenAPI 3.0) of what one person may see: exact as to parameters, answers and media types.

OpenAPI 3.0 knows less than JSON Schema 2020-12: what a record must obey stands in full under its `schema`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shizhu.engines.records.collections import Collection
from shizhu.engines.records.http.ogc import asked
from shizhu.engines.records.http.ogc.schemas import TYPES
from shizhu.engines.records.logic.register import COMPARABLE, Field, Kind
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.lib import crs
from shizhu.web.ogc import GEOJSON, HTML, JSON, PROBLEM, SCHEMA

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
Body = dict[str, Any]


def document(address: str, collections: Iterable[Collection], who: Actor) -> Body:
    """The whole definition; each collection has paths of its own, because its parameters are its own."""
    paths: Body = {
        "/": {"get": operation("landing", "Landing page", schema=_ref("landing"))},
        "/api": {"get": operation("api", "This document", media_type=MEDIA_TYPE)},
        "/conformance": {"get": operation("conformance", "Conformance classes", schema=_ref("conformance"))},
        "/collections": {"get": operation("collections", "What you may see", schema=_ref("collections"))},
    }
    for one in collections:
        paths |= _collection(one, who)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Shizhu: OGC API",
            "version": "1.0.0",
            "description": "Features (parts 1 to 4) and more of a county. What you may not see is not here.",
        },
        "servers": [{"url": address}],
        "security": [{"basic": []}, {"bearer": []}, {"session": []}],
        "paths": paths,
        "components": {
            "parameters": PARAMETERS,
            "responses": RESPONSES,
            "schemas": SCHEMAS,
            "securitySchemes": {
                "basic": {"type": "http", "scheme": "basic"},
                "bearer": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "sessionid"},
            },
        },
    }


def _collection(one: Collection, who: Actor) -> Body:
    path, name = f"/collections/{one.key}", label(one.title)
    items = [_parameter_ref(p) if p in PARAMETERS else _filter(one, p) for p in asked.names(one)]
    made: Body = {
        path: {"get": operation(f"{one.key}.describe", name, schema=_ref("collection"))},
        f"{path}/items": {
            "get": operation(f"{one.key}.items", name, items, GEOJSON, _features(one), has_crs=True),
        },
        f"{path}/items/{{featureId}}": {
            "parameters": [_parameter_ref("featureId")],
            "get": operation(
                f"{one.key}.item", name, [_parameter_ref("crs")], GEOJSON, feature(one), has_crs=True, has_tag=True
            ),
        },
        f"{path}/schema": {"get": operation(f"{one.key}.schema", f"{name}: JSON Schema", media_type=SCHEMA)},
    }
    if one.columns:
        for what in ("queryables", "sortables"):
            made[f"{path}/{what}"] = {"get": operation(f"{one.key}.{what}", f"{name}: {what}", media_type=SCHEMA)}
    if one.register:
        _writing(made, path, one, who)
    return made


def _writing(paths: Body, path: str, one: Collection, who: Actor) -> None:
    register = one.register
    assert register
    item = paths[f"{path}/items/{{featureId}}"]
    body, patched = (
        _body(one, [GEOJSON, JSON]),
        _body(one, ["application/merge-patch+json", GEOJSON, JSON], is_patch=True),
    )
    match = [_parameter_ref("ifMatch"), _parameter_ref("contentCrs")]
    if who.has(register.verb("create")):
        paths[f"{path}/items"]["post"] = change(
            f"{one.key}.create", "Register a new one", [_parameter_ref("contentCrs")], "201", feature(one), body
        )
    if who.has(register.verb("edit")):
        item["put"] = change(f"{one.key}.replace", "Replace it", match, "200", feature(one), body)
        item["patch"] = change(f"{one.key}.update", "Change a part of it", match, "200", feature(one), patched)
    if who.has(register.verb("delete")):
        item["delete"] = change(f"{one.key}.withdraw", "Withdraw it", match[:1], "204")


def operation(
    name: str, summary: str, parameters: list[Body] | None = None, media_type: str = JSON, schema: Body | None = None,
    *, has_crs: bool = False, has_tag: bool = False,
) -> Body:  # fmt: skip
    """An operation that reads."""
    headers: Body = {"ETag": _header("what the answer is known by")} if media_type != HTML else {}
    if has_crs:
        headers["Content-Crs"] = _header("the system of the coordinates, in angle brackets")
    if has_tag:
        headers["Last-Modified"] = _header("when it was changed")
    headers = {name: {**header, "required": False} for name, header in headers.items()}
    content = {media_type: {"schema": schema or {"type": "object"}}, HTML: {"schema": {"type": "string"}}}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [_parameter_ref("f"), *(parameters or [])],
        "responses": {
            "200": {"description": "OK", "headers": headers, "content": content},
            **{code: {"$ref": f"#/components/responses/{code}"} for code in ("400", "401", "404", "406")},
        },
    }


def change(
    name: str, summary: str, parameters: list[Body], status: str, schema: Body | None = None, body: Body | None = None
) -> Body:
    """An operation that writes."""
    done: Body = {"description": "Done"}
    if schema:
        done |= {"content": {GEOJSON: {"schema": schema}}, "headers": {"ETag": _header("what it is known by now")}}
    if status == "201":
        done["headers"]["Location"] = _header("the address of the new one")
    refusals = ["400", "401", "403", "404", "412", "413", "415", "422"] if body else ["400", "401", "403", "404", "412"]
    made: Body = {
        "operationId": name,
        "summary": summary,
        "parameters": [_parameter_ref("f"), *parameters],
        "responses": {status: done, **{code: {"$ref": f"#/components/responses/{code}"} for code in refusals}},
    }
    return {**made, "requestBody": body} if body else made


def _body(one: Collection, media_types: list[str], *, is_patch: bool = False) -> Body:
    register = one.register
    assert register
    properties = {item.name: _received(item) for item in one.fields}
    properties |= {
        "_organisation": {"type": "string"},
        "_area": {"type": "string"},
        "_state": {"type": "string", "enum": list(register.states)},
    }
    held: Body = {"type": "object", "properties": properties}
    required = list(register.schema.get("required", []))
    if required and not is_patch:
        held["required"] = required
    made: Body = {
        "type": "object",
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {
                **_ref("geometry"),
            }
            if one.geometry
            else {"nullable": True, "enum": [None]},
            "properties": held,
        },
    }
    if not is_patch:
        made["required"] = ["type", "geometry", "properties"]
    return {"required": True, "content": {media_type: {"schema": made} for media_type in media_types}}


_LIMITS = ("minimum", "maximum", "minLength", "maxLength", "pattern", "enum")


def _received(item: Field) -> Body:
    """A field as it is sent, as far as OpenAPI 3.0 can say."""
    made = {**TYPES.get(item.kind, {}), "description": label(item.title)}
    if item.kind not in COMPARABLE:
        return made
    return made | {name: item.rules[name] for name in _LIMITS if name in item.rules}


def _returned(item: Field) -> Body:
    """A field as it is given; a masked one may be of any type."""
    if _is_private(item):
        return {"description": label(item.title)}
    kept = {name: value for name, value in TYPES.get(item.kind, {}).items() if name != "format"}
    return {**kept, "description": label(item.title)}


def _is_private(item: Field) -> bool:
    return bool(item.privacy) or any(_is_private(part) for part in item.fields)


def feature(one: Collection) -> Body:
    """The schema of one feature as it is given."""
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": _ref("geometry"),
            "properties": {"type": "object", "properties": {n: _returned(item) for n, item in one.named.items()}},
            "links": {"type": "array", "items": _ref("link")},
        },
    }


def _features(one: Collection) -> Body:
    return {
        "type": "object",
        "required": ["type", "features", "links", "numberMatched", "numberReturned", "timeStamp"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": feature(one)},
            "links": {"type": "array", "items": _ref("link")},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "timeStamp": {"type": "string", "format": "date-time"},
        },
    }


def _filter(one: Collection, name: str) -> Body:
    item = one.queried.get(name)
    schema: Body = {"type": TYPES.get(one.columns[name].kind, {}).get("type", "string")}
    if item and item.kind == Kind.TEXT and item.choices:
        schema["enum"] = list(item.choices)
    return parameter(name, schema, label(item.title) if item else name)


def parameter(name: str, schema: Body, description: str, place: str = "query") -> Body:
    """A parameter."""
    made: Body = {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}
    return {**made, "style": "form", "explode": False} if place == "query" else made


def _parameter_ref(name: str) -> Body:
    return {"$ref": f"#/components/parameters/{name}"}


def _ref(name: str) -> Body:
    return {"$ref": f"#/components/schemas/{name}"}


def _header(description: str) -> Body:
    return {"description": description, "required": True, "schema": {"type": "string"}}


_NUMBERS: Body = {"type": "array", "items": {"type": "number"}}
_BOX: Body = {**_NUMBERS, "oneOf": [{"minItems": n, "maxItems": n} for n in (4, 6)]}
_CRS: Body = {"type": "string", "format": "uri", "default": crs.CRS84}
PARAMETERS: Mapping[str, Body] = {
    "f": parameter("f", {"type": "string", "enum": ["json", "html"]}, "the form of the answer, rather than by Accept"),
    "bbox": parameter("bbox", _BOX, "two corners, in the axes of bbox-crs; degrees of WGS 84 without it"),
    "bbox-crs": parameter("bbox-crs", _CRS, "the system of bbox, one of the collection's crs"),
    "datetime": parameter("datetime", {"type": "string"}, "a time, or begin/end with .. for an open end"),
    "limit": parameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": asked.MOST, "default": asked.LIMIT}, "features a page"
    ),
    "offset": parameter("offset", {"type": "integer", "minimum": 0, "default": 0}, "features left out at first"),
    "after": parameter("after", {"type": "string"}, "where a page before ended, from its `next` link"),
    "before": parameter("before", {"type": "string"}, "where a page after began, from its `prev` link"),
    "crs": parameter("crs", _CRS, "the system of the coordinates, one of the collection's crs"),
    "properties": parameter("properties", {"type": "array", "items": {"type": "string"}}, "only these properties"),
    "filter": parameter("filter", {"type": "string"}, "a condition in CQL2"),
    "filter-lang": parameter(
        "filter-lang", {"type": "string", "enum": list(asked.LANGUAGES), "default": "cql2-text"}, "how it is written"
    ),
    "filter-crs": parameter("filter-crs", _CRS, "the system of geometries in the filter"),
    "sortby": parameter(
        "sortby", {"type": "array", "items": {"type": "string"}}, "sortables, each with + or - before it"
    ),
    "q": parameter("q", {"type": "string"}, "words, or pinyin, of a title"),
    "type": parameter("type", {"type": "array", "items": {"type": "string"}}, "kinds: dataset, map"),
    "ids": parameter("ids", {"type": "array", "items": {"type": "string"}}, "ids of records"),
    "featureId": parameter("featureId", {"type": "string"}, "id of a feature", "path"),
    "ifMatch": parameter("If-Match", {"type": "string"}, "the ETag that was read; without it the newest", "header"),
    "contentCrs": parameter("Content-Crs", {"type": "string"}, "system of the coordinates, in < >", "header"),
}
_PROBLEM: Body = {"schema": {"$ref": "#/components/schemas/problem"}}
_REFUSED: Body = {PROBLEM: _PROBLEM, HTML: {"schema": {"type": "string"}}}
RESPONSES: Mapping[str, Body] = {
    "400": {"description": "Something cannot be understood", "content": {**_REFUSED, JSON: _PROBLEM}},
    "401": {"description": "Log in, or send a token", "content": {JSON: _PROBLEM}},
    "403": {"description": "You have no right to do this", "content": _REFUSED},
    "404": {"description": "There is none, or you may not see it", "content": _REFUSED},
    "406": {"description": "No form that you accept is offered", "content": _REFUSED},
    "412": {"description": "It was changed since you read it", "content": {PROBLEM: _PROBLEM}},
    "413": {"description": "Too much at once", "content": {PROBLEM: _PROBLEM}},
    "415": {"description": "This media type cannot be read here", "content": {PROBLEM: _PROBLEM}},
    "422": {"description": "The values break rules; `problems` names each", "content": {PROBLEM: _PROBLEM}},
}
_LINKS: Body = {"type": "array", "items": {"$ref": "#/components/schemas/link"}}
SCHEMAS: Mapping[str, Body] = {
    "link": {
        "type": "object",
        "required": ["href", "rel"],
        "properties": {name: {"type": "string"} for name in ("href", "rel", "type", "title")},
    },
    "geometry": {
        "type": "object",
        "nullable": True,
        "required": ["type"],
        "properties": {
            "type": {"type": "string", "enum": [
                "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection",
            ]},
            "coordinates": {"type": "array", "items": {}},
        },
    },
    "landing": {
        "type": "object",
        "required": ["links"],
        "properties": {"title": {"type": "string"}, "description": {"type": "string"}, "links": _LINKS},
    },
    "conformance": {
        "type": "object",
        "required": ["conformsTo"],
        "properties": {"conformsTo": {"type": "array", "items": {"type": "string"}}},
    },
    "collection": {
        "type": "object",
        "required": ["id", "links"],
        "properties": {
            "id": {"type": "string"}, "title": {"type": "string"}, "description": {"type": "string"},
            "itemType": {"type": "string"}, "crs": {"type": "array", "items": {"type": "string"}},
            "storageCrs": {"type": "string"}, "extent": {"type": "object"}, "links": _LINKS,
        },
    },
    "collections": {
        "type": "object",
        "required": ["links", "collections"],
        "properties": {
            "links": _LINKS,
            "crs": {"type": "array", "items": {"type": "string"}},
            "collections": {"type": "array", "items": {"$ref": "#/components/schemas/collection"}},
        },
    },
    "problem": {
        "type": "object",
        "required": ["code", "description"],
        "properties": {
            "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
            "detail": {"type": "string"}, "code": {"type": "string"}, "description": {"type": "string"},
            "problems": {"type": "array", "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("name", "value", "rule", "message")},
            }},
        },
    },
}  # fmt: skip
