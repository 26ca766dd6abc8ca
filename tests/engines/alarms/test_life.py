"""The life of an alarm: people act once whoever races, silence, causes, reminders, and what rules ask of people."""

from __future__ import annotations

import itertools
import threading
from datetime import timedelta
from typing import Any

import orjson
import pytest
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.alarms.sent import (
    NOON,
    alarms,
    clock,
    commit,
    handle,
    jug,
    minute,
    only,
    send,
    spans,
    told,
    waiting,
)
from tests.engines.alarms.test_alarms import event
from tests.fixtures import person
from tests.web.pages import browser, text
from tests.web.pages import told as messages

from shizhu.engines.alarms import acting, api, caring, judging, load, telling
from shizhu.engines.alarms.models import Act, Alarm, Occurrence
from shizhu.engines.notices.models import Delivery, Message
from shizhu.engines.things.models import Maintenance, Thing
from shizhu.kernel import access, events, packs
from shizhu.kernel.events import Event, decode
from shizhu.kernel.models import County, Declaration, Grant, OutboxEvent

pytestmark = pytest.mark.django_db(transaction=True)
WARM = {"when": {"profile": "lemonade.jug", "property": "temperature", "above": 30}}


@pytest.fixture
def alarm(county: County) -> Alarm:
    stream = jug(county)["temperature"]
    only(county, WARM, "local.warm")
    send(stream, (0, 31))
    return Alarm.objects.get()


def acts() -> list[str]:
    return list(Act.objects.order_by("pk").values_list("kind", flat=True))


def test_who_acknowledges_first_has_it(county: County, alarm: Alarm) -> None:
    first, second = (person(county, "alarms.*", username=name) for name in ("a", "b"))
    acting.acknowledge(alarm.pk, person=first.pk)
    with pytest.raises(acting.NotNow):
        acting.acknowledge(alarm.pk, person=second.pk)
    assert (Alarm.objects.get().assignee, acts()) == (first, ["acknowledged"])
    acting.assign(alarm.pk, person=first.pk, to=second.pk, note="下班")
    assert (Alarm.objects.get().assignee, acts()) == (second, ["acknowledged", "assigned"])
    event = decode(orjson.dumps(OutboxEvent.objects.order_by("pk").last().envelope))
    telling.assigned(event)
    heard = Message.objects.get()
    assert (heard.title.split(" · ")[-1], [one.person for one in heard.deliveries.all()]) == ("由您负责", [second])
    acting.assign(alarm.pk, person=first.pk, to=first.pk)
    telling.assigned(decode(orjson.dumps(OutboxEvent.objects.order_by("pk").last().envelope)))
    assert Message.objects.count() == 1
    acting.assign(alarm.pk, person=first.pk, to=second.pk)
    stranger = person(county, "cases.*", username="c")
    with pytest.raises(ValueError, match="has no post that may acknowledge"):
        acting.assign(alarm.pk, person=first.pk, to=stranger.pk)
    assert Alarm.objects.get().assignee == second


def test_who_may_act_by_what_the_county_gives_is_rung_and_may_have_it(county: County, alarm: Alarm) -> None:
    given, idle = person(county, "maps.layer.view"), person(county, "exchange.*")
    Grant.objects.create(county=county, role=given.posts.get().role, verb=acting.ACKNOWLEDGE)
    elsewhere = County.objects.create(code="990002", name="乙县")
    Grant.objects.create(county=elsewhere, role=idle.posts.get().role, verb=acting.ACKNOWLEDGE)
    telling.raised(Event("1", "alarms.alarm.raised", "", county.pk, timezone.now(), {"alarm": alarm.pk}))
    assert list(Delivery.objects.values_list("person", flat=True).distinct()) == [given.pk]
    with pytest.raises(ValueError, match="has no post that may acknowledge"):
        acting.assign(alarm.pk, person=given.pk, to=idle.pk)
    acting.assign(alarm.pk, person=given.pk, to=given.pk)
    assert Alarm.objects.get().assignee == given


