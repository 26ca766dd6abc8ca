"""The tree of a CQL2 condition (OGC 21-065r2): what the text and the JSON form are read into, and SQL is made of.

An operand has a value, an expression is true, false or unknown. `Every(())` is TRUE and `Some(())` is FALSE.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from shapely import MultiPolygon, box
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.logic.register import Kind
from shizhu.engines.records.logic.values import time_text

LONGEST = 8000
DEEPEST = 40
LARGEST = 999  # power of ten: beyond what any field holds
COMPARISONS = ("=", "<>", "<", "<=", ">", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
SPATIAL = ("intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains")
TEMPORAL = (
    "after", "before", "contains", "disjoint", "during", "equals", "finishedby", "finishes", "intersects", "meets",
    "metby", "overlappedby", "overlaps", "startedby", "starts",
)  # fmt: skip
ARRAYS = ("equals", "contains", "containedby", "overlaps")
OPEN = ".."  # an end of an interval that is open


class Cql2Error(ValueError):
    """A condition that cannot be understood; names the place or the property, the value and the rule."""


@dataclass(frozen=True)
class Property:
    """The value of a field."""

    name: str


@dataclass(frozen=True)
class Literal:
    """A constant: dates and times are their written form."""

    kind: Kind
    value: str | Decimal | bool


@dataclass(frozen=True)
class Arithmetic:
    """`left operator right` of numbers."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class Folded:
    """`CASEI(operand)` or `ACCENTI(operand)`: a text without regard to case or accents; `how` is casei or accenti."""

    how: str
    operand: Operand


@dataclass(frozen=True)
class Geometry:
    """A geometry in WGS 84 degrees, or in the coordinates the reader was told of."""

    shape: BaseGeometry


@dataclass(frozen=True)
class Interval:
    """`INTERVAL(begin, end)`; None is open."""

    begin: Property | Literal | None
    end: Property | Literal | None


@dataclass(frozen=True)
class Array:
    """A list of values, as array functions take it."""

    values: tuple[Literal, ...]


Operand = Property | Literal | Arithmetic | Folded | Geometry | Interval | Array


@dataclass(frozen=True)
class Comparison:
    """`left operator right`."""

    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class Among:
    """`operand IN (…)`."""

    operand: Operand
    values: tuple[Operand, ...]


@dataclass(frozen=True)
class Between:
    """`operand BETWEEN low AND high`."""

    operand: Operand
    low: Operand
    high: Operand


@dataclass(frozen=True)
class Like:
    """`operand LIKE pattern`: % is any text, _ one character, a backslash takes either as it is."""

    operand: Operand
    pattern: Operand


@dataclass(frozen=True)
class IsNull:
    """`operand IS NULL`."""

    operand: Operand


@dataclass(frozen=True)
class Contains:
    """A text has this part, whatever its case. Filter forms make it; in CQL2 it is CASEI(…) LIKE CASEI('%…%')."""

    operand: Property
    part: str


@dataclass(frozen=True)
class Spatial:
    """`S_<relation>(left, right)`."""

    relation: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Temporal:
    """`T_<relation>(left, right)`; an instant counts as the interval of that instant."""

    relation: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Arrays:
    """`A_<relation>(left, right)`; lists are compared as sets."""

    relation: str
    left: Operand
    right: Operand


@dataclass(frozen=True)
class Not:
    """`NOT expression`."""

    expression: Expression


@dataclass(frozen=True)
class Every:
    """`a AND b …`; of none: true."""

    expressions: tuple[Expression, ...]


@dataclass(frozen=True)
class Some:
    """`a OR b …`; of none: false."""

    expressions: tuple[Expression, ...]


Predicate = Comparison | Among | Between | Like | IsNull | Contains | Spatial | Temporal | Arrays
Expression = Predicate | Not | Every | Some


