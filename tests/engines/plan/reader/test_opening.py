"""Files of every kind become lines: encodings, Word's numbers and frames, pages of a PDF; errors say what to do."""

from __future__ import annotations

import io
import random
import zipfile

import docx
import pytest
from docx.document import Document
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.text.paragraph import Paragraph
from PIL import Image, ImageDraw
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from tests.engines.plan.reader.invented import PLANS
from tests.engines.plan.reader.told import in_tables, row_of
from tests.engines.plan.reader.writing import FONT, LEFT, UP, Sheet, as_pdf, as_word, saved

from shizhu.engines.plan.logic.opening import FileUnreadable, open_file
from shizhu.engines.plan.logic.opening.numbers import hans, numeral
from shizhu.engines.plan.logic.reader import read
from shizhu.engines.plan.logic.reading import read_file

TEXT = "石桥县水利规划\n表1 主要指标\n|序号|指标|2020年|2025年|\n|1|水库（座）|3|5|\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_text_is_read_in_its_encoding(encoding: str) -> None:
    told = read_file("a.txt", TEXT.encode(encoding))
    assert [(item.name, item.unit, item.target.value) for item in told.document.indicators] == [("水库", "座", 5)]
    assert told.as_json()["source"] == {"kind": "txt", "pages": []}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_a_broken_character_is_told_and_the_rest_is_read(encoding: str) -> None:
    whole = TEXT.encode(encoding)
    document = read_file("a.txt", whole[:6] + b"\xff" + whole[6:]).document
    assert [item.name for item in document.indicators] == ["水库"]
    assert [(doubt.rule, doubt.place.first) for doubt in document.unsure][:1] == [("broken-character", 1)]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\xff\xfa\xff\xfa", "a.bin is neither text (UTF-8, UTF-16 or GB 18030) nor docx, PDF or HTML"),
        (b"\xff\xff\x00\x01", "a.bin is neither text (UTF-8, UTF-16 or GB 18030) nor docx, PDF or HTML"),
        (b"\xd0\xcf\x11\xe0rest", "a.bin is a file of an old Office or an encrypted one: save it as docx"),
        (b"%PDF-1.4 broken", "a.bin is a damaged PDF: print it to PDF anew and try again"),
        (b"PK\x03\x04broken", "a.bin is a damaged docx: open it in Word, save it anew and try again"),
        (b" \n\n", "a.bin holds no text: look whether it is the right file and try again"),
        (rb"{\rtf1\ansi}", "a.bin is neither text (UTF-8, UTF-16 or GB 18030) nor docx, PDF or HTML"),
        (b"<?xml version='1.0'?><w:wordDocument/>", "a.bin is neither text (UTF-8, UTF-16 or GB 18030) nor docx"),
    ],
)
def test_a_file_that_cannot_be_opened_says_what_to_do(content: bytes, told: str) -> None:
    with pytest.raises(FileUnreadable) as refused:
        open_file("a.bin", content)
    assert told in str(refused.value)


def test_a_text_in_big5_is_refused() -> None:
    text = "雲溪縣發展規劃（2021—2025年）\n到2025年，森林覆蓋率達到62%，新建水庫2座，人均收入增長6%。\n"
    with pytest.raises(FileUnreadable, match="written in Big5"):
        open_file("a.txt", text.encode("big5"))


def test_an_archive_that_is_no_word_document_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        packed.writestr("xl/workbook.xml", "<x/>")
    with pytest.raises(FileUnreadable, match="is packed but no Word document"):
        open_file("a.xlsx", out.getvalue())


def _list(document: Document, number: int, levels: list[tuple[str, str]]) -> None:
    """Add a list with its levels: form and what is printed."""
    root = document.part.numbering_part.element
    inner = "".join(
        f'<w:lvl w:ilvl="{depth}"><w:start w:val="1"/><w:numFmt w:val="{form}"/><w:lvlText w:val="{text}"/></w:lvl>'
        for depth, (form, text) in enumerate(levels)
    )
    abstract = parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{number}">{inner}</w:abstractNum>')
    root.find(qn("w:num")).addprevious(abstract)
    link = f'<w:num {nsdecls("w")} w:numId="{number}"><w:abstractNumId w:val="{number}"/></w:num>'
    root.append(parse_xml(link))


