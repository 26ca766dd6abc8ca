"""The OGC API as people see it in a browser, at the desk and on the phone, in both languages."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Visitor

pytestmark = [pytest.mark.stack, pytest.mark.browser]
SECTION = "/ogc/collections/ecology.section"
PLACES = {
    "ogc": "/ogc",
    "ogc-collection": SECTION,
    "ogc-items": f"{SECTION}/items",
    "ogc-fields": f"{SECTION}/schema",
    "ogc-catalogue": "/ogc/collections/catalogue/items",
    "ogc-areas": "/ogc/collections/areas/items?level=town",
}


@pytest.mark.parametrize("size", [None, PHONE])
def test_the_api_has_pages(visit: Callable[..., Visitor], size: dict[str, int] | None) -> None:
    visitor = visit("leader", *([size] if size else []))
    page = visitor.page
    for name, address in PLACES.items():
        page.goto(address)
        expect(page.get_by_role("navigation", name="当前位置")).to_be_visible()
        visitor.look(name)
    page.goto(f"{SECTION}/items")
    page.get_by_label("CQL2").fill("target = 'III' AND S_INTERSECTS(geometry, BBOX(107, 29, 109, 31))")
    page.get_by_role("button", name="查询").click()
    row = page.locator("main table tbody tr").first
    expect(row).to_be_visible()
    row.get_by_role("link").click()
    expect(page.get_by_text("目标类别")).to_be_visible()
    visitor.look("ogc-item")
