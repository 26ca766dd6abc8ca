"""What the OGC APIs have in common: JSON or a page by negotiation, links, errors as RFC 9457 problems, ETags, methods.

A resource is made of one function per method. Every answer depends on who asks, so nothing may keep it without asking
again; pages of other origins get no CORS headers and may not write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode

import orjson
import pghistory
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DataError, transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.http import http_date
from django.views.decorators.csrf import csrf_exempt

from shizhu.kernel.text import label
from shizhu.web import authentication
from shizhu.web.middleware import Request

JSON, GEOJSON, HTML = "application/json", "application/geo+json", "text/html"
SCHEMA, PROBLEM = "application/schema+json", "application/problem+json"
THIS = {"zh": "本文档", "en": "this document"}
PAGE = {"zh": "本文档的网页", "en": "this document as a page"}
VARY = "Accept, Accept-Language, Authorization, Cookie"
READING = {"GET", "HEAD", "OPTIONS"}
Body = dict[str, Any]
View = Callable[..., HttpResponse]
More = Callable[[], Mapping[str, Any]]


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong with a request: the parameter or field, its value, the rule, and words for it."""

    name: str
    value: str
    rule: str
    message: str

    @property
    def body(self) -> Body:
        """As it is sent."""
        return {"name": self.name, "value": self.value, "rule": self.rule, "message": self.message}


class Fault(Exception):
    """An answer that is an error; `code` is OGC's exception code."""

    def __init__(self, status: int, code: str, detail: str, wrong: Iterable[Wrong] = ()) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.wrong = status, code, detail, tuple(wrong)


class BadParameter(Fault):
    """A query parameter that is unknown or cannot be understood (17-069r4, requirements 8 and 9)."""

    def __init__(self, name: str, value: str, message: str, rule: str = "value") -> None:
        shown = f"{name}: {value!r}: {message}" if value else f"{name}: {message}"
        super().__init__(400, "InvalidParameterValue", shown, [Wrong(name, value[:200], rule, message)])


Told = Callable[[Exception], Fault | None]  # what an engine says of its own exceptions
TITLES = {
    400: "The request cannot be understood", 401: "Log in, or send a token", 403: "You have no right to do this",
    404: "There is none, or you may not see it", 405: "This method is not offered here",
    406: "No form that you accept is offered", 412: "It was changed since you read it",
    413: "Too much at once", 415: "This media type cannot be read here", 422: "The values break rules",
}  # fmt: skip


Offered = Callable[..., Iterable[str]]  # (request, and what the address names) → methods that write and may be used
WRITING = {"POST", "PUT", "PATCH", "DELETE"}


def resource(told: Told, offered: Offered = lambda _request, *_args, **_names: WRITING, **methods: View) -> View:
    """A view of one function per method, for example `get=` and `post=`; HEAD and OPTIONS are made of them.

    `Allow` names those that write only where they are `offered`: by it a client knows what it may let people do.
    """
    known = {name.upper(): view for name, view in methods.items()}
    if "GET" in known:
        known["HEAD"] = known["GET"]

    def allowed(request: Request, args: tuple[str, ...], names: Mapping[str, str]) -> str:
        unfit = WRITING.difference(offered(request, *args, **names)) if known.keys() & WRITING else WRITING
        return ", ".join(sorted({*known, "OPTIONS"} - unfit))

    @csrf_exempt  # guarded below: a page must be ours, and a login or token comes from no page
    @wraps(next(iter(methods.values())))
    def answered(request: Request, *args: str, **names: str) -> HttpResponse:
        method = str(request.method)
        try:
            if method == "OPTIONS":
                made = HttpResponse(status=204, headers={"Allow": allowed(request, args, names)})
            else:
                made = _called(known.get(method) or _not_offered, request, args, names)
        except Exception as error:
            fault = _fault(error, told)
            if fault is None:
                raise
            made = _refusal(request, fault)
            if fault.status == 405:
                made["Allow"] = allowed(request, args, names)
        made["Vary"] = VARY
        made.setdefault("Cache-Control", "private, no-cache")
        return made

    return answered


