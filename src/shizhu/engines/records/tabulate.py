"""Count, sum and list the rows of a table as a question asks, bounded by what the actor may see.

For registers and, like `condition`, for tables of other engines: an engine says where its columns are (`Subject`), the
question (docs/how-to/write-a-pack.md, `boards/`) what is wanted of them. Every number carries the address of the list
of its rows; the list is filtered by the same condition, so both agree.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.db import connection
from django.db.models import BooleanField, Model, QuerySet
from django.db.models.expressions import RawSQL

from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.cql2_sql import Columns, Sql, compiled
from shizhu.engines.records.logic.register import Kind
from shizhu.engines.records.logic.values import time_text
from shizhu.kernel import access, datasets, spans
from shizhu.kernel.access import Predicate
from shizhu.kernel.datasets import Asked, Names, Result, Row
from shizhu.kernel.models import Area
from shizhu.kernel.packs import Body

T = TypeVar("T", bound=Model)
TOWN = "_town"
NUMBERS = {Kind.NUMBER, Kind.INTEGER}
AGGREGATES = {
    "count": "count(*)", "sum": "sum({})", "avg": "avg({})", "min": "min({})", "max": "max({})",
    "distinct": "count(DISTINCT {})", "median": "percentile_cont(0.5) WITHIN GROUP (ORDER BY {})",
}  # fmt: skip
MEASURES = (*AGGREGATES, "share")
ADDED = {"count", "sum"}  # nothing there is nought, not unknown
LENGTHS = {"day": 10, "month": 7, "year": 4}
MOST_ROWS = 500
COUNT: Names = {"zh": "数量", "en": "Number"}
SHARE: Names = {"zh": "占比", "en": "Share"}


@dataclass(frozen=True)
class Said:
    """What people call a column, its unit and the names of its values."""

    title: Names
    unit: str | Names = ""
    labels: Mapping[str, Names] = field(default_factory=dict)
    titles: Callable[[Iterable[Any]], Mapping[Any, Any]] | None = None  # names that must be looked up


@dataclass(frozen=True)
class Subject:
    """A table with alias `t`: where its columns are, who may see its rows, what its numbers owe the reader.

    `moments` are columns of times as SQL timestamps · `newest` the SQL time of a row's data · `simulated` the SQL truth
    whether a row is invented · `verb` the right to see · `page` the address of the list, which takes `filter=` ·
    `title`, `href` the SQL of a row's name and of its page's address · `names` looks names up where the SQL has a key.
    """

    table: str
    columns: Columns
    said: Mapping[str, Said]
    fixed: Predicate
    verb: str
    source: Names
    page: str
    title: str
    href: str
    newest: str
    simulated: str
    moments: Mapping[str, str] = field(default_factory=dict)
    names: Callable[[Iterable[Any]], Mapping[Any, Names]] | None = None


def filtered(rows: QuerySet[T], where: str, columns: Columns) -> QuerySet[T]:
    """The rows of a list that fulfil a condition in CQL2 text ("" for all). Raises Cql2Error."""
    if not where:
        return rows
    sql, params = compiled(cql2.parse(where), columns)
    return rows.filter(RawSQL(sql, params, output_field=BooleanField()))  # noqa: S611  # our SQL, bound values


def problems(subject: Subject, body: Body) -> Iterator[str]:
    """What is wrong with a question, one line each: place, value, rule."""
    single = [name for name, column in subject.columns.items() if not column.each]
    known = {*single, TOWN, *(["value"] if body.get("by") else [])}
    during = body.get("during", {})
    named = [("field", body.get("field")), ("order", str(body.get("order", "")).removeprefix("-"))]
    named += [("during.time", during.get("time")), *(("by", name) for name in body.get("by", []))]
    named += [("rows", name) for name in body.get("rows", [])]
    for place, name in named:
        if name and name not in known:
            yield f"{place}: {name}: there is no such column; there are {', '.join(sorted(known))}"
            return
    for place in ("where", "that"):
        try:
            if body.get(place):
                compiled(cql2.parse(body[place]), subject.columns)
        except cql2.Cql2Error as error:
            yield f"{place}: {error}"
    measure = body.get("measure", "count")
    if measure in {"sum", "avg", "median"} and subject.columns[body["field"]].kind not in NUMBERS:
        yield f"field: {body['field']}: {measure} needs a number"
    if measure == "share" and not body.get("that"):
        yield "that: a share needs the condition of what is counted"
    if during and subject.columns[during["time"]].kind not in {Kind.DATE, Kind.TIME}:
        yield f"during.time: {during['time']}: is no date and no time"


def offered(subject: Subject) -> tuple[datasets.Column, ...]:
    """The columns that somebody can choose from: the town, what is declared, then what every row has."""
    made = [datasets.Column(TOWN, {"zh": "乡镇", "en": "Town"})]
    for name, column in sorted(subject.columns.items(), key=lambda pair: pair[0].startswith("_")):
        said = subject.said.get(name)
        is_new = said and said.title not in [one.title for one in made]  # `_key` is the register's own field as well
        if said and is_new and not column.each and column.kind != Kind.LIST and name != TOWN:
            kind = "number" if column.kind in NUMBERS else "time" if column.kind in {Kind.DATE, Kind.TIME} else "text"
            made.append(datasets.Column(name, said.title, kind, said.unit))
    return tuple(made)


def tabulate(subject: Subject, asked: Asked) -> Result:
    """The answer. Raises Cql2Error (a ValueError), KeyError for a column that is not there."""
    return _Question(subject, asked).answer()


def dataset(name: str, subject: Callable[[str, datetime], Subject]) -> datasets.Dataset:
    """A dataset of one table, `from: <name>`: (county, moment) → its subject."""

    def now(county: str) -> Subject:
        return subject(county, datetime.now(UTC))

    def offers(county: str) -> Iterable[datasets.Offer]:
        found = now(county)
        return [datasets.Offer({"from": name}, found.source, offered(found))]

    return datasets.Dataset(
        name, lambda asked: tabulate(subject(asked.county, asked.at), asked), lambda _body: now("").verb,
        lambda body, _everything: problems(now(""), body), offers,
    )  # fmt: skip


class _Question:
    def __init__(self, subject: Subject, asked: Asked) -> None:
        self._subject, self._asked, self._body = subject, asked, asked.body
        self._by = list(asked.body.get("by", []))
        self._measure = str(asked.body.get("measure", "count"))
        self._span = self._asked_span()

    def answer(self) -> Result:
        return self._rows() if "rows" in self._body else self._numbers()

    def _asked_span(self) -> spans.Span | None:
        during = self._body.get("during")
        if not during:
            return None
        return (spans.before if during.get("before") else spans.span)(during["span"], self._asked.at)

    # -- conditions

    def _where(self) -> Sql:
        subject = self._subject
        found = subject.fixed & access.visible(self._asked.who, subject.verb, "t")
        if self._body.get("where"):
            found = found & Predicate(*compiled(cql2.parse(self._body["where"]), subject.columns))
        if self._span:
            name = self._body["during"]["time"]
            if name in subject.moments:
                sql = subject.moments[name]
                found = found & Predicate(f"({sql} >= %s AND {sql} < %s)", (self._span.start, self._span.end))
            else:
                found = found & Predicate(*compiled(cql2.parse(self._within(name, self._span)), subject.columns))
        return found.sql, found.params

    def _within(self, name: str, span: spans.Span) -> str:
        """The span as CQL2 text."""
        if self._subject.columns[name].kind == Kind.DATE:
            days = [f"DATE('{moment.astimezone(spans.COUNTY_ZONE):%Y-%m-%d}')" for moment in (span.start, span.end)]
            midnight = span.end.astimezone(spans.COUNTY_ZONE)
            is_whole = spans.begin(midnight, "day") == midnight
            return f"{name} >= {days[0]} AND {name} {'<' if is_whole else '<='} {days[1]}"
        start, end = (f"TIMESTAMP('{time_text(moment.astimezone(UTC))}')" for moment in (span.start, span.end))
        return f"{name} >= {start} AND {name} < {end}"

    def _address(self, *conditions: str) -> str:
        """The list of the rows that fulfil the question and these conditions."""
        parts = [
            self._body.get("where", ""),
            self._within(self._body["during"]["time"], self._span) if self._span else "",
        ]
        given = [part for part in (*parts, *conditions) if part]
        text = " AND ".join(f"({part})" for part in given) if len(given) > 1 else "".join(given)
        base = self._subject.page
        return f"{base}{'&' if '?' in base else '?'}{urlencode({'filter': text})}" if text else base

    # -- numbers

    def _numbers(self) -> Result:
        groups = [self._group(name) for name in self._by]
        value, params = self._aggregate()
        join = " LEFT JOIN kernel_area town ON town.id = t.area_id" if TOWN in self._by else ""
        facts = f"count(*), max({self._subject.newest}), count(*) FILTER (WHERE {self._subject.simulated})"
        if self._measure == "share":
            facts += f", count(*) FILTER (WHERE {self._that().sql})"
            params = (*params, *self._that().params)
        where, bound = self._where()
        query = f"SELECT {', '.join([*groups, value, facts])} FROM {self._subject.table} t{join} WHERE {where}"
        if groups:
            query += f" GROUP BY {', '.join(str(n + 1) for n in range(len(groups)))}"
        with connection.cursor() as cursor:
            cursor.execute(query, [*params, *bound])
            found = cursor.fetchall()
        rows = self._named([(row[: len(groups)], _plain(row[len(groups)])) for row in found])
        at = len(groups) + 1
        total = sum(row[at] for row in found)
        counted = sum(row[at + 3] for row in found) if self._measure == "share" else total
        return Result(
            columns=(*(self._column(name) for name in self._by), self._value_column()),
            rows=tuple(rows),
            source=self._subject.source,
            newest=max((row[at + 1] for row in found if row[at + 1]), default=None),
            total=counted,
            base=total if self._measure == "share" else 0,
            simulated=sum(row[at + 2] for row in found),
            missing=self._missing(total, counted),
            href=self._address(*([self._body["that"]] if self._measure == "share" else [])),
            is_part=self._is_part,
        )

    @property
    def _is_part(self) -> bool:
        return not datasets.sees_all(self._asked.who, self._subject.verb, self._asked.county)

    def _missing(self, total: int, counted: int) -> tuple[Names, ...]:
        if self._measure == "share":
            return ({"zh": f"{counted} / {total} 条", "en": f"{counted} of {total} rows"},) if total else ()
        return ()

    def _that(self) -> Predicate:
        return Predicate(*compiled(cql2.parse(self._body["that"]), self._subject.columns))

    def _aggregate(self) -> Sql:
        if self._measure == "share":
            that = self._that()
            return f"100.0 * count(*) FILTER (WHERE {that.sql}) / nullif(count(*), 0)", that.params
        name = self._body.get("field", "")
        return AGGREGATES[self._measure].format(self._subject.columns[name].sql if name else ""), ()

    def _group(self, name: str) -> str:
        """SQL of what rows are put together by: a town, a bucket of time, or a value."""
        if name == TOWN:
            return "split_part(town.path, '/', 2)"
        each = self._body.get("each", "month")
        column = self._subject.columns[name]
        if column.kind == Kind.DATE:
            return f"left({column.sql}, {LENGTHS[each]})"
        if column.kind == Kind.TIME:
            moment = self._subject.moments.get(name, f"({column.sql})::timestamptz")
            form = {"hour": 'YYYY-MM-DD HH24":00"', "day": "YYYY-MM-DD", "month": "YYYY-MM", "year": "YYYY"}[each]
            return f"to_char({moment} AT TIME ZONE '{spans.COUNTY_ZONE}', '{form}')"
        return column.sql

    def _is_time(self, name: str) -> bool:
        return name != TOWN and self._subject.columns[name].kind in {Kind.DATE, Kind.TIME}

    def _named(self, found: Sequence[tuple[Sequence[Any], Any]]) -> list[Row]:
        """Rows with names for their keys, in an order that people expect, with the lists behind them."""
        if not self._by:
            value = found[0][1] if found else None
            return [Row((value,), (), self._address(*([self._body["that"]] if self._measure == "share" else [])))]
        values = {tuple(keys): value for keys, value in found}
        for name in self._by[:1]:
            if len(self._by) == 1 and self._is_time(name) and self._span and self._measure in ADDED:
                for step, _start, _end in spans.steps(self._span, self._body.get("each", "month")):
                    values.setdefault((step,), 0)
        labels = [self._labels(name, {keys[n] for keys in values}) for n, name in enumerate(self._by)]
        order = sorted(values, key=lambda keys: tuple(self._place(n, key, labels[n]) for n, key in enumerate(keys)))
        if self._body.get("order") == "-value":
            order.sort(key=lambda keys: -(values[keys] or 0))
        top = int(self._body.get("top", MOST_ROWS))
        return [
            Row(
                (*(labels[n].get(key, _unnamed(key)) for n, key in enumerate(keys)), values[keys]),
                keys,
                self._address(*(self._equals(name, key) for name, key in zip(self._by, keys, strict=True))),
            )
            for keys in order[:top]
        ]

    def _place(self, number: int, key: Any, labels: Mapping[Any, Any]) -> tuple[int, str]:
        """Nothing last; declared choices as declared; else as it sorts."""
        if key is None or key == "":
            return 10**6, ""
        known = [*self._said(self._by[number]).labels]
        return (known.index(str(key)) if str(key) in known else len(known)), str(key)

    def _said(self, name: str) -> Said:
        return self._subject.said.get(name) or Said({"zh": name, "en": name})

    def _labels(self, name: str, keys: Iterable[Any]) -> Mapping[Any, Any]:
        wanted = {key for key in keys if key not in {None, ""}}
        if name == TOWN:
            rows = Area.objects.filter(county_id=self._asked.county, code__in=wanted)
            return {area.code: {"zh": area.name, "en": area.name_en or area.name} for area in rows}
        if self._is_time(name):
            return {key: key for key in wanted}
        said = self._said(name)
        if self._subject.columns[name].kind == Kind.BOOLEAN and not said.labels:
            return {True: {"zh": "是", "en": "Yes"}, False: {"zh": "否", "en": "No"}}
        found: dict[Any, Any] = dict(said.titles(wanted)) if said.titles else {}
        return found | {key: said.labels[str(key)] for key in wanted if str(key) in said.labels}

    def _equals(self, name: str, key: Any) -> str:
        """The CQL2 condition of one group."""
        if key is None:
            return f"{name} IS NULL"
        if self._is_time(name):
            return self._within(name, _bucket(str(key)))
        if isinstance(key, bool):
            return f"{name} = {'TRUE' if key else 'FALSE'}"
        return f"{name} = {key}" if isinstance(key, int | float | Decimal) else f"{name} = '{_quoted(key)}'"

    def _column(self, name: str) -> datasets.Column:
        if name == TOWN:
            return datasets.Column(name, {"zh": "乡镇", "en": "Town"})
        said = self._said(name)
        kind = "number" if self._subject.columns[name].kind in NUMBERS else "text"
        return datasets.Column(name, said.title, "time" if self._is_time(name) else kind, said.unit)

    def _value_column(self) -> datasets.Column:
        if self._measure == "share":
            return datasets.Column("value", SHARE, "number", "%")
        name = self._body.get("field", "")
        if not name or self._measure in {"count", "distinct"}:
            return datasets.Column("value", COUNT, "number")
        return datasets.Column("value", self._said(name).title, "number", self._said(name).unit)

    # -- rows

    def _rows(self) -> Result:
        subject, names = self._subject, list(self._body["rows"])
        where, params = self._where()
        shown = ", ".join("split_part(town.path, '/', 2)" if n == TOWN else subject.columns[n].sql for n in names)
        order = str(self._body.get("order", ""))
        by = subject.columns[order.removeprefix("-")].sql if order else subject.newest
        turned = "DESC" if order.startswith("-") or not order else "ASC"
        join = " LEFT JOIN kernel_area town ON town.id = t.area_id"
        query = (
            f"SELECT {subject.title}, {subject.href}, {subject.simulated}, {subject.newest}, count(*) OVER (), {shown} "
            f"FROM {subject.table} t{join} WHERE {where} ORDER BY {by} {turned} NULLS LAST, "
            f"{subject.newest} DESC, t.id LIMIT %s"
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [*params, min(int(self._body.get("top", 20)), MOST_ROWS)])
            found = cursor.fetchall()
        labels = [self._row_labels(name, {row[5 + n] for row in found}) for n, name in enumerate(names)]
        called = subject.names({row[0] for row in found}) if subject.names else {}
        rows = tuple(
            Row(
                (called.get(row[0], row[0]), *(labels[n].get(cell, _plain(cell)) for n, cell in enumerate(row[5:]))),
                tuple(row[5:]), row[1], bool(row[2]),
            )
            for row in found
        )  # fmt: skip
        return Result(
            columns=(datasets.Column("_title", {"zh": "名称", "en": "Name"}), *(self._column(name) for name in names)),
            rows=rows,
            source=subject.source,
            newest=max((row[3] for row in found if row[3]), default=None),
            total=found[0][4] if found else 0,
            simulated=sum(bool(row[2]) for row in found),
            href=self._address(),
            is_part=self._is_part,
        )

    def _row_labels(self, name: str, keys: Iterable[Any]) -> Mapping[Any, Any]:
        if name != TOWN and self._is_time(name):
            return {}
        return self._labels(name, keys)


def _quoted(text: Any) -> str:
    return str(text).replace("'", "''")


def _unnamed(key: Any) -> Any:
    return {"zh": "未填", "en": "Not given"} if key in {None, ""} else key


def _plain(value: Any) -> Any:
    """A number of SQL as one of JSON."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _bucket(name: str) -> spans.Span:
    """The span of a bucket's name: 2026, 2026-07, 2026-07-01, 2026-07-01 08:00."""
    each = next(
        each for each, form in spans.EACH.items() if len(datetime(2000, 1, 1, tzinfo=UTC).strftime(form)) == len(name)
    )
    start = datetime.strptime(name, spans.EACH[each]).replace(tzinfo=spans.COUNTY_ZONE)
    return spans.Span(start, spans.after(start, each))
