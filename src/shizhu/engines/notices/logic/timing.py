"""When a delivery is due: quiet hours, a digest once a day, tries that come further and further apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone

ZONE = timezone(timedelta(hours=8))  # Asia/Shanghai, which has had no summer time since 1991
LOUD = ("red", "orange")  # 橙 and 红 break quiet hours and wait for no digest
BACK_OFF = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4))


@dataclass(frozen=True)
class Wishes:
    """What somebody wants: no sound from–to, all of a day together at a time; None is neither."""

    quiet_from: time | None = None
    quiet_to: time | None = None
    digest_at: time | None = None


def due(wishes: Wishes, level: str, now: datetime) -> datetime:
    """When something of that level may be sent to somebody with these wishes."""
    if level in LOUD:
        return now
    if wishes.digest_at is not None:
        return _next(now, wishes.digest_at)
    if wishes.quiet_from is not None and wishes.quiet_to is not None:
        return _next(now, wishes.quiet_to) if _is_quiet(wishes.quiet_from, wishes.quiet_to, now) else now
    return now


def _is_quiet(start: time, end: time, now: datetime) -> bool:
    at = now.astimezone(ZONE).time()
    return start <= at < end if start < end else at >= start or at < end


def _next(now: datetime, at: time) -> datetime:
    local = now.astimezone(ZONE)
    found = local.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    return found if found > local else found + timedelta(days=1)


def again(tries: int) -> timedelta | None:
    """How long to wait after so many tries failed; None to give up."""
    return BACK_OFF[tries - 1] if tries <= len(BACK_OFF) else None
