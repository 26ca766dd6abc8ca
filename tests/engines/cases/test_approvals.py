"""Parallel approval: items side by side, one clock stands for supplements, who holds the critical path; rights."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob
from tests.engines.cases.test_acting import at_once
from tests.fixtures import TOY, area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api, approvals, duties, flows, results, telling
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.models import Case, Duty, Helper, Petition, Task
from shizhu.engines.notices.models import Message
from shizhu.kernel import access, events, packs, testing
from shizhu.kernel.models import County, OutboxEvent, Person, Post
from shizhu.lib import worktime

pytestmark = pytest.mark.django_db(transaction=True)
KEY = "lemonade.new_stall"
SPAN = st.tuples(st.sampled_from(["item", "case", "both", "then", "run"]), st.integers(1, 60))
MONDAY = datetime(2026, 11, 30, 1, tzinfo=UTC)  # 09:00 in the county


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    return {
        "maker": person(county, role="lemonade.maker", username="maker"),
        "taster": person(county, role="lemonade.taster", username="taster", of="kitchen"),
        "elsewhere": person(county, role="lemonade.taster", username="elsewhere", of="stand"),
        "reader": person(county, "cases.case.view", username="reader"),
        "chief": person(county, "cases.*", username="chief"),
    }


def who(made: Person) -> access.Actor:
    return access.actor(made)


def applied(county: County) -> Case:
    document = {"source": "person", "title": "新摊", "place_1": True}
    return api.open_case(api.Opening(KEY, "新摊", area(county, "101"), document))


def ready(case: Case) -> dict[str, Task]:
    return {task.step: task for task in Task.objects.filter(case=case, status="ready").order_by("pk")}


def decide(case: Case, by: Person, step: str, *, granted: bool = True) -> Case:
    paper = {"number": f"JK-{case.number}", "valid_from": "2026-12-01"} if step == "health" and granted else {}
    given = {"said": "同意", **paper} if granted else {"said": "不合格", "rule": "摊贩管理办法第六条"}
    return api.answer(who(by), ready(case)[step].pk, {"granted": granted, **given})


def test_items_run_side_by_side_and_each_needs_those_before(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    first = ready(case)
    assert {step: task.assignee and task.assignee.username for step, task in first.items()} == {
        "place": "maker", "health": "taster",
    }  # fmt: skip
    hours = flows.hours_of(county.pk)
    assert first["health"].due_at == worktime.after(first["health"].created, "P5D", hours)
    for name in ("elsewhere", "maker", "reader"):
        with pytest.raises(PermissionDenied):
            decide(case, staff[name], "health")
    decide(case, staff["maker"], "place")
    assert set(ready(case)) == {"health"}
    decide(case, staff["taster"], "health")
    assert set(ready(case)) == {"open"}
    (helper,) = Helper.objects.all()  # the kitchen looks at the stall too
    assert (helper.person, helper.asked_by, helper.task) == (staff["taster"], None, ready(case)["open"])
    with pytest.raises(api.AnswerRefused, match="taster"):
        decide(case, staff["maker"], "open")
    page = text(browser(staff["chief"]).get(f"/cases/{case.pk}/approval/"))
    assert [part for part in ("会同 taster", "maker · taster") if part not in page] == []
    for name in ("maker", "reader", "elsewhere"):
        with pytest.raises(PermissionDenied):
            acting.contribute(who(staff[name]), helper.pk, "合格")
    acting.contribute(who(staff["taster"]), helper.pk, "现场合格")
    decide(case, staff["maker"], "open")
    case.refresh_from_db()
    assert (case.status, case.ended_at) == ("closed", "granted")


def visit(county: County, staff: dict[str, Person]) -> Task:
    """The item that two do together, once those before it are granted."""
    case = applied(county)
    decide(case, staff["maker"], "place")
    decide(case, staff["taster"], "health")
    return ready(case)["open"]


def consumed() -> None:
    """Those who wait for tasks hear of them."""
    (consumer,) = [one for one in events.consumers() if one.handler is telling.task_ready]
    rows = OutboxEvent.objects.filter(subject__endswith=".cases.task.ready").order_by("pk")
    for row in rows:
        events.handle(consumer, events.decode(events.orjson.dumps(row.envelope)))


def notices() -> list[tuple[str, str, list[str]]]:
    """(title, text, who was told) of what was told, in order."""
    return [
        (one.title, one.text, sorted(filter(None, one.deliveries.values_list("person__username", flat=True))))
        for one in Message.objects.order_by("pk")
    ]


def test_all_who_visit_together_hear_of_it_of_the_day_and_of_another_day(
    county: County, staff: dict[str, Person]
) -> None:
    number = visit(county, staff).case.number
    consumed()
    ((title, _text, people),) = notices()
    assert (title, people) == ("新摊：开张核准", ["maker", "taster"])  # and nobody of what one does alone
    task = Task.objects.get(step="open")
    Message.objects.all().delete()

    def agree(at: datetime, where: str = "") -> Any:
        sent = {"do": "arrange", "task": task.pk, "at": f"{timezone.localtime(at):%Y-%m-%dT%H:%M}", "where": where}
        return text(maker.post(f"/cases/{task.case_id}/act", {**sent, "back": "approval"}, follow=True))

    with patch("django.utils.timezone.now", lambda: MONDAY):
        maker = browser(staff["maker"])
        assert "约定时间 2026-12-03 09:30" in agree(MONDAY + timedelta(days=3, minutes=30), "摊位前")
        assert "改期至 2026-12-04 09:30" in agree(MONDAY + timedelta(days=4, minutes=30))
    both = ["maker", "taster"]
    assert notices() == [
        ("新摊：开张核准定于12-03 09:30", f"{number} · 摊位前", both), ("新摊：开张核准改到12-04 09:30", number, both),
    ]  # fmt: skip
    woken = ProcrastinateJob.objects.filter(task_name=telling.MEETING).values_list("scheduled_at", flat=True)
    times = [MONDAY + timedelta(days=2, minutes=30), MONDAY + timedelta(days=3, minutes=30)]
    assert sorted(woken) == times
    for at in [*times, times[1]]:
        with patch("django.utils.timezone.now", lambda at=at: at):
            telling.remind(task.pk)
    assert notices()[2:] == [("新摊：提醒：12-04 09:30开张核准", number, both)]


def test_the_day_agreed_stands_in_lists_and_goes_with_the_task(county: County, staff: dict[str, Person]) -> None:
    task, at = visit(county, staff), timezone.now() + timedelta(days=3)
    acting.arrange(who(staff["maker"]), task.pk, at, "摊位前")
    said = f"约定时间 {timezone.localtime(at):%Y-%m-%d %H:%M} · 摊位前"

    def told(name: str, address: str = "/cases/") -> bool:
        return said in text(browser(staff[name]).get(address))

    assert [name for name in staff if told(name)] == ["maker", "taster"]
    assert told("maker", "/")
    (taken,) = browser(staff["maker"]).get("/field/api/state").json()["tasks"]
    assert (taken["meets_at"], taken["meets_where"]) == (at.isoformat(), "摊位前")
    open_there = duties.open_matters(who(staff["chief"]), Duty(county=county, area=task.case.area))  # of a shift
    day = f"{timezone.localtime(at):%m-%d %H:%M}"
    assert [one["text"].partition(" · ")[2] for one in open_there] == [f"开张核准 · maker · 定于{day} 摊位前"]
    other = person(county, role="lemonade.maker", username="second")
    Message.objects.all().delete()
    acting.hand_over(who(staff["maker"]), task.pk, other, "出差")
    number = task.case.number
    assert notices() == [("新摊：由您牵头会同办理：开张核准", f"{number} · 定于{day} 摊位前", ["second"])]
    staff["second"] = other
    assert [name for name in staff if told(name)] == ["taster", "second"]
    with patch("django.utils.timezone.now", lambda: at - timedelta(hours=20)):
        telling.remind(task.pk)
    assert notices()[-1] == (f"新摊：提醒：{day}开张核准", f"{number} · 摊位前", ["second", "taster"])
    acting.contribute(who(staff["taster"]), task.helpers.get().pk, "好")
    assert told("taster")  # they still come
    with patch("django.utils.timezone.now", lambda: at + timedelta(hours=1)):
        assert "开张核准" not in text(browser(staff["taster"]).get("/cases/"))


def test_the_day_agreed_goes_with_a_task_that_is_given_back(county: County, staff: dict[str, Person]) -> None:
    task, at = visit(county, staff), timezone.now() + timedelta(days=3)
    acting.arrange(who(staff["maker"]), task.pk, at, "摊位前")
    wish = acting.ask(who(staff["maker"]), task.pk, "return", "不属本单位")
    Message.objects.all().delete()
    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
    day, number = f"{timezone.localtime(at):%m-%d %H:%M}", task.case.number
    assert notices() == [
        ("新摊：已同意退回：开张核准", number, ["maker"]),
        ("新摊：由您牵头会同办理：开张核准", f"{number} · 定于{day} 摊位前", ["chief"]),
    ]
    said = f"约定时间 {timezone.localtime(at):%Y-%m-%d %H:%M} · 摊位前"
    assert [name for name in staff if said in text(browser(staff[name]).get("/cases/"))] == ["taster", "chief"]
    with patch("django.utils.timezone.now", lambda: at - timedelta(hours=20)):
        telling.remind(task.pk)
    assert notices()[-1] == (f"新摊：提醒：{day}开张核准", f"{number} · 摊位前", ["chief", "taster"])


def test_who_does_not_do_it_alone_agrees_on_a_day_to_come(county: County, staff: dict[str, Person]) -> None:
    task, soon = visit(county, staff), timezone.now() + timedelta(hours=5)
    before = testing.everything_kept()
    for name in ("taster", "reader", "elsewhere", "chief"):
        with pytest.raises(PermissionDenied):
            acting.arrange(who(staff[name]), task.pk, soon)
    with pytest.raises(CannotNow):
        acting.arrange(who(staff["maker"]), task.pk, timezone.now() - timedelta(minutes=1))
    alone = ready(applied(county))["place"]
    kept = testing.everything_kept()
    with pytest.raises(CannotNow):
        acting.arrange(who(staff["maker"]), alone.pk, soon)
    assert testing.everything_kept() == kept != before
    acting.arrange(who(staff["maker"]), task.pk, soon)
    acting.invite(who(staff["maker"]), task.pk, staff["reader"])  # who is asked later hears of the day at once
    title, told, people = notices()[-1]
    assert (title, people) == ("新摊：请会同办理：开张核准", ["reader"])
    assert told == f"{task.case.number} · 定于{timezone.localtime(soon):%m-%d %H:%M}"


def test_an_item_that_is_refused_ends_the_whole(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    decide(case, staff["taster"], "health", granted=False)
    case.refresh_from_db()
    assert (case.status, case.ended_at, ready(case)) == ("closed", "refusing", {})
    answer = browser(staff["reader"]).get(f"/cases/{case.pk}/approval/")
    ways = [sorted(way["css"] for way in drawing["ways"]) for drawing in answer.context["drawings"]]
    assert ways == [["is-passed"] * 2 + ["plain"] * 3] * 2  # nothing leads on from what is refused
    page = text(answer)
    table = page.partition("由谁办理 天数 期限 状态")[2].partition("办理结果")[0]
    assert [table.count(word) for word in ("不予许可", "未作决定", "已撤回", "已办")] == [1, 2, 0, 0]
    assert "最多还需工作日" not in page


def test_supplements_stop_the_clock_of_that_item_alone(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    before = ready(case)
    acting.supplement(who(staff["taster"]), before["health"].pk, "缺体检表")
    with pytest.raises(api.AnswerRefused):
        decide(case, staff["taster"], "health")
    for name, move in (("elsewhere", acting.supplied), ("reader", acting.supplied)):
        with pytest.raises(PermissionDenied):
            move(who(staff[name]), before["health"].pk)
    with pytest.raises(CannotNow):
        acting.supplement(who(staff["taster"]), before["health"].pk, "再补")
    since = datetime.now(UTC) - timedelta(days=10)
    Task.objects.filter(pk=before["health"].pk).update(paused_at=since)
    kept = testing.everything_kept()
    assert browser(staff["reader"]).post(
        f"/cases/{case.pk}/act", {"do": "supplied", "task": before["health"].pk}
    ).status_code == 403  # fmt: skip
    assert testing.everything_kept() == kept
    acting.supplied(who(staff["maker"]), before["health"].pk, "已补齐")
    after, hours = ready(case), flows.hours_of(county.pk)
    assert before["health"].due_at is not None
    assert after["health"].due_at is not None
    moved = worktime.worked(before["health"].due_at, after["health"].due_at, hours)
    assert abs(moved - worktime.worked(since, datetime.now(UTC), hours)) < timedelta(minutes=1)
    assert (after["place"].due_at, after["health"].paused_at) == (before["place"].due_at, None)


def test_an_item_turns_yellow_a_working_day_before_its_deadline_and_red_after_it(
    county: County, staff: dict[str, Person]
) -> None:
    with patch("django.utils.timezone.now", lambda: MONDAY):
        case = applied(county)
    due = ready(case)["place"].due_at
    assert due == datetime(2026, 12, 3, 9, 30, tzinfo=UTC)  # three working days after Monday: Thursday 17:30
    told_ = []
    for at in (MONDAY, due - timedelta(days=1, minutes=1), due - timedelta(days=1), due, due + timedelta(minutes=1)):
        lights = {one.item.id: one.light for one in approvals.standing(Case.objects.get(pk=case.pk), at).lines}
        with patch("django.utils.timezone.now", lambda at=at: at):
            reader = browser(staff["reader"])
            page, listed = (text(reader.get(f"/cases/{part}/")) for part in (f"{case.pk}/approval", "approvals"))
            applicant = text(reader.get(f"/r/a/{results.secret_of(case)}"))
        said = [one for one in ("1 项超期", "1 项临近到期") if one in listed]
        told_.append((lights["place"], lights["health"], lights["open"], "临近到期" in page, said))
        assert ("超期 期限 12-03" in applicant) == (lights["place"] == "red")
    assert told_ == [
        ("green", "green", "", False, []), ("green", "green", "", False, []),
        ("yellow", "green", "", True, ["1 项临近到期"]), ("yellow", "green", "", True, ["1 项临近到期"]),
        ("red", "green", "", False, ["1 项超期"]),
    ]  # fmt: skip
    acting.supplement(who(staff["maker"]), ready(case)["place"].pk, "缺位置图")
    assert "待补正 缺位置图" in text(browser(staff["reader"]).get(f"/cases/{case.pk}/approval/"))
    stands = approvals.standing(Case.objects.get(pk=case.pk), due + timedelta(days=9)).lines[0]
    assert (stands.state, stands.light) == ("awaited", "")


def test_whoever_does_an_item_of_another_body_has_all_of_its_page(county: County, staff: dict[str, Person]) -> None:
    """The case is not of the body that does the item: what its page shows and sends is theirs all the same."""
    case = applied(county)
    item, taster = ready(case)["health"], browser(staff["taster"])
    sent = {"do": "supplement", "task": item.pk, "why": "缺体检表", "back": "approval"}
    stranger, before = browser(person(county, "cases.duty.view", username="stranger")), testing.everything_kept()
    assert stranger.post(f"/cases/{case.pk}/act", sent).status_code == 403
    assert [stranger.get(f"/cases/{case.pk}/{part}").status_code for part in ("flow.json", "report.docx")] == [403, 403]
    assert testing.everything_kept() == before
    assert [taster.get(f"/cases/{case.pk}/{part}").status_code for part in ("flow.json", "report.docx")] == [200, 200]
    assert taster.post(f"/cases/{case.pk}/act", sent).status_code == 302
    item.refresh_from_db()
    assert item.paused_at is not None


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SPAN, max_size=5), st.booleans())
def test_however_pauses_overlap_each_hour_that_a_clock_stood_counts_once(
    county: County, staff: dict[str, Person], spans: list[tuple[str, int]], item_first: bool
) -> None:
    """Against a count by minutes of working time in which the item, or the whole case, stood."""
    hours, now = flows.hours_of(county.pk), MONDAY
    with patch("django.utils.timezone.now", lambda: now):
        case = applied(county)
        task = ready(case)["health"]
        due, stood = task.due_at, timedelta()
        assert due is not None
        for kind, length in spans:
            moves = {"item": ["item"], "case": ["case"], "both": ["item", "case"], "then": ["case", "item"], "run": []}[
                kind
            ]
            moves = moves if item_first or kind == "then" else moves[::-1]
            begin, begun = now, approvals.ran(ready(case)["health"], now, hours)
            for one in moves:
                if one == "item":
                    acting.supplement(who(staff["taster"]), task.pk, "缺")
                else:
                    wish = acting.ask(who(staff["maker"]), ready(case)["place"].pk, "pause", "停电")
                    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
                now += timedelta(hours=3 if kind == "then" else 0)  # supplements are asked for in the pause of the case
            now += timedelta(hours=length)
            if moves:
                line = next(
                    one
                    for one in approvals.standing(Case.objects.get(pk=case.pk), now).lines
                    if one.item.id == "health"
                )
                assert line.ran == pytest.approx(begun)
            stood += worktime.worked(begin, now, hours) if moves else timedelta()
            for one in moves[:: 1 if length % 2 else -1]:
                if one == "item":
                    acting.supplied(who(staff["taster"]), task.pk)
                else:
                    acting.resume(who(staff["maker"]), case.pk)
        found = ready(case)["health"].due_at
        ran = approvals.ran(ready(case)["health"], now, hours)
    assert found is not None
    assert ran == pytest.approx((worktime.worked(MONDAY, now, hours) - stood) / hours.day)
    assert worktime.worked(due, found, hours) == stood
    paused = sum(kind in {"case", "both", "then"} for kind, _length in spans)
    assert Petition.objects.filter(case=case, is_granted=True).count() == paused


def test_the_page_says_who_holds_the_critical_path_and_when_it_is_likely_over(
    county: County, staff: dict[str, Person]
) -> None:
    for took in (1, 2, 3, 4):
        done = applied(county)
        for step, by in (("place", "maker"), ("health", "taster"), ("open", "maker")):
            for helper in Helper.objects.filter(task__case__flow=KEY, said_at=None):
                acting.contribute(who(staff["taster"]), helper.pk, "现场合格")
            decide(done, staff[by], step)
        for task in Task.objects.filter(case=done):
            begin = MONDAY - timedelta(days=28)
            hours = flows.hours_of(county.pk)
            Task.objects.filter(pk=task.pk).update(
                created=begin, done_at=worktime.forward(begin, took * hours.day, hours)
            )
    page = text(browser(staff["reader"]).get(f"/cases/{done.pk}/approval/"))
    assert "8 实际用时（工作日，补正等待不计）" in page  # two items behind each other, of four days each
    case = applied(county)
    Task.objects.filter(case=case).update(created=MONDAY)
    standing = approvals.standing(Case.objects.get(pk=case.pk), MONDAY)
    assert (standing.path, standing.serial, standing.parallel) == (("health", "open"), 10, 7)
    assert [line.item.id for line in standing.holding] == ["health"]
    assert standing.likely is not None
    early, middle, late = ((one - MONDAY).days for one in standing.likely)
    assert MONDAY < standing.likely[0] <= standing.likely[1] <= standing.likely[2]
    assert (2 <= early <= middle <= late <= 12) is True
    page = text(browser(staff["reader"]).get(f"/cases/{case.pk}/approval/"))
    assert "关键路径正在办理： 健康证（kitchen · taster）" in page.replace("（ ", "（")
    assert "健康证 关键路径" in page
    assert (
        browser(person(county, "cases.duty.view", username="stranger")).get(f"/cases/{case.pk}/approval/").status_code
        == 403
    )


def test_of_two_who_say_the_supplements_are_there_one_moves_the_clock(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    task = acting.supplement(who(staff["taster"]), ready(case)["health"].pk, "缺")
    came = at_once(*[partial(acting.supplied, who(staff[name]), task.pk) for name in ("maker", "taster")])
    assert sorted(came) == ["CannotNow", "done"]


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ({"place": ["open"]}, "items: place, open: wait for each other in a circle"),
        ({"open": ["gone"]}, "items.open.after: gone: is no item"),
    ],
)
def test_a_faulty_approval_is_told_with_its_place(after: dict[str, list[str]], told: str) -> None:
    toy = packs.read(TOY)
    body = next(item.body for item in toy.declared if item.kind == "approvals")
    items = {id_: {**item, "after": after.get(id_, item.get("after", []))} for id_, item in body["items"].items()}
    item = packs.Declared("approvals", KEY, {**body, "items": items}, "approvals/new_stall.yaml")
    assert packs.problems_of(packs.kinds()["approvals"], item, {"lemonade": toy}) == [told]


def test_the_picture_marks_what_was_passed_and_what_is_critical(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    decide(case, staff["maker"], "place")
    page = browser(staff["reader"]).get(f"/cases/{case.pk}/approval/")
    for drawing in page.context["drawings"]:
        assert [way["css"] for way in drawing["ways"]] == [
            "is-passed", "is-passed", "is-critical", "is-critical", "is-critical",
        ]  # fmt: skip
        assert [one["title"] for one in drawing["boxes"]] == ["占道许可", "健康证", "开张核准"]
    picture = re.sub(
        r"<[^>]+>|\s", "", page.content.decode().partition('class="works is-tall')[2].partition("</svg>")[0]
    )
    assert [one for one in ("占道许可stand·maker准予许可", "健康证kitchen·taster进行中") if one not in picture] == []


def test_an_item_that_nobody_can_do_is_told_where_approvals_stand(county: County, staff: dict[str, Person]) -> None:
    page = "/cases/approvals/"
    assert "无人可办" not in text(browser(staff["reader"]).get(page))
    Post.objects.filter(person=staff["taster"]).update(ends=timezone.localdate() - timedelta(days=1))
    told = text(browser(staff["reader"]).get(page))
    assert "无人可办" in told
    assert told.partition("无人可办")[2].count("健康证：kitchen · ") == 1
    assert "占道许可：" not in told
