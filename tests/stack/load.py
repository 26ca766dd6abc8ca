"""What a stack is given: each line read is a JSON array, a verb and its words; "done" is printed after each."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from typing import Any

import django

PASSWORD, PROFILE = "123456", "ecology.water_station"
WHEN = {"profile": PROFILE, "property": "dissolved_oxygen", "below": 5, "for": "PT2H"}
RULES = {"local.low": {"level": "yellow"}, "local.begins": {"level": "blue", "starts": "local.second"}}
HEAD = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL" xmlns:c="http://camunda.org/schema/1.0/bpmn">
<message id="m" name="handed"/><process id="{id}" name="{id}" isExecutable="true"><extensionElements><c:properties>
<c:property name="prefix" value="{prefix}"/><c:property name="limit" value="P2D"/><c:property name="en" value="{id}"/>
<c:property name="stages" value="办理/Work"/></c:properties></extensionElements>"""
LINE = '<sequenceFlow id="{0}_{1}" sourceRef="{0}" targetRef="{1}"/>'
TIMER = "<timerEventDefinition><timeDuration>PT1S</timeDuration></timerEventDefinition>"
SAYS = '<c:inputOutput><c:inputParameter name="of">${of}</c:inputParameter></c:inputOutput>'
FIRST = "".join([
    HEAD.format(id="first", prefix="LA"), '<startEvent id="s"/><endEvent id="e"/>',
    f'<intermediateCatchEvent id="t">{TIMER}</intermediateCatchEvent>',
    f'<sendTask id="tell" messageRef="m"><extensionElements>{SAYS}</extensionElements></sendTask>',
    *(LINE.format(*ends) for ends in (("s", "t"), ("t", "tell"), ("tell", "e"))), "</process></definitions>",
])  # fmt: skip
SECOND = "".join([
    HEAD.format(id="second", prefix="LB"), '<startEvent id="s"/><endEvent id="e"/>',
    '<startEvent id="m1"><messageEventDefinition messageRef="m"/></startEvent>',
    '<userTask id="do" name="办理" c:candidateGroups="kernel.viewer"/>',
    *(LINE.format(*ends) for ends in (("s", "do"), ("m1", "do"), ("do", "e"))), "</process></definitions>",
])  # fmt: skip


def device(*words: str) -> None:
    """What the command `shizhu device` does, which takes as long to begin as to do twenty of them."""
    from shizhu.site.commands import device as command  # noqa: PLC0415  # Django must be set up first

    parser = argparse.ArgumentParser()
    command.options(parser)
    with contextlib.redirect_stdout(sys.stderr):
        assert command.main(parser.parse_args(words)) == 0


def declare(number: str) -> None:
    """So many devices, two rules that watch them, and a flow that waits a second, then hands over to another."""
    from shizhu.engines.alarms import api as alarms  # noqa: PLC0415  # Django must be set up first
    from shizhu.engines.things import api as things  # noqa: PLC0415
    from shizhu.kernel.models import Area, County, Organisation  # noqa: PLC0415

    county = County.objects.get()
    bodies = [("rules", key, {"when": WHEN, **body}) for key, body in RULES.items()]
    _keep([*bodies, ("flows", "local.first", {"text": FIRST}), ("flows", "local.second", {"text": SECOND})])
    top = Organisation.objects.get(county=county, code=county.pk)
    area = Area.objects.get(county=county, code=county.pk)
    for n in range(int(number)):
        things.register(things.Registration(f"month-{n}", PROFILE, f"month-{n}", top, area, None), PASSWORD)
    alarms.bind_all()


def watch(seconds: str) -> None:
    """A rule that misses rain gauges when they are silent for so long."""
    from shizhu.engines.alarms import api as alarms  # noqa: PLC0415  # Django must be set up first

    when = {"profile": "emergency.rain_gauge", "property": "rain", "missing": f"PT{seconds}S"}
    _keep([("rules", "local.silent", {"level": "blue", "when": when})])
    alarms.bind_all()


def _keep(bodies: list[tuple[str, str, dict[str, Any]]]) -> None:
    """The county's own declarations."""
    from shizhu.kernel import packs  # noqa: PLC0415  # Django must be set up first
    from shizhu.kernel.models import County, Declaration  # noqa: PLC0415

    for kind, key, said in bodies:
        more = {"title": {"zh": "低", "en": "Low"}, "examples": []} if kind == "rules" else {}
        own = {"body": more | said, "digest": "load", "source": "person"}
        Declaration.objects.update_or_create(kind=kind, key=key, county=County.objects.get(), defaults=own)
    packs.forget()


def open_cases(number: str) -> None:
    """So many cases of the first flow, one transaction each."""
    from shizhu.engines.cases import api as cases  # noqa: PLC0415  # Django must be set up first
    from shizhu.kernel.models import Area, County  # noqa: PLC0415

    county = County.objects.get()
    area = Area.objects.get(county=county, code=county.pk)
    for n in range(int(number)):
        cases.open_case(cases.Opening("local.first", f"first {n}", area, {"of": n}))


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "shizhu.site.settings"
    django.setup(set_prefix=False)
    from django.db import connections

    verbs = {"declare": declare, "device": device, "open": open_cases, "watch": watch}
    for line in sys.stdin:
        verb, *words = json.loads(line)
        verbs[verb](*words)
        connections.close_all()  # the database may be killed until the next
        print("done", flush=True)
