"""Who is on duty when (值班), what happened in a shift, how it was handed over and swapped."""

from __future__ import annotations

import pghistory
from django.contrib.postgres.constraints import ExclusionConstraint
from django.db import models
from django.db.models import Deferrable, F, Func, Q, Value

from shizhu.kernel.models import Area, County, Organisation, Person


@pghistory.track(pghistory.InsertEvent(), pghistory.UpdateEvent(), pghistory.DeleteEvent())
class Duty(models.Model):
    """A shift: who of a role is on duty for an area, from–to. Nobody is on duty twice at a time."""

    county = models.ForeignKey(County, models.CASCADE)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    role = models.CharField(max_length=60)
    person = models.ForeignKey(Person, models.CASCADE, related_name="duties")
    begins = models.DateTimeField()
    ends = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(ends__gt=F("begins")), name="duty_ends_after"),
            ExclusionConstraint(
                name="duty_once_at_a_time",
                expressions=[  # a range of one number stands for =, which GiST has for ranges alone
                    (Func(F("person"), F("person"), Value("[]"), function="int8range"), "&&"),
                    (Func(F("begins"), F("ends"), function="tstzrange"), "&&"),
                ],
                deferrable=Deferrable.IMMEDIATE,
            ),
        ]
        indexes = [models.Index(fields=["county", "role", "begins"], name="duty_when")]
        ordering = ["begins", "pk"]

    def __str__(self) -> str:
        return f"{self.person} {self.begins:%Y-%m-%d %H:%M}"


class ShiftNote(models.Model):
    """A line of a shift's log (值班日志): what happened."""

    duty = models.ForeignKey(Duty, models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    text = models.TextField()

    class Meta:
        ordering = ["at", "pk"]


class Handover(models.Model):
    """A shift handed to the next (交接班): what was said, the matters open then, and that it was taken over by name."""

    duty = models.OneToOneField(Duty, models.CASCADE, related_name="handover")
    to = models.ForeignKey(Person, models.PROTECT, related_name="+")
    said = models.TextField(blank=True)
    matters = models.JSONField(default=list)  # [{kind, text, url, due}] as they were
    given_at = models.DateTimeField()
    taken_at = models.DateTimeField(null=True)


class Swap(models.Model):
    """Somebody asks another to take a shift (换班), for a shift of theirs or for nothing; it holds once agreed."""

    duty = models.ForeignKey(Duty, models.CASCADE, related_name="swaps")
    back = models.ForeignKey(Duty, models.CASCADE, null=True, related_name="+")  # the shift given in return
    asked_by = models.ForeignKey(Person, models.PROTECT, related_name="+")
    asked_of = models.ForeignKey(Person, models.PROTECT, related_name="+")
    why = models.TextField(blank=True)
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    is_agreed = models.BooleanField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["duty"], condition=Q(answered_at=None), name="swap_open_once"),
            models.CheckConstraint(
                condition=Q(answered_at=None, is_agreed=None) | Q(answered_at__isnull=False, is_agreed__isnull=False),
                name="swap_answered",
            ),
        ]
        ordering = ["asked_at", "pk"]