def test_what_was_not_measured_says_so_before_its_title_wherever_it_is_told(county: County, alarm: Alarm) -> None:
    person(county, "alarms.*")
    for number, origin in enumerate((0, 1, 2)):
        Alarm.objects.update(origin=origin)
        telling.raised(Event(str(number), "alarms.alarm.raised", "", county.pk, timezone.now(), {"alarm": alarm.pk}))
    plain, simulated, replayed = Message.objects.order_by("pk").values_list("title", flat=True)
    assert (simulated, replayed) == (f"【模拟】{plain}", f"【回放】{plain}")
    assert "【" not in plain


def test_a_shelf_needs_a_reason_and_an_end(county: County, alarm: Alarm) -> None:
    who = person(county, "alarms.*")
    soon = timezone.now() + timedelta(hours=4)
    for until, why in ((soon, " "), (timezone.now(), "等人"), (soon + timedelta(days=7), "等人")):
        with pytest.raises(ValueError, match="why|until"):
            acting.shelve(alarm.pk, person=who.pk, until=until, why=why)
    assert acts() == []
    acting.shelve(alarm.pk, person=who.pk, until=soon, why="等人")
    client = browser(who)
    assert (client.get("/alarms/").context["rows"], len(client.get("/alarms/?state=shelved").context["rows"])) == (
        [],
        1,
    )
    assert f"搁置至 {timezone.localtime(soon):%Y-%m-%d %H:%M}" in text(client.get("/alarms/?state=shelved"))
    acting.unshelve(alarm.pk, person=who.pk)
    assert len(client.get("/alarms/").context["rows"]) == 1
    acting.acknowledge(alarm.pk, person=who.pk)
    acting.shelve(alarm.pk, person=who.pk, until=soon, why="等人")
    assert [caring.every_minute(soon + timedelta(minutes=n)) for n in (-1, 1, 2)] == [(0, 0), (0, 1), (0, 0)]
    assert (told()[-1], acts()[-1]) == ("reminder", "unshelved")
    far = person(county, "alarms.*", username="far", in_area="101")  # nearer: where it is

    def heard() -> list[tuple[str, set[int | None]]]:
        telling.reminded(decode(orjson.dumps(OutboxEvent.objects.order_by("pk").last().envelope)))
        found = [(one.title, {to.person_id for to in one.deliveries.all()}) for one in Message.objects.all()]
        Message.objects.all().delete()
        return found

    assert heard() == [("jug-1 · 规则 · 搁置到期", {who.pk, far.pk})]
    Alarm.objects.update(acknowledged_at=None, assignee=None, shelved_until=soon)
    caring.every_minute(soon + timedelta(minutes=3))
    assert heard() == [("jug-1 · 规则 · 请签收", {who.pk, far.pk})]
    caring.every_minute(soon + timedelta(hours=9))
    acting.acknowledge(alarm.pk, person=who.pk)  # before the reminder has gone out
    assert OutboxEvent.objects.filter(subject__endswith="acted").latest("pk").delete()[0]
    assert heard() == []
    assert len(client.get("/alarms/").context["rows"]) == 1
    with pytest.raises(acting.NotNow):
        acting.unshelve(alarm.pk, person=who.pk)


def test_who_leaves_leaves_no_alarm_behind(county: County, alarm: Alarm) -> None:
    gone, stays = (person(county, "alarms.*", username=name) for name in ("gone", "stays"))
    acting.acknowledge(alarm.pk, person=gone.pk)
    assert caring.every_minute() == (0, 0)
    gone.posts.update(ends=timezone.localdate() - timedelta(days=1))
    assert [caring.every_minute() for _ in range(2)] == [(0, 1), (0, 0)]
    found = Alarm.objects.get()
    assert (found.assignee, found.acknowledged_at, acts()) == (None, None, ["acknowledged", "released", "reminded"])
    telling.reminded(decode(orjson.dumps(OutboxEvent.objects.order_by("pk").last().envelope)))
    assert (Message.objects.get().title, Delivery.objects.get().person) == ("jug-1 · 规则 · 请签收", stays)
    assert "gone 已不在岗，无人负责" in text(browser(stays).get(f"/alarms/{alarm.pk}/"))
    acting.acknowledge(alarm.pk, person=stays.pk)
    acting.shelve(alarm.pk, person=stays.pk, until=timezone.now() + timedelta(hours=1), why="等备件")
    stays.is_active = False
    stays.save()
    told_of = OutboxEvent.objects.count()
    assert caring.every_minute() == (0, 0)
    assert (Alarm.objects.get().assignee, acts()[-1], OutboxEvent.objects.count()) == (None, "released", told_of)
    assert caring.every_minute(timezone.now() + timedelta(hours=2)) == (0, 1)  # off the shelf it is told
    Alarm.objects.update(assignee=stays, shelved_until=timezone.now())
    assert caring.every_minute() == (0, 1)  # both at once: told once


