"""GeoReport v2 (Open311): other programs report for residents and follow what they reported. JSON alone.

A service is a kind of a desk whose labels hang at places (`rivers.banks.rubbish`); `address_id` is the code of a label.
What is answered as `service_request_id` is the secret of the receipt: who holds it, and nobody else, sees how it goes.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.http import JsonResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt

from shizhu.engines.cases import concerns, desks
from shizhu.engines.cases.actions import AnswerRefused
from shizhu.engines.cases.http.door import MOST_PHOTOS, place_of
from shizhu.engines.cases.models import Concern, Label
from shizhu.kernel.models import Area, County
from shizhu.kernel.text import label as text_of
from shizhu.kernel.text import named
from shizhu.web import addresses
from shizhu.web.middleware import Request

NAMES = {"words": "description", "photos": "media", "area": "lat", "kind": "service_code"}  # ours → theirs
STATES = {
    "received": gettext_noop("Report received"), "in_hand": gettext_noop("Being handled"),
    "done": gettext_noop("Closed"),
}  # fmt: skip
MEDIA = "media"  # photos as files of a multipart form: an addition of ours, the standard knows an address alone
MOST = 50  # requests asked for at once


class Wrong(Exception):  # it says what is wrong
    """An answer of GeoReport's errors: a status and a text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def _open(view: Callable[..., JsonResponse]) -> Callable[..., JsonResponse]:
    """A resource whose errors are those of the specification."""

    def answered(request: Any, **more: Any) -> JsonResponse:
        try:
            request.county = _county(request)
            return view(request, **more)
        except Wrong as wrong:
            told = [{"code": wrong.status, "description": str(wrong)}]
            return JsonResponse(told, safe=False, status=wrong.status)

    return csrf_exempt(answered)


def _county(request: Request) -> County:
    code = (request.POST or request.GET).get("jurisdiction_id")
    found = County.objects.filter(pk=code).first() if code else request.county
    if found is None:
        raise Wrong(404, "jurisdiction_id: no county of this installation has this code")
    return found


def _services(county: str) -> Iterator[tuple[str, desks.Desk, str, Any]]:
    for key, desk in desks.desks(county).items():
        for kind, name in desks.kinds(desk, desks.form_of(desk, county)).items():
            yield f"{key}.{kind}", desk, kind, name


def services(request: Request) -> JsonResponse:
    """What may be reported: GET Service List."""
    told = [
        {
            "service_code": code, "service_name": text_of(name), "description": text_of(desk.title),
            "metadata": False, "type": "realtime", "keywords": "", "group": text_of(desk.title),
        }
        for code, desk, _kind, name in _services(request.county.pk)
    ]  # fmt: skip
    return JsonResponse(told, safe=False)


def requests(request: Request) -> JsonResponse:
    """POST Service Request, or GET Service Requests by their ids."""
    if request.method == "POST":
        return _report(request)
    ids = [one for one in request.GET.get("service_request_id", "").split(",") if one][:MOST]
    if not ids:
        raise Wrong(400, "service_request_id: must be given: reports are told to who made them alone")
    found = [concerns.by_secret(one) for one in ids]
    return JsonResponse([_told(request, one, id_) for one, id_ in zip(found, ids, strict=True) if one], safe=False)


def one(request: Request, id_: str) -> JsonResponse:
    """GET Service Request."""
    found = concerns.by_secret(id_)
    if found is None:
        raise Wrong(404, "service_request_id: there is no such request")
    return JsonResponse([_told(request, found, id_)], safe=False)


def _report(request: Request) -> JsonResponse:
    given = request.POST
    if not given.get("service_code"):
        raise Wrong(400, "service_code: must be given")
    county = request.county.pk
    found = next((row for row in _services(county) if row[0] == given["service_code"]), None)
    if found is None:
        raise Wrong(404, "service_code: there is no such service")
    _code, desk, kind, _name = found
    seen = desks.seen(_label(desk, given.get("address_id", "")))
    if seen is None:
        raise Wrong(400, "address_id: this label is not in use")
    place, accuracy = place_of(given.get("long", ""), given.get("lat", ""), "")
    pictures = request.FILES.getlist(MEDIA)
    if len(pictures) > MOST_PHOTOS:
        raise Wrong(400, f"{MEDIA}: {_('At most %d photos.') % MOST_PHOTOS}")
    id_ = uuid.uuid4()
    sent = concerns.Sent(
        id_, kind, given.get("description", "").strip(), given.get("phone", "").strip(), place, accuracy,
        photos=[one.read(concerns.LARGEST + 1) for one in pictures], address=addresses.of(request),
    )  # fmt: skip
    try:
        made = concerns.report(seen, sent)
    except AnswerRefused as error:
        raise Wrong(400, "; ".join(f"{NAMES.get(k, k)}: {v}" for k, v in error.problems.items())) from None
    except concerns.TooMany as error:
        raise Wrong(429, str(error)) from None
    notices = [] if made.is_first else [_("Already known: it is joined to a case that is open.")]
    if given.get("media_url"):
        notices.append(_("media_url: nothing is fetched from there. Send photos as files named media."))
    secret = concerns.secret_of(made.pk)
    told = [{"service_request_id": secret, "service_notice": " ".join(notices), "account_id": None}]
    return JsonResponse(told, safe=False, status=201)


def _label(desk: desks.Desk, code: str) -> Label:
    """The label that is named, else one of the desk that hangs at no one place."""
    label = desks.find(code) if code else None
    if not code and not desk.register:
        label = Label.objects.filter(
            desk=desk.key, withdrawn_at=None, longitude=None, area__level=Area.Level.COUNTY
        ).first()
    if label is None or label.desk != desk.key:
        raise Wrong(400, "address_id: must be the code of a label of this service")
    return label


def _told(request: Request, concern: Concern, id_: str) -> dict[str, Any]:
    """A request as GeoReport has it; no name of a person."""
    shown, case = concerns.progress(concern), concern.case
    place = getattr(case, "place", None)
    names = {code: name for code, _desk, _kind, name in _services(concern.county_id)}
    code = f"{concern.label.desk}.{concern.kind}"
    reported = [entry.data for entry in shown.own if entry.kind == concerns.REPORTED]
    pictures = [*shown.pictures, *(file for data in reported for file in data["files"])]
    return {
        "service_request_id": id_, "service_code": code, "service_name": text_of(names.get(code, concern.kind)),
        "status": "closed" if shown.closed_at else "open", "status_notes": shown.end or _(STATES[shown.state]),
        "description": reported[0]["said"] if reported else "", "agency_responsible": named(case.organisation),
        "requested_datetime": concern.made_at.isoformat(), "expected_datetime": shown.due_at.isoformat(),
        "updated_datetime": (shown.closed_at or concern.made_at).isoformat(), "address": named(case.area),
        "address_id": concern.label.code, "lat": place.latitude if place else None,
        "long": place.longitude if place else None,
        "media_url": next(
            (request.build_absolute_uri(reverse("door:photo", args=[id_, file])) for file in pictures), None
        ),
    }  # fmt: skip


services_view, requests_view, one_view = _open(services), _open(requests), _open(one)
