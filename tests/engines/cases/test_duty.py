"""The duty roster: by clicking and by Excel, the log of a shift, handing over, swapping; two at once, one holds."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import openpyxl
import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.alarms.jugs import warm
from tests.engines.cases.test_acting import CLOCK, at_once, body, ready
from tests.engines.cases.test_waits import declared, opened
from tests.fixtures import area, person
from tests.web.pages import browser, table, text, told

from shizhu.engines.cases import acting, actions, api, duties, flows
from shizhu.engines.cases.models import Duty, Entry, Handover, ShiftNote, Swap, Task
from shizhu.engines.notices.models import Delivery
from shizhu.kernel import access, testing
from shizhu.kernel.models import County, OutboxEvent, Person
from shizhu.lib.standards import holidays

pytestmark = pytest.mark.django_db(transaction=True)
ROLE = "lemonade.maker"
HOUR = timedelta(hours=1)
MAY = datetime(2031, 5, 1)  # noqa: DTZ001  # as Excel has a day


@pytest.fixture
def staff(county: County) -> dict[str, Person]:
    found = {
        "chief": person(county, "cases.duty.*", "cases.case.view", username="chief"),
        "east": person(county, "cases.duty.*", username="east", in_area="101"),
        "reader": person(county, "cases.duty.view", username="reader"),
        "outsider": person(county, "cases.case.view", username="outsider"),
    }
    for name in ("a", "b", "c"):
        found[name] = person(county, role=ROLE, username=name)
        held = person(
            county, "cases.duty.view", "cases.case.view", "alarms.alarm.view", username=f"{name}-rights"
        ).posts.get()
        held.person = found[name]
        held.save()
    return found


def who(made: Person) -> access.Actor:
    return access.actor(made)


def on(county: County, made: Person, hours: float, length: float = 8, code: str = "") -> Duty:
    begins = timezone.now() + timedelta(hours=hours)
    place = area(county, code)
    return Duty.objects.create(
        county=county, organisation=made.posts.filter(role=ROLE).get().organisation, area=place, role=ROLE, person=made,
        begins=begins, ends=begins + timedelta(hours=length),
    )  # fmt: skip


def click(client: Any, **sent: str) -> str:
    return text(client.post("/duty/", {"role": ROLE, "month": "2031-05", "begins": "08:30", "ends": "08:30", **sent}))


def rows() -> list[tuple[str, str, str]]:
    found = Duty.objects.select_related("person").order_by("begins", "person__username")
    local = timezone.localtime
    return [(d.person.username, f"{local(d.begins):%m-%d %H:%M}", f"{local(d.ends):%m-%d %H:%M}") for d in found]


def happened() -> list[tuple[str, int, dict[str, Any]]]:
    """(what, shift, more of it than whose it is) of every event of the roster, in order."""
    rows = OutboxEvent.objects.filter(subject__regex=r"\.cases\.(duty|swap)\.").order_by("pk")
    same = {"duty", "role", "area", "person", "swap"}
    return [
        (
            row.envelope["type"].removeprefix("cases."),
            row.envelope["data"]["duty"],
            {name: value for name, value in row.envelope["data"].items() if name not in same},
        )
        for row in rows
    ]


def test_a_click_puts_on_duty_and_another_takes_off(county: County, staff: dict[str, Person]) -> None:
    client, root = browser(staff["chief"]), area(county).code
    page = click(client, area=root, person="a", put="2031-05-03")
    assert rows() == [("a", "05-03 08:30", "05-04 08:30")]
    assert "a 08:30–08:30" in page
    assert "a 在该时段已有班次。" in click(
        client, area=root, person="a", put="2031-05-03", begins="20:00", ends="21:00"
    )
    assert "请按 08:30 的样式填写时间。" in click(client, area=root, person="a", put="2031-05-09", begins="25")
    click(client, area=root, person="b", put="2031-05-03", ends="20:30")
    assert rows()[1] == ("b", "05-03 08:30", "05-03 20:30")
    click(client, area=root, off=str(Duty.objects.get(person=staff["a"]).pk))
    assert rows() == [("b", "05-03 08:30", "05-03 20:30")]
    assert [what for what, _shift, _more in happened()] == ["duty.put", "duty.put", "duty.taken_off"]
    begun = on(county, staff["c"], -1)
    assert "该班次已开始，保留记录。" in click(client, area=root, off=str(begun.pk))
    this = timezone.localdate().replace(day=1)
    for month in ("9999-12", "0001-01", "2031-13"):  # of which the calendar has no month beside
        assert client.get("/duty/", {"month": month}).context["asked"].month == this


def test_nobody_without_the_right_changes_or_sees_the_roster(county: County, staff: dict[str, Person]) -> None:
    made = on(county, staff["a"], 5)
    before, root = testing.everything_kept(), area(county).code
    assert browser(staff["outsider"]).get("/duty/").status_code == 403
    assert browser(staff["outsider"]).get(f"/duty/{made.pk}/").status_code == 403
    assert browser(staff["outsider"]).get("/").context["cards"][0].template == "cases/card.html"
    for name in ("reader", "a", "east"):
        client = browser(staff[name])
        sent = {"role": ROLE, "area": root, "month": "2031-05", "begins": "08:30", "ends": "20:30", "person": "a"}
        assert client.post("/duty/", {**sent, "put": "2031-05-03"}).status_code == 403
        assert client.post("/duty/", {**sent, "off": str(made.pk)}).status_code == 403
    assert browser(staff["reader"]).post("/duty/import", {"role": ROLE, "area": root}).status_code == 403
    for do in ("note", "hand", "take", "swap", "agree"):
        answer = browser(staff["reader"]).post(
            f"/duty/{made.pk}/act", {"do": do, "text": "x", "person": "b", "of": "b"}
        )
        assert answer.status_code in {403, 404}
    assert testing.everything_kept() == before
    shown = text(browser(staff["reader"]).get(f"/duty/?role={ROLE}"))
    assert "点日期排班" not in shown


def sheet(*lines: tuple[Any, ...]) -> SimpleUploadedFile:
    return table(("日期", "起", "至", "登录名", "姓名"), *lines)


def test_a_table_is_put_on_the_roster_whole_or_not_at_all(county: County, staff: dict[str, Person]) -> None:
    client = browser(staff["chief"])
    sent = {"role": ROLE, "area": area(county).code, "month": "2031-05"}
    wrong = sheet(
        ("2031-05-01", "08:30", "08:30", "a", ""), ("五月二日", "08:30", "08:30", "a", ""),
        ("2031-05-03", "8点", "08:30", "a", ""), ("2031-05-04", "08:30", "08:30", "reader", ""),
        ("2031-05-01", "20:00", "23:00", "a", ""),
    )  # fmt: skip
    page = client.post("/duty/import", {**sent, "table": wrong})
    assert page.status_code == 422
    assert [(f.row, f.column, f.value, f.rule) for f in page.context["faults"]] == [
        (3, "日期", "五月二日", "应为日期，如 2026-07-01"), (4, "起", "8点", "应为时间，如 08:30"),
        (5, "用户名", "reader", "在该地没有这一岗位"), (6, "名称", "a", "该时段已有班次"),
    ]  # fmt: skip
    assert rows() == []
    right = sheet(("2031-05-01", "08:30", "20:30", "a", ""), (MAY, "20:30", "08:30", "", "b"))
    client.post("/duty/import", {**sent, "table": right})
    assert rows() == [("a", "05-01 08:30", "05-01 20:30"), ("b", "05-01 20:30", "05-02 08:30")]
    asked = {name: str(value) for name, value in sent.items()}
    book = openpyxl.load_workbook(io.BytesIO(client.get("/duty/roster.xlsx", asked).content))
    assert list(book.active.iter_rows(min_row=2, values_only=True)) == [  # type: ignore[union-attr]
        ("2031-05-01", "08:30", "20:30", "a", "a"), ("2031-05-01", "20:30", "08:30", "b", "b"),
    ]  # fmt: skip


def test_a_shift_is_logged_and_handed_over_by_name_with_what_is_open(county: County, staff: dict[str, Person]) -> None:
    duty = on(county, staff["a"], -2)
    case = api.open_case(api.Opening("lemonade.order", "十杯", area(county, "101"), {"title": "十杯"}))
    client = browser(staff["a"])
    client.post(f"/duty/{duty.pk}/act", {"do": "note", "text": "三号桥有积水，已通知"})
    warm(county, "E", "101")
    assert "未了事项 2" in text(client.get(f"/duty/{duty.pk}/"))
    client.post(f"/duty/{duty.pk}/act", {"do": "hand", "person": "b", "text": "盯住三号桥"})
    row = Handover.objects.get()
    assert (row.to, row.said, row.taken_at) == (staff["b"], "盯住三号桥", None)
    assert [(one["kind"], one["text"]) for one in row.matters] == [
        ("alarm", "E号罐 · 柠檬水太热"), ("case", f"{case.number} 十杯 · 制作"),
    ]  # fmt: skip
    for move in (
        partial(duties.note, who(staff["a"]), duty.pk, "x"),
        partial(duties.hand_over, who(staff["a"]), duty.pk, staff["c"]),
    ):
        with pytest.raises(duties.CannotBe):
            move()
    with pytest.raises(PermissionDenied):
        duties.take_over(who(staff["c"]), row.pk)
    assert "待接班 a" in text(browser(staff["b"]).get("/"))
    assert at_once(*[partial(duties.take_over, who(staff["b"]), row.pk)] * 2).count("done") == 1
    row.refresh_from_db()
    assert row.taken_at is not None
    assert ShiftNote.objects.get().text == "三号桥有积水，已通知"
    assert happened() == [
        ("duty.handed_over", duty.pk, {"to": staff["b"].pk, "matters": 2}),
        ("duty.taken_over", duty.pk, {"to": staff["b"].pk}),
    ]  # fmt: skip


def test_what_waits_for_who_is_on_duty_goes_to_who_takes_over(county: County, staff: dict[str, Person]) -> None:
    by_duty = CLOCK.replace("</c:properties>", '<c:property name="assign" value="duty"/></c:properties>')
    duty = on(county, staff["a"], -2)
    declared(body(by_duty))
    given, answered = opened(county), opened(county)
    declared(body())
    own = opened(county)
    Task.objects.filter(case=own).update(assignee=staff["a"])
    assert [task.assignee for task in Task.objects.order_by("pk")] == [staff["a"]] * 3
    row = duties.hand_over(who(staff["a"]), duty.pk, staff["b"])
    actions.answer(who(staff["a"]), Task.objects.get(case=answered).pk, {})
    duties.take_over(who(staff["b"]), row.pk)
    ready = Task.objects.filter(status="ready").order_by("pk")
    assert [(task.case, task.assignee) for task in ready] == [(given, staff["b"]), (own, staff["a"])]
    assert "办理 · 移交 a → b" in text(browser(staff["b"]).get(f"/cases/{given.pk}/"))


def test_what_waits_for_who_was_on_duty_goes_on_with_the_shifts(county: County, staff: dict[str, Person]) -> None:
    declared(body(CLOCK.replace("</c:properties>", '<c:property name="assign" value="duty"/></c:properties>')))
    first = on(county, staff["a"], -2)
    case, own = opened(county), opened(county)
    Entry.objects.filter(kind="given").update(at=timezone.now() - HOUR)
    Task.objects.update(created=timezone.now() - HOUR)
    acting.hand_over(who(staff["a"]), Task.objects.get(case=own).pk, staff["c"])

    def goes_to(**shift: Any) -> tuple[Person | None, list[str]]:
        """Who has it once the first shift is as said, and who was told of it."""
        before = set(Delivery.objects.values_list("pk", flat=True))
        Duty.objects.filter(pk=first.pk).update(**shift)
        for _twice in range(2):
            duties.change_shifts()
        told = Delivery.objects.exclude(pk__in=before).order_by("person__username")
        return ready(case).assignee, [f"{one.person.name} {one.message.title}" for one in told if one.person]

    over = timezone.now() - timedelta(minutes=6)
    assert goes_to(ends=timezone.now() - timedelta(minutes=4)) == (staff["a"], [])
    waits = [f"{name} 试：待岗位人员办理：办理" for name in "bc"]
    assert goes_to(ends=over) == (None, ["a 试：已转交制作员办理：办理", *waits])
    second = on(county, staff["b"], -0.01, 4)
    assert goes_to() == (staff["b"], ["b 试：由您办理：办理"])
    Duty.objects.filter(pk=second.pk).update(ends=over, begins=over - HOUR)
    on(county, staff["a"], -0.01, 1)
    Entry.objects.filter(case=case).update(at=timezone.now() - HOUR)
    assert goes_to() == (staff["a"], ["a 试：由您办理：办理", "b 试：已转交a办理：办理"])
    assert ready(own).assignee == staff["c"]
    shown = text(browser(staff["b"]).get(f"/cases/{case.pk}/"))
    found = re.findall(r"办理 · 转由 → (\S+) \S+ \S+ (\S+)", shown)
    assert found == [(to, "值班班次更替，未经交接" if to != "b" else "值班班次开始") for to in ("制作员", "b", "a")]


def test_who_is_on_duty_now_stands_on_the_home_page(county: County, staff: dict[str, Person]) -> None:
    on(county, staff["a"], -1)
    on(county, staff["b"], 9)
    page = text(browser(staff["reader"]).get("/"))
    assert "当前值班 值班表 a" in page
    assert [one["duty"].person.username for one in browser(staff["reader"]).get("/duty/").context["on_duty"]] == ["a"]


def test_who_runs_the_county_hears_of_holidays_that_are_not_known(county: County, staff: dict[str, Person]) -> None:
    chief, year = person(county, "kernel.declaration.edit", username="runs"), timezone.localdate().year
    off = [f"{one}-02-05" for one in (year, year + 1) if one not in holidays.YEARS]
    for days, today in ([], flows.hours_of(county.pk).unknown(timezone.localdate())), (off, None):
        county.settings = {**county.settings, "days_off": days}
        county.save()
        shown = f"节假日安排尚未载入 {today}"
        assert (shown in text(browser(chief).get("/"))) == bool(today)
        assert "节假日安排尚未载入" not in text(browser(staff["reader"]).get("/"))


def test_a_swap_holds_once_agreed_and_only_for_shifts_to_come(county: County, staff: dict[str, Person]) -> None:
    mine, theirs = on(county, staff["a"], 5), on(county, staff["b"], 30)
    client = browser(staff["a"])
    sent = {"do": "swap", "of": f"b/{theirs.pk + 1000}"}  # taken off the roster meanwhile
    assert told(client.post(f"/duty/{mine.pk}/act", sent, follow=True)) == ["换回的班次须是对方同一值班的班次。"]
    assert not Swap.objects.exists()
    assert told(
        client.post(f"/duty/{mine.pk}/act", {"do": "swap", "of": f"b/{theirs.pk}", "text": "家中有事"}, follow=True)
    ) == ["已提出换班，对方同意后才会变动。"]
    swap = Swap.objects.get()
    heard = {name: text(browser(staff[name]).get("/messages/")) for name in ("a", "b", "c")}
    assert {name: "a请b换班" in page for name, page in heard.items()} == {
        "a": True, "b": True, "c": False,
    }  # fmt: skip
    for name in ("a", "c", "chief"):
        with pytest.raises(PermissionDenied):
            duties.answer_swap(who(staff[name]), swap.pk, is_agreed=True)
    with pytest.raises(duties.CannotBe):
        duties.ask_swap(who(staff["a"]), mine.pk, staff["c"])
    browser(staff["b"]).post(f"/duty/{mine.pk}/act", {"do": "agree"})
    assert [Duty.objects.get(pk=one.pk).person.username for one in (mine, theirs)] == ["b", "a"]
    assert all("b同意与a换班" in text(browser(staff[name]).get("/messages/")) for name in ("a", "b"))
    assert happened() == [
        ("swap.asked", mine.pk, {"of": staff["b"].pk, "back": theirs.pk}),
        ("swap.answered", mine.pk, {"of": staff["b"].pk, "back": theirs.pk, "agreed": True}),
    ]  # fmt: skip
    begun = on(county, staff["c"], -1)
    with pytest.raises(duties.CannotBe):
        duties.ask_swap(who(staff["c"]), begun.pk, staff["a"])
    refused = duties.ask_swap(who(staff["b"]), mine.pk, staff["c"])
    duties.answer_swap(who(staff["c"]), refused.pk, is_agreed=False)
    assert Duty.objects.get(pk=mine.pk).person == staff["b"]


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.integers(1, 8)), min_size=2, max_size=6))
def test_whoever_asks_at_the_same_time_nobody_is_on_duty_twice(
    county: County, staff: dict[str, Person], wanted: list[tuple[str, int, int]]
) -> None:
    Duty.objects.all().delete()
    start = timezone.now() + 24 * HOUR
    shifts = [
        duties.Shift(ROLE, area(county), staff[name], start + first * HOUR, start + (first + length) * HOUR)
        for name, first, length in wanted
    ]
    came = at_once(*[partial(duties.put, who(staff["chief"]), shift) for shift in shifts])
    kept = list(Duty.objects.order_by("begins"))
    assert (came.count("done"), set(came) - {"done", "CannotBe"}) == (len(kept), set())
    for one in kept:
        others = [x for x in kept if x != one and x.person_id == one.person_id]
        assert not [x for x in others if x.begins < one.ends and one.begins < x.ends]
    refused = [shift for shift, end in zip(shifts, came, strict=True) if end != "done"]
    for shift in refused:  # only what stands in the way of what holds
        assert any(x.person_id == shift.person.pk and x.begins < shift.ends and shift.begins < x.ends for x in kept)
