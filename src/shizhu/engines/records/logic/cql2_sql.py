"""SQL with bound parameters from a CQL2 tree.

Nothing but the columns that the caller gives, and constants of this file, ever becomes SQL text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.logic.cql2 import (
    Among,
    Arithmetic,
    Array,
    Arrays,
    Between,
    Comparison,
    Contains,
    Cql2Error,
    Every,
    Expression,
    Folded,
    Geometry,
    Interval,
    IsNull,
    Like,
    Literal,
    Not,
    Operand,
    Predicate,
    Property,
    Some,
    Spatial,
    Temporal,
    parse,
    properties,
)
from shizhu.engines.records.logic.register import Kind


@dataclass(frozen=True)
class Column:
    """Where a property's value is: SQL of ours, and its kind. Dates and times are texts that sort as they do.

    With `each`, sets of rows for FROM, there are several values: a condition is true where it is of any of them.
    """

    sql: str
    kind: Kind
    each: tuple[str, ...] = ()


Columns = Mapping[str, Column]
Sql = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Space:
    """The geometry of a row: the property's name, SQL that is true where there is one, and who finds the rows that
    stand in a relation (`intersects`, `within` …) to another geometry.
    """

    name: str
    is_placed: str
    meeting: Callable[[str, BaseGeometry], Sql]


_SAYS = {
    Kind.TEXT: "text: write 'a text'", Kind.NUMBER: "a number", Kind.BOOLEAN: "yes or no: write TRUE or FALSE",
    Kind.DATE: "a date: write DATE('2026-01-31')", Kind.TIME: "a time: write TIMESTAMP('2026-01-31T08:00:00Z')",
    Kind.LIST: "a list: use A_CONTAINS and its like",
}  # fmt: skip
_ARITHMETIC = {
    "+": "({} + {})", "-": "({} - {})", "*": "({} * {})", "/": "({} / NULLIF({}, 0))", "%": "mod({}, NULLIF({}, 0))",
    "div": "div({}, NULLIF({}, 0))", "^": "power({}, {})",
}  # fmt: skip
_FOLDED = {
    "casei": '(lower({} COLLATE "default") COLLATE "C")',
    "accenti": "(regexp_replace(normalize({} COLLATE \"default\", NFD), '[\u0300-\u036f]', '', 'g') COLLATE \"C\")",
}
# Allen's relations of (begin a, end a) to (begin b, end b); an instant begins and ends at once
_TEMPORAL = {
    "after": "{0} > {3}", "before": "{1} < {2}", "contains": "{0} < {2} AND {1} > {3}",
    "disjoint": "({0} > {3} OR {1} < {2})", "during": "{0} > {2} AND {1} < {3}", "equals": "{0} = {2} AND {1} = {3}",
    "finishedby": "{0} < {2} AND {1} = {3}", "finishes": "{0} > {2} AND {1} = {3}",
    "intersects": "{0} <= {3} AND {1} >= {2}", "meets": "{1} = {2}", "metby": "{0} = {3}",
    "overlappedby": "{0} > {2} AND {0} < {3} AND {1} > {3}", "overlaps": "{0} < {2} AND {1} > {2} AND {1} < {3}",
    "startedby": "{0} = {2} AND {1} > {3}", "starts": "{0} = {2} AND {1} < {3}",
}  # fmt: skip
_ARRAYS = {
    "equals": "({0} @> {1} AND {1} @> {0})", "contains": "{0} @> {1}", "containedby": "{0} <@ {1}",
    "overlaps": "({0} ?| CASE WHEN {1} IS NOT NULL THEN ARRAY(SELECT jsonb_array_elements_text({1})) END)",
}  # fmt: skip
_FIRST, _LAST = "''", "'~'"  # sort before and after every written date or time
_TURNED = {"within": "contains", "contains": "within"}
_SELF = {"intersects", "equals", "within", "contains"}  # true of a geometry and itself


def compiled(expression: Expression, columns: Columns, space: Space | None = None) -> Sql:
    """SQL and its parameters. Raises Cql2Error for an unknown property or values of different kinds."""
    return _Compiler(columns, space).of(expression)


def condition(where: str, columns: Columns) -> Sql:
    """SQL and its parameters of a condition in CQL2 text, for tables of other engines too. Raises Cql2Error."""
    return compiled(parse(where), columns)


class _Compiler:
    def __init__(self, columns: Columns, space: Space | None) -> None:
        self._columns = columns
        self._space = space

    def of(self, expression: Expression) -> Sql:
        match expression:
            case Not(inner):
                sql, params = self.of(inner)
                return f"NOT {sql}", params
            case Every(parts):
                return self._all(parts, " AND ", "TRUE")
            case Some(parts):
                return self._all(parts, " OR ", "FALSE")
            case _:
                return self._of_any(expression, *self._predicate(expression))

    def _of_any(self, predicate: Predicate, sql: str, params: tuple[Any, ...]) -> Sql:
        """Of properties with several values: true where it is of any of them; IS NULL where there is no value."""
        named = (self._columns[name] for name in sorted(properties(predicate)) if name in self._columns)
        each = ", ".join(dict.fromkeys(rows for column in named for rows in column.each))
        if not each:
            return sql, params
        if isinstance(predicate, IsNull):
            return f"(NOT EXISTS (SELECT FROM {each} WHERE NOT {sql}))", params
        return f"(EXISTS (SELECT FROM {each} WHERE {sql}))", params

    def _predicate(self, expression: Predicate) -> Sql:  # noqa: PLR0911  # one line a kind
        match expression:
            case Comparison(left, operator, right):
                return self._join([left, right], lambda sql: f"{sql[0]} {operator} {sql[1]}")
            case Among(operand, values):
                return self._join([operand, *values], lambda sql: f"{sql[0]} IN ({', '.join(sql[1:])})")
            case Between(operand, low, high):
                return self._join([operand, low, high], lambda sql: f"{sql[0]} BETWEEN {sql[1]} AND {sql[2]}")
            case Like(operand, pattern):
                return self._like(operand, pattern)
            case IsNull(operand):
                return self._is_null(operand)
            case Contains(operand, part):
                return self._contains(operand, part)
            case Spatial(relation, left, right):
                return self._spatial(relation, left, right)
            case Temporal(relation, left, right):
                return self._temporal(relation, left, right)
            case Arrays(relation, left, right):
                return self._arrays(relation, left, right)

    def _all(self, parts: tuple[Expression, ...], word: str, empty: str) -> Sql:
        made = [self.of(part) for part in parts]
        return f"({word.join(sql for sql, _ in made) or empty})", tuple(p for _, params in made for p in params)

    def _contains(self, operand: Property, part: str) -> Sql:
        escaped = re.sub(r"([\\%_])", r"\\\1", part)
        fold = _FOLDED["casei"].format
        return f"({fold(self._column(operand).sql)} LIKE {fold('%s::text')})", (f"%{escaped}%",)

    def _like(self, operand: Operand, pattern: Operand) -> Sql:
        for item in (operand, pattern):
            if self._kind(item) != Kind.TEXT:
                raise self._mismatch([item, Literal(Kind.TEXT, "a pattern")])
        return self._join([operand, pattern], lambda sql: f"{sql[0]} LIKE {sql[1]}")

    def _is_null(self, operand: Operand) -> Sql:
        if self._is_place(operand):
            assert self._space
            return f"(NOT {self._space.is_placed})", ()
        if isinstance(operand, Geometry | Interval | Array):
            return "FALSE", ()
        sql, params = self._sql(operand)
        return f"({sql} IS NULL)", params

    def _join(self, operands: list[Operand], form: Callable[[list[str]], str]) -> Sql:
        kinds = {self._kind(operand) for operand in operands}
        if len(kinds) > 1 or kinds & {Kind.LIST}:
            raise self._mismatch(operands)
        made = [self._sql(operand) for operand in operands]
        return f"({form([sql for sql, _ in made])})", tuple(p for _, params in made for p in params)

    def _sql(self, operand: Operand) -> Sql:
        match operand:
            case Property():
                return self._column(operand).sql, ()
            case Literal(kind, value):
                return ("%s::text" if kind == Kind.TEXT else "%s"), (value,)
            case Arithmetic(left, operator, right):
                made = [self._sql(part) for part in (left, right)]
                return _ARITHMETIC[operator].format(*(sql for sql, _ in made)), made[0][1] + made[1][1]
            case Folded(how, inner):
                sql, params = self._sql(inner)
                return _FOLDED[how].format(sql), params
            case _:
                raise Cql2Error("a geometry, an interval or a list stands where one value is expected")

    def _kind(self, operand: Operand) -> Kind:
        match operand:
            case Property():
                kind = self._column(operand).kind
                return Kind.NUMBER if kind == Kind.INTEGER else kind
            case Literal(kind, _):
                return kind
            case Arithmetic(left, _, right):
                if {self._kind(left), self._kind(right)} != {Kind.NUMBER}:
                    raise self._mismatch([left, right, Literal(Kind.NUMBER, "0")])
                return Kind.NUMBER
            case Folded(_, inner):
                if self._kind(inner) != Kind.TEXT:
                    raise self._mismatch([inner, Literal(Kind.TEXT, "")])
                return Kind.TEXT
            case _:
                raise Cql2Error("a geometry, an interval or a list stands where one value is expected")

    def _column(self, operand: Property) -> Column:
        found = self._columns.get(operand.name)
        if found is None:
            there = sorted([*self._columns, *([self._space.name] if self._space else [])])
            if self._is_place(operand):
                raise Cql2Error(f"{operand.name}: is a geometry: use S_INTERSECTS and its like")
            raise Cql2Error(f"{operand.name}: there is no such property; there are {', '.join(there)}")
        return found

    def _mismatch(self, operands: list[Operand]) -> Cql2Error:
        for operand in operands:
            if isinstance(operand, Property):
                kind = self._kind(operand)
                others = [o for o in operands if self._kind(o) != kind]
                other = others[0] if others else operand
                shown = other.name if isinstance(other, Property) else getattr(other, "value", "an expression")
                return Cql2Error(f"{operand.name}: {str(shown)!r}: the property is {_SAYS[kind]}")
        return Cql2Error("a comparison needs values of one kind")

    def _is_place(self, operand: Operand) -> bool:
        return self._space is not None and isinstance(operand, Property) and operand.name == self._space.name

    def _spatial(self, relation: str, left: Operand, right: Operand) -> Sql:
        """Each relation to a geometry is found first, as ids; a row without a place is neither true nor false."""
        for operand in (left, right):
            if not isinstance(operand, Geometry) and not self._is_place(operand):
                name = operand.name if isinstance(operand, Property) else "a value"
                has = f"; there is {self._space.name}" if self._space else ": nothing here has a place"
                raise Cql2Error(f"{name}: is no geometry{has}")
        if isinstance(left, Geometry) and isinstance(right, Geometry):
            is_so = bool(getattr(shapely, relation)(left.shape, right.shape))
            return ("TRUE" if is_so else "FALSE"), ()
        assert self._space
        placed = self._space.is_placed
        if isinstance(left, Geometry):
            left, right, relation = right, left, _TURNED.get(relation, relation)
        if isinstance(right, Geometry):
            has = "NOT " if relation == "disjoint" else ""
            sql, params = self._space.meeting("intersects" if has else relation, right.shape)
            return f"(CASE WHEN {placed} THEN {has}{sql} END)", params
        return f"(CASE WHEN {placed} THEN {'TRUE' if relation in _SELF else 'FALSE'} END)", ()

    def _temporal(self, relation: str, left: Operand, right: Operand) -> Sql:
        ends = [*self._ends(left), *self._ends(right)]
        given = [end for end in ends if end is not None]
        for end in given:
            if self._kind(end) not in {Kind.DATE, Kind.TIME}:
                name = end.name if isinstance(end, Property) else str(getattr(end, "value", end))
                raise Cql2Error(f"{name}: is neither a date nor a time")
        if len({self._kind(end) for end in given}) > 1:
            raise self._mismatch(given)
        made = [
            (_FIRST, _LAST)[number % 2] if end is None else self._instant(end, number)
            for number, end in enumerate(ends)
        ]
        form = _TEMPORAL[relation]
        order = [int(place) for place in re.findall(r"\{(\d)\}", form)]
        values = [end.value if isinstance(end, Literal) else None for end in ends]
        params = tuple(values[n] for n in order if isinstance(ends[n], Literal))
        return f"({form.format(*made)})", params

    def _instant(self, end: Operand, _number: int) -> str:
        return self._column(end).sql if isinstance(end, Property) else '(%s::text COLLATE "C")'

    def _ends(self, operand: Operand) -> tuple[Operand | None, Operand | None]:
        if isinstance(operand, Interval):
            return operand.begin, operand.end
        if isinstance(operand, Property | Literal):
            return operand, operand
        raise Cql2Error("a T_ function compares dates, times and intervals")

    def _arrays(self, relation: str, left: Operand, right: Operand) -> Sql:
        made = [self._list(operand) for operand in (left, right)]
        form = _ARRAYS[relation]
        order = [int(place) for place in re.findall(r"\{(\d)\}", form)]
        params = tuple(p for number in order for p in made[number][1])
        return f"({form.format(made[0][0], made[1][0])})", params

    def _list(self, operand: Operand) -> Sql:
        if isinstance(operand, Array):
            if any(value.kind != Kind.TEXT for value in operand.values):
                raise Cql2Error("a list holds texts: write ('a', 'b')")
            return "%s::jsonb", (json.dumps([value.value for value in operand.values]),)
        if isinstance(operand, Property) and self._column(operand).kind == Kind.LIST:
            return self._column(operand).sql, ()
        name = operand.name if isinstance(operand, Property) else "a value"
        raise Cql2Error(f"{name}: is no list")
