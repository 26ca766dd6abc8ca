"""Bring database, packs, counties, people and the event log to what this version says. Each step is idempotent."""

from __future__ import annotations

import asyncio
import logging
import secrets
from pathlib import Path

import yaml
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from shizhu import kernel
from shizhu.engines.alarms import api as alarms
from shizhu.engines.plan import api as plan
from shizhu.engines.records import api as records
from shizhu.engines.things import api as things
from shizhu.kernel import counties, events, log, packs
from shizhu.kernel.models import County, Organisation, Person, Post, Role
from shizhu.site import demo_rows
from shizhu.site.config import CLONE, Trouble

logger = logging.getLogger(__name__)
ADMINISTRATOR = "admin"
ROLES = Path(kernel.__file__).parent / "roles.yaml"


def county_folders() -> list[counties.Folder]:
    """County folders of this installation."""
    return counties.folders(CLONE / "counties")


def prepare() -> str:
    """Everything, in order; returns the administrator's first password if one was made."""
    migrate()
    loaded = packs.read_all()
    for pack in loaded.values():
        for line in packs.problems(pack, loaded) if not pack.is_bundled else ():
            logger.warning("pack: %s", line)
    changed = packs.sync(pack for pack in loaded.values() if pack.is_whole)
    if changed:
        logger.info("packs: %d rows changed", changed)
    records.prepare_registers()
    sync_roles()
    for folder in county_folders():
        counties.sync(folder)
        records.follow(folder.body["code"])
        plan.load_county(folder)
        if settings.CONFIG.has_demo:
            demo_rows.load(folder)
    things.follow_profiles()
    records.prepare_search()
    records.prepare_duplicates()
    alarms.bind_all()
    plan.compute_all()
    password = first_administrator()
    asyncio.run(prepare_log())
    return password


def sync_roles() -> None:
    """Roles that every county has."""
    for key, role in yaml.safe_load(ROLES.read_text(encoding="utf-8")).items():
        Role.objects.update_or_create(pk=key, defaults={**role, "source": "pack"})


def migrate() -> None:
    """Apply migrations, if there are any to apply.

    Trouble if another version has made the database what it is: then nothing has changed.
    """
    executor = MigrationExecutor(connection)
    strange = set(executor.loader.applied_migrations) - set(executor.loader.disk_migrations)
    unknown = sorted(key for key in strange if key[0] in executor.loader.migrated_apps)
    if unknown:
        raise Trouble(
            f"the database was made by another version ({'.'.join(unknown[0])} is not known here): nothing was "
            "changed; start it with the version that made it, or set SHIZHU_HOME or DATABASE_URL to another"
        )
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
    """Make `admin` if there is nobody with that name, and administrator of each county that never had one.

    Returns the password made up for it.
    """
    admin, password = Person.objects.filter(username=ADMINISTRATOR).first(), ""
    if admin is None:
        password = "" if settings.CONFIG.admin_password else secrets.token_urlsafe(9)
        given = settings.CONFIG.admin_password or password
        admin = Person.objects.create_person(username=ADMINISTRATOR, password=given, name="系统管理员")
    role = Role.objects.get(pk="kernel.administrator")
    for county in County.objects.exclude(areas__posts__role=role):
        top = Organisation.objects.get(county=county, code=county.pk)
        Post.objects.create(person=admin, role=role, organisation=top, area=top.area, starts=timezone.localdate())
    return password
