"""Reports: a Word document after GB/T 9704 whose figures are those of the board, for those who may see all of it."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from docx.oxml.ns import qn
from lxml import etree
from openpyxl import load_workbook
from tests.fixtures import TOY, person
from tests.web.pages import browser, text, told

from shizhu.engines.boards import panels, periods, reports
from shizhu.engines.boards.models import Report
from shizhu.engines.boards.shown import shown
from shizhu.engines.records.models import Record
from shizhu.kernel import access, files, official, packs, spans
from shizhu.kernel.models import County, Declaration, File
from shizhu.kernel.wordcharts import Chart, Series, chart_xml

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
STALLS, DAY = "records.lemonade.stall.view", date(2026, 7, 15)
OPENED = {"time": "opened", "span": "day"}
PANELS = [
    {"key": "new", "kind": "number", "compare": "before", "query": {"during": OPENED}},
    {"key": "all", "kind": "number", "query": {}},
    {"key": "seats", "kind": "number", "query": {"measure": "sum", "field": "seats"}},
    {"key": "kinds", "kind": "bar", "query": {"by": ["kind"]}},
    {"key": "rows", "kind": "table", "query": {"rows": ["kind", "seats"], "order": "seats"}},
    {"key": "town_seats", "kind": "ranking", "query": {"by": ["_town"], "measure": "sum", "field": "seats"}},
    {"key": "town_stalls", "kind": "ranking", "query": {"by": ["_town"]}},
]
RANKING = {"inputs": {"s": "town_seats", "n": "town_stalls"}, "score": "if n = 0 then null else s / n"}
TOLD = {"zh": "{day}{county}新开 {new} 家，共 {all} 家。", "en": "x"}
STALL = {"heading": {"zh": "摊位", "en": "Stalls"}}
SECTIONS = [
    {"title": {"zh": "总体", "en": "All"}, "parts": [{"text": TOLD}, {"figures": ["new", "all", "seats"]}]},
    {"title": {"zh": "明细", "en": "Rows"}, "parts": [STALL, {"table": "rows"}, {"chart": "kinds"}]},
    {"title": {"zh": "排名", "en": "Places"}, "parts": [{"ranking": RANKING}]},
]  # fmt: skip


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    panels.forget()
    yield
    panels.forget()


@pytest.fixture
def body(county: County, stall: Any) -> dict[str, Any]:
    """The report county.daily of stalls, three of them."""
    own = []
    for panel in PANELS:
        query = {"from": "records", "of": "lemonade.stall", **panel["query"]}
        own.append({**panel, "title": {"zh": f"图{panel['key']}", "en": panel["key"]}, "query": query})
    made = {
        "title": {"zh": "摊位日报", "en": "Stalls"}, "issuer": {"zh": "甲县摊办", "en": "Office"}, "period": "day",
        "panels": own, "sections": SECTIONS,
    }  # fmt: skip
    Declaration.objects.create(kind="reports", key="county.daily", county=county, body=made, digest="", source="county")
    packs.forget()
    stall(kind="cart", seats=4, opened="2026-07-15", area="101")
    stall(kind="cart", seats=2, opened="2026-07-14", area="101")
    stall(kind="booth", seats=9, opened="2026-07-15", area="102")
    return made


def opened(report: Report) -> docx.document.Document:
    return docx.Document(io.BytesIO(files.path_of(report.file).read_bytes()))


def tables(document: docx.document.Document) -> list[list[list[str]]]:
    return [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables]


def test_what_packcheck_says_of_it(county: County, body: dict[str, Any]) -> None:
    check = packs.kinds()["reports"].check
    lemonade = packs.read(TOY)
    own = {**body, "panels": [panel | {"query": {**panel["query"]}} for panel in body["panels"]]}
    assert list(check("lemonade.daily", own, {"lemonade": lemonade})) == []
    wrong = {
        **own,
        "sections": [
            {"title": {}, "parts": [{"table": "nothing"}, {"ranking": {"inputs": {"a": "all"}, "score": "a"}}]}
        ],
    }
    assert list(check("lemonade.daily", wrong, {"lemonade": lemonade})) == [
        "sections[0].parts[0].table: nothing: there is no such panel",
        "sections[0].parts[1].ranking: all: must be put together by _town",
    ]


def test_its_figures_are_those_of_the_panels(county: County, body: dict[str, Any]) -> None:
    report = reports.make("county.daily", county, DAY)
    document = opened(report)
    paragraphs = [paragraph.text for paragraph in document.paragraphs]
    assert report.title == "摊位日报（2026年7月15日）"
    assert "2026年7月15日甲县新开 2 家，共 3 家。" in paragraphs
    assert [line for line in paragraphs if re.match(r"[一二三四]、|（", line)] == [
        "一、总体", "二、明细", "（一）摊位", "三、排名", "四、数据说明",
    ]  # fmt: skip
    figures, rows, ranking, accounts = tables(document)
    who = access.actor(person(county, STALLS))
    for panel, row in zip(body["panels"][:3], figures[1:], strict=True):
        asked = panels.ask(panel, who, county.pk, periods.of("day", DAY).end)
        assert row[1] == shown(panel, asked).value, row
    assert figures == [
        ["指标", "数值", "单位", "较上期", "来源"], ["图new", "2", "—", "+1", "摊位"], ["图all", "3", "—", "—", "摊位"],
        ["图seats", "15", "—", "—", "摊位"],
    ]  # fmt: skip
    assert rows == [
        ["名称", "类型", "座位"], ["2号摊", "推车", "2"], ["1号摊", "推车", "4"], ["3号摊", "亭子", "9"],
    ]  # fmt: skip
    assert ranking == [
        ["名次", "乡镇", "图town_seats", "图town_stalls", "得分"],
        ["1", "西镇", "9", "1", "9"],
        ["2", "东镇", "6", "2", "3"],
    ]
    assert [row[:2] + row[3:] for row in accounts[1:3]] == [
        ["图new", "摊位", "0 / 2", "—"],
        ["图all", "摊位", "0 / 3", "—"],
    ]
    assert any("if n = 0 then null else s / n" in line and "s = 图town_seats" in line for line in paragraphs)


def test_its_chart_is_words_native_one_with_its_numbers(county: County, body: dict[str, Any]) -> None:
    report = reports.make("county.daily", county, DAY)
    with ZipFile(files.path_of(report.file)) as archive:
        (place,) = [name for name in archive.namelist() if name.startswith("word/charts/chart")]
        chart = etree.fromstring(archive.read(place))
        (book,) = [name for name in archive.namelist() if name.endswith(".xlsx")]
        sheet = load_workbook(io.BytesIO(archive.read(book)))["Sheet1"]
        kinds = archive.read("[Content_Types].xml").decode()
    names = {"c": "http://schemas.openxmlformats.org/drawingml/2006/chart"}
    assert chart.xpath("//c:barChart//c:cat//c:v/text()", namespaces=names) == ["推车", "亭子"]
    assert chart.xpath("//c:barChart//c:val//c:v/text()", namespaces=names) == ["2", "1"]
    assert list(sheet.values) == [(None, "图kinds"), ("推车", 2), ("亭子", 1)]
    assert "drawingml.chart+xml" in kinds
    alternative = opened(report).element.body.xpath("//wp:docPr/@descr")
    assert alternative == ["图kinds"]


def test_its_page_and_type_are_those_of_gb_9704() -> None:
    front = official.Front("甲县日报", "2026年第196期", "甲县办公室", "2026年7月16日", "甲县日报（2026年7月15日）")
    lines = [Series("一", [1, None]), Series("二", [3, 4.5])]
    parts = [
        "正文",
        official.Chart("line", ["1", "2"], lines, "走势", "条"),
        Chart("pie", ["甲"], [Series("a", [1])], "占比"),
    ]
    document = docx.Document(io.BytesIO(official.official(front, parts)))
    section = document.sections[0]
    sides = (section.top_margin, section.bottom_margin, section.left_margin, section.right_margin)
    assert [round(side.mm) for side in sides] == [37, 35, 28, 26]
    assert (round(section.page_width.mm), round(section.page_height.mm)) == (210, 297)
    grid = section._sectPr.find(qn("w:docGrid"))
    assert (grid.get(qn("w:type")), round(int(grid.get(qn("w:linePitch"))) / 20 * 22 / 72 * 25.4)) == ("lines", 225)
    pitch = 16 + int(document.styles["Normal"].element.rPr.find(qn("w:spacing")).get(qn("w:val"))) / 20
    assert 28 * pitch <= 156 / 25.4 * 72 < 29 * pitch
    fonts = {
        paragraph.text: (paragraph.runs[0]._r.rPr.rFonts.get(qn("w:eastAsia")), paragraph.runs[0].font.size.pt)
        for paragraph in document.paragraphs
        if paragraph.text
    }
    assert fonts["甲县日报（2026年7月15日）"] == ("方正小标宋简体", 22)
    assert fonts["正文"] == ("仿宋_GB2312", 16)
    assert document.settings.odd_and_even_pages_header_footer is True
    body = next(p for p in document.paragraphs if p.text == "正文")
    assert body._p.pPr.ind.get(qn("w:firstLineChars")) == "200"
    assert round(body.paragraph_format.line_spacing.pt * 22 / 72 * 25.4) == 225


@pytest.mark.parametrize(
    ("issuer", "day", "indents"),
    [("甲县办公室", "2026年7月16日", [5.5, 2]), ("甲县河长制工作领导小组办公室", "2026年7月16日", [2, 7.5])],
)
def test_the_day_begins_two_characters_right_of_who_issues_it(issuer: str, day: str, indents: list[float]) -> None:
    front = official.Front("甲", "一", issuer, day, "题")
    *_before, name, date_ = docx.Document(io.BytesIO(official.official(front, ["正文"]))).paragraphs
    assert [(line.text, line.paragraph_format.right_indent.pt / 16) for line in (name, date_)] == [
        (issuer, indents[0]), (day, indents[1]),
    ]  # fmt: skip


def test_what_is_counted_is_drawn_in_wholes() -> None:
    def axis(*values: float | None) -> tuple[bool, bool]:
        drawn = chart_xml(Chart("bar", ["甲"] * len(values), [Series("a", values)], "x")).decode()
        return '<c:majorUnit val="1"/>' in drawn, '<c:max val="1"/>' in drawn

    assert [axis(0, 0), axis(3, None), axis(30), axis(1.5)] == [
        (True, True), (True, False), (False, False), (False, False),
    ]  # fmt: skip
    days = ["2026-07-15", "2026-07-16"]
    assert reports._short(days) == ["07-15", "07-16"]
    assert reports._short(["2026-07-15 00:00", "2026-07-15 01:00"]) == ["00:00", "01:00"]
    assert reports._short([*days, "东镇"]) == [*days, "东镇"]


def test_only_who_may_see_all_of_it_reads_it(county: County, body: dict[str, Any]) -> None:
    report = reports.make("county.daily", county, DAY)
    address, view = f"/boards/reports/{report.pk}/", "boards.report.view"
    cases = {
        "whole": (person(county, view, STALLS), 200, 1),
        "no_stalls": (person(county, view, "cases.case.view"), 403, 0),
        "stalls_of_a_town": (person(county, view, STALLS, in_area="101"), 403, 0),
        "no_reports": (person(county, STALLS), 403, None),
    }
    for name, (who, status, listed) in cases.items():
        client = browser(who)
        answer = client.get(address)
        assert answer.status_code == status, name
        if status == 200:
            assert b"".join(answer.streaming_content)
        page = client.get("/boards/reports/")
        assert (len(page.context["page"]) if page.status_code == 200 else None) == listed, name
    answer = browser(cases["whole"][0]).get(address)
    content = b"".join(answer.streaming_content)
    assert content == files.path_of(report.file).read_bytes()
    assert "%E6%91%8A%E4%BD%8D%E6%97%A5%E6%8A%A5-2026-07-15.docx" in answer["Content-Disposition"]


def test_it_is_made_anew_by_those_with_the_right(county: County, body: dict[str, Any]) -> None:
    view, make = "boards.report.view", "boards.report.make"
    maker, reader = person(county, view, make, STALLS, username="maker"), person(county, view, STALLS)
    blind = person(county, view, make)
    form = {"key": "county.daily", "day": "2026-07-15"}
    before = File.objects.count()
    assert [browser(who).post("/boards/reports/make", form).status_code for who in (reader, blind)] == [403, 403]
    assert (Report.objects.count(), File.objects.count()) == (0, before)
    client = browser(maker)
    for day, message in (("", "请选择报告的日期。"), ("2099-01-01", "只能生成已经开始的日期的报告。")):
        assert told(client.post("/boards/reports/make", {**form, "day": day}, follow=True)) == [message]
    assert client.post("/boards/reports/make", {**form, "key": "county.none"}).status_code == 404
    assert told(client.post("/boards/reports/make", form, follow=True)) == ["已生成摊位日报（2026年7月15日）。"]
    first = Report.objects.get()
    Record.objects.filter(title="1号摊").update(state="withdrawn")
    client.post("/boards/reports/make", form)
    again = Report.objects.get()
    assert (again.pk, again.made_by, again.file_id != first.file_id) == (first.pk, maker, True)
    assert tables(opened(again))[0][1][1] == "1"
    assert "maker" in text(client.get("/boards/reports/"))


def test_the_timetable_makes_what_is_over_once(county: County, body: dict[str, Any]) -> None:
    assert (reports.make_due(), reports.make_due()) == (1, 0)
    made = Report.objects.get()
    yesterday = datetime.now(UTC).astimezone(spans.COUNTY_ZONE).date() - timedelta(days=1)
    assert (made.period, made.made_by) == (yesterday.isoformat(), None)


@pytest.mark.parametrize(
    ("kind", "today", "name", "end"),
    [
        ("day", date(2026, 3, 1), "2026-02-28", "2026-02-28T16:00:00+00:00"),
        ("month", date(2026, 1, 31), "2025-12", "2025-12-31T16:00:00+00:00"),
        ("month", date(2026, 3, 1), "2026-02", "2026-02-28T16:00:00+00:00"),
    ],
)
def test_periods_end_at_midnight_of_the_county(kind: str, today: date, name: str, end: str) -> None:
    found = periods.before(kind, today)
    assert (found.name, found.end.isoformat()) == (name, end)
