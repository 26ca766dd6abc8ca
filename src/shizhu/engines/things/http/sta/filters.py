"""`$filter` to SQL with bound values (18-088 §9.3.3.5).

Times are compared and taken apart in UTC. An interval is after an instant if it begins after it, before it if it ends
before it, and equal if both its ends are. Text that is a time is compared with times as a time. A condition on a
collection holds if one row of the collection meets all that the filter says of it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, TypeVar

from odata_query import ast
from shapely.geometry.base import BaseGeometry

from shizhu.engines.things.http.sta import spatial
from shizhu.engines.things.http.sta.entities import Kind
from shizhu.engines.things.http.sta.errors import Refused, later
from shizhu.engines.things.http.sta.functions import FUNCTIONS, RELATIONS
from shizhu.engines.things.http.sta.grammar import Interval, parse, position
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.http.sta.scope import Expression, Scope, UnknownName
from shizhu.engines.things.http.sta.sql import Sql, bind, join, sql
from shizhu.engines.things.logic.readings import parse_span, parse_time

T = TypeVar("T")
SIGNS = {ast.Eq: "=", ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
ARITHMETIC = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "%%"}
TIMES = {Kind.TIME, Kind.SPAN}
FLEXIBLE = {Kind.RESULT, Kind.JSON}  # take the kind of what they are compared with
BEST = (Kind.TIME, Kind.NUMBER, Kind.BOOLEAN, Kind.DURATION, Kind.CLOCK, Kind.DATE, Kind.TEXT)
NOTHING = Expression(Kind.NULL, Sql("NULL"))
DAY, ZONED = re.compile(r"\d{4}-\d\d-\d\d"), re.compile(r"(Z|[+-]\d\d:\d\d)$")


def condition(piece: Piece, scope: Scope) -> Sql:
    """The filter as a condition; the scope has the joins it needs afterwards. Raises Refused (400, 501)."""
    compiler = _Compiler(piece, scope)
    single: list[Sql] = []
    many: list[Sql] = []
    try:
        for node in conjuncts(parse(piece)):
            scope.is_many = False
            part = compiler.truth(node)
            (many if scope.is_many else single).append(part)
    except RecursionError:
        raise piece.fault("the expression is nested too deep") from None
    if many:
        inside = sql("FROM (SELECT 1) one{joins} WHERE {all}", joins=scope.many_joins(), all=join(" AND ", many))
        single.append(sql("EXISTS (SELECT {inside})", inside=inside))
    return join(" AND ", single)


def conjuncts(node: Any) -> list[Any]:
    """The conditions that all must hold."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [*conjuncts(node.left), *conjuncts(node.right)]
    return [node]


def steps(node: Any) -> list[str]:
    """The names of a path."""
    if isinstance(node, ast.Attribute):
        return [*steps(node.owner), node.attr]
    return [*node.namespace, node.name]


