"""Many rows at once: judged by the rules of single ones, written by few statements, told as single ones are.

A thousand rows cost a handful of questions; what a row may be and who may write it is decided where it always is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.utils import timezone

from shizhu.engines.records import duplicates, store
from shizhu.engines.records.contracts import Refused
from shizhu.engines.records.logic.columns import columns
from shizhu.engines.records.logic.register import Kind, Leaf, Names, Register
from shizhu.engines.records.logic.values import Problem, problem
from shizhu.engines.records.models import WITHDRAWN, Record
from shizhu.engines.records.naming import Naming
from shizhu.engines.records.spatial import true
from shizhu.engines.records.store import CHANGED, Wanted
from shizhu.kernel import access, events
from shizhu.kernel.access import Actor
from shizhu.kernel.text import label

NEW, CHANGE, SAME, WRONG = "new", "changed", "same", "wrong"
WRITTEN = (
    "data", "title", "sort_key", "organisation", "area", "geometry", "box", "state", "version", "source", "updated",
    "search",
)  # fmt: skip
ARRAYS = {
    "bigint": "bigint",
    "integer": "integer",
    "bytea": "bytea",
    "jsonb": "jsonb",
    "timestamp with time zone": "timestamptz",
}
VERBS: Mapping[str, Names] = {
    "create": {"zh": "在此登记", "en": "register here"},
    "edit": {"zh": "修改", "en": "change"},
    "delete": {"zh": "注销", "en": "withdraw"},
    "step": {"zh": "改成这个状态", "en": "set"},
}


@dataclass
class Proposed:
    """A row as somebody wants it: what there is (or an unsaved row), what shall be, and what became of it."""

    number: int
    row: Record
    wanted: Wanted
    asked: Mapping[str, str] = field(default_factory=dict)  # codes of places that could not be found, for the message
    problems: list[Problem] = field(default_factory=list)
    action: str = "edit"
    outcome: str = ""
    is_private: bool = False  # it gives private values


class Many:
    """Judges and writes rows of one register for one person."""

    def __init__(self, who: Actor, county: str, register: Register) -> None:
        self._who, self._county, self._register = who, county, register
        self.naming = Naming(who, county)
        self._rights: dict[tuple[str, int, int], bool] = {}
        self._refers = any(item.reference for _path, item in register.everything)
        self._unique: dict[tuple[Any, ...], int] = {}  # (fields, values) → the row that has them first

    def judge(self, proposed: Sequence[Proposed]) -> None:
        """Say of each what it is: new, changed, same, or wrong and why."""
        self._ask(proposed)
        for one in proposed:
            one.outcome = self._outcome(one)
        for group in self._register.unique:
            self._part(group, proposed)

    def compute(self, proposed: Sequence[Proposed]) -> None:
        """Put what is computed into the wanted data of each, or what forbids it among its problems."""
        found = store.computed_each(self._register, [one.wanted.data for one in proposed])
        for one, data in zip(proposed, found, strict=True):
            if isinstance(data, Problem):
                one.problems.append(data)
            else:
                one.wanted = replace(one.wanted, data=data)

    def _ask(self, proposed: Sequence[Proposed]) -> None:
        """Find out at once what all rows refer to, where nothing narrows it."""
        values: dict[str, set[str]] = {}
        for one in proposed:
            for leaf in self._register.leaves(one.wanted.data) if self._refers else ():
                if leaf.item.reference and isinstance(leaf.value, str):
                    values.setdefault(leaf.item.reference, set()).add(leaf.value)
        for reference, wanted in values.items():
            self.naming.find(reference, wanted)

    def _is_there(self, leaf: Leaf) -> bool | None:
        if leaf.item.where or leaf.item.depends or not isinstance(leaf.value, str):
            return None
        found = self.naming.find(leaf.item.reference, [leaf.value])[leaf.value]
        return any(choice.value == leaf.value for choice in found)

    def _outcome(self, one: Proposed) -> str:
        row, wanted = one.row, one.wanted
        if row.pk and not self.may("view", row.organisation, row.area):
            one.problems = [problem(self._register.key_field, row.key, "unique")]
            return WRONG
        if not one.problems and row.pk and wanted == _current(row) and not self._guesses(one):
            return SAME
        if one.action == "delete":  # what a row says does not matter when it goes
            one.problems += self._forbidden(one)
            return WRONG if one.problems else CHANGE
        try:
            store.demand(self._who, self._register, row, wanted, one.asked, self._is_there)
        except Refused as refused:
            told = {fault.path for fault in one.problems}
            one.problems += [fault for fault in refused.problems if fault.path not in told]
        except PermissionDenied:  # a step into another state that others take
            state = label(self._register.states[wanted.state])
            one.problems.append(problem("_state", state, "right", VERBS["step"]))
        one.problems += self._forbidden(one)
        return WRONG if one.problems else CHANGE if row.pk else NEW

    def _guesses(self, one: Proposed) -> bool:
        """Whether that nothing changes would say what is masked."""
        return one.is_private and not self.may("unmask", one.row.organisation, one.row.area)

    def _part(self, group: tuple[str, ...], judged: Sequence[Proposed]) -> None:
        """Rows that would have alike what must be unique: with one that is there, or with one before in the table."""
        wanted: dict[tuple[Any, ...], list[Proposed]] = {}
        for one in judged:
            values = tuple(one.wanted.data.get(name) for name in group)
            if None not in values and one.outcome in {NEW, CHANGE}:
                wanted.setdefault(values, []).append(one)
        if not wanted:
            return
        rows = Record.objects.filter(county_id=self._county, register=self._register.key).exclude(state=WITHDRAWN)
        first = columns(self._register, "records_record", with_private=True)[group[0]]
        sent = [Decimal(str(v[0])) if first.kind in {Kind.NUMBER, Kind.INTEGER} else v[0] for v in wanted]
        among = true(f"{first.sql} = ANY(%s)", (sent,))
        there = {
            tuple(data.get(name) for name in group): pk for pk, data in rows.filter(among).values_list("pk", "data")
        }
        for values, several in wanted.items():
            for one in several:
                before = self._unique.setdefault((group, values), one.number)
                if there.get(values, one.row.pk) != one.row.pk:
                    one.problems.append(store.taken(self._who, one.row, self._register, group, one.wanted.data))
                elif before != one.number:
                    shown = store.told_together(self._register, one.row, group, one.wanted.data)
                    one.problems.append(problem(group[0], shown, "twice", before))
                one.outcome = WRONG if one.problems else one.outcome

    def _forbidden(self, one: Proposed) -> Iterable[Problem]:
        """What the person may not: in the place where the row is, or where it shall be."""
        places = [(one.wanted.organisation, one.wanted.area)]
        if one.row.pk:
            places.append((one.row.organisation, one.row.area))
        for organisation, area in places:
            if organisation and area and not self.may(one.action, organisation, area):
                yield problem("_area", f"{organisation.name} {area.name}", "right", VERBS[one.action])
                return

    def may(self, action: str, organisation: Any, area: Any) -> bool:
        """Whether the person may do this in a place."""
        key = action, organisation.pk, area.pk
        if key not in self._rights:
            verb = self._register.verb(action)
            self._rights[key] = access.may(self._who, verb, county=self._county, organisation=organisation, area=area)
        return self._rights[key]

    def write(self, proposed: Iterable[Proposed], source: str) -> None:
        """Write what is new or changed, in the current transaction. The rows that exist are held by the caller."""
        good = [one for one in proposed if one.outcome in {NEW, CHANGE}]
        for one in good:
            store.fill(one.row, self._register, one.wanted)
        fresh = [one.row for one in good if one.outcome == NEW]
        changed = [one.row for one in good if one.outcome == CHANGE]
        for row in fresh:
            row.source = source
            row.created = row.updated = timezone.now()
        _insert(fresh)
        for row in changed:
            row.version += 1
            row.updated = timezone.now()
        update_rows(changed)
        duplicates.written(self._register, [*fresh, *changed])
        told = [(row.pk, store.told(row)) for row in (*fresh, *changed)]
        if told:
            events.emit_many(CHANGED, self._county, told)


INSERT = "INSERT INTO records_record ({names}) SELECT {values} FROM unnest({arrays}) AS new ({names}) RETURNING key, id"
UPDATE = """
UPDATE records_record old SET {sets} FROM unnest(%s::bigint[], {arrays}) AS new (id, {names}) WHERE old.id = new.id
"""


def _current(row: Record) -> Wanted:
    return Wanted(row.data, row.organisation, row.area, row.geometry, row.state)


def proposal(number: int, row: Record, **changes: Any) -> Proposed:
    """A row that exists, with some of what it is replaced."""
    return Proposed(number, row, replace(_current(row), **changes))


def _insert(rows: Sequence[Record]) -> None:
    """All new rows by one statement, each with its number afterwards."""
    if not rows:
        return
    columns = _Columns([one for one in Record._meta.concrete_fields if not one.primary_key])  # noqa: SLF001  # public in Django
    query = INSERT.format(names=columns.names, values=", ".join(columns.cast), arrays=columns.arrays)
    with connection.cursor() as cursor:
        cursor.execute(query, columns.of(rows))
        numbers = dict(cursor.fetchall())
    for row in rows:
        row.pk = numbers[row.key]


def update_rows(rows: Sequence[Record]) -> None:
    """All rows by one statement: it is what the audit puts its context into."""
    if not rows:
        return
    columns = _Columns([one for one in Record._meta.concrete_fields if one.name in WRITTEN])  # noqa: SLF001  # public in Django
    sets = ", ".join(f'"{one.column}" = {cast}' for one, cast in zip(columns.fields, columns.cast, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(
            UPDATE.format(sets=sets, arrays=columns.arrays, names=columns.names),
            [[row.pk for row in rows], *columns.of(rows)],
        )


@dataclass(frozen=True)
class _Columns:
    """Fields of rows as arrays, one a column, in SQL named `new`."""

    fields: Sequence[Any]

    @property
    def names(self) -> str:
        return ", ".join(f'"{one.column}"' for one in self.fields)

    @property
    def arrays(self) -> str:
        return ", ".join(f"%s::{ARRAYS.get(str(one.db_type(connection)), 'text')}[]" for one in self.fields)

    @property
    def cast(self) -> list[str]:
        return [f'new."{one.column}"::{one.db_type(connection)}' for one in self.fields]

    def of(self, rows: Sequence[Record]) -> list[list[Any]]:
        return [[one.get_db_prep_save(getattr(row, one.attname), connection) for row in rows] for one in self.fields]
