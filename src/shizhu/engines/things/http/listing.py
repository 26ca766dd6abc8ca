"""Pages: stations with their health, how much of the time they were heard, both as a table to take away."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import BooleanField, Q, QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shizhu.engines.records import api as records
from shizhu.engines.things import datasets, health
from shizhu.engines.things.datasets import VIEW
from shizhu.engines.things.http.reasons import PROBLEMS, STATE_NAMES
from shizhu.engines.things.http.views import SEE_QUARANTINE, quarantined
from shizhu.engines.things.models import Device, Thing
from shizhu.kernel import access, packs
from shizhu.kernel.models import Area
from shizhu.kernel.text import label, named
from shizhu.web.middleware import Request

PAGE = 50
MOST = 20_000  # devices looked at for a filter by health, and rows of a table taken away
ASKED = ("q", "filter", "state", "problem", "profile", "town")
BY = {"profile": gettext_lazy("Kind"), "organisation": gettext_lazy("In charge"), "town": gettext_lazy("Town")}
DAYS = (1, 7, 30)


@dataclass(frozen=True)
class Line:
    """A Thing with its device (one without has no health)."""

    thing: Thing
    device: Device | None
    health: health.Health | None


def thing_list(request: Request) -> HttpResponse:
    """Every Thing the person may see, how it is, and what is wrong with it."""
    access.require_verb(request.actor, VIEW)
    asked = {name: request.GET[name] for name in ASKED if request.GET.get(name)}
    things = _chosen(request, asked)
    number = request.GET.get("page")
    if asked.keys() & {"state", "problem"}:
        lines = [line for line in _lines(things[:MOST], request.county.pk) if _fits(line, asked)]
        page: Any = Paginator(lines, PAGE).get_page(number)
        lines = list(page)
    else:
        page = Paginator(things, PAGE).get_page(number)
        lines = _lines(page, request.county.pk)
    profiles = packs.declarations("things", request.county.pk)
    rows = [
        {
            "thing": line.thing, "device": line.device, "state": line.health.state if line.health else "",
            "rate": None if line.health is None or line.health.rate is None else round(100 * line.health.rate),
            "findings": line.health.findings if line.health else [],
        }
        for line in lines
    ]  # fmt: skip
    context = {
        "rows": rows, "page": page, "q": asked.get("q", ""), "query": urlencode(asked),
        "condition": asked.get("filter", ""), "asked": asked, "states": STATE_NAMES.items(),
        "problems": PROBLEMS.items(),
        "profiles": [(key, label(body["title"])) for key, body in profiles.items()], "towns": _towns(request),
        "may_register": request.actor.has("things.device.edit"),
        "may_see_quarantine": request.actor.has(SEE_QUARANTINE), "waiting": quarantined(request).count(),
    }  # fmt: skip
    return render(request, "things/list.html", context)


def thing_table(request: Request) -> HttpResponse:
    """The same as an Excel file."""
    access.require_verb(request.actor, VIEW)
    asked = {name: request.GET[name] for name in ASKED if request.GET.get(name)}
    heads = [_("Name"), _("Device"), _("Kind"), _("Town"), _("In charge"), _("State"), _("Last heard"),
             _("Heard in the last day, %"), _("What is wrong"), _("Source")]  # fmt: skip
    writer = records.TableWriter(_("Stations"), heads)
    profiles = packs.declarations("things", request.county.pk)
    for line in _lines(_chosen(request, asked)[:MOST], request.county.pk):
        if not _fits(line, asked):
            continue
        device, how = line.device, line.health
        writer.add(
            [
                line.thing.name, device.key if device else "",
                label(profiles.get(device.profile, {}).get("title", device.profile)) if device else "",
                named(line.thing.area), named(line.thing.organisation), str(STATE_NAMES[how.state]) if how else "",
                f"{timezone.localtime(device.last_seen):%Y-%m-%d %H:%M:%S}" if device and device.last_seen else "",
                None if how is None or how.rate is None else round(100 * how.rate),
                "; ".join(finding.what for finding in how.findings) if how else "",
                device.get_origin_display() if device else "",
            ]
        )  # fmt: skip
    return as_file(writer.done(), "stations.xlsx")


def as_file(body: bytes, name: str, media_type: str = records.XLSX) -> HttpResponse:
    """A file to take away."""
    return HttpResponse(
        body, content_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def rate_page(request: Request) -> HttpResponse:
    """Share of hours in which stations were heard, put together by organisation, kind or town."""
    access.require_verb(request.actor, VIEW)
    by = request.GET["by"] if request.GET.get("by") in BY else "town"
    groups = _rates(request, by)
    if request.GET.get("as") == "xlsx":
        heads = [str(BY[by]), _("Stations"), *(f"{_('%d days') % number}, %" for number in DAYS)]
        rows = ([group["name"], group["number"], *group["rates"]] for group in groups)
        return as_file(records.written_table(_("Online rate"), heads, rows), "online-rate.xlsx")
    days = [_("%d days") % number for number in DAYS]
    for group in groups:
        group["told"] = [*zip(days, group["rates"], strict=True)]
    return render(request, "things/rates.html", {"groups": groups, "by": by, "ways": BY.items(), "days": days})


def _rates(request: Request, by: str) -> list[dict[str, Any]]:
    on = Device.objects.filter(county=request.county, is_enabled=True)
    things = list(_with_devices(_visible(request).filter(pk__in=on.values("thing"))))
    titles = packs.declarations("things", request.county.pk)
    names: dict[str, Callable[[Thing], str]] = {
        "town": lambda thing: named(thing.area),
        "organisation": lambda thing: named(thing.organisation),
        "profile": lambda thing: label(titles.get(_device(thing).profile, {}).get("title", "?")),
    }
    now, ids = timezone.now(), [thing.pk for thing in things]
    shares = {days: health.rates(ids, now - timedelta(days=days), now) for days in DAYS}
    groups: dict[str, list[int]] = defaultdict(list)
    for thing in things:
        groups[names[by](thing)].append(thing.pk)
    return [
        {"name": name, "number": len(own), "rates": [_mean(shares[days].get(pk) for pk in own) for days in DAYS]}
        for name, own in sorted(groups.items())
    ]


def _mean(shares: Iterable[float | None]) -> int | None:
    known = [share for share in shares if share is not None]
    return round(100 * sum(known) / len(known)) if known else None


def _device(thing: Thing) -> Device:
    return thing.devices.all()[0]


def _visible(request: Request) -> QuerySet[Thing]:
    return access.rows(Thing.objects.filter(county=request.county), request.actor, VIEW)


def _with_devices(things: QuerySet[Thing]) -> QuerySet[Thing]:
    return things.select_related("area", "organisation").prefetch_related("devices")


def _towns(request: Request) -> list[tuple[str, str]]:
    towns = Area.objects.filter(county=request.county, parent__code=request.county.pk).order_by("code")
    return [(town.code, named(town)) for town in towns]


def _chosen(request: Request, asked: dict[str, str]) -> QuerySet[Thing]:
    """What the address asks for, but for health."""
    things = _visible(request)
    if asked.get("q"):
        things = things.filter(Q(name__icontains=asked["q"]) | Q(key__icontains=asked["q"]))
    if asked.get("profile"):
        things = things.filter(devices__profile=asked["profile"])
    if asked.get("town"):
        things = things.filter(area__path__startswith=f"{request.county.pk}/{asked['town']}/")
    if asked.get("filter"):
        try:
            fulfilled = datasets.with_devices(asked["filter"], timezone.now())
        except records.Cql2Error as error:
            messages.error(request, _("The condition cannot be understood: %s") % error)
            things = things.none()
        else:
            sql, params = fulfilled.sql, fulfilled.params
            things = things.filter(RawSQL(sql, params, output_field=BooleanField()))  # noqa: S611  # ours, bound
    return _with_devices(things).order_by("name", "pk")


def _lines(things: Iterable[Thing], county: str) -> list[Line]:
    listed = list(things)
    devices = {thing.pk: next(iter(thing.devices.all()), None) for thing in listed}
    found = health.look([device for device in devices.values() if device], county)
    return [
        Line(thing, device, found[device.pk] if device else None) for thing in listed for device in (devices[thing.pk],)
    ]


def _fits(line: Line, asked: dict[str, str]) -> bool:
    how = line.health
    if asked.get("state") and (how is None or how.state != asked["state"]):
        return False
    kinds = {finding.kind for finding in how.findings} if how else set()
    return not asked.get("problem") or bool(kinds if asked["problem"] == "any" else kinds & {asked["problem"]})
