"""Reports of a plan: made from templates people edit in Word, every number with its source, frozen when issued."""

from __future__ import annotations

import hashlib
import io
import re
from copy import deepcopy
from datetime import datetime, timedelta
from typing import Any
from zipfile import ZipFile
from zoneinfo import ZoneInfo

import docx
import openpyxl
import pdfplumber
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import ProgrammingError, transaction
from django.utils import timezone
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from tests.fixtures import organisation, person
from tests.web.pages import browser, text, told

from shizhu.engines.plan import briefs, computing, facts, reports
from shizhu.engines.plan.models import Budget, Indicator, Plan, Report, Risk, Template, Value
from shizhu.kernel import files, wordtemplates
from shizhu.kernel.models import County, Person, Post

pytestmark = pytest.mark.django_db
VIEW, MAKE, ISSUE, TEMPLATES = "plan.plan.view", "plan.report.make", "plan.report.issue", "plan.template.edit"
YEAR = timezone.localdate().year


@pytest.fixture
def plan(county: County) -> Plan:
    """Three indicators: on the way, behind with a revision, without a value; one task."""
    made = Plan.objects.create(county=county, code="plan", title="甲县规划", source="甲县人民政府")
    aim = {"base_year": YEAR - 4, "base_value": 10.0, "target_year": YEAR + 1, "target_value": 20.0, "unit": "家"}
    clerk = person(county, VIEW, username="统计员", of="stand")
    for key, values in (("摊位", (12, 14, 17.5)), ("座位", (10.5, 11, 11.5)), ("无数", ())):
        row = Indicator.objects.create(
            plan=made, key=key, name=key, base_source="统计年鉴2", place={"from": 7, "to": 8}, **aim
        )
        for number, value in enumerate(values):
            Value.objects.create(
                indicator=row, period=str(YEAR - 3 + number), value=value, source="reported", note="年报", person=clerk
            )
    made.tasks.create(key="t1", no="1", name="建摊", category="平台", period={"from": 2021, "to": 2025}, owners=["站"])
    return made


def made(plan: Plan, kind: str, period: str, by: Person) -> Report:
    report = reports.ask(plan, kind, period, issuer="甲县科技局", serial="3", by=by)
    reports.make(report.pk)
    report.refresh_from_db()
    assert report.state == "done"
    return report


def content(file: Any) -> bytes:
    return files.path_of(file).read_bytes()


def word(report: Report) -> Any:
    return docx.Document(io.BytesIO(content(report.word)))


def rows(table: Any) -> list[list[str]]:
    return [[cell.text for cell in row.cells] for row in table.rows]


def test_who_reported_is_named_by_the_newest_post(county: County, plan: Plan) -> None:
    now = Post.objects.get(person__username="统计员")
    Post.objects.create(
        person=now.person, role=now.role, organisation=organisation(county, "kitchen"), area=now.area,
        starts=now.starts - timedelta(days=900), ends=now.starts - timedelta(days=1),
    )  # fmt: skip
    told = facts.gather(plan, "annual", str(YEAR - 1), timezone.now())
    assert {row["by"] for row in told["sources"] if row["source"] == "reported"} == {now.organisation.name}


