"""A node proved by what happened: by itself, beside evidence, and a finish that the readings contradict."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone
from tests.engines.plan.desks import REPORTER, Desk, day, decide, file, light, post, show
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text

from shizhu.engines.cases import api as cases
from shizhu.engines.cases.models import Case
from shizhu.engines.plan import api, nodes, proving
from shizhu.engines.plan.models import Evidence, Node, Proof, Sample, Step
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.models import Organisation, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.plan.supervised", "tests.engines.records.stalls"]
ASKED = {"formula": "lemonade.shaded_stalls", "bound": "at_least", "proof_value": "60"}


def test_readings_alone_finish_a_node_and_open_it_again(desk: Desk, stall: Any) -> None:
    desk.split(3)
    for wrong, why in (
        ({"formula": "lemonade.nothing"}, "没有声明"), ({"proof_value": "许多"}, "不是数字"),
        ({"bound": "about"}, "请选择"),
    ):  # fmt: skip
        assert why in desk.send(**{**ASKED, "files": "0", **wrong})[0]
    assert Node.objects.count() == 0
    desk.send(**ASKED, files="0")
    node = desk.node()
    assert light(node) == ("yellow", "near")
    stall(is_shaded=True)
    bare = stall(is_shaded=False)
    assert proving.prove_all() == 2  # one node a unit: that of the kitchen has no stall
    assert (light(node), Proof.objects.get(node=node).is_met) == (("yellow", "near"), False)
    stall(is_shaded=True)
    assert (proving.prove_all(), proving.prove_all()) == (1, 0)
    assert light(node) == ("green", "done")
    assert [row.organisation.code for row, *_more in desk.stand.get("/plan/mine/").context["nodes"]] == []
    drawn = nodes.draw(desk.county.pk, timezone.localdate(), "种子", by=Person.objects.get(username="du"))
    assert drawn is not None  # what readings alone finished is looked at too
    assert drawn.names == [nodes.name_of(node)]
    Sample.objects.update(quarter="2020Q1")
    assert nodes.draw(desk.county.pk, timezone.localdate(), "种子", by=Person.objects.get(username="du")) is None
    page = desk.supervisor.get(f"/plan/nodes/{node.pk}/")
    assert "66.67" in text(page) or "66.7" in text(page)
    opened = browser(Person.objects.get(username="root")).get(f"/plan/nodes/{node.pk}/rows/shaded").context
    assert (sorted(row.title for row in opened["rows"]), opened["total"]) == (["1号摊", "3号摊"], 2)
    hidden = desk.supervisor.get(f"/plan/nodes/{node.pk}/rows/shaded").context
    assert (hidden["rows"], hidden["total"]) == ([], 2)
    root = access.actor(Person.objects.get(username="root"))
    for number in (1, 3):
        entry = records.get(root, desk.county.pk, "lemonade.stall", f"S00{number}")
        records.update(root, entry.id, {**entry.data, "is_shaded": False}, version=entry.version)
    proving.prove_all()
    assert light(node) == ("yellow", "near")
    told = [step.kind for step in Step.objects.filter(node=node, kind__in=["proved", "unproved"]).order_by("pk")]
    assert (told, bare.key) == (["proved", "unproved"], "S002")


def test_a_finish_that_the_readings_contradict_is_found_and_annulled(desk: Desk, stall: Any) -> None:
    desk.split(3)
    desk.send(**{**ASKED, "bound": "at_most", "proof_value": "50"}, files="1")
    node = desk.node()
    stall(is_shaded=False)
    show(desk.stand, node)
    assert decide(desk, node) == ["已裁定。"]
    assert light(node) == ("green", "done")
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/overturn", {"why": "试"}) == ["读数与所报情况没有矛盾。"]
    stall(is_shaded=True)
    stall(is_shaded=True)
    proving.prove_all()
    node.refresh_from_db()
    assert (node.is_contradicted, light(node)) == (True, ("red", "against"))
    assert [one.pk for one in desk.supervisor.get("/plan/supervision/").context["contradicted"]] == [node.pk]
    assert desk.stand.post(f"/plan/nodes/{node.pk}/overturn", {"why": "x"}).status_code == 403
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/overturn", {"why": ""}) == ["请写明撤销理由。"]
    assert Evidence.objects.get().state == "accepted"
    assert post(desk.supervisor, f"/plan/nodes/{node.pk}/overturn", {"why": "遮阳已过半"}) == [
        "已撤销验收，节点重新打开，转为红灯。"
    ]
    node.refresh_from_db()
    assert (light(node), node.reopened, Evidence.objects.get().state) == (("red", "false"), 1, "annulled")
    show(desk.stand, node)
    assert decide(desk, node)[0].startswith(
        "未能验收：差额还没有补齐。读数应为 有遮阳的摊位占比（县摊位管理局） ≤ 50 %"
    )


def test_a_contradicted_finish_is_red_at_once_and_yellow_once_the_readings_agree(desk: Desk, stall: Any) -> None:
    desk.split(30)
    desk.send(**{**ASKED, "bound": "at_most", "proof_value": "50"}, files="1")
    node = desk.node()
    bare, shaded = stall(is_shaded=False), stall(is_shaded=True)
    show(desk.stand, node)
    decide(desk, node)
    proving.prove_all()
    assert light(node) == ("green", "done")
    root = access.actor(Person.objects.get(username="root"))

    def turn(key: str, *, shade: bool) -> None:
        entry = records.get(root, desk.county.pk, "lemonade.stall", key)
        records.update(root, entry.id, {**entry.data, "is_shaded": shade}, version=entry.version)
        proving.prove_all()

    turn(bare.key, shade=True)
    assert light(node) == ("red", "against")
    assert "已验收为完成，但读数不符" in text(desk.stand.get(f"/plan/nodes/{node.pk}/"))
    assert show(desk.stand, node) == ["这一节点已完成，佐证已验收。"]
    api.tell_lights()
    assert light(node) == ("red", "against")
    turn(shaded.key, shade=False)
    assert (light(node), node.is_contradicted, node.reopened) == (("yellow", "repaired"), False, 0)
    turn(shaded.key, shade=True)
    assert light(node) == ("red", "against")


def test_what_readings_alone_finished_is_red_once_somebody_saw_otherwise(desk: Desk, stall: Any) -> None:
    desk.split(3)
    desk.send(**ASKED, files="0")
    node = desk.node()
    stall(is_shaded=True)
    proving.prove_all()
    assert light(node) == ("green", "done")

    def look(result: str) -> None:
        seen = {"files": file(), "longitude": "100.2", "latitude": "30.4", "result": result, "note": "遮阳棚是借来的"}
        assert post(desk.supervisor, f"/plan/nodes/{node.pk}/check", seen) == ["核查已保存。"]

    look("false")
    assert (light(node), node.reopened) == (("red", "false"), 1)
    proving.prove_all()
    assert light(node) == ("red", "false")
    look("true")
    assert (light(node), node.reopened) == (("yellow", "repaired"), 1)


def test_a_later_day_is_asked_in_time_decided_by_another_and_both_days_stay(desk: Desk) -> None:
    desk.split(2)
    desk.send()
    node, address = desk.node(), f"/plan/nodes/{desk.node().pk}"
    ask = {"until": f"{day(30)}", "reason": "连日暴雨，无法施工"}
    assert post(desk.stand, f"{address}/extend", {**ask, "reason": ""}) == ["请写明理由，并选择今天以后的日期。"]
    assert post(desk.stand, f"{address}/extend", {**ask, "until": f"{day(1)}"}) == [f"新期限应晚于 {node.due_on}。"]
    assert post(desk.stand, f"{address}/extend", ask) == ["已提交。审批前仍按原期限。"]
    assert post(desk.stand, f"{address}/extend", ask) == ["此前的延期申请还在等待审批。"]
    asked = node.extensions.get()
    assert [one.pk for one in desk.supervisor.get("/plan/supervision/").context["extensions"]] == [node.pk]
    given = {"extension": asked.pk, "do": "approve"}
    assert desk.stand.post(f"{address}/extension", given).status_code == 403
    assert desk.kitchen.post(f"{address}/extend", ask).status_code in {403, 404}
    Node.objects.filter(pk=node.pk).update(due_on=day(-1), light_on=day(-1))
    api.tell_lights()
    assert light(node) == ("yellow", "asked")
    assert post(desk.supervisor, f"{address}/extension", {**given, "do": "refuse"}) == ["请写明不通过的理由。"]
    assert post(desk.supervisor, f"{address}/extension", given) == ["已裁定。"]
    node.refresh_from_db()
    assert (light(node), node.due_on, asked.was_due) == (("green", "on_time"), day(30), day(2))
    assert f"原期限 {day(2)}" in text(desk.stand.get(f"{address}/"))
    assert post(desk.supervisor, f"{address}/extension", given) == ["此前已作决定。"]
    late = desk.node("kitchen")
    Node.objects.filter(pk=late.pk).update(due_on=day(-1))
    assert post(desk.kitchen, f"/plan/nodes/{late.pk}/extend", ask) == ["期限已过，延期须在届满前申请。"]
    assert late.extensions.count() == 0


def test_who_asked_does_not_decide(desk: Desk) -> None:
    desk.split(2)
    desk.send()
    node = desk.node()
    both = browser(person(desk.county, "plan.*", username="both", of="stand"))
    post(both, f"/plan/nodes/{node.pk}/extend", {"until": f"{day(30)}", "reason": "x"})
    asked = node.extensions.get()
    assert both.post(f"/plan/nodes/{node.pk}/extension", {"extension": asked.pk, "do": "approve"}).status_code == 403
    asked.refresh_from_db()
    node.refresh_from_db()
    assert (asked.state, node.due_on) == ("waiting", day(2))


def test_cases_that_went_their_way_are_counted_when_it_is_decided(desk: Desk) -> None:
    desk.split(3)
    where = "is_open = FALSE AND is_late = FALSE"
    desk.send(files="0", count="cases", of="lemonade.order", where=where, least="2")
    node, who = desk.node(), person(desk.county, role="lemonade.maker", username="maker")

    def closed() -> None:
        case = cases.open_case(cases.Opening("lemonade.order", "三杯", node.area, {"title": "三杯"}, by=who))
        Case.objects.filter(pk=case.pk).update(status="closed", closed_at=timezone.now())

    closed()
    cases.open_case(cases.Opening("lemonade.order", "未办", node.area, {"title": "未办"}, by=who))
    show(desk.stand, node, files="")
    assert decide(desk, node) == ["未能验收：差额还没有补齐。要求 2 条满足条件，现有 1 条。"]
    closed()
    assert decide(desk, node) == ["已裁定。"]
    assert light(node) == ("green", "done")


def test_towns_are_given_pieces_and_have_cards_beside_those_of_departments(desk: Desk) -> None:
    for code, name in (("101", "东镇政府"), ("102", "西镇政府")):
        top, place = organisation(desk.county), area(desk.county, code)
        Organisation.objects.create(
            county=desk.county, code=f"town{code}", name=name, kind="town", parent=top, path=f"{top.path}town{code}/",
            area=place,
        )  # fmt: skip
    east = browser(person(desk.county, *REPORTER, username="east", of="town101", in_area="101"))
    desk.split(-3, unit=["stand", "town101", "town102"], total="30")
    desk.send()
    node = desk.node("town101")
    assert (node.value, node.area.name) == (10, "东镇")
    [(kind, first), (other, second)] = desk.supervisor.get("/plan/scorecards/").context["kinds"]
    assert (kind, [one.unit.code for one in first]) == ("department", ["stand"])
    assert (other, sorted(one.unit.name for one in second)) == ("town", ["东镇政府", "西镇政府"])
    assert [piece.organisation.code for piece in east.get("/plan/mine/").context["pieces"]] == ["town101"]
    assert [row.organisation.code for row, _rule in east.get("/plan/supervision/").context["rows"]] == ["town101"]
