"""A clerk brings a messy table: matches its heads, sees what is wrong, corrects the file that comes back, finds all
rows again, keeps some as a view and changes two of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

from shizhu.lib.checks import credit_code_digit

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
ENTERPRISES, PLATFORMS = "/records/innovation.enterprise/", "/records/innovation.platform/"
TWIN = "莼香食品有限公司（虚构）"  # the demo county has one; the clerk registers another of the same name
HOST = "连峰生物医药有限公司（虚构）"
TWIN_CODE = "91500240MA9000001" + credit_code_digit("91500240MA9000001")
HEADS = ["平台编号", "叫什么", "类型", "评定等级", "依托企业", "批准时间", "所在乡镇", "经办人"]
MEANT = {"叫什么": "平台名称 *", "评定等级": "级别 *", "批准时间": "批准日期", "所在乡镇": "区域"}
MESSY: list[list[Any]] = [
    ["2026 年研发平台普查表"],
    HEADS,
    ["Ｐ０１０１", "石柱黄连深加工实验室", "重点实验室", "县级", None, "２０２６年３月１日", "黄水镇", "甲"],
    [" P0102　", "石柱冷链保鲜中心", "技术创新中心", "县级", HOST, "二〇二六年三月二日", "黄水镇"],
    ["P12", "石柱林海电子工作站", "专家工作站", "县级", None, date(2026, 3, 4), "下路街道"],
    ["P0104", "石柱云谷众创空间", "众创空间", "县级", TWIN, "2026/3/5", "黄水镇"],
    ["P0105", "石柱山货星创天地", "星创小院", "县级", None, "2026年2月30日", "没有这个镇"],
    ["P0005", "南宾众创空间（虚构）", "众创空间", "县级", None, "2021.9.1", "南宾街道"],
    *([f"P{n}", f"普查平台{n}", "新型研发机构", "市级", None, "2026年3月6日", "万安街道"] for n in range(2000, 3000)),
    ["P0006", "中益乡蜜蜂星创天地（虚构）", "星创天地", "县级", None, "2023年8月15日", "中益乡"],
]  # fmt: skip
NEW = [
    ("P0101", "石柱黄连深加工实验室", "laboratory", None, "2026-03-01", "500240105"),
    ("P0102", "石柱冷链保鲜中心", "technology_centre", "91500240DEM0000303", "2026-03-02", "500240105"),
    ("P0103", "石柱林海电子工作站", "expert_workshop", None, "2026-03-04", "500240003"),
    ("P0104", "石柱云谷众创空间", "maker_space", TWIN_CODE, "2026-03-05", "500240105"),
    ("P0105", "石柱山货星创天地", "star_cottage", None, "2026-02-28", "500240105"),
]
SAID = """
SELECT r.key, title, data ->> 'kind', data ->> 'host', data ->> 'approved', a.code
FROM records_record r JOIN kernel_area a ON a.id = r.area_id
WHERE register = 'innovation.platform' AND r.key BETWEEN 'P0101' AND 'P0199' ORDER BY r.key
"""
HELD = "SELECT title FROM records_record WHERE register = 'innovation.platform' AND key = 'P0006' FOR UPDATE"


def table(path: Path, rows: list[list[Any]]) -> Path:
    book = Workbook()
    sheet: Any = book.active
    for row in rows:
        sheet.append(row)
    book.save(path)
    return path


def counted(page: Page, **numbers: int) -> None:
    """The four numbers of a table that was checked or written."""
    expect(page.locator(".stat")).to_have_text([f"{number}{name}" for name, number in numbers.items()], timeout=60_000)


def total(living: Stack) -> int:
    found: int = living.query("SELECT count(*) FROM records_record WHERE register = 'innovation.platform'")[0][0]
    return found


def test_a_messy_table_goes_in_once_it_is_corrected(visit: Visit, living: Stack, tmp_path: Path) -> None:
    clerk, phone = visit("science"), visit("science", PHONE)
    page = clerk.page

    def look(name: str) -> None:
        """At the desk, and the same page on the phone."""
        clerk.look(name)
        phone.page.goto(page.url)
        phone.look(name)

    clean(page, tmp_path)
    checked(page, look, tmp_path)
    assert total(living) == 8
    written(page, living, look)
    assert total(living) == 8 + 1002
    corrected(page, clerk, tmp_path)
    assert total(living) == 8 + 1005
    assert living.query(SAID) == NEW
    page.get_by_role("link", name="研发平台", exact=True).last.click()
    expect(page.locator(".card-header strong.num").last).to_have_text("1013")
    look("list-many")
    searched(phone)
    viewed(page, look)
    changed(page, living, look)


def clean(page: Page, path: Path) -> None:
    """A table whose heads are all known is checked at once."""
    page.goto(ENTERPRISES)
    page.get_by_role("link", name="导入", exact=True).click()
    rows: list[list[Any]] = [
        ["统一社会信用代码", "企业名称", "类别", "认定日期"],
        [TWIN_CODE, TWIN, "科技型企业", date(2026, 1, 5)],
    ]
    page.get_by_label("Excel 文件").set_input_files(table(path / "新增.xlsx", rows))
    page.get_by_role("button", name="上传并检查").click()
    counted(page, 新增=1, 更改=0, 与已登记的相同=0, 错误=0)
    page.get_by_role("button", name="写入这些行").click()
    expect(page.get_by_text("写入完毕。")).to_be_visible(timeout=60_000)


def checked(page: Page, look: Callable[[str], None], path: Path) -> None:
    """Heads that nobody knows are matched by hand; then it is said what would happen."""
    page.goto(PLATFORMS)
    page.get_by_role("link", name="导入", exact=True).click()
    expect(page.get_by_text("可识别的列")).to_be_visible()
    look("import")
    page.get_by_label("Excel 文件").set_input_files(table(path / "普查.xlsx", MESSY))
    page.get_by_role("button", name="上传并检查").click()
    for head, field in MEANT.items():
        expect(page.get_by_label(head)).to_have_value("-")
        page.get_by_label(head).select_option(label=field)
    look("import-matching")
    page.get_by_role("button", name="检查各行").click()
    expect(page.get_by_text("检查完毕，尚未写入。")).to_be_visible(timeout=60_000)
    counted(page, 新增=1002, 更改=1, 与已登记的相同=1, 错误=3)
    look("import-checked")


def written(page: Page, living: Stack, look: Callable[[str], None]) -> None:
    """The bar stands at the first thousand while somebody holds a row of the next, and then goes on to its end."""
    with psycopg.connect(living.state["DATABASE_URL"]) as somebody:
        assert somebody.execute(HELD).fetchall() == [("中益乡星创天地（虚构）",)]
        page.get_by_role("button", name="写入这些行").click()
        expect(page.locator("#progress").get_by_role("status")).to_have_text("1000 / 1007", timeout=60_000)
        expect(page.get_by_label("进度")).to_have_attribute("value", "1000")
        look("import-writing")
    expect(page.get_by_text("写入完毕。")).to_be_visible(timeout=60_000)
    counted(page, 新增=1002, 更改=1, 与已登记的相同=1, 错误=3)
    look("import-written")


def corrected(page: Page, clerk: Visitor, path: Path) -> None:
    """The file that comes back says in its last column what to correct; corrected, it goes in without questions."""
    with page.expect_download() as download:
        page.get_by_role("link", name="下载这些行").click()
    assert download.value.suggested_filename == "普查-待改正.xlsx"
    download.value.save_as(path / "退回.xlsx")
    book = load_workbook(path / "退回.xlsx")
    sheet: Any = book.active
    assert [cell.value for cell in sheet[1]] == [*HEADS, "需要改正"]
    told = [str(row[8].value).split("\n") for row in sheet.iter_rows(min_row=2)]
    assert told == [
        ["平台编号“P12”：格式不对，例如 P0001"],
        [f"依托企业“{TWIN}”：有多个同名的，请改填编号：{TWIN}（91500240DEM0000228）、{TWIN}（{TWIN_CODE}）"],
        [
            "类型“星创小院”：只能是：重点实验室、技术创新中心、院士工作站、专家工作站、众创空间、星创天地、新型研发机构",
            "批准日期“2026年2月30日”：应为日期，如 2026-01-31",
            "区域“没有这个镇”：本县找不到",
        ],
    ]
    sheet["A2"], sheet["E3"] = "P0103", TWIN_CODE
    sheet["C4"], sheet["F4"], sheet["G4"] = "星创天地", "2026年2月28日", "黄水镇"
    book.save(path / "改好.xlsx")
    page.get_by_label("改好的文件").set_input_files(path / "改好.xlsx")
    page.get_by_role("button", name="上传改好的行").click()
    counted(page, 新增=3, 更改=0, 与已登记的相同=0, 错误=0)
    page.get_by_role("button", name="写入这些行").click()
    expect(page.get_by_text("写入完毕。")).to_be_visible(timeout=60_000)
    page.get_by_role("link", name="导入导出记录").click()
    expect(page.get_by_role("row", name="改好.xlsx").get_by_role("cell")).to_contain_text(
        ["改好.xlsx", "", "完成", "3"]
    )
    clerk.look("batches")


def searched(phone: Visitor) -> None:
    page = phone.page
    page.goto("/search")
    page.locator("#search-text").fill("石柱林海")
    page.locator("#search-text").press("Enter")
    found = page.get_by_role("region", name="研发平台").get_by_role("link", name="石柱林海电子工作站")
    expect(found).to_have_count(1)
    phone.look("search")
    found.click()
    expect(page.locator("h1")).to_contain_text("石柱林海电子工作站")


def viewed(page: Page, look: Callable[[str], None]) -> None:
    """A condition is clicked together and kept: the view lists these rows and no others."""
    page.locator("summary", has_text="条件").click()
    page.get_by_role("button", name="加一行").click()
    page.get_by_label("字段").last.select_option(label="级别")
    page.get_by_label("数值").last.select_option(label="县级")
    page.get_by_role("button", name="加一行").click()
    page.get_by_label("字段").last.select_option(label="批准日期")
    page.get_by_label("关系").last.select_option(label="不小于")
    page.get_by_label("数值").last.fill("2026-02-01")
    text = "level = 'county' AND approved >= DATE('2026-02-01')"
    expect(page.get_by_label("条件文本")).to_have_value(text)
    page.locator("main").get_by_role("button", name="查询").click()
    names(page)
    expect(page.get_by_label("条件文本")).to_have_value(text)
    page.get_by_role("button", name="视图").click()
    page.get_by_label("把当前列表存为视图").fill("今年县级平台")
    look("list-conditions")
    page.get_by_role("button", name="保存视图").click()
    expect(page.get_by_text("视图已保存。")).to_be_visible()
    page.goto(f"{PLATFORMS}?view=none")
    page.get_by_role("button", name="视图").click()
    page.get_by_role("link", name="今年县级平台").click()
    names(page)


def names(page: Page) -> None:
    links = page.locator("tbody tr td:first-child a")
    expect(links).to_have_count(len(NEW))
    assert sorted(links.all_inner_texts()) == [row[0] for row in NEW]


def changed(page: Page, living: Stack, look: Callable[[str], None]) -> None:
    """Two rows get the same number of approval, after it was said what would happen."""
    page.get_by_label("勾选 石柱云谷众创空间").check()
    page.get_by_label("勾选 石柱山货星创天地").check()
    page.get_by_role("button", name="修改所选 2").click()
    page.get_by_label("修改 批准文号").check()
    page.get_by_label("批准文号", exact=True).fill("石科发〔2026〕9 号")
    page.get_by_role("button", name="先看结果").click()
    expect(page.get_by_text("检查完毕，尚未写入。")).to_be_visible()
    counted(page, 更改=2, 与已登记的相同=0, 错误=0)
    look("change-checked")
    page.get_by_role("button", name="写入这些行").click()
    expect(page.get_by_text("写入完毕。")).to_be_visible()
    has = "SELECT key, data ->> 'document' FROM records_record WHERE data ? 'document' ORDER BY key"
    assert living.query(has) == [("P0104", "石科发〔2026〕9 号"), ("P0105", "石科发〔2026〕9 号")]
