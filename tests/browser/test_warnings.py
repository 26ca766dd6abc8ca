"""A public warning in browsers: drafted from an alarm, issued by a second person, confirmed on a phone, all clear."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

from shizhu.wire import cap

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
TOWN = "南宾街道"


def feed(living: Stack) -> str:
    """The public feed, as anybody reads it."""
    with urllib.request.urlopen(f"{living.address}/cap") as answer:
        return str(answer.read().decode())


def test_from_an_alarm_to_the_all_clear(living: Stack, visit: Visit) -> None:
    alarm = (
        "SELECT a.id FROM alarms_alarm a JOIN kernel_area r ON r.id = a.area_id WHERE r.name = %s AND a.state = 'open'"
    )
    assert until(lambda: bool(living.query(alarm, TOWN))), living.tail()
    number = living.query(alarm, TOWN)[0][0]

    officer = visit("officer")
    officer.page.goto(f"/alarms/{number}/")
    with officer.phone(anew=True):  # what is the matter, the values, then what to do about it
        parts = [
            officer.page.locator(".big-number"),
            officer.page.locator(".chart"),
            officer.page.get_by_label("转派给"),
        ]
        tops = [part.evaluate("one => one.getBoundingClientRect().top + scrollY") for part in parts]
        assert tops == sorted(tops)
        officer.look("alarm")
    officer.page.get_by_role("link", name="起草预警").click()
    expect(officer.page.get_by_label("标题（中文）")).to_have_value(re.compile("水污染事件黄色预警"))
    expect(officer.page.get_by_role("checkbox", name=TOWN)).to_be_checked()
    officer.look("warning-draft", dark=True)
    officer.page.get_by_role("radio", name="橙").check()
    officer.page.get_by_role("button", name="按模板重新填写").click()
    expect(officer.page.get_by_label("标题（中文）")).to_have_value(re.compile("水污染事件橙色预警"))
    officer.page.get_by_role("button", name="保存草稿").click()
    expect(officer.page.get_by_role("main")).to_contain_text("您起草的内容须由另一人审批发布")
    expect(officer.page.get_by_role("button", name="审批并发布")).to_have_count(0)

    leader = visit("leader")
    leader.page.goto("/")
    leader.page.get_by_role("link").filter(has_text="待您审批").click()
    leader.look("warning-approve")
    leader.page.get_by_role("button", name="审批并发布").click()
    expect(leader.page.locator("[data-people]")).to_contain_text(re.compile(r"0 / \d"))
    assert "橙色预警" in feed(living)

    chief = visit("chief", PHONE)
    chief.page.goto("/")
    chief.page.get_by_role("link").filter(has_text="橙色预警", has_not_text="请代为通知").first.click()
    chief.look("warning-told")
    chief.page.get_by_role("button", name="收到").click()
    expect(chief.page.get_by_role("main")).to_contain_text("您已确认收到")
    chief.page.get_by_role("link", name="查看").click()
    expect(chief.page.get_by_role("main")).to_contain_text("这是演练")
    chief.look("warning-public")

    expect(leader.page.get_by_text("马德顺")).to_be_visible()
    expect(leader.page.locator("[data-people]")).to_contain_text(re.compile(r"^[1-9]"), timeout=30_000)
    expect(leader.page.locator("[data-homes]")).to_contain_text(re.compile(r"^\s*[1-9]"), timeout=150_000)
    leader.look("warning", dark=True)

    officer.page.reload()
    officer.page.get_by_role("link", name="解除预警").click()
    officer.page.get_by_role("button", name="保存草稿").click()
    leader.page.reload()
    leader.page.get_by_role("button", name="审批并发布").click()
    expect(leader.page.get_by_role("main")).to_contain_text("已解除")
    leader.page.get_by_label("空报（未发生）").check()
    leader.page.get_by_role("button", name="保存").click()
    leader.page.goto("/alarms/warnings/skill/")
    expect(leader.page.get_by_role("main")).to_contain_text("100 %")
    leader.look("warning-skill")
    link = re.search(r'href="([^"]+\.xml)"', feed(living))
    assert link
    with urllib.request.urlopen(link[1]) as answer:
        end = cap.decode(answer.read())
    assert (end.status, end.infos[0].responses, len(end.references)) == ("Exercise", ("AllClear",), 1)

    phone = visit("officer", PHONE)
    for name, address in (("warnings", "/alarms/warnings/?state=all"), ("warning-new", "/alarms/warnings/new")):
        phone.page.goto(address)
        phone.look(name)
    warning = living.query("SELECT max(id) FROM alarms_publicwarning")[0][0]
    phone.page.goto(f"/alarms/warnings/{warning}/")
    phone.look("warning")


LOOKED_AT = "document.dispatchEvent(new Event('visibilitychange'))"  # as when the phone is taken out: it asks anew


def test_two_phones_at_the_doors_see_each_others_words(living: Stack, visit: Visit) -> None:
    duty, leader = visit("duty-officer"), visit("leader")
    page = duty.page
    page.goto("/alarms/warnings/new?kind=emergency.flash_flood&level=red")
    page.get_by_role("checkbox", name="三河镇").check()
    page.get_by_label("实警或演练").select_option(label="演练")
    page.get_by_role("button", name="按模板重新填写").click()
    expect(page.get_by_label("标题（中文）")).to_have_value(re.compile("山洪灾害红色预警"))
    page.get_by_role("button", name="保存草稿").click()
    leader.page.goto(page.url)
    leader.page.get_by_role("button", name="审批并发布").click()
    expect(leader.page.locator("[data-spoken]")).to_contain_text(re.compile("每 10 分钟重播一次，直到"))

    village, chief = visit("village-sanhe", PHONE), visit("chief-sanhe", PHONE)
    for who in (village, chief):
        who.page.goto("/field/")
        who.page.wait_for_function("navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller)")
    where = "川主社区居民委员会"
    found = "SELECT r.id, r.title FROM records_record r JOIN kernel_area a ON a.id = r.area_id WHERE a.name = %s"
    number, title = living.query(f"{found} AND r.register = 'rivers.household' ORDER BY r.id LIMIT 1", where)[0]
    named = re.compile(f"^({re.escape(title)}|住户 {number} 号（无权查看户名）)$")

    def home(of: Visitor) -> Locator:
        one = of.page.locator(".field-doors .border-top")
        return one.filter(has=of.page.get_by_text(named), has_text=where)

    row, other = home(village), home(chief)
    expect(row.get_by_role("button")).to_have_count(4)
    village.look("doors")
    row.get_by_role("button", name="不肯走").click()
    expect(village.page.locator("#field-count")).to_be_empty()
    other.get_by_role("button", name="已转移").click()  # a newer word, of somebody else
    expect(chief.page.locator("#field-count")).to_be_empty()
    village.page.evaluate(LOOKED_AT)
    expect(row.locator("[aria-pressed=true]")).to_have_text("已转移")

    village.context.set_offline(True)
    row.get_by_role("button", name="待接").click()  # waits on the phone, and counts there
    expect(row.locator("[aria-pressed=true]")).to_have_text("待接")
    other.get_by_role("button", name="家中无人").click()
    expect(chief.page.locator("#field-count")).to_be_empty()
    village.context.set_offline(False)
    expect(village.page.locator("#field-count")).to_be_empty()
    village.page.evaluate(LOOKED_AT)
    expect(row.locator("[aria-pressed=true]")).to_have_text("家中无人")
    village.faults.clear()  # a request without a network is said in the console
