"""`$apply` of the Observations of one Datastream, beside the standard: put together by intervals, or thinned.

`interval(P1D,mean,max,quality=usable)` and `lttb(500)`. A `$filter` may bound phenomenonTime, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from odata_query import ast

from shizhu.engines.things import aggregate
from shizhu.engines.things.http.sta import filters
from shizhu.engines.things.http.sta.errors import bad
from shizhu.engines.things.http.sta.grammar import parse
from shizhu.engines.things.http.sta.options import Options
from shizhu.engines.things.http.sta.paths import ResourcePath
from shizhu.engines.things.http.sta.pieces import Piece
from shizhu.engines.things.logic.readings import parse_time
from shizhu.engines.things.models import Latest
from shizhu.lib.numbers import whole

CALL = re.compile(r"(?P<name>interval|lttb)\((?P<inner>[^()]*)\)")
TICK = timedelta(microseconds=1)
RULE = "must be interval(P1D,mean,…) or lttb(500), perhaps with quality=good, usable or all"
BOUNDS = "with $apply it may bound phenomenonTime (ge, gt, lt, le a time, joined by and), and nothing else"


@dataclass(frozen=True)
class Wanted:
    """What `$apply` says."""

    step: aggregate.Interval | None
    functions: tuple[str, ...] = ()
    points: int = 0
    quality: str = "good"


def wanted(path: ResourcePath, options: Options) -> Wanted:
    """Read it; raises Refused (400)."""
    piece = options.apply or Piece("", "$apply")
    *before, last = path.steps
    if last.entity.name != "Observations" or not before or before[-1].entity.name != "Datastreams" or path.is_count:
        raise piece.fault("it goes with Datastreams(1)/Observations")
    others = replace(options, apply=None, filter=None, format=None)
    if others != Options():
        raise piece.fault(f"{', '.join(others.texts()) or '$skip'}: only $filter and $resultFormat go with it")
    if options.format and options.format.text != "csv":
        raise options.format.fault("with $apply it may be csv")
    call = CALL.fullmatch(piece.text)
    if call is None:
        raise piece.fault(f"{piece.text!r} {RULE}")
    first, *rest = [part.strip() for part in call["inner"].split(",")]
    quality = next((part.removeprefix("quality=") for part in rest if part.startswith("quality=")), "good")
    names = tuple(part for part in rest if not part.startswith("quality="))
    try:
        if call["name"] == "interval":
            return Wanted(aggregate.interval(first), names or ("count", "mean", "min", "max"), quality=quality)
        if (points := whole(first, -1)) < 0 or names:
            raise piece.fault(f"{piece.text!r} {RULE}")
        return Wanted(None, points=points, quality=quality)
    except aggregate.AggregateFault as fault:
        raise piece.fault(str(fault)) from None


def bounds(piece: Piece | None) -> tuple[datetime | None, datetime | None]:
    """The span a filter leaves; its end does not belong to it. Raises Refused (400)."""
    start: datetime | None = None
    end: datetime | None = None
    for node in filters.conjuncts(parse(piece)) if piece else ():
        sign = filters.SIGNS.get(type(node.comparator), "") if isinstance(node, ast.Compare) else ""
        is_bound = sign in {"<", "<=", ">", ">="} and isinstance(node.right, ast.DateTime)
        if (
            piece is None
            or not is_bound
            or not isinstance(node.left, ast.Identifier)
            or node.left.name != "phenomenonTime"
        ):
            raise (piece or Piece("", "$filter")).fault(BOUNDS)
        at = parse_time(str(node.right.val).upper())
        if sign in {">", ">="}:
            start = max(filter(None, [start, at + TICK * (sign == ">")]))
        else:
            end = min(filter(None, [end, at + TICK * (sign == "<=")]))
    return start, end


def answer(asked: Wanted, piece: Piece | None, stream: int) -> dict[str, Any]:
    """The answer as JSON; raises Refused (400)."""
    start, end = bounds(piece)
    latest = Latest.objects.filter(datastream=stream).first()
    if latest is None:
        return {"value": []}
    start, end = start or latest.first_time, end or latest.phenomenon_time + TICK
    if start >= end:
        return {"value": []}
    try:
        if asked.step is None:
            points = aggregate.thinned(stream, start, end, asked.points, asked.quality)
            return {"value": [{"phenomenonTime": _time(time), "result": value} for time, value in points]}
        found = aggregate.aggregate(stream, start, end, asked.step, asked.functions, asked.quality)
    except aggregate.AggregateFault as fault:
        raise bad(f"$apply: {fault}", 0) from None
    return {"value": [_bucket(one, asked.functions) for one in found]}


def _bucket(one: aggregate.Bucket, functions: Sequence[str]) -> dict[str, Any]:
    figures = {"count": one.count, **one.figures}
    told = {"phenomenonTime": f"{_time(one.start)}/{_time(one.end)}", **{name: figures[name] for name in functions}}
    if one.expected is not None:
        told |= {"expected": one.expected, "completeness": one.completeness}
    return told


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
