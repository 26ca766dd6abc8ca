"""Log in at an OpenID provider: authorization code with PKCE (OpenID Connect Core 1.0, RFC 7636, RFC 9207).

A person links their identity first, while logged in here. Somebody the provider knows and we do not becomes a person
only where SHIZHU_OIDC_CREATE says so, and then without any post.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import re
import secrets
import time
import urllib.request
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from shizhu.kernel.models import Identity, Person, SignIn
from shizhu.kernel.text import sort_key
from shizhu.web import login

logger = logging.getLogger(__name__)
ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"]
STRONG = ({"mfa"}, {"pwd", "otp"})  # of RFC 8176: the provider asked for two factors; a key alone is one
TIMEOUT = 8
LARGEST = 1_000_000
LEEWAY = 60
FLOW = "oidc"  # of the session: state, nonce, verifier, where to, whether it is a link
FLOW_SECONDS = 600


class Refused(Exception):
    """The provider, or what it sent, cannot be trusted or reached; the text is for the log."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """What a provider says lies where it says; a redirect could lead to an address that is not https."""

    def redirect_request(self, *_: Any) -> None:
        """None: the answer is an error."""


_opener = urllib.request.build_opener(_NoRedirect)


def _is_same(given: object, ours: str) -> bool:
    return secrets.compare_digest(str(given).encode(errors="replace"), ours.encode())


def _fetch(url: str, form: dict[str, str] | None = None) -> dict[str, Any]:
    if not url.startswith(("https://", "http://127.0.0.1:", "http://localhost:")):
        raise Refused(f"{url!r} is not https")
    body = urlencode(form).encode() if form else None
    request = urllib.request.Request(url, body, {"Accept": "application/json"})  # noqa: S310  # checked above
    try:
        with _opener.open(request, timeout=TIMEOUT) as answer:
            told = json.loads(answer.read(LARGEST))
    except (OSError, ValueError) as error:
        raise Refused(f"{url}: {error}") from error
    if not isinstance(told, dict):
        raise Refused(f"{url} sent no object")
    return told


def provider() -> Any:
    """The provider of the settings (site.config.Oidc); 404 where there is none."""
    if settings.CONFIG.oidc is None:
        raise Http404
    return settings.CONFIG.oidc


def discovered() -> dict[str, Any]:
    """The provider's metadata (OpenID Connect Discovery 1.0); raises Refused if it names another issuer."""
    issuer = provider().issuer
    told = _fetch(f"{issuer}/.well-known/openid-configuration")
    if str(told.get("issuer", "")).rstrip("/") != issuer:
        raise Refused(f"the provider calls itself {told.get('issuer')!r}, not {issuer!r}")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        if not isinstance(told.get(name), str):
            raise Refused(f"the provider's metadata has no {name}")
    return told


def verified(token: str, keys: dict[str, Any], nonce: str) -> dict[str, Any]:
    """The claims of an ID token: signature by a key of the provider, issuer, audience, times and nonce are right."""
    from joserfc import jws  # noqa: PLC0415  # a heavy library, wanted at a log-in only
    from joserfc.errors import JoseError  # noqa: PLC0415
    from joserfc.jwk import KeySet  # noqa: PLC0415

    try:
        signed = jws.deserialize_compact(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)  # type: ignore[arg-type]
        claims = dict(json.loads(signed.payload))
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise Refused(f"the ID token is not signed by the provider: {error}") from error
    oidc, now = provider(), time.time()
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    wrong = [
        name
        for name, is_right in (
            ("iss", str(claims.get("iss", "")).rstrip("/") == oidc.issuer),
            ("aud", oidc.client in audiences),
            ("azp", len(audiences) == 1 or claims.get("azp") == oidc.client),
            ("exp", isinstance(claims.get("exp"), (int, float)) and claims["exp"] > now - LEEWAY),
            ("iat", isinstance(claims.get("iat"), (int, float)) and claims["iat"] < now + LEEWAY),
            ("nonce", _is_same(claims.get("nonce", ""), nonce)),
            (
                "sub",
                isinstance(claims.get("sub"), str) and 0 < len(claims["sub"]) <= 255 and claims["sub"].isprintable(),
            ),
        )
        if not is_right
    ]
    if wrong:
        raise Refused(f"the ID token has a wrong {', '.join(wrong)}")
    return dict(claims)


def _back(request: HttpRequest) -> str:
    return request.build_absolute_uri(reverse("oidc_callback"))


