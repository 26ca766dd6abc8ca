"""The map page and the county's areas."""

from __future__ import annotations

import re
from dataclasses import asdict
from functools import lru_cache
from typing import Any

import orjson
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.clickjacking import xframe_options_sameorigin
from shapely.geometry import mapping

from shizhu.engines.maps import api
from shizhu.engines.maps.http import based, words
from shizhu.engines.maps.logic import relief
from shizhu.kernel import access
from shizhu.kernel.models import Area, County
from shizhu.kernel.text import label, named
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

LABELS = 60  # on one page of labels
PLACE = re.compile(r"(-?1?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,2}(?:\.\d+)?)")  # longitude, latitude


def page(request: Request) -> HttpResponse:
    """The one map: outline, towns, and every layer of the county's packs that the person has the right to."""
    access.require_verb(request.actor, "maps.map.view")
    shown = [_described(request.county.pk, layer) for layer in api.layers(request.county.pk, request.actor)]
    groups: dict[str, list[dict[str, Any]]] = {}
    for layer in reversed(shown):  # what is drawn on top stands on top
        groups.setdefault(layer["group"], []).append(layer)
    root, settings = _settings(request, shown)
    base = request.county.settings.get("base", {}).get("sources", {})
    context = {"map": settings, "layers": shown, "groups": groups, "outline": root.provenance, "ground": base}
    context["ranks"] = [(rank, settings["words"][f"rank_{rank}"]) for rank in reversed(api.RANKS) if rank]
    answer = render(request, "maps/page.html", context)
    answer["Content-Security-Policy"] = based.policy(request.county)
    return answer


def _settings(request: Request, layers: list[dict[str, Any]]) -> tuple[Area, dict[str, Any]]:
    """The county, and what the map's script wants to know."""
    root = Area.objects.get(county=request.county, level=Area.Level.COUNTY)
    return root, {
        "county": request.county.pk, "box": root.box, "areas": reverse("maps:areas"), "base": reverse("maps:page"),
        "layers": layers, "live": "/live", "words": words.all_words(), "relief": _relief(request.county),
        **based.told(request),
    }  # fmt: skip


@xframe_options_sameorigin
def place(request: Request) -> HttpResponse:
    """The map alone, to choose a place on; a form of ours shows it in a frame. `at` is the place so far."""
    access.require_verb(request.actor, "maps.map.view")
    at = PLACE.fullmatch(request.GET.get("at", "").strip())
    _root, settings = _settings(request, [])
    answer = render(request, "maps/place.html", {"map": settings, "at": f"{at[1]},{at[2]}" if at else ""})
    answer["Content-Security-Policy"] = based.policy(request.county).replace(
        "frame-ancestors 'none'", "frame-ancestors 'self'"
    )
    return answer


def file(request: Request, kind: str, number: int) -> HttpResponse:
    """One object's file: a page, or with `part` what the map shows beside itself."""
    access.require_verb(request.actor, "maps.map.view")
    found = api.dossier(request.actor, request.county.pk, kind, number)
    if found is None:
        raise Http404
    box = ",".join(map(str, found.subject.geometry.bounds)) if found.subject.geometry is not None else ""
    context = {
        "subject": found.subject, "box": box, "contacts": found.contacts, "sections": found.sections,
        "events": found.events, "code": "" if "part" in request.GET else _code(request, found.subject),
    }  # fmt: skip
    return render(request, "maps/dossier.html" if "part" in request.GET else "maps/file.html", context)


def labels(request: Request) -> HttpResponse:
    """A sheet (A4) of labels, each with the QR code of an object's file: `of=<kind>-<number>`, up to `LABELS` times."""
    access.require_verb(request.actor, "maps.map.view")
    found = []
    for key in dict.fromkeys(request.GET.getlist("of")[:LABELS]):
        kind, _dash, number = key.partition("-")
        if re.fullmatch(r"[0-9]{1,18}", number):
            subject = api.found(request.actor, request.county.pk, kind, int(number))
            found += [{"subject": subject, "code": _code(request, subject)}] if subject else []
    return render(request, "maps/labels.html", {"labels": found})


def _code(request: Request, subject: api.Subject) -> str:
    """The QR code of the address of an object's file, as SVG."""
    return qr(request.build_absolute_uri(reverse("maps:file", args=[subject.kind, subject.id])))


def _described(county: str, layer: api.Layer) -> dict[str, Any]:
    """A layer as the page wants it."""
    return {
        "key": layer.key,
        "title": label(layer.title),
        "group": label(layer.group),
        "source": layer.source,
        "icon": layer.icon,
        "colour": layer.colour,
        "shown": layer.is_shown,
        "network": layer.is_network,
        "width": layer.style.get("width", 2.5),
        "opacity": layer.style.get("opacity", 1),
        "legend": [asdict(mark) for mark in api.sources()[layer.source].legend(county, layer)],
        "url": reverse("maps:layer", args=[layer.key]),
    }


def _relief(county: County) -> dict[str, Any] | None:
    """Where the picture of the relief is for each theme, and its corners from the north-west clockwise."""
    grid = county.settings.get("base", {}).get("relief")
    if grid is None:
        return None
    west, east = grid["longitudes"][0], grid["longitudes"][-1]
    south, north = grid["latitudes"][0], grid["latitudes"][-1]
    version = county.settings["digest"][:12]
    return {
        "corners": [[west, north], [east, north], [east, south], [west, south]],
        "urls": {theme: f"{reverse('maps:relief', args=[theme])}?{version}" for theme in relief.TINTS},
    }


def relief_picture(request: Request, theme: str) -> HttpResponse:
    """The relief as a picture. Its address changes with the county's data, so a browser may keep it."""
    access.require_verb(request.actor, "maps.map.view")
    base = request.county.settings.get("base", {})
    if "relief" not in base or theme not in relief.TINTS:
        raise Http404
    body = _picture(orjson.dumps(base["relief"]), theme)
    return HttpResponse(body, content_type="image/png", headers={"Cache-Control": "private, max-age=86400"})


@lru_cache(maxsize=4)
def _picture(grid: bytes, theme: str) -> bytes:
    return relief.picture(**orjson.loads(grid), theme=theme)


def _geojson(value: Any) -> HttpResponse:
    return HttpResponse(orjson.dumps(value, default=str), content_type="application/geo+json")


def areas(request: Request) -> HttpResponse:
    """County outline, towns and neighbours; a synthetic shape says so."""
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
    return _geojson(api.collection([*features, *_neighbours(request.county)]))


def _neighbours(county: County) -> list[api.Feature]:
    """What lies around the county: borders and names, as its folder has them."""
    found = county.settings.get("base", {}).get("neighbours", {"features": []})["features"]
    return [
        api.Feature(
            own["code"], one["geometry"],
            {"name": label({"zh": own["name"], "en": own["name_en"]}), "level": "neighbour", "point": own["point"]},
        )
        for one in found
        for own in [one["properties"]]
    ]  # fmt: skip
