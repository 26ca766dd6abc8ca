"""The command centre in a browser: the wall reads from afar and keeps itself up to date; numbers open to rows."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
WALL, ULTRA, DESK = {"width": 1920, "height": 1080}, {"width": 3840, "height": 1080}, {"width": 1440, "height": 900}
BOARD = "/boards/county.overview/"
SIZES = """() => {
  const small = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement, box = element.getBoundingClientRect();
    if (!walk.currentNode.textContent.trim() || box.width < 2 || box.height < 2 || element.closest("script")) continue;
    const size = parseFloat(getComputedStyle(element).fontSize);
    if (size < 24) small.push([size, walk.currentNode.textContent.trim().slice(0, 20), element.outerHTML.slice(0, 80)]);
  }
  return small;
}"""


@pytest.fixture
def told(living: Stack) -> Stack:
    """The demo has told its past: alarms are open, and cases came of them."""
    assert until(
        lambda: living.query("SELECT count(*) FROM cases_case WHERE flow = 'rivers.problem' AND alarm > 0")[0][0] >= 2
    ), living.tail()
    return living


def value(page: Page, panel: str) -> str:
    return page.locator(f"#panel-{panel} .board-value").inner_text()


def drawn(page: Page) -> None:
    """Until panels that were slow have come, and charts have a canvas."""
    expect(page.locator("[data-pending]")).to_have_count(0)
    expect(page.locator("[data-board-chart]:not([data-drawn]):visible")).to_have_count(0)


def test_a_leader_clicks_a_number_on_the_wall_and_reaches_as_many_rows(told: Stack, visit: Visit) -> None:
    leader = visit("leader", WALL)
    page = leader.page
    page.goto(f"{BOARD}wall")
    drawn(page)
    expect(page.locator("[data-link]")).to_have_text("实时")
    expect(page.locator("[data-clock]")).to_contain_text(":")
    assert page.evaluate(SIZES) == []
    assert page.evaluate("document.documentElement.scrollHeight") <= WALL["height"]
    leader.look("board-wall")
    for panel in ("enterprises", "high_tech", "cases_open", "water_alarms", "devices_all"):
        page.goto(f"{BOARD}wall")
        drawn(page)
        wanted = value(page, panel)
        page.locator(f"#panel-{panel} .board-number").click()
        page.wait_for_load_state()
        found = page.locator("[data-total]")
        shown = found.inner_text() if found.count() else str(page.locator("tbody tr").count())
        assert shown == wanted, panel
    page.goto(f"{BOARD}wall")
    drawn(page)
    page.locator("#panel-town_ranking a").first.click()
    expect(page.locator("[data-total]")).to_be_visible()


OWED = """all => all.map(panel => {
  const has = (selector) => panel.querySelector(selector)?.textContent.trim(), kind = panel.classList[1].slice(6);
  const bare = ["list", "timeline", "text"].includes(kind); // they name rows and count nothing
  return [panel.dataset.panel, bare || has(".panel-unit, .board-unit, small, th:last-child"), has("footer time"),
    has("footer"), panel.querySelector("a[href], [data-board-chart]")];
}).filter(owed => owed.some(one => !one)).map(owed => owed.map(one => !!one && String(one)))"""


def test_every_number_of_every_board_says_what_it_owes(told: Stack, visit: Visit) -> None:
    """Unit, time, source, and a way to its rows."""
    page = visit("leader", DESK).page
    page.goto("/boards/")
    boards = page.locator("main a[href$='/wall']").evaluate_all("all => all.map(e => e.getAttribute('href'))")
    assert len(boards) >= 4
    for address in boards:
        page.goto(address.removesuffix("wall"))
        drawn(page)
        panels = page.locator("[data-panel]")
        assert panels.count() > 5
        assert panels.evaluate_all(OWED) == [], address


def test_the_wall_is_up_to_date_by_itself(told: Stack, visit: Visit) -> None:
    wall, office = visit("wall", ULTRA), visit("officer", DESK)
    wall.page.goto(f"{BOARD}wall")
    drawn(wall.page)
    wall.look("board-ultrawide")
    before = int(value(wall.page, "alarms_open"))
    office.page.goto("/alarms/")
    found = office.page.locator("tbody tr a").evaluate_all("all => all.map(e => e.href)")
    for address in found:  # not all of them are theirs to clear
        office.page.goto(address)
        if office.page.locator("#why").count():
            break
    office.page.locator("#why").fill("现场复测正常")
    office.page.get_by_role("button", name=re.compile("解除")).click()
    expect(wall.page.locator("#panel-alarms_open .board-value")).to_have_text(str(before - 1))


def test_at_the_desk_and_on_the_phone_it_is_a_page_like_any_other(told: Stack, visit: Visit) -> None:
    leader = visit("leader", DESK)
    leader.page.goto(BOARD)
    drawn(leader.page)
    leader.look("board")
    leader.page.locator("#panel-oxygen summary").click()
    expect(leader.page.locator("#panel-oxygen table")).to_contain_text("龙河三河断面")
    chief = visit("chief", PHONE)
    chief.page.goto(BOARD)
    drawn(chief.page)
    chief.look("board")
    expect(chief.page.locator("#panel-enterprises")).to_contain_text("您无权查看这部分。")
    expect(chief.page.locator("#panel-cases_open")).to_contain_text("仅含您可见部分")


def test_a_leader_makes_the_report_of_today(told: Stack, visit: Visit) -> None:
    leader = visit("leader", DESK)
    leader.page.goto("/boards/reports/")
    leader.page.get_by_role("button", name="生成").click()
    expect(leader.page.get_by_role("status").first).to_be_visible()
    leader.look("reports")
    with leader.page.expect_download() as got:
        leader.page.locator("td a.btn").first.click()
    assert got.value.suggested_filename.endswith(".docx")
