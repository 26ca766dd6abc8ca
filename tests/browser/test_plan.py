"""A clerk makes and issues the quarterly brief, a leader walks the meeting and what is decided is done, an outside
evaluator takes away what is issued and sees nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]


def taken(page: Page, name: str, to: Path) -> Path:
    """A file that a link hands over."""
    with page.expect_download() as loading:
        page.get_by_role("link", name=name).first.click()
    loading.value.save_as(to)
    return to


def test_the_brief_the_meeting_and_the_evaluator(visit: Visit, living: Stack, tmp_path: Path) -> None:
    clerk = visit("science")
    page = clerk.page
    page.goto("/plan/")
    clerk.look("plan-overview")
    page.locator(".plan-links").get_by_role("link", name="情况报告").click()
    brief = page.locator("form", has=page.get_by_role("heading", name="季度简报"))
    brief.get_by_label("发文单位").fill("县科技局")
    brief.get_by_role("button", name="生成").click()
    page.get_by_role("button", name="印发").wait_for(timeout=90_000)  # a worker makes it
    clerk.look("plan-report")
    page.get_by_role("button", name="印发").click()
    expect(page.locator("main")).to_contain_text("已印发")
    expect(page.get_by_role("button", name="印发")).to_have_count(0)
    text = "\n".join(line.text for line in docx.Document(str(taken(page, "Word", tmp_path / "brief.docx"))).paragraphs)
    assert "县科技局" in text
    assert "本报告含模拟数据" in text
    clerk.page.goto("/plan/reports/templates/")
    clerk.look("plan-templates")

    page.goto("/plan/meetings/")
    page.get_by_role("button", name="开始").click()
    leader = visit("leader")
    leader.page.goto(page.url)
    expect(leader.page.get_by_role("heading", level=1)).to_have_text("规划总体情况")
    leader.look("meeting-overview")
    leader.page.keyboard.press("ArrowRight")
    expect(leader.page.get_by_role("heading", level=1)).to_have_text("滞后与接近")
    leader.page.keyboard.press("ArrowRight")
    expect(leader.page.locator(".plan-way")).to_be_visible()
    leader.look("meeting-indicator")
    expect(leader.page.get_by_role("button", name="记录")).to_have_count(0)  # who does not hold it writes nothing down
    page.goto(leader.page.url)
    page.keyboard.press("d")
    page.keyboard.type("十日内报送差距分析")
    page.get_by_label("责任单位").select_option("industrial-park")
    page.get_by_label("完成日期").fill("2099-01-31")
    page.get_by_role("button", name="记录").click()
    while page.locator("[data-after]").count():
        page.locator("[data-after]").click()
    page.get_by_role("button", name="结束会议").click()
    expect(page.locator("main")).to_contain_text("十日内报送差距分析")
    reporter = visit("park-reporter", PHONE)
    reporter.page.goto("/messages/")
    expect(reporter.page.locator("main")).to_contain_text("会议决定：十日内报送差距分析")
    reporter.page.goto("/plan/meetings/")
    reporter.page.get_by_label("办理结果").fill("已报送")
    reporter.page.get_by_role("button", name="完成").click()
    expect(reporter.page.locator("main")).to_contain_text("已报送")
    reporter.page.goto("/plan/collect/")
    expect(
        reporter.page.locator("summary", has_text="已报或尚未到期")
    ).to_be_visible()  # what is asked now stands first
    reporter.look("plan-collect")

    evaluator = visit("evaluator")
    evaluator.page.goto("/plan/room/")
    taken(evaluator.page, "PDF", tmp_path / "brief.pdf")
    assert (tmp_path / "brief.pdf").read_bytes().startswith(b"%PDF-")
    evaluator.page.reload()
    expect(evaluator.page.locator("main")).to_contain_text("(pdf)")
    evaluator.look("plan-room")
    answer = evaluator.page.request.get("/plan/")
    assert answer.status == 403
    for name in ("timeline", "tables"):
        page.goto(f"/plan/{name}/?plan=work")
        clerk.look(f"plan-{name}")
    with clerk.phone(anew=True):  # the bars fit on a phone, nothing is to be pushed aside
        page.goto("/plan/timeline/?plan=work")
        assert page.locator(".timeline:visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().right <= 390)"
        ) == [True]
        clerk.look("plan-timeline")


def test_a_key_task_has_money_and_risks_and_what_a_meeting_decides_is_supervised(living: Stack, visit: Visit) -> None:
    assert until(lambda: living.query("SELECT count(*) = 4 FROM plan_risk")[0][0]), living.tail()
    supervisor = visit("supervisor")
    page, main = supervisor.page, supervisor.page.locator("main")
    page.goto("/plan/?plan=work")
    expect(page.locator(".plan-say")).to_contain_text("逾期节点 3")  # a plan without indicators is told by its work
    expect(main.locator("tbody tr")).to_have_count(5)
    expect(page.locator(".plan-also")).to_contain_text("任务资金，已用／计划 1226.9 / 1905 万元 模拟")
    page.locator(".plan-also").get_by_role("link", name="任务未销号风险 3").click()
    page.get_by_role("link", name="科技示范基地建设").click()
    money = main.locator(".card", has=page.get_by_role("heading", name="资金")).locator("tbody tr")
    year = money.first.locator("td").first.inner_text()
    expect(money).to_have_text(
        [f"{year}乡镇配套 模拟40—", f"{year}市级农业科技资金 模拟18062", f"{year}全年合计 模拟2206228 %"]
    )
    page.get_by_label("年", exact=True).fill(year)
    page.get_by_label("资金来源").fill("社会捐助")
    page.get_by_label("计划资金").fill("三十")
    page.get_by_label("已支出").fill("13")
    main.locator("form[action$='/money']").get_by_role("button", name="保存").click()
    expect(page.locator(".alert-error")).to_be_visible()
    expect(page.get_by_label("资金来源")).to_have_value("社会捐助")  # what was typed is there, to be put right
    expect(page.get_by_label("计划资金")).to_have_value("三十")
    page.get_by_label("计划资金").fill("30")
    main.locator("form[action$='/money']").get_by_role("button", name="保存").click()
    expect(page.locator(".alert-success")).to_have_text("已保存资金。")
    expect(money.last).to_have_text(f"{year}全年合计 模拟2507530 %")
    expect(money.filter(has_text="社会捐助")).to_have_text(f"{year}社会捐助3013")  # somebody has said it
    page.get_by_label("销号理由: 示范基地用地未落实").fill("用地协议已签订")
    page.get_by_role("button", name="销号").click()
    expect(page.locator(".alert-success")).to_have_text("风险已销号。")
    expect(main).to_contain_text("用地协议已签订 — 冉孟良")
    supervisor.look("plan-task")

    clerk = visit("science")
    clerk.page.goto("/plan/meetings/?plan=work")
    clerk.page.get_by_role("button", name="开始").click()
    for heading in ("规划总体情况", "逾期任务", "未销号风险", "议定事项"):
        expect(clerk.page.get_by_role("heading", level=1)).to_have_text(heading)
        if heading == "未销号风险":
            expect(clerk.page.locator(".meeting-list li")).to_contain_text(
                ["改造设备交货推迟 模拟", "景区网络覆盖不足 模拟"]
            )
            clerk.look("meeting-risks")
        if clerk.page.locator("[data-after]").count():
            clerk.page.keyboard.press("ArrowRight")
    clerk.page.get_by_label("决定事项").fill("补齐示范基地灌溉设施")
    clerk.page.get_by_label("责任单位").select_option("agriculture")
    clerk.page.get_by_label("完成日期").fill("2099-01-31")
    clerk.page.get_by_role("button", name="记录").click()
    clerk.page.get_by_role("button", name="结束会议").click()
    page.goto("/plan/?plan=work")
    page.get_by_role("link", name="议定事项 1").click()
    page.get_by_role("button", name="转督查").click()
    expect(page.locator(".alert-success")).to_have_text("已转为督查任务并下达责任单位，节点为完成日期。")
    page.get_by_role("link", name="督查节点").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("补齐示范基地灌溉设施")
    expect(main).to_contain_text("2099-01-31")
    assert living.query(
        "SELECT o.code, n.due_on::text FROM plan_decision d JOIN plan_node n ON n.piece_id = d.piece_id "
        "JOIN kernel_organisation o ON o.id = n.organisation_id WHERE d.text = '补齐示范基地灌溉设施'"
    ) == [("agriculture", "2099-01-31")]
