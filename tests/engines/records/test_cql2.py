"""The CQL2 text subset: what parses, what is refused with its place, and that SQL agrees with a model in Python."""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from typing import Any
from unicodedata import combining, normalize

import pytest
import shapely
from django.db import connection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.columns import expression
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
    Property,
    Some,
    Spatial,
    Temporal,
)
from shizhu.engines.records.logic.cql2_sql import Column, Space, compiled
from shizhu.engines.records.logic.register import Kind, Register

FIELDS = {
    "name": {"type": "string"},
    "size": {"type": "number"},
    "made": {"type": "string", "format": "date"},
    "seen": {"type": "string", "format": "date-time"},
    "is_red": {"type": "boolean"},
    "tags": {"type": "array", "items": {"type": "string"}},
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
        ("a LIKE 'b%'", Like(A, Literal(Kind.TEXT, "b%"))),
        ("a NOT LIKE '_'", Not(Like(A, Literal(Kind.TEXT, "_")))),
        (
            "CASEI(a) = casei(ACCENTI('É'))",
            Comparison(Folded("casei", A), "=", Folded("casei", Folded("accenti", Literal(Kind.TEXT, "É")))),
        ),
        ("1 + 2 * a > a", Comparison(Arithmetic(ONE, "+", Arithmetic(TWO, "*", A)), ">", A)),
        ("(1+2)*a>a", Comparison(Arithmetic(Arithmetic(ONE, "+", TWO), "*", A), ">", A)),
        ("a-1 = -1", Comparison(Arithmetic(A, "-", ONE), "=", Literal(Kind.NUMBER, Decimal(-1)))),
        ("a div 2 = 1", Comparison(Arithmetic(A, "div", TWO), "=", ONE)),
        ("TRUE", Every(())),
        ("(FALSE) OR a = 1", Some((Some(()), Comparison(A, "=", ONE)))),
        ("河长 = 1", Comparison(Property("河长"), "=", ONE)),
        ("S_INTERSECTS(a, POINT(1 2))", Spatial("intersects", A, Geometry(shapely.Point(1, 2)))),
        ("s_within(a, BBOX(0,0,1,1))", Spatial("within", A, Geometry(shapely.box(0, 0, 1, 1)))),
        (
            "T_DURING(a, INTERVAL('2026-01-31', '..'))",
            Temporal("during", A, Interval(Literal(Kind.DATE, "2026-01-31"), None)),
        ),
        ("T_AFTER(a, INTERVAL(b, '..'))", Temporal("after", A, Interval(Property("b"), None))),
        (
            "A_CONTAINS(a, ('x', 'y'))",
            Arrays("contains", A, Array((Literal(Kind.TEXT, "x"), Literal(Kind.TEXT, "y")))),
        ),
        ("a_overlaps(a, ())", Arrays("overlaps", A, Array(()))),
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
        ("a", "at character 2: 'the end' where =, <>, <, <=, >, >=, IN, LIKE, BETWEEN or IS is expected"),
        ("a = ", "at character 4: 'the end' where a property or a value is expected"),
        ("a = 1 b", "at character 7: 'b' where AND, OR or the end is expected"),
        ("a = 'x", 'at character 4: "\'x" is not CQL2 text'),
        ("a = 1; DROP TABLE x", "at character 6: '; DROP TABLE x' is not CQL2 text"),
        ("a IN ()", "at character 7: ')' where a property or a value is expected"),
        ("a IS 1", "at character 6: '1' where NULL is expected"),
        ("(a = 1", "at character 7: 'the end' where ) is expected"),
        ("a = DATE('soon')", "at character 10: 'soon' is not a date such as 2026-01-31"),
        ("a = TIMESTAMP('2026-01-31T00:00:00')", "is not a time with zone such as"),
        ("a LIKE 1", "at character 8: LIKE needs a pattern in quotes"),
        (r"a LIKE 'b\'", "ends with a backslash that stands before nothing"),
        ("soundex(a) = 'x'", "at character 1: there is no function 'soundex'"),
        ("S_INTERSECTS(a, POINT(1))", "at character 17: 'POINT(1)' is no geometry"),
        ("S_INTERSECTS(a, BBOX(1, 2, 3))", "at character 17: a BBOX has four or six numbers"),
        ("T_AFTER(a, INTERVAL('soon', '..'))", "at character 21: 'soon' is not a date"),
        ("a + 1", "at character 6: 'the end' where =, <>"),
        ("(a = 1) + 1 = 2", "at character 9: '+' where AND, OR or the end is expected"),
        ("a = 1 = 2", "at character 7: '=' where AND, OR or the end is expected"),
        ("a = " + "1+" * 50 + "1", "nested more than 40 deep"),
        ("a = " + "CASEI(" * 50 + "a" + ")" * 50, "nested more than 40 deep"),
        ("(" * 50 + "a = 1" + ")" * 50, "nested more than 40 deep"),
        ("a = " + "1" * 8000, "a condition may have at most 8000 characters, this has 8004"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(Cql2Error) as told:
        cql2.parse(text)
    assert fault in str(told.value)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("colour = 'red'", "colour: there is no such property; there are is_red, made, name, place, seen, size, tags"),
        ("size = 'big'", "size: 'big': the property is a number"),
        ("name = 1", "name: '1': the property is text: write 'a text'"),
        ("made = '2026-01-31'", "made: '2026-01-31': the property is a date: write DATE('2026-01-31')"),
        ("made < seen", "made: 'seen': the property is a date: write DATE('2026-01-31')"),
        ("seen > DATE('2026-01-31')", "seen: '2026-01-31': the property is a time"),
        ("is_red = 1", "is_red: '1': the property is yes or no: write TRUE or FALSE"),
        ("size IN (1, 'x')", "size: 'x': the property is a number"),
        ("size + 'x' = 1", "size: 'x': the property is a number"),
        ("name LIKE CASEI('x') AND size LIKE 'x'", "size: 'a pattern': the property is a number"),
        ("CASEI(size) = 'x'", "size: '': the property is a number"),
        ("tags = 'a'", "tags: 'a': the property is a list: use A_CONTAINS and its like"),
        ("A_CONTAINS(name, ('a'))", "name: is no list"),
        ("A_CONTAINS(tags, (1))", "a list holds texts: write ('a', 'b')"),
        ("T_AFTER(made, TIMESTAMP('2026-01-31T00:00:00Z'))", "the property is a date: write DATE('2026-01-31')"),
        ("T_AFTER(name, DATE('2026-01-31'))", "name: is neither a date nor a time"),
        ("S_INTERSECTS(name, POINT(0 0))", "name: is no geometry; there is place"),
        ("place = 'x'", "place: is a geometry: use S_INTERSECTS and its like"),
        ("1 = 'x'", "a comparison needs values of one kind"),
    ],
)
def test_values_of_another_kind_are_refused(text: str, fault: str) -> None:
    with pytest.raises(Cql2Error) as told:
        compiled(cql2.parse(text), COLUMNS, Space("place", "TRUE", lambda *_: ("TRUE", ())))
    assert fault in str(told.value)


