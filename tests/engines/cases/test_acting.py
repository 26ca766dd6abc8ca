"""What people do about a case beside its tasks: pauses, more time, giving back, handing over; two at once, one wins."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.db import connections
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.cases.logic.test_bpmn_elements import END, MESSAGE, START, event, lines, timer
from tests.engines.cases.test_waits import FLOW, declared, opened
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import acting, api, duties, flows, happening
from shizhu.engines.cases.models import Case, Duty, Entry, Petition, Task, Waiting
from shizhu.engines.notices.models import Message
from shizhu.kernel import access, packs, testing
from shizhu.kernel.models import County, Declaration, Person
from shizhu.lib import worktime
from shizhu.lib.times import months_on

pytestmark = pytest.mark.django_db(transaction=True)
CLOCK = '<extensionElements><c:properties><c:property name="clock" value="working"/></c:properties></extensionElements>'


def body(inside: str = CLOCK, due: str = "P3D") -> str:
    task = f'<userTask id="a" name="办理" c:candidateGroups="lemonade.maker" c:dueDate="{due}">{inside}</userTask>'
    late = event("boundaryEvent", "b", timer("P5D"), 'attachedToRef="a" cancelActivity="false"')
    return START + task + '<task id="t"/>' + END + late + lines("s>a", "a>e", "b>t")


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "maker": person(county, role="lemonade.maker", username="maker"),
        "other": person(county, role="lemonade.maker", username="other"),
        "chief": person(county, "cases.*", username="chief"),
        "boss": person(county, "cases.*", username="boss"),
        "reader": person(county, "cases.case.view", username="reader"),
    }


def who(made: Person) -> access.Actor:
    return access.actor(made)


def ready(case: Case) -> Task:
    return Task.objects.get(case=case, status="ready")


def kinds(case: Case) -> list[str]:
    return list(Entry.objects.filter(case=case).values_list("kind", flat=True))


def test_any_of_several_people_whom_a_step_names_does_it(county: County, staff: dict[str, Person]) -> None:
    task = '<userTask id="a" name="办理" c:candidateUsers="boss, reader, gone"/>'
    declared(START + task + END + lines("s>a", "a>e"))
    case = opened(county)
    made = ready(case)
    assert (made.assignee, sorted(made.people)) == (None, sorted(staff[name].pk for name in ("boss", "reader")))
    assert Entry.objects.get(case=case, kind="given").data["people"] == ["boss", "reader"]
    listed = {name for name in staff if browser(staff[name]).get("/cases/").context["tasks"]}
    assert listed == {"boss", "reader"}
    before = testing.everything_kept()
    for name in ("maker", "chief"):
        with pytest.raises(PermissionDenied):
            api.answer(who(staff[name]), made.pk, {})
    assert testing.everything_kept() == before
    acting.hand_over(who(staff["boss"]), made.pk, staff["reader"])
    with pytest.raises(PermissionDenied):
        api.answer(who(staff["boss"]), made.pk, {})
    api.answer(who(staff["reader"]), made.pk, {})
    case.refresh_from_db()
    assert case.status == "closed"


def test_what_waits_for_somebody_who_left_goes_back_to_the_role_or_is_told(
    county: County, staff: dict[str, Person]
) -> None:
    each = '<multiInstanceLoopCharacteristics c:collection="=names" c:elementVariable="one"/>'
    named = f'<userTask id="a" name="会签" c:candidateUsers="=one">{each}</userTask>'
    role = '<userTask id="b" name="办理" c:candidateGroups="lemonade.maker"/><parallelGateway id="f"/>'
    declared(START + named + role + END + lines("s>f", "f>a", "f>b", "a>e", "b>e"))
    case = opened(county, names=["reader", "maker"])
    Task.objects.filter(step="b").update(assignee=staff["maker"])
    Person.objects.filter(username="maker").update(is_active=False)
    for _twice in range(2):
        duties.change_shifts()
    ready_ = Task.objects.filter(case=case, status="ready").order_by("step", "pk")
    assert [(task.step, task.assignee) for task in ready_] == [
        ("a", staff["reader"]),
        ("a", None),
        ("b", staff["other"]),
    ]
    heard = Message.objects.filter(deliveries__person__isnull=False).order_by("pk").distinct()
    assert [(one.title, sorted(d.person.username for d in one.deliveries.all() if d.person)) for one in heard] == [
        ("试：由您办理：办理", ["other"]), ("试：无人可办，请转交：会签", ["boss", "chief"]),
    ]  # fmt: skip
    acting.hand_over(who(staff["chief"]), ready_[1].pk, staff["reader"])
    for task in ready_:
        api.answer(who(staff["other" if task.step == "b" else "reader"]), task.pk, {})
    case.refresh_from_db()
    assert case.status == "closed"


def test_a_deadline_of_working_days_ends_with_the_hours_of_the_county(county: County, staff: dict[str, Person]) -> None:
    county.settings = {**county.settings, "working_hours": ["09:00-12:00", "13:00-18:00"]}
    county.save()
    declared(body())
    task = ready(opened(county))
    assert task.due_at == worktime.after(task.created, "P3D", flows.hours_of(county.pk))
    assert task.due_at is not None
    assert timezone.localtime(task.due_at).strftime("%H:%M") == "18:00"
    declared(body(inside=""))
    task = ready(opened(county))
    assert task.due_at == task.created + timedelta(days=3)


@pytest.mark.parametrize(
    ("due", "expected"),
    [("=day", "2030-08-01T23:59:59"), ("2030-08-01", "2030-08-01T23:59:59"), ("=till", "2030-08-01T09:00:00")],
)
def test_a_deadline_that_is_a_day_is_its_end(county: County, due: str, expected: str) -> None:
    declared(body(inside="", due=due))
    case = opened(county, day="2030-08-01", till="2030-08-01T09:00:00")
    assert ready(case).due_at == timezone.make_aware(datetime.fromisoformat(expected))


def test_a_deadline_of_months_ends_on_the_day_of_its_month(county: County) -> None:
    declared(body(inside="", due="P1M"))
    task = ready(opened(county))
    begun = timezone.localtime(task.created)
    assert timezone.localtime(task.due_at) == months_on(begun, "P1M")[0]


def test_a_pause_stops_every_clock_until_it_goes_on(county: County, staff: dict[str, Person]) -> None:
    declared(body())
    case = opened(county)
    before, due, rung = ready(case), Case.objects.get().due_at, Waiting.objects.get().due_at
    assert rung is not None
    wish = acting.ask(who(staff["maker"]), before.pk, "pause", "等待补正材料")
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
    paused = datetime.now(UTC) - timedelta(days=4)
    Case.objects.update(paused_at=paused)
    Task.objects.update(created=paused)
    Waiting.objects.update(due_at=datetime.now(UTC) - timedelta(minutes=1), since=paused - timedelta(days=1))
    assert happening.happened(Waiting.objects.get().pk, {}) is False
    Waiting.objects.update(due_at=rung)
    acting.resume(who(staff["maker"]), case.pk)
    case.refresh_from_db()
    took = datetime.now(UTC) - paused
    assert case.paused_at is None
    assert abs(case.due_at - due - took) < timedelta(seconds=30)
    after = Waiting.objects.get()
    assert after.due_at is not None
    assert abs(after.due_at - rung - took) < timedelta(seconds=30)
    task = ready(case)
    assert before.due_at is not None
    assert task.due_at is not None
    hours = flows.hours_of(county.pk)
    moved = worktime.worked(before.due_at, task.due_at, hours) - worktime.worked(paused, datetime.now(UTC), hours)
    assert abs(moved) < timedelta(seconds=30)
    assert [kind for kind in kinds(case) if kind in acting_kinds()] == ["asked", "decided", "resumed"]


def test_while_supplements_are_awaited_no_timer_of_the_step_rings(county: County, staff: dict[str, Person]) -> None:
    moment = event("boundaryEvent", "mo", timer("2030-01-01T00:00:00Z", "timeDate"), 'attachedToRef="a"')
    declared(body(inside="").replace(END, f"{END}{moment}") + lines("mo>t"))
    row = Declaration.objects.get(kind="flows", key=FLOW)
    told = row.body["text"].replace("<c:properties>", '<c:properties><c:property name="supplement" value="yes"/>', 1)
    Declaration.objects.filter(pk=row.pk).update(body={"text": told})
    packs.forget()
    case = opened(county)
    task, before = ready(case), dict(Waiting.objects.values_list("event", "due_at"))
    now = datetime.now(UTC)
    acting.supplement(who(staff["maker"]), task.pk, "缺图纸")
    Waiting.objects.filter(event="b").update(due_at=now - timedelta(minutes=1))
    assert happening.happened(Waiting.objects.get(event="b").pk, {}) is False
    Task.objects.update(paused_at=now - timedelta(days=3))
    Case.objects.update(paused_at=now - timedelta(days=1))
    Waiting.objects.update(since=now - timedelta(days=4))
    acting.resume(who(staff["chief"]), case.pk)
    acting.supplied(who(staff["maker"]), task.pk)
    after = dict(Waiting.objects.values_list("event", "due_at"))
    assert abs(after["b"] - before["b"] - timedelta(days=3)) < timedelta(seconds=30)
    assert abs(ready(case).due_at - task.due_at - timedelta(days=3)) < timedelta(seconds=30)  # type: ignore[operator]
    assert abs(after["mo"] - before["mo"] - timedelta(days=1)) < timedelta(seconds=30)
    Waiting.objects.filter(event="b").update(due_at=now)
    assert happening.happened(Waiting.objects.get(event="b").pk, {}) is True


def test_what_comes_in_a_pause_is_later_by_the_rest_of_it_alone(county: County, staff: dict[str, Person]) -> None:
    task = '<userTask id="a" name="办理" c:candidateGroups="lemonade.maker"/>'
    early = event("boundaryEvent", "b", CLOCK + timer("P5D"), 'attachedToRef="a" cancelActivity="false"')
    asked = event("boundaryEvent", "ask", MESSAGE, 'attachedToRef="a" cancelActivity="false"')
    late = event("intermediateCatchEvent", "t", timer("P5D"))
    declared(START + task + END + early + asked + late + lines("s>a", "a>e", "b>e", "ask>t", "t>e"))
    case = opened(county)
    wish = acting.ask(who(staff["maker"]), ready(case).pk, "pause", "等待补正材料")
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
    now = datetime.now(UTC)
    paused = now - timedelta(days=4)
    Case.objects.update(paused_at=paused)
    Waiting.objects.update(since=paused - timedelta(days=1))
    wait = Waiting.objects.get(event="ask")
    assert happening.deliver(county.pk, "message", wait.name, [""], {}).reached == [case.pk]
    Waiting.objects.filter(event="t").update(since=now - timedelta(days=1))
    before = dict(Waiting.objects.filter(kind="timer").values_list("event", "due_at"))
    acting.resume(who(staff["maker"]), case.pk)
    after = dict(Waiting.objects.filter(kind="timer").values_list("event", "due_at"))
    assert abs(after["t"] - before["t"] - timedelta(days=1)) < timedelta(seconds=30)
    hours = flows.hours_of(county.pk)  # of the timer alone: the case counts by the calendar
    moved = worktime.worked(before["b"], after["b"], hours) - worktime.worked(paused, datetime.now(UTC), hours)
    assert abs(moved) < timedelta(seconds=30)


def test_a_case_that_is_paused_is_not_answered_and_not_late(county: County, staff: dict[str, Person]) -> None:
    declared(body(inside="", due="P1D"))
    case = opened(county)
    task = ready(case)
    acting.hand_over(who(staff["chief"]), task.pk, staff["maker"])
    wish = acting.ask(who(staff["maker"]), task.pk, "pause", "等待补正材料")
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
    long_ago = timezone.now() - timedelta(days=10)
    Case.objects.update(paused_at=long_ago, opened_at=long_ago, due_at=long_ago + timedelta(days=2))
    Task.objects.update(created=long_ago, due_at=long_ago + timedelta(days=1))
    before = testing.everything_kept()
    with pytest.raises(api.AnswerRefused) as caught:
        api.answer(who(staff["maker"]), task.pk, {})
    assert caught.value.problems == {"": "案件已暂停计时，请先恢复计时，再办理。"}
    assert testing.everything_kept() == before
    maker = browser(staff["maker"])
    assert "时限暂停" in text(maker.get("/cases/"))
    assert "已超 " not in text(maker.get("/cases/"))
    assert "已超期" not in text(maker.get("/"))
    assert maker.get("/cases/", {"filter": "is_late = true"}).context["page"].paginator.count == 0
    acting.resume(who(staff["maker"]), case.pk)
    api.answer(who(staff["maker"]), task.pk, {})
    case.refresh_from_db()
    assert case.closed_at is not None
    assert case.closed_at < case.due_at


def test_whoever_is_asked_hears_it(county: County, staff: dict[str, Person]) -> None:
    declared(body(inside=""))
    case = opened(county)
    task, maker, chief = ready(case), staff["maker"], staff["chief"]
    Message.objects.all().delete()
    acting.hand_over(who(chief), task.pk, maker, "你熟悉")
    wish = acting.ask(who(maker), task.pk, "extend", "路被冲断", "P2D")
    listed = browser(chief).get("/cases/")
    assert [one.pk for one in listed.context["wishes"]] == [wish.pk]
    assert "1 待我审批" in text(browser(chief).get("/"))
    assert "maker 申请延长期限" in text(browser(chief).get("/"))
    assert "待我审批" in text(listed)
    assert [list(browser(staff[name]).get("/cases/").context["wishes"]) for name in ("maker", "other")] == [[], []]
    acting.decide(who(chief), wish.pk, is_granted=False, why="路通了")
    acting.urge(who(chief), task.pk, "快")
    acting.supervise(who(chief), case.pk, timezone.now() + timedelta(days=1), "群众关注")
    until = f"{timezone.localtime(timezone.now() + timedelta(days=1)):%m-%d}"
    title = case.title
    heard = [
        (one.title.removeprefix(f"{title}："), one.level, sorted(who_.person.username for who_ in one.deliveries.all()))
        for one in Message.objects.order_by("pk").prefetch_related("deliveries__person")
    ]
    assert heard == [
        ("由您办理：办理", "", ["maker"]), ("申请延长期限，请审批：办理", "", ["boss", "chief"]),
        ("未同意延长期限：办理", "", ["maker"]), ("催办：办理", "orange", ["maker"]),
        (f"列为督办，须于{until}前办结", "orange", ["maker"]),
    ]  # fmt: skip
    assert browser(chief).get("/cases/").context["wishes"] == []
    listed = browser(chief).get("/cases/", {"status": "supervised"})
    assert [row["case"].pk for row in listed.context["rows"]] == [case.pk]
    assert f"督办至 {until}" in text(listed)


def acting_kinds() -> set[str]:
    return {"asked", "decided", "resumed", "handed", "invited", "said", "urged", "supervised"}


def test_more_time_is_given_by_somebody_else_and_listed(county: County, staff: dict[str, Person]) -> None:
    declared(body(inside=""))
    case = opened(county)
    task, due, rung = ready(case), Case.objects.get().due_at, Waiting.objects.get().due_at
    wish = acting.ask(who(staff["maker"]), task.pk, "extend", "路被冲断", "P2D")
    before = testing.everything_kept()
    with pytest.raises(acting.CannotNow):
        acting.ask(who(staff["other"]), task.pk, "extend", "again", "P1D")
    for name in ("maker", "reader"):
        with pytest.raises(PermissionDenied):
            acting.decide(who(staff[name]), wish.pk, is_granted=True)
    assert testing.everything_kept() == before
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True, why="同意")
    case.refresh_from_db()
    assert (case.due_at - due, ready(case).due_at) == (timedelta(days=2), task.due_at + timedelta(days=2))
    assert rung is not None
    assert Waiting.objects.get().due_at == rung + timedelta(days=2)
    page = text(browser(staff["reader"]).get(f"/cases/{case.pk}/"))
    assert "办理 · 申请 延长期限 2 天 maker" in page
    assert "办理 · 同意 延长期限 chief" in page
    before = testing.everything_kept()
    for span in ("P0D", "P367D", "P999999999999D", "soon"):
        with pytest.raises(acting.CannotNow, match="最多 366 天"):
            acting.ask(who(staff["maker"]), task.pk, "extend", "还要", span)
    assert testing.everything_kept() == before
    refused = acting.ask(who(staff["maker"]), task.pk, "extend", "还要", "P9D")
    acting.decide(who(staff["chief"]), refused.pk, is_granted=False)
    assert ready(case).due_at == task.due_at + timedelta(days=2)


def test_what_was_asked_about_a_task_that_waits_no_more_lapses(county: County, staff: dict[str, Person]) -> None:
    declared(body())
    case = opened(county)
    wish = acting.ask(who(staff["maker"]), ready(case).pk, "return", "不属本单位")
    acting.hand_over(who(staff["chief"]), ready(case).pk, staff["other"])
    more = acting.ask(who(staff["other"]), ready(case).pk, "extend", "路被冲断", "P2D")
    due = Case.objects.get().due_at
    acting.hand_over(who(staff["chief"]), ready(case).pk, staff["maker"])
    api.answer(who(staff["maker"]), ready(case).pk, {})
    for one in (wish, more):
        one.refresh_from_db()
        assert (one.is_granted, one.decided_by) == (False, None)
    heard = Message.objects.filter(title__contains="不再审批").order_by("pk").prefetch_related("deliveries__person")
    assert [
        (one.title.partition("：")[2], one.text.partition(" · ")[2], [d.person.username for d in one.deliveries.all()])
        for one in heard
    ] == [
        ("退回的申请不再审批：办理", "任务已转交他人", ["maker"]),
        ("延长期限的申请不再审批：办理", "任务已办结或撤回", ["other"]),
    ]  # fmt: skip
    before = testing.everything_kept()
    with pytest.raises(acting.CannotNow, match="已不由申请人办理"):
        acting.decide(who(staff["boss"]), more.pk, is_granted=True)
    assert testing.everything_kept() == before
    assert Case.objects.get().due_at == due
    page = text(browser(staff["chief"]).get(f"/cases/{case.pk}/"))
    assert "办理 · 不再审批：退回 chief" in page


def test_a_supervised_case_that_is_not_finished_in_time_is_told_to_both_sides_once(
    county: County, staff: dict[str, Person]
) -> None:
    declared(body(inside=""))
    case = opened(county)
    acting.hand_over(who(staff["chief"]), ready(case).pk, staff["maker"])
    until = timezone.now() + timedelta(days=1)
    acting.supervise(who(staff["boss"]), case.pk, until, "群众关注")
    assert ProcrastinateJob.objects.get(task_name="cases.supervised", args__number=case.pk).scheduled_at == until
    before = testing.everything_kept()
    acting.overran(case.pk)
    assert testing.everything_kept() == before
    late = timezone.now() - timedelta(minutes=1)
    Case.objects.update(supervised_until=late)
    for _again in range(2):
        acting.overran(case.pk)
    title = f"{case.title}：督办超期，{timezone.localtime(late):%m-%d %H:%M}前未办结"
    told_of = Message.objects.get(title=title)
    assert sorted(one.person.username for one in told_of.deliveries.all()) == ["boss", "maker"]
    assert (told_of.text, told_of.level) == (f"{case.number} · 待办：办理", "orange")
    assert "督办超期未办结" in text(browser(staff["reader"]).get(f"/cases/{case.pk}/"))
    Case.objects.update(supervised_until=late - timedelta(minutes=1))
    api.answer(who(staff["maker"]), ready(case).pk, {})
    before = testing.everything_kept()
    acting.overran(case.pk)
    assert testing.everything_kept() == before


def test_a_case_is_void_once_somebody_else_agrees_and_is_nowhere_done_in_time(
    county: County, staff: dict[str, Person]
) -> None:
    declared(body())
    case, kept = (
        api.open_case(api.Opening(FLOW, title, area(county, "101"), {}, by=staff["reader"]))
        for title in ("误报", "真的")
    )
    maker, chief = browser(staff["maker"]), browser(staff["chief"])
    act, task = f"/cases/{case.pk}/act", ready(case).pk
    before = testing.everything_kept()
    void = {"do": "void", "task": task}
    for client, why, status in ((browser(staff["reader"]), "误报", 403), (maker, "", 302)):
        assert client.post(act, void | {"why": why}).status_code == status
    assert testing.everything_kept() == before
    maker.post(act, void | {"why": "与另一件重复"})
    asked_pause = acting.ask(who(staff["maker"]), task, "pause", "等等")
    wish = Petition.objects.get(kind="void")
    before = testing.everything_kept()
    assert maker.post(act, {"do": "grant", "petition": wish.pk}).status_code == 403  # nobody decides on their own
    assert testing.everything_kept() == before
    assert at_once(
        partial(acting.decide, who(staff["chief"]), wish.pk, is_granted=True, why="已并入另一件"),
        partial(acting.decide, who(staff["boss"]), wish.pk, is_granted=True, why="已并入另一件"),
    ).count("CannotNow") == 1  # fmt: skip
    case.refresh_from_db()
    assert (case.status, case.paused_at, case.in_time, case.closed_at <= case.due_at) == ("closed", None, False, True)
    assert not Waiting.objects.filter(case=case).exists()
    assert not Task.objects.filter(case=case, status="ready").exists()
    asked_pause.refresh_from_db()
    assert (asked_pause.is_granted, asked_pause.decided_by) == (False, None)
    with pytest.raises(acting.CannotNow):
        acting.ask(who(staff["maker"]), task, "extend", "延期", "P1D")
    with pytest.raises(api.TaskGone):
        api.answer(who(staff["maker"]), task, {})
    page = text(maker.get(f"/cases/{case.pk}/"))
    assert [part for part in ("案件作废", "理由：已并入另一件", "同意 作废案件") if part not in page] == []
    said = Message.objects.get(title__contains="案件已作废", deliveries__person=staff["reader"])
    assert "理由：已并入另一件" in said.text
    listed = maker.get("/cases/petitions/?kind=void").context["lines"]
    assert [(one.kind, one.outcome, one.said) for one in listed] == [("作废案件", "granted", "已并入另一件")]
    api.answer(who(staff["maker"]), ready(kept).pk, {})
    found = chief.get("/cases/?status=all&filter=outcome='void'").context["rows"]
    assert [row["case"] for row in found] == [case]
    assert [row["case"] for row in chief.get("/cases/?status=all&filter=in_time=TRUE").context["rows"]] == [kept]
    assert "作废" in text(chief.get("/cases/?status=closed"))


def test_a_task_is_given_back_and_handed_on(county: County, staff: dict[str, Person]) -> None:
    declared(body())
    case = opened(county)
    wish = acting.ask(who(staff["maker"]), ready(case).pk, "return", "不属本单位")
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
    assert ready(case).assignee == staff["chief"]
    with pytest.raises(PermissionDenied):
        acting.hand_over(who(staff["maker"]), ready(case).pk, staff["other"])
    nobody = person(county, username="nobody")
    nobody.posts.all().delete()
    with pytest.raises(acting.CannotNow):
        acting.hand_over(who(staff["chief"]), ready(case).pk, nobody)
    Message.objects.all().delete()
    acting.hand_over(who(staff["boss"]), ready(case).pk, staff["other"], "转办")
    assert ready(case).assignee == staff["other"]
    heard = Message.objects.order_by("pk").prefetch_related("deliveries__person")
    assert [(one.title, [d.person.username for d in one.deliveries.all()]) for one in heard] == [
        (f"{case.title}：由您办理：办理", ["other"]), (f"{case.title}：已转交other办理：办理", ["chief"]),
    ]  # fmt: skip
    with pytest.raises(acting.CannotNow, match="本来就由other办理"):
        acting.hand_over(who(staff["chief"]), ready(case).pk, staff["other"])
    address, before = f"/cases/tasks/{ready(case).pk}/", testing.everything_kept()
    late = told(browser(staff["maker"]).post(address, {}, follow=True))
    assert (late, testing.everything_kept()) == (["该任务现由other办理，您填写的内容没有保存。"], before)
    assert browser(staff["reader"]).post(address, {}).status_code == 403
    api.answer(who(staff["other"]), ready(case).pk, {})
    assert Case.objects.get().status == "closed"


def test_joint_handling_urging_and_supervision_from_the_page(county: County, staff: dict[str, Person]) -> None:
    declared(body())
    case = opened(county)
    task, address = ready(case).pk, f"/cases/{case.pk}/act"
    chief = browser(staff["chief"])
    guest = person(county, "things.thing.view", username="guest")  # no list of cases is theirs
    viewer = person(county, "cases.case.view", role="lemonade.maker", username="viewer")
    maker = browser(viewer)
    assert told(maker.post(address, {"do": "invite", "task": task, "person": "guest"}, follow=True)) == [
        "已办，并记入时间线。"
    ]
    assert "会同 guest" in text(maker.get(f"/cases/{case.pk}/"))
    home = browser(guest).get("/")
    assert [(tile.value, tile.name, tile.url) for tile in home.context["tiles"]] == [(1, "待我办理", "#mine")]
    assert (case.number in text(home), "全部案件" in text(home)) == (True, False)
    page = browser(guest).get(f"/cases/{case.pk}/")
    ways = {way: f'class="back" href="{way}"' in page.content.decode() for way in ("/", "/cases/")}
    assert ways == {"/": True, "/cases/": False}
    helper = page.context["offered"]["helpers"][0]
    browser(guest).post(address, {"do": "say", "helper": helper.pk, "why": "同意处置"})
    assert told(chief.post(address, {"do": "urge", "task": task, "why": "请尽快"}, follow=True)) == [
        "已办，并记入时间线。"
    ]
    assert told(chief.post(address, {"do": "urge", "task": task}, follow=True)) == ["一小时内已催办过。"]
    tomorrow = f"{timezone.localdate() + timedelta(days=1):%Y-%m-%d}"
    page = text(chief.post(address, {"do": "supervise", "why": "群众反映强烈", "until": tomorrow}, follow=True))
    for said in (
        "邀请会办 viewer → guest",
        "会办意见 guest",
        "同意处置",
        "催办 chief",
        "督办中 · chief",
        "群众反映强烈",
    ):
        assert said in page
    before = testing.everything_kept()
    assert maker.post(address, {"do": "supervise", "why": "x", "until": tomorrow}).status_code == 403
    assert "请选择要做什么。" in told(chief.post(address, {"do": "burn"}, follow=True))
    assert testing.everything_kept() == before


@pytest.mark.parametrize(("assign", "name"), [("duty", "other"), ("load", "maker"), ("", None)])
def test_who_is_on_duty_or_has_least_to_do(
    county: County, staff: dict[str, Person], assign: str, name: str | None
) -> None:
    now = timezone.now()
    for whose, begins, ends in (("other", -1, 7), ("maker", -9, -1)):
        begin, end = now + timedelta(hours=begins), now + timedelta(hours=ends)
        Duty.objects.create(
            county=county, organisation=organisation(county), area=area(county), role="lemonade.maker",
            person=staff[whose], begins=begin, ends=end,
        )  # fmt: skip
    declared(body())
    busy = opened(county)
    Task.objects.filter(case=busy).update(assignee=staff["other"])
    declared(body(CLOCK.replace("</c:properties>", f'<c:property name="assign" value="{assign}"/></c:properties>')))
    found = ready(opened(county)).assignee
    assert (found.username if found else None) == name


def at_once(*moves: Callable[[], Any]) -> list[str]:
    """What each of several moves at the same time came to: `done`, or the name of what it raised."""
    outcome, gate = [""] * len(moves), threading.Barrier(len(moves))

    def run(number: int) -> None:
        try:
            gate.wait()
            moves[number]()
            outcome[number] = "done"
        except Exception as error:  # noqa: BLE001  # what it raised is what is asked
            outcome[number] = type(error).__name__
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(moves))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


MOVES = st.lists(
    st.sampled_from(["answer", "hand", "pause", "extend", "void", "grant", "refuse", "resume", "ring"]),
    min_size=2,
    max_size=3,
)


@given(st.lists(MOVES, min_size=1, max_size=4))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_of_people_at_once_one_wins_and_the_case_stays_whole(
    county: County, staff: dict[str, Person], rounds: list[list[str]]
) -> None:
    declared(body())
    case = opened(county)
    task = ready(case).pk
    who_of = {name: who(made) for name, made in staff.items()}
    chiefs = [who_of["chief"], who_of["boss"]]
    for moves in rounds:
        wish = Petition.objects.filter(case=case, decided_at=None).values_list("pk", flat=True).first() or 0
        ring = Waiting.objects.filter(case=case).values_list("pk", flat=True).first() or 0
        ways: dict[str, Callable[[int], Any]] = {
            "answer": lambda _n: api.answer(who_of["maker"], task, {}),
            "hand": lambda _n: acting.hand_over(who_of["chief"], task, staff["maker"]),
            "pause": lambda _n: acting.ask(who_of["maker"], task, "pause", "补正"),
            "extend": lambda _n: acting.ask(who_of["maker"], task, "extend", "延期", "P1D"),
            "void": lambda _n: acting.ask(who_of["maker"], task, "void", "误报"),
            "grant": lambda n, wish=wish: acting.decide(chiefs[n % 2], wish, is_granted=True),
            "refuse": lambda n, wish=wish: acting.decide(chiefs[n % 2], wish, is_granted=False),
            "resume": lambda _n: acting.resume(who_of["chief"], case.pk),
            "ring": lambda _n, ring=ring: happening.happened(ring, {}),
        }
        outcome = at_once(*(partial(ways[move], n) for n, move in enumerate(moves)))
        refused = {"TaskGone", "CannotNow", "AnswerRefused", "PermissionDenied", "DoesNotExist"}
        assert set(outcome) <= {"done", *refused}, outcome
        done = [move for move, how in zip(moves, outcome, strict=True) if how == "done"]
        for one in ("answer", "hand", "pause", "extend", "resume"):
            assert done.count(one) <= 1
        assert done.count("grant") + done.count("refuse") <= 1
        case.refresh_from_db()
        ended = "withdrawn" if case.is_void else "done"
        assert Task.objects.get(pk=task).status == (ended if case.status == "closed" else "ready")
        assert kinds(case).count("closed") == (case.status == "closed")
        asked = list(Petition.objects.filter(case=case).select_related("task", "decided_by"))
        assert kinds(case).count("decided") == sum(one.decided_by is not None for one in asked)
        assert kinds(case).count("lapsed") == sum(
            one.decided_at is not None and one.decided_by is None for one in asked
        )
        assert all(one.decided_at or one.task.status == "ready" for one in asked)


def test_what_was_asked_for_in_a_month_is_one_ledger_for_who_may_see_the_cases(
    county: County, staff: dict[str, Person]
) -> None:
    declared(body(inside=""))
    first, second = opened(county), opened(county)
    maker, chief = who(staff["maker"]), who(staff["chief"])
    old = acting.ask(maker, ready(first).pk, "pause", "等待补正材料")
    Petition.objects.update(asked_at=datetime(2026, 6, 30, 15, 59, 59, tzinfo=UTC))  # the last second of June
    more = acting.ask(maker, ready(first).pk, "extend", "路被冲断", "P2D")
    back = acting.ask(maker, ready(second).pk, "return", "不属本单位")
    acting.decide(chief, old.pk, is_granted=False, why="材料齐全")
    acting.decide(chief, more.pk, is_granted=True, why="同意")
    acting.hand_over(chief, ready(second).pk, staff["other"])  # what was asked waits for nobody any more
    open_ = acting.ask(who(staff["other"]), ready(second).pk, "pause", "停电")
    reader = browser(staff["reader"])

    def listed(**asked: str) -> list[tuple[int, str, str, str]]:
        page = reader.get("/cases/petitions/", asked)
        return [(one.petition.pk, one.kind, one.outcome, one.said) for one in page.context["lines"]]

    assert listed() == [
        (open_.pk, "暂停计时", "waits", ""), (back.pk, "退回", "lapsed", ""), (more.pk, "延长期限", "granted", "同意"),
    ]  # fmt: skip
    assert listed(month="2026-06") == [(old.pk, "暂停计时", "refused", "材料齐全")]
    assert listed(month="2026-07") == []
    assert listed(kind="extend") == [(more.pk, "延长期限", "granted", "同意")]
    said = text(reader.get("/cases/petitions/"))
    parts = ("路被冲断", "延长期限 2 天", "同意 chief", "待审批", "不再审批", f"{second.number} {second.title}")
    assert [part for part in parts if part not in said] == []
    assert 'href="/cases/petitions/"' in reader.get("/cases/").content.decode()
    sheet = openpyxl.load_workbook(io.BytesIO(reader.get("/cases/petitions/?as=xlsx&kind=extend").content)).active
    heads, row = sheet.values  # type: ignore[union-attr]
    told_ = dict(zip(heads, row, strict=True))
    assert [told_[head] for head in ("申请事项", "时长", "理由", "编号", "步骤", "申请人", "审批结果", "审批人")] == [
        "延长期限", "2 天", "路被冲断", first.number, "办理", "maker", "同意", "chief",
    ]  # fmt: skip
    far = browser(person(county, "cases.case.view", username="far", in_area="102"))
    assert far.get("/cases/petitions/").context["lines"] == []
    assert browser(person(county, "things.thing.view")).get("/cases/petitions/").status_code == 403
