"""Who administers a county that has just been made."""

from __future__ import annotations

import pytest
from tests.fixtures import person

from shizhu.kernel import testing
from shizhu.kernel.models import County, Person
from shizhu.site import preparation

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick")]


def administered(username: str = "admin") -> set[str]:
    posts = Person.objects.get(username=username).posts.filter(role="kernel.administrator")
    return set(posts.values_list("area__code", flat=True))


def test_admin_administers_each_county_that_never_had_anybody(county: County) -> None:
    preparation.sync_roles()
    assert len(preparation.first_administrator()) == 12
    assert administered() == {county.pk}
    testing.made_up_county("990002")
    assert preparation.first_administrator() == ""
    assert administered() == {county.pk, "990002"}
    assert preparation.first_administrator() == ""
    assert Person.objects.get(username="admin").posts.count() == 2


def test_a_county_with_an_administrator_of_its_own_is_left_to_them(county: County) -> None:
    preparation.sync_roles()
    theirs = person(county, role="kernel.administrator", username="theirs")
    preparation.first_administrator()
    assert administered() == set()
    assert administered(theirs.username) == {county.pk}
