"""CQL2 text (OGC 21-065r2, annex B) to a tree and back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.errors import ShapelyError

from shizhu.engines.records.logic.cql2_tree import (
    ARRAYS,
    COMPARISONS,
    DEEPEST,
    LONGEST,
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

_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)
    |(?P<quoted>"[^"]+")|(?P<word>[^\W\d][\w.]*)|(?P<sign><>|<=|>=|[-+*/%^=<>(),]))""",
    re.VERBOSE,
)
_WKT = {"POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION"}
_RELATIONS: Mapping[str, tuple[type[Spatial | Temporal | Arrays], str]] = {
    **{f"S_{name.upper()}": (Spatial, name) for name in SPATIAL},
    **{f"T_{name.upper()}": (Temporal, name) for name in TEMPORAL},
    **{f"A_{name.upper()}": (Arrays, name) for name in ARRAYS},
}
_RESERVED = {"AND", "OR", "NOT", "IN", "IS", "BETWEEN", "LIKE", "NULL"}
_WANTED = "=, <>, <, <=, >, >=, IN, LIKE, BETWEEN or IS"
_OPERAND = "a property or a value"
DIGITS = 30  # of a coordinate, so that it is read back as it was
Found = Expression | Operand


def parse(text: str) -> Expression:
    """The tree of a condition. Raises Cql2Error naming the place."""
    if len(text) > LONGEST:
        raise Cql2Error(f"a condition may have at most {LONGEST} characters, this has {len(text)}")
    return _Parser(text).whole()


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int

    @property
    def word(self) -> str:
        return self.text.upper() if self.kind == "word" else self.text if self.kind == "sign" else ""


def _tokens(text: str) -> Iterator[_Token]:
    place, end = 0, len(text.rstrip())
    while place < end:
        found = _TOKEN.match(text, place)
        if not found:
            raise Cql2Error(f"at character {place + 1}: {text[place : place + 20].strip()!r} is not CQL2 text")
        kind = str(found.lastgroup)
        yield _Token(kind, found[kind], found.start(kind) + 1)
        place = found.end()
    yield _Token("end", "the end", end + 1)


