"""Answers that need Observations of archived days: their rows are put beside the table, and the same statement is run.

A page in order of time walks over the days until it is full; newest or oldest Observations in an `$expand` are found
datastream by datastream; everything else reads all rows it may need, up to `MOST`, and is refused (501) beyond.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import orjson
import psycopg
from odata_query import ast

from shizhu.engines.things import archive, recall
from shizhu.engines.things.http.sta import filters, spatial
from shizhu.engines.things.http.sta.entities import SETS
from shizhu.engines.things.http.sta.errors import Refused, later
from shizhu.engines.things.http.sta.grammar import Interval, parse
from shizhu.engines.things.http.sta.options import Options, keys_of
from shizhu.engines.things.http.sta.paths import ResourcePath
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.http.sta.scope import visible
from shizhu.engines.things.http.sta.select import Reader
from shizhu.engines.things.http.sta.sql import Sql, bind, join, sql
from shizhu.engines.things.store import CURRENT

Connection = psycopg.AsyncConnection[Any]
OBSERVATIONS, STREAMS = "Observations", {"Datastreams", "MultiDatastreams"}
NAMED = re.compile(r"\bObservations\b")
TABLE = re.compile(r"\bthings_observation\b")
MOST_PAIRS = 20_000  # days of datastreams that a walk may pass over
FEW = 2000  # rows a walk over the days begins with
IDS = {"id", "_iot_id"}
LEAST, MOST_DAY = date(1, 1, 2), date(9999, 12, 30)
DAYS = {  # of a time or interval: the end from which, and up to which, a phenomenonTime in that relation to it begins
    ">": ("end", ""), ">=": ("end", ""), "=": ("begin", "begin"), "<": ("", "begin"), "<=": ("", "begin"),
    "after": ("end", ""), "before": ("", "begin"), "during": ("begin", "end"), "starts": ("begin", "begin"),
    "overlaps": ("", "end"), "meets": ("", "end"), "finishes": ("", "end"),
}  # fmt: skip
PAIRS = """
SELECT y.datastream_id, y.day, a.file, y.rows, y.readings FROM things_day y JOIN things_archivedday a USING (day)
WHERE {where}
"""
SUMS = "SELECT coalesce(sum(y.rows), 0), coalesce(sum(y.readings), 0) FROM things_day y WHERE {where}"
FIRST = """
SELECT s.id, p.day, a.file FROM ({streams}) s (id) CROSS JOIN LATERAL (
  SELECT y.day FROM things_day y WHERE y.datastream_id = s.id AND NOT y.is_recalled AND y.readings > 0
  ORDER BY y.day {way} LIMIT {most}) p
JOIN things_archivedday a USING (day)
WHERE (SELECT count(*) FROM (SELECT FROM things_observation e WHERE e.datastream_id = s.id AND {here} AND {nearer}
  ORDER BY e.phenomenon_time {way} LIMIT {most}) h) < {most}
