"""What the search of all things finds in the plan: indicators, tasks, and nodes that one may see."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.db.models import Prefetch
from django.urls import reverse

from shizhu.engines.plan.http.clauses import visible_nodes
from shizhu.engines.plan.http.views import VIEW
from shizhu.engines.plan.models import Clause, Indicator, Node, Task
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label
from shizhu.web import search
from shizhu.web.search import Asked, Group, Hit


def find(who: Actor, county: str, asked: Asked) -> Sequence[Group]:
    """Indicators and tasks whose name or number says it, for who may see the plan; nodes for who answers for them."""
    found = []
    if who.has(VIEW):
        indicators = Indicator.objects.filter(plan__county=county).select_related("plan")
        tasks = Task.objects.filter(plan__county=county).select_related("plan")
        tasks = tasks.prefetch_related(Prefetch("clauses", Clause.objects.order_by("pk")))
        title = label({"zh": "规划指标", "en": "Indicators"})
        found.append(
            search.group("indicators", title, "target", indicators, ("name", "no"), asked, _indicator, area="")
        )
        title = label({"zh": "规划任务", "en": "Tasks of the plan"})
        fields = ("name", "no", "content", "category")
        found.append(search.group("plan-tasks", title, "list", tasks, fields, asked, partial(_task, asked), area=""))
    if who.has("plan.node.view"):
        title = label({"zh": "督查节点", "en": "Nodes"})
        found.append(search.group("nodes", title, "eye", visible_nodes(who, county), ("title",), asked, _node))
    return found


def _indicator(row: Indicator) -> Hit:
    return Hit(reverse("plan:indicator", args=[row.pk]), row.name, beside=tuple(filter(None, (row.no, row.plan.title))))


def _task(asked: Asked, row: Task) -> Hit:
    clause = next(iter(row.clauses.all()), None)
    url = reverse("plan:clause", args=[clause.pk]) if clause else f"{reverse('plan:tasks')}?plan={row.plan.code}"
    beside = tuple(filter(None, (row.no, row.category, *row.owners[:2])))
    return Hit(url, row.name, search.around(row.content, asked.words), beside)


def _node(row: Node) -> Hit:
    beside = (row.organisation.name, f"{row.due_on:%Y-%m-%d}")
    return Hit(reverse("plan:node", args=[row.pk]), row.title, beside=beside, is_simulated=row.is_simulated)