def test_the_annual_evaluation_says_where_each_number_comes_from(county: County, plan: Plan) -> None:
    report = made(plan, "annual", str(YEAR - 1), person(county, MAKE))
    document = word(report)
    lines = [paragraph.text for paragraph in document.paragraphs]
    assert report.title == f"甲县规划{YEAR - 1}年度评估报告"
    assert [line for line in lines if line[1:2] == "、"] == [
        "一、总体情况", "二、目标进展", "三、滞后与接近", "四、趋势预测", "五、任务", "六、任务资金与风险",
        "七、乡镇和部门评价",
    ]  # fmt: skip
    assert not [line for line in lines if "{{" in line]
    [score] = [line for line in lines if line.startswith("按权重计算")]
    assert score == "按权重计算，规划目标完成得分为45.0［18］分（满分100分，已知指标占权重67%）。"
    assert "截至" in next(line for line in lines if "达到进度" in line)
    lights = next(rows(table) for table in document.tables if "亮灯" in table.rows[0].cells[-1].text)
    assert [row[1:] for row in lights[1:]] == [
        ["摊位（家）", "10\n［4］", "17.5\n［1］", "16\n［6］", "20\n［5］", "达到进度"],
        ["座位（家）", "10\n［11］", "11.5\n［8］", "16\n［13］", "20\n［12］", "滞后"],
        ["无数（家）", "10\n［15］", "—", "16\n［17］", "20\n［16］", "未判断"],
    ]  # fmt: skip
    [years] = [rows(table) for table in document.tables if table.rows[0].cells[1].text == str(YEAR - 3)]
    assert [row[0] for row in years] == ["指标", "摊位（家）", "座位（家）", "无数（家）"]
    assert {cell.partition("\n")[2][:1] for row in years[1:] for cell in row[1:-1] if cell != "—"} == {"［"}
    sources = rows(document.tables[-1])
    assert [row[0] for row in sources[1:]] == [f"［{number}］" for number in range(1, 19)]
    assert [row[1:4] + row[5:] for row in sources[4:8]] == [
        ["摊位（基期值）", str(YEAR - 4), "10家", "统计年鉴2"],
        ["摊位（目标值）", str(YEAR + 1), "20家", "规划文本，第 7—8 行"],
        ["摊位（应达值）", f"{YEAR - 1}-12-31", "16家", "计算：由 ［4］［5］ 按每年等量推算"],
        ["摊位（趋势预测）", str(YEAR + 1), "22.75家", "计算：由 ［3］［2］［1］ 按最小二乘法作直线推算"],
    ]
    first = next(row for row in sources if row[0] == "［1］")
    assert (first[1], first[2], first[3], first[5]) == ("摊位", str(YEAR - 1), "17.5家", "人工填报，stand，年报")
    assert sources[-1][1:4] + sources[-1][5:] == [
        "甲县规划（加权得分）",
        f"{YEAR - 1}-12-31",
        "45",
        "计算：各指标完成进度（每项按 0 至 100 计）的加权平均",
    ]
    assert "统计员" not in "".join(lines) + "".join(
        cell for table in document.tables for row in rows(table) for cell in row
    )
    book = openpyxl.load_workbook(io.BytesIO(content(report.excel)))
    assert book.sheetnames == ["指标", "分年数值", "任务", "资金", "数据来源"]
    assert [row[1:4] for row in book["数据来源"].iter_rows(values_only=True)][1] == ("摊位", str(YEAR - 1), 17.5)


def test_a_computed_number_is_told_in_words_and_its_code_stands_in_the_annex(county: County, plan: Plan) -> None:
    shaded = plan.indicators.create(
        key="遮阳", name="遮阳", unit="%", target_value=80, formula="lemonade.shaded_stalls"
    )
    shaded.values.create(
        period=str(YEAR - 1), value=31.25, source="formula", inputs={"shaded": 2.5, "stalls": 8.0}
    )  # fmt: skip
    report = made(plan, "annual", str(YEAR - 1), person(county, MAKE))
    [told] = [row for row in rows(word(report).tables[-1]) if row[1] == "遮阳"]
    assert told[5] == "系统计算：有遮阳的摊位占比（有遮阳的 2.5，全部摊位 8）"
    book = openpyxl.load_workbook(io.BytesIO(content(report.excel)))
    [line] = [row for row in book["数据来源"].iter_rows(values_only=True) if row[1] == "遮阳"]
    assert line[6:] == (told[5], "if stalls = 0 then null else 100 * shaded / stalls")


@pytest.mark.parametrize(
    ("title", "first", "asked"),
    [
        ("甲县规划", YEAR - 3, str(YEAR - 1)),  # its earliest base is of the year before
        (f"甲县{YEAR}年工作要点", YEAR, str(YEAR)),
        (f"甲县规划（{YEAR}—{YEAR + 4}年）", YEAR, str(YEAR)),
        (f"甲县规划（{YEAR + 1}—{YEAR + 5}年）", YEAR, str(YEAR)),
    ],
)
def test_no_year_before_the_plan_is_offered(county: County, plan: Plan, title: str, first: int, asked: str) -> None:
    Plan.objects.update(title=title)
    page = browser(person(county, VIEW, MAKE)).get("/plan/reports/")
    offered = {kind: periods for kind, _name, periods in page.context["kinds"]}
    assert offered["annual"] == [str(year) for year in range(YEAR, first - 1, -1)]
    assert {period[:4] for period in offered["quarterly"]} <= set(offered["annual"])
    chosen = re.findall(r"<option selected>([^<]+)</option>", page.content.decode())
    assert chosen[1:] == [asked, asked]