def _numbered(paragraph: Paragraph, number: int, depth: int = 0) -> None:
    given = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{depth}"/><w:numId w:val="{number}"/></w:numPr>'
    paragraph._p.get_or_add_pPr().append(parse_xml(given))


@pytest.fixture
def roads() -> bytes:
    """A plan as Word makes one: automatic numbers everywhere, a title row, a note row, a frame, a contents list."""
    document = docx.Document()
    levels = [
        ("chineseCountingThousand", "第%1章"),
        ("chineseCounting", "（%2）"),
        ("decimal", "%3."),
        ("decimal", "%1.%4"),
    ]
    _list(document, 90, levels)
    _list(document, 91, [("decimal", "%1.")])
    document.add_paragraph("岭东县公路规划（2021—2025年）")
    for text, depth in (("发展目标", 0), ("主要任务", 0), ("建设骨架公路", 1)):
        _numbered(document.add_paragraph(text), 90, depth)
    document.add_paragraph("新建一级公路45公里。（责任单位：县交通局、县发改委）")
    table = document.add_table(4, 4)
    for at in (0, 3):
        table.cell(at, 0).merge(table.cell(at, 3)).text = ["专栏1 主要指标", "", "", "注：含在建里程。"][at]
    for at, texts in ((1, ["序号", "指标", "2020年", "2025年"]), (2, ["", "公路里程（公里）", "1820", "2100"])):
        for index, text in enumerate(texts):
            table.cell(at, index).text = text
    _numbered(table.cell(2, 0).paragraphs[0], 91)
    frame = document.add_table(1, 1).cell(0, 0)
    frame.text = "专栏2 重点工程"
    for text in ("北环线。全长18公里。", "客运枢纽。建成2座。"):
        _numbered(frame.add_paragraph(text), 90, 2)
    deleted = document.add_paragraph("农村公路改造320公里")
    deleted._p.append(parse_xml(f"<w:del {nsdecls('w')}><w:r><w:delText>作废</w:delText></w:r></w:del>"))
    deleted._p.append(parse_xml(f"<w:ins {nsdecls('w')}><w:r><w:t>以上。</w:t></w:r></w:ins>"))
    deleted.add_run("未公开。").font.hidden = True
    document.sections[0].header.paragraphs[0].text = "内部资料"
    return saved(document)


def test_word_prints_its_numbers_frames_and_title_rows(roads: bytes) -> None:
    lines = [line for line in open_file("a.docx", roads).text.split("\n") if line]
    assert lines == [
        "岭东县公路规划（2021—2025年）",
        "第一章 发展目标",
        "第二章 主要任务",
        "（一）建设骨架公路",
        "新建一级公路45公里。（责任单位：县交通局、县发改委）",
        "专栏1 主要指标",
        "| 序号 | 指标 | 2020年 | 2025年 |",
        "| 1. | 公路里程（公里） | 1820 | 2100 |",
        "注：含在建里程。",
        "专栏2 重点工程",
        "1. 北环线。全长18公里。",
        "2. 客运枢纽。建成2座。",
        "农村公路改造320公里以上。",
    ]


def test_word_reads_as_a_plan(roads: bytes) -> None:
    document = read(open_file("a.docx", roads).text)
    assert [(item.no, item.name, item.base.value, item.target.value) for item in in_tables(document)] == [
        ("1", "公路里程", 1820, 2100)
    ]
    assert [(box.no, box.title, box.holds, len(box.items)) for box in document.boxes] == [
        ("1", "主要指标", "table", 0),
        ("2", "重点工程", "items", 2),
    ]
    assert [(task.no, task.name, task.leads) for task in document.tasks] == [
        ("一", "建设骨架公路", ("县交通局", "县发改委"))
    ]


@pytest.mark.parametrize(
    ("value", "form", "printed"),
    [
        (3, "decimal", "3"), (3, "decimalZero", "03"), (12, "chineseCounting", "十二"),
        (20, "japaneseCounting", "二十"),
        (3, "decimalEnclosedCircleChinese", "③"), (3, "upperLetter", "C"), (4, "lowerRoman", "iv"),
        (9, "upperRoman", "IX"),
        (21, "decimalEnclosedCircle", "21"), (7, "unheardOf", "7"),
    ],
)  # fmt: skip
def test_numerals(value: int, form: str, printed: str) -> None:
    assert numeral(value, form) == printed