@dataclass
class _Compiler:
    piece: Piece
    scope: Scope
    variables: dict[str, Scope] = field(default_factory=dict)  # of the lambdas around
    lambdas: int = 0
    is_negated: bool = False

    def fault(self, rule: str, node: Any) -> Refused:
        where = position(node)
        return self.piece.fault(rule, where if where < len(self.piece.text) else 0)

    def truth(self, node: Any) -> Sql:
        """A condition."""
        found = self.value(node)
        if found.kind is Kind.JSON:
            return sql("({x} = 'true')", x=found.sql)
        if found.kind is not Kind.BOOLEAN:
            raise self.fault(f"a condition is needed here, and this is {found.kind.value}", node)
        return sql("({x})", x=found.sql)

    def value(self, node: Any) -> Expression:
        """Any expression."""
        for type_, compile_ in COMPILERS:
            if isinstance(node, type_):
                found: Expression = compile_(self, node)
                return found
        raise self._later(node)

    def _later(self, node: Any) -> Refused:
        where = position(node)
        return later(f"$filter: {type(node).__name__} will come later", where if where < len(self.piece.text) else 0)

    def boolean(self, node: ast.BoolOp) -> Expression:
        word = "AND" if isinstance(node.op, ast.And) else "OR"
        both = sql("{a} " + word + " {b}", a=self.truth(node.left), b=self.truth(node.right))
        return Expression(Kind.BOOLEAN, sql("({x})", x=both))

    def unary(self, node: ast.UnaryOp) -> Expression:
        if isinstance(node.op, ast.Not):
            around, self.is_negated = self.is_negated, True
            met = self.truth(node.operand)
            self.is_negated = around
            return Expression(Kind.BOOLEAN, sql("NOT {x}", x=met))
        return Expression(Kind.NUMBER, sql("(- {x})", x=self.cast(node.operand, Kind.NUMBER)))

    def path(self, node: Any) -> Expression:
        return self.named(node, Scope.resolve)

    def named(self, node: Any, look: Callable[[Scope, list[str]], T]) -> T:
        """What a scope says of a path; one that begins with the variable of a lambda means that one's row."""
        names = steps(node)
        scope = self.variables.get(names[0]) if len(names) > 1 else None
        start = 1 if scope else 0
        try:
            return look(scope or self.scope, [str(name) for name in names[start:]])
        except UnknownName as unknown:
            raise self.fault(str(unknown), names[start + unknown.index]) from None

    def collection(self, node: ast.CollectionLambda) -> Expression:
        """`any` and `all` of OData: whether one row of a collection meets a condition, or each."""
        self.lambdas += 1
        alias = f"{self.scope.alias}l{self.lambdas}"
        inner, linked = self.named(node.owner, lambda scope, names: scope.inner(names, alias))
        where = linked
        if node.lambda_ is not None:
            name = str(node.lambda_.identifier.name)
            around, self.variables = self.variables, {**self.variables, name: inner}
            met = self.truth(node.lambda_.expression)
            self.variables = around
            if isinstance(node.operator, ast.All):
                met = sql("NOT coalesce({met}, FALSE)", met=met)
            where = join(" AND ", [linked, met])
        table = f"{inner.entity.table} {alias}"
        rows = sql(f"EXISTS (SELECT FROM {table}{{joins}} WHERE {{where}})", joins=inner.all_joins(), where=where)
        return Expression(Kind.BOOLEAN, sql("NOT {x}", x=rows) if isinstance(node.operator, ast.All) else rows)

    def spatial(self, node: ast.Call, name: str) -> Expression:
        """A spatial function of one geometry of the rows, and perhaps a given one."""
        counts = {"geo.length": 1, "st_relate": 3}
        count = counts.get(name, 2)
        if len(node.args) != count:
            raise self.fault(f"{name} takes {count} arguments, not {len(node.args)}", node.func)
        given = {n: self.shape(arg) for n, arg in enumerate(node.args[:2]) if isinstance(arg, ast.Geography)}
        paths = [n for n in range(min(count, 2)) if n not in given]
        pattern = self._pattern(node.args[2]) if count == 3 else ""
        if not paths:
            return _constant(spatial.Search(name, "", "", "", False, given.get(1), pattern=pattern).of(given[0]))
        if len(paths) != 1:
            rule = f"{name} takes one geometry of the entities" + (" and one geography'…'" if count > 1 else "")
            raise self.fault(rule, node.func)
        if not isinstance(node.args[paths[0]], ast.Identifier | ast.Attribute):
            raise self.fault("the path of a geometry is needed here", node.args[paths[0]])
        entity, alias, found = self.named(node.args[paths[0]], Scope.place)
        search = spatial.Search(
            name, entity.table, found.value.format(e="e"), found.box.format(e="e"), "encodingType" in entity.properties,
            next(iter(given.values()), None), paths[0] == 0, pattern,
        )  # fmt: skip
        own = Sql(f"{alias}.id")
        if name in spatial.MEASURES:
            number = sql("({all} ->> {id}::text)::float8", all=bind(search, "jsonb"), id=own)
            return Expression(Kind.NUMBER, number, raw=own, search=search)
        return Expression(Kind.BOOLEAN, sql("{id} = ANY({ids})", id=own, ids=bind(search, "bigint[]")))

    def shape(self, node: ast.Geography) -> BaseGeometry:
        """A given geometry."""
        try:
            return spatial.shape(str(node.val))
        except ValueError as error:
            raise self.fault(f"{str(node.val)[:60]!r} is not possible: {error}", node) from None

    def _pattern(self, node: Any) -> str:
        text = str(node.val) if isinstance(node, ast.String) else ""
        if len(text) != 9 or not {*text} <= spatial.PATTERN:
            raise self.fault("a DE-9IM pattern has nine of T F 0 1 2 *, as 'T*F**F***'", node)
        return text

    def call(self, node: ast.Call) -> Expression:
        name = ".".join((*node.func.namespace, node.func.name))
        if name.lower() in spatial.FUNCTIONS:
            return self.spatial(node, name.lower())
        if name.lower() in RELATIONS:
            return self.related(node, name.lower())
        functions = FUNCTIONS.get(name.lower(), ())
        chosen = next((f for f in functions if len(f.takes) == len(node.args)), None)
        if chosen is None:
            counts = " or ".join(str(len(f.takes)) for f in functions)
            rule = f"{name} takes {counts} arguments, not {len(node.args)}" if functions else f"no function {name!r}"
            raise self.fault(rule, node.func)
        given = {
            f"a{n}": self.cast(arg, kind) for n, (arg, kind) in enumerate(zip(node.args, chosen.takes, strict=True))
        }
        return Expression(chosen.gives, sql(f"({chosen.sql})", **given))

    def related(self, node: ast.Call, name: str) -> Expression:
        """How two times lie to each other."""
        if len(node.args) != 2:
            raise self.fault(f"{name} takes 2 arguments, not {len(node.args)}", node.func)
        first, second = (self.value(arg) for arg in node.args)
        if name == "during" and second.kind is not Kind.SPAN:
            raise self.fault(f"an interval of time is needed here, and this is {second.kind.value}", node.args[1])
        (a, a_end), (b, b_end) = self._ends(first, node.args[0]), self._ends(second, node.args[1])
        return Expression(Kind.BOOLEAN, sql(f"({RELATIONS[name]})", a=a, a_end=a_end, b=b, b_end=b_end))

    def arithmetic(self, node: ast.BinOp) -> Expression:
        left, right = self.value(node.left), self.value(node.right)
        sign = ARITHMETIC[type(node.op)]
        if left.kind in TIMES and sign in "+-":
            kinds = (Kind.TIME, Kind.DURATION) if right.kind is Kind.DURATION else (Kind.DURATION, right.kind)
            if kinds[1] in {Kind.DURATION, *TIMES} and (sign == "-" or kinds[1] is Kind.DURATION):
                made = sql("({a} " + sign + " {b})", a=left.sql, b=right.sql)
                if left.kind is not Kind.SPAN or kinds[0] is Kind.DURATION:
                    return Expression(kinds[0], made)
                return Expression(Kind.SPAN, made, sql("({a} " + sign + " {b})", a=left.end, b=right.sql))
        a, b = self._cast(left, Kind.NUMBER, node.left), self._cast(right, Kind.NUMBER, node.right)
        if sign == "%%":
            a, b = sql("{a}::numeric", a=a), sql("{b}::numeric", b=b)
        if sign in "/%%":
            b = sql("nullif({b}, 0)", b=b)
        return Expression(Kind.NUMBER, sql("({a} " + sign + " {b})", a=a, b=b))

    def literal(self, node: Any) -> Expression:
        try:
            return _literal(node)
        except (ValueError, OverflowError) as error:
            raise self.fault(f"{node.val!s} is not possible: {error}", node) from None

    def cast(self, node: Any, kind: Kind) -> Sql:
        """A node as a value of that kind."""
        return self._cast(self.value(node), kind, node)

    def _cast(self, found: Expression, kind: Kind, node: Any) -> Sql:
        cast = _as(found, kind)
        if cast is None:
            raise self.fault(f"{kind.value} is needed here, and this is {found.kind.value}", node)
        return cast

    def compare(self, node: Any) -> Expression:
        if isinstance(node.comparator, ast.In):
            parts = [replace(node, comparator=ast.Eq(), right=item) for item in node.right.val]
            return Expression(Kind.BOOLEAN, join(" OR ", [self.truth(part) for part in parts]))
        if isinstance(node.comparator, ast.NotEq):
            return self.unary(ast.UnaryOp(ast.Not(), replace(node, comparator=ast.Eq())))
        found = self._compared(node)
        # What is missing is neither equal nor greater (OData 4.0 part 2 §5.1.1.1), but of a collection a row is meant.
        if self.is_negated and not self.scope.is_many:
            return replace(found, sql=sql("coalesce({x}, FALSE)", x=found.sql))
        return found

    def _compared(self, node: Any) -> Expression:
        left, right, sign = self.value(node.left), self.value(node.right), SIGNS[type(node.comparator)]
        if left.search and sign in {"<", "<="} and isinstance(right.constant, int | float):
            return Expression(Kind.BOOLEAN, _near(left, sign, right))
        if Kind.NULL in {left.kind, right.kind}:
            return Expression(Kind.BOOLEAN, self._null(left if right.kind is Kind.NULL else right, sign, node))
        if Kind.SPAN in {left.kind, right.kind} and Kind.CLOCK not in {left.kind, right.kind}:
            return Expression(Kind.BOOLEAN, self._spans(left, right, sign, node))
        if Kind.RESULT in {left.kind, right.kind}:
            return Expression(Kind.BOOLEAN, self._result(left, right, sign, node))
        return Expression(Kind.BOOLEAN, self._plain(left, right, sign, node))

    def _null(self, found: Expression, sign: str, node: Any) -> Sql:
        if sign != "=":
            raise self.fault("null is equal (eq) or not (ne), nothing else", node)
        if found.kind is Kind.RESULT:
            return sql("({x} IS NULL AND ({raw} IS NULL OR {raw} = 'null'))", x=found.sql, raw=found.raw)
        if found.kind is Kind.JSON:
            return sql("({x} IS NULL OR {x} = 'null')", x=found.sql)
        return sql("(({x}) IS NULL)", x=found.sql)

    def _spans(self, left: Expression, right: Expression, sign: str, node: Any) -> Sql:
        a, a_end, b, b_end = *self._ends(left, node.left), *self._ends(right, node.right)
        if sign == "=":
            return sql("({a} = {b} AND {c} = {d})", a=a, b=b, c=a_end, d=b_end)
        if sign in {">", ">="}:
            return sql("{a} " + sign + " {b}", a=a, b=b_end)
        both = sql("{a} " + sign + " {b}", a=a_end, b=b)
        return both if a is a_end else sql("({a} " + sign + " {b} AND {both})", a=a, b=b, both=both)  # for the index

    def _ends(self, found: Expression, node: Any) -> tuple[Sql, Sql]:
        begin = self._cast(found, Kind.TIME, node)
        return begin, found.end if found.kind is Kind.SPAN else begin

    def _result(self, left: Expression, right: Expression, sign: str, node: Any) -> Sql:
        """A result is a number, or any JSON. A text that is a number is compared with numbers."""
        if left.kind is not Kind.RESULT:
            flipped = sign.translate(str.maketrans("<>", "><"))
            return self._result(right, left, flipped, replace(node, left=node.right, right=node.left))
        if right.kind is Kind.NUMBER:
            return sql("{a} " + sign + " {b}", a=left.sql, b=right.sql)
        if right.kind is not Kind.TEXT:
            return self._plain(left, right, sign, node)
        number = _as(right, Kind.NUMBER)
        if number is not None and sign != "=":
            return sql("{a} " + sign + " {b}", a=left.sql, b=number)
        text = sql("(jsonb_typeof({raw}) = 'string' AND ({raw} #>> '{}') " + sign + " {b})", raw=left.raw, b=right.sql)
        return text if number is None else sql("({a} " + sign + " {b} OR {text})", a=left.sql, b=number, text=text)

    def _plain(self, left: Expression, right: Expression, sign: str, node: Any) -> Sql:
        for kind in _meeting(left.kind, right.kind):
            a, b = _as(left, kind), _as(right, kind)
            if a is not None and b is not None:
                both = "({a}) " + sign + " ({b})" if kind is Kind.BOOLEAN else "{a} " + sign + " {b}"
                return sql(both, a=a, b=b)
        raise self.fault(f"{left.kind.value} and {right.kind.value} cannot be compared", node)