def test_the_appendix_has_the_numbers_that_the_document_uses_and_no_other(county: County, plan: Plan) -> None:
    far = plan.indicators.create(key="远", name="远", target_year=YEAR + 1, target_value=9)
    for year in range(YEAR - 12, YEAR):
        far.values.create(period=str(year), value=year % 7, source="reported")
    for kind, period in (("annual", str(YEAR - 1)), ("quarterly", f"{YEAR - 1}-Q4")):
        report = made(plan, kind, period, person(county, MAKE, username=kind))
        document = word(report)
        *body, appendix = [rows(table) for table in document.tables]
        said = "".join(
            [line.text for line in document.paragraphs] + [cell for one in body for row in one for cell in row]
        )
        listed = {int(row[0][1:-1]) for row in appendix[1:]}
        of = {inner for row in report.facts["sources"] if row["no"] in listed for inner in row.get("of", ())}
        cited = {int(number) for number in re.findall(r"［(\d+)］", said)}
        drawn = {one["source"] for row in report.facts["indicators"] if row["path"] for one in row["years"].values()}
        assert (cited | of) - listed == set()
        assert listed - cited - of - drawn == set()
        assert (len(listed) < len(report.facts["sources"])) == (kind == "quarterly")  # the annual one tells them all


def test_a_plan_without_indicators_has_no_empty_tables(county: County) -> None:
    bare = Plan.objects.create(county=county, code="bare", title="甲县要点")
    document = word(made(bare, "annual", str(YEAR - 1), person(county, MAKE)))
    assert [rows(table)[0] for table in document.tables if len(table.rows) < 2] == []
    said = [line.text for line in document.paragraphs]
    assert said.count("该规划没有指标。") == 2
    assert [line for line in said if "指标 0 项" in line] == []


def test_a_forecast_stands_beside_the_error_it_made_in_the_past(county: County, plan: Plan) -> None:
    report = made(plan, "annual", str(YEAR - 1), person(county, MAKE))
    document = word(report)
    [ahead] = [
        rows(table) for table in document.tables if "历次平均误差" in [cell.text for cell in table.rows[0].cells]
    ]
    assert [(row[0], row[1], row[4]) for row in ahead[1:]] == [
        ("摊位", str(YEAR + 1), "1.5家（1）"), ("座位", str(YEAR + 1), "0家（1）"),
    ]  # fmt: skip
    behind = [line.text for line in document.paragraphs if "用同样方法逐年回测" in line.text]
    assert [line.endswith("与已知值平均相差0家（回测1次）。") for line in behind] == [True]
    sheet = openpyxl.load_workbook(io.BytesIO(content(report.excel)))["指标"]
    heads, first, *_rest = sheet.iter_rows(values_only=True)
    assert dict(zip(heads, first, strict=True)) | {"历次平均误差": 1.5, "回测次数（次）": 1} == dict(
        zip(heads, first, strict=True)
    )


def test_every_source_of_a_number_is_a_link_to_its_line_of_the_appendix(county: County, plan: Plan) -> None:
    """In Word and in the PDF; a template without the appendix has marks, but no links that lead nowhere."""
    who = person(county, MAKE)
    report = made(plan, "annual", str(YEAR - 1), who)
    body = word(report).element.body
    links = [(one.get(qn("w:anchor")), one.find(f".//{qn('w:t')}").text) for one in body.iter(qn("w:hyperlink"))]
    places = [one.get(qn("w:name")) for one in body.iter(qn("w:bookmarkStart"))]
    assert places == [f"source_{number}" for number in range(1, 19)]
    assert [one for one in links if one[0] != f"source_{one[1].strip('［］')}" or one[0] not in places] == []
    assert set(places) == {anchor for anchor, _text in links}
    free = [one.text for one in body.iter(qn("w:t")) if "［" in (one.text or "") and "w:hyperlink" not in parents(one)]
    assert free == [f"［{number}］" for number in range(1, 19)] + [free[-1]]
    with pdfplumber.open(io.BytesIO(content(report.pdf))) as pages:
        leads = [one["data"]["Dest"][0].resolve() for page in pages.pages for one in page.annots]
        last = [page.page_obj.attrs for page in pages.pages if "［1］" in page.extract_text()][-1]
    assert len(leads) == len(links)
    assert last in leads
    bare = docx.Document(io.BytesIO(briefs.house_template("annual")))
    for paragraph in bare.paragraphs:
        if "sources_table" in paragraph.text:
            paragraph.clear()
    out = io.BytesIO()
    bare.save(out)
    reports.keep_template(county, "annual", "t.docx", out.getvalue(), note="", by=who)
    body = word(made(plan, "annual", str(YEAR - 1), who)).element.body
    assert (list(body.iter(qn("w:hyperlink"))), list(body.iter(qn("w:bookmarkStart")))) == ([], [])
    assert "［1］" in [one.text.strip() for one in body.iter(qn("w:t"))]


