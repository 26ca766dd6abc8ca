"""Pages: stations and their health, one station with its values, bad input waiting for somebody."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.things import aggregate, health, queries
from shizhu.engines.things.catalogue import profile
from shizhu.engines.things.http import care
from shizhu.engines.things.http.reasons import doubt, in_words
from shizhu.engines.things.models import Datastream, Device, Latest, Observation, Quarantine, Thing
from shizhu.kernel import access, packs, spans
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

SPANS = {"6h": timedelta(hours=6), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
SEE_QUARANTINE, DEAL_WITH = "things.quarantine.view", "things.quarantine.edit"
PAGE = 50
LONG, VERY_LONG = timedelta(days=14), timedelta(days=92)  # beyond them a chart has means of hours, of days
MOST_POINTS = 2000


def thing_detail(request: Request, number: int) -> HttpResponse:
    """One Thing: latest values, a chart of one property, the last packet as it came."""
    thing = get_object_or_404(Thing.objects.select_related("area", "organisation"), pk=number)
    access.require(request.actor, "things.thing.view", thing)
    device = Device.objects.filter(thing=thing).first()
    streams = queries.describe(Datastream.objects.filter(thing=thing).order_by("pk").values_list("pk", flat=True))
    newest = queries.latest(streams)
    grown = queries.grown(streams.values(), newest)
    shown = _in_order(streams, device)
    values = [
        {
            "stream": stream, "point": newest[stream.id], "doubt": doubt(newest[stream.id].reason),
            "grown": grown.get(stream.id),
        }
        for stream in shown
        if stream.id in newest
    ]  # fmt: skip
    chosen = streams.get(whole(request.GET.get("stream", ""))) or next(iter(shown), None)
    span = request.GET.get("span", "1d") if request.GET.get("span") in SPANS else "1d"
    context: dict[str, Any] = {"thing": thing, "device": device, "values": values, "chosen": chosen, "span": span}
    declared = packs.declared("things", device.profile, thing.county_id) if device else {}
    titles = declared.get("attributes", {})
    context |= {
        "spans": [(name, _span(span)) for name, span in SPANS.items()],
        "silent": [stream for stream in shown if stream.id not in newest],
        "profile": declared,
        "attributes": [(titles.get(name, name), value) for name, value in (thing.properties or {}).items()],
        "why_last": in_words(device.last_error["rule"]) if device and device.last_error else "",
        "packet": queries.readable(device.last_packet if device else None),
    }
    if device:
        how = health.look([device], thing.county_id)[device.pk]
        context |= {"health": how, "state": how.state, **care.panel(request, device), **_last_packet(request, device)}
    if chosen:
        last = newest.get(chosen.id)
        end = max(timezone.now(), last.time) if last else timezone.now()
        own = _own_span(request)
        start, end = own or (end - SPANS[span], end)
        context |= {"chart": _chart(chosen, start, end), "is_own_span": own is not None, "start": start, "end": end}
    return render(request, "things/detail.html", context)


def own_days(given: Mapping[str, Any]) -> tuple[date, date] | None:
    """The first and the last day that somebody chose."""
    try:
        first, last = (parse_date(given.get(name, "")) for name in ("from", "to"))
    except ValueError:
        return None
    return None if first is None or last is None or last < first else (first, last)


def _own_span(request: Request) -> tuple[datetime, datetime] | None:
    """Days that somebody chose, both whole, in the county's time."""
    days = own_days(request.GET)
    if days is None:
        return None
    start, end = (timezone.make_aware(datetime.combine(day, time.min)) for day in days)
    return start, end + timedelta(days=1)


def _last_packet(request: Request, device: Device) -> dict[str, Any]:
    """The last packet as text and bytes, and beside it the readings that were made of what came then."""
    raw = queries.readable(device.last_packet)
    streams = queries.describe(Datastream.objects.filter(thing=device.thing).values_list("pk", flat=True))
    newest = Latest.objects.filter(datastream__in=streams).order_by("-known_at").first()
    made = Observation.objects.none()
    if newest:  # the batch may hold many packets of it: of each property the newest
        batch = Observation.objects.filter(datastream__in=streams, known_at=newest.known_at)
        made = batch.order_by("datastream", "-phenomenon_time", "-sequence").distinct("datastream")
    decoded = [
        {
            "stream": streams[row.datastream_id],
            "time": row.phenomenon_time,
            "value": row.result,
            "doubt": doubt(row.reason),
        }
        for row in made[:PAGE] or ([newest] if newest else [])  # the batch may lie in a file
    ]
    waiting = quarantined(request).filter(device=device).count() if request.actor.has(SEE_QUARANTINE) else 0
    return {"packet": raw, "bytes": _bytes(raw.encode()), "decoded": decoded, "own_quarantine": waiting}


