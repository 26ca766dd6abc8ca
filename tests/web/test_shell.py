"""The shell of every page: home, menu, the phone's bar, and pages that say what went wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.kernel.models import County, Person
from shizhu.web import menu, views

pytestmark = pytest.mark.django_db


def test_home_has_the_cards_of_ones_rights(county: County) -> None:
    cards = {
        verbs: [card.template for card in browser(person(county, *verbs)).get("/").context["cards"]]
        for verbs in (("cases.case.view",), ("alarms.alarm.view", "cases.case.view"), ("things.thing.view",))
    }
    assert cards == {
        ("cases.case.view",): ["cases/card.html"],
        ("alarms.alarm.view", "cases.case.view"): ["cases/card.html", "alarms/card.html"],
        ("things.thing.view",): [],
    }


def test_who_holds_no_post_is_told_what_to_do(county: County) -> None:
    someone = person(county, "cases.case.view")
    someone.posts.all().delete()
    page = browser(someone).get("/")
    assert "您还没有岗位，暂无内容。请联系管理员授予岗位。" in text(page)
    assert [entry.url for entry in page.context["menu"]] == ["/", "/notices/"]


def test_every_page_asks_for_session_person_rights_county_packs_and_notices_once(county: County) -> None:
    client = browser(person(county, "*"))
    with CaptureQueriesContext(connection) as asked:
        assert client.get("/help").status_code == 200
    tables = [re.findall(r'FROM "?(\w+)', query["sql"])[-1] for query in asked.captured_queries]
    assert tables == [
        "kernel_session", "kernel_person", "kernel_post", "kernel_county", "kernel_enabledpack", "kernel_receipt",
    ]  # fmt: skip


def test_a_phone_reaches_every_entry_of_the_menu(county: County) -> None:
    page = browser(person(county, "*")).get("/")
    menu, bar, more = (page.context[name] for name in ("menu", "menu_phone", "menu_more"))
    assert [entry.url for entry in bar] == ["/", "/map/", "/plan/", "/alarms/", "/cases/"]
    assert sorted(entry.url for entry in [*bar, *more]) == sorted(entry.url for entry in menu)
    narrow = browser(person(county, "alarms.alarm.view")).get("/")
    more = [entry.url for entry in narrow.context["menu_more"]]
    assert ([entry.url for entry in narrow.context["menu_phone"]], more) == (["/", "/alarms/", "/notices/"], [])


@pytest.mark.parametrize(
    ("language", "missing", "forbidden", "broken"),
    [
        ("zh-hans", "这个地址没有内容", "您没有权限", "系统出错"),
        ("en", "There is nothing at this address", "You have no right to see", "Something went wrong on our side"),
    ],
)
def test_pages_of_errors_say_what_to_do(
    county: County, monkeypatch: pytest.MonkeyPatch, language: str, missing: str, forbidden: str, broken: str
) -> None:
    client = browser(person(county, "cases.case.view"), language)
    client.raise_request_exception = False

    def fail(_request: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(views, "_cards", [(1, fail)])
    for address, status, words in (("/nothing", 404, missing), ("/people/", 403, forbidden), ("/", 500, broken)):
        page = client.get(address)
        assert (page.status_code, words in text(page)) == (status, True)
        assert 'href="/"' in page.content.decode()


NULS = (
    ("/things/?q=%00", 200), ("/records/lemonade.stall/?q=a%00b", 200), ("/plan/?plan=%00", 200),
    ("/people/?q=%00", 200), ("/records/%00/", 404), ("/ogc/collections/%00", 404),
    ("/ogc/collections/lemonade.stall/items?kind=%00", 200),
)  # fmt: skip


@pytest.mark.parametrize(("address", "otherwise"), NULS)
def test_an_address_with_a_nul_is_refused(county: County, address: str, otherwise: int) -> None:
    client = browser(person(county, "*"))
    assert client.get(address).status_code == 400
    assert client.get(address.replace("%00", "%2500")).status_code == otherwise


def test_every_page_says_that_it_runs_nothing_but_ours(county: County) -> None:
    client = browser(person(county, "alarms.alarm.view"))
    for answer in (Client().get("/login"), client.get("/"), client.get("/people/"), client.get("/nothing")):
        rules = dict(rule.strip().split(" ", 1) for rule in answer["Content-Security-Policy"].split(";"))
        assert (rules["default-src"], rules["object-src"], rules["base-uri"]) == ("'self'", "'none'", "'none'")
        assert (rules["frame-ancestors"], "script-src" in rules) == ("'none'", False)


def test_a_form_that_is_too_old_says_that_nothing_was_saved(county: County) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(person(county, "cases.case.view"))
    page = client.post("/tokens", {"name": "报表程序"})
    assert (page.status_code, "内容没有保存" in text(page)) == (403, True)
    assert Person.objects.get().tokens.count() == 0


def test_light_or_dark_is_kept_per_person(county: County) -> None:
    someone, other = person(county, "alarms.alarm.view"), person(county, "alarms.alarm.view")
    client = browser(someone)
    assert 'data-theme="auto">' in client.get("/alarms/").content.decode()
    assert client.post("/theme", {"theme": "dark", "next": "/alarms/"}).url == "/alarms/"
    assert 'data-theme="dark" data-bs-theme="dark">' in browser(someone).get("/").content.decode()
    assert 'data-theme="auto">' in browser(other).get("/").content.decode()
    assert client.post("/theme", {"theme": "light", "next": "https://example.org/"}).url == "/"
    assert client.post("/theme", {"theme": "pink"}).status_code == 400
    assert Person.objects.get(pk=someone.pk).preferences == {"theme": "light"}


def test_the_menu_has_groups_finds_and_keeps_favourites(county: County) -> None:
    someone = person(county, "*")
    client = browser(someone)
    groups = {group.key: [entry.url for entry in group.entries] for group in client.get("/").context["menu_groups"]}
    assert {"/", "/map/", "/plan/"} <= set(groups["daily"])
    assert "/people/" in groups["manage"]
    assert client.post("/star", {"url": "/alarms/", "next": "/map/"}).url == "/map/"
    assert client.post("/star", {"url": "https://example.org/", "next": "alarms"}).url == "/"
    page = browser(someone).get("/alarms/")
    first = page.context["menu_groups"][0]
    assert (first.key, [entry.url for entry in first.entries]) == ("stars", ["/alarms/"])
    marked = page.content.decode().count('<a href="/alarms/" aria-current="page">')
    assert marked == 5  # twice in the rail, twice in the phone's sheet, once in its bar
    client.post("/star", {"url": "/alarms/"})
    assert browser(someone).get("/").context["stars"] == []


def test_sixty_entries_stand_in_groups_that_are_closed() -> None:
    many = [
        menu.Entry({"zh": f"甲{n}", "en": f"A{n}"}, "map", f"/x{n}/", order=60, group=f"g{n // 10}") for n in range(60)
    ]
    groups = menu.grouped(many, ["/x3/"], "/x41/")
    assert [(group.key, len(group.entries), group.is_open) for group in groups] == [
        ("stars", 1, True), ("g0", 10, False), ("g1", 10, False), ("g2", 10, False), ("g3", 10, False),
        ("g4", 10, True), ("g5", 10, False),
    ]  # fmt: skip
    assert menu.current(many, "/x41/7/") == "/x41/"
    assert menu.current([*many, menu.Entry({"zh": "甲", "en": "A"}, "map", "/x41/7/")], "/x41/7/8") == "/x41/7/"
    assert menu.current(many, "/nothing/") == ""


def test_what_was_opened_last_is_for_the_rights_one_had(county: County) -> None:
    someone = person(county, "kernel.person.view", username="someone")
    other = person(county, username="other")
    client = browser(someone)
    client.get("/people/")
    client.get(f"/people/{other.pk}/")
    client.get(f"/people/{other.pk}/")
    client.get("/people/999999/")
    home = client.get("/")
    assert [(one["url"], one["title"], one["icon"]) for one in home.context["recent"]] == [
        (f"/people/{other.pk}/", "other", "users")
    ]
    post = someone.posts.get()
    post.role.verbs = ["alarms.alarm.view"]
    post.role.save()
    page = browser(someone).get("/")
    assert (page.context["recent"], f"/people/{other.pk}/" in page.content.decode()) == ([], False)


def test_the_tour_is_offered_until_it_was_taken(county: County) -> None:
    client = browser(person(county, "alarms.alarm.view"))
    assert "带我看看" in text(client.get("/"))
    client.post("/tour")
    assert "带我看看" not in text(client.get("/"))
    client.post("/tour", {"again": "1"})
    assert "带我看看" in text(client.get("/"))


def test_figures_of_the_day_open_to_what_they_count(county: County) -> None:
    page = browser(person(county, "alarms.alarm.view", "cases.case.view")).get("/")
    assert [(tile.name, tile.value, tile.url) for tile in page.context["tiles"]] == [
        ("待我办理", 0, "/cases/"), ("未解除告警", 0, "/alarms/"),
    ]  # fmt: skip


def test_while_the_database_is_away_the_page_says_so(county: County, monkeypatch: pytest.MonkeyPatch) -> None:
    client = browser(person(county, "cases.case.view"))
    client.raise_request_exception = False

    def fail(_request: Any) -> None:
        raise OperationalError("the connection is closed")

    monkeypatch.setattr(views, "_cards", [(1, fail)])
    page = client.get("/")
    assert (page.status_code, page["Retry-After"], "数据库暂时没有响应" in text(page)) == (503, "10", True)


def test_who_is_logged_in_keeps_the_menu_where_something_is_wrong(county: County) -> None:
    client = browser(person(county, "cases.case.view"))
    for address, status in (("/cases/999999/", 404), ("/people/", 403)):
        page = client.get(address)
        assert (page.status_code, 'class="rail"' in page.content.decode(), address in text(page)) == (
            status,
            True,
            True,
        )
    assert 'href="/cases/">返回列表' in client.get("/cases/999999/").content.decode()


@pytest.mark.parametrize(("language", "word"), [("zh-hans", "从这里开始"), ("en", "Start here")])
def test_help_is_in_the_language_in_force_and_has_a_place_for_every_page(
    county: County, language: str, word: str
) -> None:
    page = browser(person(county, "*"), language).get("/help").content.decode()
    assert word in page
    places = set(re.findall(r'<section id="([a-z]+)">', page))
    assert {"start", "map", "alarms", "cases", "plan", "things", "records", "notices", "people", "account"} <= places
