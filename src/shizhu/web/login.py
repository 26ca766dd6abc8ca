"""Getting in: user name and password, then the second factor where somebody has one. Every try is kept."""

from __future__ import annotations

import math
import secrets
import time
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LogoutView
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters

from shizhu.kernel import second_factor, signin
from shizhu.kernel.models import Person, SignIn
from shizhu.web import addresses

BACKEND = "django.contrib.auth.backends.ModelBackend"
COOKIE = "shizhu_known"
PENDING = "half_in"  # the session of somebody whose password was right
PENDING_SECONDS = 300
Way, Outcome = SignIn.Way, SignIn.Outcome


class Logout(LogoutView):
    """Log out."""

    next_page = "/login"


def waits(until: datetime) -> str:
    """What somebody reads who has to wait."""
    minutes = math.ceil((until - timezone.now()).total_seconds() / 60)
    return _("Too many wrong tries. Wait %(minutes)s minutes and try again; nothing is lost.") % {"minutes": minutes}


def goal(request: HttpRequest, place: str) -> str:
    """Where to go after a form that says where: a page of ours."""
    safe = url_has_allowed_host_and_scheme(place, {request.get_host()}, require_https=request.is_secure())
    return place if place.startswith("/") and safe else "/"


def note(request: HttpRequest, way: str, outcome: str, person: Person | None = None, typed: str = "") -> None:
    """Keep a try."""
    where, agent = addresses.of(request), addresses.agent(request)
    signin.note(way, outcome, address=where, agent=agent, person=person, typed=typed)


def let_in(request: HttpRequest, person: Person, way: str, place: str) -> HttpResponse:
    """Begin the session: a new key, the browser known from now on."""
    login(request, person, backend=BACKEND)
    request.session.pop(PENDING, None)
    request.session.update({"_address": addresses.of(request), "_agent": addresses.agent(request), "way": way})
    note(request, way, Outcome.IN, person)
    answer = redirect(goal(request, place))
    cookie = request.COOKIES.get(COOKIE, "")
    nonce = signin.nonce_of(cookie, person.username) or secrets.token_urlsafe(12)
    answer.set_cookie(
        COOKIE, signin.known_browser(person, nonce), max_age=signin.KNOWN_DAYS * 86400, httponly=True,
        samesite="Lax", secure=settings.SESSION_COOKIE_SECURE, path="/login",
    )  # fmt: skip
    return answer


def first_step_done(request: HttpRequest, person: Person, way: str, place: str) -> HttpResponse:
    """The password, or the provider, was right: in, or to the second factor."""
    if second_factor.of(person) is None:
        return let_in(request, person, way, place)
    request.session.cycle_key()
    request.session[PENDING] = [person.pk, time.time(), place, way]
    note(request, way, Outcome.HALF, person)
    return redirect("second")


def _counted(request: HttpRequest, username: str, way: str = "page") -> list[signin.Limit]:
    known = signin.nonce_of(request.COOKIES.get(COOKIE, ""), username)
    return signin.limits(username, addresses.of(request), way, known)


def counted_inside(request: HttpRequest, person: Person, way: str) -> list[signin.Limit]:
    """What a try of somebody who is logged in counts against: the session alone."""
    return signin.limits(person.username, addresses.of(request), way, request.session.session_key or "")


@sensitive_post_parameters("password")
@csrf_protect
@never_cache
def page(request: HttpRequest) -> HttpResponse:
    """GET and POST /login."""
    place = request.POST.get("next", request.GET.get("next", ""))
    if request.user.is_authenticated:
        return redirect(goal(request, place))
    context: dict[str, Any] = {"next": place, "oidc": settings.CONFIG.oidc, "lost": "lost" in request.GET}
    form = AuthenticationForm(request)
    if request.method == "POST":
        username, password = request.POST.get("username", "").strip()[:150], request.POST.get("password", "")
        counted = _counted(request, username)
        until = signin.waits_until(counted)
        if until:
            note(request, Way.PASSWORD, Outcome.WAIT, typed=username)
            return render(
                request, "shizhu/login.html", {**context, "username": username, "wait": waits(until)}, status=429
            )
        if username and password:
            person = authenticate(request, username=username, password=password)
            if person is not None:
                signin.passed(counted)
                return first_step_done(request, person, Way.PASSWORD, place)
            signin.failed(counted)
            note(request, Way.PASSWORD, Outcome.WRONG, typed=username)
            context["problem"] = form.get_invalid_login_error().messages[0]
        context["username"] = username
    return render(request, "shizhu/login.html", {**context, "form": form})


@never_cache
def state(request: HttpRequest) -> JsonResponse:
    """GET /login/state: whose session it is (0: nobody's), and the token that forms of it want now."""
    return JsonResponse({"person": request.user.pk or 0, "token": get_token(request)})


def _half_in(request: HttpRequest) -> tuple[Person, str, str] | None:
    number, since, place, way = request.session.get(PENDING, (None, 0, "", ""))
    if number is None or time.time() - since > PENDING_SECONDS:
        return None
    person = Person.objects.filter(pk=number, is_active=True).first()
    return (person, place, way) if person else None


@sensitive_post_parameters("code")
@csrf_protect
@never_cache
def second(request: HttpRequest) -> HttpResponse:
    """GET and POST /login/second: the code of the app, or a recovery code."""
    found = _half_in(request)
    if found is None:
        return redirect("login")
    person, place, _way = found
    context: dict[str, Any] = {"name": person.name}
    if request.method == "POST":
        counted = _counted(request, person.username, "second")
        until = signin.waits_until(counted)
        if until:
            note(request, Way.SECOND, Outcome.WAIT, person)
            return render(request, "shizhu/second.html", {**context, "wait": waits(until)}, status=429)
        passed_by = second_factor.check(person, request.POST.get("code", ""))
        if passed_by:
            signin.passed(counted)
            answer = let_in(request, person, Way.RECOVERY if passed_by == "recovery" else Way.SECOND, place)
            request.session["second"] = True
            return answer
        signin.failed(counted)
        note(request, Way.SECOND, Outcome.WRONG, person)
        context["problem"] = _("That code is wrong, used already, or too old. Take the one your app shows now.")
    return render(request, "shizhu/second.html", context)
