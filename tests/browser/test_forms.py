"""The form of a register in a browser: it follows what is typed, loses nothing, on a desk and on a phone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.fixtures import person

from shizhu.engines.records import api
from shizhu.kernel import access
from shizhu.kernel.models import County

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PERMIT = "lemonade.permit"
PASSWORD = "correct horse"


class Served:
    """What a visitor needs to know of the server."""

    def __init__(self, address: str) -> None:
        self.address = address


@pytest.fixture(scope="module", autouse=True)
def beside_a_loop() -> Iterator[None]:
    """Playwright has a loop in this thread, beside which Django would not ask the database."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def clerk(county: County, live_server: Any, browser: Browser) -> Iterator[Any]:
    """Logs a clerk in who may do everything in the county."""
    who = access.actor(person(county, "*", username="clerk"))
    for code, name in (("G001", "果园甲"), ("G002", "果园乙")):
        api.create(
            who, county.pk, "lemonade.grower", {"code": code, "name": name}, organisation=county.pk, area=county.pk
        )
    visitors: list[Visitor] = []

    def come(size: dict[str, int] = DESKTOP) -> Visitor:
        visitors.append(Visitor(browser, Served(live_server.url), size, "clerk"))  # type: ignore[arg-type]
        visitors[-1].log_in(PASSWORD)
        return visitors[-1]

    yield come
    faults = [fault for visitor in visitors for fault in visitor.faults if "422" not in fault]  # what was refused
    for visitor in visitors:
        visitor.close()
    assert faults == []


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_a_form_follows_what_is_typed(clerk: Any, county: County, size: dict[str, int]) -> None:
    visitor = clerk(size)
    page = visitor.page
    page.goto(f"/records/{PERMIT}/new")
    page.get_by_label("编号").fill("P001")
    page.get_by_label("申请人").fill("王小二")
    expect(page.get_by_label("车牌")).to_have_count(0)
    page.get_by_label("类型").select_option("van")
    page.get_by_label("车牌").fill("渝A12345")
    page.get_by_label("动力").select_option("petrol")
    page.get_by_label("油箱").fill("60")
    page.get_by_label("周六").check()
    add = page.get_by_role("button", name="添加: 饮品")
    for number, (name, price, cups) in enumerate((("柠檬水", "3.5", "20"), ("冰水", "2", "30"))):
        add.click()
        expect(page.locator(f"[id='drinks.{number}.name']")).to_be_focused()
        page.locator(f"[id='drinks.{number}.name']").fill(name)
        page.locator(f"[id='drinks.{number}.price']").fill(price)
        page.locator(f"[id='drinks.{number}.cups']").fill(cups)
        page.locator(f"[id='drinks.{number}.cups']").blur()
        expect(page.locator(f"[id='drinks.{number}.amount']")).to_have_text(["70", "60"][number])
    expect(page.locator("#total")).to_have_text("130")
    page.get_by_role("button", name="添加: 帮工").click()
    page.locator("[id='helpers.0.name']").fill("丙")
    page.locator("[id='helpers.0.is_cook']").select_option("true")
    expect(page.locator("[id='helpers.0.health_card']")).to_be_visible()
    visitor.look("record-form")
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_text("还没有保存")).to_be_visible()
    expect(page.locator("[id='block-helpers.0.health_card']")).to_contain_text("必填")
    visitor.look("record-form-problems")
    page.locator("[id='helpers.0.health_card']").fill("渝健 0017")
    page.locator("[id='helpers.0.health_card']").blur()
    expect(page.locator("[id='block-helpers.0.health_card']")).not_to_contain_text("必填")
    page.get_by_role("button", name="上移: 饮品 2").click()
    expect(page.locator("[id='drinks.0.name']")).to_have_value("冰水")
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_text("已登记")).to_be_visible()
    expect(page.get_by_role("cell", name="柠檬水")).to_be_visible()
    visitor.look("record-detail")
    page.goto(f"{page.url}edit")
    page.get_by_label("类型").select_option("cart")
    expect(page.get_by_label("车牌")).to_have_count(0)
    page.get_by_label("轮数").fill("3")
    page.get_by_role("button", name="保存").last.click()
    page.get_by_role("link", name="版本对比").click()
    expect(page.get_by_role("row", name="车牌")).to_contain_text("渝A12345")
    visitor.look("record-versions")


def test_a_place_is_where_the_phone_is(clerk: Any, county: County) -> None:
    visitor = clerk(PHONE)
    page = visitor.page
    visitor.context.grant_permissions(["geolocation"])
    visitor.context.set_geolocation({"longitude": 100.2000004, "latitude": 30.25})
    page.goto("/records/lemonade.regular/new")
    page.get_by_role("button", name="取当前位置").click()
    expect(page.get_by_label("地图位置")).to_have_value("100.200000, 30.250000")
    visitor.look("record-form-place")
