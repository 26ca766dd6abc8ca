"""Tasks over the years as bars (甘特图), what waits for what, and where today is. Sizes are SVG units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction

from shizhu.engines.plan.models import Dependency, Node, Plan, Task
from shizhu.kernel.models import Person

NAMES, YEAR, YEARS, ROW, HEAD = 330, 150, 750, 34, 30


@dataclass(frozen=True)
class Cell:
    """A year of a task's bar with the light of its pieces ("" for none)."""

    x: float
    width: float
    light: str


@dataclass(frozen=True)
class Mark:
    """A node of a task on its day."""

    node: Node
    x: float


@dataclass(frozen=True)
class Bar:
    """A task with its place; `first` and `last` are years."""

    task: Task
    y: float
    x: float
    width: float
    first: int
    last: int
    cells: list[Cell]
    waits_for: list[Dependency]
    marks: list[Mark]

    @property
    def middle(self) -> float:
        """Where its words stand."""
        return self.y + ROW / 2

    @property
    def short(self) -> str:
        """Its name as far as there is room."""
        name = f"{self.task.no} {self.task.name}".strip()
        return name if len(name) <= 20 else f"{name[:19]}…"


@dataclass(frozen=True)
class Arrow:
    """From the end of one bar to the beginning of another; `is_tight` where the other begins before the one ends."""

    way: str
    is_tight: bool


@dataclass(frozen=True)
class Timeline:
    """The whole picture."""

    bars: list[Bar]
    arrows: list[Arrow]
    years: list[tuple[int, float, float]]  # each with its beginning and its middle
    today: float | None
    width: float
    height: float


class Circle(ValueError):
    """A task would wait for itself."""


@transaction.atomic
def wait(before: Task, after: Task, by: Person) -> bool:
    """One task waits for another; False where it does already. Raises Circle."""
    Plan.objects.select_for_update().get(pk=after.plan_id)  # two who set one at once would make a circle
    check(list(Dependency.objects.filter(after__plan=after.plan_id)), before.pk, after.pk)
    return Dependency.objects.get_or_create(before=before, after=after, defaults={"person": by})[1]


def timeline(
    tasks: Sequence[Task],
    dependencies: Sequence[Dependency],
    today: date,
    lights: Mapping[tuple[int, int], str],
    nodes: Mapping[int, Sequence[Node]],
) -> Timeline:
    """Bars of the tasks that have years. `lights` are by (task, year), nodes to be marked by task."""
    dated = [(task, *span) for task in tasks if (span := task.years)]
    due = [node.due_on.year for task, _begins, _ends in dated for node in nodes.get(task.pk, ())]
    first = min((*due, *(begins for _task, begins, _ends in dated)), default=today.year)
    last = max((*due, *(ends for _task, _begins, ends in dated)), default=today.year)
    wide = max(YEAR, YEARS / (last + 1 - first))

    def x(year: float) -> float:
        return NAMES + wide * (year - first)

    waits = defaultdict(list)
    for one in dependencies:
        waits[one.after_id].append(one)
    bars = []
    for number, (task, begins, ends) in enumerate(dated):
        cells = [Cell(x(year), wide, lights.get((task.pk, year), "")) for year in range(begins, ends + 1)]
        marks = [Mark(node, x(node.due_on.year + _of_year(node.due_on))) for node in nodes.get(task.pk, ())]
        width = wide * (ends + 1 - begins)
        bars.append(Bar(task, HEAD + ROW * number, x(begins), width, begins, ends, cells, waits[task.pk], marks))
    place = {bar.task.pk: bar for bar in bars}
    arrows = [
        _arrow(place[one.before_id], place[one.after_id])
        for one in dependencies
        if one.before_id in place and one.after_id in place
    ]
    now = x(today.year + _of_year(today)) if first <= today.year <= last else None
    years = [(year, x(year), x(year + 0.5)) for year in range(first, last + 1)]
    return Timeline(bars, arrows, years, now, x(last + 1) + 20, HEAD + ROW * len(bars) + 10)


def _of_year(day: date) -> float:
    """How much of its year is over on a day."""
    return (day - date(day.year, 1, 1)).days / 366


def _arrow(before: Bar, after: Bar) -> Arrow:
    """A way around the right of the first bar into the left of the other."""
    start, end = before.x + before.width, after.x
    out, across = start + 8, after.y if after.y > before.y else after.y + ROW
    way = f"M{start} {before.middle}H{out}V{across}H{end - 10}V{after.middle}H{end}"
    return Arrow(way, after.first <= before.last)


def check(dependencies: Sequence[Dependency], before: int, after: int) -> None:
    """Raise Circle where the first would then wait for the other, however far around."""
    following = defaultdict(set)
    for one in dependencies:
        following[one.before_id].add(one.after_id)
    todo, seen = [after], set[int]()
    while todo:
        at = todo.pop()
        if at == before:
            raise Circle
        if at not in seen:
            seen.add(at)
            todo += following[at]
