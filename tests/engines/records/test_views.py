"""Saved views and conditions that are clicked together."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from tests.engines.records.test_pages import browser, codes, text
from tests.fixtures import person

from shizhu.engines.records.logic import built, cql2
from shizhu.engines.records.models import View
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALL = "lemonade.stall"
LIST = f"/records/{STALL}/"


@pytest.fixture
def client(root: access.Actor) -> Client:
    """The browser of somebody who may do everything, in English."""
    return browser(Person.objects.get(username="root"))


def save(client: Client, name: str, asked: str, **more: str) -> View:
    client.post(f"{LIST}views", {"name": name, "asked": asked, **more})
    return View.objects.get(name=name)


def test_a_view_keeps_filters_order_and_columns(client: Client, stall: Any) -> None:
    stall(kind="cart", seats=2)
    stall(kind="cart", seats=5)
    stall(kind="booth", seats=9)
    asked = "?f.kind=cart&order=-seats&columns=code,seats,illness&page=3&csrfmiddlewaretoken=x&next=y"
    view = save(client, "推车", asked)
    assert view.asked == {"f.kind": "cart", "order": "-seats", "columns": "code,seats,illness"}
    answer = client.get(f"{LIST}?view={view.pk}", follow=True)
    assert codes(answer) == ["S002", "S001"]
    assert [column["field"].name for column in answer.context["columns"]] == ["code", "seats", "illness"]
    assert client.get(f"{LIST}?view={view.pk + 1}").status_code == 200


def test_the_default_view_opens_the_bare_list_and_can_be_left(client: Client, stall: Any) -> None:
    stall(kind="cart")
    stall(kind="booth")
    save(client, "亭", "?f.kind=booth", default="on")
    save(client, "车", "?f.kind=cart", default="on")
    assert codes(client.get(LIST, follow=True)) == ["S001"]
    assert len(codes(client.get(f"{LIST}?view=none"))) == 2
    assert len(codes(client.get(f"{LIST}?order=code"))) == 2
    view = View.objects.get(name="车")
    client.post(f"{LIST}views/{view.pk}/drop")
    assert len(codes(client.get(LIST))) == 2


def test_what_a_database_cannot_keep_is_left_out_of_a_view(client: Client, stall: Any) -> None:
    assert save(client, "空", "?f.kind=a%00b&q=c&f.x%00=d").asked == {"q": "c"}


@pytest.mark.django_db(transaction=True)
def test_of_two_default_views_kept_at_once_one_stays_the_default(county: County, root: access.Actor) -> None:
    who, gate = Person.objects.get(username="root"), threading.Barrier(2)

    def keep(name: str) -> int:
        try:
            gate.wait(timeout=30)
            return browser(who).post(f"{LIST}views", {"name": name, "asked": "?q=a", "default": "on"}).status_code
        finally:
            connection.close()

    for turn in range(4):
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(keep, [f"甲{turn}", f"乙{turn}"])) == [302, 302]
    assert View.objects.filter(is_default=True).count() == 1


def test_a_view_is_shared_below_ones_organisation_by_who_may(county: County, stall: Any) -> None:
    stall(kind="cart")
    stall(kind="booth")
    head = browser(person(county, "records.lemonade.*", of="stand", username="head"))
    view = save(head, "车", "?f.kind=cart", share="on")
    mate = browser(person(county, f"records.{STALL}.view", of="stand", username="mate"))
    cook = browser(person(county, f"records.{STALL}.view", of="kitchen", username="cook"))
    address = f"{LIST}?view={view.pk}"
    assert codes(mate.get(address, follow=True)) == ["S001"]
    assert [seen.name for seen in cook.get(LIST).context["views"]] == []
    mate.post(f"{LIST}views/{view.pk}/drop")
    assert View.objects.filter(pk=view.pk).exists()
    assert mate.post(f"{LIST}views", {"name": "x", "asked": "?q=a", "share": "on"}).status_code == 403
    assert View.objects.count() == 1


def test_columns_are_chosen_by_boxes(client: Client, stall: Any) -> None:
    stall(owner="张三丰")
    answer = client.get(f"{LIST}?column=code&column=owner&column=unknown")
    assert [column["field"].name for column in answer.context["columns"]] == ["code", "owner"]
    assert "张三丰" not in answer.content.decode()


def test_a_condition_fits_the_list_and_its_export_and_private_fields_are_refused(client: Client, stall: Any) -> None:
    stall(kind="cart", seats=2)
    stall(kind="booth", seats=9, owner="张三丰")
    condition = "kind = 'cart' OR seats > 5"
    assert codes(client.get(LIST, {"filter": condition, "order": "code"})) == ["S001", "S002"]
    assert codes(client.get(LIST, {"filter": "seats > 5"})) == ["S002"]
    for wrong in ("owner = '张三丰'", "seats >", "nothing = 1", "seats = 'x'"):
        answer = client.get(LIST, {"filter": wrong})
        assert "cannot be understood" in text(answer), wrong
        assert codes(answer) == []
    assert all(field["name"] != "owner" for field in client.get(LIST).context["builder"]["fields"])


BUILT = [
    ("kind = 'cart'", [["kind", "=", "cart"]]),
    ("kind = 'cart' AND seats >= 5", [["kind", "=", "cart"], ["seats", ">=", "5"]]),
    ("name LIKE '%号%'", [["name", "like", "号"]]),
    ("opened < DATE('2026-01-01') AND is_shaded = TRUE", [["opened", "<", "2026-01-01"], ["is_shaded", "=", "true"]]),
    ("street IS NULL OR street IS NOT NULL", [["street", "null", ""], ["street", "filled", ""]]),
]


@pytest.mark.parametrize(("condition", "lines"), BUILT)
def test_lines_of_a_condition_are_shown_again(condition: str, lines: list[list[str]]) -> None:
    found = built.groups(cql2.parse(condition))
    assert found
    (group,) = found["groups"]
    assert [list(line.values()) for line in group["lines"]] == lines
    assert group["all"] == (" OR " not in condition)


def test_groups_are_shown_again_and_what_is_more_is_left_as_text() -> None:
    found = built.groups(cql2.parse("(kind = 'cart' AND seats > 1) OR (kind = 'booth' AND seats > 5)"))
    assert found
    assert (found["all"], [len(group["lines"]) for group in found["groups"]]) == (False, [2, 2])
    for deep in ("NOT kind = 'cart'", "(a = 1 OR (b = 2 AND c = 3)) AND d = 4 ", "seats IN (1, 2)"):
        assert built.groups(cql2.parse(deep)) is None
