"""What names mean in a query of one entity set: properties, paths through navigation, and the joins these need."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from shizhu.engines.things.http.sta.entities import SETS, EntitySet, Kind, Navigation, Property
from shizhu.engines.things.http.sta.sql import Sql, bind, join, predicate, sql
from shizhu.kernel.access import Predicate

IDS = {"id", "@iot.id", "_iot_id"}
PLACE = re.compile(r"_(\d+)")  # of a list in JSON, as grammar writes it


NONE = Sql()
WAS, THEN = "{e}.known_at <= {at} AND ", " AND n.known_at <= {at}"


class Caller(Protocol):
    """Who asks: says over which Things (under the alias `t`) it has a verb."""

    @property
    def sees_all(self) -> bool:
        """Whether there is no need to ask."""

    def things(self, verb: str) -> Predicate:
        """The predicate over `t`."""


@dataclass(frozen=True)
class Expression:
    """A typed piece of SQL. `end`: the other end of a SPAN; `raw`: the JSON of a RESULT; `constant`: a literal.

    `search` is what gives the number of a spatial function.
    """

    kind: Kind
    sql: Sql
    end: Sql = NONE
    raw: Sql = NONE
    constant: Any = None
    search: Any = None


@dataclass(frozen=True)
class Key:
    """One key to sort by."""

    sql: Sql
    type: str
    is_nullable: bool
    is_descending: bool = False


@dataclass(frozen=True)
class Join:
    """A navigation that a path goes along."""

    alias: str
    entity: EntitySet
    sql: Sql
    is_many: bool


class UnknownName(Exception):
    """A name that means nothing here; `index` says which of the path."""

    def __init__(self, index: int, rule: str) -> None:
        super().__init__(rule)
        self.index = index


def visible(entity: EntitySet, alias: str, caller: Caller) -> Sql:
    """The condition that the caller may see the row under that alias; empty if it sees all."""
    if caller.sees_all:
        return Sql()
    return sql(entity.seen.visible, e=alias, visible=predicate(caller.things("things.thing.view")))


def condition(entity: EntitySet, alias: str, as_of: str = "", *, is_page: bool = True) -> Sql:
    """The entity's own condition; empty if it has none. `as_of`: a time up to which things were known.

    On a page it is asked row by row (as a join it was measured to read a table of 10 million rows from its start),
    for a count of many rows a join is faster.
    """
    was = then = Sql()
    if as_of:
        was, then = (sql(text, e=alias, at=bind(as_of, "timestamptz")) for text in (WAS, THEN))
    return sql(entity.condition, e=alias, probe=" OFFSET 0" if is_page else "", was=was, then=then)


def target_link(navigation: Navigation, alias: str, parent: str) -> Sql:
    """The condition that the row under `alias` hangs on the row under `parent`."""
    if navigation.is_many:
        return sql(navigation.where, e=alias, id=f"{parent}.id")
    return sql("{child}.id = " + navigation.value, child=alias, e=parent)


@dataclass
class Scope:
    """The names of one entity set under one alias. `joins` grow with the paths that are resolved."""

    entity: EntitySet
    alias: str
    caller: Caller
    as_of: str = ""
    joins: dict[tuple[str, ...], Join] = field(default_factory=dict)
    is_many: bool = False  # a path led through a collection since this was last set to False

    def resolve(self, names: list[str]) -> Expression:
        """What a path such as Datastream/Thing/name means; raises UnknownName."""
        entity, alias, at = self.walk(names)
        name, rest = names[at], names[at + 1 :]
        if name in IDS and not rest:
            return Expression(Kind.NUMBER, Sql(f"{alias}.id"))
        found = entity.properties.get(name)
        if found is None:
            known = ", ".join((*entity.properties, *entity.navigation))
            raise UnknownName(at, f"{entity.entity} has no {name!r}; it has id, {known}")
        return self._property(found, alias, rest, at)

    def place(self, names: list[str]) -> tuple[EntitySet, str, Property]:
        """The entity set, alias and property of a path to a geometry; raises UnknownName."""
        entity, alias, at = self.walk(names)
        found = entity.properties.get(names[at])
        if found is None or not found.box or names[at + 1 :]:
            raise UnknownName(at, f"{'/'.join(names)} is no geometry: location, feature and observedArea are")
        return entity, alias, found

    def inner(self, names: list[str], alias: str) -> tuple[Scope, Sql]:
        """The scope of the rows of a collection, and the condition that they hang here and may be seen."""
        *before, name = names
        entity, own, at = self.walk([*before, "id"])
        navigation = entity.navigation.get(name) if at == len(before) else None
        if navigation is None or not navigation.is_many:
            raise UnknownName(at, f"{entity.entity} has no collection {names[at]!r}")
        target = SETS[navigation.target]
        conditions = [target_link(navigation, alias, own), condition(target, alias, self.as_of)]
        if not navigation.is_inherited:
            conditions.append(visible(target, alias, self.caller))
        return Scope(target, alias, self.caller, self.as_of), join(" AND ", conditions)

    @staticmethod
    def _property(found: Property, alias: str, rest: list[str], at: int) -> Expression:
        own = Expression(
            found.kind, sql(found.value, e=alias), sql(found.end, e=alias),
            Sql(f"{alias}.result_json") if found.kind is Kind.RESULT else Sql(),
        )  # fmt: skip
        if not rest:
            return own
        if found.kind not in {Kind.JSON, Kind.RESULT}:
            raise UnknownName(at + 1, f"{found.name} is {found.kind.value}, so it has no {rest[0]!r}")
        path = [PLACE.sub(r"\1", name) for name in rest]
        return Expression(Kind.JSON, sql("({x} #> {path})", x=own.raw or own.sql, path=bind(path, "text[]")))

    def keys(self, names: list[str]) -> list[Key]:
        """What to sort by for a path; paths through collections cannot be sorted by."""
        self.is_many = False
        entity, alias, at = self.walk(names)
        if self.is_many:
            raise UnknownName(0, "a path through a collection gives no order")
        name, rest = names[at], names[at + 1 :]
        found = entity.properties.get(name)
        if rest or found is None:
            value = self.resolve(names)
            if value.kind is Kind.JSON:
                return [Key(value.sql, "jsonb", is_nullable=True)]  # numbers as numbers
            return [Key(value.sql, "bigint", is_nullable=alias != self.alias)]
        nullable = found.is_nullable or alias != self.alias
        types = {Kind.TEXT: "text", Kind.TIME: "timestamptz", Kind.SPAN: "timestamptz"}
        order = found.order or ((found.value, types[found.kind]),)
        return [Key(sql(value, e=alias), type_, nullable) for value, type_ in order]

    def walk(self, names: list[str]) -> tuple[EntitySet, str, int]:
        """Follow navigation as far as it goes: the entity there, its alias, the place of the next name."""
        entity, alias = self.entity, self.alias
        for at, name in enumerate(names[:-1]):
            if name not in entity.navigation:
                return entity, alias, at
            step = self._join(tuple(names[: at + 1]), entity, alias)
            entity, alias = step.entity, step.alias
        if names[-1] in entity.navigation:
            raise UnknownName(len(names) - 1, f"{names[-1]} is an entity, not a value: name one of its properties")
        return entity, alias, len(names) - 1

    def _join(self, path: tuple[str, ...], entity: EntitySet, alias: str) -> Join:
        known = self.joins.get(path)
        if known is None:
            navigation = entity.navigation[path[-1]]
            target = SETS[navigation.target]
            under = f"{self.alias}_{len(self.joins)}"
            conditions = [target_link(navigation, under, alias), condition(target, under, self.as_of)]
            if not navigation.is_inherited:
                conditions.append(visible(target, under, self.caller))
            before = self.joins.get(path[:-1])
            is_many = navigation.is_many or bool(before and before.is_many)
            joined = sql(f" LEFT JOIN {target.table} {under} ON {{on}}", on=join(" AND ", conditions))
            known = self.joins[path] = Join(under, target, joined, is_many)
        self.is_many = self.is_many or known.is_many
        return known

    def single_joins(self) -> Sql:
        """Joins for the query's own FROM."""
        return join("", [step.sql for step in self.joins.values() if not step.is_many])

    def all_joins(self) -> Sql:
        """Joins for an EXISTS over the rows of this scope."""
        return join("", [step.sql for step in self.joins.values()])

    def many_joins(self) -> Sql:
        """Joins for an EXISTS."""
        return join("", [step.sql for step in self.joins.values() if step.is_many])
