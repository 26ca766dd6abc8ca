"""Commands to devices: asked for, agreed to by a second person where that is due, sent until answered, kept for good.

proposed → queued → sent → acknowledged → done | failed | timed out | cancelled. What goes to several devices,
and what a profile calls dangerous, waits as proposed until somebody else agrees. A device hears a
command at least once, with its id: one it did already it only answers again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import orjson
import psycopg
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from jsonschema import Draft202012Validator

from shizhu.engines.things import advancing
from shizhu.engines.things.advancing import edge_of
from shizhu.engines.things.models import Command, CommandState, Device, Thing
from shizhu.kernel import access, events, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body
from shizhu.lib.times import parse_duration

ENDED_EVENT = "things.command.ended"  # of a command that no person asked for
SEND, APPROVE = "things.command.send", "things.command.approve"
WITHIN = "PT10M"
LOOK_AFTER = timedelta(seconds=3)  # whether an edge is reached again
AGAIN_AFTER = timedelta(seconds=15)  # without a word of the device
OPEN = (CommandState.PROPOSED, CommandState.QUEUED, CommandState.SENT, CommandState.ACKNOWLEDGED)
ENDED = (CommandState.DONE, CommandState.FAILED)
HEARD = (CommandState.SENT, CommandState.ACKNOWLEDGED)
LATE = (CommandState.TIMED_OUT, CommandState.CANCELLED)  # then a device may have done it all the same
SAID = {"acknowledged": CommandState.ACKNOWLEDGED, "done": CommandState.DONE, "failed": CommandState.FAILED}
CHANNEL = "things_commands"
LONGEST_WAIT = 60.0  # seconds
LONGEST_ANSWER = 10_000  # bytes


class CommandRefused(ValueError):
    """A command that cannot be asked for, agreed to or cancelled; the text names field, value and rule."""


@dataclass(frozen=True)
class Outgoing:
    """A command to be published: id, key of the device, what it is told; the edge of the device, if it has one."""

    id: int
    device: str
    payload: bytes
    edge: str = ""


def declared(device: Device) -> dict[str, Body]:
    """The commands of the device's profile."""
    found: dict[str, Body] = packs.declared("things", device.profile, device.county_id).get("commands", {})
    return found


def titles(device: Device) -> dict[str, Body]:
    """All commands that the device may have had: its profile's own, and those of rollouts."""
    return {**declared(device), **{name: {"title": title} for name, title in advancing.TITLES.items()}}


def schema(body: Body) -> Body:
    """JSON Schema of all parameters of a declared command."""
    parameters = {
        name: {key: value for key, value in item.items() if key != "title"}
        for name, item in body.get("parameters", {}).items()
    }
    return {"type": "object", "properties": parameters, "required": [*parameters], "additionalProperties": False}


def send_command(who: Actor, device: str, name: str, parameters: Mapping[str, Any]) -> int:
    """Ask one device for something; the id of the command. A dangerous one waits for a second person.

    Raises CommandRefused and PermissionDenied.
    """
    found = Device.objects.filter(key=device).first()
    if found is None:
        raise CommandRefused(f"device: {device!r}: there is no such device")
    return ask(who, [found], name, parameters)[0].pk


@transaction.atomic
def ask(who: Actor, devices: Sequence[Device], name: str, parameters: Mapping[str, Any]) -> list[Command]:
    """Ask devices for the same thing, as one batch; all or nothing. Raises CommandRefused and PermissionDenied."""
    if not devices:
        raise CommandRefused("devices: none: choose at least one")
    batch, made = uuid4(), []
    for device in devices:
        access.require(who, SEND, device.thing)
        body = _checked(device, name, parameters)
        is_watched = len(devices) > 1 or body.get("danger") == "high"
        made.append(
            Command(
                device=device, name=name, parameters=dict(parameters), batch=batch, asked_by_id=who.person_id,
                state=CommandState.PROPOSED if is_watched else CommandState.QUEUED,
                expires=timezone.now() + parse_duration(body.get("within", WITHIN)),
            )
        )  # fmt: skip
    return Command.objects.bulk_create(made)


@transaction.atomic
def ask_for(what: str, area: Area, device: str, name: str, parameters: Mapping[str, Any]) -> int:
    """Ask a device in an area for something because of `what`, without a person; the id of the command.

    A dangerous one waits until somebody who may agree does. Its end is told by ENDED_EVENT. Raises CommandRefused.
    """
    found = Device.objects.select_related("thing__area").filter(key=device, county=area.county_id).first()
    if found is None or not found.thing.area.path.startswith(area.path):
        raise CommandRefused(f"device: {device!r}: there is no such device in {area.name}")
    body = _checked(found, name, parameters)
    row = Command.objects.create(
        device=found, name=name, parameters=dict(parameters), batch=uuid4(), asked_for=what[:200],
        state=CommandState.PROPOSED if body.get("danger") == "high" else CommandState.QUEUED,
        expires=timezone.now() + parse_duration(body.get("within", WITHIN)),
    )  # fmt: skip
    return row.pk