def test_values_are_bound_and_never_sql() -> None:
    sql, params = compiled(cql2.parse("name = '%s''; DROP TABLE x' OR size > 1"), COLUMNS)
    assert params == ("%s'; DROP TABLE x", Decimal(1))
    assert "DROP" not in sql


WORDS = ["", "é", "É", "a", "B", "b", "河", "%", "_", "a'b", "\\"]
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


RELATIONS = {  # of begin a, end b to begin c, end d: Allen's table
    "after": "a>d", "before": "b<c", "contains": "a<c b>d", "during": "a>c b<d", "equals": "a=c b=d",
    "finishedby": "a<c b=d", "finishes": "a>c b=d", "intersects": "a<=d b>=c", "meets": "b=c", "metby": "a=d",
    "overlappedby": "a>c a<d b>d", "overlaps": "a<c b>c b<d", "startedby": "a=c b>d", "starts": "a=c b<d",
    "disjoint": "not intersects",
}  # fmt: skip
SETS: Mapping[str, Callable[[set[str], set[str]], bool]] = {
    "equals": operator.eq, "contains": operator.ge, "containedby": operator.le, "overlaps": lambda a, b: bool(a & b),
}  # fmt: skip


def literals(kind: Kind) -> st.SearchStrategy[Any]:
    return st.sampled_from(VALUES[kind]).map(lambda value: Literal(kind, value))


