"""An administrator makes a register and a flow by clicking; a clerk opens a case on a record; a phone answers it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.browser.conftest import PHONE, Visitor
from tests.stack.stack import Stack, until

pytestmark = [pytest.mark.stack, pytest.mark.browser]
Visit = Callable[..., Visitor]


def add_field(page: Page, number: int, title: str, kind: str) -> str:
    """Add a field, wait until it is there, say what it is; returns how its controls begin."""
    page.get_by_role("button", name="添加字段").click()
    begin = f"p.+{number}"
    expect(page.locator(f'[name="{begin}.zh"]')).to_be_visible()
    page.locator(f'[name="{begin}.zh"]').fill(title)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.locator(f'[name="{begin}.kind"]').select_option(label=kind)
    expect(page.locator("#editor .part-title").nth(number - 1)).to_have_text(title)
    return begin


def save(page: Page, address: str) -> None:
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url(f"**{address}")
    expect(page.locator(".alert-success")).to_contain_text("已保存")


def test_a_register_made_by_clicking_and_a_flow_that_uses_it(living: Stack, visit: Visit, tmp_path: Path) -> None:
    admin = visit("admin")
    page = admin.page
    page.goto("/")
    page.get_by_text("数据与管理", exact=True).first.click()
    page.get_by_role("link", name="本县自建").click()
    admin.look("own-empty")

    # the register 水井
    page.goto("/declarations/registers/new")
    page.locator('[name="r.zh"]').fill("水井")
    page.locator('[name="r.en"]').fill("Well")
    page.locator('label[title="水滴"]').click()
    page.locator('[name="r.geometry"]').select_option(label="点")
    depth = add_field(page, 3, "井深", "数值（可带单位）")
    page.locator(f'[name="{depth}.unit"]').fill("m")
    page.locator(f'[name="{depth}.symbol"]').fill("米")
    page.locator(f'[name="{depth}.is_filter"]').check()
    kind = add_field(page, 4, "类型", "单选")
    page.locator(f'[name="{kind}.choices"]').fill("dug=挖井/Dug\n机井")
    owner = add_field(page, 5, "井主电话", "文本")
    page.locator(f'[name="{owner}.privacy"]').select_option("personal")
    expect(page.locator("#preview")).to_contain_text("井深 (米)")
    page.get_by_role("button", name="上移: 类型").click()
    expect(page.locator("#editor .part-title").nth(2)).to_have_text("类型")
    for right in ("查看", "登记和修改"):
        page.get_by_label(f"河长办: {right}").check()
    page.get_by_label("镇级河长: 查看").check()
    admin.look("own-register")
    save(page, "/declarations/registers/well/")
    made = "SELECT count(*) FROM pg_indexes WHERE indexname LIKE 'declared_local_well_jing_shen%%'"
    assert until(lambda: living.query(made)[0][0] == 1), living.tail()
    page.reload()
    expect(page.get_by_role("main")).not_to_contain_text("正在后台准备")
    assert '"jing_shen"' in living.run("schema", "local.well", "--county", "500240")

    # what is asked, and who does what
    page.goto("/declarations/forms/new")
    page.locator('[name="r.zh"]').fill("水井报修")
    page.get_by_role("button", name="去掉: 事由").click()
    expect(page.locator("#editor .part")).to_have_count(0)
    well = add_field(page, 1, "水井", "指向（关联）")
    page.locator(f'[name="{well}.target"]').select_option(label="水井")
    page.locator(f'[name="{well}.is_required"]').check()
    add_field(page, 2, "故障情况", "多行文本")
    admin.look("own-form")
    save(page, "/declarations/forms/shui_jing_bao_xiu/")
    page.goto("/declarations/forms/new")
    page.locator('[name="r.zh"]').fill("检修结果")
    page.get_by_role("button", name="去掉: 事由").click()
    expect(page.locator("#editor .part")).to_have_count(0)
    mended = add_field(page, 1, "修好了吗", "是或否")
    page.locator(f'[name="{mended}.is_required"]').check()
    add_field(page, 2, "照片", "照片")
    save(page, "/declarations/forms/jian_xiu_jie_guo/")
    page.goto("/declarations/flows/new")
    page.locator('[name="r.zh"]').fill("水井维修")
    page.locator('[name="r.prefix"]').fill("SJ")
    page.locator('[name="r.start_form"]').select_option(label="水井报修")
    page.locator('[name="r.owner"]').select_option(value="river-office")
    page.get_by_role("group", name="谁可以开案").get_by_label("河长办").check()
    page.locator('[name="s.s1.zh"]').fill("上门检修")
    page.locator('[name="s.s1.role"]').select_option(label="镇级河长")
    page.locator('[name="s.s1.form"]').select_option(label="检修结果")
    expect(page.locator('[name="s.s1.yes"]')).to_be_visible()
    page.locator('[name="s.s1.yes"]').select_option(label="修好了吗")
    page.locator('[name="s.s1.back"]').select_option(label="上门检修")
    save(page, "/declarations/flows/shui_jing_wei_xiu/")
    expect(page.locator(".flow-picture svg")).to_be_visible()
    admin.look("own-flow")
    page.goto("/declarations/")
    admin.look("own")

    # two rows by a clerk, and a case about the first
    clerk = visit("river-office")
    for number, name in ((1, "上坝井"), (2, "下坝井")):
        clerk.page.goto("/records/local.well/new")
        clerk.page.get_by_label("编号").fill(f"J{number}")
        clerk.page.get_by_label("名称", exact=False).first.fill(name)
        clerk.page.get_by_label("井深").fill("35.5")
        clerk.page.locator('[name="_area"]').fill("南宾街道 · 500240001")
        clerk.page.get_by_role("button", name="保存").last.click()
        expect(clerk.page.get_by_role("heading", level=1)).to_contain_text(name)
    clerk.page.goto("/records/local.well/key/J1")
    clerk.page.get_by_role("link", name="水井维修").click()
    expect(clerk.page.get_by_label("水井")).to_have_value("J1")
    clerk.page.get_by_label("故障情况").fill("抽不出水")
    clerk.look("own-open")
    clerk.page.get_by_role("main").get_by_role("button").last.click()
    expect(clerk.page.get_by_role("main")).to_contain_text("上坝井 J1")

    # whom it goes to answers on a phone
    chief = visit("chief", PHONE)
    chief.page.goto("/")
    chief.page.get_by_role("link").filter(has_text="水井维修 上坝井").first.click()
    chief.page.get_by_text("是", exact=True).click()
    chief.look("own-task")
    chief.page.get_by_role("main").get_by_role("button", name="提交").click()
    chief.page.wait_for_url(re.compile(r"/cases/\d+/$"))
    chief.page.goto("/records/local.well/key/J1")
    expect(chief.page.get_by_role("main")).to_contain_text("水井维修 上坝井")
    expect(chief.page.get_by_role("main")).to_contain_text("办结")
    chief.look("own-record")
    closed = "SELECT status FROM cases_case WHERE flow = 'local.shui_jing_wei_xiu'"
    assert living.query(closed) == [("closed",)]

    # on a phone the administrator changes it, and hands it on
    small = visit("admin", PHONE)
    small.page.goto("/declarations/registers/well/")
    small.look("own-register")
    small.page.goto("/declarations/flows/shui_jing_wei_xiu/")
    small.look("own-flow")
    page.goto("/declarations/export")
    page.locator("#id").fill("wells")
    page.locator("#zh").fill("水井")
    page.locator("#en").fill("Wells")
    admin.look("own-export")
    with page.expect_download() as download:
        page.get_by_role("button", name="检查并下载").click()
    file = tmp_path / "wells.zip"
    download.value.save_as(file)
    page.goto("/declarations/import")
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name="看看内容").click()
    expect(page.get_by_text("已有同名，保留现有的")).to_have_count(4)
    admin.look("own-import")

    # of many rows a worker looks whether they allow a change
    living.query(
        "INSERT INTO records_record (county_id, register, key, data, title, sort_key, organisation_id, area_id, state, "
        "source, is_simulated, created, updated, version) SELECT county_id, register, 'J' || n, data || "
        "jsonb_build_object('code', 'J' || n), title, sort_key, organisation_id, area_id, state, source, "
        "is_simulated, created, updated, version FROM records_record, generate_series(3, 10001) n "
        "WHERE register = 'local.well' AND key = 'J1' RETURNING id"
    )
    page.goto("/declarations/registers/well/")
    page.locator('[id="card.jing_shen"] > summary').click()
    page.locator('[name="p.jing_shen.high"]').fill("30")
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url(re.compile(r"/declarations/changes/\d+/$"))
    admin.look("own-change")
    small.page.goto(page.url)
    expect(page.get_by_role("link", name="接着刚才填的内容修改")).to_be_visible()
    expect(small.page.get_by_role("link", name="接着刚才填的内容修改")).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("10001")
    admin.look("own-change-told", dark=True)
    small.look("own-change-told")


def test_an_alarm_rule_with_or_made_by_clicking_and_tried_first(living: Stack, visit: Visit) -> None:
    admin = visit("admin")
    page = admin.page

    def drawn(act: Callable[[], object]) -> None:
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            act()
        expect(page.locator("#editor.htmx-swapping, #editor.htmx-settling")).to_have_count(0)

    page.goto("/alarms/rules/")
    page.get_by_role("link", name="新建规则").click()
    page.get_by_label("中文名称").fill("水质异常或断线")
    page.get_by_label("监测项").select_option(label="溶解氧 (mg/L)")
    drawn(lambda: page.get_by_label("比较").select_option(label="低于"))
    page.get_by_role("textbox", name="限值*").fill("5")
    drawn(page.get_by_role("button", name="添加条件").click)
    page.get_by_label("监测项").nth(1).select_option(label="溶解氧 (mg/L)")
    drawn(lambda: page.get_by_label("比较").nth(1).select_option(label="没有数据达"))
    page.get_by_label("持续分钟数").fill("240")
    drawn(page.get_by_role("button", name="添加条件").click)
    page.get_by_label("监测项").nth(2).select_option(label="溶解氧 (mg/L)")
    drawn(lambda: page.get_by_label("比较").nth(2).select_option(label="下降超过"))
    page.get_by_label("变化量").fill("3")
    page.get_by_label("多少分钟内").fill("600")
    page.get_by_text("季节、日期时段与回差").click()
    page.get_by_label("开始时间").fill("06:00")
    page.get_by_label("结束时间").fill("22:00")
    expect(page.get_by_label("告警条件：")).to_have_value("any")
    page.get_by_role("button", name="试运行").click()
    expect(page.locator("[data-trial]")).to_contain_text("次")
    expect(page.locator("[data-reads]")).to_contain_text("满足其一")
    expect(page.locator("[data-reads]")).to_contain_text("10 小时内的变化 · < -3 mg/L")
    admin.look("own-rule", dark=True)
    page.get_by_role("button", name="保存", exact=True).click()
    page.wait_for_url(re.compile(r"/declarations/rules/[a-z_]+/(#.*)?$"))
    expect(page.locator(".alert-success")).to_contain_text("已保存")
    small = visit("admin", PHONE)
    small.page.goto(page.url)
    small.look("own-rule")
    small.page.goto("/alarms/rules/")
    expect(small.page.get_by_role("main")).to_contain_text("水质异常或断线")
    page.get_by_text("停用此规则").click()
    page.get_by_role("button", name="注销").click()
    expect(page.locator(".alert-success")).to_contain_text("已停用")
    small.page.reload()
    expect(small.page.get_by_role("main")).not_to_contain_text("水质异常或断线")
