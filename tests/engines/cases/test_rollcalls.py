"""Contacts are tested by calls and texts: what came back from each, who was not reached is a task, and a timetable."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.cases import rollcalls
from shizhu.engines.cases.logic import rollcall as logic
from shizhu.engines.cases.models import Called, Case, RollCall, RollTimetable
from shizhu.engines.notices import api as notices
from shizhu.engines.notices import telling
from shizhu.engines.notices.logic import signing
from shizhu.engines.notices.models import Channel, Delivery, Message
from shizhu.engines.records import api as records
from shizhu.gateways.simulators.operator import Operator
from shizhu.kernel import access, packs, testing
from shizhu.kernel.models import County, Declaration, Person

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("loopback")]
pytest_plugins = ["tests.engines.records.stalls"]
KEY, PERMIT = "lemonade.helpers", "lemonade.permit"
ANSWERS, EMPTY, STRANGER, SILENT = "13900000001", "13900000004", "13900000005", "13900000009"


@pytest.fixture
def operator(county: County, live_server: Any) -> Iterator[Operator]:
    made = Operator(
        "acc", "s3", report=live_server.url, loses=0, refuses=0, repeats=1, delay=0,
        empty=frozenset({EMPTY}), strangers=frozenset({STRANGER}),
    )  # fmt: skip
    notices.simulate(county.pk, {"voice": "v", "sms": "s"}, address=made.url, account="acc", secret="s3")
    yield made
    made.stop()


@pytest.fixture
def boss(county: County) -> Person:
    return person(county, "records.*", "cases.*", username="boss")


@pytest.fixture
def permitted(permit: Any, stall: Any) -> records.Entry:
    """A permit in a town with four helpers, and two owners of stalls there, one of whom is one of the helpers too."""
    stall(owner="钱", phone=ANSWERS)
    stall(owner="孙", phone=SILENT)
    stall(owner="远", phone="13900000077", area="102")
    helpers = [("赵", ANSWERS), ("周", EMPTY), ("吴", STRANGER), ("郑", "")]
    given = [{"name": name, **({"phone": number} if number else {})} for name, number in helpers]
    made: records.Entry = permit(helpers=given)
    return made


def until(wanted: Any) -> None:
    """What an operator reports comes from another thread."""
    for _ in range(100):
        if wanted():
            return
        time.sleep(0.05)
    raise AssertionError("nothing came")


def answered(asked: dict[str, Any], answer: str) -> int:
    """Somebody presses a key: the operator's report, as it comes in."""
    body = json.dumps({"reports": [{"token": asked["extend"], "status": "READ", "answer": answer}]})
    now = str(int(time.time()))
    headers = {"X-Shizhu-Timestamp": now, "X-Shizhu-Signature": signing.sign("s3", now, body.encode())}
    return Client().post(asked["report"], body, content_type="application/json", headers=headers).status_code


def results(test: RollCall) -> list[tuple[str, str, int]]:
    return [(one.name, one.result, one.tries) for one in test.called.order_by("pk")]