def _not_offered(request: Request, *_args: str, **_names: str) -> HttpResponse:
    raise Fault(405, "MethodNotAllowed", f"{request.method}: is not offered here; `Allow` names what is")


def _called(view: View, request: Request, args: tuple[str, ...], names: Mapping[str, str]) -> HttpResponse:
    if request.method in READING:
        made = view(request, *args, **names)
        return _unchanged(request, made)
    headers = authentication.headers_of(request)
    is_open = settings.CONFIG.is_open and "Origin" in request.headers
    is_sent_by_page = authentication.credentials(headers).scheme == "session" or is_open
    if is_sent_by_page and not authentication.is_from_here(headers):
        raise Fault(403, "Forbidden", "a page of another origin may not write: the Origin header must name the Host")
    who = request.actor
    with pghistory.context(person=who.person_id, name=who.name, path=request.path), transaction.atomic():
        return view(request, *args, **names)


def _fault(error: Exception, told: Told) -> Fault | None:
    if isinstance(error, Fault):
        return error
    if isinstance(error, PermissionDenied):
        return Fault(403, "Forbidden", str(error))
    if isinstance(error, DataError):
        return Fault(400, "InvalidParameterValue", "the condition cannot be computed: a number in it is too large")
    return told(error)


def not_found(request: Request) -> Fault:
    """404 for the address that was asked."""
    return Fault(404, "NotFound", f"there is no {request.path}")


def _refusal(request: Request, fault: Fault) -> HttpResponse:
    body: Body = {
        "type": "about:blank", "title": TITLES.get(fault.status, "Error"), "status": fault.status,
        "detail": fault.detail, "code": fault.code, "description": fault.detail,
    }  # fmt: skip
    if fault.wrong:
        body["problems"] = [wrong.body for wrong in fault.wrong]
    if _is_page(request) and request.method in READING:
        return render(request, "shizhu/ogc_problem.html", {"problem": body}, status=fault.status)
    return HttpResponse(orjson.dumps(body), content_type=PROBLEM, status=fault.status)


def known(request: Request, names: Iterable[str] = (), forms: tuple[str, ...] = ("json", "html")) -> dict[str, str]:
    """The query parameters; BadParameter for one that is not among the names (`f` always is), or comes twice."""
    there = {*names, "f"}
    for name in request.GET:
        if name not in there:
            raise BadParameter(name, "", f"unknown parameter; known are {', '.join(sorted(there))}", "unknown")
        if len(request.GET.getlist(name)) > 1:
            raise BadParameter(name, "", "given more than once", "once")
    given: dict[str, str] = request.GET.dict()
    if given.get("f", forms[0]) not in forms:
        raise BadParameter("f", given["f"], f"must be {' or '.join(forms)}", "enum")
    return given


def _accepted(header: str) -> list[str]:
    """Media types by preference; those of quality 0 are left out."""
    found: list[tuple[float, int, str]] = []
    for number, part in enumerate(header.split(",")):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            weight = float(quality)
        except ValueError:
            weight = 0.0
        if weight > 0 and media_type:
            found.append((-weight, number, media_type))
    return [media_type for _, _, media_type in sorted(found)]


def _is_page(request: Request) -> bool:
    """Whether a page is wanted rather than JSON."""
    asked = request.GET.get("f", "")
    if asked in {"json", "html"}:
        return asked == "html"
    for media_type in _accepted(request.headers.get("Accept", "*/*")):
        if media_type in {HTML, "application/xhtml+xml"}:
            return True
        if media_type in {"*/*", "application/*"} or "json" in media_type:
            return False
    return False


def _is_acceptable(request: Request, media_type: str) -> bool:
    if request.GET.get("f"):
        return True
    bare = media_type.partition(";")[0]
    header = request.headers.get("Accept", "") or "*/*"
    wanted = {bare, JSON, HTML, "application/xhtml+xml", "*/*", "application/*", "text/*"}
    return any(one in wanted for one in _accepted(header))


