"""What the search of all things finds among the stations."""

from __future__ import annotations

from collections.abc import Sequence

from django.urls import reverse

from shizhu.engines.things.models import Thing
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Stations whose name, description or key says it."""
    if not who.has("things.thing.view"):
        return []
    rows = access.rows(Thing.objects.filter(county_id=county), who, "things.thing.view").order_by("name", "pk")
    title = label({"zh": "监测站", "en": "Stations"})
    return [search.group("things", title, "antenna", rows, ("name", "description", "key"), asked, _hit)]


def _hit(thing: Thing) -> Hit:
    return Hit(reverse("things:detail", args=[thing.pk]), thing.name, beside=(thing.key or "", thing.area.name))
