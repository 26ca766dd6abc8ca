"""Tables: rules bound to their sources, the judge's memory, alarms and what they are made of."""

from __future__ import annotations

from datetime import datetime

import pghistory
import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, Q, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Now
from django.utils import timezone

from shizhu.kernel.models import Area, County, Organisation, Person

LEVEL_CHOICES = [("blue", "蓝"), ("yellow", "黄"), ("orange", "橙"), ("red", "红")]


class Binding(models.Model):
    """A rule judges a source: a datastream, a Thing or a zone with its datastreams; or `problem` says why it cannot."""

    rule = models.CharField(max_length=100)
    source = models.CharField(max_length=120)  # datastream/12, thing/5, area/500240101, feature/pack.layer/7
    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    area = models.ForeignKey(Area, models.CASCADE, related_name="+")
    streams = ArrayField(models.BigIntegerField())  # datastreams of the things engine
    said = models.JSONField()  # what the rule says of its condition
    inputs = models.JSONField()  # of each: profile, property, and what the rule reads of its Thing
    version = models.CharField(max_length=64)  # of rule and inputs: a memory of another one is not gone on with
    begun = models.DateTimeField()  # when it began to be judged
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "source"], name="binding_once")]
        indexes = [GinIndex(fields=["streams"], name="binding_streams")]


class Revision(models.Model):
    """One row: its token changes with any binding, so that every process knows what it has compiled is old."""

    token = models.UUIDField()


class Memory(models.Model):
    """What the judge remembers of a binding; committed with the alarms it raised."""

    binding = models.OneToOneField(Binding, models.CASCADE, primary_key=True, related_name="memory")
    state = models.TextField()
    newest = models.BigIntegerField()  # instant of the newest state in `before`, microseconds since 1970
    before = models.TextField()  # states from which late readings are judged anew
    due = models.DateTimeField(null=True)  # not later than when time alone changes something
    judged = models.DateTimeField(default=timezone.now, db_default=Now())  # when a reading was, the last time

    class Meta:
        indexes = [models.Index(fields=["due"], condition=Q(due__isnull=False), name="memory_due")]


@pghistory.track()
class Alarm(models.Model):
    """A broken condition somebody must know of. At most one is open per rule and source: a unique index says so."""

    class State(models.TextChoices):
        """Open until the data or a person clears it."""

        OPEN = "open"
        CLEARED = "cleared"

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    rule = models.CharField(max_length=100)
    source = models.CharField(max_length=120)
    datastream = models.BigIntegerField()  # of the source's, the one that decided on the level, as did value and limit
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    since = models.DateTimeField()  # event time since which the condition is true
    raised_at = models.DateTimeField()  # event time at which it had been true for long enough
    detected_at = models.DateTimeField(auto_now_add=True)  # when we knew
    value = models.FloatField(null=True)  # None where nothing was ever heard
    limit = models.CharField(max_length=40)  # as printed; empty where there is none, as of a missing source
    origin = models.SmallIntegerField()  # measured, simulated, replayed
    occurrences = models.IntegerField(default=1)  # how often it was raised while open
    recovered_at = models.DateTimeField(null=True)  # event time since which the condition is false again
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    cleared_why = models.TextField(blank=True)
    is_withdrawn = models.BooleanField(default=False)  # late data showed that it should never have been
    is_false = models.BooleanField(default=False)  # whoever cleared it says that nothing was the matter
    suppressed = models.CharField(max_length=12, blank=True)  # why nobody is told: maintenance, parent
    root = models.ForeignKey("self", models.SET_NULL, null=True, related_name="followers")  # what it came of
    acknowledged_at = models.DateTimeField(null=True)
    assignee = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # on whom it lies
    shelved_until = models.DateTimeField(null=True)  # out of the list until then
    reminded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "source"], condition=Q(state="open"), name="alarm_one_open"),
            models.CheckConstraint(
                condition=Q(state="open", cleared_at=None) | Q(state="cleared", cleared_at__isnull=False),
                name="alarm_cleared_when",
            ),
        ]
        indexes = [
            models.Index(fields=["county", "state", "-raised_at"], name="alarm_list"),
            models.Index(fields=["rule", "source"], name="alarm_source"),
            models.Index(fields=["county", "raised_at"], name="alarm_raised"),
        ]
        ordering = ["-raised_at"]

    @classmethod
    def open_at(cls, at: datetime | None) -> Q:
        """The condition of those that are open, or were `at` a time past."""
        if at is None:
            return Q(state=cls.State.OPEN)
        return (Q(cleared_at=None) | Q(cleared_at__gt=at)) & Q(raised_at__lte=at)

    @classmethod
    def worst_first(cls) -> tuple[OrderBy | str, ...]:
        """An order: open ones by level, then the others; the newest of each first."""
        ranks = [
            When(state=cls.State.OPEN, level=level, then=rank) for rank, (level, _said) in enumerate(LEVEL_CHOICES)
        ]
        return Case(*ranks, default=-1).desc(), "-raised_at", "-pk"

    def __str__(self) -> str:
        return f"{self.rule} {self.source}"


