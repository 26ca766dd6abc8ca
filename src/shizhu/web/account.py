"""One's own account: password, second factor, sessions, linked identities, and when one logged in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from shizhu.kernel import second_factor, signin
from shizhu.kernel.models import Identity, SecondFactor, SignIn
from shizhu.lib import totp
from shizhu.web import addresses, login, people, sessions
from shizhu.web.codes import qr
from shizhu.web.middleware import Request

SHOWN = 12
PER_PAGE = 50


def page(request: Request) -> HttpResponse:
    """GET /account."""
    rows = sessions.of(request.user.pk)
    factor = second_factor.of(request.user)
    context = {
        "factor": factor,
        "left": len(factor.recovery) if factor else 0,
        "is_required": second_factor.is_required(request.actor),
        "sessions": [
            {"row": row, "browser": addresses.browser(row.agent), "is_this": row.pk == request.session.session_key}
            for row in rows
        ],
        "identities": request.user.identities.all(),
        "oidc": settings.CONFIG.oidc,
        "tries": _shown(request.user.sign_ins.all()[:SHOWN]),
    }
    return render(request, "shizhu/account.html", context)


def _shown(tries: Any) -> list[dict[str, Any]]:
    return [{"row": row, "browser": addresses.browser(row.agent)} for row in tries]


@require_POST
def session_end(request: Request) -> HttpResponse:
    """End one session, or all but this one; by the first characters of its key, which nobody can log in with."""
    which, here = request.POST.get("session", ""), request.session.session_key
    if which:
        ended = (
            sessions.of(request.user.pk).filter(pk__startswith=which[:8]).exclude(pk=here).delete()[0]
            if len(which) >= 8
            else 0
        )
    else:
        ended = sessions.end(request.user.pk, but=here)
    messages.success(request, _("Logged out elsewhere: %(count)s.") % {"count": ended})
    return redirect("account")


@sensitive_post_parameters("code", "password")
@never_cache
def second_setup(request: Request) -> HttpResponse:
    """GET and POST /account/second: put the secret into an app and prove it with a code."""
    person = request.user
    if not person.is_authenticated:
        return redirect("login")
    if second_factor.of(person):
        if not request.session.get("second"):
            logout(request)
        return redirect("account")
    if request.method == "POST":
        counted = login.counted_inside(request, person, "setup")
        until = signin.waits_until(counted)
        codes = None if until else second_factor.confirm(person, request.POST.get("code", ""))
        if codes:
            request.session["second"] = True
            request.session.cycle_key()
            sessions.end(person.pk, but=request.session.session_key)
            return render(request, "shizhu/second_codes.html", {"codes": codes})
        if until:
            messages.error(request, login.waits(until))
        else:
            signin.failed(counted)
            messages.error(request, _("That code is wrong, used already, or too old. Take the one your app shows now."))
    secret = second_factor.begin(person)
    place = totp.address(secret, f"石柱 {request.get_host()}", person.username)
    key = totp.base32(secret)
    groups = " ".join(key[at : at + 4] for at in range(0, len(key), 4))
    return render(request, "shizhu/second_setup.html", {"qr": qr(place), "key": groups, "place": place})


@sensitive_post_parameters("password")
@require_POST
def second_change(request: Request) -> HttpResponse:
    """New recovery codes, or no second factor any more; either wants the password once more."""
    person = request.user
    counted = login.counted_inside(request, person, "password")
    until = signin.waits_until(counted)
    if until:
        messages.error(request, login.waits(until))
        return redirect("account")
    if not person.check_password(request.POST.get("password", "")):
        signin.failed(counted)
        messages.error(request, _("The password is wrong; nothing was changed."))
        return redirect("account")
    signin.passed(counted)
    if request.POST.get("do") == "codes" and second_factor.of(person):
        return render(request, "shizhu/second_codes.html", {"codes": second_factor.renew_codes(person)})
    if second_factor.is_required(request.actor):
        messages.error(request, _("Your post needs a second factor; it can be renewed, not removed."))
        return redirect("account")
    second_factor.remove(person)
    messages.success(request, _("The second factor is removed."))
    return redirect("account")


@require_POST
def identity_remove(request: Request, number: int) -> HttpResponse:
    """Unlink an identity of one's own."""
    get_object_or_404(Identity, pk=number, person=request.user).delete()
    messages.success(request, _("The link is removed."))
    return redirect("account")


def sign_ins(request: Request) -> HttpResponse:
    """GET /people/sign-ins: every try in the county; tries of names that nobody has are for the installation's
    administrator."""
    people.require(request, people.VIEW)
    rows = SignIn.objects.select_related("person")
    own = Q(person__county=request.county)
    rows = rows.filter(own if request.user.county_id else own | Q(person__county__isnull=True))
    asked, outcome = request.GET.get("q", "").strip(), request.GET.get("outcome", "")
    if asked:
        rows = rows.filter(Q(username__icontains=asked) | Q(person__name__icontains=asked) | Q(address=asked))
    if outcome == "refused":
        rows = rows.exclude(outcome__in=(SignIn.Outcome.IN, SignIn.Outcome.HALF))
    found = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": found, "tries": _shown(found), "q": asked, "outcome": outcome}
    return render(request, "shizhu/sign_ins.html", context)


@require_POST
def person_second(request: Request, number: int) -> HttpResponse:
    """Take the second factor of somebody who lost it, or let them try again at once."""
    people.require(request, people.EDIT)
    person = get_object_or_404(people.visible(request), pk=number)
    people.require_all_of(request, person)
    if person.pk == request.user.pk:
        raise PermissionDenied
    if request.POST.get("do") == "release":
        signin.release(person)
        messages.success(request, _("%(name)s may try to log in again.") % {"name": person.name})
    elif SecondFactor.objects.filter(person=person).exists():
        second_factor.remove(person)
        sessions.end(person.pk)
        messages.success(
            request, _("The second factor of %(name)s is removed, all sessions are ended.") % {"name": person.name}
        )
    return redirect("person", number)
