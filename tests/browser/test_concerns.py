"""A resident scans a label, reports without a network, and sees by the link how it ends; no login anywhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.test_field import photo
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
LABEL = "/r/NB7QK2P"


def do(somebody: Visitor, step: str, title: str) -> None:
    """Open the task that waits for somebody."""
    somebody.page.goto("/cases/")
    somebody.page.get_by_role("link").filter(has_text=step).filter(has_text=title).first.click()


def test_a_report_without_a_network_is_handled_and_confirmed(
    living: Stack, browser: Browser, visit: Visit, tmp_path: Path
) -> None:
    picture, title = photo(tmp_path), "龙河桥头公示牌 水质异常"
    resident = Visitor(browser, living, PHONE, "resident")
    page = resident.page
    page.goto(LABEL)
    assert until(lambda: page.evaluate("caches.match(location.pathname).then(Boolean)"))  # the worker keeps the page
    resident.look("door-scan", dark=True)

    resident.context.set_offline(True)
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("龙河桥头公示牌")
    page.get_by_text("水质异常").click()
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator("#door-photos img")).to_have_count(1)
    page.get_by_label("说说情况").fill("水面发白，有泡沫")
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_text("已保存在本机")).to_be_visible()
    resident.look("door-offline")
    resident.faults = [fault for fault in resident.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
    resident.context.set_offline(False)
    page.wait_for_url("**/r/s/*")
    expect(page.locator("[aria-current=step]")).to_have_text("已收到")
    expect(page.locator(".door-log img")).to_have_count(1)
    resident.look("door-receipt", dark=True)
    assert living.query("SELECT count(*) FROM cases_concern WHERE kind = 'water'") == [(1,)]

    office = visit("river-office", DESKTOP)
    do(office, "受理", title)
    office.page.locator("label", has_text=re.compile(r"^\s*是\s*$")).click()
    office.page.get_by_role("button", name="提交").click()
    page.reload()
    expect(page.locator("[aria-current=step]")).to_have_text("办理中")
    chief = visit("chief", PHONE)
    do(chief, "处置", title)
    chief.page.get_by_label("原因").select_option(label="生活污水")
    chief.page.get_by_label("处置结果").fill("查到错接管道，已改接")
    chief.page.locator("input[type=file]").set_input_files(picture)
    chief.page.get_by_role("button", name="报送处置结果").click()
    inspector = visit("inspector", DESKTOP)
    do(inspector, "核查", title)
    inspector.page.locator("label", has_text=re.compile(r"^\s*是\s*$")).click()
    inspector.page.get_by_role("button", name="提交核查意见").click()
    expect(inspector.page.get_by_role("main")).to_contain_text("群众上报")
    inspector.look("case-of-residents")

    page.reload()
    expect(page.locator("[aria-current=step]")).to_have_text("已结案")
    expect(page.get_by_role("main")).to_contain_text("查到错接管道，已改接")
    expect(page.get_by_role("main")).not_to_contain_text("马德顺")
    resident.look("door-done")
    page.get_by_text("5", exact=True).click()
    page.get_by_role("button", name="解决了").click()
    expect(page.get_by_text("您已确认办理结果")).to_be_visible()
    office.page.goto("/labels/?desk=rivers.reaches")
    expect(office.page.get_by_role("main")).to_contain_text("NB7QK2P")
    office.look("residents-labels", dark=True)
    office.page.get_by_role("link", name="打印码牌").click()
    office.look("residents-labels-sheet")
    assert resident.faults == []
    resident.close()