def test_of_two_who_shelve_one_is_told(county: County, alarm: Alarm) -> None:
    who, soon = person(county, "alarms.*"), timezone.now() + timedelta(hours=1)
    acting.shelve(alarm.pk, person=who.pk, until=soon, why="等备件")
    client, before = browser(who), acts()
    said = messages(client.post(f"/alarms/{alarm.pk}/shelve", {"why": "等人", "hours": "168"}, follow=True))
    assert said == ["已有他人先行处理；这是告警现在的状态。"]
    assert (Alarm.objects.get().shelved_until, acts()) == (soon, before)


def test_nothing_can_be_done_with_what_is_cleared(county: County, alarm: Alarm) -> None:
    who = person(county, "alarms.*")
    assert api.clear(alarm.pk, person=who.pk, why="误报", is_false=True)
    for act in (acting.acknowledge, acting.unshelve):
        with pytest.raises(acting.NotNow):
            act(alarm.pk, person=who.pk)
    assert (acts(), Alarm.objects.get().is_false) == (["cleared"], True)


def test_a_value_that_wavers_is_one_alarm_told_no_more_often_than_one_is_reminded(county: County) -> None:
    stream = jug(county)["temperature"]
    only(county, WARM, "local.warm")
    for n in range(30):
        with clock(10 * n):
            send(stream, (10 * n, 31))
            send(stream, (10 * n + 5, 20))
    assert (alarms(), spans()) == ([("cleared", False, "yellow", 30)], [(10 * n, 10 * n + 5) for n in range(30)])
    assert (told().count("raised"), told().count("changed"), told().count("cleared")) == (3, 27, 30)  # yellow: 2 hours
    (found,) = load.loads(access.actor(person(county, "alarms.*")), county.pk, NOON, minute(300))
    assert (found.raised, found.occurrences, found.returned, found.why_die) == (1, 30, 29, "chatter")
    page = text(browser(person(county, "alarms.*", username="boss")).get("/alarms/load/?month=2026-07"))
    assert "一小时内又来 29 次；请加回差" in page
    assert "规则 × 30" in text(browser(person(county, "alarms.*", username="all")).get("/alarms/?state=all"))
    send(stream, (356, 31), (360, 20))  # more than an hour after it ended
    send(stream, (361, 31))
    api.clear(Alarm.objects.get(state="open").pk, person=person(county, "alarms.*", username="b").pk, why="修好了")
    send(stream, (362, 20), (363, 31))  # whom a person has ended does not come back
    assert [occurrences for _state, _gone, _level, occurrences in alarms()] == [30, 2, 1]


def test_what_comes_back_is_told_anew_where_it_is_graver_and_stays_seen_and_shelved(county: County) -> None:
    stream, who = jug(county)["temperature"], person(county, "alarms.*").pk
    only(county, {**WARM, "levels": [{"level": "red", "above": 40}]})
    send(stream, (0, 31))
    number = Alarm.objects.get().pk
    acting.acknowledge(number, person=who)
    acting.shelve(number, person=who, until=timezone.now() + timedelta(hours=4), why="等备件")
    send(stream, (1, 20), (2, 45))
    alarm = Alarm.objects.get()
    assert (alarm.state, alarm.level, alarm.occurrences) == ("open", "red", 2)
    assert (alarm.acknowledged_at is None, alarm.shelved_until is None) == (False, False)
    changed = OutboxEvent.objects.filter(subject__contains="alarm.changed").get().envelope["data"]
    assert changed == {"alarm": number, "rule": alarm.rule, "level": "red", "before": "yellow"}


