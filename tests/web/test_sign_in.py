"""Guessing is slowed down, a second factor is a second factor, sessions end, and every try is kept."""

from __future__ import annotations

import base64
import dataclasses
import re
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.utils import timezone
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.kernel import second_factor, signin
from shizhu.kernel.models import County, Person, Role, SecondFactor, Session, SignIn, SignInLimit, Token
from shizhu.lib import totp
from shizhu.web import addresses, authentication

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


@pytest.fixture
def someone(county: County) -> Person:
    return person(county, "alarms.alarm.view", username="someone")


def enter(client: Client, username: str, password: str = PASSWORD, address: str = "10.0.0.1") -> Any:
    return client.post("/login", {"username": username, "password": password}, REMOTE_ADDR=address)


def tries() -> list[tuple[str, str, str]]:
    return list(SignIn.objects.order_by("id").values_list("username", "way", "outcome"))


def later(seconds: float) -> None:
    """Let time pass: waits and counts are that much older."""
    for row in SignInLimit.objects.all():
        row.at, row.until = row.at - timedelta(seconds=seconds), row.until - timedelta(seconds=seconds)
        row.save()


def with_app(who: Person) -> tuple[bytes, list[str]]:
    """Somebody with an authenticator app: its secret, and the recovery codes."""
    secret = second_factor.begin(who)
    codes = second_factor.confirm(who, totp.code(secret, int(time.time()) // 30 - 1))
    assert codes is not None
    return secret, codes


def now_code(secret: bytes) -> str:
    return totp.code(secret, int(time.time()) // 30)


def test_waits_grow_and_end(someone: Person) -> None:
    thief = Client()
    for _ in range(5):
        assert enter(thief, "someone", "wrong").status_code == 200
    page = enter(thief, "someone")  # even the right password waits
    assert (page.status_code, "输错次数太多，请等待 1 分钟后再试" in text(page)) == (429, True)
    first = SignInLimit.objects.get(key="page account someone from 10.0.0.1")
    assert (first.failures, 14 < (first.until - first.at).total_seconds() <= 15) == (5, True)
    for _ in range(12):
        later(1000)
        assert enter(thief, "someone", "wrong").status_code == 200
    last = SignInLimit.objects.get(key=first.key)
    assert (last.failures, (last.until - last.at).total_seconds()) == (17, 900)  # a quarter of an hour at most
    later(901)
    assert enter(thief, "someone").url == "/"
    assert not SignInLimit.objects.filter(key=first.key).exists()
    assert tries()[:7] == [("someone", "password", "wrong")] * 5 + [
        ("someone", "password", "wait"), ("someone", "password", "wrong")
    ]  # fmt: skip


def test_a_stranger_cannot_keep_the_owner_out(someone: Person) -> None:
    own = Client()
    assert enter(own, "someone", address="10.0.0.9").url == "/"
    own.post("/logout")
    for number in range(40):
        enter(Client(), "someone", "wrong", address=f"10.1.0.{number}")
    assert (
        enter(Client(), "someone", address="10.2.0.1").status_code == 429
    )  # the account as a whole waits for strangers
    assert enter(own, "someone", address="10.0.0.9").url == "/"  # the owner's browser does not
    own.post("/logout")
    other = person(someone.county, username="other")
    other_try = enter(own, "other", "wrong", address="10.0.0.9")
    assert (other_try.status_code, other.sign_ins.get().outcome) == (200, "wrong")


def test_a_known_browser_that_guesses_waits_too(someone: Person) -> None:
    own = Client()
    enter(own, "someone")
    own.post("/logout")
    for _ in range(5):
        enter(own, "someone", "wrong")
    assert enter(own, "someone").status_code == 429
    cookie = own.cookies["shizhu_known"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/login")
    assert signin.nonce_of(cookie.value, "someone") != ""
    assert signin.nonce_of(cookie.value, "another") == ""
    assert signin.nonce_of(f"{cookie.value}x", "someone") == ""


def test_an_address_that_tries_many_names_waits(someone: Person) -> None:
    for number in range(50):
        enter(Client(), f"name{number}", "wrong")
    assert enter(Client(), "someone").status_code == 429
    assert enter(Client(), "someone", address="10.0.0.2").url == "/"


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(someone: Person) -> None:
    answers = [enter(Client(), name, "wrong") for name in ("someone", "my-secret-password")]
    assert [re.sub("someone|my-secret-password", "", text(one)) for one in answers] == [
        text(answers[0]).replace("someone", "")
    ] * 2
    assert tries() == [("someone", "password", "wrong"), ("my…", "password", "wrong")]
    assert not SignIn.objects.filter(username__contains="secret").exists()


def test_the_second_factor_is_asked_after_the_password(someone: Person) -> None:
    secret, codes = with_app(someone)
    client = Client()
    assert (
        client.post("/login", {"username": "someone", "password": PASSWORD, "next": "/alarms/"}).url == "/login/second"
    )
    assert client.get("/alarms/").status_code == 302  # half in is not in
    assert "_auth_user_id" not in client.session
    page = client.post("/login/second", {"code": "000000"})
    assert "验证码错误" in text(page)
    code = now_code(secret)
    assert client.post("/login/second", {"code": f"{code[:3]} {code[3:]}"}).url == "/alarms/"
    assert client.get("/alarms/").status_code == 200
    again = Client()
    enter(again, "someone")
    assert again.post("/login/second", {"code": code}).status_code == 200  # a code is good once
    assert again.post("/login/second", {"code": codes[3].upper()}).url == "/"
    third = Client()
    enter(third, "someone")
    assert third.post("/login/second", {"code": codes[3]}).status_code == 200  # so is a recovery code
    assert len(SecondFactor.objects.get().recovery) == second_factor.CODES - 1
    assert [outcome for _, _, outcome in tries()] == ["half", "wrong", "in", "half", "wrong", "in", "half", "wrong"]


def test_codes_cannot_be_guessed(someone: Person) -> None:
    secret, _ = with_app(someone)
    client = Client()
    enter(client, "someone")
    for number in range(5):
        assert client.post("/login/second", {"code": f"{number:06}"}).status_code == 200
    assert client.post("/login/second", {"code": now_code(secret)}).status_code == 429
    session = client.session
    session["half_in"] = [someone.pk, time.time() - 301, "", "password"]
    session.save()
    assert client.get("/login/second").url == "/login"


def test_secrets_are_not_in_the_database_as_they_are(someone: Person) -> None:
    secret, codes = with_app(someone)
    kept = SecondFactor.objects.get()
    assert secret not in bytes(kept.secret)
    assert base64.b32encode(secret) not in bytes(kept.secret)
    assert codes[0].replace("-", "") not in str(kept.recovery)


def test_one_sets_it_up_and_takes_it_away_oneself(someone: Person) -> None:
    client, elsewhere = browser(someone), browser(someone)
    page = client.get("/account/second")
    key = re.sub(r"\s", "", re.search(r"<code[^>]*>([A-Z2-7 ]+)</code>", page.content.decode())[1])
    assert "<svg" in page.content.decode()
    assert client.post("/account/second", {"code": "123"}).status_code == 200
    assert second_factor.of(someone) is None
    secret = base64.b32decode(key)
    shown = client.post("/account/second", {"code": now_code(secret)})
    assert len(re.findall(r"<li><code>([a-z2-7]{4}-){3}", shown.content.decode())) == second_factor.CODES
    assert (client.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 302)
    before = SecondFactor.objects.get().recovery
    client.post("/account/second/change", {"do": "codes", "password": "wrong"}, follow=True)
    assert SecondFactor.objects.get().recovery == before
    client.post("/account/second/change", {"do": "codes", "password": PASSWORD})
    assert not set(SecondFactor.objects.get().recovery) & set(before)
    assert told(client.post("/account/second/change", {"do": "remove", "password": PASSWORD}, follow=True)) == [
        "第二因素验证已移除。"
    ]
    assert not SecondFactor.objects.exists()


def test_a_role_may_need_it(someone: Person, settings: Any) -> None:
    role = someone.posts.get().role_id
    settings.CONFIG = dataclasses.replace(settings.CONFIG, second_factor_roles=frozenset({role}))
    client = browser(someone)
    for address in ("/", "/alarms/", "/tokens"):
        assert client.get(address).url == "/account/second"
    shown = authentication.Credentials("basic", "someone", PASSWORD, "10.0.0.1")
    assert authentication.find(shown) is None
    session = authentication.Credentials("session", "", client.session.session_key)
    assert authentication.find(session) is None
    secret = second_factor.begin(someone)
    client.post("/account/second", {"code": now_code(secret)})
    assert client.get("/alarms/").status_code == 200
    client.post("/account/second/change", {"do": "remove", "password": PASSWORD})
    assert second_factor.of(someone) is not None
    assert person(someone.county, "cases.case.view", username="other").pk  # others go on without
    assert browser(Person.objects.get(username="other")).get("/").status_code == 200


def test_the_county_demands_it_of_a_role(someone: Person) -> None:
    role = someone.posts.get().role_id
    Role.objects.filter(pk=role).update(name={"zh": "值班员", "en": "Watch"})
    boss = person(someone.county, "*", username="root")
    chief, client, lesser = browser(boss), browser(someone), browser(person(someone.county, "kernel.person.view"))
    assert client.get("/alarms/").status_code == 200
    for answer in (lesser.get("/people/second"), lesser.post("/people/second", {"role": role})):
        assert answer.status_code == 403
    assert client.get("/alarms/").status_code == 200
    assert chief.post("/people/second", {"role": role}).url == "/people/second"
    assert client.get("/alarms/").url == "/account/second"
    page = chief.get("/people/second").content.decode()
    assert re.search(rf'value="{role}" checked>', page)
    assert chief.get("/").status_code == 200  # of another role
    kind = apps.get_model("kernel", "GrantEvent").objects.latest("pgh_id")
    assert (kind.pgh_label, kind.verb, kind.pgh_context.metadata["name"]) == ("insert", "duty.second_factor", "root")
    chief.post("/people/second", {})
    assert client.get("/alarms/").status_code == 200


def test_a_role_declares_that_it_needs_it(someone: Person) -> None:
    role = someone.posts.get().role
    role.name, role.verbs = {"zh": "值班员", "en": "Watch"}, [*role.verbs, second_factor.DUTY]
    role.save()
    assert browser(someone).get("/alarms/").url == "/account/second"
    chief = browser(person(someone.county, "*", username="root"))
    chief.post("/people/second", {})
    assert re.search(rf'value="{role.pk}" checked disabled>', chief.get("/people/second").content.decode())
    assert browser(someone).get("/alarms/").url == "/account/second"


def test_an_administrator_resets_it_and_it_is_on_record(someone: Person) -> None:
    with_app(someone)
    chief = browser(person(someone.county, "*", username="root"))
    lesser = browser(person(someone.county, "kernel.person.view", username="lesser"))
    assert lesser.post(f"/people/{someone.pk}/second", {"do": "remove"}).status_code == 403
    assert second_factor.of(someone) is not None
    own = browser(someone)
    assert own.get("/account").status_code == 200
    chief.post(f"/people/{someone.pk}/second", {"do": "remove"})
    assert second_factor.of(someone) is None
    assert own.get("/account").status_code == 302
    event = apps.get_model("kernel", "SecondFactorEvent").objects.filter(person_id=someone.pk).latest("pgh_id")
    assert (event.pgh_label, event.pgh_context.metadata["name"]) == ("delete", "root")


def test_an_administrator_ends_a_wait(someone: Person) -> None:
    for _ in range(5):
        enter(Client(), "someone", "wrong")
    assert enter(Client(), "someone").status_code == 429
    browser(person(someone.county, "*", username="root")).post(f"/people/{someone.pk}/second", {"do": "release"})
    assert enter(Client(), "someone").url == "/"


def test_http_basic_is_slowed_down_and_no_way_around_the_second_factor(someone: Person) -> None:
    right = authentication.Credentials("basic", "someone", PASSWORD, "10.0.0.1")
    wrong = dataclasses.replace(right, secret="wrong")
    assert authentication.find(right).person_id == someone.pk
    for _ in range(5):
        assert authentication.find(wrong) is None
    assert authentication.find(right) is None
    assert authentication.find(dataclasses.replace(right, address="10.0.0.2")) is not None
    later(1000)
    assert authentication.find(right) is not None
    with_app(someone)
    assert authentication.find(right) is None
    Token.objects.create(person=someone, name="a", digest=__import__("hashlib").sha256(b"sz_x").hexdigest())
    assert authentication.find(authentication.Credentials("bearer", "", "sz_x", "10.0.0.1")) is not None
    assert tries() == [("someone", "basic", "wrong"), ("someone", "basic", "wait")]  # once a minute


def basic(name: str, password: str = PASSWORD, address: str = "10.0.0.1") -> int:
    """What the standard API answers somebody who shows a password."""
    authentication.forget()
    shown = base64.b64encode(f"{name}:{password}".encode()).decode()
    return Client().get("/ogc", headers={"authorization": f"Basic {shown}"}, REMOTE_ADDR=address).status_code


def test_one_password_tried_on_many_names_by_http_basic_waits(someone: Person) -> None:
    for number in range(50):
        assert basic(f"name{number}", "Summer2026!") == 401
    assert basic("someone") == 401
    assert basic("someone", address="10.0.0.2") == 200
    later(16)
    assert basic("someone") == 200


def test_one_program_with_an_old_password_keeps_no_other_out(someone: Person) -> None:
    person(someone.county, "alarms.alarm.view", username="robot")
    for _ in range(60):
        assert basic("robot", "old") == 401
        later(1000)
    assert SignInLimit.objects.get(key="basic address 10.0.0.1").failures == 5
    assert basic("someone") == 200


def test_a_right_password_by_http_basic_forgets_the_wrong_ones(someone: Person) -> None:
    for _ in range(3):
        assert [basic("someone", "wrong") for _ in range(4)] == [401] * 4
        assert basic("someone") == 200
    assert list(SignInLimit.objects.values_list("key", flat=True)) == ["basic address 10.0.0.1"]


def test_by_http_basic_a_right_password_without_its_second_factor_is_like_a_wrong_one(someone: Person) -> None:
    with_app(someone)
    counts = []
    for password in (PASSWORD, "wrong"):
        SignInLimit.objects.all().delete()
        SignIn.objects.all().delete()
        assert [basic("someone", password) for _ in range(6)] == [401] * 6
        counts.append((sorted(SignInLimit.objects.values_list("key", "failures")), tries()))
    assert counts[0] == counts[1]
    assert counts[0][1] == [("someone", "basic", "wrong"), ("someone", "basic", "wait")]


def test_an_administrator_ends_a_wait_of_a_known_browser_and_of_nobody_else(someone: Person) -> None:
    own = Client()
    assert enter(own, "someone").url == "/"
    own.post("/logout")
    person(someone.county, username="someone2")
    for _ in range(5):
        enter(own, "someone", "wrong")
        enter(Client(), "someone2", "wrong")
        enter(Client(), "no-someone", "wrong")
    assert (enter(own, "someone").status_code, enter(Client(), "someone2").status_code) == (429, 429)
    browser(person(someone.county, "*", username="root")).post(f"/people/{someone.pk}/second", {"do": "release"})
    assert enter(own, "someone").url == "/"
    assert (enter(Client(), "someone2").status_code, enter(Client(), "no-someone").status_code) == (429, 429)


def test_the_old_password_cannot_be_guessed(someone: Person) -> None:
    client = browser(someone)
    new = {"new_password1": "龙河水清鱼跃六月甲乙", "new_password2": "龙河水清鱼跃六月甲乙"}
    for _ in range(5):
        assert client.post("/password", {"old_password": "wrong", **new}).status_code == 200
    page = client.post("/password", {"old_password": PASSWORD, **new})
    assert (page.status_code, "输错次数太多，请等待 1 分钟" in told(page)[0]) == (429, True)
    assert Person.objects.get(pk=someone.pk).check_password(PASSWORD)
    later(16)
    assert client.post("/password", {"old_password": PASSWORD, **new}).url == "/"


def test_whoever_waits_at_the_second_factor_is_told_so_and_not_counted(someone: Person) -> None:
    client = browser(someone)
    secret = second_factor.begin(someone)
    for _ in range(5):
        assert "验证码错误" in told(client.post("/account/second", {"code": "000000"}))[0]
    assert "请等待 1 分钟" in told(client.post("/account/second", {"code": now_code(secret)}))[0]
    assert (second_factor.of(someone), SignInLimit.objects.get().failures) == (None, 5)
    later(16)
    assert client.post("/account/second", {"code": now_code(secret)}).context["codes"]
    for _ in range(5):
        client.post("/account/second/change", {"do": "remove", "password": "wrong"})
    client.get("/account")  # what was told so far
    page = client.post("/account/second/change", {"do": "remove", "password": PASSWORD}, follow=True)
    assert "请等待 1 分钟" in told(page)[0]
    assert second_factor.of(someone) is not None
    assert sorted(SignInLimit.objects.values_list("failures", flat=True)) == [5, 5]


def test_without_a_login_nothing_is_changed_at_the_second_factor(county: County) -> None:
    answer = Client().post("/account/second/change", {"do": "remove", "password": PASSWORD})
    assert (answer.status_code, answer.url) == (302, "/login?next=%2Faccount%2Fsecond%2Fchange&lost=1")
    assert not SignInLimit.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_pages_that_begin_a_second_factor_at_once_show_one_secret(someone: Person) -> None:
    gate = threading.Barrier(2)

    def begin(_: int) -> bytes:
        try:
            gate.wait(timeout=30)
            return second_factor.begin(someone)
        finally:
            connection.close()

    for _ in range(5):
        SecondFactor.objects.all().delete()
        with ThreadPoolExecutor(2) as pool:
            assert len(set(pool.map(begin, range(2)))) == 1


NULS = [
    ("/login", {"username": "a\0b", "password": "x"}), ("/star", {"url": "/a\0b"}),
    ("/account/second", {"code": "1\0"}), ("/theme", {"a\0": "dark"}),
]  # fmt: skip


@pytest.mark.parametrize(("address", "sent"), NULS)
def test_a_form_with_a_nul_is_refused(someone: Person, address: str, sent: dict[str, str]) -> None:
    client = Client() if address == "/login" else browser(someone)
    answer = client.post(address, sent)
    assert (answer.status_code, answer.json()["description"]) == (400, "a value of the form has a NUL character")
    assert not SignIn.objects.exists()


def test_a_name_or_a_cookie_with_a_nul_is_nobody(someone: Person) -> None:
    assert (basic("some\0one"), basic("someone")) == (401, 200)
    answer = Client(headers={"cookie": r'sessionid="\000aaaaaaaaa"'}).get("/alarms/")
    assert (answer.status_code, answer.json()["description"]) == (400, "a cookie has a NUL character")
    assert authentication.credentials([(b"cookie", rb'sessionid="\000aaaaaaaaa"')]).scheme == ""


def test_sessions_are_listed_and_ended(someone: Person) -> None:
    here, phone = Client(), Client()
    chrome = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/126.0 Safari/537.36"
    here.post(
        "/login", {"username": "someone", "password": PASSWORD}, REMOTE_ADDR="10.0.0.1", headers={"user-agent": chrome}
    )
    wechat = "Mozilla/5.0 (Linux; Android 14) Chrome/120 Mobile MicroMessenger/8.0"
    phone.post(
        "/login", {"username": "someone", "password": PASSWORD}, REMOTE_ADDR="10.0.0.7", headers={"user-agent": wechat}
    )
    page = text(here.get("/account"))
    assert ("Chrome · Windows 本机 10.0.0.1" in page, "微信 · Android 10.0.0.7" in page) == (True, True)
    other = browser(person(someone.county, username="other"))
    key = phone.session.session_key
    other.post("/account/sessions", {"session": key[:8]})
    assert phone.get("/account").status_code == 200
    here.post("/account/sessions", {"session": key[:8]})
    assert (phone.get("/account").status_code, here.get("/account").status_code) == (302, 200)
    enter(phone, "someone")
    here.post("/account/sessions")
    assert (phone.get("/account").status_code, here.get("/account").status_code) == (302, 200)


def test_a_session_gets_a_new_key_at_every_step(someone: Person) -> None:
    secret, _ = with_app(someone)
    client = Client()
    client.get("/login")
    keys = []
    enter(client, "someone")
    keys.append(client.session.session_key)
    client.post("/login/second", {"code": now_code(secret)})
    keys.append(client.session.session_key)
    assert len(set(keys)) == 2
    assert not Session.objects.filter(pk=keys[0]).exists()
    row = Session.objects.get(pk=keys[1])
    assert row.person_id == someone.pk
    cookie = client.cookies["sessionid"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    row.seen = timezone.now() - timedelta(hours=1)
    row.save()
    client.get("/account")
    assert timezone.now() - Session.objects.get(pk=keys[1]).seen < timedelta(minutes=1)


def test_the_log_shows_what_one_may_see(someone: Person) -> None:
    enter(Client(), "someone", "wrong", address="10.9.9.9")
    enter(Client(), "never-heard-of", "wrong", address="10.8.8.8")
    own = text(browser(someone).get("/account"))
    assert ("10.9.9.9" in own, "10.8.8.8" in own) == (True, False)
    assert browser(someone).get("/people/sign-ins").status_code == 403
    admin = browser(person(someone.county, "kernel.person.view", username="admin-of-county"))
    page = text(admin.get("/people/sign-ins"))
    assert ("10.9.9.9" in page, "10.8.8.8" in page) == (True, False)
    whole = person(someone.county, "*", username="root")
    Person.objects.filter(pk=whole.pk).update(county=None)
    assert "10.8.8.8 " in text(browser(whole).get("/people/sign-ins?outcome=refused"))
    assert "10.9.9.9" not in text(browser(whole).get("/people/sign-ins?q=never"))


EASY = [
    "woaini1314520", "5201314520", "zhangwei1988", "qwertyuiop12", "1qaz2wsx3edc", "Shizhu@2026!", "P@ssw0rd2026",
    "aaaabbbbaaaa", "wangli19900101", "20260101123456",
]  # fmt: skip


@pytest.mark.parametrize("password", EASY)
def test_easy_passwords_are_refused(someone: Person, password: str) -> None:
    page = browser(someone).post(
        "/password", {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    )
    assert "密码容易被猜到：是很多人在用的词、名字或数字。" in page.context["form"].errors["new_password2"]


@pytest.mark.parametrize(
    "password", ["龙河水清鱼跃六月", "maple river 40 stones", "tK7#vq9Lw2xZ", "correct horse battery"]
)
def test_long_and_unusual_ones_are_taken(someone: Person, password: str) -> None:
    wanted = password if len(password) >= 10 else f"{password}甲乙丙"
    assert (
        browser(someone)
        .post("/password", {"old_password": PASSWORD, "new_password1": wanted, "new_password2": wanted})
        .url
        == "/"
    )


def test_only_proxies_of_ours_say_who_asked(settings: Any) -> None:
    assert addresses.real("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    network = __import__("ipaddress").ip_network("10.0.0.0/8")
    settings.CONFIG = dataclasses.replace(settings.CONFIG, proxies=(network,))
    assert addresses.real("10.0.0.1", "198.51.100.1, 203.0.113.5, 10.0.0.2") == "203.0.113.5"
    assert addresses.real("10.0.0.1", "") == "10.0.0.1"
    assert addresses.real("203.0.113.9", "198.51.100.1") == "203.0.113.9"
