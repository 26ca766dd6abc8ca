"""What a person chose for their own pages."""

from __future__ import annotations

from typing import Any, cast

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from shizhu.kernel.models import Person
from shizhu.web import login

MOST_STARS = 20
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
    return redirect(login.goal(request, request.POST.get("next", "")))


@require_POST
def star(request: HttpRequest) -> HttpResponse:
    """POST url=…: a menu entry becomes a favourite, or is one no more."""
    chosen, url = list(of(request).get("stars", [])), request.POST.get("url", "")[:200]
    if url in chosen:
        chosen.remove(url)
    elif url.startswith("/") and len(chosen) < MOST_STARS:
        chosen.append(url)
    keep(cast(Person, request.user), stars=chosen)
    return back(request)


@require_POST
def tour_done(request: HttpRequest) -> HttpResponse:
    """The first-day tour was taken, or is not wanted; `again` brings it back."""
    keep(cast(Person, request.user), tour="" if request.POST.get("again") else "done")
    return back(request)


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    """POST theme=auto|light|dark."""
    chosen = request.POST.get("theme")
    if chosen not in THEMES:
        return HttpResponseBadRequest(f"theme={chosen!r} is none of {', '.join(THEMES)}")
    keep(cast(Person, request.user), theme=chosen)
    return back(request)
