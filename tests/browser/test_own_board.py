"""An administrator composes a board by clicking and sees it as wall, desk and phone; a clerk sees their part of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]


def drawn(page: Page, act: Callable[[], object]) -> None:
    """Do something, and wait until the page has been drawn anew."""
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        act()
    expect(page.locator("#editor.htmx-swapping, #editor.htmx-settling")).to_have_count(0)


def add(page: Page, number: int, title: str, source: str, kind: str) -> str:
    """A block; returns how its controls begin."""
    begin = f"s.b{number}"
    if number > 1:
        drawn(page, page.get_by_role("button", name="添加一块").click)
    drawn(page, lambda: page.locator(f'[name="{begin}.source"]').select_option(label=source))
    drawn(page, lambda: page.locator(f'[name="{begin}.kind"]').select_option(label=kind))
    page.locator(f'[name="{begin}.zh"]').fill(title)
    return begin


def test_a_board_composed_by_clicking(living: Stack, visit: Visit) -> None:
    admin = visit("admin")
    page = admin.page
    page.goto("/declarations/boards/new")
    page.locator('[name="r.zh"]').fill("河长一张图")
    page.locator('[name="r.en"]').fill("Rivers")
    page.locator('label[title="水滴"]').click()
    first = add(page, 1, "各镇街河道问题", "河道问题", "镇街地图")
    drawn(page, lambda: page.locator(f'[name="{first}.wide"]').select_option(label="三分之二"))
    drawn(page, lambda: page.locator(f'[name="{first}.high"]').select_option("2"))
    second = add(page, 2, "未解除告警", "告警", "数字")
    page.locator(f'[name="{second}.where"]').fill("is_open = TRUE")
    third = add(page, 3, "问题最多的镇街", "河道问题", "排行")
    drawn(page, lambda: page.locator(f'[name="{third}.by"]').select_option(label="乡镇"))
    glass = page.frame_locator("[data-glass] iframe")
    expect(glass.get_by_role("heading", name="问题最多的镇街").first).to_be_visible()
    drawn(page, page.locator('button[value="put:b2:1,4"]').click)
    expect(glass.locator(".panel-map canvas")).to_be_visible()
    admin.look("own-board", dark=True)
    for place in ("大屏", "手机"):
        drawn(page, lambda place=place: page.get_by_text(place, exact=True).click())  # type: ignore[misc]  # of this turn
        expect(glass.locator(".panel-map canvas")).to_be_visible()
        admin.look(f"own-board-{'wall' if place == '大屏' else 'phone'}")
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url("**/declarations/boards/rivers/")
    expect(page.locator(".alert-success")).to_contain_text("已保存")
    page.goto("/boards/local.rivers/")
    expect(page.locator(".panel-map canvas")).to_be_visible()
    admin.look("own-board-made")

    leader = visit("river-office", PHONE)
    leader.page.goto("/boards/local.rivers/")
    expect(leader.page.get_by_role("heading", name="各镇街河道问题").first).to_be_visible()
    leader.look("own-board-made")