class Occurrence(models.Model):
    """Once that the condition of an alarm came true, until it was false again; times are event times."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="happened")
    datastream = models.BigIntegerField()
    since = models.DateTimeField()
    raised_at = models.DateTimeField()
    recovered_at = models.DateTimeField(null=True)  # when it was known to be false again
    kept_since = models.DateTimeField(null=True)  # since when it was
    value = models.FloatField(null=True)
    limit = models.CharField(max_length=40)
    origin = models.SmallIntegerField()
    levels = models.JSONField()  # [instant in microseconds since 1970, level, value, limit, datastream], in order
    is_withdrawn = models.BooleanField(default=False)  # late data showed that it was not so

    class Meta:
        ordering = ["raised_at"]


class Act(models.Model):
    """What a person did with an alarm, or what it made known by itself; never changed."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="acts")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(
        max_length=12
    )  # acknowledged, assigned, released, shelved, unshelved, cleared, reminded, told
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    other = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # to whom it was assigned
    note = models.TextField(blank=True)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]


@pghistory.track()
class PublicWarning(models.Model):
    """What the public and those who answer for them are told of a danger; its messages are CAP alerts.

    `missed` is a danger that came without one: kept for the record alone.
    """

    class State(models.TextChoices):
        """From its first draft to its end."""

        DRAFT = "draft"
        DROPPED = "dropped"
        CURRENT = "current"
        CANCELLED = "cancelled"
        CLEARED = "cleared"
        EXPIRED = "expired"
        MISSED = "missed"

    class Outcome(models.TextChoices):
        """What came of it."""

        OPEN = ""
        HIT = "hit"
        FALSE = "false"
        MISS = "miss"

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")  # who issues it
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")  # the smallest that holds all it is for
    kind = models.CharField(max_length=100, blank=True)  # of warnings/*.yaml; empty: written by hand
    event = models.JSONField()  # {zh, en}
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    alarm = models.ForeignKey(Alarm, models.PROTECT, null=True, related_name="warnings")
    origin = models.SmallIntegerField(default=0)  # of the alarm, or 3: an exercise or a test
    made_at = models.DateTimeField(auto_now_add=True)
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=5, choices=Outcome, default=Outcome.OPEN, blank=True)
    happened_at = models.DateTimeField(null=True)  # when what was warned of came
    outcome_note = models.TextField(blank=True)
    outcome_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["-made_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome__in=["", "false"], happened_at=None) | Q(happened_at__isnull=False),
                name="warning_happened_when",
            ),
            models.CheckConstraint(
                condition=~Q(state="current") | Q(issued_at__isnull=False, expires_at__isnull=False),
                name="warning_current_has_times",
            ),
        ]
        indexes = [
            models.Index(fields=["county", "state", "-made_at"], name="warning_list"),
            models.Index(fields=["expires_at"], condition=Q(state="current"), name="warning_expires"),
        ]

    def __str__(self) -> str:
        return f"{self.event.get('zh', '')} {self.pk}"


