"""SQL with bound parameters from a CQL2 tree.

Nothing but the columns that the caller gives, and constants of this file, ever becomes SQL text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shizhu.engines.records.logic.cql2 import (
    Among,
    Between,
    Comparison,
    Contains,
    Cql2Error,
    Every,
    Expression,
    IsNull,
    Literal,
    Not,
    Operand,
    Property,
    Some,
    parse,
)
from shizhu.engines.records.logic.register import Kind


@dataclass(frozen=True)
class Column:
    """Where a property's value is: SQL of ours, and its kind. Dates and times are texts that sort as they do."""

    sql: str
    kind: Kind


Columns = Mapping[str, Column]
Sql = tuple[str, tuple[Any, ...]]

_SAYS = {
    Kind.TEXT: "text: write 'a text'", Kind.NUMBER: "a number", Kind.BOOLEAN: "yes or no: write TRUE or FALSE",
    Kind.DATE: "a date: write DATE('2026-01-31')", Kind.TIME: "a time: write TIMESTAMP('2026-01-31T08:00:00Z')",
}  # fmt: skip


def compiled(expression: Expression, columns: Columns) -> Sql:
    """SQL and its parameters. Raises Cql2Error for an unknown property or values of different kinds."""
    return _Compiler(columns).of(expression)


def condition(where: str, columns: Columns) -> Sql:
    """SQL and its parameters of a condition in CQL2 text, for tables of other engines too. Raises Cql2Error."""
    return compiled(parse(where), columns)


class _Compiler:
    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    def of(self, expression: Expression) -> Sql:
        match expression:
            case Comparison(left, operator, right):
                return self._join([left, right], lambda sql: f"{sql[0]} {operator} {sql[1]}")
            case Among(operand, values):
                return self._join([operand, *values], lambda sql: f"{sql[0]} IN ({', '.join(sql[1:])})")
            case Between(operand, low, high):
                return self._join([operand, low, high], lambda sql: f"{sql[0]} BETWEEN {sql[1]} AND {sql[2]}")
            case IsNull(operand):
                return self._join([operand], lambda sql: f"{sql[0]} IS NULL")
            case Contains(operand, part):
                return self._contains(operand, part)
            case Not(inner):
                sql, params = self.of(inner)
                return f"NOT {sql}", params
            case Every(parts):
                return self._all(parts, " AND ", "TRUE")
            case Some(parts):
                return self._all(parts, " OR ", "FALSE")

    def _all(self, parts: tuple[Expression, ...], word: str, empty: str) -> Sql:
        made = [self.of(part) for part in parts]
        return f"({word.join(sql for sql, _ in made) or empty})", tuple(p for _, params in made for p in params)

    def _contains(self, operand: Property, part: str) -> Sql:
        escaped = re.sub(r"([\\%_])", r"\\\1", part)
        return f"({self._column(operand).sql} ILIKE %s)", (f"%{escaped}%",)

    def _join(self, operands: list[Operand], form: Callable[[list[str]], str]) -> Sql:
        kinds = {self._kind(operand) for operand in operands}
        if len(kinds) > 1:
            raise self._mismatch(operands)
        params = tuple(operand.value for operand in operands if isinstance(operand, Literal))
        return f"({form([self._sql(operand) for operand in operands])})", params

    def _sql(self, operand: Operand) -> str:
        return self._column(operand).sql if isinstance(operand, Property) else "%s"

    def _kind(self, operand: Operand) -> Kind:
        kind = self._column(operand).kind if isinstance(operand, Property) else operand.kind
        return Kind.NUMBER if kind == Kind.INTEGER else kind

    def _column(self, operand: Property) -> Column:
        found = self._columns.get(operand.name)
        if found is None:
            raise Cql2Error(f"{operand.name}: there is no such property; there are {', '.join(sorted(self._columns))}")
        return found

    def _mismatch(self, operands: list[Operand]) -> Cql2Error:
        for operand in operands:
            if isinstance(operand, Property):
                other = next(o for o in operands if self._kind(o) != self._kind(operand))
                shown = other.name if isinstance(other, Property) else other.value
                return Cql2Error(f"{operand.name}: {str(shown)!r}: the property is {_SAYS[self._kind(operand)]}")
        return Cql2Error("a comparison needs values of one kind")
