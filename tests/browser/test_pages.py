"""The main pages as each role sees them: pictured at the desk and on a phone, light and dark, looked at by axe, in both
languages; and what the shell does: keyboard, tour, network away, paper."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
# (name, address) of a page; an address that begins with a pattern of links is the first such link of the page before it
MISSING = "/nothing-here"  # an address with nothing, meant to answer with an error
PAGES: dict[str, list[tuple[str, str]]] = {
    "leader": [
        ("work", "/"), ("boards", "/boards/"), ("board", r"^/boards/(?!reports)[^/]+/$"), ("map", "/map/"),
        ("plan", "/plan/"), ("indicator", r"^/plan/indicators/\d+/$"), ("plan-tasks", "/plan/tasks/"),
        ("plan-review", "/plan/review/"), ("clauses", "/plan/clauses/"), ("supervision", "/plan/supervision/"),
        ("node", r"^/plan/nodes/\d+/$"), ("scorecards", "/plan/scorecards/"), ("plan-timeline", "/plan/timeline/"),
        ("plan-reports", "/plan/reports/"), ("meetings", "/plan/meetings/"), ("collect", "/plan/collect/"),
        ("indexes", "/plan/indexes/"), ("reports", "/boards/reports/"), ("alarm-load", "/alarms/load/"),
        ("alarms", "/alarms/"), ("alarm", r"^/alarms/\d+/$"),
        ("rules", "/alarms/rules/"), ("warnings", "/alarms/warnings/"), ("warning-skill", "/alarms/warnings/skill/"),
        ("cases", "/cases/?status=all"), ("case", r"^/cases/\d+/$"),
        ("emergencies", "/cases/emergencies/"), ("emergency", r"^/cases/emergencies/[^/]+/$"), ("duty", "/duty/"),
        ("approvals", "/cases/approvals/"), ("petitions", "/cases/petitions/"),
        ("stations", "/things/"), ("station", r"^/things/\d+/$"), ("rates", "/things/rates/"),
        ("developer", "/things/developer/"), ("registers", "/records/"),
        ("records", "/records/rivers.reach/"), ("record", r"^/records/rivers.reach/\d+/$"), ("notices", "/notices/"),
        ("account", "/account"), ("help", "/help"), ("design", "/design"), ("missing", MISSING),
    ],
    "river-office": [
        ("case-new", "/cases/new/rivers.problem/"), ("record-new", "/records/rivers.reach/new"),
        ("residents-labels", "/labels/"),
        ("patrols", "/patrols/"), ("field", "/field/"),
    ],
    "supply": [("stock", "/stock/emergency.supplies/")],
    "science": [
        ("mine", "/plan/mine/"), ("plan-read", "/plan/read/"), ("plan-tables", "/plan/tables/"),
        ("room", "/plan/room/"),
        ("duplicates", "/records/innovation.enterprise/duplicates/"),
        ("compare", r"^/records/innovation.enterprise/duplicates/\d+/$"),
    ],
    "admin": [
        ("people", "/people/"), ("person", r"^/people/\d+/$"), ("person-new", "/people/new"),
        ("sign-ins", "/people/sign-ins"), ("notice-new", "/notices/new"), ("tokens", "/tokens"),
        ("device", "/things/"), ("device", r"^/things/\d+/$"), ("connect", "/things/connect/"),
        ("import", "/things/import/?profile=rivers.stage_station"), ("labels", "/things/labels/"),
        ("commands", "/things/commands/"), ("releases", "/things/releases/"),
        ("rollout", r"^/things/rollouts/\d+/$"), ("release", r"^/things/releases/\d+/$"),
        ("release-new", "/things/releases/new/firmware"),
        ("command-group", "/things/commands/new?way=rivers.stage_station|set_interval"),
        ("declarations", "/declarations/"), ("register-new", "/declarations/registers/new"),
        ("password", "/password"), ("second-factor", "/account/second"),
    ],
}  # fmt: skip
THINGS = {"indicator", "node", "alarm", "case", "emergency", "station", "device", "record", "person",
          "release", "rollout"}  # fmt: skip
DRAWN = {"map", "board"}  # by scripts that go by the screen, in a second
UNTOLD = {"design", "missing"}  # pages whose words are nobody's
LABELS = "nav, h1, h2, h3, th, button, label, legend, summary, dt, .empty-note, .level, .alert"
LATIN = re.compile(r"[A-Za-z]{4,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
# Words that both languages write in Latin letters.
NAMES = re.compile(
    r"plan-2030|SensorThings|OpenID|HTTP|Basic|Excel|OGC|API|GeoJSON|CSV|MQTT|Word|BPMN|FEEL|JSON|CQL2?|Enter|Esc|UTM|CGCS|WGS|"
    r"--sz-[\w-]+|text-\w+|space-\w|shadow-\w|chart-\d|(?:kernel|rivers|ecology|innovation|emergency|hall|city)\.[\w.]+|\w+@\w+|[\w-]*_[\w-]+",
)


def walk(page: Page, listed: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Open one page after another; a pattern is the first such link of the page before it. Gives the real addresses."""
    for name, listed_as in listed:
        address = listed_as
        if listed_as.startswith("^"):
            hrefs = page.locator("main a[href], main [data-row-href]").evaluate_all(
                "all => all.map(e => e.dataset.rowHref ?? e.getAttribute('href'))"
            )
            address = next((href for href in hrefs if re.match(listed_as, href)), "")
            assert address, f"{name}: no link like {listed_as} among {hrefs}"
        answer = page.goto(address)
        assert answer
        assert answer.status == 200 or address == MISSING, f"{name}: {address} answers {answer.status}"
        yield name, address


