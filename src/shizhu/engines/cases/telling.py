"""People are told by notices, each once: of tasks where their flow asks for it (`tell`) or several do them together, of
when those meet, of what somebody asks of them about a case, and of swaps of shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from shizhu.engines.cases import flows
from shizhu.engines.cases.assignment import doers
from shizhu.engines.cases.models import DRILL, Case, Duty, Entry, Helper, Petition, Swap, Task
from shizhu.engines.notices import api as notices
from shizhu.kernel.events import Event
from shizhu.kernel.models import Role
from shizhu.kernel.text import label

MEETING = "cases.meeting"  # the job that reminds of it
SUPERVISED = "cases.supervised"  # the job that looks whether a supervised case was finished in time
WISHES = {"pause": "暂停计时", "extend": "延长期限", "return": "退回", "void": "作废案件"}
AHEAD = (timedelta(days=1), timedelta(hours=2))  # before it; the second where the first is over


def task_ready(event: Event) -> None:
    """A task waits for somebody; what breaks quiet hours is no drill."""
    task = Task.objects.select_related("case").filter(pk=event.data["task"], status=Task.Status.READY).first()
    if task is None:
        return
    case = task.case
    flow, about = flows.version(case.flow, case.digest)
    if not about.tells and not flow.step[task.step].joint:
        return
    step = _step(task)
    ordered = (task.item or {}).get("text", "") if isinstance(task.item, dict) else ""
    due = f"{timezone.localtime(task.due_at):%m-%d %H:%M} 前完成" if task.due_at else ""
    notices.tell(
        case.county_id, f"task/{task.pk}", event.data["people"], title=f"{case.title}：{ordered or step}"[:200],
        text=" · ".join(filter(None, [case.number, step, due])), url=f"/cases/tasks/{task.pk}/",
        level="" if not about.tells else "yellow" if case.origin == DRILL else "orange", origin=case.origin,
    )  # fmt: skip


def _step(task: Task) -> str:
    """What a task is called."""
    _flow, about = flows.version(task.case.flow, task.case.digest)
    return label(about.names.get(task.step, {"zh": task.step}), "zh")


def asked(helper: Helper) -> None:
    """Who was asked to do a task together with others hears so, and when they meet if that is agreed."""
    task = helper.task
    _tell_of(task.case, f"helper/{helper.pk}", [helper.person_id], f"请会同办理：{_step(task)}", meets(task))


def handed(task: Task, entry: Entry) -> None:
    """Who takes over a task hears so, and when those meet who do it together if that is agreed."""
    to = [*filter(None, [task.assignee_id])]
    said, people = ("由您牵头会同办理", to) if task.helpers.exists() else ("由您办理", _but(entry, to))
    more = meets(task) or entry.data.get("why", "")
    _tell_of(task.case, f"task/{task.pk}/handed/{entry.pk}", people, f"{said}：{_step(task)}", more)


def taken(task: Task, entry: Entry, had: int | None) -> None:
    """Who had a task hears that somebody else gave it on."""
    if had:
        said = f"已转交{entry.data['to']}办理：{_step(task)}"
        _tell_of(task.case, f"task/{task.pk}/taken/{entry.pk}", _but(entry, [had]), said, entry.data["why"])


def passed_on(task: Task, entry: Entry, people: list[int], had: int | None) -> None:
    """Who may do a task now, which nobody handed over, hears so; and who had it."""
    said, why = f"由您办理：{_step(task)}" if task.assignee_id else f"待岗位人员办理：{_step(task)}", entry.data["why"]
    _tell_of(task.case, f"task/{task.pk}/handed/{entry.pk}", [one for one in people if one != had], said, why)
    taken(task, entry, had)


def untaken(case: Case, held: int, name: str, person: int | None, thrower: Case | None) -> None:
    """A case ended without taking a message that was kept for it: who sent it hears so."""
    end = {"error": "因错误结束", "void": "作废"}.get(case.outcome, "办结")
    _tell_of(case, f"held/{held}", [person] if person else [], f"消息未办理：{name}", f"案件已{end}，未再用到该消息。")
    if thrower is not None:
        unheard(thrower, name, [case])


def unheard(thrower: Case, name: str, ended: Sequence[Case]) -> None:
    """The case that threw a message says which cases did not take it, as they have ended."""
    told = {"name": name, "cases": [one.number for one in ended]}
    Entry.objects.create(case=thrower, at=timezone.now(), kind="unheard", data=told)


def nobody(task: Task, people: list[int]) -> None:
    """Those who may hand a task over hear that nobody else can do it."""
    _tell_of(task.case, f"task/{task.pk}/nobody", people, f"无人可办，请转交：{_step(task)}", "", level="orange")


def urged(task: Task, entry: Entry) -> None:
    """Who has a task is urged, at night too."""
    due = f"期限 {timezone.localtime(task.due_at):%m-%d %H:%M}" if task.due_at else ""
    more = " · ".join(filter(None, [due, entry.data["why"]]))
    _tell_of(task.case, f"urged/{entry.pk}", _but(entry, doers(task)), f"催办：{_step(task)}", more, level="orange")


def wished(task: Task, entry: Entry, people: list[int]) -> None:
    """Those who may decide hear what is asked for."""
    said = f"申请{WISHES[entry.data['what']]}，请审批：{_step(task)}"
    _tell_of(task.case, f"wished/{entry.pk}", _but(entry, people), said, entry.data["why"])


def decided(petition: Petition, entry: Entry) -> None:
    """Who asked hears the answer."""
    word = "已同意" if petition.is_granted else "未同意"
    said = f"{word}{WISHES[petition.kind]}：{_step(petition.task)}"
    _tell_of(petition.task.case, f"decided/{entry.pk}", _but(entry, [petition.asked_by_id]), said, entry.data["why"])


def lapsed(petition: Petition, entry: Entry) -> None:
    """Who asked hears that it is not decided any more; not who answered the task or handed it over."""
    task = petition.task
    if petition.asked_by_id not in {task.done_by_id, entry.person_id}:
        said = f"{WISHES[petition.kind]}的申请不再审批：{_step(task)}"
        why = "任务已转交他人" if task.status == Task.Status.READY else "任务已办结或撤回"
        _tell_of(task.case, f"lapsed/{entry.pk}", [petition.asked_by_id], said, why)


def voided(case: Case, entry: Entry, people: list[int]) -> None:
    """Whoever reported the case, and all whose tasks it takes away, hear that it is void, and why."""
    whom = list(dict.fromkeys([*filter(None, [case.opened_by_id]), *people]))
    _tell_of(case, f"voided/{entry.pk}", _but(entry, whom), "案件已作废，不再办理", f"理由：{entry.data['void']}")


def supplement(task: Task, entry: Entry) -> None:
    """Who opened the case hears what is to be supplied."""
    opened = [task.case.opened_by_id] if task.case.opened_by_id else []
    _tell_of(task.case, f"supplement/{entry.pk}", _but(entry, opened), f"请补正：{_step(task)}", entry.data["why"])


def supplied(task: Task, entry: Entry) -> None:
    """Who has the task hears that its clock runs again."""
    _tell_of(
        task.case, f"supplied/{entry.pk}", _but(entry, doers(task)), f"补正材料已到：{_step(task)}", entry.data["why"]
    )


def supervised(entry: Entry, tasks: list[Task]) -> None:
    """All for whom the case waits hear that it is supervised, why, and until when."""
    until = timezone.localtime(datetime.fromisoformat(entry.data["until"]))
    people = _but(entry, list(dict.fromkeys(who for task in tasks for who in doers(task))))
    said = f"列为督办，须于{until:%m-%d}前办结"
    _tell_of(entry.case, f"supervised/{entry.pk}", people, said, entry.data["why"], level="orange")


def overran(case: Case, entry: Entry, tasks: list[Task]) -> None:
    """Who supervises a case hears that its time is over, and all for whom it waits."""
    people = dict.fromkeys(who for task in tasks for who in doers(task))
    steps = "、".join(dict.fromkeys(map(_step, tasks)))
    until = timezone.localtime(case.supervised_until)
    said, more = f"督办超期，{until:%m-%d %H:%M}前未办结", f"待办：{steps}" if steps else ""
    whom = list(dict.fromkeys([*filter(None, [case.supervised_by_id]), *people]))
    _tell_of(case, f"overran/{entry.pk}", whom, said, more, level="orange")


def _but(entry: Entry, people: list[int]) -> list[int]:
    """All but who did it."""
    return [one for one in people if one != entry.person_id]


def arranged(task: Task, entry: Entry) -> None:
    """All who do a task together hear when they meet, and again when it is moved, as the timeline has it."""
    at = timezone.localtime(datetime.fromisoformat(entry.data["at"]))
    said = f"{_step(task)}{'改到' if entry.data['moved'] else '定于'}{at:%m-%d %H:%M}"
    _tell_of(task.case, f"task/{task.pk}/meets/{entry.pk}", _together(task), said, task.meets_where)


def reminded_at(at: datetime, now: datetime) -> datetime | None:
    """When to remind of a meeting that was agreed now."""
    return next((at - span for span in AHEAD if at - span > now), None)


def remind(number: int) -> None:
    """A meeting is near: those who come hear it again; of one that was moved since, at its own time."""
    task = Task.objects.select_related("case").filter(pk=number, status=Task.Status.READY).first()
    now = timezone.now()
    if task is None or task.meets_at is None or not task.meets_at - AHEAD[0] <= now < task.meets_at:
        return
    said = f"提醒：{timezone.localtime(task.meets_at):%m-%d %H:%M}{_step(task)}"
    key = f"task/{task.pk}/near/{task.meets_at.isoformat()}"
    _tell_of(task.case, key, _together(task), said, task.meets_where)


def _together(task: Task) -> list[int]:
    """Who does a task, and who was asked to do it with them."""
    return list(dict.fromkeys([*filter(None, [task.assignee_id]), *task.helpers.values_list("person", flat=True)]))


def meets(task: Task) -> str:
    """When and where those meet who do a task together, in words; nothing where it is not agreed."""
    if task.meets_at is None:
        return ""
    return f"定于{timezone.localtime(task.meets_at):%m-%d %H:%M} {task.meets_where}".strip()


def missing(case: Case, entry: Entry, people: list[int], to: str) -> None:
    """The window hears that an applicant did not get what was handed over."""
    said = "申请人反映未收到办理结果，请核查"
    _tell_of(case, f"missing/{entry.pk}", people, said, f"登记领取人 {to}", level="orange")


def _tell_of(case: Case, key: str, people: list[int], said: str, more: str, level: str = "") -> None:
    if not people:
        return
    notices.tell(
        case.county_id, key, people, title=f"{case.title}：{said}", text=" · ".join(filter(None, [case.number, more])),
        url=f"/cases/{case.pk}/", origin=case.origin, level=level,
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
