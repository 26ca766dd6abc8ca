"""What everybody may read without a login: a feed of warnings (Atom, JSON), each message as CAP XML, JSON and a page.

The newest public message of each warning stays in the feed until it expires, those that end it too. A message stays at
its own address for good, byte for byte as it was issued. Nothing is signed (CAP 1.2 §3.3.4.1 lets it be).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as Tree

from django.db.models import Max, Q
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from shizhu.engines.alarms.models import WarningMessage
from shizhu.engines.alarms.warnings import drafting, issuing
from shizhu.kernel import access
from shizhu.web.middleware import Request

ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE, ATOM_TYPE = "application/cap+xml", "application/atom+xml; charset=utf-8"
UNSIGNED = "OASIS CAP 1.2; not signed"
ORIGIN = "Access-Control-Allow-Origin"
OPEN = {ORIGIN: "*", "Cache-Control": "public, max-age=30"}
OWN = {"Cache-Control": "private, no-cache"}  # of a restricted one: no cache between gives it to others
Tree.register_namespace("", ATOM)


def current(county: str = "") -> list[WarningMessage]:
    """The newest public message of each warning that has not expired, the newest first."""
    rows = WarningMessage.objects.filter(state="issued", warning__expires_at__gt=timezone.now())
    if county:
        rows = rows.filter(warning__county=county)
    newest = rows.order_by().values("warning").annotate(newest=Max("pk")).values("newest")
    found = WarningMessage.objects.filter(pk__in=newest, content__scope="Public").order_by("-sent", "-pk")
    return list(found.select_related("warning"))


def changed(county: str = "") -> datetime:
    """When the feed changed last: a message went out, or a warning that it had was over."""
    now = timezone.localtime()
    rows = WarningMessage.objects.filter(state="issued", content__scope="Public", sent__lte=now)
    if county:
        rows = rows.filter(warning__county=county)
    is_over = Q(warning__expires_at__lte=now)
    told = rows.order_by().aggregate(sent=Max("sent"), over=Max("warning__expires_at", filter=is_over))
    return max(filter(None, told.values()), default=now.replace(hour=0, minute=0, second=0, microsecond=0))


@require_safe
def feed(request: HttpRequest) -> HttpResponse:
    """GET /cap: Atom (RFC 4287), or a page by `Accept`; `?county=` one county alone, `?f=` json or atom."""
    county, here = request.GET.get("county", ""), request.build_absolute_uri("/cap")
    found, updated = current(county), changed(county)
    if request.GET.get("f") == "json":
        told = [_summary(one, here) for one in found]
        made = JsonResponse({"updated": _time(updated), "note": UNSIGNED, "warnings": told}, headers=OPEN)
        return _unless_known(request, made, updated)
    if "f" not in request.GET and "text/html" in request.headers.get("Accept", ""):
        page = render(request, "alarms/warning_feed.html", {"rows": found, "county": county})
        for name, value in {**OPEN, "Vary": "Accept, Accept-Language, Cookie"}.items():
            page[name] = value
        return page
    root = Tree.Element(f"{{{ATOM}}}feed")
    _add(root, "id", here)
    _add(root, "title", "预警信息 Warnings")
    _add(root, "subtitle", UNSIGNED)
    _add(root, "updated", _time(updated))
    Tree.SubElement(root, f"{{{ATOM}}}link", rel="self", href=request.build_absolute_uri(), type="application/atom+xml")
    for one in found:
        _entry(root, _summary(one, here))
    told = Tree.tostring(root, encoding="utf-8", xml_declaration=True)
    return _unless_known(request, HttpResponse(told, ATOM_TYPE, headers={**OPEN, "Vary": "Accept"}), updated)


def _unless_known(request: HttpRequest, made: HttpResponse, at: datetime | None) -> HttpResponse:
    """The answer with its entity tag and time; 304 for who has it (RFC 9110 §13)."""
    seconds = int(at.timestamp()) if at else None
    made["ETag"] = f'"{hashlib.sha256(made.content).hexdigest()}"'
    if seconds is not None:
        made["Last-Modified"] = http_date(seconds)
    answer = get_conditional_response(request, made["ETag"], seconds, made) or made
    if made.has_header(ORIGIN):
        answer[ORIGIN] = made[ORIGIN]
    return answer


def _entry(root: Tree.Element, told: Mapping[str, Any]) -> None:
    entry = Tree.SubElement(root, f"{{{ATOM}}}entry")
    _add(entry, "id", told["url"])
    _add(entry, "title", told["headline"]["zh"])
    _add(entry, "updated", told["sent"])
    _add(entry, "published", told["sent"])
    _add(_add(entry, "author"), "name", told["issuer"]["zh"])
    _add(entry, "summary", told["description"]["zh"])
    Tree.SubElement(entry, f"{{{ATOM}}}category", term=told["level"], scheme=f"{told['feed']}/levels")
    Tree.SubElement(entry, f"{{{ATOM}}}category", term=told["status"], scheme=f"{told['feed']}/status")
    Tree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", href=told["cap"], type=CAP_TYPE)
    Tree.SubElement(entry, f"{{{ATOM}}}link", rel="alternate", href=told["url"], type="text/html")


def _add(parent: Tree.Element, name: str, text: str = "") -> Tree.Element:
    made = Tree.SubElement(parent, f"{{{ATOM}}}{name}")
    made.text = text or None
    return made


def _time(moment: datetime | None) -> str:
    return timezone.localtime(moment).isoformat(timespec="seconds")


def _summary(one: WarningMessage, here: str) -> dict[str, Any]:
    said = ("level", "status", "scope", "event", "headline", "description", "instruction", "issuer", "areas", "polygon")
    url = f"{here}/{one.identifier}"
    return {
        "identifier": one.identifier, "kind": one.kind, "sent": _time(one.sent), "url": url, "cap": f"{url}.xml",
        "feed": here, "county": one.warning.county_id, "expires": one.content["expires"], "sha256": one.sha256,
        **{name: one.content[name] for name in said},
    }  # fmt: skip


@require_safe
def message(request: Request, identifier: str, form: str = "html") -> HttpResponse:
    """GET /cap/ID, /cap/ID.xml, /cap/ID.json: one message, for good. A restricted one for who may see it."""
    rows = WarningMessage.objects.select_related("warning__organisation", "warning__area")
    found = rows.filter(identifier=identifier, state="issued").first()
    if found is None or not (found.content["scope"] == "Public" or _may(request, found)):
        raise Http404
    headers = OPEN if found.content["scope"] == "Public" else OWN
    if form == "xml":
        return _unless_known(request, HttpResponse(bytes(found.xml or b""), CAP_TYPE, headers=headers), found.sent)
    if form == "json":
        made = JsonResponse(_summary(found, request.build_absolute_uri("/cap")), headers=headers)
        return _unless_known(request, made, found.sent)
    newest = found.warning.messages.filter(state="issued").order_by("pk").last()
    language = "en" if get_language() == "en" else "zh"
    texts = {name: found.content[name][language] for name in ("headline", "description", "instruction", "issuer")}
    context = {
        "message": found, "texts": texts, "newest": None if newest == found else newest,
        "state": issuing.state(found.warning), "areas": drafting.named(found.warning.county_id, found.content["areas"]),
        "expires": datetime.fromisoformat(found.content["expires"]),
    }  # fmt: skip
    return render(request, "alarms/warning_public.html", context)


def _may(request: Request, found: WarningMessage) -> bool:
    held = found.warning
    return access.may(
        request.actor, issuing.VIEW, county=held.county_id, organisation=held.organisation, area=held.area
    )
