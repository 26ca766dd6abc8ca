"""A Word document has what it was given, Chinese fonts, and its source and time at the foot."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import docx
import pytest
from django.utils import translation
from docx.oxml.ns import qn

from shizhu.kernel import official
from shizhu.kernel.documents import Heading, Picture, Table, word
from shizhu.kernel.wordcharts import Chart, Series, chart_xml
from shizhu.site.picture import drawn


def read(content: bytes) -> docx.document.Document:
    return docx.Document(io.BytesIO(content))


@pytest.fixture(autouse=True)
def chinese() -> Iterator[None]:
    """Whatever the last request before was in."""
    with translation.override("zh-hans"):
        yield


@pytest.fixture
def document() -> docx.document.Document:
    parts = [
        Heading("事实"),
        "南宾街道\n桥下",
        Heading("细目", 2),
        Table([("地点", "南宾街道"), ("天气", "晴")]),
        Table([("1", "瓶")], head=("数量", "单位")),
        Picture(drawn(1), "桥下"),
        Picture(b"\x89PNG\r\n\x1a\nbroken", "坏图"),
        Picture(b"RIFF\0\0\0\0WEBP", "网图"),
    ]
    return read(word("一号案件", parts, source="河长办 HZ-2026-0001"))


def test_every_part_is_there_in_order(document: docx.document.Document) -> None:
    assert [(p.style.name, p.text) for p in document.paragraphs] == [
        ("Title", "一号案件"),
        ("Heading 1", "事实"),
        ("Normal", "南宾街道\n桥下"),
        ("Heading 2", "细目"),
        ("Normal", "\n桥下"),
        ("Normal", "坏图 (请看原文件)"),
        ("Normal", "网图 (请看原文件)"),
    ]
    assert [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables] == [
        [["地点", "南宾街道"], ["天气", "晴"]],
        [["数量", "单位"], ["1", "瓶"]],
    ]
    assert [shape.width.cm for shape in document.inline_shapes] == [12.0]


def test_names_and_heads_are_bold(document: docx.document.Document) -> None:
    facts, counts = document.tables
    assert [cell.paragraphs[0].runs[0].bold for cell in facts.rows[0].cells] == [True, False]
    assert [[cell.paragraphs[0].runs[0].bold for cell in row.cells] for row in counts.rows] == [[True] * 2, [False] * 2]


def test_fonts_are_those_of_offices_here(document: docx.document.Document) -> None:
    fonts = {
        name: document.styles[name].element.rPr.rFonts.get(qn("w:eastAsia"))
        for name in ("Normal", "Title", "Heading 1", "Heading 2")
    }
    assert fonts == {"Normal": "仿宋", "Title": "黑体", "Heading 1": "黑体", "Heading 2": "黑体"}


def test_the_foot_says_source_time_and_page(document: docx.document.Document) -> None:
    foot = document.sections[0].footer.paragraphs[0]
    assert re.fullmatch(r"来源：河长办 HZ-2026-0001。生成时间：20\d\d-\d\d-\d\d \d\d:\d\d。 {4} / ", foot.text)
    fields = [field.get(qn("w:instr")) for field in foot._p.iter(qn("w:fldSimple"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_what_xml_cannot_hold_is_left_out() -> None:
    document = read(word("甲\0", ["乙\x0b\ud800\uffff丙", Table([("\x1f丁",)])], source="\x02戊"))
    assert [p.text for p in document.paragraphs] == ["甲", "乙丙"]
    assert document.tables[0].rows[0].cells[0].text == "丁"
    assert document.core_properties.author == "戊"


@pytest.mark.parametrize(
    ("head", "size"), [("甲县简报", 36), ("石柱土家族自治县规划评估报告", 31), ("甲" * 40, 22)]
)  # fmt: skip
def test_the_red_head_stands_on_one_line(head: str, size: float) -> None:
    made = read(official.official(official.Front(head, "1", "甲县", "2026年1月1日", "题"), ["文"]))
    assert [run.font.size.pt for run in made.paragraphs[0].runs] == [size]


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("甲县规划2025年度评估报告", ["甲县规划2025年度评估报告"]),
        (
            "甲县科技创新“十四五”规划（2021—2025年）2026年第四季度监测简报",
            ["甲县科技创新“十四五”规划", "（2021—2025年）2026年第四季度监测简报"],
        ),
        (
            "甲县科技创新“十四五”规划（2021—2025年）中期评估报告（2021—2025年）",
            ["甲县科技创新“十四五”规划", "（2021—2025年）中期评估报告", "（2021—2025年）"],
        ),
        ("甲" * 25, ["甲" * 25]),  # nowhere to break it
    ],
)
def test_a_long_title_breaks_where_its_sense_allows(title: str, lines: list[str]) -> None:
    made = read(official.official(official.Front("头", "1", "甲县", "2026年1月1日", title), ["文"]))
    assert lines in [one.text.split("\n") for one in made.paragraphs]
    assert made.core_properties.title == title


@pytest.mark.parametrize("end", ["文", Table([("甲", "乙"), ("丙", "丁")], ("一", "二"))])
def test_no_signature_has_a_page_to_itself(end: str | Table) -> None:
    front = official.Front("头", "1", "甲县", "2026年1月1日", "题")
    made = read(official.official(front, [Heading("一"), end]))
    *_before, issuer, day = made.paragraphs
    assert [bool(one.paragraph_format.keep_with_next) for one in (issuer, day)] == [True, False]
    texts = [one.text for one in made.paragraphs]
    held = made.paragraphs[texts.index("一、一") + 1 : -1]
    assert [bool(one.paragraph_format.keep_with_next) for one in held] == [True] * len(held)
    rows = [row for table in made.tables for row in table.rows]
    kept = [{bool(cell.paragraphs[0].paragraph_format.keep_with_next) for cell in row.cells} for row in rows]
    assert kept == ([{False}, {False}, {True}] if made.tables else [])


@pytest.mark.parametrize(
    ("kind", "values", "is_cut"),
    [("bar", (50, 51.1), True), ("ranking", (50.5, 51), True), ("bar", (-1, 51), False), ("line", (50, 51.5), False)],
)
def test_bars_begin_at_zero(kind: str, values: tuple[float, ...], is_cut: bool) -> None:
    drawn_ = chart_xml(Chart(kind, ("甲", "乙"), (Series("数值", values),), "题")).decode()
    assert ('<c:min val="0"/></c:scaling>' in drawn_) is is_cut


def test_a_value_without_neighbours_is_seen_in_a_line_chart() -> None:
    chart = Chart("line", ("2024", "2025"), (Series("数值", (None, 4)), Series("进度", (3, 5))), "题")
    assert re.findall(r'c:symbol val="(\w+)"', chart_xml(chart).decode()) == ["circle", "none"]
