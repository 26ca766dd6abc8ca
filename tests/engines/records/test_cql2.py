"""The CQL2 text subset: what parses, what is refused with its place, and that SQL agrees with a model in Python."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.columns import expression
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
    Property,
    Some,
)
from shizhu.engines.records.logic.cql2_sql import Column, compiled
from shizhu.engines.records.logic.register import Kind, Register

FIELDS = {
    "name": {"type": "string"},
    "size": {"type": "number"},
    "made": {"type": "string", "format": "date"},
    "seen": {"type": "string", "format": "date-time"},
    "is_red": {"type": "boolean"},
}
CUP = Register("toy.cup", {"properties": FIELDS})
COLUMNS = {name: Column(expression(item, "r"), item.kind) for name, item in CUP.fields.items()}
A, ONE, TWO = Property("a"), Literal(Kind.NUMBER, Decimal(1)), Literal(Kind.NUMBER, Decimal(2))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a = 1", Comparison(A, "=", ONE)),
        (" a<>1 ", Comparison(A, "<>", ONE)),
        ("1 <= a", Comparison(ONE, "<=", A)),
        ("a = -1.50e1", Comparison(A, "=", Literal(Kind.NUMBER, Decimal("-15.0")))),
        ("a = 'it''s'", Comparison(A, "=", Literal(Kind.TEXT, "it's"))),
        ("a = '河'", Comparison(A, "=", Literal(Kind.TEXT, "河"))),
        ("a = true", Comparison(A, "=", Literal(Kind.BOOLEAN, True))),
        ("a = DATE('2026-01-31')", Comparison(A, "=", Literal(Kind.DATE, "2026-01-31"))),
        (
            "a = timestamp('2026-01-31T08:00:00+08:00')",
            Comparison(A, "=", Literal(Kind.TIME, "2026-01-31T00:00:00.000000Z")),
        ),
        ('"a" = "date"', Comparison(A, "=", Property("date"))),
        ("date = 1", Comparison(Property("date"), "=", ONE)),
        ("a IN (1, 2)", Among(A, (ONE, TWO))),
        ("a NOT IN (1)", Not(Among(A, (ONE,)))),
        ("a between 1 and 2", Between(A, ONE, TWO)),
        ("a NOT BETWEEN 1 AND 2 AND a = 1", Every((Not(Between(A, ONE, TWO)), Comparison(A, "=", ONE)))),
        ("a IS NULL", IsNull(A)),
        ("a IS NOT NULL", Not(IsNull(A))),
        ("NOT a = 1", Not(Comparison(A, "=", ONE))),
        ("NOT NOT a = 1", Comparison(A, "=", ONE)),
        (
            "a = 1 OR a = 2 AND a IS NULL",
            Some((Comparison(A, "=", ONE), Every((Comparison(A, "=", TWO), IsNull(A))))),
        ),
        (
            "(a = 1 OR a = 2) AND a IS NULL",
            Every((Some((Comparison(A, "=", ONE), Comparison(A, "=", TWO))), IsNull(A))),
        ),
    ],
)
def test_a_text_becomes_a_tree(text: str, tree: Expression) -> None:
    assert cql2.parse(text) == tree


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "at character 1: 'the end' where a property or a value is expected"),
        ("a", "at character 2: 'the end' where =, <>, <, <=, >, >=, IN, BETWEEN or IS is expected"),
        ("a = ", "at character 4: 'the end' where a property or a value is expected"),
        ("a = 1 b", "at character 7: 'b' where AND, OR or the end is expected"),
        ("a = 'x", 'at character 4: "\'x" is not CQL2 text'),
        ("a = 1; DROP TABLE x", "at character 6: '; DROP TABLE x' is not CQL2 text"),
        ("a IN ()", "at character 7: ')' where a property or a value is expected"),
        ("a IS 1", "at character 6: '1' where NULL is expected"),
        ("(a = 1", "at character 7: 'the end' where ) is expected"),
        ("a = DATE('soon')", "at character 10: 'soon' is not a date such as 2026-01-31"),
        ("a = TIMESTAMP('2026-01-31T00:00:00')", "is not a time with zone such as"),
        ("(" * 50 + "a = 1" + ")" * 50, "nested more than 40 deep"),
        ("a = " + "1" * 4000, "a condition may have at most 4000 characters, this has 4004"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(Cql2Error) as told:
        cql2.parse(text)
    assert fault in str(told.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour = 'red'", "colour: there is no such property; there are is_red, made, name, seen, size"),
        ("size = 'big'", "size: 'big': the property is a number"),
        ("name = 1", "name: '1': the property is text: write 'a text'"),
        ("made = '2026-01-31'", "made: '2026-01-31': the property is a date: write DATE('2026-01-31')"),
        ("made < seen", "made: 'seen': the property is a date: write DATE('2026-01-31')"),
        ("seen > DATE('2026-01-31')", "seen: '2026-01-31': the property is a time"),
        ("is_red = 1", "is_red: '1': the property is yes or no: write TRUE or FALSE"),
        ("size IN (1, 'x')", "size: 'x': the property is a number"),
        ("1 = 'x'", "a comparison needs values of one kind"),
    ],
)
def test_values_of_another_kind_are_refused(text: str, fault: str) -> None:
    with pytest.raises(Cql2Error) as told:
        compiled(cql2.parse(text), COLUMNS)
    assert fault in str(told.value)


def test_values_are_bound_and_never_sql() -> None:
    sql, params = compiled(cql2.parse("name = '%s''; DROP TABLE x' OR size > 1"), COLUMNS)
    assert params == ("%s'; DROP TABLE x", Decimal(1))
    assert "DROP" not in sql


WORDS = ["", "a", "B", "b", "河", "%", "_", "a'b", "\\"]
NUMBERS = [Decimal(n) for n in ("-1", "0", "0.1", "2", "10")]
DATES = ["2025-12-31", "2026-01-01", "2026-01-31"]
TIMES = ["2025-12-31T16:00:00.000000Z", "2026-01-01T00:00:00.000000Z"]
VALUES: Mapping[Kind, list[Any]] = {
    Kind.TEXT: WORDS, Kind.NUMBER: NUMBERS, Kind.DATE: DATES, Kind.TIME: TIMES, Kind.BOOLEAN: [True, False],
}  # fmt: skip
NAMES = {Kind.TEXT: "name", Kind.NUMBER: "size", Kind.DATE: "made", Kind.TIME: "seen", Kind.BOOLEAN: "is_red"}
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "<>": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def literals(kind: Kind) -> st.SearchStrategy[Literal]:
    return st.sampled_from(VALUES[kind]).map(lambda value: Literal(kind, value))


def predicates(kind: Kind) -> st.SearchStrategy[Expression]:
    own, other = st.just(Property(NAMES[kind])), literals(kind)
    made: list[st.SearchStrategy[Expression]] = [
        st.builds(Comparison, own | other, st.sampled_from(list(OPERATORS)), own | other),
        st.builds(Among, own, st.lists(own | other, min_size=1, max_size=3).map(tuple)),
        st.builds(Between, own, own | other, other),
        st.builds(IsNull, own),
    ]
    if kind == Kind.TEXT:
        made.append(st.builds(Contains, own, st.sampled_from(WORDS)))
    return st.one_of(made)


def several(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[tuple[Expression, ...]]:
    return st.lists(inner, max_size=3).map(tuple)


trees = st.recursive(
    st.one_of([predicates(kind) for kind in VALUES]),
    lambda inner: st.builds(Not, inner) | st.builds(Every, several(inner)) | st.builds(Some, several(inner)),
    max_leaves=8,
)
cups = st.fixed_dictionaries({}, optional={NAMES[kind]: st.sampled_from(values) for kind, values in VALUES.items()})


def model(tree: Any, cup: Mapping[str, Any]) -> bool | None:
    """The three-valued truth of a condition."""
    value = lambda o: cup.get(o.name) if isinstance(o, Property) else o.value  # noqa: E731
    compare = lambda o, a, b: None if a is None or b is None else OPERATORS[o](a, b)  # noqa: E731
    match tree:
        case Comparison(left, sign, right):
            return compare(sign, value(left), value(right))
        case Among(operand, values):
            return either(compare("=", value(operand), value(v)) for v in values)
        case Between(operand, low, high):
            return both([compare(">=", value(operand), value(low)), compare("<=", value(operand), value(high))])
        case IsNull(operand):
            return value(operand) is None
        case Contains(operand, part):
            return None if value(operand) is None else part.lower() in value(operand).lower()
        case Not(inner):
            found = model(inner, cup)
            return None if found is None else not found
        case Every(parts):
            return both(model(part, cup) for part in parts)
        case Some(parts):
            return either(model(part, cup) for part in parts)


def both(found: Any) -> bool | None:
    kept = list(found)
    return False if False in kept else None if None in kept else True


def either(found: Any) -> bool | None:
    kept = list(found)
    return True if True in kept else None if None in kept else False


@pytest.mark.django_db
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees, st.lists(cups, min_size=1, max_size=6))
def test_sql_agrees_with_the_model(tree: Expression, rows: list[dict[str, Any]]) -> None:
    sql, params = compiled(tree, COLUMNS)
    values = ", ".join(["(%s::int, jsonb_strip_nulls(jsonb_build_object('name', %s::text, 'size', %s::numeric,"
                        " 'made', %s::text, 'seen', %s::text, 'is_red', %s::boolean)))"] * len(rows))  # fmt: skip
    bound = [part for n, cup in enumerate(rows) for part in (n, *(cup.get(name) for name in FIELDS))]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n FROM (VALUES {values}) r (n, data) WHERE {sql} ORDER BY n", [*bound, *params])
        found = [n for (n,) in cursor.fetchall()]
    assert found == [n for n, cup in enumerate(rows) if model(tree, cup)]


def written(tree: Any) -> str:
    """The tree as CQL2 text."""
    return WRITERS[type(tree)](tree)


def written_literal(item: Literal) -> str:
    if item.kind == Kind.TEXT:
        return "'{}'".format(str(item.value).replace("'", "''"))
    forms = {Kind.DATE: "DATE('{}')", Kind.TIME: "TIMESTAMP('{}')"}
    return forms.get(item.kind, "{}").format(item.value)


def joined(parts: Any, word: str) -> str:
    return f" {word} ".join(f"({written(part)})" for part in parts)


WRITERS: Mapping[type, Callable[[Any], str]] = {
    Property: lambda t: f'"{t.name}"',
    Literal: written_literal,
    Comparison: lambda t: f"{written(t.left)}{t.operator}{written(t.right)}",
    Among: lambda t: f"{written(t.operand)} in ({','.join(map(written, t.values))})",
    Between: lambda t: f"{written(t.operand)} between {written(t.low)} and {written(t.high)}",
    IsNull: lambda t: f"{written(t.operand)} is null",
    Not: lambda t: f"not ({written(t.expression)})",
    Every: lambda t: joined(t.expressions, "and"),
    Some: lambda t: joined(t.expressions, "or"),
}


def sayable(tree: Any) -> bool:
    """No part is without words: no Contains, no empty AND or OR."""
    if isinstance(tree, Every | Some):
        return len(tree.expressions) > 1 and all(map(sayable, tree.expressions))
    return sayable(tree.expression) if isinstance(tree, Not) else not isinstance(tree, Contains)


@settings(max_examples=150, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(trees.filter(sayable))
def test_what_is_written_is_read_back(tree: Expression) -> None:
    assert cql2.parse(written(tree)) == tree


@settings(max_examples=300)
@given(st.text(alphabet="ab01'\"()=<>,.- ANDORTI%\\", max_size=30))
def test_any_text_is_a_tree_or_a_told_fault(text: str) -> None:
    with suppress(Cql2Error):
        tree = cql2.parse(text)
        assert cql2.parse(written(tree)) == tree
