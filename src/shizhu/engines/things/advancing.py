"""A rollout goes on: what it told devices ended, so the next wave begins, or it stops, or it is done.

Whoever changes a rollout holds its row first and the rows of its commands after that.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db.models import Count, Q
from django.utils import timezone

from shizhu.engines.things.logic.waves import Move, Wave, move
from shizhu.engines.things.models import (
    Command,
    CommandState,
    Installed,
    Release,
    ReleaseKind,
    Rollout,
    RolloutState,
    ServiceKind,
    ServiceRecord,
    Target,
)
from shizhu.kernel import events, packs
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body
from shizhu.lib.times import parse_duration

COMMANDS = {ReleaseKind.FIRMWARE: "update_firmware", ReleaseKind.CONFIGURATION: "apply_configuration"}
TITLES = {
    "update_firmware": {"zh": "升级固件", "en": "Update the firmware"},
    "apply_configuration": {"zh": "应用配置", "en": "Apply a configuration"},
}
SERVICE = {ReleaseKind.FIRMWARE: ServiceKind.FIRMWARE, ReleaseKind.CONFIGURATION: ServiceKind.SETTING}
STAGES = ("downloading", "verified", "installing")  # in this order, whatever order a device is heard in
WITHIN = "PT6H"
MOVING = (RolloutState.RUNNING, RolloutState.PAUSED)
GOING = (CommandState.QUEUED, CommandState.SENT, CommandState.ACKNOWLEDGED)
UNHEARD = GOING[:2]
FAILED = (CommandState.FAILED, CommandState.TIMED_OUT, CommandState.CANCELLED)


def updates(profile: str, county: str) -> Body:
    """What devices of a profile take: `{firmware: {within}, configuration: {within, parameters}}`."""
    found: Body = packs.declared("things", profile, county).get("updates", {})
    return found


def edge_of(area: Area, edges: Mapping[str, Any]) -> str:
    """The edge whose devices those of an area are; empty if none."""
    return next((key for key, edge in edges.items() if f"/{edge.area}/" in f"/{area.path}"), "")


def address(release: Release, area: Area) -> str:
    """Where devices of an area download the file of a firmware: from their edge, if it has an address for that."""
    config = settings.CONFIG
    edge = config.edges.get(edge_of(area, config.edges))
    return f"{(edge and edge.web) or config.public_address}/things/download/{release.pk}"


def parameters(release: Release, area: Area) -> dict[str, Any]:
    """What a device in an area is told of a release: of a firmware the length and hash that it has to verify, too."""
    told: dict[str, Any] = {"name": release.name, "version": release.version}
    if release.file is None:
        return {**told, "values": release.values}
    return {**told, "size": release.file.size, "sha256": release.file.sha256, "url": address(release, area)}


def waves(rollout: Rollout) -> list[Wave]:
    """Its waves with what became of them so far; what was taken back as it ended has not failed."""
    bad = FAILED if rollout.state in MOVING else set(FAILED) - {CommandState.CANCELLED}
    done, failed = Q(command__state=CommandState.DONE), Q(command__state__in=bad)
    rows = rollout.targets.order_by("wave").values("wave")
    counted = rows.annotate(size=Count("pk"), done=Count("pk", filter=done), failed=Count("pk", filter=failed))
    found = {row["wave"]: Wave(row["size"], row["done"], row["failed"]) for row in counted}
    return [found.get(number, Wave(0)) for number in range(max([*found, rollout.begun - 1], default=-1) + 1)]


def advance(rollout: Rollout) -> None:
    """Do what is due now. The caller holds the row."""
    while rollout.state in MOVING:
        todo = move(waves(rollout), rollout.begun, confirm=rollout.confirm, most_failed=rollout.most_failed)
        if todo is Move.BEGIN and rollout.state == RolloutState.RUNNING:
            _begin(rollout)
        elif todo is Move.FINISH:
            end(rollout, RolloutState.DONE)
        elif todo in {Move.FAILED, Move.UNCONFIRMED}:
            rollout.why = todo.value
            end(rollout, RolloutState.HALTED)
        else:
            return


def _begin(rollout: Rollout) -> None:
    """Tell the devices of the next wave."""
    told = rollout.targets.filter(wave=rollout.begun).select_related("release__file", "device__thing__area")
    targets = list(told.order_by("pk"))
    body = updates(rollout.release.profile, rollout.county_id).get(rollout.release.kind, {})
    expires, batch = timezone.now() + parse_duration(body.get("within", WITHIN)), uuid4()
    made = Command.objects.bulk_create(
        Command(
            device_id=target.device_id, name=COMMANDS[ReleaseKind(rollout.release.kind)], batch=batch, expires=expires,
            parameters=parameters(target.release, target.device.thing.area), state=CommandState.QUEUED,
            asked_by=rollout.asked_by, decided_by=rollout.decided_by,
        )
        for target in targets
    )  # fmt: skip
    for target, command in zip(targets, made, strict=True):
        target.command = command
    Target.objects.bulk_update(targets, ["command"])
    rollout.begun += 1
    keep(rollout, "begun")


def keep(rollout: Rollout, *fields: str) -> None:
    """Save what changed and tell it."""
    rollout.save(update_fields=fields)
    told = {"rollout": rollout.pk, "release": rollout.release_id, "state": rollout.state, "wave": rollout.begun}
    events.emit("things.rollout.changed", rollout.pk, rollout.county_id, told)


def end(rollout: Rollout, state: RolloutState) -> None:
    """It goes no further: what no device has received yet is taken back; who has begun finishes."""
    rollout.state, rollout.ended_at = state, timezone.now()
    keep(rollout, "state", "ended_at", "why")
    unheard = Command.objects.filter(target__rollout=rollout, state__in=UNHEARD)
    unheard.update(state=CommandState.CANCELLED, ended_at=rollout.ended_at)


def held(command: int) -> Target | None:
    """The target that a command is for, with its rollout held; None if it is for none."""
    found = Target.objects.filter(command=command).values_list("rollout", flat=True).first()
    if found is None:
        return None
    rollout = Rollout.objects.select_for_update(of=("self",)).select_related("release").get(pk=found)
    target = Target.objects.select_related("release", "before", "device").get(command=command)
    target.rollout = rollout
    return target


def progressed(known: Body | None, said: Body) -> Body | None:
    """How far a device came, of what was known and what it says now: repeats and late words set nothing back."""
    stage, percent = said.get("stage"), said.get("percent")
    if stage not in STAGES:
        return known
    is_share = isinstance(percent, int | float) and not isinstance(percent, bool) and 0 <= percent <= 100
    new: Body = {"stage": stage, "percent": int(percent) if is_share and percent is not None else 0}
    if known and (STAGES.index(known["stage"]), known["percent"]) > (STAGES.index(stage), new["percent"]):
        return known
    return new


def has_right_version(target: Target, result: Any) -> bool:
    """Whether a device that says it is done has what it was sent."""
    return isinstance(result, dict) and result.get("version") == target.release.version


def installed(target: Target, at: datetime) -> None:
    """A device has its release now: kept as what it has, and as a record of service."""
    kind = ReleaseKind(target.release.kind)
    newer = Target.objects.filter(device=target.device, release__kind=kind, command__gt=target.command_id)
    known = Installed.objects.filter(device=target.device, kind=kind).select_related("release").first()
    if newer.exists() or (known and known.release_id == target.release_id):
        return
    Installed.objects.update_or_create(
        device=target.device, kind=kind, defaults={"release": target.release, "at": at}
    )  # fmt: skip
    ServiceRecord.objects.create(
        device=target.device, kind=SERVICE[kind], at=at, before=str(known.release)[:100] if known else "",
        after=str(target.release)[:100], entered_by=target.rollout.asked_by, rollout=target.rollout,
    )  # fmt: skip


def end_overdue(command: int) -> None:
    """End a command of a rollout that is out of time, in the caller's transaction."""
    target = held(command)
    if target is None:
        return
    row = Command.objects.select_for_update(of=("self",)).get(pk=command)
    if row.state in GOING and row.expires <= timezone.now():
        row.state, row.ended_at = CommandState.TIMED_OUT, timezone.now()
        row.save(update_fields=["state", "ended_at"])
        advance(target.rollout)
