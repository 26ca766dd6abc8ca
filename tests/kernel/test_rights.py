"""The access predicate says the same in SQL and in Python, for whatever posts somebody holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shizhu.kernel import access
from shizhu.kernel.access import Actor, Scope
from shizhu.kernel.models import Area, County, File, Organisation, Person, Post, Role

COUNTIES = ("990001", "990002")
AREAS = ("", "101/", "102/", "101/101001/", "1010/")  # below the county's code; 1010 is no part of 101
ORGANISATIONS = ("", "water/", "water/east/", "water_works/", "water-works/", "enterprise/")
VERBS = ("kernel.file.view", "kernel.file.edit", "kernel.person.view")
GIVEN = ("*", "kernel.*", "kernel.file.*", "kernel.file.view", "kernel.file", "kern.*", "kernel.person.view",
         "kernel.*.view", "*.file.edit")  # fmt: skip


@dataclass(frozen=True)
class World:
    files: tuple[File, ...]

    def seen(self, who: Actor, verb: str) -> set[int]:
        """By SQL text."""
        predicate = access.visible(who, verb, "f")
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT id FROM kernel_file f WHERE {predicate.sql}", predicate.params)
            return {id_ for (id_,) in cursor.fetchall()}

    def allowed(self, who: Actor, verb: str) -> set[int]:
        """Row by row in Python."""
        return {
            file.pk
            for file in self.files
            if access.may(who, verb, county=file.county_id, organisation=file.organisation, area=file.area)
        }


@pytest.fixture
def world(db: None) -> World:
    """A file for every organisation in every area of two counties."""
    return World(tuple(file for code in COUNTIES for file in _files(County.objects.create(code=code, name=code))))


def _files(county: County) -> Iterator[File]:
    areas = [
        Area.objects.create(county=county, code=f"{number}", name=path, level="town", path=f"{county.pk}/{path}")
        for number, path in enumerate(AREAS)
    ]
    for number, path in enumerate(ORGANISATIONS):
        organisation = Organisation.objects.create(
            county=county, code=f"{number}", name=path, kind="department", path=f"{county.pk}/{path}", area=areas[0]
        )
        for area in areas:
            yield File.objects.create(
                county=county, organisation=organisation, area=area, name=path, media_type="", size=0, sha256=""
            )


held = st.lists(
    st.tuples(
        st.sampled_from(COUNTIES),
        st.sets(st.sampled_from(GIVEN), max_size=3),
        st.sampled_from(ORGANISATIONS),
        st.sampled_from(AREAS),
    ),
    max_size=4,
)


def holder(held: list[tuple[str, set[str], str, str]]) -> Actor:
    """Somebody with these posts."""
    person = Person.objects.create(username="holder", name="甲", county_id=COUNTIES[0])
    for number, (county, verbs, organisation, area) in enumerate(held):
        Post.objects.create(
            person=person, role=Role.objects.create(key=f"r{number}", name={}, verbs=sorted(verbs)),
            organisation=Organisation.objects.get(county=county, path=f"{county}/{organisation}"),
            area=Area.objects.get(county=county, path=f"{county}/{area}"), starts="2026-01-01",
        )  # fmt: skip
    return access.actor(person)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(held=held, verb=st.sampled_from(VERBS))
def test_sql_and_python_agree(world: World, held: list[Any], verb: str) -> None:
    with transaction.atomic():
        who = holder(held)
        expected = world.allowed(who, verb)
        assert world.seen(who, verb) == expected
        assert set(access.rows(File.objects.all(), who, verb).values_list("pk", flat=True)) == expected
        transaction.set_rollback(True)


def test_nobody_sees_nothing_and_anybody_everything(world: World) -> None:
    everything = {file.pk for file in world.files}
    assert (world.seen(access.NOBODY, VERBS[0]), world.allowed(access.NOBODY, VERBS[0])) == (set(), set())
    assert (world.seen(access.ANYBODY, VERBS[0]), world.allowed(access.ANYBODY, VERBS[0])) == (everything, everything)


@pytest.mark.parametrize(
    ("given", "verb", "expected"),
    [
        ("*", "a.b.c", True),
        ("a.*", "a.b.c", True),
        ("a.b.*", "a.b.c", True),
        ("a.b.c", "a.b.c", True),
        ("a.b", "a.b.c", False),
        ("a.bb.*", "a.b.c", False),
        ("a.b.c.*", "a.b.c", False),
        ("a.b.*", "a.b", False),
        ("a.*.c", "a.b.c", True),
        ("a.*.c", "a.b.d", False),
        ("a.*.c", "a.c", False),
        ("a.*.c", "a.b.b.c", False),
        ("a.*.c", "a.*", False),
        ("a.*.c", "a.b.*", False),
        ("a.*", "a.*.c", True),
        ("a.*.*.d", "a.b.c.d", True),
        ("a.*.*.d", "a.b.c.e", False),
        ("", "a.b.c", False),
    ],
)
def test_what_a_verb_covers(given: str, verb: str, expected: bool) -> None:
    assert Scope("990001", "r", frozenset([given]), "", "").has(verb) is expected


@pytest.mark.parametrize("path", ["enterprise/", "990001", "9900012/", "99000_/"])
def test_no_area_or_organisation_lies_outside_its_county(world: World, path: str) -> None:
    county, area = County.objects.get(pk="990001"), Area.objects.get(county="990001", code="0")
    with pytest.raises(IntegrityError, match="area_below_county"), transaction.atomic():
        Area.objects.create(county=county, code="x", name="x", level="town", path=path)
    with pytest.raises(IntegrityError, match="organisation_below_county"), transaction.atomic():
        Organisation.objects.create(county=county, code="x", name="x", kind="enterprise", path=path, area=area)


def test_the_role_a_person_holds_covers_what_lies_below(world: World) -> None:
    water, east = (Organisation.objects.get(county="990001", path=f"990001/{path}") for path in ORGANISATIONS[1:3])
    town, village, other = (
        Area.objects.get(county="990001", path=f"990001/{path}") for path in ("101/", "101/101001/", "1010/")
    )
    who = Actor(1, "甲", (Scope("990001", "chief", frozenset(), water.path, town.path),))
    assert access.holds(who, "chief", organisation=east, area=village) is True
    assert access.holds(who, "chief", organisation=water, area=other) is False
    assert access.holds(who, "leader", organisation=water, area=town) is False