def labels(page: Page) -> list[str]:
    """What the page writes on its parts, seen or heard; data in other languages is marked as such."""
    found: list[str] = page.locator(LABELS).evaluate_all(
        "all => all.filter(e => e.checkVisibility() && !e.closest('[lang]:not(html)')).map(e => {"
        "  const copy = e.cloneNode(true);"
        "  copy.querySelectorAll('[lang], code, kbd, pre, time, strong, a').forEach(x => x.remove());"
        "  return copy.textContent.trim().replace(/\\s+/g, ' '); })"
    )
    found += page.locator(
        "[placeholder], :is(input, textarea, select, button, nav, form, dialog, progress)[aria-label]"
    ).evaluate_all(
        "all => all.filter(e => e.checkVisibility() && !e.closest('[lang]:not(html)'))"
        ".flatMap(e => [e.placeholder, e.getAttribute('aria-label')]).filter(Boolean)"
    )
    return [text for text in found if text]


@pytest.mark.parametrize("who", PAGES)
def test_main_pages_are_in_order(visit: Visit, living: Stack, who: str) -> None:
    """In Chinese: at the desk, light and dark, and on a phone."""
    assert until(lambda: living.query("SELECT count(*) > 0 FROM alarms_alarm")[0][0]), living.tail()
    assert until(lambda: living.query("SELECT count(*) > 0 FROM records_pair")[0][0]), living.tail()
    visitor, mixed = visit(who), list[tuple[str, str]]()
    for name, _address in walk(visitor.page, PAGES[who]):
        if name in DRAWN:
            visitor.page.wait_for_timeout(1500)
        visitor.look(name, dark=True)
        if name not in UNTOLD:
            mixed += [
                (name, text)
                for text in labels(visitor.page)
                if LATIN.search(NAMES.sub("", text)) and not CHINESE.search(text)
            ]
        with visitor.phone(anew=name in DRAWN):
            if name in DRAWN:
                visitor.page.wait_for_timeout(1500)
            visitor.look(name)
    assert not mixed, "\n".join(map(str, mixed))
    visitor.faults = [fault for fault in visitor.faults if MISSING not in fault]


@pytest.mark.parametrize("who", PAGES)
def test_who_wants_english_reads_no_chinese(visit: Visit, living: Stack, who: str) -> None:
    assert until(lambda: living.query("SELECT count(*) > 0 FROM records_pair")[0][0]), living.tail()
    page, mixed = visit(who).page, list[tuple[str, str]]()
    page.goto("/")
    page.get_by_role("button", name="EN", exact=True).click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    for name, _address in walk(page, [one for one in PAGES[who] if one[0] not in UNTOLD]):
        heading = page.locator("h1").inner_text() if name in THINGS else ""  # the name of a thing
        mixed += [
            (name, text) for text in labels(page) if CHINESE.search(text) and text != heading and not is_data(text)
        ]
    assert not mixed, "\n".join(map(str, mixed))