def operands(kind: Kind) -> st.SearchStrategy[Any]:
    plain = st.just(Property(NAMES[kind])) | literals(kind)
    if kind == Kind.NUMBER:
        return st.recursive(
            plain, lambda x: st.builds(Arithmetic, x, st.sampled_from(["+", "-", "*"]), x), max_leaves=4
        )
    return plain | st.builds(Folded, st.sampled_from(["casei", "accenti"]), plain) if kind == Kind.TEXT else plain


def predicates(kind: Kind) -> st.SearchStrategy[Expression]:
    own, other = st.just(Property(NAMES[kind])), operands(kind)
    made: list[st.SearchStrategy[Any]] = [
        st.builds(Comparison, other, st.sampled_from(list(OPERATORS)), other),
        st.builds(Among, other, st.lists(other, min_size=1, max_size=3).map(tuple)),
        st.builds(Between, own, other, other),
        st.builds(IsNull, other),
    ]
    if kind == Kind.TEXT:
        made.append(st.builds(Contains, own, st.sampled_from(WORDS)))
        made.append(st.builds(Like, other, st.sampled_from(PATTERNS).map(lambda p: Literal(Kind.TEXT, p))))
    if kind in {Kind.DATE, Kind.TIME}:
        ends = st.none() | own | literals(kind)
        moments = own | literals(kind) | st.builds(Interval, ends, ends)
        made.append(st.builds(Temporal, st.sampled_from(list(RELATIONS)), moments, moments))
    return st.one_of(made)


PATTERNS = ["", "%", "_", "a%", "%b", r"\%", r"\\", "河_", "B"]
lists = st.just(Property("tags")) | st.lists(literals(Kind.TEXT), max_size=2).map(lambda v: Array(tuple(v)))
arrays: st.SearchStrategy[Any] = st.builds(Arrays, st.sampled_from(list(SETS)), lists, lists)


def several(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Expression, ...]]:
    return st.lists(inner, max_size=3).map(tuple)


trees = st.recursive(
    st.one_of([*(predicates(kind) for kind in VALUES), arrays]),
    lambda inner: st.builds(Not, inner) | st.builds(Every, several(inner)) | st.builds(Some, several(inner)),
    max_leaves=8,
)
cups = st.fixed_dictionaries(
    {},
    optional={
        **{NAMES[kind]: st.sampled_from(values) for kind, values in VALUES.items()},
        "tags": st.lists(st.sampled_from(WORDS), max_size=3),
    },
)


def valued(item: Any, cup: Mapping[str, Any]) -> Any:
    match item:
        case Property(name):
            return cup.get(name)
        case Arithmetic(left, sign, right):
            a, b = valued(left, cup), valued(right, cup)
            count = {"+": operator.add, "-": operator.sub, "*": operator.mul}[sign]
            return None if a is None or b is None else count(a, b)
        case Folded("casei", inner):
            text = valued(inner, cup)
            return None if text is None else text.lower()
        case Folded(_, inner):
            text = valued(inner, cup)
            return None if text is None else "".join(c for c in normalize("NFD", text) if not combining(c))
        case Array(values):
            return [value.value for value in values]
        case _:
            return item.value


def ends(item: Any, cup: Mapping[str, Any]) -> tuple[Any, Any]:
    if not isinstance(item, Interval):
        return (valued(item, cup),) * 2
    begin = "" if item.begin is None else valued(item.begin, cup)
    return begin, "~" if item.end is None else valued(item.end, cup)


