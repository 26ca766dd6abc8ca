"""An emergency in a browser: a drill is started, tasks are done, the level is raised and ended, a report is made."""

from __future__ import annotations

import io
from collections.abc import Callable

import docx
import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]


def test_a_drill_from_its_start_to_the_report(living: Stack, visit: Visit) -> None:
    officer = visit("duty-officer")
    officer.page.goto("/cases/emergencies/")
    officer.look("emergencies", dark=True)
    officer.page.get_by_role("link", name="开始演练").click()
    officer.page.get_by_label("乡镇").select_option(label="南宾街道")
    officer.page.get_by_role("textbox", name="事件").fill("城区强降雨")
    officer.page.get_by_label("响应级别").select_option(label="Ⅳ级响应")
    officer.page.get_by_label("研判依据").fill("气象台发布暴雨蓝色预警")
    officer.page.get_by_role("button", name="开始演练", exact=True).click()
    expect(officer.page.get_by_role("heading", name="【演练】城区强降雨")).to_be_visible()
    expect(officer.page.locator(".gantt > li")).to_have_count(5)
    address = officer.page.url

    town = visit("town-officer", PHONE)
    town.page.goto("/")
    town.page.get_by_role("link", name="巡查山洪危险区和水库").first.click()
    town.look("emergency-task")
    town.page.get_by_label("办理情况").fill("三处危险区无人员滞留")
    town.page.get_by_role("button", name="已完成").click()
    expect(town.page.locator(".gantt > li").filter(has_text="巡查山洪危险区和水库").get_by_text("按期")).to_be_visible()
    town.look("command")

    commander = visit("commander")
    commander.page.goto(address)
    commander.page.get_by_label("响应级别").select_option(label="Ⅲ级响应")
    commander.page.get_by_label("研判依据").fill("龙河超警戒水位")
    commander.page.get_by_role("button", name="发布", exact=True).click()
    expect(commander.page.locator(".gantt > li")).to_have_count(10)
    commander.page.get_by_label("要做什么").fill("把两台水泵送到城北")
    commander.page.locator("#person").select_option(label="冯库生")
    commander.page.get_by_role("button", name="下达", exact=True).click()
    expect(commander.page.locator(".gantt > li").filter(has_text="把两台水泵送到城北")).to_be_visible()
    commander.look("command", dark=True)
    commander.page.get_by_label("响应级别").select_option(label="结束响应")
    commander.page.get_by_label("研判依据").fill("雨停，水位回落")
    commander.page.get_by_role("button", name="发布", exact=True).click()
    expect(commander.page.locator(".tiles").get_by_text("响应已结束")).to_be_visible()
    answer = commander.page.request.get(f"{address}report.docx")
    texts = [paragraph.text for paragraph in docx.Document(io.BytesIO(answer.body())).paragraphs]
    assert "【演练】城区强降雨演练评估报告" in texts
    assert [one for one in texts if one.startswith("共 11 项任务，完成 1 项，其中按时 1 项")] != []

    for name, page, where in (
        ("duty-officer", "duty", "/duty/"), ("supply", "stock", "/stock/emergency.supplies/"),
        ("window", "approvals", "/cases/approvals/"),
        ("commander", "emergency-plan", "/cases/emergencies/emergency.flood/"),
    ):  # fmt: skip
        for size in ({"width": 1440, "height": 900}, PHONE):
            visitor = visit(name, size)
            visitor.page.goto(where)
            visitor.look(page)
    clerk = visit("window")
    clerk.page.goto("/cases/new/hall.restaurant/")
    clerk.page.get_by_label("乡镇").select_option(label="南宾街道")
    clerk.page.get_by_label("项目名称").fill("南宾小馆（虚构）")
    clerk.page.get_by_label("申请人").fill("某某（虚构）")
    clerk.page.get_by_label("经营面积").fill("120")
    clerk.page.set_viewport_size({"width": 1366, "height": 500})
    clerk.page.get_by_role("button", name="受理", exact=True).click()  # nothing is said of the kitchen yet
    bar, question = clerk.page.locator(".topbar"), clerk.page.get_by_role("group", name="设厨房").locator("legend")
    assert bar.bounding_box()["height"] <= question.bounding_box()["y"]
    clerk.page.set_viewport_size(clerk.size)
    for asked in ("设厨房", "设置户外招牌"):
        clerk.page.get_by_role("group", name=asked).get_by_text("是", exact=True).click()
    clerk.page.get_by_role("button", name="受理", exact=True).click()
    expect(clerk.page.get_by_text("关键路径正在办理")).to_be_visible()
    expect(clerk.page.locator("svg.works.is-wide").get_by_text("联合踏勘")).to_be_visible()
    expect(clerk.page.get_by_text("仅在经营面积不小于 300 平方米时需要")).to_be_visible()
    clerk.look("approval", dark=True)
    phone = visit("window", PHONE)
    phone.page.goto(clerk.page.url)
    phone.look("approval")
    phone.page.goto(phone.page.locator("a[href*='/r/a/']").get_attribute("href"))
    phone.look("application")
    assert phone.page.evaluate("[...document.querySelectorAll('.num')].every(one => one.getClientRects().length === 1)")
