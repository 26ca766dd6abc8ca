"""Alarms in the files of objects: an alarm as an object, and those of the Things that belong to one."""

from __future__ import annotations

from collections.abc import Iterator

import shapely
from django.utils.translation import gettext as _

from shizhu.engines.alarms import api
from shizhu.engines.alarms.models import Alarm
from shizhu.engines.maps import api as maps
from shizhu.engines.things import api as things
from shizhu.kernel import access
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

VIEW, MOST = "alarms.alarm.view", 10


def alarm(who: Actor, county: str, number: int) -> maps.Subject | None:
    """An alarm that the actor may see; it belongs to its Thing."""
    rows = access.rows(Alarm.objects.filter(county_id=county, pk=number), who, VIEW)
    found = rows.select_related("organisation", "area").first()
    if found is None:
        return None
    stream = things.describe([found.datastream]).get(found.datastream)
    point = shapely.Point(stream.point) if stream and stream.point else None
    refs = {"alarm": frozenset({str(number)}), "thing": frozenset({str(stream.thing)} if stream else ())}
    return maps.Subject(
        "alarm", number, label(api.get(number).title), _("Alarm"), county, found.organisation, found.area,
        point, f"/alarms/{number}/", bool(found.origin), refs,
    )  # fmt: skip


def of_subject(who: Actor, subject: maps.Subject) -> maps.Section | None:
    """Open and past alarms of the object's Things, open ones first, then the newest."""
    streams = things.streams_at(things.things_of(who, subject))
    rows = access.rows(Alarm.objects.filter(county_id=subject.county, datastream__in=streams), who, VIEW)
    found = [api.get(pk) for pk in rows.order_by("-state", "-raised_at").values_list("pk", flat=True)[:MOST]]
    if not found:
        return None
    lines = [{"alarm": one, "stream": streams[one.datastream]} for one in found]
    context = {"lines": lines, "total": rows.count(), "open": rows.filter(state=Alarm.State.OPEN).count()}
    return maps.Section(_("Alarms"), "bell", "alarms/of_subject.html", context, tuple(_events(found)))


def _events(found: list[api.AlarmInfo]) -> Iterator[maps.Event]:
    for one in found:
        url = f"/alarms/{one.id}/"
        yield maps.Event(one.raised_at, "bell", _("Alarm raised"), label(one.title), url)
        if one.cleared_at:
            yield maps.Event(one.cleared_at, "circle-check", _("Alarm cleared"), label(one.title), url)