"""
HOLD = "LOCK TABLE things_archivedday IN SHARE MODE"  # no day moves to a file until this transaction ends
HERE = CURRENT.format(e="e", was="", then="", probe=" OFFSET 0")
NEWER = "e.phenomenon_time >= ((p.day + 1)::timestamp AT TIME ZONE 'Asia/Shanghai')"
OLDER = "e.phenomenon_time < (p.day::timestamp AT TIME ZONE 'Asia/Shanghai')"


@dataclass(frozen=True)
class Reach:
    """Which archived rows a statement may need."""

    streams: Sql  # ids of datastreams, as a SELECT
    first_day: date = LEAST
    last_day: date = MOST_DAY
    ids: tuple[int, ...] = ()  # of Observations that are named
    has_page: bool = False  # of Observations
    is_walk: bool = False  # that page is in order of time, or of datastream and time
    is_by_time: bool = False
    is_descending: bool = False
    is_bare: bool = False  # all Observations of the datastreams, as known now
    first: recall.First | None = None
    parents: ResourcePath | None = None  # whose page says which datastreams

    def where(self) -> Sql:
        """The condition on `things_day y`."""
        return sql(
            "NOT y.is_recalled AND y.day BETWEEN {a} AND {b} AND y.datastream_id IN ({streams})",
            a=bind(self.first_day, "date"), b=bind(self.last_day, "date"), streams=self.streams,
        )  # fmt: skip


NOTHING = Reach(Sql("SELECT NULL::bigint"))


def reach(reader: Reader, path: ResourcePath, options: Options) -> Reach | None:
    """What a GET may need of archived days; None: nothing, whatever there is."""
    ids = tuple(step.key for step in path.steps if step.entity.name == OBSERVATIONS and step.key is not None)
    has_page = path.last.entity.name == OBSERVATIONS and not path.last.is_single
    nested = _nested(options)
    is_filtered = any(NAMED.search(text) for text in _conditions(options))
    if not (ids or has_page or nested or is_filtered):
        return None
    if has_page and not nested and not is_filtered:
        return _page(reader, path, options, ids)
    every = Reach(_visible(reader), ids=ids, has_page=has_page)
    if has_page or is_filtered:
        return every
    if not nested:
        return replace(every, streams=NOTHING.streams)
    firsts = [_first(expansion) if _is_of_streams(path, way) else None for way, expansion in nested]
    if None not in firsts and len({one.is_newest for one in firsts if one}) == 1 and not options.as_of:
        every = replace(every, first=max((one for one in firsts if one), key=lambda one: one.most))
    return replace(every, **_parents(reader, path, {route for route, _ in nested}))


def _page(reader: Reader, path: ResourcePath, options: Options, ids: tuple[int, ...]) -> Reach:
    """Of a page of Observations."""
    *before, _ = path.steps
    streams = _visible(reader)
    is_of_stream = bool(before) and before[-1].entity.name in STREAMS
    if is_of_stream:
        streams = sql("SELECT {id}", id=reader.key(tuple(before)))
    elif before:
        streams = sql(
            "SELECT d.id FROM things_datastream d WHERE d.feature_id = {id} UNION"
            " SELECT f.datastream_id FROM things_archivedfeature f WHERE f.feature_id = {id}",
            id=reader.key(tuple(before)),
        )  # fmt: skip
    first_day, last_day, stream, named = _bounds(options.filter)
    order = options.orderby[0] if options.orderby else None
    found = Reach(
        streams=streams if stream is None else sql("SELECT {id}", id=bind(stream, "bigint")),
        first_day=first_day,
        last_day=last_day,
        ids=(*ids, *named),
        has_page=True,
        is_walk=(order is None or order.path.text == "phenomenonTime") and not named,
        is_by_time=order is not None,
        is_descending=bool(order and order.is_descending),
        is_bare=options.filter is None and options.as_of is None and (is_of_stream or not before),
    )
    return replace(found, streams=NOTHING.streams) if named else _after_token(found, options)


def _after_token(found: Reach, options: Options) -> Reach:
    """Days before the page are passed over; only where it tells the days of all datastreams."""
    if not (options.token and found.is_walk and found.is_by_time) or not options.token[0] or options.is_counted:
        return found
    day = archive.day_of(datetime.fromisoformat(options.token[0]))
    if found.is_descending:
        return replace(found, last_day=min(found.last_day, day))
    return replace(found, first_day=max(found.first_day, day))


def _nested(options: Options, route: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Options]]:
    """Every `Observations` of `$expand`: by which way, with which options."""
    found = []
    for expansion in options.expand:
        way = (*route, expansion.name.text)
        if expansion.name.text == OBSERVATIONS:
            found.append((way, expansion.options))
        found += _nested(expansion.options, way)
    return found


def _is_of_streams(path: ResourcePath, way: tuple[str, ...]) -> bool:
    """Whether Observations of datastreams are expanded: the newest of a feature may lie far back in its datastream."""
    return (way[-2] if len(way) > 1 else path.last.entity.name).rstrip("s") in {"Datastream", "MultiDatastream"}


def _conditions(options: Options) -> list[str]:
    texts = [options.filter.text if options.filter else "", *(order.path.text for order in options.orderby)]
    return [*texts, *(text for expansion in options.expand for text in _conditions(expansion.options))]


def _first(options: Options) -> recall.First | None:
    """So many newest or oldest of each datastream, if that is what is expanded."""
    (order,) = options.orderby if len(options.orderby) == 1 else (None,)
    is_plain = not (options.filter or options.is_counted or options.token or _nested(options))
    if not is_plain or (options.orderby and (order is None or order.path.text != "phenomenonTime")):
        return None
    return recall.First(options.skip + options.size + 1, bool(order and order.is_descending))


def _parents(reader: Reader, path: ResourcePath, routes: set[tuple[str, ...]]) -> dict[str, Any]:
    """The datastreams that an `$expand` leads to, if the path tells them."""
    of_things = {("Datastreams", OBSERVATIONS), ("MultiDatastreams", OBSERVATIONS)}
    name, is_direct = path.last.entity.name, routes == {(OBSERVATIONS,)}
    if not (name in STREAMS and is_direct) and not (name == "Things" and routes <= of_things):
        return {}
    if not path.last.is_single:
        return {"parents": path}
    own = reader.key(path.steps)
    if name in STREAMS:
        return {"streams": sql("SELECT {id}", id=own)}
    return {"streams": sql("SELECT d.id FROM things_datastream d WHERE d.thing_id = {id}", id=own)}


def _visible(reader: Reader) -> Sql:
    where = visible(SETS["Datastreams"], "e", reader.caller)
    return sql("SELECT e.id FROM things_datastream e WHERE {where}", where=where or Sql("TRUE"))


def _bounds(piece: Piece | None) -> tuple[date, date, int | None, tuple[int, ...]]:
    """Days that a filter leaves, the datastream and the ids of Observations it names."""
    first, last, stream, ids = LEAST, MOST_DAY, None, tuple[int, ...]()
    for node in filters.conjuncts(parse(piece)) if piece else ():
        if isinstance(node, ast.Call) and len(node.args) == 2:
            begin, end = _days(node.args[0], node.func.name.lower(), node.args[1])
            first, last = max(first, begin), min(last, end)
        if not isinstance(node, ast.Compare):
            continue
        left, right, sign = node.left, node.right, filters.SIGNS.get(type(node.comparator), "")
        if not isinstance(left, ast.Identifier | ast.Attribute):
            left, right, sign = right, left, sign.translate(str.maketrans("<>", "><"))
        if not isinstance(left, ast.Identifier | ast.Attribute):
            continue
        names = [str(name) for name in filters.steps(left)]
        if names == ["phenomenonTime"]:
            begin, end = _days(left, sign, right)
            first, last = max(first, begin), min(last, end)
        elif sign == "=" and isinstance(right, ast.Integer) and abs(int(right.val)) < 1 << 62:
            if len(names) == 2 and names[0] in {"Datastream", "MultiDatastream"} and names[1] in IDS:
                stream = int(right.val)
            elif len(names) == 1 and names[0] in IDS:
                ids = (int(right.val),)
    return first, last, stream, ids


def _days(left: Any, relation: str, right: Any) -> tuple[date, date]:
    """The days on which a phenomenonTime can begin that stands in a relation to a time or interval."""
    first, last = DAYS.get(relation, ("", ""))
    is_meant = isinstance(left, ast.Identifier) and left.name == "phenomenonTime"
    if not is_meant or not isinstance(right, ast.DateTime | Interval):
        return LEAST, MOST_DAY
    begin, _, end = str(right.val).partition("/")
    said = {"begin": _day(begin), "end": _day(end or begin)}
    return said.get(first) or LEAST, said.get(last) or MOST_DAY


def _day(text: str) -> date | None:
    try:
        return archive.day_of(filters.moment(text))
    except (ValueError, OverflowError):
        return None


def reached(found: Reach, path: ResourcePath) -> Sql:
    """The newest archived day that a page of Observations may need, as a subquery; NULL if none."""
    *before, _ = path.steps
    days = sql(
        "NOT y.is_recalled AND y.day BETWEEN {a} AND {b}",
        a=bind(found.first_day, "date"), b=bind(found.last_day, "date"),
    )  # fmt: skip
    if before and before[-1].entity.name in STREAMS:
        return sql(
            "(SELECT max(y.day) FROM things_day y WHERE y.datastream_id = (SELECT id FROM parent) AND {days})",
            days=days,
        )
    return Sql("(SELECT max(day) FROM things_archivedday)")


@asynccontextmanager
async def _one_look(connection: Connection) -> AsyncIterator[None]:
    """Table and files as of one moment, also within a transaction of others."""
    is_within = connection.info.transaction_status is not psycopg.pq.TransactionStatus.IDLE
    await recall.begin(connection)
    async with connection.transaction():
        await connection.execute(HOLD if is_within else "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


async def row(
    connection: Connection, reader: Reader, path: ResourcePath, options: Options, found: Reach
) -> tuple[Any, ...] | None:
    """The row of the statement of a GET, over the table and the files; raises Refused (501)."""
    async with _one_look(connection):
        there = await _thaw_named(connection, found)
        is_rolled = found.is_bare or not options.is_counted
        if found.has_page and path.is_count and found.is_bare:
            _, more = await _sums(connection, found)
            return await whole(connection, replace(reader, more=more).statement(path, options))
        if found.is_walk and is_rolled and not path.is_count:
            return await _walk(connection, reader, path, options, found, there)
        await _thaw(connection, await _narrowed(connection, reader, options, found), there)
        return await whole(connection, reader.statement(path, options))


async def rows(connection: Connection, query: Sql, found: Reach) -> list[tuple[Any, ...]]:
    """The rows of another statement over the table and the files; raises Refused (501)."""
    async with _one_look(connection):
        there = await _thaw_named(connection, found)
        await _thaw(connection, replace(found, first=None, parents=None), there)
        return await _fetched(connection, query)


async def whole(connection: Connection, query: Sql) -> tuple[Any, ...] | None:
    """The row of a statement that sees what has been put beside the table."""
    found = await _fetched(connection, query)
    return found[0] if found else None


async def _fetched(connection: Connection, query: Sql) -> list[tuple[Any, ...]]:
    values = await spatial.resolved(connection, query.values)
    return await (await connection.execute(TABLE.sub(recall.WHOLE, query.text), values)).fetchall()


async def _thaw_named(connection: Connection, found: Reach) -> set[recall.Pair]:
    """Put the days of Observations that are named beside the table; returns which."""
    there: set[recall.Pair] = set()
    if found.ids:
        pairs = await recall.of_ids(connection, found.ids)
        wanted = sql(
            "NOT y.is_recalled AND (y.datastream_id, y.day) IN (SELECT * FROM unnest({streams}, {days}))",
            streams=bind([stream for stream, _ in pairs], "bigint[]"), days=bind([day for _, day in pairs], "date[]"),
        )  # fmt: skip
        files = [r[:3] for r in await _fetched(connection, sql(PAIRS, where=wanted))]
        await recall.thaw(connection, files)
        there = {(stream, day) for stream, day, _ in files}
    return there


async def _narrowed(connection: Connection, reader: Reader, options: Options, found: Reach) -> Reach:
    """The reach, with the datastreams of the one page that is asked for."""
    if found.parents is None:
        return found
    plain = replace(options, expand=(), select=(Piece("id", "$select"),), is_counted=False, format=None)
    told = await whole(connection, reader.statement(found.parents, plain))
    ids = [one["@iot.id"] for one in orjson.loads(told[1])["value"]] if told and told[1] else []
    column = "thing_id" if found.parents.last.entity.name == "Things" else "id"
    return replace(
        found,
        streams=sql(f"SELECT d.id FROM things_datastream d WHERE d.{column} = ANY({{ids}})", ids=bind(ids, "bigint[]")),
    )


async def _sums(connection: Connection, found: Reach) -> tuple[int, int]:
    ((stored, readings),) = await _fetched(connection, sql(SUMS, where=found.where()))
    return int(stored), int(readings)


async def _thaw(connection: Connection, found: Reach, there: set[recall.Pair]) -> None:
    """All rows within reach, or of each datastream the first that are wanted."""
    if found.first:
        way, nearer = ("DESC", NEWER) if found.first.is_newest else ("ASC", OLDER)
        query = sql(
            FIRST, streams=found.streams, way=way, most=str(found.first.most), nearer=nearer, here=HERE,
        )  # fmt: skip
        pairs = [pair for pair in await _fetched(connection, query) if pair[:2] not in there]
        await recall.thaw(connection, pairs, found.first)
        return
    stored, _ = await _sums(connection, found)
    if stored > recall.MOST:
        raise _too_many(stored)
    pairs = await _fetched(connection, sql(PAIRS, where=found.where()))
    await recall.thaw(connection, [pair[:3] for pair in pairs if pair[:2] not in there])


def _too_many(stored: int) -> Refused:
    return later(
        f"{stored} rows of archived days would have to be read, and {recall.MOST} may be: bound phenomenonTime, ask one"
        " Datastream, or order by phenomenonTime",
        0,
    )


async def _walk(
    connection: Connection,
    reader: Reader,
    path: ResourcePath,
    options: Options,
    found: Reach,
    there: set[recall.Pair],
) -> tuple[Any, ...] | None:
    """Day after day, until the page is full or there are no more."""
    is_down, count = found.is_descending, options.is_counted
    way = "DESC" if is_down else "ASC"
    keys = ("y.day", "y.datastream_id") if found.is_by_time else ("y.datastream_id", "y.day")
    query = sql(
        f"{PAIRS} ORDER BY {', '.join(f'{key} {way}' for key in keys)} LIMIT {{most}}",
        where=join(" AND ", [found.where(), _passed(found, options)]), most=bind(MOST_PAIRS, "int"),
    )  # fmt: skip
    pairs = await _fetched(connection, query)
    _, every = await _sums(connection, found) if count else (0, 0)
    done, read, wanted = 0, 0, 0
    while True:
        begun = done
        while done < len(pairs) and read < wanted:
            read += pairs[done][3]
            done += 1
        if read > recall.MOST:
            raise _too_many(read)
        await recall.thaw(connection, [pair[:3] for pair in pairs[begun:done] if pair[:2] not in there])
        until = _until(pairs[done][:2], found) if done < len(pairs) else Sql()
        if not until and len(pairs) == MOST_PAIRS:
            raise _too_many(read)
        more = every - sum(pair[4] for pair in pairs[:done]) if count else 0
        answer = await whole(connection, replace(reader, until=until, more=more).statement(path, options))
        if answer is None or not until or answer[2]:
            return answer
        wanted = max(FEW, 4 * wanted, 2 * (options.skip + options.size))


def _passed(found: Reach, options: Options) -> Sql:
    """Datastreams and days before the page are passed over."""
    if found.is_by_time or len(options.token) < 2 or options.is_counted or None in options.token:
        return Sql()
    stream, day = int(options.token[0] or 0), archive.day_of(datetime.fromisoformat(options.token[1] or ""))
    return sql("(y.datastream_id, y.day) >= ({stream}, {day})", stream=bind(stream, "bigint"), day=bind(day, "date"))


def _until(pair: tuple[int, date], found: Reach) -> Sql:
    """The rows before those of a datastream and day that are not there, in the order of the walk."""
    start, end = archive.span(pair[1])
    if found.is_by_time:
        return sql("e.phenomenon_time " + (">= {t}" if found.is_descending else "< {t}"),
                   t=bind(end if found.is_descending else start, "timestamptz"))  # fmt: skip
    return sql(
        "(e.datastream_id, e.phenomenon_time) < ({stream}, {start})",
        stream=bind(pair[0], "bigint"), start=bind(start, "timestamptz"),
    )  # fmt: skip


def is_complete(answer: tuple[Any, ...], found: Reach, options: Options) -> bool:
    """Whether a page of the table alone is the whole answer."""
    is_found, _, is_full, token, newest = answer
    if found.ids and not is_found:  # the Observation that leads to it may lie in a file
        return False
    if newest is None:
        return True
    if token is None:  # a page of none
        return False
    if not (is_full and found.is_walk and found.is_by_time and found.is_descending) or options.is_counted:
        return False
    return datetime.fromisoformat(keys_of(token)[0] or "") >= archive.span(newest)[1]