def parents(element: Any) -> set[str]:
    return {f"w:{one.tag.rpartition('}')[2]}" for one in element.iterancestors()}


def test_its_pdf_holds_the_same_words_and_its_charts(county: County, plan: Plan) -> None:
    report = made(plan, "midterm", str(YEAR - 1), person(county, MAKE))
    with pdfplumber.open(io.BytesIO(content(report.pdf))) as pages:
        said = "".join(page.extract_text() for page in pages.pages)
        shape = {(round(page.width), round(page.height)) for page in pages.pages}
    assert shape == {(595, 842)}
    kept = [line.text.strip() for line in word(report).paragraphs if len(line.text.strip()) > 3]
    assert [line for line in kept if line[1] == "、"] == [
        "一、中期总体情况", "二、目标进展", "三、滞后与接近", "四、目标年预测", "五、任务", "六、任务资金与风险"
    ]  # fmt: skip
    flat = "".join(said.split())
    assert [line for line in kept if "".join(line.split())[:12] not in flat] == []
    assert "— 1 —" in said


def test_what_became_known_later_is_not_in_it(county: County, plan: Plan) -> None:
    who, seats = person(county, VIEW, MAKE), plan.indicators.get(key="座位")
    computing.keep_base(seats)
    report = reports.ask(plan, "annual", str(YEAR - 1), issuer="甲", serial="1", by=who)
    Value.objects.create(
        indicator=plan.indicators.get(key="座位"), period=str(YEAR - 1), value=19, source="reported", note="更正"
    )
    reports.make(report.pk)
    report.refresh_from_db()
    seat = next(row for row in report.facts["indicators"] if row["key"] == "座位")
    assert (seat["now"]["value"], seat["light"]) == (11.5, "red")
    later = made(plan, "annual", str(YEAR - 1), who)
    assert next(row for row in later.facts["indicators"] if row["key"] == "座位")["now"]["value"] == 19
    assert report.digest != later.digest
    page = browser(who).get(f"/plan/reports/{report.pk}/")  # what we said then, what we know now
    assert [(row["what"], row["period"], row["value"], row["now"]) for row in page.context["corrected"]] == [
        ("座位", str(YEAR - 1), 11.5, 19)
    ]
    assert "此后数据有变" in text(page)
    assert reports.corrected(later) == []
    Value.objects.filter(value=19).update(known_at=timezone.now() - timedelta(days=1))
    Value.objects.exclude(value=19).update(known_at=timezone.now() - timedelta(days=3))
    two_days_ago = timezone.localdate() - timedelta(days=2)
    asked = {"kind": "annual", "period": str(YEAR - 1), "issuer": "甲"}
    client = browser(who)
    for wrong in ("2019-01-01", "昨天", f"{timezone.localdate() + timedelta(days=1)}"):
        answer = told(client.post("/plan/reports/make?plan=plan", {**asked, "known": wrong}, follow=True))
        assert answer == [f"数据截至：{wrong} 不是 {YEAR - 1}-01-01 至今天之间的日期。"]
    client.post("/plan/reports/make?plan=plan", {**asked, "known": f"{two_days_ago}"})
    then = Report.objects.latest("pk")
    reports.make(then.pk)
    then.refresh_from_db()
    assert next(row for row in then.facts["indicators"] if row["key"] == "座位")["now"]["value"] == 11.5
    assert f"{timezone.localtime(then.known_at):%F %T}" == f"{two_days_ago} 23:59:59"
    running = reports.ask(plan, "annual", str(YEAR), issuer="甲", serial="1", by=who, on=two_days_ago)
    reports.make(running.pk)
    running.refresh_from_db()
    assert running.facts["day"] == f"{two_days_ago}"  # it is judged as of that day, not the next
    was, seats.base_value = seats.base_value, 8.0
    computing.keep_base(seats)
    told_since = {(row["period"], row["value"], row["now"]) for row in reports.corrected(then)}
    assert told_since == {(str(seats.base_year), was, 8.0), (str(YEAR - 1), 11.5, 19.0)}


