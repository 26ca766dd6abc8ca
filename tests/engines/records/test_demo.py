"""The demonstration rows of every county fit the registers that packs declare; loading them twice adds nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection

from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import counties, packs

FOLDERS = counties.folders(Path(__file__).parents[3] / "counties")
pytestmark = pytest.mark.django_db


def documents(folder: counties.Folder) -> list[dict[str, Any]]:
    return [
        yaml.safe_load(file.read_text(encoding="utf-8")) for file in sorted(folder.path.glob("demo/records/*.yaml"))
    ]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.body["code"])
def test_demo_rows_are_valid_and_come_once(folder: counties.Folder) -> None:
    packs.sync(packs.read_all().values())
    counties.sync(folder)
    county, found = folder.body["code"], documents(folder)
    total = sum(len(document["rows"]) for document in found)
    assert api.load_demo(county, found) == total
    assert Record.objects.filter(county_id=county, source="demo", is_simulated=True).count() == total
    assert api.load_demo(county, found) == 0


def test_packs_and_indexes_are_the_same_when_prepared_again() -> None:
    packs.sync(packs.read_all().values())
    api.prepare_registers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'declared@_%%' ESCAPE '@'", [])
        (made,) = cursor.fetchone()
    assert made == sum(wanted(register) for register in api.registers().values())
    assert (packs.sync(packs.read_all().values()), api.prepare_registers()) == (0, 0)


def wanted(register: api.Register) -> int:
    names = {item.name for item in (*register.filters, *register.references)}
    extra = {name for name in (register.order.removeprefix("-"), register.time_field) if name}
    return len(names | extra) + bool(register.geometry)
