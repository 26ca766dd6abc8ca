"""The API definition (OpenAPI 3.0) of the features that one person may see."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.kernel.text import label

MEDIA_TYPE = "application/vnd.oai.openapi+json;version=3.0"
Body = dict[str, Any]
_TYPES = {Kind.NUMBER: "number", Kind.INTEGER: "integer", Kind.BOOLEAN: "boolean"}


def document(address: str, registers: Iterable[Register]) -> Body:
    """The whole definition; each register has paths of its own, because its filters are its own."""
    paths: Body = {
        "/": _path("landing", "Landing page"),
        "/api": _path("api", "This document"),
        "/conformance": _path("conformance", "Conformance classes"),
        "/collections": _path("collections", "The registers that you may see"),
    }
    for register in registers:
        paths |= _collection(register)
    return {
        "openapi": "3.0.3",
        "info": {"title": "Shizhu registers: OGC API - Features", "version": "1.0.0"},
        "servers": [{"url": address}],
        "paths": paths,
        "components": {"parameters": PARAMETERS, "responses": RESPONSES},
    }


def _collection(register: Register) -> Body:
    path, name = f"/collections/{register.key}", label(register.title)
    items = [{"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS if name != "featureId"]
    items += [_filter(item) for item in register.filters]
    feature = [{"$ref": "#/components/parameters/featureId"}]
    return {
        path: _path(f"{register.key}.describe", name),
        f"{path}/items": _path(f"{register.key}.items", name, items, "application/geo+json"),
        f"{path}/items/{{featureId}}": _path(f"{register.key}.item", name, feature, "application/geo+json"),
    }


def _path(name: str, summary: str, parameters: list[Body] | None = None, media_type: str = "application/json") -> Body:
    """A path with its one operation."""
    content = {media_type: {"schema": {"type": "object"}}}
    faults = {code: {"$ref": f"#/components/responses/{code}"} for code in RESPONSES}
    operation: Body = {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": "OK", "content": content}, **faults},
    }
    return {"get": {**operation, "parameters": parameters} if parameters else operation}


def _filter(item: Field) -> Body:
    schema: Body = {"type": _TYPES.get(item.kind, "string")}
    if item.kind == Kind.TEXT and item.choices:
        schema["enum"] = list(item.choices)
    return _parameter(item.name, schema, label(item.title))


def _parameter(name: str, schema: Body, description: str, place: str = "query") -> Body:
    made: Body = {"name": name, "in": place, "required": place == "path", "schema": schema, "description": description}
    return {**made, "style": "form", "explode": False} if place == "query" else made


_BOX: Body = {
    "type": "array",
    "items": {"type": "number"},
    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
}
PARAMETERS: Body = {
    "bbox": _parameter("bbox", _BOX, "west,south,east,north in degrees of WGS 84"),
    "datetime": _parameter("datetime", {"type": "string"}, "a time, or begin/end with .. for an open end"),
    "limit": _parameter("limit", {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}, "features a page"),
    "offset": _parameter("offset", {"type": "integer", "minimum": 0, "default": 0}, "features left out at first"),
    "featureId": _parameter("featureId", {"type": "string"}, "key of a record", "path"),
}
RESPONSES: Body = {
    "400": {"description": "A parameter is unknown or cannot be understood"},
    "404": {"description": "There is none, or you may not see it"},
}
