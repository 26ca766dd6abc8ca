"""The second factor: an authenticator app (RFC 6238), and recovery codes that are good once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Collection

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from shizhu.kernel.access import Actor
from shizhu.kernel.models import Grant, Person, Role, SecondFactor
from shizhu.lib import totp

CODES = 10
DUTY = "duty.second_factor"  # among the verbs of a role: no right, but that its holders need a second factor


def _key(purpose: str) -> bytes:
    return hashlib.sha256(f"shizhu {purpose}\0{settings.SECRET_KEY}".encode()).digest()


def _box() -> object:
    from cryptography.fernet import Fernet  # noqa: PLC0415  # a heavy library, wanted by few requests

    return Fernet(base64.urlsafe_b64encode(_key("second factor")))


def _sealed(secret: bytes) -> bytes:
    return bytes(_box().encrypt(secret))  # type: ignore[attr-defined]  # Fernet


def _opened(factor: SecondFactor) -> bytes:
    return bytes(_box().decrypt(bytes(factor.secret)))  # type: ignore[attr-defined]  # Fernet


def of(person: Person) -> SecondFactor | None:
    """The person's second factor, once confirmed."""
    return SecondFactor.objects.filter(person=person, confirmed__isnull=False).first()


def begin(person: Person) -> bytes:
    """A secret to be put into an app; begun twice it is the same until it is confirmed."""
    first = {"secret": _sealed(secrets.token_bytes(20))}
    begun, _is_new = SecondFactor.objects.get_or_create(person=person, defaults=first)
    if begun.confirmed:
        raise ValueError("there is a second factor already")
    return _opened(begun)


def confirm(person: Person, given: str) -> list[str] | None:
    """The first right code confirms it; returns the recovery codes, shown once. None if the code is wrong."""
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(person=person, confirmed__isnull=True).first()
        step = totp.step_of(_opened(factor), _digits(given), time.time()) if factor else None
        if factor is None or step is None:
            return None
        factor.confirmed, factor.last_step = timezone.now(), step
        return _new_codes(factor)


def renew_codes(person: Person) -> list[str]:
    """New recovery codes; the old ones are void."""
    with transaction.atomic():
        return _new_codes(SecondFactor.objects.select_for_update().get(person=person, confirmed__isnull=False))


def _new_codes(factor: SecondFactor) -> list[str]:
    made = [base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(CODES)]  # 80 bits each
    factor.recovery = [_hash(code) for code in made]
    factor.save()
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in made]


def _hash(code: str) -> str:
    return hmac.new(_key("recovery"), code.encode(), hashlib.sha256).hexdigest()


def _digits(given: str) -> str:
    return "".join(given.split())


def check(person: Person, given: str) -> str:
    """How somebody passed: "second" by a code of the app, "recovery" by one of the codes, "" not at all.

    A code of the app is good once, so is a recovery code.
    """
    text = _digits(given).replace("-", "").lower()
    with transaction.atomic():
        factor = SecondFactor.objects.select_for_update().filter(person=person, confirmed__isnull=False).first()
        if factor is None or not text:
            return ""
        step = totp.step_of(_opened(factor), text, time.time())
        if step is not None and step > factor.last_step:
            factor.last_step = step
            factor.save(update_fields=["last_step"])
            return "second"
        kept = [one for one in factor.recovery if not hmac.compare_digest(one, _hash(text))]
        if len(kept) == len(factor.recovery):
            return ""
        factor.recovery = kept
        factor.save(update_fields=["recovery"])
        return "recovery"


def remove(person: Person) -> None:
    """Take it away; the history keeps that it was there."""
    SecondFactor.objects.filter(person=person).delete()


def is_required(who: Actor) -> bool:
    """Whether one of the actor's roles may be used with a second factor only: by the setting, by its declaration, or
    because the county of the post demands it.
    """
    wanted = settings.CONFIG.second_factor_roles
    return any(scope.role in wanted or DUTY in scope.verbs for scope in who.scopes)


def demanded(county: str) -> dict[str, str]:
    """role → who demands a second factor of its holders in the county: the setting, its declaration, or the county."""
    found = dict.fromkeys(Grant.objects.filter(county_id=county, verb=DUTY).values_list("role", flat=True), "county")
    found |= {key: "declaration" for key, verbs in Role.objects.values_list("pk", "verbs") if DUTY in verbs}
    return found | dict.fromkeys(settings.CONFIG.second_factor_roles, "setting")


@transaction.atomic
def demand(county: str, roles: Collection[str]) -> None:
    """Let the county demand it of the holders of these roles, and of no others but those that must have it anyhow."""
    there = Grant.objects.filter(county_id=county, verb=DUTY)
    for grant in there.exclude(role__in=roles):
        grant.delete()
    given = set(there.values_list("role", flat=True))
    for role in Role.objects.filter(pk__in=set(roles) - given).order_by("pk"):
        Grant.objects.create(county_id=county, role=role, verb=DUTY)


def is_asked_of(person: Person, who: Actor) -> bool:
    """Whether a password alone does not let this person in."""
    return is_required(who) or of(person) is not None
