"""What runs beside the web server: each role is a coroutine that ends only when its process does."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

import django
import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import DatabaseError, connections

from shizhu import __version__

django.setup(set_prefix=False)

from django.utils import timezone  # noqa: E402
from procrastinate.contrib.django import app as jobs_app  # noqa: E402

from shizhu.engines.alarms import api as alarms  # noqa: E402
from shizhu.engines.things import api as things  # noqa: E402
from shizhu.gateways import commands, downloads, hj212, mqtt, revoking  # noqa: E402
from shizhu.kernel import events, log  # noqa: E402
from shizhu.kernel import jobs as kernel_jobs  # noqa: E402
from shizhu.kernel.models import Heartbeat  # noqa: E402
from shizhu.kernel.threads import in_thread  # noqa: E402

logger = logging.getLogger(__name__)
Role = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]
HEARTBEAT_SECONDS = 5.0


async def relay(detail: dict[str, Any]) -> None:
    """Outbox → event log: woken by NOTIFY, at the latest after a second."""
    async with log.connected() as nats:
        jetstream = await nats.jetstream()
        await log.stream(jetstream, log.EVENTS)
        listener = await psycopg.AsyncConnection.connect(settings.DATABASE_URL, autocommit=True)
        async with listener:
            await listener.execute(f"LISTEN {events.CHANNEL}")
            while True:
                moved = await log.patiently("relay", lambda: events.relay_once(jetstream))
                detail["moved"] = detail.get("moved", 0) + moved
                if moved < events.BATCH:
                    async for _ in listener.notifies(timeout=1.0, stop_after=1):
                        pass


async def consumers(detail: dict[str, Any]) -> None:
    """Every registered consumer of events."""
    async with log.connected() as nats, asyncio.TaskGroup() as group:
        lag = detail.setdefault("lag", {})
        for consumer in events.consumers():
            group.create_task(events.consume(nats, consumer, lag))


async def jobs(detail: dict[str, Any]) -> None:  # nothing to tell
    """Background jobs; first those that a worker before died with."""
    worker = jobs_app.with_connector(jobs_app.connector.get_worker_connector())
    async with kernel_jobs.present() as is_alone, worker.open_async():
        if is_alone:
            await in_thread(kernel_jobs.begin_again)(is_alone=True)
        await worker.run_worker_async(install_signal_handlers=False, listen_notify=True, concurrency=2, name="shizhu")


async def gateway(detail: dict[str, Any]) -> None:
    """Every listener for devices; at the county, the answers to its edges."""
    listeners: dict[str, Role] = {
        "mqtt": mqtt.run,
        "hj212": hj212.run,
        "revoking": partial(revoking.run, hang_up=hj212.hang_up),
    }
    if settings.CONFIG.edge:
        listeners["county"] = things.follow_county
        if settings.CONFIG.edge.web:
            listeners["downloads"] = downloads.run
    else:
        listeners["commands"] = commands.run
        listeners["tasks"] = things.hear_tasks
    async with asyncio.TaskGroup() as group:
        for name, listener in listeners.items():
            group.create_task(listener(detail.setdefault(name, {})))
        for key in settings.CONFIG.edges:
            group.create_task(things.answer_edge(key))


async def ingest(detail: dict[str, Any]) -> None:
    """Event log → PostgreSQL, one task per source; what is committed is told to subscribers."""
    async with asyncio.TaskGroup() as group:
        for source in (log.MQTT, log.READINGS):
            group.create_task(things.ingest(source, detail.setdefault(source, {})))
        group.create_task(things.publish(detail.setdefault("publication", {})))
        for key in settings.CONFIG.edges:
            for source in things.EDGE_STREAMS:
                group.create_task(things.ingest_edge(key, source, detail.setdefault(f"{source}@{key}", {})))


ROLES: dict[str, Role] = {
    "relay": relay, "consumers": consumers, "deadlines": alarms.deadlines, "jobs": jobs, "gateway": gateway,
    "ingest": ingest,
}  # fmt: skip


def _beat(role: str, detail: dict[str, Any]) -> None:
    Heartbeat.objects.update_or_create(
        pk=role, defaults={"at": timezone.now(), "pid": os.getpid(), "version": __version__, "detail": detail}
    )


async def heartbeat(role: str, detail: dict[str, Any]) -> None:
    """Say every few seconds that the role lives; a database that is away is no reason to end."""
    while True:
        try:
            await in_thread(_beat)(role, dict(detail))
        except DatabaseError as error:
            logger.warning("%s: no heartbeat, the database does not answer (%s)", role, str(error).splitlines()[0])
        await asyncio.sleep(HEARTBEAT_SECONDS)


async def run(names: list[str]) -> None:
    """Run the roles together; one that fails ends the process, and the supervisor starts it again."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: task and task.cancel())
    try:
        async with asyncio.TaskGroup() as group:
            for name in names:
                detail: dict[str, Any] = {}
                group.create_task(ROLES[name](detail), name=name)
                if not settings.CONFIG.edge:
                    group.create_task(heartbeat(name, detail))
    except asyncio.CancelledError:
        logger.info("%s stopped", " ".join(names))
    finally:
        await sync_to_async(connections.close_all)()
