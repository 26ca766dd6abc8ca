"""Bring database, packs, counties, people and the event log to what this version says. Each step is idempotent."""

from __future__ import annotations

import asyncio
import logging
import secrets

from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from shizhu.engines.things import api as things
from shizhu.kernel import counties, events, log, packs
from shizhu.kernel.models import County, Organisation, Person, Post, Role
from shizhu.site.config import CLONE

logger = logging.getLogger(__name__)
ADMINISTRATOR = "admin"


def county_folders() -> list[counties.Folder]:
    """County folders of this installation."""
    return counties.folders(CLONE / "counties")


def prepare() -> str:
    """Everything, in order; returns the administrator's first password if one was made."""
    migrate()
    changed = packs.sync(packs.read_all().values())
    if changed:
        logger.info("packs: %d rows changed", changed)
    for folder in county_folders():
        counties.sync(folder)
    password = first_administrator()
    asyncio.run(prepare_log())
    return password


def migrate() -> None:
    """Apply migrations, if there are any to apply."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        logger.info("migrating the database")
        call_command("migrate", interactive=False, verbosity=0)


async def prepare_log() -> None:
    """Make streams and consumers before anybody can publish: only what exists has messages kept for it."""
    async with log.connected() as nats, log.connected("ingest") as devices:
        jetstream = await nats.jetstream()
        for consumer in events.consumers():
            await events.durable_of(jetstream, consumer)
        await things.prepare_source(nats, log.READINGS)
        await things.prepare_source(devices, log.MQTT)


def first_administrator() -> str:
    """Make `admin` if there is nobody with that name; returns the password made up for it."""
    if Person.objects.filter(username=ADMINISTRATOR).exists():
        return ""
    given = settings.CONFIG.admin_password
    password = given or secrets.token_urlsafe(9)
    person = Person.objects.create_person(username=ADMINISTRATOR, password=password, name="系统管理员")
    role, _ = Role.objects.get_or_create(
        pk="kernel.administrator", defaults={"name": {"zh": "系统管理员", "en": "Administrator"}, "verbs": ["*"]}
    )
    for county in County.objects.all():
        top = Organisation.objects.get(county=county, code=county.pk)
        Post.objects.create(person=person, role=role, organisation=top, area=top.area, starts=timezone.localdate())
    return "" if given else password
