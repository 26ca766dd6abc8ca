"""Pages: many devices from a table, labels with QR codes, claiming one at its place, connecting one step by step."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core import signing
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from shizhu.engines.records import api as records
from shizhu.engines.things import provisioning, queries
from shizhu.engines.things.devices import KEY, DeviceRefused, Registration, new_password, register
from shizhu.engines.things.http.care import EDIT, own_device, sent_file
from shizhu.engines.things.http.listing import as_file
from shizhu.engines.things.http.reasons import in_words
from shizhu.engines.things.models import Datastream, Device, ServiceKind, ServiceRecord, Thing
from shizhu.engines.things.provisioning import REGISTER, Checker, RowProblem, Wanted
from shizhu.kernel import access, files, packs
from shizhu.kernel.models import Area, Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label, named
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

CHECKED = "things.provisioning"
PROTOCOLS = {"mqtt": "MQTT", "http": "SensorThings HTTP", "hj212": "HJ 212"}
LABELS = 200
PHOTOS = ("image/jpeg", "image/png")


def _profiles(request: Request) -> dict[str, Body]:
    return packs.declarations("things", request.county.pk)


def _titles(request: Request) -> list[tuple[str, str]]:
    return [(key, label(body["title"])) for key, body in _profiles(request).items()]


def table(request: Request) -> HttpResponse:
    """Many devices: take the template of a profile, fill it, have it checked, make them; passwords are given once."""
    access.require_verb(request.actor, REGISTER)
    profile = request.POST.get("profile") or request.GET.get("profile", "")
    body = _profiles(request).get(profile)
    context: dict[str, Any] = {"profiles": _titles(request), "profile": profile if body else ""}
    if body is None:
        return render(request, "things/import.html", context)
    if request.GET.get("as") == "template":
        template = records.written_table(label(body["title"]), provisioning.heads(body), ())
        return as_file(template, f"{profile}.xlsx")
    if request.POST.get("checked"):
        return _make(request, profile)
    if request.FILES.get("table"):
        context |= _check(request, body)
    return render(request, "things/import.html", context)


def _check(request: Request, body: Body) -> dict[str, Any]:
    """What is wrong row by row; if nothing is, the rows signed, so that they can be made as they were checked."""
    sent: Any = request.FILES["table"]
    checker = Checker(request.actor, request.county, body)
    wanted, problems = list[Wanted](), list[RowProblem]()
    try:
        for number, row in enumerate(records.sent_rows(sent)):
            if number == 0:
                continue  # the heads
            if number > provisioning.MOST:
                messages.error(request, _("At most %d devices in one table. Split it.") % provisioning.MOST)
                return {}
            found = checker.look(row.number, row.cells)
            if isinstance(found, Wanted):
                wanted.append(found)
            else:
                problems += found
    except records.Unreadable as error:
        messages.error(request, str(error))
        return {}
    known = checker.known()
    problems = sorted([*problems, *known], key=lambda one: one.row)
    if problems or not wanted:
        taken = {one.row for one in known}
        wanted = [one for one in wanted if one.row not in taken]
        return {"problems": problems[:200], "number": len(wanted), "is_empty": not wanted and not problems}
    return {
        "number": len(wanted),
        "checked": signing.dumps([asdict(one) for one in wanted], salt=CHECKED, compress=True),
    }


def _make(request: Request, profile: str) -> HttpResponse:
    try:
        signed = signing.loads(request.POST["checked"], salt=CHECKED, max_age=3600)
    except signing.BadSignature:
        messages.error(request, _("The check is older than an hour. Have the table checked again."))
        return redirect("things:import")
    rows = [Wanted(**{**one, "point": tuple(one["point"]) if one["point"] else None}) for one in signed]
    areas = Area.objects.in_bulk({row.area for row in rows})
    organisations = Organisation.objects.in_bulk({row.organisation for row in rows})
    for row in rows:  # rights may have changed since
        area, organisation = areas[row.area], organisations[row.organisation]
        may = access.may(request.actor, REGISTER, county=request.county.pk, organisation=organisation, area=area)
        if not may:
            messages.error(request, _("you may not register devices there"))
            return redirect("things:import")
    try:
        made = provisioning.make(profile, rows, is_waiting=request.POST.get("waiting") == "1")
    except DeviceRefused as error:
        messages.error(request, _("Nothing was made: %s") % error)
        return redirect("things:import")
    heads = [_("Device key"), _("Name"), _("Password")]
    return as_file(records.written_table(_("Credentials"), heads, made), "credentials.xlsx")


def labels(request: Request) -> HttpResponse:
    """A sheet (A4) of labels for devices that wait to be put up: name, key, QR code of the claim."""
    access.require_verb(request.actor, REGISTER)
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, REGISTER)
    devices = Device.objects.filter(thing__in=things, claim__isnull=False).select_related("thing__area").order_by("key")
    found = []
    for device in devices[:LABELS]:
        address = request.build_absolute_uri(reverse("things:claim", args=[device.claim]))
        found.append({"device": device, "code": qr(address)})
    return render(request, "things/labels.html", {"labels": found, "more": max(0, devices.count() - LABELS)})


def claim(request: Request, token: str) -> HttpResponse:
    """Who puts the device up says what it is called and where it stands; then it is let in."""
    devices = Device.objects.select_related("thing__area", "thing__organisation")
    device = get_object_or_404(devices, claim=token, county=request.county)
    access.require(request.actor, REGISTER, device.thing)
    if request.method == "POST":
        name = request.POST.get("name", "").strip()[:200]
        try:
            point = float(request.POST.get("longitude", "")), float(request.POST.get("latitude", ""))
            photo = sent_file(request, "photo", device, allowed=PHOTOS)
        except ValueError:
            point = (1000.0, 0.0)
        except files.FileRefused as error:
            messages.error(request, str(error))
            return redirect(request.path)
        if not name or not (-180 <= point[0] <= 180 and -90 <= point[1] <= 90):
            messages.error(request, _("Give the name and where it stands, as degrees in WGS 84."))
            return redirect(request.path)
        provisioning.claim(device, name, point)
        ServiceRecord.objects.create(
            device=device, kind=ServiceKind.INSTALLATION, at=timezone.now(), certificate=photo,
            after=f"{point[0]:.6f}, {point[1]:.6f}", entered_by_id=request.actor.person_id,
        )  # fmt: skip
        messages.success(request, _("It is let in now. Its first reading will be seen here."))
        return redirect("things:connected", device.thing_id)
    return render(request, "things/claim.html", {"device": device})


# -- connecting one


@never_cache
def connect(request: Request) -> HttpResponse:
    """The assistant: kind, name, protocol; then the credential, an example that works here, and the first reading."""
    access.require_verb(request.actor, REGISTER)
    towns = Area.objects.filter(county=request.county).exclude(level=Area.Level.VILLAGE).order_by("path")
    offices = Organisation.objects.filter(county=request.county).order_by("path")
    asked = {name: request.POST.get(name, "").strip() for name in ("profile", "key", "name", "area", "organisation")}
    protocol = request.POST.get("protocol", "mqtt")
    if request.method == "POST":
        area, office = towns.filter(code=asked["area"]).first(), offices.filter(code=asked["organisation"]).first()
        if area is None or office is None or not asked["name"] or protocol not in PROTOCOLS:
            messages.error(request, _("Choose kind, town, organisation and protocol, and give a name."))
        elif not access.may(request.actor, REGISTER, county=request.county.pk, organisation=office, area=area):
            messages.error(request, _("you may not register devices there"))
        elif (answer := _registered(request, asked, area, office, protocol)) is not None:
            return answer
    context = {
        "profiles": _titles(request), "towns": [(one.code, named(one)) for one in towns], "asked": asked,
        "offices": [(one.code, named(one)) for one in offices], "protocols": PROTOCOLS.items(), "protocol": protocol,
    }  # fmt: skip
    return render(request, "things/connect.html", context)


def _registered(
    request: Request, asked: dict[str, str], area: Area, office: Organisation, protocol: str
) -> HttpResponse | None:
    key = asked["key"] or _made_up_key(protocol)
    if Device.objects.filter(key=key).exists() or not KEY.fullmatch(key):
        messages.error(request, _("The key is taken, or has other signs than letters, digits, _ and -."))
        return None
    password = new_password(has_six_digits=protocol == "hj212")
    wanted = Registration(key, asked["profile"], asked["name"], office, area, None)
    try:
        device, _secret = register(wanted, password)
    except DeviceRefused as error:
        messages.error(request, str(error))
        return None
    return render(request, "things/connected.html", _told(request, device, password, protocol))


def _made_up_key(protocol: str) -> str:
    """HJ 212 wants 24 digits 0-9 A-F (2017 §6.3.2); for the others anything does."""
    return secrets.token_hex(12).upper() if protocol == "hj212" else f"d-{secrets.token_hex(4)}"


def connected(request: Request, number: int) -> HttpResponse:
    """The second page of the assistant, without the password, which was shown once."""
    device = own_device(request, number, EDIT)
    asked = request.GET.get("protocol", "mqtt")
    protocol = asked if asked in PROTOCOLS else "mqtt"
    return render(request, "things/connected.html", _told(request, device, "", protocol))


def _told(request: Request, device: Device, password: str, protocol: str) -> dict[str, Any]:
    return {
        "device": device, "thing": device.thing, "password": password, "protocol": protocol,
        "protocols": PROTOCOLS.items(), "examples": examples(request, device, password or "PASSWORD", protocol),
        **_first(device),
    }  # fmt: skip


def first(request: Request, number: int) -> HttpResponse:
    """The part of the page that asks again until there is a reading."""
    device = own_device(request, number, EDIT)
    return render(request, "things/first.html", {"thing": device.thing, "device": device, **_first(device)})


def _first(device: Device) -> dict[str, Any]:
    streams = queries.describe(Datastream.objects.filter(thing=device.thing_id).values_list("pk", flat=True))
    newest = queries.latest(streams)
    refused = device.quarantine.order_by("-received").first()
    return {
        "values": [{"stream": streams[pk], "point": point} for pk, point in newest.items()],
        "refused": refused,
        "why": in_words(refused.rule) if refused else "",
    }


def examples(request: Request, device: Device, password: str, protocol: str) -> list[tuple[str, str]]:
    """(title, text to copy) that send one reading to this very installation."""
    config, host = settings.CONFIG, request.get_host().partition(":")[0]
    declared = packs.declared("things", device.profile, device.county_id)["properties"]
    name, item = next(iter(declared.items()))
    lowest, highest = item.get("range", (0, 10))
    value = round(lowest + (highest - lowest) / 4, 2)
    if protocol == "http":
        stream = Datastream.objects.get(thing=device.thing_id, key=name).pk
        address = request.build_absolute_uri(f"/sta/v1.1/Datastreams({stream})/Observations")
        return [("curl", f"curl -i -u {device.key}:{password} -d '{{\"result\": {value}}}' \\\n  '{address}'")]
    if protocol == "hj212":
        return [
            (_("Settings of the data logger"), f"{host}:{config.hj212_port}\nMN={device.key}\nPW={password}\nST=21")
        ]
    payload = f'{{"values": {{"{name}": {value}}}}}'
    topic = f"d/{device.key}/telemetry"
    shell = (
        f"mosquitto_pub -h {host} -p {config.mqtt_port} -u {device.key} -P {password} -i {device.key} \\\n"
        f"  -q 1 -t {topic} -m '{payload}'"
    )
    python = f"""import json, paho.mqtt.client as mqtt

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="{device.key}", protocol=mqtt.MQTTv311)
client.username_pw_set("{device.key}", "{password}")
client.connect("{host}", {config.mqtt_port})
client.loop_start()
client.publish("{topic}", json.dumps({{"values": {{"{name}": {value}}}}}), qos=1).wait_for_publish()"""
    return [("mosquitto_pub", shell), ("Python", python)]
