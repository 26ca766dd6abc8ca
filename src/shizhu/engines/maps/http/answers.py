"""What the map asks while it is used: search, measures, selections, neighbours, courses. JSON, and one Excel file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any

import orjson
from django.http import HttpResponse, HttpResponseRedirect
from django.urls import reverse
from shapely.geometry import mapping

from shizhu.engines.maps import asking, questions, selections
from shizhu.engines.maps.contracts import Feature, Layer, Near, Part, Region
from shizhu.engines.maps.layers import collection, layers, sources, view
from shizhu.engines.maps.search import area_feature, search
from shizhu.engines.maps.selections import middle
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.text import label
from shizhu.lib import geodesy
from shizhu.web.middleware import Request

NEAR, MOST = 3, 200  # of each layer
View = Callable[..., Any]


def answer(view: View) -> View:
    """JSON for who may open the map; a question that cannot be understood gets 400 and why."""

    @wraps(view)
    def answered(request: Request, *arguments: Any, **named_: Any) -> HttpResponse:
        access.require_verb(request.actor, "maps.map.view")
        try:
            found = view(request, *arguments, **named_)
        except asking.BadQuestion as error:
            return HttpResponse(orjson.dumps({"error": str(error)}), status=400, content_type="application/json")
        if isinstance(found, HttpResponse):
            return found
        return HttpResponse(orjson.dumps(found, default=str), content_type="application/json")

    return answered


def _told(found: Iterable[Feature]) -> list[dict[str, Any]]:
    """Features as a list shows them: where to fly to, not their whole shape."""
    return [{"id": one.id, "box": list(one.shape.bounds), "point": middle(one), **_words(one)} for one in found]


def _words(one: Feature) -> dict[str, Any]:
    names = ("name", "where", "town", "text", "url", "level", "mark", "simulated", "origin", "code")
    return {name: one.properties[name] for name in names if name in one.properties}


def _near(found: Iterable[Near]) -> list[dict[str, Any]]:
    return [
        {**told, "metres": round(near.metres, 1), "order": near.order}
        for near in found
        for told in _told([near.feature])
    ]


@answer
def find(request: Request) -> Any:
    """`q`: words or coordinates → what was found, by kind."""
    hits = search(request.actor, request.county.pk, request.GET.get("q", ""))
    return [{"title": kind.title, "features": _told(kind.features)} for kind in hits]


@answer
def measure(request: Request) -> Any:
    """`path` of positions → its length in metres; with `closed` the ring's length and area in square metres."""
    is_closed = "closed" in request.GET
    way = asking.path("path", request.GET.get("path", ""), 3 if is_closed else 2)
    if is_closed:
        return {"metres": geodesy.length([*way, way[0]]), "square_metres": geodesy.area(way)}
    return {"metres": geodesy.length(way)}


def _named(one: Layer) -> dict[str, Any]:
    return {"key": one.key, "title": label(one.title)}


@answer
def select(request: Request) -> Any:
    """What lies in a region, by layer: exactly how many, and `MOST` of each from the `first` on."""
    given, county = request.GET.dict(), request.county.pk
    region, first = asking.region(given, county), asking.count("first", given.get("first", "0"), 0, 10**8 - 1)
    found = selections.selected(request.actor, county, given)
    told = [
        {**_named(one), "count": inside.total, "first": first, "features": _told(inside.page(first, MOST))}
        for one, inside in found
    ]
    total = selections.total(found)
    return {
        "region": mapping(region.geometry), "square_metres": _surface(region), "layers": told, "count": total,
        "by_worker": total > selections.AT_ONCE,
    }  # fmt: skip


def _surface(region: Region) -> float:
    parts = getattr(region.geometry, "geoms", [region.geometry])
    return sum(geodesy.area(list(part.exterior.coords)[:-1]) for part in parts if part.geom_type == "Polygon")


