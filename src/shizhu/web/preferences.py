"""What a person chose for their own pages."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from shizhu.kernel.models import Person
from shizhu.web.middleware import Request

THEMES = ("auto", "light", "dark")


def of(request: HttpRequest) -> dict[str, Any]:
    """The preferences of whoever asks; empty for nobody."""
    person = getattr(request, "user", None)
    return person.preferences if isinstance(person, Person) else {}


def theme(request: HttpRequest) -> str:
    """light, dark, or auto: as the device says."""
    return str(of(request).get("theme", "auto"))


def keep(person: Person, **changed: Any) -> None:
    """Keep some preferences, the others stay."""
    person.preferences = {**person.preferences, **changed}
    Person.objects.filter(pk=person.pk).update(preferences=person.preferences)


def back(request: HttpRequest) -> HttpResponse:
    """To the page that the form was on, if it is one of ours."""
    place = request.POST.get("next", "/")
    return redirect(place if url_has_allowed_host_and_scheme(place, {request.get_host()}) else "/")


@require_POST
def set_theme(request: Request) -> HttpResponse:
    """POST theme=auto|light|dark."""
    chosen = request.POST.get("theme")
    if chosen not in THEMES:
        return HttpResponseBadRequest(f"theme={chosen!r} is none of {', '.join(THEMES)}")
    keep(request.user, theme=chosen)
    return back(request)
