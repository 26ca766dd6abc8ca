"""What lies in a region as an Excel file: at once, or by a worker where it is long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.maps import asking, questions
from shizhu.engines.maps.contracts import Chosen, Feature, Layer
from shizhu.engines.maps.layers import layers
from shizhu.engines.records import api as records
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person
from shizhu.kernel.text import label

WORK = "map.selection"
AT_ONCE = 2000  # rows that are written while the person waits
MOST = 1_000_000  # a sheet of Excel ends at 1,048,576 rows
CHUNK = 1000
Found = list[tuple[Layer, Chosen]]
State = records.Batch.State


def selected(who: Actor, county: str, given: Mapping[str, str]) -> Found:
    """What lies in the region `given`, of the `layers` named there or of all: only layers that have something in it."""
    region = asking.region(given, county)
    wanted = set(filter(None, given.get("layers", "").split(",")))
    own = [one for one in layers(county, who) if not wanted or one.key in wanted]
    found = [(one, questions.chosen(who, county, one, region)) for one in own]
    return [(one, inside) for one, inside in found if inside.total]


def total(found: Found) -> int:
    """How many in all."""
    return sum(inside.total for _layer, inside in found)


def middle(one: Feature) -> list[float]:
    """Where a feature is pointed at."""
    place = one.shape
    point = place.interpolate(0.5, normalized=True) if "Line" in place.geom_type else place.representative_point()
    return [point.x, point.y]


def written(found: Found, site: str) -> Iterator[bytes | int]:
    """Write the table; how many rows are in it, now and then, and the file at the end. `site` begins each address."""
    heads = (_("Layer"), _("Name"), _("Where"), _("What"), _("Longitude"), _("Latitude"), _("Source"), _("Address"))
    writer, done = records.TableWriter(_("Selection"), heads), 0
    for layer, inside in found:
        for one in inside.every():
            writer.add([label(layer.title), *_cells(one, site)])
            done += 1
            if not done % CHUNK:
                yield done
    yield writer.done()


def _cells(one: Feature, site: str) -> list[Any]:
    told = one.properties
    origin = _("simulated") if told.get("simulated") or told.get("origin") == 1 else ""
    where = told.get("where") or told.get("town") or ""
    return [told["name"], where, told.get("text") or "", *middle(one), origin, site + told["url"]]


def begin(person: Person, county: str, given: Mapping[str, str], site: str) -> records.Batch:
    """Have a worker write it."""
    asked = {"given": dict(given), "site": site}
    made = records.begin_work(person, county, WORK, records.Batch.Kind.SELECTION, State.WRITING, asked=asked)
    records.start_work(made)
    return made


def run(batch: records.Batch, who: Actor) -> None:
    """Write the file of a selection, of what its person may see while it is written; begun anew after a crash."""
    if not who.has("maps.map.view"):
        raise records.Unfeasible(_("You may no longer see the map."))
    found = selected(who, batch.county_id, batch.asked["given"])
    rows = total(found)
    if rows > MOST:
        raise records.Unfeasible(_("A sheet of Excel has no room for so many rows. Choose a smaller area."))
    for step in written(found, batch.asked["site"]):
        if isinstance(step, int):
            records.tell_progress(batch, step, rows)
        else:
            name = f"{_('Selection')}-{timezone.localdate():%Y%m%d}.xlsx"
            batch.made = records.keep_made(batch.person, batch.county_id, step, name, records.XLSX)
    batch.total = batch.done = rows
    records.end_work(batch, State.DONE)
