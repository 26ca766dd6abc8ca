"""Changes and risks of projects as flows: the level decides who decides, a risk come true starts the emergency plan."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import docx
import orjson
import pytest
from django.core.exceptions import PermissionDenied
from tests.fixtures import area, organisation, person
from tests.web.pages import browser, text

from shizhu.engines.cases import api, emergencies
from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import access, events
from shizhu.kernel.models import County, Organisation, OutboxEvent, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.packs.innovation"]
Keep = Callable[..., Any]
CHANGE, RISK, PLAN = "innovation.change", "innovation.risk", "innovation.project"
PROJECT = {
    "code": "X0001", "name": "莼菜保鲜", "holder": "某公司", "granted": 60, "spent": 30, "starts": "2025-01-01",
    "ends": "2026-12-31", "target": "货架期 30 天",
}  # fmt: skip


@pytest.fixture
def staff(county: County, bureau: Person, keep: Keep) -> dict[str, Person]:
    root = organisation(county)
    Organisation.objects.create(
        county=county, code="science", name="县科技局", kind="department", path=f"{root.path}science/", area=root.area
    )
    keep("project", of="science", **PROJECT)
    keep(
        "project_risk",
        of="science",
        code="F00001",
        project="X0001",
        title="采购延误",
        likelihood=4,
        effect=4,
        answer="租用",
        plan="会商",
    )
    return {
        role: person(county, role=f"innovation.{role}", username=role, of="" if role == "clerk" else "science")
        for role in ("clerk", "leader", "reporter")
    }


def change(county: County, by: Person, **more: Any) -> Case:
    document = {
        "source": "person", "title": "设备推迟到货", "project": "X0001", "kind": "adjust", "reason": "供应商停产",
        "target_before": "30 天", "target_after": "30 天", "money_before": 60, "money_after": 60, **more,
    }  # fmt: skip
    return api.open_case(api.Opening(CHANGE, document["title"], area(county, "101"), document, by=by))


def ready(case: Case) -> list[str]:
    return sorted(Task.objects.filter(case=case, status="ready").values_list("step", flat=True))


def do(case: Case, by: Person, step: str, **given: Any) -> Case:
    task = Task.objects.get(case=case, step=step, status="ready")
    return api.answer(access.actor(by), task.pk, given)


def arrive() -> None:
    """Let what was thrown arrive."""
    consumer = next(one for one in events.consumers() if one.name == "cases.thrown")
    for row in OutboxEvent.objects.order_by("pk"):
        if row.envelope["type"] in consumer.types:
            events.handle(consumer, events.decode(orjson.dumps(row.envelope)))


@pytest.mark.parametrize(
    ("more", "level", "step"),
    [
        ({"days": 60}, "minor", ""),
        ({"days": 200}, "ordinary", "approve"),
        ({"kind": "change", "money_after": 50}, "ordinary", "approve"),
        ({"kind": "change", "money_after": 40}, "major", "board"),
        ({"target_after": "21 天"}, "major", "board"),
    ],
)
def test_the_level_follows_from_target_money_and_time(
    county: County, staff: dict[str, Person], more: dict[str, Any], level: str, step: str
) -> None:
    case = change(county, staff["reporter"], **more)
    assert (case.state["document"]["level"], ready(case)) == (level, ["check"])
    do(case, staff["clerk"], "check", agreed=True, remark="影响可控")
    assert ready(case) == ([step] if step else [])
    if step:
        with pytest.raises(PermissionDenied):  # who asked does not decide
            do(case, staff["reporter"], step, agreed=True, remark="同意")
        do(case, staff["leader"], step, agreed=True, remark="同意")
    case.refresh_from_db()
    assert (case.status, case.ended_at) == ("closed", "changed")
    assert case.state["document"]["target_before"] == "30 天"


def test_the_level_is_told_in_words_on_the_page_and_in_the_document(county: County, staff: dict[str, Person]) -> None:
    case = change(county, staff["reporter"], money_after=40.0)
    page = browser(staff["leader"])
    assert re.search(r"变更后经费（万元） 40 .*判断审批级别 \S+ \S+ 重大变更", text(page.get(f"/cases/{case.pk}/")))
    document = docx.Document(io.BytesIO(page.get(f"/cases/{case.pk}/report.docx").content))
    cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    assert "判断审批级别\n重大变更" in cells


def test_a_termination_ends_with_what_is_recovered_and_a_refusal_at_once(
    county: County, staff: dict[str, Person]
) -> None:
    case = change(county, staff["reporter"], kind="terminate", target_after="终止")
    do(case, staff["clerk"], "check", agreed=True, remark="属实")
    do(case, staff["leader"], "board", agreed=True, remark="同意终止")
    assert ready(case) == ["recover"]
    do(case, staff["clerk"], "recover", to_recover=12, recovered=12)
    case.refresh_from_db()
    assert (case.status, case.ended_at) == ("closed", "terminated")
    other = change(county, staff["reporter"])
    do(other, staff["clerk"], "check", agreed=False, remark="材料不全")
    other.refresh_from_db()
    assert (other.status, other.ended_at) == ("closed", "refused")


def told(county: County, by: Person, likelihood: int, effect: int) -> Case:
    document = {
        "source": "person", "title": "设备停产无法到货", "risk": "F00001", "happened": "厂家停产",
        "likelihood": likelihood, "effect": effect,
    }  # fmt: skip
    return api.open_case(api.Opening(RISK, document["title"], area(county, "101"), document, by=by))


@pytest.mark.parametrize(("likelihood", "effect", "level"), [(2, 3, ""), (3, 3, "IV"), (5, 4, "III")])
def test_a_risk_that_came_true_starts_the_emergency_plan_at_its_level(
    county: County, staff: dict[str, Person], likelihood: int, effect: int, level: str
) -> None:
    case = told(county, staff["reporter"], likelihood, effect)
    assert ready(case) == ["check"]
    arrive()
    assert not Case.objects.filter(flow=PLAN).exists()  # nobody checked it yet
    do(case, staff["clerk"], "check", real=True, remark="电话核实")
    arrive()
    assert ready(case) == ["defuse"]
    begun = list(Case.objects.filter(flow=PLAN))
    assert [(emergencies.level_of(one), one.title) for one in begun] == ([(level, "设备停产无法到货")] if level else [])
    if level == "III":
        [response] = begun
        assert set(ready(response)) == {"decide", "hear", "hold", "consult", "secure", "report"}
        assert Task.objects.get(case=response, step="consult").assignee == staff["leader"]
        page = browser(staff["clerk"]).get(f"/cases/{response.pk}/command/")
        assert f"设备停产无法到货 应急预案 {response.number} · " in text(page)
        assert page.context["response"].level == "III"
        assert "召集会商" in text(page)
    do(case, staff["reporter"], "defuse", done="改为租用设备")
    case.refresh_from_db()
    assert (case.status, case.ended_at) == ("closed", "defused")


def test_what_is_not_so_starts_nothing(county: County, staff: dict[str, Person]) -> None:
    case = told(county, staff["reporter"], 5, 5)
    do(case, staff["clerk"], "check", real=False, remark="已按期到货")
    arrive()
    case.refresh_from_db()
    assert (case.status, case.ended_at, Case.objects.filter(flow=PLAN).count()) == ("closed", "unreal", 0)
