"""How people get in: sessions, second factors, identities elsewhere, a log of tries, and what slows guessing down."""

from __future__ import annotations

import pghistory
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from shizhu.kernel.models.people import Person


class Session(AbstractBaseSession):
    """A browser that somebody is logged in with."""

    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="sessions")
    address = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=200, blank=True)
    began = models.DateTimeField(auto_now_add=True)
    seen = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-seen"]


class SignIn(models.Model):
    """A try to get in. Rows are added and never changed."""

    class Way(models.TextChoices):
        """With what."""

        PASSWORD = "password"  # noqa: S105  # the word, not one
        SECOND = "second"  # the code after the password
        RECOVERY = "recovery"
        OIDC = "oidc"
        BASIC = "basic"
        BEARER = "bearer"

    class Outcome(models.TextChoices):
        """How it ended."""

        IN = "in"
        HALF = "half"  # the password was right, the second factor is asked for
        WRONG = "wrong"
        WAIT = "wait"  # refused unseen: too many wrong tries before
        OFF = "off"  # the account is switched off, or not linked

    at = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="sign_ins")
    username = models.CharField(max_length=40, blank=True)  # of somebody there is; else the first two characters
    way = models.CharField(max_length=10, choices=Way.choices)
    outcome = models.CharField(max_length=6, choices=Outcome.choices)
    address = models.CharField(max_length=45)
    agent = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["person", "-id"], name="sign_in_of_person")]


class SignInLimit(models.Model):
    """How often a key (an account, an address, a browser) failed, and until when it has to wait."""

    key = models.CharField(primary_key=True, max_length=160)
    failures = models.IntegerField()
    at = models.DateTimeField()
    until = models.DateTimeField()

    def __str__(self) -> str:
        return self.key


@pghistory.track(
    pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent(),
    exclude=["secret", "recovery", "last_step"],
)  # fmt: skip
class SecondFactor(models.Model):
    """A person's authenticator app (RFC 6238); without `confirmed` it was only begun."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="second_factor")
    secret = models.BinaryField()  # encrypted with a key of this installation
    confirmed = models.DateTimeField(null=True)
    last_step = models.BigIntegerField(default=0)  # a code is good once
    recovery = models.JSONField(default=list)  # keyed hashes of codes that are left

    def __str__(self) -> str:
        return str(self.person_id)


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Identity(models.Model):
    """Who a person is at an OpenID provider."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="identities")
    issuer = models.CharField(max_length=200)
    subject = models.CharField(max_length=255)
    name = models.CharField(max_length=100, blank=True)
    linked = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["issuer", "subject"], name="identity_once")]

    def __str__(self) -> str:
        return self.name or self.subject
