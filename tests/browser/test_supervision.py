"""A reporter sends evidence from a phone, a supervisor refuses and accepts it: red stays red until then."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

from shizhu.site import picture

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]


def test_red_turns_yellow_by_what_a_phone_sends_and_a_supervisor_accepts(
    living: Stack, visit: Visit, tmp_path: Path
) -> None:
    assert until(lambda: living.query("SELECT count(*) > 9 FROM plan_node")[0][0]), living.tail()
    photo = tmp_path / "培训现场.png"
    photo.write_bytes(picture.drawn(3))
    reporter = visit("reporter-park", PHONE)
    page = reporter.page
    page.goto("/")
    page.get_by_role("link", name="组织上云培训").first.click()
    expect(page.get_by_role("main")).to_contain_text("红灯才转黄灯")
    page.get_by_label("做了什么").fill("第三场培训已补办")
    page.get_by_label("完成值").fill("3")
    page.locator("#files").set_input_files(photo)
    reporter.look("node")
    page.get_by_role("button", name="报送佐证").click()
    expect(page.locator(".alert-success")).to_contain_text("已报送")
    expect(page.locator(".level").first).to_have_text("逾期")
    page.goto("/plan/mine/")
    reporter.look("mine")

    supervisor = visit("supervisor")
    desk = supervisor.page
    desk.goto("/plan/supervision/?light=red")
    supervisor.look("supervision")
    desk.locator("#waiting").get_by_role("link", name="组织上云培训").click()  # what waits for a decision
    supervisor.look("node")
    desk.get_by_role("button", name="验收").click()
    expect(desk.locator(".alert-success")).to_contain_text("已裁定")
    expect(desk.locator(".level").first).to_have_text("逾期补齐")
    for name, address in (
        ("clauses", "/plan/clauses/?plan=work"), ("scorecards", "/plan/scorecards/"),
        ("samples", "/plan/supervision/samples/"),
    ):  # fmt: skip
        desk.goto(address)
        supervisor.look(name)
