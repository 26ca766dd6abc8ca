"""User administration: people and posts of one's own county, never beyond one's own rights; keys for the APIs."""

from __future__ import annotations

import datetime
import hashlib
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text, told

from shizhu.kernel.models import Area, County, Organisation, Person, Post, Role, Token

pytestmark = pytest.mark.django_db
ADMINISTRATOR = ("kernel.person.*", "things.thing.view", "alarms.alarm.view")


@pytest.fixture
def boss(county: County) -> Client:
    return browser(person(county, *ADMINISTRATOR, username="boss"))


@pytest.fixture
def foreigner(county: County) -> Person:
    """Somebody of another county, with a post there."""
    other = County.objects.create(code="990002", name="乙县")
    place = Area.objects.create(county=other, code="990002", name="乙县", level="county", path="990002/")
    top = Organisation.objects.create(county=other, code="990002", name="乙", kind="county", path="990002/", area=place)
    made = Person.objects.create_person(username="foreign", password="correct horse", name="外县", county=other)
    role = Role.objects.create(key="r.other", name={}, verbs=["things.thing.view"])
    Post.objects.create(person=made, role=role, organisation=top, area=place, starts=timezone.localdate())
    return made


def state() -> tuple[Any, ...]:
    people = Person.objects.order_by("pk").values_list(
        "username", "name", "password", "is_active", "must_change_password"
    )
    posts = Post.objects.order_by("pk").values_list("person", "role", "organisation", "area", "starts", "ends")
    return list(people), list(posts), Token.objects.count()


def wanted(county: County, **changes: Any) -> dict[str, Any]:
    """A post as the form sends it."""
    role = Role.objects.get_or_create(pk="r.reader", defaults={"name": {}, "verbs": ["things.thing.view"]})[0]
    post = {
        "role": role.pk, "organisation": organisation(county).pk, "area": area(county).pk,
        "starts": timezone.localdate().isoformat(), "ends": "",
    }  # fmt: skip
    return {**post, **changes}


def test_a_new_person_gets_a_password_once_and_must_change_it(county: County, boss: Client) -> None:
    page = boss.post("/people/new", {"username": "wang", "name": "王五", "phone": "", "is_active": "on"}, follow=True)
    made = Person.objects.get(username="wang")
    assert (made.county, made.sort_key, made.must_change_password) == (county, "wang wu", True)
    (message,) = told(page)
    password = message.split("：")[1].split("。")[0]
    assert made.check_password(password)
    assert password not in boss.get(f"/people/{made.pk}/").content.decode()
    client = Client()
    assert client.post("/login", {"username": "wang", "password": password}).url == "/"
    assert client.get("/", follow=True).redirect_chain == [("/password", 302)]


def test_a_name_that_is_taken_is_refused(county: County, boss: Client) -> None:
    before = state()
    page = boss.post("/people/new", {"username": "boss", "name": "王五", "is_active": "on"})
    assert (page.status_code, dict(page.context["form"].errors)) == (200, {"username": ["这个用户名已有人用。"]})
    assert state() == before


def test_the_list_is_found_by_name_pinyin_and_user_name(county: County, boss: Client, foreigner: Person) -> None:
    Person.objects.filter(username="boss").update(name="陈立", sort_key="chen li")
    found = {
        q: [p.username for p in boss.get(f"/people/?q={q}").context["people"]] for q in ("", "陈", "chen", "BOSS", "外")
    }
    assert found == {"": ["boss"], "陈": ["boss"], "chen": ["boss"], "BOSS": ["boss"], "外": []}


def test_a_post_is_given_and_ended(county: County, boss: Client) -> None:
    someone = person(county, "alarms.alarm.view", username="someone")
    page = boss.post(f"/people/{someone.pk}/posts", wanted(county, area=area(county, "101").pk), follow=True)
    assert told(page) == ["已授予岗位。"]
    given = someone.posts.get(role="r.reader")
    assert (given.area.name, given.starts, given.ends) == ("东镇", timezone.localdate(), None)
    boss.post(f"/people/{someone.pk}/posts", wanted(county, area=area(county, "101").pk), follow=True)
    assert someone.posts.count() == 2  # the same again is the same
    old = someone.posts.exclude(role="r.reader").get()
    assert told(boss.post(f"/posts/{old.pk}/end", follow=True)) == ["岗位已结束。"]
    old.refresh_from_db()
    assert old.ends == timezone.localdate() - datetime.timedelta(days=1)
    assert browser(someone).get("/alarms/").status_code == 403
    boss.post(f"/posts/{given.pk}/end")
    assert list(someone.posts.all()) == [old]  # one that began today leaves nothing


def test_a_post_that_ends_before_it_begins_is_refused(county: County, boss: Client) -> None:
    someone = person(county, "alarms.alarm.view", username="someone")
    before = state()
    page = boss.post(f"/people/{someone.pk}/posts", wanted(county, ends="2020-01-01"), follow=True)
    assert told(page) == ["止（含当日）: 止日不能早于起日。"]
    page = boss.post(f"/people/{someone.pk}/posts", wanted(county, role="r.nothing"), follow=True)
    assert [message.partition(":")[0] for message in told(page)] == ["角色"]
    assert state() == before


