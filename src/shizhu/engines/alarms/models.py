"""Tables: rules bound to their sources, the judge's memory, alarms and what they are made of."""

from __future__ import annotations

from datetime import datetime

import pghistory
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q

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
    datastream = models.BigIntegerField()  # of the source's, the one that decided
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
    levels = models.JSONField()  # [instant in microseconds since 1970, level], in order
    is_withdrawn = models.BooleanField(default=False)  # late data showed that it was not so

    class Meta:
        ordering = ["raised_at"]


class Act(models.Model):
    """What a person did with an alarm, or what it made known by itself; never changed."""

    alarm = models.ForeignKey(Alarm, models.CASCADE, related_name="acts")
    at = models.DateTimeField(auto_now_add=True)
    kind = models.CharField(max_length=12)  # acknowledged, assigned, shelved, unshelved, cleared, reminded, told
    person = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    other = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")  # to whom it was assigned
    note = models.TextField(blank=True)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["at", "id"]