def test_reminders_until_somebody_has_seen_it(county: County, alarm: Alarm) -> None:
    start = timezone.now()
    assert caring.every_minute(start + timedelta(hours=1)) == (0, 0)
    assert caring.every_minute(start + timedelta(hours=3)) == (0, 1)
    assert caring.every_minute(start + timedelta(hours=4)) == (0, 0)
    assert told() == ["raised", "reminder"]
    acting.acknowledge(alarm.pk, person=person(county, "alarms.*").pk)
    assert caring.every_minute(start + timedelta(hours=9)) == (0, 0)
    assert acts() == ["reminded", "acknowledged"]


def test_an_alarm_during_maintenance_is_silent_until_its_end(county: County) -> None:
    made = jug(county)
    only(county, WARM)
    thing = Thing.objects.get()
    now = timezone.now()
    work = Maintenance.objects.create(
        thing=thing, starts=now - timedelta(hours=1), ends=now + timedelta(hours=1), reason="清洗"
    )
    handle_directly(made["temperature"], 31)
    assert (Alarm.objects.get().suppressed, told()) == ("maintenance", [])
    assert caring.every_minute() == (0, 0)
    work.delete()
    assert (caring.every_minute()[0], told(), acts()) == (1, ["raised"], ["told"])


def handle_directly(stream: int, value: float) -> None:
    commit(stream, (0, value), verdict=0)
    found = waiting()
    if not found:  # a reading during maintenance is doubtful, so no event is told: the judge gets one by hand
        found = [event(stream, 0, value)]
    handle(*found)


def test_what_hangs_on_a_device_that_is_down_is_silent_and_of_its_cause(county: County) -> None:

    parent, child = jug(county, "gate"), jug(county, "leaf")
    Thing.objects.filter(key="leaf").update(properties={"parent": "gate"})
    only(county, {"when": {"profile": "lemonade.jug", "property": "temperature", "missing": "PT10M"}})
    with clock(1):
        send(parent["temperature"], (0, 20))
        send(child["temperature"], (1, 20))
    judging.ring(minute(30))
    first, second = Alarm.objects.order_by("raised_at")
    assert (first.datastream, first.suppressed, first.root) == (parent["temperature"], "", None)
    assert (second.datastream, second.suppressed, second.root) == (child["temperature"], "parent", first)
    assert told() == ["raised"]
    page = text(browser(person(county, "alarms.alarm.view")).get(f"/alarms/{first.pk}/"))
    assert "同因告警" in page


MISSING = {"when": {"profile": "lemonade.jug", "property": "temperature", "missing": "PT10M"}}


@pytest.fixture
def hung(county: County) -> tuple[int, int]:
    """The temperatures of a gate and of a leaf that hangs on it, judged by silence alone."""
    gate, leaf = jug(county, "gate")["temperature"], jug(county, "leaf")["temperature"]
    Thing.objects.filter(key="leaf").update(properties={"parent": "gate"})
    with clock(-1):
        only(county, MISSING)
    return gate, leaf


def test_what_a_device_still_says_while_what_it_hangs_on_is_down_is_told(hung: tuple[int, int], county: County) -> None:
    gate, leaf = hung
    hot = {"title": {"zh": "热", "en": "Hot"}, "level": "red", "examples": [], **WARM}
    Declaration.objects.create(kind="rules", key="local.hot", county=county, body=hot, digest="1", source="person")
    packs.forget()
    api.bind_all()
    with clock(1):
        send(gate, (0, 20))
        send(leaf, (1, 20))
    with clock(9):
        send(leaf, (9, 20))
    judging.ring(minute(12))
    with clock(13):
        send(leaf, (13, 45))
    silent, heated = Alarm.objects.order_by("pk")
    assert (silent.datastream, heated.datastream, heated.suppressed) == (gate, leaf, "")
    assert told() == ["raised", "raised"]


@pytest.mark.parametrize("how", ["acknowledged", "shelved"])
def test_what_follows_a_cause_that_is_seen_or_shelved_is_reminded_of(county: County, how: str) -> None:
    first, second = (jug(county, key)["temperature"] for key in "ab")
    only(county, WARM)
    send(first, (0, 31))
    send(second, (1, 45))
    root, follower = Alarm.objects.order_by("pk")
    assert follower.root == root
    start, by = timezone.now(), person(county, "alarms.*").pk
    assert caring.every_minute(start + timedelta(hours=3)) == (0, 1)
    if how == "acknowledged":
        acting.acknowledge(root.pk, person=by)
    else:
        acting.shelve(root.pk, person=by, until=start + timedelta(days=6), why="待修")
    assert caring.every_minute(start + timedelta(hours=6)) == (0, 1)
    assert list(Act.objects.filter(kind="reminded").order_by("pk").values_list("alarm", flat=True)) == [
        root.pk, follower.pk,
    ]  # fmt: skip