def test_hans_numbers() -> None:
    assert [hans(value) for value in (1, 10, 11, 21, 40, 99, 100)] == [
        "一", "十", "十一", "二十一", "四十", "九十九", "100",
    ]  # fmt: skip


def test_a_table_over_many_pages_is_one_table_and_pages_are_known() -> None:
    rows = [["序号", "指标名称", "单位", "2020年", "2025年"]]
    rows += [[str(number), f"第{number}类设施总量", "处", str(number), str(2 * number)] for number in range(1, 91)]
    content = as_pdf(["长桥县设施规划（2021—2025年）", "表1 主要指标", Sheet(rows)], head="长桥县设施规划")
    told = read_file("a.pdf", content)
    assert [(item.no, item.base.value, item.target.value) for item in in_tables(told.document)] == [
        (str(number), number, 2 * number) for number in range(1, 91)
    ]
    assert len(told.opened.pages) >= 3
    lines = told.opened.text.split("\n")
    firsts = [lines[first - 1].split(" | ")[0] for first in told.opened.pages[1:]]
    assert all(first.startswith("| ") and int(first[2:]) > 1 for first in firsts)
    assert "长桥县设施规划" not in lines
    assert not [line for line in lines if line.startswith("—")]


def test_a_paragraph_goes_on_over_lines_and_pages() -> None:
    sentence = "推进农业科技创新，完善服务体系，强化要素保障，提升产业质量。" * 60
    lines = [line for line in open_file("a.pdf", as_pdf(["标题规划", sentence])).text.split("\n") if line]
    assert lines == ["标题规划", sentence]


def _canvas() -> tuple[Canvas, io.BytesIO]:
    if FONT not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont(FONT))
    out = io.BytesIO()
    return Canvas(out), out


def test_a_scanned_page_is_named() -> None:
    canvas, out = _canvas()
    canvas.setFont(FONT, 12)
    canvas.drawString(72, 760, "石桥县林业规划（2021—2025年）")
    canvas.showPage()
    picture = Image.new("L", (600, 800), 255)
    ImageDraw.Draw(picture).line((50, 50, 500, 700), fill=0, width=5)
    canvas.drawImage(ImageReader(picture), 40, 40, 500, 760)
    canvas.showPage()
    canvas.setFont(FONT, 12)
    canvas.drawString(72, 760, "到2025年，造林面积达到3万亩。")
    canvas.save()
    told = read_file("a.pdf", out.getvalue())
    assert told.opened.scanned == (2,)
    doubts = [(doubt.rule, doubt.what, doubt.place.first) for doubt in told.document.unsure]
    assert doubts == [("page-scanned", "page 2", told.opened.pages[1])]
    assert [(item.name, item.target.value) for item in told.document.indicators] == [("造林面积", 3)]
    canvas, out = _canvas()
    canvas.drawImage(ImageReader(picture), 40, 40, 500, 760)
    canvas.save()
    with pytest.raises(FileUnreadable, match="holds only pictures of pages"):
        read_file("a.pdf", out.getvalue())


def test_two_columns_are_read_one_after_the_other_below_what_is_set_over_both() -> None:
    canvas, out = _canvas()
    canvas.setFont(FONT, 10)
    canvas.drawString(200, 800, "青岚县农业规划（2026—2030年）文本")
    for index in range(24):
        canvas.drawString(60, 770 - 16 * index, f"左栏第{index:02d}行文字内容说明情况如下所述")
        canvas.drawString(320, 770 - 16 * index, f"右栏第{index:02d}行文字内容说明情况如下所述")
    canvas.showPage()
    canvas.setFont(FONT, 10)
    for index in range(3):
        canvas.drawString(60, 700 - 16 * index, "末页各行文字内容也应连成一段文字")
    canvas.save()
    lines = [line for line in open_file("a.pdf", out.getvalue()).text.split("\n") if line]
    left, right = ("".join(f"{side}栏第{at:02d}行文字内容说明情况如下所述" for at in range(24)) for side in "左右")
    assert lines == ["青岚县农业规划（2026—2030年）文本", left + right + "末页各行文字内容也应连成一段文字" * 3]


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_page_set_sideways_is_read_and_a_stamp_over_it_is_not(turn: int) -> None:
    canvas, out = _canvas()
    for page in range(4):
        canvas.saveState()
        canvas.translate(300, 300)
        canvas.rotate(45)
        canvas.setFont(FONT, 60)
        canvas.drawCentredString(0, 0, "征求意见稿")
        canvas.restoreState()
        canvas.translate(*{90: (595, 0), 180: (595, 842), 270: (0, 842)}[turn])
        canvas.rotate(turn)
        canvas.setFont(FONT, 9)
        head = "第一章 发展目标" if page < 2 else "第二章 重点任务"  # of the chapter, on two pages each
        canvas.drawString(70, (595 if turn != 180 else 842) - 30, head)
        canvas.setFont(FONT, 12)
        for line in range(12):
            canvas.drawString(70, 480 - 22 * line, f"第{page}页第{line:02d}行文字连成一段要说的是如下内容")
        canvas.showPage()
    canvas.save()
    text = "".join(f"第{page}页第{line:02d}行文字连成一段要说的是如下内容" for page in range(4) for line in range(12))
    assert [line for line in open_file("a.pdf", out.getvalue()).text.split("\n") if line] == [text]