def respond(
    request: Request, body: Body, media_type: str = JSON, *, page: str = "", more: More | None = None,
    headers: Mapping[str, str] | None = None, status: int = 200, etag: str = "", updated: datetime | None = None,
) -> HttpResponse:  # fmt: skip
    """The body as JSON, or as the page where one is wanted; `more` is the page's, `etag` goes before the digest."""
    if request.method in READING and not _is_acceptable(request, media_type):
        raise Fault(406, "NotAcceptable", f"offered are {media_type} and {HTML}")
    if page and request.method in READING and _is_page(request):
        context = {"body": body, "json_link": address(request, f="json"), **(more() if more else {})}
        shown = render(request, page, context)
        for name, value in (headers or {}).items():
            shown[name] = value
        return shown
    digest = hashlib.sha256(orjson.dumps(body)).hexdigest()[:20]
    if media_type == GEOJSON and body.get("type") == "FeatureCollection":
        body = {**body, "timeStamp": datetime.now().astimezone().isoformat(timespec="seconds")}
    made = HttpResponse(orjson.dumps(body), content_type=media_type, status=status, headers=dict(headers or {}))
    made["ETag"] = f'"{etag}{digest}"'
    if updated:
        made["Last-Modified"] = http_date(updated.timestamp())
    return made


def _unchanged(request: Request, made: HttpResponse) -> HttpResponse:
    """304 where the client has it already (RFC 9110, 13.1.2); no body for HEAD."""
    if made.status_code == 200 and made.has_header("ETag"):
        tags = tagged(request.headers.get("If-None-Match", ""))
        if "*" in tags or made["ETag"] in tags:
            kept = {name: made[name] for name in ("ETag", "Last-Modified") if made.has_header(name)}
            return HttpResponse(status=304, headers=kept)
    if request.method == "HEAD":
        made["Content-Length"] = str(len(made.content))
        made.content = b""
    return made


def tagged(header: str) -> list[str]:
    """The entity tags of If-Match or If-None-Match, without the mark of weak ones."""
    return [part.strip().removeprefix("W/") for part in header.split(",") if part.strip()]


def root(request: Request) -> str:
    """The address of the landing page as the client knows it; a Host that names no host is refused."""
    return f"{request.scheme}://{request.get_host()}/ogc"


def address(request: Request, **changes: str) -> str:
    """The address that was asked, with parameters changed; an empty one is left out."""
    wanted = {name: value for name, value in {**request.GET.dict(), **changes}.items() if value}
    return (
        f"{request.scheme}://{request.get_host()}{request.path.rstrip('/')}{'?' if wanted else ''}{urlencode(wanted)}"
    )


def link(request: Request, path: str, rel: str, title: object = "", media_type: str = JSON) -> Body:
    """A link with the relation and type that requirement 16 asks for; a path after ~ is not below the API, a whole
    address stays as it is, a title may be {zh, en}."""
    above = root(request).removesuffix("/ogc") if path.startswith("~") else root(request)
    above = "" if path.startswith(("http://", "https://")) else above
    made = {"href": f"{above}{path.removeprefix('~')}", "rel": rel, "type": media_type}
    return {**made, "title": label(title)} if title else made


def ways(request: Request, media_type: str = JSON) -> list[Body]:
    """`self`, and `alternate` for the same as a page."""
    return [
        {"href": address(request), "rel": "self", "type": media_type, "title": label(THIS)},
        {"href": address(request, f="html"), "rel": "alternate", "type": HTML, "title": label(PAGE)},
    ]


def sent(request: Request, *media_types: str, most: int = 5_000_000) -> Any:
    """The JSON body. Raises Fault 415 for another media type, 413 for too much, 400 for what is no JSON."""
    media_type = (request.content_type or "").lower()
    if media_type not in media_types:
        raise Fault(415, "UnsupportedMediaType", f"{media_type or 'nothing'}: can be read are {', '.join(media_types)}")
    if len(request.body) > most:
        raise Fault(413, "TooLarge", f"at most {most} bytes")
    try:
        return orjson.loads(request.body)
    except orjson.JSONDecodeError as error:
        raise Fault(400, "InvalidBody", f"the body is no JSON: {error}") from None
