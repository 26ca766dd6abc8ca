"""A small invented county with the toy pack, for engine tests."""

from __future__ import annotations

import dataclasses
import datetime
import functools
import ipaddress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase
from django.utils import translation
from procrastinate.contrib.django import app

from shizhu.kernel import packs, testing
from shizhu.kernel.models import Area, County, Declaration, EnabledPack, Organisation, Pack, Person, Post, Role

# No trigger fires: what is deleted leaves no history, and one foreign key need not wait for another.
EMPTY = """
DO $$ DECLARE name text; BEGIN
    SET LOCAL session_replication_role = replica;
    FOREACH name IN ARRAY string_to_array('{tables}', ',') LOOP
        IF pg_relation_size(name::regclass) > 1000000 THEN EXECUTE format('TRUNCATE %I CASCADE', name);
        ELSE EXECUTE format('DELETE FROM %I', name); END IF;
    END LOOP;
END $$
"""
KEPT = {"django_content_type", "auth_permission"}  # of the models alone
JOBS = {"procrastinate_jobs", "procrastinate_events", "procrastinate_periodic_defers"}  # Django does not make them

TOY = Path(__file__).parent / "toy_packs/lemonade"
CODE = testing.CODE


def _emptied(_case: TransactionTestCase | None = None) -> None:
    """What `flush` does, in a tenth of the time: it makes every table anew, and what each may be done to."""
    tables = set(connection.introspection.django_table_names(only_existing=True)) - KEPT | JOBS
    with connection.cursor() as cursor:
        cursor.execute(EMPTY.format(tables=",".join(sorted(tables))))


TransactionTestCase._fixture_teardown = _emptied  # type: ignore[method-assign]


@pytest.fixture(autouse=True)
def chinese() -> None:
    """Whatever language the page before was in."""
    translation.activate("zh-hans")


@pytest.fixture
def loopback(settings: Any) -> None:
    """Channels may call this machine, as where an administrator has listed it."""
    here = (ipaddress.ip_network("127.0.0.0/8"),)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, private_networks=here)


async def work() -> None:
    """Let a worker do what waits, as the role does."""
    worker = app.with_connector(app.connector.get_worker_connector())
    async with worker.open_async():
        await worker.run_worker_async(install_signal_handlers=False, listen_notify=False, wait=False)


@functools.cache
def toy() -> packs.LoadedPack:
    """The toy pack as it is on disk."""
    return packs.read(TOY)


@pytest.fixture(scope="session")
def made_before(django_db_setup: None, django_db_blocker: Any) -> str:
    """SQL that copies the county's rows from where they were put once; to make them takes ten times as long."""
    names = [model._meta.db_table for model in (County, Area, Organisation, Pack, Declaration, Role, EnabledPack)]
    with django_db_blocker.unblock(), transaction.atomic():
        made = testing.made_up_county(CODE)
        top = organisation(made)
        for code in ("stand", "kitchen"):
            Organisation.objects.create(
                county=made, code=code, name=code, kind="department", parent=top, path=f"{CODE}/{code}/", area=top.area
            )
        packs.sync([toy()])
        EnabledPack.objects.create(county=made, pack_id="lemonade")
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA made")
            for name in names:
                cursor.execute(f"CREATE TABLE made.{name} AS TABLE {name}")
        _emptied()
    return "; ".join(f"INSERT INTO {name} SELECT * FROM made.{name}" for name in names)


@pytest.fixture
def county(db: None, made_before: str) -> County:
    """甲县 with two towns, a government and two departments, and the toy pack switched on."""
    packs.forget()
    with connection.cursor() as cursor:
        cursor.execute(made_before)
    return County.objects.get()


def area(county: County, code: str = "") -> Area:
    """The county's area, or a town by the end of its code."""
    return Area.objects.get(county=county, code=f"{county.pk}{code}")


def organisation(county: County, code: str = "") -> Organisation:
    """The county's government, or a department."""
    return Organisation.objects.get(county=county, code=code or county.pk)


def person(
    county: County,
    *verbs: str,
    role: str = "",
    username: str = "",
    in_area: str = "",
    of: str = "",
    ends: datetime.date | None = None,
) -> Person:
    """A person with one post that has the verbs (or the declared role)."""
    made = Person.objects.create_person(
        username=username or f"p{Person.objects.count()}",
        password="correct horse",
        name=username or "甲",
        county=county,
    )
    key = f"r.{'-'.join(verbs)}"
    key = key if len(key) <= 60 else f"r.{packs.digest(verbs)[:20]}"
    held = (
        Role.objects.get(pk=role)
        if role
        else Role.objects.get_or_create(pk=key, defaults={"name": {}, "verbs": verbs})[0]
    )
    Post.objects.create(
        person=made,
        role=held,
        organisation=organisation(county, of),
        area=area(county, in_area),
        starts=datetime.date.today() - datetime.timedelta(days=10),
        ends=ends,
    )
    return made
