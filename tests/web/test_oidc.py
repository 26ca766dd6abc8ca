"""Log in at an OpenID provider, over real HTTP, with what may be wrong with it."""

from __future__ import annotations

import dataclasses
import http.client
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlparse

import pytest
from django.test import Client
from joserfc.jwk import RSAKey
from tests.fixtures import person
from tests.web.oidc_provider import Provider
from tests.web.pages import browser, text, told

from shizhu.kernel import second_factor
from shizhu.kernel.models import County, Identity, Person, SignIn
from shizhu.lib import totp
from shizhu.site.config import Oidc

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def running() -> Iterator[Provider]:
    made = Provider("shizhu", "s3cret")
    yield made
    made.stop()


@pytest.fixture
def provider(running: Provider, settings: Any) -> Provider:
    running.subject, running.claims, running.signing, running.spoil = "u-1", {}, running.key, lambda _: None
    running.moved = ""
    there = Oidc(running.issuer, "shizhu", "s3cret", "县统一身份", creates=False)
    settings.CONFIG = dataclasses.replace(settings.CONFIG, oidc=there)
    return running


@pytest.fixture
def someone(county: County) -> Person:
    return person(county, "alarms.alarm.view", username="someone")


def through(client: Client, place: str = "") -> Any:
    """To the provider and back, as a browser goes."""
    there = client.post("/login/oidc", {"next": place})
    assert there.status_code == 302, text(there)
    target = urlparse(there.url)
    line = http.client.HTTPConnection(target.hostname, target.port, timeout=10)
    line.request("GET", f"{target.path}?{target.query}")
    back = urlparse(line.getresponse().getheader("Location"))
    line.close()
    assert back.path == "/login/oidc/callback"
    return client.get(f"{back.path}?{back.query}")


def link(someone: Person) -> None:
    assert through(browser(someone)).url == "/account"
    assert Identity.objects.get().person == someone


def test_one_links_oneself_first_and_logs_in_with_it_then(provider: Provider, someone: Person) -> None:
    provider.claims = {"name": "陈立", "preferred_username": "chenli"}
    stranger = Client()
    page = through(stranger)
    assert (page.status_code, "没有账号与之关联" in text(page)) == (403, True)
    assert (Person.objects.count(), Identity.objects.count()) == (1, 0)
    link(someone)
    assert Identity.objects.get().name == "陈立"
    client = Client()
    assert "县统一身份" in text(client.get("/login"))
    assert through(client, "/alarms/").url == "/alarms/"
    assert client.get("/alarms/").status_code == 200
    assert through(Client(), "https://example.org/").url == "/"
    assert list(SignIn.objects.order_by("id").values_list("way", "outcome"))[:2] == [("oidc", "off"), ("oidc", "in")]
    other = browser(person(someone.county, username="other"))
    assert told(other.get(through(other).url)) == ["这个身份已被关联。"]
    browser(someone).post(f"/account/identities/{Identity.objects.get().pk}")
    assert through(Client()).status_code == 403


