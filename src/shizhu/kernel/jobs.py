"""Work on a timetable or soon, kept in PostgreSQL by procrastinate. A room declares its own in a module `tasks`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from django.db import transaction
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued

AHEAD = 8  # hours of the county's time before UTC, in which procrastinate reckons; no summer time


def daily(name: str, hour: int, minute: int, do: Callable[[], object]) -> None:
    """Do it every day at that time of the county; once, however many workers there are."""

    def run(timestamp: int) -> None:  # procrastinate says for which time it runs
        do()

    task = app.task(run, name=name, queueing_lock=name)
    app.periodic(cron=f"{minute} {(hour - AHEAD) % 24} * * *")(task)


def soon(name: str, do: Callable[[str], object]) -> Callable[[str], None]:
    """Work for a county that many may ask for: what waits is done once, a second after the first asked."""

    def run(county: str) -> None:
        do(county)

    task = app.task(run, name=name)

    def ask(county: str) -> None:
        lock = f"{name} {county}"
        if ProcrastinateJob.objects.filter(queueing_lock=lock, status="todo").exists():
            return  # PostgreSQL would log a refused insert as an error: only a lost race may come to that
        waiting = task.configure(queueing_lock=lock, schedule_in={"seconds": 1})
        with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
            waiting.defer(county=county)

    return ask
