"""Pages: stations and their health, one station with its values, bad input waiting for somebody."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import BooleanField, Q
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.records import api as records
from shizhu.engines.things import datasets, queries
from shizhu.engines.things.catalogue import profile
from shizhu.engines.things.datasets import SILENT_AFTER
from shizhu.engines.things.http.reasons import doubt, in_words
from shizhu.engines.things.models import Datastream, Device, Quarantine, Thing
from shizhu.kernel import access, packs
from shizhu.web.middleware import Request

SPANS = {"6h": timedelta(hours=6), "1d": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
SEE_QUARANTINE, DEAL_WITH = "things.quarantine.view", "things.quarantine.edit"
PAGE = 50


def thing_list(request: Request) -> HttpResponse:
    """Every Thing the person may see, with when it was last heard of."""
    access.require_verb(request.actor, "things.thing.view")
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, "things.thing.view")
    if request.GET.get("q"):
        things = things.filter(Q(name__icontains=request.GET["q"]) | Q(key__icontains=request.GET["q"]))
    condition = request.GET.get("filter", "")
    if condition:
        try:
            fulfilled = datasets.with_devices(condition, timezone.now())
        except records.Cql2Error as error:
            messages.error(request, _("The condition cannot be understood: %s") % error)
            things = things.none()
        else:
            sql, params = fulfilled.sql, fulfilled.params
            things = things.filter(RawSQL(sql, params, output_field=BooleanField()))  # noqa: S611  # ours, bound
    page = Paginator(things.select_related("area").order_by("name"), PAGE).get_page(request.GET.get("page"))
    devices = {device.thing_id: device for device in Device.objects.filter(thing__in=[thing.pk for thing in page])}
    rows = [
        {"thing": thing, "device": devices.get(thing.pk), "is_silent": _is_silent(devices.get(thing.pk))}
        for thing in page
    ]
    asked = request.GET.get("q", "")
    kept = urlencode({name: value for name, value in (("q", asked), ("filter", condition)) if value})
    context = {
        "rows": rows, "page": page, "q": asked, "query": f"{kept}&" if kept else "", "condition": condition,
        "may_see_quarantine": request.actor.has(SEE_QUARANTINE), "waiting": _quarantine(request).count(),
    }  # fmt: skip
    return render(request, "things/list.html", context)


def _is_silent(device: Device | None) -> bool:
    return device is not None and (device.last_seen is None or timezone.now() - device.last_seen > SILENT_AFTER)


def thing_detail(request: Request, number: int) -> HttpResponse:
    """One Thing: latest values, a chart of one property, the last packet as it came."""
    thing = get_object_or_404(Thing.objects.select_related("area", "organisation"), pk=number)
    access.require(request.actor, "things.thing.view", thing)
    device = Device.objects.filter(thing=thing).first()
    streams = queries.describe(Datastream.objects.filter(thing=thing).order_by("pk").values_list("pk", flat=True))
    newest = queries.latest(streams)
    shown = _in_order(streams, device)
    values = [
        {"stream": stream, "point": newest[stream.id], "doubt": doubt(newest[stream.id].reason)}
        for stream in shown
        if stream.id in newest
    ]
    asked = request.GET.get("stream", "")
    chosen = (streams.get(int(asked)) if asked.isdecimal() else None) or next(iter(shown), None)
    span = request.GET.get("span", "1d") if request.GET.get("span") in SPANS else "1d"
    context: dict[str, Any] = {"thing": thing, "device": device, "values": values, "chosen": chosen, "span": span}
    declared = packs.declared("things", device.profile, thing.county_id) if device else {}
    titles = declared.get("attributes", {})
    context |= {
        "spans": [(name, _span(span)) for name, span in SPANS.items()],
        "silent": [stream for stream in shown if stream.id not in newest],
        "profile": declared,
        "attributes": [(titles.get(name, name), value) for name, value in (thing.properties or {}).items()],
        "is_silent": _is_silent(device),
        "why_last": in_words(device.last_error["rule"]) if device and device.last_error else "",
        "packet": queries.readable(device.last_packet if device else None),
    }
    if chosen:
        last = newest.get(chosen.id)
        end = max(timezone.now(), last.time) if last else timezone.now()
        context["chart"] = _chart(chosen, end - SPANS[span], end)
    return render(request, "things/detail.html", context)


def _span(span: timedelta) -> str:
    hours = int(span.total_seconds()) // 3600
    return _("%s h") % hours if hours < 24 else _("%s d") % (hours // 24)


def _in_order(streams: dict[int, queries.StreamInfo], device: Device | None) -> list[queries.StreamInfo]:
    if device is None:
        return list(streams.values())
    order = list(profile(device.profile, device.county_id)["properties"])
    return sorted(streams.values(), key=lambda s: order.index(s.property) if s.property in order else len(order))


def _chart(stream: queries.StreamInfo, start: datetime, end: datetime) -> dict[str, Any]:
    points = queries.series(stream.id, start, end)
    return {"unit": stream.unit, "points": [[p.time.isoformat(), p.value, p.verdict, p.origin] for p in points]}


def _quarantine(request: Request, verb: str = SEE_QUARANTINE) -> Any:
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
    page = Paginator(_quarantine(request), PAGE).get_page(request.GET.get("page"))
    own = _quarantine(request, DEAL_WITH).filter(pk__in=[row.pk for row in page])
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
    row = get_object_or_404(_quarantine(request), pk=number)
    if not _quarantine(request, DEAL_WITH).filter(pk=number).exists():
        raise PermissionDenied
    row.dealt_with = timezone.now()
    row.save(update_fields=["dealt_with"])
    return redirect("things:quarantine")