def with_shapes(node: Any, change: Callable[[BaseGeometry], BaseGeometry]) -> Any:
    """The same tree with every geometry changed, for example into other coordinates."""
    if isinstance(node, Geometry):
        return Geometry(change(node.shape))
    if isinstance(node, tuple):
        return tuple(with_shapes(part, change) for part in node)
    if isinstance(node, Expression | Operand) and not isinstance(node, Property | Literal):
        return replace(node, **{f.name: with_shapes(getattr(node, f.name), change) for f in fields(node)})
    return node


def properties(node: Any) -> set[str]:
    """The names of all properties of a tree."""
    if isinstance(node, Property):
        return {node.name}
    parts = node if isinstance(node, tuple) else ()
    if isinstance(node, Expression | Operand):
        parts = tuple(getattr(node, f.name) for f in fields(node))
    return set().union(*(properties(part) for part in parts))


def date_of(text: str) -> Literal:
    """A date such as 2026-01-31; ValueError for anything else."""
    try:
        value = date.fromisoformat(text).isoformat()
    except ValueError:
        value = ""
    if value != text:
        raise ValueError(f"{text!r} is not a date such as 2026-01-31")
    return Literal(Kind.DATE, value)


def time_of(text: str) -> Literal:
    """A time with zone such as 2026-01-31T08:00:00Z; ValueError for anything else."""
    value = time_text(text)
    if not value:
        raise ValueError(f"{text!r} is not a time with zone such as 2026-01-31T08:00:00Z")
    return Literal(Kind.TIME, value)


def instant_of(text: str) -> Literal | None:
    """A date or a time, as an end of an interval; `..` is open. ValueError for anything else."""
    if text == OPEN:
        return None
    return date_of(text) if len(text) <= 10 else time_of(text)


def number_of(text: str) -> Literal:
    """A finite number; ValueError for anything else."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value.adjusted()) > LARGEST:
        raise ValueError(f"{text!r} is not a number")
    return Literal(Kind.NUMBER, value)


def literal_of(kind: Kind, text: str) -> Literal:
    """A value by its kind, as it stands in an address: bare. ValueError names a value that is of another kind."""
    if kind == Kind.BOOLEAN:
        if text not in {"true", "false"}:
            raise ValueError(f"{text!r} is not true or false")
        return Literal(Kind.BOOLEAN, text == "true")
    readers = {Kind.NUMBER: number_of, Kind.INTEGER: number_of, Kind.DATE: date_of, Kind.TIME: time_of}
    return readers[kind](text) if kind in readers else Literal(Kind.TEXT, text)


def pattern_of(operand: Operand) -> Operand:
    """A pattern of LIKE; ValueError for one that ends in the middle of an escape, or is not a text."""
    inner = operand
    while isinstance(inner, Folded):
        inner = inner.operand
    if not isinstance(inner, Literal) or inner.kind != Kind.TEXT:
        raise ValueError("LIKE needs a pattern in quotes")
    text = str(inner.value)
    if (len(text) - len(text.rstrip("\\"))) % 2:
        raise ValueError(f"{text!r} ends with a backslash that stands before nothing")
    return operand


def finite(shape: BaseGeometry) -> BaseGeometry:
    """The geometry, if all its coordinates are numbers that can be; ValueError for another."""
    if not all(math.isfinite(bound) for bound in shape.bounds) and not shape.is_empty:
        raise ValueError("a coordinate is no finite number")
    return shape


def box_of(numbers: list[float]) -> BaseGeometry:
    """A BBOX of four or six numbers; one over the antimeridian is two boxes. ValueError for anything else."""
    if len(numbers) not in {4, 6}:
        raise ValueError("a BBOX has four or six numbers")
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError("a BBOX has finite numbers")
    west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    if south > north:
        raise ValueError("the south of a BBOX lies above its north")
    if west <= east:
        return box(west, south, east, north)
    return MultiPolygon([box(west, south, 180.0, north), box(-180.0, south, east, north)])
