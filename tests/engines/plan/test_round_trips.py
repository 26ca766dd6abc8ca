"""Tables of the work on a plan: sent back as they went they change nothing, one cell that is changed just that.

Whatever stands in them: long numbers, simulated values, units of one name, names with the sign that parts names.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.plan.test_tables import NAMES, NUMBERS, TEXTS
from tests.fixtures import organisation, person
from tests.web.pages import browser, saved, told

from shizhu.engines.plan import rulings
from shizhu.engines.plan.models import (
    Clause,
    Collection,
    Decision,
    Dependency,
    Indicator,
    Measure,
    Meeting,
    Owner,
    Piece,
    Plan,
    Ruling,
    Task,
    Value,
)  # fmt: skip
from shizhu.kernel.models import Area, County, Organisation, Person
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
YEAR = TODAY.year
INDEX = "/plan/indexes/lemonade.street/"
UNITS = st.sampled_from(["卫生院", "乡镇、街道", "甲（kitchen）", "kitchen", "Stand", "ｓｔａｎｄ", " 卫生 院"])
WAYS_OF_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
ASSIGNED = ("owners", "collection", "order", "findings")
READINGS = [{"value": 1.0, "unit": "个", "year": 2025}, {"value": 2.0, "unit": "个", "year": 2025}]
Changed = dict[str, dict[Any, set[str]]]


@dataclass
class Desk:
    """One plan with a row of each kind, and who works on it; `doors` are kind → (out, in, fields of the form)."""

    client: Client
    clause: Clause
    doors: Mapping[str, tuple[str, str, dict[str, str]]]

    def book(self, kind: str) -> Any:
        return openpyxl.load_workbook(io.BytesIO(self.client.get(self.doors[kind][0]).content))

    def send(self, kind: str, book: Any) -> list[str]:
        _out, address, form = self.doors[kind]
        return told(self.client.post(address, {**form, "table": saved(book)}, follow=True))


@pytest.fixture
def desk(county: County) -> Desk:
    plan = Plan.objects.create(county=county, code="plan", title="甲县规划")
    indicator = Indicator.objects.create(plan=plan, key="i1", name="摊位", is_cumulative=True)
    Indicator.objects.create(plan=plan, key="free", name="没有人报")
    stand, kitchen = organisation(county, "stand"), organisation(county, "kitchen")
    Collection.objects.create(indicator=indicator, organisation=stand, since=date(YEAR - 1, 1, 1))
    Value.objects.create(indicator=indicator, period=f"{YEAR - 1}", value=1, source="reported", note="年报")
    chair = person(county, username="chair")
    clause = Clause.objects.create(plan=plan, key="c", order=1, kind="text", text="建摊位", place={"from": 1, "to": 1})
    for unit, other in ((stand, kitchen), (kitchen, stand)):
        piece = Piece.objects.create(
            county=county, organisation=unit, area=unit.area, clause=clause, year=YEAR, title="摊位",
            due_on=date(YEAR, 12, 15),
        )  # fmt: skip
        piece.assists.set([other])
        Owner.objects.create(
            clause=clause, organisation=unit, is_lead=unit == stand, state="settled", printed="摊位"
        )  # fmt: skip
    Clause.objects.create(plan=plan, key="free", order=2, kind="text", text="没有责任单位", place={"from": 2, "to": 2})
    first, second, _third = (Task.objects.create(plan=plan, key=f"t{n}", name=f"任务{n}") for n in range(3))
    Dependency.objects.create(before=first, after=second, person=chair)
    plan.document = {
        "contradictions": [{"rule": "text-table", "subject": "摊位", "readings": READINGS}],
        "unsure": [{"rule": "period-unread", "what": "task 3", "why": "names no year"}],
    }  # fmt: skip
    plan.save()
    rulings.settle(plan, rulings.name_of(plan.document["contradictions"][0]), "value", note="表", by=chair, value=2)
    meeting = Meeting.objects.create(plan=plan, title="会", held_on=TODAY, person=chair)
    for unit in (stand, kitchen):
        Decision.objects.create(meeting=meeting, text="补足", organisation=unit, due_on=TODAY + timedelta(days=9))
    for area in Area.objects.filter(county=county, level="town"):
        Measure.objects.create(
            county=county, index="lemonade.street", item="cups", subject=area.code, year=YEAR, value=1,
            source="reported",
        )  # fmt: skip
    return Desk(
        browser(person(county, "plan.*", username="clerk")), clause, {
            "pieces": (f"/plan/clauses/{clause.pk}/pieces.xlsx", f"/plan/clauses/{clause.pk}/pieces", {}),
            "decisions": (
                f"/plan/meetings/{meeting.pk}/decisions.xlsx", f"/plan/meetings/{meeting.pk}/decisions", {},
            ),
            "values to report": ("/plan/collect/?as=xlsx", "/plan/collect/enter", {}),
            "measures": (f"{INDEX}data?year={YEAR}&as=xlsx", f"{INDEX}fill", {"year": f"{YEAR}", "note": "年报"}),
            **{kind: (f"/plan/tables/{kind}.xlsx", f"/plan/tables/{kind}/take", {}) for kind in ASSIGNED},
        },
    )  # fmt: skip


def kept() -> dict[str, dict[Any, dict[str, Any]]]:
    """Model → row → field → value."""
    models: Sequence[Any] = (
        Piece, Piece.assists.through, Decision, Value, Measure, Collection, Owner, Dependency, Ruling, Indicator,
    )  # fmt: skip
    return {model.__name__: {row["id"]: row for row in model._base_manager.values()} for model in models}


def differing(before: dict[str, dict[Any, dict[str, Any]]]) -> Changed:
    """Model → row → fields that are not as they were; a row that is new or gone is named with all of its fields."""
    found: Changed = {}
    for model, now in kept().items():
        for pk in now.keys() | before[model].keys():
            one, other = before[model].get(pk, {}), now.get(pk, {})
            if fields := {field for field in one | other if one.get(field) != other.get(field)}:
                found.setdefault(model, {})[pk] = fields
    return found


NOTHING = {
    "pieces": ["没有改动。"], "decisions": ["新增或改动 0 项议定事项。"], "values to report": ["没有填写任何内容。"],
    "measures": ["已保存 0 个数值。"], **{kind: ["改动或新增 0 行。"] for kind in ASSIGNED},
}  # fmt: skip


UNCHANGED = {
    "Nothing was changed.", "Nothing was entered.", "0 values kept.", "0 decisions were added or changed.",
    "0 rows were changed or added.",
}  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.tuples(UNITS, UNITS),
    piece=st.fixed_dictionaries(
        {
            "title": NAMES, "target": NUMBERS, "unit": TEXTS, "is_simulated": st.booleans(),
            "state": st.sampled_from(["draft", "sent", "received", "returned"]),
            "due_on": st.dates(date(YEAR, 1, 1), date(YEAR, 12, 31)),
        }
    ),
    text=NAMES,
    number=st.floats(-1e9, 1e9),
    is_simulated=st.booleans(),
    owner=st.fixed_dictionaries({"state": st.sampled_from(Owner.State.values), "is_lead": st.booleans()}),
    collection=st.fixed_dictionaries(
        {
            "every": st.sampled_from(["P1Y", "P3M", "P1M"]), "due_days": st.integers(0, 400),
            "remind_days": st.integers(0, 60),
        }
    ),
    ruling=st.fixed_dictionaries({"value": NUMBERS, "note": NAMES})
    .map(lambda told: {**told, "decision": "seen" if told["value"] is None else "value"}),
)  # fmt: skip
def test_what_comes_back_as_it_went_changes_nothing(
    desk: Desk, names: tuple[str, str], piece: Any, text: str, number: float, is_simulated: bool, owner: Any,
    collection: Any, ruling: Any,
) -> None:  # fmt: skip
    for code, name in zip(("stand", "kitchen"), names, strict=True):
        Organisation.objects.filter(code=code).update(name=name)
    Area.objects.filter(level="town").update(name=names[0])  # towns of one name
    Piece.objects.update(received_by=Person.objects.get(username="chair"), **piece)
    numbers = {"value": number, "is_simulated": is_simulated}
    all_: Sequence[tuple[Any, Any]] = (
        (Decision, {"text": text}), (Owner, owner), (Collection, collection), (Ruling, ruling), (Value, numbers),
        (Measure, numbers),
    )  # fmt: skip
    for model, fields in all_:
        model.objects.update(**fields)
    before, rows = kept(), everything_kept()
    for kind in desk.doors:
        assert desk.send(kind, desk.book(kind)) in (NOTHING[kind], ["已保存 0 个数值。"]), kind
    assert differing(before) == {}
    assert everything_kept() == rows


def test_a_table_with_heads_and_words_of_the_other_language_is_read_as_ones_own(desk: Desk) -> None:
    english = browser(Person.objects.get(username="clerk"), "en")
    Piece.objects.filter(organisation__code="kitchen").delete()
    before = kept()
    for kind, (out, address, form) in desk.doors.items():
        ours, theirs = desk.book(kind), openpyxl.load_workbook(io.BytesIO(english.get(out).content))
        assert ours.active["A1"].value != theirs.active["A1"].value
        assert desk.send(kind, theirs) in (NOTHING[kind], ["已保存 0 个数值。"]), kind
        [answer] = told(english.post(address, {**form, "table": saved(ours)}, follow=True))
        assert answer in UNCHANGED, kind
    assert differing(before) == {}


CHANGES: Mapping[str, Sequence[tuple[str, Any, str, Any]]] = {  # column, strategy, model and fields that change
    "pieces": [
        ("任务", NAMES, "Piece", {"title"}), ("目标值", st.floats(-1e9, 1e9), "Piece", {"target"}),
        ("单位", NAMES, "Piece", {"unit"}),
        ("完成时限", st.dates(date(YEAR, 1, 1), date(YEAR, 12, 31)), "Piece", {"due_on"}),
        ("配合单位", st.none(), "Piece_assists", {"id", "piece_id", "organisation_id"}),
    ],
    "decisions": [
        ("决定事项", NAMES, "Decision", {"text"}), ("责任单位", st.just("kitchen"), "Decision", {"organisation_id"}),
        ("完成日期", st.dates(TODAY, date(YEAR + 9, 1, 1)), "Decision", {"due_on"}),
    ],
    "measures": [("卖出（杯）", st.floats(-1e9, 1e9), "Measure", {field.attname for field in Measure._meta.fields})],
    "values to report": [("数值", st.floats(-1e9, 1e9), "Value", {field.attname for field in Value._meta.fields})],
    "owners": [
        ("分工", st.sampled_from(["牵头", "配合"]), "Owner", {"is_lead", "state", "person_id", "at"}),
        ("状态", st.sampled_from(["已确认", "不是这个单位"]), "Owner", {"state", "person_id", "at"}),
    ],
    "collection": [
        ("报送单位", st.sampled_from(["kitchen", "卫生院（stand）"]), "Collection", {"organisation_id"}),
        ("频次", st.sampled_from(["每年", "每季度", "每月"]), "Collection", {"every"}),
        ("周期结束后多少天到期", st.integers(0, 400), "Collection", {"due_days"}),
    ],
    "order": [("不再等待（是）", st.just("是"), "Dependency", {"id", "before_id", "after_id", "person_id", "at"})],
    "findings": [("理由和依据", NAMES, "Ruling", {field.attname for field in Ruling._meta.fields})],
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_cell_that_changed_changes_just_that(desk: Desk, kind: str, data: st.DataObject) -> None:
    with transaction.atomic():
        one_cell(desk, kind, data)
        transaction.set_rollback(True)


def one_cell(desk: Desk, kind: str, data: st.DataObject) -> None:
    """Change a cell of the table and look what else is another."""
    Organisation.objects.filter(code__in=["stand", "kitchen"]).update(name="卫生院")
    head, values, model, fields = data.draw(st.sampled_from(CHANGES[kind]))
    value, is_moved = data.draw(values), data.draw(st.booleans())
    book = desk.book(kind)
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, heads.index(head) + 1)
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"  # typed as a text, whatever it begins with
    if isinstance(value, date):
        cell.value = data.draw(st.sampled_from([value, *(value.strftime(way) for way in WAYS_OF_DAYS)]))
    if kind == "values to report":
        row = next(row for row in range(2, sheet.max_row + 1) if sheet.cell(row, 4).value == f"{YEAR - 1}")
        cell.value, cell = None, sheet.cell(row, heads.index(head) + 1)
        cell.value, sheet.cell(row, 7).value = value, "更正"
    if is_moved:  # a title above, an empty row, a column of one's own in front
        sheet.insert_cols(1)
        sheet.insert_rows(1, 2)
        sheet["A1"] = "甲县汇总表"
        sheet.merge_cells("A1:C1")
    before = kept()
    said = desk.send(kind, book)
    found = differing(before)
    if not found:
        assert said in (NOTHING[kind], ["已保存 0 个数值。"])  # what was drawn is what was there
        return
    assert list(found) == [model], (said, found)
    [changed] = found[model].values()
    assert changed <= fields and changed  # noqa: PT018


def test_a_name_of_several_units_is_refused_and_what_was_sent_is_not_changed_by_a_table(desk: Desk) -> None:
    Organisation.objects.filter(code__in=["stand", "kitchen"]).update(name="卫生院")
    Piece.objects.filter(organisation__code="stand").update(state="sent", sent_at=timezone.now())
    indicator, meeting = Indicator.objects.get(key="i1").pk, Meeting.objects.get()
    pages = [f"clauses/{desk.clause.pk}", f"indicators/{indicator}", "meetings", f"meetings/{meeting.pk}/1",
             f"tasks/{Task.objects.get(key='t1').pk}"]  # fmt: skip
    for page in pages:  # who chooses a unit sees which of them it is
        form = desk.client.get(f"/plan/{page}/").content.decode()
        assert [code for code in ("stand", "kitchen") if f">卫生院（{code}）<" not in form] == [], page
    book = desk.book("pieces")
    sheet = book.active
    assert [cell.value for cell in sheet["B"]] == ["牵头单位", "卫生院（kitchen）", "卫生院（stand）"]
    sheet["B2"], sheet["E3"], before = "卫生院", 7, kept()
    assert desk.send("pieces", book) == ["未保存：有 2 行不对。"]
    told_ = [
        "第 2 行：卫生院：有多个同名单位，请写成 卫生院（kitchen）、卫生院（stand） 之一。",
        f"第 3 行：卫生院 {YEAR} 年的任务已下达，不能再改。",
    ]
    assert desk.client.post(desk.doors["pieces"][1], {"table": saved(book)}, follow=True).context["problems"] == told_
    decisions = desk.book("decisions")
    decisions.active["C2"] = "卫生院"
    assert "第 2 行：卫生院：有多个同名单位" in desk.send("decisions", decisions)[0]
    assert differing(before) == {}
    Organisation.objects.filter(code="stand").update(name="kitchen")  # the code of another one
    Organisation.objects.filter(code="kitchen").update(name="乡镇、街道")
    assert desk.send("pieces", desk.book("pieces")) == NOTHING["pieces"]


def test_a_table_that_a_clerk_has_worked_on_is_read_or_refused_with_its_fault(desk: Desk) -> None:
    book = desk.book("measures")
    sheet, before = book.active, kept()
    codes = [cell.value for cell in sheet["A"][1:]]
    assert [cell.value for cell in sheet[1]] == ["编号", "名称", "卖出（杯）", "倒掉（升）"]
    sheet.move_range("C1:C9", cols=3)  # a column moved, one of the clerk's own in its place
    sheet["C1"], sheet["F2"], sheet["D2"] = "备注", "１，２００．５", "－３"
    sheet.append([None, "  "])
    other = book.copy_worksheet(sheet)
    other.title = "副本"
    assert desk.send("measures", book) == ["没有保存：有 1 处需要改正。"]
    other["A1"], other.sheet_state = "说明", "visible"
    book.move_sheet(other, -1)  # notes stand on the first sheet
    assert desk.send("measures", book) == ["已保存 2 个数值。"]
    new = Measure.objects.exclude(pk__in=before["Measure"])
    assert sorted(new.values_list("item", "subject", "value")) == [
        ("cups", codes[0], 1200.5),
        ("waste", codes[0], -3.0),
    ]
    kept_now = kept()
    sheet["D2"], sheet["D2"].number_format = 0.85, "0%"  # as Excel keeps what is typed as 85%
    assert problems(desk, "measures", book) == ["第 2 行：倒掉（升）：85% 不是数字。"]
    sheet["D2"], sheet["D2"].number_format = -3, "General"
    for head in ("卖出", "编号"):  # a head that is another one, and one that is there twice
        sheet["F1"] = head
        assert desk.send("measures", book) == ["没有保存：有 1 处需要改正。"]
    assert kept() == kept_now


def problems(desk: Desk, kind: str, book: Any) -> list[str]:
    """What is told of the rows of a table that is not kept."""
    _out, address, form = desk.doors[kind]
    return list(desk.client.post(address, {**form, "table": saved(book)}, follow=True).context["problems"])


def test_who_answers_for_what_is_filled_in_as_tables_and_told_row_by_row(desk: Desk) -> None:
    before = kept()
    owners = desk.book("owners")
    [free] = [row for row in owners.active.iter_rows() if row[0].value == "free"]
    free[3].value, free[4].value, free[5].value = "kitchen", "主办", "已确认"
    owners.active["F2"] = "待确认"
    owners.active.append(["none", "", "", "stand", "牵头", "", ""])
    assert problems(desk, "owners", owners) == [
        "第 2 行：状态：新填或改动的行请写“已确认”或“不是这个单位”。", "第 4 行：分工：主办：应为 牵头、配合 之一。",
        "第 5 行：none：没有这个编码的条款。",
    ]  # fmt: skip
    calendar = desk.book("collection")
    rows = {row[0].value: row for row in calendar.active.iter_rows()}
    for cell, value in zip(rows["free"][3:], ["stand", "每周", 30, 7], strict=False):
        cell.value = value
    rows["i1"][5].value = "很久"
    assert problems(desk, "collection", calendar) == [
        "第 2 行：周期结束后多少天到期：很久 不是 0 到 400 的整数。",
        "第 3 行：频次：每周：应为 每年、每季度、每月 之一。",
    ]  # fmt: skip
    order = desk.book("order")
    order.active.append(["t0", "", "t1", "", ""])
    order.active.append(["t2", "", "t9", "", ""])
    assert problems(desk, "order", order) == ["第 3 行：任务0 会循环等待自己。", "第 4 行：t9：没有这个编码的任务。"]
    findings = desk.book("findings")
    assert [cell.value for cell in findings.active["E"]] == ["裁定", "取值", None]
    findings.active["F3"], findings.active["G2"] = 3, None
    assert problems(desk, "findings", findings) == ["第 2 行：缺少理由和依据。", "第 3 行：缺少裁定。"]
    assert differing(before) == {}
    free[4].value, owners.active["F2"] = "牵头", None
    owners.active.delete_rows(5)
    rows["free"][4].value, rows["i1"][5].value = "每月", "４５"
    rows["i1"][3].value = None
    order.active["A3"], order.active["C3"] = "t2", "t1"
    order.active.delete_rows(4)
    findings.active["E3"], findings.active["F3"], findings.active["G3"] = "已看过", None, "不影响"
    findings.active["E2"], findings.active["F2"], findings.active["G2"] = None, None, None
    said = [desk.send(kind, book) for kind, book in zip(ASSIGNED, (owners, calendar, order, findings), strict=True)]
    assert said == [["改动或新增 1 行。"], ["改动或新增 2 行。"], ["改动或新增 1 行。"], ["改动或新增 2 行。"]]
    made = Owner.objects.get(clause__key="free")
    assert (made.organisation.code, made.is_lead, made.state) == ("kitchen", True, "settled")
    assert made.clause.steps.get().kind == "owner"
    asked = Collection.objects.values_list("indicator__key", "organisation__code", "every", "due_days", "remind_days")
    assert list(asked) == [("free", "stand", "P1M", 30, 7)]
    assert list(Dependency.objects.order_by("pk").values_list("after__key", "before__key")) == [
        ("t1", "t0"),
        ("t2", "t1"),
    ]
    decided = Ruling.objects.order_by("pk").values_list("decision", "value", "note", "person__username")
    assert list(decided)[1:] == [("open", None, "", "clerk"), ("seen", None, "不影响", "clerk")]


def test_who_may_only_look_takes_no_table_in(desk: Desk, county: County) -> None:
    viewer, before = browser(person(county, "plan.plan.view", username="viewer")), everything_kept()
    for kind in ASSIGNED:
        out, address, _form = desk.doors[kind]
        sent = {"table": saved(openpyxl.load_workbook(io.BytesIO(viewer.get(out).content)))}
        assert viewer.post(address, sent).status_code == 403, kind
    assert everything_kept() == before
