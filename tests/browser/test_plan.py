"""A clerk makes and issues the quarterly brief, a leader walks the meeting and what is decided is done, an outside
evaluator takes away what is issued and sees nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

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
        page.goto(f"/plan/{name}/")
        clerk.look(f"plan-{name}")
