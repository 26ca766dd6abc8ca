"""Tables: channels of a county, what people wish, messages, and what became of each towards whom."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy

from shizhu.kernel.models import County, Person


class Kind(models.TextChoices):
    """How a channel sends."""

    EMAIL = "email", gettext_lazy("e-mail")
    WEBHOOK = "webhook", gettext_lazy("webhook")
    SMS = "sms", gettext_lazy("text message")
    VOICE = "voice", gettext_lazy("voice call")
    WECOM = "wecom", gettext_lazy("WeCom")
    LOUDSPEAKER = "speaker", gettext_lazy("loudspeaker")


class Channel(models.Model):
    """A way out of the county: a mail server, an address of another system, an operator."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind)
    name = models.CharField(max_length=60)
    address = models.CharField(max_length=300)  # host:port of a mail server, else an URL
    account = models.CharField(max_length=120, blank=True)  # sender of mail, account at the operator
    secret = models.CharField(max_length=200, blank=True)  # never shown again
    is_enabled = models.BooleanField(default=True)
    is_simulated = models.BooleanField(default=False)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["county", "name"], name="channel_name")]

    def __str__(self) -> str:
        return self.name


class Wish(models.Model):
    """How somebody wants to be told; without a row: on the page alone."""

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="+")
    kinds = models.JSONField(default=list)
    email = models.EmailField(blank=True)
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    digest_at = models.TimeField(null=True, blank=True)


class Message(models.Model):
    """Something that was told; `key` says of what, and nothing is told twice."""

    county = models.ForeignKey(County, models.CASCADE, related_name="+")
    key = models.CharField(max_length=120)
    level = models.CharField(max_length=8, blank=True)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=200, blank=True)  # path on this site
    voice = models.JSONField(default=dict)  # what loudspeakers say instead: text; `every` so many seconds, `until`
    wants_receipt = models.BooleanField(default=False)  # everybody who is told should say that they know
    is_end = models.BooleanField(default=False)  # what it is about is over
    replaced_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="+")  # the newer one that counts
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-made_at", "-id"]
        constraints = [models.UniqueConstraint(fields=["county", "key"], name="message_once")]

    def __str__(self) -> str:
        return self.title


class State(models.TextChoices):
    """What became of a delivery."""

    WAITING = "waiting", gettext_lazy("waits")
    SENT = "sent", gettext_lazy("passed on")
    RECEIVED = "received", gettext_lazy("arrived")
    FAILED = "failed", gettext_lazy("failed")


class Delivery(models.Model):
    """A message to a named person, a contact or another system by one channel; without a channel: on the page."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="deliveries")
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="+")
    channel = models.ForeignKey(Channel, models.CASCADE, null=True, related_name="+")
    contact = models.CharField(max_length=120, blank=True)  # somebody without a login: as whoever told them names them
    address = models.CharField(max_length=300, blank=True)
    note = models.TextField(blank=True)  # what it says besides, to this person alone
    parcel = models.CharField(max_length=32, blank=True)  # token of the first it was last handed over with
    token = models.CharField(max_length=32, unique=True)  # by it an operator tells what became of it
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    due = models.DateTimeField(null=True)  # when it is sent, or tried again
    tries = models.SmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=40, blank=True)  # the key that was pressed, or what was written back
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["message", "person", "contact", "channel"], nulls_distinct=False, name="delivery_once"
            )
        ]
        indexes = [
            models.Index(fields=["parcel"], condition=~Q(parcel=""), name="delivery_parcel"),
            models.Index(fields=["due"], condition=Q(state="waiting"), name="delivery_due"),
            models.Index(fields=["person"], condition=Q(read_at=None), name="delivery_unread"),
        ]
