"""OGC API – Features, part 1: core (OGC 17-069r4), read only: every register is a collection, every record a feature.

Requirement numbers in this file are those of 17-069r4. A record's fields are its properties, beside `_title`, `_state`
and others that every record has; an item's id is the record's key.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import wraps
from typing import Any
from urllib.parse import quote, urlencode

import orjson
from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from shapely.geometry import mapping

from shizhu.engines.records import queries
from shizhu.engines.records.catalogue import UnknownRegister, register_of, registers
from shizhu.engines.records.contracts import Box, Entry, NoRecord, Query
from shizhu.engines.records.http import openapi
from shizhu.engines.records.logic.cql2 import (
    Comparison,
    Every,
    Expression,
    IsNull,
    Literal,
    Property,
    Some,
    literal_of,
    time_of,
)
from shizhu.engines.records.logic.register import Field, Kind, Register
from shizhu.engines.records.logic.values import time_text
from shizhu.kernel import access
from shizhu.kernel.models import Area
from shizhu.kernel.text import label
from shizhu.web.middleware import Request

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
CONFORMS = [
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/oas30",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
]
JSON, GEOJSON = "application/json", "application/geo+json"
LIMIT, MOST = 100, 1000
OWN = {"bbox", "datetime", "limit", "offset"}
Body = dict[str, Any]


class BadParameter(ValueError):
    """A query parameter that is unknown or cannot be understood (requirements 8 and 9)."""


View = Callable[..., HttpResponse]


def answer(view: View) -> View:
    """Errors as JSON; every parameter must be one that the view knows."""

    @require_safe
    @wraps(view)
    def wrapped(request: Request, **names: str) -> HttpResponse:
        try:
            return view(request, **names)
        except BadParameter as error:
            return respond({"code": "InvalidParameterValue", "description": str(error)}, status=400)
        except (UnknownRegister, NoRecord):
            return respond({"code": "NotFound", "description": f"there is no {request.path}"}, status=404)

    return wrapped


def respond(body: Any, media_type: str = JSON, status: int = 200) -> HttpResponse:
    """A JSON answer."""
    return HttpResponse(orjson.dumps(body), content_type=media_type, status=status)


def asker(request: Request) -> access.Actor:
    """Who asks, as the middleware found out: by session, login or token, or anybody where the stack is open."""
    return request.actor


def root(request: Request) -> str:
    """The address of the landing page as the client knows it; a Host that names no host is refused."""
    return f"{request.scheme}://{request.get_host()}/ogc"


def link(request: Request, path: str, rel: str, title: str = "", media_type: str = JSON) -> Body:
    """A link with the relation and type that requirement 16 asks for."""
    made = {"href": f"{root(request)}{path}", "rel": rel, "type": media_type}
    return {**made, "title": title} if title else made


def known(request: Request, names: set[str]) -> Mapping[str, str]:
    """The query parameters; BadParameter for one that is not among the names, or comes twice."""
    for name in request.GET:
        if name not in names:
            raise BadParameter(f"{name}: unknown parameter; known are {', '.join(sorted(names)) or 'none'}")
        if len(request.GET.getlist(name)) > 1:
            raise BadParameter(f"{name}: given more than once")
    given: Mapping[str, str] = request.GET.dict()
    return given


@answer
def landing(request: Request) -> HttpResponse:
    """Requirement 2: where everything is."""
    known(request, set())
    body = {
        "title": label(request.county.name),
        "description": "Registers of the county / 登记簿",
        "links": [
            link(request, "", "self", "this document"),
            link(request, "/api", "service-desc", "the API definition", openapi.MEDIA_TYPE),
            link(request, "/conformance", "conformance", "conformance classes"),
            link(request, "/collections", "data", "collections"),
        ],
    }
    return respond(body)


@answer
def conformance(request: Request) -> HttpResponse:
    """Requirement 6: what is implemented."""
    known(request, set())
    return respond({"conformsTo": CONFORMS})


@answer
def api(request: Request) -> HttpResponse:
    """Requirement 4: the API as OpenAPI 3.0."""
    known(request, set())
    return respond(openapi.document(root(request), _seen(request)), openapi.MEDIA_TYPE)


@answer
def collections(request: Request) -> HttpResponse:
    """Requirement 14: the registers that this person may see."""
    known(request, set())
    box = _extent(request)
    found = [_collection(request, register, box) for register in _seen(request)]
    return respond({"links": [link(request, "/collections", "self")], "collections": found})


@answer
def collection(request: Request, key: str) -> HttpResponse:
    """Requirement 18: one register."""
    known(request, set())
    return respond(_collection(request, _register(request, key), _extent(request)))


def _seen(request: Request) -> list[Register]:
    who = asker(request)
    return [register for register in registers(request.county.pk).values() if who.has(register.verb("view"))]


def _register(request: Request, key: str) -> Register:
    register = register_of(key, request.county.pk)
    if not asker(request).has(register.verb("view")):
        raise UnknownRegister(key)
    return register


def _extent(request: Request) -> Box | None:
    """The county's box: records lie in it, though they may not fill it."""
    box: Box | None = Area.objects.get(county=request.county, code=request.county.pk).box
    return box


def _collection(request: Request, register: Register, box: Box | None) -> Body:
    path = f"/collections/{quote(register.key)}"
    made: Body = {
        "id": register.key,
        "title": label(register.title),
        "description": label(register.help),
        "itemType": "feature",
        "crs": [CRS84],
        "links": [link(request, path, "self"), link(request, f"{path}/items", "items", label(register.title), GEOJSON)],
    }
    if register.geometry and box:
        made["extent"] = {"spatial": {"bbox": [list(box)], "crs": CRS84}}
    return made


