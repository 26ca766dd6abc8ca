"""Search on the map: typed coordinates, areas, records with a place, and whatever sources find by name."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Q
from django.utils.translation import gettext as _
from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry

from shizhu.engines.maps.contracts import Feature
from shizhu.engines.maps.layers import sources
from shizhu.engines.maps.logic import coordinates
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named

MOST = 6  # of one kind
LONGEST = 100  # characters


@dataclass(frozen=True)
class Hits:
    """What was found of one kind."""

    title: str
    features: list[Feature]


def search(who: Actor, county: str, words: str) -> list[Hits]:
    """What has the words in its name or code and may be seen, by kind; coordinates are themselves."""
    words = words.strip()[:LONGEST].replace("\0", "")
    if not words:
        return []
    position = coordinates.read(words)
    if position:
        name = f"{position[0]:.6f}, {position[1]:.6f}"
        return [
            Hits(_("Coordinates"), [Feature("position", {"type": "Point", "coordinates": position}, {"name": name})])
        ]
    found = [Hits(_("Areas"), _areas(county, words))]
    found += [Hits(label(source.group), source.find(who, county, words, MOST)) for source in sources().values()]
    found += [
        Hits(label(register.title), _records(who, county, register, words)) for register in _registers(who, county)
    ]
    return [hits for hits in found if hits.features]


def _areas(county: str, words: str) -> list[Feature]:
    has_words = Q(name__icontains=words) | Q(name_en__icontains=words) | Q(code__startswith=words)
    pinyin = Q(sort_key__icontains=words.lower())
    rows = Area.objects.filter(has_words | pinyin, county_id=county).select_related("parent")
    return [one for area in rows.order_by("path")[:MOST] if (one := area_feature(area))]


def area_feature(area: Area) -> Feature | None:
    """An area where it lies; a village of unknown position is shown by its town, and says so."""
    placed = area if area.geometry is not None else area.parent
    if placed is None or placed.geometry is None:
        return None
    where = "" if placed is area else _("position unknown, its town %(town)s is shown") % {"town": named(placed)}
    return Feature(
        f"area-{area.pk}", mapping(placed.geometry), {"name": named(area), "where": where, "code": placed.code}
    )


def _registers(who: Actor, county: str) -> list[records.Register]:
    return [r for r in records.registers(county).values() if r.geometry and who.has(r.verb("view"))]


def _records(who: Actor, county: str, register: records.Register, words: str) -> list[Feature]:
    page = records.query(who, county, register.key, records.Query(search=words, limit=MOST))
    return [_record(entry, place) for entry in page.entries if (place := entry.geometry) is not None]


def _record(entry: records.Entry, place: BaseGeometry) -> Feature:
    told = {"name": entry.title, "where": entry.area.name, "simulated": entry.is_simulated}
    return Feature(f"record-{entry.id}", mapping(place), {**told, "url": f"/records/{entry.register}/{entry.id}/"})