class WarningMessage(models.Model):
    """One message of a warning: a draft until a second person issues it, and never changed after that.

    A draft that a rule made has no author until a person writes it anew.
    """

    class Kind(models.TextChoices):
        """What it does to the warning."""

        ALERT = "alert"
        UPDATE = "update"
        CANCEL = "cancel"
        ALL_CLEAR = "allclear"

    class State(models.TextChoices):
        """Whether it is out."""

        DRAFT = "draft"
        DROPPED = "dropped"
        ISSUED = "issued"

    warning = models.ForeignKey(PublicWarning, models.CASCADE, related_name="messages")
    kind = models.CharField(max_length=8, choices=Kind)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    version = models.IntegerField(default=1)  # of the draft: one issues what one has read
    content = models.JSONField()  # what is said, as `logic/warnings.py` has it
    author = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # who wrote or changed it last
    made_at = models.DateTimeField(auto_now_add=True)
    approver = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    identifier = models.CharField(max_length=60, null=True, unique=True)
    sent = models.DateTimeField(null=True)
    xml = models.BinaryField(null=True)  # as it went out, byte for byte
    sha256 = models.CharField(max_length=64, blank=True)
    notice = models.BigIntegerField(null=True)  # the message of the notices engine that goes with it

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["warning"], condition=Q(state="draft"), name="warning_one_draft"),
            models.UniqueConstraint(
                fields=["warning"],
                condition=Q(state="issued", kind__in=["cancel", "allclear"]),
                name="warning_ends_once",
            ),
            models.UniqueConstraint(
                fields=["warning"], condition=Q(state="issued", kind="alert"), name="warning_begins_once"
            ),
            models.CheckConstraint(
                condition=~Q(state="issued")
                | (
                    Q(author__isnull=False, approver__isnull=False)
                    & Q(identifier__isnull=False, sent__isnull=False, xml__isnull=False)
                    & ~Q(approver=models.F("author"))
                ),
                name="warning_two_persons",
            ),
        ]
        triggers = [
            pgtrigger.Protect(
                name="kept", operation=pgtrigger.Update | pgtrigger.Delete, condition=pgtrigger.Q(old__state="issued")
            )
        ]

    def __str__(self) -> str:
        return self.identifier or f"{self.warning_id} {self.kind}"


class Addressee(models.Model):
    """Somebody a message of a warning must reach: a person by a post, a household, a loudspeaker."""

    message = models.ForeignKey(WarningMessage, models.CASCADE, related_name="addressees")
    person = models.ForeignKey(Person, models.CASCADE, null=True, related_name="+")
    contact = models.CharField(max_length=120, blank=True)  # record/<number>, speaker/<number>
    name = models.CharField(max_length=200)  # of the person; the title of the record
    role = models.CharField(max_length=60, blank=True)  # of the post
    area = models.ForeignKey(Area, models.CASCADE, related_name="+")
    ring = models.SmallIntegerField(default=0)  # how often the ring was widened for them
    due = models.DateTimeField(null=True)  # when it is widened if they have not answered
    has_phone = models.BooleanField(default=True)  # a household without one is told by others from the beginning

    class Meta:
        ordering = ["area__path", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["message", "person", "contact"], nulls_distinct=False, name="addressee_once"
            )
        ]
        indexes = [models.Index(fields=["message", "due"], condition=Q(due__isnull=False), name="addressee_due")]

    def __str__(self) -> str:
        return f"{self.message_id} {self.name}"


class Door(models.Model):
    """A word about whether a household knows and has left; never changed, the newest counts."""

    class State(models.TextChoices):
        """What somebody at the door found."""

        MOVED = "moved"
        REFUSES = "refuses"
        AWAY = "away"  # nobody is at home
        FETCH = "fetch"  # they wait to be fetched
        TOLD = "told"  # they know now; asked for where nobody has to leave yet

    warning = models.ForeignKey(PublicWarning, models.CASCADE, related_name="doors")
    contact = models.CharField(max_length=120)  # record/<number>
    state = models.CharField(max_length=8, choices=State)
    at = models.DateTimeField()  # by the clock of the phone, not later than it was kept
    made_at = models.DateTimeField(auto_now_add=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    deed = models.UUIDField(unique=True)  # made by the phone: sent again, it is the same word

    class Meta:
        ordering = ["at", "pk"]
        indexes = [models.Index(fields=["warning", "contact", "-at"], name="door_newest")]

    def __str__(self) -> str:
        return f"{self.warning_id} {self.contact} {self.state}"