def test_a_brief_made_late_knows_of_what_goes_on_what_was_known_on_its_last_day(county: County, plan: Plan) -> None:
    """Of the year that runs, money, nodes and risks: not what came after the quarter."""
    by, year = person(county, MAKE), YEAR - 1
    ends = datetime(year, 4, 1, tzinfo=ZoneInfo("Asia/Shanghai"))
    row = Indicator.objects.create(plan=plan, key="销量", name="销量", base_year=year - 1, base_value=0, unit="杯",
                                   target_year=year, target_value=100)  # fmt: skip
    for days, period, number in ((-9, f"{year}", 30), (9, f"{year}-03", 28), (99, f"{year}", 80)):
        value = Value.objects.create(indicator=row, period=period, value=number, source="reported", person=by)
        Value.objects.filter(pk=value.pk).update(known_at=ends + timedelta(days=days))
    task = plan.tasks.get()
    Budget.objects.create(task=task, year=year, fund="市级", planned=10, spent=2, person=by)
    Budget.pgh_event_model.objects.update(pgh_created_at=ends - timedelta(days=9))
    Budget.objects.update(spent=9)
    Budget.objects.create(task=task, year=year - 1, fund="县级", planned=5, spent=5, person=by)
    risk = {
        "task": task,
        "level": "high",
        "organisation": organisation(county, "stand"),
        "measure": "催",
        "opened_by": by,
    }
    for name, opened, closed in (("早", -9, 9), ("晚", 9, None), ("已", -9, -5)):
        made_ = Risk.objects.create(name=name, **risk)
        over = None if closed is None else ends + timedelta(days=closed)
        Risk.objects.filter(pk=made_.pk).update(opened_at=ends + timedelta(days=opened), closed_at=over)
    told = facts.gather(plan, "quarterly", f"{year}-Q1", timezone.now())
    [sales] = [one for one in told["indicators"] if one["key"] == "销量"]
    assert (sales["now"]["value"], sales["now"]["period"]) == (28, f"{year}-03")  # of March, reported in April
    row.values.filter(period=f"{year}-03").delete()
    again = facts.gather(plan, "quarterly", f"{year}-Q1", timezone.now())["indicators"]
    [sales] = [one for one in again if one["key"] == "销量"]
    assert sales["now"]["value"] == 30  # of the year, as it was said in March
    assert [(one["fund"], one["spent"]["value"]) for one in told["money"]] == [("县级", 5), ("市级", 2)]
    assert [one["name"] for one in told["risks"]] == ["早"]
    whole = facts.gather(plan, "annual", f"{year}", timezone.now())
    assert next(one for one in whole["indicators"] if one["key"] == "销量")["now"]["value"] == 80
    assert [one["spent"]["value"] for one in whole["money"]] == [5, 9]


def test_issued_it_is_never_changed(county: County, plan: Plan) -> None:
    who = person(county, VIEW, MAKE, ISSUE)
    report, client = made(plan, "annual", str(YEAR - 1), who), browser(who)
    address = f"/plan/reports/{report.pk}/"
    before = content(report.word)
    assert "已印发，文件和校验值不能再改" in told(client.post(f"{address}issue", follow=True))[0]
    assert "已经印发" in told(client.post(f"{address}issue", follow=True))[0]
    assert "只有草稿可以撤销" in told(client.post(f"{address}discard", follow=True))[0]
    for change in (lambda: Report.objects.update(title="改"), lambda: Report.objects.all().delete()):
        with pytest.raises(ProgrammingError), transaction.atomic():
            change()
    sent = b"".join(client.get(f"{address}file/word").streaming_content)
    assert (sent, hashlib.sha256(sent).hexdigest()) == (before, report.word.sha256)


