"""Where a dry run would have raised alarms, drawn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import shapely
from django.utils.translation import gettext as _

from shizhu.engines.alarms.trying import Trial
from shizhu.engines.things import api as things
from shizhu.kernel.models import Area
from shizhu.lib.sketch import sketch


@dataclass(frozen=True)
class Spot:
    """A place with how often it would have been there; x and y in the drawing."""

    stream: things.StreamInfo
    count: int
    x: float
    y: float


@dataclass(frozen=True)
class Spots:
    """The outline of the county as an SVG path, and the places in it."""

    outline: str
    places: list[Spot]


def judged(trial: Trial) -> str:
    """How much a dry run looked at."""
    said = _(
        "Judged %(sources)s sources and %(readings)s readings, as they are known now. "
        "Nothing was written, nobody was told."
    )
    return said % {"sources": trial.sources, "readings": trial.readings}


def spots(trial: Trial, county: str) -> Spots | None:
    """None where no place is known."""
    streams = {one.stream.id: one.stream for one in trial.firings}
    counted = Counter(one.stream.id for one in trial.firings).most_common()
    found = [(streams[id_], count) for id_, count in counted if streams[id_].point]
    points = shapely.GeometryCollection([shapely.Point(one.point) for one, _count in found if one.point])
    if not found:
        return None
    drawn = sketch(points, Area.objects.get(county=county, code=county).geometry)
    placed = zip(found, drawn.points, strict=True)
    return Spots(drawn.outline, [Spot(stream, count, x, y) for (stream, count), (x, y) in placed])
