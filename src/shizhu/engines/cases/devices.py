"""What flows ask of devices, by service tasks with a topic done here: tell one something, read its values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.cases import flows, happening
from shizhu.engines.cases.logic import Flow, FlowError, parse
from shizhu.engines.cases.models import Waiting
from shizhu.engines.things import api as things
from shizhu.kernel import events, packs
from shizhu.kernel.packs import Body, LoadedPacks
from shizhu.kernel.text import label
from shizhu.lib.times import parse_duration

COMMAND, LATEST = "things.command", "things.latest"
OWN = {COMMAND: {"command", "device"}, LATEST: {"device", "within"}}  # topic → inputs that are no parameters
WITHIN = "PT1H"


def job_ready(event: events.Event) -> None:
    """Do what a flow asks of a device."""
    if event.data["topic"] not in OWN:
        return
    with transaction.atomic():
        row = Waiting.objects.select_for_update(of=("self",)).select_related("case__area").filter(pk=event.data["job"])
        wait = row.filter(key="").first()
        if wait is None:
            return
        given = inputs_of(wait)
        device = str(given.get("device") or _device_of(wait))
        if wait.name == COMMAND:
            answer = _ask(wait, device, given)
        else:
            answer = _read(wait, device, str(given.get("within") or WITHIN))
    if answer is not None:
        _go_on(wait, answer)


def inputs_of(wait: Waiting) -> dict[str, Any]:
    """The inputs of the activity that waits."""
    places = {one["n"]: one for one in wait.case.state["marking"]}
    here, found = places.get(wait.place), dict[str, Any]()
    while here and here["at"] == wait.event:  # of one of many, those of the whole too
        found = {**here.get("vars", {}), **found}
        here = places.get(here["within"])
    return {name: value for name, value in found.items() if name != "loopCounter"}


def _device_of(wait: Waiting) -> str:
    """The device of the alarm that began the case."""
    stream = wait.case.datastream
    found = things.describe([stream]).get(stream) if stream else None
    return found.device if found else ""


def _ask(wait: Waiting, device: str, given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Send the command; why it cannot be, as an answer."""
    case = wait.case
    parameters = {name: value for name, value in given.items() if name not in OWN[COMMAND]}
    try:
        number = things.ask_for(
            f"{case.number} {case.title}", case.area, device, str(given.get("command", "")), parameters
        )
    except things.CommandRefused as error:
        return {"state": "refused", "device": device, "answer": str(error)}
    wait.key = str(number)
    wait.save(update_fields=["key"])
    return None


def _read(wait: Waiting, device: str, within: str) -> dict[str, Any]:
    """The newest good values of a device, and of which there is none."""
    try:
        found = things.readings_of(device, wait.case.area, parse_duration(within))
    except (KeyError, ValueError) as error:
        why = f"device: {device!r}: there is no such device in {wait.case.area.name}"
        return {"state": "refused", "device": device, "answer": why if isinstance(error, KeyError) else str(error)}
    now, told = timezone.now(), dict[str, Any]()
    for name, point in found.items():
        age = (now - point.time).total_seconds() / 60 if point else None
        told[name] = {
            "value": point.value if point else None,
            "time": point.time.astimezone(UTC).isoformat() if point else None,
            "minutes": None if age is None else round(age, 1),
        }
    missing = sorted(name for name, point in found.items() if point is None)
    return {**told, "state": "done", "device": device, "missing": missing}


def command_ended(event: events.Event) -> None:
    """A command that a case asked for has ended: the case goes on with how."""
    wait = Waiting.objects.select_related("case__area").filter(
        kind="job", name=COMMAND, key=str(event.data["command"]), county=event.county
    )
    if (row := wait.first()) is not None:
        _go_on(row, {name: event.data[name] for name in ("state", "device", "answer")})


