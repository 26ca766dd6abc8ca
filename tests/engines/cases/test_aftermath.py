"""The after-action report of a drill: planned and real minutes in a table and a chart, what was late, the timeline."""

from __future__ import annotations

import io
from datetime import timedelta

import docx
import pytest
from tests.engines.cases.test_emergencies import began, decide, done, staff  # noqa: F401  # a fixture
from tests.fixtures import person
from tests.web.pages import browser

from shizhu.engines.cases.models import DRILL, Case, Task
from shizhu.kernel.models import County, Person

pytestmark = pytest.mark.django_db(transaction=True)


def test_planned_and_real_minutes_are_compared(county: County, staff: dict[str, Person]) -> None:  # noqa: F811
    case = began(county, "III", DRILL)
    done(case, staff["chief"], "count")
    done(case, staff["taster"], "tell")
    decide(case, staff["chief"], "end")
    case = Case.objects.get()
    for step, minutes in (("count", 25), ("tell", 4)):
        Task.objects.filter(case=case, step=step).update(done_at=case.opened_at + timedelta(minutes=minutes))
    Case.objects.update(closed_at=case.opened_at + timedelta(minutes=40))
    answer = browser(staff["reader"], "en").get(f"/cases/{case.pk}/command/report.docx")
    made = docx.Document(io.BytesIO(answer.content))
    texts = [paragraph.text for paragraph in made.paragraphs]
    assert [line for line in texts if line.startswith(("一、", "二、", "三、", "四、"))] == [
        "一、基本情况", "二、计划与实际用时", "三、超时情况", "四、时间线",
    ]  # fmt: skip
    assert "【演练】断糖演练评估报告" in texts
    assert "这是演练，内容均非真实；按现行预案运行并逐分钟计时。" in texts
    assert "共 4 项任务，完成 2 项，其中按时 1 项。" in texts or "共 3 项任务，完成 2 项，其中按时 1 项。" in texts
    assert [[cell.text for cell in row.cells] for row in made.tables[0].rows][:3] == [
        ["任务", "级别", "由谁办理", "计划\n（分钟）", "实际\n（分钟）", "偏差\n（分钟）"],
        ["告知客人", "Ⅲ级响应", "taster", "5", "4", "-1"],
        ["清点存糖", "Ⅳ级响应", "chief", "10", "25", "+15"],
    ]
    assert "清点存糖（chief）：超时 15 分钟" in texts
    assert len([part for part in made.part.package.iter_parts() if "/charts/" in str(part.partname)]) == 1
    assert [made.tables[-1].rows[0].cells[n].text for n in (0, 1)] == ["时间", "发生了什么"]
    assert browser(person(county, username="stranger")).get(f"/cases/{case.pk}/command/report.docx").status_code == 403
