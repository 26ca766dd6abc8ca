"""Page: how to write a program against this installation: a key, a tutorial to copy, the devices' protocols."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from shizhu.engines.things.models import Datastream, Thing
from shizhu.engines.things.provisioning import REGISTER
from shizhu.kernel import access
from shizhu.web.middleware import Request

VIEW = "things.thing.view"


@dataclass(frozen=True)
class Step:
    """Something to copy: what it does, and the text."""

    title: str
    text: str


def developer(request: Request) -> HttpResponse:
    """Five minutes with the addresses of this installation and a datastream that the reader may see."""
    access.require_verb(request.actor, VIEW)
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, VIEW)
    stream = Datastream.objects.filter(thing__in=things, latest__isnull=False).order_by("pk").first()
    base, number = request.build_absolute_uri("/sta/v1.1"), stream.pk if stream else 1
    context = {
        "steps": _steps(base, number), "protocols": _protocols(request), "may_register": request.actor.has(REGISTER),
    }  # fmt: skip
    return render(request, "things/developer.html", context)


def _steps(base: str, number: int) -> list[Step]:
    key, newest = 'curl -s -H "Authorization: Bearer $TOKEN"', "$orderby=phenomenonTime%20desc"
    python = f"""import json, os, urllib.request

address = "{base}/Datastreams({number})/Observations?$top=24&{newest}"
asked = urllib.request.Request(address, headers={{"Authorization": "Bearer " + os.environ["TOKEN"]}})
for row in json.load(urllib.request.urlopen(asked))["value"]:
    print(row["phenomenonTime"], row["result"])"""
    return [
        Step(_("Keep your key in the shell"), "export TOKEN=sz_…"),
        Step(_("Which stations are there?"), f"{key} '{base}/Things?$select=name&$top=5'"),
        Step(_("The last values of one"), f"{key} '{base}/Datastreams({number})/Observations?$top=5&{newest}'"),
        Step(
            _("Only what is above a value"),
            f"{key} '{base}/Datastreams({number})/Observations?$filter=result%20gt%205&$top=5&{newest}'",
        ),
        Step(_("The same in Python"), python),
    ]


def _protocols(request: Request) -> list[Step]:
    config, host = settings.CONFIG, request.get_host().partition(":")[0]
    user = f"-h {host} -p {config.mqtt_port} -u KEY -P PASSWORD -q 1 -i KEY"
    answer = '{"id": 7, "state": "done"}'
    telemetry = '{"time": "2026-07-01T08:00:00+08:00", "values": {"stage": 119.5}}'
    return [
        Step(_("MQTT: send"), f"mosquitto_pub {user} -t d/KEY/telemetry \\\n  -m '{telemetry}'"),
        Step(_("MQTT: hear what was refused, and commands"), f"mosquitto_sub {user}:2 -t d/KEY/errors -t cmd/KEY"),
        Step(_("MQTT: answer a command"), f"mosquitto_pub {user} -t cmd/KEY/ack \\\n  -m '{answer}'"),
        Step(
            "SensorThings HTTP",
            f"curl -i -u KEY:PASSWORD -d '{{\"result\": 119.5}}' \\\n"
            f"  '{request.build_absolute_uri('/sta/v1.1/Datastreams(ID)/Observations')}'",
        ),
        Step(
            "HJ 212",
            f"{host}:{config.hj212_port}\n##0101QN=20260701080000000;ST=21;CN=2011;PW=123456;MN=MN;Flag=5;"
            "CP=&&DataTime=20260701080000;w01009-Rtd=7.25,w01009-Flag=N&&CRC",
        ),
    ]
