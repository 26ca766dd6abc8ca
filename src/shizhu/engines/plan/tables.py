"""Indicators, values and tasks of a plan as tables: out to Excel, changed there, and in again, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shizhu.engines.plan import collecting, computing, filled, keytasks
from shizhu.engines.plan.filled import YES, Cells, RowError
from shizhu.engines.plan.logic.reader.units import comparable
from shizhu.engines.plan.models import Budget, Indicator, Plan, Risk, Task, Value
from shizhu.engines.plan.typed import same
from shizhu.engines.records import api as records
from shizhu.kernel import packs
from shizhu.kernel.models import Person

SIMULATED = gettext_lazy("simulated")
TOLD = "simulated"


@dataclass(frozen=True)
class Kind:
    """A table: its name, its columns (field → head), its rows, and how one is kept (whether it changed something).

    `identity` are the fields by which a row is known: two rows of one are refused. `told` are columns that only go out.
    """

    name: Any
    columns: Mapping[str, Any]
    rows: Callable[[Plan], Iterable[Sequence[Any]]]
    keep: Callable[[Plan, Cells, Person], bool]
    identity: Sequence[str] = ("key",)
    told: Sequence[str] = ()


def written(plan: Plan, kind: Kind) -> bytes:
    """The table as an Excel file."""
    return records.written_table(str(kind.name), [str(head) for head in kind.columns.values()], kind.rows(plan))


@transaction.atomic
def read(plan: Plan, kind: Kind, file: BinaryIO, by: Person) -> tuple[int, list[str]]:
    """Keep a table: all of it, or nothing and what is wrong row by row. Returns (rows that changed something, wrong).

    Raises records.Unreadable.
    """
    seen = set[str]()

    def keep(cells: Cells) -> bool:
        if not cells["key"]:
            raise RowError(_("the key is empty"))
        identity = " ".join(filter(None, (cells.named(one) for one in kind.identity)))
        if identity in seen:
            raise RowError(_("%s is there twice") % identity)
        seen.add(identity)
        return kind.keep(plan, cells, by)

    found = list(filled.lines(file, kind.columns, filled.units(plan.county_id), keep, kind.told))
    wrong = [one for one in found if isinstance(one, str)]
    if wrong:
        transaction.set_rollback(True)
        return 0, wrong
    return sum(bool(one) for one in found), []


def _told(row: Value | Budget | Risk) -> str:
    return str(YES) if row.is_simulated else ""


def _indicator_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    for one in plan.indicators.all():
        yield [
            one.key, one.no, one.name, one.unit, one.kind, one.base_year, one.base_value, one.target_year,
            one.target_value, one.growth, str(YES) if one.is_cumulative else "", "" if one.is_rising else str(YES),
            one.tolerance, one.formula, str(YES) if one.is_compound else "", one.definition, one.base_source,
            one.target_source, one.weight, str(YES) if one.is_flow else "",
        ]  # fmt: skip


def _keep_indicator(plan: Plan, cells: Cells, _by: Person) -> bool:
    if cells["formula"] and not packs.declared("indicators", cells["formula"], plan.county_id):
        raise RowError(_("%s: no formula of that name is declared") % cells["formula"][:60])
    told: dict[str, Any] = {
        "no": cells.text("no", 20), "name": cells.text("name", 200, is_needed=True), "unit": cells.text("unit", 30),
        "kind": cells.text("kind", 20), "formula": cells["formula"], "is_cumulative": cells.yes("cumulative"),
        "is_rising": not cells.yes("falling"), "is_compound": cells.yes("compound"),
        "is_flow": cells.yes("flow"),
        "definition": cells.text("definition", 500),
        **{field: cells.text(field, 200) for field in ("base_source", "target_source")},
        **{field: cells.year(field) for field in ("base_year", "target_year")},
        **{field: cells.number(field) for field in ("base_value", "target_value", "growth", "tolerance")},
    }  # fmt: skip
    weight = cells.number("weight")
    told["weight"] = 1.0 if weight is None else weight
    if told["weight"] < 0:
        raise RowError(_("a weight is not negative"))
    if told["base_year"] and told["target_year"] and told["target_year"] <= told["base_year"]:
        raise RowError(_("the target year is not after the base year"))
    if (told["tolerance"] or 0) < 0:
        raise RowError(_("a tolerance is not negative"))
    if told["is_compound"] and min(told["base_value"] or 0, told["target_value"] or 0) <= 0:
        raise RowError(_("a path of equal growth needs a base and a target above 0"))
    row = plan.indicators.filter(key=cells["key"]).first()
    if row is None or (row.formula, row.unit) != (told["formula"], told["unit"]):
        _refuse_other_measure(plan, told["formula"], told["unit"])
    if row is None:
        twins = plan.indicators.filter(name=told["name"])
        _refuse(cells, twins.filter(unit__in=["", told["unit"]]) if told["unit"] else twins)
        row = Indicator.objects.create(plan=plan, key=cells.text("key", 60), order=2000, source="person", **told)
        computing.keep_base(row)
        return True
    base = row.base_year, row.base_value
    is_changed = _update(row, told)
    if (row.base_year, row.base_value) != base:
        computing.keep_base(row)
    return is_changed


def _refuse_other_measure(plan: Plan, formula: str, unit: str) -> None:
    """Refuse a formula whose number is counted in another unit of measure. Raises RowError."""
    own = packs.declared("indicators", formula, plan.county_id).get("unit", "") if formula else ""
    if own and unit and comparable(own, unit) != 1:
        told = {"formula": formula, "own": own, "unit": unit}
        raise RowError(_("%(formula)s counts in %(own)s, which is not %(unit)s; nothing is converted") % told)


def _refuse(cells: Cells, twins: QuerySet[Any]) -> None:
    """Refuse a row of an unknown key for what is there already under another. Raises RowError."""
    if twin := twins.first():
        told = {"key": cells["key"][:60], "name": twin.name, "known": twin.key}
        raise RowError(
            _("%(key)s: no row has this key, but “%(name)s” has %(known)s; write that, or name what is new otherwise")
            % told
        )


def _update(row: Any, told: Mapping[str, Any]) -> bool:
    changed = [field for field, value in told.items() if not same(getattr(row, field), value)]
    for field in changed:
        setattr(row, field, told[field])
    if changed:
        row.edited = sorted({*row.edited, *changed})
        row.save(update_fields=[*changed, "edited"])
    return bool(changed)


def _value_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    rows = Value.objects.filter(indicator__plan=plan).select_related("indicator")
    newest = rows.order_by("indicator__order", "indicator_id", "period", F("known_at").desc())
    for one in newest.distinct("indicator__order", "indicator_id", "period"):
        if one.value is not None:
            yield [
                one.indicator.key, one.indicator.name, one.indicator.unit, one.period, one.value, one.source, one.note,
                _told(one),
            ]  # fmt: skip


def _keep_value(plan: Plan, cells: Cells, by: Person) -> bool:
    row = plan.indicators.filter(key=cells["key"]).first()
    if row is None:
        raise RowError(_("%s: no indicator has this key") % cells["key"][:60])
    period = cells.period("period")
    value = cells.number("value")
    newest = row.values.filter(period=period.name).order_by("-known_at", "-pk").first()
    if value is None or (newest is not None and same(newest.value, value)):
        return False
    cells.measured_in(row.unit)
    if row.formula:
        raise RowError(_("%s is computed, its values are not entered") % row.name)
    if period.first > timezone.localdate():
        raise RowError(_("%s has not begun") % period.name)
    if not cells["note"] or (newest is not None and newest.note == cells["note"]):
        raise RowError(_("say where the value comes from, or why it is corrected"))
    if found := collecting.fallen(row, period.name, value, cells["note"]):
        raise RowError(found)
    Value.objects.create(
        indicator=row, period=period.name, value=value, source="reported", note=cells.text("note", 200), person=by
    )
    return True


def _task_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    for one in plan.tasks.all():
        yield [
            one.key, one.no, one.name, one.category, one.period.get("from"), one.period.get("to"),
            "、".join(one.owners), one.content,
        ]  # fmt: skip


def _keep_task(plan: Plan, cells: Cells, _by: Person) -> bool:
    first, last = (cells.year(field) for field in ("first", "last"))
    if first and last and last < first:
        raise RowError(_("it ends before it begins"))
    row = plan.tasks.filter(key=cells["key"]).first()
    period = {**(row.period if row else {}), "from": first, "to": last} if first or last else {}
    told = {
        "no": cells.text("no", 20), "name": cells.text("name", 200, is_needed=True),
        "category": cells.text("category", 60),
        "period": row.period if row and (first, last) == (row.period.get("from"), row.period.get("to")) else period,
        "owners": [owner for part in cells["owners"].split("、") if (owner := part.strip())],
        "content": cells["content"],
    }  # fmt: skip
    if row is None:
        _refuse(cells, plan.tasks.filter(name=told["name"]))
        Task.objects.create(plan=plan, key=cells.text("key", 60), order=2000, source="person", **told)
        return True
    return _update(row, told)


def task_of(plan: Plan, cells: Cells, field: str = "key") -> Task:
    """The task whose key a cell holds. Raises RowError."""
    row = plan.tasks.filter(key=cells[field]).first()
    if row is None:
        raise RowError(_("%s: no task has this key") % (cells[field][:60] or "—"))
    return row


def _budget_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    for one in Budget.objects.filter(task__plan=plan).select_related("task"):
        yield [one.task.key, one.task.name, one.year, one.fund, one.planned, one.spent, _told(one)]


def _keep_budget(plan: Plan, cells: Cells, by: Person) -> bool:
    task, fund = task_of(plan, cells), cells.text("fund", 60, is_needed=True)
    year = cells.year("year")
    planned, spent = (cells.number(field) for field in ("planned", "spent"))
    if year is None or planned is None:
        raise RowError(_("%s is missing") % BUDGETS.columns["year" if year is None else "planned"])
    if min(planned, spent or 0) < 0:
        raise RowError(_("money is not negative"))
    old = Budget.objects.filter(task=task, year=year, fund=fund).first()
    if old is not None and same(old.planned, planned) and same(old.spent, spent):
        return False
    keytasks.keep_budget(task, year, fund, planned, spent, by)
    return True


def _risk_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    units = filled.units(plan.county_id)
    for one in keytasks.gravest_first(Risk.objects.filter(task__plan=plan)):
        yield [
            one.task.key, one.task.name, one.name, keytasks.level_name(one), units.cell(one.organisation), one.measure,
            str(YES) if one.closed_at else "", one.outcome, _told(one),
        ]  # fmt: skip


def _keep_risk(plan: Plan, cells: Cells, by: Person) -> bool:
    task, name = task_of(plan, cells), cells.text("risk", 100, is_needed=True)
    told = {
        "level": cells.one_of("level", keytasks.LEVEL_NAMES),
        "organisation": cells.unit("unit"), "measure": cells.text("measure", 500, is_needed=True),
    }  # fmt: skip
    if cells.yes("closed") and not cells["outcome"]:
        raise RowError(_("say why the risk is over"))
    risk = task.risks.filter(name=name).first()
    is_new = risk is None
    if risk is None:
        risk = Risk.objects.create(task=task, name=name, opened_by=by, **told)
    changed = [field for field, value in told.items() if not same(getattr(risk, field), value)]
    if changed:
        for field in changed:
            setattr(risk, field, told[field])
        risk.save(update_fields=changed)
    is_closed = cells.yes("closed") and keytasks.close(risk, cells.text("outcome", 500), by)
    return is_new or bool(changed) or is_closed


INDICATORS = Kind(
    gettext_lazy("Indicators"),
    {
        "key": gettext_lazy("Row key"), "no": gettext_lazy("No."), "name": gettext_lazy("Name"),
        "unit": gettext_lazy("Unit"), "kind": gettext_lazy("Class"), "base_year": gettext_lazy("Base year"),
        "base_value": gettext_lazy("Base"), "target_year": gettext_lazy("Target year"),
        "target_value": gettext_lazy("Target"), "growth": gettext_lazy("Growth % a year"),
        "cumulative": gettext_lazy("Cumulative"), "falling": gettext_lazy("Falling is better"),
        "tolerance": gettext_lazy("Tolerance"), "formula": gettext_lazy("Formula"),
        "compound": gettext_lazy("Equal growth"), "definition": gettext_lazy("Meaning of the indicator"),
        "base_source": gettext_lazy("Source of the base"), "target_source": gettext_lazy("Source of the target"),
        "weight": gettext_lazy("Weight"), "flow": gettext_lazy("Of each year anew"),
    },
    _indicator_rows, _keep_indicator,
)  # fmt: skip
VALUES = Kind(
    gettext_lazy("Values"),
    {
        "key": gettext_lazy("Row key"), "name": gettext_lazy("Indicator"), "unit": gettext_lazy("Unit"),
        "period": gettext_lazy("Period"), "value": gettext_lazy("Value"), "source": gettext_lazy("Kind of source"),
        "note": gettext_lazy("Source or reason"), TOLD: SIMULATED,
    },
    _value_rows, _keep_value, ("key", "period"), ("name", "unit", "source", TOLD),
)  # fmt: skip
TASKS = Kind(
    gettext_lazy("Tasks"),
    {
        "key": gettext_lazy("Row key"), "no": gettext_lazy("No."), "name": gettext_lazy("Task"),
        "category": gettext_lazy("Class"), "first": gettext_lazy("From"), "last": gettext_lazy("To"),
        "owners": gettext_lazy("Owners"), "content": gettext_lazy("Content"),
    },
    _task_rows, _keep_task,
)  # fmt: skip
BUDGETS = Kind(
    gettext_lazy("Money"),
    {
        "key": gettext_lazy("Row key"), "name": gettext_lazy("Task"), "year": gettext_lazy("Year"),
        "fund": gettext_lazy("Fund"), "planned": gettext_lazy("Planned (10,000 yuan)"),
        "spent": gettext_lazy("Spent (10,000 yuan)"), TOLD: SIMULATED,
    },
    _budget_rows, _keep_budget, ("key", "year", "fund"), ("name", TOLD),
)  # fmt: skip
RISKS = Kind(
    gettext_lazy("Risks"),
    {
        "key": gettext_lazy("Row key"), "name": gettext_lazy("Task"), "risk": gettext_lazy("Risk"),
        "level": gettext_lazy("Level"), "unit": gettext_lazy("Answers for it"),
        "measure": gettext_lazy("What is done against it"), "closed": gettext_lazy("Closed (yes)"),
        "outcome": gettext_lazy("Why it is over"), TOLD: SIMULATED,
    },
    _risk_rows, _keep_risk, ("key", "risk"), ("name", TOLD),
)  # fmt: skip
KINDS: Mapping[str, Kind] = {
    "indicators": INDICATORS, "values": VALUES, "tasks": TASKS, "money": BUDGETS, "risks": RISKS,
}  # fmt: skip
