"""From a clause to the light of a node: split, sent, received, shown, decided, urged, blocked, checked, scored."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import docx
import openpyxl
import pytest
from django.db.models import Q
from django.test import Client
from django.utils import timezone
from tests.engines.plan.desks import PNG, Desk, day, decide, file, light, post, show
from tests.fixtures import organisation, person
from tests.web.pages import browser, table, text, told

from shizhu.engines.notices.models import Message
from shizhu.engines.plan import api, clauses, counting, nodes, pieces, proving, reports
from shizhu.engines.plan.computing import by_part
from shizhu.engines.plan.models import Call, Check, Evidence, Indicator, Measure, Node, Piece, Sample, Step
from shizhu.engines.plan.periods import period_of
from shizhu.engines.records import api as records
from shizhu.kernel import access, datasets, documents, testing
from shizhu.kernel.models import Organisation, OutboxEvent, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised", "tests.engines.records.stalls"]


def test_a_promise_is_split_and_received_by_name(desk: Desk) -> None:
    assert desk.split(30) == ["已拟出 2 项分解任务，可用表格修改，确认后下达。"]
    rows = [(row.organisation.code, row.target, row.unit, row.due_on, row.state) for row in Piece.objects.all()]
    assert rows == [("kitchen", 10, "个", day(30), "draft"), ("stand", 10, "个", day(30), "draft")]
    assert [one.code for one in Piece.objects.get(organisation__code="stand").assists.all()] == ["kitchen"]
    assert desk.stand.get(desk.page).context["pieces"] == []
    assert desk.send() == ["已下达 2 项，由各单位实名签收。"]
    assert light(desk.node()) == ("green", "on_time")
    message = Message.objects.get(key__startswith=f"plan.piece.{Piece.objects.get(organisation__code='stand').pk}.")
    assert sorted(message.deliveries.values_list("person__username", flat=True)) == ["kit", "stan"]
    page = desk.stand.get("/plan/mine/")
    [piece] = page.context["pieces"]
    assert "示范摊位" in text(page)
    assert post(desk.stand, f"/plan/pieces/{piece.pk}/receive", {"do": "receive"}) == ["已签收，姓名和时间已记录。"]
    assert post(desk.stand, f"/plan/pieces/{piece.pk}/receive", {"do": "return", "reason": "x"}) == [
        "此前已签收或退回。"
    ]
    piece.refresh_from_db()
    assert (piece.state, piece.received_by and piece.received_by.username) == ("received", "stan")
    kinds = list(Step.objects.filter(piece=piece).exclude(kind="light").values_list("kind", flat=True))
    assert kinds == ["received", "sent"]


def test_a_town_that_a_split_forgot_and_a_twin_that_is_split_already_are_told(desk: Desk) -> None:
    clerk, area = Person.objects.get(username="du"), desk.clause.plan.county.areas.get(code=f"{desk.county.pk}101")
    for number in range(4):
        Organisation.objects.create(
            county=desk.county, code=f"t{number}", name=f"{'甲乙丙丁'[number]}镇", kind="town", area=area,
            path=f"{desk.county.pk}/t{number}/",
        )  # fmt: skip
    desk.split(30, unit=["t0", "t1"])
    assert "以下没有" not in text(desk.supervisor.get(desk.page))
    desk.split(30, unit=["t0", "t1", "t3"])
    page = desk.supervisor.get(desk.page)
    [(year, lacking)] = page.context["left_out"]
    assert (year, [one.name for one in lacking], "多数乡镇（街道）已有分解任务，以下没有" in text(page)) == (
        day(30).year, ["丙镇"], True,
    )  # fmt: skip
    link = desk.clause.plan.links.filter(Q(one=desk.clause) | Q(other=desk.clause))[0]
    twin = f"/plan/clauses/{link.other_id if link.one_id == desk.clause.pk else link.one_id}/"
    for state, is_told in (("apart", False), ("linked", True), ("proposed", False)):
        clauses.settle_link(link, state, note="", by=clerk)
        page = text(desk.supervisor.get(twin))
        assert ("同一承诺已在别处分解" in page) == is_told, state
    assert "同一承诺已在别处分解" not in text(desk.supervisor.get(desk.page))


def test_units_are_weighed_by_what_is_known_of_them_now(desk: Desk) -> None:
    for year, number in ((2024, 3.0), (2025, 4.0), (2025, None)):  # what was said of 2025 was taken back
        Measure.objects.create(county=desk.county, index="lemonade.street", item="a", subject="stand", year=year,
                               value=number, source="reported")  # fmt: skip
    weights = desk.supervisor.get(f"{desk.page}?weights=lemonade.street/a").context["split"]["units"]
    assert {unit.code: weight for unit, _name, weight, _is_lead in weights if weight != ""} == {"stand": 3.0}


def test_what_is_returned_has_a_reason_and_can_be_sent_again(desk: Desk, sent: Callable[[int], Node]) -> None:
    piece = sent(30).piece
    assert post(desk.stand, f"/plan/pieces/{piece.pk}/receive", {"do": "return"}) == ["请写明退回理由。"]
    given = {"do": "return", "reason": "应由县厨房办牵头"}
    assert post(desk.stand, f"/plan/pieces/{piece.pk}/receive", given) == ["已连同理由退回。"]
    assert Node.objects.filter(piece=piece).count() == 0
    assert "应由县厨房办牵头" in text(desk.supervisor.get(desk.page))
    assert desk.send(cadence="quarter") == ["已下达 1 项，由各单位实名签收。"]
    piece.refresh_from_db()
    assert (piece.state, piece.reason, piece.nodes.last().due_on) == ("sent", "", day(30))


def test_what_was_returned_and_is_left_out_of_a_new_split_keeps_its_story(
    desk: Desk, sent: Callable[[int], Node]
) -> None:
    piece = sent(30).piece
    post(desk.stand, f"/plan/pieces/{piece.pk}/receive", {"do": "return", "reason": "应由县厨房办牵头"})
    desk.split(30, unit=["kitchen"])
    piece.refresh_from_db()
    kinds = [step.kind for step in piece.steps.order_by("pk")]
    assert (piece.state, piece.reason, kinds) == (
        "dropped", "应由县厨房办牵头", ["sent", "light", "returned", "dropped"],
    )  # fmt: skip
    for reader in (desk.supervisor, desk.stand):
        page = text(reader.get(desk.page))
        assert [part for part in ("已退回、新的分解中未列入", "应由县厨房办牵头", "stan") if part not in page] == []
    rows = openpyxl.load_workbook(io.BytesIO(desk.supervisor.get(f"{desk.page}pieces.xlsx").content)).active
    assert [row[1] for row in rows.values] == ["牵头单位", "县厨房办"]
    assert "下达" in desk.send()[0]
    piece.refresh_from_db()
    assert piece.state == "dropped"
    desk.split(20)
    piece.refresh_from_db()
    assert (piece.state, piece.due_on) == ("returned", day(20))
    assert desk.send() == ["已下达 1 项，由各单位实名签收。"]


def test_a_draft_is_sent_once_though_two_send_it(desk: Desk) -> None:
    desk.split(30)
    seen = [list(Piece.objects.all()) for _who in range(2)]
    by = Person.objects.get(username="du")
    assert [pieces.send(drafts, by=by) for drafts in seen] == [2, 0]
    assert Node.objects.count() == 2


def test_pieces_go_out_and_come_back_as_a_table_with_row_errors(desk: Desk) -> None:
    desk.split(30)
    answer = desk.supervisor.get(f"{desk.page}pieces.xlsx")
    rows = [list(row) for row in openpyxl.load_workbook(io.BytesIO(answer.content)).active.values]
    year = day(30).year
    heads = ["年", "牵头单位", "配合单位", "任务", "目标值", "单位", "完成时限"]
    assert rows == [
        heads,
        [year, "县厨房办", None, "示范摊位", 10, "个", f"{day(30)}"],
        [year, "县摊位管理局", "县厨房办", "示范摊位", 10, "个", f"{day(30)}"],
    ]
    wrong = table(
        heads, ["去年", "县厨房办", "", "甲", 1, "个", "2026-12-31"],
        [year, "县茶业局", "", "甲", 1, "个", f"{year}-12-31"], [year, "县厨房办", "", "", 1, "个", f"{year}-12-31"],
        [year, "县厨房办", "", "甲", "许多", "个", f"{year}-12-31"],
        [year, "县厨房办", "", "甲", 1, "个", "年底"], [year, "县厨房办", "", "甲", 1, "个", f"{year + 1}-01-31"],
        [year, "stand", "", "甲", 1, "个", f"{year}-12-31"], [year, "县摊位管理局", "", "甲", 2, "个", f"{year}-12-30"],
    )  # fmt: skip
    page = desk.supervisor.post(f"{desk.page}pieces", {"table": wrong}, follow=True)
    assert told(page) == ["未保存：有 7 行不对。"]
    assert page.context["problems"] == [
        "第 2 行：年：去年 不是年份。", "第 3 行：县茶业局：本县没有这个单位。", "第 4 行：缺少任务。",
        "第 5 行：目标值：许多 不是数字。", "第 6 行：完成时限：年底 不是日期，应如 2026-12-31。",
        f"第 7 行：完成时限：{year + 1}-01-31 不在 {year} 年内。", f"第 9 行：县摊位管理局 在 {year} 年重复出现。",
    ]  # fmt: skip
    assert post(desk.supervisor, f"{desk.page}pieces", {"table": table(heads)}) == [
        "表格中没有数据行，请至少填写一行。"
    ]
    assert sorted(Piece.objects.values_list("target", flat=True)) == [10, 10]
    good = table(heads, [year, "县摊位管理局", "", "示范摊位", 12, "个", f"{year}-12-31"])
    assert post(desk.supervisor, f"{desk.page}pieces", {"table": good}) == [
        "已存为草稿 1 项。 已删去不在其中的草稿 1 项。"
    ]
    assert [(row.organisation.code, row.target) for row in Piece.objects.all()] == [("stand", 12)]
    said = text(desk.supervisor.get(desk.page))
    assert [part for part in ("分解合计 12 个", "条款要求 20 个") if part not in said] == []
    whole = table(heads, [year, "县摊位管理局", "", "示范摊位", 20, "个", f"{year}-12-31"])
    post(desk.supervisor, f"{desk.page}pieces", {"table": whole})
    assert "分解合计" not in text(desk.supervisor.get(desk.page))


def test_red_turns_yellow_only_when_the_gap_is_made_up_and_accepted(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(-3)
    assert light(node) == ("red", "late")
    assert "红灯才转黄灯" in text(desk.stand.get(f"/plan/nodes/{node.pk}/"))
    assert show(desk.stand, node, value="8") == ["已报送，结果会通知您。"]
    assert light(node) == ("red", "late")
    [answer] = decide(desk, node)
    assert answer == "未能验收：差额还没有补齐。数值应达到 10，报送为 8。"
    assert (light(node), Evidence.objects.get().state) == (("red", "late"), "waiting")
    told_gap = "差额还没有补齐： 数值应达到 10，报送为 8。"  # to whoever has to make it up too
    assert [told_gap in text(who.get(f"/plan/nodes/{node.pk}/")) for who in (desk.stand, desk.supervisor)] == [True] * 2
    assert show(desk.stand, node) == ["此前报送的佐证还在等待验收。"]
    assert decide(desk, node, "refuse") == ["请写明不通过的理由。"]
    assert decide(desk, node, "refuse", "还差两个") == ["已裁定。"]
    assert "未通过" in text(desk.stand.get(f"/plan/nodes/{node.pk}/"))
    assert "已签收 stan" in text(desk.supervisor.get(desk.page))
    assert show(desk.stand, node, files="") == ["未报送：要求 1 个附件，已选 0 个。"]  # it could not be accepted
    assert not Evidence.objects.filter(state="waiting").exists()
    show(desk.stand, node)
    for odd in ("", "x", "²", "9" * 30):
        given = {"evidence": odd, "do": "accept"}
        assert desk.supervisor.post(f"/plan/nodes/{node.pk}/decide", given).status_code == 404, odd
    assert decide(desk, node) == ["已裁定。"]
    assert light(node) == ("yellow", "repaired")
    assert show(desk.stand, node) == ["这一节点已完成，佐证已验收。"]
    said = [step.data["light"] for step in Step.objects.filter(node=node, kind="light").order_by("pk")]
    assert said == ["red", "yellow"]
    lit = [row.envelope["data"]["light"] for row in OutboxEvent.objects.order_by("pk")
           if row.envelope["type"] == nodes.LIT and row.envelope["subject"] == str(node.pk)]  # fmt: skip
    assert lit == ["red", "yellow"]


def test_a_condition_on_rows_is_counted_when_it_is_decided(desk: Desk, stall: Any) -> None:
    desk.split(3)
    condition = {"count": "records", "of": "lemonade.stall", "where": "is_shaded = TRUE", "least": "2"}
    assert desk.send(**{**condition, "where": "is_shaded ="})[0].startswith("条件无法统计：")
    assert desk.send(**{**condition, "of": "lemonade.nothing"})[0].startswith("条件无法统计：")
    told = desk.send(**{**condition, "count": "cases", "of": "lemonade.nothing"})
    assert told == ["条件无法统计：没有流程 lemonade.nothing"]
    assert Node.objects.count() == 0
    desk.send(**condition)
    node = desk.node()
    assert light(node) == ("yellow", "near")
    stall(is_shaded=True)
    show(desk.stand, node)
    assert decide(desk, node) == ["未能验收：差额还没有补齐。要求 2 条满足条件，现有 1 条。"]
    stall(is_shaded=True)
    assert decide(desk, node) == ["已裁定。"]
    assert (light(node), Evidence.objects.get().counted) == (("green", "done"), 1)
    proving.prove_all()
    assert light(node) == ("green", "done")
    root = access.actor(Person.objects.get(username="root"))

    def turn(*, shade: bool) -> None:
        entry = records.get(root, desk.county.pk, "lemonade.stall", "S001")
        records.update(root, entry.id, {**entry.data, "is_shaded": shade}, version=entry.version)
        proving.prove_all()

    turn(shade=False)
    proving.prove_all()
    assert light(node) == ("red", "against")
    message = Message.objects.get(key__startswith=f"plan.node.{node.pk}.contradicted")
    assert message.text == "要求 2 条满足条件，现有 1 条。"
    assert sorted(message.deliveries.values_list("person__username", flat=True)) == ["du", "root", "stan"]
    page = desk.supervisor.get(f"/plan/nodes/{node.pk}/")
    assert [part for part in ("报完成但读数不符", "撤销验收") if part not in text(page)] == []
    turn(shade=True)
    assert light(node) == ("yellow", "repaired")
    turn(shade=False)
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/overturn", {"why": "摊位已撤"}) == [
        "已撤销验收，节点重新打开，转为红灯。"
    ]
    assert (light(node), Evidence.objects.get().state) == (("red", "false"), "annulled")


def test_a_level_that_is_to_fall_is_reached_from_above(desk: Desk) -> None:
    row = desk.clause.plan.indicators.create(key="waste", name="浪费率", unit="%", is_rising=False)
    type(desk.clause).objects.filter(pk=desk.clause.pk).update(indicator=row)
    desk.split(3, way="level", total="30", measure_unit="%")
    desk.send()
    node = desk.node()
    assert "数值 ≤ 30 %" in text(desk.stand.get(f"/plan/nodes/{node.pk}/"))
    show(desk.stand, node, value="45")
    assert decide(desk, node) == ["未能验收：差额还没有补齐。数值应不高于 30，报送为 45。"]
    decide(desk, node, "refuse", "偏高")
    show(desk.stand, node, value="25")
    assert decide(desk, node) == ["已裁定。"]


def test_lights_are_told_every_day_and_what_is_sent_in_time_is_not_the_units_delay(
    desk: Desk, sent: Callable[[int], Node]
) -> None:
    node = sent(30)
    Node.objects.filter(pk=node.pk).update(due_on=day(-1))
    assert api.tell_lights() == 0  # it was told today
    Node.objects.update(light_on=day(-1))
    assert api.tell_lights() == 1
    assert light(node) == ("red", "late")
    other = desk.node("kitchen")
    show(desk.kitchen, other)
    Evidence.objects.filter(node=other).update(sent_at=timezone.now() - timedelta(days=9))
    Node.objects.filter(pk=other.pk).update(due_on=day(-5), light_on=day(-1))
    api.tell_lights()
    assert light(other) == ("yellow", "waits")
    cards = desk.supervisor.get(f"/plan/scorecards/?year={day(-5).year}").context["cards"]
    told_ = [(card.unit.code, card.due, card.score) for card in cards]
    assert told_[1] == ("kitchen", 0, None)  # what it sent in time waits for somebody else


def test_urging_has_a_receipt_and_what_blocks_goes_to_who_can_help_and_up(
    desk: Desk, sent: Callable[[int], Node]
) -> None:
    node = sent(-3)
    given = {"text": "请尽快补齐", "answer_by": f"{day(2)}"}
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/urge", {**given, "answer_by": f"{day(-1)}"}) == [
        "请写明要求，答复期限从今天起。"
    ]
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/urge", given) == ["已催办，签收人会显示在这里。"]
    [call] = desk.stand.get("/plan/mine/").context["calls"]
    assert post(desk.stand, f"/plan/calls/{call.pk}/answer", {}) == ["已记录您的姓名和时间。"]
    call.refresh_from_db()
    assert (call.answered_by and call.answered_by.username, call.answer) == ("stan", "收到")
    asked = {"unit": "kitchen", "text": "请腾出场地", "answer_by": f"{day(1)}"}
    assert post(desk.stand, f"/plan/nodes/{node.pk}/block", asked) == ["已发出。逾期未答复将上报。"]
    blocked = Call.objects.get(kind="blocked")
    assert [one.pk for one in desk.kitchen.get("/plan/mine/").context["calls"]] == [blocked.pk]
    assert "请腾出场地 答复" in text(desk.kitchen.get("/plan/mine/"))  # what its button says
    root = organisation(desk.county)
    Organisation.objects.create(
        county=desk.county, code="empty", name="空办", kind="department", area=node.area, parent=root,
        path=f"{root.path}empty/",
    )  # fmt: skip
    post(desk.stand, f"/plan/nodes/{node.pk}/block", {**asked, "unit": "empty"})
    nobody = Call.objects.get(organisation__code="empty")  # where nobody could hear of it the supervisors do
    heard = Message.objects.get(key=f"plan.call.{nobody.pk}").deliveries.values_list("person__username", flat=True)
    assert list(heard) == ["du"]
    nobody.delete()
    Call.objects.filter(pk=blocked.pk).update(answer_by=day(-1))
    api.tell_lights()
    api.tell_lights()
    blocked.refresh_from_db()
    assert blocked.raised_at is not None
    raised = Message.objects.get(key=f"plan.call.{blocked.pk}.raised")
    assert list(raised.deliveries.values_list("person__username", flat=True)) == ["du"]
    document = docx.Document(io.BytesIO(desk.supervisor.get("/plan/supervision/agenda.docx").content))
    cells = [[cell.text for cell in row.cells] for part in document.tables for row in part.rows]
    assert ["2", "县摊位管理局", node.title, documents.day(node.due_on), "逾期 3 天；已催办 1 次"] in cells
    assert ["1", "县摊位管理局", "县厨房办", "请腾出场地", documents.day(day(-1)), "已上报"] in cells
    assert post(desk.kitchen, f"/plan/calls/{blocked.pk}/answer", {"text": " "}) == ["请写明怎么办。"]
    assert post(desk.kitchen, f"/plan/calls/{blocked.pk}/answer", {"text": "下周腾出"}) == ["已记录您的姓名和时间。"]


def test_a_day_that_is_near_or_has_passed_is_told_once_and_what_turned_red_to_supervisors(
    desk: Desk, sent: Callable[[int], Node]
) -> None:
    node = sent(3)
    api.tell_lights()

    def told_now() -> dict[str, tuple[str, list[str]]]:
        before = set(Message.objects.values_list("pk", flat=True))
        nodes.remind_all()
        made = Message.objects.exclude(pk__in=before)
        return {one.key: (one.title, sorted(one.deliveries.values_list("person__username", flat=True))) for one in made}

    near = {f"plan.node.{node.pk}.near.{node.due_on}": (f"即将到期：{node.title}", ["stan"])}
    assert {key: one for key, one in told_now().items() if f".{node.pk}." in key} == near
    assert told_now() == {}
    Node.objects.filter(pk=node.pk).update(due_on=day(-1), light_on=day(-1))
    api.tell_lights()
    assert told_now() == {
        f"plan.node.{node.pk}.late.{day(-1)}": (f"已逾期，亮红灯：{node.title}", ["stan"]),
        f"plan.red.{desk.county.pk}.{day(0)}": ("今日新亮红灯 1 项", ["du"]),
    }
    assert told_now() == {}
    show(desk.stand, node)
    for client, is_supervisor in ((desk.supervisor, True), (desk.kitchen, False)):
        board = client.get("/plan/supervision/")
        assert [one.node_id for one in board.context["waiting"]] == ([node.pk] if is_supervisor else [])
        assert ("待验收佐证 1" in text(board)) == is_supervisor
    assert "/plan/supervision/#waiting" in desk.supervisor.get("/").content.decode()


def look(client: Client, node: Node, result: str = "true", **given: Any) -> Any:
    sent = {"files": file(), "longitude": "100.2", "latitude": "30.4", "result": result, "note": "见照片", **given}
    return client.post(f"/plan/nodes/{node.pk}/check", sent, follow=True)


def test_a_sample_is_drawn_once_and_a_false_finish_is_open_again(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(30)
    assert post(desk.supervisor, "/plan/supervision/samples/", {}) == ["上次抽取以来还没有验收的节点。"]
    show(desk.stand, node)
    decide(desk, node)
    assert light(node) == ("green", "done")
    assert post(desk.supervisor, "/plan/supervision/samples/", {"seed": "公开摇号 7"}) == ["已抽取 1 个节点。"]
    who = Person.objects.get(username="du")
    plan = desk.clause.plan
    report = reports.ask(plan, "annual", f"{node.due_on.year}", issuer="甲", serial="1", by=who)
    reports.make(report.pk)
    assert "按此后的裁定和核查" not in text(desk.supervisor.get(f"/plan/reports/{report.pk}/"))
    sample = Sample.objects.get()
    assert (sample.seed, sample.names, sample.drawn) == ("公开摇号 7", [f"N{node.pk}"], [f"N{node.pk}"])
    assert post(desk.supervisor, "/plan/supervision/samples/", {"seed": "8"}) == [
        f"{sample.quarter} 已抽取过。再抽一次就不是抽查了。"
    ]
    assert told(look(desk.supervisor, node, files="")) == ["现场核查需要照片。"]
    assert told(look(desk.supervisor, node, longitude="x")) == ["核查要记录位置：请填经度和纬度。"]
    assert told(look(desk.supervisor, node, "false", note="")) == ["请写明哪里不实。"]
    assert Check.objects.count() == 0
    assert told(look(desk.supervisor, node, "false")) == ["核查已保存。"]
    node.refresh_from_db()
    assert (light(node), node.reopened, Evidence.objects.get().state) == (("red", "false"), 1, "annulled")
    assert Check.objects.get().sample == sample
    page = text(desk.supervisor.get(f"/plan/reports/{report.pk}/"))
    assert "按此后的裁定和核查，当日各节点：红灯 0 → 1 、绿灯 2 → 1" in page
    assert "公开摇号 7" in text(desk.stand.get("/plan/supervision/samples/"))
    show(desk.stand, node)
    decide(desk, node)
    assert light(node) == ("yellow", "repaired")
    [card] = desk.stand.get("/plan/scorecards/").context["cards"]
    assert (card.unit.code, card.due, card.repaired, card.false, card.score) == ("stand", 1, 1, 1, 45.0)
    Sample.objects.update(quarter="2020Q1")  # the next draw is of what was finished after the one before, and no more
    assert post(desk.supervisor, "/plan/supervision/samples/", {"seed": "9"}) == ["已抽取 1 个节点。"]
    Sample.objects.exclude(pk=sample.pk).update(quarter="2020Q2")
    assert post(desk.supervisor, "/plan/supervision/samples/", {"seed": "9"}) == ["上次抽取以来还没有验收的节点。"]
    assert Sample.objects.count() == 2


def test_evidence_does_not_undo_the_check_that_came_before_it(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(30)
    show(desk.stand, node)
    decide(desk, node)
    read_before = Node.objects.get(pk=node.pk)
    look(desk.supervisor, node, "false")
    nodes.show(read_before, nodes.Shown("重新建成"), by=Person.objects.get(username="stan"))
    assert light(node) == ("red", "false")


def test_who_reported_neither_decides_nor_checks(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(30)
    both = browser(person(desk.county, "plan.*", username="both", of="stand"))
    show(both, node)
    waiting = Evidence.objects.get()
    given = {"evidence": waiting.pk, "do": "accept"}
    assert both.post(f"/plan/nodes/{node.pk}/decide", given).status_code == 403
    assert look(both, node).status_code == 403
    waiting.refresh_from_db()
    assert (waiting.state, Check.objects.count()) == ("waiting", 0)


def test_a_reporter_sees_and_changes_only_what_is_of_their_unit(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(-3)
    foreign = browser(person(testing.made_up_county("990002"), "plan.*", username="foreign"))
    other = desk.node("kitchen")
    Piece.objects.get(organisation__code="stand").assists.clear()
    before = Step.objects.count()
    for client, pages in ((desk.kitchen, 404), (foreign, 404)):
        assert client.get(f"/plan/nodes/{node.pk}/").status_code == pages
        for verb, given in (
            ("show", {"note": "x"}), ("block", {"unit": "stand"}), ("urge", {"text": "x"}), ("check", {}),
            ("decide", {"evidence": "1"}),
        ):  # fmt: skip
            assert client.post(f"/plan/nodes/{node.pk}/{verb}", given).status_code == pages, verb
        assert client.post(f"/plan/pieces/{node.piece_id}/receive", {"do": "receive"}).status_code == pages
    assert [row.organisation.code for row, _rule in desk.kitchen.get("/plan/supervision/").context["rows"]] == [
        "kitchen"
    ]
    assert desk.supervisor.get("/plan/supervision/").context["counts"] == {"red": 2, "yellow": 0, "green": 0}
    assert foreign.get("/plan/supervision/").context["total"] == 0
    assert foreign.get("/plan/scorecards/").context["cards"] == []
    for verb in ("urge", "decide", "check"):
        assert desk.stand.post(f"/plan/nodes/{node.pk}/{verb}", {"evidence": "1"}).status_code == 403, verb
    assert desk.stand.post("/plan/supervision/samples/", {}).status_code == 403
    assert desk.stand.get("/plan/supervision/agenda.docx").status_code == 403
    viewer = browser(person(desk.county, "plan.plan.view", username="viewer"))
    assert [viewer.get(f"/plan/{page}").status_code for page in ("supervision/", "mine/", f"nodes/{node.pk}/")] == [
        403, 403, 403,
    ]  # fmt: skip
    assert viewer.get(desk.page).context["pieces"] == []
    assert (Step.objects.count(), Evidence.objects.count(), Call.objects.count()) == (before, 0, 0)
    assert light(other) == ("red", "late")


def test_files_open_for_who_sees_the_node_alone(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(30)
    Piece.objects.get(organisation__code="stand").assists.clear()
    show(desk.stand, node)
    kept = Evidence.objects.get().files.get()
    address = f"/plan/files/{kept.pk}"
    for client in (desk.stand, desk.supervisor):
        assert b"".join(client.get(address)) == PNG  # type: ignore[arg-type]
    assert desk.kitchen.get(address).status_code == 404


def test_the_home_page_tells_what_is_asked_of_me(desk: Desk, sent: Callable[[int], Node]) -> None:
    sent(-3)
    page = desk.stand.get("/")
    assert [(tile.value, tile.name, tile.level) for tile in page.context["tiles"] if "mine" in tile.url] == [
        (1, "我单位逾期节点", "red"), (1, "待签收或答复", "yellow"),
    ]  # fmt: skip
    lights = [tile for tile in desk.supervisor.get("/").context["tiles"] if "supervision" in tile.url]
    assert [(tile.value, tile.name) for tile in lights] == [(2, "红灯节点"), (0, "待验收佐证")]


def test_boards_and_indicators_count_nodes_and_a_number_opens_to_its_rows(
    desk: Desk, sent: Callable[[int], Node]
) -> None:
    late = sent(-3)
    body = {"from": "nodes", "where": "light = 'red'", "by": ["_organisation"]}

    def asked(username: str) -> datasets.Result:
        who = access.actor(Person.objects.get(username=username))
        return datasets.ask(datasets.Asked(body, who, desk.county.pk, timezone.now()))

    found = asked("du")
    assert [(row.keys, row.cells[-1]) for row in found.rows] == [(("kitchen",), 1), (("stand",), 1)]
    assert [row.keys for row in asked("stan").rows] == [("stand",)]
    [mine] = [row for row in found.rows if row.keys == ("stand",)]
    page = desk.supervisor.get(mine.href)
    assert [node.pk for node, _rule in page.context["rows"]] == [late.pk]
    assert "1 条符合条件" in text(page)
    assert desk.kitchen.get(mine.href).context["total"] == 0
    assert desk.supervisor.get("/plan/supervision/?filter=colour = 'red'").context["total"] == 0
    foreign = browser(person(testing.made_up_county("990003"), "plan.*", username="far"))
    assert foreign.get(found.href).context["total"] == 0
    inputs = {"red": {"count": "nodes", "where": "light = 'red'"}, "nodes": {"count": "nodes"}}
    asked_of = [({"inputs": inputs, "formula": "100 * red / nodes"}, period_of("P1Y", late.due_on))]
    parts = {"stand": ["stand"], "nobody": ["office"]}
    [told_] = by_part(asked_of, desk.county.pk, "organisation", parts)
    assert (told_["stand"].value, told_["stand"].inputs, told_["nobody"].value) == (100.0, {"red": 1, "nodes": 1}, None)
    who = access.actor(Person.objects.get(username="du"))
    opened = counting.rows(inputs["red"], who, desk.county.pk, asked_of[0][1])
    assert f"/plan/nodes/{late.pk}/" in [row.url for row in opened]


def test_the_search_finds_what_one_may_see_of_the_plan(desk: Desk, sent: Callable[[int], Node]) -> None:
    node = sent(30)
    plan, indicator = (
        desk.clause.plan,
        Indicator.objects.create(plan=desk.clause.plan, key="x", name="示范摊位数量", no="7"),
    )

    def found(client: Client, asked: str) -> dict[str, list[tuple[str, str]]]:
        groups = client.get("/search", {"q": asked}).context["groups"]
        return {group.key: [(hit.title, hit.url) for hit in group.hits] for group in groups}

    of_plan = {
        "indicators": [("示范摊位数量", f"/plan/indicators/{indicator.pk}/")],
        "plan-tasks": [("示范摊位工程", f"/plan/clauses/{desk.clause.pk}/")],
    }
    own = {"nodes": [(node.title, f"/plan/nodes/{node.pk}/")]}
    assert found(desk.stand, "示范 摊位") == of_plan | own
    both = [(one.title, f"/plan/nodes/{one.pk}/") for one in Node.objects.order_by("due_on", "pk")]
    assert found(desk.supervisor, "示范摊位") == of_plan | {"nodes": both}
    reader = browser(person(desk.county, "plan.plan.view"))
    assert found(reader, "示范摊位") == of_plan
    assert found(browser(person(desk.county, "things.thing.view")), "示范摊位") == {}
    assert plan.tasks.filter(name="示范摊位工程").count() == 1
