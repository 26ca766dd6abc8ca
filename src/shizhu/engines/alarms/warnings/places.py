"""Warnings in force as features of the map: the shape that was drawn, or the areas that were named."""

from __future__ import annotations

import shapely
from django.db.models import Q
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from shizhu.engines.alarms.models import PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import drafting
from shizhu.engines.alarms.warnings.issuing import VIEW
from shizhu.engines.maps import api as maps
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label


def features(who: Actor, county: str, _layer: maps.Layer, asked: maps.Asked) -> list[maps.Feature]:
    """One feature per warning that is in force, or was at a time past, as its newest message then said."""
    at = asked.at or timezone.now()
    rows = access.rows(PublicWarning.objects.filter(county_id=county, issued_at__lte=at, expires_at__gt=at), who, VIEW)
    held = rows.filter(Q(ended_at=None) | Q(ended_at__gt=at))
    newest = WarningMessage.objects.filter(warning__in=held, state="issued", sent__lte=at).order_by("warning_id", "-pk")
    made = []
    for message in newest.distinct("warning_id").select_related("warning"):
        said, warning = message.content, message.warning
        shape = shape_of(county, message)
        if shape.is_empty:
            continue
        told = {
            "name": label(said["headline"]), "where": "", "level": said["level"], "text": label(said["instruction"]),
            "time": message.sent, "origin": warning.origin, "source": "CAP 1.2",
            "url": f"/alarms/warnings/{warning.pk}/",
        }  # fmt: skip
        made.append(maps.Feature(f"warning-{warning.pk}", shapely.geometry.mapping(shape), told))
    return made


def shape_of(county: str, message: WarningMessage) -> BaseGeometry:
    """What was drawn, or the areas named; empty where no outline is known."""
    if message.content.get("polygon"):
        return shapely.Polygon(message.content["polygon"])
    areas = drafting.named(county, message.content["areas"])
    shapes = [area.geometry or (area.parent.geometry if area.parent else None) for area in areas]
    return shapely.union_all([shape for shape in shapes if shape is not None])
