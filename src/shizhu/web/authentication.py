"""Who asks, for bare ASGI: HTTP Basic (a person), a bearer token, or the session cookie of the pages.

Hashing a password is slow on purpose, so what was found is kept for a few seconds; a revoked right lasts that long.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.db import connections
from django.db.models import Q
from django.http import HttpRequest, parse_cookie
from django.utils import timezone

from shizhu.kernel import access, second_factor, signin
from shizhu.kernel.models import Person, SignIn, Token
from shizhu.web import addresses, counties
from shizhu.web.sessions import SessionStore

KEPT_SECONDS = 5.0
MOST_KEPT = 1000
USED_STEP = timedelta(minutes=1)  # of the time a key was last used
CHALLENGE = ((b"www-authenticate", b'Basic realm="Shizhu", charset="UTF-8"'), (b"www-authenticate", b"Bearer"))
LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d+)?", re.IGNORECASE)
Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Credentials:
    """What a request shows: `scheme` is basic, bearer, session, or empty for nothing."""

    scheme: str = ""
    name: str = ""
    secret: str = ""
    address: str = ""

    @property
    def is_meant(self) -> bool:
        """Whether the caller wrote them into this request; a cookie comes by itself."""
        return self.scheme in {"basic", "bearer"}

    @property
    def fingerprint(self) -> bytes:
        """What they are remembered by."""
        return hashlib.sha256(f"{self.scheme}\0{self.name}\0{self.secret}".encode()).digest()


def headers_of(request: HttpRequest) -> list[Header]:
    """The headers of a request of Django's as bare ASGI has them."""
    return [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in request.headers.items()]


def header(headers: Iterable[Header], name: bytes) -> str:
    """A header's value, empty if there is none."""
    return next((value.decode("latin-1") for key, value in headers if key.lower() == name), "")


def credentials(headers: Iterable[Header], peer: str = "") -> Credentials:
    """Read the Authorization header, or else the session cookie; `peer` is the address at the other end of the line."""
    given = list(headers)
    shown = _shown(given)
    if "\0" in shown.name + shown.secret:  # no text of ours has one, and PostgreSQL takes none
        shown = Credentials()
    return replace(shown, address=addresses.real(peer, header(given, b"x-forwarded-for")))


def _shown(given: list[Header]) -> Credentials:
    scheme, _, value = header(given, b"authorization").partition(" ")
    if scheme.lower() == "bearer":
        return Credentials("bearer", "", value.strip())
    if scheme.lower() == "basic":
        return _basic(value)
    cookies = parse_cookie("; ".join(v.decode("latin-1") for key, v in given if key.lower() == b"cookie"))
    session = cookies.get(settings.SESSION_COOKIE_NAME)
    return Credentials("session", "", session) if session else Credentials()


def _basic(value: str) -> Credentials:
    try:
        name, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return Credentials()
    return Credentials("basic", name, secret)


def is_from_here(headers: Iterable[Header]) -> bool:
    """Whether the page that sent a request, if a page did, is one of ours: Origin names the Host."""
    given = list(headers)
    origin = header(given, b"origin")
    return origin.partition("://")[2] == header(given, b"host") if origin else False


def is_anybody(headers: Iterable[Header], shown: Credentials) -> bool:
    """Whether --open stands for a login: a page whose name was made to lead here (DNS rebinding) asks for that name."""
    is_here = LOOPBACK.fullmatch(header(headers, b"host")) is not None
    return settings.CONFIG.is_open and not shown.is_meant and is_here


def _person_of_basic(shown: Credentials) -> Person | None:
    person = Person.objects.filter(username=shown.name).first()
    if person is None:
        Person().set_password(shown.secret)  # as long as with a name that exists
        return None
    return person if person.check_password(shown.secret) else None


