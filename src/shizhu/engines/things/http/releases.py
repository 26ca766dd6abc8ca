"""Pages: firmware and configurations, and how they come to devices wave by wave."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from shizhu.engines.things import advancing, health, rollouts
from shizhu.engines.things.commanding import APPROVE, SEND
from shizhu.engines.things.datasets import VIEW
from shizhu.engines.things.http.care import given, parameters
from shizhu.engines.things.logic.waves import Wave
from shizhu.engines.things.models import (
    Command,
    CommandState,
    Device,
    Release,
    ReleaseKind,
    Rollout,
    RolloutState,
    Target,
    Thing,
)
from shizhu.engines.things.rollouts import CREATE, RolloutRefused, Wanted
from shizhu.kernel import access, files, packs
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib.numbers import whole
from shizhu.web.middleware import Request

LARGEST = 64_000_000  # bytes of a firmware
HASH = re.compile(r"[0-9a-fA-F]{64}")
MOST_SHOWN = 50
WAVES, CONFIRM, MOST_FAILED = "1, 10%, 其余", 90, 10
STAGES = {
    "downloading": gettext_lazy("downloading"), "verified": gettext_lazy("verified"),
    "installing": gettext_lazy("installing"),
}  # fmt: skip


def _taking(request: Request, kind: str) -> dict[str, Body]:
    """The profiles whose devices take releases of that kind."""
    declared = packs.declarations("things", request.county.pk)
    return {key: body for key, body in declared.items() if kind in body.get("updates", {})}


def _releases(request: Request) -> Any:
    rows = Release.objects.filter(county=request.county)
    return rows.select_related("file", "made_by").annotate(number=Count("installed")).order_by("-id")


def release_list(request: Request) -> HttpResponse:
    """What is on its way, and what there is to be rolled out."""
    access.require_verb(request.actor, VIEW)
    moving = rollouts.visible(request.actor, VIEW).filter(county=request.county)
    rows = moving.select_related("release", "asked_by", "decided_by").order_by("-id")[:MOST_SHOWN]
    titles = {key: label(body["title"]) for key, body in packs.declarations("things", request.county.pk).items()}
    context = {
        "rollouts": [_told(row) for row in rows],
        "releases": [{"row": row, "profile": titles.get(row.profile, row.profile)} for row in _releases(request)],
        "may_create": request.actor.has(CREATE), "kinds": ReleaseKind.choices,
    }  # fmt: skip
    return render(request, "things/releases.html", context)


def _told(rollout: Rollout) -> dict[str, Any]:
    """A rollout with how far it is."""
    waves = advancing.waves(rollout)
    return {"row": rollout, **_shares(waves), "waves": len(waves)}


def _shares(waves: list[Wave]) -> dict[str, Any]:
    total, done = sum(wave.size for wave in waves), sum(wave.done for wave in waves)
    failed = sum(wave.failed for wave in waves)
    return {"total": total, "done": done, "failed": failed, "left": total - done - failed}


def release_new(request: Request, kind: str) -> HttpResponse:
    """Keep a firmware (a file, its hash compared with the maker's) or a configuration (values of the profile's)."""
    access.require_verb(request.actor, CREATE)
    if kind not in ReleaseKind.values:
        raise Http404
    taking = _taking(request, kind)
    profile = request.POST.get("profile") or request.GET.get("profile") or next(iter(taking), "")
    body = taking.get(profile, {}).get("updates", {}).get(kind, {})
    if request.method == "POST":
        try:
            made = _made(request, ReleaseKind(kind), profile, body)
        except (RolloutRefused, files.FileRefused) as error:
            messages.error(request, _("Nothing was kept: %s") % error)
        else:
            messages.success(request, _("Kept. Now it can be rolled out."))
            return redirect("things:release", made.pk)
    context = {
        "kind": kind, "title": ReleaseKind(kind).label, "asked": request.POST, "profile": profile,
        "profiles": [(key, label(one["title"])) for key, one in taking.items()], "parameters": parameters(body),
        "largest": LARGEST // 1_000_000,
    }  # fmt: skip
    return render(request, "things/release_new.html", context)


@transaction.atomic
def _made(request: Request, kind: ReleaseKind, profile: str, body: Body) -> Release:
    name, version, notes = (request.POST.get(field, "").strip() for field in ("name", "version", "notes"))
    where = rollouts.place(request.actor, request.county.pk)
    values = given(request, body) if kind == ReleaseKind.CONFIGURATION else None
    wanted = Wanted(kind, profile, name, version, notes, values=values)
    rollouts.check(request.county.pk, wanted)  # before a large file is written
    if kind == ReleaseKind.FIRMWARE:
        wanted = replace(wanted, file=_file(request, where))
    return rollouts.make(request.county.pk, wanted, where, request.actor.person_id)


def _file(request: Request, where: Any) -> Any:
    """The sent file, if its hash is the one that its maker says. Raises RolloutRefused."""
    sent: Any = request.FILES.get("file")
    said = request.POST.get("sha256", "").strip().lower()
    if sent is None or not 0 < sent.size <= LARGEST:
        raise RolloutRefused(_("file: choose one that is not empty and has at most %d MB") % (LARGEST // 1_000_000))
    if said and not HASH.fullmatch(said):
        raise RolloutRefused(_("sha256: is 64 digits 0-9 a-f, or nothing"))
    content: bytes | Path = Path(sent.temporary_file_path()) if hasattr(sent, "temporary_file_path") else sent.read()
    with content.open("rb") if isinstance(content, Path) else sent.open() as opened:
        has = hashlib.file_digest(opened, "sha256").hexdigest()
    if said and has != said:
        raise RolloutRefused(_("sha256: the file has %s, not what its maker says: it is another, or damaged") % has)
    return files.store(
        content, name=sent.name or "firmware", media_type="application/octet-stream", organisation=where[0],
        area=where[1], by=request.user,
    )  # fmt: skip


def _release(request: Request, number: int) -> Release:
    access.require_verb(request.actor, VIEW)
    found: Release = get_object_or_404(_releases(request), pk=number)
    return found


def release_page(request: Request, number: int) -> HttpResponse:
    """One release: what it is, which devices have it, where it was rolled out."""
    release = _release(request, number)
    things = access.rows(Thing.objects.filter(county=request.county), request.actor, VIEW)
    having = Device.objects.filter(installed__release=release, thing__in=things).select_related("thing")
    own = rollouts.visible(request.actor, VIEW).filter(Q(release=release) | Q(targets__release=release)).distinct()
    context = {
        "release": release, "profile": packs.declared("things", release.profile, request.county.pk),
        "values": _values(release), "having": having.order_by("thing__name")[:MOST_SHOWN],
        "rollouts": [_told(row) for row in own.select_related("release", "asked_by").order_by("-id")[:MOST_SHOWN]],
        "may_send": request.actor.has(SEND) and release.withdrawn_at is None,
        "may_withdraw": release.withdrawn_at is None
        and access.may(
            request.actor, CREATE, county=release.county_id, organisation=release.organisation, area=release.area
        ),
    }  # fmt: skip
    return render(request, "things/release.html", context)


def _values(release: Release) -> list[tuple[str, Any]]:
    body = advancing.updates(release.profile, release.county_id).get("configuration", {})
    titles = {field.name: field.title for field in parameters(body)}
    return [(titles.get(name, name), value) for name, value in (release.values or {}).items()]


@require_POST
def release_withdraw(request: Request, number: int) -> HttpResponse:
    """Begin no rollout of it any more."""
    rollouts.withdraw(request.actor, _release(request, number))
    messages.success(request, _("Withdrawn: no rollout of it can be proposed any more."))
    return redirect("things:release", number)


def rollout_new(request: Request, number: int) -> HttpResponse:
    """Choose devices and waves; the dry run says who would get what in which wave. Then a second person agrees."""
    release = _release(request, number)
    access.require_verb(request.actor, SEND)
    able = rollouts.devices(request.actor, release)
    has = rollouts.having(able, release.kind)
    how = health.look(able, request.county.pk)
    asked = request.POST
    wanted = {*asked.getlist("device")} if asked else {one.key for one in able if has.get(one.pk) != release}
    chosen = sorted((one for one in able if one.key in wanted), key=lambda one: how[one.pk].state != "online")
    context: dict[str, Any] = {
        "release": release, "waves": asked.get("waves", WAVES), "confirm": asked.get("confirm", CONFIRM),
        "most_failed": asked.get("most_failed", MOST_FAILED),
        "targets": [
            {"device": one, "state": how[one.pk].state, "has": has.get(one.pk), "is_chosen": one.key in wanted}
            for one in able
        ],
    }  # fmt: skip
    if asked:
        try:
            planned = rollouts.plan(release, chosen, str(context["waves"]))
            if asked.get("do") == "propose":
                confirm, most_failed = (_share(asked.get(name, "")) for name in ("confirm", "most_failed"))
                made = rollouts.propose(request.actor, release, planned, confirm=confirm, most_failed=most_failed)
                messages.success(request, _("Proposed for %d devices.") % len(planned))
                return redirect("things:rollout", made.pk)
        except RolloutRefused as error:
            messages.error(request, _("The rollout is refused: %s") % error)
        else:
            told = {"id": 0, "command": advancing.COMMANDS[ReleaseKind(release.kind)],
                    "parameters": advancing.parameters(release, chosen[0].thing.area)}  # fmt: skip
            context |= {
                "planned": planned, "number": planned[-1].wave + 1,
                "away": sum(how[one.pk].state != "online" for one in chosen),
                "message": orjson.dumps(told, option=orjson.OPT_INDENT_2).decode(),
            }  # fmt: skip
    return render(request, "things/rollout_new.html", context)


def _share(text: str) -> int:
    return whole(text, -1, digits=3)


def rollout_page(request: Request, number: int) -> HttpResponse:
    """How far a rollout is: waves and devices, what each said, and what can be done now."""
    access.require_verb(request.actor, VIEW)
    own = rollouts.visible(request.actor, VIEW).filter(county=request.county)
    rollout = get_object_or_404(own.select_related("release__file", "asked_by", "decided_by", "undoes"), pk=number)
    things = access.rows(Thing.objects.all(), request.actor, VIEW)
    targets = rollout.targets.select_related("device__thing", "command", "release", "before")
    seen = list(targets.filter(device__thing__in=things))
    waves = advancing.waves(rollout)
    lines = [
        {
            "number": number + 1, **_shares([wave]), "is_begun": number < rollout.begun,
            "targets": [_line(target) for target in seen if target.wave == number],
        }
        for number, wave in enumerate(waves)
    ]  # fmt: skip
    may_send = _may(request, SEND, rollout)
    context = {
        "rollout": rollout, "told": _shares(waves), "lines": lines, "hidden": rollout.targets.count() - len(seen),
        "is_moving": rollout.state in advancing.MOVING or any(
            target.command and target.command.state in advancing.GOING for target in seen
        ),
        "is_open": rollout.state in rollouts.OPEN, "may_send": may_send,
        "may_approve": rollout.state == RolloutState.PROPOSED and _may(request, APPROVE, rollout),
        "is_own": rollout.asked_by_id == request.actor.person_id,
        "returning": len(rollouts.returning(rollout)) if may_send and rollout.begun else 0,
        "undone": rollout.undone_by.exclude(state=RolloutState.CANCELLED).first(),
    }  # fmt: skip
    return render(request, "things/rollout.html", context)


def _may(request: Request, verb: str, rollout: Rollout) -> bool:
    """Whether the reader has the verb on all of its devices."""
    things = access.rows(Thing.objects.all(), request.actor, verb)
    return not rollout.targets.exclude(device__thing__in=things).exists()


def _line(target: Target) -> dict[str, Any]:
    """A device of a rollout, with what is known of it in words."""
    command, percent = target.command, None
    if command is None:
        return {"target": target, "state": _("waits for its wave"), "tone": "none", "percent": None, "why": ""}
    state: str = command.get_state_display()
    tone = "none"
    if command.state == CommandState.DONE:
        state, tone = _("has it"), "green"
    elif command.state in advancing.FAILED:
        tone = "red"
    elif command.state == CommandState.ACKNOWLEDGED and command.progress:
        state, tone = str(STAGES[command.progress["stage"]]), "blue"
        percent = command.progress["percent"] if command.progress["stage"] == "downloading" else None
    return {"target": target, "state": state, "tone": tone, "percent": percent, "why": _why(command)}


def _why(command: Command) -> str:
    """Why a device has not done it, as it says."""
    if command.state != CommandState.FAILED:
        return ""
    answer = command.answer
    if isinstance(answer, dict) and answer.get("reason"):
        return str(answer["reason"])[:200]
    if isinstance(answer, dict) and answer.get("version"):
        return _("it says that it has version %s") % str(answer["version"])[:40]
    return str(answer or "")[:200]


DO = {
    "approve": rollouts.approve, "pause": rollouts.pause, "resume": rollouts.resume, "stop": rollouts.stop,
    "undo": rollouts.undo,
}  # fmt: skip


@require_POST
def rollout_decide(request: Request, number: int) -> HttpResponse:
    """Agree as the second person, pause, go on, stop, or propose to roll back."""
    get_object_or_404(rollouts.visible(request.actor, VIEW).filter(county=request.county), pk=number)
    do = DO.get(request.POST.get("do", ""))
    if do is None:
        raise PermissionDenied
    try:
        number = do(request.actor, number).pk
    except RolloutRefused as error:
        messages.error(request, _("The rollout is refused: %s") % error)
    return redirect("things:rollout", number)
