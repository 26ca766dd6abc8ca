"""The review of a plan, at a desk and on a phone: rows and lines lead to each other, a contradiction is settled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor

pytestmark = [pytest.mark.stack, pytest.mark.browser]
FILLING = [f"第{number}项工作扎实推进，有关单位按职责落实。" for number in range(1, 60)]
TEXT = "\n".join(
    [
        "云溪县特色产业规划（2026—2030年）", "一、发展目标", "到2030年，建成示范园12个，每年培育合作社5家。", *FILLING,
        "二、主要任务", "完成土地整治2.4万亩，其中水田1.1万亩、旱地1.5万亩。", *FILLING,
        "到2030年，订单种植比例达到八成。",
    ]
)  # fmt: skip


def in_sight(place: Locator) -> bool:
    """Whether an element lies in the window, and in the box that scrolls it."""
    seen: Any = place.evaluate(
        """element => {
          const one = element.getBoundingClientRect(), box = element.closest('.review-scroll').getBoundingClientRect();
          const middle = (one.top + one.bottom) / 2;
          const top = document.elementFromPoint((one.left + one.right) / 2, middle);
          const inside = middle > Math.max(0, box.top) && middle < Math.min(innerHeight, box.bottom);
          return inside && element.contains(top);
        }"""
    )
    return bool(seen)


def expect_in_sight(place: Locator) -> None:
    for _moment in range(25):
        if in_sight(place):
            return
        place.page.wait_for_timeout(200)
    pytest.fail(f"{place} is out of sight")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_rows_and_lines_lead_to_each_other_and_a_contradiction_is_settled(
    visit: Callable[..., Visitor], size: dict[str, int]
) -> None:
    clerk = visit("science", size)
    page, code = clerk.page, "cross" if size == DESKTOP else "cross-phone"
    page.goto("/plan/read/")
    file = {"name": "plan.txt", "mimeType": "text/plain", "buffer": TEXT.encode()}
    page.get_by_label("规划文件").set_input_files(file)
    page.get_by_label("是哪个规划").select_option("")
    page.get_by_label("新规划的简称").fill(code)
    page.get_by_role("button", name="读入").click()
    page.wait_for_url(f"**/plan/review/?plan={code}**", timeout=60_000)

    found = page.locator(".review-row", has_text="土地整治")
    line = page.locator("[data-line]", has_text="完成土地整治2.4万亩")
    assert not in_sight(line)
    found.locator(".review-link").first.click()
    expect(page.locator(".review-hit")).to_have_count(1)
    expect(page.locator(".review-hit")).to_contain_text("完成土地整治2.4万亩")
    expect_in_sight(line)
    clerk.look("plan-review-row")

    page.get_by_role("link", name="指标").last.click()
    last = page.locator(".review-row", has_text="订单种植比例")
    page.locator("[data-line]", has_text="订单种植比例").evaluate("line => line.scrollIntoView({block: 'center'})")
    page.locator("[data-line]", has_text="订单种植比例").click()
    expect(page.locator(".review-chosen")).to_have_count(1)
    expect(page.locator(".review-chosen")).to_contain_text("订单种植比例")
    expect_in_sight(last)
    expect(page.locator(".review-row", has_text="合作社")).to_contain_text("每年")
    clerk.look("plan-review-line")

    page.get_by_role("link", name="矛盾").click()
    found = page.locator(".review-row", has_text="土地整治")
    found.get_by_role("radio").last.check()
    found.get_by_role("spinbutton", name="其他值").fill("2.6")
    found.get_by_label("理由和依据").fill("县农业农村局台账")
    found.get_by_role("button", name="裁定").click()
    expect(found.locator(".review-ruling")).to_contain_text("县农业农村局台账")
    expect(page.get_by_role("link", name="矛盾")).to_contain_text("0/1")
