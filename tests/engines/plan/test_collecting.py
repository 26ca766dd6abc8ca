"""The collection calendar: who owes which value, reminders once, values by form and Excel, corrections with reasons."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from tests.fixtures import organisation, person
from tests.web.pages import browser, saved, table, text, told

from shizhu.engines.notices.models import Delivery, Message
from shizhu.engines.plan import collecting, computing
from shizhu.engines.plan.models import Collection, Indicator, Plan, Value
from shizhu.engines.plan.periods import kind_of, named, period_of
from shizhu.engines.plan.typed import amount, said
from shizhu.kernel.models import County, Grant, Person

pytestmark = pytest.mark.django_db
VIEW, EDIT, REPORT = "plan.plan.view", "plan.plan.edit", "plan.value.report"
TODAY = timezone.localdate()
LAST = period_of("P1Y", TODAY.replace(month=1, day=1) - timedelta(days=1))
PAGE, ENTER = "/plan/collect/", "/plan/collect/enter"


@pytest.fixture
def collection(county: County) -> Collection:
    """Stalls are reported by the department `stand` every year, due 30 days after it."""
    plan = Plan.objects.create(county=county, code="plan", title="甲县规划")
    row = Indicator.objects.create(plan=plan, key="stalls", name="摊位", unit="个", base_year=2020, base_value=1.0,
                                   target_year=2030, target_value=9.0)  # fmt: skip
    return Collection.objects.create(
        indicator=row, organisation=organisation(county, "stand"), every="P1Y", due_days=30, since=LAST.first
    )


def key(collection: Collection) -> str:
    return f"{collection.pk}.{LAST.name}"


def values() -> list[tuple[str, float | None, str]]:
    rows = Value.objects.filter(source="reported").order_by("pk")
    return list(rows.values_list("period", "value", "note"))


def test_a_department_reports_its_values_and_corrects_them_with_a_reason(
    county: County, collection: Collection
) -> None:
    client = browser(person(county, REPORT, of="stand"))
    Indicator.objects.update(is_cumulative=True)
    page = client.get(PAGE)
    assert "累计数：填自基期以来的合计" in text(page)
    owed = page.context["own"][0][0]
    assert (owed.period.name, owed.due.state) == (
        LAST.name, "late" if LAST.last + timedelta(days=30) < TODAY else "soon",
    )  # fmt: skip
    first = {f"value.{key(collection)}": "5", f"note.{key(collection)}": "年报"}
    assert told(client.post(ENTER, first, follow=True)) == ["已保存 1 个数值。"]
    bare = {f"value.{key(collection)}": "6", f"note.{key(collection)}": ""}
    answer = client.post(ENTER, bare, follow=True)
    assert "更正须说明原因" in text(answer)
    assert 'value="6"' in answer.content.decode()
    assert told(client.post(ENTER, {**bare, f"note.{key(collection)}": "漏计一处"}, follow=True)) == [
        "已保存 1 个数值。"
    ]
    assert values() == [(LAST.name, 5.0, "年报"), (LAST.name, 6.0, "漏计一处")]
    late = next(item for item, _v, _n in client.get(PAGE).context["own"] if item.period == LAST)
    assert (late.due.state, late.value.value) == ("given", 6.0)


def test_who_reports_for_two_plans_goes_from_one_to_the_other(county: County, collection: Collection) -> None:
    client = browser(person(county, REPORT, of="stand"))
    first = Plan.objects.create(county=county, code="work", title="甲县工作要点")
    assert "甲县工作要点" not in text(client.get(PAGE))  # nothing of it is reported
    row = Indicator.objects.create(plan=first, key="seats", name="座位")
    Collection.objects.create(
        indicator=row, organisation=organisation(county, "kitchen"), every="P1Y", since=LAST.first
    )
    assert "甲县工作要点" not in text(client.get(PAGE))  # by somebody else
    assert "甲县工作要点" in text(browser(person(county, VIEW, REPORT, of="stand", username="viewer")).get(PAGE))
    other = Indicator.objects.create(plan=first, key="tables", name="桌子")
    Collection.objects.create(indicator=other, organisation=collection.organisation, every="P1Y", since=LAST.first)
    assert told(client.post(ENTER, {f"value.{key(collection)}": "3", f"note.{key(collection)}": "年报"}, follow=True))
    page = client.get(PAGE)  # it opens where something is asked
    assert (page.context["plan"].code, [(plan.code, number) for plan, number in page.context["plans"]]) == (
        "work", [("plan", 0), ("work", 1)],
    )  # fmt: skip
    assert client.get(f"{PAGE}?plan=plan").context["plan"].code == "plan"


def test_a_filled_table_is_taken_whole_or_told_row_by_row(county: County, collection: Collection) -> None:
    client = browser(person(county, REPORT, of="stand"))
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{PAGE}?as=xlsx").content))
    sheet: Any = book.active
    rows = {str(row[0].value): row for row in sheet.iter_rows(min_row=2)}
    rows[key(collection)][5].value, rows[key(collection)][6].value = "七", "台账"
    sheet.append(["999.2020", "别的", "", "2020", "", 3, "x"])

    def send() -> Any:
        return client.post(ENTER, {"table": saved(book)}, follow=True)

    answer = send()
    assert told(answer) == ["未保存任何数值：有 2 个不对。"]
    assert [part for part in ("“七”不是数字", "没有要求您填报该数值") if part not in text(answer)] == []
    assert values() == []
    rows[key(collection)][5].value = "７．０"
    sheet.delete_rows(sheet.max_row)
    assert told(send()) == ["已保存 1 个数值。"]
    assert values() == [(LAST.name, 7.0, "台账")]


def test_a_table_of_long_numbers_comes_back_as_it_went(county: County, collection: Collection) -> None:
    Value.objects.create(indicator=collection.indicator, period=LAST.name, value=507242983.82905954, source="reported")
    client = browser(person(county, REPORT, of="stand"))
    sheet = SimpleUploadedFile("t.xlsx", client.get(f"{PAGE}?as=xlsx").content)
    assert told(client.post(ENTER, {"table": sheet}, follow=True)) == ["已保存 0 个数值。"]
    assert len(values()) == 1


def test_a_cumulative_total_that_falls_is_asked_about_and_what_was_added_stands_beside_it(
    county: County, collection: Collection
) -> None:
    Indicator.objects.update(is_cumulative=True, base_value=10.0)
    Collection.objects.update(since=LAST.first - timedelta(days=800))
    client = browser(person(county, REPORT, VIEW, EDIT, of="stand"))
    before = f"{LAST.first.year - 1}"
    why = "累计数不应低于 2020 的 10；若 3 是本期新增，应填合计 13；确有减少的，说明请以“核减”开头"
    sent = {f"value.{key(collection)}": "3", f"note.{key(collection)}": "年报"}
    page = client.post(ENTER, sent, follow=True)
    assert (told(page), page.context["problems"]) == (
        ["未保存任何数值：有 1 个不对。"], [f"摊位 {LAST.name}：{why}。"],
    )  # fmt: skip
    address = f"/plan/indicators/{collection.indicator_id}/report"
    one = {"period": LAST.name, "value": "3", "note": "年报"}
    assert told(client.post(address, one, follow=True)) == [f"未保存：{why}。"]
    heads = ["编码", "时期", "数值", "来源或原因"]
    sheet = table(heads, ["stalls", LAST.name, 3, "年报"])
    assert f"第 2 行：{why}。" in text(client.post("/plan/tables/values/take", {"table": sheet}, follow=True))
    both = {f"value.{collection.pk}.{before}": "13", f"note.{collection.pk}.{before}": "年报"}
    page = client.post(ENTER, {**sent, **both, f"value.{key(collection)}": "12"}, follow=True)
    [problem] = page.context["problems"]
    assert problem.startswith(f"摊位 {LAST.name}：累计数不应低于 {before} 的 13；若 12 是本期新增，应填合计 25")
    assert values() == []
    client.post(ENTER, {**sent, **both, f"value.{key(collection)}": "15"})
    page = client.get(PAGE)
    shown = {item.period.name: (item.added, item.before and item.before.value) for item, _v, _n in page.context["own"]}
    assert (shown[LAST.name], shown[before]) == ((2.0, 13.0), (None, None))
    assert "15 +2" in text(page)
    over = "累计数不应高于 {} 的 15；请先更正或一并更正后者，此后确有减少的，说明请以“核减”开头"
    raised = {f"value.{collection.pk}.{before}": "130", f"note.{collection.pk}.{before}": "补报"}
    page = client.post(ENTER, raised, follow=True)
    assert page.context["problems"] == [f"摊位 {before}：{over.format(LAST.name)}。"]
    again = {"period": before, "value": "130", "note": "补报"}
    assert told(client.post(address, again, follow=True)) == [f"未保存：{over.format(LAST.name)}。"]
    assert values() == [(before, 13.0, "年报"), (LAST.name, 15.0, "年报")]
    Value.objects.filter(period=before).update(is_simulated=True)  # is marked, and no measure of what is reported
    page = client.get(PAGE)
    assert (f"上期 {before}: 13 模拟" in text(page), "15 +2" in text(page)) == (True, False)
    assert told(client.post(address, {**one, "note": "核减：重复两处"}, follow=True)) == ["已填报。"]
    assert values()[-1] == (LAST.name, 3.0, "核减：重复两处")


def test_others_enter_nothing(county: County, collection: Collection) -> None:
    sent = {f"value.{key(collection)}": "5", f"note.{key(collection)}": "年报"}
    other = browser(person(county, REPORT, of="kitchen"))
    assert told(other.post(ENTER, sent, follow=True)) == ["没有填写任何内容。"]
    assert browser(person(county, VIEW)).post(ENTER, sent).status_code == 403
    assert browser(person(county)).get(PAGE).status_code == 403
    row = collection.indicator
    asked = {"organisation": "kitchen", "every": "P1M", "due_days": "5", "remind_days": "1"}
    assert browser(person(county, VIEW)).post(f"/plan/indicators/{row.pk}/collection", asked).status_code == 403
    assert (values(), Collection.objects.get().every) == ([], "P1Y")
    office = browser(person(county, VIEW, EDIT))
    office.post(f"/plan/indicators/{row.pk}/collection", {**asked, "due_days": "900"})
    assert Collection.objects.get().every == "P1Y"
    office.post(f"/plan/indicators/{row.pk}/collection", asked)
    changed = Collection.objects.get()
    assert (changed.organisation.code, changed.every, changed.due_days, changed.since) == (
        "kitchen", "P1M", 5, LAST.first,
    )  # fmt: skip


def test_reminders_come_before_and_after_the_day_each_once(county: County, collection: Collection) -> None:
    clerk = person(county, REPORT, of="stand")
    person(county, REPORT, of="kitchen")
    due = LAST.last + timedelta(days=30)
    days = [due - timedelta(days=8), due - timedelta(days=3), due, due + timedelta(days=1), due + timedelta(days=13),
            due + timedelta(days=14)]  # fmt: skip
    assert [collecting.remind_all(day) for day in days] == [0, 1, 0, 1, 0, 1]
    assert set(Delivery.objects.values_list("person_id", flat=True)) == {clerk.pk}
    titles = list(Message.objects.order_by("pk").values_list("title", flat=True))
    assert titles == [f"数值即将到期：摊位，{LAST.name}"] + 2 * [f"数值逾期未报：摊位，{LAST.name}"]
    Value.objects.create(indicator=collection.indicator, period=LAST.name, value=3.0, source="reported")
    assert collecting.remind_all(due + timedelta(days=90)) == 0


def test_who_has_the_right_from_the_county_is_reminded_too(county: County, collection: Collection) -> None:
    clerk, idle = person(county, "maps.layer.view", of="stand"), person(county, "exchange.*", of="stand")
    Grant.objects.create(county=county, role=clerk.posts.get().role, verb=REPORT)
    elsewhere = County.objects.create(code="990002", name="乙县")
    Grant.objects.create(county=elsewhere, role=idle.posts.get().role, verb=REPORT)
    left = person(county, REPORT, of="stand")
    Person.objects.filter(pk=left.pk).update(is_active=False)
    assert collecting.remind_all(LAST.last + timedelta(days=27)) == 1
    assert set(Delivery.objects.values_list("person_id", flat=True)) == {clerk.pk}


def test_late_data_is_not_late_work(county: County, collection: Collection) -> None:
    row = collection.indicator
    Value.objects.create(indicator=row, period=str(LAST.first.year - 1), value=8.5, source="reported")
    late = LAST.last + timedelta(days=60)
    line = browser(person(county, VIEW)).get("/plan/").context["lines"][0]
    if late <= TODAY:
        assert line.due.state == "late"
    assert line.standing.light == "green"


def test_a_value_comes_on_the_day_of_the_county(county: County, collection: Collection) -> None:
    row = collection.indicator
    due = LAST.last + timedelta(days=row.due_days)
    known = [datetime.combine(due, time(hour), UTC) for hour in (15, 17)]  # 23:00, and 1:00 of the day after
    values = [Value(indicator=row, period=LAST.name, value=3.0, source="reported", known_at=at) for at in known]
    found = [computing.collected(row, value, due + timedelta(days=9)) for value in values]
    assert [(one.state, one.days_late) for one in found if one] == [("given", 0), ("given", 1)]


@given(st.dates(date(1950, 1, 1), date(2150, 12, 31)), st.sampled_from(["P1M", "P3M", "P1Y"]))
def test_the_period_of_a_day_holds_it_and_is_known_by_its_name(day: date, kind: str) -> None:
    found = period_of(kind, day)
    assert found.first <= day <= found.last
    assert (named(found.name), kind_of(found.name)) == (found, kind)
    assert period_of(kind, found.last + timedelta(days=1)).first == found.last + timedelta(days=1)


@given(st.integers(-(10**15), 10**15))
def test_a_whole_amount_is_read_to_its_last_digit_however_a_file_holds_it(number: int) -> None:
    assert [amount(said(cell)) for cell in (number, float(number), f"{number:,}")] == [number] * 3
