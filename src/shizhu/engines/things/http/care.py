"""Pages: what is done to devices: credentials, commands, maintenance, calibration and other service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from shizhu.engines.things import advancing, commanding, health
from shizhu.engines.things.commanding import CommandRefused
from shizhu.engines.things.datasets import VIEW
from shizhu.engines.things.devices import new_password
from shizhu.engines.things.logic.readings import digest
from shizhu.engines.things.models import (
    Command,
    CommandState,
    Datastream,
    Device,
    Maintenance,
    ServiceKind,
    ServiceRecord,
    Thing,
)
from shizhu.kernel import access, files, packs
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import times
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

EDIT = "things.device.edit"
MOST_SHOWN = 100
LONGEST = timedelta(days=90)  # of maintenance


def own_device(request: Request, number: int, verb: str) -> Device:
    """The device of a Thing on which the person has the verb. Raises PermissionDenied, Http404."""
    devices = Device.objects.select_related("thing__area", "thing__organisation")
    device = get_object_or_404(devices, thing=number, county=request.county)
    access.require(request.actor, verb, device.thing)
    return device


def _back(device: Device, part: str) -> HttpResponse:
    return redirect(f"/things/{device.thing_id}/#{part}")


@require_POST
def switch(request: Request, number: int) -> HttpResponse:
    """Let a device in, or out at once: its open connections are closed by the gateway."""
    device = own_device(request, number, EDIT)
    device.is_enabled = request.POST.get("on") == "1"
    device.save(update_fields=["is_enabled"])
    messages.success(
        request,
        _("The device is let in again.") if device.is_enabled
        else _("The device is switched off. Open connections are closed now, new ones are refused."),
    )  # fmt: skip
    return _back(device, "credential")


@require_POST
def password(request: Request, number: int) -> HttpResponse:
    """Another password, shown once; whoever is connected with the old one is out at once."""
    device = own_device(request, number, EDIT)
    made = new_password(has_six_digits=request.POST.get("kind") == "digits")
    device.secret = digest(made)
    device.save(update_fields=["secret"])
    return render(request, "things/password.html", {"device": device, "password": made})


# -- commands


@dataclass(frozen=True)
class Parameter:
    """A field of the form of a command."""

    name: str
    title: str
    kind: str
    schema: Mapping[str, Any]


def parameters(body: Body) -> list[Parameter]:
    """The fields of a declared command."""
    found = body.get("parameters", {})
    return [Parameter(name, label(item["title"]), item["type"], item) for name, item in found.items()]


def given(request: Request, body: Body) -> dict[str, Any]:
    """What was typed, as the declared types; what cannot be read stays a text, which the schema then refuses."""
    readers: dict[str, Any] = {"number": float, "integer": int, "boolean": lambda text: text == "1", "string": str}
    values: dict[str, Any] = {}
    for field in parameters(body):
        typed = request.POST.get(f"p-{field.name}", "")
        try:
            values[field.name] = readers[field.kind](typed)
        except ValueError:
            values[field.name] = typed
    return values


@require_POST
def command(request: Request, number: int) -> HttpResponse:
    """Ask one device for something."""
    device = own_device(request, number, commanding.SEND)
    name = request.POST.get("name", "")
    body = commanding.declared(device).get(name, {})
    try:
        made = commanding.ask(request.actor, [device], name, given(request, body))
    except CommandRefused as error:
        messages.error(request, _("The command is refused: %s") % error)
    else:
        is_waiting = made[0].state == CommandState.PROPOSED
        messages.success(
            request, _("A second person has to agree now.") if is_waiting else _("The command is on its way.")
        )
    return _back(device, "commands")


def command_list(request: Request) -> HttpResponse:
    """Commands to the devices one may see, newest first; what waits for a second person on top."""
    access.require_verb(request.actor, VIEW)
    rows = list(_commands(request)[:MOST_SHOWN])
    waiting = [row for row in rows if row.state == CommandState.PROPOSED and row.expires > timezone.now()]
    batches: dict[UUID, list[Command]] = {}
    for row in waiting:
        batches.setdefault(row.batch, []).append(row)
    context = {
        "rows": shown(rows), "may_send": request.actor.has(commanding.SEND),
        "batches": [
            {
                "batch": batch, "rows": shown(own), "is_own": own[0].asked_by_id == request.actor.person_id,
                "first": shown(own[:1])[0],
            }
            for batch, own in batches.items()
        ],
        "may_approve": request.actor.has(commanding.APPROVE),
    }  # fmt: skip
    return render(request, "things/commands.html", context)


def _commands(request: Request) -> QuerySet[Command]:
    rows = commanding.visible(request.actor, VIEW).filter(device__county=request.county)
    return rows.select_related("device__thing", "asked_by", "decided_by")


def shown(rows: list[Command]) -> list[dict[str, Any]]:
    """Commands with their titles in words."""
    found = []
    for row in rows:
        declared = commanding.titles(row.device).get(row.name, {})
        parameters = declared.get("parameters", {})
        told = (
            [str(row.parameters.get("version", ""))]
            if row.name in advancing.TITLES
            else [f"{label(parameters.get(n, {}).get('title', n))} {_plain(v)}" for n, v in row.parameters.items()]
        )
        found.append({
            "row": row, "title": label(declared.get("title", row.name)), "told": " · ".join(told),
            "answer": _answer(row.answer, parameters),
        })  # fmt: skip
    return found


def _answer(given: Any, parameters: Mapping[str, Body]) -> str:
    """What a device said of a command, its names in words where they are known."""
    if not isinstance(given, Mapping):
        return "" if given is None else str(given)
    known = {"version": _("version"), "reason": _("reason")}
    names = {
        name: label(parameters[name].get("title", name)) if name in parameters else known.get(name, name)
        for name in given
    }
    return " · ".join(f"{names[name]}: {_plain(value)}" for name, value in given.items())


def _plain(value: Any) -> str:
    return (_("yes") if value else _("no")) if isinstance(value, bool) else str(value)


def command_group(request: Request) -> HttpResponse:
    """One command for many devices: who would get it and who is away (dry run), then propose it to a second person."""
    access.require_verb(request.actor, commanding.SEND)
    declared = packs.declarations("things", request.county.pk)
    ways = [
        (f"{key}|{name}", f"{label(body['title'])}: {label(item['title'])}")
        for key, body in declared.items()
        for name, item in body.get("commands", {}).items()
    ]
    asked = request.POST.get("way") or request.GET.get("way") or ""
    profile, _bar, name = asked.partition("|")
    body = declared.get(profile, {}).get("commands", {}).get(name)
    context: dict[str, Any] = {"ways": ways, "way": asked, "command": body}
    if body is not None:
        devices = _group(request, profile)
        how = health.look(devices, request.county.pk)
        context |= {
            "parameters": parameters(body),
            "targets": [{"device": one, "state": how[one.pk].state} for one in devices],
            "told": _("%(number)d devices would get it, %(away)d of them are away now")
            % {"number": len(devices), "away": sum(how[one.pk].state != "online" for one in devices)},
        }
        if request.method == "POST":
            return _propose(request, devices, name, body)
    return render(request, "things/command_group.html", context)


def _group(request: Request, profile: str) -> list[Device]:
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, commanding.SEND)
    devices = Device.objects.filter(thing__in=things, profile=profile, is_enabled=True)
    return list(devices.select_related("thing__area", "thing__organisation").order_by("thing__name"))


def _propose(request: Request, devices: list[Device], name: str, body: Body) -> HttpResponse:
    wanted = set(request.POST.getlist("device"))
    chosen = [device for device in devices if device.key in wanted]
    try:
        made = commanding.ask(request.actor, chosen, name, given(request, body))
    except CommandRefused as error:
        messages.error(request, _("The command is refused: %s") % error)
        return redirect(request.get_full_path())
    messages.success(request, _("Proposed for %d devices.") % len(made))
    return redirect("things:commands")


@require_POST
def command_decide(request: Request, batch: UUID) -> HttpResponse:
    """Agree as the second person, or take it back."""
    try:
        match request.POST.get("decide"):
            case "approve":
                messages.success(request, _("On its way to %d devices.") % commanding.approve(request.actor, batch))
            case "cancel":
                messages.success(request, _("Taken back from %d devices.") % commanding.cancel(request.actor, batch))
            case _other:
                messages.error(request, _("Choose what to do."))
    except CommandRefused as error:
        messages.error(request, _("The command is refused: %s") % error)
    return redirect("things:commands")


# -- maintenance and service


@require_POST
def maintain(request: Request, number: int) -> HttpResponse:
    """Enter a time of maintenance; readings of that time that come from now on are suspect and raise no alarm."""
    device = own_device(request, number, EDIT)
    starts, ends = _moment(request.POST.get("starts", "")), _moment(request.POST.get("ends", ""))
    reason = request.POST.get("reason", "").strip()[:200]
    if starts is None or ends is None or not timedelta() < ends - starts <= LONGEST or not reason:
        messages.error(request, _("Give begin, end (later, at most 90 days) and the reason."))
    else:
        Maintenance.objects.create(
            thing=device.thing, starts=starts, ends=ends, reason=reason, entered_by_id=request.actor.person_id
        )
        messages.success(request, _("Readings of that time will be marked and raise no alarm."))
    return _back(device, "maintenance")


@require_POST
def maintenance_end(request: Request, number: int) -> HttpResponse:
    """The work is done earlier: the window ends now, or is taken back if it has not begun."""
    row = get_object_or_404(Maintenance.objects.select_related("thing__area", "thing__organisation"), pk=number)
    access.require(request.actor, EDIT, row.thing)
    now = timezone.now()
    if row.starts >= now:
        row.delete()
    elif row.ends > now:
        row.ends = now
        row.save(update_fields=["ends"])
    return redirect(f"/things/{row.thing_id}/#maintenance")


def _moment(text: str) -> datetime | None:
    """A time typed in the county's time."""
    try:
        return times.typed(text, timezone.get_current_timezone())
    except ValueError:
        return None


