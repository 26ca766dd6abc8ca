"""The field page with the network cut: what was done arrives once when it is back, and a conflict is told."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect
from tests.browser.conftest import DESKTOP, PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
BRIDGE = {"longitude": 108.114, "latitude": 30.0, "accuracy": 6}
NEW = "/cases/new/rivers.problem/"


def photo(folder: Path) -> Path:
    """A photo of a phone: 3000 × 2000, taken at a time and a place that its EXIF tells."""
    noise = Image.effect_noise((750, 500), 25).resize((3000, 2000))  # so that it goes in more than one piece
    image, exif = Image.merge("RGB", [noise, noise, noise]), Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2026:11:20 09:30:00", 0x9011: "+08:00"})
    exif.get_ifd(0x8825).update({1: "N", 2: (30.0, 0.0, 3.6), 3: "E", 4: (108.0, 7.0, 12.0)})
    made = io.BytesIO()
    image.save(made, "JPEG", exif=exif)
    target = folder / "bridge.jpg"
    target.write_bytes(made.getvalue())
    return target


def given(office: Visitor, title: str, seen: Path) -> None:
    """A case that the office reported with a photo and accepted, so that it waits for the river chief of its town."""
    page = office.page
    page.goto(NEW)
    page.get_by_label("是什么问题").fill(title)
    page.get_by_label("类别").select_option(label="垃圾漂浮物")
    page.locator("select[name=area]").select_option("500240001")
    page.locator("input[type=file]").set_input_files(seen)
    page.get_by_role("button", name="上报").click()
    page.goto("/cases/")
    page.get_by_role("link").filter(has_text="受理").filter(has_text=title).first.click()
    page.get_by_text("是", exact=True).click()
    page.get_by_role("button", name="提交").click()
    expect(page.get_by_role("main")).to_contain_text("按属地派遣")


def ready(page: Page) -> None:
    """The page has taken along what it needs, and its worker holds its files."""
    page.goto("/field/")
    page.wait_for_function("navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)")
    expect(page.locator("#field-who")).to_contain_text("马德顺")


def handle(page: Page, title: str, said: str, picture: Path) -> None:
    page.get_by_role("link").filter(has_text=title).click()
    page.wait_for_function("() => document.querySelector('.field-pictures img')?.naturalWidth > 0")  # taken along
    page.get_by_text("生活污水").click()
    page.get_by_label("处置结果").fill(said)
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator(".field-photos img")).to_have_count(1)


def test_a_day_without_a_network(living: Stack, visit: Visit, tmp_path: Path) -> None:
    office, picture = visit("river-office", DESKTOP), photo(tmp_path)
    ((began,),) = living.query("SELECT now()")
    given(office, "桥下漂着垃圾袋", picture)
    given(office, "岸边有人倒渣土", picture)
    placed = "INSERT INTO cases_caseplace (case_id, longitude, latitude, accuracy) " \
        "SELECT id, %s, %s, 5 FROM cases_case WHERE title = %s RETURNING id"  # fmt: skip
    for longitude, latitude, title in ((108.115, 30.0, "桥下漂着垃圾袋"), (108.114, 30.003, "岸边有人倒渣土")):
        living.query(placed, longitude, latitude, title)
    chief = visit("chief", PHONE)
    chief.context.grant_permissions(["geolocation"])
    chief.context.set_geolocation(BRIDGE)
    page = chief.page
    ready(page)
    page.wait_for_function("() => caches.open('photos-along').then(kept => kept.keys()).then(all => all.length >= 2)")
    chief.look("field-tasks", dark=True)

    chief.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("没有网络。您做的都存在本机")).to_be_visible()
    page.get_by_role("link", name="附近").click()
    for here, first, second in (
        (BRIDGE, "桥下漂着垃圾袋 96 m", "岸边有人倒渣土 334 m"),
        ({**BRIDGE, "latitude": 30.0031}, "岸边有人倒渣土 11 m", "桥下漂着垃圾袋 358 m"),
        (BRIDGE, "桥下漂着垃圾袋 96 m", "岸边有人倒渣土 334 m"),
    ):
        chief.context.set_geolocation(here)
        near = page.locator("#field .list-group-item")
        expect(near.first).to_contain_text(first.split()[1])
        lines = [" ".join(re.findall(r"桥下\S+袋|岸边\S+土|[\d.]+ k?m$", one)) for one in near.all_inner_texts()]
        assert lines[:2] == [first, second]
        metres = [float(one[-2]) * (1000 if one[-1] == "km" else 1) for one in map(str.split, lines)]
        assert metres == sorted(metres)
    page.get_by_role("link", name="任务").first.click()
    handle(page, "桥下漂着垃圾袋", "已打捞干净，装了六袋", picture)
    chief.look("field-task", dark=True)
    page.get_by_role("button", name="报送处置结果").click()
    handle(page, "岸边有人倒渣土", "已劝离，渣土已清运", picture)
    page.get_by_role("button", name="报送处置结果").click()
    page.get_by_role("link", name="附近").click()
    expect(page.get_by_text("108.11400")).to_be_visible()
    chief.look("field-near")
    page.get_by_role("link", name="上报").click()
    chief.look("field-report", dark=True)
    page.get_by_role("button", name="偷排直排").click()
    form = page.locator(".field-form").element_handle()
    page.evaluate("() => { document.querySelector('#field-who').textContent = ''; }")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when the camera gives the page back
    expect(page.locator("#field-who")).to_contain_text("马德顺")
    page.evaluate("() => new Promise((done) => { indexedDB.open('shizhu-field').onsuccess = done; })")
    assert form.evaluate("form => form.isConnected")
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.locator(".field-photos img")).to_have_count(1)
    chief.look("field-reporting")
    page.get_by_role("button", name="上报", exact=True).click()
    expect(page.locator("#field-count")).to_have_text("3")

    page.close()  # the phone ended the tab
    page = chief.page = chief.context.new_page()
    page.goto("/field/#waiting")
    expect(page.get_by_text("等待网络")).to_have_count(3)
    read = "Math.round(parseFloat(getComputedStyle(document.querySelector('#field .card-body')).fontSize))"
    usual = page.evaluate(read)
    page.get_by_role("button", name="大字模式").click()
    page.reload()  # it stays so
    expect(page.get_by_text("等待网络")).to_have_count(3)
    assert page.evaluate(read) == round(1.3 * usual)
    chief.look("field-waiting", dark=True)
    page.get_by_role("button", name="大字模式").click()
    assert page.evaluate(read) == usual

    desk = visit("chief", DESKTOP)  # the same person answers one of them at the desk
    desk.page.goto("/cases/")
    desk.page.get_by_role("link").filter(has_text="岸边有人倒渣土").first.click()
    desk.page.get_by_label("原因").select_option(label="未查明")
    desk.page.get_by_label("处置结果").fill("电话处理")
    desk.page.locator("input[type=file]").set_input_files(picture)
    desk.page.get_by_role("button", name="报送处置结果").click()
    expect(desk.page.get_by_role("main")).to_contain_text("电话处理")

    chief.faults = [fault for fault in chief.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
    offsets: list[int] = []

    def cut(route: Route) -> None:
        if route.request.method == "PATCH":
            offsets.append(int(route.request.headers["upload-offset"]))
        if route.request.method == "PATCH" and len(offsets) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    chief.context.route("**/field/api/photos/*", cut)  # the line ends once, in the middle of the first photo
    chief.context.set_offline(False)
    expect(page.get_by_text("已送达", exact=True)).to_have_count(2, timeout=60_000)
    assert (offsets[0], offsets[1] > 0, offsets[2]) == (0, True, offsets[1])  # it goes on from where it was
    expect(page.get_by_text("这项任务已由他人办理：马德顺")).to_be_visible()
    chief.look("field-conflict", dark=True)
    page.get_by_role("button", name="作为备注发到案件").click()
    expect(page.get_by_text("已送达", exact=True)).to_have_count(3, timeout=60_000)

    answered = "SELECT t.answer->>'result' FROM cases_task t JOIN cases_case c ON c.id = t.case_id " \
        "WHERE t.step = 'handle' AND c.title = ANY(%s) ORDER BY c.id"  # fmt: skip
    assert living.query(answered, ["桥下漂着垃圾袋", "岸边有人倒渣土"]) == [("已打捞干净，装了六袋",), ("电话处理",)]
    reported = "SELECT p.longitude, p.latitude, c.state->'document'->>'kind' FROM cases_case c " \
        "JOIN cases_caseplace p ON p.case_id = c.id WHERE c.opened_at >= %s AND p.accuracy = 6"  # fmt: skip
    assert living.query(reported, began) == [(108.114, 30.0, "discharge")]
    done = "SELECT kind, count(*) FROM cases_deed WHERE received_at >= %s GROUP BY kind ORDER BY kind"
    is_all = until(lambda: living.query(done, began) == [("answer", 2), ("remark", 1), ("report", 1)], 20)
    assert is_all, living.query("SELECT kind, received_at, done_at, answer FROM cases_deed ORDER BY received_at")
    taken = "SELECT round(longitude::numeric, 4)::float, round(latitude::numeric, 4)::float, " \
        "to_char(taken_at AT TIME ZONE 'Asia/Shanghai', 'MM-DD HH24:MI'), file_id IS NOT NULL, size < 600000 " \
        "FROM cases_photo WHERE created >= %s"  # fmt: skip
    assert living.query(taken, began) == [(108.12, 30.001, "11-20 09:30", True, True)] * 3
    assert living.query("SELECT count(*) FROM cases_piece") == [(0,)]
    chief.faults = [one for one in chief.faults if "ERR_INTERNET_" not in one and "ERR_CONNECTION_RESET" not in one]
    remarked = "SELECT count(*) FROM cases_entry WHERE kind = 'remarked' AND at >= %s"
    assert until(lambda: living.query(remarked, began) == [(1,)])


def test_a_patrol_is_walked_without_a_network(living: Stack, visit: Visit, tmp_path: Path) -> None:
    picture, chief = photo(tmp_path), visit("chief", PHONE)
    chief.context.grant_permissions(["geolocation"])
    chief.context.set_geolocation(BRIDGE)
    page = chief.page
    ready(page)
    chief.context.set_offline(True)
    page.get_by_role("link", name="巡查").click()
    expect(page.get_by_text("本月已巡").first).to_be_visible()
    chief.look("field-beat", dark=True)
    page.get_by_role("button", name="开始").first.click()
    expect(page.get_by_role("button", name="结束巡查")).to_be_visible()
    for step in range(1, 4):
        chief.context.set_geolocation({**BRIDGE, "latitude": BRIDGE["latitude"] + step / 5000})
        expect(page.locator(".tile").filter(has_text="定位点")).to_contain_text(str(step + 1))

    page.close()  # the phone ended the tab in the middle of it
    page = chief.page = chief.context.new_page()
    page.goto("/field/#patrol")
    expect(page.locator(".tile").filter(has_text="定位点")).to_contain_text(re.compile("[45]"))
    page.locator("input[type=file]").set_input_files(picture)
    expect(page.get_by_text("照片 1 张")).to_be_visible()
    page.get_by_role("textbox", name="说明").fill("水面干净")
    chief.look("field-patrol", dark=True)
    page.get_by_role("button", name="上报").click()
    page.get_by_role("button", name="非法采砂").click()
    page.get_by_role("button", name="上报", exact=True).click()
    page.get_by_role("button", name="结束巡查").click()
    expect(page.locator("#field-count")).to_have_text("3")
    chief.context.set_offline(False)
    page.get_by_role("link", name="待发送").click()
    expect(page.get_by_text("已送达", exact=True)).to_have_count(3, timeout=60_000)

    walked = "SELECT jsonb_array_length(p.track) >= 4, p.note, p.lacks ? 'minutes', count(DISTINCT c.id), " \
        "count(DISTINCT f.id) FROM cases_patrol p JOIN cases_patrolcase c ON c.patrol_id = p.id " \
        "JOIN cases_patrolphoto f ON f.patrol_id = p.id WHERE p.origin = 0 GROUP BY p.id"  # fmt: skip
    assert living.query(walked) == [(True, "水面干净", True, 1, 1)]
    for size in (DESKTOP, PHONE):
        office = visit("river-office", size)
        office.page.goto("/patrols/")
        office.look("patrols", dark=size == DESKTOP)
        office.page.locator("[data-row-href]").first.click()
        office.look("patrol")
    expect(office.page.get_by_role("main")).to_contain_text("水面干净")
    chief.faults = [fault for fault in chief.faults if "ERR_INTERNET_DISCONNECTED" not in fault]
