"""Logging in, passwords that must be changed, the language, and pages for those who are nobody yet."""

from __future__ import annotations

import pytest
from django.test import Client
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db


@pytest.fixture
def someone(county: County) -> Person:
    return person(county, "alarms.alarm.view", "plan.plan.view", username="someone")


@pytest.mark.parametrize("address", ["/", "/people/", "/map/layers/a.geojson", "/tokens", "/nothing"])
def test_nobody_is_sent_to_log_in(county: County, address: str) -> None:
    answer = Client().get(address)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={address.replace('/', '%2F')}")


def test_who_sends_something_without_a_login_is_told_that_it_is_lost(county: County) -> None:
    answer = Client().post("/cases/new/x/", {"title": "久填未发"})
    assert answer["Location"] == "/login?next=%2Fcases%2Fnew%2Fx%2F&lost=1"
    assert "没有保存" in Client(headers={"accept-language": "zh-hans"}).get(answer["Location"]).content.decode()
    assert Client().get("/alarms/", headers={"HX-Request": "true"}).status_code == 401


def test_after_the_login_one_is_where_one_wanted_to_be(someone: Person) -> None:
    client = Client()
    asked = client.get("/alarms/?state=all&page=2")
    assert asked.url == "/login?next=%2Falarms%2F%3Fstate%3Dall%26page%3D2"
    form = client.get(asked.url)
    sent = {"username": "someone", "password": "correct horse", "next": form.context["next"]}
    assert client.post("/login", sent).url == "/alarms/?state=all&page=2"
    assert client.get("/login").url == "/"


def test_a_login_never_leads_to_another_site(someone: Person) -> None:
    sent = {"username": "someone", "password": "correct horse", "next": "https://example.org/"}
    assert Client().post("/login", sent).url == "/"


@pytest.mark.parametrize(("username", "password"), [("someone", "wrong"), ("nobody", "correct horse"), ("", "")])
def test_a_wrong_login_says_so_and_lets_nobody_in(someone: Person, username: str, password: str) -> None:
    client = Client()
    page = client.post("/login", {"username": username, "password": password})
    assert page.status_code == 200
    assert ("请输入一个正确的" in text(page)) is bool(username)
    assert "_auth_user_id" not in client.session
    assert client.get("/").status_code == 302


def test_logging_out_ends_the_session(someone: Person) -> None:
    client = browser(someone)
    assert client.get("/logout").status_code == 405
    assert client.get("/").status_code == 200
    assert client.post("/logout").url == "/login"
    assert client.get("/").status_code == 302


def test_a_password_that_must_be_changed_is_changed_first(someone: Person) -> None:
    someone.must_change_password = True
    someone.save()
    client = browser(someone)
    for address in ("/", "/alarms/", "/tokens"):
        assert client.get(address).url == "/password"
    before = someone.password
    for first, second, problem in (
        ("new horse staple", "other horse", "输入的两个密码不一致。"),
        ("short", "short", "密码太短，至少要 10 个字符。"),
        ("someone-1", "someone-1", "密码太短，至少要 10 个字符。"),
        ("someone1234", "someone1234", "密码与用户名或姓名太像。"),
        ("password123", "password123", "这个密码太常见了。"),
        ("woaini20201314", "woaini20201314", "密码容易被猜到：是很多人在用的词、名字或数字。"),
    ):
        page = client.post("/password", {"new_password1": first, "new_password2": second})
        assert problem in page.context["form"].errors["new_password2"]
    someone.refresh_from_db()
    assert (someone.password, someone.must_change_password) == (before, True)
    page = client.post(
        "/password", {"new_password1": "new horse staple", "new_password2": "new horse staple"}, follow=True
    )
    assert (page.redirect_chain, told(page)) == ([("/", 302)], ["密码已修改。"])
    someone.refresh_from_db()
    assert (someone.check_password("new horse staple"), someone.must_change_password) == (True, False)
    assert client.get("/alarms/").status_code == 200


def test_changing_a_password_ends_other_sessions(someone: Person) -> None:
    here, elsewhere = browser(someone), browser(someone)
    new = {"new_password1": "new horse staple", "new_password2": "new horse staple"}
    assert here.post("/password", {**new, "old_password": "guessed horse"}).status_code == 200
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 200)
    here.post("/password", {**new, "old_password": "correct horse"})
    assert (here.get("/").status_code, elsewhere.get("/").status_code) == (200, 302)
    assert Client().get("/password").url == "/login"


def test_the_language_is_switched_and_kept(someone: Person) -> None:
    client = browser(someone)
    assert "未解除" in text(client.get("/alarms/"))
    assert client.post("/language", {"language": "en", "next": "/alarms/"}).url == "/alarms/"
    page = client.get("/alarms/")
    assert '<html lang="en"' in page.content.decode()
    assert "No open alarm" in text(page)
    assert client.post("/language", {"language": "zh-hans", "next": "https://example.org/"}).url == "/"
    assert '<html lang="zh-hans"' in client.get("/alarms/").content.decode()
