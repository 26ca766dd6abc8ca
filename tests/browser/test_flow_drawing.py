"""An administrator brings a file of another editor, mends it on the drawing and keeps it; a case shows where it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
FILE = Path(__file__).parents[1] / "engines/cases/files/camunda_8.bpmn"


def test_a_file_is_brought_mended_kept_and_taken(living: Stack, visit: Visit, tmp_path: Path) -> None:
    admin = visit("admin", {"width": 1440, "height": 900})
    page = admin.page
    page.goto("/declarations/flows/draw")
    expect(page.locator(".djs-palette")).to_be_visible()
    page.locator("#flow-file").set_input_files(FILE)
    expect(page.locator('[data-element-id="approve"].djs-shape')).to_have_class(re.compile("has-fault"))
    faults = page.locator("#flow-faults button.text-danger")
    expect(faults).to_have_count(1)
    expect(faults).to_contain_text("lemonade.maker")
    faults.click()
    admin.look("flow-fault")
    page.locator("#field-role").select_option("rivers.office")
    expect(faults).to_have_count(0)
    page.locator('[data-element-id="f3"]').first.click(force=True)
    page.locator("#field-condition").fill("= approved = true and")
    expect(page.locator(".flow-wrong")).to_contain_text("ends too early")
    page.locator("#field-condition").fill("= approved = true and days > 5")
    page.locator("#field-condition").press("Tab")
    page.get_by_role("button", name="保存").click()
    expect(page.locator("#flow-faults")).to_contain_text("已保存新版本")
    page.wait_for_url(re.compile(r"/declarations/flows/[^/]+/draw$"))
    with page.expect_download() as taken:
        page.get_by_role("button", name="BPMN").click()
    text = Path(taken.value.path()).read_text(encoding="utf-8")
    assert "days &gt; 5" in text or "days > 5" in text
    assert 'candidateGroups="rivers.office"' in text
    assert '<zeebe:header key="a" value="b"' in text
    page.reload()
    expect(page.locator('[data-element-id="approve"].djs-shape')).to_be_visible()
    admin.look("flow-draw")


def test_a_case_shows_where_it_stands_on_the_drawing(living: Stack, visit: Visit) -> None:
    leader = visit("leader", {"width": 1440, "height": 900})
    page = leader.page
    page.goto("/cases/?status=all")
    page.locator('main a[href^="/cases/"]').filter(has_text=re.compile("HD-")).first.click()
    page.get_by_text("流程图").first.click()
    expect(page.locator('.flow-view[data-shown="yes"]')).to_be_visible()
    expect(page.locator(".flow-view .is-done").first).to_be_visible()
    leader.look("flow-case")
    phone = visit("leader", PHONE)
    phone.page.goto(page.url)
    phone.page.get_by_text("流程图").first.click()
    expect(phone.page.locator('.flow-view[data-shown="yes"]')).to_be_visible()
    phone.look("flow-case")
    drawing = visit("admin", PHONE)
    drawing.page.goto("/declarations/flows/draw")
    expect(drawing.page.locator(".djs-palette")).to_be_visible()
    drawing.look("flow-draw")