def test_a_title_like_the_head_of_the_pages_stays() -> None:
    title = "岭东县防洪规划（2026—2030年）"
    blocks = [title, "完善防洪体系，提升减灾能力。" * 60, "\f", "加固堤防。", "\f", "新建水闸。"]
    assert open_file("a.pdf", as_pdf(blocks, head=title)).text.split("\n").count(title) == 1


def test_a_row_that_the_page_parts_is_one() -> None:
    head = ["序号", "项目名称", "建设内容", "建设年限", "总投资", "责任单位"]
    rows = [
        ["1", "东湾水库", "新建水库", "2026年", "90", "县水利局"],
        ["2", "西湾", "改造", "2027—2028", "80", "县农业农村"],
    ]
    rest = [["", "灌区", "30公里渠道", "年", "", "局"], ["3", "南湾泵站", "新建泵站", "2028年", "70", "县水利局"]]
    content = as_pdf(["青岚县水利规划", "附表1 项目表", Sheet([head, *rows]), "\f", Sheet(rest, heads=0)])
    told = [(task.no, task.name, task.content, task.leads) for task in read(open_file("a.pdf", content).text).tasks]
    assert told == [
        ("1", "东湾水库", "新建水库", ("县水利局",)),
        ("2", "西湾灌区", "改造30公里渠道", ("县农业农村局",)),
        ("3", "南湾泵站", "新建泵站", ("县水利局",)),
    ]


def test_a_group_that_opens_a_page_stands_in_its_table() -> None:
    head = Sheet([["序号", "项目名称", "责任单位"], ["1", "东湾水库", "县水利局"], ["2", "西湾水库", "县水利局"]])
    rest = Sheet([["二、交通", LEFT, LEFT], ["3", "北环路", "县交通局"], ["4", "南环路", "县交通局"]], heads=0)
    content = as_pdf(["青岚县规划", "附表1 项目表", head, "\f", rest])
    tasks = read(open_file("a.pdf", content).text).tasks
    assert [(task.name, task.category) for task in tasks] == [
        ("东湾水库", None), ("西湾水库", None), ("北环路", "交通"), ("南环路", "交通"),
    ]  # fmt: skip


def test_cells_without_rules_whose_lines_are_set_wide_begin_at_the_top_of_their_rows() -> None:
    canvas, out = _canvas()
    canvas.setFont(FONT, 9)
    rows = [
        (
            *(
                [str(number)],
                [f"第{'七八九十'[number - 7]}片灌区", "改造项目"],
                ["新建渠道30", "公里，泵站2", "座"][: number - 6],
            ),
            *([f"{2019 + number}—{2021 + number}", "年"], ["县水利局、县", "财政局"]),
        )
        for number in range(7, 11)
    ]
    height = 760.0
    for row in [(["序号"], ["重点任务"], ["工作措施"], ["时限"], ["责任单位"]), *rows]:
        for x, cell in zip((90, 140, 230, 310, 400), row, strict=True):
            for at, line in enumerate(cell):
                spaced = line == "年"  # figures and signs are set a little apart
                canvas.drawString(x + 51.5 if spaced else x, height - (0 if spaced else 15 * at), line)
        height -= 15 * max(len(cell) for cell in row) + 10
    canvas.save()
    tasks = read("青岚县规划\n附表1 任务表\n" + open_file("a.pdf", out.getvalue()).text).tasks
    assert [(task.no, task.name, task.content, task.period.last, task.leads) for task in tasks] == [
        ("7", "第七片灌区改造项目", "新建渠道30", 2028, ("县水利局", "县财政局")),
        ("8", "第八片灌区改造项目", "新建渠道30公里，泵站2", 2029, ("县水利局", "县财政局")),
        ("9", "第九片灌区改造项目", "新建渠道30公里，泵站2座", 2030, ("县水利局", "县财政局")),
        ("10", "第十片灌区改造项目", "新建渠道30公里，泵站2座", 2031, ("县水利局", "县财政局")),
    ]


