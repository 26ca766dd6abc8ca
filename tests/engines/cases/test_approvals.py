"""Parallel approval: items side by side, one clock stands for supplements, who holds the critical path; rights."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
from django.core.exceptions import PermissionDenied
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.cases.test_acting import at_once
from tests.fixtures import TOY, area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api, approvals, flows
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.models import Case, Helper, Petition, Task
from shizhu.kernel import access, packs, testing
from shizhu.kernel.models import County, Person
from shizhu.lib import worktime

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("quick")]
KEY = "lemonade.new_stall"
SPAN = st.tuples(st.sampled_from(["item", "case", "both", "run"]), st.integers(1, 60))
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
    return api.answer(who(by), ready(case)[step].pk, {"granted": granted, "said": "同意"})


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


def test_an_item_that_is_refused_ends_the_whole(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    decide(case, staff["taster"], "health", granted=False)
    case.refresh_from_db()
    assert (case.status, case.ended_at, ready(case)) == ("closed", "refusing", {})


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
            moves = {"item": ["item"], "case": ["case"], "both": ["item", "case"], "run": []}[kind]
            moves = moves if item_first else moves[::-1]
            for one in moves:
                if one == "item":
                    acting.supplement(who(staff["taster"]), task.pk, "缺")
                else:
                    wish = acting.ask(who(staff["maker"]), ready(case)["place"].pk, "pause", "停电")
                    acting.decide(who(staff["chief"]), wish.pk, is_granted=True)
            begin, now = now, now + timedelta(hours=length)
            stood += worktime.worked(begin, now, hours) if moves else timedelta()
            for one in moves[:: 1 if length % 2 else -1]:
                if one == "item":
                    acting.supplied(who(staff["taster"]), task.pk)
                else:
                    acting.resume(who(staff["maker"]), case.pk)
        found = ready(case)["health"].due_at
    assert found is not None
    assert worktime.worked(due, found, hours) == stood
    paused = sum(kind in {"case", "both"} for kind, _length in spans)
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
    assert "关键路径现由 健康证（kitchen · taster）" in page.replace("（ ", "（")
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
