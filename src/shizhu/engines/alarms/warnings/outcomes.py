"""What came of warnings: the event came, did not, or came without one; figures by month."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from shizhu.engines.alarms.logic import warnings
from shizhu.engines.alarms.logic.conditions import LEVELS
from shizhu.engines.alarms.models import PublicWarning
from shizhu.engines.alarms.warnings.issuing import REVIEW, VIEW, state
from shizhu.engines.things.api import DRILL
from shizhu.kernel import access, events, packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Organisation
from shizhu.lib import speech

JUDGED = "alarms.warning.judged"
MONTHS = 12
OVER = ("cancelled", "cleared", "expired")
ENDINGS = {
    "cancel": ("取消", "cancelled"),
    "allclear": ("解除", "all clear"),
}  # fmt: skip


def ending(told: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """The words that end a warning, from those of its newest message."""
    zh, en = ENDINGS[kind]
    event, areas = told["event"], told["headline"]
    after = "可以恢复正常活动。" if kind == "allclear" else "请以最新消息为准。"
    return {
        "spoken": told.get("spoken") and speech.aloud(f"乡亲们请注意，{event['zh']}预警已经{zh}，{after}"),
        "headline": {"zh": f"{zh}{event['zh']}预警", "en": f"{event['en']}: {en}"},
        "description": {
            "zh": f"{told['issuer']['zh']}{zh}此前发布的预警：{areas['zh']}。",
            "en": f"{told['issuer']['en']}, {en}: {areas['en']}.",
        },
        "instruction": {
            "zh": after,
            "en": "Normal activity may go on." if kind == "allclear" else "Follow the newest message.",
        },
    }


@transaction.atomic
def record(warning: int, outcome: str, at: datetime | None, note: str, person: int) -> None:
    """What came of a warning that is over; said again it is corrected. ValueError for what does not fit together."""
    held = PublicWarning.objects.select_for_update().get(pk=warning)
    if state(held) not in OVER:
        raise ValueError(f"warning {warning}: is {held.state}, not over")
    if outcome not in {"hit", "false"} or (outcome == "hit") != (at is not None):
        raise ValueError(f"outcome: {outcome!r}: hit with the time it came, or false without")
    if at is not None and at > timezone.now():
        raise ValueError(f"happened: {at.isoformat()}: in the past")
    held.outcome, held.happened_at, held.outcome_note, held.outcome_by_id = outcome, at, note.strip(), person
    held.save()
    events.emit(JUDGED, held.pk, held.county_id, {"warning": held.pk, "outcome": outcome})


@transaction.atomic
def missed(
    area: Area, organisation: Organisation, kind: str, event: str, level: str, at: datetime | None, note: str,
    person: int,
) -> PublicWarning:  # fmt: skip
    """A danger that came without a warning. ValueError for a level there is not, no time, or no word of what it was."""
    body = packs.declared("warnings", kind, area.county_id) if kind else {}
    named = body.get("title") or {"zh": event.strip(), "en": event.strip()}
    if level not in LEVELS or not named["zh"] or at is None or at > timezone.now():
        raise ValueError("level, event, happened: say which, what, and when it came")
    made = PublicWarning.objects.create(
        county_id=area.county_id, organisation=organisation, area=area, kind=kind if body else "", event=named,
        level=level, state="missed", outcome="miss", happened_at=at, outcome_note=note.strip(), outcome_by_id=person,
    )  # fmt: skip
    events.emit(JUDGED, made.pk, made.county_id, {"warning": made.pk, "outcome": "miss"})
    return made


def reviewer(who: Actor, area: Area) -> Organisation:
    """The organisation for which somebody may judge in an area. Raises PermissionDenied."""
    rows = Organisation.objects.filter(county=area.county_id)
    for scope in who.granting(REVIEW):
        if scope.county == area.county_id and area.path.startswith(scope.area_path):
            return rows.get(path=scope.organisation_path)
    if who.is_unbounded:
        return rows.get(code=area.county_id)
    raise PermissionDenied(f"{who.name or 'nobody'} has no right {REVIEW} in {area}")


@dataclass(frozen=True)
class Month:
    """Figures of the warnings issued, and the dangers missed, in a month."""

    first: datetime
    skill: warnings.Skill


def months(who: Actor, county: str) -> list[Month]:
    """The last twelve months that have any, the newest first; what is practised neither comes nor fails to come."""
    rows = access.rows(PublicWarning.objects.filter(county_id=county).exclude(origin=DRILL), who, VIEW)
    rows = rows.exclude(state="dropped")
    found: dict[datetime, list[PublicWarning]] = defaultdict(list)
    for one in rows:
        at = one.issued_at or (one.happened_at if one.state == "missed" else None)
        if at:
            local = timezone.localtime(at)
            found[local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)].append(one)
    return [Month(first, _skill(found[first])) for first in sorted(found, reverse=True)[:MONTHS]]


def _skill(rows: list[PublicWarning]) -> warnings.Skill:
    number = {name: sum(one.outcome == name for one in rows) for name in ("hit", "false", "miss", "")}
    leads = tuple(
        one.happened_at - one.issued_at for one in rows if one.outcome == "hit" and one.happened_at and one.issued_at
    )
    return warnings.Skill(number["hit"], number["false"], number["miss"], number[""], leads)