def _person_of_bearer(shown: Credentials) -> Person | None:
    digest, now = hashlib.sha256(shown.secret.encode()).hexdigest(), timezone.now()
    valid = Q(expires__isnull=True) | Q(expires__gt=now)
    token = Token.objects.filter(valid, digest=digest, revoked__isnull=True).select_related("person").first()
    if token is None:
        return None
    if token.used is None or now - token.used >= USED_STEP:
        Token.objects.filter(pk=token.pk).update(used=now)
    return token.person


FINDERS: dict[str, Callable[[Credentials], Person | None]] = {"basic": _person_of_basic, "bearer": _person_of_bearer}
_kept: dict[bytes, tuple[float, asyncio.Task[access.Actor | None]]] = {}


def _person_of_session(shown: Credentials) -> tuple[Person | None, bool]:
    """The person, and whether a second factor was shown."""
    request = HttpRequest()
    request.session = SessionStore(shown.secret)
    person = get_user(request)
    return (person if isinstance(person, Person) else None), bool(request.session.get("second"))


def _guarded(shown: Credentials) -> access.Actor | None:
    """Who is behind a password or a key; guessing is slowed down and kept.

    A right password that lets nobody in counts as a wrong one: how long one waits must not tell them apart.
    """
    counted = signin.limits(shown.name, shown.address, shown.scheme) if shown.scheme == "basic" else []  # keys are long
    if signin.waits_until(counted):
        signin.note(shown.scheme, SignIn.Outcome.WAIT, address=shown.address, typed=shown.name)
        return None
    who = _let_in(FINDERS[shown.scheme](shown), has_second=shown.scheme == "bearer")
    if who is None:
        signin.failed(counted)
        signin.note(shown.scheme, SignIn.Outcome.WRONG, address=shown.address, typed=shown.name)
    else:
        signin.passed(counted)
    return who


def _let_in(person: Person | None, *, has_second: bool) -> access.Actor | None:
    if person is None or not person.is_active or person.must_change_password:
        return None
    who = access.actor(person)
    return who if has_second or not second_factor.is_asked_of(person, who) else None


def find(shown: Credentials) -> access.Actor | None:
    """The person behind credentials as an actor, from synchronous code; None if there is none, or they are wrong.

    Of whom a new password or a second factor is still asked is nobody yet. A key was made by somebody who had shown
    both; a password alone is not enough where there is a second factor. A page sees the county its person works in,
    a program all in which they have posts.
    """
    if shown.scheme != "session":
        return _guarded(shown)
    person, has_second = _person_of_session(shown)
    who = _let_in(person, has_second=has_second)
    return counties.actor(person, who) if person and who else None


_right: dict[bytes, tuple[float, access.Actor]] = {}


def remembered(shown: Credentials) -> access.Actor | None:
    """As `find`, but a password that was right is hashed once in KEPT_SECONDS: programs send it with each request."""
    if shown.scheme != "basic":
        return find(shown)
    key, now = shown.fingerprint, time.monotonic()
    until, who = _right.get(key, (0.0, access.NOBODY))
    if until >= now:
        return who
    found = find(shown)
    if found is not None:
        if len(_right) >= MOST_KEPT:
            _right.clear()
        _right[key] = now + KEPT_SECONDS, found
    return found


def _find(shown: Credentials) -> access.Actor | None:
    try:
        return find(shown)
    finally:
        connections.close_all()  # those of this thread


async def actor(shown: Credentials) -> access.Actor | None:
    """The person behind credentials as an actor; None if there is none, or they are wrong."""
    if not shown.scheme:
        return None
    key, now = shown.fingerprint, time.monotonic()
    until, task = _kept.get(key, (0.0, None))
    if task is None or until < now or task.get_loop() is not asyncio.get_running_loop():
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        task = asyncio.create_task(sync_to_async(_find, thread_sensitive=False)(shown))
        _kept[key] = now + KEPT_SECONDS, task  # the task, so that many at once hash once
    try:
        found = await asyncio.shield(task)
    except Exception:
        _kept.pop(key, None)
        raise
    if found is None:
        _kept.pop(key, None)
    return found


def forget() -> None:
    """Forget what was found, at once."""
    _kept.clear()
    _right.clear()