def _near(left: Expression, sign: str, right: Expression) -> Sql:
    """What a spatial function of the rows gives is less than a number: of a distance only what is near is looked at."""
    if left.search.function != "geo.distance":
        return sql("{a} " + sign + " {b}", a=left.sql, b=right.sql)
    near = replace(left.search, within=float(right.constant), is_strict=sign == "<")
    return sql("{id} = ANY({ids})", id=left.raw, ids=bind(near, "bigint[]"))


def _meeting(left: Kind, right: Kind) -> list[Kind]:
    """Kinds in which two values can be compared, the best first."""
    if left in FLEXIBLE and right in FLEXIBLE:
        return [Kind.TEXT]
    kinds = {left, right} - FLEXIBLE
    return [kind for kind in BEST if kind in kinds or (kind is Kind.TEXT and FLEXIBLE & {left, right})]


def _as(found: Expression, kind: Kind) -> Sql | None:
    """The expression as a value of that kind; None if it is no such value."""
    if found.kind is kind or (kind is Kind.TIME and found.kind is Kind.SPAN):
        return found.sql
    if found.kind is Kind.TEXT and kind in SAID and isinstance(found.constant, str):
        return SAID[kind](found.constant)
    template = CASTS.get((found.kind, kind))
    return sql(template, x=found.sql, raw=found.raw) if template else None


