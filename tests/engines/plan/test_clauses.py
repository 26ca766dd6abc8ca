"""Clauses: read with headings, linked where one promise stands twice, owned by a printed unit or a person's word."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.engines.plan.promises import TEXT
from tests.fixtures import person
from tests.web.pages import browser, told

from shizhu.engines.plan import api
from shizhu.engines.plan.logic import linking
from shizhu.engines.plan.models import Clause, Link, Owner, Plan
from shizhu.kernel import testing
from shizhu.kernel.models import County, Organisation

pytestmark = pytest.mark.django_db
VIEW, ALL = "plan.plan.view", "plan.*"


@pytest.fixture
def plan(county: County) -> Plan:
    for code, name in (("stand", "县摊位管理局"), ("kitchen", "县厨房办")):
        Organisation.objects.filter(county=county, code=code).update(name=name)
    return api.import_text(county, TEXT)


def clause(part: str, kind: str = "text") -> Clause:
    return Clause.objects.get(text__contains=part, kind=kind)


def test_what_promises_is_a_clause_with_its_headings_and_place() -> None:
    found = [(row.kind, row.headings, row.text) for row in api.read(TEXT).clauses]
    chapter = ("第三章 重点任务", "第一节 建设示范摊位")
    box = (*chapter, "专栏1 示范摊位工程")
    annex = ("附件1 甲县柠檬产业发展重点任务分工表",)
    assert found == [
        ("text", ("第二章 总体要求", "第二节 发展目标"), "到2025年，建成标准化示范摊位20个，摊位遮阳率达到80%。"),
        ("text", (*chapter, "扩大示范规模"), "完善摊位认定管理办法，每年开展一次摊主培训。"),
        ("text", (*chapter, "扩大示范规模"), "支持摊主采用可回收杯具。"),
        ("box", (*box, "1. 示范摊位"), "到2025年，建成标准化示范摊位20个，配套遮阳棚。"),
        ("box", (*box, "2. 杯具回收"), "建立杯具回收点，引导顾客归还杯具。"),
        ("task", annex, "示范摊位工程：建成标准化示范摊位20个，配套遮阳棚。"),
        ("task", annex, "杯具回收行动：设置杯具回收点，推广可回收杯具。"),
    ]
    lines = TEXT.splitlines()
    said = [row for row in api.read(TEXT).clauses if row.kind != "task"]
    assert [lines[row.place.first - 1].count(row.text[-8:]) for row in said] == [1, 1, 1, 1, 1]


def test_one_promise_in_text_box_and_annex_is_proposed_once_a_pair() -> None:
    clauses = [
        {**row.__dict__, "quantities": [one.__dict__ for one in row.quantities]} for row in api.read(TEXT).clauses
    ]
    texts = {row["key"]: row["kind"] + row["text"][:6] for row in clauses}
    found = {(texts[one.one], texts[one.other]) for one in linking.likenesses(clauses)}
    assert found == {
        ("text到2025年", "box到2025年"), ("text到2025年", "task示范摊位工程"), ("box到2025年", "task示范摊位工程"),
    }  # fmt: skip


def test_owners_are_matched_and_what_is_unsure_waits_for_a_person(county: County, plan: Plan) -> None:
    first, second = clause("示范摊位工程", "task"), clause("杯具回收行动", "task")
    assert sorted((row.organisation.code, row.is_lead, row.state) for row in Owner.objects.filter(clause=first)) == [
        ("kitchen", False, "settled"), ("stand", True, "settled"),
    ]  # fmt: skip
    assert [(row.organisation.code, row.state) for row in Owner.objects.filter(clause=second)] == [
        ("kitchen", "proposed")
    ]
    clerk = browser(person(county, ALL, username="clerk"))
    assert clerk.get("/plan/clauses/").context["counts"] == {"all": 7, "owned": 1, "free": 6, "linked": 0}
    page = clerk.get(f"/plan/clauses/{second.pk}/")
    assert page.context["unmatched"] == ["县环保志愿者协会"]
    answer = clerk.post(f"/plan/clauses/{second.pk}/owner", {"unit": "kitchen", "as": "lead"}, follow=True)
    assert told(answer) == ["县厨房办：已保存。"]
    owner = Owner.objects.get(clause=second)
    assert (owner.state, owner.person and owner.person.username) == ("settled", "clerk")
    assert clerk.get("/plan/clauses/").context["counts"]["owned"] == 2


def test_linked_clauses_share_their_owner_and_stay_linked_over_a_corrected_text(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    target, row = clause("摊位遮阳率"), clause("示范摊位工程", "task")
    for link in Link.objects.all():
        pair = {link.one_id, link.other_id}
        state = "linked" if pair == {target.pk, row.pk} else "apart"
        sent = {"link": link.pk, "do": state, "note": "同一目标"}
        assert told(clerk.post(f"/plan/clauses/{link.one_id}/link", sent, follow=True)) == ["已裁定。"]
    assert clerk.get("/plan/clauses/").context["counts"] == {"all": 7, "owned": 2, "free": 5, "linked": 2}
    free = clerk.get("/plan/clauses/?show=free")
    shown = {one.clause.pk for section in free.context["sections"] for one in section.rows}
    assert (target.pk in shown, row.pk in shown, len(shown)) == (False, False, 5)
    api.import_text(county, TEXT.replace("每年开展一次", "每年开展两次"))
    assert sorted(Link.objects.values_list("state", flat=True)) == ["apart", "apart", "linked"]
    assert (clause("摊位遮阳率").pk, Clause.objects.count()) == (target.pk, 7)
    assert clerk.get("/plan/clauses/").context["counts"]["owned"] == 2


def test_what_a_person_did_stays_when_the_wording_goes(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    training = clause("摊主培训")
    clerk.post(f"/plan/clauses/{training.pk}/owner", {"unit": "stand", "as": "lead"})
    api.import_text(county, TEXT.replace("每年开展一次", "每年开展两次"))
    training.refresh_from_db()
    page = clerk.get("/plan/clauses/")
    assert (training.is_gone, page.context["counts"]["all"], page.context["gone"]) == (True, 7, [training])


def test_a_new_reading_leaves_what_people_added_and_changed(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    book = openpyxl.load_workbook(io.BytesIO(clerk.get("/plan/tables/tasks.xlsx?plan=plan").content))
    [_heads, first, second] = [[cell.value for cell in row] for row in book.active.iter_rows()]
    assert first[2] == "示范摊位工程"
    book.active.cell(2, 7).value = "县厨房办"
    book.active.append(["added", "", "摊主夜校", "", 2026, 2027, "县摊位管理局", ""])
    sent = io.BytesIO()
    book.save(sent)
    table = SimpleUploadedFile("tasks.xlsx", sent.getvalue())
    assert told(clerk.post("/plan/tables/tasks/take?plan=plan", {"table": table}, follow=True)) == ["改动或新增 2 行。"]
    corrected = TEXT.replace("配套遮阳棚。 | 县摊位", "配套遮阳棚和座椅。 | 县摊位").replace(
        "| 2 | 杯具回收行动", "| 2 | 杯具循环行动"
    )
    api.import_text(county, corrected)
    kept = {task.name: (task.owners, task.source) for task in plan.tasks.all()}
    assert kept == {
        "示范摊位工程": (["县厨房办"], "plan"), "杯具循环行动": (second[6].split("、"), "plan"),
        "摊主夜校": (["县摊位管理局"], "person"),
    }  # fmt: skip
    assert "座椅" in plan.tasks.get(name="示范摊位工程").content


def test_who_has_no_right_settles_nothing_and_another_county_sees_nothing(county: County, plan: Plan) -> None:
    viewer = browser(person(county, VIEW))
    row, link = clause("摊主培训"), Link.objects.first()
    assert link
    before = list(Owner.objects.values_list("pk", "state")), list(Link.objects.values_list("pk", "state"))
    assert viewer.post(f"/plan/clauses/{row.pk}/owner", {"unit": "stand"}).status_code == 403
    assert viewer.post(f"/plan/clauses/{link.one_id}/link", {"link": link.pk, "do": "linked"}).status_code == 403
    assert viewer.post(f"/plan/clauses/{row.pk}/split", {}).status_code == 403
    html = viewer.get(f"/plan/clauses/{row.pk}/").content.decode()
    assert ("/owner" in html, "/split" in html) == (False, False)
    foreign = browser(person(testing.made_up_county("990002"), ALL, username="foreign"))
    paths = [f"/plan/clauses/{row.pk}/", f"/plan/clauses/{row.pk}/pieces.xlsx"]
    assert [foreign.get(path).status_code for path in paths] == [404, 404]
    assert foreign.post(f"/plan/clauses/{row.pk}/owner", {"unit": "990002"}).status_code == 404
    assert foreign.get("/plan/clauses/").context.get("counts") is None
    assert browser(person(county)).get("/plan/clauses/").status_code == 403
    assert before == (list(Owner.objects.values_list("pk", "state")), list(Link.objects.values_list("pk", "state")))


def rows(page: Any) -> list[str]:
    return [one.clause.text for section in page.context["sections"] for one in section.rows]


def test_the_tree_counts_below_each_heading(county: County, plan: Plan) -> None:
    page = browser(person(county, VIEW)).get("/plan/clauses/")
    counts = {section.title: (section.depth, section.counts["all"], section.counts["free"])
              for section in page.context["sections"]}  # fmt: skip
    assert counts["第三章 重点任务"] == (0, 4, 4)
    assert counts["扩大示范规模"] == (2, 2, 2)
    assert counts["附件1 甲县柠檬产业发展重点任务分工表"] == (0, 2, 1)
    assert len(rows(page)) == 7
    row = clause("示范摊位工程", "task")
    tasks = browser(person(county, VIEW, username="reader")).get("/plan/tasks/").content.decode()
    assert row.task is not None
    assert f'<a href="/plan/tasks/{row.task_id}/"><strong>示范摊位工程</strong></a>' in tasks
    page = browser(person(county, VIEW, username="other")).get(f"/plan/tasks/{row.task_id}/").content.decode()
    assert f'href="/plan/clauses/{row.pk}/"' in page