def test_a_pdf_with_a_password_says_so() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, encrypt="secret")
    canvas.drawString(72, 700, "plan")
    canvas.save()
    with pytest.raises(FileUnreadable, match="asks for a password"):
        open_file("a.pdf", out.getvalue())


@pytest.mark.parametrize("rules", ["all", "open"])
def test_merged_cells_of_a_pdf_stand_in_every_row(rules: str) -> None:
    plan = PLANS["songxi"]
    document = read(open_file("a.pdf", as_pdf(plan.BLOCKS, rules=rules)).text)
    assert [item.group for item in in_tables(document)] == ["创新投入"] * 3 + ["创新主体"] * 2 + ["创新产出"] * 3
    assert [row_of(item) for item in in_tables(document)] == plan.INDICATORS


LOOKALIKE = "⼀、发展⽬标：⾏政村⻓效管护2⼾⼈⺠满意"


def _with_other_signs(shown: str) -> bytes:
    """A PDF whose font says that its glyphs are these signs, as browsers print Chinese."""
    codes = range(0x41, 0x41 + len(shown))
    told = "\n".join(f"<{code:02x}> <{ord(sign):04x}>" for code, sign in zip(codes, shown, strict=True))
    table = f"1 begincodespacerange <00> <ff> endcodespacerange\n{len(shown)} beginbfchar\n{told}\nendbfchar"
    text = f"BT /F1 12 Tf 60 700 Td <{''.join(f'{code:02x}' for code in codes)}> Tj ET"
    objects = [
        "<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 5 0 R/Resources<</Font<</F1 4 0 R>>>>>>",
        "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 6 0 R>>",
        *(f"<</Length {len(stream)}>>\nstream\n{stream}\nendstream" for stream in (text, table)),
    ]  # fmt: skip
    body = "".join(f"{number} 0 obj\n{content}\nendobj\n" for number, content in enumerate(objects, 1))
    return f"%PDF-1.4\n{body}trailer\n<</Root 1 0 R>>\n%%EOF".encode()


@pytest.mark.parametrize("content", [LOOKALIKE.encode(), _with_other_signs(LOOKALIKE)])
def test_radicals_are_the_characters_that_look_like_them(content: bytes) -> None:
    assert open_file("a", content).text.strip() == "一、发展目标：行政村长效管护2户人民满意"


def test_a_row_deleted_in_word_is_gone_and_a_table_in_a_cell_is_told_row_by_row() -> None:
    document = docx.Document()
    table = document.add_table(3, 2)
    for row, texts in enumerate((("项目名称", "建设内容"), ("作废项目", "新建"), ("养护楼", ""))):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.rows[1]._tr.insert(0, parse_xml(f"<w:trPr {nsdecls('w')}><w:del/></w:trPr>"))
    inner = table.cell(2, 1).add_table(2, 2)
    for row, texts in enumerate((("床位", "300张"), ("面积", "8000平方米"))):
        for column, text in enumerate(texts):
            inner.cell(row, column).text = text
    lines = [line for line in open_file("a.docx", saved(document)).text.split("\n") if line]
    assert lines == ["| 项目名称 | 建设内容 |", "| 养护楼 | 床位 300张；面积 8000平方米 |"]