CASTS = {
    (Kind.DATE, Kind.TIME): "({x})::timestamptz",
    (Kind.TIME, Kind.DATE): "({x})::date",
    (Kind.SPAN, Kind.DATE): "({x})::date",
    (Kind.SPAN, Kind.CLOCK): "({x})::time",
    (Kind.RESULT, Kind.NUMBER): "{x}",
    (Kind.RESULT, Kind.TEXT): "coalesce({x}::text, {raw} #>> '{}')",
    (Kind.RESULT, Kind.BOOLEAN): "CASE jsonb_typeof({raw}) WHEN 'boolean' THEN ({raw})::boolean END",
    (Kind.JSON, Kind.NUMBER): "CASE jsonb_typeof({x}) WHEN 'number' THEN ({x})::float8 END",
    (Kind.JSON, Kind.BOOLEAN): "CASE jsonb_typeof({x}) WHEN 'boolean' THEN ({x})::boolean END",
    (Kind.JSON, Kind.TEXT): "({x} #>> '{}')",
    (Kind.JSON, Kind.TIME): (
        "CASE WHEN {x} #>> '{}' ~ '^\\d+-\\d\\d-\\d\\dT\\d\\d:\\d\\d' THEN ({x} #>> '{}')::timestamptz END"
    ),
}  # fmt: skip