def test_a_report_is_made_by_a_job_and_drafts_are_for_those_who_make_them(county: County, plan: Plan) -> None:
    client = browser(person(county, VIEW, MAKE))
    quarter = f"{YEAR - 1}-Q3"
    page = client.post(
        "/plan/reports/make?plan=plan", {"kind": "quarterly", "period": quarter, "issuer": "甲"}, follow=True
    )
    report = Report.objects.get()
    assert (report.state, report.serial, "正在生成报告" in text(page)) == ("waiting", "1", True)
    reports.make(report.pk)
    assert client.get(f"/plan/reports/{report.pk}/progress").headers["HX-Refresh"] == "true"
    assert f"{YEAR - 1}年第三季度" in text(client.get(f"/plan/reports/{report.pk}/"))
    reader = browser(person(county, VIEW))
    assert reader.get(f"/plan/reports/{report.pk}/").status_code == 404
    assert "尚未印发报告" in text(reader.get("/plan/reports/"))
    for asked, why in ((str(YEAR), "不是这类报告的周期"), ("x", "不是这类报告的周期"), ("2199-Q1", "尚未开始")):
        answer = client.post("/plan/reports/make", {"kind": "quarterly", "period": asked, "issuer": "甲"}, follow=True)
        assert why in told(answer)[0]
    assert Report.objects.count() == 1


def test_a_template_edited_in_word_is_used_and_kept_by_version(county: County, plan: Plan) -> None:
    client = browser(person(county, VIEW, TEMPLATES))
    document = docx.Document(io.BytesIO(client.get("/plan/reports/templates/annual.docx").content))
    document.core_properties.author = document.core_properties.last_modified_by = "周某某"
    document.paragraphs[0].insert_paragraph_before("本局专用：{{ county }}，共 {{ all }} 项")
    pieces = document.paragraphs[0].insert_paragraph_before("")
    for part in ("滞后 {", "{ re", "d }", "} 项"):  # as Word cuts what was typed in several goes
        pieces.add_run(part)
    out = io.BytesIO()
    document.save(out)

    def send(body: bytes) -> Any:
        return client.post(
            "/plan/reports/templates/annual/keep", {"file": SimpleUploadedFile("t.docx", body), "note": "加抬头"},
            follow=True,
        )  # fmt: skip

    assert told(send(out.getvalue())) == ["今后使用第 1 版。"]
    report = made(plan, "annual", str(YEAR - 1), person(county, MAKE))
    assert [line.text for line in word(report).paragraphs[:2]] == ["滞后 1 项", "本局专用：甲县，共 3 项"]
    assert report.template == Template.objects.get(version=1)
    properties = word(report).core_properties
    assert (properties.title, properties.author, properties.last_modified_by) == (
        report.title,
        "甲县科技局",
        "甲县科技局",
    )
    document.add_paragraph("{{ total_amount }} 与 {{ lights_table }} {{")
    wrong = io.BytesIO()
    document.save(wrong)
    assert "有 3 处不对" in told(answer := send(wrong.getvalue()))[0]
    assert [part for part in ("total_amount", "lights_table", "大括号") if part not in text(answer)] == []
    assert "不是 Word 文档" in told(send(b"no"))[0]
    assert Template.objects.count() == 1
    client.post("/plan/reports/templates/annual/keep", {"do": "house"})
    both = reports.content_of(reports.template_of(county, "annual"), "annual"), briefs.house_template("annual")
    assert len({ZipFile(io.BytesIO(body)).read("word/document.xml") for body in both}) == 1
    assert wordtemplates.problems(briefs.house_template("midterm"), briefs.WORDS, briefs.BLOCKS) == []


def house(kind: str = "annual") -> Any:
    return docx.Document(io.BytesIO(briefs.house_template(kind)))


def lines_of(document: Any, text: str) -> Any:
    return next(one for one in document.paragraphs if text in one.text)


def taken(county: County, document: Any, by: Person) -> list[tuple[str, ...]]:
    """What is wrong with an edited template; it is used from now on where nothing is."""
    out = io.BytesIO()
    document.save(out)
    found = reports.check(out.getvalue())
    if not found:
        reports.keep_template(county, "annual", "t.docx", out.getvalue(), note="", by=by)
    return [tuple(one) for one in found]