def alike(text: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|.", pattern)
    plain = {"%": ".*", "_": "."}
    return bool(re.fullmatch("".join(plain.get(p) or re.escape(p[-1]) for p in parts), text))


def model(tree: Any, cup: Mapping[str, Any]) -> bool | None:  # noqa: PLR0911
    """The three-valued truth of a condition."""
    compare = lambda o, a, b: None if a is None or b is None else OPERATORS[o](a, b)  # noqa: E731
    value = lambda o: valued(o, cup)  # noqa: E731
    match tree:
        case Comparison(left, sign, right):
            return compare(sign, value(left), value(right))
        case Among(operand, values):
            return either(compare("=", value(operand), value(v)) for v in values)
        case Between(operand, low, high):
            return both([compare(">=", value(operand), value(low)), compare("<=", value(operand), value(high))])
        case Like(operand, pattern):
            return None if value(operand) is None else alike(value(operand), value(pattern))
        case IsNull(operand):
            return value(operand) is None
        case Contains(operand, part):
            return None if value(operand) is None else part.lower() in value(operand).lower()
        case Temporal(relation, left, right):
            return timely(relation, ends(left, cup), ends(right, cup))
        case Arrays(relation, left, right):
            a, b = value(left), value(right)
            return None if a is None or b is None else SETS[relation](set(a), set(b))
        case Not(inner):
            found = model(inner, cup)
            return None if found is None else not found
        case Every(parts):
            return both(model(part, cup) for part in parts)
        case Some(parts):
            return either(model(part, cup) for part in parts)


def timely(relation: str, left: Any, right: Any) -> bool | None:
    given = dict(zip("abcd", (*left, *right), strict=True))
    if relation == "disjoint":
        found = timely("intersects", left, right)
        return None if found is None else not found
    parts = [(given[part[0]], part[1:-1], given[part[-1]]) for part in RELATIONS[relation].split()]
    return both(None if x is None or y is None else OPERATORS[sign](x, y) for x, sign, y in parts)


def both(found: Any) -> bool | None:
    kept = list(found)
    return False if False in kept else None if None in kept else True


def either(found: Any) -> bool | None:
    kept = list(found)
    return True if True in kept else None if None in kept else False


def tags(cup: Mapping[str, Any]) -> str | None:
    return json.dumps(cup["tags"]) if "tags" in cup else None


@pytest.mark.django_db
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trees, st.lists(cups, min_size=1, max_size=6))
@example(Contains(Property("name"), "é"), [{"name": "É"}, {"name": "É河"}])
@example(Not(Arrays("overlaps", Array((Literal(Kind.TEXT, "a"),)), Property("tags"))), [{}, {"tags": ["b"]}])
def test_sql_agrees_with_the_model(tree: Expression, rows: list[dict[str, Any]]) -> None:
    sql, params = compiled(tree, COLUMNS)
    data = ("'name', %s::text, 'size', %s::numeric, 'made', %s::text, 'seen', %s::text, 'is_red', %s::boolean,"
            " 'tags', %s::jsonb")  # fmt: skip
    values = ", ".join([f"(%s::int, jsonb_strip_nulls(jsonb_build_object({data})))"] * len(rows))
    bound = [
        part for n, cup in enumerate(rows) for part in (n, *(cup.get(name) for name in list(FIELDS)[:-1]), tags(cup))
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT n FROM (VALUES {values}) r (n, data) WHERE {sql} ORDER BY n", [*bound, *params])
        found = [n for (n,) in cursor.fetchall()]
    assert found == [n for n, cup in enumerate(rows) if model(tree, cup)], (tree, rows)


boxes = st.tuples(*[st.integers(0, 5)] * 4).map(lambda n: shapely.box(n[0], n[1], n[0] + n[2] + 1, n[1] + n[3] + 1))
shapes = st.one_of(
    boxes, st.tuples(*[st.floats(-180, 180, allow_subnormal=False).map(lambda n: round(n, 15))] * 2).map(shapely.Point)
).map(Geometry)
spatial: st.SearchStrategy[Any] = st.builds(
    Spatial, st.sampled_from(["intersects", "within", "touches"]), st.just(Property("place")) | shapes, shapes
)
everything = st.recursive(
    st.one_of([*(predicates(kind) for kind in VALUES), arrays, spatial]),
    lambda inner: st.builds(Not, inner) | st.builds(Every, several(inner)) | st.builds(Some, several(inner)),
    max_leaves=6,
)


def sayable(tree: Any) -> Any:
    """The tree as it is read back: Contains is said with LIKE, one part of AND has TRUE beside it."""
    match tree:
        case Contains(operand, part):
            pattern = re.sub(r"([\\%_])", r"\\\1", part)
            return Like(Folded("casei", operand), Folded("casei", Literal(Kind.TEXT, f"%{pattern}%")))
        case Not(inner):
            return Not(sayable(inner))
        case Every((one,)):
            return Every((sayable(one), Every(())))
        case Some((one,)):
            return Some((sayable(one), Some(())))
        case Every(parts) | Some(parts):
            return type(tree)(tuple(map(sayable, parts)))
        case _:
            return tree


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(everything)
def test_what_is_written_is_read_back(tree: Expression) -> None:
    expected = sayable(tree)
    assert cql2.parse(cql2.as_text(tree)) == expected
    assert cql2.of_json(json.loads(json.dumps(cql2.as_json(tree)))) == expected


@settings(max_examples=300)
@given(st.text(alphabet="ab01'\"()=<>,.-+*/ ANDORTIS_CELK%\\", max_size=30))
def test_any_text_is_a_tree_or_a_told_fault(text: str) -> None:
    with suppress(Cql2Error):
        tree = cql2.parse(text)
        assert cql2.parse(cql2.as_text(tree)) == tree


JSON_FAULTS: list[tuple[Any, str]] = [
    ({}, "$: '{}' where an object with op and args is expected"),
    ({"op": "=", "args": [{"property": "a"}]}, "$: '=' needs 2 arguments, not 1"),
    ({"op": "like", "args": [{"property": "a"}, 1]}, "$: LIKE needs a pattern in quotes"),
    ({"op": "soundex", "args": [1, 2]}, "$.op: there is no operator 'soundex'"),
    ({"op": "=", "args": [{"op": "soundex", "args": [1]}, 1]}, "$.args[0]: there is no function 'soundex'"),
    ({"op": "and", "args": [True]}, "$: 'and' needs at least two arguments"),
    ({"op": "not", "args": [{"op": "=", "args": [None, 1]}]}, "$.args[0].args[0]: None is no value"),
    ({"op": "=", "args": [{"date": "soon"}, 1]}, "$.args[0].date: 'soon' is not a date"),
    ({"op": "s_intersects", "args": [{"type": "Point"}, 1]}, "$.args[0]: \"{'type': 'Point'}\" is no GeoJSON"),
    ({"op": "=", "args": [float("inf"), 1]}, "$.args[0]: 'inf' is not a number"),
]


@pytest.mark.parametrize(("body", "fault"), JSON_FAULTS)
def test_a_fault_of_json_is_told_with_its_path(body: Any, fault: str) -> None:
    with pytest.raises(Cql2Error) as told:
        cql2.of_json(body)
    assert fault in str(told.value)


def test_json_may_not_be_nested_for_ever() -> None:
    body: Any = True
    for _ in range(60):
        body = {"op": "not", "args": [body]}
    with pytest.raises(Cql2Error, match="nested more than 40 deep"):
        cql2.of_json(body)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.sampled_from(["a", "..", "2026-01-31", "+", "casei"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.fixed_dictionaries({"op": st.sampled_from(["=", "and", "not", "like", "in", "s_within", "t_after", "+"]),
                             "args": st.lists(inner, max_size=3)})
    | st.dictionaries(st.sampled_from(["property", "date", "interval", "bbox", "type"]), inner, max_size=2),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(json_values)
def test_any_json_is_a_tree_or_a_told_fault(body: Any) -> None:
    with suppress(Cql2Error):
        tree = cql2.of_json(body)
        assert cql2.of_json(cql2.as_json(tree)) == tree


def test_dividing_by_nothing_is_unknown_and_no_fault() -> None:
    sql, params = compiled(cql2.parse("size / 0 > 1 OR 7 % size = 1 OR 7 div size = 2 OR size ^ 2 = 9"), COLUMNS)
    assert params == (Decimal(0), Decimal(1), Decimal(7), Decimal(1), Decimal(7), Decimal(2), Decimal(2), Decimal(9))
    assert sql.count("NULLIF") == 3
