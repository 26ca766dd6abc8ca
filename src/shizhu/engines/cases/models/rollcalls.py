"""Tests of contacts (拨测): who was called, and what became of it."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from shizhu.engines.cases.models.cases import Case
from shizhu.kernel.models import Area, County, Organisation, Person


class RollCall(models.Model):
    """One test of all contacts of a row, begun by a person or by the timetable. `tried` tries have begun.

    Tests of one `batch` call each number once.
    """

    county = models.ForeignKey(County, models.CASCADE)
    key = models.CharField(max_length=100)  # <pack>.<file stem> of what declares it
    record = models.IntegerField()  # the row of the register
    title = models.CharField(max_length=300)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, models.PROTECT, related_name="+")
    batch = models.CharField(max_length=32)
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")
    is_simulated = models.BooleanField(default=False)  # a row or a channel was
    words = models.TextField()
    tried = models.SmallIntegerField(default=0)
    begun_at = models.DateTimeField()
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    case = models.ForeignKey(Case, models.SET_NULL, null=True, related_name="+")  # for who was not reached

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["county", "key", "record"], condition=Q(ended_at=None), name="rollcall_one_at_a_time"
            )
        ]
        indexes = [models.Index(fields=["county", "key", "record", "-begun_at"], name="rollcall_of_row")]
        ordering = ["-begun_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.title} {self.begun_at:%Y-%m-%d}"


class Called(models.Model):
    """A contact in a test: who it is, by which number, and what became of it."""

    class Result(models.TextChoices):
        """What became of it; empty while it waits."""

        ANSWERED = "answered"
        WRONG = "wrong"  # somebody else has the number
        EMPTY = "empty"  # nobody has it
        SILENT = "silent"  # no answer to any try
        NONE = "none"  # no number is kept that can be called

    rollcall = models.ForeignKey(RollCall, models.CASCADE, related_name="called")
    record = models.IntegerField()  # the row that names the contact
    register = models.CharField(max_length=100)
    of = models.CharField(max_length=300)  # its title
    duty = models.CharField(max_length=60)
    name = models.CharField(max_length=60, blank=True)
    address = models.CharField(max_length=40, blank=True)  # shown in part alone
    result = models.CharField(max_length=8, choices=Result, blank=True)
    answered_at = models.DateTimeField(null=True)
    way = models.CharField(max_length=8, blank=True)  # by which it was answered
    tries = models.SmallIntegerField(default=0)

    class Meta:
        ordering = ["pk"]


class RollTimetable(models.Model):
    """How often a county tests its contacts by itself."""

    class Every(models.TextChoices):
        """On the first workday of each."""

        MONTH = "month"
        QUARTER = "quarter"
        NEVER = "never"

    county = models.ForeignKey(County, models.CASCADE)
    key = models.CharField(max_length=100)
    every = models.CharField(max_length=8, choices=Every)
    last = models.DateField(null=True)  # the day on which it began tests last
    by = models.ForeignKey(Person, models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["county", "key"], name="rolltimetable_one")]
