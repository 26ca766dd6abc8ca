"""One result set: recorded item by item, handed over once, told to who holds the applicant's link and nobody else."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from datetime import timedelta
from functools import partial
from typing import Any

import docx
import pytest
from django.test import Client
from django.utils import timezone
from docx.oxml.ns import qn
from tests.engines.cases.test_acting import at_once
from tests.engines.cases.test_approvals import KEY, decide, ready, staff, who
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import acting, api, approvals, flows, results
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.models import Case, Entry, Helper, ResultDelivery, Task
from shizhu.engines.notices.models import Message
from shizhu.kernel import testing
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["staff"]
PDF = b"%PDF-1.7\nhealth"


def applied(county: County, **more: str) -> Case:
    document = {"source": "person", "title": "新摊", "applicant": "甲", **more}
    return api.open_case(api.Opening(KEY, "新摊", area(county, "101"), document))


def closed(county: County, staff: dict[str, Person], **more: str) -> Case:
    """All granted, with a paper of health and its file."""
    case = applied(county, **more)
    decide(case, staff["maker"], "place")
    paper = {"granted": True, "said": "合格", "number": "JK-1", "valid_from": "2026-01-01", "valid_to": "2026-06-30"}
    upload = api.Upload("files", "健康/证.pdf", io.BytesIO(PDF))
    api.answer(who(staff["taster"]), ready(case)["health"].pk, paper, [upload])
    acting.contribute(who(staff["taster"]), Helper.objects.get(task__case=case).pk, "合格")
    decide(case, staff["maker"], "open")
    return Case.objects.get(pk=case.pk)


def link(case: Case) -> str:
    return f"/r/a/{results.secret_of(case)}"


def texts(content: bytes) -> str:
    document = docx.Document(io.BytesIO(content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return "\n".join([*(one.text for one in document.paragraphs), *cells])


@pytest.mark.parametrize(
    ("given", "wrong"),
    [
        ({}, {"number", "valid_from"}), ({"number": "1", "valid_from": "2026-02-30"}, {"valid_from"}),
        ({"number": "1", "valid_from": "2026-02-01", "valid_to": "2026-01-31"}, {"valid_to"}),
        ({"granted": False}, {"rule"}),
    ],
)  # fmt: skip
def test_a_decision_has_what_its_result_needs(
    county: County, staff: dict[str, Person], given: dict[str, Any], wrong: set[str]
) -> None:
    case = applied(county)
    before = testing.everything_kept()
    with pytest.raises(api.AnswerRefused) as refused:
        api.answer(who(staff["taster"]), ready(case)["health"].pk, {"granted": True, "said": "合格", **given})
    assert set(refused.value.problems) == wrong
    assert testing.everything_kept() == before


def test_the_set_goes_out_as_one_package_with_hashes(county: County, staff: dict[str, Person]) -> None:
    case = closed(county, staff, agent="乙")
    page = text(browser(staff["maker"]).get(f"/cases/{case.pk}/approval/"))
    assert [
        one for one in ("健康证/合格证 准予许可", "JK-1", "2026-01-01 – 2026-06-30", "已过有效期") if one not in page
    ] == []
    first, again = (browser(staff["maker"]).get(f"/cases/{case.pk}/results.zip") for _ in range(2))
    archive = zipfile.ZipFile(io.BytesIO(first.content))
    listed, place, sums = archive.namelist()
    assert (listed, place, sums) == (f"办理结果清单-{case.number}.docx", "02-健康证_合格证/1-证.pdf", "SHA256SUMS")
    digest = hashlib.sha256(PDF).hexdigest()
    assert archive.read(place) == PDF == zipfile.ZipFile(io.BytesIO(again.content)).read(place)
    assert archive.read(sums).decode() == f"{digest}  {place}\n"
    said = texts(archive.read(listed))
    made = docx.Document(io.BytesIO(archive.read(listed)))
    assert [round(side.mm) for side in (made.sections[0].page_width, made.sections[0].page_height)] == [210, 297]
    for table in made.tables:  # where every program looks for them
        columns = [int(one.get(qn("w:w"))) for one in table._tbl.tblGrid.gridCol_lst]
        assert [cell.width.twips for cell in table.rows[0].cells] == columns
        assert sum(columns) / 1440 * 25.4 == pytest.approx(156, abs=0.2)
    for one in ("甲", "乙", "JK-1", "2026年1月1日至2026年6月30日", digest, "领取人（签字）", "kitchen"):
        assert one in said
    assert browser(staff["reader"]).get(f"/cases/{case.pk}/results.zip").status_code == 200
    open_ = applied(county)
    older = re.sub(
        rb'paper_zh" value="[^"]+"/>.+paper_en" value="[^"]+"',
        b'paper" value="Z/E"',
        flows.version(KEY, open_.digest)[0].xml,
        flags=re.DOTALL,
    )
    assert [one.paper for one in approvals.items(older)] == [None, {"zh": "Z", "en": "E"}, None]
    assert browser(staff["maker"]).get(f"/cases/{open_.pk}/results.zip").status_code == 404
    stranger = browser(person(county, "cases.duty.view", username="stranger"))
    assert stranger.get(f"/cases/{case.pk}/results.zip").status_code == 403


def test_a_refusal_stands_with_its_rule_beside_what_was_granted(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    decide(case, staff["maker"], "place")
    decide(case, staff["taster"], "health", granted=False)
    case.refresh_from_db()
    assert [one.state for one in results.result_set(case)] == ["granted", "refused", "dropped"]
    content = browser(staff["maker"]).get(f"/cases/{case.pk}/results.zip").content
    archive = zipfile.ZipFile(io.BytesIO(content))
    said = texts(archive.read(archive.namelist()[0]))
    page = text(Client().get(link(case)))
    for one in ("摊贩管理办法第六条", "不合格", "申请行政复议"):
        assert one in said
        assert one in page
    assert "以下事项终止办理：开张核准" in said


def test_the_set_is_handed_over_once_and_to_whom_it_belongs(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    with pytest.raises(CannotNow):  # not all is decided
        results.deliver(who(staff["maker"]), case.pk, "window", "甲", code=results.code_of(case))
    case, other = closed(county, staff), applied(county)
    maker = browser(staff["maker"])
    sent = {"how": "window", "to": "甲", "code": results.code_of(case)}
    before = testing.everything_kept()
    for how, to, code, proof in (
        ("window", "丙", "", ""), ("window", "甲", results.code_of(other), ""),
        ("window", " ", results.code_of(case), ""),
        ("post", "丙", "", "EMS 1"), ("post", "甲", "", ""), ("fly", "甲", results.code_of(case), "x"),
    ):  # fmt: skip
        with pytest.raises(CannotNow):
            results.deliver(who(staff["maker"]), case.pk, how, to, code=code, proof=proof)
    for name in ("taster", "reader", "elsewhere"):
        assert browser(staff[name]).post(f"/cases/{case.pk}/deliver", sent).status_code == 403
    assert Client().get(f"{link(case)}/results.zip").status_code == 404  # not handed over yet
    assert Client().post(link(other), {"act": "take"}).status_code == 409
    assert testing.everything_kept() == before
    came = at_once(
        partial(results.deliver, who(staff["maker"]), case.pk, "window", "甲", code=results.code_of(case)),
        partial(results.take, case.pk),
    )
    assert sorted(came) == ["CannotNow", "done"]
    (made,) = ResultDelivery.objects.all()
    assert made.received_at == made.at
    page = text(maker.post(f"/cases/{case.pk}/deliver", sent, follow=True))
    assert "没有再次交付" in page
    assert ResultDelivery.objects.count() == 1
    assert Client().get(f"{link(case)}/results.zip").status_code == 200


def test_what_went_without_the_code_is_told_and_what_did_not_come_is_handed_over_anew(
    county: County, staff: dict[str, Person]
) -> None:
    case = closed(county, staff)
    maker, applicant = browser(staff["maker"]), Client()
    maker.post(f"/cases/{case.pk}/deliver", {"how": "window", "to": "丙", "proof": "委托书"})
    assert "已交付 丙 窗口领取" in (page := text(applicant.get(link(case))))
    assert "委托书" in page
    Message.objects.all().delete()
    assert applicant.post(link(case), {"act": "missing"}).status_code == 303
    (message,) = Message.objects.all()
    assert (message.title, message.text) == (
        "新摊：申请人反映未收到办理结果，请核查", f"{case.number} · 登记领取人 丙",
    )  # fmt: skip
    assert applicant.post(link(case), {"act": "missing"}).status_code == 409
    assert applicant.get(f"{link(case)}/results.zip").status_code == 404
    results.deliver(who(staff["maker"]), case.pk, "post", "甲", proof="EMS 1")
    assert results.standing(case).received_at is None  # type: ignore[union-attr]
    assert applicant.post(link(case), {"act": "received"}).status_code == 303
    assert results.standing(case).received_at is not None  # type: ignore[union-attr]
    assert [applicant.post(link(case), {"act": act}).status_code for act in ("received", "missing", "take")] == [
        409
    ] * 3
    told = text(maker.get(f"/cases/{case.pk}/approval/"))
    assert [
        one for one in ("交付结果 窗口领取 · 未出示领取码", "申请人反映未收到结果", "交付结果 邮寄", "申请人已收到结果")
        if one not in told
    ] == []  # fmt: skip
    assert list(Entry.objects.filter(case=case).values_list("kind", flat=True))[-4:] == [
        "delivered", "missing", "delivered", "received",
    ]  # fmt: skip


def test_the_link_tells_how_it_goes_and_no_name_of_an_officer(county: County, staff: dict[str, Person]) -> None:
    case = applied(county)
    acting.supplement(who(staff["taster"]), ready(case)["health"].pk, "请补体检表")
    answer = Client().get(link(case))
    page = text(answer)
    assert [one for one in ("请补体检表", "占道许可", "待补正", "甲", case.number) if one not in page] == []
    assert [one for one in ("maker", "taster") if one in page] == []
    assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("private, no-store", "noindex")
    other = applied(county)
    wrong = [
        f"/r/a/{other.pk}-{results.secret_of(case).partition('-')[2]}", f"/r/a/{case.pk}", "/r/a/x-y",
        f"/r/a/{case.pk}-",
        "/r/a/99999999999999999999-a", "/r/a/²-a",
    ]  # fmt: skip
    assert [Client().get(one).status_code for one in wrong] == [404] * len(wrong)
    acting.supplied(who(staff["taster"]), ready(case)["health"].pk)
    assert "请补体检表" not in text(Client().get(link(case)))
    assert "/r/a/" not in browser(staff["reader"]).get(f"/cases/{case.pk}/approval/").content.decode()
    assert link(case) in browser(staff["maker"]).get(f"/cases/{case.pk}/approval/").content.decode()
    Task.objects.filter(case=case).update(due_at=timezone.now() - timedelta(days=1))
    assert "超期" in text(Client().get(link(case)))


def test_what_was_voided_has_no_results(county: County, staff: dict[str, Person]) -> None:
    case = closed(county, staff)
    Case.objects.filter(pk=case.pk).update(is_void=True)
    assert browser(staff["maker"]).get(f"/cases/{case.pk}/results.zip").status_code == 404
    page = text(Client().get(link(case)))
    assert "本件申请已作废，未作准予或不予许可的决定" in page
    assert results.code_of(case) not in page
    assert Client().post(link(case), {"act": "take"}).status_code == 409
    sent = {"how": "window", "to": "甲", "code": results.code_of(case)}
    browser(staff["maker"]).post(f"/cases/{case.pk}/deliver", sent)
    assert not ResultDelivery.objects.exists()


def test_of_two_that_give_the_same_number_at_once_one_is_refused(county: County, staff: dict[str, Person]) -> None:
    tasks = []
    for case in (applied(county), applied(county)):
        decide(case, staff["maker"], "place")
        tasks.append(ready(case)["health"].pk)
    paper = {"granted": True, "said": "合格", "number": "JK-1", "valid_from": "2026-01-01"}
    moves = [partial(api.answer, who(staff["taster"]), task, paper) for task in tasks]
    assert sorted(at_once(*moves)) == ["AnswerRefused", "done"]