def _bytes(raw: bytes) -> str:
    """Sixteen bytes a line, as numbers of base 16."""
    return "\n".join(f"{start:04x}  {raw[start : start + 16].hex(' ')}" for start in range(0, min(len(raw), 1024), 16))


def _span(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return _("%s h") % hours if hours < 24 else _("%s d") % (hours // 24)


def _in_order(streams: dict[int, queries.StreamInfo], device: Device | None) -> list[queries.StreamInfo]:
    if device is None:
        return list(streams.values())
    order = list(profile(device.profile, device.county_id)["properties"])
    return sorted(streams.values(), key=lambda s: order.index(s.property) if s.property in order else len(order))


def _chart(stream: queries.StreamInfo, start: datetime, end: datetime) -> dict[str, Any]:
    """Readings, or means of hours or days where the span is long; with range, limits, gaps."""
    of = Datastream.objects.get(pk=stream.id)
    chart: dict[str, Any] = {"unit": stream.unit, "range": [of.lowest, of.highest], "limit": queries.limits(stream.id)}
    chart |= _presence(stream.id, start, end)
    if end - start > LONG:
        name = "PT1H" if end - start <= VERY_LONG else "P1D"
        local = [moment.astimezone(spans.COUNTY_ZONE) for moment in (start, end)]
        start, end = spans.begin(local[0], "hour"), spans.after(local[1], "hour")
        found = aggregate.aggregate(stream.id, start, end, aggregate.interval(name), ["mean"])
        means = [[one.start.isoformat(), one.figures["mean"], 0, 0] for one in found]
        return chart | {"points": means, "is_hourly": name == "PT1H", "is_daily": name == "P1D"}
    points = queries.series(stream.id, start, end, MOST_POINTS)
    shown: list[list[Any]] = [[p.time.isoformat(), p.value, p.verdict, p.origin] for p in points]
    if len(points) == MOST_POINTS:  # there may be more: what shows their shape
        thinned = aggregate.thinned(stream.id, start, end, MOST_POINTS)
        shown = [[time.isoformat(), value, 0, 0] for time, value in thinned] + [row for row in shown if row[2]]
    return chart | {"points": shown}


def _presence(stream: int, start: datetime, end: datetime) -> dict[str, Any]:
    """Gaps and completeness between the first reading there ever was and now."""
    latest = Latest.objects.filter(datastream=stream).first()
    if latest is None:
        return {}
    found = aggregate.presence(stream, max(start, latest.first_time), min(end, timezone.now()))
    if found is None or not found.expected:
        return {}
    gaps = [[a.isoformat(), b.isoformat()] for a, b in found.gaps]
    share = math.floor(1000 * found.completeness) / 10
    counts = {"there": found.there, "expected": found.expected}
    told = {
        "told": _("complete %(share)s %%") % {"share": share},
        "counts": _("%(there)s of %(expected)s expected readings") % counts,
    }
    return {"gaps": gaps, "presence": {"share": share, **counts, **told}}


def quarantined(request: Request, verb: str = SEE_QUARANTINE) -> Any:
    """Bad input of the county's devices, and of senders nobody knows for those who have the verb everywhere."""
    rows = Quarantine.objects.filter(dealt_with__isnull=True).select_related(
        "device__thing__area", "device__thing__organisation"
    )
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, verb)
    of_mine = Q(device__thing__in=things)
    return rows.filter(of_mine | Q(device__isnull=True) if _has_all(request, verb) else of_mine).order_by("-received")


def _has_all(request: Request, verb: str) -> bool:
    """A sender nobody knows belongs to no area: whoever has the verb in the whole county has it there."""
    return any(scope.area_path == f"{request.county.pk}/" for scope in request.actor.granting(verb))


def quarantine(request: Request) -> HttpResponse:
    """Bad input, newest first, with the reason."""
    access.require_verb(request.actor, SEE_QUARANTINE)
    page = Paginator(quarantined(request), PAGE).get_page(request.GET.get("page"))
    own = quarantined(request, DEAL_WITH).filter(pk__in=[row.pk for row in page])
    mine = set(own.values_list("pk", flat=True))
    rows = [
        {
            "row": row, "why": in_words(row.rule), "payload": queries.readable(row.payload)[:600],
            "may_deal": row.pk in mine,
        }
        for row in page
    ]  # fmt: skip
    context = {"rows": rows, "page": page, "may_deal": bool(mine)}
    return render(request, "things/quarantine.html", context)


@require_POST
def deal_with(request: Request, number: int) -> HttpResponse:
    """Somebody has looked into it."""
    row = get_object_or_404(quarantined(request), pk=number)
    if not quarantined(request, DEAL_WITH).filter(pk=number).exists():
        raise PermissionDenied
    row.dealt_with = timezone.now()
    row.save(update_fields=["dealt_with"])
    return redirect("things:quarantine")