def _go_on(wait: Waiting, answer: Mapping[str, Any]) -> None:
    """What is not done is a BPMN error of that code where the flow catches it, else an answer that it may ask for."""
    flow = flows.version(wait.case.flow, wait.case.digest)[0]
    state = str(answer["state"])
    error = state if state != "done" and _catches(flow, wait.event, state) else ""
    try:
        happening.happened(wait.pk, answer, "job", error=error)
    except FlowError as fault:
        happening.stuck(wait.case_id, wait.event, fault)


def _catches(flow: Flow, id_: str, code: str) -> bool:
    """Whether an error event of this code, or of any, sits on the activity or on what is around it."""
    owners = {node.inner.id: node.step.id for node in flow.node.values() if node.inner}
    here: str | None = id_
    while here:
        scope = flow.home[here]
        around = [*flow.boundary.get(here, ()), *(begin for _sub, begin in scope.triggers())]
        if any(one.event and one.event.kind == "error" and one.event.name in {"", code} for one in around):
            return True
        here = owners.get(scope.id)
    return False


def rights(body: Body) -> Iterator[str]:
    """What who keeps a flow must be allowed to do, as its cases do it without them."""
    try:
        flow = parse(body["text"].encode(), key="")
    except FlowError:
        return  # told of the flow
    if any(node.topic == COMMAND for node in flow.node.values()):
        yield "things.command.send"


def commands(county: str) -> list[tuple[str, str, list[tuple[str, str, str]]]]:
    """(name, title, its parameters as (name, title, type)) of every command that devices of a county may know."""
    known = [body.get("commands", {}) for body in packs.declarations("things", county).values()]
    every = {name: item for one in known for name, item in one.items()}
    return [
        (
            name,
            label(item["title"]),
            [(key, label(one.get("title", key)), one["type"]) for key, one in item.get("parameters", {}).items()],
        )
        for name, item in every.items()
    ]


def check(flow: Flow, everything: LoadedPacks) -> Iterator[str]:
    """Topics that are done here exist; commands and their parameters are what a profile declares."""
    for node in flow.node.values():
        if node.topic.startswith("things.") and node.topic not in OWN:
            yield f"{node.step.id}: {node.topic}: is no topic that is done here; there are {', '.join(OWN)}"
        if node.topic == COMMAND:
            yield from (f"{node.step.id}: {line}" for line in _of_command(dict(node.inputs), everything))
        if node.topic == LATEST:
            odd = sorted(name for name, _ in node.inputs if name not in OWN[LATEST])
            yield from (f"{node.step.id}: {name}: is no input of {LATEST}; it reads device, within" for name in odd)


def _of_command(given: Mapping[str, str], everything: LoadedPacks) -> Iterator[str]:
    if "command" not in given:
        yield "command: must be given as an input: which command of the device's profile"
        return
    name = _literal(given["command"])
    if not isinstance(name, str):
        return  # FEEL, known as the case runs
    known: dict[str, Body] = {}
    for pack in everything.values():
        for item in (one for one in pack.declared if one.kind == "things"):
            known |= {key: one for key, one in item.body.get("commands", {}).items() if key not in known or key == name}
    if name not in known:
        yield f"command: {name}: no device profile declares it; known are {', '.join(sorted(known)) or 'none'}"
        return
    wanted = known[name].get("parameters", {})
    for key, expression in given.items():
        if key in OWN[COMMAND]:
            continue
        if key not in wanted:
            yield f"{key}: is no parameter of the command {name}; it has {', '.join(wanted) or 'none'}"
        elif isinstance(_literal(expression), str) and wanted[key].get("type") != "string":
            yield f"{key}: {_literal(expression)!r}: is text; write ={_literal(expression)} for {wanted[key]['type']}"
    yield from (f"{key}: must be given: the command {name} needs it" for key in wanted if key not in given)


def _literal(expression: str) -> Any:
    """A text that an input holds as it is, None for FEEL that is worked out."""
    try:
        found = json.loads(expression)
    except ValueError:
        return None
    return found if isinstance(found, str) else None
