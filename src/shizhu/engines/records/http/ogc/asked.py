"""The parameters of items: each becomes a part of what is wanted, or is refused with name, value and rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import orjson
from django.utils import timezone
from shapely.geometry.base import BaseGeometry

from shizhu.engines.records.collections import Collection, Found, Table, Wanted
from shizhu.engines.records.logic import cql2
from shizhu.engines.records.logic.cql2 import Comparison, Every, Expression, IsNull, Literal, Property, Some
from shizhu.engines.records.logic.register import Field, Kind
from shizhu.engines.records.logic.values import time_text
from shizhu.lib import crs, numbers
from shizhu.web.middleware import Request
from shizhu.web.ogc import BadParameter, known

LIMIT, MOST = 100, 1000
LANGUAGES = ("cql2-text", "cql2-json")
STARTS = ("offset", "after", "before")  # of which a page has one at most
ALWAYS = ("limit", "offset", "bbox", "bbox-crs", "datetime", "crs", "properties")
FILTERING = ("filter", "filter-lang", "filter-crs", "sortby")


@dataclass(frozen=True)
class Asked:
    """What an address asks for: features, the properties shown (None: all), the system of coordinates."""

    given: Mapping[str, str]
    wanted: Wanted
    properties: frozenset[str] | None
    crs: str


def names(collection: Collection) -> list[str]:
    """The parameters that the items of a collection take."""
    found = [
        *ALWAYS,
        *(FILTERING if collection.columns else ()),
        *(STARTS[1:] if isinstance(collection, Table) else ()),
    ]
    found += [*(["q"] if collection.is_searched else []), *collection.extra]
    return [*found, *(name for name in equal(collection) if name not in {*found, "f"})]


def equal(collection: Collection) -> list[str]:
    """The queryables that are parameters too (19-079r2, queryables as query parameters); those with an index first."""
    single = [name for name, column in collection.columns.items() if column.kind != Kind.LIST]
    return [*collection.filters, *(name for name in single if name not in collection.filters)]


def items(request: Request, collection: Collection) -> Asked:
    """Read the parameters of `items`. Raises BadParameter, Cql2Error."""
    given = known(request, names(collection))
    reserved = {*ALWAYS, *FILTERING, *STARTS, "q", "f", *collection.extra}
    parts = [_same(collection, name, given[name]) for name in equal(collection) if name in {*given} - reserved]
    if "datetime" in given and collection.time_field:
        parts.append(_when(collection.named[collection.time_field], given["datetime"]))
    elif "datetime" in given:
        span(given["datetime"])
    if "filter" in given:
        parts.append(_filter(given))
    elif {"filter-lang", "filter-crs"} & given.keys():
        _language(given)
        system(given, "filter-crs")
    limit = whole(given, "limit", LIMIT, 1)
    starts = [name for name in STARTS if name in given]
    if len(starts) > 1:
        raise BadParameter(starts[1], given[starts[1]], f"a page begins at one place: leave {starts[0]} out", "once")
    wanted = Wanted(
        where=Every(tuple(parts)),
        windows=_windows(given),
        search=given.get("q", "").strip(),
        extra={name: given[name] for name in collection.extra if name in given},
        order=_order(collection, given.get("sortby", "")),
        offset=whole(given, "offset", 0, 0),
        limit=min(limit, MOST),
        after=given.get("after", ""),
        before=given.get("before", ""),
    )
    return Asked(given, wanted, _properties(collection, given), system(given, "crs"))


def beside(found: Found, wanted: Wanted) -> dict[str, dict[str, str]]:
    """The pages beside: next, prev → what their addresses say other than this one's."""
    if found.after is None:
        last = max(wanted.offset - wanted.limit, 0)
        here = {
            "next": {"offset": str(wanted.offset + wanted.limit)} if wanted.offset + wanted.limit < found.total else {},
            "prev": {"offset": str(last)} if wanted.offset else {},
        }
    else:
        here = {
            "next": {"after": found.after} if found.after else {},
            "prev": {"before": found.before} if found.before else {},
        }
    return {rel: {**dict.fromkeys(STARTS, ""), **step} for rel, step in here.items() if step}


def item(request: Request) -> tuple[Mapping[str, str], str]:
    """Read the parameters of one item: those given, and the system of coordinates."""
    given = known(request, ("crs",))
    return given, system(given, "crs")


def whole(given: Mapping[str, str], name: str, usual: int, least: int) -> int:
    """A whole number. Raises BadParameter."""
    text = given.get(name)
    if text is None:
        return usual
    number = numbers.whole(text, -1, digits=9)
    if number < max(least, 0):
        raise BadParameter(name, text, f"must be a whole number from {least}", "minimum")
    return number


def system(given: Mapping[str, str], name: str) -> str:
    """A system of coordinates by its OGC name. Raises BadParameter."""
    text = given.get(name, crs.CRS84)
    if not crs.is_known(text):
        raise BadParameter(name, text, "must be one of the systems that the collection names under crs", "crs")
    return text


