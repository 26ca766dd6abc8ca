"""What gateways know of devices follows the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db import connection
from tests.fixtures import area, organisation

from shizhu.engines.things import api
from shizhu.engines.things.models import Device, Thing
from shizhu.kernel.models import County
from shizhu.kernel.threads import in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def registry(settings: Any) -> AsyncIterator[api.Registry]:
    settings.DATABASE_URL = settings.DATABASE_URL.replace("/shizhu?", f"/{connection.settings_dict['NAME']}?")
    made = api.Registry()
    yield made
    if made._connection:
        await made._connection.close()


def register(county: County, key: str, password: str = "secret") -> None:
    api.register(
        api.Registration(key, "lemonade.jug", key, organisation(county, "stand"), area(county, "101"), None), password
    )


async def knows(registry: api.Registry, key: str, password: str) -> bool:
    device = await registry.device(key)
    return device is not None and device.accepts(password)


async def until_known(registry: api.Registry, key: str, password: str, *, is_known: bool = True) -> None:
    async with asyncio.timeout(5):
        while await knows(registry, key, password) != is_known:  # noqa: ASYNC110  # a notice is on its way
            await asyncio.sleep(0.01)


def test_no_device_is_without_a_name(county: County) -> None:
    wanted = api.Registration("jug-1", "lemonade.jug", " ", organisation(county, "stand"), area(county, "101"), None)
    with pytest.raises(api.DeviceRefused, match="name: ' ': must not be empty"):
        api.register(wanted, "secret")
    assert (Device.objects.count(), Thing.objects.count()) == (0, 0)


async def test_a_device_is_known_at_once_and_a_change_soon(county: County, registry: api.Registry) -> None:
    assert not await knows(registry, "jug-1", "secret")
    await in_thread(register)(county, "jug-1")
    assert await knows(registry, "jug-1", "secret")
    assert not await knows(registry, "jug-1", "wrong")
    await in_thread(register)(county, "jug-1", "other")
    await until_known(registry, "jug-1", "other")
    assert not await knows(registry, "jug-1", "secret")
    await in_thread(api.switch_device)("jug-1", is_enabled=False)
    await until_known(registry, "jug-1", "other", is_known=False)
    await in_thread(api.switch_device)("jug-1", is_enabled=True)
    await until_known(registry, "jug-1", "other")


async def test_what_was_known_stays_known_while_the_database_is_away(county: County, registry: api.Registry) -> None:
    await in_thread(register)(county, "jug-1")
    assert await knows(registry, "jug-1", "secret")
    await in_thread(end_its_connection)()
    assert await knows(registry, "jug-1", "secret")
    await in_thread(register)(county, "jug-1", "other")
    await until_known(registry, "jug-1", "other")


def end_its_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name <> 'shizhu' AND backend_type = 'client backend'"
        )
        assert cursor.fetchall() == [(True,)]