@require_POST
def start(request: HttpRequest) -> HttpResponse:
    """POST /login/oidc: to the provider. Somebody who is logged in comes back with their identity linked."""
    oidc = provider()
    try:
        metadata = discovered()
    except Refused as error:
        return _refuse(request, error)
    state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
    place = request.POST.get("next", "")
    link = request.user.pk if request.user.is_authenticated else None
    request.session[FLOW] = [state, nonce, verifier, place, link, time.time()]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "response_type": "code", "client_id": oidc.client, "redirect_uri": _back(request),
        "scope": "openid profile", "state": state, "nonce": nonce,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    address = metadata["authorization_endpoint"]
    return redirect(f"{address}{'&' if '?' in address else '?'}{urlencode(query)}")


@never_cache
def callback(request: HttpRequest) -> HttpResponse:
    """GET /login/oidc/callback: from the provider, with a code for a token."""
    oidc = provider()
    state, nonce, verifier, place, link, since = request.session.pop(FLOW, ("", "", "", "", None, 0))
    try:
        _check(request, state, since)
        claims = _claims(request, verifier, nonce)
    except Refused as error:
        return _refuse(request, error)
    if link is not None:
        return _link(request, link, claims)
    person = _person(claims)
    if person is None or not person.is_active:
        login.note(request, SignIn.Way.OIDC, SignIn.Outcome.OFF, person)
        return render(request, "shizhu/oidc_unknown.html", {"provider": oidc.name}, status=403)
    if person.must_change_password and person.has_usable_password():
        messages.info(request, _("Set a password of your own first."))
    if _is_strong(claims.get("amr")):
        answer = login.let_in(request, person, SignIn.Way.OIDC, place)
        request.session["second"] = True
        return answer
    return login.first_step_done(request, person, SignIn.Way.OIDC, place)


def _is_strong(methods: object) -> bool:
    return isinstance(methods, list) and any(all(one in methods for one in wanted) for wanted in STRONG)


def _check(request: HttpRequest, state: str, since: float) -> None:
    issuer = provider().issuer
    if not state or not _is_same(request.GET.get("state", ""), state):
        raise Refused("the state is not the one we sent")
    if time.time() - since > FLOW_SECONDS:
        raise Refused("it took longer than ten minutes")
    if request.GET.get("iss", issuer).rstrip("/") != issuer:
        raise Refused(f"the answer is of {request.GET['iss']!r}")
    if "code" not in request.GET:
        raise Refused(f"the provider answered {request.GET.get('error', 'nothing')!r}")


def _claims(request: HttpRequest, verifier: str, nonce: str) -> dict[str, Any]:
    oidc, metadata = provider(), discovered()
    form = {
        "grant_type": "authorization_code", "code": request.GET["code"], "redirect_uri": _back(request),
        "client_id": oidc.client, "client_secret": oidc.secret, "code_verifier": verifier,
    }  # fmt: skip
    told = _fetch(metadata["token_endpoint"], {name: value for name, value in form.items() if value})
    if not isinstance(told.get("id_token"), str):
        raise Refused("the provider sent no ID token")
    return verified(told["id_token"], _fetch(metadata["jwks_uri"]), nonce)


def _refuse(request: HttpRequest, error: Refused) -> HttpResponse:
    logger.warning("OpenID log-in refused: %s", error)
    login.note(request, SignIn.Way.OIDC, SignIn.Outcome.WRONG)
    messages.error(
        request,
        _("The log-in at %(name)s did not work. Try again, or use your password here.") % {"name": provider().name},
    )
    return redirect("account" if request.user.is_authenticated else "login")


def _name(claims: dict[str, Any]) -> str:
    name = str(claims.get("name") or claims.get("preferred_username") or claims["sub"])
    return "".join(sign for sign in name if sign.isprintable())[:60] or claims["sub"][:60]


def _link(request: HttpRequest, number: int, claims: dict[str, Any]) -> HttpResponse:
    if request.user.pk != number:
        raise PermissionDenied
    issuer = provider().issuer
    try:
        with transaction.atomic():
            Identity.objects.create(person_id=number, issuer=issuer, subject=claims["sub"], name=_name(claims))
        messages.success(request, _("Linked: you may log in with it from now on."))
    except IntegrityError:
        messages.error(request, _("That identity is linked already."))
    return redirect("account")


def _person(claims: dict[str, Any]) -> Person | None:
    oidc = provider()
    known = Identity.objects.filter(issuer=oidc.issuer, subject=claims["sub"]).select_related("person").first()
    if known:
        return known.person
    if not oidc.creates:
        return None
    wanted = re.sub(r"[^\w.@-]", "", str(claims.get("preferred_username", "")))[:40]
    if not wanted or Person.objects.filter(username=wanted).exists():
        wanted = f"oidc-{hashlib.sha256(claims['sub'].encode()).hexdigest()[:12]}"
    with transaction.atomic():
        name = _name(claims)
        person = Person.objects.create_person(username=wanted, password=None, name=name, sort_key=sort_key(name))
        Identity.objects.create(person=person, issuer=oidc.issuer, subject=claims["sub"], name=name)
    return person