@require_POST
def service(request: Request, number: int) -> HttpResponse:
    """Enter what was done to a device: calibration with before and after, repair, firmware, setting."""
    device = own_device(request, number, EDIT)
    kind, at = request.POST.get("kind", ""), _moment(request.POST.get("at", ""))
    try:
        until = parse_date(request.POST.get("valid_until", ""))
    except ValueError:
        until = None
    if kind not in ServiceKind.values or at is None or at > timezone.now():
        messages.error(request, _("Give what was done and when; it cannot lie in the future."))
        return _back(device, "service")
    stream = whole(request.POST.get("datastream", ""))
    streams = Datastream.objects.filter(thing=device.thing)
    try:
        with transaction.atomic():
            ServiceRecord.objects.create(
                device=device, kind=kind, at=at, valid_until=until,
                datastream=streams.filter(pk=stream).first(),
                before=request.POST.get("before", "")[:100], after=request.POST.get("after", "")[:100],
                note=request.POST.get("note", "")[:2000], entered_by_id=request.actor.person_id,
                certificate=sent_file(request, "certificate", device),
            )  # fmt: skip
    except files.FileRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Entered."))
    return _back(device, "service")


def sent_file(request: Request, field: str, device: Device, **rules: Any) -> Any:
    """A file that was sent with the form, kept where the device belongs; None without one. Raises FileRefused."""
    sent: Any = request.FILES.get(field)
    if sent is None:
        return None
    return files.keep(
        sent, name=sent.name or field, organisation=device.thing.organisation, area=device.thing.area,
        by=request.user if request.actor.person_id else None, **rules,
    )  # fmt: skip


