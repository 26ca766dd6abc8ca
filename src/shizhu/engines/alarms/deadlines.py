"""The role that wakes the judge at the soonest moment at which time alone may change something."""

from __future__ import annotations

import asyncio
import logging
from datetime import datetime, timedelta
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError
from django.utils import timezone

from shizhu.engines.alarms import judging
from shizhu.engines.alarms.bindings import CHANNEL
from shizhu.kernel.threads import in_thread

logger = logging.getLogger(__name__)
AGAIN = 1.0
LONGEST = timedelta(minutes=10)  # a clock that was set is noticed by then


async def deadlines(detail: dict[str, Any]) -> None:
    """Judge what is due, for ever; woken by NOTIFY when something is due sooner than was known."""
    while True:
        try:
            listener = await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True)
            async with listener:
                await listener.execute(f"LISTEN {CHANNEL}")
                while True:
                    due = await once()
                    detail["due"] = due.isoformat() if due else None
                    async for _ in listener.notifies(timeout=pause(due), stop_after=1):
                        pass
        except (psycopg.OperationalError, OperationalError) as error:
            logger.warning("deadlines: the database does not answer (%s); trying again", str(error).splitlines()[0])
            await asyncio.sleep(0.5)


def pause(due: datetime | None) -> float:
    """Seconds until somebody must look: again soon for what is due and cannot be judged yet."""
    left = due + judging.GRACE - timezone.now() if due else LONGEST
    return min(left, LONGEST).total_seconds() if left > timedelta(0) else AGAIN


async def once() -> datetime | None:
    """Judge all that is due; returns what is due next."""
    while await in_thread(judging.ring)() >= judging.AT_ONCE:
        pass
    return await in_thread(judging.next_due)()