def test_what_fell_silent_a_moment_before_what_it_hangs_on_is_of_its_cause(hung: tuple[int, int]) -> None:
    gate, leaf = hung
    with clock(1):
        send(leaf, (0, 20))
        send(gate, (0.5, 20))
    judging.ring(minute(10.2))
    judging.ring(minute(30))
    first, second = Alarm.objects.order_by("raised_at")
    assert (first.datastream, first.root, second.datastream, second.root) == (leaf, second, gate, None)
    start = timezone.now()
    assert caring.every_minute(start + timedelta(hours=3)) == (0, 1)
    assert Act.objects.get().alarm == second


def test_people_are_reminded_of_what_goes_on_once_its_cause_is_over(hung: tuple[int, int]) -> None:
    gate, leaf = hung
    with clock(1):
        send(gate, (0, 20))
        send(leaf, (1, 20))
    judging.ring(minute(30))
    with clock(31):
        send(gate, (31, 20))
    start = timezone.now()
    assert caring.every_minute(start) == (1, 0)
    assert caring.every_minute(start + timedelta(hours=3)) == (0, 1)
    assert {one.alarm.datastream for one in Act.objects.all()} == {leaf}


def test_a_line_that_was_cut_is_one_alarm_and_what_it_brings_late_is_told_of_nobody(hung: tuple[int, int]) -> None:
    """The line is back, and what both kept comes bit by bit: until the last of it they seem to be silent still."""
    with clock(1):
        for stream in hung:
            send(stream, (0, 20))
    with clock(60):
        judging.ring()
    assert [one.suppressed for one in Alarm.objects.order_by("pk")] == ["", "parent"]
    assert told() == ["raised"]
    for at in range(2, 62, 3):
        for stream in hung:
            commit(stream, *((at + n, 20) for n in range(3)))
            with clock(61):
                handle(*waiting())
                judging.ring()
            caring.every_minute(minute(61))
    with clock(63):
        judging.ring()
    caring.every_minute(minute(63))
    assert [(one.state, one.is_withdrawn) for one in Alarm.objects.all()] == [("cleared", True)] * 2
    assert (told(), acts()) == (["raised", "cleared", "cleared"], [])


def test_people_are_told_when_it_becomes_graver_though_it_was_seen(county: County) -> None:
    stream = jug(county)["temperature"]
    only(county, {**WARM, "levels": [{"level": "red", "above": 40}]})
    near, far = person(county, "alarms.*", in_area="101", username="near"), person(county, "alarms.*", username="far")
    send(stream, (0, 31))
    acting.acknowledge(Alarm.objects.get().pk, person=far.pk)
    OutboxEvent.objects.all().delete()
    send(stream, (1, 41))
    send(stream, (2, 31))
    rose, fell = [events.decode(events.orjson.dumps(row.envelope)) for row in OutboxEvent.objects.order_by("pk")]
    Alarm.objects.update(level="red")  # as it was when the first was told
    (consumer,) = [one for one in events.consumers() if one.name == "alarms.graver"]
    for told_of in (rose, rose, fell):
        events.handle(consumer, told_of)
    message = Message.objects.get()
    assert message.title == "jug-1 · 规则 · 升级为红色"
    assert set(Delivery.objects.filter(message=message).values_list("person", flat=True)) == {near.pk, far.pk}


