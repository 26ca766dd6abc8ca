"""A small invented county with the toy pack, for engine tests."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
import shapely

from shizhu.kernel import packs
from shizhu.kernel.models import Area, County, EnabledPack, Organisation, Person, Post, Role

TOY = Path(__file__).parent / "toy_packs/lemonade"
CODE = "990001"


@pytest.fixture
def county(db: None) -> County:
    """甲县 with two towns, a government and two departments, and the toy pack switched on."""
    packs.forget()
    made = County.objects.create(code=CODE, name="甲县", name_en="Jia")
    square = shapely.box(100, 30, 101, 31)
    root = Area.objects.create(
        county=made, code=CODE, name="甲县", level="county", path=f"{CODE}/", geometry=square, box=square.bounds
    )
    for number, name in enumerate(("东镇", "西镇"), 1):
        code = f"{CODE}10{number}"
        Area.objects.create(county=made, code=code, name=name, level="town", parent=root, path=f"{CODE}/{code}/")
    top = Organisation.objects.create(county=made, code=CODE, name="县政府", kind="county", path=f"{CODE}/", area=root)
    for code in ("stand", "kitchen"):
        Organisation.objects.create(
            county=made, code=code, name=code, kind="department", parent=top, path=f"{CODE}/{code}/", area=root
        )
    packs.sync([packs.read(TOY)])
    EnabledPack.objects.create(county=made, pack_id="lemonade")
    packs.forget()
    return made


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
    held = (
        Role.objects.get(pk=role)
        if role
        else Role.objects.get_or_create(pk=f"r.{'-'.join(verbs)}", defaults={"name": {}, "verbs": verbs})[0]
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
