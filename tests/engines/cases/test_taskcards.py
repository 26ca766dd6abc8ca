"""The card of an emergency task shows its minutes and what it is about here; a row that names a plan, its drills."""

from __future__ import annotations

from typing import Any

import pytest
from tests.fixtures import area, person
from tests.web.pages import browser, text

from shizhu.engines.cases import api
from shizhu.engines.cases.models import DRILL, Case, Task
from shizhu.engines.records import api as records
from shizhu.kernel import access, packs
from shizhu.kernel.models import County, Declaration

pytestmark = pytest.mark.django_db
pytest_plugins = ["tests.engines.records.stalls"]
PLAN, STALL = "lemonade.heat", "lemonade.stall"


def began(county: County, code: str = "101", origin: int = DRILL) -> Case:
    document = {"source": "person", "title": "高温", "level": "IV", "description": "三十八度"}
    return api.open_case(api.Opening(PLAN, "高温", area(county, code), document, origin=origin))


def test_a_task_tells_its_level_minutes_and_rows_here(county: County, stall: Any) -> None:
    maker = person(county, role="lemonade.maker", username="maker")
    stall(seats=4, owner="钱七", phone="13900000001")
    stall(area="102")
    case = began(county)
    task = Task.objects.get(case=case, step="ice", status="ready")
    shown = text(browser(maker).get(f"/cases/tasks/{task.pk}/"))
    assert "任务卡 Ⅳ级响应 限时 5 分钟" in shown
    assert ("摊位 1 1号摊 · 4" in shown, "2号摊" in shown) == (True, False)
    assert ("139****0001" in shown, "13900000001" in shown) == (True, False)


def test_a_row_that_names_a_plan_lists_its_drills(county: County, stall: Any, root: access.Actor) -> None:
    found = Declaration.objects.get(kind="registers", key=STALL)
    found.body["properties"]["plan"] = {
        "type": "string",
        "x-shizhu-ref": "cases.emergency",
        "title": {"zh": "预案", "en": "Plan"},
    }
    found.save()
    packs.forget()
    boss = person(county, "records.*", "cases.*", username="boss")
    named, other = stall(plan=PLAN), stall()
    began(county)
    began(county, origin=0)
    shown = text(browser(boss).get(f"/records/{STALL}/{named.id}/"))
    assert "系统演练 1" in shown
    assert ("【演练】高温" in shown, "高温预案" in shown) == (True, True)
    assert "系统演练" not in text(browser(boss).get(f"/records/{STALL}/{other.id}/"))
    with pytest.raises(records.Refused, match="plan"):
        records.update(root, other.id, {"plan": "lemonade.none"}, version=other.version)
