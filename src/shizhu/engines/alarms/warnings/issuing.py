"""The life of a warning: drafted, issued by a second person, updated, cancelled, cleared. Each once, whoever races."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.models import Alarm, PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import beyond, drafting, reaching
from shizhu.engines.things.api import DRILL
from shizhu.kernel import access, events
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation
from shizhu.wire import cap

VIEW, DRAFT, REVIEW = "alarms.warning.view", "alarms.warning.draft", "alarms.warning.review"
ISSUE, ISSUE_GRAVE = "alarms.warning.issue", "alarms.warning.issue_grave"
HAPPENED = {
    "alert": "alarms.warning.issued", "update": "alarms.warning.updated", "cancel": "alarms.warning.cancelled",
    "allclear": "alarms.warning.cleared",
}  # fmt: skip
EXPIRED = "alarms.warning.expired"
AFTER = {"cancel": PublicWarning.State.CANCELLED, "allclear": PublicWarning.State.CLEARED}


class NotNow(Exception):
    """The warning or its draft is not as the act needs it; the text says how it is."""


class SamePerson(ValueError):
    """Whoever wrote a message may not issue it."""


def verb_for(level: str) -> str:
    """The right that issuing needs: orange and red need another than blue and yellow."""
    return ISSUE_GRAVE if level in warnings.GRAVE else ISSUE


def grade(warning: PublicWarning, content: Mapping[str, Any]) -> str:
    """The graver of what is in force and what is proposed: who ends or lowers a red one needs the right for red."""
    return max(warning.level, str(content["level"]), key=LEVELS.index)


def reach(warning: PublicWarning, content: Mapping[str, Any]) -> Area:
    """The smallest area that holds what is in force and what is proposed: who issues it needs the right there."""
    named = drafting.named(warning.county_id, content["areas"])
    return drafting.common(warning.county_id, [warning.area, *named])


def may_issue(who: Actor, draft: WarningMessage) -> bool:
    """Whether somebody has the right to issue a draft."""
    held, verb = draft.warning, verb_for(grade(draft.warning, draft.content))
    area = reach(held, draft.content)
    return access.may(who, verb, county=held.county_id, organisation=held.organisation, area=area)


def _origin(alarm: Alarm | None, content: Mapping[str, Any]) -> int:
    """That of the alarm; else what is not for real is a drill, and so is the case that begins with it."""
    return (alarm.origin if alarm else 0) or (DRILL if content["status"] != "Actual" else 0)


@transaction.atomic
def propose(
    content: Mapping[str, Any],
    organisation: Organisation,
    area: Area,
    *,
    person: int | None,
    alarm: Alarm | None = None,
) -> WarningMessage:
    """A new warning with its first draft, of a person or (None) of a rule. Raises drafting.Refused."""
    drafting.checked(organisation.county_id, content, timezone.now())
    warning = PublicWarning.objects.create(
        county_id=organisation.county_id, organisation=organisation, area=area, kind=content["kind"],
        event=content["event"], level=content["level"], alarm=alarm, origin=_origin(alarm, content),
    )  # fmt: skip
    return WarningMessage.objects.create(warning=warning, kind="alert", content=content, author_id=person)


@transaction.atomic
def follow(warning: int, kind: str, content: Mapping[str, Any], *, person: int | None) -> WarningMessage:
    """A draft of an update, a cancel or an all-clear. Raises NotNow, drafting.Refused."""
    held = _locked(warning)
    drafting.checked(held.county_id, content, timezone.now(), _issued(held))
    if not warnings.may_follow(kind, state(held)) or kind == "alert":
        raise NotNow(state(held))
    if held.messages.filter(state="draft").exists():
        raise NotNow("drafted")
    return WarningMessage.objects.create(warning=held, kind=kind, content=content, author_id=person)


@transaction.atomic
def change(message: int, version: int, content: Mapping[str, Any], area: Area, *, person: int | None) -> None:
    """Write a draft anew: whoever does is its author. Raises NotNow, drafting.Refused."""
    held, draft = _draft(message, version)
    drafting.checked(held.county_id, content, timezone.now(), _issued(held))
    draft.content, draft.author_id, draft.version = dict(content), person, version + 1
    draft.save()
    if draft.kind == "alert":
        held.event, held.level, held.area = content["event"], content["level"], area
        held.origin = _origin(held.alarm, content)
        held.save()


@transaction.atomic
def drop(message: int, version: int) -> None:
    """Put a draft away; a warning that was never issued goes with it. Raises NotNow."""
    held, draft = _draft(message, version)
    draft.state = WarningMessage.State.DROPPED
    draft.save()
    if draft.kind == "alert":
        held.state = PublicWarning.State.DROPPED
        held.save()


@transaction.atomic
def issue(who: Actor, message: int, version: int, *, web: str) -> WarningMessage:
    """Issue a draft as it was read, and tell everybody it must reach.

    `web` is the address of the site. Raises NotNow, SamePerson, PermissionDenied, cap.CapError.
    """
    held, draft = _draft(message, version)
    if draft.author_id is None:
        raise NotNow("unread")
    if draft.author_id == who.person_id or who.person_id is None:
        raise SamePerson("a second person issues what somebody wrote")
    if not may_issue(who, draft):
        raise PermissionDenied(f"{who.name or 'nobody'} has no right to issue {draft} of {held}")
    if not warnings.may_follow(draft.kind, state(held)):
        raise NotNow(state(held))
    now = timezone.localtime(timezone.now()).replace(microsecond=0)
    expires = datetime.fromisoformat(draft.content["expires"])
    if expires <= now:
        raise NotNow("past")
    before = list(held.messages.filter(state="issued").order_by("pk"))
    if not beyond.is_meant(held.county_id, draft.content):
        raise NotNow("beyond")
    draft.identifier = warnings.identifier(held.county_id, draft.content["unit"], now, draft.pk)
    sender = f"{held.county_id}-{held.organisation.code}"
    references = tuple(cap.Reference(sender, one.identifier or "", timezone.localtime(one.sent)) for one in before)
    alert = warnings.composed(
        draft.content, draft.kind, cap.Alert(draft.identifier, sender, now, references=references),
        drafting.zones(held.county_id, draft.content["areas"]), f"{web}/cap/{draft.identifier}.xml",
    )  # fmt: skip
    draft.sent, draft.xml, draft.approver_id = now, cap.encode(alert), who.person_id
    draft.sha256 = hashlib.sha256(draft.xml).hexdigest()
    draft.state = WarningMessage.State.ISSUED
    draft.notice = reaching.told(held, draft, before)
    draft.save()
    held.state = AFTER.get(draft.kind, PublicWarning.State.CURRENT)
    held.issued_at, held.expires_at, held.level = held.issued_at or now, expires, draft.content["level"]
    held.event, held.ended_at = draft.content["event"], now if draft.kind in AFTER else None
    held.area, held.origin = reach(held, draft.content), _origin(held.alarm, draft.content)
    held.save()
    told = {
        "warning": held.pk, "message": draft.pk, "identifier": draft.identifier, "kind": held.kind,
        "level": held.level, "area": held.area_id, "origin": held.origin, "alarm": held.alarm_id,
    }  # fmt: skip
    events.emit(HAPPENED[draft.kind], held.pk, held.county_id, told)
    return draft


def expire(now: datetime | None = None) -> int:
    """End what is past its time, with drafts that would have gone on with it; returns how many."""
    at, done = now or timezone.now(), 0
    for number in PublicWarning.objects.filter(state="current", expires_at__lte=at).values_list("pk", flat=True):
        with transaction.atomic():
            held = _locked(number)
            if held.state != PublicWarning.State.CURRENT or held.expires_at is None or held.expires_at > at:
                continue
            held.state, held.ended_at = PublicWarning.State.EXPIRED, held.expires_at
            held.save()
            held.messages.filter(state="draft").update(state="dropped")
            events.emit(EXPIRED, held.pk, held.county_id, {"warning": held.pk, "kind": held.kind})
            done += 1
    return done


def state(warning: PublicWarning) -> str:
    """Its state this moment: what is past its time is over, whether or not a worker has said so."""
    is_over = warning.state == PublicWarning.State.CURRENT and (warning.expires_at or timezone.now()) <= timezone.now()
    return PublicWarning.State.EXPIRED if is_over else warning.state


def _issued(warning: PublicWarning) -> list[Mapping[str, Any]]:
    """What was said of it: what the public was told of goes on in public, and a drill as a drill."""
    return list(warning.messages.filter(state="issued").order_by("pk").values_list("content", flat=True))


def _locked(number: int) -> PublicWarning:
    return PublicWarning.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=number)


def _draft(message: int, version: int) -> tuple[PublicWarning, WarningMessage]:
    """The warning and its draft, both locked. Raises NotNow if it is no draft any more, or another than was read."""
    held = _locked(WarningMessage.objects.values_list("warning", flat=True).get(pk=message))
    draft = WarningMessage.objects.select_for_update().get(pk=message)
    draft.warning = held
    if draft.state != WarningMessage.State.DRAFT:
        raise NotNow(draft.state)
    if draft.version != version:
        raise NotNow("changed")
    return held, draft
