"""What is found, by whom, and that private fields and rows of others never are."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from tests.engines.records.test_pages import browser, text
from tests.fixtures import person

from shizhu.engines.records import api, searching
from shizhu.engines.records.logic import lexemes
from shizhu.engines.records.models import Indexed
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"


@pytest.fixture
def client(root: access.Actor) -> Client:
    """The browser of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def found(client: Client, asked: str, **more: str) -> list[str]:
    answer = client.get("/search", {"q": asked, **more})
    return [hit.beside[0] for group in answer.context["groups"] for hit in group.hits]


FINDS = [
    ("滨河", "S001"), ("河路", "S001"), ("河", "S001"), ("滨路", ""), ("路滨", ""), ("binhe", ""), ("大树下", "S001"),
    ("dashu", "S001"), ("shuxia", "S001"), ("dsx", "S001"), ("S00", "S002 S001"), ("ｓ００１", "S001"),
    ("推车", "S001"),
    ("cart", "S001"), ("大树 滨河", "S001"), ("大树 亭子", ""), ("G001", "G001 S001"), ("果园", "G001"), ("!!", ""),
    ("13800000000", ""), ("1380", ""), ("张三丰", ""), ("健康", ""), ("糖尿", ""), ("甲' | '", "G001"), ("\\", ""),
]  # fmt: skip


def test_rows_are_found_by_what_they_say_and_never_by_what_is_private(
    client: Client, stall: Any, grower: api.Entry
) -> None:
    stall(
        name="大树下摊", street="滨河路12号", kind="cart", grower="G001", owner="张三丰", phone="13800000000",
        illness="糖尿病",
    )  # fmt: skip
    stall(name="小亭", kind="booth")
    assert [(asked, " ".join(found(client, asked))) for asked, _ in FINDS] == FINDS


def test_rows_of_others_are_not_found_nor_counted(county: County, client: Client, stall: Any) -> None:
    stall(area="101", street="滨河路")
    stall(area="102", street="滨河路")
    api.withdraw(access.actor(Person.objects.get(username="root")), stall(street="滨河路").id, 1)
    assert found(client, "滨河") == ["S001", "S002"]
    east = browser(person(county, "records.lemonade.stall.view", in_area="101"))
    answer = east.get("/search", {"q": "滨河"})
    assert [(g.key, g.total, dict(g.areas)) for g in answer.context["groups"]] == [
        (f"records:{STALL}", 1, {"990001101": 1})
    ]
    assert "2号摊" not in text(answer)
    nobody = browser(person(county, "cases.*"))
    assert "Nothing that you may see says so." in text(nobody.get("/search", {"q": "滨河"}))


def test_a_search_is_narrowed_by_kind_and_place(client: Client, stall: Any, grower: api.Entry) -> None:
    stall(area="101", name="果园摊")
    stall(area="102", name="果园二摊")
    assert sorted(found(client, "果园")) == ["G001", "S001", "S002"]
    assert found(client, "果园", kind="records:lemonade.grower") == ["G001"]
    assert found(client, "果园", area="990001102") == ["S002"]
    page = client.get("/search", {"q": "果园"})
    assert [(name, number) for name, number, _link, _chosen in page.context["areas"]] == [("东镇", 1), ("西镇", 1)]
    assert "<mark>果园</mark>" in page.content.decode()


def test_what_was_looked_for_is_marked_and_nothing_else_gets_into_the_page(client: Client, stall: Any) -> None:
    stall(name="<b>大</b>摊", street="滨河路<script>")
    body = client.get("/search", {"q": "滨河"}).content.decode()
    assert "Street：<mark>滨河</mark>路&lt;script&gt;" in body
    assert "&lt;b&gt;大&lt;/b&gt;摊" in body


def test_lexemes_follow_the_row(client: Client, stall: Any, root: access.Actor) -> None:
    row = stall(street="滨河路")
    api.update(root, row.id, {"street": "湖滨路"}, 1, area="990001102")
    assert (found(client, "滨河"), found(client, "湖滨")) == ([], ["S001"])
    assert (found(client, "湖滨", area="990001102"), found(client, "湖滨", area="990001101")) == (["S001"], [])


def test_what_becomes_private_is_forgotten_at_once(county: County, client: Client, stall: Any) -> None:
    stall(street="滨河路")
    searching.prepare()
    searching.fill(county.pk)
    assert (searching.prepare(), found(client, "滨河")) == (0, ["S001"])
    Indexed.objects.filter(register=STALL).update(digest="another")  # as if the declaration had been another
    assert (searching.prepare(), found(client, "滨河")) == (1, [])
    assert (searching.fill(county.pk), found(client, "滨河")) == (1, ["S001"])


def test_too_many_are_not_counted_and_the_likeliest_come_first(
    client: Client, stall: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "MOST", 3)
    for number in range(6):
        stall(name=f"摊{number}")
    stall(name="号摊")
    page = client.get("/search", {"q": "摊"})
    (group,) = page.context["groups"]
    assert group.is_more
    assert "+" in text(page)
    assert found(client, "号摊") == ["S007"]


def test_a_list_is_searched_by_the_same_index(client: Client, stall: Any) -> None:
    stall(name="大树下摊", street="滨河路")
    stall(owner="滨河")
    answer = client.get(f"/records/{STALL}/?q=滨河")
    assert [entry.key for entry, _cells, _state in answer.context["rows"]] == ["S001"]


@given(st.text(max_size=40), st.text(max_size=12))
def test_any_text_makes_a_vector_and_a_query_that_postgresql_reads(says: str, asked: str) -> None:
    vector = lexemes.vector([*lexemes.of_text(says), *lexemes.of_title([says])])
    whole, part = lexemes.query(asked), lexemes.query(says[: lexemes.MOST // 2])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT %s::tsvector @@ coalesce(nullif(%s, ''), '!x')::tsquery, %s::tsvector IS NULL, "
            "%s::tsvector @@ coalesce(nullif(%s, ''), '!x')::tsquery",
            [vector, whole.replace("\x00", ""), vector, vector, part],
        )
        row = cursor.fetchone()
    assert row[2]  # what a text begins with finds it
