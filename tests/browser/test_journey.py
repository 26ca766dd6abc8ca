"""The county's main job in a browser: a sensor's packet, a rule, a case on a phone, and the plan's score."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import paho.mqtt.client as paho
import pytest
from playwright.sync_api import expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

from shizhu.site.picture import drawn

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]
KEY, NAME, RULE = "WQ-CB-01", "龙河城北断面", "溶解氧低于目标水质类别"
TIMELINE = [
    "第一包数据", "超出限值", "触发告警", "开案", "上报", "告警自动受理", "立案", "按属地派遣", "处置 派给 马德顺",
    "处置 · 已办", "核查 派给 陈立", "核查 · 已办", "结案", "告警随结案解除",
]  # fmt: skip


class Station:
    """A real device on the wire: it says what we tell it."""

    def __init__(self, stack: Stack) -> None:
        self.client = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id=KEY, protocol=paho.MQTTv311)
        self.client.username_pw_set(KEY, "123456")
        self.client.connect("127.0.0.1", stack.mqtt)
        self.client.loop_start()

    def say(self, payload: object) -> None:
        raw = payload if isinstance(payload, str) else json.dumps(payload)
        self.client.publish(f"d/{KEY}/telemetry", raw, qos=1).wait_for_publish(20)

    def measure(self, value: float, at: datetime) -> None:
        self.say({"time": at.isoformat(), "values": {"dissolved_oxygen": value}})


@pytest.fixture(scope="module")
def station(living: Stack) -> Iterator[Station]:
    """A new station in the town of the river chief 马德顺, whose target is class III: 5 mg/L."""
    living.run(
        "device", "add", KEY, "--profile", "ecology.water_station", "--name", NAME, "--organisation", "ecology",
        "--area", "500240001", "--point", "108.12,30.02", "--password", "123456", "--property", "target_class=III",
    )  # fmt: skip
    bound = "SELECT count(*) FROM alarms_binding b JOIN things_datastream s ON s.id = ANY(b.streams) " \
        "JOIN things_thing t ON t.id = s.thing_id WHERE t.key = %s"  # fmt: skip
    assert until(lambda: living.query(bound, KEY)[0][0] == 1), living.tail()
    made = Station(living)
    yield made
    made.client.disconnect()
    made.client.loop_stop()


def test_from_a_packet_to_a_closed_case(living: Stack, station: Station, visit: Visit, tmp_path: Path) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    station.measure(6.5, now - timedelta(hours=6))
    leader = visit("leader")
    leader.page.goto("/")
    leader.page.get_by_role("link", name="一张图").click()
    line = leader.page.locator("#map-list").get_by_text(NAME)
    expect(line).to_have_count(1, timeout=60_000)
    for quarters in range(20, 0, -1):
        station.measure(4.2, now - timedelta(minutes=15 * quarters))
    entry = leader.page.locator("#map-list > *").filter(has_text=NAME)
    expect(entry.filter(has_text="4.20 mg/L").first).to_be_visible(timeout=60_000)
    station.measure(4.05, now)
    expect(entry.filter(has_text="4.05 mg/L").first).to_be_visible(timeout=60_000)
    expect(entry.filter(has_text=RULE)).to_have_count(2, timeout=60_000)  # the alarm and its case
    leader.page.wait_for_timeout(1500)  # the map draws
    leader.look("map")

    leader.page.get_by_role("link", name="告警", exact=True).click()
    leader.look("alarms")
    leader.page.get_by_role("row").filter(has_text=NAME).get_by_role("link").first.click()
    expect(leader.page.get_by_role("main")).to_contain_text("4.2 mg/L")
    leader.look("alarm")

    chief = visit("chief", PHONE)
    chief.page.goto("/")
    chief.look("work")
    chief.page.get_by_role("link").filter(has_text=f"南宾街道 {NAME} {RULE}").first.click()
    number = chief.page.locator("h1").inner_text().rsplit(" ", 1)[1]
    send = chief.page.get_by_role("button", name="报送处置结果")
    chief.page.get_by_label("原因").select_option(label="生活污水")
    chief.page.get_by_label("处置结果").fill("查出一处排口晴天出水，已封堵")
    photo = tmp_path / "outfall.png"
    photo.write_bytes(drawn(3))
    chief.page.locator("input[type=file]").set_input_files(photo)
    chief.look("task")
    send.click()
    expect(chief.page.get_by_role("main")).to_contain_text("查出一处排口晴天出水，已封堵")
    expect(chief.page.locator("main img")).to_have_count(1)
    expect(chief.page.locator("main img")).to_have_js_property("naturalWidth", 320)

    inspector = visit("inspector")
    inspector.page.goto("/")
    inspector.page.get_by_role("link").filter(has_text=number).first.click()
    inspector.page.get_by_text("是", exact=True).click()
    inspector.page.get_by_role("button", name="提交核查意见").click()
    timeline = inspector.page.locator(".timeline-sz")
    for part in TIMELINE:
        expect(timeline).to_contain_text(part)
    expect(timeline.locator(".packet").first).to_contain_text('"dissolved_oxygen": 4.2')
    inspector.look("case")

    state = "SELECT a.state, c.status, c.closed_at <= c.due_at FROM cases_case c " \
        "JOIN alarms_alarm a ON a.id = c.alarm WHERE c.number = %s"  # fmt: skip
    assert living.query(state, number) == [("cleared", "closed", True)]
    leader.page.get_by_role("link", name="一张图").click()
    expect(entry.filter(has_text="4.05 mg/L").first).to_be_visible()
    expect(entry.filter(has_text=RULE)).to_have_count(0)


def test_what_cannot_be_read_is_kept_and_shown_with_its_reason(living: Stack, station: Station, visit: Visit) -> None:
    station.say('{"time": "2026-06-01T00:00:00Z", "values": {"dissolved_oxygen": "wet"}}')
    station.say("not JSON")
    kept = "SELECT count(*) FROM things_quarantine q JOIN things_device d ON d.id = q.device_id WHERE d.key = %s"
    assert until(lambda: living.query(kept, KEY)[0][0] == 2), living.tail()
    officer = visit("officer")
    officer.page.goto("/things/quarantine/")
    expect(officer.page.get_by_role("main")).to_contain_text("wet")
    expect(officer.page.get_by_role("main")).to_contain_text("not JSON")
    officer.look("quarantine")


def test_a_record_and_cases_move_the_plan(living: Stack, visit: Visit) -> None:
    science = visit("science")
    science.page.goto("/plan/")
    row = science.page.get_by_role("row").filter(has_text="高新技术企业数量")
    expect(row).to_contain_text("4 个")
    science.page.goto("/records/innovation.enterprise/new")
    filled = {
        "统一社会信用代码": "91500240DEM0009003",
        "企业名称": "城北水务科技有限公司",
        "证书编号": "GR202650009003",
        "认定日期": "2026-02-01",
        "有效期至": "2029-02-01",
    }
    for label, value in filled.items():
        science.page.get_by_label(label).fill(value)
    science.page.get_by_label("类别").select_option(label="高新技术企业")
    science.page.get_by_role("button", name="保存").click()
    expect(science.page.get_by_role("main")).to_contain_text("城北水务科技有限公司")
    assert until(lambda: now_of(living, "indicator-08") == 5.0), living.tail()
    science.page.goto("/plan/")
    expect(row).to_contain_text("5 个")
    science.look("plan")
    row.get_by_role("link").first.click()
    science.look("indicator")
    science.page.get_by_role("link").filter(has_text="认定在先且在有效期内的高新技术企业").click()
    expect(science.page.get_by_role("main").get_by_role("link").filter(has_text="（虚构）")).to_have_count(4)
    science.page.get_by_role("link").filter(has_text="城北水务科技有限公司").click()
    expect(science.page.locator("h1")).to_contain_text("城北水务科技有限公司")
    science.look("record")

    leader = visit("leader", PHONE)
    leader.page.goto("/plan/")
    leader.look("plan")
    leader.page.get_by_role("link", name="河道问题按期办结率").click()
    leader.look("indicator")
    leader.page.get_by_role("link").filter(has_text="本月到期且按期结案的").click()
    for link in (
        leader.page.get_by_role("main").get_by_role("link").filter(has_text=re.compile(r"HD-\d{4}-\d{4}")).all()
    ):
        expect(link).to_have_attribute("href", re.compile(r"/cases/\d+/"))


def now_of(stack: Stack, indicator: str) -> float | None:
    """The newest value of an indicator."""
    rows = stack.query(
        "SELECT v.value FROM plan_value v JOIN plan_indicator i ON i.id = v.indicator_id "
        "WHERE i.key = %s ORDER BY v.period DESC, v.known_at DESC LIMIT 1",
        indicator,
    )
    return rows[0][0] if rows else None


def test_a_stranger_sees_the_login_alone_until_it_has_let_them_in(living: Stack, visit: Visit) -> None:
    stranger = visit("leader", PHONE)
    stranger.page.context.clear_cookies()
    for address in ("/", "/map/", "/people/", "/plan/"):
        stranger.page.goto(address)
        expect(stranger.page).to_have_url(f"{living.address}/login?next={quote(address, safe='')}")
    stranger.look("login")
    stranger.page.get_by_label("用户名").fill("leader")
    stranger.page.get_by_label("密码").fill(living.password_of("leader"))
    stranger.page.get_by_role("button", name="登录").click()
    expect(stranger.page).to_have_url(f"{living.address}/plan/")
