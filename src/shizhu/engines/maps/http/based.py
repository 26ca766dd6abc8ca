"""Base maps: their PMTiles files by ranges, and which one a person chose."""

from __future__ import annotations

import re
from typing import Any

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_POST

from shizhu.engines.maps import bases
from shizhu.kernel import access
from shizhu.kernel.models import County
from shizhu.kernel.text import label
from shizhu.web import preferences
from shizhu.web.middleware import PolicyMiddleware, Request

RANGE = re.compile(r"bytes=(\d{1,15})-(\d{0,15})")
MOST = 16_000_000  # bytes of an answer: a client that asks without a range gets no gigabytes
CHOSEN = "map_base"  # the preference


def told(request: Request) -> dict[str, Any]:
    """What the page's script wants to know: the bases there are, and the one to begin with."""
    county = request.county.pk
    return {
        "bases": [_told(one) for one in bases.bases(county)],
        "base_chosen": bases.chosen(county, preferences.of(request).get(CHOSEN, {}).get(county)),
    }


def _told(one: bases.Base) -> dict[str, Any]:
    body = one.body
    return {
        "key": one.key, "title": label(body["title"]), "source": body["source"], "problem": one.problem,
        "kind": "pmtiles" if "file" in body else "tiles", "datum": body.get("datum", "wgs84"),
        "size": body.get("tile_size", 256), "zooms": body.get("zooms"), "draw": body.get("draw", []),
        "url": f"/map/bases/{one.key}.pmtiles" if "file" in body else "" if one.problem else one.address,
    }  # fmt: skip


def policy(county: County) -> str:
    """The page's Content-Security-Policy: ours, opened for the hosts of the county's bases and for nobody else."""
    hosts = sorted({one.origin for one in bases.bases(county.pk) if one.origin and not one.problem})
    if not hosts:
        return PolicyMiddleware.POLICY
    return f"{PolicyMiddleware.POLICY}; connect-src 'self' {' '.join(hosts)}"


@require_POST
def choose(request: Request) -> HttpResponse:
    """POST base=…: the person's base map of this county, "" for the county's own ground."""
    access.require_verb(request.actor, "maps.map.view")
    key, county = request.POST.get("base", ""), request.county.pk
    if key != bases.OWN and key not in {one.key for one in bases.bases(county)}:
        raise Http404(key)
    preferences.keep(request.user, **{CHOSEN: {**preferences.of(request).get(CHOSEN, {}), county: key}})
    return HttpResponse(status=204)


def file(request: Request, key: str) -> HttpResponse:
    """A PMTiles file; with a Range of bytes (RFC 9110, one span) that part of it."""
    access.require_verb(request.actor, "maps.map.view")
    place = bases.file_of(request.county.pk, key)
    if place is None:
        raise Http404(key)
    stat = place.stat()
    size, tag = stat.st_size, f'"{stat.st_size:x}-{stat.st_mtime_ns:x}"'
    asked = RANGE.fullmatch(request.headers.get("Range", ""))
    first = int(asked[1]) if asked else 0
    last = min(size, first + MOST, int(asked[2]) + 1 if asked and asked[2] else size) - 1
    headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "private, no-cache"}
    if asked and first > last:
        return HttpResponse(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if asked is None and size > MOST:
        return HttpResponse(f"file: {size} bytes: ask for a range of bytes", status=416, headers=headers)
    with place.open("rb") as opened:
        opened.seek(first)
        body = opened.read(last - first + 1)
    answer = HttpResponse(body, content_type="application/vnd.pmtiles", headers=headers)
    if asked:
        answer.status_code = 206
        answer["Content-Range"] = f"bytes {first}-{last}/{size}"
    return answer