def _cell_of(*blocks: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{''.join(blocks)}</w:tc>"


def _paragraph_of(text: str, *, goes_on: bool = False) -> str:
    mark = "<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>" if goes_on else ""
    return f"<w:p>{mark}<w:r><w:t>{text}</w:t></w:r></w:p>"


def test_what_word_keeps_of_changes_and_what_stands_in_boxes_and_frames_of_a_table() -> None:
    head, row, *rest = (
        "".join(_cell_of(_paragraph_of(text)) for text in texts)
        for texts in (("指标", "2025年", "2030年"), ("粮食（万吨）", "20", "21"), ("甲", "乙", "丙"))
    )
    inner = f"<w:tbl><w:tr>{head}</w:tr><w:tr>{row}</w:tr></w:tbl>"
    box = f"<w:p><w:r><w:drawing><w:txbxContent>{_paragraph_of('在框中')}</w:txbxContent></w:drawing></w:r></w:p>"
    gone = _cell_of(_paragraph_of("删去"), properties="<w:cellDel/>")
    framed = _cell_of(_paragraph_of("表1"), inner, _paragraph_of("注：预计"), properties='<w:gridSpan w:val="3"/>')
    rows = (*rest, framed, f"{_cell_of(box)}{_cell_of(_paragraph_of('丁'))}{_cell_of(_paragraph_of('戊'))}", gone)
    table = f"<w:tbl>{''.join(f'<w:tr>{cells}</w:tr>' for cells in rows)}</w:tbl>"
    blocks = (_paragraph_of("到2030年，产量", goes_on=True), _paragraph_of("达到21万吨。"), table)
    document = docx.Document()
    for block in parse_xml(f"<w:body {nsdecls('w')}>{''.join(blocks)}</w:body>"):
        document.element.body[-1].addprevious(block)
    assert [line for line in open_file("a.docx", saved(document)).text.split("\n") if line] == [
        "到2030年，产量达到21万吨。", "| 甲 | 乙 | 丙 |", "表1", "| 指标 | 2025年 | 2030年 |",
        "| 粮食（万吨） | 20 | 21 |", "注：预计", "| 在框中 | 丁 | 戊 |",
    ]  # fmt: skip


def test_tables_of_word_in_pieces_and_beside_each_other() -> None:
    document = docx.Document()
    pieces = (
        ("青岚县规划（2021—2025年）", ()),
        ("表1 主要指标", (("指标", "单位", "2020年", "2025年"), ("茶园面积", "万亩", "3", "4"))),
        ("（续表）", (("良种率", "%", "60", "75"),)),
        ("", (("领域", "说明"), ("茶业", "见正文"))),
        ("到2025年，覆盖率达到8", ()),
    )
    for text, rows in pieces:
        last = document.add_paragraph(text) if text else None
        if rows:
            table = document.add_table(len(rows), len(rows[0]))
            for at, row in enumerate(rows):
                for column, cell in enumerate(row):
                    table.cell(at, column).text = cell
    run = last._p.findall(qn("w:r"))[-1]
    run.append(parse_xml(f'<w:sym {nsdecls("w")} w:font="Symbol" w:char="F025"/>'))
    read_as = read(open_file("a.docx", saved(document)).text)
    told = [("茶园面积", "万亩", 3, 4), ("良种率", "%", 60, 75), ("覆盖率", "%", None, 8)]
    assert [(item.name, item.unit, item.base.value, item.target.value) for item in read_as.indicators] == told
    unread = [doubt.what for doubt in read_as.unsure if doubt.rule == "table-unread"]
    assert [what.strip("| ") for what in unread] == ["领域 | 说明"]


def test_a_page_of_the_web_is_read_without_its_menu() -> None:
    page = """<!DOCTYPE html><html><head><title>x</title></head><body><nav>导航</nav><div class="side"><a>首页</a></div>
    <div id="main"><h1>石桥县水利规划（2021—2025年）</h1><script>var 水库 = "3座";</script>
    <table><tr><td><p>到2025年，水库达到&nbsp;<b>5</b>座。</p><table>
    <tr><th rowspan=2>指标</th><th colspan="2">水平</th></tr><tr><th>2020年</th><th>2025年</th></tr>
    <tr><td>供水率<br>（%）</td><td>80</td><td>95</td></tr></table></td></tr></table>
    <p>新建渠道<span>30</span>公里，完善灌溉设施，推进节水改造，提升防洪能力。</p></div></body></html>"""
    opened = open_file("a.html", page.encode())
    assert (opened.kind, [line for line in opened.text.split("\n") if line]) == (
        "html",
        [
            "石桥县水利规划（2021—2025年）",
            "到2025年，水库达到 5座。",
            "| 指标 | 水平 | 水平 |",
            "| 指标 | 2020年 | 2025年 |",
            "| 供水率<br>（%） | 80 | 95 |",
            "新建渠道30公里，完善灌溉设施，推进节水改造，提升防洪能力。",
        ],
    )


def test_a_damaged_file_is_refused_and_never_more() -> None:
    chance = random.Random(7)
    word, pdf = as_word(PLANS["songxi"].BLOCKS), as_pdf(PLANS["songxi"].BLOCKS)
    refused = 0
    for content in [word] * 15 + [pdf] * 5:
        damaged = bytearray(content)
        for _ in range(30):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        try:
            open_file("a.bin", bytes(damaged))
        except FileUnreadable:
            refused += 1
    assert refused > 10


def test_a_docx_with_a_broken_table_is_refused(roads: bytes) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(roads)) as packed, zipfile.ZipFile(out, "w") as broken:
        for name in packed.namelist():
            broken.writestr(name, packed.read(name).replace(b'<w:gridSpan w:val="', b'<w:gridSpan w:val="x'))
    with pytest.raises(FileUnreadable, match="is a damaged docx"):
        open_file("a.docx", out.getvalue())