def is_data(text: str) -> bool:
    """Names of people, places and plans are in the language they have."""
    return bool(re.search("“十四五”|系统管理员|张县长|秦雅琴|马德顺|陈立|黎建国|冯库生|（虚构）|石柱", text))


def test_everything_can_be_done_by_keyboard(visit: Visit) -> None:
    page = visit("leader").page
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="键盘快捷键")
    expect(sheet).to_be_visible()
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("a")
    page.wait_for_url("**/alarms/")
    page.keyboard.press("?")
    page.get_by_label("启用单键快捷键").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("h")
    page.keyboard.press("?")
    expect(sheet).to_be_hidden()
    expect(page).to_have_url(re.compile("/alarms/$"))


def test_a_script_that_slipped_into_a_page_does_not_run(visit: Visit) -> None:
    visitor = visit("leader")
    page = visitor.page
    page.goto("/")
    with page.expect_console_message(lambda said: "Content Security Policy" in said.text):
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=/nothing.png onerror=\"bad = 1\">')")
    assert page.evaluate("typeof bad") == "undefined"
    visitor.faults = [fault for fault in visitor.faults if "Content Security" not in fault and "404" not in fault]


def test_the_menu_is_found_in_and_has_favourites(visit: Visit) -> None:
    page = visit("admin").page
    page.goto("/")
    rail = page.locator(".rail")
    rail.get_by_label("查找菜单").fill("案")
    expect(rail.get_by_role("link", name="案件")).to_be_visible()
    expect(rail.get_by_role("link", name="规划")).to_be_hidden()
    rail.get_by_label("查找菜单").fill("zzz")
    expect(rail.get_by_text("没有这样的菜单。")).to_be_visible()
    rail.get_by_label("查找菜单").fill("cases")
    page.keyboard.press("Enter")
    page.wait_for_url("**/cases/")
    rail.get_by_role("link", name="监测站").hover()
    rail.get_by_role("button", name="收藏: 监测站").click()
    expect(rail.locator("[data-group=stars]").get_by_role("link", name="监测站")).to_be_visible()
    rail.locator("[data-group=stars]").get_by_role("button", name="收藏: 监测站").click()
    expect(rail.locator("[data-group=stars]")).to_have_count(0)


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_tour_leads_around_once(visit: Visit, size: dict[str, int]) -> None:
    visitor = visit("inspector" if size == DESKTOP else "officer", size)
    page = visitor.page
    page.goto("/")
    page.get_by_role("button", name="带我看看").click()
    card = page.locator(".tour")
    expect(card.get_by_role("heading")).to_have_text("菜单")
    visitor.look("tour")
    box, seen = card.bounding_box(), 1
    assert box
    assert 0 <= box["x"] <= size["width"] - box["width"]
    assert 0 <= box["y"] <= size["height"] - box["height"]
    while card.get_by_role("button", name="下一步").count():
        card.get_by_role("button", name="下一步").click()
        seen += 1
    expect(card).to_contain_text(f"{seen} / {seen}")
    card.get_by_role("button", name="完成").click()
    expect(page.get_by_role("button", name="带我看看")).to_have_count(0)
    page.reload()
    expect(page.get_by_role("button", name="带我看看")).to_have_count(0)


def test_a_network_that_is_away_is_said(visit: Visit) -> None:
    visitor = visit("leader", PHONE)
    visitor.page.goto("/")
    visitor.page.context.set_offline(True)
    expect(visitor.page.get_by_role("status").filter(has_text="网络已断开")).to_be_visible()
    visitor.look("offline")
    visitor.page.context.set_offline(False)
    expect(visitor.page.get_by_role("status").filter(has_text="网络已恢复")).to_be_visible()
    visitor.faults.clear()  # what the browser says of the missing network


def test_paper_gets_the_content_alone(visit: Visit) -> None:
    visitor = visit("leader")
    visitor.page.goto("/plan/")
    visitor.page.emulate_media(media="print")
    visitor.look("print")
    for gone in (".rail", ".topbar-end", ".tabbar"):
        expect(visitor.page.locator(gone)).to_be_hidden()
    expect(visitor.page.locator(".print-head")).to_be_visible()
