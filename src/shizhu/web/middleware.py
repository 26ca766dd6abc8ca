"""Who asks: puts `request.actor` beside Django's user, and the person into the audit trail."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

import pghistory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, UnreadablePostError
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from shizhu.kernel import access, second_factor
from shizhu.kernel.models import County, Person
from shizhu.web import authentication, bodies, counties, menu, recent, sessions

FREE = (
    "/static/",
    "/healthz",
    *bodies.PLAIN,  # logging in; what operators report is signed
    "/cap",  # warnings are for everybody
    "/releases/",  # so is what is released
    *bodies.OPEN,  # residents report without a login
    "/field/sw.js",  # browsers ask for these two without a login
    "/field/manifest.webmanifest",
    "/things/download/",  # devices show their own credential
)
SETUP = "/account/second"  # free too, but not what is below it
APIS = ("/ogc", "/field/api/")  # answered by Django with a login, a token, or for anybody where the stack is --open


class Request(HttpRequest):
    """A request after our middleware."""

    everywhere: access.Actor  # in all counties where they have posts
    actor: access.Actor  # in the one they work in
    county: County
    menu: list[menu.Entry]
    user: Person


def _everywhere(request: HttpRequest) -> access.Actor:
    person = cast(Person, request.user)
    return access.actor(person if person.is_authenticated else None)


def _county(request: Request) -> County:
    person = request.user
    if not person.is_authenticated:
        return cast(County, County.objects.order_by("pk").first())
    code = counties.working(person, request.everywhere)
    county = person.county if code == person.county_id else County.objects.filter(pk=code).first()
    return county or cast(County, County.objects.order_by("pk").first())


def _actor(request: Request) -> access.Actor:
    person = request.user
    return counties.actor(person, request.everywhere) if person.is_authenticated else access.NOBODY


def _home(person: int | None) -> County:
    """The person's county."""
    found = County.objects.filter(people=person).first() or County.objects.order_by("pk").first()
    return cast(County, found)


class NulMiddleware:
    """PostgreSQL takes no text with a NUL, and no address, cookie or form of ours has one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or 400."""
        if "\0" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return self._refuse("the address")
        if any("\0" in value for value in request.COOKIES.values()):
            return self._refuse("a cookie")
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """400 for a form with one; here, where it is known who sends it."""
        try:
            sent = request.POST.lists() if request.method == "POST" else ()
        except UnreadablePostError:
            return None  # the check of the form's token says so
        has_one = any("\0" in text for name, values in sent for text in (name, *values))
        return self._refuse("a value of the form") if has_one else None

    def _refuse(self, what: str) -> HttpResponse:
        return JsonResponse({"code": "400", "description": f"{what} has a NUL character"}, status=400)


class PolicyMiddleware:
    """Pages run and show what comes from here alone (Content Security Policy Level 3). The map's workers are blobs;
    widths and colours stand in style attributes."""

    POLICY = (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer."""
        answer = self.get_response(request)
        if answer.get("Content-Type", "").startswith("text/html"):
            answer.headers.setdefault("Content-Security-Policy", self.POLICY)
        return answer


class PersonMiddleware:
    """Login is needed everywhere but on the few free paths; changes are audited with the person and the path."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def _api(self, request: Request) -> HttpResponse:
        """A person by login, token or session; or with --open whoever shows no login or token."""
        headers = authentication.headers_of(request)
        shown = authentication.credentials(headers, request.META.get("REMOTE_ADDR") or "")
        if authentication.is_anybody(headers, shown):
            who: access.Actor | None = access.ANYBODY
        else:
            who = authentication.remembered(shown) if shown.scheme else None
        if who is None:
            answer = JsonResponse({"code": "401", "description": "log in, or send a token"}, status=401)
            answer["WWW-Authenticate"] = ", ".join(value.decode() for _, value in authentication.CHALLENGE)
            return answer
        request.actor = who
        if shown.is_meant:  # a login or token stands for a person that the session does not know
            request.county = cast(County, SimpleLazyObject(lambda: _home(who.person_id)))
        return self.get_response(request)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer, or send to the login page."""
        person = cast(Person, request.user)
        asked = cast(Request, request)
        asked.everywhere = cast(access.Actor, SimpleLazyObject(lambda: _everywhere(request)))
        asked.actor = cast(access.Actor, SimpleLazyObject(lambda: _actor(asked)))
        asked.county = cast(County, SimpleLazyObject(lambda: _county(asked)))
        asked.menu = cast("list[menu.Entry]", SimpleLazyObject(lambda: menu.entries(asked.actor, asked.county.pk)))
        if request.path.startswith(APIS):
            return self._api(asked)
        if not request.path.startswith(FREE) and request.path != SETUP:
            if not person.is_authenticated:
                if request.headers.get("HX-Request"):
                    return HttpResponse(status=401)  # a page that is open says so; no login page in a part of it
                asked_for = {"next": request.get_full_path(), **({"lost": 1} if request.method == "POST" else {})}
                return HttpResponseRedirect(f"{reverse('login')}?{urlencode(asked_for)}")
            if person.must_change_password:
                return HttpResponseRedirect(reverse("password"))
            if not request.session.get("second") and second_factor.is_required(asked.actor):
                return HttpResponseRedirect(reverse("second_setup"))
            sessions.seen(request)
        if request.method in {"GET", "HEAD"}:
            answer = self.get_response(request)
            if person.is_authenticated:
                recent.remember(request, asked.actor, answer)
            return answer
        with pghistory.context(person=person.pk, name=person.username if person.pk else "", path=request.path):
            return self.get_response(request)