def test_the_second_factor_is_asked_unless_the_provider_did(provider: Provider, someone: Person) -> None:
    link(someone)
    secret = second_factor.begin(someone)
    second_factor.confirm(someone, totp.code(secret, int(time.time()) // 30 - 1))
    client = Client()
    assert through(client).url == "/login/second"
    assert client.get("/").status_code == 302
    assert client.post("/login/second", {"code": totp.code(secret, int(time.time()) // 30)}).url == "/"
    provider.claims = {"amr": ["pwd", "otp"]}
    strong = Client()
    assert (through(strong).url, strong.session["second"]) == ("/", True)


@pytest.mark.parametrize("methods", [["swk"], ["hwk", "pop"], ["otp"], ["pwd"], 5, "mfa", [["mfa"]], [{}], None])
def test_one_factor_at_the_provider_is_one_factor(provider: Provider, someone: Person, methods: Any) -> None:
    link(someone)
    secret = second_factor.begin(someone)
    second_factor.confirm(someone, totp.code(secret, int(time.time()) // 30 - 1))
    provider.claims = {"amr": methods}
    client = Client()
    assert through(client).url == "/login/second"
    assert client.get("/").status_code == 302


def test_a_state_that_is_no_ascii_is_refused(provider: Provider, someone: Person) -> None:
    client = Client()
    client.post("/login/oidc")
    assert client.get("/login/oidc/callback?state=é&code=1").url == "/login"


def test_a_redirect_of_the_provider_is_not_followed(provider: Provider, someone: Person) -> None:
    provider.moved = f"{provider.issuer}/elsewhere"
    provider.asked.clear()
    assert Client().post("/login/oidc").url == "/login"
    assert provider.asked == ["/.well-known/openid-configuration"]


def test_signs_that_cannot_be_kept_are_left_out_of_a_name(provider: Provider, someone: Person) -> None:
    provider.claims = {"name": "陈\0立"}
    link(someone)
    assert Identity.objects.get().name == "陈立"


def test_who_is_switched_off_stays_out(provider: Provider, someone: Person) -> None:
    link(someone)
    Person.objects.update(is_active=False)
    client = Client()
    assert through(client).status_code == 403
    assert "_auth_user_id" not in client.session


def test_somebody_new_becomes_a_person_without_posts_where_that_is_wanted(
    provider: Provider, someone: Person, settings: Any
) -> None:
    settings.CONFIG = dataclasses.replace(settings.CONFIG, oidc=dataclasses.replace(settings.CONFIG.oidc, creates=True))
    provider.subject, provider.claims = "u-2", {"name": "新人", "preferred_username": "someone"}
    client = Client()
    assert through(client).url == "/"
    made = Identity.objects.get().person
    assert (made.name, made.username.startswith("oidc-"), made.posts.count(), made.has_usable_password()) == (
        "新人", True, 0, False
    )  # fmt: skip
    assert through(Client()).url == "/"
    assert Person.objects.count() == 2


def test_it_is_off_without_its_settings(someone: Person) -> None:
    assert Client().post("/login/oidc").status_code == 404
    assert Client().get("/login/oidc/callback?state=a&code=b").status_code == 404


def _other_issuer(body: dict[str, Any]) -> None:
    body["iss"] = "https://example.org"


def _other_audience(body: dict[str, Any]) -> None:
    body["aud"] = "another"


def _two_audiences(body: dict[str, Any]) -> None:
    body["aud"] = ["shizhu", "another"]


def _run_out(body: dict[str, Any]) -> None:
    body["exp"] = int(time.time()) - 3600


def _of_tomorrow(body: dict[str, Any]) -> None:
    body["iat"] = int(time.time()) + 86400


def _other_nonce(body: dict[str, Any]) -> None:
    body["nonce"] = "replayed"


def _nobody(body: dict[str, Any]) -> None:
    body["sub"] = ""


def _nonce_that_is_no_ascii(body: dict[str, Any]) -> None:
    body["nonce"] = "é"


def _somebody_with_a_nul(body: dict[str, Any]) -> None:
    body["sub"] = "u\0"


WRONG = [
    _other_issuer, _other_audience, _two_audiences, _run_out, _of_tomorrow, _other_nonce, _nonce_that_is_no_ascii,
    _nobody, _somebody_with_a_nul,
]  # fmt: skip


@pytest.mark.parametrize("spoil", WRONG)
def test_a_token_with_a_wrong_claim_lets_nobody_in(
    provider: Provider, someone: Person, spoil: Callable[[dict[str, Any]], None]
) -> None:
    link(someone)
    provider.spoil = spoil
    client = Client()
    assert through(client).url == "/login"
    assert "_auth_user_id" not in client.session
    assert SignIn.objects.latest("id").outcome == "wrong"


def test_a_token_signed_by_somebody_else_lets_nobody_in(provider: Provider, someone: Person) -> None:
    link(someone)
    provider.signing = RSAKey.generate_key(2048, {"kid": "one"})
    client = Client()
    assert through(client).url == "/login"
    assert "_auth_user_id" not in client.session


def test_an_answer_that_was_not_asked_for_is_refused(provider: Provider, someone: Person) -> None:
    link(someone)
    victim, thief = Client(), Client()
    there = urlparse(thief.post("/login/oidc").url)
    line = http.client.HTTPConnection(there.hostname, there.port, timeout=10)
    line.request("GET", f"{there.path}?{there.query}")
    back = urlparse(line.getresponse().getheader("Location"))
    line.close()
    assert victim.get(f"{back.path}?{back.query}").url == "/login"  # a state of another browser
    assert thief.get(f"{back.path}?{back.query}").url == "/"
    assert thief.get(f"{back.path}?{back.query}").url == "/account"  # and only once: refused, still logged in as before
    assert "_auth_user_id" not in victim.session


def test_a_provider_that_is_away_is_said_so(provider: Provider, someone: Person, settings: Any) -> None:
    away = dataclasses.replace(settings.CONFIG.oidc, issuer="http://127.0.0.1:9")
    settings.CONFIG = dataclasses.replace(settings.CONFIG, oidc=away)
    page = Client().post("/login/oidc", follow=True)
    assert told(page) == ["县统一身份 登录未成功。请重试，或在此用密码登录。"]
    assert "登录未成功" in text(page)
