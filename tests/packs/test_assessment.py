"""Assessment of units (166), third-party evaluation (167), change and risk of projects (135), by the public door."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.plan import indexes
from shizhu.engines.plan.models import Evaluation, Look
from shizhu.engines.records import api as records
from shizhu.kernel import access
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.packs.innovation"]
KEY = "innovation.unit_assessment"
PAGE = f"/plan/indexes/{KEY}/"
EVIDENCE = {"year": 2026, "item": "results", "title": "新增专利六件"}
Keep = Callable[..., records.Entry]


def test_units_are_scored_from_evidence_appeal_and_the_result_is_used(
    county: County, bureau: Person, keep: Keep, walk: Keep
) -> None:
    own = [
        f"records.innovation.assessment_{name}.{verb}" for name in ("evidence", "appeal") for verb in ("view", "create")
    ]
    unit = person(county, *own, username="unit", of="stand")
    shown = [
        keep("assessment_evidence", by=unit, of="stand", code=f"K0000{n}", unit="stand", **EVIDENCE) for n in (1, 2, 3)
    ]
    walk(shown[0], "accepted")
    walk(shown[1], "refused")
    with pytest.raises(PermissionDenied):  # who shows it does not accept it
        walk(shown[2], "accepted", by=unit)
    index, client = indexes.Index(county.pk, KEY), browser(bureau)
    index.report(
        2026, [indexes.Given("reform", "stand", 8), indexes.Given("reform", "kitchen", 4)], note="评审", by=None
    )
    client.post(f"{PAGE}compute", {"year": 2026})
    assert index.values(index.measures(2026))["stand"] == {"results": 1.0, "reform": 8.0, "honesty": 0.0}
    tried = client.get(f"{PAGE}?year=2026&w.results=0&w.reform=100&w.tasks=0&w.honesty=0")
    assert [line.row.subject for line in tried.context["lines"]][:2] == ["stand", "kitchen"]
    appeal = keep("assessment_appeal", by=unit, of="stand", code="S00001", unit="stand", year=2026, title="佐证未采信",
                  reason="材料齐全", evidence="K00003", was=50, asked=60)  # fmt: skip
    with pytest.raises(PermissionDenied):
        walk(appeal, "upheld", by=unit)
    walk(appeal, "upheld")
    walk(shown[2], "accepted")
    client.post(f"{PAGE}compute", {"year": 2026})
    assert index.values(index.measures(2026))["stand"]["results"] == 2.0
    client.post(f"{PAGE}issue", {"year": 2026})
    digest = Evaluation.objects.get().digest
    use = {"unit": "stand", "year": 2026, "class": "good", "use": "money", "title": "经费奖补", "digest": digest}
    with pytest.raises(records.Refused):
        keep("assessment_use", code="Y00001", **use)
    assert keep("assessment_use", code="Y00001", amount=5, **use).data["amount"] == 5


def test_an_outside_evaluation_from_its_scope_to_the_response(
    county: County, bureau: Person, keep: Keep, walk: Keep
) -> None:
    given: dict[str, Any] = {
        "code": "D0001", "title": "规划实施评估", "evaluator": "某评价中心", "from": "2026-10-01", "to": "2026-12-31",
        "scope": "指标与任务", "questions": ["目标是否可达"],
    }  # fmt: skip
    with pytest.raises(records.Refused):
        keep("outside_evaluation", **given, independent=False)
    keep("method", code="M001", name="目标完成法", kind="scoring", version="1", formula="现值除以目标", source="自拟")
    made = walk(keep("outside_evaluation", **given, independent=True), "opened")
    index = indexes.Index(county.pk, KEY)
    index.report(2026, [indexes.Given(item, "stand", 5) for item in ("tasks", "results", "reform")], note="x", by=None)
    browser(bureau).post(f"{PAGE}issue", {"year": 2026})
    frozen = Evaluation.objects.get()
    own = (f"records.innovation.outside_evaluation.{verb}" for verb in ("view", "edit"))
    evaluator = person(county, "plan.room.view", *own, username="evaluator")
    room = browser(evaluator)
    assert room.get(f"/plan/room/packages/{frozen.pk}.zip").status_code == 200
    assert (Look.objects.get(what="package").person, room.get(PAGE).status_code) == (evaluator, 403)
    who = access.actor(evaluator)
    with pytest.raises(records.Refused):  # findings rest on frozen data and named methods
        records.update(who, made.id, {**made.data, "findings": "可达"}, version=made.version)
    told_ = {**made.data, "findings": "可达", "digest": frozen.digest, "methods": ["M001"]}
    reported = walk(records.update(who, made.id, told_, version=made.version), "reported", by=evaluator)
    with pytest.raises(PermissionDenied):
        walk(reported, "answered", by=evaluator)
    owed = [{"what": "补齐数据", "unit": "stand", "due": "2027-03-31"}]
    answered = {**reported.data, "response": "同意并整改", "measures": owed}
    closed = records.update(access.actor(bureau), reported.id, answered, version=reported.version)
    assert walk(closed, "answered", "closed").state == "closed"


PROJECT = {
    "name": "莼菜保鲜", "holder": "某公司", "granted": 60, "spent": 30, "starts": "2025-01-01", "ends": "2026-12-31",
    "target": "货架期 30 天", "reported": "2026-10-01", "as_of": "2026-11-01", "milestones_due": 3,
    "milestones_done": 3,
}  # fmt: skip
WARNED = {
    "none": {}, "silent": {"reported": "2026-03-01"}, "milestone": {"milestones_done": 1}, "overspent": {"spent": 61},
    "unspent": {"spent": 6},
}  # fmt: skip


def test_projects_are_warned_of_and_risks_have_a_level(county: County, bureau: Person, keep: Keep, walk: Keep) -> None:
    found = [keep("project", code=f"X000{n}", **{**PROJECT, **more}) for n, more in enumerate(WARNED.values())]
    assert [entry.data["warning"] for entry in found] == list(WARNED)
    assert walk(found[0], "terminated").state == "terminated"
    risk = keep("project_risk", code="F00001", project="X0001", title="采购延误", likelihood=4, effect=4, answer="租用",
                plan="一周内会商")  # fmt: skip
    assert (risk.data["score"], risk.data["level"]) == (16, "red")
    assert walk(risk, "closed").state == "closed"
    stranger = browser(person(county, "maps.map.view", username="stranger"))
    assert stranger.get("/records/innovation.project_risk/").status_code == 403
