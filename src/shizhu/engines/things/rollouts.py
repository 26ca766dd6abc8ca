"""Releases and their rollouts: made, proposed, agreed to by a second person, paused, stopped, taken back.

A rollout tells its devices by commands (`commanding`), wave by wave (`advancing`).
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator

from shizhu.engines.things import advancing, commanding
from shizhu.engines.things.commanding import APPROVE, SEND
from shizhu.engines.things.logic import waves
from shizhu.engines.things.logic.readings import Origin
from shizhu.engines.things.models import (
    CommandState,
    Device,
    Installed,
    Release,
    ReleaseKind,
    Rollout,
    RolloutState,
    Target,
    Thing,
)
from shizhu.kernel import access, files
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, File, Organisation, Person

CREATE = "things.release.create"
VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
OPEN = (RolloutState.PROPOSED, RolloutState.RUNNING, RolloutState.PAUSED)


class RolloutRefused(ValueError):
    """A release or rollout that cannot be; the text names field, value and rule."""


@dataclass(frozen=True)
class Wanted:
    """A release to be made; `file` of a firmware, `values` of a configuration."""

    kind: ReleaseKind
    profile: str
    name: str
    version: str
    notes: str = ""
    file: File | None = None
    values: Mapping[str, Any] | None = None
    origin: Origin = Origin.MEASURED


def place(who: Actor, county: str) -> tuple[Organisation, Area]:
    """Where a release of somebody belongs: the first post that gives the right to make one. Raises PermissionDenied."""
    scope = next((one for one in who.granting(CREATE) if one.county == county), None)
    if scope is None and not who.is_unbounded:
        raise PermissionDenied(f"{who.name or 'nobody'} has no right {CREATE}")
    paths = (scope.organisation_path, scope.area_path) if scope else (f"{county}/", f"{county}/")
    return (
        Organisation.objects.get(county=county, path=paths[0]),
        Area.objects.get(county=county, path=paths[1]),
    )  # fmt: skip


def check(county: str, wanted: Wanted) -> None:
    """Raise RolloutRefused unless the release can be made, its file aside."""
    takes = _takes(wanted.profile, county)
    if wanted.kind not in takes:
        raise RolloutRefused(f"profile: {wanted.profile!r}: declares under updates no {wanted.kind}")
    if not wanted.name.strip():
        raise RolloutRefused("name: is empty")
    if not VERSION.fullmatch(wanted.version):
        raise RolloutRefused(f"version: {wanted.version!r}: letters, digits and . + _ - only, at most 40")
    same = Release.objects.filter(county=county, profile=wanted.profile, kind=wanted.kind, version=wanted.version)
    if same.exists():
        raise RolloutRefused(f"version: {wanted.version!r}: is there already; a release is never changed")
    if wanted.kind == ReleaseKind.CONFIGURATION:
        for error in Draft202012Validator(commanding.schema(takes[wanted.kind])).iter_errors(dict(wanted.values or {})):
            raise RolloutRefused(f"{'.'.join(map(str, error.path)) or 'values'}: {error.message}")


def _takes(profile: str, county: str) -> dict[str, Any]:
    try:
        return dict(advancing.updates(profile, county))
    except KeyError:
        return {}


def make(county: str, wanted: Wanted, where: tuple[Organisation, Area], person: int | None) -> Release:
    """Keep a release that was checked."""
    check(county, wanted)
    return Release.objects.create(
        county_id=county, organisation=where[0], area=where[1], kind=wanted.kind, profile=wanted.profile,
        name=wanted.name.strip()[:100], version=wanted.version, notes=wanted.notes[:5000], file=wanted.file,
        values=dict(wanted.values) if wanted.values is not None else None, made_by_id=person, origin=wanted.origin,
    )  # fmt: skip


def withdraw(who: Actor, release: Release) -> None:
    """It begins no rollout from now on; what runs goes on."""
    access.require(who, CREATE, release)
    Release.objects.filter(pk=release.pk, withdrawn_at=None).update(withdrawn_at=timezone.now())


@dataclass(frozen=True)
class Planned:
    """A device that a rollout would reach: in which wave, what it gets, and what it has now."""

    device: Device
    wave: int
    release: Release
    has: Release | None


def devices(who: Actor, release: Release) -> list[Device]:
    """Those that somebody may send the release to: enabled, of its profile, in its county."""
    things = access.rows(Thing.objects.filter(county=release.county_id), who, SEND)
    found = Device.objects.filter(thing__in=things, profile=release.profile, is_enabled=True)
    return list(found.select_related("thing__area", "thing__organisation").order_by("thing__name", "key"))


def having(chosen: Sequence[Device], kind: str) -> dict[int, Release]:
    """By device, the release of that kind that it has now."""
    rows = Installed.objects.filter(device__in=chosen, kind=kind).select_related("release__file")
    return {row.device_id: row.release for row in rows}


def plan(release: Release, chosen: Sequence[Device], spec: str) -> list[Planned]:
    """Who would get it when, in the given order. Raises RolloutRefused."""
    if not chosen:
        raise RolloutRefused("devices: none: choose at least one")
    try:
        sizes = waves.sizes(spec, len(chosen))
    except ValueError as error:
        raise RolloutRefused(str(error)) from None
    has = having(chosen, release.kind)
    numbers = [number for number, size in enumerate(sizes) for _ in range(size)]
    return [Planned(one, wave, release, has.get(one.pk)) for one, wave in zip(chosen, numbers, strict=True)]


@transaction.atomic
def propose(
    who: Actor, release: Release, planned: Sequence[Planned], *, confirm: int, most_failed: int,
    undoes: Rollout | None = None,
) -> Rollout:  # fmt: skip
    """Ask for a rollout: all of it or nothing. It always waits for a second person.

    Raises RolloutRefused and PermissionDenied.
    """
    for name, share, least in (("confirm", confirm, 1), ("most_failed", most_failed, 0)):
        if not least <= share <= 100:
            raise RolloutRefused(f"{name}: {share}: is a share of {least} to 100 percent")
    if gone := next((one.release for one in planned if one.release.withdrawn_at), None):
        raise RolloutRefused(f"release: {gone}: it was withdrawn")
    _require(who, SEND, release, [one.device for one in planned])
    rollout = Rollout.objects.create(
        county_id=release.county_id, release=release, confirm=confirm, most_failed=most_failed, undoes=undoes,
        asked_by_id=who.person_id,
    )  # fmt: skip
    Target.objects.bulk_create(
        Target(rollout=rollout, device=one.device, wave=one.wave, release=one.release, before=one.has)
        for one in planned
    )
    advancing.keep(rollout, "state")
    return rollout


def _require(who: Actor, verb: str, release: Release, chosen: Sequence[Device]) -> None:
    """Hold the devices and see that each may be reached, and that nothing else of that kind is under way to it."""
    held = Device.objects.select_for_update(of=("self",)).filter(pk__in=[one.pk for one in chosen]).order_by("pk")
    for device in held.select_related("thing__area", "thing__organisation"):
        access.require(who, verb, device.thing)
        if not device.is_enabled:
            raise RolloutRefused(f"device: {device.key}: it is switched off")
        if device.profile != release.profile or device.county_id != release.county_id:
            raise RolloutRefused(f"device: {device.key}: the release is for {release.profile}")
    moving = Target.objects.filter(
        device__in=chosen, rollout__state__in=advancing.MOVING, rollout__release__kind=release.kind
    )
    if (other := moving.select_related("device").first()) is not None:
        raise RolloutRefused(f"device: {other.device.key}: rollout {other.rollout_id} is under way to it")


def visible(who: Actor, verb: str) -> QuerySet[Rollout]:
    """Rollouts to at least one device on which somebody has a verb."""
    things = access.rows(Thing.objects.all(), who, verb)
    return Rollout.objects.filter(targets__device__thing__in=things).distinct()


def _held(number: int) -> Rollout:
    return Rollout.objects.select_for_update(of=("self",)).select_related("release").get(pk=number)


def _everywhere(who: Actor, verb: str, rollout: Rollout) -> None:
    """Raise PermissionDenied unless somebody has the verb on each of its devices."""
    for target in rollout.targets.select_related("device__thing__area", "device__thing__organisation"):
        access.require(who, verb, target.device.thing)


@transaction.atomic
def approve(who: Actor, number: int) -> Rollout:
    """Agree to what another person proposed; its first wave begins. Raises RolloutRefused and PermissionDenied."""
    rollout = _held(number)
    _require_state(rollout, RolloutState.PROPOSED)
    _everywhere(who, APPROVE, rollout)
    if rollout.asked_by_id is None or rollout.asked_by_id == who.person_id:
        raise PermissionDenied("a second person has to agree, not who asked for it")
    _require(who, APPROVE, rollout.release, [target.device for target in rollout.targets.select_related("device")])
    rollout.state, rollout.decided_by_id, rollout.decided_at = RolloutState.RUNNING, who.person_id, timezone.now()
    advancing.keep(rollout, "state", "decided_by", "decided_at")
    advancing.advance(rollout)
    return rollout


@transaction.atomic
def pause(who: Actor, number: int) -> Rollout:
    """No further wave begins; what was sent goes on. Raises RolloutRefused and PermissionDenied."""
    return _switch(who, number, RolloutState.RUNNING, RolloutState.PAUSED)


@transaction.atomic
def resume(who: Actor, number: int) -> Rollout:
    """Go on after a pause. Raises RolloutRefused and PermissionDenied."""
    rollout = _switch(who, number, RolloutState.PAUSED, RolloutState.RUNNING)
    advancing.advance(rollout)
    return rollout


def _switch(who: Actor, number: int, old: RolloutState, new: RolloutState) -> Rollout:
    rollout = _held(number)
    _everywhere(who, SEND, rollout)
    _require_state(rollout, old)
    rollout.state = new
    advancing.keep(rollout, "state")
    return rollout


@transaction.atomic
def stop(who: Actor, number: int) -> Rollout:
    """End it: what no device has received yet is taken back. Raises RolloutRefused and PermissionDenied."""
    rollout = _held(number)
    _everywhere(who, SEND, rollout)
    _require_state(rollout, *OPEN)
    is_new = rollout.state == RolloutState.PROPOSED
    advancing.end(rollout, RolloutState.CANCELLED if is_new else RolloutState.STOPPED)
    return rollout


@transaction.atomic
def undo(who: Actor, number: int) -> Rollout:
    """Propose that the devices which got it get back what they had before; one that is under way is stopped.

    Raises RolloutRefused and PermissionDenied.
    """
    rollout = _held(number)
    _everywhere(who, SEND, rollout)
    if rollout.state in advancing.MOVING:
        advancing.end(rollout, RolloutState.STOPPED)
    back = returning(rollout)
    if not back:
        raise RolloutRefused("devices: none: no device has this release and a known one from before")
    return propose(who, back[0].release, back, confirm=rollout.confirm, most_failed=rollout.most_failed, undoes=rollout)


def returning(rollout: Rollout) -> list[Planned]:
    """The devices that have what the rollout brought, and what they would get back."""
    targets = rollout.targets.filter(before__isnull=False).select_related("device", "before", "release")
    has = having([target.device for target in targets], rollout.release.kind)
    return [
        Planned(target.device, 0, target.before, target.release)
        for target in targets
        if target.before and has.get(target.device_id) == target.release
    ]


@dataclass(frozen=True)
class Halted:
    """A rollout that stopped by itself: what happened in a line each, its address, whom it concerns."""

    county: str
    title: str
    text: str
    address: str
    people: frozenset[int]
    origin: int


def halted(number: int) -> Halted | None:
    """What is to be told of a rollout that stopped by itself; whom: who asked for it, and all who may send there."""
    rollout = Rollout.objects.select_related("release").filter(pk=number, state=RolloutState.HALTED).first()
    if rollout is None:
        return None
    release, became = rollout.release, Counter(rollout.targets.values_list("command__state", flat=True))
    lines = (
        _("It stopped by itself: too many devices have failed.")
        if rollout.why == waves.Move.FAILED.value
        else _("It stopped by itself: so many devices have failed that enough cannot have it any more."),
        _("Of %(total)d devices %(failed)d failed, %(done)d have it.")
        % {
            "total": became.total(),
            "done": became[CommandState.DONE],
            "failed": became[CommandState.FAILED] + became[CommandState.TIMED_OUT],
        },
        _("What no device had received was taken back. Its page tells why; who has it can be rolled back there."),
    )
    title = _("The rollout of %s stopped by itself") % release
    return Halted(
        rollout.county_id, title, "\n".join(lines), reverse("things:rollout", args=[rollout.pk]),
        frozenset({*_concerned(rollout), *filter(None, [rollout.asked_by_id])}), release.origin,
    )  # fmt: skip


def _concerned(rollout: Rollout) -> set[int]:
    """Who may send to a device of it."""
    things = Thing.objects.filter(devices__targets__rollout=rollout).select_related("area", "organisation")
    places = {(one.organisation, one.area) for one in things}
    return {
        who.person_id
        for who in access.actors(rollout.county_id)
        if who.person_id is not None
        and any(access.may(who, SEND, county=rollout.county_id, organisation=o, area=a) for o, a in places)
    }


def _require_state(rollout: Rollout, *states: RolloutState) -> None:
    if rollout.state not in states:
        raise RolloutRefused(f"rollout: {rollout.pk}: it is {rollout.state} by now")


def simulated(county: str, told: Mapping[str, Any]) -> None:
    """Firmware of a demo with what its devices have, and a rollout that begins at once; nothing where there is any.

    `told`: {releases: [{profile, name, version, notes, bytes}], installed: {device: version}, rollout: {profile,
    version, devices, waves, confirm, most_failed, asked_by, decided_by}}.
    """
    if Release.objects.filter(county=county).exists():
        return
    people = {one.username: access.actor(one) for one in Person.objects.filter(county=county, is_simulated=True)}
    asked = told["rollout"]
    first, second = people[asked["asked_by"]], people[asked["decided_by"]]
    where, made = place(first, county), {}
    for row in told["releases"]:
        content = b"simulated firmware\n" + random.Random(row["version"]).randbytes(row["bytes"])  # noqa: S311
        name = f"{row['profile']}-{row['version']}.bin"
        kept = files.store(
            content, name=name, media_type="application/octet-stream", organisation=where[0], area=where[1], by=None
        )
        wanted = Wanted(
            ReleaseKind.FIRMWARE,
            row["profile"],
            row["name"],
            row["version"],
            row["notes"],
            kept,
            origin=Origin.SIMULATED,
        )
        made[row["profile"], row["version"]] = make(county, wanted, where, first.person_id)
    for device in Device.objects.filter(county=county, key__in=told["installed"]):
        release = made[device.profile, told["installed"][device.key]]
        Installed.objects.create(device=device, kind=release.kind, release=release, at=timezone.now())
    release = made[asked["profile"], asked["version"]]
    chosen = [one for one in devices(first, release) if one.key in asked["devices"]]
    shares = {name: asked[name] for name in ("confirm", "most_failed")}
    approve(second, propose(first, release, plan(release, chosen, asked["waves"]), **shares).pk)