def test_a_table_goes_on_over_the_page_in_the_columns_it_had() -> None:
    document = read(open_file("a.pdf", as_pdf(PLANS["yunxiu_digital"].BLOCKS, rules="three")).text)
    assert [row_of(item) for item in in_tables(document)] == PLANS["yunxiu_digital"].INDICATORS


def test_a_mark_above_its_line_does_not_part_headings_from_rows() -> None:
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    kept = io.BytesIO()
    page = Canvas(kept)
    rows = [("指标", "2020年", "2025年"), ("铁路里程", "14", "16"), ("公路里程", "51", "55"), ("机场", "2", "3")]
    for line, row in enumerate(rows):
        for column, text in enumerate(row):
            page.setFont("STSong-Light", 11)
            page.drawString(80 + 130 * column, 700 - 20 * line + (7 if text == "2025年" else 0), text)
    page.setFont("STSong-Light", 7)
    page.drawString(80 + 260, 692, "①")
    page.save()
    told = [line for line in open_file("a.pdf", kept.getvalue()).text.split("\n") if line]
    assert next(line for line in told if "①" not in line) == "| 指标 | 2020年 | 2025年 |"


_NARROW = [
    ["序号", "类别", "指标名称", "单位", "基期与目标", LEFT, "年均〔累计〕增长", "属性"],
    [UP, UP, UP, UP, "2020年", "2025年", UP, UP],
    ["1", "空气清洁", "城区空气质量优良天数所占的比率", "%", "86.4", "88", "〔1.6〕", "约束性"],
    ["2", UP, "扬尘在线监测工地", "个", "12", "60", "38.0", "预期性"],
    ["3", "水体安全", "达到或好于Ⅲ类的河流断面比例", "%", "91.7", "95.8", "〔4.1〕", "约束性"],
    ["4", UP, "农村生活污水治理率", "%", "21", "45", "〔24〕", "预期性"],
    ["5", UP, "以乡镇为单位的饮用水水源规范化建设率", "%", "78", "100", "—", "约束性"],
    ["6", "土壤净土", "受污染耕地安全利用率", "%", "90", "93", "〔3〕", "约束性"],
    ["7", UP, "建成固体废物集中处置的场所", "处", "1", "4", "〔3〕", "预期性"],
]


@pytest.mark.parametrize("rules", ["narrow", "tops"])
@pytest.mark.parametrize("above", [1, 27])
def test_columns_a_hair_apart_with_groups_and_names_on_several_lines(rules: str, above: int) -> None:
    sheet = Sheet(_NARROW, heads=2, widths=(2.4, 2.83, 10, 2.4, 4, 4, 4.4, 3))
    blocks = ["青岚县环境规划（2021—2025年）", *["到规划期末，各项工作取得进展。"] * above, "表1 主要指标", sheet]
    document = read(open_file("a.pdf", as_pdf(blocks, rules=rules)).text)
    groups = [next(row[1] for row in _NARROW[at::-1] if row[1] != UP) for at in range(2, len(_NARROW))]
    assert [
        (item.no, item.group, item.name, item.unit, str(item.base.value), str(item.target.value), item.kind)
        for item in document.indicators
    ] == [
        (row[0], group, row[2], row[3], row[4], row[5], row[7]) for row, group in zip(_NARROW[2:], groups, strict=True)
    ]
