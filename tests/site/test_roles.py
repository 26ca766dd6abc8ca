"""The roles of the worker, in a process of their own: they do what waits, and end when they are told to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from shizhu.kernel import jobs
from shizhu.kernel.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)
WORKER = "import asyncio\nfrom shizhu.site import roles\nasyncio.run(roles.run(['consumers', 'jobs']))"


def until(tried: Callable[[], bool]) -> bool:
    end = time.monotonic() + 60
    while not tried() and time.monotonic() < end:
        time.sleep(0.1)
    return tried()


def test_a_worker_begins_with_what_another_died_with_and_stops_when_told() -> None:
    jobs.wake("cases.ring", 0, jobs.timezone.now())  # a timer that is not there any more
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now()) RETURNING id")
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s"
            " WHERE task_name = 'cases.ring' AND args->>'number' = '0'",
            cursor.fetchone(),
        )
    here = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    environment = {**os.environ, "DATABASE_URL": here, "DJANGO_SETTINGS_MODULE": "shizhu.site.settings"}
    worker = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
    try:
        ring = ProcrastinateJob.objects.filter(task_name="cases.ring", args__number=0)
        assert until(lambda: list(ring.values_list("status", flat=True)) == ["succeeded"])
        assert until(lambda: Heartbeat.objects.filter(pk="consumers").exists())
        assert Heartbeat.objects.get(pk="jobs").pid == worker.pid
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
    finally:
        worker.kill()
