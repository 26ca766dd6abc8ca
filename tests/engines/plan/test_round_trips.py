"""Tables of pieces, decisions, collection, measures: sent back as they went they change nothing, else just that cell.

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
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.engines.plan.test_tables import NAMES, NUMBERS, TEXTS
from tests.fixtures import organisation, person
from tests.web.pages import browser, saved, told

from shizhu.engines.plan.models import Clause, Collection, Decision, Indicator, Measure, Meeting, Piece, Plan, Value
from shizhu.kernel.models import Area, County, Organisation, Person
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
TODAY = timezone.localdate()
YEAR = TODAY.year
INDEX = "/plan/indexes/lemonade.street/"
UNITS = st.sampled_from(["卫生院", "乡镇、街道", "甲（kitchen）", "kitchen", "Stand", "ｓｔａｎｄ", " 卫生 院"])
WAYS_OF_DAYS = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m月%d日")
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
    stand, kitchen = organisation(county, "stand"), organisation(county, "kitchen")
    Collection.objects.create(indicator=indicator, organisation=stand, since=date(YEAR - 1, 1, 1))
    Value.objects.create(indicator=indicator, period=f"{YEAR - 1}", value=1, source="reported", note="年报")
    clause = Clause.objects.create(plan=plan, key="c", order=1, kind="text", text="建摊位", place={"from": 1, "to": 1})
    for unit, other in ((stand, kitchen), (kitchen, stand)):
        piece = Piece.objects.create(
            county=county, organisation=unit, area=unit.area, clause=clause, year=YEAR, title="摊位",
            due_on=date(YEAR, 12, 15),
        )  # fmt: skip
        piece.assists.set([other])
    meeting = Meeting.objects.create(plan=plan, title="会", held_on=TODAY, person=person(county, username="chair"))
    for unit in (stand, kitchen):
        Decision.objects.create(meeting=meeting, text="补足", organisation=unit, due_on=TODAY + timedelta(days=9))
    for area in Area.objects.filter(county=county, level="town"):
        Measure.objects.create(
            county=county, index="lemonade.street", item="cups", subject=area.code, year=YEAR, value=1,
            source="reported",
        )  # fmt: skip
    return Desk(
        browser(person(county, "plan.*")), clause, {
            "pieces": (f"/plan/clauses/{clause.pk}/pieces.xlsx", f"/plan/clauses/{clause.pk}/pieces", {}),
            "decisions": (
                f"/plan/meetings/{meeting.pk}/decisions.xlsx", f"/plan/meetings/{meeting.pk}/decisions", {},
            ),
            "collection": ("/plan/collect/?as=xlsx", "/plan/collect/enter", {}),
            "measures": (f"{INDEX}data?year={YEAR}&as=xlsx", f"{INDEX}fill", {"year": f"{YEAR}", "note": "年报"}),
        },
    )  # fmt: skip


def kept() -> dict[str, dict[Any, dict[str, Any]]]:
    """Model → row → field → value."""
    models = (Piece, Piece.assists.through, Decision, Value, Measure, Collection)
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
    "pieces": ["没有改动。"], "decisions": ["新增或改动 0 项议定事项。"], "collection": ["没有填写任何内容。"],
    "measures": ["已保存 0 个数值。"],
}  # fmt: skip


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    names=st.tuples(UNITS, UNITS),
    piece=st.fixed_dictionaries(
        {
            "title": NAMES, "target": NUMBERS, "unit": TEXTS, "is_simulated": st.booleans(),
            "state": st.sampled_from(Piece.State.values), "due_on": st.dates(date(YEAR, 1, 1), date(YEAR, 12, 31)),
        }
    ),
    text=NAMES,
    number=st.floats(-1e9, 1e9),
    is_simulated=st.booleans(),
)  # fmt: skip
def test_what_comes_back_as_it_went_changes_nothing(
    desk: Desk, names: tuple[str, str], piece: Any, text: str, number: float, is_simulated: bool
) -> None:
    for code, name in zip(("stand", "kitchen"), names, strict=True):
        Organisation.objects.filter(code=code).update(name=name)
    Area.objects.filter(level="town").update(name=names[0])  # towns of one name
    Piece.objects.update(received_by=Person.objects.get(username="chair"), **piece)
    Decision.objects.update(text=text)
    for model in (Value, Measure):
        model.objects.update(value=number, is_simulated=is_simulated)
    before, rows = kept(), everything_kept()
    for kind in desk.doors:
        assert desk.send(kind, desk.book(kind)) in (NOTHING[kind], ["已保存 0 个数值。"]), kind
    assert differing(before) == {}
    assert everything_kept() == rows


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
    "collection": [("数值", st.floats(-1e9, 1e9), "Value", {field.attname for field in Value._meta.fields})],
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_cell_that_changed_changes_just_that(desk: Desk, kind: str, data: st.DataObject) -> None:
    Organisation.objects.filter(code__in=["stand", "kitchen"]).update(name="卫生院")
    head, values, model, fields = data.draw(st.sampled_from(CHANGES[kind]))
    value, is_moved = data.draw(values), data.draw(st.booleans())
    book = desk.book(kind)
    sheet = book.active
    heads = [cell.value for cell in sheet[1]]
    cell = sheet.cell(2, heads.index(head) + 1)
    cell.value = value
    if isinstance(value, date):
        cell.value = data.draw(st.sampled_from([value, *(value.strftime(way) for way in WAYS_OF_DAYS)]))
    if kind == "collection":
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
    assert list(found) == [model], said
    [changed] = found[model].values()
    assert changed <= fields and changed  # noqa: PT018


def test_a_name_of_several_units_is_refused_and_what_was_sent_is_not_changed_by_a_table(desk: Desk) -> None:
    Organisation.objects.filter(code__in=["stand", "kitchen"]).update(name="卫生院")
    Piece.objects.filter(organisation__code="stand").update(state="sent", sent_at=timezone.now())
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
    for head in ("卖出", "编号"):  # a head that is another one, and one that is there twice
        sheet["F1"] = head
        assert desk.send("measures", book) == ["没有保存：有 1 处需要改正。"]
    assert kept() == kept_now
