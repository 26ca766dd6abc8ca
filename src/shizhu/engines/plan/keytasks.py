"""Key tasks (重点任务): what they cost and who pays, where they are done, and what endangers them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy

from shizhu.engines.maps import api as maps
from shizhu.engines.plan.datasets import VIEW
from shizhu.engines.plan.models import Budget, Node, Plan, Risk, Task
from shizhu.kernel.access import Actor
from shizhu.kernel.models import Person

LEVELS = {Risk.Level.HIGH: "red", Risk.Level.MEDIUM: "orange", Risk.Level.LOW: "yellow"}  # and how each is coloured
LEVEL_NAMES = {
    Risk.Level.HIGH: gettext_lazy("high risk"), Risk.Level.MEDIUM: gettext_lazy("medium risk"),
    Risk.Level.LOW: gettext_lazy("low risk"),
}  # fmt: skip


@dataclass(frozen=True)
class Money:
    """Sums in 10,000 yuan. `is_told`: somebody has told what was spent; `is_simulated`: some of it is invented."""

    planned: float
    spent: float
    is_told: bool
    is_simulated: bool

    @property
    def share(self) -> float | None:
        """Spent of what is planned, %; None where nothing is planned or nobody has told."""
        return 100 * self.spent / self.planned if self.planned and self.is_told else None


@dataclass(frozen=True)
class Work:
    """What the work on the tasks of a plan has to say: nodes that are overdue, open risks, money."""

    plan: Plan
    red_nodes: Sequence[Node]
    risks: Sequence[Risk]
    money: Money

    @property
    def has_any(self) -> bool:
        """Whether it says anything."""
        return bool(self.red_nodes or self.risks or self.money.planned)

    @property
    def has_simulated_nodes(self) -> bool:
        """Whether some of the overdue nodes are simulated."""
        return any(node.is_simulated for node in self.red_nodes)

    @property
    def has_simulated_risks(self) -> bool:
        """Whether some of the open risks are."""
        return any(risk.is_simulated for risk in self.risks)


def money(budgets: Iterable[Budget]) -> Money:
    """The sums of budgets."""
    rows = list(budgets)
    told = [one.spent for one in rows if one.spent is not None]
    return Money(sum(one.planned for one in rows), sum(told), bool(told), any(one.is_simulated for one in rows))


def keep_budget(task: Task, year: int, fund: str, planned: float, spent: float | None, by: Person) -> None:
    """Keep the money of a year and fund as a person says it."""
    told = {"planned": planned, "spent": spent, "person": by, "is_simulated": False}
    Budget.objects.update_or_create(task=task, year=year, fund=fund, defaults=told)


def colour(risk: Risk) -> str:
    """The colour of its level."""
    return LEVELS[Risk.Level(risk.level)]


def level_name(risk: Risk) -> str:
    """The level in words."""
    return str(LEVEL_NAMES[Risk.Level(risk.level)])


def open_risks(plan: Plan, at: datetime | None = None) -> list[Risk]:
    """The risks of a plan's tasks that are open, or were at a moment, the gravest first."""
    rows = Risk.objects.filter(task__plan=plan)
    if at is None:
        return gravest_first(rows.filter(closed_at=None))
    return gravest_first(rows.filter(Q(closed_at=None) | Q(closed_at__gte=at), opened_at__lt=at))


def gravest_first(rows: QuerySet[Risk]) -> list[Risk]:
    """Open ones before closed ones, the gravest first."""
    order = list(LEVELS)
    found = rows.select_related("task", "organisation", "opened_by", "closed_by")
    return sorted(found, key=lambda one: (one.closed_at is not None, order.index(one.level), one.task.order, one.pk))  # type: ignore[arg-type]


def close(risk: Risk, outcome: str, by: Person) -> bool:
    """Close a risk and say why; False where it is closed already."""
    is_open = Risk.objects.filter(pk=risk.pk, closed_at=None)
    return bool(is_open.update(closed_at=timezone.now(), closed_by=by, outcome=outcome[:500]))


def features(who: Actor, county: str, _layer: maps.Layer, _asked: maps.Asked) -> list[maps.Feature]:
    """Tasks that have a place; whoever may see the plan may see all of its tasks."""
    if not who.within(county).has(VIEW):
        return []
    rows = Task.objects.filter(plan__county_id=county, longitude__isnull=False).select_related("plan")
    return [
        maps.Feature(
            f"task-{task.pk}", {"type": "Point", "coordinates": [task.longitude, task.latitude]},
            {
                "name": task.name, "where": task.no, "text": "、".join(task.owners), "time": None, "origin": 0,
                "source": task.plan.title, "url": f"/plan/tasks/{task.pk}/",
            },
        )
        for task in rows
    ]  # fmt: skip


def register() -> None:
    """Called once by the application."""
    maps.source("tasks", features, verb=VIEW, group={"zh": "规划任务", "en": "Tasks of the plan"})
