"""What items are made of, as JSON Schema (OGC API – Features, part 5): `schema`, `queryables`, `sortables`."""

from __future__ import annotations

from django.http import HttpResponse

from shizhu.engines.records.collections import ANY, Collection
from shizhu.engines.records.http.ogc import asked, common
from shizhu.engines.records.logic.register import DIALECT, Field, Kind
from shizhu.engines.records.spatial import GEOMETRY
from shizhu.kernel.text import label
from shizhu.web.middleware import Request
from shizhu.web.ogc import SCHEMA, Body, address, known, respond

TYPES: dict[Kind, Body] = {
    Kind.TEXT: {"type": "string"}, Kind.NUMBER: {"type": "number"}, Kind.INTEGER: {"type": "integer"},
    Kind.BOOLEAN: {"type": "boolean"}, Kind.DATE: {"type": "string", "format": "date"},
    Kind.TIME: {"type": "string", "format": "date-time"}, Kind.LIST: {"type": "array", "items": {"type": "string"}},
    Kind.GROUP: {"type": "object"}, Kind.ROWS: {"type": "array", "items": {"type": "object"}},
    Kind.FILE: {"type": "string"}, Kind.FILES: {"type": "array", "items": {"type": "string"}},
}  # fmt: skip


def schema(request: Request, key: str) -> HttpResponse:
    """Returnables and receivables: what is given is `readOnly` where it cannot be written."""
    known(request)
    collection = common.of(request, key)
    register = collection.register
    declared: Body = dict(register.schema["properties"]) if register else {}
    properties: Body = {}
    for item in collection.fields:
        properties[item.name] = {
            **declared.get(item.name, _type(item)),
            "title": label(item.title),
            **_role(collection, item),
            **({"readOnly": True} if collection.closed else {}),
        }
    for item in collection.own:
        writable = {"_state", "_area", "_organisation"} if register else set()
        read_only = {} if item.name in writable else {"readOnly": True}
        properties[item.name] = {**_type(item), "title": label(item.title), **read_only}
    if register:
        properties["_state"]["enum"] = list(register.states)
    if collection.geometry:
        properties[GEOMETRY] = _place(collection, "primary-geometry")
    required = {"required": list(register.schema.get("required", []))} if register else {}
    return _answer(request, collection, properties, {**required, "additionalProperties": False})


def queryables(request: Request, key: str) -> HttpResponse:
    """What a filter may name; private fields are not there."""
    known(request)
    collection = common.of(request, key)
    found = {name: _queryable(collection, name) for name in collection.columns}
    if collection.geometry and collection.columns:
        found[GEOMETRY] = _place(collection, "primary-geometry")
    return _answer(request, collection, found, {"additionalProperties": False})


def sortables(request: Request, key: str) -> HttpResponse:
    """What `sortby` may name."""
    known(request)
    collection = common.of(request, key)
    found = {name: _queryable(collection, name) for name in asked.sortable(collection)}
    return _answer(request, collection, found, {"additionalProperties": False})


def _answer(request: Request, collection: Collection, properties: Body, more: Body) -> HttpResponse:
    body = {
        "$schema": DIALECT,
        "$id": address(request, f=""),
        "type": "object",
        "title": label(collection.title),
        "properties": properties,
        **more,
    }
    rows = [
        (name, label(item["title"]), item.get("format") or item.get("type", ""), item.get("readOnly"), item.get("enum"))
        for name, item in properties.items()
    ]
    context = {"collection": collection, "rows": rows}
    return respond(request, body, SCHEMA, page="records/ogc/schema.html", more=lambda: context)


def _queryable(collection: Collection, name: str) -> Body:
    item, column = collection.queried.get(name), collection.columns[name]
    several = {"description": label(ANY_OF)} if column.each else {}
    if item is None:
        return {**TYPES[column.kind], "title": name, **several}
    choices = {"enum": list(item.rules["enum"])} if item.rules.get("enum") else {}
    return {**_type(item), "title": label(item.title), **choices, **several}


ANY_OF = {"zh": "有多行：任一行满足即成立", "en": "several rows: true where any of them fulfils it"}
UNIT = ("x-ogc-unit", "x-ogc-unitLang")


def _type(item: Field) -> Body:
    return {**TYPES.get(item.kind, {}), **{name: item.rules[name] for name in UNIT if name in item.rules}}


def _role(collection: Collection, item: Field) -> Body:
    register = collection.register
    role = "id" if register and item.name == register.key_field else ""
    role = role or ("primary-instant" if item.name == collection.time_field else "")
    return {"x-ogc-role": role} if role else {}


def _place(collection: Collection, role: str) -> Body:
    kind = "any" if collection.geometry == ANY else collection.geometry.lower()
    return {"format": f"geometry-{kind}", "x-ogc-role": role, "title": "geometry"}