def certificate(request: Request, number: int) -> HttpResponse:
    """The file of a calibration."""
    row = get_object_or_404(
        ServiceRecord.objects.select_related("device__thing__area", "device__thing__organisation", "certificate"),
        pk=number,
    )
    access.require(request.actor, VIEW, row.device.thing)
    if row.certificate is None:
        raise PermissionDenied
    return HttpResponse(
        files.path_of(row.certificate).read_bytes(), content_type=row.certificate.media_type,
        headers={"Content-Disposition": "attachment"},
    )  # fmt: skip


def panel(request: Request, device: Device) -> dict[str, Any]:
    """What the page of a device shows of all this, and what its reader may do."""
    may_edit, may_send = (
        access.may(
            request.actor, verb, county=device.county_id, organisation=device.thing.organisation, area=device.thing.area
        )
        for verb in (EDIT, commanding.SEND)
    )
    declared = commanding.declared(device) if may_send and device.is_enabled else {}
    return {
        "may_edit": may_edit,
        "commands": shown(list(_commands(request).filter(device=device)[:10])),
        "offered": [
            {
                "name": name, "title": label(body["title"]), "is_high": body.get("danger") == "high",
                "parameters": parameters(body),
            }
            for name, body in declared.items()
        ],
        "maintenance": device.thing.maintenance.select_related("entered_by")[:10],
        "service": device.service_records.select_related("entered_by", "datastream", "certificate")[:20],
        "kinds": ServiceKind.choices, "units": health.unit_history(device.thing_id), "now": timezone.now(),
        "installed": device.installed.select_related("release").order_by("kind"),
        "streams": Datastream.objects.filter(thing=device.thing).order_by("pk"),
    }  # fmt: skip
