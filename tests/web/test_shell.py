"""The shell of every page: home, menu, the phone's bar, and pages that say what went wrong."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from tests.fixtures import person
from tests.web.pages import browser, text

from shizhu.kernel.models import County, Person
from shizhu.web import views

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("quick")]


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
    assert [entry.url for entry in page.context["menu"]] == ["/"]


def test_a_phone_reaches_every_entry_of_the_menu(county: County) -> None:
    page = browser(person(county, "*")).get("/")
    menu, bar, more = (page.context[name] for name in ("menu", "menu_phone", "menu_more"))
    assert [entry.url for entry in bar] == ["/", "/map/", "/plan/", "/alarms/"]
    assert sorted(entry.url for entry in [*bar, *more]) == sorted(entry.url for entry in menu)
    narrow = browser(person(county, "alarms.alarm.view")).get("/")
    assert ([e.url for e in narrow.context["menu_phone"]], narrow.context["menu_more"]) == (["/", "/alarms/"], [])


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
    "/things/?q=%00", "/records/lemonade.stall/?q=a%00b", "/plan/?plan=%00", "/people/?q=%00", "/records/%00/",
    "/ogc/collections/%00", "/ogc/collections/lemonade.stall/items?kind=%00",
)  # fmt: skip


@pytest.mark.parametrize("address", NULS)
def test_an_address_with_a_nul_is_refused(county: County, address: str) -> None:
    client = browser(person(county, "*"))
    assert client.get(address).status_code == 400
    assert client.get(address.replace("%00", "%2500")).status_code in {200, 404}


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
