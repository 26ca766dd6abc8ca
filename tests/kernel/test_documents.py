"""A Word document has what it was given, Chinese fonts, and its source and time at the foot."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import docx
import pytest
from django.utils import timezone, translation
from docx.oxml.ns import qn
from lxml import etree

from shizhu.kernel import official
from shizhu.kernel.documents import Heading, Picture, Table
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
        Table([("地点", "南宾街道"), ("天气", "晴")], widths=(4, 12)),
        Table([("1", "瓶")], head=("数量", "单位")),
        Table([], head=("数量", "单位")),
        Picture(drawn(1), "桥下"),
        Picture(b"\x89PNG\r\n\x1a\nbroken", "坏图"),
        Picture(b"RIFF\0\0\0\0WEBP", "网图"),
    ]
    return read(official.filed("一号 案件", parts, source="河长办 HZ-2026-0001", mark="演练"))


def test_every_part_is_there_in_order(document: docx.document.Document) -> None:
    assert [p.text for p in document.paragraphs if p.text] == [
        "一号案件", "一、事实", "南宾街道\n桥下", "（一）细目", "无。", "桥下", "坏图 (请看原文件)",
        "网图 (请看原文件)",
    ]  # fmt: skip
    assert [[[cell.text for cell in row.cells] for row in table.rows] for table in document.tables] == [
        [["地点", "南宾街道"], ["天气", "晴"]],
        [["数量", "单位"], ["1", "瓶"]],
    ]
    (picture,) = document.inline_shapes
    assert picture.width.mm <= 120
    assert picture.height.mm <= 150
    assert max(picture.width.mm / 120, picture.height.mm / 150) == pytest.approx(1, abs=0.01)


def test_a_document_for_the_file_has_the_page_and_type_of_official_ones(document: docx.document.Document) -> None:
    section = document.sections[0]
    assert [round(side.mm) for side in (section.page_width, section.page_height)] == [210, 297]
    sides = section.top_margin, section.left_margin, section.bottom_margin, section.right_margin
    assert [round(side.mm) for side in sides] == [37, 28, 35, 26]
    fonts = {one.text: one.runs[0]._r.rPr.rFonts.get(qn("w:eastAsia")) for one in document.paragraphs if one.text}
    assert fonts["一号案件"] == "方正小标宋简体"
    assert [fonts[one] for one in ("一、事实", "（一）细目", "无。")] == ["黑体", "楷体_GB2312", "仿宋_GB2312"]
    names, counts = (
        [[cell.paragraphs[0].runs[0]._r.rPr.rFonts.get(qn("w:eastAsia")) for cell in row.cells] for row in table.rows]
        for table in document.tables
    )
    assert names == [["黑体", "仿宋_GB2312"]] * 2
    assert counts == [["黑体"] * 2, ["仿宋_GB2312"] * 2]
    assert [one.text for one in section.header.paragraphs] == ["演练"]
    levels = document.element.body.xpath("//w:outlineLvl/@w:val")
    assert levels == ["0", "1"]


def test_the_foot_says_page_source_and_time(document: docx.document.Document) -> None:
    section = document.sections[0]
    for footer in (section.footer, section.even_page_footer):
        number, told = footer.paragraphs
        assert [field.get(qn("w:instr")) for field in number._p.iter(qn("w:fldSimple"))] == ["PAGE"]
        assert re.fullmatch(r"来源：河长办 HZ-2026-0001。生成时间：20\d\d年1?\d月[1-3]?\d日\d\d:\d\d。", told.text)


def test_tables_have_their_widths_where_every_program_looks_for_them(document: docx.document.Document) -> None:
    for table in document.tables:
        columns = [int(one.get(qn("w:w"))) for one in table._tbl.tblGrid.gridCol_lst]
        assert [[cell.width.twips for cell in row.cells] for row in table.rows] == [columns] * len(table.rows)
        whole = table._tbl.tblPr.find(qn("w:tblW"))
        assert whole.get(qn("w:type")) == "dxa"
        assert int(whole.get(qn("w:w"))) == pytest.approx(sum(columns), abs=4)
        assert sum(columns) / 1440 * 25.4 == pytest.approx(156, abs=0.2)
        assert len(table._tbl.xpath(".//w:cantSplit")) == len(table.rows)
    names, counts = document.tables
    assert [round(column.width.mm) for column in names.columns] == [39, 117]
    assert [len(table._tbl.xpath(".//w:tblHeader")) for table in (names, counts)] == [0, 1]


def test_the_file_is_in_chinese_for_whoever_opens_it(document: docx.document.Document) -> None:
    (language,) = document.styles.element.xpath("w:docDefaults/w:rPrDefault/w:rPr/w:lang")
    assert language.get(qn("w:eastAsia")) == "zh-CN"
    settings = document.settings.element
    assert settings.find(qn("w:themeFontLang")).get(qn("w:eastAsia")) == "zh-CN"
    assert settings.find(qn("w:characterSpacingControl")).get(qn("w:val")) == "compressPunctuation"
    assert settings.xpath("w:compat/w:compatSetting[@w:name='compatibilityMode']/@w:val") == ["15"]
    (table,) = (part for part in document.part.package.iter_parts() if part.partname == "/word/fontTable.xml")
    fonts = etree.fromstring(table.blob)
    others = {font.get(qn("w:name")): font.find(qn("w:altName")) for font in fonts}
    named = [others[name].get(qn("w:val")).split(",")[0] for name in ("仿宋_GB2312", "楷体_GB2312", "黑体")]
    assert named == ["仿宋", "楷体", "SimHei"]
    hints = document.element.body.xpath(".//w:r/w:rPr/w:rFonts/@w:hint")
    assert set(hints) == {"eastAsia"}
    about = document.core_properties
    assert (about.title, about.author, about.comments, about.language) == (
        "一号 案件", "河长办 HZ-2026-0001", "", "zh-CN",
    )  # fmt: skip
    assert abs((timezone.now() - about.created).total_seconds()) < 600


def test_what_xml_cannot_hold_is_left_out() -> None:
    document = read(official.filed("甲\0", ["乙\x0b\ud800\uffff丙", Table([("\x1f丁",)])], source="\x02戊"))
    assert [p.text for p in document.paragraphs if p.text] == ["甲", "乙丙"]
    assert document.tables[0].rows[0].cells[0].text == "丁"
    assert document.core_properties.author == "戊"


def test_a_table_at_the_end_makes_no_page_of_its_own() -> None:
    document = read(official.filed("甲", [Table([("乙", "丙")])], source="丁"))
    assert document.paragraphs[-1].paragraph_format.line_spacing.pt == 1


def test_many_columns_have_smaller_type_and_no_number_breaks() -> None:
    heads = ["名次", "镇街", *(f"指标{number}" for number in range(8)), "得分", "理由"]
    row = ["1", "下路街道", *["1,600"] * 8, "96.7", "近十二个月案件四件，其中同类（公用设施）四件，已花一千元。" * 2]
    front = official.Front("头", "1", "甲县", "2026年1月1日", "题")
    (table,) = read(official.official(front, [Table([row], head=heads)])).tables
    sizes = {run.font.size.pt for cell in table.rows[1].cells for run in cell.paragraphs[0].runs}
    assert sizes == {9.0}
    widths = [column.width.mm for column in table.columns]
    assert sum(widths) == pytest.approx(156, abs=0.2)
    for width, text in zip(widths[:-1], row, strict=False):
        longest = len(text) / 2 if text.isascii() else 2  # in characters; Chinese may break, two stay together
        assert width - 3 >= longest * 9 / 72 * 25.4
    few = read(official.official(front, [Table([("甲", "1")], head=("名称", "数"))])).tables[0]
    assert {run.font.size.pt for run in few.rows[1].cells[0].paragraphs[0].runs} == {12.0}


def test_an_imprint_stands_at_the_end_of_the_page_between_rules_as_wide_as_the_text() -> None:
    front = official.Front("头", "1", "甲县", "2026年1月1日", "题")
    made = read(official.official(front, ["文"], imprint=["报：县委", "编辑：甲"]))
    (table,) = made.tables
    assert [row.cells[0].text for row in table.rows] == ["报：县委", "编辑：甲"]
    assert round(table.columns[0].width.mm) == 156
    place = table._tbl.tblPr.find(qn("w:tblpPr"))
    assert [place.get(qn(f"w:{name}")) for name in ("vertAnchor", "tblpYSpec")] == ["margin", "bottom"]
    edges = {edge.tag: edge.get(qn("w:sz")) for edge in table._tbl.tblPr.find(qn("w:tblBorders"))}
    assert edges == {qn("w:top"): "8", qn("w:bottom"): "8", qn("w:insideH"): "4"}


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
        ("桥头镇 桥头雨量站 暴雨应急响应", ["桥头镇桥头雨量站暴雨应急响应"]),
        ("【模拟】关于桥头镇 桥头雨量站 暴雨的情况通报", ["【模拟】关于桥头镇", "桥头雨量站暴雨的情况通报"]),
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
