"""Emergency plans that run: levels open and end tasks, orders reach people, drills say so, nobody else commands."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import orjson
import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.alarms.jugs import warm
from tests.engines.alarms.test_warnings import typed
from tests.engines.cases.test_acting import at_once
from tests.fixtures import TOY, area, person
from tests.web.pages import browser, text, told

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.models import Alarm, WarningMessage
from shizhu.engines.cases import api, emergencies, telling
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.logic import emergency
from shizhu.engines.cases.models import DRILL, Case, Entry, Task
from shizhu.engines.cases.timeline import timeline
from shizhu.kernel import access, events, packs, testing
from shizhu.kernel.models import County, OutboxEvent, Person

pytestmark = pytest.mark.django_db(transaction=True)
PLAN = "lemonade.no_sugar"
WITHIN = {"": set(), "IV": {"count", "borrow"}, "III": {"count", "borrow", "tell"}, "end": set()}


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "chief": person(county, role="lemonade.maker", username="chief"),
        "taster": person(county, role="lemonade.taster", username="taster", of="stand"),
        "reader": person(county, "cases.case.view", username="reader"),
        "outsider": person(county, "cases.duty.view", username="outsider"),
    }


def who(made: Person) -> access.Actor:
    return access.actor(made)


def began(county: County, level: str = "IV", origin: int = 0) -> Case:
    document = {"source": "person", "title": "断糖", "level": level, "description": "只剩一包"}
    return api.open_case(api.Opening(PLAN, "断糖", area(county, "101"), document, origin=origin))


def ready(case: Case) -> dict[str, Task]:
    return {task.step: task for task in Task.objects.filter(case=case, status="ready").order_by("pk")}


def decide(case: Case, by: Person, level: str) -> Case:
    return api.answer(who(by), ready(case)["decide"].pk, {"level": level, "why": "研判"})


def done(case: Case, by: Person, step: str) -> Case:
    return api.answer(who(by), ready(case)[step].pk, {"said": "办好了"})


def test_levels_open_and_end_tasks_with_minutes_for_named_owners(county: County, staff: dict[str, Person]) -> None:
    case = began(county)
    first = ready(case)
    assert set(first) == {"decide", "count"}
    assert (first["count"].assignee, first["count"].due_at) == (
        staff["chief"], first["count"].created + timedelta(minutes=10),
    )  # fmt: skip
    decide(case, staff["chief"], "III")
    assert {step: task.assignee for step, task in ready(case).items()} == {
        "count": staff["chief"], "decide": staff["chief"], "tell": staff["taster"],
    }  # fmt: skip
    done(case, staff["chief"], "count")
    assert set(ready(case)) == {"decide", "tell", "borrow"}
    decide(case, staff["chief"], "IV")
    assert set(ready(case)) == {"decide", "borrow"}
    assert Task.objects.get(case=case, step="tell").status == "withdrawn"
    decide(case, staff["chief"], "III")
    assert set(ready(case)) == {"decide", "borrow", "tell"}
    decide(case, staff["chief"], "end")
    case.refresh_from_db()
    assert (case.status, case.ended_at, ready(case)) == ("closed", "over", {})
    passed = [line for line in timeline(case) if line.kind == "passed" and line.data["name"]]
    assert [line.data["name"]["zh"] for line in passed] == [
        "启动", "启动Ⅳ级响应", "启动Ⅲ级响应", "退出Ⅲ级响应", "启动Ⅲ级响应", "结束",
    ]  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["IV", "III", "count", "borrow", "tell"]), max_size=9))
def test_whatever_is_decided_the_open_tasks_are_those_of_the_levels_in_force(
    county: County, staff: dict[str, Person], moves: list[str]
) -> None:
    case, level, finished = began(county), "IV", set[str]()
    for move in moves:
        if move in WITHIN:
            if level == "III" and move == "IV":
                finished -= {"tell"}
            level = move
            decide(case, staff["chief"], move)
        elif move in ready(case):
            finished.add(move)
            done(case, staff["taster" if move == "tell" else "chief"], move)
        wanted = WITHIN[level] - finished - ({"borrow"} if "count" not in finished else set())
        assert set(ready(case)) - {"decide"} == wanted
        case.refresh_from_db()
        assert emergencies.level_of(case) == level


def test_an_alarm_begins_its_level_or_waits_for_the_decision(county: County, staff: dict[str, Person]) -> None:
    for level, steps in (("orange", {"decide", "count", "tell"}), ("blue", {"decide"})):
        document = {"source": "alarm", "level": level, "rule": "x"}
        case = api.open_case(api.Opening(PLAN, "断糖", area(county, "101"), document))
        assert (set(ready(case)), emergencies.level_of(case)) == (steps, {"orange": "III", "blue": ""}[level])


def heard(*names: str) -> None:
    """Every alarm event so far comes to these consumers, twice."""
    chosen = [one for one in events.consumers() if one.name in names]
    for row in OutboxEvent.objects.filter(subject__contains=".alarms.alarm.").order_by("pk"):
        event = events.decode(orjson.dumps(row.envelope))
        for one in chosen * 2:
            if event.type in one.types:
                events.handle(one, event)


def graver(alarm: Alarm, level: str) -> None:
    Alarm.objects.filter(pk=alarm.pk).update(level=level)
    events.emit(alarms.CHANGED, alarm.pk, alarm.county_id, {"alarm": alarm.pk, "level": level})


def test_an_alarm_proposes_a_level_and_a_draft_that_people_settle(county: County, staff: dict[str, Person]) -> None:
    county.settings = {**county.settings, "starts": {"lemonade.too_warm": "lemonade.heat"}}
    county.save()
    writer = person(county, "alarms.warning.view", "alarms.warning.draft", username="writer")
    issuer = person(county, "alarms.warning.*", "alarms.alarm.view", username="issuer")
    first, second = warm(county, "E", "101"), warm(county, "W", "102")
    heard("cases.start", "cases.graver", "alarms.draft")

    case = Case.objects.get()  # the second alarm joined the response that the first began
    assert (case.flow, case.alarm, emergencies.level_of(case)) == ("lemonade.heat", first.pk, "")
    assert {step: task.role for step, task in ready(case).items()} == {"confirm": "lemonade.taster"}
    assert Entry.objects.get(case=case, kind="joined").data["alarm"] == second.pk
    page = browser(staff["taster"]).get(f"/cases/tasks/{ready(case)['confirm'].pk}/")
    assert [field.value for field in page.context["fields"] if field.name == "level"] == ["IV"]
    with pytest.raises(PermissionDenied):
        api.answer(who(staff["chief"]), ready(case)["confirm"].pk, {"level": "IV", "why": "研判"})
    api.answer(who(staff["taster"]), ready(case)["confirm"].pk, {"level": "IV", "why": "研判"})
    assert set(ready(case)) == {"decide", "ice"}

    graver(second, "red")
    heard("cases.start", "cases.graver", "alarms.draft")
    assert set(ready(case)) == {"decide", "ice", "raise"}
    api.answer(who(staff["taster"]), ready(case)["raise"].pk, {"level": "no", "why": "不用"})
    assert set(ready(case)) == {"decide", "ice"}
    graver(first, "red")
    heard("cases.graver")
    assert "yellow" not in text(browser(staff["chief"]).get(f"/cases/{case.pk}/command/"))
    api.answer(who(staff["taster"]), ready(case)["raise"].pk, {"level": "III", "why": "加重"})
    assert set(ready(case)) == {"decide", "ice", "close"}

    (draft,) = WarningMessage.objects.all()
    assert (draft.author, draft.content["level"], len(draft.content["areas"])) == (None, "red", 2)
    assert Client().get("/cap", {"f": "json"}).json()["warnings"] == []
    assert "待核对的预警草稿" in text(browser(writer).get("/messages/"))
    sent = {"version": draft.version}
    browser(issuer).post(f"/alarms/warnings/messages/{draft.pk}/issue", sent)
    draft.refresh_from_db()
    assert (draft.state, draft.approver) == ("draft", None)  # nobody has read it
    client = browser(writer)
    address = f"/alarms/warnings/messages/{draft.pk}/"
    client.post(address, typed(client.get(address)))
    draft.refresh_from_db()
    assert draft.author == writer
    browser(issuer).post(f"/alarms/warnings/messages/{draft.pk}/issue", {"version": draft.version})
    draft.refresh_from_db()
    assert (draft.state, draft.approver) == ("issued", issuer)

    decide(case, staff["chief"], "end")
    assert set(Alarm.objects.values_list("state", flat=True)) == {"cleared"}
    lines = [line.kind for line in timeline(Case.objects.get()) if line.kind in {"joined", "cleared"}]
    assert lines == ["joined", "cleared", "cleared"]


def test_what_an_alarm_proposes_may_be_refused(county: County, staff: dict[str, Person]) -> None:
    document = {"source": "alarm", "level": "yellow"}
    case = api.open_case(api.Opening("lemonade.heat", "热", area(county, "101"), document))
    api.answer(who(staff["taster"]), ready(case)["confirm"].pk, {"level": "no", "why": "误报"})
    case.refresh_from_db()
    assert (case.status, case.ended_at, ready(case)) == ("closed", "unwanted", {})


def test_orders_reach_a_named_person_and_are_answered_side_by_side(county: County, staff: dict[str, Person]) -> None:
    case = began(county)
    client = browser(staff["chief"])
    for words in ("去糖厂", "看住客人"):
        sent = {"person": "taster", "text": words, "minutes": "30"}
        assert told(client.post(f"/cases/{case.pk}/order", sent, follow=True)) == ["指令已下达。"]
    orders = list(Task.objects.filter(case=case, step="order").order_by("pk"))
    assert [(task.assignee, task.item["text"]) for task in orders] == [
        (staff["taster"], "去糖厂"),
        (staff["taster"], "看住客人"),
    ]
    assert [round((task.due_at - task.created).total_seconds() / 60) for task in orders if task.due_at] == [30, 30]
    mine = browser(staff["taster"])
    assert "去糖厂" in text(mine.get(f"/cases/tasks/{orders[0].pk}/"))
    mine.post(f"/cases/tasks/{orders[1].pk}/", {"said": "看住了"})
    page = text(mine.get(f"/cases/{case.pk}/command/"))
    assert "--open" not in page
    assert "下达指令 下达 chief → taster" in page
    assert [(line.title["zh"], line.state, line.by) for line in emergencies.response(case).lines[-2:]] == [
        ("去糖厂", "ready", "taster"), ("看住客人", "done", "taster"),
    ]  # fmt: skip
    before = testing.everything_kept()
    for name, wanted in (("taster", PermissionDenied), ("reader", PermissionDenied)):
        with pytest.raises(wanted):
            emergencies.order(who(staff[name]), case.pk, staff["chief"], "x", 5)
    for to, words, minutes in ((staff["taster"], " ", 5), (staff["taster"], "x", 0)):
        with pytest.raises(CannotNow):
            emergencies.order(who(staff["chief"]), case.pk, to, words, minutes)
    assert browser(staff["outsider"]).get(f"/cases/{case.pk}/command/").status_code == 403
    assert browser(staff["outsider"]).get("/cases/emergencies/").status_code == 403
    assert testing.everything_kept() == before
    staff["taster"].posts.update(ends=timezone.localdate() - timedelta(days=1))
    before = testing.everything_kept()
    assert "taster" not in [one.username for one in client.get(f"/cases/{case.pk}/command/").context["people"]]
    refused = client.post(f"/cases/{case.pk}/order", {"person": "taster", "text": "x", "minutes": "5"}, follow=True)
    assert told(refused) == ["taster 在这里没有可以办理的岗位。"]
    assert testing.everything_kept() == before


def test_of_two_who_decide_at_once_one_wins(county: County, staff: dict[str, Person]) -> None:
    other = person(county, role="lemonade.maker", username="other")
    case = began(county)
    task = ready(case)["decide"]
    came = at_once(
        *[partial(api.answer, who(one), task.pk, {"level": level, "why": "研判"})
          for one, level in ((staff["chief"], "III"), (other, "end"))]
    )  # fmt: skip
    assert sorted(came) == ["TaskGone", "done"]
    case.refresh_from_db()
    assert (case.status == "closed", emergencies.level_of(case)) in {(True, ""), (False, "III")}


def test_the_post_measures_each_task_against_its_minute(county: County, staff: dict[str, Person]) -> None:
    case = began(county, "III")
    done(case, staff["chief"], "count")
    done(case, staff["taster"], "tell")
    start = case.opened_at
    for step, minutes in (("count", 25), ("tell", 4)):
        Task.objects.filter(case=case, step=step).update(done_at=start + timedelta(minutes=minutes))
    response = emergencies.response(case, start + timedelta(minutes=32))
    assert response.level == "III"
    shown = [
        (one.title["zh"], one.state, round(one.planned_to), one.is_late, None if one.off is None else round(one.off))
        for one in response.lines
    ]
    assert shown == [
        ("告知客人", "done", 5, False, -1), ("清点存糖", "done", 10, True, 15), ("向邻摊借糖", "ready", 30, True, None),
    ]  # fmt: skip
    assert (response.done, response.in_time, [line.title["zh"] for line in response.late]) == (2, 1, ["向邻摊借糖"])


def test_a_drill_says_so_on_every_screen_and_notice(county: County, staff: dict[str, Person]) -> None:
    client = browser(staff["chief"])
    page = text(client.get(f"/cases/new/{PLAN}/?drill"))
    assert ("这是演练" in page, "开始演练" in page, "启动响应" in page) == (True, True, False)
    sent = {"area": area(county, "101").code, "title": "断糖", "level": "III", "description": "演一遍"}
    assert "演练已开始，编号" in text(client.post(f"/cases/new/{PLAN}/?drill", sent, follow=True))
    case = Case.objects.get()
    assert (case.origin, case.title) == (DRILL, "【演练】断糖")
    number = ready(case)["tell"].pk
    reader = browser(staff["reader"])
    pages = {
        "home": browser(staff["taster"]).get("/"), "post": reader.get(f"/cases/{case.pk}/command/"),
        "case": reader.get(f"/cases/{case.pk}/"), "list": reader.get("/cases/"),
        "plans": reader.get("/cases/emergencies/"), "plan": reader.get(f"/cases/emergencies/{PLAN}/"),
        "task": browser(staff["taster"]).get(f"/cases/tasks/{number}/"),
    }  # fmt: skip
    silent = [name for name, page in pages.items() if "演练" not in text(page) or "【演练】断糖" not in text(page)]
    assert silent == []
    for row in OutboxEvent.objects.filter(envelope__type="cases.task.ready"):
        telling.task_ready(events.decode(orjson.dumps(row.envelope)))
    shown = text(browser(staff["taster"]).get("/messages/"))
    assert "【演练】断糖：告知客人" in shown


@pytest.mark.parametrize(
    ("change", "told_"),
    [
        ({"command": ["lemonade.nobody"]}, "lemonade.nobody: the pack declares no such role"),
        ({"near": {"stores": "lemonade.gone"}}, "near.stores: lemonade.gone: no pack declares this register"),
        ({"alarms": {"red": "I"}}, "alarms: I: the plan has no such level"),
        ({"levels": {"IV": {"tasks": {"a": ["b"], "b": ["a"]}}}}, "wait for each other in a circle"),
        ({"levels": {"IV": {"tasks": {"a": ["z"]}}}}, "levels.IV.tasks.a.after: z: is no task of this level"),
        ({"levels": {"IV": {"tasks": {"decide": []}}}}, "levels.IV.tasks.decide: is the name of another step"),
        ({"confirm": {"roles": ["lemonade.taster"], "minutes": 5}}, "confirm: no alarm proposes a level"),
        ({"levels": {}}, "$.levels: {} should be non-empty"),
    ],
)
def test_a_faulty_plan_is_told_with_its_place(change: dict[str, Any], told_: str) -> None:
    toy = packs.read(TOY)
    body = dict(next(item.body for item in toy.declared if item.key == PLAN))
    task = {"title": {"zh": "甲", "en": "A"}, "role": "lemonade.maker", "minutes": 5}
    for level in change.get("levels", {}).values():
        level["tasks"] = {id_: {**task, "after": after} for id_, after in level["tasks"].items()}
    item = packs.Declared("emergencies", PLAN, {**body, "alarms": {}, **change}, "emergencies/no_sugar.yaml")
    kind = packs.kinds()["emergencies"]
    lines = packs.problems_of(kind, item, {"lemonade": toy})
    if not lines:  # then what it is compiled to says it
        made = [packs.Declared(k, key, made, "x") for k, key, made in kind.makes(PLAN, item.body)] if kind.makes else []
        lines = [line for one in made for line in packs.problems_of(packs.kinds()[one.kind], one, {"lemonade": toy})]
    assert any(told_ in line for line in lines), lines
    assert emergency.levels(body) == ["IV", "III"]
