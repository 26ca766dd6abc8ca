"""What the pages of the API show beside the JSON: a table and a drawing of where things are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import shapely
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.records.collections import Collection, Feature, Found
from shizhu.engines.records.http.ogc import common
from shizhu.engines.records.http.ogc.asked import Asked, beside, equal
from shizhu.engines.records.http.shown import text
from shizhu.engines.records.logic.register import NESTED, Field
from shizhu.kernel.models import Area
from shizhu.kernel.text import label
from shizhu.lib.sketch import sketch
from shizhu.web.middleware import Request
from shizhu.web.ogc import address

COLUMNS = 6  # of a table, at most


def items(request: Request, collection: Collection, ask: Asked, found: Found) -> Mapping[str, Any]:
    """A page of features: rows, a drawing, links to the pages beside."""
    fields = _columns(collection, ask.properties)
    wanted, steps = ask.wanted, beside(found, ask.wanted)
    return {
        "collection": collection,
        "columns": [label(item.title) for item in fields],
        "rows": [
            (
                one,
                f"/ogc{common.path(collection, 'items', one.id)}?f=html",
                [(label(item.title), _text(item, one.properties.get(item.name))) for item in fields],
                one.properties.get("_simulated", False),
            )
            for one in found.features
        ],
        "total": found.total,
        "first": wanted.offset + 1 if not (wanted.after or wanted.before) else 0,
        "last": wanted.offset + len(found.features),
        "before": address(request, **steps["prev"]) if "prev" in steps else "",
        "after": address(request, **steps["next"]) if "next" in steps else "",
        "filter": ask.given.get("filter", ""),
        "example": f"{next(iter(equal(collection)), '')} = '…'" if collection.columns else "",
        "drawing": _drawing(request, found.features) if collection.item_type == "feature" else None,
    }


def item(request: Request, collection: Collection, found: Feature) -> Mapping[str, Any]:
    """One feature: its properties in words, and where it is."""
    named = collection.named
    facts = [
        (label(named[name].title) if name in named else name, name, _text(named.get(name), value))
        for name, value in found.properties.items()
    ]
    return {
        "collection": collection,
        "feature": found,
        "facts": facts,
        "is_simulated": found.properties.get("_simulated", False),
        "drawing": _drawing(request, (found,)),
    }


def _columns(collection: Collection, properties: frozenset[str] | None) -> list[Field]:
    if properties is not None:
        return [item for name, item in collection.named.items() if name in properties]
    register = collection.register
    shown = register.listed if register else collection.fields
    return [item for item in shown if item.kind not in NESTED][:COLUMNS]


def _text(item: Field | None, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S}"
    if item is None or (item.name.startswith("_") and not item.choices):
        return _("Yes") if value is True else _("No") if value is False else str(value)
    return text(item, value, {})


def _drawing(request: Request, features: tuple[Feature, ...]) -> Any:
    """All of them in the outline of the county; None where nothing has a place."""
    shapes = [one.geometry for one in features if one.geometry is not None]
    if not shapes:
        return None
    found = Area.objects.filter(county=request.county, code=request.county.pk).first()
    outline: Any = found.geometry if found else None
    return sketch(shapely.GeometryCollection([part for one in shapes for part in _flat(one)]), outline)


def _flat(shape: Any) -> list[Any]:
    return [inner for part in shape.geoms for inner in _flat(part)] if hasattr(shape, "geoms") else [shape]