def test_nobody_gives_more_than_they_have(county: County) -> None:
    """Neither other verbs, nor the same verbs in a larger place."""
    limited = person(county, "kernel.person.*", username="limited")
    town = Role.objects.create(pk="r.town", name={}, verbs=["things.thing.view"])
    starts = timezone.localdate()
    Post.objects.create(
        person=limited, role=town, organisation=organisation(county), area=area(county, "101"), starts=starts
    )
    Role.objects.create(pk="r.all", name={}, verbs=["*"])
    before = state()
    client = browser(limited)
    for changes in ({"role": "r.all"}, {}, {"area": area(county, "102").pk}):
        assert client.post(f"/people/{limited.pk}/posts", wanted(county, **changes)).status_code == 403
    assert state() == before
    client.post(
        f"/people/{limited.pk}/posts",
        wanted(county, role="r.town", organisation=organisation(county, "stand").pk, area=area(county, "101").pk),
    )
    assert limited.posts.count() == 3


def test_a_password_is_reset_by_whoever_has_all_rights_of_its_person(county: County, boss: Client) -> None:
    equal, above = person(county, "things.thing.view", username="equal"), person(county, "*", username="above")
    before = state()
    assert boss.get(f"/people/{equal.pk}/password").status_code == 405
    assert boss.post(f"/people/{above.pk}/password").status_code == 403
    assert state() == before
    (message,) = told(boss.post(f"/people/{equal.pk}/password", follow=True))
    equal.refresh_from_db()
    assert equal.check_password(message.split("：")[1].split("。")[0])
    assert equal.must_change_password


def test_who_has_more_rights_is_changed_by_no_lesser_administrator(county: County, boss: Client) -> None:
    above = person(county, "*", username="above")
    later = person(county, "alarms.alarm.view", username="later")
    starts = timezone.localdate() + datetime.timedelta(days=9)
    everything = Role.objects.get(verbs=["*"])
    top = {"organisation": organisation(county), "area": area(county)}
    coming = Post.objects.create(person=later, role=everything, starts=starts, **top)
    before = state()
    for target, post in ((above, above.posts.get()), (later, coming)):
        assert boss.get(f"/people/{target.pk}/").status_code == 200
        for address in (f"/people/{target.pk}/", f"/people/{target.pk}/password", f"/posts/{post.pk}/end"):
            assert boss.post(address, {"username": "mine", "name": "我的"}).status_code == 403
    assert state() == before


def test_keys_do_not_outlive_a_password(county: County, boss: Client) -> None:
    someone = person(county, "things.thing.view", username="someone")
    secret = browser(someone).post("/tokens", {"name": "报表程序"}).context["secret"]
    bearer = {"authorization": f"Bearer {secret}"}
    assert Client().get("/ogc/collections", headers=bearer).status_code == 200
    Person.objects.filter(pk=someone.pk).update(must_change_password=True)
    assert Client().get("/ogc/collections", headers=bearer).status_code == 401
    Person.objects.filter(pk=someone.pk).update(must_change_password=False)
    boss.post(f"/people/{someone.pk}/password")
    Person.objects.filter(pk=someone.pk).update(must_change_password=False)
    assert Client().get("/ogc/collections", headers=bearer).status_code == 401
    assert [token.revoked is not None for token in Token.objects.all()] == [True]


def test_who_is_switched_off_is_out_at_once(county: County, boss: Client) -> None:
    someone = person(county, "things.thing.view", username="someone")
    inside = browser(someone)
    assert inside.get("/things/").status_code == 200
    boss.post(f"/people/{someone.pk}/", {"username": "someone", "name": "甲", "phone": ""})
    assert Person.objects.get(pk=someone.pk).is_active is False
    assert inside.get("/things/").url == "/login?next=%2Fthings%2F"
    page = Client().post("/login", {"username": "someone", "password": "correct horse"})
    assert (page.status_code, page.wsgi_request.user.is_authenticated) == (200, False)


def test_the_last_who_manages_people_stays(county: County, boss: Client) -> None:
    """A post of a town, or of somebody who may not log in, does not count; of two, one may go."""
    mine = Person.objects.get(username="boss")
    person(county, *ADMINISTRATOR, username="near", in_area="101")
    other = person(county, *ADMINISTRATOR, username="other")
    Person.objects.filter(pk=other.pk).update(is_active=False)
    before, said = state(), "这样一来，本县将没有人能管理用户：请先给另一人安排同样的岗位。"
    page = boss.post(f"/posts/{mine.posts.get().pk}/end", follow=True)
    assert (told(page), state()) == ([said], before)
    page = boss.post(f"/people/{mine.pk}/", {"username": "boss", "name": "boss"})
    assert (page.context["form"].errors, state()) == ({"is_active": [said]}, before)
    Person.objects.filter(pk=other.pk).update(is_active=True)
    assert told(boss.post(f"/posts/{mine.posts.get().pk}/end", follow=True)) != [said]
    assert mine.posts.get().ends == timezone.localdate() - timedelta(days=1)


