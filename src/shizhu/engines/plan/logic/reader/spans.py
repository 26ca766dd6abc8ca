"""Years that do not fit: bases after their targets, terms that end before they begin or lie outside the plan's."""

from __future__ import annotations

from collections.abc import Sequence

from shizhu.engines.plan.logic.reader.document import Doubt, Indicator, Task
from shizhu.engines.plan.logic.reader.fact import Fact

FAR_AIMS = frozenset({2030, 2035, 2049, 2050, 2060})  # years that national long-range aims are set for


def year_doubts(
    span: tuple[int, int] | None, indicators: Sequence[Indicator], tasks: Sequence[Task], facts: Sequence[Fact]
) -> list[Doubt]:
    """List what is dated outside the term (first and last year) of the plan."""
    doubts = [
        Doubt(item.name, f"the base year {item.base.year} is not before {item.target.year}", item.place, "year-order")
        for item in indicators
        if item.base.year and item.target.year and item.base.year >= item.target.year
    ]
    doubts += [
        Doubt(task.name, f"the term ends before it begins: {task.period.text}", task.place, "year-order")
        for task in tasks
        if task.period.first and task.period.last and task.period.first > task.period.last
    ]
    if span is None:
        return doubts
    first, last = span
    for task in tasks:
        begins, ends = task.period.first or first, task.period.last or last
        if begins <= ends and (ends > last + 1 or begins < first - 3) and ends not in FAR_AIMS:
            why = f"its term {task.period.text} lies outside the plan's, {first} to {last}"
            doubts.append(Doubt(task.name, why, task.place, "year-outside"))
    for fact in facts:
        if fact.printed_year and fact.year and fact.year > last and fact.year not in FAR_AIMS:
            why = f"{fact.year} lies after the plan's term, {first} to {last}: {fact.text}"
            doubts.append(Doubt(fact.subject, why, fact.place, "year-outside"))
    return doubts