def test_value_and_limit_are_those_of_the_level_that_holds_now_and_its_history_is_kept(county: County) -> None:
    stream, client = jug(county)["temperature"], browser(person(county, "*", username="reader"))
    steps = {**WARM, "levels": [{"level": "red", "above": 40}]}
    only(county, steps)

    def shown() -> list[Any]:
        """What list, home page and the alarm's own say of value and limit, and what the API says."""
        said = [text(client.get(page)).partition("变更记录")[0] for page in ("/alarms/", "/", f"/alarms/{number}/")]
        numbers = ("31 ℃", "35 ℃", "41 ℃", "45 ℃", "≤ 30", "≤ 40")
        (item,) = client.get("/ogc/collections/alarms/items?f=json").json()["features"]
        told = [item["properties"][name] for name in ("level", "value")]
        return [*([one for one in numbers if one in page] for page in said), told]

    def like(level: str, value: float, limit: int) -> list[Any]:
        return [*[[f"{value} ℃", f"≤ {limit}"]] * 3, [level, value]]

    send(stream, (0, 31))
    number = Alarm.objects.get().pk
    assert shown() == like("yellow", 31, 30)
    send(stream, (10, 41))
    assert shown() == like("red", 41, 40)
    send(stream, (20, 35))
    assert shown() == like("yellow", 35, 30)
    history = text(client.get(f"/alarms/{number}/"))
    for line in ("触发告警 黄 31 ℃ · 限值 ≤ 30 ℃", "红 41 ℃ · 限值 ≤ 40 ℃", "黄 35 ℃ · 限值 ≤ 30 ℃"):
        assert line in history
    assert "35 ℃ · 升降到当前级别时 · 限值 ≤ 30 ℃" in history
    send(stream, (25, 45), (10, 32))
    assert shown() == like("red", 45, 40)
    (firing,) = api.try_rule({**steps, "level": "yellow"}, county.pk, minute(-60), minute(60)).firings
    assert (firing.level, firing.value, firing.limit) == ("red", 45.0, "≤ 40")
    body = Declaration.objects.get(kind="rules").body | {"levels": []}
    only(county, body)
    assert shown() == like("yellow", 45, 30)


def test_the_page_offers_what_one_may_and_tells_what_was_done(county: County, alarm: Alarm) -> None:
    viewer, boss = browser(person(county, "alarms.alarm.view")), person(county, "alarms.alarm.*", username="boss")
    client, address = browser(boss), f"/alarms/{alarm.pk}/"
    assert "/acknowledge" not in viewer.get(address).content.decode()
    for verb in ("acknowledge", "assign", "shelve", "unshelve"):
        assert viewer.post(f"{address}{verb}").status_code == 403
    assert acts() == []
    assert messages(client.post(f"{address}acknowledge", follow=True)) == ["已签收：尚无责任人的，由您负责。"]
    assert messages(client.post(f"{address}acknowledge", follow=True)) == ["已有他人先行处理；这是告警现在的状态。"]
    assert messages(client.post(f"{address}assign", {"to": boss.pk}, follow=True)) == ["本来就由此人负责，未作改动。"]
    assert messages(client.post(f"{address}shelve", {"why": "", "hours": "4"}, follow=True)) == [
        "未作改动：请选择人员，或写明原因和期限。"
    ]
    client.post(f"{address}shelve", {"why": "等备件", "hours": "4"})
    client.post(f"{address}clear", {"why": "探头坏了", "false": "1"})
    assert acts() == ["acknowledged", "shelved", "cleared"]
    page = text(client.get(address))
    assert [part for part in ("已签收", "等备件", "探头坏了", "误报", "触发") if part not in page] == []


def test_the_page_says_when_data_cannot_end_it_any_more(county: County, alarm: Alarm) -> None:
    client, said = browser(person(county, "alarms.*")), "规则已不再判断它"
    assert said not in text(client.get(f"/alarms/{alarm.pk}/"))
    only(county, WARM, "local.other")
    assert said in text(client.get(f"/alarms/{alarm.pk}/"))
    client.post(f"/alarms/{alarm.pk}/clear", {"why": "核实过"})
    assert said not in text(client.get(f"/alarms/{alarm.pk}/"))


def test_a_rule_out_of_use_still_names_its_alarms(county: County, alarm: Alarm) -> None:
    boss = browser(person(county, "*"))
    assert boss.post("/declarations/rules/local.warm/withdraw").status_code == 302
    assert packs.declared("rules", "local.warm", county.pk) == {}
    for address in (f"/alarms/{alarm.pk}/", "/alarms/", "/search?q=规则"):
        page = text(boss.get(address))
        assert ("规则" in page.replace("预警规则", ""), "local.warm" in page) == (True, False), address
    caring.every_minute(timezone.now() + timedelta(hours=3))
    telling.reminded(decode(orjson.dumps(OutboxEvent.objects.order_by("pk").last().envelope)))
    assert Message.objects.get().title == "jug-1 · 规则 · 请签收"


