"""Who answers for what, as tables: owners of clauses, who reports what, what waits for what, decisions of findings.

Rows that nobody has filled in yet go out too, so that they can be.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from shizhu.engines.plan import clauses, collecting, filled, rulings, timeline
from shizhu.engines.plan.filled import Cells, RowError
from shizhu.engines.plan.findings import explained, subject
from shizhu.engines.plan.models import Collection, Dependency, Owner, Plan, Ruling
from shizhu.engines.plan.tables import Kind, task_of
from shizhu.engines.plan.typed import same
from shizhu.kernel.models import Person

LEADS, ASSISTS = "leads", "assists"
PARTS = {LEADS: gettext_lazy("leads"), ASSISTS: gettext_lazy("assists")}
STATES = {
    Owner.State.SETTLED: gettext_lazy("settled"), Owner.State.PROPOSED: gettext_lazy("unsure"),
    Owner.State.REFUSED: gettext_lazy("Not this unit"),
}  # fmt: skip
DECISIONS = {rulings.VALUE: gettext_lazy("the value is"), rulings.SEEN: gettext_lazy("Looked at"), rulings.OPEN: ""}


def _owner_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    units = filled.units(plan.county_id)
    for one in plan.clauses.filter(is_gone=False).prefetch_related("owners__organisation"):
        for row in one.owners.all() or [None]:
            own = ["", "", "", ""]
            if row is not None:
                part = PARTS[LEADS if row.is_lead else ASSISTS]
                own = [units.cell(row.organisation), str(part), str(STATES[Owner.State(row.state)]), row.printed]
            yield [one.key, " / ".join(one.headings), one.text, *own]


def _keep_owner(plan: Plan, cells: Cells, by: Person) -> bool:
    clause = plan.clauses.filter(key=cells["key"]).first()
    if clause is None:
        raise RowError(_("%s: no clause has this key") % cells["key"][:60])
    if not any(cells[name] for name in ("unit", "part", "state")):
        return False
    unit, is_lead = cells.unit("unit"), cells.one_of("part", PARTS) == LEADS
    state = cells.one_of("state", STATES) if cells["state"] else Owner.State.SETTLED
    old = clause.owners.filter(organisation=unit).first()
    if old is not None and (old.is_lead, old.state) == (is_lead, state):
        return False
    if state == Owner.State.PROPOSED:
        raise RowError(_("%(field)s: say “%(settled)s” or “%(refused)s” of what is new or changed") % {
            "field": cells.heads["state"], "settled": STATES[Owner.State.SETTLED],
            "refused": STATES[Owner.State.REFUSED]})  # fmt: skip
    clauses.settle_owner(clause, unit, is_lead=is_lead, is_right=state == Owner.State.SETTLED, by=by)
    return True


def _collection_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    units = filled.units(plan.county_id)
    known = {one.indicator_id: one for one in Collection.objects.filter(indicator__plan=plan)}
    for one in plan.indicators.filter(formula=""):
        row = known.get(one.pk)
        own = (
            [units.cell(row.organisation), str(collecting.EVERY[row.every]), row.due_days, row.remind_days]
            if row
            else []
        )
        yield [one.key, one.name, one.unit, *own]


def _keep_collection(plan: Plan, cells: Cells, _by: Person) -> bool:
    indicator = plan.indicators.filter(key=cells["key"]).first()
    if indicator is None:
        raise RowError(_("%s: no indicator has this key") % cells["key"][:60])
    if not cells["by"]:
        return collecting.assign(indicator, None)
    days, ahead = (cells.whole(name, most) for name, most in collecting.MOST_DAYS.items())
    if indicator.formula:
        raise RowError(_("%s is computed, its values are not entered") % indicator.name)
    asked = collecting.Asked(cells.unit("by"), cells.one_of("every", collecting.EVERY), days, ahead)
    return collecting.assign(indicator, asked)


def _dependency_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    rows = Dependency.objects.filter(after__plan=plan).select_related("before", "after").order_by("after", "before")
    for one in rows:
        yield [one.after.key, one.after.name, one.before.key, one.before.name, ""]


def _keep_dependency(plan: Plan, cells: Cells, by: Person) -> bool:
    after, before = task_of(plan, cells), task_of(plan, cells, "before")
    if cells.yes("off"):
        return bool(Dependency.objects.filter(before=before, after=after).delete()[0])
    try:
        return timeline.wait(before, after, by)
    except timeline.Circle:
        raise RowError(_("%s would wait for itself in a circle") % after.name) from None


def _ruling_rows(plan: Plan) -> Iterator[Sequence[Any]]:
    decided = rulings.newest(plan)
    for name, one in rulings.findings(plan).items():
        row = decided.get(name)
        readings = "；".join(
            " ".join(f"{part}" for part in (it.get("year"), it.get("value"), it.get("unit")) if part is not None)
            for it in one.get("readings", [])
        )
        own = [str(DECISIONS[row.decision]), row.value, row.note] if row else []
        yield [name, str(one.get("subject") or subject(one)), explained(one), readings, *own]


def _keep_ruling(plan: Plan, cells: Cells, by: Person) -> bool:
    decision = cells.one_of("decision", DECISIONS)
    value, note = cells.number("value"), cells.text("note", 300)
    newest = Ruling.objects.filter(plan=plan, finding=cells["key"]).order_by("-pk").first()
    was = (newest.decision, newest.value, newest.note) if newest else (rulings.OPEN, None, "")
    if decision == rulings.OPEN:
        if value is not None or (note and was[0] == rulings.OPEN):
            raise RowError(_("%s is missing") % cells.heads["decision"])
        if was[0] == rulings.OPEN:
            return False
    elif all(same(one, other) for one, other in zip(was, (decision, value, note), strict=True)):
        return False
    elif not note:
        raise RowError(_("%s is missing") % cells.heads["note"])
    if (decision == rulings.VALUE) != (value is not None):
        raise RowError(_("%(field)s: is said with “%(decision)s”, and with nothing else") % {
            "field": cells.heads["value"], "decision": DECISIONS[rulings.VALUE]})  # fmt: skip
    try:
        rulings.settle(plan, cells["key"], decision, note=note, by=by, value=value)
    except KeyError:
        raise RowError(_("%s: no finding of this key is in the text") % cells["key"][:40]) from None
    return True


KINDS: Mapping[str, Kind] = {
    "owners": Kind(
        gettext_lazy("Units in charge of clauses"),
        {
            "key": gettext_lazy("Row key"), "headings": gettext_lazy("Headings"), "text": gettext_lazy("Clause"),
            "unit": gettext_lazy("Unit in charge"), "part": gettext_lazy("Part"), "state": gettext_lazy("State"),
            "printed": gettext_lazy("Written in the text"),
        },
        _owner_rows, _keep_owner, ("key", "unit"), ("headings", "text", "printed"),
    ),
    "collection": Kind(
        gettext_lazy("Who reports what"),
        {
            "key": gettext_lazy("Row key"), "name": gettext_lazy("Indicator"), "measure": gettext_lazy("Unit"),
            "by": gettext_lazy("Reported by"), "every": gettext_lazy("How often"),
            "due_days": gettext_lazy("Days after the period until it is due"),
            "remind_days": gettext_lazy("Days before that a reminder comes"),
        },
        _collection_rows, _keep_collection, ("key",), ("name", "measure"),
    ),
    "order": Kind(
        gettext_lazy("Order of tasks"),
        {
            "key": gettext_lazy("Row key"), "name": gettext_lazy("Task"),
            "before": gettext_lazy("Row key of the task it waits for"), "before_name": gettext_lazy("Waits for"),
            "off": gettext_lazy("No longer waits (yes)"),
        },
        _dependency_rows, _keep_dependency, ("key", "before"), ("name", "before_name"),
    ),
    "findings": Kind(
        gettext_lazy("Findings and decisions"),
        {
            "key": gettext_lazy("Row key"), "subject": gettext_lazy("Found in"), "why": gettext_lazy("Why"),
            "readings": gettext_lazy("Values printed"), "decision": gettext_lazy("Decision"),
            "value": gettext_lazy("Value"), "note": gettext_lazy("Why, and by what source"),
        },
        _ruling_rows, _keep_ruling, ("key",), ("subject", "why", "readings"),
    ),
}  # fmt: skip
