"""The review: text beside rows, findings decided with who, when and why, kept over a corrected file; files sent."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from tests.engines.plan.reader.invented import PLANS
from tests.engines.plan.reader.writing import as_pdf, as_text, as_word
from tests.fixtures import person
from tests.web.pages import browser, text, told

from shizhu.engines.plan import api, rulings, uploads
from shizhu.engines.plan.models import Indicator, Link, Plan, Ruling, Upload
from shizhu.kernel.models import County
from shizhu.kernel.testing import everything_kept

pytestmark = pytest.mark.django_db
VIEW, ALL = "plan.plan.view", "plan.*"
SONGXI = PLANS["songxi"]


@pytest.fixture
def plan(county: County) -> Plan:
    return api.import_file(county, "songxi.docx", as_word(SONGXI.BLOCKS))


def rows(client: Any, shown: str = "contradictions") -> dict[str, dict[str, Any]]:
    page = client.get(f"/plan/review/?show={shown}")
    return {row["title"]: row for row in page.context["rows"]}


def settle(client: Any, row: dict[str, Any], **given: str) -> list[str]:
    sent = {"finding": row["finding"], "show": "contradictions", "note": "统计公报", **given}
    return told(client.post("/plan/review/settle", sent, follow=True))


def test_text_and_rows_lead_to_each_other(county: County, plan: Plan) -> None:
    client = browser(person(county, VIEW))
    page = client.get("/plan/review/")
    shown = {line["number"]: line for line in page.context["lines"]}
    row = rows(client)["高新技术企业数量"]
    assert [(reading["value"], reading["unit"]) for reading in row["readings"]] == [(21, "家"), (18, "家")]
    assert "高新技术企业达到21家" in shown[row["readings"][0]["first"]]["text"]
    cells = dict(shown[row["readings"][1]["first"]]["cells"])
    assert cells["高新技术企业数量"] > cells["家"]  # a column is as wide as what it holds
    html = page.content.decode()
    assert f'id="L{row["readings"][0]["first"]}"' in html
    assert f'data-goto="{row["readings"][0]["first"]}"' in html
    assert "/plan/review/settle" not in html
    assert page.context["tabs"][0] == ("contradictions", 2, 2)


def test_indicators_tell_how_sure_they_are(county: County, plan: Plan) -> None:
    found = rows(browser(person(county, ALL)), "indicators")
    assert (found["财政科技支出"]["percent"], found["在孵企业"]["percent"], found["在孵企业"]["is_sentence"]) == (
        98,
        94,
        True,
    )
    assert [place["first"] for place in found["高新技术企业数量"]["mentions"]] != []


def test_a_growth_has_one_percent_sign(county: County) -> None:
    head = "序号\t指标名称\t单位\t2025年\t2030年\t年均增长（%）\n"
    table = "1\t网络零售额\t亿元\t3.5\t6.2\t12%\n2\t游客接待量\t万人次\t20\t27\t6.2\n"
    api.import_text(county, f"甲县规划（2026—2030年）\n一、目标\n表1 主要指标\n{head}{table}", code="plan")
    page = text(browser(person(county, ALL)).get("/plan/review/?show=indicators"))
    assert [one for one in ("6.2 亿元 · 12% /年", "27 万人次 · 6.2 % /年") if one not in page] == []


def test_a_decision_is_kept_and_given_to_the_indicator(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL, username="clerk"))
    assert settle(clerk, rows(clerk)["高新技术企业数量"], value="21") == ["已裁定。"]
    kept = Ruling.objects.get()
    assert (kept.decision, kept.value, kept.year, kept.note, kept.person.username, kept.subject) == (
        "value", 21, 2020, "统计公报", "clerk", "高新技术企业数量",
    )  # fmt: skip
    base = Indicator.objects.get(name="高新技术企业数量")
    assert base.base_value == 21
    chart = clerk.get(f"/plan/indicators/{base.pk}/").context["chart"]
    assert ([point[1] for point in chart["points"]], chart["path"][0][1]) == ([21], 21)  # not 18, as printed
    page = clerk.get("/plan/review/")
    assert [part for part in ("21 · 统计公报", "clerk", "重新打开") if part not in text(page)] == []
    assert page.context["tabs"][0] == ("contradictions", 2, 1)
    assert clerk.get("/plan/").context["open_questions"] == 1


def test_what_a_person_changed_after_a_decision_stays(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL, username="clerk"))
    settle(clerk, rows(clerk)["高新技术企业数量"], value="21")
    row = Indicator.objects.get(name="高新技术企业数量")
    book = openpyxl.load_workbook(io.BytesIO(clerk.get("/plan/tables/indicators.xlsx?plan=plan").content))
    heads, cells = [cell.value for cell in book.active[1]], {line[0].value: line for line in book.active.rows}
    cells[row.key][heads.index("基期")].value = 23
    out = io.BytesIO()
    book.save(out)
    table = SimpleUploadedFile("t.xlsx", out.getvalue())
    assert told(clerk.post("/plan/tables/indicators/take?plan=plan", {"table": table}, follow=True)) == [
        "改动或新增 1 行。"
    ]
    settle(clerk, rows(clerk)["技术合同成交额"], value="other", other="9")
    row.refresh_from_db()
    assert row.base_value == 23
    settle(clerk, rows(clerk)["高新技术企业数量"], value="21")  # decided anew, it is that
    row.refresh_from_db()
    assert row.base_value == 21


def test_a_corrected_file_keeps_what_was_decided(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    settle(clerk, rows(clerk)["高新技术企业数量"], value="other", other="20")
    longer = ["松溪县人民政府文件", *SONGXI.BLOCKS]
    again = api.import_file(county, "songxi-2.txt", as_text(longer, "pipes").encode())
    assert (again.pk, again.source) == (plan.pk, "songxi-2.txt")
    base = Indicator.objects.get(name="高新技术企业数量")
    assert (base.base_value, [one.value for one in base.values.order_by("pk")]) == (20, [18, 20])
    assert [row["title"] for row in rows(clerk).values() if row["is_open"]] == ["技术合同成交额"]
    corrected = as_text(SONGXI.BLOCKS, "pipes").replace("高新技术企业达到21家", "高新技术企业达到22家")
    api.import_file(county, "songxi-3.txt", corrected.encode())
    assert [row["title"] for row in rows(clerk).values() if row["is_open"]] == ["高新技术企业数量", "技术合同成交额"]
    assert Indicator.objects.get(name="高新技术企业数量").base_value == 18
    assert Ruling.objects.count() == 1


def test_a_finding_is_opened_again_and_history_stays(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    row = rows(clerk)["高新技术企业数量"]
    settle(clerk, row, value="21")
    assert settle(clerk, row, reopen="1", note="") == ["已重新打开。"]
    assert rows(clerk)["高新技术企业数量"]["is_open"]
    assert list(Ruling.objects.order_by("pk").values_list("decision", flat=True)) == ["value", "open"]
    assert settle(clerk, row, value="", note="两处口径不同") == ["已裁定。"]
    assert rulings.newest(plan)[row["finding"]].value is None
    doubt = next(iter(rows(clerk, "unsure").values()))
    assert settle(clerk, doubt, note="看过，无误") == ["已裁定。"]
    assert rulings.newest(plan)[doubt["finding"]].decision == "seen"


def test_what_cannot_be_decided_changes_nothing(county: County, plan: Plan) -> None:
    clerk, viewer = browser(person(county, ALL)), browser(person(county, VIEW))
    row = rows(clerk)["高新技术企业数量"]
    assert settle(clerk, row, value="21", note=" ") == ["请说明理由。"]
    assert settle(clerk, row, value="other", other="很多") == ["很多 不是数字。"]
    assert settle(clerk, row, value="nan") == ["nan 不是数字。"]
    assert settle(clerk, row) == ["请选择以哪个数值为准，或选择不改数值。"]
    assert settle(clerk, {"finding": "0" * 32}, value="21") == ["文中已没有这一条，请重新打开本页。"]
    sent = {"finding": row["finding"], "value": "21", "note": "x"}
    assert viewer.post("/plan/review/settle", sent).status_code == 403
    assert viewer.post("/plan/review/adopt", {"key": "target-01"}).status_code == 403
    assert (viewer.get("/plan/read/").status_code, clerk.get("/plan/review/settle").status_code) == (403, 405)
    assert (Ruling.objects.count(), Indicator.objects.get(name="高新技术企业数量").base_value) == (0, 18)


def test_a_target_of_a_sentence_becomes_an_indicator_and_stays_one(county: County, plan: Plan) -> None:
    clerk = browser(person(county, ALL))
    row = rows(clerk, "indicators")["在孵企业"]
    assert told(clerk.post("/plan/review/adopt", {"key": row["key"]}, follow=True)) == ["在孵企业 已设为指标。"]
    made = Indicator.objects.get(name="在孵企业")
    assert (made.source, made.target_value, made.target_year, made.unit) == ("sentence", 60, 2025, "家")
    assert rows(clerk, "indicators")["在孵企业"]["is_taken"]
    raised = as_text(SONGXI.BLOCKS, "pipes").replace("在孵企业达到60家", "在孵企业达到75家")
    api.import_file(county, "songxi.txt", raised.encode())
    made.refresh_from_db()
    assert made.target_value == 75
    assert told(clerk.post("/plan/review/adopt", {"key": "target-99"}, follow=True)) == [
        "文中已没有这一目标，请重新打开本页。"
    ]


def test_a_target_that_stands_in_two_sentences_is_one_indicator(county: County, plan: Plan) -> None:
    text_ = as_text(SONGXI.BLOCKS, "pipes")
    api.import_file(
        county, "songxi.txt", text_.replace("在孵企业达到60家。", "在孵企业达到60家。科技型在孵企业达到60家。").encode()
    )
    clerk = browser(person(county, ALL))
    keys = {name: row["key"] for name, row in rows(clerk, "indicators").items() if "在孵企业" in name}
    assert set(keys) == {"在孵企业", "科技型在孵企业"}
    assert told(clerk.post("/plan/review/adopt", {"key": keys["在孵企业"]}, follow=True)) == ["在孵企业 已设为指标。"]
    before = everything_kept()
    assert told(clerk.post("/plan/review/adopt", {"key": keys["科技型在孵企业"]}, follow=True)) == [
        "“在孵企业”已是同一目标的指标，未作改动。如确为另一项目标，请点“不是同一项，设为指标”。"
    ]
    assert everything_kept() == before
    page = clerk.get("/plan/review/?show=indicators")
    assert "与此指标目标相同： 在孵企业 不是同一项，设为指标" in text(page)
    clerk.post("/plan/review/adopt", {"key": keys["科技型在孵企业"], "anyway": "1"})
    assert Indicator.objects.filter(source="sentence").count() == 2


def test_a_file_is_sent_read_and_reviewed(county: County) -> None:
    clerk = browser(person(county, ALL, username="clerk"))
    assert "读入文件" in text(clerk.get("/plan/"))
    sent = {"file": SimpleUploadedFile("heping.pdf", as_pdf(PLANS["heping_health"].BLOCKS)), "new": "health"}
    page = clerk.post("/plan/read/", sent, follow=True)
    upload = Upload.objects.get()
    assert (upload.state, upload.code, upload.file.name, upload.person.username) == (
        "waiting",
        "health",
        "heping.pdf",
        "clerk",
    )
    assert "正在读取文件" in text(page)
    assert "HX-Refresh" not in clerk.get(f"/plan/read/{upload.pk}/progress")
    uploads.read(upload.pk)
    upload.refresh_from_db()
    assert (upload.state, upload.done, upload.total) == ("done", upload.total, upload.total)
    assert clerk.get(f"/plan/read/{upload.pk}/progress")["HX-Refresh"] == "true"
    review = clerk.get(f"/plan/read/{upload.pk}/", follow=True)
    assert review.redirect_chain == [("/plan/review/?plan=health", 302)]
    assert Plan.objects.get(code="health").title == "和平县卫生健康事业发展“十四五”规划"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"%PDF-1.4 broken", "PDF 文件已损坏。请重新打印成 PDF 后上传。"),
        (b"\xff\xff\x00\x01", "文件不是纯文本、docx、PDF 或网页。"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(county: County, content: bytes, message: str) -> None:
    clerk = browser(person(county, ALL))
    clerk.post("/plan/read/", {"file": SimpleUploadedFile("a.pdf", content), "new": "plan"})
    upload = Upload.objects.get()
    uploads.read(upload.pk)
    assert message in text(clerk.get(f"/plan/read/{upload.pk}/"))
    assert Plan.objects.count() == 0


def test_what_is_sent_wrongly_is_refused(county: County) -> None:
    clerk = browser(person(county, ALL))
    file = SimpleUploadedFile("a.txt", "规划".encode())
    assert told(clerk.post("/plan/read/", {"new": "plan"}, follow=True)) == ["请选择文件。"]
    assert told(clerk.post("/plan/read/", {"file": file, "new": "../x"}, follow=True)) == [
        "简称由小写字母、数字和连字符组成，如 plan-2030。"
    ]
    Plan.objects.create(county=county, code="old", title="旧规划", text="旧")  # it is not overwritten by mistake
    for code, new, why in (
        ("old", "next", "已选了规划，又填了新规划的简称。如是新规划，请选“另一个规划”；否则清空简称。"),
        ("", "old", "已有简称为 old 的规划。请在列表中选它，或另填一个简称。"),
    ):
        file.seek(0)
        page = clerk.post("/plan/read/", {"file": file, "code": code, "new": new}, follow=True)
        assert told(page) == [why]
        assert (page.context["code"], page.context["new"]) == (code, new)  # what was typed is still there
    assert Upload.objects.count() == 0


UNLIKE = """甲县柠檬产业发展“十四五”规划
（2021—2025年）