def test_each_is_called_until_they_answer_and_who_does_not_is_a_task(
    county: County, boss: Person, operator: Operator, permitted: records.Entry
) -> None:
    page = browser(boss).post("/rollcalls/begin", {"key": KEY, "record": permitted.id}, follow=True)
    test = RollCall.objects.get()
    assert page.redirect_chain == [(f"/rollcalls/{test.pk}/", 302)]
    again = browser(boss).post("/rollcalls/begin", {"key": KEY, "record": permitted.id}, follow=True)
    assert told(again) == ["正在拨打，请等待结果。"]
    begun = test.begun_at
    telling.send_due()
    assert sorted(one["mobile"] for one in operator.sent) == [ANSWERS, EMPTY, STRANGER, SILENT]
    assert {one["kind"] for one in operator.sent} == {"voice"}
    assert all("【测试】这里是甲县联系人测试" in one["content"] for one in operator.sent)
    assert answered(next(one for one in operator.sent if one["mobile"] == ANSWERS), "1") == 200
    until(lambda: Delivery.objects.exclude(channel=None).exclude(state__in=["waiting", "sent"]).count() == 4)
    assert rollcalls.go_on(begun + timedelta(minutes=11)) == 1
    telling.send_due(timezone.now() + timedelta(minutes=1))
    assert [(one["kind"], one["mobile"]) for one in operator.sent[4:]] == [("sms", SILENT)]
    assert rollcalls.go_on(begun + timedelta(minutes=40)) == 0
    test.refresh_from_db()
    assert results(test) == [
        ("赵", "answered", 1), ("周", "empty", 1), ("吴", "wrong", 1), ("郑", "none", 0), ("钱", "answered", 1),
        ("孙", "silent", 2),
    ]  # fmt: skip
    case = Case.objects.get()
    assert (case.title, case.origin, test.case_id) == ("【模拟】1号：拨测 4 名联系人未接通", 1, case.pk)
    said = "帮工 周：空号\n帮工 吴：号码不是本人\n帮工 郑：没有可拨的号码\n摊主 孙：无人应答"
    assert case.state["document"]["description"] == said
    shown = text(browser(boss).get(f"/rollcalls/{test.pk}/"))
    assert "2 / 6 已确认（ 33 % ） · 未达到 90%" in shown
    assert "没有拨打任何真实号码" in shown
    assert ("139****0009" in shown, SILENT in shown) == (True, False)
    sheet = browser(boss).get(f"/rollcalls/{test.pk}/?as=xlsx")
    rows = list(openpyxl.load_workbook(io.BytesIO(sheet.content)).active.iter_rows(values_only=True))  # type: ignore[union-attr]
    assert [row[6:9] for row in rows[1:]] == [
        ("赵", "139****0001", "已确认"), ("周", "139****0004", "空号"), ("吴", "139****0005", "号码不是本人"),
        ("郑", None, "没有可拨的号码"), ("钱", "139****0001", "已确认"), ("孙", "139****0009", "无人应答"),
    ]  # fmt: skip
    assert {row[2:4] for row in rows[1:]} == {(33.3, "未达到 90%")}
    dead = rollcalls.dead(county.pk)
    assert sorted((one.name, number) for (_row, number), one in dead.items()) == [
        ("吴", STRANGER), ("周", EMPTY), ("孙", SILENT),
    ]  # fmt: skip


def test_who_has_no_right_calls_nobody(county: County, permitted: records.Entry, boss: Person) -> None:
    asked = {"key": KEY, "record": permitted.id}
    looks = person(county, f"records.{PERMIT}.view", "cases.rollcall.view", username="looks")
    blind = person(county, "cases.rollcall.*", username="blind")
    before = testing.everything_kept()
    assert browser(looks).post("/rollcalls/begin", asked).status_code == 403
    assert browser(blind).post("/rollcalls/begin", asked).status_code == 404
    assert browser(boss).post("/rollcalls/begin", {**asked, "key": "lemonade.none"}).status_code == 404
    assert told(browser(boss).post("/rollcalls/begin", asked, follow=True))[0].startswith("本县没有电话、短信渠道")
    assert browser(looks).post("/rollcalls/", {"key": KEY, "every": "month"}).status_code == 403
    assert testing.everything_kept() == before
    town = person(county, "records.*", "cases.rollcall.*", username="town", in_area="102")
    before = testing.everything_kept()
    assert browser(town).post("/rollcalls/", {"key": KEY, "every": "month"}).status_code == 403
    assert testing.everything_kept() == before


def test_the_timetable_calls_each_number_once(
    county: County, boss: Person, operator: Operator, permit: Any, stall: Any, root: access.Actor
) -> None:
    stall(owner="钱", phone=ANSWERS)
    for name in ("甲", "乙"):
        made = permit(applicant=name)
        for state in ("asked", "granted"):
            made = records.move(root, made.id, state, made.version)
    permit(applicant="丙")  # nobody granted it
    office = person(county, "cases.rollcall.*", username="office", of="stand")
    page = browser(office).post("/rollcalls/", {"key": KEY, "every": "quarter"}, follow=True)
    assert told(page) == ["已保存，从下一个月（季度）起执行。"]
    RollTimetable.objects.update(last=date(2026, 9, 20))
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 8), date(2026, 10, 9), date(2026, 11, 2)]
    assert [rollcalls.by_timetable(day) for day in days] == [0, 0, 2, 0, 0]  # the first week of October is a holiday
    telling.send_due()
    assert [one["mobile"] for one in operator.sent] == [ANSWERS]
    assert answered(operator.sent[0], "１") == 200
    assert rollcalls.go_on() == 0
    assert [(test.title, results(test)) for test in RollCall.objects.order_by("pk")] == [
        (name, [("钱", "answered", 1)]) for name in ("甲", "乙")
    ]
    assert (Case.objects.count(), Message.objects.count(), Channel.objects.count()) == (0, 1, 2)
    assert Called.objects.exclude(way="voice").count() == 0


