"""Work on a timetable or soon, kept in PostgreSQL by procrastinate. A room declares its own in a module `tasks`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from procrastinate import JobContext, RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob, ProcrastinateWorker
from procrastinate.exceptions import AlreadyEnqueued

SILENT = timedelta(seconds=60)  # a worker without a sign of life for so long is dead
TRIES = 5  # of what raised
AHEAD = 8  # hours of the county's time before UTC, in which procrastinate reckons; no summer time


def daily(name: str, hour: int, minute: int, do: Callable[[], object]) -> None:
    """Do it every day at that time of the county; once, however many workers there are."""
    _regularly(name, f"{minute} {(hour - AHEAD) % 24} * * *", do)


def every_minute(name: str, do: Callable[[], object]) -> None:
    """Do it every minute; once, however many workers there are."""
    _regularly(name, "* * * * *", do)


def _regularly(name: str, cron: str, do: Callable[[], object]) -> None:

    def run(timestamp: int) -> None:  # procrastinate says for which time it runs
        do()

    task = app.task(run, name=name, queueing_lock=name)
    app.periodic(cron=cron)(task)


def soon(name: str, do: Callable[[str], object], after: int = 1) -> Callable[[str], None]:
    """Work for a county that many may ask for: what waits is done once, so many seconds after the first asked."""

    def run(county: str) -> None:
        do(county)

    task = app.task(run, name=name)

    def ask(county: str) -> None:
        lock = f"{name} {county}"
        waiting = task.configure(queueing_lock=lock, schedule_in={"seconds": after})
        while not _is_kept_waiting(lock):  # a refused insert is logged as an error: only a lost race may be one
            with contextlib.suppress(AlreadyEnqueued), transaction.atomic():
                waiting.defer(county=county)
                return

    return ask


KEEP_WAITING = "SELECT 1 FROM procrastinate_jobs WHERE queueing_lock = %s AND status = 'todo' FOR KEY SHARE"


def _is_kept_waiting(lock: str) -> bool:
    """Whether such work waits; no worker takes it before the transaction ends, or it would not see what was written."""
    with connection.cursor() as cursor:
        cursor.execute(KEEP_WAITING, [lock])
        return cursor.fetchone() is not None


def is_due(name: str, county: str) -> bool:
    """Whether work that was asked for by `soon` is not done yet."""
    waiting = ProcrastinateJob.objects.filter(task_name=name, status__in=["todo", "doing"], args__county=county)
    return bool(waiting.exists())


def later(
    name: str, do: Callable[[int], object], give_up: Callable[[int], object] | None = None
) -> Callable[[int], None]:
    """Work on one thing known by its number, asked for in the transaction that makes it. One of a name runs at a time.

    Work that ended with its process begins again, so it must know how far it came. What raises is tried `TRIES` times
    more, each time 10 s later than before, and is given up then.
    """

    def run(context: JobContext, number: int) -> None:
        try:
            do(number)
        except Exception:
            if give_up and context.job.attempts >= TRIES:
                give_up(number)
            raise

    again = RetryStrategy(max_attempts=TRIES, wait=10, linear_wait=10)
    task = app.task(run, name=name, lock=name, pass_context=True, retry=again)

    def ask(number: int) -> None:
        task.defer(number=number)

    return ask


def at(name: str, do: Callable[[int], object]) -> None:
    """Work on one thing known by its number, at the moment that `wake` names.

    Work that ended with its process begins again, and what raises is tried `TRIES` times more, so it must see itself
    whether there is still something to do.
    """

    def run(number: int) -> None:
        do(number)

    app.task(run, name=name, retry=RetryStrategy(max_attempts=TRIES, wait=10, linear_wait=10))


def wake(name: str, number: int, moment: datetime) -> None:
    """Have the work of a name done at a moment; asked for in the transaction that sets it."""
    app.configure_task(name, schedule_at=moment).defer(number=number)


@contextmanager
def locked(name: str, *, waits: bool = True) -> Iterator[bool]:
    """Hold a lock of that name, whichever process asks for it; False if another has it and this one does not wait."""
    take = "SELECT pg_advisory_lock(key)" if waits else "SELECT pg_try_advisory_lock(key)"
    key = "FROM hashtextextended(%s, 0) key"
    with connection.cursor() as cursor:
        cursor.execute(f"{take} {key}", [name])
        taken = waits or cursor.fetchone() == (True,)
    try:
        yield taken
    finally:
        if taken:
            with contextlib.suppress(DatabaseError), connection.cursor() as cursor:  # without the connection no lock
                cursor.execute(f"SELECT pg_advisory_unlock(key) {key}", [name])


@asynccontextmanager
async def present() -> AsyncIterator[bool]:
    """Be known as a worker while this lasts; whether there is no other, because the database knows at once who died."""
    async with await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True) as line:
        taken = await (await line.execute("SELECT pg_try_advisory_lock(hashtext('kernel.jobs'))")).fetchone()
        yield taken == (True,)


def begin_again(*, is_alone: bool = False) -> int:
    """Let what died with its worker wait for another; returns how many jobs. Whoever starts alone need not wait."""
    living = ProcrastinateWorker.objects.filter(last_heartbeat__gte=timezone.now() - SILENT)
    doing = ProcrastinateJob.objects.filter(status="doing")
    stalled = list((doing if is_alone else doing.exclude(worker__in=living)).values_list("pk", "queueing_lock"))
    for number, lock in stalled:
        with transaction.atomic():
            if lock and _is_kept_waiting(lock):  # two may not, and what waits does the same
                with connection.cursor() as cursor:
                    cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'aborted', false)", [number])
            else:
                app.job_manager.retry_job_by_id(number, retry_at=timezone.now())
    return len(stalled)