def _windows(given: Mapping[str, str]) -> tuple[BaseGeometry, ...]:
    """bbox of four or six numbers (requirement 23) in bbox-crs."""
    reference = system(given, "bbox-crs")
    if "bbox" not in given:
        return ()
    try:
        numbers = [float(part) for part in given["bbox"].split(",")]
    except ValueError:
        raise BadParameter("bbox", given["bbox"], "must be four or six numbers", "bbox") from None
    try:
        return crs.window(numbers, reference)
    except ValueError as error:
        raise BadParameter("bbox", given["bbox"], str(error), "bbox") from None


def _language(given: Mapping[str, str]) -> str:
    text = given.get("filter", "")
    language = given.get("filter-lang") or ("cql2-json" if text.lstrip().startswith("{") else "cql2-text")
    if language not in LANGUAGES:
        raise BadParameter("filter-lang", language, f"must be {' or '.join(LANGUAGES)}", "enum")
    return language


def _filter(given: Mapping[str, str]) -> Expression:
    language, reference = _language(given), system(given, "filter-crs")
    if language == "cql2-text":
        tree: Expression = cql2.parse(given["filter"])
    else:
        try:
            body: Any = orjson.loads(given["filter"])
        except orjson.JSONDecodeError as error:
            raise BadParameter("filter", given["filter"][:200], f"is no JSON: {error}", "json") from None
        tree = cql2.of_json(body)
    changed: Expression = cql2.with_shapes(tree, lambda shape: crs.of(shape, reference))
    return changed


def _order(collection: Collection, text: str) -> tuple[tuple[str, bool], ...]:
    """sortby (OGC API – Features, part 8, draft): names, each with + or - before it."""
    found = []
    for part in text.split(",") if text else ():
        name = part.strip().removeprefix("+").removeprefix("-")
        if name not in sortable(collection):
            there = ", ".join(sortable(collection))
            raise BadParameter("sortby", text, f"{name} cannot be sorted by; those that can are {there}", "sortables")
        found.append((name, part.strip().startswith("-")))
    return tuple(found)


def sortable(collection: Collection) -> list[str]:
    """The properties that items can be sorted by."""
    return [name for name, column in collection.columns.items() if column.kind != Kind.LIST and not column.each]


def _properties(collection: Collection, given: Mapping[str, str]) -> frozenset[str] | None:
    if "properties" not in given:
        return None
    wanted = [name.strip() for name in given["properties"].split(",") if name.strip()]
    for name in wanted:
        if name not in collection.named:
            there = ", ".join(collection.named)
            raise BadParameter("properties", given["properties"], f"{name} is none; there are {there}", "properties")
    return frozenset(wanted)


def _same(collection: Collection, name: str, text: str) -> Expression:
    """A queryable that must have this value (recommendation 15)."""
    try:
        return Comparison(Property(name), "=", cql2.literal_of(collection.columns[name].kind, text))
    except ValueError as error:
        raise BadParameter(name, "", str(error), "type") from None


def _when(item: Field, text: str) -> Expression:
    """Things of a moment or a span (requirements 26, 27); one that names no time is of every time."""
    first, last = span(text)
    bounds = [
        Comparison(Property(item.name), sign, _literal(item, moment))
        for sign, moment in ((">=", first), ("<=", last))
        if moment
    ]
    return Some((IsNull(Property(item.name)), Every(tuple(bounds))))


def span(text: str) -> tuple[datetime | None, datetime | None]:
    """First and last moment of the parameter datetime. Raises BadParameter."""
    begin, slash, end = text.partition("/")
    first, last = _moment(begin, text), _moment(end if slash else begin, text, is_end=True)
    if (first is None and last is None) or (first and last and last < first):
        raise _untimely(text)
    return first, last


def _literal(item: Field, moment: datetime) -> Literal:
    """A moment as the field has it; for a date, the day it is in the county."""
    if item.kind == Kind.DATE:
        return Literal(Kind.DATE, timezone.localtime(moment).date().isoformat())
    return Literal(Kind.TIME, time_text(moment))


def _moment(part: str, text: str, *, is_end: bool = False) -> datetime | None:
    """An RFC 3339 time; a plain date begins or ends with the day in the county; an open end is None."""
    if part in {"", ".."} and "/" in text:
        return None
    try:
        if len(part) > 10:
            return datetime.fromisoformat(str(cql2.time_of(part).value))
        day = date.fromisoformat(part) + timedelta(days=is_end)
        made = timezone.make_aware(datetime.combine(day, time())) - timedelta(microseconds=is_end)
        made.astimezone(UTC)  # the first and last days there are cannot be told in UTC
    except (ValueError, OverflowError):
        raise _untimely(text) from None
    return made


def _untimely(text: str) -> BadParameter:
    said = "must be a time such as 2026-01-31T08:00:00Z, or begin/end, .. for open"
    return BadParameter("datetime", text, said, "datetime")
