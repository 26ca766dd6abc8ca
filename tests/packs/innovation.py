"""Fixtures: a county with the pack innovation and who works in it; test modules name it in `pytest_plugins`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import person

from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, EnabledPack, Person
from shizhu.packs import innovation


@pytest.fixture
def bureau(county: County) -> Person:
    """Who keeps the registers and the plan."""
    packs.sync([packs.read(Path(innovation.__path__[0]))])
    EnabledPack.objects.create(county=county, pack_id="innovation")
    packs.forget()
    return person(county, "records.innovation.*", "plan.*", username="bureau")


@pytest.fixture
def keep(county: County, bureau: Person) -> Callable[..., records.Entry]:
    """Enters a row of a register of the pack."""

    def make(register: str, *, by: Person = bureau, of: str = "", **data: Any) -> records.Entry:
        who = access.actor(by)
        return records.create(
            who, county.pk, f"innovation.{register}", data, organisation=of or county.pk, area=county.pk
        )

    return make


@pytest.fixture
def walk(county: County, bureau: Person) -> Callable[..., records.Entry]:
    """Takes a row through states, one after the other."""

    def make(entry: records.Entry, *states: str, by: Person = bureau) -> records.Entry:
        for state in states:
            entry = records.move(access.actor(by), entry.id, state, entry.version)
        return entry

    return make
