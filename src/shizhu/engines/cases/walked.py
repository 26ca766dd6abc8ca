"""Patrols on the map: tracks of the last weeks, and objects of a beat by how well they are covered this month."""

from __future__ import annotations

from datetime import timedelta

import shapely
from django.utils import timezone
from django.utils.translation import gettext as _
from shapely.geometry import mapping

from shizhu.engines.cases import patrols
from shizhu.engines.cases.logic.track import VAGUE
from shizhu.engines.cases.models import Patrol
from shizhu.engines.maps import api as maps
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

RECENT = timedelta(days=31)
THIN = 0.00005  # degrees, about five metres: a line of the map needs no point each second


def tracks(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """One line for each patrol of a beat (the layer's `of`) that ended within a month before now or a time past."""
    beat, at = patrols.beats(county).get(layer.of), asked.at or timezone.now()
    if beat is None:
        return []
    rows = Patrol.objects.filter(county=county, beat=beat.key, ended_at__gt=at - RECENT, ended_at__lte=at)
    made = []
    for patrol in access.rows(rows, who, patrols.VIEW).select_related("person"):
        points = [point[:2] for point in patrol.track if (point[3] or 0) <= VAGUE]
        if len(points) < 2:
            continue
        line = shapely.LineString(points).simplify(THIN)
        state = _("counts") if patrol.is_counted else _("does not count yet")
        told = {
            "name": f"{label(beat.title)} {patrol.key}".strip(), "where": patrol.person.name,
            "text": f"{patrol.metres / 1000:.1f} km · {state}", "time": patrol.ended_at, "origin": patrol.origin,
            "source": _("track of a phone"), "url": f"/patrols/{patrol.pk}/",
            "mark": _colour(layer, "counted" if patrol.is_counted else "marked"),
        }  # fmt: skip
        made.append(maps.Feature(f"patrol-{patrol.pk}", mapping(line), told))
    return made


def coverage(who: Actor, county: str, layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """The objects of a beat with how often each is due and was walked in the month of now or of a time past."""
    beat = patrols.beats(county).get(layer.of)
    if beat is None or not who.has(patrols.VIEW):
        return []
    month = timezone.localtime(asked.at or timezone.now()).date().replace(day=1)
    found = {one.key: one for one in patrols.month_of(who, county, beat, month).objects}
    made = []
    for entry in patrols.objects(who, county, beat):
        one = found.get(entry.key)
        if entry.geometry is None or one is None or not one.due:
            continue
        state = "full" if one.walked >= one.due else "part" if one.walked else "none"
        told = {
            "name": entry.title, "where": entry.key, "text": f"{one.walked} / {one.due} · {month:%Y-%m}", "time": None,
            "origin": int(entry.is_simulated), "source": label(beat.title), "url": f"/patrols/?beat={beat.key}",
            "mark": _colour(layer, state),
        }  # fmt: skip
        made.append(maps.Feature(f"record-{entry.id}", mapping(entry.geometry), told))
    return made


def _colour(layer: maps.Layer, state: str) -> str:
    return str(layer.style.get("colours", {}).get(state, layer.colour))


def legend(_county: str, layer: maps.Layer) -> list[maps.Mark]:
    """What the colours of a layer of either kind mean."""
    words = {
        "counted": _("counts"), "marked": _("does not count yet"), "full": _("walked as often as due"),
        "part": _("walked less often"), "none": _("not walked"),
    }  # fmt: skip
    colours = layer.style.get("colours", {})
    return [maps.Mark(colour, words[state], "LineString") for state, colour in colours.items() if state in words]


def register() -> None:
    """Called once by the application."""
    group = {"zh": "巡查", "en": "Patrols"}
    maps.source("patrols", tracks, verb=patrols.VIEW, group=group, legend=legend)
    maps.source("patrol_coverage", coverage, verb=patrols.VIEW, group=group, legend=legend)
