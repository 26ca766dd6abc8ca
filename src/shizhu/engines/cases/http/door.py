"""The pages of residents, without a login: what a scanned label opens, sending a report, its receipt.

Nothing of a session acts here, so that forms need no token: a page that was kept on a phone can be sent any time later.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, HttpResponseBase, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.csrf import csrf_exempt

from shizhu.engines.cases import concerns, desks
from shizhu.engines.cases.acting import CannotNow
from shizhu.engines.cases.actions import AnswerRefused
from shizhu.engines.cases.http.field_page import served_worker
from shizhu.engines.cases.models import Concern
from shizhu.kernel import files, images
from shizhu.kernel.models import Area, County, File
from shizhu.kernel.text import label as text_of
from shizhu.kernel.text import named
from shizhu.web import addresses
from shizhu.web.codes import qr
from shizhu.web.middleware import Request
from shizhu.web.templatetags import shizhu as shell

TRAP = "website"  # a field that nobody sees: programs fill it in
MOST_PHOTOS = 6
OWN = {
    concerns.REPORTED: gettext_noop("You reported"), concerns.ADDED: gettext_noop("You added"),
    concerns.CONFIRMED: gettext_noop("You confirmed the result"),
    concerns.DISPUTED: gettext_noop("You disputed the result"),
}  # fmt: skip
STATES = {"received": 0, "in_hand": 1, "done": 2}


def index(request: Request) -> HttpResponse:
    """Where somebody types the code of a label that cannot be scanned."""
    code = request.GET.get("code", "").strip()
    if code and desks.find(code):
        return redirect("door:label", code.upper())
    return render(request, "cases/door/gone.html", {"typed": code, "is_index": not code}, status=404 if code else 200)


@csrf_exempt
def scan(request: Request, code: str) -> HttpResponse:
    """What a label opens: what it hangs on, and a form of three taps."""
    label = desks.find(code)
    if label is None:
        return _gone(request, {"typed": code})
    request.county = label.county
    newest = desks.newest(label)
    if newest.pk != label.pk and request.method != "POST":
        return redirect("door:label", newest.code)
    seen = desks.seen(newest)
    if seen is None:
        return _gone(request, {"typed": code, "county": label.county, "is_withdrawn": True, "label": label})
    if request.method == "POST":
        return _sent(request, seen)
    return _page(request, seen, {}, {})


def _gone(request: Request, context: Mapping[str, Any]) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"text": _("This label is not in use any more.")}, status=410)
    return render(request, "cases/door/gone.html", context, status=410 if "label" in context else 404)


def _page(
    request: Request, seen: desks.Seen, given: Mapping[str, Any], problems: Mapping[str, str], status: int = 200
) -> HttpResponse:
    county = seen.label.county
    form = desks.form_of(seen.desk, county.pk)
    icons = seen.desk.icons or {}
    names = desks.kinds(seen.desk, form)
    needs_place = not seen.is_placed
    context = {
        "seen": seen, "county": county, "id": str(uuid.uuid4()), "given": given, "problems": problems,
        "kinds": [(value, text_of(name), icons.get(value, "alert-triangle")) for value, name in names.items()],
        "needs_place": needs_place, "towns": _towns(county) if seen.area.level == Area.Level.COUNTY else [],
        "most_photos": form["properties"].get(seen.desk.photos, {}).get("maxItems", 0), "trap": TRAP, "words": words(),
        "longest": form["properties"].get(seen.desk.words, {}).get("maxLength", 1000),
    }  # fmt: skip
    answer = render(request, "cases/door/scan.html", context, status=status)
    answer["Cache-Control"] = "no-cache"
    return answer


def _towns(county: County) -> list[Area]:
    return list(Area.objects.towns(county))


def words() -> dict[str, str]:
    """What the page says beside what it shows; %s is filled in on the phone."""
    return {
        "sending": _("Sending …"),
        "kept": _("Kept on this phone. It is sent by itself when there is a network."),
        "keptMany": _("Reports that wait for a network: %s"),
        "sent": _("Sent as %s"), "remove": _("Remove"), "kind": _("Choose what it is."),
        "found": _("Position found, to %s metres"), "searching": _("Looking for the position …"),
        "noPosition": _("The phone tells no position. Choose the town, and write where it is."),
        "photosMost": _("At most %s photos."),
        "photoRefused": _("%s is no photo that can be sent: JPEG, PNG or WebP, 5 MB at most."),
        "mine": _("My reports on this phone"),
    }  # fmt: skip


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("Accept", "")


def _sent(request: Request, seen: desks.Seen) -> HttpResponse:
    try:
        made = concerns.report(seen, _read(request))
    except AnswerRefused as error:
        return _refused(request, seen, error.problems, 422)
    except concerns.IdTaken:
        told = _("This page was sent before. Scan the label again to report something else.")
        return _refused(request, seen, {"": told}, 409)
    except concerns.TooMany as error:
        answer = _refused(request, seen, {"": str(error)}, 429)
        answer["Retry-After"] = str(error.again)
        return answer
    url = reverse("door:receipt", args=[concerns.secret_of(made.pk)])
    if _wants_json(request):
        since = None if made.is_first else made.case.opened_at.isoformat()
        return JsonResponse({"number": made.number, "url": url, "known_since": since}, status=201)
    return HttpResponseRedirect(url, status=303)


def _refused(request: Request, seen: desks.Seen, problems: Mapping[str, str], status: int) -> HttpResponse:
    if _wants_json(request):
        return JsonResponse({"problems": problems, "text": " ".join(problems.values())}, status=status)
    return _page(request, seen, request.POST, problems, status)


def _read(request: Request) -> concerns.Sent:
    """What a form sends. Raises AnswerRefused."""
    given = {name: str(request.POST.get(name, "")).strip() for name in ("kind", "words", "phone", "area")}
    if request.POST.get(TRAP):
        raise AnswerRefused({"": _("A field that must stay empty was filled in. Nothing was sent.")})
    pictures = request.FILES.getlist("photos")
    if len(pictures) > MOST_PHOTOS:
        raise AnswerRefused({"photos": _("At most %d photos.") % MOST_PHOTOS})
    try:
        id_ = UUID(request.POST.get("id", ""))
    except ValueError:
        raise AnswerRefused({"": _("The page is not whole. Scan the label again.")}) from None
    place, accuracy = place_of(*(request.POST.get(name, "") for name in ("longitude", "latitude", "accuracy")))
    data = [one.read(concerns.LARGEST + 1) for one in pictures]
    return concerns.Sent(
        id_, **given, place=place, accuracy=accuracy, photos=[one for one in data if one], address=addresses.of(request)
    )


def place_of(longitude: str, latitude: str, accuracy: str) -> tuple[desks.Position | None, float | None]:
    """The position that a phone tells, with its accuracy in metres; none where it tells nothing that is one."""
    try:
        place = float(longitude), float(latitude)
    except ValueError:
        return None, None
    if not (-180 <= place[0] <= 180 and -90 <= place[1] <= 90):
        return None, None
    try:
        metres = float(accuracy)
    except ValueError:
        return place, None
    return place, min(max(metres, 0.0), 1e6) if metres == metres else None  # noqa: PLR0124  # no number


# the receipt ------------------------------------------------------------------------------------------------------


def _of_link(request: Request, secret: str) -> Concern:
    concern = concerns.by_secret(secret)
    if concern is None:
        raise Http404
    request.county = concern.county
    return concern


@csrf_exempt
def receipt(request: Request, secret: str) -> HttpResponse:
    """How a concern goes, for who holds its link; adding to it, and saying whether the result is right."""
    try:
        concern = _of_link(request, secret)
    except Http404:
        return render(request, "cases/door/gone.html", {"is_receipt": True}, status=404)
    problem = ""
    if request.method == "POST":
        try:
            _act(request, concern)
        except AnswerRefused as error:
            problem = " ".join(error.problems.values())
        except CannotNow as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(request.path, status=303)
    shown = concerns.progress(concern)
    address = request.build_absolute_uri(request.path)
    context = {
        "concern": concern, "county": concern.county, "shown": shown, "label": concern.label, "address": address,
        "qr": qr(address), "problem": problem,
        "step": STATES[shown.state], "title": concern.case.title, "office": named(concern.case.organisation),
        "where": named(concern.case.area), "days": round(abs(shown.days), 1), "is_late": shown.days < 0,
        "secret": secret,
        "stars": range(1, 6), "words": words(),
        "own": [{"entry": one, "word": _(OWN[one.kind])} for one in shown.own],
    }  # fmt: skip
    answer = render(request, "cases/door/receipt.html", context, status=422 if problem else 200)
    answer["Cache-Control"], answer["X-Robots-Tag"] = "private, no-store", "noindex"
    return answer


def _act(request: Request, concern: Concern) -> None:
    said, asked = str(request.POST.get("words", "")), request.POST.get("act", "")
    if asked == "add":
        pictures = [one.read(concerns.LARGEST + 1) for one in request.FILES.getlist("photos")[: MOST_PHOTOS + 1]]
        concerns.add(concern.pk, said, [one for one in pictures if one])
    elif asked in {"confirm", "dispute"}:
        score = request.POST.get("score", "")
        stars = int(score) if score in {"1", "2", "3", "4", "5"} else None
        concerns.judge(concern.pk, is_right=asked == "confirm", score=stars, words=said)


def photo(request: Request, secret: str, file: UUID) -> HttpResponseBase:
    """A photo of a receipt, without what its EXIF tells."""
    concern = _of_link(request, secret)
    if not concerns.may_see(concern, file):
        raise Http404
    found = File.objects.get(pk=file)
    path = files.path_of(found)
    try:
        answer = HttpResponse(images.copy(path, concerns.LONGEST), content_type="image/jpeg")
    except ValueError:
        raise Http404 from None
    answer["Cache-Control"] = "private, max-age=3600"
    return answer


def worker(_request: Request) -> HttpResponse:
    """The service worker: pages of labels that were opened once are there without a network, and what waits is sent."""
    return served_worker("door", [*shell.files("door"), static("shizhu/mark.svg"), static("shizhu/theme.js")])
