"""A subset of CQL2 text (OGC 21-065r2): comparisons, AND, OR, NOT, IN, BETWEEN, IS NULL, DATE and TIMESTAMP.

This file makes a tree of it; `cql2_sql` makes SQL of the tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from shizhu.engines.records.logic.register import Kind
from shizhu.engines.records.logic.values import time_text

LONGEST = 4000
DEEPEST = 40
LARGEST = 999  # power of ten: beyond what any field holds


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


Operand = Property | Literal


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
class IsNull:
    """`operand IS NULL`."""

    operand: Operand


@dataclass(frozen=True)
class Contains:
    """A text has this part, whatever its case. Filter forms make it; the text form has no words for it yet."""

    operand: Property
    part: str


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


Expression = Comparison | Among | Between | IsNull | Contains | Not | Every | Some


_TOKEN = re.compile(
    r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)
    |(?P<quoted>"[^"]+")|(?P<word>[A-Za-z_][A-Za-z0-9_.]*)|(?P<sign><>|<=|>=|[=<>(),]))""",
    re.VERBOSE,
)
_OPERATORS = {"=", "<>", "<", "<=", ">", ">="}


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
    """Recursive descent, one token ahead."""

    def __init__(self, text: str) -> None:
        self._rest = _tokens(text)
        self._next = next(self._rest)
        self._depth = 0

    def whole(self) -> Expression:
        found = self._some()
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

    def _some(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise Cql2Error(f"at character {self._next.place}: nested more than {DEEPEST} deep")
        parts = [self._every()]
        while self._took("OR"):
            parts.append(self._every())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _every(self) -> Expression:
        parts = [self._factor()]
        while self._took("AND"):
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _factor(self) -> Expression:
        is_negated = False
        while self._took("NOT"):
            is_negated = not is_negated
        found = self._group() if self._next.word == "(" else self._predicate()
        return Not(found) if is_negated else found

    def _group(self) -> Expression:
        self._expect("(")
        found = self._some()
        self._expect(")")
        return found

    def _predicate(self) -> Expression:
        left = self._operand()
        if self._next.word in _OPERATORS:
            return Comparison(left, self._take().text, self._operand())
        if self._took("IS"):
            is_negated = self._took("NOT")
            self._expect("NULL")
            return Not(IsNull(left)) if is_negated else IsNull(left)
        is_negated = self._took("NOT")
        found = self._among(left) if self._took("IN") else self._between(left)
        return Not(found) if is_negated else found

    def _among(self, left: Operand) -> Expression:
        self._expect("(")
        values = [self._operand()]
        while self._took(","):
            values.append(self._operand())
        self._expect(")")
        return Among(left, tuple(values))

    def _between(self, left: Operand) -> Expression:
        if not self._took("BETWEEN"):
            raise self._fault("=, <>, <, <=, >, >=, IN, BETWEEN or IS")
        low = self._operand()
        self._expect("AND")
        return Between(left, low, self._operand())

    def _operand(self) -> Operand:
        token = self._next
        if token.kind == "word" and token.word in {"AND", "OR", "NOT", "IN", "IS", "BETWEEN", "NULL"}:
            raise self._fault("a property or a value")
        make = _OPERANDS.get(token.kind)
        if make is None:
            raise self._fault("a property or a value")
        self._take()
        if token.word in {"DATE", "TIMESTAMP"} and self._next.word == "(":
            return self._temporal(token.word)
        return make(token.text)

    def _temporal(self, word: str) -> Literal:
        self._expect("(")
        if self._next.kind != "text":
            raise self._fault("a text such as '2026-01-31'")
        token = self._take()
        self._expect(")")
        try:
            return date_of(_unquoted(token.text)) if word == "DATE" else time_of(_unquoted(token.text))
        except ValueError as error:
            raise Cql2Error(f"at character {token.place}: {error}") from None


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


def _unquoted(text: str) -> str:
    return text[1:-1].replace("''", "'")


def _word(text: str) -> Operand:
    return Literal(Kind.BOOLEAN, text.upper() == "TRUE") if text.upper() in {"TRUE", "FALSE"} else Property(text)


_OPERANDS: Mapping[str, Callable[[str], Operand]] = {
    "text": lambda text: Literal(Kind.TEXT, _unquoted(text)),
    "number": number_of,
    "quoted": lambda text: Property(text[1:-1]),
    "word": _word,
}
