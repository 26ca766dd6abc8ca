"""Alarms make drafts of warnings by themselves where the kind says so (`drafts`): one of a kind, widened by the next.

Nothing reaches the public by it: a person writes the draft anew, which makes it theirs, and a second issues it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms import acting
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.models import Alarm, PublicWarning, WarningMessage
from shizhu.engines.alarms.warnings import drafting, issuing, reaching
from shizhu.engines.notices import api as notices
from shizhu.kernel.events import Event
from shizhu.kernel.models import County, Organisation


@transaction.atomic
def alarm_rose(event: Event) -> None:
    """An alarm was raised, or has another level: draft what its kind of warning says, or widen the draft there is."""
    alarm = (
        Alarm.objects.select_related("area", "organisation")
        .filter(pk=event.data["alarm"], state=Alarm.State.OPEN, suppressed="")
        .first()
    )
    if alarm is None:
        return
    kind = drafting.of_rule(alarm.county_id, alarm.rule)
    body = drafting.kinds(alarm.county_id).get(kind, {})
    if "drafts" not in body or LEVELS.index(alarm.level) < LEVELS.index(body["drafts"]):
        return
    County.objects.select_for_update(no_key=True).get(pk=alarm.county_id)  # two alarms at once make one draft
    code = body.get("owner", alarm.organisation.code)
    owner = Organisation.objects.filter(county=alarm.county_id, code=code).first() or alarm.organisation
    start = drafting.Start(kind, alarm.level, drafting.areas_of(kind, alarm), owner, alarm)
    told = drafting.prefilled(start, timezone.now())
    draft = _widened(alarm, told) or _new(alarm, told, owner)
    if draft is not None:
        _tell(draft)


def _new(alarm: Alarm, told: Mapping[str, Any], owner: Organisation) -> WarningMessage:
    area = drafting.common(alarm.county_id, drafting.named(alarm.county_id, told["areas"]))
    return issuing.propose(told, owner, area, person=None, alarm=alarm)


def _widened(alarm: Alarm, told: Mapping[str, Any]) -> WarningMessage | None:
    """The draft that now says this too; None where there is nothing of the kind to widen.

    What a person is writing is theirs, and what is in force and says it all stays as it is: both come back unchanged.
    """
    live = PublicWarning.objects.filter(county=alarm.county_id, kind=told["kind"], state__in=["draft", "current"])
    for warning in live.order_by("-pk"):
        if issuing.state(warning) not in {"draft", "current"}:
            continue
        newest = warning.messages.exclude(state="dropped").order_by("pk").last()
        if newest is None or newest.content["status"] != told["status"]:  # no drill hides what is real
            continue
        said = _joined(newest.content, told)
        is_more = (said["level"], said["areas"]) != (newest.content["level"], newest.content["areas"])
        if not is_more or (newest.state == "draft" and newest.author_id is not None):
            return newest
        content = drafting.reworded(said, alarm.county_id, warning.alarm)
        if newest.state == "draft":
            area = drafting.common(alarm.county_id, drafting.named(alarm.county_id, content["areas"]))
            issuing.change(newest.pk, newest.version, content, area, person=None)
            return newest
        return issuing.follow(warning.pk, "update", content, person=None)
    return None


def _joined(said: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """The graver level, all areas, the later end."""
    areas: Sequence[str] = said["areas"]
    return {
        **said, "level": max(said["level"], told["level"], key=LEVELS.index),
        "areas": [*areas, *(one for one in told["areas"] if one not in areas)],
        "expires": max(said["expires"], told["expires"], key=datetime.fromisoformat),
    }  # fmt: skip


def _tell(draft: WarningMessage) -> None:
    """Whoever may write it hears once that it waits."""
    warning = PublicWarning.objects.select_related("organisation", "area").get(pk=draft.warning_id)
    if draft.state != WarningMessage.State.DRAFT or draft.author_id is not None:
        return
    people = {post.person_id for post in acting.posts(warning, issuing.DRAFT)}
    title = f"待核对的预警草稿：{reaching.titled(draft)}"
    notices.tell(
        warning.county_id, f"draft/{draft.pk}", people, title=title[:200],
        text=draft.content["description"]["zh"], url=f"/alarms/warnings/{warning.pk}/", level=draft.content["level"],
    )  # fmt: skip
