"""CQL2 JSON (OGC 21-065r2, clause 11) to a tree and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import Any

from shapely.errors import ShapelyError
from shapely.geometry import mapping, shape

from shizhu.engines.records.logic.cql2_tree import (
    ARITHMETIC,
    ARRAYS,
    COMPARISONS,
    DEEPEST,
    OPEN,
    SPATIAL,
    TEMPORAL,
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
    Property,
    Some,
    Spatial,
    Temporal,
    box_of,
    date_of,
    finite,
    instant_of,
    number_of,
    pattern_of,
    time_of,
)
from shizhu.engines.records.logic.register import Kind

_RELATIONS: Mapping[str, tuple[type[Spatial | Temporal | Arrays], str]] = {
    **{f"s_{name}": (Spatial, name) for name in SPATIAL},
    **{f"t_{name}": (Temporal, name) for name in TEMPORAL},
    **{f"a_{name}": (Arrays, name) for name in ARRAYS},
}


def read(body: object) -> Expression:
    """The tree of a condition as JSON was decoded. Raises Cql2Error naming the path."""
    return _Reader().expression(body, "$", 0)


class _Reader:
    """Each step knows its path, to name it."""

    def expression(self, body: object, path: str, depth: int) -> Expression:
        if isinstance(body, bool):
            return Every(()) if body else Some(())
        operator, args = self._op(body, path, depth)
        inner = [(arg, f"{path}.args[{number}]", depth + 1) for number, arg in enumerate(args)]
        if operator in {"and", "or"}:
            parts = tuple(self.expression(*one) for one in inner)
            if len(parts) < 2:
                raise Cql2Error(f"{path}: {operator!r} needs at least two arguments")
            return Every(parts) if operator == "and" else Some(parts)
        makers: Mapping[str, tuple[int, Callable[[], Expression]]] = {
            "not": (1, lambda: Not(self.expression(*inner[0]))),
            "like": (2, lambda: Like(self.operand(*inner[0]), pattern_of(self.operand(*inner[1])))),
            "between": (3, lambda: Between(*(self.operand(*one) for one in inner))),
            "in": (2, lambda: Among(self.operand(*inner[0]), self._several(*inner[1]))),
            "isNull": (1, lambda: IsNull(self.operand(*inner[0]))),
        }
        number, make = makers.get(operator, (2, lambda: self._binary(operator, inner, path)))
        if len(args) != number:
            raise Cql2Error(f"{path}: {operator!r} needs {number} arguments, not {len(args)}")
        found: Expression = self._told(path, make)
        return found

    def operand(self, body: object, path: str, depth: int) -> Operand:
        if isinstance(body, bool):
            return Literal(Kind.BOOLEAN, body)
        if isinstance(body, str):
            return Literal(Kind.TEXT, body)
        if isinstance(body, int | float):
            found: Operand = self._told(path, lambda: number_of(repr(body)))
            return found
        if isinstance(body, list):
            return Array(tuple(self._literal(value, f"{path}[{number}]", depth) for number, value in enumerate(body)))
        if isinstance(body, Mapping):
            return self._object(body, path, depth)
        raise Cql2Error(f"{path}: {body!r} is no value")

    def _object(self, body: Mapping[str, Any], path: str, depth: int) -> Operand:
        readers: Mapping[str, Callable[[Any], Operand]] = {
            "property": lambda v: Property(self._text(v)),
            "date": lambda v: date_of(self._text(v)),
            "timestamp": lambda v: time_of(self._text(v)),
            "interval": lambda v: self._interval(v, path, depth),
            "bbox": lambda v: Geometry(box_of([float(number) for number in v])),
        }
        if "type" in body:
            return Geometry(self._told(path, lambda: _shape(body)))
        for name, reader in readers.items():
            if name in body:
                found: Operand = self._told(f"{path}.{name}", partial(reader, body[name]))
                return found
        operator, args = self._op(body, path, depth)
        inner = [self.operand(arg, f"{path}.args[{number}]", depth + 1) for number, arg in enumerate(args)]
        if operator in {"casei", "accenti"} and len(inner) == 1:
            return Folded(operator, inner[0])
        if operator in ARITHMETIC and len(inner) == 2:
            return Arithmetic(inner[0], operator, inner[1])
        raise Cql2Error(f"{path}: there is no function {operator!r} with {len(inner)} arguments")

    def _op(self, body: object, path: str, depth: int) -> tuple[str, list[Any]]:
        if depth > DEEPEST:
            raise Cql2Error(f"{path}: nested more than {DEEPEST} deep")
        if isinstance(body, Mapping) and isinstance(body.get("op"), str) and isinstance(body.get("args"), list):
            return body["op"], body["args"]
        raise Cql2Error(f"{path}: {str(body)[:60]!r} where an object with op and args is expected")

    def _binary(self, operator: str, inner: list[tuple[Any, str, int]], path: str) -> Expression:
        if operator not in COMPARISONS and operator not in _RELATIONS:
            raise Cql2Error(f"{path}.op: there is no operator {operator!r}")
        left, right = (self.operand(*one) for one in inner)
        if operator in COMPARISONS:
            return Comparison(left, operator, right)
        kind, name = _RELATIONS[operator]
        return kind(name, left, right)

    def _several(self, body: object, path: str, depth: int) -> tuple[Operand, ...]:
        if not isinstance(body, list) or not body:
            raise Cql2Error(f"{path}: {str(body)[:60]!r} where a list of values is expected")
        return tuple(self.operand(value, f"{path}[{number}]", depth) for number, value in enumerate(body))

    def _literal(self, body: object, path: str, depth: int) -> Literal:
        found = self.operand(body, path, depth + 1)
        if isinstance(found, Literal):
            return found
        raise Cql2Error(f"{path}: {str(body)[:60]!r} where a value is expected")

    def _interval(self, body: object, path: str, depth: int) -> Interval:
        if not isinstance(body, list) or len(body) != 2:
            raise ValueError("an interval has two ends")
        begin, end = (instant_of(v) if isinstance(v, str) else self.operand(v, path, depth + 1) for v in body)
        if isinstance(begin, Property | Literal | None) and isinstance(end, Property | Literal | None):
            return Interval(begin, end)
        raise ValueError("an end of an interval is a date, a time, a property or '..'")

    def _text(self, value: object) -> str:
        if not isinstance(value, str) or not value or '"' in value:
            raise ValueError(f"{value!r} is not a text of that kind")
        return value

    def _told(self, path: str, make: Callable[[], Any]) -> Any:
        try:
            return make()
        except Cql2Error:
            raise
        except (ValueError, TypeError, OverflowError) as error:
            raise Cql2Error(f"{path}: {error}") from None


def _shape(body: Mapping[str, Any]) -> Any:
    try:
        return finite(shape(dict(body)))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise ValueError(f"{str(body)[:60]!r} is no GeoJSON geometry: {error}") from None


def write(node: Any) -> Any:
    """A tree as JSON that reads back as the same tree."""
    return _WRITERS[type(node)](node)


def _op(operator: str, *parts: Any) -> dict[str, Any]:
    return {"op": operator, "args": [write(part) for part in parts]}


def _literal(item: Literal) -> Any:
    if isinstance(item.value, Decimal):
        return int(item.value) if item.value == item.value.to_integral_value() else float(item.value)
    return {Kind.DATE: {"date": item.value}, Kind.TIME: {"timestamp": item.value}}.get(item.kind, item.value)


def _end(item: Property | Literal | None) -> Any:
    return OPEN if item is None else item.value if isinstance(item, Literal) else write(item)


def _joined(operator: str, parts: tuple[Any, ...], neutral: bool) -> Any:
    if not parts:
        return neutral
    return {"op": operator, "args": [*map(write, parts), *([neutral] if len(parts) < 2 else [])]}


def _contains(node: Contains) -> Any:
    escaped = "".join(f"\\{c}" if c in "\\%_" else c for c in node.part)
    return write(Like(Folded("casei", node.operand), Folded("casei", Literal(Kind.TEXT, f"%{escaped}%"))))


_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    Property: lambda t: {"property": t.name},
    Literal: _literal,
    Arithmetic: lambda t: _op(t.operator, t.left, t.right),
    Folded: lambda t: _op(t.how, t.operand),
    Geometry: lambda t: mapping(t.shape),
    Interval: lambda t: {"interval": [_end(t.begin), _end(t.end)]},
    Array: lambda t: [write(value) for value in t.values],
    Comparison: lambda t: _op(t.operator, t.left, t.right),
    Among: lambda t: {"op": "in", "args": [write(t.operand), [write(value) for value in t.values]]},
    Between: lambda t: _op("between", t.operand, t.low, t.high),
    Like: lambda t: _op("like", t.operand, t.pattern),
    IsNull: lambda t: _op("isNull", t.operand),
    Contains: _contains,
    Spatial: lambda t: _op(f"s_{t.relation}", t.left, t.right),
    Temporal: lambda t: _op(f"t_{t.relation}", t.left, t.right),
    Arrays: lambda t: _op(f"a_{t.relation}", t.left, t.right),
    Not: lambda t: _op("not", t.expression),
    Every: lambda t: _joined("and", t.expressions, neutral=True),
    Some: lambda t: _joined("or", t.expressions, neutral=False),
}