def _number(text: str) -> Sql | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return bind(number, "float8") if math.isfinite(number) else None


def moment(text: str) -> datetime:
    """A time of a filter, in UTC if it names no zone; raises ValueError."""
    return parse_time(text.upper() if ZONED.search(text.upper()) else f"{text.upper()}Z")


def _moment(text: str) -> Sql | None:
    """The time, or the beginning of the day, that a text is."""
    try:
        return bind(moment(f"{text}T00:00:00" if DAY.fullmatch(text) else text), "timestamptz")
    except ValueError:
        return None


def _date(text: str) -> Sql | None:
    try:
        return bind(date.fromisoformat(text), "date") if DAY.fullmatch(text) else None
    except ValueError:
        return None


def _interval(text: str) -> Expression:
    """An interval; where one end is a duration the database adds it to the other, or takes it off."""
    begin, _, end = text.upper().partition("/")
    if begin.startswith("P"):
        stop = bind(moment(end), "timestamptz")
        return Expression(Kind.SPAN, sql("({end} - {long})", end=stop, long=bind(begin, "interval")), stop)
    start = bind(moment(begin), "timestamptz")
    if end.startswith("P"):
        return Expression(Kind.SPAN, start, sql("({begin} + {long})", begin=start, long=bind(end, "interval")))
    parse_span(f"{moment(begin).isoformat()}/{moment(end).isoformat()}")  # it must not end before it begins
    return Expression(Kind.SPAN, start, bind(moment(end), "timestamptz"))


def _constant(value: float | bool) -> Expression:
    """What is known before any row is read."""
    if isinstance(value, bool):
        return Expression(Kind.BOOLEAN, Sql(str(value).upper()))
    return Expression(Kind.NUMBER, bind(value, "float8"), constant=value)


def _integer(text: str) -> Expression:
    number = int(text)
    small = abs(number) < 1 << 63
    return Expression(Kind.NUMBER, bind(number if small else text, "bigint" if small else "numeric"), constant=number)


def _float(text: str) -> Expression:
    number = _number(text)
    if number is None:
        raise ValueError("a number must be finite")
    return Expression(Kind.NUMBER, number, constant=float(text))


def _literal(node: Any) -> Expression:
    if isinstance(node, ast.Null):
        return NOTHING
    return LITERALS[type(node)](str(node.val))


LITERALS: dict[Any, Callable[[str], Expression]] = {
    ast.String: lambda text: Expression(Kind.TEXT, bind(text, "text"), constant=text),
    ast.Integer: _integer,
    ast.Float: _float,
    ast.Boolean: lambda text: Expression(Kind.BOOLEAN, Sql(text.upper())),
    ast.DateTime: lambda text: Expression(Kind.TIME, bind(moment(text), "timestamptz")),
    Interval: _interval,
    ast.Date: lambda text: Expression(Kind.DATE, bind(date.fromisoformat(text), "date")),
    ast.Time: lambda text: Expression(Kind.CLOCK, bind(time.fromisoformat(text), "time")),
    ast.Duration: lambda text: Expression(Kind.DURATION, bind(text, "interval")),
}
SAID: dict[Kind, Callable[[str], Sql | None]] = {Kind.NUMBER: _number, Kind.TIME: _moment, Kind.DATE: _date}
COMPILERS: list[tuple[Any, Any]] = [
    (ast.BoolOp, _Compiler.boolean),
    (ast.Compare, _Compiler.compare),
    (ast.UnaryOp, _Compiler.unary),
    (ast.BinOp, _Compiler.arithmetic),
    (ast.Call, _Compiler.call),
    (ast.CollectionLambda, _Compiler.collection),
    (ast.Identifier | ast.Attribute, _Compiler.path),
    (tuple(LITERALS), _Compiler.literal),
    (ast.Null, _Compiler.literal),
]  # fmt: skip
