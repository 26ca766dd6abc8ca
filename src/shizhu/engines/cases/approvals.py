"""Parallel approvals (并联审批): what is on the critical path, who holds it, and when all is likely over."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from django.utils import timezone

from shizhu.engines.cases import flows
from shizhu.engines.cases.assignment import posts_of
from shizhu.engines.cases.logic import approval, critical
from shizhu.engines.cases.logic.critical import Ahead, Work
from shizhu.engines.cases.logic.reading import BPMN, read_process, read_root
from shizhu.engines.cases.logic.vendors import attribute, told
from shizhu.engines.cases.models import Case, Task
from shizhu.kernel import packs
from shizhu.kernel.models import Organisation
from shizhu.kernel.packs import Body
from shizhu.kernel.text import label
from shizhu.lib import feel, worktime
from shizhu.lib.worktime import Hours

KIND = "approvals"
PAST = 200  # tasks of the past looked at for an item
Past = dict[str, list[tuple[int, float]]]


def declared(county: str) -> dict[str, Body]:
    """The approvals of a county by key."""
    return packs.declarations(KIND, county)


def is_one(flow: str, county: str) -> bool:
    """Whether a flow stands for a parallel approval."""
    return flow in declared(county)


@dataclass(frozen=True)
class Item:
    """An item as its flow has it: `days` are working days, `after` the items it needs, `paper` what granting gives.

    `organisation` is the code of the body that decides, "" for that of the case; `when` a condition in FEEL on the
    application, without which it is left out, and `only` that condition in words.
    """

    id: str
    title: Mapping[str, str]
    role: str
    days: int
    after: tuple[str, ...]
    paper: Mapping[str, str] | None = None
    organisation: str = ""
    when: str = ""
    only: Mapping[str, str] | None = None


@lru_cache(maxsize=64)
def items(xml: bytes) -> tuple[Item, ...]:
    """The items of an approval, in their order."""
    found = []
    for element in read_process(read_root(xml)).iter(f"{BPMN}userTask"):
        own = told(element)
        title, role = {"zh": element.get("name"), "en": own["en"]}, attribute(element, "candidateGroups")
        after = tuple(filter(None, own.get("after", "").split(",")))
        found.append(Item(
            element.get("id"), title, role, int(own["days"]), after, _names(own, "paper"), own.get("organisation", ""),
            own.get("when", ""), _names(own, "when"),
        ))  # fmt: skip
    return tuple(found)


def _names(own: Mapping[str, str], what: str) -> Mapping[str, str] | None:
    """Names that an item has in both languages; a version kept from before has those of its paper as `zh/en`."""
    if f"{what}_zh" in own:
        return {"zh": own[f"{what}_zh"], "en": own[f"{what}_en"]}
    zh, sign, en = own.get(what, "").partition("/")
    return {"zh": zh, "en": en} if sign else None


def items_of(case: Case) -> tuple[Item, ...]:
    """The items of a case; none of one that is no approval."""
    return items(flows.version(case.flow, case.digest)[0].xml) if is_one(case.flow, case.county_id) else ()


def left_out(case: Case) -> set[str]:
    """The items that a case needs not, by what its application says."""
    document = case.state["document"]
    return {item.id for item in items_of(case) if item.when and feel.evaluate(item.when, document) is False}


def only_where(item: Item) -> str:
    """The condition of an item in words; "" of one that is always needed."""
    return label(approval.only(item.only)) if item.only else ""


def bodies(case: Case) -> dict[str, Organisation]:
    """Item → the body that decides on it."""
    every = items_of(case)
    rows = Organisation.objects.filter(county=case.county_id, code__in={item.organisation for item in every} - {""})
    found = {row.code: row for row in rows}
    return {item.id: found.get(item.organisation, case.organisation) for item in every}


def days(span: timedelta, hours: Hours) -> float:
    """Working time as working days."""
    return span / hours.day


def ran(task: Task, at: datetime, hours: Hours, paused: datetime | None = None) -> float:
    """How many working days a task has run, or took; what its clock stood is left out, with that of a `paused` case."""
    end = task.done_at or _stands(task, paused) or at
    return days(worktime.worked(task.created, max(end, task.created), hours) - task.rested, hours)


def _stands(task: Task, paused: datetime | None) -> datetime | None:
    """Since when the clock of a task stands, by its own pause or that of its case."""
    return min(filter(None, (task.paused_at, paused)), default=None)


def past(county: str, flow: str) -> Past:
    """Item → (case, working days that it took there), the newest first."""
    found: Past = {}
    hours = flows.hours_of(county)
    rows = Task.objects.filter(case__county=county, case__flow=flow, status=Task.Status.DONE)
    for task in rows.order_by("-done_at"):
        mine = found.setdefault(task.step, [])
        if len(mine) <= PAST:  # one of them may be of the case that is asked about
            mine.append((task.case_id, ran(task, task.created, hours)))
    return found


@dataclass(frozen=True)
class Line:
    """An item of a case: `state` ahead, ready, awaited (supplements), done, left_out; on the critical path or not.

    `light` of one whose clock runs: red late, yellow within a working day of its deadline, green else.
    """

    item: Item
    state: str
    task: Task | None
    is_critical: bool
    ran: float | None
    light: str = ""


@dataclass(frozen=True)
class Standing:
    """How an approval stands: lines, days left by what is allowed, when it is likely over (early, middle, late).

    `taken`: working days that its items ran along the longest way, without what waited for supplements.
    """

    lines: tuple[Line, ...]
    path: tuple[str, ...]
    serial: int
    parallel: float
    left: float
    likely: tuple[datetime, datetime, datetime] | None
    taken: float

    @property
    def holding(self) -> list[Line]:
        """Who holds the critical path now."""
        return [line for line in self.lines if line.is_critical and line.state in {"ready", "awaited"}]


def longest(body_items: tuple[Item, ...], without: Collection[str] = ()) -> float:
    """Working days of the longest way through, if every item takes all it may, but those left out."""
    works = {item.id: Work(item.after, 0.0 if item.id in without else float(item.days)) for item in body_items}
    return max(critical.ends(works).values(), default=0.0)


def standing(case: Case, now: datetime | None = None, known: Past | None = None) -> Standing:
    """How a case stands at a moment; `known` is the past of its flow, where it is at hand."""
    at = now or timezone.now()
    flow, _told = flows.version(case.flow, case.digest)
    every, hours, spared = items(flow.xml), flows.hours_of(case.county_id), left_out(case)
    rows = Task.objects.filter(case=case).select_related("assignee", "done_by", "organisation").order_by("pk")
    tasks = {task.step: task for task in rows}
    known = past(case.county_id, case.flow) if known is None else known
    history = {id_: [took for of, took in mine if of != case.pk][:PAST] for id_, mine in known.items()}
    took = {id_: ran(task, at, hours, case.paused_at) for id_, task in tasks.items()}
    is_open = case.status == Case.Status.OPEN
    done = {id_ for id_, task in tasks.items() if task.status == Task.Status.DONE} | spared
    works = {
        item.id: Work(
            item.after, 0.0 if item.id in done else _allowed(item, tasks.get(item.id), at, hours, case.paused_at)
        )
        for item in every
    }
    way = critical.path(works) if is_open else []
    lines = tuple(
        Line(
            item, "left_out" if item.id in spared else _state(task, is_open=is_open), task, item.id in way,
            took.get(item.id), _light(task, at, hours, case.paused_at),
        )
        for item in every
        for task in [tasks.get(item.id)]
    )  # fmt: skip
    ahead = {
        item.id: Ahead(item.after, history.get(item.id, ()), item.days, took.get(item.id), item.id in done)
        for item in every
    }
    return Standing(
        lines, tuple(way), sum(item.days for item in every if item.id not in spared), longest(every, spared),
        max(critical.ends(works).values(), default=0.0), _likely(ahead, case, at, hours) if is_open else None,
        max(critical.ends({item.id: Work(item.after, took.get(item.id, 0.0)) for item in every}).values(), default=0.0),
    )  # fmt: skip


def _light(task: Task | None, at: datetime, hours: Hours, paused: datetime | None) -> str:
    if task is None or task.due_at is None or task.status != Task.Status.READY or _stands(task, paused):
        return ""
    if at > task.due_at:
        return "red"
    return "yellow" if days(worktime.worked(at, task.due_at, hours), hours) <= 1 else "green"


def _allowed(item: Item, task: Task | None, at: datetime, hours: Hours, paused: datetime | None) -> float:
    """Working days that an item may still take; one that is late is counted as a tenth of a day."""
    if task is None or task.due_at is None:
        return float(item.days)
    clock = max(_stands(task, paused) or at, task.created)
    return max(days(worktime.worked(clock, task.due_at, hours), hours), 0.1)


def _state(task: Task | None, *, is_open: bool) -> str:
    if task is None:
        return "ahead" if is_open else "withdrawn"
    if task.status == Task.Status.READY and task.paused_at is not None:
        return "awaited"
    return str(task.status)


def _likely(ahead: Mapping[str, Ahead], case: Case, at: datetime, hours: Hours) -> tuple[datetime, datetime, datetime]:
    early, middle, late = (
        worktime.forward(at, hours.day * found, hours) if found else at for found in critical.outlook(ahead, case.pk)
    )
    return early, middle, late


def unmanned(county: str, every: Iterable[Item], owner: str) -> Iterator[tuple[Item, str, Organisation | None]]:
    """(item, role, its body) that nobody can do now: no body of that code is there, or nobody holds the role in it."""
    known = {row.code: row for row in Organisation.objects.filter(county=county)}
    for item in every:
        body = known.get(item.organisation or owner or county)
        posts = posts_of(county, item.role).values_list("organisation__path", flat=True)
        if body is None or not any(body.path.startswith(path) for path in posts):
            yield item, item.role, body


def rows(county: str) -> list[dict[str, Any]]:
    """The approvals of a county: how many days one after the other, and side by side."""
    found = []
    for key, body in declared(county).items():
        flow, _told = flows.current(key, county)
        every = items(flow.xml)
        serial = sum(item.days for item in every)
        lacking = list(unmanned(county, every, body.get("owner", "")))
        row = {"key": key, "body": body, "serial": serial, "parallel": round(longest(every)), "items": len(every)}
        row["depends"] = sum(bool(item.when) for item in every)
        found.append({**row, "unmanned": lacking})
    return found