def _tell_end(row: Command) -> None:
    """Tell what asked for it, if that was no person, how a command ended."""
    if row.asked_for:
        told = {"command": row.pk, "device": row.device.key, "state": str(row.state), "answer": row.answer}
        events.emit(ENDED_EVENT, row.pk, row.device.county_id, told)


def _checked(device: Device, name: str, parameters: Mapping[str, Any]) -> Body:
    """The declaration of the command, if the device has it and the parameters are right."""
    body = declared(device).get(name)
    if body is None:
        raise CommandRefused(f"command: {name!r}: the profile of {device.key} declares no such command")
    if not device.is_enabled:
        raise CommandRefused(f"device: {device.key}: it is switched off")
    for error in Draft202012Validator(schema(body)).iter_errors(dict(parameters)):
        raise CommandRefused(f"{'.'.join(map(str, error.path)) or 'parameters'}: {error.message}")
    return body


def visible(who: Actor, verb: str) -> QuerySet[Command]:
    """Commands of the devices on which somebody has a verb."""
    things = access.rows(Thing.objects.all(), who, verb)
    return Command.objects.filter(device__thing__in=things)


@transaction.atomic
def approve(who: Actor, batch: UUID) -> int:
    """Agree to what another person proposed; returns to how many devices it goes. The time to answer begins anew.

    Raises CommandRefused and PermissionDenied.
    """
    rows = list(_waiting(batch))
    for row in rows:
        access.require(who, APPROVE, row.device.thing)
        if (row.asked_by_id is None and not row.asked_for) or row.asked_by_id == who.person_id:
            raise PermissionDenied("a second person has to agree, not who asked for it")
    moment = timezone.now()
    for row in rows:
        body = _checked(row.device, row.name, row.parameters)
        row.state, row.decided_by_id = CommandState.QUEUED, who.person_id
        row.expires = moment + parse_duration(body.get("within", WITHIN))
        row.save(update_fields=["state", "decided_by", "expires"])
    return len(rows)


def _waiting(batch: UUID) -> Iterable[Command]:
    rows = Command.objects.filter(batch=batch, state=CommandState.PROPOSED, expires__gt=timezone.now())
    found = rows.select_for_update(of=("self",)).select_related("device__thing__area", "device__thing__organisation")
    if not (listed := list(found)):
        raise CommandRefused("batch: nothing of it waits for a second person any more")
    return listed


@transaction.atomic
def cancel(who: Actor, batch: UUID) -> int:
    """Take back what the devices have not received yet; returns from how many.

    Raises CommandRefused and PermissionDenied.
    """
    rows = list(
        Command.objects.filter(batch=batch, state__in=OPEN[:3], target__isnull=True)  # a rollout is stopped as a whole
        .select_for_update(of=("self",))
        .select_related("device__thing__area", "device__thing__organisation")
    )
    if not rows:
        raise CommandRefused("batch: nothing of it can be taken back any more")
    for row in rows:
        if row.asked_by_id != who.person_id:
            access.require(who, APPROVE, row.device.thing)
    for row in rows:
        row.state = CommandState.CANCELLED
        _tell_end(row)
    return Command.objects.filter(pk__in=[row.pk for row in rows]).update(
        state=CommandState.CANCELLED, decided_by=who.person_id, ended_at=timezone.now()
    )


def due(most: int = 200, away: Collection[str] = ()) -> tuple[list[Outgoing], float]:
    """What is to be published now: never sent, or sent a while ago without a word. What is out of time ends.

    What is for devices of an edge that is `away` waits, and says so.

    Also in how many seconds, at most LONGEST_WAIT, it is to be asked again if nothing changes meanwhile. While nothing
    is open it is one query.
    """
    outgoing, wait, overdue = _due(most, away)
    if not overdue:
        return outgoing, wait
    for number in overdue:  # one at a time: a rollout is held before its commands
        with transaction.atomic():
            advancing.end_overdue(number)
    return outgoing, 0.0  # another wave may have begun


