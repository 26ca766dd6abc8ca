"""Somebody with posts in two counties works in one at a time, and sees nothing of the other meanwhile."""

from __future__ import annotations

import pytest
from django.utils import timezone
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text

from shizhu.kernel import testing
from shizhu.kernel.models import County, EnabledPack, Person, Post, Role

pytestmark = pytest.mark.django_db
OTHER = "990002"


@pytest.fixture
def other(county: County) -> County:
    made = testing.made_up_county(OTHER)
    made.name, made.name_en = "乙县", "Yi"
    made.save()
    EnabledPack.objects.create(county=made, pack_id="lemonade")
    return made


def in_both(county: County, other: County, own: str = "*", there: str = "people.person.view") -> Person:
    """Somebody of the first county who has a post in the second too."""
    someone = person(county, own, username="both")
    role = Role.objects.create(pk="r.there", name={"zh": "那边", "en": "there"}, verbs=[there])
    Post.objects.create(
        person=someone, role=role, organisation=organisation(other), area=area(other), starts=timezone.localdate()
    )
    return someone


def test_of_one_county_there_is_nothing_to_choose(county: County, other: County) -> None:
    page = browser(person(county, "*")).get("/")
    assert page.context["counties"] == []
    assert 'name="county"' not in page.content.decode()


def test_the_county_is_chosen_and_stays_chosen(county: County, other: County) -> None:
    client = browser(in_both(county, other))
    first = client.get("/")
    assert [one.pk for one in first.context["counties"]] == [county.pk, OTHER]
    assert first.context["county"] == county
    answer = client.post("/county", {"county": OTHER, "next": "/"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    then = client.get("/")
    assert then.context["county"] == other
    assert {scope.county for scope in then.context["actor"].scopes} == {OTHER}
    again = browser(Person.objects.get(username="both")).get("/")
    assert again.context["county"] == other
    client.post("/county", {"county": county.pk, "next": "/"})
    assert client.get("/").context["county"] == county


def test_rights_of_one_county_are_none_in_the_other(county: County, other: County) -> None:
    client = browser(in_both(county, other, there="things.thing.view"))
    assert client.get("/people/").status_code == 200
    client.post("/county", {"county": OTHER})
    assert client.get("/people/").status_code == 403
    assert [entry.url for entry in client.get("/").context["menu"]] != []


def test_a_county_without_a_post_is_refused(county: County, other: County) -> None:
    someone = person(county, "*")
    client = browser(someone)
    answer = client.post("/county", {"county": OTHER})
    assert (answer.status_code, answer.content.decode()) == (400, f"county='{OTHER}' is none where you have a post")
    someone.refresh_from_db()
    assert "county" not in someone.preferences
    assert client.get("/").context["county"] == county


def test_a_post_that_ended_leads_home(county: County, other: County) -> None:
    someone = in_both(county, other)
    client = browser(someone)
    client.post("/county", {"county": OTHER})
    someone.posts.filter(area__county=other).delete()
    page = client.get("/")
    assert page.context["county"] == county
    assert page.context["counties"] == []


def test_rows_and_collections_are_of_the_county_one_works_in(county: County, other: County) -> None:
    someone = in_both(county, other, there="*")
    client = browser(someone)
    for of, name in ((county, "甲"), (other, "乙")):
        Person.objects.create_person(username=f"u{of.pk}", password=None, name=f"{name}某", county=of)
    assert "甲某" in text(client.get("/people/"))
    assert "乙某" not in text(client.get("/people/"))
    client.post("/county", {"county": OTHER})
    assert "乙某" in text(client.get("/people/"))
    assert "甲某" not in text(client.get("/people/"))
    areas = client.get("/ogc/collections/areas/items?limit=100", headers={"accept": "application/geo+json"}).json()
    assert {feature["properties"]["code"][:6] for feature in areas["features"]} == {OTHER}
