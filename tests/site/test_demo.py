"""The demonstration county: its rows fit what packs declare, are marked simulated, and loading twice adds nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection

from shizhu.engines.cases.models import Case, Concern, Label
from shizhu.engines.plan import api as plan
from shizhu.engines.plan.models import Indicator
from shizhu.engines.records import api as records
from shizhu.engines.records.indexes import COMPARABLE
from shizhu.engines.records.models import Record
from shizhu.engines.things.models import Device, Thing
from shizhu.kernel import counties, packs
from shizhu.kernel.models import County, Person
from shizhu.site import demo, demo_rows, preparation

FOLDERS = counties.folders(Path(__file__).parents[2] / "counties")
pytestmark = pytest.mark.django_db


def counts(county: str) -> dict[str, int]:
    return {
        "records": Record.objects.filter(county_id=county, source="demo", is_simulated=True).count(),
        "people": Person.objects.filter(county_id=county, is_simulated=True).count(),
        "devices": Device.objects.filter(county_id=county).count(),
        "things": Thing.objects.filter(county_id=county).count(),
        "labels": Label.objects.filter(county_id=county, is_simulated=True).count(),
        "concerns": Concern.objects.filter(county_id=county, case__origin=1).count(),
        "cases": Case.objects.filter(county_id=county, status=Case.Status.CLOSED).count(),
    }


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.body["code"])
def test_demo_rows_are_valid_and_come_once(folder: counties.Folder) -> None:
    packs.sync(packs.read_all().values())
    preparation.sync_roles()
    counties.sync(folder)
    plan.load_county(folder)
    county = folder.body["code"]
    rows = [len(folder.yaml(f"demo/records/{f.stem}")["rows"]) for f in folder.path.glob("demo/records/*.yaml")]
    stations, people = len(demo.stations(county)), len(folder.yaml("demo/people"))
    cases = sum(len(told["cases"]) for name in ("cases", "city_cases") if (told := folder.yaml(f"demo/{name}")))
    expected = {"records": sum(rows), "people": people, "devices": stations, "things": stations, "cases": cases}
    expected |= {name: len(folder.yaml("demo/labels")[name]) for name in ("labels", "concerns")}
    demo_rows.load(folder)
    assert counts(county) == expected
    demo_rows.load(folder)
    assert counts(county) == expected


def test_packs_and_indexes_are_the_same_when_prepared_again() -> None:
    packs.sync(packs.read_all().values())
    records.prepare_registers()
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'declared@_%%' ESCAPE '@'", [])
        (made,) = cursor.fetchone()
    assert made == sum(wanted(register) for register in records.registers().values())
    assert (packs.sync(packs.read_all().values()), records.prepare_registers()) == (0, 0)


def wanted(register: records.Register) -> int:
    names = {item.name for item in (*register.filters, *register.references)}
    extra = {name for name in (register.order.removeprefix("-"), register.time_field) if name}
    own = {register.key_field, register.title_field}  # a list can be ordered by each of its columns
    extra |= {i.name for i in register.listed if i.kind in COMPARABLE and not i.privacy and i.name not in own}
    placed = 2 if register.geometry else 0  # where it is, and what changed last
    thinned = len(records.THINNED) if register.geometry == "Point" else 0
    return len(names | extra) + len(register.unique) + placed + thinned


def test_money_and_what_is_attended_begin_anew_each_year_but_for_what_is_there(county: County, tmp_path: Path) -> None:
    names = {
        "固定资产投资": ("亿元", True), "人均可支配收入": ("元", True), "科普活动": ("人次", True),
        "贷款余额": ("亿元", False), "国有企业总资产": ("万元", False), "企业数": ("家", False),
    }  # fmt: skip
    ends = "base: { year: 2020, value: 1 }, target: { year: 2025, value: 2 }"
    rows = [
        f"  - {{ key: k{n}, name: {name}, unit: {unit}, {ends} }}" for n, (name, (unit, _)) in enumerate(names.items())
    ]
    (tmp_path / "plan.yaml").write_text(
        "\n".join(["title: 规划", "source: 县政府", "indicators:", *rows]), encoding="utf-8"
    )
    plan.load_county(counties.Folder(tmp_path, {"code": county.pk}))
    assert dict(Indicator.objects.values_list("name", "is_flow")) == {name: told for name, (_, told) in names.items()}
