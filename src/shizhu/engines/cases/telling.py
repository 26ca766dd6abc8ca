"""People are told by notices: of tasks where their flow asks for it (`tell`), and of swaps of shifts; each once."""

from __future__ import annotations

from django.utils import timezone

from shizhu.engines.cases import flows
from shizhu.engines.cases.models import DRILL, Duty, Swap, Task
from shizhu.engines.notices import api as notices
from shizhu.kernel.events import Event
from shizhu.kernel.models import Role
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


def swap(one: Swap) -> None:
    """Both hear that a swap was asked for, and how it was answered; in the transaction that does it."""
    asks, asked = one.asked_by.name, one.asked_of.name
    if one.answered_at is None:
        title = f"{asks}请{asked}换班"
    else:
        title = f"{asked}{'同意' if one.is_agreed else '未同意'}与{asks}换班"
    back = f"换回{asked}的班次：{_shift(one.back)}" if one.back else "不换回班次"
    lines = [f"{asks}的班次：{_shift(one.duty)}", back]
    notices.tell(
        one.duty.county_id, f"swap/{one.pk}/{'asked' if one.answered_at is None else 'answered'}",
        [one.asked_by_id, one.asked_of_id], title=title, text="\n".join(filter(None, [*lines, one.why])),
        url=f"/duty/{one.duty_id}/",
    )  # fmt: skip


def _shift(duty: Duty) -> str:
    begins, ends = timezone.localtime(duty.begins), timezone.localtime(duty.ends)
    role = Role.objects.filter(pk=duty.role).first()
    return f"{label(role.name, 'zh') if role else duty.role} {begins:%m-%d %H:%M} 至 {ends:%m-%d %H:%M}"
