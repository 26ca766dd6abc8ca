"""Who sees what: one predicate for the ORM and for SQL."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection

from shizhu.kernel import access
from shizhu.kernel.models import Area, County, File, Organisation, Person, Post, Role

pytestmark = pytest.mark.django_db
TODAY = datetime.date.today()


@pytest.fixture
def county() -> County:
    made = County.objects.create(code="990001", name="甲县")
    root = Area.objects.create(county=made, code="990001", name="甲县", level="county", path="990001/")
    for code in ("990001101", "990001102"):
        Area.objects.create(county=made, code=code, name=code, level="town", parent=root, path=f"990001/{code}/")
    top = Organisation.objects.create(
        county=made, code="990001", name="县政府", kind="county", path="990001/", area=root
    )
    for code in ("water", "ecology"):
        Organisation.objects.create(
            county=made, code=code, name=code, kind="department", parent=top, path=f"990001/{code}/", area=root
        )
    return made


def person_with(
    county: County, organisation: str, area: str, verbs: list[str], *, ends: datetime.date | None = None
) -> Person:
    person = Person.objects.create_person(
        username=f"p{Person.objects.count()}", password=None, name="甲", county=county
    )
    role, _ = Role.objects.get_or_create(pk=f"r.{'-'.join(verbs)}", defaults={"name": {}, "verbs": verbs})
    Post.objects.create(
        person=person,
        role=role,
        organisation=Organisation.objects.get(county=county, code=organisation),
        area=Area.objects.get(county=county, code=area),
        starts=TODAY - datetime.timedelta(days=10),
        ends=ends,
    )
    return person


def file_in(county: County, organisation: str, area: str) -> File:
    return File.objects.create(
        county=county,
        organisation=Organisation.objects.get(county=county, code=organisation),
        area=Area.objects.get(county=county, code=area),
        name=f"{organisation}-{area}",
        media_type="image/png",
        size=1,
        sha256="0" * 64,
    )


@pytest.fixture
def files(county: County) -> list[File]:
    return [file_in(county, org, area) for org in ("water", "ecology") for area in ("990001101", "990001102")]


def seen(person: Person, verb: str = "kernel.file.view") -> list[str]:
    who = access.actor(person)
    by_orm = [file.name for file in access.rows(File.objects.order_by("name"), who, verb)]
    predicate = access.visible(who, verb, "f")
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT name FROM kernel_file f WHERE {predicate.sql} ORDER BY name", predicate.params)
        by_sql = [name for (name,) in cursor.fetchall()]
    assert by_orm == by_sql
    return by_orm


def test_a_post_opens_its_two_subtrees(county: County, files: list[File]) -> None:
    assert seen(person_with(county, "water", "990001101", ["kernel.file.view"])) == ["water-990001101"]
    assert seen(person_with(county, "990001", "990001101", ["kernel.file.*"])) == [
        "ecology-990001101",
        "water-990001101",
    ]
    assert len(seen(person_with(county, "990001", "990001", ["*"]))) == len(files)


def test_without_the_verb_or_with_a_past_post_nothing_is_seen(county: County, files: list[File]) -> None:
    assert seen(person_with(county, "990001", "990001", ["kernel.file.edit"])) == []
    yesterday = TODAY - datetime.timedelta(days=1)
    assert seen(person_with(county, "990001", "990001", ["*"], ends=yesterday)) == []


def test_another_county_stays_closed(county: County, files: list[File]) -> None:
    other = County.objects.create(code="990002", name="乙县")
    root = Area.objects.create(county=other, code="990001", name="乙县", level="county", path="990002/")
    Organisation.objects.create(county=other, code="990001", name="乙", kind="county", path="990002/", area=root)
    assert seen(person_with(other, "990001", "990001", ["*"])) == []


def test_require_names_the_verb(county: County, files: list[File]) -> None:
    who = access.actor(person_with(county, "water", "990001101", ["kernel.file.view"]))
    access.require(who, "kernel.file.view", files[0])
    with pytest.raises(access.PermissionDenied, match="no right kernel.file.view"):
        access.require(who, "kernel.file.view", files[1])