class _Parser:
    """Recursive descent, one token ahead. A part in brackets may turn out an operand or an expression."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._rest = _tokens(text)
        self._next = next(self._rest)
        self._depth = 0

    def whole(self) -> Expression:
        found = self._expression(self._some())
        if self._next.kind != "end":
            raise self._fault("AND, OR or the end")
        return found

    def _fault(self, wanted: str) -> Cql2Error:
        return Cql2Error(f"at character {self._next.place}: {self._next.text!r} where {wanted} is expected")

    def _take(self) -> _Token:
        taken = self._next
        if taken.kind != "end":
            self._next = next(self._rest)
        return taken

    def _took(self, word: str) -> bool:
        is_there = self._next.word == word
        if is_there:
            self._take()
        return is_there

    def _expect(self, word: str) -> None:
        if not self._took(word):
            raise self._fault(word)

    def _expression(self, found: Found) -> Expression:
        if isinstance(found, Expression):
            return found
        raise self._fault(_WANTED)

    def _value(self, found: Found) -> Operand:
        if isinstance(found, Operand):
            return found
        raise self._fault("AND, OR or the end")

    def _some(self) -> Found:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Cql2Error(f"at character {self._next.place}: nested more than {DEEPEST} deep")
        found = self._every()
        if self._next.word == "OR":
            parts = [self._expression(found)]
            while self._took("OR"):
                parts.append(self._expression(self._every()))
            found = Some(tuple(parts))
        self._depth -= 1
        return found

    def _every(self) -> Found:
        found = self._factor()
        if self._next.word == "AND":
            parts = [self._expression(found)]
            while self._took("AND"):
                parts.append(self._expression(self._factor()))
            found = Every(tuple(parts))
        return found

    def _factor(self) -> Found:
        times = 0
        while self._took("NOT"):
            times += 1
        found = self._predicate()
        if not times:
            return found
        expression = self._expression(found)
        return Not(expression) if times % 2 else expression

    def _predicate(self) -> Found:
        left = self._sum()
        if isinstance(left, Expression):
            return left
        if self._next.word in COMPARISONS:
            return Comparison(left, self._take().text, self._value(self._sum()))
        if self._took("IS"):
            is_negated = self._took("NOT")
            self._expect("NULL")
            return Not(IsNull(left)) if is_negated else IsNull(left)
        is_negated = self._took("NOT")
        readers = {"IN": self._among, "BETWEEN": self._between, "LIKE": self._like}
        reader = readers.get(self._next.word)
        if reader is None:
            return self._alone(left, is_negated=is_negated)
        self._take()
        found = reader(left)
        return Not(found) if is_negated else found

    def _alone(self, left: Operand, *, is_negated: bool) -> Found:
        if is_negated:
            raise self._fault("IN, LIKE or BETWEEN")
        if isinstance(left, Literal) and left.kind == Kind.BOOLEAN:
            return Every(()) if left.value else Some(())
        return left

    def _among(self, left: Operand) -> Expression:
        self._expect("(")
        values = [self._value(self._sum())]
        while self._took(","):
            values.append(self._value(self._sum()))
        self._expect(")")
        return Among(left, tuple(values))

    def _between(self, left: Operand) -> Expression:
        low = self._value(self._sum())
        self._expect("AND")
        return Between(left, low, self._value(self._sum()))

    def _like(self, left: Operand) -> Expression:
        place = self._next.place
        return Like(left, self._told(place, lambda: pattern_of(self._value(self._atom()))))

    def _told(self, place: int, make: Callable[[], Any]) -> Any:
        """Make something; what is wrong with it is told with its place."""
        try:
            return make()
        except Cql2Error:
            raise
        except ValueError as error:
            raise Cql2Error(f"at character {place}: {error}") from None

    def _sum(self) -> Found:
        return self._binary(("+", "-"), self._product)

    def _product(self) -> Found:
        return self._binary(("*", "/", "%", "DIV"), self._power)

    def _power(self) -> Found:
        return self._binary(("^",), self._atom)

    def _binary(self, operators: tuple[str, ...], part: Callable[[], Found]) -> Found:
        found = part()
        while self._next.word in operators:
            left, operator = self._value(found), self._take().text.lower()
            found = Arithmetic(left, operator, self._value(part()))
            self._depth_of(found)
        return found

    def _depth_of(self, found: Arithmetic) -> None:
        depth, node = 0, found
        while isinstance(node.left, Arithmetic):
            depth, node = depth + 1, node.left
        if depth >= DEEPEST:
            raise Cql2Error(f"at character {self._next.place}: nested more than {DEEPEST} deep")

    def _atom(self) -> Found:
        token = self._next
        if token.word == "(":
            self._take()
            found = self._some()
            self._expect(")")
            return found
        if token.word == "-":
            self._take()
            if self._next.kind != "number":
                raise self._fault("a number")
            return number_of(f"-{self._take().text}")
        if token.kind == "word":
            return self._word()
        make = _OPERANDS.get(token.kind)
        if make is None:
            raise self._fault(_OPERAND)
        self._take()
        return make(token.text)

    def _word(self) -> Found:
        token = self._next
        if token.word in _RESERVED:
            raise self._fault(_OPERAND)
        self._take()
        if self._next.word == "(":
            return self._call(token)
        if token.word in _WKT and self._next.word in {"Z", "EMPTY"}:
            return self._wkt(token)
        return Literal(Kind.BOOLEAN, token.word == "TRUE") if token.word in {"TRUE", "FALSE"} else Property(token.text)

    def _call(self, token: _Token) -> Found:
        if token.word in _WKT:
            return self._wkt(token)
        if token.word in _RELATIONS:
            return self._relation(*_RELATIONS[token.word])
        makers: Mapping[str, Callable[[], Operand]] = {
            "DATE": lambda: self._temporal(date_of),
            "TIMESTAMP": lambda: self._temporal(time_of),
            "INTERVAL": self._interval,
            "BBOX": lambda: self._box(token),
            "CASEI": lambda: Folded("casei", self._inner()),
            "ACCENTI": lambda: Folded("accenti", self._inner()),
        }
        if token.word not in makers:
            raise Cql2Error(f"at character {token.place}: there is no function {token.text!r}")
        self._expect("(")
        found = makers[token.word]()
        self._expect(")")
        return found

    def _inner(self) -> Operand:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Cql2Error(f"at character {self._next.place}: nested more than {DEEPEST} deep")
        found = self._value(self._sum())
        self._depth -= 1
        return found

    def _relation(self, kind: type[Spatial | Temporal | Arrays], name: str) -> Expression:
        argument = self._array if kind is Arrays else lambda: self._value(self._sum())
        self._expect("(")
        left = argument()
        self._expect(",")
        right = argument()
        self._expect(")")
        return kind(name, left, right)

    def _array(self) -> Operand:
        if self._next.word != "(":
            return self._value(self._atom())
        self._take()
        values: list[Literal] = []
        while self._next.word != ")":
            if values:
                self._expect(",")
            found = self._atom()
            if not isinstance(found, Literal):
                raise self._fault("a value")
            values.append(found)
        self._expect(")")
        return Array(tuple(values))

    def _temporal(self, read: Callable[[str], Literal]) -> Literal:
        if self._next.kind != "text":
            raise self._fault("a text such as '2026-01-31'")
        token = self._take()
        found: Literal = self._told(token.place, lambda: read(_unquoted(token.text)))
        return found

    def _interval(self) -> Interval:
        begin = self._end()
        self._expect(",")
        return Interval(begin, self._end())

    def _end(self) -> Property | Literal | None:
        token = self._next
        if token.kind == "text":
            self._take()
            found: Literal | None = self._told(token.place, lambda: instant_of(_unquoted(token.text)))
            return found
        inner = self._atom()
        if isinstance(inner, Property) or (isinstance(inner, Literal) and inner.kind in {Kind.DATE, Kind.TIME}):
            return inner
        raise Cql2Error(f"at character {token.place}: {token.text!r} where a date, a time or '..' is expected")

    def _box(self, token: _Token) -> Geometry:
        numbers: list[float] = []
        while not numbers or self._took(","):
            found = self._atom()
            if not isinstance(found, Literal) or found.kind != Kind.NUMBER:
                raise self._fault("a number")
            numbers.append(float(found.value))
        return Geometry(self._told(token.place, lambda: box_of(numbers)))

    def _wkt(self, token: _Token) -> Geometry:
        """Well-known text up to the bracket that closes it; numbers there stand side by side."""
        depth, last = 0, token
        while last is token or depth:
            last = self._take()
            depth += {"(": 1, ")": -1}.get(last.word, 0)
            if last.kind == "end":
                raise self._fault(")")
            if last.word == "EMPTY":
                break
        text = self._text[token.place - 1 : last.place - 1 + len(last.text)]
        return Geometry(self._told(token.place, lambda: _shape(text)))


def _shape(text: str) -> Any:
    try:
        return finite(shapely.from_wkt(text))
    except (ShapelyError, ValueError) as error:
        raise ValueError(f"{text[:60]!r} is no geometry: {error}") from None


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


_OPERANDS: Mapping[str, Callable[[str], Operand]] = {
    "text": lambda text: Literal(Kind.TEXT, _unquoted(text)),
    "number": number_of,
    "quoted": lambda text: Property(text[1:-1]),
}


def write(node: Any) -> str:
    """A tree as CQL2 text that reads back as the same tree."""
    return _WRITERS[type(node)](node)


def _call(name: str, *parts: Any) -> str:
    return f"{name}({', '.join(write(part) for part in parts)})"


def _joined(parts: tuple[Any, ...], word: str, neutral: str) -> str:
    made = [_bracketed(part) for part in parts]
    return f" {word} ".join(made if len(made) > 1 else [*made, neutral])


def _bracketed(node: Any) -> str:
    return f"({write(node)})" if isinstance(node, Every | Some | Not | Arithmetic) else write(node)


def _literal(item: Literal) -> str:
    if item.kind == Kind.TEXT:
        return "'{}'".format(str(item.value).replace("'", "''"))
    if item.kind == Kind.BOOLEAN:
        return str(item.value).upper()
    return {Kind.DATE: "DATE('{}')", Kind.TIME: "TIMESTAMP('{}')"}.get(item.kind, "{}").format(item.value)


def _end(item: Property | Literal | None) -> str:
    if item is None:
        return f"'{OPEN}'"
    return f"'{item.value}'" if isinstance(item, Literal) else write(item)


def _contains(node: Contains) -> str:
    escaped = re.sub(r"([\\%_])", r"\\\1", node.part)
    return f"CASEI({write(node.operand)}) LIKE CASEI({_literal(Literal(Kind.TEXT, f'%{escaped}%'))})"


_PLAIN = re.compile(r"[^\W\d][\w.]*")
_WORDS = _RESERVED | {"TRUE", "FALSE", "DIV"} | _WKT
_WRITERS: Mapping[type, Callable[[Any], str]] = {
    Property: lambda t: t.name if _PLAIN.fullmatch(t.name) and t.name.upper() not in _WORDS else f'"{t.name}"',
    Literal: _literal,
    Arithmetic: lambda t: f"{_bracketed(t.left)} {t.operator} {_bracketed(t.right)}",
    Folded: lambda t: _call(t.how.upper(), t.operand),
    Geometry: lambda t: shapely.to_wkt(t.shape, rounding_precision=DIGITS),
    Interval: lambda t: f"INTERVAL({_end(t.begin)}, {_end(t.end)})",
    Array: lambda t: f"({', '.join(map(write, t.values))})",
    Comparison: lambda t: f"{_bracketed(t.left)} {t.operator} {_bracketed(t.right)}",
    Among: lambda t: f"{_bracketed(t.operand)} IN ({', '.join(map(_bracketed, t.values))})",
    Between: lambda t: f"{_bracketed(t.operand)} BETWEEN {_bracketed(t.low)} AND {_bracketed(t.high)}",
    Like: lambda t: f"{_bracketed(t.operand)} LIKE {write(t.pattern)}",
    IsNull: lambda t: f"{_bracketed(t.operand)} IS NULL",
    Contains: _contains,
    Spatial: lambda t: _call(f"S_{t.relation.upper()}", t.left, t.right),
    Temporal: lambda t: _call(f"T_{t.relation.upper()}", t.left, t.right),
    Arrays: lambda t: _call(f"A_{t.relation.upper()}", t.left, t.right),
    Not: lambda t: f"NOT {_bracketed(t.expression)}",
    Every: lambda t: _joined(t.expressions, "AND", "TRUE"),
    Some: lambda t: _joined(t.expressions, "OR", "FALSE"),
}