def test_sections_may_be_moved_deleted_and_laid_across_in_word(county: County, plan: Plan) -> None:
    """A chart behind another section, the last two sections deleted, the annex on pages of its own shape."""
    who, document = person(county, MAKE), house()
    lines_of(document, "{{ red_list").insert_paragraph_before()._p.addnext(lines_of(document, "{{ progress_chart")._p)
    for gone in ("六、", "{{ money_table", "{{ risks_table", "七、", "{{ evaluations_table"):
        paragraph = lines_of(document, gone)
        paragraph._p.getparent().remove(paragraph._p)
    place = lines_of(document, "{{ sources_table")
    across = deepcopy(document.sections[0]._sectPr)
    across.pgSz.set(qn("w:orient"), "landscape")
    place._p.get_or_add_pPr().append(across)
    link = OxmlElement("w:hyperlink", {qn("w:anchor"): "x"})
    document.paragraphs[3].insert_paragraph_before("见{{ cou")._p.append(link)
    run = document.paragraphs[3].add_run("nty }}")._r
    link.append(run)
    assert taken(county, document, who) == []
    report = made(plan, "annual", str(YEAR - 1), who)
    body = word(report).element.body
    charts = [one.get("descr") for one in body.iter(qn("wp:docPr"))]
    assert charts[:3] == ["指标亮灯情况", "从基期到目标的完成进度", "座位"]
    assert [one.get(qn("w:orient")) for one in body.iter(qn("w:pgSz"))] == ["landscape", None]
    texts = ["".join(one.text or "" for one in line.iter(qn("w:t"))) for line in body.iter(qn("w:p"))]
    assert "见甲县" in texts
    assert [line for line in texts if line[1:2] == "、"][-1] == "五、任务"
    signed, annex = texts.index("附件"), texts.index("附件：数据来源")
    assert annex < texts.index("甲县科技局", annex) < signed < texts.index("［1］", signed)


def test_what_is_wrong_with_an_edited_template_is_told_with_its_place(county: County, plan: Plan) -> None:
    who, document = person(county, VIEW, TEMPLATES), house()
    lines_of(document, "{{ lights_table").text = "{{ light_table }}"
    gone = lines_of(document, "二、")
    gone._p.getparent().remove(gone._p)
    lines_of(document, "{{ outlook_table").insert_paragraph_before("｛｛ title ｝｝和 { county }")
    document.sections[0].header.paragraphs[0].text = "{{ isuer }}"
    revised = OxmlElement("w:ins", {qn("w:id"): "9", qn("w:author"): "周某某"})
    lines_of(document, "{{ summary")._p.append(revised)
    revised.append(document.paragraphs[0].add_run("新")._r)
    document.add_comment(lines_of(document, "五、").runs, text="改", author="周某某")
    out = io.BytesIO()
    document.save(out)
    sent = {"file": SimpleUploadedFile("t.docx", out.getvalue()), "note": ""}
    page = browser(who).post("/plan/reports/templates/annual/keep", sent, follow=True)
    assert page.context["problems"] == [
        "{{ summary }} 须独占一行，且不在表格内。（在“一、总体情况”之下）",
        "“{{ summary }}新”：有修订尚未接受或拒绝。（在“一、总体情况”之下）",
        "{{ light_table }} 不是模板中可用的名称。 是否应为 {{ lights_table }}？（在“一、总体情况”之下）",
        "“三、滞后与接近”：标题序号与前一个标题不连续。（在“一、总体情况”之下）",
        "“｛｛ title ｝｝和 { county }”：大括号不成对；名称要写在半角的 {{ 和 }} 之间。（在“四、趋势预测”之下）",
        "“五、任务”：有批注，会随报告一起发出，请删除。（在“五、任务”之下）",
        "{{ isuer }} 不是模板中可用的名称。 是否应为 {{ issuer }}？（在页眉中）",
    ]
    assert Template.objects.count() == 0


def test_without_the_right_nothing_is_made_issued_or_taken(county: County, plan: Plan) -> None:
    report = made(plan, "annual", str(YEAR - 1), person(county, MAKE))
    reader = browser(person(county, VIEW))
    asked = {"kind": "annual", "period": str(YEAR - 1), "issuer": "甲"}
    sent = {"file": SimpleUploadedFile("t.docx", briefs.house_template("annual"))}
    answers = [
        reader.post("/plan/reports/make", asked), reader.post(f"/plan/reports/{report.pk}/issue"),
        reader.post(f"/plan/reports/{report.pk}/discard"), reader.post("/plan/reports/templates/annual/keep", sent),
        browser(person(county)).get("/plan/reports/"), browser(person(county)).get("/plan/reports/templates/"),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [403] * 6
    report.refresh_from_db()
    assert (Report.objects.count(), report.issued_at, Template.objects.count()) == (1, None, 0)
