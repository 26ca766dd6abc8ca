"""What a reading says, as tuples to compare with what a plan tells."""

from __future__ import annotations

from shizhu.engines.plan.logic.reader import Box, Indicator, PlanDocument, Task


def row_of(item: Indicator) -> tuple[object, ...]:
    """An indicator of a table."""
    return (
        *(item.no, item.name, item.unit, item.kind, item.base.year, item.base.value),
        *(item.target.year, item.target.value, item.growth, item.cumulative),
    )


def target_of(item: Indicator) -> tuple[object, ...]:
    """A target of a sentence."""
    return item.name, item.unit, item.target.year, item.target.value, item.target.bound


def task_of(task: Task) -> tuple[object, ...]:
    """A task."""
    return task.no, task.name, task.category, task.period.first, task.period.last, task.leads, task.supports


def box_of(box: Box) -> tuple[object, ...]:
    """A box with the titles of its items."""
    return box.no, box.title, [item.title for item in box.items]


def in_tables(document: PlanDocument) -> list[Indicator]:
    """The indicators that tables print."""
    return [item for item in document.indicators if item.found_in == "table"]