def test_the_load_of_a_month_names_rules_that_should_die(county: County, alarm: Alarm) -> None:
    who = person(county, "alarms.*")
    stream = alarm.datastream
    for n in range(5):
        assert api.clear(Alarm.objects.get(state="open").pk, person=who.pk, why="x", is_false=n < 3)
        send(stream, (n + 1, 31))
    (found,) = load.loads(access.actor(who), county.pk, NOON - timedelta(hours=1), NOON + timedelta(days=9))
    assert (found.rule, found.raised, found.closed, found.false, found.false_rate) == ("local.warm", 6, 5, 3, 60)
    assert (found.why_die, found.seen_after, found.a_day) == ("false", None, 0.66)
    page = text(browser(who).get("/alarms/load/?month=2026-07"))
    assert [part for part in ("应停用或修订的规则", "3 / 5", "3 (60 %)", "本月您可见的告警") if part not in page] == []
    assert "没有规则触发告警" in text(browser(who).get("/alarms/load/?month=2025-01"))
    seen = browser(who).get("/alarms/load/?month=2026-07").context
    assert (seen["days"].most, [(one.day.day, one.count) for one in seen["days"].days if one.count]) == (6, [(1, 6)])
    (told,) = seen["rules"]
    assert browser(who).get(f"/alarms/?{told['rows']}").context["page"].paginator.count == 6
    for month in ("9999-12", "0001-01", "2026-13"):
        assert browser(who).get(f"/alarms/load/?month={month}").context["first"] == timezone.localdate().replace(day=1)
    assert browser(person(county, "cases.*", username="z")).get("/alarms/load/").status_code == 403


runs = itertools.count()
KINDS = ["judge", "backwards", "acknowledge", "clear", "shelve", "minute"]
minutes = st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=8, unique_by=lambda pair: pair[0])


def act(kind: str, stream: int, who: int, events: list[Any]) -> None:
    """One step of somebody who races."""
    found = Alarm.objects.filter(datastream=stream, state="open").values_list("pk", flat=True).first()
    if kind in {"judge", "backwards"}:
        handle(*(events if kind == "judge" else events[::-1]))
    elif kind == "minute":
        caring.every_minute(timezone.now() + timedelta(hours=3))
    elif found and kind == "clear":
        api.clear(found, person=who, why="x")
    elif found and kind == "acknowledge":
        acting.acknowledge(found, person=who)
    elif found:
        acting.shelve(found, person=who, until=timezone.now() + timedelta(hours=1), why="x")


def race(*steps: Any) -> list[Exception]:
    """Each list of steps in a thread of its own; what went wrong."""
    faults: list[Exception] = []

    def run(kinds: list[str], *given_: Any) -> None:
        for kind in kinds:
            try:
                act(kind, *given_)
            except acting.NotNow:
                continue
            except Exception as fault:  # noqa: BLE001  # any is told
                faults.append(fault)
        connections.close_all()

    racers = [threading.Thread(target=run, args=one) for one in steps]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    return faults


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    readings=minutes,
    first=st.lists(st.sampled_from(KINDS), max_size=6),
    second=st.lists(st.sampled_from(KINDS), max_size=6),
)
def test_whoever_races_one_alarm_is_open_and_none_is_lost(
    county: County, readings: list[tuple[int, bool]], first: list[str], second: list[str]
) -> None:
    stream = jug(county, f"race-{next(runs)}")["temperature"]
    only(county, WARM | {"clear": {"for": "PT30M"}}, "local.race")
    who = person(county, "alarms.*", username=f"racer-{next(runs)}").pk
    for at, is_warm in readings:
        commit(stream, (at, 31 if is_warm else 20))
    events = waiting()
    assert race((first, stream, who, events), (second, stream, who, events)) == []
    handle(*events)
    send(stream, (60, 31))
    assert Alarm.objects.filter(datastream=stream, state="open").count() == 1
    going_on = Occurrence.objects.filter(alarm__datastream=stream, is_withdrawn=False, recovered_at=None)
    assert [one.alarm.state for one in going_on] == ["open"]