第二章 总体要求
第二节 发展目标
到2025年，建成县级示范摊位20个，配套遮阳棚和杯具回收点，摊位遮阳率达到80%。

第三章 重点任务
第一节 建设网点
到2025年，建成标杆网点20个，配套遮阳棚和杯具回收点。
"""


def test_clauses_linked_as_one_target_make_one_indicator(county: County) -> None:
    plan = api.import_text(county, UNLIKE)
    clerk, viewer = browser(person(county, ALL)), browser(person(county, VIEW))
    keys = {name: row["key"] for name, row in rows(clerk, "indicators").items()}
    assert set(keys) == {"县级示范摊位", "摊位遮阳率", "标杆网点"}

    def adopt(name: str, **given: str) -> list[str]:
        return told(clerk.post("/plan/review/adopt", {"key": keys[name], **given}, follow=True))

    for name in ("摊位遮阳率", "县级示范摊位", "标杆网点"):  # nobody said yet that two of them are one
        assert adopt(name) == [f"{name} 已设为指标。"]
    said = {one.text[9:13]: one.indicator and one.indicator.name for one in plan.clauses.select_related("indicator")}
    assert said == {"县级示范": None, "标杆网点": "标杆网点"}  # a clause that states two indicators is of neither
    link = Link.objects.get()
    clerk.post(f"/plan/clauses/{link.one_id}/link", {"link": link.pk, "do": "linked", "note": "同一目标"})
    shown = rows(clerk, "indicators")
    assert {name: row["twin"] and row["twin"].name for name, row in shown.items()} == {
        "县级示范摊位": "标杆网点", "标杆网点": "县级示范摊位", "摊位遮阳率": None,
    }  # fmt: skip
    assert adopt("标杆网点", undo="1") == ["标杆网点 不再是指标。"]
    before = everything_kept()
    assert adopt("标杆网点") == [
        "“县级示范摊位”已是同一目标的指标，未作改动。如确为另一项目标，请点“不是同一项，设为指标”。"
    ]
    assert everything_kept() == before
    Indicator.objects.get(name="县级示范摊位").values.create(period="2024", value=12, source="reported")
    before = everything_kept()
    assert adopt("县级示范摊位", undo="1") == ["“县级示范摊位”已有填报数或已指定填报单位，未作改动。"]
    assert clerk.post("/plan/review/adopt", {"key": "nothing", "undo": "1"}).status_code == 404
    assert viewer.post("/plan/review/adopt", {"key": keys["摊位遮阳率"], "undo": "1"}).status_code == 403
    assert everything_kept() == before


def test_a_clause_knows_the_indicator_that_was_made_of_it(county: County) -> None:
    plan = api.import_text(county, UNLIKE)
    clerk = browser(person(county, ALL))
    key = rows(clerk, "indicators")["县级示范摊位"]["key"]
    clerk.post("/plan/review/adopt", {"key": key})
    first, second = plan.clauses.all()
    assert (first.indicator and first.indicator.name, second.indicator) == ("县级示范摊位", None)
    clerk.post(f"/plan/clauses/{second.pk}/owner", {"unit": "stand", "as": "lead"})
    link = Link.objects.get()
    clerk.post(f"/plan/clauses/{link.one_id}/link", {"link": link.pk, "do": "linked", "note": "同一目标"})
    page = clerk.get(f"/plan/indicators/{Indicator.objects.get().pk}/")
    assert [one.code for one in page.context["leads"]] == ["stand"]
    clerk.post(f"/plan/clauses/{link.one_id}/link", {"link": link.pk, "do": "apart", "note": "两项"})
    assert [one.indicator_id for one in plan.clauses.all()] == [first.indicator_id, None]
