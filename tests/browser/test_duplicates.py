"""A firm that is registered twice: the form asks, two are seen side by side, made one and two again."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
ENTERPRISES = "/records/innovation.enterprise/"
OPEN = """SELECT count(*) FROM records_pair pair JOIN records_record row ON row.id = pair.first_id
WHERE pair.state = 'open' AND position('晨露' IN row.title) > 0"""  # the test below may have made another pair


def test_two_are_compared_merged_and_two_again(living: Stack, visit: Visit) -> None:
    assert until(lambda: living.query(OPEN) == [(1,)]), living.tail()
    science = visit("science", DESKTOP)
    page, main = science.page, science.page.get_by_role("main")
    page.goto(ENTERPRISES)
    main.get_by_role("link", name="对记录疑似重复").click()
    science.look("duplicates")
    main.get_by_role("link", name=re.compile("石柱县晨露饮用水有限责任公司")).click()
    science.look("compare", dark=True)
    page.get_by_role("link", name="改为保留这条").click()
    expect(page.locator("tr", has_text="地址").get_by_role("radio", checked=True)).to_have_count(1)
    page.get_by_role("button", name=re.compile("并入")).click()
    expect(main).to_contain_text("并入本记录：")
    science.look("merged")
    main.get_by_role("button", name="撤销合并").click()
    expect(main).to_contain_text("已注销 → 资格失效")
    assert until(lambda: living.query(OPEN) == [(1,)]), living.tail()
    phone = visit("science", PHONE)
    for name, address in (("duplicates", f"{ENTERPRISES}duplicates/"), ("records", ENTERPRISES)):
        phone.page.goto(address)
        phone.look(name)
    phone.page.goto(f"{ENTERPRISES}duplicates/")
    phone.page.locator("a.couple", has_text="晨露").click()
    phone.look("compare")
    phone.page.get_by_role("button", name="确为两条").click()
    expect(phone.page).to_have_url(re.compile(f"{ENTERPRISES}duplicates/$"))
    expect(phone.page.locator("a.couple", has_text="晨露")).to_have_count(0)


def test_a_form_asks_before_it_saves(living: Stack, visit: Visit) -> None:
    science = visit("science", PHONE)
    page = science.page
    page.goto(f"{ENTERPRISES}new")
    page.get_by_label("统一社会信用代码").fill("91500240DEM0009003")
    page.get_by_label("企业名称").fill("石柱县星河智能装备股份公司（虚构）")
    for label, value in (("证书编号", "GR202650009003"), ("认定日期", "2026-02-01"), ("有效期至", "2029-02-01")):
        page.get_by_label(label).fill(value)
    page.get_by_label("区域").fill("500240003")
    page.get_by_label("类别").select_option(label="高新技术企业")
    page.get_by_role("button", name="保存").click()
    expect(page.get_by_role("alert")).to_contain_text("星河智能装备有限公司")
    science.look("duplicate-asked")
    before = living.query("SELECT count(*) FROM records_record")
    page.get_by_role("button", name="确为另一个，保存").click()
    expect(page.locator("h1")).to_contain_text("星河智能装备股份公司")
    assert living.query("SELECT count(*) FROM records_record") == [(before[0][0] + 1,)]
