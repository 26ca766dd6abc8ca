"""The map page, the county's areas, and each layer as GeoJSON."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from shapely.geometry import mapping

from shizhu.engines.maps import api
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request


def page(request: Request) -> HttpResponse:
    """The one map: outline, towns, and every layer the county's packs declare."""
    access.require_verb(request.actor, "maps.map.view")
    root = Area.objects.get(county=request.county, level=Area.Level.COUNTY)
    shown = [
        {
            "key": layer.key,
            "title": label(layer.title),
            "source": layer.source,
            "icon": layer.icon,
            "colour": layer.colour,
            "url": reverse("maps:layer", args=[layer.key]),
        }
        for layer in api.layers(request.county.pk)
    ]
    settings = {"box": root.box, "areas": reverse("maps:areas"), "layers": shown, "live": "/live"}
    return render(request, "maps/page.html", {"map": settings, "layers": shown, "outline": root.provenance})


def _geojson(value: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(value, default=str), content_type="application/geo+json")


def areas(request: Request) -> HttpResponse:
    """County outline and towns; a synthetic shape says so."""
    access.require_verb(request.actor, "maps.map.view")
    rows = Area.objects.filter(county=request.county, geometry__isnull=False).exclude(level=Area.Level.VILLAGE)
    features = [
        api.Feature(
            area.code,
            mapping(area.geometry),
            {
                "name": named(area),
                "level": area.level,
                "synthetic": area.provenance.get("source") == "synthetic",
                "point": area.provenance.get("point"),
            },
        )
        for area in rows
    ]
    return _geojson(api.collection(features))


def layer(request: Request, key: str) -> HttpResponse:
    """The features of one layer that the person may see."""
    access.require_verb(request.actor, "maps.map.view")
    wanted = next((found for found in api.layers(request.county.pk) if found.key == key), None)
    if wanted is None:
        raise Http404
    return _geojson(api.collection(api.sources()[wanted.source](request.actor, request.county.pk, wanted)))
