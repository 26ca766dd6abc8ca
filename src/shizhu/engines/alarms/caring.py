"""What goes on with alarms by themselves: reminders, and the end of what kept one from being told."""

from __future__ import annotations

from datetime import datetime
from functools import cache

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from shizhu.engines.alarms import acting, causes, raising
from shizhu.engines.alarms.models import Act, Alarm
from shizhu.engines.things import api as things
from shizhu.kernel import access, events

REMINDER = "alarms.alarm.reminder"


@transaction.atomic
def every_minute(now: datetime | None = None) -> tuple[int, int]:
    """Tell of what is suppressed no more; remind of what nobody has seen, or who had it has left. Returns how many of
    each."""
    at = now or timezone.now()
    waiting = Alarm.objects.select_for_update(of=("self",), skip_locked=True).filter(state=Alarm.State.OPEN)
    told = 0
    for alarm in waiting.exclude(suppressed=""):
        stream = things.describe([alarm.datastream]).get(alarm.datastream)
        if stream and causes.suppressed(alarm, stream.thing, things.parent_of(stream.thing), at):
            continue
        alarm.suppressed = ""
        alarm.save(update_fields=["suppressed"])
        Act.objects.create(alarm=alarm, kind="told")
        raising.tell_raised(alarm)
        told += 1
    reminded = 0
    posts = cache(lambda county: access.posts(acting.ACKNOWLEDGE, area__county=county))
    for alarm in waiting.exclude(assignee=None).select_related("area", "organisation"):
        here = access.posts_over(acting.ACKNOWLEDGE, alarm, posts(alarm.county_id))
        if alarm.assignee_id not in {post.person_id for post in here}:
            reminded += _release(alarm, at)
    for alarm in waiting.filter(shelved_until__lte=at, suppressed=""):
        _end_shelf(alarm, at)
        reminded += 1
    by_root = Q(root__state=Alarm.State.OPEN, root__acknowledged_at=None) & ~Q(root__shelved_until__gt=at)
    unseen = waiting.filter(Q(root=None) | ~by_root, acknowledged_at=None, suppressed="")  # else its cause is told of
    for alarm in unseen.exclude(shelved_until__gt=at):
        if at - (alarm.reminded_at or alarm.detected_at) >= raising.patience(alarm):
            alarm.reminded_at = at
            alarm.save(update_fields=["reminded_at"])
            Act.objects.create(alarm=alarm, kind="reminded")
            _remind(alarm)
            reminded += 1
    return told, reminded


def _release(alarm: Alarm, at: datetime) -> bool:
    """Who had it may not act on it any more: it lies on nobody, and is told anew unless it is silent."""
    Act.objects.create(alarm=alarm, kind="released", other_id=alarm.assignee_id)
    alarm.assignee_id, alarm.acknowledged_at, alarm.reminded_at = None, None, at
    alarm.shelved_until = alarm.shelved_until if alarm.shelved_until and alarm.shelved_until > at else None
    alarm.save(update_fields=["assignee", "acknowledged_at", "reminded_at", "shelved_until"])
    is_silent = bool(alarm.suppressed or alarm.shelved_until)
    if not is_silent:
        Act.objects.create(alarm=alarm, kind="reminded")
        _remind(alarm)
    return not is_silent


def _end_shelf(alarm: Alarm, at: datetime) -> None:
    """Its time on the shelf is over, and it stands still: people are told, whether or not somebody had seen it."""
    alarm.shelved_until, alarm.reminded_at = None, at
    alarm.save(update_fields=["shelved_until", "reminded_at"])
    Act.objects.create(alarm=alarm, kind="unshelved")
    _remind(alarm, is_back=True)


def _remind(alarm: Alarm, *, is_back: bool = False) -> None:
    told_of = {"alarm": alarm.pk, "rule": alarm.rule, "level": alarm.level, "is_back": is_back}
    events.emit(REMINDER, alarm.pk, alarm.county_id, told_of)