def test_people_of_another_county_are_out_of_reach(county: County, boss: Client, foreigner: Person) -> None:
    before = state()
    post = foreigner.posts.get()
    assert boss.get(f"/people/{foreigner.pk}/").status_code == 404
    for address, sent in (
        (f"/people/{foreigner.pk}/", {"username": "mine", "name": "我的"}),
        (f"/people/{foreigner.pk}/posts", wanted(county)),
        (f"/people/{foreigner.pk}/password", {}),
        (f"/posts/{post.pk}/end", {}),
    ):
        assert boss.post(address, sent).status_code == 404
    someone = person(county, "alarms.alarm.view", username="someone")
    expected = *state()[:2], 0
    abroad = wanted(county, organisation=post.organisation.pk, area=post.area.pk)
    assert sorted(m.partition(":")[0] for m in told(boss.post(f"/people/{someone.pk}/posts", abroad, follow=True))) == [
        "区域", "单位",
    ]  # fmt: skip
    assert state() == expected
    assert [row for row in before[0] if row not in state()[0]] == []


@pytest.mark.parametrize(("verbs", "town"), [((), ""), (("kernel.person.view",), ""), (("kernel.person.*",), "101")])
def test_without_the_right_for_the_whole_county_nothing_changes(
    county: County, verbs: tuple[str, ...], town: str
) -> None:
    asker = person(county, *(verbs or ("things.thing.view",)), username="asker", in_area=town)
    target = person(county, "alarms.alarm.view", username="target")
    before = (*state()[:2], 0)
    wanted(county)
    client = browser(asker)
    reads = 200 if verbs == ("kernel.person.view",) else 403
    assert [client.get(page).status_code for page in ("/people/", f"/people/{target.pk}/")] == [reads, reads]
    assert client.get("/people/new").status_code == 403
    for address, sent in (
        ("/people/new", {"username": "wang", "name": "王五"}),
        (f"/people/{target.pk}/", {"username": "hijack", "name": "他"}),
        (f"/people/{asker.pk}/posts", wanted(county)),
        (f"/people/{target.pk}/password", {}),
        (f"/posts/{target.posts.get().pk}/end", {}),
    ):
        assert client.post(address, sent).status_code == 403
    assert state() == before


def test_a_viewer_sees_no_buttons(county: County) -> None:
    page = browser(person(county, "kernel.person.view", username="viewer"))
    assert "/people/new" not in page.get("/people/").content.decode()
    own = Person.objects.get(username="viewer")
    actions = re.findall(r'action="([^"]*)"', page.get(f"/people/{own.pk}/").content.decode())
    assert set(actions) == {"/star", "/language", "/search", "/tour", "/theme", "/logout"}


def test_a_key_is_shown_once_acts_as_its_person_and_is_revoked(county: County) -> None:
    someone = person(county, "records.*", username="someone")
    client = browser(someone)
    secret = client.post("/tokens", {"name": "报表程序"}).context["secret"]
    token = Token.objects.get()
    assert (token.person, token.name, token.digest) == (
        someone,
        "报表程序",
        hashlib.sha256(secret.encode()).hexdigest(),
    )
    page = client.get("/tokens")
    assert "报表程序" in text(page)
    assert secret not in page.content.decode()
    bearer = {"authorization": f"Bearer {secret}"}
    assert Client().get("/ogc/collections", headers=bearer).status_code == 200
    token.refresh_from_db()
    assert token.used is not None
    assert "最近使用" in text(client.get("/tokens"))
    stranger = browser(person(county, "*", username="stranger"))
    assert stranger.post(f"/tokens/{token.pk}/revoke").status_code == 404
    assert Client().get("/ogc/collections", headers=bearer).status_code == 200
    assert told(client.post(f"/tokens/{token.pk}/revoke", follow=True)) == ["密钥已吊销。"]
    assert Client().get("/ogc/collections", headers=bearer).status_code == 401
    assert "还没有密钥" in text(client.get("/tokens"))


def test_a_key_may_end_by_itself(county: County) -> None:
    client = browser(person(county, "records.*", username="someone"))
    secret = client.post("/tokens", {"name": "一月", "days": "30"}).context["secret"]
    client.post("/tokens", {"name": "怪", "days": "-5"})
    ends = dict(Token.objects.values_list("name", "expires"))
    assert ends["怪"] is None
    assert timedelta(days=29) < ends["一月"] - timezone.now() < timedelta(days=31)
    Token.objects.filter(name="一月").update(expires=timezone.now())
    assert Client().get("/ogc/collections", headers={"authorization": f"Bearer {secret}"}).status_code == 401
