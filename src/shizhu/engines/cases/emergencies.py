"""Emergency responses (应急响应): cases that run on a declared plan; how each task stands against its minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from shizhu.engines.alarms import api as alarms
from shizhu.engines.alarms.api import AlarmInfo
from shizhu.engines.cases import flows, happening
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.assignment import may_do, people_of, posts_of, with_case
from shizhu.engines.cases.logic.emergency import CONFIRM, DECIDE, END, HEARD, LEVELS, NO, ORDER, ORDERED, RAISE
from shizhu.engines.cases.logic.reading import BPMN, read_process, read_root
from shizhu.engines.cases.logic.vendors import attribute, told
from shizhu.engines.cases.models import Case, Entry, Task, Waiting
from shizhu.kernel import packs
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Area, Person
from shizhu.kernel.packs import Body
from shizhu.lib.times import parse_duration

KIND = "emergencies"
JOINED = "joined"  # the entry of an alarm that came while a response ran
LONGEST = 14 * 24 * 60  # minutes of an order
Names = dict[str, str]


def plans(county: str) -> dict[str, Body]:
    """The plans of a county by key."""
    return packs.declarations(KIND, county)


def is_one(flow: str, county: str) -> bool:
    """Whether a flow stands for an emergency plan."""
    return flow in plans(county)


@dataclass(frozen=True)
class Planned:
    """A task of a plan: `minutes` are its own, `minute` counts from the start of its level."""

    step: str
    level: str
    title: Names
    role: str
    minutes: int
    minute: int


@lru_cache(maxsize=64)
def planned(xml: bytes) -> tuple[Planned, ...]:
    """The tasks of a plan as its flow has them: a response is measured by the plan it began with."""
    found = []
    for element in read_process(read_root(xml)).iter(f"{BPMN}userTask"):
        own = told(element)
        if "minute" in own:
            title, role = {"zh": element.get("name"), "en": own["en"]}, attribute(element, "candidateGroups")
            minutes = int(parse_duration(attribute(element, "dueDate")).total_seconds()) // 60
            found.append(Planned(element.get("id"), own["level"], title, role, minutes, int(own["minute"])))
    return tuple(found)


@dataclass(frozen=True)
class Line:
    """A task of a response. Minutes count from its start: when it should have begun and been done, and when it was.

    `state` is `ahead` (its turn has not come), `ready`, `done` or `withdrawn`; `by` who has or did it.
    """

    title: Names
    level: str
    state: str
    by: str
    planned_from: float
    planned_to: float
    began: float | None
    ended: float | None
    is_late: bool
    said: str = ""
    task: int | None = None

    @property
    def off(self) -> float | None:
        """Minutes after the planned one (before it: less than nothing) once it is done."""
        return None if self.ended is None or self.state != "done" else self.ended - self.planned_to


@dataclass(frozen=True)
class Response:
    """How a response stands: the level in force ("" for none yet), its lines, minutes since its start."""

    level: str
    clock: float
    lines: tuple[Line, ...]

    @property
    def done(self) -> int:
        """How many tasks are done."""
        return sum(line.state == "done" for line in self.lines)

    @property
    def late(self) -> list[Line]:
        """Those that wait and are late."""
        return [line for line in self.lines if line.is_late and line.state == "ready"]

    @property
    def in_time(self) -> int:
        """How many were done in time."""
        return sum(line.state == "done" and not line.is_late for line in self.lines)


def level_of(case: Case) -> str:
    """The level in force, "" before one was set."""
    found = case.state["document"].get("response") or ""
    return "" if found in {END, NO} else str(found)


def in_force_since(case: Case) -> datetime | None:
    """Since when the level in force is: it was reached then, or a graver one was left."""
    level = level_of(case)
    if not level:
        return None
    steps = [f"reached_{level}", *(f"left_{one}" for one in LEVELS[LEVELS.index(level) + 1 :])]
    rows = Entry.objects.filter(case=case, kind="passed", step__in=steps).order_by("at", "pk")
    return rows.values_list("at", flat=True).last()


def alarms_of(case: Case) -> list[AlarmInfo]:
    """The alarm that began a response, and those that joined it, in the order in which they came."""
    joined = Entry.objects.filter(case=case, kind=JOINED).order_by("at", "pk").values_list("data__alarm", flat=True)
    return [alarms.get(number) for number in dict.fromkeys([*filter(None, [case.alarm]), *joined])]


def _reached(case: Case) -> dict[str, datetime]:
    """Level → when it was reached last."""
    steps = {f"reached_{level}": level for level in LEVELS}
    entries = Entry.objects.filter(case=case, kind="passed", step__in=steps).order_by("at", "pk")
    return {steps[entry.step]: entry.at for entry in entries}


def response(case: Case, now: datetime | None = None) -> Response:
    """How a response stands at a moment, or stood when it ended."""
    at = case.closed_at or now or timezone.now()
    flow, _about = flows.version(case.flow, case.digest)
    tasks: dict[str, Task] = {}
    orders: list[Task] = []
    for task in Task.objects.filter(case=case).select_related("assignee", "done_by").order_by("created", "pk"):
        if task.step == ORDER:
            orders.append(task)
        else:
            tasks[task.step] = task
    reached = _reached(case)
    lines = [
        _line(case, one, reached[one.level], tasks.get(one.step), at)
        for one in planned(flow.xml)
        if one.level in reached
    ]
    lines.sort(key=lambda line: (line.planned_to, line.planned_from))
    return Response(level_of(case), _since(case, at), (*lines, *(_order(case, task, at) for task in orders)))


def _since(case: Case, moment: datetime) -> float:
    return (moment - case.opened_at).total_seconds() / 60


def _line(case: Case, one: Planned, reached: datetime, task: Task | None, at: datetime) -> Line:
    begin = _since(case, reached)
    due = begin + one.minute
    if task is not None and task.created < reached:
        task = None  # of the time before, when the level was in force already
    if task is None:
        is_over = case.status == Case.Status.CLOSED
        state = "withdrawn" if is_over else "ahead"
        return Line(one.title, one.level, state, "", due - one.minutes, due, None, None, is_late=_since(case, at) > due)
    return Line(
        one.title, one.level, task.status, _by(task), due - one.minutes, due, _since(case, task.created),
        _since(case, task.done_at) if task.done_at else None, is_late=_since(case, task.done_at or at) > due,
        said=str((task.answer or {}).get("said", "")), task=task.pk,
    )  # fmt: skip


def _order(case: Case, task: Task, at: datetime) -> Line:
    item = task.item or {}
    began = _since(case, task.created)
    due = began + float(item.get("minutes", 0))
    name = str(item.get("text", ""))
    return Line(
        {"zh": name, "en": name}, "", task.status, _by(task), began, due, began,
        _since(case, task.done_at) if task.done_at else None, is_late=_since(case, task.done_at or at) > due,
        said=str((task.answer or {}).get("said", "")), task=task.pk,
    )  # fmt: skip


def _by(task: Task) -> str:
    person = task.done_by or task.assignee
    return person.name if person else ""


def command_task(who: Actor, case: Case) -> Task | None:
    """The standing task that sets the level, while the response runs, for whoever may set it and give orders."""
    found = Task.objects.filter(case=case, step=DECIDE, status=Task.Status.READY).select_related("organisation").first()
    return found if found is not None and may_do(who, with_case(found, case)) else None


@transaction.atomic
def order(who: Actor, case_id: int, to: Person, text: str, minutes: int) -> None:
    """Order somebody with a post in the county to do something, within minutes. Raises CannotNow, PermissionDenied."""
    case = Case.objects.select_for_update(of=("self",)).select_related("organisation", "area").get(pk=case_id)
    if case.status != Case.Status.OPEN:
        raise CannotNow(_("The case is closed."))
    if command_task(who, case) is None:
        raise PermissionDenied(f"{who.name or 'nobody'} does not command {case}")
    if not text.strip() or not 1 <= minutes <= LONGEST:
        raise CannotNow(_("Say what is to be done, and within how many minutes."))
    if not people_of(case.county_id).filter(pk=to.pk).exists():
        raise CannotNow(_("%s holds no post that does this here.") % to.name)
    due = timezone.now() + timedelta(minutes=minutes)
    given = {"text": text.strip(), "person": to.username, "to": to.name, "minutes": minutes, "due": due.isoformat()}
    waiting = Waiting.objects.get(case=case, event=ORDERED)
    happening.happened(waiting.pk, given, by=who.person_id)


def missing(county: str, key: str) -> list[Planned]:
    """Tasks of a plan that nobody of the county could be given now: their role has no holder."""
    flow, _about = flows.current(key, county)
    tasks = planned(flow.xml)
    is_held = {role: posts_of(county, role).exists() for role in {one.role for one in tasks}}
    return [one for one in tasks if not is_held[one.role]]


def runs(flow: str, info: AlarmInfo) -> Case | None:
    """The response of a plan that runs, locked; a drill is none, and what is simulated joins no real one."""
    rows = Case.objects.select_for_update(of=("self",)).filter(
        county=info.county, flow=flow, status=Case.Status.OPEN, origin=info.origin
    )
    return rows.order_by("pk").first()


def of_alarm(alarm: int) -> Case | None:
    """The response that runs and that an alarm began or joined, locked."""
    joined = Entry.objects.filter(kind=JOINED, data__alarm=alarm).values("case")
    rows = Case.objects.select_for_update(of=("self",)).filter(Q(alarm=alarm) | Q(pk__in=joined))
    case = rows.filter(status=Case.Status.OPEN).order_by("pk").first()
    return case if case is not None and is_one(case.flow, case.county_id) else None


def join(case: Case, info: AlarmInfo) -> None:
    """Say on the timeline that an alarm belongs to the response, once, and propose its level."""
    if joined(case, info):
        propose(case, info)


def joined(case: Case, info: AlarmInfo) -> bool:
    """Say so on the timeline of a case; whether it was not said before."""
    if Entry.objects.filter(case=case, kind=JOINED, data__alarm=info.id).exists():
        return False
    area = Area.objects.get(pk=info.area)
    told = {"alarm": info.id, "to": area.name, "why": info.title["zh"]}
    Entry.objects.create(case=case, at=timezone.now(), kind=JOINED, data=told)
    return True


def propose(case: Case, info: AlarmInfo) -> None:
    """Ask whoever settles it for a graver level than is in force; what is asked already is asked for the gravest."""
    body = plans(case.county_id)[case.flow]
    level = body.get("alarms", {}).get(info.level)
    if level is None or "confirm" not in body or HEARD not in flows.version(case.flow, case.digest)[0].step:
        return
    document = case.state["document"]
    is_asked = Task.objects.filter(case=case, step__in=[CONFIRM, RAISE], status=Task.Status.READY).exists()
    known = [one for one in (level_of(case), document.get("proposed") if is_asked else None) if one]
    if any(LEVELS.index(one) >= LEVELS.index(level) for one in known):
        return
    document["proposed"] = level
    case.save(update_fields=["state"])
    if not is_asked:
        happening.happened(Waiting.objects.get(case=case, event=HEARD).pk, {"alarm": info.id, "level": level})