@answer
def items(request: Request, key: str) -> HttpResponse:
    """Requirements 20 to 32: features by bbox, datetime and fields, in pages."""
    register = _register(request, key)
    fields = {item.name: item for item in register.filters}
    given = known(request, OWN | fields.keys())
    parts = [_same(fields[name], value) for name, value in given.items() if name in fields]
    if "datetime" in given and register.time_field:
        parts.append(_when(register.fields[register.time_field], given["datetime"]))
    limit, offset = _whole(given, "limit", LIMIT, 1), _whole(given, "offset", 0, 0)
    boxes = _boxes(given["bbox"]) if "bbox" in given else ()
    query = Query(where=Every(tuple(parts)), boxes=boxes, has_unplaced=True, offset=offset, limit=min(limit, MOST))
    page = queries.query(asker(request), request.county.pk, key, query)
    body = {
        "type": "FeatureCollection",
        "timeStamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "numberMatched": page.total,
        "numberReturned": len(page.entries),
        "features": [_feature(entry) for entry in page.entries],
        "links": _paging(request, key, given, query, page.total),
    }
    return respond(body, GEOJSON)


@answer
def item(request: Request, key: str, feature: str) -> HttpResponse:
    """Requirements 33 to 35: one feature."""
    known(request, set())
    register = _register(request, key)
    entry = queries.get(asker(request), request.county.pk, key, feature)
    if entry.is_withdrawn:
        raise NoRecord(feature)
    path = f"/collections/{quote(register.key)}"
    links = [
        link(request, f"{path}/items/{quote(entry.key)}", "self", media_type=GEOJSON),
        link(request, path, "collection"),
    ]
    return respond({**_feature(entry), "links": links}, GEOJSON)


def _feature(entry: Entry) -> Body:
    own = {
        "_title": entry.title, "_state": entry.state,
        "_area": entry.area.code, "_organisation": entry.organisation.code,
        "_source": entry.source, "_simulated": entry.is_simulated, "_created": entry.created, "_updated": entry.updated,
    }  # fmt: skip
    geometry = mapping(entry.geometry) if entry.geometry is not None else None
    return {"type": "Feature", "id": entry.key, "geometry": geometry, "properties": {**entry.data, **own}}


def _paging(request: Request, key: str, given: Mapping[str, str], query: Query, total: int) -> list[Body]:
    """Requirement 29 and recommendation 19: self, and the pages after and before."""
    path = f"/collections/{quote(key)}/items"

    def at(offset: int) -> str:
        wanted = {**given, "limit": str(query.limit), "offset": str(offset)}
        return f"{path}?{urlencode(wanted)}"

    links = [link(request, f"{path}?{urlencode(given)}" if given else path, "self", media_type=GEOJSON)]
    if query.offset + query.limit < total:
        links.append(link(request, at(query.offset + query.limit), "next", media_type=GEOJSON))
    if query.offset:
        links.append(link(request, at(max(query.offset - query.limit, 0)), "prev", media_type=GEOJSON))
    return [*links, link(request, f"/collections/{quote(key)}", "collection")]


def _whole(given: Mapping[str, str], name: str, usual: int, least: int) -> int:
    text = given.get(name)
    if text is None:
        return usual
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) >= least):
        raise BadParameter(f"{name}: {text!r}: must be a whole number from {least}")
    return int(text)


def _boxes(text: str) -> tuple[Box, ...]:
    """bbox of four or six numbers (requirement 23); one over the antimeridian is two boxes."""
    try:
        numbers = [float(part) for part in text.split(",")]
        west, south, east, north = numbers if len(numbers) == 4 else (*numbers[:2], *numbers[3:5])
    except ValueError:
        raise BadParameter(f"bbox: {text!r}: must be four or six numbers") from None
    is_right = len(numbers) in {4, 6} and all(-180 <= n <= 180 for n in (west, east)) and -90 <= south <= north <= 90
    if not is_right:
        raise BadParameter(f"bbox: {text!r}: must be west,south,east,north in degrees of WGS 84")
    if west > east:
        return (west, south, 180.0, north), (-180.0, south, east, north)
    return ((west, south, east, north),)


def _same(item: Field, text: str) -> Expression:
    """A field that must have this value (recommendation 15)."""
    try:
        return Comparison(Property(item.name), "=", literal_of(item.kind, text))
    except ValueError as error:
        raise BadParameter(f"{item.name}: {error}") from None


def _when(item: Field, text: str) -> Expression:
    """Records of a moment or a span (requirements 26, 27); one that names no time is of every time."""
    begin, slash, end = text.partition("/")
    first, last = _moment(begin, text), _moment(end if slash else begin, text, is_end=True)
    if (first is None and last is None) or (first and last and last < first):
        raise _untimely(text)
    bounds = [
        Comparison(Property(item.name), sign, _literal(item, moment))
        for sign, moment in ((">=", first), ("<=", last))
        if moment
    ]
    return Some((IsNull(Property(item.name)), Every(tuple(bounds))))


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
            return datetime.fromisoformat(str(time_of(part).value))
        day = date.fromisoformat(part) + timedelta(days=is_end)
        return timezone.make_aware(datetime.combine(day, time())) - timedelta(microseconds=is_end)
    except (ValueError, OverflowError):
        raise _untimely(text) from None


def _untimely(text: str) -> BadParameter:
    return BadParameter(f"datetime: {text!r}: must be a time such as 2026-01-31T08:00:00Z, or begin/end, .. for open")