@transaction.atomic
def _due(most: int, away: Collection[str]) -> tuple[list[Outgoing], float, list[int]]:
    """As `due`; what is out of time and belongs to a rollout is only named."""
    moment = timezone.now()
    rows = list(
        Command.objects.filter(state__in=OPEN)
        .select_for_update(of=("self",), skip_locked=True)
        .select_related("device__thing__area", "target")
        .order_by("id")
    )
    overdue = [row.pk for row in rows if row.expires <= moment and hasattr(row, "target")]
    over = [row for row in rows if row.expires <= moment and not hasattr(row, "target")]
    going = [row for row in rows if row.expires > moment and row.device.is_enabled and _due_at(row) <= moment]
    edges = settings.CONFIG.edges if going else {}
    edge = {row.pk: edge_of(row.device.thing.area, edges) for row in going}
    held = [row for row in going if edge[row.pk] in away]
    for row in held:
        if row.held_by != edge[row.pk]:
            row.held_by = edge[row.pk]
            row.save(update_fields=["held_by"])
    going = [row for row in going if edge[row.pk] not in away]
    going, later = going[:most], going[most:]
    if over:
        ended = Command.objects.filter(pk__in=[row.pk for row in over])
        ended.update(state=CommandState.TIMED_OUT, ended_at=moment)
        for row in over:
            row.state = CommandState.TIMED_OUT
            _tell_end(row)
    if going:
        sent = Command.objects.filter(pk__in=[row.pk for row in going])
        sent.update(state=CommandState.SENT, sent_at=moment, tries=F("tries") + 1, held_by="")
    left = {*overdue, *(row.pk for row in (*over, *going, *later, *held))}
    times = [min(row.expires, _due_at(row)) for row in rows if row.pk not in left and row.device.is_enabled]
    times += [row.expires for row in rows if row.pk not in left] + [moment + AGAIN_AFTER for _ in going[:1]]
    times += [min(row.expires, moment + LOOK_AFTER) for row in held]
    wait = min([(at - moment).total_seconds() for at in times], default=LONGEST_WAIT)
    wait = 0.0 if later else min(wait, LONGEST_WAIT)
    return [Outgoing(row.pk, row.device.key, message(row), edge[row.pk]) for row in going], wait, overdue


def _due_at(row: Command) -> datetime:
    """When it is to be sent (again)."""
    if row.state == CommandState.QUEUED:
        return row.asked_at
    is_unheard = row.state == CommandState.SENT and row.sent_at is not None
    return row.sent_at + AGAIN_AFTER if is_unheard and row.sent_at else row.expires


@asynccontextmanager
async def news() -> AsyncIterator[Callable[[float], Awaitable[None]]]:
    """Waits so many seconds, or until a command is asked for, agreed to or answered."""
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")

        async def wait(seconds: float) -> None:
            async for _ in connection.notifies(timeout=seconds, stop_after=1):
                pass

        yield wait


def message(row: Command) -> bytes:
    """What the device reads: `{"id": 7, "command": "set_interval", "parameters": {…}, "expires": "…"}`."""
    return orjson.dumps(
        {"id": row.pk, "command": row.name, "parameters": row.parameters, "expires": row.expires.isoformat()}
    )


@transaction.atomic
def answered(key: str, payload: bytes, at: datetime, edge: str = "") -> str:
    """Take in what a device says of a command: `{"id": 7, "state": "done", "result": …}`; why not, where it is wrong.

    A repeated or late answer changes nothing: an end is an end. What takes long may be told on the way:
    `{"id": 7, "state": "acknowledged", "stage": "downloading", "percent": 40}`. An edge speaks for its own devices
    alone.
    """
    try:
        said = orjson.loads(payload[:LONGEST_ANSWER])
        number, state = int(said["id"]), SAID[said["state"]]
    except (ValueError, KeyError, TypeError):
        return "an answer is {id, state}, its state acknowledged, done or failed"
    target = advancing.held(number)
    mine = Command.objects.select_for_update(of=("self",)).filter(pk=number, device__key=key)
    row = mine.select_related("device__thing__area").first()
    if row is None or (edge and edge_of(row.device.thing.area, settings.CONFIG.edges) != edge):
        return "the device got no command of that id"
    if target and state == CommandState.DONE:
        if not advancing.has_right_version(target, said.get("result")):
            state = CommandState.FAILED
        elif row.state in (*HEARD, *LATE):
            advancing.installed(target, at)
    is_open = row.state in HEARD
    is_news = row.state == CommandState.SENT or (row.state == CommandState.ACKNOWLEDGED and state in ENDED)
    if is_open:
        row.progress = advancing.progressed(row.progress, said)
    if is_news:
        row.state, row.acknowledged_at, row.answer = state, row.acknowledged_at or at, said.get("result")
        row.held_by = ""
        row.ended_at = at if state in ENDED else None
    if is_open:
        row.save(update_fields=["state", "acknowledged_at", "answer", "ended_at", "progress", "held_by"])
    if is_news and state in ENDED:
        _tell_end(row)
    if target and is_news and state in ENDED:
        advancing.advance(target.rollout)
    return ""
