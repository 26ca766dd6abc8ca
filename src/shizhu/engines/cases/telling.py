"""People are told of tasks by notices where their flow asks for it (`tell`), once for each task."""

from __future__ import annotations

from django.utils import timezone

from shizhu.engines.cases import flows
from shizhu.engines.cases.models import DRILL, Task
from shizhu.engines.notices import api as notices
from shizhu.kernel.events import Event
from shizhu.kernel.text import label


def task_ready(event: Event) -> None:
    """A task waits for somebody; what breaks quiet hours is no drill."""
    task = Task.objects.select_related("case").filter(pk=event.data["task"], status=Task.Status.READY).first()
    if task is None:
        return
    case = task.case
    _flow, about = flows.version(case.flow, case.digest)
    if not about.tells:
        return
    step = label(about.names.get(task.step, {"zh": task.step}), "zh")
    ordered = (task.item or {}).get("text", "") if isinstance(task.item, dict) else ""
    due = f"{timezone.localtime(task.due_at):%m-%d %H:%M} 前完成" if task.due_at else ""
    notices.tell(
        case.county_id, f"task/{task.pk}", event.data["people"], title=f"{case.title}：{ordered or step}"[:200],
        text=" · ".join(filter(None, [case.number, step, due])), url=f"/cases/tasks/{task.pk}/",
        level="yellow" if case.origin == DRILL else "orange",
    )  # fmt: skip
