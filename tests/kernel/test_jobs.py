"""Jobs on a timetable are done by a worker, from PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.fixtures import work

from shizhu.kernel import events, jobs
from shizhu.kernel.models import InboxEvent

Run = Callable[[Coroutine[Any, Any, Any]], Any]
pytestmark = pytest.mark.django_db(transaction=True)


def timetable() -> dict[str, str]:
    """name → cron of what we declare."""
    return {task.task.name: task.cron for task in app.periodic_registry.periodic_tasks.values()}


def inbox() -> list[str]:
    return list(InboxEvent.objects.order_by("event").values_list("event", flat=True))


def test_the_timetable_is_in_the_time_of_the_county() -> None:
    assert timetable() == {
        "alarms.bind": "40 19 * * *",
        "alarms.every_minute": "* * * * *", "alarms.expire_warnings": "* * * * *",
        "alarms.look_at_edges": "* * * * *",
        "boards.reports": "30 22 * * *", "cases.call_contacts": "0 2 * * *", "cases.call_on": "* * * * *",
        "cases.change_shifts": "* * * * *",
        "cases.forget": "20 19 * * *", "cases.open_due": "* * * * *",
        "kernel.begin_again": "* * * * *",
        "kernel.forget_done": "10 19 * * *",
        "kernel.forget_sign_ins": "15 19 * * *", "kernel.sweep_files": "50 19 * * *",
        "notices.remind_expiring": "20 0 * * *", "notices.send_due": "* * * * *",
        "plan.compute_all": "20 16 * * *", "plan.remind": "10 0 * * *", "plan.tell_lights": "1 16 * * *",
        "records.pair_all": "20 19 * * *", "records.revise": "40 18 * * *",
        "things.archive": "30 17 * * *",
    }  # fmt: skip


def test_a_worker_does_what_waits(run: Run) -> None:
    for days in (29, 31):
        InboxEvent.objects.create(consumer="toy", event=f"{days} days")
        InboxEvent.objects.filter(event=f"{days} days").update(done=timezone.now() - timedelta(days=days))
    night = int(datetime(2026, 7, 1, 19, 10, tzinfo=UTC).timestamp())
    number = app.tasks["kernel.forget_done"].defer(timestamp=night)
    run(work())
    assert (inbox(), ProcrastinateJob.objects.get(pk=number).status) == (["29 days"], "succeeded")


def test_what_was_done_long_ago_is_forgotten() -> None:
    InboxEvent.objects.create(consumer="toy", event="new")
    assert (events.forget_done(), inbox()) == (0, ["new"])


def test_what_many_ask_for_is_done_once(run: Run) -> None:
    done: list[str] = []
    ask = jobs.soon("toy.count", done.append)
    for county in ("990001", "990001", "990002", "990001"):
        with transaction.atomic():
            ask(county)
    waiting = ProcrastinateJob.objects.filter(task_name="toy.count")
    (first, one), (second, two) = waiting.order_by("id").values_list("id", "args__county")
    assert (one, two) == ("990001", "990002")
    assert second - first == 1  # an insert that is refused would have taken a number, and an ERROR in the server's log
    with connection.cursor() as cursor:  # a second later
        cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
    run(work())
    assert sorted(done) == ["990001", "990002"]
    ask("990001")
    assert waiting.filter(status="todo").count() == 1


def test_work_that_waits_when_it_is_asked_for_sees_what_the_transaction_writes(run: Run) -> None:
    seen: list[list[str]] = []
    ask = jobs.soon("toy.look", lambda _county: seen.append(inbox()), after=0)
    ask("990001")
    with transaction.atomic():
        InboxEvent.objects.create(consumer="toy", event="written")
        ask("990001")
        run(work())
    run(work())
    assert seen == [["written"]]


def test_work_asked_for_in_a_transaction_that_fails_is_not_done() -> None:
    ask = jobs.soon("toy.nothing", lambda county: None)
    with transaction.atomic():
        ask("990001")
        transaction.set_rollback(True)
    assert ProcrastinateJob.objects.filter(task_name="toy.nothing").count() == 0


def test_what_died_with_its_worker_is_done_again(run: Run) -> None:
    done: list[int] = []
    jobs.later("toy.many", done.append)(7)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'toy.many'")
        cursor.execute(
            "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')"
            " RETURNING id) UPDATE procrastinate_jobs SET worker_id = gone.id FROM gone WHERE task_name = 'toy.many'"
        )
    assert (jobs.begin_again(), jobs.begin_again()) == (1, 0)
    run(work())
    assert done == [7]


def test_what_died_is_left_to_the_same_work_that_waits_already(run: Run) -> None:
    done: list[str] = []
    ask = jobs.soon("toy.again", done.append, after=0)
    for _twice in range(2):  # it died with two workers, and was asked for meanwhile
        ask("990001")
        with connection.cursor() as cursor:
            cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE task_name = 'toy.again'")
    ask("990001")
    assert (jobs.begin_again(is_alone=True), jobs.begin_again(is_alone=True)) == (2, 0)
    run(work())
    assert done == ["990001"]
    states = ProcrastinateJob.objects.filter(task_name="toy.again").order_by("id").values_list("status", flat=True)
    assert list(states) == ["aborted", "aborted", "succeeded"]


def test_what_died_with_the_only_worker_is_done_again_at_once(run: Run) -> None:
    done: list[int] = []
    jobs.later("toy.alone", done.append)(7)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH gone AS (INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id)"
            " UPDATE procrastinate_jobs SET status = 'doing', worker_id = gone.id FROM gone"
            " WHERE task_name = 'toy.alone'"
        )

    async def start() -> list[bool]:
        async with jobs.present() as first, jobs.present() as second:
            return [first, second]

    assert (run(start()), run(start())) == ([True, False], [True, False])
    assert (jobs.begin_again(), jobs.begin_again(is_alone=True)) == (0, 1)
    run(work())
    assert done == [7]


def test_what_raises_is_tried_again_and_given_up_at_last(run: Run) -> None:
    given_up: list[int] = []

    def away(_number: int) -> None:
        raise OperationalError("the database is away")

    jobs.later("toy.away", away, given_up.append)(7)
    rows = ProcrastinateJob.objects.filter(task_name="toy.away").values_list("status", "attempts")
    for tried in range(1, jobs.TRIES + 1):
        run(work())
        assert (list(rows.all()), given_up) == ([("todo", tried)], [])
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET scheduled_at = now() - interval '1 hour' WHERE task_name = 'toy.away'"
            )
    run(work())
    assert (list(rows.all()), given_up) == ([("failed", jobs.TRIES + 1)], [7])
