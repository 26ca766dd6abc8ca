"""The plan as a dataset: `from: plan`, `of: indicators` (with their lights) or `of: tasks`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from shizhu.engines.plan import computing, flows
from shizhu.engines.plan.logic.progress import rank
from shizhu.engines.plan.models import Indicator, Task
from shizhu.kernel import datasets
from shizhu.kernel.datasets import Asked, Column, Names, Offer, Result, Row
from shizhu.kernel.packs import Body, LoadedPacks

VIEW = "plan.plan.view"
SOURCE: Names = {"zh": "规划", "en": "The plan"}
LIGHTS: Mapping[str, Names] = {
    "green": {"zh": "达到进度", "en": "On the way"},
    "yellow": {"zh": "接近", "en": "Nearly"},
    "red": {"zh": "滞后", "en": "Behind"},
    "none": {"zh": "未判断", "en": "Not judged"},
}
COUNT = Column("value", {"zh": "数量", "en": "Number"}, "number")


def give(asked: Asked) -> Result:
    """The answer. Indicators stand as they are known now, whatever moment is asked about."""
    return _tasks(asked) if asked.body.get("of") == "tasks" else _indicators(asked)


def _tasks(asked: Asked) -> Result:
    rows: QuerySet[Task] = Task.objects.filter(plan__county_id=asked.county).select_related("plan")
    if "rows" not in asked.body:
        total = rows.count()
        return Result((COUNT,), (Row((total,), (), "/plan/tasks/"),), SOURCE, total=total, href="/plan/tasks/")
    shown = (Column("name", {"zh": "任务", "en": "Task"}), Column("owners", {"zh": "责任单位", "en": "Owners"}))
    made = [Row((task.name, "、".join(task.owners)), (task.key,), "/plan/tasks/") for task in rows]
    return Result(shown, tuple(made[: asked.body.get("top", 20)]), SOURCE, total=len(made), href="/plan/tasks/")


def _indicators(asked: Asked) -> Result:
    indicators = list(Indicator.objects.filter(plan__county_id=asked.county).select_related("plan"))
    today = timezone.localdate(asked.at)
    values = computing.judging(indicators, computing.newest(indicators), today)
    years = flows.years_so_far(indicators, today)
    stands = {
        item.pk: flows.by_time(item, years.get(item.pk), computing.standing(item, values.get(item.pk), today))
        for item in indicators
    }
    wanted = asked.body.get("light")
    chosen = [item for item in indicators if wanted in {None, stands[item.pk].light}]
    own = [values[item.pk] for item in chosen if item.pk in values]
    facts: dict[str, Any] = {
        "source": SOURCE, "newest": max((value.known_at for value in own), default=None), "total": len(chosen),
        "simulated": sum(value.is_simulated for value in own),
        "href": f"/plan/?light={wanted}" if wanted else "/plan/",
    }  # fmt: skip
    if asked.body.get("by") == ["light"]:
        counts = {light: sum(stands[item.pk].light == light for item in chosen) for light in LIGHTS}
        rows = [Row((LIGHTS[key], n), (key,), f"/plan/?light={key}") for key, n in counts.items()]
        return Result((Column("light", {"zh": "亮灯", "en": "Light"}, "level"), COUNT), tuple(rows), **facts)
    if "rows" not in asked.body:
        return Result((COUNT,), (Row((len(chosen),), (), facts["href"]),), **facts)
    chosen.sort(key=lambda item: (rank(stands[item.pk].light), item.order))
    rows = []
    for item in chosen[: asked.body.get("top", 20)]:
        value, stand = values.get(item.pk), stands[item.pk]
        done = None if stand.done is None else round(100 * stand.done, 1)
        light = stand.light
        cells = (item.name, value.value if value else None, item.unit, item.target_value, done, light)
        keys = (light, value.period if value else "")
        rows.append(Row(cells, keys, f"/plan/indicators/{item.pk}/", bool(value and value.is_simulated)))
    columns = (
        Column("name", {"zh": "指标", "en": "Indicator"}), Column("value", {"zh": "现值", "en": "Now"}, "number"),
        Column("unit", {"zh": "单位", "en": "Unit"}), Column("target", {"zh": "目标", "en": "Target"}, "number"),
        Column("done", {"zh": "完成", "en": "Done"}, "number", "%"),
        Column("light", {"zh": "亮灯", "en": "Light"}, "level"),
    )  # fmt: skip
    return Result(columns, tuple(rows), **facts)


def check(body: Body, _everything: LoadedPacks) -> Iterator[str]:
    """The plan has indicators and tasks, put together by light alone."""
    if body.get("of", "indicators") not in {"indicators", "tasks"}:
        yield f"of: {body['of']}: the plan has indicators and tasks"
    if body.get("by", ["light"]) != ["light"]:
        yield f"by: {body['by']}: indicators are put together by light alone"
    if body.get("light", "red") not in LIGHTS:
        yield f"light: {body['light']}: there are {', '.join(LIGHTS)}"


def offers(_county: str) -> Iterator[Offer]:
    """Indicators with their lights, and tasks."""
    light = Column("light", {"zh": "亮灯", "en": "Light"}, "level")
    yield Offer({"from": "plan", "of": "indicators"}, {"zh": "规划指标", "en": "Indicators"}, (light,))
    yield Offer({"from": "plan", "of": "tasks"}, {"zh": "规划任务", "en": "Tasks of the plan"})


def register() -> None:
    """Called once by the application."""
    datasets.add(datasets.Dataset("plan", give, lambda _body: VIEW, check, offers))
