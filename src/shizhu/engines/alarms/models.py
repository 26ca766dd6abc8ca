"""Tables: rules bound to their sources, the judge's memory, alarms."""

from __future__ import annotations

from datetime import timedelta

import pghistory
from django.db import models
from django.db.models import Q

from shizhu.kernel.models import Area, County, Organisation, Person

LEVEL_CHOICES = [("blue", "蓝"), ("yellow", "黄"), ("orange", "橙"), ("red", "红")]


class Binding(models.Model):
    """A rule judges a datastream, by this limit; or it cannot, and `problem` says why."""

    rule = models.CharField(max_length=100)
    datastream = models.BigIntegerField()  # of the things engine, by its id
    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.CASCADE, related_name="+")
    area = models.ForeignKey(Area, models.CASCADE, related_name="+")
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    lasting = models.DurationField()
    clearing = models.DurationField()
    gap = models.DurationField(default=timedelta(hours=1))
    problem = models.TextField(blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["rule", "datastream"], name="binding_once")]
        indexes = [models.Index(fields=["datastream"], name="binding_datastream")]


class Memory(models.Model):
    """What the judge remembers of a binding; committed with the alarms it raised."""

    binding = models.OneToOneField(Binding, models.CASCADE, primary_key=True, related_name="memory")
    last = models.DateTimeField(null=True)
    broken_since = models.DateTimeField(null=True)
    kept_since = models.DateTimeField(null=True)
    is_raised = models.BooleanField(default=False)


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
    datastream = models.BigIntegerField()
    level = models.CharField(max_length=8, choices=LEVEL_CHOICES)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    since = models.DateTimeField()  # event time of the first reading that broke the limit
    raised_at = models.DateTimeField()  # event time of the reading that raised it
    detected_at = models.DateTimeField(auto_now_add=True)  # when we knew
    value = models.FloatField()
    limit = models.CharField(max_length=40)  # as printed
    origin = models.SmallIntegerField()  # measured, simulated, replayed
    occurrences = models.IntegerField(default=1)  # how often it was raised again while open
    recovered_at = models.DateTimeField(null=True)  # event time since which the limit is kept again
    cleared_at = models.DateTimeField(null=True)
    cleared_by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    cleared_why = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "datastream"], condition=Q(state="open"), name="alarm_one_open"),
            models.CheckConstraint(
                condition=Q(state="open", cleared_at=None) | Q(state="cleared", cleared_at__isnull=False),
                name="alarm_cleared_when",
            ),
        ]
        indexes = [models.Index(fields=["county", "state", "-raised_at"], name="alarm_list")]
        ordering = ["-raised_at"]

    def __str__(self) -> str:
        return f"{self.rule} {self.datastream}"
