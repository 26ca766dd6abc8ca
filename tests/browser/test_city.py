"""A broken part from the inspector's phone without a network to the resident who reads how it went."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.browser.test_field import photo
from tests.stack.stack import Stack

pytestmark = [pytest.mark.stack, pytest.mark.browser]
PART, PLACE = "5002400103000001", {"longitude": 108.1085, "latitude": 29.9962, "accuracy": 5}
TITLE = "井盖翘边有异响"


def do(visitor: Visitor, step: str) -> None:
    visitor.page.goto("/cases/")
    visitor.page.get_by_role("link").filter(has_text=step).filter(has_text=TITLE).first.click()


def test_a_part_is_reported_without_a_network_mended_checked_and_read_of(
    living: Stack, browser: Browser, visit: Callable[..., Visitor], tmp_path: Path
) -> None:
    picture, inspector = photo(tmp_path), visit("city-inspector", PHONE)
    inspector.context.grant_permissions(["geolocation"])
    inspector.context.set_geolocation(PLACE)
    page = inspector.page
    page.goto("/field/")
    page.wait_for_function("navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)")
    expect(page.locator("#field-who")).to_contain_text("罗巡街")
    inspector.context.set_offline(True)
    page.get_by_role("link", name="巡查").click()
    page.get_by_role("button", name="开始").first.click()
    page.get_by_role("button", name="上报").click()
    page.get_by_role("button", name="部件·公用设施").click()
    page.get_by_label("是什么问题").fill(TITLE)
    page.get_by_label("小类").select_option(label="部件·公用设施 / 污水井盖")
    page.get_by_text("污水井盖（虚构）").click()
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator(".field-photos img")).to_have_count(1)
    inspector.look("city-report", dark=True)
    page.get_by_role("button", name="上报", exact=True).click()
    page.get_by_role("button", name="结束巡查").click()
    inspector.context.set_offline(False)
    page.get_by_role("link", name="待发送").click()
    expect(page.get_by_text("已送达", exact=True)).to_have_count(3, timeout=60_000)
    inspector.faults = [one for one in inspector.faults if "ERR_INTERNET_DISCONNECTED" not in one]
    filed = "SELECT state->'document'->>'grid', state->'document'->>'part' FROM cases_case WHERE title = %s"
    assert living.query(filed, TITLE) == [("500240001001001", PART)]

    desk = visit("city-desk", DESKTOP)
    desk.page.goto("/labels/?desk=city.parts")
    desk.page.locator("summary", has_text="新增码牌").click()
    desk.page.get_by_role("button", name="生成", exact=True).click()
    expect(desk.page.get_by_text("已生成码牌")).to_be_visible()
    ((code,),) = living.query("SELECT code FROM cases_label WHERE desk = 'city.parts' AND key = %s", PART)
    resident = Visitor(browser, living, PHONE, "resident")
    resident.page.goto(f"/r/{code}")
    resident.page.get_by_text("部件·公用设施").click()
    resident.page.get_by_role("button", name="提交").click()
    resident.page.wait_for_url("**/r/s/*")
    expect(
        resident.page.get_by_text("您的上报已关联到该事项")
    ).to_be_visible()  # it is known already: the inspector's case

    do(desk, "受理")
    desk.page.get_by_text("是", exact=True).click()
    desk.page.get_by_role("button", name="提交").click()
    dispatcher = visit("city-dispatcher", DESKTOP)
    do(dispatcher, "派遣")
    dispatcher.page.get_by_label("由谁处置").select_option(label="属地城管处置")
    dispatcher.page.get_by_role("button", name="派遣").click()
    crew = visit("city-crew", PHONE)
    do(crew, "处置")
    crew.page.get_by_label("处置结果").fill("已垫平压实，无异响")
    crew.page.get_by_label("处置费用（元）").fill("260")
    crew.page.locator("input[type=file]").set_input_files(picture)
    crew.look("city-handle")
    crew.page.get_by_role("button", name="报送处置结果").click()
    do(inspector, "核查")
    page.locator("label[for=passed-yes]").click()
    page.get_by_role("button", name="提交核查意见").click()
    expect(page.get_by_role("main")).to_contain_text("结案")

    resident.page.reload()
    expect(resident.page.locator("[aria-current=step]")).to_have_text("已结案")
    expect(resident.page.get_by_text("已垫平压实，无异响")).to_be_visible()
    expect(resident.page.get_by_role("heading", name="各环节用时")).to_be_visible()
    resident.look("city-receipt", dark=True)
    assert resident.faults == []
    dispatcher.page.goto("/boards/rankings/city.parts/")
    expect(dispatcher.page.get_by_role("row").filter(has_text="污水井盖")).to_contain_text("建议更换")
    dispatcher.look("city-parts", dark=True)
    dispatcher.page.goto("/boards/rankings/city.scores/?view=people")
    dispatcher.look("city-people")
    with dispatcher.phone():
        dispatcher.look("city-people")
    resident.close()
