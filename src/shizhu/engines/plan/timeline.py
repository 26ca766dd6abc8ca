"""Tasks over the years as bars (甘特图), what waits for what, and where today is. Sizes are SVG units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import ceil

from django.db import transaction

from shizhu.engines.plan.models import Dependency, Node, Plan, Task
from shizhu.kernel.models import Person

HEAD, THICK, FOOT = 30, 22, 24  # the line of the years, a bar, the line of today
YEAR_NAME = 40  # a year's name needs so much


@dataclass(frozen=True)
class Form:
    """How it is laid out: room for names before the bars, at least `year` for a year and `years` for all, rows with
    the line of the name and the bar below their top, and how many letters a name has."""

    names: float
    year: float
    years: float
    row: float
    name: float
    bar: float
    letters: int


WIDE = Form(names=330, year=150, years=750, row=34, name=22, bar=6, letters=20)
NARROW = Form(names=8, year=0, years=324, row=52, name=17, bar=24, letters=22)  # a phone: names above their bars


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
    """A task with its place, `y` being the top of the bar; `first` and `last` are years."""

    task: Task
    form: Form
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
        """Half way down the bar."""
        return self.y + THICK / 2

    @property
    def top(self) -> float:
        """Where its row begins."""
        return self.y - self.form.bar

    @property
    def words(self) -> float:
        """The line its name stands on."""
        return self.top + self.form.name

    @property
    def short(self) -> str:
        """Its name as far as there is room."""
        name = f"{self.task.no} {self.task.name}".strip()
        most = self.form.letters
        return name if len(name) <= most else f"{name[: most - 1]}…"


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

    @property
    def foot(self) -> float:
        """Where the rows end."""
        return self.height - FOOT


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
    form: Form = WIDE,
) -> Timeline:
    """Bars of the tasks that have years. `lights` are by (task, year), nodes to be marked by task."""
    dated = [(task, *span) for task in tasks if (span := task.years)]
    due = [node.due_on.year for task, _begins, _ends in dated for node in nodes.get(task.pk, ())]
    first = min((*due, *(begins for _task, begins, _ends in dated)), default=today.year)
    last = max((*due, *(ends for _task, _begins, ends in dated)), default=today.year)
    wide = max(form.year, form.years / (last + 1 - first))

    def x(year: float) -> float:
        return form.names + wide * (year - first)

    waits = defaultdict(list)
    for one in dependencies:
        waits[one.after_id].append(one)
    bars = []
    for number, (task, begins, ends) in enumerate(dated):
        cells = [Cell(x(year), wide, lights.get((task.pk, year), "")) for year in range(begins, ends + 1)]
        marks = [Mark(node, x(node.due_on.year + _of_year(node.due_on))) for node in nodes.get(task.pk, ())]
        width = wide * (ends + 1 - begins)
        y = HEAD + form.row * number + form.bar
        bars.append(Bar(task, form, y, x(begins), width, begins, ends, cells, waits[task.pk], marks))
    place = {bar.task.pk: bar for bar in bars}
    arrows = [
        _arrow(place[one.before_id], place[one.after_id])
        for one in dependencies
        if one.before_id in place and one.after_id in place
    ]
    now = x(today.year + _of_year(today)) if first <= today.year <= last else None
    years = [(year, x(year), x(year + 0.5)) for year in range(first, last + 1, ceil(YEAR_NAME / wide))]
    return Timeline(bars, arrows, years, now, x(last + 1) + 20, HEAD + form.row * len(bars) + FOOT)


def _of_year(day: date) -> float:
    """How much of its year is over on a day."""
    return (day - date(day.year, 1, 1)).days / 366


def _arrow(before: Bar, after: Bar) -> Arrow:
    """A way around the right of the first bar into the left of the other."""
    start, end = before.x + before.width, after.x
    out, across = start + 8, after.top if after.y > before.y else after.top + after.form.row
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
