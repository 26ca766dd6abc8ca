"""Office pages of patrols: a month with coverage and score, one patrol with its track, photos and cases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import cos, radians
from typing import Any
from uuid import UUID

import shapely
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_POST

from shizhu.engines.cases import patrols
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.http import views
from shizhu.engines.cases.models import Patrol, PatrolPhoto
from shizhu.engines.records import api as records
from shizhu.kernel import access, spans
from shizhu.web.middleware import Request

FLAWS = {
    "clock": gettext_noop("the clock of the phone was wrong"), "jump": gettext_noop("the position jumped"),
    "speed": gettext_noop("too fast for this beat"), "still": gettext_noop("no way was walked"),
    "vague": gettext_noop("positions are vague"), "gaps": gettext_noop("ten minutes or more without a position"),
    "minutes": gettext_noop("too short a time"), "metres": gettext_noop("too short a way"),
    "near": gettext_noop("not near its object"),
}  # fmt: skip
WIDTH, HEIGHT, MARGIN = 640, 420, 24
SHOWN = 100  # patrols of a month that are listed and drawn


def index(request: Request) -> HttpResponse:
    """A month of a beat: how much of what was due was walked, by object and by person."""
    access.require_verb(request.actor, patrols.VIEW)
    county, known = request.county.pk, patrols.beats(request.county.pk)
    seen = [one for one in known.values() if request.actor.has(f"records.{one.register}.view")] or list(known.values())
    beat = known.get(request.GET.get("beat", "")) or next(iter(seen), None)
    month = spans.month(request.GET.get("month", ""), timezone.localdate())
    context: dict[str, Any] = {"beats": seen, "beat": beat, "month": month}
    context |= zip(("before", "after"), spans.beside(month), strict=True)
    if beat:
        told = patrols.month_of(request.actor, county, beat, month)
        rows = sorted(told.whole.patrols, key=lambda one: one.started_at, reverse=True)
        shown = rows[:SHOWN]
        titles = {one.key: one.title for one in told.objects}
        listed = [{**_row(one), "object": titles.get(one.key, one.key)} for one in shown]
        context |= {"told": told, "rows": listed, "total": len(rows)}
        tracks = Patrol.objects.filter(pk__in=[one.pk for one in shown]).values_list("track", flat=True)
        context["picture"] = picture(list(tracks), [])
    return render(request, "cases/patrols.html", context)


def _row(patrol: Patrol) -> dict[str, Any]:
    span = (patrol.ended_at - patrol.started_at).total_seconds() / 60 if patrol.ended_at else None
    return {
        "patrol": patrol, "km": patrol.metres / 1000, "minutes": None if span is None else round(span),
        "marks": [_(FLAWS[name]) for name in (*patrol.flaws, *patrol.lacks)],
    }  # fmt: skip


def _one(request: Request, number: UUID) -> Patrol:
    rows = Patrol.objects.select_related("person", "organisation", "area", "accepted_by")
    patrol = get_object_or_404(rows, pk=number, county=request.county)
    if patrol.person_id != request.actor.person_id:
        access.require(request.actor, patrols.VIEW, patrol)
    return patrol


def page(request: Request, number: UUID) -> HttpResponse:
    """One patrol; who walked it sees it too."""
    patrol = _one(request, number)
    beat = patrols.beats(request.county.pk).get(patrol.beat)
    shape, entry = [], None
    if beat and patrol.key:
        try:
            entry = records.get(request.actor, request.county.pk, beat.register, patrol.key)
        except records.NoRecord:
            entry = None
    if entry is not None and entry.geometry is not None:
        shape = [entry.geometry]
    may = access.may(
        request.actor, patrols.ACCEPT, county=patrol.county_id, organisation=patrol.organisation, area=patrol.area
    )
    context = {
        **_row(patrol), "beat": beat, "entry": entry, "picture": picture([patrol.track], shape),
        "photos": patrol.photos.select_related("photo"), "cases": patrol.cases.select_related("case"),
        "may_accept": may and patrol.ended_at and not patrol.is_counted and patrol.person_id != request.actor.person_id,
    }  # fmt: skip
    return render(request, "cases/patrol.html", context)


@require_POST
def accept(request: Request, number: UUID) -> HttpResponse:
    """Let a marked patrol count, with the reason."""
    patrol = _one(request, number)
    try:
        patrols.accept(request.actor, patrol.pk, request.POST.get("why", ""))
    except CannotNow as error:
        messages.warning(request, str(error))
    else:
        messages.success(request, _("It counts now."))
    return redirect("patrols:page", patrol.pk)


def photo(request: Request, number: UUID, photo: UUID) -> HttpResponseBase:
    """A photo of a patrol, for those who may see it."""
    patrol = _one(request, number)
    found = PatrolPhoto.objects.select_related("photo__file").filter(patrol=patrol, photo=photo).first()
    if found is None or found.photo.file is None:
        raise Http404
    return views.shown(found.photo.file)


def picture(tracks: Sequence[Sequence[Sequence[Any]]], shapes: Iterable[Any]) -> dict[str, Any] | None:
    """Tracks and the objects they are about, drawn north up in a frame; None where nothing has a place."""
    lines = [[(p[0], p[1]) for p in track] for track in tracks if len(track) > 1]
    parts = [part for shape in shapes for part in getattr(shape, "geoms", [shape])]
    around = [list(getattr(part, "exterior", part).coords) for part in parts]
    spots = [spot for line in (*lines, *around) for spot in line]
    if not spots:
        return None
    west, south, east, north = shapely.MultiPoint([spot[:2] for spot in spots]).bounds
    squeeze = cos(radians((south + north) / 2))  # a degree of longitude against one of latitude
    wide, high = max((east - west) * squeeze, 1e-5), max(north - south, 1e-5)
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    left, top = (WIDTH - wide * scale) / 2, (HEIGHT - high * scale) / 2

    def drawn(line: Sequence[Sequence[float]]) -> str:
        return " ".join(
            f"{left + (p[0] - west) * squeeze * scale:.1f},{top + (north - p[1]) * scale:.1f}" for p in line
        )

    ends = [(drawn(line[:1]).split(","), drawn(line[-1:]).split(",")) for line in lines]
    metres = 10 ** max(1, len(str(int(wide * 111_320))) - 1)
    return {
        "width": WIDTH, "height": HEIGHT, "tracks": [drawn(line) for line in lines],
        "shapes": [drawn(line) for line in around], "ends": ends if len(lines) == 1 else [],
        "bar": f"{metres / 111_320 * scale:.0f}", "metres": metres, "end": HEIGHT - 14,
    }  # fmt: skip
