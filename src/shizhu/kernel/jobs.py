"""Work on a timetable, kept in PostgreSQL by procrastinate. A room declares its own in a module `tasks`."""

from __future__ import annotations

from collections.abc import Callable

from procrastinate.contrib.django import app

AHEAD = 8  # hours of the county's time before UTC, in which procrastinate reckons; no summer time


def daily(name: str, hour: int, minute: int, do: Callable[[], object]) -> None:
    """Do it every day at that time of the county; once, however many workers there are."""

    def run(timestamp: int) -> None:  # procrastinate says for which time it runs
        do()

    task = app.task(run, name=name, queueing_lock=name)
    app.periodic(cron=f"{minute} {(hour - AHEAD) % 24} * * *")(task)
