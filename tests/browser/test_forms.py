"""Forms and the drawing of flows in a browser: what is typed is followed, a place is tapped, nothing is lost."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Dialog, Locator, Page, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.engines.cases.test_deciding import CAMUNDA
from tests.engines.cases.test_drawing import POOLS
from tests.fixtures import person

from shizhu.engines.cases import flows
from shizhu.engines.cases.logic.steps import Plain, Step, written
from shizhu.engines.records import api
from shizhu.engines.records.models import Record
from shizhu.kernel import access, overlays
from shizhu.kernel.models import County, Declaration, Post

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PERMIT = "lemonade.permit"
PASSWORD = "correct horse"


def leak(county: County) -> None:
    """The form 漏水上报, which asks for a place, and the flow 漏水, which the clerk may begin with it."""
    spot = {"x-title": "地点", "x-widget": "place", "type": "string"}
    form = {"title": "漏水上报", "type": "object", "required": ["spot"], "properties": {"spot": spot}}
    plain = Plain(
        "leak", "漏水", "Leak", county.pk, "LS", 3, ("lemonade.maker",), "local.leak_report", ("上报", "上报"),
        ("办结", "办结"), (Step("s1", "检修", "Repair", "lemonade.maker", "", 0, "", ""),),
    )  # fmt: skip
    overlays.save(county.pk, "forms", "local.leak_report", form)
    overlays.save(county.pk, "flows", "local.leak", {"text": written(plain)})
    post = Post.objects.get(person__username="clerk")
    Post.objects.create(
        person=post.person, role_id="lemonade.maker", organisation=post.organisation, area=post.area,
        starts=post.starts,
    )  # fmt: skip


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
    add = page.get_by_role("button", name="添加：饮品")
    for number, (name, price, cups) in enumerate((("柠檬水", "3.5", "20"), ("冰水", "2", "30"))):
        add.click()
        expect(page.locator(f"[id='drinks.{number}.name']")).to_be_focused()
        page.locator(f"[id='drinks.{number}.name']").fill(name)
        page.locator(f"[id='drinks.{number}.price']").fill(price)
        page.locator(f"[id='drinks.{number}.cups']").fill(cups)
        page.locator(f"[id='drinks.{number}.cups']").blur()
        expect(page.locator(f"[id='drinks.{number}.amount']")).to_have_text(["70", "60"][number])
    expect(page.locator("#total")).to_have_text("130")
    page.get_by_role("button", name="添加：帮工").click()
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


def tap(page: Page, at: tuple[int, int]) -> str:
    """Choose on the map what lies at a point of its frame; the place that was told."""
    page.get_by_role("button", name="在地图上选").click()
    frame = page.frame_locator("dialog.pick iframe")
    expect(frame.locator("#map[data-ready]")).to_be_visible()
    expect(frame.get_by_role("button", name="就选这里")).to_be_disabled()
    frame.locator("#map").click(position={"x": at[0], "y": at[1]})
    expect(frame.locator("#place-told")).to_have_text(re.compile(r"\d+\.\d{6}, \d+\.\d{6}"))
    return frame.locator("#place-told").inner_text()


def take(page: Page) -> None:
    page.frame_locator("dialog.pick iframe").get_by_role("button", name="就选这里").click()
    expect(page.locator("dialog.pick")).to_have_count(0)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_a_place_is_tapped_on_the_map(clerk: Any, county: County, size: dict[str, int]) -> None:
    leak(county)
    visitor = clerk(size)
    page = visitor.page
    for address, field in (("/records/lemonade.regular/new", "地图位置"), ("/cases/new/local.leak/", "地点")):
        page.goto(address)
        told = tap(page, (120, 200))
        longitude, latitude = (float(part) for part in told.split(","))
        assert (99.5 < longitude < 101.5, 29.5 < latitude < 31.5) == (True, True)
        visitor.look(f"place-{'case' if 'cases' in address else 'record'}")
        take(page)
        expect(page.get_by_label(field)).to_have_value(told)
    page.get_by_label("乡镇").select_option(label="东镇")
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.get_by_role("main")).to_contain_text(told)
    page.goto("/cases/new/local.leak/")
    page.get_by_role("button", name="在地图上选").click()
    page.frame_locator("dialog.pick iframe").get_by_role("button", name="取消").click()
    expect(page.locator("dialog.pick")).to_have_count(0)
    expect(page.get_by_label("地点")).to_have_value("")


def test_a_place_is_chosen_on_the_field_page(clerk: Any, county: County) -> None:
    leak(county)
    visitor = clerk(PHONE)
    page = visitor.page
    visitor.context.grant_permissions(["geolocation"])
    visitor.context.set_geolocation({"longitude": 100.75, "latitude": 30.5})
    page.goto("/field/#report")
    page.get_by_role("button", name="漏水").click()
    told = tap(page, (120, 200))
    take(page)
    expect(page.get_by_label("地点")).to_have_value(told)
    visitor.context.set_offline(True)
    page.get_by_role("button", name="取当前位置").click()
    expect(page.get_by_label("地点")).to_have_value("100.750000, 30.500000")
    page.get_by_role("button", name="在地图上选").click()
    expect(page.get_by_text("打开地图需要网络")).to_be_visible()
    visitor.look("field-place")
    visitor.faults = [fault for fault in visitor.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


UNSAVED = "有改动尚未保存"


def stays_at(page: Page, leave: Callable[[], None]) -> None:
    """Something is said to be unsaved; the browser asks whoever leaves, and who does not want to is still there."""
    expect(page.get_by_text(UNSAVED)).to_be_visible()
    asked, at = list[str](), page.url

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    leave()
    page.wait_for_timeout(700)
    assert (asked, page.url) == (["beforeunload"], at)
    expect(page.locator("#loading")).to_be_hidden()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desk", "phone"])
def test_a_decision_of_another_editor_is_brought_and_tried(clerk: Any, county: County, size: dict[str, int]) -> None:
    visitor = clerk(size)
    page = visitor.page
    page.goto("/declarations/decisions/new")
    for content, said in ((CAMUNDA.replace(b"FIRST", b"BEST"), "不是命中策略"), (CAMUNDA, "已保存")):
        page.locator("#file").set_input_files({"name": "x.dmn", "mimeType": "text/xml", "buffer": content})
        page.get_by_role("button", name="检查并保存").click()
        expect(page.locator("body")).to_contain_text(said)
    page.get_by_label("degrees").fill("30")
    page.get_by_label("guests").fill("3")
    page.get_by_role("button", name="试算").click()
    expect(page.get_by_role("status").filter(has_text="依据规则")).to_contain_text("15 依据规则 加糖 1")
    visitor.look("own-decision")
    page.goto("/declarations/")
    visitor.look("own-shelves")


def test_a_file_of_another_editor_is_drawn_mended_and_kept(clerk: Any, county: County) -> None:
    visitor = clerk()
    page = visitor.page
    page.goto("/declarations/flows/draw")
    bare = POOLS.replace(' c:candidateGroups="lemonade.maker"', "")
    page.locator("#flow-file").set_input_files({"name": "x.bpmn", "mimeType": "text/xml", "buffer": bare.encode()})
    expect(page.get_by_text("文件中有几个泳池都可以运行，办理哪一个？")).to_be_visible()
    visitor.look("flow-pools")
    page.get_by_role("button", name="顾客").click()
    expect(page.locator("#flow-faults")).to_contain_text("用户任务“付钱”：必须指定办理角色")
    expect(page.locator(".flow-side > .order-first")).to_contain_text("检查结果")  # what is wrong stands above all else
    page.locator("[data-element-id=pay]").first.click()
    page.locator("#field-role").select_option("lemonade.maker")
    page.locator("#field-name").fill("收钱")
    page.locator("#field-name").blur()
    expect(page.locator("#flow-count")).to_have_text("0")
    stays_at(page, page.locator(".flow-side a.back").click)
    palette, pool = (page.locator(one).first.bounding_box() or {} for one in (".djs-palette", ".djs-shape"))
    assert palette["x"] + palette["width"] <= pool["x"]  # it hides nothing of the drawing
    visitor.look("flow-draw")
    page.locator("#flow-save").click()
    expect(page.get_by_text("已保存新版本")).to_be_visible()
    expect(page.get_by_text(UNSAVED)).to_be_hidden()
    page.reload()
    expect(page.locator("[data-element-id=pay]").first).to_be_visible()
    expect(page.get_by_text(UNSAVED)).to_be_hidden()  # opened, not changed
    expect(page.locator("[data-element-id=pay]").first).to_contain_text("收钱")
    row = Declaration.objects.get(kind="flows", source="person")
    assert (page.url.endswith(f"/{row.stem}/draw"), "收钱" in row.body["text"]) == (True, True)
    assert [part for part in ("邻居", "摊主", 'id="mix"') if part not in row.body["text"]] == []


def test_a_step_that_is_called_anew_is_put_into_its_stage(clerk: Any, county: County) -> None:
    page = clerk().page
    leak(county)
    page.goto("/declarations/flows/leak/draw")
    page.locator("[data-element-id=s1]").first.click()
    page.locator("#field-name").fill("修理")
    page.locator("#field-name").blur()
    expect(page.locator("#flow-faults")).to_contain_text("请在该步骤的“所属环节”")
    page.locator("#field-stage").select_option("检修")
    expect(page.locator("#flow-count")).to_have_text("0")
    page.locator("#flow-save").click()
    expect(page.get_by_text("已保存新版本")).to_be_visible()
    about = flows.about(overlays.find(county.pk, "flows", "local.leak").body["text"].encode())
    assert (about.names["s1"]["zh"], about.stages[about.stage_of["s1"]]["zh"]) == ("修理", "检修")


def test_a_form_that_is_not_saved_is_asked_about_before_one_leaves(clerk: Any, county: County) -> None:
    page = clerk().page
    page.goto("/declarations/forms/new")
    expect(page.get_by_text(UNSAVED)).to_be_hidden()
    page.locator("[id='r.zh']").fill("借书单")
    stays_at(page, page.get_by_role("link", name="本县自建").last.click)
    expect(page.locator("[id='r.zh']")).to_have_value("借书单")
    page.get_by_role("button", name="保存").click()
    page.wait_for_url("**/declarations/forms/jie_shu_dan/")
    expect(page.get_by_text(UNSAVED)).to_be_hidden()


def test_what_was_typed_outlives_a_lost_login(clerk: Any, county: County) -> None:
    visitor = clerk()
    page, context = visitor.page, visitor.context
    page.clock.install()
    page.goto("/records/lemonade.grower/new")
    page.get_by_label("编号").fill("G009")
    page.get_by_label("名称").fill("果园丙")
    page.clock.fast_forward(120_000)
    page.route("**/login/state", lambda route: route.abort())
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_text("连不上服务器")).to_be_visible()
    page.unroute("**/login/state")
    visitor.faults.clear()
    context.clear_cookies()
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_role("dialog")).to_contain_text("您填的内容还在本页")
    visitor.look("login-lost")
    with context.expect_page() as opened:
        page.get_by_role("link", name="在新窗口登录").click()
    opened.value.get_by_label("用户名").fill("clerk")
    opened.value.get_by_label("密码").fill(PASSWORD)
    opened.value.get_by_role("button", name="登录").click()
    opened.value.wait_for_url("**/")
    page.get_by_role("dialog").get_by_role("button", name="关闭").click()
    page.get_by_role("button", name="保存").last.click()
    expect(page.get_by_text("已登记")).to_be_visible()
    assert Record.objects.filter(register="lemonade.grower", key="G009").exists()


def type_into(cell: Locator, text: str) -> None:
    """Write a cell of a decision table anew, as one types."""
    cell.click()
    cell.page.keyboard.press("Control+a")
    cell.page.keyboard.insert_text(text)


def test_a_decision_is_opened_changed_tried_and_kept(clerk: Any, county: County) -> None:
    cells = "<inputEntry><text>-</text></inputEntry>" * 2 + "<outputEntry><text>1</text></outputEntry>"
    long = CAMUNDA.decode().replace("</decisionTable>", f"<rule>{cells}</rule>" * 30 + "</decisionTable>")
    overlays.save(county.pk, "decisions", "local.lemon", {"text": long})
    visitor = clerk()
    page = visitor.page
    page.goto("/declarations/decisions/lemon/open")
    expect(page.locator("#tables[data-ready]")).to_be_visible()
    expect(page.locator("#tables-lost")).to_be_hidden()
    expect(page.locator(".djs-element[data-element-id=guests_id]")).to_be_visible()  # which the file had not drawn
    visitor.look("decision-graph")
    page.locator("#tables-tabs").get_by_role("button", name="加糖").click()
    cell = page.locator("[data-row-id=DecisionRule_1][data-col-id=Output_1]")
    expect(cell).to_have_text("5 * guests")
    expect(
        page.locator("#tables").get_by_title("Powered by bpmn.io").first
    ).to_be_in_viewport()  # its licence asks for it
    visitor.look("decision-table")
    expect(page.get_by_text(UNSAVED)).to_be_hidden()
    type_into(cell, "“7” * guests")
    expect(page.locator("#tables-faults")).to_contain_text("决策“加糖”第 1 行“糖（克）”列：")
    expect(page.locator("#tables-count")).to_have_text("1")
    visitor.look("decision-fault")
    page.locator("#tables-save").click()
    expect(page.locator("#tables-count")).to_have_text("1")
    expect(cell).to_have_text("“7” * guests")
    type_into(cell, "7 * guests")
    expect(page.locator("#tables-count")).to_have_text("0")
    page.get_by_label("degrees").fill("30")
    page.get_by_label("guests").fill("3")
    page.get_by_role("button", name="试算").click()
    expect(page.locator("#tables-answer")).to_contain_text("加糖21命中第 1 行")
    visitor.look("decision-try")
    stays_at(page, page.locator(".flow-side a.back").click)
    page.locator("#tables-save").click()
    expect(page.get_by_text("已保存新版本")).to_be_visible()
    expect(page.get_by_text(UNSAVED)).to_be_hidden()
    with visitor.phone(anew=True):
        expect(page.locator("#tables[data-ready]")).to_be_visible()
        page.locator("#tables-tabs").get_by_role("button", name="加糖").click()
        expect(page.locator("[data-row-id=DecisionRule_1]").filter(has_text="7 * guests")).to_be_visible()
        visitor.look("decision")


def test_a_decision_that_the_editor_would_cut_is_only_looked_at(clerk: Any, county: County) -> None:
    """An `if` of DMN 1.4, which the editor does not know, is tried as it is written."""
    text = "<literalExpression><text>{}</text></literalExpression>"
    parts = "".join(f"<{tag}>{text.format(value)}</{tag}>" for tag, value in (("if", "true"), ("then", 1), ("else", 2)))
    needs = '<informationRequirement><requiredDecision href="#sugar"/></informationRequirement>'
    more = f'<decision id="cups" name="几杯">{needs}<conditional>{parts}</conditional></decision></definitions>'
    newer = CAMUNDA.decode().replace("20191111/MODEL", "20211108/MODEL").replace("</definitions>", more)
    overlays.save(county.pk, "decisions", "local.lemon", {"text": newer})
    visitor = clerk()
    page = visitor.page
    page.goto("/declarations/decisions/lemon/open")
    expect(page.locator("#tables[data-ready]")).to_be_visible()
    expect(page.locator("#tables-lost")).to_contain_text("<conditional>")
    expect(page.locator("#tables-save")).to_be_disabled()
    page.get_by_role("button", name="试算").click()
    expect(page.locator("#tables-answer")).to_contain_text("几杯1")
    visitor.look("decision-cut")
