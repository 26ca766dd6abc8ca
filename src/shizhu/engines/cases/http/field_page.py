"""The field page (外业): a shell without data that a service worker keeps on the phone, with worker and manifest."""

from __future__ import annotations

import hashlib

import orjson
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.utils.translation import gettext as _

from shizhu.kernel.text import named
from shizhu.web.middleware import Request
from shizhu.web.templatetags import shizhu as shell


def words() -> dict[str, str]:
    """What the page says, in the language of the moment; %s is filled in on the phone."""
    return {
        "tasks": _("Tasks"), "report": _("Report"), "place": _("Where it is"), "deadline": _("Deadline"),
        "phone": _("Phone"), "meets": _("Meeting agreed"),
        "position": _("Position"), "here": _("Where I stand"), "onMap": _("Choose on the map"),
        "noPosition": _("The position is not known yet. Try again in a moment, or type it."),
        "noMap": _("The map needs a network. Where you stand is known without one."),
        "town": _("Town"), "simulated": _("simulated"), "drill": _("drill"), "yes": _("Yes"), "no": _("No"),
        "send": _("Send"), "choose": _("Please choose"), "remove": _("Remove"), "copy": _("Copy"),
        "photos": _("Photos: %s"), "minutes": _("%s min"), "hours": _("%s h"), "days": _("%s days"),
        "left": _("%s left"), "late": _("%s late"), "rough": _("middle of the area"),
        "searching": _("Looking for the position …"), "asOf": _("As of %s"),
        "nothingYet": _("Nothing was taken along yet. Open this page once with a network."),
        "noTask": _("No task waits for you."), "taskGone": _("This task waits for you no more."),
        "nothingNear": _("Nothing with a place waits for you."),
        "noReport": _("Your posts have nothing to report here."),
        "waiting": _("Waits for a network"), "stuck": _("Could not be sent"), "sent": _("Arrived"),
        "keptSending": _("Kept on this phone; it is being sent."),
        "keptWaiting": _("Kept on this phone. It is sent when there is a network."),
        "allSent": _("Everything has arrived."), "nothingWaits": _("Nothing waits to be sent."),
        "sendNow": _("Send now"), "asRemark": _("Send as a remark on the case"), "again": _("Send again"),
        "discard": _("Discard"), "discardSure": _("Press again: it is gone for good"), "copied": _("Copied."),
        "missing": _("Please give: %s"), "photosMost": _("At most %s photos."),
        "photoRefused": _("%s is no photo that can be sent: JPEG, PNG or WebP, 5 MB at most."),
        "offline": _("No network. What you do is kept on this phone and sent later."),
        "login": _("You are logged out. Log in to send and to get new tasks; nothing is lost."),
        "start": _("Start"), "stop": _("End the patrol"), "patrolStarted": _("Patrol begun"),
        "patrolEnded": _("Patrol ended"), "since": _("since %s"), "time": _("Time"), "way": _("Way walked"),
        "points": _("Positions"), "note": _("Note"), "walkedOf": _("Walked %s of %s this month"),
        "help": _("Ask for help"), "asked": _("What you asked for"), "answered": _("answered"),
        "refused": _("cannot be met"), "neverAnswered": _("never answered"),
        "waitsUntil": _("an answer by %s"), "waitsLate": _("late: was due %s"),
        "byPosition": _("By the position"), "chooseTown": _("The phone tells no position. Choose the town."),
        "noHelp": _("No response runs that your posts may ask for help."),
        "noBeat": _("Your posts have nothing to walk."),
        "doors": _("Households to bring out"), "moved": _("has left"), "refuses": _("refuses to leave"),
        "away": _("nobody at home"), "fetch": _("to be fetched"), "alone": _("old people alone"),
        "people": _("%s people"), "outOf": _("%s of %s have left"),
        "told": _("told"), "toldOf": _("%s of %s told"),
        "household": _("household no. %s, whose name you may not see"),
        "forget": _("Remove my tasks from this phone"), "forgotten": _("Removed. What waits to be sent is still here."),
    }  # fmt: skip


def page(request: Request) -> HttpResponse:
    """The shell."""
    answer = render(request, "cases/field.html", {"words": words()})
    answer["Cache-Control"] = "no-cache"
    return answer


def _kept() -> list[str]:
    """Addresses of what the page needs without a network."""
    own = [static("shizhu/mark.svg"), static("shizhu/theme.js"), reverse("field:manifest")]
    return [*dict.fromkeys([*shell.files("field"), *own])]


def worker(_request: Request) -> HttpResponse:
    """The service worker."""
    return served_worker("field", _kept())


def served_worker(name: str, files: list[str]) -> HttpResponse:
    """A service worker as it was built, with the files it keeps and their version before it."""
    script = (shell.BUILD / f"{name}-sw.js").read_bytes()
    version = hashlib.sha256(script + orjson.dumps(files)).hexdigest()[:12]
    told = orjson.dumps({"version": version, "files": files})
    answer = HttpResponse(b"self.%s = %s;\n" % (name.upper().encode(), told) + script, content_type="text/javascript")
    answer["Cache-Control"] = "no-cache"
    return answer


def manifest(request: Request) -> HttpResponse:
    """The web app manifest (W3C): what is put on the home screen of a phone."""
    name = named(request.county)
    icon = {"src": static("shizhu/mark.svg"), "sizes": "any", "type": "image/svg+xml", "purpose": "any"}
    body = {
        "id": "/field/", "name": f"{_('Field')} · {name}", "short_name": _("Field work"), "start_url": "/field/",
        "scope": "/field/", "display": "standalone", "background_color": "#f6f5f1", "theme_color": "#0f4c4a",
        "lang": request.LANGUAGE_CODE, "icons": [icon],
    }  # fmt: skip
    return JsonResponse(body, content_type="application/manifest+json")