def test_a_register_that_a_county_does_not_have_keeps_nothing_from_being_tested(
    county: County, boss: Person, operator: Operator, permit: Any, stall: Any
) -> None:
    RollTimetable.objects.create(county=county, key=KEY, every="month", last=date(2026, 9, 20))
    for register in (PERMIT, "lemonade.stall"):
        row = Declaration.objects.get(kind="registers", key=register)
        row.delete()
        packs.forget()
        assert (rollcalls.by_timetable(date(2026, 10, 8)), rollcalls.declared(county.pk)) == (0, {})
        assert browser(boss).get("/rollcalls/").status_code == 200
        row.save(force_insert=True)
    packs.forget()
    assert list(rollcalls.declared(county.pk)) == [KEY]


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60), st.sampled_from(["month", "quarter"]))
def test_a_timetable_begins_once_in_each_month_or_quarter(days: list[tuple[int, bool]], every: str) -> None:
    last, begun = None, []
    for number, is_workday in sorted(days):
        today = date(2026, 1, 1) + timedelta(days=number)
        if logic.begins(every, today, last, is_workday=is_workday):
            last = today
            begun.append((today.year, today.month if every == "month" else (today.month - 1) // 3))
            assert is_workday
    assert len(begun) == len(set(begun))
    assert {(day.year, day.month if every == "month" else (day.month - 1) // 3) for number, is_workday in days
            if is_workday and (day := date(2026, 1, 1) + timedelta(days=number))} == set(begun)  # fmt: skip


@given(st.integers(1, 50), st.lists(st.integers(0, 600), max_size=50))
def test_nine_in_ten_are_reached_when_they_are(total: int, minutes: list[int]) -> None:
    begun = datetime(2026, 7, 1, tzinfo=UTC)
    took = sorted(minutes)[:total]
    found = logic.standing(begun, total, [begun + timedelta(minutes=one) for one in took])
    needed = next((one for n, one in enumerate(took, 1) if 10 * n >= 9 * total), None)
    assert (found.reached, found.minutes) == (len(took), needed)


def test_a_row_withdrawn_while_it_is_called_keeps_no_other_from_going_on(
    county: County, boss: Person, operator: Operator, permit: Any, root: access.Actor
) -> None:
    gone, stays = (permit(helpers=[{"name": name, "phone": SILENT}]) for name in ("赵", "周"))
    for row in (gone, stays):
        browser(boss).post("/rollcalls/begin", {"key": KEY, "record": row.id})
    records.withdraw(root, gone.id, gone.version)
    assert [rollcalls.go_on(timezone.now() + timedelta(days=day)) for day in (1, 2)] == [2, 0]
    assert list(RollCall.objects.order_by("pk").values_list("record", "case__title")) == [
        (gone.id, None), (stays.id, "【模拟】2号：拨测 1 名联系人未接通"),
    ]  # fmt: skip


def test_a_flow_that_opens_no_case_keeps_no_test_from_ending(
    county: County, boss: Person, operator: Operator, permit: Any
) -> None:
    row = permit(helpers=[{"name": "赵", "phone": SILENT}])
    browser(boss).post("/rollcalls/begin", {"key": KEY, "record": row.id})
    Declaration.objects.filter(kind="flows", key="lemonade.mishap").update(body={"text": "<process>"})
    packs.forget()
    assert [rollcalls.go_on(timezone.now() + timedelta(days=day)) for day in (1, 2)] == [1, 0]
    assert [(one.result, one.rollcall.case_id) for one in Called.objects.all()] == [("silent", None)]
    told_of = Message.objects.filter(key__startswith="unopened/rollcall/")
    assert {one.text.splitlines()[0] for one in told_of} == {"【模拟】1号：拨测 1 名联系人未接通"}


def test_the_list_asks_the_database_as_often_for_many_as_for_few(county: County, boss: Person, permit: Any) -> None:
    def asked(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert browser(boss).get(address).status_code == 200
        return len(queries)

    def tested(number: int) -> None:
        for _ in range(number):
            row = permit(helpers=[{"name": "赵", "phone": SILENT}])
            test = RollCall.objects.create(
                county=county, key=KEY, record=row.id, title=row.title, organisation=organisation(county),
                area=area(county, "101"), batch="b", words="", begun_at=timezone.now(), next_at=timezone.now(),
                ended_at=timezone.now(),
            )  # fmt: skip
            Called.objects.create(
                rollcall=test, record=row.id, register=PERMIT, of="", duty="帮工", name="赵", address=SILENT,
                result="silent",
            )  # fmt: skip

    tested(2)
    few = [asked(address) for address in ("/rollcalls/", "/rollcalls/?as=xlsx")]
    tested(6)
    assert [asked(address) for address in ("/rollcalls/", "/rollcalls/?as=xlsx")] == few
