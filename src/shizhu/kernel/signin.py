"""Guessing is slowed down and every try is kept.

Whoever fails waits longer and longer, up to a cap; nobody is shut out for ever. A browser that its owner used before is
counted by itself, so a stranger who guesses at an account cannot keep its owner out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.core import signing
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from shizhu.kernel.models import Person, SignIn, SignInLimit

SALT = "shizhu.known-browser"
KNOWN_DAYS = 180
FORGOTTEN = timedelta(days=1)  # without a failure for so long, the count begins anew


@dataclass(frozen=True)
class Limit:
    """`free` wrong tries, then waits that double from `first` to `most` seconds."""

    key: str
    free: int = 5
    first: int = 15
    most: int = 900


def limits(username: str, address: str, way: str = "page", known: str = "") -> list[Limit]:
    """What a try counts against: the browser alone where it is known; else the account from there, the account from
    anywhere, and, where names are tried, the address, which a whole office may share."""
    account = username.casefold()[:60]
    if known:
        return [Limit(f"{way} browser {known} of {account}")]
    counted = [Limit(f"{way} account {account} from {address}"), Limit(f"{way} account {account}", free=20, most=300)]
    return [*counted, Limit(f"{way} address {address}", free=50, most=300)] if way in {"page", "basic"} else counted


# For bare ASGI: whether a try of a name and an address has to wait.
WAITING = "SELECT EXISTS (SELECT FROM kernel_signinlimit WHERE key = ANY(%s) AND until > now())"


def waits_until(counted: Iterable[Limit]) -> datetime | None:
    """Until when a try has to wait; None if it may go on."""
    keys = [limit.key for limit in counted]
    found = SignInLimit.objects.filter(key__in=keys, until__gt=timezone.now()).order_by("-until").first()
    return found.until if found else None


def failed(counted: Iterable[Limit]) -> None:
    """Count a wrong try. Tries at the same moment count each; at most as many as there are threads slip through.

    An account that waits already counts no more against its address: a program with an old password keeps no other
    out.
    """
    sql = """
        INSERT INTO kernel_signinlimit AS l (key, failures, at, until) VALUES (%(key)s, 1, now(), now())
        ON CONFLICT (key) DO UPDATE SET
            failures = CASE WHEN l.at < now() - %(forgotten)s THEN 1 ELSE l.failures + 1 END,
            at = now(),
            until = CASE WHEN l.at < now() - %(forgotten)s OR l.failures + 1 < %(free)s THEN now()
                ELSE now() + make_interval(
                    secs => least(%(most)s, %(first)s * power(2, least(l.failures + 1 - %(free)s, 16)))) END
    """
    limits_ = {limit.key: limit for limit in counted}
    many = SignInLimit.objects.filter(key__in=[key for key in limits_ if " from " in key], failures__gte=Limit.free)
    if many.filter(at__gt=timezone.now() - FORGOTTEN).exists():
        limits_ = {key: limit for key, limit in limits_.items() if " address " not in key}
    with connection.cursor() as cursor:
        for _key, limit in sorted(limits_.items()):
            given: dict[str, Any] = {**asdict(limit), "forgotten": FORGOTTEN}
            cursor.execute(sql, given)


def passed(counted: Iterable[Limit]) -> None:
    """Forget the failures of whoever got in; those of the address stay, others may have made them."""
    SignInLimit.objects.filter(key__in=[limit.key for limit in counted if " address " not in limit.key]).delete()


def release(person: Person) -> int:
    """Let somebody try again at once; how many waits ended."""
    account = person.username.casefold()[:60]
    own = Q(key__endswith=f" account {account}") | Q(key__contains=f" account {account} from ")
    return SignInLimit.objects.filter(own | Q(key__contains=" browser ", key__endswith=f" of {account}")).delete()[0]


def note(
    way: str, outcome: str, *, address: str, agent: str = "", person: Person | None = None, typed: str = ""
) -> None:
    """Keep a try. What was typed as a user name may be a password: of a name nobody has, two characters are kept."""
    if person is None and typed:
        person = Person.objects.filter(username=typed[:40]).first()
    name = person.username if person else f"{typed[:2]}…" if typed else ""
    if way in {SignIn.Way.BASIC, SignIn.Way.BEARER} or outcome == SignIn.Outcome.WAIT:  # programs try without end
        just_now = timezone.now() - timedelta(minutes=1)
        same = {"way": way, "outcome": outcome, "address": address[:45], "username": name}
        if SignIn.objects.filter(**same, at__gt=just_now).exists():
            return
    SignIn.objects.create(
        person=person, username=name, way=way, outcome=outcome, address=address[:45], agent=agent[:200]
    )


def known_browser(person: Person, nonce: str) -> str:
    """The signed cookie that makes a browser known for one account."""
    return signing.dumps([person.pk, nonce], salt=SALT)


def nonce_of(cookie: str, username: str) -> str:
    """The browser's nonce, if the cookie is ours, young enough, and of that account."""
    try:
        number, nonce = signing.loads(cookie, salt=SALT, max_age=KNOWN_DAYS * 86400)
    except (signing.BadSignature, ValueError, TypeError):
        return ""
    return str(nonce) if Person.objects.filter(pk=number, username=username).exists() else ""


def forget_old() -> None:
    """Drop counts that begin anew anyway, and tries older than a year."""
    now = timezone.now()
    SignInLimit.objects.filter(at__lt=now - FORGOTTEN, until__lt=now).delete()
    SignIn.objects.filter(at__lt=now - timedelta(days=366)).delete()
