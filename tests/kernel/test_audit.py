"""Every change to people and their rights is on record by trigger: what, when, by whom, through which page."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from tests.fixtures import area, organisation, person

from shizhu.kernel import packs
from shizhu.kernel.models import County, Person, Post, Role, Token

pytestmark = pytest.mark.django_db
TODAY = datetime.date.today()


@pytest.fixture
def boss(county: County) -> Person:
    return person(county, "*", username="boss")


@pytest.fixture
def clerk(county: County) -> Person:
    return person(county, "maps.map.view", username="clerk")


def login(who: Person) -> Client:
    client = Client()
    client.force_login(who)
    return client


def trail(of: type[Any], row: int | str, *fields: str) -> list[tuple[Any, ...]]:
    """(label, who, path, *fields) of every event of a row, oldest first."""
    events = of.events.rel.related_model.objects.filter(pgh_obj_id=row).order_by("pgh_id").select_related("pgh_context")
    contexts = [(event, event.pgh_context.metadata if event.pgh_context else {}) for event in events]
    return [
        (event.pgh_label, told.get("name"), told.get("path"), *(getattr(event, field) for field in fields))
        for event, told in contexts
    ]


def test_what_people_decide_on_is_on_record() -> None:
    tracked = {
        model.pgh_tracked_model._meta.label for model in apps.get_models() if hasattr(model, "pgh_tracked_model")
    }
    assert tracked == {
        "kernel.Declaration", "kernel.Grant", "kernel.Person", "kernel.Post", "kernel.Role", "kernel.Token",
        "records.Record", "things.Thing", "things.Datastream", "things.Device", "things.Maintenance",
        "things.Command", "alarms.Alarm", "alarms.PublicWarning", "cases.Case", "cases.Duty",
        "kernel.Identity", "kernel.Notice", "kernel.SecondFactor", "plan.Indicator", "plan.Call", "plan.Owner",
        "plan.Budget", "plan.Link", "plan.Node", "plan.Piece", "plan.Risk",
        "boards.Report", "things.Release", "things.Rollout", "cases.Label",
    }  # fmt: skip


def test_a_changed_person_is_on_record_with_who_changed_it(boss: Person, clerk: Person) -> None:
    page = f"/people/{clerk.pk}/"
    login(boss).post(page, {"username": "clerk", "name": "乙", "phone": "13800000000", "is_active": "on"})
    assert trail(Person, clerk.pk, "name", "phone") == [
        ("insert", None, None, "clerk", ""),
        ("update", "boss", page, "乙", "13800000000"),
    ]


def test_a_password_is_on_no_record(boss: Person, clerk: Person) -> None:
    login(boss).post(f"/people/{clerk.pk}/password")
    fields = {field.name for field in Person.events.rel.related_model._meta.get_fields()}
    assert fields.isdisjoint({"password", "last_login"})
    assert trail(Person, clerk.pk, "must_change_password")[-1] == (
        "update", "boss", f"/people/{clerk.pk}/password", True,
    )  # fmt: skip


def test_a_post_is_on_record_from_its_beginning_to_its_end(county: County, boss: Person, clerk: Person) -> None:
    given = {
        "role": "lemonade.maker", "organisation": organisation(county, "stand").pk, "area": area(county, "101").pk,
        "starts": TODAY.isoformat(),
    }  # fmt: skip
    client = login(boss)
    client.post(f"/people/{clerk.pk}/posts", given)
    post = Post.objects.get(person=clerk, role="lemonade.maker")
    client.post(f"/posts/{post.pk}/end")
    assert trail(Post, post.pk, "role_id", "starts") == [
        ("insert", "boss", f"/people/{clerk.pk}/posts", "lemonade.maker", TODAY),
        ("delete", "boss", f"/posts/{post.pk}/end", "lemonade.maker", TODAY),
    ]
    old = clerk.posts.get()
    client.post(f"/posts/{old.pk}/end")
    assert trail(Post, old.pk, "ends") == [
        ("insert", None, None, None),
        ("update", "boss", f"/posts/{old.pk}/end", TODAY - datetime.timedelta(days=1)),
    ]


def test_a_token_is_on_record_without_its_secret(clerk: Person) -> None:
    client = login(clerk)
    client.post("/tokens", {"name": "大屏"})
    token = Token.objects.get()
    client.post(f"/tokens/{token.pk}/revoke")
    token.refresh_from_db()
    assert trail(Token, token.pk, "name", "revoked") == [
        ("insert", "clerk", "/tokens", "大屏", None),
        ("update", "clerk", f"/tokens/{token.pk}/revoke", "大屏", token.revoked),
    ]
    assert "digest" not in {field.name for field in Token.events.rel.related_model._meta.get_fields()}


def test_a_change_past_django_is_on_record_too(clerk: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE kernel_person SET name = '丙' WHERE id = %s", [clerk.pk])
    assert trail(Person, clerk.pk, "name") == [("insert", None, None, "clerk"), ("update", None, None, "丙")]


def test_what_changes_nothing_leaves_no_record(clerk: Person) -> None:
    clerk.save()
    assert len(trail(Person, clerk.pk)) == 1


def test_a_role_that_a_pack_changes_is_on_record(county: County) -> None:
    before = Role.objects.get(pk="lemonade.maker").verbs
    Role.objects.filter(pk="lemonade.maker").update(verbs=[])
    assert before
    assert trail(Role, "lemonade.maker", "verbs") == [
        ("insert", None, None, before),
        ("update", None, None, []),
    ]
    packs.forget()


def test_who_has_no_right_changes_nothing_and_leaves_no_record(county: County, boss: Person, clerk: Person) -> None:
    before = [(len(trail(Person, who.pk)), who.posts.count()) for who in (boss, clerk)]
    client, given = login(clerk), {"username": "boss", "name": "乙", "is_active": "on"}
    pages = [
        (f"/people/{boss.pk}/", given),
        (f"/people/{boss.pk}/password", {}),
        (f"/posts/{boss.posts.get().pk}/end", {}),
        (f"/people/{clerk.pk}/posts", {"role": "lemonade.maker", "starts": TODAY.isoformat()}),
        ("/people/new", {"username": "new", "name": "新", "is_active": "on"}),
    ]
    assert [client.post(page, data).status_code for page, data in pages] == [403] * 5
    assert [(len(trail(Person, who.pk)), who.posts.count()) for who in (boss, clerk)] == before
    assert sorted(Person.objects.values_list("username", flat=True)) == ["boss", "clerk"]