@answer
def select_table(request: Request) -> HttpResponse:
    """The same as an Excel file; what is long is left to a worker, with a page that tells how far it is."""
    given, site = request.GET.dict(), request.build_absolute_uri("/")[:-1]
    found = selections.selected(request.actor, request.county.pk, given)
    if selections.total(found) > selections.AT_ONCE:
        made = selections.begin(request.user, request.county.pk, given, site)
        return HttpResponseRedirect(reverse("maps:selection", args=[made.pk]))
    *_steps, body = selections.written(found, site)
    headers = {"Content-Disposition": 'attachment; filename="selection.xlsx"'}
    return HttpResponse(body, content_type=records.XLSX, headers=headers)


@answer
def around(request: Request) -> Any:
    """What is at and near a position: its areas, what contains it, and the nearest of each layer."""
    place, who, county = asking.position("at", request.GET.get("at", "")), request.actor, request.county.pk
    own = layers(county, who)
    inside = [one for each in own for one in questions.containing(who, county, each, place)]
    near = [(each, questions.nearest(who, county, each, place, NEAR)) for each in own]
    return {
        "areas": _told(filter(None, map(area_feature, questions.areas_at(county, place)))),
        "inside": _told(inside),
        "layers": [{**_named(each), "features": _near(found)} for each, found in near if found],
    }  # fmt: skip


@answer
def course(request: Request, direction: str) -> Any:
    """`up` or `down` from a position along the networks of lines, and what lies beside the course."""
    place, who, county = asking.position("at", request.GET.get("at", "")), request.actor, request.county.pk
    own, ask = layers(county, who), {"up": questions.upstream, "down": questions.downstream}[direction]
    found = [one for each in own if each.is_network and (one := ask(who, county, each, place))]
    made = min(found, key=lambda one: not one.is_declared, default=None)  # what is declared before what is drawn
    if made is None:
        return {"lines": [], "metres": 0, "layers": [], "geometry": None}
    first: dict[str, Part] = {}
    for part in made.parts:
        first.setdefault(part.feature.id, part)
    beside = [(each, questions.beside(who, county, each, made)) for each in own if not each.is_network]
    return {
        "lines": [
            {**told, "metres": round(part.metres, 1), "order": part.order}
            for part in first.values()
            for told in _told([part.feature])
        ],
        "metres": made.length,
        "declared": made.is_declared,
        "geometry": mapping(made.geometry),
        "layers": [{**_named(each), "features": _near(found)} for each, found in beside if found],
    }  # fmt: skip


@answer
def layer_features(request: Request, key: str) -> HttpResponse:
    """The features of one layer that the person may see, now or `at` a time."""
    wanted = next((one for one in layers(request.county.pk) if one.key == key), None)
    if wanted is None:
        return HttpResponse(status=404)
    found = view(request.actor, request.county.pk, wanted, asking.asked(request.GET.dict()))
    told = {**collection(found.features), "title": label(wanted.title), "numberMatched": found.total}
    told["windowed"] = found.is_windowed
    return HttpResponse(orjson.dumps(told, default=str), content_type="application/geo+json")


@answer
def activity(request: Request) -> Any:
    """How many alarms and the like were open, at up to 200 times `from` … `to`, for the slider of the replay."""
    start, end = (asking.moment(name, request.GET.get(name, "")) for name in ("from", "to"))
    steps = asking.count("steps", request.GET.get("steps", "100"), 2, 200)
    if end <= start:
        raise asking.BadQuestion(f"to: {end.isoformat()}: must be after from")
    times = [start + (end - start) * n / (steps - 1) for n in range(steps)]
    who, county = request.actor, request.county.pk
    first: dict[str, Layer] = {}
    for one in layers(county, who):
        first.setdefault(one.source, one)
    series = [(one, number) for name, one in first.items() if (number := sources()[name].open_at)]
    return {
        "times": times,
        "series": [{"title": label(one.title), "values": number(who, county, times)} for one, number in series],
    }
